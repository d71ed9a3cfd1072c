"""Values of closed periods that late data change: both are kept, and the change is not taken for performance."""

from datetime import datetime

import pandas as pd

KEY = ["kpi", "period", "definition"]
COLUMNS = [*KEY, "value", "n", "first_value", "first_n", "first_at", "changed_at"]
TINY = 1e-9


def restate(kept: pd.DataFrame | None, series: pd.DataFrame, at: datetime) -> pd.DataFrame:
    """Return what is kept of closed periods: the value they were first given, and the one they have now.

    Parameters
    ----------
    kept
        What was returned before; None the first time.
    series
        As `scorecard.series` returns it now. Open periods are not kept: they are expected to change.
    at
        The moment it was measured (UTC).

    Returns
    -------
    pandas.DataFrame
        One row per KPI, period and definition, in that order. Columns: ``kpi``, ``definition`` (str); ``period``
        (datetime64); ``value``, ``first_value`` (float64); ``n``, ``first_n`` (Int64); ``first_at``, ``changed_at``
        (datetime64, UTC; the latter missing where nothing changed). A KPI that is counted in another way has another
        definition, and so other rows: a new definition is never a restated value.
    """
    closed = series[~series["open"] & series["period"].notna() & series["value"].notna()]
    now = closed[[*KEY, "value", "n"]].drop_duplicates(KEY)
    moment = pd.Timestamp(at)
    if kept is None or kept.empty:
        fresh = now.assign(
            first_value=now["value"], first_n=now["n"], first_at=moment, changed_at=None
        )
        return _framed(fresh)
    both = kept.merge(now, on=KEY, how="outer", suffixes=("", "_now"))
    seen, known = both["value_now"].notna(), both["value"].notna()
    moved = (
        seen
        & known
        & ((both["value_now"] - both["value"]).abs() > TINY * both["value"].abs().clip(lower=1.0))
    )
    both["changed_at"] = pd.to_datetime(both["changed_at"]).mask(moved, moment)
    # What differs in its last digits alone stays as it is kept: looking at it changes nothing.
    other = moved | ~known
    for column in ("value", "n"):
        both[f"first_{column}"] = both[f"first_{column}"].where(known, both[f"{column}_now"])
        both[column] = both[f"{column}_now"].where(seen & (other | (column == "n")), both[column])
    both["first_at"] = pd.to_datetime(both["first_at"]).where(known, moment)
    return _framed(both)


def _framed(frame: pd.DataFrame) -> pd.DataFrame:
    types = {"value": "float64", "first_value": "float64", "n": "Int64", "first_n": "Int64"}
    times = {
        c: pd.to_datetime(frame[c]).astype("datetime64[us]")
        for c in ("period", "first_at", "changed_at")
    }
    found = frame.assign(**times)[COLUMNS].astype(types)
    return found.sort_values(["kpi", "period", "definition"], kind="stable", ignore_index=True)


def restated(kept: pd.DataFrame) -> pd.DataFrame:
    """Return the rows whose value is another one than at first, the latest change first."""
    found = kept[kept["changed_at"].notna()]
    return found.sort_values(
        ["changed_at", "kpi", "period"],
        ascending=[False, True, True],
        kind="stable",
        ignore_index=True,
    )
