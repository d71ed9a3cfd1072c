"""Raw values → contract columns, with every value that was lost counted on the way.

Each contract column passes three steps: its *origin* (source column, template or constant), its
*blanks* (values that mean nothing was recorded) and its *reading* as text, number or instant.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

import ibis
import ibis.expr.types as ir

from journey_widgets.errors import JourneyDataError, did_you_mean
from journey_widgets.events.instants import from_micros
from journey_widgets.events.mapping import ColumnMapping, SourceMapping
from journey_widgets.events.personal import as_pseudonyms, needed_key
from journey_widgets.events.raw import ROW
from journey_widgets.tables import Column, Contract, require_columns

if TYPE_CHECKING:
    from ibis.backends.duckdb import Backend

NAIVE_FORMATS = (
    "%Y-%m-%d %H:%M:%S.%f",
    "%Y-%m-%d %H:%M:%S",
    "%Y-%m-%d %H:%M",
    "%Y-%m-%dT%H:%M:%S.%f",
    "%Y-%m-%dT%H:%M:%S",
    "%Y-%m-%dT%H:%M",
    "%Y-%m-%d",
)
OFFSET_FORMATS = (
    "%Y-%m-%dT%H:%M:%S.%f%z",
    "%Y-%m-%dT%H:%M:%S%z",
    "%Y-%m-%d %H:%M:%S.%f%z",
    "%Y-%m-%d %H:%M:%S%z",
)
_NUMBERS = {
    ".": (r"^[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?$", r"^[+-]?\d{1,3}(,\d{3})+(\.\d+)?$"),
    ",": (r"^[+-]?(\d+(,\d*)?|,\d+)([eE][+-]?\d+)?$", r"^[+-]?\d{1,3}(\.\d{3})+(,\d+)?$"),
}
"""Decimal mark → pattern of a plain number, and of one with grouped thousands."""


@ibis.udf.scalar.builtin(name="try_strptime")
def _strptime(text: str, formats: list[str]) -> ibis.dtype("timestamp"):  # type: ignore[valid-type]
    """Read text by the first format that fits; null where none does."""


@ibis.udf.scalar.builtin(name="try_strptime")
def _strptime_offset(text: str, formats: list[str]) -> ibis.dtype("timestamp('UTC')"):  # type: ignore[valid-type]
    """Read text that carries its offset from UTC."""


@ibis.udf.scalar.builtin(name="timezone")
def _to_instant(zone: str, local: ibis.dtype("timestamp")) -> ibis.dtype("timestamp('UTC')"):  # type: ignore[valid-type]
    """Place a local time in its zone."""


@ibis.udf.scalar.builtin(name="timezone")
def _to_local(zone: str, instant: ibis.dtype("timestamp('UTC')")) -> ibis.dtype("timestamp"):  # type: ignore[valid-type]
    """Read an instant off the clock of a zone."""


_YEARS_1_TO_9999 = (-62_135_596_800_000_000, 253_402_300_799_000_000)
"""Microseconds since 1970."""


@dataclass
class Normalised:
    """A table with, for each contract column ``c``: ``c`` (read value) and ``raw:c`` (as text)."""

    table: ir.Table
    columns: list[Column]
    flags: dict[str, tuple[str, str, str]] = field(default_factory=dict)
    """Boolean column of the table → (check, contract column, what was done)."""

    def parses_text(self) -> bool:
        """Return whether times or numbers have to be read from text, which is costly."""
        return any(
            isinstance(self.table[raw(c.name)], ir.StringValue)
            for c in self.columns
            if c.kind != "text"
        )


def raw(name: str) -> str:
    """Name of the column that holds the unread text of contract column `name`."""
    return f"raw:{name}"


NAMES = ("customer_id", "event")
"""Columns of a log whose values come again and again: each distinct value is read once."""


def origin(name: str) -> str:
    """Name of the column that holds a value of `NAMES` untouched."""
    return f"from:{name}"


def distinct_names(
    con: "Backend", read_in: Normalised, name: str, mapping: SourceMapping
) -> ir.Table:
    """Return each distinct value of a column of `NAMES`, read, with its number of rows.

    Columns: ``value`` as it stands in the source; ``name`` (string), read, null where it is blank;
    ``n`` (int64).
    """
    column = next(c for c in read_in.columns if c.name == name)
    counted = read_in.table.group_by(value=origin(name)).agg(n=ibis._.count())
    stored = con.create_table(f"values:{name}", counted, temp=True)
    text = _hidden(as_text(blanked(stored["value"], column, mapping)), name, mapping)
    return con.create_table(f"names:{name}", stored.mutate(name=text), temp=True)


def touchpoint_of(event: ir.StringValue, mapping: SourceMapping) -> ir.StringValue:
    """Return the touchpoint an event is mapped to; null where the mapping does not know it."""
    if not mapping.touchpoints:
        return event
    known = cast("Mapping[Any, Any]", mapping.touchpoints)
    return event.substitute(known, else_=ibis.null("string"))


def normalise(table: ir.Table, contract: Contract, mapping: SourceMapping) -> Normalised:
    """Read every contract column that the mapping or the table's own names offer."""
    columns = contract_columns(contract, mapping)
    table = _long_answers(table, mapping) if mapping.questions else table
    origins: dict[str, ir.Value] = {}
    for column in columns:
        source = origin_of(table, column, mapping)
        if source is not None:
            origins[column.name] = source
        elif column.required:
            require_columns(_shown(table), column.name, name=contract.name)
    kept = [c for c in columns if c.name in origins]
    check_carried(mapping, set(origins), contract)
    for name in (*mapping.keep, *([mapping.order] if mapping.order else [])):
        require_columns(_shown(table), name, name=contract.name)
    _check_pseudonyms(mapping, kept, contract)
    carried = {n: _kept_as(table[n], n, mapping) for n in mapping.keep}
    order = {"__order": _sortable(table[mapping.order])} if mapping.order else {}
    is_log = contract.name == "events"
    named = {origin(c.name): origins[c.name] for c in kept if is_log and c.name in NAMES}
    table = table.select(
        **{ROW: table[ROW]},
        **named,
        **{raw(c.name): blanked(origins[c.name], c, mapping) for c in kept},
        **carried,
        **order,
    )
    result = Normalised(table, kept)
    readers = {"text": _read_text, "number": _read_number, "instant": _read_instant}
    for column in kept:
        readers[column.kind](result, column, mapping)
    return result


