"""What to talk about again, what changed between versions, where to act first, and whether it worked."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from cross_impact.cases import FIVE_TOUCHPOINTS
from journey_widgets.cross_impact import (
    CrossImpact,
    cell_changes,
    cells_to_discuss,
    intervention_effect,
    priorities,
    total_influence,
    version_change,
)
from journey_widgets.cross_impact.total import push
from journey_widgets.errors import JourneyDataError
from journey_widgets.scorecard.catalogue import worked_example

NAMES = ["a", "b", "c", "d", "e"]


def framed(values):
    values = np.array(values, dtype=float)
    np.fill_diagonal(values, 0)
    return pd.DataFrame(values, NAMES, NAMES)


def slowly(mean, cell, value, outcome):
    """The ranking with one cell at another value, by solving everything anew."""
    other = mean.abs().copy()
    other.loc[cell] = value
    if outcome:
        found = push(other, outcome).set_index("factor")["total"]
        return found.reindex(NAMES, fill_value=0.0)
    return total_influence(other).set_index("factor")["given"]


@settings(max_examples=40, deadline=None)
@given(
    arrays.arrays(np.int64, (3, 5, 5), elements=st.integers(-3, 3)),
    st.sampled_from([None, "c"]),
)
def test_the_effect_of_a_cell_is_that_of_solving_everything_anew(cube, outcome):
    ratings = {f"r{i}": framed(layer) for i, layer in enumerate(cube)}
    mean = sum(ratings.values()) / 3
    for row in cells_to_discuss(ratings, outcome=outcome).itertuples():
        said = [r.loc[row.source, row.target] for r in ratings.values()]
        assert (row.low, row.high) == (min(said), max(said))
        weakest = 0 if min(said) < 0 < max(said) else min(map(abs, said))
        try:
            weak = slowly(mean, (row.source, row.target), weakest, outcome)
            strong = slowly(mean, (row.source, row.target), max(map(abs, said)), outcome)
        except JourneyDataError:
            continue  # nothing to compare with where there is no answer
        largest = max(weak.max(), strong.max())
        expected = (strong - weak).abs().max() / largest if largest else 0
        if largest < 1e6:
            assert row.moves == pytest.approx(expected, rel=1e-6, abs=1e-9)


def test_the_cell_that_decides_who_leads_comes_first_though_another_differs_more():
    low, high = framed(np.zeros((5, 5))), framed(np.zeros((5, 5)))
    for one in (low, high):
        one.loc["a", ["b", "c"]] = 2
        one.loc["d", ["b", "c"]] = 2
    low.loc["a", "e"], high.loc["a", "e"] = 0, 1  # decides between a and d
    low.loc["e", "c"], high.loc["e", "c"] = 0, 1.5  # the widest, and decides nothing
    high.loc["d", "e"] = low.loc["d", "e"] = 0.5
    found = cells_to_discuss({"x": low, "y": high})
    assert found.iloc[0][["source", "target", "leader_changes"]].tolist() == ["a", "e", True]
    assert (
        found.iloc[0]["in_words"]
        == "a on e: judged from 0 to 1. At the weakest d leads, at the strongest a leads."
    )
    assert found["range"].tolist() == [1, 1.5]


def test_cells_on_which_all_agree_or_that_one_judged_are_not_listed():
    one = framed(np.ones((5, 5)))
    assert cells_to_discuss({"x": one, "y": one}).empty
    blank = one.astype(object)
    blank.loc["a", "b"] = "?"
    assert cells_to_discuss({"x": one, "y": blank}).empty


# Versions


def test_ranks_before_and_after_one_judgement_changed():
    after = FIVE_TOUCHPOINTS.copy()
    after.loc["set_up", "checkout"] = 3
    found = version_change(FIVE_TOUCHPOINTS, after).set_index("factor")
    before = {"checkout": 1, "confirmation": 2, "delivery": 3, "set_up": 4, "support": 5}
    assert found["rank_before"].to_dict() == before
    assert found.loc["set_up", "rank_after"] == 1
    assert found.loc["set_up", "rise"] == 3


def test_a_factor_that_came_or_went_has_one_rank_only():
    before = FIVE_TOUCHPOINTS.drop(index="set_up", columns="set_up")
    found = version_change(before, FIVE_TOUCHPOINTS).set_index("factor")
    assert pd.isna(found.loc["set_up", "rank_before"])
    assert version_change(FIVE_TOUCHPOINTS, before)["factor"].tolist()[-1] == "set_up"


def panel(value, reason=None, **more):
    cell = {"value": value, **({"reason": reason} if reason else {})}
    return CrossImpact.from_body(
        {
            "factors": [
                {"id": "a", "label": "A", "satisfaction": 5, "retention": 5, "advocacy": 5},
                {"id": "b", "label": "B", "satisfaction": 1, "retention": 1, "advocacy": 1},
                {"id": "c", "label": "C"},
            ],
            "outcomes": [{"id": "csat", "label": "CSAT"}],
            "raters": [
                {
                    "id": "r",
                    "label": "Anna",
                    "cells": {
                        "a": {"csat": {"value": 1}},
                        "b": {"csat": cell},
                        "c": {"csat": {"value": 0}},
                    },
                }
            ],
            **more,
        }
    )


def test_judgements_that_changed_are_listed_with_their_reason():
    found = cell_changes(panel(1), panel(2, "the May returns"))
    assert found.to_dict("records") == [
        {"rater": "Anna", "source": "b", "target": "csat", "before": "1", "after": "2", "reason": "the May returns"}
    ]  # fmt: skip


# Priorities


def test_priority_is_influence_times_stakes_times_gap():
    plans = [
        {"id": "i", "label": "I", "changes": {"a": 0.5}, "effort": 10},
        {"id": "j", "label": "J", "changes": {"a": 0.1}, "effort": 30, "status": "done"},
    ]
    found = priorities(panel(2, interventions=plans), "csat", gaps={"a": 0.5, "b": 1.0}, draws=200)
    found = found.set_index("factor")
    assert found.loc["a", ["influence", "significance", "gap"]].tolist() == [0.5, 1.0, 0.5]
    assert found.loc["b", ["influence", "significance", "gap"]].tolist() == [1.0, 0.2, 1.0]
    assert found["value"].to_dict() == pytest.approx({"a": 0.25, "b": 0.2, "c": 0.0})
    assert found.loc["a", ["effort", "value_per_day", "interventions"]].tolist() == [10, 0.025, 1]
    assert pd.isna(found.loc["b", "effort"])
    assert found["assumed"].to_dict() == {"a": "", "b": "", "c": "significance and gap"}
    assert (found["low"] <= found["value"] + 1e-12).all()
    assert (found["value"] <= found["high"] + 1e-12).all()


@pytest.mark.parametrize(
    ("outcome", "gaps", "words"),
    [("nps", {}, "No column is called 'nps'"), ("csat", {"z": 1}, "no factor"), ("csat", {"a": 2}, "from 0 to 1")],
)  # fmt: skip
def test_priorities_of_what_is_not_there_are_refused(outcome, gaps, words):
    with pytest.raises(JourneyDataError, match=words):
        priorities(panel(1), outcome, gaps=gaps)


# Did it work


def test_of_a_rise_of_ten_points_eight_are_left_beside_a_comparison_group():
    # The KPI catalogue's own example: 0.70 to 0.80 where it was done, 0.70 to 0.72 where it was not.
    figures, stated, _found = worked_example("intervention_effect")
    groups = {k: (round(1000 * v), 1000) for k, v in figures.items()}
    found = intervention_effect(
        groups["tb"], groups["ta"], comparison_before=groups["cb"], comparison_after=groups["ca"]
    ).set_index("estimate")
    assert found.loc["effect", "value"] == pytest.approx(stated) == pytest.approx(0.08)
    assert found["value"].to_dict() == pytest.approx(
        {"effect": 0.08, "change": 0.10, "comparison change": 0.02}
    )
    assert found.loc["effect", "low"] > 0
    # Four independent shares: the interval is about 1.96 times the root of their variances.
    variance = (2 * 0.7 * 0.3 + 0.8 * 0.2 + 0.72 * 0.28) / 1000
    width = found.loc["effect", "high"] - found.loc["effect", "low"]
    assert width == pytest.approx(2 * 1.96 * variance**0.5, rel=0.02)
    assert found.loc["effect", "evidence"] == "difference-in-differences"


def test_before_and_after_alone_is_called_weak():
    row = intervention_effect((60, 100), (75, 100)).iloc[0]
    assert (row["estimate"], row["evidence"]) == ("change", "weak: before and after only")
    assert row["in_words"].startswith("It rose by 15.0% points")


def test_means_of_values_are_compared_too_and_what_is_unclear_is_said():
    rng = np.random.default_rng(1)
    same = [rng.normal(4, 1, 50) for _group in range(4)]
    found = intervention_effect(
        same[0], same[1] + 1, comparison_before=same[2], comparison_after=same[3] + 1
    ).set_index("estimate")
    assert found.loc["change", "value"] == pytest.approx(same[1].mean() + 1 - same[0].mean())
    assert found.loc["effect", "in_words"].startswith("No difference can be told")


def test_groups_that_moved_apart_before_are_seen():
    found = intervention_effect(
        (600, 1000), (720, 1000), comparison_before=(600, 1000), comparison_after=(640, 1000),
        earlier=(500, 1000), comparison_earlier=(600, 1000),
    ).set_index("estimate")  # fmt: skip
    assert found.loc["earlier difference", "value"] == pytest.approx(0.1)
    assert found.loc["earlier difference", "in_words"].startswith("Before, it gained on")


@pytest.mark.parametrize(
    ("given_", "words"),
    [
        ({"before": (5, 3), "after": (1, 2)}, "(successes, n) was needed"),
        ({"before": [42, 80], "after": (1, 2)}, "at least 5 numbers"),
        ({"before": (1, 2), "after": [1.0, 2, 3, 4, 5]}, "Shares and means were mixed"),
        ({"before": (1, 2), "after": (1, 2), "comparison_before": (1, 2)}, "both or neither"),
        ({"before": (1, 2), "after": (1, 2), "earlier": (1, 2)}, "needs the comparison group"),
    ],
)
def test_groups_that_cannot_be_compared_are_refused(given_, words):
    with pytest.raises(JourneyDataError, match=words.replace("(", r"\(").replace(")", r"\)")):
        intervention_effect(**given_)
