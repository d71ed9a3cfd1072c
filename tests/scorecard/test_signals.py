"""Noise raises no alarm: the XmR chart, limits before ranks, mix against rate, and intervals of each kind."""

from datetime import date

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from journey_widgets.errors import JourneyDataError
from journey_widgets.estimates import (
    difference,
    false_discovery,
    mean_interval,
    median_interval,
    nps,
    poisson,
    student,
    wilson,
)
from journey_widgets.scorecard.differences import mix_and_rate, reversal, weight_sensitivity
from journey_widgets.scorecard.signals import charted, funnel_limits, xmr

TEN = [52, 48, 50, 51, 47, 53, 49, 50, 46, 54]


def test_the_worked_series_has_its_limits_and_no_signal():
    found = xmr(TEN)
    assert found["moving_range"].dropna().tolist() == [4, 2, 1, 4, 6, 4, 1, 4, 8]
    row = found.iloc[0]
    assert [row["centre"], row["low"], row["high"], row["range_limit"]] == [
        pytest.approx(50), pytest.approx(39.95, abs=0.005), pytest.approx(60.05, abs=0.005),
        pytest.approx(12.35, abs=0.005),
    ]  # fmt: skip
    assert (found["signal"] == "").all()


def test_a_point_outside_a_run_and_points_near_a_limit_are_signals():
    assert xmr([*TEN, 75], base=(0, 9))["signal"].tolist()[-1] == "outside, range"
    run = xmr([*TEN, *[51] * 8], base=(0, 9))["signal"].tolist()
    assert run[-3:] == ["", "run", "run"]  # 54 is the first of eight; 46 before it breaks the run
    near = xmr([*TEN, 56, 50, 56, 56], base=(0, 9))["signal"].tolist()
    assert near[-1] == "near the limit"
    assert xmr([*TEN, 56, 50, 44, 56], base=(0, 9))["signal"].tolist()[-1] == ""


def test_a_missing_period_breaks_the_moving_range_and_is_not_bridged():
    found = xmr([52, None, 48, 50, 51, 47, 53])
    assert found["moving_range"].isna().tolist() == [True, True, True, False, False, False, False]
    assert found["centre"].iloc[0] == pytest.approx(np.mean([52, 48, 50, 51, 47, 53]))


def test_fewer_than_six_points_have_no_limits():
    assert xmr(TEN[:5])["low"].isna().all()
    assert xmr([]).empty


def test_a_series_of_noise_alone_raises_few_alarms():
    rng = np.random.default_rng(1)
    alarms = [
        (xmr(rng.normal(size=24)).loc[12:, "signal"].str.contains("outside")).any()
        for _series in range(200)
    ]
    assert np.mean(alarms) < 0.12


def test_base_and_values_that_cannot_be_are_refused():
    with pytest.raises(JourneyDataError, match="base is"):
        xmr(TEN, base=(0, 10))
    with pytest.raises(JourneyDataError, match="infinite"):
        xmr([1, float("inf")])


