"""Every RACI rule: what it finds, and what it leaves alone. Golden cases G1 to G4 are the rule list's own."""

from datetime import date

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from journey_widgets.errors import DocumentError
from journey_widgets.findings import sentence
from journey_widgets.journey import Journey, Stage, Touchpoint
from journey_widgets.journey.stages import PRESETS
from journey_widgets.raci import (
    Acknowledged,
    Links,
    MatrixRole,
    MatrixRow,
    RaciMatrix,
    RaciPolicy,
    check,
)
from journey_widgets.raci.loads import loads
from journey_widgets.raci.rules import Context
from journey_widgets.raci.texts import TEXTS
from journey_widgets.roles import Holder, Role, RoleRegister
from raci.cases import PLANTED_FAULTS, SUPPORT_ARTICLE, UPSELL_ARTICLE


def found(matrix, **options):
    return [(f.severity, f.code, f.ids.get("touchpoint")) for f in check(matrix, **options)]


def codes(matrix, **options):
    return [f.code for f in check(matrix, **options)]


def about(matrix, code, **options):
    """The findings of one rule: (severity, touchpoint or None, role or None)."""
    return [
        (f.severity, f.ids.get("touchpoint"), f.ids.get("role"))
        for f in check(matrix, **options)
        if f.code == code
    ]


def matrix_of(*lines, roles="abcdefghij", scheme="RACI", **flags):
    """Rows r1, r2 … from lines such as "R A - C": a cell a role, "-" for a blank; flags for every row."""
    cells = [line.split() for line in lines]
    columns = [MatrixRole(id=r, label=r.upper()) for r in roles[: max(map(len, cells), default=2)]]
    rows = [
        MatrixRow(
            touchpoint=f"r{i}", label=f"Row {i}", **flags,
            cells={c.id: t for c, t in zip(columns, line, strict=True) if t != "-"},
        )
        for i, line in enumerate(cells, start=1)
    ]  # fmt: skip
    return RaciMatrix(scheme=scheme, roles=tuple(columns), rows=tuple(rows))


def register(**roles):
    """Roles by id; each is held by two people unless it says otherwise."""
    people = (Holder(name="Ann"), Holder(name="Bob"))
    return RoleRegister(
        roles=tuple(
            Role(id=i, label=i.upper(), **{"holders": people, **more}) for i, more in roles.items()
        )
    )


def journey_of(*touchpoints, stages=("s",), preset=None, **kpis):
    return Journey(
        id="j", label="J", preset=preset, stages=tuple(Stage(id=s, label=s) for s in stages),
        touchpoints=tuple(
            Touchpoint(id=t, label=t, stage=stages[0], kpis=tuple(kpis.get(t, ()))) for t in touchpoints
        ),
    )  # fmt: skip


# --- golden cases ------------------------------------------------------------------------------------


def test_g1_the_upsell_articles_matrix_has_no_error_and_no_warning():
    kinds = register(marketing={}, sales={}, support={}, product={})
    assert found(UPSELL_ARTICLE, roles=kinds) == [("info", "COL-04", None)] * 2
    assert about(UPSELL_ARTICLE, "COL-04") == [("info", None, "support"), ("info", None, "product")]


def test_g1_with_teams_the_accountable_is_no_person_three_times():
    teams = register(**{r: {"kind": "team"} for r in ("marketing", "sales", "support", "product")})
    assert about(UPSELL_ARTICLE, "ROW-10", roles=teams) == [
        ("warn", "awareness", "sales"), ("warn", "consideration", "marketing"), ("warn", "decision", "marketing"),
    ]  # fmt: skip


