"""Chance that every engine finds: rows shuffled by it are shuffled alike wherever they live, and whenever they came."""

from typing import Any

import ibis
import ibis.expr.types as ir

from journey_widgets.events.engine import OURS, engine_of


@ibis.udf.scalar.builtin(name="md5")
def _md5(text: str) -> str:  # type: ignore[empty-body]
    """Return the hash as hexadecimal digits."""


@ibis.udf.scalar.builtin(name="md5")
def _md5_bytes(text: str) -> bytes:  # type: ignore[empty-body]
    """Return the hash as bytes (BigQuery, ClickHouse)."""


@ibis.udf.scalar.builtin(name="md5")
def _md5_of_bytes(data: bytes) -> bytes:  # type: ignore[empty-body]
    """Return the hash of bytes (Trino)."""


@ibis.udf.scalar.builtin(name="to_utf8")
def to_utf8(text: str) -> bytes:  # type: ignore[empty-body]
    """Return text as bytes (Trino)."""


@ibis.udf.scalar.builtin(name="to_hex")
def _to_hex(data: bytes) -> str:  # type: ignore[empty-body]
    """Return bytes as hexadecimal digits (Trino, BigQuery)."""


@ibis.udf.scalar.builtin(name="hex")
def _hex(data: bytes) -> str:  # type: ignore[empty-body]
    """Return bytes as hexadecimal digits (ClickHouse)."""


_WAYS: dict[str, Any] = {
    "bigquery": lambda text: _to_hex(_md5_bytes(text)),
    "trino": lambda text: _to_hex(_md5_of_bytes(to_utf8(text))),
    "clickhouse": lambda text: _hex(_md5_bytes(text)),
}


def by_chance(text: ir.StringValue) -> ir.StringValue:
    """Return what to order by, so that the order says nothing of the text: its MD5."""
    found: ir.StringValue = _WAYS.get(engine_of(text), _md5)(text)
    return found


LOTS = 4096
_DIGITS = "0123456789abcdef"


def lot(text: ir.StringValue) -> ir.IntegerValue:
    """Return a number by chance below `LOTS`, always the same for a text: the first three digits of its MD5."""
    hashed = by_chance(text).lower()
    if engine_of(text) == OURS:  # the same, in a word
        short: ir.IntegerValue = (ibis.literal("0x") + hashed.substr(0, 3)).cast("int16")
        return short
    first, second, third = (ibis.literal(_DIGITS).find(hashed.substr(n, 1)) for n in range(3))
    found: ir.IntegerValue = (first * 256 + second * 16 + third).cast("int16")
    return found


def group_of(lots: ir.IntegerValue, groups: int) -> ir.IntegerValue:
    """Return which of some random groups lots belong to, from 0."""
    found: ir.IntegerValue = (lots.cast("int64") * groups // LOTS).cast("int32")
    return found
