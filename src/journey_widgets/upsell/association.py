"""How strongly two things go together, from four counts: the measures of the field, and how sure one can be.

Definitions as of R's package arules [1]_.

References
----------
.. [1] M. Hahsler, "A probabilistic comparison of commonly used interest measures for association rules",
   https://mhahsler.github.io/arules/docs/measures.
"""

from statistics import NormalDist

import numpy as np
import numpy.typing as npt
import pandas as pd

from journey_widgets.errors import JourneyDataError
from journey_widgets.estimates import CONFIDENCE, Floats

QUANTILE = 0.99
"""Of the hypergeometric distribution that hyper-lift is measured against."""
TINY = 1e-17


def association_measures(
    both: npt.ArrayLike, left: npt.ArrayLike, right: npt.ArrayLike, n: npt.ArrayLike
) -> pd.DataFrame:
    """Return the measures of how two things go together.

    Parameters
    ----------
    both, left, right
        Baskets with both things, with the left one, with the right one.
    n
        All baskets.

    Returns
    -------
    pandas.DataFrame
        One row a pair. Columns (float64): ``support``, ``confidence``, ``lift``, ``coverage``, ``leverage``,
        ``conviction`` (infinite at a confidence of 1), ``zhang``, ``cosine``, ``jaccard``, ``kulczynski``,
        ``imbalance``, ``added_value``, ``phi``, ``odds_ratio``, ``relative_risk``, ``laplace``, ``chi_squared``,
        ``yule_q``, ``gini``, ``kappa``, ``fisher_p`` (one-sided: as often together or more), ``hyper_confidence``,
        ``hyper_lift``.
    """
    from scipy.stats import hypergeom

    k, a, b, total = counts(both, left, right, n)
    ab, pa, pb = k / total, a / total, b / total
    with np.errstate(divide="ignore", invalid="ignore"):
        confidence, without = k / a, (b - k) / (total - a)
        leverage, odds = ab - pa * pb, k * (total - a - b + k) / ((a - k) * (b - k))
        agree, by_chance = 1 - pa - pb + 2 * ab, pa * pb + (1 - pa) * (1 - pb)
        phi = leverage / np.sqrt(pa * (1 - pa) * pb * (1 - pb))
        gini = pa * (confidence**2 + (1 - confidence) ** 2) + (1 - pa) * (without**2 + (1 - without) ** 2)  # fmt: skip
        p = together_by_chance(k, a, b, total)
        found = {
            "support": ab, "confidence": confidence, "lift": ab / (pa * pb), "coverage": pa, "leverage": leverage,
            "conviction": pa * (1 - pb) / (pa - ab), "zhang": zhang(k, a, b, total), "cosine": ab / np.sqrt(pa * pb),
            "jaccard": ab / (pa + pb - ab), "kulczynski": (confidence + k / b) / 2,
            "imbalance": np.abs(pa - pb) / (pa + pb - ab), "added_value": confidence - pb, "phi": phi,
            "odds_ratio": odds, "relative_risk": confidence / without, "laplace": (k + 1) / (a + 2),
            "chi_squared": total * phi**2, "yule_q": np.where(np.isinf(odds), 1.0, (odds - 1) / (odds + 1)),
            "gini": gini - pb**2 - (1 - pb) ** 2, "kappa": (agree - by_chance) / (1 - by_chance), "fisher_p": p,
            "hyper_confidence": 1 - p, "hyper_lift": k / hypergeom.ppf(QUANTILE, total, a, b),
        }  # fmt: skip
    return pd.DataFrame(found)


