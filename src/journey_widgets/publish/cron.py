"""Times as cron writes them: what is allowed, and the trigger of the scheduler library that keeps them."""

import re
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from pydantic import AfterValidator

from journey_widgets.errors import InfrastructureError

WEEKDAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
FIELDS = (("minute", 0, 59), ("hour", 0, 23), ("day", 1, 31), ("month", 1, 12), ("weekday", 0, 7))
TICK = timedelta(seconds=1)
_ITEM = re.compile(r"^(?:(\*)|([a-z0-9]+)(?:-([a-z0-9]+))?)(?:/(\d+))?$")


def _checked(text: str) -> str:
    fields(text)
    return text


Cron = Annotated[str, AfterValidator(_checked)]
"""Five fields: minute, hour, day of the month, month, day of the week (0 and 7 are Sunday), with ``*``, lists, ranges
and steps."""


def fields(text: str) -> dict[str, list[int]]:
    """Return the values each field allows; what cannot be is a ValueError.

    Examples
    --------
    >>> fields("*/30 6 * * mon-fri")["minute"], fields("0 6 * * 5-7")["weekday"]
    ([0, 30], [0, 5, 6])
    """
    parts = text.lower().split()
    if len(parts) != len(FIELDS):
        msg = f"{text!r} has {len(parts)} fields; five were needed, such as 0 6 * * mon: minute hour day month weekday"
        raise ValueError(msg)
    return {
        name: _values(part, name, least, most)
        for part, (name, least, most) in zip(parts, FIELDS, strict=True)
    }


def _values(part: str, name: str, least: int, most: int) -> list[int]:
    found: set[int] = set()
    for item in part.split(","):
        match = _ITEM.match(item)
        if not match:
            msg = f"{item!r} is no {name}; numbers, names, *, a-b and /n can be"
            raise ValueError(msg)
        star, first, last, step = match.groups()
        begin = least if star else _number(first, name, least, most)
        end = (
            most - (name == "weekday")
            if star
            else _number(last, name, least, most)
            if last
            else begin
        )
        if step and not star and not last:
            end = most
        if end < begin or step == "0":
            msg = f"{item!r} is no {name}: a range goes upwards, and a step is 1 or more"
            raise ValueError(msg)
        found.update(range(begin, end + 1, int(step or 1)))
    return sorted({v % 7 for v in found} if name == "weekday" else found)


def _number(text: str, name: str, least: int, most: int) -> int:
    names = {"weekday": WEEKDAYS, "month": MONTHS}.get(name, ())
    number = names.index(text) + least if text in names else int(text) if text.isdigit() else -1
    if not least <= number <= most:
        msg = f"{text!r} is no {name} from {least} to {most}"
        raise ValueError(msg)
    return number


def trigger(text: str, zone: str) -> Any:
    """Return the trigger of APScheduler for a time; without the library an `InfrastructureError`.

    Weekdays are handed on by name: the library counts them from Monday, cron from Sunday.
    """
    try:
        from apscheduler.triggers.base import BaseTrigger
        from apscheduler.triggers.combining import OrTrigger
        from apscheduler.triggers.cron import CronTrigger
    except ImportError:
        msg = "A schedule needs the library APScheduler: pip install 'journey-widgets[schedule]'."
        raise InfrastructureError(msg) from None
    every = fields(text)
    day, weekday = text.split()[2], text.split()[4]
    given = {n: ",".join(map(str, every[n])) for n in ("minute", "hour", "month")}
    days = {
        "day": ",".join(map(str, every["day"])),
        "day_of_week": ",".join(WEEKDAYS[d] for d in every["weekday"]),
    }
    at = ZoneInfo(zone)
    if day != "*" and weekday != "*":  # as cron reads it: on either
        when = OrTrigger([CronTrigger(**given, **{n: v}, timezone=at) for n, v in days.items()])
    else:
        when = CronTrigger(**given, **days, timezone=at)

    class Once(BaseTrigger):  # type: ignore[misc]
        """A time of the clock that comes twice, when it is set back, is the first of both."""

        def get_next_fire_time(
            self, previous_fire_time: datetime | None, now: datetime
        ) -> datetime | None:
            after = max(now, previous_fire_time + TICK) if previous_fire_time else now
            while True:
                found: datetime | None = when.get_next_fire_time(None, after.astimezone(UTC))
                if found is None or not found.fold:
                    return found
                after = found.astimezone(UTC) + TICK

    return Once()
