"""The worked cases beside this file, and the five touchpoints of our own plan."""

import json
from pathlib import Path
from typing import Any

import pandas as pd

CASES = Path(__file__).parent / "cases"


def case(name: str) -> dict[str, Any]:
    """Return a worked case."""
    found: dict[str, Any] = json.loads((CASES / f"{name}.json").read_text())
    return found


def matrix_of(found: dict[str, Any]) -> pd.DataFrame:
    """Return the matrix of a case with the names of its factors."""
    names = found.get("factors") or [str(i + 1) for i in range(len(found["matrix"]))]
    return pd.DataFrame(found["matrix"], index=names, columns=names)


FIVE = ("checkout", "confirmation", "delivery", "set_up", "support")
FIVE_TOUCHPOINTS = pd.DataFrame(
    [[0, 2, 1, 0, 1], [0, 0, 1, 1, 2], [0, 0, 0, 1, 3], [0, 0, 0, 0, 3], [0, 0, 0, 1, 0]],
    index=FIVE,
    columns=FIVE,
)
