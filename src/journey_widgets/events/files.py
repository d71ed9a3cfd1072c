"""Opening files of several kinds as one table of raw values, in input order.

Files come from outside: each is read on a DuckDB connection that may see the file's own folder and
nothing else, and a file that is not what its name says is refused in words.
"""

import codecs
import csv
import gzip
import io
import itertools
import re
import tempfile
import uuid
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, cast

import duckdb
import ibis
import ibis.expr.types as ir
import pandas as pd
import pyarrow as pa
from ibis import _
from ibis.backends.duckdb import Backend
from ibis.common.exceptions import IbisError

from journey_widgets.errors import JourneyDataError, did_you_mean
from journey_widgets.events.engine import scratch_folder
from journey_widgets.events.mapping import Format, SourceMapping
from journey_widgets.textfiles import check_file

ROW = "__row"
"""Number of the row in the file, from 0: the order of events of the same time."""
SEPARATORS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}
SUFFIXES: dict[str, Format] = {
    ".csv": "csv",
    ".tsv": "csv",
    ".txt": "csv",
    ".parquet": "parquet",
    ".xlsx": "xlsx",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
}
MAGIC = {
    b"PK\x03\x04": "a ZIP or XLSX file",
    b"PAR1": "a Parquet file",
    b"\x89PNG": "a picture",
    b"%PDF": "a PDF",
    b"\xd0\xcf\x11\xe0": "an old Excel (.xls) file",
    b"\x1f\x8b": "a gzip file",
}
XLSX_MAX_BYTES, XLSX_MAX_RATIO, XLSX_MAX_ENTRIES = 200_000_000, 100, 1_000
CHUNK = 1 << 20
csv.field_size_limit(20_000_000)


@dataclass
class RawTable:
    """Raw values as they stand in the file, with what had to be found out on the way."""

    connection: Backend
    table: ir.Table
    notes: dict[str, str] = field(default_factory=dict)
    lost: int = 0
    """Lines that hold no record to make a row of."""


def locked_connection(*folders: Path) -> Backend:
    """Return a DuckDB connection that can read and write in `folders` only, for good."""
    con = ibis.duckdb.connect()
    allowed = ", ".join("'" + str(f.resolve()).replace("'", "''") + "/'" for f in folders)
    for setting in (
        "SET TimeZone='UTC'",
        f"SET allowed_directories=[{allowed}]",
        "SET python_enable_replacements=false",
        "SET autoinstall_known_extensions=false",
        "SET autoload_known_extensions=false",
        "SET allow_community_extensions=false",
        "SET enable_external_access=false",
        "SET lock_configuration=true",
    ):
        con.raw_sql(setting)
    return cast("Backend", con)


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
    raw = {"csv": _csv, "parquet": _parquet, "xlsx": _xlsx, "jsonl": _jsonl}[kind](
        con, path, mapping, scratch
    )
    if ROW not in raw.table.columns:
        raw.table = raw.table.mutate(ibis.row_number().name(ROW))
    if not int(raw.table.count().to_pyarrow().as_py()):
        msg = f"{path.name} has no rows. There is nothing to read."
        raise JourneyDataError(msg)
    return raw


def _literal(path: Path) -> str:
    """Return a path that means this one file to the engine, which takes ``[``, ``*`` and ``?`` as patterns."""
    if not set("[*?") & set(str(path)):
        return str(path)
    plain = scratch_folder() / f"{uuid.uuid4().hex}{''.join(path.suffixes[-2:])}"
    plain.symlink_to(path)
    return str(plain)


def _check_names(names: list[str], where: str) -> None:
    """Refuse column names that cannot be told apart, or that this package uses itself."""
    for place, name in enumerate(names):
        if not name:
            msg = f"{where}: column {place + 1} has no name. Name it, or remove the column."
            raise JourneyDataError(msg)
        if name in {ROW, "__order"}:
            msg = f"{where}: {name!r} is a name used here for the order of rows. Rename the column."
            raise JourneyDataError(msg)
    folded = [n.casefold() for n in names]
    twice = next((n for n in names if folded.count(n.casefold()) > 1), None)
    if twice is not None:
        msg = f"{where}: column {twice!r} occurs twice (upper and lower case count as one). Rename one."
        raise JourneyDataError(msg)


