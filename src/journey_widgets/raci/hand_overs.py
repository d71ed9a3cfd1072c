"""Hand-overs: who passes cases to whom, from the log."""

from typing import Any

import pandas as pd

from journey_widgets.journey.definition import defined
from journey_widgets.raci.document import RaciMatrix
from journey_widgets.raci.handling import read_handling
from journey_widgets.roles import RoleRegister

UNMAPPED = "(no role)"


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
