"""What if: the effect of a changed step on how many get through, by an absorbing Markov chain.

The chain knows where a customer is, not how they came there ("first order"). `back_test` says how well that
fits this log; a customer's past may matter, and then the answer is only a direction.
"""

from dataclasses import dataclass
from typing import Any

import ibis
import numpy as np
import numpy.typing as npt
import pandas as pd
from ibis import _

from journey_widgets.definition import defined
from journey_widgets.errors import JourneyDataError
from journey_widgets.estimates import MIN_N, certainty, resample, wilson
from journey_widgets.events.engine import collect
from journey_widgets.events.paths import PathIndex, path_index
from journey_widgets.events.shuffle import group_of
from journey_widgets.journey.transitions import GROUPS

Floats = npt.NDArray[np.float64]
DRAWS = 400
MAX_TOUCHPOINTS = 200


@dataclass(frozen=True)
class _Counts:
    """Steps up to the target, by random group of customers.

    ``steps[g, i, j]``: times group g went from i to j, the last two j being the target and the end;
    ``starts[g, i]``: paths that began at i, the last i being the target; ``states``: names of i.
    """

    steps: Floats
    starts: Floats
    states: tuple[str, ...]
    groups: Floats
    """The groups' own numbers; those without customers are left out."""


def what_if(
    log: Any, edge: tuple[str, str], change: float, *, target: str, seed: int = 1
) -> pd.DataFrame:
    """Work out how many more customers reach `target` if more of them take one step.

    Parameters
    ----------
    log
        A `Source` of events, a table with ``customer_id``, ``ts`` and ``event``, or a `PathIndex`.
    edge
        Source and target touchpoint of the step that changes; the target may be ``path_end``.
    change
        Added to the share of events at the source that take the step, such as 0.05 for five points
        more. The other steps from the source share the rest as before.
    target
        Touchpoint that is success.
    seed
        Makes the interval repeatable.

    Returns
    -------
    pandas.DataFrame
        One row each for ``before``, ``after`` and ``difference``. Columns: ``case`` (str);
        ``conversion`` (float64), share of customers who ever reach the target; ``low``, ``high``,
        ``method``, its 95 % interval by bootstrap over customers; ``n`` (int64), customers;
        ``customers`` (float64), the share times `n`; ``certainty``.

    Notes
    -----
    With transient states Q and the absorbing target and end, the probability to be absorbed at the
    target is (I - Q)^-1 r, weighted by where paths begin (Kemeny and Snell, Finite Markov Chains, 1960).
    """
    index = path_index(log)
    counts = _counted(index, target)
    source, goal = edge
    row, column = _edge(counts, index, source, goal, target)
    n = index.customers()
    totals = resample(counts.steps, draws=DRAWS, seed=seed)
    starts = resample(counts.starts, draws=DRAWS, seed=seed)
    whole = counts.steps.sum(axis=0)[None], counts.starts.sum(axis=0)[None]
    share = whole[0][0, row, column] / whole[0][0, row].sum()
    if not 0 <= share + change <= 1:
        msg = (
            f"{share:.1%} of events at {source} lead to {goal}; a change of {change:+.1%} leaves 0 to "
            f"100 %. Give one from {-share:+.1%} to {1 - share:+.1%}."
        )
        raise JourneyDataError(msg)
    before, after = _absorbed(*whole), _absorbed(_changed(whole[0], row, column, change), whole[1])
    drawn_before = _absorbed(totals, starts)
    drawn_after = _absorbed(_changed(totals, row, column, change), starts)
    rows = [
        ("before", before[0], drawn_before),
        ("after", after[0], drawn_after),
        ("difference", after[0] - before[0], drawn_after - drawn_before),
    ]
    frame = pd.DataFrame(
        {
            "case": [name for name, _value, _drawn in rows],
            "conversion": [value for _name, value, _drawn in rows],
            "low": [float(np.quantile(drawn, 0.025)) for _name, _value, drawn in rows],
            "high": [float(np.quantile(drawn, 0.975)) for _name, _value, drawn in rows],
            "method": f"bootstrap by customer, {DRAWS} draws, 95 %",
            "n": n,
            "customers": [value * n for _name, value, _drawn in rows],
        }
    )
    frame = frame.assign(certainty=certainty(np.full(3, n)))
    return defined(
        frame,
        f"Unit: {index.unit}; {index.in_words()}",
        f"Success: {target} is ever reached; what happens after it is not looked at",
        f"Changed: share of events at {source} that lead to {goal}, from {share:.1%} to {share + change:.1%}",
        "Model: first-order absorbing Markov chain; it says what would follow if nothing else changed, "
        "not that the change causes it. See back_test for how well it fits",
    )


