"""Attempts at a sequence of steps: who got how far, when, under which rules.

This is the one place that matches steps to events; `funnel`, `step_times` and the lists of customers
all read its result, so that a number and its list cannot disagree.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import ibis.expr.types as ir
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from journey_widgets.errors import JourneyDataError, did_you_mean
from journey_widgets.events.durations import microseconds
from journey_widgets.events.engine import beside
from journey_widgets.events.paths import PathIndex, customer_kind, numbers
from journey_widgets.journey.attempts_there import ReachedThere, attempts_there
from journey_widgets.journey.pattern import Pattern, as_pattern, can_match_there, first_matches
from journey_widgets.journey.waits import Waits

Order = Literal["this", "any", "exact"]
Entry = Literal["first", "last", "any"]
Ints = npt.NDArray[np.int64]
NEVER = -1


@dataclass(frozen=True)
class Rules:
    """What makes an attempt.

    Attributes
    ----------
    order
        ``"this"``: each step at the first event there after the step before, anything may lie
        between; ``"exact"``: each step directly after the one before; ``"any"``: the steps in any
        order, a step being reached when it and all above it were done.
    entry
        Where an attempt starts: ``"first"``, at the customer's first event at step 1 (in any order:
        at any of the steps); ``"any"`` and ``"last"``, at every such event, and of all attempts the
        one that gets furthest counts, the earliest or the latest of these.
    within
        Microseconds from the start of an attempt in which its steps count.
    exclude
        Touchpoints that end an attempt.
    """

    order: Order = "this"
    entry: Entry = "first"
    within: int | None = None
    exclude: tuple[str, ...] = ()

    @classmethod
    def read(cls, *, order: str, entry: str, within: str | None, exclude: Sequence[str]) -> "Rules":
        """Check the words of a call."""
        for name, given, known in (
            ("order", order, get_args(Order)),
            ("entry", entry, get_args(Entry)),
        ):
            if given not in known:
                msg = f"There is no {name} {given!r}. {did_you_mean(given, known)}"
                raise JourneyDataError(msg)
        limit = None if within is None else microseconds(within, name="within")
        if isinstance(exclude, str):
            exclude = [exclude]
        return cls(order, entry, limit, tuple(str(e) for e in exclude))  # type: ignore[arg-type]


@dataclass(frozen=True)
class Reached:
    """How far each customer got: one row per customer who reached step 1.

    ``depth`` is the number of steps reached; ``moments`` and ``places`` hold one column per step: the
    time (microseconds since 1970, UTC) and the place in the path it was reached at, `NEVER` where
    it was not.
    """

    customer: Ints
    depth: Ints
    moments: Ints
    places: Ints

    def counts(self) -> Ints:
        """Return the number of customers at each step."""
        steps = self.moments.shape[1]
        return np.array([(self.depth > k).sum() for k in range(steps)], dtype=np.int64)

    def at(self, step: int, index: PathIndex, *, lost: bool = False) -> ir.Table:
        """Return the customers at a step (from 0), or those of the step before who did not come."""
        there = self.depth == step if lost else self.depth > step
        return numbers(self.customer[there], index)

    def as_table(self, index: PathIndex) -> ir.Table:
        """Return the same as a table: ``customer``, ``depth``, ``moment_0`` …, ``place_0`` …, null for never."""
        columns = {
            "customer": pa.array(self.customer.astype(customer_kind(index))),
            "depth": pa.array(self.depth),
        }
        for name, values in (("moment", self.moments), ("place", self.places)):
            for k in range(values.shape[1]):
                columns[f"{name}_{k}"] = pa.array(values[:, k], mask=values[:, k] == NEVER)
        return beside(pa.table(columns), index.stored)

    def waits(self, a: int, b: int) -> Waits:
        """Return how long those waited who reached both steps."""
        there = self.depth > max(a, b)
        return Waits.of(self.moments[there, b] - self.moments[there, a])


def attempts(index: PathIndex, steps: Sequence[str], rules: Rules) -> Reached | ReachedThere:
    """Match `steps` (touchpoints or path patterns) to the paths of an index, where its events are."""
    wanted = [as_pattern(step, index.touchpoints) for step in steps]
    codes = [index.code(s) if p is None else NEVER for s, p in zip(steps, wanted, strict=True)]
    excluded = [index.code(name) for name in rules.exclude]
    _refuse(steps, wanted, codes, excluded, rules)
    with_patterns = any(p is not None for p in wanted)
    if index.file is None and (can_match_there(index) or not with_patterns):
        return attempts_there(index, codes, wanted, excluded, rules)
    return _matched(index, wanted, codes, excluded, rules)


def _matched(
    index: PathIndex, wanted: Sequence[Pattern | None], codes: Sequence[int], excluded: Sequence[int], rules: Rules
) -> Reached:  # fmt: skip
    """Match steps to paths that are read piece by piece."""
    with_patterns = any(p is not None for p in wanted)
    needed = None if with_patterns else {*codes, *excluded}
    found = []
    for piece in index.pieces("touchpoint", "ts", touchpoints=needed):
        rows = Rows.of(piece)
        if with_patterns:
            found.append(_with_patterns(rows, index.touchpoints, wanted, codes, excluded, rules))
        elif rules.order == "any":
            found.append(_any_order(rows, codes, excluded, rules))
        else:
            found.append(_in_order(rows, codes, excluded, rules))
    return Reached(
        np.concatenate([np.empty(0, np.int64), *(r.customer for r in found)]),
        np.concatenate([np.empty(0, np.int64), *(r.depth for r in found)]),
        np.concatenate([np.empty((0, len(codes)), np.int64), *(r.moments for r in found)]),
        np.concatenate([np.empty((0, len(codes)), np.int64), *(r.places for r in found)]),
    )


def _refuse(
    steps: Sequence[str], patterns: Sequence[Pattern | None], codes: Sequence[int],
    excluded: Sequence[int], rules: Rules,
) -> None:  # fmt: skip
    if any(p is not None for p in patterns) and (rules.order != "this" or rules.entry != "first"):
        msg = "A path pattern as a step needs order='this' and entry='first'."
        raise JourneyDataError(msg)
    for place, pattern in enumerate(patterns):
        if pattern is not None and place and pattern.from_start:
            msg = f"{pattern.text!r} begins a path, and is step {place + 1}; only step 1 can do so."
            raise JourneyDataError(msg)
    plain = [c for c in codes if c != NEVER]
    if rules.order == "any" and len(set(plain)) < len(plain):
        msg = "With order='any' each step may occur once; name different touchpoints."
        raise JourneyDataError(msg)
    both = sorted({s for s, c in zip(steps, codes, strict=True) if c in excluded})
    if both:
        msg = f"{both[0]!r} is both a step and excluded. Take it out of one of them."
        raise JourneyDataError(msg)


@dataclass(frozen=True)
class Rows:
    """Events of whole paths, in order."""

    customer: Ints
    step: Ints
    code: Ints
    ts: Ints

    @classmethod
    def of(cls, piece: pa.Table) -> "Rows":
        """Take the rows of a piece of the index."""
        return cls(
            piece["customer"].to_numpy(),
            piece["step"].to_numpy(),
            piece["touchpoint"].to_numpy(),
            piece["ts"].cast(pa.timestamp("us")).cast(pa.int64()).to_numpy(),
        )

    def __len__(self) -> int:
        return len(self.customer)

    def next_of(self, places: Ints, after: Ints) -> Ints:
        """Return for each row in `after` the first of `places` (sorted rows) after it, same customer.

        `NEVER` where there is none.
        """
        if not len(places):
            return np.full(len(after), NEVER, dtype=np.int64)
        at = np.searchsorted(places, after, side="right")
        found = places[np.minimum(at, len(places) - 1)]
        fits = (at < len(places)) & (self.customer[found] == self.customer[after])
        return np.where(fits, found, NEVER)


def _starts(rows: Rows, places: Ints, entry: Entry) -> Ints:
    if entry == "first" and len(places):
        customer = rows.customer[places]
        places = places[np.append(True, customer[1:] != customer[:-1])]
    return places


def _in_order(rows: Rows, codes: Sequence[int], excluded: Sequence[int], rules: Rules) -> Reached:
    starts = _starts(rows, np.flatnonzero(rows.code == codes[0]), rules.entry)
    stops = np.flatnonzero(np.isin(rows.code, excluded)) if excluded else np.empty(0, np.int64)
    at = np.full((len(starts), len(codes)), NEVER, dtype=np.int64)
    at[:, 0] = starts
    alive = np.arange(len(starts))
    for k, code in enumerate(codes[1:], start=1):
        before = at[alive, k - 1]
        found = rows.next_of(np.flatnonzero(rows.code == code), before)
        fits = found != NEVER
        if rules.within is not None:
            fits &= rows.ts[found] - rows.ts[starts[alive]] <= rules.within
        if rules.order == "exact":
            fits &= rows.step[found] == rows.step[before] + 1
        if len(stops):
            stop = rows.next_of(stops, before)
            fits &= (stop == NEVER) | (stop > found)
        alive = alive[fits]
        at[alive, k] = found[fits]
    return _best(rows, starts, at, rules.entry)


def _any_order(rows: Rows, codes: Sequence[int], excluded: Sequence[int], rules: Rules) -> Reached:
    is_step = np.isin(rows.code, codes)
    starts = _starts(rows, np.flatnonzero(is_step), rules.entry)
    stops = np.flatnonzero(np.isin(rows.code, excluded)) if excluded else np.empty(0, np.int64)
    stop = rows.next_of(stops, starts)
    done = np.full((len(starts), len(codes)), NEVER, dtype=np.int64)
    alive = np.ones(len(starts), dtype=np.bool_)
    reached = starts.copy()
    for k, code in enumerate(codes):
        here = rows.code[starts] == code
        found = np.where(here, starts, rows.next_of(np.flatnonzero(rows.code == code), starts))
        alive &= found != NEVER
        reached = np.maximum(reached, found)
        if rules.within is not None:
            alive &= rows.ts[found] - rows.ts[starts] <= rules.within
        alive &= (stop == NEVER) | (stop > reached)
        done[alive, k] = reached[alive]
    kept = done[:, 0] != NEVER
    return _best(rows, starts[kept], done[kept], rules.entry)


def _best(rows: Rows, starts: Ints, at: Ints, entry: Entry) -> Reached:
    """Choose each customer's attempt: the furthest, of these the earliest or the latest."""
    if not len(starts):
        return Reached(np.empty(0, np.int64), np.empty(0, np.int64), at, at)
    depth = (at != NEVER).sum(axis=1)
    customer = rows.customer[starts].astype(np.int64)
    order = np.arange(len(starts)) if entry != "last" else -np.arange(len(starts))
    ranked = np.lexsort((order, -depth, customer))
    first = ranked[np.append(True, customer[ranked][1:] != customer[ranked][:-1])]
    chosen = at[first]
    moments = np.where(chosen == NEVER, NEVER, rows.ts[chosen])
    places = np.where(chosen == NEVER, NEVER, rows.step[chosen]).astype(np.int64)
    return Reached(customer[first], depth[first], moments, places)


