"""Funnel: how many customers get from one touchpoint to the next."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from journey_widgets.definition import defined
from journey_widgets.errors import JourneyDataError
from journey_widgets.estimates import certainty, wilson
from journey_widgets.events.paths import PathIndex, path_index
from journey_widgets.journey.attempts import Reached, Rules, attempts
from journey_widgets.journey.attempts_there import ReachedThere
from journey_widgets.journey.transitions import HOUR

MAX_GROUPS = 20
BLANK = "(blank)"
"""Name of the group of those whose first event has no value."""


def funnel(
    log: Any,
    steps: Sequence[str],
    *,
    within: str | None = None,
    order: str = "this",
    entry: str = "first",
    exclude: Sequence[str] = (),
    by: str | None = None,
) -> pd.DataFrame:
    """Count the customers who reach each step.

    Parameters
    ----------
    log
        A `Source` of events, a table with ``customer_id``, ``ts`` and ``event``, or a `PathIndex`.
    steps
        Touchpoint ids, at least one; a touchpoint may occur again. With the default order and entry a
        step may be a path pattern, such as ``"cart -> [^support]* -> purchase"``: it is reached
        where its first match after the step before ends.
    within
        A duration with its unit, such as ``"7d"``, ``"24h"`` or ``"90min"``: a step counts only if
        it comes no later than that after the start of the attempt. No limit by default.
    order
        ``"this"``: each step at the first event there *after* the step before, anything may lie
        between; ``"exact"``: each step directly after the one before; ``"any"``: in any order.
    entry
        ``"first"``: one attempt, from the customer's first event at step 1; ``"any"``, ``"last"``:
        one from every such event, and the one that gets furthest counts, the earliest or the latest.
    exclude
        Touchpoints that end an attempt.
    by
        A column of the log: one funnel per group, customers being in the group of their first event;
        those without a value there are ``"(blank)"``.

    Returns
    -------
    pandas.DataFrame
        One row per step (and group). Columns: ``group`` (str, only with `by`); ``step`` (str);
        ``customers`` (int64); ``conversion`` (float64), share of step 1; ``n`` (int64), customers at
        step 1; ``low``, ``high``, ``method``, ``certainty``, the 95 % interval of ``conversion``;
        ``step_conversion``, share of the step before, with ``step_low`` and ``step_high``;
        ``drop_off`` (int64), customers of the step before who did not come here;
        ``median_hours``, from the step before.

    Raises
    ------
    JourneyDataError
        A step is no touchpoint of the log, there is no step, or `within` has no unit.
    """
    steps = [steps] if isinstance(steps, str) else [str(step) for step in steps]
    if not steps:
        msg = "A funnel needs at least one step. Give touchpoint ids in order."
        raise JourneyDataError(msg)
    index = path_index(log)
    rules = Rules.read(order=order, entry=entry, within=within, exclude=exclude)
    said = _said(index, rules, within)
    if by is None:
        return defined(frame_of(steps, attempts(index, steps, rules)), *said)
    values = index.values(by, limit=MAX_GROUPS + 1)
    if not 1 <= len(values) <= MAX_GROUPS:
        many = f"more than {MAX_GROUPS}" if values else "no"
        msg = f"{by} has {many} values; a funnel by group needs 1 to {MAX_GROUPS}."
        raise JourneyDataError(msg)
    groups = []
    for value in [*values, BLANK]:
        chosen = index.where(by, value) if value != BLANK else index.where_blank(by)
        if value == BLANK and not chosen.customers():
            continue
        frame = frame_of(steps, attempts(chosen, steps, rules))
        frame.insert(0, "group", value)
        groups.append(frame)
    return defined(pd.concat(groups, ignore_index=True), *said, f"Groups: {by} at the first event")


def _said(index: PathIndex, rules: Rules, within: str | None) -> list[str]:
    orders = {
        "this": "in this order, anything may lie between",
        "exact": "in this order, directly after each other",
        "any": "in any order, a step counting once it and all above it were done",
    }
    entries = {
        "first": "from the first event at step 1",
        "any": "from any event at step 1, the attempt that gets furthest, the earliest of these",
        "last": "from any event at step 1, the attempt that gets furthest, the latest of these",
    }
    if rules.order == "any":
        entries = {k: v.replace("at step 1", "at one of the steps") for k, v in entries.items()}
    return [
        f"Unit: {index.unit}; {index.in_words()}",
        f"Steps {orders[rules.order]}",
        f"Attempt {entries[rules.entry]}",
        f"Window: {within} from the start of the attempt" if within else "Window: no time limit",
        f"Ended by {', '.join(rules.exclude)}" if rules.exclude else "",
        "Base of conversion: customers at step 1",
    ]


def frame_of(steps: Sequence[str], reached: Reached | ReachedThere) -> pd.DataFrame:
    """Return the funnel of those who reached its first step, as `funnel` describes it."""
    counts = reached.counts()
    before = np.concatenate([counts[:1], counts[:-1]])
    low, high = wilson(counts, counts[0])
    step_low, step_high = wilson(counts, before)
    medians = [np.nan, *(reached.waits(k - 1, k).median / HOUR for k in range(1, len(steps)))]
    with np.errstate(invalid="ignore"):
        conversion, step_conversion = counts / counts[0], counts / before
    return pd.DataFrame(
        {
            "step": steps,
            "customers": counts,
            "conversion": conversion,
            "n": counts[0],
            "low": low,
            "high": high,
            "method": "wilson 95 %",
            "certainty": certainty(np.full(len(steps), counts[0])),
            "step_conversion": step_conversion,
            "step_low": step_low,
            "step_high": step_high,
            "drop_off": before - counts,
            "median_hours": medians,
        }
    )
