"""The journey map's page: sentences with numbers and certainty, then the pictures and tables behind them."""

from typing import Any, cast

import pandas as pd

from journey_widgets import journey as paths
from journey_widgets.errors import JourneyError, ParameterError
from journey_widgets.estimates import MIN_N, wilson
from journey_widgets.events.source import Source
from journey_widgets.findings import Finding
from journey_widgets.journey import charts, path_charts
from journey_widgets.journey.document import Journey
from journey_widgets.journey.edits import OWN_FIELDS, remedies
from journey_widgets.journey.map_chart import map_chart
from journey_widgets.journey.map_layout import KIND_WORDS, MARKS, map_layout
from journey_widgets.journey.step_flow import step_flow, step_links
from journey_widgets.journey.widget import JourneyMapEditor, MapSaved
from journey_widgets.merging import MISSING, Clash
from journey_widgets.publish import html
from journey_widgets.publish.modes import mode
from journey_widgets.publish.page import TO_BE, Page, segments
from journey_widgets.publish.show import show
from journey_widgets.workspace import Conflict

RECOVERABLE = 0.5
"""Share of the customers lost beyond the others' share that is assumed to be won back."""


def curve(page: Page) -> pd.DataFrame:
    """Return the emotion curve of the page's journey, with answers where there are any."""
    return page.shown(paths.emotion(page.journey, _answers(page)), "n")


def _answers(page: Page) -> Any:
    if "answers" not in page.workspace.sources.present():
        return None
    table = page.workspace.answers().table
    return table if {"touchpoint", "score", "scale"} <= set(table.columns) else None


def in_short(page: Page) -> html.Html:
    """Return what the map says and stands on, in a few sentences."""
    j = page.journey
    felt = curve(page)
    covered = _records(paths.map_quality(j))[1]
    answered = felt[felt["n"] > 0]
    pains = [i for i in j.items if i.kind == "pain_point" and i.state == "open"]
    high = sum(i.severity == "high" for i in pains)
    reviewed = f"last reviewed on {j.reviewed_on:%-d %B %Y}" if j.reviewed_on else "never reviewed"
    kept = f" and is looked after by {j.owner}" if j.owner else ""
    many = f"{len(pains)} open pain point{'s' if len(pains) != 1 else ''}"
    sentences = [
        f"The map shows {len(j.touchpoints)} touchpoints in {len(j.stages)} stages; it was {reviewed}{kept}.",
        f"{covered['touchpoints']} of {covered['n']} touchpoints have a claim backed by data.",
        f"{many}{f', {high} of high severity' if high else ''}.",
    ]
    if len(answered):
        worst = _records(answered.sort_values("value"))[0]
        sentences.append(
            f"Customers answered about {len(answered)} touchpoints; the lowest mean is at {worst['label']}, "
            f"{worst['value']:+.1f} on a scale from -2 to 2 (95 % interval {worst['low']:+.1f} to "
            f"{worst['high']:+.1f}, {int(worst['n']):,} answers)."
        )
    return html.lead(" ".join(sentences))


def the_map(page: Page, view: str = "team") -> Any:
    """Return the map: to edit where that is possible, as a picture elsewhere."""
    owners = page.owners()
    accountable = dict(zip(owners["touchpoint"], owners["accountable"], strict=True))
    felt = curve(page)
    if page.may_edit and mode() != "report":
        edit = _MapEdit(page)
        return JourneyMapEditor(edit.journey, curve=felt, owners=accountable, on_save=edit.save)
    layout = map_layout(page.journey, curve=felt, owners=accountable, view=view)
    return show(
        map_chart(layout), layout.sentence(), wide=True,
        note="Line: mean of customers' answers with its 95 % interval; dashes: judged by the team. "
        "P pain point, M moment of truth, O opportunity, Q question; a dark rim means high severity, a "
        "dashed card that its review is due. Scroll sideways where the page is narrower than the map.",
    )  # fmt: skip