def _check_pseudonyms(mapping: SourceMapping, read: list[Column], contract: Contract) -> None:
    """Refuse pseudonyms of columns that are not stored, or are no text."""
    text = {c.name for c in read if c.kind == "text"} - {"event"} | set(mapping.keep)
    for name in mapping.pseudonyms:
        if name not in text:
            msg = (
                f"pseudonyms names {name!r}, which is no column of text that {contract.name} stores here. "
                f"{did_you_mean(name, text)}"
            )
            raise JourneyDataError(msg)


def _kept_as(value: ir.Value, name: str, mapping: SourceMapping) -> ir.Value:
    if name not in mapping.pseudonyms:
        return value
    text = _stripped(as_text(value))
    return _hidden(
        text.isin(["", *mapping.missing]).ifelse(ibis.null("string"), text), name, mapping
    )


def _hidden(text: ir.StringValue, name: str, mapping: SourceMapping) -> ir.StringValue:
    """Return text as it is stored: as pseudonyms where the mapping says so."""
    return as_pseudonyms(text, needed_key()) if name in mapping.pseudonyms else text


def _sortable(value: ir.Value) -> ir.Value:
    """Order text as numbers where all of it is numbers (2 before 10), as text where not."""
    if not isinstance(value, ir.StringValue):
        return value
    text = value.strip().nullif("")
    for kind in ("int64", "float64"):
        number = text.try_cast(kind)
        lost = (number.isnull() & text.notnull()).sum()
        if not (lost.to_pyarrow().as_py() or 0):
            return number
    return text


_OWN_NAMES = {"row", "touchpoint", "amount", "unit_id", "is_unmapped", "is_outside"}


def check_carried(mapping: SourceMapping, used: set[str], contract: Contract) -> None:
    """Refuse kept columns and outcomes whose names would hide a column of the contract."""
    for where, names in (("keep", mapping.keep), ("outcomes", mapping.outcomes)):
        own = {c.name for c in contract.columns}
        for name in names:
            # The engine does not tell upper from lower case.
            folded, all_folded = name.casefold(), [n.casefold() for n in names]
            taken = folded in _OWN_NAMES | own or (where == "keep" and name in used)
            reserved = re.match(r"(flag|raw|from|local|path|at|event):|__", folded)
            if taken or all_folded.count(folded) > 1 or reserved:
                msg = (
                    f"{where} names {name!r}, which is a column of {contract.name} itself or named "
                    "twice. Leave it out, or rename it in the source."
                )
                raise JourneyDataError(msg)


