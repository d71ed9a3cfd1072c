"""Editing the matrix on a page: saved on top of what the person saw, kept while it is not saved."""

import json
import os
import re
import socket
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast
from zoneinfo import ZoneInfo

import psutil

from journey_widgets import safe
from journey_widgets.errors import JourneyError
from journey_widgets.merging import MISSING, Clash, merge
from journey_widgets.publish.modes import mode
from journey_widgets.publish.page import Page
from journey_widgets.raci.document import RaciMatrix
from journey_widgets.raci.widget import RaciGrid, SaveResult
from journey_widgets.textfiles import write_text
from journey_widgets.workspace import Conflict

MOMENT = "%-d %b %Y, %H:%M"


class MatrixEdit:
    """An edit of the matrix in progress: it knows the revision that the person sees."""

    def __init__(self, page: Page) -> None:
        self._space, self._note = page.workspace, f"edited in {page.title}"
        self._zone = ZoneInfo(page.workspace.settings.time_zone)
        self._name = uuid.uuid4().hex[:8]
        self.matrix, self._rev = self._space.raci, 0  # a draft, where nobody saved one
        if self._space.rev("raci"):
            newest, self._rev = self._space.newest("raci")
            self.matrix = cast("RaciMatrix", newest)

    def save(self, matrix: RaciMatrix) -> SaveResult:
        """Save the matrix on top of the revision the person saw; say what came of it, in words."""
        result = self._space.save(matrix, note=self._note, base_rev=self._rev)
        if isinstance(result, Conflict):
            return self._disputed(result, matrix)
        self._rev = result.rev
        saved = cast("RaciMatrix", result.document)
        if not result.changed:
            return SaveResult(f"Nothing new to save (revision {result.rev})", saved)
        merged = ", with others' edits merged in" if result.merged else ""
        return SaveResult(f"Saved as revision {result.rev}{merged}", saved)

    def restore(self, rev: int) -> SaveResult:
        """Save an earlier revision again, as a new one; not over one the person has not seen."""
        newest = self._space.rev("raci")
        if newest != self._rev:
            msg = f"Somebody else saved revision {newest} meanwhile. Save, or run the page again, before restoring."
            raise JourneyError(msg)
        result = self._space.restore("raci", rev)
        if isinstance(result, Conflict):
            msg = f"Somebody saved at the same moment. {result}"
            raise JourneyError(msg)
        self._rev = result.rev
        words = f"Revision {rev} is restored, as revision {result.rev}"
        return SaveResult(words, cast("RaciMatrix", result.document))

    def history(self) -> list[dict[str, Any]]:
        """Return the revisions, newest first, with times on the clock of the workspace."""
        return [
            {
                "rev": int(r["rev"]), "at": f"{r['at_utc'].astimezone(self._zone):{MOMENT}}",
                "author": str(r["author"]), "note": str(r["note"]), "changes": int(r["changes"]),
            }
            for r in self._space.history("raci").to_dict("records")
        ]  # fmt: skip

    def _disputed(self, conflict: Conflict, mine: RaciMatrix) -> SaveResult:
        self._rev = conflict.theirs_rev
        theirs = {r.id for r in cast("RaciMatrix", conflict.theirs).roles}
        written = {c.path[3] for c in conflict.clashes if len(c.path) == 4 and c.path[2] == "cells"}
        if not conflict.clashes or written - theirs:
            return self._with_columns_back(conflict, mine)
        places, others = _split(conflict, lambda _role: True)
        count = len(conflict.clashes)
        many = f"{count} places were" if count > 1 else "One place was"
        text = (
            f"Not saved yet: {many} changed by somebody else too. What you see is yours; settle it, "
            "then save again."
        )
        return SaveResult(
            text,
            cast("RaciMatrix", conflict.keeping_mine()),
            places,
            tuple(_in_words(c, mine) for c in others),
        )

    def _with_columns_back(self, conflict: Conflict, mine: RaciMatrix) -> SaveResult:
        """Show both edits where somebody else removed a role that one's own cells are written for: with the role."""
        base = conflict.base.body() if conflict.base else {}
        merged, _clashes = merge(base, mine.body(), conflict.theirs.body())
        there = {r["id"] for r in merged.get("roles", [])}
        used = {role for row in merged.get("rows", []) for role in row.get("cells", {})}
        back = [r for r in mine.roles if r.id in used - there]
        merged["roles"] = [*merged.get("roles", []), *(r.model_dump() for r in back)]
        words = [
            f"{r.label}: somebody else removed this role, and you wrote in it; it is kept."
            for r in back
        ]
        gone = {r.id for r in back}
        cells, others = _split(conflict, lambda role: role not in gone)
        words += [_in_words(c, mine) for c in others if len(c.path) < 4 or c.path[3] not in gone]
        text = (
            "Not saved yet: somebody else changed the same places. What you see is yours; settle it, "
            "then save again."
        )
        shown = RaciMatrix.from_body(merged)
        return SaveResult(
            text, shown, cells, tuple(words) or ((str(conflict),) if not cells else ())
        )

    # --- edits that are not saved yet -----------------------------------------------------------

    def _drafts(self) -> Path | None:
        folder = self._space.folder
        return None if folder is None else folder / ".drafts"

    def _begin(self) -> str:
        return f"raci-{safe.file_name(self._space.author)}-"

    def keep(self, matrix: RaciMatrix | None) -> None:
        """Keep what is not saved yet beside the workspace; None forgets it."""
        folder = self._drafts()
        if folder is None:
            return
        file = folder / f"{self._begin()}{self._name}.json"
        if matrix is None:
            file.unlink(missing_ok=True)
            return
        folder.mkdir(mode=0o700, exist_ok=True)
        noted = {
            "rev": self._rev, "at": datetime.now(UTC).isoformat(), "by": _process(), "body": matrix.body(),
        }  # fmt: skip
        write_text(file, json.dumps(noted, ensure_ascii=False))
        file.chmod(0o600)

    def draft(self) -> tuple[RaciMatrix, str] | None:
        """Return edits that were not saved, on top of what others saved since, and words about them.

        They are those of this process, or of one of the same person that is gone.
        """
        folder = self._drafts()
        try:
            newest = self._left_behind(folder) if folder is not None and folder.is_dir() else None
        except OSError:
            return None
        if newest is None:
            return None
        self._name = newest.stem[len(self._begin()) :]  # it is this page's from now on
        try:
            found, clashes, rev, at = self._read(newest)
        except (OSError, ValueError, KeyError, TypeError, JourneyError):
            self._name = uuid.uuid4().hex[:8]
            return (
                self.matrix,
                f"Edits that were not saved could not be read; they are kept in {_aside(newest)}.",
            )
        if found == self.matrix:
            newest.unlink(missing_ok=True)
            return None
        self._rev = rev if clashes else self._rev
        return (
            found,
            f"Edits of {at:{MOMENT}} that were not saved are shown. Save them, or take them back with Undo.",
        )

    def _left_behind(self, folder: Path) -> Path | None:
        """Return the newest file of this person whose process is this one, or is gone."""
        named = re.compile(re.escape(self._begin()) + r"[0-9a-f]{8}\.json")
        left = [p for p in folder.iterdir() if named.fullmatch(p.name) and not _in_use(p)]
        return max(left, key=lambda p: p.stat().st_mtime, default=None)

    def _read(self, file: Path) -> tuple[RaciMatrix, bool, int, datetime]:
        noted = json.loads(file.read_text("utf-8"))
        at = datetime.fromisoformat(noted["at"]).astimezone(self._zone)
        rev = int(noted["rev"])
        base = self._space.document("raci", rev).body() if rev else {}
        # At a clash one's own edits are shown; saving them is what asks.
        merged, clashes = merge(base, noted["body"], self.matrix.body())
        return RaciMatrix.from_body(merged), bool(clashes), rev, at


