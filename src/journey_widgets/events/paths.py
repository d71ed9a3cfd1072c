"""The path index: who did what after what, stored once, asked often.

Every path question reads this table alone. One row per event:

=================  =========  ============================================================
``customer``       int32      number of the customer, in order of id (int64 in a warehouse, where those who came when
                              a log grew come after the others)
``customer_id``    str        the id behind it
``step``           int32      place of the event in the customer's path, from 1
``touchpoint``     int16      code; `PathIndex.touchpoints` holds the ids
``next``           int16      code of the following event; null at the end of the path
``gap``            int64      microseconds to the following event; null at the end
``lot``            int16      number of the customer by chance, of the id alone (`shuffle.lot`)
``ts``             timestamp  when, UTC
``at:name``                   any other column of the log, such as ``at:channel``
=================  =========  ============================================================
"""

import uuid
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import ibis
import ibis.expr.types as ir
import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
from ibis import _

from journey_widgets.errors import JourneyDataError, did_you_mean
from journey_widgets.events.engine import (
    beside,
    collect,
    engine_of,
    hold,
    scratch_folder,
)
from journey_widgets.events.grown_log import log_table, read_grown
from journey_widgets.events.instants import micros
from journey_widgets.events.log_there import places_there
from journey_widgets.events.source import Source, read_events
from journey_widgets.events.stored_log import (
    file_name,
    places,
    touchpoint_code,
    whole_paths,
)
from journey_widgets.tables import require_columns

At = Literal["first", "each", "last"]
"""Which event says to which group a customer belongs; ``each`` takes the events of the group alone."""