def counts(
    both: npt.ArrayLike, left: npt.ArrayLike, right: npt.ArrayLike, n: npt.ArrayLike
) -> tuple[Floats, Floats, Floats, Floats]:
    """Return the four counts as arrays of one shape; what cannot be counts of baskets is a `JourneyDataError`."""
    k, a, b, total = np.broadcast_arrays(
        *(np.atleast_1d(np.asarray(v, dtype=np.float64)) for v in (both, left, right, n))
    )
    wrong = ~(
        (k >= 0) & (k <= np.minimum(a, b)) & (np.maximum(a, b) <= total) & (a + b - k <= total)
    )
    if wrong.any():
        at = int(np.flatnonzero(wrong)[0])
        msg = (
            f"Both {k[at]:g}, left {a[at]:g} and right {b[at]:g} of {total[at]:g} baskets cannot be: both is within "
            "left and right, and all three within the baskets."
        )
        raise JourneyDataError(msg)
    return k, a, b, total


def zhang(both: Floats, left: Floats, right: Floats, n: Floats) -> Floats:
    """Return Zhang's measure: -1 where one keeps the other away, 0 where they meet by chance, 1 where one brings it."""
    ab, pa, pb = both / n, left / n, right / n
    with np.errstate(divide="ignore", invalid="ignore"):
        found: Floats = (ab - pa * pb) / np.maximum(ab * (1 - pa), pa * (pb - ab))
    return found


def lift_interval(
    both: npt.ArrayLike, left: npt.ArrayLike, right: npt.ArrayLike, n: npt.ArrayLike
) -> tuple[Floats, Floats]:
    """Return the 95 % interval of a lift, from the variance of its logarithm; missing where nothing is together.

    The delta method on the four shares of one sample of baskets.
    """
    k, a, b, total = counts(both, left, right, n)
    with np.errstate(divide="ignore", invalid="ignore"):
        ab, pa, pb = k / total, a / total, b / total
        lift = ab / (pa * pb)
        spread = (1 - ab) / ab - (1 - pa) / pa - (1 - pb) / pb + 2 * (lift - 1)
        reach = NormalDist().inv_cdf(0.5 + CONFIDENCE / 2) * np.sqrt(np.maximum(spread, 0) / total)
        known = k > 0
        low = np.where(known, lift * np.exp(-reach), np.nan)
        high = np.where(known, lift * np.exp(reach), np.nan)
    return low, high


def together_by_chance(
    both: npt.ArrayLike, left: npt.ArrayLike, right: npt.ArrayLike, n: npt.ArrayLike
) -> Floats:
    """Return how often chance alone puts two things together as often as this, or more often.

    Fisher's exact test, one-sided: the tail of the hypergeometric distribution, added up term by term.
    """
    from scipy.special import gammaln

    k, a, b, total = counts(both, left, right, n)
    below = k <= a * b / total
    # From above the mean on the terms fall; of what lies below it the other tail is short.
    start = np.where(below, k - 1, k)

    def log_choose(m: Floats, of: Floats) -> Floats:
        found: Floats = gammaln(m + 1) - gammaln(of + 1) - gammaln(m - of + 1)
        return found

    possible = (start >= 0) & (start >= a + b - total)
    at = np.where(possible, start, np.maximum(a + b - total, 0))
    first = np.exp(log_choose(a, at) + log_choose(total - a, b - at) - log_choose(total, b))
    tail = np.where(possible, first, 0.0)
    term, place, open_ = first.copy(), at.copy(), np.flatnonzero(possible)
    while len(open_):
        i, x, way = place[open_], term[open_], below[open_]
        ka, kb, rest = a[open_], b[open_], total[open_] - a[open_] - b[open_]
        up = (ka - i) * (kb - i) / ((i + 1) * (rest + i + 1))
        with np.errstate(divide="ignore", invalid="ignore"):
            down = i * (rest + i) / ((ka - i + 1) * (kb - i + 1))
        x = x * np.where(way, down, up)
        term[open_], place[open_] = x, np.where(way, i - 1, i + 1)
        tail[open_] += x
        open_ = open_[x > TINY * np.maximum(tail[open_], TINY)]
    found: Floats = np.clip(np.where(below, 1 - tail, tail), 0.0, 1.0)
    return found
