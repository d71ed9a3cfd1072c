"""A copy of a whole store as one SQLite file, and a store from such a copy: also from one database into another."""

import contextlib
import os
import sqlite3
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import sqlalchemy as sa

from journey_widgets.errors import InfrastructureError, WorkspaceError
from journey_widgets.workspace import access, audit, schema
from journey_widgets.workspace.store import LOCK_SECONDS, Store, put

ROWS = 500
"""Rows that are copied at a time: bodies can be large."""


def back_up(store: Store, out: Path) -> int:
    """Write all of a store, as it is at one moment, into a new SQLite file, and look whether it is whole.

    Returns the number of revisions. A file that is there stays as it is: that is a `WorkspaceError`.
    """
    if out.exists():
        msg = f"{out} exists. Choose a new name: a backup is never written over."
        raise WorkspaceError(msg)
    store.require(access.GRANT)
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=".backup-") as scratch:
        part = Path(scratch) / "store.sqlite"
        with contextlib.closing(Store.in_file(part, who=store.who)) as copy:
            many = _copy(store, copy)
        _refuse_damaged(part)
        try:
            put(part, out)
        except FileExistsError:
            msg = f"{out} exists. Choose a new name: a backup is never written over."
            raise WorkspaceError(msg) from None
    if store.version() == schema.VERSION:
        store.note(audit.BACKED_UP, out.name[:200])
    return many


def restore(store: Store, backup: Path, *, instead_of: str = "") -> int:
    """Fill an empty store from a backup that is whole; returns the number of revisions."""
    if not backup.is_file():
        msg = f"There is no file {backup}."
        raise WorkspaceError(msg)
    with tempfile.TemporaryDirectory(prefix="journey_restores_") as scratch:
        part = Path(scratch) / "store.sqlite"
        _take(backup, part)
        _refuse_damaged(part)
        with contextlib.closing(Store.in_file(part, who=store.who)) as copy:
            return _copy(copy, store, restored=backup.name, instead_of=instead_of)


def replace(file: Path, backup: Path, who: str) -> tuple[int, Path]:
    """Put a store made from a backup in the place of a file's; returns its revisions, and where the other one is.

    That is for admins of the other one; a damaged one asks nobody. Whoever has it open cannot save into it any more. It
    is kept beside, with what was left half done in it undone.
    """
    is_damaged = _is_damaged(file)
    if not is_damaged:
        with contextlib.closing(Store.in_file(file, who=who)) as old:
            old.require(access.GRANT)
    with tempfile.TemporaryDirectory(dir=file.parent, prefix=".restoring-") as scratch:
        part, aside = Path(scratch) / file.name, _free_name(file)
        with contextlib.closing(Store.in_file(part, who=who)) as store:
            many = restore(store, backup, instead_of=aside.name)
        with contextlib.closing(
            sqlite3.connect(file, isolation_level=None, timeout=LOCK_SECONDS)
        ) as held:
            if not is_damaged:
                _hold(held)
            put(file, aside) if _has_links(file, aside) else file.rename(aside)
            part.replace(file)
    return many, aside


def _is_damaged(file: Path) -> bool:
    """Return whether a file is no SQLite database any more; one that is only locked is not damaged."""
    try:
        with contextlib.closing(sqlite3.connect(file)) as looked_at:
            looked_at.execute("PRAGMA schema_version").fetchone()
    except sqlite3.OperationalError:
        return False
    except sqlite3.DatabaseError:
        return True
    return False


def _hold(connection: sqlite3.Connection) -> None:
    """Keep everybody else from writing; somebody who is at it is waited for."""
    try:
        connection.execute("BEGIN EXCLUSIVE")
    except sqlite3.OperationalError as error:
        msg = f"The store that is there cannot be replaced now: {error}. Nothing was changed; try again."
        raise InfrastructureError(msg) from None


def _has_links(file: Path, aside: Path) -> bool:
    """Return whether a file may have two names here, so that it is never without one."""
    probe = aside.with_suffix(".probe")
    try:
        os.link(file, probe)
    except OSError:
        return False
    probe.unlink()
    return True


def _free_name(file: Path) -> Path:
    return file.with_name(f"{file.stem}.replaced-{datetime.now(UTC):%Y%m%dT%H%M%S.%f}{file.suffix}")


def _take(backup: Path, part: Path) -> None:
    """Copy a backup as it is at one moment, also where somebody has it open."""
    os.close(os.open(part, os.O_CREAT | os.O_RDWR, 0o600))
    try:
        with (
            contextlib.closing(
                sqlite3.connect(f"{backup.resolve().as_uri()}?mode=ro", uri=True)
            ) as source,
            contextlib.closing(sqlite3.connect(part)) as target,
        ):
            source.backup(target)
    except sqlite3.Error as error:
        msg = f"{backup.name} is no backup that can be read: {error}. Take an earlier one."
        raise InfrastructureError(msg) from None


def _copy(origin: Store, target: Store, *, restored: str = "", instead_of: str = "") -> int:
    with origin.as_it_is() as (reading, tables), target.filling() as writing:
        many = 0
        for table in tables:
            rows = reading.execution_options(yield_per=ROWS).execute(sa.select(table))
            for part in rows.mappings().partitions(ROWS):
                writing.execute(table.insert(), [dict(r) for r in part])
                many += len(part) if table is schema.revision else 0
        if schema.audit not in tables:
            audit.note(writing, audit.MADE, schema.VERSION, who=target.who)
        if restored:
            _go_on_counting(writing)
            said = f"instead of {instead_of}" if instead_of else ""
            audit.note(writing, audit.RESTORED, restored[:200], who=target.who, detail=said)
    return many


def _go_on_counting(connection: sa.Connection) -> None:
    """Let PostgreSQL give the next artefact a number that no copied one has."""
    if connection.dialect.name == "postgresql":
        connection.execute(
            sa.text(
                "select setval(pg_get_serial_sequence('artefact', 'id'), coalesce(max(id), 0) + 1, false) from artefact"
            )
        )


def _refuse_damaged(file: Path) -> None:
    with contextlib.closing(Store.in_file(file, read_only=True)) as copy:
        if copy.only_for_reading:
            raise WorkspaceError(copy.only_for_reading)
        faults = copy.verify()
    if faults:
        more = f" ({len(faults)} faults)" if len(faults) > 1 else ""
        msg = f"The backup is not whole: {faults[0]}{more} Take an earlier one."
        raise WorkspaceError(msg)
