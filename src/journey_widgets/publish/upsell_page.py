"""The upsell page's words, tables and pictures: when, by whom, who is there, what is planned, and what to do."""

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from journey_widgets import upsell
from journey_widgets.definition import definition
from journey_widgets.errors import JourneyError
from journey_widgets.estimates import wilson
from journey_widgets.events.source import table_of
from journey_widgets.findings import Finding
from journey_widgets.publish import html
from journey_widgets.publish.figures import Figure
from journey_widgets.publish.modes import mode
from journey_widgets.publish.page import open_page, records, said_on_the_page
from journey_widgets.publish.period import ALL
from journey_widgets.publish.show import show, show_all
from journey_widgets.publish.upsell_view import (
    CHANGE,
    UpsellPage,
    group_said,
    number_of,
    of,
    points,
    ranged,
    refuse_day,
    with_plan,
)
from journey_widgets.raci.owners import NOBODY, owners
from journey_widgets.raci.policy import RaciPolicy
from journey_widgets.raci.rules import check as check_matrix
from journey_widgets.upsell import charts
from journey_widgets.upsell.board import Board
from journey_widgets.upsell.board_rows import INCREMENTAL, MOST_OBSERVED, OBSERVED, PLACEBO
from journey_widgets.upsell.document import (
    COOLING_OFF,
    GUARDS,
    KINDS,
    OPEN_ISSUE,
    OPTED_OUT,
    Moment,
    in_words,
)
from journey_widgets.upsell.loop import LESS, MORE
from journey_widgets.upsell.moments import BUSY, MOMENT, TOO_FEW
from journey_widgets.upsell.offer_funnel import (
    ACCEPTED,
    AT,
    DECIDING,
    ELIGIBLE,
    FUNNEL_STEPS,
    FUNNEL_SUMS,
    KEPT,
    NEEDS_OFFERS,
    OFFERED,
    STAGES,
    WAITING,
)
from journey_widgets.upsell.returns import HARM as LESS_SOLD
from journey_widgets.upsell.returns import LOSS, NO_PROFIT
from journey_widgets.upsell.rules import check
from journey_widgets.upsell.widget import OpportunityBoard, labelled

MOST_MOMENTS = 15
FOLLOWED = (ELIGIBLE, OFFERED, ACCEPTED, KEPT)
PLACEBO_SAID = (
    "Placebo: the same with the days after; corrected: what remains when it is taken off. Extra: upgrades more for "
    "each 1,000 times it happened."
)
USUAL_SAID = (
    "Usual lift: what a list of what upgraders did more often would show; busy customers do more of everything, so it "
    "calls nearly everything a moment. By activity: odds ratio within four levels of activity (Mantel and Haenszel). "
    "Alike in activity: how far days with it and without are spread alike over four levels of it (100 %: equally). "
    "E-value: how strongly something unseen would have to go with both sides to make the ratio alone."
)


def open_upsell(
    workspace: str = "", segment: str = ALL, horizon: str = "7d", min_support: float = 0.01, budget: str = "",
    max_contacts: str = "", as_of: str = "", seed: int = 1,
) -> UpsellPage:  # fmt: skip
    """Open the upsell page; wrong parameters are said on the page in one sentence, and it stops there."""
    more = {
        "horizon": horizon, "min_support": str(min_support), "budget": str(budget), "max_contacts": str(max_contacts),
        "as_of": as_of, "seed": str(seed),
    }  # fmt: skip
    page = open_page("Upsell", workspace=workspace, segment=segment, more=more)
    with said_on_the_page():
        given = page.more
        contacts = number_of(given["max_contacts"], "max_contacts", whole=True)
        support = number_of(given["min_support"], "min_support")
        start = number_of(given["seed"], "seed", whole=True)
        refuse_day(given["as_of"])
        view = UpsellPage(
            page, horizon=given["horizon"], min_support=0.01 if support is None else support,
            budget=number_of(given["budget"], "budget"), max_contacts=None if contacts is None else int(contacts),
            as_of=given["as_of"], seed=1 if start is None else int(start),
        )  # fmt: skip
        view.refuse_misfits()
        return view


# --- in short, and what to do


