"""How KPIs are counted: each case worked by hand, and the engine held against counting row by row."""

from datetime import datetime

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import journey_widgets as jw
from journey_widgets import Workspace
from journey_widgets.definition import definition
from journey_widgets.errors import JourneyDataError
from journey_widgets.estimates import median_interval, poisson, wilson
from journey_widgets.events.paths import path_index
from journey_widgets.scorecard.catalogue import kpi as catalogue_row
from journey_widgets.scorecard.document import Kpi, Measure, Objective, Scorecard
from journey_widgets.scorecard.formula import Formula
from journey_widgets.scorecard.measures import measure, measure_many, measured, records
from journey_widgets.scorecard.recipes import RECIPES
from journey_widgets.scorecard.series import series, with_column
from support import kpi_table
from support.kpi_rows import events, frame, lines, only

MARCH, APRIL = datetime(2026, 3, 1), datetime(2026, 4, 5)  # noqa: DTZ001 - naive UTC


def tickets(*rows):
    return {"tickets": frame("case_id ts activity actor role customer_id kind", *rows)}


def values(found):
    return [None if np.isnan(v) else round(v, 6) for v in found["value"]]


# --- the log -------------------------------------------------------------------------------------------


def test_a_session_ends_after_the_timeout_and_lies_where_it_began():
    log = events(
        ("a", "2026-01-31 23:50", "x"), ("a", "2026-02-01 00:10", "y"),  # one session, over midnight
        ("a", "2026-02-01 00:41", "x"),  # 31 minutes later: the next one
        ("b", "2026-02-03 10:00", "x"), ("b", "2026-02-03 10:30", "x"),  # 30 minutes are still the same
    )  # fmt: skip
    found = measure("web_sessions", log)
    assert found["value"].tolist() == [1, 2]
    assert [found["low"][1], found["high"][1]] == pytest.approx(poisson(2))
    engaged = measure("engaged_session_rate", log, period="all")
    assert (only(engaged)["value"], only(engaged)["n"]) == (pytest.approx(2 / 3), 3)
    assert (
        only(measure("web_sessions", log, period="all", options={"timeout": "31m"}))["value"] == 2
    )


def test_a_visitor_counts_once_a_period_and_so_visitors_do_not_add_up():
    log = events(*(("a", f"2026-0{m}-05", "x") for m in (1, 1, 2)), ("b", "2026-02-06", "x"))
    assert measure("unique_visitors", log)["value"].tolist() == [1, 2]
    assert only(measure("unique_visitors", log, period="all"))["value"] == 2


CARTS = events(
    ("a", "2026-01-01", "cart"), ("a", "2026-01-03", "buy"),
    ("b", "2026-01-01", "cart"), ("b", "2026-01-09", "buy"),  # too late
    ("c", "2026-01-02", "cart"), ("c", "2026-01-02 01:00", "cart"), ("c", "2026-01-05", "buy"),
    ("d", "2026-01-27", "cart"), ("e", "2026-01-31", "look"),  # d's window is not over
)  # fmt: skip


def test_abandonment_counts_carts_whose_window_is_over():
    found = measure("cart_abandonment", CARTS, words={"purchase": ["buy"]})
    # a bought, b too late; of c's two carts the later one became the purchase
    assert (only(found)["value"], only(found)["n"]) == (pytest.approx(2 / 4), 4)
    assert only(found)["open"]
    assert "purchase = buy" in definition(found)
    later = measure("cart_abandonment", CARTS, words={"purchase": ["buy"]}, until=MARCH)
    assert (only(later)["value"], only(later)["n"]) == (pytest.approx(3 / 5), 5)
    assert not only(later)["open"]


def test_two_carts_of_one_customer_are_less_than_two_customers():
    alone = measure("cart_abandonment", CARTS, words={"purchase": ["buy"]}).iloc[0]
    assert alone["high"] - alone["low"] >= np.diff(np.array(wilson(1, 4)))[0]


def test_a_word_that_is_not_in_the_log_is_refused_with_what_is():
    with pytest.raises(
        JourneyDataError,
        match=r"looks for 'purchase', meaning 'purchase'; the log has 'buy', 'cart'",
    ):
        measure("cart_abandonment", CARTS)
    with pytest.raises(JourneyDataError, match="meaning 'buy', 'by'"):
        measure("cart_abandonment", CARTS, words={"purchase": ["buy", "by"]})


