"""The upsell page's offers and their proof: what each does and earns, what goes together, what a trial found."""

import math
from typing import Any

import pandas as pd

from journey_widgets import upsell
from journey_widgets.definition import definition
from journey_widgets.estimates import student
from journey_widgets.events.engine import collect
from journey_widgets.publish import html
from journey_widgets.publish.figures import Figure
from journey_widgets.publish.page import records
from journey_widgets.publish.show import folded, show, show_all
from journey_widgets.publish.upsell_view import (
    WEEKS,
    UpsellPage,
    group_said,
    of,
    points,
    ranged,
    with_plan,
)
from journey_widgets.scorecard import words
from journey_widgets.scorecard.catalogue import catalogue
from journey_widgets.upsell import charts
from journey_widgets.upsell.board_rows import EVIDENCE
from journey_widgets.upsell.cells import NO_EFFECT
from journey_widgets.upsell.document import KINDS

MOST_RULES, LEAST_JUDGED, MOST_DRIVERS = 12, 200, 6
GAIN_STEPS = [k / 20 for k in range(1, 21)]


# --- offers and bundles


@with_plan
def offers(view: UpsellPage) -> html.Html:
    """Return what each offer is believed to do and to earn, planned beside measured."""
    found = upsell.planned_and_measured(view.plan, view.trial, view.results)
    beside = {r["offer"]: r for r in records(found)}
    money = {r["offer"]: r for r in records(view.earnings)}
    classes: dict[str, set[str]] = {}
    for r in records(view.effects):
        classes.setdefault(str(r["offer"]), set()).add(str(r["evidence"]))
    rests = {o: ", ".join(e for e in EVIDENCE if e in found_) for o, found_ in classes.items()}
    rows = []
    for o in view.plan.offers:
        m, e = beside[o.id], money[o.id]
        rows.append(
            {
                "Offer": o.label, "Kind": KINDS[o.kind].split(" (")[0],
                "Planned": Figure(f"{100 * m['planned']:+.1f} points", m["planned"])
                if math.isfinite(m["planned"]) else "–",
                "Measured": points(*of(m, "measured", "low", "high", "n")) if m["smaller"] >= view.page.least else "–",
                "Verdict": m["verdict"] if m["smaller"] >= view.page.least or not m["by"] else "too few to show",
                "Rests on": rests.get(o.id) or NO_EFFECT,
                "Margin of one": ranged(view.money, *of(e, "margin", "margin_low", "margin_high"))
                if o.margin is not None or e["accepted"] >= max(view.page.least, 1) else "–",
                "Kept": ranged("{:.0%}".format, *of(e, "kept", "kept_low", "kept_high", "accepted"))
                if e["accepted"] >= max(view.page.least, 1) else "–",
                "Cost of a contact": Figure(view.money(o.cost), o.cost),
            }
        )  # fmt: skip
    return html.table(
        pd.DataFrame(rows), caption="What each offer does and earns",
        note="Planned: how much likelier a customer buys when asked, as the team judges it; measured: against those "
        "who were left alone by chance.",
    )  # fmt: skip


@with_plan
def strategies(view: UpsellPage) -> html.Html:
    """Return the strategies there are, what each needs, and what must not grow beside it."""
    found = upsell.library(view.plan, view.source_kinds)
    names = {str(r["kpi"]): str(r["name"]) for r in records(catalogue())}
    return html.table(
        found.assign(
            missing=found["missing"].replace("", "nothing"),
            beside=["; ".join(names.get(k, k) for k in b.split(", ")) for b in found["beside"]],
            offers=found["offers"].replace("", "none yet"),
        ),
        caption="Strategies: what is needed, what shows that it works, what stands beside",
        labels={
            "label": "Strategy", "what": "What is done", "needs": "Needs", "missing": "Missing here",
            "shows": "Works by", "beside": "Must not grow", "offers": "Offers of the plan",
        },
    )  # fmt: skip


