"""Grid for editing a RACI matrix."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import anywidget
import pandas as pd
import traitlets as t

from journey_widgets.edit_messages import checked
from journey_widgets.errors import DocumentError, JourneyError
from journey_widgets.findings import Finding
from journey_widgets.journey.document import Journey
from journey_widgets.merging import merge
from journey_widgets.raci.context import Context
from journey_widgets.raci.document import RaciMatrix, as_matrix, place_id
from journey_widgets.raci.edits import apply_edit
from journey_widgets.raci.loads import loads
from journey_widgets.raci.policy import Links, RaciPolicy
from journey_widgets.raci.rules import check, place_of
from journey_widgets.raci.table import to_html
from journey_widgets.roles import RoleRegister

MAX_FINDINGS = 400
"""Findings sent to the page; more than anybody reads. All are counted."""
MAX_BYTES = 500_000
"""Largest single step; a matrix is letters, not files."""


@dataclass(frozen=True)
class SaveResult:
    """What came of a save, for the person at the grid.

    ``matrix`` is the state the grid should show now: with others' edits merged in, or, where others
    changed the same places, with one's own still there. ``clashes`` names cells that others changed too, as
    (touchpoint id, role id, text before, their text, own text); ``words`` tells other such places. Both are
    settled by saving again.
    """

    text: str
    matrix: RaciMatrix | None = None
    clashes: tuple[tuple[str, str, str, str, str], ...] = ()
    words: tuple[str, ...] = ()


class RaciGrid(anywidget.AnyWidget):
    """Edit which role is Responsible, Accountable, Consulted or Informed at each touchpoint.

    Parameters
    ----------
    matrix
        The document, or a table of touchpoints by roles.
    journey, roles, policy, links
        Stage labels and order, and what the rules look at beside the matrix.
    read_only
        Show the matrix without letting anybody change it.
    on_save
        Called with the document when *Save* is pressed; returns a `SaveResult`. Without it there is no
        such button.
    on_draft
        Called with the document after each edit, and with None once it is saved, so that unsaved edits can
        be kept somewhere.
    draft
        Unsaved edits from before, and words about them: they are shown at once, and undo takes them back.
    history, on_restore
        Returns the revisions, newest first, as dicts with ``rev``, ``at``, ``author``, ``note``, ``changes``; saves
        one of them again.
    """

    _esm = Path(__file__).with_suffix(".js")
    _css = Path(__file__).with_suffix(".css")

    label = t.Unicode().tag(sync=True)
    stages = t.List(t.Dict()).tag(sync=True)
    rows = t.List(t.Dict()).tag(sync=True)
    roles = t.List(t.Dict()).tag(sync=True)
    letters = t.List(t.Dict()).tag(sync=True)
    cells = t.List(t.List(t.Unicode())).tag(sync=True)
    loads = t.List(t.Dict()).tag(sync=True)
    findings = t.List(t.Dict()).tag(sync=True)
    missing = t.List(t.Dict()).tag(sync=True)
    found = t.Dict({}).tag(sync=True)
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
    has_load = t.Bool(False).tag(sync=True)
    today = t.Unicode().tag(sync=True)

    def __init__(
        self,
        matrix: RaciMatrix | pd.DataFrame,
        *,
        journey: Journey | None = None,
        roles: RoleRegister | None = None,
        policy: RaciPolicy | None = None,
        links: Links | None = None,
        read_only: bool = False,
        on_save: Callable[[RaciMatrix], SaveResult] | None = None,
        on_draft: Callable[[RaciMatrix | None], None] | None = None,
        draft: tuple[RaciMatrix, str] | None = None,
        history: Callable[[], Sequence[Mapping[str, Any]]] | None = None,
        on_restore: Callable[[int], SaveResult] | None = None,
    ) -> None:
        self._matrix = as_matrix(matrix)
        self._journey, self._register = journey, roles
        self._policy, self._links = policy or RaciPolicy(), links or Links()
        self._on_save = None if read_only else on_save
        self._on_draft = None if read_only else on_draft
        self._history, self._on_restore = history, None if read_only else on_restore
        self._saved = 0
        self._past: list[tuple[RaciMatrix, RaciMatrix]] = []
        self._future: list[tuple[RaciMatrix, RaciMatrix]] = []
        super().__init__(
            stages=[{"id": s.id, "label": s.label} for s in journey.stages] if journey else [],
            read_only=read_only,
            can_save=self._on_save is not None,
            can_restore=self._on_restore is not None,
            today=self._policy.today.isoformat(),
        )
        self._show(self._matrix)
        self._list_revisions()
        if draft is not None:
            if draft[0] != self._matrix:
                self._past.append((self._matrix, draft[0]))
                self._show(draft[0])
            self.status = {"state": "draft", "text": draft[1]}

    def to_document(self) -> RaciMatrix:
        """Return the matrix as it stands in the grid now."""
        return self._matrix

    def to_frame(self) -> pd.DataFrame:
        """Return the matrix as people see it, one column per role."""
        return self._matrix.to_frame()

    def replace(self, matrix: RaciMatrix) -> None:
        """Show another state of the matrix, such as one merged with others' edits."""
        self._show(matrix)

    def _show(self, matrix: RaciMatrix) -> None:
        """Bring everything the page sees up to a matrix; traits that do not change are not sent."""
        self._matrix = matrix
        context = Context.of(matrix, self._journey, self._register, self._policy, self._links)
        stage_of = {s.id: s.label for s in self._journey.stages} if self._journey else {}
        with self.hold_sync():
            self.label = matrix.label
            self.rows = [
                {
                    "id": r.touchpoint, "label": r.label, "stage": r.stage or "",
                    "stage_label": stage_of.get(r.stage or "", r.stage or ""), "note": r.note or "",
                    "upsell": r.upsell_moment, "apart": r.requires_separation,
                }
                for r in matrix.rows
            ]  # fmt: skip
            self.roles = [{"id": r.id, "label": r.label} for r in matrix.roles]
            self.letters = [{"letter": k, "meaning": v} for k, v in matrix.letters.letters.items()]
            self.cells = [
                [row.cells.get(role.id, "") for role in matrix.roles] for row in matrix.rows
            ]
            self._weigh(context)
            there = {r.touchpoint for r in matrix.rows}
            self.missing = [
                {"touchpoint": p.id, "label": p.label, "stage": p.stage}
                for p in (self._journey.touchpoints if self._journey else ())
                if p.id not in there
            ]
            found = check(matrix, self._journey, self._register, self._policy, self._links)
            self.found = dict(Counter("known" if f.acknowledged else f.severity for f in found))
            self.findings = [self._plain(f) for f in found[:MAX_FINDINGS]]
            self.steps = {"undo": len(self._past), "redo": len(self._future)}

    def _weigh(self, context: Context) -> None:
        carried = loads(context.rows, self._policy.load_weights)
        known = {r.id: r.capacity for r in self._register.roles} if self._register else {}
        self.has_load = any(r.volume is not None for r in context.matrix.rows) or any(
            c is not None for c in known.values()
        )
        self.loads = [
            {"load": round(carried.get(r.id, 0.0), 2), "capacity": known.get(r.id)}
            for r in context.matrix.roles
        ]

    def _plain(self, finding: Finding) -> dict[str, Any]:
        known = finding.acknowledged
        return {
            "code": finding.code,
            "severity": "known" if known else finding.severity,
            "message": finding.message,
            "advice": f"Accepted: {known}"
            if known
            else f"{finding.question} {finding.fix}".strip(),
            "row": finding.ids.get("touchpoint", ""),
            "role": finding.ids.get("role", ""),
            "about": finding.about(),
            "id": place_id(finding.code, *place_of(finding)),
            "scope": finding.scope,
        }

    @t.validate("edit")
    def _check_edit(self, proposal: Any) -> dict[str, Any]:
        return checked(
            proposal["value"], "steps", what="grid", read_only=self.read_only, most=MAX_BYTES
        )

    @t.observe("edit")
    def _take_edit(self, change: Any) -> None:
        """Apply what was not applied yet, save if asked to, and acknowledge all."""
        edit = change["new"]
        with self.hold_sync():
            before = self._matrix
            for step in edit["steps"]:
                if step["seq"] > self.done:
                    self._take(step)
            if self._matrix != before and self._on_draft is not None:
                self._keep_draft(self._matrix)
            if edit.get("save", 0) > self._saved:
                self._saved = edit["save"]
                self._save()
            self.done = max([edit["seq"], *(s["seq"] for s in edit["steps"])])

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
            words = str(error).removeprefix("the matrix: ").removeprefix("the document: ")
            self._show(self._matrix)
            self.status = {"state": "error", "text": f"Not taken: {words}"}

    def _apply(self, step: Mapping[str, Any]) -> None:
        after = apply_edit(self._matrix, step)
        if after == self._matrix:
            return
        self._past.append((self._matrix, after))
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
            self.steps = {"undo": len(self._past), "redo": len(self._future)}

    def _step_forth(self) -> None:
        if self._future:
            before, after = self._future[-1]
            self._merge_step(before, after)
            self._past.append(self._future.pop())
            self.steps = {"undo": len(self._past), "redo": len(self._future)}

    def _merge_step(self, base: RaciMatrix, goal: RaciMatrix) -> None:
        """Go from `base` to `goal`; what somebody else changed since stays as it is."""
        merged, clashes = merge(base.body(), self._matrix.body(), goal.body())
        try:
            matrix = RaciMatrix.from_body(merged)
        except DocumentError:
            msg = "somebody else wrote in what this step would take away; it stays."
            raise DocumentError(msg) from None
        self._show(matrix)
        self._say_changed("What was changed since is left as it is" if clashes else "")

    def _save(self) -> None:
        if self._on_save is None:
            return
        self._settle(
            lambda: cast("Callable[[RaciMatrix], SaveResult]", self._on_save)(self._matrix)
        )

    def _restore(self, rev: Any) -> None:
        if self._on_restore is None or not isinstance(rev, int):
            msg = "Nothing can be restored here."
            raise DocumentError(msg)
        before = self._matrix
        restore = self._on_restore
        if self._settle(lambda: restore(rev)) and self._matrix != before:
            self._past.append((before, self._matrix))
            self._future.clear()
            self.steps = {"undo": len(self._past), "redo": 0}

    def _settle(self, act: Callable[[], SaveResult]) -> bool:
        """Do something that saves; show what came of it. Returns whether it was saved."""
        try:
            result = act()
            if result.matrix is not None:
                self._show(result.matrix)
        except Exception as error:  # whatever fails, the edits stay and the page says so
            self.log.exception("saving the matrix failed")
            self.status = {"state": "error", "text": f"Not saved: {error}"}
            return False
        self.clashes = [
            {"row": row, "role": role, "base": base, "theirs": theirs, "mine": mine}
            for row, role, base, theirs, mine in result.clashes
        ]
        self.disputes = list(result.words)
        open_ = bool(result.clashes or result.words)
        self.status = {"state": "conflict" if open_ else "saved", "text": result.text}
        if not open_:
            self._keep_draft(None)
        self._list_revisions()
        return not open_

    def _keep_draft(self, matrix: RaciMatrix | None) -> None:
        if self._on_draft is None:
            return
        try:
            self._on_draft(matrix)
        except OSError:
            self.log.exception("keeping unsaved edits failed")

    def _list_revisions(self) -> None:
        if self._history is not None:
            self.revisions = [dict(r) for r in self._history()]

    def _repr_mimebundle_(self, **options: Any) -> Any:
        """Add a plain table for pages without script to what ipywidgets sends."""
        bundle = super()._repr_mimebundle_(**options)
        data = bundle[0] if isinstance(bundle, tuple) else bundle
        if data is not None:
            found = check(self._matrix, self._journey, self._register, self._policy, self._links)
            data["text/html"] = to_html(self._matrix, self._journey, found)
            data["text/plain"] = repr(self)
        return bundle

    def __repr__(self) -> str:
        return f"RaciGrid({self.label!r}, {len(self.rows)} touchpoints, {len(self.roles)} roles)"
