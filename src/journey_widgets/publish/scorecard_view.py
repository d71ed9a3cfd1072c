"""What the scorecard pages work with: the document, its KPIs period by period, and where they stand."""

import math
from contextlib import closing, suppress
from dataclasses import replace
from datetime import UTC, datetime
from functools import cached_property
from typing import Any, get_args

import pandas as pd
from ibis import _

import journey_widgets
from journey_widgets.errors import JourneyDataError, JourneyError, ParameterError, did_you_mean
from journey_widgets.events.calendar import Period as Length
from journey_widgets.events.engine import collect
from journey_widgets.events.paths import PathIndex
from journey_widgets.events.source import table_of
from journey_widgets.publish.figures import Figure
from journey_widgets.publish.modes import mode
from journey_widgets.publish.page import Page, open_page, said_on_the_page, unless
from journey_widgets.publish.period import ALL
from journey_widgets.publish.small_groups import hide_few
from journey_widgets.scorecard import words
from journey_widgets.scorecard.at_touchpoints import at_touchpoints, named_at
from journey_widgets.scorecard.document import Kpi, Scorecard
from journey_widgets.scorecard.measures import measure_with
from journey_widgets.scorecard.recipes import OF_DOCUMENTS, Shared
from journey_widgets.scorecard.restating import restate
from journey_widgets.scorecard.roll_up import POLICIES
from journey_widgets.scorecard.rules import check
from journey_widgets.scorecard.series import series, units, with_column
from journey_widgets.scorecard.standing import Standing, kpis_in, standing

EMPTY = (
    "There is no scorecard yet. An analyst begins one in JupyterLab, or writes documents/scorecard.yaml and runs "
    "journey import; the templates phone_retailer and upsell_scorecard have one to start from."
)
SEE_ABOVE = "Nothing yet, for the reason given above."
BEGIN = "There is no scorecard yet: add its first objective in the editor below."


ENDS = {
    "value": ("low", "high"),
    "before": ("before_low", "before_high"),
    "change": ("change_low", "change_high"),
}
"""Figure of a KPI → the ends of its interval."""


