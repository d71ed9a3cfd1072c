"""Upsell moments: planted ones are found, and what only goes with busy customers is not called one."""

import importlib

import numpy as np
import pandas as pd
import pytest

from journey_widgets.definition import definition
from journey_widgets.errors import JourneyDataError
from journey_widgets.events.paths import path_index
from journey_widgets.events.source import read_events
from journey_widgets.upsell import at_horizons, moments
from journey_widgets.upsell.days import Days, days_of
from upsell.planted import NAMES, TRUE, planted

module = importlib.import_module("journey_widgets.upsell.moments")  # the function hides it
SEEDS = range(20)
NULL = TRUE == 1


def asked(days, **more):
    found = moments(days, "upgrade", "7d", touchpoints=NAMES, activity=("login",), **more)
    return found.set_index("touchpoint").loc[list(NAMES)]


@pytest.fixture(scope="module")
def visible():
    return [asked(planted(seed)) for seed in SEEDS]


@pytest.fixture(scope="module")
def hidden():
    return [asked(planted(seed, hidden=True, customers=1_500)) for seed in SEEDS]


def test_planted_ratios_come_back(visible):
    """Mean log ratio within 0.08 of the truth, and 95 % intervals that hold it in 85 % of cases or more."""
    ratio = np.array([f["ratio"] for f in visible], dtype=float)
    inside = np.array([(f["low"] <= TRUE) & (f["high"] >= TRUE) for f in visible])
    assert np.abs(np.log(ratio).mean(axis=0) - np.log(TRUE)).max() < 0.08
    assert inside.mean() >= 0.85


def test_touchpoints_that_do_nothing_are_seldom_called_and_planted_ones_found(visible):
    called = np.array([f["verdict"].isin(["moment", "upgrades come later"]) for f in visible])
    assert called[:, NULL].mean() <= 0.1
    assert called[:, ~NULL].mean() >= 0.85


def test_the_usual_lift_calls_what_does_nothing(visible):
    naive = np.array([f["naive"] for f in visible], dtype=float).mean(axis=0)
    assert naive[NAMES.index("webinar")] > 1.4
    assert naive[NAMES.index("ticket_opened")] > 0.75  # and hides most of what harms


def test_where_what_makes_customers_busy_is_hidden_the_placebo_says_so(hidden):
    called = np.array([f["verdict"].isin(["moment", "upgrades come later"]) for f in hidden])
    raw = np.array([f["p_value"] <= 0.05 for f in hidden])
    assert raw[:, NULL].mean() > 0.5  # without the placebo they would be called
    assert called[:, NULL].mean() <= 0.1
    corrected = np.array([f["corrected"] for f in hidden], dtype=float)
    assert np.abs(np.log(corrected[:, NULL]).mean(axis=0)).max() < 0.15


def test_the_placebo_says_nothing_of_what_an_upgrade_itself_brings(visible):
    found = asked(planted(0), caused_by_upgrade=["invoice_view"])
    assert found.loc["invoice_view", ["placebo", "corrected"]].isna().all()
    assert found.loc["limit_hit", "ratio"] == visible[0].loc["limit_hit", "ratio"]


def test_the_same_question_has_the_same_answer():
    days = planted(1, customers=800)
    pd.testing.assert_frame_equal(asked(days), asked(days))


# counts, by hand


def days(rows, names=("sign_up", "price", "upgrade", "other"), last=200):
    frame = pd.DataFrame(rows, columns=["customer", "day", "touchpoint"])
    frame["touchpoint"] = [names.index(t) for t in frame["touchpoint"]]
    frame = frame.sort_values(["customer", "day", "touchpoint"], kind="stable")
    return Days(
        *(frame[c].to_numpy("int64") for c in frame), np.ones(len(frame), np.int64), names, last
    )


def hand_made(many=40):
    """40 customers sign up on day 0. Even ones see the price on day 90, upgrade on day 95; odd ones on 60 and 100."""
    rows = []
    for c in range(many):
        rows += [(c, 0, "sign_up"), (c, 50 + c, "other")]
        rows += (
            [(c, 90, "price"), (c, 95, "upgrade")]
            if c % 2 == 0
            else [(c, 60, "price"), (c, 100, "upgrade")]
        )
    return days(rows)


