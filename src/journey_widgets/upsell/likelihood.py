"""The highest point of a log-likelihood whose parameters are all above 0, and how sharp it is there."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from journey_widgets.errors import JourneyDataError

Floats = npt.NDArray[np.float64]
Places = npt.NDArray[np.intp]
Downhill = Callable[[Floats], tuple[float, Floats]]
STEP = 1e-5
EDGE = 9.0
"""Parameters lie between e to this power either way. Where one ends there, customers hardly differ in what it
describes; beyond it nothing would change but the parameter."""


@dataclass(frozen=True)
class Peak:
    """Where a log-likelihood is highest, how high, and the standard errors of the parameters there.

    An error is missing where a parameter is at the edge of what is looked at; there are none where they were left out.
    """

    at: tuple[float, ...]
    height: float
    errors: tuple[float, ...]


def highest(
    log_likelihood: Callable[[Floats], tuple[float, Floats]],
    start: Floats,
    near: Floats | None = None,
) -> Peak:
    """Return the highest point.

    Parameters
    ----------
    log_likelihood
        From the parameters to its value and its slope in each of them.
    start
        Where to begin; all above 0.
    near
        Where to begin instead, such as at the peak of the month before. The standard errors are left out then: in a row
        of months nobody looks at them, and they take as long as the search.
    """
    from scipy.optimize import minimize

    def down(logs: Floats) -> tuple[float, Floats]:
        p = np.exp(logs)
        height, slope = log_likelihood(p)
        return -height, -slope * p

    begin = np.clip(np.log(start if near is None else near), -EDGE, EDGE)
    scale = max(1.0, abs(down(begin)[0]))
    close_enough = 1e-12 if near is None else 1e-11
    found = minimize(
        lambda v: tuple(part / scale for part in down(v)), begin, jac=True, method="L-BFGS-B",
        bounds=[(-EDGE, EDGE)] * len(begin), options={"ftol": close_enough, "gtol": 1e-9, "maxiter": 500},
    )  # fmt: skip
    logs = np.asarray(found.x, dtype=np.float64)
    if not np.isfinite(found.fun):
        msg = "The model could not be fitted: its likelihood has no value. Try another unit of time, such as weeks."
        raise JourneyDataError(msg)
    at = np.exp(logs)
    errors = _errors(down, logs, at) if near is None else ()
    return Peak(tuple(float(v) for v in at), float(-found.fun * scale), errors)


def _errors(down: Downhill, logs: Floats, at: Floats) -> tuple[float, ...]:
    """Return standard errors from the curvature at the peak, of the parameters that are not at the edge."""
    inner = np.flatnonzero(np.abs(logs) < EDGE - 2 * STEP)
    errors = np.full(len(logs), math.nan)
    steps = np.eye(len(logs))[inner] * STEP
    curve = np.array([(down(logs + s)[1] - down(logs - s)[1])[inner] / (2 * STEP) for s in steps])
    try:
        spread = np.linalg.inv((curve + curve.T) / 2).diagonal() if len(inner) else np.zeros(0)
    except np.linalg.LinAlgError:
        spread = np.full(len(inner), -1.0)
    errors[inner] = [
        p * math.sqrt(v) if v > 0 else math.nan for p, v in zip(at[inner], spread, strict=True)
    ]
    return tuple(float(e) for e in errors)
