"""The page a notebook makes: its workspace, its segment, its head, and what it may do here."""

import contextlib
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property, wraps
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar, cast
from urllib.parse import parse_qsl
from zoneinfo import ZoneInfo

import pandas as pd
from ibis import _

from journey_widgets import journey as paths
from journey_widgets.errors import (
    InfrastructureError,
    JourneyDataError,
    JourneyError,
    ParameterError,
    WorkspaceError,
    did_you_mean,
)
from journey_widgets.events.engine import collect
from journey_widgets.events.paths import PathIndex, path_index
from journey_widgets.events.source import Source
from journey_widgets.findings import Finding
from journey_widgets.journey.document import Journey
from journey_widgets.publish import html
from journey_widgets.publish.modes import WORKSPACE, mode, read_only
from journey_widgets.publish.period import ALL, Period
from journey_widgets.publish.show import use_in_altair
from journey_widgets.publish.small_groups import hide_small
from journey_widgets.raci.owners import with_owners
from journey_widgets.workspace import Workspace

AS_IS, TO_BE = "as_is", "to_be"
MAX_SEGMENT_VALUES, MOST_SEGMENTS = 50, 10_000
"""Segments of a column that are offered to choose from, and that can be named at all."""
NO_LOG = "This workspace has no event log yet: name its file under events in sources.yaml."
NO_JOURNEY = (
    "This workspace has no journey yet. Draw one from the touchpoints of the log with Journey.draft and save it, or "
    "start from a template: journey new DIR --template NAME."
)
NO_FUNNEL = (
    "The journey names no funnel of two steps or more that occur in this log. Add funnel: with touchpoint "
    "ids in order to it."
)


class PageStopped(JourneyError):  # noqa: N818 - its name is what a report shows
    """The page said in words why it cannot be shown; the rest of it does not run."""

    def _render_traceback_(self) -> list[str]:
        return [str(self)]


class PageBroken(PageStopped):
    """The same where the machine failed, and not what was asked for: a report of it may be tried again."""


