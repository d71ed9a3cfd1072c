"""What if: hold touchpoints better or worse and read what moves (a fuzzy cognitive map).

Only the difference from the baseline counts, and of it direction and rank: levels of the map have no meaning
of their own, and there is no time in it.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
import pandas as pd

from journey_widgets.cross_impact.matrix import Floats, as_influence, ranks
from journey_widgets.definition import defined
from journey_widgets.errors import JourneyDataError, did_you_mean, one_of

Rule = Literal["kosko", "modified_kosko", "rescaled"]
RULES: tuple[Rule, ...] = get_args(Rule)
Squash = Literal["sigmoid", "tanh"]
MAX_STEPS = 1_000
EPSILON = 1e-9
MAX_PERIOD = 20
STRONGEST = 3.0
"""What counts as a full push in the scale of judgements, -3 to +3."""
NO_EFFECT = 1e-6


@dataclass(frozen=True)
class Run:
    """How a map came to rest, or did not."""

    values: Floats
    """The last state; the mean over one round where it goes in a circle."""
    state: int
    """The number of the last state, counted from 1 for the start."""
    period: int
    """1: at rest; above 1: a circle of so many states; 0: neither, after `MAX_STEPS`."""

    def in_words(self) -> str:
        """Return how it ended."""
        if self.period == 1:
            return f"It came to rest after {self.state} steps."
        if self.period:
            return f"It goes in a circle of {self.period} states; shown is their mean."
        return f"It did not come to rest in {MAX_STEPS} steps; what is shown is no answer."


def run_map(
    weights: Floats,
    start: Floats,
    *,
    rule: Rule = "modified_kosko",
    squash: Squash = "sigmoid",
    steepness: float = 1.0,
    epsilon: float = EPSILON,
    held: Mapping[int, float] | None = None,
) -> Run:
    """Let a fuzzy cognitive map run from a start until it rests.

    Parameters
    ----------
    weights
        n x n, row on column, -1 to 1.
    start
        n values at state 1.
    rule
        ``"kosko"``: f(a W); ``"modified_kosko"``: f(a + a W); ``"rescaled"``: f((2a - 1) + (2a - 1) W).
    squash
        f: ``"sigmoid"``, 1 / (1 + exp(-steepness x)), or ``"tanh"``, tanh(steepness x).
    epsilon
        It rests when no value changes by more.
    held
        Values by index that never change, any number, 0 too.

    Notes
    -----
    Kosko, Fuzzy Cognitive Maps, 1986.
    """
    squashed: Callable[[Floats], Floats] = (
        (lambda x: 1 / (1 + np.exp(-np.clip(steepness * x, -700, 700))))
        if squash == "sigmoid"
        else (lambda x: np.tanh(steepness * x))
    )
    fixed = np.array(list(held or {}), dtype=int)
    values_held = np.array(list((held or {}).values()))
    state = np.array(start, dtype=float)
    state[fixed] = values_held
    seen = [state]
    for number in range(2, MAX_STEPS + 2):
        if rule == "rescaled":
            moved = 2 * state - 1
            state = squashed(moved + moved @ weights)
        else:
            state = squashed(state @ weights + (state if rule == "modified_kosko" else 0))
        state[fixed] = values_held
        if np.abs(state - seen[-1]).max() <= epsilon:
            return Run(state, number, 1)
        seen = [*seen[-2 * MAX_PERIOD :], state]
        period = _circle(seen, epsilon) if number % MAX_PERIOD == 0 else 0
        if period:
            return Run(np.mean(seen[-period:], axis=0), number, period)
    return Run(state, MAX_STEPS, 0)


def what_if(
    matrix: Any,
    changes: Mapping[str, float],
    *,
    squash: Squash = "sigmoid",
    steepness: float = 1.0,
    rule: Rule = "modified_kosko",
    outcomes: Iterable[str] = (),
) -> pd.DataFrame:
    """Return what moves, and in which direction, when touchpoints are held better or worse.

    Parameters
    ----------
    matrix
        An influence matrix (see `as_influence`), -3 to +3; a wider scale is divided by its largest size.
    changes
        Name → change from -1 (as bad as can be) to 1 (as good as can be); 0 holds it where it is.
    squash, steepness, rule
        As for `run_map`. The defaults came to rest at one point on every map tried; tanh may go in circles
        and rest at several points, which is said.
    outcomes
        Names of rows that are outcomes too.

    Returns
    -------
    pandas.DataFrame
        One row a name, in the order of the matrix. Columns: ``factor`` (str), ``kind``, ``baseline``,
        ``value``, ``difference`` (float64), ``direction`` (``"better"``, ``"worse"``, ``"no change"`` or
        ``"held"``), ``rank`` (Int64, 1 for what moves most, over what is not held).

    Raises
    ------
    JourneyDataError
        A name or a size is not one the map knows.

    Notes
    -----
    A change c moves a value b of the baseline to b + c (1 - b) for c > 0 and to b + c (b - least) for c < 0,
    with least 0 (sigmoid) or -1 (tanh).
    """
    one_of("squash", squash, get_args(Squash))
    one_of("rule", rule, RULES)
    influence = as_influence(matrix, outcomes)
    for name, change in changes.items():
        if name not in influence.names:
            msg = f"No factor is called {name!r}. {did_you_mean(name, influence.names)}"
            raise JourneyDataError(msg)
        if not -1 <= change <= 1:
            msg = f"The change of {name!r} is {change}; -1 to 1 was needed, such as 0.3 for 30 % better."
            raise JourneyDataError(msg)
    signed = influence.signed()
    np.fill_diagonal(signed, 0)
    weights = signed / max(STRONGEST, float(np.abs(signed).max()))
    start = np.ones(len(weights)) if squash == "sigmoid" else np.full(len(weights), 0.5)
    before = run_map(weights, start, rule=rule, squash=squash, steepness=steepness)
    least = 0.0 if squash == "sigmoid" else -1.0
    held = {}
    for name, change in changes.items():
        at = influence.names.index(name)
        base = float(before.values[at])
        held[at] = base + change * ((1 - base) if change > 0 else (base - least))
    after = run_map(
        weights, before.values, rule=rule, squash=squash, steepness=steepness, held=held
    )
    difference = after.values - before.values
    difference = np.where(np.abs(difference) < NO_EFFECT, 0.0, difference)
    free = [i for i in range(len(weights)) if i not in held]
    place: list[int | None] = [None] * len(weights)
    for i, rank in zip(free, ranks(np.abs(difference[free])), strict=True):
        place[i] = int(rank)
    found = pd.DataFrame(
        {
            "factor": influence.names,
            "kind": influence.kinds(),
            "baseline": before.values,
            "value": after.values,
            "difference": difference,
            "direction": ["held" if i in held else _direction(d) for i, d in enumerate(difference)],
            "rank": pd.array(place, dtype="Int64"),
        }
    )
    caution = (
        "" if squash == "sigmoid" else "With tanh the map may rest elsewhere from another start."
    )
    return defined(
        found,
        f"Difference from the baseline; direction and rank count, sizes do not. Baseline: {before.in_words()}",
        f"With the change: {after.in_words()}",
        caution,
        influence.blanks().strip(),
    )


def _direction(difference: float) -> str:
    if difference == 0:
        return "no change"
    return "better" if difference > 0 else "worse"


def _circle(seen: list[Floats], epsilon: float) -> int:
    """Return after how many states the last ones repeat; 0 where they do not."""
    for period in range(2, min(MAX_PERIOD, len(seen) // 2) + 1):
        last, before = np.array(seen[-period:]), np.array(seen[-2 * period : -period])
        if np.abs(last - before).max() <= epsilon:
            return period
    return 0
