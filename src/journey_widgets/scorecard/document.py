"""The scorecard document: objectives by perspective and stage, their KPIs with targets, and how all of it is scored."""

from collections.abc import Callable, Collection, Iterator, Mapping
from datetime import date
from itertools import pairwise
from typing import Annotated, ClassVar, Final, Literal, Self

from pydantic import Field, field_validator, model_validator

from journey_widgets.documents import Document, Id, Label, Part, refuse_doubles
from journey_widgets.errors import DocumentError, JourneyError, did_you_mean
from journey_widgets.plans import Plan
from journey_widgets.scorecard.formula import Formula
from journey_widgets.scorecard.roll_up import LEAST_COVERAGE, How, Missing, Node
from journey_widgets.scorecard.scoring import (
    Score,
    best_in_the_middle,
    linear,
    ordinal,
    pace,
    percent_of_target,
    performance,
    piecewise,
    two_thresholds,
    yes_no,
)
from journey_widgets.scorecard.status import DEFAULT, Rule, checked

Scoring = Literal[
    "linear", "percent_of_target", "two_thresholds", "performance", "piecewise", "best_in_the_middle", "yes_no",
    "ordinal", "unscored",
]  # fmt: skip
Direction = Literal["up", "down", "context"]
LeadLag = Literal["lead", "lag"]
Weight = Annotated[float, Field(ge=0)]
Found = float | str | tuple[float, str]
"""Score of a KPI; or the state it has instead; or an old score with the state that says so."""
PAIRS: Final = ("linear", "two_thresholds", "performance")
"""Scoring types that go from one number to another: ``baseline`` to ``target``; red to goal; least to most."""


class Perspective(Part):
    """From where the organisation is looked at."""

    id: Id
    label: Label
    weight: Weight = 1.0
    how: How = "weighted_mean"


PERSPECTIVES: Final = (
    Perspective(id="financial", label="Financial"),
    Perspective(id="customer", label="Customer"),
    Perspective(id="internal_process", label="Internal process"),
    Perspective(id="learning_growth", label="Learning and growth"),
)
"""The four of Kaplan and Norton, Harvard Business Review 70(1), 1992."""


class WeightFrom(Part):
    """A weight that holds from a day on."""

    starts: date
    weight: Weight


class Benchmark(Part):
    """A figure of others. Without all of this nobody can say whether it may be compared."""

    value: float
    source: Label
    year: int = Field(ge=1900, le=2200)
    sector: Label
    region: Label
    method: Label
    sample: int = Field(gt=0)

    def of(self) -> str:
        """Return in words whose figure it is."""
        return f"{self.sector}, {self.region}, {self.year}: {self.source}, {self.method}, n {self.sample:,}"


class Waypoint(Part):
    """What is expected on a day: one line of a glide path that is no straight one, such as a seasonal one."""

    day: date
    value: float


class Days(Part):
    """A stretch of days, both counted."""

    first: date
    last: date

    @model_validator(mode="after")
    def _forward(self) -> Self:
        if self.last < self.first:
            msg = f"the last day, {self.last}, is before the first, {self.first}"
            raise ValueError(msg)
        return self


class Note(Part):
    """What somebody says about a KPI in a period: why it is red, and what is done."""

    period: Label
    text: Label
    by: Label | None = None


