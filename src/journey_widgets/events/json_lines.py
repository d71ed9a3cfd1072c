"""JSON Lines: every value as text, and lists of records taken apart."""

import codecs
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
import ibis
import ibis.expr.types as ir
from ibis import _

from journey_widgets.errors import JourneyDataError, did_you_mean
from journey_widgets.events.encoding import binary, check_text, rewrite
from journey_widgets.events.engine import unreadable
from journey_widgets.events.mapping import SourceMapping
from journey_widgets.events.raw import ROW, RawTable, check_names, literal

if TYPE_CHECKING:
    from ibis.backends.duckdb import Backend


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


def read_json_lines(con: "Backend", path: Path, mapping: SourceMapping, scratch: Path) -> RawTable:
    """Read JSON Lines as text, value by value: no guess at types changes an id."""
    encoding, _mixed = check_text(path, mapping.encoding)
    with binary(path) as stream:
        marked = stream.read(3) == codecs.BOM_UTF8
    text_path = path
    if encoding != "utf-8" or marked:
        text_path = rewrite(path, "utf-8-sig" if marked else encoding, scratch)
    try:
        table = con.read_json(
            literal(text_path), format="newline_delimited", sample_size=-1, maximum_depth=1,
            map_inference_threshold=-1, hive_partitioning=False,
            compression="gzip" if text_path.suffix == ".gz" else "uncompressed",
        )  # fmt: skip
        if table.columns == ("json",) or any(not k.is_json() for k in table.schema().types):
            msg = f'{path.name}: each line must be a JSON object, such as {{"customer_id": 1}}.'
            raise JourneyDataError(msg)
        check_names(list(table.columns), path.name)
        table = table.mutate(ibis.row_number().name(ROW))
        lost = 0
        if mapping.unnest is not None:
            table, lost = _unnested(table, mapping.unnest, path)
        texts = {n: _text_at(table[n], "$") for n, k in table.schema().items() if k.is_json()}
        # The rows are read here, so that a line that is no JSON is found here.
        lines = con.create_table(ibis.util.gen_name("lines"), table.mutate(**texts), temp=True)
        return RawTable(con, lines, lost=lost)
    except duckdb.Error as error:
        said = f"{path.name} is not JSON Lines: {str(error).splitlines()[0]}"
        raise unreadable(error, said) from None


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
    check_names([str(n) for n in names], f"{path.name}, {name}")
    places = {n: "/" + n.replace("~", "~0").replace("/", "~1") for n in names}
    rows = rows.mutate(**{n: _text_at(_.item, place) for n, place in places.items()})
    return rows.drop("item").mutate(ibis.row_number().name(ROW)), lines - filled
