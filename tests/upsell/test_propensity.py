"""Propensity: learnt before, judged after; a score that knows the answer is refused or doubted."""

import re
import sys

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from journey_widgets.errors import JourneyDataError
from journey_widgets.upsell import ScoreReport, propensity, snapshots
from upsell.planted import planted
from upsell.test_moments import days, log

# any score


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 10_000), st.integers(1, 6))
def test_the_area_is_the_chance_that_who_did_it_has_the_higher_score(seed, levels):
    rng = np.random.default_rng(seed)
    did = rng.random(200) < 0.5
    score = rng.integers(0, levels, 200) / levels
    if not 50 <= did.sum() < 200:
        return
    pairs = score[did][:, None] - score[~did][None, :]
    assert ScoreReport(score, did).auc[0] == pytest.approx(
        (pairs > 0).mean() + (pairs == 0).mean() / 2
    )


def test_brier_and_calibration_of_the_textbook():
    repeat = 25  # the report wants fifty who did it
    brier = ScoreReport(np.tile([0.1, 0.9, 0.8, 0.3], repeat), np.tile([0, 1, 1, 0], repeat)).brier
    assert brier == pytest.approx(0.0375)
    score = np.repeat([0.1, 0.2, 0.3, 0.4, 0.65, 0.7, 0.8, 0.9, 1.0], 20)
    did = np.repeat([0, 0, 0, 0, 1, 1, 1, 1, 1], 20)
    found = ScoreReport(score, did).calibration(bins=3)
    assert found["expected"].tolist() == pytest.approx([0.2, (0.4 + 0.65 + 0.7) / 3, 0.9])
    assert found["observed"].tolist() == pytest.approx([0, 2 / 3, 1])


def test_gain_and_profit_by_hand():
    """200 customers, the best-scored 20 of whom all do it, and 40 of the rest."""
    did = np.zeros(200, bool)
    did[:20] = did[100:140] = True
    report = ScoreReport(np.linspace(1, 0, 200), did)
    row = report.gain([0.1]).iloc[0]
    assert row[["customers", "did", "captured", "lift"]].tolist() == pytest.approx(
        [20, 20, 1 / 3, 1 / 0.3]
    )
    profit = report.profit(10.0, 1.0).set_index("customers")["profit"]
    assert (profit[0], profit[20], profit[200]) == (0, 180, 400)


def test_a_score_that_is_right_is_not_doubted_and_one_that_is_off_says_by_how_much():
    rng = np.random.default_rng(1)
    p = rng.beta(2, 8, 5_000)
    did = rng.random(5_000) < p
    good, off = ScoreReport(p, did), ScoreReport(np.minimum(2 * p, 1), did)
    assert good.doubts == []
    assert good.calibration_error < 0.03
    assert "its chances are off by that" in off.doubts[0]
    assert good.auc[1] < good.auc[0] < good.auc[2]


def test_noise_and_an_answer_in_disguise_are_doubted():
    rng = np.random.default_rng(2)
    did = rng.random(2_000) < 0.2
    assert "no better than chance" in " ".join(ScoreReport(rng.normal(size=2_000), did).doubts)
    assert "too well to be true" in " ".join(
        ScoreReport(did + rng.normal(0, 0.1, 2_000), did).doubts
    )


def test_scores_that_are_no_chances_have_no_calibration_error():
    rng = np.random.default_rng(3)
    did = rng.random(500) < 0.4
    report = ScoreReport(rng.normal(size=500) * 100, did)
    assert np.isnan(report.brier)
    assert np.isnan(report.calibration_error)


def test_equal_scores_are_in_no_order():
    did = np.arange(1_000) < 100
    for order in (did, did[::-1]):
        report = ScoreReport(np.full(1_000, 0.1), order)
        assert report.auc[0] == 0.5
        assert report.gain([0.05])["lift"].tolist() == pytest.approx([1.0])
        assert report.calibration_error == pytest.approx(0.0)
        assert report.profit(10.0, 1.0)["profit"].max() == pytest.approx(0.0, abs=1e-9)


@pytest.mark.parametrize("did", [["yes", "no"], [1.0, None], [2, 0]])
def test_what_is_neither_yes_nor_no_is_refused(did):
    with pytest.raises(JourneyDataError, match="neither yes nor no"):
        ScoreReport(np.linspace(0, 1, 200), np.array(did * 100, dtype=object))


def test_too_few_who_did_it_are_said():
    with pytest.raises(JourneyDataError, match="3 of 100 customers did it"):
        ScoreReport(np.linspace(0, 1, 100), np.arange(100) < 3)


