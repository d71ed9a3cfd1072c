"""Transitions: what customers do next, counted and timed."""

from typing import Any

import pandas as pd
from ibis import _

from journey_widgets.estimates import certainty, wilson
from journey_widgets.events.engine import collect
from journey_widgets.events.paths import path_index

HOUR = 3_600_000_000
"""Microseconds."""


def transitions(log: Any, *, ends: bool = False) -> pd.DataFrame:
    """Count how often one touchpoint follows another.

    Parameters
    ----------
    log
        A `Source` of events, a table with ``customer_id``, ``ts`` and ``event``, or a `PathIndex`.
    ends
        Also return the steps into the path (``source`` is ``path_start``) and out of it
        (``target`` is ``path_end``).

    Returns
    -------
    pandas.DataFrame
        One row per pair that occurs, most frequent first, then by name. Columns: ``source``,
        ``target`` (str); ``count`` (int64), times the target came directly after the source;
        ``customers`` (int64) who did so; ``proba_out`` (float64), share of all events at the
        source, exits counted; ``n`` (int64), those events; ``low``, ``high``, ``method``,
        ``certainty``, the 95 % interval of ``proba_out``; ``proba_in``, share of all events at the
        target, entries counted; ``share_of_total``, share of all pairs; ``avg_per_path``, pairs
        per customer; ``time_median_hours``, ``time_q95_hours``, missing for ends.
    """
    index = path_index(log)
    end = len(index.touchpoints)
    steps = index.table.mutate(following=_.next.fill_null(end).cast("int32"))
    pairs = collect(
        steps.group_by("touchpoint", "following").agg(
            count=_.count(),
            customers=_.customer.nunique(),
            time_median_hours=_.gap.quantile(0.5) / HOUR,
            time_q95_hours=_.gap.quantile(0.95) / HOUR,
        )
    )
    starts = collect(
        index.table.filter(_.step == 1)
        .group_by("touchpoint")
        .agg(count=_.count(), customers=_.customer.nunique())
    )
    people = int(starts["customers"].sum())
    names = [*index.touchpoints, "path_end"]
    visits = pairs.groupby("touchpoint")["count"].sum()
    frame = pd.DataFrame(
        {
            "source": [names[c] for c in pairs["touchpoint"]],
            "target": [names[c] for c in pairs["following"]],
            "count": pairs["count"].astype("int64"),
            "customers": pairs["customers"].astype("int64"),
            "n": pairs["touchpoint"].map(visits).astype("int64"),
            "arrivals": pairs["following"].map(visits).fillna(people).astype("int64"),
            "time_median_hours": pairs["time_median_hours"],
            "time_q95_hours": pairs["time_q95_hours"],
        }
    )
    if ends:
        entries = pd.DataFrame(
            {
                "source": "path_start",
                "target": [names[c] for c in starts["touchpoint"]],
                "count": starts["count"].astype("int64"),
                "customers": starts["customers"].astype("int64"),
                "n": people,
                "arrivals": starts["touchpoint"].map(visits).astype("int64"),
            }
        )
        frame = pd.concat([frame, entries], ignore_index=True)
    else:
        frame = frame[frame["target"] != "path_end"]
    return _complete(frame, people)


def _complete(frame: pd.DataFrame, people: int) -> pd.DataFrame:
    low, high = wilson(frame["count"], frame["n"])
    frame = frame.assign(
        proba_out=frame["count"] / frame["n"],
        low=low,
        high=high,
        method="wilson 95 %",
        certainty=certainty(frame["n"]),
        proba_in=frame["count"] / frame["arrivals"],
        share_of_total=frame["count"] / frame["count"].sum(),
        avg_per_path=frame["count"] / people if people else 0.0,
    )
    columns = [
        "source", "target", "count", "customers", "proba_out", "n", "low", "high", "method",
        "certainty", "proba_in", "share_of_total", "avg_per_path", "time_median_hours",
        "time_q95_hours",
    ]  # fmt: skip
    frame = frame.sort_values(["count", "source", "target"], ascending=[False, True, True])
    return frame[columns].reset_index(drop=True)
