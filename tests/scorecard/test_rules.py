"""What does not fit in a scorecard, one test a rule."""

import inspect
import re
from collections import Counter
from datetime import date
from pathlib import Path

import pandas as pd
import pytest

from journey_widgets import Workspace
from journey_widgets.journey.document import Journey
from journey_widgets.roles import RoleRegister
from journey_widgets.scorecard import rules
from journey_widgets.scorecard.catalogue import catalogue
from journey_widgets.scorecard.document import Scorecard
from journey_widgets.scorecard.rules import balance, check
from journey_widgets.scorecard.standing import standing

DAY = date(2026, 6, 30)


def kpi(name, **more):
    return {"id": name, "baseline": 0.2, "target": 0.4, **more}


def card(*kpis, **more):
    first = {
        "id": "o",
        "label": "Please",
        "perspective": "customer",
        "owner": "lead",
        "kpis": list(kpis),
    }
    others = [
        {"id": p, "label": p, "perspective": p, "owner": "lead", "kpis": [kpi(name, lead_lag="lead")]}
        for p, name in (
            ("financial", "clv_cac_ratio"), ("internal_process", "qualified_lead_rate"),
            ("learning_growth", "training_completion"),
        )
    ]  # fmt: skip
    return Scorecard.from_body(
        {"objectives": [{**first, **more.pop("first", {})}, *others], **more}
    )


def codes(scorecard, *others, **options):
    return [f.code for f in check(scorecard, *others, today=DAY, **options)]


def only(scorecard, code, *others, **options):
    found = [f for f in check(scorecard, *others, today=DAY, **options) if f.code == code]
    assert len(found) == 1
    return found[0]


GOOD = kpi("conversion_rate", lead_lag="lead")


def test_a_scorecard_in_which_all_fits_has_no_findings():
    assert codes(card(GOOD)) == []


def test_sco_01_a_perspective_with_hardly_any_weight_or_no_kpi():
    light = card({**GOOD, "weight": 30})
    assert [f.ids["perspective"] for f in check(light, today=DAY)] == [
        "financial",
        "internal_process",
        "learning_growth",
    ]
    assert "3% of the weight" in check(light, today=DAY)[0].message
    assert balance(card(GOOD), DAY) == {
        "financial": 0.25, "customer": 0.25, "internal_process": 0.25, "learning_growth": 0.25,
    }  # fmt: skip


def test_sco_01_the_kpis_the_article_names_are_no_balanced_scorecard(tmp_path):
    """The template holds the 23 KPIs an article names: its own scorecard fails its own definition."""
    space = Workspace.create(tmp_path / "w", template="upsell_scorecard")
    card = space.scorecard
    named = catalogue()
    named = named[named["named_in"].str.split("|").map(lambda a: "A3" in a)]
    assert sorted(k.id for k in card.kpis()) == sorted(named["kpi"])
    perspective = dict(zip(named["kpi"], named["perspective"], strict=True))
    of = {k.id: o.perspective for o in card.objectives for k in o.kpis}
    assert of == perspective
    assert Counter(of.values()) == {"customer": 22, "financial": 1}
    assert {o.stage for o in card.objectives} == {s.id for s in space.journey.stages}
    said = [f.message for f in check(card, space.journey, today=DAY) if f.code == "SCO-01"]
    assert said == [
        "Financial has 4% of the weight of all KPIs: the scorecard is not balanced.",
        "Internal process has no KPI: the scorecard is not balanced.",
        "Learning and growth has no KPI: the scorecard is not balanced.",
    ]


def test_sco_02_an_objective_without_a_kpi():
    assert "SCO-02" in codes(
        card(GOOD, objectives=[{"id": "o", "label": "O", "perspective": "customer"}])
    )


def test_sco_03_lagging_kpis_only():
    assert only(card(kpi("conversion_rate")), "SCO-03").severity == "info"


def test_sco_04_nobody_answers():
    assert only(card(GOOD, first={"owner": None}), "SCO-04").ids == {"objective": "o"}


def test_sco_05_no_such_measure():
    found = only(card(kpi("conversion_rat", lead_lag="lead")), "SCO-05")
    assert "Did you mean 'conversion_rate'" in found.question
    assert (
        only(card(kpi("conversion_rat", lead_lag="lead")), "SCO-05", publishing=True).severity
        == "error"
    )
    own = {"id": "mood", "label": "Mood", "expression": "a / b", "unit": "ratio", "direction": "up"}
    assert codes(card(kpi("mood", lead_lag="lead"), measures=[own])) == []


