"""The state of a workspace, told without opening it: whatever its pages say can only change where this changes."""

import contextlib
import hashlib
import json
import os
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote
from zoneinfo import ZoneInfo

from journey_widgets.errors import JourneyError
from journey_widgets.events.parts import parts_of

STORE = "store.sqlite"
TEXTS = ("workspace.yaml", "sources.yaml")
COUNTED_WITH = (
    "altair",
    "duckdb",
    "ibis",
    "lightgbm",
    "numpy",
    "pandas",
    "pyarrow",
    "scipy",
    "tzdata",
)
HEAD, JOURNALED = 100, b"\x01\x01"
"""Bytes of a SQLite file that hold its counter of changes, and what tells that all changes are in that file."""
SETTLED_NS = 100_000_000
"""A file that was changed a moment ago may be changed once more at what a clock takes for the same time."""


def state(folder: Path) -> str | None:
    """Return a hash over all that the pages of a workspace are made of; None where it cannot be told.

    That is: its settings and mappings; of the store and of every source's file which one it is, how large, and when it
    was changed; the day; this package and what counts. Files are looked at and not read, so that it takes some
    milliseconds also beside gigabytes. It cannot be told right after a change.
    """
    import yaml

    try:
        texts = [(folder / name).read_bytes() for name in TEXTS]
        settings, sources = (yaml.load(t, Loader=yaml.CSafeLoader) for t in texts)
        if settings.get("store"):
            return None  # in a database, which is not asked here
        if any(isinstance(said, dict) and said.get("backend") for said in sources.values()):
            return None  # nor is a warehouse
        zone = ZoneInfo(settings.get("time_zone") or "UTC")
        files = [
            part
            for said in sources.values()
            if isinstance(said, dict) and said.get("file")
            for part in parts_of(folder / said["file"], folder).files.values()
        ]
        found = [(f, f.stat()) for f in [folder / STORE, *files]]
        head = _head(folder / STORE)
        if (
            head[18:20] != JOURNALED
            or max(s.st_ctime_ns for _f, s in found) > time.time_ns() - SETTLED_NS
        ):
            return None
        days = {str(datetime.now(z).date()) for z in (zone, UTC, None)}
        facts = [
            *(hashlib.sha256(t).hexdigest() for t in texts), *(_stamp(f, s) for f, s in found), head.hex(),
            sorted(days), MADE_BY,
        ]  # fmt: skip
    except (JourneyError, OSError, ValueError, AttributeError, KeyError, TypeError, yaml.YAMLError):
        return None  # the page says what is wrong with it
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()


def has_members(folder: Path) -> bool:
    """Return whether anybody is named in the store of a folder, so that people may see different things."""
    import sqlite3

    address = f"file:{quote(str((folder / STORE).resolve()))}?mode=ro"
    try:
        with contextlib.closing(sqlite3.connect(address, uri=True)) as connection:
            asked = connection.execute("SELECT 1 FROM audit WHERE what = 'role' LIMIT 1")
            return asked.fetchone() is not None
    except sqlite3.Error as error:  # who cannot be asked is not taken for nobody
        return "no such table" not in str(error)


def _stamp(path: Path, found: os.stat_result) -> str:
    """Return which file it is, how large, and when it was changed: by its content and by anything else."""
    return f"{path} {found.st_ino} {found.st_size} {found.st_mtime_ns} {found.st_ctime_ns}"


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(HEAD)


def _made_by() -> str:
    """Return the stamps of this package's files, and of what counts and draws."""
    own = Path(__file__).parent.parent
    specs = [find_spec(name) for name in COUNTED_WITH]
    more = [Path(spec.origin) for spec in specs if spec is not None and spec.origin]
    stamps = [_stamp(p, p.stat()) for p in [*_files(own), *more]]
    return hashlib.sha256("\n".join([sys.version, *stamps]).encode()).hexdigest()


def _files(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.iterdir()):
        if path.name == "__pycache__":
            continue
        if path.is_dir():
            yield from _files(path)
        else:
            yield path


MADE_BY = _made_by()
"""Told when this is loaded: what was loaded before an upgrade is not taken for what is there after it."""
