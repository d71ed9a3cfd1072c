"""How long until an upgrade: those who have not upgraded yet, or left, are neither lost nor late."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from journey_widgets.definition import definition
from journey_widgets.errors import JourneyDataError
from journey_widgets.upsell import (
    cumulative_incidence,
    kaplan_meier,
    log_rank,
    time_to_leave,
    time_to_upgrade,
)
from upsell.planted import planted
from upsell.test_moments import days

TREATED = [6, 6, 6, 7, 10, 13, 16, 22, 23, 6, 9, 10, 11, 17, 19, 20, 25, 32, 32, 34, 35]
CAME = [1] * 9 + [0] * 12
PLACEBO = [1, 1, 2, 2, 3, 4, 4, 5, 5, 8, 8, 8, 8, 11, 11, 12, 12, 15, 17, 22, 23]
"""Gehan's remission times, of the 6-MP trial."""


def test_the_textbook_curve_comes_back():
    found = kaplan_meier(TREATED, CAME)
    assert found["time"].tolist() == [6, 7, 10, 13, 16, 22, 23]
    assert found["waiting"].tolist() == pytest.approx(
        [0.857, 0.807, 0.753, 0.69, 0.627, 0.538, 0.448], abs=6e-4
    )
    assert found["at_risk"].tolist() == [21, 17, 15, 12, 11, 7, 6]
    assert ((found["low"] < found["waiting"]) & (found["waiting"] < found["high"])).all()


def test_the_textbook_log_rank_test_comes_back():
    chi, p = log_rank(TREATED, CAME, PLACEBO, [1] * 21)
    assert chi == pytest.approx(16.79294099)
    assert p < 1e-4


@given(st.lists(st.tuples(st.integers(1, 9), st.booleans()), min_size=1, max_size=30))
def test_without_anybody_who_left_both_curves_are_the_same(rows):
    time, came = [t for t, _e in rows], [e for _t, e in rows]
    one, other = kaplan_meier(time, came), cumulative_incidence(time, [int(e) for e in came])
    assert other["came"].tolist() == pytest.approx((1 - one["waiting"]).tolist())


@given(st.lists(st.tuples(st.integers(1, 9), st.integers(0, 2)), min_size=1, max_size=30))
def test_nobody_is_in_two_states(rows):
    found = cumulative_incidence([t for t, _c in rows], [c for _t, c in rows])
    assert ((found["came"] + found["ended"]) <= 1 + 1e-12).all()
    assert found["came"].is_monotonic_increasing
    if rows and all(c for _t, c in rows):  # everybody was watched to an end
        assert found["came"].iloc[-1] == pytest.approx(sum(c == 1 for _t, c in rows) / len(rows))


def test_those_who_left_are_not_taken_for_people_who_may_still_upgrade():
    time, cause = [1, 2, 2, 3, 4], [2, 2, 2, 1, 1]
    assert cumulative_incidence(time, cause)["came"].iloc[-1] == pytest.approx(0.4)
    assert 1 - kaplan_meier(time, [c == 1 for c in cause])["waiting"].iloc[-1] == 1.0


def test_upgrades_come_sooner_after_a_planted_moment_than_for_others():
    found = time_to_upgrade(planted(5), "limit_hit", "upgrade")
    week = {s: f[f["day"] <= 7]["upgraded"].iloc[-1] for s, f in found.groupby("side")}
    assert week["after"] > 1.5 * week["others"]
    assert "not yet" in definition(found)


def test_each_customer_counts_from_the_first_time_and_stands_beside_another():
    rows = []
    for c in range(60):
        rows.append((c, 0, "sign_up"))
        if c < 30:
            rows += [(c, 10, "price"), (c, 20, "price"), (c, 14, "upgrade")]
        else:
            rows.append((c, 40, "upgrade"))
    found = time_to_upgrade(days(rows), "price", "upgrade")
    after, others = (found[found["side"] == s] for s in ("after", "others"))
    assert after[["day", "upgraded", "customers"]].values.tolist() == [[4, 1.0, 30]]
    assert others[["day", "upgraded"]].values.tolist() == [[30, 1.0]]
    assert "half had upgraded by day 4, 0% not yet" in definition(found)


