"""Grid for editing a RACI matrix."""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import traitlets as t

from journey_widgets.document_widget import DocumentWidget
from journey_widgets.findings import Finding
from journey_widgets.journey.document import Journey
from journey_widgets.page_scripts import script, style
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


class RaciGrid(DocumentWidget[RaciMatrix]):
    """Edit which role is Responsible, Accountable, Consulted or Informed at each touchpoint.

    Parameters
    ----------
    matrix
        The document, or a table of touchpoints by roles.
    journey, roles, policy, links
        Stage labels and order, and what the rules look at beside the matrix.
    read_only, on_save, on_draft, draft, history, on_restore
        As of `DocumentWidget`.
    """

    what, named = "grid", "the matrix"
    _esm = script(Path(__file__).with_suffix(".js"))
    _css = style(Path(__file__).with_suffix(".css"))

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
        **editing: Any,
    ) -> None:
        self._journey, self._register = journey, roles
        self._policy, self._links = policy or RaciPolicy(), links or Links()
        super().__init__(
            as_matrix(matrix),
            traits={
                "stages": [{"id": s.id, "label": s.label} for s in journey.stages]
                if journey
                else [],
                "today": self._policy.today.isoformat(),
            },
            **editing,
        )

    def to_frame(self) -> pd.DataFrame:
        """Return the matrix as people see it, one column per role."""
        return self._document.to_frame()

    def _apply_step(self, document: RaciMatrix, step: Mapping[str, Any]) -> RaciMatrix:
        return apply_edit(document, step)

    def _show(self, document: RaciMatrix) -> None:
        self._document = matrix = document
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
            self._count_steps()

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

    def _static(self) -> str:
        found = check(self._document, self._journey, self._register, self._policy, self._links)
        return to_html(self._document, self._journey, found)

    def __repr__(self) -> str:
        return f"RaciGrid({self.label!r}, {len(self.rows)} touchpoints, {len(self.roles)} roles)"
