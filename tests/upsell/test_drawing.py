"""Where there are too many customers to look at everybody: who is drawn, and what is said of all is true of all."""

import hashlib
from math import inf

import ibis
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from journey_widgets.definition import definition
from journey_widgets.errors import JourneyDataError
from journey_widgets.events.engine import collect
from journey_widgets.upsell import (
    baskets,
    known_before,
    moments,
    purchases,
    snapshots,
    time_to_leave,
    time_to_upgrade,
)
from journey_widgets.upsell.days import days_of
from journey_widgets.upsell.signals import whose
from upsell.planted import NAMES, TRUE, planted

COLUMNS = ("customer", "day", "touchpoint", "times")


def lazy(frame):
    return ibis.memtable(pa.Table.from_pandas(frame, preserve_index=False))


def table_of(rows):
    """A table of events as `signals` returns it: each row is customer, day, event."""
    frame = pd.DataFrame(rows, columns=["customer_id", "day", "event"])
    frame["ts"] = pd.Timestamp("2026-01-01T10:00") + pd.to_timedelta(frame["day"], unit="D")
    return lazy(frame[["customer_id", "ts", "event"]])


def planted_table(seed, customers=3_000):
    made = planted(seed, customers=customers)
    ids, names = np.array([f"c{n}" for n in range(customers)]), np.array(made.names)
    return table_of(
        {"customer_id": ids[made.customer], "day": made.day, "event": names[made.touchpoint]}
    )


def lot_of(customer):
    return int(hashlib.md5(customer.encode(), usedforsecurity=False).hexdigest()[:3], 16)


@pytest.fixture(scope="module")
def table():
    return planted_table(1)


def test_a_table_has_the_days_of_the_log_that_is_read_from_it(table):
    own, read = days_of(table), days_of(collect(table))
    for column in COLUMNS:
        assert (getattr(own, column) == getattr(read, column)).all()
    assert (own.names, own.last, own.begins) == (read.names, read.last, read.begins)
    assert own.ids() == read.ids()


def test_rows_that_say_too_little_are_left_out():
    frame = pd.DataFrame({
        "customer_id": ["a", "a", None, "b"], "event": ["x", None, "x", "x"],
        "ts": pd.to_datetime(["2026-01-01", "2026-01-02", "2026-01-03", None]),
    })  # fmt: skip
    assert days_of(lazy(frame)).times.tolist() == [1]


def test_of_few_rows_everybody_is_looked_at(table):
    found = days_of(table, outcome="upgrade")
    assert found.drawn is None
    assert found.alike() is found
    assert days_of(table, outcome="upgrade", most=inf).drawn is None


def test_as_many_rows_come_as_are_wanted_half_of_them_of_those_who_upgraded(table):
    everybody, some = days_of(table), days_of(table, outcome="upgrade", most=20_000)
    upgraded = {c for c, t in zip(everybody.customer, everybody.touchpoint, strict=True)
                if everybody.names[t] == "upgrade"}  # fmt: skip
    drawn = some.ids()
    back = {v: k for k, v in everybody.ids().items()}
    kind = np.array([back[drawn[c]] in upgraded for c in range(len(drawn))])
    rows = np.bincount(some.customer)
    assert 15_000 < len(some.customer) <= 20_000
    assert 0.4 < rows[kind].sum() / rows.sum() <= 0.5
    # Each stands for as many of his kind as there are for one who was drawn.
    assert set(some.drawn.weight[kind]) == {len(upgraded) / kind.sum()}
    assert set(some.drawn.weight[~kind]) == {(3_000 - len(upgraded)) / (~kind).sum()}
    assert some.drawn.weight.sum() == pytest.approx(3_000)
    # Whole lots, by the hash of the id alone.
    for own in (kind, ~kind):
        lots = [lot_of(drawn[c]) for c in np.flatnonzero(own)]
        others = [lot_of(i) for c, i in everybody.ids().items()
                  if (c in upgraded) == own[kind].all() and i not in drawn.values()]  # fmt: skip
        assert max(lots) < min(others)


