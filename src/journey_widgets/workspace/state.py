"""The state of a workspace, told without opening it: whatever its pages say can only change where this changes."""

import hashlib
import json
import sys
from collections.abc import Iterator
from datetime import datetime
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from zoneinfo import ZoneInfo

STORE, MEASURED = "store.sqlite", "measured"
TEXTS = ("workspace.yaml", "sources.yaml")
COUNTED_WITH = ("altair", "duckdb", "ibis", "numpy", "pandas", "scipy")
HEAD = 100
"""Bytes of a SQLite file that hold its counter of changes."""


def state(folder: Path) -> str | None:
    """Return a hash over all that the pages of a workspace are made of; None where it cannot be told.

    That is: its settings and mappings; of the store and of every source's file which one it is, how large, and when it
    was changed; the kept values of closed periods; the day in the workspace's time zone; this package and what counts.
    Files are looked at and not read, so that it takes some milliseconds also beside gigabytes.
    """
    import yaml

    try:
        texts = [(folder / name).read_bytes() for name in TEXTS]
        settings, sources = (yaml.load(t, Loader=yaml.CSafeLoader) for t in texts)
        zone = ZoneInfo(settings.get("time_zone") or "UTC")
        files = [
            folder / said["file"]
            for said in sources.values()
            if isinstance(said, dict) and said.get("file")
        ]
        facts = [
            *(hashlib.sha256(t).hexdigest() for t in texts),
            *(_stamp(f) for f in [folder / STORE, *files, *sorted((folder / MEASURED).glob("*"))]),
            _head(folder / STORE),
            str(datetime.now(zone).date()),
            _made_by(),
        ]
    except (OSError, ValueError, AttributeError, KeyError, TypeError, yaml.YAMLError):
        return None  # the page says what is wrong with it
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()


def _stamp(path: Path) -> str:
    """Return which file it is, how large, and when it was changed: by its content and by anything else."""
    found = path.stat()
    return f"{path} {found.st_ino} {found.st_size} {found.st_mtime_ns} {found.st_ctime_ns}"


def _head(path: Path) -> str:
    with path.open("rb") as file:
        return file.read(HEAD).hex()


@cache
def _made_by() -> str:
    """Return the stamps of this package's files, and of what counts and draws."""
    own = Path(__file__).parent.parent
    stamps = [_stamp(p) for p in _files(own)]
    found = [find_spec(name) for name in COUNTED_WITH]
    stamps += [_stamp(Path(spec.origin)) for spec in found if spec is not None and spec.origin]
    return hashlib.sha256("\n".join([sys.version, *stamps]).encode()).hexdigest()


def _files(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.iterdir()):
        if path.name == "__pycache__":
            continue
        if path.is_dir():
            yield from _files(path)
        else:
            yield path
