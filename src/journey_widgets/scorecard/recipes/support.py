"""KPIs counted in support cases: how long, how often again, through how many hands."""

from datetime import datetime, timedelta

import ibis
import ibis.expr.types as ir
from ibis import _

from journey_widgets.errors import JourneyDataError
from journey_widgets.events.engine import collect
from journey_widgets.events.instants import micros
from journey_widgets.events.source import table_of
from journey_widgets.scorecard.recipes.cases import (
    HOUR,
    TICKETS,
    cases,
    hours_between,
    knows,
    meaning,
    placed,
    told,
)
from journey_widgets.scorecard.recipes.recipe import Asked, Recipe

DAY = 86_400_000_000


# --- rows --------------------------------------------------------------------------------------------


def _answered(ask: Asked) -> ir.Table:
    found = cases(ask, "answered").filter(_.first_answered.notnull())
    hours = hours_between(ask, found.ts, found.first_answered)
    return found.select("unit", "cases", *ask.by, ts=found.first_answered, hours=hours)


def _solved_cases(ask: Asked) -> ir.Table:
    words = () if str(ask.options.get("solved_at", "")) else ("solved",)
    return cases(ask, *words).filter(_.last_solved.notnull())


def _solved(ask: Asked) -> ir.Table:
    found = _solved_cases(ask)
    return found.select(
        "unit",
        "cases",
        *ask.by,
        ts=found.last_solved,
        hours=hours_between(ask, found.ts, found.last_solved),
    )


def _waiting(ask: Asked) -> ir.Table:
    """Return solved cases: the time until solved, less the time they waited for the customer."""
    found = cases(ask, "solved").filter(_.last_solved.notnull())
    log = placed(ask)
    meant = meaning(ask, "waiting")
    idle = log.filter(told(log, meant) & log.after.notnull())
    idle = idle.mutate(hours=hours_between(ask, idle.ts, idle.after))
    idle = idle.group_by("mark").agg(idle=_.hours.sum())
    both = found.left_join(idle, "mark")
    waited = hours_between(ask, both.ts, both.last_solved) - both.idle.fill_null(0.0)
    return both.select(
        "unit", "cases", *ask.by, ts=both.last_solved, waiting=ibis.greatest(waited, 0.0)
    )


def _in_time(ask: Asked) -> ir.Table:
    """Return cases whose target has come due: by a column that says it, or by the time to the first answer or end."""
    if str(ask.options["flag"]):
        found = cases(ask).filter(_.flag.notnull())
        met = found.flag.isin(["true", "t", "1", "yes", "y", "met"])
        return found.select("ts", "unit", *ask.by, met=met.cast("int32"), due=ibis.literal(1))
    what = str(ask.options["until"])
    if what not in ("answered", "solved"):
        msg = f"{ask.kpi}: until is {what!r}; 'answered' or 'solved' was needed."
        raise JourneyDataError(msg)
    found, target = cases(ask, what), ask.length("target") / HOUR
    if ask.last is not None:
        found = found.filter(hours_between(ask, found.ts, ask.last) >= target)
    hours = hours_between(ask, found.ts, found[f"first_{what}"])
    met = (hours <= target).fill_null(False).cast("int32")
    return found.select("ts", "unit", *ask.by, met=met, due=ibis.literal(1))


def _due(ask: Asked, moments: list[datetime]) -> list[bool]:
    """Return whether the target of a case opened at each moment has come due when the data end."""
    if str(ask.options["flag"]):
        return [m <= ask.last for m in moments] if ask.last else [True] * len(moments)
    asked = ibis.memtable(
        {"place": list(range(len(moments))), "at": moments},
        schema={"place": "int64", "at": "timestamp"},
    )
    waited = hours_between(ask, asked["at"], ask.last)
    found = collect(
        asked.select("place", due=waited >= ask.length("target") / HOUR).order_by("place")
    )
    return [bool(d) for d in found["due"]]