def test_days_and_upgrades_after_a_touchpoint_are_counted():
    found = moments(hand_made(), "upgrade", touchpoints=["price", "other"]).set_index("touchpoint")
    # Of 20 customers the days 91 to 95, of the other 20 the days 61 to 67: 20 x 5 + 20 x 7.
    assert found.loc["price", ["upgrades", "exposed_days", "happened"]].tolist() == [20, 240, 40]
    at_risk = 20 * (95 - 35 + 1) + 20 * (100 - 35 + 1)
    assert found.loc["price", "naive"] == pytest.approx((20 / 40) / (240 / at_risk))


def test_days_with_and_without_a_touchpoint_overlap_where_both_are_as_busy():
    exposed = np.array([True, True, False, False])
    assert (
        module._overlap(exposed, np.array([0, 1, 1, 1])) == 0.5
    )  # halves and none, halves and all
    assert module._overlap(exposed, np.array([2, 2, 2, 2])) == 1.0
    assert module._overlap(exposed, np.array([0, 0, 3, 3])) == 0.0


def test_what_happens_on_the_day_of_the_upgrade_is_not_before_it():
    rows = [(c, 0, "sign_up") for c in range(40)]
    rows += [(c, 60 + c, t) for c in range(40) for t in ("price", "upgrade")]
    found = moments(days(rows), "upgrade", touchpoints=["price"])
    assert found["upgrades"].tolist() == [0]
    assert found["verdict"].tolist() == ["too few"]


def test_touchpoints_below_the_floor_are_counted_and_not_tested():
    rows = [(c, 0, "sign_up") for c in range(60)] + [(c, 60 + c, "upgrade") for c in range(60)]
    rows += [(c, 58 + c, "price") for c in range(4)] + [(c, 58 + c, "other") for c in range(12)]
    rows += [(c, 40, "other") for c in range(30, 60)]
    found = moments(days(rows), "upgrade", touchpoints=["price", "other"]).set_index("touchpoint")
    assert found.loc["price", ["upgrades", "verdict"]].tolist() == [4, "too few"]
    assert np.isnan(found.loc["price", "p_value"])
    assert found.loc["other", "upgrades"] >= 5
    assert np.isfinite(found.loc["other", "ratio"])


def test_what_everybody_or_nobody_else_had_has_no_answer():
    """All sixty upgrade six days after the price and nobody else saw it: nothing can be compared."""
    rows = [(c, 0, "sign_up") for c in range(60)]
    rows += [(c, 60 + c, "price") for c in range(60)] + [(c, 66 + c, "upgrade") for c in range(60)]
    found = moments(days(rows), "upgrade", touchpoints=["price"])
    assert found["verdict"].tolist() == ["too few"]
    assert found["ratio"].isna().all()


def test_two_touchpoints_of_the_same_days_are_tested_as_one():
    made = planted(1, customers=1_500)
    own = made.touchpoint == NAMES.index("limit_hit")
    twin = Days(
        *(np.concatenate([v, w]) for v, w in (
            (made.customer, made.customer[own]), (made.day, made.day[own]),
            (made.touchpoint, np.full(own.sum(), len(made.names))), (made.times, made.times[own]),
        )), (*made.names, "alias"), made.last,
    )  # fmt: skip
    order = np.lexsort((twin.touchpoint, twin.day, twin.customer))
    twin = Days(
        *(v[order] for v in (twin.customer, twin.day, twin.touchpoint, twin.times)),
        twin.names,
        twin.last,
    )
    alone = moments(made, "upgrade", touchpoints=NAMES, activity=("login",)).set_index("touchpoint")
    both = moments(
        twin, "upgrade", touchpoints=(*NAMES, "alias", "login"), activity=("login",)
    ).set_index("touchpoint")
    assert both.loc["limit_hit", "ratio"] == pytest.approx(alone.loc["limit_hit", "ratio"])
    assert both.loc["alias", "verdict"] == "the days of another"


def test_without_a_placebo_nothing_is_called_a_moment():
    cut = planted(3, hidden=True, customers=1_500)
    early = cut.day < 70
    short = Days(
        *(v[early] for v in (cut.customer, cut.day, cut.touchpoint, cut.times)), cut.names, 69
    )
    found = moments(short, "upgrade", "28d", touchpoints=NAMES, activity=("login",))
    assert found["placebo"].isna().all()
    assert not found["verdict"].isin(["moment", "mostly busy customers"]).any()


