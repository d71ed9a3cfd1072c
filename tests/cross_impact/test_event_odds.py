"""Events that act on each other: exact answers, and a slow sampling of orders."""

import numpy as np
import pytest

from cross_impact.cases import case
from journey_widgets.cross_impact import event_probabilities
from journey_widgets.definition import definition
from journey_widgets.errors import JourneyDataError

CASE = case("gordon_hayward_exact")
COHERENT = CASE["coherent_case"]


def assert_exact(found, expected):
    assert found.events["final"].tolist() == pytest.approx(expected["final"], abs=1e-9)
    listed = expected.get("most_likely", [])
    top = found.scenarios.head(len(listed))
    assert top["scenario"].tolist() == [one["scenario"] for one in listed]
    assert top["probability"].tolist() == pytest.approx(
        [one["probability"] for one in listed], abs=1e-9
    )
    assert found.scenarios["probability"].sum() == pytest.approx(1)


@pytest.mark.parametrize(
    ("given", "name", "absence"),
    [
        (CASE, "occurrence_only", "ignored"),
        (COHERENT, "occurrence_only", "ignored"),
        (COHERENT, "coherent", "coherent"),
    ],
)
def test_four_events_have_their_exact_chances(given, name, absence):
    found = event_probabilities(given["initial"], given["conditional"], absence=absence)
    assert_exact(found, given["expected"]["derived"][name])


def test_conditionals_that_cannot_be_are_refused_or_said():
    with pytest.raises(
        JourneyDataError, match=r"2 conditional probabilities cannot be\. P\(1 \| 3\) is 0.85"
    ):
        event_probabilities(CASE["initial"], CASE["conditional"])
    rough = event_probabilities(CASE["initial"], CASE["conditional"], absence="ignored")
    cells = rough.incoherent[["given", "event"]].astype(int).to_numpy().tolist()
    assert cells == CASE["expected"]["derived"]["incoherent_cells"]
    assert "read this as rough" in definition(rough.events)


def test_two_coherent_events_come_back_to_their_start():
    pair = CASE["two_event_identity"]
    found = event_probabilities(pair["initial"], pair["conditional"])
    assert found.events["final"].tolist() == pytest.approx(
        pair["expected"]["derived"]["coherent_final"]
    )


def test_strengths_are_worked_out_over_all_orders():
    given = CASE["quadratic_case"]
    found = event_probabilities(given["initial"], strength=given["strength"])
    assert found.events["final"].tolist() == pytest.approx(
        given["expected"]["derived"]["final"], abs=1e-9
    )


def test_a_slow_run_of_random_orders_comes_out_the_same():
    rng = np.random.default_rng(11)
    start, table = np.array(CASE["initial"]), np.array(CASE["conditional"], dtype=float)
    runs, count = 20_000, np.zeros(4)
    for _run in range(runs):
        odds = start / (1 - start)
        for i in rng.permutation(4):
            if rng.random() < odds[i] / (1 + odds[i]):
                count[i] += 1
                other = [j for j in range(4) if j != i]
                odds[other] *= (table[i] / (1 - table[i]) / (start / (1 - start)))[other]
    exact = event_probabilities(CASE["initial"], CASE["conditional"], absence="ignored").events[
        "final"
    ]
    near = 4 * np.sqrt(exact * (1 - exact) / runs)
    assert (np.abs(count / runs - exact) < near).all()


def test_events_without_links_keep_their_chances_and_names():
    found = event_probabilities({"strike": 0.2, "storm": 0.5}, [[None, None], [None, None]])
    assert found.events["change"].tolist() == pytest.approx([0, 0])
    assert set(found.scenarios["happens"]) == {"none", "strike", "storm", "strike, storm"}


def test_what_is_no_probability_is_refused():
    with pytest.raises(JourneyDataError, match="'1' is 1"):
        event_probabilities([1, 0.5], [[None, 0.5], [0.5, None]])
    with pytest.raises(JourneyDataError, match=r"P\(2 \| 1\) is 1"):
        event_probabilities([0.5, 0.5], [[None, 1], [0.5, None]])
    with pytest.raises(JourneyDataError, match="2 rows of 2"):
        event_probabilities([0.5, 0.5], [[0.5]])
    with pytest.raises(JourneyDataError, match="either conditional or strength"):
        event_probabilities([0.5])
    with pytest.raises(JourneyDataError, match="up to 12"):
        event_probabilities([0.5] * 13, np.full((13, 13), 0.5))
    with pytest.raises(JourneyDataError, match="outside -1 to 1"):
        event_probabilities([0.5, 0.5], strength=[[0, 2], [0, 0]])
