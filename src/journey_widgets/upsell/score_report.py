"""What a score is worth: does it rank, is it right, what would following it earn. For any score, ours or another's."""

from collections.abc import Sequence
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pandas as pd

from journey_widgets.errors import JourneyDataError
from journey_widgets.estimates import Floats, wilson
from journey_widgets.journey.definition import defined

DRAWS, TENTHS = 400, 10
SHARES = (0.05, 0.1, 0.2)
TOO_GOOD = 0.95
"""Area from which on a score is more likely to know the answer than to foresee it."""
LEAST = 50
"""Customers who did it, below which nothing is said."""


class ScoreReport:
    """A score held against what happened.

    Parameters
    ----------
    score
        Of each customer, made before it was known what he would do: chances from 0 to 1, or any number that ranks.
    did
        Whether he did it.
    seed
        Of the intervals.

    Raises
    ------
    JourneyDataError
        Fewer than 50 customers did it, or all did.
    """

    def __init__(self, score: npt.ArrayLike, did: npt.ArrayLike, *, seed: int = 1) -> None:
        self.score, self.did = np.asarray(score, dtype=np.float64), np.asarray(did, dtype=bool)
        many = int(self.did.sum())
        if len(self.score) != len(self.did) or not np.isfinite(self.score).all():
            msg = "A finite score for each customer was needed."
            raise JourneyDataError(msg)
        if many < LEAST or many == len(self.did):
            msg = f"{many} of {len(self.did)} customers did it; {LEAST} or more, and some who did not, are needed."
            raise JourneyDataError(msg)
        self._seed = seed
        self.is_chance = bool((self.score >= 0).all() and (self.score <= 1).all())
        """Whether the scores can be read as chances."""

    @cached_property
    def auc(self) -> tuple[float, float, float]:
        """The chance that of two customers the one who did it has the higher score, with its 95 % interval."""
        rng = np.random.default_rng(self._seed)
        n = len(self.did)
        drawn = []
        for _draw in range(DRAWS):
            some = rng.integers(0, n, n)
            if 0 < self.did[some].sum() < n:
                drawn.append(_auc(self.score[some], self.did[some]))
        low, high = np.quantile(drawn, [0.025, 0.975])
        return _auc(self.score, self.did), float(low), float(high)

    @property
    def brier(self) -> float:
        """Mean squared distance of the chances from what happened; missing for scores that are no chances."""
        return float(((self.score - self.did) ** 2).mean()) if self.is_chance else float("nan")

    def calibration(self, *, bins: int = TENTHS) -> pd.DataFrame:
        """Return whether as many did it as were expected to, by tenths of the customers from the lowest score on.

        Columns: ``tenth`` (int64, from 1), ``customers``, ``did`` (int64), ``expected`` (float64, mean score),
        ``observed`` with ``low`` and ``high`` (float64, Wilson).
        """
        place = (
            np.argsort(np.argsort(self.score, kind="stable"), kind="stable")
            * bins
            // len(self.score)
        )
        n = np.bincount(place, minlength=bins)
        k = np.bincount(place, self.did, minlength=bins).astype(np.int64)
        expected = np.bincount(place, self.score, minlength=bins) / np.maximum(n, 1)
        low, high = wilson(k, n)
        found = pd.DataFrame(
            {"tenth": np.arange(1, bins + 1), "customers": n, "did": k, "expected": expected,
             "observed": k / np.maximum(n, 1), "low": low, "high": high}
        )  # fmt: skip
        return defined(found, f"Customers by score in {bins} equal parts")

    @property
    def calibration_error(self) -> float:
        """Mean distance of expected and observed shares over the tenths; missing for scores that are no chances."""
        if not self.is_chance:
            return float("nan")
        own = self.calibration()
        return float(
            (abs(own["expected"] - own["observed"]) * own["customers"]).sum()
            / own["customers"].sum()
        )

    def gain(self, shares: Sequence[float] = SHARES) -> pd.DataFrame:
        """Return how many of those who did it are among the best-scored customers.

        Columns: ``share`` of the customers (float64), ``customers``, ``did`` (int64), ``captured`` (share of all who
        did it), ``lift`` (how many times as many as in a random choice), and the share who did it among them
        (``observed``) with ``low`` and ``high``.
        """
        order = np.argsort(-self.score, kind="stable")
        base = self.did.mean()
        rows = []
        for share in shares:
            many = max(round(share * len(order)), 1)
            own = int(self.did[order[:many]].sum())
            low, high = wilson(own, many)
            rows.append(
                (
                    share,
                    many,
                    own,
                    own / self.did.sum(),
                    own / many / base,
                    own / many,
                    float(low),
                    float(high),
                )
            )
        columns = ["share", "customers", "did", "captured", "lift", "observed", "low", "high"]
        return pd.DataFrame(rows, columns=columns)

    def profit(self, margin: float, cost: float) -> pd.DataFrame:
        """Return what contacting the best-scored customers would earn if contact were what made them do it.

        It is an upper limit: whoever would have done it anyway is counted too. What contact adds, a trial says.

        Columns: ``customers`` (int64, from 0 in hundredths), ``profit`` (float64).
        """
        if not margin > 0 or cost < 0:
            msg = f"margin is {margin:g} and cost {cost:g}; a margin above 0 and a cost from 0 were needed."
            raise JourneyDataError(msg)
        order = np.argsort(-self.score, kind="stable")
        sums = np.concatenate([[0], np.cumsum(self.did[order])])
        steps = np.unique(np.linspace(0, len(order), 101).round().astype(np.int64))
        return pd.DataFrame({"customers": steps, "profit": margin * sums[steps] - cost * steps})

    @property
    def doubts(self) -> list[str]:
        """What speaks against trusting it, in sentences."""
        area, low, _high = self.auc
        said = []
        if area > TOO_GOOD:
            said.append(
                f"It ranks too well to be true (area {area:.3f}): does it use what was known only afterwards?"
            )
        if low <= 0.5:
            said.append("It may rank no better than chance.")
        if self.is_chance:
            gap = float(self.score.mean() - self.did.mean())
            if abs(gap) > 0.2 * self.did.mean():
                said.append(
                    f"It expects {self.score.mean():.1%}, and {self.did.mean():.1%} did it: its chances are off by "
                    "that."
                )
        return said


def _auc(score: Floats, did: npt.NDArray[np.bool_]) -> float:
    """Return the area under the curve from ranks; equal scores share their places."""
    order = np.argsort(score, kind="stable")
    ordered = score[order]
    heads = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]]))
    sizes = np.diff(np.append(heads, len(ordered)))
    ranks = np.empty(len(score))
    ranks[order] = np.repeat(heads + (sizes + 1) / 2, sizes)
    yes = int(did.sum())
    return float((ranks[did].sum() - yes * (yes + 1) / 2) / (yes * (len(did) - yes)))
