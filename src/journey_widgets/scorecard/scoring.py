"""From a value to a score: how much of the way to its target a KPI has gone, by stated rules.

A score is a share, 0 to 1; raw scores may lie outside and are kept beside the clamped ones. A missing value is a
state and never a score of 0.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from journey_widgets.errors import DocumentError


@dataclass(frozen=True)
class Score:
    """A raw score, and the same cut to 0 to 1: roll-ups use the clamped one, so that overshoot hides no failure."""

    raw: float

    @property
    def clamped(self) -> float:
        """The score cut to 0 to 1."""
        return min(1.0, max(0.0, self.raw))


def linear(value: float, baseline: float, target: float) -> Score:
    """Return how much of the way from baseline to target is done; direction is the way from one to the other."""
    _different("baseline", baseline, "target", target)
    return Score((_finite(value) - baseline) / (target - baseline))


def percent_of_target(value: float, target: float) -> Score:
    """Return value / target, for import of such rules. It has no meaning for downward KPIs or targets up to 0."""
    if _finite(target) <= 0:
        msg = f"Percent of target needs a target above 0; it is {target:g}. Use a linear score with a baseline."
        raise DocumentError(msg)
    return Score(_finite(value) / target)


def two_thresholds(value: float, red: float, goal: float) -> Score:
    """Return the score on a ten-point scale on which `red` is 3.33 and `goal` 6.67, as a share of ten."""
    _different("red", red, "goal", goal)
    return Score((_finite(value) - (2 * red - goal)) / (3 * (goal - red)))


def performance(value: float, least: float, most: float) -> Score:
    """Return where a value stands between the least and the most possible; progress is `linear`."""
    _different("least", least, "most", most)
    return Score((_finite(value) - least) / (most - least))


def piecewise(
    value: float, points: Sequence[tuple[float, float]], *, middle: bool = False
) -> Score:
    """Return a score by straight lines between points (value, score), flat outside.

    Values strictly increase; scores only rise or only fall, unless the best is in the `middle`.
    """
    if len(points) < 2:
        msg = f"At least two points were needed; there are {len(points)}."
        raise DocumentError(msg)
    xs, scores = [_finite(p[0]) for p in points], [_finite(p[1]) for p in points]
    if any(b <= a for a, b in pairwise(xs)):
        msg = f"The values of the points must strictly increase; they are {xs}."
        raise DocumentError(msg)
    steps = [b - a for a, b in pairwise(scores)]
    if not middle and min(steps) < 0 < max(steps):
        msg = (
            f"The scores rise and fall: {scores}. That is so only where the best is in the middle."
        )
        raise DocumentError(msg)
    x = _finite(value)
    if x <= xs[0]:
        return Score(scores[0])
    for i in range(1, len(xs)):
        if x <= xs[i]:
            share = (x - xs[i - 1]) / (xs[i] - xs[i - 1])
            return Score(scores[i - 1] + share * (scores[i] - scores[i - 1]))
    return Score(scores[-1])


def best_in_the_middle(value: float, corners: Sequence[float]) -> Score:
    """Return the score of a tent (low, best, high) or of a plateau (low, from, to, high)."""
    if len(corners) not in (3, 4):
        msg = f"Three corners (a tent) or four (a plateau) were needed; there are {len(corners)}."
        raise DocumentError(msg)
    tops = [1.0] * (len(corners) - 2)
    return piecewise(value, list(zip(corners, [0.0, *tops, 0.0], strict=True)), middle=True)


def yes_no(value: bool) -> Score:
    """Return 1 for yes and 0 for no."""
    return Score(1.0 if value else 0.0)


def ordinal(label: str, scores: Mapping[str, float]) -> Score:
    """Return the score written beside a label; labels are not reckoned with."""
    if label not in scores:
        msg = f"{label!r} has no score; {', '.join(scores)} have one."
        raise DocumentError(msg)
    return Score(_finite(scores[label]))


def value_needed(score: float, baseline: float, target: float) -> float:
    """Return the value at which `linear` gives a score: what would it take."""
    _different("baseline", baseline, "target", target)
    return baseline + _finite(score) * (target - baseline)


def more_successes(score: float, baseline: float, target: float, successes: int, n: int) -> int:
    """Return how many more successes at the present n a share would need for a score; 0 where it has it."""
    needed = value_needed(score, baseline, target) * n
    return max(0, math.ceil(round(needed - successes, 9)))


def pace(
    value: float, baseline: float, target: float, elapsed: float
) -> tuple[float, float | None]:
    """Return what a straight glide path expects now, and how much of the way up to there is done.

    `elapsed` is the share of the time that is over. At its start nothing is expected, and there is no pace.
    """
    _different("baseline", baseline, "target", target)
    if not 0 <= elapsed <= 1:
        msg = f"elapsed is {elapsed}; a share from 0 to 1 was needed."
        raise DocumentError(msg)
    expected = baseline + (target - baseline) * elapsed
    if expected == baseline:
        return expected, None
    return expected, (_finite(value) - baseline) / (expected - baseline)


def _finite(value: float) -> float:
    if not isinstance(value, int | float) or not math.isfinite(value):
        msg = f"{value!r} is no finite number; a missing value is a state, not a score."
        raise DocumentError(msg)
    return float(value)


def _different(one: str, a: float, other: str, b: float) -> None:
    if _finite(a) == _finite(b):
        msg = f"{one} and {other} are both {a:g}; the way between them has no length. Set two different ones."
        raise DocumentError(msg)
