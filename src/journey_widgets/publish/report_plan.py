"""Which reports a workspace makes: ``reports.yaml``, and the single runs that come of it for a day.

A run has a key: the hash of everything its report is made of. A report whose manifest has that key, and whose files are
those it vouches for, is not made again.
"""

import hashlib
import json
import platform
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any, ClassVar, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import Field, model_validator

import journey_widgets
from journey_widgets.documents import Document, Id, Label, Part
from journey_widgets.errors import ParameterError, WorkspaceError, did_you_mean
from journey_widgets.findings import Severity
from journey_widgets.publish.cron import Cron
from journey_widgets.publish.delivery import Target
from journey_widgets.publish.page import MOST_SEGMENTS, segments
from journey_widgets.publish.parameters import checked, declared
from journey_widgets.publish.reports import notebook_path, stem_of
from journey_widgets.textfiles import csv_records, read_text
from journey_widgets.workspace import Workspace
from journey_widgets.workspace.saving import KINDS

FILE = "reports.yaml"
MOST_RUNS = 10_000
OWN_NAMES = ("index", "batch")
"""What the files of a batch itself are called."""


class ForEach(Part):
    """What a report is made once for each of: groups of customers, or rows of a table."""

    segment: tuple[Label, ...] = ()
    """Columns of the event log: each of their values is a segment of its own."""
    table: Label | None = None
    """A CSV file in the workspace: its columns are parameters, each row is a report."""

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if bool(self.segment) == bool(self.table):
            msg = "for_each is of a segment or of a table: give one of both"
            raise ValueError(msg)
        return self


Format = Literal["html", "csv", "pdf", "notebook"]


class ReportSpec(Part):
    """One report: a notebook, its parameters, and for whom it is made."""

    notebook: Label
    """Name of a notebook, such as overview."""
    parameters: dict[Label, str | int | float | bool] = Field(default_factory=dict)
    for_each: ForEach | None = None
    period: Literal["month", "day"] | None = None
    """What the notebook's ``as_of`` is given: the last month that is over on the day, or the day itself; nothing
    without it."""
    formats: tuple[Format, ...] = ("html", "csv")
    """What recipients get; page and figures are always made, because the page of the batch goes by them."""
    seconds: float | None = Field(None, gt=0)
    """Longest time of one run; half an hour without it."""
    memory_mb: float | None = Field(None, gt=0)
    """Most memory of one run with its kernel, in megabytes; no limit without it."""
    keep: int | None = Field(None, ge=1)
    """Days whose batches are kept; older ones are removed after a batch. All without it."""
    schedule: Cron | None = None
    """When it is made, as cron writes it, on the workspace's clock: minute, hour, day, month, weekday."""
    deliver: tuple[Target, ...] = ()
    """Where a finished batch goes, once."""
    send: Literal["all", "any"] = "all"
    """Whether a batch goes out only where every report of it is there, or also with some missing."""
    alert: tuple[Target, ...] = ()
    """Who is told what became certainly worse, or was not made: each once."""
    stop_at: Severity | None = None
    """Findings of this severity or a worse one stop the whole batch before anything is made."""


class Reports(Document):
    """``reports.yaml``: what is made unattended."""

    kind: ClassVar[str] = "reports"

    reports: dict[Id, ReportSpec] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _names_of_their_own(self) -> Self:
        for name in OWN_NAMES:
            if name in self.reports:
                msg = f"a report is called {name!r}, as a file of every batch is; another name was needed"
                raise ValueError(msg)
        return self

    def spec(self, name: str) -> ReportSpec:
        """Return one report; an unknown name is a `ParameterError` with near names."""
        if name not in self.reports:
            msg = f"{FILE} has no report {name!r}. {did_you_mean(name, self.reports)}"
            raise ParameterError(msg)
        return self.reports[name]


@dataclass(frozen=True)
class Run:
    """One report to make: its notebook, parameters, the stem of its files' names, and the key of what goes into it."""

    notebook: Path
    values: Mapping[str, Any]
    stem: str
    key: str


