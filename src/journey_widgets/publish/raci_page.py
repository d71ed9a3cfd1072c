"""The RACI page's words, tables and pictures: who answers, what is not settled, and what the log says."""

import math
from dataclasses import fields, replace
from functools import cached_property
from typing import Any, cast

import pandas as pd

from journey_widgets import raci
from journey_widgets.errors import ParameterError, did_you_mean
from journey_widgets.estimates import wilson
from journey_widgets.findings import Finding, sentence
from journey_widgets.publish import html
from journey_widgets.publish.map_page import curve
from journey_widgets.publish.matrix_edit import editable_grid
from journey_widgets.publish.modes import mode
from journey_widgets.publish.page import Page, open_page, records, said_on_the_page
from journey_widgets.publish.period import Period
from journey_widgets.publish.show import show, with_table
from journey_widgets.raci.charts import doers_chart
from journey_widgets.raci.table import to_html

NO_TICKETS = "This workspace has no support log: name its file under tickets in sources.yaml."
PAIN = 2.0
"""How much a touchpoint that feels very bad weighs against one that feels very good, in `gaps`."""


class RaciPage:
    """What the cells of the RACI notebook work with.

    Parameters
    ----------
    page
        The page: workspace and what may be done here.
    matrix
        Revision of the matrix to look at; blank is the newest. Only the newest can be edited.
    window
        Days of the support log: ``"all"``, or a period such as ``"2026-q1"``.
    policy
        Limits of the rules that differ from the defaults: ``"review_days=30, unplanned_share=0.3"``.
    role
        Id of a role whose page this is; blank shows all of them.
    """

    def __init__(
        self, page: Page, *, matrix: str = "", window: str = "all", policy: str = "", role: str = ""
    ) -> None:
        self.page = page
        self.revision = _revision(page, matrix)
        self.window = Period.read(window)
        publishing = mode() == "report"
        self.policy = replace(read_policy(policy), publishing=publishing)
        ids = [r.id for r in self.matrix.roles]
        if role and role not in ids:
            msg = f"The matrix has no role {role!r}. {did_you_mean(role, ids)}"
            raise ParameterError(msg)
        self.role = role

    @cached_property
    def matrix(self) -> raci.RaciMatrix:
        """The matrix the page is about."""
        if self.revision:
            return cast("raci.RaciMatrix", self.page.workspace.document("raci", self.revision))
        return self.page.workspace.raci

    def findings(self) -> list[Finding]:
        """Return what the rules find in the matrix."""
        space = self.page.workspace
        return raci.check(self.matrix, space.journey, space.roles, self.policy, space.links())

    @cached_property
    def log(self) -> raci.PlanAgainstLog | None:
        """The matrix against the support log; None where there is none."""
        if not self.has_tickets:
            return None
        space = self.page.workspace
        plans = self.matrix if self.revision else space.plans() or self.matrix
        return raci.compare_with_log(
            plans, space.tickets(), space.roles, policy=self.policy, **self._days()
        )

    @property
    def has_tickets(self) -> bool:
        """Whether the workspace has a support log."""
        return "tickets" in self.page.workspace.sources.present()

    def _days(self) -> dict[str, Any]:
        zone = self.page.workspace.settings.time_zone
        return {"since": self.window.first, "until": self.window.last, "time_zone": zone}


def _revision(page: Page, given: str) -> int | None:
    if not given:
        return None
    newest = page.workspace.rev("raci")
    if not (given.isascii() and given.isdigit()) or not 1 <= int(given) <= newest:
        msg = f"matrix is {given!r}; blank, or a revision from 1 to {newest} was needed."
        raise ParameterError(msg)
    return int(given) if int(given) != newest else None


