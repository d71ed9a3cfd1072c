"""The path index: who did what after what, stored once, asked often.

Every path question reads this table alone. One row per event:

=================  =========  ============================================================
``customer``       int32      number of the customer, in order of id
``step``           int32      place of the event in the customer's path, from 1
``touchpoint``     int32      code; `PathIndex.touchpoints` holds the ids
``next``           int32      code of the following event; null at the end of the path
``gap``            int64      microseconds to the following event; null at the end
``ts``             timestamp  when, UTC
=================  =========  ============================================================
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import ibis
import ibis.expr.types as ir
import pandas as pd
from ibis import _

from journey_widgets.errors import JourneyDataError, did_you_mean
from journey_widgets.events.engine import collect, engine, parquet_table
from journey_widgets.events.source import Source, read_events
from journey_widgets.tables import require_columns

INDEX = "2"
"""Raised when the index changes what it holds, so that stored ones are made anew."""
RESERVED = ("path_start", "path_end")


@dataclass(frozen=True)
class PathIndex:
    """The path index of one log: a lazy table, and the touchpoint ids behind its codes."""

    table: ir.Table
    touchpoints: tuple[str, ...]

    def code(self, touchpoint: str) -> int:
        """Return the code of a touchpoint; an unknown one is a `JourneyDataError`."""
        try:
            return self.touchpoints.index(touchpoint)
        except ValueError:
            hint = did_you_mean(touchpoint, self.touchpoints)
            msg = f"No event of this log is at touchpoint {touchpoint!r}. {hint}"
            raise JourneyDataError(msg) from None

    def name(self, code: ir.Value) -> ir.StringValue:
        """Return the expression that turns codes back into ids."""
        return code.cases(*enumerate(self.touchpoints), else_=None)

    def customers(self) -> int:
        """Return how many customers the log holds."""
        return int(self.table.customer.nunique().to_pyarrow().as_py())


def path_index(log: Any) -> PathIndex:
    """Return the path index of `log`: a `Source` of events, a table of events, or an index.

    A table needs ``customer_id``, ``ts`` and ``event``. Events of one customer
    at the same time keep their order in the table. The index of a `Source` is stored beside it.
    """
    if isinstance(log, PathIndex):
        return log
    if not isinstance(log, Source):
        log = read_events(log)
    if log.kind != "events":
        msg = f"A path needs events; this source holds {log.kind}. Use ws.events() or read_events."
        raise JourneyDataError(msg)
    target = log.path.with_suffix(f".paths{INDEX}.parquet")
    names = target.with_suffix(".json")
    if not (target.exists() and names.exists()):
        made = _build(log.table)
        part = target.with_suffix(".part")
        made.table.to_parquet(part)
        part_names = names.with_suffix(".part.json")
        part_names.write_text(json.dumps(made.touchpoints), "utf-8")
        part.replace(target)
        part_names.replace(names)
    return PathIndex(parquet_table(target), tuple(json.loads(names.read_text("utf-8"))))


def index_where(log: Source, column: str, values: Sequence[str]) -> PathIndex:
    """Return the path index of the events whose `column` is one of `values`.

    The paths are those of the chosen events alone: what came between is not there.
    """
    require_columns(log.table.columns, column, name="the event log")
    known = collect(log.table.select(column).distinct())[column].dropna().astype(str)
    for value in values:
        if value not in set(known):
            msg = f"No event has {column} = {value!r}. {did_you_mean(value, known)}"
            raise JourneyDataError(msg)
    return _build(log.table.filter(log.table[column].isin(list(values))), store=True)


def _build(table: ir.Table, *, store: bool = False) -> PathIndex:
    names = collect(table.select("touchpoint").distinct().order_by("touchpoint"))["touchpoint"]
    touchpoints = tuple(str(n) for n in names)
    reserved = [n for n in RESERVED if n in touchpoints]
    if reserved:
        msg = f"{reserved[0]!r} is a reserved name. Give that event another touchpoint id."
        raise JourneyDataError(msg)
    codes = ibis.memtable(
        pd.DataFrame({"touchpoint": list(touchpoints), "code": range(len(touchpoints))}),
        schema={"touchpoint": "string", "code": "int32"},
    )
    coded = table.join(codes, "touchpoint").select(
        "row", "ts", touchpoint="code",
        customer=(ibis.dense_rank().over(order_by=table.customer_id)).cast("int32"),
    )  # fmt: skip
    by_customer = ibis.window(group_by="customer", order_by=["ts", "row"])
    index = coded.select(
        "customer",
        "touchpoint",
        "ts",
        step=(ibis.row_number().over(by_customer) + 1).cast("int32"),
        next=_.touchpoint.lead().over(by_customer),
        gap=micros(_.ts.lead().over(by_customer)) - micros(_.ts),
    ).order_by("customer", "step")
    if store:
        index = engine().create_table(ibis.util.gen_name("paths"), index, temp=True)
    return PathIndex(index, touchpoints)


@ibis.udf.scalar.builtin(name="epoch_us")
def micros(moment: ibis.dtype("timestamp")) -> int:  # type: ignore[valid-type, empty-body]
    """Microseconds since 1970-01-01 UTC."""
