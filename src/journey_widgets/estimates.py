"""Intervals that go with every rate, difference and time; what many comparisons at once allow to say."""

import math
from collections.abc import Callable
from functools import cache
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

CONFIDENCE = 0.95
MIN_N = 30
"""Below this many observations a rate is ``insufficient``: shown, but never coloured."""

EXACT_RANKS = 2_000
"""Observations up to which ranks of a median are counted exactly; beyond, the normal curve is as good."""

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


def clustered_wilson(
    successes: npt.ArrayLike, n: npt.ArrayLike, spread: npt.ArrayLike
) -> tuple[Floats, Floats]:
    """Compute the Wilson interval of shares of events that come in clusters, such as customers.

    The events of one customer are alike, so they carry less than as many strangers' events would.
    The interval is Wilson's for the number of independent events that would vary as much [1]_.

    Parameters
    ----------
    successes, n
        Counts of events, arrays of one shape.
    spread
        Variance of each share between clusters, as `grouped_variance` gives it.

    References
    ----------
    .. [1] E. L. Korn, B. I. Graubard, "Confidence intervals for proportions with small expected
       number of positive counts estimated from survey data", Survey Methodology 24, 1998.
    """
    k, total = np.asarray(successes, dtype=np.float64), np.asarray(n, dtype=np.float64)
    with np.errstate(invalid="ignore", divide="ignore"):
        share = k / total
        design = np.asarray(spread, dtype=np.float64) * total / (share * (1 - share))
    design = np.where(np.isfinite(design), np.maximum(design, 1.0), 1.0)
    return wilson(k / design, total / design)


