"""Instants as whole microseconds since 1970-01-01 UTC, and back, in the engine."""

import ibis


@ibis.udf.scalar.builtin(name="epoch_us")
def micros(moment: ibis.dtype("timestamp")) -> int:  # type: ignore[valid-type, empty-body]
    """Return an instant as microseconds."""


@ibis.udf.scalar.builtin(name="make_timestamp")
def from_micros(micros: int) -> ibis.dtype("timestamp"):  # type: ignore[valid-type]
    """Return microseconds as an instant."""
