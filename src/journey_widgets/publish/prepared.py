"""Parts of dashboards that are kept for the next reader: nothing is counted twice while it would come out the same.

In a dashboard ``from journey_widgets.publish import overview`` gives a `Pages` in place of the module. A part that was
shown before, by the same address and in the same state of the workspace, is shown again as it was; only for another one
the module itself is loaded, with the engine below it. So a reader's page is there in a second, and its kernel is small.

What is kept are pieces of HTML with their figures, and charts as specifications. They lie in the cache folder of
whoever runs the server, where nobody else can write. ``python -m journey_widgets.publish.prepared`` shows every
dashboard once, to nobody: `dashboards.serve` runs it beside the server.
"""

import contextlib
import hashlib
import json
import os
import shutil
import stat
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from journey_widgets.errors import InfrastructureError
from journey_widgets.publish.modes import READ_ONLY, WORKSPACE, mode
from journey_widgets.publish.piece import Html
from journey_widgets.workspace.state import state

try:
    import fcntl
except ImportError:  # not on Windows
    fcntl = None  # type: ignore[assignment]

PAGES = (
    "impact_page", "overview", "raci_page", "scorecard_page", "scorecard_view", "support_page", "upsell_page",
    "upsell_proof", "upsell_trials",
)  # fmt: skip
"""The modules whose parts are kept."""
OF_A_PAGE = ("heading", "data_check")
"""Methods of `page.Page` that are parts."""
LIVE = {"kind": "live"}
"""What is kept of a part that is made for each reader: that it is."""
MOST_WAITING = 60
"""Seconds after which a kernel makes a part itself that another one is at."""
MOST_STATES, MOST_VIEWS = 3, 200
"""States of a workspace, and views in one state, that are kept; older ones are removed."""
DONE, MOST_SECONDS = "done", 300
"""File that says that every dashboard was shown in a state; how long a part may take there."""


class Pages:
    """A page's module, as the notebook of a dashboard sees it: each part is loaded where it was not kept."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, part: str) -> Any:
        """Return a part, or what opens a page, as a function."""
        if part.startswith("_"):
            raise AttributeError(part)
        return partial(_called, self._name, part)

    def __repr__(self) -> str:
        return f"<pages of {self._name}>"


class Later:
    """What opening a page returned, or a part of it: opened in truth where it is first needed."""

    __slots__ = ("_opening", "_path")

    def __init__(self, opening: "Opening", *path: int | str) -> None:
        self._opening, self._path = opening, path

    def __getattr__(self, name: str) -> Any:
        """Return the page, a part of it that may be kept, or anything else as it is."""
        if name.startswith("_"):
            raise AttributeError(name)
        if name == "page":
            return Later(self._opening, *self._path, name)
        if name in OF_A_PAGE:
            return partial(
                _kept_or_made,
                self._opening,
                [*self._path, name],
                lambda: getattr(_real(self), name)(),
            )
        return getattr(_real(self), name)

    def __repr__(self) -> str:
        return f"<view {' '.join(map(str, self._path))} of {self._opening.name}>"


class Opening:
    """A page that a notebook opens, and the folder in which its parts are kept; None where none can be."""

    def __init__(
        self, module: str, name: str, given: tuple[Any, ...], named: dict[str, Any]
    ) -> None:
        self.name = name
        self._open: Callable[[], Any] = lambda: _function(module, name)(*given, **named)
        self._views: tuple[Any, ...] | None = None
        self.folder = _folder([module, name, list(given), named])

    def views(self) -> tuple[Any, ...]:
        """Return what opening it returned."""
        if self._views is None:
            found = self._open()
            self._views = found if isinstance(found, tuple) else (found,)
        return self._views

    def path(self, name: Any) -> Path | None:
        """Return the file of a part; None where it cannot be kept."""
        if self.folder is None:
            return None
        with contextlib.suppress(TypeError, ValueError):
            return self.folder / f"{_hash(name)}.json"
        return None


def hide() -> None:
    """Let a notebook find `Pages` also where the modules behind them are loaded already."""
    package = import_module("journey_widgets.publish")
    for name in PAGES:
        vars(package).pop(name, None)


def _called(module: str, name: str, /, *given: Any, **named: Any) -> Any:
    """Return what a function of a page's module returns: a part of a view, or a view that is opened."""
    if any(isinstance(g, Later) for g in [*given, *named.values()]):
        return _part(module, name, given, named)
    if name.startswith("open_"):
        return _opened(module, name, given, named)
    return _function(module, name)(*given, **named)


