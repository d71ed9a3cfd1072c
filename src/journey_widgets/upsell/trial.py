"""Trials: what an offer did beyond what would have happened anyway, and what it cost besides.

Only a comparison group that chance chose can say so. Whether chance did choose is looked at first.
"""

from collections.abc import Mapping, Sequence
from math import sqrt
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from journey_widgets.definition import defined
from journey_widgets.errors import JourneyDataError, did_you_mean
from journey_widgets.estimates import CONFIDENCE, Floats, difference, student
from journey_widgets.events.engine import collect
from journey_widgets.events.source import table_of

ALPHA = 0.001
"""Chance of so uneven a split below which a trial is not read any further."""
BUYERS = 25
"""Buyers in an arm below which the interval of a mean with many zeros is too narrow."""
SHARE, MEAN = "share", "mean"
COLUMNS = [
    "arm", "outcome", "harm", "kind", "n", "n_comparison", "value", "comparison", "difference", "low", "high", "ratio",
    "ratio_low", "ratio_high", "p_value", "adjusted", "adjusted_low", "adjusted_high", "variance_kept", "doubt",
]  # fmt: skip


def sample_ratio(
    counts: Mapping[str, int], split: Mapping[str, float] | None = None
) -> tuple[float, float]:
    """Test whether arms have the sizes they were planned to have.

    Parameters
    ----------
    counts
        Arm → customers in it.
    split
        Arm → planned share; equal ones by default.

    Returns
    -------
    tuple
        Chi-square, and how often chance alone gives one as large or larger.

    Examples
    --------
    >>> found = sample_ratio({"a": 821588, "b": 815482})
    >>> round(found[0], 2), f"{found[1]:.1e}"
    (22.77, '1.8e-06')
    """
    from scipy.special import chdtrc

    planned = dict(split) if split else dict.fromkeys(counts, 1 / len(counts))
    if set(planned) != set(counts) or min(planned.values()) <= 0:
        msg = f"split names {', '.join(planned)}; a share above 0 of each arm was needed: {', '.join(counts)}."
        raise JourneyDataError(msg)
    total, shares = sum(counts.values()), sum(planned.values())
    expected = {a: total * s / shares for a, s in planned.items()}
    found = sum((counts[a] - e) ** 2 / e for a, e in expected.items())
    return float(found), float(chdtrc(len(counts) - 1, found))


def trial(
    trials: Any,
    outcomes: Sequence[str],
    *,
    comparison: str,
    harms: Sequence[str] = (),
    split: Mapping[str, float] | None = None,
    before: str = "",
    cluster: str = "",
) -> pd.DataFrame:
    """Compare the arms of a trial with the comparison group.

    Parameters
    ----------
    trials
        Source or table with one row a customer: ``arm``, and the columns named here.
    outcomes, harms
        Columns of numbers: 0 and 1 are read as a share, others as a mean a customer; a blank is 0. `harms` (opt-outs,
        complaints, returns, churn) stand beside the outcomes and are wanted low.
    comparison
        The arm that was left alone.
    split
        Arm → planned share of the customers; equal by default. Where the arms have other sizes than chance allows, the
        trial is refused.
    before
        Column of numbers known before the trial, such as last year's spend: means are adjusted for it (CUPED).
    cluster
        Column of what was assigned as one, such as the household; each customer by default.

    Returns
    -------
    pandas.DataFrame
        One row an arm and outcome, harms last. Columns: ``arm``, ``outcome`` (str), ``harm`` (bool), ``kind``
        (``"share"`` or ``"mean"``); ``n``, ``n_comparison`` (int64); ``value``, ``comparison`` and ``difference``
        with its 95 % interval (shares: Newcombe; means: Welch; with clusters: between clusters); ``ratio`` with its
        interval (logarithm of shares; missing for means and with clusters); ``p_value`` (two-sided, Holm over the arms
        of an outcome); ``adjusted`` with interval (difference of means after CUPED) and ``variance_kept`` (1 - r
        squared: 0.99 is nothing gained), missing for shares, with clusters and without `before`; ``doubt`` (str, blank
        where there is none).

    Raises
    ------
    JourneyDataError
        No comparison group, a column that is not there or not numbers, arms of sizes that chance does not give.

    References
    ----------
    .. [1] A. Deng, Y. Xu, R. Kohavi, T. Walker, "Improving the sensitivity of online controlled experiments by
       utilizing pre-experiment data", WSDM 2013.
    .. [2] A. Fabijan and others, "Diagnosing sample ratio mismatch in online controlled experiments", KDD 2019.
    """
    wanted = [*outcomes, *harms]
    frame = rows_of(trials, wanted, comparison, extra=[c for c in (before, cluster) if c])
    arms = [a for a in frame["arm"].unique() if a != comparison]
    sizes = planned_sizes(frame, split, cluster=cluster)
    rows = []
    for outcome in wanted:
        is_share = set(frame[outcome].unique()) <= {0.0, 1.0}
        per_outcome = [
            _compared(frame, a, comparison, outcome, before=before, cluster=cluster, share=is_share)
            for a in sorted(arms)
        ]
        adjusted = _holm([r["p_value"] for r in per_outcome])
        rows += [
            {**r, "harm": outcome in harms, "p_value": q}
            for r, q in zip(per_outcome, adjusted, strict=True)
        ]
    found = pd.DataFrame(rows)[COLUMNS]
    said = (
        f"Against {comparison}, chosen by chance; {sizes}. Differences with 95 % "
        f"intervals{f', between clusters by {cluster}' if cluster else ''}; p-values by Holm over the arms"
    )
    return defined(found, said)