class ScorecardPage:
    """What the cells of the scorecard notebook work with.

    Parameters
    ----------
    page
        The page: workspace, log, and what may be done here.
    as_of
        A month such as ``2026-05`` (or a day, where periods are days or weeks); blank is the last one that is over.
    period
        How long a period is: ``"day"``, ``"week"`` or ``"month"``.
    policy
        What is done about missing KPIs: blank as the scorecard says, ``"renormalise"``, ``"fixed"``, ``"strict"`` or
        ``"carry"``.
    """

    def __init__(
        self, page: Page, *, as_of: str = "", period: str = "month", policy: str = ""
    ) -> None:
        self.page = page
        if period not in get_args(Length):
            msg = f"period is {period!r}. {did_you_mean(period, get_args(Length))}"
            raise ParameterError(msg)
        if policy and policy not in POLICIES:
            msg = f"policy is {policy!r}. {did_you_mean(policy, POLICIES)}"
            raise ParameterError(msg)
        self.length, self.policy = period, policy
        self.as_of = self._day(as_of)
        self.first_without = ""
        """The part of the page that said why nothing can be shown; blank where something can."""
        self.nothing_there = ""
        """Why nothing is measured at the touchpoints; blank where they name no KPI."""
        self._splits: dict[str, dict[str, pd.DataFrame]] = {}
        self.kept: pd.DataFrame | None = None
        """Values of closed periods as they were first and as they are now; set when the series was measured."""

    def _day(self, text: str) -> pd.Timestamp | None:
        if not text:
            return None
        try:
            return pd.Timestamp(f"{text}-01" if len(text) == len("2026-05") else text)
        except ValueError:
            msg = f"as_of is {text!r}; a month such as 2026-05, or a day such as 2026-05-18, was needed."
            raise ParameterError(msg) from None

    @cached_property
    def scorecard(self) -> Scorecard:
        """The document, with the page's policy where one is named."""
        found = self.page.workspace.scorecard
        return found.model_copy(update={"missing": self.policy}) if self.policy else found

    @cached_property
    def sources(self) -> dict[str, Any]:
        """The workspace's sources and the documents that KPIs are counted in."""
        space = self.page.workspace
        found: dict[str, Any] = {k: space.source(k) for k in space.sources.present()}
        found |= {"journey": space.journey, "raci": space.raci, "roles": space.roles}
        return found | self._came_back(found)

    def _came_back(self, found: dict[str, Any]) -> dict[str, Any]:
        """Return contacts of earlier plans with who bought since, where they do not say it themselves."""
        space, contacts = self.page.workspace, found.get("contacts")
        asked = {k.measured_as for k in space.scorecard.kpis()}
        if contacts is None or "board_calibration" not in asked:
            return {}
        if "bought" in table_of(contacts, "contacts").columns:
            return {}
        from journey_widgets.upsell.loop import came_back

        sources = {k: v for k, v in found.items() if k in space.sources.present()}
        with suppress(JourneyDataError):  # then the KPI says what it lacks
            rows = came_back(space.upsell, contacts, sources, zone=space.settings.time_zone)
            return {"contacts": rows} if len(rows) else {}
        return {}

    @cached_property
    def series(self) -> pd.DataFrame:
        """All KPIs, period by period, for the page's customers."""
        space = self.page.workspace
        found = self._counted(self.scorecard)
        if self._customers is None:
            before = space.kept_values(self.length)
            self.kept = restate(before, found, datetime.now(UTC).replace(tzinfo=None))
            if before is None or not self.kept.equals(before):
                space.keep_values(self.length, self.kept)
        return self._seen(self.scorecard, found)

    @property
    def of_some(self) -> bool:
        """Whether the page is about some of the customers alone."""
        return self._customers is not None

    @property
    def _customers(self) -> PathIndex | None:
        """The page's customers; None for all."""
        every = not self.page.has_log or self.page.segment_in_words() == "all customers"
        return None if every else self.page.index

    def measured(self, card: Scorecard) -> pd.DataFrame:
        """Measure the KPIs of a scorecard as this page may show them: its periods, its customers, nobody by himself."""
        return self._seen(card, self._counted(card))

    def _seen(self, card: Scorecard, found: pd.DataFrame) -> pd.DataFrame:
        apart = {k.id for k in card.kpis() if k.measured_as in OF_DOCUMENTS}
        return hide_few(found, self.page.least, apart=apart)

    def _counted(self, card: Scorecard) -> pd.DataFrame:
        zone = self.page.workspace.settings.time_zone
        return series(card, self.sources, period=self.length, zone=zone, customers=self._customers)

    @cached_property
    def there(self) -> pd.DataFrame:
        """The KPIs at the touchpoints of the page's journey (see `scorecard.at_touchpoints`)."""
        journey = self.page.journey
        wanted = {k.id for t in journey.touchpoints for k in named_at(t.kpis, self.scorecard)}
        card = self.scorecard.only(wanted)
        if not wanted:
            return pd.DataFrame()
        try:
            when, found = kpis_in(card, self.measured(card), self.as_of)
        except JourneyError as error:
            self.nothing_there = str(error)
            return pd.DataFrame()
        return at_touchpoints(journey, card, when, found)

    @cached_property
    def now(self) -> Standing:
        """Where the scorecard stands."""
        return standing(self.scorecard, self.series, self.as_of)

    @cached_property
    def before(self) -> Standing | None:
        """Where it stood the period before; None where nothing was measured then."""
        earlier = self.series[self.series["period"] < self.now.period]["period"]
        return (
            None
            if earlier.empty
            else standing(self.scorecard, self.series, pd.Timestamp(earlier.max()))
        )

    @property
    def empty(self) -> bool:
        """Whether the scorecard has no KPI yet."""
        return not any(True for _k in self.scorecard.kpis())

    @property
    def quiet(self) -> str:
        """Why nothing can be shown; blank where there is something."""
        if self.empty:
            return BEGIN if self.page.may_edit else EMPTY
        try:
            _now = self.now
        except JourneyError as error:
            return str(error)
        return ""

    def needs_notes(self) -> None:
        """Stop a report of a scorecard that asks for a note on every red KPI and lacks one (`JourneyDataError`)."""
        if mode() != "report" or not self.scorecard.red_needs_note or self.quiet:
            return
        found = [
            f for f in check(self.scorecard, publishing=True, now=self.now) if f.code == "SCO-15"
        ]
        if found:
            names = ", ".join(self.labels[str(f.ids["kpi"])] for f in found)
            msg = (
                f"Not published: {len(found)} off target in {self.when} without a note: {names}. Write what is done "
                "about each, or take red_needs_note out of the scorecard."
            )
            raise JourneyDataError(msg)

    @property
    def when(self) -> str:
        """The period in words."""
        return in_words(self.now.period, self.length)

    @property
    def currency(self) -> str:
        """Currency of the workspace; blank where it has none."""
        return self.page.workspace.settings.currency or ""

    @property
    def roles(self) -> dict[str, str]:
        """Role id → label."""
        return {r.id: r.label for r in self.page.workspace.roles.roles}

    @cached_property
    def labels(self) -> dict[str, str]:
        """Id → label of perspectives, objectives and KPIs."""
        card = self.scorecard
        found = {p.id: p.label for p in card.perspectives} | {
            o.id: o.label for o in card.objectives
        }
        return (
            found
            | dict(zip(self.now.kpis["kpi"], self.now.kpis["label"], strict=True))
            | {"scorecard": card.label}
        )

    def split(self, kpi: Kpi, column: str) -> pd.DataFrame:
        """Return a share by group of customers, its intervals left out; no rows where it cannot be split.

        A source that does not say the group has it from the event log, by customer.
        """
        if column not in self._splits:
            self._splits[column] = self._split_by(column)
        return self._splits[column].get(kpi.id, self.series.iloc[:0].assign(**{column: ""}))

    def _split_by(self, column: str) -> dict[str, pd.DataFrame]:
        """Return every share of the scorecard by group: what they have in common is read once."""
        page, unit = self.page, units(self.scorecard, self.scorecard.kpis())
        grouped = with_column(self.sources, page.index, column) if page.has_log else self.sources
        found = {}
        with closing(Shared(many=True)) as shared:
            for kpi in self.scorecard.kpis():
                if kpi.where or unit[kpi.id] != "ratio":
                    continue
                with suppress(JourneyError):
                    found[kpi.id] = measure_with(
                        shared, kpi.measured_as, grouped, period=self.length, by=(column,), options=kpi.options,
                        zone=page.workspace.settings.time_zone, words=self.scorecard.words, draws=2,
                    )  # fmt: skip
        return found

    def figure(self, number: float | None, unit: str, *, signed: bool = False) -> Figure:
        """Return a number with its unit."""
        known = math.nan if number is None else float(number)
        return Figure(words.value(known, unit, currency=self.currency, signed=signed), known)

    def said(self, row: dict[Any, Any], name: str, *, signed: bool = False) -> Figure:
        """Return a figure of a KPI with its unit; with its interval where it has one."""
        low, high = ENDS.get(name, ("", ""))
        n = row["n"] if name == "value" and pd.notna(row["n"]) else math.nan
        return replace(
            self.figure(row[name], str(row["unit"]), signed=signed),
            low=float(row.get(low, math.nan)), high=float(row.get(high, math.nan)), n=float(n),
            about=self._about(row),
        )  # fmt: skip

    def _about(self, row: dict[Any, Any]) -> str:
        """Return how a KPI is counted, of which time, and by which version of what."""
        rev = self.page.workspace.rev("scorecard")
        made = f"{row['definition']}, scorecard revision {rev}, journey_widgets {journey_widgets.__version__}"
        return f"{row['counted']} {self.when}; definition {made}."

    def between(self, row: dict[Any, Any]) -> str:
        """Return the interval of a KPI in words."""
        ends = float(row["low"]), float(row["high"])
        return words.interval(*ends, str(row["unit"]), currency=self.currency) or "–"

    def owner(self, role: str | None) -> str:
        """Return the label of an owner."""
        return self.roles.get(role or "", role or "") or "nobody"

    def status(self, row: dict[Any, Any]) -> str:
        """Return the status of a KPI in words."""
        return words.status_in_words(
            str(row["status"]),
            str(row["state"]),
            certain=bool(row["certain"]),
            possible=str(row["possible"]),
        )

    def explained(self) -> dict[str, str]:
        """Return what every card says of its number besides: period, policy, version, and to the analyst the rows."""
        rev = self.page.workspace.rev("scorecard")
        facts = {
            "Period": self.when,
            "Missing KPIs": f"{self.scorecard.missing}, level by level",
            "Version": f"scorecard revision {rev}, journey_widgets {journey_widgets.__version__}",
        }
        rows = (
            {"Rows behind it": 'shown.rows_behind(view, "{kpi}")'} if mode() == "notebook" else {}
        )
        return facts | rows

    @cached_property
    def data_date(self) -> str:
        """Until when the data are."""
        if not self.page.has_log:
            return ""
        last = collect(self.page.log.table.agg(last=_.ts.max()))["last"].iloc[0]
        return f"{pd.Timestamp(last):%-d %b %Y}"


