"""The map's part of the journey page: the picture, what was noted, how it feels, what it stands on."""

from typing import Any, cast, get_args

import pandas as pd

from journey_widgets import journey as paths
from journey_widgets.errors import ParameterError, did_you_mean
from journey_widgets.findings import Finding
from journey_widgets.journey import path_charts
from journey_widgets.journey.document import Journey
from journey_widgets.journey.map_chart import map_chart
from journey_widgets.journey.map_layout import KIND_WORDS, MARKS, View, map_layout
from journey_widgets.journey.widget import JourneyMapEditor
from journey_widgets.publish import html
from journey_widgets.publish.map_edit import MapEdit
from journey_widgets.publish.modes import mode
from journey_widgets.publish.page import AS_IS, Page, open_page, records, said_on_the_page
from journey_widgets.publish.period import ALL
from journey_widgets.publish.scorecard_view import ScorecardPage, in_words
from journey_widgets.publish.show import show
from journey_widgets.scorecard.status import SHAPES


def open_map(
    workspace: str = "", segment: str = ALL, period: str = ALL, version: str = AS_IS, max_steps: int = 6,
    view: str = "team",
) -> Page:  # fmt: skip
    """Open the page of the map; the web address may name each of its parameters."""
    more = {"max_steps": str(max_steps), "view": view}
    page = open_page(
        "Journey map", workspace=workspace, segment=segment, period=period, version=version, more=more, log_needed=False
    )  # fmt: skip
    with said_on_the_page():
        if page.more["view"] not in get_args(View):
            msg = f"There is no view {page.more['view']!r}. {did_you_mean(page.more['view'], get_args(View))}"
            raise ParameterError(msg)
        check_steps(page.more["max_steps"])
        page.needs_journey()
    return page


def check_steps(max_steps: int | str) -> int:
    """Return the number of steps to show; one that cannot be drawn is a `ParameterError`."""
    text = str(max_steps)
    if not (text.isdecimal() and text.isascii() and len(text) < 4 and 2 <= int(text) <= 20):
        msg = f"max_steps is {text}; 2 to 20 was needed."
        raise ParameterError(msg)
    return int(text)


def curve(page: Page) -> pd.DataFrame:
    """Return the emotion curve of the page's journey, with answers where there are any."""
    return page.shown(paths.emotion(page.journey, _answers(page)), "people")


def _answers(page: Page) -> Any:
    if "answers" not in page.workspace.sources.present():
        return None
    table = page.workspace.answers().table
    return table if {"touchpoint", "score", "scale"} <= set(table.columns) else None


def in_short(page: Page) -> html.Html:
    """Return what the map says and stands on, in a few sentences."""
    j = page.journey
    felt = curve(page)
    covered = records(paths.map_quality(j))[1]
    answered = felt[felt["value"].notna()]
    pains = [i for i in j.items if i.kind == "pain_point" and i.state == "open"]
    high = sum(i.severity == "high" for i in pains)
    reviewed = f"last reviewed on {j.reviewed_on:%-d %B %Y}" if j.reviewed_on else "never reviewed"
    kept = f" and is looked after by {j.owner}" if j.owner else ""
    many = f"{len(pains)} open pain point{'s' if len(pains) != 1 else ''}"
    sentences = [
        f"The map shows {_where(j)}; it was {reviewed}{kept}.",
        f"{covered['touchpoints']} of {covered['n']} touchpoints have a claim backed by data.",
        f"{many}{f', {high} of high severity' if high else ''}.",
    ]
    if len(answered):
        worst = records(answered.sort_values("value"))[0]
        sentences.append(
            f"Customers answered about {len(answered)} touchpoints; the lowest mean is at {worst['label']}, "
            f"{worst['value']:+.1f} on a scale from -2 to 2 (95 % interval {worst['low']:+.1f} to "
            f"{worst['high']:+.1f}, {int(worst['n']):,} answers)."
        )
    return html.lead(" ".join([*sentences, _off_the_map(page)]).strip())


def _where(journey: Journey) -> str:
    """Return how many touchpoints there are, in how many stages, and how many stages are empty."""
    stages = len({t.stage for t in journey.touchpoints})
    empty = len(journey.stages) - stages
    many = len(journey.touchpoints)
    said = (
        f"{many} touchpoint{'s' if many != 1 else ''} in {stages} stage{'s' if stages != 1 else ''}"
    )
    if empty:
        said += f" ({empty} more stage{'s have' if empty != 1 else ' has'} none yet)"
    return said


