"""Signals in a series, so that noise raises no alarm: the XmR chart, and limits before a ranking of segments."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from journey_widgets.definition import defined
from journey_widgets.errors import JourneyDataError

TO_LIMIT, TO_RANGE = 2.66, 3.268
"""Wheeler's factors of the mean moving range: to the limits of single values, and of the range."""
FEWEST = 6
BASE = 12
"""Values that limits rest on where no base is named: from then on they stay until somebody says otherwise."""
RUN = 8
"""Points in a row on one side of the centre that are a signal; 7 and 9 are in use too."""


def xmr(
    values: Sequence[float | None], *, base: tuple[int, int] | None = None, run: int = RUN
) -> pd.DataFrame:
    """Return an XmR chart: centre and limits, and which points are signals.

    Parameters
    ----------
    values
        The series, in order; None or NaN for a missing period. It breaks the moving range and is not bridged.
    base
        First and last place (from 0, both counted) that centre and limits rest on; the whole series by default.
    run
        Points in a row on one side of the centre that are a signal.

    Returns
    -------
    pandas.DataFrame
        One row a value. Columns: ``value`` (Float64), ``moving_range`` (Float64), ``centre``, ``low``, ``high``,
        ``range_limit`` (Float64, missing with fewer than 6 values in the base), ``signal`` (str: ``""``, or joined by
        commas ``"outside"``, ``"run"``, ``"near the limit"``, ``"range"``).

    Notes
    -----
    Limits are the mean ± 2.66 x mean moving range, for the range 3.268 x mean moving range (Wheeler, Understanding
    Variation, 1993). Signals: a point outside; `run` in a row on one side; three of four in a row nearer to one limit
    than to the centre; a moving range above its limit.
    """
    series = np.array([np.nan if v is None or pd.isna(v) else float(v) for v in values])
    if np.isinf(series).any():
        msg = "The series holds infinite values; finite numbers, or None for a missing period, were needed."
        raise JourneyDataError(msg)
    first, last = base if base is not None else (0, len(series) - 1)
    if len(series) and not 0 <= first <= last < len(series):
        msg = f"base is {base}; first and last place within 0 to {len(series) - 1} were needed."
        raise JourneyDataError(msg)
    moving = np.abs(np.diff(series, prepend=np.nan))
    part, ranges = series[first : last + 1], moving[first + 1 : last + 1]
    known, steps = part[~np.isnan(part)], ranges[~np.isnan(ranges)]
    nothing: Any = pd.NA
    centre = low = high = limit = nothing
    signals: list[list[str]] = [[] for _v in series]
    if len(known) >= FEWEST and len(steps):
        centre, mean_range = float(known.mean()), float(steps.mean())
        low, high, limit = (
            centre - TO_LIMIT * mean_range,
            centre + TO_LIMIT * mean_range,
            TO_RANGE * mean_range,
        )
        _mark(signals, series, moving, centre, low, high, limit, run)
    found = pd.DataFrame(
        {
            "value": pd.array(series, dtype="Float64"),
            "moving_range": pd.array(moving, dtype="Float64"),
            **{
                name: pd.array([v] * len(series), dtype="Float64")
                for name, v in (
                    ("centre", centre),
                    ("low", low),
                    ("high", high),
                    ("range_limit", limit),
                )
            },
            "signal": pd.Series([", ".join(s) for s in signals], dtype="str"),
        }
    )
    few = f"Fewer than {FEWEST} values: no limits" if len(known) < FEWEST else ""
    return defined(found, f"XmR chart on places {first} to {last}; a run is {run} in a row", few)


