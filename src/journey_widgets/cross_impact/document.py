"""The cross-impact document: what each rater judged, what was agreed, and what will be done about it."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar, Final, Literal, Self

import pandas as pd
from pydantic import Field, field_validator, model_validator

from journey_widgets.documents import Document, Id, Label, Part, refuse_doubles
from journey_widgets.errors import DocumentError, did_you_mean
from journey_widgets.journey.document import Journey
from journey_widgets.plans import Plan
from journey_widgets.textfiles import read_text

STRONGEST: Final = 3
"""Judgements go from -3 (gets much worse) over 0 (nothing) to 3 (gets much better)."""
UNKNOWN: Final = "?"
"""Somebody looked at the cell and does not know."""
POTENTIAL: Final = "P"
"""Nothing today; it may come. As in the notation of MICMAC."""
CONSENSUS: Final = "consensus"
"""Stands in the place of a rater where a judgement was agreed on."""
Confidence = Literal["low", "medium", "high"]
STAKES: Final = ("satisfaction", "retention", "advocacy")
MOST_AT_STAKE: Final = 5


class Judgement(Part):
    """How strongly one factor acts on another, as somebody sees it."""

    value: int | float | Literal["?", "P"]
    confidence: Confidence | None = None
    reason: Label | None = None

    @field_validator("value", mode="before")
    @classmethod
    def _in_halves(cls, value: Any) -> Any:
        """Read a number in steps of a half, ``"?"`` or ``"P"``; 2.0 is 2."""
        if value in (UNKNOWN, POTENTIAL):
            return value
        plain = not isinstance(value, bool) and isinstance(value, int | float)
        if not plain or abs(value) > STRONGEST or (2 * value) % 1:
            msg = (
                f"a judgement is a number from -{STRONGEST} to {STRONGEST} in steps of a half, "
                f"'{UNKNOWN}' for do not know, or '{POTENTIAL}' for what may come"
            )
            raise ValueError(msg)
        return int(value) if value % 1 == 0 else float(value)


Cells = dict[Id, dict[Id, Judgement]]
"""Source id → target id → judgement; a cell nobody filled is not there."""


class Outcome(Part):
    """What the touchpoints push in the end: a column of the matrix."""

    id: Id
    label: Label


OUTCOMES: Final = (
    Outcome(id="satisfaction", label="Satisfaction"),
    Outcome(id="effort", label="Ease for customers"),
    Outcome(id="retention", label="Retention"),
    Outcome(id="advocacy", label="Advocacy"),
)
"""Each is meant so that better is more of it; effort therefore counts as ease."""


class Factor(Part):
    """A touchpoint, and how much is at stake there for three outcomes, from 0 (nothing) to 5 (everything)."""

    id: Id
    label: Label
    satisfaction: float | None = Field(None, ge=0, le=MOST_AT_STAKE)
    retention: float | None = Field(None, ge=0, le=MOST_AT_STAKE)
    advocacy: float | None = Field(None, ge=0, le=MOST_AT_STAKE)

    def significance(self) -> float | None:
        """Return the mean of what is at stake, as a share of the most; None where nobody said."""
        said = [v for v in (getattr(self, s) for s in STAKES) if v is not None]
        return sum(said) / len(said) / MOST_AT_STAKE if said else None


class Rater(Part):
    """One person's matrix. Nobody else writes in it."""

    id: Id
    label: Label
    cells: Cells = Field(default_factory=dict)
    handed_in: bool = False
    """Whether the person has finished this round."""

    @field_validator("id")
    @classmethod
    def _is_a_person(cls, value: str) -> str:
        if value == CONSENSUS:
            msg = f"{CONSENSUS!r} is where agreed judgements stand; give the rater another id"
            raise ValueError(msg)
        return value


