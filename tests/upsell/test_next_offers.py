"""Next offers: held against what needs no model, on purchases that no model has seen."""

import importlib

import numpy as np
import pandas as pd
import pytest

from journey_widgets.definition import definition
from journey_widgets.errors import JourneyDataError
from journey_widgets.upsell import next_offers, not_for_sale
from journey_widgets.upsell.next_offers import (
    ALIKE,
    EASE,
    OWN_LATELY,
    POPULAR,
    POPULAR_LATELY,
    RULES,
)
from journey_widgets.upsell.ranking import dcg, hits, ndcg, ndcg_at, reciprocal_rank

module = importlib.import_module("journey_widgets.upsell.next_offers")  # the function hides it
START = pd.Timestamp("2026-01-01")


def lines(*rows):
    """Rows of customer, day and things."""
    flat = [(c, f"{c}/{d}", START + pd.Timedelta(days=d), i) for c, d, items in rows for i in items]
    return pd.DataFrame(flat, columns=["customer_id", "order_id", "ts", "product_id"]).assign(
        quantity=1.0
    )


# measures of a ranking


def test_the_textbook_gain_of_a_list_comes_back():
    assert dcg([3, 2, 3, 0, 1, 2]) == pytest.approx(6.861126689)
    assert dcg([3, 2, 3, 0, 1, 2]) / dcg([3, 3, 3, 2, 2, 2]) == pytest.approx(0.785002372)


def test_two_of_five_are_relevant():
    assert ndcg_at("ABCDE", "CE", 5) == pytest.approx(0.5437713092)
    assert ndcg_at("ABCDE", "CE", 2) == 0.0


def test_many_lists_at_once_have_the_same_measures_as_one_by_one():
    rng = np.random.default_rng(1)
    relevant = rng.random((30, 20)) < 0.2
    relevant[:, 0] |= ~relevant.any(axis=1)
    ranked = np.argsort(rng.random((30, 20)), axis=1)[:, :10]
    found, many = hits(ranked, relevant), relevant.sum(axis=1)
    one_by_one = [
        ndcg_at(list(r), set(np.flatnonzero(v)), 10) for r, v in zip(ranked, relevant, strict=True)
    ]
    assert ndcg(found, many).tolist() == pytest.approx(one_by_one)


@pytest.mark.parametrize("mode", ["new", "repeat"])
def test_customers_ranked_a_few_at_a_time_are_ranked_as_all_at_once(monkeypatch, mode):
    rng = np.random.default_rng(7)
    bought = [
        (f"c{c}", int(d), [f"i{i}" for i in rng.choice(12, 3, replace=False)])
        for c in range(60)
        for d in rng.choice(90, 4, replace=False)
    ]
    asked = [f"c{c}" for c in range(60)] + ["stranger", "other"]
    at_once = next_offers(lines(*bought), mode=mode)
    monkeypatch.setattr(module, "BLOCK", 7)

    few = next_offers(lines(*bought), mode=mode)

    pd.testing.assert_frame_equal(few.report, at_once.report)
    pd.testing.assert_frame_equal(few.offers(asked), at_once.offers(asked))


def test_the_mean_reciprocal_rank_of_three_lists():
    found = np.array([[0, 0, 1], [0, 1, 0], [1, 0, 0]], dtype=bool)
    assert reciprocal_rank(found).mean() == pytest.approx(0.6111111111)


# who wins


def shop(seed, *, taste, many=700, items=60):
    """Customers of six tastes buy within their own, as far as `taste` says; the rest is bought by all alike."""
    rng = np.random.default_rng(seed)
    kinds = np.arange(items) % 6
    popular = rng.dirichlet(np.full(items, 0.6))
    rows = []
    for c in range(many):
        own = np.where(kinds == c % 6, popular, 0)
        chance = taste * own / own.sum() + (1 - taste) * popular
        for day in np.sort(rng.integers(0, 120, rng.integers(4, 9))):
            rows.append(
                (
                    f"c{c:03d}",
                    int(day),
                    [f"i{i:02d}" for i in np.unique(rng.choice(items, 2, p=chance))],
                )
            )
    return lines(*rows)


def test_where_customers_have_tastes_a_model_finds_what_is_new_to_them():
    found = next_offers(shop(1, taste=0.9), mode="new")
    assert found.winner in (ALIKE, EASE)
    assert "ranks better than what needs no model" in found.verdict
    row = found.report.set_index("way").loc[found.winner]
    assert row["over_low"] > 0
    assert row["low"] <= row["ndcg"] <= row["high"]


