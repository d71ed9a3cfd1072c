"""Closing the loop: what a plan expected of its contacts, beside what came of them.

The contacts of a plan go out with those who were left alone (`board.Board.assignment`). When it is known who bought,
the same rows come back with that column: the two arms differ by chance alone, so that their difference is what the plan
brought, and it can be held against what the board believed.
"""

from typing import Any

import numpy as np
import pandas as pd

from journey_widgets.errors import JourneyDataError
from journey_widgets.estimates import difference
from journey_widgets.journey.definition import defined
from journey_widgets.tables import require_columns
from journey_widgets.upsell.board import CONTACTED, LEFT_ALONE
from journey_widgets.upsell.document import UpsellPlan

REQUIRED = ("customer_id", "offer", "touchpoint", "evidence", "arm", "expected")
AS_EXPECTED, LESS, MORE, UNSURE, TOO_FEW, NO_PLAN = (
    "as expected", "less than expected", "more than expected", "too uncertain to say", "too few to say",
    "nothing was expected",
)  # fmt: skip
LEAST = 25
"""Customers of each arm below which nothing is said."""
COLUMNS = [
    "offer", "touchpoint", "evidence", "contacted", "left_alone", "expected", "realised", "low", "high", "ratio",
    "verdict",
]  # fmt: skip


def calibration(contacts: pd.DataFrame, bought: str = "bought") -> pd.DataFrame:
    """Hold what a board believed against what came of its contacts.

    Parameters
    ----------
    contacts
        The rows of `board.Board.assignment` with a column of 0 and 1 that says who bought.
    bought
        That column; a blank is 0.

    Returns
    -------
    pandas.DataFrame
        One row an offer, touchpoint and class of evidence, by evidence and offer; last one a class of evidence, with
        blank offer and touchpoint. Columns: ``offer``, ``touchpoint``, ``evidence`` (str); ``contacted``,
        ``left_alone`` (int64); ``expected`` (float64, mean of what was believed of those contacted); ``realised`` with
        ``low`` and ``high`` (difference of the shares that bought, Newcombe 95 %); ``ratio`` (realised over expected:
        the board's own calibration, 1 where it was right); ``verdict`` (str). Below 25 customers in an arm only the
        counts.

    Raises
    ------
    JourneyDataError
        Missing columns, an arm of another name, a customer in both arms, values that are not 0 and 1.
    """
    require_columns(contacts.columns, *REQUIRED, bought, name="contacts")
    strange = sorted(set(contacts["arm"].astype("str")) - {CONTACTED, LEFT_ALONE})
    if strange:
        msg = f"contacts: arm {strange[0]!r}; {CONTACTED!r} or {LEFT_ALONE!r} was needed."
        raise JourneyDataError(msg)
    sides = contacts.groupby("customer_id")["arm"].nunique()
    if (sides > 1).any():
        msg = f"contacts: {int((sides > 1).sum())} customers are in both arms; each belongs to one."
        raise JourneyDataError(msg)
    did = pd.to_numeric(contacts[bought], errors="coerce")
    wrong = int((contacts[bought].notna() & ~did.isin([0, 1])).sum())
    if wrong:
        msg = f"contacts: {bought} is neither 0 nor 1 in {wrong} rows."
        raise JourneyDataError(msg)
    found = contacts.assign(did=did.fillna(0.0), expected=pd.to_numeric(contacts["expected"]))
    rows = [
        {"offer": o, "touchpoint": t, "evidence": e, **_compared(own)}
        for (e, o, t), own in found.groupby(["evidence", "offer", "touchpoint"], sort=True)
    ]
    rows += [
        {"offer": "", "touchpoint": "", "evidence": e, **_compared(_by_customer(own))}
        for e, own in found.groupby("evidence", sort=True)
    ]
    return defined(
        pd.DataFrame(rows, columns=COLUMNS),
        "Contacted against those left alone by chance who would have been contacted; Newcombe's 95 % interval",
    )