def in_short(view: UpsellPage) -> html.Html:
    """Return the page's figures in boxes: who may be asked, the strongest moment, what was proved, what is planned."""
    boxes: dict[str, tuple[str | Figure, str]] = {}
    if view.has_plan:
        counts = view.may_be_asked["customer_id"].nunique()
        every = view.eligible["customer_id"].nunique()
        boxes["May be asked"] = (
            view.few(counts),
            f"of {view.few(every)} customers at a moment on {view.day:%-d %B %Y}; the others are left in peace",
        )
    found = view.found_moments
    if len(found):
        best = found.iloc[0]
        boxes["Strongest moment"] = (
            view.named(best["touchpoint"]),
            f"upgrades come {ranged('{:.1f}'.format, *of(best, 'ratio', 'low', 'high'))} times as often after it",
        )
    proved = view.proved
    if proved is not None:
        boxes["Proved in a trial"] = (
            view.named(proved["arm"]),
            f"{points(*of(proved, *CHANGE))} bought because of it{_earned(view, proved['arm'])}",
        )
    if view.has_plan and view.board is not None:
        plan = view.board.plan
        tested = plan[plan["evidence"].isin(INCREMENTAL)]
        boxes["Planned contacts"] = (
            view.few(len(plan)),
            f"for {_about(view, plan['cost'].sum(), len(plan))}; {view.few(len(tested))} of them rest on a trial",
        )
    return html.tiles(boxes) if boxes else html.note(_nothing(view))


def _earned(view: UpsellPage, arm: str) -> str:
    """Say whether the arm of a trial earned its cost; blank where nobody knows."""
    told = [view.returns[o.id] for o in view.plan.offers if o.arm == arm and o.id in view.returns]
    return f"; after its cost: {told[0]['verdict']}" if told else ""


def _nothing(view: UpsellPage) -> str:
    return (
        view.why_not("moments") or "There is nothing to say yet: the workspace has no upsell plan."
    )


def what_next(view: UpsellPage) -> html.Html:
    """Return what to do, most certain first."""
    said = [
        *_do_what_is_proved(view),
        *_learn_from_contacts(view),
        *_test_what_is_seen(view),
        *_mend_first(view),
        *_close_gaps(view),
    ]
    return html.numbered(said) if said else html.note("Nothing is certain enough to act on yet.")


def _do_what_is_proved(view: UpsellPage) -> list[str]:
    columns, trial = view.plan.trial, view.trial
    if trial is None or columns is None:
        return []
    said = []
    for o in view.plan.offers:
        own = view.seen(trial[(trial["arm"] == o.arm) & (trial["outcome"] == columns.bought)])
        if own.empty:
            continue
        row = own.iloc[0]
        told = points(*of(row, *CHANGE))
        where = [m.touchpoint for m in view.plan.moments if m.offer == o.id]
        owner = f" {view.owner(where[0])} answers for it." if where else ""
        earned = view.returns.get(o.id)
        certain = row["p_value"] <= 0.05
        if earned and earned["verdict"] in (LOSS, NO_PROFIT, LESS_SOLD):
            said.append(
                f"Stop the offer {o.label}: in the trial it brought {told}. {_profit(view, earned)}{owner}"
            )
        elif row["high"] < 0 and certain:
            said.append(f"Stop the offer {o.label}: in the trial fewer bought, {told}.{owner}")
        elif row["low"] > 0 and certain:
            profit = f" {_profit(view, earned)}" if earned else ""
            said.append(
                f"Make the offer {o.label}: in the trial it brought {told}.{profit}{owner}{_harm(view, o.arm)}"
            )
        else:
            said.append(
                f"Test {o.label} with more customers: {told} is too uncertain to act on.{owner}"
            )
    return said


def _profit(view: UpsellPage, earned: dict[str, Any]) -> str:
    """Say what the arm of a trial earned after its cost."""
    left = ranged(view.money, *of(earned, "profit", "profit_low", "profit_high"))
    return f"After its cost that is {left}: {earned['verdict']}."