def read_reports(folder: Path) -> Reports:
    """Return what a workspace makes unattended; a workspace without the file is a `WorkspaceError`."""
    path = folder / FILE
    if not path.is_file():
        msg = (
            f"{folder} has no {FILE}. Write one: schema: reports/1, then under reports a name with its notebook, such "
            "as monthly: {notebook: scorecard, period: month}."
        )
        raise WorkspaceError(msg)
    return Reports.from_text(read_text(path), where=FILE)


def inputs(space: Workspace) -> dict[str, Any]:
    """Return what reports of a workspace are made of: its settings, sources, documents, and this package."""
    folder = space.folder
    settings = (folder / "workspace.yaml").read_bytes() if folder else b""
    return {
        "version": journey_widgets.__version__, "code": _code(), "with": _versions(),
        "settings": hashlib.sha256(settings).hexdigest(),
        "sources": {k: space.source(k).fingerprint for k in space.sources.present()},
        "documents": {k: _content(space, k) for k in KINDS if space.rev(k)},
    }  # fmt: skip


def made_with() -> dict[str, str]:
    """Return what else decides what a report says: this package, and what counts and draws the figures."""
    return {"journey_widgets": f"{journey_widgets.__version__} {_code()[:12]}", **_versions()}


def _content(space: Workspace, kind: str) -> str:
    """Return the revision of a document and the hash of what it says: in a restored store numbers come again."""
    body = json.dumps(space.document(kind).body(), sort_keys=True)
    return f"{space.rev(kind)} {hashlib.sha256(body.encode()).hexdigest()[:16]}"


