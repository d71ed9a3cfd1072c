"""Support cases: one row a case from its log, and time while the business is open."""

import re
from datetime import date
from typing import Any

import ibis
import ibis.expr.types as ir
from ibis import _

from journey_widgets.errors import JourneyDataError
from journey_widgets.events.engine import collect
from journey_widgets.events.instants import micros
from journey_widgets.scorecard.recipes.recipe import UNKNOWN, Asked

TICKETS = "tickets"
HOUR, DAY = 3_600_000_000, 86_400_000_000
WEEK = 7 * DAY
MONDAY = 4 * DAY
"""Microseconds from 1970-01-01, a Thursday, to the first Monday."""
NAMES: dict[str, tuple[str, ...]] = {
    "opened": ("opened", "open", "new", "created"),
    "answered": ("answered", "replied", "first reply", "handled"),
    "solved": ("solved", "resolved", "closed"),
    "reopened": ("reopened", "reopen"),
    "escalated": ("escalated", "escalate"),
    "waiting": ("waiting", "pending", "awaiting user info", "waiting for customer"),
    "abandoned": ("abandoned",),
    "article": ("article", "article linked"),
}
"""Word → what logs usually call it; `words` says it where yours does not."""
PLACED = ("mark", "place", "passed", "after", "who", "about")
"""Columns that are worked out for the log; what a source keeps under such a name is not carried along."""
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


# --- cases -------------------------------------------------------------------------------------------


def cases(ask: Asked, *words: str) -> ir.Table:
    """Return one row a case.

    Columns: ``case_id``, ``unit`` (customer, or the case of nobody known), ``kind``, ``ts`` and ``opened`` (its first
    event, or the option opened_at), the columns to group by (as the case has them at its first event), ``hands``
    (changes of role, or of actor), and for each word ``first_``, ``last_`` (timestamp) and ``times_`` (int64).
    """
    for word in words:
        meaning(ask, word)  # says so where the log has no such word
    options = tuple(
        str(ask.options.get(o, "")) for o in ("opened_at", "solved_at", "flag", "count")
    )

    def made() -> ir.Table:
        return ask.shared.kept(_made(ask, [w for w in NAMES if knows(ask, w)]))

    found: ir.Table = ask.shared.once(("cases", ask.named, options), made)
    return found


def meaning(ask: Asked, word: str) -> tuple[str, ...]:
    """Return the activities a word means; a log that has none of them is an error."""
    return ask.word(word, _known(ask), NAMES[word])


def _known(ask: Asked) -> list[str]:
    found: list[str] = ask.shared.once("activities", lambda: _activities(ask))
    return found


def _activities(ask: Asked) -> list[str]:
    table = ask.table("activity")
    found = table.select(activity=table.activity.cast("string")).distinct().order_by("activity")
    return [str(a) for a in collect(found)["activity"] if a is not None]


def placed(ask: Asked) -> ir.Table:
    """Return the log with each event's place in its case, and whether the case changed hands there."""

    def made() -> ir.Table:
        table = ask.table("case_id", "ts", "activity", "actor")
        hand = table.actor.cast("string")
        if "role" in table.columns:
            hand = ibis.coalesce(table.role.cast("string"), hand)
        order = ["ts", *(["row"] if "row" in table.columns else [])]
        # Cases by a 64-bit mark of their id: two alike would be one in ten million logs of a million cases.
        marked = table.mutate(hand=hand, mark=table.case_id.cast("string").hash())
        path = ibis.window(group_by="mark", order_by=order)
        place = ibis.row_number().over(path)
        passed = (marked.hand != marked.hand.lag().over(path)).fill_null(False)
        # What only some KPIs need is carried along where it is there; the rest of the log stays where it is.
        spare = {"actor", "role", "row", "hand", "customer_id", "kind", *PLACED}
        wanted = [c for c in marked.columns if c not in spare]
        return ask.shared.kept(
            marked.select(
                "mark",
                *wanted,
                place=place,
                passed=passed,
                after=marked.ts.lead().over(path),
                who=_text(marked, "customer_id"),
                about=_text(marked, "kind"),
            )
        )

    found: ir.Table = ask.shared.once(("placed", ask.named), made)
    return found


def _text(table: ir.Table, column: str) -> ir.Value:
    """Return a column as text; blank where the log has none."""
    return table[column].cast("string") if column in table.columns else ibis.null("string")