class Intervention(Plan):
    """Something that will be done about touchpoints, by whom, and how it is seen to work."""

    changes: dict[Id, float] = Field(default_factory=dict)
    """Touchpoint id → how much better it gets, from -1 (as bad as can be) to 1 (as good as can be)."""
    effort: float | None = Field(None, gt=0)
    """Person-days."""
    expected_effect: float | None = None
    """Change of the KPI, in its unit."""
    note: Label | None = None

    @field_validator("changes")
    @classmethod
    def _in_range(cls, value: dict[str, float]) -> dict[str, float]:
        strange = next((t for t, c in value.items() if not -1 <= c <= 1), None)
        if strange is not None:
            msg = f"the change of {strange!r} is {value[strange]}; -1 to 1 was needed"
            raise ValueError(msg)
        return value


class CrossImpact(Document):
    """How touchpoints act on each other and on outcomes: the row influences the column.

    Every rater has a matrix of their own. `consensus` holds what was agreed beside them; the originals stay.
    """

    kind: ClassVar[str] = "cross_impact"
    version: ClassVar[int] = 1

    label: Label = "Cross-impact"
    blind: bool = False
    """Whether a rating round is open in which everybody sees only their own judgements."""
    factors: tuple[Factor, ...] = ()
    outcomes: tuple[Outcome, ...] = OUTCOMES
    raters: tuple[Rater, ...] = ()
    consensus: Cells = Field(default_factory=dict)
    interventions: tuple[Intervention, ...] = ()

    @model_validator(mode="before")
    @classmethod
    def _cells_in_order(cls, data: Any) -> Any:
        """Put cells in the order of the names, so that equal matrices are equal text."""
        if not isinstance(data, Mapping):
            return data
        known = [
            (p.get("id") if isinstance(p, Mapping) else getattr(p, "id", None))
            for p in (*_listed(data, "factors", ()), *_listed(data, "outcomes", OUTCOMES))
        ]
        place = {name: i for i, name in reversed(list(enumerate(known)))}

        def ordered(cells: Any) -> Any:
            if not isinstance(cells, Mapping) or not all(
                isinstance(row, Mapping) for row in cells.values()
            ):
                return cells
            rows = {
                source: {t: row[t] for t in sorted(row, key=lambda t: place.get(t, len(place)))}
                for source, row in cells.items()
                if row
            }
            return {s: rows[s] for s in sorted(rows, key=lambda s: place.get(s, len(place)))}

        raters = [
            {**r, "cells": ordered(r["cells"])} if isinstance(r, Mapping) and "cells" in r else r
            for r in _listed(data, "raters", ())
        ]
        found = {**data, "raters": raters} if "raters" in data else dict(data)
        if "consensus" in data:
            found["consensus"] = ordered(data["consensus"])
        return found

    @model_validator(mode="after")
    def _shape(self) -> Self:
        names = [*(f.id for f in self.factors), *(o.id for o in self.outcomes)]
        refuse_doubles(
            factors_and_outcomes=names,
            raters=[r.id for r in self.raters],
            interventions=[i.id for i in self.interventions],
        )
        for who, cells in self._all_cells():
            for source, row in cells.items():
                strange = next((n for n in (source, *row) if n not in names), None)
                if strange is not None:
                    hint = did_you_mean(strange, names)
                    msg = f"{who}: {strange!r} is no factor and no outcome of this matrix. {hint}"
                    raise ValueError(msg)
                if source in row:
                    msg = f"{who}: {source!r} is judged to act on itself; the diagonal stays empty"
                    raise ValueError(msg)
        factors = {f.id for f in self.factors}
        for one in self.interventions:
            strange = next((t for t in one.changes if t not in factors), None)
            if strange is not None:
                msg = f"intervention {one.id!r} changes {strange!r}, which is no factor of this matrix"
                raise ValueError(msg)
        return self

    def _all_cells(self) -> Iterator[tuple[str, Cells]]:
        yield from ((r.label, r.cells) for r in self.raters)
        yield CONSENSUS, self.consensus

    # --- what analyses take -------------------------------------------------------------------

    @property
    def labels(self) -> dict[str, str]:
        """Id → label of factors and outcomes; the id beside it where two share a label."""
        parts: list[Factor | Outcome] = [*self.factors, *self.outcomes]
        known = [p.label.casefold() for p in parts]
        return {
            p.id: p.label if known.count(p.label.casefold()) == 1 else f"{p.label} ({p.id})"
            for p in parts
        }

    def rater(self, rater: str) -> Rater:
        """Return a rater by id; an unknown one is a `DocumentError` with near names."""
        found = next((r for r in self.raters if r.id == rater), None)
        if found is None:
            msg = f"There is no rater {rater!r}. {did_you_mean(rater, [r.id for r in self.raters])}"
            raise DocumentError(msg)
        return found

    def table(self, cells: Cells) -> pd.DataFrame:
        """Return cells as a table that every analysis takes: ids as names, None for a blank.

        Rows are the factors, and those outcomes that act back on something.
        """
        return self._framed(values_of(cells))

    def _framed(self, values: Mapping[tuple[str, str], float | str]) -> pd.DataFrame:
        back = [o.id for o in self.outcomes if any(c.get(o.id) for _w, c in self._all_cells())]
        rows = [*(f.id for f in self.factors), *back]
        columns = [*(f.id for f in self.factors), *(o.id for o in self.outcomes)]
        cells = [[values.get((r, c)) for c in columns] for r in rows]
        return pd.DataFrame(cells, rows, columns, dtype=object)

    def ratings(self) -> dict[str, pd.DataFrame]:
        """Return rater id → table, of everybody who judged something."""
        return {r.id: self.table(r.cells) for r in self.raters if r.cells}

    def outcome_ids(self) -> list[str]:
        """Return the ids of the outcomes, as the parameter ``outcomes`` of the analyses takes them."""
        return [o.id for o in self.outcomes]

    def judged(self) -> pd.DataFrame:
        """Return the matrix the analyses rest on: what was agreed, elsewhere the mean of the raters.

        A cell that everybody left blank or does not know is blank. "P" of all who judged stays "P"; of some,
        it counts as 0.
        """
        return self._framed(self.judged_values())

    def judged_values(self) -> dict[tuple[str, str], float | str]:
        """Return what `judged` holds, as (source id, target id) → value; blank cells are left out."""
        said: dict[tuple[str, str], list[float | str]] = {}
        for r in self.raters:
            for place, value in values_of(r.cells).items():
                if value != UNKNOWN:
                    said.setdefault(place, []).append(value)
        found: dict[tuple[str, str], float | str] = {}
        for place, values in said.items():
            numbers = [0.0 if v == POTENTIAL else float(v) for v in values]
            coming = all(v == POTENTIAL for v in values)
            found[place] = POTENTIAL if coming else sum(numbers) / len(numbers)
        agreed = values_of(self.consensus)
        return found | {place: value for place, value in agreed.items() if value != UNKNOWN}

    @classmethod
    def draft(cls, journey: Journey, *, label: str = "Cross-impact") -> Self:
        """Return an empty matrix with a factor for each touchpoint of a journey."""
        return cls(
            label=label, factors=tuple(Factor(id=t.id, label=t.label) for t in journey.touchpoints)
        )

    # --- text -----------------------------------------------------------------------------------

    def to_text(self) -> str:
        """Return the canonical CSV form: facts, then one line a judgement."""
        from journey_widgets.cross_impact.long_form import to_text

        return to_text(self)

    @classmethod
    def from_text(cls, text: str, *, where: str = "") -> Self:
        """Read the CSV form, or any list of judgements with columns source, target and value."""
        from journey_widgets.cross_impact.long_form import read

        return cls.from_body(read(text, where or f"{cls.kind}.csv"), where=where or cls.kind)

    @classmethod
    def from_csv(cls, path: str | Path) -> Self:
        """Read a file in the long CSV form (see `from_text`); for a square sheet see `from_square`."""
        path = Path(path)
        return cls.from_text(read_text(path), where=path.name)


def values_of(cells: Cells) -> dict[tuple[str, str], float | str]:
    """Return cells as (source id, target id) → value."""
    return {(s, t): j.value for s, row in cells.items() for t, j in row.items()}


def _listed(data: Mapping[str, Any], name: str, otherwise: Any) -> Any:
    found = data.get(name, otherwise)
    return found if isinstance(found, list | tuple) else ()
