"""Where KPIs are easily counted wrongly: what comes twice, what is not over, what has no rows, names that clash."""

import contextlib
from datetime import datetime

import numpy as np
import pandas as pd
import pytest

import journey_widgets as jw
from journey_widgets.errors import JourneyDataError
from journey_widgets.estimates import poisson, wilson
from journey_widgets.events.paths import path_index
from journey_widgets.scorecard.document import Kpi, Measure, Objective, Scorecard
from journey_widgets.scorecard.intervals import quantile, quantile_drawn
from journey_widgets.scorecard.measures import measure, measure_with, records
from journey_widgets.scorecard.recipes import RECIPES
from journey_widgets.scorecard.recipes.recipe import Shared
from journey_widgets.scorecard.restating import restate, restated
from journey_widgets.scorecard.series import series
from journey_widgets.scorecard.standing import standing
from support.kpi_rows import events, frame, lines, only

DAY = pd.Timedelta(days=1)


def tickets(*rows, more=()):
    return {
        "tickets": frame(" ".join(["case_id ts activity actor customer_id kind", *more]), *rows)
    }


# --- one event is not what followed two ---------------------------------------------------------------------


def test_one_delivery_is_not_on_time_for_two_purchases():
    log = events(
        ("a", "2026-01-01", "purchase"),
        ("a", "2026-01-02", "purchase"),
        ("a", "2026-01-03", "delivered"),
        ("z", "2026-03-01", "x"),
    )
    assert only(measure("on_time_delivery", log, period="all"))["value"] == 0.5


def test_a_purchase_is_what_became_of_one_cart():
    rows = [(c, f"2026-01-0{d}", "cart") for c in "abc" for d in (1, 2, 3)] + [
        (c, "2026-01-04", "purchase") for c in "abc"
    ]
    found = only(measure("cart_abandonment", events(*rows, ("z", "2026-03-01", "x")), period="all"))
    assert (found["value"], found["n"]) == (pytest.approx(1 - 3 / 9), 9)


def test_one_acceptance_accepts_one_offer_and_tasks_are_counted_by_user():
    offers = events(
        ("a", "2026-01-01", "offer"),
        ("a", "2026-01-05", "offer"),
        ("a", "2026-01-06", "accepted"),
        ("z", "2026-06-01", "x"),
    )
    assert only(measure("upsell_acceptance", offers, period="all"))["value"] == 0.5
    tasks = events(
        ("a", "2026-01-01 10:00", "task"), ("a", "2026-01-01 10:10", "task"), ("a", "2026-01-01 10:20", "task_done"),
        ("b", "2026-01-01 10:00", "task"), ("z", "2026-06-01", "x"),
    )  # fmt: skip
    found = measure("task_success", tasks).iloc[0]
    assert (found["value"], found["n"]) == (0.5, 2)


# --- what is not over -----------------------------------------------------------------------------------------


def test_waits_are_counted_where_they_ended_so_that_a_closed_month_stays_as_it_is():
    """40 opportunities of 2 January take 10 to 88 days: those won in January took up to 28."""
    rows = [(f"c{i}", "2026-01-02", "opportunity") for i in range(40)]
    won = [(f"c{i}", pd.Timestamp("2026-01-02") + (10 + 2 * i) * DAY, "won") for i in range(40)]
    whole = measure("sales_cycle", events(*rows, *won))
    half = measure(
        "sales_cycle", events(*rows, *(w for w in won if w[1] < pd.Timestamp("2026-02-25")))
    )
    assert whole["n"].tolist() == [10, 14, 16]
    assert half["open"].tolist() == [False, True]
    pd.testing.assert_frame_equal(half.head(1), whole.head(1))


def test_without_a_limit_no_month_is_ever_over():
    log = events(
        ("a", "2026-01-01", "basket"), ("a", "2026-01-02", "pay"), ("b", "2026-06-01", "basket")
    )
    asked = {"steps": "basket > pay"}
    assert measure("conversion_rate", log, options={**asked, "within": ""})["open"].all()
    found = measure("conversion_rate", log, options=asked)
    assert (len(found), found["open"].any()) == (1, False)


