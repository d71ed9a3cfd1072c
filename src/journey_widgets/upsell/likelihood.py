"""The highest point of a log-likelihood whose parameters are all above 0, and how sharp it is there."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from journey_widgets.errors import JourneyDataError

Floats = npt.NDArray[np.float64]
STEP = 1e-5
MOST_LOG = 12.0
"""Parameters beyond e to this power either way are no estimate: the data do not say."""


@dataclass(frozen=True)
class Peak:
    """Where a log-likelihood is highest, how high, and the standard errors of the parameters there."""

    at: tuple[float, ...]
    height: float
    errors: tuple[float, ...]


def highest(log_likelihood: Callable[[Floats], tuple[float, Floats]], start: Floats) -> Peak:
    """Return the highest point.

    Parameters
    ----------
    log_likelihood
        From the parameters to its value and its slope in each of them.
    start
        Where to begin; all above 0.

    Raises
    ------
    JourneyDataError
        The search ends at no peak, or at parameters without bounds.
    """
    from scipy.optimize import minimize

    def down(logs: Floats) -> tuple[float, Floats]:
        p = np.exp(np.clip(logs, -MOST_LOG, MOST_LOG))
        height, slope = log_likelihood(p)
        return -height, -slope * p

    scale = max(1.0, abs(down(np.log(start))[0]))
    found = minimize(
        lambda v: tuple(part / scale for part in down(v)), np.log(start), jac=True, method="BFGS",
        options={"gtol": 1e-9, "maxiter": 500},
    )  # fmt: skip
    logs = found.x
    if not np.isfinite(found.fun) or np.abs(logs).max() >= MOST_LOG:
        msg = "The purchases do not fit the model: its parameters have no bounds. More repeat purchases are needed."
        raise JourneyDataError(msg)
    at = np.exp(logs)
    return Peak(tuple(float(v) for v in at), float(-found.fun * scale), _errors(down, logs, at))


def _errors(
    down: Callable[[Floats], tuple[float, Floats]], logs: Floats, at: Floats
) -> tuple[float, ...]:
    """Return standard errors from the curvature at the peak; missing where it is no peak."""
    size = len(logs)
    curve = np.array(
        [(down(logs + STEP * e)[1] - down(logs - STEP * e)[1]) / (2 * STEP) for e in np.eye(size)]
    )
    try:
        spread = np.linalg.inv((curve + curve.T) / 2).diagonal()
    except np.linalg.LinAlgError:
        return (math.nan,) * size
    return tuple(
        float(p * math.sqrt(v)) if v > 0 else math.nan for p, v in zip(at, spread, strict=True)
    )