def _counted(index: PathIndex, target: str) -> _Counts:
    goal = index.code(target)
    if len(index.touchpoints) > MAX_TOUCHPOINTS:
        msg = (
            f"what_if works with up to {MAX_TOUCHPOINTS} touchpoints; this log has "
            f"{len(index.touchpoints):,}. Map its event names to touchpoints."
        )
        raise JourneyDataError(msg)
    reached = index.table.filter(_.touchpoint == goal).group_by("customer").agg(until=_.step.min())
    joined = index.table.left_join(reached, "customer")
    before = joined.filter(joined.until.isnull() | (joined.step < joined.until))
    grouped = before.mutate(group=group_of(before.lot, GROUPS))
    pairs = collect(grouped.group_by("group", "touchpoint", "next").agg(count=_.count()))
    first = index.table.filter(_.step == 1).mutate(group=group_of(_.lot, GROUPS))
    begun = collect(first.group_by("group", "touchpoint").agg(count=_.count()))
    codes = [i for i in range(len(index.touchpoints)) if i != goal]
    place = {c: i for i, c in enumerate(codes)} | {goal: len(codes)}
    steps = np.zeros((GROUPS, len(codes), len(codes) + 2))
    to = [len(codes) + 1 if pd.isna(c) else place[int(c)] for c in pairs["next"]]
    source = [place[c] for c in pairs["touchpoint"]]
    np.add.at(steps, (_ints(pairs["group"]), _ints(source), _ints(to)), _floats(pairs["count"]))
    starts = np.zeros((GROUPS, len(codes) + 1))
    begins = [place[c] for c in begun["touchpoint"]]
    np.add.at(starts, (_ints(begun["group"]), _ints(begins)), _floats(begun["count"]))
    used = (first.count().to_pyarrow().as_py() or 0) > 0
    if not used:
        msg = f"There are no events of {index.in_words()}; what_if needs some."
        raise JourneyDataError(msg)
    kept = (steps.sum(axis=0).sum(axis=1) > 0) | (starts.sum(axis=0)[:-1] > 0)
    members = np.flatnonzero(kept)
    filled = starts.sum(axis=1) > 0
    steps, starts = steps[filled], starts[filled]
    columns = [*members, len(codes), len(codes) + 1]
    return _Counts(
        steps[:, members][:, :, columns],
        starts[:, [*members, len(codes)]],
        tuple(index.touchpoints[codes[i]] for i in members),
        np.flatnonzero(filled).astype(np.float64),
    )


def _ints(values: Any) -> npt.NDArray[np.int64]:
    return np.asarray(values, dtype=np.int64)


def _floats(values: Any) -> Floats:
    return np.asarray(values, dtype=np.float64)


def _edge(
    counts: _Counts, index: PathIndex, source: str, goal: str, target: str
) -> tuple[int, int]:
    index.code(source)
    if goal != "path_end":
        index.code(goal)
    if source == target:
        msg = f"The step starts at the target {target}; name a step on the way to it."
        raise JourneyDataError(msg)
    names = [*counts.states, target, "path_end"]
    for name in (source, goal):
        if name not in names:
            msg = f"No customer is at {name!r} before {target}; a step there changes nothing."
            raise JourneyDataError(msg)
    return names.index(source), names.index(goal)


def _changed(steps: Floats, row: int, column: int, change: float) -> Floats:
    """Return counts in which the share of one step of a row is `change` higher, the rest scaled."""
    steps = steps.copy()
    total = steps[:, row].sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        share = steps[:, row, column] / total
        # A draw's own share may leave less room than the whole log's; some way out always stays.
        wanted = np.clip(share + change, 0, 1 if steps.shape[0] == 1 else 1 - 1e-6)
        scale = np.where(share < 1, (1 - wanted) / (1 - share), 0.0)
    rest = steps[:, row] * scale[:, None]
    # Where the step was the only one, what it gives up goes to the end of the path.
    alone = (share >= 1) & (wanted < 1)
    rest[alone, -1] = (total * (1 - wanted))[alone]
    rest[:, column] = total * wanted
    steps[:, row] = np.where(total[:, None] > 0, rest, steps[:, row])
    return steps


def _absorbed(steps: Floats, starts: Floats) -> Floats:
    """Return the probability to reach the target, for each draw."""
    size = steps.shape[1]
    reach = _reach(steps)
    begin = starts / starts.sum(axis=1, keepdims=True)
    found: Floats = (begin[:, :size] * reach).sum(axis=1) + begin[:, size]
    return np.clip(found, 0.0, 1.0)


def _reach(steps: Floats) -> Floats:
    """Return the probability to reach the target from each touchpoint, for each draw."""
    size = steps.shape[1]
    total = steps.sum(axis=2, keepdims=True)
    with np.errstate(invalid="ignore", divide="ignore"):
        moves = np.where(total > 0, steps / total, 0.0)
    inside, to_target = moves[:, :, :size], moves[:, :, size]
    try:
        found = np.linalg.solve(np.eye(size)[None] - inside, to_target[:, :, None])[:, :, 0]
    except np.linalg.LinAlgError:
        msg = "With this change customers would go round for ever. Give a smaller change."
        raise JourneyDataError(msg) from None
    return np.clip(found, 0.0, 1.0)


