"""The interval of each measured value, by the method that the catalogue names."""

import math
from collections.abc import Callable, Sequence
from functools import cache
from statistics import NormalDist
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from journey_widgets.estimates import (
    CONFIDENCE,
    Floats,
    clustered_wilson,
    difference,
    nps,
    outer_rank,
    poisson,
    student,
    wilson,
)

Z = NormalDist().inv_cdf(0.5 + CONFIDENCE / 2)
EXACT = 200
"""Counts up to which the Poisson interval is exact; beyond, Byar's form of it differs by less than 0.01 %."""
SLOTS = 200
"""Random groups of customers that are drawn again where a cell has more customers than this."""
Ends = tuple[Floats, Floats]


def none(rows: int) -> Ends:
    """Return no interval."""
    return np.full(rows, np.nan), np.full(rows, np.nan)


def share(found: pd.DataFrame, value: Floats, n: Floats) -> Ends:
    """Return Wilson's interval of shares; where customers count more than once, allowing for their likeness.

    `found` may have ``xx``, ``xy``, ``yy``, sums over customers of the squares and product of what they count on top
    and below.
    """
    hit = np.round(np.nan_to_num(value) * n)
    n = np.where(np.isnan(value), 0.0, n)
    if "xx" not in found:
        return wilson(np.where(n > 0, hit, 0.0), n)
    y, units = found["y"].to_numpy("float64"), found["units"].to_numpy("float64")
    with np.errstate(invalid="ignore", divide="ignore"):
        ratio = found["x"].to_numpy("float64") / y
        rest = found["xx"] - 2 * ratio * found["xy"] + ratio**2 * found["yy"]
        spread = np.maximum(rest.to_numpy("float64"), 0) * units / (units - 1) / y**2
    alike = (found["largest"].to_numpy("float64") > 1) & (units > 1)
    low, high = wilson(hit, n)
    low_c, high_c = clustered_wilson(hit, n, np.where(alike, spread, 0.0))
    return np.where(alike, low_c, low), np.where(alike, high_c, high)


def counts(counted: Floats) -> Ends:
    """Return the Poisson intervals of counts of rare events."""
    low, high = _byar(counted)
    small = counted <= EXACT
    if small.any():
        pairs = np.array([_exact(round(k)) for k in counted[small]])
        low[small], high[small] = pairs[:, 0], pairs[:, 1]
    return low, high


def _byar(k: Floats) -> Ends:
    """Return Byar's limits [1]_.

    References
    ----------
    .. [1] N. E. Breslow, N. E. Day, "Statistical methods in cancer research II", IARC 1987, page 69.
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        low = k * (1 - 1 / (9 * k) - Z / (3 * np.sqrt(k))) ** 3
        more = k + 1
        high = more * (1 - 1 / (9 * more) + Z / (3 * np.sqrt(more))) ** 3
    return np.where(k > 0, low, 0.0), high


@cache
def _exact(k: int) -> tuple[float, float]:
    return poisson(k)


def promoters(found: pd.DataFrame) -> Ends:
    """Return the adjusted Wald interval of net promoter scores."""
    rows = found[["promoters", "detractors", "n"]].to_numpy("int64").tolist()
    ends = [nps(*r)[1:] for r in rows]
    return np.array([e[0] for e in ends]), np.array([e[1] for e in ends])


AT_ONCE = 500
"""Cells whose draws are worked out together."""


def arms(found: pd.DataFrame) -> Ends:
    """Return Newcombe's interval of a difference of two shares."""
    low, high, _p = difference(found["kt"], found["nt"], found["kc"], found["nc"])
    return low, high


def mean(values: Floats, bounds: tuple[float, float]) -> tuple[float, float]:
    """Return Student's interval of a mean, cut to what it can be."""
    if len(values) < 2:
        return math.nan, math.nan
    return mean_of(float(values.mean()), float(values.std(ddof=1)), len(values), bounds)


def mean_of(
    middle: float, spread: float, n: int, bounds: tuple[float, float]
) -> tuple[float, float]:
    """Return the same from mean, standard deviation and number."""
    if n < 2:
        return math.nan, math.nan
    reach = student(n - 1) * spread / math.sqrt(n)
    return max(bounds[0], middle - reach), min(bounds[1], middle + reach)


def of_sorted(values: Floats, share: float) -> float:
    """Return the quantile of sorted values, between two of them in proportion (type 7 of Hyndman and Fan, 1996)."""
    place = share * (len(values) - 1)
    below = int(place)
    above = min(below + 1, len(values) - 1)
    return float(values[below] + (values[above] - values[below]) * (place - below))


