"""How long until an upgrade: with those who have not upgraded yet, and those who left, taken for what they are."""

from collections.abc import Callable, Sequence
from statistics import NormalDist
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from journey_widgets.definition import defined
from journey_widgets.errors import JourneyDataError
from journey_widgets.estimates import CONFIDENCE
from journey_widgets.upsell.days import Days, Ints, codes_of, days_of, times_before

Z = NormalDist().inv_cdf(0.5 + CONFIDENCE / 2)
LEAST, TRIES = 20, 60
LATELY = 28
"""Days before that say how busy a customer is."""


def kaplan_meier(time: npt.ArrayLike, event: npt.ArrayLike) -> pd.DataFrame:
    """Return who is still waiting as time goes by.

    Parameters
    ----------
    time
        How long each was watched.
    event
        Whether what was waited for came at the end of it; otherwise it had not come yet.

    Returns
    -------
    pandas.DataFrame
        One row a time at which something came. Columns: ``time`` (float64); ``at_risk``, ``events`` (int64);
        ``waiting`` (float64, share for whom it has not come) with ``low`` and ``high`` (95 %, from the variance of its
        double logarithm).

    References
    ----------
    .. [1] E. Kaplan, P. Meier, "Nonparametric estimation from incomplete observations", JASA 53, 1958.

    Examples
    --------
    >>> kaplan_meier([2, 3, 3, 5], [1, 1, 0, 0])["waiting"].round(2).tolist()
    [0.75, 0.5]
    """
    t, came = np.asarray(time, dtype=np.float64), np.asarray(event, dtype=bool)
    at = np.unique(t[came])
    risk = len(t) - np.searchsorted(np.sort(t), at, side="left")
    many = np.searchsorted(np.sort(t[came]), at, side="right") - np.searchsorted(
        np.sort(t[came]), at, side="left"
    )
    waiting = np.cumprod(1 - many / risk)
    with np.errstate(divide="ignore", invalid="ignore"):
        spread = np.sqrt(np.cumsum(many / (risk * (risk - many)))) / np.abs(np.log(waiting))
        low, high = waiting ** np.exp(Z * spread), waiting ** np.exp(-Z * spread)
    return pd.DataFrame(
        {"time": at, "at_risk": risk.astype(np.int64), "events": many.astype(np.int64), "waiting": waiting, "low": low,
         "high": high}
    )  # fmt: skip


def log_rank(
    time: npt.ArrayLike, event: npt.ArrayLike, other_time: npt.ArrayLike, other_event: npt.ArrayLike
) -> tuple[float, float]:
    """Return the log-rank chi-square of two groups, and its p-value."""
    from scipy.special import chdtrc

    t, came = np.asarray(time, dtype=np.float64), np.asarray(event, dtype=bool)
    s, their = np.asarray(other_time, dtype=np.float64), np.asarray(other_event, dtype=bool)
    at = np.unique(np.concatenate([t[came], s[their]]))

    def counts(x: Any, e: Any) -> tuple[Any, Any]:
        ends = np.sort(x[e])
        risk = len(x) - np.searchsorted(np.sort(x), at, side="left")
        return risk, np.searchsorted(ends, at, side="right") - np.searchsorted(
            ends, at, side="left"
        )

    (n_1, d_1), (n_2, d_2) = counts(t, came), counts(s, their)
    n, d = n_1 + n_2, d_1 + d_2
    expected = d * n_1 / n
    with np.errstate(divide="ignore", invalid="ignore"):
        spread = np.where(n > 1, d * (n_1 / n) * (n_2 / n) * (n - d) / (n - 1), 0.0)
    if not spread.sum():
        return 0.0, 1.0
    chi = float((d_1.sum() - expected.sum()) ** 2 / spread.sum())
    return chi, float(chdtrc(1, chi))


def cumulative_incidence(time: npt.ArrayLike, cause: npt.ArrayLike) -> pd.DataFrame:
    """Return for how many what was waited for has come, where something else may end the wait for good.

    Parameters
    ----------
    time
        How long each was watched.
    cause
        1 where it came, 2 where something else ended the wait (somebody left), 0 where neither has happened yet.

    Returns
    -------
    pandas.DataFrame
        One row a time at which something happened. Columns: ``time``, ``came``, ``ended`` (float64, shares by then; the
        rest is still waiting). Nobody who left is taken for somebody who may still upgrade.
    """
    t, c = np.asarray(time, dtype=np.float64), np.asarray(cause, dtype=np.int64)
    at = np.unique(t[c > 0])
    risk = len(t) - np.searchsorted(np.sort(t), at, side="left")
    ways = [np.array([((t == v) & (c == k)).sum() for v in at]) for k in (1, 2)]
    still = np.cumprod(1 - (ways[0] + ways[1]) / risk)
    before = np.concatenate([[1.0], still[:-1]])
    came, ended = (np.cumsum(before * w / risk) for w in ways)
    return pd.DataFrame({"time": at, "came": came, "ended": ended})


