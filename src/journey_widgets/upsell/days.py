"""A log by days: what happened to whom on which day, as what compares days wants it."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any

import ibis.expr.types as ir
import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from ibis import _

from journey_widgets.errors import JourneyDataError, did_you_mean
from journey_widgets.events.calendar import Calendar
from journey_widgets.events.durations import microseconds
from journey_widgets.events.engine import OURS, collect, engine_of, hold
from journey_widgets.events.instants import micros
from journey_widgets.events.paths import PathIndex, path_index
from journey_widgets.events.shuffle import lot
from journey_widgets.upsell.drawing import MOST_ROWS, Drawn, Stratum, drawn_of, some_of

Ints = npt.NDArray[np.int64]
DAY, EPOCH = 86_400_000_000, pd.Timestamp(0)


@dataclass(frozen=True)
class Days:
    """What happened on which day: one row a customer, day and touchpoint, by customer and day.

    Attributes
    ----------
    customer, day, touchpoint
        Numbers; days count from the first one.
    times
        How often on that day.
    names
        Touchpoints by number.
    last
        The last day.
    begins
        The first day.
    known
        Ids by number; None where numbers are those of `index`.
    index
        What it was made of; None where that gave the ids, or where it was not made of a log.
    drawn
        How customers were drawn; None where everybody is there.
    """

    customer: Ints
    day: Ints
    touchpoint: Ints
    times: Ints
    names: tuple[str, ...]
    last: int
    begins: pd.Timestamp = EPOCH
    known: tuple[str, ...] | None = None
    index: PathIndex | None = None
    drawn: Drawn | None = None

    def ids(self) -> dict[int, str]:
        """Return customer by number; the number itself where nobody knows the id."""
        if self.known is not None:
            return dict(enumerate(self.known))
        if self.index is None:
            return {int(c): str(c) for c in np.unique(self.customer)}
        first = self.index.table.filter(self.index.table.step == 1)
        people = collect(first.select(number=first.customer, id=first.customer_id.cast("string")))
        return dict(zip(people["number"].astype(int), people["id"].astype(str), strict=True))

    def alike(self) -> "Days":
        """Return it with those customers alone who would be there if all had been drawn alike."""
        if self.drawn is None or self.drawn.alike.all():
            return self
        found = self.only(self.drawn.alike[self.customer])
        many = len(np.unique(found.customer))
        drawn = Drawn(
            np.full_like(self.drawn.weight, self.drawn.everybody / max(many, 1)), np.ones_like(self.drawn.alike),
            self.drawn.everybody, f"{many:,} of {self.drawn.everybody:,} customers drawn by chance",
        )  # fmt: skip
        return replace(found, drawn=drawn)

    def only(self, own: npt.NDArray[np.bool_]) -> "Days":
        """Return it with some of its rows."""
        kept = {c: getattr(self, c)[own] for c in ("customer", "day", "touchpoint", "times")}
        return replace(self, **kept)

    @property
    def said(self) -> str:
        """Who was drawn, in words; blank where everybody is there."""
        return f"; {self.drawn.said}" if self.drawn else ""


def days_of(
    log: Any, *, zone: str = "UTC", outcome: str | Collection[str] = (), most: float = MOST_ROWS,
    names: Sequence[str] = (),
) -> Days:  # fmt: skip
    """Return what happened on which day of the zone's clock.

    Parameters
    ----------
    log
        Event log, its path index, or an Ibis table with ``customer_id``, ``ts`` and ``event``, which may live in a
        warehouse.
    outcome
        Touchpoints that few customers have and that matter: where not everybody can be looked at, customers with one
        of them are drawn more often than others.
    most
        Rows that are brought here: of a log that has more, customers are drawn by chance, always the same ones (by the
        MD5 of their ids). All where it is infinite.
    names
        Of a table, the touchpoints by number, where it may lack some; those that are in it by default.
    """
    happened = _happened(log, names)
    first, last = (v.to_pyarrow().as_py() for v in (happened.every.min(), happened.every.max()))
    many = int(happened.rows.count().to_pyarrow().as_py()) if first is not None else 0
    if not many:
        msg = "The log has no events of these customers: there is nothing to look at."
        raise JourneyDataError(msg)
    first, last = pd.Timestamp(first), pd.Timestamp(last)
    calendar = Calendar.over("day", zone, first.to_pydatetime(), last.to_pydatetime())
    each = happened.rows.mutate(day=calendar.number(micros(happened.rows.ts)))
    keys = ["who", *(["lot"] if many > most else []), "day", "what"]
    found = each.group_by(keys).agg(times=_.count())
    known = happened.names
    outcome = [outcome] if isinstance(outcome, str) else outcome
    rare = [i for i, n in enumerate(known) if n in outcome]
    strata: list[Stratum] = []
    if many > most:
        found, strata = some_of(hold(found), [happened.what(i) for i in rare], most)
    columns = found.order_by("who", "day", "what").to_pyarrow()
    customer, ids = _numbered(columns["who"])
    touchpoint = happened.codes(columns["what"])
    day, times = (columns[c].to_numpy().astype(np.int64) for c in ("day", "times"))
    drawn = None
    if strata:
        lots, is_rare = columns["lot"].to_numpy(), np.isin(touchpoint, rare)
        drawn = drawn_of(customer, lots, is_rare, strata, [known[i] for i in rare])
    if engine_of(found) != OURS:  # others order texts by other rules
        turn = np.lexsort((touchpoint, day, customer))
        customer, day, touchpoint, times = (c[turn] for c in (customer, day, touchpoint, times))
    begin, end = (calendar.number_of(v.to_pydatetime()) for v in (first, last))
    return Days(
        customer, day - begin, touchpoint, times, known, end - begin, pd.Timestamp(0) + pd.Timedelta(days=begin),
        ids, happened.index, drawn,
    )  # fmt: skip


@dataclass(frozen=True)
class _Happened:
    """What happened to whom: rows with ``who`` (number or id), ``lot``, ``ts`` and ``what`` (code or name)."""

    rows: ir.Table
    every: ir.Column
    """Instants of everybody: customers of a segment are watched as long as all are."""
    names: tuple[str, ...]
    coded: bool
    index: PathIndex | None = None

    def what(self, code: int) -> int | str:
        """Return a touchpoint as it stands in the rows."""
        return code if self.coded else self.names[code]

    def codes(self, column: pa.ChunkedArray) -> Ints:
        """Return the touchpoints of rows by number."""
        if not self.coded:
            column = pc.index_in(column, pa.array(self.names, pa.string()))
        return np.asarray(column.to_numpy(), np.int64)


def _happened(log: Any, names: Sequence[str]) -> _Happened:
    if isinstance(log, ir.Table) and _is_plain(log):
        known = log.filter(log.customer_id.notnull(), log.ts.notnull(), log.event.notnull())
        names = names or sorted(collect(known.select("event").distinct())["event"])
        rows = known.select(
            who=known.customer_id, lot=lot(known.customer_id), ts=known.ts, what=known.event
        )
        return _Happened(rows, rows.ts, tuple(names), coded=False)
    index = log if isinstance(log, PathIndex) else path_index(log)
    table, here = index.table, index.there is None
    # In a warehouse who came when a log grew has a number after the others: there ids say who somebody is.
    rows = table.select(
        who=table.customer if here else table.customer_id.cast("string"), lot=table.lot, ts=table.ts,
        what=table.touchpoint,
    )  # fmt: skip
    return _Happened(
        rows, index.stored.ts, tuple(index.touchpoints), coded=True, index=index if here else None
    )


def _is_plain(table: ir.Table) -> bool:
    """Return whether a table is as `signals.signals` returns it: nothing is left to be read."""
    types = dict(table.schema().items())
    return (
        all(n in types and types[n].is_string() for n in ("customer_id", "event"))
        and "ts" in types
        and types["ts"].is_timestamp()
        and types["ts"].timezone is None
    )


def _numbered(who: pa.ChunkedArray) -> tuple[Ints, tuple[str, ...] | None]:
    """Return customers by number, in order of id, and the ids; the numbers as they are where they have one."""
    if pa.types.is_integer(who.type):
        return np.asarray(who.to_numpy(), np.int64), None
    coded = pc.dictionary_encode(who.cast(pa.large_string()).combine_chunks())
    order = pc.array_sort_indices(coded.dictionary).to_numpy()
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(len(order))
    ids = tuple(coded.dictionary.take(pa.array(order)).to_pylist())
    return place[coded.indices.to_numpy()], ids


def rising(days: Days, customer: Ints, day: Ints) -> Ints:
    """Return one rising number for customer and day, with room for windows on both sides."""
    found: Ints = customer * (4 * days.last + 1_000) + day + days.last + 400
    return found


def times_before(
    days: Days, own: npt.NDArray[np.bool_], customer: Ints, day: Ints, length: int
) -> Ints:
    """Return how often some of the rows happened to customers in so many days before each day, the day left out."""
    keys = rising(days, days.customer[own], days.day[own])
    sums = np.concatenate([[0], np.cumsum(days.times[own])])
    low = np.searchsorted(keys, rising(days, customer, day - length), side="left")
    high = np.searchsorted(keys, rising(days, customer, day - 1), side="right")
    found: Ints = sums[high] - sums[low]
    return found


def whole_days(text: str, name: str, *, least: int = 0) -> int:
    """Return a duration that is whole days, `least` of them or more; `name` says in the error what it was given for."""
    length = microseconds(text, name=name)
    if length < least * DAY or length % DAY:
        msg = f"{name} is {text!r}; whole days such as '7d' were needed."
        raise JourneyDataError(msg)
    return length // DAY


def earlier(moment: pd.Timestamp, length: str, zone: str) -> pd.Timestamp:
    """Return the instant (UTC, without a zone) so long before another one; whole days are days of the zone's clock.

    Examples
    --------
    >>> earlier(pd.Timestamp("2026-03-30T22:00"), "7d", "Europe/Rome")
    Timestamp('2026-03-23 23:00:00')
    """
    span = microseconds(length)
    if span % DAY:
        return moment - pd.Timedelta(microseconds=span)
    local = moment.tz_localize("UTC").tz_convert(zone) - pd.DateOffset(days=span // DAY)
    return local.tz_convert("UTC").tz_localize(None)


def codes_of(days: Days, names: str | Collection[str], what: str) -> list[int]:
    """Return the numbers of touchpoints; `what` says in the error where an unknown one was named."""
    names = [names] if isinstance(names, str) else names
    known = {n: i for i, n in enumerate(days.names)}
    for name in names:
        if name not in known:
            msg = f"{what} names {name!r}, which the log lacks. {did_you_mean(name, known)}"
            raise JourneyDataError(msg)
    return [known[n] for n in names]
