"""The paths' part of the journey page: sentences with numbers and certainty, then pictures and tables."""

import itertools
from typing import Any

import pandas as pd

from journey_widgets import journey as paths
from journey_widgets.errors import JourneyError
from journey_widgets.estimates import MIN_N, wilson
from journey_widgets.events.source import Source
from journey_widgets.journey import charts, path_charts
from journey_widgets.journey.map_layout import KIND_WORDS
from journey_widgets.journey.step_flow import step_flow, step_links
from journey_widgets.publish import html
from journey_widgets.publish.map_page import check_steps, contradictions
from journey_widgets.publish.page import Page, records, segments, with_funnel, with_log
from journey_widgets.publish.show import show
from journey_widgets.publish.small_groups import people

RECOVERABLE = 0.5
"""Share of the customers lost beyond the others' share that is assumed to be won back."""


@with_log
def flow_picture(page: Page, strongest: int = 30) -> Any:
    """Return the strongest paths on the map."""
    weights = ("count", "customers", "proba_out")
    steps = page.drawn(paths.transitions(page.index, ends=True, weights=weights))
    inner = steps[(steps["source"] != "path_start") & (steps["target"] != "path_end")]
    if not (inner["source"] != inner["target"]).any():
        return html.note(NOBODY)
    flow = paths.flow(page.journey, steps, top=strongest)
    return show(charts.flow_chart(flow), flow.sentence(), note=paths.definition(steps))


@with_log
def step_picture(page: Page, max_steps: int = 0) -> Any:
    """Return who is where at each step, and goes where next, after a sentence; by default as many as the page says."""
    max_steps = check_steps(max_steps or page.more.get("max_steps", "6"))
    whole = step_links(page.index, max_steps=max_steps)
    links = page.drawn(whole)
    if links.empty:
        return html.note(NOBODY)
    first = (
        whole[whole["step"] == 1].groupby("source")["customers"].sum().sort_values(ascending=False)
    )
    n, top = int(first.sum()), str(first.index[0])
    last = (whole["target"] == "(ended)") & (whole["step"] < max_steps)
    ended = whole[last]["customers"].sum()
    sentence = (
        f"{_share(page, int(first.iloc[0]), n)} of {n:,} customers begin at {page.labels().get(top, top)}; "
        f"{_share(page, int(ended), n)} have ended before step {max_steps}."
    )
    picture = path_charts.step_flow_chart(step_flow(links), page.labels())
    return show(picture, sentence, note=paths.definition(links))


NOBODY = "Too few customers went the same way to show it."


def pain_points(page: Page) -> pd.DataFrame:
    """Return where a group of customers is lost more often than the others, priced where orders say how."""
    if not page.has_log:
        return pd.DataFrame()
    if len(page.steps) < 2:
        return pd.DataFrame()
    owners = page.owners()
    kpis = {t.id: t.kpis[0].replace("_", " ") for t in page.journey.touchpoints if t.kpis}
    found = paths.pain_points(page.index, page.steps, worth=_worth(page), owners=owners, kpis=kpis)
    seen = found[found["lost"] >= page.least].reset_index(drop=True)
    seen.attrs = dict(found.attrs)
    return seen


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


@with_funnel
def pain_sentence(page: Page, found: pd.DataFrame) -> html.Html:
    """Return the pain points in one sentence."""
    if found.empty:
        return html.note(
            "No group of customers is certainly lost more often than the others.", kind="good"
        )
    row = records(found)[0]
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


@with_log
def pain_table(page: Page, found: pd.DataFrame) -> html.Html:
    """Return the pain points with owners, KPIs, losses and assumptions."""
    if len(page.steps) < 2:
        return html.note("Without a funnel no group can be held against the others.")
    labels = page.labels()
    shown = found.assign(
        touchpoint=[labels.get(t, t) for t in found["touchpoint"]],
        not_reached=[labels.get(t, t) for t in found["not_reached"]],
        accountable=[a or "nobody yet" for a in found["accountable"]],
    )
    shown.attrs = dict(found.attrs)
    rows = records(found)
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


@with_funnel
def went_instead(page: Page, found: pd.DataFrame) -> html.Html:
    """Return what the customers did instead who were lost at the worst pain point, or at the worst step."""
    steps = page.steps
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
        caption=f"What the {people(frame['n'].max()) if len(frame) else 0} customers did next who were lost after "
        f"{names.get(steps[step - 2], steps[step - 2])}",
        labels={"touchpoint": "Then", "customers": "Customers", "share": "Share", "low": "at least", "high": "at most"},
        percent=["share", "low", "high"], note=paths.definition(frame),
    )  # fmt: skip


@with_log
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
        frame = page.comparable(paths.compare(a, b))
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


@with_log
def designed(page: Page) -> html.Html:
    """Return the designed journey against the paths taken."""
    frame = paths.conformance(page.index, page.journey)
    frame = page.shown(frame, "customers", "skipped", "done", "repeated", "unplanned", "unmapped")
    return html.table(
        frame, caption="Designed and taken",
        labels={"label": "Touchpoint", "events": "Events", "done": "As designed", "repeated": "Repeated",
                "unplanned": "Not designed", "unmapped": "Not on the map", "skipped": "Skipped by", "n": "of",
                "skipped_share": "Share", "low": "at least", "high": "at most"},
        percent=["skipped_share", "low", "high"], note=paths.definition(frame),
    )  # fmt: skip


