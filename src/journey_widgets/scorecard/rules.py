"""What does not fit in a scorecard, said as findings: balance, targets, owners, links."""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime

from journey_widgets.errors import did_you_mean
from journey_widgets.findings import Finding, Severity, own
from journey_widgets.journey.document import Journey
from journey_widgets.plans import Codes, check_plans
from journey_widgets.roles import RoleRegister
from journey_widgets.scorecard.catalogue import catalogue
from journey_widgets.scorecard.document import PAIRS, Kpi, Scorecard
from journey_widgets.scorecard.recipes import BEYOND
from journey_widgets.scorecard.standing import Standing

LEAST_SHARE = 0.10
"""SCO-01: share of the weight below which a perspective is hardly looked at."""
CODES = Codes("initiative", "SCO-12", "SCO-11", "SCO-14")
SHARE = "wilson"
"""SCO-08: how the interval of a share is worked out; a ratio with another one may go beyond 1."""


def check(
    scorecard: Scorecard,
    journey: Journey | None = None,
    roles: RoleRegister | None = None,
    *,
    today: date | None = None,
    publishing: bool = False,
    now: Standing | None = None,
) -> list[Finding]:
    """Return the findings of a scorecard: balance first, then KPIs, then links and initiatives.

    Parameters
    ----------
    journey, roles
        What stages and owners are looked up in.
    today
        The day on which weights and dates are looked at; today by default.
    publishing
        Whether it is about to be published: gaps that are warnings in editing are errors.
    now
        Where it stands: red KPIs without a note are found in it, where the scorecard asks for notes.
    """
    day = today or datetime.now(UTC).date()
    gap: Severity = "error" if publishing else "warn"
    known = [r.id for r in roles.roles] if roles else []
    return [
        *_balance(scorecard, day), *_objectives(scorecard), *_kpis(scorecard, gap), *_twice(scorecard),
        *_links(scorecard, journey, known, gap), *_initiatives(scorecard, known, day, gap),
        *(_notes(scorecard, now, gap) if now is not None else ()),
    ]  # fmt: skip


def balance(scorecard: Scorecard, day: date) -> dict[str, float]:
    """Return the share of the weight each perspective has by its KPIs, were all of them counted alike.

    Perspectives' own weights say how they are rolled up; whether a scorecard is balanced is a question of what is
    looked at. Perspectives without a KPI have 0; with no weight at all, all have.
    """
    weights = {
        p.id: sum(
            k.weight_on(day) for o in scorecard.objectives if o.perspective == p.id for k in o.kpis
        )
        for p in scorecard.perspectives
    }
    total = sum(weights.values())
    return {p: w / total if total else 0.0 for p, w in weights.items()}


def _balance(scorecard: Scorecard, day: date) -> Iterator[Finding]:
    """SCO-01: a perspective nobody looks at."""
    if not any(o.kpis for o in scorecard.objectives):
        return
    shares = balance(scorecard, day)
    for p in scorecard.perspectives:
        count = sum(len(o.kpis) for o in scorecard.objectives if o.perspective == p.id)
        if count and shares[p.id] >= LEAST_SHARE:
            continue
        said = f"{shares[p.id]:.0%} of the weight of all KPIs" if count else "no KPI"
        yield own(
            "SCO-01", "warn", f"{p.label} has {said}: the scorecard is not balanced.",
            "What would have to go well there for the other perspectives to go well?",
            f"Give it KPIs with {LEAST_SHARE:.0%} of the weight or more.", perspective=p.id,
        )  # fmt: skip


def _objectives(scorecard: Scorecard) -> Iterator[Finding]:
    """SCO-02: no KPI. SCO-03: lagging ones only. SCO-04: nobody answers for it."""
    led = {
        m: str(v) for m, v in catalogue().set_index("kpi")["lead_lag"].items() if isinstance(m, str)
    } | {k: r.get("lead_lag", "lag") for k, r in BEYOND.items()}
    for o in scorecard.objectives:
        if not o.kpis:
            yield own(
                "SCO-02", "warn", f"{o.label} has no KPI.", "How will it be seen that it is reached?",
                "Add a KPI with a target.", objective=o.id,
            )  # fmt: skip
        elif all((k.lead_lag or led.get(k.measured_as, "lag")) == "lag" for k in o.kpis):
            yield own(
                "SCO-03", "info", f"{o.label} has lagging KPIs only: they tell when it is over.",
                "What moves first when it goes well?", "Add a leading KPI.", objective=o.id,
            )  # fmt: skip
        if o.owner is None:
            yield own(
                "SCO-04", "warn", f"Nobody answers for {o.label}.", "Which role does?", "Name an owner.",
                objective=o.id,
            )  # fmt: skip