def time_to_upgrade(
    log: Any, touchpoint: str, outcome: str | Sequence[str], *, lost: Sequence[str] = (), zone: str = "UTC",
    seed: int = 1,
) -> pd.DataFrame:  # fmt: skip
    """Compare how soon customers upgrade after a touchpoint with how soon others do from the same day on.

    Each customer counts from the first day the touchpoint happened; beside him stands, from the same day on, another
    customer who could have upgraded, for whom it had not happened by then, and who was as busy in the 28 days before
    (nothing, 1 to 2 events, 3 to 6, 7 to 14, and so on): busy customers do more of everything.

    Parameters
    ----------
    log
        Event log or its path index.
    touchpoint, outcome
        From what, until what (several touchpoints may be the upgrade).
    lost
        Touchpoints after which somebody can no longer upgrade, such as a cancellation.
    zone, seed
        Of the days, and of who stands beside whom.

    Returns
    -------
    pandas.DataFrame
        One row a side and day on which somebody upgraded. Columns: ``side`` (str: ``"after"`` or ``"others"``);
        ``day`` (int64, from the touchpoint on); ``upgraded`` (float64: share by then; with `lost` the cumulative
        incidence) with ``low`` and ``high`` (missing with `lost`); ``not_yet`` (float64: share that neither upgraded
        nor left by then); ``customers`` (int64, of the side). The median, the share not yet there at the end and the
        log-rank test are in its definition.

    Raises
    ------
    JourneyDataError
        An unknown touchpoint; fewer than 20 customers who could still upgrade after it.
    """
    days = (log if isinstance(log, Days) else days_of(log, zone=zone)).alike()
    (start,) = codes_of(days, [touchpoint], "touchpoint")
    ends = codes_of(days, [outcome] if isinstance(outcome, str) else outcome, "outcome")
    gone = codes_of(days, lost, "lost")
    first, upgrade, left = (_first_days(days, codes) for codes in ([start], ends, gone))
    seen, every = _first_days(days, list(range(len(days.names)))), np.ones(len(days.day), bool)
    stop = np.minimum(np.minimum(upgrade, left), days.last + 1)
    own = np.flatnonzero((first < stop) & (first <= days.last))
    if len(own) < LEAST:
        msg = f"{len(own)} customers had {touchpoint} while they could upgrade; {LEAST} or more are needed for a curve."
        raise JourneyDataError(msg)

    def level(who: Ints, day: Ints) -> Ints:
        return np.log2(1 + times_before(days, every, who, day, LATELY)).astype(np.int64)

    other = _beside(own, first[own], seen, first, stop, level, np.random.default_rng(seed))
    kept = other >= 0
    if int(kept.sum()) < LEAST:
        msg = (
            f"{int(kept.sum())} of {len(own)} customers had somebody to stand beside them; {LEAST} or more are needed "
            "to compare."
        )
        raise JourneyDataError(msg)
    sides = {"after": (own[kept], first[own][kept]), "others": (other[kept], first[own][kept])}
    frames, told, waits = [], [], []
    for side, (who, since) in sides.items():
        time = np.maximum(stop[who] - since, 0)
        cause = np.where(
            (upgrade[who] <= days.last) & (upgrade[who] <= left[who]),
            1,
            np.where(left[who] <= days.last, 2, 0),
        )
        frames.append(
            _curve(time, cause, competing=bool(gone)).assign(side=side, customers=len(who))
        )
        told.append(_told(frames[-1], side))
        waits.append((time, cause == 1))
    alone = int((~kept).sum())
    chi, p = log_rank(*waits[0], *waits[1])
    # Whoever left is not still waiting: the plain test would take him for that.
    test = "" if gone else f" Log-rank chi-square {chi:.1f}, p {p:.2g}."
    said = (
        f"From the first {touchpoint} to {' or '.join(days.names[c] for c in ends)}, in days; beside each customer "
        f"another one as busy in the {LATELY} days before, from the same day on, each once"
        f"{f', {alone:,} had nobody to stand beside them and are left out' if alone else ''}{days.said}. "
        f"{' '.join(told)}{test} "
        "Observed, not an experiment"
    )
    columns = ["side", "day", "upgraded", "low", "high", "not_yet", "customers"]
    return defined(pd.concat(frames, ignore_index=True)[columns], said)


