"""KPIs counted in the event log: visits, who reached what, how long it took."""

from collections.abc import Callable, Mapping

import ibis
import ibis.expr.types as ir
from ibis import _

from journey_widgets.events.instants import from_micros, micros
from journey_widgets.scorecard.recipes.recipe import Asked, Recipe

EVENTS = "events"
HOUR, DAY = 3_600_000_000, 86_400_000_000
Rows = Callable[[Asked], ir.Table]


# --- who was there -------------------------------------------------------------------------------


def days(ask: Asked) -> ir.Table:
    """Return on which days who was there: ``customer``, ``day`` (a number), ``period``, one row each."""

    def made() -> ir.Table:
        table = ask.index.table
        day = ask.calendar.local(micros(table.ts)) // DAY
        later = ask.calendar.local(micros(table.ts) + table.gap) // DAY
        # Of a customer's events on a day the last one stands for all of them.
        last = table.mutate(day=day).filter(table.gap.isnull() | (later != day))
        found = last.select("customer", "day", period=ask.number(last.ts))
        return ask.shared.kept(found.distinct() if ask.calendar.goes_back() else found)

    found: ir.Table = ask.shared.once("days", made)
    return found


def active(ask: Asked) -> ir.Table:
    """Return who was there in which period: ``customer``, ``unit``, ``period``, their groups, one row each."""

    def made() -> ir.Table:
        seen = days(ask).select("customer", "period").distinct()
        return ask.shared.kept(ask.grouped(seen.mutate(unit=_.customer)))

    found: ir.Table = ask.shared.once(("active", ask.named), made)
    return found


def _visitors(ask: Asked) -> ir.Table:
    return active(ask).mutate(n_visitors=ibis.literal(1))


def _of_visitors(word: str, did: str, base: str) -> Rows:
    """Return who was there in a period, and whether the word happened to them in it."""

    def rows(ask: Asked) -> ir.Table:
        at = ask.at(word)
        there = at.select("customer", period=ask.number(at.ts)).distinct()
        there = there.mutate(did=ibis.literal(1))
        both = active(ask).left_join(there, ["customer", "period"])
        return both.select(
            "customer", "unit", "period", *ask.by,
            **{did: both.did.fill_null(0).cast("int32"), base: ibis.literal(1)},
        )  # fmt: skip

    return rows


def _sticky(ask: Asked) -> ir.Table:
    """Return who was there in a period: days with a visit, as a share of the period's days so far."""
    seen = days(ask)
    whole = seen.select("period", "day").distinct().group_by("period").agg(length=_.count())
    each = seen.group_by("customer", "period").agg(days=_.count())
    both = each.join(whole, "period")
    return ask.grouped(
        both.select(
            "customer",
            "period",
            unit=both.customer,
            dau=both.days.cast("float64") / both.length,
            mau=ibis.literal(1),
        )
    )


# --- sessions --------------------------------------------------------------------------------------


def _sessions(ask: Asked) -> ir.Table:
    """Return sessions at their first event; engaged is one with at least the option's number of events."""

    def made() -> ir.Table:
        table, limit = ask.index.table, ask.length("timeout")
        ends = table.filter(table.gap.isnull() | (table.gap > limit))
        # A session begins where the one before it ended, after the gap; the first at the first event.
        after = from_micros(micros(ends.ts) + ends.gap)
        path = ibis.window(group_by="customer", order_by="step")
        cut = ends.select(
            "customer", "step", begins=after.lag().over(path), before=ends.step.lag().over(path)
        )
        first = table.filter(table.step == 1).select("customer", first="ts")
        both = cut.join(first, "customer")
        return ask.shared.kept(
            both.select(
                "customer", ts=ibis.coalesce(both.begins, both["first"]),
                events=both.step.cast("int64") - both.before.cast("int64").fill_null(0),
            )
        )  # fmt: skip

    found = ask.shared.once(("sessions", ask.options["timeout"]), made)
    enough = int(str(ask.options["events"]))
    return ask.grouped(
        found.select(
            "customer", "ts", unit=found.customer, n_sessions=ibis.literal(1), sessions=ibis.literal(1),
            engaged=(found.events >= enough).cast("int32"),
        )
    )  # fmt: skip


