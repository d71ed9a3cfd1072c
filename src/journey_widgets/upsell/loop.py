"""Closing the loop: what a plan expected of its contacts, beside what came of them.

The contacts of a plan go out with those who were left alone (`board.Board.assignment`). When their time is over the log
says who took the offer: the two arms differ by chance alone, so that their difference is what the plan brought, and it
can be held against what the board believed.
"""

from collections.abc import Mapping
from typing import Any

import ibis
import numpy as np
import pandas as pd

from journey_widgets.definition import defined
from journey_widgets.errors import JourneyDataError, did_you_mean
from journey_widgets.estimates import difference_in_strata
from journey_widgets.events.durations import microseconds
from journey_widgets.events.engine import collect
from journey_widgets.events.source import table_of
from journey_widgets.tables import require_columns
from journey_widgets.upsell.board_rows import CONTACTED, LEFT_ALONE
from journey_widgets.upsell.days import earlier
from journey_widgets.upsell.document import UpsellPlan
from journey_widgets.upsell.eligibility import Known, instant
from journey_widgets.upsell.offer_funnel import taken

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


def came_back(
    plan: UpsellPlan,
    contacts: Any,
    sources: Mapping[str, Any] | Known,
    *,
    as_of: str = "",
    zone: str = "UTC",
) -> pd.DataFrame:
    """Return the contacts of earlier plans whose time is over, with who took what was offered.

    Parameters
    ----------
    plan
        The upsell plan: how an offer is seen to be accepted, and within which time.
    contacts
        Source or table of the contract ``contacts``: rows of `board.Board.assignment`. A ``bought`` that is given is
        kept; without one the log, usage or order lines say it, for both arms alike from ``ts`` on.
    sources, as_of, zone
        As for `eligibility.eligible`; what comes later than the day is not known.

    Returns
    -------
    pandas.DataFrame
        The same columns with ``bought`` (float64, 0 or 1). The definition says how many are left out because their
        time is not over.

    Raises
    ------
    JourneyDataError
        An offer that the plan does not have (any more) and whose contacts do not say who bought.
    """
    known = Known.of(plan, sources, zone)
    until = pd.Timestamp(instant(plan, known, as_of))
    table = table_of(contacts, "contacts", *REQUIRED, "ts")
    rows = collect(
        table.mutate(
            customer_id=table.customer_id.cast("string"), ts=table.ts.cast("timestamp(6)"),
            bought=table.bought.cast("float64") if "bought" in table.columns else ibis.null("float64"),
            compared=table.compared.cast("float64") if "compared" in table.columns else ibis.null("float64"),
        ).order_by("ts", "offer", "customer_id")
    )  # fmt: skip
    rows = rows[rows["compared"].isna() | (rows["compared"] != 0)].reset_index(drop=True)
    lengths = {o.id: pd.Timedelta(microseconds=microseconds(o.within)) for o in plan.offers}
    silent = rows[rows["bought"].isna() & ~rows["offer"].isin(list(lengths))]
    if len(silent):
        name = str(silent["offer"].iloc[0])
        msg = (
            f"contacts: {len(silent)} of the offer {name!r} do not say who bought, and the plan does not have it. "
            f"{did_you_mean(name, list(lengths))}"
        )
        raise JourneyDataError(msg)
    waits = pd.to_timedelta([lengths.get(o, pd.Timedelta(0)) for o in rows["offer"]])
    ends = rows["ts"] + waits
    over = rows[ends <= until].reset_index(drop=True)
    for (offer, _ts), own in over[over["bought"].isna()].groupby(["offer", "ts"], sort=False):
        anchors = own[["customer_id"]].drop_duplicates().assign(offered=own["ts"].iloc[0])
        took, _back = taken(known, plan.offer(str(offer)), anchors, until.to_pydatetime())
        who = set(anchors["customer_id"][took])
        over.loc[own.index, "bought"] = own["customer_id"].isin(who).astype("float64")
    local = until.tz_localize("UTC").tz_convert(known.zone)
    return defined(
        over.drop(columns=["row", "compared"], errors="ignore"),
        f"Contacts whose time was over at the beginning of {local:%-d %B %Y}; {len(rows) - len(over):,} more are not",
    )