def time_to_leave(
    log: Any, since: Sequence[str], lost: Sequence[str], *, zone: str = "UTC"
) -> pd.DataFrame:
    """Return who is still a customer as time goes by, where customers leave by an act of theirs (Kaplan and Meier).

    Parameters
    ----------
    log
        Event log, its path index or `Days`.
    since, lost
        Touchpoints that make a customer, the first of them counts, and those that end it.
    zone
        Of the days.

    Returns
    -------
    pandas.DataFrame
        One row a day on which somebody left, counted from the day each became a customer. Columns: ``day`` (int64);
        ``left`` with ``low`` and ``high`` (float64: share by then, 95 %); ``at_risk`` (int64: customers watched so
        long who had not left before).

    Raises
    ------
    JourneyDataError
        An unknown touchpoint; fewer than 20 customers.
    """
    days = (log if isinstance(log, Days) else days_of(log, zone=zone)).alike()
    begins, ends = codes_of(days, since, "since"), codes_of(days, lost, "lost")
    first, gone = _first_days(days, begins), _first_days(days, ends)
    own = np.flatnonzero(first <= days.last)
    if len(own) < LEAST:
        msg = f"{len(own)} customers had {' or '.join(since)}; {LEAST} or more are needed for a curve."
        raise JourneyDataError(msg)
    left = gone[own] <= days.last
    time = np.maximum(np.minimum(gone[own], days.last) - first[own], 0)
    found = kaplan_meier(time, left)
    frame = pd.DataFrame(
        {"day": found["time"].astype("int64"), "left": 1 - found["waiting"], "low": 1 - found["high"],
         "high": 1 - found["low"], "at_risk": found["at_risk"]}
    )  # fmt: skip
    said = (
        f"{len(own):,} customers from their first {' or '.join(since)} on, until {' or '.join(lost)} or the last day; "
        f"{int(left.sum()):,} have left, the others count as long as they were watched (Kaplan and Meier){days.said}"
    )
    return defined(frame, said)


def _first_days(days: Days, codes: list[int]) -> Ints:
    """Return by customer number the first day on which one of the touchpoints happened; far away where none did."""
    found = np.full(int(days.customer.max()) + 1, np.iinfo(np.int32).max, np.int64)
    own = np.isin(days.touchpoint, codes)
    found[days.customer[own][::-1]] = days.day[own][::-1]
    return found


def _beside(
    own: Ints, since: Ints, seen: Ints, first: Ints, stop: Ints, level: Callable[[Ints, Ints], Ints],
    rng: np.random.Generator,
) -> Ints:  # fmt: skip
    """Return for each customer and day another one as busy, who could upgrade and had not met the touchpoint, or -1."""
    found, busy = np.full(len(since), -1, np.int64), level(own, since)
    left = np.flatnonzero(seen < np.iinfo(np.int32).max)
    for _try in range(TRIES):
        open_ = rng.permutation(np.flatnonzero(found < 0))
        if not len(open_) or not len(left):
            break
        # Each of those left is held against one who still stands alone.
        asked = rng.permutation(left)[: len(open_)]
        open_ = open_[: len(asked)]
        day = since[open_]
        fits = (seen[asked] <= day) & (stop[asked] > day) & (first[asked] > day)
        fits &= level(asked, day) == busy[open_]
        found[open_[fits]] = asked[fits]
        left = np.setdiff1d(left, asked[fits], assume_unique=True)
    # Whoever is still alone is of a day or level with few others: there all who fit are looked at.
    alone = np.flatnonzero(found < 0)
    for day in np.unique(since[alone]):
        here = left[(seen[left] <= day) & (stop[left] > day) & (first[left] > day)]
        levels = level(here, np.full(len(here), day)) if len(here) else here
        for one in np.unique(busy[alone[since[alone] == day]]):
            waiting = alone[(since[alone] == day) & (busy[alone] == one)]
            taken = rng.permutation(here[levels == one])[: len(waiting)]
            found[rng.permutation(waiting)[: len(taken)]] = taken
            left = np.setdiff1d(left, taken, assume_unique=True)
    return found


def _curve(time: Ints, cause: Ints, *, competing: bool) -> pd.DataFrame:
    if competing:
        found = cumulative_incidence(time, cause)
        upgraded = found["came"].to_numpy()
        return pd.DataFrame(
            {"day": found["time"].astype("int64"), "upgraded": upgraded, "low": np.nan, "high": np.nan,
             "not_yet": 1 - upgraded - found["ended"].to_numpy()}
        )  # fmt: skip
    found = kaplan_meier(time, cause == 1)
    return pd.DataFrame(
        {"day": found["time"].astype("int64"), "upgraded": 1 - found["waiting"], "low": 1 - found["high"],
         "high": 1 - found["low"], "not_yet": found["waiting"]}
    )  # fmt: skip


def _told(curve: pd.DataFrame, side: str) -> str:
    """Return the median of a side and its share not yet there, in words."""
    who = "After it" if side == "after" else "Of the others"
    if curve.empty:
        return f"{who} nobody has upgraded yet."
    half = curve[curve["upgraded"] >= 0.5]
    middle = (
        f"half had upgraded by day {int(half['day'].iloc[0])}"
        if len(half)
        else "fewer than half have upgraded"
    )
    return f"{who} {middle}, {curve['not_yet'].iloc[-1]:.0%} not yet."
