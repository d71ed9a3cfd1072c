"""Exact quantiles on every engine: some have none, or one that guesses, and there they are found by place."""

from collections.abc import Callable, Sequence
from typing import Any

import ibis
import ibis.expr.types as ir

from journey_widgets.events.engine import engine_of

BY_PLACE = {"trino", "bigquery", "clickhouse"}
"""Engines without a quantile (to Ibis), and ClickHouse, whose own draws a sample."""


def exact_quantiles(
    table: ir.Table, keys: Sequence[str], value: str
) -> tuple[ir.Table, Callable[[float], Any]]:
    """Return what to aggregate by `keys`, and a function that gives the quantile of a share as a measure of it.

    Values in between are on the line between their neighbours; blanks are left out.
    """
    if engine_of(table) not in BY_PLACE:
        return table, lambda share: table[value].quantile(share)
    own = ibis.window(group_by=[*keys, table[value].isnull()], order_by=value)
    whole = ibis.window(group_by=[*keys, table[value].isnull()])
    placed = table.mutate(
        nth=ibis.row_number().over(own).cast("int64"), of=table[value].count().over(whole)
    )

    def quantile(share: float) -> Any:
        place = ibis.literal(share) * (placed.of - 1)
        below = place.floor().cast("int64")
        beyond = place - below.cast("float64")
        number = placed[value].cast("float64")
        nothing = ibis.null("float64")
        above = (placed.nth == below + 1).ifelse(number * beyond, nothing)
        return (placed.nth == below).ifelse(number * (1 - beyond), above).sum()

    return placed, quantile
