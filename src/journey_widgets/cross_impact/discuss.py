"""Which cells to talk about again: those whose disagreement moves the answer, not those that merely differ."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from journey_widgets.cross_impact.agreement import hold_agreed, stacked
from journey_widgets.cross_impact.document import CrossImpact
from journey_widgets.cross_impact.matrix import Floats, ranks
from journey_widgets.definition import defined
from journey_widgets.errors import JourneyDataError, did_you_mean

COLUMNS = [
    "source", "target", "n", "low", "high", "range", "opposite", "leader_changes", "ranks_changed", "moves", "in_words",
]  # fmt: skip


def cells_to_discuss(
    ratings: Mapping[str, Any] | CrossImpact,
    *,
    outcome: str | None = None,
    top: int | None = None,
    outcomes: Iterable[str] = (),
) -> pd.DataFrame:
    """Return the cells on which raters differ, by what their difference does to the ranking.

    For each cell the ranking is worked out twice: with the weakest judgement anybody gave in it, and with the
    strongest; all other cells hold the mean of the raters.

    Parameters
    ----------
    ratings, outcomes
        As for `agreement`. Cells of a document that were agreed on are settled and not listed.
    outcome
        Rank the total push on this name; else the total influence on all factors.
    top
        How many cells; all by default.

    Returns
    -------
    pandas.DataFrame
        What moves the answer most first. Columns: ``source``, ``target`` (str); ``n`` (int64, raters); ``low``,
        ``high``, ``range`` (float64, as judged); ``opposite`` (bool, some see it help and some harm);
        ``leader_changes`` (bool, another factor leads); ``ranks_changed`` (int64, factors whose rank
        differs); ``moves`` (float64, largest change of a factor, in shares of the leader's influence);
        ``in_words`` (str).
    """
    first, cube = stacked(ratings, outcomes)
    if isinstance(ratings, CrossImpact):
        hold_agreed(ratings, first, cube)
    names, n = first.names, first.n
    if outcome is not None and outcome not in names:
        msg = f"No column is called {outcome!r}. {did_you_mean(outcome, names)}"
        raise JourneyDataError(msg)
    count = (~np.isnan(cube)).sum(axis=0)
    low, high = (
        np.where(count > 0, reduce(np.where(np.isnan(cube), fill, cube), axis=0), np.nan)
        for reduce, fill in ((np.min, np.inf), (np.max, -np.inf))
    )
    rows, columns = np.nonzero(high - low > 0)
    mean = np.nansum(cube, axis=0) / np.maximum(count, 1)
    lows, highs = low[rows, columns], high[rows, columns]
    opposite = (lows < 0) & (highs > 0)
    weakest = np.where(opposite, 0.0, np.minimum(np.abs(lows), np.abs(highs)))
    strongest = np.maximum(np.abs(lows), np.abs(highs))
    target = np.zeros(len(names))
    target[names.index(outcome) if outcome is not None else slice(0, n)] = 1
    base = np.abs(mean)
    weak, strong = (_with_cell(base, rows, columns, v, target)[:, :n] for v in (weakest, strongest))
    if outcome in names[:n]:
        weak[:, names.index(str(outcome))] = strong[:, names.index(str(outcome))] = 0
    answered = ~(np.isnan(weak) | np.isnan(strong)).any(axis=1)
    weak, strong = np.nan_to_num(weak), np.nan_to_num(strong)
    ranked = ranks(weak), ranks(strong)
    leaders = ranked[0] == 1, ranked[1] == 1
    largest = np.maximum(weak, strong).max(axis=1, initial=0)
    moved = np.abs(strong - weak).max(axis=1, initial=0)
    found = pd.DataFrame(
        {
            "source": np.array(names, dtype=object)[rows],
            "target": np.array(names, dtype=object)[columns],
            "n": count[rows, columns].astype("int64"),
            "low": lows,
            "high": highs,
            "range": highs - lows,
            "opposite": opposite,
            "leader_changes": (leaders[0] != leaders[1]).any(axis=1) & answered,
            "ranks_changed": np.where(answered, (ranked[0] != ranked[1]).sum(axis=1), 0),
            "moves": np.divide(moved, largest, out=np.zeros_like(moved), where=largest > 0),
        }
    )
    labels = ratings.labels if isinstance(ratings, CrossImpact) else {n: n for n in names}
    called = tuple(labels[n] for n in names)
    found["in_words"] = [
        _words(
            {**r, "source": labels[r["source"]], "target": labels[r["target"]]},
            called,
            *(np.flatnonzero(x[i]) for x in leaders),
        )
        for i, r in enumerate(found.to_dict("records"))
    ]
    order = ["leader_changes", "ranks_changed", "moves", "range"]
    found = found.sort_values(order, ascending=False, kind="stable", ignore_index=True)[COLUMNS]
    return defined(
        found if top is None else found.head(top),
        "Each cell at its weakest and at its strongest judgement, all others at the mean of the raters; total influence"
        f"{f' on {outcome}' if outcome else ''}, sizes without sign",
    )


def _with_cell(base: Floats, rows: Any, columns: Any, values: Floats, target: Floats) -> Floats:
    """Return cells x names: total influence on `target` with one cell of the matrix at another value.

    One cell is a change of rank one, so the answer follows from one inverse (Sherman and Morrison); where the
    cell moves the largest sum, which all is divided by, the matrix is solved anew. NaN where there is none.
    """
    by_row, by_column = base.sum(axis=1), base.sum(axis=0)
    scale = max(by_row.max(), by_column.max())
    step = values - base[rows, columns]
    # The largest sum with the cell changed.
    others = np.array([np.sort(by_row)[-2:], np.sort(by_column)[-2:]])

    def largest(sums: Floats, at: Any, top: Floats) -> Floats:
        rest = np.where((sums[at] == top[1]), top[0], top[1])
        return np.asarray(np.maximum(rest, sums[at] + step))

    new = np.maximum(largest(by_row, rows, others[0]), largest(by_column, columns, others[1]))
    found = np.full((len(values), len(base)), np.nan)
    same = np.isclose(new, scale, rtol=1e-12) & (scale > 0)
    if same.any():
        share = base / scale
        try:
            inverse = np.linalg.inv(np.eye(len(base)) - share)
        except np.linalg.LinAlgError:
            same[:] = False
        else:
            r, c, delta = rows[same], columns[same], step[same] / scale
            whole = inverse @ target
            under = 1 - delta * inverse[c, r]
            change = np.full(len(under), np.nan)
            np.divide(delta * whole[c], under, out=change, where=np.abs(under) > 1e-9)
            found[same] = whole + change[:, None] * inverse[:, r].T - target
    for i in np.flatnonzero(~same & (new > 0)):
        other = base.copy()
        other[rows[i], columns[i]] = values[i]
        try:
            found[i] = np.linalg.solve(np.eye(len(base)) - other / new[i], target) - target
        except np.linalg.LinAlgError:
            continue
    found[(np.abs(found) > 1e8).any(axis=1) | (found < -1e-6).any(axis=1)] = np.nan
    return found


def _leaders(names: tuple[str, ...], side: Any) -> str:
    if len(side) > 3:
        return f"{len(side)} share the lead" if len(side) < len(names) else "nobody leads"
    return f"{' and '.join(names[i] for i in side)} lead{'s' if len(side) == 1 else ''}"


def _words(row: dict[Any, Any], names: tuple[str, ...], weak: Any, strong: Any) -> str:
    said = f"{row['source']} on {row['target']}: judged from {row['low']:g} to {row['high']:g}"
    if row["opposite"]:
        said += ", help and harm"
    if row["leader_changes"]:
        one, other = (_leaders(names, side) for side in (weak, strong))
        return f"{said}. At the weakest {one}, at the strongest {other}."
    if row["ranks_changed"]:
        return f"{said}. {row['ranks_changed']} factors change their rank between the two."
    return f"{said}. The order stays as it is."
