"""Support cases: one row a case from its log, and time while the business is open."""

import re
from datetime import date, datetime
from typing import Any

import ibis
import ibis.expr.types as ir

from journey_widgets.errors import JourneyDataError
from journey_widgets.events.case_names import NAMES
from journey_widgets.events.engine import collect
from journey_widgets.events.instants import micros
from journey_widgets.events.source import Source, table_of
from journey_widgets.scorecard.recipes.recipe import UNKNOWN, Asked

TICKETS = "tickets"
HOUR, DAY = 3_600_000_000, 86_400_000_000
WEEK = 7 * DAY
MONDAY = 4 * DAY
"""Microseconds from 1970-01-01, a Thursday, to the first Monday."""
COUNTED = {
    "answered": ("first",), "solved": ("first", "last"), "reopened": ("first",), "escalated": ("times",),
    "article": ("times",), "abandoned": ("times",),
}  # fmt: skip
"""Word → what is kept of it for each case: when it came first and last, how often."""
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
    """Return the log with each event's place in its case, in numbers alone: what it says stays where it is.

    Columns: ``mark`` (of the case), ``row`` (of the log), ``ts``, ``act`` (of the activity: see `told`), ``place``
    (0 for the first), ``passed`` (whether the case changed hands there), ``after`` (when the next event came).
    """

    def made() -> ir.Table:
        table = _rows(ask)
        hand = table.actor.cast("string")
        if "role" in table.columns:
            hand = ibis.coalesce(table.role.cast("string"), hand)
        # Cases by a 64-bit mark of their id: two alike would be one in ten million logs of a million cases.
        narrow = table.select(
            "row", "ts", mark=table.case_id.cast("string").hash(), act=table.activity.cast("string").hash(),
            hand=hand.notnull().ifelse(hand.hash(), ibis.null("int64")),
        )  # fmt: skip
        path = ibis.window(group_by="mark", order_by=["ts", "row"])
        # A hand that nobody knows is no other hand.
        passed = (narrow.hand != narrow.hand.lag().over(path)).fill_null(False)
        return ask.shared.kept(
            narrow.select(
                "mark", "row", "ts", "act", place=ibis.row_number().over(path).cast("int32"), passed=passed,
                after=narrow.ts.lead().over(path),
            )
        )  # fmt: skip

    found: ir.Table = ask.shared.once("placed", made)
    return found


def told(log: ir.Table, meant: tuple[str, ...]) -> ir.BooleanValue:
    """Return whether the activity of a row of `placed` is one of those meant."""
    acts = [ibis.literal(m).hash() for m in meant]
    return log.act.isin(acts).fill_null(False) if acts else ibis.literal(False)


def _rows(ask: Asked) -> ir.Table:
    """Return the support log, each of its rows with a number of its own."""
    given = ask.sources[TICKETS]
    if not isinstance(given, Source):
        # What a table of one's own calls row may be anything: it is kept as the order of ties, and numbered anew.
        def made() -> ir.Table:
            table = table_of(given, TICKETS)
            turn = ["row"] if "row" in table.columns else []
            number = ibis.row_number().over(order_by=turn) if turn else ibis.row_number()
            return ask.shared.kept(table.mutate(row=number))

        ask.sources = {**ask.sources, TICKETS: ask.shared.once("numbered", made)}
    return ask.table("case_id", "ts", "activity", "actor")


def _text(table: ir.Table, column: str) -> ir.Value:
    """Return a column as text; blank where the log has none."""
    return table[column].cast("string") if column in table.columns else ibis.null("string")


def _made(ask: Asked, words: list[str]) -> ir.Table:
    log, table = placed(ask), _rows(ask)
    nothing = ibis.null("timestamp")
    asked: dict[str, Any] = {}
    for word in words:
        here = told(log, ask.looked_up(word, _known(ask), NAMES[word]))
        moment = here.ifelse(log.ts, nothing)
        ways = {"first": moment.min(), "last": moment.max(), "times": here.cast("int32").sum()}
        asked |= {f"{way}_{word}": ways[way] for way in COUNTED.get(word, ())}
    found = log.group_by("mark").agg(
        ts=log.ts.min(), hands=log.passed.cast("int32").sum(), begins=log.row.argmin(log.place),
        ends=log.row.argmax(log.place), **asked,
    )  # fmt: skip
    # What a case is about is said at its first event, what a kept column says of it at its last.
    first = table.select(
        "row", case_id=table.case_id.cast("string"), who=_text(table, "customer_id"), kind=_text(table, "kind"),
        **{c: table[c] for c in ask.by},
    )  # fmt: skip
    found = found.join(first, found.begins == first.row).drop("row")
    kept = _last_columns(ask, table)
    if kept:
        last = table.select("row", **kept)
        found = found.join(last, found.ends == last.row).drop("row")
    if "opened" in found.columns:
        found = found.mutate(ts=ibis.coalesce(found.opened, found.ts))
    if "given_solved" in found.columns:
        found = found.mutate(last_solved=found.given_solved, first_solved=found.given_solved)
    known = ibis.coalesce(found.who, ibis.literal("case ") + found.case_id)
    return found.drop("begins", "ends").mutate(
        unit=known, cases=ibis.literal(1), **{c: found[c].fill_null(UNKNOWN) for c in ask.by}
    )


def _last_columns(ask: Asked, table: ir.Table) -> dict[str, ir.Value]:
    """Return the kept columns that options name, under the names recipes use."""
    found: dict[str, ir.Value] = {}
    for option, name in (
        ("opened_at", "opened"),
        ("solved_at", "given_solved"),
        ("flag", "flag"),
        ("count", "count"),
    ):
        column = str(ask.options.get(option, ""))
        if not column:
            continue
        if column not in table.columns:
            msg = f"{ask.kpi}: tickets lack column {column!r}; name it under keep: in sources.yaml."
            raise JourneyDataError(msg)
        value = table[column]
        found[name] = (
            value.cast("string").lower() if name == "flag"
            else value.cast("int64") if name == "count"
            else value.cast("timestamp")
        )  # fmt: skip
    return found


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


def _open_until(ask: Asked, ts: ir.Value | datetime) -> ir.Value:
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


def hours_between(ask: Asked, start: ir.Value, end: ir.Value | datetime) -> ir.Value:
    """Return the hours between two instants: on the calendar, or while the business is open."""
    if str(ask.options["hours"]):
        return (_open_until(ask, end) - _open_until(ask, start)).cast("float64") / HOUR
    return (micros(end) - micros(start)).cast("float64") / HOUR


def knows(ask: Asked, word: str) -> bool:
    """Return whether the log has a word, or somebody said what it means."""
    known = {a.casefold() for a in _known(ask)}
    return ask.has_word(word) or bool(known & {n.casefold() for n in NAMES[word]})
