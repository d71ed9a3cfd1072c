"""The fast path questions against slow, obvious ones, on logs with ties, repeats and lone events."""

from datetime import datetime, timedelta

import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from journey_widgets import journey
from journey_widgets.journey.attempts import Rules, attempts
from journey_widgets.journey.pattern import Pattern, matches
from support import oracles
from support.indexes import index_of

EVENTS = st.lists(
    st.tuples(st.sampled_from("uvw"), st.integers(0, 6), st.sampled_from("abc")),
    min_size=1,
    max_size=25,
)
STEPS = st.lists(st.sampled_from("abc"), min_size=1, max_size=4)


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
    assert frame.groupby("source")["proba_out"].sum().round(9).eq(1).all()
    assert frame.groupby("target")["proba_in"].sum().round(9).eq(1).all()
    assert frame["share_of_total"].sum() == pytest.approx(1)
    assert ((frame["low"] <= frame["proba_out"]) & (frame["proba_out"] <= frame["high"])).all()


@given(EVENTS, st.integers(1, 5), st.none() | st.sampled_from("abc"))
@settings(max_examples=50, deadline=None)
def test_a_step_matrix_counts_what_the_oracle_counts(events, max_steps, centre):
    assume(centre is None or centre in {n for _c, _t, n in events})

    frame = journey.step_matrix(index_of(events), max_steps=max_steps, centre=centre)

    found = dict(
        zip(zip(frame["step"], frame["touchpoint"], strict=True), frame["customers"], strict=True)
    )
    assert found == oracles.step_matrix(events, max_steps, centre)
    assert frame.groupby("step")["share"].sum().round(9).eq(1).all()


@given(
    EVENTS,
    STEPS,
    st.sampled_from(["this", "exact", "any"]),
    st.sampled_from(["first", "any", "last"]),
    st.none() | st.integers(1, 6),
    st.sets(st.sampled_from("abc"), max_size=2),
)
@settings(max_examples=300, deadline=None)
def test_a_funnel_reaches_whom_the_oracle_reaches(events, steps, order, entry, within, exclude):
    known = {n for _c, _t, n in events}
    exclude = exclude - set(steps)
    assume(set(steps) <= known and exclude <= known)
    assume(order != "any" or len(set(steps)) == len(steps))
    rules = {"order": order, "entry": entry, "exclude": tuple(sorted(exclude))}

    index = index_of(events)
    frame = journey.funnel(index, steps, within=within and f"{within}s", **rules)
    reached = attempts(
        index,
        steps,
        Rules(**rules, within=within and within * 1_000_000),
    )

    assert frame["customers"].tolist() == oracles.funnel(events, steps, within=within, **rules)
    assert frame["customers"].is_monotonic_decreasing
    assert (frame["drop_off"] >= 0).all()
    begin = pd.Timestamp("2026-03-01").value // 1_000
    times = [[(t - begin) / 1e6 for t in row if t >= 0] for row in reached.moments.tolist()]
    expected = oracles.attempts(events, steps, within=within, **rules)
    assert times == [expected[c] for c in sorted(expected)]


def test_a_path_b_c_a_b_is_not_counted_as_a_then_b_then_c():
    """A peer that matches steps two by two says that this customer went a → b → c."""
    events = [("u", t, n) for t, n in enumerate("bcab")]

    assert journey.funnel(log(events), ["a", "b", "c"])["customers"].tolist() == [1, 1, 0]


@given(EVENTS, st.none() | st.integers(1, 4), st.none() | st.floats(0.05, 1))
@settings(max_examples=40, deadline=None)
def test_variants_are_the_paths_the_oracle_finds(events, top, coverage):
    expected = oracles.variants(events)
    n = sum(expected.values())

    frame = journey.variants(index_of(events), top=top, coverage=coverage)

    ranked = sorted(expected.items(), key=lambda item: (-item[1], item[0]))
    wanted, covered = len(ranked), 0
    if coverage is not None:
        for wanted, (_path, count) in enumerate(ranked, start=1):  # noqa: B007
            covered += count
            if covered / n >= coverage - 1e-12:
                break
    wanted = min(wanted, top or wanted)
    assert list(zip(frame["path"], frame["customers"], strict=True)) == ranked[:wanted]


