"""A log by days: what happened to whom on which day, as what compares days wants it."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from ibis import _

from journey_widgets.errors import JourneyDataError, did_you_mean
from journey_widgets.events.calendar import Calendar
from journey_widgets.events.durations import microseconds
from journey_widgets.events.engine import collect
from journey_widgets.events.instants import micros
from journey_widgets.events.paths import PathIndex, path_index

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
    index
        What it was made of; None where it was not made of a log. It knows the customers' ids.
    """

    customer: Ints
    day: Ints
    touchpoint: Ints
    times: Ints
    names: tuple[str, ...]
    last: int
    begins: pd.Timestamp = EPOCH
    index: PathIndex | None = None

    def ids(self) -> dict[int, str]:
        """Return customer by number; the number itself where nobody knows the id."""
        if self.index is None:
            return {int(c): str(c) for c in np.unique(self.customer)}
        people = _people(self.index)
        numbers = people["number"] if self.index.there is None else range(len(people))
        return dict(zip(numbers, people["id"], strict=True))


def _people(index: PathIndex) -> pd.DataFrame:
    """Return the customers in order of id: ``number``, ``id``."""
    first = index.table.filter(index.table.step == 1)
    found = collect(first.select(number=first.customer, id=first.customer_id.cast("string")))
    found = found.astype({"number": "int64", "id": "str"})
    return found.sort_values(["id", "number"], ignore_index=True)


def _in_order_of_id(index: PathIndex, customer: Ints) -> Ints:
    """Return numbers of a warehouse as places in order of id: there, who came when a log grew comes after the others.

    What draws customers by their numbers so draws the same ones, wherever they live and whenever they came.
    """
    number = _people(index)["number"].to_numpy()
    place = np.argsort(number)
    found: Ints = place[np.searchsorted(number[place], customer)]
    return found


def days_of(log: Any, *, zone: str = "UTC") -> Days:
    """Return what happened on which day of the zone's clock."""
    index = log if isinstance(log, PathIndex) else path_index(log)
    table, every = index.table, index.stored
    # Customers of a segment are watched as long as everybody is.
    first, last = (v.to_pyarrow().as_py() for v in (every.ts.min(), every.ts.max()))
    if first is None or index.customers() == 0:
        msg = "The log has no events of these customers: there is nothing to look at."
        raise JourneyDataError(msg)
    first, last = pd.Timestamp(first), pd.Timestamp(last)
    calendar = Calendar.over("day", zone, first.to_pydatetime(), last.to_pydatetime())
    each = table.mutate(day=calendar.number(micros(table.ts)))
    found = (
        each.group_by("customer", "day", "touchpoint")
        .agg(times=_.count())
        .order_by("customer", "day", "touchpoint")
    )
    columns = found.to_pyarrow()
    customer, day, touchpoint, times = (
        columns.column(c).to_numpy().astype(np.int64)
        for c in ("customer", "day", "touchpoint", "times")
    )
    if index.there is not None:
        customer = _in_order_of_id(index, customer)
        turn = np.lexsort((touchpoint, day, customer))
        customer, day, touchpoint, times = (c[turn] for c in (customer, day, touchpoint, times))
    begin, end = (calendar.number_of(v.to_pydatetime()) for v in (first, last))
    return Days(
        customer, day - begin, touchpoint, times, tuple(index.touchpoints), end - begin,
        pd.Timestamp(0) + pd.Timedelta(days=begin), index,
    )  # fmt: skip


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