def as_text(value: ir.Value) -> ir.StringValue:
    """Write a value as people write it: 17850 and not 17850.0; not-a-number is no value."""
    if value.type().is_floating():
        number = value.try_cast("int64")
        whole = (number.cast("float64") == value) & (value.abs() < 1e15)
        plain = whole.ifelse(number.cast("string"), value.cast("string"))
        return value.isnan().ifelse(ibis.null("string"), plain)
    return value.cast("string")


def _shown(table: ir.Table) -> list[str]:
    return [c for c in table.columns if c != ROW]


def contract_columns(contract: Contract, mapping: SourceMapping) -> list[Column]:
    """Return the contract's columns and the outcomes; a mapping that names others is refused."""
    known = list(contract.columns)
    names = {c.name for c in known}
    for name in mapping.columns:
        if name not in names and name not in mapping.outcomes:
            msg = f"{contract.name} has no column {name!r}. {did_you_mean(name, names)}"
            raise JourneyDataError(msg)
    outcomes = [Column(n, "number", "an outcome", required=True) for n in mapping.outcomes]
    return known + outcomes


def origin_of(table: ir.Table, column: Column, mapping: SourceMapping) -> ir.Value | None:
    """Return where the values of a contract column come from; None where the source has none."""
    spec = mapping.columns.get(column.name)
    if spec is None:
        return table[column.name] if column.name in table.columns else None
    if spec.value is not None:
        return ibis.literal(spec.value)
    if spec.template is not None:
        return _template(table, spec.template, column.name)
    name = cast("str", spec.from_)
    require_columns(_shown(table), name, name=f"the source of {column.name!r}")
    return table[name]


def _template(table: ir.Table, template: str, name: str) -> ir.StringValue:
    """Fill ``{source column}`` in; a blank part makes the whole blank."""
    parts: list[ir.StringValue] = []
    for i, piece in enumerate(template.replace("}", "{").split("{")):
        if i % 2:
            require_columns(_shown(table), piece, name=f"the template of {name!r}")
            parts.append(as_text(table[piece]).strip())
        elif piece:
            parts.append(ibis.literal(piece))
    if not parts:
        msg = f"The template of {name!r} is blank. Write source columns in it, such as {{year}}-{{month}}."
        raise JourneyDataError(msg)
    whole = parts[0]
    for part in parts[1:]:
        whole = whole + part
    return whole


def blanked(value: ir.Value, column: Column, mapping: SourceMapping) -> ir.Value:
    """Make every spelling of *no value* null; numbers and times of the source stay as they are."""
    spec = mapping.columns.get(column.name)
    words = [*mapping.missing, *(spec.missing if spec else ())]
    if spec and spec.recode:
        value = as_text(value).strip()
        value = value.substitute(cast("Mapping[Any, Any]", spec.recode), else_=value)
    if isinstance(value, ir.StringValue):
        text = _stripped(value)
        return text.isin(["", *words]).ifelse(ibis.null("string"), text)
    if value.type().is_floating():
        value = value.isnan().ifelse(ibis.null(value.type()), value)
    if words:
        value = as_text(value).isin(words).ifelse(ibis.null(value.type()), value)
    return value


def _stripped(text: ir.StringValue) -> ir.StringValue:
    """Cut white space off both ends; text without it is only looked at, which is much faster."""
    perhaps = text < "!"
    for space in " \t\n\r\v\f":
        perhaps = perhaps | text.endswith(space)
    return perhaps.ifelse(text.strip(), text)


def _read_text(result: Normalised, column: Column, mapping: SourceMapping) -> None:
    value = result.table[raw(column.name)]
    own = column.name in NAMES and origin(column.name) in result.table.columns
    text = as_text(value) if own else _hidden(as_text(value), column.name, mapping)
    result.table = result.table.mutate(text.name(column.name))


def _read_number(result: Normalised, column: Column, mapping: SourceMapping) -> None:
    value = result.table[raw(column.name)]
    if isinstance(value, ir.StringValue):
        text = value.replace(" ", "").replace("\u00a0", "")
        plain, grouped = (text.re_search(pattern) for pattern in _NUMBERS[mapping.decimal])
        thousands = "." if mapping.decimal == "," else ","
        bare = grouped.ifelse(text.replace(thousands, ""), text).replace(",", ".")
        number = (plain | grouped).ifelse(bare, ibis.null("string")).try_cast("float64")
    else:
        number = value.cast("float64")
    result.table = result.table.mutate(number.name(column.name))
    _flag(result, "unreadable", column.name, "left blank", number.isnull() & value.notnull())


