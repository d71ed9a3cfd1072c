"""A log in a warehouse, stored as one table; grown, with a second one beside it for those who came since.

Beside the columns of the events contract the table holds, for each event, its place in its path:

=================  ========================================================================
``path_customer``  int64, number of the customer, in order of id; who came when it grew comes after
``path_step``      int32, place of the event in the customer's path, from 1
``path_code``      int32, number of the touchpoint, in order of id
``path_next``      int32, number of the next event's touchpoint; null at the end of the path
``path_gap``       int64, microseconds to the next event; null at the end
``path_lot``       int16, number of the customer by chance, of the id alone: see `shuffle.lot`
=================  ========================================================================

A log that grows keeps its table. A second one holds the customers of all rows that were loaded since, each with the
whole path; whoever is in it counts in the first one no more. Every time it is made anew from the rows of these
customers, so that it costs what came and one look at who they are.

All is made of the proved expressions alone: see ``tests/events/test_engines.py``.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import ibis
import ibis.expr.types as ir
import pandas as pd
import pyarrow as pa
from ibis import _

from journey_widgets.errors import JourneyDataError
from journey_widgets.events.engine import collect, hold, hold_now
from journey_widgets.events.grown_log import SHARE, AnewError
from journey_widgets.events.instants import micros
from journey_widgets.events.mapping import SourceMapping
from journey_widgets.events.shuffle import lot
from journey_widgets.events.stored_log import RESERVED

MANY_NAMES = 100_000
"""More different event names than this are no names of events."""
ALONE = 2_000_000
"""Customers that are numbered in one piece; more are numbered by the beginnings of their ids, piece by piece."""
PLACES = {"customer": "path_customer", "step": "path_step", "touchpoint": "path_code", "next": "path_next",
          "gap": "path_gap", "lot": "path_lot", "customer_id": "customer_id", "ts": "ts"}  # fmt: skip
"""Column of the path index → column of the stored table."""
OWN = {v for k, v in PLACES.items() if k not in ("customer_id", "ts")}
"""Columns of a stored log that are no columns of the events."""
ORDER, LOADED = "path_order", "path_loaded"
"""Columns of a log that is read: what tells events of one instant apart, and when a row was loaded."""


@dataclass(frozen=True)
class LogThere:
    """What was seen of a log when it was stored, and when it grew."""

    touchpoints: list[str]
    rows: int
    """Events that are kept, of both tables."""
    customers: int
    numbered: int
    """Numbers that were given in the first table: whoever has a higher one came later."""
    first_rows: int
    """Events in the first table."""
    first_customers: int
    ties: int
    strange: dict[str, int] = field(default_factory=dict)
    """Event names that the mapping does not know, with their rows."""
    begins: str | None = None
    ends: str | None = None

    def names_strange(self) -> list[tuple[str, int]]:
        """Return names the mapping does not know, the most frequent first."""
        return sorted(self.strange.items(), key=lambda r: (-r[1], r[0]))


def places_there(stored: ir.Table) -> ir.Table:
    """Return the path index within a stored table: short names, then the attributes by ``at:name``."""
    own = {"event", "touchpoint", *PLACES.values()}
    attributes = {f"at:{name}": name for name in stored.columns if name not in own}
    return stored.select(**PLACES, **attributes)


def both_as_one(first: ir.Table, second: ir.Table | None, numbered: int) -> ir.Table:
    """Return the events of both tables of a log: of whoever is in the second one, those of the second."""
    if second is None:
        return first
    again = second.filter(second.path_step == 1, second.path_customer < numbered)
    return first.anti_join(again.select("path_customer"), "path_customer").union(
        second.cast(first.schema())
    )


def store_log_there(
    shelf: Any, name: str, read: ir.Table, mapping: SourceMapping, extras: list[str]
) -> LogThere:
    """Store the events of `read` that have customer, time and touchpoint as table `name`.

    Parameters
    ----------
    shelf
        A `ShelfThere`.
    read
        ``customer_id``, ``ts``, ``event``, the `extras` and, where the mapping names one, `ORDER`.
    """
    whole = _whole(read)
    counted = _counted(whole.group_by("event").agg(n=_.count()))
    codes, touchpoints = _codes(list(counted["event"]), mapping)
    ids = hold_now(whole.select("customer_id").distinct())
    numbers = _numbered(ids)
    stored = shelf.store(name, _placed(whole, ibis.memtable(codes), _drawn(numbers), extras))
    found = stored.agg(
        n=_.count(), ties=(_.path_gap == 0).cast("int32").sum(), a=_.ts.min(), b=_.ts.max(),
        customers=(_.path_step == 1).cast("int32").sum(),
    ).to_pyarrow().to_pylist()[0]  # fmt: skip
    ties = _ties(whole.semi_join(ibis.memtable(codes), "event"))["n"] if found["ties"] else 0
    customers = int(found["customers"] or 0)
    return LogThere(
        touchpoints, int(found["n"]), customers, int(ids.count().to_pyarrow().as_py()), int(found["n"]), customers,
        ties, _strange(counted, mapping), _text(found["a"]), _text(found["b"]),
    )  # fmt: skip


def grow_log_there(
    shelf: Any, name: str, read: ir.Table, fresh: ir.Table, mapping: SourceMapping, extras: list[str], *,
    before: LogThere, first: ir.Table, second: ir.Table | None, since: int,
) -> LogThere:  # fmt: skip
    """Store, as table `name`, the whole paths of the customers of `fresh` and of those in the second table until now.

    Parameters
    ----------
    read, fresh
        All events, and those that were loaded after `since`, with `LOADED` among their columns.
    before, first, second
        What was seen of the log until now, and its tables.
    since
        The last `LOADED` of the rows that are stored.

    Raises
    ------
    AnewError
        The log has to be read anew: a touchpoint is new, or the second table would be large beside the first.
    """
    came = _whole(fresh).select("customer_id")
    if second is not None:
        came = came.union(second.filter(second.path_step == 1).select("customer_id"))
    came = hold(came.distinct())
    ends = first.filter(first.path_next.isnull())
    number = ends.path_customer.cast("int64")  # Spark stores the shorter type that it counts with
    ends = ends.select("customer_id", path_customer=number, events="path_step")
    known = hold(ends.semi_join(came, "customer_id"))
    unknown = hold(came.anti_join(known, "customer_id"))
    more = _numbered(unknown).mutate(path_customer=_.path_customer + before.numbered)
    paths = hold_now(_whole(read).semi_join(came, "customer_id"))
    is_new = (paths[LOADED] > since).cast("int32")
    counted = _counted(paths.group_by("event").agg(n=_.count(), new=is_new.sum()))
    codes, _touchpoints = _codes(list(counted["event"]), mapping, before.touchpoints)
    kept = counted[counted["event"].isin(codes["event"].to_pylist())]
    if kept["n"].sum() > SHARE * before.first_rows:
        msg = "it is too much beside the rest"
        raise AnewError(msg)
    numbers = _drawn(known.drop("events").union(more))
    stored = shelf.store(name, _placed(paths, ibis.memtable(codes), numbers, extras))
    is_unknown = (_.path_step == 1) & (_.path_customer >= before.numbered)
    found = stored.agg(
        n=_.count(), customers=is_unknown.cast("int32").sum(), a=_.ts.min(), b=_.ts.max()
    ).to_pyarrow().to_pylist()[0]  # fmt: skip
    rows = before.rows + int(kept["new"].sum())
    again = int(known.events.sum().to_pyarrow().as_py() or 0)
    if rows != before.first_rows - again + int(found["n"]):
        msg = "rows of before have changed"
        raise AnewError(msg)
    ties = _ties(paths.semi_join(ibis.memtable(codes), "event"), since)
    strange = _strange(counted.assign(n=counted["new"]), mapping)
    ends = [e for e in (before.begins, before.ends, _text(found["a"]), _text(found["b"])) if e]
    return LogThere(
        before.touchpoints, rows,
        before.first_customers + int(found["customers"] or 0), before.numbered, before.first_rows,
        before.first_customers, before.ties + ties["n"] - ties["old"],
        {e: before.strange.get(e, 0) + strange.get(e, 0) for e in {**before.strange, **strange}},
        min(ends, default=None), max(ends, default=None),
    )  # fmt: skip


def _whole(read: ir.Table) -> ir.Table:
    return read.filter(read.customer_id.notnull(), read.ts.notnull(), read.event.notnull())


def _text(moment: Any) -> str | None:
    return None if moment is None else pd.Timestamp(moment).isoformat(timespec="microseconds")


def _placed(whole: ir.Table, codes: ir.Table, numbers: ir.Table, extras: list[str]) -> ir.Table:
    """Return the events with their places in their paths."""
    turn = [c for c in (ORDER,) if c in whole.columns]
    events = whole.select("customer_id", "ts", "event", *extras, *turn)
    coded = events.join(codes, "event").join(numbers, "customer_id")
    path = ibis.window(group_by="path_customer", order_by=["ts", *turn, "event", *extras])
    placed = coded.mutate(
        path_step=(ibis.row_number().over(path) + 1).cast("int32"),
        path_next=coded.path_code.lead().over(path),
        path_gap=micros(coded.ts.lead().over(path)) - micros(coded.ts),
    )
    own = [c for c in PLACES.values() if c in OWN]
    return placed.select("customer_id", "ts", "event", *extras, "touchpoint", *own)


def _ties(whole: ir.Table, since: int | None = None) -> dict[str, int]:
    """Return how many events share customer, time and order with another: ``n``, and ``old`` among those before."""
    same = ["customer_id", "ts", *(c for c in (ORDER,) if c in whole.columns)]
    is_old = whole.ts.notnull() if since is None else whole[LOADED] <= since
    at_once = whole.group_by(same).agg(n=_.count(), old=is_old.cast("int32").sum())
    found = at_once.agg(
        n=(_.n > 1).ifelse(_.n, 0).sum(), old=(_.old > 1).ifelse(_.old, 0).sum()
    ).to_pyarrow().to_pylist()[0]  # fmt: skip
    return {k: int(v or 0) for k, v in found.items()}


# --- names -------------------------------------------------------------------------------------------


def _counted(events: ir.Table) -> pd.DataFrame:
    """Return event names with their numbers of rows, in order of name."""
    names = int(events.count().to_pyarrow().as_py())
    if names > MANY_NAMES:
        msg = f"event has {names:,} different values; up to {MANY_NAMES:,} were expected. Is it the right column?"
        raise JourneyDataError(msg)
    found = collect(events)
    return found.assign(event=found["event"].astype("str")).sort_values("event", ignore_index=True)


def _codes(
    events: Sequence[str], mapping: SourceMapping, known_as: Sequence[str] | None = None
) -> tuple[pa.Table, list[str]]:
    """Return event → touchpoint and its number, in order of id or as in `known_as`, and the touchpoints."""
    aside = bool(mapping.touchpoints) and mapping.unmapped == "set aside"
    meant = {e: mapping.touchpoints.get(e, None if aside else e) for e in events}
    touchpoints = sorted({t for t in meant.values() if t is not None})
    for name in RESERVED:
        if name in touchpoints:
            msg = f"{name!r} is a reserved name. Give that event another touchpoint id."
            raise JourneyDataError(msg)
    if known_as is not None:
        if strangers := sorted({*touchpoints} - {*known_as}):
            msg = f"{strangers[0]} is a new touchpoint"
            raise AnewError(msg)
        touchpoints = list(known_as)
    code = {t: i for i, t in enumerate(touchpoints)}
    there = {e: t for e, t in meant.items() if t is not None}
    codes = {
        "event": pa.array(there, pa.string()),
        "touchpoint": pa.array(there.values(), pa.string()),
        "path_code": pa.array([code[t] for t in there.values()], pa.int32()),
    }
    return pa.table(codes), touchpoints


def _strange(counted: pd.DataFrame, mapping: SourceMapping) -> dict[str, int]:
    """Return the names the mapping does not know, with their rows."""
    rows: Mapping[str, int] = dict(zip(counted["event"], counted["n"].astype(int), strict=True))
    known = mapping.touchpoints
    return {e: int(n) for e, n in rows.items() if known and e not in known and n}


# --- numbers -----------------------------------------------------------------------------------------


def _drawn(numbers: ir.Table) -> ir.Table:
    return numbers.mutate(path_lot=lot(numbers.customer_id))


def _numbered(ids: ir.Table) -> ir.Table:
    """Return ``customer_id`` with ``path_customer``, its place (from 0) in order of id.

    Many are numbered by the beginnings of their ids, each piece by itself, so that no machine has to sort all of them.
    """
    many = int(ids.count().to_pyarrow().as_py())
    if many <= ALONE:
        place = ibis.row_number().over(order_by="customer_id")
        return ids.select("customer_id", path_customer=place.cast("int64"))
    length, heads = 1, _heads(ids, 1)
    while heads["n"].max() > ALONE and length < 64:
        length += 1
        finer = _heads(ids, length)
        if len(finer) > MANY_NAMES:
            length -= 1
            break
        heads = finer
    heads = heads.sort_values("start", ignore_index=True)
    before = heads["n"].cumsum() - heads["n"]
    offsets = pa.table(
        {"start": pa.array(heads["start"], pa.string()), "before": pa.array(before, pa.int64())}
    )
    cut = ids.select("customer_id", start=ids.customer_id.substr(0, length))
    both = cut.join(ibis.memtable(offsets), "start")
    place = ibis.row_number().over(group_by=both.start, order_by=both.customer_id)
    return both.select("customer_id", path_customer=(place + both.before).cast("int64"))


def _heads(ids: ir.Table, length: int) -> pd.DataFrame:
    found = ids.select(start=ids.customer_id.substr(0, length)).group_by("start").agg(n=_.count())
    return collect(found.limit(MANY_NAMES + 1))