def _first_contact(ask: Asked) -> ir.Table:
    """Return cases whose window is over: solved in one pair of hands, not reopened, no other of the kind in it."""
    path = ibis.window(group_by=["unit", "kind"], order_by=["ts", "mark"])
    both = ask.over(cases(ask, "solved").mutate(next_ts=_.ts.lead().over(path)))
    repeated = (micros(both.next_ts) - micros(both.ts) <= ask.length("within")).fill_null(False)
    once: ir.Value = ibis.literal(True)
    if knows(ask, "reopened"):
        meaning(ask, "reopened")  # it is part of what is counted
        once = both.first_reopened.isnull()
    first = both.first_solved.notnull() & (both.hands <= _hands(ask)) & once & ~repeated
    names = [v.strip() for v in str(ask.options.get("unresolvable", "")).split(",") if v.strip()]
    cannot = both.kind.isin(names).fill_null(False) if names else ibis.literal(False)
    return both.select(
        "ts", "unit", *ask.by, resolved_first=(first & ~cannot).cast("int32"), contacts=ibis.literal(1),
        unresolvable=cannot.cast("int32"),
    )  # fmt: skip


def _hands(ask: Asked) -> int:
    return int(str(ask.options["hands"]))


def _reopened(ask: Asked) -> ir.Table:
    """Return cases solved for the first time whose window is over, and whether they were opened again in it."""
    if str(ask.options["count"]):
        found = cases(ask, "solved").filter(_.first_solved.notnull())
        again = (found["count"] > 0).fill_null(False)
        return found.select(
            "unit",
            *ask.by,
            ts=found.first_solved,
            reopened=again.cast("int32"),
            solved=ibis.literal(1),
        )
    found = cases(ask, "solved", "reopened").filter(_.first_solved.notnull())
    found = ask.over(found.mutate(ts=found.first_solved))
    soon = micros(found.first_reopened) - micros(found.first_solved) <= ask.length("within")
    again = soon.fill_null(False).cast("int32")
    return found.select("ts", "unit", *ask.by, reopened=again, solved=ibis.literal(1))


def _escalated(ask: Asked) -> ir.Table:
    found = cases(ask, "escalated")
    up = (found.times_escalated > 0).cast("int32")
    return found.select("ts", "unit", *ask.by, escalated=up, tickets=ibis.literal(1))


def _handed(ask: Asked) -> ir.Table:
    found = cases(ask, "solved").filter(_.last_solved.notnull())
    return found.select(
        "unit", *ask.by, ts=found.last_solved, handoffs=found.hands, tickets=ibis.literal(1)
    )


def _linked(ask: Asked) -> ir.Table:
    found = cases(ask, "solved", "article").filter(_.last_solved.notnull())
    linked = (found.times_article > 0).cast("int32")
    return found.select(
        "unit", *ask.by, ts=found.last_solved, linked=linked, solved=ibis.literal(1)
    )


def _backlog(ask: Asked) -> ir.Table:
    """Return cases open at the end of each period, with their age then, in days: by the last word on each so far."""
    if ask.first is None or ask.last is None or ask.period_length == "all":
        msg = f"{ask.kpi} is counted at the end of periods: a day, a week or a month."
        raise JourneyDataError(msg)
    calendar = ask.calendar
    first, last = (calendar.number_of(m) for m in (ask.first, ask.last))
    now = ask.last + timedelta(microseconds=1)
    over = [min(calendar.begins_utc(n + 1), now) for n in range(first, last + 1)]
    periods = ibis.memtable(
        {"period": list(range(first, last + 1)), "at": over},
        schema={"period": "int64", "at": "timestamp"},
    )
    found = cases(ask, "solved")
    spans = _stretches(ask)
    # Where the clock goes back over midnight, a later instant may be in an earlier period.
    back = int(calendar.goes_back())
    begins = ask.number(spans.since) - back
    ends = ibis.ifelse(spans.until.isnull(), last + 1, ask.number(spans.until) + back)
    each = spans.mutate(period=ibis.range(begins, ends)).filter(_.period.length() > 0)
    each = each.unnest("period").join(periods, "period")
    each = each.filter(
        (each.since < each["at"]) & (each.until.isnull() | (each.until > each["at"]))
    )
    still = each.join(found.select("mark", "unit", "cases", *ask.by, opened="ts"), "mark")
    return still.select(
        "period",
        "unit",
        "cases",
        *ask.by,
        days=(micros(still["at"]) - micros(still.opened)).cast("float64") / DAY,
    )


