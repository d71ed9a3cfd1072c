"""Retention: of those who began in a period, how many came back later."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal, get_args

import ibis.expr.types as ir
import pandas as pd
from ibis import _

from journey_widgets.definition import defined
from journey_widgets.errors import JourneyDataError, did_you_mean
from journey_widgets.estimates import certainty, wilson
from journey_widgets.events.calendar import Calendar
from journey_widgets.events.engine import collect
from journey_widgets.events.instants import micros
from journey_widgets.events.paths import PathIndex, path_index

Mode = Literal["on", "on_or_after"]
MAX_DAYS = 200 * 365
LENGTHS = {"day": 1, "week": 7, "month": 30}
"""Days in a rolling period."""


def retention(
    log: Any,
    *,
    period: str = "month",
    start_event: str | None = None,
    return_event: str | None = None,
    mode: str = "on",
    rolling: bool = False,
    time_zone: str = "UTC",
) -> pd.DataFrame:
    """Count how many customers come back, by the period they began in.

    Parameters
    ----------
    log
        A `Source` of events, a table with ``customer_id``, ``ts`` and ``event``, or a `PathIndex`.
    period
        ``"day"``, ``"week"`` (from Monday) or ``"month"``.
    start_event, return_event
        Touchpoints; any event by default. A customer begins at the first start event.
    mode
        ``"on"``: came back in that very period; ``"on_or_after"``: in that period or a later one.
    rolling
        Count periods of 1, 7 or 30 times 24 hours from each customer's own start, not those of the
        calendar; the cohort is the calendar period of the start in both cases.
    time_zone
        Where the calendar's days begin.

    Returns
    -------
    pandas.DataFrame
        One row per cohort and offset whose period was over when the log ended, by cohort. Columns:
        ``cohort`` (datetime64, first local day of the period); ``offset`` (int64), periods since
        the start; ``customers`` (int64) who came back; ``n`` (int64), the cohort; ``retention``
        (float64); ``low``, ``high``, ``method``, ``certainty``, its 95 % interval. Offset 0 counts
        events after the start in the same period; the start itself is no return. ``attrs`` holds
        ``open_customers`` (int), those whose cohort was still open, and ``open_cells``.
    """
    index = path_index(log)
    plan, last = _planned(
        index, period=period, start_event=start_event, return_event=return_event, mode=mode,
        rolling=rolling, time_zone=time_zone,
    )  # fmt: skip
    starts = plan.starts(index)
    sizes = collect(starts.group_by("cohort").agg(n=_.count())).set_index("cohort")["n"]
    counts = _counts(plan, index, starts, mode == "on_or_after")
    periods = {c: plan.calendar.number_of(last) - int(c) for c in sizes.index}
    closed = {c: sum(plan.ends(int(c), k) <= last for k in range(n)) for c, n in periods.items()}
    frame = _frame(plan.calendar, sizes, counts, closed)
    still_open = int(sum(n for c, n in sizes.items() if not closed[c]))
    frame.attrs["open_customers"] = still_open
    frame.attrs["open_cells"] = sum(n + 1 - closed[c] for c, n in periods.items())
    return defined(
        frame,
        f"Unit: {index.unit}; {index.in_words()}",
        f"Start: the first {_event(start_event)}; return: {_event(return_event)} after it, "
        + ("in that period or later" if mode == "on_or_after" else "in that period"),
        f"Periods: {LENGTHS[period]} x 24 hours from each start"
        if rolling
        else f"Periods: calendar {period}s in {time_zone}",
        f"Left out as still open when the log ends: {still_open:,} {index.unit} in cohorts not "
        "over yet, and all cells whose period was not over",
    )


def _event(name: str | None) -> str:
    return "event" if name is None else f"event at {name}"


def _refuse(given: str, known: Any, name: str) -> None:
    if given not in known:
        msg = f"retention has no {name} {given!r}. {did_you_mean(given, list(known))}"
        raise JourneyDataError(msg)


@dataclass(frozen=True)
class _Plan:
    """What counts as a start, a return and a period."""

    calendar: Calendar
    start_event: str | None
    return_event: str | None
    rolling: bool

    def starts(self, index: PathIndex) -> ir.Table:
        """Return ``customer``, ``started`` (step), ``since`` (microseconds), ``cohort``."""
        if self.start_event is None:
            found = index.table.filter(_.step == 1).select(
                "customer", started="step", since=micros(_.ts)
            )
        else:
            at = index.table.filter(_.touchpoint == index.code(self.start_event))
            found = at.group_by("customer").agg(started=_.step.min(), since=micros(_.ts.min()))
        return found.mutate(cohort=self.calendar.number(found.since)).cache()

    def returns(self, index: PathIndex) -> ir.Table:
        """Return one row per customer and calendar period (or event, if rolling) with a return."""
        events = index.table
        if self.return_event is not None:
            events = events.filter(_.touchpoint == index.code(self.return_event))
        moment = micros(events.ts)
        if self.rolling:
            return events.select("customer", "step", moment=moment)
        number = self.calendar.number(moment)
        if self.return_event is None:
            # The last event of a customer in a period stands for all of them.
            following = self.calendar.number(moment + events.gap)
            events = events.filter(events.gap.isnull() | (following != number))
            if not self.calendar.goes_back():
                return events.select("customer", "step", period=number)
            # Where a clock goes back over midnight a day comes twice, with another one between.
            return (
                events.select("customer", "step", period=number)
                .group_by("customer", "period")
                .agg(step=_.step.max())
            )
        seen = events.select("customer", "step", period=number)
        return seen.group_by("customer", "period").agg(step=_.step.max())

    def offset(self, joined: ir.Table) -> ir.IntegerValue:
        """Return the expression for the number of periods between start and return."""
        if not self.rolling:
            return joined.period - joined.cohort
        length = LENGTHS[self.calendar.period] * 86_400_000_000
        return ((joined.moment - joined.since) // length).cast("int64")

    def ends(self, cohort: int, offset: int) -> Any:
        """Return the instant by which a cell is over for every customer of the cohort."""
        if not self.rolling:
            return self.calendar.begins_utc(cohort + offset + 1)
        days = LENGTHS[self.calendar.period] * (offset + 1)
        return self.calendar.begins_utc(cohort + 1) + timedelta(days=days)


def _planned(
    index: PathIndex, *, period: str, start_event: str | None, return_event: str | None, mode: str,
    rolling: bool, time_zone: str,
) -> tuple[_Plan, datetime]:  # fmt: skip
    """Check the words of a call; return the plan, and the instant the log ends (naive, UTC)."""
    _refuse(period, LENGTHS, "period")
    _refuse(mode, get_args(Mode), "mode")
    ends = collect(index.table.agg(first=_.ts.min(), last=_.ts.max())).iloc[0]
    if pd.isna(ends["last"]):
        msg = f"There are no events of {index.in_words()}; retention needs some."
        raise JourneyDataError(msg)
    first, last = ends["first"].to_pydatetime(), ends["last"].to_pydatetime()
    if (last - first).days > MAX_DAYS:
        msg = (
            f"The events run from {first:%Y-%m-%d} to {last:%Y-%m-%d}; retention looks at up to "
            f"{MAX_DAYS // 365} years. Leave out dates that stand for no date, with index.began(…)."
        )
        raise JourneyDataError(msg)
    calendar = Calendar.over(period, time_zone, first, last)
    return _Plan(calendar, start_event, return_event, rolling=rolling), last


def _came_back(plan: _Plan, index: PathIndex, starts: ir.Table) -> ir.Table:
    """Return ``customer``, ``cohort``, ``offset`` of the returns after the start."""
    joined = plan.returns(index).join(starts, "customer").filter(_.step > _.started)
    return joined.select("customer", "cohort", offset=plan.offset(joined))


def behind(
    index: PathIndex,
    cohort: str,
    offset: int,
    *,
    period: str = "month",
    start_event: str | None = None,
    return_event: str | None = None,
    mode: str = "on",
    rolling: bool = False,
    time_zone: str = "UTC",
) -> ir.Table:
    """Return the numbers of the customers behind one cell, as `retention` counts them."""
    plan, _last = _planned(
        index, period=period, start_event=start_event, return_event=return_event, mode=mode,
        rolling=rolling, time_zone=time_zone,
    )  # fmt: skip
    starts = plan.starts(index)
    number = next(
        (n for n in starts.cohort.to_pyarrow().unique().to_pylist()
         if f"{plan.calendar.begins(n):%Y-%m-%d}" == str(cohort)[:10]),
        None,
    )  # fmt: skip
    if number is None:
        msg = f"There is no cohort {cohort!r}; one that `retention` lists was needed."
        raise JourneyDataError(msg)
    found = _came_back(plan, index, starts.filter(_.cohort == number))
    wanted = _.offset >= offset if mode == "on_or_after" else _.offset == offset
    return found.filter(wanted).select("customer").distinct()


def _counts(plan: _Plan, index: PathIndex, starts: ir.Table, or_later: bool) -> pd.DataFrame:
    """Return ``cohort``, ``offset``, ``customers`` who came back then (or then or later)."""
    found = _came_back(plan, index, starts)
    if or_later:
        found = found.group_by("customer", "cohort").agg(offset=_.offset.max())
    elif plan.rolling:
        found = found.distinct()
    counts = collect(found.group_by("cohort", "offset").agg(customers=_.count()))
    if or_later:  # whoever came in a later period also counts in the earlier ones
        wide = counts.pivot_table(index="cohort", columns="offset", values="customers")
        wide = wide.reindex(columns=range(int(max(wide.columns, default=0)) + 1)).fillna(0)
        later = (
            wide.iloc[:, ::-1]
            .cumsum(axis=1)
            .reset_index()
            .melt(id_vars="cohort", var_name="offset", value_name="customers")
        )
        counts = later[["cohort", "offset", "customers"]].astype("int64")
    return counts


def _frame(
    calendar: Calendar, sizes: pd.Series, counts: pd.DataFrame, closed: dict[Any, int]
) -> pd.DataFrame:
    came = {(c, k): n for c, k, n in counts.itertuples(index=False)}
    rows = [
        (calendar.begins(int(c)), k, int(came.get((c, k), 0)), int(sizes[c]))
        for c in sorted(sizes.index)
        for k in range(closed[c])
    ]
    frame = pd.DataFrame(rows, columns=["cohort", "offset", "customers", "n"])
    low, high = wilson(frame["customers"], frame["n"])
    return frame.assign(
        cohort=pd.to_datetime(frame["cohort"]),
        retention=frame["customers"] / frame["n"],
        low=low,
        high=high,
        method="wilson 95 %",
        certainty=certainty(frame["n"]),
    )
