"""What was bought together: baskets of order lines, returns taken off, and what is no product left out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd
from ibis import _

from journey_widgets.errors import JourneyDataError, did_you_mean
from journey_widgets.events.engine import collect
from journey_widgets.events.source import table_of
from journey_widgets.upsell.drawing import MOST_ROWS, drawn_from

BASKETS = {
    "order": "orders", "day": "what a customer bought on one day", "customer": "all a customer bought",
}  # fmt: skip


@dataclass(frozen=True)
class Baskets:
    """Which things are in which basket.

    Attributes
    ----------
    items
        Product ids, in order.
    matrix
        Sparse, baskets by items, 1 where an item is in a basket.
    facts
        One row an item, in the same order: ``price`` and ``margin`` of one piece, ``category``; missing where the order
        lines do not say.
    said
        How they were made, in words, with what was left out.
    """

    items: tuple[str, ...]
    matrix: Any
    facts: pd.DataFrame
    said: str = ""

    def __len__(self) -> int:
        """Return how many baskets there are."""
        return int(self.matrix.shape[0])


def baskets(
    order_lines: Any, *, basket: str = "order", leave_out: Sequence[str] = (), largest: int | None = None,
    most: float = MOST_ROWS,
) -> Baskets:  # fmt: skip
    """Return the baskets of order lines.

    Parameters
    ----------
    order_lines
        Source or table with ``order_id``, ``product_id`` and ``quantity``; with ``customer_id`` and ``ts`` returns are
        taken off the sale before them (see `sold`). ``unit_price`` or ``amount``, ``margin`` and ``category`` are kept
        where they are there.
    basket
        What is one basket: ``"order"``, ``"day"`` (all a customer bought on one day, UTC) or ``"customer"``.
    leave_out
        Product ids that are no products, such as ``"POST"``; ``*`` stands for any letters.
    largest
        Baskets with more different items than this are left out, such as those of resellers.
    most
        Rows of a basket and item that are looked at; where there are more, baskets are drawn by chance.
    """
    from scipy.sparse import csr_array

    if basket not in BASKETS:
        msg = f"basket is {basket!r}. {did_you_mean(basket, BASKETS)}"
        raise JourneyDataError(msg)
    table, counted = sold(order_lines, leave_out=leave_out)
    if basket == "order":
        table = table.filter(table.order_id.notnull())
    else:
        table = table_of(table, "order_lines", "customer_id", *(["ts"] if basket == "day" else []))
        table = table.filter(table.customer_id.notnull())
    unit: dict[str, ir.Value] = {
        "order": lambda: table.order_id.cast("string"),
        "customer": lambda: table.customer_id.cast("string"),
        "day": lambda: table.customer_id.cast("string") + "\n" + table.ts.date().cast("string"),
    }[basket]()
    own = table.select(unit=unit, item=table.product_id.cast("string")).distinct()
    own, drawn = drawn_from(own, "unit", most, "baskets")
    by_unit, by_item = ibis.window(order_by="unit"), ibis.window(order_by="item")
    numbered = own.mutate(
        row=ibis.dense_rank().over(by_unit).cast("int32"), col=ibis.dense_rank().over(by_item).cast("int32")
    )  # fmt: skip
    found = numbered.select("row", "col").to_pyarrow()
    rows, cols = (found.column(c).to_numpy() for c in ("row", "col"))
    facts = _facts(table, own if drawn else None)
    shape = (int(rows.max()) + 1 if len(rows) else 0, len(facts))
    matrix = csr_array((np.ones(len(rows), np.int32), (rows, cols)), shape=shape)
    parts = [f"Baskets: {BASKETS[basket]}{drawn}"]
    parts += [f"{many:,} {what}" for what, many in counted.items() if many]
    if largest is not None:
        small = matrix.sum(axis=1) <= largest
        parts.append(f"{int((~small).sum()):,} baskets of more than {largest} items left out")
        matrix = matrix[np.flatnonzero(small)]
    return Baskets(tuple(facts["item"]), matrix, facts.drop(columns="item"), "; ".join(parts))


def _facts(table: ir.Table, own: ir.Table | None) -> pd.DataFrame:
    """Return price, margin and category of each item, by id; where baskets were drawn, of those in them."""
    there = set(table.columns)

    def for_one(value: ir.NumericColumn) -> ir.Value:
        """Return the mean of one piece, of the lines that say it."""
        return (value.sum() / value.notnull().ifelse(table.quantity, 0).sum().nullif(0)).cast(
            "float64"
        )

    asked: dict[str, ir.Value] = {}
    if {"amount", "unit_price"} & there:
        paid = table.amount if "amount" in there else table.unit_price * table.quantity
        asked["price"] = for_one(paid)
    if "margin" in there:
        asked["margin"] = for_one(table.margin)
    found = table.group_by(item=table.product_id.cast("string")).agg(**asked, lines=table.count())
    nothing = ibis.null("float64")
    columns: dict[str, ir.Value] = {
        c: found[c] if c in asked else nothing for c in ("price", "margin")
    }
    if "category" in there:
        told = _categories(table)
        found = found.left_join(told, found.item == told.own)
        columns = {c: found[c] if c in asked else nothing for c in columns}
        columns["category"] = found.category
    else:
        columns["category"] = ibis.null("string")
    told = found.select("item", **columns)
    if own is not None:
        told = told.semi_join(own.select("item").distinct(), "item")
    return collect(told.order_by("item"))


def _categories(table: ir.Table) -> ir.Table:
    """Return each item's (``own``) most frequent category; of several the first by name."""
    told = table.select(own=table.product_id.cast("string"), category=table.category.cast("string"))
    counted = told.filter(told.category.notnull()).group_by("own", "category").agg(n=_.count())
    first = ibis.window(group_by="own", order_by=[counted.n.desc(), counted.category])
    placed = counted.mutate(nth=ibis.row_number().over(first))
    return placed.filter(placed.nth == 0).select("own", "category")


