"""Horizontal rules: what one row says about one piece of work."""

from collections.abc import Iterator

from journey_widgets.findings import Finding, Severity
from journey_widgets.raci.context import Context, Row


def one_accountable(context: Context) -> Iterator[Finding]:
    """ROW-01 and ROW-02: exactly one role answers for each row."""
    letter = context.matrix.letters.accountable
    if letter is None:
        return
    for row in context.rows:
        holders = row.holders(letter)
        if not holders:
            yield context.find("ROW-01", "error", "row", row=row.row, measured={"accountable": 0})
        elif len(holders) > 1:
            yield context.find(
                "ROW-02", "error", "row", row=row.row, count=len(holders), holders=context.named(holders),
                measured={"accountable": len(holders), "roles": holders},
            )  # fmt: skip


def somebody_responsible(context: Context) -> Iterator[Finding]:
    """ROW-03, ROW-04 and ROW-12: somebody does the work, and not too many do."""
    letter = context.matrix.letters.responsible
    if letter is None:
        return
    most = context.policy.max_responsible
    for row in context.rows:
        count = len(row.holders(letter))
        if not count:
            yield context.find("ROW-03", "error", "row", row=row.row, measured={"responsible": 0})
            if context.matrix.scheme == "RASCI" and row.holders("S"):
                yield context.find("ROW-12", "error", "row", row=row.row)
        elif count > most:
            yield context.find(
                "ROW-04", "warn", "row", row=row.row, count=count,
                measured={"responsible": count}, policy={"max_responsible": most},
            )  # fmt: skip


def not_too_many_asked(context: Context) -> Iterator[Finding]:
    """ROW-05, ROW-06, ROW-07 and ROW-08: how many are asked, told, or involved at all."""
    policy, k = context.policy, len(context.matrix.roles)
    most_asked = max(policy.consulted_least, policy.consulted_share * k)
    most_told = max(policy.informed_least, policy.informed_share * k)
    for row in context.rows:
        asked, told = len(row.holders("C")), len(row.holders("I"))
        if asked > most_asked:
            yield context.find(
                "ROW-05", "warn", "row", row=row.row, count=asked, roles=k,
                measured={"consulted": asked}, policy={"most": most_asked},
            )  # fmt: skip
        if told > most_told:
            yield context.find(
                "ROW-06", "info", "row", row=row.row, count=told, roles=k,
                measured={"informed": told}, policy={"most": most_told},
            )  # fmt: skip
        if not asked and not told:
            yield context.find("ROW-07", "info", "row", row=row.row)
        if k >= policy.everybody_from and row.involved() == k:
            yield context.find("ROW-08", "warn", "row", row=row.row, roles=k)


def work_and_answer_apart(context: Context) -> Iterator[Finding]:
    """ROW-09: one role does the work and answers for it."""
    accountable, responsible = context.accountable, context.responsible
    for row in context.rows:
        severity: Severity = "warn" if row.row.requires_separation else "info"
        advice = (
            "This row asks for a second pair of eyes: give the A to another role."
            if row.row.requires_separation
            else "Give the A to another role where a check is needed."
        )
        for role, letters in row.cells.items():
            if accountable in letters and responsible in letters:
                yield context.find(
                    "ROW-09", severity, "row", row=row.row, role=role, advice=advice,
                    policy={"requires_separation": row.row.requires_separation},
                )  # fmt: skip


def held_by_whom(context: Context) -> Iterator[Finding]:
    """ROW-10 and ROW-11: a team is accountable, or somebody from outside decides."""
    if context.roles is None:
        return
    kinds = {r.id: r.kind for r in context.roles.roles}
    for row in context.rows:
        for role, letters in row.cells.items():
            held = [x for x in context.deciding() if x in letters]
            if context.accountable in letters and kinds.get(role) == "team":
                yield context.find("ROW-10", "warn", "row", row=row.row, role=role)
            if held and kinds.get(role) == "external":
                yield context.find(
                    "ROW-11", "warn", "row", row=row.row, role=role, letters=" and ".join(held)
                )  # fmt: skip


def checked_and_released(context: Context) -> Iterator[Finding]:
    """ROW-13 (RACI-VS): exactly one sign-off, and whoever checks is not the one who did the work."""
    if context.matrix.scheme != "RACI-VS":
        return
    for row in context.rows:
        signing, checking, doing = (row.holders(x) for x in ("S", "V", "R"))
        if len(signing) != 1:
            many = "nobody signs off" if not signing else f"{len(signing)} roles sign off"
            yield context.find(
                "ROW-13", "error", "row", row=row.row, what=many, advice="Give exactly one role an S.",
                measured={"sign_off": len(signing)},
            )  # fmt: skip
        if row.row.requires_separation and not checking:
            yield context.find(
                "ROW-13", "error", "row", row=row.row, what="it has to be checked and nobody verifies it",
                advice="Give a role a V.", measured={"verifiers": 0},
            )  # fmt: skip
        if (
            len(doing) == 1
            and checking
            and all(_same_people(context, v, doing[0]) for v in checking)
        ):
            who = context.named(checking)
            yield context.find(
                "ROW-13", "warn", "row", row=row.row, what=f"{who} checks work the same person does",
                advice="Let somebody else verify.", measured={"verifiers": checking},
            )  # fmt: skip


def _same_people(context: Context, one: str, other: str) -> bool:
    """Return whether two different roles are held by the same people today."""
    if context.roles is None or one == other:
        return False
    held = []
    for name in (one, other):
        role = context.roles.role(name)
        held.append({h.name for h in role.holders if h.on(context.policy.today)} if role else set())
    return bool(held[0]) and held[0] == held[1]


def one_driver_one_approver(context: Context) -> Iterator[Finding]:
    """ROW-14 (DACI): exactly one driver and exactly one approver."""
    if context.matrix.scheme != "DACI":
        return
    for row in context.rows:
        for letter, meaning in (("D", "driver"), ("A", "approver")):
            count = len(row.holders(letter))
            if count != 1:
                yield context.find(
                    "ROW-14", "error", "row", row=row.row, count=count or "no", letter=letter,
                    meaning=meaning, measured={meaning: count},
                )  # fmt: skip


def authority_runs_down(context: Context) -> Iterator[Finding]:
    """ROW-15: the accountable role reports to one that does the work."""
    if context.roles is None:
        return
    above = {r.id: r.reports_to for r in context.roles.roles}
    for row in context.rows:
        for accountable in row.holders(context.accountable):
            superiors = _superiors(accountable, above)
            for responsible in row.holders(context.responsible):
                if responsible in superiors:
                    yield _upside_down(context, row, accountable, responsible)


def _upside_down(context: Context, row: Row, accountable: str, responsible: str) -> Finding:
    return context.find(
        "ROW-15", "info", "row", row=row.row, role=accountable,
        accountable=context.named([accountable]), responsible=context.named([responsible]),
        measured={"responsible": responsible},
    )  # fmt: skip


def _superiors(role: str, above: dict[str, str | None]) -> set[str]:
    found: set[str] = set()
    current = above.get(role)
    while current is not None and current not in found:
        found.add(current)
        current = above.get(current)
    return found - {role}
