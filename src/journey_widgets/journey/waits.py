"""How long customers waited between two steps: what is told of it, wherever it was counted."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from journey_widgets.estimates import median_interval

QUANTILES = (0.05, 0.25, 0.75, 0.95)


@dataclass(frozen=True)
class Waits:
    """Waits in microseconds: how many, median with its 95 % interval, mean, and the `QUANTILES`; missing where none."""

    n: int
    median: float
    low: float
    high: float
    mean: float
    quantiles: tuple[float, ...]

    @classmethod
    def none(cls) -> "Waits":
        """Return those of nobody."""
        return cls(0, np.nan, np.nan, np.nan, np.nan, (np.nan,) * len(QUANTILES))

    @classmethod
    def of(cls, waited: npt.NDArray[np.int64]) -> "Waits":
        """Return those of waits one by one."""
        if not len(waited):
            return cls.none()
        median, low, high = median_interval(waited)
        quantiles = tuple(float(q) for q in np.quantile(waited, QUANTILES))
        return cls(len(waited), median, low, high, float(waited.mean()), quantiles)
