"""What changed since the last batch: figures of the same reports, with false discoveries controlled over all of them.

Three hundred reports of fifty figures hold some that differ by chance alone, whatever the interval beside each says.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from journey_widgets.definition import defined
from journey_widgets.estimates import CONFIDENCE, false_discovery
from journey_widgets.publish import figures

FALSE_RATE = 0.05
COMPARED = ("Before", "Change", "Difference")
"""Columns that already compare: with the time before, or with others."""
PLACE = ["section", "part", "name", "figure", "again"]
COLUMNS = ["stem", "section", "name", "figure", "before", "now", "change", "p_value", "certain"]


def last_batch(folder: Path) -> Path | None:
    """Return the folder of the newest batch of the same report for an earlier day; None where there is none."""
    earlier = [
        p for p in folder.parent.iterdir() if p.name < folder.name and (p / "batch.json").is_file()
    ]
    return max(earlier, default=None, key=lambda p: p.name)


def apart(run: Mapping[str, Any]) -> str:
    """Return what a report is told by on any day: its parameters without the day."""
    return json.dumps(_own(run), sort_keys=True)


def about(run: Mapping[str, Any]) -> str:
    """Return what a report is about: its parameters without the day, in words."""
    return ", ".join(f"{k} {v}" for k, v in _own(run).items()) or "everything"


def _own(run: Mapping[str, Any]) -> dict[str, Any]:
    return {k: v for k, v in run["parameters"].items() if k != "as_of"}


def same_reports(
    folder: Path, before: Path, runs: list[dict[str, Any]]
) -> dict[str, tuple[Path, Path]]:
    """Return stem → figures of a report now and of the same report before: alike in everything but the day."""

    old = json.loads((before / "batch.json").read_text("utf-8"))["runs"]
    known = {apart(r): before / f"{r['stem']}.csv" for r in old}
    found = {}
    for run in runs:
        now, then = folder / f"{run['stem']}.csv", known.get(apart(run))
        if then is not None and then.is_file() and now.is_file():
            found[run["stem"]] = (now, then)
    return found


def counted_otherwise(pairs: Mapping[str, tuple[Path, Path]]) -> dict[str, set[str]]:
    """Return stem → labels of the KPIs that were counted in another way the last time: no change of theirs is one."""
    found = {}
    for stem, (now, before) in pairs.items():
        one, other = (_definitions(p.with_suffix(".json")) for p in (now, before))
        found[stem] = {
            label for kpi, (label, d) in one.items() if kpi in other and other[kpi][1] != d
        }
    return {stem: labels for stem, labels in found.items() if labels}


def _definitions(manifest: Path) -> dict[str, tuple[str, str]]:
    try:
        rows = json.loads(manifest.read_text("utf-8"))["standing"]
        return {str(r["kpi"]): (str(r["label"]), str(r["definition"])) for r in rows}
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def changed_besides(now: Mapping[str, Any], before: Mapping[str, Any]) -> list[str]:
    """Return what differs between the inputs of two batches besides the data, in words.

    Parameters
    ----------
    now, before
        ``inputs`` of their manifests, as `report_plan.inputs` returns them.
    """
    found = []
    documents = [m.get("documents") or {} for m in (now, before)]
    for kind in sorted(documents[0].keys() | documents[1].keys()):
        revisions = [str(d.get(kind, "none")).partition(" ")[0] for d in documents]
        if documents[0].get(kind) != documents[1].get(kind):
            found.append(f"{kind.replace('_', ' ')} (revision {revisions[1]}, now {revisions[0]})")
    if now.get("settings") != before.get("settings"):
        found.append("the settings of the workspace")
    if any(now.get(k) != before.get(k) for k in ("version", "code", "with")):
        found.append("the program that counts")
    return found


def changes(
    pairs: Mapping[str, tuple[Path, Path]], leave_out: Mapping[str, set[str]] | None = None
) -> pd.DataFrame:
    """Return the figures of reports beside what they were.

    Parameters
    ----------
    pairs
        Stem of a report → its CSV now and before.
    leave_out
        Stem → names of figures that are not compared, as `counted_otherwise` returns them.

    Returns
    -------
    pandas.DataFrame
        One row a figure that has an interval now and had one before, the most certain change first. Columns: ``stem``,
        ``section``, ``name`` (first words of its row), ``figure``, ``before``, ``now`` (str, as shown); ``change``
        (float64, now less before); ``p_value`` (float64, by both 95 % intervals, adjusted by Benjamini and Hochberg
        over all figures of all reports); ``certain`` (bool, at most 0.05). Figures over the same customers share what
        is alike in both, so that the p-value is too large rather than too small.
    """
    none: set[str] = set()
    found = [
        _beside(*paths, (leave_out or {}).get(stem, none)).assign(stem=stem)
        for stem, paths in pairs.items()
    ]
    if not found:
        return pd.DataFrame({c: [] for c in COLUMNS})
    every = pd.concat(found, ignore_index=True)
    adjusted = false_discovery(every["raw_p"].to_numpy("float64"))
    every = every.assign(p_value=adjusted, certain=adjusted <= FALSE_RATE)
    order = every.sort_values(
        ["p_value", "stem", "section", "name"], kind="stable", ignore_index=True
    )
    said = f"{len(every):,} figures with an interval in {len(found):,} reports, compared with the last batch"
    return defined(order[COLUMNS], said)


def _beside(now: Path, before: Path, leave_out: set[str]) -> pd.DataFrame:
    from scipy.special import ndtr, ndtri

    one, other = (_estimates(p) for p in (now, before))
    one = one[~one["name"].isin(leave_out)]
    both = one.merge(other, on=PLACE, suffixes=("", "_before"))
    z = float(ndtri(0.5 + CONFIDENCE / 2))
    wide = [
        (both[f"high{s}"] - both[f"low{s}"]).to_numpy("float64") / (2 * z) for s in ("", "_before")
    ]
    change = (both["value"] - both["value_before"]).to_numpy("float64")
    error = np.sqrt(wide[0] ** 2 + wide[1] ** 2)
    with np.errstate(divide="ignore", invalid="ignore"):
        raw = np.where(error > 0, 2 * ndtr(-np.abs(change) / error), np.nan)
    return both.assign(change=change, raw_p=raw, now=both["shown"], before=both["shown_before"])


def _estimates(path: Path) -> pd.DataFrame:
    """Return the figures of a report that have an interval, each once at its place on the page."""
    found = figures.read(path)
    known = found[found[["value", "low", "high"]].notna().all(axis=1)]
    # A caption names its month: what stands before the comma is the same part.
    own = known.assign(part=[p.partition(",")[0] for p in known["part"]])
    own = own[~own["figure"].isin(COMPARED)]
    # Of a row the first figure stands for it: the others are mostly made of the same.
    own = own.drop_duplicates(["section", "part", "row", "name"])
    own = own.assign(again=own.groupby(PLACE[:-1]).cumcount())
    return own[[*PLACE, "value", "low", "high", "shown"]]