@with_log
def ways(page: Page) -> html.Html:
    """Return the designed ways with what was measured on each."""
    whole = paths.ways(page.index, page.journey)
    frame = page.shown(whole)
    unused = int((whole["count"] == 0).sum())
    caption = f"{len(frame)} designed ways, {unused} of them never taken"
    return html.table(
        frame, caption=caption,
        labels={"source_label": "From", "target_label": "To", "kind": "Kind", "count": "Times taken",
                "customers": "Customers", "share": "Share of what follows", "low": "at least", "high": "at most",
                "time_median_hours": "Median time"},
        percent=["share", "low", "high"], hours=["time_median_hours"], note=paths.definition(frame),
    )  # fmt: skip


@with_log
def by_persona(page: Page) -> html.Html:
    """Return how far the customers of each persona get."""
    frame = page.shown(paths.funnel_by_persona(page.index, page.journey), "customers", "drop_off")
    if frame.empty:
        return html.note("No persona names a segment of the log, so none can be counted.")
    labels = page.labels()
    steps = zip(frame["lost_before"], frame["drop_off"], strict=True)
    shown = frame.assign(lost_before=["" if pd.isna(n) else labels.get(s, s) for s, n in steps])
    shown.attrs = dict(frame.attrs)
    last = labels.get(page.steps[-1], page.steps[-1])
    return html.table(
        shown, caption=f"How many of each persona reach {last}",
        labels={"label": "Persona", "segment": "Segment", "n": "Customers", "customers": f"Reach {last}",
                "share": "Share", "low": "at least", "high": "at most", "certainty": "Certainty",
                "lost_before": "Most lost before", "drop_off": "Lost there"},
        percent=["share", "low", "high"], note=paths.definition(frame),
    )  # fmt: skip


@with_funnel
def channels(page: Page) -> html.Html:
    """Return where the same step works better in one channel than in the others."""
    if "channel" not in page.log.table.columns:
        return html.note("The event log names no channel, so channels cannot be compared.")
    labels = page.labels()
    found = []
    for here, then in itertools.pairwise(page.steps):
        frame = page.shown(paths.by_channel(page.index, here, then))
        if len(frame) > 1:
            found.append(frame.assign(at=labels.get(here, here), then=labels.get(then, then)))
    if not found:
        return html.note("Every step of the funnel happens in one channel only.", kind="good")
    whole = pd.concat(found, ignore_index=True)
    whole["verdict"] = [
        "too few"
        if pd.isna(d) or c != "sufficient"
        else ("better" if d > 0 else "worse")
        if differs
        else ""
        for d, differs, c in zip(
            whole["difference"], whole["differs"], whole["certainty"], strict=True
        )
    ]
    many = int(whole["verdict"].isin(["better", "worse"]).sum())
    words = (
        f"{many} of {len(whole)} differ from the other channels beyond chance"
        if many
        else "none certainly differs"
    )
    return html.table(
        whole, caption=f"The same step, channel by channel: {words}",
        labels={"at": "At", "then": "Success is", "channel": "Channel", "n": "Customers", "customers": "Succeed",
                "share": "Share", "low": "at least", "high": "at most", "verdict": "Against the others"},
        percent=["share", "low", "high"], note=paths.definition(found[0]),
    )  # fmt: skip


@with_log
def retention(page: Page) -> Any:
    """Return how many come back, month by month."""
    frame = paths.retention(page.index, time_zone=page.workspace.settings.time_zone)
    later = frame[frame["offset"] == 1]
    if later.empty:
        return html.note("No month is over yet for anybody who began; retention needs one.")
    back, n = int(later["customers"].sum()), int(later["n"].sum())
    sentence = (
        f"{_share(page, back, n)} of {n:,} customers come back in the month after they began."
    )
    drawn = page.drawn(frame)
    if drawn.empty:
        return html.note(NOBODY)
    return show(path_charts.retention_chart(drawn), sentence, note=paths.definition(drawn))


def what_next(page: Page, found: pd.DataFrame) -> html.Html:
    """Return what to do next, each step with who does it."""
    labels = page.labels()
    todo = [
        f"{row['accountable'] or 'Somebody to be named'}: find out why {row['group'].replace('=', ' ')} is lost "
        f"between {labels.get(row['touchpoint'], row['touchpoint'])} and "
        f"{labels.get(row['not_reached'], row['not_reached'])} "
        f"({row['excess_customers']:,.0f} customers more than the others lose)."
        for row in records(found.head(3))
    ]
    todo += [
        f"{item.owner or 'Somebody to be named'}: {KIND_WORDS[item.kind].lower()} of high severity, “{item.label}”."
        for item in page.journey.items
        if item.state == "open" and item.severity == "high" and item.kind == "pain_point"
    ]
    todo += [f"{f.message} {f.question}" for f in contradictions(page)]
    covered = records(paths.map_quality(page.journey))[1]
    bare = covered["n"] - covered["touchpoints"]
    if bare:
        who = page.journey.owner or "Somebody to be named"
        todo.append(
            f"{who}: {bare} touchpoints have no claim backed by data; ask or count there first."
        )
    return html.numbered(todo) if todo else html.note("Nothing stands out.", kind="good")


def _share(page: Page, x: int, n: int) -> str:
    if 0 < x < page.least or n < page.least:
        return "A few"
    if n < MIN_N:
        return f"{x} (too few to say a share)"
    low, high = (float(v) for v in wilson(x, n))
    return f"{x / n:.0%} (95 % interval {low:.0%} to {high:.0%})"
