"""The customers behind a number: each list is counted by the same code as the number itself.

Every function returns a frame sorted by id: ``customer_id`` (str) and ``first_ts`` (datetime64, UTC),
the customer's first event. After `split_sessions` a customer is listed once for each session meant.
"""

from collections.abc import Sequence
from typing import Any

import pandas as pd
from ibis import _

from journey_widgets.errors import JourneyDataError
from journey_widgets.events.paths import path_index
from journey_widgets.journey.attempts import Rules, attempts
from journey_widgets.journey.pattern import matching
from journey_widgets.journey.retention import behind
from journey_widgets.journey.step_matrix import in_cell
from journey_widgets.journey.variants import taken_by


def went(log: Any, source: str, target: str) -> pd.DataFrame:
    """List who went directly from `source` to `target`; either may be an end of the path."""
    index = path_index(log)
    if source == "path_start":
        found = index.table.filter(_.step == 1, _.touchpoint == index.code(target))
    elif target == "path_end":
        found = index.table.filter(_.next.isnull(), _.touchpoint == index.code(source))
    else:
        codes = index.code(source), index.code(target)
        found = index.table.filter(_.touchpoint == codes[0], _.next == codes[1])
    return index.ids(found.select("customer").distinct())


def reached(
    log: Any,
    steps: Sequence[str],
    step: int,
    *,
    lost: bool = False,
    within: str | None = None,
    order: str = "this",
    entry: str = "first",
    exclude: Sequence[str] = (),
) -> pd.DataFrame:
    """List who reached a step of a funnel, or with `lost` who reached the one before and not this.

    Parameters
    ----------
    log, steps, within, order, entry, exclude
        As in `journey.funnel`.
    step
        Number of the step, from 1.
    lost
        Return the step's drop-off instead.
    """
    if not 1 <= step <= len(steps) or (lost and step == 1):
        msg = f"step is {step}; a number from {2 if lost else 1} to {len(steps)} was needed."
        raise JourneyDataError(msg)
    index = path_index(log)
    rules = Rules.read(order=order, entry=entry, within=within, exclude=exclude)
    return index.ids(attempts(index, steps, rules).at(step - 1, index, lost=lost))


def took(log: Any, path: str) -> pd.DataFrame:
    """List whose whole path is `path`, written as in `journey.variants`."""
    index = path_index(log)
    return index.ids(taken_by(index, path))


def at_step(log: Any, step: int, touchpoint: str, *, centre: str | None = None) -> pd.DataFrame:
    """List who is in a cell of `journey.step_matrix`."""
    index = path_index(log)
    return index.ids(in_cell(index, step, touchpoint, centre=centre))


def returned(log: Any, cohort: str, offset: int, **options: Any) -> pd.DataFrame:
    """List who is counted in a cell of `journey.retention`; `options` are its own."""
    index = path_index(log)
    return index.ids(behind(index, cohort, offset, **options))


def fits(log: Any, pattern: str) -> pd.DataFrame:
    """List whose path fits a pattern."""
    index = matching(log, pattern)
    return index.ids(index.chosen)
