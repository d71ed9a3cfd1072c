"""Scores of one KPI: every worked example of the scorecard's maths, and what must be refused."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from journey_widgets.errors import DocumentError
from journey_widgets.scorecard.scoring import (
    best_in_the_middle,
    linear,
    more_successes,
    ordinal,
    pace,
    percent_of_target,
    performance,
    piecewise,
    two_thresholds,
    value_needed,
    yes_no,
)


@pytest.mark.parametrize(
    ("baseline", "target", "value", "raw", "clamped"),
    [
        (70, 85, 80, 2 / 3, 2 / 3),  # satisfaction, up
        (60, 45, 50, 2 / 3, 2 / 3),  # acquisition cost, down
        (70, 85, 88, 1.2, 1.0),
        (70, 85, 66, -4 / 15, 0.0),
        (-20, 10, -10, 1 / 3, 1 / 3),  # net promoter score
    ],
)
def test_linear_attainment_serves_both_directions_and_keeps_raw_and_clamped(
    baseline, target, value, raw, clamped
):
    score = linear(value, baseline, target)
    assert score.raw == pytest.approx(raw, abs=1e-9)
    assert score.clamped == pytest.approx(clamped, abs=1e-9)


@given(st.floats(-1e6, 1e6), st.floats(-1e3, 1e3), st.floats(0.01, 1e3))
def test_a_value_needed_for_a_score_gives_that_score(score, baseline, way):
    assert linear(
        value_needed(score, baseline, baseline + way), baseline, baseline + way
    ).raw == pytest.approx(score, rel=1e-6, abs=1e-6)


def test_percent_of_target_is_refused_where_it_has_no_meaning():
    assert percent_of_target(83, 100).raw == 0.83
    for target in (0, -10):
        with pytest.raises(DocumentError, match="a target above 0"):
            percent_of_target(5, target)


@pytest.mark.parametrize(
    ("value", "red", "goal", "ten"),
    [
        (300, 500, 700, 0), (500, 500, 700, 10 / 3), (620, 500, 700, 16 / 3), (700, 500, 700, 20 / 3),
        (900, 500, 700, 10), (960, 500, 700, 11), (12, 10, 8, 0), (10, 10, 8, 10 / 3),
        (9, 10, 8, 5), (8, 10, 8, 20 / 3), (6, 10, 8, 10),
    ],
)  # fmt: skip
def test_two_thresholds_put_red_at_a_third_and_goal_at_two_thirds(value, red, goal, ten):
    assert 10 * two_thresholds(value, red, goal).raw == pytest.approx(ten, abs=1e-9)


def test_performance_and_progress_are_two_numbers():
    assert performance(50, 0, 200).raw == pytest.approx(0.25)
    assert linear(50, 20, 100).raw == pytest.approx(0.375)


@pytest.mark.parametrize(
    ("value", "corners", "score"),
    [
        (72, (60, 80, 90), 0.6), (86, (60, 80, 90), 0.4), (95, (60, 80, 90), 0),
        (70, (60, 75, 85, 95), 2 / 3), (80, (60, 75, 85, 95), 1), (92, (60, 75, 85, 95), 0.3),
    ],
)  # fmt: skip
def test_the_best_may_be_in_the_middle(value, corners, score):
    assert best_in_the_middle(value, corners).raw == pytest.approx(score, abs=1e-9)


@pytest.mark.parametrize(("value", "score"), [(55, 0), (76, 0.534), (83, 0.769)])
def test_points_are_joined_by_straight_lines_flat_outside(value, score):
    points = [(60, 0), (70, 0.33), (80, 0.67), (90, 1)]
    assert piecewise(value, points).raw == pytest.approx(score, abs=1e-9)


@pytest.mark.parametrize(
    ("points", "words"),
    [
        ([(1, 0)], "At least two points"),
        ([(1, 0), (1, 1)], "strictly increase"),
        ([(1, 0), (2, 1), (3, 0)], "rise and fall"),
        ([(1, 0), (math.nan, 1)], "no finite number"),
    ],
)
def test_points_that_make_no_line_are_refused(points, words):
    with pytest.raises(DocumentError, match=words):
        piecewise(1, points)


def test_yes_no_and_labels_are_looked_up_and_not_reckoned_with():
    assert (yes_no(True).raw, yes_no(False).raw) == (1, 0)
    assert ordinal("good", {"good": 0.8, "bad": 0.1}).raw == 0.8
    with pytest.raises(DocumentError, match="'fair' has no score"):
        ordinal("fair", {"good": 0.8})


def test_what_would_it_take_for_green():
    assert value_needed(0.67, 70, 85) == pytest.approx(80.05)
    assert more_successes(0.67, 0.70, 0.85, 39, 50) == 2  # 0.8005 of 50 is 40.025
    assert more_successes(0.67, 0.70, 0.85, 41, 50) == 0


def test_five_of_twelve_months_expect_seventy_five():
    expected, share = pace(74, 70, 82, 5 / 12)
    assert (expected, share) == (pytest.approx(75), pytest.approx(0.80))
    assert pace(70, 70, 82, 0) == (70, None)
    with pytest.raises(DocumentError, match="0 to 1"):
        pace(70, 70, 82, 1.2)


@pytest.mark.parametrize("value", [None, float("nan"), float("inf"), "80"])
def test_a_missing_value_is_a_state_and_not_a_score(value):
    with pytest.raises(DocumentError, match="a state, not a score"):
        linear(value, 70, 85)


def test_a_way_without_length_is_refused():
    with pytest.raises(DocumentError, match="both 70"):
        linear(80, 70, 70)