def quantile(values: Floats, share: float) -> tuple[float, float]:
    """Return the interval of a quantile from the ranks of sorted values; missing where there are too few.

    The ranks are those between which the number of values below the quantile lies in 95 % of cases: whatever the
    distribution. It is what drawing the cases again tends to.
    """
    low, high = _places(len(values), share)
    return (math.nan, math.nan) if low < 0 else (float(values[low]), float(values[high]))


def _places(n: int, share: float) -> tuple[int, int]:
    """Return the places (from 0) of the ends among n sorted values; -1 where there are too few."""
    if share == 0.5:
        rank = outer_rank(n)
        return (-1, -1) if rank < 1 else (rank - 1, n - rank)
    low, high = _ranks(n, share)
    return (-1, -1) if low < 1 or high > n else (low - 1, high - 1)


def places(n: int, share: float) -> tuple[int, int, int, int]:
    """Return the places (from 0) of the values that a quantile lies between, and of the ends of its interval."""
    below = int(share * (n - 1))
    return below, min(below + 1, n - 1), *_places(n, share)


def quantile_drawn(
    values: Floats, units: npt.NDArray[Any], share: float, *, draws: int, seed: int
) -> tuple[float, float]:
    """Return the interval of a quantile of sorted values by drawing customers again, each with all its cases.

    Where no customer has two cases it is `quantile`, which such drawing tends to.
    """
    own, place = np.unique(units, return_inverse=True)
    if len(own) == len(values):
        return quantile(values, share)
    if len(own) < 2:
        return math.nan, math.nan
    rng = np.random.default_rng((seed, len(own)))
    if len(own) > SLOTS:
        place = (rng.permutation(len(own)) % SLOTS)[place]
    k = min(len(own), SLOTS)
    weights = _times_drawn(k, draws, seed)
    below = np.cumsum(weights[:, place], axis=1, dtype=np.int32)
    wanted = np.maximum(np.ceil(share * below[:, -1]), 1)
    found = values[(below >= wanted[:, None]).argmax(axis=1)]
    tails = [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2]
    low, high = np.quantile(found[below[:, -1] > 0], tails)
    return float(low), float(high)


@cache
def _ranks(n: int, share: float) -> tuple[int, int]:
    """Return ranks r < s with at least 95 % chance that r values or more, and fewer than s, lie below the quantile."""
    below, low, high = 0.0, 0, n + 1
    tail = (1 - CONFIDENCE) / 2
    for k in range(n + 1):
        chance = math.exp(
            math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)
            + k * math.log(share) + (n - k) * math.log1p(-share)
        )  # fmt: skip
        below += chance
        if below <= tail:
            low = k + 1
        if below >= 1 - tail:
            high = k + 1
            break
    return low, high


def drawn(
    cells: Sequence[Floats], value: Callable[[Floats], Floats], *, draws: int, seed: int
) -> Ends:
    """Return the interval of each cell by drawing its customers again; none where there are fewer than two.

    Parameters
    ----------
    cells
        Totals of each cell, one row a customer (or a random group of them), one column a figure.
    value
        From totals (one row a draw) to the values.
    """
    values = np.full((len(cells), draws), np.nan)
    sizes = np.array([len(own) for own in cells])
    for k in np.unique(sizes[sizes > 1]):
        times = _times_drawn(int(k), draws, seed).astype(np.float64)
        alike = np.flatnonzero(sizes == k)
        for some in np.split(alike, range(AT_ONCE, len(alike), AT_ONCE)):
            totals = times @ np.array([cells[place] for place in some])
            values[some] = value(totals.reshape(-1, totals.shape[-1])).reshape(len(some), draws)
    return _ends(values)


@cache
def _times_drawn(k: int, draws: int, seed: int) -> npt.NDArray[np.uint8]:
    """Return how often each of `k` is drawn, where `k` are drawn with replacement; one row a draw."""
    rng = np.random.default_rng((seed, k))
    drawn = rng.integers(0, k, (draws, k)) + k * np.arange(draws)[:, None]
    times = np.bincount(drawn.ravel(), minlength=k * draws)
    return np.minimum(times, 255).astype(np.uint8).reshape(draws, k)


def _ends(values: Floats) -> Ends:
    """Return the 2.5 % and 97.5 % quantiles of each row, of what is known in it."""
    low, high = none(len(values))
    known = np.isfinite(values).sum(axis=1)
    whole = known == values.shape[1]
    tails = [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2]
    if whole.any():
        low[whole], high[whole] = np.quantile(values[whole], tails, axis=1)
    for place in np.flatnonzero((known > 0) & ~whole):
        own = values[place]
        low[place], high[place] = np.quantile(own[np.isfinite(own)], tails)
    return low, high