def bundles(view: UpsellPage) -> Any:
    """Return what is certainly bought together, and up to which discount a bundle earns."""
    found = view.bundles
    if found is None:
        return html.note(view.why_not("bundles"))
    real = found[found["real"] & ~found["redundant"]]
    if real.empty:
        return html.note(
            f"Of {len(found):,} pairs that are often enough in one order, none is certainly bought together beyond "
            f"chance: a bundle would give a discount to those who buy both anyway. {definition(found)}"
        )
    rows = [
        {
            "Who buys": " and ".join(r["left"]), "buys too": r["right"], "Kind": r["kind"] or "–",
            "Orders with both": view.few(r["count"]),
            "Of those who buy the first": ranged(
                "{:.0%}".format, *of(r, "confidence", "confidence_low", "confidence_high", "left_count")
            ),
            "Times chance": ranged("{:.2f}".format, *of(r, "lift", "lift_low", "lift_high")),
            "Beyond chance, of all": Figure(f"{r['leverage']:.2%}", r["leverage"]),
            "p, adjusted": Figure("below 0.001" if r["p_value"] < 0.001 else f"{r['p_value']:.3f}", r["p_value"]),
            "Discount at which it breaks even": "–" if pd.isna(r["break_even_discount"])
            else Figure(f"{r['break_even_discount']:.0%}", r["break_even_discount"]),
        }
        for r in real.head(MOST_RULES).to_dict("records")
    ]  # fmt: skip
    table = html.table(
        pd.DataFrame(rows), caption="Certainly bought together", note=definition(found)
    )
    if len({*real["right"], *(p for left in real["left"] for p in left)}) < 3:
        return table
    drawn = show(
        charts.bundle_network_chart(real),
        "Which things are bought together beyond chance: the thicker, the more.",
    )
    return show_all([table, folded("As a network", drawn)])


def _first_offers(view: UpsellPage) -> list[html.Html]:
    """Return what the way that is used would offer first, to how many, and what speaks for it."""
    found = view.first_offers
    if found is None:
        return []
    counts = (
        found["product_id"].value_counts(sort=False).sort_values(ascending=False, kind="stable")
    )
    rows = []
    for product in [p for p, n in counts.items() if n >= max(view.page.least, 1)][:MOST_RULES]:
        own = found[found["product_id"] == product]
        known = own[own["because"] != ""]
        reasons = known["because"].value_counts()
        told = bool(len(reasons)) and int(reasons.iloc[0]) >= view.page.least
        behind = (
            known.loc[known["because"] == reasons.index[0], "customers_behind"].max()
            if told
            else pd.NA
        )
        rows.append(
            {
                "Offer first": view.named(str(product)), "To customers": view.few(len(own)),
                "Mostly because they have": str(reasons.index[0]) if told else "–",
                "Who have both": "–" if pd.isna(behind) else view.few(float(behind)),
            }
        )  # fmt: skip
    if not rows:
        return []
    return [
        html.table(
            pd.DataFrame(rows),
            caption="What would be offered first, something new",
            note=definition(found),
        )
    ]


def next_offer(view: UpsellPage) -> html.Html:
    """Return whether a model ranks the next offer better than what needs none."""
    if not view.next_offers:
        return html.note(view.why_not("next new") or "This workspace has no order lines yet.")
    asked = {"new": "Something a customer never had", "repeat": "Anything, also again"}
    rows = [
        {"Question": asked[m], "Verdict": f.verdict, "Ranked by": f.winner}
        for m, f in view.next_offers.items()
    ]
    table = html.table(pd.DataFrame(rows), caption="What to offer next")
    ways = [
        {
            "Question": asked[m], "Way": r["way"], "NDCG": ranged("{:.3f}".format, *of(r, "ndcg", "low", "high")),
            "Hit": Figure(f"{r['hit']:.0%}", r["hit"]), "Recall": Figure(f"{r['recall']:.0%}", r["recall"]),
            "MRR": Figure(f"{r['mrr']:.3f}", r["mrr"]), "Things offered": Figure(f"{r['coverage']:.0%}", r["coverage"]),
            "Customers": view.few(r["customers"]),
        }
        for m, f in view.next_offers.items() for r in records(f.report)
        if r["customers"] >= max(LEAST_JUDGED, view.page.least)
    ]  # fmt: skip
    first = _first_offers(view)
    if not ways:
        return html.joined(table, *first)
    caption = "How well each way ranks, on customers it has not seen: the first ten offers"
    pieces = [table, *first, html.table(pd.DataFrame(ways), caption=caption)]
    parts = [
        {
            "Question": asked[m], "Customers with": group_said(r["segment"]).removeprefix("customers with "),
            "Way": r["way"], "NDCG": ranged("{:.3f}".format, *of(r, "ndcg", "low", "high", "customers")),
            "Hit": Figure(f"{r['hit']:.0%}", r["hit"]), "Customers": view.few(r["customers"]),
        }
        for m, f in view.next_offers.items() for r in _told_groups(view, f)
    ]  # fmt: skip
    if parts:
        caption = "How well the way that is used ranks in each group"
        pieces.append(html.table(pd.DataFrame(parts), caption=caption))
    return html.joined(*pieces)


