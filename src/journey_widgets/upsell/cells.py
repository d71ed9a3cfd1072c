"""From the plan to the opportunity board: what an offer is believed to do at a moment, what it earns, and to whom.

An effect comes from the best there is: what a trial and the contacts that came back found, then a moment whose placebo
passed, then what the team judged. What was tested replaces what was believed before, the more so the more customers it
is about.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd

from journey_widgets.definition import defined
from journey_widgets.errors import JourneyDataError
from journey_widgets.estimates import CONFIDENCE, student, wilson
from journey_widgets.events.engine import collect
from journey_widgets.events.source import table_of
from journey_widgets.upsell.board import Board, board
from journey_widgets.upsell.board_rows import JUDGED, MODELLED, OBSERVED, PLACEBO, TESTED, Limits
from journey_widgets.upsell.document import Moment, Offer, UpsellPlan
from journey_widgets.upsell.moments import MOMENT
from journey_widgets.upsell.signals import LINES, before, signals

CAUTION = 0.8
"""Two-sided confidence of the lower limit that the board ranks by."""
TINY = 1e-9
NO_EFFECT, NO_MARGIN = "nobody knows what the offer does here", "nobody says what it earns"
EFFECTS = [
    "moment", "offer", "touchpoint", "effect", "effect_low", "n", "prior", "evidence", "by", "reason",
]  # fmt: skip
TRIAL, CONTACTS, BOTH = "trial", "contacts", "both"
"""What tested an effect."""


def effects(
    plan: UpsellPlan,
    *,
    trial: pd.DataFrame | None = None,
    moments: pd.DataFrame | None = None,
    results: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Return what each offer is believed to do at each moment of the plan, and what that rests on.

    Parameters
    ----------
    plan
        The upsell plan.
    trial
        As `trial.trial` returns it, with the plan's ``bought`` among the outcomes.
    moments
        As `moments.moments` returns it, of the plan's outcome: it speaks for offers that are accepted by it.
    results
        As `loop.calibration` returns it: what came of the contacts of an earlier plan, by offer and touchpoint.

    Returns
    -------
    pandas.DataFrame
        One row a moment, in the order of the plan. Columns: ``moment``, ``offer``, ``touchpoint`` (str); ``effect``
        (how much likelier a customer buys when contacted) with ``effect_low`` (its lower 80 % limit; of a judgement
        what the team calls the least), ``n`` (customers of the smaller side), ``prior`` (what was believed before a
        trial or results; missing where nothing was), all float64; ``evidence`` (one of `board.EVIDENCE`, blank where
        nobody knows anything) and ``reason`` (str).
    """
    rows = [_effect(plan, m, trial, moments, results) for m in plan.moments]
    return defined(
        pd.DataFrame(rows, columns=EFFECTS),
        "A trial and contacts that came back, by their precision, before moments, moments before judgement; prior: "
        "believed before any test",
    )


def _effect(
    plan: UpsellPlan, moment: Moment, trial: pd.DataFrame | None, moments: pd.DataFrame | None,
    results: pd.DataFrame | None,
) -> dict[str, Any]:  # fmt: skip
    offer = plan.offer(moment.offer)
    found: dict[str, Any] = {
        "moment": moment.id, "offer": offer.id, "touchpoint": moment.touchpoint, "effect": np.nan,
        "effect_low": np.nan, "n": np.nan, "prior": np.nan, "evidence": "", "by": "", "reason": "",
    }  # fmt: skip
    if offer.expected is not None:
        low = offer.expected_low
        found |= {
            "effect": offer.expected, "effect_low": np.nan if low is None else low, "evidence": JUDGED,
            "reason": f"as the team judges it{', without saying what it does at least' if low is None else ''}",
        }  # fmt: skip
    found |= _observed(plan, moment, offer, moments)
    tested = [
        t for t in (_tested(plan, moment, offer, trial), _came_back(moment, offer, results)) if t
    ]
    if tested:
        # Without a belief from before, a test is drawn towards nothing.
        prior = found["effect"] if np.isfinite(found["effect"]) else 0.0
        found |= {**(_pooled(*tested) if len(tested) > 1 else tested[0]), "prior": prior}
    return found


