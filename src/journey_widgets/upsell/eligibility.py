"""Who is at an upsell moment now, and who of them is not asked, by which guard.

A moment opens when something happens to a customer and is over after its window. The rule of the plan says what else
must be true; a guard says why somebody is left in peace all the same. Both are looked at as they were at one instant:
nothing that came later is known.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from difflib import get_close_matches
from functools import cached_property
from typing import Any

import ibis
import ibis.expr.types as ir
import pandas as pd
import pyarrow as pa
from ibis import _

from journey_widgets.definition import defined
from journey_widgets.errors import JourneyDataError, did_you_mean
from journey_widgets.events.calendar import Calendar
from journey_widgets.events.case_names import NAMES
from journey_widgets.events.durations import microseconds
from journey_widgets.events.engine import collect, hold
from journey_widgets.events.instants import micros
from journey_widgets.events.source import table_of
from journey_widgets.upsell.document import (
    COOLING_OFF,
    GUARDS,
    OPEN_ISSUE,
    OPTED_OUT,
    OWNED,
    PRESSURE,
    Behaviour,
    Moment,
    Offer,
    Profile,
    Satisfaction,
    UpsellPlan,
    Usage,
)
from journey_widgets.upsell.signals import (
    EVENTS,
    LINES,
    USAGE,
    followed_by,
    names,
    refuse_unknown,
    signals,
)

TICKETS, ANSWERS = "tickets", "answers"


@dataclass(frozen=True)
class Known:
    """The sources of a plan, read once, and what is asked of them at an instant of each customer.

    Attributes
    ----------
    plan
        The plan.
    sources
        Kind of source → source or table.
    zone
        Time zone of days.

    Raises
    ------
    JourneyDataError
        The plan names what no source has, or needs a source that is not there.
    """

    plan: UpsellPlan
    sources: Mapping[str, Any]
    zone: str = "UTC"
    every: Mapping[str, Any] | None = None
    """The sources of all customers, where `sources` are those of some: what nobody of them did is no unknown name."""

    @classmethod
    def of(cls, plan: UpsellPlan, sources: "Mapping[str, Any] | Known", zone: str) -> "Known":
        """Return the sources as the plan reads them."""
        return sources if isinstance(sources, Known) else cls(plan, sources, zone)

    @cached_property
    def signals(self) -> ir.Table:
        """What happened to customers, purchases of the plan's products and its sequences among it."""
        return hold(
            self.with_sequences(signals(self.sources, self.products))
        )  # asked dozens of times

    def with_sequences(self, found: ir.Table) -> ir.Table:
        """Return what happened with the plan's sequences as things of their own."""
        for s in self.plan.sequences:
            found = followed_by(found, s.steps, s.within, name=s.id)
        return found

    @cached_property
    def products(self) -> list[str]:
        """Products that the plan names and somebody bought."""
        if LINES not in self.sources:
            return []
        lines = table_of((self.every or self.sources)[LINES], LINES, "product_id")
        there = collect(lines.select(p=lines.product_id.cast("string")).distinct())["p"]
        asked = {*(p for o in self.plan.offers for p in o.products), *self.plan.outcome}
        asked |= {step for s in self.plan.sequences for step in s.steps}
        return sorted(asked & {str(p) for p in there})

    @cached_property
    def names(self) -> list[str]:
        """What happens at all."""
        found = signals(self.sources if self.every is None else self.every, self.products)
        return names(found)

    def lines(self) -> ir.Table:
        """Return the order lines with ``customer_id``, ``ts``, ``product``, ``category`` and ``pieces``."""
        found = table_of(self.sources[LINES], LINES, "customer_id", "ts", "product_id", "quantity")
        group = (
            found.category.cast("string") if "category" in found.columns else ibis.null("string")
        )
        return found.select(
            customer_id=found.customer_id.cast("string"), ts=found.ts.cast("timestamp(6)"),
            product=found.product_id.cast("string"), category=group, pieces=found.quantity.cast("float64"),
        )  # fmt: skip

    def __post_init__(self) -> None:
        # What may not have happened yet, such as an offer or an opt-out, is refused only where it looks misspelt.
        plan = self.plan
        asked: dict[str, Iterable[str]] = {
            "the plan's outcome": plan.outcome, "customer_since": plan.customer_since,
            **{f"sequence {s.id}": s.steps for s in plan.sequences},
        }  # fmt: skip
        sequences = [s.id for s in plan.sequences]
        self._names_of_their_own(sequences)
        perhaps: dict[str, Iterable[str]] = {
            "caused_by_upgrade": plan.caused_by_upgrade, "lost": plan.lost,
        }  # fmt: skip
        for m in plan.moments:
            asked[f"moment {m.id}, after,"] = () if m.after in sequences else (m.after,)
            perhaps[f"moment {m.id}, offered_by,"] = (m.offered_by,) if m.offered_by else ()
            for c in m.where:
                if isinstance(c, Behaviour | Usage) and c.event and c.event not in sequences:
                    asked[f"moment {m.id}, {c.what},"] = (c.event,)
                self._needs(m, c)
        for o in plan.offers:
            perhaps[f"offer {o.id}, accepted_by,"] = o.accepted_by
            perhaps[f"offer {o.id}, undone_by,"] = o.undone_by
        guards = plan.guards
        perhaps["guard opt_out"] = guards.opt_out
        perhaps["guard pressure"] = guards.pressure.contacts if guards.pressure else ()
        if plan.minimum is not None:
            self._column(plan.minimum.column, "minimum")
        refuse_unknown({k: list(v) for k, v in asked.items()}, self.names)
        near = {
            k: [n for n in v if get_close_matches(n, self.names, 1, 0.8)]
            for k, v in perhaps.items()
        }
        refuse_unknown(near, self.names)
        self._closing_steps_are_there()

    def _names_of_their_own(self, sequences: list[str]) -> None:
        """Raise where a sequence is called what something else is called already."""
        for name in sequences:
            if name in self.names:
                msg = f"sequence {name} is called what something in the sources is called; give it a name of its own."
                raise JourneyDataError(msg)

    def _closing_steps_are_there(self) -> None:
        solved = self.plan.guards.solved
        if not solved or TICKETS not in self.sources:
            return
        cases = table_of((self.every or self.sources)[TICKETS], TICKETS, "activity")
        there = collect(cases.select(a=cases.activity.cast("string")).distinct())["a"].dropna()
        known = {str(a).casefold(): str(a) for a in there}
        for step in solved:
            if step.casefold() not in known:
                msg = (
                    f"guards, solved, names {step!r}. {did_you_mean(step, sorted(known.values()))}"
                )
                raise JourneyDataError(msg)

    def _needs(self, moment: Moment, condition: Any) -> None:
        needed = {"usage": USAGE, "history": LINES, "satisfaction": ANSWERS}.get(condition.what)
        if needed is not None and needed not in self.sources:
            msg = (
                f"moment {moment.id} asks about {condition.what}: {needed} were needed and are not there. Name their "
                "file in sources.yaml, or take the condition out."
            )
            raise JourneyDataError(msg)
        if isinstance(condition, Profile):
            self._column(condition.column, f"moment {moment.id}")

    def _column(self, column: str, where: str) -> None:
        """Raise where the event log lacks a column."""
        there = table_of(self.sources[EVENTS], EVENTS).columns
        if column not in there:
            msg = f"{where} asks for {column!r}. {did_you_mean(column, there)}"
            raise JourneyDataError(msg)

    # --- who: customers by an instant of their own, `anchors` with customer_id and at (timestamp)

    def within(self, rows: ir.Table, anchors: ir.Table, length: str | None) -> ir.Table:
        """Return rows (``customer_id``, ``ts`` …) of customers before their instant, as far back as asked."""
        joined = rows.join(anchors, "customer_id")
        kept = joined.filter(joined.ts < joined.at)
        if length:
            kept = kept.filter(micros(kept.ts) >= micros(kept.at) - microseconds(length))
        return kept

    def happened(
        self, anchors: ir.Table, events: Iterable[str], length: str | None = None
    ) -> ir.Table:
        """Return how often events happened to customers: ``customer_id``, ``n``, ``last``."""
        rows = self.signals.filter(self.signals.event.isin(list(events)))
        found = self.within(rows, anchors, length)
        return found.group_by("customer_id").agg(n=found.count(), last=found.ts.max())

    def holds(self, condition: Any, anchors: ir.Table) -> ir.Table:
        """Return the customers for whom a condition holds: ``customer_id``."""
        if isinstance(condition, Profile):
            return self._profile(condition, anchors)
        if isinstance(condition, Satisfaction):
            return self._satisfaction(condition, anchors)
        counted = self._counted(condition, anchors)
        both = anchors.left_join(counted, "customer_id")
        n = both.n.fill_null(0)
        right = n >= condition.least
        if condition.most is not None:
            right &= n <= condition.most
        return both.filter(right).select("customer_id")

    def _counted(self, condition: Any, anchors: ir.Table) -> ir.Table:
        if isinstance(condition, Behaviour):
            return self.happened(anchors, [condition.event], condition.within).select(
                "customer_id", "n"
            )
        if isinstance(condition, Usage):
            used = table_of(self.sources[USAGE], USAGE)
            rows = used.select(
                customer_id=used.customer_id.cast("string"), ts=used.ts.cast("timestamp(6)"),
                event=used.event.cast("string"),
            )  # fmt: skip
            if condition.event:
                rows = rows.filter(rows.event == condition.event)
            found = self.within(rows, anchors, condition.within)
            day = self._calendar.number(micros(found.ts))
            return found.mutate(day=day).group_by("customer_id").agg(n=_.day.nunique())
        lines = self.lines()
        column = "product" if condition.product else "category"
        rows = lines.filter(lines[column] == (condition.product or condition.category))
        found = self.within(rows, anchors, condition.within)
        # A log may begin after the purchase of what is returned in it.
        return found.group_by("customer_id").agg(n=ibis.greatest(found.pieces.sum(), 0))

    @cached_property
    def _calendar(self) -> Calendar:
        ends = collect(self.signals.agg(a=self.signals.ts.min(), b=self.signals.ts.max())).iloc[0]
        return Calendar.over(
            "day", self.zone, *(pd.Timestamp(ends[c]).to_pydatetime() for c in "ab")
        )

    def _profile(self, condition: Profile, anchors: ir.Table) -> ir.Table:
        log = table_of(self.sources[EVENTS], EVENTS, "customer_id", "ts")
        rows = log.select(
            customer_id=log.customer_id.cast("string"), ts=log.ts.cast("timestamp(6)"),
            value=log[condition.column].cast("string"), row=_row(log),
        ).filter(_.value.notnull())  # fmt: skip
        found = self.within(rows, anchors, None)
        last = _said_last(found, "value")
        return last.filter(last.value.isin(list(condition.values))).select("customer_id")

    def _satisfaction(self, condition: Satisfaction, anchors: ir.Table) -> ir.Table:
        given = table_of(
            self.sources[ANSWERS], ANSWERS, "customer_id", "ts", "question_id", "score"
        )
        rows = given.select(
            customer_id=given.customer_id.cast("string"), ts=given.ts.cast("timestamp(6)"),
            question=given.question_id.cast("string"), score=given.score, row=_row(given),
        )  # fmt: skip
        rows = rows.filter((rows.question == condition.question) & rows.score.notnull())
        found = self.within(rows, anchors, condition.within)
        last = _said_last(found, "score")
        both = anchors.left_join(last, "customer_id")
        right = ibis.literal(True)
        if condition.least is not None:
            right &= both.score >= condition.least
        if condition.most is not None:
            right &= both.score <= condition.most
        met = right.fill_null(False) | (
            both.score.isnull() if condition.silent else ibis.literal(False)
        )
        return both.filter(met).select("customer_id")

    # --- who is left in peace

    def guarded(
        self, offer: Offer, anchors: ir.Table, opened: ir.Table
    ) -> Iterator[tuple[str, set[str]]]:
        """Return each guard with the customers whom it leaves in peace.

        Whether somebody has the offer already is asked of the instant in `opened`: who took it since did not have it.
        """
        yield OWNED, self._owning(offer, opened)
        yield from self.in_peace(anchors)

    def in_peace(self, anchors: ir.Table) -> Iterator[tuple[str, set[str]]]:
        """Return each guard that asks of no offer, with the customers whom it leaves in peace."""
        guards = self.plan.guards
        yield OPTED_OUT, _ids(self.happened(anchors, guards.opt_out)) if guards.opt_out else set()
        yield (
            OPEN_ISSUE,
            self._with_a_case(anchors) if guards.open_issue and TICKETS in self.sources else set(),
        )
        pressed: set[str] = set()
        if guards.pressure:
            found = self.happened(anchors, guards.pressure.contacts, guards.pressure.within)
            pressed = _ids(found.filter(found.n >= guards.pressure.most))
            if guards.pressure.rest:
                pressed |= _ids(
                    self.happened(anchors, guards.pressure.contacts, guards.pressure.rest)
                )
        yield PRESSURE, pressed
        bought: set[str] = set()
        if guards.cooling_off and LINES in self.sources:
            lines = self.lines()
            bought = _ids(self.within(lines.filter(lines.pieces > 0), anchors, guards.cooling_off))
        yield COOLING_OFF, bought

    def _owning(self, offer: Offer, anchors: ir.Table) -> set[str]:
        """Return who has what is offered: pieces that were kept, or an acceptance that was not undone."""
        if offer.kind == "repeat":
            return set()
        owning: set[str] = set()
        if offer.products and LINES in self.sources:
            lines = self.lines()
            found = self.within(
                lines.filter(lines["product"].isin(list(offer.products))), anchors, None
            )
            kept = found.group_by("customer_id").agg(n=found.pieces.sum())
            owning |= _ids(kept.filter(kept.n > 0))
        if offer.accepted_by:
            took = self.happened(anchors, offer.accepted_by)
            back = self.happened(anchors, offer.undone_by or [""]).select(
                "customer_id", gone=_.last
            )
            both = took.left_join(back, "customer_id")
            owning |= _ids(both.filter(both.gone.isnull() | (both.gone < both.last)))
        return owning

    def _with_a_case(self, anchors: ir.Table) -> set[str]:
        """Return who has a case that was opened and not solved, or was opened again."""
        cases = table_of(self.sources[TICKETS], TICKETS, "case_id", "ts", "activity")
        if "customer_id" not in cases.columns:
            return set()
        closing = [n.casefold() for n in self.plan.guards.solved or NAMES["solved"]]
        again = [n.casefold() for n in NAMES["reopened"]]
        steps = cases.select(
            case=cases.case_id.cast("string"), ts=cases.ts.cast("timestamp(6)"),
            step=cases.activity.cast("string").lower(),
        )  # fmt: skip
        # Not every row of a case says whose it is.
        named = cases.filter(cases.customer_id.notnull())
        whose = named.group_by(case=named.case_id.cast("string")).agg(
            customer_id=named.customer_id.cast("string").min()
        )
        rows = steps.join(whose, "case").select("case", "customer_id", "ts", "step")
        found = self.within(rows, anchors, None)
        each = found.group_by("customer_id", "case").agg(
            closed=found.ts.max(where=found.step.isin(closing)),
            opened=found.ts.max(where=found.step.isin(again)),
        )
        is_open = each.closed.isnull() | (each.opened.notnull() & (each.opened > each.closed))
        return _ids(each.filter(is_open.fill_null(False)))