def test_a_target_in_business_hours_is_due_when_the_business_was_open_that_long():
    """Opened on Friday at 15:00 with eight hours to go, it is due on Monday at 15:00."""
    opened = ("1", "2026-01-02 15:00", "Opened", "x", "a", "k")
    asked = {"hours": "Mon-Fri 09:00-17:00", "target": "8h"}
    for last, due in (("2026-01-04 18:01", 0), ("2026-01-05 14:59", 0), ("2026-01-05 15:00", 1)):
        log = tickets(
            opened, ("2", last, "Noted", "x", "b", "k"), ("1", last, "Handled", "x", "a", "k")
        )
        found = measure("sla_attainment", log, options=asked)
        assert int(found["n"].sum()) == due, last
    assert found["open"].tolist() == [True]


def test_a_month_is_open_until_its_last_case_is_due_in_business_hours():
    """31 January 2026 is a Saturday: eight business hours later it is Monday evening."""
    rows = [
        ("1", "2026-01-05 10:00", "Opened", "x", "a", "k"),
        ("1", "2026-01-05 11:00", "Handled", "x", "a", "k"),
    ]
    asked = {"hours": "Mon-Fri 09:00-17:00", "target": "8h"}
    for last, open_ in (("2026-02-02 16:59", True), ("2026-02-02 17:00", False)):
        log = tickets(*rows, ("2", last, "Opened", "x", "b", "k"))
        assert measure("sla_attainment", log, options=asked)["open"].iloc[0] == open_


def test_a_kpi_of_two_sources_is_open_until_both_are_there():
    both = {
        **tickets(
            ("1", "2026-01-05", "Opened", "x", "a", "k"),
            ("2", "2026-02-20", "Opened", "x", "a", "k"),
        ),
        **lines(
            ("a", "o", "2026-01-05", "p", 1, 1.0, "c"), ("a", "q", "2026-01-20", "p", 1, 1.0, "c")
        ),
    }
    assert measure("contact_rate", both)["open"].tolist() == [True, True]


# --- open cases -------------------------------------------------------------------------------------------------


def test_a_case_is_in_the_backlog_only_where_the_last_word_on_it_was_not_solved():
    log = tickets(
        ("a", "2026-01-02", "Opened", "x", "p", "k"), ("a", "2026-01-06", "Solved", "x", "p", "k"),
        ("a", "2026-03-05", "Reopened", "x", "p", "k"), ("a", "2026-03-06", "Solved", "x", "p", "k"),
        ("b", "2026-01-02", "Opened", "x", "q", "k"), ("b", "2026-01-03", "Solved", "x", "q", "k"),
        ("b", "2026-03-20", "Closed", "x", "q", "k"),
        ("c", "2026-01-30", "Opened", "x", "r", "k"), ("c", "2026-02-10", "Solved", "x", "r", "k"),
        ("c", "2026-02-25", "Reopened", "x", "r", "k"), ("d", "2026-04-02", "Opened", "x", "s", "k"),
    )  # fmt: skip
    found = measure("backlog_age", log)
    assert found["n"].tolist() == [1, 1, 1, 2]  # c; c again; c; c and d
    assert found["value"].tolist() == pytest.approx([2, 30, 61, (62 + 0) / 2], abs=1e-6)


def test_a_case_without_a_time_of_opening_begins_with_its_first_event():
    log = tickets(
        ("1", "2026-01-05 10:00", "Opened", "x", "a", "k", None),
        ("1", "2026-01-05 12:00", "Handled", "x", "a", "k", None),
        more=["opened"],
    )  # fmt: skip
    log["tickets"]["opened"] = pd.to_datetime(log["tickets"]["opened"])
    found = only(measure("first_response_time", log, options={"opened_at": "opened"}))
    assert (found["value"], found["n"]) == (2.0, 1)


def test_a_log_without_a_word_for_abandoned_says_so_and_service_level_does_not_need_it():
    log = tickets(
        ("1", "2026-01-05 10:00:00", "Opened", "x", "a", "k"),
        ("1", "2026-01-05 10:00:15", "Answered", "x", "a", "k"),
    )
    with pytest.raises(JourneyDataError, match="looks for 'abandoned'"):
        measure("contact_abandonment", log)
    assert only(measure("service_level", log))["value"] == 1


# --- what comes twice -------------------------------------------------------------------------------------------


