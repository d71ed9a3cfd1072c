"""The stored event log: one Parquet file in order of customer and time, the path index in it.

Beside the columns of the events contract the file holds, for each event, its place in its path:

=================  =======  ==============================================================
``path:customer``  int32    number of the customer, from 0 in order of id
``path:step``      int32    place of the event in the customer's path, from 1
``path:code``      int16    number of the touchpoint, in order of id (int32 above 32,000)
``path:next``      int16    number of the next event's touchpoint; null at the end of the path
``path:gap``       int64    microseconds to the next event; null at the end of the path
``path:lot``       int16    number of the customer by chance, of the id alone: see `shuffle.lot`
=================  =======  ==============================================================

The engine sorts; the rest is one pass over the sorted rows, so that memory stays the same whatever
the size of the log. A log that has grown has a second file of the same form beside the first one: see `grown_log`.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import ibis
import ibis.expr.types as ir
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from journey_widgets.errors import InfrastructureError, JourneyDataError, did_you_mean
from journey_widgets.events.mapping import SourceMapping
from journey_widgets.events.normalise import touchpoint_of
from journey_widgets.events.raw import ROW
from journey_widgets.events.shuffle import lot

if TYPE_CHECKING:
    from ibis.backends.duckdb import Backend

RESERVED = ("path_start", "path_end")
ROWS_AT_ONCE = 500_000
MANY_TIES = 2_000_000
"""With more tied rows than this, duplicates are looked for in the whole table."""

Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]


@dataclass
class StoredLog:
    """What was seen while a log was stored."""

    touchpoints: tuple[str, ...]
    rows: int = 0
    customers: int = 0
    ties: int = 0
    tied_rows: list[Ints] = field(default_factory=list)
    first: int | None = None
    last: int | None = None
    """Microseconds since 1970, UTC."""
    own_rows: int = 0
    own_ties: int = 0
    """Rows and ties among those that were read now; all of them, unless the log has grown."""
    again: int = 0
    """Rows that came when the log grew and are equal to an earlier one in all that is stored."""


def store_log(
    con: "Backend", table: ir.Table, names: Mapping[str, ir.Table], mapping: SourceMapping,
    target: Path, *, extras: list[str],
) -> StoredLog:  # fmt: skip
    """Write the events of `table` that have customer, time and touchpoint, and say what was seen.

    Parameters
    ----------
    con
        Connection that `table` lives on.
    table
        A normalised log: ``from:customer_id``, ``from:event``, ``ts``, `ROW`, the `extras` and, where
        the mapping names a column of order, ``__order``.
    names
        The distinct values of ``customer_id`` and ``event``, read: ``value``, ``name``.
    mapping
        What events are called here.
    target
        File to write; it is not made where no event is left.
    extras
        Further columns to carry.
    """
    events, touchpoints = event_codes(con, names["event"], mapping)
    customers = _customer_codes(con, names["customer_id"])
    wanted = ["path:customer", "path:lot", "path:code", "path:event", "ts", *extras, "path:row"]
    coded = _in_turn(table, extras).join(customers, [("from:customer_id", "value")])
    coded = coded.join(con.table("event codes"), [("from:event", "value")], rname="event:{name}")
    turn = ["path:turn", "path:source"] if "__order" in table.columns else []
    order = ["path:customer", "ts", *turn[:1], "path:row"]
    ordered = coded.select(*wanted, *turn).order_by(*order)
    ids = con.to_pyarrow(
        customers.select("path:customer", "name").distinct().order_by("path:customer")
    )
    labels = Labels(
        ids.column("name").combine_chunks().cast(pa.string()),
        pa.array(events, pa.string()),
        pa.array(touchpoints, pa.string()),
    )
    seen = write_paths(stream(con, ordered), labels, extras, target)
    seen.own_rows, seen.own_ties = seen.rows, seen.ties
    return seen


def write_paths(
    rows: Iterable[pa.RecordBatch], labels: "Labels", extras: list[str], target: Path
) -> StoredLog:
    """Write events, given in order of customer and time, with their places in their paths."""
    seen = StoredLog(tuple(labels.touchpoints.to_pylist()))
    writer: pq.ParquetWriter | None = None
    try:
        for piece in whole_paths(rows, "path:customer"):
            places = _with_places(piece, labels, extras, seen)
            if writer is None:
                writer = pq.ParquetWriter(
                    target, places.schema,
                    compression={c: "none" if c in _PLAIN else "lz4" for c in places.column_names},
                    use_dictionary=[c for c in places.column_names if c not in _PLAIN],
                    write_statistics=["path:customer", "path:step", "ts"],
                )  # fmt: skip
            writer.write_table(places, row_group_size=ROWS_AT_ONCE)
    finally:
        if writer is not None:
            writer.close()
    return seen


_PLAIN = {"ts", "row", "path:customer", "path:gap", "value"}
"""Columns with too many values for a dictionary to help."""


@dataclass(frozen=True)
class Labels:
    """The names behind numbers, each list in order of number."""

    customers: pa.StringArray
    events: pa.StringArray
    touchpoints: pa.StringArray
    numbers: Ints | None = None
    """The customers' numbers; where there are none, those who have an event are numbered in order of the list."""

    def of(self, customer: Ints) -> pa.DictionaryArray:
        """Return the ids of customers, given by number in ascending order."""
        at = customer if self.numbers is None else np.searchsorted(self.numbers, customer)
        here = self.customers.slice(int(at[0]), int(at[-1] - at[0]) + 1)
        return _named(at - at[0], here)


