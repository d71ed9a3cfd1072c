"""The hash of a file's content, not computed twice for a file that did not change."""

import hashlib
import json
import os
import time
import uuid
from pathlib import Path

from journey_widgets.textfiles import check_file

NOTES = "hashes.json"
SETTLED = 2.0
"""Seconds after which a change of a file is certain to show in its times."""


def content_hash(path: Path, folder: Path) -> bytes:
    """Return the SHA-256 of a file; `folder` keeps it beside the file's size, times and number.

    A file changed a moment ago could change again within one tick of the clock, so its hash is not kept.
    """
    check_file(path)
    notes, name = folder / NOTES, str(path.resolve())
    state = path.stat()
    stamp = [state.st_size, state.st_mtime_ns, state.st_ctime_ns, state.st_ino]
    known = _read(notes)
    noted = known.get(name)
    if isinstance(noted, dict) and noted.get("stamp") == stamp:
        return bytes.fromhex(str(noted["sha256"]))
    with path.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").digest()
    changed = max(state.st_mtime_ns, state.st_ctime_ns) / 1e9
    if time.time() - changed > SETTLED:
        known[name] = {"stamp": stamp, "sha256": digest.hex()}
        part = folder / f"{uuid.uuid4().hex}.part"
        part.write_text(json.dumps(known), "utf-8")
        os.replace(part, notes)  # noqa: PTH105 - one step, whoever else writes
    return digest


def _read(notes: Path) -> dict[str, object]:
    try:
        found = json.loads(notes.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