def as_arrow(table: Any) -> pa.Table:
    """Return a pandas, pyarrow or Ibis table as a pyarrow table, in its own order."""
    if isinstance(table, ir.Table):
        table = table.to_pyarrow()
    if isinstance(table, pd.DataFrame):
        names = [str(c) for c in table.columns]
        _check_names(names, "The table")
        try:
            table = pa.Table.from_pandas(table.set_axis(names, axis=1), preserve_index=False)
        except (pa.ArrowException, TypeError, OverflowError, ValueError) as error:
            msg = f"The table cannot be read: {error}. Give each column values of one kind."
            raise JourneyDataError(msg) from None
    if not isinstance(table, pa.Table):
        kind = type(table).__name__
        msg = f"A path, or a pandas, pyarrow or Ibis table was needed; got {kind}."
        raise JourneyDataError(msg)
    _check_names(list(table.column_names), "The table")
    if not table.num_rows:
        msg = "The table has no rows. There is nothing to read."
        raise JourneyDataError(msg)
    kinds = [pa.field(f.name, pa.string()) if pa.types.is_null(f.type) else f for f in table.schema]
    return table.cast(pa.schema(kinds))


def from_table(table: pa.Table, scratch: Path) -> RawTable:
    """Take a pyarrow table as raw values."""
    con = locked_connection(scratch)
    arrow = table.append_column(ROW, pa.array(range(table.num_rows), pa.int64()))
    try:
        return RawTable(con, con.create_table("raw", arrow))
    except (duckdb.Error, IbisError, pa.ArrowException, KeyError) as error:
        msg = f"The table cannot be read: {error}. Leave out columns of unusual types, or make them text."
        raise JourneyDataError(msg) from None


def _csv(con: Backend, path: Path, mapping: SourceMapping, scratch: Path) -> RawTable:
    notes: dict[str, str] = {}
    text_path, zipped = path, path.suffix.lower() == ".gz"
    encoding, mixed = _check_text(path, mapping.encoding)
    if encoding != "utf-8":
        notes["encoding"] = encoding
    if mixed:
        notes["line ends"] = "of several kinds"
    if encoding != "utf-8" or mixed:
        text_path, zipped = _rewrite(path, encoding, scratch), False
    with _binary(text_path) as stream:
        lines = io.TextIOWrapper(stream, "utf-8-sig", newline="")
        separator = mapping.separator or _find_separator(lines.readline(), notes)
        lines.seek(0)
        header = _header(lines, separator, path)
    kinds = dict.fromkeys(header, "VARCHAR")
    try:
        table = con.read_csv(
            _literal(text_path), delim=separator, quote='"', escape='"', header=True, columns=kinds,
            auto_detect=False, nullstr="", compression="gzip" if zipped else "none",
            max_line_size=20_000_000, hive_partitioning=False,
        )  # fmt: skip
        table.head(1).to_pyarrow()
    except duckdb.Error as error:
        raise JourneyDataError(_csv_fault(path, error)) from None
    return RawTable(con, table, notes)


def _binary(path: Path) -> IO[bytes]:
    if path.suffix.lower() == ".gz":
        return cast("IO[bytes]", gzip.open(path, "rb"))
    return path.open("rb")


def _chunks(path: Path) -> Iterator[bytes]:
    try:
        with _binary(path) as stream:
            while chunk := stream.read(CHUNK):
                yield chunk
    except (gzip.BadGzipFile, zlib.error, EOFError, OSError) as error:
        msg = f"{path.name} cannot be unpacked: {error}. Is it really a whole gzip file?"
        raise JourneyDataError(msg) from None


def _check_text(path: Path, encoding: str | None) -> tuple[str, bool]:
    """Return a text file's encoding and whether its line ends are mixed; refuse what is not text.

    The whole file is read once for this.
    """
    start = next(_chunks(path), b"")
    for magic, what in MAGIC.items():
        if start.startswith(magic):
            msg = f"{path.name} is {what}, not text. Save it as CSV, or name its format."
            raise JourneyDataError(msg)
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) and encoding is None:
        encoding = "utf-16"
    try:
        codec = codecs.lookup(encoding or "utf-8")
        name = codec.name
        if not getattr(codec, "_is_text_encoding", True) or name in {
            "undefined",
            "punycode",
            "idna",
        }:
            raise LookupError
    except LookupError:
        msg = f"{path.name}: Python knows no encoding {encoding!r}. Common ones: utf-8, cp1252."
        raise JourneyDataError(msg) from None
    if name.startswith("utf-16") is False and b"\0" in start:
        msg = f"{path.name} holds zero bytes: it is a binary file, not text. Save it as CSV."
        raise JourneyDataError(msg)
    decoder, done, row = codecs.getincrementaldecoder(name)(), 0, 1
    returns = pairs = 0
    for chunk in itertools.chain(_chunks(path), [b""]):
        try:
            text = decoder.decode(chunk, final=not chunk)
            row += text.count("\n")
            returns += text.count("\r")
            pairs += text.count("\r\n")
        except UnicodeDecodeError as error:
            row += chunk[: error.start].count(b"\n")
            found = error.object[error.start : error.start + 1]
            msg = (
                f"{path.name}, row {row}: byte {found!r} at offset {done + error.start} is not "
                f"{name}. Say which encoding it is, for example encoding: cp1252."
            )
            raise JourneyDataError(msg) from None
        done += len(chunk)
    mixed = returns > 0 and not (returns == pairs == row - 1)
    return "utf-8" if name in {"utf-8", "utf-8-sig", "ascii"} else name, mixed