@pytest.mark.parametrize(
    ("n", "low", "high"), [(25, 0, 0.44), (100, 0.08, 0.32), (400, 0.14, 0.26), (1600, 0.17, 0.23)]
)
def test_funnel_limits_are_wide_for_small_segments(n, low, high):
    found = funnel_limits([n // 5, 2000 * 8], [n, 10_000 * 8]).iloc[0]
    assert (found["low"], found["high"]) == (
        pytest.approx(low, abs=0.005),
        pytest.approx(high, abs=0.005),
    )


def test_only_segments_outside_the_limits_are_ranked():
    found = funnel_limits([2, 500, 20, 180], [4, 1000, 100, 1000])
    assert found["outside"].tolist() == [False, True, False, True]
    assert found["rank"].tolist() == [pd.NA, 1, pd.NA, 2]
    with pytest.raises(JourneyDataError, match="successes <= n"):
        funnel_limits([5], [4])


def test_both_segments_fell_and_the_total_rose():
    found = mix_and_rate(
        {"a": (40, 200), "b": (40, 800)}, {"a": (76, 400), "b": (27, 600)}
    ).set_index("segment")
    whole = found.loc["all"]
    assert (whole["rate_before"], whole["rate_after"]) == (
        pytest.approx(0.080),
        pytest.approx(0.103),
    )
    assert (whole["mix"], whole["rate"]) == (pytest.approx(0.0295), pytest.approx(-0.0065))
    assert (found.loc[["a", "b"], "rate"] < 0).all()


GROUPS = st.dictionaries(
    st.sampled_from("abcd"), st.tuples(st.floats(0, 100), st.floats(1, 1000)), min_size=1
)


@given(GROUPS, GROUPS)
def test_mix_and_rate_add_up_to_the_whole_change(before, after):
    whole = mix_and_rate(before, after).iloc[-1]
    change = sum(x for x, _n in after.values()) / sum(n for _x, n in after.values()) - sum(
        x for x, _n in before.values()
    ) / sum(n for _x, n in before.values())
    assert whole["mix"] + whole["rate"] == pytest.approx(change, rel=1e-6, abs=1e-9)


def test_weights_move_the_total_by_at_most_a_little():
    found = weight_sensitivity([0.4, 0.3, 0.2, 0.1], [0.9, 0.4, 0.7, 0.5])
    assert (found.loc[0, "cut"], found.loc[0, "raised"]) == (
        pytest.approx(-0.0256, abs=5e-5), pytest.approx(0.0209, abs=5e-5),
    )  # fmt: skip
    assert found[["cut", "raised"]].abs().to_numpy().max() < 0.026


def test_the_order_flips_below_38_percent():
    assert reversal(
        [0.4, 0.3, 0.2, 0.1], [0.9, 0.4, 0.7, 0.5], [0.6, 0.8, 0.6, 0.6]
    ) == pytest.approx(0.379, abs=5e-4)
    assert reversal([1, 1], [0.5, 0.5], [0.4, 0.4]) is None


# Intervals


@pytest.mark.parametrize(
    ("found", "expected", "places"),
    [
        (wilson(8, 10), (0.490, 0.943), 3),
        (wilson(80, 100), (0.711, 0.867), 3),
        (wilson(0, 20), (0, 0.161), 3),
        ([1000 * v / 6000 for v in poisson(24)], (2.56, 5.95), 2),
        (nps(10, 4, 20)[1:], (-5.7, 57.9), 1),
        (nps(200, 100, 500)[1:], (13.3, 26.4), 1),
        (nps(10, 0, 10)[1:], (47.5, 100), 1),
        (mean_interval([5, 4, 4, 3, 5, 2]), (3.83, 2.61, 5.06), 2),
        (difference(120, 1000, 90, 1000)[:2], (0.0031, 0.0570), 4),
        (difference(12, 100, 9, 100)[:2], (-0.058, 0.119), 3),
        (median_interval(range(1, 21))[1:], (6, 15), 0),
        (false_discovery([0.001, 0.008, 0.012, 0.03, 0.2]) <= 0.05, (1, 1, 1, 1, 0), 0),
    ],
)
def test_intervals_of_each_kind_are_those_of_their_example(found, expected, places):
    assert [round(float(v), places) for v in found] == list(expected)


@pytest.mark.parametrize(
    ("df", "t"),
    [(1, 12.706), (2, 4.303), (3, 3.182), (5, 2.571), (9, 2.262), (30, 2.042), (120, 1.980)],
)
def test_students_quantiles_are_those_of_the_table(df, t):
    assert student(df) == pytest.approx(t, abs=5e-4)


def test_an_exact_poisson_interval_of_nothing_and_of_much():
    assert poisson(0) == (0.0, pytest.approx(3.689, abs=1e-3))
    low, high = poisson(100_000)
    assert (low - 100_000, high - 100_000) == (
        pytest.approx(-619, abs=2),
        pytest.approx(621, abs=2),
    )


def a_line(values):
    months = pd.date_range("2025-01-01", periods=len(values), freq="MS")
    return pd.DataFrame({"period": months, "value": values, "state": "", "open": False})


def test_limits_stay_once_twelve_values_are_there():
    rng = np.random.default_rng(2)
    twelve = list(50 + rng.normal(size=12))
    first = charted(a_line(twelve))
    later = charted(a_line([*twelve, 80, 81, 79]))
    assert later["high"].iloc[0] == pytest.approx(first["high"].iloc[0])
    assert later["in_base"].tolist() == [True] * 12 + [False] * 3
    assert later["signal"].iloc[12:].str.contains("outside").all()
    growing = charted(a_line(twelve[:8]))
    assert growing["high"].iloc[0] != pytest.approx(first["high"].iloc[0])


def test_a_gap_does_not_count_as_one_of_the_twelve():
    values = [50.0, None, *[51.0, 49.0] * 6]
    found = charted(a_line(values))
    assert found["in_base"].sum() == 13  # twelve values and the gap between them


def test_limits_rest_on_the_days_that_are_named():
    calm, wild = [50, 51, 49, 50, 51, 49, 50], [70, 30, 75, 25, 71, 33]
    line = a_line([*wild, *calm])
    named = charted(line, base=(date(2025, 7, 1), date(2026, 1, 1)))
    worked = xmr([*wild, *calm], base=(6, 12))
    assert named["high"].iloc[0] == pytest.approx(float(worked["high"].iloc[0]))
    assert named["signal"].iloc[0] == "outside"
    assert charted(line, base=(date(2030, 1, 1), date(2030, 6, 1)))["high"].isna().all()
    assert charted(line.iloc[:0]).empty
