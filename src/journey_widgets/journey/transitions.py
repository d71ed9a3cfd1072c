"""Transitions: what customers do next, counted and timed."""

from collections.abc import Collection
from typing import Any

import numpy as np
import pandas as pd
from ibis import _

from journey_widgets.definition import defined
from journey_widgets.errors import JourneyDataError, did_you_mean
from journey_widgets.estimates import certainty, clustered_wilson, grouped_variance
from journey_widgets.events.engine import collect
from journey_widgets.events.paths import PathIndex, path_index
from journey_widgets.events.quantiles import exact_quantiles
from journey_widgets.events.shuffle import group_of

HOUR = 3_600_000_000
"""Microseconds."""
WEIGHTS = (
    "count", "customers", "proba_out", "proba_in", "share_of_total", "avg_per_path", "time_median",
    "time_q95",
)  # fmt: skip
GROUPS = 200
"""Random groups of customers from which the spread between customers is estimated."""


def transitions(
    log: Any, *, ends: bool = False, weights: Collection[str] = WEIGHTS
) -> pd.DataFrame:
    """Count how often one touchpoint follows another.

    Parameters
    ----------
    log
        A `Source` of events, a table with ``customer_id``, ``ts`` and ``event``, or a `PathIndex`.
    ends
        Also return the steps into the path (``source`` is ``path_start``) and out of it
        (``target`` is ``path_end``).
    weights
        Which of `WEIGHTS` to compute, all by default. ``count`` is always there and cheap;
        ``customers`` and the times cost most on a large log.

    Returns
    -------
    pandas.DataFrame
        One row per pair that occurs, most frequent first, then by name. Columns: ``source``,
        ``target`` (str); ``count`` (int64), times the target came directly after the source;
        ``customers`` (int64) who did so; ``proba_out`` (float64), share of all events at the
        source, exits counted; ``n`` (int64), those events; ``low``, ``high``, ``method``,
        ``certainty``, the 95 % interval of ``proba_out``, which allows for the likeness of one
        customer's events; ``proba_in``, share of all events at the target, entries counted;
        ``share_of_total``, share of all pairs; ``avg_per_path``, pairs per customer;
        ``time_median_hours``, ``time_q95_hours``, missing for ends. Columns of weights not asked
        for are left out.
    """
    for name in weights:
        if name not in WEIGHTS:
            msg = f"transitions has no weight {name!r}. {did_you_mean(name, WEIGHTS)}"
            raise JourneyDataError(msg)
    index = path_index(log)
    frame = _counted(index, weights, entries=ends or "proba_in" in weights)
    if "proba_out" in weights:
        frame = _with_shares(frame, index)
    counted = frame["count"]
    if "proba_in" in weights:
        arrivals = counted.groupby(frame["to"]).sum()
        frame["proba_in"] = counted / frame["to"].map(arrivals)
    names = [*index.touchpoints, "path_end", "path_start"]
    frame["source"] = [names[c] for c in frame["from"]]
    frame["target"] = [names[c] for c in frame["to"]]
    if not ends:
        frame = frame[(frame["source"] != "path_start") & (frame["target"] != "path_end")]
    total = frame["count"].sum()
    if "share_of_total" in weights:
        frame = frame.assign(share_of_total=frame["count"] / total if total else 0.0)
    if "avg_per_path" in weights:
        people = index.customers()
        frame = frame.assign(avg_per_path=frame["count"] / people if people else 0.0)
    frame = frame.sort_values(["count", "source", "target"], ascending=[False, True, True])
    chosen = [c for c in _COLUMNS if c in frame.columns]
    return defined(
        frame[chosen].reset_index(drop=True),
        f"Unit: events of {index.in_words()}",
        "A pair counts each time its target comes directly after its source, repeats included",
        "Base of a share: all events at the source, exits counted" if "low" in chosen else "",
    )


_COLUMNS = [
    "source", "target", "count", "customers", "proba_out", "n", "low", "high", "method",
    "certainty", "proba_in", "share_of_total", "avg_per_path", "time_median_hours",
    "time_q95_hours",
]  # fmt: skip


def _counted(index: PathIndex, weights: Collection[str], *, entries: bool) -> pd.DataFrame:
    """Return the pairs by code (``from``, ``to``), exits included, with what the engine counts."""
    end, start = len(index.touchpoints), len(index.touchpoints) + 1
    pair, table = ["touchpoint", "next"], index.table
    measures = {"count": _.count()}
    if "customers" in weights:
        measures["customers"] = _.customer.nunique()
    if {"time_median", "time_q95"} & set(weights):
        table, quantile = exact_quantiles(table, pair, "gap")
    if "time_median" in weights:
        measures["time_median_hours"] = quantile(0.5) / HOUR
    if "time_q95" in weights:
        measures["time_q95_hours"] = quantile(0.95) / HOUR
    pairs = collect(table.group_by(pair).agg(**measures))
    pairs = pairs.rename(columns={"touchpoint": "from", "next": "to"}).astype({"from": "int64"})
    pairs["to"] = pairs["to"].fillna(end).astype("int64")
    if entries:
        begun = index.table.filter(_.step == 1).group_by("touchpoint").agg(count=_.count())
        first = collect(begun).rename(columns={"touchpoint": "to"})
        first = first.assign(**{"from": start}).astype({"to": "int64"})
        if "customers" in weights:
            first["customers"] = first["count"]
        pairs = pd.concat([pairs, first], ignore_index=True)
    whole = {"count": "int64"} | ({"customers": "int64"} if "customers" in weights else {})
    return pairs.astype(whole).sort_values(["from", "to"], ignore_index=True)


def by_group(index: PathIndex) -> pd.DataFrame:
    """Return the count of each pair by random group of customers: ``group``, ``from``, ``to``, ``count``."""
    end = len(index.touchpoints)
    grouped = index.table.mutate(group=group_of(_.lot, GROUPS))
    counts = collect(grouped.group_by("group", "touchpoint", "next").agg(count=_.count()))
    counts = counts.rename(columns={"touchpoint": "from", "next": "to"})
    counts["to"] = counts["to"].fillna(end)
    return counts.astype("int64")


def _with_shares(frame: pd.DataFrame, index: PathIndex) -> pd.DataFrame:
    visits = frame.groupby("from")["count"].sum()
    frame["n"] = frame["from"].map(visits).astype("int64")
    frame["proba_out"] = frame["count"] / frame["n"]
    pairs = frame.set_index(["from", "to"]).index
    groups = by_group(index).pivot_table(
        index="group", columns=["from", "to"], values="count", fill_value=0
    )
    counts = groups.reindex(columns=pairs, fill_value=0)
    at_source = counts.T.groupby(level="from").sum().T
    bases = at_source[pairs.get_level_values("from")].to_numpy(dtype=np.float64)
    spread = grouped_variance(counts.to_numpy(dtype=np.float64), bases)
    frame["low"], frame["high"] = clustered_wilson(frame["count"], frame["n"], spread)
    return frame.assign(method="wilson 95 %, by customer", certainty=certainty(frame["n"]))