def _harm(view: UpsellPage, arm: str | None) -> str:
    """Say which harm of an arm is certain; where none is, that too."""
    trial = view.trial
    if trial is None:
        return ""
    own = trial[(trial["arm"] == arm) & trial["harm"]]
    certain = own[own["low"] > 0]
    if len(certain):
        row = certain.iloc[0]
        told = points(*of(row, *CHANGE))
        return f" But {row['outcome'].replace('_', ' ')}: {told}."
    names = ", ".join(str(o).replace("_", " ") for o in own["outcome"])
    return f" No certain harm was seen ({names})." if names else " Nobody counted what it harms."


def _learn_from_contacts(view: UpsellPage) -> list[str]:
    """Say where asking brought something else than was expected of it."""
    found = view.results
    if found is None:
        return []
    own = found[(found["offer"] != "") & found["verdict"].isin([LESS, MORE])]
    return [
        f"{'Expect less of' if r['verdict'] == LESS else 'Expect more of'} {view.named(r['offer'])} at "
        f"{view.named(r['touchpoint'])}: its last contacts brought "
        f"{points(*of({**r, 'n': r['contacted'] + r['left_alone']}, 'realised', 'low', 'high', 'n'))}, and "
        f"{100 * r['expected']:+.1f} were expected. {view.owner(r['touchpoint'])} answers for it."
        for r in records(view.seen(own, "contacted", "left_alone"))
    ]


def _test_what_is_seen(view: UpsellPage) -> list[str]:
    """Say that a moment that was only observed needs a trial, and how large."""
    said = []
    tested = (
        set(view.effects[view.effects["evidence"].isin(INCREMENTAL)]["moment"])
        if view.has_plan
        else set()
    )
    for row in view.found_moments.head(2).to_dict("records"):
        own = [m for m in view.plan.moments if m.after == row["touchpoint"] and m.id not in tested]
        name = view.named(row["touchpoint"])
        if not own:
            if not any(m.after == row["touchpoint"] for m in view.plan.moments):
                told = f"{row['ratio']:.1f} times as often after {name}"
                said.append(f"Upgrades come {told}, and no offer is made there.")
            continue
        base = float(row["upgrades"]) / max(float(row["happened"]), 1.0)
        if not 0 < base < 0.6:
            continue
        many = int(upsell.customers_needed(base, base * 1.5))
        said.append(
            f"Test {own[0].label}: upgrades come {row['ratio']:.1f} times as often after {name}, offered or not; "
            f"whether asking helps, nobody knows. About {many:,} customers in each arm would show half as many again."
        )
    return said


def _mend_first(view: UpsellPage) -> list[str]:
    found = view.mending
    if found is None or found.empty:
        return []
    best = found.iloc[0]
    where, who = view.named(best["touchpoint"]), group_said(best["group"])
    money = ranged(view.money, *of(best, "benefit", "low", "high"))
    told = f"if {who} got through {where} as the others do, it would bring about {money} in the time of the log."
    return [f"Before selling more: {told} {view.owner(best['touchpoint'])} answers for it."]


def _close_gaps(view: UpsellPage) -> list[str]:
    if not view.has_plan:
        return []
    open_ = [f for f in _found(view) if f.severity != "info"]
    return [f"{f.message} {f.fix}" for f in open_[:2]]


# --- moments


