"""The influence matrix: how strongly one factor acts on another. The row influences the column.

Every analysis of this folder takes a table of numbers: one row a factor, one column a factor or an outcome.
Columns without a row of their own are outcomes (satisfaction, effort, retention, advocacy): they are what
the factors push, and stay out of every mean over factors.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from journey_widgets.cross_impact.document import POTENTIAL, UNKNOWN, CrossImpact
from journey_widgets.errors import JourneyDataError, did_you_mean

Floats = npt.NDArray[np.float64]
POTENTIAL_STRENGTH = 3.0


@dataclass(frozen=True)
class Influence:
    """A checked influence matrix.

    ``values[i, j]`` is how strongly ``names[i]`` acts on ``names[j]``, in the scale it was judged in; NaN is
    a blank. ``names`` are the factors, then the outcomes; ``potential`` marks relations that may come, ``unknown``
    cells that somebody looked at and does not know.
    """

    factors: tuple[str, ...]
    outcomes: tuple[str, ...]
    values: Floats
    potential: npt.NDArray[np.bool_]
    unknown: npt.NDArray[np.bool_]

    @property
    def names(self) -> tuple[str, ...]:
        """Factors, then outcomes, as the rows and columns of `values`."""
        return self.factors + self.outcomes

    @property
    def n(self) -> int:
        """The number of factors, outcomes not counted."""
        return len(self.factors)

    def signed(self) -> Floats:
        """Return the values with 0 for a blank: what nobody judged adds nothing to a sum."""
        return np.nan_to_num(self.values)

    def strengths(self) -> Floats:
        """Return sizes without sign, 0 for a blank."""
        return np.abs(self.signed())

    def kinds(self) -> list[str]:
        """Return ``"factor"`` or ``"outcome"`` for each name."""
        return ["factor"] * self.n + ["outcome"] * len(self.outcomes)

    def blanks(self) -> str:
        """Return how many cells nobody judged, as a sentence; blank text where all are judged."""
        off = ~np.eye(len(self.names), dtype=bool)[: self.n]
        count = int(np.isnan(self.values[: self.n])[off].sum())
        return f" {count} of {int(off.sum())} cells are blank and count as 0." if count else ""


def as_influence(matrix: Any, outcomes: Iterable[str] = ()) -> Influence:
    """Check a table and return it as an influence matrix.

    Parameters
    ----------
    matrix
        A DataFrame with names as index and columns, or rows of numbers (then the factors are called ``"1"``,
        ``"2"`` …), or the document `CrossImpact` (then names are ids), or an `Influence`. A missing value is a
        blank, ``"?"`` is "do not know" and counts like one, ``"P"`` is a potential relation.
    outcomes
        Names of rows that are outcomes too, such as advocacy where word of mouth acts back.

    Raises
    ------
    JourneyDataError
        A name occurs twice, a row has no column, a cell is no number, or nothing is left to compare.
    """
    if isinstance(matrix, Influence):
        return matrix
    if isinstance(matrix, CrossImpact):
        return influence_of(matrix, matrix.judged_values())
    frame = matrix if isinstance(matrix, pd.DataFrame) else _unnamed(matrix)
    rows, columns = [str(r) for r in frame.index], [str(c) for c in frame.columns]
    for what, names in (("row", rows), ("column", columns)):
        twice = next((n for n in names if names.count(n) > 1), None)
        if twice is not None:
            msg = f"The matrix has two {what}s called {twice!r}. Rename or merge them."
            raise JourneyDataError(msg)
    lost = next((r for r in rows if r not in columns), None)
    if lost is not None:
        msg = (
            f"The matrix has a row {lost!r} and no such column; every factor needs both. "
            f"{did_you_mean(lost, columns)}"
        )
        raise JourneyDataError(msg)
    named = list(outcomes)
    strange = next((o for o in named if o not in columns), None)
    if strange is not None:
        msg = f"No column is called {strange!r}, named as an outcome. {did_you_mean(strange, columns)}"
        raise JourneyDataError(msg)
    factors = [r for r in rows if r not in named]
    targets = [c for c in columns if c not in factors]
    if not factors or len(factors) + len(targets) < 2:
        msg = (
            f"The matrix has {len(factors)} factors and {len(targets)} outcomes; at least two names were "
            "needed, one of them a factor."
        )
        raise JourneyDataError(msg)
    names = factors + targets
    values = np.full((len(names), len(names)), np.nan)
    potential, unknown = np.zeros(values.shape, dtype=bool), np.zeros(values.shape, dtype=bool)
    place = {name: i for i, name in enumerate(names)}
    at = np.ix_([place[r] for r in rows], [place[c] for c in columns])
    if all(pd.api.types.is_numeric_dtype(t) for t in frame.dtypes):
        values[at] = _finite(frame.to_numpy(dtype=float, na_value=np.nan), frame)
    else:
        cells = frame.to_numpy(dtype=object)
        coming, asked = (
            np.array([[_is(cell, mark) for cell in row] for row in cells], dtype=bool)
            for mark in (POTENTIAL, UNKNOWN)
        )
        numbers = [[_number(cell) for cell in row] for row in cells]
        values[at] = _finite(np.where(coming, 0.0, numbers), frame)
        potential[at], unknown[at] = coming, asked
    return Influence(tuple(factors), tuple(targets), values, potential, unknown)


def influence_of(panel: CrossImpact, cells: Mapping[tuple[str, str], float | str]) -> Influence:
    """Return judgements of a document, (source id, target id) → value, as an influence matrix."""
    factors, outcomes = tuple(f.id for f in panel.factors), tuple(panel.outcome_ids())
    names = factors + outcomes
    if not factors or len(names) < 2:
        msg = (
            f"The matrix has {len(factors)} factors and {len(outcomes)} outcomes; at least two names were "
            "needed, one of them a factor."
        )
        raise JourneyDataError(msg)
    place = {name: i for i, name in enumerate(names)}
    values = np.full((len(names), len(names)), np.nan)
    potential, unknown = np.zeros(values.shape, dtype=bool), np.zeros(values.shape, dtype=bool)
    for (source, target), value in cells.items():
        at = place[source], place[target]
        if value == UNKNOWN:
            unknown[at] = True
        elif value == POTENTIAL:
            potential[at], values[at] = True, 0.0
        else:
            values[at] = value
    return Influence(factors, outcomes, values, potential, unknown)


def _unnamed(matrix: Any) -> pd.DataFrame:
    rows = [list(r) for r in matrix] if isinstance(matrix, Sequence | np.ndarray) else []
    if not rows or any(len(r) != len(rows) for r in rows):
        msg = (
            "An influence matrix was needed: a table with names as rows and columns, or as many rows of numbers "
            f"as columns. Found {type(matrix).__name__} with {len(rows)} rows of "
            f"{sorted({len(r) for r in rows})} values."
        )
        raise JourneyDataError(msg)
    names = [str(i + 1) for i in range(len(rows))]
    return pd.DataFrame(rows, index=names, columns=names)


def _is(cell: Any, mark: str) -> bool:
    return isinstance(cell, str) and cell.strip().upper() == mark


def _number(cell: Any) -> float:
    """Return a cell as a number, NaN for a blank, infinity for what is neither."""
    if cell is None or cell is pd.NA or (isinstance(cell, str) and cell.strip() in ("", UNKNOWN)):
        return float("nan")
    try:
        return float(cell)
    except (TypeError, ValueError):
        return float("inf")


def _finite(values: Floats, frame: pd.DataFrame) -> Floats:
    """Return the values, or refuse the first that is no number."""
    strange = np.argwhere(np.isinf(values))
    if len(strange):
        row, column = strange[0]
        cell = frame.iat[row, column]
        msg = (
            f"{str(frame.index[row])!r} on {str(frame.columns[column])!r} is {cell!r}; a number, a blank, '?' "
            "or 'P' was needed."
        )
        raise JourneyDataError(msg)
    return values


def ranks(values: Floats) -> npt.NDArray[np.int64]:
    """Return competition ranks along the last axis, 1 for the largest; values equal to rounding share a rank."""
    order = np.argsort(-values, axis=-1, kind="stable")
    in_order = np.take_along_axis(values, order, axis=-1)
    tiny = 1e-12 * np.abs(values).max(axis=-1, keepdims=True, initial=0)
    near = in_order[..., :-1] - in_order[..., 1:] <= 1e-9 * np.abs(in_order[..., :-1]) + tiny
    starts = np.zeros(values.shape, dtype=np.int64)
    starts[..., 1:] = np.where(near, 0, np.arange(1, values.shape[-1]))
    found = np.empty(values.shape, dtype=np.int64)
    np.put_along_axis(found, order, np.maximum.accumulate(starts, axis=-1) + 1, axis=-1)
    return found