class _MapEdit:
    """An edit of the map in progress: it knows the revision that the person sees."""

    def __init__(self, page: Page) -> None:
        self._space, self._note = page.workspace, f"edited in {page.title}"
        self._kind = "journey_to_be" if page.version == TO_BE else "journey"
        self.journey, self._rev = page.journey, 0
        if self._space.rev(self._kind):
            newest, self._rev = self._space.newest(self._kind)
            self.journey = cast("Journey", newest)

    def save(self, journey: Journey) -> MapSaved:
        """Save on top of the revision the person saw; say what came of it, in words."""
        result = self._space.save(journey, note=self._note, base_rev=self._rev)
        if isinstance(result, Conflict):
            return self._disputed(result)
        self._rev = result.rev
        saved = cast("Journey", result.document)
        if not result.changed:
            return MapSaved(f"Nothing new to save (revision {result.rev})", saved)
        merged = ", with others' edits merged in" if result.merged else ""
        loose = len(remedies(saved)) - len(remedies(journey))
        if loose > 0:
            merged += (
                "; something now points to a part that somebody else deleted, see below the map"
            )
        return MapSaved(f"Saved as revision {result.rev}{merged}", saved)

    def _disputed(self, conflict: Conflict) -> MapSaved:
        if not conflict.clashes:
            msg = f"{conflict} Run the page again to see it as it is now."
            raise JourneyError(msg)
        self._rev = conflict.theirs_rev
        clashes = [_clash(c, self.journey) for c in conflict.clashes]
        many = f"{len(clashes)} places were" if len(clashes) > 1 else "One place was"
        text = (
            f"Not saved yet: {many} changed by somebody else too. What you see is yours; save again to keep "
            "it, or take theirs where that is offered."
        )
        return MapSaved(text, cast("Journey", conflict.keeping_mine()), tuple(clashes))


def _clash(clash: Clash, journey: Journey) -> dict[str, Any]:
    """Return a clash in words, with the edits that take the other person's side."""
    many, *rest = clash.path
    theirs, mine = ("" if v is MISSING else v for v in (clash.theirs, clash.mine))
    gone = clash.theirs is MISSING
    if not rest:
        edits = [] if gone else [{"op": "set", "list": "journey", "field": many, "value": theirs}]
        name = many.replace("_", " ")
        if many not in OWN_FIELDS:
            edits = []
        return {
            "words": f"{name}: somebody else wrote {_told(theirs)}, you wrote {_told(mine)}.",
            "edits": edits,
        }
    if rest == ["order"]:
        return {
            "words": f"The order of the {many}: somebody else moved some too; yours is shown.",
            "edits": [],
        }
    part = rest[0]
    label = next(
        (p.label for p in getattr(journey, many, ()) if p.id == part and hasattr(p, "label")), part
    )
    if len(rest) == 1:
        if gone:
            words = f"{label}: somebody else deleted it, you changed it."
            return {"words": words, "edits": [{"op": "remove", "list": many, "id": part}]}
        if clash.mine is MISSING:
            words = f"{label}: you deleted it, somebody else changed it."
            return {
                "words": words,
                "edits": [{"op": "add", "list": many, "part": theirs, "before": None}],
            }
        return {"words": f"{label}: both of you added it, differently.", "edits": []}
    field = rest[1]
    words = f"{label}, {field.replace('_', ' ')}: somebody else wrote {_told(theirs)}, you wrote {_told(mine)}."
    if len(rest) > 2:
        return {"words": words, "edits": []}
    value = None if gone else theirs
    return {
        "words": words,
        "edits": [{"op": "set", "list": many, "id": part, "field": field, "value": value}],
    }


