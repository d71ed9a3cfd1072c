"""Instants as whole microseconds since 1970-01-01 UTC, and back, in the engine that holds them.

Engines agree on little here: what they share (seconds since 1970) drops the fraction on some of them and keeps it
on others. So each has its own function, and one without is asked by way of seconds and microseconds.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import ibis
import ibis.expr.types as ir
from ibis.common.deferred import deferrable

from journey_widgets.events.engine import engine_of

ZONED = "timestamp('UTC')"


@ibis.udf.scalar.builtin(name="epoch_us")
def _duckdb_micros(moment: ibis.dtype("timestamp")) -> int:  # type: ignore[valid-type, empty-body]
    """Return an instant as microseconds."""


@ibis.udf.scalar.builtin(name="make_timestamp")
def _duckdb_moment(micros: int) -> ibis.dtype("timestamp"):  # type: ignore[valid-type]
    """Return microseconds as an instant."""


@ibis.udf.scalar.builtin(name="unix_micros")
def _unix_micros(moment: ibis.dtype(ZONED)) -> int:  # type: ignore[valid-type, empty-body]
    """Return an instant as microseconds (Spark, BigQuery)."""


@ibis.udf.scalar.builtin(name="timestamp_micros")
def _timestamp_micros(micros: int) -> ibis.dtype(ZONED):  # type: ignore[valid-type]
    """Return microseconds as an instant (Spark, BigQuery)."""


@ibis.udf.scalar.builtin(name="from_unixtime_nanos")
def _from_nanos(nanos: int) -> ibis.dtype(ZONED):  # type: ignore[valid-type]
    """Return nanoseconds as an instant (Trino)."""


@ibis.udf.scalar.builtin(name="to_unixtime")
def _to_unixtime(moment: ibis.dtype("timestamp")) -> float:  # type: ignore[valid-type, empty-body]
    """Return an instant as seconds with their fraction (Trino)."""


@ibis.udf.scalar.builtin(name="toUnixTimestamp64Micro")
def _clickhouse_micros(moment: ibis.dtype("timestamp(6)")) -> int:  # type: ignore[valid-type, empty-body]
    """Return an instant as microseconds."""


@ibis.udf.scalar.builtin(name="fromUnixTimestamp64Micro")
def _clickhouse_moment(micros: int) -> ibis.dtype("timestamp(6)"):  # type: ignore[valid-type]
    """Return microseconds as an instant."""


def _by_parts(moment: Any) -> Any:
    seconds = moment.truncate("s").epoch_seconds().cast("int64")
    return seconds * 1_000_000 + moment.microsecond().cast("int64")


def _by_interval(micros: Any) -> Any:
    return ibis.timestamp("1970-01-01 00:00:00") + micros.as_interval("us")


_MICROS: dict[str, Callable[[Any], Any]] = {
    "duckdb": _duckdb_micros,
    "pyspark": lambda moment: _unix_micros(moment.cast(ZONED)),
    "bigquery": lambda moment: _unix_micros(moment.cast(ZONED)),
    # Its other functions know milliseconds only; seconds as a fraction hold microseconds until the year 2255.
    "trino": lambda moment: (_to_unixtime(moment) * 1e6).round().cast("int64"),
    "clickhouse": lambda moment: _clickhouse_micros(moment.cast("timestamp(6)")),
}
_MOMENTS: dict[str, Callable[[Any], Any]] = {
    "duckdb": _duckdb_moment,
    "pyspark": lambda micros: _timestamp_micros(micros).cast("timestamp"),
    "bigquery": lambda micros: _timestamp_micros(micros).cast("timestamp"),
    "trino": lambda micros: _from_nanos(micros * 1_000).cast("timestamp(6)"),
    "clickhouse": _clickhouse_moment,
    "snowflake": lambda micros: micros.as_timestamp("us"),
}


@deferrable
def micros(moment: ir.TimestampValue | datetime) -> ir.IntegerValue:
    """Return an instant as microseconds; one that is known is naive, UTC."""
    if isinstance(moment, datetime):
        gap = moment - datetime(1970, 1, 1)  # noqa: DTZ001 - naive UTC
        return ibis.literal(gap // timedelta(microseconds=1), "int64")
    return _MICROS.get(engine_of(moment), _by_parts)(moment)


@deferrable
def from_micros(micros: ir.IntegerValue) -> ir.TimestampValue:
    """Return microseconds as an instant."""
    return _MOMENTS.get(engine_of(micros), _by_interval)(micros)