def grouped_variance(successes: Floats, n: Floats) -> Floats:
    """Compute the variance of ratios of sums from totals by random group of customers.

    Parameters
    ----------
    successes, n
        Totals, one row per group, one column per ratio; the ratio is sum(successes) / sum(n).

    Returns
    -------
    Array with one variance per column: the linearised (Taylor) estimate for a ratio, the random
    groups being independent.
    """
    groups = len(n)
    total = n.sum(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        ratio = successes.sum(axis=0) / total
        residual = successes - ratio * n
        variance: Floats = (residual**2).sum(axis=0) * groups / max(groups - 1, 1) / total**2
    return variance


def difference(
    a: npt.ArrayLike, n_a: npt.ArrayLike, b: npt.ArrayLike, n_b: npt.ArrayLike
) -> tuple[Floats, Floats, Floats]:
    """Compare two independent shares, ``a / n_a`` less ``b / n_b``.

    Returns
    -------
    low, high
        Newcombe's 95 % interval of the difference from two Wilson intervals (method 10) [1]_.
    p_value
        Two-sided, from the score test with pooled share.

    Examples
    --------
    >>> low, high, p = difference(56, 70, 48, 80)
    >>> round(float(low), 4), round(float(high), 4)
    (0.0524, 0.3339)

    References
    ----------
    .. [1] R. G. Newcombe, "Interval estimation for the difference between independent proportions:
       comparison of eleven methods", Statistics in Medicine 17, 1998.
    """
    x, m = np.asarray(a, dtype=np.float64), np.asarray(n_a, dtype=np.float64)
    y, n = np.asarray(b, dtype=np.float64), np.asarray(n_b, dtype=np.float64)
    with np.errstate(invalid="ignore", divide="ignore"):
        p, q = x / m, y / n
        pooled = (x + y) / (m + n)
        score = (p - q) / np.sqrt(pooled * (1 - pooled) * (1 / m + 1 / n))
    low, high = mover(p, *wilson(x, m), q, *wilson(y, n))
    tail = np.vectorize(lambda z: math.erfc(abs(z) / math.sqrt(2)), otypes=[np.float64])
    p_value = np.where(np.isfinite(score), tail(np.nan_to_num(score)), 1.0)
    return low, high, p_value


def difference_in_strata(
    a: npt.ArrayLike, n_a: npt.ArrayLike, b: npt.ArrayLike, n_b: npt.ArrayLike
) -> tuple[float, float, float]:
    """Compare two shares within strata, each of which has its own level: one difference for all of them.

    Of strata with one side only nothing is learnt. One stratum alone has Newcombe's interval.

    Returns
    -------
    value, low, high
        The difference weighted by Mantel and Haenszel [1]_ and its 95 % interval by Sato's variance [2]_; missing where
        no stratum has both sides.

    Examples
    --------
    >>> [round(v, 4) for v in difference_in_strata([56, 9], [70, 90], [48, 1], [80, 10])]
    [0.1612, 0.0424, 0.2799]

    References
    ----------
    .. [1] S. Greenland, J. Robins, "Estimation of a common effect parameter from sparse follow-up data", Biometrics 41,
       1985.
    .. [2] T. Sato, "On the variance estimator for the Mantel-Haenszel risk difference", Biometrics 45, 1989.
    """
    x, m, y, n = (np.asarray(v, dtype=np.float64) for v in (a, n_a, b, n_b))
    both = (m > 0) & (n > 0)
    x, m, y, n = (np.atleast_1d(v)[np.atleast_1d(both)] for v in (x, m, y, n))
    if not len(x):
        return math.nan, math.nan, math.nan
    total = m + n
    weight = float((m * n / total).sum())
    value = float(((x * n - y * m) / total).sum()) / weight
    if len(x) == 1:
        low, high, _p = difference(x, m, y, n)
        return value, float(low[0]), float(high[0])
    p = (m**2 * y - n**2 * x + m * n * (n - m) / 2) / total**2
    q = (x * (n - y) + y * (m - x)) / (2 * total)
    reach = (
        NormalDist().inv_cdf(0.5 + CONFIDENCE / 2)
        * math.sqrt(max(value * float(p.sum()) + float(q.sum()), 0.0))
        / weight
    )
    return value, value - reach, value + reach


def mover(
    a: npt.ArrayLike, a_low: npt.ArrayLike, a_high: npt.ArrayLike,
    b: npt.ArrayLike, b_low: npt.ArrayLike, b_high: npt.ArrayLike,
) -> tuple[Floats, Floats]:  # fmt: skip
    """Compute the interval of ``a - b`` from the intervals of two independent estimates [1]_.

    References
    ----------
    .. [1] G. Y. Zou, A. Donner, "Construction of confidence limits about effect measures: a general
       approach", Statistics in Medicine 27, 2008.
    """
    p, low_p, high_p = (np.asarray(v, dtype=np.float64) for v in (a, a_low, a_high))
    q, low_q, high_q = (np.asarray(v, dtype=np.float64) for v in (b, b_low, b_high))
    gap = p - q
    low = gap - np.sqrt((p - low_p) ** 2 + (high_q - q) ** 2)
    return low, gap + np.sqrt((high_p - p) ** 2 + (q - low_q) ** 2)


def student(df: float, *, confidence: float = CONFIDENCE) -> float:
    """Return how many standard errors an interval reaches to both sides with few degrees of freedom [1]_.

    Examples
    --------
    >>> round(student(9), 3), round(student(49), 3)
    (2.262, 2.01)

    References
    ----------
    .. [1] G. W. Hill, "Algorithm 396: Student's t-quantiles", Communications of the ACM 13, 1970.
    """
    p = 1 - confidence
    if df < 1.5:
        return 1 / math.tan(p * math.pi / 2)
    if df < 2.5:
        return math.sqrt(2 / (p * (2 - p)) - 2)
    a = 1 / (df - 0.5)
    b = 48 / a**2
    c = ((20700 * a / b - 98) * a - 16) * a + 96.36
    d = ((94.5 / (b + c) - 3) / b + 1) * math.sqrt(a * math.pi / 2) * df
    y = (d * p) ** (2 / df)
    if y > 0.05 + a:
        x = NormalDist().inv_cdf(p / 2)
        y = x**2
        if df < 5:
            c += 0.3 * (df - 4.5) * (x + 0.6)
        c = (((0.05 * d * x - 5) * x - 7) * x - 2) * x + b + c
        y = (((((0.4 * y + 6.3) * y + 36) * y + 94.5) / c - y - 3) / b + 1) * x
        y = math.expm1(a * y**2)
    else:
        y = (
            (1 / (((df + 6) / (df * y) - 0.089 * d - 0.822) * (df + 2) * 3) + 0.5 / (df + 4)) * y
            - 1
        ) * (df + 1) / (df + 2) + 1 / y
    return math.sqrt(df * y)


def nps(promoters: int, detractors: int, n: int) -> tuple[float, float, float]:
    """Return a net promoter score with its adjusted Wald interval, on the scale -100 to 100 [1]_.

    Examples
    --------
    >>> tuple(round(v, 1) for v in nps(10, 4, 20))
    (30.0, -5.7, 57.9)

    References
    ----------
    .. [1] B. Rocks, "Interval estimation for the net promoter score", The American Statistician 70, 2016.
    """
    if not (promoters >= 0 and detractors >= 0 and promoters + detractors <= n) or n < 1:
        return math.nan, math.nan, math.nan
    more = n + 3
    p, d = (promoters + 0.75) / more, (detractors + 0.75) / more
    reach = NormalDist().inv_cdf(0.5 + CONFIDENCE / 2) * math.sqrt((p + d - (p - d) ** 2) / more)
    low, high = (max(-100.0, min(100.0, 100 * (p - d + side * reach))) for side in (-1, 1))
    return 100 * (promoters - detractors) / n, low, high


def poisson(count: int, *, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Return the exact interval of a count of rare events [1]_.

    Examples
    --------
    >>> tuple(round(v, 2) for v in poisson(24))
    (15.38, 35.71)

    References
    ----------
    .. [1] F. Garwood, "Fiducial limits for the Poisson distribution", Biometrika 28, 1936.
    """
    tail = (1 - confidence) / 2
    low = (
        0.0
        if count == 0
        else _root(lambda rate: 1 - _at_most(count - 1, rate) - tail, 0.0, float(count))
    )
    top = count + 10 * math.sqrt(count + 1) + 10
    return low, _root(lambda rate: tail - _at_most(count, rate), float(count), top)


def _at_most(count: int, rate: float) -> float:
    """Return the chance of at most `count` events at a rate."""
    if rate <= 0:
        return 1.0
    if count < 0:
        return 0.0
    # From the largest term down: what is far below it adds nothing.
    top = min(count, math.floor(rate))
    largest = math.exp(top * math.log(rate) - rate - math.lgamma(top + 1))
    total, term, k = largest, largest, top
    while k > 0 and term > largest * 1e-18:
        term *= k / rate
        k -= 1
        total += term
    term, k = largest, top
    while k < count and term > largest * 1e-18:
        k += 1
        term *= rate / k
        total += term
    return min(1.0, total)


def _root(rises: Callable[[float], float], low: float, high: float) -> float:
    """Return where a function that rises passes 0."""
    for _halving in range(100):
        middle = (low + high) / 2
        if rises(middle) < 0:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def mean_interval(values: npt.ArrayLike) -> tuple[float, float, float]:
    """Return a mean with Student's interval; no interval for fewer than two values.

    Examples
    --------
    >>> tuple(round(v, 2) for v in mean_interval([5, 4, 4, 3, 5, 2]))
    (3.83, 2.61, 5.06)
    """
    found = np.asarray(values, dtype=np.float64)
    n = len(found)
    if n < 2:
        return (float(found.mean()) if n else math.nan), math.nan, math.nan
    mean = float(found.mean())
    reach = student(n - 1) * float(found.std(ddof=1)) / math.sqrt(n)
    return mean, mean - reach, mean + reach


def false_discovery(p_values: npt.ArrayLike, *, tested: int | None = None) -> Floats:
    """Return Benjamini and Hochberg's adjusted p-values, in the order given [1]_.

    `tested` is how many were tested in all, where those that are not given have a p-value of 1.

    Calling a difference real where its adjusted value is at most 0.05 keeps the expected share of
    false ones among those called real at 5 %. Missing values stay missing and are not counted.

    Examples
    --------
    >>> false_discovery([0.01, 0.04, 0.03, 0.5]).round(3).tolist()
    [0.04, 0.053, 0.053, 0.5]

    References
    ----------
    .. [1] Y. Benjamini, Y. Hochberg, "Controlling the false discovery rate", Journal of the Royal
       Statistical Society B 57, 1995.
    """
    given = np.asarray(p_values, dtype=np.float64)
    adjusted = np.full(given.shape, np.nan)
    known = np.flatnonzero(~np.isnan(given))
    order = known[np.argsort(given[known], kind="stable")]
    many = len(order) if tested is None else tested
    scaled = given[order] * many / np.arange(1, len(order) + 1)
    adjusted[order] = np.minimum(np.minimum.accumulate(scaled[::-1])[::-1], 1.0)
    return adjusted


def median_interval(values: npt.ArrayLike) -> tuple[float, float, float]:
    """Return the median and its 95 % interval from order statistics; missing where there are none.

    The interval holds whatever the distribution: its ends are the observations whose ranks a fair coin stays
    between in at least 95 % of cases. Fewer than six observations have no such interval.

    Examples
    --------
    >>> median_interval(range(1, 21))
    (10.5, 6.0, 15.0)
    """
    found = np.sort(np.asarray(values, dtype=np.float64))
    n = len(found)
    if not n:
        return np.nan, np.nan, np.nan
    rank = outer_rank(n)
    if rank < 1:
        return float(np.median(found)), np.nan, np.nan
    return float(np.median(found)), float(found[rank - 1]), float(found[n - rank])


@cache
def outer_rank(n: int) -> int:
    """Return the largest rank below which a fair coin falls in at most 2.5 % of n throws; 0 where there is none."""
    if n > EXACT_RANKS:
        reach = NormalDist().inv_cdf(0.5 + CONFIDENCE / 2) * math.sqrt(n) / 2
        return max(math.floor(n / 2 - reach), 1)
    # What lies nine standard deviations below the middle adds nothing.
    below, rank = 0.0, max(0, math.floor(n / 2 - 4.5 * math.sqrt(n)))
    while True:
        below += math.exp(
            math.lgamma(n + 1) - math.lgamma(rank + 1) - math.lgamma(n - rank + 1) - n * math.log(2)
        )
        if below > (1 - CONFIDENCE) / 2:
            return rank
        rank += 1


def resample(totals: Floats, *, draws: int, seed: int) -> Floats:
    """Bootstrap by customer: totals of random groups of customers, drawn with replacement.

    Parameters
    ----------
    totals
        One row per group of customers, any further axes.
    draws, seed
        Number of samples, and the number that makes them repeatable.

    Returns
    -------
    Array with one row per draw: the totals of the whole log as they might have been.
    """
    groups = len(totals)
    rng = np.random.default_rng(seed)
    weights = rng.multinomial(groups, np.full(groups, 1 / groups), size=draws)
    drawn: Floats = np.tensordot(weights.astype(np.float64), totals, axes=1)
    return drawn


def certainty(n: npt.ArrayLike, *, min_n: int = MIN_N) -> npt.NDArray[np.str_]:
    """Say of each count whether it carries a judgement: ``"sufficient"`` or ``"insufficient"``."""
    return np.where(np.asarray(n) >= min_n, "sufficient", "insufficient")