def test_g1_against_the_articles_own_stages():
    preset = PRESETS["upsell_raci"]
    own = Journey(
        id="j",
        label="J",
        preset=preset.id,
        stages=tuple(Stage(id=s, label=s) for s in preset.stages),
    )
    staged = UPSELL_ARTICLE.assign(stage=["awareness", "consideration", "decision"])
    matrix = RaciMatrix.from_frame(staged)
    assert "MAT-03" not in codes(matrix, journey=own)  # decision is another name for purchase there
    assert [f.ids["stage"] for f in check(matrix, journey=own) if f.code == "MAT-02"] == [
        "post_purchase"
    ]
    strict = own.model_copy(update={"preset": None})
    assert about(matrix, "MAT-03", journey=strict) == [("warn", "decision", None)]
    publishing = RaciPolicy(publishing=True)
    assert about(matrix, "MAT-03", journey=strict, policy=publishing) == [
        ("error", "decision", None)
    ]


def test_g2_the_planted_faults_are_found_and_nothing_else():
    assert found(PLANTED_FAULTS) == [
        ("error", "ROW-02", "set_up_help"),
        ("error", "ROW-03", "warranty_claim"),
        ("error", "ROW-01", "feedback_request"),
        ("error", "ROW-03", "feedback_request"),
        ("warn", "ROW-04", "upgrade_offer"),
        ("warn", "ROW-08", "upgrade_offer"),
        ("info", "ROW-07", "set_up_help"),
        ("info", "ROW-09", "upgrade_offer"),
        ("info", "COL-04", None),
    ]
    assert about(PLANTED_FAULTS, "COL-04") == [("info", None, "product_team")]


def test_g3_assignments_without_an_accountable_role_are_named_row_by_row():
    assert sorted(codes(SUPPORT_ARTICLE)) == ["ROW-01"] * 4 + ["ROW-07"] * 4


def test_g4_three_hundred_rows_by_twenty_five_roles_are_checked_in_one_pass_in_a_stable_order():
    letters = ["R", "A", "C", "I", ""]
    frame = pd.DataFrame(
        [[letters[(r * 7 + c * 3) % 5] for c in range(25)] for r in range(300)],
        index=[f"Row {r}" for r in range(300)],
        columns=[f"Role {c}" for c in range(25)],
    )

    first, second = check(frame), check(frame)

    assert [f.to_dict() for f in first] == [f.to_dict() for f in second]
    assert {f.code for f in first} == {"ROW-02", "ROW-04"}
    assert len(first) == 600


# --- cells and shape -----------------------------------------------------------------------------------


def test_cell_01_an_unknown_letter_is_reported_with_its_cell_and_its_text():
    finding = check(matrix_of("A R", "Z A/R"))[0]

    assert finding.code == "CELL-01"
    assert finding.ids == {"touchpoint": "r2", "role": "a"}
    assert finding.measured == {"text": "Z"}
    assert finding.message == "Row 2, A: 'Z' is no letter of RACI."


@pytest.mark.parametrize("pair", ["R/C", "R/I", "A/C", "A/I", "C/I"])
def test_cell_02_a_weaker_letter_beside_a_stronger_one_is_redundant(pair):
    assert about(matrix_of(f"{pair} A/R"), "CELL-02") == [("warn", "r1", "a")]


def test_cell_02_leaves_responsible_and_accountable_in_one_cell_alone():
    assert "CELL-02" not in codes(matrix_of("R/A C"))


@pytest.mark.parametrize("pair", ["S/C", "S/I"])
def test_cell_02_knows_support_in_rasci_only(pair):
    assert about(matrix_of(f"{pair} A/R", scheme="RASCI"), "CELL-02") == [("warn", "r1", "a")]
    assert "CELL-02" not in codes(matrix_of(f"{pair} A/R V", scheme="RACI-VS"))


def test_cell_03_out_of_the_loop_contradicts_every_other_letter():
    assert about(matrix_of("O/I A/R", scheme="CAIRO"), "CELL-03") == [("error", "r1", "a")]
    assert "CELL-03" not in codes(matrix_of("O A/R", scheme="CAIRO"))


def test_cell_03_nobody_verifies_their_own_work():
    assert about(matrix_of("R/V A/S", scheme="RACI-VS"), "CELL-03") == [("error", "r1", "a")]
    assert "CELL-03" not in codes(matrix_of("R A/S V", scheme="RACI-VS"))