def test_customers_stand_beside_others_as_busy_so_that_being_busy_is_no_moment():
    rng = np.random.default_rng(3)
    rows = []
    for c in range(4_800):
        busy = c % 2 == 0
        rows += [(c, d, "other") for d in range(0, 41, 2 if busy else 20)]
        if rng.random() < (0.6 if busy else 0.06):
            rows.append((c, 41, "price"))
        if rng.random() < (0.5 if busy else 0.1):
            rows.append((c, int(rng.integers(45, 90)), "upgrade"))
    found = time_to_upgrade(days(sorted(rows)), "price", "upgrade")
    last = {s: own["upgraded"].iloc[-1] for s, own in found.groupby("side")}
    # Two of three customers with the touchpoint are busy; of all others it would be 0.21.
    assert last["after"] > 0.4
    assert abs(last["after"] - last["others"]) < 0.08


def test_of_a_level_with_few_others_all_who_fit_are_found():
    rng = np.random.default_rng(1)
    rows = [(c, 0, "sign_up") for c in range(6_000)]
    busy = range(0, 6_000, 50)  # 2 of 100
    rows += [(c, d, "other") for c in busy for d in range(1, 30)]
    rows += [(c, 30, "price") for c in busy if c % 100 == 0]
    rows += [(c, int(rng.integers(40, 90)), "upgrade") for c in range(0, 6_000, 10)]
    found = time_to_upgrade(days(sorted(rows)), "price", "upgrade")
    assert found.groupby("side")["customers"].first().tolist() == [60, 60]
    assert "had nobody to stand beside them" not in definition(found)


def test_each_stands_beside_another_once_or_is_left_out():
    rows = [(c, 0, "sign_up") for c in range(100)] + [(c, 10, "price") for c in range(70)]
    rows += [(c, 20, "upgrade") for c in range(0, 100, 2)]
    found = time_to_upgrade(days(rows), "price", "upgrade")
    assert found.groupby("side")["customers"].first().tolist() == [30, 30]
    assert "40 had nobody to stand beside them and are left out" in definition(found)
    with pytest.raises(
        JourneyDataError, match="0 of 100 customers had somebody to stand beside them"
    ):
        time_to_upgrade(days(rows), "sign_up", "upgrade")


def test_where_customers_leave_there_is_no_test_that_takes_them_for_waiting():
    rows = [(c, 0, "sign_up") for c in range(200)] + [(c, 5, "price") for c in range(100)]
    rows += [(c, 8, "other") for c in range(50)] + [(c, 12, "upgrade") for c in range(40, 160)]
    assert "Log-rank" not in definition(
        time_to_upgrade(days(rows), "price", "upgrade", lost=["other"])
    )
    assert "Log-rank" in definition(time_to_upgrade(days(rows), "price", "upgrade"))


def test_too_few_for_a_curve_is_said():
    table = days([(c, 0, "sign_up") for c in range(40)] + [(c, 5, "price") for c in range(3)])
    with pytest.raises(JourneyDataError, match="3 customers had price while they could upgrade"):
        time_to_upgrade(table, "price", "upgrade")


def test_whoever_left_first_can_no_longer_upgrade():
    rows = [(c, 0, "sign_up") for c in range(40)] + [(c, 5, "price") for c in range(40)]
    rows += [(c, 8, "other") for c in range(10)] + [(c, 12, "upgrade") for c in range(5, 30)]
    rows += [(c, 0, "sign_up") for c in range(40, 90)]
    found = time_to_upgrade(days(rows), "price", "upgrade", lost=["other"])
    after = found[found["side"] == "after"]
    assert after["upgraded"].iloc[-1] == pytest.approx(20 / 40)
    assert after["not_yet"].iloc[-1] == pytest.approx(10 / 40)
    assert np.isnan(after["low"]).all()


def test_who_left_is_counted_from_the_day_he_became_a_customer_and_the_others_as_long_as_they_were_watched():
    rows = [(c, 2 * c, "sign_up") for c in range(20)]
    rows += [(c, 2 * c + 10, "upgrade") for c in range(5)] + [(19, 100, "price")]
    found = time_to_leave(days(rows), ["sign_up"], ["upgrade"])

    # On day 10 of their own all twenty are there: the last begins on day 38 and is watched until day 100.
    assert found[["day", "at_risk"]].to_numpy().tolist() == [[10, 20]]
    assert found["left"].tolist() == [0.25]
    with pytest.raises(JourneyDataError, match="20 or more are needed"):
        time_to_leave(days(rows[1:20]), ["sign_up"], ["sign_up"])
