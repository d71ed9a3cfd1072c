"""Mapping: how the columns of somebody's file become the columns of a contract."""

import zoneinfo
from functools import cache
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    model_validator,
)

from journey_widgets.errors import did_you_mean

Step = Literal["handle", "approve", "consult", "notify"]
STEPS: tuple[Step, ...] = ("handle", "approve", "consult", "notify")
Format = Literal["csv", "parquet", "xlsx", "jsonl"]
Backend = Literal["pyspark", "postgres", "trino", "bigquery", "snowflake", "clickhouse"]
IN_A_WAREHOUSE = {
    "backend", "table", "stored_in", "time_zone", "currency", "missing", "columns", "keep", "order", "loaded_at",
    "touchpoints", "steps", "unmapped", "outcomes", "not_personal", "tolerance",
}  # fmt: skip
"""What can be said of a source that is a table of a warehouse; its values have their types there."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class ColumnMapping(_Strict):
    """Where one contract column comes from, and how its values are read.

    Exactly one of ``from`` (a source column), ``template`` (text with ``{source column}`` in it)
    and ``value`` (one constant for every row) says where; the rest says how.
    """

    from_: str | None = Field(None, alias="from")
    template: str | None = None
    value: str | None = None
    formats: tuple[str, ...] = ()
    """strptime formats tried in order, for instants written as text."""
    unit: Literal["s", "ms", "us"] | None = None
    """Unit of instants written as a number since 1970-01-01 UTC."""
    missing: tuple[str, ...] = ()
    """Values that mean *no value*, beside those of the whole source."""
    recode: dict[str, str] = {}
    """Source value → value, for code numbers and spellings."""

    @model_validator(mode="after")
    def _one_origin(self) -> Self:
        given = [n for n in ("from_", "template", "value") if getattr(self, n) is not None]
        if len(given) != 1:
            msg = "needs exactly one of 'from', 'template' and 'value'"
            raise ValueError(msg)
        return self


@cache
def _zones() -> frozenset[str]:
    """Return the time zones of this machine: looking for them reads hundreds of files."""
    return frozenset(zoneinfo.available_timezones())


def known_zone(name: str) -> str:
    """Return a time zone name that exists; another one is a ValueError with near names."""
    if name not in _zones():
        near = did_you_mean(name, _zones())
        msg = f"there is no time zone {name!r}; {near.rstrip('.')}"
        raise ValueError(msg)
    return name


TimeZone = Annotated[str, AfterValidator(known_zone)]


class Question(_Strict):
    """One question of a survey whose answers stand in a column of their own."""

    scale: str = Field(pattern=r"^-?\d+-\d+$")
    version: Annotated[str, BeforeValidator(str)] = Field(min_length=1)
    """Version of its wording and scale: answers to another version are another question."""
    missing: tuple[str, ...] = ()
    touchpoint: str | None = None


def _spell_out(value: Any) -> Any:
    return {"from": value} if isinstance(value, str) else value


ColumnSpec = Annotated[ColumnMapping, BeforeValidator(_spell_out)]


class SourceMapping(_Strict):
    """One entry of ``sources.yaml``: where a source is and how it is read.

    A contract column that is not named in ``columns`` is taken from the source column of the same
    name, where there is one.
    """

    file: str | None = None
    """The file, or with ``*`` or ``?`` in its name all files that fit, in order of name: ``events/*.csv``."""
    backend: Backend | None = None
    """Warehouse the source is a table of; how it is reached stands in the environment."""
    table: str | None = None
    """The table there, such as ``web.events`` or ``catalog.web.events``."""
    stored_in: str | None = None
    """Schema (or ``catalog.schema``) of the warehouse that keeps the path index; the connection's own by default."""
    format: Format | None = None
    encoding: str | None = None
    separator: str | None = Field(None, min_length=1, max_length=1)
    decimal: Literal[".", ","] = "."
    sheet: str | None = None
    time_zone: TimeZone | None = None
    """Zone of times that carry none; stated nowhere, they are read as UTC and reported."""
    currency: str | None = Field(None, pattern=r"^[A-Z]{3}$")
    missing: tuple[str, ...] = ()
    columns: dict[str, ColumnSpec] = {}
    keep: tuple[str, ...] = ()
    """Source columns carried along under their own names."""
    order: str | None = None
    """Source column that orders events of the same time; input order without it."""
    loaded_at: str | None = Field(None, min_length=1)
    """Of a table in a warehouse: the column that says when a row was loaded, or changed last; a log grows by it."""
    unnest: str | None = None
    """JSON Lines only: a list of records in each line, one row per record."""
    touchpoints: dict[str, str] = {}
    """Event name → touchpoint id; of tickets, kind → touchpoint id."""
    steps: dict[str, Step] = {}
    """Of tickets: activity → what it means for who did it; others only say who had the case when."""
    unmapped: Literal["keep", "set aside"] = "keep"
    """What happens to events whose name is not in ``touchpoints``."""
    questions: dict[str, Question] = {}
    outcomes: tuple[str, ...] = ()
    pseudonyms: tuple[str, ...] = ()
    """Columns stored as a keyed hash: ids, actors, whatever says who somebody is."""
    not_personal: tuple[str, ...] = ()
    """Columns that look like personal data and were found to be none."""
    tolerance: float = Field(0.05, ge=0, le=1)
    """Largest share of unreadable times or numbers in a column before reading is refused."""

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        if self.backend is None:
            if self.table or self.stored_in:
                msg = "'table' and 'stored_in' are of a backend; name it, such as backend: postgres"
                raise ValueError(msg)
            if self.loaded_at:
                msg = "'loaded_at' is of a table in a backend; of files their names tell what is new (events/*.csv)"
                raise ValueError(msg)
            return self
        if not self.table or self.file:
            msg = "a source in a backend needs 'table' and no 'file'"
            raise ValueError(msg)
        strange = sorted(self.model_fields_set - IN_A_WAREHOUSE)
        read = [n for n, c in self.columns.items() if c.formats or c.unit or c.template]
        if strange or read:
            what = strange[0] if strange else f"formats, unit or template of {read[0]!r}"
            msg = f"{what}: not of a table in a backend, whose values have their types. Make a view there that has them"
            raise ValueError(msg)
        return self

    @property
    def is_named(self) -> bool:
        """Whether it says where the source is."""
        return self.file is not None or self.backend is not None
