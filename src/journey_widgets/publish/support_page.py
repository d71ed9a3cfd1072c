"""The support page's words and tables: how soon, how often again, through how many hands, and what came of it."""

import math
from dataclasses import replace
from functools import cached_property
from typing import Any

import ibis
import ibis.expr.types as ir
import pandas as pd
from ibis import _

from journey_widgets import cross_impact as impact
from journey_widgets import raci
from journey_widgets.errors import JourneyDataError, JourneyError
from journey_widgets.estimates import difference, wilson
from journey_widgets.events.engine import collect
from journey_widgets.events.instants import micros
from journey_widgets.events.source import Source, table_of
from journey_widgets.publish import html
from journey_widgets.publish.figures import Figure
from journey_widgets.publish.page import Page, open_page, said_on_the_page
from journey_widgets.publish.period import ALL
from journey_widgets.publish.scorecard_view import signals_in_words
from journey_widgets.publish.show import show, show_all
from journey_widgets.publish.small_groups import hide_few
from journey_widgets.scorecard import charts, words
from journey_widgets.scorecard.measures import measure
from journey_widgets.scorecard.recipes.cases import hours_open
from journey_widgets.scorecard.series import of_customers
from journey_widgets.scorecard.signals import charted
from journey_widgets.scorecard.status import HIDDEN

NO_TICKETS = (
    "This workspace has no support cases yet: name their file under tickets in sources.yaml."
)
TIMES = ("first_response_time", "resolution_time", "resolution_p90")
SHARES = ("fcr_gross", "reopen_rate")
LABELS = {
    "first_response_time": "First response", "resolution_time": "Solved", "resolution_p90": "Nine of ten solved within",
    "fcr_gross": "Solved at first contact", "reopen_rate": "Opened again", "handoffs_per_case": "Hand-overs a case",
}  # fmt: skip
EARLY, AGAIN = 14, 90
"""Days after the first purchase in which a case is early, and up to which a second purchase is waited for."""
DAY = 86_400_000_000


class SupportPage:
    """What the cells of the support notebook work with.

    Parameters
    ----------
    page
        The page: workspace, log, and what may be done here.
    hours
        Business hours such as ``"Mon-Fri 09:00-17:00"``; blank counts the calendar.
    """

    def __init__(self, page: Page, *, hours: str = "") -> None:
        self.page, self.hours = page, hours
        self.words = page.workspace.scorecard.words

    @cached_property
    def sources(self) -> dict[str, Any]:
        """The sources, of the page's customers alone where a segment is chosen."""
        space = self.page.workspace
        found: dict[str, Any] = {k: space.source(k) for k in space.sources.present()}
        if self.page.segment == ALL or not self.page.has_log:
            return found
        return of_customers(found, self.page.index)

    @cached_property
    def kinds(self) -> dict[str, str]:
        """Issue type → label of the touchpoint it is about."""
        source = self.page.workspace.tickets()
        labels = self.page.labels()
        meant = source.mapping.touchpoints if isinstance(source, Source) else {}
        return {**labels, **{k: labels.get(t, t) for k, t in meant.items()}}

    def measured(self, kpi: str, **asked: Any) -> pd.DataFrame:
        """Return a KPI of support, without figures on very few; where it cannot be counted, nothing."""
        options = {"hours": self.hours} if kpi in TIMES and self.hours else {}
        try:
            found = measure(
                kpi, self.sources, zone=self.page.workspace.settings.time_zone, words=self.words,
                options={**options, **asked.pop("options", {})}, **asked,
            )  # fmt: skip
            return hide_few(found, self.page.least)
        except JourneyDataError:
            return pd.DataFrame(
                {"value": [], "low": [], "high": [], "n": [], "state": [], "open": [], "period": []}
            )

    @cached_property
    def by_kind(self) -> pd.DataFrame:
        """Every KPI by issue type, over all of the data: one row a type and KPI."""
        frames = [self.measured(k, by="kind", period="all").assign(kpi=k) for k in LABELS]
        return pd.concat([f for f in frames if len(f)], ignore_index=True)


def _said(row: Any, unit: str, after: str = "") -> Figure:
    """Return a value with its interval, or that there are too few; `after` ends the words."""
    value, low, high, n = (float(row[c]) for c in ("value", "low", "high", "n"))
    if not math.isfinite(value):
        return Figure(words.STATES[HIDDEN] if row["state"] == HIDDEN else "–")
    span = words.interval(low, high, unit)
    few = ", too few to judge" if row["state"] == "insufficient" else ""
    shown = f"{words.value(value, unit)}{f' ({span})' if span else ''}{few}{after}"
    return Figure(shown, value, low, high, n)


