"""Trials: nothing without a comparison group that chance chose, and profit is not revenue."""

import importlib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from journey_widgets.definition import definition
from journey_widgets.errors import JourneyDataError
from journey_widgets.upsell import (
    assign,
    customers_needed,
    customers_needed_for_a_mean,
    policy_value,
    power_of,
    qini,
    qini_curve,
    sample_ratio,
    smallest_gain,
    trial,
    trial_return,
    trial_size,
    uplift,
)

learners = importlib.import_module("journey_widgets.upsell.uplift")  # the function hides its module
REAL = Path(__file__).parents[2] / "data" / "real" / "hillstrom_email" / "hillstrom.csv.gz"
FEATURES = ["recency", "history", "mens", "womens", "zip_code", "newbie", "channel"]


@pytest.fixture(scope="module")
def mail():
    return pd.read_csv(REAL).rename(columns={"segment": "arm"})


@pytest.fixture(scope="module")
def read(mail):
    found = trial(mail, ["visit", "conversion", "spend"], comparison="No E-Mail", before="history")
    return found.set_index(["arm", "outcome"]).loc["Mens E-Mail"]


# what came of it


@pytest.mark.parametrize(
    ("outcome", "expected"),
    [
        (
            "visit",
            [0.07658956365, 0.06995330808, 0.08322674127, 1.721404617, 1.640384888, 1.806425965],
        ),
        (
            "conversion",
            [0.00680500652, 0.005014344671, 0.008640723397, 2.188421876, 1.767984078, 2.708842443],
        ),
    ],
)
def test_shares_of_the_mail_trial_have_their_known_differences_and_ratios(read, outcome, expected):
    columns = ["difference", "low", "high", "ratio", "ratio_low", "ratio_high"]
    assert read.loc[outcome, columns].tolist() == pytest.approx(expected, abs=1e-8)


def test_spend_a_head_is_compared_by_welch_and_gains_nothing_from_the_year_before(read):
    row = read.loc["spend"]
    assert row[["difference", "low", "high"]].tolist() == pytest.approx(
        [0.7698271559, 0.4851397326, 1.054514579]
    )
    assert row[["adjusted", "variance_kept"]].tolist() == pytest.approx(
        [0.7674384994, 0.999562247], abs=1e-7
    )


def test_cuped_by_hand():
    table = pd.DataFrame(
        {"arm": ["offer"] * 5 + ["none"] * 5, "pre": [4, 6, 5, 9, 2, 8, 7, 3, 6, 10],
         "post": [5, 9, 6, 12, 3, 8, 7, 2, 6, 9]}
    )  # fmt: skip
    (row,) = trial(table, ["post"], comparison="none", before="pre").to_dict("records")
    assert row["difference"] == pytest.approx(0.6)
    assert row["adjusted"] == pytest.approx(2.226666667)
    assert row["variance_kept"] == pytest.approx(0.2257594673)
    assert "below 25" in row["doubt"]


def test_several_arms_are_corrected_and_harms_stand_beside():
    rng = np.random.default_rng(2)
    table = pd.DataFrame(
        {
            "arm": np.repeat(["a", "b", "none"], 400),
            "bought": rng.random(1200) < 0.2,
            "left": rng.random(1200) < 0.1,
        }
    )
    found = trial(table, ["bought"], comparison="none", harms=["left"])
    assert found[["arm", "outcome", "harm"]].values.tolist() == [
        ["a", "bought", False], ["b", "bought", False], ["a", "left", True], ["b", "left", True],
    ]  # fmt: skip
    alone = [
        trial(table[table["arm"] != x], ["bought"], comparison="none")["p_value"].iloc[0]
        for x in ("b", "a")
    ]
    both = found[found["outcome"] == "bought"]["p_value"].tolist()
    assert min(both) == pytest.approx(min(1, 2 * min(alone)))
    assert max(both) == pytest.approx(max(min(1, 2 * min(alone)), max(alone)))


