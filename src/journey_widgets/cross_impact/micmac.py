"""Indirect influence by powers of the matrix, as ranks (MICMAC)."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt
import pandas as pd

from journey_widgets.cross_impact.matrix import (
    POTENTIAL_STRENGTH,
    Floats,
    Influence,
    as_influence,
    ranks,
)
from journey_widgets.cross_impact.total import total_relations
from journey_widgets.errors import JourneyDataError, did_you_mean
from journey_widgets.journey.definition import defined

Diagonal = Literal["kept", "dropped"]
DIAGONALS: tuple[Diagonal, ...] = get_args(Diagonal)
MAX_POWER = 400
MAX_PERIOD = 12


@dataclass(frozen=True)
class _Powers:
    """Sums of the powers of a matrix: shares of all sums by power, and how the series ends."""

    influence: list[Floats]
    dependence: list[Floats]
    period: int
    """After how many powers it repeats; 0 where it had not settled at the last power."""
    vanished: int
    """The first power that is all 0; 0 where none is."""


def micmac(
    matrix: Any,
    *,
    diagonal: Diagonal = "kept",
    potential: bool = False,
    outcomes: Iterable[str] = (),
) -> pd.DataFrame:
    """Return direct and indirect influence and dependence of each factor, and their ranks.

    Parameters
    ----------
    matrix
        An influence matrix (see `as_influence`); signs are left out.
    diagonal
        Whether a factor's loops back to itself count: ``"kept"`` or ``"dropped"``. It can change ranks.
    potential
        Whether relations marked ``"P"`` count, with strength 3; else they count as 0.
    outcomes
        Names of rows that are outcomes; they and other outcomes are left out.

    Returns
    -------
    pandas.DataFrame
        One row a factor. Columns: ``factor`` (str); ``direct_influence``, ``direct_dependence`` (float64,
        row and column sums); ``indirect_influence``, ``indirect_dependence`` (float64, shares of all sums
        once ranks have settled); ``direct_influence_rank``, ``direct_dependence_rank``,
        ``indirect_influence_rank``, ``indirect_dependence_rank`` (int64, ties share the best rank).
        ``attrs``: ``definition``; ``stable_power``, the power from which no rank changes, or None;
        ``period`` of the ranks, above 1 where they alternate for ever; ``vanishing_power``, the first power
        that is all 0, or None.

    Notes
    -----
    Duperrin and Godet, Méthode de hiérarchisation des éléments d'un système, 1973. Powers are rescaled at each
    step, so that none overflows. Where there is no cycle the powers vanish and with them the ranking: then the
    indirect columns hold the damped total (`total_relations`). Where ranks alternate, they are those of the mean
    over one period.
    """
    if diagonal not in DIAGONALS:
        msg = f"diagonal is {diagonal!r}. {did_you_mean(str(diagonal), DIAGONALS)}"
        raise JourneyDataError(msg)
    influence = as_influence(matrix, outcomes)
    direct = _factors(influence, potential=potential)
    direct_sums = _sums(direct, diagonal)
    powers = _powers(direct, diagonal)
    history = [
        np.stack([ranks(i), ranks(d)])
        for i, d in zip(powers.influence, powers.dependence, strict=True)
    ]
    stable, period, words = _settled(powers, history)
    if not direct.any():
        indirect = np.zeros(len(direct)), np.zeros(len(direct))
    elif powers.vanished:
        relations = total_relations(_alone(influence, direct)).to_numpy()
        indirect = relations.sum(axis=1), relations.sum(axis=0)
    else:
        last = max(period, 1)
        indirect = (
            np.mean(powers.influence[-last:], axis=0),
            np.mean(powers.dependence[-last:], axis=0),
        )
    found = pd.DataFrame(
        {
            "factor": influence.factors,
            "direct_influence": direct_sums[0],
            "direct_dependence": direct_sums[1],
            "indirect_influence": indirect[0],
            "indirect_dependence": indirect[1],
            "direct_influence_rank": ranks(direct_sums[0]),
            "direct_dependence_rank": ranks(direct_sums[1]),
            "indirect_influence_rank": ranks(indirect[0]),
            "indirect_dependence_rank": ranks(indirect[1]),
        }
    )
    loops = "with" if diagonal == "kept" else "without"
    marked = int(influence.potential.sum())
    coming = (
        f" {marked} potential relations count as {'3' if potential else '0'}." if marked else ""
    )
    defined(found, f"{words} Strengths without sign, {loops} loops of a factor to itself.{coming}")
    found.attrs |= {
        "stable_power": stable,
        "period": period,
        "vanishing_power": powers.vanished or None,
    }
    return found


def rank_change(matrix: Any, *, least: int = 2, outcomes: Iterable[str] = ()) -> pd.DataFrame:
    """Return the factors that matter more than their direct sums suggest: hidden levers.

    Parameters
    ----------
    least
        Ranks a factor must rise from direct to total influence.

    Returns
    -------
    pandas.DataFrame
        Largest rise first. Columns: ``factor`` (str), ``direct_rank``, ``total_rank``, ``rise`` (int64).
    """
    influence = as_influence(matrix, outcomes)
    direct = _factors(influence, potential=False)
    total = total_relations(_alone(influence, direct)).to_numpy()
    first, second = ranks(direct.sum(axis=1)), ranks(total.sum(axis=1))
    found = pd.DataFrame(
        {
            "factor": influence.factors,
            "direct_rank": first,
            "total_rank": second,
            "rise": first - second,
        }
    )
    found = found[found["rise"] >= least].sort_values("rise", ascending=False, kind="stable")
    return defined(
        found.reset_index(drop=True),
        f"Factors whose rank rises by {least} or more from direct to total influence, among factors.",
    )


def attenuated(
    matrix: Any,
    alpha: float,
    max_length: int,
    *,
    diagonal: Diagonal = "kept",
    outcomes: Iterable[str] = (),
) -> pd.DataFrame:
    """Return influence over chains up to a length, each further step counting less.

    Parameters
    ----------
    alpha
        Weight of one further step, above 0 and up to 1.
    max_length
        Longest chain counted, at least 1.

    Returns
    -------
    pandas.DataFrame
        One row a factor. Columns: ``factor`` (str), ``influence``, ``dependence`` (float64): row and column
        sums of Σ alpha^(k-1) M^k for k up to `max_length`.
    """
    if not 0 < alpha <= 1 or max_length < 1:
        msg = f"alpha is {alpha} and max_length {max_length}; 0 < alpha <= 1 and at least 1 were needed."
        raise JourneyDataError(msg)
    influence = as_influence(matrix, outcomes)
    direct = _factors(influence, potential=False)
    power, total = direct, direct.copy()
    for _length in range(max_length - 1):
        power = alpha * (power @ direct)
        total += power
    rows, columns = _sums(total, diagonal)
    return pd.DataFrame({"factor": influence.factors, "influence": rows, "dependence": columns})


def _factors(influence: Influence, *, potential: bool) -> Floats:
    """Return strengths among factors, without the diagonal."""
    n = influence.n
    found: Floats = influence.strengths()[:n, :n].copy()
    if potential:
        found[influence.potential[:n, :n]] = POTENTIAL_STRENGTH
    np.fill_diagonal(found, 0)
    return found


def _alone(influence: Influence, direct: Floats) -> Influence:
    """Return the factors without the outcomes."""
    return Influence(influence.factors, (), direct, np.zeros(direct.shape, dtype=bool))


def _sums(power: Floats, diagonal: Diagonal) -> tuple[Floats, Floats]:
    own = power.diagonal() if diagonal == "dropped" else 0.0
    return power.sum(axis=1) - own, power.sum(axis=0) - own


def _powers(direct: Floats, diagonal: Diagonal) -> _Powers:
    """Raise the matrix until the shares of its sums repeat, vanish, or the last power is reached."""
    rows: list[Floats] = []
    columns: list[Floats] = []
    power = direct
    for number in range(1, MAX_POWER + 1):
        scale = power.sum()
        if scale == 0:
            return _Powers(rows, columns, 0, number)
        power = power / scale
        given, received = _sums(power, diagonal)
        rows.append(given)
        columns.append(received)
        for period in range(1, min(MAX_PERIOD, number // 2) + 1):
            if _repeats(rows, period) and _repeats(columns, period):
                return _Powers(rows, columns, period, 0)
        power = power @ direct
    return _Powers(rows, columns, 0, 0)


def _repeats(series: list[Floats], period: int) -> bool:
    """Whether each of the last powers equals the one a period before it."""
    return all(
        np.allclose(series[-i], series[-i - period], rtol=1e-12, atol=0)
        for i in range(1, period + 1)
    )


def _settled(powers: _Powers, history: list[npt.NDArray[np.int64]]) -> tuple[int | None, int, str]:
    """Return the power from which ranks stay, their period, and what happened in words."""
    if powers.vanished == 1:
        return None, 0, "No factor acts on another; all ranks are shared."
    if powers.vanished:
        words = (
            f"The matrix has no cycle: all sums are 0 from power {powers.vanished} on, so ranks by powers do not "
            "exist; the indirect columns hold the damped total over all chains."
        )
        return None, 0, words
    if not powers.period:
        words = f"Ranks are those of power {len(history)}, where the sums were still moving."
        return None, 0, words
    last = history[-powers.period :]
    if any((one != last[0]).any() for one in last):
        words = (
            f"Ranks alternate for ever with period {powers.period}; the indirect columns are the mean over one "
            "period."
        )
        return None, powers.period, words
    stable = len(history)
    while stable > 1 and (history[stable - 2] == last[0]).all():
        stable -= 1
    return stable, 1, f"Ranks do not change from power {stable} on."