# --- what happened, and what came after ------------------------------------------------------------


def _counted(word: str, figure: str) -> Rows:
    """Return the events of a word."""

    def rows(ask: Asked) -> ir.Table:
        at = ask.at(word)
        return at.select("customer", "ts", "unit", *ask.by, **{figure: ibis.literal(1)})

    return rows


def _share_of_events(word: str, of: str, counted: str, base: str) -> Rows:
    """Return the events of two words: how many of one there are beside the other."""

    def rows(ask: Asked) -> ir.Table:
        at = ask.at(word, of)
        return at.select(
            "customer", "ts", "unit", *ask.by,
            **{counted: at[f"is_{word}"].cast("int32"), base: at[f"is_{of}"].cast("int32")},
        )  # fmt: skip

    return rows


def _after(ask: Asked, word: str, then: str, *, next_only: bool = False) -> ir.Table:
    """Return the events of a word with the first event of another after it: ``then`` (timestamp or null).

    With `next_only` it must come before the word comes again, so that one event is never what followed two.
    """
    at = ask.at(word, then)
    hit = at[f"is_{then}"].ifelse(at.ts, ibis.null("timestamp"))
    if next_only:
        own = ibis.window(group_by="customer", order_by="step")
        both = at.mutate(then=hit.lead().over(own))
    else:
        later = ibis.window(group_by="customer", order_by="step", rows=(1, None))
        both = at.mutate(then=hit.min().over(later))
    return both.filter(both[f"is_{word}"]).select("customer", "unit", "step", "ts", "then", *ask.by)


def came_within(ask: Asked, found: ir.Table) -> ir.IntegerColumn:
    """Return 1 for rows whose ``then`` comes within the window, 0 for others."""
    soon = micros(found.then) - micros(found.ts) <= ask.length("within")
    return soon.fill_null(False).cast("int32")


def _reached(word: str, then: str, did: str, base: str, *, first: bool = False) -> Rows:
    """Return the events of a word whose window is over, and whether another came in it, before the word came again.

    With `first`, only each customer's first event of the word, and whether the other came at any time in the window.
    """

    def rows(ask: Asked) -> ir.Table:
        found = _after(ask, word, then, next_only=not first)
        if first:
            own = ibis.window(group_by="customer", order_by="step")
            found = found.mutate(place=ibis.row_number().over(own)).filter(_.place == 0)
        found = ask.over(found)
        return found.select(
            "customer",
            "ts",
            "unit",
            *ask.by,
            **{did: came_within(ask, found), base: ibis.literal(1)},
        )

    return rows


def _preceded(word: str, by: str, did: str, base: str) -> Rows:
    """Return the events of a word, and whether another came before them, as long before as the window says."""

    def rows(ask: Asked) -> ir.Table:
        at = ask.at(word, by)
        earlier = ibis.window(group_by="customer", order_by="step", rows=(None, -1))
        last = at[f"is_{by}"].ifelse(at.ts, ibis.null("timestamp")).max().over(earlier)
        both = at.mutate(last=last).filter(_[f"is_{word}"])
        soon = (micros(both.ts) - micros(both["last"]) <= ask.length("within")).fill_null(False)
        return both.select(
            "customer", "ts", "unit", *ask.by, **{did: soon.cast("int32"), base: ibis.literal(1)}
        )

    return rows


def _waited(word: str, then: str, unit: int, column: str) -> Rows:
    """Return the time from a word to another, in the period it came in; of the first where the word comes again."""

    def rows(ask: Asked) -> ir.Table:
        found = _after(ask, word, then).filter(_.then.notnull())
        # Of several before the same end the first one counts: that is when the wait began.
        found = found.group_by("customer", "unit", "then", *ask.by).agg(ts=_.ts.min())
        waited = (micros(found.then) - micros(found.ts)).cast("float64") / unit
        return found.select(
            "customer", "unit", *ask.by, ts=found.then, cases=ibis.literal(1), **{column: waited}
        )

    return rows


