"""Descriptors and their matrix: as a document, and in the files of ScenarioWizard."""

import pytest

from cross_impact.cases import CASES, case
from journey_widgets import Workspace
from journey_widgets.cross_impact import (
    Futures,
    consistent_scenarios,
    read_scw,
    read_sl,
    write_scw,
    write_sl,
)
from journey_widgets.errors import DocumentError, JourneyError


def test_a_project_of_scenariowizard_is_the_model_it_was_published_as():
    known = case("cib_global_scenariowizard")
    futures = read_scw(CASES / "cib_global.scw")
    assert futures.label == "CIB_global"
    assert futures.to_cib() == {"descriptors": known["descriptors"], "matrix": known["matrix"]}


def test_our_scenarios_are_those_of_scenariowizards_own_solution_file():
    futures = read_scw(CASES / "cib_global.scw")
    theirs = read_sl(CASES / "cib_global.sl", futures).sort_values("scenario", ignore_index=True)
    ours = consistent_scenarios(futures).sort_values("scenario", ignore_index=True)
    for column in ("scenario", "variants", "consistency_value", "total_impact_score"):
        assert ours[column].tolist() == theirs[column].tolist()


def test_a_project_written_is_read_as_the_same_document(tmp_path):
    futures = Futures.from_cib(
        {
            "descriptors": [
                {"name": "Returns & refunds", "variants": ["easy", "strict"]},
                {"name": "# Übung & mehr", "variants": ["-low", "&high"]},
            ],
            "matrix": [[0, 0, 2, -2], [0, 0, -1, 1], [1, -1, 0, 0], [0, 0, 0, 0]],
        },
        label="What may come",
    )
    write_scw(futures, tmp_path / "f.scw")
    back = read_scw(tmp_path / "f.scw")
    assert back.to_cib()["matrix"] == futures.to_cib()["matrix"]
    assert [d.label for d in back.descriptors] == ["Returns & refunds", "# Übung & mehr"]
    assert [v.label for v in back.descriptors[1].variants] == ["-low", "&high"]
    assert back.label == "What may come"


def test_solutions_written_are_read_back(tmp_path):
    futures = read_scw(CASES / "cib_global.scw")
    ours = consistent_scenarios(futures)
    write_sl(ours, futures, tmp_path / "s.sl")
    back = read_sl(tmp_path / "s.sl", futures)
    for column in ("scenario", "variants", "consistency_value", "total_impact_score"):
        assert back[column].tolist() == ours[column].tolist()


def test_the_document_survives_its_text_and_a_workspace(tmp_path):
    futures = read_scw(CASES / "cib_global.scw")
    assert Futures.from_text(futures.to_text()) == futures
    space = Workspace.create(tmp_path / "w")
    assert space.futures == Futures()
    space.save(futures)
    assert Workspace.open(tmp_path / "w").futures == futures


def test_a_file_in_the_windows_code_page_is_read(tmp_path):
    text = (CASES / "cib_global.scw").read_text().replace("&WTRD", "&Händel")
    (tmp_path / "w.scw").write_bytes(text.replace("\n", "\r\n").encode("cp1252"))
    assert read_scw(tmp_path / "w.scw").descriptors[0].label == "Händel"


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("$ ScenarioWizard 4.0", "hello", "first line must begin with"),
        (" 0 , 0 , 0 , 1 ,", " 0 , 0 , 0 , x ,", "matrix row 1"),
        ("\n 0 , 0 , 0 , 1 , 2 ,-3 ,-4 ,-2 , 3 , 3 ", "", "needs 10 rows of 10 numbers"),
        (" -FT\n", " FT\n", "a descriptor .&name. or a variant"),
    ],
)
def test_a_file_that_is_no_project_is_refused_in_words(tmp_path, old, new, words):
    text = (CASES / "cib_global.scw").read_text()
    assert old in text
    (tmp_path / "w.scw").write_text(text.replace(old, new, 1))
    with pytest.raises(JourneyError, match=words):
        read_scw(tmp_path / "w.scw")


def test_a_solution_of_another_model_is_refused(tmp_path):
    (tmp_path / "s.sl").write_text(
        '$ ScenarioWizard 3.0\nSolution set\n 1 \n\n" 9 1 1",1,0,0,1,""\n'
    )
    with pytest.raises(DocumentError, match="no scenario of descriptors with 3, 3, 4 variants"):
        read_sl(tmp_path / "s.sl", read_scw(CASES / "cib_global.scw"))


def test_a_solution_file_that_was_cut_is_refused(tmp_path):
    (tmp_path / "s.sl").write_text(
        '$ ScenarioWizard 3.0\nSolution set\n 3 \n\n" 1 1 1",1,0,0,1,""\n'
    )
    with pytest.raises(DocumentError, match="says it holds 3 solutions; 1 were found"):
        read_sl(tmp_path / "s.sl")
