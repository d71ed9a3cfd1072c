"""What the editors of a document share: numbered steps from the page, undo, saving, clashes, history, drafts."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, TypeVar

import traitlets as t

from journey_widgets.documents import Document
from journey_widgets.edit_messages import PageWidget, checked
from journey_widgets.errors import DocumentError, JourneyError
from journey_widgets.merging import merge

D = TypeVar("D", bound=Document)
MAX_BYTES = 500_000
"""Largest single step; a document is judgements, not files."""


@dataclass(frozen=True)
class SaveResult(Generic[D]):
    """What came of a save, for the person at the page.

    ``document`` is the state the page should show now: with others' edits merged in, or, where others changed the
    same places, with one's own still there. ``clashes`` names cells that others changed too, as (row id, column id,
    text before, their text, own text); ``words`` tells other such places. Both are settled by saving again.
    """

    text: str
    document: D | None = None
    clashes: tuple[tuple[str, str, str, str, str], ...] = ()
    words: tuple[str, ...] = ()


class DocumentWidget(PageWidget, Generic[D]):
    """A page on which a document is edited step by step. Python holds the document; the page shows it.

    A subclass says how a step is applied (`_apply_step`) and what the page sees of a document (`_show`).

    Parameters
    ----------
    document
        What is edited.
    read_only
        Show it without letting anybody change it.
    on_save
        Called with the document when *Save* is pressed; returns a `SaveResult`. Without it there is no such button.
    on_draft
        Called with the document after each edit, and with None once it is saved, so that unsaved edits can be
        kept somewhere.
    draft
        Unsaved edits from before, and words about them: they are shown at once, and undo takes them back.
    history, on_restore
        Returns the revisions, newest first, as dicts with ``rev``, ``at``, ``author``, ``note``, ``changes``; saves
        one of them again.
    traits
        Further traits of the subclass, to begin with.
    """

    what = "page"
    """What is edited, in a person's word."""
    named = "the document"
    """What begins a message about the document; it is left out where the page shows it."""
    asks: ClassVar[frozenset[str]] = frozenset({"edit"})

    status = t.Dict({"state": "unchanged", "text": ""}).tag(sync=True)
    clashes = t.List(t.Dict()).tag(sync=True)
    disputes = t.List(t.Unicode()).tag(sync=True)
    revisions = t.List(t.Dict()).tag(sync=True)
    steps: "t.Dict[str, Any]" = t.Dict({"undo": 0, "redo": 0}).tag(sync=True)
    edit: "t.Dict[str, Any]" = t.Dict({"seq": 0, "steps": [], "save": 0}).tag(sync=True)
    done = t.Int(0).tag(sync=True)
    read_only = t.Bool(False).tag(sync=True)
    can_save = t.Bool(False).tag(sync=True)
    can_restore = t.Bool(False).tag(sync=True)

    def __init__(
        self,
        document: D,
        *,
        read_only: bool = False,
        on_save: Callable[[D], SaveResult[D]] | None = None,
        on_draft: Callable[[D | None], None] | None = None,
        draft: tuple[D, str] | None = None,
        history: Callable[[], Sequence[Mapping[str, Any]]] | None = None,
        on_restore: Callable[[int], SaveResult[D]] | None = None,
        traits: Mapping[str, Any] | None = None,
    ) -> None:
        self._document = document
        self._on_save = None if read_only else on_save
        self._on_draft = None if read_only else on_draft
        self._history, self._on_restore = history, None if read_only else on_restore
        self._saved, self._editing = 0, False
        self._past: list[tuple[D, D]] = []
        self._future: list[tuple[D, D]] = []
        super().__init__(
            read_only=read_only,
            can_save=self._on_save is not None,
            can_restore=self._on_restore is not None,
            **(traits or {}),
        )
        self._show(document)
        self._list_revisions()
        if draft is not None:
            if draft[0] != document:
                self._past.append((document, draft[0]))
                self._show(draft[0])
            self.status = {"state": "draft", "text": draft[1]}

    def to_document(self) -> D:
        """Return the document as it stands on the page now."""
        return self._document

    def replace(self, document: D) -> None:
        """Show another state of the document, such as one merged with others' edits."""
        self._show(document)

    def _show(self, document: D) -> None:
        """Bring everything the page sees up to a document; traits that do not change are not sent."""
        raise NotImplementedError

    def _apply_step(self, document: D, step: Mapping[str, Any]) -> D:
        """Return the document with one step made; one that does not fit is a `DocumentError`."""
        raise NotImplementedError

    def _count_steps(self) -> None:
        self.steps = {"undo": len(self._past), "redo": len(self._future)}

    @t.validate("edit")
    def _check_edit(self, proposal: Any) -> dict[str, Any]:
        return checked(
            proposal["value"], "steps", what=self.what, read_only=self.read_only, most=MAX_BYTES
        )

    @t.observe("edit")
    def _take_edit(self, change: Any) -> None:
        """Apply what was not applied yet, save if asked to, and acknowledge all."""
        edit = change["new"]
        before = self._document
        self._editing = True
        with self.hold_sync():
            for step in edit["steps"]:
                if step["seq"] > self.done:
                    self._take(step)
            if edit.get("save", 0) > self._saved:
                self._saved = edit["save"]
                self._save()
            self.done = max([edit["seq"], *(s["seq"] for s in edit["steps"])])
        # What the person waits for is on its way.
        self._editing = False
        if self._document is not before:
            self._afterwards()
        if self._document != before and self.status["state"] != "saved":
            self._keep_draft(self._document)

    def _afterwards(self) -> None:
        """Do what may come a moment after the page was answered."""

    def _take(self, step: Mapping[str, Any]) -> None:
        """Apply one step, as a whole or not at all, and say so."""
        try:
            if step.get("op") == "undo":
                self._step_back()
            elif step.get("op") == "redo":
                self._step_forth()
            elif step.get("op") == "restore":
                self._restore(step.get("rev"))
            else:
                self._apply(step)
        except (DocumentError, JourneyError) as error:
            words = str(error).removeprefix(f"{self.named}: ").removeprefix("the document: ")
            self._refused(words)
        except (TypeError, ValueError, KeyError, AttributeError):
            self.log.exception("a step that is no step")
            self._refused("the page sent something that is no edit.")

    def _refused(self, words: str) -> None:
        self._show(self._document)
        self.status = {"state": "error", "text": f"Not taken: {words}"}

    def _apply(self, step: Mapping[str, Any]) -> None:
        after = self._apply_step(self._document, step)
        if after == self._document:
            return
        self._past.append((self._document, after))
        self._future.clear()
        self._show(after)
        self._say_changed()

    def _say_changed(self, more: str = "") -> None:
        said = "Not saved yet" if self.can_save else ""
        self.status = {"state": "changed", "text": ". ".join(w for w in (said, more) if w)}

    def _step_back(self) -> None:
        if self._past:
            before, after = self._past[-1]
            self._merge_step(after, before)
            self._future.append(self._past.pop())
            self._count_steps()

    def _step_forth(self) -> None:
        if self._future:
            before, after = self._future[-1]
            self._merge_step(before, after)
            self._past.append(self._future.pop())
            self._count_steps()

    def _merge_step(self, base: D, goal: D) -> None:
        """Go from `base` to `goal`; what somebody else changed since stays as it is."""
        merged, clashes = merge(base.body(), self._document.body(), goal.body())
        try:
            document = type(self._document).from_body(merged)
        except DocumentError:
            msg = "somebody else wrote in what this step would take away; it stays."
            raise DocumentError(msg) from None
        self._show(document)
        self._say_changed("What was changed since is left as it is" if clashes else "")

    def _save(self) -> None:
        save = self._on_save
        if save is not None:
            self._settle(lambda: save(self._document))

    def _restore(self, rev: Any) -> None:
        restore = self._on_restore
        if restore is None or not isinstance(rev, int):
            msg = "Nothing can be restored here."
            raise DocumentError(msg)
        before = self._document
        if self._settle(lambda: restore(rev)) and self._document != before:
            self._past.append((before, self._document))
            self._future.clear()
            self._count_steps()

    def _settle(self, act: Callable[[], SaveResult[D]]) -> bool:
        """Do something that saves; show what came of it. Returns whether it was saved."""
        try:
            result = act()
            if result.document is not None:
                self._show(result.document)
        except Exception as error:  # whatever fails, the edits stay and the page says so
            self.log.exception("saving failed")
            self.status = {"state": "error", "text": f"Not saved: {error}"}
            return False
        self.clashes = [
            {"row": row, "column": column, "base": base, "theirs": theirs, "mine": mine}
            for row, column, base, theirs, mine in result.clashes
        ]
        self.disputes = list(result.words)
        open_ = bool(result.clashes or result.words)
        self.status = {"state": "conflict" if open_ else "saved", "text": result.text}
        if not open_:
            self._keep_draft(None)
        self._list_revisions()
        return not open_

    def _keep_draft(self, document: D | None) -> None:
        if self._on_draft is None:
            return
        try:
            self._on_draft(document)
        except OSError:
            self.log.exception("keeping unsaved edits failed")

    def _list_revisions(self) -> None:
        if self._history is not None:
            self.revisions = [dict(r) for r in self._history()]

    def _static(self) -> str:
        """Return the document as HTML for pages without script."""
        raise NotImplementedError

    def _repr_mimebundle_(self, **options: Any) -> Any:
        """Add a plain table for pages without script to what ipywidgets sends."""
        bundle = super()._repr_mimebundle_(**options)
        data = bundle[0] if isinstance(bundle, tuple) else bundle
        if data is not None:
            data["text/html"] = self._static()
            data["text/plain"] = repr(self)
        return bundle
