"""Channels: does the same touchpoint work as well in every channel?"""

from typing import Any

import numpy as np
import pandas as pd
from ibis import _

from journey_widgets.definition import defined
from journey_widgets.errors import JourneyDataError
from journey_widgets.estimates import MIN_N, certainty, difference, false_discovery, wilson
from journey_widgets.events.engine import collect
from journey_widgets.events.paths import path_index
from journey_widgets.journey.attempts import Rules, attempts

BLANK = "(blank)"


def by_channel(
    log: Any,
    touchpoint: str,
    target: str,
    *,
    column: str = "channel",
    within: str | None = None,
    min_n: int = MIN_N,
    rate: float = 0.05,
) -> pd.DataFrame:
    """Compare what follows a touchpoint, channel by channel.

    Parameters
    ----------
    log
        A `Source` of events, a table with ``customer_id``, ``ts``, ``event`` and `column`, or a `PathIndex`.
    touchpoint, target
        The touchpoint compared, and the one that is success.
    column
        Column of the log that says the channel; a customer's channel is that of the first event at
        `touchpoint`.
    within, min_n, rate
        As in `journey.pain_points`.

    Returns
    -------
    pandas.DataFrame
        One row per channel, best first. Columns: ``channel`` (str, ``"(blank)"`` where there is none);
        ``customers`` (int64) who reached `target` later; ``n`` (int64) at the touchpoint; ``share``
        (float64), ``low``, ``high``, ``method``, ``certainty``; ``difference`` to all other channels with
        ``difference_low``, ``difference_high``; ``adjusted``, p-value after control of false discoveries;
        ``differs`` (bool), the flag: this channel is certainly better or worse than the others.
    """
    if touchpoint == target:
        msg = f"{touchpoint} is both the touchpoint and the target. Name another target."
        raise JourneyDataError(msg)
    index = path_index(log)
    column_of = index.attribute(column)
    rules = Rules.read(order="this", entry="first", within=within, exclude=())
    reached = attempts(index, [touchpoint, target], rules)
    table = reached.as_table(index)
    table = table.select("customer", step="place_0", hit=(table.depth > 1).cast("int32"))
    here = index.table.select("customer", "step", channel=column_of)
    found = here.join(table, ["customer", "step"]).group_by("channel")
    counts = collect(found.agg(n=_.count(), customers=_.hit.sum()))
    counts["channel"] = counts["channel"].fillna(BLANK).astype("str")
    counts = counts.astype({"n": "int64", "customers": "int64"})
    x, n = counts["customers"].to_numpy(), counts["n"].to_numpy()
    rest_x, rest_n = x.sum() - x, n.sum() - n
    low, high = wilson(x, n)
    apart_low, apart_high, p_value = difference(x, n, rest_x, rest_n)
    enough = (n >= min_n) & (rest_n >= min_n)
    twins = len(counts) == 2  # the second test is the first one, mirrored
    tested = np.where(enough & ~(twins & (np.arange(len(n)) == 1)), p_value, np.nan)
    adjusted = false_discovery(tested)
    if twins and enough.all():
        adjusted[1] = adjusted[0]
    with np.errstate(invalid="ignore", divide="ignore"):
        share, rest = x / n, rest_x / rest_n
    frame = counts[["channel", "customers", "n"]].assign(
        share=share, low=low, high=high, method="wilson 95 %", certainty=certainty(n, min_n=min_n),
        difference=share - rest, difference_low=apart_low, difference_high=apart_high,
        adjusted=adjusted, differs=np.nan_to_num(adjusted, nan=1.0) <= rate,
    )  # fmt: skip
    frame = frame.sort_values(["share", "channel"], ascending=[False, True], ignore_index=True)
    return defined(
        frame,
        f"Unit: {index.unit}; {index.in_words()}",
        f"Channel: {column} at the first event at {touchpoint}; success: {target} later, "
        f"{f'within {within}' if within else 'no time limit'}",
        f"Differs: from all other channels together, at most {rate:.0%} of such calls being false",
    )
