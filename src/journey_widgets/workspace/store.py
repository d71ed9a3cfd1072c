"""The store: append-only revisions of documents, in SQLite or PostgreSQL.

Nothing is updated and nothing is deleted. Each revision carries the hash of the one before it, so
that a changed row is found; the audit says who saved it, and who may. Writers take the store's one write lock
(SQLite's own, in PostgreSQL the row that says the version) before they look at the newest revision:
what they decide on cannot change under them.
"""

import contextlib
import json
import os
import sqlite3
import tempfile
import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count, groupby
from pathlib import Path
from typing import Any
from urllib.parse import quote

import sqlalchemy as sa

from journey_widgets.errors import AccessError, InfrastructureError, WorkspaceError
from journey_widgets.workspace import access, audit, chain, schema
from journey_widgets.workspace.schema import artefact as _artefact
from journey_widgets.workspace.schema import revision as _revision

LOCK, LOCK_SECONDS = 0x6A6F75726E6579, 60
"""Key of the lock under which tables are made; how long a writer waits for another one."""


@dataclass(frozen=True)
class Revision:
    """One saved state of a document; `body` is its canonical JSON text."""

    kind: str
    rev: int
    base_rev: int
    author: str
    at_utc: str
    note: str
    schema_version: int
    body: str
    sha256: str
    prev_sha256: str
    save_id: str

    def expected_sha256(self) -> str:
        """Return the hash this revision must have."""
        fields = (
            self.prev_sha256, self.kind, str(self.rev), str(self.base_rev), self.author, self.at_utc,
            self.note, str(self.schema_version), self.save_id, self.body,
        )  # fmt: skip
        return chain.digest(fields)


