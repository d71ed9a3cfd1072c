"""Cases of a funnel: one row per customer, kept in memory, so that groups and periods answer at once."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
from ibis import _

from journey_widgets.definition import defined
from journey_widgets.errors import JourneyDataError, did_you_mean
from journey_widgets.events.engine import collect
from journey_widgets.events.paths import PathIndex, path_index
from journey_widgets.journey.attempts import NEVER, Reached, Rules, attempts
from journey_widgets.journey.funnel import frame_of, funnel


class FunnelCases:
    """Who got how far in one funnel, with when each customer began and the groups they belong to.

    Parameters
    ----------
    log, steps
        As in `journey.funnel`, in this order, from the first entry, no time limit.
    columns
        Columns of the log to choose groups by, at each customer's first event.
    """

    def __init__(self, log: Any, steps: Sequence[str], *, columns: Sequence[str] = ()) -> None:
        self.index: PathIndex = path_index(log)
        self.steps = [str(s) for s in steps]
        reached = attempts(self.index, self.steps, Rules())
        assert isinstance(reached, Reached)  # noqa: S101 - of a log in a file
        self._reached = reached
        chosen = {f"at:{name}": self.index.attribute(name) for name in columns}
        first = self.index.table.filter(_.step == 1).select("customer", "ts", **chosen).to_pyarrow()
        customer = first["customer"].to_numpy()
        order = np.argsort(customer)
        place = order[np.searchsorted(customer[order], self._reached.customer)]
        moments = first["ts"].cast(pa.timestamp("us")).cast(pa.int64()).to_numpy()
        self._began: npt.NDArray[np.int64] = moments[place]
        self._groups: dict[str, tuple[npt.NDArray[np.int64], list[str]]] = {}
        for name in columns:
            coded = first[f"at:{name}"].combine_chunks().dictionary_encode()
            codes = coded.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
            self._groups[name] = (codes[place], [str(v) for v in coded.dictionary.to_pylist()])

    def groups(self) -> dict[str, list[str]]:
        """Return the columns, each with its values."""
        return {name: sorted(values) for name, (_codes, values) in self._groups.items()}

    def funnel(
        self,
        *,
        column: str | None = None,
        value: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> pd.DataFrame:
        """Return the funnel of one group, of those who began in a period (UTC, `until` left out).

        The same frame as `journey.funnel` on the index of these customers.
        """
        _check_group(column, value)
        kept = np.ones(len(self._began), dtype=np.bool_)
        words = list(self.index.said)
        if column is not None:
            if column not in self._groups:
                msg = f"There is no column {column!r}. {did_you_mean(column, self._groups)}"
                raise JourneyDataError(msg)
            codes, values = self._groups[column]
            if value not in values:
                msg = f"No customer has {column} = {value!r}. {did_you_mean(str(value), values)}"
                raise JourneyDataError(msg)
            kept &= codes == values.index(value)
            words.append(f"{column} = {value} at their first event")
        if since is not None:
            kept &= self._began >= _micros(since)
            words.append(f"first event from {since}")
        if until is not None:
            kept &= self._began < _micros(until)
            words.append(f"first event before {until}")
        part = Reached(
            self._reached.customer[kept], self._reached.depth[kept], self._reached.moments[kept],
            np.empty((0, len(self.steps)), np.int64),
        )  # fmt: skip
        said = "; ".join(words) or f"all {self.index.unit}"
        return defined(
            frame_of(self.steps, part),
            f"Unit: {self.index.unit}; {said}",
            "Steps in this order, anything may lie between",
            "Attempt from the first event at step 1",
            "Window: no time limit",
            "Base of conversion: customers at step 1",
        )

    def months(self) -> list[str]:
        """Return the months (UTC) in which customers at step 1 began, such as ``"2026-03"``."""
        months = np.unique(
            self._began[self._began != NEVER].astype("datetime64[us]").astype("datetime64[M]")
        )
        return [str(m) for m in months]


class FunnelCasesThere:
    """The same for a log in a warehouse: nothing is kept here, each choice is asked there."""

    def __init__(
        self, index: PathIndex, steps: Sequence[str], *, columns: Sequence[str] = ()
    ) -> None:
        self.index, self.steps, self._columns = index, [str(s) for s in steps], list(columns)

    def groups(self) -> dict[str, list[str]]:
        """Return the columns, each with its values."""
        return {name: self.index.values(name) for name in self._columns}

    def funnel(
        self,
        *,
        column: str | None = None,
        value: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> pd.DataFrame:
        """Return the funnel of one group, of those who began in a period (UTC, `until` left out)."""
        _check_group(column, value)
        index = self.index if column is None else self.index.where(column, value)
        if since is not None or until is not None:
            index = index.began(*(None if m is None else m.isoformat() for m in (since, until)))
        return funnel(index, self.steps)

    def months(self) -> list[str]:
        """Return the months (UTC) in which customers at step 1 began, such as ``"2026-03"``."""
        there = attempts(self.index, self.steps, Rules()).at(0, self.index)
        first = self.index.table.filter(_.step == 1).semi_join(there, "customer")
        months = collect(first.select(month=first.ts.truncate("M")).distinct())["month"]
        return sorted(f"{m:%Y-%m}" for m in months)


def funnel_cases(
    log: Any, steps: Sequence[str], *, columns: Sequence[str] = ()
) -> FunnelCases | FunnelCasesThere:
    """Return the cases of a funnel, wherever the log lives."""
    index = path_index(log)
    if index.file is None:
        return FunnelCasesThere(index, steps, columns=columns)
    return FunnelCases(index, steps, columns=columns)


def _check_group(column: str | None, value: str | None) -> None:
    if (column is None) != (value is None):
        msg = "A group needs both column and value."
        raise JourneyDataError(msg)


def _micros(moment: datetime) -> int:
    epoch = datetime(1970, 1, 1)  # noqa: DTZ001 - naive UTC by contract
    return round((moment - epoch).total_seconds() * 1e6)
