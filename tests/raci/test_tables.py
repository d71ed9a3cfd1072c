"""Three shapes of table, read with a preview and written back, whatever people put into them."""

import openpyxl
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from journey_widgets.errors import DocumentError, JourneyDataError
from journey_widgets.raci import RaciMatrix, as_table, read_table
from journey_widgets.raci.schemes import SCHEMES

WIDE = "Task,Phase,Sales,Support\nMake offer,Buy,A,R\nHelp,Use,,A/R\n"
SHAPES = ("roles as columns", "letters as columns", "long list")


def cells(matrix):
    names = {r.id: r.label for r in matrix.roles}
    return {row.label: {names[r]: t for r, t in row.cells.items()} for row in matrix.rows}


def test_roles_as_columns_are_recognised_and_said():
    found = read_table(WIDE)
    assert found.shape == "roles as columns"
    assert cells(found.matrix) == {
        "Make offer": {"Sales": "A", "Support": "R"},
        "Help": {"Support": "R/A"},
    }
    assert [r.stage for r in found.matrix.rows] == ["buy", "use"]
    assert str(found).splitlines() == [
        "Read as: roles as columns", "2 rows, 2 roles, 3 cells filled", "Taken as facts of the row: Phase",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "header", ["Activity\tR\tA\tC\tI", "Activity\tResponsible\tAccountable\tConsulted\tInformed",
               "Activity\tR (does it)\tA - answers\tC: asked\ti"]
)  # fmt: skip
def test_letters_as_columns_are_recognised(header):
    found = read_table(f"{header}\nMake offer\tSupport; Sales\tSales\t\tBoss; Board\n")
    assert found.shape == "letters as columns"
    assert cells(found.matrix) == {
        "Make offer": {"Support": "R", "Sales": "R/A", "Boss": "I", "Board": "I"}
    }


def test_a_long_list_is_recognised_and_repeats_are_put_together():
    text = "task;who;RACI\nOffer;Sales;A\nOffer;Sales;r\nHelp;Support;R\n"
    found = read_table(text)
    assert found.shape == "long list"
    assert cells(found.matrix) == {"Offer": {"Sales": "R/A"}, "Help": {"Support": "R"}}
    assert "1 assignments of the same touchpoint and role were put together" in found.said


def test_unknown_codes_stay_where_they_are_and_are_found():
    found = read_table("Task,Sales,Support\nOffer,A,R?\nHelp,R,A\nCall,I,boss\n")
    assert cells(found.matrix)["Call"] == {"Sales": "I", "Support": "boss"}
    assert [f.code for f in found.findings if f.code == "CELL-01"]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("scheme", list(SCHEMES))
@settings(max_examples=30, deadline=None)
@given(data=st.data())
def test_writing_a_shape_and_reading_it_gives_the_same_matrix(shape, scheme, data):
    letters = list(SCHEMES[scheme].letters)
    roles = data.draw(
        st.lists(
            st.sampled_from(["Sales", "Support", "Ünit 5", "=Team", "Chef"]),
            min_size=1,
            unique=True,
        )
    )
    names = st.text("abcdefgh \"'<>=é", min_size=1, max_size=12).filter(
        lambda s: s.strip() == s and s.strip("'\"")
    )
    labels = data.draw(st.lists(names, min_size=1, max_size=5, unique_by=lambda s: s.casefold()))
    grid = [
        [data.draw(st.sets(st.sampled_from(letters), max_size=2)) for _ in roles] for _ in labels
    ]
    # What a shape cannot hold: roles that hold nothing, rows without letters.
    for line in grid:
        line[0] |= {letters[0]}
    for column in range(len(roles)):
        grid[0][column] |= {letters[1]}
    frame = pd.DataFrame(
        [["/".join(sorted(c)) for c in line] for line in grid], index=labels, columns=roles
    )
    matrix = RaciMatrix.from_frame(frame, scheme=scheme)

    again = read_table(as_table(matrix, shape), scheme=scheme, shape=shape).matrix

    assert cells(again) == cells(matrix)


