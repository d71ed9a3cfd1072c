"""What is kept in a warehouse: tables under names nobody else has, and notes that say which of them are whole.

==========================  ========================================================================
``journey_rows_<source>_…`` rows; they never change
``journey_note_<source>_…`` one row of JSON, written last: the names of its tables, and what was seen of them
==========================  ========================================================================
"""

import contextlib
import json
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import ibis
import ibis.expr.types as ir
import pyarrow as pa

from journey_widgets.events.engine import collect

KEPT_FOR = timedelta(days=1)
"""How long tables that others have replaced are still there for who is reading them."""
TABLES = ("rows", "tail")
"""What a note may name; `tail` where the log has grown."""
STAMP = "%Y%m%d%H%M"


@dataclass(frozen=True)
class ShelfThere:
    """Where in a warehouse the tables of one source are kept."""

    con: Any
    database: tuple[str, ...] | str | None
    source: str
    """Mark of the source: table, kind, how it is read, and whose login reads it."""

    def names(self, like: str) -> list[str]:
        """Return the names of its tables: of ``rows``, or of a ``note``."""
        found = self.con.list_tables(database=self.database)
        return sorted(n for n in found if n.startswith(f"journey_{like}_{self.source}_"))

    def table(self, name: str) -> ir.Table:
        """Return a table that is kept here."""
        found: ir.Table = self.con.table(name, database=self.database)
        return found

    def store(self, name: str, rows: ir.Table | pa.Table) -> ir.Table:
        """Make a table; one that is there already is an error of the backend's."""
        found: ir.Table = self.con.create_table(name, rows, database=self.database, overwrite=False)
        return found

    def drop(self, name: str) -> None:
        """Drop a table, if it is there."""
        self.con.drop_table(name, database=self.database, force=True)

    def note_of(self, fingerprint: str) -> str:
        """Return the name of the note of one state of the source."""
        return f"journey_note_{self.source}_{fingerprint[:16]}"

    @contextlib.contextmanager
    def fresh_name(self) -> Iterator[str]:
        """Give the name of a table that is to be made; what is made of it when that fails is dropped."""
        name = f"journey_rows_{self.source}_{datetime.now(UTC):{STAMP}}_{uuid.uuid4().hex[:8]}"
        try:
            yield name
        except BaseException:
            self.drop(name)
            raise

    def whole_notes(self) -> list[dict[str, Any]]:
        """Return the notes of tables that are there, the newest last."""
        there = set(self.names("rows"))
        return [noted for noted, _name in self.notes() if set(_tables(noted)) <= there]

    def put(self, note: str, noted: Mapping[str, Any]) -> None:
        """Write a note: from now on what it names is whole."""
        stamped = {**noted, "made_at": datetime.now(UTC).isoformat()}
        text = json.dumps(stamped, ensure_ascii=False)
        self.store(note, pa.table({"noted": pa.array([text], pa.string())}))

    def noted(self, note: str) -> dict[str, Any] | None:
        """Return what was noted of tables that are whole; None where one of them is not there."""
        if note not in self.names("note"):
            return None
        found: dict[str, Any] = json.loads(collect(self.table(note))["noted"].iloc[0])
        if set(_tables(found)) <= set(self.names("rows")):
            return found
        self.drop(note)  # somebody removed them
        return None

    def notes(self) -> list[tuple[dict[str, Any], str]]:
        """Return all notes with their names, the newest last, whether what they name is there or not."""
        names = self.names("note")
        if not names:
            return []
        each = [self.table(n).mutate(note=ibis.literal(n)) for n in names]
        read = collect(ibis.union(*each) if len(each) > 1 else each[0])
        found = [(json.loads(t), str(n)) for t, n in zip(read["noted"], read["note"], strict=True)]
        return sorted(found, key=lambda n: str(n[0]["made_at"]))

    def drop_replaced(self, used: str) -> None:
        """Drop what others have replaced a day ago, and what was never finished; not what the note `used` names.

        That it fails stops nobody.
        """
        with contextlib.suppress(Exception):
            notes = self.notes()
            if [n for _noted, n in notes] == [used] and set(self.names("rows")) == {
                *_tables(notes[0][0])
            }:
                return
            limit = datetime.now(UTC) - KEPT_FOR
            gone = [
                name
                for (_old, name), (newer, _name) in pairwise(notes)
                if name != used and datetime.fromisoformat(newer["made_at"]) < limit
            ]
            for name in gone:
                self.drop(name)
            named = {t for noted, name in notes if name not in gone for t in _tables(noted)}
            was = {t for noted, name in notes if name in gone for t in _tables(noted)}
            for rows in self.names("rows"):
                made = datetime.strptime(rows.split("_")[3], STAMP).replace(tzinfo=UTC)
                if rows not in named and (rows in was or made < limit):
                    self.drop(rows)


def _tables(noted: Mapping[str, Any]) -> list[str]:
    return [str(noted[t]) for t in TABLES if noted.get(t)]
