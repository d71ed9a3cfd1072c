import numpy as np
import pandas as pd
import pytest

from journey_widgets import journey
from journey_widgets.errors import JourneyDataError
from journey_widgets.events.paths import path_index
from journey_widgets.events.source import read_events


def log(rows, **keep):
    table = pd.DataFrame(rows, columns=["customer_id", "hour", "event", *keep])
    table["ts"] = pd.Timestamp("2026-01-01") + pd.to_timedelta(table["hour"], unit="h")
    return read_events(table, keep=list(keep), time_zone="UTC")


def two_groups():
    rows = []
    for i in range(70):
        rows += [(f"a{i}", 0, "see", "a"), *[(f"a{i}", 1, "buy", "a")] * (i < 56)]
    for i in range(80):
        rows += [(f"b{i}", 0, "see", "b"), *[(f"b{i}", 1, "buy", "b")] * (i < 48)]
    return log(rows, arm=str)


def test_a_difference_of_shares_has_newcombes_published_interval():
    """56 of 70 against 48 of 80: Newcombe 1998, example a, method 10: 0.0524 to 0.3339."""
    a, b = journey.groups(two_groups(), "arm", "a", "b")

    frame = journey.compare(a, b)

    row = frame.set_index(["source", "target"]).loc[("see", "buy")]
    assert (row["customers_a"], row["n_a"], row["customers_b"], row["n_b"]) == (56, 70, 48, 80)
    assert row["difference"] == pytest.approx(0.2)
    assert (round(row["low"], 4), round(row["high"], 4)) == (0.0524, 0.3339)
    # z = 0.2 / sqrt(0.69333 * 0.30667 * (1/70 + 1/80)) = 2.650, two-sided 0.0080
    assert row["p_value"] == pytest.approx(0.0080, abs=0.0002)
    assert row["verdict"] == "higher in a"


def test_false_discoveries_are_controlled_over_all_rows_with_enough_customers():
    a, b = journey.groups(two_groups(), "arm", "a")

    frame = journey.compare(a, b).set_index(["source", "target"])

    # Three rows: see -> buy and see -> path_end (the same p), buy -> path_end (p = 1).
    assert frame.loc[("see", "buy"), "adjusted"] == pytest.approx(
        frame.loc[("see", "buy"), "p_value"] * 3 / 2
    )
    assert frame.loc[("buy", "path_end"), "verdict"] == "no difference shown"


def test_few_customers_are_called_too_few():
    a, b = journey.groups(two_groups(), "arm", "a")

    assert set(journey.compare(a, b, min_n=75)["verdict"]) == {"too few"}


def test_groups_that_share_customers_are_refused():
    source = two_groups()

    with pytest.raises(JourneyDataError, match="share 70 customers"):
        journey.compare(source, journey.groups(source, "arm", "a")[0])


def test_touchpoints_are_compared_among_all_customers():
    a, b = journey.groups(two_groups(), "arm", "a", "b")

    frame = journey.compare(a, b, of="touchpoints").set_index("touchpoint")

    assert frame.loc["buy", "share_a"] == 0.8
    assert frame.loc["see", "difference"] == 0.0


def test_a_group_is_made_by_the_first_the_last_or_each_event():
    rows = [("u", 0, "x", "web"), ("u", 1, "y", "app"), ("u", 2, "z", "web"), ("v", 0, "x", "app")]
    source = log(rows, place=str)
    index = journey.groups(source, "place", "web")[0]
    whole = path_index(source)
    assert index.customers() == 1
    assert journey.variants(index)["path"].tolist() == ["x -> y -> z"]
    assert whole.where("place", "app", at="last").customers() == 1
    assert journey.variants(whole.where("place", "web", at="each"))["path"].tolist() == ["x -> z"]
    assert whole.where("place", "app", at="each").customers() == 2
    with pytest.raises(JourneyDataError, match="Did you mean 'app'"):
        whole.where("place", "apo")
    with pytest.raises(JourneyDataError, match="'first', 'each' or 'last'"):
        whole.where("place", "app", at="middle")


