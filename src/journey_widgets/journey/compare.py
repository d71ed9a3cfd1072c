"""Compare two groups of customers: where do their paths differ, beyond chance?"""

from typing import Any, Literal, get_args

import numpy as np
import pandas as pd
from ibis import _

from journey_widgets.definition import defined
from journey_widgets.errors import JourneyDataError, did_you_mean
from journey_widgets.estimates import MIN_N, difference, false_discovery
from journey_widgets.events.engine import collect
from journey_widgets.events.paths import PathIndex, path_index

REST = "<REST>"
Of = Literal["transitions", "touchpoints"]
RATE = 0.05


def groups(log: Any, column: str, a: str, b: str = REST) -> tuple[PathIndex, PathIndex]:
    """Return two groups of customers by a column of their first event; `b` may be everyone else."""
    index = path_index(log)
    first = index.where(column, a)
    if b != REST:
        return first, index.where(column, b)
    assert first.chosen is not None  # noqa: S101 - where chooses
    return first, index.without(first.chosen, f"all but {column} = {a}")


def compare(
    a: Any, b: Any, *, of: str = "transitions", min_n: int = MIN_N, rate: float = RATE
) -> pd.DataFrame:
    """Compare what customers of two groups do.

    Parameters
    ----------
    a, b
        Two logs or indexes of different customers, such as `groups` gives them.
    of
        ``"transitions"``: of the customers at the source, who went on directly to the target at least
        once; ``"touchpoints"``: of all customers, who was there at least once.
    min_n
        Customers each group needs at a row's base; below it the row is ``"too few"``.
    rate
        Share of false findings accepted among those called different.

    Returns
    -------
    pandas.DataFrame
        One row per pair (or touchpoint), largest certain difference first. Columns: ``source``,
        ``target`` (or ``touchpoint``); ``customers_a``, ``n_a``, ``share_a`` and the same for b;
        ``difference`` (float64), share a less share b; ``low``, ``high``, ``method``, its 95 %
        interval; ``p_value``; ``adjusted``, the same after control of false discoveries over all
        rows with enough customers; ``verdict`` (str): ``"higher in a"``, ``"higher in b"``,
        ``"no difference shown"`` or ``"too few"``.
    """
    if of not in get_args(Of):
        msg = f"compare has no {of!r}. {did_you_mean(of, get_args(Of))}"
        raise JourneyDataError(msg)
    first, second = path_index(a), path_index(b)
    _refuse_common(first, second)
    counted = _edges if of == "transitions" else _visits
    keys = ["source", "target"] if of == "transitions" else ["touchpoint"]
    frame = counted(first).merge(counted(second), how="outer", on=keys, suffixes=("_a", "_b"))
    for side, index in (("a", first), ("b", second)):
        frame[f"customers_{side}"] = frame[f"customers_{side}"].fillna(0).astype("int64")
        bases = _bases(index) if of == "transitions" else {}
        everybody = index.customers()
        own = frame["source"].map(bases) if of == "transitions" else everybody
        frame[f"n_{side}"] = pd.Series(own, index=frame.index).fillna(0).astype("int64")
        with np.errstate(invalid="ignore", divide="ignore"):
            frame[f"share_{side}"] = frame[f"customers_{side}"] / frame[f"n_{side}"]
    low, high, p_value = difference(
        frame["customers_a"], frame["n_a"], frame["customers_b"], frame["n_b"]
    )
    enough = (frame["n_a"] >= min_n) & (frame["n_b"] >= min_n)
    adjusted = false_discovery(np.where(enough, p_value, np.nan))
    gap = frame["share_a"] - frame["share_b"]
    frame = frame.assign(
        difference=gap, low=low, high=high, method="newcombe 95 %", p_value=p_value,
        adjusted=adjusted, verdict=_verdicts(gap, enough, adjusted, rate),
    )  # fmt: skip
    certain = frame["verdict"].str.startswith("higher")
    frame = frame.assign(certain=certain, size=gap.abs().fillna(0))
    frame = frame.sort_values(
        ["certain", "size", *keys], ascending=[False, False, *[True] * len(keys)], kind="stable"
    )
    columns = [
        *keys, "customers_a", "n_a", "share_a", "customers_b", "n_b", "share_b", "difference",
        "low", "high", "method", "p_value", "adjusted", "verdict",
    ]  # fmt: skip
    base = "those who were at the source" if of == "transitions" else "all of the group"
    return defined(
        frame[columns].reset_index(drop=True),
        f"a: {first.in_words()}. b: {second.in_words()}",
        f"Unit: {first.unit}; base: {base}; counted once however often they did it",
        f"Called different where at most {rate:.0%} of such calls are false (Benjamini-Hochberg "
        f"over {int(enough.sum())} rows with {min_n} or more on both sides)",
    )


def _refuse_common(a: PathIndex, b: PathIndex) -> None:
    """Refuse groups that share customers: their difference has no meaning."""
    ids = [i.table.select("customer_id").distinct() for i in (a, b)]
    common = ids[0].semi_join(ids[1], "customer_id").count().to_pyarrow().as_py()
    if common:
        msg = (
            f"The groups share {common:,} customers; different ones were needed, for what one customer "
            "does is alike. Take groups by a column of the whole log, such as "
            "journey.groups(log, 'device', 'mobile'), and split them into sessions afterwards."
        )
        raise JourneyDataError(msg)


def _edges(index: PathIndex) -> pd.DataFrame:
    end = len(index.touchpoints)
    pairs = index.table.group_by("touchpoint", "next").agg(customers=_.customer.nunique())
    found = collect(pairs)
    names = [*index.touchpoints, "path_end"]
    return pd.DataFrame(
        {
            "source": [names[c] for c in found["touchpoint"]],
            "target": [names[int(c)] for c in found["next"].fillna(end)],
            "customers": found["customers"],
        }
    )


def _visits(index: PathIndex) -> pd.DataFrame:
    found = collect(index.table.group_by("touchpoint").agg(customers=_.customer.nunique()))
    names = [index.touchpoints[c] for c in found["touchpoint"]]
    return pd.DataFrame({"touchpoint": names, "customers": found["customers"]})


def _bases(index: PathIndex) -> dict[str, int]:
    visits = _visits(index)
    return dict(zip(visits["touchpoint"], visits["customers"].astype(int), strict=True))


def _verdicts(gap: pd.Series, enough: pd.Series, adjusted: np.ndarray, rate: float) -> np.ndarray:
    side = np.where(gap > 0, "higher in a", "higher in b")
    found = np.where(np.nan_to_num(adjusted, nan=1.0) <= rate, side, "no difference shown")
    return np.where(enough, found, "too few")