def test_a_workbook_is_read_with_the_sheet_that_was_chosen_said(tmp_path):
    book = openpyxl.Workbook()
    book.active.title = "Matrix"
    for line in (
        ["Task", "Sales", "Support"],
        ["Offer", "A", "R"],
        [None, None, None],
        ["Help", None, "A, R"],
    ):
        book.active.append(line)
    book.create_sheet("Other").append(["x"])
    book.save(tmp_path / "m.xlsx")
    found = read_table(tmp_path / "m.xlsx")
    assert cells(found.matrix) == {
        "Offer": {"Sales": "A", "Support": "R"},
        "Help": {"Support": "R/A"},
    }
    assert "Sheet 'Matrix', the first one" in found.said
    assert found.matrix.label == "m"
    with pytest.raises(JourneyDataError, match="has no sheet 'Matrx'. Did you mean 'Matrix'"):
        read_table(tmp_path / "m.xlsx", sheet="Matrx")


def test_text_as_spreadsheets_put_it_on_the_clipboard():
    # LibreOffice and Excel: tabs, quoted cells with line breaks, CR LF, an empty last line.
    found = read_table(
        'Task\t"Sales\nteam"\tSupport\r\n"Make\nan offer"\tA\tR\r\nHelp\t\t"A, R"\r\n'
    )
    assert [r.label for r in found.matrix.roles] == ["Sales team", "Support"]
    assert cells(found.matrix) == {
        "Make an offer": {"Sales team": "A", "Support": "R"},
        "Help": {"Support": "R/A"},
    }


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Task,Sales\n", "no header with a row below it"),
        ("Task\nOffer\n", "has one column"),
        ("Task,Sales,sales\nOffer,A,R\n", "column 'Sales' occurs twice"),
        ("Task,Sales\nOffer,A,R\n", "row 2: 3 cells, but the header names 2"),
        ("Task,,Sales\nOffer,x,A\nHelp,,R\nCall,,I\n", "Column 2 has cells and no name"),
        ("Task,When,Where\nOffer,Monday,Rome\n", "0 of 2 cells are letters of RACI"),
        ("task,who,letters\nOffer,,A\n", "row 2: the role is blank"),
        ("task,R,A,cost\nOffer,Sales,Boss,12\n", "column 'cost' fits nowhere"),
        ("task,R,Responsible,A\nOffer,Sales,Boss,X\n", "two columns mean R"),
    ],
)
def test_what_would_be_lost_or_guessed_is_refused(text, words):
    with pytest.raises(DocumentError, match=words):
        read_table(text)


def test_another_shape_or_scheme_can_be_said():
    with pytest.raises(DocumentError, match="no shape 'wide'"):
        read_table(WIDE, shape="wide")
    with pytest.raises(DocumentError, match="no letter scheme 'RASIC'. Did you mean 'RASCI'"):
        read_table(WIDE, scheme="RASIC")
    assert read_table("Task,Sales\nOffer,S\n", scheme="RASCI").findings[0].code == "ROW-01"


def test_rows_of_the_same_name_are_kept_apart_and_found():
    found = read_table("Task,Sales\nOffer,A/R\nOffer,R\n")
    assert [r.touchpoint for r in found.matrix.rows] == ["offer", "offer_2"]
    assert "TAB-02" in [f.code for f in found.findings]


def test_a_row_without_a_name_is_numbered_and_said():
    found = read_table("Task,Sales\n,A/R\nOffer,R\n")
    assert [r.label for r in found.matrix.rows] == ["Row 1", "Offer"]
    assert "1 rows have no name and were numbered" in found.said


def test_nothing_is_dropped_for_how_it_begins_or_what_it_is_called():
    found = read_table("Task,Sales,Note,Volume\n# 1 priority,R,A,I\nOther,A,R,C\n")
    assert cells(found.matrix) == {
        "# 1 priority": {"Sales": "R", "Note": "A", "Volume": "I"}, "Other": {"Sales": "A", "Note": "R", "Volume": "C"},
    }  # fmt: skip
    noted = read_table("Task,Sales,Note\nOffer,R/A,call first\n").matrix
    assert noted.rows[0].note == "call first"


def test_our_own_text_is_read_with_everything_in_it():
    matrix = RaciMatrix.from_body(
        {
            "label": "Mine", "roles": [{"id": "x", "label": "Sales, and more"}],
            "rows": [{"touchpoint": "a", "label": 'Call "back"', "cells": {"x": "R"}, "note": "=1, \"2\""}],
            "acknowledged": [{"code": "ROW-07", "touchpoint": "a", "reason": "so, be it", "until": "2026-12-31"}],
        }
    )  # fmt: skip
    assert read_table(matrix.to_text()).matrix == matrix