def test_a_time_runs_from_the_first_of_several_to_what_ends_it():
    log = events(
        ("a", "2026-01-01 10:00", "ask"), ("a", "2026-01-01 11:00", "ask"), ("a", "2026-01-01 14:00", "reply"),
        ("b", "2026-01-02 10:00", "ask"), ("b", "2026-01-02 12:00", "reply"), ("c", "2026-01-03", "ask"),
    )  # fmt: skip
    found = only(measure("presales_response_time", log, words={"enquiry": ["ask"]}))
    assert (found["value"], found["n"], found["state"]) == (3.0, 2, "insufficient")


def test_consulted_before_a_decision_and_within_the_window():
    log = events(
        ("a", "2026-01-01", "consulted"), ("a", "2026-01-05", "decision"), ("b", "2026-01-05", "decision"),
        ("b", "2026-01-06", "consulted"), ("c", "2026-01-01", "consulted"), ("c", "2026-03-01", "decision"),
    )  # fmt: skip
    found = only(measure("consult_before", log, period="all"))
    assert (found["value"], found["n"]) == (pytest.approx(1 / 3), 3)


def test_stickiness_is_the_days_with_a_visit_of_a_visitor():
    log = events(
        ("a", "2026-01-01", "x"), ("a", "2026-01-02", "x"), ("a", "2026-01-02 05:00", "x"), ("b", "2026-01-01", "x"),
    )  # fmt: skip
    assert only(measure("stickiness", log))["value"] == pytest.approx((2 + 1) / 2 / 2)


def test_offer_pressure_counts_a_customer_once_and_acceptance_every_offer():
    log = events(
        ("a", "2026-01-01", "offer"), ("a", "2026-01-10", "offer"), ("a", "2026-01-11", "accepted"),
        ("b", "2026-01-01", "offer"), ("b", "2026-01-05", "optout"), ("b", "2026-06-01", "x"),
    )  # fmt: skip
    assert only(measure("offer_pressure", log))["value"] == pytest.approx(3 / 2)
    assert only(measure("upsell_acceptance", log, options={"within": "7d"}))[
        "value"
    ] == pytest.approx(1 / 3)
    assert only(measure("offer_optout_rate", log))["value"] == pytest.approx(1 / 2)


STEPS = {"basket": "purchase", "pay": "purchase", "help": "post_purchase", "tell": "post_purchase"}


def a_map():
    from journey_widgets.journey.parts import Stage, Touchpoint

    return jw.journey.Journey(
        id="j", label="J", stages=(Stage(id="purchase", label="P"), Stage(id="post_purchase", label="Q")),
        touchpoints=tuple(
            Touchpoint(id=t, label=t, stage=s)
            for t, s in STEPS.items()
        ),
        funnel=("basket", "pay"),
    )  # fmt: skip


STAGED = events(
    ("a", "2026-01-01", "basket"), ("a", "2026-01-02", "pay"), ("a", "2026-01-04", "help"),
    ("b", "2026-01-01", "basket"), ("c", "2026-01-01", "help"), ("c", "2026-01-05", "basket"),
)  # fmt: skip


def test_stages_are_reached_after_the_one_before_and_left_for_another():
    sources = {**STAGED, "journey": a_map()}
    found = only(
        measure("stage_conversion", sources, options={"stage": "post_purchase", "within": ""})
    )
    assert (found["value"], found["n"]) == (pytest.approx(1 / 3), 3)  # c was there, but before
    dwell = only(measure("stage_dwell", sources, options={"stage": "purchase"}))
    assert (dwell["value"], dwell["n"]) == (3.0, 1)
    with pytest.raises(JourneyDataError, match="is the first stage"):
        measure("stage_conversion", sources, options={"stage": "purchase"})
    with pytest.raises(JourneyDataError, match="no stage 'purchse'"):
        measure("stage_dwell", sources, options={"stage": "purchse"})
    with pytest.raises(JourneyDataError, match="needs the journey"):
        measure("stage_dwell", STAGED, options={"stage": "purchase"})


