"""The folder that keeps what was read: tables, and for each reading the notes of what was seen.

===========================  ============================================================================
``<kind>-<mark>.json``       notes of a reading: its table, data check, touchpoints, customers; of a log that
                             can grow also its files, and what was counted of them
``<kind>-<mark>-<id>.parquet``  the table; of a log that has grown its second file (see `grown_log`)
===========================  ============================================================================

A table is written under a name that nobody has, and never again; the notes that name it are put there in one step. So
whoever reads a table goes on reading it, whatever others do.
"""

import contextlib
import json
import os
import shutil
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import ibis.expr.types as ir
import pandas as pd

from journey_widgets.events.content import json_object
from journey_widgets.events.data_check import CHECK_COLUMNS
from journey_widgets.events.grown_log import log_table
from journey_widgets.events.mapping import SourceMapping
from journey_widgets.events.personal import key, key_mark
from journey_widgets.events.stored_log import without_places

KEPT_FOR = 86_400.0
"""Seconds for which a table that nobody asked for is still there."""
WRITTEN_IN = 600.0
"""Seconds in which a table that was written gets its notes."""
TOUCHED = 3_600.0
"""Seconds after which a reading that is asked for is marked as such again."""


@dataclass(frozen=True)
class Shelved:
    """A table that is whole, with what was noted of it."""

    notes: Path
    base: Path
    tail: Path | None
    """The second file of a log that has grown."""
    noted: Mapping[str, Any]
    table: ir.Table
    """The rows, without the path index."""

    @property
    def data_check(self) -> pd.DataFrame:
        """The data check."""
        check = pd.DataFrame(self.noted["check"], columns=list(CHECK_COLUMNS))
        return check.astype({"rows": "int64", "share": "float64"})

    def names(self) -> dict[str, str]:
        """Return what notes say of the files of this table: ``table`` and, where it has two, ``base``."""
        if self.tail is None:
            return {"table": self.base.name}
        return {"table": self.tail.name, "base": self.base.name}


def place(folder: Path, name: str, mapping: SourceMapping) -> Path:
    """Return the notes of a reading; those with pseudonyms carry the mark of the key they were made with."""
    if not mapping.pseudonyms:
        return folder / f"{name}.json"
    secret = key()
    if secret is not None:
        return folder / f"{name}-{key_mark(secret)}.json"
    # Who only reads what is stored, such as a dashboard, needs no key.
    stored = sorted(folder.glob(f"{name}-*.json"), key=lambda p: p.stat().st_mtime)
    return stored[-1] if stored else folder / f"{name}-.json"


def shelved(notes: Path) -> Shelved | None:
    """Return a reading's table with its notes; None where they are not there whole."""
    try:
        noted = json.loads(notes.read_text("utf-8"))
        table = notes.parent / str(noted["table"])
        base = notes.parent / str(noted.get("base") or noted["table"])
        tail = table if noted.get("base") else None
        found = Shelved(notes, base, tail, noted, without_places(log_table(base, tail)))
        found.data_check, tuple(noted["touchpoints"]), int(noted["customers"])
    except (ValueError, KeyError, TypeError, OSError, duckdb.Error):
        return None
    return found


def mark_as_used(found: Shelved) -> None:
    """Note that a reading was asked for, so that nobody clears it away; who may not write there cannot."""
    with contextlib.suppress(OSError):
        if time.time() - found.notes.stat().st_mtime > TOUCHED:
            os.utime(found.notes)


def put(notes: Path, noted: Mapping[str, Any], table: Path | None, scratch: Path) -> None:
    """Put a reading on the shelf: its table (None where the notes name one that is there), then its notes.

    Where somebody else was quicker, theirs stays.
    """
    told = dict(noted)
    if table is not None:
        kept = notes.parent / f"{notes.stem}-{uuid.uuid4().hex[:12]}.parquet"
        table.replace(kept)
        told["table"] = kept.name
    if shelved(notes) is not None:
        if table is not None:
            kept.unlink()
        return
    part = scratch / "notes.json"
    part.write_text(json.dumps(told, ensure_ascii=False), "utf-8")
    part.replace(notes)


Part = tuple[str, str]
"""Name and hash of a file."""


Reading = tuple[list[Part], Path]
"""The files of an earlier reading, and its notes."""


def readings(folder: Path, kind: str, reading: str, mark: str) -> list[Reading]:
    """Return the readings of a log that can grow, of files that were read in one way.

    `reading` is the mark of how they were read, `mark` the end of the notes' names: of the key of pseudonyms.
    """
    found = []
    for notes in folder.glob(f"{kind}-*{mark}.json"):
        with contextlib.suppress(ValueError, KeyError, AttributeError, TypeError):
            grows = json_object(notes).get("grows") or {}
            if grows.get("reading") == reading:
                found.append(([(str(n), str(h)) for n, h in grows["parts"]], notes))
    return found


def grown_from(earlier: Sequence[Reading], parts: Sequence[Part]) -> Shelved | None:
    """Return the largest table of the first of some files."""
    fit = [(len(had), notes) for had, notes in earlier if list(parts[: len(had)]) == had]
    tables = (shelved(notes) for _many, notes in sorted(fit, reverse=True))
    return next((t for t in tables if t is not None), None)


def finished_parts(earlier: Sequence[Reading], parts: Sequence[Part]) -> int:
    """Return how many of the first files are the same as in an earlier reading whose last file was written to since."""
    most = 0
    for had, _notes in earlier:
        many = len(had) - 1
        same = many and list(parts[:many]) == had[:-1] and len(parts) > many
        if same and parts[many][0] == had[-1][0] and parts[many] != had[-1]:
            most = max(most, many)
    return most


def clear_away(folder: Path, newest: Path, kind: str, mapping: SourceMapping) -> None:
    """Remove readings of a source that nobody asked for since yesterday, and what no notes name.

    What stays is read together with other files, and the newest reading may grow once more from what it grew from: all
    of that stays. Readings from before ids became pseudonyms go at once.
    """
    with contextlib.suppress(OSError):
        now, kept = time.time(), {}
        for notes in folder.glob(f"{kind}-*.json"):
            noted = json_object(notes)
            raw = not set(mapping.pseudonyms) <= set(noted.get("pseudonyms") or [])
            if raw or (notes != newest and now - notes.stat().st_mtime > KEPT_FOR):
                continue
            kept[notes] = noted
        source = folder / str(kept.get(newest, {}).get("from") or "")
        if source.suffix == ".json" and source.exists():
            kept[source] = json_object(source)
        needed = {str(noted.get(n)) for noted in kept.values() for n in ("table", "base")}
        for notes in folder.glob(f"{kind}-*.json"):
            if notes not in kept:
                named = {json_object(notes).get(n) for n in ("table", "base")} - needed
                notes.unlink(missing_ok=True)
                for name in named - {None}:
                    (folder / str(name)).unlink(missing_ok=True)
        long = WRITTEN_IN if mapping.pseudonyms else KEPT_FOR
        for table in folder.glob(f"{kind}-*.parquet"):
            if table.name not in needed and now - table.stat().st_mtime > long:
                table.unlink(missing_ok=True)
        for left in folder.glob("reading-*"):
            if now - left.stat().st_mtime > KEPT_FOR:
                shutil.rmtree(left, ignore_errors=True)
