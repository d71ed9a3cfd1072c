"""Where a scorecard stands: certainty, what is real, alarms, and the series behind it."""

import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given as given_
from hypothesis import settings
from hypothesis import strategies as st
from pydantic import ValidationError

from journey_widgets import Workspace
from journey_widgets.errors import JourneyDataError
from journey_widgets.estimates import wilson
from journey_widgets.journey.document import Journey
from journey_widgets.scorecard import cards, words
from journey_widgets.scorecard.at_touchpoints import at_touchpoints, gaps, named_at
from journey_widgets.scorecard.document import Arrow, Kpi, Measure, Objective, Scorecard
from journey_widgets.scorecard.series import series
from journey_widgets.scorecard.standing import (
    alarms,
    held_against,
    judged,
    kpis_in,
    last_closed,
    score_of,
    standing,
)
from journey_widgets.scorecard.strategy import arrows, correlation
from journey_widgets.scorecard.trade_offs import trade_offs

MONTHS = pd.date_range("2025-01-01", periods=30, freq="MS")


def a_card(*kpis, **more):
    return Scorecard(
        objectives=(Objective(id="o", label="O", perspective="customer", kpis=kpis),), **more
    )


def a_series(kpi, values, n=100, spread=0.01, method="wilson", state="", months=MONTHS):
    return pd.DataFrame(
        {
            "kpi": kpi, "period": months[: len(values)], "value": values, "n": n,
            "low": [v - spread for v in values], "high": [v + spread for v in values], "state": state, "open": False,
            "method": method, "definition": "d", "counted": "c",
        }
    )  # fmt: skip


SHARE = Kpi(id="a", measure="csat_t2b", baseline=0.6, target=0.9)


def row(found, kpi="a"):
    return found.kpis.set_index("kpi").loc[kpi]


def test_the_status_of_41_of_50_and_410_of_500_differ_in_how_sure_they_are():
    kpi = Kpi(id="a", measure="csat_t2b", scoring="piecewise", points=((0.7, 0.33), (0.8, 0.67)))
    for low, high, possible in (
        (0.692, 0.902, "green, amber, red"),
        (0.784, 0.851, "green, amber"),
    ):
        given = a_series("a", [0.82]).assign(low=low, high=high)
        found = row(
            standing(
                a_card(
                    kpi.model_copy(update={"points": ((0.6999, 0.0), (0.7, 0.33), (0.8, 0.67))})
                ),
                given,
            )
        )
        assert (found["status"], found["possible"], found["certain"]) == ("green", possible, False)


def test_a_change_is_real_where_its_interval_leaves_no_room_for_chance():
    real = row(standing(a_card(SHARE), a_series("a", [0.8, 0.7])))
    assert (real["moved"], real["better"], round(real["change"], 9)) == ("real", False, -0.1)
    assert real["change_high"] < 0
    noise = row(standing(a_card(SHARE), a_series("a", [0.8, 0.79])))
    assert noise["moved"] == "within chance"
    first = row(standing(a_card(SHARE), a_series("a", [0.8])))
    assert first["moved"] == "nothing before"


def test_a_value_on_too_few_is_neither_scored_nor_compared():
    given = a_series("a", [0.8, 0.2])
    given.loc[1, "state"] = "insufficient"
    found = standing(a_card(SHARE), given, "2025-02-01")
    assert (row(found)["status"], row(found)["moved"], row(found)["state"]) == (
        "",
        "nothing before",
        "insufficient",
    )
    assert found.total.score is None


def test_the_newest_period_is_one_that_most_kpis_are_over_in():
    given = pd.concat(
        [
            a_series("a", [0.8, 0.8]),
            a_series("b", [0.8, 0.8]),
            a_series("a", [0.1, 0.1, 0.1], state="insufficient"),
        ]
    )
    assert last_closed(given) == pd.Timestamp("2025-02-01")
    with pytest.raises(JourneyDataError, match="No period is over yet"):
        last_closed(given.assign(open=True))
    with pytest.raises(JourneyDataError, match=r"begins on 2025-09-01.*Did you mean"):
        standing(a_card(SHARE), given, "2025-09-01")


