"""What a recipe of a KPI is, and what it may ask for: tables, groups, words, windows."""

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import ibis
import ibis.expr.types as ir
import pandas as pd
import pyarrow as pa
from ibis import _

from journey_widgets.errors import JourneyDataError, did_you_mean
from journey_widgets.events.calendar import Calendar
from journey_widgets.events.durations import microseconds
from journey_widgets.events.engine import collect, engine
from journey_widgets.events.instants import micros
from journey_widgets.events.paths import PathIndex, path_index
from journey_widgets.events.source import Source, table_of
from journey_widgets.journey.document import Journey

UNKNOWN = "not known"
"""Stands for a blank value of a column to group by."""
STAGE, TOUCHPOINT = "stage", "touchpoint"
Words = Mapping[str, Sequence[str]]


@dataclass(frozen=True)
class Recipe:
    """How a KPI is counted.

    Attributes
    ----------
    source
        Name of the contract (or document) it is counted in.
    rows
        From what was asked: one row a thing that is counted, with ``ts`` (or ``period``, its number), ``unit`` (the
        customer who is drawn again for an interval), the columns to group by, and the figures.
    figures
        Columns that are added up: the names of the catalogue's expression, the counted one first.
    base
        Formula of n.
    said
        What is counted, in words.
    also
        Other sources it needs.
    words
        What it looks for in the log: each is a word that `Asked.word` finds.
    options
        Option → its default; blank where none is needed, None where it must be given.
    window
        Option that says how long a row is waited for: rows that are not over yet are left out, and a period is open
        until its last row is over.
    cases
        Column with one value a row, whose median, percentile or mean the expression is.
    once
        Figures that count a unit once in a period.
    repeats
        A unit may have several rows in a period: intervals allow for their likeness.
    derived
        Figure of the expression → formula over the figures (and options).
    ends
        Least and most a mean can be.
    """

    source: str
    rows: Callable[["Asked"], ir.Table]
    figures: tuple[str, ...]
    base: str
    said: str
    also: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    options: Mapping[str, str | None] = field(default_factory=dict)
    window: str = ""
    cases: str = ""
    once: tuple[str, ...] = ()
    repeats: bool = False
    derived: Mapping[str, str] = field(default_factory=dict)
    ends: tuple[float, float] = (float("-inf"), float("inf"))


class Shared:
    """Tables that several KPIs of one asking are counted from: made once, dropped at the end."""

    def __init__(self) -> None:
        self._made: dict[Any, Any] = {}
        self._tables: list[str] = []

    def once(self, key: Any, make: Callable[[], Any]) -> Any:
        """Return what was made under a key; make it the first time."""
        if key not in self._made:
            self._made[key] = make()
        return self._made[key]

    def kept(self, table: ir.Table | pa.Table) -> ir.Table:
        """Work a table out and keep its rows until the end."""
        name = f"kpi_{uuid.uuid4().hex}"
        self._tables.append(name)
        return engine().create_table(name, table, temp=True)

    def drop(self, table: ir.Table) -> None:
        """Drop a kept table that nobody needs any more."""
        name = table.get_name()
        if name in self._tables:
            engine().drop_table(name, force=True)
            self._tables.remove(name)

    def close(self) -> None:
        """Drop the tables."""
        for name in self._tables:
            engine().drop_table(name, force=True)
        self._tables.clear()
        self._made.clear()


