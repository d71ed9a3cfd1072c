"""Total influence: what a push does once it has gone down all chains (DEMATEL)."""

from collections.abc import Iterable
from typing import Any, Literal, get_args

import numpy as np
import pandas as pd

from journey_widgets.cross_impact.matrix import Floats, Influence, as_influence, ranks
from journey_widgets.definition import defined
from journey_widgets.errors import JourneyDataError, did_you_mean, one_of

Normalisation = Literal["rows_and_columns", "rows"]
NORMALISATIONS: tuple[Normalisation, ...] = get_args(Normalisation)
NORMALISATION_WORDS: dict[Normalisation, str] = {
    "rows_and_columns": "the largest of all row and column sums",
    "rows": "the largest row sum",
}
Threshold = Literal["mean", "mean_plus_sd", "mmde"]
THRESHOLDS: tuple[Threshold, ...] = get_args(Threshold)
NEARLY_ONE = 1 - 1e-9


def normalised(influence: Influence, normalisation: Normalisation, *, signed: bool) -> Floats:
    """Return the matrix divided so that chains fade, or refuse it where they never do."""
    return _scaled(influence, normalisation, signed=signed)[0]


def _scaled(
    influence: Influence, normalisation: Normalisation, *, signed: bool
) -> tuple[Floats, float]:
    """Return the normalised matrix and the spectral radius of its sizes."""
    one_of("normalisation", normalisation, NORMALISATIONS)
    strengths = influence.strengths()
    rows, columns = strengths.sum(axis=1).max(), strengths.sum(axis=0).max()
    scale = float(max(rows, columns) if normalisation == "rows_and_columns" else rows)
    if scale == 0:
        msg = "No factor acts on another: every cell is 0, blank or not known. Judge at least one relation."
        raise JourneyDataError(msg)
    pull = _radius(strengths / scale)
    if pull >= NEARLY_ONE:
        msg = (
            "Total influence has no answer here: a group of factors pass on all they receive, so chains never "
            "fade. That is so where their sums are all equal to the largest one. "
            "Look at the direct sums, or judge these relations in finer steps."
        )
        raise JourneyDataError(msg)
    return (influence.signed() if signed else strengths) / scale, pull


def total_relations(
    matrix: Any,
    normalisation: Normalisation = "rows_and_columns",
    *,
    signed: bool = False,
    outcomes: Iterable[str] = (),
) -> pd.DataFrame:
    """Return the total relation matrix T = N (I - N)⁻¹: direct push plus all chains, row on column.

    Parameters
    ----------
    matrix
        An influence matrix (see `as_influence`).
    normalisation
        What the matrix is divided by: ``"rows_and_columns"`` or ``"rows"``. Published programs differ.
    signed
        Whether a harmful link takes away from a helpful one; else sizes alone are added up.
    outcomes
        Names of rows that are outcomes too.

    Returns
    -------
    pandas.DataFrame
        float64, index and columns the names in `matrix`, factors first.

    Raises
    ------
    JourneyDataError
        All cells are 0, or chains never fade.

    Notes
    -----
    Gabus and Fontela, World Problems, An Invitation to Further Thought within the Framework of DEMATEL, 1972.
    """
    influence = as_influence(matrix, outcomes)
    relations = relations_of(normalised(influence, normalisation, signed=signed))
    names = list(influence.names)
    return pd.DataFrame(relations, index=names, columns=names)


