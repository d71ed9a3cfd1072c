import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from journey_widgets.errors import DocumentError, JourneyDataError
from journey_widgets.raci import MatrixRole, MatrixRow, RaciMatrix
from raci.cases import PLANTED_FAULTS

LABELS = st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1, max_size=30).filter(
    lambda s: s.strip() == s and s.strip("'") != ""
)
CELLS = st.sampled_from(["", "R", "A", "C", "I", "R/A", "C/I", "=1+1", "boss"])


@st.composite
def matrices(draw):
    roles = [f"role_{i}" for i in range(draw(st.integers(0, 4)))]
    rows = [
        MatrixRow(
            touchpoint=f"touchpoint_{i}",
            label=draw(LABELS),
            stage=draw(st.sampled_from([None, "buy", "use"])),
            cells={r: draw(CELLS) for r in roles if draw(st.booleans())} if roles else {},
            requires_separation=draw(st.booleans()),
            upsell_moment=draw(st.booleans()),
            volume=draw(st.none() | st.floats(0, 1e6).map(lambda v: round(v, 3))),
            note=draw(st.none() | LABELS),
            reviewed_on=draw(st.none() | st.dates()),
        ).model_dump()
        for i in range(draw(st.integers(1, 4)))
    ]
    return RaciMatrix.from_body(
        {
            "label": draw(LABELS),
            "roles": [MatrixRole(id=r, label=draw(LABELS)).model_dump() for r in roles],
            "rows": rows,
            "reviewed_on": draw(st.none() | st.dates()),
        }
    )


@given(matrices())
def test_reading_the_text_of_a_matrix_gives_the_matrix_and_the_same_text_again(matrix):
    text = matrix.to_text()

    again = RaciMatrix.from_text(text)

    assert again == matrix
    assert again.to_text() == text


@given(matrices())
def test_no_cell_of_the_text_is_a_formula(matrix):
    import csv
    import io

    for line in csv.reader(io.StringIO(matrix.to_text())):
        for cell in line:
            assert cell[:1] not in {"=", "+", "-", "@", "\t", "＝", "＋", "－", "＠"} or not cell


def test_the_text_has_one_line_per_row_and_says_its_schema():
    lines = RaciMatrix.from_frame(PLANTED_FAULTS).to_text().splitlines()

    assert lines[0] == "# schema,raci/2"
    assert lines[-1] == "feedback_request,Feedback request,,,I,,,I"
    assert len(lines) == 3 + 5 + 1 + 5


def test_a_plain_sheet_becomes_a_matrix_with_ids_made_of_its_labels(tmp_path):
    sheet = tmp_path / "sheet.csv"
    sheet.write_text("Task,Sales Rep,Support\nMake offer,a,r\nSet-up help,,\n")

    matrix = RaciMatrix.from_csv(sheet)

    assert [r.id for r in matrix.roles] == ["sales_rep", "support"]
    assert matrix.cell("make_offer", "sales_rep") == "A"
    assert matrix.to_frame().to_dict("list") == {
        "touchpoint": ["Make offer", "Set-up help"],
        "stage": ["", ""],
        "Sales Rep": ["A", ""],
        "Support": ["R", ""],
    }


