"""The scorecard page's words, tables and pictures: how it stands, what moved and whether it is real, who does what."""

import math
from datetime import UTC, datetime
from typing import Any

import pandas as pd

from journey_widgets.errors import JourneyError
from journey_widgets.findings import Finding
from journey_widgets.publish import html, standings
from journey_widgets.publish.document_edit import DocumentEdit
from journey_widgets.publish.figures import Figure
from journey_widgets.publish.modes import mode
from journey_widgets.publish.offers_beside import offers_beside
from journey_widgets.publish.period import ALL
from journey_widgets.publish.scorecard_view import (
    ScorecardPage,
    in_words,
    signals_in_words,
    with_standing,
)
from journey_widgets.publish.show import show, show_all
from journey_widgets.scorecard import cards, charts, words
from journey_widgets.scorecard.differences import mix_and_rate, weight_sensitivity
from journey_widgets.scorecard.document import Kpi, Scorecard
from journey_widgets.scorecard.measures import records
from journey_widgets.scorecard.restating import restated
from journey_widgets.scorecard.roll_up import change
from journey_widgets.scorecard.rules import balance, check
from journey_widgets.scorecard.signals import charted, funnel_limits
from journey_widgets.scorecard.standing import NOISE, REAL, alarms, held_against
from journey_widgets.scorecard.status import SHAPES, WORDS, status
from journey_widgets.scorecard.strategy import arrows
from journey_widgets.scorecard.strategy_layout import strategy_layout
from journey_widgets.scorecard.trade_offs import trade_offs
from journey_widgets.scorecard.widget import ScorecardEditor

MOST_CHARTS = 6


@with_standing
def in_short(view: ScorecardPage) -> html.Html:
    """Return the page's figures in boxes: the score, what needs somebody, what is red inside, what moved."""
    total, kpis = view.now.total, view.now.kpis
    found = alarms(view.now)
    real = kpis[kpis["moved"] == REAL]
    score: tuple[str | Figure, str]
    if total.score is None:
        score = (
            "withheld",
            f"{total.coverage or 0:.0%} of the weight is known; between {_two(total.low)} and {_two(total.high)}",
        )
    else:
        look = words.status_in_words(_status(view, total.score), "", certain=True, possible="")
        basis = (
            ""
            if total.coverage is None or total.coverage > 1 - 1e-9
            else f"; {total.coverage:.0%} of the weight known"
        )
        inside = f"; {len(total.masked)} red inside" if total.masked else ""
        shown = Figure(f"{total.score:.2f}", total.score)
        score = (shown, f"{look}, {view.when}{basis}{inside}")
    ways = [real["better"].map(lambda b, w=w: b is w).sum() for w in (True, False)]
    moved = (
        f"{ways[0]} for the better, {ways[1]} for the worse"
        if len(real)
        else "nothing to comment on"
    )
    return html.tiles(
        {
            view.scorecard.label: score,
            "Needs somebody": (str(len(found)), _first(found) or "no certain alarm"),
            "Really moved": (f"{len(real)} of {len(kpis)}", moved),
            "Within chance": (str(int((kpis["moved"] == NOISE).sum())), "KPIs whose change is no news"),
        }
    ).carrying(standings.MIME, standings.of_view(view))  # fmt: skip


def _status(view: ScorecardPage, score: float) -> str:
    return status(score, view.scorecard.rules())


def points(score: float) -> Figure:
    """Return a score as it is read, with all its decimals behind it."""
    return Figure("–" if math.isnan(score) else f"{score:.2f}", score)


