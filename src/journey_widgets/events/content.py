"""The hashes of files' contents, not computed twice for a file that did not change."""

import hashlib
import json
import os
import time
import uuid
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from journey_widgets.textfiles import check_file

NOTES = "hashes.json"
SETTLED = 2.0
"""Seconds after which a change of a file is certain to show in its times."""


def content_hashes(paths: Iterable[Path], folder: Path) -> list[bytes]:
    """Return the SHA-256 of files; `folder` keeps it beside each file's size, times and number.

    A file changed a moment ago could change again within one tick of the clock, so its hash is not kept.
    """
    notes = folder / NOTES
    known, found, fresh = json_object(notes), [], False
    for path in paths:
        if not path.exists() or path.stat().st_size:
            check_file(path)
        name, state = str(path.resolve()), path.stat()
        stamp = [state.st_size, state.st_mtime_ns, state.st_ctime_ns, state.st_ino]
        noted = known.get(name)
        if isinstance(noted, dict) and noted.get("stamp") == stamp:
            found.append(bytes.fromhex(str(noted["sha256"])))
            continue
        with path.open("rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").digest()
        found.append(digest)
        changed = max(state.st_mtime_ns, state.st_ctime_ns) / 1e9
        if time.time() - changed > SETTLED:
            known[name], fresh = {"stamp": stamp, "sha256": digest.hex()}, True
    if fresh:
        part = folder / f"{uuid.uuid4().hex}.part"
        part.write_text(json.dumps(known), "utf-8")
        os.replace(part, notes)  # noqa: PTH105 - one step, whoever else writes
    return found


def json_object(notes: Path) -> dict[str, Any]:
    """Return what is noted in a file; nothing where it is not there, or torn."""
    try:
        found = json.loads(notes.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