def _customer_codes(con: "Backend", names: ir.Table) -> ir.Table:
    """Return each spelling of a customer's id with the customer's number, in order of id."""
    known = names.filter(names["name"].notnull()).select("value", "name")
    number = ibis.dense_rank().over(order_by=known["name"]).cast("int32")
    coded = known.mutate(number.name("path:customer"), lot(known["name"]).name("path:lot"))
    return con.create_table("customer codes", coded, temp=True)


def event_codes(
    con: "Backend", names: ir.Table, mapping: SourceMapping, known_as: Sequence[str] | None = None
) -> tuple[list[str], list[str]]:
    """Number events and touchpoints in order of name, or touchpoints as in `known_as`; returns both lists."""
    known = touchpoint_of(names["name"], mapping)
    if mapping.unmapped != "set aside":
        known = ibis.coalesce(known, names["name"])
    read = names.select("value", "name", touchpoint=known)
    found = con.to_pyarrow(read.filter(read["touchpoint"].notnull()))
    events = sorted(set(found["name"].to_pylist()))
    touchpoints = sorted(set(found["touchpoint"].to_pylist()))
    for name in RESERVED:
        if name in touchpoints:
            msg = f"{name!r} is a reserved name. Give that event another touchpoint id."
            raise JourneyDataError(msg)
    event_code = {name: i for i, name in enumerate(events)}
    if known_as is not None:
        touchpoints = [*known_as, *(t for t in touchpoints if t not in set(known_as))]
    code = {name: i for i, name in enumerate(touchpoints)}
    small = pa.int16() if len(touchpoints) <= 32_000 else pa.int32()
    columns = {
        "value": found["value"],
        "path:event": pa.array([event_code[n] for n in found["name"].to_pylist()], pa.int32()),
        "path:code": pa.array([code[n] for n in found["touchpoint"].to_pylist()], small),
    }
    con.create_table("event codes", pa.table(columns), temp=True)
    return events, touchpoints


def _in_turn(table: ir.Table, extras: list[str]) -> ir.Table:
    """Return the events with their time, and their place in the input as ``row``."""
    own = ["from:customer_id", "from:event", "ts", *extras]
    events = table.filter(table["ts"].notnull())
    if "__order" not in table.columns:
        return events.select(*own, **{"path:row": ROW})
    key = events["__order"].asc(nulls_first=False)
    place = ibis.row_number().over(order_by=[key, events[ROW]])
    turn = ibis.dense_rank().over(order_by=key)
    more = {"path:row": place, "path:turn": turn, "path:source": ROW}
    return events.select(*own, **more)


def stream(con: "Backend", rows: ir.Table) -> Iterator[pa.RecordBatch]:
    """Return the rows of a lazy table piece by piece, in its order."""
    yield from con.raw_sql(con.compile(rows)).to_arrow_reader(ROWS_AT_ONCE)


def whole_paths(batches: Iterable[pa.RecordBatch], by: str = "customer") -> Iterator[pa.Table]:
    """Cut a stream of rows in order of customer (column `by`) so that nobody is in two pieces."""
    waiting: pa.Table | None = None
    for batch in batches:
        rows = pa.Table.from_batches([batch])
        if not rows.num_rows:
            continue
        if waiting is not None:
            rows = pa.concat_tables([waiting, rows])
        customer = rows[by].to_numpy()
        if (customer[1:] < customer[:-1]).any():
            msg = "The events came out of order. Report this: no result is certain here."
            raise InfrastructureError(msg)
        cut = int(np.searchsorted(customer, customer[-1]))
        waiting = rows.slice(cut)
        if cut:
            yield rows.slice(0, cut)
    if waiting is not None and waiting.num_rows:
        yield waiting