class Store:
    """Revisions of the documents of one workspace, as one person sees and saves them.

    Parameters
    ----------
    url
        SQLAlchemy's address of a SQLite or PostgreSQL database.
    who
        Whose rights count, and who is noted as author.
    creator
        Makes the connections of a SQLite file.
    """

    def __init__(
        self,
        url: str | sa.URL,
        *,
        who: str = "",
        creator: Callable[[], sqlite3.Connection] | None = None,
    ) -> None:
        self.who = _printable(who, "The name of whoever saves", 200)
        self._engine = _engine(url, creator)
        weakref.finalize(self, self._engine.dispose)
        self._version: str | None = None

    @classmethod
    def in_file(cls, path: Path, *, who: str = "", read_only: bool = False) -> "Store":
        """Open or make the SQLite store in a file that only its owner may read; an older one is upgraded.

        Before that a copy of it is kept beside it.
        """
        if read_only:
            _roll_back_what_was_left(path)
            address = f"file:{quote(str(path.resolve()))}?mode=ro"
            return cls("sqlite://", who=who, creator=lambda: sqlite3.connect(address, uri=True))
        if path.exists() and path.stat().st_size == 0:
            msg = (
                f"{path} is empty (0 bytes). Restore it from a backup, or remove it to start anew."
            )
            raise InfrastructureError(msg)
        if not path.exists():
            _make(path, who)
        store = cls(sa.URL.create("sqlite", database=str(path)), who=who)
        found = store.version()
        if found is not None and found != schema.VERSION and not schema.is_newer(found):
            store._keep_copy(path.with_name(f"{path.stem}.version-{found}{path.suffix}"))
        store.prepare(upgrade=True)
        return store

    def _keep_copy(self, path: Path) -> None:
        """Keep a copy of the whole file under a name that is free, such as this one."""
        with tempfile.TemporaryDirectory(dir=path.parent, prefix=".copy-") as scratch:
            part = Path(scratch) / path.name
            os.close(os.open(part, os.O_CREAT | os.O_RDWR, 0o600))
            with self._transaction(write=False, vacuum=True) as connection:
                connection.execute(sa.text("VACUUM INTO :path"), {"path": str(part)})
            names = (
                path.with_name(f"{path.stem}{f'-{n}' if n else ''}{path.suffix}") for n in count()
            )
            for name in names:
                with contextlib.suppress(FileExistsError):
                    put(part, name)
                    return

    def version(self) -> str | None:
        """Return the version of the store; None where the database is empty."""
        with self._transaction(write=False) as connection:
            return schema.version_of(connection)

    def prepare(self, *, upgrade: bool = False) -> None:
        """Make the tables where there are none; upgrade older ones, where that is asked for."""
        found = self.version()
        if found == schema.VERSION or (found and schema.is_newer(found)):
            return
        if found and not upgrade:
            msg = (
                f"The store is of version {found}, and this journey-widgets writes version {schema.VERSION}. "
                "Back it up, then run journey upgrade: older versions can only read it after that."
            )
            raise WorkspaceError(msg)
        with self._transaction(write=True) as connection:
            self._prepare(connection)

    def _prepare(self, connection: sa.Connection) -> None:
        if connection.dialect.name == "postgresql":
            connection.execute(sa.text("select pg_advisory_xact_lock(:key)"), {"key": LOCK})
        found = schema.version_of(connection)
        if found == schema.VERSION or (found and schema.is_newer(found)):
            return
        if found is None:
            schema.make(connection)
        else:
            schema.upgrade(connection, found)
        heads = {k: r.sha256 for k in _kinds(connection) if (r := _head(connection, k))}
        audit.note(connection, audit.MADE, schema.VERSION, who=self.who, detail=json.dumps(heads))

    @contextmanager
    def filling(self) -> Iterator[sa.Connection]:
        """Hold the write lock of a store that holds nothing, its tables made: for filling it from another one."""
        with self._transaction(write=True) as connection:
            self._prepare(connection)
            found = self._locked(connection)
            if schema.is_newer(found):
                raise WorkspaceError(_newer(found))
            noted = sa.select(schema.audit.c.id).where(schema.audit.c.what != audit.MADE)
            if _kinds(connection) or connection.execute(noted.limit(1)).first() is not None:
                msg = (
                    "The store is not empty, and a backup is never restored over something. "
                    "Restore into an empty one."
                )
                raise WorkspaceError(msg)
            connection.execute(schema.audit.delete())
            yield connection

    def _locked(self, connection: sa.Connection) -> str:
        """Take the write lock, and return the version."""
        found = connection.scalar(sa.select(schema.version.c.version_num).with_for_update())
        self._version = str(found or "")
        return self._version

    @property
    def only_for_reading(self) -> str:
        """Why this store can be read and not changed; blank where it can be."""
        found = self._told_version()
        if not found:
            return "The database holds no workspace yet."
        return _newer(found) if schema.is_newer(found) else ""

    def _told_version(self, connection: sa.Connection | None = None) -> str:
        """Return the version; one that may be upgraded meanwhile is asked for each time."""
        if self._version in (None, "", schema.FIRST):
            self._version = (schema.version_of(connection) if connection else self.version()) or ""
        return str(self._version)

    @contextmanager
    def _transaction(self, *, write: bool, vacuum: bool = False) -> Iterator[sa.Connection]:
        options: dict[str, Any] = {
            "journey_begin": "" if vacuum else "IMMEDIATE" if write else "DEFERRED"
        }
        if self._engine.dialect.name == "postgresql":
            level = "READ COMMITTED" if write else "REPEATABLE READ"
            options |= {"isolation_level": level, "postgresql_readonly": not write}
        try:
            with (
                self._engine.connect().execution_options(**options) as connection,
                connection.begin(),
            ):
                yield connection
        except sa.exc.DBAPIError as error:
            raise InfrastructureError(_fault(error)) from None

    @contextmanager
    def _reading(self) -> Iterator[sa.Connection]:
        """Look at all of one moment, if one may."""
        with self._transaction(write=False) as connection:
            if not self._told_version(connection):
                msg = "The database holds no workspace yet. Open it for writing once, or run journey restore."
                raise WorkspaceError(msg)
            if self._has_audit(connection):
                access.require(connection, self.who, access.READ)
            yield connection

    def _has_audit(self, connection: sa.Connection) -> bool:
        """Return whether there is an audit, and with it roles: the first version had none."""
        return self._told_version(connection) not in ("", schema.FIRST)

    @contextmanager
    def _writing(self, right: str, about: str, from_rev: int = 0) -> Iterator[sa.Connection]:
        """Hold the write lock of the store; whoever may not is refused, and that is noted."""
        try:
            with self._transaction(write=True) as connection:
                found = self._locked(connection)
                if schema.is_newer(found):
                    raise WorkspaceError(_newer(found))
                access.require(connection, self.who, right)
                yield connection
        except AccessError as error:
            with (
                contextlib.suppress(InfrastructureError),
                self._transaction(write=True) as connection,
            ):
                self._locked(connection)
                audit.note(
                    connection,
                    audit.REFUSED,
                    about,
                    who=self.who,
                    from_rev=from_rev,
                    detail=str(error),
                )
            raise

    def head(self, kind: str) -> Revision | None:
        """Return the newest revision of a document, or None."""
        with self._reading() as connection:
            return _head(connection, kind)

    def revision(self, kind: str, rev: int) -> Revision | None:
        """Return one revision, or None."""
        with self._reading() as connection:
            return _one(connection, _artefact.c.kind == kind, _revision.c.rev == rev)

    def history(self, kind: str) -> list[Revision]:
        """Return all revisions of a document, oldest first."""
        query = _select().where(_artefact.c.kind == kind).order_by(_revision.c.rev)
        with self._reading() as connection:
            return [Revision(**row._mapping) for row in connection.execute(query)]

    def kinds(self) -> list[str]:
        """Return the kinds of document that have a revision."""
        with self._reading() as connection:
            return _kinds(connection)

    def append(
        self,
        kind: str,
        decide: Callable[[Revision | None], tuple[str, int] | None],
        *,
        note: str,
        base_rev: int,
        save_id: str,
    ) -> Revision | None:
        """Add a revision, decided on while no other writer can come between.

        `decide` gets the newest revision and returns the new body and its schema version, or None
        to leave all as it is; then None is returned. A `save_id` that was used before returns the
        revision it made.
        """
        note = _printable(note, "The note of a save", None)
        save_id = _printable(save_id, "The name of a save", 64)
        with self._writing(access.SAVE, kind, base_rev) as connection:
            done = _one(connection, _revision.c.save_id == save_id)
            if done is not None and done.kind != kind:
                msg = f"save_id {save_id!r} named a save of {done.kind} before. Name this one otherwise."
                raise WorkspaceError(msg)
            if done is not None:
                return done
            head = _head(connection, kind)
            decided = decide(head)
            if decided is None:
                return None
            now = datetime.now(UTC).isoformat(timespec="microseconds")
            draft = Revision(
                kind=kind,
                rev=head.rev + 1 if head else 1,
                base_rev=base_rev,
                author=self.who,
                at_utc=now,
                note=note,
                schema_version=decided[1],
                body=decided[0],
                sha256="",
                prev_sha256=head.sha256 if head else chain.START,
                save_id=save_id,
            )
            values = {**vars(draft), "sha256": draft.expected_sha256()}
            row = {k: v for k, v in values.items() if k != "kind"}
            artefact = _artefact_id(connection, kind, now)
            connection.execute(_revision.insert().values(artefact_id=artefact, **row))
            audit.note(
                connection, audit.SAVED, kind, who=self.who, from_rev=base_rev, rev=draft.rev,
                detail=values["sha256"],
            )  # fmt: skip
            return Revision(**values)

    def note(self, what: str, about: str, detail: str = "") -> None:
        """Note in the audit what was done with the documents beside saving them."""
        with self._writing(access.READ, about) as connection:
            audit.note(connection, what, about, who=self.who, detail=detail)

    def member(self) -> access.Member:
        """Return what whoever opened the store may do and see; whoever may not read is refused."""
        with self._reading() as connection:
            if not self._has_audit(connection):
                return access.Member(self.who, "admin")
            return access.require(connection, self.who, access.READ)

    def require(self, right: str) -> None:
        """Refuse whoever has not this right."""
        with self._reading() as connection:
            if self._has_audit(connection):
                access.require(connection, self.who, right)

    def members(self) -> dict[str, access.Member]:
        """Return who is named in the workspace; nobody means that everybody may do everything."""
        with self._reading() as connection:
            return access.members(connection) if self._has_audit(connection) else {}

    def grant(self, name: str, role: str, rows: Mapping[str, Sequence[str]]) -> None:
        """Name somebody as viewer, editor or admin; with a blank role, take them out."""
        name = _printable(name, "A name", 200)
        with self._writing(access.GRANT, name) as connection:
            access.grant(connection, self.who, name, role, rows)

    def events(self) -> list[audit.Event]:
        """Return the audit, oldest first."""
        with self._reading() as connection:
            return audit.events(connection) if self._has_audit(connection) else []

    def verify(self) -> list[str]:
        """Return what is wrong with the store: changed rows, broken chains, gaps; normally nothing."""
        with self._transaction(
            write=False
        ) as connection:  # whoever reaches it may: no document is told
            has_audit = self._has_audit(connection)
            query = _select().order_by(_artefact.c.kind, _revision.c.rev)
            revisions = [Revision(**row._mapping) for row in connection.execute(query)]
            audited = audit.events(connection) if has_audit else []
            said = "ok"
            if connection.dialect.name == "sqlite":
                said = str(connection.exec_driver_sql("PRAGMA integrity_check").scalar())
        faults = [
            f
            for kind, own in groupby(revisions, key=lambda r: r.kind)
            for f in chain.faults(((r.rev, r) for r in own), kind, "revision")
        ]
        faults += chain.faults(((e.id, e) for e in audited), "audit", "row")
        faults += _unlike(revisions, audited)
        if has_audit and not any(e.what == audit.MADE for e in audited[:1]):
            faults.append(
                "The audit does not begin where the store was made: its first rows are missing."
            )
        return [*faults, *([] if said == "ok" else [f"The file is damaged: {said}"])]

    @contextmanager
    def as_it_is(self) -> Iterator[tuple[sa.Connection, list[sa.Table]]]:
        """Hold one moment of the whole store: a connection, and the tables that this version has."""
        with self._transaction(write=False) as connection:
            found = self._told_version(connection)
            if not found or schema.is_newer(found):
                raise WorkspaceError(
                    _newer(found) if found else "The database holds no workspace yet."
                )
            yield (
                connection,
                [t for t in schema.HELD if self._has_audit(connection) or t is not schema.audit],
            )

    def close(self) -> None:
        """Close the connections."""
        self._engine.dispose()