def test_a_journey_that_goes_back_does_not_follow_the_map():
    found = only(
        measure("path_conformance", {**STAGED, "journey": a_map()}, options={"within": ""})
    )
    assert (found["value"], found["n"]) == (pytest.approx(2 / 3), 3)


# --- the same number as on the map ------------------------------------------------------------------------


@pytest.fixture(scope="module")
def example(made_example):
    space = Workspace.open(made_example, read_only=True)
    return {k: space.source(k) for k in space.sources.present()} | {
        "journey": space.journey, "raci": space.raci, "roles": space.roles,
    }  # fmt: skip


def test_the_conversion_kpi_is_the_funnel_of_the_map(example):
    steps = jw.journey.funnel(example["events"], list(example["journey"].funnel))
    row = only(measure("conversion_rate", example, period="all", options={"within": ""}))
    last = steps.iloc[-1]
    assert [row[c] for c in ("value", "n", "low", "high")] == pytest.approx(
        [last[c] for c in ("conversion", "n", "low", "high")]
    )
    by = jw.journey.funnel(example["events"], list(example["journey"].funnel), by="device")
    ends = by.groupby("group").last()
    split = measure("conversion_rate", example, period="all", by="device", options={"within": ""})
    split = split.set_index("device")
    assert split["value"].to_dict() == pytest.approx(ends["conversion"].to_dict())


def test_the_median_of_an_edge_is_the_one_of_the_map(example):
    edges = jw.journey.transitions(example["events"]).set_index(["source", "target"])
    row = only(
        measure(
            "edge_median",
            example,
            period="all",
            options={"source": "checkout", "target": "payment"},
        )
    )
    there = edges.loc[("checkout", "payment")]
    assert (row["n"], row["value"]) == (
        there["count"],
        pytest.approx(there["time_median_hours"], rel=1e-6),
    )


def test_the_share_of_a_path_is_the_one_of_the_variants(example):
    most = jw.journey.variants(example["events"], top=3)
    for variant in most.to_dict("records"):
        row = only(
            measure(
                "variant_share",
                example,
                period="all",
                options={"path": variant["path"], "within": ""},
            )
        )
        assert [row[c] for c in ("value", "n", "low", "high")] == [
            variant[c] for c in ("share", "n", "low", "high")
        ]


def test_planned_work_is_what_the_matrix_held_against_the_log_says(example):
    compared = jw.raci.compare_with_log(example["raci"], example["tickets"], example["roles"])
    planned, total = compared.conformance()
    row = only(measure("raci_conformance", example, period="all"))
    assert (row["value"], row["n"]) == (pytest.approx(planned / total), total)


def test_the_structure_of_the_matrix_and_the_map_are_kpis_too(example):
    numbers = jw.raci.structure(example["raci"], example["journey"]).set_index("kpi")["value"]
    for kpi in ("raci_valid_rows", "raci_coverage", "accountability_hhi"):
        assert only(measure(kpi, example))["value"] == pytest.approx(numbers[kpi])


# --- orders -------------------------------------------------------------------------------------------------

ORDERS = lines(
    ("a", "1", "2026-01-01", "phone", 1, 100.0, "phones"), ("a", "1", "2026-01-01", "case", 2, 10.0, "extras"),
    ("a", "2", "2026-02-20", "case", 1, 10.0, "extras"), ("b", "3", "2026-01-10", "phone", 1, 100.0, "phones"),
    ("b", "3", "2026-01-20", "phone", -1, 100.0, "phones"), ("c", "4", "2026-02-01", "phone", 1, 80.0, "phones"),
    (None, "5", "2026-02-02", "case", 1, 10.0, "extras"), ("c", "6", "2026-06-30", "phone", 1, 80.0, "phones"),
)  # fmt: skip


def test_a_second_order_counts_where_its_window_is_over():
    found = measure("repeat_purchase", ORDERS)
    assert found[["value", "n"]].iloc[0].tolist() == [
        0.5,
        2,
    ]  # a came back after 50 days, b did not
    assert found[["value", "n"]].iloc[1].tolist() == [0, 1]  # c only after 149 days
    assert len(measure("repeat_purchase", ORDERS, options={"within": "200d"})) == 0