def _opened(module: str, name: str, given: tuple[Any, ...], named: dict[str, Any]) -> Any:
    """Open a page; where its parts are kept, not yet in truth."""
    opening = Opening(module, name, given, named)
    path = opening.path("opened")
    many = _read(path)
    if not isinstance(many, int):
        with _one_at_a_time(path):
            many = _read(path)
            if not isinstance(many, int):
                troubles = InfrastructureError.seen
                many = len(opening.views())
                if InfrastructureError.seen > troubles:
                    opening.folder = None
                else:
                    _write(path, many)
    elif opening.folder is not None:
        with contextlib.suppress(OSError):
            os.utime(opening.folder)  # what was used last is kept longest
    views = tuple(Later(opening, n) for n in range(many))
    return views[0] if many == 1 else views


def _part(module: str, part: str, given: tuple[Any, ...], named: dict[str, Any]) -> Any:
    """Return a part of a page: as it is kept, or made."""

    def made() -> Any:
        plain = {n: _real(g) if isinstance(g, Later) else g for n, g in named.items()}
        return _function(module, part)(
            *[_real(g) if isinstance(g, Later) else g for g in given], **plain
        )

    def told_of(one: Any) -> Any:
        return ["view", str(one._opening.folder), *one._path] if isinstance(one, Later) else one

    views = [g for g in [*given, *named.values()] if isinstance(g, Later)]
    told = [[told_of(g) for g in given], {n: told_of(g) for n, g in named.items()}]
    return _kept_or_made(views[0]._opening, [module, part, told], made)


def _kept_or_made(opening: Opening, name: Any, made: Callable[[], Any]) -> Any:
    path = opening.path(name)
    found = _read(path)
    if found == LIVE:
        return made()
    kept = _from_plain(found)
    if kept is not None:
        return kept
    with _one_at_a_time(path):
        kept = _from_plain(_read(path))
        if kept is not None:
            return kept
        troubles = InfrastructureError.seen
        thing = made()
        plain = _to_plain(thing)
        if InfrastructureError.seen > troubles:
            opening.folder = None  # the fault may be hidden in words, here and in what follows
        elif plain is not None:
            _write(path, plain)
    return thing


@contextlib.contextmanager
def _one_at_a_time(path: Path | None) -> Iterator[None]:
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


def _real(view: Later) -> Any:
    first, *names = view._path
    found = view._opening.views()[int(first)]
    for name in names:
        found = getattr(found, str(name))
    return found


def _function(module: str, name: str) -> Callable[..., Any]:
    found: Callable[..., Any] = getattr(import_module(f"journey_widgets.publish.{module}"), name)
    return found


# --- pieces as plain values ---------------------------------------------------------------------


def _to_plain(thing: Any) -> dict[str, Any] | None:
    """Return a piece as plain values; `LIVE` for what is more than something to look at, None for what is passing."""
    if type(thing) is Html:
        if thing.passing:
            return None
        return {"kind": "html", **thing.plain()}
    if type(thing).__name__ not in {"Chart", "VBox", "Accordion", "Several"}:
        return LIVE
    from ipywidgets import Accordion, VBox

    from journey_widgets.publish.chart_widget import Chart
    from journey_widgets.publish.show import Several

    if isinstance(thing, Chart):  # each has a class of its own
        return {
            "kind": "chart",
            **{n: getattr(thing, n) for n in ("spec", "label", "note", "wide")},
        }
    if type(thing) in (VBox, Accordion):
        inside = [_to_plain(c) for c in thing.children]
        titles = list(thing.titles) if type(thing) is Accordion else []
    elif type(thing) is Several:
        inside, titles = [_to_plain(p) for p in thing.pieces], []
    else:
        return LIVE
    if None in inside or LIVE in inside:
        return None if None in inside else LIVE
    return {"kind": type(thing).__name__, "inside": inside, "titles": titles}