def read_policy(text: str) -> raci.RaciPolicy:
    """Return a policy from ``name=number`` pairs, split by commas; anything else is a `ParameterError`."""
    kinds = {f.name: type(getattr(raci.RaciPolicy(), f.name)) for f in fields(raci.RaciPolicy)}
    known = {n for n, kind in kinds.items() if kind in (int, float)}
    given: dict[str, Any] = {}
    for part in filter(None, (p.strip() for p in text.split(","))):
        name, _equals, value = (w.strip() for w in part.partition("="))
        if name not in known:
            msg = f"policy has no limit {name!r}. {did_you_mean(name, known)}"
            raise ParameterError(msg)
        try:
            number = kinds[name](value)
        except ValueError:
            number = -1
        if (
            not math.isfinite(number)
            or number < 0
            or (number < 1 and name in ("min_events", "unused_events"))
        ):
            usual = getattr(raci.RaciPolicy(), name)
            msg = (
                f"policy: {name} is {value!r}; a number from 0 was needed, such as {name}={usual}."
            )
            raise ParameterError(msg)
        given[name] = number
    return raci.RaciPolicy(**given)


def in_short(view: RaciPage) -> html.Html:
    """Return what the matrix says and what is not settled, in a few sentences."""
    found = view.findings()
    numbers = {
        r["kpi"]: r for r in records(raci.structure(view.matrix, view.page.workspace.journey))
    }
    valid, covered = numbers["raci_valid_rows"], numbers["raci_coverage"]
    known = [f for f in found if f.severity != "info"]
    reviewed = view.matrix.reviewed_on
    whole = (
        f"{valid['count']} of {valid['n']} rows have exactly one accountable role and somebody responsible; "
        f"{covered['count']} of {covered['n']} touchpoints of the journey are covered."
    )
    words = [
        whole,
        f"{sentence(known)}.",
        f"Last reviewed on {reviewed:%-d %B %Y}." if reviewed else "Never reviewed.",
    ]
    if view.log is not None:
        x, n = view.log.conformance()
        if n:
            low, high = (float(v) for v in wilson(x, n))
            words.append(
                f"Of {n:,} handling events in the support log, {x / n:.0%} were done by a role that is planned for it "
                f"(95 % interval {low:.0%} to {high:.0%})."
            )
    return html.lead(" ".join(words))


def the_matrix(view: RaciPage) -> Any:
    """Return the matrix: to edit where that is possible, a table with its findings elsewhere."""
    space = view.page.workspace
    if mode() == "report" or view.revision:
        found = [f for f in view.findings() if f.severity != "info"]
        return html.joined(
            html.raw_table(to_html(view.matrix, space.journey), view.matrix.label),
            html.findings_list(found),
        )
    grid = editable_grid(view.page, policy=view.policy, links=space.links())
    stages = {s.id: s.label for s in space.journey.stages}
    frame = view.matrix.to_frame()
    words = frame.assign(stage=frame["stage"].map(lambda s: stages.get(s, s)))
    return with_table(grid, "The matrix as a table", words.rename(columns=str.capitalize))


def gaps(view: RaciPage) -> html.Html:
    """Return the gaps that matter most: rows with errors, by how many pass there and how it feels."""
    labels = {r.touchpoint: r.label for r in view.matrix.rows} | view.page.labels()
    errors: dict[str, list[str]] = {}
    for f in view.findings():
        if f.severity == "error" or f.code == "MAT-01":
            errors.setdefault(f.ids.get("touchpoint", ""), []).append(f.message)
    errors.pop("", None)
    if not errors:
        return html.note(
            "Every touchpoint has somebody who answers for it and somebody who does the work.",
            kind="good",
        )
    visits = view.page.visits()
    felt = {r["touchpoint"]: r for r in records(curve(view.page))}
    pains = [
        i.touchpoint
        for i in view.page.workspace.journey.items
        if i.kind == "pain_point" and i.state == "open"
    ]
    rows = []
    for touchpoint, messages in errors.items():
        mood = felt.get(touchpoint, {})
        feels = next((mood[c] for c in ("value", "judged") if pd.notna(mood.get(c))), 0.0)
        traffic = visits.get(touchpoint, 0)
        weight = max(traffic, 1) * PAIN ** (-feels / 2) * (1 + pains.count(touchpoint))
        rows.append(
            (
                labels.get(touchpoint, touchpoint),
                traffic,
                feels,
                pains.count(touchpoint),
                weight,
                " ".join(messages),
            )
        )
    columns = ["label", "traffic", "feels", "pains", "weight", "what"]
    frame = pd.DataFrame(rows, columns=columns).sort_values(
        "weight", ascending=False, ignore_index=True
    )
    frame = view.page.shown(frame, "traffic")
    return html.table(
        frame, caption="Gaps that matter most",
        labels={"label": "Touchpoint", "traffic": "Events there", "feels": "How it feels, -2 to 2",
                "pains": "Open pain points", "what": "What is not settled"},
        note="In order of events there, doubled where it feels very bad, halved where it feels very good, and "
        "multiplied by one more than the open pain points.",
    )  # fmt: skip