def total_influence(
    matrix: Any,
    normalisation: Normalisation = "rows_and_columns",
    *,
    outcomes: Iterable[str] = (),
) -> pd.DataFrame:
    """Return what each factor gives and receives once all chains are counted.

    Parameters
    ----------
    matrix, normalisation, outcomes
        As for `total_relations`; sizes are added up without sign.

    Returns
    -------
    pandas.DataFrame
        One row a factor, then one an outcome. Columns: ``factor`` (str), ``kind``, ``given`` and
        ``received`` (float64, sums of T over factors), ``prominence`` (given + received), ``relation``
        (given - received), ``role`` (``"cause"``, ``"effect"``, ``"balanced"``, or ``"outcome"``),
        ``outcome_push`` (float64, sum of T over outcomes), ``given_rank`` (Int64).
    """
    influence = as_influence(matrix, outcomes)
    n = influence.n
    share, pull = _scaled(influence, normalisation, signed=False)
    relations = relations_of(share)
    given, received = relations[:, :n].sum(axis=1), relations[:n].sum(axis=0)
    relation = given - received
    flat = np.isclose(given, received, rtol=1e-9, atol=1e-12)
    roles = [
        "balanced" if z else "cause" if r > 0 else "effect"
        for r, z in zip(relation, flat, strict=True)
    ]
    found = pd.DataFrame(
        {
            "factor": influence.names,
            "kind": influence.kinds(),
            "given": given,
            "received": received,
            "prominence": given + received,
            "relation": relation,
            "role": roles[:n] + ["outcome"] * len(influence.outcomes),
            "outcome_push": relations[:, n:].sum(axis=1),
            "given_rank": pd.array(
                [*ranks(given[:n]), *[None] * len(influence.outcomes)], dtype="Int64"
            ),
        }
    )
    return defined(
        found,
        f"Direct influence and all chains, sizes without sign, divided by {NORMALISATION_WORDS[normalisation]}. "
        f"{_coupling_words(pull)}{influence.blanks()}",
    )


def coupling(
    matrix: Any,
    normalisation: Normalisation = "rows_and_columns",
    *,
    outcomes: Iterable[str] = (),
) -> pd.DataFrame:
    """Return whether chains matter at all in this matrix.

    Returns
    -------
    pandas.DataFrame
        One row. Columns, float64 but the last: ``coupling``, the spectral radius of N, from 0 (no cycle) to
        below 1; ``multiplier``, 1 / (1 - coupling), how much loops make of a push; ``lambda_max``, the
        largest eigenvalue of T by modulus; ``mode_dominance``, the second modulus over the largest
        (Float64, missing where the largest is 0); ``in_words`` (str).

    Notes
    -----
    Delias, spectralDEMATEL, 2026. Chains matter more than direct links where the coupling is above 0.5.
    """
    share, pull = _scaled(as_influence(matrix, outcomes), normalisation, signed=False)
    # An eigenvalue v of N is v / (1 - v) of T.
    own = np.linalg.eigvals(share)
    sizes = np.sort(np.abs(own / (1 - own)))[::-1]
    largest = float(sizes[0]) if pull else 0.0
    second = float(sizes[1] / sizes[0]) if pull else None
    row = {
        "coupling": pull,
        "multiplier": 1 / (1 - pull),
        "lambda_max": largest,
        "mode_dominance": pd.array([second], dtype="Float64"),
        "in_words": _coupling_words(pull),
    }
    return pd.DataFrame(row, index=[0])


def strong_links(
    matrix: Any,
    threshold: Threshold = "mean",
    normalisation: Normalisation = "rows_and_columns",
    *,
    outcomes: Iterable[str] = (),
) -> pd.DataFrame:
    """Return the total relations worth drawing: those at or above a threshold, strongest first.

    Parameters
    ----------
    threshold
        ``"mean"`` of all cells of T, ``"mean_plus_sd"``, one standard deviation more, or ``"mmde"``, maximum mean
        de-entropy: the fewest strongest links that hold every factor which they are mostly about.

    Returns
    -------
    pandas.DataFrame
        Columns: ``source``, ``target`` (str, equal for a loop), ``total`` (float64).

    Notes
    -----
    Maximum mean de-entropy: Li and Tzeng, Identification of a threshold value for the DEMATEL method, Expert Systems
    with Applications 36, 2009.
    """
    one_of("threshold", threshold, THRESHOLDS)
    relations = total_relations(matrix, normalisation, outcomes=outcomes)
    cells = relations.to_numpy()
    if threshold == "mmde":
        at = _mmde(cells)
    else:
        at = float(cells.mean()) + (float(cells.std()) if threshold == "mean_plus_sd" else 0.0)
    rows, columns = np.nonzero(cells >= at)
    found = pd.DataFrame(
        {
            "source": relations.index.to_numpy()[rows],
            "target": relations.columns.to_numpy()[columns],
            "total": cells[rows, columns],
        }
    ).sort_values("total", ascending=False, kind="stable", ignore_index=True)
    return defined(
        found, f"Links of {at:.4g} and more, the {threshold.replace('_', ' ')} of all cells."
    )


