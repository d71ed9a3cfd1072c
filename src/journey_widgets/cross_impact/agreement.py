"""Do raters agree: spread of each cell, and one number for all of them."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt
import pandas as pd

from journey_widgets.cross_impact.document import POTENTIAL, UNKNOWN, CrossImpact, values_of
from journey_widgets.cross_impact.matrix import Floats, Influence, as_influence, influence_of
from journey_widgets.definition import defined
from journey_widgets.errors import JourneyDataError, one_of

Level = Literal["nominal", "ordinal", "interval", "ratio"]
LEVELS: tuple[Level, ...] = get_args(Level)
TENTATIVE, GOOD = 0.667, 0.8
"""Krippendorff's limits of alpha: below the first no conclusion, from the second on a reliable one."""
MODERATE, STRONG = 0.5, 0.7
"""Schmidt's limits of W."""
APART = 2.0
"""Raters who differ by this much or more have something to talk about."""


def krippendorff_alpha(ratings: npt.ArrayLike, level: Level = "ordinal") -> float | None:
    """Return Krippendorff's alpha: 1 for full agreement, 0 for what chance would give.

    Parameters
    ----------
    ratings
        One row a unit, one column a rater, NaN where not rated. Units with fewer than two ratings are left out.
    level
        ``"nominal"``, ``"ordinal"``, ``"interval"`` or ``"ratio"``.

    Returns
    -------
    float or None
        None where nothing can be paired, or all ratings are the same value.

    Notes
    -----
    Krippendorff, Computing Krippendorff's Alpha-Reliability, 2011: 1 - observed / expected disagreement, from
    the matrix of coincidences.
    """
    one_of("level", level, LEVELS)
    table = np.asarray(ratings, dtype=float)
    table = table[(~np.isnan(table)).sum(axis=1) >= 2]
    values = np.unique(table[~np.isnan(table)])
    if len(values) < 2:
        return None
    counts = (table[:, :, None] == values).sum(axis=1).astype(float)
    rated = counts.sum(axis=1)
    coincidences = np.zeros((len(values), len(values)))
    for row, m in zip(counts, rated, strict=True):
        coincidences += (np.outer(row, row) - np.diag(row)) / (m - 1)
    totals = coincidences.sum(axis=1)
    apart = _distances(values, totals, level)
    n = totals.sum()
    expected = (np.outer(totals, totals) - np.diag(totals)) / (n - 1)
    return float(1 - (coincidences * apart).sum() / (expected * apart).sum())


def kendall_w(ratings: npt.ArrayLike) -> float | None:
    """Return Kendall's W, corrected for ties: 1 where all raters put the units in one order.

    Parameters
    ----------
    ratings
        One row a unit, one column a rater; units not rated by all are left out.

    Returns
    -------
    float or None
        None with fewer than two raters or units, or where every rater ties everything.

    Notes
    -----
    W = 12 S / (m² (n³ - n) - m T), with S the squared deviations of rank sums and T the sum of t³ - t over groups
    of ties (Kendall and Gibbons, Rank Correlation Methods, 1990). It ignores that one rater scores higher than
    another throughout.
    """
    table = np.asarray(ratings, dtype=float)
    table = table[~np.isnan(table).any(axis=1)]
    n, m = table.shape
    if n < 2 or m < 2:
        return None
    ranked = pd.DataFrame(table).rank().to_numpy()
    sums = ranked.sum(axis=1)
    deviation = ((sums - sums.mean()) ** 2).sum()
    ties = sum(
        (c**3 - c)
        for column in table.T
        for c in np.unique(column, return_counts=True)[1].astype(float)
    )
    under = m**2 * (n**3 - n) - m * ties
    return float(12 * deviation / under) if under > 0 else None


def agreement(
    ratings: Mapping[str, Any] | CrossImpact, *, outcomes: Iterable[str] = ()
) -> pd.DataFrame:
    """Return how far raters agree on each cell.

    Parameters
    ----------
    ratings
        Rater → influence matrix (see `as_influence`), all with the same names, or the document. A blank and a "do
        not know" are missing, never 0.
    outcomes
        Names of rows that are outcomes too.

    Returns
    -------
    pandas.DataFrame
        One row a cell that anybody looked at, row by row. Columns: ``source``, ``target`` (str); ``n`` (int64,
        raters who judged it), ``unknown`` (int64, raters who do not know); ``median``, ``iqr``, ``range``,
        ``mean`` (float64, missing where n is 0); ``apart`` (bool, range of 2 or more).

    See Also
    --------
    agreement_numbers : One number for the whole matrix.
    """
    first, cube = stacked(ratings, outcomes)
    names = first.names
    rated = (~np.isnan(cube)).sum(axis=0)
    rows, columns = np.nonzero(rated + first.unknown)
    cells, some = cube[:, rows, columns], rated[rows, columns] > 0
    quarter, spread, mean = np.full((3, len(rows)), np.nan), *np.full((2, len(rows)), np.nan)
    if some.any():
        judged = cells[:, some]
        quarter[:, some] = np.nanquantile(judged, [0.25, 0.5, 0.75], axis=0)
        spread[some] = np.nanmax(judged, axis=0) - np.nanmin(judged, axis=0)
        mean[some] = np.nanmean(judged, axis=0)
    found = pd.DataFrame(
        {
            "source": np.array(names, dtype=object)[rows],
            "target": np.array(names, dtype=object)[columns],
            "n": rated[rows, columns].astype("int64"),
            "unknown": first.unknown[rows, columns].astype("int64"),
            "median": quarter[1],
            "iqr": quarter[2] - quarter[0],
            "range": spread,
            "mean": mean,
            "apart": spread >= APART,
        }
    )
    return defined(
        found,
        f"Raters: {len(cube)}. Cells nobody looked at are left out; blank and do not know are not 0.",
    )


