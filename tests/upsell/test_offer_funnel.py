"""Eligible, offered, accepted, kept: everybody is somewhere, and nobody is twice."""

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from journey_widgets.errors import JourneyDataError
from journey_widgets.upsell import after_offers, eligible, followed_by, offer_funnel, signals
from journey_widgets.upsell.document import Sequence
from upsell.plan_data import plan, sources


def counts(frame, moment="full"):
    own = frame[frame["moment"] == moment]
    return {s: n for s, n in zip(own["step"], own["customers"], strict=True) if n}


def followed(usage, **more):
    used = "\n".join(
        f"{n} 02-{d} opened"
        for n in {line.split()[0] for line in usage.splitlines()}
        for d in (25, 26)
    )
    return offer_funnel(plan(), sources(usage=f"{used}\n{usage}", **more), since="2026-03-01")


WHERE = {
    "a": ("a 03-02 full", "not offered"),
    "b": ("b 03-20 opened\nb 03-21 opened\nb 03-28 full", "may still be offered"),
    "c": ("c 03-02 full\nc 03-04 offer", "did not accept"),
    "d": ("d 03-22 full\nd 03-24 offer", "may still accept"),
    "e": ("e 03-02 full\ne 03-10 offer", "not offered"),  # after the window
    "f": ("f 03-02 full\nf 03-04 offer\nf 03-09 upgraded", "kept"),
    "g": ("g 03-02 full\ng 03-04 offer\ng 03-15 upgraded", "did not accept"),  # too late
    "h": ("h 03-02 full\nh 03-04 offer\nh 03-09 upgraded\nh 03-20 downgraded", "given back"),
    "i": ("i 03-02 full\ni 03-04 offer\ni 03-09 upgraded\ni 03-31 downgraded", "kept"),  # back on the day itself
    "j": ("j 03-02 full\nj 03-03 no_offers\nj 03-04 offer", "wants no offers"),
    "l": ("l 03-02 full\nl 03-05 upgraded", "not offered"),  # took it unasked: he did not have it when it opened
    "k": ("k 03-02 full\nk 03-04 offer\nk 03-05 no_offers", "did not accept"),  # asked before
}  # fmt: skip


def test_a_customer_is_where_he_was_lost_or_at_the_end():
    found = counts(followed("\n".join(text for text, _where in WHERE.values())))

    meant = Counter(where for _text, where in WHERE.values())
    stages = {"at the moment": 12, "eligible": 12, "offered": 7, "accepted": 3}
    assert found == {**meant, **stages}


def test_what_was_offered_in_spite_of_a_guard_is_counted():
    frame = followed("ann 03-02 full\nann 03-03 no_offers\nann 03-04 offer").set_index("step")

    assert frame.loc["wants no offers", "offered_all_the_same"].iloc[0] == 1


def test_where_nobody_records_the_offer_it_is_said():
    events = "ann 03-08 page north\nann 03-09 page north\nann 03-03 help north"
    frame = offer_funnel(
        plan(), sources(events=events, lines="ann o1 02-20 phone phones 1 5.0"), since="2026-03-01"
    )

    found = counts(frame, "helped")

    assert (
        found == {"at the moment": 1, "rule not met": 1} or found["not known who was offered"] == 1
    )


def test_a_first_day_after_the_last_is_refused():
    with pytest.raises(JourneyDataError, match="a day before 31 March 2026 was needed"):
        offer_funnel(plan(), sources(), since="2026-04-01")


EVENTS = ["full", "opened", "offer", "no_offers", "upgraded", "downgraded"]


@settings(max_examples=8, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from("abcd"), st.integers(1, 30), st.sampled_from(EVENTS)), max_size=40
    )
)
def test_each_stage_is_the_one_before_less_those_who_were_lost(rows):
    used = "\n".join(f"{n} 03-{d:02} {e}" for n, d, e in rows)

    frame = offer_funnel(plan(), sources(usage=used), since="2026-03-01")

    assert (frame["customers"] >= 0).all()
    for _moment, own in frame.groupby("moment"):
        left = 0
        for stage, customers in zip(own["stage"], own["customers"], strict=True):
            if stage and left:
                assert customers == left
            left = customers if stage else left - customers
    people = {n for n, _d, e in rows if e == "full"}
    assert frame.loc[frame["moment"] == "full", "customers"].iloc[0] == len(people)


