"""Editing a document on a page: saved on top of what the person saw, kept while it is not saved."""

import json
import os
import re
import socket
import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Generic, TypeVar, cast
from zoneinfo import ZoneInfo

import psutil

from journey_widgets import safe
from journey_widgets.document_widget import SaveResult
from journey_widgets.documents import Document
from journey_widgets.errors import JourneyError
from journey_widgets.merging import MISSING, Clash, merge
from journey_widgets.publish.modes import mode
from journey_widgets.publish.page import Page
from journey_widgets.textfiles import write_text
from journey_widgets.workspace import Conflict

MOMENT = "%-d %b %Y, %H:%M"
D = TypeVar("D", bound=Document)


class DocumentEdit(Generic[D]):
    """An edit of a document in progress: it knows the revision that the person sees.

    Parameters
    ----------
    page
        The page it is edited on.
    otherwise
        The document to begin with where nobody saved one.
    """

    def __init__(self, page: Page, otherwise: D) -> None:
        self._space, self._note = page.workspace, f"edited in {page.title}"
        self._zone = ZoneInfo(page.workspace.settings.time_zone)
        self._name = uuid.uuid4().hex[:8]
        self._kind, self._model = otherwise.kind, type(otherwise)
        self.document, self._rev = otherwise, 0
        if self._space.rev(self._kind):
            newest, self._rev = self._space.newest(self._kind)
            self.document = cast("D", newest)

    def save(self, document: D) -> SaveResult[D]:
        """Save the document on top of the revision the person saw; say what came of it, in words."""
        result = self._space.save(document, note=self._note, base_rev=self._rev)
        if isinstance(result, Conflict):
            return self._disputed(result, document)
        self._rev = result.rev
        saved = cast("D", result.document)
        if not result.changed:
            return SaveResult(f"Nothing new to save (revision {result.rev})", saved)
        merged = ", with others' edits merged in" if result.merged else ""
        return SaveResult(f"Saved as revision {result.rev}{merged}", saved)

    def restore(self, rev: int) -> SaveResult[D]:
        """Save an earlier revision again, as a new one; not over one the person has not seen."""
        newest = self._space.rev(self._kind)
        if newest != self._rev:
            msg = f"Somebody else saved revision {newest} meanwhile. Save, or run the page again, before restoring."
            raise JourneyError(msg)
        result = self._space.restore(self._kind, rev)
        if isinstance(result, Conflict):
            msg = f"Somebody saved at the same moment. {result}"
            raise JourneyError(msg)
        self._rev = result.rev
        words = f"Revision {rev} is restored, as revision {result.rev}"
        return SaveResult(words, cast("D", result.document))

    def history(self) -> list[dict[str, Any]]:
        """Return the revisions, newest first, with times on the clock of the workspace."""
        return [
            {
                "rev": int(r["rev"]), "at": f"{r['at_utc'].astimezone(self._zone):{MOMENT}}",
                "author": str(r["author"]), "note": str(r["note"]), "changes": int(r["changes"]),
            }
            for r in self._space.history(self._kind).to_dict("records")
        ]  # fmt: skip

    def _disputed(self, conflict: Conflict, mine: D) -> SaveResult[D]:
        """Show one's own where others changed the same places, and tell these in words."""
        self._rev = conflict.theirs_rev
        words = tuple(self._in_words(c, mine) for c in conflict.clashes) or (str(conflict),)
        return SaveResult(
            disputed_words(len(conflict.clashes)), cast("D", conflict.keeping_mine()), (), words
        )

    def _in_words(self, clash: Clash, mine: D) -> str:
        """Return a clash in a sentence."""
        del mine
        place = " › ".join(str(p).replace("_", " ") for p in clash.path)
        return f"{place}: somebody else wrote {told(clash.theirs)}, you wrote {told(clash.mine)}."

    def options(self, page: Page) -> dict[str, Any]:
        """Return what an editor of the document needs to be tied to the workspace (see `DocumentWidget`)."""
        may = page.may_edit
        own = may and mode() == "notebook"  # a dashboard's readers may share a name
        return {
            "read_only": not may, "on_save": self.save if may else None, "on_draft": self.keep if own else None,
            "draft": self.draft() if own else None, "history": self.history,
            "on_restore": self.restore if may else None,
        }  # fmt: skip

    # --- edits that are not saved yet -----------------------------------------------------------

    def _drafts(self) -> Path | None:
        folder = self._space.folder
        return None if folder is None else folder / ".drafts"

    def _begin(self) -> str:
        return f"{self._kind}-{safe.file_name(self._space.author)}-"

    def keep(self, document: D | None) -> None:
        """Keep what is not saved yet beside the workspace; None forgets it."""
        folder = self._drafts()
        if folder is None:
            return
        file = folder / f"{self._begin()}{self._name}.json"
        if document is None:
            file.unlink(missing_ok=True)
            return
        folder.mkdir(mode=0o700, exist_ok=True)
        noted = {
            "rev": self._rev, "at": datetime.now(UTC).isoformat(), "by": _process(), "body": document.body(),
        }  # fmt: skip
        write_text(file, json.dumps(noted, ensure_ascii=False))
        file.chmod(0o600)

    def draft(self) -> tuple[D, str] | None:
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
                self.document,
                f"Edits that were not saved could not be read; they are kept in {_aside(newest)}.",
            )
        if found == self.document:
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

    def _read(self, file: Path) -> tuple[D, bool, int, datetime]:
        noted = json.loads(file.read_text("utf-8"))
        at = datetime.fromisoformat(noted["at"]).astimezone(self._zone)
        rev = int(noted["rev"])
        base = self._space.document(self._kind, rev).body() if rev else {}
        # At a clash one's own edits are shown; saving them is what asks.
        merged, clashes = merge(base, noted["body"], self.document.body())
        return self._model.from_body(merged), bool(clashes), rev, at


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


def disputed_words(count: int) -> str:
    """Return that a save was not kept, and what to do."""
    many = f"{count} places were" if count > 1 else "One place was"
    return f"Not saved yet: {many} changed by somebody else too. What you see is yours; settle it, then save again."


def told(value: Any) -> str:
    """Return one side of a clash as a person would say it."""
    return "nothing" if value is MISSING or value in (None, "") else f"“{value}”"
