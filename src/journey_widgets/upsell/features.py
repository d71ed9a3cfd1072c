"""Columns of customers as numbers for a model: words become flags, numbers are centred and scaled."""

import numpy as np
import numpy.typing as npt
import pandas as pd

from journey_widgets.errors import JourneyDataError
from journey_widgets.estimates import Floats

TINY = 1e-9
MOST_LEVELS = 12
"""Words of a column that have a flag of their own, the most frequent ones; the rest share none."""


class Encoder:
    """How columns become numbers: learnt from some customers, used on others.

    Parameters
    ----------
    frame
        The customers it is learnt from.

    Attributes
    ----------
    names
        What each number stands for, the constant first.
    """

    def __init__(self, frame: pd.DataFrame) -> None:
        self.names = ["constant"]
        self.columns = ["constant"]
        """The column that each number comes from."""
        self._levels: dict[str, list[str]] = {}
        self._middle: dict[str, tuple[float, float]] = {}
        for column in frame.columns:
            if pd.api.types.is_numeric_dtype(frame[column]):
                values = frame[column].astype("float64")
                if np.isinf(values).any():
                    msg = f"{column} holds numbers without end; finite ones were needed."
                    raise JourneyDataError(msg)
                spread = float(values.std(ddof=0))
                if spread > TINY * max(1.0, float(values.abs().max())):
                    self._middle[column] = (float(values.mean()), spread)
                    self.names.append(column)
                    self.columns.append(column)
            else:
                often = frame[column].astype("string").value_counts()
                # The most frequent word is what the others are held against.
                self._levels[column] = [str(v) for v in often.index[1 : MOST_LEVELS + 1]]
                self.names += [f"{column}: {v}" for v in self._levels[column]]
                self.columns += [column] * len(self._levels[column])

    def __call__(self, frame: pd.DataFrame) -> Floats:
        """Return the numbers of customers, one row each; what is missing is the middle."""
        parts: list[npt.NDArray[np.float64]] = [np.ones(len(frame), dtype=np.float64)]
        for column in frame.columns:
            if column in self._middle:
                middle, spread = self._middle[column]
                scaled = (frame[column].astype("float64") - middle) / spread
                parts.append(np.nan_to_num(scaled.to_numpy(dtype=np.float64)))
            elif column in self._levels:
                words = frame[column].astype("string")
                for level in self._levels[column]:
                    parts.append(np.asarray((words == level).fillna(False), dtype=np.float64))
        return np.column_stack(parts)
