"""Logistic regression by Newton's method, with errors that allow for a customer's rows being alike."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from journey_widgets.errors import JourneyDataError
from journey_widgets.estimates import Floats

STEPS, ENOUGH, FARTHEST = 25, 1e-9, 30.0


@dataclass(frozen=True)
class Fit:
    """A logistic regression.

    Attributes
    ----------
    coefficients
        Of the columns given, on the scale of the logarithm of the odds.
    influence
        How much each cluster moves the coefficients, one row a cluster: what the errors are made of. Two fits over the
        same clusters are compared by the difference of theirs.
    """

    coefficients: Floats
    influence: Floats

    @property
    def errors(self) -> Floats:
        """Standard errors, robust to the likeness of rows of a cluster."""
        return np.asarray(np.sqrt((self.influence**2).sum(axis=0) * _small(self.influence)))


def fit_logistic(
    x: Floats,
    y: npt.NDArray[np.bool_],
    clusters: npt.NDArray[np.int64],
    *,
    ridge: npt.ArrayLike = 0.0,
) -> Fit:
    """Fit the odds of `y` to the columns of `x`, one of which is constant.

    Parameters
    ----------
    clusters
        Whose each row is: whole numbers from 0.
    ridge
        How hard coefficients are held back towards 0, one number or one a column; the first one is free. A little of it
        gives an answer also where the columns tell everybody apart.

    Notes
    -----
    Newton's steps, halved where the likelihood would fall; errors by the sandwich over clusters, times g / (g - 1).

    Raises
    ------
    JourneyDataError
        The columns tell apart those with and without `y` completely, or one is a sum of others.
    """
    if y.all() or not y.any():
        raise JourneyDataError(SEPARATED)
    wanted = y.astype(np.float64)
    at, hold = np.zeros(x.shape[1]), np.zeros(x.shape[1])
    hold += np.asarray(ridge, dtype=np.float64)
    hold[0] = 0.0
    height = _likelihood(x @ at, wanted)
    for _step in range(STEPS):
        p = _chance(x @ at)
        slope = x.T @ (wanted - p) - hold * at
        try:
            move = np.linalg.solve((x * (p * (1 - p))[:, None]).T @ x + np.diag(hold), slope)
        except np.linalg.LinAlgError:
            raise JourneyDataError(SEPARATED) from None
        while not (
            higher := _likelihood(x @ (at + move), wanted) - float(hold @ (at + move) ** 2) / 2
        ) >= height - 1e-12 * abs(height):
            move = move / 2
        at, gain, height = at + move, higher - height, higher
        if np.abs(at).max() > FARTHEST:
            raise JourneyDataError(SEPARATED)
        if gain <= ENOUGH * max(1.0, abs(height)) and np.abs(move).max() < 1e-6:
            break
    else:
        raise JourneyDataError(SEPARATED)
    p = _chance(x @ at)
    scores = x * (wanted - p)[:, None]
    many = int(clusters.max()) + 1
    sums = np.stack([np.bincount(clusters, s, minlength=many) for s in scores.T], axis=1)
    curve = (x * (p * (1 - p))[:, None]).T @ x + np.diag(hold)
    return Fit(at, np.asarray(np.linalg.solve(curve, sums.T).T, dtype=np.float64))


SEPARATED = (
    "The model has no answer: something in it tells apart completely who upgraded and who did not, or two of its parts "
    "say the same. Leave one out, or ask of more customers."
)


def _small(influence: Floats) -> float:
    many = int((influence != 0).any(axis=1).sum())
    return many / max(many - 1, 1)


def _chance(line: Floats) -> Floats:
    found: Floats = 1 / (1 + np.exp(-line))
    return found


def _likelihood(line: Floats, y: Floats) -> float:
    return float((y * line - np.logaddexp(0, line)).sum())