class Kpi(Part):
    """A KPI of an objective: what is measured, what it is held against, and how it is scored.

    ``baseline`` and ``target`` are the two ends of the scoring type: where the way begins and where it shall end
    (``"linear"``), the red flag and the goal (``"two_thresholds"``), the least and the most possible
    (``"performance"``).
    """

    id: Id
    measure: Id | None = None
    """Id in the catalogue or among the scorecard's own measures; the KPI's id where it is not given."""
    label: Label | None = None
    lead_lag: LeadLag | None = None
    scoring: Scoring = "linear"
    baseline: float | None = None
    target: float | None = None
    points: tuple[tuple[float, float], ...] = ()
    """Value and score, of ``"piecewise"``."""
    corners: tuple[float, ...] = ()
    """Three or four, of ``"best_in_the_middle"``."""
    labels: dict[str, float] = Field(default_factory=dict)
    """Label and score, of ``"ordinal"``."""
    starts: date | None = None
    due: date | None = None
    """The days between which the glide path goes from baseline to target."""
    path: tuple[Waypoint, ...] = ()
    """A glide path as a table, in place of the straight one: between two days it is straight."""
    weight: Weight = 1.0
    weights: tuple[WeightFrom, ...] = ()
    owner: Id | None = None
    where: dict[str, str] = Field(default_factory=dict)
    """Segment it is measured for: column and value."""
    options: dict[str, str] = Field(default_factory=dict)
    """How it is counted: options of its recipe, such as ``within: 30d``."""
    min_n: int | None = Field(None, ge=1)
    benchmark: Benchmark | None = None
    base: Days | None = None
    """Periods that the limits of its XmR chart rest on; the first twelve with a value where it is not given."""
    notes: tuple[Note, ...] = ()

    @property
    def measured_as(self) -> str:
        """Id of the measure behind it."""
        return self.measure or self.id

    @field_validator("weights")
    @classmethod
    def _in_order(cls, value: tuple[WeightFrom, ...]) -> tuple[WeightFrom, ...]:
        if any(a.starts >= b.starts for a, b in pairwise(value)):
            msg = "weights by date go from the earliest day to the latest, each day once"
            raise ValueError(msg)
        return value

    @field_validator("path")
    @classmethod
    def _one_way(cls, value: tuple[Waypoint, ...]) -> tuple[Waypoint, ...]:
        if any(a.day >= b.day for a, b in pairwise(value)):
            msg = "the glide path goes from the earliest day to the latest, each day once"
            raise ValueError(msg)
        return value

    @model_validator(mode="after")
    def _can_be_scored(self) -> Self:
        if self.starts and self.due and self.due <= self.starts:
            msg = f"the target is due on {self.due}, not after it starts on {self.starts}"
            raise ValueError(msg)
        wanted = {
            "percent_of_target": ("target",), "piecewise": ("points",), "best_in_the_middle": ("corners",),
            "ordinal": ("labels",), **dict.fromkeys(PAIRS, ("baseline", "target")),
        }.get(self.scoring, ())  # fmt: skip
        lacking = [name for name in wanted if getattr(self, name) in (None, (), {})]
        if lacking:
            msg = f"{self.id}: scoring {self.scoring!r} needs {' and '.join(lacking)}"
            raise ValueError(msg)
        try:
            self._try()
        except DocumentError as error:
            msg = f"{self.id}: {error}"
            raise ValueError(msg) from None
        return self

    def _try(self) -> None:
        """Score something: what cannot be, fails here and not in a report."""
        if self.scoring == "ordinal":
            for label in self.labels:
                self.score(label)
        elif self.scoring not in ("unscored", "yes_no"):
            self.score(0.0)

    def score(self, value: float | str | bool) -> Score:
        """Return the score of a value; a KPI that is only tracked has none (`DocumentError`)."""
        if self.scoring == "ordinal":
            return ordinal(str(value), self.labels)
        if self.scoring == "yes_no":
            return yes_no(bool(value))
        number = value if isinstance(value, int | float) else float("nan")
        ways: dict[str, Callable[[], Score]] = {
            "percent_of_target": lambda: percent_of_target(number, self.target or 0.0),
            "piecewise": lambda: piecewise(number, self.points),
            "best_in_the_middle": lambda: best_in_the_middle(number, self.corners),
            "linear": lambda: linear(number, *self._ends()),
            "two_thresholds": lambda: two_thresholds(number, *self._ends()),
            "performance": lambda: performance(number, *self._ends()),
        }
        if self.scoring not in ways:
            msg = f"{self.id} is tracked without a target: it has no score."
            raise DocumentError(msg)
        return ways[self.scoring]()

    def _ends(self) -> tuple[float, float]:
        return (
            0.0 if self.baseline is None else self.baseline,
            0.0 if self.target is None else self.target,
        )

    def weight_on(self, day: date) -> float:
        """Return the weight in force on a day."""
        held = [w.weight for w in self.weights if w.starts <= day]
        return held[-1] if held else self.weight

    def expected_on(self, day: date) -> float | None:
        """Return what the glide path expects on a day; None where there is none, or before its first day."""
        if self.path:
            return self._on_the_way(day)
        if self.scoring != "linear" or self.starts is None or self.due is None:
            return None
        elapsed = min(1.0, max(0.0, (day - self.starts) / (self.due - self.starts)))
        return pace(0.0, *self._ends(), elapsed)[0]

    def _on_the_way(self, day: date) -> float | None:
        if day < self.path[0].day:
            return None
        for a, b in pairwise(self.path):
            if a.day <= day <= b.day:
                return a.value + (b.value - a.value) * ((day - a.day) / (b.day - a.day))
        return self.path[-1].value


