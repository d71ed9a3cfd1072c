"""Consistent scenarios: published lists, and every scenario tried."""

from itertools import product
from math import prod

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cross_impact.cases import case
from journey_widgets.cross_impact import balance_of, basins, consistent_scenarios
from journey_widgets.definition import definition
from journey_widgets.errors import JourneyDataError


def tried_one_by_one(cib, allowance=0):
    sizes = [len(d["variants"]) for d in cib["descriptors"]]
    return {
        one
        for one in product(*(range(1, n + 1) for n in sizes))
        if max(
            max(scores) - scores[v - 1] for scores, v in zip(balance_of(cib, one), one, strict=True)
        )
        <= allowance
    }


def test_somewhereland_has_its_ten_published_scenarios():
    cib = case("cib_somewhereland")
    published = cib["expected"]["published"]
    table = consistent_scenarios(cib)
    assert sorted(table["scenario"]) == sorted(map(tuple, published["consistent_scenarios"]))
    printed = published["impact_balance_of"]
    assert balance_of(cib, printed["scenario"]) == printed["balance"]
    assert definition(table).startswith("10 of 486 possible scenarios hold together")
    by_scenario = table.set_index("scenario")
    ends = basins(cib).dropna(subset="scenario").set_index("scenario")["basin"]
    for one in cib["expected"]["derived"]["scenarios"]:
        row = by_scenario.loc[[tuple(one["scenario"])]].iloc[0]
        for name in set(one) & {"total_impact_score", "consistency_value"}:
            assert row[name] == one[name]
        if "basin" in one:
            assert ends.get(tuple(one["scenario"]), 0) == one["basin"]


def test_scores_and_basins_equal_the_export_of_scenario_wizard():
    cib = case("cib_global_scenariowizard")
    expected = cib["expected"]
    table = consistent_scenarios(cib)
    listed = expected["published"]["consistent_scenarios"]
    assert table["scenario"].tolist() == [tuple(one["scenario"]) for one in listed]
    assert table["total_impact_score"].tolist() == [one["total_impact_score"] for one in listed]
    assert table["consistency_value"].tolist() == [one["consistency_value"] for one in listed]
    ends = basins(cib)
    counted = dict(zip(ends["scenario"], ends["basin"], strict=True))
    for one in listed:
        assert counted[tuple(one["scenario"])] == one["basin"]
    assert counted[None] == expected["derived"]["scenarios_ending_in_a_cycle"]
    assert "Global succession" in definition(ends)


def test_all_five_scenarios_of_sixty_million_are_found():
    cib = case("cib_large_60m")
    listed = cib["expected"]["published"]["consistent_scenarios"]
    table = consistent_scenarios(cib)
    assert {tuple(one["scenario"]) for one in listed} == set(table["scenario"])
    by_scenario = dict(zip(table["scenario"], table["total_impact_score"], strict=True))
    for one in listed:
        assert by_scenario[tuple(one["scenario"])] == one["total_impact_score"]
    drawn = basins(cib, draws=2_000)
    assert drawn["basin"].sum() == 2_000
    assert "ends may be missing" in definition(drawn)


@st.composite
def small_cibs(draw):
    sizes = draw(st.lists(st.integers(1, 3), min_size=1, max_size=5))
    width = sum(sizes)
    cell = st.integers(-3, 3)
    rows = draw(
        st.lists(st.lists(cell, min_size=width, max_size=width), min_size=width, max_size=width)
    )
    names = [
        {"name": f"d{i}", "variants": [f"v{j}" for j in range(n)]} for i, n in enumerate(sizes)
    ]
    return {"descriptors": names, "matrix": rows}


@settings(deadline=None)
@given(small_cibs(), st.integers(0, 2))
def test_the_search_finds_what_trying_every_scenario_finds(cib, allowance):
    table = consistent_scenarios(cib, inconsistency=allowance)
    assert set(table["scenario"]) == tried_one_by_one(cib, allowance)
    assert table["scenario"].is_unique
    assert (table["inconsistency"] <= allowance).all()
    assert basins(cib)["basin"].sum() == prod(len(d["variants"]) for d in cib["descriptors"])


def test_what_was_found_before_giving_up_is_kept_and_said():
    rng = np.random.default_rng(3)
    cib = {
        "descriptors": [{"name": f"d{i}", "variants": list("abc")} for i in range(12)],
        "matrix": rng.integers(-1, 2, (36, 36)).tolist(),
    }
    everything = consistent_scenarios(cib, inconsistency=2)
    some = consistent_scenarios(cib, inconsistency=2, max_partial=20_000)
    assert everything.attrs["complete"]
    assert not some.attrs["complete"]
    assert set(some["scenario"]) <= set(everything["scenario"])
    assert "there may be more" in definition(some)


def test_descriptors_that_do_not_fit_are_refused():
    two = [{"name": "a", "variants": ["x", "y"]}, {"name": "b", "variants": ["x"]}]
    with pytest.raises(JourneyDataError, match="3 rows of 3 numbers"):
        consistent_scenarios({"descriptors": two, "matrix": [[0, 1], [1, 0]]})
    with pytest.raises(JourneyDataError, match="fractions"):
        consistent_scenarios({"descriptors": two, "matrix": [[0.5] * 3] * 3})
    with pytest.raises(JourneyDataError, match="Two descriptors"):
        consistent_scenarios({"descriptors": [two[0], two[0]], "matrix": []})
    with pytest.raises(JourneyDataError, match="name and at least one variant"):
        consistent_scenarios({"descriptors": [{"name": "a", "variants": []}], "matrix": []})
    with pytest.raises(JourneyDataError, match="mapping"):
        consistent_scenarios([[1]])
    with pytest.raises(JourneyDataError, match="one variant number"):
        balance_of({"descriptors": two, "matrix": [[0] * 3] * 3}, [3, 1])


def test_drawn_basins_of_the_large_model_are_the_published_ones_within_chance():
    cib = case("cib_large_60m")
    published = {
        tuple(s["scenario"]): s["basin"]
        for s in cib["expected"]["published"]["consistent_scenarios"]
    }
    draws, possible = 200_000, cib["expected"]["published"]["n_possible"]
    found = basins({k: cib[k] for k in ("descriptors", "matrix")}, draws=draws).dropna(
        subset=["scenario"]
    )
    for scenario, basin in published.items():
        seen = int(found.loc[found["scenario"] == scenario, "basin"].sum())
        expected = draws * basin / possible
        assert abs(seen - expected) <= 4 * expected**0.5 + 3
    assert set(found["scenario"]) <= set(published)