@dataclass(frozen=True)
class Page:
    """What the cells of a notebook work with."""

    title: str
    workspace: Workspace
    segment: str
    source: Source | None
    """The event log; None in a workspace that has none yet."""
    customers: PathIndex | None
    """The paths of the customers the page is about."""
    period: Period = field(default_factory=lambda: Period(ALL))
    version: str = AS_IS
    more: dict[str, str] = field(default_factory=dict)
    """Further parameters of the notebook, with what the web address names."""

    @property
    def has_log(self) -> bool:
        """Whether the workspace has an event log."""
        return self.source is not None

    @property
    def log(self) -> Source:
        """The event log; a workspace without one is a `JourneyError`."""
        if self.source is None:
            raise JourneyError(NO_LOG)
        return self.source

    @property
    def index(self) -> PathIndex:
        """The paths of the page's customers; a workspace without a log is a `JourneyError`."""
        if self.customers is None:
            raise JourneyError(NO_LOG)
        return self.customers

    def heading(self) -> html.Html:
        """Return the head of the page: on which data it stands, read how, computed when."""
        zone = ZoneInfo(self.workspace.settings.time_zone)
        facts = {
            "Workspace": self.workspace.settings.name,
            "Shown to you": _rows_in_words(self.workspace.member.rows),
            "Journey": "as it shall be" if self.version == TO_BE else "",
            **(self._data_in_words(zone) if self.has_log else {"Data": "no event log yet"}),
            "Computed": f"{datetime.now(UTC).astimezone(zone):%d %B %Y, %H:%M} ({zone.key})",
        }
        return html.heading(facts)

    def _data_in_words(self, zone: ZoneInfo) -> dict[str, str]:
        rows = self.log.data_check.set_index("check")["rows"]
        return {
            "Customers": f"{self.index.customers():,} ({self.segment_in_words()})",
            "Data until": last_day(self.log, zone),
            "Data check": f"{rows['rows read']:,} rows read, {rows['rows set aside']:,} set aside",
        }

    def segment_in_words(self) -> str:
        """Return which customers the page is about."""
        days = self.period.in_words()
        began = f"who began {days}" if days else ""
        if self.segment == ALL:
            return f"all customers {began}".strip()
        column, _equals, value = self.segment.partition("=")
        return f"{column.replace('_', ' ')} {value} only{f', {began}' if began else ''}"

    @property
    def journey(self) -> Journey:
        """The journey in the version the page is about."""
        return self.workspace.to_be if self.version == TO_BE else self.workspace.journey

    def needs_journey(self) -> None:
        """Stop a page that says nothing where there is no journey; inside `said_on_the_page`."""
        if not self.workspace.rev("journey"):
            raise JourneyDataError(NO_JOURNEY)

    def labels(self) -> dict[str, str]:
        """Return the label of each touchpoint of both versions."""
        return {
            t.id: t.label
            for j in (self.workspace.to_be, self.workspace.journey)
            for t in j.touchpoints
        }

    def data_check(self) -> html.Html:
        """Return what reading the event log did, before any result."""
        if not self.has_log:
            return html.note(NO_LOG)
        return html.table(
            self.log.data_check,
            caption="Data check: what was read, and what was done about the rest",
            labels={
                "check": "Check", "column": "Column", "rows": "Count", "share": "Share of rows",
                "action": "What was done", "detail": "Detail",
            },
            percent=["share"],
        )  # fmt: skip

    def transitions(self) -> pd.DataFrame:
        """Return what customers of this segment do next, ends included."""
        return paths.transitions(self.index, ends=True)

    def steps_in_words(self, transitions: pd.DataFrame) -> pd.DataFrame:
        """Return transitions with the labels of the map instead of ids."""
        labels = self.labels()
        labels |= {"path_start": "(start)", "path_end": "(end)"}
        return transitions.assign(
            source=[labels.get(s, s) for s in transitions["source"]],
            target=[labels.get(t, t) for t in transitions["target"]],
        )

    def visits(self) -> dict[str, int]:
        """Return touchpoint id, or name in the log, → events there; none without a log."""
        if not self.has_log:
            return {}
        counted = collect(self.index.table.group_by("touchpoint").agg(n=_.count()))
        names = [self.index.touchpoints[code] for code in counted["touchpoint"]]
        return dict(zip(names, counted["n"].astype(int), strict=True))

    @cached_property
    def steps(self) -> list[str]:
        """The steps of the map's funnel that occur in the log."""
        known = set(self.index.touchpoints)
        return [s for s in self.journey.funnel if s in known]

    @cached_property
    def funnel(self) -> pd.DataFrame:
        """The funnel the journey document names, for this segment, as this page may show it."""
        if len(self.steps) < 2:
            raise JourneyError(NO_FUNNEL)
        return self.shown(paths.funnel(self.index, self.steps), "customers", "drop_off")

    @property
    def least(self) -> int:
        """Customers a group must have to be shown here; the analyst's own page shows all."""
        return 1 if mode() == "notebook" else self.workspace.settings.smallest_group

    def shows_anybody(self) -> bool:
        """Return whether the page's customers are enough to be shown at all."""
        return self.index.customers() >= self.least

    def shown(self, frame: pd.DataFrame, *counts: str) -> pd.DataFrame:
        """Return a result as this page may show it: rows about very few customers without figures."""
        return hide_small(frame, self.least, counts=counts or ("customers",))

    def drawn(self, frame: pd.DataFrame, *counts: str) -> pd.DataFrame:
        """Return a result as it may be drawn here: without rows about very few customers."""
        first = (counts or ("customers",))[0]
        kept = self.shown(frame, *counts).dropna(subset=[first])
        whole = [c for c in frame.select_dtypes("integer").columns if not kept[c].isna().any()]
        return kept.astype({c: frame[c].dtype for c in whole})

    def comparable(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Return the rows of `journey.compare` that this page may show: none about very few on either side."""
        few = pd.Series(False, index=frame.index)
        for column in ("customers_a", "customers_b", "n_a", "n_b"):
            few |= frame[column].between(1, self.least - 1)
        kept = frame[~few].reset_index(drop=True)
        kept.attrs = dict(frame.attrs)
        return kept

    def owners(self) -> pd.DataFrame:
        """Return the accountable and the responsible role of every touchpoint of the map."""
        journey = self.workspace.journey
        return with_owners(
            journey.to_frame()[["touchpoint"]], self.workspace.raci, journey, on="touchpoint"
        )

    def findings(self) -> list[Finding]:
        """Return what the rules find in the documents."""
        return self.workspace.check()

    @property
    def may_edit(self) -> bool:
        """Whether documents can be saved here."""
        return not self.workspace.read_only


def open_page(
    title: str, *, workspace: str = "", segment: str = ALL, period: str = ALL, version: str = AS_IS,
    more: Mapping[str, str] | None = None, log_needed: bool = True,
) -> Page:  # fmt: skip
    """Open the page of a notebook.

    In a dashboard the web address may name segment, period and version: ``?segment=device=mobile``.
    Anything wrong is said in one sentence on the page, and the page stops there.

    Parameters
    ----------
    title
        What the page is called.
    workspace
        Folder of the workspace; blank = the one the server or ``make lab`` names, or the example.
    segment
        ``"all"``, or ``column=value`` of a column kept in the event log, at the customers' first event.
    period
        When customers began: ``"all"``, or a period as `journey_widgets.publish.period` reads it.
    version
        The journey ``"as_is"`` or ``"to_be"``.
    more
        Further parameters of the notebook, which the web address may name too; they are in `Page.more`. A notebook
        whose own ``period`` is among them is about all customers.
    log_needed
        Whether a workspace without an event log cannot show this page at all.
    """
    with said_on_the_page():
        use_in_altair()
        named = dict(more or {})
        if mode() == "dashboard":
            given = {"segment": segment, "period": period, "version": version, **named}
            found = _from_address(given)
            segment, version = found["segment"], found["version"]
            period = period if "period" in named else found["period"]
            named = {name: found[name] for name in named}
        if version not in (AS_IS, TO_BE):
            msg = f"There is no version {version!r}. {did_you_mean(version, (AS_IS, TO_BE))}"
            raise ParameterError(msg)
        opened = _workspace(workspace)
        if not log_needed and "events" not in opened.sources.present():
            if segment != ALL or period != ALL:
                msg = f"{NO_LOG} Without one there is no segment and no period to choose."
                raise ParameterError(msg)
            return Page(title, opened, segment, None, None, Period(ALL), version, named)
        if "events" not in opened.sources.present():
            raise JourneyError(NO_LOG)
        log = opened.events()
        days = Period.read(period)
        index = _index(log, segment)
        if days.first is not None:
            index = index.began(*days.instants(opened.settings.time_zone))
            if not index.customers():
                msg = f"Nobody of {segment} began {days.in_words()}. Choose another period."
                raise ParameterError(msg)
        page = Page(title, opened, segment, log, index, days, version, named)
        if not page.shows_anybody():
            msg = (
                f"Fewer than {page.least} customers are meant here; to protect them nothing is shown. "
                "Choose a larger group or a longer period."
            )
            raise ParameterError(msg)
        return page


def segments(log: Source, most: int = MAX_SEGMENT_VALUES) -> dict[str, list[str]]:
    """Return the columns a segment can be chosen by, each with its values; of more than `most` nobody chooses."""
    found = {}
    for column in log.mapping.keep:
        texts = log.table.select(value=log.table[column].cast("string")).distinct()
        values = collect(texts)["value"].dropna()
        if 1 < len(values) <= most:
            found[column] = sorted(values)
    return found


def last_day(log: Source, zone: ZoneInfo) -> str:
    """Return the day of the last event of a log, in words; blank for a log without any."""
    last = collect(log.table.agg(last=_.ts.max()))["last"].iloc[0]
    return "" if pd.isna(last) else f"{pd.Timestamp(last, tz='UTC').astimezone(zone):%d %B %Y}"


def data_until(space: Workspace) -> str:
    """Return the day of the last event of a workspace, in words; blank where no log can be read."""
    try:
        if "events" in space.sources.present():
            return last_day(space.events(), ZoneInfo(space.settings.time_zone))
    except (JourneyError, OSError):
        pass  # the dashboards say what is wrong with it
    return ""


def _rows_in_words(rows: Mapping[str, Sequence[str]]) -> str:
    """Return what somebody may see of the data, where that is not all."""
    told = [f"{c.replace('_', ' ')} {' or '.join(v)}" for c, v in rows.items()]
    return f"only {', '.join(told)}" if told else ""


V = TypeVar("V")
P = ParamSpec("P")
R = TypeVar("R")


def unless(
    missing: Callable[[V, str], str],
) -> Callable[[Callable[Concatenate[V, P], R]], Callable[Concatenate[V, P], R | html.Html]]:
    """Make a part of a page say what is missing for it, where something is: asked with the page and the part's name."""

    def told(part: Callable[Concatenate[V, P], R]) -> Callable[Concatenate[V, P], R | html.Html]:
        @wraps(part)
        def shown(view: V, *given: P.args, **named: P.kwargs) -> R | html.Html:
            said = missing(view, part.__name__)
            if not said:
                return part(view, *given, **named)
            note = html.note(said)
            note.passing = True  # which part says it in full depends on those before it
            return note

        return cast("Callable[Concatenate[V, P], R | html.Html]", shown)

    return told


def _no_log(page: Page, _part: str) -> str:
    return "" if page.has_log else NO_LOG


def _no_funnel(page: Page, part: str) -> str:
    return _no_log(page, part) or ("" if len(page.steps) > 1 else NO_FUNNEL)


with_log = unless(_no_log)
with_funnel = unless(_no_funnel)


def records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the rows of a frame by name of column."""
    return [{str(k): v for k, v in row.items()} for row in frame.to_dict("records")]


def _index(log: Source, segment: str) -> PathIndex:
    if segment == ALL:
        return path_index(log)
    column, equals, value = segment.partition("=")
    known = segments(log, MOST_SEGMENTS)
    if not equals or column not in known:
        given = column if equals else segment
        columns = ", ".join(f"{c}={v[0]}" for c, v in known.items()) or "none in this log"
        msg = f"There is no segment {given!r}. {did_you_mean(given, known)} Write all, or one like {columns}."
        raise ParameterError(msg)
    return path_index(log).where(column, value)


def _from_address(given: dict[str, str]) -> dict[str, str]:
    """Return the parameters with what the web address names; everything else in it is refused."""
    query = parse_qsl(os.environ.get("QUERY_STRING", ""), keep_blank_values=True)
    found = dict(given)
    for name, value in query:
        if name not in given:
            msg = f"This page has no parameter {name[:40]!r}. {did_you_mean(name[:40], given)}"
            raise ParameterError(msg)
        if len(value) > 200 or not value.isprintable():
            msg = f"The {name} in the address is not one short line of text."
            raise ParameterError(msg)
        found[name] = value.strip() or given[name]
    return found


def _workspace(named: str) -> Workspace:
    folder = named or os.environ.get(WORKSPACE, "")
    if not folder:
        folder = str(_example())
    return Workspace.open(folder, read_only=read_only())


def _example() -> Path:
    """Return the example workspace of this user, made on first use."""
    base = Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share")
    folder = base / "journey_widgets" / "example"
    if not folder.exists():
        try:
            Workspace.create(folder, template="phone_retailer").close()
        except WorkspaceError:
            if not (folder / "workspace.yaml").is_file():
                raise  # otherwise another page of the same user was quicker
    return folder


@contextlib.contextmanager
def said_on_the_page() -> Iterator[None]:
    """Say what is wrong in one sentence on the page, and stop there."""
    try:
        yield
    except JourneyError as error:
        stopped = PageBroken if isinstance(error, InfrastructureError) else PageStopped
        if mode() != "notebook":
            from IPython.display import display

            display(html.stopped(str(error)))
        raise stopped(str(error)) from None
