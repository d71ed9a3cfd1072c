"""Editor of a scorecard: objectives, KPIs, targets, weights and notes, with what they make of the figures at once."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import pandas as pd
import traitlets as t

from journey_widgets.document_widget import DocumentWidget
from journey_widgets.errors import JourneyError
from journey_widgets.page_scripts import script, style
from journey_widgets.scorecard import cards, words
from journey_widgets.scorecard.differences import reversal
from journey_widgets.scorecard.document import Kpi, Scorecard
from journey_widgets.scorecard.edits import PAIRS, apply_edit, as_pairs, measures
from journey_widgets.scorecard.roll_up import POLICIES, Rolled
from journey_widgets.scorecard.standing import Standing, last_closed, score_of, standing
from journey_widgets.scorecard.status import SHAPES, WORDS, status

COLUMNS = {
    "weight": "Weight", "baseline": "Baseline", "target": "Target", "scoring": "Scoring", "owner": "Owner",
    "note": "Note", "options": "Counted with", "where": "Only where",
}  # fmt: skip
PERIODS = 6
"""Periods whose order is shown beside the weights."""


class ScorecardEditor(DocumentWidget[Scorecard]):
    """Edit a scorecard: objectives and KPIs, targets, weights, thresholds, notes, and the arrows between them.

    Parameters
    ----------
    scorecard
        The document.
    series
        As `scorecard.series` returns it: scores and the order of periods follow every edit. Without it nothing is
        scored.
    period
        Where the period shown begins; the last one that is over by default.
    measure
        From a scorecard to the `scorecard.series` of its KPIs: called for KPIs that are new, or counted in another way,
        since `series` was made. Without it they have no value until the page runs again.
    roles, stages
        Id → label of roles, and of stages of the journey.
    currency
        Of the workspace.
    read_only, on_save, on_draft, draft, history, on_restore
        As of `DocumentWidget`.
    """

    what, named = "scorecard", "the scorecard"
    _esm = script(Path(__file__).with_suffix(".js"))
    _css = style(Path(__file__).with_suffix(".css"))

    label = t.Unicode().tag(sync=True)
    columns = t.List(t.Dict()).tag(sync=True)
    rows = t.List(t.Dict()).tag(sync=True)
    cells = t.List(t.List(t.Unicode())).tag(sync=True)
    scores = t.List(t.Dict()).tag(sync=True)
    perspectives = t.List(t.Dict()).tag(sync=True)
    total = t.Dict({}).tag(sync=True)
    order = t.List(t.Dict()).tag(sync=True)
    reversals = t.List(t.Unicode()).tag(sync=True)
    policy = t.Dict({}).tag(sync=True)
    policies = t.List(t.Unicode()).tag(sync=True)
    owners = t.List(t.Dict()).tag(sync=True)
    period = t.Unicode().tag(sync=True)
    stages = t.List(t.Dict()).tag(sync=True)
    objectives = t.List(t.Dict()).tag(sync=True)
    arrows = t.List(t.Dict()).tag(sync=True)
    measures = t.List(t.Dict()).tag(sync=True)

    def __init__(
        self,
        scorecard: Scorecard,
        *,
        series: pd.DataFrame | None = None,
        period: pd.Timestamp | str | None = None,
        measure: Callable[[Scorecard], pd.DataFrame] | None = None,
        roles: Mapping[str, str] | None = None,
        stages: Mapping[str, str] | None = None,
        currency: str = "",
        **editing: Any,
    ) -> None:
        self._series, self._roles, self._currency = series, dict(roles or {}), currency
        self._measure = measure
        self._measured = {} if series is None else {
            (k.id, _how(k)): series[series["kpi"] == k.id] for k in scorecard.kpis()
        }  # fmt: skip
        self._when = self._chosen(period)
        self._begin = scorecard
        super().__init__(
            scorecard,
            traits={
                "columns": [{"id": k, "label": v} for k, v in COLUMNS.items()],
                "policies": list(POLICIES),
                "owners": _listed(self._roles),
                "stages": _listed(stages or {}),
                "measures": _listed(measures(scorecard)),
            },
            **editing,
        )

    def _chosen(self, period: pd.Timestamp | str | None) -> pd.Timestamp | None:
        if self._series is None or self._series.empty:
            return None
        try:
            return last_closed(self._series) if period is None else pd.Timestamp(period)
        except JourneyError:
            return None

    def _apply_step(self, document: Scorecard, step: Mapping[str, Any]) -> Scorecard:
        cells = step.get("cells")
        if step.get("op") == "cells" and isinstance(cells, Mapping):
            for kpi, fields in cells.items():
                if "note" in fields:
                    note = {"op": "note", "id": kpi, "period": self.period, "text": fields["note"]}
                    document = apply_edit(document, note)
            rest = {k: {f: v for f, v in c.items() if f != "note"} for k, c in cells.items()}
            return apply_edit(document, {"op": "cells", "cells": self._with_roles(rest)})
        return apply_edit(document, step)

    def _with_roles(self, cells: Mapping[str, Mapping[str, str]]) -> dict[str, dict[str, str]]:
        """Return cells with owners by id, also where somebody typed the label."""
        ids = {v.casefold(): k for k, v in self._roles.items()}
        return {
            k: {f: ids.get(v.strip().casefold(), v) if f == "owner" else v for f, v in c.items()}
            for k, c in cells.items()
        }

    def _apply(self, step: Mapping[str, Any]) -> None:
        """Apply a step; say what went along with a part that was taken out."""
        before = self._document
        super()._apply(step)
        lost = len(before.arrows) - len(self._document.arrows)
        if step.get("op") == "remove" and step.get("list") != "arrows" and lost:
            self._say_changed(
                f"With it {lost} arrow{'' if lost == 1 else 's'} of the strategy map went"
            )

    def _series_of(self, document: Scorecard) -> pd.DataFrame | None:
        """Return the series of a document's KPIs; those that are new, or counted in another way, are measured now."""
        wanted = {(k.id, _how(k)): k for k in document.kpis()}
        new = {k.id for key, k in wanted.items() if key not in self._measured}
        if new and self._measure is not None:
            found = self._measure(document.only(new))
            for key, kpi in wanted.items():
                if kpi.id in new:
                    self._measured[key] = found[found["kpi"] == kpi.id]
        there = [f for key in wanted if len(f := self._measured.get(key, pd.DataFrame()))]
        return pd.concat(there, ignore_index=True) if there else None

    def _show(self, document: Scorecard) -> None:
        self._document = document
        why = ""
        try:
            self._series = self._series_of(document)
        except JourneyError as error:
            self._series, why = None, str(error)
        if self._when is None:
            self._when = self._chosen(None)
        now = self._standing(document, self._when)
        kpis = {} if now is None else now.kpis.set_index("kpi").to_dict("index")
        with self.hold_sync():
            self.label = document.label
            self.rows = [
                {
                    "id": k.id,
                    "label": str(kpis[k.id]["label"]) if k.id in kpis else k.label or k.id,
                    "group": o.label,
                }
                for o in document.objectives
                for k in o.kpis
            ]
            self.cells = [[self._text(k, f) for f in COLUMNS] for k in document.kpis()]
            self.period = "" if self._when is None else f"{self._when:%Y-%m}"
            self.objectives = [
                {
                    **o.model_dump(
                        include={"id", "label", "perspective", "stage", "owner", "weight"}
                    ),
                    "kpis": len(o.kpis),
                }
                for o in document.objectives
            ]
            self.arrows = [a.model_dump() for a in document.arrows]
            self.scores = [self._score(kpis.get(k.id)) for k in document.kpis()]
            self._show_total(document, now)
            self.policy = {
                "green": document.green, "amber": document.amber, "missing": document.missing,
                "red_needs_note": document.red_needs_note,
            }  # fmt: skip
            self._count_steps()
        if why:
            self.status = {"state": "error", "text": f"Nothing is measured: {why}"}

    def _standing(self, document: Scorecard, when: pd.Timestamp | None) -> Standing | None:
        if self._series is None or when is None:
            return None
        known = set(self._series["kpi"])
        if not any(k.id in known for k in document.kpis()):
            return None
        try:
            return standing(document, self._series, when)
        except (
            JourneyError
        ):  # without a figure in the period, or with weights that are all 0, nothing has a score
            return None

    def _text(self, kpi: Kpi, field: str) -> str:
        if field == "note":
            return next((n.text for n in kpi.notes if n.period == self.period), "")
        if field == "owner":
            return self._roles.get(kpi.owner or "", kpi.owner or "")
        if field == "scoring":
            return kpi.scoring.replace("_", " ")
        if field in PAIRS:
            return as_pairs(getattr(kpi, field))
        value = getattr(kpi, field)
        return "" if value is None else f"{value:g}"

    def _score(self, row: Mapping[Any, Any] | None) -> dict[str, str]:
        if row is None:
            return {"value": "", "score": "", "status": "", "words": ""}
        told = words.status_in_words(
            str(row["status"]),
            str(row["state"]),
            certain=bool(row["certain"]),
            possible=str(row["possible"]),
        )
        return {
            "value": words.value(float(row["value"]), str(row["unit"]), currency=self._currency),
            "score": f"{row['score']:.2f}" if row["score"] == row["score"] else "", "status": str(row["status"]),
            "words": told,
        }  # fmt: skip

    def _show_total(self, document: Scorecard, now: Standing | None) -> None:
        scores = {} if now is None else {c.name: c.score for c in now.total.children}
        self.perspectives = [
            {"id": p.id, "label": p.label, "weight": p.weight, "score": _two(scores.get(p.id))}
            for p in document.perspectives
        ]
        total = None if now is None else now.total.score
        look = "" if total is None else status(total, document.rules())
        self.total = {
            "score": _two(total), "status": look, "words": f"{SHAPES[look]} {WORDS[look]}" if look else "",
            "hidden": 0 if now is None else len(now.total.masked),
        }  # fmt: skip
        self.order, self.reversals = self._ranked(document)

    def _ranked(self, document: Scorecard) -> tuple[list[dict[str, Any]], list[str]]:
        """Return the last periods by their score, against how they stood with the weights it began with; and at which
        weight the first two would change places.
        """
        if self._series is None or self._when is None:
            return [], []
        closed = self._series[
            ~self._series["open"] & self._series["period"].notna() & (self._series["state"] == "")
        ]
        periods = [p for p in sorted(closed["period"].unique()) if pd.Timestamp(p) <= self._when][
            -PERIODS:
        ]
        now = self._totals(document, periods)
        was = now if document == self._begin else self._totals(self._begin, periods)
        scores = {p: s.score for p, s in now.items()}
        ranked = _places(scores)
        before = _places({p: s.score for p, s in was.items()})
        rows = [
            {
                "label": f"{pd.Timestamp(p):%B %Y}", "score": _two(scores[p]), "rank": r,
                "was": before.get(p, r),
            }
            for p, r in sorted(ranked.items(), key=lambda item: item[1])
        ]  # fmt: skip
        first = [p for p, _r in sorted(ranked.items(), key=lambda item: item[1])][:2]
        if len(first) < 2:
            return rows, []
        return rows, _reversals(document, [(f"{pd.Timestamp(p):%B}", now[p]) for p in first])

    def _totals(self, document: Scorecard, periods: Sequence[Any]) -> dict[Any, Rolled]:
        """Return what a scorecard comes to in each period."""
        series = self._series_of(document)
        if series is None:
            return {}
        found = {}
        for p in periods:
            with suppress(JourneyError):
                found[p] = score_of(document, series, pd.Timestamp(p))
        return found

    def _static(self) -> str:
        """Return the scorecard as HTML for pages without script."""
        now = self._standing(self._document, self._when)
        if now is None or self._series is None:
            return ""
        return cards.to_html(now, self._series, roles=self._roles, currency=self._currency)

    def __repr__(self) -> str:
        return f"<ScorecardEditor {self.label!r}: {len(self.rows)} KPIs>"


