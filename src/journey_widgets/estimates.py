"""Intervals that go with every rate."""

from statistics import NormalDist

import numpy as np
import numpy.typing as npt

CONFIDENCE = 0.95
MIN_N = 30
"""Below this many observations a rate is ``insufficient``: shown, but never coloured."""

Floats = npt.NDArray[np.float64]


def wilson(
    successes: npt.ArrayLike, n: npt.ArrayLike, *, confidence: float = CONFIDENCE
) -> tuple[Floats, Floats]:
    """Compute the Wilson score interval of proportions [1]_.

    Parameters
    ----------
    successes, n
        Counts, scalars or arrays of one shape, with ``0 <= successes <= n``.
    confidence
        Two-sided coverage, between 0 and 1.

    Returns
    -------
    low, high
        Arrays of fractions; both NaN where ``n`` is 0.

    Examples
    --------
    >>> low, high = wilson(42, 80)
    >>> round(float(low), 3), round(float(high), 3)
    (0.417, 0.631)

    References
    ----------
    .. [1] E. B. Wilson, "Probable inference, the law of succession, and statistical inference",
       Journal of the American Statistical Association 22, 1927.
    """
    k, total = np.asarray(successes, dtype=np.float64), np.asarray(n, dtype=np.float64)
    z = NormalDist().inv_cdf(0.5 + confidence / 2)
    with np.errstate(invalid="ignore", divide="ignore"):
        share = k / total
        spread = z * np.sqrt(share * (1 - share) / total + z**2 / (4 * total**2))
        centre = share + z**2 / (2 * total)
        scale = 1 + z**2 / total
        low, high = (centre - spread) / scale, (centre + spread) / scale
    low = np.where(k == 0, np.where(total > 0, 0.0, np.nan), low)
    high = np.where(k == total, np.where(total > 0, 1.0, np.nan), high)
    return low, high


def certainty(n: npt.ArrayLike, *, min_n: int = MIN_N) -> npt.NDArray[np.str_]:
    """Say of each count whether it carries a judgement: ``"sufficient"`` or ``"insufficient"``."""
    return np.where(np.asarray(n) >= min_n, "sufficient", "insufficient")