def test_what_is_counted_in_full_is_certain_without_an_interval():
    kpi = Kpi(id="a", measure="map_currency", baseline=0.5, target=1.0)
    given = a_series("a", [0.4], method="none").assign(low=math.nan, high=math.nan)
    assert row(standing(a_card(kpi), given))["certain"]
    own = given.assign(method="worked out")
    assert not row(standing(a_card(kpi), own))["certain"]


def test_an_alarm_is_certain_and_is_not_repeated():
    given = a_series("a", [0.85, 0.62, 0.62])
    card = a_card(SHARE)
    april = [standing(card, given, m) for m in given["period"]]
    assert alarms(april[0]).empty
    first = alarms(april[1], april[0])
    assert first["why"].tolist() == ["certainly at its worst status, and it really got worse"]
    assert alarms(april[2])["why"].tolist() == ["certainly at its worst status"]
    assert alarms(april[2], april[2]).empty


def test_noise_raises_no_alarm_at_more_than_the_set_rate():
    """300 segments without any change, 400 times: a run that calls anything real is one in twenty or fewer."""
    rng = np.random.default_rng(5)
    flagged = 0
    for _run in range(400):
        share = rng.uniform(0.2, 0.8, size=300)
        n = rng.integers(60, 400, size=(2, 300))
        hits = rng.binomial(n, share)
        value, before = hits / n
        (low, before_low), (high, before_high) = wilson(hits, n)
        frame = pd.DataFrame(
            {
                "value": value, "low": low, "high": high, "before": before, "before_low": before_low,
                "before_high": before_high, "change": value - before, "signal": "",
            }
        )  # fmt: skip
        flagged += int((judged(frame)["moved"] == "real").any())
    assert flagged <= 20 + 9  # 5 % of 400, and two standard errors


def test_weights_are_shares_of_the_whole_and_a_hidden_red_is_named():
    kpis = (SHARE, Kpi(id="b", measure="nps", baseline=0, target=50, weight=3))
    given = pd.concat([a_series("a", [0.6]), a_series("b", [50.0])], ignore_index=True)
    found = standing(a_card(*kpis), given)
    assert found.kpis["weight"].tolist() == [0.25, 0.75]
    assert found.nodes().set_index("node").loc["o", "hidden"] == "a"


# --- series -------------------------------------------------------------------------------------------------


def lines(n=60):
    frame = pd.DataFrame({"i": range(n)})
    return frame.assign(
        customer_id=[f"c{i}" for i in frame["i"]], order_id=[f"o{i}" for i in frame["i"]],
        ts=pd.Timestamp("2026-01-01") + pd.to_timedelta(frame["i"], "D"), product_id="p", quantity=1.0, unit_price=10.0,
    )  # fmt: skip


def test_a_measure_of_ones_own_is_worked_out_period_by_period_and_says_it_has_no_interval():
    card = a_card(
        Kpi(id="revenue_per_unit", scoring="unscored"),
        measures=(
            Measure(
                id="revenue_per_unit", label="Revenue a unit", expression="aov / units_per_transaction",
                unit="currency", direction="up",
            ),
        ),
    )  # fmt: skip
    found = series(card, {"order_lines": lines()})
    assert found["value"].tolist() == [10, 10, 10]
    assert found["n"].tolist() == [31, 28, 1]
    assert found["low"].isna().all()
    assert found["state"].tolist() == ["", "insufficient", "insufficient"]


def test_a_kpi_that_cannot_be_counted_says_why_and_stops_no_other():
    card = a_card(
        Kpi(id="aov", scoring="unscored"),
        Kpi(id="nps", scoring="unscored"),
        Kpi(id="cost_per_lead", scoring="unscored"),
    )
    found = series(card, {"order_lines": lines()}).groupby("kpi")["state"].first()
    assert found.to_dict() == {"aov": "", "cost_per_lead": "error", "nps": "error"}
    why = series(card, {"order_lines": lines()}).set_index("kpi").loc["nps", "counted"]
    assert "needs the source answers" in why