def test_answering_the_usability_scale_twice_is_averaged_and_each_month_stands_alone():
    best = [(f"sus_{i}", 5 if i % 2 else 1) for i in range(1, 11)]
    rows = [
        ("p", day, q, s, "1-5")
        for day in ("2026-01-03", "2026-01-23", "2026-03-01")
        for q, s in best
    ]
    rows += [("p", "2026-01-24", "sus_1", 1, "1-5")]
    found = measure("sus", {"answers": frame("respondent_id ts question_id score scale", *rows)})
    first = 2.5 * (9 * 4 + (4 + 4 + 0) / 3)
    assert found["value"].tolist() == pytest.approx([first, np.nan, 100], nan_ok=True)


def test_lines_of_one_order_are_no_second_order_whatever_they_are_grouped_by():
    rows = [
        (f"c{i}", f"o{i}", "2026-01-05", p, 1, price, category)
        for i in range(60)
        for p, price, category in (("x", 10.0, "A"), ("y", 30.0, "B"))
    ]
    found = measure(
        "repeat_purchase",
        lines(*rows, ("z", "z", "2026-06-01", "x", 1, 1.0, "A")),
        by="category",
        period="all",
    )
    assert found[["category", "value", "n"]].to_numpy().tolist() == [
        ["B", 0.0, 60]
    ]  # of the dearer line


# --- nothing and little -----------------------------------------------------------------------------------------


def test_no_complaint_has_an_interval_too():
    both = {
        **tickets(("1", "2026-01-05", "Opened", "x", "a", "question")),
        **lines(*((f"c{i}", f"o{i}", "2026-01-05", "p", 1, 1.0, "c") for i in range(200))),
    }
    found = only(measure("complaint_rate", both, options={"kinds": "complaint"}))
    assert [found["value"], found["low"], found["high"]] == pytest.approx(
        [0, 0, 1000 * poisson(0)[1] / 200]
    )


@pytest.mark.parametrize(
    ("kpi", "figures", "value", "n", "method"),
    [
        ("win_rate", {"won": 27, "lost": 63}, 0.3, 90, "wilson"),
        ("fcr_net", {"resolved_first": 60, "contacts": 100, "unresolvable": 0}, 0.6, 100, "wilson"),
        ("nrr", {"start": 100_000, "exp": 15_000, "con": 3_000, "churn": 0}, 1.12, 1, "not known"),
        ("complaint_rate", {"complaints": 24, "orders": 6_000}, 4.0, 6_000, "poisson"),
        ("upsell_uplift_abs", {"kt": 120, "nt": 1_000, "kc": 90, "nc": 1_000}, 0.03, 2_000, "newcombe"),
        ("brand_mentions", {"n_mentions": 412}, 412, 412, "poisson"),
    ],
)  # fmt: skip
def test_the_n_of_typed_figures_is_what_the_formula_divides_by(kpi, figures, value, n, method):
    rows = [(kpi, f, "2026-01-05", float(v)) for f, v in figures.items()]
    found = only(measure(kpi, {"figures": frame("kpi figure ts value", *rows)}))
    assert (found["value"], found["n"], found["method"]) == (
        pytest.approx(value),
        n if n > 1 else len(figures),
        method,
    )
    assert found["state"] == ""
    if kpi == "win_rate":
        assert [found["low"], found["high"]] == pytest.approx([float(v) for v in wilson(27, 90)])


@pytest.mark.parametrize(
    ("kpi", "figures", "n", "state"),
    [
        ("cac", {"cost": 60_000, "new_customers": 200}, 200, ""),
        ("cac", {"cost": 600, "new_customers": 12}, 12, "insufficient"),
        ("cost_per_contact", {"cost": 900, "contacts": 300}, 300, ""),
        ("cac_payback", {"cac": 300, "monthly_margin": 25}, 2, ""),
    ],
)
def test_a_total_that_was_typed_in_is_judged_by_what_it_is_about(kpi, figures, n, state):
    rows = [(kpi, f, "2026-01-05", float(v)) for f, v in figures.items()]

    found = only(measure(kpi, {"figures": frame("kpi figure ts value", *rows)}))

    assert (found["n"], found["state"]) == (n, state)


def test_a_figure_that_nobody_entered_is_missing_and_not_zero():
    rows = [
        ("cost_per_lead", "leads", "2026-01-05", 300.0),
        ("cost_per_lead", "leads", "2026-02-05", 10.0),
        ("cost_per_lead", "cost", "2026-02-05", 50.0),
    ]
    found = measure("cost_per_lead", {"figures": frame("kpi figure ts value", *rows)})
    assert found["state"].iloc[0] == "no_data"
    assert np.isnan(found["value"].iloc[0])
    assert found["value"].iloc[1] == 5