def _many(n: float) -> str:
    return "–" if pd.isna(n) else f"{int(n):,}"


def _unit(kpi: str) -> str:
    return "hours" if kpi in TIMES else "count" if kpi == "handoffs_per_case" else "ratio"


def in_short(view: SupportPage) -> html.Html:
    """Return the page's figures in boxes, over all of the data."""
    boxes: dict[str, tuple[str | Figure, str]] = {}
    for kpi in ("first_response_time", "resolution_time", "fcr_gross", "reopen_rate"):
        found = view.measured(kpi, period="all")
        if found.empty:
            boxes[LABELS[kpi]] = ("–", "could not be counted")
            continue
        row = found.iloc[0]
        if row["state"] == HIDDEN:
            boxes[LABELS[kpi]] = ("–", words.STATES[HIDDEN])
            continue
        span = words.interval(float(row["low"]), float(row["high"]), _unit(kpi))
        what = "median, " if kpi in TIMES else ""
        boxes[LABELS[kpi]] = (
            replace(_said(row, _unit(kpi)), shown=words.value(float(row["value"]), _unit(kpi))),
            f"{what}{span}; {int(row['n']):,} cases",
        )
    return html.tiles(boxes)


def by_issue(view: SupportPage) -> html.Html:
    """Return every figure by issue type."""
    frame = view.by_kind
    rows = []
    for kind, own in frame.groupby("kind", sort=False):
        figures = own.set_index("kpi")
        if (figures["state"] == HIDDEN).all():
            continue
        row: dict[str, Any] = {
            "Issue": view.kinds.get(str(kind), str(kind)),
            "Cases": int(figures["n"].max()),
        }
        for kpi, label in LABELS.items():
            row[label] = _said(figures.loc[kpi], _unit(kpi)) if kpi in figures.index else "–"
        rows.append(row)
    clock = f"business hours {view.hours}" if view.hours else "on the calendar"
    return html.table(
        pd.DataFrame(rows), caption="By issue type",
        note=f"Median times {clock}, with their 95% intervals; first contact: one pair of hands, not opened again, "
        "no other case of the customer on it within seven days.",
    )  # fmt: skip


def signals(view: SupportPage) -> Any:
    """Return the XmR charts of the two times."""
    pieces = []
    for kpi in ("first_response_time", "resolution_time"):
        found = view.measured(kpi)
        drawn = charted(found)
        if drawn["value"].notna().sum() < 2:
            continue
        said = f"{LABELS[kpi]}, median hours a month: {signals_in_words(drawn)}."
        pieces.append(show(charts.xmr_chart(drawn, unit="hours"), said))
    return show_all(pieces) if pieces else html.note("There are too few closed months for a chart.")


def satisfaction(view: SupportPage) -> html.Html:
    """Return how customers rated the touchpoints of support."""
    if "answers" not in view.sources:
        return html.note("This workspace has no survey answers yet.")
    found = view.measured("csat_t2b", by="touchpoint", period="all")
    helped = set(view.page.workspace.tickets().mapping.touchpoints.values()) | {
        str(k) for k in view.by_kind["kind"].unique()
    }
    own = found[found["touchpoint"].isin(helped)] if len(found) else found
    rows = [
        {
            "Touchpoint": view.kinds.get(r["touchpoint"], r["touchpoint"]),
            "Satisfied": _said(r, "ratio"),
            "Answers": int(r["n"]),
        }
        for r in own.to_dict("records")
        if r["state"] != HIDDEN
    ]
    if not rows:
        return html.note("No question is about a touchpoint of support.")
    return html.table(pd.DataFrame(rows), caption="Satisfied after support (the top two of five)")