def _made(ask: Asked, words: list[str]) -> ir.Table:
    log = placed(ask)
    nothing = ibis.null("timestamp")
    asked: dict[str, Any] = {}
    for word in words:
        meant = ask.looked_up(word, _known(ask), NAMES[word])
        here = log.activity.cast("string").isin(meant)
        asked |= {
            f"first_{word}": here.ifelse(log.ts, nothing).min(), f"last_{word}": here.ifelse(log.ts, nothing).max(),
            f"times_{word}": here.cast("int64").sum(),
        }  # fmt: skip
    for option, name in (("opened_at", "opened"), ("solved_at", "given_solved")):
        column = str(ask.options.get(option, ""))
        if column:
            asked[name] = _last(ask, log, column).cast("timestamp")
    if str(ask.options.get("flag", "")):
        asked["flag"] = _last(ask, log, str(ask.options["flag"])).cast("string").lower()
    if str(ask.options.get("count", "")):
        asked["count"] = _last(ask, log, str(ask.options["count"])).cast("int64")
    found = log.group_by("mark").agg(
        case_id=log.case_id.max(),
        ts=log.ts.min(), who=_.who.argmin(_.place), about=_.about.argmin(_.place), hands=log.passed.cast("int64").sum(),
        **{c: log[c].argmin(log.place) for c in ask.by}, **asked,
    )  # fmt: skip
    if "opened" in found.columns:
        found = found.mutate(ts=ibis.coalesce(found.opened, found.ts))
    if "given_solved" in found.columns:
        found = found.mutate(last_solved=found.given_solved, first_solved=found.given_solved)
    found = found.mutate(kind=found.about)
    known = ibis.coalesce(found.who, ibis.literal("case ") + found.case_id.cast("string"))
    return found.mutate(
        unit=known, cases=ibis.literal(1), **{c: found[c].fill_null(UNKNOWN) for c in ask.by}
    )


def _last(ask: Asked, log: ir.Table, column: str) -> ir.Value:
    """Return the last value of a kept column that is there."""
    if column not in log.columns:
        msg = f"{ask.kpi}: tickets lack column {column!r}; name it under keep: in sources.yaml."
        raise JourneyDataError(msg)
    return log[column].argmax(log.place)


# --- time --------------------------------------------------------------------------------------------


def hours_open(text: str) -> list[tuple[int, int]]:
    """Return the open stretches of a week, in microseconds from Monday's midnight.

    Examples
    --------
    >>> hours_open("Mon-Fri 09:00-17:00")[0]
    (32400000000, 61200000000)
    """
    found = re.fullmatch(r"\s*(\w{3})(?:-(\w{3}))?\s+(\d\d):(\d\d)-(\d\d):(\d\d)\s*", text)
    days = [d.casefold() for d in (found[1], found[2] or found[1])] if found else []
    if not found or any(d not in DAYS for d in days) or DAYS.index(days[0]) > DAYS.index(days[1]):
        msg = f"hours is {text!r}; something like 'Mon-Fri 09:00-17:00' was needed."
        raise JourneyDataError(msg)
    start, end = (int(found[a]) * HOUR + int(found[a + 1]) * HOUR // 60 for a in (3, 5))
    if not 0 <= start < end <= DAY:
        msg = f"hours is {text!r}; it must begin before it ends, within one day."
        raise JourneyDataError(msg)
    return [
        (d * DAY + start, d * DAY + end)
        for d in range(DAYS.index(days[0]), DAYS.index(days[1]) + 1)
    ]


def _open_until(ask: Asked, ts: ir.Value) -> ir.Value:
    """Return the business time from the beginning of the count to an instant, in microseconds."""
    stretches = hours_open(str(ask.options["hours"]))
    local = ask.calendar.local(micros(ts))
    week = (local - MONDAY) // WEEK
    within = (local - MONDAY) - week * WEEK
    open_ = week * sum(b - a for a, b in stretches)
    for a, b in stretches:
        open_ = open_ + ibis.least(ibis.greatest(within - a, 0), b - a)
    for day in _holidays(ask):
        begins = (day - date(1970, 1, 1)).days * DAY
        weekday = day.weekday()
        for a, b in stretches:
            if a // DAY == weekday:
                from_, to = begins + a % DAY, begins + a % DAY + (b - a)
                open_ = open_ - ibis.least(ibis.greatest(local - from_, 0), to - from_)
    return open_


def _holidays(ask: Asked) -> list[date]:
    try:
        return [
            date.fromisoformat(d.strip())
            for d in str(ask.options["holidays"]).split(",")
            if d.strip()
        ]
    except ValueError:
        msg = f"holidays is {ask.options['holidays']!r}; days such as 2026-12-25, 2026-12-26 were needed."
        raise JourneyDataError(msg) from None


def hours_between(ask: Asked, start: ir.Value, end: ir.Value) -> ir.Value:
    """Return the hours between two instants: on the calendar, or while the business is open."""
    if str(ask.options["hours"]):
        return (_open_until(ask, end) - _open_until(ask, start)) / HOUR
    return (micros(end) - micros(start)) / HOUR


def knows(ask: Asked, word: str) -> bool:
    """Return whether the log has a word, or somebody said what it means."""
    known = {a.casefold() for a in _known(ask)}
    return ask.has_word(word) or bool(known & {n.casefold() for n in NAMES[word]})