# --- clocks -----------------------------------------------------------------------------------------------------


def test_days_with_a_visit_are_days_of_the_zone():
    log = events(
        ("a", "2026-01-31 22:30", "x"), ("a", "2026-01-31 23:30", "x"), ("b", "2026-01-10", "x")
    )
    found = measure("stickiness", log, zone="Europe/Rome")
    assert found["n"].tolist() == [2, 1]
    assert found["value"].tolist() == pytest.approx([1 / 2, 1])


def test_the_clock_changes_for_the_second_source_too():
    both = {
        **tickets(
            ("1", "2026-01-05", "Opened", "x", "a", "k"),
            ("2", "2026-03-01", "Opened", "x", "a", "k"),
        ),
        **lines(("a", "o", "2026-06-30 22:30", "p", 1, 1.0, "c")),
    }
    found = measure("contact_rate", both, zone="Europe/Rome")
    assert f"{found['period'].iloc[-1]:%Y-%m}" == "2026-07"


def test_rows_behind_a_day_whose_midnight_does_not_exist():
    log = events(("a", "2026-09-06 12:00", "x"), ("b", "2026-09-07 12:00", "x"))
    day = measure("unique_visitors", log, period="day", zone="America/Santiago")["period"].iloc[0]
    behind = records("unique_visitors", log, day, period="day", zone="America/Santiago")
    assert behind["customer_id"].tolist() == ["a"]


def test_the_last_week_ends_after_seven_days():
    weeks = pd.date_range("2026-04-27", periods=2, freq="7D")
    given = pd.DataFrame(
        {
            "kpi": "a", "period": weeks, "value": [1.0, 1.0], "n": 100, "low": 0.9, "high": 1.1, "state": "",
            "open": False, "method": "wilson", "definition": "d", "counted": "c",
        }
    )  # fmt: skip
    kpi = Kpi(
        id="a", measure="csat_t2b", baseline=0, target=10, starts="2026-05-01", due="2026-05-11"
    )
    card = Scorecard(
        objectives=(Objective(id="o", label="O", perspective="customer", kpis=(kpi,)),)
    )
    assert standing(card, given, "2026-05-04").kpis["expected"].iloc[0] == pytest.approx(
        9
    )  # on 10 May


# --- names --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("by", ["product_id", "order_id", "customer_id", "quantity", "ts"])
def test_any_column_of_orders_can_be_grouped_by(by):
    given = lines(
        *((f"c{i}", f"o{i}", "2026-01-05", f"p{i % 2}", 1, 10.0, "A") for i in range(6)),
        ("z", "z", "2026-09-01", "p", 1, 1.0, "A"),
    )
    for kpi in (
        "aov",
        "return_rate",
        "repeat_purchase",
        "customer_retention",
        "purchase_frequency",
    ):
        assert by in measure(kpi, given, by=by, period="all").columns


@pytest.mark.parametrize(
    "by", ["case_id", "activity", "actor", "customer_id", "kind", "place", "mark", "unit"]
)
def test_any_column_of_cases_can_be_grouped_by(by):
    log = tickets(
        ("1", "2026-01-05", "Opened", "x", "a", "k", "here", "m", "u"),
        ("1", "2026-01-06", "Handled", "y", "a", "k", "here", "m", "u"),
        ("1", "2026-01-07", "Solved", "y", "a", "k", "here", "m", "u"), more=["place", "mark", "unit"],
    )  # fmt: skip
    for kpi in (
        "resolution_time",
        "first_response_time",
        "handoffs_per_case",
        "fcr_gross",
        "backlog_age",
    ):
        assert (
            by
            in measure(
                kpi, log, by=by, **({} if kpi == "backlog_age" else {"period": "all"})
            ).columns
        )


def test_columns_of_answers_and_of_the_log_that_recipes_use_themselves():
    answers = {
        "answers": frame(
            "respondent_id ts question_id score scale",
            ("p", "2026-01-01", "q", 5, "1-5"),
            ("r", "2026-01-01", "q", 2, "1-5"),
        )
    }
    assert measure("csat_t2b", answers, by="score", period="all")["value"].tolist() == [0, 1]
    log = jw.read_events(
        frame(
            "customer_id ts event due unit", ("a", "2026-01-01", "purchase", "d", "u"),
            ("z", "2026-03-01", "delivered", "e", "v"),
        ),
        keep=["due", "unit"],
    )  # fmt: skip
    found = measure("on_time_delivery", {"events": log}, by=["unit", "due"], period="all")
    assert found[["unit", "due"]].to_numpy().tolist() == [["u", "d"]]