def _by_customer(own: pd.DataFrame) -> pd.DataFrame:
    """Return one row a customer: whether he bought anything, and what was expected of all his contacts."""
    return own.groupby(["customer_id", "arm"], as_index=False).agg(
        did=("did", "max"), expected=("expected", "sum")
    )


def _compared(own: pd.DataFrame) -> dict[str, Any]:
    a, b = own[own["arm"] == CONTACTED], own[own["arm"] == LEFT_ALONE]
    row: dict[str, Any] = {
        "contacted": len(a), "left_alone": len(b),
        "expected": float(a["expected"].mean()) if len(a) else np.nan,
        "realised": np.nan, "low": np.nan, "high": np.nan, "ratio": np.nan, "verdict": TOO_FEW,
    }  # fmt: skip
    if min(len(a), len(b)) < LEAST:
        return row
    low, high, _p = difference(a["did"].sum(), len(a), b["did"].sum(), len(b))
    realised = float(a["did"].mean() - b["did"].mean())
    row |= {"realised": realised, "low": float(low), "high": float(high)}
    row["ratio"] = realised / row["expected"] if row["expected"] else np.nan
    row["verdict"] = held_against(row["expected"], row["low"], row["high"])
    return row


def held_against(expected: float, low: float, high: float) -> str:
    """Say whether what was expected is what was measured; where that may be nothing too, nobody knows."""
    if not np.isfinite(low):
        return TOO_FEW
    if not np.isfinite(expected):
        return NO_PLAN
    if low <= expected <= high:
        return UNSURE if low <= 0 <= high and expected else AS_EXPECTED
    return LESS if expected > high else MORE


def planned_and_measured(plan: UpsellPlan, trial: pd.DataFrame | None) -> pd.DataFrame:
    """Hold what the team expected of each offer against what its trial found.

    Parameters
    ----------
    plan
        The upsell plan: ``expected`` and ``arm`` of each offer.
    trial
        As `trial.trial` returns it, with the plan's ``bought`` and harms; None where there was no trial.

    Returns
    -------
    pandas.DataFrame
        One row an offer, in the order of the plan. Columns: ``offer``, ``label``, ``kpi`` (str, blank where it names
        none); ``touchpoint`` (str, where it is made first); ``planned`` (float64), ``measured`` with ``low`` and
        ``high`` (missing without a trial), ``n`` (int64, both arms), ``verdict`` (str).
    """
    at: dict[str, str] = {}
    for m in plan.moments:
        at.setdefault(m.offer, m.touchpoint)
    rows = []
    for o in plan.offers:
        planned = np.nan if o.expected is None else o.expected
        row: dict[str, Any] = {
            "offer": o.id, "label": o.label, "kpi": o.kpi or "", "touchpoint": at.get(o.id, ""), "planned": planned,
            "measured": np.nan, "low": np.nan, "high": np.nan, "n": 0, "verdict": "no trial",
        }  # fmt: skip
        if trial is not None and plan.trial is not None and o.arm is not None:
            own = trial[(trial["arm"] == o.arm) & (trial["outcome"] == plan.trial.bought)]
            if own.empty:
                row["verdict"] = "the trial has no such arm"
            else:
                found = own.iloc[0]
                low, high = float(found["low"]), float(found["high"])
                row |= {
                    "measured": float(found["difference"]), "low": low, "high": high,
                    "n": int(found["n"] + found["n_comparison"]),
                    "verdict": held_against(planned, low, high),
                }  # fmt: skip
        rows.append(row)
    columns = [
        "offer",
        "label",
        "kpi",
        "touchpoint",
        "planned",
        "measured",
        "low",
        "high",
        "n",
        "verdict",
    ]
    return defined(
        pd.DataFrame(rows, columns=columns).astype({"n": "int64"}),
        "Planned: as the team judges it; measured: difference to the arm that was left alone, Newcombe's 95 % interval",
    )
