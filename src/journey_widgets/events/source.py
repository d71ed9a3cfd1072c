"""Reading a source: a lazy table, and the data check that is shown before any result."""

import contextlib
import hashlib
import json
import os
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import duckdb
import ibis
import ibis.expr.types as ir
import pandas as pd
import pyarrow as pa
from ibis import _
from ibis.common.exceptions import IbisError
from pydantic import ValidationError

from journey_widgets.errors import InfrastructureError, JourneyDataError, did_you_mean
from journey_widgets.events.content import content_hashes
from journey_widgets.events.data_check import DataCheck, with_files_without_rows
from journey_widgets.events.engine import collect, scratch_folder, unreadable
from journey_widgets.events.files import open_files
from journey_widgets.events.grown_log import AnewError, grow_log
from journey_widgets.events.mapping import SourceMapping
from journey_widgets.events.normalise import (
    NAMES,
    Normalised,
    distinct_names,
    normalise,
    touchpoint_of,
)
from journey_widgets.events.parts import parts_of
from journey_widgets.events.personal import refuse_personal
from journey_widgets.events.raw import ROW, NoRowsError, as_arrow, from_table
from journey_widgets.events.shelf import (
    Part,
    Shelved,
    clear_away,
    finished_parts,
    grown_from,
    mark_as_used,
    place,
    put,
    readings,
    shelved,
)
from journey_widgets.events.stored_log import StoredLog, store_log
from journey_widgets.tables import Contract, contract, require_columns

READER = "6"
"""Raised when reading changes what it makes of the same file, so that stored tables are made anew."""
GROWS_WITH = ("rows", "customers", "ties", "first", "last", "again")
"""What of a stored log is noted, so that it can grow."""


@dataclass(frozen=True)
class Source:
    """A source that has been read.

    Attributes
    ----------
    kind
        Name of the contract: a key of `journey_widgets.tables.CONTRACTS`.
    table
        Lazy Ibis table with the contract's columns, the columns kept, and ``row`` (int64), the
        place in the input. Instants are naive timestamps in UTC.
    data_check
        What reading did, one row per fact: ``check``, ``column``, ``rows`` (int64), ``share`` of
        the rows read (float64), ``action``, ``detail``.
    fingerprint
        SHA-256 of the input and the mapping: the same text means the same table.
    path
        The Parquet file behind `table`; None where it lives in a warehouse.
    touchpoints, customers
        Of a log of events: the ids of its touchpoints, in order, and the number of its customers.
    stored
        The table of a warehouse with the events and their places in their paths; None where they lie in `path`.
    tail
        Of a log that has grown: the Parquet file of the customers of new events, whose rows in `path` count no more.
    """

    kind: str
    table: ir.Table
    data_check: pd.DataFrame
    fingerprint: str
    path: Path | None
    mapping: SourceMapping
    touchpoints: tuple[str, ...] = ()
    customers: int = 0
    stored: ir.Table | None = None
    tail: Path | None = None

    @property
    def currency(self) -> str | None:
        """Currency of every amount in the source, as an ISO 4217 code."""
        return self.mapping.currency

    def to_pandas(self) -> pd.DataFrame:
        """Return the whole table, in input order."""
        return collect(self.table.order_by("row"))

    def __repr__(self) -> str:
        facts = dict(zip(self.data_check["check"], self.data_check["rows"], strict=True))
        return f"<{self.kind}: {facts.get('rows kept', 0):,} rows, {self.fingerprint[:12]}>"


