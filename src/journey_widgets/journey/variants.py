"""Variants: the whole paths that customers took, and how many took each."""

from typing import Any

import ibis
import pandas as pd
from ibis import _

from journey_widgets.estimates import wilson
from journey_widgets.events.paths import path_index

ARROW = " -> "


def variants(log: Any, *, top: int | None = None) -> pd.DataFrame:
    """Count the distinct paths of a log.

    Parameters
    ----------
    log
        A `Source` of events, a table with ``customer_id``, ``ts`` and ``event``, or a `PathIndex`.
    top
        Return only this many, most frequent first; all by default.

    Returns
    -------
    pandas.DataFrame
        One row per path, most frequent first, then by path. Columns: ``path`` (str, touchpoint ids
        joined by ``->``); ``length`` (int64), events in it; ``customers`` (int64); ``share``
        (float64) of all customers, with ``n``, ``low``, ``high``, ``method``; ``coverage``, share
        of customers in this row and those above it.
    """
    index = path_index(log)
    taken = (
        index.table.group_by("customer")
        .agg(codes=ibis.struct({"step": _.step, "code": _.touchpoint}).collect().sort())
        .mutate(codes=_.codes.map(lambda pair: pair.code))
        .group_by("codes")
        .agg(customers=_.count())
    )
    found = taken.to_pyarrow().to_pylist()
    names = index.touchpoints
    frame = pd.DataFrame(
        {
            "path": [ARROW.join(names[c] for c in row["codes"]) for row in found],
            "length": [len(row["codes"]) for row in found],
            "customers": [row["customers"] for row in found],
        }
    ).sort_values(["customers", "path"], ascending=[False, True], ignore_index=True)
    n = int(frame["customers"].sum())
    low, high = wilson(frame["customers"], n)
    frame = frame.assign(
        share=frame["customers"] / n,
        n=n,
        low=low,
        high=high,
        method="wilson 95 %",
        coverage=frame["customers"].cumsum() / n,
    )
    return frame if top is None else frame.head(top)