def _stretches(ask: Asked) -> ir.Table:
    """Return from when to when cases were open: ``mark``, ``since``, ``until`` (null where a case is open still)."""
    log = placed(ask)
    solved = told(log, meaning(ask, "solved"))
    again = told(log, meaning(ask, "reopened")) if knows(ask, "reopened") else ibis.literal(False)
    turns = log.mutate(open=~solved).filter((log.place == 0) | solved | again)
    path = ibis.window(group_by="mark", order_by="place")
    turned = turns.mutate(before=turns.open.lag().over(path))
    turned = turned.filter(turned.before.isnull() | (turned.before != turned.open))
    spans = turned.mutate(until=turned.ts.lead().over(path))
    return spans.filter(spans.open).select("mark", "until", since="ts")


def _contacts(ask: Asked) -> ir.Table:
    return _per_order(ask, "contacts", None)


def _complaints(ask: Asked) -> ir.Table:
    names = [v.strip() for v in str(ask.options["kinds"]).split(",") if v.strip()]
    return _per_order(ask, "complaints", names)


def _per_order(ask: Asked, figure: str, kinds: list[str] | None) -> ir.Table:
    """Return cases, and orders, each in its own period."""
    found = cases(ask)
    if kinds is not None:
        found = found.filter(found.kind.isin(kinds))
    zero, one = ibis.literal(0, "int64"), ibis.literal(1, "int64")
    lines = ask.table("ts", "order_id", "quantity", source="order_lines").filter(_.quantity > 0)
    orders = lines.group_by("order_id", *ask.by).agg(ts=_.ts.min())
    columns = ["ts", *ask.by]
    return found.select(*columns, **{figure: one, "orders": zero}).union(
        orders.select(*columns, **{figure: zero, "orders": one})
    )


def _calls(ask: Asked) -> ir.Table:
    """Return contacts, and whether they were answered within the seconds asked for."""
    found = cases(ask, "answered")
    quick = micros(found.first_answered) - micros(found.ts) <= ask.length("seconds")
    within = quick.fill_null(False).cast("int32")
    return found.select("ts", "unit", *ask.by, within=within, offered=ibis.literal(1))


def _given_up(ask: Asked) -> ir.Table:
    """Return contacts, and whether they were abandoned."""
    found = cases(ask, "abandoned")
    left = (found.times_abandoned > 0).cast("int32")
    return found.select("ts", "unit", *ask.by, abandoned=left, offered=ibis.literal(1))


def _self_served(ask: Asked) -> ir.Table:
    """Return visits to self-help whose window is over, and whether no case of the customer was opened in it."""
    at = ask.at("self_help")
    names = ask.index.table.filter(_.step == 1).select("customer", who=_.customer_id.cast("string"))
    visits = at.select("customer", "unit", "ts", "step", *ask.by).join(names, "customer")
    if str(ask.options["stays"]):
        gaps = ask.index.table.select("customer", "step", "gap")
        visits = ask.over(visits.join(gaps, ["customer", "step"]), "stays")
    visits = ask.over(visits)
    opened = (
        _bare(ask)
        .group_by("case_id")
        .agg(opened=_.ts.min(), who=_.customer_id.cast("string").max())
    )
    opened = opened.filter(opened.who.notnull()).select("who", "opened")
    near = visits.join(opened, "who").filter(
        (micros(_.opened) >= micros(_.ts))
        & (micros(_.opened) - micros(_.ts) <= ask.length("within"))
    )
    near = near.select("customer", "step").distinct().mutate(asked=ibis.literal(1))
    both = visits.left_join(near, ["customer", "step"])
    helped = both.asked.isnull()
    if str(ask.options["stays"]):
        helped = helped & _came_back(ask, both)
    return both.select(
        "ts",
        "unit",
        *ask.by,
        no_ticket=helped.cast("int32"),
        help_sessions=ibis.literal(1),
    )


