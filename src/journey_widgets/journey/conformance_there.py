"""Conformance in a warehouse: the rules of `conformance`, as expressions that run where the events live."""

from typing import TYPE_CHECKING, Any

import ibis
import ibis.expr.types as ir
import numpy as np
import numpy.typing as npt
from ibis import _

from journey_widgets.events.engine import collect, hold
from journey_widgets.events.paths import PathIndex

if TYPE_CHECKING:
    from journey_widgets.journey.conformance import Design

KINDS = ("done", "repeated", "unplanned", "unmapped")
DONE, REPEATED, UNPLANNED, UNMAPPED = range(4)
Ints = npt.NDArray[np.int64]


def counted_there(index: PathIndex, design: "Design") -> tuple[Ints, Ints, Ints, Ints]:
    """Return events by touchpoint and kind, visitors; of the funnel's steps, who skipped them and who got there."""
    size = len(index.touchpoints)
    judged = hold(_judged(index, design))
    counts = np.zeros((size, len(KINDS)), dtype=np.int64)
    found = collect(judged.group_by("touchpoint", "kind").agg(n=_.count())).astype("int64")
    counts[found["touchpoint"], found["kind"]] = found["n"]
    visitors = np.zeros(size, dtype=np.int64)
    seen = collect(judged.group_by("touchpoint").agg(n=_.customer.nunique())).astype("int64")
    visitors[seen["touchpoint"]] = seen["n"]
    steps = len(design.funnel)
    if not steps:
        return counts, visitors, np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
    there = _there(judged, design)
    sums: dict[str, Any] = {}
    for k in range(steps):
        sums[f"skipped_{k}"] = (_later(there, k, steps) & ~there[f"at_{k}"]).cast("int32").sum()
        sums[f"beyond_{k}"] = (_later(there, k, steps) | there[f"at_{k}"]).cast("int32").sum()
    totals = collect(there.agg(**sums)).fillna(0).astype("int64").iloc[0]
    skipped, beyond = (
        [int(totals[f"{n}_{k}"]) for k in range(steps)] for n in ("skipped", "beyond")
    )
    return counts, visitors, np.array(skipped, dtype=np.int64), np.array(beyond, dtype=np.int64)


def by_customer_there(index: PathIndex, design: "Design") -> ir.Table:
    """Return one row per customer: ``customer_id``, the kinds, ``events``, ``skipped`` (steps of the funnel)."""
    judged = hold(_judged(index, design))
    kinds = {name: (judged.kind == k).cast("int32").sum() for k, name in enumerate(KINDS)}
    counted = judged.group_by("customer").agg(events=judged.count(), **kinds)
    there, steps = _there(judged, design), len(design.funnel)
    missed = [(_later(there, k, steps) & ~there[f"at_{k}"]).cast("int32") for k in range(steps)]
    skipped = there.select(who="customer", skipped=sum(missed, ibis.literal(0, "int64")))
    first = index.table.filter(_.step == 1).select(own="customer", customer_id=_.customer_id)
    both = counted.join(skipped, counted.customer == skipped.who)
    return both.join(first, both.customer == first.own)


def fits_there(index: PathIndex, design: "Design") -> ir.Table:
    """Return ``customer`` and ``fits``: whether every event of theirs was designed or a repeat."""
    judged = _judged(index, design)
    strange = judged.group_by("customer").agg(
        strange=(judged.kind >= UNPLANNED).cast("int32").sum()
    )
    return strange.select("customer", fits=strange.strange == 0)


def _judged(index: PathIndex, design: "Design") -> ir.Table:
    """Return ``customer``, ``touchpoint`` and ``kind`` of every event."""
    events = index.table.select("customer", "step", touchpoint=_.touchpoint.cast("int32"))
    mapped = [int(c) for c in np.flatnonzero(design.mapped)]
    strange = events.filter(~events.touchpoint.isin(mapped)) if mapped else events
    strange = strange.select("customer", "touchpoint", kind=ibis.literal(UNMAPPED, "int32"))
    if not mapped:
        return strange
    path = ibis.window(group_by="customer", order_by="step")
    visits = ibis.window(group_by=["customer", "touchpoint"], order_by="step")
    on_map = events.filter(events.touchpoint.isin(mapped))
    on_map = on_map.mutate(
        before=on_map.touchpoint.lag().over(path), visit=ibis.row_number().over(visits)
    )
    led_to = on_map.before.isnull() | _designed(on_map, design)
    kind = led_to.fill_null(False).ifelse(
        ibis.literal(DONE, "int32"),
        (on_map.visit == 0).ifelse(ibis.literal(UNPLANNED, "int32"), ibis.literal(REPEATED, "int32")),
    )  # fmt: skip
    return on_map.select("customer", "touchpoint", kind=kind).union(strange)


def _designed(on_map: ir.Table, design: "Design") -> ir.BooleanValue:
    """Return whether a designed way leads from the event before to this one."""
    if design.rank is not None:
        places = {int(c): int(r) for c, r in enumerate(design.rank) if r >= 0}
        rank = [on_map[c].cases(*places.items(), else_=-1) for c in ("before", "touchpoint")]
        return rank[0] < rank[1]
    ways = [(int(a), int(b)) for a, b in np.argwhere(design.designed)]
    pair = on_map.before.cast("int64") * len(design.mapped) + on_map.touchpoint.cast("int64")
    return pair.isin([a * len(design.mapped) + b for a, b in ways] or [-1])


def _there(judged: ir.Table, design: "Design") -> ir.Table:
    """Return ``customer`` and, for each step of the funnel, whether it was visited (``at_0`` …)."""
    at = {
        f"at_{k}": (judged.touchpoint == int(code)).cast("int32").max() == 1
        for k, code in enumerate(design.funnel)
    }
    return judged.group_by("customer").agg(**at)


def _later(there: ir.Table, step: int, steps: int) -> Any:
    """Return whether a later step of the funnel was visited."""
    found: Any = ibis.literal(False)
    for k in range(step + 1, steps):
        found = found | there[f"at_{k}"]
    return found
