"""What a journey map is made of: stages, lanes, touchpoints, ways between them, items and evidence."""

from datetime import date
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, model_validator

from journey_widgets.documents import Id, Label, Part, Text

Emotion = Annotated[float, Field(ge=-2, le=2)]
"""How customers feel, from -2 (very bad) over 0 (neither) to 2 (very good)."""
ItemKind = Literal["pain_point", "moment_of_truth", "opportunity", "question"]
Severity = Literal["low", "medium", "high"]


def _web_or_file(link: str) -> str:
    """Refuse links that could run something where they are clicked."""
    scheme = urlsplit(link).scheme.lower()
    if scheme not in ("", "http", "https") or any(c.isspace() for c in link):
        msg = "is no link; an address that begins with https:// or the name of a file was needed"
        raise ValueError(msg)
    return link


Link = Annotated[Label, AfterValidator(_web_or_file)]


class Stage(Part):
    """One stage of the journey, as this company calls it."""

    id: Id
    label: Label
    canonical: Id | None = None
    """The canonical stage behind it, where its own id is neither canonical nor an alias."""
    goal: Text = ""
    """What the customer wants here."""
    focus: Text = ""
    """What the company looks after here."""
    content: Text = ""
    """Content and interactions that are typical here."""


class Lane(Part):
    """A row of the map: what the customer sees, what happens behind it, what partners do."""

    id: Id
    label: Label
    kind: Literal["front_stage", "backstage", "partner"] = "front_stage"
    hidden: bool = False
    """Left out of the picture; its touchpoints stay in the document."""


class Rating(Part):
    """One person's judgement of how customers feel, kept apart from the others'."""

    id: Id
    by: Label
    emotion: Emotion
    persona: Id | None = None
    on: date | None = None


class Touchpoint(Part):
    """One contact between the customer and the company. Its id is used by all other documents."""

    id: Id
    label: Label
    stage: Id
    lane: Id | None = None
    channel: Label | None = None
    online: bool | None = None
    actor: Literal["customer", "company", "partner"] | None = None
    note: Text = ""
    emotion: Emotion | None = None
    """The team's common judgement of how customers feel here."""
    ratings: tuple[Rating, ...] = ()
    evidence: tuple[Id, ...] = ()
    """Evidence for `emotion`."""
    kpis: tuple[Id, ...] = ()
    """KPIs that watch this touchpoint, the first one shown on the map."""
    reviewed_on: date | None = None
    review_note: Text = ""
    """What the review looked at; a date without a note is no review."""


class Way(Part):
    """A designed way from one touchpoint to another: forward, beside it, or back."""

    id: Id
    source: Id
    target: Id
    kind: Literal["next", "alternative", "loop"] = "next"
    label: Text = ""

    @model_validator(mode="before")
    @classmethod
    def _named(cls, given: Any) -> Any:
        """Name a way by its ends where it has no id."""
        if isinstance(given, dict) and "id" not in given:
            source, target = str(given.get("source", ""))[:39], str(given.get("target", ""))[:39]
            return {"id": f"{source}__{target}", **given}
        return given


class Persona(Part):
    """A kind of customer; `segment` (``column=value``) says who they are in the event log."""

    id: Id
    label: Label
    segment: Label | None = None
    note: Text = ""


class Item(Part):
    """Something that was noticed at a touchpoint or stage, with its weight, owner and evidence."""

    id: Id
    kind: ItemKind
    label: Label
    touchpoint: Id | None = None
    stage: Id | None = None
    persona: Id | None = None
    severity: Severity = "medium"
    owner: Label | None = None
    evidence: tuple[Id, ...] = ()
    state: Literal["open", "done", "dropped"] = "open"
    note: Text = ""

    @model_validator(mode="after")
    def _is_somewhere(self) -> "Item":
        if (self.touchpoint is None) == (self.stage is None):
            msg = "needs a touchpoint or a stage, and not both"
            raise ValueError(msg)
        return self


class Method(Part):
    """A way of gathering evidence that the fixed list lacks."""

    id: Id
    label: Label
    measures: bool = False
    """Whether it counts what people do or say, rather than tells what some of them said."""


class Evidence(Part):
    """What a claim stands on: gathered how, where, when, from how many."""

    id: Id
    method: Id
    source: Label
    on: date | None = None
    n: Annotated[int, Field(ge=0)] | None = None
    segment: Label | None = None
    excerpt: Text = ""
    link: Link | None = None
