"""Vertical rules: what one column says about one role."""

from collections.abc import Iterator

from journey_widgets.findings import Finding
from journey_widgets.raci.context import Context
from journey_widgets.raci.loads import loads


def not_too_much_on_one_role(context: Context) -> Iterator[Finding]:
    """COL-01, COL-02 and COL-03: one role does, answers for, or is in too much."""
    policy, n = context.policy, len(context.rows)
    if n < policy.rows_from:
        return
    answers = sum(len(row.holders(context.accountable)) for row in context.rows)
    for role in context.matrix.roles:
        cells = list(context.column(role.id))
        does = sum(context.responsible in letters for letters in cells)
        holds = sum(context.accountable in letters for letters in cells)
        if does > policy.responsible_share * n:
            yield context.find(
                "COL-01", "warn", "column", role=role.id, count=does, rows=n,
                measured={"responsible": does, "rows": n}, policy={"responsible_share": policy.responsible_share},
            )  # fmt: skip
        if holds > policy.accountable_share * answers:
            yield context.find(
                "COL-02", "warn", "column", role=role.id, count=holds, all=answers,
                measured={"accountable": holds, "all": answers},
                policy={"accountable_share": policy.accountable_share},
            )  # fmt: skip
        involved = sum(letters != {"O"} for letters in cells)
        if involved >= policy.involved_share * n:
            yield context.find(
                "COL-03", "warn", "column", role=role.id, count=involved, rows=n,
                measured={"involved": involved, "rows": n}, policy={"involved_share": policy.involved_share},
            )  # fmt: skip


def every_role_has_work(context: Context) -> Iterator[Finding]:
    """COL-04, COL-05 and COL-06: a role without letters, without work, or that only approves."""
    n = len(context.rows)
    for role in context.matrix.roles:
        cells = list(context.column(role.id))
        does = sum(context.responsible in letters for letters in cells)
        holds = sum(context.accountable in letters for letters in cells)
        if not cells:
            if n and not any(r.cells.get(role.id) for r in context.matrix.rows):
                yield context.find("COL-05", "warn", "column", role=role.id)
        elif not does and not holds and any(letters != {"O"} for letters in cells):
            yield context.find("COL-04", "info", "column", role=role.id)
        elif holds and not does and n >= context.policy.approver_rows:
            yield context.find(
                "COL-06", "info", "column", role=role.id, count=holds, measured={"accountable": holds}
            )  # fmt: skip


def not_overloaded(context: Context) -> Iterator[Finding]:
    """COL-07: the weighted load of a role is above its capacity."""
    if context.roles is None:
        return
    carried = loads(context.rows, context.policy.load_weights)
    for column in context.matrix.roles:
        role = context.roles.role(column.id)
        load = carried.get(column.id, 0.0)
        if role is not None and role.capacity is not None and load > role.capacity:
            yield context.find(
                "COL-07", "warn", "column", role=column.id, load=load, capacity=role.capacity,
                measured={"load": load}, policy={"capacity": role.capacity},
            )  # fmt: skip


def roles_have_holders(context: Context) -> Iterator[Finding]:
    """COL-08, COL-09 and COL-10: who holds R or A is an active role that somebody holds today."""
    if context.roles is None:
        return
    today = context.policy.today
    for column in context.matrix.roles:
        role = context.roles.role(column.id)
        held = {letter for letters in context.column(column.id) for letter in letters}
        deciding = [x for x in context.deciding() if x in held]
        if role is None or not deciding:
            continue
        names = [h.name for h in role.holders if h.on(today)]
        letters = " and ".join(deciding)
        day = {"today": today.isoformat()}
        if not role.active:
            yield context.find("COL-10", "error", "column", role=column.id, letters=letters)
        if not names:
            yield context.find(
                "COL-08", "error", "column", role=column.id, policy=day, letters=letters
            )
        elif role.active and len(set(names)) == 1 and context.responsible in held:
            yield context.find(
                "COL-09", "info", "column", role=column.id, policy=day, holder=names[0]
            )  # fmt: skip