def moments(view: UpsellPage) -> Any:
    """Return after what customers upgrade sooner: the picture, then the table with the usual lift beside."""
    found = view.moments
    if found is None:
        return html.note(view.why_not("moments"))
    known = found[found["ratio"].notna()]
    named = found.assign(
        touchpoint=[view.named(t) for t in found["touchpoint"]],
        upgrades=found["upgrades"].astype("float64").where(found["upgrades"] >= view.page.least),
    )
    few = named[named["verdict"] == TOO_FEW]
    held = view.horizons
    several = held is not None and held.loc[held["ratio"].notna(), "within"].nunique() > 1
    fragile = (
        set(held.loc[held["fragile"].astype(bool), "touchpoint"])
        if held is not None and several
        else set()
    )
    rows = [
        {
            "After": view.named(r["touchpoint"]),
            "Verdict": f"{r['verdict']}, at one length only"
            if r["verdict"] == MOMENT and r["touchpoint"] in fragile else r["verdict"],
            "Times as often": ranged("{:.2f}".format, *of(r, "ratio", "low", "high")),
            "Placebo": ranged("{:.2f}".format, *of(r, "placebo", "placebo_low", "placebo_high")),
            "Corrected": ranged("{:.2f}".format, *of(r, "corrected", "corrected_low", "corrected_high")),
            "Extra per 1,000": ranged("{:.1f}".format, *of(r, "extra", "extra_low", "extra_high"))
            if r["upgrades"] >= view.page.least else "–",
            "Upgrades": view.few(r["upgrades"]),
            "Answers for it": view.owner(r["touchpoint"]) if _on_map(view, r["touchpoint"]) else "–",
        }
        for r in known.head(MOST_MOMENTS).to_dict("records")
    ]  # fmt: skip
    pieces: list[Any] = []
    if len(known):
        pieces.append(
            show(
                charts.moments_chart(_with_n(view, named)),
                _moments_said(view),
                note=definition(found),
            )
        )
    if rows:
        pieces.append(
            html.table(
                pd.DataFrame(rows),
                caption="After what upgrades come sooner",
                note=PLACEBO_SAID,
            )
        )
        pieces.append(_in_detail(view, known))
    if len(few):
        pieces.append(
            html.note(
                f"Too few upgrades after {len(few)} more to say: {', '.join(sorted(few['touchpoint']))}."
            )
        )
    return show_all(pieces)


def _with_n(view: UpsellPage, named: pd.DataFrame) -> pd.DataFrame:
    """Return moments with how many upgrades each rests on beside its name: a picture has no tips."""
    few = f"n below {view.page.least}"
    n = [few if pd.isna(u) else f"n {int(u):,}" for u in named["upgrades"]]
    return named.assign(touchpoint=named["touchpoint"] + [f" ({m})" for m in n])


def _in_detail(view: UpsellPage, known: pd.DataFrame) -> html.Html:
    """Return what the ratios rest on, and what other ways to count would say."""
    shown = known.assign(shown=known["upgrades"] >= view.page.least)
    rows = [
        {
            "After": view.named(r["touchpoint"]),
            "Days it happened": view.few(r["happened"]) if r["shown"] else "–",
            "Days after it": view.few(r["exposed_days"]) if r["shown"] else "–",
            "Upgrades then": view.few(r["upgrades"]),
            "p, adjusted": _p(r["p_value"]), "Usual lift": _plain(r["naive"], shown=r["shown"]),
            "By activity": _plain(r["stratified"], shown=r["shown"]),
            "Alike in activity": Figure(f"{r['overlap']:.0%}", r["overlap"]) if r["shown"] else "–",
            "E-value": _plain(r["e_value"]),
        }
        for r in records(shown.head(MOST_MOMENTS))
    ]  # fmt: skip
    return html.table(
        pd.DataFrame(rows), caption="Why the usual lift says something else", note=USUAL_SAID
    )


def _p(value: float) -> Figure:
    return Figure("below 0.001" if value < 0.001 else f"{value:.3f}", value)


def _plain(value: float, *, shown: bool = True) -> str | Figure:
    """Return a ratio; what is about few upgrades would tell how many."""
    return Figure(f"{value:.1f}", value) if shown and np.isfinite(value) else "–"


def _on_map(view: UpsellPage, name: object) -> bool:
    return view.page.workspace.journey.touchpoint(str(name)) is not None


def _moments_said(view: UpsellPage) -> str:
    found, busy = view.found_moments, view.moments
    if not len(found):
        return "After nothing that was looked at do upgrades certainly come sooner."
    names = ", ".join(view.named(t) for t in found["touchpoint"])
    others = 0 if busy is None else int((busy["verdict"] == BUSY).sum())
    also = f" {others} more only show that busy customers upgrade." if others else ""
    return f"Upgrades certainly come sooner after {names}.{also}"