def test_where_upgrades_are_few_all_who_upgraded_are_looked_at():
    rows = [(f"c{n}", d, "visit") for n in range(4_000) for d in (0, 50)]
    rows += [(f"c{n}", 60, "upgrade") for n in range(50)]
    some = days_of(table_of(rows), outcome="upgrade", most=2_000)
    upgraded = np.unique(some.customer[some.touchpoint == some.names.index("upgrade")])
    assert len(upgraded) == 50
    assert set(some.drawn.weight[upgraded]) == {1.0}
    assert some.drawn.said.startswith("50 of 50 customers with upgrade and ")
    assert some.drawn.said.endswith(" of 3,950 others drawn by chance")


def test_counts_are_those_of_everybody():
    """Even customers see the price on day 90 and upgrade on day 95, odd ones see it on day 60 and never upgrade."""
    rows = [(f"c{n}", 0, "sign_up") for n in range(4_000)] + [("c1", 120, "sign_up")]
    rows += [(f"c{n}", 90 if n % 2 == 0 else 60, "price") for n in range(4_000)]
    rows += [(f"c{n}", 95, "upgrade") for n in range(0, 4_000, 2)]
    table = table_of(rows)
    asked = {"touchpoints": ["price"], "activity": ["sign_up"]}
    some = days_of(table, outcome="upgrade", most=2_000)
    assert some.drawn.weight.max() > some.drawn.weight.min() > 2
    found, whole = (moments(d, "upgrade", **asked) for d in (some, days_of(table)))
    counts = ["upgrades", "exposed_days", "happened"]
    # Of 2,000 customers the days 91 to 95, of 2,000 the days 61 to 67.
    assert (
        found[counts].iloc[0].tolist() == whole[counts].iloc[0].tolist() == [2_000, 24_000, 4_000]
    )
    assert found["naive"].iloc[0] == pytest.approx(whole["naive"].iloc[0])
    assert "2,000 of 4,000 customers who could" in definition(found)
    assert "others drawn by chance" in definition(found)
    assert "drawn by chance" not in definition(whole)


def test_planted_ratios_come_back_from_those_who_are_drawn():
    """Ten logs, of each a third of the rows: the mean log ratio lies as near the truth as it may by chance."""
    found = []
    for seed in range(10):
        some = days_of(planted_table(seed), outcome="upgrade", most=45_000)
        assert some.drawn.weight.max() > 1.5 * some.drawn.weight.min()
        asked = moments(some, "upgrade", touchpoints=NAMES, activity=("login",))
        found.append(asked.set_index("touchpoint").loc[list(NAMES)])
    ratio = np.array([f["ratio"] for f in found], dtype=float)
    inside = np.array([(f["low"] <= TRUE) & (f["high"] >= TRUE) for f in found])
    assert inside.mean() >= 0.85
    spread = np.log(ratio).std(axis=0, ddof=1) / np.sqrt(len(found))
    assert (np.abs(np.log(ratio).mean(axis=0) - np.log(TRUE)) < 4 * spread).all()


def test_curves_and_scores_are_of_customers_who_are_drawn_alike(table):
    some = days_of(table, outcome="upgrade", most=40_000)
    alike = some.alike()
    ids = np.array(list(some.ids().values()))
    kept, lots = set(ids[np.unique(alike.customer)]), np.array([lot_of(i) for i in ids])
    until = max(lots[some.drawn.weight == some.drawn.weight.max()]) + 1
    everybody = {i for i in days_of(table).ids().values() if lot_of(i) < until}
    assert kept == everybody
    said = f"{len(kept):,} of 3,000 customers drawn by chance"
    assert alike.drawn.said == said
    assert alike.alike() is alike
    assert set(alike.drawn.weight) == {3_000 / len(kept)}

    for frame in (
        time_to_upgrade(some, "limit_hit", "upgrade"), time_to_leave(some, ["sign_up"], ["upgrade"]),
        snapshots(some, "upgrade", ["2026-03-15"]),
    ):  # fmt: skip
        assert said in definition(frame)
    assert set(snapshots(some, "upgrade", ["2026-03-15"])["customer_id"]) <= everybody


def test_who_asks_about_each_customer_is_not_answered_with_some(table):
    with pytest.raises(
        JourneyDataError, match="Everybody asked about was needed; found .* drawn by chance"
    ):
        known_before(days_of(table, most=20_000), "upgrade", "2026-03-15")
    assert len(known_before(table, "upgrade", "2026-03-15")) > 1_000


