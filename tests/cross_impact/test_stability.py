"""Stability of ranks and roles, and chains: against the shared example and slow oracles."""

from itertools import pairwise, permutations

import numpy as np
import pandas as pd
import pytest

from cross_impact.cases import FIVE_TOUCHPOINTS, case, matrix_of
from journey_widgets.cross_impact import (
    chains,
    direct_influence,
    leader_sentence,
    stability,
    total_influence,
    total_relations,
)
from journey_widgets.definition import definition
from journey_widgets.errors import JourneyDataError


@pytest.mark.parametrize(
    ("measure", "shares"),
    [("direct", [0.32, 0.32, 0.28, 0.08]), ("total", [0.44, 0.29, 0.21, 0.05])],
)
def test_checkout_leads_in_44_percent_of_draws(measure, shares):
    table = stability(FIVE_TOUCHPOINTS, measure=measure, noise="one_point", draws=20_000)
    by_name = table.set_index("factor")["top_share"]
    found = by_name[["checkout", "confirmation", "delivery", "set_up"]].tolist()
    assert found == pytest.approx(shares, abs=0.015)
    assert by_name.sum() == pytest.approx(1)


def test_the_sentence_says_whether_a_lead_is_safe():
    table = stability(FIVE_TOUCHPOINTS, noise="one_point", draws=20_000)
    assert (
        leader_sentence(table) == "Checkout leads in 44% of draws: not safe to call it the lever."
    )
    clear = pd.DataFrame([[0, 3, 3], [0, 0, 1], [0, 1, 0]], index=list("abc"), columns=list("abc"))
    assert (
        leader_sentence(stability(clear))
        == "A leads in 100% of draws: it is safe to call it the lever."
    )


def test_the_same_seed_gives_the_same_draws_and_another_does_not():
    one, again, other = (stability(FIVE_TOUCHPOINTS, seed=s, draws=300) for s in (1, 1, 2))
    pd.testing.assert_frame_equal(one, again)
    assert not one["top_share"].equals(other["top_share"])


def test_raters_who_agree_leave_nothing_open():
    same = dict.fromkeys(("ann", "bo", "cy"), FIVE_TOUCHPOINTS)
    table = stability(same, draws=200)
    assert (table["rank_share"] == 1).all()
    assert (table["role_share"] == 1).all()
    roles = direct_influence(FIVE_TOUCHPOINTS).set_index("factor")["role"]
    assert table.set_index("factor")["role"].to_dict() == roles.to_dict()
    assert table["value"].tolist() == pytest.approx(
        sorted(total_influence(FIVE_TOUCHPOINTS)["given"], reverse=True)
    )


def test_draws_of_raters_equal_a_slow_bootstrap():
    rng = np.random.default_rng(5)
    panel = {}
    for name in "abcdefgh":
        noise = rng.choice([-1, 0, 0, 1], (5, 5))
        panel[name] = ((FIVE_TOUCHPOINTS + noise).clip(0, 3) * (1 - np.eye(5))).astype(float)
    panel["a"].loc["checkout", "delivery"] = np.nan
    fast = stability(panel, draws=4_000).set_index("factor")
    leads, kept = dict.fromkeys(FIVE_TOUCHPOINTS, 0.0), dict.fromkeys(FIVE_TOUCHPOINTS, 0)
    picked = np.random.default_rng(9).choice(list(panel), (1_500, 8))
    for names in picked:
        mean = pd.DataFrame(
            np.nanmean([panel[n].to_numpy() for n in names], axis=0),
            index=FIVE_TOUCHPOINTS.index,
            columns=FIVE_TOUCHPOINTS.columns,
        )
        given = total_influence(mean).set_index("factor")["given"]
        roles = direct_influence(mean).set_index("factor")["role"]
        leads[given.idxmax()] += 1 / len(picked)
        for factor in kept:
            kept[factor] += int(roles[factor] == fast.loc[factor, "role"])
    for factor, share in leads.items():
        assert fast.loc[factor, "top_share"] == pytest.approx(share, abs=0.05)
        assert fast.loc[factor, "role_share"] == pytest.approx(kept[factor] / len(picked), abs=0.05)