def _activated(ask: Asked) -> ir.Table:
    """Return new customers at their first event, and whether they came to the value event within the window."""
    index = ask.index
    first = ask.over(index.table.filter(_.step == 1).select("customer", "ts"))
    at = ask.at("value").group_by("customer").agg(then=_.ts.min())
    both = first.left_join(at, "customer").select("customer", "ts", "then", unit="customer")
    return ask.grouped(
        both.select("customer", "ts", "unit", activated=came_within(ask, both), new=ibis.literal(1))
    )


def _offers(ask: Asked) -> ir.Table:
    at = ask.at("offer")
    return at.select(
        "customer", "ts", "unit", *ask.by, offers=ibis.literal(1), customers=ibis.literal(1)
    )


def _by_customer(word: str, then: str, did: str, base: str) -> Rows:
    """Return customers with a word in a period whose windows are over, and whether another came in one of them."""

    def rows(ask: Asked) -> ir.Table:
        found = ask.over(_after(ask, word, then))
        each = found.mutate(**{did: came_within(ask, found)}, period=ask.number(found.ts))
        each = each.group_by("customer", "unit", "period", *ask.by).agg(**{did: _[did].max()})
        return each.mutate(**{base: ibis.literal(1)})

    return rows


# --- the table -----------------------------------------------------------------------------------------

SESSION = {"timeout": "30m", "events": "2"}
MONTH, QUARTER, WEEK = {"within": "30d"}, {"within": "90d"}, {"within": "7d"}
CUT = "A session ends where more than the timeout passes; it lies in the period of its first event."
NEXT = "counted where the other comes within the window"
ONCE = " and before the word comes again"


def _share(
    word: str, then: str, figures: tuple[str, str], window: Mapping[str, str | None], *, first: bool = False
) -> Recipe:  # fmt: skip
    unit = "Customers at their first" if first else "Events"
    return Recipe(
        EVENTS, _reached(word, then, *figures, first=first), figures, figures[1],
        f"{unit} {word}, {NEXT}{'' if first else ONCE}: {then}.", words=(word, then), options=window, window="within",
        repeats=not first,
    )  # fmt: skip


def _visit_share(word: str, figures: tuple[str, str]) -> Recipe:
    return Recipe(
        EVENTS, _of_visitors(word, *figures), figures, figures[1],
        f"Visitors of a period, and who of them had {word} in it.", words=(word,),
    )  # fmt: skip


def _beside(word: str, of: str, figures: tuple[str, str]) -> Recipe:
    return Recipe(
        EVENTS, _share_of_events(word, of, *figures), figures, figures[1],
        f"Events {word} of a period, of its events {of}.", words=(word, of), repeats=True,
    )  # fmt: skip


def _wait(word: str, then: str, unit: int, column: str) -> Recipe:
    return Recipe(
        EVENTS, _waited(word, then, unit, column), ("cases",), "cases",
        f"From {word} to the first {then} after it, in the period of {then}; others have no time yet.",
        words=(word, then), cases=column,
    )  # fmt: skip


def _number(word: str, figure: str) -> Recipe:
    return Recipe(
        EVENTS, _counted(word, figure), (figure,), figure, f"Events {word}.", words=(word,)
    )