def read(
    kind: str, source: Any, mapping: SourceMapping, *, cache: Path | None = None, within: Path | None = None
) -> Source:  # fmt: skip
    """Read `source` as the contract `kind` says, by `mapping`.

    Parameters
    ----------
    kind
        Name of a contract in `journey_widgets.tables.CONTRACTS`.
    source
        Path of a CSV, Parquet, XLSX or JSON Lines file, or a pandas, pyarrow or Ibis table. With ``*`` or ``?`` in
        it a path means all files whose names fit, in order of name; a log that was kept in `cache` then grows by the
        files that have come since.
    mapping
        How its columns and values are read.
    cache
        Folder that keeps the table, so that the next reading of the same input takes no time.
    within
        Folder whose own name, and those above it, are no pattern.

    Raises
    ------
    JourneyDataError
        The file is missing, empty, not what it says, lacks a column, or more than
        ``mapping.tolerance`` of a column's times or numbers cannot be read.
    """
    agreed = contract(kind)
    if not isinstance(source, str | os.PathLike):
        source = as_arrow(source)
    folder = cache if cache is not None else scratch_folder()
    folder.mkdir(parents=True, exist_ok=True)
    given = _given(source, mapping, folder, within)
    notes = place(folder, f"{kind}-{given.fingerprint[:16]}", mapping)
    found = shelved(notes)
    if found is None:
        found = _read_in(given, agreed, mapping, notes)
        if cache is not None:
            clear_away(folder, notes, kind, mapping)
    elif cache is not None:
        mark_as_used(found)
    return Source(
        kind, found.table, found.data_check, given.fingerprint, found.base, mapping,
        tuple(found.noted["touchpoints"]), int(found.noted["customers"]), tail=found.tail,
    )  # fmt: skip


def _read_in(given: "_Given", agreed: Contract, mapping: SourceMapping, notes: Path) -> Shelved:
    """Store what was given; a log that was stored with some of its files grows by the others, where it can."""
    found = None
    if given.grows and agreed.name == "events" and not mapping.order:
        mark = notes.stem.removeprefix(f"{agreed.name}-{given.fingerprint[:16]}")
        with contextlib.suppress(
            AnewError, JourneyDataError, IbisError, pa.ArrowException, OSError
        ):
            # What is wrong with the files, if anything, is told when all of them are read.
            found = _grown(given, agreed, mapping, notes, mark)
    if found is None:
        _store(given, agreed, mapping, notes, grow=None)
        found = shelved(notes)
    if found is None:
        msg = f"What was read of {agreed.name} could not be stored in {notes.parent}. Is the disk full?"
        raise InfrastructureError(msg)
    return found


def _grown(
    given: "_Given", agreed: Contract, mapping: SourceMapping, notes: Path, mark: str
) -> Shelved | None:
    """Store a log that grows; None where nothing is stored that it could grow from."""
    earlier = readings(notes.parent, agreed.name, given.reading, mark)
    before = grown_from(earlier, given.hashes)
    had = 0 if before is None else len(before.noted["grows"]["parts"])
    finished = finished_parts(earlier, given.hashes)
    if finished > had:
        # Those that nobody writes to any more are stored by themselves, for all that is still to come.
        part = given.first(finished)
        own = notes.with_name(f"{agreed.name}-{part.fingerprint[:16]}{mark}.json")
        _store(part, agreed, mapping, own, grow=None)
        before = shelved(own)
    if before is None:
        return None
    _store(given, agreed, mapping, notes, grow=before)
    return shelved(notes)


def _store(
    given: "_Given", agreed: Contract, mapping: SourceMapping, notes: Path, *, grow: Shelved | None
) -> None:  # fmt: skip
    with tempfile.TemporaryDirectory(dir=notes.parent, prefix="reading-") as scratch:
        _make(given, agreed, mapping, notes, Path(scratch), grow=grow)


def table_of(given: Any, name: str, *needed: str) -> ir.Table:
    """Return a source, a table of the engine or a frame as a table with the columns needed.

    Instants of a frame are cut to whole microseconds; with a time zone they become UTC.
    """
    if isinstance(given, Source):
        table = given.table
    elif isinstance(given, pd.DataFrame):
        table = ibis.memtable(_in_micros(as_arrow(given)))
    elif isinstance(given, ir.Table):
        table = given
    else:
        msg = f"{name}: a source or a table was needed; found {type(given).__name__}."
        raise JourneyDataError(msg)
    require_columns(table.columns, *needed, name=name)
    return table


def _in_micros(table: pa.Table) -> pa.Table:
    """Return a table with its instants as naive UTC in whole microseconds."""
    for at, field in enumerate(table.schema):
        if pa.types.is_timestamp(field.type):
            cut = table.column(at).cast(pa.timestamp("us", field.type.tz), safe=False)
            table = table.set_column(at, field.name, cut.cast(pa.timestamp("us")))
    return table


