"""What customers are worth: published values of the models, and conventions that are named."""

import math
from datetime import datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from journey_widgets.definition import definition
from journey_widgets.errors import JourneyDataError
from journey_widgets.scorecard import measure
from journey_widgets.upsell import (
    BgNbd,
    GammaGamma,
    conventions,
    expected_value,
    fit_bg_nbd,
    fit_gamma_gamma,
    fit_mbg_nbd,
    fit_pareto_nbd,
    purchases,
)

DATA = Path(__file__).parent / "data"
SEPTEMBER, LATER = datetime(1997, 9, 10), datetime(1998, 12, 31)  # noqa: DTZ001 - naive UTC


@pytest.fixture(scope="module")
def summary():
    """The published table of the 2,357 customers."""
    found = pd.read_csv(DATA / "cdnow_summary.csv.gz").rename(
        columns={"ID": "customer_id", "zbar": "m"}
    )
    return found.assign(customer_id=found["customer_id"].astype("str"))


@pytest.fixture(scope="module")
def lines():
    """Their single purchases."""
    names = ["master", "customer_id", "date", "quantity", "amount"]
    found = pd.read_csv(DATA / "cdnow_sample.txt.gz", sep=r"\s+", header=None, names=names)
    return found.assign(
        ts=pd.to_datetime(found["date"].astype("str")), order_id=range(len(found)), product_id="cd"
    )


@pytest.fixture(scope="module")
def model(summary):
    return fit_bg_nbd(summary)


# purchases


def test_the_first_purchase_starts_the_clock_and_two_orders_of_a_day_are_one():
    """Worked case: observation ends on 31 March 2026, times in days."""
    rows = [
        (1, "2026-01-01", 10), (1, "2026-01-01", 5), (1, "2026-02-05", 20), (2, "2026-01-10", 7),
        (2, "2026-03-01", 9), (3, "2026-02-20", 50),
    ]  # fmt: skip
    table = pd.DataFrame(rows, columns=["customer_id", "ts", "amount"]).assign(
        quantity=1, order_id="o", product_id="p"
    )
    table["ts"] = pd.to_datetime(table["ts"])
    found = purchases(table, until="2026-03-31", unit="day")
    assert found[["customer_id", "x", "t_x", "T"]].values.tolist() == [
        ["1", 1, 35, 89],
        ["2", 1, 50, 80],
        ["3", 0, 0, 39],
    ]
    assert found["m"].tolist()[:2] == [20.0, 9.0]
    assert math.isnan(found["m"][2])
    later = purchases(table, until="2026-01-31", unit="day")
    assert later[["x", "T"]].values.tolist() == [[0, 30], [0, 21]]


def test_a_day_begins_at_midnight_where_the_company_is():
    table = pd.DataFrame(
        {
            "customer_id": "a", "ts": pd.to_datetime(["2026-05-01 10:00", "2026-05-01 23:00"]), "amount": 1.0,
            "quantity": 1, "order_id": ["1", "2"], "product_id": "p",
        }
    )  # fmt: skip
    assert purchases(table)["x"].tolist() == [0]
    assert purchases(table, zone="Europe/Rome")["x"].tolist() == [1]


def test_the_published_table_comes_from_the_purchases(lines, summary):
    found = purchases(lines, until="1997-09-30").assign(id=lambda f: f["customer_id"].astype(int))
    found = found.sort_values("id", ignore_index=True)
    assert found["x"].tolist() == summary["x"].tolist()
    for column, places in (("t_x", 0.006), ("T", 0.006), ("m", 0.006)):
        assert (found[column].fillna(0) - summary[column]).abs().max() < places
    assert found["x"].sum() == 2_457  # repeat purchases of weeks 1 to 39
    whole = purchases(lines, until="1998-06-30")
    assert whole["x"].sum() - found["x"].sum() == 1_882  # weeks 40 to 78


def test_a_unit_a_column_and_returns_are_handled_as_said(lines):
    with pytest.raises(JourneyDataError, match="'day' or 'week' was needed"):
        purchases(lines, unit="year")
    with pytest.raises(JourneyDataError, match="lacks column 'margin'"):
        purchases(lines, worth="margin")
    back = pd.concat([lines, lines.head(50).assign(quantity=-1)])
    assert purchases(back).equals(purchases(lines))


# BG/NBD


def test_the_published_parameters_come_back(model):
    found = [model.r, model.alpha, model.a, model.b]
    assert found == pytest.approx([0.2425929108, 4.41353173, 0.7928861533, 2.42575354], rel=1e-6)
    assert [round(v, 3) for v in found[:3]] == [0.243, 4.414, 0.793]  # as published
    assert model.log_likelihood == pytest.approx(-9582.425561, abs=1e-5)
    assert (model.customers, model.repeaters) == (2_357, 946)


