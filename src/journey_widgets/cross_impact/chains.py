"""The strongest ways by which one factor reaches another, in words."""

import heapq
from collections.abc import Iterable
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd

from journey_widgets.cross_impact.matrix import Floats, as_influence
from journey_widgets.cross_impact.total import Normalisation, normalised, total_relations
from journey_widgets.definition import defined
from journey_widgets.errors import JourneyDataError, did_you_mean

MAX_VISITED = 200_000


def chains(
    matrix: Any,
    source: str,
    target: str,
    *,
    top: int = 5,
    normalisation: Normalisation = "rows_and_columns",
    outcomes: Iterable[str] = (),
) -> pd.DataFrame:
    """Return the strongest chains from one factor to another, no name twice.

    Parameters
    ----------
    matrix, normalisation, outcomes
        As for `total_relations`.
    source, target
        Names; they differ.
    top
        How many chains.

    Returns
    -------
    pandas.DataFrame
        Strongest first. Columns: ``path`` (str, ``"checkout -> delivery -> support"``), ``steps`` (int64),
        ``strength`` (float64, product of the normalised links), ``share`` (float64, of total influence of
        `source` on `target`), ``direction`` (``"same"`` or ``"opposite"``), ``in_words`` (str).
    """
    influence = as_influence(matrix, outcomes)
    for what, name in (("source", source), ("target", target)):
        if name not in influence.names:
            msg = f"{what}: nothing is called {name!r}. {did_you_mean(name, influence.names)}"
            raise JourneyDataError(msg)
    if source == target:
        msg = f"source and target are both {source!r}; two different names were needed."
        raise JourneyDataError(msg)
    share = normalised(influence, normalisation, signed=False)
    signed = influence.signed()
    names = influence.names
    first, last = names.index(source), names.index(target)
    total = float(total_relations(influence, normalisation).to_numpy()[first, last])
    follows = [np.flatnonzero(row).tolist() for row in share]
    best = _best(share, last)
    # Ordered by what a chain can still be at best: what reaches the target first is strongest.
    open_: list[tuple[float, float, tuple[int, ...]]] = [(-best[first], 1.0, (first,))]
    found: list[tuple[float, tuple[int, ...]]] = []
    visited = 0
    while open_ and len(found) < top and visited < MAX_VISITED:
        _at_best, strength, path = heapq.heappop(open_)
        visited += 1
        if path[-1] == last:
            found.append((strength, path))
            continue
        for step in follows[path[-1]]:
            if step not in path and best[step] > 0:
                longer = strength * float(share[path[-1], step])
                heapq.heappush(open_, (-longer * best[step], longer, (*path, step)))
    rows = []
    for strength, path in found:
        signs = [signed[i, j] > 0 for i, j in pairwise(path)]
        rows.append(
            {
                "path": " -> ".join(names[i] for i in path),
                "steps": len(path) - 1,
                "strength": strength,
                "share": strength / total,
                "direction": "same" if signs.count(False) % 2 == 0 else "opposite",
                "in_words": _words([names[i] for i in path], signs),
            }
        )
    columns = ["path", "steps", "strength", "share", "direction", "in_words"]
    cut = (
        ""
        if visited < MAX_VISITED
        else f"The search ended at {MAX_VISITED:,} chains; there may be more."
    )
    return defined(
        pd.DataFrame(rows, columns=columns),
        "Chains that pass no name twice, by the product of their normalised links; loops are part of the total only.",
        cut,
    )


def _best(share: Floats, target: int) -> list[float]:
    """Return the strongest chain from each name to the target, 0 where none leads."""
    found = np.zeros(len(share))
    found[target] = 1
    for _length in range(len(share)):
        found = np.maximum(found, (share * found).max(axis=1))
    return [float(one) for one in found]


def _words(names: list[str], signs: list[bool]) -> str:
    """Return ``"If checkout gets better, delivery gets better, and so support gets worse."``."""
    better, parts = True, []
    for name, helps in zip(names[1:], signs, strict=True):
        better = better == helps
        parts.append(f"{name} gets {'better' if better else 'worse'}")
    return f"If {names[0]} gets better, {', and so '.join(parts)}."
