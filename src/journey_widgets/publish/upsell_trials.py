"""The upsell page's trials: what offers brought and earned, whom they move, what contacts brought, and what is next."""

import math
from typing import Any

import pandas as pd

from journey_widgets import upsell
from journey_widgets.definition import definition
from journey_widgets.events.engine import collect
from journey_widgets.events.source import table_of
from journey_widgets.publish import html
from journey_widgets.publish.figures import Figure
from journey_widgets.publish.page import records
from journey_widgets.publish.show import show, show_all
from journey_widgets.publish.upsell_view import CHANGE, UpsellPage, of, points, ranged, with_plan
from journey_widgets.upsell import charts
from journey_widgets.upsell.document import TrialColumns

LEAST_R = 0.1
"""Correlation with the time before below which allowing for it gains nothing worth telling."""


def trials(view: UpsellPage) -> Any:
    """Return what the offers brought in the trial, with harms beside, and whether they earned their cost."""
    found, columns = view.trial, view.plan.trial
    if found is None or columns is None:
        return html.note(view.why_not("trial"))
    found = view.seen(found)
    if found.empty:
        return html.note("The trial's arms are too small to be shown here.")
    named = found.assign(
        arm=[view.named(a) for a in found["arm"]],
        outcome=[str(o).replace("_", " ") for o in found["outcome"]],
    )
    adjusted = bool(found["adjusted"].notna().any())
    rows = [
        {
            "Offer": r["arm"], "What": f"{r['outcome']}{' (harm)' if r['harm'] else ''}",
            "With the offer": _level(view, r, "value"), "Left alone": _level(view, r, "comparison"),
            "Difference": points(*of(r, *CHANGE)) if r["kind"] == "share" else ranged(view.money, *of(r, *CHANGE)),
            "Times as often": ranged("{:.2f}".format, *of(r, "ratio", "ratio_low", "ratio_high")),
            **({"Allowing for before": _allowing(view, r)} if adjusted else {}),
            "p, adjusted": Figure("below 0.001" if r["p_value"] < 0.001 else f"{r['p_value']:.3f}", r["p_value"]),
            "Customers": view.few(r["n"] + r["n_comparison"]), "Doubt": r["doubt"],
        }
        for r in records(named)
    ]  # fmt: skip
    proved = view.proved
    earned = [
        view.returns[o.id]
        for o in view.plan.offers
        if proved and o.arm == proved["arm"] and o.id in view.returns
    ]
    said = "No offer certainly brought anything."
    if proved:
        first = f"{str(earned[0]['verdict']).capitalize()}: " if earned else ""
        told = f"{view.named(proved['arm'])} brought {points(*of(proved, *CHANGE))}"
        said = f"{first}{told}, beyond what would have come anyway."
    pieces = [
        show(charts.trial_chart(named), said, note=definition(found)),
        html.table(
            pd.DataFrame(rows),
            caption="What the offers brought, and what they harmed",
            note=_by_before(found, columns),
        ),
    ]
    returns = _returns(view)
    if returns is not None:
        pieces.append(returns)
    return show_all(pieces)


@with_plan
def last_contacts(view: UpsellPage) -> html.Html:
    """Return what the contacts of earlier plans brought, beside what was expected of them."""
    found = view.results
    if found is None:
        return html.note(view.why_not("results"))
    shown = view.seen(found, "contacted", "left_alone")
    # The total of a class says something where it has several offers, and tells one that is not shown.
    of_each, seen = (f[f["offer"] != ""]["evidence"].value_counts() for f in (found, shown))
    whole = {e for e, n in of_each.items() if n > 1 and seen.get(e, 0) == n}
    shown = shown[(shown["offer"] != "") | shown["evidence"].isin(whole)]
    if shown.empty:
        return html.note("Too few contacts came back to say anything.")
    rows = [
        {
            "Offer": view.named(r["offer"]) if r["offer"] else "All of them",
            "Made at": view.named(r["touchpoint"]) if r["touchpoint"] else "–", "Rested on": r["evidence"],
            "Contacted": view.few(r["contacted"]), "Left alone": view.few(r["left_alone"]),
            "Expected": Figure(f"{100 * r['expected']:+.1f} points", r["expected"]),
            "Of what was expected": Figure(f"{r['ratio']:.0%}", r["ratio"]) if pd.notna(r.get("ratio")) else "–",
            "Came": points(*of({**r, "n": r["contacted"] + r["left_alone"]}, "realised", "low", "high", "n")),
            "Verdict": r["verdict"],
        }
        for r in records(shown)
    ]  # fmt: skip
    return html.table(
        pd.DataFrame(rows), caption="What came of the last contacts",
        note=f"{definition(found)} Contacted against those left alone by chance who would have been contacted.",
    )  # fmt: skip


