"""CSV files: every cell as text, by the separator and header the file has."""

import csv
import io
import re
from pathlib import Path
from typing import IO, TYPE_CHECKING

import duckdb

from journey_widgets.errors import JourneyDataError
from journey_widgets.events.encoding import binary, check_text, rewrite
from journey_widgets.events.engine import unreadable
from journey_widgets.events.mapping import SourceMapping
from journey_widgets.events.raw import NoRowsError, RawTable, check_names, literal

if TYPE_CHECKING:
    from ibis.backends.duckdb import Backend

SEPARATORS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}
csv.field_size_limit(20_000_000)


def read_csv(con: "Backend", path: Path, mapping: SourceMapping, scratch: Path) -> RawTable:
    """Read a CSV file, packed by gzip or not; note what had to be found out about it."""
    notes: dict[str, list[str]] = {}
    text_path, zipped = path, path.suffix.lower() == ".gz"
    encoding, mixed = check_text(path, mapping.encoding)
    if encoding != "utf-8":
        notes["encoding"] = [encoding]
    if mixed:
        notes["line ends"] = ["of several kinds"]
    if encoding != "utf-8" or mixed:
        text_path, zipped = rewrite(path, encoding, scratch), False
    with binary(text_path) as stream:
        lines = io.TextIOWrapper(stream, "utf-8-sig", newline="")
        separator = mapping.separator or _find_separator(lines.readline(), notes)
        lines.seek(0)
        header = _header(lines, separator, path)
    kinds = dict.fromkeys(header, "VARCHAR")
    try:
        table = con.read_csv(
            literal(text_path), delim=separator, quote='"', escape='"', header=True, columns=kinds,
            auto_detect=False, nullstr="", compression="gzip" if zipped else "none",
            max_line_size=20_000_000, hive_partitioning=False,
        )  # fmt: skip
        table.head(1).to_pyarrow()
    except duckdb.Error as error:
        raise unreadable(error, _csv_fault(path, error)) from None
    return RawTable(con, table, notes)


def _find_separator(line: str, notes: dict[str, list[str]]) -> str:
    counts = {s: line.count(s) for s in SEPARATORS}
    found = max(counts, key=lambda s: counts[s])
    if counts[found] and found != ",":
        notes["separator"] = [SEPARATORS[found]]
    return found if counts[found] else ","


def _header(lines: IO[str], separator: str, path: Path) -> list[str]:
    rows = csv.reader(lines, delimiter=separator)
    header = [name.strip() for name in next(rows, [])]
    if not any(header):
        msg = f"{path.name} has no header: its first row is blank. Column names were needed there."
        raise JourneyDataError(msg)
    check_names(header, f"{path.name}, row 1")
    if next(rows, None) is None:
        msg = f"{path.name} has a header but no rows below it. There is nothing to read."
        raise NoRowsError(msg)
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
