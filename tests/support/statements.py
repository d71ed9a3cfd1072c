"""The SQL of engines that nobody ran, as our expressions become it; run as a program it keeps it beside the tests.

python tests/support/statements.py
"""

import re
import sys
from datetime import datetime
from pathlib import Path

import ibis
import ibis.expr.operations as ops
from ibis import _

from journey_widgets.events.calendar import Calendar
from journey_widgets.events.instants import from_micros, micros
from journey_widgets.events.log_there import _placed, both_as_one
from journey_widgets.events.marks_there import marks_asked, well_before
from journey_widgets.events.paths import PathIndex
from journey_widgets.events.quantiles import exact_quantiles
from journey_widgets.events.shuffle import group_of, lot
from journey_widgets.journey import attempts_there
from journey_widgets.journey.attempts import Rules
from journey_widgets.journey.path_texts import path_texts
from journey_widgets.journey.sessions import _cut_there

NOT_RUN = ("trino", "bigquery", "snowflake", "clickhouse")
KEPT = Path(__file__).parent.parent / "events" / "sql"
RAW = {"visitor": "string", "time": "timestamp(6)", "page": "string", "device": "string",
       "loaded": "timestamp(6)"}  # fmt: skip
INDEX = {
    "customer": "int64", "step": "int32", "touchpoint": "int32", "next": "int32", "gap": "int64",
    "lot": "int16", "customer_id": "string", "ts": "timestamp(6)", "at:device": "string",
}  # fmt: skip


class Engine:
    """Stands for a connection: expressions ask it for its name alone."""

    def __init__(self, name):
        self.name = name


def table(engine, name, schema):
    return ops.DatabaseTable(name=name, schema=ibis.schema(schema), source=Engine(engine)).to_expr()


def statements(engine):
    given = table(engine, "events", RAW)
    raw = given.select(customer_id="visitor", ts="time", event="page", device="device")
    came = given.filter(given.loaded >= well_before(1_700_000_000_000_001, given.loaded))
    stored = [
        table(engine, n, {"customer_id": "string", "path_customer": "int64", "path_step": "int32"})
        for n in ("stored", "stored_since")
    ]
    codes = table(
        engine, "codes", {"event": "string", "touchpoint": "string", "path_code": "int32"}
    )
    numbers = table(
        engine, "numbers", {"customer_id": "string", "path_customer": "int64", "path_lot": "int16"}
    )
    index = PathIndex(None, ("cart", "visit"), there=table(engine, "log", INDEX))
    events = index.table.select("customer", "step", "touchpoint", at=micros(_.ts))
    ahead = attempts_there._with_next(events, [0, 1], [])
    rules = Rules.read(order="this", entry="any", within="7d", exclude=())
    begin, end = datetime(2026, 1, 1), datetime(2026, 12, 31)  # noqa: DTZ001 - UTC
    calendar = Calendar.over("month", "Europe/Rome", begin, end)
    gaps, quantile = exact_quantiles(index.table, ["touchpoint", "next"], "gap")
    months = index.table.group_by(month=calendar.number(micros(_.ts))).agg(n=_.customer.nunique())
    return {
        "path index": _placed(raw, codes, numbers, ["device"]),
        "what has changed": marks_asked(given, ["visitor", "loaded"], "loaded", 1_700_000_000_000_000),
        "loaded since": came,
        "a log that has grown": both_as_one(*stored, 1_000),
        "instants": index.table.select(m=micros(_.ts), t=from_micros(micros(_.ts) + 1)),
        "transitions": index.table.group_by("touchpoint", "next").agg(n=_.count(), m=_.gap.max()),
        "times of transitions": gaps.group_by("touchpoint", "next").agg(half=quantile(0.5)),
        "random groups": index.table.select(g=group_of(_.lot, 200), c=lot(index.table.customer_id)),
        "next steps": ahead,
        "attempts": attempts_there._best(attempts_there._in_order(ahead, [1, 0], rules), 2, rules),
        "sessions": _cut_there(index, 1_800_000_000),
        "whole paths": path_texts(index, index.touchpoints, " -> "),
        "months": months,
    }  # fmt: skip


def text(engine):
    """Return all statements of an engine, without names that are drawn and orders that are by chance."""
    made = []
    for name, expression in statements(engine).items():
        found = re.sub(r"[0-9a-z]{26}", "…", str(ibis.to_sql(expression, dialect=engine)))
        found = re.sub(r"(EXCEPT|EXCLUDE) \(([^()]*)\)", _sorted, found)
        made.append(f"-- {name}\n{found};\n")
    return "\n".join(made)


def _sorted(found):
    return f"{found[1]} ({', '.join(sorted(c.strip() for c in found[2].split(',')))})"


if __name__ == "__main__":
    KEPT.mkdir(exist_ok=True)
    for engine in NOT_RUN:
        (KEPT / f"{engine}.sql").write_text(text(engine), "utf-8")
    sys.stdout.write(f"{len(NOT_RUN)} files in {KEPT}\n")
