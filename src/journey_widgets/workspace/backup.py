"""A copy of a whole store as one SQLite file, and a store from such a copy: also from one database into another."""

import contextlib
import os
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import sqlalchemy as sa

from journey_widgets.errors import InfrastructureError, WorkspaceError
from journey_widgets.workspace import access, audit, schema
from journey_widgets.workspace.store import Store

ROWS = 500
"""Rows that are copied at a time: bodies can be large."""


def back_up(store: Store, out: Path) -> int:
    """Write all of a store, as it is at one moment, into a new SQLite file, and look whether it is whole.

    Returns the number of revisions. A file that is there stays as it is: that is a `WorkspaceError`.
    """
    if out.exists():
        msg = f"{out} exists. Choose a new name: a backup is never written over."
        raise WorkspaceError(msg)
    if store.only_for_reading:
        raise WorkspaceError(store.only_for_reading)
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=".backup-") as scratch:
        part = Path(scratch) / "store.sqlite"
        copy = Store.in_file(part, who=store.who)
        with contextlib.closing(copy):
            many = _copy(store, copy)
        _refuse_damaged(part, store.who)
        os.link(part, out)  # nobody else's file of that name is written over
    return many


def restore(store: Store, backup: Path) -> int:
    """Fill an empty store from a backup that is whole; returns the number of revisions."""
    if not backup.is_file():
        msg = f"There is no file {backup}."
        raise WorkspaceError(msg)
    _refuse_damaged(backup, store.who)
    store.prepare()
    if store.holds_anything():
        msg = "The store is not empty, and a backup is never restored over something. Restore into an empty one."
        raise WorkspaceError(msg)
    with tempfile.TemporaryDirectory(prefix="journey_restores_") as scratch:
        older = Path(scratch) / "store.sqlite"
        older.write_bytes(backup.read_bytes())
        with contextlib.closing(Store.in_file(older, who=store.who)) as copy:
            return _copy(copy, store, restored=backup.name)


def set_aside(file: Path) -> Path:
    """Rename a SQLite store, so that another one can take its place; returns where it is."""
    aside = file.with_name(f"{file.stem}.replaced-{datetime.now(UTC):%Y%m%dT%H%M%S}{file.suffix}")
    if aside.exists():
        msg = f"{aside} exists. Try again in a second."
        raise InfrastructureError(msg)
    file.rename(aside)
    return aside


def _copy(origin: Store, target: Store, *, restored: str = "") -> int:
    with origin.all_at_once() as reading, target.all_at_once(write=True) as writing:
        access.require(reading, origin.who, access.READ)
        many = 0
        for table in schema.HELD:
            rows = reading.execution_options(yield_per=ROWS).execute(sa.select(table))
            for part in rows.mappings().partitions(ROWS):
                writing.execute(table.insert(), [dict(r) for r in part])
                many += len(part) if table is schema.revision else 0
        if restored:
            _go_on_counting(writing)
            audit.note(writing, audit.RESTORED, restored, who=target.who)
    return many


def _go_on_counting(connection: sa.Connection) -> None:
    """Let PostgreSQL give the next artefact a number that no copied one has."""
    if connection.dialect.name == "postgresql":
        connection.execute(
            sa.text(
                "select setval(pg_get_serial_sequence('artefact', 'id'), coalesce(max(id), 0) + 1, false) from artefact"
            )
        )


def _refuse_damaged(file: Path, who: str) -> None:
    with contextlib.closing(Store.in_file(file, who=who, read_only=True)) as copy:
        faults = copy.verify()
    if faults:
        more = f" ({len(faults)} faults)" if len(faults) > 1 else ""
        msg = f"{file.name} is not whole: {faults[0]}{more} Take an earlier backup."
        raise WorkspaceError(msg)
