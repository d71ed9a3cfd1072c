"""The scorecard document: what it takes and refuses, how its KPIs score, and the tree it makes."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from journey_widgets.errors import DocumentError
from journey_widgets.scorecard.document import Kpi, Scorecard
from journey_widgets.scorecard.roll_up import roll_up

DAY = date(2026, 6, 30)


def kpi(name, **more):
    return {"id": name, "baseline": 0, "target": 1, **more}


def card(*objectives, **more):
    return Scorecard.from_body({"objectives": list(objectives), **more})


def objective(name, perspective, *kpis, **more):
    return {
        "id": name,
        "label": name.upper(),
        "perspective": perspective,
        "kpis": list(kpis),
        **more,
    }


FULL = card(
    objective("grow", "financial", kpi("clv_simple", baseline=100, target=140), stage="advocacy", owner="cfo"),
    objective(
        "please", "customer",
        kpi("csat", baseline=0.7, target=0.85, starts="2026-01-01", due="2026-12-31", where={"channel": "web"},
            weights=[{"starts": "2026-03-01", "weight": 2}], min_n=30,
            benchmark={"value": 0.8, "source": "Institute", "year": 2025, "sector": "retail", "region": "EU",
                       "method": "survey", "sample": 1200},
            notes=[{"period": "2026-05", "text": "Parcels were late."}]),
        kpi("mood", scoring="ordinal", labels={"good": 1, "fair": 0.5, "poor": 0}, baseline=None, target=None),
    ),
    measures=[{"id": "mood", "label": "Mood", "expression": "good / all", "unit": "ratio", "direction": "up"}],
    arrows=[{"source": "csat", "target": "clv_simple", "lag": 3}],
    initiatives=[{"id": "call", "label": "Call back", "kpi": "csat", "owner": "support", "cost": 12000}],
)  # fmt: skip


def test_the_text_form_comes_back_as_it_was():
    assert Scorecard.from_text(FULL.to_text()) == FULL
    assert FULL.to_text().startswith("schema: scorecard/1\n")
    assert Scorecard.from_text(Scorecard().to_text()) == Scorecard()


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"baseline": 1, "target": 1}, "the way between them has no length"),
        ({"baseline": None}, "needs baseline"),
        ({"scoring": "piecewise"}, "needs points"),
        ({"scoring": "piecewise", "points": [[1, 0], [1, 1]]}, "strictly increase"),
        ({"scoring": "best_in_the_middle", "corners": [1, 2]}, "Three corners"),
        ({"scoring": "ordinal"}, "needs labels"),
        ({"scoring": "percent_of_target", "target": -3}, "a target above 0"),
        ({"weight": -1}, "greater than or equal to 0"),
        ({"target": float("nan")}, "finite number"),
        ({"starts": "2026-05-01", "due": "2026-05-01"}, "not after it starts"),
        ({"weights": [{"starts": "2026-05-01", "weight": 1}, {"starts": "2026-01-01", "weight": 2}]}, "earliest day"),
        ({"benchmark": {"value": 1, "source": "x"}}, "year is missing"),
        ({"targt": 3}, "Did you mean 'target'"),
    ],
)  # fmt: skip
def test_a_kpi_that_cannot_be_scored_is_refused_with_what_it_needs(more, said):
    with pytest.raises(DocumentError, match=said):
        card(objective("o", "customer", kpi("csat", **more)))


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"objectives": [objective("o", "custmer", kpi("csat"))]}, "Did you mean 'customer'"),
        ({"objectives": [objective("o", "customer", kpi("a"), kpi("a"))]}, "KPIs: the id 'a' is given twice"),
        ({"objectives": [objective("a", "customer", kpi("a"))]}, "an objective and a KPI are both called 'a'"),
        ({"arrows": [{"source": "a", "target": "b"}]}, "an arrow has the end 'a'"),
        (
            {"objectives": [objective("o", "customer", kpi("a"))], "arrows": [{"source": "a", "target": "a"}]},
            "to itself",
        ),
        ({"green": 0.3, "amber": 0.5}, "falling limits"),
        ({"measures": [{"id": "m", "label": "M", "expression": "open(1)", "unit": "n", "direction": "up"}]}, "formula"),
        ({"initiatives": [{"id": "i", "label": "I", "starts": "2026-05-02", "ends": "2026-05-01"}]}, "before it star"),
    ],
)  # fmt: skip
def test_a_scorecard_that_does_not_hang_together_is_refused(body, said):
    with pytest.raises(DocumentError, match=said):
        Scorecard.from_body(body)


def test_each_scoring_type_scores_as_its_rule_says():
    found = card(
        objective(
            "o", "customer", kpi("linear", baseline=70, target=85),
            kpi("share", scoring="percent_of_target", target=20),
            kpi("ten", scoring="two_thresholds", baseline=500, target=700),
            kpi("way", scoring="performance", baseline=0, target=200),
            kpi("bends", scoring="piecewise", points=[[60, 0], [70, 0.33], [80, 0.67], [90, 1]]),
            kpi("tent", scoring="best_in_the_middle", corners=[60, 80, 90]), kpi("done", scoring="yes_no"),
            kpi("word", scoring="ordinal", labels={"fair": 0.5}), kpi("seen", scoring="unscored"),
        )
    )  # fmt: skip
    values = {
        "linear": 80,
        "share": 18,
        "ten": 620,
        "way": 50,
        "bends": 76,
        "tent": 72,
        "done": True,
        "word": "fair",
    }
    scores = {k: round(found.kpi(k).score(v).clamped, 4) for k, v in values.items()}
    assert scores == {
        "linear": 0.6667, "share": 0.9, "ten": 0.5333, "way": 0.25, "bends": 0.534, "tent": 0.6, "done": 1, "word": 0.5,
    }  # fmt: skip
    with pytest.raises(DocumentError, match="tracked without a target"):
        found.kpi("seen").score(3)
    with pytest.raises(DocumentError, match="Did you mean 'linear'"):
        found.kpi("lineer")


def test_the_weight_in_force_on_a_day_counts():
    csat = FULL.kpi("csat")
    assert [csat.weight_on(date(2026, 2, 28)), csat.weight_on(date(2026, 3, 1))] == [1, 2]


def test_the_glide_path_goes_straight_from_baseline_to_target():
    way = card(
        objective("o", "customer", kpi("csat", baseline=70, target=82, starts="2026-01-01", due="2026-12-31"))
    ).kpi("csat")  # fmt: skip
    assert way.expected_on(date(2026, 1, 1)) == 70
    assert way.expected_on(date(2026, 7, 2)) == pytest.approx(76)
    assert way.expected_on(date(2027, 6, 1)) == 82
    assert FULL.kpi("mood").expected_on(DAY) is None


def test_the_tree_rolls_up_perspectives_of_objectives_of_kpis():
    found = card(
        objective("f", "financial", kpi("a"), kpi("b")),
        objective("c", "customer", kpi("c1", weight=2), kpi("c2"), kpi("c3")),
        objective("i", "internal_process", kpi("d")),
        objective("l", "learning_growth", kpi("e")),
    )
    scores = {"a": 0.8, "b": 0.6, "c1": 0.5, "c2": "no_data", "c3": 1.0, "d": 0.2}
    top = roll_up(found.tree(scores, DAY), least_coverage=0.6)
    assert top.score == pytest.approx((0.70 + 2 / 3 + 0.20) / 3)
    assert (top.low, top.high) == pytest.approx((0.35, 0.6625))
    assert top.coverage == pytest.approx(0.6875)
    assert roll_up(found.tree(scores, DAY)).state == "insufficient"


def test_an_empty_perspective_and_a_kpi_without_a_target_take_no_weight():
    plain = card(objective("c", "customer", kpi("a")), objective("d", "customer"))
    more = card(objective("c", "customer", kpi("a"), kpi("seen", scoring="unscored")))
    for one in (plain, more):
        top = roll_up(one.tree({"a": 0.4}, DAY))
        assert (top.score, top.coverage) == (0.4, 1.0)


def test_a_scorecard_without_kpis_has_no_score_and_says_why():
    assert roll_up(Scorecard().tree({}, DAY)).state == "not_applicable"


@given(st.lists(st.floats(0, 1), min_size=1, max_size=6), st.floats(0.1, 50))
def test_scaling_all_weights_of_an_objective_changes_nothing(scores, by):
    def score(scale):
        names = [f"k{i}" for i in range(len(scores))]
        found = card(
            objective(
                "o", "customer", *(kpi(n, weight=scale * (i + 1)) for i, n in enumerate(names))
            )
        )
        return roll_up(found.tree(dict(zip(names, scores, strict=True)), DAY)).score

    assert score(by) == pytest.approx(score(1))


def test_a_glide_path_may_be_a_table():
    kpi = Kpi(
        id="a", baseline=70, target=82,
        path=({"day": date(2026, 1, 31), "value": 70}, {"day": date(2026, 7, 31), "value": 60},
              {"day": date(2026, 12, 31), "value": 82}),
    )  # fmt: skip
    assert kpi.expected_on(date(2026, 1, 30)) is None
    assert kpi.expected_on(date(2026, 1, 31)) == 70
    assert kpi.expected_on(date(2026, 5, 1)) == pytest.approx(70 - 10 * 90 / 181)
    assert kpi.expected_on(date(2026, 7, 31)) == 60
    assert kpi.expected_on(date(2027, 3, 1)) == 82
    with pytest.raises(ValidationError, match="from the earliest day to the latest"):
        Kpi(
            id="a",
            baseline=0,
            target=1,
            path=({"day": date(2026, 2, 1), "value": 1}, {"day": date(2026, 1, 1), "value": 2}),
        )


def test_a_benchmark_says_whose_figure_it_is_or_is_none():
    whole = {
        "value": 35, "source": "Trade body", "year": 2025, "sector": "Retail", "region": "EU",
        "method": "telephone", "sample": 1200,
    }  # fmt: skip
    kpi = Kpi(id="a", baseline=0, target=1, benchmark=whole)
    assert kpi.benchmark.of() == "Retail, EU, 2025: Trade body, telephone, n 1,200"
    for field in whole:
        with pytest.raises(ValidationError):
            Kpi(
                id="a",
                baseline=0,
                target=1,
                benchmark={k: v for k, v in whole.items() if k != field},
            )
