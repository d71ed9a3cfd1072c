"""Findings of a cross-impact document: each rule finds what it is for, and is silent otherwise."""

from datetime import date

import pytest

from journey_widgets.cross_impact import CrossImpact, check
from journey_widgets.journey.document import Journey
from journey_widgets.roles import RoleRegister

FACTORS = [{"id": i, "label": i.upper()} for i in "abcd"]
DAY = date(2026, 6, 1)
FULL = {
    "a": {"b": 2, "c": 1, "csat": 3},
    "b": {"a": 1, "c": 2, "csat": 1},
    "c": {"d": -1},
    "d": {"a": 0.5},
}


def cells(values):
    return {s: {t: {"value": v} for t, v in row.items()} for s, row in values.items()}


def panel(*raters, **more):
    return CrossImpact.from_body(
        {
            "factors": FACTORS,
            "outcomes": [{"id": "csat", "label": "CSAT"}],
            "raters": [
                {"id": f"r{i}", "label": f"Rater {i}", "cells": cells(r)}
                for i, r in enumerate(raters)
            ],
            **more,
        }
    )


def found(document, *given, **options):
    return {f.code: f for f in check(document, *given, today=DAY, **options)}


def test_a_sound_matrix_has_no_findings():
    assert found(panel(FULL)) == {}
    assert found(panel()) == {}


def test_xim_01_a_factor_nobody_judged():
    one = found(panel({k: v for k, v in FULL.items() if k != "c"}))["XIM-01"]
    assert one.ids == {"touchpoint": "c"}
    assert one.message == "C: nobody judged what it acts on."


def test_xim_02_a_factor_that_acts_on_nothing():
    one = found(panel({**FULL, "c": {"a": 0, "d": 0}}))["XIM-02"]
    assert (one.severity, one.message) == ("info", "C is said to act on nothing.")


def test_xim_03_a_rater_who_gave_one_value_throughout():
    alike = {"a": {"b": 1, "c": 1, "d": 1}, "b": {"a": 1, "c": 1}, "c": {"a": 1}}
    assert found(panel(FULL, alike))["XIM-03"].message == "Rater 1 gave 1 to all 6 relations."
    assert "XIM-03" not in found(panel(FULL, {**alike, "c": {"a": 2}}))


def test_xim_04_two_raters_who_are_alike_in_everything():
    assert found(panel(FULL, FULL))["XIM-04"].ids == {"rater": "r0+r1"}
    assert "XIM-04" not in found(panel(FULL, {**FULL, "d": {"a": 1}}))


def test_xim_05_a_rater_who_read_the_sheet_the_wrong_way():
    one = {
        "a": {"b": 3, "c": 0, "d": 2},
        "b": {"a": 0, "c": 3},
        "c": {"a": 3, "d": 0},
        "d": {"b": 1},
    }
    near = {
        "a": {"b": 3, "c": 0, "d": 1},
        "b": {"a": 0, "c": 2},
        "c": {"a": 3, "d": 0},
        "d": {"b": 1},
    }
    turned = {}
    for s, row in one.items():
        for t, v in row.items():
            turned.setdefault(t, {})[s] = v
    full = {s: {t: one.get(s, {}).get(t, 0) for t in "abcd" if t != s} for s in "abcd"}
    other = {s: {t: near.get(s, {}).get(t, 0) for t in "abcd" if t != s} for s in "abcd"}
    back = {s: {t: turned.get(s, {}).get(t, 0) for t in "abcd" if t != s} for s in "abcd"}
    findings = [f for f in check(panel(full, other, back), today=DAY) if f.code == "XIM-05"]
    assert [f.ids["rater"] for f in findings] == ["r2"]


def test_xim_06_raters_who_see_opposite_directions():
    one = found(panel(FULL, {"a": {"b": -1}}))["XIM-06"]
    assert one.message == "A on B: Rater 0 sees it help, Rater 1 sees it harm."
    assert one.ids == {"touchpoint": "a", "target": "b"}
    assert "XIM-06" not in found(panel(FULL, {"a": {"b": -1}}, consensus=cells({"a": {"b": 1}})))


def test_xim_07_an_agreement_outside_of_what_anybody_judged():
    one = found(panel(FULL, consensus=cells({"a": {"b": 3}})))["XIM-07"]
    assert one.message == "A on B: 3 was agreed, judged were 2 to 2."
    assert "XIM-07" not in found(panel(FULL, consensus=cells({"a": {"b": 2}, "d": {"c": 3}})))


def test_xim_08_and_09_outcomes_that_act_back_or_are_not_judged():
    assert found(panel({**FULL, "csat": {"a": 1}}))["XIM-08"].ids == {"outcome": "csat"}
    bare = {s: {t: v for t, v in row.items() if t != "csat"} for s, row in FULL.items()}
    assert found(panel(bare))["XIM-09"].message == "Nobody judged what acts on CSAT."


def test_xim_10_and_11_factors_and_touchpoints_that_do_not_match():
    points = [{"id": i, "label": i.upper(), "stage": "s"} for i in "abce"]
    journey = Journey.from_body(
        {"id": "j", "label": "J", "stages": [{"id": "s", "label": "S"}], "touchpoints": points}
    )
    codes = found(panel(FULL), journey)
    assert codes["XIM-10"].ids == {"touchpoint": "d"}
    assert codes["XIM-10"].severity == "warn"
    assert codes["XIM-11"].message == "Not in the matrix: E."
    assert found(panel(FULL), journey, publishing=True)["XIM-10"].severity == "error"


def plan(**more):
    return {
        "id": "i",
        "label": "Do it",
        "changes": {"a": 0.5},
        "owner": "pm",
        "kpi": "csat",
        **more,
    }


def test_xim_12_an_intervention_without_owner_or_kpi():
    assert found(panel(FULL, interventions=[plan()])) == {}
    bare = {k: v for k, v in plan().items() if k not in ("owner", "kpi")}
    assert (
        found(panel(FULL, interventions=[bare]))["XIM-12"].message
        == "Do it has no owner and no KPI."
    )
    assert found(panel(FULL, interventions=[bare]), publishing=True)["XIM-12"].severity == "error"
    assert found(panel(FULL, interventions=[{**bare, "status": "dropped"}])) == {}


def test_xim_13_an_owner_who_is_no_role():
    roles = RoleRegister.from_body({"roles": [{"id": "sales", "label": "Sales"}]})
    one = found(panel(FULL, interventions=[plan()]), None, roles)["XIM-13"]
    assert one.message == "Do it is owned by 'pm', which is no role of the register."


def test_xim_14_and_15_what_changes_nothing_and_what_is_late():
    assert "XIM-14" in found(panel(FULL, interventions=[plan(changes={})]))
    late = found(panel(FULL, interventions=[plan(ends="2026-05-31")]))["XIM-15"]
    assert late.message == "Do it was to end on 31 May 2026 and is planned."
    assert found(panel(FULL, interventions=[plan(ends="2026-06-01")])) == {}
    assert found(panel(FULL, interventions=[plan(ends="2026-05-31", status="done")])) == {}


@pytest.mark.parametrize("code", [f"XIM-{i:02d}" for i in range(1, 16)])
def test_every_rule_is_told_in_the_documentation(code, root):
    assert code in (root / "docs" / "cross_impact.md").read_text()
