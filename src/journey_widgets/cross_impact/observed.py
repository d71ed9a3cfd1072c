"""What the data say about a cell: how going through one touchpoint, or its quality, goes with what comes later.

Time sets the direction: what came first is the source. Nothing here is an experiment: what drives both is still in
it, so nothing here is called a cause. Every function returns the same columns, one row a cell, in order of the names:

``source``, ``target`` (str); ``value``, ``low``, ``high`` (float64, 95 %); ``p_value`` (float64, for no relation);
``measure`` (``"odds ratio"``, 1 is no relation, or ``"correlation"``, 0 is none); ``signed`` (bool, whether the sign
says better or worse; how often something happens is no quality); ``n`` (int64); ``method`` (str).
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import ibis
import numpy as np
import numpy.typing as npt
import pandas as pd
from ibis import _

from journey_widgets.definition import defined
from journey_widgets.documents import slug
from journey_widgets.errors import JourneyDataError, did_you_mean
from journey_widgets.estimates import student
from journey_widgets.events.engine import collect
from journey_widgets.events.paths import PathIndex, path_index
from journey_widgets.events.shuffle import LOTS
from journey_widgets.events.source import table_of

COLUMNS = [
    "source",
    "target",
    "value",
    "low",
    "high",
    "p_value",
    "measure",
    "signed",
    "n",
    "method",
]
DEPTH = 30
"""Steps of a path that are looked at; later ones are too few to compare."""
GROUPS = 50
"""Random groups of customers that are left out in turn."""
MAX_CUSTOMERS = 100_000
LEAST = 5.0
"""Customers expected in the smaller of two cells, below which nothing is said (Cochran's rule)."""
Z = 1.959963984540054
Ints = npt.NDArray[np.int64]


def later_visits(
    log: Any,
    names: Iterable[str] | None = None,
    *,
    outcomes: Mapping[str, str] | None = None,
    seed: int = 1,
) -> pd.DataFrame:
    """Return the odds of reaching one touchpoint after another, against customers just as far without it.

    Parameters
    ----------
    log
        A `Source` of events, a table with ``customer_id``, ``ts`` and ``event``, or a `PathIndex`.
    names
        Touchpoints to look at; all of the log by default. Names the log does not have are counted in the definition.
    outcomes
        Outcome id → touchpoint that stands for it, such as ``{"retention": "reorder"}``; then these alone are
        the targets. Without it every touchpoint is one, and what is found is mostly the order of the journey:
        whoever pays has the basket behind them.
    seed
        What makes the groups, and the sample of a log of more than 100,000 customers, repeatable.

    Returns
    -------
    pandas.DataFrame
        Columns as above; ``n`` counts customers who went through the source. Pairs with too few customers to
        compare (fewer than 5 expected to reach the target, or not to, after the source) are left out and counted.

    Notes
    -----
    A customer's first visit of the source, at step d, is held against customers whose step d is neither source nor
    target and who have not been at the source: so length of path alone gives no relation. A customer's interest that
    drives both still does. Odds ratio over all d by Mantel and Haenszel (Journal of the National Cancer Institute 22,
    1959), half a customer added to each cell of the largest stratum where all or none reached it; error by
    leaving out random groups of customers in turn, at least that of the pooled table (Woolf), with Student's quantile
    for the groups that hold any. A touchpoint visited several times in a row counts as one step.
    """
    index = path_index(log)
    known = list(index.touchpoints)
    if isinstance(names, str):
        msg = f"names is the text {names!r}; a list of touchpoints was needed."
        raise JourneyDataError(msg)
    asked = known if names is None else list(dict.fromkeys(names))
    wanted = [n for n in asked if n in known]
    if not wanted:
        msg = f"The log has none of the touchpoints asked for. {did_you_mean(str((asked or ['?'])[0]), known)}"
        raise JourneyDataError(msg)
    ends = dict(outcomes or {})
    strange = next((t for t in ends.values() if t not in known), None)
    if strange is not None:
        msg = f"outcomes: the log has no touchpoint {strange!r}. {did_you_mean(strange, known)}"
        raise JourneyDataError(msg)
    walks = _Walks.of(index, seed)
    targets = ends or {n: n for n in wanted}
    rows, few = [], 0
    for source in wanted:
        for target, place in targets.items():
            if place == source:
                continue
            estimate = _by_groups(walks.counts(known.index(source), known.index(place)))
            if estimate is None:
                few += 1
                continue
            n = walks.through(known.index(source))
            rows.append(
                (source, target, *estimate, "odds ratio", False, n, "Mantel-Haenszel by step")
            )
    missing = len(asked) - len(wanted)
    return defined(
        pd.DataFrame(rows, columns=COLUMNS),
        f"Odds of reaching the target later in the path, after the source against others at the same step "
        f"({walks.said}, steps 1 to {DEPTH}); how often is no quality, so the sign is not compared",
        f"{few} pairs have too few customers to compare" if few else "",
        f"{missing} names are not in the log" if missing else "",
    )


@dataclass(frozen=True)
class _Walks:
    """The first steps of customers, as arrays: one row a customer, one column a touchpoint."""

    first: Ints
    last: Ints
    length: Ints
    group: Ints
    visits: list[tuple[Ints, Ints]]
    """For each touchpoint: customer and step of every visit up to `DEPTH`."""
    said: str

    @classmethod
    def of(cls, index: PathIndex, seed: int) -> "_Walks":
        many, never = len(index.touchpoints), int(np.iinfo(np.int32).max)
        in_order = ibis.window(group_by="customer", order_by="step")
        table = index.table.select("customer", "touchpoint", "step", "lot")
        table = table.mutate(before=table.touchpoint.lag().over(in_order))
        walk = table.filter(table.before.isnull() | (table.before != table.touchpoint))
        walk = walk.select(
            "customer", "touchpoint", "lot", step=ibis.row_number().over(in_order) + 1
        )
        seen = collect(
            walk.group_by("customer", "touchpoint").agg(
                first=_.step.min(), last=_.step.max(), lot=_.lot.min()
            )
        )
        steps = collect(walk.filter(_.step <= DEPTH))
        customers, own, row = np.unique(
            seen["customer"].to_numpy("int64"), return_index=True, return_inverse=True
        )
        code = seen["touchpoint"].to_numpy("int64")
        first = np.full((len(customers), many), never, dtype=np.int64)
        last = np.zeros((len(customers), many), dtype=np.int64)
        first[row, code] = seen["first"].to_numpy("int64")
        last[row, code] = seen["last"].to_numpy("int64")
        # By the customers' lots, so that the same are chosen and stand together whenever they came.
        lots = np.random.default_rng(seed).permutation(LOTS)[seen["lot"].to_numpy("int64")[own]]
        chosen, most, said = np.arange(len(customers)), LOTS, "all customers"
        if len(customers) > MAX_CUSTOMERS:
            held = np.bincount(lots, minlength=LOTS).cumsum()
            most = max(int(np.searchsorted(held, MAX_CUSTOMERS, "right")), 1)
            chosen = np.flatnonzero(lots < most)
            said = f"a sample of {len(chosen):,} customers"
        place = np.full(len(customers), -1, dtype=np.int64)
        place[chosen] = np.arange(len(chosen))
        who = place[np.searchsorted(customers, steps["customer"].to_numpy("int64"))]
        at, step = steps["touchpoint"].to_numpy("int64"), steps["step"].to_numpy("int64")
        visits = [(who[m], step[m]) for m in ((at == t) & (who >= 0) for t in range(many))]
        first, last = first[chosen], last[chosen]
        group = lots[chosen] * GROUPS // most
        return cls(first, last, last.max(axis=1), group, visits, said)

    def through(self, source: int) -> int:
        """Return how many customers went through a touchpoint."""
        return int((self.first[:, source] <= DEPTH).sum())

    def counts(self, source: int, target: int) -> npt.NDArray[np.float64]:
        """Return 4 x groups x depths: exposed who reached and who did not, others who reached and who did not."""
        first, last = self.first[:, source], self.last[:, target]
        went = first <= DEPTH
        reached = last[went] > first[went]
        exposed = self._tally(self.group[went], first[went])
        both = self._tally(self.group[went][reached], first[went][reached])
        without = np.minimum(self.length, first - 1)
        others, others_reached = (
            self._at_least(without),
            self._at_least(np.minimum(without, last - 1)),
        )
        # Whoever is at the target just now is neither before it nor past it.
        who, step = self.visits[target]
        there = step <= without[who]
        again = there & (last[who] > step)
        others = others - self._tally(self.group[who[there]], step[there])
        others_reached = others_reached - self._tally(self.group[who[again]], step[again])
        return np.array([both, exposed - both, others_reached, others - others_reached])

    def _tally(self, group: Ints, step: Ints) -> npt.NDArray[np.float64]:
        """Return groups x depths: how many stand at each depth."""
        counts = np.bincount(group * DEPTH + step - 1, minlength=GROUPS * DEPTH)
        return np.asarray(counts.reshape(GROUPS, DEPTH), dtype=np.float64)

    def _at_least(self, values: Ints) -> npt.NDArray[np.float64]:
        """Return groups x depths: how many values reach each depth."""
        place = self.group * (DEPTH + 1) + np.clip(values, 0, DEPTH)
        counts = np.bincount(place, minlength=GROUPS * (DEPTH + 1)).reshape(GROUPS, DEPTH + 1)
        return np.asarray(counts[:, ::-1].cumsum(axis=1)[:, ::-1][:, 1:], dtype=np.float64)


def _by_groups(cells: npt.NDArray[np.float64]) -> tuple[float, float, float, float] | None:
    """Return the Mantel-Haenszel odds ratio of 4 x groups x strata counts, interval and p-value; None for too few."""
    whole = cells.sum(axis=1)
    exposed, reached, n = whole[0] + whole[1], whole[0] + whole[2], whole.sum(axis=0)
    expected = float(np.divide(exposed * reached, n, out=np.zeros_like(n), where=n > 0).sum())
    if min(expected, float(exposed[n > exposed].sum()) - expected) < LEAST:
        return None
    without = whole[:, None] - cells
    log_ratio = float(_log_odds(whole[:, None])[0])
    if not np.isfinite(_log_odds(np.concatenate([whole[:, None], without], axis=1))).all():
        largest = int(np.argmax(np.where(n > exposed, exposed, 0)))
        whole, without = whole.copy(), without.copy()
        whole[:, largest] += 0.5
        without[:, :, largest] += 0.5
    if not math.isfinite(log_ratio):
        log_ratio = float(_log_odds(whole[:, None])[0])
    left_out = _log_odds(without)
    many = cells.shape[1]
    spread = math.sqrt((many - 1) / many * float(((left_out - left_out.mean()) ** 2).sum()))
    # Leaving groups out says nothing where a cell is empty, and too little where few customers fill it.
    least = math.sqrt(float((1 / (cells.sum(axis=(1, 2)) + 0.5)).sum()))
    error = max(spread, least)
    if not math.isfinite(log_ratio) or not math.isfinite(error):
        return None
    filled = [
        int((side.sum(axis=1) > 0).sum()) for side in (cells[0] + cells[1], cells[2] + cells[3])
    ]
    error *= student(max(1, min(filled) - 1)) / Z
    low, high = math.exp(log_ratio - Z * error), math.exp(log_ratio + Z * error)
    return math.exp(log_ratio), low, high, math.erfc(abs(log_ratio) / error / math.sqrt(2))


def _log_odds(cells: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return a log odds ratio for each of 4 x … x strata counts, pooled over strata; not finite where there is none."""
    a, b, c, d = cells
    n = a + b + c + d
    with np.errstate(divide="ignore", invalid="ignore"):
        above = np.where(n > 0, a * d / n, 0.0).sum(axis=-1)
        below = np.where(n > 0, b * c / n, 0.0).sum(axis=-1)
        return np.asarray(np.log(above) - np.log(below))


def repeat_contacts(
    tickets: Any, *, target: str = "effort", touchpoint: str = "kind", within: int = 30,
    reopened: Iterable[str] = ("reopened",), names: Mapping[str, str] | None = None, seed: int = 1,
) -> pd.DataFrame:  # fmt: skip
    """Return the odds that a case of one kind is followed by another contact, against all other cases.

    Parameters
    ----------
    tickets
        The support log: ``case_id``, ``ts``, ``activity``, and where known ``customer_id``.
    target
        The outcome a repeat contact speaks of.
    touchpoint
        Column that says which touchpoint a case is about.
    within
        Days after a case began in which the same customer's next case counts as a repeat; cases that began later
        than that before the last case are left out.
    reopened
        Activities that say a case was opened again.
    names
        Value of that column → touchpoint id; else the value as an id (``"Set-up help"`` is ``set_up_help``).
    seed
        What makes the groups repeatable.

    Returns
    -------
    pandas.DataFrame
        Columns as above; ``n`` counts cases of the kind. Kinds with fewer than 5 repeats (or cases without)
        expected are left out and counted.
    """
    table = table_of(tickets, "tickets", "case_id", "ts", "activity", touchpoint)
    if within < 1:
        msg = f"within is {within}; 1 day or more was needed."
        raise JourneyDataError(msg)
    again = [r.casefold() for r in reopened]
    whose = _.case_id.cast("string").min()
    if "customer_id" in table.columns:
        whose = ibis.coalesce(_.customer_id.cast("string").min(), whose)
    cases = collect(
        table.group_by("case_id").agg(
            began=_.ts.min(), about=_[touchpoint].cast("string").min(), customer=whose,
            back=_.activity.cast("string").lower().isin(again).any(),
        )
    ).dropna(subset=["about"])  # fmt: skip
    if cases.empty:
        return defined(pd.DataFrame([], columns=COLUMNS), "No case says what it is about")
    cases = cases.sort_values(["customer", "began", "case_id"], kind="stable", ignore_index=True)
    following = cases.groupby("customer")["began"].shift(-1)
    soon = (following - cases["began"]) <= pd.Timedelta(days=within)
    watched = cases["began"] <= cases["began"].max() - pd.Timedelta(days=within)
    back = cases["back"].fillna(False).astype(bool)
    repeat = (back | soon)[watched].to_numpy()
    about = cases.loc[watched, "about"].to_numpy(dtype=str)
    _codes, person = np.unique(
        cases.loc[watched, "customer"].to_numpy(dtype=str), return_inverse=True
    )
    group = np.random.default_rng(seed).integers(0, GROUPS, int(person.max(initial=-1)) + 1)[person]
    given = dict(names or {})
    rows, few = [], 0
    for kind in sorted(set(about)):
        own = about == kind
        counts = [own & repeat, own & ~repeat, ~own & repeat, ~own & ~repeat]
        cells = np.array([np.bincount(group[c], minlength=GROUPS) for c in counts], dtype=float)
        estimate = _by_groups(cells[:, :, None])
        if estimate is None:
            few += 1
            continue
        if len(set(about)) == 2 and estimate[0] < 1:
            continue  # of two kinds one row says it all
        name = given.get(kind) or slug(kind)
        rows.append(
            (
                name,
                target,
                *estimate,
                "odds ratio",
                False,
                int(own.sum()),
                "odds ratio, by customer",
            )
        )
    opened = "opened again, or " if back.any() else ""
    return defined(
        pd.DataFrame(rows, columns=COLUMNS),
        f"Odds that a case is {opened}followed by another of the same customer within {within} days, against "
        f"all other kinds; {int((~watched).sum()):,} late cases are left out",
        "" if back.any() else f"No activity is called {' or '.join(again) or 'reopened'}",
        f"{few} kinds have too few cases to compare" if few else "",
    )


def scores_together(answers: Any, questions: Mapping[str, str]) -> pd.DataFrame:
    """Return how the score one person gives a touchpoint goes with the score the same person gives later.

    Parameters
    ----------
    answers
        The survey answers: ``respondent_id`` or ``customer_id``, ``ts``, ``question_id``, ``score``.
    questions
        Question id → id of the touchpoint or outcome it measures.

    Returns
    -------
    pandas.DataFrame
        Columns as above; a pair is a person's answer to the target and that person's last answer to the source
        before it; ``n`` counts pairs, one a person. Answers of the same moment have no direction and make no
        pair. Pairs of questions with fewer than 10 are left out.

    Notes
    -----
    Spearman's rank correlation with Fisher's interval, its variance (1 + r² / 2) / (n - 3) (Bonett and Wright,
    Psychometrika 65, 2000).
    """
    table = table_of(answers, "answers", "respondent_id", "ts", "question_id", "score")
    person = _.respondent_id.cast("string")
    if "customer_id" in table.columns:
        person = ibis.coalesce(_.customer_id.cast("string"), person)
    asked = collect(table.select(q=_.question_id.cast("string")).distinct())["q"].dropna().tolist()
    strange = next((q for q in questions if q not in asked), None)
    if strange is not None:
        msg = f"questions: no answer is to {strange!r}. {did_you_mean(strange, asked)}"
        raise JourneyDataError(msg)
    frame = collect(
        table.filter(_.score.notnull() & _.question_id.cast("string").isin(list(questions))).select(
            person=person, ts=_.ts, question=_.question_id.cast("string"), score=_.score.cast("float64")
        )
    ).dropna(subset=["person", "ts"])  # fmt: skip
    frame = frame.sort_values(["ts", "person", "question"], kind="stable", ignore_index=True)
    rows = []
    for one, source in questions.items():
        for other, target in questions.items():
            if source == target:
                continue
            now = frame[frame["question"] == other].drop_duplicates("person", keep="last")
            before = frame[frame["question"] == one]
            pairs = pd.merge_asof(
                now,
                before,
                on="ts",
                by="person",
                suffixes=("", "_before"),
                allow_exact_matches=False,
            ).dropna(subset=["score_before"])
            first, second = (pairs[c].rank().to_numpy() for c in ("score_before", "score"))
            estimate = _correlation(first, second, controls=0, ranked=True)
            if estimate is not None:
                rows.append(
                    (
                        source,
                        target,
                        *estimate,
                        "correlation",
                        True,
                        len(pairs),
                        "Spearman, later answer",
                    )
                )
    return defined(
        pd.DataFrame(rows, columns=COLUMNS),
        "Rank correlation of a person's score with the same person's earlier score at the touchpoint; answers of the "
        "same moment make no pair",
    )


def lagged(series: pd.DataFrame, *, lag: int = 1) -> pd.DataFrame:
    """Return how one KPI goes with another's later value, beyond what both carry on with by themselves.

    Parameters
    ----------
    series
        One row a period, in order and without gaps; one column a touchpoint or outcome, by id. Every KPI is meant
        so that more is better.
    lag
        Periods from source to target.

    Returns
    -------
    pandas.DataFrame
        Columns as above; ``n`` counts periods. Pairs with fewer than 10 are left out.

    Notes
    -----
    Partial correlation of the source at t - lag and the target at t, given the target at t - 1, the source a period
    before, and the time; Fisher's interval with n - 3 less three controls. What the series carry on with, and
    trends, therefore give no relation; a season or a cause that both share still does.
    """
    if not isinstance(series, pd.DataFrame) or series.columns.has_duplicates:
        msg = (
            "series: a table with one row a period and one column a KPI, no name twice, was needed."
        )
        raise JourneyDataError(msg)
    if not isinstance(lag, int) or lag < 1 or lag >= len(series) - 1:
        msg = f"lag is {lag!r} for {len(series)} periods; a whole number from 1, and more periods, was needed."
        raise JourneyDataError(msg)
    wrong = next(
        (c for c in series.columns if not pd.api.types.is_numeric_dtype(series[c].dtype)
         or np.isinf(series[c].to_numpy("float64", na_value=np.nan)).any()), None,
    )  # fmt: skip
    if wrong is not None:
        msg = f"series: column {str(wrong)!r} holds something else than finite numbers; one KPI a column was needed."
        raise JourneyDataError(msg)
    _check_periods(series.index)
    values = {str(c): series[c].to_numpy("float64", na_value=np.nan) for c in series.columns}
    rows = []
    for source, cause in values.items():
        for target, effect in values.items():
            if source == target:
                continue
            now, own = effect[lag + 1 :], effect[lag:-1]
            before, earlier = cause[1 : len(cause) - lag], cause[: len(cause) - lag - 1]
            fixed = np.column_stack(
                [np.ones(len(now)), own, earlier, np.arange(len(now), dtype=float)]
            )
            whole = ~np.isnan(np.column_stack([now, before, fixed])).any(axis=1)
            one, other = (_left_over(v[whole], fixed[whole]) for v in (before, now))
            estimate = _correlation(one, other, controls=3)
            if estimate is not None:
                n = int(whole.sum())
                rows.append(
                    (source, target, *estimate, "correlation", True, n, f"lag {lag}, partial")
                )
    return defined(
        pd.DataFrame(rows, columns=COLUMNS),
        f"Partial correlation with the value {lag} period{'s' if lag > 1 else ''} later, given the target's last "
        "value, the source's value before, and a trend; a season or cause that both share is still in it",
    )


def _check_periods(index: pd.Index) -> None:
    """Refuse periods that run backwards or have gaps."""
    if isinstance(index, pd.PeriodIndex):
        index = index.to_timestamp()
    if not isinstance(index, pd.DatetimeIndex) or len(index) < 3:
        return
    steps = np.diff(index.to_numpy()).astype("timedelta64[s]").astype(float)
    if (steps <= 0).any():
        msg = "series: the periods do not run forwards. Sort them by time, each once."
        raise JourneyDataError(msg)
    if steps.max() > 1.5 * np.median(steps):
        at = index[int(steps.argmax())]
        msg = f"series: there is a gap after {at:%Y-%m-%d}. Give every period a row, blank where nothing is known."
        raise JourneyDataError(msg)


def _left_over(values: Any, fixed: Any) -> npt.NDArray[np.float64]:
    if not len(values):
        return np.zeros(0)
    solution = np.linalg.lstsq(fixed, values, rcond=None)[0]
    return np.asarray(values - fixed @ solution, dtype=np.float64)


def _correlation(
    one: Any, other: Any, *, controls: int, ranked: bool = False
) -> tuple[float, float, float, float] | None:
    """Return a correlation with Fisher's interval and p-value; None where there is too little to say."""
    n = len(one)
    spread = min(one.std(), other.std()) if n else 0.0
    if n - controls < 10 or spread < 1e-9 * max(1.0, np.abs(one).max(), np.abs(other).max()):
        return None
    r = float(np.clip(np.corrcoef(one, other)[0, 1], -1 + 1e-12, 1 - 1e-12))
    plain = 1 / (n - 3 - controls)
    error = math.sqrt(plain * (1 + r**2 / 2 if ranked else 1))
    z = math.atanh(r)
    low, high = math.tanh(z - Z * error), math.tanh(z + Z * error)
    return r, low, high, math.erfc(abs(z) / math.sqrt(plain) / math.sqrt(2))
