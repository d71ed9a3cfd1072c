"""Agreement of raters: published values, and cells worked out by hand."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from cross_impact.cases import case
from journey_widgets.cross_impact import agreement, agreement_numbers
from journey_widgets.cross_impact.agreement import kendall_w, krippendorff_alpha
from journey_widgets.errors import JourneyDataError

NAMES = ["a", "b"]


def judged(a_on_b: float | None, b_on_a: float | None) -> pd.DataFrame:
    return pd.DataFrame([[None, a_on_b], [b_on_a, None]], index=NAMES, columns=NAMES, dtype=float)


@pytest.mark.parametrize("level", ["nominal", "ordinal", "interval", "ratio"])
def test_alpha_of_four_observers_and_twelve_units_is_the_published_one(level):
    found = case("agreement_krippendorff")
    ratings = np.array(found["ratings"], dtype=float)
    expected = found["expected"]["published"][level]
    assert krippendorff_alpha(ratings, level) == pytest.approx(expected, abs=found["tolerance"])


def test_alpha_of_identical_values_or_single_ratings_does_not_exist():
    assert krippendorff_alpha([[1, 1], [1, 1]]) is None
    assert krippendorff_alpha([[1, np.nan], [np.nan, 2]]) is None


def test_kendalls_w_by_hand():
    # Three raters of four units: rank sums 4, 6, 8, 12; S = 35, W = 12 * 35 / (9 * 60) = 7/9.
    assert kendall_w([[1, 1, 2], [2, 3, 1], [3, 2, 3], [4, 4, 4]]) == pytest.approx(7 / 9)


def test_kendalls_w_with_ties_by_hand():
    # Two raters of three units, one ties two of them: rank sums 2.5, 3.5, 6; S = 6.5,
    # T = 2^3 - 2 = 6, W = 12 * 6.5 / (4 * 24 - 2 * 6) = 78 / 84.
    assert kendall_w([[1, 1], [1, 2], [3, 3]]) == pytest.approx(78 / 84)


def test_w_ignores_that_one_rater_scores_higher_and_alpha_does_not():
    units = [[1, 3], [2, 4], [3, 5]]
    assert kendall_w(units) == pytest.approx(1)
    assert krippendorff_alpha(units) < 0.5


def test_a_cell_says_median_spread_and_how_many_judged_it():
    cells = agreement({"ann": judged(3, 1), "bo": judged(1, None), "cy": judged(2, 1)})
    first, second = cells.to_dict("records")
    assert (first["source"], first["target"], first["n"]) == ("a", "b", 3)
    assert (first["median"], first["iqr"], first["range"], first["apart"]) == (2, 1, 2, True)
    assert (second["n"], second["median"], second["range"], second["apart"]) == (2, 1, 0, False)


def test_a_missing_judgement_is_not_a_zero():
    cells = agreement({"ann": judged(3, None), "bo": judged(None, None)})
    assert cells["median"].tolist() == [3]
    assert agreement({"ann": judged(0, None)})["median"].tolist() == [0]


def test_numbers_come_with_a_reading_in_words():
    same = {"ann": judged(3, 1), "bo": judged(3, 1)}
    assert agreement_numbers(same)["value"].tolist() == [1, 1]
    assert agreement_numbers(same)["reading"][0].startswith("good agreement")
    assert agreement_numbers({"ann": judged(3, 1)})["value"].isna().all()


def test_raters_of_other_factors_are_not_compared():
    other = pd.DataFrame([[0, 1], [1, 0]], index=["a", "c"], columns=["a", "c"])
    with pytest.raises(JourneyDataError, match="b, c is in one of them only"):
        agreement({"ann": judged(1, 1), "bo": other})
    with pytest.raises(JourneyDataError, match="at least one matrix"):
        agreement({})


def test_the_order_in_which_a_rater_lists_factors_does_not_matter():
    turned = judged(3, 1).loc[["b", "a"], ["b", "a"]]
    assert agreement({"ann": judged(3, 1), "bo": turned})["range"].tolist() == [0, 0]


@given(arrays.arrays(np.int64, (6, 3), elements=st.integers(-3, 3)))
def test_alpha_is_one_less_the_disagreement_of_all_pairs(units):
    """The definition pair by pair, for interval data."""
    found = krippendorff_alpha(units, "interval")
    within = [
        (a - b) ** 2
        for row in units
        for i, a in enumerate(row)
        for j, b in enumerate(row)
        if i != j
    ]
    flat = units.ravel()
    across = [(a - b) ** 2 for i, a in enumerate(flat) for j, b in enumerate(flat) if i != j]
    if not np.any(across):
        assert found is None
    else:
        assert found == pytest.approx(1 - np.mean(within) / np.mean(across))
