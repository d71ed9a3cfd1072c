"""Choosing the best plan under a budget and limited slots, by prices; and how far it can be from the best possible.

Each scarce thing (euros, slots) gets a price. With given prices every customer is decided alone: the cells worth most
after what they use is paid for. Prices are raised where more is wanted than there is. What all customers are worth at
some prices, with what there is paid for, is a bound that no plan can pass (Lagrangian relaxation [1]_).

References
----------
.. [1] M. Fisher, "The Lagrangian relaxation method for solving integer programming problems", Management Science 27,
   1981.
"""

from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt

from journey_widgets.estimates import Floats

Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
LARGE, SAMPLE, FIRST_STEPS, STEPS, FEW_STEPS = 20_000, 4_000, 250, 60, 12
CLOSE, CLOSE_ENOUGH = 1e-4, 1e-3
"""Shares of the best possible at which the search ends: from the beginning, and from a solution near by."""
SMALL = 200_000
"""Cells of a board that is small."""
MOST_MOVED = 2_000
"""Customers looked at when a plan is improved one by one."""
TINY = 1e-9


@dataclass(frozen=True)
class Problem:
    """What may be done to each customer, and what there is of everything.

    Attributes
    ----------
    value
        Customers by cells; minus infinity where a cell is not for a customer.
    cost
        Of each cell, in euros.
    takes
        Cells by kinds of slot: 1 where a cell takes one of a kind, such as one of its channel and one of its team.
    budget
        Euros; infinite where there is no end.
    slots
        How many there are of each kind; infinite where there is no end.
    contacts
        How many cells each customer may have.
    group
        Of each customer, by number; -1 for none. Nobody is in one by default.
    least
        How many cells the customers of each group get at least, as far as the limits allow it: also such as are worth
        nothing.
    """

    value: Floats
    cost: Floats
    takes: Floats
    budget: float
    slots: Floats
    contacts: Ints
    group: Ints = field(default_factory=lambda: np.zeros(0, np.int64))
    least: Floats = field(default_factory=lambda: np.zeros(0))

    @cached_property
    def kinds(self) -> list[list[int]]:
        """Which kinds of slot each cell takes, by number."""
        return [np.flatnonzero(row).tolist() for row in self.takes]

    @property
    def room(self) -> Floats:
        """What there is: euros, then slots of each kind."""
        return np.append(self.budget, self.slots)

    @property
    def there(self) -> Floats:
        """What has a price: what there is, then what groups must get, as something of which no less is used."""
        return np.concatenate([self.room, -self.least])


@dataclass(frozen=True)
class Solution:
    """A plan and what is known about it.

    Attributes
    ----------
    chosen
        Customers by cells.
    value, bound
        Of the plan, and what no plan can be worth more than.
    budget_price, slot_prices
        What one euro more, and one slot more of each kind, would be worth.
    group_prices
        What the last cell that a group must get costs.
    short
        How many cells each group lacks, because the limits leave no room for them.
    """

    chosen: Flags
    value: float
    bound: float
    budget_price: float
    slot_prices: Floats
    group_prices: Floats
    short: Floats

    @property
    def gap(self) -> float:
        """Share of the best possible that the plan may be short of, at most."""
        size = max(abs(self.bound), abs(self.value))
        return 0.0 if size <= TINY else max(0.0, (self.bound - self.value) / size)


