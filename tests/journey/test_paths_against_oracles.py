"""The fast path questions against slow, obvious ones, on logs with ties, repeats and lone events."""

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from journey_widgets import journey
from journey_widgets.errors import JourneyDataError
from support import oracles

EVENTS = st.lists(
    st.tuples(st.sampled_from("uvw"), st.integers(0, 6), st.sampled_from("abc")),
    min_size=1,
    max_size=25,
)


def log(events):
    start = pd.Timestamp("2026-03-01")
    return pd.DataFrame(
        {
            "customer_id": [c for c, _t, _n in events],
            "ts": [start + pd.Timedelta(seconds=t) for _c, t, _n in events],
            "event": [n for _c, _t, n in events],
        }
    )


@given(EVENTS)
@settings(max_examples=40, deadline=None)
def test_transitions_count_what_the_oracle_counts(events):
    frame = journey.transitions(log(events), ends=True)

    found = {
        (r.source, r.target): [r.times, r.customers]
        for r in frame.rename(columns={"count": "times"}).itertuples()
    }
    assert found == oracles.transitions(events)
    inner = frame[frame["source"] != "path_start"].groupby("source")["proba_out"].sum()
    assert inner.round(9).eq(1).all()


@given(
    EVENTS, st.lists(st.sampled_from("abc"), min_size=1, max_size=4), st.none() | st.integers(1, 6)
)
@settings(max_examples=60, deadline=None)
def test_a_funnel_counts_whom_the_oracle_counts(events, steps, within):
    known = {n for _c, _t, n in events}
    if not set(steps) <= known:
        with pytest.raises(JourneyDataError, match="No event of this log"):
            journey.funnel(log(events), steps)
        return

    frame = journey.funnel(log(events), steps, within=within and f"{within}s")

    assert frame["customers"].tolist() == oracles.funnel(events, steps, within)
    assert frame["customers"].is_monotonic_decreasing
    assert (frame["drop_off"] >= 0).all()


@given(EVENTS)
@settings(max_examples=25, deadline=None)
def test_variants_are_the_paths_the_oracle_finds(events):
    frame = journey.variants(log(events))

    assert dict(zip(frame["path"], frame["customers"], strict=True)) == oracles.variants(events)
    assert frame["coverage"].iloc[-1] == pytest.approx(1)


def test_events_at_the_same_time_keep_their_order_in_the_input_at_any_size():
    n = 60_000
    events = [(f"c{i % 500}", (i // 500) % 7, "abc"[(i * i) % 3]) for i in range(n)]

    frame = journey.transitions(log(events), ends=True)

    found = {
        (s, t): c for s, t, c in zip(frame["source"], frame["target"], frame["count"], strict=True)
    }
    assert found == {pair: n for pair, (n, _c) in oracles.transitions(events).items()}
