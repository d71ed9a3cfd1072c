"""From the log to the plan: a draft that says what is done, and adopting it as the new plan."""

from typing import Any, Protocol

import pandas as pd

from journey_widgets.errors import DocumentError
from journey_widgets.estimates import wilson
from journey_widgets.events.engine import collect
from journey_widgets.raci.context import codes_of
from journey_widgets.raci.document import MatrixRole, MatrixRow, RaciMatrix
from journey_widgets.raci.handling import is_hidden, read_handling
from journey_widgets.raci.plan_against_log import compare_with_log
from journey_widgets.raci.policy import RaciPolicy
from journey_widgets.raci.schemes import write_cell
from journey_widgets.roles import RoleRegister
from journey_widgets.tables import require_columns


class Keeper(Protocol):
    """What keeps documents, such as a workspace."""

    def save(self, document: Any, *, note: str = "") -> Any:
        """Save a document as a new revision."""


def draft_from_log(
    matrix: RaciMatrix, tickets: Any, roles: RoleRegister | None = None, *,
    policy: RaciPolicy | None = None, **reading: Any,
) -> RaciMatrix:  # fmt: skip
    """Return the matrix with those responsible who do the work in the log.

    In each row with enough events, the letter R goes to the roles whose share of the handling events is at
    least ``unplanned_share`` of the policy (the one with most in any case), most first, up to
    ``max_responsible``. Roles known only from programs or masked names never become responsible. All other
    letters stay; a row with too few events stays as it is. Who is accountable cannot be read from who did the
    work: where nobody was, nobody is, and `check` says so.

    Parameters
    ----------
    matrix
        The plan so far; `raci.empty_from_log` makes one where there is none.
    tickets, roles, policy, reading
        As in `raci.compare_with_log`.
    """
    policy = policy or RaciPolicy()
    letter = matrix.letters.responsible or "D"
    handling = read_handling(tickets, matrix, roles, **reading)
    events = handling.events
    people = events[(events["step"] == "handle") & (events["role"] != "") & ~events["hidden"]]
    columns = {r.id for r in matrix.roles}
    labels = {r.id: r.label for r in roles.roles} if roles else {}
    new: list[MatrixRole] = []
    rows = []
    for row in matrix.rows:
        counts = (
            people.loc[people["touchpoint"] == row.touchpoint, "role"].value_counts().sort_index()
        )
        counts = counts.sort_values(ascending=False, kind="stable")
        n = int(counts.sum())
        if n < policy.min_events:
            rows.append(row)
            continue
        chosen = [str(r) for r, x in counts.items() if x / n >= policy.unplanned_share]
        most = 1 if matrix.scheme == "DACI" else policy.max_responsible  # one drives
        chosen = (chosen or [str(counts.index[0])])[:most]
        for role in chosen:
            if role not in columns:
                columns.add(role)
                new.append(MatrixRole(id=role, label=labels.get(role, role)))
        rows.append(_with_responsible(row, chosen, letter, matrix))
    return RaciMatrix.from_body(
        {
            **matrix.body(),
            "roles": [r.model_dump() for r in (*matrix.roles, *new)],
            "rows": [r.model_dump(mode="json") for r in rows],
        }
    )


def _with_responsible(
    row: MatrixRow, roles: list[str], letter: str, matrix: RaciMatrix
) -> MatrixRow:
    cells = {}
    for role in [*row.cells, *(r for r in roles if r not in row.cells)]:
        text = row.cells.get(role, "")
        known, unknown = codes_of(text, matrix.scheme)
        if unknown:
            cells[role] = text  # what somebody wrote there is theirs to settle
            continue
        letters = set(known) - {letter}
        if role in roles:
            # Who does the work need not be asked or told, and does not check it.
            letters = (
                letters - {"C", "I", "O", *({"V"} if matrix.scheme == "RACI-VS" else ())}
            ) | {letter}
        cells[role] = write_cell(letters, matrix.letters)
    return row.model_copy(update={"cells": {r: t for r, t in cells.items() if t}})


def empty_from_log(tickets: Any, *, touchpoint: str = "kind", label: str = "RACI") -> RaciMatrix:
    """Return a blank matrix of the touchpoints and groups a log names, most frequent first.

    Groups that are masked or programs get no column; so do blank ones.
    """
    table = tickets.table if hasattr(tickets, "table") else tickets
    require_columns(table.columns, touchpoint, "role", name="tickets")
    frame = collect(table.select(about=touchpoint, group="role"))

    def most_first(column: str) -> list[str]:
        texts = frame[column].dropna().astype("str").str.strip()
        counts = texts[texts != ""].value_counts().sort_index()
        names = [str(v) for v in counts.sort_values(ascending=False, kind="stable").index]
        # Spellings that differ in case alone are one; the most frequent one is kept.
        return list({name.casefold(): name for name in reversed(names)}.values())[::-1]

    return RaciMatrix.from_frame(
        _blank(most_first("about"), [g for g in most_first("group") if not is_hidden(g)]),
        label=label,
    )


def _blank(rows: list[str], columns: list[str]) -> Any:
    return pd.DataFrame("", index=rows, columns=columns)


def adopt(
    keeper: Keeper, plan: RaciMatrix, draft: RaciMatrix, tickets: Any,
    roles: RoleRegister | None = None, *, note: str = "", **reading: Any,
) -> Any:  # fmt: skip
    """Save a draft as the new plan, if the log fits it better than the plan so far.

    Returns what ``keeper.save`` returns. A draft whose conformance on the same log is not higher is a
    `DocumentError`.
    """
    before, after = (
        compare_with_log(m, tickets, roles, **reading).conformance() for m in (plan, draft)
    )
    shares = [x / n if n else 0.0 for x, n in (before, after)]
    if shares[1] <= shares[0]:
        msg = (
            f"The draft fits the log no better: {after[0]:,} of {after[1]:,} events are done as it says, "
            f"{before[0]:,} of {before[1]:,} as the plan says. Nothing was saved."
        )
        raise DocumentError(msg)
    low, high = (float(v) for v in wilson(*after))
    said = (
        note
        or f"adopted from the log: {shares[1]:.0%} of {after[1]:,} events fit ({low:.0%} to {high:.0%})"
    )
    return keeper.save(draft, note=said)
