"""Plan against log: the EVD rules on logs worked out by hand, and the figures of a real-looking one."""

from datetime import UTC, date, datetime

import ibis
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from journey_widgets import Workspace, read_tickets
from journey_widgets.errors import DocumentError, JourneyDataError
from journey_widgets.raci import (
    MatrixRole,
    MatrixRow,
    RaciMatrix,
    RaciPolicy,
    adopt,
    check,
    compare_with_log,
    draft_from_log,
    empty_from_log,
    hand_overs,
)
from journey_widgets.raci.handling import is_hidden
from journey_widgets.roles import Holder, Role, RoleRegister

STEPS = {"do": "handle", "sign": "approve", "ask": "consult", "tell": "notify"}


def plan(**cells):
    """A matrix of one row, help, with the roles tech, support, sales, chief."""
    roles = tuple(MatrixRole(id=r, label=r.title()) for r in ("tech", "support", "sales", "chief"))
    return RaciMatrix(roles=roles, rows=(MatrixRow(touchpoint="help", label="Help", cells=cells),))


def log(*events):
    """Events: (case, role, activity) or (case, role, activity, minutes, actor); about the touchpoint help."""
    rows = []
    for i, (case, role, activity, *more) in enumerate(events):
        minute, actor = [*more, i, f"a person of {role}"][:2] if len(more) < 2 else more
        moment = pd.Timestamp("2026-01-01") + pd.Timedelta(minutes=minute)
        rows.append((str(case), moment, activity, actor, role, "help"))
    columns = ["case_id", "ts", "activity", "actor", "role", "kind"]
    return read_tickets(pd.DataFrame(rows, columns=columns)).table


def handled(**counts):
    return [(f"{role}{i}", role, "do") for role, n in counts.items() for i in range(n)]


def codes(found):
    return [f.code for f in found.findings]


def test_evd_01_the_worked_example_of_eighty_events():
    found = compare_with_log(
        plan(tech="R", chief="A"), log(*handled(tech=42, support=30, sales=8)), steps=STEPS
    )

    row = found.touchpoints.iloc[0]
    assert (row["n"], row["planned_events"], row["planned_share"]) == (80, 42, 0.525)
    assert (round(row["low"], 3), round(row["high"], 3)) == (0.417, 0.631)
    finding = next(f for f in found.findings if f.code == "EVD-01")
    assert finding.measured["x"] == 38
    assert (round(finding.measured["low"], 3), round(finding.measured["high"], 3)) == (0.369, 0.583)
    assert finding.message == (
        "Help: 48% of 80 events (37% to 58%) are done by roles that are not planned for it, most by Support."
    )
    assert "out of date" in finding.question
    assert found.doers[["role", "planned", "events"]].values.tolist() == [
        ["tech", True, 42], ["support", False, 30], ["sales", False, 8]]  # fmt: skip
    assert found.conformance() == (42, 80)


def test_evd_01_is_silent_where_the_interval_reaches_below_a_fifth():
    found = compare_with_log(plan(tech="R"), log(*handled(tech=30, support=10)), steps=STEPS)
    assert "EVD-01" not in codes(found)


def test_evd_02_a_planned_role_that_is_never_seen_from_thirty_five_events_on():
    both = plan(tech="R", sales="R")
    assert "EVD-02" in codes(compare_with_log(both, log(*handled(tech=80)), steps=STEPS))
    assert "EVD-02" in codes(compare_with_log(both, log(*handled(tech=35)), steps=STEPS))
    assert "EVD-02" not in codes(compare_with_log(both, log(*handled(tech=34)), steps=STEPS))
    assert "EVD-02" not in codes(
        compare_with_log(both, log(*handled(tech=79, sales=1)), steps=STEPS)
    )


