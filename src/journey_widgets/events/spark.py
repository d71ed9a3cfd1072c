"""PySpark as an engine of the product: what it answers comes by Arrow, and its settings are those the answers need.

Ibis's own connection goes through pandas, which turns whole numbers with blanks into fractions; this one does not.
"""

import re
import socket
import warnings
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import ibis.expr.operations as ops
import ibis.expr.types as ir
import pyarrow as pa

with warnings.catch_warnings():
    warnings.filterwarnings("ignore", message="PySpark does not yet fully support pandas")
    from ibis.backends.pyspark import Backend
    from pyspark.sql import SparkSession

SETTINGS = {
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.ansi.enabled": "false",  # a share of nobody is no value here, and no failure
    "spark.sql.execution.arrow.pyspark.enabled": "true",
}
"""Settings of a session that change answers."""


CONNECT, ANSWERS_WITHIN = 15_002, 10
"""The port of Spark Connect, and the seconds in which it has to answer."""
UNKNOWN = {"a": "\\u0007", "v": "\\u000b", "f": "\\u000c"}
"""Escaped letters that Spark takes for the letters themselves, and what it has for them."""


class Spark(Backend):  # type: ignore[misc]
    """A PySpark session behind Ibis, whose tables come and go by Arrow."""

    def compile(self, expr: ir.Expr, /, **how: Any) -> str:
        """Return the statement of an expression, in which every letter means itself.

        Ibis trims white space by its letters: those that Spark does not know would cut ``f`` and ``v`` off names.
        """
        found: str = super().compile(expr, **how)
        # Names of columns, in their ticks, know no escapes.
        return re.sub(
            r"`[^`]*`|\\(.)", lambda m: UNKNOWN.get(m[1] or "", m[0]), found, flags=re.DOTALL
        )

    def to_pyarrow(
        self, expr: ir.Expr, /, *, params: Mapping[ir.Scalar, Any] | None = None,
        limit: int | str | None = None, **_kwargs: Any,
    ) -> Any:  # fmt: skip
        """Return what an expression gives as Arrow."""
        table = expr.as_table()
        self._run_pre_execute_hooks(table)
        frame = self._session.sql(self.compile(table, params=params, limit=limit))
        found: pa.Table = frame.toArrow().cast(table.schema().to_pyarrow())
        return expr.__pyarrow_result__(found)

    def _create_cached_table(self, name: str, expr: ir.Table) -> ir.Table:
        self._run_pre_execute_hooks(expr)  # rows from here have to be there before
        return super()._create_cached_table(name, expr)

    def _register_in_memory_table(self, op: ops.InMemoryTable) -> None:
        rows = op.data.to_pyarrow(op.schema)
        self._session.createDataFrame(rows).createOrReplaceTempView(op.name)


def _knock(address: str) -> None:
    """Raise an `OSError` where nobody answers: Spark Connect itself would try for ten minutes."""
    server = urlsplit(address)
    with socket.create_connection(
        (server.hostname, server.port or CONNECT), timeout=ANSWERS_WITHIN
    ):
        pass


def connect(address: str) -> Spark:
    """Return a connection to a cluster: ``spark://host:7077``, ``sc://host`` (Spark Connect) or ``local[4]``.

    Whatever else a session needs (memory, packages, where tables are kept) stands in Spark's own configuration.
    """
    if address.startswith("sc://"):
        _knock(address)
    builder = SparkSession.builder.appName("journey_widgets")
    builder = builder.remote(address) if address.startswith("sc://") else builder.master(address)
    session = builder.getOrCreate()
    con = Spark()
    con.register_options()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="PySpark does not yet fully support pandas")
        con.do_connect(session)
    for name, value in SETTINGS.items():
        session.conf.set(name, value)
    return con