def back_test(log: Any, *, target: str, seed: int = 1) -> pd.DataFrame:
    """Say how well the first-order chain fits: learned from half of the customers, tried on the others.

    Returns
    -------
    pandas.DataFrame
        One row per touchpoint at which paths begin, and ``all`` first. Columns: ``begins_at`` (str);
        ``n`` (int64), customers of the half that was kept back; ``predicted`` (float64), share that
        the chain expects to reach the target; ``observed`` with ``low``, ``high``, ``method``,
        ``certainty``; ``error``, predicted less observed, with its 95 % interval ``error_low``,
        ``error_high``; ``fits`` (str): ``"yes"`` where that holds 0, ``"no"``, or ``"too few"``, also
        where the half that was learned from says nothing (``predicted`` is missing then).

    Notes
    -----
    Both halves are samples. What the chain learned has its interval by bootstrap over customers, repeatable by
    `seed`; the error's is made of that and of the observed share's by Newcombe's way (Statistics in Medicine 17, 1998,
    method 10), as in Zou and Donner (Statistics in Medicine 27, 2008).
    """
    index = path_index(log)
    counts = _counted(index, target)
    observed = _observed(index, target)
    predicted, least, most = _predicted(counts, observed, target, seed)
    frame = pd.concat([observed.agg({"n": "sum", "reached": "sum"}).to_frame().T, observed])
    frame = frame.assign(begins_at=["all", *observed["begins_at"]], predicted=predicted)
    frame = frame.reset_index(drop=True).astype({"n": "int64", "reached": "int64"})
    frame = frame[["begins_at", "n", "predicted", "reached"]]
    low, high = wilson(frame["reached"], frame["n"])
    share = (frame["reached"] / frame["n"]).to_numpy(dtype=np.float64)
    error = predicted - share
    error_low = error - np.hypot(predicted - least, high - share)
    error_high = error + np.hypot(most - predicted, share - low)
    inside = (error_low <= 0) & (error_high >= 0)
    frame = frame.assign(
        observed=share, low=low, high=high, method="wilson 95 %", certainty=certainty(frame["n"]),
        error=error, error_low=error_low, error_high=error_high,
        fits=np.where(
            (frame["n"] < MIN_N) | frame["predicted"].isna(), "too few", np.where(inside, "yes", "no")
        ),
    )  # fmt: skip
    return defined(
        frame.drop(columns="reached"),
        f"Unit: {index.unit}; {index.in_words()}",
        "The chain was learned from a random half of them; predicted and observed are about the other half",
        f"Success: {target} is ever reached",
    )


def _predicted(
    counts: _Counts, observed: pd.DataFrame, target: str, seed: int
) -> tuple[Floats, Floats, Floats]:
    """Return what the learned half predicts of all and of each beginning of `observed`, with its interval."""
    learned = counts.steps[counts.groups % 2 == 0]
    drawn = np.concatenate([learned.sum(axis=0)[None], resample(learned, draws=DRAWS, seed=seed)])
    reach = np.concatenate([_reach(drawn), np.ones((len(drawn), 1))], axis=1)
    seen = [*(learned.sum(axis=(0, 2)) > 0), True]  # nobody of that half was at the others
    place = {name: at for at, name in enumerate([*counts.states, target])}
    own = [place[name] for name in observed["begins_at"]]
    values = np.where([seen[at] for at in own], reach[:, own], np.nan)
    weights = observed["n"].to_numpy(dtype=np.float64) * ~np.isnan(values[0])
    everybody = np.full(len(drawn), np.nan)
    if weights.sum():
        everybody = np.nan_to_num(values) @ weights / weights.sum()
    found = np.column_stack([everybody, values])
    least, most = np.quantile(found[1:], [0.025, 0.975], axis=0)
    return found[0], least, most


def _observed(index: PathIndex, target: str) -> pd.DataFrame:
    """Return ``begins_at``, ``n``, ``reached`` of the half of customers that was kept back."""
    goal = index.code(target)
    held = group_of(_.lot, GROUPS) % 2 == 1
    first = index.table.filter(_.step == 1, held).select("customer", begins="touchpoint")
    hits = index.table.filter(_.touchpoint == goal).select("customer").distinct()
    marked = first.left_join(hits.mutate(hit=ibis.literal(1)), "customer")
    found = collect(marked.group_by("begins").agg(n=_.count(), reached=_.hit.count()))
    names = [index.touchpoints[c] for c in found["begins"]]
    frame = pd.DataFrame({"begins_at": names, "n": found["n"], "reached": found["reached"]})
    return frame.sort_values(["n", "begins_at"], ascending=[False, True], ignore_index=True)