@pytest.mark.parametrize("names", ["invoise_view", ["invoise_view"]])
def test_what_an_upgrade_brings_is_checked_too(names):
    with pytest.raises(JourneyDataError, match="Did you mean 'invoice_view'"):
        moments(planted(0, customers=800), "upgrade", caused_by_upgrade=names)


def test_a_moment_at_one_length_only_is_fragile():
    found = at_horizons(
        planted(4, customers=2_000),
        "upgrade",
        horizons=("3d", "7d"),
        touchpoints=NAMES,
        activity=("login",),
    )
    assert found["within"].tolist() == ["3d"] * 8 + ["7d"] * 8
    moments_ = found[found["verdict"] == "moment"]
    twice = moments_["touchpoint"].duplicated(keep=False)
    assert (moments_["fragile"] == ~twice).all()
    assert not moments_[moments_["touchpoint"] == "limit_hit"]["fragile"].any()


def test_a_length_that_cannot_be_answered_is_left_out_and_said():
    rows = [(c, 0, "sign_up") for c in range(60)] + [(c, 40 + c % 5, "upgrade") for c in range(60)]
    rows += [(c, 38, "price") for c in range(20)] + [(c, 30, "other") for c in range(0, 60, 2)]
    found = at_horizons(
        days(rows, last=46), "upgrade", horizons=("3d", "28d"), touchpoints=["price", "other"]
    )
    assert set(found["within"]) == {"3d"}
    assert "Left out: 28d: 0 customers upgraded" in definition(found)


# from a log


def test_a_segment_is_watched_as_long_as_everybody():
    rows = [(f"a{c}", "2026-01-01", "x", "eu") for c in range(3)] + [("b", "2026-06-30", "x", "us")]
    table = log([r[:3] for r in rows]).assign(region=[r[3] for r in rows])
    source = read_events(table, keep=["region"], columns={"event": "event"})
    segment = path_index(source).where("region", "eu")
    assert days_of(segment).last == days_of(path_index(source)).last == 180


def log(events):
    return pd.DataFrame(events, columns=["customer_id", "ts", "event"]).assign(
        ts=lambda d: pd.to_datetime(d["ts"], format="ISO8601")
    )


def test_days_begin_where_the_company_is():
    table = log(
        [("a", "2026-01-01 23:30", "x"), ("a", "2026-01-02 00:30", "x"), ("a", "2026-01-04", "y")]
    )
    assert days_of(table).day.tolist() == [0, 1, 3]
    assert days_of(table, zone="Europe/Rome").day.tolist() == [0, 2]
    assert days_of(table, zone="Europe/Rome").times.tolist() == [2, 1]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"outcome": "upgrad"}, "Did you mean 'upgrade'"),
        ({"within": "36h"}, "whole days such as '7d'"),
        ({"touchpoints": ["prices"]}, "touchpoints names 'prices'"),
        ({"outcome": "nobody"}, "0 customers upgraded"),
    ],
)
def test_what_cannot_be_asked_is_said(change, said):
    given = {"outcome": "upgrade", **change}
    table = days([(c, 0, "sign_up") for c in range(30)], ("sign_up", "price", "upgrade", "nobody"))
    with pytest.raises(JourneyDataError, match=said):
        moments(table, given.pop("outcome"), **given)


def test_how_it_was_counted_is_said():
    said = definition(moments(hand_made(), "upgrade"))
    assert "Upgrade: upgrade; 40 of 40 customers who could" in said
    assert "observed, not an experiment" in said


BERKELEY = [
    (512, 313, 89, 19), (353, 207, 17, 8), (120, 205, 202, 391), (138, 279, 131, 244), (53, 138, 94, 299),
    (22, 351, 24, 317),
]  # fmt: skip


def test_odds_over_strata_are_those_of_the_berkeley_admissions():
    parts = [
        np.repeat([[level, exposed, did]], many, axis=0)
        for level, counts in enumerate(BERKELEY)
        for (exposed, did), many in zip([(1, 1), (1, 0), (0, 1), (0, 0)], counts, strict=True)
    ]
    strata, exposed, did = np.concatenate(parts).T

    pooled = module._stratified(exposed > 0, did > 0, strata)
    crude = module._stratified(exposed > 0, did > 0, np.zeros_like(strata))

    assert pooled == pytest.approx(0.9047, abs=6e-5)  # R, mantelhaen.test(UCBAdmissions)
    assert crude == pytest.approx(1.84, abs=0.005)  # the sign turns once departments are respected
