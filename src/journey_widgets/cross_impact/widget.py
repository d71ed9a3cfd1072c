"""Sliders for the cross-impact matrix, with what they come to beside them."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pandas as pd
import traitlets as t

from journey_widgets.cross_impact.agreement import stacked
from journey_widgets.cross_impact.direct import CUTS, Cut
from journey_widgets.cross_impact.discuss import cells_to_discuss
from journey_widgets.cross_impact.document import (
    CONSENSUS,
    STAKES,
    Cells,
    CrossImpact,
    Rater,
)
from journey_widgets.cross_impact.edits import apply_edit
from journey_widgets.cross_impact.influence_map import map_of
from journey_widgets.cross_impact.rules import check
from journey_widgets.cross_impact.stability import SAFE, leader_sentence, stability_of, vary
from journey_widgets.cross_impact.table import to_html
from journey_widgets.cross_impact.what_if import what_if
from journey_widgets.document_widget import DocumentWidget
from journey_widgets.documents import slug
from journey_widgets.errors import DocumentError, JourneyDataError
from journey_widgets.journey.document import Journey
from journey_widgets.page_scripts import script, style
from journey_widgets.roles import RoleRegister

MAX_FINDINGS = 100
TO_DISCUSS = 5


class CrossImpactSliders(DocumentWidget[CrossImpact]):
    """Judge how touchpoints act on each other, and see at once what it comes to.

    Parameters
    ----------
    panel
        The document.
    rater
        Name of the person at the page. Then nobody else's matrix can be written here. Without it any
        rater can be chosen, except while a blind round is open.
    journey, roles, kpis
        Touchpoints that can be added, and roles and KPIs that can be named in interventions.
    evidence
        Result of `evidence`, to be shown beside the judgements.
    outcome, cut, draws, seed
        As of `stability`; the first two can be chosen on the page.
    read_only, on_save, on_draft, draft, history, on_restore
        As of `DocumentWidget`.
    """

    what, named = "matrix", "the matrix"
    asks: ClassVar[frozenset[str]] = frozenset(
        {"edit", "preview", "changes", "outcome", "cut", "rater"}
    )
    _esm = script(Path(__file__).with_suffix(".js"))
    _css = style(Path(__file__).with_suffix(".css"))

    label = t.Unicode().tag(sync=True)
    columns = t.List(t.Dict()).tag(sync=True)
    n_factors = t.Int(0).tag(sync=True)
    raters = t.List(t.Dict()).tag(sync=True)
    rater = t.Unicode().tag(sync=True)
    rater_label = t.Unicode().tag(sync=True)
    fixed = t.Bool(False).tag(sync=True)
    blind = t.Bool(False).tag(sync=True)
    cells = t.List(t.List()).tag(sync=True)
    notes = t.Dict().tag(sync=True)
    together = t.List(t.List()).tag(sync=True)
    agreed = t.List(t.List()).tag(sync=True)
    agreed_notes = t.Dict().tag(sync=True)
    spread = t.Dict().tag(sync=True)
    evidence = t.Dict().tag(sync=True)
    outcome = t.Unicode().tag(sync=True)
    cut = t.Unicode("mean").tag(sync=True)
    preview: "t.Dict[str, Any]" = t.Dict().tag(sync=True)
    answer: "t.Dict[str, Any]" = t.Dict().tag(sync=True)
    discuss = t.List(t.Dict()).tag(sync=True)
    changes: "t.Dict[str, Any]" = t.Dict().tag(sync=True)
    moved: "t.Dict[str, Any]" = t.Dict().tag(sync=True)
    interventions = t.List(t.Dict()).tag(sync=True)
    stakes = t.List(t.List()).tag(sync=True)
    roles = t.List(t.Dict()).tag(sync=True)
    kpis = t.List(t.Unicode()).tag(sync=True)
    missing = t.List(t.Dict()).tag(sync=True)
    findings = t.List(t.Dict()).tag(sync=True)
    found = t.Dict({}).tag(sync=True)

    def __init__(
        self,
        panel: CrossImpact,
        *,
        rater: str | None = None,
        journey: Journey | None = None,
        roles: RoleRegister | None = None,
        kpis: Sequence[str] = (),
        evidence: pd.DataFrame | None = None,
        outcome: str = "",
        cut: Cut = "mean",
        draws: int = 500,
        seed: int = 1,
        **editing: Any,
    ) -> None:
        self._journey, self._register = journey, roles
        self._draws, self._seed, self._ready = draws, seed, False
        self._evidence, self._previewed = _told(evidence), 0
        known = next((r for r in panel.raters if rater in (r.label, r.id)), None)
        first = known or (next(iter(panel.raters), None) if rater is None else None)
        name = first.label if first else rater or "Rater 1"
        ids = {r.id for r in panel.raters} | {CONSENSUS}
        super().__init__(
            panel,
            traits={
                "rater": first.id if first else slug(name, ids),
                "rater_label": name,
                "fixed": rater is not None,
                "outcome": outcome,
                "cut": cut,
                "roles": [{"id": r.id, "label": r.label} for r in roles.roles] if roles else [],
                "kpis": list(kpis),
            },
            **editing,
        )
        self._ready = True

    # --- what the page sees -------------------------------------------------------------------

    def _own(self, document: CrossImpact) -> Rater | None:
        """Return the matrix of the person at the page; in a blind round nobody's where nobody is named."""
        if document.blind and not self.fixed:
            return None
        return next((r for r in document.raters if r.id == self.rater), None)

    def _seen(self, document: CrossImpact) -> CrossImpact:
        """Return what may be seen here: in a blind round one's own judgements only."""
        if not document.blind:
            return document
        own = self._own(document)
        return document.model_copy(update={"raters": (own,) if own else (), "consensus": {}})

    def _show(self, document: CrossImpact) -> None:
        self._document = document
        seen, own = self._seen(document), self._own(document)
        mine = own.cells if own else {}
        with self.hold_sync():
            self.label, self.blind = document.label, document.blind
            self.columns = [
                *({"id": f.id, "label": f.label, "kind": "factor"} for f in document.factors),
                *({"id": o.id, "label": o.label, "kind": "outcome"} for o in document.outcomes),
            ]
            self.n_factors = len(document.factors)
            # A verdict on a judgement tells what was judged.
            self.evidence = {} if document.blind else self._evidence
            self.raters = [
                {
                    "id": r.id, "label": r.label, "handed_in": r.handed_in,
                    "judged": sum(map(len, r.cells.values())),
                }
                for r in document.raters
            ]  # fmt: skip
            self.cells, self.notes = self._plain(document, mine)
            self.agreed, self.agreed_notes = self._plain(document, seen.consensus)
            values = seen.judged_values()
            names = [c["id"] for c in self.columns]
            self.together = [
                [round(v, 1) if isinstance(v := values.get((f.id, n)), float) else v for n in names]
                for f in document.factors
            ]
            self.stakes = [[getattr(f, s) for s in STAKES] for f in document.factors]
            self.interventions = [
                {"ready": i.ready, **i.model_dump(mode="json")} for i in document.interventions
            ]
            self._count_steps()
            self._answer(document)
        if not self._editing:
            self._afterwards()

    def _afterwards(self) -> None:
        """Work out what may come a moment later than the picture."""
        self._tell_more(self._document)

    def _tell_more(self, document: CrossImpact) -> None:
        seen = self._seen(document)
        several = sum(bool(r.cells) for r in seen.raters) > 1
        with self.hold_sync():
            self.spread = _spread(seen) if several else {}
            self.discuss = self._to_discuss(seen) if several else []
            judged = {f.id for f in document.factors}
            self.missing = [
                {"id": p.id, "label": p.label}
                for p in (self._journey.touchpoints if self._journey else ())
                if p.id not in judged
            ]
            found = check(seen, self._journey, self._register)
            self.found = dict(Counter(f.severity for f in found))
            self.findings = [
                {
                    "code": f.code, "severity": f.severity, "message": f.message,
                    "advice": f"{f.question} {f.fix}".strip(), "source": f.ids.get("touchpoint", ""),
                    "target": f.ids.get("target", ""),
                }
                for f in found[:MAX_FINDINGS]
            ]  # fmt: skip
            self._move(document)

    def _plain(
        self, document: CrossImpact, cells: Cells
    ) -> tuple[list[list[Any]], dict[str, list[str]]]:
        """Return judgements as rows of values (None for blank), and what is noted beside them."""
        names = [*(f.id for f in document.factors), *document.outcome_ids()]
        rows = []
        for f in document.factors:
            row = cells.get(f.id, {})
            rows.append([j.value if (j := row.get(n)) else None for n in names])
        notes = {
            f"{s} {n}": [j.confidence or "", j.reason or ""]
            for s, row in cells.items()
            for n, j in row.items()
            if j.confidence or j.reason
        }
        return rows, notes

    def _answer(self, document: CrossImpact) -> None:
        """Work out map and ranking; where they have no answer, say why."""
        preview = self._previewed
        seen = self._seen(document)
        labels = document.labels
        outcome = self.outcome if self.outcome in labels else None
        cut: Cut = self.cut if self.cut in CUTS else "mean"
        try:
            drawn = vary(seen, outcome=outcome, draws=self._draws, seed=self._seed)
        except JourneyDataError as error:
            self.answer = {"preview": preview, "words": str(error), "points": [], "ranking": []}
            return
        words = f"{self._draws:,} draws"
        points = map_of(drawn, cut, words)
        ranking = stability_of(drawn, cut, words)
        largest = float(ranking["value"].max()) or 1.0
        named = ranking.assign(factor=[labels[f] for f in ranking["factor"]])
        self.answer = {
            "preview": preview,
            "words": leader_sentence(named),
            "about": f"{f'Push on {labels[outcome]}' if outcome else 'Influence on touchpoints'}, all chains "
            f"counted. {_noise(drawn.noise, len(seen.raters))} {len(drawn.values):,} draws.",
            "cut": points.attrs["cut"],
            "points": [
                {k: v if isinstance(v, str) else round(float(v), 5) for k, v in r.items()}
                for r in points.to_dict("records")
            ],
            "ranking": [
                {
                    "factor": r["factor"], "share": round(float(r["value"]) / largest, 4), "rank": int(r["rank"]),
                    "low": round(r["rank_low"]), "high": round(r["rank_high"]),
                    "leads": round(float(r["top_share"]), 4), "role": r["role"],
                    "role_share": round(float(r["role_share"]), 4),
                }
                for r in named.to_dict("records")
            ],
            "safe": SAFE,
        }  # fmt: skip

    def _to_discuss(self, seen: CrossImpact) -> list[dict[str, Any]]:
        outcome = self.outcome if self.outcome in seen.labels else None
        try:
            found = cells_to_discuss(seen, outcome=outcome, top=TO_DISCUSS)
        except JourneyDataError:
            return []
        rows = found.to_dict("records")
        return [{k: str(r[k]) for k in ("source", "target", "in_words")} for r in rows]

    def _move(self, document: CrossImpact) -> None:
        """Work out what the changes of the what-if panel come to."""
        seen = self._seen(document)
        known = {f.id for f in document.factors}
        wanted = {k: v for k, v in self.changes.items() if k in known and v}
        try:
            found = what_if(seen, wanted)
        except JourneyDataError as error:
            self.moved = {"words": str(error), "rows": []}
            return
        rows = found.to_dict("records")
        largest = (
            max((abs(float(r["difference"])) for r in rows if r["direction"] != "held"), default=0)
            or 1.0
        )
        self.moved = {
            "words": str(found.attrs.get("definition", "")),
            "rows": [
                {
                    "id": r["factor"], "direction": r["direction"],
                    "share": round(float(r["difference"]) / largest, 4) if r["direction"] != "held" else 0,
                    "rank": None if pd.isna(r["rank"]) or r["direction"] == "no change" else int(r["rank"]),
                }
                for r in rows
            ],
        }  # fmt: skip

    # --- what the page asks -------------------------------------------------------------------

    @t.validate("rater")
    def _check_rater(self, proposal: Any) -> str:
        given = str(proposal["value"])
        document = getattr(self, "_document", None)
        if not self.rater or document is None or given == self.rater:
            return given
        if self.fixed or document.blind or self.read_only:
            msg = "another rater's matrix cannot be opened here."
            raise t.TraitError(msg)
        if given not in [r.id for r in document.raters]:
            msg = f"there is no rater {given[:80]!r}."
            raise t.TraitError(msg)
        return given

    @t.validate("outcome")
    def _check_outcome(self, proposal: Any) -> str:
        given = str(proposal["value"])
        if given and given not in self._document.labels:
            msg = f"there is no column {given[:80]!r}."
            raise t.TraitError(msg)
        return given

    @t.validate("cut")
    def _check_cut(self, proposal: Any) -> str:
        if proposal["value"] not in CUTS:
            msg = f"cut is {str(proposal['value'])[:80]!r}; one of {', '.join(CUTS)} was needed."
            raise t.TraitError(msg)
        return str(proposal["value"])

    @t.validate("changes")
    def _check_changes(self, proposal: Any) -> dict[str, float]:
        given = proposal["value"]
        if not all(
            isinstance(k, str) and isinstance(v, int | float) and -1 <= v <= 1
            for k, v in given.items()
        ):
            msg = "changes are touchpoint → -1 to 1."
            raise t.TraitError(msg)
        return dict(given)

    @t.observe("rater", "outcome", "cut")
    def _look_again(self, change: Any) -> None:
        if not self._ready:
            return
        if change["name"] == "rater":
            own = self._own(self._document)
            self.rater_label = own.label if own else self.rater_label
        self._show(self._document)

    @t.observe("changes")
    def _move_again(self, _change: Any) -> None:
        if self._ready:
            self._move(self._document)

    @t.observe("preview")
    def _preview(self, change: Any) -> None:
        """Show what a slider on its way comes to; nothing is kept of it."""
        asked = change["new"]
        step = {"op": "cells", "rater": asked.get("rater"), "cells": asked.get("cells")}
        number = asked.get("seq")
        if self.read_only or not isinstance(number, int):
            return
        try:
            document = self._apply_step(self._document, step)
        except (DocumentError, TypeError, ValueError, KeyError, AttributeError):
            document = self._document
        self._previewed = number
        with self.hold_sync():
            self._answer(document)

    def _apply_step(self, document: CrossImpact, step: Mapping[str, Any]) -> CrossImpact:
        self._refuse(document, step)
        if step.get("op") == "cells" and step.get("rater") == self.rater:
            step = {**step, "label": self.rater_label}
        kpi = step.get("value")
        if step.get("list") == "interventions" and step.get("field") == "kpi" and kpi:
            step = {**step, "value": slug(str(kpi))}  # people write names
        return apply_edit(document, step)

    def _refuse(self, document: CrossImpact, step: Mapping[str, Any]) -> None:
        """Refuse to write in another's matrix, and to settle anything while a blind round is open."""
        op, who, many = step.get("op"), step.get("rater"), step.get("list")
        nobody = document.blind and not self.fixed
        if nobody and (op == "cells" or many == "raters"):
            msg = "The rating round is blind: judge on a page that knows who you are."
            raise DocumentError(msg)
        if op == "cells" and who == CONSENSUS:
            if document.blind:
                msg = "The rating round is open; what is agreed is written when it is closed."
                raise DocumentError(msg)
        elif op == "cells" and who != self.rater:
            msg = "This is another rater's matrix; nobody else writes in it."
            raise DocumentError(msg)
        elif op == "remove" and many in ("factors", "outcomes") and document.blind:
            msg = "The rating round is open: what others judged of it would be gone; close the round first."
            raise DocumentError(msg)
        elif op == "add" and many == "raters":
            if self.fixed or set(step.get("part") or {}) - {"label"}:
                msg = "a rater is added by name, by whoever leads the rating."
                raise DocumentError(msg)
        elif many == "raters" and op in ("set", "remove", "move"):
            alone = step.get("id") == self.rater
            if not alone and (self.fixed or document.blind or op == "set"):
                msg = "This is another rater's matrix; nobody else changes it."
                raise DocumentError(msg)

    def _static(self) -> str:
        own = self._own(self._document)
        if self._document.blind:
            return to_html(self._document, own.cells if own else {})
        return to_html(self._document)

    def __repr__(self) -> str:
        return f"CrossImpactSliders({self.label!r}, {self.n_factors} touchpoints, {len(self.raters)} raters)"