def test_the_slope_of_the_likelihood_is_the_one_of_small_steps(summary):
    from journey_widgets.upsell.bg_nbd import _log_likelihood

    x, t_x, T = (summary[c].to_numpy("float64") for c in ("x", "t_x", "T"))  # noqa: N806
    at, one = np.array([0.3, 5.0, 0.9, 2.0]), np.ones(len(x))
    known = (x, t_x, T, one, *np.unique(x, return_inverse=True))
    slope = _log_likelihood(at, *known)[1]
    for place, step in enumerate(np.eye(4) * 1e-6):
        up, down = (_log_likelihood(at + s, *known)[0] for s in (step, -step))
        assert slope[place] == pytest.approx((up - down) / 2e-6, rel=1e-5)


def test_purchases_expected_of_a_new_customer(model):
    weeks = [0.1429, 1, 3, 31.8571, 32, 78]
    published = [0.0078, 0.0532, 0.1506, 1.0405, 1.0437, 1.8576]
    assert model.expected_new(weeks) == pytest.approx(published, abs=6e-4)
    assert model.expected_new(39) == pytest.approx(1.195, abs=6e-4)


def test_purchases_expected_of_a_customer_and_the_chance_of_being_there(model):
    assert float(model.expected(39, 2, 30.43, 38.86)) == pytest.approx(1.225910461, rel=1e-6)
    assert float(model.alive(2, 30.43, 38.86)) == pytest.approx(0.7266091565, rel=1e-6)
    assert float(model.alive(0, 0, 38.86)) == 1.0


def test_the_chance_of_a_number_of_purchases():
    published = BgNbd(0.243, 4.414, 0.793, 2.426)
    assert published.probability(10, 2) == pytest.approx(1.07869e-07, abs=1e-12)
    assert published.probability(0, 39) == pytest.approx(0.5737864, abs=1e-7)
    assert sum(published.probability(x, 39) for x in range(400)) == pytest.approx(1.0, abs=1e-3)


def test_standard_errors_are_those_of_drawing_customers_again(summary, model):
    rng = np.random.default_rng(3)
    drawn = [
        (found := fit_bg_nbd(summary.iloc[rng.integers(0, len(summary), len(summary))])).r
        and (found.r, found.alpha)
        for _i in range(40)
    ]
    assert np.std(drawn, axis=0) == pytest.approx(model.errors[:2], rel=0.4)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 30), st.floats(0.05, 1), st.floats(1, 80), st.floats(0.1, 100))
def test_expectations_grow_with_the_horizon_and_chances_are_chances(x, part, end, horizon):
    model = BgNbd(0.243, 4.414, 0.793, 2.426)
    t_x = part * end if x else 0.0
    near, far = (float(model.expected(h, x, t_x, end)) for h in (horizon, horizon * 1.5))
    assert 0 <= near <= far + 1e-12
    assert 0 <= float(model.alive(x, t_x, end)) <= 1


def test_too_few_repeats_are_refused_with_what_was_needed(summary):
    few = summary[summary["x"] == 0]
    with pytest.raises(JourneyDataError, match="0 customers bought again; 10 or more"):
        fit_bg_nbd(few)
    with pytest.raises(JourneyDataError, match="0 customers bought again at a worth above 0"):
        fit_gamma_gamma(few)


# Gamma-gamma


def test_the_published_parameters_of_spend_come_back(summary):
    found = fit_gamma_gamma(summary)
    assert [found.p, found.q, found.v] == pytest.approx(
        [6.248800937, 3.744588691, 15.44775297], rel=1e-5
    )
    assert found.log_likelihood == pytest.approx(-4055.923244, abs=1e-4)
    assert found.customers == 946
    assert found.correlation == pytest.approx(0.11, abs=0.005)
    assert not found.doubtful


def test_the_published_spend_of_the_first_ten_customers(summary):
    first = summary.head(10)
    published = [24.65, 18.91, 35.17, 35.17, 35.17, 71.46, 18.91, 35.17, 27.28, 35.17]
    assert fit_gamma_gamma(summary).expected(first["x"], first["m"]) == pytest.approx(
        published, abs=0.02
    )


# Value


def test_three_conventions_give_three_numbers_each_with_its_name():
    found = conventions(100, 0.8, 0.1)
    assert found["value"].round(2).tolist() == [366.67, 266.67, 333.33]
    assert found["formula"].tolist() == [
        "m (1 + d) / (1 + d - r)",
        "m r / (1 + d - r)",
        "m / (1 + d - r)",
    ]
    for r, d in ((1.2, 0.1), (0.9, -0.2), (-0.1, 0.1)):
        with pytest.raises(JourneyDataError, match="retention from 0 to 1"):
            conventions(100, r, d)


