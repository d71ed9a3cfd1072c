"""Who did what, when and from which revision: rows that follow from each other, so that a changed one is found.

What people may do is told by the same rows: the newest one about a name says its role.
"""

from dataclasses import dataclass, fields
from datetime import UTC, datetime

import sqlalchemy as sa

from journey_widgets.workspace.chain import START, digest
from journey_widgets.workspace.schema import audit

MADE, SAVED, REFUSED, ROLE = "made", "saved", "refused", "role"
EXPORTED, BACKED_UP, RESTORED = "exported", "backed up", "restored"
"""What is noted: first that the store was made. Of a save `detail` is the hash of its revision, of a role the role."""


@dataclass(frozen=True)
class Event:
    """One thing that was done: by whom, as which login of the database, about which document or name."""

    id: int
    at_utc: str
    who: str
    login: str
    what: str
    about: str
    from_rev: int
    rev: int
    detail: str
    sha256: str
    prev_sha256: str

    def expected_sha256(self) -> str:
        """Return the hash this row must have."""
        names = ("prev_sha256", *(f.name for f in fields(self) if not f.name.endswith("256")))
        return digest(str(getattr(self, name)) for name in names)


def note(
    connection: sa.Connection,
    what: str,
    about: str,
    *,
    who: str,
    from_rev: int = 0,
    rev: int = 0,
    detail: str = "",
) -> Event:
    """Add a row; whoever calls holds the store's write lock."""
    newest = connection.execute(
        sa.select(audit.c.id, audit.c.sha256).order_by(audit.c.id.desc()).limit(1)
    ).first()
    postgres = connection.dialect.name == "postgresql"
    draft = Event(
        id=newest.id + 1 if newest else 1,
        at_utc=datetime.now(UTC).isoformat(timespec="microseconds"),
        who=who,
        login=str(connection.scalar(sa.text("select session_user"))) if postgres else "",
        what=what,
        about=about,
        from_rev=from_rev,
        rev=rev,
        detail=detail,
        sha256="",
        prev_sha256=newest.sha256 if newest else START,
    )
    event = Event(**{**vars(draft), "sha256": draft.expected_sha256()})
    connection.execute(audit.insert().values(**vars(event)))
    return event


def events(connection: sa.Connection) -> list[Event]:
    """Return all rows, oldest first."""
    return [Event(**r._mapping) for r in connection.execute(sa.select(audit).order_by(audit.c.id))]


def newest_about(connection: sa.Connection, what: str, about: str) -> Event | None:
    """Return the newest row of its kind about a document or a name."""
    query = sa.select(audit).where(audit.c.what == what, audit.c.about == about)
    row = connection.execute(query.order_by(audit.c.id.desc()).limit(1)).first()
    return Event(**row._mapping) if row else None
