"""Structure, load, roll-up and cards: each equals a count of rows done by hand."""

import pandas as pd
import pytest

from journey_widgets.errors import DocumentError
from journey_widgets.journey import Journey, Stage, Touchpoint
from journey_widgets.raci import (
    Links,
    RaciMatrix,
    RaciPolicy,
    load,
    role_card,
    stage_roll_up,
    structure,
)
from journey_widgets.roles import Role, RoleRegister
from raci.cases import PLANTED_FAULTS
from raci.test_rules import LOADED


def test_the_planted_faults_have_two_valid_rows_of_five_and_a_density_of_076():
    found = structure(RaciMatrix.from_frame(PLANTED_FAULTS)).set_index("kpi")
    assert found.loc["raci_valid_rows", ["count", "n"]].tolist() == [2, 5]
    assert found.loc["density", "value"] == pytest.approx(19 / 25)


def test_six_three_and_one_a_have_an_hhi_of_046_and_217_effective_owners():
    frame = pd.DataFrame(
        [["A", "", ""]] * 6 + [["", "A", ""]] * 3 + [["", "", "A"]],
        index=[f"r{i}" for i in range(10)],
        columns=list("xyz"),
    )
    row = structure(RaciMatrix.from_frame(frame)).set_index("kpi").loc["accountability_hhi"]
    assert row["value"] == pytest.approx(0.46)
    assert row["meaning"] == "as if 2.17 roles held all accountability"


def test_coverage_counts_touchpoints_of_the_journey():
    journey = Journey(
        id="j", label="J", stages=(Stage(id="s", label="S"),),
        touchpoints=tuple(Touchpoint(id=t, label=t, stage="s") for t in ("one", "two", "three")),
    )  # fmt: skip
    matrix = RaciMatrix.from_frame(pd.DataFrame({"X": ["A/R", "A"]}, index=["one", "two"]))
    assert structure(matrix, journey).set_index("kpi").loc[
        "raci_coverage", ["count", "n"]
    ].tolist() == [1, 3]


def test_a_matrix_without_anything_has_no_numbers():
    found = structure(RaciMatrix())
    assert found["value"].isna().all()


def test_the_load_example_of_the_rule_list():
    roles = RoleRegister(
        roles=(
            Role(id="rep", label="Rep", capacity=400),
            Role(id="tech", label="Tech", capacity=185),
        )
    )
    found = load(LOADED, roles).set_index("role")
    assert found["load"].to_dict() == {"rep": 425.0, "tech": 185.0, "success": 145.0}
    assert found["load_share"].round(3).to_dict() == {"rep": 0.563, "tech": 0.245, "success": 0.192}
    assert found["over"].to_dict() == {"rep": True, "tech": False, "success": False}
    assert found.loc["success", ["R", "A", "C", "I"]].tolist() == [1, 3, 0, 0]
    heavy = load(LOADED, policy=RaciPolicy(load_weights={"C": 1.0})).set_index("role")
    assert heavy["load"].to_dict() == {"rep": 100.0, "tech": 420.0, "success": 0.0}


def test_the_roll_up_of_stages_equals_a_count_of_rows():
    frame = pd.DataFrame(
        {"stage": ["buy", "buy", "use"], "Sales": ["R/A", "A", "I"], "Support": ["C", "R", "R/A"]},
        index=["a", "b", "c"],
    )
    found = stage_roll_up(RaciMatrix.from_frame(frame))
    assert found[["stage", "role", "R", "A", "C", "I", "rows", "leads"]].values.tolist() == [
        ["buy", "sales", 1, 2, 0, 0, 2, "A"],
        ["buy", "support", 1, 0, 1, 0, 2, ""],
        ["use", "sales", 0, 0, 0, 1, 1, "I"],
        ["use", "support", 1, 1, 0, 0, 1, "R/A"],
    ]


def test_a_role_card_holds_everything_the_role_must_do():
    journey = Journey(
        id="j", label="J", stages=(Stage(id="s", label="Stage"),),
        touchpoints=(Touchpoint(id="setup", label="s", stage="s", kpis=("csat_mean",)),),
    )  # fmt: skip
    links = Links(
        interventions={"call": ("Call back", "success"), "x": ("Other", "rep")},
        kpi_owners={"nps": "success"},
    )
    found = role_card(LOADED, "success", journey, links=links)
    assert found[["kind", "id", "letters", "load"]].fillna(-1).values.tolist() == [
        ["touchpoint", "enquiry", "A", 100.0], ["touchpoint", "setup", "A", 20.0],
        ["touchpoint", "complaint", "R/A", 25.0], ["intervention", "call", "", -1.0], ["kpi", "nps", "", -1.0],
    ]  # fmt: skip
    assert found.loc[0, "with"] == "rep (R)"
    assert found.loc[1, "kpis"] == "csat mean"
    assert found["load"].sum() == load(LOADED).set_index("role").loc["success", "load"]
    with pytest.raises(DocumentError, match="no role 'succes'. Did you mean 'success'"):
        role_card(LOADED, "succes")