# our own


@pytest.fixture(scope="module")
def table():
    made = planted(1, customers=4_000)
    begin = made.begins
    dates = [f"{begin + pd.Timedelta(days=d):%Y-%m-%d}" for d in (45, 65, 85)]
    return snapshots(made, "upgrade", dates, within="14d")


def features(table):
    return [
        c
        for c in table.columns
        if c not in ("customer_id", "date", "known_at", "label_until", "label")
    ]


def test_who_upgrades_is_foreseen_better_than_by_chance_and_said_why(table):
    found = propensity(table, features(table))
    assert found.report.auc[1] > 0.6
    some = table[table["date"] == table["date"].max()].head(5)
    told = found.reasons(some)
    assert [len(t) for t in told] == [3] * 5
    assert all("likely)" in reason for row in told for reason in row)
    assert ((found.score(some) > 0) & (found.score(some) < 1)).all()


def test_boosted_trees_are_left_where_they_are_not_certainly_better(table):
    found = propensity(table, features(table), boosting=True)

    assert found.challenged.startswith("Boosted trees were tried and left")
    assert found.score(table).tolist() == propensity(table, features(table)).score(table).tolist()
    two = table[table["date"] != table["date"].min()]
    with pytest.raises(JourneyDataError, match="a third date was needed"):
        propensity(two, features(two), boosting=True)


