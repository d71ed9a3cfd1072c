"""What customers did, in one list: the journey's log, how they use the product, and what they bought."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

import ibis
import ibis.expr.types as ir
import pandas as pd
import pyarrow as pa
from ibis import _

from journey_widgets.errors import JourneyDataError, did_you_mean
from journey_widgets.events.durations import microseconds
from journey_widgets.events.engine import beside, collect
from journey_widgets.events.instants import micros
from journey_widgets.events.source import table_of
from journey_widgets.upsell.days import Days, days_of

EVENTS, USAGE, LINES = "events", "usage", "order_lines"


def signals(sources: Mapping[str, Any], products: Collection[str] = ()) -> ir.Table:
    """Return what happened to customers, from the log, the usage and the order lines.

    Parameters
    ----------
    sources
        Kind of source → source or table; ``"events"`` must be there, ``"usage"`` and ``"order_lines"`` may be.
    products
        Product ids whose purchases are in it too, under their own names.

    Returns
    -------
    ibis.Table
        ``customer_id`` (str), ``ts`` (timestamp, UTC), ``event`` (str: the touchpoint, the event of usage, or the
        product). The same name in two sources means the same thing.
    """
    if EVENTS not in sources:
        msg = "An event log was needed: name its file under events in sources.yaml."
        raise JourneyDataError(msg)
    log = table_of(sources[EVENTS], EVENTS, "customer_id", "ts", "event")
    name = "touchpoint" if "touchpoint" in log.columns else "event"
    parts = [_three(log, log[name])]
    if USAGE in sources:
        used = table_of(sources[USAGE], USAGE, "customer_id", "ts", "event")
        parts.append(_three(used, used.event))
    if products and LINES in sources:
        lines = table_of(sources[LINES], LINES, "customer_id", "ts", "product_id", "quantity")
        bought = lines.filter(
            lines.product_id.cast("string").isin(list(products)) & (lines.quantity > 0)
        )
        parts.append(_three(bought, bought.product_id))
    return ibis.union(*parts) if len(parts) > 1 else parts[0]


def _three(table: ir.Table, event: ir.Value) -> ir.Table:
    found = table.select(
        customer_id=table.customer_id.cast("string"),
        ts=table.ts.cast("timestamp(6)"),
        event=event.cast("string"),
    )
    return found.filter(found.customer_id.notnull() & found.ts.notnull() & found.event.notnull())


def before(found: ir.Table, moment: datetime) -> ir.Table:
    """Return what happened before a moment (UTC)."""
    return found.filter(found.ts < ibis.literal(moment, "timestamp"))


def followed_by(
    found: ir.Table, steps: Sequence[str], within: str = "7d", *, name: str = ""
) -> ir.Table:
    """Return what happened with a sequence as a thing of its own: `moments` can then test it.

    Parameters
    ----------
    found
        As `signals` returns it.
    steps
        Two events or more in their order; the same three times is the third time within the time.
    within
        How long after the first one the last one may come.
    name
        Of the sequence; ``"first then second"`` without one.

    Returns
    -------
    ibis.Table
        The same, with an event of that name at each last step that has the others before it, in their order, within
        the time. Of two things at one instant nobody knows which was first: neither is before the other.
    """
    length = microseconds(within, name="within")
    if len(steps) < 2:
        msg = f"{len(steps)} step{'s' * (len(steps) != 1)}: a sequence of two or more was needed."
        raise JourneyDataError(msg)
    kinds = list(dict.fromkeys(steps))
    # One row a customer and instant, so that what is before a row is before it in time.
    each = found.filter(found.event.isin(kinds)).group_by("customer_id", "ts")
    told = each.agg(**{f"is_{i}": (_.event == k).any() for i, k in enumerate(kinds)})
    past = ibis.window(group_by="customer_id", order_by="ts", rows=(None, -1))
    # When the latest run of steps up to here began; of several the latest leaves most time.
    told = told.mutate(begun=ibis.cases((told[f"is_{kinds.index(steps[0])}"], told.ts)))
    for step in steps[1:]:
        told = told.mutate(came=told.begun.max().over(past))
        told = told.mutate(begun=ibis.cases((told[f"is_{kinds.index(step)}"], told.came)))
    close = (micros(told.ts) - micros(told.begun) <= length).fill_null(False)
    own = told.filter(close).select(
        "customer_id", "ts", event=ibis.literal(name or " then ".join(steps))
    )
    return ibis.union(found, own)


def days_of_signals(found: ir.Table, *, zone: str = "UTC", outcome: Collection[str] = ()) -> Days:
    """Return what happened by days, as `moments.moments` compares them; `outcome` as in `days.days_of`."""
    return days_of(found, zone=zone, outcome=outcome)


def whose(found: ir.Table, customers: Collection[str]) -> ir.Table:
    """Return what happened to some customers."""
    wanted = beside(pa.table({"customer_id": pa.array(sorted(customers), pa.string())}), found)
    return found.semi_join(wanted, "customer_id")


def names(found: ir.Table) -> list[str]:
    """Return the names of what happened, in order."""
    return [str(n) for n in collect(found.select("event").distinct().order_by("event"))["event"]]


def last_moment(found: ir.Table) -> pd.Timestamp:
    """Return when the last thing happened."""
    return pd.Timestamp(collect(found.agg(last=found.ts.max()))["last"].iloc[0])


def refuse_unknown(asked: Mapping[str, Collection[str]], known: Collection[str]) -> None:
    """Raise where something is named that never happened; `asked` is where in the plan → names."""
    for where, wanted in asked.items():
        for name in wanted:
            if name not in known:
                msg = f"{where} names {name!r}, which is in no source. {did_you_mean(name, known)}"
                raise JourneyDataError(msg)


def from_first(found: ir.Table, events: Collection[str]) -> ir.Table:
    """Return what happened to customers from the first of some events on; customers without any are left out.

    Who never had the product cannot upgrade it: beside him every use of it looks like a moment.
    """
    begun = found.filter(found.event.isin(list(events))).group_by("customer_id")
    first = begun.agg(first_of_them=lambda t: t.ts.min())
    both = found.join(first, "customer_id")
    return both.filter(both.ts >= both.first_of_them).select(*found.columns)
