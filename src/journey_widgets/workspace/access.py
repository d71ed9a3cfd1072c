"""Who may do what in a workspace. Where nobody is named, whoever reaches the store may do everything."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import sqlalchemy as sa

from journey_widgets.errors import AccessError, WorkspaceError, did_you_mean
from journey_widgets.workspace import audit
from journey_widgets.workspace.schema import audit as rows_of_audit

READ, SAVE, GRANT = "read", "save", "grant"
RIGHTS: dict[str, tuple[str, ...]] = {
    "viewer": (READ,),
    "editor": (READ, SAVE),
    "admin": (READ, SAVE, GRANT),
}
"""Roles and what each may do."""


@dataclass(frozen=True)
class Member:
    """Somebody who is named in a workspace; `rows` are the values of columns whose rows they may see, none for all."""

    name: str
    role: str
    rows: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def members(connection: sa.Connection) -> dict[str, Member]:
    """Return who is named, by name."""
    query = sa.select(rows_of_audit.c.about, rows_of_audit.c.detail).where(
        rows_of_audit.c.what == audit.ROLE
    )
    found: dict[str, Member] = {}
    for name, detail in connection.execute(query.order_by(rows_of_audit.c.id)):
        member = _member(name, detail)
        found.pop(name, None)
        if member is not None:
            found[name] = member
    return found


def _member(name: str, detail: str) -> Member | None:
    told = json.loads(detail)
    if not told["role"]:
        return None
    return Member(name, told["role"], {c: tuple(v) for c, v in told["rows"].items()})


def member(connection: sa.Connection, name: str) -> Member:
    """Return what somebody may do: everything, where nobody is named; nothing, where others are."""
    newest = audit.newest_about(connection, audit.ROLE, name)
    found = _member(name, newest.detail) if newest else None
    if found is not None:
        return found
    named = connection.scalar(
        sa.select(rows_of_audit.c.id).where(rows_of_audit.c.what == audit.ROLE).limit(1)
    )
    made = connection.scalar(
        sa.select(rows_of_audit.c.id).where(rows_of_audit.c.what == audit.MADE).limit(1)
    )
    return Member(name, "admin" if named is None and made is not None else "")


def require(connection: sa.Connection, name: str, right: str) -> Member:
    """Return who asks; whoever may not is an `AccessError`."""
    found = member(connection, name)
    if right in RIGHTS.get(found.role, ()):
        return found
    admins = [m.name for m in members(connection).values() if m.role == "admin"]
    ask = (
        f"Ask {' or '.join(repr(a) for a in admins[:3])}, who may grant it."
        if admins
        else "No admin is left."
    )
    if not found.role:
        msg = f"{name!r} is not named in this workspace. {ask}"
    else:
        what = {SAVE: "save", GRANT: "do that"}.get(right, right)
        needed = " or ".join(r for r, rights in RIGHTS.items() if right in rights)
        msg = f"{name!r} is a {found.role} here, and to {what} an {needed} was needed. {ask}"
    raise AccessError(msg)


def grant(
    connection: sa.Connection,
    who: str,
    name: str,
    role: str,
    rows: Mapping[str, Sequence[str]],
) -> None:
    """Name somebody, change what they may do, or (with a blank role) take them out; `who` grants it."""
    require(connection, who, GRANT)
    if role and role not in RIGHTS:
        msg = f"There is no role {role!r}. {did_you_mean(role, RIGHTS)}"
        raise WorkspaceError(msg)
    if rows and role != "viewer":
        msg = f"Rows are chosen for viewers; {role or 'nobody'} was given. Who edits sees all."
        raise WorkspaceError(msg)
    if not name or name != name.strip() or not name.isprintable():
        msg = f"{name!r} is no name that anybody signs in with."
        raise WorkspaceError(msg)
    if any(
        isinstance(v, str) or not v or not all(isinstance(t, str) for t in v) for v in rows.values()
    ):
        msg = f"Rows are columns with lists of texts, such as {{'region': ['north']}}; {dict(rows)!r} was given."
        raise WorkspaceError(msg)
    before = members(connection)
    if not before and name != who:
        msg = f"The first one named is whoever names: journey member {who} --role admin. Then name {name!r}."
        raise WorkspaceError(msg)
    if not role and name not in before:
        msg = f"{name!r} is not named in this workspace. {did_you_mean(name, before)}"
        raise WorkspaceError(msg)
    after = {**{n: m.role for n, m in before.items()}, name: role}
    if "admin" not in after.values():
        msg = (
            "A workspace needs an admin, or nobody could name anybody any more. "
            f"{'Make another one first.' if before else 'Name yourself as admin first.'}"
        )
        raise WorkspaceError(msg)
    detail = {"role": role, "rows": {c: sorted(v) for c, v in sorted(rows.items())}}
    audit.note(connection, audit.ROLE, name, who=who, detail=json.dumps(detail, ensure_ascii=False))