def _read_instant(result: Normalised, column: Column, mapping: SourceMapping) -> None:
    name = column.name
    value = result.table[raw(name)]
    spec = mapping.columns.get(name)
    instant, local = _instant(value, spec)
    if local is not None:
        zone = mapping.time_zone or "UTC"
        placed = local if zone == "UTC" else _to_local("UTC", _to_instant(zone, local))
        result.table = result.table.mutate(local.name(f"local:{name}"), placed.name(name))
        if instant is not None:
            both = ibis.coalesce(instant, result.table[name])
            result.table = result.table.mutate(both.name(name))
        if zone != "UTC":
            _flag_clock_changes(result, name, zone)
    else:
        result.table = result.table.mutate(cast("ir.Value", instant).name(name))
    unread = result.table[name].isnull() & result.table[raw(name)].notnull()
    _flag(result, "unreadable", name, "set aside", unread)


def _instant(
    value: ir.Value, spec: ColumnMapping | None
) -> tuple[ir.Value | None, ir.TimestampValue | None]:
    """Return the instant (naive, UTC) and the local time that still needs a zone, where there are."""
    unit = spec.unit if spec else None
    if unit is not None:
        number = value.try_cast("float64")
        micros = number * {"s": 1_000_000, "ms": 1_000, "us": 1}[unit]
        dated = micros.between(*_YEARS_1_TO_9999).fill_null(False)
        return from_micros(dated.ifelse(micros, ibis.null("float64")).try_cast("int64")), None
    kind = value.type()
    if kind.is_timestamp():
        if kind.timezone is None:
            return None, value.cast("timestamp(6)")
        return _to_local("UTC", value.cast("timestamp('UTC')")), None
    if kind.is_date():
        return None, value.cast("timestamp(6)")
    text = value.cast("string")
    formats = spec.formats if spec and spec.formats else (*NAIVE_FORMATS, *OFFSET_FORMATS)
    offset = [f for f in formats if "%z" in f]
    naive = [f for f in formats if "%z" not in f]
    instant = local = None
    if offset:
        with_offset = text.re_replace(r"[zZ]$", "+00:00")
        instant = _to_local("UTC", _strptime_offset(with_offset, ibis.literal(offset)))
    if naive:
        local = _strptime(text, ibis.literal(naive)).cast("timestamp(6)")
    return instant, local


def _flag_clock_changes(result: Normalised, name: str, zone: str) -> None:
    utc, local = result.table[name], result.table[f"local:{name}"]

    def on_the_clock(shift: ir.TimestampValue) -> ir.TimestampValue:
        return cast("ir.TimestampValue", _to_local(zone, _to_instant("UTC", shift)))

    twice = ibis.literal(False)
    for step in (ibis.interval(minutes=60), ibis.interval(minutes=30)):
        twice |= (on_the_clock(utc + step) == local) | (on_the_clock(utc - step) == local)
    _flag(
        result, "local time does not exist", name, "moved over the gap", on_the_clock(utc) != local
    )
    _flag(result, "local time occurs twice", name, "one of the two taken", twice)


def _flag(result: Normalised, check: str, column: str, action: str, where: ir.BooleanValue) -> None:
    name = f"flag:{len(result.flags)}"
    result.table = result.table.mutate(where.fill_null(False).name(name))
    result.flags[name] = (check, column, action)


def _long_answers(table: ir.Table, mapping: SourceMapping) -> ir.Table:
    """Turn question columns into rows; codes that are no answers become blank."""
    questions = mapping.questions
    for name in questions:
        require_columns(_shown(table), name, name="answers")
    table = table.mutate(**{name: as_text(table[name]).strip() for name in questions})
    order = {name: i for i, name in enumerate(questions)}
    table = table.pivot_longer(
        ibis.selectors.cols(*questions), names_to="question_id", values_to="score"
    )
    no_answer = ibis.literal(False)
    for name, question in questions.items():
        if question.missing:
            no_answer |= (table["question_id"] == name) & table["score"].isin(question.missing)
    touchpoints = {n: q.touchpoint for n, q in questions.items() if q.touchpoint}
    about = (
        table["question_id"].substitute(touchpoints, else_=ibis.null("string"))
        if touchpoints
        else ibis.null("string")
    )
    return table.mutate(
        no_answer.ifelse(ibis.null("string"), table["score"]).name("score"),
        table["question_id"].substitute({n: q.scale for n, q in questions.items()}).name("scale"),
        table["question_id"]
        .substitute({n: q.version for n, q in questions.items()})
        .name("question_version"),
        about.name("touchpoint"),
        (table[ROW] * len(questions) + table["question_id"].cases(*order.items(), else_=0)).name(
            ROW
        ),
    )