def planned_sizes(
    frame: pd.DataFrame, split: Mapping[str, float] | None, *, cluster: str = ""
) -> str:
    """Say that the arms have the sizes that were planned; where chance does not give such ones, raise."""
    own = frame
    if cluster:
        own = frame[["arm", cluster]].drop_duplicates()
        missing, spread = int(frame[cluster].isna().sum()), int(own[cluster].duplicated().sum())
        if missing or spread:
            msg = (
                f"{missing} customers have no {cluster}, and {spread} of them are in several arms: each of what was "
                "assigned as one belongs to one arm."
            )
            raise JourneyDataError(msg)
    counts = {str(a): int(n) for a, n in own["arm"].value_counts().sort_index().items()}
    chi, p = sample_ratio(counts, split)
    if p < ALPHA:
        sizes = ", ".join(f"{a} {n:,}" for a, n in counts.items())
        msg = (
            f"The arms are not of the sizes that were planned: {sizes} (chi-square {chi:.1f}, p {p:.1g}). Something "
            "decides who is in which arm or who is counted; find it before anything is read from this trial. Where "
            "the arms were planned unequal, say so: split={...}."
        )
        raise JourneyDataError(msg)
    return f"arms of the planned sizes (chi-square {chi:.2f}, p {p:.2f})"


def rows_of(
    trials: Any, columns: Sequence[str], comparison: str, *, extra: Sequence[str] = ()
) -> pd.DataFrame:
    """Return the rows of a trial: arm and numbers; without a comparison group there is nothing to read."""
    table = table_of(trials, "trials", "arm", *columns, *extra)
    if (
        "row" in table.columns
    ):  # who is drawn goes by place, and a warehouse gives rows in any order
        table = table.order_by("row")
    frame: pd.DataFrame = collect(table.select(*dict.fromkeys(["arm", *columns, *extra])))
    nowhere = int(frame["arm"].isna().sum())
    if nowhere:
        msg = f"trials: {nowhere} customers are in no arm; each needs one, or leave them out."
        raise JourneyDataError(msg)
    frame["arm"] = frame["arm"].astype("str")
    known = sorted(frame["arm"].unique())
    if comparison not in known or len(known) < 2:
        if comparison in known:
            hint = f"All {len(frame):,} customers are in that arm."
        else:
            hint = (
                did_you_mean(comparison, known)
                if comparison
                else f"The arms are {', '.join(known)}."
            )
        msg = (
            f"There is no comparison group {comparison!r}: without customers who were left alone by chance nothing can "
            f"be said to come from the offer. {hint}"
        )
        raise JourneyDataError(msg)
    for column in columns:
        given = frame[column].astype("float64") if frame[column].dtype == bool else frame[column]
        numbers = pd.to_numeric(given, errors="coerce")
        if (numbers.isna() & frame[column].notna()).any():
            msg = f"trials: {column} holds what is no number; 0 and 1, or amounts, were needed."
            raise JourneyDataError(msg)
        frame[column] = numbers.fillna(0.0).astype("float64")
    return frame


def _compared(
    frame: pd.DataFrame, arm: str, comparison: str, outcome: str, *, before: str, cluster: str, share: bool
) -> dict[str, Any]:  # fmt: skip
    own, other = frame[frame["arm"] == arm], frame[frame["arm"] == comparison]
    a, b = own[outcome].to_numpy("float64"), other[outcome].to_numpy("float64")
    row: dict[str, Any] = {
        "arm": arm, "outcome": outcome, "kind": SHARE if share else MEAN, "n": len(a), "n_comparison": len(b),
        "value": a.mean(), "comparison": b.mean(), "difference": a.mean() - b.mean(), "ratio": np.nan,
        "ratio_low": np.nan, "ratio_high": np.nan, "adjusted": np.nan, "adjusted_low": np.nan,
        "adjusted_high": np.nan, "variance_kept": np.nan, "doubt": "",
    }  # fmt: skip
    if cluster:
        row["low"], row["high"], row["p_value"] = between_clusters(own, other, outcome, cluster)
    elif share:
        low, high, p = difference(a.sum(), len(a), b.sum(), len(b))
        row["low"], row["high"], row["p_value"] = float(low), float(high), float(p)
    else:
        row["low"], row["high"], row["p_value"] = welch(a, b)
    if cluster:  # a ratio and an adjustment would take its customers for strangers
        pass
    elif share:
        row["ratio"], row["ratio_low"], row["ratio_high"] = ratio(a.sum(), len(a), b.sum(), len(b))
    elif before:
        given = pd.concat([own[before], other[before]])
        numbers = pd.to_numeric(given, errors="coerce")
        if (numbers.isna() & given.notna()).any():
            msg = f"trials: {before} holds what is no number; an amount from before the trial was needed."
            raise JourneyDataError(msg)
        pre = numbers.to_numpy("float64")
        row |= _cuped(a, b, pre)
    row["doubt"] = few_doubt(a, b, outcome)
    return row


