"""Load: how much work the letters of a matrix mean for each role."""

from collections.abc import Iterable, Mapping

from journey_widgets.raci.context import Row


def loads(rows: Iterable[Row], weights: Mapping[str, float]) -> dict[str, float]:
    """Return role id → load: for each row its volume (1 where none is given) times the weight of each letter."""
    result: dict[str, float] = {}
    for row in rows:
        volume = 1.0 if row.row.volume is None else row.row.volume
        for role, letters in row.cells.items():
            weight = sum(weights.get(letter, 0.0) for letter in sorted(letters))
            result[role] = result.get(role, 0.0) + volume * weight
    return result
