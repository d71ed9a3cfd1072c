"""Where a scorecard stands in a period: scores, statuses with their certainty, what moved and whether it is real."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from journey_widgets.definition import defined
from journey_widgets.errors import JourneyDataError, did_you_mean
from journey_widgets.estimates import false_discovery, mover
from journey_widgets.scorecard.catalogue import catalogue_rows
from journey_widgets.scorecard.document import Found, Kpi, Objective, Scorecard
from journey_widgets.scorecard.intervals import Z
from journey_widgets.scorecard.measures import NO_DATA
from journey_widgets.scorecard.recipes import BEYOND
from journey_widgets.scorecard.roll_up import STALE, Node, Rolled, leaves, roll_up
from journey_widgets.scorecard.series import units
from journey_widgets.scorecard.signals import FEWEST, charted
from journey_widgets.scorecard.status import DEFAULT, Rule, certainty, status, with_hysteresis

FALSE_RATE = 0.05
"""Expected share of false ones among the changes that are called real."""
REAL, NOISE, UNKNOWN_, FIRST = "real", "within chance", "cannot tell", "nothing before"
MOST_ALARMS = 3
SHORTEST_MONTH = 28
EXACT = "none"
"""Method of what is counted in full, such as the rows of a matrix: it has no interval and needs none."""


@dataclass(frozen=True)
class Standing:
    """A scorecard in one period.

    Attributes
    ----------
    period
        Where the period begins (local midnight).
    kpis
        One row a KPI, in the order of the scorecard. Columns: ``kpi``, ``label``, ``objective``, ``perspective``,
        ``stage``, ``owner``, ``lead_lag``, ``unit``, ``direction`` (str); ``value``, ``low``, ``high`` (float64), ``n``
        (Int64), ``state``, ``open``, ``method``, ``definition``, ``counted``; ``baseline``, ``target``, ``expected``
        (float64, the glide path on the day); ``raw``, ``score`` (float64); ``status`` (str, blank without a score),
        ``certain`` (bool), ``possible`` (str, best to worst); ``weight`` (float64, of the whole); ``before``,
        ``change``, ``change_low``, ``change_high``, ``p_value`` (float64, adjusted for all KPIs), ``moved`` (str:
        ``"real"``, ``"within chance"``, ``"cannot tell"``, ``"nothing before"``), ``better`` (bool or missing);
        ``signal`` (str, of the XmR chart); ``base_first``, ``base_last`` (datetime64, what its limits rest on; missing
        for the first twelve values); ``note`` (str); ``benchmark`` (float64), ``benchmark_of`` (str: source,
        year, sector, region, method and sample).
    total
        The rolled-up tree: scorecard, perspectives, objectives, KPIs.
    rules
        From which score on a status holds.

    Notes
    -----
    Where the scorecard carries missing values on, a KPI without a value has its last one, the state ``"stale"`` and no
    interval: it is scored, it is never certain, and its change is not judged.
    """

    period: pd.Timestamp
    kpis: pd.DataFrame
    total: Rolled
    rules: tuple[Rule, ...] = DEFAULT

    def nodes(self) -> pd.DataFrame:
        """Return the tree as a frame, top down.

        Columns: ``node`` (str), ``level`` (int64), ``score`` (float64), ``state``, ``status`` (str, blank without a
        score), ``coverage``, ``low``, ``high`` (float64), ``hidden`` (str, KPIs that are red inside a better node), and
        one column a status (int64): how many KPIs in it have it.
        """
        names = [r.status for r in self.rules]
        rows = [
            (r.name, level, r.score, r.state, self._status(r), r.coverage, r.low, r.high, ", ".join(r.masked),
             *(self._leaves(r).count(name) for name in names))
            for r, level in _walk(self.total)
        ]  # fmt: skip
        columns = [
            "node",
            "level",
            "score",
            "state",
            "status",
            "coverage",
            "low",
            "high",
            "hidden",
            *names,
        ]
        return pd.DataFrame(rows, columns=columns).astype(
            dict.fromkeys(["score", "coverage", "low", "high"], "float64")
        )

    def _status(self, rolled: Rolled) -> str:
        """Return the status of a node: of a KPI as its row has it."""
        return "" if rolled.score is None else rolled.status or status(rolled.score, self.rules)

    def _leaves(self, rolled: Rolled) -> list[str]:
        """Return the statuses of the KPIs in a node."""
        every = [r for r, _level in _walk(rolled)]
        return [self._status(r) for r in every if not r.children and r.score is not None]


def _walk(rolled: Rolled, level: int = 0) -> Iterator[tuple[Rolled, int]]:
    yield rolled, level
    for child in rolled.children:
        yield from _walk(child, level + 1)


def last_closed(series: pd.DataFrame) -> pd.Timestamp:
    """Return the newest period that is over and in which most KPIs that are measured by periods have a value."""
    closed = series[~series["open"] & series["period"].notna() & (series["state"] == "")]
    if closed.empty:
        msg = "No period is over yet: there is nothing to look at. Give sources with at least one whole period."
        raise JourneyDataError(msg)
    counts = closed.groupby("period")["kpi"].nunique()
    most = counts[counts >= counts.max() / 2]
    return pd.Timestamp(most.index.max())


def standing(
    scorecard: Scorecard, series: pd.DataFrame, period: pd.Timestamp | str | None = None
) -> Standing:
    """Score a scorecard in a period.

    Parameters
    ----------
    series
        As `series` returns it.
    period
        Where it begins: the last period that is over by default.
    """
    when, frame = kpis_in(scorecard, series, period)
    day = _last_day(series, when)
    rated = {str(r["kpi"]): _rated(r["score"], str(r["state"])) for r in frame.to_dict("records")}
    held = dict(zip(frame["kpi"], frame["status"], strict=True)) if scorecard.hysteresis else {}
    tree = scorecard.tree(rated, day, held)
    total = _rolled(scorecard, tree)
    shares = {n.name: s for n, s in leaves(tree)}
    if len(frame):
        frame["weight"] = [shares.get(k, 0.0) for k in frame["kpi"]]
    words = (
        f"{when:%-d %B %Y}; missing: {scorecard.missing}; roll-up: {scorecard.how}, level by level"
    )
    return Standing(when, defined(frame, words), total, scorecard.rules())


def kpis_in(
    scorecard: Scorecard, series: pd.DataFrame, period: pd.Timestamp | str | None = None
) -> tuple[pd.Timestamp, pd.DataFrame]:
    """Return a period, and the KPIs in it as `Standing.kpis` has them, each by itself: their weight is 0."""
    when = _period(series, period)
    day = _last_day(series, when)
    own, since = units(scorecard, scorecard.kpis()), _carried_from(scorecard, series, when)
    lines = {str(k): g for k, g in series.groupby("kpi", sort=False)}
    rows = [
        _row(k, o, scorecard, lines.get(k.id, series.iloc[:0]), when, since, day, own[k.id])
        for o in scorecard.objectives
        for k in o.kpis
    ]
    frame = pd.DataFrame(
        rows, columns=None if rows else ["kpi", "score", "state", "p_value", "moved"]
    )
    return when, judged(frame).astype({"n": "Int64"}) if rows else frame


def score_of(
    scorecard: Scorecard, series: pd.DataFrame, period: pd.Timestamp | str | None = None
) -> Rolled:
    """Return what a scorecard comes to in a period, as `standing` does, without all that is said of its KPIs."""
    when = _period(series, period)
    since = _carried_from(scorecard, series, when)
    lines = {str(k): g for k, g in series.groupby("kpi", sort=False)}
    rated = {}
    for k in scorecard.kpis():
        line, _history = _line(scorecard, lines.get(k.id, series.iloc[:0]), when, since)
        value, state = float(line["value"]), _state(k, line)
        scored = _can_be_scored(k, state, value)
        rated[k.id] = _rated(k.score(value).clamped if scored else math.nan, state)
    return _rolled(scorecard, scorecard.tree(rated, _last_day(series, when)))


def _rolled(scorecard: Scorecard, tree: Node) -> Rolled:
    return roll_up(
        tree,
        missing=scorecard.missing,
        least_coverage=scorecard.least_coverage,
        rules=scorecard.rules(),
    )


def _rated(score: float, state: str) -> Found:
    """Return what the tree is told of a KPI."""
    if pd.isna(score):
        return state or "unscored"
    return (float(score), state) if state else float(score)


def _period(series: pd.DataFrame, period: pd.Timestamp | str | None) -> pd.Timestamp:
    if period is None:
        return last_closed(series)
    try:
        wanted = pd.Timestamp(period)
    except ValueError:
        msg = f"period is {period!r}; a day or a month such as 2026-05 was needed."
        raise JourneyDataError(msg) from None
    known = sorted(series["period"].dropna().unique())
    if wanted not in set(known):
        names = [f"{p:%Y-%m-%d}" for p in map(pd.Timestamp, known)]
        hint = did_you_mean(f"{wanted:%Y-%m-%d}", names)
        msg = f"Nothing was measured in a period that begins on {wanted:%Y-%m-%d}. {hint}"
        raise JourneyDataError(msg)
    return wanted


def _last_day(series: pd.DataFrame, when: pd.Timestamp) -> date:
    """Return the last day of a period: the one before the next begins, or as long as the others are."""
    begins = pd.Series(sorted(series["period"].dropna().unique()))
    after = begins[begins > when]
    if len(after):
        return (pd.Timestamp(after.iloc[0]) - pd.Timedelta(days=1)).date()
    days = begins.diff().dt.days.dropna()
    if len(days) and days.median() < SHORTEST_MONTH:
        return (when + pd.Timedelta(days=int(days.median()) - 1)).date()
    return (when + pd.offsets.MonthEnd(0)).date()


def _row(
    kpi: Kpi, objective: Objective, scorecard: Scorecard, own: pd.DataFrame, when: pd.Timestamp,
    since: pd.Timestamp, day: date, unit: str,
) -> dict[str, Any]:  # fmt: skip
    line, history = _line(scorecard, own, when, since)
    value, low, high = (float(line[c]) for c in ("value", "low", "high"))
    state = _state(kpi, line)
    scored = (
        _scored(
            kpi,
            scorecard,
            value,
            low,
            high,
            exact=str(line["method"]) == EXACT and state != STALE,
            before=_status_before(kpi, scorecard, history),
        )
        if _can_be_scored(kpi, state, value)
        else {}
    )
    before = history.iloc[-1] if len(history) and not str(line["state"]) else None
    note = next(
        (n.text for n in kpi.notes if n.period in (f"{when:%Y-%m}", f"{when:%Y-%m-%d}")), ""
    )
    row = {
        "kpi": kpi.id, "label": kpi_label(kpi, scorecard), "objective": objective.id,
        "perspective": objective.perspective, "stage": objective.stage or "",
        "owner": kpi.owner or objective.owner or "", "lead_lag": kpi.lead_lag or _catalogued(kpi, "lead_lag"),
        "unit": unit, "direction": _direction(kpi, scorecard), "value": value, "low": low, "high": high,
        "n": line["n"], "state": state, "open": bool(line["open"]), "method": line["method"],
        "definition": line["definition"], "counted": line["counted"],
        "baseline": _number(kpi.baseline), "target": _number(kpi.target), "expected": _number(kpi.expected_on(day)),
        "raw": math.nan, "score": math.nan, "status": "", "certain": False, "possible": "", **scored, "weight": 0.0,
        **_change(line, before), "signal": _signal(own, when, kpi), "note": note,
        "base_first": pd.Timestamp(kpi.base.first) if kpi.base else pd.NaT,
        "base_last": pd.Timestamp(kpi.base.last) if kpi.base else pd.NaT,
        "benchmark": _number(kpi.benchmark.value if kpi.benchmark else None),
        "benchmark_of": kpi.benchmark.of() if kpi.benchmark else "",
    }  # fmt: skip
    gain = {"up": row["change"] > 0, "down": row["change"] < 0}.get(row["direction"])
    row["better"] = None if not math.isfinite(row["change"]) or row["change"] == 0 else gain
    return row


def _carried_from(scorecard: Scorecard, series: pd.DataFrame, when: pd.Timestamp) -> pd.Timestamp:
    """Return the first period whose value may be carried on to a period."""
    earlier = sorted(p for p in series["period"].dropna().unique() if p < when)[-scorecard.carry :]
    return pd.Timestamp(earlier[0]) if earlier else when


def _line(
    scorecard: Scorecard, own: pd.DataFrame, when: pd.Timestamp, since: pd.Timestamp
) -> tuple[pd.Series, pd.DataFrame]:
    """Return the line that a period is judged by, and the closed ones before it with a value."""
    line, history = _at(own, when)
    if scorecard.missing == "carry" and line["state"] == NO_DATA:
        line = _carried(line, history[history["period"] >= since])
    return line, history


def _can_be_scored(kpi: Kpi, state: str, value: float) -> bool:
    return kpi.scoring != "unscored" and state in ("", STALE) and math.isfinite(value)


def _state(kpi: Kpi, line: pd.Series) -> str:
    return str(line["state"]) or ("unscored" if kpi.scoring == "unscored" else "")


def _at(own: pd.DataFrame, when: pd.Timestamp) -> tuple[pd.Series, pd.DataFrame]:
    """Return the line of the period, and the closed ones before it with a value."""
    there = own[own["period"] == when]
    history = own[(own["period"] < when) & ~own["open"] & (own["state"] == "")]
    if len(there):
        return there.iloc[0], history
    timeless = own[own["period"].isna()]
    if len(timeless):
        return timeless.iloc[0], history
    if len(own) == 1:  # what is counted as it is on one day
        return own.iloc[0], history.iloc[:0]
    nothing = {
        "value": math.nan,
        "low": math.nan,
        "high": math.nan,
        "n": 0,
        "state": "no_data",
        "open": False,
    }
    words = own.iloc[0] if len(own) else {"method": "", "definition": "", "counted": ""}
    return pd.Series(
        {**nothing, **{c: words[c] for c in ("method", "definition", "counted")}}
    ), history


def _carried(line: pd.Series, known: pd.DataFrame) -> pd.Series:
    """Return a line with the last value of the periods before it, if there is one: out of date, no interval."""
    if known.empty:
        return line
    last = known.iloc[-1]
    said = f"{last['counted']} Carried on from {last['period']:%-d %B %Y}: nothing is known of this period."
    ends = {"low": math.nan, "high": math.nan}
    return pd.Series(
        {**line, **ends, "value": last["value"], "n": last["n"], "state": STALE, "counted": said}
    )


def _scored(
    kpi: Kpi,
    scorecard: Scorecard,
    value: float,
    low: float,
    high: float,
    *,
    exact: bool,
    before: str | None,
) -> dict[str, Any]:
    score = kpi.score(value)
    rules = scorecard.rules()
    look = with_hysteresis(score.clamped, before, rules, by=scorecard.hysteresis)
    if math.isfinite(low) and math.isfinite(high):
        sure = certainty(value, low, high, lambda v: kpi.score(v).clamped, rules)
        order = [r.status for r in rules]
        possible = tuple(sorted({*sure.possible, look}, key=order.index))
        certain = len(possible) == 1
    else:
        possible, certain = (look,), exact
    return {
        "raw": score.raw, "score": score.clamped, "status": look, "certain": certain,
        "possible": ", ".join(possible),
    }  # fmt: skip


def _status_before(kpi: Kpi, scorecard: Scorecard, history: pd.DataFrame) -> str | None:
    """Return the status of the period before, where statuses hold on to what they were."""
    before: str | None = None
    if not scorecard.hysteresis or kpi.scoring == "unscored":
        return None
    for value in history["value"]:
        before = with_hysteresis(
            kpi.score(float(value)).clamped, before, scorecard.rules(), by=scorecard.hysteresis
        )
    return before


def _change(line: pd.Series, before: pd.Series | None) -> dict[str, float]:
    """Return what a value is compared with, and the change."""
    if before is None or not math.isfinite(float(line["value"])):
        return dict.fromkeys(["before", "before_low", "before_high", "change"], math.nan)
    then = {
        f"before{c}": float(before[n])
        for c, n in (("", "value"), ("_low", "low"), ("_high", "high"))
    }
    return {**then, "change": float(line["value"]) - then["before"]}


def _signal(own: pd.DataFrame, when: pd.Timestamp, kpi: Kpi) -> str:
    """Return the signals of the XmR chart at the period, of the closed periods up to it."""
    if len(own) < FEWEST:
        return ""
    chart = charted(own, when, (kpi.base.first, kpi.base.last) if kpi.base else None)
    return str(chart["signal"].iloc[-1]) if len(chart) and chart["period"].iloc[-1] == when else ""


def held_against(kpi: Kpi, periods: Sequence[pd.Timestamp]) -> pd.DataFrame:
    """Return what a KPI is held against in each period: target, expected value on its last day, benchmark.

    Returns
    -------
    pandas.DataFrame
        Columns: ``period`` (datetime64), ``what`` (``"target"``, ``"expected by then"`` or ``"benchmark"``), ``value``
        (float64); no rows for what the KPI does not have.
    """
    known = pd.DataFrame({"period": list(periods)})
    rows = []
    for when in periods:
        rows.append((when, "target", kpi.target))
        rows.append((when, "expected by then", kpi.expected_on(_last_day(known, when))))
        rows.append((when, "benchmark", kpi.benchmark.value if kpi.benchmark else None))
    frame = pd.DataFrame(rows, columns=["period", "what", "value"]).astype({"value": "float64"})
    return frame.dropna(subset="value").reset_index(drop=True)


def judged(frame: pd.DataFrame) -> pd.DataFrame:
    """Say of each change whether it is real: of all KPIs together, few of those called so are not.

    Parameters
    ----------
    frame
        Columns ``value``, ``low``, ``high``, ``before``, ``before_low``, ``before_high``, ``change``, ``signal``.

    Returns
    -------
    pandas.DataFrame
        The same with ``change_low``, ``change_high`` (of the difference, from the two intervals), ``p_value`` (adjusted
        by Benjamini and Hochberg for all rows) and ``moved``.
    """
    ends = [
        frame[c].to_numpy("float64")
        for c in ("value", "low", "high", "before", "before_low", "before_high")
    ]
    change = frame["change"].to_numpy("float64")
    low, high = mover(*ends)
    reach = np.where(change > 0, change - low, high - change)
    tail = np.vectorize(
        lambda z: math.erfc(z / math.sqrt(2)) if math.isfinite(z) else math.nan, otypes=[np.float64]
    )
    with np.errstate(divide="ignore", invalid="ignore"):
        p = np.where(
            reach > 0, tail(np.abs(change) / (reach / Z)), np.where(np.isfinite(reach), 1.0, np.nan)
        )
    adjusted = false_discovery(p)
    moved = []
    for before, chance, signal in zip(ends[3], adjusted, frame["signal"], strict=True):
        if not math.isfinite(before):
            moved.append(FIRST)
        elif math.isfinite(chance):
            moved.append(REAL if chance <= FALSE_RATE else NOISE)
        else:  # without an interval only the series itself can tell
            moved.append(REAL if "outside" in str(signal) else UNKNOWN_)
    return frame.assign(change_low=low, change_high=high, p_value=adjusted, moved=moved)


def alarms(
    now: Standing, before: Standing | None = None, *, most: int = MOST_ALARMS
) -> pd.DataFrame:
    """Return what needs somebody: KPIs that are certainly at their worst status, or really moved for the worse.

    Parameters
    ----------
    now, before
        This period, and the one before: what was an alarm there in the same way is not said again.
    most
        How many at most: certain ones first, then by weight.

    Returns
    -------
    pandas.DataFrame
        Rows of `Standing.kpis`, with ``why`` (str).
    """
    known = (
        set()
        if before is None
        else set(zip(*(_alarming(before)[c] for c in ("kpi", "why")), strict=True))
    )
    found = _alarming(now)
    fresh = [pair not in known for pair in zip(found["kpi"], found["why"], strict=True)]
    found = found[fresh] if len(found) else found
    order = found.sort_values(["certain", "weight"], ascending=False, kind="stable")
    return order.head(most).reset_index(drop=True)


def _alarming(standing_: Standing) -> pd.DataFrame:
    frame = standing_.kpis
    if frame.empty:
        return frame.assign(why=[])
    worst = frame["possible"].isin(["red"]) & frame["certain"] & (frame["state"] == "")
    worse = (frame["moved"] == REAL) & frame["better"].map(lambda b: b is False).astype(bool)
    why = np.select(
        [worst & worse, worst, worse],
        [
            "certainly at its worst status, and it really got worse",
            "certainly at its worst status",
            "it really got worse",
        ],
        "",
    )
    found: pd.DataFrame = frame.assign(why=why)[why != ""]
    return found


def kpi_label(kpi: Kpi, scorecard: Scorecard) -> str:
    """Return what a KPI is called: in the scorecard, in its own measure, or in the catalogue."""
    own = {m.id: m.label for m in scorecard.measures}
    return kpi.label or own.get(kpi.measured_as) or _catalogued(kpi, "name") or kpi.id


def _direction(kpi: Kpi, scorecard: Scorecard) -> str:
    own = {m.id: str(m.direction) for m in scorecard.measures}
    return own.get(kpi.measured_as) or _catalogued(kpi, "direction")


def _catalogued(kpi: Kpi, column: str) -> str:
    if kpi.measured_as in BEYOND:
        return BEYOND[kpi.measured_as].get(column, "")
    return catalogue_rows().get(kpi.measured_as, {}).get(column, "")


def _number(value: float | None) -> float:
    return math.nan if value is None else float(value)
