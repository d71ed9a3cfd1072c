"""The path index: who did what after what, stored once, asked often.

Every path question reads this table alone. One row per event:

=================  =========  ============================================================
``customer``       int32      number of the customer, in order of id
``customer_id``    str        the id behind it
``step``           int32      place of the event in the customer's path, from 1
``touchpoint``     int16      code; `PathIndex.touchpoints` holds the ids
``next``           int16      code of the following event; null at the end of the path
``gap``            int64      microseconds to the following event; null at the end
``ts``             timestamp  when, UTC
``at:name``                   any other column of the log, such as ``at:channel``
=================  =========  ============================================================
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import Any, Literal

import ibis
import ibis.expr.types as ir
from ibis import _

from journey_widgets.errors import JourneyDataError, did_you_mean
from journey_widgets.events.engine import collect, engine, parquet_table
from journey_widgets.events.source import Source, read_events
from journey_widgets.events.stored_log import places, touchpoint_code
from journey_widgets.tables import require_columns

At = Literal["first", "each", "last"]
"""Which event says to which group a customer belongs; ``each`` takes the events of the group alone."""


@dataclass(frozen=True)
class PathIndex:
    """The path index of one log: a lazy table, and the touchpoint ids behind its codes.

    It never changes: `where`, `began` and `only` return the index of fewer customers.
    """

    table: ir.Table
    touchpoints: tuple[str, ...]
    said: tuple[str, ...] = ()
    """How its customers were chosen, in words."""

    def code(self, touchpoint: str) -> int:
        """Return the code of a touchpoint; an unknown one is a `JourneyDataError`."""
        return touchpoint_code(self.touchpoints, touchpoint)

    def name(self, code: ir.Value) -> ir.StringValue:
        """Return the expression that turns codes back into ids."""
        return code.cases(*enumerate(self.touchpoints), else_=None)

    def customers(self) -> int:
        """Return how many customers the log holds."""
        return int(self.table.filter(_.step == 1).count().to_pyarrow().as_py())

    @property
    def attributes(self) -> tuple[str, ...]:
        """Columns of the log that customers can be chosen by."""
        return tuple(c.removeprefix("at:") for c in self.table.columns if c.startswith("at:"))

    def attribute(self, name: str) -> ir.Column:
        """Return a column of the log by its own name."""
        require_columns(self.attributes, name, name="the event log")
        return self.table[f"at:{name}"]

    def values(self, name: str, *, limit: int = 200) -> list[str]:
        """Return the values of a column, sorted, at most `limit` of them."""
        column = self.attribute(name).cast("string").name("value")
        found = self.table.select(column).distinct().filter(_.value.notnull())
        return sorted(collect(found.order_by("value").limit(limit))["value"].astype(str))

    def where(self, column: str, value: str | Sequence[str], *, at: At = "first") -> "PathIndex":
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
        values = [value] if isinstance(value, str) else [str(v) for v in value]
        text = self.attribute(column).cast("string")
        known = self.values(column, limit=100_000)
        for one in values:
            if one not in known:
                msg = f"No event has {column} = {one!r}. {did_you_mean(one, known)}"
                raise JourneyDataError(msg)
        words = f"{column} = {' or '.join(values)}"
        if at == "each":
            kept = _joined_up(self.table.filter(text.isin(values)))
            return replace(self, table=kept, said=(*self.said, f"events with {words} alone"))
        ends = {"first": _.step == 1, "last": _.next.isnull()}
        if at not in ends:
            msg = f"at is {at!r}; 'first', 'each' or 'last' was needed."
            raise JourneyDataError(msg)
        chosen = self.table.filter(text.isin(values), ends[at]).select("customer")
        return self.only(chosen, f"{words} at their {at} event")

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
        return self.only(first.select("customer"), f"first event {' '.join(words)}")

    def only(self, customers: ir.Table, said: str) -> "PathIndex":
        """Return the index of the customers in a table of numbers, chosen as `said`."""
        name = ibis.util.gen_name("chosen")
        chosen = engine().create_table(name, customers.select("customer").distinct(), temp=True)
        kept = self.table.semi_join(chosen, "customer")
        return replace(self, table=kept, said=(*self.said, said))

    def without(self, customers: ir.Table, said: str) -> "PathIndex":
        """Return the index of all customers but those in a table of numbers."""
        name = ibis.util.gen_name("chosen")
        chosen = engine().create_table(name, customers.select("customer").distinct(), temp=True)
        kept = self.table.anti_join(chosen, "customer")
        return replace(self, table=kept, said=(*self.said, said))

    def in_words(self) -> str:
        """Return whose paths these are."""
        return "; ".join(self.said) or "all customers"


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
    return PathIndex(places(parquet_table(log.path)), log.touchpoints)


def _joined_up(events: ir.Table) -> ir.Table:
    """Number the steps anew, as if the events that are not there had never been."""
    path = ibis.window(group_by="customer", order_by="step")
    fresh = events.mutate(
        next=_.touchpoint.lead().over(path),
        gap=micros(_.ts.lead().over(path)) - micros(_.ts),
        step=(ibis.row_number().over(path) + 1).cast("int32"),
    )
    return engine().create_table(ibis.util.gen_name("paths"), fresh, temp=True)


def _moment(given: date | str) -> datetime:
    try:
        found = datetime.fromisoformat(str(given))
    except ValueError:
        msg = f"{given!r} is no date; one like 2026-04-01 was needed."
        raise JourneyDataError(msg) from None
    return found if found.tzinfo is None else found.astimezone(UTC).replace(tzinfo=None)


@ibis.udf.scalar.builtin(name="epoch_us")
def micros(moment: ibis.dtype("timestamp")) -> int:  # type: ignore[valid-type, empty-body]
    """Microseconds since 1970-01-01 UTC."""
