"""From one version of the matrix to the next: whose rank moved, and which judgements moved it."""

from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd

from journey_widgets.cross_impact.document import CONSENSUS, CrossImpact
from journey_widgets.cross_impact.matrix import as_influence, ranks
from journey_widgets.cross_impact.total import Normalisation, normalised, relations_of
from journey_widgets.definition import defined
from journey_widgets.errors import JourneyDataError, did_you_mean


def version_change(
    before: Any,
    after: Any,
    *,
    outcome: str | None = None,
    normalisation: Normalisation = "rows_and_columns",
    outcomes: Iterable[str] = (),
) -> pd.DataFrame:
    """Return how the ranking by total influence moved between two versions.

    Parameters
    ----------
    before, after
        Two influence matrices (see `as_influence`); factors may have come or gone.
    outcome
        Rank the total push on this name; else the total influence on all factors.

    Returns
    -------
    pandas.DataFrame
        In the order of the later ranking, factors that are gone last. Columns: ``factor`` (str);
        ``rank_before``, ``rank_after`` (Int64, missing where it was not there); ``rise`` (Int64, ranks gained);
        ``value_before``, ``value_after`` (Float64).

    See Also
    --------
    cell_changes : The judgements behind it, with their reasons.
    """
    one, other = (_ranking(m, outcome, normalisation, list(outcomes)) for m in (before, after))
    names = [*other, *(n for n in one if n not in other)]
    rows = [(n, *one.get(n, (None, None)), *other.get(n, (None, None))) for n in names]
    found = pd.DataFrame(
        {
            "factor": names,
            "rank_before": pd.array([r[1] for r in rows], dtype="Int64"),
            "rank_after": pd.array([r[3] for r in rows], dtype="Int64"),
            "value_before": pd.array([r[2] for r in rows], dtype="Float64"),
            "value_after": pd.array([r[4] for r in rows], dtype="Float64"),
        }
    )
    found.insert(3, "rise", found["rank_before"] - found["rank_after"])
    on = f" on {outcome}" if outcome else ""
    return defined(
        found.sort_values("rank_after", kind="stable", na_position="last", ignore_index=True),
        f"Ranks by total influence{on}, before and after",
    )


def _ranking(
    matrix: Any, outcome: str | None, normalisation: Normalisation, outcomes: list[str]
) -> dict[str, tuple[int, float]]:
    influence = as_influence(matrix, outcomes)
    if outcome is not None and outcome not in influence.names:
        msg = f"No column is called {outcome!r}. {did_you_mean(outcome, influence.names)}"
        raise JourneyDataError(msg)
    relations = relations_of(normalised(influence, normalisation, signed=False))[: influence.n]
    value = (
        relations[:, : influence.n].sum(axis=1)
        if outcome is None
        else relations[:, influence.names.index(outcome)]
    )
    keep = np.array([name != outcome for name in influence.factors])
    named = [f for f in influence.factors if f != outcome]
    ranked = ranks(value[keep])
    return {name: (int(r), float(v)) for name, r, v in zip(named, ranked, value[keep], strict=True)}


def cell_changes(before: CrossImpact, after: CrossImpact) -> pd.DataFrame:
    """Return the judgements that differ between two versions of a document, with the later reason.

    Returns
    -------
    pandas.DataFrame
        Columns, all str: ``rater`` (label, or ``"consensus"``), ``source``, ``target``, ``before``, ``after``
        (as written; blank where there was none), ``reason``.
    """
    one, other = _cells(before), _cells(after)
    rows = []
    for place in [*other, *(p for p in one if p not in other)]:
        old, new = one.get(place, ("", "")), other.get(place, ("", ""))
        if old[0] != new[0]:
            rows.append((*place, old[0], new[0], new[1]))
    columns = ["rater", "source", "target", "before", "after", "reason"]
    return pd.DataFrame(rows, columns=columns).astype("str")


def _cells(panel: CrossImpact) -> dict[tuple[str, str, str], tuple[str, str]]:
    whose = [*((r.label, r.cells) for r in panel.raters), (CONSENSUS, panel.consensus)]
    return {
        (who, s, t): (
            f"{j.value:g}" if isinstance(j.value, int | float) else j.value,
            j.reason or "",
        )
        for who, cells in whose
        for s, row in cells.items()
        for t, j in row.items()
    }
