"""Judgement beside evidence, cell by cell: where they agree, and where one sees what the other does not."""

import math
from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd

from journey_widgets.cross_impact.document import POTENTIAL, UNKNOWN, CrossImpact, values_of
from journey_widgets.cross_impact.matrix import as_influence
from journey_widgets.cross_impact.observed import COLUMNS as OBSERVED
from journey_widgets.definition import defined
from journey_widgets.errors import JourneyDataError, one_of
from journey_widgets.estimates import false_discovery

HIGH, NONE = 2.0, 0.5
"""A judgement from `HIGH` on is strong; below `NONE` it says there is nothing."""
LITTLE = {"odds ratio": (1 / 1.5, 1.5), "correlation": (-0.2, 0.2)}
"""An effect whose whole interval lies in here is as good as none."""
MUCH = {"odds ratio": (0.5, 2.0), "correlation": (-0.3, 0.3)}
"""An effect outside of this is strong."""
NOTHING = {"odds ratio": 1.0, "correlation": 0.0}
SIGNIFICANT = 0.05
SIGNS = "sign conflict"
EXPERTS_ONLY, DATA_ONLY = "experts high, data none", "data high, experts none"
CONFLICTS = (SIGNS, EXPERTS_ONLY, DATA_ONLY)
AGREE, RELATED, LITTLE_THERE = "agree", "related, direction open", "agree: little there"
WEAKER, STRONGER, APART = "weaker in the data", "more in the data", "experts disagree"
UNJUDGED, UNSEEN, UNCLEAR = "not judged", "no data", "data cannot tell"
ORDER = (
    *CONFLICTS, APART, WEAKER, STRONGER, AGREE, RELATED, LITTLE_THERE, UNCLEAR, UNJUDGED, UNSEEN,
)  # fmt: skip


def evidence(
    panel: Any, observed: pd.DataFrame | Iterable[pd.DataFrame], *, outcomes: Iterable[str] = ()
) -> pd.DataFrame:
    """Return judgement and data side by side. They are compared and never averaged.

    Parameters
    ----------
    panel
        The document, or an influence matrix (see `as_influence`).
    observed
        One or several tables of `later_visits`, `repeat_contacts`, `scores_together` or `lagged`.

    Returns
    -------
    pandas.DataFrame
        One row an observation of a cell of the matrix, and one for each judged cell without any; conflicts first.
        Columns: ``source``, ``target`` (str); ``expert`` (Float64, what the analyses rest on; missing where
        blank), ``expert_low``, ``expert_high`` (Float64, over raters), ``raters`` (int64); ``value``, ``low``, ``high``
        (Float64, 95 %), ``measure``, ``n`` (Int64), ``method``; ``strength`` (Float64, -3 to 3, from the rank
        of its size among observations of the same target and method: for reading beside the judgement, not for
        reckoning with); ``adjusted_p`` (Float64, Benjamini and Hochberg over all observations);
        ``verdict`` (str, see Notes).

    Notes
    -----
    Verdicts: *sign conflict*, the data clearly say the opposite direction; *experts high, data none*, judged 2 or more,
    and the whole interval is close to nothing (odds ratio 0.67 to 1.5, correlation -0.2 to 0.2); *data high, experts
    none*, a clear and strong effect (odds ratio from 2 on, correlation 0.3 and beyond) judged to be nothing; *experts
    disagree*, some say it helps and some that it harms; *weaker in the data*, less than was judged; *more in the
    data*, a clear effect judged to be nothing, short of strong; *agree*, a clear effect in the direction judged;
    *related, direction open*, a clear effect of a kind that has no direction; *agree: little there*; *data cannot
    tell*, nothing clear and the interval too wide to say there is nothing; *not judged*; *no data*.
    """
    tables = [observed] if isinstance(observed, pd.DataFrame) else list(observed or ())
    wrong = next((t for t in tables if not set(OBSERVED) <= set(t.columns)), None)
    if wrong is not None:
        msg = f"An observation has the columns {', '.join(OBSERVED)}; found {', '.join(map(str, wrong.columns))}."
        raise JourneyDataError(msg)
    influence = as_influence(panel, outcomes)
    names = list(influence.names)
    filled = [t[OBSERVED] for t in tables if len(t)]
    data = pd.concat(filled, ignore_index=True) if filled else pd.DataFrame(columns=OBSERVED)
    _refuse(data)
    known = data["source"].isin(names[: influence.n]) & data["target"].isin(names)
    elsewhere = int((~known).sum())
    data = data[known].reset_index(drop=True)
    data["adjusted_p"] = false_discovery(data["p_value"].astype("float64"))
    data["strength"] = _strengths(data)
    judged = _judged(panel, influence)
    merged = judged.merge(data, how="outer", on=["source", "target"])
    merged = merged[merged["expert"].notna() | merged["value"].notna()]
    merged["verdict"] = [_verdict(r) for r in merged.to_dict("records")]
    place = {v: i for i, v in enumerate(ORDER)}
    at = {n: i for i, n in enumerate(names)}
    merged = merged.assign(
        _v=merged["verdict"].map(place), _s=merged["source"].map(at), _t=merged["target"].map(at)
    ).sort_values(["_v", "_s", "_t"], kind="stable", ignore_index=True)
    numbers = (
        "expert",
        "expert_low",
        "expert_high",
        "value",
        "low",
        "high",
        "strength",
        "adjusted_p",
    )
    found = merged.astype(dict.fromkeys(numbers, "Float64") | {"n": "Int64"})
    found["raters"] = found["raters"].fillna(0).astype("int64")
    for c in ("measure", "method"):
        found[c] = found[c].fillna("").astype("str")
    columns = [
        "source", "target", "expert", "expert_low", "expert_high", "raters", "value", "low", "high", "measure", "n",
        "method", "strength", "adjusted_p", "verdict",
    ]  # fmt: skip
    return defined(
        found[columns],
        "Judgement and data stand side by side and are never averaged. An association in time, no experiment",
        f"{elsewhere} observations are about relations the matrix has no cell for"
        if elsewhere
        else "",
    )