def test_evd_00_fewer_than_thirty_events_are_not_judged():
    found = compare_with_log(plan(tech="R"), log(*handled(support=29)), steps=STEPS)
    assert codes(found) == ["EVD-00"]
    assert not found.touchpoints["judged"].iloc[0]
    assert (
        codes(compare_with_log(plan(tech="R"), log(*handled(support=30)), steps=STEPS))[0]
        == "EVD-01"
    )


def test_evd_03_somebody_else_than_the_planned_a_signs_off():
    work = handled(tech=40)
    signs = [(f"tech{i}", "sales" if i < 20 else "chief", "sign") for i in range(40)]
    found = compare_with_log(plan(tech="R", chief="A"), log(*work, *signs), steps=STEPS)
    finding = next(f for f in found.findings if f.code == "EVD-03")
    assert (finding.measured["x"], finding.measured["n"], finding.measured["most"]) == (
        20,
        40,
        "sales",
    )
    right = [(f"tech{i}", "chief", "sign") for i in range(40)]
    assert "EVD-03" not in codes(
        compare_with_log(plan(tech="R", chief="A"), log(*work, *right), steps=STEPS)
    )
    few = signs[:5]
    assert "EVD-03" not in codes(
        compare_with_log(plan(tech="R", chief="A"), log(*work, *few), steps=STEPS)
    )


def test_evd_04_a_planned_c_was_not_asked_before_the_decision():
    events = []
    for i in range(40):
        events += [(i, "tech", "do", 100 * i)]
        if i < 20:
            events += [(i, "sales", "ask", 100 * i + 10)]
        elif i < 25:
            events += [(i, "sales", "ask", 100 * i + 50)]  # too late
        events += [(i, "chief", "sign", 100 * i + 30)]
    found = compare_with_log(plan(tech="R", chief="A", sales="C"), log(*events), steps=STEPS)
    finding = next(f for f in found.findings if f.code == "EVD-04")
    assert (finding.measured["x"], finding.measured["n"], finding.severity) == (20, 40, "info")
    assert finding.ids["role"] == "sales"


def test_evd_05_a_planned_i_is_told_too_late():
    def told(minutes):
        events = []
        for i in range(40):
            events += [(i, "tech", "do", 10_000 * i), (i, "sales", "tell", 10_000 * i + minutes)]
        return compare_with_log(plan(tech="R", chief="A", sales="I"), log(*events), steps=STEPS)

    finding = next(f for f in told(60 * 30).findings if f.code == "EVD-05")
    assert finding.measured["median_hours"] == 30.0
    assert "EVD-05" not in codes(told(60 * 20))


def test_evd_06_more_hand_overs_a_case_than_planned_doers():
    events = [
        e for i in range(30) for e in ((i, "tech", "do"), (i, "support", "do"), (i, "tech", "do"))
    ]
    found = compare_with_log(plan(tech="R", chief="A"), log(*events), steps=STEPS)
    assert found.touchpoints["hand_overs_per_case"].iloc[0] == 2.0
    assert "EVD-06" in codes(found)
    assert "EVD-06" not in codes(
        compare_with_log(plan(tech="R", support="R"), log(*events), steps=STEPS)
    )


def test_a_person_has_the_role_held_on_that_day():
    people = RoleRegister(
        roles=(
            Role(id="tech", label="Tech", holders=(Holder(name="Ann", until=date(2026, 1, 1)),)),
            Role(id="sales", label="Sales", holders=(Holder(name="Ann", since=date(2026, 1, 2)),)),
        )
    )
    day = 24 * 60
    events = [
        (i, "support", "do", minute, "Ann") for i, minute in enumerate([0, day - 1, day, day + 1])
    ]
    found = compare_with_log(plan(tech="R"), log(*events), people, steps=STEPS)
    assert found.doers.set_index("role")["events"].to_dict() == {"tech": 2, "sales": 2}
    rome = compare_with_log(
        plan(tech="R"), log(*events), people, steps=STEPS, time_zone="Europe/Rome"
    )
    # In Rome 23:59 UTC is already the next day.
    assert rome.doers.set_index("role")["events"].to_dict() == {"tech": 1, "sales": 3}