def test_tab_01_a_matrix_without_rows_or_roles_says_nothing():
    assert codes(RaciMatrix()) == ["TAB-01", "TAB-01"]
    assert "TAB-01" in codes(RaciMatrix(roles=(MatrixRole(id="a", label="A"),)))


def test_tab_02_names_are_compared_as_people_compare_them():
    roles = (MatrixRole(id="a", label="Sales  rep"), MatrixRole(id="b", label="SALES rep"))
    rows = [
        MatrixRow(touchpoint=t, label=x, cells={"a": "R/A", "b": "I"})
        for t, x in (("x", "Offer"), ("y", "offer"))
    ]
    names = [f for f in check(RaciMatrix(roles=roles, rows=tuple(rows))) if f.code == "TAB-02"]
    assert {tuple(f.ids.items()) for f in names} == {(("touchpoint", "x"),), (("role", "a"),)}
    assert all(f.measured["count"] == 2 and f.severity == "error" for f in names)


def test_tab_03_a_name_of_invisible_characters_is_no_name():
    roles = (MatrixRole(id="a", label="\u200b\u2060"),)
    matrix = RaciMatrix(
        roles=roles, rows=(MatrixRow(touchpoint="x", label="X", cells={"a": "R/A"}),)
    )
    assert about(matrix, "TAB-03") == [("error", None, "a")]


def test_tab_04_and_tab_05_rows_and_roles_are_known_elsewhere():
    matrix = matrix_of("R A", "R A")
    assert about(matrix, "TAB-04", journey=journey_of("r1")) == [("error", "r2", None)]
    assert about(matrix, "TAB-05", roles=register(a={})) == [("error", None, "b")]


def test_tab_06_is_off_until_asked_for_and_looks_for_names_of_departments():
    rows = [
        MatrixRow(touchpoint=f"r{i}", label=x, cells={"a": "R/A"})
        for i, x in enumerate(["Sales team", "Sell a phone"])
    ]
    matrix = RaciMatrix(roles=(MatrixRole(id="a", label="A"),), rows=tuple(rows))
    assert "TAB-06" not in codes(matrix)
    assert about(matrix, "TAB-06", policy=RaciPolicy(name_the_work=True)) == [("warn", "r0", None)]


# --- rows ----------------------------------------------------------------------------------------------


def test_row_01_02_03_exactly_one_answers_and_somebody_does_it():
    assert found(matrix_of("R C"))[0] == ("error", "ROW-01", "r1")
    assert found(matrix_of("R/A A C"))[0] == ("error", "ROW-02", "r1")
    assert found(matrix_of("A C"))[0] == ("error", "ROW-03", "r1")
    assert found(matrix_of("R/A C")) == [("info", "ROW-09", "r1"), ("info", "COL-04", None)]


def test_row_04_more_than_three_do_one_piece_of_work():
    assert "ROW-04" not in codes(matrix_of("R R R A C - -"))
    assert about(matrix_of("R R R R A C -"), "ROW-04") == [("warn", "r1", None)]
    assert "ROW-04" not in codes(matrix_of("R R R R A C -"), policy=RaciPolicy(max_responsible=4))


@pytest.mark.parametrize(
    ("line", "fires"),
    [("R A C C -", False), ("R A C C C", True), ("R A C C C - - -", False), ("R A C C C C C - - -", False),
     ("R A C C C C C C - -", True)],
)  # fmt: skip
def test_row_05_more_than_two_and_more_than_half_of_all_are_consulted(line, fires):
    assert ("ROW-05" in codes(matrix_of(line))) == fires


@pytest.mark.parametrize(
    ("line", "fires"),
    [
        ("R A I I I", False),
        ("R A I I I I", True),
        ("R A I I I I I I - -", False),
        ("R A I I I I I I I -", True),
    ],
)
def test_row_06_more_than_three_and_more_than_three_fifths_are_informed(line, fires):
    assert (about(matrix_of(line), "ROW-06") == [("info", "r1", None)]) == fires