def solve(problem: Problem, *, near: Solution | None = None) -> Solution:
    """Return a plan that keeps to every limit, and its bound.

    Parameters
    ----------
    near
        A solution whose prices the search begins at, such as that of a slightly other budget; its slots and groups are
        those of the problem, in the same order.
    """
    prices = (
        _begin(problem)
        if near is None
        else np.concatenate([[near.budget_price], near.slot_prices, near.group_prices])
    )
    # What there is without end costs nothing.
    prices = np.where(np.isfinite(problem.there), prices, 0.0)
    best = _filled(problem, prices)
    if near is None and problem.value.size <= SMALL:
        # Of a small board the plain way is tried too: sorted by value, and taken while there is room.
        plain = _added(
            problem, _with_least(problem, np.zeros_like(best), problem.value), problem.value
        )
        best = plain if _score(problem, plain) > _score(problem, best) else best
    bound, lowest = np.inf, prices
    step = 1.0
    enough = CLOSE if near is None else CLOSE_ENOUGH
    for turn in range(STEPS if near is None else FEW_STEPS):
        dual, used = _dual(problem, prices)
        if dual < bound:
            step *= 1.0 if bound - dual > CLOSE * abs(dual) else 0.9
            bound, lowest = dual, prices
        else:
            step *= 0.7
        if turn % 4 == 0:
            plan = _filled(problem, prices)
            best = plan if _score(problem, plan) > _score(problem, best) else best
        if bound - _score(problem, best) <= enough * abs(bound):
            break
        prices = _moved(problem, prices, used, dual - _score(problem, best), step)
    if bound - _score(problem, best) > enough * abs(bound):
        plan = _filled(problem, lowest)
        best = plan if _score(problem, plan) > _score(problem, best) else best
        best = _improved(problem, best, lowest)
    kinds, short = 1 + len(problem.slots), _short(problem, best)
    if short.any():
        # What cannot be had has no price: value, bound and prices are those of what can.
        found = solve(replace(problem, least=problem.least - short))
        return replace(found, short=found.short + short)
    return Solution(
        best,
        _worth(problem, best),
        float(bound),
        float(lowest[0]),
        lowest[1:kinds],
        lowest[kinds:],
        short,
    )


def _begin(problem: Problem) -> Floats:
    """Return prices found on a sample of the customers, with as large a share of everything."""
    many = len(problem.value)
    start = np.zeros(len(problem.there))
    if many <= LARGE:
        return _descended(problem, start)
    rng = np.random.default_rng(0)
    some = np.sort(rng.choice(many, SAMPLE, replace=False))
    share = SAMPLE / many
    part = Problem(
        problem.value[some], problem.cost, problem.takes, problem.budget * share, problem.slots * share,
        problem.contacts[some], problem.group[some] if len(problem.group) else problem.group,
        np.floor(problem.least * share),
    )  # fmt: skip
    return _descended(part, start)


def _descended(problem: Problem, prices: Floats) -> Floats:
    bound, lowest, step = np.inf, prices, 1.0
    plan = _score(problem, _filled(problem, prices))
    for turn in range(FIRST_STEPS):
        dual, used = _dual(problem, prices)
        if dual < bound:
            bound, lowest = dual, prices
        else:
            step *= 0.93
        if turn % 25 == 24:
            plan = max(plan, _score(problem, _filled(problem, lowest)))
        if bound - plan <= CLOSE * abs(bound):
            break
        prices = _moved(problem, prices, used, dual - plan, step)
    return lowest


def _moved(problem: Problem, prices: Floats, used: Floats, short: float, step: float) -> Floats:
    """Return prices after one of Polyak's steps: up where more is used than there is, down where less."""
    there = problem.there
    limited = np.isfinite(there)
    slope = np.where(limited, there - used, 0.0)
    slope = np.where((prices <= 0) & (slope > 0), 0.0, slope)  # it is free already
    scale = float((slope**2).sum())
    if scale <= TINY:
        return prices
    return np.maximum(prices - step * max(short, TINY) * slope / scale, 0.0)


def _rest(problem: Problem, prices: Floats) -> Floats:
    """Return what each cell is worth after what it uses is paid for."""
    kinds = 1 + len(problem.slots)
    paid = prices[0] * problem.cost + problem.takes @ prices[1:kinds]
    found: Floats = problem.value - paid
    if len(problem.group):
        found = found + np.append(prices[kinds:], 0.0)[problem.group][:, None]
    return found


