"""Did it work: before and after, and against a comparison group where there is one."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from journey_widgets.definition import defined
from journey_widgets.errors import JourneyDataError
from journey_widgets.estimates import CONFIDENCE, MIN_N, mover, student, wilson

WEAK = "weak: before and after only"
DIFFERENCE = "difference-in-differences"
FEWEST = 5
"""Values a group must have for a mean; fewer are more likely a slip, such as [42, 80] for (42, 80)."""


@dataclass(frozen=True)
class _Level:
    """The level of a KPI in one group and period, with its interval."""

    value: float
    low: float
    high: float
    n: int
    fewest: int
    """In the smallest group; 0 where a group's values are all the same."""
    kind: str


def intervention_effect(
    before: Any,
    after: Any,
    *,
    comparison_before: Any = None,
    comparison_after: Any = None,
    earlier: Any = None,
    comparison_earlier: Any = None,
) -> pd.DataFrame:
    """Return the change of a KPI since an intervention, and what of it a comparison group did not see.

    Parameters
    ----------
    before, after
        Where it was done: a share as ``(successes, n)``, or the values themselves, one a customer.
    comparison_before, comparison_after
        The same where it was not done, at the same times. Both or neither.
    earlier, comparison_earlier
        A period before *before*, in both groups: whether they moved alike when nothing was done.

    Returns
    -------
    pandas.DataFrame
        One row an estimate: ``estimate`` (``"change"``, with a comparison also ``"comparison change"`` and
        ``"effect"``, with an earlier period ``"earlier difference"``), ``value``, ``low``, ``high``
        (float64), ``n`` (int64, all observations in it), ``method``, ``evidence`` (how much it says),
        ``certainty`` (``"sufficient"`` or ``"insufficient"``), ``in_words``.

    Notes
    -----
    The effect is (after - before) less the same of the comparison group (Card and Krueger, American Economic Review 84,
    1994). It rests on both groups moving alike without the intervention. Intervals of differences are put
    together from those of the levels (Zou and Donner, 2008): Wilson's for shares, Student's for means. Groups
    and periods are taken as different customers; where they are the same ones the interval is too wide.
    """
    if (comparison_before is None) != (comparison_after is None):
        msg = (
            "One of comparison_before and comparison_after is missing; both or neither was needed."
        )
        raise JourneyDataError(msg)
    if (earlier is None) != (comparison_earlier is None) or (
        earlier is not None and comparison_before is None
    ):
        msg = "An earlier period needs the comparison group too: earlier, comparison_earlier and both comparisons."
        raise JourneyDataError(msg)
    start, end = _level(before, "before"), _level(after, "after")
    rows = [_row("change", _less(end, start), WEAK, "It rose", "It fell")]
    if comparison_before is not None:
        there, now = (
            _level(comparison_before, "comparison_before"),
            _level(comparison_after, "comparison_after"),
        )
        _same_kind(start, end, there, now)
        moved, alike = _less(end, start), _less(now, there)
        rows = [
            _row(
                "effect",
                _less(moved, alike),
                DIFFERENCE,
                "It ended higher than without",
                "It ended lower than without",
            ),
            _row("change", moved, WEAK, "It rose", "It fell"),
            _row(
                "comparison change",
                alike,
                "what happened anyway",
                "Without it, it rose",
                "Without it, it fell",
            ),
        ]
        if earlier is not None:
            first, other = (
                _level(earlier, "earlier"),
                _level(comparison_earlier, "comparison_earlier"),
            )
            _same_kind(start, first, other)
            apart = _less(_less(start, first), _less(there, other))
            check = _row(
                "earlier difference", apart, "check: should be near 0", "Before, it gained on the comparison group",
                "Before, it fell behind the comparison group",
            )  # fmt: skip
            rows.append(check)
    _same_kind(start, end)
    found = pd.DataFrame(rows)
    return defined(
        found,
        f"Change: after less before, {CONFIDENCE:.0%} interval. "
        + (
            "Effect: that change less the comparison group's; both groups would have moved alike without it"
            if comparison_before is not None
            else "Without a comparison group anything else that changed at that time is in it too"
        ),
    )


def _row(estimate: str, level: _Level, evidence: str, up: str, down: str) -> dict[str, object]:
    clear = level.low > 0 or level.high < 0
    size = f"{abs(level.value):.1%} points" if level.kind == "share" else f"{abs(level.value):.3g}"
    moved = (up if level.value > 0 else down) if clear else "No difference can be told"
    span = (
        f"{level.low:+.1%} to {level.high:+.1%}"
        if level.kind == "share"
        else f"{level.low:+.3g} to {level.high:+.3g}"
    )
    words = f"{moved}{f' by {size}' if clear else ''} (95 % interval {span})."
    return {
        "estimate": estimate,
        "value": level.value,
        "low": level.low,
        "high": level.high,
        "n": level.n,
        "method": f"{'Wilson' if level.kind == 'share' else 'Student'} levels, MOVER differences",
        "evidence": evidence,
        "certainty": "sufficient" if level.fewest >= MIN_N else "insufficient",
        "in_words": words,
    }


def _level(given: Any, name: str) -> _Level:
    """Return a level with its interval, or refuse what is neither a share nor values."""
    if isinstance(given, tuple):
        good = len(given) == 2 and all(isinstance(v, int | np.integer) for v in given)
        if not good or not 0 <= given[0] <= given[1] or given[1] < 1:
            msg = f"{name} is {given!r}; (successes, n) was needed, such as (42, 80), or the values themselves."
            raise JourneyDataError(msg)
        low, high = wilson(*given)
        n = int(given[1])
        return _Level(given[0] / n, float(low), float(high), n, n, "share")
    try:
        values = np.asarray(list(given) if isinstance(given, Iterable) else [], dtype=np.float64)
    except (TypeError, ValueError):
        values = np.zeros(0)
    if values.ndim != 1 or len(values) < FEWEST or not np.isfinite(values).all():
        shown = str(given)[:60]
        msg = f"{name}: (successes, n), or at least {FEWEST} numbers, one a customer, were needed; found {shown}."
        raise JourneyDataError(msg)
    mean, error = float(values.mean()), float(values.std(ddof=1) / np.sqrt(len(values)))
    reach = student(len(values) - 1) * error
    few = len(values) if values.std() > 0 else 0
    return _Level(mean, mean - reach, mean + reach, len(values), few, "mean")


def _less(one: _Level, other: _Level) -> _Level:
    low, high = mover(one.value, one.low, one.high, other.value, other.low, other.high)
    few = min(one.fewest, other.fewest)
    return _Level(one.value - other.value, float(low), float(high), one.n + other.n, few, one.kind)


def _same_kind(*levels: _Level) -> None:
    if len({level.kind for level in levels}) > 1:
        msg = "Shares and means were mixed; all groups and periods need the same kind."
        raise JourneyDataError(msg)
