"""The journey document: stages in order, touchpoints in them, and what is known of each."""

from collections.abc import Iterator, Sequence
from datetime import date
from typing import ClassVar, Self

import pandas as pd
from pydantic import Field, model_validator

from journey_widgets.documents import Document, Id, Label, refuse_doubles, slug
from journey_widgets.journey.parts import (
    Evidence,
    Item,
    Lane,
    Method,
    Persona,
    Stage,
    Touchpoint,
    Way,
)
from journey_widgets.journey.stages import CANONICAL, STAGE_CARDS, preset


class Journey(Document):
    """A customer journey: `stages` in order, `touchpoints` in the order customers meet them."""

    kind: ClassVar[str] = "journey"
    version: ClassVar[int] = 2

    id: Id
    label: Label
    preset: Id | None = None
    stages: tuple[Stage, ...] = Field(min_length=1)
    lanes: tuple[Lane, ...] = ()
    touchpoints: tuple[Touchpoint, ...] = ()
    ways: tuple[Way, ...] = ()
    """Designed ways between touchpoints; without any, the order of touchpoints is the design."""
    funnel: tuple[Id, ...] = ()
    """Touchpoints, in order, that lead from interest to success; dashboards measure them."""
    personas: tuple[Persona, ...] = ()
    items: tuple[Item, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    methods: tuple[Method, ...] = ()
    """Methods of evidence beside the fixed list."""
    reviewed_on: date | None = None
    reviewed_by: Label | None = None
    owner: Label | None = None
    """Who looks after the map."""

    @model_validator(mode="after")
    def _ids_are_unique(self) -> Self:
        refuse_doubles(**{name: [part.id for part in getattr(self, name)] for name in _LISTS})
        return self

    @classmethod
    def draft(
        cls, label: str, *, stages: str = "sales", touchpoints: Sequence[Touchpoint] = ()
    ) -> Self:
        """Start a journey from a stage preset."""
        chosen = preset(stages)
        parts = [
            Stage(
                id=s,
                label=CANONICAL.get(s, s.replace("_", " ").capitalize()),
                **STAGE_CARDS[covered[0]],
            )
            for s, covered in chosen.stages.items()
        ]
        return cls(
            id=slug(label), label=label, preset=stages, stages=tuple(parts),
            touchpoints=tuple(touchpoints),
        )  # fmt: skip

    def stage(self, stage_id: str) -> Stage | None:
        """Return a stage by id."""
        return next((s for s in self.stages if s.id == stage_id), None)

    def touchpoint(self, touchpoint_id: str) -> Touchpoint | None:
        """Return a touchpoint by id."""
        return next((t for t in self.touchpoints if t.id == touchpoint_id), None)

    def in_stage(self, stage_id: str) -> list[Touchpoint]:
        """Return the touchpoints of a stage, in order."""
        return [t for t in self.touchpoints if t.stage == stage_id]

    def lane(self, lane_id: str | None) -> Lane | None:
        """Return a lane by id."""
        return next((row for row in self.lanes if row.id == lane_id), None)

    def items_at(self, touchpoint_id: str) -> list[Item]:
        """Return the items of a touchpoint, in order."""
        return [i for i in self.items if i.touchpoint == touchpoint_id]

    def links(self) -> Iterator[tuple[str, str, str, str]]:
        """Return every reference within the document: whose (list and label), field, list meant, id."""
        for t in self.touchpoints:
            yield t.label, "stage", "stages", t.stage
            if t.lane is not None:
                yield t.label, "lane", "lanes", t.lane
            for e in t.evidence:
                yield t.label, "evidence", "evidence", e
            for r in t.ratings:
                if r.persona is not None:
                    yield f"{t.label}, rating by {r.by}", "persona", "personas", r.persona
        for w in self.ways:
            yield f"The way {w.id}", "source", "touchpoints", w.source
            yield f"The way {w.id}", "target", "touchpoints", w.target
        for i in self.items:
            for field, many in (
                ("touchpoint", "touchpoints"),
                ("stage", "stages"),
                ("persona", "personas"),
            ):
                if getattr(i, field) is not None:
                    yield i.label, field, many, getattr(i, field)
            for e in i.evidence:
                yield i.label, "evidence", "evidence", e
        for step in self.funnel:
            yield "The funnel", "step", "touchpoints", step

    def to_frame(self) -> pd.DataFrame:
        """Return one row per touchpoint, in order.

        Columns, all str: ``touchpoint``, ``label``, ``stage``, ``stage_label``, ``lane`` (its label,
        or blank), ``channel``, ``where`` (online, offline or blank), ``actor``.
        """
        rows = []
        for t in self.touchpoints:
            stage = self.stage(t.stage)
            lane = self.lane(t.lane)
            where = "" if t.online is None else ("online" if t.online else "offline")
            rows.append(
                {
                    "touchpoint": t.id,
                    "label": t.label,
                    "stage": t.stage,
                    "stage_label": stage.label if stage else t.stage,
                    "lane": lane.label if lane else "",
                    "channel": t.channel or "",
                    "where": where,
                    "actor": t.actor or "",
                }
            )
        columns = [
            "touchpoint", "label", "stage", "stage_label", "lane", "channel", "where", "actor",
        ]  # fmt: skip
        return pd.DataFrame(rows, columns=columns).astype("str")


_LISTS = ("stages", "lanes", "touchpoints", "ways", "personas", "items", "evidence", "methods")


class ToBeJourney(Journey):
    """The journey as it shall be: the same document, kept beside the one that shows it as it is."""

    kind: ClassVar[str] = "journey_to_be"