@dataclass(frozen=True)
class _Given:
    """What is to be read: files, or a table."""

    name: str
    reading: str
    """Mark of how it is read."""
    parts: Mapping[str, Path]
    hashes: Sequence[Part] = ()
    """Name and hash of each file."""
    grows: bool = False
    """Whether more files may come: their names fit a pattern."""
    table: pa.Table | None = None

    @cached_property
    def fingerprint(self) -> str:
        """Hash of what is read and how."""
        digest = hashlib.sha256(self.reading.encode())
        if self.table is not None:
            with pa.ipc.new_stream(sink := pa.BufferOutputStream(), self.table.schema) as writer:
                writer.write_table(self.table)
            digest.update(sink.getvalue())
        elif self.grows:
            digest.update(json.dumps(self.hashes).encode())
        else:
            digest.update(bytes.fromhex(self.hashes[0][1]))
        return digest.hexdigest()

    def first(self, many: int) -> "_Given":
        """Return the first files alone."""
        parts = dict(list(self.parts.items())[:many])
        return _Given(self.name, self.reading, parts, self.hashes[:many], self.grows)


def _given(source: Any, mapping: SourceMapping, folder: Path, within: Path | None) -> _Given:
    digest = hashlib.sha256(READER.encode())
    digest.update(mapping.model_dump_json(exclude={"file"}).encode())
    reading = digest.hexdigest()
    if not isinstance(source, str | os.PathLike):
        return _Given("the table", reading, {}, table=source)
    parts = parts_of(Path(source), within)
    hashes = [h.hex() for h in content_hashes(parts.files.values(), folder)]
    named = list(zip(parts.files, hashes, strict=True))
    return _Given(parts.name, reading, parts.files, named, parts.is_pattern)


def _make(
    given: _Given, agreed: Contract, mapping: SourceMapping, notes: Path, scratch: Path, *, grow: Shelved | None
) -> None:  # fmt: skip
    """Read what was given, or of a log that grows the files that are new, and store it with its notes."""
    grows = {} if grow is None else grow.noted["grows"]
    new = dict(list(given.parts.items())[len(grows.get("parts", ())) :])
    first = int(grows["counted"]["counts"]["rows"]) if grows else 0
    try:
        if given.table is not None:
            opened = from_table(given.table, scratch)
        else:
            opened = open_files(
                new, mapping, scratch, alone=not given.grows, first=first, also=[notes.parent]
            )
    except NoRowsError as error:
        if grow is None or error.lost:
            raise
        put(notes, _without_more_rows(given, grow, list(new)), None, scratch)
        return
    try:
        read_in = normalise(opened.table, agreed, mapping)
        complete(read_in, agreed, mapping)
    except JourneyDataError as error:
        msg = f"{given.name}: {error}"
        raise JourneyDataError(msg) from None
    part = scratch / "table.parquet"
    stored: StoredLog | None = None
    try:
        types = {n: str(t) for n, t in opened.table.schema().items()}
        if grow is not None and types != grows["types"]:
            msg = "its columns, or their types, are others"
            raise AnewError(msg)
        if not opened.typed or read_in.parses_text():
            # Text is read once: everything below works on this copy.
            read_in.table = opened.connection.create_table("copy", read_in.table, temp=True)
        else:
            read_in.table = opened.connection.create_view("read", read_in.table)
        con = opened.connection
        is_log = agreed.name == "events"
        names = {n: distinct_names(con, read_in, n, mapping) for n in (NAMES if is_log else ())}
        refuse_personal(
            read_in.table, _stored_columns(read_in, mapping), mapping, given.name, names
        )
        facts = DataCheck(read_in, agreed, mapping, opened, given.name, names, grows.get("counted"))
        facts.refuse_unreadable()
        kept = _kept(read_in.table, facts.must, agreed, mapping)
        if is_log:
            extras = _extras(read_in, agreed, mapping)
            if grow is None:
                stored = store_log(con, read_in.table, names, mapping, part, extras=extras)
            else:
                seen = StoredLog(tuple(grow.noted["touchpoints"]), **grows["stored"])
                stored = grow_log(
                    con, read_in.table, names, mapping, part, extras=extras, before=seen, base=grow.base,
                    tail=grow.tail, first_row=first,
                )  # fmt: skip
            facts.kept = stored.rows
        else:
            facts.kept = int(kept.count().to_pyarrow().as_py())
        if not facts.kept:
            msg = f"{given.name}: no row has all of {', '.join(facts.must)}. See the mapping's columns."
            raise JourneyDataError(msg)
        check = facts.frame(kept, stored)
        if stored is None:
            con.to_parquet(_result(kept, read_in, agreed, mapping), part)
    except duckdb.Error as error:
        raise unreadable(
            error, f"{given.name} cannot be read: {str(error).splitlines()[0]}"
        ) from None
    noted: dict[str, Any] = {
        "check": check,
        "touchpoints": stored.touchpoints if stored else (),
        "customers": stored.customers if stored else 0,
        "pseudonyms": list(mapping.pseudonyms),
    }
    if grow is not None:
        made = {"base": grow.base.name} if part.exists() else grow.names()
        noted |= {**made, "from": grow.notes.name}
    if stored is not None and given.grows and not mapping.order:
        noted["grows"] = {
            "reading": given.reading, "parts": given.hashes, "types": types, "counted": facts.noted,
            "stored": {n: getattr(stored, n) for n in GROWS_WITH},
        }  # fmt: skip
    put(notes, noted, part if part.exists() else None, scratch)