def test_a_column_called_like_one_of_the_result_is_refused_in_words():
    with pytest.raises(JourneyDataError, match="'value' is a column of the result"):
        measure("aov", lines(("a", "o", "2026-01-05", "p", 1, 1.0, "c")), by="value")
    with pytest.raises(JourneyDataError, match="named twice"):
        measure(
            "aov", lines(("a", "o", "2026-01-05", "p", 1, 1.0, "c")), by=["category", "category"]
        )


def test_an_outcome_may_be_called_like_anything():
    rows = pd.DataFrame({"arm": ["t", "c"] * 20, "unit": [1.0, 0.0] * 20})
    found = only(
        measure(
            "incremental_revenue",
            {"trials": rows},
            options={"arm": "t", "comparison": "c", "revenue": "unit"},
        )
    )
    assert found["value"] == 20


def test_kpis_of_the_log_are_grouped_by_the_stage_a_customer_began_in(made_example):
    space = jw.Workspace.open(made_example, read_only=True)
    given = {"events": space.events(), "journey": space.journey}
    found = measure("unique_visitors", given, by="stage", period="all")
    assert set(found["stage"]) == {"awareness", "consideration"}
    assert found["n"].sum() == space.events().customers


def test_no_recipe_groups_by_names_of_its_own(made_example):
    """Whatever a column is called, what goes wrong is said in words: no engine's error reaches a page."""
    space = jw.Workspace.open(made_example, read_only=True)
    given = {k: space.source(k) for k in space.sources.present()} | {
        "journey": space.journey,
        "raci": space.raci,
        "roles": space.roles,
    }
    for by in ("kind", "stage", "touchpoint", "customer_id", "category"):
        with contextlib.closing(Shared(many=True)) as shared:
            for kpi in RECIPES:
                with contextlib.suppress(JourneyDataError):
                    assert by in measure_with(shared, kpi, given, by=by).columns


# --- definitions --------------------------------------------------------------------------------------------------


def a_card(**kpi):
    wanted = Kpi(id="k", scoring="unscored", **kpi)
    return Scorecard(
        objectives=(Objective(id="o", label="O", perspective="customer", kpis=(wanted,)),)
    )


def test_another_segment_of_a_kpi_is_another_figure_and_no_late_data():
    rows = [
        (f"c{i}", f"o{i}", f"2026-0{1 + i % 3}-05", "p", 1, 10.0 * (1 + i % 2), "AB"[i % 2])
        for i in range(60)
    ]
    given = lines(*rows, ("z", "z", "2026-05-01", "p", 1, 1.0, "A"))
    at = datetime(2026, 6, 1)  # noqa: DTZ001 - naive UTC
    first = series(a_card(measure="aov", where={"category": "A"}), given)
    second = series(a_card(measure="aov", where={"category": "B"}), given)
    assert set(first["definition"]).isdisjoint(second["definition"])
    assert restated(restate(restate(None, first, at), second, at)).empty


def test_another_expression_of_a_measure_is_another_figure():
    given = lines(
        *((f"c{i}", f"o{i}", "2026-01-05", "p", 1, 10.0, "A") for i in range(40)),
        ("z", "z", "2026-05-01", "p", 1, 1.0, "A"),
    )
    ids = []
    for expression in ("aov / units_per_transaction", "units_per_transaction / aov"):
        own = Measure(id="own", label="Own", expression=expression, unit="currency", direction="up")
        card = a_card(measure="own").model_copy(update={"measures": (own,)})
        ids.append(series(card, given)["definition"].iloc[0])
    assert ids[0] != ids[1]


def test_a_segment_keeps_what_kinds_of_cases_mean(made_example):
    space = jw.Workspace.open(made_example, read_only=True)
    given = {k: space.source(k) for k in space.sources.present()} | {"journey": space.journey}
    mobile = path_index(given["events"]).where("device", "mobile")
    card = a_card(measure="handoffs_per_case", where={"stage": "post_purchase"})
    found = series(card, given, customers=mobile)
    assert not (found["state"] == "error").any()
    assert found["n"].sum() > 100


# --- intervals ----------------------------------------------------------------------------------------------------


