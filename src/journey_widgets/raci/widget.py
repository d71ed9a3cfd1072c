"""Grid for editing a RACI matrix."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anywidget
import pandas as pd
import traitlets as t

from journey_widgets.findings import Finding
from journey_widgets.journey.document import Journey
from journey_widgets.raci.document import RaciMatrix, as_matrix
from journey_widgets.raci.rules import check
from journey_widgets.raci.schemes import canonical_cell
from journey_widgets.raci.table import to_html
from journey_widgets.roles import RoleRegister

MAX_TEXT = 1_000
"""Longest text of a cell; codes are short, and a cell is no place for a comment."""


@dataclass(frozen=True)
class SaveResult:
    """What came of a save, for the person at the grid.

    ``matrix`` is the state the grid should show now: with others' edits merged in, or, where others
    changed the same cells, with one's own letters still there. ``clashes`` names those cells as
    (touchpoint id, role id, text before, their text, own text); they are settled by saving again.
    """

    text: str
    matrix: RaciMatrix | None = None
    clashes: tuple[tuple[str, str, str, str, str], ...] = ()


class RaciGrid(anywidget.AnyWidget):
    """Edit which role is Responsible, Accountable, Consulted or Informed at each touchpoint.

    Parameters
    ----------
    matrix
        The document, or a table of touchpoints by roles.
    journey, roles
        Stage labels and order, and what the rules look at beside the matrix.
    read_only
        Show the matrix without letting anybody change it.
    on_save
        Called with the document when *Save* is pressed; returns a `SaveResult`. Without it there is no
        such button.
    """

    _esm = Path(__file__).with_suffix(".js")
    _css = Path(__file__).with_suffix(".css")

    label = t.Unicode().tag(sync=True)
    rows = t.List(t.Dict()).tag(sync=True)
    roles = t.List(t.Dict()).tag(sync=True)
    letters = t.List(t.Dict()).tag(sync=True)
    cells = t.List(t.List(t.Unicode())).tag(sync=True)
    findings = t.List(t.Dict()).tag(sync=True)
    status = t.Dict({"state": "unchanged", "text": ""}).tag(sync=True)
    clashes = t.List(t.Dict()).tag(sync=True)
    edit: "t.Dict[str, Any]" = t.Dict({"seq": 0, "changes": [], "save": 0}).tag(sync=True)
    done = t.Int(0).tag(sync=True)
    read_only = t.Bool(False).tag(sync=True)
    can_save = t.Bool(False).tag(sync=True)

    def __init__(
        self,
        matrix: RaciMatrix | pd.DataFrame,
        *,
        journey: Journey | None = None,
        roles: RoleRegister | None = None,
        read_only: bool = False,
        on_save: Callable[[RaciMatrix], SaveResult] | None = None,
    ) -> None:
        self._matrix = as_matrix(matrix)
        self._check = lambda document: check(document, journey, roles)
        self._on_save = None if read_only else on_save
        self._saved = 0
        stages = {s.id: s.label for s in journey.stages} if journey else {}
        super().__init__(
            label=self._matrix.label,
            rows=[
                {
                    "id": r.touchpoint,
                    "label": r.label,
                    "stage": stages.get(r.stage or "", r.stage or ""),
                }
                for r in self._matrix.rows
            ],
            roles=[{"id": r.id, "label": r.label} for r in self._matrix.roles],
            letters=[{"letter": k, "meaning": v} for k, v in self._matrix.letters.letters.items()],
            cells=_cells(self._matrix),
            read_only=read_only,
            can_save=self._on_save is not None,
        )
        self.findings = self._found()

    def to_document(self) -> RaciMatrix:
        """Return the matrix with the letters as they stand in the grid now."""
        return self._matrix

    def to_frame(self) -> pd.DataFrame:
        """Return the matrix as people see it, one column per role."""
        return self._matrix.to_frame()

    def replace(self, matrix: RaciMatrix) -> None:
        """Show another state of the same matrix, such as one merged with others' edits."""
        if [r.touchpoint for r in matrix.rows] != [r["id"] for r in self.rows] or [
            r.id for r in matrix.roles
        ] != [r["id"] for r in self.roles]:
            msg = "The grid shows other rows or roles. Make a new RaciGrid for them."
            raise ValueError(msg)
        self._matrix = matrix
        self.cells = _cells(matrix)
        self.findings = self._found()

    @t.validate("edit")
    def _check_edit(self, proposal: Any) -> dict[str, Any]:
        edit = proposal["value"]
        changes, seq, save = edit.get("changes"), edit.get("seq"), edit.get("save", 0)
        if self.read_only and (changes or save):
            msg = "This grid is read-only; the edit was not taken."
            raise t.TraitError(msg)
        if not (isinstance(seq, int) and isinstance(save, int) and isinstance(changes, list)):
            msg = f"an edit needs seq, changes and save; got {str(edit)[:80]!r}."
            raise t.TraitError(msg)
        for change in changes:
            if not self._is_change(change):
                msg = (
                    f"an edit needs [row 0–{len(self.rows) - 1}, column 0–{len(self.roles) - 1}, "
                    f"text up to {MAX_TEXT} characters]; got {str(change)[:80]!r}."
                )
                raise t.TraitError(msg)
        return dict(edit)

    def _is_change(self, change: Any) -> bool:
        if not (isinstance(change, list | tuple) and len(change) == 3):
            return False
        row, column, text = change
        return (
            isinstance(row, int)
            and isinstance(column, int)
            and 0 <= row < len(self.rows)
            and 0 <= column < len(self.roles)
            and isinstance(text, str)
            and len(text) <= MAX_TEXT
            and text.isprintable()
        )

    @t.observe("edit")
    def _take_edit(self, change: Any) -> None:
        """Apply what the page has not seen acknowledged, save if it asks to, and acknowledge all."""
        edit = change["new"]
        with self.hold_sync():
            self._apply(edit["changes"])
            if edit.get("save", 0) > self._saved:
                self._saved = edit["save"]
                self._save()
            self.done = edit["seq"]

    def _apply(self, changes: Sequence[Sequence[Any]]) -> None:
        cells = [list(row) for row in self.cells]
        for row, column, text in changes:
            cells[row][column] = canonical_cell(text, self._matrix.letters)
        if cells == self.cells:
            return
        self.cells = cells
        self._matrix = _with_cells(self._matrix, cells)
        self.findings = self._found()
        self.status = {"state": "changed", "text": "Not saved yet" if self.can_save else ""}

    def _save(self) -> None:
        if self._on_save is None:
            return
        try:
            result = self._on_save(self._matrix)
            if result.matrix is not None:
                self.replace(result.matrix)
        except Exception as error:
            self.log.exception("saving the matrix failed")
            self.status = {"state": "error", "text": f"Not saved: {error}"}
            return
        rows = {r["id"]: i for i, r in enumerate(self.rows)}
        columns = {r["id"]: i for i, r in enumerate(self.roles)}
        self.clashes = [
            {"row": rows[row], "col": columns[role], "base": base, "theirs": theirs, "mine": mine}
            for row, role, base, theirs, mine in result.clashes
        ]
        self.status = {"state": "conflict" if result.clashes else "saved", "text": result.text}

    def _found(self) -> list[dict[str, Any]]:
        rows = {r.touchpoint: i for i, r in enumerate(self._matrix.rows)}
        columns = {r.id: i for i, r in enumerate(self._matrix.roles)}

        def plain(finding: Finding) -> dict[str, Any]:
            return {
                "code": finding.code,
                "severity": finding.severity,
                "message": finding.message,
                "question": finding.question,
                "fix": finding.fix,
                "row": rows.get(finding.ids.get("touchpoint", ""), -1),
                "col": columns.get(finding.ids.get("role", ""), -1),
            }

        # Observations (info) are for the page below; the grid names what is to be mended.
        return [plain(f) for f in self._check(self._matrix) if f.severity != "info"]  # type: ignore[no-untyped-call]

    def _repr_mimebundle_(self, **options: Any) -> Any:
        """Add a plain table for pages without script to what ipywidgets sends."""
        bundle = super()._repr_mimebundle_(**options)
        data = bundle[0] if isinstance(bundle, tuple) else bundle
        if data is not None:
            data["text/html"] = to_html(self._matrix)
            data["text/plain"] = repr(self)
        return bundle

    def __repr__(self) -> str:
        return f"RaciGrid({self.label!r}, {len(self.rows)} touchpoints, {len(self.roles)} roles)"


def _cells(matrix: RaciMatrix) -> list[list[str]]:
    return [[row.cells.get(role.id, "") for role in matrix.roles] for row in matrix.rows]


def _with_cells(matrix: RaciMatrix, cells: Sequence[Sequence[str]]) -> RaciMatrix:
    rows = [
        {
            **row.model_dump(),
            "cells": {role.id: text for role, text in zip(matrix.roles, line, strict=True)},
        }
        for row, line in zip(matrix.rows, cells, strict=True)
    ]
    return RaciMatrix.from_body({**matrix.model_dump(), "rows": rows})