def test_row_07_nobody_is_asked_and_nobody_is_told():
    assert about(matrix_of("R A -", "R A I", "R A C"), "ROW-07") == [("info", "r1", None)]


def test_row_08_everybody_is_involved_from_five_roles_on():
    assert "ROW-08" not in codes(matrix_of("R A C I"))
    assert about(matrix_of("R A C I I"), "ROW-08") == [("warn", "r1", None)]


def test_row_09_is_a_warning_where_a_second_pair_of_eyes_is_asked_for():
    assert about(matrix_of("R/A C"), "ROW-09") == [("info", "r1", "a")]
    assert about(matrix_of("R/A C", requires_separation=True), "ROW-09") == [("warn", "r1", "a")]


def test_row_11_somebody_from_outside_decides():
    outside = register(a={}, b={"kind": "external"})
    assert about(matrix_of("A R", "R/A C"), "ROW-11", roles=outside) == [("warn", "r1", "b")]


def test_row_12_support_without_anybody_to_support():
    assert about(matrix_of("A S", scheme="RASCI"), "ROW-12") == [("error", "r1", None)]
    assert "ROW-12" not in codes(matrix_of("A S R", scheme="RASCI"))
    assert "ROW-12" not in codes(matrix_of("A S", scheme="RACI-VS"))


def test_row_13_exactly_one_signs_off_and_flagged_work_is_verified():
    assert about(matrix_of("R A V", scheme="RACI-VS"), "ROW-13") == [("error", "r1", None)]
    assert about(matrix_of("R A/S S V", scheme="RACI-VS"), "ROW-13") == [("error", "r1", None)]
    assert "ROW-13" not in codes(matrix_of("R A/S C", scheme="RACI-VS"))
    flagged = matrix_of("R A/S C", scheme="RACI-VS", requires_separation=True)
    assert about(flagged, "ROW-13") == [("error", "r1", None)]


def test_row_13_two_roles_of_one_person_are_no_check():
    matrix = matrix_of("R A/S V", scheme="RACI-VS")
    same = register(
        a={"holders": (Holder(name="Ann"),)}, b={}, c={"holders": (Holder(name="Ann"),)}
    )
    other = register(
        a={"holders": (Holder(name="Ann"),)}, b={}, c={"holders": (Holder(name="Cy"),)}
    )
    assert about(matrix, "ROW-13", roles=same) == [("warn", "r1", None)]
    assert "ROW-13" not in codes(matrix, roles=other)


def test_row_14_daci_has_one_driver_and_one_approver():
    assert "ROW-14" not in codes(matrix_of("D A C", scheme="DACI"))
    assert about(matrix_of("D D A", "C D I", scheme="DACI"), "ROW-14") == [
        ("error", "r1", None), ("error", "r2", None)]  # fmt: skip
    assert not {"ROW-01", "ROW-02", "ROW-03"} & set(codes(matrix_of("C I", scheme="DACI")))


def test_row_15_the_accountable_reports_to_one_who_does_the_work():
    line = register(a={}, b={"reports_to": "c"}, c={"reports_to": "a"})
    assert about(matrix_of("R A -"), "ROW-15", roles=line) == [("info", "r1", "b")]
    assert "ROW-15" not in codes(matrix_of("A R -"), roles=line)
    circle = register(a={"reports_to": "b"}, b={"reports_to": "a"}, c={})
    assert about(matrix_of("R A -"), "ROW-15", roles=circle) == [("info", "r1", "b")]


# --- columns -------------------------------------------------------------------------------------------


def test_col_01_one_role_does_more_than_three_fifths_of_the_rows():
    three_of_five = ["R A -"] * 3 + ["- A R"] * 2
    assert "COL-01" not in codes(matrix_of(*three_of_five))
    assert about(matrix_of(*["R A -"] * 4, "- A R"), "COL-01") == [("warn", None, "a")]
    assert "COL-01" not in codes(matrix_of(*["R A -"] * 4))  # four rows are too few to judge


