"""The journey document: stages in order, touchpoints in them."""

from collections.abc import Sequence
from datetime import date
from typing import ClassVar, Literal, Self

import pandas as pd
from pydantic import Field, model_validator

from journey_widgets.documents import Document, Id, Label, Part, Text, slug
from journey_widgets.findings import Finding
from journey_widgets.journey.stages import CANONICAL, canonical, preset


class Stage(Part):
    """One stage of the journey, as this company calls it."""

    id: Id
    label: Label
    canonical: Id | None = None
    """The canonical stage behind it, where its own id is neither canonical nor an alias."""
    goal: Text = ""
    focus: Text = ""
    content: Text = ""


class Touchpoint(Part):
    """One contact between the customer and the company. Its id is used by all other documents."""

    id: Id
    label: Label
    stage: Id
    channel: Label | None = None
    online: bool | None = None
    actor: Literal["customer", "company", "partner"] | None = None
    note: Text = ""


class Journey(Document):
    """A customer journey: `stages` in order, `touchpoints` in the order customers meet them."""

    kind: ClassVar[str] = "journey"

    id: Id
    label: Label
    preset: Id | None = None
    stages: tuple[Stage, ...] = Field(min_length=1)
    touchpoints: tuple[Touchpoint, ...] = ()
    funnel: tuple[Id, ...] = ()
    """Touchpoints, in order, that lead from interest to success; dashboards measure them."""
    reviewed_on: date | None = None
    reviewed_by: Label | None = None

    @model_validator(mode="after")
    def _ids_are_unique(self) -> Self:
        for name in ("stages", "touchpoints"):
            ids = [part.id for part in getattr(self, name)]
            twice = next((i for i in ids if ids.count(i) > 1), None)
            if twice:
                msg = f"{name}: the id {twice!r} is given twice; rename one of them"
                raise ValueError(msg)
        return self

    @classmethod
    def draft(
        cls, label: str, *, stages: str = "sales", touchpoints: Sequence[Touchpoint] = ()
    ) -> Self:
        """Start a journey from a stage preset."""
        chosen = preset(stages)
        parts = [
            Stage(id=s, label=CANONICAL.get(s, s.replace("_", " ").capitalize()))
            for s in chosen.stages
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

    def check(self) -> list[Finding]:
        """Return what does not fit: touchpoints in no stage, stages without touchpoint or meaning."""
        findings = [
            Finding(
                code="JRN-01",
                severity="error",
                scope="document",
                ids={"touchpoint": t.id},
                message=f"{t.label}: its stage {t.stage!r} is not among the journey's stages.",
                question="Which stage does the customer meet it in?",
                fix=f"Set its stage to one of {', '.join(s.id for s in self.stages)}.",
                authority="own",
            )
            for t in self.touchpoints
            if self.stage(t.stage) is None
        ]
        findings += [
            Finding(
                code="JRN-04", severity="error", scope="document", ids={"touchpoint": step},
                message=f"The funnel names {step!r}, which is no touchpoint of the journey.",
                question="Was it renamed?", fix="Name a touchpoint, or remove the step.",
                authority="own",
            )
            for step in self.funnel
            if self.touchpoint(step) is None
        ]  # fmt: skip
        for s in self.stages:
            if not self.in_stage(s.id):
                findings.append(
                    Finding(
                        code="JRN-02", severity="warn", scope="document", ids={"stage": s.id},
                        message=f"Stage {s.label} has no touchpoint.",
                        question="Does nothing happen between you and the customer here?",
                        fix="Add a touchpoint, or remove the stage.", authority="own",
                    )
                )  # fmt: skip
            if not canonical(s.canonical or s.id, of=self.preset):
                findings.append(
                    Finding(
                        code="JRN-03", severity="warn", scope="document", ids={"stage": s.id},
                        message=f"Stage {s.label} maps to no canonical stage.",
                        question="Which of the canonical stages is it?",
                        fix=f"Set canonical to one of {', '.join(CANONICAL)}.", authority="own",
                    )
                )  # fmt: skip
        return findings

    def to_frame(self) -> pd.DataFrame:
        """Return one row per touchpoint, in order.

        Columns, all str: ``touchpoint``, ``label``, ``stage``, ``stage_label``, ``channel``,
        ``where`` (online, offline or blank), ``actor``.
        """
        rows = []
        for t in self.touchpoints:
            stage = self.stage(t.stage)
            where = "" if t.online is None else ("online" if t.online else "offline")
            rows.append(
                {
                    "touchpoint": t.id,
                    "label": t.label,
                    "stage": t.stage,
                    "stage_label": stage.label if stage else t.stage,
                    "channel": t.channel or "",
                    "where": where,
                    "actor": t.actor or "",
                }
            )
        columns = ["touchpoint", "label", "stage", "stage_label", "channel", "where", "actor"]
        return pd.DataFrame(rows, columns=columns).astype("str")
