"""Direct influence: what pushes, what is pushed, and the role of each factor (Vester's influence matrix)."""

from collections.abc import Iterable
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt
import pandas as pd

from journey_widgets.cross_impact.matrix import Floats, as_influence, ranks
from journey_widgets.definition import defined
from journey_widgets.errors import one_of

Cut = Literal["mean", "median", "half_maximum"]
CUTS: tuple[Cut, ...] = get_args(Cut)
CUT_WORDS: dict[Cut, str] = {
    "mean": "the mean of the factors",
    "median": "the median of the factors",
    "half_maximum": "half of the largest sum",
}
ROLES = {
    (True, False): "active",
    (True, True): "critical",
    (False, True): "reactive",
    (False, False): "buffering",
}
"""The role of a factor that gives much, and receives much, or not."""


def direct_influence(
    matrix: Any, cut: Cut = "mean", *, outcomes: Iterable[str] = ()
) -> pd.DataFrame:
    """Return active and passive sums and the role of each factor.

    Parameters
    ----------
    matrix
        An influence matrix (see `as_influence`); signs are left out here, the diagonal is not used.
    cut
        Where "much" begins, for active and for passive sums: ``"mean"``, ``"median"`` or
        ``"half_maximum"``. No rule is standard, and they disagree for factors near the line.
    outcomes
        Names of rows that are outcomes too.

    Returns
    -------
    pandas.DataFrame
        One row a factor, then one an outcome. Columns: ``factor`` (str), ``kind`` (``"factor"`` or
        ``"outcome"``), ``active_sum`` and ``passive_sum`` (float64, over factors), ``product``
        (criticality P), ``quotient`` (Float64, activity Q; missing where the passive sum is 0),
        ``role`` (one of `ROLES`, or ``"outcome"``), ``active_distance`` and ``passive_distance``
        (float64, sum less cut), ``outcome_sum`` (float64, direct push on all outcomes),
        ``active_rank`` and ``passive_rank`` (Int64, ties share the best rank; missing for outcomes).

    Notes
    -----
    Vester and von Hesler, Sensitivitätsmodell, 1980: AS is the row sum, PS the column sum, P = AS × PS,
    Q = AS / PS. A factor on the line counts as above it, one with a sum of 0
    never does. Sums and cuts are taken over factors alone, as an
    outcome column would move the line.
    """
    one_of("cut", cut, CUTS)
    influence = as_influence(matrix, outcomes)
    n = influence.n
    strengths = influence.strengths()
    np.fill_diagonal(strengths, 0)
    active = strengths[:, :n].sum(axis=1)
    passive = strengths[:n].sum(axis=0)
    lines = cut_at(active[:n], cut), cut_at(passive[:n], cut)
    given, received = (float(line[0]) for line in lines)
    above = much(active, lines[0]), much(passive, lines[1])
    roles = [ROLES[bool(a), bool(p)] for a, p in zip(*above, strict=True)]
    blank = [None] * len(influence.outcomes)
    quotient = [a / p if p else None for a, p in zip(active, passive, strict=True)]
    found = pd.DataFrame(
        {
            "factor": influence.names,
            "kind": influence.kinds(),
            "active_sum": active,
            "passive_sum": passive,
            "product": active * passive,
            "quotient": pd.array(quotient, dtype="Float64"),
            "role": roles[:n] + ["outcome"] * len(influence.outcomes),
            "active_distance": active - given,
            "passive_distance": passive - received,
            "outcome_sum": strengths[:, n:].sum(axis=1),
            "active_rank": pd.array([*ranks(active[:n]), *blank], dtype="Int64"),
            "passive_rank": pd.array([*ranks(passive[:n]), *blank], dtype="Int64"),
        }
    )
    return defined(
        found,
        f"Sums of strengths without sign, over factors. Much is at or above {CUT_WORDS[cut]}: "
        f"{given:.4g} given, {received:.4g} received.{influence.blanks()}",
    )


def much(sums: Floats, line: Floats) -> npt.NDArray[np.bool_]:
    """Return which sums are at or above a line; a sum of 0 never is."""
    return np.asarray((sums >= line - 1e-9) & (sums > 0))


def cut_at(sums: Floats, cut: Cut) -> Floats:
    """Return the value at which "much" begins, over the last axis, which stays with length 1."""
    if cut == "half_maximum":
        return np.asarray(sums.max(axis=-1, keepdims=True) / 2)
    middle = np.mean if cut == "mean" else np.median
    return np.asarray(middle(sums, axis=-1, keepdims=True))
