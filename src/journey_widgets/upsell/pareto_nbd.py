"""How many purchases will come, where somebody may drop out at any moment.

Pareto / negative binomial (Pareto/NBD) model [1]_, as computed in [2]_.

References
----------
.. [1] D. Schmittlein, D. Morrison, R. Colombo, "Counting your customers: who are they and what will they do next?",
   Management Science 33, 1987.
.. [2] P. S. Fader, B. G. S. Hardie, "A note on deriving the Pareto/NBD model and related expressions", note 9, 2005.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from journey_widgets.upsell.bg_nbd import alike
from journey_widgets.upsell.likelihood import Floats, highest

STEP, MOST_TERMS = 1e-5, 20_000


@dataclass(frozen=True)
class ParetoNbd:
    """A Pareto/NBD model of buying.

    Attributes
    ----------
    r, alpha
        Purchase rates differ as a gamma distribution of shape `r` and rate `alpha`.
    s, beta
        Rates of dropping out differ as a gamma distribution of shape `s` and rate `beta`.
    log_likelihood, customers, repeaters, errors
        As of `BgNbd`.
    """

    r: float
    alpha: float
    s: float
    beta: float
    log_likelihood: float = float("nan")
    customers: int = 0
    repeaters: int = 0
    errors: tuple[float, ...] = ()

    @property
    def said(self) -> str:
        """Its name and parameters."""
        return f"Pareto/NBD (r {self.r:.3g}, alpha {self.alpha:.3g}, s {self.s:.3g}, beta {self.beta:.3g})"

    @property
    def aic(self) -> float:
        """Akaike's criterion; lower is better, between models of the same data in the same unit of time."""
        return 8 - 2 * self.log_likelihood

    def expected_new(self, t: Any) -> Floats:
        """Return the repeat purchases expected of a new customer within times `t`."""
        t = np.asarray(t, dtype=np.float64)
        r, alpha, s, beta = self.r, self.alpha, self.s, self.beta
        found: Floats = r * beta / (alpha * (s - 1)) * (1 - (beta / (beta + t)) ** (s - 1))
        return found

    def alive(self, x: Any, t_x: Any, T: Any) -> Floats:  # noqa: N803 - the field's names
        """Return the chance that customers have not dropped out."""
        x, t_x, T = (np.asarray(v, dtype=np.float64) for v in (x, t_x, T))  # noqa: N806
        r, alpha, s, beta = self.r, self.alpha, self.s, self.beta
        stays = -(r + x) * np.log(alpha + T) - s * np.log(beta + T)
        whole = _log_whole(r, alpha, s, beta, x, t_x, T)
        found: Floats = np.exp(stays - whole)
        return found

    def expected(self, horizon: Any, x: Any, t_x: Any, T: Any) -> Floats:  # noqa: N803
        """Return the purchases expected within `horizon` after `T`; of several horizons, one row each."""
        x, t_x, T = (np.asarray(v, dtype=np.float64) for v in (x, t_x, T))  # noqa: N806
        r, alpha, s, beta = self.r, self.alpha, self.s, self.beta
        there = self.alive(x, t_x, T)
        rows = [
            (r + x)
            * (beta + T)
            / ((alpha + T) * (s - 1))
            * (1 - ((beta + T) / (beta + T + h)) ** (s - 1))
            * there
            for h in np.atleast_1d(np.asarray(horizon, dtype=np.float64))
        ]
        found = np.array(rows)
        return found if np.ndim(horizon) else np.asarray(found[0])


def fit_pareto_nbd(found: pd.DataFrame, *, near: ParetoNbd | None = None) -> ParetoNbd:
    """Fit the model to the purchases of customers.

    Parameters and errors as of `fit_bg_nbd`. Its slope is found by small steps.
    """
    x, t_x, T, many, repeaters = alike(found)  # noqa: N806 - the field's name
    middle = max(float(np.average(T, weights=many)) / 4, 0.1)

    def height(p: Floats) -> float:
        return float((many * _log_likelihood(p, x, t_x, T)).sum())

    def with_slope(p: Floats) -> tuple[float, Floats]:
        steps = np.eye(len(p)) * STEP * p
        slope = [(height(p + s) - height(p - s)) / (2 * s.sum()) for s in steps]
        return height(p), np.array(slope)

    close = None if near is None else np.array([near.r, near.alpha, near.s, near.beta])
    peak = highest(with_slope, np.array([1.0, middle, 1.0, middle]), close)
    r, alpha, s, beta = peak.at
    return ParetoNbd(r, alpha, s, beta, peak.height, int(many.sum()), repeaters, peak.errors)


def _log_likelihood(p: Floats, x: Floats, t_x: Floats, T: Floats) -> Floats:  # noqa: N803
    from scipy.special import gammaln

    r, alpha, s, beta = (float(v) for v in p)
    found: Floats = (
        gammaln(r + x)
        - gammaln(r)
        + r * np.log(alpha)
        + s * np.log(beta)
        + _log_whole(r, alpha, s, beta, x, t_x, T)
    )
    return found


def _log_whole(
    r: float,
    alpha: float,
    s: float,
    beta: float,
    x: Floats,
    t_x: Floats,
    T: Floats,  # noqa: N803
) -> Floats:
    """Return the logarithm of both together: being there still, and having dropped out since the last purchase."""
    more, less = max(alpha, beta), abs(alpha - beta)
    order = s + 1 if alpha >= beta else r + x

    def part(t: Floats) -> Floats:
        """Return the hypergeometric function over its power, in logarithms, in Euler's form: no part of it is huge."""
        z = less / (more + t)
        found: Floats = (
            np.log(_from_one(r + s + x + 1 - order, r + s + x + 1, z)) + (1 - order) * np.log1p(-z)
            - (r + s + x) * np.log(more + t)
        )  # fmt: skip
        return found

    stays = -(r + x) * np.log(alpha + T) - s * np.log(beta + T)
    near, far = part(t_x), part(T)
    with np.errstate(
        divide="ignore"
    ):  # without time since the last purchase nobody has dropped out since
        gap = near + np.log1p(-np.exp(np.minimum(far - near, 0.0)))
    found: Floats = np.logaddexp(stays, np.log(s) - np.log(r + s + x) + gap)
    return found


def _from_one(b: Floats, c: Floats, z: Floats) -> Floats:
    """Return the hypergeometric function of 1, b, c and z, for b below c and z from 0 to below 1."""
    from scipy.special import hyp2f1

    found = np.asarray(hyp2f1(1.0, b, c, z), dtype=np.float64)
    wrong = ~np.isfinite(found) | (found < 1)
    if wrong.any():  # it is a plain sum whose terms fall
        own_b, own_c, own_z = (np.broadcast_to(v, found.shape)[wrong] for v in (b, c, z))
        total, term = np.ones(int(wrong.sum())), np.ones(int(wrong.sum()))
        for k in range(MOST_TERMS):
            term = term * (own_b + k) / (own_c + k) * own_z
            total = total + term
            if (term <= 1e-16 * total).all():
                break
        found[wrong] = total
    return found