def test_boosted_trees_take_over_where_two_things_must_come_together_and_say_why():
    rng = np.random.default_rng(7)
    n = 9_000
    made = pd.DataFrame({"a": rng.normal(size=n), "b": rng.normal(size=n)})
    made["label"] = rng.random(n) < np.where(made["a"] * made["b"] > 0, 0.25, 0.05)
    made["date"] = np.repeat(pd.to_datetime(["2026-01-01", "2026-02-01", "2026-03-01"]), n // 3)
    made["known_at"] = made["date"] - pd.Timedelta(days=1)
    made["label_until"] = made["date"] + pd.Timedelta(days=14)

    found = propensity(made, ["a", "b"], boosting=True)

    assert found.challenged.startswith("Boosted trees took the place")
    assert found.report.auc[1] > 0.6 > propensity(made, ["a", "b"]).report.auc[0]
    both = pd.DataFrame({"a": [2.0, 2.0], "b": [2.0, -2.0]})
    likely, unlikely = found.reasons(both)
    assert all("(more likely)" in r for r in likely)
    assert all("(less likely)" in r for r in unlikely)


def test_boosting_learns_nothing_that_was_known_only_after_the_date_it_is_judged_on(table):
    late = table.copy()
    late["label_until"] = table["date"].max() - pd.Timedelta(hours=1)

    with pytest.raises(JourneyDataError, match="known by then"):
        propensity(late, features(late), boosting=True)


def test_boosting_that_is_not_installed_is_said(table, monkeypatch):
    monkeypatch.setitem(sys.modules, "lightgbm", None)

    with pytest.raises(JourneyDataError, match=r"journey-widgets\[boost\]"):
        propensity(table, features(table), boosting=True)


def test_a_leak_is_refused(table):
    leaky = table.copy()
    leaky["calls"] = leaky["label"].astype(int)
    leaky.loc[leaky.index[:7], "known_at"] = leaky["date"] + pd.Timedelta(days=3)
    with pytest.raises(JourneyDataError, match="7 rows know something of their day"):
        propensity(leaky, ["calls"])


def test_an_answer_that_was_known_only_after_the_last_date_is_refused():
    made = planted(1, customers=1_500)
    dates = [f"{made.begins + pd.Timedelta(days=d):%Y-%m-%d}" for d in (60, 62)]
    table = snapshots(made, "upgrade", dates, within="25d")
    with pytest.raises(JourneyDataError, match="known only after"):
        propensity(table, features(table))


@pytest.mark.parametrize("column", ["known_at", "date", "label_until"])
def test_a_day_that_is_missing_is_refused(table, column):
    with pytest.raises(JourneyDataError, match=f"{column} is missing or no day in"):
        propensity(table.assign(**{column: pd.NaT}), ["events"])


def test_reasons_are_about_the_customer_himself():
    rng = np.random.default_rng(1)
    many = 1_500
    plan = rng.choice(["basic", "pro: yearly"], many, p=[0.7, 0.3])
    made = pd.DataFrame(
        {"plan": plan, "date": pd.Timestamp("2026-01-01"), "known_at": pd.Timestamp("2025-12-31")}
    )
    made.loc[many // 2 :, "date"] = pd.Timestamp("2026-03-01")
    made["label_until"] = made["date"] + pd.Timedelta(days=30)
    made["label"] = rng.random(many) < np.where(plan == "basic", 0.2, 0.6)
    told = propensity(made, ["plan"]).reasons(pd.DataFrame({"plan": ["basic", "pro: yearly"]}))
    assert told == [["plan is basic (less likely)"], ["plan is pro: yearly (more likely)"]]


def test_a_column_that_never_changed_says_nothing_later(table):
    other = table.assign(fee=0.1)
    found = propensity(other, [*features(table), "fee"])
    some = other.tail(3)
    assert found.score(some.assign(fee=0.2)) == pytest.approx(found.score(some))
    with pytest.raises(JourneyDataError, match="fee holds numbers without end"):
        propensity(table.assign(fee=np.inf), ["fee"])


def test_a_leak_without_a_date_is_doubted(table):
    leaky = table.assign(duration=table["label"] * 300.0 + np.arange(len(table)) % 50)
    said = " ".join(propensity(leaky, [*features(table), "duration"]).doubts)
    assert "too well to be true" in said
    assert "duration carries" in said


def test_a_snapshot_knows_the_days_before_and_nothing_else():
    rows = [(1, 0, "sign_up"), (1, 8, "price"), (1, 10, "price"), (1, 12, "upgrade"), (2, 3, "sign_up"),
            (2, 9, "upgrade"), (3, 11, "sign_up"), (4, 1, "sign_up"), (4, 30, "upgrade")]  # fmt: skip
    made = days(rows, last=60)
    date = f"{made.begins + pd.Timedelta(days=10):%Y-%m-%d}"
    found = snapshots(made, "upgrade", [date], within="5d").set_index("customer_id")
    assert found.index.tolist() == ["1", "4"]  # 2 had upgraded, 3 was not there yet
    assert found["label"].tolist() == [True, False]
    assert found.loc[
        "1", ["events", "active_days", "days_since", "tenure", "last 28 days: price"]
    ].tolist() == [2, 2, 2, 10, 1]
    assert (found["known_at"] < found["date"]).all()
    late = snapshots(made, "upgrade", [date], within="5d", gap="3d")["customer_id"].tolist()
    assert late == ["4"]  # whoever upgrades while a campaign is made cannot be won by it


def test_a_log_gives_customers_by_their_ids():
    table = log(
        [
            ("anna", "2026-01-01", "x"),
            ("anna", "2026-01-20", "y"),
            ("ben", "2026-01-02", "x"),
            ("ben", "2026-02-20", "x"),
        ]
    )
    found = snapshots(table, "y", ["2026-01-10"], within="14d")
    assert found[["customer_id", "label"]].values.tolist() == [["anna", True], ["ben", False]]
    with pytest.raises(JourneyDataError, match="the log goes from 1 January 2026"):
        snapshots(table, "y", ["2026-02-15"], within="14d")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda t: t.assign(date=t["date"].max()), "One date only"),
        (
            lambda t: t[t.groupby("date")["label"].cumsum() < 40],
            "are needed to learn and to judge",
        ),
        (lambda t: t.drop(columns="known_at"), "lacks known_at"),
        (lambda t: t.assign(label="yes"), "neither yes nor no"),
    ],
)
def test_what_cannot_be_learnt_is_said(table, change, said):
    with pytest.raises(JourneyDataError, match=said):
        propensity(change(table), ["events"])


def test_one_feature_among_many_that_ranks_too_well_by_itself_is_doubted(table):
    rng = np.random.default_rng(5)
    many = {f"noise_{i}": rng.normal(size=len(table)) for i in range(15)}
    leaks = {c: table["label"] * 1.3 + rng.normal(size=len(table)) for c in ("duration", "calls")}
    leaky = table.assign(**many, **leaks)

    said = propensity(leaky, [*many, *leaks]).doubts
    clean = propensity(leaky, list(many)).doubts

    assert [s.split(" rightly")[0] for s in said if "alone" in s] == [
        "duration alone ranks",
        "calls alone ranks",
    ]
    assert not any("alone ranks" in s for s in clean)


def test_the_rates_of_then_and_now_are_always_said(table):
    assert re.search(
        r"\d\.\d% did it when it was learnt and \d",
        " ".join(propensity(table, features(table)).doubts),
    )
