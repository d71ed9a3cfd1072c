"""Rules about what other documents hang on a row: KPIs, upsell moments, interventions, influence."""

from collections.abc import Iterator

from journey_widgets.findings import Finding
from journey_widgets.raci.context import Context


def kpis_have_owners(context: Context) -> Iterator[Finding]:
    """LNK-01 and LNK-02: a KPI's touchpoint has an accountable role, and it is the KPI's owner."""
    journey = context.journey
    if journey is None:
        return
    kpis = {t.id: t.kpis for t in journey.touchpoints}
    for row in context.rows:
        holders = row.holders(context.accountable)
        for kpi in kpis.get(row.row.touchpoint, ()):
            name = kpi.replace("_", " ")
            if not holders:
                yield context.find(
                    "LNK-01", context.policy.gap(), "link", row=row.row, kpi=name, ids={"kpi": kpi}
                )  # fmt: skip
                continue
            owner = context.links.kpi_owners.get(kpi)
            if owner is not None and owner not in holders:
                yield context.find(
                    "LNK-02", "warn", "link", row=row.row, kpi=name, ids={"kpi": kpi},
                    owner=_label(context, owner), accountable=context.named(holders),
                    measured={"owner": owner, "accountable": holders},
                )  # fmt: skip


def _label(context: Context, role: str) -> str:
    known = context.roles.role(role) if context.roles else None
    return known.label if known else context.labels.get(role, role)


def upsell_moments_are_settled(context: Context) -> Iterator[Finding]:
    """LNK-03: an upsell moment, of the matrix or of the plan, has exactly one A and at least one R."""
    for row in context.rows:
        if not row.row.upsell_moment and row.row.touchpoint not in context.links.upsell_moments:
            continue
        answering = len(row.holders(context.accountable))
        doing = len(row.holders(context.responsible))
        if answering != 1 or not doing:
            yield context.find(
                "LNK-03", context.policy.gap(), "link", row=row.row, accountable=answering or "nobody",
                responsible=doing or "nobody", measured={"accountable": answering, "responsible": doing},
            )  # fmt: skip


def interventions_have_owners(context: Context) -> Iterator[Finding]:
    """LNK-04: an intervention of the cross-impact matrix has an owner role."""
    for name, (label, owner) in context.links.interventions.items():
        if not owner:
            yield context.find(
                "LNK-04", context.policy.gap(), "link", label=label, ids={"intervention": name}
            )  # fmt: skip


def accountable_roles_have_a_kpi(context: Context) -> Iterator[Finding]:
    """LNK-05: a role holds an A and none of its touchpoints has a KPI."""
    journey = context.journey
    if journey is None or not any(t.kpis for t in journey.touchpoints):
        return
    measured = {t.id for t in journey.touchpoints if t.kpis}
    for role in context.matrix.roles:
        held = [
            row.row.touchpoint for row in context.rows if context.accountable in row.cells.get(role.id, ())
        ]  # fmt: skip
        if held and not measured & set(held):
            yield context.find(
                "LNK-05", "info", "link", role=role.id, measured={"touchpoints": held}
            )


def influential_rows_first(context: Context, errors: set[str]) -> Iterator[Finding]:
    """LNK-06: a touchpoint among those with most influence has an error in its row (`errors`)."""
    influence = context.links.influence
    if not influence:
        return
    room = max(1, int(len(influence) * context.policy.influential_share))
    least = sorted(influence.values(), reverse=True)[room - 1]
    for row in context.matrix.rows:
        active = influence.get(row.touchpoint)
        if active is not None and active >= least and active > 0 and row.touchpoint in errors:
            yield context.find(
                "LNK-06", "warn", "link", row=row, measured={"active_sum": active},
                policy={"influential_share": context.policy.influential_share},
            )  # fmt: skip
