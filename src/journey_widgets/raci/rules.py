"""Rules that tell at once what is wrong with a matrix. One function per rule, all pure.

Codes, conditions and severities are those of the project's rule list; ``authority`` says who asks
for each: responsibility charting (Smith and Erwin), the Gamestorming RACI exercise, COBIT 2019.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from types import MappingProxyType

import pandas as pd

from journey_widgets.findings import SEVERITIES, Finding, Severity
from journey_widgets.journey.document import Journey
from journey_widgets.raci.document import MatrixRow, RaciMatrix, as_matrix
from journey_widgets.raci.schemes import read_cell
from journey_widgets.roles import RoleRegister


@dataclass(frozen=True)
class RaciPolicy:
    """Limits and severities the rules work with."""

    publishing: bool = False
    """Whether the matrix is about to be published: gaps that are warnings in editing are errors."""
    today: date = field(default_factory=date.today)
    """The day on which holders are looked at."""


@dataclass(frozen=True)
class Context:
    """What a rule may look at."""

    matrix: RaciMatrix
    journey: Journey | None
    roles: RoleRegister | None
    policy: RaciPolicy


@dataclass(frozen=True)
class Text:
    """Words of one rule; ``{…}`` is filled in."""

    message: str
    question: str
    fix: str
    authority: str


TEXTS: Mapping[str, Text] = MappingProxyType(
    {
        "CELL-01": Text(
            "{row}, {role}: {code!r} is no letter of {scheme}.",
            "What was meant?",
            "Use {letters}, or several joined by '/'.",
            "own",
        ),
        "ROW-01": Text(
            "{row}: nobody is accountable.",
            "Who answers when this is not done?",
            "Give exactly one role an A.",
            "responsibility charting; Gamestorming; COBIT 2019",
        ),
        "ROW-02": Text(
            "{row}: {count} roles are accountable ({holders}).",
            "Who has the last word?",
            "Keep one A; make the others C or I.",
            "Gamestorming; COBIT 2019",
        ),
        "ROW-03": Text(
            "{row}: nobody is responsible.",
            "Who does the work?",
            "Give a role an R, or drop or split the row.",
            "responsibility charting; Gamestorming",
        ),
        "COL-08": Text(
            "{role} holds R or A and nobody holds the role today.",
            "Who does this work now?",
            "Name a holder in the role register, or give the letters to another role.",
            "own",
        ),
        "COL-09": Text(
            "{role} is responsible and has one holder, {holder}.",
            "Who steps in when that person is away?",
            "Name a second holder, or accept the risk.",
            "own",
        ),
        "COL-10": Text(
            "{role} holds R or A and is marked as retired.",
            "Who took the role over?",
            "Give its letters to an active role.",
            "own",
        ),
        "MAT-01": Text(
            "{row} is a touchpoint of the journey and has no row.",
            "Who answers for it?",
            "Add a row for it.",
            "own",
        ),
    }
)


def check(
    matrix: RaciMatrix | pd.DataFrame,
    journey: Journey | None = None,
    roles: RoleRegister | None = None,
    policy: RaciPolicy | None = None,
) -> list[Finding]:
    """Return what the rules find, in the order severity, row, column, code.

    Parameters
    ----------
    matrix
        The document, or a table of touchpoints by roles.
    journey
        The journey whose touchpoints the matrix should cover; without it those rules are silent.
    roles
        The role register; without it rules about holders and kinds are silent.
    policy
        Limits and severities; the defaults are for editing.
    """
    context = Context(as_matrix(matrix), journey, roles, policy or RaciPolicy())
    rows = {r.touchpoint: i for i, r in enumerate(context.matrix.rows)}
    columns = {r.id: i for i, r in enumerate(context.matrix.roles)}
    found = [finding for rule in RULES for finding in rule(context)]
    return sorted(
        found,
        key=lambda f: (
            SEVERITIES.index(f.severity),
            rows.get(f.ids.get("touchpoint", ""), len(rows)),
            columns.get(f.ids.get("role", ""), -1),
            f.code,
        ),
    )


def unknown_letters(context: Context) -> Iterator[Finding]:
    """CELL-01: a cell holds a code that the scheme does not know."""
    matrix = context.matrix
    for row in matrix.rows:
        for role, text in row.cells.items():
            for code in read_cell(text, matrix.letters)[1]:
                yield _finding(
                    "CELL-01", "error", "cell", row, role=role,
                    words={
                        "code": code, "scheme": matrix.scheme, "role": matrix.role_label(role),
                        "letters": ", ".join(matrix.letters.letters),
                    },
                    measured={"text": text},
                )  # fmt: skip


def one_accountable(context: Context) -> Iterator[Finding]:
    """ROW-01 and ROW-02: exactly one role answers for each row."""
    matrix, letter = context.matrix, context.matrix.letters.accountable
    if letter is None:
        return
    for row in matrix.rows:
        holders = matrix.holders(row, letter)
        if not holders:
            yield _finding("ROW-01", "error", "row", row, measured={"accountable": 0})
        elif len(holders) > 1:
            named = ", ".join(matrix.role_label(r) for r in holders)
            yield _finding(
                "ROW-02", "error", "row", row,
                words={"count": len(holders), "holders": named},
                measured={"accountable": len(holders), "roles": holders},
            )  # fmt: skip


def somebody_responsible(context: Context) -> Iterator[Finding]:
    """ROW-03: at least one role does the work of each row."""
    matrix, letter = context.matrix, context.matrix.letters.responsible
    if letter is None:
        return
    for row in matrix.rows:
        if not matrix.holders(row, letter):
            yield _finding("ROW-03", "error", "row", row, measured={"responsible": 0})


def every_touchpoint_has_a_row(context: Context) -> Iterator[Finding]:
    """MAT-01: a touchpoint of the journey is missing from the matrix."""
    if context.journey is None:
        return
    rows = {r.touchpoint for r in context.matrix.rows}
    severity: Severity = "error" if context.policy.publishing else "warn"
    for touchpoint in context.journey.touchpoints:
        if touchpoint.id not in rows:
            missing = MatrixRow(touchpoint=touchpoint.id, label=touchpoint.label)
            yield _finding(
                "MAT-01", severity, "matrix", missing,
                policy={"publishing": context.policy.publishing},
            )  # fmt: skip


def roles_have_holders(context: Context) -> Iterator[Finding]:
    """COL-08, COL-09 and COL-10: who holds R or A is an active role that somebody holds today."""
    matrix, register = context.matrix, context.roles
    if register is None:
        return
    today = context.policy.today
    for column in matrix.roles:
        role = register.role(column.id)
        held = {letter for row in matrix.rows for letter in _letters(matrix, row, column.id)}
        if role is None or not held & _deciding(matrix):
            continue
        names = [h.name for h in role.holders if h.on(today)]
        about = {"role": column.label}
        if not role.active:
            yield _about_role("COL-10", "error", column.id, about)
        elif not names:
            yield _about_role("COL-08", "error", column.id, about, today)
        elif len(names) == 1 and matrix.letters.responsible in held:
            yield _about_role("COL-09", "info", column.id, {**about, "holder": names[0]}, today)


def _letters(matrix: RaciMatrix, row: MatrixRow, role: str) -> frozenset[str]:
    return read_cell(row.cells.get(role, ""), matrix.letters)[0]


def _deciding(matrix: RaciMatrix) -> set[str]:
    return {x for x in (matrix.letters.accountable, matrix.letters.responsible) if x}


RULES: tuple[Callable[[Context], Iterator[Finding]], ...] = (
    unknown_letters,
    one_accountable,
    somebody_responsible,
    roles_have_holders,
    every_touchpoint_has_a_row,
)


def _finding(
    code: str,
    severity: Severity,
    scope: str,
    row: MatrixRow,
    *,
    role: str | None = None,
    words: Mapping[str, object] = MappingProxyType({}),
    measured: Mapping[str, object] = MappingProxyType({}),
    policy: Mapping[str, object] = MappingProxyType({}),
) -> Finding:
    text = TEXTS[code]
    filled = {"row": row.label, **words}
    ids = {"touchpoint": row.touchpoint} | ({"role": role} if role else {})
    return Finding(
        code=code,
        severity=severity,
        scope=scope,
        ids=ids,
        message=text.message.format(**filled),
        question=text.question.format(**filled),
        fix=text.fix.format(**filled),
        authority=text.authority,
        measured=measured,
        policy=policy,
    )


def _about_role(
    code: str, severity: Severity, role: str, words: Mapping[str, object], today: date | None = None
) -> Finding:
    text = TEXTS[code]
    return Finding(
        code=code,
        severity=severity,
        scope="column",
        ids={"role": role},
        message=text.message.format(**words),
        question=text.question.format(**words),
        fix=text.fix.format(**words),
        authority=text.authority,
        policy={"today": today.isoformat()} if today else {},
    )