def test_col_02_one_role_holds_more_than_half_of_all_a():
    assert about(matrix_of(*["R A -"] * 3, *["R - A"] * 2), "COL-02") == [("warn", None, "b")]
    assert "COL-02" not in codes(matrix_of(*["R A -"] * 3, *["R - A"] * 3))


def test_col_03_a_role_is_in_nine_of_ten_rows():
    assert about(matrix_of(*["R A I"] * 9, "R A -"), "COL-03") == [
        ("warn", None, "a"), ("warn", None, "b"), ("warn", None, "c")]  # fmt: skip
    assert about(matrix_of(*["R A I"] * 8, *["- A R"] * 1, "R A -"), "COL-03")[-1] == (
        "warn",
        None,
        "c",
    )
    assert ("warn", None, "c") not in about(matrix_of(*["R A I"] * 8, *["R A -"] * 2), "COL-03")


def test_col_03_being_out_of_the_loop_is_no_involvement():
    assert ("warn", None, "c") not in about(matrix_of(*["R A O"] * 5, scheme="CAIRO"), "COL-03")


def test_col_04_and_05_a_role_without_work_and_one_without_letters():
    matrix = matrix_of("R A I -")
    assert about(matrix, "COL-04") == [("info", None, "c")]
    assert about(matrix, "COL-05") == [("warn", None, "d")]


def test_col_06_a_role_only_approves_in_eight_rows_or_more():
    assert "COL-06" not in codes(matrix_of(*["R A -"] * 7))
    assert about(matrix_of(*["R A -"] * 8), "COL-06") == [("info", None, "b")]


LOADED = RaciMatrix(
    roles=tuple(MatrixRole(id=i, label=i) for i in ("rep", "tech", "success")),
    rows=(
        MatrixRow(
            touchpoint="enquiry",
            label="e",
            volume=400,
            cells={"rep": "R", "tech": "C", "success": "A"},
        ),
        MatrixRow(
            touchpoint="setup",
            label="s",
            volume=80,
            cells={"rep": "C", "tech": "R", "success": "A"},
        ),
        MatrixRow(
            touchpoint="complaint",
            label="c",
            volume=20,
            cells={"rep": "C", "tech": "C", "success": "A/R"},
        ),
    ),
)
"""The load example of the rule list, section 7.2."""


def test_col_07_load_is_volume_times_weight_and_held_against_capacity():
    context = Context.of(LOADED, None, None, RaciPolicy(), Links())
    assert loads(context.rows, RaciPolicy().load_weights) == {
        "rep": 425.0,
        "tech": 185.0,
        "success": 145.0,
    }
    tight = register(rep={"capacity": 424}, tech={"capacity": 185}, success={})
    assert about(LOADED, "COL-07", roles=tight) == [("warn", None, "rep")]


def test_col_08_09_10_roles_that_decide_need_a_holder_today_and_must_not_be_retired():
    matrix = matrix_of("R A R R R I", roles=("one", "none", "gone", "old", "later", "told"))
    day = date(2026, 6, 1)
    people = register(
        one={"holders": (Holder(name="Ann"),)},
        none={"holders": ()},
        gone={"holders": (Holder(name="Bob", until=date(2026, 5, 31)),)},
        old={"holders": (Holder(name="Cy"), Holder(name="Di")), "active": False},
        later={"holders": (Holder(name="Ed", since=date(2026, 6, 2)),)},
        told={"holders": ()},
    )

    found = [
        f
        for f in check(matrix, roles=people, policy=RaciPolicy(today=day))
        if f.code > "COL-07" and f.code < "D"
    ]

    assert [(f.severity, f.code, f.ids["role"]) for f in found] == [
        ("error", "COL-08", "none"),
        ("error", "COL-08", "gone"),
        ("error", "COL-10", "old"),
        ("error", "COL-08", "later"),
        ("info", "COL-09", "one"),
    ]
    assert found[-1].message == "ONE is responsible and has one holder, Ann."


