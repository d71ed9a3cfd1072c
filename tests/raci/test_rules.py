from datetime import date

import pandas as pd

from journey_widgets.journey import Journey, Touchpoint
from journey_widgets.raci import RaciMatrix, RaciPolicy, check
from journey_widgets.roles import Holder, Role, RoleRegister
from raci.cases import PLANTED_FAULTS, SUPPORT_ARTICLE, UPSELL_ARTICLE


def found(matrix, **options):
    return [(f.severity, f.code, f.ids.get("touchpoint")) for f in check(matrix, **options)]


def test_the_planted_faults_are_found_and_nothing_else():
    assert found(PLANTED_FAULTS) == [
        ("error", "ROW-02", "set_up_help"),
        ("error", "ROW-03", "warranty_claim"),
        ("error", "ROW-01", "feedback_request"),
        ("error", "ROW-03", "feedback_request"),
    ]


def test_a_matrix_without_gaps_gives_no_finding():
    assert found(UPSELL_ARTICLE) == []


def test_assignments_without_an_accountable_role_are_named_row_by_row():
    assert [code for _severity, code, _id in found(SUPPORT_ARTICLE)] == ["ROW-01"] * 4


def test_an_unknown_letter_is_reported_with_its_cell_and_its_text():
    matrix = RaciMatrix.from_frame(
        pd.DataFrame({"Sales": ["A", "Z"], "Support": ["R", "A/R"]}, index=["Offer", "Help"])
    )

    finding = check(matrix)[0]

    assert finding.code == "CELL-01"
    assert finding.ids == {"touchpoint": "help", "role": "sales"}
    assert finding.measured == {"text": "Z"}
    assert finding.message == "Help, Sales: 'Z' is no letter of RACI."


def test_a_touchpoint_without_a_row_is_a_warning_in_editing_and_an_error_in_publishing():
    journey = Journey.draft(
        "Test", touchpoints=[Touchpoint(id="offer", label="Offer", stage="decision")]
    )
    matrix = RaciMatrix.from_frame(pd.DataFrame({"Sales": ["A/R"]}, index=["Help"]))

    assert found(matrix, journey=journey) == [("warn", "MAT-01", "offer")]
    publishing = RaciPolicy(publishing=True)
    assert found(matrix, journey=journey, policy=publishing) == [("error", "MAT-01", "offer")]


def test_findings_come_by_severity_then_row_then_column_then_code():
    matrix = pd.DataFrame(
        {"Sales": ["Z", "", "A"], "Support": ["Q", "I", "A"]}, index=["One", "Two", "Three"]
    )

    assert [(c, t) for _s, c, t in found(matrix)] == [
        ("ROW-01", "one"),
        ("ROW-03", "one"),
        ("CELL-01", "one"),
        ("CELL-01", "one"),
        ("ROW-01", "two"),
        ("ROW-03", "two"),
        ("ROW-02", "three"),
        ("ROW-03", "three"),
    ]


def test_three_hundred_rows_by_twenty_five_roles_are_checked_in_one_pass_in_a_stable_order():
    letters = ["R", "A", "C", "I", ""]
    frame = pd.DataFrame(
        [[letters[(r * 7 + c * 3) % 5] for c in range(25)] for r in range(300)],
        index=[f"Row {r}" for r in range(300)],
        columns=[f"Role {c}" for c in range(25)],
    )

    first, second = check(frame), check(frame)

    assert [f.to_dict() for f in first] == [f.to_dict() for f in second]
    assert {f.code for f in first} == {"ROW-02"}
    assert len(first) == 300


def holders(**roles):
    return RoleRegister(
        roles=tuple(Role(id=name, label=name.title(), **options) for name, options in roles.items())
    )


def test_roles_that_decide_need_a_holder_today_and_must_not_be_retired():
    matrix = pd.DataFrame(
        {"One": ["R"], "None": ["A"], "Gone": ["R"], "Old": ["R"], "Later": ["R"], "Told": ["I"]},
        index=["Help"],
    )
    day = date(2026, 6, 1)
    register = holders(
        one={"holders": (Holder(name="Ann"),)},
        none={},
        gone={"holders": (Holder(name="Bob", until=date(2026, 5, 31)),)},
        old={"holders": (Holder(name="Cy"), Holder(name="Di")), "active": False},
        later={"holders": (Holder(name="Ed", since=date(2026, 6, 2)),)},
        told={},
    )

    found = check(matrix, roles=register, policy=RaciPolicy(today=day))

    assert [(f.severity, f.code, f.ids["role"]) for f in found] == [
        ("error", "COL-08", "none"),
        ("error", "COL-08", "gone"),
        ("error", "COL-10", "old"),
        ("error", "COL-08", "later"),
        ("info", "COL-09", "one"),
    ]
    assert found[-1].message == "One is responsible and has one holder, Ann."
