"""What a purchase is worth: customers have a mean of their own, and few purchases tell little about it.

Gamma-gamma model of spend [1]_.

References
----------
.. [1] P. S. Fader, B. G. S. Hardie, "The gamma-gamma model of monetary value", note 25, 2013.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from journey_widgets.errors import JourneyDataError
from journey_widgets.upsell.bg_nbd import LEAST_REPEATERS
from journey_widgets.upsell.likelihood import Floats, Places, highest

ALIKE = 0.3
"""Correlation of frequency and worth from which on it is doubtful that they have nothing to do with each other, which
the model takes for granted."""


@dataclass(frozen=True)
class GammaGamma:
    """A gamma-gamma model of the worth of purchases.

    Attributes
    ----------
    p, q, v
        Parameters; `v` is in the currency.
    log_likelihood
        Of the customers it was fitted on.
    customers
        How many those were: who bought again, at a worth above 0.
    correlation
        Of frequency and mean worth; the model takes it as 0.
    errors
        Standard errors of the three parameters.
    """

    p: float
    q: float
    v: float
    log_likelihood: float = float("nan")
    customers: int = 0
    correlation: float = float("nan")
    errors: tuple[float, ...] = ()

    def expected(self, x: Any, m: Any) -> Floats:
        """Return the worth expected of a purchase of customers with `x` repeats of mean worth `m`.

        Between their own mean and that of everybody: the more repeats, the nearer to their own. Where `m` is not known
        it is that of everybody.

        Raises
        ------
        JourneyDataError
            `q` is 1 or less: worths differ so much that they have no mean.
        """
        if self.q <= 1:
            msg = (
                f"Worths of purchases differ so much that the model has no mean for them: q is {self.q:.3g}, above 1 "
                "was needed. Leave out what is no usual purchase, or compare medians."
            )
            raise JourneyDataError(msg)
        m = np.asarray(m, dtype=np.float64)
        x = np.where(np.isnan(m), 0.0, np.asarray(x, dtype=np.float64))
        own = np.where(x > 0, np.nan_to_num(m), 0.0)
        found: Floats = self.p * (self.v + own * x) / (self.p * x + self.q - 1)
        return found

    @property
    def doubtful(self) -> bool:
        """Whether customers who buy often spend so differently that the model does not fit."""
        return abs(self.correlation) > ALIKE


def fit_gamma_gamma(found: pd.DataFrame, *, near: GammaGamma | None = None) -> GammaGamma:
    """Fit the model to customers who bought again.

    Parameters
    ----------
    found
        As `purchases` returns it: ``x``, ``m``. Rows without a repeat, or worth 0 or less, are left out.
    near
        A model the search begins at. The result has no standard errors then.

    Raises
    ------
    JourneyDataError
        Fewer than ten such customers.
    """
    again = found[(found["x"] > 0) & (found["m"] > 0)]
    if len(again) < LEAST_REPEATERS:
        msg = f"{len(again)} customers bought again at a worth above 0; {LEAST_REPEATERS} or more are needed."
        raise JourneyDataError(msg)
    x, m = again["x"].to_numpy("float64"), again["m"].to_numpy("float64")
    start = np.array([1.0, 2.0, float(np.median(m))])
    close = None if near is None else np.array([near.p, near.q, near.v])
    some, place = np.unique(x, return_inverse=True)
    peak = highest(lambda p: _log_likelihood(p, x, m, some, place), start, close)
    alike = float(np.corrcoef(x, m)[0, 1]) if x.std() and m.std() else 0.0
    p, q, v = peak.at
    return GammaGamma(p, q, v, peak.height, len(again), alike, peak.errors)


def _log_likelihood(
    parameters: Floats, x: Floats, m: Floats, some: Floats, place: Places
) -> tuple[float, Floats]:
    """Return the log-likelihood and its slope in each parameter; `some` and `place` as for the purchases."""
    from scipy.special import digamma, gammaln

    p, q, v = parameters
    of_x = gammaln(p * some + q) - gammaln(p * some) - gammaln(q) + p * some * np.log(some)
    by_whole, by_own = digamma(p * some + q)[place], digamma(p * some)[place]
    own, whole, s = p * x, p * x + q, v + m * x
    log_m, log_s = np.log(m), np.log(s)
    each = of_x[place] + q * np.log(v) + (own - 1) * log_m - whole * log_s
    slopes = [
        x * (by_whole - by_own + log_m + np.log(x) - log_s),
        by_whole - digamma(q) + np.log(v) - log_s,
        q / v - whole / s,
    ]
    return float(each.sum()), np.array([float(s_.sum()) for s_ in slopes])
