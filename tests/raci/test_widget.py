"""The grid's Python side: what the page sends is applied once, as a whole or not at all."""

from datetime import date

import pandas as pd
import pytest
import traitlets
from hypothesis import given, settings
from hypothesis import strategies as st

from journey_widgets import RaciGrid
from journey_widgets.document_widget import SaveResult
from journey_widgets.errors import DocumentError
from journey_widgets.raci import RaciMatrix, RaciPolicy
from journey_widgets.raci.edits import apply_edit


def small(**options):
    frame = pd.DataFrame(
        {"Sales": ["A", ""], "Support": ["R", "I"]}, index=["Make offer", "Set-up help"]
    )
    return RaciGrid(frame, **options)


def send(grid, *steps, save=False):
    """What the page sends after a gesture."""
    begin = grid.done
    numbered = [{**s, "seq": begin + 1 + i} for i, s in enumerate(steps)]
    seq = begin + max(len(steps), 1)
    grid.set_state({"edit": {"seq": seq, "steps": numbered, "save": seq if save else 0}})


def write(touchpoint, role, text):
    return {"op": "cells", "cells": {touchpoint: {role: text}}}


def open_findings(grid):
    return [f["code"] for f in grid.findings if f["severity"] in ("error", "warn")]


def test_an_edit_changes_the_document_and_the_findings():
    grid = small()
    assert open_findings(grid) == ["ROW-01", "ROW-03"]

    send(grid, write("set_up_help", "sales", "A"), write("set_up_help", "support", "R"))

    assert grid.to_document().cell("set_up_help", "sales") == "A"
    assert open_findings(grid) == []
    assert grid.status["state"] == "changed"


def test_what_people_type_is_written_canonically():
    grid = small()

    send(grid, write("make_offer", "sales", "a, r"))

    assert grid.cells[0] == ["R/A", "R"]


def test_an_unknown_code_stays_in_the_cell_and_is_reported():
    grid = small()

    send(grid, write("make_offer", "sales", "boss"))

    assert grid.to_document().cell("make_offer", "sales") == "boss"
    found = {(f["code"], f["row"], f["role"]) for f in grid.findings}
    assert ("CELL-01", "make_offer", "sales") in found


@pytest.mark.parametrize(
    ("step", "words"),
    [
        (write("gone", "sales", "A"), "no row 'gone' any more"),
        (write("make_offer", "gone", "A"), "no role 'gone' any more"),
        (write("make_offer", "sales", 5), "one line of up to 3,000 characters"),
        (write("make_offer", "sales", "x" * 3_001), "one line of up to 3,000 characters"),
        (write("make_offer", "sales", "a\nb"), "one line of up to 3,000 characters"),
        ({"op": "cells", "cells": "R"}, "touchpoint → role → text was needed"),
        ({"op": "fly"}, "'None' cannot be edited"),
        ({"op": "fly", "list": "rows", "id": "make_offer"}, "no edit 'fly'"),
        ({"op": "set", "list": "rows", "id": "gone", "field": "label", "value": "x"}, "no row 'gone'"),
        ({"op": "set", "list": "roles", "id": "sales", "field": "id", "value": "x"}, "'id' cannot be changed"),
        ({"op": "set", "list": "rows", "id": "make_offer", "field": "label", "value": ""}, "rows.0.label"),
        ({"op": "acknowledge", "part": {"code": "ROW-07"}}, "until is missing"),
        ({"op": "restore", "rev": 1}, "Nothing can be restored"),
    ],
)  # fmt: skip
def test_a_step_that_does_not_fit_is_said_and_changes_nothing(step, words):
    grid = small()

    send(grid, step)

    assert words in grid.status["text"]
    assert grid.status["text"].startswith("Not taken: ")
    assert grid.cells == [["A", "R"], ["", "I"]]
    assert grid.done == 1


def test_a_step_of_several_cells_is_taken_as_a_whole():
    grid = small()

    send(grid, {"op": "cells", "cells": {"make_offer": {"sales": "I", "gone": "A"}}})

    assert grid.cells[0] == ["A", "R"]


def test_an_edit_of_another_form_is_refused():
    grid = small()
    for edit in (
        {"seq": "1", "steps": [], "save": 0},
        {"seq": 1, "steps": ["x"], "save": 0},
        {"seq": 1},
    ):
        with pytest.raises(traitlets.TraitError, match="an edit needs"):
            grid.set_state({"edit": edit})


