"""How lately, how often, how much: scores by cut points that are kept, so that nobody moves because others did."""

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
from ibis import _

from journey_widgets.definition import defined
from journey_widgets.errors import JourneyDataError
from journey_widgets.events.calendar import Calendar
from journey_widgets.events.engine import collect
from journey_widgets.events.instants import micros
from journey_widgets.events.source import table_of
from journey_widgets.upsell.baskets import sold

SCORES = 5
MEASURES = ("recency", "frequency", "monetary")


def rfm(
    order_lines: Any, *, until: str = "", cuts: Mapping[str, list[float]] | None = None, zone: str = "UTC"
) -> tuple[pd.DataFrame, dict[str, list[float]]]:  # fmt: skip
    """Score customers by how lately, how often and for how much they bought.

    Parameters
    ----------
    order_lines
        Source or table with ``customer_id``, ``order_id``, ``product_id``, ``ts``, ``quantity`` and ``amount`` or
        ``unit_price``; returns are taken off.
    until
        Day up to which purchases count; the day of the last one by default.
    zone
        Time zone in which days begin.
    cuts
        Measure → the four values that part its five scores, as returned before. Without them they are made from these
        customers: keep them (in the scorecard or beside it), or everybody's score depends on everybody else.

    Returns
    -------
    tuple
        A frame by customer, best first: ``customer_id`` (str); ``recency`` (int64, days since the last purchase),
        ``frequency`` (int64, days with a purchase), ``monetary`` (float64, in all); ``r``, ``f``, ``m`` (int64, 1 to 5,
        5 the best), ``rfm`` (str, such as ``"543"``); and the cut points. A value on a cut gets the better score of a
        small recency, and the lower one of frequency and amount: equal values are never parted.

    Raises
    ------
    JourneyDataError
        No purchase of a known customer; cuts that are not four rising numbers of each measure.
    """
    lines = table_of(
        order_lines, "order_lines", "customer_id", "ts", "order_id", "product_id", "quantity"
    )
    if "amount" not in lines.columns:
        lines = table_of(lines, "order_lines", "unit_price").mutate(
            amount=_.quantity * _.unit_price
        )
    ends = collect(
        lines.agg(first=_.ts.min(), last=_.ts.max(), blank=_.amount.isnull().cast("int32").sum())
    ).iloc[0]
    if int(ends["blank"] or 0):
        msg = f"{int(ends['blank'])} order lines have no amount; what each was worth is needed, or leave them out."
        raise JourneyDataError(msg)
    if pd.isna(ends["last"]):
        msg = "No purchase of a known customer: nobody can be scored."
        raise JourneyDataError(msg)
    first, last = (pd.Timestamp(ends[c]).to_pydatetime() for c in ("first", "last"))
    calendar = Calendar.over("day", zone, first, last)
    end = calendar.number_of(last)
    if until:
        # What came back later was not known then.
        end = calendar.number_on(pd.Timestamp(until).date())
        lines = lines.filter(calendar.number(micros(lines.ts)) <= end)
    table, counted = sold(lines)
    known = table.filter(table.customer_id.notnull() & table.ts.notnull())
    nobody = int(table.count().to_pyarrow().as_py()) - int(known.count().to_pyarrow().as_py())
    found = collect(
        known.mutate(day=calendar.number(micros(known.ts)))
        .group_by(customer_id=known.customer_id.cast("string"))
        .agg(last=_.day.max(), frequency=_.day.nunique(), monetary=_.amount.sum())
        .order_by("customer_id")
    )
    if found.empty:
        msg = "No purchase of a known customer: nobody can be scored."
        raise JourneyDataError(msg)
    found["recency"] = (end - found["last"]).astype("int64")
    found = found.astype({"customer_id": "str", "frequency": "int64", "monetary": "float64"})
    kept = {m: _checked(m, cuts) if cuts is not None else _cuts(found[m]) for m in MEASURES}
    found["r"] = SCORES - np.searchsorted(kept["recency"], found["recency"], side="left")
    for name, measure in (("f", "frequency"), ("m", "monetary")):
        found[name] = 1 + np.searchsorted(kept[measure], found[measure], side="left")
    found["rfm"] = found["r"].astype("str") + found["f"].astype("str") + found["m"].astype("str")
    order = found.sort_values(
        ["r", "f", "m", "customer_id"], ascending=[False, False, False, True], ignore_index=True
    )
    when = pd.Timestamp(0) + pd.Timedelta(days=end)
    left = {**counted, "lines of nobody known or without a time left out": nobody}
    more = "".join(f"; {n:,} {what}" for what, n in left.items() if n)
    said = f"Up to {when:%-d %B %Y}; cut points {'as given' if cuts is not None else 'made from these customers'}{more}"
    columns = ["customer_id", *MEASURES, "r", "f", "m", "rfm"]
    return defined(order[columns].astype(dict.fromkeys("rfm", "int64")), said), kept


def _cuts(values: pd.Series) -> list[float]:
    """Return the values that part customers into fifths, as far as equal values allow."""
    ordered = np.sort(values.to_numpy("float64"))
    places = [-(-k * len(ordered) // SCORES) - 1 for k in range(1, SCORES)]  # in whole customers
    return [float(ordered[p]) for p in places]


def _checked(measure: str, cuts: Mapping[str, list[float]]) -> list[float]:
    own = list(cuts.get(measure, []))
    if len(own) != SCORES - 1 or not all(a <= b for a, b in pairwise(own)):
        msg = f"cuts of {measure} are {own}; four rising numbers were needed, as rfm returned them."
        raise JourneyDataError(msg)
    return [float(v) for v in own]
