"""Pictures of upsell: they can be drawn, and say in words what they show."""

import re

import altair as alt
import numpy as np
import pandas as pd
import pytest
import vl_convert

from journey_widgets.publish.show import specification
from journey_widgets.upsell import ScoreReport, at_horizons, moments, qini_curve, time_to_upgrade
from journey_widgets.upsell.charts import (
    bundle_network_chart,
    calibration_chart,
    gain_chart,
    horizons_chart,
    moments_chart,
    offer_funnel_chart,
    profit_chart,
    qini_chart,
    waiting_chart,
)
from journey_widgets.upsell.offer_funnel import FUNNEL_STEPS
from upsell.planted import NAMES, planted
from upsell.test_moments import days


@pytest.fixture(scope="module")
def report():
    rng = np.random.default_rng(1)
    p = rng.beta(2, 8, 2_000)
    return ScoreReport(p, rng.random(2_000) < p)


def drawn(chart):
    return vl_convert.vegalite_to_svg(chart.to_dict())


def test_moments_stand_beside_their_placebo_with_their_verdict_in_words():
    found = moments(
        planted(3, customers=1_500), "upgrade", "7d", touchpoints=NAMES, activity=("login",)
    )
    svg = drawn(moments_chart(found))
    assert "limit_hit  ● moment" in svg
    assert "days after (placebo)" in svg
    assert "times as often" in svg


def test_touchpoints_without_an_answer_are_left_out_of_the_picture():
    rows = [(c, 0, "sign_up") for c in range(40)] + [(c, 60 + c, "upgrade") for c in range(40)]
    found = moments(days(rows), "upgrade", touchpoints=["price"])
    assert "price" not in drawn(moments_chart(found))


def test_windows_of_several_lengths_stand_under_their_touchpoint():
    found = at_horizons(
        planted(3, customers=1_500), "upgrade", horizons=("7d", "14d"), touchpoints=["limit_hit"],
        activity=("login",),
    )  # fmt: skip
    chart = horizons_chart(found[found["ratio"].notna()])
    svg = vl_convert.vegalite_to_svg(specification(chart))
    assert not re.search(r'fill="(#000|black)', svg)  # it would be gone on a dark page
    assert all(text in svg for text in ("limit_hit", "7d", "14d", "times as often", "moment"))


def test_curves_have_their_names_and_a_dash_of_their_own():
    svg = drawn(waiting_chart(time_to_upgrade(planted(3, customers=1_500), "limit_hit", "upgrade")))
    assert "after it" in svg
    assert "others, from the same day on" in svg
    assert "stroke-dasharray" in svg


def test_a_curve_of_many_customers_is_thinned_out_and_ends_where_it_ends():
    rng = np.random.default_rng(2)
    curve = qini_curve(rng.random(5_000), rng.random(5_000) < 0.5, rng.random(5_000) < 0.2)
    chart = qini_chart(curve)
    sizes = [len(rows) for rows in alt.layer(chart).to_dict()["datasets"].values()]
    assert 300 < max(sizes) <= 400
    assert "answers that the offer brought" in drawn(chart)


def test_calibration_and_profit_can_be_drawn(report):
    assert "did it" in drawn(calibration_chart(report.calibration()))
    assert "profit at most" in drawn(profit_chart(report.profit(20.0, 3.0)))


def test_gain_begins_at_nothing_and_ends_at_all(report):
    chart = gain_chart(report.gain([0.1, 0.5, 1.0]))
    line = next(layer for layer in chart.layer if "share" in layer.data.columns)
    assert line.data[["share", "captured"]].to_numpy()[[0, -1]].tolist() == [[0.0, 0.0], [1.0, 1.0]]
    assert "of all who did it" in drawn(chart)


def test_the_curve_of_uplift_has_a_band_where_it_is_known():
    curve = qini_curve(np.arange(200), np.arange(200) % 2, np.arange(200) % 3 == 0)
    wide = curve.assign(low=curve["extra"] - 5, high=curve["extra"] + 5)
    plain, banded = (drawn(qini_chart(c)) for c in (curve, wide))
    assert "mark-area" not in plain
    assert "mark-area" in banded


def test_the_funnel_shows_what_each_guard_took_and_hides_what_may_not_be_told():
    frame = pd.DataFrame(
        {
            "moment": "m", "label": "After delivery", "step": FUNNEL_STEPS[:4], "stage": [True, False, False, True],
            "customers": [120.0, 30.0, np.nan, 80.0],
        }
    )  # fmt: skip
    svg = drawn(offer_funnel_chart(frame))
    assert "taken off here" in svg
    assert ">30<" in svg
    assert FUNNEL_STEPS[2] not in svg


def test_things_bought_together_are_drawn_as_a_network():
    left, right = ["bread", "butter", "jam"], ["butter", "jam", "bread"]
    frame = pd.DataFrame(
        {"left": [(x,) for x in left], "right": right, "lift": [2.0, 3.0, 1.5], "leverage": [0.02, 0.01, 0.005],
         "count": [30, 20, 10], "real": True}
    )  # fmt: skip
    svg = drawn(bundle_network_chart(frame))
    assert all(f">{name}<" in svg for name in left)
    assert svg.count("bread and butter") >= 1
