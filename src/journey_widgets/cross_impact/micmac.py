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
from journey_widgets.definition import defined
from journey_widgets.errors import JourneyDataError, one_of

Diagonal = Literal["kept", "dropped"]
DIAGONALS: tuple[Diagonal, ...] = get_args(Diagonal)
MAX_POWER = 400
MAX_PERIOD = 12
CHECK_EVERY = 12


@dataclass(frozen=True)
class _Powers:
    """Sums of the powers of a matrix: shares of all sums by power, and how the series ends."""

    sums: list[Floats]
    """Row sums and column sums by power, 2 x n each."""
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
    one_of("diagonal", diagonal, DIAGONALS)
    influence = as_influence(matrix, outcomes)
    direct = _factors(influence, potential=potential)
    direct_sums = _sums(direct, diagonal)
    powers = _powers(direct, diagonal)
    history = (
        ranks(np.stack(powers.sums))
        if powers.sums
        else np.ones((0, 2, influence.n), dtype=np.int64)
    )
    stable, period, words = _settled(powers, history)
    if not direct.any():
        indirect = np.zeros(len(direct)), np.zeros(len(direct))
    elif powers.vanished:
        relations = total_relations(_alone(influence, direct)).to_numpy()
        indirect = relations.sum(axis=1), relations.sum(axis=0)
    else:
        indirect = np.mean(powers.sums[-max(period, 1) :], axis=0)
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
    if not direct.any():
        columns = {"factor": "str", "direct_rank": "int64", "total_rank": "int64", "rise": "int64"}
        nothing = pd.DataFrame({c: pd.Series([], dtype=t) for c, t in columns.items()})
        return defined(nothing, "No factor acts on another; nothing rises.")
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
    nothing = np.zeros(direct.shape, dtype=bool)
    return Influence(influence.factors, (), direct, nothing, nothing)


def _sums(power: Floats, diagonal: Diagonal) -> tuple[Floats, Floats]:
    own = power.diagonal() if diagonal == "dropped" else 0.0
    return power.sum(axis=1) - own, power.sum(axis=0) - own


def _powers(direct: Floats, diagonal: Diagonal) -> _Powers:
    """Raise the matrix until the shares of its sums and their ranks repeat, vanish, or the last power is reached."""
    n = len(direct)
    sums: list[Floats] = []
    power, given, received = direct, np.ones(n), np.ones(n)
    for number in range(1, MAX_POWER + 1):
        if diagonal == "kept":
            # The sums of a power follow from those of the one before.
            given, received = direct @ given, received @ direct
            total = float(given.sum())
        else:
            power = direct if number == 1 else power @ direct
            total = float(power.sum())
            power = power / (total or 1.0)
            given, received = _sums(power, diagonal)
        if total == 0:
            return _Powers(sums, 0, number)
        if diagonal == "kept":
            given, received = given / total, received / float(received.sum())
        sums.append(np.stack([given, received]))
        if number % CHECK_EVERY == 0:
            period = _period(np.stack(sums[-2 * MAX_PERIOD :]))
            if period:
                return _Powers(sums, period, 0)
    return _Powers(sums, 0, 0)


def _period(sums: Floats) -> int:
    """Return after how many powers shares and ranks repeat; 0 where they do not yet.

    A factor outside the strongest loop has a share that shrinks for ever: its rank must repeat, its share need not.
    """
    by_rank = ranks(sums)
    for period in range(1, len(sums) // 2 + 1):
        if np.abs(sums[-period:] - sums[-2 * period : -period]).max() > 1e-11:
            continue
        if (by_rank[period:] == by_rank[:-period]).all():
            return period
    return 0


def _settled(powers: _Powers, history: npt.NDArray[np.int64]) -> tuple[int | None, int, str]:
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