def test_actors_without_a_role_are_counted_and_not_part_of_any_share():
    events = [*handled(tech=40), *[(f"x{i}", "Night shift", "do") for i in range(12)]]
    found = compare_with_log(plan(tech="R"), log(*events), steps=STEPS)
    row = found.touchpoints.iloc[0]
    assert (row["events"], row["n"], row["unmapped"], row["planned_share"]) == (52, 40, 12, 1.0)
    assert found.unmapped.values.tolist() == [["a person of Night shift", "Night shift", 12]]


def test_events_at_touchpoints_that_are_not_in_the_matrix_are_counted():
    frame = pd.DataFrame(
        {"case_id": ["1", "2"], "ts": ["2026-01-01"] * 2, "activity": ["do"] * 2, "actor": ["x"] * 2,
         "role": ["tech"] * 2, "kind": ["Help", "Refund"]}
    )  # fmt: skip
    found = compare_with_log(plan(tech="R"), read_tickets(frame), steps=STEPS)
    assert (found.touchpoints["n"].iloc[0], found.elsewhere) == (1, 1)
    named = compare_with_log(
        plan(tech="R"), read_tickets(frame), steps=STEPS, touchpoints={"Refund": "help"}
    )
    assert (named.touchpoints["n"].iloc[0], named.elsewhere) == (2, 0)


def test_a_change_of_the_plan_splits_the_window():
    day = 24 * 60
    before = [(f"b{i}", "support", "do", i) for i in range(40)]
    after = [(f"a{i}", "tech", "do", day + i) for i in range(40)]
    old, new = plan(support="R"), plan(tech="R")
    plans = [(datetime(2025, 6, 1, tzinfo=UTC), old), (datetime(2026, 1, 2, tzinfo=UTC), new)]
    found = compare_with_log(plans, log(*before, *after), steps=STEPS)
    assert found.touchpoints[["n", "planned_share"]].values.tolist() == [[40.0, 1.0], [40.0, 1.0]]
    assert found.touchpoints["until"].iloc[0] == pd.Timestamp("2026-01-02")
    assert not {"EVD-01", "EVD-02"} & set(codes(found))
    assert {"EVD-01", "EVD-02"} <= set(codes(compare_with_log(new, log(*before), steps=STEPS)))


def test_a_change_elsewhere_does_not_split_a_row():
    first, second = plan(tech="R"), plan(tech="R").model_copy(update={"label": "New name"})
    plans = [(datetime(2025, 6, 1, tzinfo=UTC), first), (datetime(2026, 1, 1, tzinfo=UTC), second)]
    assert len(compare_with_log(plans, log(*handled(tech=40)), steps=STEPS).touchpoints) == 1


def test_the_window_counts_whole_days_of_the_zone():
    day = 24 * 60
    events = log(*[(i, "tech", "do", i * day) for i in range(5)])
    found = compare_with_log(
        plan(tech="R"), events, steps=STEPS, since=date(2026, 1, 2), until=date(2026, 1, 3)
    )
    assert found.touchpoints["n"].iloc[0] == 2


def test_an_unknown_kind_of_step_is_refused():
    with pytest.raises(JourneyDataError, match="steps: 'do' is 'handled'.*Did you mean 'handle'"):
        compare_with_log(plan(tech="R"), log(*handled(tech=1)), steps={"do": "handled"})


def test_hand_overs_are_counted_from_role_to_role():
    events = [("1", "support", "do"), ("1", "tech", "do"), ("1", "tech", "do"), ("1", "support", "do"),
              ("2", "support", "do"), ("2", "tech", "do")]  # fmt: skip
    found = hand_overs(plan(tech="R"), log(*events), steps=STEPS)
    assert found[["source", "target", "hand_overs", "cases"]].values.tolist() == [
        ["support", "tech", 2, 2], ["tech", "support", 1, 1]]  # fmt: skip
    assert found["hand_overs"].sum() == 3


