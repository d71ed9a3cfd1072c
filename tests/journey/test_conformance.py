from collections import Counter

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from journey_widgets import journey
from journey_widgets.journey import Journey, Touchpoint
from support import oracles
from support.indexes import index_of

EVENTS = st.lists(
    st.tuples(st.sampled_from("uvw"), st.integers(0, 6), st.sampled_from("abcx")),
    min_size=1,
    max_size=25,
)


def designed(ways=(), funnel=("a", "b", "c")):
    map_ = Journey.draft(
        "M", touchpoints=[Touchpoint(id=n, label=n.upper(), stage="awareness") for n in "abc"]
    )
    body = {**map_.model_dump(mode="json"), "funnel": list(funnel)}
    return Journey.from_body({**body, "ways": [{"source": s, "target": t} for s, t in ways]})


def expected(events, ways, funnel=("a", "b", "c")):
    """(customer → Counter of kinds, customers skipping each step, those at it or later)."""
    led = set(ways) or {("a", "b"), ("a", "c"), ("b", "c")}
    cases, skipped, beyond = {}, Counter(), Counter()
    for customer, path in oracles.paths(events).items():
        kinds, seen, before = Counter(), set(), None
        for _t, name in path:
            if name not in "abc":
                kinds["unmapped"] += 1
                continue
            if before is None or (before, name) in led:
                kinds["done"] += 1
            else:
                kinds["repeated" if name in seen else "unplanned"] += 1
            seen.add(name)
            before = name
        missed = 0
        for place, step in enumerate(funnel):
            later = any(s in seen for s in funnel[place + 1 :])
            if step in seen or later:
                beyond[step] += 1
            if step not in seen and later:
                skipped[step] += 1
                missed += 1
        cases[customer] = (kinds, missed)
    return cases, skipped, beyond


@given(EVENTS, st.sets(st.tuples(st.sampled_from("abc"), st.sampled_from("abc"))))
@settings(max_examples=120, deadline=None)
def test_every_event_is_done_repeated_unplanned_or_unmapped_as_the_oracle_says(events, ways):
    assume(any(n in "abc" for _c, _t, n in events))
    cases, skipped, beyond = expected(events, ways)

    index = index_of(events)
    frame = journey.conformance(index, designed(sorted(ways))).set_index("touchpoint")
    single = journey.conformance_by_customer(index, designed(sorted(ways))).set_index("customer_id")

    assert frame["events"].sum() == len(events)
    kinds = ["done", "repeated", "unplanned", "unmapped"]
    assert (frame[kinds].sum(axis=1) == frame["events"]).all()
    for customer, (counted, missed) in cases.items():
        assert {k: single.loc[customer, k] for k in kinds} == {k: counted[k] for k in kinds}
        assert single.loc[customer, "skipped"] == missed
    assert single["events"].sum() == len(events)
    assert (single[kinds].sum() == frame[kinds].sum()).all()
    for step in "abc":
        assert frame.loc[step, "skipped"] == skipped[step]
        assert frame.loc[step, "n"] == beyond[step]


def test_what_the_map_lacks_is_listed_below_it():
    frame = journey.conformance(index_of([("u", 0, "a"), ("u", 1, "odd")]), designed())

    assert frame["touchpoint"].tolist() == ["a", "b", "c", "odd"]
    assert frame.set_index("touchpoint").loc["odd", "unmapped"] == 1