@dataclass(frozen=True)
class PathIndex:
    """The path index of one log. It never changes: its verbs return the index of fewer customers.

    Attributes
    ----------
    file
        The Parquet file of all events, in order of customer and step; None where they live in a warehouse.
    touchpoints
        The ids behind the codes.
    chosen
        Table of the customers (column ``customer``) that the index is about; all where it is None.
    said
        How they were chosen, in words.
    unit
        What a path belongs to: ``"customers"``, or ``"sessions"`` after `split_sessions`.
    """

    file: Path | None
    touchpoints: tuple[str, ...]
    chosen: ir.Table | None = None
    said: tuple[str, ...] = ()
    unit: str = "customers"
    everybody: int | None = None
    """How many customers there are, where that was noted when they were stored."""
    there: ir.Table | None = None
    """The path index of all events in a warehouse; None where it is a file."""
    tail: Path | None = None
    """Of a log that has grown: the file of the customers of new events, whose rows in `file` count no more."""

    @cached_property
    def stored(self) -> ir.Table:
        """The events of everybody, whoever is chosen."""
        if self.there is not None:
            return self.there
        assert self.file is not None  # noqa: S101 - one of the two is there
        return places(log_table(self.file, self.tail))

    @cached_property
    def table(self) -> ir.Table:
        """The events of the chosen customers, in no certain order."""
        if self.chosen is None:
            return self.stored
        return self.stored.semi_join(self.chosen, "customer")

    def code(self, touchpoint: str) -> int:
        """Return the code of a touchpoint; an unknown one is a `JourneyDataError`."""
        return touchpoint_code(self.touchpoints, touchpoint)

    def customers(self) -> int:
        """Return how many customers (or sessions) the index is about."""
        if self.chosen is None and self.everybody is not None:
            return self.everybody
        rows = self.stored.filter(_.step == 1) if self.chosen is None else self.chosen
        return int(rows.count().to_pyarrow().as_py())

    def pieces(
        self, *columns: str, touchpoints: Collection[int] | None = None
    ) -> Iterator[pa.Table]:
        """Return the events in order of customer and step, whole paths at a time.

        Parameters
        ----------
        columns
            Columns wanted; ``customer`` and ``step`` are always there.
        touchpoints
            Codes of the touchpoints wanted; all by default.
        """
        if self.file is None:
            yield from self._pieces_there(columns, touchpoints)
            return
        for piece in read_grown(self.file, self.tail, columns, touchpoints):
            who = piece["customer"].to_numpy()
            if self.chosen is None:
                yield piece
            elif (kept := self._mask[np.minimum(who, len(self._mask) - 1)]).any():
                yield piece.filter(pa.array(kept))

    def _pieces_there(
        self, columns: tuple[str, ...], touchpoints: Collection[int] | None
    ) -> Iterator[pa.Table]:
        """Return the events out of a warehouse: for few customers, or where it cannot answer by itself."""
        rows = self.table
        if touchpoints is not None:
            rows = rows.filter(rows.touchpoint.isin(sorted(touchpoints)))
        wanted = rows.select(*dict.fromkeys(["customer", "step", *columns]))
        yield from whole_paths(wanted.order_by("customer", "step").to_pyarrow_batches())

    @cached_property
    def _mask(self) -> npt.NDArray[np.bool_]:
        """Return by number whether a customer is chosen; the last place stands for those beyond."""
        assert self.chosen is not None  # noqa: S101 - its callers have looked
        numbers = self.chosen.to_pyarrow()["customer"].to_numpy()
        mask = np.zeros(int(numbers.max(initial=-1)) + 2, dtype=np.bool_)
        mask[numbers] = True
        return mask

    @property
    def attributes(self) -> tuple[str, ...]:
        """Columns of the log that customers can be chosen by."""
        return tuple(c.removeprefix("at:") for c in self.stored.columns if c.startswith("at:"))

    def attribute(self, name: str) -> ir.Column:
        """Return a column of the log by its own name, as text."""
        require_columns(self.attributes, name, name="the event log")
        return self.table[f"at:{name}"].cast("string")

    def values(self, name: str, *, limit: int = 200) -> list[str]:
        """Return the values of a column, sorted, at most `limit` of them."""
        found = self.table.select(value=self.attribute(name)).distinct()
        found = found.filter(_.value.notnull()).order_by("value").limit(limit)
        return [str(v) for v in collect(found)["value"]]

    def has(self, column: str, value: str) -> bool:
        """Return whether the log has a column and any event with a value in it."""
        if column not in self.attributes:
            return False
        found = self.table.filter(self.attribute(column) == value).limit(1)
        return bool(found.count().to_pyarrow().as_py())

    def where(self, column: str, value: Any, *, at: At = "first") -> "PathIndex":
        """Return the index of one group.

        Parameters
        ----------
        column, value
            A column of the log, and the value (or values) of the group.
        at
            ``"first"``: customers whose first event has the value, with all their events, so that
            every customer is in one group; ``"last"`` likewise; ``"each"``: the events with the
            value alone, as if nothing had come between.
        """
        given = value if isinstance(value, list | tuple | set | frozenset) else [value]
        values = [_as_stored(v) for v in given]
        text = self.attribute(column)
        found = self.table.select(value=text).filter(_.value.isin(values)).distinct()
        there = set(collect(found)["value"].astype(str))
        for one in values:
            if one not in there:
                known = self.values(column)
                msg = f"No event has {column} = {one!r}. {did_you_mean(one, known)}"
                raise JourneyDataError(msg)
        words = f"{column} = {' or '.join(values)}"
        if at == "each":
            kept = _numbered_anew(self.table.filter(text.isin(values)))
            said = (*self.said, f"events with {words} alone")
            fresh = replace(self, chosen=None, said=said, everybody=None)
            if self.file is None:
                return replace(fresh, there=hold(kept))
            return replace(fresh, file=_written(kept), tail=None)
        ends = {"first": _.step == 1, "last": _.next.isnull()}
        if at not in ends:
            msg = f"at is {at!r}; 'first', 'each' or 'last' was needed."
            raise JourneyDataError(msg)
        chosen = self.table.filter(text.isin(values), ends[at]).select("customer")
        return self.only(chosen, f"{words} at their {at} event")

    def where_blank(self, column: str) -> "PathIndex":
        """Return the index of the customers whose first event has no value in a column."""
        first = self.table.filter(self.attribute(column).isnull(), _.step == 1)
        return self.only(first.select("customer"), f"no {column} at their first event")

    def began(
        self, since: date | str | None = None, until: date | str | None = None
    ) -> "PathIndex":
        """Return the index of the customers whose first event lies in a period, with all their events.

        Both ends are instants in UTC, or dates that mean their first moment; `until` is left out.
        """
        first = self.table.filter(_.step == 1)
        words = []
        if since is not None:
            first = first.filter(_.ts >= ibis.literal(_moment(since), "timestamp"))
            words.append(f"from {since}")
        if until is not None:
            first = first.filter(_.ts < ibis.literal(_moment(until), "timestamp"))
            words.append(f"before {until}")
        if not words:
            return self
        return self.only(first.select("customer"), f"first event {' '.join(words)}")

    def only(self, customers: ir.Table, said: str) -> "PathIndex":
        """Return the index of those of its customers that are in a table of numbers, chosen as `said`."""
        wanted = customers.select("customer").distinct()
        if self.chosen is not None:
            wanted = wanted.semi_join(self.chosen, "customer")
        elif engine_of(wanted) != engine_of(
            self.stored
        ):  # numbers that come from here, for a log in a warehouse
            wanted = (
                self.stored.filter(_.step == 1).select("customer").semi_join(wanted, "customer")
            )
        return replace(self, chosen=hold(wanted), said=(*self.said, said))

    def without(self, customers: ir.Table, said: str) -> "PathIndex":
        """Return the index of its customers that are not in a table of numbers."""
        own = self.chosen
        if own is None:
            own = self.stored.filter(_.step == 1).select("customer")
        return replace(
            self, chosen=hold(own.anti_join(customers, "customer")), said=(*self.said, said)
        )

    def ids(self, customers: ir.Table) -> pd.DataFrame:
        """Return the customers in a table of numbers, sorted by id: ``customer_id``, ``first_ts``."""
        first = self.stored.filter(_.step == 1).select("customer", "customer_id", first_ts="ts")
        found = first.semi_join(customers, "customer").select("customer_id", "first_ts")
        return collect(found.order_by("customer_id", "first_ts"))

    def in_words(self) -> str:
        """Return whose paths these are."""
        return "; ".join(self.said) or f"all {self.unit}"