def _from_plain(plain: Any) -> Any:
    """Return the piece of which these are the values; None where they are of none."""
    try:
        return _piece(plain)
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


def _piece(plain: dict[str, Any]) -> Any:
    kind = plain["kind"]
    if kind == "html":
        return Html(plain["markup"], plain["words"], plain["lines"], plain["data"])
    if kind == "chart":
        from journey_widgets.publish.chart_widget import Chart

        more = {n: plain[n] for n in ("label", "note", "wide")}
        return Chart(plain["spec"], **more)
    inside = [_piece(i) for i in plain["inside"]]
    if kind == "Several":
        from journey_widgets.publish.show import Several

        return Several(inside)
    from ipywidgets import Accordion, VBox

    if kind == "VBox":
        return VBox(inside)
    if kind != "Accordion":
        raise ValueError(kind)
    return Accordion(children=inside, titles=tuple(plain["titles"]), selected_index=None)


# --- where they are kept --------------------------------------------------------------------------


def _folder(opening: list[Any]) -> Path | None:
    """Return the folder of a view: of this workspace in this state, opened so; None where nothing can be kept."""
    named = os.environ.get(WORKSPACE, "")
    if mode() != "dashboard" or not named:
        return None
    module, name, given, more = opening
    if (given[0] if given else more.get("workspace", "")) not in ("", named):
        return None
    kept = _of_state(Path(named))
    editing = os.environ.get(READ_ONLY, "") != "1"
    asked = parse_qsl(os.environ.get("QUERY_STRING", ""))
    how = [
        sorted((n, v.strip()) for n, v in asked if v.strip()), editing,
        hashlib.sha256(os.environ.get("JOURNEY_PSEUDONYM_KEY", "").encode()).hexdigest(),
    ]  # fmt: skip
    try:
        digest = _hash([module, name, given, more, how])
    except (TypeError, ValueError):
        return None
    return None if kept is None else kept / digest


def _of_state(workspace: Path) -> Path | None:
    base, now = _base(), state(workspace)
    if base is None or now is None:
        return None
    return base / _hash(str(workspace.resolve())) / now[:32]


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


def _hash(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True, allow_nan=False).encode()).hexdigest()[
        :32
    ]


def _read(path: Path | None) -> Any:
    if path is None:
        return None
    try:
        return json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return None


def _write(path: Path | None, plain: Any) -> None:
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


# --- before anybody asks --------------------------------------------------------------------------


def is_prepared(workspace: Path) -> bool:
    """Return whether every dashboard was shown in this state of the workspace, or none can be kept."""
    folder = _of_state(workspace)
    return folder is None or (folder / DONE).exists()


def main() -> None:
    """Show every dashboard once, to nobody."""
    import nbformat
    from nbclient import NotebookClient

    from journey_widgets import shipped
    from journey_widgets.publish.run_notebook import kernel_manager
    from journey_widgets.publish.start_page import dashboards

    with contextlib.suppress(AttributeError, OSError):
        os.nice(10)  # readers come first
    workspace = Path(os.environ[WORKSPACE])
    if is_prepared(workspace):
        return
    folder, server = _of_state(workspace), os.getppid()
    with tempfile.TemporaryDirectory(prefix="journey_prepares_") as run, contextlib.chdir(run):
        for page in dashboards(shipped.notebooks()):
            with contextlib.suppress(Exception):  # what is wrong a reader is told on the page
                book = nbformat.read(page.path, as_version=4)
                NotebookClient(
                    book, timeout=MOST_SECONDS, kernel_manager_class=kernel_manager()
                ).execute()
            if os.getppid() != server:  # nobody serves it any more
                return
    if folder is not None and folder.is_dir():
        (folder / DONE).touch()


if __name__ == "__main__":
    main()
