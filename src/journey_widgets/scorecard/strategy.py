"""Claims of the strategy map beside the data: do two KPIs move together as an arrow says?"""

import math

import numpy as np
import numpy.typing as npt
import pandas as pd

from journey_widgets.definition import defined
from journey_widgets.scorecard.document import Scorecard

LEAST = 24
"""Pairs below which a correlation says nothing: at 24 it must be about 0.40 to pass 5 %, at 12 about 0.58."""
BLOCK, DRAWS = 3, 1_000
SUPPORTED, CONTRADICTED, OPEN, SHORT, NO_SERIES = (
    "supported",
    "contradicted",
    "open",
    "too short",
    "no series",
)
Floats = npt.NDArray[np.float64]


def arrows(scorecard: Scorecard, series: pd.DataFrame, *, seed: int = 1) -> pd.DataFrame:
    """Hold each arrow of the strategy map against the series of its two KPIs.

    Parameters
    ----------
    series
        As `series` returns it; open periods and values on too few are left out.
    seed
        Of the blocks that are drawn again for the interval.

    Returns
    -------
    pandas.DataFrame
        One row an arrow. Columns: ``source``, ``target`` (str), ``sign`` (``"+"`` or ``"-"``), ``lag`` (int64, months),
        ``n`` (int64, pairs of changes), ``value`` (float64, Spearman's correlation of the changes), ``low``, ``high``,
        ``method``, ``grade`` (str: ``"supported"``, ``"contradicted"``, ``"open"``, ``"too short"`` below 24 pairs,
        ``"no series"`` where an end is no KPI).

    Notes
    -----
    Changes from period to period are compared, at the claimed lag alone, so that one arrow is one test. The interval
    draws blocks of three periods again. A grade says that two things moved together, never that one caused the other.
    """
    kpis = {k.id for k in scorecard.kpis()}
    rows = []
    for a in scorecard.arrows:
        x, y = (_changes(series, end) for end in (a.source, a.target))
        if not {a.source, a.target} <= kpis or x.empty or y.empty:
            rows.append(
                (a.source, a.target, a.sign, a.lag, 0, math.nan, math.nan, math.nan, NO_SERIES)
            )
            continue
        pairs = (
            pd.concat([x, y.shift(-a.lag)], axis=1, keys=["x", "y"]).dropna().to_numpy("float64")
        )
        value, low, high = correlation(pairs, seed=seed) if len(pairs) > BLOCK else (math.nan,) * 3
        rows.append(
            (
                a.source,
                a.target,
                a.sign,
                a.lag,
                len(pairs),
                value,
                low,
                high,
                _grade(a.sign, len(pairs), low, high),
            )
        )
    columns = ["source", "target", "sign", "lag", "n", "value", "low", "high", "grade"]
    frame = pd.DataFrame(rows, columns=columns)
    frame.insert(8, "method", "block bootstrap 95 %")
    return defined(
        frame, "Spearman's correlation of changes at the claimed lag; moving together, never cause"
    )


def _changes(series: pd.DataFrame, kpi: str) -> pd.Series:
    own = series[(series["kpi"] == kpi) & series["period"].notna() & ~series["open"]]
    return own.set_index("period")["value"].where((own["state"] == "").to_numpy()).diff()


def _grade(sign: str, n: int, low: float, high: float) -> str:
    if n < LEAST or not (math.isfinite(low) and math.isfinite(high)):
        return SHORT
    if low > 0 or high < 0:
        return SUPPORTED if (low > 0) == (sign == "+") else CONTRADICTED
    return OPEN


def correlation(pairs: Floats, *, seed: int = 1, draws: int = DRAWS) -> tuple[float, float, float]:
    """Return Spearman's correlation of pairs in order of time, with its interval by drawing blocks again."""
    n = len(pairs)
    rng = np.random.default_rng(seed)
    starts = rng.integers(0, n - BLOCK + 1, size=(draws, math.ceil(n / BLOCK)))
    places = (starts[:, :, None] + np.arange(BLOCK)).reshape(draws, -1)[:, :n]
    drawn = [_spearman(pairs[p]) for p in places]
    known = [v for v in drawn if math.isfinite(v)]
    if not known:
        return _spearman(pairs), math.nan, math.nan
    low, high = np.quantile(known, [0.025, 0.975])
    return _spearman(pairs), float(low), float(high)


def _spearman(pairs: Floats) -> float:
    ranks = pd.DataFrame(pairs).rank().to_numpy("float64")
    ranks = ranks - ranks.mean(axis=0)
    spread = math.sqrt(float((ranks[:, 0] ** 2).sum() * (ranks[:, 1] ** 2).sum()))
    return float((ranks[:, 0] * ranks[:, 1]).sum()) / spread if spread else math.nan
