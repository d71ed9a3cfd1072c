"""Sets of things bought together: all that are in enough baskets, counted by sparse products."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Sets:
    """Sets of one size.

    Attributes
    ----------
    items
        One row a set: its items by number, rising; rows in order.
    counts
        In how many baskets each is.
    """

    items: Ints
    counts: Ints


class FrequentSets:
    """The sets that are in enough baskets, by size.

    Parameters
    ----------
    sizes
        The sets of size 1, 2 and so on; no size without sets follows.
    many_items
        How many items there are.
    """

    def __init__(self, sizes: Sequence[Sets], many_items: int) -> None:
        self.sizes = tuple(sizes)
        self._many = many_items
        self._keys = [sizes[0].items[:, 0]]
        # A set is known by the place of the one without its last item, and that item: a rising number.
        for own in sizes[1:]:
            self._keys.append(self._places(own.items[:, :-1]) * many_items + own.items[:, -1])

    def count(self, sets: Ints) -> Ints:
        """Return in how many baskets sets of one size are; they must be frequent, their items rising."""
        found: Ints = self.sizes[sets.shape[1] - 1].counts[self._places(sets)]
        return found

    def _places(self, sets: Ints) -> Ints:
        place = np.searchsorted(self._keys[0], sets[:, 0])
        for size in range(1, sets.shape[1]):
            place = np.searchsorted(self._keys[size], place * self._many + sets[:, size])
        return place


def frequent_sets(matrix: Any, least: int, *, longest: int, together: Any = None) -> FrequentSets:
    """Return the sets that are in at least `least` baskets, of up to `longest` items.

    Parameters
    ----------
    matrix
        Sparse, baskets by items, 1 where an item is in a basket.
    together
        In how many baskets every two items are, where that is known already: the matrix multiplied by itself.

    Notes
    -----
    The baskets that hold a set, multiplied by themselves, give the counts of that set with every two items more [1]_.
    Only items that come after those of the set, and go with it often enough, are looked at.

    References
    ----------
    .. [1] R. Agarwal, C. Aggarwal, V. Prasad, "A tree projection algorithm for generation of frequent item sets",
       Journal of Parallel and Distributed Computing 61, 2001.
    """
    from scipy.sparse import csr_array

    whole = csr_array(matrix, dtype=np.int32)
    single = np.asarray(whole.sum(axis=0)).ravel().astype(np.int64)
    often = np.flatnonzero(single >= least)
    found: list[list[tuple[Ints, Ints]]] = [[] for _size in range(longest)]
    found[0].append((often[:, None].astype(np.int64), single[often]))
    if longest >= 2 and len(often) > 1:
        pairs = None if together is None else together[often][:, often]
        _extend(whole[:, often], (), often.astype(np.int64), least, found, pairs)
    sizes = [
        Sets(np.concatenate([s for s, _many in parts]), np.concatenate([m for _s, m in parts]))
        for parts in found
        if parts
    ]
    return FrequentSets(sizes, whole.shape[1])


def _extend(
    baskets: Any, begun: tuple[int, ...], names: Ints, least: int, found: list[list[tuple[Ints, Ints]]],
    together: Any = None,
) -> None:  # fmt: skip
    """Count the sets that begin with `begun` and have two items more, of the baskets that hold it; then longer ones."""
    product = ((baskets.T @ baskets) if together is None else together).tocoo()
    chosen = (product.row < product.col) & (product.data >= least)
    one, other, many = product.row[chosen], product.col[chosen], product.data[chosen]
    if not len(one):
        return
    order = np.lexsort((other, one))
    one, other, many = one[order], other[order], many[order].astype(np.int64)
    size = len(begun) + 2
    items = np.empty((len(one), size), np.int64)
    items[:, : size - 2] = begun
    items[:, size - 2], items[:, size - 1] = names[one], names[other]
    found[size - 1].append((items, many))
    if size >= len(found):
        return
    heads = np.flatnonzero(np.diff(one, prepend=-1))
    by_item = baskets.tocsc()
    for begin, end in zip(heads, [*heads[1:], len(one)], strict=True):
        after = other[begin:end]
        if len(after) < 2:
            continue
        first = one[begin]
        rows = by_item.indices[by_item.indptr[first] : by_item.indptr[first + 1]]
        _extend(baskets[rows][:, after], (*begun, int(names[first])), names[after], least, found)