def test_a_table_of_our_own_view_comes_back_as_the_same_letters():
    matrix = RaciMatrix.from_frame(PLANTED_FAULTS)

    again = RaciMatrix.from_frame(matrix.to_frame())

    assert [r.cells for r in again.rows] == [r.cells for r in matrix.rows]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Task,Sales,sales \nOne,R,A\n", "row 1: column 'Sales' occurs twice"),
        ("Task,Sales\n,R\n", "row 2: the touchpoint is blank"),
        ("Task,Sales\nOne,R,A\n", "row 2: 3 cells, but the header names 2"),
        ("# schema,raci/9\ntouchpoint,label,stage\n", "newer than this package knows"),
        ("# schema,journey/1\ntouchpoint,label,stage\n", "raci/2 was needed"),
        ("# scheme,XYZ\nTask,Sales\nOne,R\n", "scheme"),
        ("# color,red\nTask,Sales\nOne,R\n", "'# color' is not known"),
        (
            "# schema,raci/1\n# role,sales,Sales\ntouchpoint,label,stage,sales\na,A,,R\na,B,,R\n",
            "row 3: touchpoint 'a' was given before",
        ),
        (
            "# schema,raci/1\n# role,sales,Sales\ntouchpoint,label,stage,other\na,A,,R\n",
            "make them agree",
        ),
        ("Task,Sales,volume\nOne,R,many\n", "rows.0.volume"),
        ("\n\n", "has no rows"),
        ("# role,s\nt,s\nc,A\n", "'# role' is not known or holds nothing"),
        ("# schema\nt,s\nc,A\n", "'# schema' is not known or holds nothing"),
        ("Task,volume,Sales\nOne,inf,A\n", "rows.0.volume"),
        ("Only a title\nCall\n", "no column is a role"),
    ],
)
def test_a_file_that_is_no_matrix_is_refused_with_its_place(text, said):
    with pytest.raises(DocumentError) as error:
        RaciMatrix.from_text(text, where="grid.csv")

    assert "grid.csv" in str(error.value)
    assert said.lower() in str(error.value).lower()


def test_a_file_that_is_no_text_is_refused(tmp_path):
    for name, data in {
        "zip.csv": b"PK\x03\x04\0\0",
        "latin.csv": "Tâche,Sales\n".encode("latin-1"),
    }.items():
        path = tmp_path / name
        path.write_bytes(data)
        with pytest.raises(JourneyDataError, match=name):
            RaciMatrix.from_csv(path)
    with pytest.raises(JourneyDataError, match="There is no file"):
        RaciMatrix.from_csv(tmp_path / "none.csv")


def test_equal_matrices_are_equal_whatever_the_order_their_cells_were_given_in():
    roles = [{"id": "a", "label": "A"}, {"id": "b", "label": "B"}]
    one = {
        "roles": roles,
        "rows": [{"touchpoint": "x", "label": "X", "cells": {"a": "r", "b": "A"}}],
    }
    two = {
        "roles": roles,
        "rows": [{"touchpoint": "x", "label": "X", "cells": {"b": "a", "a": "R"}}],
    }

    assert RaciMatrix.from_body(one).to_text() == RaciMatrix.from_body(two).to_text()


@pytest.mark.parametrize("mark", [";", "\t"])
def test_a_sheet_with_another_separator_is_read_by_it(mark):
    text = "Task,Sales,Support\nCall,A,R\n".replace(",", mark)

    matrix = RaciMatrix.from_text(text)

    assert matrix.rows[0].cells == {"sales": "A", "support": "R"}


def test_our_own_form_saved_again_with_semicolons_is_still_ours():
    matrix = RaciMatrix.from_frame(PLANTED_FAULTS)

    assert RaciMatrix.from_text(matrix.to_text().replace(",", ";")) == matrix


def test_a_table_with_a_number_index_takes_its_labels_from_the_first_column():
    frame = pd.DataFrame({"task": ["Call", "Bill"], "Sales": ["A", "R"]}).sort_values("task")

    matrix = RaciMatrix.from_frame(frame)

    assert [(r.label, r.cells) for r in matrix.rows] == [
        ("Bill", {"sales": "R"}),
        ("Call", {"sales": "A"}),
    ]
    with pytest.raises(DocumentError, match="the touchpoint is blank"):
        RaciMatrix.from_frame(frame.assign(task=[None, "Bill"]))
    with pytest.raises(DocumentError, match="several levels"):
        RaciMatrix.from_frame(frame.set_index(["task", "Sales"]).assign(Support="R"))


def test_a_text_that_a_spreadsheet_padded_to_one_width_is_read():
    note = {"code": "ROW-07", "touchpoint": "a", "reason": "fine", "until": "2026-12-31"}
    matrix = RaciMatrix.from_body(
        {
            "roles": [{"id": "x", "label": "X"}],
            "rows": [{"touchpoint": "a", "label": "A"}],
            "acknowledged": [note],
        }
    )
    lines = matrix.to_text().splitlines()
    wide = max(line.count(",") for line in lines) + 3
    padded = "\r\n".join(line + "," * (wide - line.count(",")) for line in lines)
    assert RaciMatrix.from_text(padded) == matrix