# --- the matrix and the journey --------------------------------------------------------------------------


def test_mat_01_a_touchpoint_without_a_row_is_a_warning_in_editing_and_an_error_in_publishing():
    journey = journey_of("r1", "r2")
    assert about(matrix_of("R A"), "MAT-01", journey=journey) == [("warn", "r2", None)]
    publishing = RaciPolicy(publishing=True)
    assert about(matrix_of("R A"), "MAT-01", journey=journey, policy=publishing) == [
        ("error", "r2", None)
    ]


def test_mat_02_a_stage_without_a_row():
    journey = journey_of("r1", stages=("s", "t"))
    assert [
        f.ids["stage"] for f in check(matrix_of("R A"), journey=journey) if f.code == "MAT-02"
    ] == ["t"]


@pytest.mark.parametrize(
    ("reviewed", "links", "words"),
    [
        ("2026-08-30", {}, ["reviewed 93 days ago"]),
        ("2026-09-02", {}, []),
        (
            "2026-11-01",
            {"journey_changed": date(2026, 11, 2)},
            ["Touchpoints or stages of the journey were changed"],
        ),
        (
            "2026-11-01",
            {"roles_changed": date(2026, 11, 30)},
            ["Roles or their holders were changed"],
        ),
        ("2026-11-01", {"roles_changed": date(2026, 11, 1)}, []),
    ],
)
def test_mat_04_a_review_is_out_of_date_by_calendar_or_by_change(reviewed, links, words):
    matrix = matrix_of("R A").model_copy(update={"reviewed_on": date.fromisoformat(reviewed)})
    policy = RaciPolicy(today=date(2026, 12, 1))
    found = [
        f
        for f in check(matrix, journey_of("r1"), policy=policy, links=Links(**links))
        if f.code == "MAT-04"
    ]
    assert [w in f.message for f, w in zip(found, words, strict=True)] == [True] * len(words)


def test_mat_05_a_matrix_of_a_journey_that_was_never_reviewed():
    assert about(matrix_of("R A"), "MAT-05", journey=journey_of("r1")) == [("info", None, None)]
    assert "MAT-05" not in codes(matrix_of("R A"))


def test_mat_06_more_than_four_fifths_of_the_cells_are_filled():
    assert "MAT-06" not in codes(matrix_of(*["R A C I -"] * 5))  # 0.8 exactly
    assert about(matrix_of(*["R A C I -"] * 4, "R A C I I"), "MAT-06") == [("warn", None, None)]
    assert "MAT-06" not in codes(matrix_of(*["R A C I I"] * 4))


def test_mat_07_a_counts_of_six_three_and_one_are_as_if_two_roles_held_all():
    rows = ["A - - R"] * 6 + ["- A - R"] * 3 + ["- - A R"]
    assert "MAT-07" not in codes(matrix_of(*rows))  # 0.46
    finding = next(
        f
        for f in check(matrix_of(*rows), policy=RaciPolicy(concentration=0.45))
        if f.code == "MAT-07"
    )
    assert finding.measured["hhi"] == pytest.approx(0.46)
    assert "as if 2.2 roles" in finding.message
    assert "MAT-07" in codes(matrix_of(*["A - R"] * 5))


# --- links -----------------------------------------------------------------------------------------------


def test_lnk_01_and_02_a_kpi_has_somebody_who_acts_on_it():
    journey = journey_of("r1", "r2", r1=["csat"], r2=["nps"])
    matrix = matrix_of("R C", "R A")
    links = Links(kpi_owners={"csat": "a", "nps": "a"})
    assert about(matrix, "LNK-01", journey=journey, links=links) == [("warn", "r1", None)]
    assert about(matrix, "LNK-01", journey=journey, policy=RaciPolicy(publishing=True)) == [
        ("error", "r1", None)
    ]
    assert about(matrix, "LNK-02", journey=journey, links=links) == [("warn", "r2", None)]
    assert "LNK-02" not in codes(matrix, journey=journey, links=Links(kpi_owners={"nps": "b"}))