def sold(order_lines: Any, *, leave_out: Sequence[str] = ()) -> tuple[ir.Table, Mapping[str, int]]:
    """Return what was sold and kept: returns taken off, and what is no product left out.

    A line with a quantity below 0 is a return. It is taken off what the customer bought of the same product before it,
    the newest sale first; amount and margin of what is left are cut in proportion. Pieces returned beyond what was
    bought before are counted and left out.

    Returns
    -------
    tuple
        The lines that are left, and what was left out: in words → how many lines.
    """
    lines = table_of(order_lines, "order_lines", "order_id", "product_id", "quantity")
    every = collect(lines.select(p=lines.product_id.cast("string")).distinct())["p"]
    dropped = [
        p for p in every if p is not None and any(fnmatchcase(p, w) for w in _plain(leave_out))
    ]
    meant = lines.product_id.cast("string").isin(dropped or [""]).fill_null(False)
    none = (
        lines.product_id.isnull() | lines.quantity.isnull() | (lines.quantity == 0).fill_null(False)
    )
    back = (lines.quantity < 0).fill_null(False) & ~meant
    whose = {"customer_id", "ts"} <= set(lines.columns)
    nobody = lines.customer_id.isnull() | lines.ts.isnull() if whose else ibis.literal(True) | back
    asked = {"other": meant, "none": none & ~meant, "back": back & ~nobody, "lost": back & nobody}
    many = (
        collect(lines.agg(**{k: v.cast("int32").sum() for k, v in asked.items()})).fillna(0).iloc[0]
    )
    counted = {
        "lines of what is no product left out": int(many["other"]),
        "lines without product or quantity left out": int(many["none"]),
        "returned lines of nobody known left out": int(many["lost"]),
        "returned lines taken off the sales before them": int(many["back"]),
    }
    lines = lines.filter(~none & ~meant)
    if not many["back"]:
        return lines.filter(_.quantity > 0), counted
    found, beyond = _without_returns(lines)
    counted["returned pieces beyond what was bought before left out"] = beyond
    return found, counted


def _plain(patterns: Sequence[str]) -> list[str]:
    """Return patterns in which only ``*`` means something."""
    return ["*".join(p.replace("[", "[[]").replace("?", "[?]") for p in w.split("*")) for w in patterns]  # fmt: skip


def _without_returns(lines: ir.Table) -> tuple[ir.Table, int]:
    """Return sales with what is left of them, and how many pieces were returned beyond what was bought.

    With R the running sum of a customer's pieces of a product, what he has of it is S = R - min(0, lowest R so far). Of
    a sale as many are left as S never falls below again: the lowest S from the sale on, less S before the sale.
    """
    known = lines.filter(lines.customer_id.notnull() & lines.ts.notnull())
    other = lines.filter((lines.customer_id.isnull() | lines.ts.isnull()) & (lines.quantity > 0))
    who = ["customer_id", "product_id"]
    order = ["ts", ibis.desc("quantity"), "order_id"]
    turned = known.mutate(turn=ibis.row_number().over(ibis.window(group_by=who, order_by=order)))
    past = ibis.window(group_by=who, order_by="turn", rows=(None, 0))
    ahead = ibis.window(group_by=who, order_by="turn", rows=(0, None))
    here = ibis.window(group_by=who, order_by="turn")
    summed = turned.mutate(running=turned.quantity.sum().over(past))
    floored = summed.mutate(floor=ibis.least(summed.running.min().over(past), 0))
    has = floored.mutate(has=floored.running - floored.floor)
    both = has.mutate(
        lowest=has.has.min().over(ahead), before=has.has.lag().over(here).fill_null(0)
    )
    left = ibis.least(ibis.greatest(both.lowest - both.before, 0), both.quantity)
    lowest = both.group_by(who).agg(beyond=-both.floor.min())
    beyond = collect(lowest.agg(n=lowest.beyond.sum()))["n"].iloc[0]
    sales = both.mutate(left=left).filter((_.quantity > 0) & (_.left > 0))
    share = sales.left / sales.quantity
    kept = {c: sales[c] * share for c in ("amount", "margin") if c in lines.columns}
    columns = [c for c in lines.columns if c not in ("quantity", *kept)]
    found = sales.select(*columns, quantity=sales.left, **kept)
    return found.union(other.select(found.columns).cast(dict(found.schema()))), int(beyond or 0)