def _kpis(scorecard: Scorecard, gap: Severity) -> Iterator[Finding]:
    """SCO-05: no such measure. SCO-06: the wrong way. SCO-07: no target. SCO-08: per cent for shares."""
    rows = catalogue().set_index("kpi")[["direction", "interval_method"]].to_dict("index")
    known = {str(k): (str(r["direction"]), r["interval_method"] == SHARE) for k, r in rows.items()}
    known |= {k: (r["direction"], r["interval_method"] == SHARE) for k, r in BEYOND.items()}
    known |= {m.id: (str(m.direction), False) for m in scorecard.measures}
    for k in scorecard.kpis():
        name = k.label or k.id
        if k.measured_as not in known:
            yield own(
                "SCO-05", gap, f"{name} is measured as {k.measured_as!r}, which is in no catalogue.",
                did_you_mean(k.measured_as, known),
                "Name a KPI of the catalogue, or add a measure with its expression.", kpi=k.id,
            )  # fmt: skip
            continue
        direction, share = known[k.measured_as]
        if k.scoring == "unscored":
            yield own(
                "SCO-07", "info", f"{name} is tracked without a target: it has no score.",
                "What would be good enough?", "Set a baseline and a target, or leave it so.", kpi=k.id,
            )  # fmt: skip
            continue
        wrong = _wrong_way(k, direction)
        if wrong:
            yield own(
                "SCO-06", "error", f"{name} shall go {direction}; {wrong}.", "Are the two numbers swapped?",
                "Turn them around.", kpi=k.id,
            )  # fmt: skip
        if share and k.target is not None and k.target > 1:
            yield own(
                "SCO-08", "error", f"{name} is a share from 0 to 1; its target is {k.target:g}.",
                "Was it written in per cent?", f"Write {k.target / 100:g}.", kpi=k.id,
            )  # fmt: skip


def _wrong_way(kpi: Kpi, direction: str) -> str:
    """Return in words how a KPI's numbers lead away from where it shall go; blank where they do not."""
    if direction not in ("up", "down"):
        return ""
    if kpi.scoring in PAIRS and kpi.baseline is not None and kpi.target is not None:
        if (kpi.target > kpi.baseline) != (direction == "up"):
            return f"it is scored from {kpi.baseline:g} to {kpi.target:g}"
    elif kpi.scoring == "piecewise" and (kpi.points[-1][1] >= kpi.points[0][1]) != (
        direction == "up"
    ):
        return f"its score goes from {kpi.points[0][1]:g} to {kpi.points[-1][1]:g} as it rises"
    elif kpi.scoring == "percent_of_target" and direction == "down":
        return "percent of target counts more of it as better"
    return ""


def _twice(scorecard: Scorecard) -> Iterator[Finding]:
    """SCO-09: one figure in two places counts twice."""
    seen = Counter(
        (k.measured_as, tuple(sorted(k.where.items())), tuple(sorted(k.options.items())))
        for k in scorecard.kpis()
    )
    for (measure, _where, _options), n in seen.items():
        if n > 1:
            yield own(
                "SCO-09", "warn", f"{measure} is on the scorecard {n} times: it counts {n} times.",
                "Is one figure meant to decide twice?", "Keep it once, and link to it.", kpi=measure,
            )  # fmt: skip


def _links(
    scorecard: Scorecard, journey: Journey | None, known: list[str], gap: Severity
) -> Iterator[Finding]:
    """SCO-10: no such stage. SCO-11: no such role."""
    stages = [s.id for s in journey.stages] if journey else []
    for o in scorecard.objectives:
        if stages and o.stage and o.stage not in stages:
            yield own(
                "SCO-10", gap, f"{o.label} is of stage {o.stage!r}, which the journey does not have.",
                did_you_mean(o.stage, stages), "Name a stage of the journey.", "link", objective=o.id,
            )  # fmt: skip
    owned = [
        *((o.label, o.owner) for o in scorecard.objectives),
        *((k.label or k.id, k.owner) for k in scorecard.kpis()),
    ]
    for label, owner in owned:
        if known and owner and owner not in known:
            yield own(
                "SCO-11", gap, f"{label} is owned by {owner!r}, which is no role of the register.",
                did_you_mean(owner, known), "Name a role that is there.", "link", role=owner,
            )  # fmt: skip


def _initiatives(
    scorecard: Scorecard, known: list[str], day: date, gap: Severity
) -> Iterator[Finding]:
    """SCO-11, SCO-12 and SCO-14: owner, KPI and end. SCO-13: a KPI that is not on the scorecard."""
    yield from check_plans(scorecard.initiatives, CODES, known, day, gap)
    kpis = [k.id for k in scorecard.kpis()]
    for i in scorecard.initiatives:
        if i.status != "dropped" and i.kpi and i.kpi not in kpis:
            yield own(
                "SCO-13", gap, f"{i.label} shall move {i.kpi!r}, which is not on the scorecard.",
                did_you_mean(i.kpi, kpis or ["?"]), "Name a KPI of the scorecard, or add it.", "link",
                initiative=i.id, kpi=i.kpi,
            )  # fmt: skip


def _notes(scorecard: Scorecard, now: Standing, gap: Severity) -> Iterator[Finding]:
    """SCO-15: red, and nobody says why."""
    if not scorecard.red_needs_note:
        return
    worst = scorecard.rules()[-1].status
    for r in now.kpis.to_dict("records"):
        if r["status"] == worst and not r["note"]:
            yield own(
                "SCO-15", gap, f"{r['label']} is off target in the period from {now.period:%-d %B %Y}, without a note.",
                "Why is it, and what is done?", "Write a note for the period.", kpi=str(r["kpi"]),
            )  # fmt: skip
