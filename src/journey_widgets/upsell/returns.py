"""What a trial earned: margin that came from the offer, less what the offer cost."""

from typing import Any

import numpy as np
import pandas as pd

from journey_widgets.definition import defined
from journey_widgets.errors import JourneyDataError
from journey_widgets.upsell.trial import (
    between_clusters,
    few_doubt,
    planned_sizes,
    rows_of,
    welch,
)

PROFIT, LOSS, NO_PROFIT, UNCERTAIN, NOTHING, HARM = (
    "profit", "certain loss", "uplift yes, profit no", "profit not certain", "no certain uplift", "less was sold",
)  # fmt: skip


def trial_return(
    trials: Any, *, arm: str, comparison: str, revenue: str, margin: float, cost: float | str, horizon: str,
    split: dict[str, float] | None = None, cluster: str = "",
) -> pd.DataFrame:  # fmt: skip
    """Return what an arm of a trial earned beyond the comparison group, and what is left of it.

    Parameters
    ----------
    trials
        Source or table with one row a customer: ``arm``, `revenue`, and the cost where it is a column.
    arm, comparison
        The arm that got the offer, and the one that was left alone.
    revenue
        Column of what each customer paid within the horizon.
    margin
        Share of the revenue that is left after the cost of goods, above 0 and up to 1. Without it there is no return:
        revenue is not earnings.
    cost
        Of one contact, or a column of what was spent on each customer of the arm.
    horizon
        In words, how long revenue was counted, such as ``"two weeks"``: what comes later is not in it.
    split, cluster
        As for `trial`.

    Returns
    -------
    pandas.DataFrame
        One row. Columns: ``arm`` (str), ``verdict`` (str, the first thing to read); ``customers`` (int64);
        ``incremental_revenue``, ``incremental_margin`` with ``margin_low`` and ``margin_high``, ``cost``, ``profit``
        with ``profit_low`` and ``profit_high`` (float64, of the whole arm); ``roi`` with ``roi_low`` and ``roi_high``
        (profit over cost; missing without a cost); ``doubt`` (str, blank where there is none: fewer than 25 buyers in
        an arm make the interval too narrow).

    Notes
    -----
    Welch's 95 % interval of the difference a customer (with clusters: between clusters), times the customers of the
    arm. What was spent is known, so that the interval of the return is that of the margin, moved and scaled.
    """
    if not 0 < margin <= 1:
        msg = (
            f"margin is {margin:g}; the share of the revenue that is earned, above 0 and up to 1, was needed: a return "
            "is not counted on revenue."
        )
        raise JourneyDataError(msg)
    by_column = isinstance(cost, str)
    columns = [revenue, *([str(cost)] if by_column else [])]
    frame = rows_of(trials, columns, comparison, extra=[cluster] if cluster else [])
    if arm == comparison or arm not in set(frame["arm"]):
        msg = f"arm is {arm!r}; the trial has {', '.join(sorted(frame['arm'].unique()))}."
        raise JourneyDataError(msg)
    sizes = planned_sizes(frame, split, cluster=cluster)
    own, other = (frame[frame["arm"] == a] for a in (arm, comparison))
    n = len(own)
    gap = float(own[revenue].mean() - other[revenue].mean())
    low, high, _p = (
        between_clusters(own, other, revenue, cluster) if cluster
        else welch(own[revenue].to_numpy("float64"), other[revenue].to_numpy("float64"))
    )  # fmt: skip
    spent = float(own[str(cost)].sum()) if by_column else float(cost) * n
    if not np.isfinite(spent) or spent < 0:
        msg = f"cost comes to {spent:g} for {arm}; a cost from 0 of each contact was needed."
        raise JourneyDataError(msg)
    earned, least, most = (margin * n * v for v in (gap, low, high))
    row = {
        "arm": arm, "verdict": _verdict(least, most, spent), "customers": n, "incremental_revenue": n * gap,
        "incremental_margin": earned, "margin_low": least, "margin_high": most, "cost": spent,
        "profit": earned - spent, "profit_low": least - spent, "profit_high": most - spent,
    }  # fmt: skip
    for name, value in (("roi", earned), ("roi_low", least), ("roi_high", most)):
        row[name] = (value - spent) / spent if spent else np.nan
    row["doubt"] = few_doubt(
        own[revenue].to_numpy("float64"), other[revenue].to_numpy("float64"), revenue
    )
    said = (
        f"{arm} against {comparison}, chosen by chance; {sizes}; margin {margin:.0%} of {revenue}, counted over "
        f"{horizon}; benefits that come later are not in it"
    )
    return defined(pd.DataFrame([row]), said)


def _verdict(least: float, most: float, spent: float) -> str:
    if most < 0:
        return HARM
    if least <= 0:
        return NOTHING if most > spent else LOSS
    if least > spent:
        return PROFIT
    return NO_PROFIT if most < spent else UNCERTAIN