def _noise(kind: str, raters: int) -> str:
    if kind == "raters":
        return f"{raters} raters drawn again:"
    return "One opinion, each judgement moved by up to half a point:"


def _spread(seen: CrossImpact) -> dict[str, list[float]]:
    """Return per cell what raters said: lowest, highest, mean, how many, how many do not know."""
    first, cube = stacked(seen)
    judged = (~np.isnan(cube)).sum(axis=0)
    low = np.where(np.isnan(cube), np.inf, cube).min(axis=0)
    high = np.where(np.isnan(cube), -np.inf, cube).max(axis=0)
    mean = np.nansum(cube, axis=0) / np.maximum(judged, 1)
    rows, columns = np.nonzero(judged)
    said = np.stack([low, high, mean.round(2), judged, first.unknown])[:, rows, columns].T.tolist()
    names = first.names
    return {
        f"{names[r]} {names[c]}": values
        for r, c, values in zip(rows.tolist(), columns.tolist(), said, strict=True)
    }


def _told(evidence: pd.DataFrame | None) -> dict[str, list[Any]]:
    """Return per cell the verdict on it, and the data in words."""
    if evidence is None:
        return {}
    found: dict[str, list[Any]] = {}
    for r in evidence.to_dict("records"):
        place = f"{r['source']} {r['target']}"
        if pd.isna(r["value"]) or place in found:
            continue  # the first is the one that contradicts most
        words = f"{r['measure']} {r['value']:.2f} ({r['low']:.2f} to {r['high']:.2f}, n {int(r['n']):,}, {r['method']})"
        found[place] = [
            str(r["verdict"]),
            words,
            bool(r["value"] > (1 if r["measure"] == "odds ratio" else 0)),
        ]
    return found