def _best_cells(problem: Problem, rest: Floats) -> Flags:
    """Return the cells each customer would have: those worth most, as many as he may have, none below 0."""
    most = int(problem.contacts.max(initial=0))
    chosen = np.zeros(rest.shape, bool)
    if not most or not rest.size:
        return chosen
    if most == 1:
        place = rest.argmax(axis=1)
        rows = np.flatnonzero((rest[np.arange(len(rest)), place] > 0) & (problem.contacts > 0))
        chosen[rows, place[rows]] = True
        return chosen
    order = np.argsort(-rest, axis=1, kind="stable")[:, :most]
    rows = np.arange(len(rest))
    for turn in range(order.shape[1]):
        place = order[:, turn]
        good = (rest[rows, place] > 0) & (problem.contacts > turn)
        chosen[rows[good], place[good]] = True
    return chosen


def _dual(problem: Problem, prices: Floats) -> tuple[float, Floats]:
    """Return the bound at some prices, and what customers would use at them."""
    rest = _rest(problem, prices)
    chosen = _best_cells(problem, rest)
    used = _used(problem, chosen)
    there = problem.there
    paid = np.where(prices > 0, prices * np.where(np.isfinite(there), there, 0.0), 0.0)
    return float(rest[chosen].sum() + paid.sum()), used


def _used(problem: Problem, chosen: Flags) -> Floats:
    """Return the euros and slots that a choice uses."""
    per_cell = chosen.sum(axis=0)
    taken = per_cell @ problem.takes
    return np.concatenate([[per_cell @ problem.cost], taken, -_given(problem, chosen)])


def _given(problem: Problem, chosen: Flags) -> Floats:
    """Return how many cells each group has."""
    if not len(problem.least):
        return np.zeros(0)
    own = problem.group >= 0
    return np.bincount(
        problem.group[own], chosen.sum(axis=1)[own], minlength=len(problem.least)
    ).astype(np.float64)


def _short(problem: Problem, chosen: Flags) -> Floats:
    """Return how many cells each group lacks."""
    return np.maximum(problem.least - _given(problem, chosen), 0.0)


def _worth(problem: Problem, chosen: Flags) -> float:
    """Return what a plan is worth."""
    return float(problem.value[chosen].sum())


def _score(problem: Problem, chosen: Flags) -> float:
    """Return what a plan is worth, less so much for each cell a group lacks that nothing makes up for it."""
    short = float(_short(problem, chosen).sum())
    if not short:
        return _worth(problem, chosen)
    finite = problem.value[np.isfinite(problem.value)]
    return _worth(problem, chosen) - short * 2 * float(np.abs(finite).max(initial=1.0))


def _filled(problem: Problem, prices: Floats) -> Flags:
    """Return a plan within all limits: what customers would have at the prices, the best first while there is room."""
    rest = _rest(problem, prices)
    chosen = _with_least(problem, _best_cells(problem, rest), rest, room=False)
    if (_left(problem, chosen) < -TINY).any():
        chosen = _with_least(problem, _within(problem, chosen, rest), rest)
        chosen = _swapped_in(problem, chosen, rest)
    return _without_losses(problem, _added(problem, chosen, rest))


def _without_losses(problem: Problem, chosen: Flags) -> Flags:
    """Return a plan without the cells that cost more than they earn, beyond what groups must get."""
    found = chosen
    for group, surplus in enumerate(_given(problem, chosen) - problem.least):
        if surplus < 1:
            continue
        rows, cells = np.nonzero(found & (problem.group == group)[:, None] & (problem.value < 0))
        if not len(rows):
            continue
        found = found.copy() if found is chosen else found
        worst = np.argsort(problem.value[rows, cells], kind="stable")[: int(surplus)]
        found[rows[worst], cells[worst]] = False
    return found