def horizons(view: UpsellPage) -> Any:
    """Return whether the moments hold with windows of several lengths."""
    found = view.horizons
    if found is None:
        return html.note(view.why_not("horizons") or view.why_not("moments"))
    own = found[found["ratio"].notna()]
    if own.empty:
        return html.note("No window has enough upgrades.")
    lengths = list(dict.fromkeys(own["within"]))
    rows = []
    for touchpoint, group in own.groupby("touchpoint", sort=False):
        by = group.set_index("within")
        row: dict[str, Any] = {"After": view.named(str(touchpoint))}
        for length in lengths:
            row[in_words(length)] = (
                ranged("{:.2f}".format, *of(by.loc[length], "ratio", "low", "high"))
                if length in by.index
                else "–"
            )
        row["Holds"] = (
            "at one length only: fragile" if bool(group["fragile"].any())
            else f"a moment at {int((group['verdict'] == MOMENT).sum())} of {len(lengths)} lengths"
        )  # fmt: skip
        rows.append(row)
    table = html.table(
        pd.DataFrame(rows), caption="Times as often, with windows of several lengths"
    )
    drawn = own[own["touchpoint"].isin(own.loc[own["verdict"] == MOMENT, "touchpoint"])]
    if drawn.empty or len(lengths) < 2:
        return table
    drawn = drawn.assign(
        touchpoint=[view.named(t) for t in drawn["touchpoint"]],
        within=[in_words(w) for w in drawn["within"]],
    )
    fragile = sorted(set(drawn.loc[drawn["fragile"].astype(bool), "touchpoint"]))
    said = (
        f"At one length only, and so fragile: {', '.join(fragile)}."
        if fragile
        else "Every moment holds with windows of more than one length."
    )
    return show_all([show(charts.horizons_chart(drawn), said), table])


def waiting(view: UpsellPage) -> Any:
    """Return how soon customers upgrade after the strongest moment, beside others from the same day on."""
    found = view.found_moments
    if not len(found) or view.days is None:
        return html.note("There is no moment whose waiting could be shown.")
    start = str(found["touchpoint"].iloc[0])
    try:
        lost = [e for e in view.plan.lost if e in view.days.names]
        curve = upsell.time_to_upgrade(
            view.days, start, view.plan.outcome, lost=lost, seed=view.seed
        )
    except JourneyError as error:
        return html.note(str(error))
    own = curve[curve["side"] == "after"]
    last = own.iloc[-1] if len(own) else None
    said = f"How soon customers upgrade after {view.named(start)}"
    if last is not None:
        said += f": {last['not_yet']:.0%} have not yet, after {int(last['day'])} days"
    return show(charts.waiting_chart(curve), f"{said}.", note=definition(curve))


# --- who owns them, who is there, what became of them


@with_plan
def owned_moments(view: UpsellPage) -> html.Html:
    """Return the moments of the plan: rule, offer, window, and who answers."""
    answers = owners(view.page.workspace.raci).set_index("touchpoint")
    rows = []
    for m in view.plan.moments:
        o = view.plan.offer(m.offer)
        here = answers.loc[m.touchpoint].to_dict() if m.touchpoint in answers.index else {}
        rows.append(
            {
                "Moment": m.label, "Who is at it": m.rule(), "Offer": o.label,
                "Kind": KINDS[o.kind].split(" (")[0], "Made at": view.named(m.touchpoint),
                "Accountable": here.get("accountable", NOBODY), "Responsible": here.get("responsible", NOBODY),
            }
        )  # fmt: skip
    return html.table(pd.DataFrame(rows), caption="Moments of the plan and who answers for them")


@with_plan
def at_a_moment(view: UpsellPage) -> html.Html:
    """Return who is at a moment on the day, and how many each guard leaves in peace."""
    steps = {
        "at_moment": "At the moment", "rule_not_met": "the rest of the rule does not hold", "eligible": "Eligible",
        **{g: f"left in peace: {g}" for g in GUARDS}, "may_be_asked": "May be asked",
    }  # fmt: skip
    blind = _not_known(view)
    sums = [("at_moment", "rule_not_met", "eligible"), ("eligible", *GUARDS, "may_be_asked")]
    columns = {
        str(r["label"]): {
            step: "not known" if step in blind else told
            for step, told in view.told(
                {step: int(r[step]) for step in steps}, sums, ("eligible", "may_be_asked")
            ).items()
        }
        for r in records(view.guarded)
    }
    rows = [
        {"Customers": told, **{m: found[step] for m, found in columns.items()}}
        for step, told in steps.items()
    ]
    return html.table(
        pd.DataFrame(rows), caption=f"Customers at a moment on {view.day:%-d %B %Y}",
        note=f"{definition(view.guarded)} The first guard that holds is counted; taken and left add up.",
    )  # fmt: skip