def test_a_segment_is_its_customers_in_every_source_and_what_names_nobody_does_not_apply(
    made_example,
):
    space = Workspace.open(made_example, read_only=True)
    sources = {k: space.source(k) for k in space.sources.present()} | {
        "journey": space.journey,
        "raci": space.raci,
    }
    from journey_widgets.events.paths import path_index

    card = a_card(
        Kpi(id="aov", scoring="unscored"), Kpi(id="nps", scoring="unscored"),
        Kpi(id="map_currency", scoring="unscored"),
        Kpi(id="raci_coverage", scoring="unscored"), Kpi(id="unique_visitors", scoring="unscored"),
    )  # fmt: skip
    whole = series(card, sources)
    parts = [
        series(card, sources, customers=path_index(sources["events"]).where("device", d))
        for d in ("mobile", "desktop")
    ]
    for kpi in ("aov", "nps", "unique_visitors"):
        n = [f[f["kpi"] == kpi]["n"].sum() for f in (whole, *parts)]
        assert n[0] == n[1] + n[2]
    state = parts[0].groupby("kpi")["state"].first()
    assert state["raci_coverage"] == "not_applicable"


def test_the_planted_dip_is_found_and_is_the_only_real_change_of_its_month(made_example):
    space = Workspace.open(made_example, read_only=True)
    sources = {k: space.source(k) for k in space.sources.present()} | {
        "journey": space.journey,
        "raci": space.raci,
        "roles": space.roles,
    }
    given = series(space.scorecard, sources, zone=space.settings.time_zone)
    may, june = (standing(space.scorecard, given, m) for m in ("2026-05-01", "2026-06-01"))
    for found, better in ((may, False), (june, True)):
        real = found.kpis[found.kpis["moved"] == "real"]
        assert real["kpi"].tolist() == ["csat_delivery"]
        assert real["better"].tolist() == [better]
    assert "csat_delivery" in alarms(may)["kpi"].tolist()
    assert "csat_delivery" not in alarms(june)["kpi"].tolist()
    assert not (given["state"] == "error").any()


# --- the strategy map ------------------------------------------------------------------------------------------


def test_arrows_are_graded_at_their_lag_and_never_on_few_pairs():
    rng = np.random.default_rng(3)
    x = np.cumsum(rng.normal(size=30))
    y = np.concatenate([[0.0, 0.0], x[:-2]]) + rng.normal(scale=0.05, size=30)
    given = pd.concat(
        [a_series("a", x), a_series("b", y), a_series("c", rng.normal(size=30))], ignore_index=True
    )
    kpis = tuple(Kpi(id=k, measure="nps", scoring="unscored") for k in "abc")
    claims = (
        ("a", "b", "+", 2),
        ("a", "b", "-", 2),
        ("a", "c", "+", 0),
        ("a", "b", "+", 12),
        ("a", "o", "+", 0),
    )
    card = a_card(
        *kpis, arrows=tuple(Arrow(source=s, target=t, sign=g, lag=k) for s, t, g, k in claims)
    )
    found = arrows(card, given)
    assert found["grade"].tolist() == [
        "supported",
        "contradicted",
        "open",
        "too short",
        "no series",
    ]
    assert found["n"].tolist() == [27, 27, 29, 17, 0]


def test_the_correlation_is_spearmans():
    value, low, high = correlation(np.array([[1, 1], [2, 3], [3, 2], [4, 4], [5, 6], [6, 5.0]]))
    assert value == pytest.approx(1 - 6 * 4 / (6 * 35))
    assert low <= value <= high


# --- words and cards -----------------------------------------------------------------------------------------------


def test_values_have_their_unit_and_statuses_word_and_shape():
    given = ((0.4146, "ratio"), (1234.5, "currency"), (2.04, "hours"), (math.nan, "count"))
    assert [words.value(v, u, currency="EUR") for v, u in given] == [
        "41.5%",
        "1,234 EUR",
        "2.04 h",
        "–",
    ]
    said = words.status_in_words("green", "", certain=False, possible="green, amber, red")
    assert said == "● on target, not certain (off target to on target)"
    assert (
        words.status_in_words("", "insufficient", certain=False, possible="") == "too few to judge"
    )