def _off_the_map(page: Page) -> str:
    """Return how much of the log happens at no touchpoint of the map, where that is more than half."""
    visits = page.visits()
    known = {t.id for t in page.journey.touchpoints}
    total, off = sum(visits.values()), sum(n for name, n in visits.items() if name not in known)
    if not total or off <= total / 2:
        return ""
    return (
        f"{off:,} of {total:,} events of the log are at no touchpoint of the map: name the touchpoint of each "
        "event under touchpoints in sources.yaml."
    )


def the_map(page: Page, view: str = "") -> Any:
    """Return the map: to edit where that is possible, as a picture elsewhere, in the view of the page."""
    owners = page.owners()
    accountable = dict(zip(owners["touchpoint"], owners["accountable"], strict=True))
    felt = curve(page)
    if page.may_edit and mode() != "report":
        edit = MapEdit(page)
        return JourneyMapEditor(edit.journey, curve=felt, owners=accountable, on_save=edit.save)
    layout = map_layout(
        page.journey,
        curve=felt,
        owners=accountable,
        kpis=_beside_touchpoints(page),
        view=cast("View", view or page.more.get("view", "team")),
    )
    return show(
        map_chart(layout), layout.sentence(), wide=True,
        note="Line: mean of customers' answers with its 95 % interval; dashes: judged by the team. "
        "P pain point, M moment of truth, O opportunity, Q question; a dark rim means high severity, a "
        "dashed card that its review is due. Scroll sideways where the page is narrower than the map.",
    )  # fmt: skip


def _beside_touchpoints(page: Page) -> dict[str, str]:
    """Return touchpoint → value, shape and name of its KPI; of several, of the one farthest from its target."""
    view = ScorecardPage(page)
    there = view.there
    if there.empty:
        return {}
    worst = there.sort_values("gap", ascending=False, na_position="last", kind="stable")
    rows = worst.drop_duplicates("touchpoint").to_dict("records")
    return {
        str(
            r["touchpoint"]
        ): f"{view.said(r, 'value')} {SHAPES.get(r['status'], '')} {r['label']}".replace("  ", " ")
        for r in rows
    }


def measured(page: Page) -> html.Html:
    """Return the KPIs at the touchpoints: value, certainty, target, status and owner, as the scorecard has them."""
    view = ScorecardPage(page)
    there = view.there
    if view.nothing_there:
        return html.note(view.nothing_there)
    if there.empty:
        return html.note(
            "No touchpoint names a KPI that the scorecard measures: write its id under kpis of the touchpoint."
        )
    rows = [
        {
            "Touchpoint": r["touchpoint_label"], "KPI": r["label"], "Value": view.said(r, "value"),
            "Likely between": view.between(r), "n": r["n"], "Target": view.said(r, "target"),
            "Status": view.status(r), "Owner": view.owner(r["owner"]),
        }
        for r in there.to_dict("records")
    ]  # fmt: skip
    when = in_words(there["period"].iloc[0], view.length)
    return html.table(
        pd.DataFrame(rows), caption=f"What is measured at the touchpoints, {when}",
        note="The same figures as on the scorecard.",
    )  # fmt: skip


def noted(page: Page) -> html.Html:
    """Return everything that was noted on the map, with its mark, owner and evidence."""
    j = page.journey
    labels, stages = page.labels(), {s.id: s.label for s in j.stages}
    found = paths.claims(j)
    found = found[found["claim"] != "emotion"]
    if found.empty:
        return html.note(
            "Nothing is noted on the map yet: no pain point, moment of truth or opportunity."
        )
    number = found.groupby("claim").cumcount() + 1
    frame = found.assign(
        mark=[f"{MARKS[c]}{n}" for c, n in zip(found["claim"], number, strict=True)],
        kind=[KIND_WORDS[c] for c in found["claim"]],
        where=[labels.get(t) or stages.get(s, s) for t, s in zip(found["touchpoint"], found["stage"], strict=True)],
        owner=[o or "nobody yet" for o in found["owner"]],
    )  # fmt: skip
    return html.table(
        frame, caption="What was noted, and what it stands on",
        labels={"mark": "Mark", "kind": "Kind", "label": "What", "where": "Where", "severity": "Severity",
                "owner": "Owner", "state": "State", "grade": "Evidence is", "evidence": "From"},
    )  # fmt: skip


