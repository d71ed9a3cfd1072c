"""Where parts of dashboards are kept: in the cache folder of whoever runs the server, where nobody else can write.

A folder for each state of a workspace (`workspace.state`), in it one for each view: who may do what, the address, and
what is opened. Whole files or none; what cannot be kept is made again next time.
"""

import contextlib
import hashlib
import json
import os
import shutil
import stat
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from journey_widgets.publish.modes import READ_ONLY, WORKSPACE, mode
from journey_widgets.workspace.state import has_members, state

try:
    import fcntl
except ImportError:  # not on Windows
    fcntl = None  # type: ignore[assignment]

MOST_WAITING = 60
"""Seconds after which a kernel makes a part itself that another one is at."""
MOST_STATES, MOST_VIEWS = 3, 200
"""States of a workspace, and views in one state, that are kept; older ones are removed."""
DONE = "done"
"""File that says that every dashboard was shown in a state."""


def folder_of(opening: list[Any]) -> Path | None:
    """Return the folder of a view: of this workspace in this state, opened so; None where nothing can be kept."""
    named = os.environ.get(WORKSPACE, "")
    if mode() != "dashboard" or not named:
        return None
    module, name, given, more = opening
    if (given[0] if given else more.get("workspace", "")) not in ("", named):
        return None
    kept = of_state(Path(named))
    editing = os.environ.get(READ_ONLY, "") != "1"
    asked = parse_qsl(os.environ.get("QUERY_STRING", ""))
    how = [
        sorted((n, v.strip()) for n, v in asked if v.strip()), editing,
        hashlib.sha256(os.environ.get("JOURNEY_PSEUDONYM_KEY", "").encode()).hexdigest(),
        os.environ.get("JOURNEY_AUTHOR", "") if has_members(Path(named)) else "",
    ]  # fmt: skip
    try:
        name_of = digest([module, name, given, more, how])
    except (TypeError, ValueError):
        return None
    return None if kept is None else kept / name_of


def of_state(workspace: Path) -> Path | None:
    """Return the folder of a workspace in the state it is in; None where nothing can be kept, or it cannot be told."""
    base, now = _base(), state(workspace)
    if base is None or now is None:
        return None
    return base / digest(str(workspace.resolve())) / now[:32]


def _base() -> Path | None:
    """Return the folder of all that is kept, made for its owner alone; None where there is none that is safe."""
    try:
        cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache").resolve()
        folder = cache / "journey_widgets" / "prepared"
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        return folder if all(_is_safe(p) for p in [folder, *folder.parents]) else None
    except (OSError, RuntimeError):
        return None


def _is_safe(folder: Path) -> bool:
    """Return whether nobody but this user and the system's own can put anything else in its place."""
    found = folder.lstat()
    own = not hasattr(os, "getuid") or found.st_uid in (os.getuid(), 0)
    only_own = not found.st_mode & (stat.S_IWGRP | stat.S_IWOTH) or bool(
        found.st_mode & stat.S_ISVTX
    )
    return own and only_own and stat.S_ISDIR(found.st_mode)


def digest(value: Any) -> str:
    """Return a short hash of plain JSON values."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, allow_nan=False).encode()).hexdigest()[
        :32
    ]


def read(path: Path | None) -> Any:
    """Return what is kept in a file; None where there is none, or only a piece of it."""
    if path is None:
        return None
    try:
        return json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return None


def write(path: Path | None, plain: Any) -> None:
    """Keep it, whole or not at all; where it cannot be kept it is made again next time."""
    if path is None:
        return
    with contextlib.suppress(OSError, ValueError, TypeError):
        text = json.dumps(plain, ensure_ascii=False, allow_nan=False)
        if not path.parent.exists():
            _make_room(path.parent)
        handle, scratch = tempfile.mkstemp(dir=path.parent, prefix=".")
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(text)
            Path(scratch).replace(path)
        finally:
            Path(scratch).unlink(missing_ok=True)


def _make_room(folder: Path) -> None:
    """Make the folder of a view; remove views and states that are too many, and what is left of workspaces gone."""
    now, own = folder.parent, folder.parent.parent
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    name = own / "workspace"
    if not name.exists():
        name.write_text(str(Path(os.environ[WORKSPACE]).resolve()), "utf-8")
    for many, inside in ((MOST_STATES, own), (MOST_VIEWS, now)):
        found = [p for p in inside.iterdir() if p.is_dir()]
        for old in sorted(found, key=lambda p: p.stat().st_mtime, reverse=True)[many:]:
            shutil.rmtree(old, ignore_errors=True)
    for other in own.parent.iterdir():
        with contextlib.suppress(OSError):
            if not Path((other / "workspace").read_text("utf-8")).is_dir():
                shutil.rmtree(other, ignore_errors=True)


@contextlib.contextmanager
def one_at_a_time(path: Path | None) -> Iterator[None]:
    """Wait while another kernel makes the same: of twenty who come at once nineteen find what the first made."""
    if path is None or fcntl is None:
        yield
        return
    with contextlib.ExitStack() as stack:
        with contextlib.suppress(OSError):
            if not path.parent.exists():
                _make_room(path.parent)
            lock = stack.enter_context(path.with_suffix(".lock").open("w"))
            end = time.monotonic() + MOST_WAITING
            while time.monotonic() < end:
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    time.sleep(0.05)
        yield


def is_prepared(workspace: Path) -> bool:
    """Return whether every dashboard was shown in this state of the workspace, or none can be kept."""
    folder = of_state(workspace)
    return folder is None or (folder / DONE).exists()


def set_prepared(folder: Path | None) -> None:
    """Note that every dashboard was shown in the state this is the folder of."""
    if folder is not None and folder.is_dir():
        (folder / DONE).touch()