def test_lnk_03_an_upsell_moment_has_one_who_answers_and_one_who_offers():
    assert about(matrix_of("A C", upsell_moment=True), "LNK-03") == [("warn", "r1", None)]
    assert about(matrix_of("A C", upsell_moment=True), "LNK-03", policy=RaciPolicy(publishing=True)) == [
        ("error", "r1", None)]  # fmt: skip
    assert "LNK-03" not in codes(matrix_of("A R", upsell_moment=True))


def test_lnk_04_an_intervention_has_an_owner():
    links = Links(interventions={"i1": ("Call back", None), "i2": ("Write", "a")})
    named = [
        f.ids["intervention"] for f in check(matrix_of("R A"), links=links) if f.code == "LNK-04"
    ]
    assert named == ["i1"]


def test_lnk_05_an_accountable_role_without_any_kpi():
    journey = journey_of("r1", "r2", r1=["csat"])
    assert about(matrix_of("R A -", "R - A"), "LNK-05", journey=journey) == [("info", None, "c")]


def test_lnk_06_an_influential_row_with_an_error_comes_first():
    lines = ["R A"] * 7 + ["R C"]
    strong = Links(influence={f"r{i}": float(i) for i in range(1, 9)})
    assert about(matrix_of(*lines), "LNK-06", links=strong) == [("warn", "r8", None)]
    weak = Links(influence={f"r{i}": float(-i) for i in range(1, 9)})
    assert "LNK-06" not in codes(matrix_of(*lines), links=weak)


# --- severity, acknowledgement, order ----------------------------------------------------------------------


def test_a_severity_can_be_raised_and_never_lowered():
    raised = RaciPolicy(severities={"ROW-09": "error", "ROW-01": "info"})
    assert about(matrix_of("R/A C"), "ROW-09", policy=raised) == [("error", "r1", "a")]
    assert about(matrix_of("R C"), "ROW-01", policy=raised) == [("error", "r1", None)]
    with pytest.raises(DocumentError, match="error, warn or info was needed"):
        RaciPolicy(severities={"ROW-09": "fatal"})


def acknowledging(matrix, **what):
    note = Acknowledged(until=date(2026, 12, 31), reason="We are three people", by="Ann", **what)
    return matrix.model_copy(update={"acknowledged": (note,)})


def test_an_acknowledged_warning_stays_with_its_reason_until_it_expires():
    matrix = acknowledging(matrix_of("R A C I I"), code="ROW-08", touchpoint="r1")
    on = check(matrix, policy=RaciPolicy(today=date(2026, 12, 31)))
    known = next(f for f in on if f.code == "ROW-08")
    assert known.acknowledged == "We are three people (Ann, until 2026-12-31)"
    assert known.severity == "warn"
    assert sentence([known]) == "1 acknowledged"
    later = check(matrix, policy=RaciPolicy(today=date(2027, 1, 1)))
    assert next(f for f in later if f.code == "ROW-08").acknowledged == ""


def test_an_acknowledgement_is_for_one_stage_one_pair_and_one_change_only():
    journey = journey_of("r1", stages=("s", "t", "u"))
    matrix = acknowledging(matrix_of("R A"), code="MAT-02", about="t")
    found = {
        f.ids["stage"]: bool(f.acknowledged)
        for f in check(matrix, journey=journey)
        if f.code == "MAT-02"
    }
    assert found == {"t": True, "u": False}

    both = acknowledging(
        matrix_of("R/C/I A"), code="CELL-02", touchpoint="r1", role="a", about="R/C"
    )
    pairs = {f.about(): bool(f.acknowledged) for f in check(both) if f.code == "CELL-02"}
    assert pairs == {"R/C": True, "R/I": False, "C/I": False}

    reviewed = matrix_of("R A").model_copy(update={"reviewed_on": date(2026, 1, 1)})
    old = acknowledging(reviewed, code="MAT-04", about="review of 2026-01-01")
    links = Links(roles_changed=date(2026, 6, 1))
    policy = RaciPolicy(today=date(2026, 12, 1))
    stale = [
        bool(f.acknowledged)
        for f in check(old, journey_of("r1"), policy=policy, links=links)
        if f.code == "MAT-04"
    ]
    assert sorted(stale) == [False, True]


