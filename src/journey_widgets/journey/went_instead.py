"""Went instead: what customers did who did not go on."""

from collections.abc import Sequence
from typing import Any, Literal, get_args

import ibis
import numpy as np
import pandas as pd
from ibis import _

from journey_widgets.definition import defined
from journey_widgets.errors import JourneyDataError, did_you_mean
from journey_widgets.estimates import certainty, wilson
from journey_widgets.events.engine import collect
from journey_widgets.events.paths import PathIndex, path_index
from journey_widgets.journey.attempts import Rules, attempts

OFF_THE_MAP = "(off the map)"
Look = Literal["next", "last", "furthest"]


def went_instead(
    log: Any,
    steps: Sequence[str],
    step: int,
    *,
    look: str = "next",
    map_order: Sequence[str] = (),
    within: str | None = None,
    exclude: Sequence[str] = (),
) -> pd.DataFrame:
    """Count what the customers did who reached one step of a funnel and not the following one.

    Parameters
    ----------
    log, steps, within, exclude
        As in `journey.funnel`, in this order and from the first entry.
    step
        Number of the step that was not reached, from 2.
    look
        ``"next"``: the event directly after the step that was reached; ``"last"``: the last event of
        the path; ``"furthest"``: of the events after the step that was reached, the one furthest along
        `map_order`.
    map_order
        Touchpoint ids in the order of the journey, for ``"furthest"``.

    Returns
    -------
    pandas.DataFrame
        One row per touchpoint, most frequent first. Columns: ``touchpoint`` (str), ``path_end`` where
        nothing came after, ``"(off the map)"`` where only events came that `map_order` lacks;
        ``customers`` (int64); ``share`` (float64) of all who did not go on; ``n`` (int64), these;
        ``low``, ``high``, ``method``, ``certainty``, the 95 % interval.
    """
    steps = [str(s) for s in steps]
    if not 2 <= step <= len(steps):
        msg = f"step is {step}; a number from 2 to {len(steps)} was needed."
        raise JourneyDataError(msg)
    if look not in get_args(Look):
        msg = f"There is no look {look!r}. {did_you_mean(look, get_args(Look))}"
        raise JourneyDataError(msg)
    index = path_index(log)
    rules = Rules.read(order="this", entry="first", within=within, exclude=exclude)
    reached = attempts(index, steps, rules)
    table = reached.as_table(index).filter(_.depth == step - 1)
    table = table.select("customer", place=f"place_{step - 2}")
    codes = _codes(index, table, look, map_order)
    n = int(table.count().to_pyarrow().as_py())
    names = [index.touchpoints[int(c)] for c in codes["code"]]
    frame = pd.DataFrame({"touchpoint": names, "customers": codes["customers"].astype("int64")})
    went_on = index.stored.join(table, "customer").filter(_.step == _.place, _.next.notnull())
    others = int(went_on.count().to_pyarrow().as_py())
    counted = int(frame["customers"].sum())
    for name, number in (
        ("path_end", n - max(others, counted)), (OFF_THE_MAP, max(others - counted, 0)),
    ):  # fmt: skip
        if number and (name == "path_end" or look == "furthest"):
            rest = pd.DataFrame({"touchpoint": [name], "customers": [number]})
            frame = pd.concat([frame, rest], ignore_index=True)
    frame = frame.sort_values(
        ["customers", "touchpoint"], ascending=[False, True], ignore_index=True
    )
    low, high = wilson(frame["customers"], n)
    frame = frame.assign(
        share=frame["customers"] / n if n else np.nan, n=n, low=low, high=high,
        method="wilson 95 %", certainty=certainty(np.full(len(frame), n)),
    )  # fmt: skip
    words = {
        "next": f"directly after {steps[step - 2]}",
        "last": "at the end of the path",
        "furthest": f"furthest along the map after {steps[step - 2]}",
    }
    return defined(
        frame.astype({"touchpoint": "str"}),
        f"Unit: {index.unit}; {index.in_words()}",
        f"Base: those who reached {steps[step - 2]} and not {steps[step - 1]}"
        + (f" within {within}" if within else ", no time limit")
        + (f", ended by {', '.join(rules.exclude)}" if rules.exclude else ""),
        f"Counted: the event {words[look]}",
    )


def _codes(
    index: PathIndex, lost: ibis.expr.types.Table, look: str, map_order: Sequence[str]
) -> pd.DataFrame:
    """Return ``code``, ``customers`` of what came instead; those with nothing after are left out."""
    events = index.stored.select("customer", "step", "touchpoint", "next").join(lost, "customer")
    if look == "next":
        found = events.filter(_.step == _.place, _.next.notnull()).select("customer", code="next")
    elif look == "last":
        found = events.filter(_.next.isnull()).select("customer", code="touchpoint")
    else:
        places = [index.touchpoints.index(t) for t in map_order if t in index.touchpoints]
        if not places:
            msg = "look='furthest' needs map_order: touchpoint ids in the order of the journey."
            raise JourneyDataError(msg)
        later = events.filter(_.step > _.place, _.touchpoint.isin(places))
        rank = later.touchpoint.cases(*((c, i) for i, c in enumerate(places)), else_=-1)
        furthest = later.group_by("customer").agg(rank=rank.max())
        code = furthest.rank.cases(*enumerate(places), else_=-1)
        found = furthest.select("customer", code=code)
    return collect(found.group_by("code").agg(customers=_.count()))
