"""Editor for the journey map."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any, ClassVar

import pandas as pd
import traitlets as t

from journey_widgets.edit_messages import PageWidget, checked
from journey_widgets.errors import DocumentError
from journey_widgets.journey.document import Journey
from journey_widgets.journey.edits import apply_edit, remedies
from journey_widgets.journey.evidence import claims, methods
from journey_widgets.journey.map_chart import map_chart
from journey_widgets.journey.map_layout import KIND_WORDS, MARKS, map_layout
from journey_widgets.journey.rules import check
from journey_widgets.safe import html

MAX_BYTES = 200_000
"""Largest single edit; a map is words, not files."""


@dataclass(frozen=True)
class MapSaved:
    """What came of a save, for the person at the map.

    ``journey`` is what the map should show now. ``clashes`` are places that somebody else changed too, each
    with ``words`` and the ``edits`` that take theirs (none where only words help); saving again keeps one's own.
    """

    text: str
    journey: Journey | None = None
    clashes: tuple[Mapping[str, Any], ...] = ()


class JourneyMapEditor(PageWidget):
    """Draw and edit a journey map: stages across, lanes down, touchpoints as cards, how it feels below.

    Parameters
    ----------
    journey
        The document.
    curve
        Result of `journey.emotion` with answers: what customers said, shown beside the judgement.
    owners
        Touchpoint id → who is accountable.
    read_only
        Show the map without letting anybody change it.
    on_save
        Called with the document when *Save* is pressed; returns a `MapSaved`. Without it there is no such
        button.
    """

    asks: ClassVar[frozenset[str]] = frozenset({"edit"})
    _esm = Path(__file__).with_suffix(".js")
    _css = Path(__file__).with_suffix(".css")

    document: "t.Dict[str, Any]" = t.Dict().tag(sync=True)
    measured: "t.Dict[str, Any]" = t.Dict().tag(sync=True)
    owners: "t.Dict[str, Any]" = t.Dict().tag(sync=True)
    grades: "t.Dict[str, Any]" = t.Dict().tag(sync=True)
    known: "t.Dict[str, Any]" = t.Dict().tag(sync=True)
    findings = t.List(t.Dict()).tag(sync=True)
    status = t.Dict({"state": "unchanged", "text": ""}).tag(sync=True)
    clashes = t.List(t.Dict()).tag(sync=True)
    edit: "t.Dict[str, Any]" = t.Dict({"seq": 0, "edits": [], "save": 0}).tag(sync=True)
    done = t.Int(0).tag(sync=True)
    read_only = t.Bool(False).tag(sync=True)
    can_save = t.Bool(False).tag(sync=True)

    def __init__(
        self,
        journey: Journey,
        *,
        curve: pd.DataFrame | None = None,
        owners: Mapping[str, str] | None = None,
        read_only: bool = False,
        on_save: Callable[[Journey], MapSaved] | None = None,
    ) -> None:
        self._journey = journey
        self._on_save = None if read_only else on_save
        self._saved = 0
        super().__init__(
            document=journey.body(),
            measured=_measured(curve),
            owners=dict(owners or {}),
            known={
                "items": KIND_WORDS,
                "marks": MARKS,
                "methods": {k: label for k, (label, _m) in methods(journey).items()},
            },
            read_only=read_only,
            can_save=self._on_save is not None,
        )
        self._look()

    def to_document(self) -> Journey:
        """Return the journey as it stands in the map now."""
        return self._journey

    def replace(self, journey: Journey) -> None:
        """Show another state of the document, such as one merged with others' edits."""
        self._journey = journey
        self.document = journey.body()
        self._look()

    def _look(self) -> None:
        """Bring findings and grades up to what the document says."""
        graded = claims(self._journey)
        self.grades = {
            f"{(r['claim'] == 'emotion' and 'emotion') or 'item'}:{r['id']}": r["grade"]
            for r in graded.to_dict("records")
        }
        mends = remedies(self._journey)

        def mend(message: str) -> list[dict[str, Any]]:
            return next((m for name, m in mends.items() if message.startswith(name)), [])

        self.findings = [
            {
                "code": f.code,
                "severity": f.severity,
                "message": f.message,
                "fix": f"{f.question} {f.fix}",
                "touchpoint": f.ids.get("touchpoint", ""),
                "remedy": mend(f.message) if f.code in ("JRN-04", "JRN-05") else [],
            }
            for f in check(self._journey)
            if f.severity != "info"
        ]

    @t.validate("edit")
    def _check_edit(self, proposal: Any) -> dict[str, Any]:
        return checked(
            proposal["value"], "edits", what="map", read_only=self.read_only, most=MAX_BYTES
        )

    @t.observe("edit")
    def _take_edit(self, change: Any) -> None:
        """Apply what was not applied yet, save if asked to, and acknowledge all."""
        edit = change["new"]
        with self.hold_sync():
            fresh = [e for e in edit["edits"] if e["seq"] > self.done]
            if fresh:
                self._apply(fresh)
            if edit.get("save", 0) > self._saved:
                self._saved = edit["save"]
                self._save()
            self.done = edit["seq"]

    def _apply(self, edits: list[dict[str, Any]]) -> None:
        said = "Not saved yet" if self.can_save else ""
        state = "changed"
        steps = groupby(edits, key=lambda one: one.get("step", one["seq"]))
        for _step, together in steps:  # a step of several edits is taken as a whole or not at all
            before = self._journey
            try:
                for one in together:
                    self._journey = apply_edit(self._journey, one)
            except DocumentError as error:
                self._journey = before
                state, said = "error", f"Not taken: {str(error).removeprefix('the map: ')}"
        body = self._journey.body()
        if body == self.document:
            self.document = {}  # so that the page draws again what it had drawn otherwise
        self.document = body
        self._look()
        self.status = {"state": state, "text": said}

    def _save(self) -> None:
        if self._on_save is None:
            return
        try:
            result = self._on_save(self._journey)
            if result.journey is not None:
                self.replace(result.journey)
        except Exception as error:
            self.log.exception("saving the map failed")
            self.status = {"state": "error", "text": f"Not saved: {error}"}
            return
        self.clashes = [dict(c) for c in result.clashes]
        self.status = {"state": "conflict" if result.clashes else "saved", "text": result.text}

    def _repr_mimebundle_(self, **options: Any) -> Any:
        """Add a picture for pages without script to what ipywidgets sends."""
        bundle = super()._repr_mimebundle_(**options)
        data = bundle[0] if isinstance(bundle, tuple) else bundle
        if data is not None:
            rows = "".join(
                f"<li>{html(row['stage_label'])}: {html(row['label'])}</li>"
                for row in self._journey.to_frame().to_dict("records")
            )
            data["text/html"] = f"<p>{html(self._journey.label)}</p><ol>{rows}</ol>"
            data["text/plain"] = repr(self)
        return bundle

    def picture(self, view: str = "team") -> Any:
        """Return the map as it stands now as a chart; see `journey.map_layout` for the views."""
        return map_chart(map_layout(self._journey, owners=dict(self.owners), view=view))

    def __repr__(self) -> str:
        return f"JourneyMapEditor({self._journey.label!r}, {len(self._journey.touchpoints)} touchpoints)"


def _measured(curve: pd.DataFrame | None) -> dict[str, Any]:
    if curve is None:
        return {}
    known = curve[curve["value"].notna()]
    return {
        str(r["touchpoint"]): {
            "value": float(r["value"]),
            "low": float(r["low"]) if pd.notna(r["low"]) else None,
            "high": float(r["high"]) if pd.notna(r["high"]) else None,
            "n": int(r["n"]),
        }
        for r in known.to_dict("records")
    }
