"""The engine that answers questions about read sources: DuckDB under Ibis, one connection.

A source that lives in a warehouse (`events.warehouse`) is asked there, by the same expressions.
"""

import atexit
import contextlib
import os
import re
import shutil
import tempfile
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, cast

import ibis
import ibis.expr.operations as ops
import ibis.expr.types as ir
import pandas as pd
import psutil
import pyarrow as pa
from ibis.common.exceptions import IbisError

from journey_widgets.errors import InfrastructureError, JourneyDataError, JourneyError

if TYPE_CHECKING:  # the backend is loaded when it is first asked
    from ibis.backends.duckdb import Backend

try:
    import fcntl
except ImportError:  # not on Windows
    fcntl = None  # type: ignore[assignment]

SCRATCH, LOCK = "journey_", "in_use"
THREADS = "JOURNEY_THREADS"
"""Environment variable: threads of the engine. With one, sums of fractions come out the same to their last digit."""
SHARE, LEAST = 0.4, 1_000_000_000
"""Share of the machine's memory a connection may hold before it puts rows on disk, and the least, in bytes."""


def memory_settings() -> tuple[str, str]:
    """Return the settings that let a connection work on logs larger than memory."""
    spill = str(scratch_folder() / "spill").replace("'", "''")
    limit = max(int(psutil.virtual_memory().total * SHARE), LEAST)
    return f"SET memory_limit='{limit}B'", f"SET temp_directory='{spill}'"


@cache
def engine() -> "Backend":
    """Return the process's connection; its session zone is UTC and it installs nothing."""
    con = ibis.duckdb.connect()
    for setting in (
        *memory_settings(),
        "SET TimeZone='UTC'",
        "SET autoinstall_known_extensions=false",
        "SET autoload_known_extensions=false",
        "SET python_enable_replacements=false",
        *([f"SET threads={int(os.environ[THREADS])}"] if os.environ.get(THREADS) else []),
    ):
        con.raw_sql(setting)
    return cast("Backend", con)


@cache
def scratch_folder() -> Path:
    """Return a folder for this process's own intermediate files, removed when it ends.

    A process that is killed cannot remove its folder; the next one that starts does.
    """
    remove_left_behind()
    folder = tempfile.TemporaryDirectory(prefix=SCRATCH)
    path = Path(folder.name)
    atexit.register(folder.cleanup)
    if fcntl is not None:
        held = (path / LOCK).open("wb")  # locked as long as the process lives, however it ends
        atexit.register(held.close)
        fcntl.flock(held, fcntl.LOCK_EX)
        path.mkdir(exist_ok=True)  # somebody may have tidied up just before it was locked
    return path


def remove_left_behind() -> None:
    """Remove the scratch folders whose processes are gone; those of living ones are locked."""
    if fcntl is None:
        return
    for lock in Path(tempfile.gettempdir()).glob(f"{SCRATCH}*/{LOCK}"):
        with contextlib.suppress(OSError), lock.open("wb") as tried:
            fcntl.flock(tried, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(lock.parent, ignore_errors=True)


def unreadable(error: Exception, said: str) -> JourneyError:
    """Return what is told of a source that the engine could not read: the input is at fault, or the machine."""
    import duckdb

    if isinstance(error, duckdb.OutOfMemoryException):
        return InfrastructureError(
            f"{said} Close other programs, or use a machine with more memory."
        )
    full = isinstance(error, duckdb.IOException) and re.search(
        "No space left|Input/output error", str(error)
    )
    return InfrastructureError(said) if full else JourneyDataError(said)


def parquet_table(path: Path) -> ir.Table:
    """Return one of our own Parquet files as a lazy table."""
    literal = re.sub(r"([\[*?])", r"[\1]", str(path))  # a name, not a pattern
    return cast("ir.Table", engine().read_parquet(literal, hive_partitioning=False))


OURS = "duckdb"
"""What the engine of this process is called among others."""


def engines_of(value: ir.Value | ir.Table) -> set[str]:
    """Return the names of the engines whose tables an expression reads."""
    tables = value.op().find((ops.DatabaseTable, ops.SQLQueryResult))
    return {str(t.source.name) for t in tables}


def engine_of(value: ir.Value | ir.Table) -> str:
    """Return the name of the engine that an expression runs on: ours, where it reads no table of another one."""
    return next(iter(sorted(engines_of(value) - {OURS})), OURS)


def beside(rows: pa.Table, table: ir.Table) -> ir.Table:
    """Put rows to where a table lives, so that the two can be joined."""
    if engine_of(table) != OURS:
        return ibis.memtable(rows)
    return engine().create_table(ibis.util.gen_name("beside"), rows, temp=True)


def hold(table: ir.Table) -> ir.Table:
    """Work a table out where it lives and keep its rows for as long as somebody asks for them."""
    if engine_of(table) != OURS:
        try:
            return table.cache()
        except IbisError as error:
            raise _told_apart(table, error) from error
    return engine().create_table(ibis.util.gen_name("held"), table, temp=True)


def hold_now(table: ir.Table) -> ir.Table:
    """Work out, as `hold` does, a table that others write to.

    Rows that are held are found again by their expression; these have one of their own, so that nobody is given
    what was there when somebody else asked.
    """
    own = ibis.literal(ibis.util.gen_name("now"))
    return hold(table.filter(own != ""))


def collect(table: ir.Table) -> pd.DataFrame:
    """Return the rows of a lazy table; only small results come this way."""
    try:
        return cast("pd.DataFrame", table.to_pyarrow().to_pandas())
    except IbisError as error:
        raise _told_apart(table, error) from error


def _told_apart(table: ir.Table, error: Exception) -> Exception:
    """Return what is told of a question over tables of two engines; the error itself where that is not its cause."""
    names = sorted(engines_of(table))
    if len(names) < 2:
        return error
    return JourneyDataError(
        f"This question needs tables that live apart ({', '.join(names)}): one engine cannot read the other's. "
        "Put these sources on the same backend in sources.yaml."
    )