def _with_patterns(
    rows: Rows, touchpoints: Sequence[str], patterns: Sequence[Pattern | None],
    codes: Sequence[int], excluded: Sequence[int], rules: Rules,
) -> Reached:  # fmt: skip
    """Match steps of which some are patterns: each begins after the step before it ended."""
    heads = np.flatnonzero(np.append(True, rows.customer[1:] != rows.customer[:-1]))
    stops = np.flatnonzero(np.isin(rows.code, excluded)) if excluded else np.empty(0, np.int64)
    at = np.full((len(heads), len(codes)), NEVER, dtype=np.int64)
    owner = rows.customer[heads]
    alive = np.arange(len(heads))
    for k, (code, pattern) in enumerate(zip(codes, patterns, strict=True)):
        after = heads[alive] - 1 if k == 0 else at[alive, k - 1]
        if pattern is None:
            found = _first_after(rows, np.flatnonzero(rows.code == code), after, owner[alive])
        else:
            found = _match_after(rows, touchpoints, pattern, after, heads[alive], owner[alive])
        fits = found != NEVER
        if k and rules.within is not None:
            fits &= rows.ts[found] - rows.ts[at[alive, 0]] <= rules.within
        if k and len(stops):
            stop = rows.next_of(stops, after)
            fits &= (stop == NEVER) | (stop > found)
        alive = alive[fits]
        at[alive, k] = found[fits]
    began = at[:, 0] != NEVER
    return _best(rows, at[began, 0], at[began], "first")


