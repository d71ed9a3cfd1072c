"""What does not fit in an upsell plan, said as findings: owners, evidence, and what stands beside."""

from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING

from journey_widgets.errors import did_you_mean
from journey_widgets.findings import Finding, Severity, own
from journey_widgets.upsell.document import UpsellPlan

if TYPE_CHECKING:  # they are handed in; who only counts does not load them
    from journey_widgets.journey.document import Journey
    from journey_widgets.raci.document import RaciMatrix


def check(
    plan: UpsellPlan,
    journey: "Journey | None" = None,
    matrix: "RaciMatrix | None" = None,
    kpis: Collection[str] = (),
    *,
    publishing: bool = False,
) -> list[Finding]:
    """Return the findings of an upsell plan: moments first, then offers, then the plan as a whole.

    Parameters
    ----------
    plan
        The plan; an empty one has no findings.
    journey, matrix
        What touchpoints are looked up in. That a moment has exactly one A and an R is rule LNK-03 of the matrix.
    kpis
        KPIs that the scorecard counts.
    publishing
        Whether it is about to be published: gaps that are warnings in editing are errors.
    """
    if not plan.offers:
        return []
    gap: Severity = "error" if publishing else "warn"
    limits = _limits(plan, matrix)
    return [
        *_moments(plan, journey, matrix, gap),
        *_offers(plan),
        *limits,
        *_whole(plan, kpis, gap),
    ]


def _moments(
    plan: UpsellPlan, journey: "Journey | None", matrix: "RaciMatrix | None", gap: Severity
) -> Iterator[Finding]:
    known = [t.id for t in journey.touchpoints] if journey else []
    rows = {r.touchpoint for r in matrix.rows} if matrix else set()
    for m in plan.moments:
        if known and m.touchpoint not in known:
            yield own(
                "UPS-01", gap, f"{m.label} makes its offer at {m.touchpoint!r}, which is no touchpoint of the map.",
                did_you_mean(m.touchpoint, known), "Name a touchpoint of the map.", "link", moment=m.id,
                touchpoint=m.touchpoint,
            )  # fmt: skip
        elif matrix is not None and m.touchpoint not in rows:
            yield own(
                "UPS-02", gap, f"{m.label} makes its offer at {m.touchpoint!r}, which has no row in the matrix.",
                "Who answers for the offer?", "Add the row and give exactly one role an A.", "link", moment=m.id,
                touchpoint=m.touchpoint,
            )  # fmt: skip
        if m.offered_by is None:
            yield own(
                "UPS-03", "info", f"Nobody records when the offer of {m.label} is made.",
                "What in the log says that it was offered?",
                "Name it under offered_by; without it acceptance cannot be counted.", "link", moment=m.id,
            )  # fmt: skip


def _offers(plan: UpsellPlan) -> Iterator[Finding]:
    made = {m.offer for m in plan.moments}
    for o in plan.offers:
        if o.id not in made:
            yield own(
                "UPS-04", "info", f"{o.label} is offered at no moment.", "When would it fit?",
                "Give it a moment, or take it out.", "document", offer=o.id,
            )  # fmt: skip
        outcome = {*o.accepted_by, *o.products} & set(plan.outcome)
        if o.expected is None and o.arm is None and not outcome:
            yield own(
                "UPS-05", "warn", f"Nothing says what {o.label} does: no trial, no moment, no judgement.",
                "How much likelier does a customer buy when he is asked?",
                "Give it an arm of the trial, or what the team expects.", "document", offer=o.id,
            )  # fmt: skip
        if o.expected is not None and o.expected_low is None and o.arm is None and not outcome:
            yield own(
                "UPS-11", "warn", f"What {o.label} does is judged, and nobody says what it does at least.",
                "Which effect would nobody doubt?",
                "Give expected_low: without it the board ranks a hope like a certainty.", "document", offer=o.id,
            )  # fmt: skip
        if o.arm is not None and plan.trial is None:
            yield own(
                "UPS-06", "warn", f"{o.label} names the arm {o.arm!r}, and the plan says nothing of a trial.",
                "Which arm was left alone, and which column says who bought?", "Fill in trial.", "document", offer=o.id,
            )  # fmt: skip


def _limits(plan: UpsellPlan, matrix: "RaciMatrix | None") -> Iterator[Finding]:
    made = {m.touchpoint for m in plan.moments}
    for name in plan.slots:
        if name not in made:
            yield own(
                "UPS-12", "warn", f"The plan limits contacts at {name!r}, where it makes no offer.",
                did_you_mean(name, sorted(made)), "Name a touchpoint of a moment under slots, or take it out.",
                "document", touchpoint=name,
            )  # fmt: skip
    letter = matrix.letters.accountable if matrix else None
    if matrix is None or letter is None:
        return
    roles = {
        r for row in matrix.rows if row.touchpoint in made for r in matrix.holders(row, letter)
    }
    for name in plan.teams:
        if name not in roles:
            yield own(
                "UPS-13", "warn", f"The plan limits the contacts of {name!r}, who answers for no offer.",
                did_you_mean(name, sorted(roles)), "Name an accountable role under teams, or take it out.", "link",
                role=name,
            )  # fmt: skip


def _whole(plan: UpsellPlan, kpis: Collection[str], gap: Severity) -> Iterator[Finding]:
    if not plan.held_out:
        yield own(
            "UPS-07", gap, "Nobody is left alone by the plan.",
            "How will anybody know what it brought?", "Leave a share of the customers alone, by chance (held_out).",
        )  # fmt: skip
    if not plan.counter_measures:
        yield own(
            "UPS-08", gap, "No KPI stands beside the acceptance of offers.",
            "Who notices when customers opt out, complain, return or leave?",
            "Name KPIs under counter_measures.",
        )  # fmt: skip
    for kpi in plan.counter_measures:
        if kpis and kpi not in kpis:
            yield own(
                "UPS-09", "info", f"{kpi.replace('_', ' ')} stands beside the offers; the scorecard lacks it.",
                "Who watches it?", "Add it to the scorecard.", "link", kpi=kpi,
            )  # fmt: skip
    if not plan.guards.opt_out:
        yield own(
            "UPS-10", gap, "The plan does not say how a customer opts out.",
            "What in the log says that somebody wants no offers?", "Name it under guards, opt_out.",
        )  # fmt: skip