def _select() -> sa.Select[Any]:
    columns = [c for c in _revision.c if c.name != "artefact_id"]
    return sa.select(_artefact.c.kind, *columns).join_from(_artefact, _revision)


def _one(connection: sa.Connection, *where: sa.ColumnElement[bool]) -> Revision | None:
    row = connection.execute(_select().where(*where)).first()
    return Revision(**row._mapping) if row else None


def _head(connection: sa.Connection, kind: str) -> Revision | None:
    query = _select().where(_artefact.c.kind == kind).order_by(_revision.c.rev.desc()).limit(1)
    row = connection.execute(query).first()
    return Revision(**row._mapping) if row else None


def _artefact_id(connection: sa.Connection, kind: str, now: str) -> int:
    found = connection.scalar(sa.select(_artefact.c.id).where(_artefact.c.kind == kind))
    if found is not None:
        return int(found)
    made = connection.execute(_artefact.insert().values(kind=kind, created_utc=now))
    key = made.inserted_primary_key
    assert key is not None  # noqa: S101 - a row was inserted
    return int(key[0])


def _unlike(revisions: Sequence[Revision], audited: Sequence[audit.Event]) -> list[str]:
    """Return where revisions and the audit do not say the same; an upgraded store has older revisions without rows."""
    held = {(r.kind, r.rev): r.sha256 for r in revisions}
    noted = {(e.about, e.rev): e.detail for e in audited if e.what == audit.SAVED}
    begun: dict[str, int] = {}
    for kind, rev in noted:
        begun[kind] = min(rev, begun.get(kind, rev))
    faults = []
    for (kind, rev), digest in noted.items():
        if (kind, rev) not in held:
            faults.append(
                f"{kind} revision {rev}: the audit says that it was saved; it is missing."
            )
        elif held[kind, rev] != digest:
            faults.append(f"{kind} revision {rev}: is not the one that the audit says was saved.")
    faults += [
        f"{kind} revision {rev}: the audit does not know who saved it."
        for kind, rev in held
        if rev > begun.get(kind, rev) and (kind, rev) not in noted
    ]
    return faults


