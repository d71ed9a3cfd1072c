"""Step times: how long customers need from one touchpoint to another."""

from collections.abc import Sequence
from typing import Any

import pandas as pd

from journey_widgets.definition import defined
from journey_widgets.errors import JourneyDataError
from journey_widgets.estimates import certainty
from journey_widgets.events.paths import path_index
from journey_widgets.journey.attempts import Rules, attempts
from journey_widgets.journey.transitions import HOUR
from journey_widgets.journey.waits import Waits

QUANTILES = ("q05_hours", "q25_hours", "q75_hours", "q95_hours")


def step_times(log: Any, steps: Sequence[str]) -> pd.DataFrame:
    """Measure the time from each step to the next one, and from the first to the last.

    For each customer the time runs from the first event at a step to the first event after it at
    the next step, as in `journey.funnel`; customers who do not get there have no time.

    Parameters
    ----------
    log
        A `Source` of events, a table with ``customer_id``, ``ts`` and ``event``, or a `PathIndex`.
    steps
        Touchpoint ids in order, at least two.

    Returns
    -------
    pandas.DataFrame
        One row per pair of neighbours, then one from the first step to the last where there are
        more than two. Columns: ``source``, ``target`` (str); ``n`` (int64), customers with a time;
        ``median_hours`` (float64) with ``low``, ``high``, ``method``, ``certainty``, its 95 %
        interval; ``mean_hours``; ``q05_hours``, ``q25_hours``, ``q75_hours``, ``q95_hours``.
    """
    steps = [str(s) for s in steps]
    if len(steps) < 2:
        msg = f"step_times needs two steps or more; got {len(steps)}. Give touchpoint ids in order."
        raise JourneyDataError(msg)
    index = path_index(log)
    reached = attempts(index, steps, Rules())
    rows = [_row(steps[k], steps[k + 1], reached.waits(k, k + 1)) for k in range(len(steps) - 1)]
    if len(steps) > 2:
        rows.append(_row(steps[0], steps[-1], reached.waits(0, len(steps) - 1)))
    frame = pd.DataFrame(rows)
    frame = frame.assign(method="order statistics 95 %", certainty=certainty(frame["n"]))
    order = ["source", "target", "n", "median_hours", "low", "high", "method", "certainty"]
    return defined(
        frame[[*order, "mean_hours", *QUANTILES]],
        f"Unit: {index.unit}; {index.in_words()}",
        "From the first event at a step to the first one after it at the next; no time limit",
        "Base: those who got there",
    )


def _row(source: str, target: str, waits: Waits) -> dict[str, Any]:
    hours = (q / HOUR for q in waits.quantiles)
    return {
        "source": source,
        "target": target,
        "n": waits.n,
        "median_hours": waits.median / HOUR,
        "low": waits.low / HOUR,
        "high": waits.high / HOUR,
        "mean_hours": waits.mean / HOUR,
        **dict(zip(QUANTILES, hours, strict=True)),
    }
