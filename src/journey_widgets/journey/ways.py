"""The designed ways of a map with what was measured on each: taken how often, by how many, how fast."""

import itertools
from typing import Any

import pandas as pd

from journey_widgets.definition import defined
from journey_widgets.estimates import certainty, wilson
from journey_widgets.events.paths import path_index
from journey_widgets.journey.document import Journey
from journey_widgets.journey.transitions import transitions

COLUMNS = [
    "way", "source", "target", "source_label", "target_label", "kind", "count", "customers", "share", "n", "low",
    "high", "method", "certainty", "time_median_hours",
]  # fmt: skip


def ways(log: Any, journey: Journey) -> pd.DataFrame:
    """Return how often each designed way is taken.

    Parameters
    ----------
    log
        A `Source` of events, a table with ``customer_id``, ``ts`` and ``event``, or a `PathIndex`.
    journey
        The map. Its `ways`, or, where it names none, each touchpoint to the next in order.

    Returns
    -------
    pandas.DataFrame
        One row per way, in the order of the map. Columns: ``way`` (str, its id; blank for the order),
        ``source``, ``target``, ``source_label``, ``target_label``, ``kind`` (str); ``count`` (int64), times the
        target came directly after the source; ``customers`` (int64); ``share`` (float64) of the ``n`` (int64)
        events at the source, with ``low``, ``high``, ``method``, ``certainty``; ``time_median_hours``.
        A way nobody took has zeros; one from a touchpoint without events has no share.
    """
    index = path_index(log)
    touchpoints = journey.touchpoints
    if journey.ways:
        designed = [(w.id, w.source, w.target, w.kind) for w in journey.ways]
    else:
        pairs = itertools.pairwise(touchpoints)
        designed = [("", a.id, b.id, "next") for a, b in pairs]
    steps = transitions(
        index, ends=True, weights=("count", "customers", "proba_out", "time_median")
    )
    names = {t.id: t.label for t in touchpoints}
    frame = pd.DataFrame(designed, columns=["way", "source", "target", "kind"])
    frame = frame.merge(steps, on=["source", "target"], how="left")
    visits = steps.groupby("source")["n"].first()
    frame = frame.assign(
        source_label=frame["source"].map(names), target_label=frame["target"].map(names),
        n=frame["source"].map(visits).fillna(0).astype("int64"),
        count=frame["count"].fillna(0).astype("int64"),
        customers=frame["customers"].fillna(0).astype("int64"),
        share=frame["proba_out"],
    )  # fmt: skip
    unused = (frame["count"] == 0) & (frame["n"] > 0)
    low, high = wilson(0, frame.loc[unused, "n"].to_numpy())
    frame.loc[unused, "share"] = 0.0
    frame.loc[unused, "low"], frame.loc[unused, "high"] = low, high
    frame["method"] = frame["method"].fillna("wilson 95 %")
    frame["certainty"] = certainty(frame["n"])
    return defined(
        frame[COLUMNS],
        f"Unit: events of {index.in_words()}",
        "Share: of all events at the source, those directly followed by the target; leaving counts in the base",
    )
