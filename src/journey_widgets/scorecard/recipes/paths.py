"""KPIs of the journey's own questions: funnel, stages, edges and whole paths, counted as `journey` counts them."""

import ibis
import ibis.expr.types as ir
from ibis import _

from journey_widgets.errors import JourneyDataError, did_you_mean
from journey_widgets.events.instants import from_micros, micros
from journey_widgets.journey.attempts import Rules, attempts
from journey_widgets.journey.conformance import judged_paths
from journey_widgets.journey.variants import taken_by
from journey_widgets.scorecard.recipes.log import DAY, EVENTS, HOUR, QUARTER, came_within
from journey_widgets.scorecard.recipes.recipe import STAGE, Asked, Recipe


def _conversion(ask: Asked) -> ir.Table:
    """Return customers at the funnel's first step, and whether they reached its last: as `journey.funnel` counts."""
    named = [s.strip() for s in str(ask.options["steps"]).split(">") if s.strip()]
    steps = named or list(ask.journey.funnel)
    if len(steps) < 2:
        msg = f"{ask.kpi} needs two steps or more: options={{'steps': 'basket > payment'}}, or a funnel on the map."
        raise JourneyDataError(msg)
    window = str(ask.options["within"]) or None
    rules = Rules.read(
        order=str(ask.options["order"]), entry=str(ask.options["entry"]), within=window, exclude=()
    )

    def made() -> ir.Table:
        found = attempts(ask.index, steps, rules).as_table(ask.index)
        converted = (found.depth == len(steps)).cast("int32")
        kept = ask.shared.kept(found.select("customer", began="moment_0", converted=converted))
        return kept.mutate(ts=from_micros(kept.began), unit=kept.customer, entered=ibis.literal(1))

    found = ask.shared.once(("attempts", tuple(steps), rules), made)
    return ask.grouped(ask.over(found, "within") if window else found)


def _edge(ask: Asked) -> ir.Table:
    """Return the steps from one touchpoint directly to another, at the time of the second: as the map counts them."""
    index = ask.index
    source, target = (index.code(str(ask.options[o])) for o in ("source", "target"))
    table = index.table
    found = table.filter((table.touchpoint == source) & (table.next == target))
    return ask.grouped(
        found.select(
            "customer",
            unit=found.customer,
            ts=from_micros(micros(found.ts) + found.gap),
            hours=found.gap.cast("float64") / HOUR,
            cases=ibis.literal(1),
        )
    )


def _variant(ask: Asked) -> ir.Table:
    """Return customers at their first event, and whether their whole path is the one named: as `journey.variants`."""
    took = taken_by(ask.index, str(ask.options["path"])).distinct().mutate(took=ibis.literal(1))
    both = _old_enough(ask).left_join(took, "customer")
    return ask.grouped(
        both.select(
            "customer", "ts", unit=both.customer, took=both.took.fill_null(0).cast("int32"),
            observed=ibis.literal(1),
        )
    )  # fmt: skip


def _old_enough(ask: Asked) -> ir.Table:
    """Return customers at their first event, so long ago that the path is taken to be complete."""
    first = ask.index.table.filter(_.step == 1).select("customer", "ts")
    return ask.over(first) if str(ask.options["within"]) else first


def _completed(ask: Asked) -> ir.Table:
    """Return journeys at their first event whose window is over, and whether they came to the planned end in it."""
    named = ask.has_word("end") or not ask.journey.funnel
    at = ask.at("end" if named else ask.journey.funnel[-1])
    ends = at.group_by("customer").agg(then=_.ts.min())
    first = ask.over(ask.index.table.filter(_.step == 1).select("customer", "ts"))
    both = first.left_join(ends, "customer").select("customer", "ts", "then", unit="customer")
    return ask.grouped(
        both.select(
            "customer", "ts", "unit", completed=came_within(ask, both), started=ibis.literal(1)
        )
    )


def _conforming(ask: Asked) -> ir.Table:
    """Return journeys at their first event, and whether every step of them was designed or a repeat."""
    judged = ask.shared.kept(judged_paths(ask.index, ask.journey))
    both = _old_enough(ask).join(judged, "customer")
    return ask.grouped(
        both.select(
            "customer",
            "ts",
            unit=both.customer,
            conform=both.fits.cast("int32"),
            observed=ibis.literal(1),
        )
    )


def _stage_codes(ask: Asked, stage: str) -> list[int]:
    known = [s.id for s in ask.journey.stages]
    if stage not in known:
        msg = f"The journey has no stage {stage!r}. {did_you_mean(stage, known)}"
        raise JourneyDataError(msg)
    inside = {t.id for t in ask.journey.in_stage(stage)}
    return [i for i, t in enumerate(ask.index.touchpoints) if t in inside]


