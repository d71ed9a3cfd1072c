"""What the data say about a cell: how going through one touchpoint, or its quality, goes with what comes later.

Time sets the direction: what came first is the source. Nothing here is an experiment, so nothing here is called a
cause. Every function returns the same columns, one row a cell, in the order of the names:

``source``, ``target`` (str); ``value``, ``low``, ``high`` (float64, 95 %); ``p_value`` (float64, for no relation);
``measure`` (``"odds ratio"``, 1 is no relation, or ``"correlation"``, 0 is none); ``signed`` (bool, whether the sign
says better or worse; how often something happens is no quality); ``n`` (int64); ``method`` (str).
"""

import math
from collections.abc import Iterable, Mapping
from typing import Any

import ibis.expr.types as ir
import numpy as np
import numpy.typing as npt
import pandas as pd
from ibis import _

from journey_widgets.errors import JourneyDataError, did_you_mean
from journey_widgets.events.engine import collect
from journey_widgets.events.paths import PathIndex
from journey_widgets.events.source import Source
from journey_widgets.journey.definition import defined
from journey_widgets.tables import require_columns

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
Z = 1.959963984540054
Ints = npt.NDArray[np.int64]


def later_visits(
    log: PathIndex,
    names: Iterable[str] | None = None,
    *,
    outcomes: Mapping[str, str] | None = None,
    seed: int = 1,
) -> pd.DataFrame:
    """Return the odds of reaching one touchpoint after another, against customers just as far without it.

    Parameters
    ----------
    log
        The paths.
    names
        Touchpoints to look at; all of the log by default.
    outcomes
        Outcome id → touchpoint that stands for it, such as ``{"retention": "reorder"}``.
    seed
        What makes the groups, and the sample of a log of more than 100,000 customers, repeatable.

    Returns
    -------
    pandas.DataFrame
        Columns as above; ``n`` counts customers who went through the source. Pairs that cannot be compared
        are left out.

    Notes
    -----
    A customer's first visit of the source, at step d, is held against customers at step d who have not been there:
    without this, long paths would hold everything with everything. Odds ratio over all d by Mantel and Haenszel
    (Journal of the National Cancer Institute 22, 1959); its error by leaving out random groups of customers in turn.
    """
    known = list(log.touchpoints)
    wanted = known if names is None else [n for n in names if n in known]
    ends = dict(outcomes or {})
    strange = next((t for t in ends.values() if t not in known), None)
    if strange is not None:
        msg = f"outcomes: the log has no touchpoint {strange!r}. {did_you_mean(strange, known)}"
        raise JourneyDataError(msg)
    table = log.table
    seen = collect(
        table.group_by("customer", "touchpoint").agg(first=_.step.min(), last=_.step.max())
    )
    customers, row = np.unique(seen["customer"].to_numpy("int64"), return_inverse=True)
    rng = np.random.default_rng(seed)
    chosen = np.arange(len(customers))
    if len(customers) > MAX_CUSTOMERS:
        chosen = np.sort(rng.choice(len(customers), MAX_CUSTOMERS, replace=False))
    code = seen["touchpoint"].to_numpy("int64")
    never = np.iinfo(np.int32).max
    first = np.full((len(customers), len(known)), never, dtype=np.int64)
    last = np.zeros((len(customers), len(known)), dtype=np.int64)
    first[row, code] = seen["first"].to_numpy("int64")
    last[row, code] = seen["last"].to_numpy("int64")
    first, last = first[chosen], last[chosen]
    group = rng.integers(0, GROUPS, len(chosen))
    length = last.max(axis=1)
    targets = {**{n: n for n in wanted}, **ends}
    rows = []
    for source in wanted:
        s = known.index(source)
        for target, place in targets.items():
            if place == source:
                continue
            estimate = _mantel_haenszel(first[:, s], last[:, known.index(place)], length, group)
            if estimate is not None:
                n = int((first[:, s] <= DEPTH).sum())
                rows.append(
                    (source, target, *estimate, "odds ratio", False, n, "Mantel-Haenszel by step")
                )
    sampled = (
        f"a sample of {MAX_CUSTOMERS:,} customers"
        if len(customers) > MAX_CUSTOMERS
        else "all customers"
    )
    return defined(
        pd.DataFrame(rows, columns=COLUMNS),
        f"Odds of reaching the target later in the path, after the source against others at the same step ({sampled}, "
        f"steps 1 to {DEPTH}); how often is no quality, so the sign is not compared",
    )