def test_a_value_is_purchases_times_worth_discounted_within_the_horizon(summary, model):
    found = expected_value(summary, 39)
    one = found.iloc[0]
    assert one["value"] == pytest.approx(1.225910461 * 24.65861672, rel=1e-6)
    later = expected_value(summary, 39, discount=0.002).iloc[0]
    ends = np.linspace(0, 39, 13)
    parts = np.diff([0.0, *(float(model.expected(t, 2, 30.43, 38.86)) for t in ends[1:])])
    by_hand = 24.65861672 * sum(p / 1.002**t for p, t in zip(parts, ends[1:], strict=True))
    assert later["value"] == pytest.approx(by_hand, rel=1e-6)
    assert "correlation of frequency and worth +0.11" in definition(found)
    with pytest.raises(JourneyDataError, match="a horizon above 0"):
        expected_value(summary, 0)


def test_what_the_model_expects_of_78_weeks_is_near_what_came(summary, model):
    """Fitted on 39 weeks; the publication reports that it stays 4 % below."""
    expected = model.expected_new(summary["T"] + 39).sum()
    assert 0.95 < expected / (2_457 + 1_882) < 0.97


# As a KPI


def test_the_value_expected_is_a_kpi_with_its_convention_in_the_definition(lines):
    options = {"worth": "amount", "horizon": "39w", "discount": "0"}
    found = measure("clv_expected", {"order_lines": lines}, options=options)
    september = found[found["period"] == "1997-09-01"].iloc[0]
    single = expected_value(purchases(lines, until="1997-09-30"), 39)["value"]
    assert september["value"] == pytest.approx(single.mean(), rel=1e-6)
    assert september["n"] == 2_357
    reach = 1.9610 * single.std() / math.sqrt(2_357)
    assert september["high"] - september["value"] == pytest.approx(reach, rel=1e-3)
    assert "Convention: residual and truncated" in definition(found)
    assert found["period"].is_monotonic_increasing


def test_the_value_is_split_by_the_group_of_the_first_order_and_fitted_on_all(lines):
    split = lines.assign(kind=np.where(lines["customer_id"] % 2, "odd", "even"))
    options = {"worth": "amount", "horizon": "39w"}
    asked = {"sources": {"order_lines": split}, "options": options, "period": "all"}
    whole, parts = measure("clv_expected", **asked), measure("clv_expected", by="kind", **asked)
    assert parts["n"].sum() == whole["n"].iloc[0]
    assert (parts["value"] * parts["n"]).sum() / parts["n"].sum() == pytest.approx(
        whole["value"].iloc[0]
    )


def test_where_nobody_comes_back_the_kpi_says_why(lines):
    first = lines.drop_duplicates("customer_id")
    with pytest.raises(
        JourneyDataError, match="could not be worked out in any period. 0 customers bought again"
    ):
        measure("clv_expected", {"order_lines": first}, options={"worth": "amount"})


def test_worths_without_a_mean_are_refused_and_never_negative():
    model = GammaGamma(1.2, 0.9, 10.0)
    with pytest.raises(JourneyDataError, match="no mean for them: q is 0.9"):
        model.expected([0, 3], [float("nan"), 20.0])


def test_a_worth_that_is_not_known_is_left_out_and_not_counted_as_nothing():
    days = pd.date_range("2026-01-01", periods=4, freq="7D")
    rows = pd.DataFrame(
        {
            "customer_id": "a",
            "ts": days,
            "amount": [None, 10.0, None, 30.0],
            "quantity": 1,
            "order_id": "o",
        }
    )
    found = purchases(rows.assign(product_id="p"), unit="day").iloc[0]
    assert (found["x"], found["m"]) == (3, 20.0)
    model = GammaGamma(6.25, 3.74, 15.44)
    alone, unknown = model.expected([0, 3], [float("nan"), float("nan")])
    assert alone == unknown


def test_nothing_is_known_after_the_day_the_data_are_complete_until(lines):
    options = {"worth": "amount", "horizon": "39w"}
    early = measure("clv_expected", {"order_lines": lines}, options=options, until=SEPTEMBER)
    cut = lines[lines["ts"] <= "1997-09-10"]
    same = measure("clv_expected", {"order_lines": cut}, options=options, until=SEPTEMBER)
    september = [f[f["period"] == "1997-09-01"].iloc[0] for f in (early, same)]
    assert september[0]["value"] == pytest.approx(september[1]["value"], rel=1e-6)
    assert september[0]["n"] == september[1]["n"]
    late = measure("clv_expected", {"order_lines": lines}, options=options, until=LATER)
    silent = late[late["period"] >= "1998-07-01"]["value"].tolist()
    assert silent == sorted(silent, reverse=True)  # who is silent is worth less and less
    assert silent[0] > silent[-1]


def test_a_value_names_the_model_it_comes_from(summary):
    for fit, name in (
        (fit_bg_nbd, "BG/NBD (r "),
        (fit_mbg_nbd, "MBG/NBD (r "),
        (fit_pareto_nbd, "Pareto/NBD (r "),
    ):
        model = fit(summary)
        assert definition(expected_value(summary, 39, buying=model)).startswith(model.said)
        assert model.said.startswith(name)