def test_what_customers_did_instead_sums_to_those_who_did_not_go_on():
    rows = [
        *[(f"a{i}", h, e, "x") for i in range(3) for h, e in enumerate(["see", "basket", "help"])],
        *[(f"b{i}", h, e, "x") for i in range(2) for h, e in enumerate(["see", "basket"])],
        ("c", 0, "see", "x"), ("c", 1, "basket", "x"), ("c", 2, "buy", "x"),
        ("d", 0, "see", "x"), ("d", 1, "basket", "x"), ("d", 2, "see", "x"), ("d", 3, "help", "x"),
    ]  # fmt: skip
    source = log(rows, kind=str)
    steps = ["see", "basket", "buy"]

    after = journey.went_instead(source, steps, 3)
    last = journey.went_instead(source, steps, 3, look="last")
    far = journey.went_instead(
        source, steps, 3, look="furthest", map_order=["help", "see", "basket", "buy"]
    )

    assert after.set_index("touchpoint")["customers"].to_dict() == {
        "help": 3,
        "path_end": 2,
        "see": 1,
    }
    assert set(after["n"]) == {6}
    assert last.set_index("touchpoint")["customers"].to_dict() == {"help": 4, "basket": 2}
    assert far.set_index("touchpoint")["customers"].to_dict() == {
        "help": 3,
        "path_end": 2,
        "see": 1,
    }
    assert len(journey.who.reached(source, steps, 3, lost=True)) == 6


def test_every_number_can_list_its_customers():
    source = two_groups()

    edges = journey.transitions(source, ends=True)
    for row in edges.itertuples():
        assert len(journey.who.went(source, row.source, row.target)) == row.customers
    paths = journey.variants(source)
    for row in paths.itertuples():
        assert len(journey.who.took(source, row.path)) == row.customers
    cells = journey.step_matrix(source, max_steps=3)
    for row in cells.itertuples():
        assert len(journey.who.at_step(source, row.step, row.touchpoint)) == row.customers
    around = journey.step_matrix(source, max_steps=2, centre="buy")
    for row in around.itertuples():
        found = journey.who.at_step(source, row.step, row.touchpoint, centre="buy")
        assert len(found) == row.customers
    assert journey.who.reached(source, ["see", "buy"], 2)["customer_id"].iloc[0] == "a0"
    assert len(journey.who.fits(source, "see -> buy")) == 104


def test_a_cell_of_the_retention_table_lists_its_customers():
    rng = np.random.default_rng(1)
    rows = [
        (f"c{i}", int(h), "use", "x")
        for i in range(60)
        for h in [24 * rng.integers(0, 40), 24 * rng.integers(0, 80)]
    ]
    source = log(rows, kind=str)

    for options in ({"period": "week"}, {"period": "week", "mode": "on_or_after"}):
        for row in journey.retention(source, **options).itertuples():
            listed = journey.who.returned(source, f"{row.cohort:%Y-%m-%d}", row.offset, **options)
            assert len(listed) == row.customers


def test_the_furthest_point_tells_nothing_more_from_off_the_map():
    rows = [
        (c, h, n, "x")
        for c, path in {"u": "ax", "v": "a", "w": "ab"}.items()
        for h, n in enumerate(path)
    ]

    frame = journey.went_instead(
        log(rows, kind=str), ["a", "b"], 2, look="furthest", map_order=["a", "b"]
    )

    assert frame.set_index("touchpoint")["customers"].to_dict() == {
        "(off the map)": 1,
        "path_end": 1,
    }


def test_a_funnel_by_group_counts_those_without_a_value_too():
    source = log([("u", 0, "a", None), ("v", 0, "a", "m"), ("w", 0, "a", "m")], kind=str)

    frame = journey.funnel(source, ["a"], by="kind")

    assert frame.set_index("group")["customers"].to_dict() == {"m": 2, "(blank)": 1}


@pytest.mark.parametrize(
    "name", ["customer", "code", "event_code", "turn", "source_row", "step", "gap"]
)
def test_a_kept_column_may_have_any_name_of_its_own(name):
    rows = [("u", 0, "a", "1"), ("v", 0, "a", "2")]

    index = path_index(log(rows, **{name: str}))

    assert index.where(name, "2").customers() == 1


@pytest.mark.parametrize("name", ["ROW", "path:step", "Path:Step", "Touchpoint"])
def test_a_kept_column_that_hides_one_of_the_log_is_refused(name):
    with pytest.raises(JourneyDataError, match="rename it in the source"):
        log([("u", 0, "a", "1")], **{name: str})


def test_values_are_found_whatever_their_kind_and_number():
    n = 120_000
    table = pd.DataFrame(
        {"customer_id": range(n), "ts": pd.Timestamp("2026-01-01"), "event": "a",
         "ref": [f"r{i:06d}" for i in range(n)], "ok": [i % 2 == 0 for i in range(n)],
         "age": [i % 90 for i in range(n)]}
    )  # fmt: skip
    index = path_index(read_events(table, keep=["ref", "ok", "age"], time_zone="UTC"))

    assert index.where("ref", "r119999").customers() == 1
    assert index.where("ok", True).customers() == n / 2
    assert index.where("age", [1, 2]).customers() == sum(i % 90 in (1, 2) for i in range(n))
