"""Opening files of several kinds as one table of raw values, in input order.

Where a source lies in several files, their rows follow each other in order of the files' names; a column that some of
them lack is blank there.

Files come from outside: each is read on a DuckDB connection that may see the file's own folder and
nothing else, and a file that is not what its name says is refused in words.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
import ibis
import ibis.expr.datatypes as dt
import ibis.expr.types as ir

from journey_widgets.errors import JourneyDataError
from journey_widgets.events.csv_file import read_csv
from journey_widgets.events.engine import scratch_folder, unreadable
from journey_widgets.events.json_lines import read_json_lines
from journey_widgets.events.mapping import Format, SourceMapping
from journey_widgets.events.normalise import as_text
from journey_widgets.events.raw import ROW, NoRowsError, RawTable, literal, locked_connection
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


def open_files(
    parts: Mapping[str, Path], mapping: SourceMapping, scratch: Path, *, alone: bool, first: int = 0,
    also: Sequence[Path] = (),
) -> RawTable:  # fmt: skip
    """Open the files of a source as raw values with the row number, from `first`, in column `ROW`.

    Parameters
    ----------
    parts
        The files by name, in their order; see `Parts`.
    scratch
        A folder of our own for what has to be written on the way.
    alone
        Whether the source is one file, and never more.
    also
        Folders that are to be read on the same connection.
    """
    for path in parts.values():
        if alone or not path.exists() or path.stat().st_size:
            check_file(path)
    files = {name: path.resolve() for name, path in parts.items()}
    folders = dict.fromkeys(p.parent for p in files.values())
    con = locked_connection(*folders, scratch, scratch_folder(), *also)
    if alone:
        return _opened(con, next(iter(files.values())), mapping, scratch)[0]
    opened: dict[str, RawTable] = {}
    begins: dict[str, int] = {}
    without_rows: list[str] = []
    lost = 0
    for name, path in files.items():
        if not path.stat().st_size:  # it has just begun
            without_rows.append(name)
            continue
        try:
            opened[name], rows = _opened(con, path, mapping, scratch)
        except NoRowsError as error:
            lost += error.lost
            without_rows.append(name)
            continue
        except JourneyDataError as error:
            if str(error).startswith(name):
                raise
            msg = f"{name}: {error}"
            raise JourneyDataError(msg) from None
        if len(files) > 1 and file_format(path, mapping) == "csv":
            # Room to read lines of is taken for each file of a statement: one after the other they need it once.
            one = opened[name]
            one.table = con.create_table(ibis.util.gen_name("part"), one.table, temp=True)
        begins[name], first = first, first + rows
    if not opened:
        which = f"{without_rows[0]} to {without_rows[-1]}"
        msg = f"None of {len(files)} files has a row, from {which}. There is nothing to read."
        none = NoRowsError(msg)
        none.lost = lost
        raise none
    whole = _one_after_the_other(con, opened, begins, first)
    whole.without_rows, whole.lost = without_rows, whole.lost + lost
    return whole


def _opened(
    con: "Backend", path: Path, mapping: SourceMapping, scratch: Path
) -> tuple[RawTable, int]:
    """Open one file; also return how many rows it has."""
    kind = file_format(path, mapping)
    raw = {
        "csv": read_csv,
        "parquet": _parquet,
        "xlsx": read_workbook,
        "jsonl": read_json_lines,
    }[kind](con, path, mapping, scratch)
    if ROW not in raw.table.columns:
        raw.table = raw.table.mutate(ibis.row_number().name(ROW))
    rows = int(raw.table.count().to_pyarrow().as_py())
    if not rows:
        msg = f"{path.name} has no rows. There is nothing to read."
        none = NoRowsError(msg)
        none.lost = raw.lost
        raise none
    return raw, rows


def _one_after_the_other(
    con: "Backend", opened: Mapping[str, RawTable], begins: dict[str, int], end: int
) -> RawTable:
    """Return several files as one table; columns of several types become text.

    `begins` says with which number of row each file begins, `end` where the last one ends.
    """
    folded: dict[str, str] = {}
    kinds: dict[str, list[dt.DataType]] = {}
    for one in opened.values():
        for column, kind in one.table.schema().items():
            name = folded.setdefault(column.casefold(), column)  # the engine takes both for one
            kinds.setdefault(name, []).append(kind)
    mixed = {c for c, found in kinds.items() if len(set(found)) > 1}
    blank: dict[str, int] = {}
    ends = [*list(begins.values())[1:], end]
    tables = []
    for (file, one), last in zip(opened.items(), ends, strict=True):
        own = {folded[c.casefold()]: one.table[c] for c in one.table.columns}
        columns: dict[str, ir.Value] = {}
        for name, found in kinds.items():
            value = own.get(name)
            kind = dt.string if name in mixed else found[0]
            if value is None:
                value = ibis.null(kind)
                blank[name] = blank.get(name, 0) + last - begins[file]
            elif name in mixed:
                value = as_text(value)
            columns[name] = value
        columns[ROW] = (own[ROW] + begins[file]).cast("int64")
        tables.append(one.table.select(**columns))
    whole = ibis.union(*tables) if len(tables) > 1 else tables[0]
    notes: dict[str, list[str]] = {}
    for one in opened.values():
        for what, found in one.notes.items():
            notes[what] = list(dict.fromkeys([*notes.get(what, []), *found]))
    return RawTable(
        con, con.create_view(ibis.util.gen_name("parts"), whole), notes, sum(one.lost for one in opened.values()),
        all(one.typed for one in opened.values()) and not mixed, begins, blank,
    )  # fmt: skip


def _parquet(con: "Backend", path: Path, mapping: SourceMapping, scratch: Path) -> RawTable:
    del mapping, scratch
    try:
        table = con.read_parquet(literal(path), file_row_number=True, hive_partitioning=False)
    except duckdb.Error as error:
        said = f"{path.name} is not a whole Parquet file: {str(error).splitlines()[0]}"
        raise unreadable(error, said) from None
    return RawTable(con, table.rename({ROW: "file_row_number"}), typed=True)