def _swapped_in(problem: Problem, chosen: Flags, rest: Floats) -> Flags:
    """Return a plan in which cells that nobody must have gave their room to groups that lack some."""
    need = _short(problem, chosen)
    if not need.any():
        return chosen
    found, left = chosen.copy(), _left(problem, chosen)
    spare = np.append(_given(problem, chosen) - problem.least, np.inf)
    rows, cells = np.nonzero(found)
    order = np.argsort(rest[rows, cells], kind="stable")
    rows, cells = rows[order], cells[order]
    there = np.ones(len(rows), bool)
    groups = problem.group[rows]

    def freed(cell: int) -> list[int] | None:
        """Return the places of the cells worth least that make room, or None."""
        gone: list[int] = []
        taken = spare.copy()

        def take(mask: Flags) -> bool:
            for place in np.flatnonzero(mask & there).tolist():
                if place not in gone and taken[groups[place]] >= 1:
                    taken[groups[place]] -= 1
                    gone.append(place)
                    return True
            return False

        for kind in np.flatnonzero(problem.takes[cell]).tolist():
            free_now = left[1 + kind] + problem.takes[cells[gone], kind].sum()
            if free_now < 1 - TINY and not take(problem.takes[cells, kind] > 0):
                return None
        while problem.cost[cell] > left[0] + problem.cost[cells[gone]].sum() + TINY:
            if not take(problem.cost[cells] > 0):
                return None
        return gone

    lacking = np.append(need > 0, False)[problem.group]
    free = problem.contacts - found.sum(axis=1)
    open_ = np.isfinite(problem.value) & ~found & (lacking & (free > 0))[:, None]
    new_rows, new_cells = np.nonzero(open_)
    best = np.argsort(-rest[new_rows, new_cells], kind="stable")
    best = best[: int(need.sum() + 1) * rest.shape[1]]
    for row, cell in zip(new_rows[best].tolist(), new_cells[best].tolist(), strict=True):
        group = int(problem.group[row])
        if need[group] < 1 or free[row] < 1:
            continue
        gone = freed(cell)
        if gone is None:
            continue
        for place in gone:
            found[rows[place], cells[place]], there[place] = False, False
            spare[groups[place]] -= 1
            _use(problem, int(cells[place]), left, times=-1)
        found[row, cell] = True
        need[group] -= 1
        free[row] -= 1
        _use(problem, cell, left)
    return found


def _left(problem: Problem, chosen: Flags) -> Floats:
    """Return the euros and slots that a choice leaves."""
    room = problem.room
    left: Floats = room - _used(problem, chosen)[: len(room)]
    return left


def _with_least(problem: Problem, chosen: Flags, rest: Floats, *, room: bool = True) -> Flags:
    """Return a choice with the best cells added where a group lacks some; only while there is room, if asked."""
    need = _short(problem, chosen)
    if not need.any():
        return chosen
    left = _left(problem, chosen) if room else np.full(1 + len(problem.slots), np.inf)
    free = problem.contacts - chosen.sum(axis=1)
    lacking = np.append(need > 0, False)[problem.group]
    open_ = np.isfinite(problem.value) & ~chosen & (lacking & (free > 0))[:, None]
    rows, cells = np.nonzero(open_)
    order = np.argsort(-rest[rows, cells], kind="stable")
    if problem.value.size > SMALL:
        order = order[: int(need.sum() + 1) * rest.shape[1]]
    found = chosen.copy()
    for row, cell in zip(rows[order].tolist(), cells[order].tolist(), strict=True):
        group = int(problem.group[row])
        if need[group] < 1 or free[row] < 1 or not _fits(problem, cell, left):
            continue
        found[row, cell] = True
        need[group] -= 1
        free[row] -= 1
        _use(problem, cell, left)
    return found


def _fits(problem: Problem, cell: int, left: Floats) -> bool:
    """Return whether there is room for one more cell."""
    if problem.cost[cell] > left[0] + TINY:
        return False
    return all(left[1 + kind] >= 1 - TINY for kind in problem.kinds[cell])


def _use(problem: Problem, cell: int, left: Floats, times: int = 1) -> None:
    """Take a cell's euros and slots off what is left; -1 times gives them back."""
    left[0] -= times * problem.cost[cell]
    for kind in problem.kinds[cell]:
        left[1 + kind] -= times