def stages(view: RaciPage) -> html.Html:
    """Return who leads in each stage."""
    frame = raci.stage_roll_up(view.matrix, view.page.workspace.journey)
    letters = list(view.matrix.letters.letters)
    return html.table(
        frame, caption="Who does what in each stage: rows with each letter",
        labels={"stage_label": "Stage", "role_label": "Role", **{x: x for x in letters}, "rows": "of rows",
                "leads": "In most rows"},
    )  # fmt: skip


def load(view: RaciPage) -> html.Html:
    """Return the load of each role, heaviest first."""
    frame = raci.load(view.matrix, view.page.workspace.roles, view.policy)
    shown = frame.sort_values("load", ascending=False, kind="stable", ignore_index=True)
    shown.attrs = dict(frame.attrs)
    letters = list(view.matrix.letters.letters)
    columns = {
        "label": "Role",
        **{x: x for x in letters},
        "load": "Load",
        "load_share": "Share of all load",
    }
    if frame["capacity"].notna().any():
        columns |= {"capacity": "Capacity", "over": "Above it"}
    return html.table(
        shown,
        caption="Load of each role",
        labels=columns,
        percent=["load_share"],
        note=str(frame.attrs.get("definition", "")),
    )


def plan_against_log(view: RaciPage) -> Any:
    """Return who was to do the work and who did it, as a picture after a sentence."""
    if view.log is None:
        return html.note(NO_TICKETS)
    judged = view.log.touchpoints[view.log.touchpoints["judged"]]
    if judged.empty:
        return html.note(
            f"No touchpoint has {view.policy.min_events} handling events in these days: nothing is judged."
        )
    worst = records(judged.sort_values("planned_share"))[0]
    sentence_ = (
        f"{judged['touchpoint'].nunique()} touchpoints have enough events to judge. Least as planned: "
        f"{worst['label']}, where {worst['planned_share']:.0%} of {worst['n']:,} events (95 % interval "
        f"{worst['low']:.0%} to {worst['high']:.0%}) are done by a role that is planned for it."
    )
    doers = view.log.doers[view.log.doers["touchpoint"].isin(judged["touchpoint"])]
    return show(doers_chart(doers), sentence_, note=str(view.log.doers.attrs.get("definition", "")))


def evidence(view: RaciPage) -> html.Html:
    """Return what the log calls into question, with both readings of it."""
    if view.log is None:
        return html.note(NO_TICKETS)
    found = [f for f in view.log.findings if f.code != "EVD-00"]
    silent = sum(f.code == "EVD-00" for f in view.log.findings)
    unmapped, elsewhere = int(view.log.unmapped["events"].sum()), view.log.elsewhere
    rest = [
        f"{silent} touchpoints have too few events to be judged.",
        f"{unmapped:,} handling events were done by people or programs without a role."
        if unmapped
        else "",
        f"{elsewhere:,} are at touchpoints that are not in the matrix." if elsewhere else "",
    ]
    listed = (
        html.findings_list(found)
        if found
        else html.note("The log does not contradict the plan.", kind="good")
    )
    return html.joined(listed, html.note(" ".join(r for r in rest if r)))


def handed_over(view: RaciPage) -> html.Html:
    """Return who passes cases to whom."""
    if not view.has_tickets:
        return html.note(NO_TICKETS)
    space = view.page.workspace
    frame = raci.hand_overs(view.matrix, space.tickets(), space.roles, **view._days())
    if frame.empty:
        return html.note("No case went from one role to another.", kind="good")
    names = {r.id: r.label for r in space.roles.roles} | {r.id: r.label for r in view.matrix.roles}
    shown = frame.assign(source=frame["source"].map(names), target=frame["target"].map(names))
    shown.attrs = dict(frame.attrs)
    return html.table(
        shown, caption=f"Hand-overs: {int(frame['hand_overs'].sum()):,} in all",
        labels={"source": "From", "target": "To", "hand_overs": "Hand-overs", "cases": "Cases",
                "median_hours": "Median wait"},
        hours=["median_hours"], note=str(frame.attrs.get("definition", "")),
    )  # fmt: skip