def _mantel_haenszel(
    first: Ints, last: Ints, length: Ints, group: Ints
) -> tuple[float, float, float, float] | None:
    """Return odds ratio, interval and p-value; None where no customers can be compared."""

    def at_least(values: Ints, keep: Any) -> npt.NDArray[np.float64]:
        """Return groups x depths: how many values reach each depth."""
        place = group[keep] * (DEPTH + 1) + np.clip(values[keep], 0, DEPTH)
        counts = np.bincount(place, minlength=GROUPS * (DEPTH + 1)).reshape(GROUPS, DEPTH + 1)
        return np.asarray(counts[:, ::-1].cumsum(axis=1)[:, ::-1][:, 1:], dtype=np.float64)

    went = first <= DEPTH
    place = group[went] * DEPTH + first[went] - 1
    exposed = np.bincount(place, minlength=GROUPS * DEPTH).reshape(GROUPS, DEPTH).astype(float)
    reached = last[went] > first[went]
    both = (
        np.bincount(place[reached], minlength=GROUPS * DEPTH).reshape(GROUPS, DEPTH).astype(float)
    )
    without = np.minimum(length, first - 1)
    everybody = np.ones(len(first), dtype=bool)
    others = at_least(without, everybody)
    others_reached = at_least(np.minimum(without, last - 1), everybody)
    cells = np.array([both, exposed - both, others_reached, others - others_reached])
    return _by_groups(cells)


def _by_groups(cells: npt.NDArray[np.float64]) -> tuple[float, float, float, float] | None:
    """Return the Mantel-Haenszel odds ratio of 4 x groups x strata counts, error by leaving groups out."""
    whole = cells.sum(axis=1)
    log_ratio = float(_log_odds(whole[:, None])[0])
    if not math.isfinite(log_ratio):
        return None
    without = _log_odds(whole[:, None] - cells)
    if not np.isfinite(without).all():
        return None
    many = cells.shape[1]
    error = math.sqrt((many - 1) / many * float(((without - without.mean()) ** 2).sum()))
    if error == 0:
        return None
    low, high = (math.exp(log_ratio + side * Z * error) for side in (-1, 1))
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
    tickets: Source | ir.Table, *, target: str = "effort", touchpoint: str = "kind", within: int = 30,
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
        than that before the log ends are left out.
    reopened
        Activities that say a case was opened again.
    names
        Value of that column → touchpoint id; else the value in lower case with underscores.
    seed
        What makes the groups repeatable.

    Returns
    -------
    pandas.DataFrame
        Columns as above; ``n`` counts cases of the kind.
    """
    table = tickets.table if isinstance(tickets, Source) else tickets
    require_columns(table.columns, "case_id", "ts", "activity", touchpoint, name="tickets")
    again = [r.casefold() for r in reopened]
    whose = (
        _.customer_id.cast("string").min()
        if "customer_id" in table.columns
        else _.case_id.cast("string").min()
    )
    cases = collect(
        table.group_by("case_id").agg(
            began=_.ts.min(), ended=_.ts.max(), about=_[touchpoint].cast("string").min(), customer=whose,
            back=_.activity.cast("string").lower().isin(again).any(),
        )
    ).dropna(subset=["about"])  # fmt: skip
    columns = pd.DataFrame([], columns=COLUMNS)
    if cases.empty:
        return defined(columns, "No case says what it is about")
    cases["customer"] = cases["customer"].fillna(cases["case_id"].astype("str"))
    cases = cases.sort_values(["customer", "began"], kind="stable", ignore_index=True)
    following = cases.groupby("customer")["began"].shift(-1)
    soon = (following - cases["began"]) <= pd.Timedelta(days=within)
    watched = cases["began"] <= cases["ended"].max() - pd.Timedelta(days=within)
    repeat = (cases["back"].fillna(False).astype(bool) | soon)[watched].to_numpy()
    about = cases.loc[watched, "about"].to_numpy()
    _codes, person = np.unique(
        cases.loc[watched, "customer"].to_numpy(dtype=str), return_inverse=True
    )
    group = np.random.default_rng(seed).integers(0, GROUPS, int(person.max(initial=-1)) + 1)[person]
    given = dict(names or {})
    rows = []
    for kind in sorted(set(about)):
        own = about == kind
        counts = [own & repeat, own & ~repeat, ~own & repeat, ~own & ~repeat]
        cells = np.array([np.bincount(group[c], minlength=GROUPS) for c in counts], dtype=float)
        estimate = _by_groups(cells[:, :, None])
        if estimate is not None:
            name = given.get(kind, kind.strip().lower().replace(" ", "_").replace("-", "_"))
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
    return defined(
        pd.DataFrame(rows, columns=COLUMNS),
        f"Odds that a case is opened again, or followed by another of the same customer within {within} days, against "
        f"all other kinds; {int((~watched).sum()):,} late cases are left out",
    )


def scores_together(answers: Source | ir.Table, questions: Mapping[str, str]) -> pd.DataFrame:
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
        before it; ``n`` counts pairs, one a person. Pairs of questions with fewer than 10 are left out.

    Notes
    -----
    Spearman's rank correlation with Fisher's interval, its variance 1.06 / (n - 3) (Fieller, Hartley and Pearson,
    Biometrika 44, 1957).
    """
    table = answers.table if isinstance(answers, Source) else answers
    require_columns(table.columns, "respondent_id", "ts", "question_id", "score", name="answers")
    person = "customer_id" if "customer_id" in table.columns else "respondent_id"
    frame = collect(
        table.filter(_.score.notnull() & _.question_id.isin(list(questions))).select(
            person=_[person].cast("string"), ts=_.ts, question=_.question_id, score=_.score.cast("float64")
        )
    ).dropna(subset=["person"])  # fmt: skip
    frame = frame.sort_values("ts", kind="stable", ignore_index=True)
    rows = []
    for one, source in questions.items():
        for other, target in questions.items():
            if source == target:
                continue
            now = frame[frame["question"] == other].drop_duplicates("person", keep="last")
            before = frame[frame["question"] == one]
            pairs = pd.merge_asof(
                now, before, on="ts", by="person", suffixes=("", "_before")
            ).dropna(subset=["score_before"])
            estimate = _correlation(
                pairs["score_before"].rank().to_numpy(), pairs["score"].rank().to_numpy(), controls=0, inflate=1.06
            )  # fmt: skip
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
        "Rank correlation of a person's score with the same person's earlier score at the touchpoint",
    )


