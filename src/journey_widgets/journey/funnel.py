"""Funnel: how many customers get from one touchpoint to the next, in order."""

from collections.abc import Sequence
from typing import Any

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd
from ibis import _

from journey_widgets.errors import JourneyDataError
from journey_widgets.estimates import certainty, wilson
from journey_widgets.events.durations import microseconds
from journey_widgets.events.engine import collect
from journey_widgets.events.paths import micros, path_index
from journey_widgets.journey.transitions import HOUR


def funnel(log: Any, steps: Sequence[str], *, within: str | None = None) -> pd.DataFrame:
    """Count the customers who reach each step in order.

    A customer reaches step 1 at the first event there, and each further step at the first event
    there *after* the step before; anything may lie between. With `within`, a step counts only if
    it comes no later than that after step 1.

    Parameters
    ----------
    log
        A `Source` of events, a table with ``customer_id``, ``ts`` and ``event``, or a `PathIndex`.
    steps
        Touchpoint ids in order, at least one; a touchpoint may occur again.
    within
        A duration with its unit, such as ``"7d"``, ``"24h"`` or ``"90min"``; no limit by default.

    Returns
    -------
    pandas.DataFrame
        One row per step. Columns: ``step`` (str, touchpoint id); ``customers`` (int64);
        ``conversion`` (float64), share of step 1; ``n`` (int64), customers at step 1; ``low``,
        ``high``, ``method``, ``certainty``, the 95 % interval of ``conversion``;
        ``step_conversion``, share of the step before, with ``step_low`` and ``step_high``;
        ``drop_off`` (int64), customers of the step before who did not come here;
        ``median_hours``, from the step before.

    Raises
    ------
    JourneyDataError
        A step is no touchpoint of the log, there is no step, or `within` has no unit.
    """
    steps = [str(step) for step in steps]
    if not steps:
        msg = "A funnel needs at least one step. Give touchpoint ids in order."
        raise JourneyDataError(msg)
    index = path_index(log)
    codes = [index.code(step) for step in steps]
    limit = None if within is None else microseconds(within, name="within")
    events = index.table.select("customer", "touchpoint", place="step", moment="ts")
    reached = (
        events.filter(_.touchpoint == codes[0])
        .group_by("customer")
        .agg(at=_.place.min(), since=_.moment.argmin(_.place))
        .mutate(entered=_.since, waited=ibis.null("int64"))
    )
    found = []
    for position, code in enumerate(codes):
        if position:
            reached = _next_step(reached, events.filter(_.touchpoint == code), limit)
        reached = reached.cache()
        found.append(collect(reached.agg(customers=_.count(), waited=_.waited.quantile(0.5))))
    rows = pd.concat(found)
    hours = rows["waited"].to_numpy(dtype=np.float64) / HOUR
    return _frame(steps, rows["customers"].to_numpy(dtype=np.int64), hours)


def _next_step(reached: ir.Table, events: ir.Table, limit: int | None) -> ir.Table:
    """Move each customer to the first of `events` after where it stands, or drop it."""
    later = reached.select("customer", "at", "since", "entered").join(events, "customer")
    later = later.filter(_.place > _.at)
    if limit is not None:
        later = later.filter(micros(_.moment) - micros(_.entered) <= limit)
    return (
        later.group_by("customer", "since", "entered")
        .agg(at=_.place.min(), moment=_.moment.argmin(_.place))
        .select(
            "customer", "at", "entered", since="moment", waited=micros(_.moment) - micros(_.since)
        )
    )


def _frame(steps: Sequence[str], counts: Any, medians: Any) -> pd.DataFrame:
    before = np.concatenate([counts[:1], counts[:-1]])
    low, high = wilson(counts, counts[0])
    step_low, step_high = wilson(counts, before)
    with np.errstate(invalid="ignore"):
        conversion, step_conversion = counts / counts[0], counts / before
    return pd.DataFrame(
        {
            "step": list(steps),
            "customers": counts,
            "conversion": conversion,
            "n": counts[0],
            "low": low,
            "high": high,
            "method": "wilson 95 %",
            "certainty": certainty(np.full(len(counts), counts[0])),
            "step_conversion": step_conversion,
            "step_low": step_low,
            "step_high": step_high,
            "drop_off": before - counts,
            "median_hours": medians,
        }
    )