def _rewrite(path: Path, encoding: str, scratch: Path) -> Path:
    """Write a text file again in UTF-8, with one kind of line end."""
    decoder = io.IncrementalNewlineDecoder(codecs.getincrementaldecoder(encoding)(), translate=True)
    with tempfile.NamedTemporaryFile(dir=scratch, suffix=".csv", delete=False) as target:
        for chunk in _chunks(path):
            target.write(decoder.decode(chunk).encode())
        target.write(decoder.decode(b"", final=True).encode())
    return Path(target.name)


def _find_separator(line: str, notes: dict[str, str]) -> str:
    counts = {s: line.count(s) for s in SEPARATORS}
    found = max(counts, key=lambda s: counts[s])
    if counts[found] and found != ",":
        notes["separator"] = SEPARATORS[found]
    return found if counts[found] else ","


def _header(lines: IO[str], separator: str, path: Path) -> list[str]:
    rows = csv.reader(lines, delimiter=separator)
    header = [name.strip() for name in next(rows, [])]
    if not any(header):
        msg = f"{path.name} has no header: its first row is blank. Column names were needed there."
        raise JourneyDataError(msg)
    _check_names(header, f"{path.name}, row 1")
    if next(rows, None) is None:
        msg = f"{path.name} has a header but no rows below it. There is nothing to read."
        raise JourneyDataError(msg)
    return header


def _csv_fault(path: Path, error: duckdb.Error) -> str:
    text = str(error)
    line = re.search(r"CSV Error on Line: (\d+)", text)
    what = next((x for x in text.splitlines() if "Expected Number of Columns" in x), "")
    where = f", row {line[1]}" if line else ""
    return (
        f"{path.name}{where} does not fit the header: {what or text.splitlines()[0]}. "
        "Check quotes and the separator in that row."
    )


def _parquet(con: Backend, path: Path, mapping: SourceMapping, scratch: Path) -> RawTable:
    del mapping, scratch
    try:
        table = con.read_parquet(_literal(path), file_row_number=True, hive_partitioning=False)
    except duckdb.Error as error:
        msg = f"{path.name} is not a whole Parquet file: {str(error).splitlines()[0]}"
        raise JourneyDataError(msg) from None
    return RawTable(con, table.rename({ROW: "file_row_number"}))


@ibis.udf.scalar.builtin(name="json_extract_string")
def _text_at(value: ibis.dtype("json"), place: str) -> str:  # type: ignore[valid-type, empty-body]
    """Read a JSON value as text: without quotes, numbers with all their digits, null as null."""


@ibis.udf.scalar.builtin(name="from_json")
def _records(value: ibis.dtype("json"), form: str) -> ibis.dtype("array<json>"):  # type: ignore[valid-type]
    """Take a JSON list apart."""


@ibis.udf.scalar.builtin(name="json_keys")
def _keys(value: ibis.dtype("json")) -> ibis.dtype("array<string>"):  # type: ignore[valid-type]
    """Names in a JSON object."""


@ibis.udf.scalar.builtin(name="json_type")
def _type(value: ibis.dtype("json")) -> str:  # type: ignore[valid-type, empty-body]
    """Kind of a JSON value."""


def _jsonl(con: Backend, path: Path, mapping: SourceMapping, scratch: Path) -> RawTable:
    """Read JSON Lines as text, value by value: no guess at types changes an id."""
    encoding, _mixed = _check_text(path, mapping.encoding)
    with _binary(path) as stream:
        marked = stream.read(3) == codecs.BOM_UTF8
    text_path = path
    if encoding != "utf-8" or marked:
        text_path = _rewrite(path, "utf-8-sig" if marked else encoding, scratch)
    try:
        table = con.read_json(
            _literal(text_path), format="newline_delimited", sample_size=-1, maximum_depth=1,
            map_inference_threshold=-1, hive_partitioning=False,
            compression="gzip" if text_path.suffix == ".gz" else "uncompressed",
        )  # fmt: skip
        if table.columns == ("json",) or any(not k.is_json() for k in table.schema().types):
            msg = f'{path.name}: each line must be a JSON object, such as {{"customer_id": 1}}.'
            raise JourneyDataError(msg)
        _check_names(list(table.columns), path.name)
        table = table.mutate(ibis.row_number().name(ROW))
        lost = 0
        if mapping.unnest is not None:
            table, lost = _unnested(table, mapping.unnest, path)
        texts = {n: _text_at(table[n], "$") for n, k in table.schema().items() if k.is_json()}
        # The rows are read here, so that a line that is no JSON is found here.
        return RawTable(con, con.create_table("lines", table.mutate(**texts), temp=True), lost=lost)
    except duckdb.Error as error:
        msg = f"{path.name} is not JSON Lines: {str(error).splitlines()[0]}"
        raise JourneyDataError(msg) from None


