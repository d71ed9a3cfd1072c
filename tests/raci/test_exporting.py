"""A matrix as a file for others: the same content in each kind, and no text that does anything."""

import csv
import io
import re

import openpyxl
import pandas as pd
import pytest

from journey_widgets import Workspace
from journey_widgets.errors import DocumentError
from journey_widgets.raci import RaciMatrix
from journey_widgets.raci.exporting import KINDS, export, to_markdown

NASTY = [
    "=1+1",
    "<script>alert(1)</script>",
    "a|b",
    "[x](javascript:alert(1))",
    "+CMD",
    "@SUM(A1)",
    "\u202egnp.exe",
    "it's",
]


@pytest.fixture(scope="module")
def nasty():
    frame = pd.DataFrame([["R/A", "=2+2", *[""] * 6]] * 8, index=NASTY, columns=NASTY)
    return RaciMatrix.from_frame(frame, label="=HYPERLINK(1)")


@pytest.mark.parametrize("kind", list(KINDS))
def test_every_kind_is_written_and_replaces_the_old_file_whole(kind, nasty, tmp_path):
    target = tmp_path / f"matrix{kind}"
    target.write_bytes(b"old")
    assert export(nasty, target) == target
    assert target.stat().st_size > 200
    assert [p.name for p in tmp_path.iterdir()] == [target.name]


def test_another_ending_is_refused(nasty, tmp_path):
    with pytest.raises(DocumentError, match=r"a matrix is written as \.csv, \.xlsx"):
        export(nasty, tmp_path / "m.docx")


def test_a_workbook_holds_text_only(nasty, tmp_path):
    book = openpyxl.load_workbook(export(nasty, tmp_path / "m.xlsx"))
    found = [c for sheet in book for line in sheet for c in line if c.value is not None]
    assert {c.data_type for c in found} == {"s"}
    assert {"=1+1", "=2+2", "+CMD"} <= {c.value for c in found}
    assert book.worksheets[0].freeze_panes == "C2"


def test_no_cell_of_the_csv_is_a_formula_and_it_reads_back(nasty, tmp_path):
    path = export(nasty, tmp_path / "m.csv")
    for line in csv.reader(io.StringIO(path.read_text("utf-8"))):
        assert not any(c[:1] in tuple("=+-@") for c in line)
    assert RaciMatrix.from_csv(path) == nasty


def test_html_and_markdown_hold_characters_and_no_marks(nasty, tmp_path):
    page = export(nasty, tmp_path / "m.html").read_text("utf-8")
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    text = to_markdown(nasty)
    assert "](javascript" not in text
    assert "<script" not in text
    assert r"a\|b" in text
    lines = [line for line in text.splitlines() if line.startswith("|")]
    assert {len(re.findall(r"(?<!\\)\|", line)) for line in lines} == {11}


def test_all_kinds_have_the_same_content(made_example, tmp_path):
    space = Workspace.open(made_example, read_only=True)
    matrix, journey = space.raci, space.journey
    words = ["Set-up help", "Success manager", "Post-purchase", "Accountable", "R/A"]
    book = openpyxl.load_workbook(export(matrix, tmp_path / "m.xlsx", journey))
    texts = {
        "xlsx": " ".join(str(c.value) for sheet in book for line in sheet for c in line),
        "md": to_markdown(matrix, journey).replace("\\", ""),
        "html": export(matrix, tmp_path / "m.html", journey).read_text("utf-8"),
        "svg": export(matrix, tmp_path / "m.svg", journey).read_text("utf-8"),
    }
    for kind, text in texts.items():
        assert [w for w in words if w not in text] == [], kind
    for kind in ("xlsx", "md", "html"):
        assert "The courier is bound by contract" in texts[kind]


def test_a_picture_of_a_large_matrix_and_of_an_empty_one_is_drawn(tmp_path):
    frame = pd.DataFrame(
        "R", index=[f"Row {i}" for i in range(60)], columns=[f"Role {i}" for i in range(20)]
    )
    assert "Role 19" in export(RaciMatrix.from_frame(frame), tmp_path / "big.svg").read_text(
        "utf-8"
    )
    assert export(RaciMatrix(), tmp_path / "none.svg").exists()
