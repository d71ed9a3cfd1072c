"""How a number was counted, in words, kept with the frame that holds it."""

import pandas as pd

KEY = "definition"


def defined(frame: pd.DataFrame, *parts: str) -> pd.DataFrame:
    """Return `frame` with its definition: unit, window, order, re-entry and base, in sentences."""
    frame.attrs[KEY] = " ".join(p if p.endswith(".") else f"{p}." for p in parts if p)
    return frame


def definition(frame: pd.DataFrame) -> str:
    """Return how the numbers of a result were counted; blank for other frames."""
    return str(frame.attrs.get(KEY, ""))
