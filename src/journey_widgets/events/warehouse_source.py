"""Sources that live in a warehouse: read, checked and stored there; only counts come here.

Rows are stored in the warehouse (`shelf_there`), of a log with their places in their paths (`log_there`).
"""

import hashlib
import json
from dataclasses import asdict, dataclass, replace
from typing import Any

import ibis
import ibis.expr.types as ir
import pandas as pd

from journey_widgets.errors import InfrastructureError, JourneyDataError, JourneyError, did_you_mean
from journey_widgets.events.check_there import CheckThere, counts_of
from journey_widgets.events.data_check import CHECK_COLUMNS
from journey_widgets.events.engine import collect, hold_now
from journey_widgets.events.grown_log import AnewError
from journey_widgets.events.log_there import (
    LOADED,
    ORDER,
    OWN,
    PLACES,
    LogThere,
    both_as_one,
    grow_log_there,
    store_log_there,
)
from journey_widgets.events.mapping import SourceMapping
from journey_widgets.events.marks_there import Marks, as_number, marks_of, refuse_blank, well_before
from journey_widgets.events.normalise import (
    Normalised,
    as_text,
    blanked,
    check_carried,
    contract_columns,
    origin_of,
    raw,
)
from journey_widgets.events.only_rows import Rows, untold
from journey_widgets.events.personal import refuse_personal
from journey_widgets.events.shelf_there import ShelfThere
from journey_widgets.events.source import Source, complete
from journey_widgets.events.warehouse import warehouse
from journey_widgets.tables import Column, Contract, contract, require_columns

READER = "4"
"""Raised when reading changes what it makes of the same table, so that stored tables are made anew."""
STATES = 8
"""Stored states of a log, the newest, of which it is looked whether the log can grow from them."""


@dataclass(frozen=True)
class _Asked:
    """What is to be read: a table of a warehouse, as a contract and a mapping say."""

    table: ir.Table
    agreed: Contract
    mapping: SourceMapping
    shelf: ShelfThere
    until: int | None = None
    """The last time of loading that is read; None where the mapping names no such column."""
    some: bool = False
    """Whether rows are left out because of who asks: what is not his any more is then looked for in every column."""

    def read_in(self, since: int | None = None) -> Normalised:
        """Return the rows with their values read; those alone that were loaded after `since`."""
        table = self.table
        if since is not None:
            loaded = table[str(self.mapping.loaded_at)]
            table = table.filter(
                loaded >= well_before(since, loaded)
            )  # what engines can skip parts of a table by
        found = _read(table, self.agreed, self.mapping)
        if self.until is not None:
            at = found.table[LOADED]
            found.table = found.table.filter(
                at <= self.until, *([] if since is None else [at > since])
            )
        return found


def read_there(
    kind: str, mapping: SourceMapping, *, only: Rows | None = None, log: Source | None = None
) -> Source:
    """Read a table of a warehouse as the contract `kind` says, by `mapping`.

    The rows are stored once for everybody who reads the same table by the same mapping; a change of the table makes
    them anew. How it is seen: by sums over a hash of each row, or, where the mapping has ``loaded_at``, over that
    column and the customer. Then a log grows by the rows that were loaded since, and only they and their customers'
    paths are read.

    Parameters
    ----------
    only
        Column of the source → values whose rows alone are read, as if there were no others; all without it.
    log
        The event log read with the same `only`: a source without one of the columns keeps the rows of its customers.

    Raises
    ------
    AccessError
        Neither columns nor customers say whose the rows are.
    JourneyDataError
        The table is not there, lacks a column, or has one of another type than the contract needs.
    InfrastructureError
        The warehouse cannot be reached, or refused.
    """
    if mapping.backend is None or mapping.table is None:
        msg = f"{kind}: backend and table were needed."
        raise JourneyDataError(msg)
    con, agreed = warehouse(mapping.backend), contract(kind)
    try:
        shelf = ShelfThere(con, _database(mapping.stored_in), _own(con, kind, mapping, only))
        seen = _seen(_found(con, mapping), agreed, mapping, only or {}, log)
        asked = _Asked(seen, agreed, mapping, shelf, some=bool(only))
        types = _types(asked.read_in())  # what cannot be read is said before anything is asked
        now = _marks(asked)
        asked = replace(asked, until=now.until)
        state = [READER, mapping.model_dump_json(), types, asdict(now), *_told(only)]
        fingerprint = _digest(json.dumps(state))
        note = shelf.note_of(fingerprint)
        noted = shelf.noted(note)
        try:
            if noted is None:
                _store(asked, now, note)
                noted = shelf.noted(note)
        finally:
            shelf.drop_replaced(note)
        if noted is None:
            msg = "what was read could not be stored, or was removed at once. Try again."
            raise InfrastructureError(msg)
        rows = shelf.table(noted["rows"])
        if noted.get("tail"):
            rows = both_as_one(rows, shelf.table(noted["tail"]), noted["log"]["numbered"])
    except JourneyError as error:
        msg = f"{mapping.table}: {error}"
        raise type(error)(msg) from None
    except Exception as error:
        msg = (
            f"{mapping.table} cannot be read from {mapping.backend}: {_first_line(error)} May it be read, and may "
            f"tables be made in {mapping.stored_in or 'the schema of the connection'}?"
        )
        raise InfrastructureError(msg) from error
    check = pd.DataFrame(noted["check"], columns=list(CHECK_COLUMNS))
    check = check.astype({"rows": "int64", "share": "float64"})
    shown = rows.drop(*[c for c in rows.columns if c in OWN])
    log = noted.get("log")
    return Source(
        kind, shown, check, fingerprint, None, mapping, tuple(log["touchpoints"] if log else ()),
        log["customers"] if log else 0, rows if log else None,
    )  # fmt: skip