def test_text_of_the_document_is_text_in_the_cards():
    kpi = SHARE.model_copy(update={"label": "<img src=x onerror=alert(1)>", "owner": "who"})
    given = a_series("a", [0.8, 0.7, 0.75, 0.7, 0.8, 0.7, 0.6])
    given["counted"] = "<script>1</script>"
    shown = cards.to_html(standing(a_card(kpi), given), given, roles={"who": "<b>me</b>"})
    assert "<img" not in shown
    assert "<script" not in shown
    assert "<b>" not in shown
    assert shown.count("<svg") == 1


def gone(value, months, places):
    """A series with nothing known in some months."""
    given = a_series("a", [value] * months)
    given.loc[places, ["value", "low", "high", "n"]] = [math.nan, math.nan, math.nan, 0]
    given.loc[places, "state"] = "no_data"
    return given


def test_a_missing_value_is_carried_on_as_out_of_date_and_not_for_ever():
    given = gone(0.8, 6, [2, 3, 4, 5])
    card = a_card(SHARE, missing="carry", carry=2)
    march, may = (row(standing(card, given, f"2025-0{m}-01")) for m in (3, 5))
    assert (march["value"], march["state"], march["status"], march["certain"]) == (
        0.8,
        "stale",
        "amber",
        False,
    )
    assert "Carried on from 1 February 2025" in march["counted"]
    assert march["moved"] == "nothing before"
    assert (
        words.status_in_words("amber", "stale", certain=False, possible="")
        == "▲ watch, out of date"
    )
    assert (may["state"], may["status"]) == ("no_data", "")
    assert standing(card, given, "2025-03-01").total.score == pytest.approx(2 / 3)
    assert row(standing(a_card(SHARE), given, "2025-03-01"))["state"] == "no_data"
    assert alarms(standing(card, gone(0.6, 3, [2]), "2025-03-01")).empty


def test_nodes_go_by_the_limits_of_the_scorecard_and_count_their_kpis():
    given = pd.concat([a_series("a", [0.84]), a_series("b", [0.63]), a_series("c", [0.87])])
    three = [SHARE, *(SHARE.model_copy(update={"id": i}) for i in "bc")]
    lenient, strict = (standing(a_card(*three, green=g), given).nodes() for g in (0.5, 0.95))
    assert lenient.loc[0, ["green", "amber", "red"]].tolist() == [2, 0, 1]
    assert strict.loc[0, ["green", "amber", "red"]].tolist() == [0, 2, 1]
    assert (lenient.loc[0, "status"], strict.loc[0, "status"]) == ("green", "amber")


def test_what_a_kpi_is_held_against_is_there_period_by_period():
    months = list(MONTHS[:3])
    assert held_against(SHARE, months)["what"].tolist() == ["target"] * 3
    path = Kpi(
        id="a",
        measure="csat_t2b",
        baseline=0.6,
        target=0.9,
        path=({"day": "2025-02-28", "value": 0.7},),
    )
    found = held_against(path, months)
    assert found[found["what"] == "expected by then"]["value"].tolist() == [0.7, 0.7]
    assert found[found["what"] == "expected by then"]["period"].tolist() == months[1:]


def two_that_move(better, worse, **more):
    """Two linked KPIs with one month before and one after."""
    given = pd.concat([a_series("a", [0.7, better]), a_series("b", [0.8, worse])])
    kpis = (SHARE, SHARE.model_copy(update={"id": "b"}))
    card = a_card(*kpis, arrows=(Arrow(source="a", target="b"),), **more)
    return card, standing(card, given, "2025-02-01")


def test_a_gain_beside_a_loss_of_a_linked_kpi_is_a_trade_off():
    (pair,) = trade_offs(*two_that_move(0.8, 0.7)).to_dict("records")
    assert (pair["better"], pair["worse"], pair["real"]) == ("a", "b", True)
    assert trade_offs(*two_that_move(0.8, 0.795)).empty  # within chance
    assert trade_offs(*two_that_move(0.8, 0.9)).empty  # both better
    card, now = two_that_move(0.8, 0.7)
    assert trade_offs(card.model_copy(update={"arrows": ()}), now).empty


