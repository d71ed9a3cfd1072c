"""The store: append-only revisions of documents, in SQLite or any database SQLAlchemy reaches.

Nothing is updated and nothing is deleted. Each revision carries the hash of the one before it, so
that a changed row is found. Writers take the write lock before they look at the newest revision:
what they decide on cannot change under them.
"""

import hashlib
import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import sqlalchemy as sa

from journey_widgets.errors import InfrastructureError, WorkspaceError

_metadata = sa.MetaData()
_artefact = sa.Table(
    "artefact",
    _metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("kind", sa.String(40), nullable=False, unique=True),
    sa.Column("created_utc", sa.String(32), nullable=False),
)
_revision = sa.Table(
    "revision",
    _metadata,
    sa.Column("artefact_id", sa.ForeignKey("artefact.id"), primary_key=True),
    sa.Column("rev", sa.Integer, primary_key=True),
    sa.Column("base_rev", sa.Integer, nullable=False),
    sa.Column("author", sa.String(200), nullable=False),
    sa.Column("at_utc", sa.String(32), nullable=False),
    sa.Column("note", sa.Text, nullable=False),
    sa.Column("schema_version", sa.Integer, nullable=False),
    sa.Column("body", sa.Text, nullable=False),
    sa.Column("sha256", sa.String(64), nullable=False),
    sa.Column("prev_sha256", sa.String(64), nullable=False),
    sa.Column("save_id", sa.String(64), nullable=False, unique=True),
)
FIRST = "0" * 64
"""The hash before the first revision."""


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
        digest = hashlib.sha256()
        for text in fields:
            data = text.encode()
            digest.update(len(data).to_bytes(8, "big") + data)
        return digest.hexdigest()


class Store:
    """Revisions of the documents of one workspace."""

    def __init__(
        self, url: str | sa.URL, *, creator: Callable[[], sqlite3.Connection] | None = None
    ) -> None:
        options: dict[str, Any] = {"creator": creator, "poolclass": sa.NullPool} if creator else {}
        self._engine = sa.create_engine(url, **options)
        if self._engine.dialect.name == "sqlite":
            sa.event.listen(self._engine, "connect", _prepare_sqlite)
            sa.event.listen(self._engine, "begin", _begin_sqlite)

    @classmethod
    def in_file(cls, path: Path, *, read_only: bool = False) -> "Store":
        """Open or make the SQLite store in a file that only its owner may read."""
        if read_only:
            address = f"file:{quote(str(path.resolve()))}?mode=ro"
            return cls("sqlite://", creator=lambda: sqlite3.connect(address, uri=True))
        if path.exists() and path.stat().st_size == 0:
            msg = (
                f"{path} is empty (0 bytes). Restore it from a backup, or remove it to start anew."
            )
            raise InfrastructureError(msg)
        if not path.exists():
            os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
        store = cls(sa.URL.create("sqlite", database=str(path)))
        store.prepare()
        return store

    def prepare(self) -> None:
        """Make the tables, where they are not there yet."""
        with self._transaction(write=True) as connection:
            _metadata.create_all(connection)

    @contextmanager
    def _transaction(self, *, write: bool) -> Iterator[sa.Connection]:
        try:
            with (
                self._engine.connect().execution_options(journey_write=write) as connection,
                connection.begin(),
            ):
                yield connection
        except sa.exc.DBAPIError as error:
            msg = (
                f"The store cannot be used: {error.orig}. Is the disk full, or the file read-only, "
                "locked or damaged? If damaged, restore it from a backup."
            )
            raise InfrastructureError(msg) from None

    def head(self, kind: str) -> Revision | None:
        """Return the newest revision of a document, or None."""
        with self._transaction(write=False) as connection:
            return _head(connection, kind)

    def revision(self, kind: str, rev: int) -> Revision | None:
        """Return one revision, or None."""
        with self._transaction(write=False) as connection:
            return _one(connection, _artefact.c.kind == kind, _revision.c.rev == rev)

    def history(self, kind: str) -> list[Revision]:
        """Return all revisions of a document, oldest first."""
        query = _select().where(_artefact.c.kind == kind).order_by(_revision.c.rev)
        with self._transaction(write=False) as connection:
            return [Revision(**row._mapping) for row in connection.execute(query)]

    def kinds(self) -> list[str]:
        """Return the kinds of document that have a revision."""
        with self._transaction(write=False) as connection:
            return list(connection.scalars(sa.select(_artefact.c.kind).order_by(_artefact.c.kind)))

    def append(
        self,
        kind: str,
        decide: Callable[[Revision | None], tuple[str, int] | None],
        *,
        author: str,
        note: str,
        base_rev: int,
        save_id: str,
    ) -> Revision | None:
        """Add a revision, decided on while no other writer can come between.

        `decide` gets the newest revision and returns the new body and its schema version, or None
        to leave all as it is; then None is returned. A `save_id` that was used before returns the
        revision it made.
        """
        with self._transaction(write=True) as connection:
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
                author=author,
                at_utc=now,
                note=note,
                schema_version=decided[1],
                body=decided[0],
                sha256="",
                prev_sha256=head.sha256 if head else FIRST,
                save_id=save_id,
            )
            values = {**vars(draft), "sha256": draft.expected_sha256()}
            row = {k: v for k, v in values.items() if k != "kind"}
            artefact = _artefact_id(connection, kind, now)
            connection.execute(_revision.insert().values(artefact_id=artefact, **row))
            return Revision(**values)

    def verify(self) -> list[str]:
        """Return what is wrong with the store: changed rows, broken chains, gaps; normally nothing."""
        faults = []
        for kind in self.kinds():
            before, expected = FIRST, 1
            for revision in self.history(kind):
                name = f"{kind} revision {revision.rev}"
                if revision.rev != expected:
                    faults.append(
                        f"{name}: revision {expected} was needed before it; it is missing."
                    )
                if revision.prev_sha256 != before:
                    faults.append(f"{name}: does not follow from the revision before it.")
                if revision.sha256 != revision.expected_sha256():
                    faults.append(f"{name}: was changed after it was saved.")
                before, expected = revision.sha256, revision.rev + 1
        if self._engine.dialect.name == "sqlite":
            with self._transaction(write=False) as connection:
                said = str(connection.exec_driver_sql("PRAGMA integrity_check").scalar())
            if said != "ok":
                faults.append(f"The file is damaged: {said}")
        return faults

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


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = (
        None  # transactions begin where we say, not where the driver thinks
    )
    for pragma in ("busy_timeout=60000", "foreign_keys=ON", "synchronous=FULL"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: sa.Connection) -> None:
    write = connection.get_execution_options().get("journey_write")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")