def _row(table: ir.Table) -> ir.Value:
    """Return the number of a row in its source; a plain table has none."""
    return table.row if "row" in table.columns else ibis.literal(0)


def _said_last(rows: ir.Table, column: str) -> ir.Table:
    """Return what was said last of each customer; of two at one instant the one further down in its source."""
    said = rows.filter(rows[column].notnull())
    newest = [said.ts.desc(), said.row.desc(), said[column].desc()]
    own = ibis.window(group_by="customer_id", order_by=newest)
    placed = said.mutate(nth=ibis.row_number().over(own))
    return placed.filter(placed.nth == 0).select("customer_id", column)


def _ids(table: ir.Table) -> set[str]:
    return set(collect(table.select("customer_id").distinct())["customer_id"].astype("str"))


def instant(plan: UpsellPlan, known: Known, as_of: str = "") -> datetime:
    """Return the instant (UTC) a plan is for: the day given, the plan's, or the day after the last event."""
    day = as_of or (plan.as_of.isoformat() if plan.as_of else "")
    if day:
        try:
            midnight = pd.Timestamp(date.fromisoformat(day))
        except ValueError:
            msg = f"as_of is {day!r}; a day such as 2026-07-20 was needed."
            raise JourneyDataError(msg) from None
    else:
        last = collect(known.signals.agg(last=known.signals.ts.max()))["last"].iloc[0]
        if pd.isna(last):
            msg = "Nothing happened in the log: there is no day to plan for."
            raise JourneyDataError(msg)
        local = pd.Timestamp(last, tz="UTC").tz_convert(known.zone)
        midnight = local.tz_localize(None).normalize() + pd.Timedelta(days=1)
    # Where clocks skip midnight, the day begins with the first hour there is.
    local_midnight = midnight.tz_localize(known.zone, nonexistent="shift_forward", ambiguous=True)
    return local_midnight.tz_convert("UTC").tz_localize(None).to_pydatetime()