def few_doubt(a: Floats, b: Floats, outcome: str) -> str:
    """Return what to doubt where few of an arm have anything of an outcome; blank where enough do."""
    few = min(int((a != 0).sum()), int((b != 0).sum()))
    if few >= BUYERS:
        return ""
    return f"{few} with any {outcome} in an arm: below {BUYERS} the interval is too narrow"


def welch(a: Floats, b: Floats) -> tuple[float, float, float]:
    """Return Welch's 95 % interval of a difference of means, and its two-sided p-value."""
    from scipy.special import stdtr

    if min(len(a), len(b)) < 2:
        return np.nan, np.nan, np.nan
    of_a, of_b = a.var(ddof=1) / len(a), b.var(ddof=1) / len(b)
    spread, gap = float(of_a + of_b), float(a.mean() - b.mean())
    if spread == 0:
        return gap, gap, 1.0 if gap == 0 else 0.0
    df = spread**2 / (of_a**2 / (len(a) - 1) + of_b**2 / (len(b) - 1))
    reach = student(df) * sqrt(spread)
    return gap - reach, gap + reach, float(2 * stdtr(df, -abs(gap) / sqrt(spread)))


def ratio(x: float, n: float, y: float, m: float) -> tuple[float, float, float]:
    """Return the ratio of two shares with its 95 % interval from the logarithm (Katz); missing where a count is 0.

    Examples
    --------
    >>> [round(v, 2) for v in ratio(189, 11034, 104, 11037)]
    [1.82, 1.43, 2.31]
    """
    if not x or not y:
        return np.nan, np.nan, np.nan
    from statistics import NormalDist

    found = (x / n) / (y / m)
    reach = NormalDist().inv_cdf(0.5 + CONFIDENCE / 2) * sqrt(1 / x - 1 / n + 1 / y - 1 / m)
    return float(found), float(found * np.exp(-reach)), float(found * np.exp(reach))


def between_clusters(
    own: pd.DataFrame, other: pd.DataFrame, outcome: str, cluster: str
) -> tuple[float, float, float]:
    """Return the interval of a difference where whole clusters were assigned: means of clusters, by their size."""
    from scipy.special import stdtr

    parts = []
    for side in (own, other):
        sums = side.groupby(cluster)[outcome].agg(["sum", "size"])
        mean, g = sums["sum"].sum() / sums["size"].sum(), len(sums)
        rest = sums["sum"] - mean * sums["size"]
        parts.append(
            (mean, g / max(g - 1, 1) * float((rest**2).sum()) / float(sums["size"].sum()) ** 2, g)
        )
    (a, of_a, g), (b, of_b, h) = parts
    spread = sqrt(of_a + of_b)
    if min(g, h) < 2 or spread == 0:
        return np.nan, np.nan, np.nan
    reach = student(g + h - 2) * spread
    return a - b - reach, a - b + reach, float(2 * stdtr(g + h - 2, -abs(a - b) / spread))


def _cuped(a: Floats, b: Floats, pre: Floats) -> dict[str, float]:
    """Return the difference of means, adjusted for what was known before, and how much of the variance is left."""
    known = np.where(np.isnan(pre), np.nanmean(pre), pre)
    post = np.concatenate([a, b])
    if known.std() == 0 or post.std() == 0:
        return {}
    theta = float(np.cov(known, post)[0, 1] / known.var(ddof=1))
    left = post - theta * (known - known.mean())
    low, high, _p = welch(left[: len(a)], left[len(a) :])
    r = float(np.corrcoef(known, post)[0, 1])
    gap = float(left[: len(a)].mean() - left[len(a) :].mean())
    return {"adjusted": gap, "adjusted_low": low, "adjusted_high": high, "variance_kept": 1 - r**2}


def _holm(p_values: Sequence[float]) -> npt.NDArray[np.float64]:
    """Return p-values adjusted by Holm: of all comparisons, a false one is called real in 5 % of trials at most."""
    given = np.asarray(p_values, dtype=np.float64)
    order = np.argsort(given)
    scaled = np.maximum.accumulate(given[order] * np.arange(len(given), 0, -1))
    found = np.empty_like(given)
    found[order] = np.minimum(scaled, 1.0)
    return found