def _engine(url: str | sa.URL, creator: Callable[[], sqlite3.Connection] | None) -> sa.Engine:
    try:
        address = sa.make_url(url)
    except (sa.exc.ArgumentError, ValueError):
        msg = "This is no address of a database; one such as postgresql+psycopg://host/name was needed."
        raise WorkspaceError(msg) from None
    if address.drivername in ("postgres", "postgresql"):
        address = address.set(drivername="postgresql+psycopg")
    kind = address.get_backend_name()
    if kind not in ("sqlite", "postgresql"):
        msg = f"Documents can be kept in SQLite or PostgreSQL; {kind} was found."
        raise WorkspaceError(msg)
    if address.drivername not in ("sqlite", "postgresql+psycopg"):
        msg = f"PostgreSQL is reached by postgresql+psycopg://…; {address.drivername}:// was found."
        raise WorkspaceError(msg)
    options: dict[str, Any] = {}
    if creator:
        options = {"creator": creator, "poolclass": sa.NullPool}
    elif kind == "postgresql":
        given = {"connect_timeout": 10, "application_name": "journey_widgets"}
        mine = {k: v for k, v in given.items() if k not in address.query}
        options = {"connect_args": mine, "pool_pre_ping": True, "pool_size": 2}
    try:
        engine = sa.create_engine(address, **options)
    except ModuleNotFoundError as error:
        msg = f"{error.name} is not installed. Run: pip install 'journey-widgets[postgres]'"
        raise WorkspaceError(msg) from None
    if kind == "postgresql":
        sa.event.listen(engine, "connect", _prepare_postgres)
    if kind == "sqlite":
        sa.event.listen(engine, "connect", _prepare_sqlite)
        sa.event.listen(engine, "begin", _begin_sqlite)
    return engine


