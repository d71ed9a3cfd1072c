"""Opening files of several kinds as one table of raw values, in input order.

Files come from outside: each is read on a DuckDB connection that may see the file's own folder and
nothing else, and a file that is not what its name says is refused in words.
"""

from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
import ibis

from journey_widgets.errors import JourneyDataError
from journey_widgets.events.csv_file import read_csv
from journey_widgets.events.engine import scratch_folder, unreadable
from journey_widgets.events.json_lines import read_json_lines
from journey_widgets.events.mapping import Format, SourceMapping
from journey_widgets.events.raw import ROW, RawTable, literal, locked_connection
from journey_widgets.events.workbook import read_workbook
from journey_widgets.textfiles import check_file

if TYPE_CHECKING:
    from ibis.backends.duckdb import Backend

SUFFIXES: dict[str, Format] = {
    ".csv": "csv",
    ".tsv": "csv",
    ".txt": "csv",
    ".parquet": "parquet",
    ".xlsx": "xlsx",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
}


def file_format(path: Path, mapping: SourceMapping) -> Format:
    """Return the format the mapping names, or the one the file's name tells."""
    if mapping.format:
        return mapping.format
    suffixes = [s.lower() for s in path.suffixes if s.lower() != ".gz"]
    if suffixes and suffixes[-1] in SUFFIXES:
        return SUFFIXES[suffixes[-1]]
    msg = (
        f"{path.name}: its ending does not tell what it is. "
        "Add format: csv, parquet, xlsx or jsonl to the mapping."
    )
    raise JourneyDataError(msg)


def open_file(path: Path, mapping: SourceMapping, scratch: Path) -> RawTable:
    """Open `path` as raw values with the row number in column `ROW`.

    `scratch` is a folder of our own for what has to be written on the way.
    """
    check_file(path)
    path = path.resolve()
    kind = file_format(path, mapping)
    con = locked_connection(path.parent, scratch, scratch_folder())
    raw = {
        "csv": read_csv,
        "parquet": _parquet,
        "xlsx": read_workbook,
        "jsonl": read_json_lines,
    }[kind](con, path, mapping, scratch)
    if ROW not in raw.table.columns:
        raw.table = raw.table.mutate(ibis.row_number().name(ROW))
    if not int(raw.table.count().to_pyarrow().as_py()):
        msg = f"{path.name} has no rows. There is nothing to read."
        raise JourneyDataError(msg)
    return raw


def _parquet(con: "Backend", path: Path, mapping: SourceMapping, scratch: Path) -> RawTable:
    del mapping, scratch
    try:
        table = con.read_parquet(literal(path), file_row_number=True, hive_partitioning=False)
    except duckdb.Error as error:
        said = f"{path.name} is not a whole Parquet file: {str(error).splitlines()[0]}"
        raise unreadable(error, said) from None
    return RawTable(con, table.rename({ROW: "file_row_number"}), typed=True)
