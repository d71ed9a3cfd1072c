"""Direct, total and indirect influence: each equals its published or derived case."""

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from cross_impact.cases import FIVE_TOUCHPOINTS, case, matrix_of
from journey_widgets.cross_impact import (
    as_influence,
    attenuated,
    coupling,
    direct_influence,
    micmac,
    push,
    rank_change,
    strong_links,
    total,
    total_influence,
    total_relations,
)
from journey_widgets.cross_impact.matrix import ranks
from journey_widgets.definition import definition
from journey_widgets.errors import JourneyDataError

SMALL = arrays.arrays(np.int64, (5, 5), elements=st.integers(0, 3))


# Direct


def test_the_five_factor_matrix_has_the_published_sums():
    found = case("vester_five_factors")
    published, derived = found["expected"]["published"], found["expected"]["derived"]
    table = direct_influence(matrix_of(found))
    assert table["active_sum"].tolist() == published["active_sum"]
    assert table["passive_sum"].tolist() == published["passive_sum"]
    assert table["product"].tolist() == derived["product"]
    assert table["quotient"].tolist() == pytest.approx(derived["quotient"])
    assert table["role"].tolist() == derived["role_by_mean"]
    assert "9.4 given, 9.4 received" in definition(table)


def test_direct_sums_of_the_five_touchpoints_leave_a_three_way_tie():
    table = direct_influence(FIVE_TOUCHPOINTS)
    assert table["active_sum"].tolist() == [4, 4, 4, 3, 1]
    assert table["passive_sum"].tolist() == [0, 2, 2, 3, 9]
    assert table["product"].tolist() == [0, 8, 8, 9, 9]
    assert table["active_rank"].tolist() == [1, 1, 1, 4, 5]
    assert pd.isna(table["quotient"][0])
    assert table["quotient"].tolist()[1:] == pytest.approx([2, 2, 1, 1 / 9])


def test_three_cut_rules_disagree_on_the_support_example():
    matrix = matrix_of(case("micmac_ranks_support"))
    by_rule = pd.DataFrame(
        {
            cut: direct_influence(matrix, cut=cut)["role"]
            for cut in ("mean", "median", "half_maximum")
        }
    )
    assert (by_rule.nunique(axis=1) > 1).sum() == 3


def test_an_outcome_column_moves_no_line():
    alone = direct_influence(FIVE_TOUCHPOINTS)
    with_outcome = FIVE_TOUCHPOINTS.assign(satisfaction=[3, 3, 3, 3, 3])
    table = direct_influence(with_outcome)
    same = ["active_sum", "passive_sum", "role", "active_distance", "passive_distance"]
    pd.testing.assert_frame_equal(table.loc[:4, same], alone[same])
    assert table["role"].tolist()[5] == "outcome"
    assert table["passive_sum"].tolist()[5] == 15
    assert table["outcome_sum"].tolist()[:5] == [3] * 5


def test_an_outcome_that_acts_back_is_named_and_stays_out_of_the_sums():
    matrix = FIVE_TOUCHPOINTS.assign(advocacy=[0, 0, 0, 0, 3])
    matrix.loc["advocacy"] = [2, 0, 0, 0, 0, 0]
    table = direct_influence(matrix, outcomes=["advocacy"])
    assert table["passive_sum"].tolist()[:5] == [0, 2, 2, 3, 9]
    assert table["active_sum"].tolist()[5] == 2


def test_a_harmful_link_is_as_strong_as_a_helpful_one_and_a_blank_is_said():
    matrix = FIVE_TOUCHPOINTS.astype(float)
    matrix.loc["checkout", "confirmation"] = -2
    matrix.loc["support", "checkout"] = np.nan
    table = direct_influence(matrix)
    assert table["active_sum"].tolist() == [4, 4, 4, 3, 1]
    assert "1 of 20 cells are blank" in definition(table)


# Total


