"""The designed ways with what was measured on each, and the personas in figures."""

import pandas as pd
import pytest

from journey_widgets import journey, read_events
from journey_widgets.journey import Journey, Persona, Stage, Touchpoint, Way


def index_of(paths, **columns):
    """Paths: customer -> one letter an event; columns: customer -> value at every event."""
    rows = [
        {"customer_id": who, "ts": pd.Timestamp("2026-01-01") + pd.Timedelta(minutes=i), "event": name,
         **{c: values[who] for c, values in columns.items()}}
        for who, path in paths.items() for i, name in enumerate(path)
    ]  # fmt: skip
    return read_events(pd.DataFrame(rows), keep=list(columns))


def drawn(ways=(), personas=(), funnel=()):
    return Journey(
        id="j", label="J", stages=(Stage(id="s", label="S"),), ways=ways, personas=personas, funnel=funnel,
        touchpoints=tuple(Touchpoint(id=i, label=i.upper(), stage="s") for i in ("a", "b", "c")),
    )  # fmt: skip


def test_each_way_says_how_often_by_how_many_and_how_fast_it_is_taken():
    # a->b three times by two customers, a->c once: 3 of 4 events at a are followed by b.
    index = index_of({"1": "abab", "2": "ab", "3": "ac"})
    way = Way(id="w", source="a", target="b", kind="next")
    found = journey.ways(index, drawn([way])).iloc[0]
    assert (found["count"], found["customers"], found["n"], found["share"]) == (3, 2, 4, 0.75)
    assert (found["source_label"], found["kind"], found["certainty"]) == (
        "A",
        "next",
        "insufficient",
    )
    assert found["low"] < 0.75 < found["high"]


def test_a_way_nobody_took_has_zeros_and_an_interval_and_one_from_nowhere_has_no_share():
    index = index_of({str(i): "ab" for i in range(40)})
    ways = [
        Way(id="u", source="a", target="c", kind="alternative"),
        Way(id="v", source="c", target="a", kind="loop"),
    ]
    unused, nowhere = journey.ways(index, drawn(ways)).to_dict("records")
    assert (unused["count"], unused["customers"], unused["share"], unused["low"]) == (
        0,
        0,
        0.0,
        0.0,
    )
    # Wilson for 0 of 40: 3.8415 / (40 + 3.8415)
    assert unused["high"] == pytest.approx(0.0876, abs=1e-4)
    assert pd.isna(nowhere["share"])
    assert nowhere["n"] == 0


def test_a_map_without_ways_means_its_order():
    found = journey.ways(index_of({"1": "abc"}), drawn())
    assert found[["source", "target", "count"]].values.tolist() == [["a", "b", 1], ["b", "c", 1]]


def test_personas_are_counted_along_the_funnel():
    paths = {f"x{i}": "abc" if i < 30 else "ab" for i in range(40)} | {
        f"y{i}": "a" for i in range(35)
    }
    index = index_of(paths, device={k: "mobile" if k[0] == "x" else "desktop" for k in paths})
    people = [
        Persona(id="m", label="On the phone", segment="device=mobile"),
        Persona(id="d", label="At the desk", segment="device=desktop"),
        Persona(id="n", label="Nobody", segment="device=tv"),
        Persona(id="t", label="No segment"),
    ]
    found = journey.funnel_by_persona(index, drawn(personas=people, funnel=("a", "b", "c")))
    assert found["persona"].tolist() == ["m", "d"]
    assert found["n"].tolist() == [40, 35]
    assert found["customers"].tolist() == [30, 0]
    assert found["share"].tolist() == [0.75, 0.0]
    assert found["lost_before"].tolist() == ["c", "b"]
    assert found["drop_off"].tolist() == [10, 35]


def test_without_a_funnel_or_a_segment_no_persona_is_counted():
    index = index_of({"1": "abc"})
    assert journey.funnel_by_persona(index, drawn()).empty
