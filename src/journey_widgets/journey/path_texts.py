"""Paths as texts, made by the warehouse a log lives in: to count whole paths there, and to look for patterns."""

from collections.abc import Sequence

import ibis
import ibis.expr.types as ir
import pyarrow as pa
from ibis import _

from journey_widgets.events.engine import beside, engine_of
from journey_widgets.events.paths import PathIndex

BY_SORTED_LISTS = {"pyspark", "clickhouse"}
"""Engines that cannot join texts in an order, and can sort lists of pairs."""


def path_texts(index: PathIndex, signs: Sequence[str], between: str) -> ir.Table:
    """Return ``customer``, ``path`` (text) and ``length`` (events), one row per path.

    Parameters
    ----------
    index
        An index whose events live in a warehouse.
    signs
        What stands for each touchpoint, by its number.
    between
        What stands between two of them.
    """
    codes = pa.table(
        {
            "touchpoint": pa.array(range(len(signs)), pa.int32()),
            "sign": pa.array(signs, pa.string()),
        }
    )
    events = index.table.select("customer", "step", touchpoint=_.touchpoint.cast("int32"))
    signed = events.join(beside(codes, events), "touchpoint")
    if engine_of(events) not in BY_SORTED_LISTS:
        joined = signed.sign.group_concat(between, order_by=signed.step)
        return signed.group_by("customer").agg(path=joined, length=signed.count())
    pairs = ibis.struct({"step": signed.step, "sign": signed.sign})
    lists = signed.group_by("customer").agg(pairs=pairs.collect().sort(), length=signed.count())
    return lists.select(
        "customer", "length", path=lists.pairs.map(lambda pair: pair.sign).join(between)
    )