@with_plan
def what_became(view: UpsellPage) -> Any:
    """Return eligible, offered, accepted and kept of the last 90 days, and everybody who was lost on the way."""
    frame = view.funnel
    shown = {m: _told_of(view, own) for m, own in frame.groupby("moment", sort=False)}
    said = "; ".join(
        f"{m.label}: {', '.join(f'{n} {s}' for s, n in shown[m.id].items() if s in FOLLOWED and isinstance(n, Figure))}"
        for m in view.plan.moments
        if m.offered_by
    )
    told = {m.id for m in view.plan.moments if m.offered_by}
    known = frame["moment"].isin(told) | frame["step"].isin([AT, ELIGIBLE])
    seen = [
        isinstance(shown[m][s], Figure) for m, s in zip(frame["moment"], frame["step"], strict=True)
    ]
    drawn = frame.assign(customers=frame["customers"].astype("float64").where(np.array(seen)))[
        known
    ]
    rows = [
        {
            "Step": _step_said(step),
            **{m.label: _across(view, frame, m, step, shown[m.id]) for m in view.plan.moments},
        }
        for step in FUNNEL_STEPS
    ]
    pieces = [
        show(charts.offer_funnel_chart(drawn), f"{said}." if said else "Nobody records when offers are made."),
        html.table(
            pd.DataFrame(rows), caption="Eligible, offered, accepted, kept, and who was lost in between",
            note=f"{definition(frame)} In brackets: who was offered although a guard leaves him in peace.",
        ),
    ]  # fmt: skip
    if len(view.after_offers):
        pieces.append(_harms(view))
    return show_all(pieces)


def _harms(view: UpsellPage) -> html.Html:
    """Return what came after the offers that nobody wants, beside how many accepted."""
    asked = {
        "Accepted": "accepted", "Opted out": "opted_out", "Opened a case": "opened_case", "Gave it back": "given_back",
        **({"Left": "left"} if view.plan.lost else {}),
    }  # fmt: skip
    tickets = view.sources.get("tickets")
    blind = set() if view.plan.guards.opt_out else {"opted_out"}
    if tickets is None or "customer_id" not in table_of(tickets, "tickets").columns:
        blind.add("opened_case")
    rows = [
        {
            "Moment": r["label"], "Offered": view.few(r["offered"]),
            "May still accept": view.few(r["deciding"]),
            **{
                said: "not known" if column in blind else _share_of(view, r[column], r["offered"])
                for said, column in asked.items()
            },
        }
        for r in view.after_offers.to_dict("records")
    ]  # fmt: skip
    note = definition(view.after_offers)
    return html.table(pd.DataFrame(rows), caption="Acceptance beside what nobody wants", note=note)


def _share_of(view: UpsellPage, some: int, every: int) -> str | Figure:
    if not every:
        return "–"
    if 0 < every < view.page.least or 0 < some < view.page.least:
        return f"fewer than {view.page.least}"
    low, high = (float(v) for v in wilson(some, every))
    return ranged("{:.1%}".format, some / every, low, high, every)


def _not_known(view: UpsellPage) -> set[str]:
    """Return the guards that nothing in the workspace tells."""
    guards, sources = view.plan.guards, view.sources
    tickets = table_of(sources["tickets"], "tickets").columns if "tickets" in sources else ()
    found = set() if guards.opt_out else {OPTED_OUT}
    found |= {OPEN_ISSUE} if guards.open_issue and "customer_id" not in tickets else set()
    return found | ({COOLING_OFF} if guards.cooling_off and "order_lines" not in sources else set())


def _step_said(step: str) -> str:
    if step in STAGES:
        return step.capitalize()
    return f"{'not yet' if step in (WAITING, DECIDING) else 'lost'}: {step}"