def _how(kpi: Kpi) -> tuple[Any, ...]:
    """Return all that decides what a KPI counts."""
    return kpi.measured_as, tuple(kpi.options.items()), tuple(kpi.where.items()), kpi.min_n


def _listed(named: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"id": k, "label": v} for k, v in named.items()]


def _two(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"


def _places(scores: Mapping[Any, float | None]) -> dict[Any, int]:
    known = {p: s for p, s in scores.items() if s is not None}
    order = sorted(known, key=lambda p: -round(known[p], 9))
    return {p: i + 1 for i, p in enumerate(order)}


def _reversals(document: Scorecard, pair: list[tuple[str, Rolled]]) -> list[str]:
    """Return at which share of each perspective's weight two periods would change places."""
    (one, a), (other, b) = pair
    both = [
        (p, x.score, y.score)
        for p, x, y in zip(document.perspectives, a.children, b.children, strict=True)
        if x.score is not None and y.score is not None
    ]
    weights = [p.weight for p, _x, _y in both]
    if len(both) < 2 or sum(weights) <= 0:
        return []
    found = []
    for place, (p, _x, _y) in enumerate(both):
        share = reversal(weights, [x for _p, x, _y2 in both], [y for _p, _x2, y in both], place)
        if share is None or not 0 < share < 1:
            continue
        more = weights[place] / sum(weights) > share
        found.append(
            f"{one} is ahead of {other} as long as {p.label} counts {'more' if more else 'less'} than {share:.0%}."
        )
    return found
