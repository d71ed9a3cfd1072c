"""Counts about few people, and the counts beside them that would give them away."""

import math
from collections.abc import Collection, Mapping, Sequence

Bounds = dict[str, tuple[float, float]]


def withheld(
    counts: Mapping[str, int],
    sums: Sequence[Sequence[str]],
    least: int,
    *,
    shown: Collection[str] = (),
) -> set[str]:
    """Return the counts that may not be told: those of few, and as many others as it takes to keep them.

    Parameters
    ----------
    counts
        Name → number of people.
    sums
        What adds up: a whole, then its parts, each by name; parts without a count are nobody.
    least
        The smallest number that may be told; nobody is no small number. A reader knows that a count which is not told
        is either below it, and said to be so, or not.
    shown
        Counts that are told elsewhere, and so cannot keep others.

    Notes
    -----
    Of each small count a reader finds bounds from the others (what is left of the whole); where the two meet he knows
    it. Then the next smallest count beside it is withheld, a part before the whole, until nobody knows: complementary
    suppression.
    """
    found = {c for c, n in counts.items() if 0 < n < least}
    sums = [[c for c in group if c in counts] for group in sums]
    if least <= 2:  # "fewer than 2" says itself that it is one
        return found
    while True:
        told = next(
            (
                c
                for c, (low, high) in _known(counts, sums, found, least).items()
                if c in found and low == high
            ),
            None,
        )
        if told is None:
            return found
        beside = [
            (place > 0 and -1, counts[c], c)
            for group in sums
            if told in group
            for place, c in enumerate(group)
            if c not in found and c not in shown and counts[c]
        ]
        if not beside:
            return found
        found.add(min(beside)[2])


def _known(
    counts: Mapping[str, int], sums: Sequence[Sequence[str]], hidden: Collection[str], least: int
) -> Bounds:
    """Return between what each count must lie for a reader who sees the others."""
    bounds: Bounds = {
        c: (n, n) if c not in hidden else (1, least - 1) if n < least else (least, math.inf)
        for c, n in counts.items()
    }
    before: Bounds = {}
    while bounds != before:
        before = dict(bounds)
        for whole, *parts in sums:
            low, high = (sum(bounds[p][side] for p in parts) for side in (0, 1))
            bounds[whole] = (max(bounds[whole][0], low), min(bounds[whole][1], high))
            for p in parts:
                others = [bounds[q] for q in parts if q != p]
                left = bounds[whole][1] - sum(b[0] for b in others)
                needed = bounds[whole][0] - sum(b[1] for b in others)
                bounds[p] = (max(bounds[p][0], needed), min(bounds[p][1], left))
    return bounds
