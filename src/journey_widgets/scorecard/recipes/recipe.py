"""What a recipe of a KPI is, and what it may ask for: tables, groups, words, windows."""

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import ibis
import ibis.expr.types as ir
import pandas as pd
import pyarrow as pa
from ibis import _

from journey_widgets.errors import JourneyDataError, did_you_mean
from journey_widgets.events.calendar import Calendar
from journey_widgets.events.durations import microseconds
from journey_widgets.events.engine import OURS, collect, engine, engine_of, hold
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
        until its last row is over. Where it may be blank there is no limit, and every period stays open.
    cases
        Column with one value a row, whose median, percentile or mean the expression is.
    once
        Figures that count a unit once in a period.
    repeats
        A unit may have several rows in a period: intervals allow for their likeness.
    derived
        Figure of the expression → formula over the figures (and options).
    due
        Says of moments whether what happened then is over, where that is no matter of the calendar alone.
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
    due: Callable[["Asked", list[datetime]], list[bool]] | None = None
    ends: tuple[float, float] = (float("-inf"), float("inf"))


class Shared:
    """Tables that several KPIs of one asking are counted from: made once, dropped at the end.

    With `many`, several KPIs are asked for: the log is then put in order of touchpoints once, in place of a look
    through all of it for each of them.
    """

    def __init__(self, *, many: bool = False) -> None:
        self.many = many
        self._made: dict[Any, Any] = {}
        self._tables: list[str] = []

    def once(self, key: Any, make: Callable[[], Any]) -> Any:
        """Return what was made under a key; make it the first time."""
        if key not in self._made:
            self._made[key] = make()
        return self._made[key]

    def kept(self, table: ir.Table | pa.Table) -> ir.Table:
        """Work a table out where it lives and keep its rows until the end."""
        if isinstance(table, ir.Table) and engine_of(table) != OURS:
            return hold(table)
        name = f"kpi_{uuid.uuid4().hex}"
        self._tables.append(name)
        return engine().create_table(name, table, temp=True)

    def drop(self, table: ir.Table) -> None:
        """Drop a kept table that nobody needs any more."""
        name = table.get_name() if self._tables else ""
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
        self.kpi, self.recipe, self.sources, self.shared = kpi, recipe, sources, shared
        self.named = by
        self.by = tuple(f"by:{place}" for place in range(len(by)))
        """Columns to group by, under names that no source and no recipe uses."""
        self.period_length, self.zone = period, zone
        self._words, self.used = words, dict[str, tuple[str, ...]]()
        self.options = {**recipe.options, **options}
        self._refuse(options)
        spans = [
            shared.once(("span", s), partial(self._span, s)) for s in (recipe.source, *recipe.also)
        ]
        self.first = spans[0][0]
        lasts = [last for _first, last in spans if last is not None]
        self.last = until or (min(lasts) if lasts else None)
        """Up to when all the sources are complete."""
        self.calendar: Calendar = self._calendar([m for s in spans for m in s if m is not None])

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

    def _span(self, source: str) -> tuple[datetime | None, datetime | None]:
        given = self.sources[source]
        if source == "events":
            table = self.index.table
        elif isinstance(given, Source | ir.Table | pd.DataFrame):
            table = table_of(given, source)
        else:
            return None, None
        if "ts" not in table.columns:
            return None, None
        ends = collect(table.agg(first=_.ts.min(), last=_.ts.max())).iloc[0]
        if pd.isna(ends["first"]):
            return None, None
        return ends["first"].to_pydatetime(), ends["last"].to_pydatetime()

    def _calendar(self, moments: list[datetime]) -> Calendar:
        """Return the calendar of everything the recipe reads; of documents alone, of the day asked for."""
        kind = "day" if self.period_length == "all" else self.period_length
        known = [*moments, *([self.last] if self.last else [])] or [
            datetime.now(UTC).replace(tzinfo=None)
        ]
        return Calendar.over(kind, self.zone, min(known), max(known))

    # --- what recipes ask for -----------------------------------------------------------------

    def table(self, *needed: str, source: str = "") -> ir.Table:
        """Return a source with its columns to group by, as text."""
        name = source or self.recipe.source
        table = table_of(self.sources[name], name)
        if STAGE in self.named and STAGE not in table.columns:
            table = self._with_stage(table, name)
        table = table_of(table, name, *needed, *self.named)
        return table.mutate(
            **{b: _group(table[c]) for b, c in zip(self.by, self.named, strict=True)}
        )

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
        """Add the columns to group by to rows of customers of the log: those of their first event, as numbers."""
        if not self.by or self.by[0] in facts.columns:
            return facts
        return facts.join(self._groups[0], "customer")

    def group_names(self, column: str, numbers: pd.Series) -> pd.Series:
        """Return a column to group by as names; in the log groups are handled as numbers."""
        if not pd.api.types.is_integer_dtype(numbers.dtype):
            return numbers
        names = self._groups[1][column]
        return pd.Series([names[n] for n in numbers], index=numbers.index, dtype="object")

    @property
    def _groups(self) -> tuple[ir.Table, dict[str, list[str]]]:
        """Customers with the numbers of their groups, and the names of those numbers."""
        found: tuple[ir.Table, dict[str, list[str]]] = self.shared.once(
            ("groups", self.named), self._made_groups
        )
        return found

    def _made_groups(self) -> tuple[ir.Table, dict[str, list[str]]]:
        first = self.index.table.filter(_.step == 1)
        numbered = first.select("customer", **self._texts(first))
        names = {}
        for c in self.by:
            known = collect(numbered.select(name=numbered[c]).distinct().order_by("name"))["name"]
            names[c] = [str(k) for k in known]
            places = pa.array(range(len(known)), pa.int32())
            numbers = ibis.memtable(pa.table({"name": pa.array(names[c]), "number": places}))
            met = numbered.join(numbers, numbered[c] == numbers.name).drop("name", c)
            numbered = met.rename({c: "number"})
        return self.shared.kept(numbered), names

    def _texts(self, first: ir.Table) -> dict[str, ir.Value]:
        """Return the columns to group by as text, of first events."""
        columns = {}
        names = dict(enumerate(self.index.touchpoints))
        for place, c in zip(self.by, self.named, strict=True):
            if c in self.index.attributes:
                columns[place] = _group(first[f"at:{c}"])
            elif c in (TOUCHPOINT, STAGE):
                stage_of = (
                    {} if c == TOUCHPOINT else {t.id: t.stage for t in self.journey.touchpoints}
                )
                meant = {
                    i: t if c == TOUCHPOINT else stage_of.get(t, UNKNOWN) for i, t in names.items()
                }
                columns[place] = first.touchpoint.cast("int32").cases(*meant.items(), else_=UNKNOWN)
            else:
                self.index.attribute(c)  # says which there are
        return columns

    def at(self, *words: str) -> ir.Table:
        """Return the events of words: ``customer``, ``unit``, ``step``, ``ts``, the columns to group by, and for each
        word whether it is one (bool).
        """
        codes = {w: self.codes(w) for w in words}
        every = sorted({c for many in codes.values() for c in many})
        if self.shared.many:
            whole = self._all_events()
            found = whole.filter(whole.touchpoint.isin(every))
        else:
            parts = [self._events_of(code) for code in every]
            found = ibis.union(*parts) if len(parts) > 1 else parts[0]
        return found.select(
            "customer", "step", "ts", *self.by, unit=found.customer,
            **{f"is_{w}": found.touchpoint.isin(many) for w, many in codes.items()},
        )  # fmt: skip

    def _events_of(self, code: int) -> ir.Table:
        """Return the events of a touchpoint with the groups of their customers."""

        def made() -> ir.Table:
            table = self.index.table
            own = table.filter(table.touchpoint == code)
            return self.shared.kept(
                self.grouped(own.select("customer", "step", "ts", "touchpoint"))
            )

        found: ir.Table = self.shared.once(("events of", self.named, code), made)
        return found

    def _all_events(self) -> ir.Table:
        """Return all events with the groups of their customers, those of a touchpoint together."""

        def made() -> ir.Table:
            every = self.index.table.select("customer", "step", "ts", "touchpoint")
            return self.shared.kept(self.grouped(every).order_by("touchpoint"))

        found: ir.Table = self.shared.once(("events", self.named), made)
        return found

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

    def figure(self, option: str, *, least: float = float("-inf"), whole: bool = False) -> float:
        """Return an option that is a number, such as ``0.1`` or ``10%``; anything else is a `JourneyDataError`."""
        given = str(self.options[option]).strip()
        try:
            number = float(given.removesuffix("%")) / (100 if given.endswith("%") else 1)
        except ValueError:
            number = float("nan")
        if not number > least or (whole and number != int(number)):
            kind = "a whole number" if whole else "a number such as 0.1 or 10%"
            above = f" above {least:g}" if least > float("-inf") else ""
            msg = f"{self.kpi}: {option} is {given!r}; {kind}{above} was needed."
            raise JourneyDataError(msg)
        return number

    def over(self, table: ir.Table, option: str = "") -> ir.Table:
        """Return the rows whose window is over."""
        if self.last is None:
            return table
        window = self.length(option or self.recipe.window)
        return table.filter(micros(table.ts) + window <= micros(self.last))

    def still_waits(self, ends: list[datetime]) -> list[bool]:
        """Return for each end of a period whether what happened just before it may still be waiting."""
        last, window = self.last, self.recipe.window
        if last is None:
            return [False] * len(ends)
        if window and not str(self.options[window]):
            return [True] * len(ends)  # without a limit it may come at any time
        if self.recipe.due is not None and window:
            return [not done for done in self.recipe.due(self, ends)]
        wait = timedelta(microseconds=self.length(window)) if window else timedelta(0)
        return [end + wait > last for end in ends]

    def number(self, ts: Any) -> Any:
        """Return the expression for the number of an instant's period."""
        return self.number_at(micros(ts))

    def number_of(self, moment: datetime) -> int:
        """Return the number of the period of an instant that is known."""
        return 0 if self.period_length == "all" else self.calendar.number_of(moment)

    def number_at(self, moment: Any) -> Any:
        """Return the expression for the number of a moment's period, the moment being in microseconds."""
        return (
            ibis.literal(0, "int64")
            if self.period_length == "all"
            else self.calendar.number(moment)
        )


def _group(column: ir.Column) -> ir.Column:
    """Return a column as the name of a group."""
    return column.cast("string").fill_null(UNKNOWN)