def _told_of(view: UpsellPage, own: pd.DataFrame) -> dict[str, str | Figure]:
    """Return the steps of a moment's funnel as they may be shown."""
    counts = {str(s): int(n) for s, n in zip(own["step"], own["customers"], strict=True)}
    return view.told(counts, FUNNEL_SUMS)


def _across(
    view: UpsellPage, frame: pd.DataFrame, moment: Moment, step: str, shown: dict[str, str | Figure]
) -> str | Figure:
    """Return a step of a moment's funnel, with those who were offered all the same."""
    if step not in shown or (moment.offered_by is None and step in NEEDS_OFFERS):
        return "–"
    if step in _not_known(view):
        return "not known"
    own = frame[(frame["moment"] == moment.id) & (frame["step"] == step)]
    again, told = int(own["offered_all_the_same"].iloc[0]), shown[step]
    return (
        Figure(f"{told} ({view.few(again)})", told.value)
        if again and isinstance(told, Figure)
        else told
    )


# --- board


@with_plan
def board(view: UpsellPage) -> Any:
    """Return the opportunity board: to move its limits on a page, as tables in a report."""
    found = view.board
    if found is None:
        return html.note(view.why_not("board"))
    left = view.cells.attrs.get("left_out", {})
    labels = {m.id: m.label for m in view.plan.moments}
    notes = [html.note(f"Not on the board: {labels[m]}, {why}.") for m, why in left.items()]
    nobody = sorted({m.touchpoint for m in view.plan.moments} - set(view.owners))
    if nobody:
        names = ", ".join(view.named(t) for t in nobody)
        notes.append(html.note(f"Nobody alone answers for {names}: no offer is planned there."))
    if mode() == "report":
        return html.joined(*notes, *_board_tables(view, found), _factors(view))
    widget = OpportunityBoard(
        found, labels=view.labels, can_export=view.page.may_edit, least=view.page.least
    )
    return show_all([*notes, widget, _factors(view)])


def _factors(view: UpsellPage) -> html.Html:
    """Return what the worth of a contact is made of: each factor with its interval and who says it."""
    least, rows = view.page.least, []
    both = view.effects.merge(view.earnings, on="offer", how="left")
    labels = {m.id: m.label for m in view.plan.moments}
    follows = any(o.follow_on for o in view.plan.offers)
    for r in records(both):
        offer = view.plan.offer(r["offer"])
        few = 0 < r["n"] < least
        brings: str | Figure = "nobody knows"
        if r["evidence"]:
            low = (
                f" (at least {100 * r['effect_low']:+.1f})"
                if math.isfinite(r["effect_low"])
                else ""
            )
            brings = "–" if few else Figure(
                f"{100 * r['effect']:+.1f} points{low}", r["effect"], r["effect_low"], math.nan, r["n"]
            )  # fmt: skip
        kept = ranged("{:.0%}".format, *of(r, "kept", "kept_low", "kept_high", "accepted"))
        seen = "times it happened" if r["evidence"] in (PLACEBO, OBSERVED) else "customers"
        n = f", {view.few(r['n'])} {seen}" if math.isfinite(r["n"]) else ""
        ends = of(r, "margin_low", "margin_high")
        if view.money(ends[0]) == view.money(ends[1]):  # the same on every line
            ends = [math.nan, math.nan]
        margin = ranged(view.money, float(r["margin"]), *ends)
        later = offer.follow_on
        rows.append(
            {
                "Offer, and when": f"{offer.label}: {labels[r['moment']]}", "A contact brings": brings,
                "Rests on": f"{r['evidence']}{n}" if r["evidence"] else "–",
                "Margin": replace(margin, shown=f"{margin} ({r['basis']})") if r["basis"] else "nobody says it",
                "Kept": kept if view.may_tell(r["accepted"], r["accepted"] * (1 - r["kept"])) else "–",
                **({"Later margin": Figure(view.money(later), later)} if follows else {}),
                "A contact costs": Figure(view.money(offer.cost), offer.cost),
            }
        )  # fmt: skip
    by = (
        "ranked by the least it brings (lower 80 % limit)"
        if view.plan.cautious
        else "ranked by what it is expected to bring"
    )
    return html.table(
        pd.DataFrame(rows), caption="What the worth of a contact is made of",
        note=f"How much likelier somebody buys when asked, times margin, times share kept, and what comes later, less "
        f"cost and fatigue ({view.money(view.plan.fatigue)} a contact); {by}. What few customers say is drawn to what "
        f"was believed before; where nobody tested it, {100 * MOST_OBSERVED:.0f} points at most are believed.",
    )  # fmt: skip


