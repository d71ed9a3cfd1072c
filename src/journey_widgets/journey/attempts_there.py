"""Attempts in a warehouse: the rules of `attempts`, as expressions that run where the events live.

For each event the next one at each step is looked up in one pass over the path; an attempt then goes from place to
place by joins on customer and step. Only counts and quantiles come here.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import ibis
import ibis.expr.types as ir
import numpy as np
import numpy.typing as npt
from ibis import _

from journey_widgets.estimates import outer_rank
from journey_widgets.events.engine import collect, hold
from journey_widgets.events.instants import micros
from journey_widgets.events.paths import PathIndex
from journey_widgets.events.quantiles import exact_quantiles
from journey_widgets.journey.pattern import Pattern, split_texts, texts_for_patterns
from journey_widgets.journey.waits import QUANTILES, Waits

if TYPE_CHECKING:
    from journey_widgets.journey.attempts import Rules

AFTER = ibis.window(group_by="customer", order_by="step", rows=(1, None))
"""The events of the same path after one."""


@dataclass(frozen=True)
class ReachedThere:
    """How far each customer got, as `attempts.Reached`, in a table of the warehouse.

    Columns: ``customer``, ``depth``; ``moment_0`` … (microseconds) and ``place_0`` …, one per step, null where a step
    was not reached.
    """

    table: ir.Table
    steps: int

    def as_table(self, _index: PathIndex) -> ir.Table:
        """Return one row per customer who reached step 1."""
        return self.table

    @cached_property
    def _by_depth(self) -> dict[int, int]:
        found = collect(self.table.group_by("depth").agg(n=_.count()))
        return {int(d): int(n) for d, n in found.itertuples(index=False)}

    def counts(self) -> npt.NDArray[np.int64]:
        """Return the number of customers at each step."""
        many = [sum(n for d, n in self._by_depth.items() if d > k) for k in range(self.steps)]
        return np.array(many, dtype=np.int64)

    def at(self, step: int, _index: PathIndex, *, lost: bool = False) -> ir.Table:
        """Return the customers at a step (from 0), or those of the step before who did not come."""
        there = self.table.depth == step if lost else self.table.depth > step
        return self.table.filter(there).select("customer")

    def waits(self, a: int, b: int) -> Waits:
        """Return how long those waited who reached both steps."""
        both = self.table.filter(self.table.depth > max(a, b))
        waited, quantile = exact_quantiles(
            both.select(wait=both[f"moment_{b}"] - both[f"moment_{a}"]), [], "wait"
        )
        n = int(self.counts()[max(a, b)])
        if not n:
            return Waits.none()
        rank = outer_rank(n)
        ends = {"low": rank - 1, "high": n - rank} if rank >= 1 else {}
        asked: dict[str, Any] = {
            "median": quantile(0.5), "mean": waited.wait.cast("float64").mean(),
            # The value at a rank is the quantile at that very place.
            **{k: quantile(r / max(n - 1, 1)) for k, r in ends.items()},
            **{f"q{q}": quantile(q) for q in QUANTILES},
        }  # fmt: skip
        found = collect(waited.agg(**asked)).iloc[0]
        low, high = (float(np.round(found[k])) if k in found else np.nan for k in ("low", "high"))
        return Waits(
            n, float(found["median"]), low, high, float(found["mean"]), tuple(float(found[f"q{q}"]) for q in QUANTILES)
        )  # fmt: skip


def attempts_there(
    index: PathIndex, codes: Sequence[int], patterns: Sequence[Pattern | None], excluded: Sequence[int], rules: "Rules"
) -> ReachedThere:  # fmt: skip
    """Match steps to the paths of an index that lives in a warehouse; `attempts` has checked them."""
    with_patterns = any(p is not None for p in patterns)
    needed = sorted({*codes, *excluded})
    events = index.table if with_patterns else index.table.filter(_.touchpoint.isin(needed))
    events = events.select(
        "customer", "step", touchpoint=_.touchpoint.cast("int32"), at=micros(_.ts)
    )
    looked_up = hold(_with_next(events, sorted({c for c in codes if c >= 0}), excluded))
    if with_patterns:
        found = _with_patterns(looked_up, texts_for_patterns(index), index, codes, patterns, rules)
    elif rules.order == "any":
        found = _any_order(looked_up, codes, rules)
    else:
        found = _in_order(looked_up, codes, rules)
    return ReachedThere(hold(_best(found, len(codes), rules)), len(codes))


def _with_next(events: ir.Table, codes: Sequence[int], excluded: Sequence[int]) -> ir.Table:
    """Add, for each code, step and time of the next event at it (``step_…``, ``at_…``), and of what ends an attempt."""
    columns: dict[str, ir.Value] = {}
    nothing = ibis.null("int64")
    for code in codes:
        here = events.touchpoint == code
        columns[f"step_{code}"] = here.ifelse(events.step.cast("int64"), nothing).min().over(AFTER)
        columns[f"at_{code}"] = here.ifelse(events.at, nothing).min().over(AFTER)
    if excluded:
        ends = events.touchpoint.isin(list(excluded))
        columns["stop"] = ends.ifelse(events.step.cast("int64"), nothing).min().over(AFTER)
    else:
        columns["stop"] = nothing
    return events.mutate(step=events.step.cast("int64"), **columns)


def _starts(events: ir.Table, entry: str) -> ir.Table:
    if entry != "first":
        return events
    path = ibis.window(group_by="customer", order_by="step")
    return events.mutate(nth=ibis.row_number().over(path)).filter(_.nth == 0).drop("nth")


def _in_order(events: ir.Table, codes: Sequence[int], rules: "Rules") -> ir.Table:
    starts = _starts(events.filter(events.touchpoint == codes[0]), rules.entry)
    found = starts.select(
        "customer", start="step", place_0="step", moment_0="at",
        **_ahead(starts, codes[1] if len(codes) > 1 else None),
    )  # fmt: skip
    for k in range(1, len(codes)):
        following = codes[k + 1] if k + 1 < len(codes) else None
        found = _next_step(found, events, k, found.ahead, found.ahead_at, following, rules)
    return found


def _ahead(events: ir.Table, code: int | None) -> dict[str, ir.Value]:
    """Return where the next event at a code is, and what ends the attempt."""
    nothing = ibis.null("int64")
    return {
        "ahead": nothing if code is None or code < 0 else events[f"step_{code}"],
        "ahead_at": nothing if code is None or code < 0 else events[f"at_{code}"],
        "stop": events.stop,
    }


def _next_step(
    found: ir.Table, events: ir.Table, k: int, place: ir.Value, moment: ir.Value, following: int | None, rules: "Rules"
) -> ir.Table:  # fmt: skip
    """Add step `k`, reached at a place where the rules allow it, and what is ahead of there."""
    fits = place.notnull()
    if rules.within is not None:
        fits = fits & (moment - found.moment_0 <= rules.within)
    if rules.order == "exact":
        fits = fits & (place == found[f"place_{k - 1}"] + 1)
    if rules.exclude:
        fits = fits & (found.stop.isnull() | (found.stop > place))
    fits = fits.fill_null(False)
    nothing = ibis.null("int64")
    found = found.mutate(
        **{f"place_{k}": fits.ifelse(place, nothing), f"moment_{k}": fits.ifelse(moment, nothing)}
    ).drop("ahead", "ahead_at", "stop")
    return _looked_ahead(found, events, f"place_{k}", following)


def _looked_ahead(found: ir.Table, events: ir.Table, place: str, following: int | None) -> ir.Table:
    there = events.select(here_customer="customer", here="step", **_ahead(events, following))
    both = found.left_join(
        there, [found.customer == there.here_customer, found[place] == there.here]
    )
    return both.drop("here_customer", "here")


def _any_order(events: ir.Table, codes: Sequence[int], rules: "Rules") -> ir.Table:
    starts = _starts(events.filter(events.touchpoint.isin(list(codes))), rules.entry)
    alive: Any = ibis.literal(True)
    reached, reached_at = starts.step, starts.at
    nothing = ibis.null("int64")
    columns: dict[str, ir.Value] = {}
    for k, code in enumerate(codes):
        here = starts.touchpoint == code
        place = here.ifelse(starts.step, starts[f"step_{code}"])
        moment = here.ifelse(starts.at, starts[f"at_{code}"])
        alive = alive & place.notnull()
        reached = ibis.greatest(reached, ibis.coalesce(place, reached))
        reached_at = ibis.greatest(reached_at, ibis.coalesce(moment, reached_at))
        if rules.within is not None:
            alive = alive & (moment - starts.at <= rules.within).fill_null(False)
        if rules.exclude:
            alive = alive & (starts.stop.isnull() | (starts.stop > reached))
        columns[f"place_{k}"] = alive.ifelse(reached, nothing)
        columns[f"moment_{k}"] = alive.ifelse(reached_at, nothing)
    found = starts.select("customer", start="step", **columns)
    return found.filter(found.place_0.notnull())


def _with_patterns(
    events: ir.Table, texts: ir.Table, index: PathIndex, codes: Sequence[int], patterns: Sequence[Pattern | None],
    rules: "Rules",
) -> ir.Table:  # fmt: skip
    """Match steps of which some are patterns: each begins after the step before it ended."""
    texts = hold(texts.select(text_customer="customer", path="path"))
    found = texts.select(customer="text_customer", start=ibis.literal(0, "int64"))
    for k, (code, pattern) in enumerate(zip(codes, patterns, strict=True)):
        if pattern is None and k == 0:
            own = (
                events.filter(events.touchpoint == code)
                .group_by(own="customer")
                .agg(place_0=_.step.min(), moment_0=_.at.min())
            )
            found = found.join(own, found.customer == own.own).drop("own")
        elif pattern is None:
            found = _next_step(found, events, k, found.ahead, found.ahead_at, None, rules).drop(
                "ahead", "ahead_at", "stop"
            )
        else:
            after = found[f"place_{k - 1}"] if k else found.start
            both = found.left_join(texts, found.customer == texts.text_customer)
            begins, length = split_texts(
                both.path, ibis.coalesce(after, 0), pattern, index.touchpoints
            )
            ended = (length > 0).ifelse(after + begins + length - 1, ibis.null("int64"))
            both = both.mutate(ended=ended).drop("text_customer", "path")
            at = events.select(at_customer="customer", at_step="step", ended_at="at")
            both = both.left_join(
                at, [both.customer == at.at_customer, both.ended == at.at_step]
            ).drop("at_customer", "at_step")
            if k == 0:
                found = both.filter(both.ended.notnull()).rename(
                    place_0="ended", moment_0="ended_at"
                )
            else:
                found = _next_step(both, events, k, both.ended, both.ended_at, None, rules)
                found = found.drop("ahead", "ahead_at", "stop", "ended", "ended_at")
        if k + 1 < len(codes):
            found = _looked_ahead(found, events, f"place_{k}", codes[k + 1])
    return found.mutate(start=found.place_0)


def _best(found: ir.Table, steps: int, rules: "Rules") -> ir.Table:
    """Choose each customer's attempt: the furthest, of these the earliest or the latest."""
    depth = sum(
        (found[f"place_{k}"].notnull().cast("int32") for k in range(steps)),
        ibis.literal(0, "int64"),
    )
    named = [n for k in range(steps) for n in (f"place_{k}", f"moment_{k}")]
    found = found.select("customer", "start", *named, depth=depth)
    if rules.entry == "first":
        return found.drop("start")
    turn = found.start.desc() if rules.entry == "last" else found.start
    path = ibis.window(group_by="customer", order_by=[found.depth.desc(), turn])
    best = found.mutate(nth=ibis.row_number().over(path))
    return best.filter(best.nth == 0).drop("nth", "start")