def test_customers_that_were_assigned_together_count_as_one():
    rng = np.random.default_rng(7)
    homes = pd.DataFrame(
        {"home": range(200), "arm": ["offer", "none"] * 100, "spend": rng.gamma(2, 10, 200)}
    )
    four = homes.loc[homes.index.repeat(4)].reset_index(drop=True)
    (once,) = trial(homes, ["spend"], comparison="none").to_dict("records")
    (apart,) = trial(four, ["spend"], comparison="none").to_dict("records")
    (together,) = trial(four, ["spend"], comparison="none", cluster="home").to_dict("records")
    assert together["difference"] == pytest.approx(once["difference"])
    wide = [r["high"] - r["low"] for r in (once, apart, together)]
    assert wide[2] == pytest.approx(wide[0], rel=0.01)
    assert wide[1] == pytest.approx(wide[0] / 2, rel=0.02)


def homes(rng, many=200):
    """Households of 1 to 60 customers, each in one arm by chance, with a mean of its own and no effect."""
    sizes = rng.integers(1, 60, many)
    arms = np.tile(["offer", "none"], many // 2)[rng.permutation(many)]
    paid = rng.normal(np.repeat(rng.normal(50, 10, many), sizes), 3)
    before = np.repeat(rng.normal(50, 10, many), sizes)
    return pd.DataFrame(
        {
            "home": np.repeat(np.arange(many), sizes),
            "arm": np.repeat(arms, sizes),
            "paid": paid,
            "before": before,
        }
    )


def test_of_households_the_intervals_hold_no_effect_in_95_of_100_trials():
    rng = np.random.default_rng(1)
    held, agree = [], []
    for _turn in range(200):
        (row,) = trial(
            homes(rng, 60), ["paid"], comparison="none", cluster="home", before="before"
        ).to_dict("records")
        held.append(row["low"] <= 0 <= row["high"])
        agree.append((row["p_value"] > 0.05) == (row["low"] <= 0 <= row["high"]))
        assert np.isnan(row["adjusted"])
    assert 0.9 <= np.mean(held) <= 0.99
    assert np.mean(agree) == 1.0


def test_households_of_different_sizes_are_no_uneven_split():
    rng = np.random.default_rng(2)
    for _turn in range(40):
        found = trial(homes(rng), ["paid"], comparison="none", cluster="home")
        assert "arms of the planned sizes" in definition(found)


@pytest.mark.parametrize("change", [{"home": None}, {"home": 7}])
def test_households_that_are_missing_or_in_two_arms_are_refused(change):
    with pytest.raises(JourneyDataError, match="belongs to one arm"):
        trial(
            homes(np.random.default_rng(3)).assign(**change),
            ["paid"],
            comparison="none",
            cluster="home",
        )


def test_one_household_an_arm_has_no_interval():
    table = pd.DataFrame(
        {"arm": ["offer", "offer", "none", "none"], "home": [1, 1, 2, 2], "paid": [1.0, 2, 3, 4]}
    )
    (row,) = trial(table, ["paid"], comparison="none", cluster="home").to_dict("records")
    assert np.isnan([row["low"], row["high"], row["p_value"]]).all()


# whether it may be read at all


def test_the_published_uneven_split_is_found():
    chi, p = sample_ratio({"a": 821588, "b": 815482})
    assert (chi, p) == pytest.approx((22.77436884, 1.821792873e-06))


def test_a_trial_of_other_sizes_than_planned_is_not_read():
    table = pd.DataFrame({"arm": ["offer"] * 700 + ["none"] * 500, "bought": 0})
    with pytest.raises(
        JourneyDataError, match="not of the sizes that were planned: none 500, offer 700"
    ):
        trial(table, ["bought"], comparison="none")
    planned = trial(table, ["bought"], comparison="none", split={"offer": 0.6, "none": 0.4})
    assert "arms of the planned sizes" in definition(planned)


@pytest.mark.parametrize("arms", [["called"] * 60, ["called", "mailed"] * 30])
def test_without_a_comparison_group_nothing_is_said_to_come_from_the_offer(arms):
    table = pd.DataFrame({"arm": arms, "bought": 1})
    with pytest.raises(JourneyDataError, match="There is no comparison group 'none'"):
        trial(table, ["bought"], comparison="none")


@pytest.mark.parametrize(
    ("column", "values", "said"),
    [
        ("bought", ["yes", "no"], "bought holds what is no number"),
        ("sold", [1, 0], "'bought'"),
        ("arm", ["a", None], "1 customers are in no arm"),
    ],
)
def test_outcomes_that_are_no_numbers_are_refused(column, values, said):
    table = pd.DataFrame({"arm": ["a", "none"], "bought": 1, column: values})
    table = table.drop(columns="bought") if column == "sold" else table
    with pytest.raises(JourneyDataError, match=said):
        trial(table, ["bought"], comparison="none")


# what it earned


def made(gain, n=500):
    """Both arms pay 0 to 99 euro alike; the arm with the offer pays `gain` more."""
    pay = np.tile(np.arange(100.0), n // 100)
    return pd.DataFrame(
        {"arm": ["offer"] * n + ["none"] * n, "paid": np.concatenate([pay + gain, pay])}
    )


@pytest.mark.parametrize(
    ("gain", "cost", "verdict"),
    [
        (20, 1, "profit"),
        (20, 12, "uplift yes, profit no"),
        (20, 8, "profit not certain"),
        (1, 0.2, "no certain uplift"),
        (1, 9, "certain loss"),
        (-20, 1, "less was sold"),
    ],
)
def test_the_verdict_is_about_margin_and_not_about_revenue(gain, cost, verdict):
    (row,) = trial_return(
        made(gain),
        arm="offer",
        comparison="none",
        revenue="paid",
        margin=0.4,
        cost=cost,
        horizon="a month",
    ).to_dict("records")
    assert row["verdict"] == verdict
    assert row["incremental_margin"] == pytest.approx(0.4 * gain * 500)
    assert row["profit"] == pytest.approx(0.4 * gain * 500 - cost * 500)
    assert row["roi"] == pytest.approx((0.4 * gain - cost) / cost)
    assert row["roi_low"] < row["roi"] < row["roi_high"]


def test_the_cost_may_be_a_column_and_the_horizon_is_said():
    table = made(20).assign(spent=lambda d: np.where(d["arm"] == "offer", 2.0, 0.0))
    found = trial_return(
        table,
        arm="offer",
        comparison="none",
        revenue="paid",
        margin=0.4,
        cost="spent",
        horizon="a month",
    )
    assert found["cost"].tolist() == [1000.0]
    assert "counted over a month; benefits that come later are not in it" in definition(found)


def test_a_return_of_households_is_less_certain_and_few_buyers_are_doubted():
    rng = np.random.default_rng(5)
    table = pd.DataFrame({"home": np.repeat(np.arange(400), 5)})
    table["arm"] = np.where(table["home"] % 2 == 0, "offer", "none")
    habit = rng.random(400)[table["home"]]  # households buy together
    table["paid"] = np.where(rng.random(2_000) < habit * 0.4, 50.0, 0.0)
    asked = {
        "arm": "offer", "comparison": "none", "revenue": "paid", "margin": 0.5, "cost": 0.1, "horizon": "a week",
    }  # fmt: skip

    alone, together = (
        trial_return(table, **asked).iloc[0],
        trial_return(table, cluster="home", **asked).iloc[0],
    )

    assert together["incremental_margin"] == alone["incremental_margin"]
    assert (
        together["margin_high"] - together["margin_low"]
        > alone["margin_high"] - alone["margin_low"]
    )
    assert alone["doubt"] == ""
    few = trial_return(table.assign(paid=np.where(table.index < 40, 50.0, 0.0)), **asked).iloc[0]
    assert "below 25" in few["doubt"]


@pytest.mark.parametrize("margin", [0, 1.2])
def test_a_return_on_revenue_is_refused(margin):
    with pytest.raises(JourneyDataError, match="a return is not counted on revenue"):
        trial_return(
            made(1),
            arm="offer",
            comparison="none",
            revenue="paid",
            margin=margin,
            cost=1,
            horizon="a day",
        )


@pytest.mark.parametrize("cost", [-1.0, float("nan")])
def test_a_cost_that_cannot_be_is_refused(cost):
    with pytest.raises(JourneyDataError, match="a cost from 0 of each contact"):
        trial_return(
            made(1),
            arm="offer",
            comparison="none",
            revenue="paid",
            margin=0.5,
            cost=cost,
            horizon="a day",
        )


# planning


def test_sizes_and_power_are_those_of_r():
    assert power_of(50, 0.5, 0.75) == pytest.approx(0.7401659013)
    assert customers_needed(0.5, 0.75, power=0.9) == pytest.approx(76.70692845)
    assert np.ceil(customers_needed(0.02, 0.022)) == 80682
    assert customers_needed_for_a_mean(15.0, 0.5) == np.ceil(2 * ((1.959964 + 0.841621) * 30) ** 2)


@settings(deadline=None)
@given(st.floats(0.02, 0.6), st.integers(200, 100_000))
def test_the_smallest_gain_is_just_seen(share, n):
    gain = smallest_gain(n, share)
    assert power_of(n, share, share + gain) == pytest.approx(0.8, abs=1e-6)


def test_who_is_in_which_arm_is_decided_by_chance_and_stays():
    ids = [f"c{i}" for i in range(20_000)]
    one = assign(ids, {"offer": 0.9, "none": 0.1}, salt="spring")
    assert one.equals(assign(ids, {"offer": 0.9, "none": 0.1}, salt="spring"))
    _chi, p = sample_ratio(one["arm"].value_counts().to_dict(), {"offer": 0.9, "none": 0.1})
    assert p > 0.001
    other = assign(ids, {"offer": 0.9, "none": 0.1}, salt="autumn")
    left = one["arm"] == "none"
    assert 0.06 < (other.loc[left, "arm"] == "none").mean() < 0.14  # not the same customers again
    assert (
        assign(ids[::-1], {"offer": 0.9, "none": 0.1}, salt="spring")[::-1]["arm"].tolist()
        == one["arm"].tolist()
    )


@pytest.mark.parametrize(
    ("ids", "shares", "salt", "said"),
    [
        (["a", "a"], {"x": 1.0}, "s", "1 customers are named twice"),
        (["a"], {"x": 0.5}, "s", "add up to 1"),
        (["a"], {"x": 1.0}, "", "a word, and shares"),
    ],
)
def test_assignments_that_cannot_be_are_refused(ids, shares, salt, said):
    with pytest.raises(JourneyDataError, match=said):
        assign(ids, shares, salt=salt)


# whom to contact


def test_the_qini_curve_by_hand():
    score = [0.9, 0.8, 0.8, 0.6, 0.5, 0.4, 0.3, 0.2]
    treated, outcome = [1, 1, 0, 0, 1, 0, 1, 0], [1, 1, 0, 0, 1, 1, 0, 1]
    curve = qini_curve(score, treated, outcome)
    assert curve["customers"].tolist() == [0, 1, 3, 4, 5, 6, 7, 8]
    assert curve["extra"].tolist() == pytest.approx([0, 1, 2, 2, 3, 2, 5 / 3, 1])
    assert qini(score, treated, outcome) == pytest.approx(0.3020833333)


@pytest.mark.parametrize(
    ("rank", "expected"),
    [
        (lambda d: d["womens"] - d["mens"], 0.0002308526527),
        (lambda d: -d["recency"], 0.001579391146),
        (lambda d: d["history"], 0.002457062534),
    ],
)
def test_known_rankings_of_the_mail_trial_have_their_known_area(mail, rank, expected):
    own = mail[mail["arm"].isin(["Mens E-Mail", "No E-Mail"])]
    assert qini(rank(own), own["arm"] == "Mens E-Mail", own["visit"]) == pytest.approx(
        expected, abs=1e-9
    )


def test_whom_a_womens_mail_moves_is_ranked_well_enough_to_follow(mail):
    found = uplift(mail, "visit", FEATURES, arm="Womens E-Mail", comparison="No E-Mail")
    assert found.qini >= 0.0065
    assert found.low > 0
    assert found.advice.startswith("Contact by rank")
    fifths = found.fifths()
    assert fifths["uplift"].iloc[0] > fifths["high"].iloc[-1]
    assert found.curve()["customers"].iloc[-1] == len(found.score)


def test_the_plain_ranking_stays_where_boosted_ones_are_not_certainly_better(mail):
    own = mail.groupby("arm").head(6_000)
    found = uplift(
        own, "visit", FEATURES, arm="Womens E-Mail", comparison="No E-Mail", challengers=True
    )

    assert found.challengers["learner"].tolist() == [
        "two logistic models", "one boosted model", "crossed boosted models",
    ]  # fmt: skip
    assert found.challengers["kept"].tolist() == [True, False, False]
    plain = uplift(own, "visit", FEATURES, arm="Womens E-Mail", comparison="No E-Mail")
    assert found.qini == plain.qini


def crossed(n=12_000, seed=2):
    """A trial whose offer moves those alone in whom two things go together."""
    rng = np.random.default_rng(seed)
    table = pd.DataFrame({"a": rng.normal(size=n), "b": rng.normal(size=n)})
    table["arm"] = np.where(rng.random(n) < 0.5, "offer", "none")
    moved = (table["a"] * table["b"] > 0) & (table["arm"] == "offer")
    table["bought"] = (rng.random(n) < np.where(moved, 0.4, 0.1)).astype(float)
    return table


def test_boosted_trees_rank_where_two_things_must_come_together():
    found = uplift(
        crossed(), "bought", ["a", "b"], arm="offer", comparison="none", challengers=True
    )

    best = found.challengers[found.challengers["kept"]].iloc[0]
    assert best["learner"] != "two logistic models"
    assert best["gain_low"] > 0
    assert found.low > 0
    told = found.effects_of(pd.DataFrame({"a": [1.5, 1.5], "b": [1.5, -1.5]}, index=["x", "y"]))
    assert told["group"]["x"] < told["group"]["y"]
    assert told["effect"]["x"] == pytest.approx(0.3, abs=0.06)
    assert told["effect"]["y"] == pytest.approx(0.0, abs=0.06)
    assert (told["low"] < told["effect"]).all()
    assert (told["n"] > 1_000).all()


def test_customers_of_one_profile_get_what_the_offer_did_to_that_profile():
    rng = np.random.default_rng(4)
    table = pd.DataFrame({"device": np.where(np.arange(6_000) % 10 < 3, "phone", "desk")})
    table["arm"] = np.where(rng.random(6_000) < 0.5, "offer", "none")
    moved = (table["device"] == "phone") & (table["arm"] == "offer")
    table["bought"] = (rng.random(6_000) < np.where(moved, 0.3, 0.1)).astype(float)

    found = uplift(table, "bought", ["device"], arm="offer", comparison="none")
    told = found.effects_of(pd.DataFrame({"device": ["phone", "desk", "watch"]}))

    assert told["group"].tolist()[:2] == ["its own profile"] * 2
    assert told["group"][2].startswith("fifth")
    for place, device in enumerate(["phone", "desk"]):
        own = table[table["device"] == device].groupby("arm")["bought"].mean()
        assert told["effect"][place] == pytest.approx(own["offer"] - own["none"])


def test_crossed_and_single_models_of_means_find_the_difference_of_the_means(monkeypatch):
    class Mean:
        def __init__(self, x, y, *, seed, chance=True):
            self.known = {k: y[x[:, -1] == k].mean() for k in np.unique(x[:, -1])}

        def __call__(self, x):
            return np.array([self.known.get(k, np.nan) for k in x[:, -1]])

    monkeypatch.setattr(learners, "Boosted", Mean)
    treated = np.repeat([True, False], [30, 70])
    did = np.r_[np.arange(30) < 12, np.arange(70) < 14]
    x = np.ones((100, 1))

    for name in ("one boosted model", "crossed boosted models"):
        rank = learners.LEARNERS[name](x, treated, did, 1)
        assert rank(x[:3]) == pytest.approx([0.4 - 0.2] * 3)


def test_where_nothing_tells_who_is_moved_the_advice_is_all_or_none():
    rng = np.random.default_rng(3)
    table = pd.DataFrame({"arm": np.tile(["offer", "none"], 1500), "noise": rng.normal(size=3000)})
    table["bought"] = (rng.random(3000) < np.where(table["arm"] == "offer", 0.3, 0.2)).astype(float)
    found = uplift(table, "bought", ["noise"], arm="offer", comparison="none")
    assert found.low < 0 < found.high or abs(found.qini) < 0.01
    assert found.advice.startswith("Contact all or none")


@pytest.mark.parametrize("noise", [False, True])
def test_a_ranking_that_says_nothing_is_worth_nothing(noise):
    areas = []
    for seed in range(20):
        rng = np.random.default_rng(seed)
        table = pd.DataFrame(
            {"arm": np.tile(["offer", "none"], 500), "x": rng.normal(size=1000) if noise else 1.0}
        )
        table["bought"] = (rng.random(1000) < 0.3).astype(float)
        areas.append(uplift(table, "bought", ["x"], arm="offer", comparison="none").qini)
    assert abs(np.mean(areas)) < 0.006


def test_another_policy_is_valued_by_what_was_done_and_how_likely_it_was():
    rows = [("a", 0.5, 10, 8, 2, "a"), ("b", 0.5, 0, 6, 1, "a"), ("a", 0.8, 4, 5, 3, "a"), ("b", 0.2, 6, 3, 5, "b"),
            ("a", 0.25, 2, 1, 4, "b")]  # fmt: skip
    log = pd.DataFrame(rows, columns=["action", "p", "reward", "a", "b", "target"])
    found = policy_value(log["action"], log["reward"], log["p"], log["target"], log[["a", "b"]])
    assert found["value"].tolist() == pytest.approx([11.0, 6.666666667, 7.15, 5.6])
    assert found["effective_n"].iloc[0] == pytest.approx((2 + 1.25 + 5) ** 2 / (4 + 1.5625 + 25))
    with pytest.raises(JourneyDataError, match="propensity holds values"):
        policy_value(["a"], [1.0], [np.nan], ["a"])


def test_a_trial_with_unequal_arms_needs_more_customers_and_fewer_contacts():
    equal = trial_size(0.08, 0.04, customers=10_000, cost=1.0)
    few = trial_size(0.08, 0.04, customers=10_000, cost=1.0, held_out=0.8)

    one = customers_needed(0.08, 0.12)
    assert equal.needed == np.ceil(2 * one)
    assert few.needed == np.ceil(one / (2 * 0.8 * 0.2))
    assert few.costs < equal.costs
    assert few.smallest > equal.smallest


def test_a_trial_is_as_large_as_customers_and_money_allow():
    rich = trial_size(0.08, 0.04, customers=200, cost=0.5, held_out=0.25)
    poor = trial_size(0.08, 0.04, customers=200, cost=0.5, held_out=0.25, budget=30.0)

    assert (rich.contacted, rich.left_alone) == (150, 50)
    assert (poor.contacted, poor.left_alone) == (60, 20)
    assert rich.smallest == pytest.approx(
        smallest_gain(75, 0.08)
    )  # as two arms of the harmonic mean of 150 and 50
    assert poor.smallest > rich.smallest
    assert np.isnan(trial_size(0.08, 0.04, customers=0).smallest)
    with pytest.raises(JourneyDataError, match="held_out 1"):
        trial_size(0.08, 0.04, customers=200, held_out=1.0)


def test_a_trial_of_one_arm_is_told_that_all_are_in_it():
    table = pd.DataFrame({"arm": ["a"] * 40, "bought": [0, 1] * 20})
    with pytest.raises(JourneyDataError, match="All 40 customers are in that arm"):
        trial(table, ["bought"], comparison="a")


def test_the_band_of_a_ranking_holds_its_curve_and_begins_and_ends_with_it():
    rng = np.random.default_rng(2)
    x, treated = rng.random(3_000), rng.random(3_000) < 0.5
    table = pd.DataFrame(
        {
            "arm": np.where(treated, "offer", "none"),
            "x": x,
            "bought": (rng.random(3_000) < 0.1 + 0.2 * x * treated),
        }
    ).astype({"bought": int})

    curve = uplift(table, "bought", ["x"], arm="offer", comparison="none").curve()

    inside = (curve["low"] <= curve["extra"] + 1e-9) & (curve["extra"] <= curve["high"] + 1e-9)
    assert inside.mean() > 0.95
    assert (curve["low"].iloc[0], curve["high"].iloc[0]) == (0, 0)
    last = curve.iloc[-1]
    error = 1500 * np.sqrt(0.2 * 0.8 / 1500 + 0.1 * 0.9 / 1500)
    assert (last["high"] - last["low"]) / (2 * 1.96) == pytest.approx(error, rel=0.15)