def test_a_read_only_grid_takes_no_edit_whoever_sends_it():
    grid = small(read_only=True, on_save=lambda _m: pytest.fail("saved"))

    with pytest.raises(traitlets.TraitError, match="read-only"):
        send(grid, write("make_offer", "sales", "I"))
    with pytest.raises(traitlets.TraitError, match="read-only"):
        send(grid, save=True)

    assert grid.cells == [["A", "R"], ["", "I"]]
    assert grid.can_save is False


def test_rows_and_roles_are_added_renamed_moved_and_removed():
    grid = small()
    send(
        grid,
        {
            "op": "add",
            "list": "rows",
            "part": {"label": "Call back", "stage": "use"},
            "before": "set_up_help",
        },
    )
    send(grid, {"op": "add", "list": "roles", "part": {"label": "Stage"}, "before": None})
    assert [r["id"] for r in grid.rows] == ["make_offer", "call_back", "set_up_help"]
    assert [r["id"] for r in grid.roles] == [
        "sales",
        "support",
        "stage_2",
    ]  # a column of the file is called stage
    assert grid.cells == [["A", "R", ""], ["", "", ""], ["", "I", ""]]

    send(
        grid,
        write("call_back", "stage_2", "R"),
        {"op": "move", "list": "rows", "id": "call_back", "before": "make_offer"},
    )
    send(grid, {"op": "move", "list": "roles", "id": "stage_2", "before": "sales"})
    send(grid, {"op": "set", "list": "roles", "id": "stage_2", "field": "label", "value": "Agents"})
    assert [r["label"] for r in grid.roles] == ["Agents", "Sales", "Support"]
    assert grid.cells[0] == ["R", "", ""]

    send(grid, {"op": "remove", "list": "roles", "id": "support"})
    assert grid.cells == [["R", ""], ["", "A"], ["", ""]]
    send(grid, {"op": "move", "list": "rows", "id": "make_offer", "before": None, "stage": "use"})
    assert [(r["id"], r["stage"]) for r in grid.rows][-1] == ("make_offer", "use")


def test_undo_and_redo_go_through_everything_also_structure():
    grid = small()
    states = [grid.to_document()]
    for step in (
        write("make_offer", "sales", "I"),
        {"op": "add", "list": "roles", "part": {"label": "Boss"}, "before": "sales"},
        write("make_offer", "boss", "A"),
        {"op": "remove", "list": "rows", "id": "set_up_help"},
        {"op": "set", "list": "rows", "id": "make_offer", "field": "label", "value": "Offer"},
    ):
        send(grid, step)
        states.append(grid.to_document())
    assert grid.steps == {"undo": 5, "redo": 0}

    for before in states[-2::-1]:
        send(grid, {"op": "undo"})
        assert grid.to_document() == before
    send(grid, {"op": "undo"})
    assert grid.to_document() == states[0]
    for after in states[1:]:
        send(grid, {"op": "redo"})
        assert grid.to_document() == after


def test_undo_leaves_what_somebody_else_changed_since():
    grid = small()
    send(grid, write("make_offer", "sales", "I"), write("set_up_help", "sales", "C"))
    other = apply_edit(grid.to_document(), write("set_up_help", "sales", "A"))
    grid.replace(other)

    send(grid, {"op": "undo"})
    assert grid.cells == [["I", "R"], ["A", "I"]]
    assert "changed since is left as it is" in grid.status["text"]
    send(grid, {"op": "undo"})
    assert grid.cells == [["A", "R"], ["A", "I"]]


STEPS = st.one_of(
    st.builds(write, st.sampled_from(["make_offer", "set_up_help", "new"]), st.sampled_from(["sales", "support"]),
              st.sampled_from(["", "R", "A", "I", "x"])),
    st.builds(lambda b: {"op": "move", "list": "rows", "id": "make_offer", "before": b},
              st.sampled_from([None, "set_up_help"])),
    st.builds(lambda i: {"op": "remove", "list": "rows", "id": i},
              st.sampled_from(["make_offer", "set_up_help", "new"])),
    st.builds(lambda s: {"op": "add", "list": "rows", "part": {"touchpoint": "new", "label": s}, "before": None},
              st.sampled_from(["One", "Two"])),
    st.just({"op": "move", "list": "roles", "id": "support", "before": "sales"}),
    st.just({"op": "undo"}), st.just({"op": "redo"}),
)  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(st.lists(STEPS, max_size=10))
def test_undoing_everything_gives_the_beginning_and_redoing_it_the_end(steps):
    grid = small()
    first = grid.to_document()
    for step in steps:
        send(grid, step)
    last = grid.to_document()
    many = grid.steps["undo"]
    for _ in range(many):
        send(grid, {"op": "undo"})
    assert grid.to_document() == first
    for _ in range(many):
        send(grid, {"op": "redo"})
    assert grid.to_document() == last