RECIPES: dict[str, Recipe] = {
    "web_sessions": Recipe(EVENTS, _sessions, ("n_sessions",), "n_sessions", CUT, options=SESSION),
    "engaged_session_rate": Recipe(
        EVENTS, _sessions, ("engaged", "sessions"), "sessions",
        f"{CUT} Engaged: at least as many events as the option says.", options=SESSION, repeats=True,
    ),
    "unique_visitors": Recipe(
        EVENTS, _visitors, ("n_visitors",), "n_visitors", "Customers with an event in the period, each once."
    ),
    "stickiness": Recipe(
        EVENTS, _sticky, ("dau", "mau"), "mau", "Visitors a day with visits (UTC), of the visitors of the period.",
        repeats=True,
    ),
    "feature_adoption": _visit_share("feature", ("users", "active")),
    "content_download_rate": _visit_share("download", ("downloaders", "visitors")),
    "email_optin_rate": _visit_share("subscribe", ("subs", "visitors")),
    "trial_start_rate": _visit_share("trial", ("trials", "visitors")),
    "referral_rate": _visit_share("referral", ("referrers", "active")),
    "click_through_rate": _beside("click", "impression", ("clicks", "impressions")),
    "recommendation_ctr": _beside("recommendation_click", "recommendation", ("clicks", "impressions")),
    "payment_failure_rate": _beside("payment_failed", "payment_attempt", ("failed", "attempts")),
    "bundle_take_rate": _share("bundle", "bundle_taken", ("taken", "shown"), WEEK),
    "webinar_registrations": _number("registration", "n_reg"),
    "webinar_attendance_rate": _share("registration", "attendance", ("attended", "registered"), QUARTER),
    "upsell_eligible": _number("eligible", "n_moments"),
    "upsell_offer_coverage": _share("eligible", "offer", ("offered", "eligible"), MONTH),
    "upsell_acceptance": _share("offer", "accepted", ("accepted", "offered"), MONTH),
    "offer_optout_rate": Recipe(
        EVENTS, _by_customer("offer", "optout", "optouts", "offered"), ("optouts", "offered"), "offered",
        "Customers with an offer in the period; optout within the window after one.", words=("offer", "optout"),
        options=MONTH, window="within",
    ),
    "offer_pressure": Recipe(
        EVENTS, _offers, ("offers", "customers"), "customers", "Offers, of the customers with one in the period.",
        words=("offer",), once=("customers",),
    ),
    "trial_to_paid": _share("trial", "paid", ("paid", "closed_trials"), QUARTER, first=True),
    "cart_abandonment": Recipe(
        EVENTS, _reached("cart", "purchase", "purchases", "carts"), ("purchases", "carts"), "carts",
        "Events cart whose window is over, less those that purchase follows within it and before the next cart.",
        words=("cart", "purchase"),
        options=WEEK, window="within", repeats=True,
    ),
    "task_success": Recipe(
        EVENTS, _by_customer("task", "task_done", "success", "attempts"), ("success", "attempts"), "attempts",
        "Customers with a task in the period; task_done within the window after one.", words=("task", "task_done"),
        options={"within": "1h"}, window="within",
    ),
    "qualified_lead_rate": _share("lead", "lead_accepted", ("accepted", "handed_over"), MONTH, first=True),
    "presales_response_time": _wait("enquiry", "reply", HOUR, "hours"),
    "sales_cycle": _wait("opportunity", "won", DAY, "days"),
    "win_rate": Recipe(
        EVENTS, _share_of_events("won", "lost", "won", "lost"), ("won", "lost"), "won+lost",
        "Events won and lost; what is open is not counted.", words=("won", "lost"), repeats=True,
    ),
    "referral_conversion": _share("referred", "purchase", ("bought", "referred"), QUARTER, first=True),
    "activation_rate": Recipe(
        EVENTS, _activated, ("activated", "new"), "new",
        "Customers at their first event whose window is over; the value event within it.", words=("value",),
        options=MONTH, window="within",
    ),
    "time_to_first_value": _wait("purchase", "value", DAY, "days"),
    "on_time_delivery": _share("purchase", "delivered", ("on_time", "due"), {"within": "5d"}),
    "proactive_contact_share": _share("affected", "told", ("told", "affected"), {"within": "3d"}, first=True),
    "followup_completion": _share("followup_planned", "followup_done", ("done", "due"), WEEK),
    "consult_before": Recipe(
        EVENTS, _preceded("decision", "consulted", "before", "decisions"), ("before", "decisions"), "decisions",
        "Events decision, counted where consulted came before it, as long before as the window says.",
        words=("consulted", "decision"), options=MONTH, repeats=True,
    ),
    "inform_latency": _wait("decision", "informed", HOUR, "hours"),
}  # fmt: skip
