"""Upsell moments: after what an upgrade comes sooner than it otherwise would.

The days of customers are compared: those on which somebody upgraded with sampled ones on which somebody could have.
What happened in the days before either is set against it all at once, with how busy the customer was before that, how
long he had been there, and when it was. The same model with the days *after* is the placebo: what comes after cannot
have caused the upgrade, so a ratio there says that busy customers upgrade.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from journey_widgets.definition import defined
from journey_widgets.errors import JourneyDataError
from journey_widgets.estimates import CONFIDENCE, Floats, false_discovery
from journey_widgets.upsell.days import (
    Days,
    Ints,
    codes_of,
    days_of,
    rising,
    times_before,
    whole_days,
)
from journey_widgets.upsell.logistic import Fit, fit_logistic

WARM_UP, CONTROLS = 28, 25
"""Days of activity before the window, and days sampled for each upgrade."""
MOST_CONTROLS, LEAST_CONTROLS = 300_000, 5
"""Days sampled at most, but for each upgrade this many: beyond that, more of them tell next to nothing."""
LEAST, LEAST_EXPOSED = 20, 5
"""Upgrades in all, and upgrades after a touchpoint, below which nothing is worked out."""
FALSE_RATE = 0.05
TINY = 1e-9
ALIKE = 0.98
"""Share of their days from which on two touchpoints are one."""
HELD, FREE = 1.0, 0.01
"""How hard the model holds back what is taken into account, in standard deviations, and what is asked about: next to
nothing, and enough for an answer where, of few upgrades, all were late in the year."""
Z = NormalDist().inv_cdf(0.5 + CONFIDENCE / 2)
MOMENT, FEWER, BUSY, UNCERTAIN, TOO_FEW, UNTESTED, TWIN = (
    "moment", "upgrades come later", "mostly busy customers", "not certain", "too few", "without a placebo",
    "the days of another",
)  # fmt: skip
PLACEBO, CORRECTED = "placebo", "corrected"
HORIZONS = ("3d", "7d", "14d", "28d")


def moments(
    log: Any,
    outcome: str | Sequence[str],
    within: str = "7d",
    *,
    touchpoints: Collection[str] = (),
    activity: Collection[str] = (),
    caused_by_upgrade: Collection[str] = (),
    zone: str = "UTC",
    seed: int = 1,
) -> pd.DataFrame:
    """Find the touchpoints after which an upgrade comes sooner than it otherwise would.

    Parameters
    ----------
    log
        Event log or its path index. Of one with more than ten million rows a customer, day and touchpoint, customers
        are drawn by chance, those who upgraded first; counts are then those of all that they stand for.
    outcome
        Touchpoint, or touchpoints, that are the upgrade. A customer is followed until the first one.
    within
        How long before an upgrade a touchpoint may lie: whole days such as ``"7d"``. The day of the upgrade itself is
        not looked at: a visit in which somebody upgrades begins with other touchpoints too.
    touchpoints
        Those to test; all others by default.
    activity
        Touchpoints that say how busy a customer is; all by default. They are counted in the 28 days before the window.
    caused_by_upgrade
        Touchpoints that an upgrade itself brings, such as an invoice: the placebo says nothing of them.
    zone
        Time zone in which days begin.
    seed
        Of the days that upgrades are compared with.

    Returns
    -------
    pandas.DataFrame
        One row a touchpoint, strongest first, those without an answer last. Columns: ``touchpoint`` (str); ``ratio``,
        ``low``, ``high`` (float64: how many times as often a customer upgrades on a day after it, everything else
        alike, with a 95 % interval by customer); ``p_value`` (adjusted by Benjamini and Hochberg over all touchpoints
        tested); ``placebo``, ``placebo_low``, ``placebo_high`` (the same with the days after); ``corrected``,
        ``corrected_low``, ``corrected_high`` (ratio over placebo); ``verdict`` (str: ``"moment"``, ``"upgrades come
        later"``, ``"mostly busy customers"`` where the placebo's interval leaves out 1 on the same side, ``"not
        certain"``, ``"too few"``, ``"without a placebo"`` where nothing comes after, ``"the days of another"`` where it
        cannot be told apart from a touchpoint that is tested); ``extra``, ``extra_low``, ``extra_high`` (upgrades per
        1,000 times it happened, beyond what would have come anyway); ``upgrades`` (int64, after it), ``exposed_days``,
        ``happened`` (int64: customer-days after it, and days on which it happened, while customers could upgrade);
        ``naive`` (the usual lift: share of upgrades after it over share of days after it) and ``stratified`` (Mantel
        and Haenszel's odds ratio over four levels of activity): why the headline differs from what others show;
        ``overlap`` (how far the days with it and those without are spread alike over the four levels: the area that
        both distributions have, 1 where they are the same); ``e_value`` (how strong a hidden cause would have to be).

    Raises
    ------
    JourneyDataError
        An unknown touchpoint, a window that is not whole days, fewer than 20 upgrades.

    References
    ----------
    .. [1] R. Prentice, N. Breslow, "Retrospective studies and failure time models", Biometrika 65, 1978.
    .. [2] M. Lipsitch, E. Tchetgen, T. Cohen, "Negative controls", Epidemiology 21, 2010: the placebo.
    .. [3] T. VanderWeele, P. Ding, "Sensitivity analysis in observational research", Annals of Internal Medicine, 2017.
    """
    days = log if isinstance(log, Days) else days_of(log, zone=zone, outcome=outcome)
    raw, said = _worked_out(days, outcome, within, touchpoints, activity, seed)
    caused = codes_of(days, caused_by_upgrade, "caused_by_upgrade")
    frame = _judged(raw, {days.names[c] for c in caused})
    return defined(_in_order(frame), said)


def _in_order(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the strongest first, those without an answer last."""
    order = frame.assign(far=np.abs(np.log(frame["ratio"]))).sort_values(
        ["far"], ascending=False, na_position="last", kind="stable"
    )
    return order[COLUMNS].reset_index(drop=True)


def _overlap(exposed: npt.NDArray[np.bool_], strata: Ints) -> float:
    """Return how far days with and without a touchpoint are spread alike over levels of activity: the common area."""
    many = int(strata.max()) + 1
    shares = [
        np.bincount(strata[side], minlength=many) / side.sum() for side in (exposed, ~exposed)
    ]
    return float(np.minimum(*shares).sum())


def _worked_out(
    days: Days, outcome: str | Collection[str], within: str, touchpoints: Collection[str], activity: Collection[str],
    seed: int,
) -> tuple[pd.DataFrame, str]:  # fmt: skip
    """Return ratios, placebos and counts of each touchpoint before they are judged together, and how it was counted."""
    horizon = whole_days(within, "within", least=1)
    ends = codes_of(days, outcome, "outcome")
    busy = codes_of(days, activity, "activity") or list(range(len(days.names)))
    tested = list(dict.fromkeys(codes_of(days, touchpoints, "touchpoints"))) or [
        c for c in range(len(days.names)) if c not in ends
    ]
    if days.drawn and days.drawn.rare and {days.names[c] for c in ends} != set(days.drawn.rare):
        msg = (
            f"Customers were drawn for {' or '.join(days.drawn.rare)} and are asked about "
            f"{' or '.join(days.names[c] for c in ends)}. Draw them for that: days_of(log, outcome=…)."
        )
        raise JourneyDataError(msg)
    risk = _at_risk(days, ends, horizon)
    many = int(risk.upgrades.sum())
    if many < LEAST:
        msg = (
            f"{many} customers upgraded ({', '.join(days.names[c] for c in ends)}) after their first "
            f"{horizon + WARM_UP} days; {LEAST} or more are needed to say what came before. Ask again later, or name "
            "another outcome."
        )
        raise JourneyDataError(msg)
    asked = _asked(risk, seed)
    before = [_exposed(days, c, asked, -horizon, -1) for c in tested]
    kept = [i for i, e in enumerate(before) if _enough(e, asked.upgraded)]
    twins = _twins(before, kept)
    kept = [i for i in kept if i not in twins]
    told = _with_model(days, asked, before, kept, busy, tested, horizon)
    frame = pd.DataFrame(
        [_counts(days, risk, asked, before[i], c, horizon) for i, c in enumerate(tested)]
    )
    frame = pd.concat([frame, told], axis=1)
    frame["twin"] = [days.names[tested[twins[i]]] if i in twins else "" for i in range(len(tested))]
    strata = _levels(days, asked, busy, horizon)
    frame["stratified"] = [
        _stratified(before[i], asked.upgraded, strata) if i in kept else np.nan
        for i in range(len(tested))
    ]
    frame["overlap"] = [
        _overlap(before[i][~asked.upgraded], strata[~asked.upgraded]) if i in kept else np.nan
        for i in range(len(tested))
    ]
    upgraded, could = risk.stand_for(risk.upgrades), risk.stand_for(np.ones_like(risk.upgrades))
    said = (
        f"Upgrade: {' or '.join(days.names[c] for c in ends)}; {upgraded:,} of {could:,} customers who could"
        f"{f', {risk.early:,} upgraded too early to be looked at' if risk.early else ''}{days.said}. Touchpoints in "
        f"the {horizon} days before, the day itself left out; {int((~asked.upgraded).sum()):,} days sampled to "
        f"compare; {len(kept)} touchpoints tested together; activity counted in the {WARM_UP} days before the window; "
        "observed, not an "
        "experiment"
    )
    return frame, said


def _enough(exposed: npt.NDArray[np.bool_], upgraded: npt.NDArray[np.bool_]) -> bool:
    """Return whether there are upgrades and other days, with the touchpoint and without, that tell something."""
    cells = [(e & u).sum() for e in (exposed, ~exposed) for u in (upgraded, ~upgraded)]
    return min(int(c) for c in cells) >= LEAST_EXPOSED


def _twins(before: list[npt.NDArray[np.bool_]], kept: list[int]) -> dict[int, int]:
    """Return touchpoints whose days are those of another one before them: what either does cannot be told apart."""
    found: dict[int, int] = {}
    for place, i in enumerate(kept):
        for k in kept[:place]:
            both, either = (before[i] & before[k]).sum(), (before[i] | before[k]).sum()
            if k not in found and both >= ALIKE * either:
                found[i] = k
                break
    return found


COLUMNS = [
    "touchpoint", "ratio", "low", "high", "p_value", "placebo", "placebo_low", "placebo_high", "corrected",
    "corrected_low", "corrected_high", "verdict", "extra", "extra_low", "extra_high", "upgrades", "exposed_days",
    "happened", "naive", "stratified", "overlap", "e_value",
]  # fmt: skip


def moments_and_horizons(
    log: Any, outcome: str | Sequence[str], within: str = "7d", *, horizons: Sequence[str] = HORIZONS, **asked: Any
) -> tuple[pd.DataFrame, pd.DataFrame]:  # fmt: skip
    """Return `moments` and `at_horizons` of one run: p-values are adjusted over everything tested in it.

    Parameters
    ----------
    within
        As for `moments`.
    horizons
        Lengths of the window beside it.
    log, outcome, asked
        As for both.

    Raises
    ------
    JourneyDataError
        The window itself cannot be answered.
    """
    long = {whole_days(text, "within", least=1): text for text in (*horizons, within)}
    lengths = [long[n] for n in sorted(long)]
    zone, caused = asked.pop("zone", "UTC"), asked.pop("caused_by_upgrade", ())
    days = log if isinstance(log, Days) else days_of(log, zone=zone, outcome=outcome)
    given = {"touchpoints": (), "activity": (), "seed": 1, **asked}
    _raw, said = _worked_out(days, outcome, within, **given)
    found = at_horizons(days, outcome, horizons=lengths, caused_by_upgrade=caused, **given)
    own = found[found["within"] == within].drop(columns=["within", "fragile"])
    family = f"p-values adjusted over windows of {', '.join(lengths)}"
    return defined(_in_order(own), said, family), found


def at_horizons(
    log: Any, outcome: str | Sequence[str], *, horizons: Sequence[str] = HORIZONS, zone: str = "UTC", **asked: Any
) -> pd.DataFrame:  # fmt: skip
    """Ask the same with windows of several lengths: a moment of one length only is fragile.

    `asked` is what else `moments` takes. A length that cannot be answered is left out, and its reason said.

    Returns
    -------
    pandas.DataFrame
        Rows of `moments`, p-values adjusted over all lengths together, with ``within`` (str) first and ``fragile``
        (bool: a moment at one length and at no other).

    Raises
    ------
    JourneyDataError
        No length can be answered.
    """
    days = log if isinstance(log, Days) else days_of(log, zone=zone, outcome=outcome)
    caused = codes_of(days, asked.pop("caused_by_upgrade", ()), "caused_by_upgrade")
    given = {"touchpoints": (), "activity": (), "seed": 1, **asked}
    frames, refused = [], []
    for within in horizons:
        try:
            frames.append(_worked_out(days, outcome, within, **given)[0].assign(within=within))
        except JourneyDataError as error:
            refused.append(f"{within}: {error}")
    if not frames:
        raise JourneyDataError(" ".join(refused))
    found = _judged(pd.concat(frames, ignore_index=True), {days.names[c] for c in caused})
    times = (found["verdict"] == MOMENT).groupby(found["touchpoint"]).transform("sum")
    found["fragile"] = (found["verdict"] == MOMENT) & (times == 1)
    left = f"Left out: {' '.join(refused)}" if refused else ""
    return defined(
        found[["within", *COLUMNS, "fragile"]], f"Windows of {', '.join(horizons)}", left
    )


# --- who could upgrade, and when ------------------------------------------------------------------------


@dataclass(frozen=True)
class Risk:
    """From which day to which each customer could upgrade, and whether he did on the last one."""

    customer: Ints
    begins: Ints
    ends: Ints
    upgrades: npt.NDArray[np.bool_]
    first: Ints
    weight: Floats
    """How many customers each stands for: one, where nobody had to be drawn."""
    early: int
    """Customers who upgraded before that."""

    def stand_for(self, own: npt.NDArray[np.bool_] | Ints, place: Ints | None = None) -> int:
        """Return how much there is of something that each of these customers has so much of."""
        weight = self.weight if place is None else self.weight[place]
        return round(float((own * weight).sum()))


@dataclass(frozen=True)
class Asked:
    """Customer-days that are compared."""

    customer: Ints
    day: Ints
    upgraded: npt.NDArray[np.bool_]
    cluster: Ints
    tenure: Ints


def _at_risk(days: Days, ends: list[int], horizon: int) -> Risk:
    """Return who could upgrade when: after the days that activity is counted in, up to the first upgrade."""
    heads = np.flatnonzero(np.diff(days.customer, prepend=-1))
    customer, first = days.customer[heads], days.day[heads]
    is_end = np.isin(days.touchpoint, ends)
    end_of = np.full(int(days.customer.max()) + 1, days.last + 1, np.int64)
    # Rows are in order of the day: the first one of a customer is kept.
    who, when = days.customer[is_end][::-1], days.day[is_end][::-1]
    end_of[who] = when
    end = end_of[customer]
    begins, upgrades = first + WARM_UP + horizon, end <= days.last
    stops = np.where(upgrades, end, days.last)
    there = stops >= begins
    weight = np.ones(len(customer)) if days.drawn is None else days.drawn.weight[customer]
    early = round(float(weight[upgrades & ~there].sum()))
    return Risk(
        customer[there], begins[there], stops[there], upgrades[there], first[there], weight[there], early
    )  # fmt: skip


def _asked(risk: Risk, seed: int) -> Asked:
    """Return the days of upgrades, and sampled days on which somebody could have upgraded and did not."""
    long = risk.ends - risk.begins + 1 - risk.upgrades
    many = int(risk.upgrades.sum())
    rng = np.random.default_rng(seed)
    wanted = min(CONTROLS * many, max(MOST_CONTROLS, LEAST_CONTROLS * many))
    # Of customers who stand for more, more days are taken: so every day of everybody is as likely to be one of them.
    strata = [np.flatnonzero(risk.weight == w) for w in np.unique(risk.weight)]
    stands = [float((long[own] * risk.weight[own]).sum()) for own in strata]
    wanted = min(wanted, int(sum(stands) / risk.weight.max()))
    of_all = max(sum(stands), TINY)
    places, days = [], []
    for own, share in zip(strata, stands, strict=True):
        until = np.cumsum(long[own])
        asked = min(round(wanted * share / of_all), int(until[-1]))
        chosen = np.sort(rng.choice(int(until[-1]), asked, replace=False))
        place = np.searchsorted(until, chosen, side="right")
        days.append(risk.begins[own][place] + chosen - (until - long[own])[place])
        places.append(own[place])
    place, day = np.concatenate(places), np.concatenate(days)
    cases = np.flatnonzero(risk.upgrades)
    where = np.concatenate([cases, place])
    when = np.concatenate([risk.ends[cases], day])
    return Asked(
        risk.customer[where], when, np.arange(len(where)) < many, np.unique(where, return_inverse=True)[1],
        when - risk.first[where],
    )  # fmt: skip


# --- what came before, and after -------------------------------------------------------------------------


def _exposed(
    days: Days, touchpoint: int, asked: Asked, start: int, stop: int
) -> npt.NDArray[np.bool_]:
    """Return whether a touchpoint lies from `start` to `stop` days of each day asked for, both counted."""
    own = days.touchpoint == touchpoint
    keys = rising(days, days.customer[own], days.day[own])
    return _between(keys, days, asked, start, stop) > 0


def _between(keys: Ints, days: Days, asked: Asked, start: int, stop: int) -> Ints:
    low = np.searchsorted(keys, rising(days, asked.customer, asked.day + start), side="left")
    high = np.searchsorted(keys, rising(days, asked.customer, asked.day + stop), side="right")
    found: Ints = high - low
    return found


def _busy(days: Days, asked: Asked, busy: list[int], horizon: int) -> Ints:
    """Return how often something happened in the days before the window."""
    own = np.isin(days.touchpoint, busy)
    return times_before(days, own, asked.customer, asked.day - horizon, WARM_UP)


def _beside(days: Days, asked: Asked, busy: list[int], horizon: int) -> Floats:
    """Return what else is taken into account: activity, tenure, when it was, and weekdays with enough upgrades."""
    time, weekday = asked.day / max(days.last, 1), asked.day % 7
    often = np.flatnonzero(np.bincount(weekday[asked.upgraded], minlength=7) >= LEAST_EXPOSED)
    columns = [
        np.log1p(_busy(days, asked, busy, horizon)), np.log1p(asked.tenure), time, time**2,
        *(weekday == w for w in often[:6]),
    ]  # fmt: skip
    found = np.stack(columns, axis=1).astype(np.float64)
    spread = found.std(axis=0)
    found = (found - found.mean(axis=0))[:, spread > TINY] / spread[spread > TINY]
    alike = found.T @ found / len(found)
    kept: list[int] = []
    for column in range(found.shape[1]):  # what others say already is left out
        with_it = [*kept, column]
        if np.linalg.matrix_rank(alike[np.ix_(with_it, with_it)], tol=TINY) == len(with_it):
            kept.append(column)
    return np.asarray(found[:, kept], dtype=np.float64)


def _fitted(
    asked: Asked, exposed: list[npt.NDArray[np.bool_]], beside: Floats, rows: npt.NDArray[np.bool_]
) -> Fit:
    x = np.column_stack(
        [np.ones(int(rows.sum())), beside[rows], *(e[rows].astype(np.float64) for e in exposed)]
    )
    many = int(asked.cluster.max()) + 1
    clusters = np.append(
        asked.cluster[rows], many - 1
    )  # so that both models have a row for every customer
    return fit_logistic(
        np.vstack([x, np.zeros((1, x.shape[1]))]),
        np.append(asked.upgraded[rows], False),
        clusters,
        ridge=[0.0, *[HELD] * beside.shape[1], *[FREE] * len(exposed)],
    )


def _with_model(
    days: Days, asked: Asked, before: list[npt.NDArray[np.bool_]], kept: list[int], busy: list[int], tested: list[int],
    horizon: int,
) -> pd.DataFrame:  # fmt: skip
    """Return ratio, placebo and corrected ratio of the touchpoints that are tested, missing for the others."""
    ends = ("", "_low", "_high")
    names = [
        "ratio",
        "low",
        "high",
        "raw_p",
        *(f"{a}{b}" for a in (PLACEBO, CORRECTED) for b in ends),
    ]
    found = pd.DataFrame(np.nan, index=range(len(tested)), columns=names)
    if not kept:
        return found
    beside = _beside(days, asked, busy, horizon)
    everything = np.ones(len(asked.day), bool)
    model = _fitted(asked, [before[i] for i in kept], beside, everything)
    over = asked.day + horizon <= days.last
    after = [_exposed(days, tested[i], asked, 1, horizon) for i in kept]
    some = [
        n
        for n, e in enumerate(after)
        if over.any() and 0 < e[over].mean() < 1 and (e & asked.upgraded & over).any()
    ]
    last = -len(kept)
    size, error = model.coefficients[last:], model.errors[last:]
    found.loc[kept, "ratio"], found.loc[kept, "raw_p"] = np.exp(size), _two_sided(size / error)
    found.loc[kept, "low"], found.loc[kept, "high"] = (
        np.exp(size - Z * error),
        np.exp(size + Z * error),
    )
    if not some:
        return found
    placebo = _fitted(asked, [after[n] for n in some], beside, over)
    for turn, n in enumerate(some):
        at = turn - len(some)
        there, spread = placebo.coefficients[at], placebo.errors[at]
        gap = size[n] - there
        apart = model.influence[:, last + n] - placebo.influence[:, at]
        wide = float(np.sqrt((apart**2).sum()))
        for name, middle, reach in ((PLACEBO, there, Z * spread), (CORRECTED, gap, Z * wide)):
            found.loc[kept[n], [f"{name}{e}" for e in ends]] = np.exp(
                [middle, middle - reach, middle + reach]
            )
    return found


def _two_sided(z: Floats) -> Floats:
    from scipy.special import ndtr

    found: Floats = 2 * ndtr(-np.abs(z))
    return found


def _judged(frame: pd.DataFrame, caused: set[str]) -> pd.DataFrame:
    adjusted = false_discovery(frame["raw_p"].to_numpy("float64"))
    real = adjusted <= FALSE_RATE
    ratio = frame["ratio"].to_numpy("float64")
    own = frame["touchpoint"].isin(caused).to_numpy()
    after = [str(c) for c in frame.columns if str(c).startswith((PLACEBO, CORRECTED))]
    frame.loc[own, after] = np.nan
    low, high = (frame[c].to_numpy("float64") for c in ("placebo_low", "placebo_high"))
    # A placebo on the other side makes what was found stronger, not weaker.
    apart = np.where(ratio > 1, low > 1, high < 1)
    verdict = np.select(
        [
            frame["twin"].to_numpy() != "", np.isnan(ratio), real & np.isnan(low) & ~own, real & apart,
            real & (ratio > 1), real,
        ],
        [TWIN, TOO_FEW, UNTESTED, BUSY, MOMENT, FEWER],
        UNCERTAIN,
    )  # fmt: skip
    strength = e_value(ratio)
    per = (
        1_000
        * frame["upgrades"].to_numpy("float64")
        / np.maximum(frame["happened"].to_numpy("float64"), 1)
    )
    extra = {
        name: per * (1 - 1 / frame[c].to_numpy("float64"))
        for name, c in (("extra", "ratio"), ("extra_low", "low"), ("extra_high", "high"))
    }
    return frame.assign(p_value=adjusted, verdict=verdict, e_value=strength, **extra)


# --- counts ----------------------------------------------------------------------------------------------


def _counts(
    days: Days, risk: Risk, asked: Asked, exposed: npt.NDArray[np.bool_], touchpoint: int, horizon: int
) -> dict[str, Any]:  # fmt: skip
    """Return how often a touchpoint happened, on how many days it lies in the window, and how many upgraded then."""
    own = days.touchpoint == touchpoint
    who, day = days.customer[own], days.day[own]
    place = np.minimum(np.searchsorted(risk.customer, who), len(risk.customer) - 1)
    here = risk.customer[place] == who
    place, day, who = place[here], day[here], who[here]
    # A day lies in the window of the event before it until the next one begins its own.
    following = np.append(day[1:], 0)
    same = np.append(who[1:] == who[:-1], False)
    until = np.where(same, np.minimum(day + horizon, following), day + horizon)
    begin, end = np.maximum(day + 1, risk.begins[place]), np.minimum(until, risk.ends[place])
    exposed_days = risk.stand_for(np.maximum(end - begin + 1, 0), place)
    total = risk.stand_for(risk.ends - risk.begins + 1)
    cases = np.flatnonzero(risk.upgrades)  # in the order of the days asked for
    upgrades = risk.stand_for(exposed[asked.upgraded], cases)
    many = risk.stand_for(risk.upgrades)
    happened = risk.stand_for(
        (day + horizon >= risk.begins[place]) & (day < risk.ends[place]), place
    )
    naive = (upgrades / many) / (exposed_days / total) if exposed_days else np.nan
    return {
        "touchpoint": days.names[touchpoint], "upgrades": upgrades, "exposed_days": exposed_days,
        "happened": happened, "naive": naive,
    }  # fmt: skip


def _levels(days: Days, asked: Asked, busy: list[int], horizon: int) -> Ints:
    """Return which of four levels of activity each day is of."""
    active = _busy(days, asked, busy, horizon)
    cuts = np.unique(np.quantile(active, [0.25, 0.5, 0.75]))
    return np.searchsorted(cuts, active, side="left")


def e_value(ratio: Floats) -> Floats:
    """Return how strongly something unseen would have to go with both sides to make a ratio alone [1]_.

    Examples
    --------
    >>> float(e_value(np.array(3.9)).round(2)), float(e_value(np.array(1.8)).round(2))
    (7.26, 3.0)

    References
    ----------
    .. [1] T. VanderWeele, P. Ding, "Sensitivity analysis in observational research: introducing the E-value", Annals of
       Internal Medicine 167, 2017.
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        far = np.where(ratio < 1, 1 / ratio, ratio)
        found: Floats = far + np.sqrt(far * (far - 1))
    return found


def _stratified(
    exposed: npt.NDArray[np.bool_], upgraded: npt.NDArray[np.bool_], strata: Ints
) -> float:
    """Return Mantel and Haenszel's odds ratio over strata."""
    above = below = 0.0
    for level in np.unique(strata):
        own = strata == level
        a, b = (exposed & upgraded & own).sum(), (~exposed & upgraded & own).sum()
        c, d = (exposed & ~upgraded & own).sum(), (~exposed & ~upgraded & own).sum()
        n = a + b + c + d
        above, below = above + a * d / n, below + b * c / n
    return float(above / below) if below else np.nan