def test_stages_in_any_script_stay_apart():
    found = read_table(
        "Task,Stage,Sales\nOne,认知,R\nTwo,购买,A\nThree,Покупка,I\nFour,认知,C\n"
    ).matrix
    stages = [r.stage for r in found.rows]
    assert len(set(stages)) == 3
    assert stages[0] == stages[3]
    assert (
        len(
            {
                r.stage
                for r in RaciMatrix.from_text("Task,stage,Sales\nOne,认知,R\nTwo,购买,A\n").rows
            }
        )
        == 2
    )


@pytest.mark.parametrize(
    "label",
    ["Sales and Marketing", "Legal, EU", "R&D", "stage", "Touchpoint", "Letters", "A/B tests"],
)
@pytest.mark.parametrize("shape", SHAPES)
def test_roles_of_any_name_come_back_from_every_shape(label, shape):
    matrix = RaciMatrix.from_body(
        {"roles": [{"id": "odd", "label": label}, {"id": "boss", "label": "Boss"}],
         "rows": [{"touchpoint": "a", "label": "Offer", "stage": "buy", "cells": {"odd": "R", "boss": "R/A"}},
                  {"touchpoint": "b", "label": "Help", "cells": {"odd": "A", "boss": "C"}}]}
    )  # fmt: skip
    again = read_table(as_table(matrix, shape), shape=shape).matrix
    assert [list(row.cells.values()) for row in again.rows] == [["R", "R/A"], ["A", "C"]]
    assert again.rows[0].stage == "buy"


def test_codes_that_have_no_column_are_not_dropped():
    matrix = RaciMatrix.from_frame(pd.DataFrame({"Sales": ["A/X"]}, index=["Offer"]))
    with pytest.raises(DocumentError, match="Offer, Sales: A/X"):
        as_table(matrix, "letters as columns")


def test_the_touchpoints_are_found_wherever_they_stand(tmp_path):
    for header, rows in (
        ("Stage\tTouchpoint\tSales\tFin", "Buy\tOffer\tA\tR\nBuy\tHelp\tR\tA"),
        ("No\tTask\tSales\tFin", "1\tOffer\tA\tR\n2\tHelp\tR\tA"),
        ("\tSales\tFin", "Offer\tA\tR\nHelp\tR\tA"),
    ):
        found = read_table(f"{header}\n{rows}\n").matrix
        assert cells(found) == {
            "Offer": {"Sales": "A", "Fin": "R"},
            "Help": {"Sales": "R", "Fin": "A"},
        }
    found = read_table("No\tTask\tSales\n1\tOffer\tA\n2\tHelp\tR\n")
    assert "Left out, as numbers of the rows: No" in found.said
    from journey_widgets.raci import export

    assert cells(read_table(export(found.matrix, tmp_path / "m.xlsx")).matrix) == cells(
        found.matrix
    )


@pytest.mark.parametrize(
    "names", [("A-Team", "C-level"), ("C level", "I T"), ("Accountable", "R"), ("A", "Accountable")]
)
def test_roles_that_look_like_letters_stay_roles(names):
    frame = pd.DataFrame([["R", "A"], ["A", "R"]], index=["Offer", "Help"], columns=list(names))
    found = read_table(frame.rename_axis("Task").reset_index())
    assert found.shape == "roles as columns"
    assert [r.label for r in found.matrix.roles] == list(names)
    listed = read_table("Task\tOwner\tValue\nOffer\tA\tR\nHelp\tR\tA\n")
    assert [r.label for r in listed.matrix.roles] == ["Owner", "Value"]


def test_words_are_letters_in_a_long_list_and_a_mark_of_byte_order_is_none():
    found = read_table("\ufefftask,who,letter\nOffer,Sales,Responsible\nOffer,Boss,accountable\n")
    assert cells(found.matrix) == {"Offer": {"Sales": "R", "Boss": "A"}}
    assert read_table("\ufeff" + found.matrix.to_text()).matrix == found.matrix
