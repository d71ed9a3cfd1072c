"""KPIs counted in order lines."""

import ibis
import ibis.expr.types as ir
from ibis import _

from journey_widgets.errors import one_of
from journey_widgets.events.instants import micros
from journey_widgets.scorecard.recipes.recipe import Asked, Recipe
from journey_widgets.tables import require_columns

DAY = 86_400_000_000
LINES = "order_lines"


def _lines(ask: Asked, *needed: str) -> ir.Table:
    """Return all lines with ``paid`` and ``unit``: the customer, or the order of nobody known."""
    table = ask.table("ts", "order_id", "quantity", *needed)
    if "amount" in table.columns:
        paid = table.amount
    else:
        require_columns(table.columns, "unit_price", name=LINES)
        paid = table.quantity * table.unit_price
    who = (
        table.customer_id.cast("string") if "customer_id" in table.columns else ibis.null("string")
    )
    order = ibis.literal("order ") + table.order_id.cast("string")
    return table.mutate(paid=paid, who=who, unit=who.fill_null(order))


def _orders(ask: Asked) -> ir.Table:
    """Return orders, at the time of their first line; lines that bring something back are left out."""

    def made() -> ir.Table:
        sold = _lines(ask).filter(_.quantity > 0)
        orders = sold.group_by("order_id", *ask.by).agg(
            ts=_.ts.min(),
            unit=_.unit.max(),
            who=_.who.max(),
            revenue=_.paid.sum(),
            items=_.quantity.sum(),
        )
        one = ibis.literal(1)
        return ask.shared.kept(orders.mutate(orders=one, buyers=one, active=one))

    found: ir.Table = ask.shared.once(("orders", ask.named), made)
    return found


def _whole(ask: Asked) -> ir.Table:
    """Return the orders of customers who are known, each once: a customer is in the group of the first one.

    Of an order's lines the one that is worth most says the group.
    """

    def made() -> ir.Table:
        sold = _lines(ask).filter((_.quantity > 0) & _.who.notnull())
        orders = sold.group_by("order_id").agg(
            ts=_.ts.min(),
            who=_.who.max(),
            unit=_.unit.max(),
            **{c: sold[c].argmax(sold.paid) for c in ask.by},
        )
        path = ibis.window(group_by="who", order_by=["ts", "order_id"])
        placed = orders.mutate(place=ibis.row_number().over(path), next_ts=_.ts.lead().over(path))
        first = placed.filter(_.place == 0).select("who", *ask.by)
        return ask.shared.kept(placed.drop(*ask.by).join(first, "who") if ask.by else placed)

    found: ir.Table = ask.shared.once(("whole orders", ask.named), made)
    return found


def _known(ask: Asked) -> ir.Table:
    """Return the orders of customers who are known."""
    return _orders(ask).filter(_.who.notnull())


def _second_orders(ask: Asked) -> ir.Table:
    """Return customers at their first order, and whether a second one came within the window."""
    first = ask.over(_whole(ask).filter(_.place == 0))
    soon = (micros(first.next_ts) - micros(first.ts) <= ask.length("within")).fill_null(False)
    return first.select("ts", "unit", *ask.by, repeat=soon.cast("int32"), eligible=ibis.literal(1))


def _kept(ask: Asked) -> ir.Table:
    """Return who bought in a period, and whether they bought in the next one too, at that next one."""
    orders = _whole(ask)
    seen = orders.mutate(period=ask.number(orders.ts)).select("period", "unit", *ask.by).distinct()
    before = seen.mutate(period=seen.period + 1)
    if ask.last is not None:
        before = before.filter(before.period <= ask.number_of(ask.last))
    again = seen.mutate(again=ibis.literal(1))
    both = before.left_join(again, ["period", "unit", *ask.by]).select(
        "period", "unit", *ask.by, "again"
    )
    kept = both.again.fill_null(0).cast("int32")
    return both.select("period", "unit", *ask.by, kept=kept, lost=1 - kept, start=ibis.literal(1))


def _margins(ask: Asked) -> ir.Table:
    """Return margins and retention side by side: a buyer of a period, and who of them was kept."""
    lines = _lines(ask, "margin").filter(_.who.notnull())
    if ask.by:
        groups = _whole(ask).filter(_.place == 0).select("who", *ask.by)
        lines = lines.drop(*ask.by).join(groups, "who")
    earned = lines.select(
        "unit", *ask.by, period=ask.number(lines.ts), margin=lines.margin, buyers=ibis.literal(1),
        kept=ibis.literal(0, "int64"), start=ibis.literal(0, "int64"),
    )  # fmt: skip
    kept = _kept(ask)
    again = kept.select(
        "unit", *ask.by, "period", margin=ibis.literal(0.0), buyers=ibis.literal(0),
        kept=kept.kept.cast("int32"), start=kept.start.cast("int32"),
    )  # fmt: skip
    columns = ["period", "unit", *ask.by, "margin", "buyers", "kept", "start"]
    cast = {"margin": "float64", "buyers": "int64", "kept": "int64", "start": "int64"}
    return earned.select(columns).cast(cast).union(again.select(columns).cast(cast))


