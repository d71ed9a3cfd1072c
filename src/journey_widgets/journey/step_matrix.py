"""Step matrix: where customers are at each step, from the start or around a touchpoint."""

from typing import Any

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd
from ibis import _

from journey_widgets.definition import defined
from journey_widgets.errors import JourneyDataError
from journey_widgets.estimates import certainty, wilson
from journey_widgets.events.engine import collect
from journey_widgets.events.paths import PathIndex, path_index
from journey_widgets.journey.pattern import as_pattern, matches_table


def step_matrix(log: Any, *, max_steps: int = 10, centre: str | None = None) -> pd.DataFrame:
    """Count where customers are at each step.

    Parameters
    ----------
    log
        A `Source` of events, a table with ``customer_id``, ``ts`` and ``event``, or a `PathIndex`.
    max_steps
        Steps shown, from 1 on; with `centre`, on each side of it.
    centre
        A touchpoint, or a path pattern: steps are then counted from its first occurrence, 0 being
        the touchpoint itself (or the first event of the pattern), and customers without it are
        left out.

    Returns
    -------
    pandas.DataFrame
        One row per step and touchpoint that occurs there, by step, most frequent first, ends last.
        Columns: ``step`` (int64); ``touchpoint`` (str), ``path_end`` for customers whose path
        ended before this step, ``path_start`` for those whose path had not begun; ``customers``
        (int64); ``share`` (float64) of all customers, so that each step sums to 1; ``n`` (int64);
        ``low``, ``high``, ``method``, ``certainty``, the 95 % interval of ``share``.
    """
    if not isinstance(max_steps, int) or max_steps < 1:
        msg = f"max_steps is {max_steps}; a whole number from 1 on was needed."
        raise JourneyDataError(msg)
    index = path_index(log)
    if centre is None:
        counts = collect(
            index.table.filter(_.step <= max_steps)
            .group_by("step", "touchpoint").agg(customers=_.count())
        )  # fmt: skip
        people, first, base = index.customers(), 1, "all of them"
    else:
        around = _around(index, centre, max_steps)
        counts = collect(around.group_by("step", "touchpoint").agg(customers=_.count()))
        people, first = int(counts.loc[counts["step"] == 0, "customers"].sum()), -max_steps
        base = f"those with {centre}, steps counted from its first occurrence"
    frame = _with_ends(counts, index, people, first, max_steps)
    low, high = wilson(frame["customers"], people)
    frame = frame.assign(
        share=frame["customers"] / people if people else 0.0, n=people, low=low, high=high,
        method="wilson 95 %", certainty=certainty(np.full(len(frame), people)),
    )  # fmt: skip
    return defined(
        frame, f"Unit: {index.unit}; {index.in_words()}", f"Base: {base}",
        "Whoever has ended stays counted as ended, so every step sums to 100 %",
    )  # fmt: skip


def _around(index: PathIndex, centre: str, max_steps: int) -> ir.Table:
    """Return the events near the centre of each path, steps counted from it."""
    pattern = as_pattern(centre, index.touchpoints)
    if pattern is None:
        at_centre = index.table.filter(_.touchpoint == index.code(centre))
        centres = at_centre.group_by("customer").agg(centre=_.step.min())
    else:
        found = matches_table(index, pattern)
        centres = found.select("customer", centre="begins")
    joined = index.table.select("customer", "touchpoint", place="step").join(centres, "customer")
    near = joined.mutate(step=_.place - _.centre)
    return near.filter(_.step.between(-max_steps, max_steps))


def _with_ends(
    counts: pd.DataFrame, index: PathIndex, people: int, first: int, last: int
) -> pd.DataFrame:
    names = list(index.touchpoints)
    counts = counts.sort_values(["step", "customers", "touchpoint"], ascending=[True, False, True])
    here = counts.groupby("step")["customers"].sum()
    rows = [
        counts.assign(touchpoint=[names[c] for c in counts["touchpoint"]], place=0)[
            ["step", "touchpoint", "customers", "place"]
        ]
    ]
    for step in range(first, last + 1):
        missing = people - int(here.get(step, 0))
        if missing:
            end = "path_start" if step < 0 else "path_end"
            one = {"step": [step], "touchpoint": [end], "customers": [missing], "place": [1]}
            rows.append(pd.DataFrame(one))
    frame = pd.concat(rows, ignore_index=True)
    frame = frame.sort_values(["step", "place"], kind="stable", ignore_index=True)
    return frame.drop(columns="place").astype({"step": "int64", "customers": "int64"})


def in_cell(index: PathIndex, step: int, touchpoint: str, *, centre: str | None = None) -> ir.Table:
    """Return the numbers of the customers behind one cell of the matrix."""
    near = index.table if centre is None else _around(index, centre, abs(step))
    if touchpoint in ("path_end", "path_start"):
        if (touchpoint == "path_start") != (step < 0):
            msg = f"No customer can be at {touchpoint} in step {step}."
            raise JourneyDataError(msg)
        everybody = near if centre is None else near.filter(_.step == 0)
        here = near.filter(_.step == step).select("customer")
        return everybody.select("customer").distinct().anti_join(here, "customer")
    found = near.filter(_.step == step, _.touchpoint == ibis.literal(index.code(touchpoint)))
    return found.select("customer")