def _quiet(view: ScorecardPage, part: str) -> str:
    """Return why a part cannot be shown: to the first one in full, to the others where to look."""
    if not view.quiet:
        return ""
    view.first_without = view.first_without or part
    return view.quiet if view.first_without == part else SEE_ABOVE


with_standing = unless(_quiet)


def signals_in_words(drawn: pd.DataFrame, length: str = "month") -> str:
    """Return the signals of a chart of `signals.charted`, each with its period."""
    marked = drawn[drawn["signal"] != ""]
    told = [
        f"{in_words(p, length)} ({s})"
        for p, s in zip(marked["period"], marked["signal"], strict=True)
    ]
    if not told:
        return "no signal"
    return f"{'signal' if len(told) == 1 else 'signals'} in {' and '.join(told)}"


def in_words(period: pd.Timestamp, length: str) -> str:
    """Return a period in words: a month, a week from a day, a day."""
    return {"month": f"{period:%B %Y}", "week": f"the week from {period:%-d %B %Y}"}.get(
        length, f"{period:%-d %B %Y}"
    )


def open_scorecard(workspace: str = "", segment: str = ALL, **given: str) -> ScorecardPage:
    """Open the scorecard page; wrong parameters are said on the page in one sentence, and it stops there.

    `given` are ``as_of``, ``period`` and ``policy`` of `ScorecardPage`; in a dashboard the web address may name them.
    """
    more = {"as_of": "", "period": "month", "policy": "", **given}
    page = open_page("Scorecard", workspace=workspace, segment=segment, more=more, log_needed=False)
    with said_on_the_page():
        page.needs_journey()
        view = ScorecardPage(page, **page.more)
        if (view.empty and not page.may_edit) or (view.as_of is not None and view.quiet):
            raise JourneyDataError(view.quiet)
        view.needs_notes()
        return view