def test_an_arrow_between_objectives_links_their_kpis():
    given = pd.concat([a_series("a", [0.7, 0.8]), a_series("b", [0.8, 0.7])])
    ends = [("o", SHARE, "customer"), ("p", SHARE.model_copy(update={"id": "b"}), "financial")]
    card = Scorecard(
        objectives=tuple(Objective(id=i, label=i, perspective=p, kpis=(k,)) for i, k, p in ends),
        arrows=(Arrow(source="p", target="o", sign="-"),),
    )
    found = trade_offs(card, standing(card, given, "2025-02-01"))
    assert found[["better_perspective", "worse_perspective"]].values.tolist() == [
        ["customer", "financial"]
    ]


def test_a_card_says_what_was_expected_and_what_others_reach():
    kpi = Kpi(
        id="a", measure="csat_t2b", baseline=0.6, target=0.9, path=({"day": "2025-01-31", "value": 0.7},),
        benchmark={"value": 0.75, "source": "S<b>", "year": 2025, "sector": "Retail", "region": "EU", "method": "web",
                   "sample": 900},
    )  # fmt: skip
    given = a_series("a", [0.8])
    told = cards.to_html(standing(a_card(kpi), given), given, roles={})
    assert "expected by now 70.0% · benchmark 75.0%" in told
    assert "0.75 (Retail, EU, 2025: S&lt;b&gt;, web, n 900)" in told


# At touchpoints


def a_journey(**kpis):
    return Journey.from_body(
        {
            "id": "j", "label": "J", "stages": [{"id": "buy", "label": "Buy"}],
            "touchpoints": [{"id": t, "label": t.title(), "stage": "buy", "kpis": list(k)} for t, k in kpis.items()],
        }
    )  # fmt: skip


def test_a_touchpoint_has_the_kpis_it_names_with_their_gap_to_the_target():
    other = Kpi(id="b", measure="nps", baseline=0, target=40)
    given = pd.concat([a_series("a", [0.75]), a_series("b", [50.0])])
    card = a_card(SHARE, other)
    found = at_touchpoints(
        a_journey(shop=("a", "nps"), help=("unknown",), call=("b",)), card, *kpis_in(card, given)
    )
    assert found[["touchpoint", "kpi"]].values.tolist() == [
        ["shop", "a"],
        ["shop", "b"],
        ["call", "b"],
    ]
    assert found["gap"].tolist() == pytest.approx([0.5, 0.0, 0.0])  # half way; beyond the target
    assert gaps(found) == pytest.approx({"shop": 0.5, "call": 0.0})
    assert set(found["period"]) == {pd.Timestamp("2025-01-01")}
    twice = a_card(SHARE, SHARE.model_copy(update={"id": "c"}))
    assert named_at(("csat_t2b",), twice) == []  # which of the two is meant nobody can say


def test_a_gap_without_a_score_is_none():
    card = a_card(SHARE)
    found = at_touchpoints(
        a_journey(shop=("a",)), card, *kpis_in(card, gone(0.8, 2, [1]), "2025-02-01")
    )
    assert (len(found), gaps(found)) == (1, {})


@settings(max_examples=60, deadline=None)
@given_(
    st.lists(st.sampled_from([0.5, 0.7, 0.95, None]), min_size=4, max_size=4),
    st.sampled_from(["renormalise", "fixed", "strict", "carry"]),
    st.floats(0.1, 3),
)
def test_the_score_alone_is_the_score_of_the_whole_standing(values, missing, weight):
    frames = []
    for name, value in zip("abcd", values, strict=True):
        one = a_series(name, [0.8, 0.6 if value is None else value])
        if value is None:
            one.loc[1, ["value", "low", "high", "n", "state"]] = [
                math.nan,
                math.nan,
                math.nan,
                0,
                "no_data",
            ]
        frames.append(one)
    first = (SHARE, SHARE.model_copy(update={"id": "b", "weight": weight}))
    second = (
        SHARE.model_copy(update={"id": "c"}),
        Kpi(id="d", measure="csat_t2b", scoring="unscored"),
    )
    card = Scorecard(
        missing=missing,
        objectives=(
            Objective(id="o", label="O", perspective="customer", kpis=first),
            Objective(id="p", label="P", perspective="financial", kpis=second),
        ),
    )
    given = pd.concat(frames, ignore_index=True)
    assert score_of(card, given, "2025-02-01") == standing(card, given, "2025-02-01").total


