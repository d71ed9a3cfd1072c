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
    order_lines: Any, *, basket: str = "order", leave_out: Sequence[str] = (), largest: int | None = None
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
    """
    from scipy.sparse import csr_array

    if basket not in BASKETS:
        msg = f"basket is {basket!r}. {did_you_mean(basket, BASKETS)}"
        raise JourneyDataError(msg)
    table, counted = sold(order_lines, leave_out=leave_out)
    if basket != "order":
        table = table_of(table, "order_lines", "customer_id", *(["ts"] if basket == "day" else []))
        table = table.filter(table.customer_id.notnull())
    unit: dict[str, ir.Value] = {
        "order": lambda: table.order_id.cast("string"),
        "customer": lambda: table.customer_id.cast("string"),
        "day": lambda: table.customer_id.cast("string") + "\n" + table.ts.date().cast("string"),
    }[basket]()
    own = table.select(unit=unit, item=table.product_id.cast("string")).distinct()
    by_unit, by_item = ibis.window(order_by="unit"), ibis.window(order_by="item")
    numbered = own.mutate(
        row=ibis.dense_rank().over(by_unit).cast("int32"), col=ibis.dense_rank().over(by_item).cast("int32")
    )  # fmt: skip
    found = numbered.select("row", "col").to_pyarrow()
    rows, cols = (found.column(c).to_numpy() for c in ("row", "col"))
    facts = _facts(table)
    shape = (int(rows.max()) + 1 if len(rows) else 0, len(facts))
    matrix = csr_array((np.ones(len(rows), np.int32), (rows, cols)), shape=shape)
    parts = [f"Baskets: {BASKETS[basket]}"]
    parts += [f"{many:,} {what}" for what, many in counted.items() if many]
    if largest is not None:
        small = matrix.sum(axis=1) <= largest
        parts.append(f"{int((~small).sum()):,} baskets of more than {largest} items left out")
        matrix = matrix[np.flatnonzero(small)]
    return Baskets(tuple(facts["item"]), matrix, facts.drop(columns="item"), "; ".join(parts))


def _facts(table: ir.Table) -> pd.DataFrame:
    """Return price, margin and category of each item, by id."""
    there, pieces = set(table.columns), table.quantity.sum()
    asked: dict[str, ir.Value] = {}
    if {"amount", "unit_price"} & there:
        paid = table.amount if "amount" in there else table.unit_price * table.quantity
        asked["price"] = (paid.sum() / pieces).cast("float64")
    if "margin" in there:
        asked["margin"] = (table.margin.sum() / pieces).cast("float64")
    if "category" in there:
        asked["category"] = table.category.cast("string").mode()
    names = ("price", "margin", "category")
    nothing = {c: ibis.null("string" if c == "category" else "float64") for c in names}
    found = table.group_by(item=table.product_id.cast("string")).agg(**asked, lines=table.count())
    found = found.select("item", **{c: found[c] if c in asked else nothing[c] for c in names})
    return collect(found.order_by("item"))


def sold(order_lines: Any, *, leave_out: Sequence[str] = ()) -> tuple[ir.Table, Mapping[str, int]]:
    """Return what was sold and kept: returns taken off, and what is no product left out.

    A line with a quantity below 0 is a return. It is taken off the last sale before it of the same product to the same
    customer, in whole pieces at most; amount and margin of what is left are cut in proportion.

    Returns
    -------
    tuple
        The lines that are left, and what was left out: in words → how many lines.
    """
    lines = table_of(order_lines, "order_lines", "order_id", "product_id", "quantity")
    counted: dict[str, int] = {}
    every = collect(lines.select(p=lines.product_id.cast("string")).distinct())["p"]
    dropped = [
        p for p in every if p is not None and any(fnmatchcase(p, w) for w in _plain(leave_out))
    ]
    meant = lines.product_id.cast("string").isin(dropped or [""]).fill_null(False)
    back, none = lines.quantity < 0, lines.product_id.isnull() | lines.quantity.isnull()
    many = collect(
        lines.agg(
            other=meant.cast("int64").sum(),
            unknown=none.cast("int64").sum(),
            back=(back & ~meant).fill_null(False).cast("int64").sum(),
        )
    ).iloc[0]
    counted["lines of what is no product left out"] = int(many["other"] or 0)
    counted["lines without product or quantity left out"] = int(many["unknown"] or 0)
    lines = lines.filter(~none & ~meant)
    returned = int(many["back"] or 0)
    if not returned:
        return lines.filter(_.quantity > 0), counted
    if not {"customer_id", "ts"} <= set(lines.columns):
        counted["returned lines left out: without customer and time nobody knows of what"] = (
            returned
        )
        return lines.filter(_.quantity > 0), counted
    counted["returned lines taken off the sale before them"] = returned
    return _without_returns(lines), counted


def _plain(patterns: Sequence[str]) -> list[str]:
    """Return patterns in which only ``*`` means something."""
    return ["*".join(p.replace("[", "[[]").replace("?", "[?]") for p in w.split("*")) for w in patterns]  # fmt: skip


def _without_returns(lines: ir.Table) -> ir.Table:
    who = ["customer_id", "product_id"]
    before = ibis.window(group_by=who, order_by=["ts", ibis.desc("quantity")], rows=(None, 0))
    sale = (lines.quantity > 0).ifelse(lines.ts, ibis.null("timestamp"))
    placed = lines.mutate(sale=sale.max().over(before))
    returns = placed.filter(
        (placed.quantity < 0) & placed.customer_id.notnull() & placed.sale.notnull()
    )
    returns = returns.group_by(*who, "sale").agg(back=(-returns.quantity).sum())
    bought = lines.filter(lines.quantity > 0).mutate(
        turn=ibis.row_number().over(ibis.window(group_by=[*who, "ts"], order_by="order_id"))
    )
    joined = bought.left_join(
        returns, [bought.customer_id == returns.customer_id, bought.product_id == returns.product_id,
                  bought.ts == returns.sale, bought.turn == 0]
    )  # fmt: skip
    left = bought.quantity - ibis.least(returns.back.fill_null(0), bought.quantity)
    share = left / bought.quantity
    kept = {c: bought[c] * share for c in ("amount", "margin") if c in lines.columns}
    found = joined.select(
        **{c: bought[c] for c in lines.columns if c not in ("quantity", *kept)},
        quantity=left,
        **kept,
    )
    return found.filter(_.quantity > 0)
