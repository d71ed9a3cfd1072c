"""Small groups: what a published page does not say, because it would be about few people."""

from collections.abc import Iterable, Mapping, Sequence

import pandas as pd

from journey_widgets.definition import KEY, definition
from journey_widgets.scorecard.status import HIDDEN

PLACES = {"step", "offset", "place", "rank"}
"""Numbers that say where a row stands, and nothing about its group."""
APART: Mapping[str, tuple[str, ...]] = {
    "drop_off": (),
    "blank": (),
    "invited": ("response_rate", "low", "high"),
}
"""Counts that stand beside the others: a small one is blanked with these columns, not with its row."""


def hide_small(
    frame: pd.DataFrame, least: int, *, counts: Sequence[str] = ("customers",)
) -> pd.DataFrame:
    """Blank the figures of every row about fewer than `least` customers, and say so in its definition.

    Parameters
    ----------
    frame
        A result; its `counts` are numbers of customers. A base ``n`` is looked at too.
    least
        The smallest group whose figures may be seen. With 1, all are.
    counts
        Columns looked at. A row with a small number in any of them, zero excepted, is blanked: every number
        of it but `PLACES`, and ``n`` too where that is small. A count in `APART` is blanked by itself.

    Notes
    -----
    Whoever knows the rest of a total can sometimes work out what is missing; against that no single
    table can help. It keeps a page from pointing at single people.
    """
    looked_at = [c for c in (*counts, "n") if c in frame.columns]
    numbers = [c for c in frame.select_dtypes("number").columns if c not in PLACES]
    hidden = pd.DataFrame(False, index=frame.index, columns=numbers)
    for count in dict.fromkeys(looked_at):
        small = frame[count].between(1, least - 1).fillna(False).astype(bool)
        with_it = (count, *APART[count]) if count in APART else tuple(numbers)
        keep_base = count not in {"n", "people"} and count not in APART
        for column in with_it:
            if column in hidden and not (keep_base and column == "n"):
                hidden[column] |= small
    rows = int(hidden.any(axis=1).sum())
    if not rows:
        return frame
    result = frame.astype(dict.fromkeys(numbers, "float64"))
    for column in numbers:
        result.loc[hidden[column], column] = float("nan")
    said = f"{rows} row{'s' if rows > 1 else ''} of fewer than {least}"
    result.attrs = {**frame.attrs, KEY: f"{definition(frame)} Not shown: {said}.".strip()}
    return result


def hide_few(measured: pd.DataFrame, least: int, *, apart: Iterable[str] = ()) -> pd.DataFrame:
    """Blank the figures of measured KPIs that are about fewer than `least`, before anything is worked out from them.

    Parameters
    ----------
    measured
        As `scorecard.measure` or `scorecard.series` returns it.
    least
        The smallest n that may be seen. With 1, all are.
    apart
        KPIs that are not about people.

    Returns
    -------
    pandas.DataFrame
        The same rows; ``value``, ``low``, ``high`` and ``n`` are blank where n is small, and ``state`` is ``"hidden"``:
        a KPI without a figure that everything else leaves out, so that no score, limit or change gives it away.
    """
    small = measured["n"].between(1, least - 1).fillna(False).astype(bool)
    few = small & ~measured["kpi"].isin(set(apart)) if "kpi" in measured else small
    if not few.any():
        return measured
    blank = {c: measured[c].mask(few) for c in ("value", "low", "high", "n")}
    return measured.assign(**blank, state=measured["state"].mask(few, HIDDEN))


def people(number: float) -> str:
    """Return a number of customers in words, where `hide_small` may have blanked it."""
    return "a few" if pd.isna(number) else f"{int(number):,}"