def _told_groups(view: UpsellPage, found: upsell.NextOffers) -> list[dict[str, Any]]:
    """Return the groups of the way that is used, where those left out are none or enough."""
    own = records(found.by_segment[found.by_segment["way"] == found.winner])
    rest = int(found.report["customers"].iloc[0]) - sum(int(r["customers"]) for r in own)
    if 0 < rest < view.page.least:
        own.remove(min(own, key=lambda r: int(r["customers"])))
    return [r for r in own if r["customers"] >= view.page.least]


def who_will(view: UpsellPage) -> Any:
    """Return whether scores foresee who upgrades: ours and imported ones, each by the same report."""
    return show_all([*_own_score(view), *_imported_scores(view)])


def _own_score(view: UpsellPage) -> list[Any]:
    found = view.scores
    if found is None:
        _looked = view.moments  # says why not, where it cannot
        why = view.why_not("scores") or view.why_not("moments")
        return [html.note(why or "There is too little to learn a score from.")]
    drivers = records(found.drivers().head(MOST_DRIVERS))
    labels = {n: view.named(n) for n in view.days.names} if view.days else {}
    rows = [
        {
            "What moves the score": found.said(str(r["feature"]), labels),
            "More of it": "–" if pd.isna(r["more"]) else "likelier" if r["more"] else "less likely",
            "Share of what moves it": Figure(f"{r['share']:.0%}", r["share"]),
        }
        for r in drivers
    ]  # fmt: skip
    drawn = _judged(view, found.report, "Our score", [*found.doubts, found.challenged])
    return [
        *drawn,
        html.table(pd.DataFrame(rows), caption="What speaks for an upgrade"),
        *_profit(view, found.report),
    ]


def _imported_scores(view: UpsellPage) -> list[Any]:
    if not view.imported:
        return [html.note(view.why_not("imported"))]
    pieces: list[Any] = []
    for judged in view.imported:
        name = judged.model[:1].upper() + judged.model[1:]
        if judged.report is None:
            pieces.append(html.note(f"{name}: too few upgraded after it was made to judge it by."))
            continue
        pieces += _judged(
            view, judged.report, name, [_judged_on(view, judged), *judged.report.doubts]
        )
    return pieces


def _judged_on(view: UpsellPage, judged: upsell.JudgedScore) -> str:
    told = f"{judged.said}: {view.few(judged.customers)} customers"
    return (
        f"{told}; {view.few(judged.before)} had upgraded before." if judged.before else f"{told}."
    )


def _judged(
    view: UpsellPage, report: upsell.ScoreReport, name: str, doubts: list[str]
) -> list[Any]:
    """Return what a score is worth: does it rank, is it right, whom would it find."""
    auc, low, high = report.auc
    gain = [
        {
            "Contacted first": f"the best-scored {r['share']:.0%}", "Customers": view.few(r["customers"]),
            "Did it": ranged("{:.1%}".format, *of(r, "observed", "low", "high", "customers")),
            "Of all who did": Figure(f"{r['captured']:.0%}", r["captured"]),
            "Times chance": Figure(f"{r['lift']:.1f}", r["lift"]),
        }
        for r in records(report.gain()) if view.may_tell(r["customers"], r["did"])
    ]  # fmt: skip
    best = records(report.gain())[1]
    said = (
        f"{name}: of two customers, one who upgrades and one who does not, it ranks them rightly in {auc:.0%} of the "
        f"cases ({low:.0%} to {high:.0%}; 50% would be chance)."
    )
    if view.may_tell(best["customers"], best["did"]):
        said += f" The best-scored {best['share']:.0%} hold {best['captured']:.0%} of those who upgrade."
    told = ["It is no chance from 0 to 1: it only ranks."]
    if report.is_chance:
        off = 100 * report.calibration_error
        told = [
            f"Brier score {report.brier:.3f}.",
            f"Chances are off by {off:.1f} points on average.",
        ]
    note = " ".join([*told, *(d for d in doubts if d)])
    table = (
        [html.table(pd.DataFrame(gain), caption=f"{name}: those contacted first")] if gain else []
    )
    curve = show(
        charts.gain_chart(_steps(view, report)),
        said,
        note="Dashed: customers in a random order.",
    )
    if not report.is_chance:
        return [curve, html.note(note), *table]
    right = f"{name}: as many did it as it expected, where the dots lie on the line."
    return [curve, show(charts.calibration_chart(report.calibration()), right, note=note), *table]


