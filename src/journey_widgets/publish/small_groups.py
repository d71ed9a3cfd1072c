"""Small groups: what a published page does not say, because it would be about few people."""

from collections.abc import Sequence

import pandas as pd

from journey_widgets.journey.definition import KEY, definition

PLACES = {"step", "offset", "place", "rank", "n"}
"""Numbers that say where a row stands or what it is a part of, and nothing about its group."""


def hide_small(
    frame: pd.DataFrame, least: int, *, counts: Sequence[str] = ("customers",)
) -> pd.DataFrame:
    """Blank the figures of every row about fewer than `least` customers, and say so in its definition.

    Parameters
    ----------
    frame
        A result; its `counts` are numbers of customers.
    least
        The smallest group whose figures may be seen. With 1, all are.
    counts
        Columns looked at; a row with a small number in any of them, zero excepted, is blanked: every
        number of it but `PLACES`.

    Notes
    -----
    Whoever knows the rest of a total can sometimes work out what is missing; against that no single
    table can help. It keeps a page from pointing at single people.
    """
    small = pd.Series(False, index=frame.index)
    for column in counts:
        small |= frame[column].between(1, least - 1)
    if not small.any():
        return frame
    kept = PLACES - set(counts)
    numbers = [c for c in frame.select_dtypes("number").columns if c not in kept]
    result = frame.astype(dict.fromkeys(numbers, "float64"))
    result.loc[small, numbers] = float("nan")
    said = definition(frame)
    rows = f"{int(small.sum())} row{'s' if small.sum() > 1 else ''}"
    result.attrs = {**frame.attrs, KEY: f"{said} Not shown: {rows} of fewer than {least}.".strip()}
    return result


def people(number: float) -> str:
    """Return a number of customers in words, where `hide_small` may have blanked it."""
    return "a few" if pd.isna(number) else f"{int(number):,}"