def test_where_everybody_is_alike_a_model_adds_nothing():
    found = next_offers(shop(2, taste=0.0), mode="new")
    assert found.winner in (POPULAR, POPULAR_LATELY)
    assert found.verdict == f"A model adds nothing here: {found.winner} is as good."


def test_who_buys_the_same_again_is_best_told_by_what_he_bought():
    rng = np.random.default_rng(3)
    rows = []
    for c in range(300):
        own = [f"i{i:02d}" for i in rng.choice(50, 3, replace=False)]
        rows += [(f"c{c:03d}", int(d), [own[rng.integers(3)]]) for d in rng.integers(0, 120, 12)]
    found = next_offers(lines(*rows), mode="repeat")
    assert found.winner == OWN_LATELY
    assert found.report["way"].tolist()[:3] == [POPULAR, POPULAR_LATELY, OWN_LATELY]


def test_below_two_hundred_customers_no_winner_is_named():
    found = next_offers(shop(1, taste=0.9, many=150), mode="new")
    assert found.winner in (POPULAR, POPULAR_LATELY)
    assert "200 are needed to name a winner" in found.verdict


def test_nothing_after_the_cut_is_learnt_from():
    """After the cut known customers also buy thirty things nobody had before: no way of ranking may know of them."""
    table = shop(4, taste=0.9)
    later = table[pd.to_datetime(table["ts"]) >= "2026-04-01"]
    flood = pd.concat([later.assign(product_id=f"new{n}") for n in range(30)])
    one, other = (next_offers(t, cut="2026-04-01") for t in (table, pd.concat([table, flood])))
    pd.testing.assert_frame_equal(one.report, other.report)


def test_what_came_back_after_the_cut_was_not_known_before_it():
    back = SMALL[SMALL["order_id"] == "c0/1"].assign(
        quantity=-1.0, ts=START + pd.Timedelta(days=49), order_id="back"
    )
    cut = f"{START + pd.Timedelta(days=40):%Y-%m-%d}"
    one, other = (next_offers(t, cut=cut) for t in (SMALL, pd.concat([SMALL, back])))
    pd.testing.assert_frame_equal(one.report, other.report)


# offers, by hand

HABIT = [(f"c{n}", 1, ["bread", "butter"]) for n in range(8)] + [
    (f"d{n}", 1, ["beer", "crisps"]) for n in range(6)
]
SMALL = lines(
    *HABIT,
    ("early", 3, ["jam"]),
    ("new", 2, ["bread"]),
    ("both", 2, ["bread", "beer"]),
    *[(f"c{n}", 50, ["jam"]) for n in range(8)],
)


def test_offers_say_which_things_speak_for_them_and_how_many_customers_are_behind():
    found = next_offers(SMALL, days=20)
    found.winner = ALIKE
    offers = found.offers(["new"], most=1)
    assert offers[["product_id", "because", "customers_behind"]].values.tolist() == [
        ["butter", "bread", 8]
    ]


def test_what_somebody_has_is_not_offered_as_new_and_what_is_barred_to_nobody():
    found = next_offers(SMALL, days=20)
    found.winner = ALIKE
    offers = found.offers(
        ["both", "new"], without={"out of stock": ["butter", "nothing"], "replaced": ["butter"]}
    )
    mine = offers[offers["customer_id"] == "both"]["product_id"].tolist()
    assert set(mine) == {"crisps", "jam"}
    assert "butter" not in set(offers["product_id"])
    assert "Not offered: 1 out of stock, 0 replaced" in definition(offers)


def test_whom_nobody_knows_is_offered_what_is_popular_lately():
    offers = next_offers(SMALL, days=20).offers(["stranger"], most=2)
    assert offers["product_id"].iloc[0] == "jam"  # of the last four weeks
    assert offers["because"].tolist() == ["", ""]


def test_a_session_is_answered_by_its_last_things():
    found = next_offers(SMALL, days=20)
    assert found.for_session(["beer"], most=1) == ["crisps"]
    assert found.for_session(["bread", "beer"])[0] in {"butter", "jam"}
    assert found.for_session(["unknown"], most=1) == ["jam"]
    assert found.for_session(["bread", "beer", "jam", "butter", "crisps"]) == []


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"mode": "nwe"}, "Did you mean 'new'"),
        ({"cut": "soon"}, "a day such as"),
        ({"cut": "2025-01-01"}, "No purchase before 1 January 2025"),
        ({"cut": "2027-01-01"}, "No purchase within 30 days after 1 January 2027"),
    ],
)
def test_what_cannot_be_asked_is_said(asked, said):
    with pytest.raises(JourneyDataError, match=said):
        next_offers(SMALL, **asked)