def _as_stored(value: Any) -> str:
    """Return a value as the engine writes it: ``true`` and not ``True``."""
    return str(value).lower() if isinstance(value, bool | np.bool_) else str(value)


def numbers(customers: npt.NDArray[Any], index: PathIndex) -> ir.Table:
    """Return customer numbers as a table that `PathIndex.only` and `PathIndex.ids` take."""
    found = np.asarray(customers, customer_kind(index))
    return beside(pa.table({"customer": pa.array(found)}), index.stored)


def customer_kind(index: PathIndex) -> type[np.signedinteger[Any]]:
    """Return the type of an index's customer numbers; those of sessions in a warehouse are long."""
    return np.int32 if index.file is not None else np.int64


def path_index(log: Any) -> PathIndex:
    """Return the path index of `log`: a `Source` of events, a table of events, or an index.

    A table needs ``customer_id``, ``ts`` and ``event``. Events of one customer
    at the same time keep their order in the table. The index of a `Source` is stored with it.
    """
    if isinstance(log, PathIndex):
        return log
    if not isinstance(log, Source):
        log = read_events(log)
    if log.kind != "events":
        msg = f"A path needs events; this source holds {log.kind}. Use ws.events() or read_events."
        raise JourneyDataError(msg)
    there = None if log.stored is None else places_there(log.stored)
    return PathIndex(log.path, log.touchpoints, everybody=log.customers, there=there, tail=log.tail)


def _numbered_anew(events: ir.Table) -> ir.Table:
    """Number the steps anew, as if the events that are not there had never been."""
    path = ibis.window(group_by="customer", order_by="step")
    return events.mutate(
        next=_.touchpoint.lead().over(path),
        gap=micros(_.ts.lead().over(path)) - micros(_.ts),
        step=(ibis.row_number().over(path) + 1).cast("int32"),
    )


def _written(fresh: ir.Table) -> Path:
    """Store a path index in a file of its own."""
    target = scratch_folder() / f"{uuid.uuid4().hex}.parquet"
    in_order = fresh.order_by("customer", "step")
    in_order.select(**{file_name(c): c for c in in_order.columns}).to_parquet(target)
    return target


def _moment(given: date | str) -> datetime:
    try:
        found = datetime.fromisoformat(str(given))
    except ValueError:
        msg = f"{given!r} is no date; one like 2026-04-01 was needed."
        raise JourneyDataError(msg) from None
    return found if found.tzinfo is None else found.astimezone(UTC).replace(tzinfo=None)