def test_the_medical_device_case_has_the_published_total_relations():
    found = case("dematel_medical_device")
    matrix, published = matrix_of(found), found["expected"]["published"]
    near = found["tolerance"]
    assert np.allclose(total_relations(matrix), published["total_relation"], atol=near, rtol=0)
    table = total_influence(matrix)
    for name in ("given", "received", "prominence", "relation"):
        assert table[name].tolist() == pytest.approx(published[name], abs=near)
    links = strong_links(matrix)
    names = list(matrix.columns)
    drawn = {
        (names.index(s) + 1, names.index(t) + 1)
        for s, t in zip(links["source"], links["target"], strict=True)
    }
    assert drawn == {tuple(edge) for edge in published["edges_above_threshold"]}
    assert len(strong_links(matrix, "mean_plus_sd")) < len(links)


@pytest.mark.parametrize("one", case("dematel_closed_forms")["cases"], ids=lambda c: str(c["name"]))
def test_systems_that_can_be_worked_out_on_paper(one):
    matrix, expected = matrix_of(one), one["expected"]
    if not expected.get("solvable", True):
        with pytest.raises(JourneyDataError, match="never fade|Judge at least one"):
            total_relations(matrix)
        return
    assert np.allclose(total_relations(matrix), expected["total_relation"], atol=1e-10, rtol=0)
    row = coupling(matrix).iloc[0]
    for name in ("coupling", "multiplier", "lambda_max", "mode_dominance"):
        if name in expected:
            assert row[name] == pytest.approx(expected[name], abs=1e-10)


def test_total_influence_of_the_five_touchpoints():
    table = total_influence(FIVE_TOUCHPOINTS)
    assert table["given"].tolist() == pytest.approx([0.651, 0.581, 0.538, 0.385, 0.154], abs=5e-4)
    assert table["received"].tolist() == pytest.approx([0, 0.222, 0.247, 0.531, 1.309], abs=5e-4)
    assert table["role"].tolist() == ["cause", "cause", "cause", "effect", "effect"]


def test_chains_separate_what_direct_scores_tie():
    table = push(matrix_of(case("micmac_ranks_support")), "Customer effort").set_index("factor")
    expected = {
        "Set-up guidance": 0.201,
        "First contact resolution": 0.185,
        "Agent knowledge": 0.172,
        "Proactive outage notice": 0.149,
        "Help centre search": 0.143,
        "Delivery promise kept": 0.138,
        "Order tracking": 0.125,
    }
    for factor, value in expected.items():
        assert table.loc[factor, "total"] == pytest.approx(value, abs=5e-4)
    tied = table.loc[[*expected][2:], "direct_rank"]
    assert set(tied) == {3}
    assert table["total_rank"].is_unique


def test_a_harmful_chain_takes_away_from_the_net_push():
    matrix = pd.DataFrame(
        [[0, 2, 1], [0, 0, -1]], index=["a", "b"], columns=["a", "b", "satisfaction"]
    )
    table = push(matrix, "satisfaction").set_index("factor")
    # The largest sum is 3: direct 1/3, and by way of b 2/3 x 1/3.
    assert table.loc["a", "total"] == pytest.approx(1 / 3 + 2 / 9)
    assert table.loc["a", "net"] == pytest.approx(1 / 3 - 2 / 9)
    assert table.loc["b", "net"] == pytest.approx(-1 / 3)


def test_both_normalisations_are_named_and_differ():
    matrix = FIVE_TOUCHPOINTS
    by_rows = total_influence(matrix, "rows")
    assert not np.allclose(by_rows["given"], total_influence(matrix)["given"])
    assert "the largest row sum" in definition(by_rows)
    with pytest.raises(JourneyDataError, match="rows_and_columns"):
        total_influence(matrix, "columns")


@given(SMALL)
def test_total_relations_are_the_sum_of_all_chains(cells):
    np.fill_diagonal(cells, 0)
    try:
        found = total_relations(cells).to_numpy()
    except JourneyDataError:
        return
    share = cells / max(cells.sum(axis=0).max(), cells.sum(axis=1).max())
    chain, total = share, np.zeros_like(share)
    for _length in range(4000):
        total = total + chain
        chain = chain @ share
    if np.abs(chain).max() < 1e-12:
        assert np.allclose(found, total, atol=1e-8)


