"""Calendar periods in a time zone: which day, week or month an instant lies in, as one number."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache
from itertools import pairwise
from typing import Any, Literal, get_args
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import ibis.expr.types as ir

from journey_widgets.errors import JourneyDataError, did_you_mean
from journey_widgets.events.instants import from_micros

Period = Literal["day", "week", "month"]
_MONDAY = 4
"""Days from 1970-01-01, a Thursday, to the first Monday."""
_SECOND = 1_000_000
_DAY = 86_400 * _SECOND


@dataclass(frozen=True)
class Calendar:
    """Periods of one kind in one time zone, numbered without gaps.

    ``changes`` are the instants (microseconds since 1970, UTC) from which an offset of the zone
    holds, and the offset in microseconds; the first holds from the beginning of time.
    """

    period: Period
    zone: ZoneInfo
    changes: tuple[tuple[int, int], ...]

    @classmethod
    def over(cls, period: str, zone: str, first: datetime, last: datetime) -> "Calendar":
        """Return the calendar for instants from `first` to `last` (naive, UTC)."""
        if period not in get_args(Period):
            hint = did_you_mean(period, get_args(Period))
            msg = f"There is no period {period!r}. {hint}"
            raise JourneyDataError(msg)
        try:
            found = ZoneInfo(zone)
        except (ZoneInfoNotFoundError, ValueError):
            msg = f"There is no time zone {zone!r}; one like Europe/Rome was needed."
            raise JourneyDataError(msg) from None
        kind: Period = next(k for k in get_args(Period) if k == period)
        return cls(kind, found, _changes(found, first, last))

    def local(self, micros: ir.IntegerValue) -> ir.IntegerValue:
        """Return the expression for what the zone's clock shows at an instant, in microseconds."""
        offset: Any = self.changes[0][1]
        for since, shift in self.changes[1:]:
            offset = (micros >= since).ifelse(shift, offset)
        return micros + offset

    def number(self, micros: ir.IntegerValue) -> ir.IntegerValue:
        """Return the expression that gives the number of an instant's period."""
        local = self.local(micros)
        if self.period == "month":
            moment = from_micros(local)
            return (moment.year().cast("int64") * 12 + moment.month() - 1).cast("int64")
        day = (local // _DAY).cast("int64")
        return day if self.period == "day" else ((day - _MONDAY + 7_000_000) // 7).cast("int64")

    def goes_back(self) -> bool:
        """Return whether the clock goes back over midnight, so that a later instant is in an earlier day."""
        for (_before, old), (since, new) in pairwise(self.changes):
            if new < old and (since + old - 1) // _DAY != (since + new) // _DAY:
                return True
        return False

    def number_of(self, moment: datetime) -> int:
        """Return the number of the period of an instant (naive, UTC)."""
        return self.number_on(moment.replace(tzinfo=UTC).astimezone(self.zone).date())

    def number_on(self, day: date) -> int:
        """Return the number of the period a local day lies in."""
        if self.period == "month":
            return day.year * 12 + day.month - 1
        number = (day - date(1970, 1, 1)).days
        return number if self.period == "day" else (number - _MONDAY + 7_000_000) // 7

    def begins(self, number: int) -> datetime:
        """Return the local midnight a period begins with, naive."""
        if self.period == "month":
            return datetime(number // 12, number % 12 + 1, 1)  # noqa: DTZ001 - local by meaning
        day = number if self.period == "day" else (number - 1_000_000) * 7 + _MONDAY
        return datetime(1970, 1, 1) + timedelta(days=day)  # noqa: DTZ001 - local by meaning

    def begins_utc(self, number: int) -> datetime:
        """Return the instant a period begins at, naive, UTC."""
        local = self.begins(number).replace(tzinfo=self.zone)
        return local.astimezone(UTC).replace(tzinfo=None)


@cache
def _changes(zone: ZoneInfo, first: datetime, last: datetime) -> tuple[tuple[int, int], ...]:
    """Return when the zone's offset changes between two instants, by halving."""

    def offset(at: datetime) -> int:
        shift = at.replace(tzinfo=UTC).astimezone(zone).utcoffset() or timedelta()
        return int(shift.total_seconds()) * _SECOND

    epoch = datetime(1970, 1, 1)  # noqa: DTZ001 - naive UTC
    begin = first - timedelta(days=1)
    found = [(round((begin - epoch).total_seconds()) * _SECOND, offset(begin))]
    day = begin
    while day < last:
        after = day + timedelta(days=1)
        if offset(after) != offset(day):
            low, high = day, after
            while high - low > timedelta(seconds=1):
                middle = low + (high - low) / 2
                low, high = (middle, high) if offset(middle) == offset(day) else (low, middle)
            instant = round((high - epoch).total_seconds())
            found.append((instant * _SECOND, offset(after)))
        day = after
    return tuple(found)
