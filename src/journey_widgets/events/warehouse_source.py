"""Sources that live in a warehouse: read, checked and stored there; only counts come here.

A log is stored in the warehouse as one table, its path index in it, under names nobody else has:

==========================  ========================================================================
``journey_rows_<source>_…`` the rows, as the contract names them; of a log with the columns below
``journey_note_<source>_…`` one row with what was seen of them, written last: what has none is not whole
``path_customer``           int64, number of the customer, in order of id
``path_step``               int32, place of the event in the customer's path, from 1
``path_code``               int32, number of the touchpoint, in order of id
``path_next``               int32, number of the next event's touchpoint; null at the end of the path
``path_gap``                int64, microseconds to the next event; null at the end
``path_lot``                int16, number of the customer by chance, of the id alone: see `shuffle.lot`
==========================  ========================================================================

They are made of the proved expressions alone: see ``tests/events/test_engines.py``.
"""

import contextlib
import hashlib
import json
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import ibis
import ibis.expr.types as ir
import pandas as pd
import pyarrow as pa
from ibis import _

from journey_widgets.errors import InfrastructureError, JourneyDataError, JourneyError, did_you_mean
from journey_widgets.events.data_check import CHECK_COLUMNS, listed
from journey_widgets.events.engine import collect, hold
from journey_widgets.events.instants import micros
from journey_widgets.events.mapping import SourceMapping
from journey_widgets.events.normalise import (
    Normalised,
    as_text,
    blanked,
    check_carried,
    contract_columns,
    origin_of,
    raw,
)
from journey_widgets.events.personal import refuse_personal
from journey_widgets.events.shuffle import lot
from journey_widgets.events.source import Source, complete
from journey_widgets.events.stored_log import RESERVED
from journey_widgets.events.warehouse import warehouse
from journey_widgets.tables import Column, Contract, contract, require_columns

READER = "2"
"""Raised when reading changes what it makes of the same table, so that stored tables are made anew."""
MANY_NAMES = 100_000
"""More different event names than this are no names of events."""
ALONE = 2_000_000
"""Customers that are numbered in one piece; more are numbered by the beginnings of their ids, piece by piece."""
KEPT_FOR = timedelta(days=1)
"""How long a table that another one has replaced is still there for who is reading it."""
PLACES = {"customer": "path_customer", "step": "path_step", "touchpoint": "path_code", "next": "path_next",
          "gap": "path_gap", "lot": "path_lot", "customer_id": "customer_id", "ts": "ts"}  # fmt: skip
"""Column of the path index → column of the stored table."""

OWN = {v for k, v in PLACES.items() if k not in ("customer_id", "ts")}
"""Columns of a stored log that are no columns of the events."""


@dataclass(frozen=True)
class _Place:
    """Where in the warehouse the tables of one source are kept."""

    con: Any
    database: tuple[str, ...] | str | None
    source: str
    """Mark of the source: table, kind, how it is read, and whose login reads it."""

    def names(self, like: str) -> list[str]:
        found = self.con.list_tables(database=self.database)
        return sorted(n for n in found if n.startswith(f"journey_{like}_{self.source}_"))

    def table(self, name: str) -> ir.Table:
        return self.con.table(name, database=self.database)

    def store(self, name: str, rows: ir.Table | pa.Table) -> ir.Table:
        return self.con.create_table(name, rows, database=self.database, overwrite=False)

    def drop(self, name: str) -> None:
        self.con.drop_table(name, database=self.database, force=True)