def personas(page: Page) -> Any:
    """Return the measured curve of each persona of the map, after a sentence about the widest gap."""
    answers = _answers(page)
    known = [p for p in page.journey.personas if p.segment]
    if not page.has_log or answers is None or "customer_id" not in answers.columns or not known:
        return html.note("No persona names a segment of the log, or no answers say whose they are.")
    whole = paths.emotion_by_persona(page.journey, answers, page.index)
    frame = page.drawn(whole, "people")
    enough = frame[frame["certainty"] == "sufficient"]
    pairs = [
        (one, other)
        for _place, rows in enough.groupby("place")
        for one in records(rows)
        for other in records(rows)
        if one["value"] > other["value"]
    ]
    if not pairs:
        return html.note("Too few answers say whose they are to compare personas.")
    best, worst = max(pairs, key=lambda pair: pair[0]["value"] - pair[1]["value"])
    apart = best["low"] > worst["high"]
    sentence = (
        f"The widest gap is at {best['label']}: {best['persona_label']} {best['value']:+.2f} "
        f"({best['low']:+.2f} to {best['high']:+.2f}, {best['n']:,} answers), {worst['persona_label']} "
        f"{worst['value']:+.2f} ({worst['low']:+.2f} to {worst['high']:+.2f}, {worst['n']:,} answers); the "
        f"intervals {'do not overlap' if apart else 'overlap, so it may be chance'}."
    )
    return show(path_charts.persona_chart(frame), sentence, note=paths.definition(frame))


def contradictions(page: Page) -> list[Finding]:
    """Return where what the team judges and what customers answer do not fit."""
    return paths.contradictions(curve(page))


def contradictions_in_words(page: Page) -> html.Html:
    """Return the same as a list."""
    both = curve(page)
    found = contradictions(page)
    if not found and not (both["judged"].notna() & (both["n"] > 0)).any():
        return html.note("No touchpoint has both a judgement and answers to hold against it.")
    if not found:
        return html.note("No judgement is contradicted by answers.", kind="good")
    return html.findings_list(found)


def changes(page: Page) -> html.Html:
    """Return what the journey as it shall be changes."""
    frame = paths.compare_versions(page.workspace.journey, page.workspace.to_be)
    if frame.empty:
        return html.note(
            "No journey as it shall be is kept here yet; it would be listed against this one."
        )
    counts = frame["change"].value_counts()
    words = ", ".join(f"{n} {kind}" for kind, n in counts.items())
    return html.table(
        frame, caption=f"From the journey as it is to the one as it shall be: {words}",
        labels={"change": "Change", "part": "What", "label": "Name", "field": "Field",
                "before": "As it is", "after": "As it shall be"},
    )  # fmt: skip


def who_answered(page: Page) -> html.Html:
    """Return how many of those asked answered each question; the curve stands on them alone."""
    if "answers" not in page.workspace.sources.present():
        return html.note("This workspace has no answers to a survey.")
    given = "invitations" in page.workspace.sources.present()
    invited = page.workspace.invitations().table if given else None
    frame = paths.response_rates(page.workspace.answers().table, invited)
    frame = page.shown(frame, "answered", "blank", "invited")
    rated = records(frame[frame["response_rate"].notna()])
    sentence = (
        "Nobody noted how many people were invited, so nobody can say how many of them answered."
        if not rated
        else "Of those invited, {low:.0%} to {high:.0%} answered, depending on the question; the others may "
        "feel differently.".format(
            low=min(r["response_rate"] for r in rated), high=max(r["response_rate"] for r in rated)
        )
    )
    columns = {
        "question_id": "Question", "question_version": "Version", "scale": "Scale", "answered": "Answered",
        "blank": "Left blank", "invited": "Invited", "response_rate": "Response rate", "low": "at least",
        "high": "at most", "certainty": "Certainty",
    }  # fmt: skip
    return html.joined(
        html.lead(sentence),
        html.table(
            frame, caption="Who answered", labels=columns, percent=["response_rate", "low", "high"],
            note=paths.definition(frame),
        ),
    )  # fmt: skip


def behaviour(page: Page) -> html.Html:
    """Return what was counted on pages and screens, touchpoint by touchpoint."""
    if "behaviour" not in page.workspace.sources.present():
        return html.note("No totals of clicks or views are kept here.")
    frame = paths.behaviour(page.journey, page.workspace.behaviour().table)
    off = frame.loc[~frame["on_map"], "touchpoint"].nunique()
    lost = f"; {off} names are not on the map" if off else ""
    measure = [
        f"{m}, {u}" if u else m for m, u in zip(frame["measure"], frame["unit"], strict=True)
    ]
    frame = frame.assign(measure=measure)
    links = frame.groupby("label", sort=False)["links"].sum()
    counted = frame[frame["totals"] > 0]
    wide = counted.pivot_table(index="label", columns="measure", values="value", sort=False)
    names = {f"m{i}": str(m) for i, m in enumerate(wide.columns)}
    wide.columns = list(names)
    wide = wide.reindex(links.index).assign(links=links).reset_index()
    columns = {"label": "Touchpoint", **names}
    if any(wide["links"]):
        columns["links"] = "Recordings and heatmaps"
    return html.table(
        wide, caption=f"Counted on pages and screens{lost}", labels=columns, links=["links"],
        note=paths.definition(frame),
    )  # fmt: skip