def _told(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(str(v) for v in value) or "nothing"
    return f"“{value}”" if value != "" else "nothing"


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
    if answers is None or "customer_id" not in answers.columns or not known:
        return html.note("No persona names a segment of the log, or no answers say whose they are.")
    frame = page.drawn(paths.emotion_by_persona(page.journey, answers, page.index), "n")
    enough = frame[frame["certainty"] == "sufficient"]
    pairs = [
        (one, other)
        for _place, rows in enough.groupby("place")
        for one in _records(rows)
        for other in _records(rows)
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
    found = contradictions(page)
    if not found:
        return html.note("No judgement is contradicted by answers.", kind="good")
    return html.findings_list(found)


def flow_picture(page: Page, strongest: int = 30) -> Any:
    """Return the strongest paths on the map."""
    weights = ("count", "customers", "proba_out")
    steps = page.drawn(paths.transitions(page.index, ends=True, weights=weights))
    flow = paths.flow(page.journey, steps, top=strongest)
    return show(charts.flow_chart(flow), flow.sentence(), note=paths.definition(steps))


def step_picture(page: Page, max_steps: int) -> Any:
    """Return who is where at each step, and goes where next, after a sentence."""
    links = page.drawn(step_links(page.index, max_steps=check_steps(max_steps)))
    first = (
        links[links["step"] == 1].groupby("source")["customers"].sum().sort_values(ascending=False)
    )
    n, top = int(first.sum()), str(first.index[0])
    ended = links[(links["target"] == "(ended)") & (links["step"] < max_steps)]["customers"].sum()
    sentence = (
        f"{_share(int(first.iloc[0]), n)} of {n:,} customers begin at {page.labels().get(top, top)}; "
        f"{_share(int(ended), n)} have ended before step {max_steps}."
    )
    picture = path_charts.step_flow_chart(step_flow(links), page.labels())
    return show(picture, sentence, note=paths.definition(links))


NO_FUNNEL = (
    "The journey names no funnel of two steps or more that occur in this log. Add funnel: with touchpoint "
    "ids in order to it."
)


def _steps(page: Page) -> list[str]:
    """Return the steps of the map's funnel that occur in the log."""
    known = set(page.index.touchpoints)
    return [s for s in page.journey.funnel if s in known]


def pain_points(page: Page) -> pd.DataFrame:
    """Return where a group of customers is lost more often than the others, priced where orders say how."""
    steps = _steps(page)
    if len(steps) < 2:
        return paths.pain_points(page.index, [page.index.touchpoints[0]] * 2, by=[])
    owners = page.owners()
    kpis = {t.id: t.kpis[0].replace("_", " ") for t in page.journey.touchpoints if t.kpis}
    return paths.pain_points(page.index, steps, worth=_worth(page), owners=owners, kpis=kpis)


def _worth(page: Page) -> paths.Worth | None:
    """Return the mean margin of an order, where order lines say it; otherwise its mean amount."""
    if "order_lines" not in page.workspace.sources.present():
        return None
    source: Source = page.workspace.order_lines()
    what = "margin" if "margin" in source.table.columns else "amount"
    line = source.table
    totals = line.group_by("order_id").agg(total=line[what].sum())
    mean = totals.agg(mean=totals.total.mean()).to_pyarrow().to_pylist()[0]["mean"]
    if mean is None or mean < 0:
        return None
    return paths.Worth(float(mean), RECOVERABLE, source.currency or "", f"mean {what} of an order")


def pain_sentence(page: Page, found: pd.DataFrame) -> html.Html:
    """Return the pain points in one sentence."""
    if len(_steps(page)) < 2:
        return html.note(NO_FUNNEL)
    if found.empty:
        return html.note(
            "No group of customers is certainly lost more often than the others.", kind="good"
        )
    row = _records(found)[0]
    labels = page.labels()
    cost = ""
    if pd.notna(row["loss"]):
        cost = (
            f" If {row['recoverable']:.0%} of that can be won back, it is worth {row['loss']:,.0f} {row['currency']} "
            f"({row['loss_low']:,.0f} to {row['loss_high']:,.0f})."
        )
    more = f" {len(found) - 1} more are listed below." if len(found) > 1 else ""
    return html.lead(
        f"Most is lost between {labels.get(row['touchpoint'], row['touchpoint'])} and "
        f"{labels.get(row['not_reached'], row['not_reached'])} with {row['group'].replace('=', ' ')}: "
        f"{row['lost_share']:.0%} of {int(row['customers']):,} customers do not go on, against "
        f"{row['others_lost_share']:.0%} of the others ({row['low']:+.0%} to {row['high']:+.0%}); that is "
        f"{row['excess_customers']:,.0f} customers more than at the others' share.{cost} "
        f"Accountable: {row['accountable'] or 'nobody yet'}.{more}"
    )


def pain_table(page: Page, found: pd.DataFrame) -> html.Html:
    """Return the pain points with owners, KPIs, losses and assumptions."""
    labels = page.labels()
    shown = found.assign(
        touchpoint=[labels.get(t, t) for t in found["touchpoint"]],
        not_reached=[labels.get(t, t) for t in found["not_reached"]],
        accountable=[a or "nobody yet" for a in found["accountable"]],
    )
    shown.attrs = dict(found.attrs)
    rows = _records(found)
    shown = shown.assign(
        gap=[f"{r['low']:+.0%} to {r['high']:+.0%}" for r in rows],
        more=[
            f"{r['excess_customers']:,.0f} ({r['excess_low']:,.0f} to {r['excess_high']:,.0f})"
            for r in rows
        ],
        worth=[f"{r['loss']:,.0f} ({r['loss_low']:,.0f} to {r['loss_high']:,.0f})" for r in rows],
    )
    currency = str(rows[0]["currency"]) if rows else ""
    columns = {
        "touchpoint": "Lost at", "not_reached": "Do not reach", "group": "Group", "customers": "Customers",
        "lost_share": "Lost", "others_lost_share": "Others lose", "gap": "Difference, 95 %",
        "more": "More customers than the others", "worth": f"Loss, {currency}" if currency else "Loss",
        "accountable": "Accountable", "kpi": "KPI",
    }  # fmt: skip
    if found["loss"].isna().all():
        columns.pop("worth")
    if not any(r["kpi"] for r in rows):
        columns.pop("kpi")
    return html.table(
        shown, caption="Where a group of customers is lost more often than the others", labels=columns,
        percent=["lost_share", "others_lost_share"], note=paths.definition(found),
    )  # fmt: skip


def went_instead(page: Page, found: pd.DataFrame) -> html.Html:
    """Return what the customers did instead who were lost at the worst pain point, or at the worst step."""
    steps = _steps(page)
    if len(steps) < 2:
        return html.note(NO_FUNNEL)
    if found.empty:
        losses = paths.funnel(page.index, steps)
        step = int(losses["drop_off"].iloc[1:].argmax()) + 2
    else:
        step = steps.index(str(found.iloc[0]["not_reached"])) + 1
    frame = page.shown(paths.went_instead(page.index, steps, step))
    names = {**page.labels(), "path_end": "(nothing more)"}
    shown = frame.assign(touchpoint=[names.get(t, t) for t in frame["touchpoint"]])
    return html.table(
        shown.head(8),
        caption=f"What the {int(frame['n'].max()) if len(frame) else 0:,} customers did next who were lost after "
        f"{names.get(steps[step - 2], steps[step - 2])}",
        labels={"touchpoint": "Then", "customers": "Customers", "share": "Share", "low": "at least", "high": "at most"},
        percent=["share", "low", "high"], note=paths.definition(frame),
    )  # fmt: skip


def difference(page: Page, found: pd.DataFrame) -> Any:
    """Return how the paths of the worst pain point's group differ from the others'."""
    known = segments(page.log)
    if page.segment != "all":
        return html.note(
            "The page is about one group; open it for all customers to compare groups."
        )
    if found.empty and not known:
        return html.note(
            "The event log keeps no column to form groups by. Name some under keep in its mapping."
        )
    column, _e, value = (
        str(found.iloc[0]["group"]).partition("=") if len(found) else (next(iter(known)), "", "")
    )
    value = value or known[column][0]
    try:
        a, b = paths.groups(page.index, column, value)
        frame = paths.compare(a, b)
    except JourneyError as error:
        return html.note(str(error))
    higher = frame["verdict"].str.startswith("higher").sum()
    tested = (frame["verdict"] != "too few").sum()
    sentence = (
        f"{column.capitalize()} {value} (a) against everyone else (b): {higher} of {tested} steps differ "
        "beyond chance; "
        f"{(frame['verdict'] == 'too few').sum()} have too few customers."
    )
    return show(
        path_charts.difference_chart(frame, page.labels()), sentence, note=paths.definition(frame)
    )


def designed(page: Page) -> html.Html:
    """Return the designed journey against the paths taken."""
    frame = page.shown(paths.conformance(page.index, page.journey), "skipped", "customers")
    return html.table(
        frame, caption="Designed and taken",
        labels={"label": "Touchpoint", "events": "Events", "done": "As designed", "repeated": "Repeated",
                "unplanned": "Not designed", "unmapped": "Not on the map", "skipped": "Skipped by", "n": "of",
                "skipped_share": "Share", "low": "at least", "high": "at most"},
        percent=["skipped_share", "low", "high"], note=paths.definition(frame),
    )  # fmt: skip


def retention(page: Page) -> Any:
    """Return how many come back, month by month."""
    frame = paths.retention(page.index, time_zone=page.workspace.settings.time_zone)
    later = frame[frame["offset"] == 1]
    if later.empty:
        return html.note("No month is over yet for anybody who began; retention needs one.")
    back, n = int(later["customers"].sum()), int(later["n"].sum())
    sentence = f"{_share(back, n)} of {n:,} customers come back in the month after they began."
    drawn = page.drawn(frame)
    return show(path_charts.retention_chart(drawn), sentence, note=paths.definition(drawn))


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


def what_next(page: Page, found: pd.DataFrame) -> html.Html:
    """Return what to do next, each step with who does it."""
    labels = page.labels()
    todo = [
        f"{row['accountable'] or 'Somebody to be named'}: find out why {row['group'].replace('=', ' ')} is lost "
        f"between {labels.get(row['touchpoint'], row['touchpoint'])} and "
        f"{labels.get(row['not_reached'], row['not_reached'])} "
        f"({row['excess_customers']:,.0f} customers more than the others lose)."
        for row in _records(found.head(3))
    ]
    todo += [
        f"{item.owner or 'Somebody to be named'}: {KIND_WORDS[item.kind].lower()} of high severity, “{item.label}”."
        for item in page.journey.items
        if item.state == "open" and item.severity == "high" and item.kind == "pain_point"
    ]
    todo += [f"{f.message} {f.question}" for f in contradictions(page)]
    covered = _records(paths.map_quality(page.journey))[1]
    bare = covered["n"] - covered["touchpoints"]
    if bare:
        who = page.journey.owner or "Somebody to be named"
        todo.append(
            f"{who}: {bare} touchpoints have no claim backed by data; ask or count there first."
        )
    return html.numbered(todo) if todo else html.note("Nothing stands out.", kind="good")


def _records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    return [{str(k): v for k, v in row.items()} for row in frame.to_dict("records")]


def _share(x: int, n: int) -> str:
    if n < MIN_N:
        return f"{x} (too few to say a share)"
    low, high = (float(v) for v in wilson(x, n))
    return f"{x / n:.0%} (95 % interval {low:.0%} to {high:.0%})"


def check_steps(max_steps: int) -> int:
    """Return the number of steps to show; one that cannot be drawn is a `ParameterError`."""
    if not 2 <= max_steps <= 20:
        msg = f"max_steps is {max_steps}; 2 to 20 was needed."
        raise ParameterError(msg)
    return max_steps
