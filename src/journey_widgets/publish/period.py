"""Periods as people write them: ``all``, ``2026-03``, ``2026-q2`` or ``2026-03-01..2026-05-31``."""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from journey_widgets.errors import ParameterError

ALL = "all"


@dataclass(frozen=True)
class Period:
    """Days from `first` to `last`, both within it; None where it has no end."""

    text: str
    first: date | None = None
    last: date | None = None

    @classmethod
    def read(cls, text: str) -> "Period":
        """Read a period; anything else is a `ParameterError`."""
        plain = text.strip().lower() or ALL
        if plain == ALL:
            return cls(ALL)
        try:
            return cls(plain, *_days(plain))
        except ValueError:
            msg = f"There is no period {text!r}. Write all, 2026-03, 2026-q2 or 2026-03-01..2026-05-31."
            raise ParameterError(msg) from None

    def instants(self, zone: str) -> tuple[datetime | None, datetime | None]:
        """Return the first instant and the first one after it (naive, UTC), days being those of a zone."""
        after = None if self.last is None else self.last + timedelta(days=1)
        return _midnight(self.first, zone), _midnight(after, zone)

    def in_words(self) -> str:
        """Return the period in words; blank for all."""
        if self.first is None or self.last is None:
            return ""
        return f"{self.first:%-d %B %Y} to {self.last:%-d %B %Y}"


def _midnight(day: date | None, zone: str) -> datetime | None:
    if day is None:
        return None
    local = datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone))
    return local.astimezone(UTC).replace(tzinfo=None)


def _days(text: str) -> tuple[date, date]:
    found = re.fullmatch(r"(\d{4})-(\d{2})", text)
    if found:
        year, month = int(found[1]), int(found[2])
        return date(year, month, 1), _month_end(year, month)
    found = re.fullmatch(r"(\d{4})-q([1-4])", text)
    if found:
        year, quarter = int(found[1]), int(found[2])
        return date(year, 3 * quarter - 2, 1), _month_end(year, 3 * quarter)
    first, dots, last = text.partition("..")
    if not dots:
        raise ValueError(text)
    days = date.fromisoformat(first.strip()), date.fromisoformat(last.strip())
    if days[1] < days[0]:
        raise ValueError(text)
    return days


def _month_end(year: int, month: int) -> date:
    following = date(year + month // 12, month % 12 + 1, 1)
    return following - timedelta(days=1)
