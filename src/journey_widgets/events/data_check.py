"""The data check: what reading did to a source, counted in one pass over it.

What was counted of a log is noted beside it, so that the check of a log that grows is made of the counts of both.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import ibis
import ibis.expr.types as ir
import numpy as np
import pyarrow as pa
from ibis import _

from journey_widgets.errors import JourneyDataError
from journey_widgets.events.mapping import SourceMapping
from journey_widgets.events.normalise import Normalised, raw, touchpoint_of
from journey_widgets.events.personal import shown
from journey_widgets.events.raw import ROW, RawTable
from journey_widgets.events.stored_log import MANY_TIES, StoredLog
from journey_widgets.tables import Contract

CHECK_COLUMNS = ("check", "column", "rows", "share", "action", "detail")


class DataCheck:
    """Counts what reading did to a table, in one pass over it.

    Of a log that has grown by the table, `before` is what was noted of it.
    """

    def __init__(
        self,
        read_in: Normalised,
        agreed: Contract,
        mapping: SourceMapping,
        opened: RawTable,
        name: str,
        names: Mapping[str, ir.Table],
        before: Mapping[str, Any] | None = None,
    ) -> None:
        self.read_in, self.agreed, self.mapping = read_in, agreed, mapping
        self.opened, self.name, self.names = opened, name, names
        self.must = [
            c.name
            for c in read_in.columns
            if c.blank == "set aside" and agreed.column(c.name) is not None
        ]
        table = read_in.table
        counts = {"rows": table.count()}
        for column in read_in.columns:
            if column.name not in names:
                counts[f"blank:{column.name}"] = table[raw(column.name)].isnull().sum()
            if f"local:{column.name}" in table.columns and mapping.time_zone is None:
                counts[f"local:{column.name}"] = table[f"local:{column.name}"].count()
        for flag in read_in.flags:
            counts[flag] = table[flag].sum()
        self.counts: dict[str, Any] = table.agg(**counts).to_pyarrow().to_pylist()[0]
        self.rows, self.kept = int(self.counts["rows"]), 0
        for column_name, values in names.items():
            blank = values.agg(n=_.n.sum(where=_.name.isnull())).to_pyarrow().to_pylist()[0]["n"]
            self.counts[f"blank:{column_name}"] = blank or 0
        examples = {}
        for flag, (_check, column_name, _action) in read_in.flags.items():
            if self.counts[flag]:
                text = table[raw(column_name)].cast("string")
                examples[f"example:{flag}"] = text.argmin(table[ROW], where=table[flag])
                examples[f"row:{flag}"] = table[ROW].min(where=table[flag])
        if examples:
            told = table.agg(**examples).to_pyarrow().to_pylist()[0]
            # What is noted must not say more than what is shown.
            self.counts |= {n: shown(v) if n.startswith("example:") else v for n, v in told.items()}
        self.own_rows = self.rows
        self.noted: dict[str, Any] = {
            "counts": self.counts, "lost": opened.lost, "notes": opened.notes, "parts": opened.parts,
            "blank": opened.blank, "without_rows": opened.without_rows,
        }  # fmt: skip
        if before is not None:
            self.noted = _together(before, self.noted)
            self.counts = self.noted["counts"]
            self.rows = int(self.counts["rows"])

    def _example(self, flag: str) -> str:
        if not self.counts[flag]:
            return ""
        return f"first: {self.counts[f'example:{flag}']} in {self._record(flag)}"

    def _record(self, flag: str) -> str:
        """Return the record in the source, by its number from 1; a header does not count."""
        place = int(self.counts[f"row:{flag}"]) // max(1, len(self.mapping.questions))
        begins = {n: first for n, first in self.noted["parts"].items() if first <= place}
        if not begins:
            return f"record {place + 1}"
        name = max(begins, key=lambda n: begins[n])
        return f"record {place - begins[name] + 1} of {shown(name)}"

    def refuse_unreadable(self) -> None:
        """Raise when so many values are unreadable that the mapping must be wrong."""
        for flag, (check, column, _action) in self.read_in.flags.items():
            filled = self.rows - int(self.counts[f"blank:{column}"])
            bad = int(self.counts[flag] or 0)
            if check != "unreadable" or bad <= self.mapping.tolerance * filled:
                continue
            spec = self.mapping.columns.get(column)
            kind = next(c.kind for c in self.read_in.columns if c.name == column)
            ask = {
                "instant": f"Its formats are {list(spec.formats) if spec and spec.formats else 'ISO 8601'}"
                f"; name the right ones beside the column, such as {column}: "
                f"{{from: {spec.from_ if spec and spec.from_ else column}, formats: ['%d/%m/%Y %H:%M']}}.",
                "number": f"decimal: '{self.mapping.decimal}' is set; is that right, and are codes "
                "for blank listed under missing?",
                "text": "",
            }[kind]
            msg = (
                f"{self.name}: {bad:,} of {filled:,} values of {column!r} ({bad / filled:.0%}) are "
                f"no {'time' if kind == 'instant' else kind} that can be read; "
                f"{self._example(flag)}. {ask}"
            )
            raise JourneyDataError(msg)

    def frame(
        self, kept: ir.Table, stored: StoredLog | None = None
    ) -> list[tuple[str, str, int, float | None, str, str]]:
        """Return the data check as rows of `CHECK_COLUMNS`; of a log, with what storing it saw."""
        rows: list[tuple[str, str, int, float | None, str, str]] = []

        def add(
            check: str,
            column: str,
            count: int,
            action: str = "",
            detail: str = "",
            *,
            of: int = self.rows,
        ) -> None:
            rows.append((check, column, int(count), count / of if of else None, action, detail))

        add("rows read", "", self.rows)
        add("rows kept", "", self.kept)
        add(
            "rows set aside", "", self.rows - self.kept, "not used" if self.rows > self.kept else ""
        )
        lost = int(self.noted["lost"])
        if lost:
            add("lines without a record", self.mapping.unnest or "", lost, "set aside", of=0)
        if self.noted["without_rows"]:
            what, done = WITHOUT_ROWS
            add(what, "", 0, done, listed(self.noted["without_rows"]), of=0)
        for column_name, count in self.noted["blank"].items():
            add("not in every file", column_name, count, "blank there")
        for what, found in self.noted["notes"].items():
            add(f"{what} found in the file", "", self.rows, "used", listed(found))
        for column in self.read_in.columns:
            blank = int(self.counts[f"blank:{column.name}"])
            if blank:
                set_aside = column.name in self.must
                add("blank", column.name, blank, "set aside" if set_aside else "kept as blank")
        for flag, (check, column_name, action) in self.read_in.flags.items():
            if self.counts[flag]:
                add(check, column_name, self.counts[flag], action, self._example(flag))
        for column_name in self.mapping.pseudonyms:
            add("pseudonyms", column_name, self.rows, "keyed hash stored")
        self._add_time_zone(add)
        self._add_duplicates(add, stored)
        if stored is not None:
            self._add_events(kept, add, stored)
            first, last = _instant(stored.first), _instant(stored.last)
        else:
            getattr(self, f"_add_{self.agreed.name}")(kept, add)
            first = last = None
            if "ts" in kept.columns:
                ends = kept.agg(a=_.ts.min(), b=_.ts.max()).to_pyarrow().to_pylist()[0]
                first, last = ends["a"], ends["b"]
        if "ts" in kept.columns:
            add("date range", "ts", self.kept, "", f"{_time(first)} to {_time(last)} UTC")
        return rows

    def _add_time_zone(self, add: Any) -> None:
        for column in self.read_in.columns:
            count = self.counts.get(f"local:{column.name}")
            if count:
                add("time zone not stated", column.name, count, "read as UTC", "set time_zone")

    def _add_duplicates(self, add: Any, stored: StoredLog | None) -> None:
        whole = self.opened.table
        if stored is not None and stored.own_ties <= MANY_TIES:
            whole = self._perhaps_equal(whole, stored)
        table = whole.drop(ROW)
        total = int(table.count().to_pyarrow().as_py())
        extra = total - int(table.distinct().count().to_pyarrow().as_py())
        extra += int(self.noted.get("duplicates", 0))
        self.noted["duplicates"] = extra
        if extra:
            add("duplicate rows", "", extra, "kept", "whole rows equal to an earlier one")
        if stored is not None and stored.again:
            detail = "rows of files that came later, equal to an earlier one in all that is kept"
            add("rows that came again", "", stored.again, "kept", detail)

    def _perhaps_equal(self, whole: ir.Table, stored: StoredLog) -> ir.Table:
        """Return the rows that can have an equal one: of one customer at one time, or set aside.

        Rows that are equal are set aside both or neither, and agree in customer and time.
        """
        places = pa.table({ROW: np.concatenate([np.empty(0, np.int64), *stored.tied_rows])})
        chosen = self.opened.connection.create_table("tied", places, temp=True)
        if self.own_rows > stored.own_rows:
            table = self.read_in.table
            aside = ibis.or_(*[table[c].isnull() for c in self.must])
            if self.mapping.unmapped == "set aside" and self.mapping.touchpoints:
                aside = aside | table["touchpoint"].isnull()
            chosen = chosen.union(table.filter(aside).select(ROW))
        return whole.semi_join(chosen, ROW)

    def _distinct(self, kept: ir.Table, add: Any, **columns: str) -> None:
        for what, column in columns.items():
            if column in kept.columns:
                number = int(kept[column].nunique().to_pyarrow().as_py())
                add(what.replace("_", " "), column, number, "", "distinct values", of=0)

    def _add_events(self, kept: ir.Table, add: Any, stored: StoredLog) -> None:
        if self.mapping.touchpoints:
            values = self.names["event"]
            unknown = touchpoint_of(values["name"], self.mapping).isnull()
            strange = values.filter(unknown, values["name"].notnull())
            by_name = strange.group_by(event="name").agg(n=_.n.sum())
            counted = {r["event"]: r["n"] for r in by_name.to_pyarrow().to_pylist()}
            together = _added(self.noted.get("unmapped", {}), counted)
            self.noted["unmapped"] = together
            found = sorted(together.items(), key=lambda r: (-r[1], r[0]))
            if found:
                action = "set aside" if self.mapping.unmapped == "set aside" else "kept by name"
                names = listed([f"{event} ({n:,})" for event, n in found])
                add("unmapped names", "event", sum(together.values()), action, names)
        if stored.ties:
            detail = "events of one customer at one time"
            add("ties in time", "ts", stored.ties, "input order kept", detail)
        if self.mapping.order:
            blank = int(kept["__order"].isnull().sum().to_pyarrow().as_py() or 0)
            if blank:
                add("blank", self.mapping.order, blank, "ordered last")
        for what, column, number in (
            ("customers", "customer_id", stored.customers),
            ("touchpoints", "touchpoint", len(stored.touchpoints)),
        ):
            add(what, column, number, "", "distinct values", of=0)

    def _add_order_lines(self, kept: ir.Table, add: Any) -> None:
        negative, free = (
            kept.agg(
                a=(_.quantity < 0).sum(),
                b=((_.unit_price <= 0).sum() if "unit_price" in kept.columns else ibis.literal(0)),
            )
            .to_pyarrow()
            .to_pylist()[0]
            .values()
        )
        if negative:
            add("negative quantity", "quantity", negative, "kept", "returns or corrections")
        if free:
            add(
                "price at or below zero",
                "unit_price",
                free,
                "kept",
                "gifts, samples or corrections",
            )
        if self.mapping.currency is None:
            add("currency not stated", "amount", self.rows, "kept", "set currency")
        self._distinct(kept, add, customers="customer_id", orders="order_id", products="product_id")

    def _add_tickets(self, kept: ir.Table, add: Any) -> None:
        self._distinct(
            kept, add, cases="case_id", activities="activity", actors="actor", roles="role"
        )

    def _add_answers(self, kept: ir.Table, add: Any) -> None:
        answered = int(kept["score"].count().to_pyarrow().as_py())
        add("answers with a score", "score", answered)
        self._distinct(kept, add, respondents="respondent_id", questions="question_id")

    def _add_invitations(self, kept: ir.Table, add: Any) -> None:
        invited = kept["invited"].sum() if "invited" in kept.columns else kept.count()
        number = int(invited.to_pyarrow().as_py() or 0)
        add("people invited", "invited", number, of=0)
        self._distinct(kept, add, questions="question_id")

    def _add_behaviour(self, kept: ir.Table, add: Any) -> None:
        self._distinct(kept, add, touchpoints="touchpoint", measures="measure")

    def _add_trials(self, kept: ir.Table, add: Any) -> None:
        arms = kept.group_by("arm").agg(n=_.count()).order_by("arm").to_pyarrow().to_pylist()
        for arm in arms:
            add("units in arm", "arm", arm["n"], "", arm["arm"])

    def _add_figures(self, kept: ir.Table, add: Any) -> None:
        self._distinct(kept, add, kpis="kpi", figures="figure")

    def _add_usage(self, kept: ir.Table, add: Any) -> None:
        self._distinct(kept, add, customers="customer_id", events="event")

    def _add_contacts(self, kept: ir.Table, add: Any) -> None:
        self._distinct(kept, add, customers="customer_id", offers="offer", arms="arm")

    def _add_scores(self, kept: ir.Table, add: Any) -> None:
        models = {"models": "model"} if "model" in kept.columns else {}
        self._distinct(kept, add, customers="customer_id", **models)


def _added(before: Mapping[str, int], now: Mapping[str, int]) -> dict[str, int]:
    """Return counts by name, of both."""
    return {name: before.get(name, 0) + now.get(name, 0) for name in dict.fromkeys([*before, *now])}


def _together(before: Mapping[str, Any], now: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is noted of the rows before and of those now: numbers together, of examples the first."""
    both = {**now["counts"], **before["counts"]}
    first = {name: value for name, value in both.items() if name.startswith(("example:", "row:"))}
    numbers = {
        name: (before["counts"].get(name) or 0) + (value or 0)
        for name, value in now["counts"].items()
        if name not in first
    }
    notes = {
        what: list(dict.fromkeys([*before["notes"].get(what, []), *now["notes"].get(what, [])]))
        for what in dict.fromkeys([*before["notes"], *now["notes"]])
    }
    return {
        **before, "counts": numbers | first, "lost": before["lost"] + now["lost"], "notes": notes,
        "parts": {**before["parts"], **now["parts"]}, "blank": _added(before["blank"], now["blank"]),
        "without_rows": [*before["without_rows"], *now["without_rows"]],
    }  # fmt: skip


def listed(values: Sequence[str]) -> str:
    """Return the first five, and how many more there are."""
    more = f" and {len(values) - 5} more" if len(values) > 5 else ""
    return ", ".join(values[:5]) + more


def _instant(micros: int | None) -> datetime | None:
    return None if micros is None else datetime(1970, 1, 1) + timedelta(microseconds=micros)  # noqa: DTZ001 - naive UTC


def _time(value: Any) -> str:
    return "" if value is None else f"{value:%Y-%m-%d %H:%M}"


def with_files_without_rows(
    check: Sequence[Sequence[Any]], names: Sequence[str]
) -> list[list[Any]]:
    """Return a data check that says which files have no rows, all of them."""
    rows = [list(r) for r in check if r[0] != WITHOUT_ROWS[0]]
    at = 1 + max(
        n for n, r in enumerate(rows) if r[0] in ("rows set aside", "lines without a record")
    )
    return [*rows[:at], [WITHOUT_ROWS[0], "", 0, None, WITHOUT_ROWS[1], listed(names)], *rows[at:]]


WITHOUT_ROWS = ("files without rows", "nothing to read")
"""Fact about files, and what was done."""