def eligible(
    plan: UpsellPlan, sources: Mapping[str, Any] | Known, *, as_of: str = "", zone: str = "UTC"
) -> pd.DataFrame:
    """Return who is at which moment, and why some of them are not asked.

    Parameters
    ----------
    plan
        The upsell plan.
    sources
        Kind of source → source or table: ``"events"``; ``"usage"``, ``"order_lines"``, ``"tickets"``, ``"answers"`` as
        far as the plan asks about them.
    as_of
        The day; nothing of it or after it is known. By default the plan's, or the day after the last event.
    zone
        Time zone in which days begin.

    Returns
    -------
    pandas.DataFrame
        One row a customer and moment whose rule holds, in the order of the plan and of the ids. Columns:
        ``customer_id``, ``moment``, ``offer``, ``touchpoint`` (str); ``since`` (datetime64, UTC: when the moment
        opened); ``guard`` (str: one of `GUARDS`; blank where the customer may be asked). ``attrs["at"]`` says of each
        moment how many customers were at it before the rest of the rule was looked at.

    Raises
    ------
    JourneyDataError
        The plan names what no source has, or needs a source that is not there.
    """
    known = Known.of(plan, sources, zone)
    moment = instant(plan, known, as_of)
    now = ibis.literal(moment, "timestamp(6)")
    frames, at = [], {}
    for m in plan.moments:
        rows = known.signals.filter((known.signals.event == m.after) & (known.signals.ts < now))
        rows = rows.filter(micros(rows.ts) > micros(moment) - microseconds(m.window))
        anchors = rows.group_by("customer_id").agg(since=rows.ts.max()).mutate(at=now, opened=now)
        own, many = at_moment(known, m, anchors)
        at[m.id] = many
        frames.append(own)
    columns = ["customer_id", "moment", "offer", "touchpoint", "since", "guard"]
    found = pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=columns)
    local = pd.Timestamp(moment, tz="UTC").tz_convert(zone)
    frame = defined(
        found[columns],
        f"As of the beginning of {local:%-d %B %Y}; guards in the order {', '.join(GUARDS)}",
    )
    frame.attrs["at"] = at
    return frame