def _steps(view: UpsellPage, report: upsell.ScoreReport) -> pd.DataFrame:
    """Return the curve of gain in steps of which each is about enough customers who did it, or about none."""
    found = report.gain(GAIN_STEPS)
    kept: list[int] = []
    last, every = 0.0, float(found["did"].iloc[-1])
    for place, did in enumerate(found["did"]):
        rest = every - did
        if did - last >= view.page.least and (rest >= view.page.least or rest == 0):
            kept.append(place)
            last = float(did)
    kept += [] if kept and kept[-1] == len(found) - 1 else [len(found) - 1]
    return found.iloc[kept]


def _profit(view: UpsellPage, report: upsell.ScoreReport) -> list[Any]:
    """Return what contacting the best-scored would earn at most, for the offer that is the outcome."""
    outcome = set(view.plan.outcome)
    offer = next((o for o in view.plan.offers if {*o.accepted_by, *o.products} & outcome), None)
    if offer is None or not offer.margin or offer.margin <= 0:
        return []
    curve = report.profit(offer.margin, offer.cost)
    best = records(curve.loc[[curve["profit"].idxmax()]])[0]
    return [
        show(
            charts.profit_chart(curve),
            f"{offer.label}: contacting the best-scored {view.few(best['customers'])} would earn "
            f"{view.money(best['profit'])} at most, if contact were what makes them do it.",
            note="An upper limit: who would have done it anyway is counted too; what contact adds, a trial says.",
        )
    ]


# --- what must not grow, and what customers are worth


@with_plan
def beside(view: UpsellPage) -> html.Html:
    """Return the KPIs that stand beside every acceptance: what nobody wants to grow."""
    if not view.plan.counter_measures:
        return html.note("The plan names nothing that must not grow while offers are made.")
    known = {str(r["kpi"]): r for r in records(catalogue())}
    rows: list[dict[str, str | Figure]] = []
    for kpi in view.plan.counter_measures:
        found, about = view.counted(kpi), known.get(kpi, {})
        row: dict[str, str | Figure] = {"What": str(about.get("name", kpi.replace("_", " ")))}
        if found is None:
            row |= {"Last full month": "–", "Value": "not counted yet", "Counted on": "–"}
        else:
            unit = str(about.get("unit", ""))
            value, low, high, n = of(found, "value", "low", "high", "n")
            span = words.interval(low, high, unit)
            shown = Figure(
                f"{words.value(value, unit)}{f' ({span})' if span else ''}", value, low, high, n
            )
            row |= {
                "Last full month": f"{pd.Timestamp(found['period']):%B %Y}",
                "Value": shown if math.isfinite(value) else words.STATES.get(str(found["state"]), "–"),
                "Counted on": view.few(n) if math.isfinite(n) else "–",
            }  # fmt: skip
        rows.append(row)
    return html.table(
        pd.DataFrame(rows), caption="What must not grow while offers are made",
        note="As the scorecard counts them; what is not counted yet needs its words and options there.",
    )  # fmt: skip


MOST_OFF = 0.25


def worth(view: UpsellPage) -> Any:
    """Return what customers are expected to be worth within a year, by what the log says of them."""
    if view.plan.contractual:
        return _leaving(view)
    found = view.worth
    if found is None:
        return html.note(view.why_not("worth"))
    groups: list[tuple[str, pd.DataFrame]] = [("All", found)]
    if view.profiles is not None:
        profiles, names = view.profiles
        both = found.merge(collect(profiles), on="customer_id", how="inner")
        for column in names:
            said = column.removeprefix("profile ").replace("_", " ")
            groups += [(f"{said}: {v}", own) for v, own in both.groupby(column, sort=True)]
    rows = []
    for name, own in groups:
        if len(own) < max(view.page.least, 2):
            continue
        values, times = (
            own["value"].to_numpy("float64"),
            own["expected_purchases"].to_numpy("float64"),
        )
        mean = float(values.mean())
        reach = student(len(own) - 1) * float(values.std(ddof=1)) / math.sqrt(len(own))
        rows.append(
            {
                "Customers": name, "How many": view.few(len(own)),
                "Purchases expected": Figure(f"{times.mean():.2f}", float(times.mean())),
                "Expected to earn": ranged(view.money, mean, mean - reach, mean + reach, len(own)),
                "All of them together": Figure(view.money(values.sum()), float(values.sum())),
            }
        )  # fmt: skip
    table = html.table(
        pd.DataFrame(rows), caption=f"What customers are expected to earn within {WEEKS} weeks",
        note=f"{definition(found)}{_foresight(view)} The range is about customers, not about the model. Who never "
        "bought again counts as still there: that is no promise. The models are about customers who stay away without "
        "a word; where they cancel instead, set contractual in the plan.",
    )  # fmt: skip
    return show_all([table, *_models(view)])


