"""Which states hold together: consistent scenarios by cross-impact balances (CIB).

A scenario chooses one variant of each descriptor. It is consistent when what the chosen variants say of each
descriptor speaks for the variant that was chosen. A score is not a probability, and neither is a basin.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt
import pandas as pd

from journey_widgets.definition import defined
from journey_widgets.errors import JourneyDataError

Ints = npt.NDArray[np.int64]
FRONTIER = 50_000
MAX_PARTIAL = 2_000_000
"""Partial scenarios looked at before the search gives up with what it has."""
MAX_EXACT = 5_000_000
"""Possible scenarios up to which basins are counted and not sampled."""
MAX_STEPS = 200
MAX_IMPACT = 1_000_000
SUCCESSION = (
    "Global succession: all descriptors move at once to their best variant; in a tie the present one stays, else "
    "the first of the best is taken"
)


@runtime_checkable
class HoldsCib(Protocol):
    """A document that holds descriptors and their matrix."""

    def to_cib(self) -> dict[str, Any]:
        """Return ``{"descriptors": [...], "matrix": [...]}``."""


@dataclass(frozen=True)
class Cib:
    """A checked cross-impact matrix of descriptors.

    ``matrix[i, j]`` is how much variant i promotes variant j (negative: hinders), variants in the order of
    their descriptors.
    """

    descriptors: tuple[str, ...]
    variants: tuple[tuple[str, ...], ...]
    matrix: Ints

    @property
    def sizes(self) -> tuple[int, ...]:
        """How many variants each descriptor has."""
        return tuple(len(v) for v in self.variants)

    @property
    def blocks(self) -> list[slice]:
        """Where each descriptor's variants are in the matrix."""
        ends = np.cumsum(self.sizes).tolist()
        return [slice(e - n, e) for e, n in zip(ends, self.sizes, strict=True)]

    @property
    def possible(self) -> int:
        """How many scenarios there are."""
        return math.prod(self.sizes)

    def balances(self, scenarios: Ints) -> Ints:
        """Return scenarios x variants: the sum of the rows each scenario chooses (its impact balance)."""
        found = np.zeros((len(scenarios), len(self.matrix)), dtype=np.int64)
        for d, block in enumerate(self.blocks):
            found += self.matrix[block][scenarios[:, d]]
        return found


def as_cib(given: Any) -> Cib:
    """Check descriptors and their matrix.

    Parameters
    ----------
    given
        A `Cib`, or ``{"descriptors": [{"name", "variants"}, …], "matrix": rows of whole numbers}`` with one row and
        one column a variant, in order, or the document `Futures`.
    """
    if isinstance(given, Cib):
        return given
    if isinstance(given, HoldsCib):
        given = given.to_cib()
    if not isinstance(given, Mapping) or not {"descriptors", "matrix"} <= set(given):
        msg = 'A mapping {"descriptors": [...], "matrix": [...]} was needed.'
        raise JourneyDataError(msg)
    names, variants = [], []
    for number, one in enumerate(given["descriptors"], start=1):
        if not isinstance(one, Mapping) or not one.get("name") or not one.get("variants"):
            msg = f"Descriptor {number} needs a name and at least one variant; found {one!r}."
            raise JourneyDataError(msg)
        names.append(str(one["name"]))
        variants.append(tuple(str(v) for v in one["variants"]))
    twice = next((n for n in names if names.count(n) > 1), None)
    if twice is not None:
        msg = f"Two descriptors are called {twice!r}. Rename one."
        raise JourneyDataError(msg)
    width = sum(map(len, variants))
    try:
        numbers = np.array(given["matrix"], dtype=float)
    except (TypeError, ValueError):
        numbers = np.zeros(0)
    if not names or numbers.shape != (width, width) or not np.isfinite(numbers).all():
        msg = (
            f"The matrix needs {width} rows of {width} numbers, one a variant of {len(names)} descriptors; "
            f"found {' x '.join(map(str, numbers.shape)) or 'none'}."
        )
        raise JourneyDataError(msg)
    if (np.abs(numbers) > MAX_IMPACT).any():
        msg = f"The matrix holds {np.abs(numbers).max():.3g}; judgements up to {MAX_IMPACT:,} in size were needed."
        raise JourneyDataError(msg)
    if (numbers != np.round(numbers)).any():
        msg = "The matrix has fractions; judgements of this method are whole numbers, such as -3 to 3."
        raise JourneyDataError(msg)
    return Cib(tuple(names), tuple(variants), numbers.astype(np.int64))


