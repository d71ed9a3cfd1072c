import ibis
import numpy as np
import pandas as pd
import pytest

from journey_widgets import journey
from journey_widgets.errors import JourneyDataError
from journey_widgets.events.shuffle import lot
from support.indexes import index_of


def log(*paths):
    rows = [
        (f"c{number}", pd.Timestamp("2026-01-01") + pd.Timedelta(hours=h), name)
        for number, path in enumerate(paths)
        for h, name in enumerate(path)
    ]
    return pd.DataFrame(rows, columns=["customer_id", "ts", "event"])


GAME = log(
    *[["see", "basket", "buy"]] * 30, *[["see", "basket"]] * 20, *[["see", "help", "see"]] * 10,
    *[["see"]] * 40, *[["buy"]] * 0,
)  # fmt: skip


def test_conversion_before_the_change_is_what_was_observed():
    frame = journey.what_if(GAME, ("see", "basket"), 0.0, target="buy").set_index("case")

    assert frame.loc["before", "conversion"] == pytest.approx(0.30)
    assert frame.loc["difference", "conversion"] == pytest.approx(0)
    assert frame.loc["before", "low"] < 0.30 < frame.loc["before", "high"]


def test_a_change_goes_through_the_chain_as_worked_out_by_hand():
    """See: 110 events, 50 to basket, 10 to help, 50 end. Basket: 30 of 50 buy. Help always sees again."""
    frame = journey.what_if(GAME, ("basket", "buy"), 0.2, target="buy").set_index("case")

    # x = P(buy | see): x = 50/110 * b + 10/110 * x, so x = 0.5 b; b rises from 0.6 to 0.8
    assert frame.loc["before", "conversion"] == pytest.approx(0.30)
    assert frame.loc["after", "conversion"] == pytest.approx(0.40)
    assert frame.loc["difference", "customers"] == pytest.approx(10)


def test_the_other_steps_share_what_is_left_as_before():
    frame = journey.what_if(GAME, ("see", "basket"), 5 / 110, target="buy").set_index("case")

    # see -> basket 55/110; help and end scaled by 55/60: help 10/110 * 55/60 = 1/12
    assert frame.loc["after", "conversion"] == pytest.approx(0.5 * 0.6 / (1 - 1 / 12))


def test_a_change_beyond_all_or_nothing_is_refused_with_what_is_possible():
    with pytest.raises(JourneyDataError, match=r"from -45.5% to \+54.5%"):
        journey.what_if(GAME, ("see", "basket"), 0.6, target="buy")
    with pytest.raises(JourneyDataError, match="No customer is at"):
        journey.what_if(log(["buy", "help"], ["see"]), ("help", "buy"), 0.1, target="buy")
    with pytest.raises(JourneyDataError, match="starts at the target"):
        journey.what_if(GAME, ("buy", "see"), 0.1, target="buy")


def test_what_happens_after_the_target_does_not_count():
    table = log(["see", "buy", "see", "see"], ["see"])

    frame = journey.what_if(table, ("see", "buy"), 0.0, target="buy").set_index("case")

    assert frame.loc["before", "conversion"] == pytest.approx(0.5)


def test_a_walk_without_memory_fits_a_first_order_chain():
    rng = np.random.default_rng(3)
    paths = []
    for _customer in range(4_000):
        path = [["ad", "blog"][int(rng.random() < 0.4)]]
        while path[-1] not in ("buy", "end"):
            step = {
                "ad": [("shop", 0.5), ("end", 0.5)],
                "blog": [("shop", 0.7), ("end", 0.3)],
                "shop": [("buy", 0.2), ("shop", 0.3), ("end", 0.5)],
            }[path[-1]]
            path.append(str(rng.choice([n for n, _p in step], p=[p for _n, p in step])))
        paths.append([n for n in path if n != "end"])

    frame = journey.back_test(log(*paths), target="buy").set_index("begins_at")

    # By hand: shop buys 0.2 / 0.7 = 2/7; ad 1/7, blog 1/5
    assert frame.loc["ad", "predicted"] == pytest.approx(1 / 7, abs=0.02)
    assert frame.loc["blog", "predicted"] == pytest.approx(1 / 5, abs=0.02)
    assert set(frame["fits"]) == {"yes"}


def test_a_walk_with_memory_is_seen_not_to_fit():
    paths = [["ad", "shop", "buy"]] * 400 + [["blog", "shop"]] * 400

    frame = journey.back_test(log(*paths), target="buy").set_index("begins_at")

    # The chain believes that half of those in the shop buy, wherever they came from.
    assert frame.loc["ad", "predicted"] == pytest.approx(0.5, abs=0.05)
    assert frame.loc["ad", "observed"] == 1.0
    assert frame.loc["ad", "fits"] == "no"
    assert frame.loc["all", "predicted"] == pytest.approx(frame.loc["all", "observed"], abs=0.1)


def test_a_chain_that_is_true_is_said_to_fit_as_often_as_its_interval_says():
    rng, fits = np.random.default_rng(5), []
    for world in range(60):
        paths = [["ad", "shop"] + ["buy"] * int(rng.random() < 0.4) for _customer in range(400)]
        events = [
            (f"{world}-{c}", h, n) for c, path in enumerate(paths) for h, n in enumerate(path)
        ]
        frame = journey.back_test(index_of(events), target="buy").set_index("begins_at")
        fits.append(frame.loc["ad", "fits"] == "yes")
        assert (
            frame.loc["ad", "error_low"]
            <= frame.loc["ad", "error"]
            <= frame.loc["ad", "error_high"]
        )
    assert 54 <= sum(fits) <= 60  # by chance 57; fewer in one run of 60 has a chance of 3 %


def test_a_change_that_a_resample_could_not_hold_is_still_answered():
    rng = np.random.default_rng(3)
    paths = [
        ["search"] * int(rng.choice([1, 1, 2, 3, 5, 8])) + ["buy"] * (i % 2) for i in range(60)
    ]

    frame = journey.what_if(log(*paths), ("search", "search"), 0.25, target="buy").set_index("case")

    assert 0.4 < frame.loc["after", "conversion"] < 0.6
    assert frame["high"].max() <= 1


def test_a_start_the_learning_half_never_saw_is_not_predicted():
    def group(c):
        return int(lot(ibis.literal(f"{c:03d}")).to_pyarrow().as_py()) * 200 // 4096

    odd = [c for c in range(200) if group(c) % 2 == 1]
    paths = [["x" if c in odd[:40] else "a", "t"] for c in range(200)]
    rows = [
        (f"{c:03d}", pd.Timestamp("2026-01-01") + pd.Timedelta(hours=h), n)
        for c, path in enumerate(paths)
        for h, n in enumerate(path)
    ]
    table = pd.DataFrame(rows, columns=["customer_id", "ts", "event"])

    frame = journey.back_test(table, target="t").set_index("begins_at")

    assert np.isnan(frame.loc["x", "predicted"])
    assert frame.loc["x", "fits"] == "too few"
    assert frame.loc["all", "predicted"] == 1.0