def test_who_bought_again_and_who_was_lost_add_up_to_all():
    kept, lost = measure("customer_retention", ORDERS), measure("customer_churn", ORDERS)
    february = kept.iloc[0]
    assert (f"{february['period']:%Y-%m}", february["value"], february["n"]) == ("2026-02", 0.5, 2)
    both = [(k, x) for k, x in zip(values(kept), values(lost), strict=True) if k is not None]
    assert all(k + x == pytest.approx(1) for k, x in both)


def test_what_came_back_belongs_to_the_month_it_was_sold_in():
    found = measure("return_rate", ORDERS)
    assert (found["value"].iloc[0], found["n"].iloc[0]) == (pytest.approx(1 / 4), 4)
    assert measure("return_rate", ORDERS, options={"within": "5d"})["value"].iloc[0] == 0


def test_product_lines_held_count_what_was_bought_before():
    found = measure("cross_sell_rate", ORDERS)
    assert values(found)[:2] == [0.5, 0.5]  # a held two from January on; b and c never did
    attached = measure(
        "attach_rate", ORDERS, period="all", options={"product": "phone", "with": "extras"}
    )
    assert (only(attached)["value"], only(attached)["n"]) == (pytest.approx(1 / 4), 4)


SOLD_AND_BACK = lines(
    ("a", "1", "2026-01-05", "phone", 2, 100.0, "phones"), ("a", "C1", "2026-02-02", "phone", -1, 100.0, "phones"),
    (None, "2", "2026-01-09", "case", 1, 10.0, "extras"), ("b", "3", "2026-02-03", "gift", 1, 0.0, "extras"),
    ("b", "3", "2026-02-03", "case", 3, 10.0, "extras"),
)  # fmt: skip


def test_revenue_is_one_of_three_figures_each_with_its_name():
    found = {
        k: values(measure("revenue", SOLD_AND_BACK, options={"lines": k}))
        for k in ("net", "sold", "sold_known")
    }
    assert found == {"net": [210.0, -70.0], "sold": [210.0, 30.0], "sold_known": [200.0, 30.0]}
    plain = measure("revenue", SOLD_AND_BACK)
    assert plain["method"].tolist() == ["none", "none"]  # counted in full
    assert "lines = net" in definition(plain)
    with pytest.raises(JourneyDataError, match="revenue: lines is 'gross'"):
        measure("revenue", SOLD_AND_BACK, options={"lines": "gross"})
    assert values(measure("orders", SOLD_AND_BACK)) == [2, 1]
    assert values(measure("buyers", SOLD_AND_BACK)) == [1, 1]


def test_a_measure_of_ones_own_is_made_of_plain_totals_too():
    own = Measure(
        id="per_buyer",
        label="Orders a buyer",
        expression="orders / buyers",
        unit="count",
        direction="up",
    )
    card = Scorecard(
        measures=(own,),
        objectives=(
            Objective(
                id="o",
                label="O",
                perspective="customer",
                kpis=(Kpi(id="per_buyer", scoring="unscored"),),
            ),
        ),
    )
    assert values(series(card, SOLD_AND_BACK)) == [2.0, 1.0]


def test_what_a_customer_is_worth_names_its_convention():
    margins = {
        "order_lines": ORDERS["order_lines"].assign(margin=ORDERS["order_lines"]["unit_price"] / 2)
    }
    found = measure("clv_margin_first", margins, options={"discount": "0.1"})
    january, february = found.iloc[0], found.iloc[1]
    assert np.isnan(january["value"])  # nobody could have been kept yet
    m, r, d = (5 + 40) / 2, 0.5, 0.1
    assert february["value"] == pytest.approx(m * (1 + d) / (1 + d - r))
    assert "the first margin is paid at once" in definition(found)


# --- support cases -----------------------------------------------------------------------------------------

CASES = tickets(
    ("1", "2026-01-02 16:00", "Opened", "x", "front", "a", "setup"),  # a Friday
    ("1", "2026-01-05 10:00", "Handled", "y", "tech", "a", "setup"),
    ("1", "2026-01-05 12:00", "Solved", "y", "tech", "a", "setup"),
    ("1", "2026-01-06 09:00", "Reopened", "x", "front", "a", "setup"),
    ("1", "2026-01-06 12:00", "Solved", "y", "tech", "a", "setup"),
    ("2", "2026-01-07 09:00", "Opened", "x", "front", "b", "setup"),
    ("2", "2026-01-07 10:00", "Handled", "x", "front", "b", "setup"),
    ("2", "2026-01-07 11:00", "Solved", "x", "front", "b", "setup"),
    ("3", "2026-01-09 09:00", "Opened", "x", "front", "b", "setup"),
    ("4", "2026-03-31 09:00", "Opened", "x", "front", "c", "claim"),
)  # fmt: skip