def _foresight(view: UpsellPage) -> str:
    """Say so where a model of earlier times was far off what came: its values are no more than a guess then."""
    tracked = view.tracked
    known = (
        None if tracked is None else tracked.loc[~tracked["fitted"] & tracked["off"].notna(), "off"]
    )
    if known is None or not len(known) or abs(float(known.iloc[-1])) <= MOST_OFF:
        return ""
    return (
        f" Take the values as a guess: fitted on the first two thirds of the time, this model expected "
        f"{100 * float(known.iloc[-1]):+.0f} % of the repeat purchases that came after it."
    )


def _models(view: UpsellPage) -> list[Any]:
    """Return how well models of buying fit, and whether the one that is used foresaw what came."""
    models = view.buying_models
    if models is None:
        return []
    rows = [
        {
            "Model": m.said, "Log-likelihood": Figure(f"{m.log_likelihood:,.1f}", m.log_likelihood),
            "AIC": Figure(f"{m.aic:,.1f}", m.aic),
        }
        for m in models
    ]  # fmt: skip
    pieces: list[Any] = [
        html.table(
            pd.DataFrame(rows),
            caption="Models of buying: a lower AIC fits better; the first one is used",
        )
    ]
    tracked = view.tracked
    if tracked is not None:
        said = tracked[~tracked["fitted"] & tracked["off"].notna()]
        off = f": {100 * float(said['off'].iloc[-1]):+.0f} % off at the end" if len(said) else ""
        caption = f"Repeat purchases, and those a model fitted on the first two thirds of the time foresaw{off}"
        pieces.append(show(charts.tracking_chart(tracked), caption, note=definition(tracked)))
    return pieces


def _leaving(view: UpsellPage) -> Any:
    """Return how soon customers with a contract leave: for them models of staying away mean nothing."""
    said = "The plan says that customers have contracts, so that nobody is expected to buy by how long he stayed away."
    curve = view.leaving
    if curve is None:
        return html.note(
            f"{said} Name what begins a contract (customer_since) and what ends it (lost)."
        )
    last = curve.iloc[-1] if len(curve) else None
    if last is None or curve["at_risk"].iloc[0] < view.page.least:
        return html.note(f"{said} Nobody has left yet.")
    told = f"{said} How soon they leave: {last['left']:.0%} within {int(last['day']):,} days."
    return show(
        charts.leaving_chart(curve[curve["at_risk"] >= view.page.least]),
        told,
        note=definition(curve),
    )


# --- what mending would bring


def mending(view: UpsellPage) -> html.Html:
    """Return what it would bring if groups got through as everybody else does: gap x influence x volume x value."""
    found = view.mending
    if found is None:
        return html.note(
            "No group is certainly lost more often than the others, or nobody knows what an order earns."
        )
    money = f", {view.currency}" if view.currency else ""
    rows = [
        {
            "Where, and who": f"{view.named(r['touchpoint'])}: {group_said(r['group'])}",
            "Gap": points(*of(r, "gap", "gap_low", "gap_high", "volume")),
            "Get through after it": ranged("{:.0%}".format, *of(r, "influence", "influence_low", "influence_high")),
            "Come there": view.few(r["volume"]),
            f"An order earns{money}": ranged(view.amount, *of(r, "value", "value_low", "value_high")),
            f"Would bring{money}": ranged(view.amount, *of(r, "benefit", "low", "high")),
            "Answers for it": view.owner(r["touchpoint"]),
        }
        for r in found.to_dict("records")
    ]  # fmt: skip
    return html.table(
        pd.DataFrame(rows), caption="What mending a touchpoint would bring", note=definition(found)
    )
