"""What a score is worth: does it rank, is it right, what would following it earn. For any score, ours or another's."""

from collections.abc import Sequence
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pandas as pd

from journey_widgets.definition import defined
from journey_widgets.errors import JourneyDataError
from journey_widgets.estimates import Floats, wilson

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
        self.score, self.did = np.asarray(score, dtype=np.float64), flags(did, "did")
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
        place = np.unique(self.score, return_inverse=True)[1]
        drawn = [
            area_of(place, self.did, np.bincount(rng.integers(0, n, n), minlength=n))
            for _draw in range(DRAWS)
        ]
        low, high = np.nanquantile(drawn, [0.025, 0.975])
        return area_of(place, self.did, np.ones(n, dtype=np.int64)), float(low), float(high)

    @cached_property
    def _evened(self) -> Floats:
        """Whether each did it; of equal scores the mean, so that no order among them decides anything."""
        place = np.unique(self.score, return_inverse=True)[1]
        return np.asarray(
            (np.bincount(place, self.did) / np.bincount(place))[place], dtype=np.float64
        )

    @property
    def brier(self) -> float:
        """Mean squared distance of the chances from what happened; missing for scores that are no chances."""
        return float(((self.score - self.did) ** 2).mean()) if self.is_chance else float("nan")

    def calibration(self, *, bins: int = TENTHS) -> pd.DataFrame:
        """Return whether as many did it as were expected to, by tenths of the customers from the lowest score on.

        Columns: ``tenth`` (int64, from 1), ``customers`` (int64), ``did`` (float64: customers with equal scores that
        fall into two parts count in both by their mean), ``expected`` (float64, mean score), ``observed`` with ``low``
        and ``high`` (float64, Wilson).
        """
        place = (
            np.argsort(np.argsort(self.score, kind="stable"), kind="stable")
            * bins
            // len(self.score)
        )
        n = np.bincount(place, minlength=bins)
        k = np.bincount(place, self._evened, minlength=bins)
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

        Columns: ``share`` of the customers (float64), ``customers`` (int64), ``did``, ``captured`` (share of all who
        did it), ``lift`` (how many times as many as in a random choice), and the share who did it among them
        (``observed``) with ``low`` and ``high``.
        """
        order = np.argsort(-self.score, kind="stable")
        base = self.did.mean()
        rows = []
        for share in shares:
            many = max(round(share * len(order)), 1)
            own = float(self._evened[order[:many]].sum())
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
        sums = np.concatenate([[0.0], np.cumsum(self._evened[order])])
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


def flags(given: npt.ArrayLike, name: str) -> npt.NDArray[np.bool_]:
    """Return what is yes or no as such; anything else than True, False, 1 and 0 is a `JourneyDataError`."""
    found = pd.Series(given)
    numbers = pd.to_numeric(found.astype("object"), errors="coerce")
    wrong = int((~numbers.isin([0, 1])).sum())
    if wrong:
        msg = f"{name} holds {wrong} values that are neither yes nor no; True and False, or 1 and 0, were needed."
        raise JourneyDataError(msg)
    return np.asarray(numbers == 1, dtype=bool)


def auc_gain(
    score: Floats, other: Floats, did: npt.NDArray[np.bool_], *, seed: int = 1
) -> tuple[float, float, float]:
    """Return how much more area a score has than another one of the same customers, with its 95 % interval.

    Both are drawn on the same customers, so that what they share cancels.
    """
    rng = np.random.default_rng(seed)
    n = len(did)
    places = [np.unique(s, return_inverse=True)[1] for s in (score, other)]

    def gain(times: npt.NDArray[np.int64]) -> float:
        return area_of(places[0], did, times) - area_of(places[1], did, times)

    drawn = [gain(np.bincount(rng.integers(0, n, n), minlength=n)) for _draw in range(DRAWS)]
    low, high = np.nanquantile(drawn, [0.025, 0.975])
    return gain(np.ones(n, dtype=np.int64)), float(low), float(high)


def area_of(
    place: npt.NDArray[np.intp], did: npt.NDArray[np.bool_], times: npt.NDArray[np.int64]
) -> float:
    """Return the area from the place of each score, each customer counted so many times; equal ones by halves."""
    yes, no = (np.bincount(place, np.where(d, times, 0)) for d in (did, ~did))
    pairs = yes.sum() * no.sum()
    below = np.cumsum(no) - no
    return float((yes * (below + no / 2)).sum() / pairs) if pairs else float("nan")