def test_times_of_support_by_the_calendar_and_while_the_business_is_open():
    assert measure("first_response_time", CASES)["value"].iloc[0] == pytest.approx((66 + 1) / 2)
    open_ = {"hours": "Mon-Fri 09:00-17:00"}
    found = measure("first_response_time", CASES, options=open_)
    assert found["value"].iloc[0] == pytest.approx((2 + 1) / 2)  # Friday 16 to 17, Monday 9 to 10
    closed = {**open_, "holidays": "2026-01-05"}
    assert measure("resolution_time", CASES, options=closed)["value"].iloc[0] == pytest.approx(
        (1 + 3 + 2) / 2
    )
    rome = measure("first_response_time", CASES, options=open_, zone="Europe/Rome")
    assert rome["value"].iloc[0] == pytest.approx(
        (2 + 1) / 2
    )  # 17:00 on Friday is closed; Monday 9 to 11
    with pytest.raises(JourneyDataError, match="something like 'Mon-Fri 09:00-17:00' was needed"):
        measure("first_response_time", CASES, options={"hours": "9-5"})


def test_reopened_hand_overs_and_first_contact():
    assert measure("reopen_rate", CASES)["value"].iloc[0] == 0.5
    assert measure("handoffs_per_case", CASES)["value"].iloc[0] == pytest.approx(3 / 2)
    first = measure("fcr_gross", CASES)
    assert (first["value"].iloc[0], first["n"].iloc[0]) == (
        0,
        3,
    )  # case 2: the customer came again after two days
    assert measure("fcr_gross", CASES, options={"within": "1d"})["value"].iloc[0] == pytest.approx(
        1 / 3
    )
    net = measure(
        "fcr_net",
        CASES,
        options={"within": "1d", "unresolvable": "claim"},
        until=APRIL,
    )
    assert net["n"].tolist() == [3, 0, 0]


def test_a_target_that_is_not_due_yet_is_not_met_in_silence():
    found = measure("sla_attainment", CASES)
    assert found[["value", "n"]].iloc[0].tolist() == [pytest.approx(1 / 3), 3]
    assert len(found) == 1


def test_the_backlog_is_looked_at_at_the_end_of_each_month():
    found = measure("backlog_age", CASES)
    assert found["n"].tolist() == [1, 1, 2]
    assert found["value"].tolist() == pytest.approx([22 + 15 / 24, 50 + 15 / 24, 40.5])


def test_contacts_and_complaints_are_of_the_orders_of_the_same_period():
    both = {**CASES, **ORDERS}
    found = measure("contact_rate", both)
    assert found["value"].iloc[0] == pytest.approx(100 * 3 / 2)
    assert [found["low"].iloc[0], found["high"].iloc[0]] == pytest.approx(
        [100 * p / 2 for p in poisson(3)]
    )
    complaints = measure("complaint_rate", both, options={"kinds": "claim"})
    assert complaints["value"].iloc[0] == 0


def test_self_help_without_a_case_afterwards_and_unhappy_answers_with_one():
    log = events(
        ("a", "2026-01-01", "self_help"), ("b", "2026-01-06", "self_help"), ("z", "2026-04-01", "x")
    )
    assert measure("self_service_rate", {**log, **CASES})["value"].iloc[0] == 0
    assert (
        measure("self_service_rate", {**log, **CASES}, options={"within": "12h"})["value"].iloc[0]
        == 1
    )
    answers = frame(
        "respondent_id ts question_id score scale customer_id", ("p", "2026-01-06", "nps", 3, "0-10", "b"),
        ("q", "2026-01-20", "nps", 2, "0-10", "c"), ("r", "2026-01-20", "nps", 9, "0-10", "c"),
        ("s", "2026-02-20", "nps", 9, "0-10", "c"),
    )  # fmt: skip
    found = measure("closed_loop_rate", {"answers": answers, **CASES}).iloc[0]
    assert (found["value"], found["n"]) == (0.5, 2)


