"""How good a ranked list is: of what was offered, how much was bought, and how far up it stood."""

from collections.abc import Collection, Sequence

import numpy as np
import numpy.typing as npt

from journey_widgets.estimates import Floats


def dcg(gains: npt.ArrayLike) -> float:
    """Return the gains of a list, each worth less the further down it stands (by the logarithm of its place).

    Examples
    --------
    >>> round(dcg([3, 2, 3, 0, 1, 2]), 3)
    6.861
    """
    found = np.asarray(gains, dtype=np.float64)
    return float((found / np.log2(np.arange(2, len(found) + 2))).sum())


def ndcg_at(ranked: Sequence[object], relevant: Collection[object], k: int) -> float:
    """Return the share of the best possible gain that the first `k` of a list reach; 0 without anything relevant.

    Examples
    --------
    >>> round(ndcg_at("ABCDE", "CE", 5), 4), ndcg_at("ABCDE", "CE", 2)
    (0.5438, 0.0)
    """
    best = dcg([1.0] * min(k, len(relevant)))
    return dcg([float(r in relevant) for r in ranked[:k]]) / best if best else 0.0


def hits(ranked: npt.NDArray[np.int64], relevant: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Return for each place of each list whether what stands there is relevant."""
    found: npt.NDArray[np.bool_] = np.take_along_axis(relevant, ranked, axis=1)
    return found


def ndcg(found: npt.NDArray[np.bool_], many: npt.NDArray[np.int64]) -> Floats:
    """Return the same of many lists: `found` as of `hits`, `many` how much is relevant to each."""
    k = found.shape[1]
    worth = 1 / np.log2(np.arange(2, k + 2))
    best = np.cumsum(worth)[np.minimum(many, k) - 1]
    result: Floats = (found * worth).sum(axis=1) / best
    return result


def reciprocal_rank(found: npt.NDArray[np.bool_]) -> Floats:
    """Return 1 over the place of the first thing that is relevant; 0 where there is none."""
    first = found.argmax(axis=1)
    result: Floats = np.where(found.any(axis=1), 1 / (first + 1), 0.0)
    return result