def test_who_was_drawn_for_one_outcome_is_not_asked_about_another(table):
    some = days_of(table, outcome="upgrade", most=20_000)
    with pytest.raises(JourneyDataError, match="drawn for upgrade and are asked about limit_hit"):
        moments(some, "limit_hit")
    assert len(moments(some.alike(), "upgrade", touchpoints=["limit_hit"])) == 1


def test_where_nobody_has_a_day_to_compare_nothing_is_said():
    """All upgrade on the first day on which they could."""
    rows = [(f"c{n}", 0, "sign_up") for n in range(40)] + [
        (f"c{n}", 33, "price") for n in range(40)
    ]
    rows += [(f"c{n}", 35, "upgrade") for n in range(40)]
    assert moments(table_of(rows), "upgrade", touchpoints=["price"])["verdict"].tolist() == [
        "too few"
    ]


def test_one_lot_is_drawn_where_not_even_one_fits(table):
    found = days_of(table, most=1)
    ids = list(found.ids().values())
    assert {lot_of(i) for i in ids} == {min(lot_of(i) for i in days_of(table).ids().values())}
    assert found.drawn.said == f"{len(ids)} of 3,000 customers drawn by chance"


def test_a_table_of_some_customers_may_have_the_names_of_all(table):
    everybody = days_of(table)
    few = days_of(whose(table, ["c1", "c2"]), names=everybody.names)
    assert few.names == everybody.names
    assert few.ids() == {0: "c1", 1: "c2"}
    own = everybody.touchpoint[
        np.isin(everybody.customer, [n for n, i in everybody.ids().items() if i in ("c1", "c2")])
    ]
    assert sorted(few.touchpoint) == sorted(own)


# baskets, and who bought on which day


def order_lines(orders=3_000):
    """Each order has two to four of 40 things; thing 39 is in three orders alone."""
    rng = np.random.default_rng(5)
    rows = [(f"o{n}", f"c{n % 700}", n % 200, f"t{i:02d}", 10.0 + i)
            for n in range(orders) for i in rng.choice(39, rng.integers(2, 5), replace=False)]  # fmt: skip
    rows += [(f"o{n}", f"c{n % 700}", n % 200, "t39", 49.0) for n in (1, 2, 3)]
    frame = pd.DataFrame(
        rows, columns=["order_id", "customer_id", "day", "product_id", "unit_price"]
    )
    ts = pd.Timestamp("2026-01-01") + pd.to_timedelta(frame.pop("day"), unit="D")
    return frame.assign(ts=ts, quantity=1.0)


def drawn_lots(units, rows_of, most):
    """The lots that are drawn, by the obvious way: one after the other as long as all their rows fit."""
    by_lot = pd.Series(rows_of).groupby([lot_of(u) for u in units]).sum().sort_index()
    return set(by_lot.index[by_lot.cumsum() <= most])


def test_baskets_are_drawn_whole_and_their_things_keep_their_names_and_prices():
    frame = order_lines()
    found = baskets(frame, most=2_000)
    sizes = frame.groupby("order_id").size()
    lots = drawn_lots(sizes.index, sizes.to_numpy(), 2_000)
    kept = frame[[lot_of(o) in lots for o in frame["order_id"]]]
    sets = kept.groupby("order_id")["product_id"].apply(frozenset)
    assert len(found) == len(sets)
    items = np.array(found.items)
    own = [frozenset(items[found.matrix[[r]].indices]) for r in range(len(found))]
    assert sorted(map(sorted, own)) == sorted(map(sorted, sets))
    assert found.facts["price"].tolist() == [10.0 + int(i[1:]) for i in found.items]
    assert f"{len(sets):,} of 3,000 baskets drawn by chance" in found.said
    assert "drawn by chance" not in baskets(frame).said


def test_purchases_are_of_customers_who_are_drawn_with_all_their_days():
    frame = order_lines()
    days = frame.drop_duplicates(["customer_id", "ts"]).groupby("customer_id").size()
    lots = drawn_lots(days.index, days.to_numpy(), 1_000)
    found, whole = (purchases(frame, worth="amount", most=m) for m in (1_000, inf))
    ids = [c for c in days.index if lot_of(c) in lots]
    assert found["customer_id"].tolist() == sorted(ids)
    own = whole[whole["customer_id"].isin(ids)].reset_index(drop=True)
    pd.testing.assert_frame_equal(found, own)
    assert f"{len(ids):,} of 700 customers drawn by chance" in definition(found)
