"""Who is at a moment, and who of them is left in peace: worked out by hand, and beside a slow and obvious count."""

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from journey_widgets.errors import JourneyDataError
from journey_widgets.upsell import UpsellPlan, eligible, guarded
from journey_widgets.upsell.document import GUARDS, Guards, Minimum
from upsell.plan_data import PLAN, plan, sources

USED = "{0} 03-20 opened\n{0} 03-21 opened\n{0} 03-28 full"


def found(frame, moment):
    own = frame[frame["moment"] == moment]
    return dict(zip(own["customer_id"], own["guard"], strict=True))


def test_a_moment_is_open_for_its_window_and_up_to_the_day_of_the_plan():
    given_ = sources(usage="\n".join([
        USED.format("ann"),
        USED.format("ben").replace("03-28", "03-24T00:01"),  # a minute less than 7 days before the day
        USED.format("cat").replace("03-28", "03-24"),  # 7 days before: over
        USED.format("dan").replace("03-28", "03-31"),  # of the day itself nothing is known
    ]))  # fmt: skip

    frame = eligible(plan(), given_)

    assert found(frame, "full") == {"ann": "", "ben": ""}
    assert frame["since"].tolist() == [pd.Timestamp("2026-03-28"), pd.Timestamp("2026-03-24T00:01")]


def test_usage_counts_days_and_not_events():
    given_ = sources(usage="ann 03-20T08:00 opened\nann 03-20T09:00 opened\nann 03-28 full")

    assert found(eligible(plan(), given_), "full") == {}


def test_days_are_those_of_the_time_zone():
    given_ = sources(usage="ann 03-19T23:30 opened\nann 03-20T08:00 opened\nann 03-28 full")

    assert found(eligible(plan(), given_, zone="Europe/Rome"), "full") == {}
    assert found(eligible(plan(), given_, zone="UTC"), "full") == {"ann": ""}


HELPED = "{0} 03-22 page north\n{0} 03-23 page north\n{0} 03-24 help north"
BOUGHT = "{0} o1 02-20 phone phones 1 50.0"
CASES = {
    "meant": ({}, True),
    "early": ({"events": HELPED.replace("03-22", "03-20")}, False),  # a visit too far back
    "moved": ({"events": HELPED.replace("help north", "help south")}, False),  # where he was last
    "never": ({"lines": ""}, False),
    "back": ({"lines": BOUGHT + "\n{0} o2 02-25 phone phones -1 -50.0"}, False),  # brought back
    "old": ({"lines": BOUGHT.replace("02-20", "01-05")}, False),
    "happy": ({"answers": "r1{0} 03-25 csat 5 1-5 1 {0}"}, True),
    "sad": ({"answers": "r1{0} 03-25 csat 5 1-5 1 {0}\nr2{0} 03-26 csat 2 1-5 1 {0}"}, False),  # the last one counts
    "forgot": ({"answers": "r1{0} 03-01 csat 2 1-5 1 {0}"}, True),  # too long ago
}  # fmt: skip


def test_a_minimum_of_a_column_that_is_not_there_is_refused():
    least = Minimum(column="regoin", contacts={"north": 3})
    with pytest.raises(JourneyDataError, match="minimum asks for 'regoin'.*region"):
        eligible(plan(minimum=least), sources())


def test_of_two_answers_at_one_instant_the_later_row_counts():
    answers = "r1ann 03-25 csat 5 1-5 1 ann\nr2ann 03-25 csat 2 1-5 1 ann"
    rest = {"events": HELPED.format("ann"), "lines": BOUGHT.format("ann")}

    for turn in (1, -1):
        given_ = sources(answers="\n".join(answers.split("\n")[::turn]), **rest)
        given_["answers"] = given_["answers"].assign(row=range(len(given_["answers"])))
        assert ("ann" in found(eligible(plan(), given_), "helped")) == (turn == -1)


def of_everybody(cases, **usual):
    """Sources in which each case is a customer of its own."""
    given_ = {k: [] for k in ("events", "usage", "lines", "tickets", "answers")}
    for name, (changes, _meant) in cases.items():
        for kind, text in {**usual, **changes}.items():
            given_[kind].append(text.format(name))
    return sources(**{k: "\n".join(v) for k, v in given_.items()})


