"""How often, how lately and how much: one row a customer, as models of buying want it."""

from datetime import date, datetime
from math import inf
from typing import Any

import ibis.expr.types as ir
import numpy as np
import pandas as pd
from ibis import _

from journey_widgets.definition import defined
from journey_widgets.errors import JourneyDataError
from journey_widgets.events.calendar import Calendar
from journey_widgets.events.engine import collect
from journey_widgets.events.instants import micros
from journey_widgets.events.source import table_of
from journey_widgets.upsell.drawing import drawn_from

UNITS = {"day": 1, "week": 7}


def purchases(
    order_lines: Any, *, until: date | str | None = None, unit: str = "week", worth: str = "amount",
    zone: str = "UTC", most: float = inf,
) -> pd.DataFrame:  # fmt: skip
    """Count the purchases of each customer: the first one starts the clock, later ones are repeats.

    Parameters
    ----------
    order_lines
        Source or table with ``customer_id``, ``ts``, ``quantity`` and `worth` (or ``unit_price`` in place of
        ``amount``). Lines of nobody known, and lines that bring something back, are left out.
    until
        Last day observed; the day of the last line by default. Later lines are left out.
    unit
        Of the times: ``"day"`` or ``"week"``. Models of one unit are not comparable with those of another.
    worth
        Column that says what a line is worth, such as ``"margin"``.
    zone
        Time zone in which days begin.
    most
        Rows of a customer and day that are looked at; where there are more, customers are drawn by chance.

    Returns
    -------
    pandas.DataFrame
        One row a customer, by id. Columns: ``customer_id`` (str); ``x`` (int64, repeat purchases; all lines of one day
        are one purchase); ``t_x`` (float64, first to last purchase; 0 without a repeat); ``T`` (float64, first purchase
        to `until`); ``m`` (float64, mean worth of a repeat purchase, the first left out; missing without a repeat).
    """
    if unit not in UNITS:
        msg = f"unit is {unit!r}; 'day' or 'week' was needed."
        raise JourneyDataError(msg)
    days, last, drawn = shopping_days(order_lines, worth=worth, zone=zone, most=most)
    end = last if until is None else (pd.Timestamp(until) - pd.Timestamp(0)).days
    found = summed(days, end, unit=unit)
    when = pd.Timestamp(0) + pd.Timedelta(days=end)
    said = f"Repeat purchases by day up to {when:%-d %B %Y}, times in {unit}s; the first purchase is left out of m"
    return defined(found, f"{said}{drawn}")


def shopping_days(
    order_lines: Any, *, worth: str = "amount", zone: str = "UTC", more: tuple[str, ...] = (), most: float = inf
) -> tuple[pd.DataFrame, int, str]:  # fmt: skip
    """Return who bought on which day for how much, the last day of the data, and who was drawn, in words.

    Returns
    -------
    tuple
        A frame by customer and day with ``customer_id`` (str), ``day`` (int64, days since 1970 on the clock of the
        zone), ``worth`` (float64) and the columns `more` (of the line worth most); the number of the last day; who was
        drawn, in words, where there were more than `most` rows.
    """
    lines = table_of(order_lines, "order_lines", "customer_id", "ts", "quantity", *more)
    if worth == "amount" and "amount" not in lines.columns:
        lines = table_of(lines, "order_lines", "unit_price").mutate(
            amount=_.quantity * _.unit_price
        )
    lines = table_of(lines, "order_lines", worth)
    ends = collect(lines.agg(first=_.ts.min(), last=_.ts.max())).iloc[0]
    if pd.isna(ends["last"]):
        return pd.DataFrame({"customer_id": [], "day": [], "worth": []}), 0, ""
    first, last = (_moment(ends[c]) for c in ("first", "last"))
    calendar = Calendar.over("day", zone, first, last)
    sold: ir.Table = lines.filter((_.quantity > 0) & _.customer_id.notnull())
    placed = sold.mutate(
        customer_id=sold.customer_id.cast("string"), day=calendar.number(micros(sold.ts)),
        worth=sold[worth].cast("float64"),
    )  # fmt: skip
    found = placed.group_by("customer_id", "day").agg(
        worth=placed.worth.sum(), **{c: placed[c].argmax(placed.worth) for c in more}
    )
    found, drawn = drawn_from(found, "customer_id", most, "customers")
    table = collect(found.order_by("customer_id", "day"))
    return table.astype({"customer_id": "str"}), calendar.number_of(last), drawn


def _moment(value: Any) -> datetime:
    return pd.Timestamp(value).to_pydatetime()


def summed(days: pd.DataFrame, end: int, *, unit: str = "week") -> pd.DataFrame:
    """Return one row a customer from rows by customer and day, up to the day `end`; as `purchases` does."""
    seen = days[days["day"] <= end]
    day, worth = seen["day"].to_numpy("int64"), seen["worth"].to_numpy("float64")
    heads = np.flatnonzero(seen["customer_id"].ne(seen["customer_id"].shift()).to_numpy())
    many = np.diff(np.append(heads, len(seen)))
    first, last = day[heads], day[heads + many - 1]
    x = many - 1
    known = ~np.isnan(worth)
    known[heads] = False  # the first purchase is left out
    paid = np.where(known, worth, 0.0)
    sums, counts = (
        np.add.reduceat(v, heads) if len(heads) else v for v in (paid, known.astype(np.int64))
    )
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.where(counts > 0, sums / counts, np.nan)
    return pd.DataFrame(
        {
            "customer_id": seen["customer_id"].iloc[heads].reset_index(drop=True),
            "x": x.astype("int64"), "t_x": (last - first) / UNITS[unit], "T": (end - first) / UNITS[unit], "m": mean,
        }
    )  # fmt: skip