# --- surveys, trials, figures ---------------------------------------------------------------------------------


def test_the_usability_scale_needs_all_ten_items_and_turns_the_even_ones():
    contributes = [3, 3, 4, 2, 3, 3, 4, 3, 2, 3]
    scores = [c + 1 if i % 2 else 5 - c for i, c in enumerate(contributes, 1)]
    rows = [("p", "2026-01-01", f"sus_{i}", s, "1-5") for i, s in enumerate(scores, 1)]
    rows += [("q", "2026-01-01", f"sus_{i}", 5, "1-5") for i in range(1, 10)]
    found = only(
        measure("sus", {"answers": frame("respondent_id ts question_id score scale", *rows)})
    )
    assert (found["value"], found["n"]) == (75.0, 1)


def test_answers_of_what_was_sent_out():
    answers = frame(
        "respondent_id ts question_id score",
        *((f"p{i}", "2026-01-02", "q", 4 if i else None) for i in range(51)),
    )
    sent = frame("question_id ts invited", ("q", "2026-01-01", 400), ("other", "2026-01-01", 9))
    found = only(
        measure(
            "response_rate", {"answers": answers, "invitations": sent}, options={"question": "q"}
        )
    )
    assert (found["value"], found["n"]) == (0.125, 400)


def a_trial(scale):
    rows = [
        ("t", i < 120 * scale, 22.0 * (i < 1000 * scale), 6.0) for i in range(round(1000 * scale))
    ]
    rows += [("c", i < 90 * scale, 20.0, 0.0) for i in range(round(1000 * scale))]
    return {"trials": pd.DataFrame(rows, columns=["arm", "bought", "spent", "cost"])}


def test_the_uplift_of_120_against_90_of_a_thousand():
    arms = {"arm": "t", "comparison": "c"}
    found = only(measure("upsell_uplift_abs", a_trial(1), options={**arms, "outcome": "bought"}))
    assert [found["value"], found["low"], found["high"]] == pytest.approx(
        [0.030, 0.0031, 0.0570], abs=5e-5
    )
    few = only(measure("upsell_uplift_abs", a_trial(0.1), options={**arms, "outcome": "bought"}))
    assert [few["low"], few["high"]] == pytest.approx([-0.058, 0.119], abs=5e-4)
    rel = only(measure("upsell_uplift_rel", a_trial(1), options={**arms, "outcome": "bought"}))
    assert rel["value"] == pytest.approx(1 / 3)
    assert rel["low"] < 1 / 3 < rel["high"]
    roi = only(
        measure("upsell_roi", a_trial(1), options={**arms, "revenue": "spent", "margin": "0.5"})
    )
    assert roi["value"] == pytest.approx((0.5 * 2 * 1000 - 6000) / 6000)
    with pytest.raises(JourneyDataError, match="comparison is 'd'; the trial has 'c', 't'"):
        measure(
            "upsell_uplift_abs",
            a_trial(1),
            options={"arm": "t", "comparison": "d", "outcome": "bought"},
        )
    with pytest.raises(JourneyDataError, match="needs the option 'arm'"):
        measure("upsell_uplift_abs", a_trial(1))


def test_the_email_challenge_is_found_as_published(root):
    """Figures of K. Hillstrom's challenge of March 2008, as `data/README.md` states them."""
    frame_ = pd.read_csv(root / "data" / "real" / "hillstrom_email" / "hillstrom.csv.gz").rename(
        columns={"segment": "arm"}
    )
    wanted = {"Mens E-Mail": (0.1828 - 0.1062, 0.770), "Womens E-Mail": (0.1514 - 0.1062, 0.424)}
    for arm, (visits, spend) in wanted.items():
        chosen = {"arm": arm, "comparison": "No E-Mail"}
        found = only(
            measure("upsell_uplift_abs", {"trials": frame_}, options={**chosen, "outcome": "visit"})
        )
        assert found["value"] == pytest.approx(visits, abs=1e-4)
        gained = only(
            measure(
                "incremental_revenue", {"trials": frame_}, options={**chosen, "revenue": "spend"}
            )
        )
        assert gained["value"] / (frame_["arm"] == arm).sum() == pytest.approx(spend, abs=1e-3)