def _without_more_rows(given: _Given, grow: Shelved, files: Sequence[str]) -> dict[str, Any]:
    """Return the notes of a log that has come to more files, none of which has a row."""
    grows = grow.noted["grows"]
    blank = [*grows["counted"]["without_rows"], *files]
    counted = {**grows["counted"], "without_rows": blank}
    check = with_files_without_rows(grow.noted["check"], blank)
    return {
        **grow.noted, **grow.names(), "from": grow.notes.name, "check": check,
        "grows": {**grows, "parts": given.hashes, "counted": counted},
    }  # fmt: skip


def _stored_columns(read_in: Normalised, mapping: SourceMapping) -> list[str]:
    return list(dict.fromkeys([*(c.name for c in read_in.columns), *mapping.keep]))


def _kept(table: ir.Table, must: list[str], agreed: Contract, mapping: SourceMapping) -> ir.Table:
    """Return the rows that have all they must have."""
    kept = table.filter(*[table[c].notnull() for c in must]) if must else table
    if agreed.name == "events" and mapping.unmapped == "set aside" and mapping.touchpoints:
        kept = kept.filter(kept["touchpoint"].notnull())
    return kept


def complete(read_in: Normalised, agreed: Contract, mapping: SourceMapping) -> None:
    """Add the columns that follow from others."""
    table = read_in.table
    if agreed.name == "events":
        mapped = touchpoint_of(table["event"], mapping)
        set_aside = mapping.unmapped == "set aside"
        known = mapped if set_aside else ibis.coalesce(mapped, table["event"])
        read_in.table = table.mutate(touchpoint=known)
    if agreed.name == "order_lines" and "amount" not in table.columns:
        require_columns(table.columns, "unit_price", name="order_lines without an amount")
        read_in.table = table.mutate(amount=_.quantity * _.unit_price)
    if agreed.name == "trials" and ROW in table.columns and "unit_id" not in table.columns:
        read_in.table = table.mutate(unit_id=(_[ROW] + 1).cast("string"))
    if agreed.name == "answers":
        low = table["scale"].re_extract(r"^(-?\d+)-(\d+)$", 1).nullif("").cast("float64")
        high = table["scale"].re_extract(r"^(-?\d+)-(\d+)$", 2).nullif("").cast("float64")
        outside = ((table["score"] < low) | (table["score"] > high)).fill_null(False)
        read_in.table = table.mutate(
            outside.ifelse(ibis.null("float64"), table["score"]).name("score"),
            outside.name("is_outside"),
        )
        read_in.flags["is_outside"] = ("outside the scale", "score", "left blank")
    if agreed.name == "invitations" and "invited" in table.columns:
        wrong = ((table["invited"] < 0) | (table["invited"] != table["invited"].floor())).fill_null(
            False
        )
        read_in.table = table.mutate(
            wrong.ifelse(ibis.null("float64"), table["invited"]).name("invited"),
            wrong.name("is_no_number_of_people"),
        )
        read_in.flags["is_no_number_of_people"] = ("no number of people", "invited", "left blank")
    if agreed.name == "behaviour" and "link" in table.columns:
        wrong = table["link"].notnull() & ~table["link"].re_search(r"^https?://[^\s/]")
        read_in.table = table.mutate(
            wrong.ifelse(ibis.null("string"), table["link"]).name("link"),
            wrong.fill_null(False).name("is_no_link"),
        )
        read_in.flags["is_no_link"] = ("no web address", "link", "left blank")