def _allowing(view: UpsellPage, row: dict[str, Any]) -> Figure:
    """Return a difference of means less what the arms differed by before the trial."""
    return ranged(view.money, *of(row, "adjusted", "adjusted_low", "adjusted_high"))


def _by_before(found: pd.DataFrame, columns: TrialColumns) -> str:
    """Say what allowing for the time before gained; p-values are by Holm over the arms."""
    kept = found["variance_kept"].dropna()
    said = "p-values by Holm over the arms of an outcome."
    if not len(kept):
        return said
    r = math.sqrt(max(1 - float(kept.min()), 0.0))
    gained = (
        f"takes {1 - float(kept.min()):.0%} of the variance away"
        if r > LEAST_R
        else "gains nothing"
    )
    return f"{said} Allowing for {columns.before} of before the trial (r {r:.2f}, CUPED) {gained}."


def _level(view: UpsellPage, row: dict[str, Any], which: str) -> Figure:
    value = float(row[which])
    return Figure(f"{value:.1%}" if row["kind"] == "share" else view.money(value), value)


def _returns(view: UpsellPage) -> html.Html | None:
    """Return whether each arm earned its cost: on margin, the verdict first."""
    if not view.returns or view.plan.trial is None:
        return None
    money = f", {view.currency}" if view.currency else ""
    labels = {o.id: o.label for o in view.plan.offers}
    rows = [
        {
            "Offer": labels[offer], "Verdict": r["verdict"],
            f"Incremental margin{money}": ranged(
                view.amount, *of(r, "incremental_margin", "margin_low", "margin_high", "customers")
            ),
            f"Cost{money}": Figure(view.amount(r["cost"]), r["cost"]),
            f"Profit{money}": ranged(view.amount, *of(r, "profit", "profit_low", "profit_high")),
            "Return": ranged("{:+,.0%}".format, *of(r, "roi", "roi_low", "roi_high")),
        }
        for offer, r in view.returns.items()
    ]  # fmt: skip
    shares = ", ".join(f"{labels[o]} {r['share']:.0%}" for o, r in view.returns.items())
    return html.table(
        pd.DataFrame(rows), caption="Whether it earned its cost",
        note=f"On margin ({shares} of the price), never on revenue; counted over {view.plan.trial.horizon}: what comes "
        "later is not in it.",
    )  # fmt: skip


def whom(view: UpsellPage) -> Any:
    """Return whether the offer moves some customers more than others, by what the log says of them."""
    proved = view.proved
    if proved is None or view.whom is None:
        return html.note(
            view.why_not("whom")
            or "There is no offer that certainly works, or nothing is known of the trial's customers before it."
        )
    found, missing = view.whom
    fifths = found.fifths()
    rows = [
        {
            "Fifth, best-ranked first": int(r["fifth"]), "Customers": view.few(r["customers"]),
            "Difference": points(r["uplift"], r["low"], r["high"], r["customers"]),
        }
        for r in fifths.to_dict("records")
    ]  # fmt: skip
    curve = found.curve()
    note = f"Qini {found.qini:.4f} ({found.low:.4f} to {found.high:.4f}). {definition(curve)}"
    if missing:
        note += f" Left out: {view.few(missing)} of the trial of whom the log knows nothing."
    return show_all(
        [
            show(
                charts.qini_chart(curve),
                f"{view.named(proved['arm'])}: {found.advice}",
                note=note,
            ),
            html.table(pd.DataFrame(rows), caption="Whom it moves"),
        ]
    )


# --- the next trial


