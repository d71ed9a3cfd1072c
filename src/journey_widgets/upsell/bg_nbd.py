"""How many purchases will come, without a contract: buying at a rate of one's own until one drops out unseen.

Beta-geometric / negative binomial (BG/NBD) model [1]_.

References
----------
.. [1] P. S. Fader, B. G. S. Hardie, K. L. Lee, "Counting your customers the easy way", Marketing Science 24(2), 2005.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from journey_widgets.errors import JourneyDataError
from journey_widgets.upsell.likelihood import Floats, Places, highest

LEAST_REPEATERS = 10


@dataclass(frozen=True)
class BgNbd:
    """A BG/NBD model of buying.

    Attributes
    ----------
    r, alpha
        Purchase rates differ as a gamma distribution of shape `r` and rate `alpha` (in units of time).
    a, b
        Chances of dropping out after a purchase differ as a beta distribution.
    log_likelihood
        Of the customers it was fitted on.
    customers, repeaters
        How many those were, and how many of them bought again.
    errors
        Standard errors of the four parameters, from the curvature of the log-likelihood.
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
        return f"BG/NBD (r {self.r:.3g}, alpha {self.alpha:.3g}, a {self.a:.3g}, b {self.b:.3g})"

    @property
    def aic(self) -> float:
        """Akaike's criterion; lower is better, between models of the same data in the same unit of time."""
        return 8 - 2 * self.log_likelihood

    def expected_new(self, t: Any) -> Floats:
        """Return the repeat purchases expected of a new customer within times `t`."""
        from scipy.special import hyp2f1

        t = np.asarray(t, dtype=np.float64)
        r, alpha, a, b = self.r, self.alpha, self.a, self.b
        with_dropout = hyp2f1(r, b, a + b - 1, t / (alpha + t))
        found: Floats = (a + b - 1) / (a - 1) * (1 - (alpha / (alpha + t)) ** r * with_dropout)
        return found

    def expected(self, horizon: Any, x: Any, t_x: Any, T: Any) -> Floats:  # noqa: N803 - the field's names
        """Return the purchases expected within `horizon` after `T` of customers with `x`, `t_x` and `T`.

        Of several horizons, one row each.
        """
        x, t_x, T = (np.asarray(v, dtype=np.float64) for v in (x, t_x, T))  # noqa: N806
        # What is slow to work out depends on x and T alone, and many customers share them.
        pairs, place = np.unique(x + 1j * T, return_inverse=True)
        ends = np.atleast_1d(np.asarray(horizon, dtype=np.float64))
        alive = np.array([self._while_alive(float(h), pairs.real, pairs.imag) for h in ends])
        found: Floats = alive[:, place.reshape(x.shape)] / (1 + self._gone(x, t_x, T))
        return found if np.ndim(horizon) else found[0]

    def _while_alive(self, horizon: float, x: Floats, T: Floats) -> Floats:  # noqa: N803
        """Return the purchases expected within a horizon of customers who have not dropped out at `T`."""
        from scipy.special import hyp2f1

        r, alpha, a, b = self.r, self.alpha, self.a, self.b
        still = 1 - ((alpha + T) / (alpha + T + horizon)) ** (r + x) * hyp2f1(
            r + x, b + x, a + b + x - 1, horizon / (alpha + T + horizon)
        )
        found: Floats = (a + b + x - 1) / (a - 1) * still
        return found

    def alive(self, x: Any, t_x: Any, T: Any) -> Floats:  # noqa: N803
        """Return the chance that customers have not dropped out.

        It is 1 without a repeat: in this model one drops out after a purchase only. It is no certainty about churn.
        """
        x, t_x, T = (np.asarray(v, dtype=np.float64) for v in (x, t_x, T))  # noqa: N806
        found: Floats = 1 / (1 + self._gone(x, t_x, T))
        return found

    def _gone(self, x: Floats, t_x: Floats, T: Floats) -> Floats:  # noqa: N803
        """Return the odds of having dropped out."""
        with np.errstate(divide="ignore"):
            odds = self.a / (self.b + np.maximum(x, 1) - 1) * (
                (self.alpha + T) / (self.alpha + t_x)
            ) ** (self.r + x)  # fmt: skip
        return np.where(x > 0, odds, 0.0)

    def probability(self, x: int, t: float) -> float:
        """Return the chance that a new customer makes `x` repeat purchases within `t`."""
        from scipy.special import betaln, gammaln

        r, alpha, a, b = self.r, self.alpha, self.a, self.b
        log_rest = r * np.log(alpha / (alpha + t))
        shared = t / (alpha + t)

        def ways(j: npt.NDArray[np.int64]) -> Floats:
            found: Floats = (
                np.exp(gammaln(r + j) - gammaln(r) - gammaln(j + 1) + log_rest) * shared**j
            )
            return found

        stays = float(np.exp(betaln(a, b + x) - betaln(a, b)) * ways(np.array([x]))[0])
        if x == 0:
            return stays
        left = np.exp(betaln(a + 1, b + x - 1) - betaln(a, b)) * (1 - ways(np.arange(x)).sum())
        return stays + float(left)