def test_a_percentile_of_few_customers_is_less_sure_than_one_of_many():
    rng = np.random.default_rng(4)
    values = np.sort(np.concatenate([rng.normal(c, 0.5, 20) for c in (1, 5, 9)]))
    whose = np.array([round((v - 1) / 4) for v in values])
    few = quantile_drawn(values, whose, 0.9, draws=400, seed=1)
    many = quantile_drawn(values, np.arange(60), 0.9, draws=400, seed=1)
    assert many == quantile(values, 0.9)
    assert few[1] - few[0] > 2 * (many[1] - many[0])
    assert np.isnan(quantile_drawn(values, np.zeros(60), 0.9, draws=10, seed=1)).all()


def test_who_is_gone_was_not_served_by_self_help():
    """a came back after nine days, b never, c had a case: with stays, only a was helped."""
    log = events(
        ("a", "2026-01-01", "self_help"), ("a", "2026-01-10", "buy"), ("b", "2026-01-02", "self_help"),
        ("c", "2026-01-03", "self_help"), ("c", "2026-01-20", "buy"), ("z", "2026-04-30", "buy"),
    )  # fmt: skip
    cases = frame(
        "case_id ts activity actor customer_id", ("1", "2026-01-04", "Opened", "x", "c"),
        ("2", "2026-04-30", "Opened", "x", "z"),
    )  # fmt: skip
    sources = {**log, "tickets": cases}
    plain = measure("self_service_rate", sources)
    assert (plain["value"][0], plain["n"][0]) == (pytest.approx(2 / 3), 3)
    kept = measure("self_service_rate", sources, options={"stays": "60d"})
    assert (kept["value"][0], kept["n"][0], kept["open"].tolist()[0]) == (
        pytest.approx(1 / 3),
        3,
        False,
    )
    early = measure("self_service_rate", sources, options={"stays": "100d"})
    assert bool(early["open"].iloc[0])  # of the end of January nobody can say yet


def test_an_actor_nobody_knows_is_no_hand_over():
    log = frame(
        "case_id ts activity actor customer_id",
        ("1", "2026-01-01", "Opened", "a", "c"), ("1", "2026-01-02", "Note", None, "c"),
        ("1", "2026-01-03", "Solved", "a", "c"), ("2", "2026-01-11", "Opened", "a", "d"),
        ("2", "2026-01-13", "Solved", "a", "d"), ("3", "2026-03-01", "Opened", "a", "e"),
    )  # fmt: skip
    assert only(measure("handoffs_per_case", {"tickets": log}))["value"] == 0
    assert measure("fcr_gross", {"tickets": log})["value"][0] == 1.0


def test_a_column_called_row_that_is_no_number_of_rows_multiplies_no_case():
    log = frame(
        "case_id ts activity actor customer_id row",
        ("1", "2026-01-01", "Opened", "a", "c", 0), ("1", "2026-01-02", "Solved", "a", "c", 1),
        ("2", "2026-01-01", "Opened", "a", "d", 0), ("2", "2026-01-02", "Solved", "a", "d", 1),
    )  # fmt: skip
    found = records("handoffs_per_case", {"tickets": log}, "2026-01-01")
    assert found["customer_id"].tolist() == ["c", "d"]
    blank = log.assign(row=None)
    assert only(measure("handoffs_per_case", {"tickets": blank}))["n"] == 2


def test_what_reopened_means_is_part_of_the_definition_of_first_contact():
    log = frame(
        "case_id ts activity actor customer_id",
        ("1", "2026-01-01", "Opened", "a", "c"), ("1", "2026-01-02", "Waiting", "a", "c"),
        ("1", "2026-01-03", "Solved", "a", "c"), ("2", "2026-01-03", "Reopened", "a", "d"),
        ("3", "2026-03-01", "Opened", "a", "e"),
    )  # fmt: skip
    plain, other = (
        measure("fcr_gross", {"tickets": log}, words=w) for w in ({}, {"reopened": ["waiting"]})
    )
    assert plain["definition"][0] != other["definition"][0]


@pytest.mark.parametrize("given", ["much", "-2", "-100%", "nan"])
def test_a_rate_that_is_none_is_refused_in_words(given):
    rows = lines(("a", "1", "2026-01-05", "phone", 1, 100.0, "x"))
    with pytest.raises(
        JourneyDataError, match="discount is .* a number such as 0.1 or 10% above -1"
    ):
        measure("clv_expected", rows, options={"worth": "amount", "discount": given})
