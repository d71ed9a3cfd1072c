"""A log that has grown: the whole paths of those who came, or came again, beside the log as it was stored.

A file a day must cost a day, and not the log. So what is stored stays as it is; beside it lies a second file of the
same form with the customers that new events belong to, each with the whole path, and one column more:

=============  =====  =====================================================================
``path:base``  int32  number of the customer in the first file; null for one who is new
=============  =====  =====================================================================

Both are read as one: whoever is in the second file is left out of the first, and customers have the numbers they would
have if all had come at once, in order of id. Each time the log grows, the second file is written anew; when it has
become large beside the first, or when something came that changes what is stored (a touchpoint nobody knew), all is
read anew.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import ibis
import ibis.expr.datatypes as dt
import ibis.expr.types as ir
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
from ibis import _

from journey_widgets.events.engine import parquet_table
from journey_widgets.events.mapping import SourceMapping
from journey_widgets.events.raw import ROW, literal
from journey_widgets.events.shuffle import lot
from journey_widgets.events.stored_log import (
    Labels,
    StoredLog,
    event_codes,
    read_places,
    stream,
    whole_paths,
    write_paths,
)

if TYPE_CHECKING:
    from ibis.backends.duckdb import Backend

Ints = npt.NDArray[np.int64]

SHARE = 0.5
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
        As in `store_log`, of the new rows alone. The file is not made where none of them is kept.
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
    new = _new_rows(con, table, names["customer_id"], {n: first[n].type() for n in ("ts", *extras)})
    fresh = int(new.count().to_pyarrow().as_py())
    if not fresh:
        return replace(before, own_rows=0, own_ties=0, tied_rows=[])
    people = _people(con, first, second, new)
    old = con.create_table("old rows", _old_rows(con, first, second, people, extras), temp=True)
    was = _seen(old)
    if was["rows"] + fresh > SHARE * pq.read_metadata(base).num_rows:
        msg = "it is too much beside the rest"
        raise AnewError(msg)
    labels = _labels(con, events, touchpoints, old, people)
    coded = old.join(con.table("event labels"), [("event", "path:label")])
    wanted = ["path:name", "path:code", "path:event", "ts", *extras, "path:row"]
    both = coded.select(*wanted).union(new.select(*wanted)).join(people, "path:name")
    places = [
        "path:customer",
        "path:lot",
        "path:code",
        "path:event",
        "ts",
        *extras,
        "path:row",
        "path:base",
    ]
    ordered = both.select(*places).order_by("path:customer", "ts", "path:row")
    seen = write_paths(stream(con, ordered), labels, extras, target)
    again = _again(con.read_parquet(literal(target), hive_partitioning=False), extras, first_row)
    return StoredLog(
        before.touchpoints, before.rows + fresh, before.customers + seen.customers - was["customers"],
        before.ties - was["ties"] + seen.ties, seen.tied_rows, min(_known(before.first, seen.first)),
        max(_known(before.last, seen.last)), fresh, seen.ties, before.again + again,
    )  # fmt: skip


def _known(*values: int | None) -> list[int]:
    return [v for v in values if v is not None]


def _new_rows(
    con: "Backend", table: ir.Table, ids: ir.Table, carried: Mapping[str, dt.DataType]
) -> ir.Table:
    """Return the new events by name of customer and number of event and touchpoint, as `event_codes` numbered them."""
    events = table.filter(table["ts"].notnull())
    typed = {name: events[name].cast(kind) for name, kind in carried.items()}
    events = events.select("from:customer_id", "from:event", **typed, **{"path:row": ROW})
    came = ids.filter(ids["name"].notnull()).select(**{"path:value": "value", "path:name": "name"})
    coded = events.join(came, [("from:customer_id", "path:value")])
    codes = con.table("event codes").rename({"path:word": "value"})
    coded = coded.join(codes, [("from:event", "path:word")])
    named = {n: n for n in ("path:name", "path:code", "path:event", *carried, "path:row")}
    return con.create_table("new rows", coded.select(**named), temp=True)


def _people(con: "Backend", first: ir.Table, second: ir.Table | None, new: ir.Table) -> ir.Table:
    """Return the customers of the second file: ``name``, ``path:customer``, ``path:base``, ``path:lot``.

    A new customer comes between those of the first file by id; all behind him move up by one.
    """
    stored = first.filter(_["path:step"] == 1).select(
        **{"path:name": "customer_id", "at": "path:customer"}
    )
    came = new.select("path:name").distinct()
    if second is not None:
        there = second.filter(_["path:step"] == 1).select(**{"path:name": "customer_id"})
        came = came.union(there, distinct=True)
    came = con.create_table("who came", came, temp=True)
    known = stored.semi_join(came, "path:name")
    fresh = came.anti_join(stored, "path:name")
    below = stored.rename({"path:below": "path:name"})
    placed = fresh.asof_join(below, fresh["path:name"] >= below["path:below"])
    found = [
        con.to_pyarrow(t).sort_by("path:name")
        for t in (known.select("path:name", "at"), placed.select("path:name", "at"))
    ]
    base = found[0]["at"].to_numpy().astype(np.int64)
    before = np.asarray(found[1]["at"].fill_null(-1).to_numpy(), np.int64) + 1
    numbers = np.concatenate([_moved_up(base, before), before + np.arange(len(before))])
    names = pa.concat_arrays([c for t in found for c in t["path:name"].cast(pa.string()).chunks])
    own = pa.array(
        np.concatenate([base, before]).astype(np.int32), mask=np.arange(len(numbers)) >= len(base)
    )
    people = pa.table(
        {"path:name": names, "path:customer": pa.array(numbers.astype(np.int32)), "path:base": own}
    )
    who = con.create_table("who", people, temp=True)
    return con.create_table(
        "who is who", who.mutate(lot(who["path:name"]).name("path:lot")), temp=True
    )


def _moved_up(base: Ints, before: Ints) -> Ints:
    """Return numbers in the first file as they are with the new ones between: `before`, how many stand before each."""
    found: Ints = base + np.searchsorted(before, base, side="right")
    return found


def _old_rows(
    con: "Backend", first: ir.Table, second: ir.Table | None, people: ir.Table, extras: list[str]
) -> ir.Table:
    """Return the stored rows of those who came again, and all of the second file."""
    named = {
        "path:name": "customer_id",
        **{n: n for n in ("path:code", "event", "ts", *extras)},
        "path:row": "row",
    }
    came = people.filter(people["path:base"].notnull()).select(at="path:base")
    if second is None:
        return first.semi_join(came, [("path:customer", "at")]).select(**named)
    there = second.filter(second["path:base"].notnull()).select(at="path:base").distinct()
    away = con.create_table("who is there", there, temp=True)
    again = first.semi_join(came.anti_join(away, "at"), [("path:customer", "at")])
    return again.select(**named).union(second.select(**named))


def _seen(old: ir.Table) -> dict[str, int]:
    """Return what was counted of stored rows before: ``rows``, ``customers``, ``ties``."""
    at_once = old.group_by("path:name", "ts").agg(**{"path:many": _.count()})
    many = at_once["path:many"]
    found = at_once.agg(
        rows=many.sum(), customers=at_once["path:name"].nunique(), ties=many.sum(where=many > 1)
    )
    return {n: int(v or 0) for n, v in found.to_pyarrow().to_pylist()[0].items()}


def _labels(
    con: "Backend",
    events: Sequence[str],
    touchpoints: Sequence[str],
    old: ir.Table,
    people: ir.Table,
) -> Labels:
    """Return the names behind the numbers of the second file; table ``event labels`` gives those of stored events."""
    stored = old.select("event").distinct().to_pyarrow()["event"].to_pylist()
    labels = [*events, *sorted(set(stored) - set(events))]
    numbered = {
        "path:label": pa.array(labels, pa.string()), "path:event": pa.array(range(len(labels)), pa.int32()),
    }  # fmt: skip
    con.create_table("event labels", pa.table(numbered), temp=True)
    who = con.to_pyarrow(people.select("path:name", "path:customer").order_by("path:customer"))
    return Labels(
        who["path:name"].combine_chunks().cast(pa.string()), pa.array(labels, pa.string()),
        pa.array(list(touchpoints), pa.string()), who["path:customer"].to_numpy(),
    )  # fmt: skip


def _again(stored: ir.Table, extras: list[str], first_row: int) -> int:
    """Return how many rows from `first_row` on are equal to an earlier one in all that is stored."""
    named = {f"path:own:{n}": n for n in extras}
    rows = stored.select(
        "path:customer", **named, **{"path:ts": "ts", "path:event": "event", "path:row": "row"}
    )
    own = [c for c in rows.columns if c != "path:row"]
    row = rows["path:row"]
    alike = rows.group_by(*own).agg(
        **{"path:old": (row < first_row).sum(), "path:new": (row >= first_row).sum()}
    )
    found = alike.agg(n=alike["path:new"].sum(where=alike["path:old"] > 0))
    return int(found.to_pyarrow()["n"][0].as_py() or 0)


# --- both files as one --------------------------------------------------------------------------------


@lru_cache(maxsize=8)
def _people_of(tail: Path) -> tuple[Ints, Ints]:
    """Return who of the first file is in the second one, and how many of the first stand before each who is new."""
    read = pq.read_table(
        tail, columns=["path:customer", "path:base"], filters=[("path:step", "==", 1)]
    )
    base, number = read["path:base"], read["path:customer"].to_numpy().astype(np.int64)
    is_new = base.is_null().to_numpy()
    fresh = np.sort(number[is_new])
    there = np.sort(base.drop_null().to_numpy().astype(np.int64))
    return there, fresh - np.arange(len(fresh))


@lru_cache(maxsize=4)
def _numbers(base: Path, tail: Path) -> ir.Table | None:
    """Return the numbers of customers of the first file as they are now; None where none has moved."""
    _there, before = _people_of(tail)
    many = _customers_in(base)
    if not len(before) or before[0] >= many:
        return None
    at = np.arange(many)
    now = _moved_up(at, before)
    moved = pa.table(
        {"path:at": pa.array(at.astype(np.int32)), "path:now": pa.array(now.astype(np.int32))}
    )
    return ibis.memtable(moved)


def _customers_in(base: Path) -> int:
    """Return how many customers the first file holds: one more than the last number in it."""
    metadata = pq.read_metadata(base)
    place = metadata.schema.to_arrow_schema().get_field_index("path:customer")
    last = metadata.row_group(metadata.num_row_groups - 1).column(place).statistics
    return int(last.max) + 1


def log_table(base: Path, tail: Path | None) -> ir.Table:
    """Return the rows of a stored log, of both its files, with the columns of `stored_log`."""
    first = parquet_table(base)
    if tail is None:
        return first
    second = parquet_table(tail)
    there = (
        second.filter(second["path:base"].notnull()).select(**{"path:at": "path:base"}).distinct()
    )
    kept = first.anti_join(there, [("path:customer", "path:at")])
    numbers = _numbers(base, tail)
    if numbers is not None:
        moved = kept.join(numbers, [("path:customer", "path:at")])
        kept = moved.select(
            *(moved["path:now"].name(c) if c == "path:customer" else c for c in first.columns)
        )
    return kept.union(second.select(*first.columns))


def read_grown(
    base: Path, tail: Path | None, columns: Sequence[str], touchpoints: Collection[int] | None
) -> Iterator[pa.Table]:
    """Return columns of the path index, of both files, in order of customer and step, whole paths at a time."""
    first = whole_paths(read_places(base, columns, touchpoints))
    if tail is None:
        yield from first
        return
    there, before = _people_of(tail)
    is_there = np.zeros(_customers_in(base), np.bool_)
    is_there[there] = True
    second = whole_paths(read_places(tail, columns, touchpoints))
    waiting = next(second, None)
    for piece in first:
        own = piece["customer"].to_numpy().astype(np.int64)
        number = pa.array(_moved_up(own, before).astype(np.int32))
        moved = piece.set_column(piece.column_names.index("customer"), "customer", number)
        kept = moved.filter(pa.array(~is_there[own]))
        last = int(number[-1].as_py())
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