def alike(found: pd.DataFrame) -> tuple[Floats, Floats, Floats, Floats, int]:
    """Return x, t_x and T of customers, those alike once, how many each stands for, and how many bought again.

    Fewer than ten who bought again are a `JourneyDataError`.
    """
    repeaters = int((found["x"] > 0).sum())
    if repeaters < LEAST_REPEATERS:
        msg = f"{repeaters} customers bought again; {LEAST_REPEATERS} or more are needed to say how often they will."
        raise JourneyDataError(msg)
    counted = found.groupby(["x", "t_x", "T"], sort=False).size().reset_index(name="many")
    x, t_x, T, many = (counted[c].to_numpy("float64") for c in ("x", "t_x", "T", "many"))  # noqa: N806
    return x, t_x, T, many, repeaters


def fit_bg_nbd(found: pd.DataFrame, *, near: BgNbd | None = None) -> BgNbd:
    """Fit the model to the purchases of customers.

    Parameters
    ----------
    found
        As `purchases` returns it: ``x``, ``t_x``, ``T``.
    near
        A model the search begins at, such as that of the month before. The result has no standard errors then.

    Raises
    ------
    JourneyDataError
        Fewer than ten customers bought again: there is nothing to learn a rate from.
    """
    x, t_x, T, many, repeaters = alike(found)  # noqa: N806 - the field's name
    start = np.array([1.0, max(float(np.average(T, weights=many)) / 4, 0.1), 1.0, 1.0])
    close = None if near is None else np.array([near.r, near.alpha, near.a, near.b])
    some, place = np.unique(x, return_inverse=True)
    peak = highest(lambda p: _log_likelihood(p, x, t_x, T, many, some, place), start, close)
    r, alpha, a, b = peak.at
    return BgNbd(r, alpha, a, b, peak.height, int(many.sum()), repeaters, peak.errors)


def _log_likelihood(
    p: Floats, x: Floats, t_x: Floats, T: Floats, many: Floats, some: Floats, place: Places,  # noqa: N803
) -> tuple[float, Floats]:  # fmt: skip
    """Return the log-likelihood and its slope in each parameter.

    `some` are the different numbers of purchases and `place` says which of them each of `x` is: what is slow to work
    out depends on them alone.
    """
    from scipy.special import betaln, digamma, gammaln

    r, alpha, a, b = p
    of_x = gammaln(r + some) - gammaln(r) + betaln(a, b + some) - betaln(a, b)
    slopes_of_x = [
        digamma(r + some) - digamma(r), digamma(a + b) - digamma(a + b + some),
        digamma(b + some) - digamma(a + b + some) - digamma(b) + digamma(a + b),
    ]  # fmt: skip
    by_r, by_a, by_b = (s[place] for s in slopes_of_x)
    c, again = r + x, x > 0
    log_T, log_t = np.log(alpha + T), np.log(alpha + t_x)  # noqa: N806
    before = np.where(again, b + x - 1, 1.0)
    stays = -c * log_T
    left = np.where(again, np.log(a) - np.log(before) - c * log_t, -np.inf)
    both = np.logaddexp(stays, left)
    gone = np.exp(left - both)
    each = of_x[place] + r * np.log(alpha) + both
    slopes = [
        by_r + np.log(alpha) - (1 - gone) * log_T - gone * log_t,
        r / alpha - c * ((1 - gone) / (alpha + T) + gone / (alpha + t_x)),
        by_a + gone / a,
        by_b - gone / before,
    ]
    return float((many * each).sum()), np.array([float((many * s).sum()) for s in slopes])
