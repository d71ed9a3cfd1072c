"""Tracking a model of buying: how many repeat purchases it expected week by week, and how many there were."""

from typing import Any, Protocol

import numpy as np
import pandas as pd

from journey_widgets.definition import defined
from journey_widgets.errors import JourneyDataError
from journey_widgets.estimates import Floats
from journey_widgets.upsell.drawing import MOST_ROWS
from journey_widgets.upsell.purchases import UNITS, shopping_days


class Model(Protocol):
    """A model of buying, such as `bg_nbd.BgNbd`: what it expects of a new customer."""

    def expected_new(self, t: Any) -> Floats:
        """Return the repeat purchases expected of a new customer within times `t`."""


def tracking(
    model: Model, order_lines: Any, until: str, *, unit: str = "week", zone: str = "UTC"
) -> pd.DataFrame:
    """Hold the repeat purchases of customers against those a model expects, cumulative, week by week.

    Parameters
    ----------
    model
        A fitted model, its time in `unit`.
    order_lines
        Source or table of order lines, with what came after the model was fitted.
    until
        The last day the model was fitted on. Customers who began after it are left out.
    unit
        Of the model's time: ``"day"`` or ``"week"``.
    zone
        Time zone in which days begin.

    Returns
    -------
    pandas.DataFrame
        One row a week from the first purchase on. Columns: ``week`` (int64, from 1), ``ends`` (datetime64, its last
        day); ``actual`` and ``expected`` (float64, cumulative repeat purchases, one a customer and day), ``off``
        (float64, expected over actual less 1; missing without any), ``fitted`` (bool: the model was fitted on it).

    Raises
    ------
    JourneyDataError
        Nobody began by that day, or it is no day.

    References
    ----------
    .. [1] P. Fader, B. Hardie, K. L. Lee, "Counting your customers the easy way", Marketing Science 24, 2005.
    """
    days, last, drawn = shopping_days(order_lines, worth="quantity", zone=zone, most=MOST_ROWS)
    try:
        end = (pd.Timestamp(until) - pd.Timestamp(0)).days
    except ValueError:
        msg = f"until is {until!r}; a day such as 1997-09-30 was needed."
        raise JourneyDataError(msg) from None
    first = days.groupby("customer_id", sort=False)["day"].transform("min")
    own = days[first <= end].assign(first=first[first <= end])
    if own.empty:
        msg = f"Nobody bought by {until}: there is nothing to track."
        raise JourneyDataError(msg)
    begin = int(own["first"].min())
    weeks = np.arange(1, (last - begin) // 7 + 1)
    marks = begin + 7 * weeks
    again = np.sort(own.loc[own["day"] > own["first"], "day"].to_numpy())
    actual = np.searchsorted(again, marks, side="right").astype(np.float64)
    starts, many = np.unique(
        own.drop_duplicates("customer_id")["first"].to_numpy(), return_counts=True
    )
    since = np.maximum(marks[:, None] - starts[None, :], 0) / UNITS[unit]
    expected = model.expected_new(since) @ many.astype(np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        off = np.where(actual > 0, expected / actual - 1, np.nan)
    frame = pd.DataFrame(
        {
            "week": weeks.astype(np.int64), "ends": pd.Timestamp(0) + pd.to_timedelta(marks, unit="D"),
            "actual": actual, "expected": expected, "off": off, "fitted": marks <= end,
        }
    )  # fmt: skip
    return defined(
        frame,
        f"Cumulative repeat purchases, one a customer and day, of {int(many.sum()):,} customers who began by "
        f"{pd.Timestamp(until):%-d %B %Y}{drawn}",
    )