def _fault(error: sa.exc.DBAPIError) -> str:
    said = str(error.orig).strip().split("\n")[0].rstrip(".")
    if isinstance(error.orig, sqlite3.Error):
        if "readonly" in said:
            advice = "It may not be written here, or another one was put in its place: open the workspace again."
        elif "locked" in said:
            advice = "Somebody else has been writing to it for a minute. Try again."
        else:
            advice = "Is the disk full, or the file locked or damaged? If damaged, restore it from a backup."
        return f"The store cannot be used: {said}. {advice}"
    state = getattr(error.orig, "sqlstate", None) or ""
    advice = {
        "42501": "This login may not do that there: an administrator of the database has to grant it.",
        "55P03": "Somebody else has been writing to it for a minute. Try again.",
        "25006": "The database takes no changes at the moment.",
    }.get(
        state,
        "Does its server run, can it be reached from here, and may this login read and write it?",
    )
    return f"The database of the workspace cannot be used: {said}. {advice}"


def _newer(found: str) -> str:
    return (
        f"This store was made by a newer journey-widgets (version {found}; this one knows {schema.VERSION}): "
        "it can be read and not changed. Update journey-widgets."
    )


def _make(path: Path, who: str) -> None:
    """Make a new store: whole when it is there, and the one of whoever was first."""
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".making-") as scratch:
        part = Path(scratch) / path.name
        os.close(os.open(part, os.O_CREAT | os.O_RDWR, 0o600))
        made = Store(sa.URL.create("sqlite", database=str(part)), who=who)
        made.prepare()
        made.close()
        with contextlib.suppress(FileExistsError):
            put(part, path)


def put(part: Path, path: Path) -> None:
    """Give a whole file its name; where that is taken, it stays taken: a `FileExistsError`."""
    try:
        os.link(part, path)
    except FileExistsError:
        raise
    except OSError:  # a file system without links
        if path.exists():
            raise FileExistsError(path) from None
        part.rename(path)


def _roll_back_what_was_left(path: Path) -> None:
    """Undo what a killed writer left half done: whoever may only read cannot."""
    if path.with_name(f"{path.name}-journal").exists() and os.access(path, os.W_OK):
        with contextlib.suppress(sqlite3.Error), contextlib.closing(sqlite3.connect(path)) as left:
            left.execute("BEGIN IMMEDIATE")
            left.rollback()


def _printable(text: str, what: str, most: int | None) -> str:
    """Refuse what no database holds as it is: characters of value zero, halves of characters, longer than a column."""
    if "\0" in text or any("\ud800" <= c <= "\udfff" for c in text):
        msg = f"{what} has a character that cannot be stored: {text!r}."
        raise WorkspaceError(msg)
    if most is not None and len(text) > most:
        msg = f"{what} has {len(text)} characters; at most {most} can be stored."
        raise WorkspaceError(msg)
    return text


def _prepare_postgres(connection: Any, _record: Any) -> None:
    """Let nobody wait for ever; what the address says of the session stays."""
    connection.autocommit = True
    for setting in ("lock_timeout", "idle_in_transaction_session_timeout"):
        connection.execute(f"SET {setting} = '{LOCK_SECONDS}s'")
    connection.autocommit = False


def _kinds(connection: sa.Connection) -> list[str]:
    return list(connection.scalars(sa.select(_artefact.c.kind).order_by(_artefact.c.kind)))


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = (
        None  # transactions begin where we say, not where the driver thinks
    )
    for pragma in ("busy_timeout=60000", "foreign_keys=ON", "synchronous=FULL"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: sa.Connection) -> None:
    how = connection.get_execution_options().get("journey_begin", "DEFERRED")
    if how:  # a copy is made outside of transactions
        connection.exec_driver_sql(f"BEGIN {how}")
