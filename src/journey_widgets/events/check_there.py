"""The data check of a table of a warehouse: of counts alone, so that those of a part can be added to those before."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from journey_widgets.errors import JourneyDataError
from journey_widgets.events.data_check import listed
from journey_widgets.events.log_there import LogThere
from journey_widgets.events.mapping import SourceMapping
from journey_widgets.events.normalise import Normalised
from journey_widgets.tables import Contract


def counts_of(read_in: Normalised) -> dict[str, int]:
    """Return the rows, and of each column how many are blank or of a kind the check tells of."""
    table = read_in.table
    asked: Any = {"rows": table.count()}
    asked |= {f"blank:{c.name}": table[c.name].isnull().sum() for c in read_in.columns}
    asked |= {flag: table[flag].sum() for flag in read_in.flags}
    found = table.agg(**asked).to_pyarrow().to_pylist()[0]
    return {n: int(v or 0) for n, v in found.items()}


class CheckThere:
    """The data check of a table of a warehouse: rows of `CHECK_COLUMNS`."""

    def __init__(
        self, counts: Mapping[str, int], read_in: Normalised, agreed: Contract, mapping: SourceMapping
    ) -> None:  # fmt: skip
        self.counts, self.read = counts, counts["rows"]
        self.columns, self.flags, self.mapping = read_in.columns, read_in.flags, mapping
        self.must = [
            c.name
            for c in read_in.columns
            if c.blank == "set aside" and agreed.column(c.name) is not None
        ]
        self.rows: list[tuple[str, str, int, float | None, str, str]] = []
        if not self.read:
            msg = "the table has no rows. There is nothing to read."
            raise JourneyDataError(msg)

    def _add(
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

    def _begin(self, kept: int) -> None:
        if not kept:
            msg = f"no row has all of {', '.join(self.must)}. See the mapping's columns."
            raise JourneyDataError(msg)
        self._add("rows read", "", self.read)
        self._add("rows kept", "", kept)
        self._add("rows set aside", "", self.read - kept, "not used" if self.read > kept else "")
        for column in self.columns:
            blank = int(self.counts[f"blank:{column.name}"] or 0)
            if blank:
                self._add(
                    "blank",
                    column.name,
                    blank,
                    "set aside" if column.name in self.must else "kept as blank",
                )
        for flag, (check, column_name, action) in self.flags.items():
            if self.counts[flag]:
                self._add(check, column_name, self.counts[flag], action)

    def _ends(self, first: Any, last: Any, kept: int) -> None:
        if first is not None:
            self._add(
                "date range", "ts", kept, "", f"{first:%Y-%m-%d %H:%M} to {last:%Y-%m-%d %H:%M} UTC"
            )

    def table(self, kept: int, first: Any, last: Any, *, money: bool) -> None:
        """Tell of a table how many rows are kept, from when to when; `money`: whether it holds amounts."""
        self._begin(kept)
        if money and self.mapping.currency is None:
            self._add("currency not stated", "amount", self.read, "kept", "set currency")
        self._ends(first, last, kept)

    def log(self, log: LogThere) -> None:
        """Tell of a log what was seen when it was stored."""
        self._begin(log.rows)
        if strange := log.names_strange():
            names = listed([f"{e} ({n:,})" for e, n in strange])
            action = "set aside" if self.mapping.unmapped == "set aside" else "kept by name"
            self._add("unmapped names", "event", sum(n for _e, n in strange), action, names)
        if log.ties:
            told = "in order of event; order: names a column that tells"
            by = f"in order of {self.mapping.order}, then of event" if self.mapping.order else told
            self._add("ties in time", "ts", log.ties, by, "events of one customer at one time")
        self._add("customers", "customer_id", log.customers, "", "distinct values", of=0)
        self._add("touchpoints", "touchpoint", len(log.touchpoints), "", "distinct values", of=0)
        begins, ends = (None if e is None else pd.Timestamp(e) for e in (log.begins, log.ends))
        self._ends(begins, ends, log.rows)