# Indirect


@pytest.mark.parametrize("diagonal", ["kept", "dropped"])
def test_ranks_of_the_support_example_settle_where_exact_arithmetic_says(diagonal):
    found = case("micmac_ranks_support")
    expected = found["expected"]["derived"][f"diagonal_{diagonal}"]
    table = micmac(matrix_of(found), diagonal=diagonal)
    assert table["direct_influence"].tolist() == expected["direct"]["influence"]
    assert table["direct_dependence"].tolist() == expected["direct"]["dependence"]
    assert table["direct_influence_rank"].tolist() == expected["direct"]["influence_rank"]
    assert table["direct_dependence_rank"].tolist() == expected["direct"]["dependence_rank"]
    assert table["indirect_influence_rank"].tolist() == expected["stable"]["influence_rank"]
    assert table["indirect_dependence_rank"].tolist() == expected["stable"]["dependence_rank"]
    assert table.attrs["stable_power"] == expected["stable_power"]


def test_a_bipartite_matrix_never_settles_and_says_its_period():
    table = micmac(case("micmac_ranks_support")["second_case"]["matrix"])
    assert table.attrs["period"] == 2
    assert table.attrs["stable_power"] is None
    assert "alternate for ever with period 2" in definition(table)


def test_without_a_cycle_powers_vanish_and_the_damped_total_does_not():
    matrix = FIVE_TOUCHPOINTS.copy()
    matrix.loc["support", "set_up"] = 0
    table = micmac(matrix)
    assert table.attrs["vanishing_power"] == 5
    assert table["indirect_influence"].tolist() == pytest.approx(
        [0.617, 0.535, 0.481, 0.333, 0], abs=5e-4
    )
    assert "no cycle" in definition(table)
    assert coupling(matrix)["coupling"][0] == 0


def test_checkout_leads_through_chains():
    assert attenuated(FIVE_TOUCHPOINTS, 1, 2)["influence"].tolist() == [17, 13, 10, 6, 4]
    assert micmac(FIVE_TOUCHPOINTS)["indirect_influence_rank"][0] == 1


def test_the_attenuated_example_of_three_variables():
    found = case("micmac_attenuated_three")
    expected = found["expected"]["published"]
    table = attenuated(found["matrix"], found["alpha"], found["max_length"])
    assert table["influence"].tolist() == expected["influence"]
    assert table["dependence"].tolist() == expected["dependence"]
    dropped = attenuated(found["matrix"], 0.5, 2, diagonal="dropped")
    assert dropped["influence"].tolist() == [6.5, 4.5, 1.5]


def test_a_potential_relation_counts_when_asked():
    matrix = FIVE_TOUCHPOINTS.astype(object)
    matrix.loc["support", "checkout"] = "P"
    today, then = micmac(matrix), micmac(matrix, potential=True)
    assert today["direct_dependence"][0] == 0
    assert then["direct_dependence"][0] == 3
    assert "1 potential relations count as 0" in definition(today)


def test_twenty_factors_of_high_scores_overflow_nothing():
    matrix = np.random.default_rng(1).integers(1, 4, (20, 20)) * 1_000_000
    table = micmac(matrix)
    assert np.isfinite(table["indirect_influence"]).all()
    assert table["indirect_influence"].sum() == pytest.approx(1)


@given(SMALL)
def test_settled_ranks_are_those_of_exact_powers(cells):
    np.fill_diagonal(cells, 0)
    table = micmac(cells)
    if table.attrs["stable_power"] is None:
        return
    exact = cells.astype(object)
    power = exact
    for _step in range(table.attrs["stable_power"] + 60):
        power = power @ exact
    sums = power.sum(axis=1)
    by_size = sorted(sums, reverse=True)
    shown = table["indirect_influence_rank"].tolist()
    # Two factors whose sums differ by less than rounding are a tie; exact integers may still part them.
    for rank, one in zip(shown, sums, strict=True):
        assert abs(by_size[rank - 1] - one) <= one * 1e-6


