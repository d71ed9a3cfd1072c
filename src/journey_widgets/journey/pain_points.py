"""Pain points: where a group of customers is lost more often than the others, and what that costs.

Some are lost at every step of every journey. A step hurts where that can be mended, and the sign of it is
that others get through better: the same step is held against the rest of the customers, group by group.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import ibis.expr.types as ir
import numpy as np
import pandas as pd
from ibis import _

from journey_widgets.definition import defined
from journey_widgets.errors import JourneyDataError
from journey_widgets.estimates import MIN_N, difference, false_discovery
from journey_widgets.events.engine import collect
from journey_widgets.events.paths import PathIndex, path_index
from journey_widgets.journey.attempts import Rules, attempts

MAX_VALUES = 20
RATE = 0.05


@dataclass(frozen=True)
class Worth:
    """What a customer who gets through is worth, and which part of those lost can be won back.

    Both are assumptions, and are shown beside every figure made with them.
    """

    value: float
    recoverable: float
    currency: str = ""
    basis: str = ""

    def __post_init__(self) -> None:
        """Refuse amounts and shares that cannot be."""
        if not (self.value >= 0 and 0 <= self.recoverable <= 1):
            msg = (
                f"A value of 0 or more and a recoverable share from 0 to 1 were needed; got "
                f"{self.value} and {self.recoverable}."
            )
            raise JourneyDataError(msg)


def pain_points(
    log: Any,
    steps: Sequence[str],
    *,
    by: Sequence[str] | None = None,
    worth: Worth | None = None,
    owners: pd.DataFrame | None = None,
    kpis: dict[str, str] | None = None,
    within: str | None = None,
    min_n: int = MIN_N,
    rate: float = RATE,
) -> pd.DataFrame:
    """Find the steps at which a group of customers is lost more often than everyone else.

    Parameters
    ----------
    log
        A `Source` of events, a table with ``customer_id``, ``ts`` and ``event``, or a `PathIndex`.
    steps
        The way to success, touchpoint ids in order, as for `journey.funnel`.
    by
        Columns of the log to form groups by (at each customer's first event); by default all with 2 to
        20 values, but for ids of orders and sessions.
    worth
        Value of a customer who gets through, and the share that can be won back.
    owners
        Frame with ``touchpoint`` and ``accountable``, as `raci.owners` gives it.
    kpis
        Touchpoint id → the KPI that watches it.
    within, min_n, rate
        Time limit as in `journey.funnel`; customers needed on both sides; share of false findings
        accepted among those found.

    Returns
    -------
    pandas.DataFrame
        One row per pain point, largest loss first; none where no difference is certain. Columns:
        ``touchpoint`` (str), the step at which they are lost, ``not_reached`` (str), the step they do
        not come to; ``group`` (str), ``column=value``; ``customers`` (int64), of the group at the step,
        ``lost``, of these; ``lost_share``, ``others_lost_share`` (float64); ``difference`` with
        ``low``, ``high``, ``method``; ``p_value``, ``adjusted``; ``excess_customers`` with
        ``excess_low``, ``excess_high``, customers lost beyond the others' share; ``value``,
        ``recoverable``, ``currency``, ``loss``, ``loss_low``, ``loss_high`` (missing without `worth`);
        ``accountable``, ``kpi`` (str, blank where unknown).
    """
    steps = [str(s) for s in steps]
    if len(steps) < 2:
        msg = (
            f"pain_points needs two steps or more; got {len(steps)}. Give touchpoint ids in order."
        )
        raise JourneyDataError(msg)
    index = path_index(log)
    columns = list(by) if by is not None else _columns(index)
    rules = Rules.read(order="this", entry="first", within=within, exclude=())
    reached = attempts(index, steps, rules)
    depth = reached.as_table(index).select("customer", "depth")
    tested = pd.concat([_tests(index, column, depth, steps) for column in columns] or [_none()])
    frame = _judged(tested.reset_index(drop=True), min_n, rate)
    frame = _priced(frame, worth)
    answers = {} if owners is None else dict(owners[["touchpoint", "accountable"]].to_numpy())
    frame = frame.assign(
        accountable=pd.Series([answers.get(t, "") for t in frame["touchpoint"]], dtype="str"),
        kpi=pd.Series([(kpis or {}).get(t, "") for t in frame["touchpoint"]], dtype="str"),
    )
    key = "excess_customers" if worth is None else "loss"
    frame = frame.sort_values([key, "touchpoint", "group"], ascending=[False, True, True])
    assumed = (
        f"Loss: customers lost beyond the others' share x {worth.value:,.2f} {worth.currency} "
        f"({worth.basis or 'assumed'}) x {worth.recoverable:.0%} that can be won back (assumed)"
        if worth
        else "No value was given, so losses are in customers"
    )
    return defined(
        frame.reset_index(drop=True),
        f"Unit: {index.unit}; {index.in_words()}",
        f"Lost: reached a step and not the following one, {f'within {within}' if within else 'no time limit'}",
        f"Each group against everyone else at the same step; {len(tested)} comparisons by "
        f"{', '.join(columns) or 'no column'}; found where at most {rate:.0%} are false "
        f"(Benjamini-Hochberg) and both sides have {min_n} or more",
        assumed,
    )


def _columns(index: PathIndex) -> list[str]:
    ids = {"order_id", "session_id", "value"}
    found = []
    for name in index.attributes:
        if name not in ids and 2 <= len(index.values(name, limit=MAX_VALUES + 1)) <= MAX_VALUES:
            found.append(name)
    return found


def _none() -> pd.DataFrame:
    columns = [
        "touchpoint",
        "not_reached",
        "group",
        "customers",
        "lost",
        "others",
        "others_lost",
        "twin",
    ]
    return pd.DataFrame({c: [] for c in columns})


def _tests(index: PathIndex, column: str, depth: ir.Table, steps: Sequence[str]) -> pd.DataFrame:
    """Return one row per value and step: the group's losses and everyone else's."""
    first = index.table.filter(index.table.step == 1)
    group = first.select("customer", group=index.attribute(column).fill_null("(blank)"))
    counted = collect(group.join(depth, "customer").group_by("group", "depth").agg(n=_.count()))
    rows = []
    values = sorted(counted["group"].unique())
    for k in range(1, len(steps)):
        at, lost = counted[counted["depth"] >= k], counted[counted["depth"] == k]
        here, gone = (f.groupby("group")["n"].sum() for f in (at, lost))
        for one in values:
            n, x = int(here.get(one, 0)), int(gone.get(one, 0))
            rows.append(
                {
                    "touchpoint": steps[k - 1],
                    "not_reached": steps[k],
                    "group": f"{column}={one}",
                    "customers": n,
                    "lost": x,
                    "others": int(at["n"].sum()) - n,
                    "others_lost": int(lost["n"].sum()) - x,
                    # Of two values, the second one's test is the first one's, mirrored.
                    "twin": len(values) == 2 and one == values[1],
                }
            )
    return pd.DataFrame(rows) if rows else _none()


def _judged(tested: pd.DataFrame, min_n: int, rate: float) -> pd.DataFrame:
    x, n = tested["lost"].to_numpy(float), tested["customers"].to_numpy(float)
    y, m = tested["others_lost"].to_numpy(float), tested["others"].to_numpy(float)
    low, high, p_value = difference(x, n, y, m)
    enough = (n >= min_n) & (m >= min_n)
    twin = tested["twin"].to_numpy(bool)
    adjusted = false_discovery(np.where(enough & ~twin, p_value, np.nan))
    adjusted = np.where(twin, np.append(np.nan, adjusted)[:-1], adjusted)
    with np.errstate(invalid="ignore", divide="ignore"):
        share, others = x / n, y / m
    frame = tested.assign(
        lost_share=share, others_lost_share=others, difference=share - others, low=low, high=high,
        method="newcombe 95 %", p_value=p_value, adjusted=adjusted,
        excess_customers=n * (share - others), excess_low=n * low, excess_high=n * high,
    )  # fmt: skip
    hurts = enough & (share > others) & (np.nan_to_num(adjusted, nan=1.0) <= rate)
    found: pd.DataFrame = frame[hurts].drop(columns=["others", "others_lost", "twin"])
    return found.reset_index(drop=True)


def _priced(frame: pd.DataFrame, worth: Worth | None) -> pd.DataFrame:
    factor = np.nan if worth is None else worth.value * worth.recoverable
    return frame.assign(
        value=np.nan if worth is None else worth.value,
        recoverable=np.nan if worth is None else worth.recoverable,
        currency="" if worth is None else worth.currency,
        loss=frame["excess_customers"] * factor,
        loss_low=frame["excess_low"] * factor,
        loss_high=frame["excess_high"] * factor,
    )