def read_there(kind: str, mapping: SourceMapping) -> Source:
    """Read a table of a warehouse as the contract `kind` says, by `mapping`.

    The rows are stored once for everybody who reads the same table by the same mapping; a change of the table (of its
    number of rows, of its times, of the sums over them) makes them anew.

    Raises
    ------
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
        read_in = _read(_found(con, mapping), agreed, mapping)
        place = _Place(con, _database(mapping.stored_in), _own(con, kind, mapping))
        fingerprint = _fingerprint(read_in, mapping)
        note = f"journey_note_{place.source}_{fingerprint[:16]}"
        noted = _noted(place, note)
        if noted is None:
            _make(place, note, read_in, agreed, mapping)
            noted = _noted(place, note)
        if noted is None:
            msg = "what was read could not be stored, or was removed at once. Try again."
            raise InfrastructureError(msg)
        _drop_replaced(place)
        rows = place.table(noted["rows"])
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
    return Source(
        kind, shown, check, fingerprint, None, mapping, tuple(noted["touchpoints"]), noted["customers"],
        rows if kind == "events" else None,
    )  # fmt: skip


def places_there(stored: ir.Table) -> ir.Table:
    """Return the path index within a stored table: short names, then the attributes by ``at:name``."""
    own = {"event", "touchpoint", *PLACES.values()}
    attributes = {f"at:{name}": name for name in stored.columns if name not in own}
    return stored.select(**PLACES, **attributes)


LOGINS = {"pyspark": "current_user()", "snowflake": "current_user()", "bigquery": "session_user()",
          "clickhouse": "currentUser()"}  # fmt: skip
"""How a backend is asked whose connection it is; ``current_user`` where it is not here."""


def _own(con: Any, kind: str, mapping: SourceMapping) -> str:
    """Return the mark of what is stored: this table, read so, by this login, who may see other rows than others."""
    login = con.sql(f"SELECT {LOGINS.get(con.name, 'current_user')} AS login")
    key = [READER, kind, str(collect(login)["login"].iloc[0]), mapping.model_dump_json()]
    return _digest(json.dumps(key))[:12]


def _noted(place: _Place, note: str) -> dict[str, Any] | None:
    """Return what was noted of rows that are whole; None where they are not there."""
    if note not in place.names("note"):
        return None
    found: dict[str, Any] = json.loads(collect(place.table(note))["noted"].iloc[0])
    if found["rows"] in place.names("rows"):
        return found
    place.drop(note)  # somebody removed them
    return None


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
    require_columns(
        table.columns, *mapping.keep, *([mapping.order] if mapping.order else []), name=agreed.name
    )
    _check_plain(table, mapping)
    kept = [c for c in columns if c.name in origins]
    values = {c.name: blanked(origins[c.name], c, mapping) for c in kept}
    more = {"path_order": table[mapping.order]} if mapping.order else {}
    read = table.select(
        **{raw(n): v for n, v in values.items()}, **{n: table[n] for n in mapping.keep}, **more
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
        if not plain or name.casefold() in PLACES.values() or name.casefold() == "path_order":
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


def _fingerprint(read_in: Normalised, mapping: SourceMapping) -> str:
    """Return the mark of the rows a table has now, and of the mapping: sums over a hash of each row."""
    table = read_in.table
    read = [c.name for c in read_in.columns]
    columns = list(
        dict.fromkeys([*read, *mapping.keep, *(["path_order"] if mapping.order else [])])
    )
    whole: Any = ibis.literal("")
    for name in columns:
        whole = whole + "\x1f" + table[name].cast("string").fill_null("\x1e")
    marked = table.select(mark=whole.hash())
    seen = marked.agg(
        rows=marked.count(), a=(marked.mark % 1_000_003).sum(), b=(marked.mark % 998_244_353).sum(),
    ).to_pyarrow().to_pylist()[0]  # fmt: skip
    return _digest(
        READER + mapping.model_dump_json() + json.dumps(seen, sort_keys=True, default=str)
    )


# --- storing ----------------------------------------------------------------------------------------


def _make(
    place: _Place, note: str, read_in: Normalised, agreed: Contract, mapping: SourceMapping
) -> None:
    """Store the rows of a source and, at last, the note that says that they are whole."""
    refuse_personal(
        read_in.table, [*(c.name for c in read_in.columns), *mapping.keep], mapping, agreed.name, {}
    )
    now = datetime.now(UTC)
    name = f"journey_rows_{place.source}_{now:%Y%m%d%H%M}_{uuid.uuid4().hex[:8]}"
    try:
        check = _Check(read_in, agreed, mapping)
        if agreed.name == "events":
            noted = _store_log(place, name, read_in, mapping, check)
        else:
            noted = _store_rows(place, name, read_in, agreed, mapping, check)
        noted |= {"rows": name, "check": check.rows, "made_at": datetime.now(UTC).isoformat()}
        text = pa.table({"noted": pa.array([json.dumps(noted, ensure_ascii=False)], pa.string())})
        place.store(note, text)
    except BaseException as error:
        place.drop(name)
        if isinstance(error, Exception) and note in place.names("note"):
            return  # somebody else was quicker
        raise


def _drop_replaced(place: _Place) -> None:
    """Drop what others have replaced a day ago, and what was never finished. That it fails stops nobody."""
    with contextlib.suppress(Exception):
        notes = [
            (json.loads(collect(place.table(n))["noted"].iloc[0]), n) for n in place.names("note")
        ]
        notes.sort(key=lambda n: str(n[0]["made_at"]))
        limit = datetime.now(UTC) - KEPT_FOR
        for (old, note), (newer, _name) in pairwise(notes):
            if datetime.fromisoformat(newer["made_at"]) < limit:
                place.drop(note)
                place.drop(old["rows"])
        named = {noted["rows"] for noted, _note in notes}
        for rows in place.names("rows"):
            made = datetime.strptime(rows.split("_")[3], "%Y%m%d%H%M").replace(tzinfo=UTC)
            if rows not in named and made < limit:
                place.drop(rows)


class _Check:
    """The data check of a table of a warehouse: rows of `CHECK_COLUMNS`."""

    def __init__(self, read_in: Normalised, agreed: Contract, mapping: SourceMapping) -> None:
        table = read_in.table
        counts = {"rows": table.count()}
        counts |= {f"blank:{c.name}": table[c.name].isnull().sum() for c in read_in.columns}
        counts |= {flag: table[flag].sum() for flag in read_in.flags}
        self.counts = table.agg(**counts).to_pyarrow().to_pylist()[0]
        self.read, self.columns, self.flags = (
            int(self.counts["rows"]),
            read_in.columns,
            read_in.flags,
        )
        self.must = [
            c.name
            for c in read_in.columns
            if c.blank == "set aside" and agreed.column(c.name) is not None
        ]
        self.mapping = mapping
        self.rows: list[tuple[str, str, int, float | None, str, str]] = []
        if not self.read:
            msg = "the table has no rows. There is nothing to read."
            raise JourneyDataError(msg)

    def add(
        self,
        check: str,
        column: str,
        rows: int,
        action: str = "",
        detail: str = "",
        *,
        of: int | None = None,
    ) -> None:
        whole = self.read if of is None else of
        self.rows.append(
            (check, column, int(rows), int(rows) / whole if whole else None, action, detail)
        )

    def begin(self, kept: int) -> None:
        if not kept:
            msg = f"no row has all of {', '.join(self.must)}. See the mapping's columns."
            raise JourneyDataError(msg)
        self.add("rows read", "", self.read)
        self.add("rows kept", "", kept)
        self.add("rows set aside", "", self.read - kept, "not used" if self.read > kept else "")
        for column in self.columns:
            blank = int(self.counts[f"blank:{column.name}"] or 0)
            if blank:
                self.add(
                    "blank",
                    column.name,
                    blank,
                    "set aside" if column.name in self.must else "kept as blank",
                )
        for flag, (check, column_name, action) in self.flags.items():
            if self.counts[flag]:
                self.add(check, column_name, self.counts[flag], action)

    def ends(self, first: Any, last: Any, kept: int) -> None:
        if first is not None:
            self.add(
                "date range", "ts", kept, "", f"{first:%Y-%m-%d %H:%M} to {last:%Y-%m-%d %H:%M} UTC"
            )


def _store_rows(
    place: _Place, name: str, read_in: Normalised, agreed: Contract, mapping: SourceMapping, check: _Check
) -> dict[str, Any]:  # fmt: skip
    table = read_in.table
    names = [c.name for c in read_in.columns]
    more = [n for n in ("amount", "unit_id") if n in table.columns and n not in names]
    kept = table.filter(*[table[c].notnull() for c in check.must]) if check.must else table
    order = [c for c in ("path_order", "ts", *names) if c in kept.columns]
    shown = kept.mutate(row=ibis.row_number().over(order_by=order)).select(
        *names, *more, *mapping.keep, "row"
    )
    stored = place.store(name, shown)
    ends = {"a": stored.ts.min(), "b": stored.ts.max()} if "ts" in stored.columns else {}
    found = stored.agg(n=stored.count(), **ends).to_pyarrow().to_pylist()[0]
    check.begin(found["n"])
    if agreed.name == "order_lines" and mapping.currency is None:
        check.add("currency not stated", "amount", check.read, "kept", "set currency")
    check.ends(found.get("a"), found.get("b"), found["n"])
    return {"touchpoints": [], "customers": 0}


def _store_log(
    place: _Place, name: str, read_in: Normalised, mapping: SourceMapping, check: _Check
) -> dict[str, Any]:  # fmt: skip
    table = read_in.table
    extras = [c.name for c in read_in.columns if c.name not in ("customer_id", "ts", "event")]
    extras += [n for n in mapping.keep if n not in extras]
    whole = table.filter(table.customer_id.notnull(), table.ts.notnull(), table.event.notnull())
    codes, touchpoints, strange = _codes(whole, mapping)
    numbers = _numbered(hold(whole.select("customer_id").distinct()))
    numbers = numbers.mutate(path_lot=lot(numbers.customer_id))
    turn = ["path_order"] if mapping.order else []
    placed = _placed(whole, ibis.memtable(codes), numbers, extras, turn)
    stored = place.store(name, placed)
    found = stored.agg(
        n=_.count(), ties=(_.path_gap == 0).cast("int32").sum(), a=_.ts.min(), b=_.ts.max(),
        customers=(_.path_step == 1).cast("int32").sum(),
    ).to_pyarrow().to_pylist()[0]  # fmt: skip
    check.begin(found["n"])
    if strange:
        names = listed([f"{e} ({n:,})" for e, n in strange])
        action = "set aside" if mapping.unmapped == "set aside" else "kept by name"
        check.add("unmapped names", "event", sum(n for _e, n in strange), action, names)
    if found["ties"]:
        at_once = whole.group_by(["customer_id", "ts", *turn]).agg(n=_.count())
        found["ties"] = int(
            at_once.filter(_.n > 1).agg(n=_.n.sum()).to_pyarrow().to_pylist()[0]["n"] or 0
        )
    if found["ties"]:
        by = (
            f"in order of {mapping.order}, then of event"
            if mapping.order
            else "in order of event; order: names a column that tells"
        )
        check.add(
            "ties in time",
            "ts",
            found["ties"],
            by,
            "events of one customer at one time",
        )
    check.add("customers", "customer_id", found["customers"], "", "distinct values", of=0)
    check.add("touchpoints", "touchpoint", len(touchpoints), "", "distinct values", of=0)
    check.ends(found["a"], found["b"], found["n"])
    return {"touchpoints": touchpoints, "customers": int(found["customers"])}


def _placed(
    whole: ir.Table, codes: ir.Table, numbers: ir.Table, extras: list[str], turn: list[str]
) -> ir.Table:
    """Return the events with their places in their paths."""
    events = whole.select("customer_id", "ts", "event", *extras, *turn)
    coded = events.join(codes, "event").join(numbers, "customer_id")
    path = ibis.window(group_by="path_customer", order_by=["ts", *turn, "event", *extras])
    placed = coded.mutate(
        path_step=(ibis.row_number().over(path) + 1).cast("int32"),
        path_next=coded.path_code.lead().over(path),
        path_gap=micros(coded.ts.lead().over(path)) - micros(coded.ts),
    )
    own = [c for c in PLACES.values() if c in OWN]
    return placed.select("customer_id", "ts", "event", *extras, "touchpoint", *own)


def _codes(
    table: ir.Table, mapping: SourceMapping
) -> tuple[pa.Table, list[str], list[tuple[str, int]]]:
    """Return event → touchpoint and its number, the touchpoints, and what the mapping does not know (name, rows)."""
    counted = table.group_by("event").agg(n=_.count())
    names = int(counted.count().to_pyarrow().as_py())
    if names > MANY_NAMES:
        msg = f"event has {names:,} different values; up to {MANY_NAMES:,} were expected. Is it the right column?"
        raise JourneyDataError(msg)
    rows = {str(e): int(n) for e, n in collect(counted).itertuples(index=False)}
    known = mapping.touchpoints
    aside = bool(known) and mapping.unmapped == "set aside"
    meant = {e: known.get(e, None if aside else e) for e in rows} if known else {e: e for e in rows}
    touchpoints = sorted({t for t in meant.values() if t is not None})
    for name in RESERVED:
        if name in touchpoints:
            msg = f"{name!r} is a reserved name. Give that event another touchpoint id."
            raise JourneyDataError(msg)
    strange = sorted(
        ((e, n) for e, n in rows.items() if known and e not in known), key=lambda r: (-r[1], r[0])
    )
    code = {t: i for i, t in enumerate(touchpoints)}
    there = [e for e in sorted(rows) if meant[e] is not None]
    codes = pa.table(
        {
            "event": pa.array(there, pa.string()),
            "touchpoint": pa.array([meant[e] for e in there], pa.string()),
            "path_code": pa.array([code[str(meant[e])] for e in there], pa.int32()),
        }
    )
    return codes, touchpoints, strange


def _numbered(ids: ir.Table) -> ir.Table:
    """Return ``customer_id`` with ``path_customer``, its place (from 0) in order of id.

    Many are numbered by the beginnings of their ids, each piece by itself, so that no machine has to sort all of them.
    """
    many = int(ids.count().to_pyarrow().as_py())
    if many <= ALONE:
        place = ibis.row_number().over(order_by="customer_id")
        return ids.select("customer_id", path_customer=place.cast("int64"))
    length, heads = 1, _heads(ids, 1)
    while heads["n"].max() > ALONE and length < 64:
        length += 1
        finer = _heads(ids, length)
        if len(finer) > MANY_NAMES:
            length -= 1
            break
        heads = finer
    heads = heads.sort_values("start", ignore_index=True)
    before = heads["n"].cumsum() - heads["n"]
    offsets = pa.table(
        {"start": pa.array(heads["start"], pa.string()), "before": pa.array(before, pa.int64())}
    )
    cut = ids.select("customer_id", start=ids.customer_id.substr(0, length))
    both = cut.join(ibis.memtable(offsets), "start")
    place = ibis.row_number().over(group_by=both.start, order_by=both.customer_id)
    return both.select("customer_id", path_customer=(place + both.before).cast("int64"))


def _heads(ids: ir.Table, length: int) -> pd.DataFrame:
    found = ids.select(start=ids.customer_id.substr(0, length)).group_by("start").agg(n=_.count())
    return collect(found.limit(MANY_NAMES + 1))
