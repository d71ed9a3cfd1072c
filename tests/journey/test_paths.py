import pandas as pd
import pytest
import vl_convert

from journey_widgets import journey
from journey_widgets.errors import JourneyDataError
from journey_widgets.events.paths import path_index
from journey_widgets.events.source import read_events
from journey_widgets.journey import charts


def log(*events):
    rows = [(c, pd.Timestamp("2026-03-01") + pd.Timedelta(hours=h), e) for c, h, e in events]
    return pd.DataFrame(rows, columns=["customer_id", "ts", "event"])


def test_a_funnel_says_shares_losses_intervals_and_times():
    events = log(
        *[(f"c{i}", 0, "visit") for i in range(50)],
        *[(f"c{i}", 1 + i % 3, "buy") for i in range(41)],
    )

    frame = journey.funnel(events, ["visit", "buy"])

    last = frame.iloc[1]
    assert last["customers"] == 41
    assert last["conversion"] == last["step_conversion"] == 0.82
    assert last["drop_off"] == 9
    assert last["n"] == 50
    assert last["median_hours"] == 2.0
    # 41 of 50: Wilson 0.692 to 0.902, worked out by hand
    assert (round(last["low"], 3), round(last["high"], 3)) == (0.692, 0.902)
    assert frame["certainty"].tolist() == ["sufficient", "sufficient"]


def test_a_funnel_of_one_step_counts_who_came_there():
    frame = journey.funnel(log(("a", 0, "x"), ("a", 1, "x"), ("b", 0, "y")), ["x"])

    assert frame["customers"].tolist() == [1]
    assert frame["certainty"].tolist() == ["insufficient"]


def test_a_step_may_come_again_and_then_needs_a_second_event():
    events = log(("a", 0, "x"), ("a", 1, "x"), ("b", 0, "x"))

    assert journey.funnel(events, ["x", "x"])["customers"].tolist() == [2, 1]


def test_the_time_limit_counts_from_the_first_step():
    events = log(
        ("a", 0, "x"), ("a", 20, "y"), ("a", 30, "z"), ("b", 0, "x"), ("b", 20, "y"), ("b", 21, "z")
    )

    assert journey.funnel(events, ["x", "y", "z"], within="24h")["customers"].tolist() == [2, 2, 1]
    assert journey.funnel(events, ["x", "y", "z"], within="1d")["customers"].tolist() == [2, 2, 1]


@pytest.mark.parametrize("within", ["7", "d", "7 fortnights", "0h", "-1d", ""])
def test_a_duration_needs_a_number_and_a_unit(within):
    with pytest.raises(JourneyDataError, match="with a unit"):
        journey.funnel(log(("a", 0, "x")), ["x"], within=within)


def test_an_unknown_step_lists_the_near_names():
    with pytest.raises(JourneyDataError, match="Did you mean 'checkout'"):
        journey.funnel(log(("a", 0, "checkout")), ["chekout"])
    with pytest.raises(JourneyDataError, match="at least one step"):
        journey.funnel(log(("a", 0, "checkout")), [])


def test_transitions_know_shares_of_what_follows_and_times_between():
    events = log(
        ("a", 0, "x"), ("a", 2, "y"), ("b", 0, "x"), ("b", 4, "y"), ("c", 0, "x"), ("c", 1, "z")
    )

    frame = journey.transitions(events)

    top = frame.iloc[0]
    assert (top["source"], top["target"], top["count"], top["customers"]) == ("x", "y", 2, 2)
    assert top["proba_out"] == pytest.approx(2 / 3)
    assert top["proba_in"] == 1.0
    assert top["share_of_total"] == pytest.approx(2 / 3)
    assert top["avg_per_path"] == pytest.approx(2 / 3)
    assert top["time_median_hours"] == 3.0


def test_exits_count_in_what_follows_and_show_when_asked_for():
    events = log(("a", 0, "x"), ("a", 1, "y"), ("b", 0, "x"))

    assert journey.transitions(events)["proba_out"].tolist() == [0.5]
    ends = journey.transitions(events, ends=True)
    pairs = set(zip(ends["source"], ends["target"], strict=True))
    assert pairs == {("path_start", "x"), ("x", "y"), ("x", "path_end"), ("y", "path_end")}


def test_a_reserved_name_is_refused():
    with pytest.raises(JourneyDataError, match="'path_end' is a reserved name"):
        journey.transitions(log(("a", 0, "path_end")))


def test_the_index_is_stored_with_the_source():
    source = read_events(log(("a", 0, "x"), ("a", 1, "y")))

    first = path_index(source).table.order_by("customer", "step").to_pyarrow().to_pylist()

    assert "path:step" not in source.table.columns
    assert [(r["step"], r["touchpoint"], r["next"], r["gap"]) for r in first] == [
        (1, 0, 1, 3_600_000_000),
        (2, 1, None, None),
    ]