@given(EVENTS, st.integers(1, 5))
@settings(max_examples=30, deadline=None)
def test_sessions_are_cut_where_the_oracle_cuts(events, timeout):
    index = journey.split_sessions(index_of(events), f"{timeout}s")
    frame = journey.sessions(index_of(events), f"{timeout}s")
    expected = oracles.sessions(events, timeout)

    assert index.customers() == len(expected)
    assert list(zip(frame["customer_id"], frame["events"], strict=True)) == [
        (c, len(names)) for c, names in expected
    ]
    paths = journey.variants(index)
    assert dict(zip(paths["path"], paths["customers"], strict=True)) == oracles.Counter(
        " -> ".join(names) for _c, names in expected
    )


DAYS = st.lists(
    st.tuples(st.sampled_from("uvwx"), st.integers(0, 75 * 24 * 4), st.sampled_from("ab")),
    min_size=1,
    max_size=30,
)


@given(
    DAYS,
    st.sampled_from(["day", "week", "month"]),
    st.sampled_from([None, "a"]),
    st.sampled_from([None, "b"]),
    st.sampled_from(["on", "on_or_after"]),
    st.sampled_from(["UTC", "Europe/Rome", "America/New_York", "Australia/Lord_Howe"]),
)
@settings(max_examples=80, deadline=None)
def test_retention_counts_whom_the_oracle_counts(events, period, start, back, mode, zone):
    # Quarters of an hour from 2026-02-20 on: the clocks change in all these zones meanwhile.
    begin = datetime(2026, 2, 20)  # noqa: DTZ001 - UTC by contract
    dated = [(c, begin + timedelta(minutes=15 * q), n) for c, q, n in events]
    known = {n for _c, _t, n in events}
    assume({start, back} - {None} <= known)

    frame = journey.retention(
        index_of(dated),
        period=period,
        start_event=start,
        return_event=back,
        mode=mode,
        time_zone=zone,
    )

    found = {(r.cohort.date(), r.offset): (r.customers, r.n) for r in frame.itertuples(index=False)}
    expected = oracles.retention(
        dated, period=period, start_event=start, return_event=back, mode=mode, zone=zone
    )
    assert found == expected
    starters = len({c for c, _t, n in dated if start in (None, n)})
    sizes = frame.drop_duplicates("cohort")["n"].sum()
    assert sizes + frame.attrs["open_customers"] == starters


ELEMENT = st.tuples(
    st.sampled_from([("a", "a"), ("[a | b]", "ab"), ("[^a]", "bc"), (".", "abc"), ("c", "c")]),
    st.sampled_from([("", 1, 1), ("*", 0, 99), ("+", 1, 99), ("?", 0, 1)]),
)


@given(EVENTS, st.lists(ELEMENT, min_size=1, max_size=4), st.booleans(), st.booleans())
@settings(max_examples=80, deadline=None)
def test_a_pattern_matches_where_the_oracle_matches(events, elements, from_start, to_end):
    events = [*events, ("z", 0, "a"), ("z", 1, "b"), ("z", 2, "c")]
    assume(any(fewest for _symbol, (_text, fewest, _most) in elements))
    words = [symbol + repeat for (symbol, _allowed), (repeat, _few, _most) in elements]
    text = " -> ".join([*["path_start"] * from_start, *words, *["path_end"] * to_end])
    index = index_of(events)

    found = {}
    for piece in matches(index, Pattern.parse(text, index.touchpoints)):
        found |= {
            int(c): (int(b) - 1, int(e) - 1)
            for c, b, e in zip(piece.customer, piece.begins, piece.ends, strict=True)
        }

    plain = [(set(allowed), few, most) for (_s, allowed), (_r, few, most) in elements]
    expected = {}
    for number, (_customer, path) in enumerate(sorted(oracles.paths(events).items())):
        hit = oracles.match([n for _t, n in path], plain, from_start, to_end)
        if hit is not None:
            expected[number] = hit
    assert found == expected
    assert journey.matching(index, text).customers() == len(expected)


def test_events_at_the_same_time_keep_their_order_in_the_input_at_any_size():
    n = 60_000
    events = [(f"c{i % 500}", (i // 500) % 7, "abc"[(i * i) % 3]) for i in range(n)]

    frame = journey.transitions(log(events), ends=True)

    found = {
        (s, t): c for s, t, c in zip(frame["source"], frame["target"], frame["count"], strict=True)
    }
    assert found == {pair: n for pair, (n, _c) in oracles.transitions(events).items()}
