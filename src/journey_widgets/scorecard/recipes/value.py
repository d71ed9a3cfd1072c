"""What customers are expected to be worth: a model of their buying, fitted anew at the end of every period."""

from datetime import timedelta

import ibis.expr.types as ir
import pandas as pd
import pyarrow as pa

from journey_widgets.errors import JourneyDataError
from journey_widgets.events.calendar import Calendar
from journey_widgets.scorecard.recipes.recipe import Asked, Recipe
from journey_widgets.upsell.bg_nbd import fit_bg_nbd
from journey_widgets.upsell.drawing import MOST_ROWS
from journey_widgets.upsell.gamma_gamma import fit_gamma_gamma
from journey_widgets.upsell.purchases import shopping_days, summed
from journey_widgets.upsell.value import expected_value

WEEK, YEAR = 7 * 86_400_000_000, 365.25 / 7


def _expected(ask: Asked) -> ir.Table:
    """Return every customer at the end of every period, with the value expected of them from then on."""
    days, last, _drawn = shopping_days(
        ask.table("ts", "quantity"), worth=str(ask.options["worth"]), zone=ask.zone, more=ask.by, most=MOST_ROWS
    )  # fmt: skip
    horizon = ask.length("horizon") / WEEK
    discount = (1 + ask.figure("discount", least=-1)) ** (1 / YEAR) - 1
    # Nothing is known after the day up to which the data are complete.
    if ask.last is not None:
        last = Calendar.over("day", ask.zone, ask.last, ask.last).number_of(ask.last)
        days = days[days["day"] <= last]
    # Customers by number: months of long ids take long to handle.
    numbers, ids = pd.factorize(days["customer_id"])
    days = days.assign(customer_id=numbers)
    groups = days.groupby("customer_id")[list(ask.by)].first().reindex(range(len(ids)))
    frames, refused, buying, worth = [], None, None, None
    for number, end in _ends(ask, last):
        seen = summed(days, end)
        try:
            buying, worth = fit_bg_nbd(seen, near=buying), fit_gamma_gamma(seen, near=worth)
            found = expected_value(seen, horizon, discount=discount, buying=buying, worth=worth)
        except JourneyDataError as error:
            refused = error
            continue
        own = groups.take(found["customer_id"].to_numpy())
        rows = {"period": number, "unit": found["customer_id"], "value": found["value"]}
        frames.append(pd.DataFrame(rows | {c: own[c].to_numpy() for c in ask.by}))
    if not frames:
        msg = f"{ask.kpi} could not be worked out in any period. {refused or 'No purchase of a known customer.'}"
        raise JourneyDataError(msg)
    return ask.shared.kept(pa.Table.from_pandas(pd.concat(frames), preserve_index=False))


def _ends(ask: Asked, last: int) -> list[tuple[int, int]]:
    """Return the number of each period and its last day; of one that is not over, the last day of the data."""
    if ask.first is None or ask.last is None or ask.period_length == "all":
        return [(0, last)]
    calendar = ask.calendar
    numbers = range(calendar.number_of(ask.first), calendar.number_of(ask.last) + 1)
    ends = [(n, calendar.begins(n + 1) - timedelta(days=1)) for n in numbers]
    return [(n, min((end - pd.Timestamp(0).to_pydatetime()).days, last)) for n, end in ends]


RECIPES: dict[str, Recipe] = {
    "clv_expected": Recipe(
        "order_lines", _expected, ("value",), "value",
        "Customers known by the end of the period. Convention: residual and truncated; what was bought so far is not "
        "in it, nor what comes after the horizon; parts of the horizon are discounted at their ends, discount a year. "
        "BG/NBD and gamma-gamma, in weeks, fitted on all customers at the end of each period (with more than ten "
        "million rows a customer and day, on customers drawn by chance). The interval is of the mean over customers; "
        "how well the model fits is not in it. A margin, unless the option worth names revenue.",
        options={"horizon": "365d", "discount": "0.1", "worth": "margin"}, cases="value",
    ),
}  # fmt: skip
