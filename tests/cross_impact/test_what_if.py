"""What if: published runs of a map, and changes against the baseline."""

import numpy as np
import pandas as pd
import pytest

from cross_impact.cases import FIVE_TOUCHPOINTS, case
from journey_widgets.cross_impact import what_if
from journey_widgets.cross_impact.what_if import run_map
from journey_widgets.definition import definition
from journey_widgets.errors import JourneyDataError


@pytest.mark.parametrize("number", [0, 1])
def test_the_six_concept_map_comes_to_rest_where_it_was_printed(number):
    found = case("fcm_six_concepts")
    one = found["cases"][number]
    expected = one["expected"]["published"]
    run = run_map(
        np.array(found["weights"]), np.array(found["start"]), rule=one["rule"],
        steepness=one["lambda"], epsilon=one["epsilon"],
    )  # fmt: skip
    assert run.state == expected["converged_at_state"]
    assert run.values.tolist() == pytest.approx(expected["equilibrium"], abs=found["tolerance"])
    assert run.period == 1


def test_a_better_checkout_moves_everything_after_it_and_nothing_before_it():
    table = what_if(FIVE_TOUCHPOINTS, {"confirmation": 0.5}).set_index("factor")
    assert table["direction"].to_dict() == {
        "checkout": "no change",
        "confirmation": "held",
        "delivery": "better",
        "set_up": "better",
        "support": "better",
    }
    assert pd.isna(table.loc["confirmation", "rank"])
    assert sorted(table["rank"].dropna()) == [1, 2, 3, 4]


def test_worse_and_better_point_the_other_way_and_a_harmful_link_turns_them():
    matrix = pd.DataFrame([[None, -2]], index=["waiting"], columns=["waiting", "satisfaction"])
    assert what_if(matrix, {"waiting": 1})["direction"].tolist() == ["held", "worse"]
    assert what_if(matrix, {"waiting": -1})["direction"].tolist() == ["held", "better"]


def test_no_change_moves_nothing():
    table = what_if(FIVE_TOUCHPOINTS, {"checkout": 0})
    assert table["difference"].abs().max() < 1e-5
    assert set(table["direction"]) == {"held", "no change"}


def test_a_factor_can_be_held_at_nothing():
    table = what_if(FIVE_TOUCHPOINTS, {"delivery": -1}).set_index("factor")
    assert table.loc["delivery", "value"] == 0
    assert table.loc["support", "direction"] == "worse"


def test_a_circle_is_said():
    # Two that push each other away, steeply: it never rests.
    weights = np.array([[0.0, -1.0], [-1.0, 0.0]])
    run = run_map(weights, np.array([1.0, 1.0]), rule="kosko", squash="tanh", steepness=5)
    assert run.period == 2
    assert "circle of 2" in run.in_words()
    table = what_if(FIVE_TOUCHPOINTS, {"checkout": 1}, squash="tanh")
    assert "may rest elsewhere" in definition(table)


def test_what_does_not_fit_is_refused():
    with pytest.raises(JourneyDataError, match="Did you mean 'checkout'"):
        what_if(FIVE_TOUCHPOINTS, {"chekout": 1})
    with pytest.raises(JourneyDataError, match="30 % better"):
        what_if(FIVE_TOUCHPOINTS, {"checkout": 30})
    with pytest.raises(JourneyDataError, match="sigmoid"):
        what_if(FIVE_TOUCHPOINTS, {}, squash="step")