def consistent_scenarios(
    cib: Any, *, inconsistency: int = 0, max_partial: int = MAX_PARTIAL
) -> pd.DataFrame:
    """Return all scenarios that hold together.

    Parameters
    ----------
    cib
        Descriptors and their matrix (see `as_cib`).
    inconsistency
        How far a chosen variant may score below the best of its descriptor; 0 is strict, 1 or 2 allows for
        judgements that are not sharp.
    max_partial
        Partial scenarios to look at before giving up with what was found.

    Returns
    -------
    pandas.DataFrame
        Highest total impact score first. Columns: ``scenario`` (tuple of int, variant numbers from 1 in the
        order of descriptors), ``variants`` (tuple of str), ``consistency_value`` (Int64, smallest lead of a
        chosen variant over its best rival; missing where no descriptor has a choice), ``inconsistency``
        (int64), ``total_impact_score`` (int64). ``attrs["complete"]`` is False where the search gave up.

    Notes
    -----
    Weimer-Jehle, Cross-impact balances, Technological Forecasting and Social Change 73, 2006. The search decides one
    descriptor after the other and drops a partial scenario once a rival of a chosen variant is ahead in every
    completion. That is exact: with nothing undecided the bound is the test itself.
    """
    checked = as_cib(cib)
    if inconsistency < 0 or max_partial < 1:
        msg = f"inconsistency is {inconsistency} and max_partial {max_partial}; at least 0 and 1 were needed."
        raise JourneyDataError(msg)
    search = _Search(checked, inconsistency, max_partial)
    parts = list(search.run())
    scenarios = np.concatenate([np.zeros((0, len(checked.sizes)), dtype=np.int64), *parts])
    found = _scored(checked, scenarios)
    words = f"{len(found):,} of {checked.possible:,} possible scenarios hold together"
    if inconsistency:
        words += f" with an inconsistency of up to {inconsistency}"
    if not search.complete:
        words = (
            f"Given up after {search.partial:,} partial scenarios: the {len(found):,} found are consistent, and "
            f"there may be more among {checked.possible:,}. Split the descriptors into groups that hardly act on "
            "each other, or raise max_partial"
        )
    defined(found, words, "A total impact score is not a probability")
    found.attrs["complete"] = search.complete
    return found


def basins(cib: Any, *, draws: int = 100_000, seed: int = 1) -> pd.DataFrame:
    """Return from how many scenarios succession leads to each consistent one.

    Parameters
    ----------
    cib
        Descriptors and their matrix (see `as_cib`).
    draws, seed
        Scenarios drawn where there are more than `MAX_EXACT`; then rare ends may be missing.

    Returns
    -------
    pandas.DataFrame
        Largest basin first. Columns: ``scenario`` (tuple of int from 1; missing in the last row, which counts
        what ends in a cycle), ``variants``, ``basin`` (int64, scenarios that end there), ``share`` (float64).
    """
    checked = as_cib(cib)
    exact = checked.possible <= MAX_EXACT
    ends, counts, cycling, total = (
        _all_ends(checked) if exact else _drawn_ends(checked, draws, seed)
    )
    order = np.argsort(-counts, kind="stable")
    rows: list[dict[str, Any]] = [
        {
            "scenario": tuple((ends[i] + 1).tolist()),
            "variants": _labels(checked, ends[i]),
            "basin": int(counts[i]),
            "share": counts[i] / total,
        }
        for i in order
    ]
    rows.append({"scenario": None, "variants": None, "basin": cycling, "share": cycling / total})
    found = pd.DataFrame(rows)
    how = (
        f"All {total:,} scenarios were followed"
        if exact
        else f"{total:,} of {checked.possible:,} scenarios were drawn (seed {seed}) and followed; ends may be missing"
    )
    return defined(found, SUCCESSION, how, "A basin is not a probability")