def lagged(series: pd.DataFrame, *, lag: int = 1) -> pd.DataFrame:
    """Return how one KPI goes with another's next value, its own last value and a trend held fixed.

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
    Partial correlation of source at t - lag and target at t, given the target at t - lag and the time; Fisher's
    interval with n - 3 less two controls. Two trends alone give none.
    """
    if lag < 1 or lag >= len(series):
        msg = f"lag is {lag}; 1 to {max(len(series) - 1, 1)} was needed for {len(series)} periods."
        raise JourneyDataError(msg)
    wrong = next(
        (c for c in series.columns if not pd.api.types.is_numeric_dtype(series[c].dtype)), None
    )
    if wrong is not None:
        msg = f"series: column {str(wrong)!r} holds no numbers; one KPI a column was needed."
        raise JourneyDataError(msg)
    rows = []
    for target in series.columns:
        for source in series.columns:
            if source == target:
                continue
            now = series[target].to_numpy("float64")[lag:]
            own, before = (series[c].to_numpy("float64")[:-lag] for c in (target, source))
            whole = ~(np.isnan(now) | np.isnan(own) | np.isnan(before))
            time = np.arange(len(now), dtype=float)
            fixed = np.column_stack([np.ones(len(now)), own, time])[whole]
            one, other = (_left_over(v[whole], fixed) for v in (before, now))
            estimate = _correlation(one, other, controls=2, inflate=1.0)
            if estimate is not None:
                rows.append(
                    (str(source), str(target), *estimate, "correlation", True, int(whole.sum()), f"lag {lag}, partial")
                )  # fmt: skip
    found = pd.DataFrame(rows, columns=COLUMNS)
    return defined(
        found.sort_values("source", kind="stable", ignore_index=True),
        f"Partial correlation with the value {lag} period{'s' if lag > 1 else ''} later, given the target's own last "
        "value and a trend",
    )


def _left_over(values: Any, fixed: Any) -> npt.NDArray[np.float64]:
    if not len(values):
        return np.zeros(0)
    solution = np.linalg.lstsq(fixed, values, rcond=None)[0]
    return np.asarray(values - fixed @ solution, dtype=np.float64)


def _correlation(
    one: Any, other: Any, *, controls: int, inflate: float
) -> tuple[float, float, float, float] | None:
    """Return a correlation with Fisher's interval and p-value; None where there is too little to say."""
    n = len(one)
    spread = min(one.std(), other.std()) if n else 0.0
    if n - controls < 10 or spread < 1e-9 * max(1.0, np.abs(one).max(), np.abs(other).max()):
        return None
    r = float(np.clip(np.corrcoef(one, other)[0, 1], -1 + 1e-12, 1 - 1e-12))
    error = math.sqrt(inflate / (n - 3 - controls))
    z = math.atanh(r)
    low, high = math.tanh(z - Z * error), math.tanh(z + Z * error)
    return r, low, high, math.erfc(abs(z) / error / math.sqrt(2))