def test_behaviour_history_profile_and_satisfaction_are_each_looked_at():
    given_ = of_everybody(CASES, events=HELPED, lines=BOUGHT)

    assert set(found(eligible(plan(), given_), "helped")) == {
        n for n, (_c, m) in CASES.items() if m
    }


GUARDED = {
    "owner": ({"usage": USED + "\n{0} 02-01 upgraded"}, "has it already"),
    "left": ({"usage": USED + "\n{0} 02-01 upgraded\n{0} 02-09 downgraded"}, ""),
    "shy": ({"usage": USED + "\n{0} 02-01 no_offers"}, "wants no offers"),
    "ill": ({"tickets": "t{0} 03-25 Opened a {0}"}, "has an open case"),
    "well": ({"tickets": "t{0} 03-25 Opened a {0}\nt{0} 03-26 Closed a {0}"}, ""),
    "again": (
        {"tickets": "t{0} 03-25 Opened a {0}\nt{0} 03-26 Closed a {0}\nt{0} 03-27 Reopened a {0}"},
        "has an open case",
    ),
    "later": ({"tickets": "t{0} 03-25 Opened a {0}\nt{0} 03-31 Closed a {0}"}, "has an open case"),  # on the day itself
    "asked": ({"usage": USED + "\n{0} 03-12 offer\n{0} 03-20 offer"}, "was contacted enough"),
    "once": ({"usage": USED + "\n{0} 03-10 offer\n{0} 03-20 offer"}, ""),  # one of them long ago
    "rests": ({"usage": USED + "\n{0} 03-29 offer"}, "was contacted enough"),
    "buyer": ({"lines": "{0} o1 03-29T12:00 phone phones 1 5.0"}, "has just bought"),
    "both": ({"usage": USED + "\n{0} 02-01 upgraded\n{0} 02-01 no_offers"}, "has it already"),  # the first that holds
}  # fmt: skip


def test_each_guard_leaves_in_peace_whom_it_means():
    given_ = of_everybody(GUARDED, usage=USED)

    assert found(eligible(plan(), given_), "full") == {
        n: guard for n, (_c, guard) in GUARDED.items()
    }


def test_pieces_that_were_kept_say_that_he_has_it():
    kept = BOUGHT + "\n{0} o2 03-01 case extras 1 9.0"
    cases = {"kept": ({}, ""), "back": ({"lines": kept + "\n{0} o3 03-02 case extras -1 -9.0"}, "")}

    frame = eligible(plan(), of_everybody(cases, events=HELPED, lines=kept))

    assert found(frame, "helped") == {"kept": "has it already", "back": ""}


def test_guards_that_are_not_set_leave_nobody_in_peace():
    used = USED.format("ann") + "\nann 02-01 no_offers\nann 03-29 offer"

    frame = eligible(
        plan(guards=Guards(open_issue=False)), sources(usage=used, tickets="t1 03-25 Opened a ann")
    )

    assert found(frame, "full") == {"ann": ""}


def test_customers_at_a_moment_and_what_takes_them_add_up():
    used = "\n".join(USED.format(n) for n in ("ann", "ben", "cat"))
    given_ = sources(usage=used + "\nben 02-01 no_offers\ndan 03-28 full")

    counts = guarded(eligible(plan(), given_), plan()).set_index("moment").loc["full"]

    assert counts["at_moment"] == 4
    assert counts["rule_not_met"] == 1
    assert counts["eligible"] == 3
    assert counts["wants no offers"] == 1
    assert counts["may_be_asked"] == 2


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"outcome": ("upgrded",)}, "Did you mean 'upgraded'"),
        ({"guards": Guards(opt_out=("no_ofers",))}, "Did you mean 'no_offers'"),
        ({"guards": Guards(solved=("Sloved",))}, "Did you mean 'Solved'"),
        ({"customer_since": ("birth",)}, "customer_since names 'birth'"),
    ],
)
def test_a_plan_that_names_what_no_source_has_is_refused(change, said):
    with pytest.raises(JourneyDataError, match=said):
        eligible(plan(**change), sources())