def _process() -> list[Any]:
    """Return by what this process is known: machine, number, and when it began."""
    return [socket.gethostname(), os.getpid(), psutil.Process().create_time()]


def _in_use(file: Path) -> bool:
    """Return whether another process that still runs, or one on another machine, keeps its edits in a file."""
    try:
        host, pid, began = json.loads(file.read_text("utf-8"))["by"]
        if [host, pid, began] == _process():
            return False
        elsewhere = host != socket.gethostname()
        return elsewhere or bool(abs(psutil.Process(int(pid)).create_time() - began) < 1)
    except (OSError, ValueError, KeyError, TypeError, psutil.Error):
        return False


def _aside(file: Path) -> str:
    """Put a file that cannot be read where it is not written over; return its name."""
    aside = file.with_suffix(f".{datetime.now(UTC):%Y%m%d%H%M%S}.unreadable")
    try:
        file.replace(aside)
    except OSError:
        return file.name
    return aside.name


def _split(
    conflict: Conflict, known: Callable[[str], bool]
) -> tuple[tuple[tuple[str, str, str, str, str], ...], list[Clash]]:
    """Return the clashes that are cells of known roles, as the grid settles them, and the others."""

    def word(value: object) -> str:
        return value if isinstance(value, str) else ""

    cells = [
        c
        for c in conflict.clashes
        if len(c.path) == 4 and c.path[2] == "cells" and known(c.path[3])
    ]
    places = tuple(
        (c.path[1], c.path[3], word(c.base), word(c.theirs), word(c.mine)) for c in cells
    )
    return places, [c for c in conflict.clashes if c not in cells]


def _in_words(clash: Clash, mine: RaciMatrix) -> str:
    """Return a clash that is not about a cell in a sentence."""
    many, *rest = clash.path
    labels = {r.touchpoint: r.label for r in mine.rows} | {r.id: r.label for r in mine.roles}
    if not rest:
        return f"{many.replace('_', ' ')}: somebody else wrote {_told(clash.theirs)}, you wrote {_told(clash.mine)}."
    if rest == ["order"]:
        return f"The order of the {many}: somebody else moved some too; yours is shown."
    label = labels.get(rest[0], rest[0])
    if len(rest) == 1:
        if clash.theirs is MISSING:
            return f"{label}: somebody else deleted it, you changed it; it stays."
        if clash.mine is MISSING:
            return f"{label}: you deleted it, somebody else changed it; it goes."
        return f"{label}: both of you added it, differently; yours is shown."
    return (
        f"{label}, {rest[1].replace('_', ' ')}: somebody else wrote {_told(clash.theirs)}, you wrote "
        f"{_told(clash.mine)}."
    )


def _told(value: Any) -> str:
    return "nothing" if value is MISSING or value in (None, "") else f"“{value}”"


def editable_grid(page: Page, **beside: Any) -> RaciGrid:
    """Return the grid of a page's matrix, tied to its workspace. `beside` goes to the grid: policy, links."""
    edit = MatrixEdit(page)
    may = page.may_edit
    own = may and mode() == "notebook"  # a dashboard's readers may share a name
    return RaciGrid(
        edit.matrix, journey=page.workspace.journey, roles=page.workspace.roles, read_only=not may,
        on_save=edit.save if may else None, on_draft=edit.keep if own else None,
        draft=edit.draft() if own else None, history=edit.history,
        on_restore=edit.restore if may else None, **beside,
    )  # fmt: skip