def _served(ask: Asked, moments: list[datetime]) -> list[bool]:
    """Return whether it is known of a visit at each moment what came of it."""
    waits = [ask.length(o) for o in ("within", "stays") if str(ask.options[o])]
    wait = timedelta(microseconds=max(waits))
    return [ask.last is None or m + wait <= ask.last for m in moments]


def _came_back(ask: Asked, visits: ir.Table) -> ir.BooleanValue:
    """Return whether the customer did anything else within the option stays."""
    return (visits.gap <= ask.length("stays")).fill_null(False)


def _bare(ask: Asked) -> ir.Table:
    """Return the support log without groups: it is the other source that has them."""
    return table_of(ask.sources[TICKETS], TICKETS, "case_id", "ts", "customer_id")


def _closed_loops(ask: Asked) -> ir.Table:
    """Return unhappy answers whose window is over, and whether a case of the customer had an event in it."""
    answers = ask.table("ts", "respondent_id", "score", "scale", "customer_id")
    low = str(ask.options["scale"])
    unhappy = answers.filter(
        (answers.scale == low) & (answers.score <= float(str(ask.options["unhappy"])))
    )
    unhappy = ask.over(unhappy.mutate(who=unhappy.customer_id.cast("string")))
    touched = _bare(ask).select(who=_.customer_id.cast("string"), at=_.ts)
    near = unhappy.filter(unhappy.who.notnull()).join(touched, "who")
    near = near.filter(
        (micros(near["at"]) >= micros(near.ts))
        & (micros(near["at"]) - micros(near.ts) <= ask.length("within"))
    )
    near = near.select("respondent_id", "ts").distinct().mutate(asked=ibis.literal(1))
    both = unhappy.left_join(near, ["respondent_id", "ts"])
    return both.select(
        "ts",
        *ask.by,
        unit=both.respondent_id,
        contacted=both.asked.fill_null(0).cast("int32"),
        unhappy=ibis.literal(1),
    )


# --- the table -----------------------------------------------------------------------------------------

CLOCK: dict[str, str | None] = {"hours": "", "holidays": ""}
ENDS: dict[str, str | None] = {"opened_at": "", "solved_at": ""}
OPENED = "Cases at their first event (or at the time in the column of the option opened_at, where it is there)"
WHEN = "in the period they were solved in"
BUSINESS = (
    "Option hours, such as Mon-Fri 09:00-17:00, counts business time; holidays are days left out."
)


