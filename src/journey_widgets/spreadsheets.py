"""The cells of a sheet as text: from a CSV or XLSX file, a table, or text pasted from a spreadsheet."""

import csv
import io
from pathlib import Path

import pandas as pd

from journey_widgets.errors import DocumentError
from journey_widgets.events.workbook import sheet_rows
from journey_widgets.safe import from_csv_text
from journey_widgets.textfiles import read_text


def lines_of(
    source: str | Path | pd.DataFrame, sheet: str | None = None
) -> tuple[list[list[str]], str, list[str]]:
    """Return the cells of a source as text, its name, and what had to be chosen.

    Text has a line break in it; a `str` without one is a path. `sheet` names a sheet of a workbook.
    """
    if isinstance(source, pd.DataFrame):
        frame = source if isinstance(source.index, pd.RangeIndex) else source.reset_index()
        rows = [
            [_text(c) for c in frame.columns],
            *([_text(v) for v in line] for line in frame.to_numpy()),
        ]
        return rows, "the table", []
    if isinstance(source, str) and "\n" in source:
        return _split(source), "the pasted text", []
    path = Path(source)
    if path.suffix.lower() == ".xlsx":
        cells, notes = sheet_rows(path, sheet)
        said = [f"Sheet {notes['sheet'][0]!r}, the first one"] if notes else []
        return [[_text(v) for v in row] for row in cells], path.name, said
    return _split(read_text(path)), path.name, []


def _text(value: object) -> str:
    if value is None or (not isinstance(value, str) and pd.isna(value)):  # type: ignore[call-overload]
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).replace("\r", "").strip()


def _split(text: str) -> list[list[str]]:
    """Return the cells of text, by the separator its header uses most; quoted cells may hold line breaks."""
    text = text.removeprefix("\ufeff")
    first = text.lstrip("\n").partition("\n")[0]
    separator = max("\t,;|", key=first.count)
    try:
        rows = list(csv.reader(io.StringIO(text), delimiter=separator))
    except csv.Error as error:
        msg = f"The text is no table: {error}. Copy it again, or save it as CSV."
        raise DocumentError(msg) from None
    return [[from_csv_text(_text(c)) for c in row] for row in rows]