def test_figures_from_elsewhere_are_added_up_and_then_divided():
    table = frame(
        "kpi figure ts value", ("cost_per_lead", "cost", "2026-01-01", 8000),
        ("cost_per_lead", "cost", "2026-01-15", 4000), ("cost_per_lead", "leads", "2026-01-31", 300),
        ("win_rate", "won", "2026-01-31", 27), ("win_rate", "lost", "2026-01-31", 63),
    )  # fmt: skip
    assert only(measure("cost_per_lead", {"figures": table}))["value"] == 40
    won = only(measure("win_rate", {"figures": table}))
    assert won["value"] == pytest.approx(0.3)
    with pytest.raises(JourneyDataError, match="made of single values"):
        measure("resolution_time", {"figures": table})


def test_customers_lost_by_contract_are_as_the_sample_states(root):
    """IBM's sample of a made-up company: 26.54 % lost; 42.71, 11.27 and 2.83 % by contract."""
    people = pd.read_parquet(root / "data" / "real" / "telco_churn" / "telco_churn.parquet")
    rows = [
        people[["contract"]].assign(
            kpi="customer_churn", figure=f, value=v, ts=pd.Timestamp("2026-01-01")
        )
        for f, v in (("lost", (people["churn"] == "Yes").astype(float)), ("start", 1.0))
    ]
    table = pd.concat(rows, ignore_index=True)
    assert only(measure("customer_churn", {"figures": table}))["value"] == pytest.approx(
        0.2654, abs=5e-5
    )
    by = measure("customer_churn", {"figures": table}, by="contract")
    assert sorted(by["value"].round(4)) == [0.0283, 0.1127, 0.4271]


# --- all of them -------------------------------------------------------------------------------------------------


def test_at_least_sixty_kpis_are_counted_from_the_sources():
    found = measured()
    counted = found[found["source"] != "figures"]
    assert len(counted) >= 80
    assert (
        len(set(counted["source"]) & {"events", "order_lines", "tickets", "answers", "trials"}) == 5
    )
    assert set(RECIPES) <= set(found["kpi"])


def test_several_kpis_at_once_are_what_each_is_alone(example):
    kpis = [
        "aov",
        "nps",
        "unique_visitors",
        "first_response_time",
        "reopen_rate",
        "purchase_frequency",
    ]
    together = measure_many(kpis, example, zone="Europe/Rome")
    apart = pd.concat([measure(k, example, zone="Europe/Rome") for k in kpis], ignore_index=True)
    pd.testing.assert_frame_equal(together, apart)


@pytest.mark.parametrize(
    ("kpi", "figures"),
    [
        ("aov", ("revenue", "orders")), ("nps", ("promoters", "detractors", "n")),
        ("conversion_rate", ("converted", "entered")), ("unique_visitors", ("n_visitors",)),
        ("reopen_rate", ("reopened", "solved")), ("contact_rate", ("contacts", "orders")),
    ],
)  # fmt: skip
def test_the_rows_behind_a_value_add_up_to_it(example, kpi, figures):
    row = measure(kpi, example, zone="Europe/Rome").iloc[2]
    behind = records(kpi, example, row["period"], zone="Europe/Rome")
    sums = {f: float(behind[f].sum()) for f in figures}
    assert Formula(catalogue_row(kpi)["expression"]).value(sums) == pytest.approx(row["value"])
    known = set(example["events"].to_pandas()["customer_id"])
    if kpi in ("aov", "conversion_rate", "unique_visitors"):
        assert set(behind["customer_id"]) <= known


def test_the_rows_behind_a_median_are_its_cases(example):
    asked = {"zone": "Europe/Rome", "by": "kind", "words": {"answered": ["Handled"]}}
    row = measure("first_response_time", example, **asked).iloc[1]
    behind = records("first_response_time", example, row["period"], **asked)
    own = behind[behind["kind"] == row["kind"]]
    assert (len(own), own["hours"].median()) == (row["n"], pytest.approx(row["value"]))


def test_groups_of_the_log_share_no_customer(example):
    split = measure("unique_visitors", example, by=["device", "region"])
    total = measure("unique_visitors", example)
    assert split.groupby("period")["value"].sum().tolist() == total["value"].tolist()


