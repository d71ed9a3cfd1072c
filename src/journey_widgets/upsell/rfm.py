"""How lately, how often, how much: scores by cut points that are kept, so that nobody moves because others did."""

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import ibis
import numpy as np
import pandas as pd
from ibis import _

from journey_widgets.errors import JourneyDataError
from journey_widgets.events.engine import collect
from journey_widgets.journey.definition import defined
from journey_widgets.upsell.baskets import sold

SCORES = 5
MEASURES = ("recency", "frequency", "monetary")


def rfm(
    order_lines: Any, *, until: str = "", cuts: Mapping[str, list[float]] | None = None
) -> tuple[pd.DataFrame, dict[str, list[float]]]:  # fmt: skip
    """Score customers by how lately, how often and for how much they bought.

    Parameters
    ----------
    order_lines
        Source or table with ``customer_id``, ``order_id``, ``product_id``, ``ts``, ``quantity`` and ``amount`` or
        ``unit_price``; returns are taken off.
    until
        Day up to which purchases count; the day of the last one by default.
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
    table, _counted = sold(order_lines)
    if "amount" not in table.columns:
        table = table.mutate(amount=_.quantity * _.unit_price)
    known = table.filter(table.customer_id.notnull())
    if until:
        known = known.filter(known.ts.date() <= ibis.literal(pd.Timestamp(until).date()))
    found = collect(
        known.group_by(customer_id=known.customer_id.cast("string"))
        .agg(last=_.ts.date().max(), frequency=_.ts.date().nunique(), monetary=_.amount.sum())
        .order_by("customer_id")
    )
    if found.empty:
        msg = "No purchase of a known customer: nobody can be scored."
        raise JourneyDataError(msg)
    last = pd.to_datetime(found["last"])
    end = pd.Timestamp(until) if until else last.max()
    found["recency"] = (end - last).dt.days.astype("int64")
    found = found.astype({"customer_id": "str", "frequency": "int64", "monetary": "float64"})
    kept = {m: _checked(m, cuts) if cuts is not None else _cuts(found[m]) for m in MEASURES}
    found["r"] = SCORES - np.searchsorted(kept["recency"], found["recency"], side="left")
    for name, measure in (("f", "frequency"), ("m", "monetary")):
        found[name] = 1 + np.searchsorted(kept[measure], found[measure], side="left")
    found["rfm"] = found["r"].astype("str") + found["f"].astype("str") + found["m"].astype("str")
    order = found.sort_values(
        ["r", "f", "m", "customer_id"], ascending=[False, False, False, True], ignore_index=True
    )
    said = f"Up to {end:%-d %B %Y}; cut points {'as given' if cuts is not None else 'made from these customers'}"
    columns = ["customer_id", *MEASURES, "r", "f", "m", "rfm"]
    return defined(order[columns].astype(dict.fromkeys("rfm", "int64")), said), kept


def _cuts(values: pd.Series) -> list[float]:
    """Return the values that part customers into fifths, as far as equal values allow."""
    ordered = np.sort(values.to_numpy("float64"))
    places = [-(-k * len(ordered) // SCORES) - 1 for k in range(1, SCORES)]  # in whole customers
    return [float(ordered[p]) for p in places]


def _checked(measure: str, cuts: Mapping[str, list[float]]) -> list[float]:
    own = list(cuts.get(measure, []))
    if len(own) != SCORES - 1 or any(a > b for a, b in pairwise(own)):
        msg = f"cuts of {measure} are {own}; four rising numbers were needed, as rfm returned them."
        raise JourneyDataError(msg)
    return [float(v) for v in own]