def _in_stages(ask: Asked) -> tuple[ir.Table, str, str]:
    """Return the events of a stage and of the one before it."""
    stage = str(ask.options[STAGE])
    order = [s.id for s in ask.journey.stages]
    codes = _stage_codes(ask, stage)
    before = str(ask.options["before"]) or (
        order[order.index(stage) - 1] if order.index(stage) else ""
    )
    if not before:
        msg = f"{ask.kpi}: {stage} is the first stage; nobody comes from the one before. Name another stage."
        raise JourneyDataError(msg)
    earlier = _stage_codes(ask, before)
    table = ask.index.table
    code = table.touchpoint.cast("int32")
    found = table.filter(code.isin([*codes, *earlier])) if [*codes, *earlier] else table.limit(0)
    code = found.touchpoint.cast("int32")
    return found.select("customer", "step", "ts", here=code.isin(codes or [-1])), stage, before


def _stage_reached(ask: Asked) -> ir.Table:
    """Return customers at their first event in the stage before, and whether they came to the stage in the window."""
    found, _stage, _before = _in_stages(ask)
    began = found.filter(~found.here).group_by("customer").agg(ts=_.ts.min(), step=_.step.min())
    there = found.filter(found.here).join(began.select("customer", since="step"), "customer")
    there = there.filter(there.step > there.since).group_by("customer").agg(then=_.ts.min())
    both = began.left_join(there, "customer").select("customer", "ts", "then", unit="customer")
    limited = bool(str(ask.options["within"]))
    reached = came_within(ask, both) if limited else both.then.notnull().cast("int32")
    rows = both.select("customer", "ts", "unit", reached_k=reached, reached_prev=ibis.literal(1))
    return ask.grouped(ask.over(rows) if limited else rows)


def _dwelt(ask: Asked) -> ir.Table:
    """Return customers who left a stage: days from their first event in it to the first one elsewhere after it."""
    codes = _stage_codes(ask, str(ask.options[STAGE]))
    table = ask.index.table
    here = table.touchpoint.cast("int32").isin(codes or [-1])
    marked = table.select("customer", "step", "ts", here=here)
    began = (
        marked.filter(marked.here).group_by("customer").agg(began=_.ts.min(), since=_.step.min())
    )
    later = marked.filter(~marked.here).join(began, "customer")
    left = (
        later.filter(later.step > later.since)
        .group_by("customer")
        .agg(ts=_.ts.min(), began=_.began.min())
    )
    days = (micros(left.ts) - micros(left.began)).cast("float64") / DAY
    return ask.grouped(
        left.select("customer", "ts", unit=left.customer, days=days, cases=ibis.literal(1))
    )


RECIPES: dict[str, Recipe] = {
    "conversion_rate": Recipe(
        EVENTS, _conversion, ("converted", "entered"), "entered",
        "Customers in the period of their attempt, as the journey's funnel counts: option steps (blank: the funnel of "
        "the map).", options={"steps": "", "within": "30d", "order": "this", "entry": "first"}, window="within",
    ),
    "stage_conversion": Recipe(
        EVENTS, _stage_reached, ("reached_k", "reached_prev"), "reached_prev",
        "Customers in the period of their first event in the stage before (option before; blank: the one before on the "
        "map), and who of them came to the stage within the window after it.",
        options={STAGE: None, "before": "", "within": "30d"}, window="within",
    ),
    "stage_dwell": Recipe(
        EVENTS, _dwelt, ("cases",), "cases",
        "From the first event in the stage to the first one elsewhere after it, in the period of leaving; those still "
        "inside have no time.", options={STAGE: None}, cases="days",
    ),
    "journey_completion": Recipe(
        EVENTS, _completed, ("completed", "started"), "started",
        "Journeys in the period of their first event whose window is over; the end (the funnel's last step where the "
        "word end is not given) within it.", options=QUARTER, window="within",
    ),
    "path_conformance": Recipe(
        EVENTS, _conforming, ("conform", "observed"), "observed",
        "Journeys in the period of their first event, begun at least the window ago; one follows the map where no step "
        "of it is unplanned or off the map. Repeats are no deviation.", options={"within": "30d"}, window="within",
    ),
    "edge_median": Recipe(
        EVENTS, _edge, ("cases",), "cases", "Steps from source directly to target, in the period of the target.",
        options={"source": None, "target": None}, cases="hours",
    ),
    "variant_share": Recipe(
        EVENTS, _variant, ("took", "observed"), "observed",
        "Customers in the period of their first event, begun at least the window ago, whose whole path is the option "
        "path.",
        options={"path": None, "within": "30d"}, window="within",
    ),
}  # fmt: skip
