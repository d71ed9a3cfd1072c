import pandas as pd
import pytest
import traitlets

from journey_widgets import RaciGrid
from journey_widgets.raci import RaciMatrix
from journey_widgets.raci.widget import SaveResult


def small(**options):
    frame = pd.DataFrame(
        {"Sales": ["A", ""], "Support": ["R", "I"]}, index=["Make offer", "Set-up help"]
    )
    return RaciGrid(frame, **options)


def edit(grid, *changes, save=False):
    """What the page sends after a gesture."""
    seq = grid.done + 1
    changes = [list(c) for c in changes]
    grid.set_state({"edit": {"seq": seq, "changes": changes, "save": seq if save else 0}})


def test_an_edit_changes_the_document_and_the_findings():
    grid = small()
    assert [f["code"] for f in grid.findings] == ["ROW-01", "ROW-03"]

    edit(grid, (1, 0, "A"), (1, 1, "R"))

    assert grid.to_document().cell("set_up_help", "sales") == "A"
    assert grid.findings == []
    assert grid.status["state"] == "changed"


def test_what_people_type_is_written_canonically():
    grid = small()

    edit(grid, (0, 0, "a, r"))

    assert grid.cells[0] == ["R/A", "R"]


def test_an_unknown_code_stays_in_the_cell_and_is_reported():
    grid = small()

    edit(grid, (0, 0, "boss"))

    assert grid.to_document().cell("make_offer", "sales") == "boss"
    assert {(f["code"], f["row"], f["col"]) for f in grid.findings} >= {("CELL-01", 0, 0)}


@pytest.mark.parametrize(
    "change",
    [
        [2, 0, "A"],
        [0, 2, "A"],
        [-1, 0, "A"],
        [0, 0, 5],
        [0, 0],
        "R",
        [0, 0, "x" * 1_001],
        [0, 0, "a\nb"],
    ],
)
def test_an_edit_outside_the_grid_or_of_another_form_is_refused(change):
    grid = small()

    with pytest.raises(traitlets.TraitError, match="an edit needs"):
        grid.set_state({"edit": {"seq": 1, "changes": [change], "save": 0}})

    assert grid.cells == [["A", "R"], ["", "I"]]


def test_a_read_only_grid_takes_no_edit_whoever_sends_it():
    grid = small(read_only=True, on_save=lambda _m: pytest.fail("saved"))

    with pytest.raises(traitlets.TraitError, match="read-only"):
        edit(grid, (0, 0, "I"))
    with pytest.raises(traitlets.TraitError, match="read-only"):
        edit(grid, save=True)

    assert grid.cells == [["A", "R"], ["", "I"]]
    assert grid.can_save is False


def test_saving_hands_the_document_on_and_says_what_came_of_it():
    given = []

    def keep(matrix):
        given.append(matrix)
        return SaveResult("Saved as revision 2")

    grid = small(on_save=keep)

    edit(grid, (1, 0, "A"), save=True)

    assert given[0].cell("set_up_help", "sales") == "A"
    assert grid.status == {"state": "saved", "text": "Saved as revision 2"}
    assert grid.done == 1


def test_a_wish_to_save_that_arrives_twice_is_met_once():
    given = []
    grid = small(on_save=lambda matrix: given.append(matrix) or SaveResult("Saved"))

    grid.set_state({"edit": {"seq": 1, "changes": [[0, 0, "I"]], "save": 1}})
    grid.set_state({"edit": {"seq": 2, "changes": [[0, 0, "I"], [0, 1, "C"]], "save": 1}})

    assert len(given) == 1
    assert grid.cells[0] == ["I", "C"]
    assert grid.status["state"] == "changed"
    assert grid.done == 2


def test_what_others_saved_meanwhile_is_shown_after_a_save():
    other = RaciMatrix.from_frame(
        pd.DataFrame(
            {"Sales": ["A", "A"], "Support": ["R", "C"]}, index=["Make offer", "Set-up help"]
        )
    )
    grid = small(on_save=lambda _matrix: SaveResult("Saved, with others' edits merged in", other))

    edit(grid, (1, 0, "A"), save=True)

    assert grid.cells == [["A", "R"], ["A", "C"]]
    assert grid.to_document() == other
    assert grid.status["state"] == "saved"


def test_cells_that_others_changed_too_are_named_with_both_texts():
    clash = ("set_up_help", "support", "I", "C", "R")
    grid = small(on_save=lambda matrix: SaveResult("Settle first", matrix, (clash,)))

    edit(grid, (1, 1, "R"), save=True)

    assert grid.clashes == [{"row": 1, "col": 1, "base": "I", "theirs": "C", "mine": "R"}]
    assert grid.status == {"state": "conflict", "text": "Settle first"}


def test_a_failed_save_is_said_in_one_line_without_a_traceback():
    def broken(_matrix):
        msg = "the disk is full"
        raise OSError(msg)

    grid = small(on_save=broken)
    grid.log.disabled = True

    edit(grid, save=True)

    assert grid.status == {"state": "error", "text": "Not saved: the disk is full"}


def test_another_state_of_the_same_matrix_can_be_shown():
    grid = small()
    other = RaciMatrix.from_frame(
        pd.DataFrame(
            {"Sales": ["R", "A"], "Support": ["A", "R"]}, index=["Make offer", "Set-up help"]
        )
    )

    grid.replace(other)

    assert grid.cells == [["R", "A"], ["A", "R"]]
    with pytest.raises(ValueError, match="other rows or roles"):
        grid.replace(RaciMatrix.from_frame(pd.DataFrame({"Sales": ["A"]}, index=["Make offer"])))


def test_a_misspelt_option_is_an_error():
    with pytest.raises(TypeError):
        small(readonly=True)


def test_without_scripts_the_matrix_is_a_plain_table_with_labels_as_text():
    frame = pd.DataFrame({"<b>Sales</b>": ["A/R"]}, index=["<img src=x onerror=alert(1)>"])

    bundle = RaciGrid(frame)._repr_mimebundle_()
    data = bundle[0] if isinstance(bundle, tuple) else bundle

    assert "&lt;img src=x onerror=alert(1)&gt;" in data["text/html"]
    assert "<img" not in data["text/html"]
    assert "<td>R/A</td>" in data["text/html"]
