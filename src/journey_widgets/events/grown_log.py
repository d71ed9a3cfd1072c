"""A log that has grown: the whole paths of those who came, or came again, beside the log as it was stored.

A file a day must cost a day, and not the log. So what is stored stays as it is; beside it lies a second file of the
same form with the customers that new events belong to, each with the whole path. Both are read as one: whoever is in
the second file is left out of the first. Each time the log grows, that second file is written anew; when it has become
large beside the first, or when something came that changes what is stored (a touchpoint nobody knew), all is read anew.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import ibis
import ibis.expr.datatypes as dt
import ibis.expr.types as ir
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from ibis import _

from journey_widgets.events.engine import beside, parquet_table
from journey_widgets.events.mapping import SourceMapping
from journey_widgets.events.raw import ROW, literal
from journey_widgets.events.shuffle import lot
from journey_widgets.events.stored_log import (
    Labels,
    StoredLog,
    event_codes,
    file_name,
    read_places,
    stream,
    whole_paths,
    write_paths,
)

if TYPE_CHECKING:
    from ibis.backends.duckdb import Backend

SHARE = 0.25
"""The second file may hold this share of the rows of the first; with more, all is read anew."""


class AnewError(Exception):
    """The log cannot grow by this; it has to be read anew."""


def grow_log(
    con: "Backend", table: ir.Table, names: dict[str, ir.Table], mapping: SourceMapping, target: Path, *,
    extras: list[str], before: StoredLog, base: Path, tail: Path | None, first_row: int,
) -> StoredLog:  # fmt: skip
    """Write the second file: whole paths of the customers of new events, and of those it held before.

    Parameters
    ----------
    table, names, mapping, target, extras
        As in `store_log`, of the new rows alone.
    before
        What was seen of the log until now; `base` and `tail` are its first and second file.
    first_row
        Number of the first new row.

    Raises
    ------
    AnewError
        The log has to be read anew.
    """
    events, touchpoints = event_codes(con, names["event"], mapping, before.touchpoints)
    if len(touchpoints) > len(before.touchpoints):
        msg = f"{touchpoints[-1]} is a new touchpoint"
        raise AnewError(msg)
    first = con.read_parquet(literal(base), hive_partitioning=False)
    second = None if tail is None else con.read_parquet(literal(tail), hive_partitioning=False)
    people = _people(con, _rows(first, second), names["customer_id"], before.numbers)
    old = con.create_table("old rows", _old_rows(con, first, second, people, extras), temp=True)
    was = _seen(old)
    new = _new_rows(con, table, people, {n: first[n].type() for n in ("ts", *extras)})
    fresh = int(new.count().to_pyarrow().as_py())
    if was["rows"] + fresh > SHARE * pq.read_metadata(base).num_rows or not fresh:
        msg = "it is too much beside the rest" if fresh else "no row of it is kept"
        raise AnewError(msg)
    labels = _labels(con, events, touchpoints, old, people, second)
    coded = old.join(con.table("event labels"), [("event", "label")]).drop("event", "label")
    both = coded.select(*new.columns).union(new)
    seen = write_paths(
        stream(con, both.order_by("path:customer", "ts", "path:row")), labels, extras, target
    )
    ids = int(people.agg(n=_["path:customer"].max()).to_pyarrow()["n"][0].as_py())
    again = _again(con.read_parquet(literal(target), hive_partitioning=False), extras, first_row)
    return StoredLog(
        before.touchpoints, before.rows + fresh, before.customers + seen.customers - was["customers"],
        before.ties - was["ties"] + seen.ties, seen.tied_rows, min(_known(before.first, seen.first)),
        max(_known(before.last, seen.last)), max(before.numbers, ids + 1), fresh, seen.ties, before.again + again,
    )  # fmt: skip


def _known(*values: int | None) -> list[int]:
    return [v for v in values if v is not None]


def _rows(first: ir.Table, second: ir.Table | None) -> ir.Table:
    """Return the rows of both files; customers of the second one are left out of the first."""
    if second is None:
        return first
    return first.anti_join(second.select("path:customer").distinct(), "path:customer").union(second)


def _people(con: "Backend", stored: ir.Table, ids: ir.Table, numbers: int) -> ir.Table:
    """Return the customers of new rows: ``value`` in the source, ``name``, and ``path:customer``, known or new."""
    came = ids.filter(ids["name"].notnull()).select("value", "name")
    who = con.create_table("who came", came.select("name").distinct(), temp=True)
    known = stored.filter(_["path:step"] == 1).select("path:customer", name="customer_id")
    known = con.create_table("who was known", known.semi_join(who, "name"), temp=True)
    fresh = who.anti_join(known, "name")
    number = (ibis.row_number().over(order_by=fresh["name"]) + numbers).cast("int32")
    both = known.select("name", "path:customer").union(
        fresh.select("name", number.name("path:customer"))
    )
    who = came.join(both, "name").select("value", "name", "path:customer")
    return con.create_table("who is who", who.mutate(lot(who["name"]).name("path:lot")), temp=True)


def _old_rows(
    con: "Backend", first: ir.Table, second: ir.Table | None, people: ir.Table, extras: list[str]
) -> ir.Table:
    """Return the stored rows of those who came again, and all of the second file."""
    wanted = ["path:customer", "path:lot", "path:code", "event", "ts", *extras]
    came = people.select("path:customer").distinct()
    if second is None:
        return first.semi_join(came, "path:customer").select(*wanted, **{"path:row": "row"})
    away = con.create_table("who is there", second.select("path:customer").distinct(), temp=True)
    again = first.semi_join(came.anti_join(away, "path:customer"), "path:customer")
    return again.union(second).select(*wanted, **{"path:row": "row"})


def _seen(old: ir.Table) -> dict[str, int]:
    """Return what was counted of stored rows before: ``rows``, ``customers``, ``ties``."""
    at_once = old.group_by("path:customer", "ts").agg(n=_.count())
    found = at_once.agg(
        rows=_.n.sum(), customers=_["path:customer"].nunique(), ties=_.n.sum(where=_.n > 1)
    )
    return {n: int(v or 0) for n, v in found.to_pyarrow().to_pylist()[0].items()}


def _new_rows(
    con: "Backend", table: ir.Table, people: ir.Table, carried: Mapping[str, dt.DataType]
) -> ir.Table:
    """Return the new events by number of customer, event and touchpoint, with the columns carried in their types."""
    events = table.filter(table["ts"].notnull())
    typed = {name: events[name].cast(kind) for name, kind in carried.items()}
    events = events.select("from:customer_id", "from:event", **typed, **{"path:row": ROW})
    coded = events.join(people, [("from:customer_id", "value")])
    coded = coded.join(con.table("event codes"), [("from:event", "value")], rname="event:{name}")
    wanted = ["path:customer", "path:lot", "path:code", "path:event", *carried, "path:row"]
    return con.create_table("new rows", coded.select(*wanted), temp=True)


def _labels(
    con: "Backend", events: Sequence[str], touchpoints: Sequence[str], old: ir.Table, people: ir.Table,
    second: ir.Table | None,
) -> Labels:  # fmt: skip
    """Return the names behind the numbers of the second file; table ``event labels`` gives those of stored events."""
    stored = old.select("event").distinct().to_pyarrow()["event"].to_pylist()
    labels = [*events, *sorted(set(stored) - set(events))]
    numbered = {
        "label": pa.array(labels, pa.string()),
        "path:event": pa.array(range(len(labels)), pa.int32()),
    }
    con.create_table("event labels", pa.table(numbered), temp=True)
    own = people.select("name", "path:customer")
    if second is not None:
        there = second.filter(_["path:step"] == 1).select("path:customer", name="customer_id")
        own = own.union(there.select("name", "path:customer"))
    who = con.to_pyarrow(own.distinct().order_by("path:customer"))
    return Labels(
        who["name"].combine_chunks().cast(pa.string()), pa.array(labels, pa.string()),
        pa.array(list(touchpoints), pa.string()), who["path:customer"].to_numpy(),
    )  # fmt: skip


def _again(stored: ir.Table, extras: list[str], first_row: int) -> int:
    """Return how many rows from `first_row` on are equal to an earlier one in all that is stored."""
    alike = stored.group_by("path:customer", "ts", "event", *extras).agg(
        old=(_.row < first_row).sum(), new=(_.row >= first_row).sum()
    )
    return int(alike.agg(n=_.new.sum(where=_.old > 0)).to_pyarrow()["n"][0].as_py() or 0)


# --- both files as one --------------------------------------------------------------------------------


def log_table(base: Path, tail: Path | None) -> ir.Table:
    """Return the rows of a stored log, of both its files, with the columns of `stored_log`."""
    first = parquet_table(base)
    if tail is None:
        return first
    second = parquet_table(tail)
    there = second.select("path:customer").distinct().to_pyarrow()
    kept = first.anti_join(beside(there, first), "path:customer")
    return kept.union(second.select(*first.columns))


def read_grown(
    base: Path, tail: Path | None, columns: Sequence[str], touchpoints: Collection[int] | None
) -> Iterator[pa.Table]:
    """Return columns of the path index, of both files, in order of customer and step, whole paths at a time."""
    first = whole_paths(read_places(base, columns, touchpoints))
    if tail is None:
        yield from first
        return
    there = np.unique(pq.read_table(tail, columns=[file_name("customer")])[0].to_numpy())
    second = whole_paths(read_places(tail, columns, touchpoints))
    waiting = next(second, None)
    for piece in first:
        kept = piece.filter(pa.array(~np.isin(piece["customer"].to_numpy(), there)))
        last = int(piece["customer"][-1].as_py())
        between = []
        while waiting is not None and waiting["customer"][0].as_py() < last:
            cut = int(np.searchsorted(waiting["customer"].to_numpy(), last))
            between.append(waiting.slice(0, cut))
            waiting = waiting.slice(cut) if cut < waiting.num_rows else next(second, None)
        if between:
            kept = pa.concat_tables([kept, *between]).unify_dictionaries()
            turn = np.argsort(kept["customer"].to_numpy(), kind="stable")
            kept = kept.take(pa.array(turn))
        if kept.num_rows:
            yield kept
    while waiting is not None:
        yield waiting
        waiting = next(second, None)