def _two(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"


def _signed(value: float) -> str:
    """Return a difference of scores with its sign; none where it rounds to 0."""
    return "0.00" if abs(value) < 0.005 else f"{value:+.2f}"


def _first(found: pd.DataFrame) -> str:
    names = [str(v) for v in found["label"]] if len(found) else []
    return ", ".join(names)


@with_standing
def needs_somebody(view: ScorecardPage) -> html.Html:
    """Return the alarms, at most three: what, why, who owns it, what is being done."""
    found = alarms(view.now)
    if found.empty:
        return html.note(
            "Nothing is certainly at its worst, and nothing really got worse.", kind="good"
        )
    done: dict[str, list[str]] = {}
    for i in view.scorecard.initiatives:
        if i.status in ("planned", "running") and i.kpi:
            done.setdefault(i.kpi, []).append(f"{i.label} ({i.status})")
    rows = [
        {
            "KPI": r["label"], "Value": view.said(r, "value"),
            "Likely between": view.between(r),
            "Target": view.said(r, "target"), "Why": r["why"], "Owner": view.owner(r["owner"]),
            "Being done": "; ".join(done.get(r["kpi"], [])) or "nothing",
        }
        for r in found.to_dict("records")
    ]  # fmt: skip
    return html.table(pd.DataFrame(rows), caption=f"Certain alarms, {view.when}")


@with_standing
def the_cards(view: ScorecardPage, *only: str) -> html.Html:
    """Return the KPIs as cards, perspective by perspective."""
    shown = view.now
    pieces = []
    for p in view.scorecard.perspectives:
        own = [
            k
            for k, q in zip(shown.kpis["kpi"], shown.kpis["perspective"], strict=True)
            if q == p.id
        ]
        own = [k for k in own if not only or k in only]
        if own:
            markup = cards.to_html(
                shown,
                view.series,
                roles=view.roles,
                currency=view.currency,
                data_date=view.data_date,
                only=own,
                explained=view.explained(),
            )
            lines = html.table(_rows(view, own), caption=p.label).lines
            pieces.append(
                html.titled(p.label, html.raw(markup, f"{p.label}: {len(own)} KPIs", lines))
            )
    return html.joined(*pieces)


@with_standing
def behind_the_alarms(view: ScorecardPage) -> html.Html:
    """Return the cards of the KPIs that need somebody: each explains its number."""
    found = [str(k) for k in alarms(view.now)["kpi"]]
    return the_cards(view, *found) if found else html.note("No alarm to look behind.", kind="good")


@with_standing
def the_table(view: ScorecardPage) -> html.Html:
    """Return all KPIs as a table: the same figures as the cards and the report's CSV."""
    return html.table(_rows(view), caption=f"All KPIs, {view.when}")


def _rows(view: ScorecardPage, only: list[str] | None = None) -> pd.DataFrame:
    """Return the KPIs as the page shows them, each figure with its number beside it."""
    rows = [
        {
            "KPI": r["label"], "Perspective": view.labels[r["perspective"]], "Value": view.said(r, "value"),
            "Likely between": view.between(r), "n": r["n"], "Target": view.said(r, "target"),
            "Status": view.status(r), "Score": points(r["score"]), "Owner": view.owner(r["owner"]),
        }
        for r in view.now.kpis.to_dict("records")
        if only is None or r["kpi"] in only
    ]  # fmt: skip
    return pd.DataFrame(rows)


def grid(view: ScorecardPage) -> html.Html:
    """Return stages by perspectives, with what nobody looks at; also before anything is measured."""
    scores = _nodes(view)
    stages = {s.id: s.label for s in view.page.workspace.journey.stages}
    objectives = [
        (o.label, o.stage or "", o.perspective, _node_status(scores.get(o.id)))
        for o in view.scorecard.objectives
    ]
    markup = cards.grid_to_html(
        objectives, stages, {p.id: p.label for p in view.scorecard.perspectives}
    )
    return html.raw_table(markup, "Stages by perspectives")


def _nodes(view: ScorecardPage) -> dict[str, dict[Any, Any]]:
    """Return what each node comes to, by its id; nothing before anything is measured."""
    if view.quiet:
        return {}
    return {str(r["node"]): r for r in view.now.nodes().to_dict("records")}


def _node_status(row: dict[Any, Any] | None) -> str:
    if row is None:
        return words.STATES["no_data"]
    hidden = f", red inside: {len(row['hidden'].split(', '))}" if row["hidden"] else ""
    said = words.status_in_words(row["status"], row["state"], certain=True, possible="")
    return f"{said}{hidden}"


def balanced(view: ScorecardPage, *, radar: bool = False) -> Any:
    """Return how the weight is spread over the perspectives, and what each comes to; a radar beside it if asked for."""
    day = datetime.now(UTC).date() if view.quiet else view.now.period.date()
    shares, scores = balance(view.scorecard, day), _nodes(view)
    rows = []
    for p in view.scorecard.perspectives:
        many = sum(len(o.kpis) for o in view.scorecard.objectives if o.perspective == p.id)
        row = {"Perspective": p.label, "KPIs": many, "Weight of its KPIs": shares[p.id]}
        if found := scores.get(p.id):
            row |= {
                "Score": points(found["score"]), "Status": _node_status(found),
                "Of its KPIs": _counted(view, found), "Known": found["coverage"],
            }  # fmt: skip
        rows.append(row)
    least = f"{view.scorecard.least_coverage:.0%}"
    known = (
        f"Known: share of the weight with a score; where it is below {least} the score is withheld."
    )
    table = html.table(
        pd.DataFrame(rows), caption="Balance of the scorecard", percent=["Weight of its KPIs", "Known"],
        note=known if scores else "Nothing is measured yet.",
    )  # fmt: skip
    drawn = _radar(view) if radar and scores else None
    return table if drawn is None else show_all([drawn, table])


def _counted(view: ScorecardPage, row: dict[Any, Any]) -> str:
    """Return how many KPIs of a node have each status."""
    names = [r.status for r in view.scorecard.rules() if row[r.status]]
    return ", ".join(f"{SHAPES[n]} {row[n]} {WORDS[n]}" for n in names) or "–"


def _radar(view: ScorecardPage) -> Any:
    """Return the scores of the perspectives as a radar, this period and the one before; None for fewer than three."""
    rows = []
    for name, stood in (("before", view.before), ("now", view.now)):
        if stood is not None:
            scores = {c.name: c.score for c in stood.total.children}
            rows += [
                {"axis": p.label, "score": scores[p.id], "when": name}
                for p in view.scorecard.perspectives
                if scores.get(p.id) is not None
            ]
    known = [r["axis"] for r in rows if r["when"] == "now"]
    if len(known) < 3:
        return None
    drawn = pd.DataFrame([r for r in rows if r["axis"] in known])
    return show(
        charts.radar_chart(drawn), "Scores of the perspectives, 0 in the middle and 1 outside."
    )


@with_standing
def what_moved(view: ScorecardPage) -> html.Html:
    """Return what moved since the period before and whether it is real: performance apart from changed basis."""
    kpis = view.now.kpis
    sentences = [*_of_the_score(view)]
    real = kpis[kpis["moved"] == REAL]
    for r in real.to_dict("records"):
        way = {True: "better", False: "worse"}.get(r["better"], "different")
        by = view.said(r, "change", signed=True)
        sentences.append(
            f"{r['label']} is {way}: {view.said(r, 'before')} to {view.said(r, 'value')} ({by})."
        )
        sentences += _mixed(view, str(r["kpi"]))
    sentences += _paid_for(view)
    sentences += _late(view)
    chance = int((kpis["moved"] == NOISE).sum())
    if not len(real):
        sentences.append("No KPI really moved.")
    sentences.append(
        f"{chance} {'KPI' if chance == 1 else 'KPIs'} changed within chance: no comment is needed."
    )
    return html.numbered(sentences)


def _paid_for(view: ScorecardPage) -> list[str]:
    """Return which gains may have been paid for by KPIs they are linked to."""
    return [
        f"{view.labels[r['better']]} is better while {view.labels[r['worse']]}, which the strategy map links to it, is "
        "worse: is one paying for the other?"
        for r in trade_offs(view.scorecard, view.now).to_dict("records")
    ]


def _late(view: ScorecardPage) -> list[str]:
    """Return which values of closed periods late data changed: that is no performance."""
    if view.kept is None:
        return []
    found = restated(view.kept)
    few = found[["n", "first_n"]].min(axis=1) < view.page.least
    own = found[found["kpi"].isin(view.labels) & ~few]
    if own.empty:
        return []
    first = own.iloc[0]
    unit = {str(r["kpi"]): str(r["unit"]) for r in view.now.kpis.to_dict("records")}.get(
        str(first["kpi"]), ""
    )
    values = [
        words.value(float(first[c]), unit, currency=view.currency) for c in ("first_value", "value")
    ]
    many = (
        f"{len(own)} values of closed periods" if len(own) > 1 else "One value of a closed period"
    )
    said = (
        f"{many} changed with late data, such as {view.labels[str(first['kpi'])]} in "
        f"{in_words(pd.Timestamp(first['period']), view.length)}: {values[0]} at first, {values[1]} now."
    )
    return [said]


def _of_the_score(view: ScorecardPage) -> list[str]:
    if view.before is None or view.now.total.score is None or view.before.total.score is None:
        return []
    now, then = view.now.total.children, view.before.total.children
    weights = [p.weight for p in view.scorecard.perspectives]
    parts = change(weights, [c.score for c in then], [c.score for c in now])
    said = (
        f"The score went from {view.before.total.score:.2f} to {view.now.total.score:.2f}: "
        f"{_signed(parts['performance'])} by performance, {_signed(parts['basis'])} because of what is known or its "
        "weight."
    )
    return [said]


def _mixed(view: ScorecardPage, kpi: str) -> list[str]:
    """Return whether a share moved within groups, or because groups grew and shrank."""
    found: Kpi = view.scorecard.kpi(kpi)
    page = view.page
    kept = page.log.mapping.keep if page.has_log else ()
    if (
        not kept
        or view.of_some
        or found.where
        or kpi not in set(view.now.kpis[view.now.kpis["unit"] == "ratio"]["kpi"])
    ):
        return []
    split = view.split(found, kept[0])
    sides = []
    earlier = view.series[view.series["period"] < view.now.period]["period"].max()
    for when in (earlier, view.now.period):
        own = split[split["period"] == when]
        sides.append(
            {
                str(g): (float(v) * n, float(n))
                for g, v, n in zip(own[kept[0]], own["value"], own["n"], strict=True)
                if n
            }
        )
    if not all(sides):
        return []
    whole = mix_and_rate(*sides).iloc[-1]
    said = (
        f"Of that, {100 * whole['rate']:+.1f} points within the groups by {kept[0].replace('_', ' ')} and "
        f"{100 * whole['mix']:+.1f} because their shares changed."
    )
    return [said]


@with_standing
def changes(view: ScorecardPage) -> html.Html:
    """Return every KPI's change with its interval and what is said of it."""
    rows = [
        {
            "KPI": r["label"], "Before": view.said(r, "before"), "Now": view.said(r, "value"),
            "Change": view.said(r, "change", signed=True), "p-value": r["p_value"],
            "Verdict": r["moved"], "Signal": r["signal"] or "none",
        }
        for r in view.now.kpis.to_dict("records")
    ]  # fmt: skip
    return html.table(
        pd.DataFrame(rows), caption="Changes since the period before",
        note="p-value: how often chance alone changes so much; adjusted for looking at all KPIs at once (Benjamini and "
        "Hochberg), so that of the changes called real about 5% are not. Signal: the series left its usual range (XmR "
        "chart); with few periods that happens by chance too.",
    )  # fmt: skip


@with_standing
def signals(view: ScorecardPage) -> Any:
    """Return the XmR charts of the KPIs with a signal or an alarm, at most six; else of the first one."""
    kpis = view.now.kpis
    wanted = [*alarms(view.now)["kpi"], *kpis[kpis["signal"] != ""]["kpi"], *kpis["kpi"][:1]]
    pieces = [chart for k in dict.fromkeys(wanted) if (chart := _xmr(view, str(k))) is not None]
    if not pieces:
        return html.note("No KPI has enough periods for limits yet: six are needed.")
    return show_all(pieces[:MOST_CHARTS])


def _xmr(view: ScorecardPage, kpi: str) -> Any:
    row = view.now.kpis.set_index("kpi").loc[kpi]
    base = row["base_first"], row["base_last"]
    drawn = charted(view.series[view.series["kpi"] == kpi], view.now.period, base)
    if drawn["value"].notna().sum() < 2:
        return None
    said = f"{row['label']}: {signals_in_words(drawn, view.length)}."
    held = held_against(view.scorecard.kpi(kpi), list(drawn["period"]))
    return show(charts.xmr_chart(drawn, held, percent=bool(row["unit"] == "ratio")), said)


@with_standing
def strategy_map(view: ScorecardPage) -> Any:
    """Return the strategy map: what is claimed to move what, and what the data say of it."""
    if not view.scorecard.arrows:
        return html.note("The strategy map has no arrows yet.")
    graded = arrows(view.scorecard, view.series)
    ends = {e for a in view.scorecard.arrows for e in (a.source, a.target)}
    kpis = view.now.kpis.set_index("kpi")
    scores = {r["node"]: r for r in view.now.nodes().to_dict("records")}
    rows = []
    for p in view.scorecard.perspectives:
        inside = [o.id for o in view.scorecard.objectives if o.perspective == p.id and o.id in ends]
        inside += [str(k) for k in kpis.index if kpis.loc[k, "perspective"] == p.id and k in ends]
        for place, node in enumerate(inside):
            row = scores.get(node)
            said = (
                words.status_in_words(row["status"], row["state"], certain=True, possible="")
                if row
                else ""
            )
            rows.append(
                {
                    "node": node,
                    "label": view.labels[node],
                    "lane": p.id,
                    "place": place,
                    "status": said,
                }
            )
    lanes = {
        p.id: p.label for p in view.scorecard.perspectives if any(r["lane"] == p.id for r in rows)
    }
    counts = graded["grade"].value_counts()
    told = ", ".join(f"{n} {g}" for g, n in counts.items())
    return show(
        charts.strategy_chart(strategy_layout(pd.DataFrame(rows), graded, lanes)),
        f"What is claimed to move what; held against the data: {told}.",
        note="An arrow is supported where changes moved together as claimed, at the claimed lag; no proof of cause. "
        "Fewer than 24 pairs of periods are too short to say.",
    )  # fmt: skip


@with_standing
def what_it_takes(view: ScorecardPage) -> html.Html:
    """Return what each KPI below its green limit would need."""
    green = view.scorecard.green
    rows = []
    for r in view.now.kpis.to_dict("records"):
        k = view.scorecard.kpi(str(r["kpi"]))
        if k.scoring != "linear" or not math.isfinite(r["score"]) or r["score"] >= green:
            continue
        needed = r["baseline"] + green * (r["target"] - r["baseline"])
        more = ""
        if r["method"] == "wilson":
            count = math.ceil(abs(needed - r["value"]) * int(r["n"]) - 1e-9)
            more = f"{count:,} {'more' if needed > r['value'] else 'fewer'} of {int(r['n']):,}"
        rows.append(
            {"KPI": r["label"], "Now": view.said(r, "value"),
             "Needed": view.figure(needed, str(r["unit"])), "That is": more or "–"}
        )  # fmt: skip
    if not rows:
        return html.note("Every KPI that has a score is on target.", kind="good")
    return html.table(
        pd.DataFrame(rows), caption=f"What it would take to be on target (a score of {green:g})"
    )


@with_standing
def segments(view: ScorecardPage) -> html.Html:
    """Return the shares of the scorecard by group of customers, and which groups differ more than chance does."""
    page, rows = view.page, []
    if not page.has_log or page.segment != ALL:
        return html.note(
            "Groups are compared on the page of all customers, where the log says which there are."
        )
    shares = view.now.kpis[(view.now.kpis["method"] == "wilson") & (view.now.kpis["state"] == "")]
    for column in page.log.mapping.keep:
        for r in shares.to_dict("records"):
            rows += _outside(view, str(r["kpi"]), str(r["label"]), column)
    if not rows:
        return html.note(
            "No group is outside its limits: small groups differ by chance, and are not ranked.",
            kind="good",
        )
    return html.table(
        pd.DataFrame(rows), caption=f"Groups outside their limits, {view.when}",
        percent=["Share", "All", "least", "most"],
        note="Limits: three standard errors around all groups together. Groups within them are not ranked.",
    )  # fmt: skip


def _outside(view: ScorecardPage, kpi: str, label: str, column: str) -> list[dict[str, Any]]:
    """Return the groups of a column that are outside the funnel limits of a share."""
    found = view.scorecard.kpi(kpi)
    split = view.split(found, column)
    own = split[(split["period"] == view.now.period) & (split["n"] >= max(view.page.least, 1))]
    if len(own) < 2:
        return []
    n = own["n"].to_numpy("int64")
    limits = funnel_limits([round(v * k) for v, k in zip(own["value"], n, strict=True)], list(n))
    return [
        {
            "KPI": label, "Group": f"{column.replace('_', ' ')} {group}", "Share": x["share"], "n": x["n"],
            "All": x["overall"], "least": x["low"], "most": x["high"],
        }
        for group, x in zip(own[column], limits.to_dict("records"), strict=True)
        if x["outside"]
    ]  # fmt: skip


@with_standing
def rows_behind(view: ScorecardPage, kpi: str = "") -> html.Html:
    """Return the first rows behind a KPI of the period: by default of the first alarm, or of the first KPI."""
    wanted = kpi or next(iter([*alarms(view.now)["kpi"], *view.now.kpis["kpi"]]))
    found = view.scorecard.kpi(str(wanted))
    if mode() != "notebook":
        return html.note("Rows about single customers are shown to the analyst, in JupyterLab.")
    try:
        rows = records(
            found.measured_as, view.sources, view.now.period, period=view.length, by=tuple(found.where),
            zone=view.page.workspace.settings.time_zone, words=view.scorecard.words, options=found.options,
        )  # fmt: skip
    except JourneyError as error:
        return html.note(str(error))
    for column, value in found.where.items():
        rows = rows[rows[column] == value]
    label = view.labels[found.id]
    return html.table(
        rows.head(20), caption=f"{label}, {view.when}: the first of {len(rows):,} rows behind it"
    )


@with_standing
def weights(view: ScorecardPage) -> html.Html:
    """Return how much the perspectives' weights decide."""
    known = [
        (p, c.score)
        for p, c in zip(view.scorecard.perspectives, view.now.total.children, strict=True)
        if c.score is not None
    ]
    if len(known) < 2:
        return html.note("Fewer than two perspectives have a score: their weights decide nothing.")
    found = weight_sensitivity([p.weight for p, _s in known], [s for _p, s in known])
    rows = found.assign(perspective=[p.label for p, _s in known]).round({"cut": 3, "raised": 3})
    return html.table(
        rows, caption="How far the score moves when one weight changes by a quarter",
        labels={"perspective": "Perspective", "weight": "Weight", "cut": "A quarter less", "raised": "A quarter more"},
        percent=["weight"],
    )  # fmt: skip


@with_standing
def initiatives(view: ScorecardPage) -> html.Html:
    """Return what is being done: for which KPI, by whom, until when, at what cost, expected to do what."""
    beside = offers_beside(view.page, view.labels, caption="Offers: planned and measured")
    more = [] if beside is None else [beside]
    if not view.scorecard.initiatives:
        return html.joined(html.note("No initiative is on the scorecard yet."), *more)
    kpis = view.now.kpis.set_index("kpi")
    rows = []
    for i in view.scorecard.initiatives:
        row = kpis.loc[i.kpi].to_dict() if i.kpi in kpis.index else None
        unit = str(row["unit"]) if row else ""
        rows.append(
            {
                "Initiative": i.label, "Status": i.status, "KPI": view.labels.get(i.kpi or "", i.kpi or "–"),
                "Now": view.said(row, "value") if row else "–",
                "Expected": view.figure(i.expected, unit, signed=True),
                "Owner": view.owner(i.owner),
                "Until": f"{i.ends:%-d %B %Y}" if i.ends else "–",
                "Cost": view.figure(i.cost, "currency"),
            }
        )  # fmt: skip
    return html.joined(html.table(pd.DataFrame(rows), caption="What is being done"), *more)


@with_standing
def not_counted(view: ScorecardPage) -> html.Html:
    """Return the KPIs that could not be counted, and why."""
    found = view.now.kpis[view.now.kpis["state"].isin(["error", "not_applicable"])]
    if found.empty:
        return html.note("Every KPI could be counted.", kind="good")
    return html.table(
        found, caption="KPIs that could not be counted", labels={"label": "KPI", "counted": "Why"}
    )


def editor(view: ScorecardPage) -> Any:
    """Return the editor of targets, weights, limits and notes; a report says where they are set."""
    if mode() == "report":
        return html.note("They are set on the page; as they are now they stand in the table below.")
    edit = DocumentEdit(view.page, Scorecard())
    quiet = bool(view.quiet)
    return ScorecardEditor(
        edit.document, series=None if quiet else view.series, period=None if quiet else view.now.period,
        measure=view.measured, roles=view.roles, currency=view.currency,
        stages={s.id: s.label for s in view.page.workspace.journey.stages}, **edit.options(view.page),
    )  # fmt: skip


def findings(view: ScorecardPage) -> html.Html:
    """Return what does not fit in the document, with what to ask and what to do."""
    return html.findings_list(_found(view))


def _found(view: ScorecardPage) -> list[Finding]:
    space = view.page.workspace
    now = None if view.quiet else view.now
    return check(view.scorecard, space.journey, space.roles, publishing=mode() == "report", now=now)
