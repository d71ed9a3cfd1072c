"""Where to act first: influence on an outcome, times what is at stake, times the gap to the target."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from journey_widgets.cross_impact.document import CrossImpact
from journey_widgets.cross_impact.matrix import ranks
from journey_widgets.cross_impact.stability import DRAWS, NOISE_WORDS, Noise, vary
from journey_widgets.definition import defined
from journey_widgets.errors import JourneyDataError, did_you_mean


def priorities(
    panel: CrossImpact,
    outcome: str,
    *,
    gaps: Mapping[str, float] | None = None,
    draws: int = DRAWS,
    seed: int = 1,
    noise: Noise | None = None,
) -> pd.DataFrame:
    """Return the touchpoints in the order in which acting on them promises most.

    Parameters
    ----------
    panel
        The document: judgements, what is at stake at each touchpoint, interventions with their effort.
    outcome
        What is to get better: a column of the matrix.
    gaps
        Touchpoint id → how far its KPI is from its target, 0 (there) to 1 (as far as can be). Where it is not
        given, the gap is taken to be the largest one given (1 where none is), and said.
    draws, seed, noise
        As for `stability`: how sure the influence is.

    Returns
    -------
    pandas.DataFrame
        Highest value first. Columns: ``factor``, ``label`` (str); ``influence`` (float64, total push on the outcome,
        in shares of the largest); ``significance`` (float64, 0 to 1); ``gap`` (float64); ``value``
        (their product), ``low``, ``high`` (float64, 95 % of draws); ``rank``, ``rank_low``, ``rank_high``
        (int64, float64); ``top_share`` (float64, draws it leads); ``effort`` (Float64, person-days of the open
        interventions there); ``value_per_day`` (Float64); ``interventions`` (int64, open ones there);
        ``assumed`` (str, what was not given); ``n`` (int64, draws), ``method``.

    Notes
    -----
    The product is a rule of thumb: its order counts, its size does not. An effort shared by several touchpoints
    is counted in full at each of them.
    """
    if outcome not in panel.outcome_ids() and outcome not in [f.id for f in panel.factors]:
        known = [*panel.outcome_ids(), *(f.id for f in panel.factors)]
        msg = f"No column is called {outcome!r}. {did_you_mean(outcome, known)}"
        raise JourneyDataError(msg)
    given = dict(gaps or {})
    ids = [f.id for f in panel.factors]
    strange = next((g for g in given if g not in ids), None)
    if strange is not None:
        msg = f"gaps: {strange!r} is no factor. {did_you_mean(strange, ids)}"
        raise JourneyDataError(msg)
    wide = next((g for g, v in given.items() if not 0 <= v <= 1), None)
    if wide is not None:
        msg = f"gaps: {wide!r} is {given[wide]}; a share from 0 to 1 was needed."
        raise JourneyDataError(msg)
    drawn = vary(panel, outcome=outcome, noise=noise, draws=draws, seed=seed)
    stakes = [f.significance() for f in panel.factors]
    most = max((s for s in stakes if s is not None), default=1.0)
    widest = max(given.values(), default=1.0)
    at_stake = np.array([most if s is None else s for s in stakes])
    gap = np.array([given.get(i, widest) for i in ids])
    weight = at_stake * gap
    largest = drawn.value.max() or 1.0
    tops = drawn.values.max(axis=1, keepdims=True)
    shares = np.divide(drawn.values, tops, out=np.zeros_like(drawn.values), where=tops > 0)
    value, values = drawn.value / largest * weight, shares * weight
    low, high = np.quantile(values, [0.025, 0.975], axis=0)
    ranked = ranks(values)
    first = ranked == 1
    rank_low, rank_high = np.quantile(ranked, [0.025, 0.975], axis=0)
    open_ = [i for i in panel.interventions if i.status in ("planned", "running")]
    there = [[i for i in open_ if i.changes.get(f.id)] for f in panel.factors]
    effort = [
        sum(i.effort for i in some if i.effort is not None)
        if some and all(i.effort for i in some)
        else None
        for some in there
    ]
    found = pd.DataFrame(
        {
            "factor": ids,
            "label": [f.label for f in panel.factors],
            "influence": drawn.value / largest,
            "significance": at_stake,
            "gap": gap,
            "value": value,
            "low": low,
            "high": high,
            "rank": ranks(value),
            "rank_low": rank_low,
            "rank_high": rank_high,
            "top_share": (first / first.sum(axis=1, keepdims=True)).mean(axis=0),
            "effort": pd.array(effort, dtype="Float64"),
            "value_per_day": pd.array(
                [v / e if e else None for v, e in zip(value, effort, strict=True)], dtype="Float64"
            ),
            "interventions": [len(some) for some in there],
            "assumed": [
                " and ".join(
                    w
                    for w, missing in (("significance", s is None), ("gap", i not in given))
                    if missing
                )
                for s, i in zip(stakes, ids, strict=True)
            ],
            "n": len(drawn.values),
            "method": drawn.noise,
        }
    )
    found = found[found["factor"] != outcome]
    return defined(
        found.sort_values("value", ascending=False, kind="stable", ignore_index=True),
        f"Value: total push on {outcome} in shares of the largest, times what is at stake (mean of satisfaction, "
        "retention and advocacy, 0 to 5, as a share), times the gap to the target; the order counts, the size does not",
        f"Interval: 95 % of {len(drawn.values):,} draws, seed {seed}: {NOISE_WORDS[drawn.noise]}; stakes and gaps are "
        "taken as given",
        "What was not given is taken as the largest given",
    )