def test_a_warning_is_acknowledged_and_taken_back():
    grid = small(policy=RaciPolicy(today=date(2026, 6, 1)))
    part = {
        "code": "ROW-07",
        "touchpoint": "make_offer",
        "reason": "They sit together",
        "until": "2026-12-31",
    }
    send(grid, {"op": "acknowledge", "part": part})
    known = next(f for f in grid.findings if f["code"] == "ROW-07")
    assert known["severity"] == "known"
    assert known["advice"] == "Accepted: They sit together (until 2026-12-31)"
    send(grid, {"op": "acknowledge", "part": {**part, "reason": "Still"}})
    assert [a.reason for a in grid.to_document().acknowledged] == ["Still"]
    send(grid, {"op": "withdraw", "id": known["id"]})
    assert next(f for f in grid.findings if f["code"] == "ROW-07")["severity"] == "info"


def test_saving_hands_the_document_on_and_says_what_came_of_it():
    given = []

    def keep(matrix):
        given.append(matrix)
        return SaveResult("Saved as revision 2")

    grid = small(on_save=keep)

    send(grid, write("set_up_help", "sales", "A"), save=True)

    assert given[0].cell("set_up_help", "sales") == "A"
    assert grid.status == {"state": "saved", "text": "Saved as revision 2"}
    assert grid.done == 1


def test_what_arrives_twice_is_taken_once():
    given = []
    grid = small(on_save=lambda matrix: given.append(matrix) or SaveResult("Saved"))
    one, two = (
        {**write("make_offer", "sales", "I"), "seq": 1},
        {**write("make_offer", "support", "C"), "seq": 2},
    )

    grid.set_state({"edit": {"seq": 1, "steps": [one], "save": 1}})
    grid.set_state({"edit": {"seq": 2, "steps": [one, two], "save": 1}})

    assert len(given) == 1
    assert grid.cells[0] == ["I", "C"]
    assert grid.steps["undo"] == 2
    assert grid.status["state"] == "changed"
    assert grid.done == 2


def test_what_others_saved_meanwhile_is_shown_after_a_save_whatever_it_is():
    other = RaciMatrix.from_frame(
        pd.DataFrame({"Sales": ["A"], "Boss": ["R"], "Support": ["C"]}, index=["Make offer"])
    )
    grid = small(on_save=lambda _matrix: SaveResult("Saved, with others' edits merged in", other))

    send(grid, write("set_up_help", "sales", "A"), save=True)

    assert grid.cells == [["A", "R", "C"]]
    assert grid.to_document() == other
    assert grid.status["state"] == "saved"


def test_cells_that_others_changed_too_are_named_with_both_texts():
    clash = ("set_up_help", "support", "I", "C", "R")
    words = ("Call back: somebody else deleted it, you changed it.",)
    grid = small(on_save=lambda matrix: SaveResult("Settle first", matrix, (clash,), words))

    send(grid, write("set_up_help", "support", "R"), save=True)

    assert grid.clashes == [
        {"row": "set_up_help", "column": "support", "base": "I", "theirs": "C", "mine": "R"}
    ]
    assert grid.disputes == list(words)
    assert grid.status == {"state": "conflict", "text": "Settle first"}


def test_a_failed_save_is_said_in_one_line_without_a_traceback():
    def broken(_matrix):
        msg = "the disk is full"
        raise OSError(msg)

    grid = small(on_save=broken)
    grid.log.disabled = True

    send(grid, save=True)

    assert grid.status == {"state": "error", "text": "Not saved: the disk is full"}