def left_in_peace(
    plan: UpsellPlan, sources: Mapping[str, Any] | Known, customers: Sequence[str], *, as_of: str = "",
    zone: str = "UTC",
) -> dict[str, set[str]]:  # fmt: skip
    """Return why customers are offered nothing at all → who: guards of the plan that ask of no offer, in their order.

    Parameters
    ----------
    plan, sources, as_of, zone
        As for `eligible`.
    customers
        Ids to look at, also of those who are at no moment.
    """
    known = Known.of(plan, sources, zone)
    ids = pd.Series(list(dict.fromkeys(customers)), dtype="str")
    anchors = as_anchors(
        pd.DataFrame({"customer_id": ids, "at": pd.Timestamp(instant(plan, known, as_of))})
    )
    return dict(known.in_peace(anchors))


def at_moment(known: Known, moment: Moment, anchors: ir.Table) -> tuple[pd.DataFrame, int]:
    """Return the customers for whom the rule of a moment holds at their instants, and how many were looked at.

    `anchors` has ``customer_id``, ``since``, ``opened`` (the instant of the rule) and ``at`` (that of the guards); the
    frame is as `eligible` returns it, with both.
    """
    held, many = _kept(anchors)
    for condition in moment.where:
        held = held.semi_join(
            known.holds(condition, held.select("customer_id", at=held.opened)), "customer_id"
        )
    found = collect(held.order_by("customer_id")).astype({"customer_id": "str"})
    held = as_anchors(found[["customer_id", "at"]])
    opened = as_anchors(found[["customer_id"]].assign(at=found["opened"]))
    guard = pd.Series("", index=found.index, dtype="str")
    offer = known.plan.offer(moment.offer)
    for why, who in known.guarded(offer, held, opened):
        guard[(guard == "") & found["customer_id"].isin(who)] = why
    own = found.assign(
        moment=moment.id, offer=moment.offer, touchpoint=moment.touchpoint, guard=guard
    )
    return own, many