def test_what_is_measured_beyond_the_catalogue_is_known_too():
    own = kpi("path", measure="variant_share", options={"path": "a"})
    value = kpi("worth", measure="clv_expected", baseline=50, target=40)
    assert codes(card(GOOD, own)) == []
    assert codes(card(GOOD, value)) == ["SCO-06"]


@pytest.mark.parametrize(
    "more",
    [
        {"baseline": 0.4, "target": 0.2},
        {"scoring": "two_thresholds", "baseline": 0.4, "target": 0.2},
        {"scoring": "piecewise", "points": [[0, 1], [1, 0]]},
    ],
)
def test_sco_06_numbers_that_lead_the_wrong_way(more):
    assert "shall go up" in only(card({**GOOD, **more}), "SCO-06").message
    assert codes(card({**GOOD, "id": "cart_abandonment", **more})) == []


def test_sco_06_percent_of_target_has_no_meaning_downwards():
    found = kpi("cart_abandonment", scoring="percent_of_target", lead_lag="lead")
    assert "more of it as better" in only(card(found), "SCO-06").message


def test_sco_07_tracked_without_a_target():
    assert (
        only(
            card({"id": "conversion_rate", "scoring": "unscored", "lead_lag": "lead"}), "SCO-07"
        ).severity
        == "info"
    )


def test_sco_08_per_cent_where_a_share_was_needed():
    assert (
        only(card(kpi("conversion_rate", target=82, lead_lag="lead")), "SCO-08").fix
        == "Write 0.82."
    )


def test_sco_09_one_figure_in_two_places():
    again = {**GOOD, "id": "again", "measure": "conversion_rate"}
    assert only(card(GOOD, again), "SCO-09").message.endswith("it counts 2 times.")
    assert codes(card(GOOD, {**again, "where": {"channel": "web"}})) == []


def test_sco_10_and_11_stages_and_roles_that_are_not_there():
    journey = Journey.from_body(
        {"id": "shop", "label": "Shop", "stages": [{"id": "buy", "label": "Buy"}]}
    )
    roles = RoleRegister.from_body({"roles": [{"id": "lead", "label": "Lead"}]})
    found = card(GOOD, first={"stage": "bye", "owner": "led"})
    assert "'buy'" in only(found, "SCO-10", journey, roles).question
    assert "'lead'" in only(found, "SCO-11", journey, roles).question
    assert codes(card(GOOD, first={"stage": "buy"}), journey, roles) == []


def test_sco_12_to_14_initiatives():
    def initiatives(**more):
        one = {"id": "i", "label": "Call back", "kpi": "conversion_rate", "owner": "lead", **more}
        return card(GOOD, initiatives=[one])

    assert codes(initiatives()) == []
    assert (
        only(initiatives(owner=None, kpi=None), "SCO-12").message
        == "Call back has no owner and no KPI."
    )
    assert only(initiatives(kpi="csat"), "SCO-13").ids["kpi"] == "csat"
    assert "30" not in only(initiatives(ends="2026-05-31"), "SCO-14").message
    assert codes(initiatives(ends="2026-05-31", status="done")) == []


def test_every_code_has_a_test():
    tested = Path(__file__).read_text("utf-8")
    for code in set(re.findall(r"SCO-\d\d", inspect.getsource(rules))):
        number = code[-2:]
        assert f'"{code}"' in tested or f"sco_{number}" in tested


def test_sco_15_red_without_a_note_where_notes_are_asked_for():
    series = pd.DataFrame(
        {
            "kpi": ["conversion_rate"], "period": [pd.Timestamp("2026-05-01")], "value": 0.2, "n": 100, "low": 0.19,
            "high": 0.21, "state": "", "open": False, "method": "wilson", "definition": "d", "counted": "c",
        }
    )  # fmt: skip

    def found(scorecard, **more):
        now = standing(scorecard, series, "2026-05-01")
        return [f for f in check(scorecard, today=DAY, now=now, **more) if f.code == "SCO-15"]

    asked = card(GOOD, red_needs_note=True)
    (one,) = found(asked)
    assert (one.severity, one.ids) == ("warn", {"kpi": "conversion_rate"})
    assert "1 May 2026, without a note" in one.message
    assert found(asked, publishing=True)[0].severity == "error"
    assert found(card(GOOD)) == []
    noted = card(
        kpi("conversion_rate", lead_lag="lead", notes=[{"period": "2026-05", "text": "Why."}]),
        red_needs_note=True,
    )
    assert found(noted) == []