def charted(
    series: pd.DataFrame, until: pd.Timestamp | None = None, base: tuple[Any, Any] | None = None
) -> pd.DataFrame:
    """Return the XmR chart of the closed periods of one KPI, ready to be drawn.

    Parameters
    ----------
    series
        Rows of one KPI: columns ``period``, ``value``, ``state``, ``open``. A value on too few is a gap.
    until
        The last period; all by default.
    base
        First and last day of the periods that the limits rest on. By default the first twelve with a value: limits move
        while there are fewer, and stay from then on.

    Returns
    -------
    pandas.DataFrame
        Columns: ``period`` (datetime64); ``value``, ``centre``, ``low``, ``high`` (float64); ``signal`` (str);
        ``in_base`` (bool, whether the limits rest on it).
    """
    past = series[~series["open"].astype(bool) & series["period"].notna()]
    if until is not None:
        past = past[past["period"] <= until]
    values = past["value"].where(past["state"] == "")
    if base is None or pd.isna(base[0]) or pd.isna(base[1]):
        known = values.notna().to_numpy().astype(np.int64)
        inside = known.cumsum() - known < BASE
    else:
        inside = past["period"].between(pd.Timestamp(base[0]), pd.Timestamp(base[1])).to_numpy()
    places = np.flatnonzero(inside)
    # Without a period in the base there are no limits, as with one.
    chart = xmr(
        list(values),
        base=(int(places[0]), int(places[-1])) if len(places) else (0, 0) if len(past) else None,
    )
    columns = ["value", "centre", "low", "high"]
    drawn = chart[columns].astype("Float64").astype("float64")
    drawn = drawn.assign(signal=list(chart["signal"]), period=list(past["period"]), in_base=inside)
    return drawn[["period", *columns, "signal", "in_base"]]


def _mark(
    signals: list[list[str]],
    series: Any,
    moving: Any,
    centre: float,
    low: float,
    high: float,
    limit: float,
    run: int,
) -> None:
    side = np.sign(series - centre)
    near = np.where(np.abs(series - centre) > (high - centre) / 2, side, 0.0)
    tiny = 1e-12 * max(abs(low), abs(high), 1.0)
    for i, value in enumerate(series):
        if np.isnan(value):
            continue
        if value < low - tiny or value > high + tiny:
            signals[i].append("outside")
        last = side[max(0, i - run + 1) : i + 1]
        if len(last) == run and not np.isnan(last).any() and abs(last.sum()) == run:
            signals[i].append("run")
        four = near[max(0, i - 3) : i + 1]
        if (
            len(four) == 4
            and not np.isnan(series[i - 3 : i + 1]).any()
            and near[i] != 0
            and (four == near[i]).sum() >= 3
        ):
            signals[i].append("near the limit")
        if not np.isnan(moving[i]) and moving[i] > limit + tiny:
            signals[i].append("range")


def funnel_limits(
    successes: Sequence[int], n: Sequence[int], *, sigmas: float = 3.0
) -> pd.DataFrame:
    """Return for each segment the limits in which its share may lie by chance, before anybody ranks them.

    Returns
    -------
    pandas.DataFrame
        In the order given. Columns: ``share`` (float64), ``n`` (int64), ``overall`` (float64, all segments together),
        ``low``, ``high`` (float64, cut to 0 and 1), ``outside`` (bool), ``rank`` (Int64, of those outside, 1 for the
        largest share; missing within the limits).
    """
    x, total = np.asarray(successes, dtype=np.int64), np.asarray(n, dtype=np.int64)
    if len(x) != len(total) or (x < 0).any() or (total < 1).any() or (x > total).any():
        msg = "Successes and n of each segment were needed, with 0 <= successes <= n and n from 1."
        raise JourneyDataError(msg)
    overall = float(x.sum() / total.sum()) if len(x) else math.nan
    reach = sigmas * np.sqrt(overall * (1 - overall) / total)
    low, high = np.clip(overall - reach, 0, 1), np.clip(overall + reach, 0, 1)
    share = x / total
    outside = (share < low) | (share > high)
    rank = (
        pd.Series(np.where(outside, share, np.nan))
        .rank(ascending=False, method="min")
        .astype("Int64")
    )
    found = pd.DataFrame(
        {
            "share": share,
            "n": total,
            "overall": overall,
            "low": low,
            "high": high,
            "outside": outside,
            "rank": rank,
        }
    )
    return defined(
        found,
        f"Limits: {sigmas:g} standard errors around all segments together; ranks only outside of them",
    )