class Objective(Part):
    """What shall be reached, from one perspective, at a stage of the journey."""

    id: Id
    label: Label
    perspective: Id
    stage: Id | None = None
    owner: Id | None = None
    weight: Weight = 1.0
    how: How = "weighted_mean"
    kpis: tuple[Kpi, ...] = ()


class Measure(Part):
    """A measure of the scorecard's own, beside those of the catalogue."""

    id: Id
    label: Label
    expression: Label
    unit: Label
    direction: Direction

    @field_validator("expression")
    @classmethod
    def _can_be_read(cls, value: str) -> str:
        try:
            Formula(value)
        except JourneyError as error:
            raise ValueError(str(error).rstrip(".")) from None
        return value


class Arrow(Part):
    """A claim of the strategy map: that one thing moves another, which way, and after how many months."""

    source: Id
    target: Id
    sign: Literal["+", "-"] = "+"
    lag: int = Field(0, ge=0, le=24)


class Initiative(Plan):
    """Something that is done to move a KPI."""

    cost: float | None = Field(None, ge=0)
    """In the currency of the workspace."""
    effect: Literal["level", "trend", "one_off"] = "level"
    expected: float | None = None
    """Change of the KPI, in its unit."""


class Scorecard(Document):
    """Perspectives, objectives and their KPIs, the strategy map between them, and how scores are made of values."""

    kind: ClassVar[str] = "scorecard"
    version: ClassVar[int] = 1

    label: Label = "Scorecard"
    perspectives: tuple[Perspective, ...] = PERSPECTIVES
    objectives: tuple[Objective, ...] = ()
    measures: tuple[Measure, ...] = ()
    words: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    """What recipes look for → touchpoints of the log, or activities of the support log, that it means."""
    arrows: tuple[Arrow, ...] = ()
    initiatives: tuple[Initiative, ...] = ()
    how: How = "weighted_mean"
    missing: Missing = "renormalise"
    carry: int = Field(3, ge=1, le=24)
    """Periods a last value is carried on, where ``missing`` is ``"carry"``."""
    least_coverage: float = Field(LEAST_COVERAGE, ge=0, le=1)
    green: float = Field(DEFAULT[0].least or 0.0, ge=0, le=1)
    amber: float = Field(DEFAULT[1].least or 0.0, ge=0, le=1)
    """Scores from which on a status is green, and amber."""
    hysteresis: float = Field(0.0, ge=0, le=0.2)
    """How far a score passes a limit before the status changes; 0 changes it at the limit."""
    red_needs_note: bool = False
    """Whether a red KPI must have a note before the scorecard is published."""

    @model_validator(mode="after")
    def _hangs_together(self) -> Self:
        refuse_doubles(
            perspectives=[p.id for p in self.perspectives],
            objectives=[o.id for o in self.objectives],
            KPIs=[k.id for k in self.kpis()],
            measures=[m.id for m in self.measures],
            initiatives=[i.id for i in self.initiatives],
        )
        both = {o.id for o in self.objectives} & {k.id for k in self.kpis()}
        if both:
            msg = f"an objective and a KPI are both called {min(both)!r}"
            raise ValueError(msg)
        known = [p.id for p in self.perspectives]
        for o in self.objectives:
            if o.perspective not in known:
                msg = f"{o.id} is of perspective {o.perspective!r}. {did_you_mean(o.perspective, known)}"
                raise ValueError(msg)
        ends = [*(o.id for o in self.objectives), *(k.id for k in self.kpis())]
        for a in self.arrows:
            gone = next((e for e in (a.source, a.target) if e not in ends), None)
            if gone is not None:
                msg = f"an arrow has the end {gone!r}. {did_you_mean(gone, ends)}"
                raise ValueError(msg)
            if a.source == a.target:
                msg = f"an arrow leads from {a.source!r} to itself"
                raise ValueError(msg)
        try:
            checked(self.rules())
        except DocumentError as error:
            raise ValueError(str(error).rstrip(".")) from None
        return self

    def kpis(self) -> Iterator[Kpi]:
        """Return the KPIs, objective by objective."""
        for o in self.objectives:
            yield from o.kpis

    def kpi(self, name: str) -> Kpi:
        """Return a KPI by id; an unknown one is a `DocumentError` with near names."""
        found = next((k for k in self.kpis() if k.id == name), None)
        if found is None:
            msg = f"The scorecard has no KPI {name!r}. {did_you_mean(name, [k.id for k in self.kpis()])}"
            raise DocumentError(msg)
        return found

    def only(self, ids: Collection[str]) -> Self:
        """Return the scorecard with some of its KPIs alone; arrows are left out."""
        some = tuple(
            o.model_copy(update={"kpis": tuple(k for k in o.kpis if k.id in ids)})
            for o in self.objectives
        )
        return self.model_copy(update={"objectives": some, "arrows": ()})

    def rules(self) -> tuple[Rule, ...]:
        """Return from which score on a status holds."""
        return Rule("green", self.green), Rule("amber", self.amber), Rule("red")

    def tree(
        self, found: Mapping[str, Found], day: date, held: Mapping[str, str] | None = None
    ) -> Node:
        """Return the tree that `roll_up` works on: perspectives, their objectives, their KPIs.

        Parameters
        ----------
        found
            KPI id → clamped score, or a state such as ``"no_data"``, or both where an old score is carried on. A KPI
            that is not there is ``"no_data"``, one that is only tracked is ``"unscored"``.
        day
            The end of the period: weights in force on it count.
        held
            KPI id → its status, where that is not the one of its score alone.

        Notes
        -----
        A perspective or an objective without KPIs is not applicable: an empty one takes no weight from the others,
        and a finding says that it is empty. So is a KPI that is only tracked.
        """
        nodes = []
        for p in self.perspectives:
            objectives = tuple(
                Node(
                    o.id,
                    o.weight,
                    children=tuple(_leaf(k, found, day, held or {}) for k in o.kpis),
                    how=o.how,
                )
                if o.kpis
                else Node(o.id, o.weight, state="not_applicable")
                for o in self.objectives
                if o.perspective == p.id
            )
            nodes.append(
                Node(p.id, p.weight, children=objectives, how=p.how)
                if objectives
                else Node(p.id, p.weight, state="not_applicable")
            )
        return Node("scorecard", children=tuple(nodes), how=self.how)


def _leaf(kpi: Kpi, found: Mapping[str, Found], day: date, held: Mapping[str, str]) -> Node:
    weight = kpi.weight_on(day)
    if kpi.scoring == "unscored":
        return Node(kpi.id, weight, state="unscored")
    value = found.get(kpi.id, "no_data")
    if isinstance(value, str):
        return Node(kpi.id, weight, state=value)
    score, state = value if isinstance(value, tuple) else (value, "")
    return Node(kpi.id, weight, score=score, state=state, status=held.get(kpi.id, ""))