def afterwards(view: SupportPage) -> html.Html:
    """Return whether customers with an early case bought again as often as others: a comparison, not an effect."""
    if "order_lines" not in view.sources:
        return html.note("This workspace has no orders yet.")
    found = came_back(
        table_of(view.sources["order_lines"], "order_lines"),
        table_of(view.sources["tickets"], "tickets"),
    )
    if found is None or len(found) < 2 or (found["buyers"] < view.page.least).any():
        return html.note("Too few purchases are old enough to say.")
    low, high = wilson(found["again"], found["buyers"])
    rows = [
        {
            "Customers": label, "Buyers": n,
            "Bought again": Figure(f"{a / n:.1%} ({x:.1%} to {y:.1%})", a / n, x, y, n),
        }
        for label, a, n, x, y in zip(found["side"], found["again"], found["buyers"], low, high, strict=True)
    ]  # fmt: skip
    (a, b), (n_a, n_b) = found["again"], found["buyers"]
    least, most, _p = difference(a, n_a, b, n_b)
    gap = f"{100 * (a / n_a - b / n_b):+.1f} points ({100 * float(least):+.1f} to {100 * float(most):+.1f})"
    said = (
        f"The difference is {gap}. A case in the first {EARLY} days; bought again from then to day {AGAIN}; who bought "
        "again earlier is in neither line. Who needs help is not chosen by chance: this compares, it does not show "
        "what support does."
    )
    return html.table(pd.DataFrame(rows), caption="Retention after support", note=said)


def came_back(lines: ir.Table, tickets: ir.Table) -> pd.DataFrame | None:
    """Count who bought again between day 14 and day 90 after the first purchase: with a case before, and without.

    Both sides start at day 14 with nobody who has bought again: otherwise those who buy often, and so have more cases,
    would stand on one side. None where the tickets do not say whose they are.

    Returns
    -------
    pandas.DataFrame
        ``side`` (str), ``buyers``, ``again`` (int64); first those with a case.
    """
    if "customer_id" not in tickets.columns or "customer_id" not in lines.columns:
        return None
    who = lines.customer_id.cast("string")
    bought = lines.mutate(who=who).filter((lines.quantity > 0) & who.notnull())
    orders = bought.group_by("who", "order_id").agg(ts=_.ts.min())
    path = ibis.window(group_by="who", order_by=["ts", "order_id"])
    placed = orders.mutate(place=ibis.row_number().over(path), next_ts=_.ts.lead().over(path))
    first = placed.filter(_.place == 0).select("who", "next_ts", began=_.ts)
    last = collect(orders.agg(last=_.ts.max()))["last"].iloc[0]
    if pd.isna(last):
        return None
    until = micros(pd.Timestamp(last).to_pydatetime())
    old = first.filter(micros(first.began) + AGAIN * DAY <= until)
    waiting = old.filter(
        old.next_ts.isnull() | (micros(old.next_ts) - micros(old.began) > EARLY * DAY)
    )
    cases = tickets.group_by("case_id").agg(
        opened=_.ts.min(), who=_.customer_id.cast("string").max()
    )
    near = waiting.join(cases, "who")
    since = micros(near.opened) - micros(near.began)
    near = near.filter((since >= 0) & (since <= EARLY * DAY))
    flagged = waiting.left_join(near.select("who").distinct().mutate(helped=ibis.literal(1)), "who")
    again = (micros(flagged.next_ts) - micros(flagged.began) <= AGAIN * DAY).fill_null(False)
    each = flagged.select(helped=flagged.helped.fill_null(0), again=again.cast("int32"))
    counts = collect(
        each.group_by("helped")
        .agg(buyers=_.count(), again=_.again.sum())
        .order_by(ibis.desc("helped"))
    )
    sides = {1: "with a case in the first two weeks", 0: "without"}
    found = counts[["buyers", "again"]].astype("int64")
    found.insert(0, "side", [sides[int(h)] for h in counts["helped"]])
    return found


def load_and_influence(view: SupportPage) -> html.Html:
    """Return each role's share of the work beside the influence of the touchpoints it is responsible for."""
    space = view.page.workspace
    loads = raci.load(space.raci, space.roles)
    try:
        sums = impact.direct_influence(space.cross_impact)
        active = dict(zip(sums["factor"], sums["active_sum"], strict=True))
    except JourneyError:
        active = {}
    total = sum(max(float(v), 0.0) for v in active.values())
    if not total:
        return html.note("Nobody has judged influences yet: the load cannot be held against them.")
    rows = []
    for role in loads.to_dict("records"):
        own = [r.touchpoint for r in space.raci.rows if "R" in r.cells.get(role["role"], "")]
        share = sum(max(float(active.get(t, 0.0)), 0.0) for t in own) / total
        rows.append(
            {
                "role": role["label"],
                "touchpoints": len(own),
                "load": role["load_share"],
                "influence": share,
            }
        )
    frame = pd.DataFrame(rows)
    return html.table(
        frame[frame["touchpoints"] > 0], caption="Work and influence of the roles",
        labels={
            "role": "Role", "touchpoints": "Responsible for", "load": "Share of the work",
            "influence": "Share of the influence",
        },
        percent=["load", "influence"],
        note="Influence: of the touchpoints the role is responsible for, as the team judged it. Much influence with "
        "little work is room; much work with little influence is where help counts least.",
    )  # fmt: skip