def _pooled(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    """Return what a trial and contacts found together: each counts by its precision."""
    effects, reaches = (np.array([t[c] for t in (one, other)]) for c in ("effect", "reach"))
    weights = 1 / np.maximum(reaches, TINY) ** 2
    effect, reach = float((weights * effects).sum() / weights.sum()), float(weights.sum() ** -0.5)
    return _measured(effect, effect - reach, one["n"] + other["n"], BOTH)


def lower(value: Any, low: Any) -> Any:
    """Return the lower 80 % limit of an estimate with a 95 % interval."""
    from statistics import NormalDist

    one, other = (NormalDist().inv_cdf(0.5 + c / 2) for c in (CAUTION, CONFIDENCE))
    return value - (value - low) * one / other


def _observed(
    plan: UpsellPlan, moment: Moment, offer: Offer, moments: pd.DataFrame | None
) -> dict[str, Any]:
    """Return what customers do after what opens the moment, where that is the offer's own outcome."""
    same = {*offer.accepted_by, *offer.products} & set(plan.outcome)
    if moments is None or not same:
        return {}
    own = moments[(moments["touchpoint"] == moment.after) & (moments["verdict"] == MOMENT)]
    if own.empty:
        return {}
    row = own.iloc[0]
    effect, low = float(row["extra"]) / 1_000, float(row["extra_low"]) / 1_000
    # What an upgrade itself brings has no placebo.
    passed = np.isfinite(float(row["placebo"]))
    return {
        "effect": effect, "effect_low": lower(effect, low), "n": float(row["happened"]),
        "evidence": PLACEBO if passed else OBSERVED,
        "reason": f"after it customers take it {row['ratio']:.1f} times as often, offered or not",
    }  # fmt: skip


def _tested(
    plan: UpsellPlan, moment: Moment, offer: Offer, trial: pd.DataFrame | None
) -> dict[str, Any]:
    """Return what the trial found, at the moments it was run at."""
    if trial is None or plan.trial is None or offer.arm is None:
        return {}
    if plan.trial.moments and moment.id not in plan.trial.moments:
        return {}
    own = trial[(trial["arm"] == offer.arm) & (trial["outcome"] == plan.trial.bought)]
    if own.empty:
        return {}
    row = own.iloc[0]
    n = float(min(row["n"], row["n_comparison"]))
    return _measured(float(row["difference"]), float(row["low"]), n, TRIAL)


SAID = {
    TRIAL: "in the trial",
    CONTACTS: "of the last contacts",
    BOTH: "in the trial and of the last contacts",
}


def _measured(effect: float, low: float, n: float, by: str) -> dict[str, Any]:
    told = f"{SAID[by]} {100 * effect:+.1f} points bought"
    return {
        "effect": effect, "effect_low": lower(effect, low), "n": n, "evidence": TESTED, "by": by,
        "reach": effect - low,
        "reason": f"{told} because of it" if low > 0 else f"{told}, which is not certain",
    }  # fmt: skip


def _came_back(moment: Moment, offer: Offer, results: pd.DataFrame | None) -> dict[str, Any]:
    """Return what came of contacts; of several classes of evidence that of most customers."""
    if results is None:
        return {}
    own = results[(results["offer"] == offer.id) & (results["touchpoint"] == moment.touchpoint)]
    own = own[own["realised"].notna()]
    if own.empty:
        return {}
    row = own.sort_values("contacted", ascending=False, kind="stable").iloc[0]
    n = float(min(row["contacted"], row["left_alone"]))
    return _measured(float(row["realised"]), float(row["low"]), n, CONTACTS)


def earnings(
    plan: UpsellPlan, sources: Mapping[str, Any], *, until: datetime | None = None
) -> pd.DataFrame:
    """Return what one acceptance of each offer earns, and which share of them is kept.

    Parameters
    ----------
    plan
        The upsell plan.
    sources
        Kind of source → source or table; ``"order_lines"`` with ``margin`` say it where the plan does not.
    until
        Instant (UTC) before which things are known; all by default.

    Returns
    -------
    pandas.DataFrame
        One row an offer, in the order of the plan. Columns: ``offer`` (str); ``margin`` (float64, of one acceptance,
        in the workspace's currency; missing where nobody says it) with ``margin_low`` and ``margin_high`` (95 %, over
        the lines sold; missing where the plan says it); ``kept`` (float64, share of pieces that were not returned, or
        of acceptances that were not undone; 1 where none was seen) with ``kept_low`` and ``kept_high`` (Wilson);
        ``accepted`` (int64, pieces or customers it rests on); ``basis`` (str, who says the margin).
    """
    lines = _pieces(plan, sources, until)
    rows = []
    for offer in plan.offers:
        own = lines[lines["product"].isin(offer.products)]
        sold, back = float(own["sold"].sum()), float(own["back"].sum())
        margin, low, high, basis = offer.margin, np.nan, np.nan, "the plan"
        if margin is None:
            known = own[own["margin"].notna() & (own["priced"] > 0)]
            basis = "order lines" if len(known) else ""
            margin = float(known["margin"].sum() / known["priced"].sum()) if len(known) else np.nan
            low, high = _about(margin, known)
        kept, many = (1 - min(back / sold, 1.0), int(sold)) if sold else (1.0, 0)
        if not offer.products:
            kept, many = _not_undone(offer, sources, until)
        least, most = (float(v) for v in wilson(kept * many, many)) if many else (np.nan, np.nan)
        rows.append((offer.id, margin, low, high, kept, least, most, many, basis))
    columns = {
        "offer": "str", "margin": "float64", "margin_low": "float64", "margin_high": "float64", "kept": "float64",
        "kept_low": "float64", "kept_high": "float64", "accepted": "int64", "basis": "str",
    }  # fmt: skip
    frame = pd.DataFrame(rows, columns=list(columns)).astype(columns)
    return defined(
        frame, "Margin of one piece over all sales; kept: pieces sold less pieces returned"
    )


def _about(margin: float, lines: pd.DataFrame) -> tuple[float, float]:
    """Return the 95 % interval of the margin of a piece, from how lines differ; missing of fewer than two."""
    n = float(lines["lines"].sum())
    if n < 2:
        return np.nan, np.nan
    # Of a ratio of two sums: how lines fall off it, by the pieces on them.
    off = (
        lines["margins"].sum()
        - 2 * margin * lines["both"].sum()
        + margin**2 * lines["pieces"].sum()
    )
    pieces = float(lines["priced"].sum())
    reach = student(n - 1) * float(np.sqrt(max(off, 0.0) * n / (n - 1))) / pieces
    return margin - reach, margin + reach


def _pieces(plan: UpsellPlan, sources: Mapping[str, Any], until: datetime | None) -> pd.DataFrame:
    """Return product → pieces sold and returned, the margin of those sold, and how many pieces it is of."""
    asked = sorted({p for o in plan.offers for p in o.products})
    if not asked or LINES not in sources:
        names = [
            "product",
            "sold",
            "back",
            "margin",
            "priced",
            "lines",
            "margins",
            "both",
            "pieces",
        ]
        return pd.DataFrame({n: [] for n in names})
    table = table_of(sources[LINES], LINES, "product_id", "quantity", *(["ts"] if until else []))
    own = table.filter(table.product_id.cast("string").isin(asked))
    if until is not None:
        own = own.filter(own.ts < ibis.literal(until, "timestamp(6)"))
    margin = own.margin if "margin" in own.columns else ibis.null("float64")
    own = own.mutate(earned=margin)
    sale = own.quantity > 0
    known = sale & own.earned.notnull()
    found = own.group_by(product=own.product_id.cast("string")).agg(
        sold=own.quantity.sum(where=sale).fill_null(0), back=-own.quantity.sum(where=~sale).fill_null(0),
        margin=own.earned.sum(where=sale), priced=own.quantity.sum(where=known).fill_null(0),
        lines=known.sum(), margins=(own.earned * own.earned).sum(where=known),
        both=(own.earned * own.quantity).sum(where=known), pieces=(own.quantity * own.quantity).sum(where=known),
    )  # fmt: skip
    return collect(found.order_by("product")).astype({"margin": "float64"})


def _not_undone(
    offer: Offer, sources: Mapping[str, Any], until: datetime | None
) -> tuple[float, int]:
    """Return the share of customers who took it and did not give it back after, and how many took it."""
    rows = signals(sources)
    rows = before(rows, until) if until is not None else rows

    def last(events: Sequence[str], name: str) -> ir.Table:
        own = rows.filter(rows.event.isin(list(events) or [""]))
        return own.group_by("customer_id").agg(**{name: own.ts.max()})

    both = last(offer.accepted_by, "took").left_join(last(offer.undone_by, "gone"), "customer_id")
    told = collect(
        both.agg(many=both.count(), gone=(both.gone >= both.took).fill_null(False).sum())
    ).iloc[0]
    many, gone = int(told["many"]), int(told["gone"]) if told["many"] else 0
    return (1 - gone / many, many) if many else (1.0, 0)


def cells(
    plan: UpsellPlan, eligible: pd.DataFrame, effects: pd.DataFrame, earnings: pd.DataFrame,
    modelled: pd.DataFrame | None = None, segments: Mapping[str, str] | None = None,
    likely: Mapping[str, Sequence[str]] | None = None,
) -> pd.DataFrame:  # fmt: skip
    """Return the rows of the board: every customer at a moment with what the offer is believed to do and to earn.

    Parameters
    ----------
    plan
        The upsell plan.
    eligible
        As `eligibility.eligible` returns it. Customers whom a guard leaves in peace are in it, with their guard, so
        that the board can say how many they were.
    effects, earnings
        As `effects` and `earnings` return them.
    modelled
        What a trial did to customers like these: ``customer_id``, ``offer``, and ``group``, ``effect``, ``low`` and
        ``n`` as `uplift.Uplift.effects_of` returns them. It speaks at moments whose effect comes of the trial alone,
        and is drawn to the effect of the whole trial.
    segments
        Customer → value of the column of the plan's ``minimum``.
    likely
        Customer → why a score finds him likely to upgrade, or not, in words (`propensity.Propensity.reasons`): said of
        offers that are accepted by the plan's outcome.

    Returns
    -------
    pandas.DataFrame
        As `board.board` takes it, with ``guard`` and ``moment``. A customer who is at two moments of the same offer and
        touchpoint has one row, of the larger effect. Moments without an effect or a margin have none:
        ``attrs["left_out"]`` says which, and why.
    """
    left_out: dict[str, str] = {}
    known = dict(zip(effects["moment"], effects["evidence"], strict=True))
    money = dict(zip(earnings["offer"], earnings["margin"], strict=True))
    for m in plan.moments:
        if not known[m.id]:
            left_out[m.id] = NO_EFFECT
        elif not np.isfinite(money[m.offer]):
            left_out[m.id] = NO_MARGIN
    own = eligible[~eligible["moment"].isin(list(left_out))]
    costs = {o.id: o.cost for o in plan.offers}
    later = {o.id: o.follow_on for o in plan.offers}
    labels = {m.id: m.label for m in plan.moments}
    found = own.merge(effects.drop(columns=["offer", "touchpoint"]), on="moment", how="left")
    found = found if modelled is None else _modelled(found, modelled)
    found = found.merge(earnings[["offer", "margin", "kept"]], on="offer", how="left")
    found = found.assign(
        cost=found["offer"].map(costs).astype("float64"),
        follow_on=found["offer"].map(later).astype("float64"),
        segment=pd.Series(
            [(segments or {}).get(c, "") for c in found["customer_id"]], found.index, "str"
        ),
        reason=[f"{labels[m]}: {r}" for m, r in zip(found["moment"], found["reason"], strict=True)],
    )
    if likely:
        same = {o.id for o in plan.offers if {*o.accepted_by, *o.products} & set(plan.outcome)}
        told = [
            f"{r}; {', '.join(likely[c])}" if o in same and likely.get(c) else r
            for r, o, c in zip(found["reason"], found["offer"], found["customer_id"], strict=True)
        ]
        found = found.assign(reason=told)
    # Of equal rows the one that may be asked, then the one with more hope.
    found = found.assign(held=found["guard"] != "").sort_values(
        ["held", "effect"], ascending=[True, False], kind="stable"
    )
    found = found.drop_duplicates(["customer_id", "offer", "touchpoint"]).sort_index()
    columns = [
        "customer_id", "offer", "touchpoint", "moment", "guard", "effect", "effect_low", "n", "prior", "margin", "kept",
        "follow_on", "cost", "evidence", "segment", "reason",
    ]  # fmt: skip
    frame = defined(found[columns].reset_index(drop=True), eligible.attrs.get("definition", ""))
    frame.attrs["left_out"] = left_out
    return frame


def _modelled(found: pd.DataFrame, modelled: pd.DataFrame) -> pd.DataFrame:
    """Return rows with the effect of the customers ranked like each, where a trial was modelled."""
    own = modelled.rename(columns={"effect": "its", "low": "its_low", "n": "its_n"})
    both = found.merge(own, on=["customer_id", "offer"], how="left")
    here = (both["by"] == TRIAL) & both["its"].notna()
    both["prior"] = both["prior"].mask(here, both["effect"])
    both["effect"] = both["effect"].mask(here, both["its"])
    cautious = lower(both["its"], both["its_low"])
    both["effect_low"] = both["effect_low"].mask(here, cautious)
    both["n"] = both["n"].mask(here, both["its_n"])
    both["evidence"] = both["evidence"].mask(here, MODELLED)
    told = [
        f"in the trial {100 * e:+.1f} points bought of customers like this one ({g})" if h else r
        for h, e, g, r in zip(here, both["its"], both["group"], both["reason"], strict=True)
    ]  # fmt: skip
    return both.assign(reason=told).drop(columns=["group", "its", "its_low", "its_n"])


def plan_board(
    plan: UpsellPlan,
    cells: pd.DataFrame,
    *,
    owners: Mapping[str, str] | None = None,
    already: Mapping[str, int] | None = None,
    budget: float | None = None,
    max_contacts: int | None = None,
    salt: str = "board",
    currency: str = "",
) -> Board:
    """Plan the contacts within the limits of the plan.

    Parameters
    ----------
    plan
        The upsell plan: budget, slots, contacts a customer, fatigue, share left alone.
    cells
        As `cells` returns it.
    owners
        Touchpoint → the role that alone is accountable for it; None asks nobody.
    already
        Customer → contacts he had in the plan's period, as `loop.contacts_had` returns them.
    budget, max_contacts
        In place of the plan's.
    salt, currency
        As for `board.board`.
    """
    if cells.empty:
        msg = "Nobody is at a moment of the plan on this day, or nobody knows what an offer does or earns there."
        raise JourneyDataError(msg)
    if plan.teams and owners is None:
        teams = ", ".join(plan.teams)
        msg = f"The plan limits the contacts of {teams}, and nobody says who answers: owners were needed."
        raise JourneyDataError(msg)
    money = plan.budget if budget is None else budget
    there = {str(t) for t in cells["touchpoint"].unique()}
    roles = {r for t, r in (owners or {}).items() if t in there}
    limits = Limits(
        budget=float("inf") if money is None else money,
        slots={t: n for t, n in plan.slots.items() if t in there},
        teams={r: n for r, n in plan.teams.items() if r in roles},
        already=already,
        max_contacts=plan.max_contacts if max_contacts is None else max_contacts,
        fatigue=plan.fatigue,
        least=plan.minimum.contacts if plan.minimum else None,
    )
    return board(
        cells, limits=limits, owners=owners, held_out=plan.held_out, salt=salt, cautious=plan.cautious,
        currency=currency,
    )  # fmt: skip
