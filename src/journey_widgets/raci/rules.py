"""Checking a RACI matrix: all rules, in one stable order.

Codes, conditions and severities are those of the project's rule list; a finding's ``authority`` says who
asks for each. A clean matrix is not proof of a good one: no rule sees whether the named owner has real
authority, or whether people were asked.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

import pandas as pd

from journey_widgets.findings import SEVERITIES, Finding
from journey_widgets.journey.document import Journey
from journey_widgets.raci import cell_rules, column_rules, link_rules, matrix_rules, row_rules
from journey_widgets.raci.context import Context
from journey_widgets.raci.document import Acknowledged, RaciMatrix, as_matrix
from journey_widgets.raci.policy import Links, RaciPolicy
from journey_widgets.roles import RoleRegister

RULES: tuple[Callable[[Context], Iterator[Finding]], ...] = (
    cell_rules.unknown_letters,
    cell_rules.redundant_letters,
    cell_rules.contradicting_letters,
    cell_rules.has_rows_and_columns,
    cell_rules.named_once,
    cell_rules.known_elsewhere,
    cell_rules.rows_name_work,
    row_rules.one_accountable,
    row_rules.somebody_responsible,
    row_rules.not_too_many_asked,
    row_rules.work_and_answer_apart,
    row_rules.held_by_whom,
    row_rules.checked_and_released,
    row_rules.one_driver_one_approver,
    row_rules.authority_runs_down,
    column_rules.not_too_much_on_one_role,
    column_rules.every_role_has_work,
    column_rules.not_overloaded,
    column_rules.roles_have_holders,
    matrix_rules.covers_the_journey,
    matrix_rules.stages_are_known,
    matrix_rules.was_reviewed,
    matrix_rules.not_too_full,
    matrix_rules.accountability_is_spread,
    link_rules.kpis_have_owners,
    link_rules.upsell_moments_are_settled,
    link_rules.interventions_have_owners,
    link_rules.accountable_roles_have_a_kpi,
)


def check(
    matrix: RaciMatrix | pd.DataFrame,
    journey: Journey | None = None,
    roles: RoleRegister | None = None,
    policy: RaciPolicy | None = None,
    links: Links | None = None,
) -> list[Finding]:
    """Return what the rules find, in the order severity, row, column, code.

    Parameters
    ----------
    matrix
        The document, or a table of touchpoints by roles.
    journey
        The journey whose touchpoints the matrix should cover; without it rules about coverage, review and
        KPIs are silent.
    roles
        The role register; without it rules about holders, kinds, capacity and reporting are silent.
    policy
        Limits and severities; the defaults are for editing.
    links
        What other documents say: KPI owners, interventions, influence, dates of change.

    Returns
    -------
    list of Finding
        A warning or note that the document acknowledges stays in the list with its reason, until the
        acknowledgement expires. Errors cannot be acknowledged.
    """
    document = as_matrix(matrix)
    context = Context.of(document, journey, roles, policy or RaciPolicy(), links or Links())
    found = [finding for rule in RULES for finding in rule(context)]
    errors = {
        f.ids["touchpoint"]
        for f in found
        if f.severity == "error" and f.scope in {"row", "cell"} and "touchpoint" in f.ids
    }
    found += link_rules.influential_rows_first(context, errors)
    return ordered(acknowledge(found, document, context.policy), document)


def acknowledge(
    findings: Iterable[Finding], matrix: RaciMatrix, policy: RaciPolicy
) -> list[Finding]:
    """Return findings with the reason of their acknowledgement, where one is in force."""
    valid: dict[tuple[str, ...], Acknowledged] = {
        (a.code, a.touchpoint or "", a.role or "", a.about or ""): a
        for a in matrix.acknowledged
        if a.until is None or policy.today <= a.until
    }
    result = []
    for finding in findings:
        known = (
            valid.get((finding.code, *place_of(finding))) if finding.severity != "error" else None
        )
        result.append(replace(finding, acknowledged=known.in_words()) if known else finding)
    return result


def place_of(finding: Finding) -> tuple[str, str, str]:
    """Return where a finding is: touchpoint, role, and what else it is about; blank where it is not."""
    return finding.ids.get("touchpoint", ""), finding.ids.get("role", ""), finding.about()


def ordered(findings: Iterable[Finding], matrix: RaciMatrix) -> list[Finding]:
    """Return findings in the order severity, row, column, code; what is acknowledged comes after the rest."""
    rows = {r.touchpoint: i for i, r in enumerate(matrix.rows)}
    columns = {r.id: i for i, r in enumerate(matrix.roles)}
    return sorted(
        findings,
        key=lambda f: (
            SEVERITIES.index(f.severity),
            bool(f.acknowledged),
            rows.get(f.ids.get("touchpoint", ""), len(rows)),
            columns.get(f.ids.get("role", ""), -1),
            f.code,
        ),
    )