def test_acknowledgements_of_different_places_have_different_ids():
    places = [("call", "back_office"), ("call_back", "office")]
    notes = [
        Acknowledged(code="CELL-02", touchpoint=t, role=r, until=date(2026, 12, 31), reason="x")
        for t, r in places
    ]
    assert len({n.id for n in notes}) == 2


def test_being_out_of_the_loop_is_not_being_involved():
    matrix = matrix_of(*["R A O O O"] * 5, scheme="CAIRO")
    assert not {"ROW-08", "MAT-06"} & set(codes(matrix))


def test_col_08_and_col_10_are_two_things():
    people = register(a={"holders": (), "active": False}, b={})
    assert [
        f.code for f in check(matrix_of("R A"), roles=people) if f.code in ("COL-08", "COL-10")
    ] == ["COL-08", "COL-10"]


def test_an_error_cannot_be_acknowledged():
    matrix = acknowledging(matrix_of("R C"), code="ROW-01", touchpoint="r1")
    assert all(not f.acknowledged for f in check(matrix))


def test_an_acknowledgement_is_for_one_place_only():
    matrix = acknowledging(matrix_of("R A C I I", "R A C I I"), code="ROW-08", touchpoint="r2")
    policy = RaciPolicy(today=date(2026, 12, 1))
    found = [
        (f.ids["touchpoint"], bool(f.acknowledged))
        for f in check(matrix, policy=policy)
        if f.code == "ROW-08"
    ]
    assert found == [("r1", False), ("r2", True)]


def test_findings_come_by_severity_then_row_then_column_then_code():
    matrix = pd.DataFrame(
        {"Sales": ["Z", "", "A"], "Support": ["Q", "I", "A"]}, index=["One", "Two", "Three"]
    )

    errors = [(c, t) for s, c, t in found(matrix) if s == "error"]
    assert errors == [
        ("ROW-01", "one"),
        ("ROW-03", "one"),
        ("CELL-01", "one"),
        ("CELL-01", "one"),
        ("ROW-01", "two"),
        ("ROW-03", "two"),
        ("ROW-02", "three"),
        ("ROW-03", "three"),
    ]


def test_every_rule_has_words_and_every_word_a_test():
    import pathlib

    source = pathlib.Path(__file__).read_text("utf-8") + (
        pathlib.Path(__file__).with_name("test_plan_against_log.py").read_text("utf-8")
    )
    untested = [
        code
        for code in TEXTS
        if code not in source and code.lower().replace("-", "_") not in source
    ]
    assert untested == []


@given(
    st.lists(
        st.lists(st.sampled_from(["", "R", "A", "C", "I", "R/A", "?"]), min_size=3, max_size=3),
        max_size=8,
    )
)
def test_a_matrix_without_errors_has_one_a_and_an_r_in_every_row(rows):
    frame = pd.DataFrame(
        rows, index=[f"Row {i}" for i in range(len(rows))], columns=["X", "Y", "Z"]
    )
    errors = {
        f.ids["touchpoint"] for f in check(frame) if f.severity == "error" and f.scope == "row"
    }
    for label, cells in zip(frame.index, rows, strict=True):
        letters = [x for cell in cells for x in cell.split("/")]
        sound = letters.count("A") == 1 and "R" in letters
        assert sound == (label.lower().replace(" ", "_") not in errors)
