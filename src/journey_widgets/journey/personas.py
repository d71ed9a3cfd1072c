"""Personas in figures: how many there are of each, and how far each gets."""

from typing import Any

import pandas as pd

from journey_widgets.definition import defined
from journey_widgets.events.paths import path_index
from journey_widgets.journey.cases import funnel_cases
from journey_widgets.journey.document import Journey

COLUMNS = [
    "persona", "label", "segment", "n", "customers", "share", "low", "high", "method", "certainty",
    "lost_before", "drop_off",
]  # fmt: skip


def funnel_by_persona(log: Any, journey: Journey) -> pd.DataFrame:
    """Return how many customers of each persona reach the end of the map's funnel.

    Parameters
    ----------
    log
        A `Source` of events, a table with ``customer_id``, ``ts`` and ``event``, or a `PathIndex`.
    journey
        The map: its `funnel`, of which the steps that occur in the log count, and the personas that name
        a segment as ``column=value``.

    Returns
    -------
    pandas.DataFrame
        One row per persona of whom there is anybody. Columns: ``persona``, ``label``, ``segment`` (str); ``n``
        (int64) who reach the first step; ``customers`` (int64) who reach the last; ``share`` (float64),
        ``low``, ``high``, ``method``, ``certainty``; ``lost_before`` (str), the step before which most are
        lost, and ``drop_off`` (int64), how many. Empty where the funnel has fewer than two steps.
    """
    index = path_index(log)
    steps = [s for s in journey.funnel if s in set(index.touchpoints)]
    pairs = [(p, *(p.segment or "").partition("=")[::2]) for p in journey.personas]
    named = [(p, c, v) for p, c, v in pairs if v and c in index.attributes]
    if len(steps) < 2 or not named:
        return pd.DataFrame({c: [] for c in COLUMNS})
    columns = list(dict.fromkeys(column for _p, column, _v in named))
    cases = funnel_cases(index, steps, columns=columns)
    groups = cases.groups()
    known = [(p, c, v) for p, c, v in named if v in groups[c]]
    if not known:
        return pd.DataFrame({c: [] for c in COLUMNS})
    rows = []
    for persona, column, value in known:
        found = cases.funnel(column=column, value=value)
        last = found.iloc[-1]
        worst = found.iloc[1 + int(found["drop_off"].iloc[1:].argmax())]
        rows.append(
            {
                "persona": persona.id, "label": persona.label, "segment": persona.segment,
                "share": last["conversion"], "lost_before": worst["step"], "drop_off": worst["drop_off"],
                **{c: last[c] for c in ("n", "customers", "low", "high", "method", "certainty")},
            }
        )  # fmt: skip
    frame = pd.DataFrame(rows, columns=COLUMNS)
    return defined(
        frame,
        f"Unit: {index.unit}; {index.in_words()}; a customer is of the persona of the first event",
        f"Steps in this order, anything may lie between: {' -> '.join(steps)}; no time limit",
        "Base: customers of the persona at the first step",
    )
