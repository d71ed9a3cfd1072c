"""Why a figure changed: another mix of segments, or other figures within them; and how much weights matter."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from journey_widgets.definition import defined
from journey_widgets.errors import JourneyDataError


def mix_and_rate(
    before: Mapping[str, tuple[float, float]], after: Mapping[str, tuple[float, float]]
) -> pd.DataFrame:
    """Split the change of a ratio into mix (segments grew or shrank) and rate (they changed within).

    Parameters
    ----------
    before, after
        Segment → (numerator, denominator), such as orders and visitors. A segment of one side only counts with its
        rate there on both sides, so that it is mix alone.

    Returns
    -------
    pandas.DataFrame
        One row a segment, then ``"all"``. Columns: ``segment`` (str), ``share_before``, ``share_after``,
        ``rate_before``, ``rate_after`` (float64), ``mix``, ``rate``, ``total`` (float64, points of the ratio); a
        segment's mix is its change in share x (mean rate less the overall one), so that it says which segment made it.

    Notes
    -----
    Mix: change in share x mean rate; rate: change in rate x mean share. The two add up to the change exactly.
    """
    names = list(dict.fromkeys([*before, *after]))
    n0, n1 = (
        np.array([side.get(s, (0, 0))[1] for s in names], dtype=float) for side in (before, after)
    )
    if not names or n0.sum() <= 0 or n1.sum() <= 0 or (n0 < 0).any() or (n1 < 0).any():
        msg = "Both periods need segments with a denominator above 0, and none below 0."
        raise JourneyDataError(msg)
    x0, x1 = (
        np.array([side.get(s, (0, 0))[0] for s in names], dtype=float) for side in (before, after)
    )
    with np.errstate(divide="ignore", invalid="ignore"):
        r0, r1 = x0 / n0, x1 / n1
    r0, r1 = np.where(n0 > 0, r0, r1), np.where(n1 > 0, r1, r0)
    w0, w1 = n0 / n0.sum(), n1 / n1.sum()
    mean = (r0 + r1) / 2
    middle = float(((w0 + w1) / 2 * mean).sum())
    mix, rate = (w1 - w0) * (mean - middle), (r1 - r0) * (w0 + w1) / 2
    rows = pd.DataFrame(
        {
            "segment": names, "share_before": w0, "share_after": w1, "rate_before": r0, "rate_after": r1, "mix": mix,
            "rate": rate, "total": mix + rate,
        }
    )  # fmt: skip
    whole = pd.DataFrame(
        {
            "segment": ["all"], "share_before": [1.0], "share_after": [1.0], "rate_before": [float((w0 * r0).sum())],
            "rate_after": [float((w1 * r1).sum())], "mix": [float(mix.sum())], "rate": [float(rate.sum())],
            "total": [float((mix + rate).sum())],
        }
    )  # fmt: skip
    return defined(
        pd.concat([rows, whole], ignore_index=True),
        "Mix: change in share x mean rate; rate: change in rate x mean share; together they are the whole change",
    )


def weight_sensitivity(
    weights: Sequence[float], scores: Sequence[float], *, by: float = 0.25
) -> pd.DataFrame:
    """Return how far the total moves when each weight alone is cut or raised and all are shared out anew.

    Returns
    -------
    pandas.DataFrame
        One row a weight. Columns: ``place`` (int64), ``weight`` (float64, its share), ``cut``, ``raised`` (float64,
        change of the total).
    """
    shares, values = _shares(weights, scores)
    total = float(shares @ values)
    rows = []
    for i, weight in enumerate(shares):
        moved = []
        for factor in (1 - by, 1 + by):
            other = shares.copy()
            other[i] = weight * factor
            moved.append(float(other @ values / other.sum()) - total)
        rows.append((i, float(weight), *moved))
    found = pd.DataFrame(rows, columns=["place", "weight", "cut", "raised"])
    return defined(found, f"Each weight alone by {by:.0%}, the others in proportion")


def reversal(
    weights: Sequence[float], one: Sequence[float], other: Sequence[float], place: int = 0
) -> float | None:
    """Return the share of one weight at which two totals are equal, others in proportion; None where there is none.

    The order flips when the weight passes it: "A leads B as long as satisfaction counts more than 38 %".
    """
    shares, first = _shares(weights, one)
    second = _shares(weights, other)[1]
    gap = first - second
    rest = np.delete(shares, place)
    if rest.sum() <= 0:
        return None
    others = float(np.delete(gap, place) @ rest / rest.sum())
    own = float(gap[place])
    if own == others:
        return None
    found = others / (others - own)
    return found if 0 < found < 1 else None


def _shares(weights: Sequence[float], scores: Sequence[float]) -> tuple[np.ndarray, np.ndarray]:
    given, values = np.asarray(weights, dtype=float), np.asarray(scores, dtype=float)
    if (
        given.shape != values.shape
        or not len(given)
        or (given < 0).any()
        or given.sum() <= 0
        or not np.isfinite(values).all()
    ):
        msg = "As many finite scores as weights were needed, no weight below 0 and one above."
        raise JourneyDataError(msg)
    return given / given.sum(), values
