"""Parts of dashboards that are kept for the next reader: nothing is counted twice while it would come out the same.

In a dashboard ``from journey_widgets.publish import overview`` gives a `Pages` in place of the module. A part that was
shown before, by the same address and in the same state of the workspace, is shown again as it was; only for another one
the module itself is loaded, with the engine below it. So a reader's page is there in a second, and its kernel is small.

What is kept (`kept_pieces`) are pieces of HTML with their figures, and charts as specifications; `kept_parts` says
where. `preparing` shows every dashboard once to nobody, so that also the first reader finds its parts.
"""

import contextlib
import os
from collections.abc import Callable
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

from journey_widgets.errors import InfrastructureError
from journey_widgets.publish.kept_parts import digest, folder_of, one_at_a_time, read, write
from journey_widgets.publish.kept_pieces import LIVE, from_plain, to_plain

PAGES = (
    "impact_page", "overview", "raci_page", "scorecard_page", "scorecard_view", "support_page", "upsell_page",
    "upsell_proof", "upsell_trials",
)  # fmt: skip
"""The modules whose parts are kept."""
OF_A_PAGE = ("heading", "data_check")
"""Methods of `page.Page` that are parts."""


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
        self.folder = folder_of([module, name, list(given), named])

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
            return self.folder / f"{digest(name)}.json"
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
    many = read(path)
    if not isinstance(many, int):
        with one_at_a_time(path):
            many = read(path)
            if not isinstance(many, int):
                troubles = InfrastructureError.seen
                many = len(opening.views())
                if InfrastructureError.seen > troubles:
                    opening.folder = None
                else:
                    write(path, many)
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
    found = read(path)
    if found == LIVE:
        return made()
    kept = from_plain(found)
    if kept is not None:
        return kept
    with one_at_a_time(path):
        kept = from_plain(read(path))
        if kept is not None:
            return kept
        troubles = InfrastructureError.seen
        thing = made()
        plain = to_plain(thing)
        if InfrastructureError.seen > troubles:
            opening.folder = None  # the fault may be hidden in words, here and in what follows
        elif plain is not None:
            write(path, plain)
    return thing


def _real(view: Later) -> Any:
    first, *names = view._path
    found = view._opening.views()[int(first)]
    for name in names:
        found = getattr(found, str(name))
    return found


def _function(module: str, name: str) -> Callable[..., Any]:
    found: Callable[..., Any] = getattr(import_module(f"journey_widgets.publish.{module}"), name)
    return found
