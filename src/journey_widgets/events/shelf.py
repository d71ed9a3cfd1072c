"""The folder that keeps what was read: a table for each reading, and beside it notes of what was seen.

======================  ==============================================================================
``<kind>-<mark>.parquet``  the table; of a log that has grown its second file (see `grown_log`)
``<kind>-<mark>.json``     the data check, touchpoints and customers; of a log also what it takes to grow
======================  ==============================================================================

Notes are written last: a table without them is not whole.
"""

import contextlib
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import duckdb
import ibis.expr.types as ir
import pandas as pd

from journey_widgets.events.data_check import CHECK_COLUMNS
from journey_widgets.events.grown_log import log_table
from journey_widgets.events.mapping import SourceMapping
from journey_widgets.events.personal import key, key_mark
from journey_widgets.events.stored_log import without_places

KEPT_FOR = 86_400.0
"""Seconds for which a table that another one has replaced is still there for who is reading it."""


@dataclass(frozen=True)
class Shelved:
    """A table that is whole, with what was noted of it."""

    base: Path
    tail: Path | None
    """The second file of a log that has grown."""
    noted: Mapping[str, Any]

    @property
    def table(self) -> ir.Table:
        """The rows, without the path index."""
        return without_places(log_table(self.base, self.tail))

    @property
    def data_check(self) -> pd.DataFrame:
        """The data check."""
        check = pd.DataFrame(self.noted["check"], columns=list(CHECK_COLUMNS))
        return check.astype({"rows": "int64", "share": "float64"})


def place(folder: Path, name: str, mapping: SourceMapping) -> Path:
    """Return the file of a table; one with pseudonyms carries the mark of the key they were made with."""
    if not mapping.pseudonyms:
        return folder / f"{name}.parquet"
    secret = key()
    if secret is not None:
        return folder / f"{name}-{key_mark(secret)}.parquet"
    # Who only reads what is stored, such as a dashboard, needs no key.
    stored = sorted(folder.glob(f"{name}-*.parquet"), key=lambda p: p.stat().st_mtime)
    return stored[-1] if stored else folder / f"{name}-.parquet"


def notes_of(table: Path) -> Path:
    """Return the file of the notes of a table."""
    return table.with_suffix(".json")


def shelved(table: Path) -> Shelved | None:
    """Return a table with its notes; None where they are not there whole."""
    notes = notes_of(table)
    if not (table.exists() and notes.exists()):
        return None
    try:
        noted = json.loads(notes.read_text("utf-8"))
        base = table.parent / noted["base"] if noted.get("base") else table
        found = Shelved(base, None if base == table else table, noted)
        found.data_check, found.table, tuple(noted["touchpoints"]), int(noted["customers"])
    except (ValueError, KeyError, TypeError, OSError, duckdb.Error):
        return None
    return found


def grown_from(
    folder: Path, kind: str, reading: str, parts: list[tuple[str, str]], mark: str
) -> Shelved | None:
    """Return the largest table of some of the files, read the same way, that those which are new come after.

    Parameters
    ----------
    reading
        Mark of how the files were read.
    parts
        Name and hash of each file, in their order.
    mark
        End of the table's name: of the key of its pseudonyms.
    """
    best: Shelved | None = None
    most = 0
    for notes in folder.glob(f"{kind}-*{mark}.json"):
        with contextlib.suppress(ValueError, OSError, AttributeError):
            grows = json.loads(notes.read_text("utf-8")).get("grows") or {}
            had = [tuple(p) for p in grows.get("parts", [])]
            if (
                grows.get("reading") == reading
                and most < len(had) < len(parts)
                and had == parts[: len(had)]
            ):
                found = shelved(notes.with_suffix(".parquet"))
                if found is not None:
                    best, most = found, len(had)
    return best


def forget_raw_ids(folder: Path, kind: str, mapping: SourceMapping) -> None:
    """Remove tables of the same source that were stored before its ids became pseudonyms."""
    if not mapping.pseudonyms:
        return
    for notes in folder.glob(f"{kind}-*.json"):
        with contextlib.suppress(ValueError, OSError):
            hidden = json.loads(notes.read_text("utf-8")).get("pseudonyms", [])
            if not set(mapping.pseudonyms) <= set(hidden):
                notes.with_suffix(".parquet").unlink(missing_ok=True)
                notes.unlink()


def forget_replaced(folder: Path, kind: str, newest: Path) -> None:
    """Remove tables of a source that another one replaced a day ago.

    A table counts as replaced from when the next one was made. Those stay that tables which stay are read together
    with, and the one that the newest grew from: its last file may come again, longer.
    """
    with contextlib.suppress(OSError):
        made = sorted((p.stat().st_mtime, p) for p in folder.glob(f"{kind}-*.json"))
        kept = {notes_of(newest)}
        for (_old, notes), (replaced, _next) in pairwise(made):
            if time.time() - replaced < KEPT_FOR:
                kept.add(notes)
        needed = set()
        for notes in kept:
            with contextlib.suppress(ValueError, OSError, AttributeError):
                noted = json.loads(notes.read_text("utf-8"))
                wanted = ("base", "from") if notes == notes_of(newest) else ("base",)
                needed |= {folder / str(noted[n]) for n in wanted if noted.get(n)}
        for _made, notes in made:
            table = notes.with_suffix(".parquet")
            if notes not in kept and table not in needed:
                notes.unlink(missing_ok=True)
                table.unlink(missing_ok=True)
