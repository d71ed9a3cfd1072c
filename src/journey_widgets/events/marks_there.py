"""What tells one state of a table in a warehouse from another, and which rows were loaded since the one before."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import ibis
import ibis.expr.types as ir

from journey_widgets.errors import JourneyDataError
from journey_widgets.events.engine import engine_of
from journey_widgets.events.instants import micros
from journey_widgets.events.log_there import LOADED
from journey_widgets.events.shuffle import to_utf8


@dataclass(frozen=True)
class Marks:
    """What tells one state of a table from another: rows, sums over a hash of each, and the last time of loading."""

    rows: int
    a: int
    b: int
    until: int | None = None
    blank: int = 0
    """Rows that do not say when they were loaded."""


def as_number(loaded: ir.Value, name: str) -> ir.IntegerValue:
    """Return when rows were loaded as a number that rises: of times, microseconds."""
    kind = loaded.type()
    if kind.is_integer() or (kind.is_decimal() and kind.scale == 0):
        number: ir.IntegerValue = loaded.cast("int64")
        return number
    if kind.is_timestamp() or kind.is_date():
        at = loaded.cast("timestamp('UTC')") if getattr(kind, "timezone", None) else loaded
        moment: ir.IntegerValue = micros(at.cast("timestamp(6)"))
        return moment
    msg = f"loaded_at names {name!r}, which is {kind} in the warehouse; a time or a whole number was needed."
    raise JourneyDataError(msg)


def well_before(number: int, loaded: ir.Value) -> ir.Value:
    """Return such a number, or the day before, as a value of the column's own type.

    Engines skip parts of a table by it. Which rows are meant is told by `as_number`; an engine may read a time that
    has no zone in a zone of its own, hence the day.
    """
    kind = loaded.type()
    if not (kind.is_timestamp() or kind.is_date()):
        return ibis.literal(number)
    try:
        moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=number, days=-1)
    except OverflowError:
        moment = datetime.min.replace(tzinfo=UTC)
    if kind.is_date():
        return ibis.literal(moment.date())
    zoned = getattr(kind, "timezone", None) is not None
    return ibis.literal(moment if zoned else moment.replace(tzinfo=None), kind)


@ibis.udf.scalar.builtin(name="xxhash64")
def _xxhash(data: bytes) -> bytes:  # type: ignore[empty-body]
    """Return a hash of bytes (Trino)."""


@ibis.udf.scalar.builtin(name="from_big_endian_64")
def _as_whole_number(data: bytes) -> int:  # type: ignore[empty-body]
    """Return eight bytes as a number (Trino)."""


def hashed(text: ir.StringValue) -> ir.IntegerValue:
    """Return a number that says whether two texts are the same, in the engine they live in alone."""
    found: ir.IntegerValue = (
        _as_whole_number(_xxhash(to_utf8(text))) if engine_of(text) == "trino" else text.hash()
    )
    return found


def marks_asked(
    table: ir.Table, columns: Sequence[str], loaded: str | None = None, until: int | None = None
) -> ir.Table:
    """Return one row with the figures of `marks_of`."""
    whole: Any = ibis.literal("")
    for name in columns:
        whole = whole + "\x1f" + table[name].cast("string").fill_null("\x1e")
    named = {} if loaded is None else {LOADED: as_number(table[loaded], loaded)}
    marked = table.select(mark=hashed(whole), **named)
    if until is not None:
        marked = marked.filter(marked[LOADED] <= until)
    sums: dict[str, Any] = {
        "rows": marked.count(),
        "a": (marked.mark % 1_000_003).sum(),
        "b": (marked.mark % 998_244_353).sum(),
    }
    if loaded is not None:
        sums |= {
            "until": marked[LOADED].max(),
            "blank": marked[LOADED].isnull().cast("int32").sum(),
        }
    return marked.agg(**sums)


def marks_of(
    table: ir.Table, columns: Sequence[str], loaded: str | None = None, until: int | None = None
) -> Marks:
    """Return the marks of a table by some of its columns, as they stand there.

    Parameters
    ----------
    loaded
        The column that says when a row was loaded.
    until
        Of the rows alone that were loaded up to this time, as `as_number` tells it.
    """
    found = marks_asked(table, columns, loaded, until).to_pyarrow().to_pylist()[0]
    rows, a, b, blank = (int(found.get(n) or 0) for n in ("rows", "a", "b", "blank"))
    last = found.get("until")
    return Marks(rows, a, b, None if last is None else int(last), blank)


def refuse_blank(marks: Marks, name: str) -> None:
    """Refuse rows of which nobody can say when they were loaded; `name` is the column's own name."""
    if marks.blank:
        msg = (
            f"loaded_at names {name!r}, which is blank in {marks.blank:,} rows: nobody can say when they came. Fill "
            "it there, or leave loaded_at out."
        )
        raise JourneyDataError(msg)