def contacts_had(
    plan: UpsellPlan, contacts: Any, sources: Mapping[str, Any] | Known, *, as_of: str = "", zone: str = "UTC"
) -> dict[str, int]:  # fmt: skip
    """Return how many contacts customers had by earlier plans within the plan's ``period``; without one none.

    A contact exactly as long ago as the period is not in it any more: weekly plans may contact a customer each week.

    Parameters
    ----------
    plan
        The upsell plan.
    contacts, sources, as_of, zone
        As for `came_back`. Contacts of the day of the plan itself, and later ones, are not counted: they are its own.
    """
    if plan.period is None:
        return {}
    known = Known.of(plan, sources, zone)
    until = pd.Timestamp(instant(plan, known, as_of))
    since = earlier(until, plan.period, known.zone)
    table = table_of(contacts, "contacts", "customer_id", "arm", "ts")
    ts = table.ts.cast("timestamp(6)")
    own = table.filter(
        table.arm == CONTACTED, ts > since.to_pydatetime(), ts < until.to_pydatetime()
    )
    found = collect(own.group_by(customer_id=own.customer_id.cast("string")).agg(had=own.count()))
    return {str(c): int(n) for c, n in zip(found["customer_id"], found["had"], strict=True)}


def calibration(contacts: pd.DataFrame, bought: str = "bought") -> pd.DataFrame:
    """Hold what a board believed against what came of its contacts.

    Parameters
    ----------
    contacts
        As `came_back` returns it: rows of `board.Board.assignment` with a column of 0 and 1 that says who bought. Of
        several contacts of a customer with one offer at one touchpoint the first counts. Plans, told apart by ``ts``,
        have their own season and share left alone: they are compared one by one and then weighted.
    bought
        That column; a blank is 0.

    Returns
    -------
    pandas.DataFrame
        One row an offer, touchpoint and class of evidence, by evidence and offer; last one a class of evidence, with
        blank offer and touchpoint. Columns: ``offer``, ``touchpoint``, ``evidence`` (str); ``contacted``,
        ``left_alone`` (int64, customers; of a class contacts); ``expected`` (float64, mean of what was believed of
        those contacted); ``realised`` with ``low`` and ``high`` (difference of the shares that bought, see
        `estimates.difference_in_strata`); ``ratio`` (realised over expected: the board's own calibration, 1 where it
        was right); ``verdict`` (str). Below 25 customers in an arm only the counts.

    Raises
    ------
    JourneyDataError
        Missing columns, an arm of another name, a customer in both arms of a plan, values that are not 0 and 1.
    """
    require_columns(contacts.columns, *REQUIRED, bought, name="contacts")
    strange = sorted(set(contacts["arm"].astype("str")) - {CONTACTED, LEFT_ALONE})
    if strange:
        msg = f"contacts: arm {strange[0]!r}; {CONTACTED!r} or {LEFT_ALONE!r} was needed."
        raise JourneyDataError(msg)
    sides = contacts.groupby(["customer_id", *_plan(contacts)])["arm"].nunique()
    if (sides > 1).any():
        msg = f"contacts: {int((sides > 1).sum())} customers are in both arms of one plan; each belongs to one."
        raise JourneyDataError(msg)
    did = pd.to_numeric(contacts[bought], errors="coerce")
    wrong = int((contacts[bought].notna() & ~did.isin([0, 1])).sum())
    if wrong:
        msg = f"contacts: {bought} is neither 0 nor 1 in {wrong} rows."
        raise JourneyDataError(msg)
    found = contacts.assign(did=did.fillna(0.0), expected=pd.to_numeric(contacts["expected"]))
    found = _first(found)
    rows = [
        {"offer": o, "touchpoint": t, "evidence": e, **_compared(own)}
        for (e, o, t), own in found.groupby(["evidence", "offer", "touchpoint"], sort=True)
    ]
    rows += [
        {"offer": "", "touchpoint": "", "evidence": e, **_compared(own)}
        for e, own in found.groupby("evidence", sort=True)
    ]
    return defined(
        pd.DataFrame(rows, columns=COLUMNS),
        "Contacted against those left alone by chance who would have been contacted, plan by plan, the plans weighted "
        "by Mantel and Haenszel",
    )


def _plan(contacts: pd.DataFrame) -> list[str]:
    """Return the column that tells plans apart, where there is one."""
    return ["ts"] if "ts" in contacts.columns else []


def _first(own: pd.DataFrame) -> pd.DataFrame:
    """Return the first contact of each customer with each offer at each touchpoint."""
    plan = _plan(own)
    in_order = own.sort_values(plan, kind="stable") if plan else own
    return in_order.drop_duplicates(["customer_id", "evidence", "offer", "touchpoint"])