def role_pages(view: RaciPage) -> html.Html:
    """Return the card of the page's role; of all roles, one sheet each, where none is named."""
    roles = [r for r in view.matrix.roles if not view.role or r.id == view.role]
    if not roles:
        return html.note("The matrix has no roles yet.")
    return html.joined(*(html.sheet(r.label, _card(view, r.id)) for r in roles))


def _card(view: RaciPage, role: str) -> html.Html:
    space = view.page.workspace
    frame = raci.role_card(view.matrix, role, space.journey, view.policy, space.links())
    known = space.roles.role(role)
    held = [h.name for h in known.holders if h.on(view.policy.today)] if known else []
    letters = list(view.matrix.letters.letters)
    counts = [f"{sum(x in t.split('/') for t in frame['letters'])} times {x}" for x in letters]
    who = f"Held by {', '.join(held)}. " if held else "Nobody holds this role today. "
    words = html.lead(
        f"{who}{', '.join(c for c in counts if not c.startswith('0 ')) or 'No letter'}."
    )
    if frame.empty:
        return words
    columns = {"label": "What", "stage_label": "Stage", "letters": "Letters", "means": "What that means",
               "with": "Together with", "kpis": "Watched by"}  # fmt: skip
    if frame["volume"].notna().any():
        columns |= {"volume": "Volume", "load": "Load"}
    if frame["note"].any():
        columns["note"] = "Note"
    return html.joined(words, html.table(frame, labels=columns))


def notes(view: RaciPage) -> html.Html:
    """Return what the rules observed that may well be meant."""
    found = [f for f in view.findings() if f.severity == "info"]
    return (
        html.findings_list(found) if found else html.note("Nothing else was observed.", kind="good")
    )


def history(view: RaciPage) -> html.Html:
    """Return who saved the matrix when, newest first."""
    frame = view.page.workspace.history("raci")
    zone = view.page.workspace.settings.time_zone
    local = frame.assign(
        at=frame["at_utc"].dt.tz_convert(zone).dt.tz_localize(None) if len(frame) else []
    )
    return html.table(
        local, caption="Revisions of the matrix, newest first",
        labels={"rev": "Revision", "at": f"Saved ({zone})", "author": "By", "changes": "Places changed",
                "note": "Note"},
    )  # fmt: skip


def draft(view: RaciPage) -> html.Html:
    """Return what adopting the log as the plan would change, for people to decide."""
    if not view.has_tickets:
        return html.note(NO_TICKETS)
    space = view.page.workspace
    proposed = raci.draft_from_log(
        view.matrix, space.tickets(), space.roles, policy=view.policy, **view._days()
    )
    changes = raci.diff(view.matrix, proposed)
    if changes.empty:
        return html.note(
            "The plan gives the work to those who do it; there is nothing to adopt.", kind="good"
        )
    before, after = (_fit(view, m) for m in (view.matrix, proposed))
    return html.table(
        changes, caption=f"If what is done became the plan: {before} of the events would fit now, {after} then",
        labels={"touchpoint": "Touchpoint", "role": "Role", "before": "Plan", "after": "As it is done"},
        note="Nothing is changed here. Where people should follow the plan instead, talk to them; to adopt the "
        "draft, an analyst runs raci.adopt.",
    )  # fmt: skip


def _fit(view: RaciPage, matrix: raci.RaciMatrix) -> str:
    space = view.page.workspace
    x, n = raci.compare_with_log(matrix, space.tickets(), space.roles, **view._days()).conformance()
    return f"{x / n:.0%}" if n else "none"


def open_raci(workspace: str = "", segment: str = "all", **given: str) -> RaciPage:
    """Open the RACI page; wrong parameters are said on the page in one sentence, and it stops there.

    `given` are ``matrix``, ``window``, ``policy`` and ``role`` of `RaciPage`; in a dashboard the web address may name
    them too.
    """
    page = open_page("RACI", workspace=workspace, segment=segment, more=given, log_needed=False)
    with said_on_the_page():
        page.needs_journey()
        return RaciPage(page, **page.more)