def test_what_nobody_wants_is_counted_beside_acceptance():
    usage = """a 03-02 full
a 03-04 offer
a 03-09 upgraded
a 03-12 no_offers
b 03-02 full
b 03-04 offer
b 03-20 no_offers
c 03-02 full
c 03-09 no_offers
d 03-02 full
d 03-04 offer
d 03-06 upgraded
d 03-20 downgraded
e 03-22 full
e 03-24 offer
e 03-26 upgraded"""
    tickets = "t1 03-05 Opened x a\nt1 03-06 Solved x a\nt2 03-01 Opened x b\nt2 03-05 Solved x b"

    own = plan(lost=("downgraded",))
    row = after_offers(own, sources(usage=usage, tickets=tickets), since="2026-03-01").iloc[0]

    assert row["offered"] == 3  # c was not
    assert row["deciding"] == 1  # e, whose time is not over
    assert row["opted_out"] == 1  # b later than the offer's time
    assert row["opened_case"] == 1  # b's was open before
    assert (row["accepted"], row["given_back"]) == (2, 1)
    assert row["left"] == 0  # d left later than the offer's time


def test_a_transition_is_a_thing_of_its_own():
    usage = """a 03-02 full
a 03-04 opened
a 03-05 opened
a 03-20 opened
b 03-04 opened
b 03-05 full
c 03-04T10:00 full
c 03-04T10:00 opened"""
    every = signals(sources(usage=usage))

    found = followed_by(every, ["full", "opened"], "7d")

    own = found.filter(found.event == "full then opened").order_by("ts").to_pyarrow().to_pylist()
    assert [(r["customer_id"], r["ts"].day) for r in own] == [("a", 4), ("a", 5)]
    assert found.count().to_pyarrow().as_py() == every.count().to_pyarrow().as_py() + 2


def test_the_third_time_in_a_week_is_a_thing_of_its_own():
    usage = """a 03-02 opened
a 03-04 opened
a 03-09T00:00 opened
a 03-20 opened
b 03-02 opened
b 03-05 opened
b 03-09T00:01 opened"""
    every = signals(sources(usage=usage))

    found = followed_by(every, ["opened"] * 3, "7d", name="often")

    own = found.filter(found.event == "often").to_pyarrow().to_pylist()
    assert [(r["customer_id"], r["ts"].day) for r in own] == [("a", 9)]
    with pytest.raises(JourneyDataError, match="1 step: a sequence of two or more"):
        followed_by(every, ["opened"])


@settings(deadline=None, max_examples=30)
@given(st.lists(st.tuples(st.integers(0, 12), st.sampled_from("xyz")), min_size=1, max_size=12))
def test_a_sequence_is_there_exactly_where_its_steps_are_in_order_within_the_time(events):
    steps, hours = ["x", "y", "x"], 5
    rows = [f"c 03-01T{h:02d}:00 {e} north" for h, e in sorted(set(events))]
    slow = {
        c
        for a, one in set(events) for b, two in set(events) for c, three in set(events)
        if [one, two, three] == steps and a < b < c and c - a <= hours
    }  # fmt: skip

    found = followed_by(signals(sources("\n".join(rows))), steps, f"{hours}h", name="s")

    own = found.filter(found.event == "s").to_pyarrow().to_pylist()
    assert sorted(r["ts"].hour for r in own) == sorted(slow)


def test_a_moment_may_open_with_a_sequence():
    usage = "a 03-20 full\na 03-28 opened\nb 03-28 full\nb 03-29 opened\nb 03-30 opened"
    first = plan()
    moments = (first.moments[0].model_copy(update={"after": "used_after_full"}),)
    then = Sequence(id="used_after_full", label="Used", steps=("full", "opened"), within="3d")
    own = plan(sequences=(then,), moments=moments)
    told = sources(usage=usage)

    found = eligible(own, told)

    assert list(found["customer_id"]) == ["b"]
    with pytest.raises(JourneyDataError, match="sequence full is called what something"):
        eligible(plan(sequences=(then.model_copy(update={"id": "full"}),)), told)