def _kept(anchors: ir.Table) -> tuple[ir.Table, int]:
    """Return customers and their instants worked out once, and how many there are."""
    found = collect(anchors)
    return as_anchors(found), len(found)


def as_anchors(frame: pd.DataFrame) -> ir.Table:
    """Return customers and instants of each as a table of the engine; there may be none."""
    columns = {
        c: pa.array(
            frame[c], pa.string() if c == "customer_id" else pa.timestamp("us"), from_pandas=True
        )
        for c in frame.columns
    }
    return ibis.memtable(pa.table(columns))


def guarded(frame: pd.DataFrame, plan: UpsellPlan) -> pd.DataFrame:
    """Return how many customers each guard leaves in peace, moment by moment: nothing remains unexplained.

    Parameters
    ----------
    frame
        As `eligible` returns it.
    plan
        The plan.

    Returns
    -------
    pandas.DataFrame
        One row a moment, in the order of the plan. Columns: ``moment``, ``label`` (str); ``at_moment``,
        ``rule_not_met``, ``eligible``, one for each of `GUARDS`, ``may_be_asked`` (int64). What is taken away and what
        is left add up.
    """
    rows = []
    for m in plan.moments:
        own = frame[frame["moment"] == m.id]
        at = int(frame.attrs.get("at", {}).get(m.id, len(own)))
        counts = own["guard"].value_counts()
        rows.append(
            {
                "moment": m.id, "label": m.label, "at_moment": at, "rule_not_met": at - len(own), "eligible": len(own),
                **{g: int(counts.get(g, 0)) for g in GUARDS}, "may_be_asked": int((own["guard"] == "").sum()),
            }
        )  # fmt: skip
    columns = ["moment", "label", "at_moment", "rule_not_met", "eligible", *GUARDS, "may_be_asked"]
    found = pd.DataFrame(rows, columns=columns)
    return defined(found, frame.attrs.get("definition", ""))
