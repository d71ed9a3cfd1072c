"""Rules about the matrix as a whole, beside the journey it belongs to."""

from collections import Counter
from collections.abc import Iterator
from datetime import date, timedelta

from journey_widgets.findings import Finding, Severity
from journey_widgets.journey.stages import canonical
from journey_widgets.raci.context import Context
from journey_widgets.raci.document import MatrixRow


def covers_the_journey(context: Context) -> Iterator[Finding]:
    """MAT-01 and MAT-02: every touchpoint and every stage of the journey has a row."""
    journey = context.journey
    if journey is None:
        return
    rows = {r.touchpoint for r in context.matrix.rows}
    for touchpoint in journey.touchpoints:
        if touchpoint.id not in rows:
            missing = MatrixRow(touchpoint=touchpoint.id, label=touchpoint.label)
            yield context.find(
                "MAT-01", context.policy.gap(), "matrix", row=missing,
                policy={"publishing": context.policy.publishing},
            )  # fmt: skip
    stage_of = {t.id: t.stage for t in journey.touchpoints}
    covered = {stage_of.get(r.touchpoint) for r in context.matrix.rows}
    for row in context.matrix.rows:
        covered |= set(_stages_meant(context, row))
    for stage in journey.stages:
        if stage.id not in covered:
            yield context.find(
                "MAT-02", "warn", "matrix", stage=stage.label, ids={"stage": stage.id}
            )


def _stages_meant(context: Context, row: MatrixRow) -> list[str]:
    """Return the stages of the journey that a row's stage is, or is another name of."""
    journey = context.journey
    if journey is None or row.stage is None:
        return []
    if any(s.id == row.stage for s in journey.stages):
        return [row.stage]
    meant = set(canonical(row.stage))
    found = []
    for stage in journey.stages:
        own = {stage.canonical} if stage.canonical else set(canonical(stage.id, of=journey.preset))
        if own & meant:
            found.append(stage.id)
    return found


def stages_are_known(context: Context) -> Iterator[Finding]:
    """MAT-03: a row's stage is not in the journey's stage set and has no alias there."""
    if context.journey is None:
        return
    severity: Severity = context.policy.gap()
    for row in context.matrix.rows:
        if row.stage is not None and not _stages_meant(context, row):
            yield context.find(
                "MAT-03", severity, "row", row=row, stage=row.stage,
                policy={"publishing": context.policy.publishing},
            )  # fmt: skip


def was_reviewed(context: Context) -> Iterator[Finding]:
    """MAT-04 and MAT-05: the matrix was looked at lately, and after the last change of what it is about."""
    if context.journey is None:
        return
    on, policy = context.matrix.reviewed_on, context.policy
    if on is None:
        yield context.find("MAT-05", "info", "matrix")
        return
    limit = {"review_days": policy.review_days, "today": policy.today.isoformat()}
    if policy.today - on > timedelta(days=policy.review_days):
        days = (policy.today - on).days
        yield context.find(
            "MAT-04", "warn", "matrix", what=f"The matrix was reviewed {days} days ago, on {on}",
            measured={"days": days}, policy=limit, ids={"change": f"review of {on}"},
        )  # fmt: skip
    for what, day in (
        ("Touchpoints or stages of the journey", context.links.journey_changed),
        ("Roles or their holders", context.links.roles_changed),
    ):
        if day is not None and day > on:
            yield _changed(context, what, day, on)


def _changed(context: Context, what: str, day: date, on: date) -> Finding:
    return context.find(
        "MAT-04", "warn", "matrix", what=f"{what} were changed on {day}, after the review of {on}",
        measured={"changed": day.isoformat()}, policy={"reviewed_on": on.isoformat()},
        ids={"change": f"{what.split()[0].lower()} {day}"},
    )  # fmt: skip


def not_too_full(context: Context) -> Iterator[Finding]:
    """MAT-06: most cells are filled, so that letters lose their meaning."""
    n, k = len(context.rows), len(context.matrix.roles)
    if n < context.policy.rows_from or not k:
        return
    share = sum(row.involved() for row in context.rows) / (n * k)
    if share > context.policy.density:
        yield context.find(
            "MAT-06", "warn", "matrix", share=share, measured={"density": share},
            policy={"density": context.policy.density},
        )  # fmt: skip


def concentration(context: Context) -> float | None:
    """Return the sum of squared shares of the A letters (HHI); None where there is none."""
    counts = Counter(role for row in context.rows for role in row.holders(context.accountable))
    total = sum(counts.values())
    return sum((n / total) ** 2 for n in counts.values()) if total else None


def accountability_is_spread(context: Context) -> Iterator[Finding]:
    """MAT-07: few roles hold most of the accountability."""
    if len(context.rows) < context.policy.rows_from:
        return
    found = concentration(context)
    if found is not None and found > context.policy.concentration:
        yield context.find(
            "MAT-07", "info", "matrix", effective=1 / found, measured={"hhi": found},
            policy={"concentration": context.policy.concentration},
        )  # fmt: skip
