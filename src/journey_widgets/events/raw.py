"""Raw values: the table as it stands in a source, on a connection that sees that source alone."""

import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import duckdb
import ibis
import ibis.expr.types as ir
import pandas as pd
import pyarrow as pa
from ibis.common.exceptions import IbisError

from journey_widgets.errors import JourneyDataError
from journey_widgets.events.engine import memory_settings, scratch_folder

if TYPE_CHECKING:
    from ibis.backends.duckdb import Backend

ROW = "__row"
"""Number of the row in the file, from 0: the order of events of the same time."""


@dataclass
class RawTable:
    """Raw values as they stand in the file, with what had to be found out on the way."""

    connection: "Backend"
    table: ir.Table
    notes: dict[str, list[str]] = field(default_factory=dict)
    """What had to be found out, such as ``separator``, and what was found: in several files more than one."""
    lost: int = 0
    """Lines that hold no record to make a row of."""
    typed: bool = False
    """Whether the values came with their types, so that looking twice costs little."""
    parts: dict[str, int] = field(default_factory=dict)
    """Of a source in several files: name of the file → number of its first row."""
    blank: dict[str, int] = field(default_factory=dict)
    """Column that some of the files lack → rows in which it is blank for that."""
    without_rows: list[str] = field(default_factory=list)
    """Files that have no row."""


class NoRowsError(JourneyDataError):
    """There is nothing to read in a file that is whole; `lost` is how many of its lines hold no record."""

    lost = 0


def locked_connection(*folders: Path) -> "Backend":
    """Return a DuckDB connection that can read and write in `folders` only, for good."""
    con = ibis.duckdb.connect()
    allowed = ", ".join("'" + str(f.resolve()).replace("'", "''") + "/'" for f in folders)
    for setting in (
        *memory_settings(),
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


def literal(path: Path) -> str:
    """Return a path that means this one file to the engine, which takes ``[``, ``*`` and ``?`` as patterns."""
    if not set("[*?") & set(str(path)):
        return str(path)
    plain = scratch_folder() / f"{uuid.uuid4().hex}{''.join(path.suffixes[-2:])}"
    plain.symlink_to(path)
    return str(plain)


def check_names(names: list[str], where: str) -> None:
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
        check_names(names, "The table")
        try:
            table = pa.Table.from_pandas(table.set_axis(names, axis=1), preserve_index=False)
        except (pa.ArrowException, TypeError, OverflowError, ValueError) as error:
            msg = f"The table cannot be read: {error}. Give each column values of one kind."
            raise JourneyDataError(msg) from None
    if not isinstance(table, pa.Table):
        kind = type(table).__name__
        msg = f"A path, or a pandas, pyarrow or Ibis table was needed; got {kind}."
        raise JourneyDataError(msg)
    check_names(list(table.column_names), "The table")
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
        return RawTable(con, con.create_table("raw", arrow), typed=True)
    except (duckdb.Error, IbisError, pa.ArrowException, KeyError) as error:
        msg = f"The table cannot be read: {error}. Leave out columns of unusual types, or make them text."
        raise JourneyDataError(msg) from None