def _returned(ask: Asked) -> ir.Table:
    """Return lines sold whose window is over, and what of them came back: a return belongs to the sale before it."""
    lines = _lines(ask, "product_id").filter(_.who.notnull())
    path = ibis.window(
        group_by=["who", "product_id"], order_by=["ts", ibis.desc("quantity")], rows=(None, 0)
    )
    placed = lines.mutate(
        sale=(_.quantity > 0).ifelse(_.ts, ibis.null("timestamp")).max().over(path)
    )
    known = placed.filter(placed.sale.notnull())
    back = (known.quantity < 0) & (micros(known.ts) - micros(known.sale) <= ask.length("within"))
    each = known.mutate(
        sold=(known.quantity > 0).ifelse(known.quantity, 0),
        back=back.ifelse(-known.quantity, 0),
    )
    sales = each.group_by("who", "product_id", "sale").agg(
        sold=_.sold.sum(), back=_.back.sum(), unit=_.unit.max(),
        **{c: each[c].argmax(each.sold) for c in ask.by},
    )  # fmt: skip
    sales = ask.over(sales.mutate(ts=sales.sale)).filter(_.sold > 0)
    fits = ibis.least(sales.back, sales.sold)
    return sales.select(
        "ts", "unit", *ask.by, returned=fits.cast("int32"), sold=sales.sold.cast("int32")
    )


def _lines_held(ask: Asked) -> ir.Table:
    """Return who bought in a period, and whether they had bought from two product lines by its end."""
    lines = _lines(ask, "category").filter((_.quantity > 0) & _.who.notnull())
    first = lines.group_by("who", "category").agg(ts=_.ts.min())
    rank = ibis.window(group_by="who", order_by=["ts", "category"])
    second = first.mutate(place=ibis.row_number().over(rank)).filter(_.place == 1)
    second = second.select("who", since=ask.number(second.ts))
    active = _whole(ask)
    active = active.select("who", "unit", *ask.by, period=ask.number(active.ts)).distinct()
    both = active.left_join(second, "who").select("period", "unit", *ask.by, "since")
    many = (both.since <= both.period).fill_null(False)
    return both.select("period", "unit", *ask.by, multi=many.cast("int32"), active=ibis.literal(1))


def _attached(ask: Asked) -> ir.Table:
    """Return orders with the first product (or category), and whether the second is in the same order."""
    lines = _lines(ask, "product_id").filter(_.quantity > 0)

    def has(option: str) -> ir.BooleanValue:
        names = _listed(ask, option)
        found = lines.product_id.cast("string").isin(names)
        if "category" in lines.columns:
            found = found | lines.category.cast("string").isin(names).fill_null(False)
        return found

    marked = lines.mutate(first=has("product").cast("int32"), second=has("with").cast("int32"))
    orders = marked.group_by("order_id", *ask.by).agg(
        ts=_.ts.min(), unit=_.unit.max(), primary=_.first.max(), paired=_.second.max()
    )
    orders = orders.filter(orders.primary == 1)
    return orders.select("ts", "unit", *ask.by, "primary", "paired")


def _listed(ask: Asked, option: str) -> list[str]:
    return [v.strip() for v in str(ask.options[option]).split(",") if v.strip()]


def _discounts(ask: Asked) -> ir.Table:
    """Return discounted lines: what was taken off, of the value at list price."""
    lines = _lines(ask, "list_price").filter(_.quantity > 0)
    full = lines.list_price.cast("float64") * lines.quantity
    lines = lines.mutate(list_value=full, discount=full - lines.paid)
    return lines.filter(lines.discount > 0).select(
        "ts", "unit", *ask.by, "discount", "list_value", lines=ibis.literal(1)
    )


def _upsold(ask: Asked) -> ir.Table:
    """Return lines sold, and what of their revenue is of the categories or products sold on top."""
    lines = _lines(ask, "product_id").filter(_.quantity > 0)
    on_top = _on_top(ask, lines)
    return lines.select(
        "ts", "unit", *ask.by, total_rev=lines.paid, upsell_rev=on_top.ifelse(lines.paid, 0.0),
        lines=ibis.literal(1),
    )  # fmt: skip


def _on_top(ask: Asked, lines: ir.Table) -> ir.BooleanValue:
    names = _listed(ask, "upsell")
    found = lines.product_id.cast("string").isin(names)
    if "category" in lines.columns:
        found = found | lines.category.cast("string").isin(names).fill_null(False)
    return found