LOGINS = {"pyspark": "current_user()", "snowflake": "current_user()", "bigquery": "session_user()",
          "clickhouse": "currentUser()"}  # fmt: skip
"""How a backend is asked whose connection it is; ``current_user`` where it is not here."""


def _own(con: Any, kind: str, mapping: SourceMapping, rows: Rows | None = None) -> str:
    """Return the mark of what is stored: this table, read so, by this login, who may see other rows than others."""
    login = con.sql(f"SELECT {LOGINS.get(con.name, 'current_user')} AS login")
    key = [READER, kind, str(collect(login)["login"].iloc[0]), mapping.model_dump_json()]
    return _digest(json.dumps([*key, *_told(rows)]))[:12]


def _told(rows: Rows | None) -> list[dict[str, list[str]]]:
    return [{c: sorted(v) for c, v in sorted(rows.items())}] if rows else []


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _first_line(error: Exception) -> str:
    text = (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")
    return f"{text[:200]}."


def _database(path: str | None) -> tuple[str, ...] | str | None:
    parts = tuple((path or "").split(".")) if path else ()
    return None if not parts else parts[0] if len(parts) == 1 else parts


def _found(con: Any, mapping: SourceMapping) -> ir.Table:
    *where, name = str(mapping.table).split(".")
    database = _database(".".join(where)) if where else None
    try:
        table: ir.Table = con.table(name, database=database)
    except Exception:
        known = con.list_tables(database=database)
        if name in known:
            raise
        msg = f"{mapping.backend} has no table {name!r} there. {did_you_mean(name, known)}"
        raise JourneyDataError(msg) from None
    return table


# --- reading ----------------------------------------------------------------------------------------


def _seen(
    table: ir.Table, agreed: Contract, mapping: SourceMapping, rows: Rows, log: Source | None
) -> ir.Table:
    """Return the rows that are read, before anything is made of them."""
    columns = {c.name: c for c in contract_columns(agreed, mapping)}

    def value(name: str) -> ir.Value | None:
        if name in mapping.keep and name in table.columns:
            return table[name]
        origin = origin_of(table, columns[name], mapping) if name in columns else None
        return (
            origin
            if origin is None
            else _typed(blanked(origin, columns[name], mapping), columns[name], mapping)
        )

    lacking = []
    for name, values in rows.items():
        found = value(name)
        if found is None:
            lacking.append(name)
        else:
            table = table.filter(found.cast("string").isin(list(values)))
    if not lacking:
        return table
    customer = value("customer_id") if log is not None else None
    if log is None or customer is None:
        raise untold(agreed.name, lacking)
    own = log.table.select(own_id=log.table.customer_id.cast("string")).distinct()
    return table.semi_join(own, customer.cast("string") == own.own_id)


def _read(table: ir.Table, agreed: Contract, mapping: SourceMapping) -> Normalised:
    """Return the contract's columns, those kept and the column of order, with values read."""
    columns = contract_columns(agreed, mapping)
    origins = {
        c.name: found for c in columns if (found := origin_of(table, c, mapping)) is not None
    }
    for column in columns:
        if column.required and column.name not in origins:
            require_columns(table.columns, column.name, name=agreed.name)
    check_carried(mapping, set(origins), agreed)
    more = {ORDER: mapping.order, LOADED: mapping.loaded_at}
    require_columns(
        table.columns, *mapping.keep, *(c for c in more.values() if c), name=agreed.name
    )
    _check_plain(table, mapping)
    kept = [c for c in columns if c.name in origins]
    values = {c.name: blanked(origins[c.name], c, mapping) for c in kept}
    named = {n: table[c] for n, c in more.items() if c}
    if LOADED in named:
        named[LOADED] = as_number(named[LOADED], str(mapping.loaded_at))
    read = table.select(
        **{raw(n): v for n, v in values.items()}, **{n: table[n] for n in mapping.keep}, **named
    )
    read = read.mutate(**{c.name: _typed(read[raw(c.name)], c, mapping) for c in kept})
    found = Normalised(read, kept)
    complete(found, agreed, mapping)
    return found


def _check_plain(table: ir.Table, mapping: SourceMapping) -> None:
    """Refuse columns that are carried and cannot be ordered or compared, and names that are ours."""
    for name in mapping.keep:
        kind = table[name].type()
        plain = (
            kind.is_string()
            or kind.is_numeric()
            or kind.is_temporal()
            or kind.is_boolean()
            or kind.is_uuid()
        )
        if not plain or name.casefold() in {*PLACES.values(), ORDER, LOADED}:
            what = "is a name that is used here" if plain else f"is {kind} in the warehouse"
            msg = f"keep names {name!r}, which {what}. Make a view there that has it as text, under another name."
            raise JourneyDataError(msg)
    if mapping.order and table[mapping.order].type().is_string():
        msg = (
            f"order names {mapping.order!r}, which is text in the warehouse: 10 would come before 9. Make a view there "
            "that has it as a number or a time."
        )
        raise JourneyDataError(msg)


def _typed(value: ir.Value, column: Column, mapping: SourceMapping) -> ir.Value:
    kind = value.type()
    if column.kind == "text":
        return as_text(value)
    if column.kind == "number":
        if kind.is_numeric() or kind.is_null():
            number = value.cast("float64")
            return number.isnan().ifelse(ibis.null("float64"), number)
    elif kind.is_timestamp() or kind.is_date():
        zone = getattr(kind, "timezone", None)
        if zone is None and mapping.time_zone not in (None, "UTC"):
            msg = (
                f"{column.name} has no time zone in the warehouse and time_zone is {mapping.time_zone}. Make a view "
                "there that gives UTC."
            )
            raise JourneyDataError(msg)
        return (
            value.cast("timestamp('UTC')").cast("timestamp(6)")
            if zone
            else value.cast("timestamp(6)")
        )
    needed = "a number" if column.kind == "number" else "a timestamp or a date"
    msg = f"{column.name} is {kind} in the warehouse; {needed} was needed. Make a view there that has it."
    raise JourneyDataError(msg)


# --- storing ----------------------------------------------------------------------------------------


def _marks(asked: _Asked, until: int | None = None) -> Marks:
    """Return the marks of a table as it is now; of the rows alone that were loaded up to a time."""
    marks = marks_of(asked.table, _marked_by(asked), asked.mapping.loaded_at, until)
    refuse_blank(marks, str(asked.mapping.loaded_at))
    return marks


def _marked_by(asked: _Asked) -> list[str]:
    """Return the columns that tell one state from another: all that are read, or who and when they were loaded."""
    mapping, there = asked.mapping, asked.table.columns
    meant = {c.name: mapping.columns.get(c.name) for c in contract_columns(asked.agreed, mapping)}
    names = {n: spec.from_ if spec else n for n, spec in meant.items() if spec or n in there}
    if mapping.loaded_at and not asked.some:
        return [n for n in (names.get("customer_id"), mapping.loaded_at) if n]
    order = [n for n in (mapping.order, mapping.loaded_at) if n]
    return list(dict.fromkeys([*(n for n in names.values() if n), *mapping.keep, *order]))


def _store(asked: _Asked, now: Marks, note: str) -> None:
    """Store the rows of a source; a log grows by what was loaded since it was stored, where it can."""
    shelf = asked.shelf
    for way in (_grown, _anew):
        try:
            with shelf.fresh_name() as name:
                shelf.put(note, {**way(asked, now, name), "marks": asdict(now)})
        except Exception:
            if note in shelf.names("note"):
                return  # somebody else was quicker
            if way is _anew:
                raise
            # What is wrong, if it is more than that it cannot grow, is told when everything is read.
        else:
            return


def _types(read_in: Normalised) -> dict[str, str]:
    return {n: str(t) for n, t in read_in.table.schema().items()}


def _anew(asked: _Asked, _now: Marks, name: str) -> dict[str, Any]:
    """Store all rows as table `name`; returns what is to be noted."""
    read_in, agreed, mapping = asked.read_in(), asked.agreed, asked.mapping
    _refuse_personal(read_in, agreed, mapping)
    counts = counts_of(read_in)
    check = CheckThere(counts, read_in, agreed, mapping)
    if agreed.name != "events":
        _store_rows(asked.shelf, name, read_in, agreed, mapping, check)
        return {"rows": name, "check": check.rows}
    log = store_log_there(asked.shelf, name, read_in.table, mapping, _extras(read_in, mapping))
    check.log(log)
    return {
        "rows": name,
        "check": check.rows,
        "log": asdict(log),
        "counts": counts,
        "types": _types(read_in),
    }


def _grown(asked: _Asked, now: Marks, name: str) -> dict[str, Any]:
    """Store, as table `name`, what makes a log that is stored the log as it is now; returns what is to be noted."""
    if asked.agreed.name != "events" or asked.mapping.loaded_at is None:
        msg = "it does not say when rows were loaded"
        raise AnewError(msg)
    before = _stored_until(asked, now)
    since, shelf = int(before["marks"]["until"]), asked.shelf
    read_in, fresh = asked.read_in(), asked.read_in(since)
    fresh.table = hold_now(fresh.table)
    _refuse_personal(fresh, asked.agreed, asked.mapping)
    own = counts_of(fresh)
    counts = {n: before["counts"][n] + own[n] for n in own}
    log = grow_log_there(
        shelf, name, read_in.table, fresh.table, asked.mapping, _extras(fresh, asked.mapping),
        before=LogThere(**before["log"]), first=shelf.table(before["rows"]),
        second=shelf.table(before["tail"]) if before.get("tail") else None, since=since,
    )  # fmt: skip
    check = CheckThere(counts, fresh, asked.agreed, asked.mapping)
    check.log(log)
    return {**before, "tail": name, "check": check.rows, "log": asdict(log), "counts": counts}


def _stored_until(asked: _Asked, now: Marks) -> dict[str, Any]:
    """Return the notes of the newest state of a log that is as it was up to its last time of loading."""
    read_in = asked.read_in()
    types = _types(read_in)
    notes = [
        n
        for n in asked.shelf.whole_notes()
        if n["types"] == types and n["marks"]["until"] < (now.until or 0)
    ][-STATES:]
    for noted in sorted(notes, key=lambda n: int(n["marks"]["until"]), reverse=True):
        if noted["marks"] == asdict(_marks(asked, int(noted["marks"]["until"]))):
            return noted
    msg = "nothing is stored that it could grow from"
    raise AnewError(msg)


def _extras(read_in: Normalised, mapping: SourceMapping) -> list[str]:
    """Return the columns of a log that are carried beside what the contract must have."""
    own = [c.name for c in read_in.columns if c.name not in ("customer_id", "ts", "event")]
    return own + [n for n in mapping.keep if n not in own]


def _refuse_personal(read_in: Normalised, agreed: Contract, mapping: SourceMapping) -> None:
    columns = [*(c.name for c in read_in.columns), *mapping.keep]
    refuse_personal(read_in.table, columns, mapping, agreed.name, {})


def _store_rows(
    shelf: ShelfThere, name: str, read_in: Normalised, agreed: Contract, mapping: SourceMapping, check: CheckThere
) -> None:  # fmt: skip
    table = read_in.table
    names = [c.name for c in read_in.columns]
    more = [n for n in ("amount", "unit_id") if n in table.columns and n not in names]
    kept = table.filter(*[table[c].notnull() for c in check.must]) if check.must else table
    order = [c for c in (ORDER, "ts", *names) if c in kept.columns]
    shown = kept.mutate(row=ibis.row_number().over(order_by=order))
    if agreed.name == "trials" and "unit_id" not in shown.columns:
        shown, more = shown.mutate(unit_id=(shown.row + 1).cast("string")), [*more, "unit_id"]
    shown = shown.select(*names, *more, *mapping.keep, "row")
    stored = shelf.store(name, shown)
    ends = {"a": stored.ts.min(), "b": stored.ts.max()} if "ts" in stored.columns else {}
    found = stored.agg(n=stored.count(), **ends).to_pyarrow().to_pylist()[0]
    check.table(found["n"], found.get("a"), found.get("b"), money=agreed.name == "order_lines")