def test_a_source_that_a_condition_needs_must_be_there():
    given_ = sources()
    del given_["answers"]

    with pytest.raises(JourneyDataError, match="answers were needed"):
        eligible(plan(), given_)


def test_a_column_that_the_log_does_not_carry_is_refused_with_those_near():
    given_ = sources()
    given_["events"] = given_["events"].rename(columns={"region": "area"})

    with pytest.raises(JourneyDataError, match="asks for 'region'"):
        eligible(plan(), given_)


def test_a_day_that_is_none_is_refused():
    with pytest.raises(JourneyDataError, match="a day such as"):
        eligible(plan(), sources(), as_of="soon")


def test_without_a_day_the_plan_is_for_the_day_after_the_last_event():
    used = USED.format("ann") + "\nzoe 03-30T10:00 opened"

    frame = eligible(plan(as_of=None), sources(usage=used))

    assert "As of the beginning of 31 March 2026" in frame.attrs["definition"]
    assert found(frame, "full") == {"ann": ""}


# beside a slow and obvious count

EVENTS = ["full", "opened", "offer", "no_offers", "upgraded", "downgraded"]
happened = st.lists(
    st.tuples(st.sampled_from("abcdef"), st.integers(1, 30), st.sampled_from(EVENTS)), max_size=90
)  # fmt: skip


def slow(rows, day=31):
    """Who is at the moment *full*, by looping over what happened."""
    told = {}
    for name in sorted({r[0] for r in rows}):
        own = [(d, e) for n, d, e in rows if n == name and d < day]
        if not any(e == "full" and day - d <= 7 for d, e in own):
            continue
        if len({d for d, e in own if e == "opened" and day - d < 30}) < 2:
            continue
        offers = [d for d, e in own if e == "offer"]
        took, gone = ([d for d, e in own if e == w] for w in ("upgraded", "downgraded"))
        told[name] = (
            GUARDS[0] if took and not (gone and max(gone) >= max(took))
            else GUARDS[1] if any(e == "no_offers" for _d, e in own)
            else GUARDS[3] if sum(day - d < 20 for d in offers) >= 2 or any(day - d < 3 for d in offers)
            else ""
        )  # fmt: skip
    return told


@settings(max_examples=8, deadline=None)
@given(happened)
def test_it_is_what_a_loop_over_everything_finds(rows):
    used = "\n".join(f"{n} 03-{d:02} {e}" for n, d, e in rows)

    assert found(eligible(plan(), sources(usage=used)), "full") == slow(rows)


def test_what_never_happened_yet_is_no_unknown_name():
    early = plan(guards=Guards(opt_out=("unsubscribed_by_letter",)))

    assert found(eligible(early, sources(usage=USED.format("ann"))), "full") == {"ann": ""}


def test_a_closing_row_that_names_nobody_closes_the_case_all_the_same():
    tickets = "t1 03-25 Opened a ann\nt1 03-26 Closed a -"

    assert found(eligible(plan(), sources(usage=USED.format("ann"), tickets=tickets)), "full") == {
        "ann": ""
    }


def test_a_return_without_its_purchase_is_no_purchase_less_than_none():
    text = PLAN.replace(
        "{what: usage, event: opened, least: 2, within: 30d}",
        "{what: history, product: case, least: 0, most: 0}",
    )
    given_ = sources(usage="ann 03-28 full", lines="ann o1 02-20 case extras -1 -9.0")

    assert found(eligible(UpsellPlan.from_text(text), given_), "full") == {"ann": ""}


@pytest.mark.parametrize("zone", ["Africa/Cairo", "Asia/Beirut"])
def test_a_day_whose_midnight_the_clocks_skip_begins_all_the_same(zone):
    for day in ("2026-04-24", "2026-03-29"):
        assert eligible(plan(), sources(), as_of=day, zone=zone).empty


@pytest.mark.parametrize("day", ["now", "2026", "NaT", "2026-03-20T10:00Z"])
def test_only_a_day_is_a_day(day):
    with pytest.raises(JourneyDataError, match="a day such as"):
        eligible(plan(), sources(), as_of=day)