class Asked:
    """One KPI as it was asked for: what its recipe may use."""

    def __init__(
        self, kpi: str, recipe: Recipe, sources: Mapping[str, Any], by: tuple[str, ...], period: str, zone: str,
        until: datetime | None, words: Words, options: Mapping[str, Any], shared: Shared,
    ) -> None:  # fmt: skip
        self.kpi, self.recipe, self.sources, self.by, self.shared = kpi, recipe, sources, by, shared
        self.period_length, self.zone = period, zone
        self._words, self.used = words, dict[str, tuple[str, ...]]()
        self.options = {**recipe.options, **options}
        self._refuse(options)
        self.first, last = shared.once(("span", recipe.source), self._span)
        self.last = until or last
        self.calendar: Calendar = shared.once(
            ("calendar", recipe.source, period, zone), self._calendar
        )

    def _refuse(self, options: Mapping[str, Any]) -> None:
        for name in options:
            if name not in self.recipe.options:
                hint = did_you_mean(name, self.recipe.options)
                msg = f"{self.kpi} has no option {name!r}. {hint}"
                raise JourneyDataError(msg)
        for name, value in self.options.items():
            if value is None:
                msg = f"{self.kpi} needs the option {name!r}: {self.recipe.said}"
                raise JourneyDataError(msg)
        for source in (self.recipe.source, *self.recipe.also):
            if source not in self.sources:
                given = ", ".join(self.sources) or "none"
                hint = did_you_mean(source, self.sources)
                msg = f"{self.kpi} needs the source {source}; given are {given}. {hint}"
                raise JourneyDataError(msg)

    def _span(self) -> tuple[datetime | None, datetime | None]:
        given = self.sources[self.recipe.source]
        if self.recipe.source == "events":
            table = self.index.table
        elif isinstance(given, Source | ir.Table | pd.DataFrame):
            table = table_of(given, self.recipe.source)
        else:
            return None, None
        if "ts" not in table.columns:
            return None, None
        ends = collect(table.agg(first=_.ts.min(), last=_.ts.max())).iloc[0]
        if pd.isna(ends["first"]):
            return None, None
        return ends["first"].to_pydatetime(), ends["last"].to_pydatetime()

    def _calendar(self) -> Calendar | None:
        kind = "day" if self.period_length == "all" else self.period_length
        first = self.first or datetime(2000, 1, 1)  # noqa: DTZ001 - naive UTC
        return Calendar.over(kind, self.zone, first, max(self.last or first, first))

    # --- what recipes ask for -----------------------------------------------------------------

    def table(self, *needed: str, source: str = "") -> ir.Table:
        """Return a source with its columns to group by, as text."""
        name = source or self.recipe.source
        table = table_of(self.sources[name], name)
        if STAGE in self.by and STAGE not in table.columns:
            table = self._with_stage(table, name)
        table = table_of(table, name, *needed, *self.by)
        return table.mutate(**{c: table[c].cast("string").fill_null(UNKNOWN) for c in self.by})

    def _with_stage(self, table: ir.Table, name: str) -> ir.Table:
        column = "kind" if name == "tickets" else TOUCHPOINT
        table_of(table, name, column)
        given = self.sources[name]
        meant = given.mapping.touchpoints if isinstance(given, Source) else {}
        stage_of = {t.id: t.stage for t in self.journey.touchpoints}
        named = {**{k: stage_of[v] for k, v in meant.items() if v in stage_of}, **stage_of}
        return table.mutate(stage=table[column].cast("string").cases(*named.items(), else_=UNKNOWN))

    @property
    def journey(self) -> Journey:
        """The journey, where touchpoints, stages and the funnel are looked up."""
        found = self.sources.get("journey")
        if not isinstance(found, Journey):
            msg = f"{self.kpi} needs the journey: give it as sources['journey']."
            raise JourneyDataError(msg)
        return found

    @property
    def index(self) -> PathIndex:
        """The path index of the events."""
        found: PathIndex = self.shared.once("index", lambda: path_index(self.sources["events"]))
        return found

    def grouped(self, facts: ir.Table) -> ir.Table:
        """Add the columns to group by to rows of customers of the log: those of their first event."""
        if not self.by:
            return facts
        if any(c in facts.columns for c in self.by):
            return facts
        groups = self.shared.once(("groups", self.by), self._groups)
        return facts.join(groups, "customer")

    def _groups(self) -> ir.Table:
        first = self.index.table.filter(_.step == 1)
        columns = {}
        for c in self.by:
            if c == TOUCHPOINT:
                columns[c] = self._named(first.touchpoint, dict(enumerate(self.index.touchpoints)))
                continue
            if c not in self.index.attributes:
                self.index.attribute(c)  # says which there are
            columns[c] = first[f"at:{c}"].cast("string").fill_null(UNKNOWN)
        return self.shared.kept(first.select("customer", **columns))

    @staticmethod
    def _named(code: ir.Column, names: Mapping[int, str]) -> ir.Column:
        return code.cast("int32").cases(*names.items(), else_=UNKNOWN)

    def at(self, *words: str) -> ir.Table:
        """Return the events of words: ``customer``, ``unit``, ``step``, ``ts``, and one column a word (bool)."""
        codes = {w: self.codes(w) for w in words}
        every = sorted({c for many in codes.values() for c in many})
        table = self.index.table
        found = table.filter(table.touchpoint.isin(every))
        return found.select(
            "customer",
            "step",
            "ts",
            unit=found.customer,
            **{f"is_{w}": found.touchpoint.isin(many) for w, many in codes.items()},
        )

    def codes(self, word: str) -> tuple[int, ...]:
        """Return the codes of the touchpoints a word means."""
        known = {t.casefold(): i for i, t in enumerate(self.index.touchpoints)}
        meant = tuple(str(v) for v in self._words.get(word, (word,)))
        found = tuple(known[m.casefold()] for m in meant if m.casefold() in known)
        self._refuse_unknown(word, meant, found, list(self.index.touchpoints))
        self.used[word] = meant
        return found

    def word(self, name: str, known: Sequence[str], defaults: Sequence[str]) -> tuple[str, ...]:
        """Return what of the values known a word means: those given, or those of its usual names."""
        found = self.looked_up(name, known, defaults)
        self.used[name] = found
        return found

    def looked_up(
        self, name: str, known: Sequence[str], defaults: Sequence[str]
    ) -> tuple[str, ...]:
        """Return the same, without saying in the definition that it was used."""
        there = {k.casefold(): k for k in known}
        given = self._words.get(name)
        meant = tuple(str(v) for v in (given if given is not None else defaults))
        found = tuple(there[m.casefold()] for m in meant if m.casefold() in there)
        if given is not None or not found:
            self._refuse_unknown(name, meant, found, list(known))
        return found

    def _refuse_unknown(
        self, word: str, meant: tuple[str, ...], found: tuple[Any, ...], known: list[str]
    ) -> None:
        if len(found) == len(meant) and found:
            return
        listed = ", ".join(repr(k) for k in known[:12]) + (" …" if len(known) > 12 else "")
        msg = (
            f"{self.kpi} looks for {word!r}, meaning {', '.join(map(repr, meant)) or 'nothing'}; the log has {listed}. "
            f"Say which it is: words={{{word!r}: [...]}}."
        )
        raise JourneyDataError(msg)

    def has_word(self, name: str) -> bool:
        """Return whether somebody said what a word means."""
        return name in self._words

    def length(self, option: str) -> int:
        """Return an option that is a duration, in microseconds."""
        return microseconds(str(self.options[option]), name=f"{self.kpi}: {option}")

    def over(self, table: ir.Table, option: str = "") -> ir.Table:
        """Return the rows whose window is over."""
        if self.last is None:
            return table
        window = self.length(option or self.recipe.window)
        return table.filter(micros(table.ts) + window <= _micros_of(self.last))

    def number(self, ts: Any) -> Any:
        """Return the expression for the number of an instant's period."""
        return self.number_at(micros(ts))

    def number_at(self, moment: Any) -> Any:
        """Return the expression for the number of a moment's period, the moment being in microseconds."""
        return (
            ibis.literal(0, "int64")
            if self.period_length == "all"
            else self.calendar.number(moment)
        )


def _micros_of(moment: datetime) -> int:
    gap = moment - datetime(1970, 1, 1)  # noqa: DTZ001 - naive UTC
    return (gap.days * 86_400 + gap.seconds) * 1_000_000 + gap.microseconds