def test_stages_come_from_the_journey(example):
    found = measure("csat_t2b", example, by="stage", period="all")
    assert set(found["stage"]) <= {s.id for s in example["journey"].stages} | {"not known"}
    assert found["n"].sum() == only(measure("csat_t2b", example, period="all"))["n"]


waits = st.lists(
    st.tuples(st.integers(0, 40), st.integers(0, 500), st.sampled_from(["a", "b"])),
    min_size=1,
    max_size=40,
)


@given(waits)
@settings(max_examples=25, deadline=None)
def test_medians_are_what_sorting_each_month_gives(rows):
    log = []
    for number, (day, minutes, kind) in enumerate(rows):
        opened = pd.Timestamp("2026-01-01") + pd.Timedelta(days=day)
        solved = opened + pd.Timedelta(minutes=minutes)
        log += [
            (str(number), opened, "Opened", "x", "r", "c", kind),
            (str(number), solved, "Solved", "x", "r", "c", kind),
        ]
    found = measure("resolution_time", tickets(*log), by="kind")
    ended = pd.DataFrame(rows, columns=["day", "minutes", "kind"])
    ended["month"] = (
        pd.Timestamp("2026-01-01") + pd.to_timedelta(ended["day"] * 1440 + ended["minutes"], "min")
    ).dt.strftime("%Y-%m")
    for row in found.to_dict("records"):
        own = (
            ended[(ended["month"] == f"{row['period']:%Y-%m}") & (ended["kind"] == row["kind"])][
                "minutes"
            ]
            / 60
        )
        assert row["n"] == len(own)
        assert [row["value"], row["low"], row["high"]] == pytest.approx(
            list(median_interval(own)), nan_ok=True
        )


def test_the_table_of_kpis_in_the_docs_is_the_one_that_runs(root):
    assert (root / "docs" / "kpis.md").read_text("utf-8") == kpi_table.text()


def test_a_source_gets_a_group_from_the_log_by_customer():
    log = frame("customer_id ts event device", ("a", "2026-01-01", "x", "mobile"), ("b", "2026-01-01", "x", "desktop"),
                ("a", "2026-01-09", "x", "desktop"))  # fmt: skip
    answers = frame(
        "respondent_id ts question_id score scale customer_id",
        ("r", "2026-01-02", "csat", 5, "1-5", "a"), ("s", "2026-01-02", "csat", 1, "1-5", "b"),
        ("t", "2026-01-02", "csat", 4, "1-5", "stranger"), ("u", "2026-01-02", "csat", 2, "1-5", None),
    )  # fmt: skip
    index = path_index(jw.read_events(log, keep=["device"]))
    sources = with_column({"answers": answers, "events": log}, index, "device")
    found = measure("csat_t2b", sources, by="device", options={"question": "csat"}).set_index(
        "device"
    )
    assert found["value"].to_dict() == {"mobile": 1.0, "desktop": 0.0, "not known": 0.5}
    assert found["n"].sum() == 4  # nobody is lost or counted twice
    same = with_column({"answers": answers}, index, "region")
    assert same["answers"] is answers


def test_the_boards_own_calibration_is_a_kpi():
    rows = [("contacted", 0.1, int(i < 70)) for i in range(400)]
    rows += [("left alone", 0.1, int(i < 20)) for i in range(400)]
    table = pd.DataFrame(rows, columns=["arm", "expected", "bought"])
    table["customer_id"] = [f"c{i}" for i in range(len(rows))]
    table = table.assign(
        ts=pd.Timestamp("2026-03-02"), offer="case", touchpoint="help", evidence="tested"
    )

    row = only(measure("board_calibration", {"contacts": table}))

    assert row["value"] == pytest.approx((70 / 400 - 20 / 400) / 0.1)
    unknown = table.assign(bought=table["bought"].astype("Float64").where(table.index % 2 == 0))
    assert only(measure("board_calibration", {"contacts": unknown}))["n"] == 400
    # Contacts that only filled what was left, all of whom bought, have no other side.
    filled = table.head(50).assign(customer_id=[f"f{i}" for i in range(50)], bought=1, compared=0.0)
    more = pd.concat([table.assign(compared=np.nan), filled], ignore_index=True)
    assert only(measure("board_calibration", {"contacts": more}))["value"] == row["value"]
    assert row["low"] < row["value"] < row["high"]
    assert row["n"] == 800