RECIPES: dict[str, Recipe] = {
    "first_response_time": Recipe(
        TICKETS, _answered, ("cases",), "cases",
        "Cases in the period they were first answered in: from the first event (option opened_at) until then. "
        f"{BUSINESS}",
        words=("answered",),
        options={**CLOCK, "opened_at": ""}, cases="hours",
    ),
    "resolution_time": Recipe(
        TICKETS, _solved, ("cases",), "cases",
        f"Cases {WHEN} last: from the first event (option opened_at) to the last solved (option solved_at). {BUSINESS}",
        words=("solved",), options={**CLOCK, **ENDS}, cases="hours",
    ),
    "resolution_p90": Recipe(
        TICKETS, _solved, ("cases",), "cases", f"Cases {WHEN} last, as for the resolution time. {BUSINESS}",
        words=("solved",), options={**CLOCK, **ENDS}, cases="hours",
    ),
    "requester_wait": Recipe(
        TICKETS, _waiting, ("cases",), "cases",
        f"Cases {WHEN} last: the time until then, less the time after events waiting (for the customer). {BUSINESS}",
        words=("solved", "waiting"), options=CLOCK, cases="waiting",
    ),
    "sla_attainment": Recipe(
        TICKETS, _in_time, ("met", "due"), "due",
        f"{OPENED}: met where a kept column (option flag) says so at the end, or where the case was answered or solved "
        f"(option until) within the target; those not due yet are left out. {BUSINESS}",
        options={**CLOCK, "flag": "", "until": "answered", "target": "24h", "opened_at": ""}, window="target",
        due=_due, repeats=True,
    ),
    "fcr_gross": Recipe(
        TICKETS, _first_contact, ("resolved_first", "contacts"), "contacts",
        f"{OPENED} whose window is over: solved with at most as many hand-overs as the option hands, never reopened, "
        "and no other case of the customer on the same kind within the window.",
        words=("solved",), options={"within": "7d", "hands": "0"}, window="within", repeats=True,
    ),
    "fcr_net": Recipe(
        TICKETS, _first_contact, ("resolved_first", "contacts", "unresolvable"), "contacts-unresolvable",
        "As first-contact resolution, gross; option unresolvable: kinds that cannot be solved at first contact.",
        words=("solved",), options={"within": "7d", "hands": "0", "unresolvable": ""}, window="within", repeats=True,
    ),
    "reopen_rate": Recipe(
        TICKETS, _reopened, ("reopened", "solved"), "solved",
        "Cases in the period they were first solved in whose window is over, and those reopened in it (or ever, where "
        "a kept column, option count, says how often).", words=("solved", "reopened"),
        options={"within": "30d", "count": ""}, window="within", repeats=True,
    ),
    "escalation_rate": Recipe(
        TICKETS, _escalated, ("escalated", "tickets"), "tickets", f"{OPENED}: any event escalated.",
        words=("escalated",), repeats=True,
    ),
    "handoffs_per_case": Recipe(
        TICKETS, _handed, ("handoffs", "tickets"), "tickets",
        f"Cases {WHEN} last: events at which the role (or, without one, the actor) is another than before.",
        words=("solved",), repeats=True,
    ),
    "knowledge_reuse": Recipe(
        TICKETS, _linked, ("linked", "solved"), "solved", f"Cases {WHEN} last: any event article.",
        words=("solved", "article"), repeats=True,
    ),
    "backlog_age": Recipe(
        TICKETS, _backlog, ("cases",), "cases",
        "Cases open at the end of a period (or at the last event), and their age then.",
        words=("solved",), cases="days",
    ),
    "contact_rate": Recipe(
        TICKETS, _contacts, ("contacts", "orders"), "orders", f"{OPENED}, of the orders of the same period.",
        also=("order_lines",),
    ),
    "complaint_rate": Recipe(
        TICKETS, _complaints, ("complaints", "orders"), "orders",
        f"{OPENED}, of the kinds in the option kinds; of the orders of the same period.", also=("order_lines",),
        options={"kinds": None},
    ),
    "service_level": Recipe(
        TICKETS, _calls, ("within", "offered"), "offered", f"{OPENED}: answered within the option seconds.",
        words=("answered",), options={"seconds": "20s"}, repeats=True,
    ),
    "contact_abandonment": Recipe(
        TICKETS, _given_up, ("abandoned", "offered"), "offered", f"{OPENED}: any event abandoned.",
        words=("abandoned",), repeats=True,
    ),
    "self_service_rate": Recipe(
        "events", _self_served, ("no_ticket", "help_sessions"), "help_sessions",
        "Events self_help whose window is over, with no case of the customer opened in it; with the option stays, such "
        "as 90d, only those after which the customer did something else in that time: gone is not served.",
        also=(TICKETS,), words=("self_help",), options={"within": "7d", "stays": ""}, window="within", due=_served,
        repeats=True,
    ),
    "closed_loop_rate": Recipe(
        "answers", _closed_loops, ("contacted", "unhappy"), "unhappy",
        "Answers on the option scale of at most the option unhappy, whose window is over; contacted: any event in a "
        "case of the customer in it.", also=(TICKETS,), options={"within": "3d", "scale": "0-10", "unhappy": "6"},
        window="within",
    ),
}  # fmt: skip