def _first_upsell(ask: Asked) -> ir.Table:
    """Return the days from a customer's first order to the first later one with something sold on top."""
    lines = _lines(ask, "product_id").filter((_.quantity > 0) & _.who.notnull())
    marked = lines.mutate(on_top=_on_top(ask, lines))
    first = marked.group_by("who").agg(began=_.ts.min(), first_order=_.order_id.argmin(_.ts))
    later = marked.join(first, "who").filter(
        _.on_top & (_.ts > _.began) & (_.order_id != _.first_order)
    )
    reached = later.group_by("who").agg(
        ts=_.ts.min(), began=_.began.min(), unit=_.unit.max(),
        **{c: later[c].argmin(later.ts) for c in ask.by},
    )  # fmt: skip
    days = (micros(reached.ts) - micros(reached.began)).cast("float64") / DAY
    return reached.select("ts", "unit", *ask.by, days=days, orders=ibis.literal(1))


def _revenue(ask: Asked) -> ir.Table:
    """Return lines and what was paid for them: all, with returns taken off, or what was sold."""
    kept = str(ask.options["lines"])
    one_of("revenue: lines", kept, LINES_OF_REVENUE)
    lines = _lines(ask)
    if kept != "net":
        lines = lines.filter((_.quantity > 0) & (_.paid > 0))
    if kept == "sold_known":
        lines = lines.filter(_.who.notnull())
    return lines.select("ts", "unit", *ask.by, revenue=lines.paid, lines=ibis.literal(1))


LINES_OF_REVENUE = ("net", "sold", "sold_known")
SOLD = (
    "Orders at the time of their first line, lines that bring something back left out. By a column of lines, an order "
    "is in every group it has lines of, with those lines."
)
KNOWN = f"{SOLD} Orders of nobody known are left out."
OWN = f"{KNOWN} A customer is in the group of the first order (of its line that is worth most)."
RECIPES: dict[str, Recipe] = {
    "revenue": Recipe(
        LINES, _revenue, ("revenue", "lines"), "lines",
        "Option lines: net, all lines, what came back taken off; sold, lines with a quantity and an amount above 0; "
        "sold_known, those of them whose customer is known.",
        options={"lines": "net"},
    ),
    "orders": Recipe(LINES, _orders, ("orders",), "orders", SOLD),
    "buyers": Recipe(LINES, _known, ("buyers",), "buyers", KNOWN, once=("buyers",)),
    "aov": Recipe(LINES, _orders, ("revenue", "orders"), "orders", SOLD, repeats=True),
    "units_per_transaction": Recipe(LINES, _orders, ("items", "orders"), "orders", SOLD, repeats=True),
    "purchase_frequency": Recipe(LINES, _known, ("orders", "buyers"), "buyers", KNOWN, once=("buyers",)),
    "arpu": Recipe(LINES, _known, ("revenue", "active"), "active", f"{KNOWN} Active is who bought.", once=("active",)),
    "repeat_purchase": Recipe(
        LINES, _second_orders, ("repeat", "eligible"), "eligible",
        f"{OWN} Customers at their first order; a second one within the window.",
        options={"within": "90d"}, window="within",
    ),
    "customer_retention": Recipe(
        LINES, _kept, ("kept", "start"), "start",
        f"{OWN} Who bought in the period before, and who of them bought in this one.",
    ),
    "customer_churn": Recipe(
        LINES, _kept, ("lost", "start"), "start",
        f"{OWN} Who bought in the period before, and who of them did not buy in this one.",
    ),
    "clv_margin_first": Recipe(
        LINES, _margins, ("margin", "buyers", "kept", "start"), "start",
        f"{OWN} Convention: the first margin is paid at once (m (1 + d) / (1 + d - r)). m: margin of a buyer in the "
        "period; r: who bought again, of those who bought in the period before; d: option discount, a period.",
        options={"discount": "0.01"}, once=("buyers",),
        derived={"m": "margin/buyers", "r": "kept/start", "d": "discount"},
    ),
    "return_rate": Recipe(
        LINES, _returned, ("returned", "sold"), "sold",
        "Units of known customers, in the period they were sold in; a return belongs to the same customer's last "
        "purchase of the product before it, within the window.",
        options={"within": "60d"}, window="within", repeats=True,
    ),
    "cross_sell_rate": Recipe(
        LINES, _lines_held, ("multi", "active"), "active",
        f"{OWN} Active is who bought in the period; product lines are categories bought by its end.",
    ),
    "attach_rate": Recipe(
        LINES, _attached, ("paired", "primary"), "primary",
        f"{SOLD} Options product and with: products or categories, in the same order.",
        options={"product": None, "with": None}, repeats=True,
    ),
    "discount_depth": Recipe(
        LINES, _discounts, ("discount", "list_value", "lines"), "lines",
        "Lines sold below their list_price.", repeats=True,
    ),
    "upsell_revenue_share": Recipe(
        LINES, _upsold, ("upsell_rev", "total_rev", "lines"), "lines",
        "Lines sold; the option upsell names the products or categories sold on top.",
        options={"upsell": None}, repeats=True,
    ),
    "time_to_upsell": Recipe(
        LINES, _first_upsell, ("orders",), "orders",
        f"{KNOWN} From the first order to the first later one with a product or category of the option upsell.",
        options={"upsell": None}, cases="days",
    ),
}  # fmt: skip