@with_plan
def next_trial(view: UpsellPage) -> html.Html:
    """Return how large a trial of each offer has to be, and what one with those who are there now would show."""
    money = view.board.limits.budget if view.board else math.inf
    left = 0.5 if view.plan.trial is None else _share_left_alone(view)
    rows = []
    for o in view.plan.offers:
        base, n, said = _buys_anyway(view, o.id)
        hoped = o.expected if o.expected is not None and o.expected > 0 else base / 2
        here = _may_be_asked(view, o.id)
        row: dict[str, Any] = {
            "Offer": o.label, "Buy it anyway": Figure(f"{base:.1%}", base, n=n) if said else "nobody knows",
            "As": said or "–", "Hoped for": "–", "Customers needed": "–", "Contacts cost": "–",
            "May be asked now": view.few(here), "They would show": "–",
        }  # fmt: skip
        if base > 0 and base + hoped < 1:
            size = upsell.trial_size(
                base, hoped, customers=here, cost=o.cost, budget=money, held_out=left
            )
            seen = math.isfinite(size.smallest) and here >= max(view.page.least, 1)
            row |= {
                "Hoped for": Figure(f"{100 * hoped:+.1f} points", hoped),
                "Customers needed": Figure(f"{size.needed:,}", size.needed),
                "Contacts cost": Figure(view.money(size.costs), size.costs),
                "They would show": Figure(f"{100 * size.smallest:+.1f} points", size.smallest) if seen
                else "too few to show anything",
            }  # fmt: skip
        rows.append(row)
    note = html.note(
        "Who is in which arm is drawn from the customer and a word of the trial's own (upsell.assign): the same "
        "customer always falls on the same side. The board above draws whom it leaves alone before it ranks anybody."
    )
    return html.joined(_sizes(rows, left), *_by_revenue(view), note)


def _by_revenue(view: UpsellPage) -> list[html.Html]:
    """Return how many customers a trial needs that shall show what an offer earns, from how revenue differs so far."""
    columns, source = view.plan.trial, view.sources.get("trials")
    if columns is None or columns.revenue is None or source is None or columns.cluster:
        return []  # of what is drawn together, customers do not say how much differs
    alone = table_of(source, "trials", "arm", columns.revenue)
    alone = alone.filter(alone.arm.cast("string") == columns.comparison)
    paid = alone[columns.revenue].cast("float64").fill_null(0.0)
    n, mean, spread = collect(alone.agg(n=paid.count(), mean=paid.mean(), spread=paid.std())).iloc[
        0
    ]
    if n < max(view.page.least, 2) or not spread > 0:
        return []
    rows = []
    for o in view.plan.offers:
        share = view.margin_share(o)
        if o.arm is None or share is None or not o.cost:
            continue
        needed = o.cost / share  # revenue a contact must bring to pay for itself
        each = upsell.customers_needed_for_a_mean(float(spread), needed)
        rows.append(
            {
                "Offer": o.label, "Left alone spend": Figure(view.money(float(mean)), float(mean), n=float(n)),
                "They differ by (sd)": Figure(view.money(float(spread)), float(spread)),
                "Margin": Figure(f"{share:.0%}", share),
                "A contact pays from": Figure(view.money(needed), needed),
                "Customers in each arm": Figure(f"{each:,}", each),
            }
        )  # fmt: skip
    if not rows:
        return []
    return [
        html.table(
            pd.DataFrame(rows), caption="How large it has to be to show that it pays",
            note="On revenue, which differs more than shares do, with two arms of this size: four of five trials show "
            "that it pays where it brings twice what a contact costs; where it brings as much, that it brings any.",
        )
    ]  # fmt: skip


def _sizes(rows: list[dict[str, Any]], left: float) -> html.Html:
    return html.table(
        pd.DataFrame(rows), caption="How large the next trial has to be",
        note=f"So that four of five such trials show the gain (5 % in error); {left:.0%} of the customers are left "
        "alone by chance, and the same customer always falls on the same side; each offer has the whole budget. "
        "Hoped for: what the team expects; without a "
        "judgement half as many again.",
    )  # fmt: skip


def _share_left_alone(view: UpsellPage) -> float:
    """Return which share of a trial of two arms is left alone, as in the plan's trial."""
    columns = view.plan.trial
    if columns is None or not columns.split or columns.comparison not in columns.split:
        return 0.5
    others = [v for arm, v in columns.split.items() if arm != columns.comparison]
    own = columns.split[columns.comparison]
    if not others:
        return 0.5
    return own / (own + sum(others) / len(others))


def _buys_anyway(view: UpsellPage, offer: str) -> tuple[float, int, str]:
    """Return the share that buys without being asked, of how many, and who says so."""
    columns, trial, o = view.plan.trial, view.trial, view.plan.offer(offer)
    if trial is not None and columns is not None:
        own = view.seen(trial[(trial["arm"] == o.arm) & (trial["outcome"] == columns.bought)])
        if len(own):
            row = own.iloc[0]
            return float(row["comparison"]), int(row["n_comparison"]), "left alone in the trial"
    return 0.0, 0, ""


def _may_be_asked(view: UpsellPage, offer: str) -> int:
    own = view.may_be_asked
    return int(own[own["offer"] == offer]["customer_id"].nunique())