def agreement_numbers(
    ratings: Mapping[str, Any] | CrossImpact, *, outcomes: Iterable[str] = ()
) -> pd.DataFrame:
    """Return agreement over all cells.

    Returns
    -------
    pandas.DataFrame
        Columns: ``measure`` (``"krippendorff_alpha"``, ordinal, or ``"kendall_w"``), ``value`` (Float64,
        missing where it cannot be computed), ``n`` (int64, cells it is taken over), ``raters`` (int64),
        ``reading`` (str, in words).
    """
    _first, cube = stacked(ratings, outcomes)
    off = ~np.eye(cube.shape[1], dtype=bool)
    units = cube[:, off].T
    alpha, w = krippendorff_alpha(units), kendall_w(units)
    paired = int(((~np.isnan(units)).sum(axis=1) >= 2).sum())
    complete = int((~np.isnan(units).any(axis=1)).sum())
    rows = [
        ("krippendorff_alpha", alpha, paired, _reading(alpha, TENTATIVE, GOOD)),
        ("kendall_w", w, complete, _reading(w, MODERATE, STRONG)),
    ]
    found = pd.DataFrame(
        {
            "measure": [r[0] for r in rows],
            "value": pd.array([r[1] for r in rows], dtype="Float64"),
            "n": [r[2] for r in rows],
            "raters": len(cube),
            "reading": [r[3] for r in rows],
        }
    )
    return defined(
        found,
        "Alpha over cells with two ratings or more, ordinal; W over cells rated by all, corrected for ties: it "
        "ignores that one rater scores higher throughout.",
    )


def stacked(
    ratings: "Mapping[str, Any] | CrossImpact", outcomes: Iterable[str] = ()
) -> tuple[Influence, Floats]:
    """Return one rater's names, and rater x row x column values in that order, NaN for a blank and on the diagonal.

    The influence matrix is the first rater's, but for ``unknown``, which counts all of them.
    """
    if isinstance(ratings, CrossImpact):
        panel = ratings
        ratings = {r.id: influence_of(panel, values_of(r.cells)) for r in panel.raters if r.cells}
    if not ratings:
        msg = "No rater has judged anything yet; at least one matrix was needed."
        raise JourneyDataError(msg)
    named = list(outcomes)
    checked = {rater: as_influence(matrix, named) for rater, matrix in ratings.items()}
    first, names = next((rater, i.names) for rater, i in checked.items())
    layers, unknown = [], []
    for rater, influence in checked.items():
        if set(influence.names) != set(names):
            strange = sorted(set(influence.names) ^ set(names))
            msg = (
                f"{rater!r} and {first!r} did not judge the same factors: {', '.join(strange)} "
                "is in one of them only."
            )
            raise JourneyDataError(msg)
        order = [influence.names.index(name) for name in names]
        layers.append(influence.values[np.ix_(order, order)])
        unknown.append(influence.unknown[np.ix_(order, order)])
    cube = np.array(layers)
    cube[:, np.arange(len(names)), np.arange(len(names))] = np.nan
    return replace(checked[first], unknown=np.array(unknown).sum(axis=0)), cube


def hold_agreed(panel: CrossImpact, first: Influence, cube: Floats) -> None:
    """Write what was agreed into every rater's layer: there, nobody differs any more."""
    place = {name: i for i, name in enumerate(first.names)}
    for (source, target), value in values_of(panel.consensus).items():
        if value != UNKNOWN:
            cube[:, place[source], place[target]] = 0.0 if value == POTENTIAL else value


def _distances(values: Floats, totals: Floats, level: Level) -> Floats:
    """Return the squared distance of each pair of values."""
    one, other = values[:, None], values[None, :]
    if level == "nominal":
        return np.asarray(one != other, dtype=np.float64)
    if level == "interval":
        return np.asarray((one - other) ** 2)
    if level == "ratio":
        both = one + other
        return np.asarray(np.where(both != 0, (one - other) / np.where(both == 0, 1, both), 0) ** 2)
    upto = np.cumsum(totals)
    low = np.minimum.outer(np.arange(len(values)), np.arange(len(values)))
    high = np.maximum.outer(np.arange(len(values)), np.arange(len(values)))
    between = upto[high] - upto[low] + totals[low]
    return np.asarray((between - (totals[low] + totals[high]) / 2) ** 2)


def _reading(value: float | None, some: float, much: float) -> str:
    if value is None:
        return "cannot be computed: too few ratings, or all alike"
    if value >= much:
        return f"good agreement ({much:g} or more)"
    return (
        f"some agreement ({some:g} to {much:g})"
        if value >= some
        else f"little agreement (below {some:g})"
    )