def test_a_hidden_lever_rises_by_two_ranks():
    matrix = pd.DataFrame(
        [[0, 2, 0, 0], [0, 0, 3, 3], [0, 0, 0, 3], [3, 0, 0, 0]],
        index=list("abcd"),
        columns=list("abcd"),
    )
    # N = M / 6. b gives 2; a, c and d give 1 each: a, last by its own sum of 2, shares the second place.
    row = rank_change(matrix).iloc[0]
    assert row[["factor", "direct_rank", "total_rank", "rise"]].tolist() == ["a", 4, 2, 2]
    assert len(rank_change(matrix)) == 1
    assert len(rank_change(matrix, least=5)) == 0


# What is refused


def test_bad_matrices_are_refused_in_words():
    with pytest.raises(JourneyDataError, match="two rows called 'a'"):
        as_influence(pd.DataFrame([[0, 1], [1, 0]], index=["a", "a"], columns=["a", "b"]))
    with pytest.raises(JourneyDataError, match="row 'b' and no such column"):
        as_influence(pd.DataFrame([[0, 1], [1, 0]], index=["a", "b"], columns=["a", "c"]))
    with pytest.raises(JourneyDataError, match="'a' on 'b' is 'much'"):
        as_influence(pd.DataFrame([[0, "much"], [1, 0]], index=["a", "b"], columns=["a", "b"]))
    with pytest.raises(JourneyDataError, match="as many rows of numbers as columns"):
        as_influence([[0, 1]])
    with pytest.raises(JourneyDataError, match="named as an outcome"):
        direct_influence(FIVE_TOUCHPOINTS, outcomes=["satisfaction"])
    with pytest.raises(JourneyDataError, match="half_maximum"):
        direct_influence(FIVE_TOUCHPOINTS, cut="half")


def test_a_factor_that_gives_and_receives_nothing_is_buffering():
    nothing = pd.DataFrame(0, index=list("ab"), columns=list("ab"))
    assert set(direct_influence(nothing)["role"]) == {"buffering"}
    assert definition(micmac(nothing)).startswith("No factor acts on another")
    alone = pd.DataFrame([[None, 2]], index=["a"], columns=["a", "satisfaction"])
    assert rank_change(alone).empty
    assert definition(rank_change(alone)).startswith("No factor acts on another")


def test_ties_share_the_best_rank():
    assert ranks(np.array([3.0, 1.0, 3.0 + 1e-12, 2.0])).tolist() == [1, 4, 1, 3]


def test_every_case_names_its_source():
    for name in ("vester_five_factors", "dematel_medical_device", "agreement_krippendorff"):
        assert json.dumps(case(name)["source"])


def test_mean_de_entropy_keeps_the_links_that_are_about_one_source():
    # Worked out by hand: the three strongest links start at a. After them d and c start one each. With a three
    # times and d once the counts are most uneven a name: (ln 2 - 0.5623) / 2 = 0.0654, against 0.0498 with c too.
    # Targets: b, c, d, a in turn, so even throughout; the first link tells. Four links hold a and d.
    cells = np.array([[0, 0.9, 0.8, 0.7], [0, 0, 0, 0], [0, 0.5, 0, 0], [0.6, 0, 0, 0]])
    assert total._mmde(cells) == 0.6


def test_strong_links_by_mean_de_entropy_are_the_strongest_ones():
    links = strong_links(FIVE_TOUCHPOINTS, "mmde")
    relations = total_relations(FIVE_TOUCHPOINTS).to_numpy()
    assert links["total"].tolist() == sorted(
        relations[relations >= links["total"].min()], reverse=True
    )
    assert "mmde of all cells" in definition(links)