def test_unsaved_edits_are_kept_until_they_are_saved():
    kept = []
    earlier = RaciMatrix.from_frame(
        pd.DataFrame(
            {"Sales": ["C", ""], "Support": ["R", "I"]}, index=["Make offer", "Set-up help"]
        )
    )
    grid = small(
        on_save=lambda _m: SaveResult("Saved"),
        on_draft=kept.append,
        draft=(earlier, "Edits of yesterday are shown"),
    )
    assert grid.status == {"state": "draft", "text": "Edits of yesterday are shown"}
    assert grid.cells[0] == ["C", "R"]
    send(grid, {"op": "undo"})
    assert grid.cells[0] == ["A", "R"]
    kept.clear()

    send(grid, write("make_offer", "sales", "I"))
    assert kept[-1].cell("make_offer", "sales") == "I"
    send(grid, write("make_offer", "sales", "I"))
    assert len(kept) == 1
    send(grid, save=True)
    assert kept[-1] is None


def test_earlier_revisions_are_listed_and_restored():
    revisions = [{"rev": 1, "at": "then", "author": "Ann", "note": "", "changes": 3}]
    old = RaciMatrix.from_frame(pd.DataFrame({"Sales": ["R/A"]}, index=["Make offer"]))

    def restore(rev):
        revisions.insert(
            0, {"rev": 2, "at": "now", "author": "Bob", "note": f"restored {rev}", "changes": 1}
        )
        return SaveResult(f"Restored revision {rev}", old)

    grid = small(on_save=lambda _m: SaveResult("x"), history=lambda: revisions, on_restore=restore)
    assert [r["rev"] for r in grid.revisions] == [1]

    send(grid, {"op": "restore", "rev": 1})

    assert grid.to_document() == old
    assert [r["rev"] for r in grid.revisions] == [2, 1]
    send(grid, {"op": "undo"})
    assert grid.cells == [["A", "R"], ["", "I"]]


def test_a_misspelt_option_is_an_error():
    with pytest.raises(TypeError):
        small(readonly=True)


def test_without_scripts_the_matrix_is_a_plain_table_with_findings_and_labels_as_text():
    frame = pd.DataFrame({"<b>Sales</b>": ["R"]}, index=["<img src=x onerror=alert(1)>"])

    bundle = RaciGrid(frame)._repr_mimebundle_()
    data = bundle[0] if isinstance(bundle, tuple) else bundle

    assert "&lt;img src=x onerror=alert(1)&gt;" in data["text/html"]
    assert "<img" not in data["text/html"]
    assert "<td>R</td>" in data["text/html"]
    assert "nobody is accountable" in data["text/html"]


def test_an_edit_of_a_large_matrix_keeps_the_other_rows_as_they_are():
    frame = pd.DataFrame(
        "R", index=[f"Row {i}" for i in range(200)], columns=[f"Role {i}" for i in range(40)]
    )
    matrix = RaciMatrix.from_frame(frame)
    after = apply_edit(matrix, write("row_7", "role_3", "A"))
    assert after.rows[8] is matrix.rows[8]
    assert after == RaciMatrix.from_body(after.body())


def test_a_row_that_is_gone_takes_its_acknowledgements_along():
    matrix = small().to_document()
    part = {"code": "ROW-07", "touchpoint": "make_offer", "reason": "x", "until": "2026-12-31"}
    noted = apply_edit(matrix, {"op": "acknowledge", "part": part})
    assert (
        apply_edit(noted, {"op": "remove", "list": "rows", "id": "make_offer"}).acknowledged == ()
    )
    with pytest.raises(DocumentError, match="lists|cannot be edited"):
        apply_edit(matrix, {"op": "remove", "list": "lists", "id": "x"})


def test_an_undo_that_would_take_away_what_somebody_else_wrote_is_said_and_kept():
    grid = small()
    send(grid, {"op": "add", "list": "roles", "part": {"label": "Fin"}, "before": None})
    grid.replace(apply_edit(grid.to_document(), write("make_offer", "fin", "R")))
    send(grid, {"op": "undo"})
    assert (
        grid.status["text"]
        == "Not taken: somebody else wrote in what this step would take away; it stays."
    )
    assert grid.steps == {"undo": 1, "redo": 0}


def test_removing_what_is_gone_already_is_no_fault():
    grid = small()
    gone = {"op": "remove", "list": "rows", "id": "make_offer"}
    send(grid, gone)
    send(grid, gone)
    assert grid.status["state"] == "changed"
    assert grid.steps["undo"] == 1
