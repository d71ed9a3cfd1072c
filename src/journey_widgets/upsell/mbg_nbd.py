"""How many purchases will come, where somebody may also drop out right after the first one.

Modified beta-geometric / negative binomial (MBG/NBD) model [1]_. Unlike BG/NBD it does not take everybody who bought
once for a customer still: the chance of being there is below 1 without a repeat too.

References
----------
.. [1] E. P. Batislam, M. Denizel, A. Filiztekin, "Empirical validation and comparison of models for customer base
   analysis", International Journal of Research in Marketing 24, 2007.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from journey_widgets.upsell.bg_nbd import alike
from journey_widgets.upsell.likelihood import Floats, highest


@dataclass(frozen=True)
class MbgNbd:
    """An MBG/NBD model of buying.

    Attributes
    ----------
    r, alpha, a, b
        As of `BgNbd`.
    log_likelihood, customers, repeaters, errors
        As of `BgNbd`.
    """

    r: float
    alpha: float
    a: float
    b: float
    log_likelihood: float = float("nan")
    customers: int = 0
    repeaters: int = 0
    errors: tuple[float, ...] = ()

    @property
    def said(self) -> str:
        """Its name and parameters."""
        return f"MBG/NBD (r {self.r:.3g}, alpha {self.alpha:.3g}, a {self.a:.3g}, b {self.b:.3g})"

    @property
    def aic(self) -> float:
        """Akaike's criterion; lower is better, between models of the same data in the same unit of time."""
        return 8 - 2 * self.log_likelihood

    def alive(self, x: Any, t_x: Any, T: Any) -> Floats:  # noqa: N803 - the field's names
        """Return the chance that customers have not dropped out."""
        x, t_x, T = (np.asarray(v, dtype=np.float64) for v in (x, t_x, T))  # noqa: N806
        found: Floats = 1 / (1 + self._gone(x, t_x, T))
        return found

    def expected(self, horizon: Any, x: Any, t_x: Any, T: Any) -> Floats:  # noqa: N803
        """Return the purchases expected within `horizon` after `T`; of several horizons, one row each."""
        from scipy.special import hyp2f1

        x, t_x, T = (np.asarray(v, dtype=np.float64) for v in (x, t_x, T))  # noqa: N806
        r, alpha, a, b = self.r, self.alpha, self.a, self.b
        rows = []
        for h in np.atleast_1d(np.asarray(horizon, dtype=np.float64)):
            still = 1 - ((alpha + T) / (alpha + T + h)) ** (r + x) * hyp2f1(
                r + x, b + x + 1, a + b + x, h / (alpha + T + h)
            )
            rows.append((a + b + x) / (a - 1) * still / (1 + self._gone(x, t_x, T)))
        found = np.array(rows)
        return found if np.ndim(horizon) else np.asarray(found[0])

    def expected_new(self, t: Any) -> Floats:
        """Return the repeat purchases expected of a new customer within times `t`."""
        from scipy.special import hyp2f1

        t = np.asarray(t, dtype=np.float64)
        r, alpha, a, b = self.r, self.alpha, self.a, self.b
        still = 1 - (alpha / (alpha + t)) ** r * hyp2f1(r, b + 1, a + b, t / (alpha + t))
        found: Floats = b / (a - 1) * still
        return found

    def _gone(self, x: Floats, t_x: Floats, T: Floats) -> Floats:  # noqa: N803
        """Return the odds of having dropped out."""
        found: Floats = (
            self.a / (self.b + x) * ((self.alpha + T) / (self.alpha + t_x)) ** (self.r + x)
        )
        return found


def fit_mbg_nbd(found: pd.DataFrame, *, near: MbgNbd | None = None) -> MbgNbd:
    """Fit the model to the purchases of customers.

    Parameters and errors as of `fit_bg_nbd`.
    """
    x, t_x, T, many, repeaters = alike(found)  # noqa: N806 - the field's name
    start = np.array([1.0, max(float(np.average(T, weights=many)) / 4, 0.1), 1.0, 1.0])
    close = None if near is None else np.array([near.r, near.alpha, near.a, near.b])
    peak = highest(lambda p: _log_likelihood(p, x, t_x, T, many), start, close)
    r, alpha, a, b = peak.at
    return MbgNbd(r, alpha, a, b, peak.height, int(many.sum()), repeaters, peak.errors)


def _log_likelihood(
    p: Floats, x: Floats, t_x: Floats, T: Floats, many: Floats  # noqa: N803
) -> tuple[float, Floats]:  # fmt: skip
    """Return the log-likelihood and its slope in each parameter."""
    from scipy.special import betaln, digamma, gammaln

    r, alpha, a, b = p
    c, log_T, log_t = r + x, np.log(alpha + T), np.log(alpha + t_x)  # noqa: N806
    stays = betaln(a, b + x + 1) - c * log_T
    left = betaln(a + 1, b + x) - c * log_t
    both = np.logaddexp(stays, left)
    gone = np.exp(left - both)
    each = gammaln(c) - gammaln(r) + r * np.log(alpha) - betaln(a, b) + both
    of_whole = digamma(a + b + x + 1)
    slopes = [
        digamma(c) - digamma(r) + np.log(alpha) - (1 - gone) * log_T - gone * log_t,
        r / alpha - c * ((1 - gone) / (alpha + T) + gone / (alpha + t_x)),
        (1 - gone) * digamma(a) + gone * digamma(a + 1) - of_whole - digamma(a) + digamma(a + b),
        (1 - gone) * digamma(b + x + 1)
        + gone * digamma(b + x)
        - of_whole
        - digamma(b)
        + digamma(a + b),
    ]
    return float((many * each).sum()), np.array([float((many * s).sum()) for s in slopes])