@cache
def _code() -> str:
    """Return the hash of this package's files: what they say decides what a report says."""
    digest, root = hashlib.sha256(), Path(journey_widgets.__file__).parent
    for path in sorted(
        p for p in root.rglob("*") if p.is_file() and p.suffix not in {".pyc", ".so"}
    ):
        digest.update(str(path.relative_to(root)).encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


@cache
def _versions() -> dict[str, str]:
    """Return what counts and draws the figures, with its version."""
    names = ("altair", "duckdb", "ibis-framework", "numpy", "pandas", "scipy")
    return {"python": platform.python_version(), **{n: version(n) for n in names}}


def as_of_value(period: str | None, day: date) -> str | None:
    """Return what a notebook's ``as_of`` is given on a day.

    Examples
    --------
    >>> as_of_value("month", date(2026, 11, 16)), as_of_value("day", date(2026, 11, 16))
    ('2026-10', '2026-11-16')
    """
    if period is None:
        return None
    if period == "day":
        return day.isoformat()
    return (day.replace(day=1) - timedelta(days=1)).strftime("%Y-%m")


def periods(
    spec: ReportSpec, day: date | None, first: date | None = None, last: date | None = None, *, zone: str = "UTC"
) -> list[date]:  # fmt: skip
    """Return the days a report is made for: one, or the day after each period that ends from the first day to the last.

    Without any it is today, on the clock of the time zone.

    Examples
    --------
    >>> monthly = ReportSpec(notebook="scorecard", period="month")
    >>> found = periods(monthly, None, date(2026, 1, 1), date(2026, 2, 28))
    >>> [(str(day), as_of_value("month", day)) for day in found]
    [('2026-02-01', '2026-01'), ('2026-03-01', '2026-02')]

    Raises
    ------
    ParameterError
        A first day without a last one, or both beside one day; a first day after the last; a report without a period;
        no end of a period between.
    """
    if first is None and last is None:
        return [day or datetime.now(ZoneInfo(zone)).date()]
    if first is None or last is None or day is not None or first > last:
        msg = f"--from {first} --to {last} --as-of {day}: a first day and a later last one, or one day, were needed."
        raise ParameterError(msg)
    if spec.period is None:
        msg = "This report has no period: every day would give the same. Leave --from and --to out, or give it one."
        raise ParameterError(msg)
    every = [first + timedelta(days=k) for k in range((last - first).days + 1)]
    following = [d + timedelta(days=1) for d in every]
    found = [d for d in following if d.day == 1] if spec.period == "month" else every
    if not found:
        msg = f"No month ends between {first} and {last}; a longer time was needed."
        raise ParameterError(msg)
    return found


def runs(
    space: Workspace, name: str, spec: ReportSpec, day: date, made_of: Mapping[str, Any]
) -> list[Run]:
    """Return the single reports of one report on a day, each with its key.

    Parameters
    ----------
    space
        The workspace.
    name
        Of the report in `Reports`.
    spec
        Its notebook, parameters and fan-out.
    day
        The day it is made for.
    made_of
        As `inputs` returns it.

    Raises
    ------
    ParameterError
        The notebook does not exist, does not declare a parameter, or a value does not fit; two runs are the same; a
        column the log does not have; a table without rows.
    """
    notebook = notebook_path(spec.notebook)
    known = declared(notebook)
    given = {k: str(v) for k, v in spec.parameters.items()}
    moment = as_of_value(spec.period, day)
    if moment is not None:
        given["as_of"] = moment
    book = hashlib.sha256(notebook.read_bytes()).hexdigest()
    found: list[Run] = []
    for more in _each(space, name, spec.for_each):
        clash = sorted(set(more) & set(given))
        if clash:
            msg = f"{name}: {clash[0]} is given by the report and by for_each; one of both was needed."
            raise ParameterError(msg)
        values = checked({**given, **more}, known, where=name, hidden=("workspace",))
        text = json.dumps([book, values, made_of, sorted(spec.formats)], sort_keys=True)
        key = hashlib.sha256(text.encode()).hexdigest()
        found.append(Run(notebook, values, stem_of(name, values), key))
    stems = Counter(r.stem for r in found)
    twice = next((r for r in found if stems[r.stem] > 1), None)
    if twice is not None:
        msg = f"{name}: two of its reports have the same parameters, {dict(twice.values)}; each once was needed."
        raise ParameterError(msg)
    return found


def _each(space: Workspace, name: str, each: ForEach | None) -> Sequence[Mapping[str, str]]:
    """Return the parameters that differ from run to run."""
    if each is None:
        return [{}]
    found = _segments(space, name, each.segment) if each.segment else _rows(space, name, each.table)
    if not 0 < len(found) <= MOST_RUNS:
        msg = f"{name}: for_each gives {len(found):,} reports; 1 to {MOST_RUNS:,} were needed."
        raise ParameterError(msg)
    return found


def _segments(space: Workspace, name: str, columns: Sequence[str]) -> list[dict[str, str]]:
    known = segments(space.events(), MOST_SEGMENTS)
    found = []
    for column in columns:
        if column not in known:
            msg = (
                f"{name}: for_each names {column!r}. {did_you_mean(column, known)} A column of the log that is "
                f"kept and has 2 to {MOST_SEGMENTS:,} values was needed."
            )
            raise ParameterError(msg)
        found += [{"segment": f"{column}={value}"} for value in known[column]]
    return found


def _rows(space: Workspace, name: str, table: str | None) -> list[dict[str, str]]:
    folder = (space.folder or Path()).resolve()
    path = (folder / str(table)).resolve()
    if not path.is_relative_to(folder):
        msg = f"{name}: for_each names {table!r}, which lies outside the workspace; a file in it was needed."
        raise ParameterError(msg)
    head, *rows = csv_records(read_text(path), path.name) or [[]]
    head = [h.strip() for h in head]
    if len(set(head)) < len(head) or not all(head):
        msg = f"{name}: {path.name} has columns without a name, or twice the same; each needs one of its own."
        raise ParameterError(msg)
    for number, row in enumerate(rows, 2):
        if len(row) != len(head):
            msg = f"{name}: {path.name}, row {number}, has {len(row)} cells and not {len(head)}."
            raise ParameterError(msg)
    return [dict(zip(head, (cell.strip() for cell in row), strict=True)) for row in rows]