def _unnested(table: ir.Table, name: str, path: Path) -> tuple[ir.Table, int]:
    """Make a row of each record in a list; also return how many lines hold none."""
    if name not in table.columns:
        msg = f"{path.name} has no {name!r}; {did_you_mean(name, set(table.columns) - {ROW})}"
        raise JourneyDataError(msg)
    kinds = set(table.select(kind=_type(table[name])).distinct().to_pyarrow()["kind"].to_pylist())
    if not kinds <= {"ARRAY", "NULL", None}:
        msg = f"{path.name}: unnest needs a list of records in every line; {name!r} holds {sorted(map(str, kinds))}."
        raise JourneyDataError(msg)
    lines = int(table.count().to_pyarrow().as_py())
    items = table.mutate(item=_records(table[name], '["JSON"]')).drop(name)
    filled = int(items.filter(_.item.length() > 0).count().to_pyarrow().as_py())
    rows = items.mutate(item=_.item.unnest())
    if set(rows.select(kind=_type(_.item)).distinct().to_pyarrow()["kind"].to_pylist()) - {
        "OBJECT"
    }:
        msg = f"{path.name}: the list {name!r} must hold records ({{…}}), and some of its items are none."
        raise JourneyDataError(msg)
    names = (
        rows.select(key=_keys(_.item).unnest())
        .distinct()
        .order_by("key")
        .to_pyarrow()["key"]
        .to_pylist()
    )
    _check_names([str(n) for n in names], f"{path.name}, {name}")
    places = {n: "/" + n.replace("~", "~0").replace("/", "~1") for n in names}
    rows = rows.mutate(**{n: _text_at(_.item, place) for n, place in places.items()})
    return rows.drop("item").mutate(ibis.row_number().name(ROW)), lines - filled


def _xlsx(con: Backend, path: Path, mapping: SourceMapping, scratch: Path) -> RawTable:
    del scratch
    _check_archive(path)
    rows, notes = _sheet(path, mapping)
    header = ["" if v is None else str(v).strip() for v in rows[0]] if rows else []
    while header and not header[-1]:
        header.pop()
    if len(rows) < 2:
        msg = f"{path.name} has {'a header but no rows below it' if header else 'no header'}."
        raise JourneyDataError(msg)
    _check_names(header, f"{path.name}, row 1")
    columns = [_cells([row[i] for row in rows[1:]]) for i in range(len(header))]
    arrow = pa.table(dict(zip(header, columns, strict=True)))
    arrow = arrow.append_column(ROW, pa.array(range(arrow.num_rows), pa.int64()))
    return RawTable(con, con.create_table("raw", arrow), notes)


def _sheet(path: Path, mapping: SourceMapping) -> tuple[list[tuple[Any, ...]], dict[str, str]]:
    """Return the rows of the sheet that are not blank, and which sheet had to be chosen."""
    import openpyxl

    try:
        book = openpyxl.load_workbook(path, read_only=True, data_only=True)
        names = book.sheetnames
        if mapping.sheet is not None and mapping.sheet not in names:
            msg = (
                f"{path.name} has no sheet {mapping.sheet!r}. {did_you_mean(mapping.sheet, names)}"
            )
            raise JourneyDataError(msg)
        sheet = book[mapping.sheet] if mapping.sheet else book.worksheets[0]
        rows = [row for row in sheet.iter_rows(values_only=True) if any(v is not None for v in row)]
        book.close()
    except (KeyError, ValueError, IndexError, OSError, SyntaxError, zipfile.BadZipFile) as error:
        msg = f"{path.name} is not a whole XLSX workbook ({error}). Open and save it again, or use CSV."
        raise JourneyDataError(msg) from None
    width = max((len(row) for row in rows), default=0)
    padded = [(*row, *([None] * (width - len(row)))) for row in rows]
    return padded, {} if mapping.sheet or len(names) == 1 else {"sheet": sheet.title}


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
    if size > XLSX_MAX_BYTES or size / packed > XLSX_MAX_RATIO or len(entries) > XLSX_MAX_ENTRIES:
        msg = (
            f"{path.name} would unpack to {size / 1e6:,.0f} MB in {len(entries)} parts "
            f"({size / packed:,.0f} times its size): refused. Save the sheet as CSV or Parquet."
        )
        raise JourneyDataError(msg)