def promises(view: SupportPage) -> html.Html:
    """Return the three promises: told first, followed up, unhappy customers contacted."""
    asked = {
        "Unhappy customers contacted within three days": ("closed_loop_rate", ()),
        "Told of a problem before they asked": ("proactive_contact_share", ("affected", "told")),
        "Planned follow-ups done in time": (
            "followup_completion",
            ("followup_planned", "followup_done"),
        ),
    }
    rows: list[dict[str, str | Figure]] = []
    for label, (kpi, needed) in asked.items():
        missing = [w for w in needed if w not in view.words]
        found = pd.DataFrame() if missing else view.measured(kpi, period="all")
        if found.empty:
            why = (
                f"the scorecard does not say what {' and '.join(missing)} are called in the log"
                if missing
                else "no data"
            )
            rows.append({"Promise": label, "Kept": f"not measured: {why}", "n": "–"})
            continue
        row = found.iloc[0]
        never = "; is it recorded where we look?" if row["value"] == 0 else ""
        kept = _said(row, "ratio", never)
        rows.append({"Promise": label, "Kept": kept, "n": _many(row["n"])})
    return html.table(pd.DataFrame(rows), caption="Promises")


def what_next(view: SupportPage) -> html.Html:
    """Return what the figures ask for first."""
    frame, owners = view.by_kind, view.page.owners().set_index("touchpoint")
    sentences = []
    slow = frame[(frame["kpi"] == "first_response_time") & (frame["state"] == "")].sort_values(
        "value", ascending=False
    )
    if len(slow) > 1 and slow["low"].iloc[0] > slow["high"].iloc[-1]:
        first, last = slow.iloc[0], slow.iloc[-1]
        sentences.append(
            f"{_kind(view, first)} waits {words.value(float(first['value']), 'hours')} for a first response, "
            f"{_kind(view, last)} {words.value(float(last['value']), 'hours')}; the difference is certain. "
            f"{_owner(view, owners, first)}"
        )
    again = frame[(frame["kpi"] == "reopen_rate") & (frame["state"] == "")].sort_values(
        "value", ascending=False
    )
    if len(again) > 1 and again["low"].iloc[0] > again["high"].iloc[-1]:
        sentences.append(
            f"{_kind(view, again.iloc[0])} is opened again most often: {_said(again.iloc[0], 'ratio')}."
        )
    hands = frame[(frame["kpi"] == "handoffs_per_case") & (frame["state"] == "")].sort_values(
        "value", ascending=False
    )
    if len(hands) and hands["value"].iloc[0] > 1:
        told = _said(hands.iloc[0], "count")
        sentences.append(
            f"{_kind(view, hands.iloc[0])} passes through more than one hand-over a case: {told}."
        )
    return (
        html.numbered(sentences)
        if sentences
        else html.note("No issue type is certainly worse than the others.", kind="good")
    )


def _kind(view: SupportPage, row: Any) -> str:
    return view.kinds.get(str(row["kind"]), str(row["kind"]))


def _owner(view: SupportPage, owners: pd.DataFrame, row: Any) -> str:
    meant = view.page.workspace.tickets().mapping.touchpoints.get(
        str(row["kind"]), str(row["kind"])
    )
    if meant not in owners.index:
        return ""
    return f"{owners['accountable'].to_dict()[meant]!s} answers for it."


def open_support(workspace: str = "", segment: str = ALL, hours: str = "") -> SupportPage:
    """Open the support page; wrong parameters are said on the page in one sentence, and it stops there."""
    page = open_page(
        "Support", workspace=workspace, segment=segment, more={"hours": hours}, log_needed=False
    )
    with said_on_the_page():
        if "tickets" not in page.workspace.sources.present():
            raise JourneyDataError(NO_TICKETS)
        view = SupportPage(page, hours=page.more["hours"])
        if view.hours:
            hours_open(view.hours)
        return view