def _first_after(rows: Rows, places: Ints, after: Ints, owner: Ints) -> Ints:
    if not len(places):
        return np.full(len(after), NEVER, dtype=np.int64)
    at = np.searchsorted(places, after, side="right")
    found = places[np.minimum(at, len(places) - 1)]
    fits = (at < len(places)) & (rows.customer[found] == owner)
    return np.where(fits, found, NEVER)


def _match_after(
    rows: Rows, touchpoints: Sequence[str], pattern: Pattern, after: Ints, heads: Ints,
    owner: Ints,
) -> Ints:  # fmt: skip
    """Return the row each path's first match after a row ends at."""
    everybody, place_of = np.unique(rows.customer, return_inverse=True)
    start_of = np.full(len(everybody), len(rows), dtype=np.int64)
    start_of[np.searchsorted(everybody, owner)] = after + 1
    kept = np.flatnonzero(np.arange(len(rows)) >= start_of[place_of])
    result = np.full(len(after), NEVER, dtype=np.int64)
    if not len(kept):
        return result
    places = {int(c): i for i, c in enumerate(owner)}
    found = first_matches(
        pattern, touchpoints, rows.customer[kept], rows.step[kept], rows.code[kept]
    )
    for who, end in zip(found.customer, found.ends, strict=True):
        place = places[int(who)]
        result[place] = heads[place] + end - rows.step[heads[place]]
    return result
