"""What is red and certain over all reports of a batch, with false discoveries controlled, and who answers for it.

Of three hundred reports with twenty KPIs some are certainly red by chance alone, whatever the interval of each says.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from journey_widgets.definition import defined
from journey_widgets.estimates import false_discovery

FALSE_RATE = 0.05
EVERYWHERE = ""
"""Stem of what is the same in all reports: it is about all customers, or about the documents."""
COLUMNS = [
    "stem", "kpi", "label", "owner", "owner_label", "value", "shown", "between", "aimed", "n", "weight", "chance",
    "p_value",
]  # fmt: skip


def standing_of(folder: Path, runs: Sequence[Mapping[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    """Return stem → how the KPIs of a report stand, of the reports that were made of what there is now."""
    found = {}
    for run in runs:
        if run["status"] not in ("made", "fresh"):
            continue  # what the last good one says is of another state of the data
        try:
            manifest = json.loads((folder / f"{run['stem']}.json").read_text("utf-8"))
            found[run["stem"]] = list(manifest["standing"])
        except (OSError, ValueError, KeyError, TypeError):
            continue
    return found


def red_and_certain(standing: Mapping[str, Sequence[Mapping[str, Any]]]) -> pd.DataFrame:
    """Return the KPIs that are certainly at their worst status.

    Parameters
    ----------
    standing
        Stem of a report → rows as `standings.of_view` returns them.

    Returns
    -------
    pandas.DataFrame
        One row a KPI of a report, the most certain and weighty first: sorted by (1 - ``p_value``) times ``weight``.
        Columns: ``stem`` (`EVERYWHERE` for a KPI with the same value and interval in all of several reports), ``kpi``,
        ``label``, ``owner`` (role id), ``owner_label``, ``shown``, ``between``, ``aimed`` (str); ``value``, ``n``,
        ``weight`` (float64); ``chance`` (float64, one-sided, as `status.chance_of_better`), ``p_value`` (float64,
        adjusted by Benjamini and Hochberg over all KPIs of all reports; at most 0.05 in every row).
    """
    rows = [
        {"stem": s, **r} for s, found in standing.items() for r in found if r["chance"] is not None
    ]
    if not rows:
        return pd.DataFrame({c: [] for c in COLUMNS})
    every = pd.DataFrame(rows)
    every = _once(every, len(standing))
    adjusted = false_discovery(every["chance"].to_numpy("float64"))
    certain = every.assign(p_value=adjusted, weight=every["weight"].astype("float64").fillna(0.0))
    certain = certain[adjusted <= FALSE_RATE]
    rank = (1 - certain["p_value"]) * certain["weight"]
    order = certain.assign(rank=rank).sort_values(
        ["rank", "chance", "label", "stem"],
        ascending=[False, True, True, True],
        kind="stable",
        ignore_index=True,
    )
    numbers = {c: order[c].astype("float64") for c in ("value", "n")}
    said = f"{len(every):,} KPIs with a known certainty in {len(standing):,} reports"
    return defined(
        order.assign(**numbers)[COLUMNS],
        f"{said}; at most 5 % of what is called certain is by chance.",
    )


def red_uncertain(
    standing: Mapping[str, Sequence[Mapping[str, Any]]], certain: pd.DataFrame
) -> pd.DataFrame:
    """Return the KPIs at their worst status that are not certainly so: by chance, or because nobody can tell.

    Parameters
    ----------
    standing
        As `red_and_certain` takes it.
    certain
        What that returned.

    Returns
    -------
    pandas.DataFrame
        As of `red_and_certain`, the weighty first; ``p_value`` is missing.
    """
    known = set(zip(certain["stem"], certain["kpi"], strict=True))
    rows = [
        {"stem": s, **r}
        for s, found in standing.items()
        for r in found
        if r.get("worst") and not {(s, r["kpi"]), (EVERYWHERE, r["kpi"])} & known
    ]
    if not rows:
        return pd.DataFrame({c: [] for c in COLUMNS})
    every = _once(pd.DataFrame(rows), len(standing))
    weights = every["weight"].astype("float64").fillna(0.0)
    order = every.assign(weight=weights, p_value=float("nan")).sort_values(
        ["weight", "label", "stem"], ascending=[False, True, True], kind="stable", ignore_index=True
    )
    return order[COLUMNS]


def _once(every: pd.DataFrame, reports: int) -> pd.DataFrame:
    """Return each KPI that is the same in all reports once: a share of documents is about no segment."""
    if reports < 2:
        return every
    keys = every[["value", "low", "high"]].astype("float64").round(12)
    kinds = (
        keys.assign(kpi=every["kpi"])
        .groupby("kpi")[["value", "low", "high"]]
        .nunique(dropna=False)
        .max(axis=1)
    )
    counts = every.groupby("kpi")["stem"].nunique()
    same = {str(k) for k in kinds.index if kinds[k] == 1 and counts[k] == reports}
    shared = every["kpi"].isin(same)
    first = every[shared].drop_duplicates("kpi").assign(stem=EVERYWHERE)
    return pd.concat([first, every[~shared]], ignore_index=True)


def by_role(reds: pd.DataFrame) -> dict[tuple[str, str], pd.DataFrame]:
    """Return the accountable role, id and label, → what is red and certain of it: each row under exactly one role."""
    return {
        (str(own["owner"].iloc[0]), str(own["owner_label"].iloc[0])): own.reset_index(drop=True)
        for _owner, own in reds.groupby("owner", sort=False)
    }