@settings(max_examples=20, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from("123"), st.sampled_from(["tech", "sales", "chief"])),
        min_size=1,
        max_size=25,
    )
)
def test_hand_overs_of_any_log_equal_those_counted_one_by_one(events):
    rows = [(case, role, "do") for case, role in events]
    counted = {}
    last = {}
    for case, role in events:
        if case in last and last[case] != role:
            counted[last[case], role] = counted.get((last[case], role), 0) + 1
        last[case] = role
    found = hand_overs(plan(tech="R"), log(*rows), steps=STEPS)
    assert {
        (s, t): n for s, t, n in found[["source", "target", "hand_overs"]].itertuples(index=False)
    } == counted


def test_a_draft_gives_the_work_to_those_who_do_it_and_leaves_the_rest():
    matrix = plan(tech="R", chief="A", support="C", sales="I")
    events = log(*handled(tech=42, support=30, sales=8))
    draft = draft_from_log(matrix, events, steps=STEPS)
    assert draft.rows[0].cells == {"tech": "R", "support": "R", "sales": "I", "chief": "A"}
    assert compare_with_log(draft, events, steps=STEPS).conformance() == (72, 80)
    few = draft_from_log(matrix, log(*handled(support=29)), steps=STEPS)
    assert few == matrix


@pytest.mark.parametrize(
    "name",
    [
        "System",
        "chatbot",
        "SupportBot",
        "svc_zendesk",
        "webhook",
        "Anonymous user",
        "auto-reply",
        "Chat bot",
        "workflow engine",
        "XXXX",
        "***",
        "",
        "masked",
        "Anonymous",
        "n/a",
        "SYSTEM-7",
    ],
)
def test_masked_names_and_programs_are_recognised(name):
    assert is_hidden(name)


@pytest.mark.parametrize(
    "name",
    [
        "Abbott",
        "Robotham",
        "Value 7",
        "agent_01",
        "Max",
        "Systema Ltd",
        "Scriptor",
        "System Administration",
        "IT System Support",
        "Automation Engineer",
        "Workflow Manager",
        "Batch Release Team",
        "Xx",
    ],
)
def test_names_of_people_are_not(name):
    assert not is_hidden(name)


def test_programs_and_masked_names_never_become_responsible():
    matrix = plan(tech="R", chief="A")
    events = [(f"s{i}", "support", "do", i, "Chat bot") for i in range(60)]
    events += [(f"t{i}", "tech", "do", i, "Ann") for i in range(40)]
    events += [(f"x{i}", "sales", "do", i, "XXXXX") for i in range(60)]
    draft = draft_from_log(matrix, log(*events), steps=STEPS)
    assert draft.rows[0].cells == {"tech": "R", "chief": "A"}
    named = draft_from_log(matrix, log(*[(f"t{i}", "sales", "do", i, "Macro") for i in range(40)], *events[60:100]),
                           steps=STEPS, not_people=["Macro"])  # fmt: skip
    assert named.rows[0].cells == {"tech": "R", "chief": "A"}


def test_a_matrix_can_begin_from_a_log_alone():
    events = read_tickets(
        pd.DataFrame(
            {"case_id": [str(i) for i in range(80)], "ts": ["2026-01-01"] * 80, "activity": ["do"] * 80,
             "actor": ["Ann"] * 80, "role": ["Group 7"] * 50 + ["Group 2"] * 28 + ["***"] * 2,
             "kind": ["Password"] * 80}
        )
    )  # fmt: skip
    blank = empty_from_log(events)
    assert [r.label for r in blank.roles] == ["Group 7", "Group 2"]
    draft = draft_from_log(blank, events)
    assert draft.rows[0].cells == {"group_7": "R", "group_2": "R"}
    assert {"ROW-01"} == {f.code for f in check(draft) if f.severity == "error"}