def _within(problem: Problem, wanted: Flags, rest: Floats) -> Flags:
    """Return what of a choice fits: first what groups must get, then cells in order of their rest."""
    rows, cells = np.nonzero(wanted)
    order = np.argsort(-rest[rows, cells], kind="stable")
    rows, cells = rows[order], cells[order]
    must = np.zeros(len(rows), bool)
    for group, many in enumerate(problem.least):
        own = problem.group[rows] == group
        must |= own & (np.cumsum(own) <= many + TINY)
    order = np.argsort(~must, kind="stable")
    rows, cells = rows[order], cells[order]
    fits = np.ones(len(rows), bool)
    for kind, many in enumerate(problem.slots):
        own = fits & (problem.takes[cells, kind] > 0)
        fits &= ~own | (np.cumsum(own) <= many + TINY)
    paid = np.cumsum(np.where(fits, problem.cost[cells], 0.0))
    fits &= paid <= problem.budget + TINY
    chosen = np.zeros_like(wanted)
    chosen[rows[fits], cells[fits]] = True
    return chosen


def _added(problem: Problem, chosen: Flags, rest: Floats) -> Flags:
    """Return a plan with cells added while there is room for any, those worth most after prices first."""
    left = _left(problem, chosen)
    free = problem.contacts - chosen.sum(axis=1)
    roomy = _roomy(problem, left)
    open_ = (problem.value > 0) & ~chosen & (free > 0)[:, None] & roomy[None, :]
    rows, cells = np.nonzero(open_)
    if not len(rows):
        return chosen
    found = chosen.copy()
    most = _most_that_fit(problem, left)
    order = np.argsort(-rest[rows, cells], kind="stable")
    order = order if problem.value.size <= SMALL else order[: most * rest.shape[1]]
    for row, cell in zip(rows[order].tolist(), cells[order].tolist(), strict=True):
        if free[row] < 1 or not _fits(problem, cell, left):
            continue
        found[row, cell] = True
        free[row] -= 1
        _use(problem, cell, left)
    return found


def _roomy(problem: Problem, left: Floats) -> Flags:
    """Return the cells that there is room for."""
    slots = (problem.takes <= left[1:] + TINY).all(axis=1)
    return np.asarray((problem.cost <= left[0] + TINY) & slots)


def _most_that_fit(problem: Problem, left: Floats) -> int:
    """Return how many more cells fit at most."""
    cheapest = float(problem.cost.min(initial=np.inf))
    by_money = left[0] / cheapest if cheapest > 0 else np.inf
    by_slot = left[1:].sum() if len(left) > 1 and problem.takes.any(axis=1).all() else np.inf
    return int(min(by_money, by_slot, len(problem.value) * problem.value.shape[1]) + 1)


def _improved(problem: Problem, chosen: Flags, prices: Floats) -> Flags:
    """Return a plan in which no single customer can be given something better within what is left."""
    found = chosen.copy()
    left = _left(problem, found)
    rest = _rest(problem, prices)
    for _round in range(3):
        rows, cells = np.nonzero(found)
        best = np.where(found, -np.inf, problem.value)
        hope = best.max(axis=1)[rows] - problem.value[rows, cells]
        order = np.argsort(-hope, kind="stable")[:MOST_MOVED]
        moved = False
        for row, cell in zip(rows[order].tolist(), cells[order].tolist(), strict=True):
            room = left.copy()
            _use(problem, cell, room, times=-1)
            fits = _roomy(problem, room)
            gain = np.where(
                fits & ~found[row], problem.value[row] - problem.value[row, cell], -np.inf
            )
            other = int(gain.argmax())
            if gain[other] <= TINY:
                continue
            found[row, cell], found[row, other] = False, True
            _use(problem, other, room)
            left, moved = room, True
        found = _added(problem, found, rest)
        left = _left(problem, found)
        if not moved:
            break
    return found
