"""What became of upsell moments: eligible, offered, accepted, kept, and everybody who was lost on the way."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import ibis
import numpy as np
import pandas as pd

from journey_widgets.definition import defined
from journey_widgets.errors import JourneyDataError
from journey_widgets.events.durations import microseconds
from journey_widgets.events.engine import collect
from journey_widgets.events.instants import micros
from journey_widgets.events.source import table_of
from journey_widgets.upsell.document import GUARDS, Moment, Offer, UpsellPlan
from journey_widgets.upsell.eligibility import TICKETS, Known, as_anchors, at_moment, instant

AT, RULE, ELIGIBLE, OFFERED, ACCEPTED, KEPT = (
    "at the moment", "rule not met", "eligible", "offered", "accepted", "kept",
)  # fmt: skip
UNKNOWN, WAITING, NOT_OFFERED = "not known who was offered", "may still be offered", "not offered"
DECIDING, DECLINED, BACK = "may still accept", "did not accept", "given back"
STAGES = (AT, ELIGIBLE, OFFERED, ACCEPTED, KEPT)
"""What is left at each stage; everything else is what is lost between two of them."""
FUNNEL_STEPS = (
    AT, RULE, ELIGIBLE, *GUARDS, UNKNOWN, WAITING, NOT_OFFERED, OFFERED, DECIDING, DECLINED, ACCEPTED, BACK, KEPT,
)  # fmt: skip
"""All of them, in order."""
FUNNEL_SUMS = (
    (AT, RULE, ELIGIBLE), (ELIGIBLE, *GUARDS, UNKNOWN, WAITING, NOT_OFFERED, OFFERED),
    (OFFERED, DECIDING, DECLINED, ACCEPTED), (ACCEPTED, BACK, KEPT),
)  # fmt: skip
"""What adds up: a stage, and the steps it falls into."""
NEEDS_OFFERS = (OFFERED, DECIDING, DECLINED, ACCEPTED, BACK, KEPT)
"""What nobody knows where offers are not recorded."""
COLUMNS = ["moment", "label", "step", "stage", "customers", "offered_all_the_same"]


def offer_funnel(
    plan: UpsellPlan,
    sources: Mapping[str, Any] | Known,
    *,
    since: str,
    as_of: str = "",
    zone: str = "UTC",
) -> pd.DataFrame:
    """Follow everybody who came to a moment in a time.

    A customer is followed from the first time the moment opened for him in the time. The rule, and whether he has the
    offer already, are looked at as they were then; the other guards as they were just before the offer, and where none
    was made, when the window was over. Offers, acceptances and returns up to the day count.

    Parameters
    ----------
    plan, sources, zone
        As for `eligibility.eligible`.
    since
        The first day of the time.
    as_of
        The day up to which, and without which, things are known; by default the plan's, or the day after the last
        event.

    Returns
    -------
    pandas.DataFrame
        For each moment one row a step, from ``"at the moment"`` to ``"kept"``. Columns: ``moment``, ``label``, ``step``
        (str); ``stage`` (bool: what is left there; the others are what is lost between two stages, so that each stage
        is the one before it less what stands between them); ``customers`` (int64); ``offered_all_the_same`` (int64: of
        those whom a guard leaves in peace, who got the offer nevertheless).

    Raises
    ------
    JourneyDataError
        The first day is not before the last; what `eligibility.eligible` raises.
    """
    known = Known.of(plan, sources, zone)
    begin, until = _time(known, since, as_of)
    rows = [row for m in plan.moments for row in _followed(known, m, begin, until)]
    first, last = (pd.Timestamp(v, tz="UTC").tz_convert(zone) for v in (begin, until))
    said = (
        f"Customers whose moment opened from {first:%-d %B %Y} on, known until the beginning of {last:%-d %B %Y}; each "
        "once a moment; the rule as it was then, guards as they were just before the offer, or when the window was over"
    )
    return defined(pd.DataFrame(rows, columns=COLUMNS), said)


def after_offers(
    plan: UpsellPlan,
    sources: Mapping[str, Any] | Known,
    *,
    since: str,
    as_of: str = "",
    zone: str = "UTC",
) -> pd.DataFrame:
    """Count what may have been harmed by the offers of a time: it stands beside every acceptance.

    Parameters
    ----------
    plan, sources, since, as_of, zone
        As for `offer_funnel`. Opt-outs are those of the plan's guard, who left those of its ``lost``.

    Returns
    -------
    pandas.DataFrame
        One row a moment whose offers are recorded. Columns: ``moment``, ``label`` (str); ``offered`` (int64, customers
        whose time to accept is over, also those whom a guard leaves in peace); ``deciding`` (int64: offered too, and
        may still accept; in none of the others); ``opted_out``, ``opened_case``, ``accepted``, ``given_back``, ``left``
        (int64, of the first, within the offer's time; given back until the day). What came after an offer need not have
        come of it: only a trial says so.
    """
    known = Known.of(plan, sources, zone)
    begin, until = _time(known, since, as_of)
    rows = []
    for m in plan.moments:
        if m.offered_by is None:
            continue
        opened = _opened(known, m, begin, until)
        offer = known.plan.offer(m.offer)
        over = opened["offered"] + _span(offer.within) <= pd.Timestamp(until)
        made = opened[over]
        took, back = taken(known, offer, made, until)
        anchors = made[["customer_id"]].assign(at=made["offered"])
        left = _first(known, anchors, list(plan.lost) or [""], offer.within, until)
        out = _first(known, anchors, list(plan.guards.opt_out) or [""], offer.within, until)
        rows.append(
            {
                "moment": m.id, "label": m.label, "offered": len(made),
                "deciding": int((opened["offered"].notna() & ~over).sum()), "opted_out": len(out),
                "opened_case": _cases_after(known, anchors, offer, until), "accepted": int(took.sum()),
                "given_back": int(back.sum()), "left": len(left),
            }
        )  # fmt: skip
    columns = [
        "moment", "label", "offered", "deciding", "opted_out", "opened_case", "accepted", "given_back", "left",
    ]  # fmt: skip
    return defined(
        pd.DataFrame(rows, columns=columns),
        "Of the customers offered whose time to accept is over, within that time; after the offer, not because of it",
    )


def _time(known: Known, since: str, as_of: str) -> tuple[datetime, datetime]:
    """Return the instants at which the days begin; refuse a time that ends before it begins."""
    begin, until = instant(known.plan, known, since), instant(known.plan, known, as_of)
    if begin >= until:
        last = pd.Timestamp(until, tz="UTC").tz_convert(known.zone)
        msg = f"since is {since!r}; a day before {last:%-d %B %Y} was needed."
        raise JourneyDataError(msg)
    return begin, until


def _cases_after(known: Known, anchors: pd.DataFrame, offer: Offer, until: datetime) -> int:
    """Return how many opened a support case within the offer's time."""
    if TICKETS not in known.sources:
        return 0
    table = table_of(known.sources[TICKETS], TICKETS, "case_id", "ts")
    if "customer_id" not in table.columns:
        return 0
    rows = table.select(
        case=table.case_id.cast("string"), customer_id=table.customer_id.cast("string"),
        ts=table.ts.cast("timestamp(6)"),
    )  # fmt: skip
    first = rows.group_by("case", "customer_id").agg(ts=rows.ts.min())
    joined = first.join(as_anchors(anchors), "customer_id")
    after = micros(joined.ts) - micros(joined.at)
    ended = joined.ts >= ibis.literal(until, "timestamp(6)")
    kept = joined.filter((after >= 0) & (after < microseconds(offer.within)) & ~ended)
    return int(kept.customer_id.nunique().to_pyarrow().as_py())


def _opened(known: Known, moment: Moment, begin: datetime, until: datetime) -> pd.DataFrame:
    """Return when a moment opened first for each customer in a time, and when he was offered within its window."""
    ends = [ibis.literal(v, "timestamp(6)") for v in (begin, until)]
    rows = known.signals.filter(
        (known.signals.event == moment.after)
        & (known.signals.ts >= ends[0])
        & (known.signals.ts < ends[1])
    )
    opened = collect(rows.group_by("customer_id").agg(since=rows.ts.min()))
    opened["offered"] = _first_after(known, opened, moment, until)
    return opened


def _followed(
    known: Known, moment: Moment, begin: datetime, until: datetime
) -> list[dict[str, Any]]:
    opened = _opened(known, moment, begin, until)
    # The rule is looked at when the moment opened, for everybody alike; guards before the offer, or the end.
    opened["opened"] = opened["since"] + pd.Timedelta(microseconds=1)
    closed = opened["since"] + _span(moment.window)
    closed = closed.where(closed <= pd.Timestamp(until), pd.Timestamp(until))
    opened["at"] = opened["offered"].fillna(closed).astype("datetime64[us]")
    own, many = at_moment(known, moment, as_anchors(opened))
    offer = known.plan.offer(moment.offer)
    free = own[own["guard"] == ""]
    made = free[free["offered"].notna()]
    took, back = taken(known, offer, made, until)
    over = pd.Timestamp(until)
    waiting = free["offered"].isna() & (free["since"] + _span(moment.window) > over)
    deciding = (made["offered"] + _span(offer.within) > over).to_numpy() & ~took
    counts = [(AT, True, many, 0), (RULE, False, many - len(own), 0), (ELIGIBLE, True, len(own), 0)]
    for g in GUARDS:
        held = own[own["guard"] == g]
        counts.append((g, False, len(held), int(held["offered"].notna().sum())))
    if moment.offered_by is None:
        counts += [(UNKNOWN, False, len(free), 0)]
    else:
        counts += [
            (WAITING, False, int(waiting.sum()), 0),
            (NOT_OFFERED, False, int((free["offered"].isna() & ~waiting).sum()), 0),
        ]
    counts += [
        (OFFERED, True, len(made), 0), (DECIDING, False, int(deciding.sum()), 0),
        (DECLINED, False, int((~took & ~deciding).sum()), 0), (ACCEPTED, True, int(took.sum()), 0),
        (BACK, False, int(back.sum()), 0), (KEPT, True, int((took & ~back).sum()), 0),
    ]  # fmt: skip
    return [
        {"moment": moment.id, "label": moment.label, "step": step, "stage": stage, "customers": n,
         "offered_all_the_same": all_the_same}
        for step, stage, n, all_the_same in counts
    ]  # fmt: skip


def _span(length: str) -> pd.Timedelta:
    return pd.Timedelta(microseconds=microseconds(length))


def _first_after(
    known: Known, own: pd.DataFrame, moment: Moment, until: datetime
) -> "pd.Series[Any]":
    """Return when each was offered first within the window; missing where nobody did, or nobody knows."""
    if moment.offered_by is None or own.empty:
        return pd.Series(pd.NaT, index=own.index, dtype="datetime64[us]")
    anchors = own[["customer_id"]].assign(at=own["since"])
    found = _first(known, anchors, [moment.offered_by], moment.window, until)
    return _told(own["customer_id"], found)


def _first(
    known: Known, anchors: pd.DataFrame, events: list[str], length: str, until: datetime
) -> "pd.Series[Any]":
    """Return customer → the first of some events from its instant on, within a time and before the end."""
    rows = known.signals.filter(known.signals.event.isin(events))
    joined = rows.join(as_anchors(anchors), "customer_id")
    after = micros(joined.ts) - micros(joined.at)
    kept = joined.filter(
        (after >= 0)
        & (after < microseconds(length))
        & (joined.ts < ibis.literal(until, "timestamp(6)"))
    )
    found = collect(kept.group_by("customer_id").agg(ts=kept.ts.min()))
    return found.set_index("customer_id")["ts"]


def _told(customers: "pd.Series[Any]", moments: "pd.Series[Any]") -> "pd.Series[Any]":
    """Return the moment of each customer; missing where he has none."""
    return moments.reindex(customers).set_axis(customers.index).astype("datetime64[us]")


def taken(
    known: Known, offer: Offer, made: pd.DataFrame, until: datetime
) -> tuple[np.ndarray[Any, np.dtype[np.bool_]], np.ndarray[Any, np.dtype[np.bool_]]]:
    """Return who accepted an offer within its time, and who of them gave it back before the end.

    `made` has ``customer_id``, each once, and ``offered`` (datetime64, UTC).
    """
    if made.empty:
        return np.zeros(0, np.bool_), np.zeros(0, np.bool_)
    anchors = made[["customer_id"]].assign(at=made["offered"])
    first = _first(known, anchors, [*offer.accepted_by, *offer.products], offer.within, until)
    at = _told(made["customer_id"], first)
    taken = at.notna()
    back = pd.Series(False, index=made.index)
    if taken.any():
        took = made.loc[taken, ["customer_id"]].assign(at=at[taken])
        if offer.undone_by:
            gone = _first(known, took, list(offer.undone_by), "36500d", until)
            back |= made["customer_id"].isin(gone.index)
        back |= made["customer_id"].isin(_returned(known, offer, took, until))
    return taken.to_numpy(np.bool_), (back & taken).to_numpy(np.bool_)


def _returned(known: Known, offer: Offer, took: pd.DataFrame, until: datetime) -> set[str]:
    """Return who has none of the offer's pieces left at the end."""
    if not known.products or not offer.products:
        return set()
    lines = known.lines()
    rows = lines.filter(
        lines["product"].isin(list(offer.products))
        & (lines.ts < ibis.literal(until, "timestamp(6)"))
    )
    joined = rows.join(as_anchors(took), "customer_id")
    since = joined.filter(joined.ts >= joined.at)
    left = since.group_by("customer_id").agg(n=since.pieces.sum())
    return set(collect(left.filter(left.n <= 0))["customer_id"].astype("str"))