def test_adopting_saves_a_plan_that_fits_better_and_nothing_else(made_example, tmp_path):
    space = Workspace.create(tmp_path / "space", template="phone_retailer")
    plan_now, tickets, roles = space.raci, space.tickets(), space.roles
    draft = draft_from_log(plan_now, tickets, roles)

    saved = adopt(space, plan_now, draft, tickets, roles)

    assert saved.rev == 2
    before, after = (
        compare_with_log(m, tickets, roles).conformance() for m in (plan_now, space.raci)
    )
    assert (before, after) == ((1292, 2007), (1844, 2007))
    assert "adopted from the log: 92% of 2,007 events fit" in space.history("raci")["note"].iloc[0]
    with pytest.raises(DocumentError, match="fits the log no better.*Nothing was saved"):
        adopt(space, space.raci, draft, tickets, roles)
    assert space.rev("raci") == 2


def test_the_planted_unplanned_doer_of_the_example_is_found(made_example):
    space = Workspace.open(made_example, read_only=True)
    found = compare_with_log(space.raci, space.tickets(), space.roles)
    finding = next(f for f in found.findings if f.code == "EVD-01")
    assert (finding.ids["touchpoint"], finding.measured["most"]) == ("setup_help", "sales_rep")
    judged = found.touchpoints[found.touchpoints["judged"]]
    assert judged["touchpoint"].tolist() == ["setup_help", "warranty_claim"]
    assert found.unmapped.empty


def test_the_policy_sets_the_limits():
    events = log(*handled(tech=42, support=30, sales=8))
    loose = RaciPolicy(unplanned_share=0.4)
    assert "EVD-01" not in codes(
        compare_with_log(plan(tech="R"), events, steps=STEPS, policy=loose)
    )


def test_before_a_row_was_there_the_first_plan_that_has_it_is_taken():
    empty = RaciMatrix(roles=plan().roles)
    day = 24 * 60
    early = [(f"e{i}", "tech", "do", i) for i in range(50)]
    late = [(f"l{i}", "tech", "do", 10 * day + i) for i in range(50)]
    plans = [
        (datetime(2025, 1, 1, tzinfo=UTC), empty),
        (datetime(2026, 1, 5, tzinfo=UTC), plan(tech="R")),
    ]
    found = compare_with_log(plans, log(*early, *late), steps=STEPS)
    assert found.conformance() == (100, 100)
    assert "EVD-01" not in codes(found)


def test_an_older_plan_is_read_in_its_own_scheme():
    old = plan(tech="R").model_copy(update={"scheme": "DACI"})
    old = RaciMatrix.from_body(
        {**old.body(), "rows": [{"touchpoint": "help", "label": "Help", "cells": {"tech": "D"}}]}
    )
    day = 24 * 60
    events = [(f"e{i}", "tech", "do", i) for i in range(60)] + [
        (f"l{i}", "tech", "do", 10 * day + i) for i in range(60)
    ]
    plans = [
        (datetime(2025, 1, 1, tzinfo=UTC), old),
        (datetime(2026, 1, 5, tzinfo=UTC), plan(tech="R")),
    ]
    assert compare_with_log(plans, log(*events), steps=STEPS).conformance() == (120, 120)


def test_changes_of_the_plan_outside_of_the_window_do_not_split_it():
    plans = [
        (datetime(2024, m, 1, tzinfo=UTC), plan(tech="R" if m % 2 else "A")) for m in range(1, 12)
    ]
    found = compare_with_log(plans, log(*handled(tech=40)), steps=STEPS, since=date(2026, 1, 1))
    assert len(found.touchpoints) == 1
    assert "EVD-00" not in codes(found)


def test_nobody_asked_at_all_is_found_where_the_log_could_tell():
    events = [
        e
        for i in range(40)
        for e in ((i, "tech", "do", 100 * i), (i, "chief", "sign", 100 * i + 30))
    ]
    matrix = plan(tech="R", chief="A", sales="C")
    assert "EVD-04" in codes(compare_with_log(matrix, log(*events), steps=STEPS))
    blind = {k: v for k, v in STEPS.items() if v != "consult"}
    assert "EVD-04" not in codes(compare_with_log(matrix, log(*events), steps=blind))


