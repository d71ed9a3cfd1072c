"""Workbooks: one sheet, its cells in their own types, refused before they unpack to very much."""

import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ibis
import pyarrow as pa

from journey_widgets.errors import JourneyDataError, did_you_mean
from journey_widgets.events.mapping import SourceMapping
from journey_widgets.events.raw import ROW, NoRowsError, RawTable, check_names

if TYPE_CHECKING:
    from ibis.backends.duckdb import Backend

MAX_BYTES, MAX_RATIO, MAX_ENTRIES = 200_000_000, 100, 1_000


def read_workbook(con: "Backend", path: Path, mapping: SourceMapping, scratch: Path) -> RawTable:
    """Read the sheet the mapping names, or the first one."""
    del scratch
    rows, notes = sheet_rows(path, mapping.sheet)
    header = ["" if v is None else str(v).strip() for v in rows[0]] if rows else []
    while header and not header[-1]:
        header.pop()
    if len(rows) < 2:
        if header:
            msg = f"{path.name} has a header but no rows below it."
            raise NoRowsError(msg)
        msg = f"{path.name} has no header."
        raise JourneyDataError(msg)
    check_names(header, f"{path.name}, row 1")
    columns = [_cells([row[i] for row in rows[1:]]) for i in range(len(header))]
    arrow = pa.table(dict(zip(header, columns, strict=True)))
    arrow = arrow.append_column(ROW, pa.array(range(arrow.num_rows), pa.int64()))
    return RawTable(con, con.create_table(ibis.util.gen_name("raw"), arrow), notes)


def sheet_rows(
    path: Path, wanted: str | None = None
) -> tuple[list[tuple[Any, ...]], dict[str, list[str]]]:
    """Return the rows of a sheet that are not blank, and which sheet had to be chosen: the first one."""
    import openpyxl

    _check_archive(path)
    try:
        book = openpyxl.load_workbook(path, read_only=True, data_only=True)
        names = book.sheetnames
        if wanted is not None and wanted not in names:
            msg = f"{path.name} has no sheet {wanted!r}. {did_you_mean(wanted, names)}"
            raise JourneyDataError(msg)
        sheet = book[wanted] if wanted else book.worksheets[0]
        rows = [row for row in sheet.iter_rows(values_only=True) if any(v is not None for v in row)]
        book.close()
    except (KeyError, ValueError, IndexError, OSError, SyntaxError, zipfile.BadZipFile) as error:
        msg = f"{path.name} is not a whole XLSX workbook ({error}). Open and save it again, or use CSV."
        raise JourneyDataError(msg) from None
    width = max((len(row) for row in rows), default=0)
    padded = [(*row, *([None] * (width - len(row)))) for row in rows]
    return padded, {} if wanted or len(names) == 1 else {"sheet": [sheet.title]}


def _cells(values: list[Any]) -> Any:
    """Return a column of cells in their own type, or as text where types are mixed."""
    kinds = {type(v) for v in values if v is not None}
    if len(kinds) == 1 or kinds == {int, float}:
        try:
            return pa.array(values)
        except pa.ArrowException:
            pass  # such as a number beyond 64 bits: kept as text
    return pa.array([None if v is None else str(v) for v in values], pa.string())


def _check_archive(path: Path) -> None:
    """Refuse a workbook that would unpack to more than any real one, before unpacking it."""
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
    except zipfile.BadZipFile:
        msg = f"{path.name} is not an XLSX workbook. Open and save it again as .xlsx, or use CSV."
        raise JourneyDataError(msg) from None
    size = sum(e.file_size for e in entries)
    packed = max(1, sum(e.compress_size for e in entries))
    if size > MAX_BYTES or size / packed > MAX_RATIO or len(entries) > MAX_ENTRIES:
        msg = (
            f"{path.name} would unpack to {size / 1e6:,.0f} MB in {len(entries)} parts "
            f"({size / packed:,.0f} times its size): refused. Save the sheet as CSV or Parquet."
        )
        raise JourneyDataError(msg)