def _mmde(cells: Floats) -> float:
    """Return the threshold of maximum mean de-entropy.

    Links, those of 0 left out, are taken strongest first. The names they start from (and, apart, those they end at)
    are counted; the more uneven the counts, the further their entropy is below that of even counts, and that distance
    a name is the mean de-entropy. Where it is largest, the names so far are those that the strong links are about.
    """
    order = np.argsort(-cells, axis=None, kind="stable")[: int((cells > 0).sum())]
    sources, targets = np.unravel_index(order, cells.shape)
    needed = 0
    for ends in (sources, targets):
        counts = np.zeros(len(cells))
        best, names = -1.0, 1
        for place in ends:
            counts[place] += 1
            share = counts[counts > 0] / counts.sum()
            k = len(share)
            apart = (np.log(k) + float((share * np.log(share)).sum())) / k
            if apart > best + 1e-12:
                best, names = apart, k
        # Enough links to hold that many names.
        _values, first = np.unique(ends, return_index=True)
        needed = max(needed, int(np.sort(first)[names - 1]) + 1)
    return float(cells.ravel()[order[needed - 1]])


def push(
    matrix: Any,
    outcome: str,
    normalisation: Normalisation = "rows_and_columns",
    *,
    outcomes: Iterable[str] = (),
) -> pd.DataFrame:
    """Return how strongly each factor moves one name, directly and over all chains.

    Parameters
    ----------
    outcome
        The column to look at: an outcome, or any factor.

    Returns
    -------
    pandas.DataFrame
        One row a factor other than `outcome`, strongest total first. Columns: ``factor`` (str),
        ``direct`` (float64, as judged, signed), ``total`` (float64, size over all chains), ``net`` (float64,
        the same with signs: what harms takes away), ``direct_rank``, ``total_rank`` (int64, of sizes).
    """
    influence = as_influence(matrix, outcomes)
    if outcome not in influence.names:
        msg = f"No column is called {outcome!r}. {did_you_mean(outcome, influence.names)}"
        raise JourneyDataError(msg)
    at = influence.names.index(outcome)
    keep = [i for i in range(influence.n) if i != at]
    direct = influence.signed()[keep, at]
    total = relations_of(normalised(influence, normalisation, signed=False))[keep, at]
    net = relations_of(normalised(influence, normalisation, signed=True))[keep, at]
    found = pd.DataFrame(
        {
            "factor": [influence.names[i] for i in keep],
            "direct": direct,
            "total": total,
            "net": net,
            "direct_rank": ranks(np.abs(direct)),
            "total_rank": ranks(total),
        }
    ).sort_values("total", ascending=False, kind="stable", ignore_index=True)
    return defined(
        found,
        f"Push on {outcome}: direct as judged; total over all chains, divided by "
        f"{NORMALISATION_WORDS[normalisation]}; net with signs.{influence.blanks()}",
    )


def relations_of(share: Floats) -> Floats:
    """Return N (I - N)⁻¹ of one normalised matrix or a stack, with no sum below rounding where no chain leads."""
    # N and (I - N)⁻¹ commute.
    found = np.asarray(np.linalg.solve(np.eye(share.shape[-1]) - share, share), dtype=np.float64)
    return np.where(np.abs(found) < 1e-15, 0.0, found)


def _radius(share: Floats) -> float:
    """Return the spectral radius; exactly 0 for a matrix without a cycle, which rounding would hide."""
    reached = share > 0
    for _step in range(int(np.ceil(np.log2(len(share)))) + 1):
        reached = reached | (reached.astype(float) @ reached.astype(float) > 0)
    if not reached.diagonal().any():
        return 0.0
    return float(np.abs(np.linalg.eigvals(share)).max())


def _coupling_words(pull: float) -> str:
    if pull == 0:
        return "There is no loop: chains end."
    size = "more" if pull > 0.5 else "less"
    return (
        f"Chains matter {size} than direct links here (coupling {pull:.2f}; loops make "
        f"{1 / (1 - pull):.2f} of a push of 1)."
    )