def test_holders_are_found_whatever_the_case_of_their_names():
    people = RoleRegister(roles=(Role(id="tech", label="Tech", holders=(Holder(name="Ann Lee"),)),))
    events = [(i, "elsewhere", "do", i, "ANN LEE ") for i in range(5)]
    assert compare_with_log(plan(tech="R"), log(*events), people, steps=STEPS).conformance() == (
        5,
        5,
    )


def test_a_draft_leaves_text_that_is_no_letter_and_makes_no_new_error():
    odd = plan(tech="R?", support="TBD: ask Ann", chief="A")
    draft = draft_from_log(odd, log(*handled(tech=42, support=30, sales=20)), steps=STEPS)
    assert (draft.cell("help", "tech"), draft.cell("help", "support")) == ("R?", "TBD: ask Ann")
    checked = RaciMatrix.from_body(
        {**plan(tech="R", support="V", chief="A/S").body(), "scheme": "RACI-VS"}
    )
    taken = draft_from_log(checked, log(*handled(tech=42, support=40)), steps=STEPS)
    assert "CELL-03" not in [f.code for f in check(taken)]
    daci = RaciMatrix.from_body({**plan(tech="D", chief="A").body(), "scheme": "DACI"})
    driven = draft_from_log(daci, log(*handled(tech=30, support=40, sales=30)), steps=STEPS)
    assert "ROW-14" not in [f.code for f in check(driven)]


def test_spellings_of_a_group_are_one_column_and_a_touchpoint_without_group_keeps_its_row():
    frame = pd.DataFrame(
        {"case_id": list("abc"), "ts": ["2026-01-01"] * 3, "activity": ["do"] * 3, "actor": ["x"] * 3,
         "role": ["Support", "support", None], "kind": ["One", "One", "Two"]}
    )  # fmt: skip
    blank = empty_from_log(read_tickets(frame))
    assert [r.label for r in blank.rows] == ["One", "Two"]
    assert len(blank.roles) == 1


def test_tables_that_were_not_read_by_us_are_taken_too():
    frame = pd.DataFrame(
        {"case_id": ["a", "b", "c"], "ts": pd.to_datetime(["2026-01-01T10:00Z", None, "2026-01-02T10:00Z"], utc=True),
         "activity": ["do"] * 3, "actor": ["Ann"] * 3, "role": ["tech"] * 3, "kind": ["help"] * 3}
    )  # fmt: skip
    table = ibis.memtable(pa.Table.from_pandas(frame, preserve_index=False))
    assert compare_with_log(plan(tech="R"), table, since=date(2026, 1, 2)).conformance() == (1, 1)
    nothing = ibis.memtable(pa.Table.from_pandas(frame.head(0), preserve_index=False))
    assert compare_with_log(plan(tech="R"), nothing).conformance() == (0, 0)
    with pytest.raises(DocumentError, match="role, group or actor"):
        hand_overs(plan(tech="R"), table, by="team")


def test_findings_about_an_older_plan_say_when_and_are_accepted_apart():
    plans = [
        (datetime(2025, 1, 1, tzinfo=UTC), plan(tech="R")),
        (datetime(2026, 2, 1, tzinfo=UTC), plan(support="R")),
    ]
    found = compare_with_log(plans, log(*handled(support=60)), steps=STEPS)
    one = next(f for f in found.findings if f.code == "EVD-01")
    assert one.message.endswith("(until 1 Feb 2026).")
    assert one.about() == "until 1 Feb 2026"
    assert [f.message for f in found.findings if f.code == "EVD-00"] == [
        "Help: 0 handling events in the window; 30 are needed to judge (since 1 Feb 2026)."]  # fmt: skip
