"""Hand-overs: who passes cases to whom, from the log."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from journey_widgets.definition import defined
from journey_widgets.errors import DocumentError
from journey_widgets.estimates import certainty, wilson
from journey_widgets.events.engine import collect
from journey_widgets.events.source import Source
from journey_widgets.raci.document import RaciMatrix
from journey_widgets.raci.handling import read_handling
from journey_widgets.roles import RoleRegister
from journey_widgets.tables import require_columns


def passed_on(events: pd.DataFrame) -> pd.Series:
    """Return for each event of a `Handling` whether the case came from another role with it.

    Events whose actor has no role are passed over: a case is not handed over by being touched by a program.
    """
    known = events[events["role"] != ""]
    before = known.groupby("case", sort=False)["role"].shift()
    moved = (before.notna() & (before != known["role"])).reindex(events.index)
    return moved.fillna(False).astype(bool)


def hand_overs(
    matrix: RaciMatrix, tickets: Any, roles: RoleRegister | None = None, *, by: str = "role",
    **reading: Any,
) -> pd.DataFrame:  # fmt: skip
    """Count how often a case went from one role to another.

    Parameters
    ----------
    matrix, tickets, roles, reading
        As in `raci.compare_with_log`.
    by
        ``"role"``, ``"group"`` as the log names it, or ``"actor"``.

    Returns
    -------
    pandas.DataFrame
        One row per pair that occurs, most frequent first. Columns: ``source``, ``target`` (str);
        ``hand_overs`` (int64), times a case's next event with a `by` had another one; ``cases`` (int64) in
        which; ``median_hours`` (float64) between the two events. The sum of a source's rows is the number of
        times it handed a case over.
    """
    if by not in ("role", "group", "actor"):
        msg = f"by is {by!r}; role, group or actor was needed."
        raise DocumentError(msg)
    handling = read_handling(tickets, matrix, roles, **reading)
    events = handling.events[handling.events[by] != ""]
    before = events.groupby("case", sort=False)[[by, "ts"]].shift()
    moved = before[by].notna() & (before[by] != events[by])
    pairs = pd.DataFrame(
        {
            "source": before.loc[moved, by], "target": events.loc[moved, by], "case": events.loc[moved, "case"],
            "hours": (events.loc[moved, "ts"] - before.loc[moved, "ts"]).dt.total_seconds() / 3600,
        }
    )  # fmt: skip
    counted = pairs.groupby(["source", "target"], as_index=False).agg(
        hand_overs=("case", "size"), cases=("case", "nunique"), median_hours=("hours", "median")
    )
    order = ["hand_overs", "source", "target"]
    counted = counted.sort_values(order, ascending=[False, True, True], ignore_index=True)
    return defined(
        counted.astype({"hand_overs": "int64", "cases": "int64"}),
        f"A hand-over: the next event of a case with a {by} has another {by}; events without one are passed over",
        *handling.said,
    )


def case_numbers(tickets: Any, counters: Mapping[str, str]) -> pd.DataFrame:
    """Return in how many cases something happened at all, by counters the log keeps.

    Parameters
    ----------
    tickets
        A `Source` of tickets, or a table with ``case_id``, ``ts`` and the counters' columns.
    counters
        What is counted → its column, such as ``{"reopened": "reopen_count"}``. The last value of a case that is
        not missing, in the order of the log, counts; above zero it happened.

    Returns
    -------
    pandas.DataFrame
        One row per counter. Columns: ``what`` (str); ``cases`` (int64) with it, of ``n`` (int64) that have a
        value; ``share`` (float64), ``low``, ``high``, ``method``, ``certainty``.
    """
    table = tickets.table if isinstance(tickets, Source) else tickets
    require_columns(table.columns, "case_id", *counters.values(), name="tickets")
    order = ["row"] if "row" in table.columns else ["ts"]
    frame = collect(table.select("case_id", *order, *dict.fromkeys(counters.values())))
    frame = frame.sort_values(order, kind="stable")
    rows = []
    for what, column in counters.items():
        numbers = pd.to_numeric(frame[column], errors="coerce")
        last = numbers.groupby(frame["case_id"]).last().dropna()
        rows.append((what, int((last > 0).sum()), len(last)))
    found = pd.DataFrame(rows, columns=["what", "cases", "n"])
    low, high = wilson(found["cases"], found["n"])
    found = found.assign(
        share=found["cases"] / found["n"], low=low, high=high, method="wilson 95 %",
        certainty=certainty(found["n"].to_numpy("int64")),
    )  # fmt: skip
    return defined(found, "Unit: cases; the last value of each case counts")