def _extras(read_in: Normalised, agreed: Contract, mapping: SourceMapping) -> list[str]:
    """Return the columns that are carried beside what the contract must have."""
    must = set(agreed.required)
    names = [c.name for c in read_in.columns if c.name not in must]
    return names + [n for n in mapping.keep if n not in names]


def _result(
    kept: ir.Table, read_in: Normalised, agreed: Contract, mapping: SourceMapping
) -> ir.Table:
    names = [c.name for c in read_in.columns]
    more = [n for n in ("touchpoint", "amount", "unit_id") if n in kept.columns and n not in names]
    if agreed.name != "order_lines":
        more = [n for n in more if n != "amount"]
    carried = [n for n in mapping.keep if n not in names + more]
    order = ["__order", ROW] if mapping.order else [ROW]
    renamed = kept.order_by(*order).select(*names, *more, *carried, row=ROW)
    if mapping.order:
        renamed = renamed.mutate(row=ibis.row_number())
    return renamed


def mapping_from_keywords(kind: str, keywords: Mapping[str, Any]) -> SourceMapping:
    """Sort keyword arguments of a ``read_*`` call into contract columns and reading options."""
    names = {c.name for c in contract(kind).columns}
    columns = {k: v for k, v in keywords.items() if k in names}
    options = {k: v for k, v in keywords.items() if k not in names}
    for name in options:
        if name not in SourceMapping.model_fields:
            known = names | set(SourceMapping.model_fields)
            msg = f"read_{kind} takes no {name!r}. {did_you_mean(name, known)}"
            raise JourneyDataError(msg)
    try:
        return SourceMapping.model_validate(
            {**options, "columns": {**options.get("columns", {}), **columns}}
        )
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(p) for p in first["loc"])
        msg = f"read_{kind}: {where}: {first['msg']}."
        raise JourneyDataError(msg) from None


def read_events(source: Any, **mapping: Any) -> Source:
    """Read an event log: who did what, when. See `read` and `SourceMapping` for the options."""
    return _read("events", source, mapping)


def read_order_lines(source: Any, **mapping: Any) -> Source:
    """Read order lines: one product on one order per row. Options as in `SourceMapping`."""
    return _read("order_lines", source, mapping)


def read_tickets(source: Any, **mapping: Any) -> Source:
    """Read support cases: one change of a case per row. Options as in `SourceMapping`."""
    return _read("tickets", source, mapping)


def read_answers(source: Any, **mapping: Any) -> Source:
    """Read survey answers, long or one column per question. Options as in `SourceMapping`."""
    return _read("answers", source, mapping)


def read_invitations(source: Any, **mapping: Any) -> Source:
    """Read whom a survey asked: people or totals, by question. Options as in `SourceMapping`."""
    return _read("invitations", source, mapping)


def read_behaviour(source: Any, **mapping: Any) -> Source:
    """Read totals of what was done at touchpoints, and links to recordings. Options as in `SourceMapping`."""
    return _read("behaviour", source, mapping)


def read_trials(source: Any, **mapping: Any) -> Source:
    """Read a trial: one randomised unit per row, its arm and outcomes. Options as in `SourceMapping`."""
    return _read("trials", source, mapping)


def read_figures(source: Any, **mapping: Any) -> Source:
    """Read figures of KPIs that come from elsewhere: one a row. Options as in `SourceMapping`."""
    return _read("figures", source, mapping)


def read_usage(source: Any, **mapping: Any) -> Source:
    """Read how customers use the product: one use a row. Options as in `SourceMapping`."""
    return _read("usage", source, mapping)


def read_contacts(source: Any, **mapping: Any) -> Source:
    """Read the contacts of earlier plans, and who was left alone. Options as in `SourceMapping`."""
    return _read("contacts", source, mapping)


def read_scores(source: Any, **mapping: Any) -> Source:
    """Read scores that another tool made of customers. Options as in `SourceMapping`."""
    return _read("scores", source, mapping)


def _read(kind: str, source: Any, keywords: Mapping[str, Any]) -> Source:
    return read(kind, source, mapping_from_keywords(kind, keywords))