class _Search:
    """Branch and bound over descriptors, level by level, with whole arrays of partial scenarios."""

    def __init__(self, cib: Cib, allowance: int, budget: int) -> None:
        self.cib, self.allowance, self.budget = cib, allowance, budget
        self.complete, self.partial = True, 0
        self.order = _order(cib)
        self.rest = self._least_left()

    def _least_left(self) -> list[Ints]:
        """Return by level, for each pair (chosen, rival): the least that what is undecided adds to the rival's lead."""
        matrix, blocks = self.cib.matrix, self.cib.blocks
        least = [np.zeros_like(matrix)]
        for d in reversed(self.order):
            rows = matrix[blocks[d]]
            lead = rows[:, None, :] - rows[:, :, None]
            least.append(least[-1] + lead.min(axis=0))
        return least[::-1]

    def run(self) -> Iterator[Ints]:
        """Yield arrays of consistent scenarios, in the descriptors' own order."""
        width = len(self.order)
        matrix, blocks = self.cib.matrix, self.cib.blocks
        start = (np.zeros((1, 0), dtype=np.int64), np.zeros((1, len(matrix)), dtype=np.int64))
        waiting = [start]
        back = np.argsort(self.order)
        while waiting:
            chosen, balance = waiting.pop()
            level = chosen.shape[1]
            if level == width:
                yield chosen[:, back]
                continue
            block = blocks[self.order[level]]
            size = block.stop - block.start
            self.partial += len(chosen) * size
            if self.partial > self.budget:
                self.complete = False
                return
            new = np.tile(np.arange(size), len(chosen))
            chosen = np.column_stack([np.repeat(chosen, size, axis=0), new])
            balance = np.repeat(balance, size, axis=0) + matrix[block][new]
            chosen, balance = self._kept(chosen, balance)
            for at in range(0, len(chosen), FRONTIER):
                waiting.append((chosen[at : at + FRONTIER], balance[at : at + FRONTIER]))

    def _kept(self, chosen: Ints, balance: Ints) -> tuple[Ints, Ints]:
        level = chosen.shape[1]
        rest = self.rest[level]
        # The last one decided fails most often.
        for at in reversed(range(level)):
            block = self.cib.blocks[self.order[at]]
            own = block.start + chosen[:, at]
            score = np.take_along_axis(balance, own[:, None], axis=1)
            lead = balance[:, block] - score + rest[:, block][own]
            keep = lead.max(axis=1) <= self.allowance
            if not keep.all():
                chosen, balance = chosen[keep], balance[keep]
                if not len(chosen):
                    break
        return chosen, balance


def _order(cib: Cib) -> list[int]:
    """Return descriptors, each the one most coupled to those before it."""
    blocks = cib.blocks
    size = np.abs(cib.matrix)
    pull = np.array([[size[a, b].sum() + size[b, a].sum() for b in blocks] for a in blocks])
    np.fill_diagonal(pull, 0)
    order = [int(pull.sum(axis=1).argmax())]
    while len(order) < len(blocks):
        left = [d for d in range(len(blocks)) if d not in order]
        order.append(max(left, key=lambda d: (pull[d, order].sum(), -d)))
    return order