def test_every_visited_touchpoint_of_a_flow_has_its_way_in_and_out():
    busy = [(f"c{i}", t, "ab"[t % 2]) for i in range(20) for t in range(6)]
    rare = [("z", 0, "x"), ("z", 1, "y"), ("z", 2, "w")]
    map_ = journey.Journey.draft("Test")

    flow = journey.flow(map_, journey.transitions(log(*busy, *rare), ends=True), top=2)

    assert set(flow.edges["edge"]) == {"a -> b", "b -> a", "x -> y", "y -> w"}


def test_a_flow_places_touchpoints_by_stage_and_says_what_it_leaves_out():
    map_ = journey.Journey.draft(
        "Test",
        touchpoints=[
            journey.Touchpoint(id="ad", label="Ad", stage="awareness"),
            journey.Touchpoint(id="buy", label="Buy", stage="decision"),
        ],
    )
    events = log(("a", 0, "ad"), ("a", 1, "buy"), ("b", 0, "ad"), ("b", 1, "ad"), ("b", 2, "odd"))

    flow = journey.flow(map_, journey.transitions(events, ends=True))

    places = flow.nodes.set_index("touchpoint")
    assert places.loc["ad", "stage_label"] == "Awareness"
    assert places.loc["odd", "stage_label"] == "Not in the map"
    assert places["visits"].to_dict() == {"ad": 3, "buy": 1, "odd": 1}
    assert set(flow.edges["edge"]) == {"ad -> buy", "ad -> odd"}
    assert flow.left_out == pytest.approx(1 / 3)


def test_two_hundred_touchpoints_are_drawn_each_with_its_name():
    touchpoints = [
        journey.Touchpoint(
            id=f"t{i}", label=f"Touchpoint {i}", stage=["awareness", "decision"][i % 2]
        )
        for i in range(200)
    ]
    map_ = journey.Journey.draft("Big", touchpoints=touchpoints)
    events = [("a", i, f"t{i}") for i in range(200)]

    flow = journey.flow(map_, journey.transitions(log(*events), ends=True))
    svg = vl_convert.vegalite_to_svg(charts.flow_chart(flow).to_dict())

    assert len(flow.nodes) == 200
    assert flow.edges["edge"].nunique() == 199
    assert all(f">Touchpoint {i}<" in svg for i in range(200))


def test_a_day_that_comes_twice_counts_a_customer_once():
    """In St. John's the clock goes back at 00:01 to 23:01: an instant later lies a day earlier."""
    times = ["2008-10-20 12:00", "2008-11-02 02:30:30", "2008-11-02 03:00", "2008-11-02 04:00"]
    rows = [("u", pd.Timestamp(t), "a") for t in times] + [("v", pd.Timestamp("2008-11-20"), "a")]
    table = pd.DataFrame(rows, columns=["customer_id", "ts", "event"])

    frame = journey.retention(table, period="day", time_zone="America/St_Johns")

    assert frame["retention"].max() == 1.0
    back = frame[frame["customers"] > 0]
    assert back["offset"].tolist() == [12, 13]


def test_dates_that_stand_for_no_date_are_refused_in_words():
    table = log(("u", 0, "a"))
    table = pd.concat([table, table.assign(ts=pd.Timestamp("1700-01-01"))], ignore_index=True)

    with pytest.raises(JourneyDataError, match="up to 200 years"):
        journey.retention(table)


def test_only_the_first_step_of_a_funnel_can_begin_a_path():
    events = log(("u", 0, "a"), ("u", 1, "b"))

    with pytest.raises(JourneyDataError, match="only step 1 can do so"):
        journey.funnel(events, ["a", "path_start -> b"])


@pytest.mark.parametrize(
    "ask",
    [
        lambda e: journey.who.returned(e, "2026-03-01", 0, mode="foo"),
        lambda e: journey.who.at_step(e, 2, "path_start"),
        lambda e: journey.step_matrix(e, max_steps=2.5),
        lambda e: journey.variants(e, top=-1),
        lambda e: journey.retention(e, period="fortnight"),
        lambda e: journey.went_instead(e, ["a", "b"], 2, look="sideways"),
        lambda e: journey.transitions(e, weights=["speed"]),
        lambda e: journey.split_sessions(e, "30"),
        lambda e: journey.step_times(e, ["a"]),
        lambda e: journey.funnel(e, ["a"], order="random"),
        lambda e: journey.funnel(e, ["a", "a"], order="any"),
        lambda e: journey.funnel(e, ["a"], exclude=["a"]),
        lambda e: journey.matching(e, "a ->"),
        lambda e: journey.matching(e, "a*"),
        lambda e: journey.matching(e, "a -> path_start -> b"),
        lambda e: journey.retention(e, time_zone="Mars/Base"),
    ],
)
def test_a_question_that_cannot_be_asked_is_refused_in_words(ask):
    with pytest.raises(JourneyDataError):
        ask(log(("u", 0, "a"), ("u", 1, "b")))
