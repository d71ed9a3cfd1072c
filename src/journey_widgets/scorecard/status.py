"""From a score to a word: status by rules, and whether the interval of the value allows to be sure of it."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import NormalDist

from journey_widgets.errors import DocumentError

HIDDEN = "hidden"
"""State of a KPI whose figure is about so few people that it is not shown."""
STATES = ("no_data", "not_applicable", "unscored", "insufficient", "stale", "error", HIDDEN)
"""What a KPI may be instead of scored. None of it is ever turned into 0, or into green."""
SHAPES = {"green": "●", "amber": "▲", "red": "■"}
"""A status is never a colour alone: it has a word and a shape too."""
WORDS = {"green": "on target", "amber": "watch", "red": "off target"}
PLACES = 9
Z, MOST_REACHES = NormalDist().inv_cdf(0.975), 12
"""Standard errors in half a 95 % interval; how many such halves a border is looked for."""


@dataclass(frozen=True)
class Rule:
    """A status from a score on; the last rule of a list takes what is left."""

    status: str
    least: float | None = None


DEFAULT = (Rule("green", 0.67), Rule("amber", 0.33), Rule("red"))


def checked(rules: Sequence[Rule]) -> tuple[Rule, ...]:
    """Return rules that can be read top to bottom, or refuse them."""
    limits = [r.least for r in rules[:-1]]
    falling = all(v is not None for v in limits) and all(
        a > b for a, b in pairwise(limits) if a is not None and b is not None
    )
    if not rules or rules[-1].least is not None or not falling:
        msg = f"Rules are read top to bottom with falling limits, the last one without a limit; found {list(rules)}."
        raise DocumentError(msg)
    return tuple(rules)


def status(score: float, rules: Sequence[Rule] = DEFAULT) -> str:
    """Return the first status whose limit the score reaches, compared after rounding to 9 decimals."""
    rounded = round(score, PLACES)
    return next(
        r.status for r in checked(rules) if r.least is None or rounded >= round(r.least, PLACES)
    )


@dataclass(frozen=True)
class Certainty:
    """A status, and those that the interval of the value allows, best first."""

    status: str
    possible: tuple[str, ...]

    @property
    def certain(self) -> bool:
        """Whether the whole interval has one status."""
        return len(self.possible) == 1

    def in_words(self) -> str:
        """Return ``"green"``, or ``"green, not certain (red to green)"``."""
        if self.certain:
            return self.status
        return f"{self.status}, not certain ({self.possible[-1]} to {self.possible[0]})"


def certainty(
    value: float,
    low: float,
    high: float,
    score: Callable[[float], float],
    rules: Sequence[Rule] = DEFAULT,
) -> Certainty:
    """Return the status of a value, and which statuses its interval touches.

    Parameters
    ----------
    value, low, high
        The KPI and its interval.
    score
        From a value to its score: monotone between `low` and `high`, or with its best in the middle.
    """
    order = [r.status for r in checked(rules)]
    ends = sorted(order.index(status(score(v), rules)) for v in (low, high, value))
    touched = set(range(ends[0], ends[-1] + 1))
    # A best in the middle may lie inside an interval whose ends are both worse.
    inside = [low + (high - low) * i / 64 for i in range(65)]
    touched |= {order.index(status(score(v), rules)) for v in inside}
    return Certainty(
        status(score(value), rules), tuple(order[i] for i in range(min(touched), max(touched) + 1))
    )


def chance_of_better(
    value: float,
    low: float,
    high: float,
    score: Callable[[float], float],
    rules: Sequence[Rule] = DEFAULT,
) -> float:
    """Return how probable a value as bad as this is where the KPI truly stands at the border of a better status.

    A one-sided p-value: the distance to the nearest border of a better status, in standard errors that the 95 %
    interval tells for that side. 1 where the value has not the worst status; 0 where it has, and nothing that the
    value could be by chance is better. Many such p-values together can be held to a false-discovery rate.

    Parameters
    ----------
    value, low, high
        The KPI and its 95 % interval; both ends at the value are a figure without uncertainty.
    score
        From a value to its score.

    Examples
    --------
    >>> chance = chance_of_better(0.2, 0.1, 0.3, lambda v: v)  # the border, 0.33, is 1.3 reaches away: z = 2.55
    >>> round(chance, 4)
    0.0054
    >>> chance_of_better(0.5, 0.4, 0.6, lambda v: v)
    1.0
    """
    worst = checked(rules)[-1].status
    if status(score(value), rules) != worst:
        return 1.0
    chances = [0.0]
    for reach in (high - value, low - value):
        steps = [k / 8 for k in range(1, 8 * MOST_REACHES + 1)] if reach else []
        found = next((k for k in steps if status(score(value + k * reach), rules) != worst), None)
        if found is None:
            continue
        inner, outer = found - 1 / 8, found
        for _n in range(40):
            middle = (inner + outer) / 2
            inside = status(score(value + middle * reach), rules) == worst
            inner, outer = (middle, outer) if inside else (inner, middle)
        chances.append(math.erfc(outer * Z / math.sqrt(2)) / 2)
    return max(chances)


def with_hysteresis(
    score: float, before: str | None, rules: Sequence[Rule] = DEFAULT, *, by: float = 0.0
) -> str:
    """Return the status, left only where the score passes its boundary by more than `by`."""
    now = status(score, rules)
    if before is None or by <= 0 or now == before or before not in [r.status for r in rules]:
        return now
    order = [r.status for r in checked(rules)]
    worse = order.index(now) > order.index(before)
    nudged = status(score + by if worse else score - by, rules)
    stays = (
        order.index(nudged) <= order.index(before)
        if worse
        else order.index(nudged) >= order.index(before)
    )
    return before if stays else now