def test_a_status_holds_on_to_what_it_was_where_that_is_asked_for():
    """Scores 0.70, 0.66, 0.64: green, still green within 0.02 of the limit, then amber."""
    given = a_series("a", [0.6 + 0.3 * s for s in (0.70, 0.66, 0.64)])
    plain, holding = a_card(SHARE), a_card(SHARE, hysteresis=0.02)
    assert [row(standing(plain, given, m))["status"] for m in given["period"]] == [
        "green",
        "amber",
        "amber",
    ]
    assert [row(standing(holding, given, m))["status"] for m in given["period"]] == [
        "green",
        "green",
        "amber",
    ]


def test_the_limits_of_a_kpi_rest_on_the_days_it_names():
    values = [0.5, 0.9, 0.5, 0.9, 0.5, 0.9, *[0.7, 0.71, 0.69, 0.7, 0.71, 0.69], 0.8]
    given = a_series("a", values)
    days = {"first": "2025-07-01", "last": "2025-12-01"}
    named = Kpi(id="a", measure="csat_t2b", baseline=0.6, target=0.9, base=days)
    assert row(standing(a_card(SHARE), given, MONTHS[12]))["signal"] == ""
    found = standing(a_card(named), given, MONTHS[12])
    assert "outside" in row(found)["signal"]
    told = cards.to_html(found, given, roles={}, explained={"Rows": "rows of {kpi}"})
    assert "1 July 2025 to 1 December 2025" in told
    assert "rows of a" in told
    with pytest.raises(ValidationError, match="before the first"):
        Kpi(id="a", baseline=0, target=1, base={"first": "2025-07-01", "last": "2025-01-01"})


def test_what_is_carried_on_is_never_certain_and_no_alarm():
    kpi = Kpi(id="a", measure="revenue", baseline=50, target=100)
    given = gone(10.0, 3, [2]).assign(method="none")
    now = standing(a_card(kpi, missing="carry"), given, "2025-03-01")
    assert (row(now)["state"], row(now)["status"], row(now)["certain"]) == ("stale", "red", False)
    assert alarms(now).empty


def test_periods_are_counted_for_carrying_on_also_where_a_series_ends():
    given = pd.concat([a_series("a", [0.8, 0.8]), a_series("b", [0.8] * 9)])
    card = a_card(SHARE, SHARE.model_copy(update={"id": "b"}), missing="carry", carry=3)
    states = [row(standing(card, given, MONTHS[i]))["state"] for i in range(9)]
    assert states == ["", "", "stale", "stale", "stale", "no_data", "no_data", "no_data", "no_data"]


def test_a_status_that_holds_on_is_the_same_everywhere():
    given = a_series("a", [0.6 + 0.3 * s for s in (0.40, 0.32)], spread=0.0001)
    now = standing(a_card(SHARE, hysteresis=0.05), given, MONTHS[1])
    assert (row(now)["status"], row(now)["possible"], row(now)["certain"]) == (
        "amber",
        "amber, red",
        False,
    )
    nodes = now.nodes().set_index("node")
    assert (nodes.loc["a", "status"], nodes.loc["o", "amber"], nodes.loc["o", "red"]) == (
        "amber",
        1,
        0,
    )
    assert alarms(now)["why"].tolist() == ["it really got worse"]


def test_a_wiggle_with_a_run_is_no_trade_off():
    card, now = two_that_move(0.8, 0.795)
    held = now.kpis.assign(signal=["", "run"])
    assert trade_offs(card, replace(now, kpis=held)).empty
    outside = now.kpis.assign(signal=["", "outside"])
    assert len(trade_offs(card, replace(now, kpis=outside))) == 1


def test_without_kpis_at_touchpoints_there_are_no_gaps():
    assert gaps(pd.DataFrame()) == {}


def test_a_kpi_of_no_weight_still_stands_at_its_touchpoint():
    card = a_card(SHARE.model_copy(update={"weight": 0.0}))
    given = a_series("a", [0.75])
    found = at_touchpoints(a_journey(shop=("a",)), card, *kpis_in(card, given))
    assert gaps(found) == pytest.approx({"shop": 0.5})