def _compared(own: pd.DataFrame) -> dict[str, Any]:
    """Return what contacts brought: arms are held against each other within a plan, offer and touchpoint."""
    one, two = (own[own["arm"] == arm] for arm in (CONTACTED, LEFT_ALONE))
    row: dict[str, Any] = {
        "contacted": len(one), "left_alone": len(two),
        "expected": float(one["expected"].mean()) if len(one) else np.nan,
        "realised": np.nan, "low": np.nan, "high": np.nan, "ratio": np.nan, "verdict": TOO_FEW,
    }  # fmt: skip
    if min(len(one), len(two)) < LEAST:
        return row
    keys = ["offer", "touchpoint", *_plan(own)]
    a, b = (
        part.groupby(keys).agg(k=("did", "sum"), n=("did", "size"), e=("expected", "mean"))
        for part in (one, two)
    )
    strata = a.merge(b, left_index=True, right_index=True, suffixes=("_one", "_two"))
    realised, low, high = difference_in_strata(
        *(strata[c] for c in ("k_one", "n_one", "k_two", "n_two"))
    )
    if not np.isfinite(realised):
        return row
    weight = strata["n_one"] * strata["n_two"] / (strata["n_one"] + strata["n_two"])
    row |= {
        "realised": realised, "low": low, "high": high,
        "expected": float((weight * strata["e_one"]).sum() / weight.sum()),
    }  # fmt: skip
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


def planned_and_measured(
    plan: UpsellPlan, trial: pd.DataFrame | None, results: pd.DataFrame | None = None
) -> pd.DataFrame:
    """Hold what the team expected of each offer against what its trial, or its contacts, found.

    Parameters
    ----------
    plan
        The upsell plan: ``expected`` and ``arm`` of each offer.
    trial
        As `trial.trial` returns it, with the plan's ``bought`` and harms; None where there was no trial.
    results
        As `calibration` returns it: it speaks for offers that no trial measured. None where no contacts came back.

    Returns
    -------
    pandas.DataFrame
        One row an offer, in the order of the plan. Columns: ``offer``, ``label``, ``kpi`` (str, blank where it names
        none); ``touchpoint`` (str, where it is made first); ``planned`` (float64: what the team judges; without a
        judgement what the plan of the contacts believed), ``measured`` with ``low`` and
        ``high`` (missing where nothing was measured), ``n`` (int64, both arms), ``smaller`` (int64, the smaller of the
        two), ``by`` (str: ``"trial"``, ``"contacts"`` or blank), ``verdict`` (str).
    """
    at: dict[str, str] = {}
    for m in plan.moments:
        at.setdefault(m.offer, m.touchpoint)
    rows = []
    for o in plan.offers:
        planned = np.nan if o.expected is None else o.expected
        row: dict[str, Any] = {
            "offer": o.id, "label": o.label, "kpi": o.kpi or "", "touchpoint": at.get(o.id, ""), "planned": planned,
            "measured": np.nan, "low": np.nan, "high": np.nan, "n": 0, "smaller": 0, "by": "",
            "verdict": "no trial",
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
                    "n": int(found["n"] + found["n_comparison"]), "by": "trial",
                    "smaller": int(min(found["n"], found["n_comparison"])),
                    "verdict": held_against(planned, low, high),
                }  # fmt: skip
        if not row["by"]:
            row |= _of_contacts(o.id, planned, results)
        rows.append(row)
    columns = [
        "offer", "label", "kpi", "touchpoint", "planned", "measured", "low", "high", "n", "smaller", "by", "verdict",
    ]  # fmt: skip
    return defined(
        pd.DataFrame(rows, columns=columns).astype({"n": "int64", "smaller": "int64"}),
        "Planned: as the team judges it; measured: difference to the arm that was left alone, Newcombe's 95 % interval",
    )


def _of_contacts(offer: str, planned: float, results: pd.DataFrame | None) -> dict[str, Any]:
    """Return what contacts measured of an offer: where it was made to most customers."""
    if results is None:
        return {}
    own = results[(results["offer"] == offer) & results["realised"].notna()]
    if own.empty:
        return {}
    best = own.sort_values("contacted", ascending=False, kind="stable").iloc[0]
    low, high = float(best["low"]), float(best["high"])
    return {
        "planned": planned if np.isfinite(planned) else float(best["expected"]),
        "measured": float(best["realised"]), "low": low, "high": high,
        "n": int(best["contacted"] + best["left_alone"]), "smaller": int(min(best["contacted"], best["left_alone"])),
        "by": "contacts", "touchpoint": str(best["touchpoint"]),
        "verdict": held_against(planned if np.isfinite(planned) else float(best["expected"]), low, high),
    }  # fmt: skip
