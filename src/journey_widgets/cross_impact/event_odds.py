"""Chances of events that make each other more or less likely, exactly (Gordon and Hayward)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt
import pandas as pd

from journey_widgets.cross_impact.matrix import Floats
from journey_widgets.definition import defined
from journey_widgets.errors import JourneyDataError, did_you_mean, one_of

Absence = Literal["coherent", "ignored"]
MAX_EVENTS = 12
MAX_EVENTS_IN_ORDER = 7
"""Strengths do not commute: all orders are gone through, and there are n! of them."""


@dataclass(frozen=True)
class EventChances:
    """What comes of events that act on each other.

    ``events`` has a row an event: ``event`` (str), ``initial``, ``final``, ``change`` (float64).
    ``scenarios`` has a row a combination that can happen, likeliest first: ``scenario`` (str, 1 for an event
    that happens, in the order given), ``happens`` (str, the names), ``probability`` (float64).
    ``incoherent`` lists pairs whose conditional probability cannot be: ``event``, ``given`` (str),
    ``conditional``, ``low``, ``high`` (float64).
    """

    events: pd.DataFrame
    scenarios: pd.DataFrame
    incoherent: pd.DataFrame


def event_probabilities(
    initial: Mapping[str, float] | Sequence[float],
    conditional: Any = None,
    *,
    strength: Any = None,
    absence: Absence = "coherent",
) -> EventChances:
    """Return the chance of each event once all act on each other, over all orders, without sampling.

    Parameters
    ----------
    initial
        Event → probability on its own, above 0 and below 1; or a list (events are then "1", "2" …).
    conditional
        ``conditional[i][j]``: probability of event j once event i has happened; rows of numbers, or a DataFrame.
        A missing value leaves j as it is.
    strength
        Instead of `conditional`, ``strength[i][j]`` from -1 to 1: once i happens, p of j becomes
        p + strength p (1 - p).
    absence
        What an event that did not happen does: ``"coherent"`` moves others by P(j | not i), so that nothing drifts;
        ``"ignored"`` does nothing, and positive links then raise all chances.

    Returns
    -------
    EventChances

    Raises
    ------
    JourneyDataError
        A number is no probability; with ``"coherent"``, a conditional probability cannot be (it lies outside
        max(0, (P_i + P_j - 1) / P_i) and min(1, P_j / P_i)); or there are too many events.

    Notes
    -----
    Gordon and Hayward, Initial experiments with the cross-impact matrix method, Futures 1, 1968; odds after Gordon,
    Cross-impact method, 1994. Odds commute, so a programme over 3^n states (undecided, happened, did not) is exact.
    """
    names, start = _initial(initial)
    if (conditional is None) == (strength is None):
        msg = "Give either conditional or strength."
        raise JourneyDataError(msg)
    one_of("absence", absence, get_args(Absence))
    limit = MAX_EVENTS if strength is None else MAX_EVENTS_IN_ORDER
    if len(names) > limit:
        msg = f"{len(names)} events were given; up to {limit} can be worked out exactly. Leave some out or split them."
        raise JourneyDataError(msg)
    none = pd.DataFrame(columns=["event", "given", "conditional", "low", "high"])
    if strength is not None:
        sizes = np.nan_to_num(_square(strength, names, "strength"))
        if np.abs(sizes).max() > 1:
            msg = "A strength is outside -1 to 1."
            raise JourneyDataError(msg)
        return _result(
            names, start, _in_all_orders(start, sizes), none, "Strengths, over all orders"
        )
    table = _square(conditional, names, "conditional")
    incoherent = _incoherent(names, start, table)
    if absence == "coherent" and len(incoherent):
        first = incoherent.iloc[0]
        msg = (
            f"{len(incoherent)} conditional probabilities cannot be. P({first['event']} | {first['given']}) is "
            f"{first['conditional']:g}; with these initial probabilities it lies between {first['low']:.3g} and "
            f"{first['high']:.3g}. Mend them, or use absence='ignored', which is rough."
        )
        raise JourneyDataError(msg)
    chances = _by_odds(start, table, absence)
    words = "Odds, over all orders; an event that does not happen "
    words += (
        "moves the others too"
        if absence == "coherent"
        else "moves nothing, so positive links raise all chances"
    )
    if len(incoherent):
        words += f". {len(incoherent)} conditional probabilities cannot be: read this as rough"
    return _result(names, start, chances, incoherent, words)


def _initial(initial: Mapping[str, float] | Sequence[float]) -> tuple[list[str], Floats]:
    pairs = (
        {str(k): v for k, v in initial.items()}
        if isinstance(initial, Mapping)
        else {str(i + 1): v for i, v in enumerate(initial)}
    )
    for name, value in pairs.items():
        if not isinstance(value, int | float | np.number) or not 0 < value < 1:
            msg = f"The probability of {name!r} is {value}; above 0 and below 1 was needed."
            raise JourneyDataError(msg)
    if not pairs:
        msg = "No event was given; at least one was needed."
        raise JourneyDataError(msg)
    return list(pairs), np.array(list(pairs.values()), dtype=float)


def _square(given: Any, names: list[str], what: str) -> Floats:
    if isinstance(given, pd.DataFrame):
        lost = [n for n in names if n not in given.index or n not in given.columns]
        if lost:
            msg = f"{what} has no row or column {lost[0]!r}. {did_you_mean(lost[0], map(str, given.index))}"
            raise JourneyDataError(msg)
        given = given.loc[names, names].to_numpy()
    try:
        table = np.array(given, dtype=float)
    except (TypeError, ValueError):
        table = np.zeros(0)
    if table.shape != (len(names), len(names)):
        msg = f"{what} needs {len(names)} rows of {len(names)} numbers, one an event."
        raise JourneyDataError(msg)
    np.fill_diagonal(table, np.nan)
    return table


def _incoherent(names: list[str], start: Floats, table: Floats) -> pd.DataFrame:
    rows = []
    for i, j in zip(*np.nonzero(~np.isnan(table)), strict=True):
        p = float(table[i, j])
        if not 0 < p < 1:
            msg = f"P({names[j]} | {names[i]}) is {p:g}; above 0 and below 1 was needed."
            raise JourneyDataError(msg)
        low = max(0.0, float((start[i] + start[j] - 1) / start[i]))
        high = min(1.0, float(start[j] / start[i]))
        if not low - 1e-12 <= p <= high + 1e-12:
            rows.append(
                {"event": names[j], "given": names[i], "conditional": p, "low": low, "high": high}
            )
    return pd.DataFrame(rows, columns=["event", "given", "conditional", "low", "high"])


def _by_odds(start: Floats, table: Floats, absence: Absence) -> Floats:
    """Return the probability of each of 2^n outcomes, by a programme over 3^n states."""
    n = len(start)
    logit = np.log(start / (1 - start))
    happened = np.nan_to_num(np.log(table / (1 - table)) - logit[None, :])
    absent = np.zeros_like(happened)
    if absence == "coherent":
        without = (start[None, :] - start[:, None] * table) / (1 - start[:, None])
        # At a bound, without i it is impossible or certain.
        without = np.clip(without, 1e-300, 1 - 1e-16)
        absent = np.nan_to_num(np.log(without / (1 - without)) - logit[None, :])
    powers = 3 ** np.arange(n)
    digits = (np.arange(3**n)[:, None] // powers) % 3
    odds = logit + (digits == 1) @ happened + (digits == 2) @ absent
    decided = (digits > 0).sum(axis=1)
    chance = np.zeros(3**n)
    chance[0] = 1
    for level in range(n):
        states = np.flatnonzero(decided == level)
        for j in range(n):
            open_ = states[digits[states, j] == 0]
            p = 1 / (1 + np.exp(-odds[open_, j]))
            share = chance[open_] / (n - level)
            chance[open_ + powers[j]] += share * p
            chance[open_ + 2 * powers[j]] += share * (1 - p)
    final = np.flatnonzero(decided == n)
    return _by_outcome(digits[final] == 1, chance[final])


def _in_all_orders(start: Floats, strength: Floats) -> Floats:
    """Return the probability of each of 2^n outcomes, by going through all orders."""
    n = len(start)
    p, chance = start[None, :].copy(), np.ones(1)
    open_, happened = np.ones((1, n), dtype=bool), np.zeros((1, n), dtype=bool)
    for level in range(n):
        parts = []
        for j in range(n):
            rows = open_[:, j]
            left = open_[rows].copy()
            left[:, j] = False
            yes = happened[rows].copy()
            yes[:, j] = True
            here = p[rows]
            share = chance[rows] / (n - level)
            moved = here + strength[j] * here * (1 - here)
            parts.append((moved, share * here[:, j], left, yes))
            parts.append((here, share * (1 - here[:, j]), left, happened[rows]))
        p, chance, open_, happened = (np.concatenate([part[k] for part in parts]) for k in range(4))
    return _by_outcome(happened, chance)


def _by_outcome(happened: npt.NDArray[np.bool_], chance: Floats) -> Floats:
    n = happened.shape[1]
    numbers = happened @ (2 ** np.arange(n))
    found = np.bincount(numbers, weights=chance, minlength=2**n)
    return np.asarray(found, dtype=np.float64)


def _result(
    names: list[str], start: Floats, chances: Floats, incoherent: pd.DataFrame, words: str
) -> EventChances:
    n = len(names)
    happens = (np.arange(2**n)[:, None] >> np.arange(n)) % 2 == 1
    final = chances @ happens
    events = pd.DataFrame(
        {"event": names, "initial": start, "final": final, "change": final - start}
    )
    scenarios = pd.DataFrame(
        {
            "scenario": ["".join("1" if h else "0" for h in row) for row in happens],
            "happens": [", ".join(np.array(names)[row]) or "none" for row in happens],
            "probability": chances,
        }
    ).sort_values("probability", ascending=False, kind="stable", ignore_index=True)
    return EventChances(defined(events, words), defined(scenarios, words), incoherent)