def _scored(cib: Cib, scenarios: Ints) -> pd.DataFrame:
    balance = cib.balances(scenarios)
    total = np.zeros(len(scenarios), dtype=np.int64)
    worst = np.zeros(len(scenarios), dtype=np.int64)
    closest = np.full(len(scenarios), np.iinfo(np.int64).max)
    for d, block in enumerate(cib.blocks):
        scores = balance[:, block]
        own = np.take_along_axis(scores, scenarios[:, [d]], axis=1)[:, 0]
        total += own
        worst = np.maximum(worst, scores.max(axis=1) - own)
        if scores.shape[1] > 1:
            rivals = scores.copy()
            np.put_along_axis(rivals, scenarios[:, [d]], np.iinfo(np.int64).min // 4, axis=1)
            closest = np.minimum(closest, own - rivals.max(axis=1))
    choice = max(cib.sizes) > 1
    order = np.lexsort((*scenarios.T[::-1], -total))
    return pd.DataFrame(
        {
            "scenario": [tuple((scenarios[i] + 1).tolist()) for i in order],
            "variants": [_labels(cib, scenarios[i]) for i in order],
            "consistency_value": pd.array(
                closest[order] if choice else [None] * len(order), dtype="Int64"
            ),
            "inconsistency": worst[order],
            "total_impact_score": total[order],
        }
    )


def _labels(cib: Cib, scenario: Ints) -> tuple[str, ...]:
    return tuple(names[i] for names, i in zip(cib.variants, scenario, strict=True))


def _next(cib: Cib, scenarios: Ints) -> Ints:
    """Return where each scenario goes in one step of global succession."""
    balance = cib.balances(scenarios)
    found = np.empty_like(scenarios)
    for d, block in enumerate(cib.blocks):
        scores = balance[:, block]
        own = np.take_along_axis(scores, scenarios[:, [d]], axis=1)[:, 0]
        found[:, d] = np.where(own == scores.max(axis=1), scenarios[:, d], scores.argmax(axis=1))
    return found


def _all_ends(cib: Cib) -> tuple[Ints, Ints, int, int]:
    """Return fixed points, their basins, how many end in a cycle, and how many there are."""
    total = cib.possible
    goes = np.empty(total, dtype=np.int64)
    for start in range(0, total, 200_000):
        numbers = np.arange(start, min(start + 200_000, total))
        scenarios = np.column_stack(np.unravel_index(numbers, cib.sizes))
        goes[numbers] = np.ravel_multi_index(tuple(_next(cib, scenarios).T), cib.sizes)
    fixed = np.flatnonzero(goes == np.arange(total))
    # After 2^k steps, with 2^k at least as many as there are scenarios, all are where they end.
    for _double in range(max(1, math.ceil(math.log2(total + 1)))):
        goes = goes[goes]
    counts = np.bincount(goes, minlength=total)[fixed]
    ends = np.column_stack(np.unravel_index(fixed, cib.sizes)).astype(np.int64)
    return ends, counts.astype(np.int64), int(total - counts.sum()), total


def _drawn_ends(cib: Cib, draws: int, seed: int) -> tuple[Ints, Ints, int, int]:
    rng = np.random.default_rng(seed)
    state = np.column_stack([rng.integers(0, n, draws) for n in cib.sizes])
    many = np.ones(draws, dtype=np.int64)
    ends, counts = [], []
    for step in range(1, MAX_STEPS + 1):
        after = _next(cib, state)
        rests = (after == state).all(axis=1)
        ends.append(state[rests])
        counts.append(many[rests])
        state, many = after[~rests], many[~rests]
        if not len(state):
            break
        if step & (step - 1) == 0:  # paths that met go on as one
            state, many = _together(state, many)
    found, sizes = _together(np.concatenate(ends), np.concatenate(counts))
    return found, sizes, draws - int(sizes.sum()), draws


def _together(state: Ints, many: Ints) -> tuple[Ints, Ints]:
    """Return each scenario once, and how many there are of it."""
    if not len(state):
        return state, many
    found, place = np.unique(state, axis=0, return_inverse=True)
    return found, np.bincount(place.ravel(), weights=many).astype(np.int64)


def balance_of(cib: Any, scenario: Sequence[int]) -> list[list[int]]:
    """Return the impact balance of a scenario, one list a descriptor.

    Parameters
    ----------
    scenario
        Variant numbers from 1, in the order of descriptors.
    """
    checked = as_cib(cib)
    chosen = np.array(scenario, dtype=np.int64) - 1
    if (
        chosen.shape != (len(checked.sizes),)
        or (chosen < 0).any()
        or (chosen >= checked.sizes).any()
    ):
        msg = f"The scenario is {list(scenario)}; one variant number from 1 for each of {checked.sizes} was needed."
        raise JourneyDataError(msg)
    sums = checked.balances(chosen[None])[0]
    return [sums[block].tolist() for block in checked.blocks]