def test_half_a_point_keeps_zeros_and_the_scale():
    table = stability(FIVE_TOUCHPOINTS, draws=500).set_index("factor")
    assert table["method"].unique().tolist() == ["half_point"]
    # Support pushes set-up alone, by half to one and a half: it stays last.
    assert table.loc["support", ["rank_low", "rank_high"]].tolist() == [5, 5]


def test_push_on_an_outcome_can_be_ranked():
    matrix = FIVE_TOUCHPOINTS.assign(satisfaction=[0, 0, 0, 0, 3])
    table = stability(matrix, outcome="satisfaction", draws=200).set_index("factor")
    total = total_relations(matrix)["satisfaction"]
    assert table.loc["support", "rank"] == 1
    assert table.loc["support", "top_share"] == 1
    assert table["value"].to_dict() == pytest.approx(total.iloc[:5].to_dict())


def test_draws_without_an_answer_are_counted():
    equal = pd.DataFrame([[0, 1, 1], [1, 0, 1], [1, 1, 0]], index=list("abc"), columns=list("abc"))
    with pytest.raises(JourneyDataError, match="finer steps"):
        stability(equal)
    assert len(stability(equal, measure="direct")) == 3
    pair = {"ann": equal, "bo": equal * np.array([[1, 1, 2], [1, 1, 1], [1, 1, 1]])}
    table = stability(pair, draws=400)
    # Ann alone is drawn in a quarter of the draws; her matrix has no total.
    assert table["n"][0] == pytest.approx(300, abs=40)
    assert "draws had no answer" in definition(table)


def test_what_cannot_be_drawn_is_refused():
    with pytest.raises(JourneyDataError, match="half_point"):
        stability(FIVE_TOUCHPOINTS, noise="raters")
    with pytest.raises(JourneyDataError, match="Did you mean 'one_point'"):
        stability(FIVE_TOUCHPOINTS, noise="onepoint")
    with pytest.raises(JourneyDataError, match="cut is 'half'. Did you mean 'half_maximum'"):
        stability(FIVE_TOUCHPOINTS, cut="half")
    with pytest.raises(JourneyDataError, match="1 or more"):
        stability(FIVE_TOUCHPOINTS, draws=0)
    with pytest.raises(JourneyDataError, match="Did you mean 'support'"):
        stability(FIVE_TOUCHPOINTS, outcome="suport")


# Chains


def test_chains_equal_all_paths_tried_one_by_one():
    matrix = matrix_of(case("micmac_ranks_support"))
    share = matrix / 20
    source, target = "Set-up guidance", "Customer effort"
    between = [n for n in matrix if n not in (source, target)]
    every = {}
    for length in range(5):
        for middle in permutations(between, length):
            path = [source, *middle, target]
            every[" -> ".join(path)] = np.prod([share.loc[a, b] for a, b in pairwise(path)])
    best = sorted(every.values(), reverse=True)[:8]
    found = chains(matrix, source, target, top=8)
    assert found["strength"].tolist() == pytest.approx(best)
    assert [every[p] for p in found["path"]] == pytest.approx(best)
    assert found["share"].sum() < 1


def test_a_chain_is_said_in_words_with_its_direction():
    matrix = pd.DataFrame(
        [[0, 2, 0], [0, 0, -1]],
        index=["checkout", "calls"],
        columns=["checkout", "calls", "effort"],
    )
    row = chains(matrix, "checkout", "effort").iloc[0]
    assert row["direction"] == "opposite"
    assert (
        row["in_words"] == "If checkout gets better, calls gets better, and so effort gets worse."
    )
    assert row["share"] == pytest.approx(1)


def test_a_target_behind_one_weak_link_is_found_among_thirty_strong_factors():
    names = [f"f{i}" for i in range(30)]
    strong = np.full((30, 30), 3) - 3 * np.eye(30, dtype=int)
    matrix = pd.DataFrame(strong, index=names, columns=names).assign(effort=0, nothing=0)
    matrix.loc["f29", "effort"] = 1
    found = chains(matrix, "f0", "effort")
    assert found["path"][0] == "f0 -> f29 -> effort"
    assert found["steps"].tolist() == [2, 3, 3, 3, 3]
    assert chains(matrix, "f0", "nothing").empty


def test_where_no_chain_leads_there_is_none():
    assert chains(FIVE_TOUCHPOINTS, "support", "checkout").empty
    with pytest.raises(JourneyDataError, match="two different names"):
        chains(FIVE_TOUCHPOINTS, "support", "support")