def test_without_customers_there_is_nothing_to_rank():
    with pytest.raises(JourneyDataError, match="No purchase of a known customer"):
        next_offers(SMALL.assign(customer_id=pd.Series([None] * len(SMALL), dtype="object")))


@pytest.mark.parametrize(
    ("scores", "k", "expected"),
    [
        ([0.1, 0.2, 0.3, 4, 70], 5, 0.69),
        ([0.05, 1.1, 1.0, 0.5, 0.0], 5, 0.49),
        ([0.05, 1.1, 1.0, 0.5, 0.0], 4, 0.35),
    ],
)
def test_graded_lists_have_the_published_share_of_the_best_gain(scores, k, expected):
    relevance = np.array([10, 0, 0, 1, 5])
    ranked = relevance[np.argsort(-np.array(scores), kind="stable")][:k]

    share = dcg(ranked) / dcg(np.sort(relevance)[::-1][:k])

    assert share == pytest.approx(expected, abs=0.006)  # scikit-learn, ndcg_score


# rules, a catalogue, segments


def rule_world():
    """A case goes with a phone and a strap with a watch; the last basket decides, not what was bought long ago."""
    rows = []
    for i in range(60):
        rows += [(f"p{i}", 1, ["phone", "case"]), (f"w{i}", 1, ["watch", "strap"])]
    for i in range(30):
        rows += [(f"both{i}", 1, ["phone"]), (f"both{i}", 20, ["watch"])]
    rows += [(f"late{i}", 60, ["case"]) for i in range(40)] + [("p0", 60, ["strap"])]
    return lines(*rows)


def test_rules_speak_of_the_last_basket_alone():
    found = next_offers(rule_world(), cut="2026-02-15")
    found.winner = RULES

    told = found.offers(["both3"]).set_index("product_id")

    assert told["rank"].idxmin() == "strap"
    assert told.loc["strap", "score"] == pytest.approx(
        60 / 90, abs=1e-6
    )  # of 90 days with a watch 60 have a strap
    assert told.loc["strap", "because"] == "watch"
    assert RULES in set(found.report["way"])


def test_a_rule_needs_five_baskets():
    few = [(f"c{i}", 1, ["a", "b"]) for i in range(4)] + [
        (f"d{i}", 1, ["a", "c"]) for i in range(5)
    ]
    found = next_offers(
        lines(*few, *[(f"e{i}", 40, ["c"]) for i in range(3)], ("d0", 40, ["b"])), cut="2026-02-01"
    )
    found.winner = RULES

    told = found.offers(["c0"]).set_index("product_id")

    assert told.loc["c", "score"] == pytest.approx(5 / 9, abs=1e-6)


def test_what_is_gone_replaced_or_earns_nothing_is_not_offered_and_each_is_counted():
    shelf = pd.DataFrame(
        {
            "product_id": ["case", "strap", "phone", "watch"],
            "in_stock": [True, False, True, False], "replaced_by": [None, "strap 2", "", "watch 2"],
            "margin": [1.0, 5.0, 50.0, 9.0], "cost": [2.0, 1.0, 1.0, 1.0],
        }
    )  # fmt: skip
    gone = not_for_sale(shelf)
    found = next_offers(rule_world(), cut="2026-02-15")

    told = found.offers(["both3", "p1", "p2"], without=gone, in_peace={"has an open case": ["p1"]})

    assert gone == {
        "out of stock": ["strap", "watch"], "replaced by another": [], "earn less than they cost": ["case"],
    }  # fmt: skip
    assert not set(told["product_id"]) & {"strap", "watch", "case"}
    assert "p1" not in set(told["customer_id"])
    assert (
        "Not offered: 2 out of stock, 0 replaced by another, 1 earn less than they cost"
        in definition(told)
    )
    assert "Customers left in peace: 1 has an open case" in definition(told)
    with pytest.raises(JourneyDataError, match="1 things are named twice"):
        not_for_sale(pd.concat([shelf, shelf.head(1)]))


def test_each_way_is_judged_in_every_segment_that_is_large_enough():
    table = shop(1, taste=0.9, many=900)
    names = sorted(table["customer_id"].unique())
    segments = {c: "few" if i < 30 else ("one" if i % 2 else "two") for i, c in enumerate(names)}

    found = next_offers(table, segments=segments)

    assert set(found.by_segment["segment"]) == {"one", "two"}
    whole = found.report.set_index("way")
    by = found.by_segment
    for way, own in by.groupby("way"):
        low, high = own["ndcg"].min(), own["ndcg"].max()
        few = whole.loc[way, "customers"] - own["customers"].sum()
        assert few < 60
        assert low - 0.03 <= whole.loc[way, "ndcg"] <= high + 0.03
