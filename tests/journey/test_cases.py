from datetime import timedelta

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from journey_widgets import journey
from journey_widgets.errors import JourneyDataError
from journey_widgets.events.paths import path_index
from journey_widgets.events.source import read_events
from journey_widgets.journey.cases import FunnelCases
from support.indexes import START, index_of

EVENTS = st.lists(
    st.tuples(st.sampled_from("uvwxyz"), st.integers(0, 40), st.sampled_from("abc")),
    min_size=1,
    max_size=40,
)


@given(EVENTS, st.integers(0, 40), st.integers(1, 40))
@settings(max_examples=60, deadline=None)
def test_a_period_chosen_in_memory_counts_what_the_funnel_counts(events, first, length):
    index = index_of([*events, ("t", 0, "a"), ("t", 1, "b")])
    since = START + timedelta(seconds=first)
    until = since + timedelta(seconds=length)

    quick = FunnelCases(index, ["a", "b"]).funnel(since=since, until=until)
    slow = journey.funnel(index.began(since, until), ["a", "b"])

    pd.testing.assert_frame_equal(quick, slow)


def test_a_group_chosen_in_memory_is_the_same_funnel_with_the_same_definition():
    rows = [
        (f"c{i}", pd.Timestamp("2026-01-01") + pd.Timedelta(hours=h), e, "xyz"[i % 3])
        for i in range(90)
        for h, e in enumerate(["see", "basket", "buy"][: 1 + i % 4])
    ]
    table = pd.DataFrame(rows, columns=["customer_id", "ts", "event", "kind"])
    index = path_index(read_events(table, keep=["kind"], time_zone="UTC"))
    steps = ["see", "basket", "buy"]
    cases = FunnelCases(index, steps, columns=["kind"])

    for value in cases.groups()["kind"]:
        quick = cases.funnel(column="kind", value=value)
        slow = journey.funnel(index.where("kind", value), steps)
        pd.testing.assert_frame_equal(quick, slow)
        assert journey.definition(quick) == journey.definition(slow)
    assert cases.months() == ["2026-01"]
    with pytest.raises(JourneyDataError, match="No customer has kind = 'w'"):
        cases.funnel(column="kind", value="w")
    with pytest.raises(JourneyDataError, match="Did you mean 'kind'"):
        cases.funnel(column="kid", value="x")