def conflicts(found: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of an `evidence` table in which judgement and data contradict each other."""
    if "verdict" not in found.columns:
        msg = f"A table of evidence was needed; found the columns {', '.join(map(str, found.columns))}."
        raise JourneyDataError(msg)
    kept = found[found["verdict"].isin(CONFLICTS)].reset_index(drop=True)
    kept.attrs = dict(found.attrs)
    return kept


def _refuse(data: pd.DataFrame) -> None:
    """Refuse observations in a measure nobody can compare, or that cannot be."""
    for measure, value in zip(data["measure"], data["value"], strict=True):
        one_of("measure", measure, LITTLE)
        least = 0.0 if measure == "odds ratio" else -1.0
        if pd.isna(value) or not least <= value or (measure == "odds ratio" and value == 0):
            needed = "a number above 0" if least == 0 else "-1 to 1"
            msg = f"An observation is {value} as {measure}; {needed} was needed."
            raise JourneyDataError(msg)


def _judged(panel: Any, influence: Any) -> pd.DataFrame:
    """Return each judged cell with what the analyses rest on, and the span of the raters."""
    names, n = influence.names, influence.n
    said: dict[tuple[str, str], list[float]] = {}
    if isinstance(panel, CrossImpact):
        for r in panel.raters:
            for source, row in r.cells.items():
                for target, judgement in row.items():
                    if judgement.value != UNKNOWN:
                        number = 0.0 if judgement.value == POTENTIAL else float(judgement.value)
                        said.setdefault((source, target), []).append(number)
        for place, value in values_of(panel.consensus).items():
            if value != UNKNOWN:  # there, nobody differs any more
                said[place] = [0.0 if value == POTENTIAL else float(value)] * len(
                    said.get(place, [0])
                )
    rows = []
    for i in range(n):
        for j, target in enumerate(names):
            value = influence.values[i, j]
            if i == j or np.isnan(value):
                continue
            span = said.get((names[i], target), [float(value)])
            rows.append(
                (
                    names[i],
                    target,
                    float(value),
                    min(span),
                    max(span),
                    len(said.get((names[i], target), [])),
                )
            )
    columns = ["source", "target", "expert", "expert_low", "expert_high", "raters"]
    return pd.DataFrame(rows, columns=columns)


def _strengths(data: pd.DataFrame) -> pd.Series:
    """Return sizes as ranks within target and method, from 0 for the smallest to 3 for the largest."""
    if data.empty:
        return pd.Series([], dtype="float64")
    values = data["value"].astype("float64")
    ratio = data["measure"] == "odds ratio"
    size = values.where(~ratio, values.where(ratio, 1.0).map(math.log)).abs()
    grouped = size.groupby([data["target"], data["method"]])
    most = grouped.transform("size") - 1
    strength = ((grouped.rank() - 1) / most.where(most > 0)) * 3
    return strength.mask(data["signed"].astype(bool) & (values < 0), -strength)


def _verdict(row: dict[Any, Any]) -> str:
    expert = row["expert"]
    if pd.isna(row["value"]):
        return UNSEEN
    if pd.isna(expert):
        return UNJUDGED
    measure = row["measure"]
    (least, most), (low, high) = LITTLE[measure], MUCH[measure]
    if row["expert_low"] < 0 < row["expert_high"]:
        return APART
    size, strong = abs(expert), not low < row["value"] < high
    if least < row["low"] and row["high"] < most:
        return EXPERTS_ONLY if size >= HIGH else WEAKER if size >= NONE else LITTLE_THERE
    if not row["adjusted_p"] <= SIGNIFICANT:
        return UNCLEAR
    if size < NONE:
        # Less often than others is no effect on something: much of a journey comes in one order.
        if not row["signed"] and row["value"] < 1:
            return RELATED
        return DATA_ONLY if strong else STRONGER
    if row["signed"] and (expert > 0) != (row["value"] > NOTHING[measure]):
        return SIGNS
    if size >= HIGH and not strong:
        return WEAKER
    return AGREE if row["signed"] else RELATED