def _with_places(rows: pa.Table, labels: Labels, extras: list[str], seen: StoredLog) -> pa.Table:
    """Return the columns of the file, and note what was seen in `seen`."""
    customer = rows["path:customer"].to_numpy()
    code = rows["path:code"].to_numpy()
    moment = rows["ts"].cast(pa.timestamp("us")).cast(pa.int64()).to_numpy()
    stays = np.append(customer[1:] == customer[:-1], False)
    ahead = np.append(np.arange(1, len(code)), 0)
    begins = np.flatnonzero(~np.append(False, stays[:-1]))
    step = np.arange(1, len(code) + 1) - np.repeat(begins, np.diff(np.append(begins, len(code))))
    _note_ties(rows, stays, moment, seen)
    seen.rows += len(code)
    seen.first = int(min(moment.min(), seen.first if seen.first is not None else moment.min()))
    seen.last = int(max(moment.max(), seen.last if seen.last is not None else moment.max()))
    number = customer
    if labels.numbers is None:  # some in the list may have no event
        number = np.cumsum(~np.append(False, stays[:-1])) - 1 + seen.customers
    seen.customers += len(begins)
    return pa.table(
        {
            "customer_id": labels.of(customer),
            "ts": rows["ts"].cast(pa.timestamp("us")),
            "event": _named(rows["path:event"].to_numpy(), labels.events),
            **{name: rows[name] for name in extras},
            "touchpoint": _named(code, labels.touchpoints),
            "row": rows["path:row"],
            "path:customer": pa.array(number.astype(np.int32)),
            "path:step": pa.array(step.astype(np.int32)),
            "path:code": pa.array(code),
            "path:next": pa.array(code[ahead], mask=~stays),
            "path:gap": pa.array(moment[ahead] - moment, mask=~stays),
            "path:lot": rows["path:lot"],
            **({"path:base": rows["path:base"]} if "path:base" in rows.column_names else {}),
        }
    )


def _named(codes: npt.NDArray[Any], words: pa.StringArray) -> pa.DictionaryArray:
    return pa.DictionaryArray.from_arrays(pa.array(codes.astype(np.int32)), words)


def _note_ties(rows: pa.Table, stays: Flags, moment: Ints, seen: StoredLog) -> None:
    """Count the events that share customer and time (and order, where there is one) with another."""
    same = stays[:-1] & (moment[1:] == moment[:-1])
    if "path:turn" in rows.column_names:
        turn = rows["path:turn"].to_numpy()
        same &= turn[1:] == turn[:-1]
    tied = np.append(same, False) | np.append(False, same)
    count = int(tied.sum())
    seen.ties += count
    if count and seen.ties <= MANY_TIES:
        place = "path:source" if "path:source" in rows.column_names else "path:row"
        seen.tied_rows.append(rows[place].to_numpy()[tied].astype(np.int64))


def touchpoint_code(touchpoints: tuple[str, ...], name: str) -> int:
    """Return the number of a touchpoint; an unknown one is a `JourneyDataError` with near names."""
    try:
        return touchpoints.index(name)
    except ValueError:
        msg = f"No event of this log is at touchpoint {name!r}. {did_you_mean(name, touchpoints)}"
        raise JourneyDataError(msg) from None


_PLACES = {"customer": "path:customer", "step": "path:step", "touchpoint": "path:code",
           "next": "path:next", "gap": "path:gap", "lot": "path:lot",
           "customer_id": "customer_id", "ts": "ts"}  # fmt: skip
"""Column of the path index → column of the file."""


def file_name(column: str) -> str:
    """Return what a column of the path index is called in the file."""
    return _PLACES.get(column, column.removeprefix("at:"))


def places(table: ir.Table) -> ir.Table:
    """Return the path index within a stored log: short names, then the attributes by ``at:name``."""
    own = {"event", "touchpoint", "row", *_PLACES.values()}
    attributes = {f"at:{name}": name for name in table.columns if name not in own}
    return table.select(**_PLACES, **attributes)


def read_places(
    file: Path, columns: Sequence[str], touchpoints: Collection[int] | None
) -> Iterator[pa.RecordBatch]:
    """Return columns of the path index in the order of the file, ``customer`` and ``step`` first.

    With `touchpoints` only the events at these codes are returned.
    """
    wanted = list(dict.fromkeys(["customer", "step", *columns]))
    read = wanted if touchpoints is None or "touchpoint" in wanted else [*wanted, "touchpoint"]
    names = [file_name(c) for c in read]
    with pq.ParquetFile(file) as opened:
        for batch in opened.iter_batches(ROWS_AT_ONCE, columns=names):
            rows = batch.select(names).rename_columns(read)
            if touchpoints is not None:
                rows = rows.filter(pa.array(np.isin(rows["touchpoint"], sorted(touchpoints))))
            yield rows.select(wanted)


def without_places(table: ir.Table) -> ir.Table:
    """Return the events of a stored log, without the path index."""
    return cast("ir.Table", table.drop(*[c for c in table.columns if c.startswith("path:")]))