def _board_tables(view: UpsellPage, found: Board) -> list[html.Html]:
    plan = found.plan
    by = plan.groupby(["offer", "touchpoint", "owner", "evidence"], sort=False).agg(
        contacts=("customer_id", "size"), cost=("cost", "sum"), value=("value", "sum")
    )
    hidden = view.hidden_parts([int(n) for n in by["contacts"]])
    worth = "Worth, cautiously" if view.plan.cautious else "Worth, as expected"
    rows = [
        {
            "Offer": view.named(str(o)), "Made at": view.named(str(t)),
            "Owner": view.named(str(w)) if w else "–", "Rests on": e,
            "Contacts": _part(view, r["contacts"], out),
            "Cost": _about(view, r["cost"], r["contacts"], out),
            worth: _about(view, r["value"], r["contacts"], out),
        }
        for (o, t, w, e), r, out in zip(by.index, by.to_dict("records"), hidden, strict=True)
    ]  # fmt: skip
    of_class = records(found.totals())
    hidden = view.hidden_parts([int(r["contacts"]) for r in of_class])
    totals = [
        {
            "Rests on": r["evidence"], "Contacts": _part(view, r["contacts"], out),
            "Cost": _about(view, r["cost"], r["contacts"], out),
            "Left after costs": _about(view, r["expected"], r["contacts"], out), "What it may be called": r["called"],
        }
        for r, out in zip(of_class, hidden, strict=True)
    ]  # fmt: skip
    out = found.withheld(view.page.least)
    steps = [
        {
            "Step": r["step"],
            **{
                said: "hidden" if r["step"] in out and r[c] >= view.page.least else view.few(r[c])
                for said, c in (("Customers", "customers"), ("Offers", "rows"))
            },
        }
        for r in records(found.funnel())
    ]
    prices = [_labelled(view, p) for p in found.prices(view.page.least)]
    return [
        html.table(pd.DataFrame(rows), caption="The plan of contacts", note=_labelled(view, definition(plan)))
        if rows else html.note("Nothing is planned: no contact earns more than it costs."),
        *([html.table(pd.DataFrame(totals), caption="What it is expected to bring")] if totals else []),
        html.table(pd.DataFrame(steps), caption="From everybody at a moment to the plan"),
        *([html.numbered(prices)] if prices else []),
    ]  # fmt: skip


def _part(view: UpsellPage, contacts: int, out: bool) -> str | Figure:
    """Return a part of a number that is told."""
    return "hidden" if out and contacts >= view.page.least else view.few(contacts)


def _about(view: UpsellPage, amount: float, contacts: int, out: bool = False) -> str | Figure:
    """Return an amount; one that is about few customers, or would tell of few, says nothing."""
    return "–" if out or 0 < contacts < view.page.least else Figure(view.money(amount), amount)


def _labelled(view: UpsellPage, text: str) -> str:
    ids = [*(m.touchpoint for m in view.plan.moments), *view.plan.teams]
    return labelled(text, {name: view.named(name) for name in ids})


# --- findings


def _found(view: UpsellPage) -> list[Finding]:
    space = view.page.workspace
    publishing = mode() == "report"
    kpis = [k.measured_as for k in space.scorecard.kpis()]
    own = check(view.plan, space.journey, space.raci, kpis, publishing=publishing)
    links = check_matrix(
        space.raci, space.journey, space.roles, RaciPolicy(publishing=publishing), space.links()
    )
    return [*[f for f in links if f.code == "LNK-03"], *own]


@with_plan
def findings(view: UpsellPage) -> html.Html:
    """Return what does not fit in the plan, with what to ask and what to do."""
    return html.findings_list(_found(view))
