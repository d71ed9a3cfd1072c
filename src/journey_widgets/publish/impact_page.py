"""The cross-impact page's words, tables and pictures: the six steps from touchpoints to a plan that is watched."""

from datetime import date
from functools import cached_property
from math import isfinite
from typing import Any, cast

import pandas as pd

from journey_widgets import cross_impact as impact
from journey_widgets.cross_impact.agreement import TENTATIVE
from journey_widgets.cross_impact.charts import influence_chart, lead_chart
from journey_widgets.cross_impact.direct import CUTS
from journey_widgets.cross_impact.document import UNKNOWN, values_of
from journey_widgets.cross_impact.intervention import FEWEST
from journey_widgets.cross_impact.stability import SAFE
from journey_widgets.cross_impact.table import to_html
from journey_widgets.cross_impact.widget import CrossImpactSliders
from journey_widgets.errors import JourneyDataError, ParameterError, did_you_mean
from journey_widgets.estimates import mover
from journey_widgets.events.engine import collect
from journey_widgets.findings import Finding, sentence
from journey_widgets.journey.stages import canonical
from journey_widgets.publish import html
from journey_widgets.publish.impact_edit import ImpactEdit
from journey_widgets.publish.modes import mode
from journey_widgets.publish.offers_beside import offers_beside
from journey_widgets.publish.page import Page, open_page, records, said_on_the_page
from journey_widgets.publish.scorecard_view import ScorecardPage, in_words
from journey_widgets.publish.show import show, with_table
from journey_widgets.scorecard.at_touchpoints import gaps, named_at
from journey_widgets.scorecard.series import units

OUTCOME_QUESTIONS = {"nps": "advocacy", "csat": "satisfaction", "ces": "effort"}
"""Questions about the whole journey, by id, and the outcome they measure."""
OF_THE_SCORECARD = (
    " Gap: of the KPI at the touchpoint that is farthest from its target on the scorecard, 0 there and 1 at its "
    "baseline."
)  # fmt: skip
JUDGED = 0.9
"""Share of relations judged by somebody from which on that step is done."""
HARDLY = 0.01
"""Share of influence below which chains hardly change anything."""
AFTER = ("post_purchase", "advocacy")
"""Stages after which a recommendation can be held against what came before: buyers, against buyers."""
METHODS = {
    "Mantel-Haenszel by step": "held against others at the same step of the path",
    "Spearman, later answer": "with the same person's later answer",
    "odds ratio, by customer": "held against all other kinds of case",
}
"""How data were measured, in a reader's words."""
NOTHING_JUDGED = "Nobody has judged anything yet. An analyst opens this notebook in JupyterLab and moves the sliders."
BLIND = "A blind rating round is open: nothing is shown here until it is closed."


class ImpactPage:
    """What the cells of the cross-impact notebook work with.

    Parameters
    ----------
    page
        The page: workspace, log, and what may be done here.
    matrix
        Revision of the matrix to look at; blank is the newest. Only the newest can be edited.
    outcome
        Column that is to get better; blank is the influence on all touchpoints.
    cut
        Where "much" begins: ``"mean"``, ``"median"`` or ``"half_maximum"``.
    draws, seed
        How often judgements are varied, and what makes it repeatable.
    """

    def __init__(
        self, page: Page, *, matrix: str = "", outcome: str = "", cut: str = "mean", draws: str = "500", seed: str = "1"
    ) -> None:  # fmt: skip
        self.page = page
        newest = page.workspace.rev("cross_impact")
        if matrix and not (matrix.isascii() and matrix.isdigit() and 1 <= int(matrix) <= newest):
            msg = f"matrix is {matrix!r}; blank, or a revision from 1 to {newest} was needed."
            raise ParameterError(msg)
        self.revision = int(matrix) if matrix and int(matrix) != newest else None
        known = [*self.panel.outcome_ids(), *(f.id for f in self.panel.factors)]
        if outcome and outcome not in known:
            msg = f"outcome is {outcome!r}. {did_you_mean(outcome, known)}"
            raise ParameterError(msg)
        if cut not in CUTS:
            msg = f"cut is {cut!r}. {did_you_mean(cut, CUTS)}"
            raise ParameterError(msg)
        self.outcome, self.cut = outcome, cut
        self.draws, self.seed = _whole("draws", draws, 1, 20_000), _whole("seed", seed, 0, 2**31)

    @cached_property
    def panel(self) -> impact.CrossImpact:
        """The document the page is about."""
        if self.revision:
            return cast(
                "impact.CrossImpact", self.page.workspace.document("cross_impact", self.revision)
            )
        return self.page.workspace.cross_impact

    @property
    def labels(self) -> dict[str, str]:
        """Id → label of touchpoints and outcomes."""
        return self.panel.labels

    @property
    def blind(self) -> bool:
        """Whether a blind round is open; then earlier revisions are not shown either."""
        return self.panel.blind or self.page.workspace.cross_impact.blind

    def counted(self, frame: pd.DataFrame, outcome: str = "") -> str:
        """Return how a result was counted, with outcomes by their labels."""
        said = str(frame.attrs.get("definition", ""))
        known = outcome or self.outcome
        return said.replace(f"on {known}", f"on {self.labels[known]}") if known else said

    @property
    def of_all(self) -> str:
        """That survey and cases are not of the chosen customers alone; blank where all are chosen."""
        page = self.page
        if page.segment_in_words() == "all customers" or not page.has_log:
            return ""
        return f" Survey and cases are of all customers, not of {page.segment_in_words()}."

    @cached_property
    def quiet(self) -> str:
        """Why nothing can be shown yet; blank where there is something."""
        if self.blind:
            return BLIND
        try:
            impact.total_relations(self.panel)
        except JourneyDataError as error:
            judged = any(r.cells for r in self.panel.raters) or self.panel.consensus
            return str(error) if judged else NOTHING_JUDGED
        return ""

    @cached_property
    def scorecard(self) -> ScorecardPage:
        """The scorecard of the same customers."""
        return ScorecardPage(self.page)

    @cached_property
    def ranking(self) -> pd.DataFrame:
        """How often each touchpoint keeps rank, role and lead."""
        return impact.stability(
            self.panel,
            outcome=self.outcome or None,
            cut=cast("Any", self.cut),
            draws=self.draws,
            seed=self.seed,
        )

    @cached_property
    def recommended(self) -> str:
        """The touchpoint of the log at which customers recommend; blank where there is none."""
        if not self.page.has_log:
            return ""
        journey, known = self.page.workspace.journey, set(self.page.index.touchpoints)
        told = [
            t.id
            for t in journey.touchpoints
            if canonical(t.stage, of=journey.preset)[:1] == ("advocacy",) and t.id in known
        ]
        return told[-1] if told else ""

    @cached_property
    def evidence(self) -> pd.DataFrame | None:
        """Judgement beside data; None where the workspace has no data that speak of it."""
        seen = observed(self)
        return impact.evidence(self.panel, seen) if seen else None


def _whole(name: str, text: str, least: int, most: int) -> int:
    if not (text.isascii() and text.isdigit()) or not least <= int(text) <= most:
        msg = f"{name} is {text!r}; a whole number from {least} to {most:,} was needed."
        raise ParameterError(msg)
    return int(text)


def observed(view: ImpactPage) -> list[pd.DataFrame]:
    """Return what the workspace's log, survey and support cases say of the matrix."""
    page, present = view.page, view.page.workspace.sources.present()
    ids = [f.id for f in view.panel.factors]
    found = []
    if page.has_log:
        known = set(page.index.touchpoints)
        journey = page.workspace.journey
        stages = {t.id: canonical(t.stage, of=journey.preset)[:1] for t in journey.touchpoints}
        late = {t for t, stage in stages.items() if stage and stage[0] in AFTER}
        end = view.recommended
        names = [i for i in ids if i in known & late and i != end]
        if end and names and "advocacy" in view.panel.outcome_ids():
            found.append(impact.later_visits(page.index, names, outcomes={"advocacy": end}))
    if "answers" in present:
        found.append(_scores(view))
    if "tickets" in present and "effort" in view.panel.outcome_ids():
        tickets = page.workspace.tickets()
        if "kind" in tickets.table.columns:
            found.append(impact.repeat_contacts(tickets))
    seen = [f[~f["n"].between(1, page.least - 1)] for f in found if len(f)]
    return [f for f in seen if len(f)]


def _scores(view: ImpactPage) -> pd.DataFrame:
    """Return how touchpoints' scores go with later scores of the whole journey."""
    answers = view.page.workspace.answers()
    table = answers.table
    about = ["question_id", *(["touchpoint"] if "touchpoint" in table.columns else [])]
    asked = collect(table.select(about).distinct()).fillna("")
    names = {f.id for f in view.panel.factors}
    questions: dict[str, str] = {}
    for row in records(asked):
        meant = str(row.get("touchpoint", ""))
        whole = OUTCOME_QUESTIONS.get(str(row["question_id"]), "")
        if meant in names or whole in view.panel.outcome_ids():
            questions[str(row["question_id"])] = meant if meant in names else whole
    return impact.scores_together(answers, questions) if len(questions) > 1 else pd.DataFrame()


# --- what the page says -----------------------------------------------------------------------------


def in_short(view: ImpactPage) -> html.Html:
    """Return what the matrix says in a few sentences: who leads, how sure that is, who agrees, what is open."""
    if view.quiet:
        return html.note(view.quiet)
    panel = view.panel
    named = view.ranking.assign(factor=[view.labels[f] for f in view.ranking["factor"]])
    top, *rest = records(named.sort_values("top_share", ascending=False, kind="stable"))
    on = f" on {view.labels[view.outcome]}" if view.outcome else ""
    words = [f"Of all influence{on}, chains counted: {impact.leader_sentence(named)}"]
    if rest and top["top_share"] < SAFE:
        words.append(f"Closest to it is {rest[0]['factor']}.")
    raters = [r for r in panel.raters if r.cells]
    if len(raters) > 1:
        alpha = records(impact.agreement_numbers(panel))[0]
        value = "" if pd.isna(alpha["value"]) else f" (Krippendorff's alpha {alpha['value']:.2f})"
        words.append(f"{len(raters)} people judged: {alpha['reading'].partition(' (')[0]}{value}.")
        if not pd.isna(alpha["value"]) and alpha["value"] < TENTATIVE:
            words.append("They differ too much for the order to be more than a first guess.")
    elif not raters:
        words.append("It stands on what was agreed; who judged what alone is not kept.")
    open_ = [i for i in panel.interventions if i.status in ("planned", "running")]
    ready = sum(i.ready for i in open_)
    if open_:
        words.append(f"{ready} of {len(open_)} open interventions have an owner and a KPI.")
    found = [f for f in _found(view) if f.severity != "info"]
    words.append(f"{sentence(found)}.")
    return html.lead(" ".join(words))


def steps(view: ImpactPage) -> html.Html:
    """Return the six steps, each with what is done and what is open."""
    panel = view.panel
    factors = {f.id for f in panel.factors}
    absent = [t.label for t in view.page.workspace.journey.touchpoints if t.id not in factors]
    missing = f"; not in the matrix: {', '.join(absent[:4])}{' …' if len(absent) > 4 else ''}"
    possible = len(factors) * (len(factors) - 1 + len(panel.outcomes))
    known = [values_of(c) for c in (*(r.cells for r in panel.raters), panel.consensus)]
    judged = len({place for values in known for place, value in values.items() if value != UNKNOWN})
    share = judged / possible if possible else 0
    stakes = sum(f.significance() is not None for f in panel.factors)
    open_ = [i for i in panel.interventions if i.status != "dropped"]
    bare = [i.label for i in open_ if not i.ready]
    started = [i for i in open_ if i.status in ("running", "done")]
    revisions = view.page.workspace.rev("cross_impact")
    planned = f"{_many(len(open_), 'intervention')}, with owner and KPI" if open_ else "none yet"
    watched_ = sum(i.kpi is not None for i in started)
    rows = [
        (
            "1 Touchpoints", bool(factors),
            f"{_many(len(factors), 'touchpoint')}, {_many(len(panel.outcomes), 'outcome')}{missing if absent else ''}",
        ),
        (
            "2 Relations", share >= JUDGED,
            f"{judged} of {possible} relations judged by somebody ({share:.0%}), {_many(len(panel.raters), 'rater')}",
        ),
        (
            "3 Significance", bool(factors) and stakes == len(factors),
            f"what is at stake is said for {stakes} of {len(factors)} touchpoints",
        ),
        (
            "4 Interventions", bool(open_) and not bare,
            f"without owner or KPI: {', '.join(bare[:3])}" if bare else planned,
        ),
        (
            "5 Watch KPIs", bool(started) and watched_ == len(started),
            f"{len(started)} running or done, {watched_} of them with a KPI to watch" if started else "none has begun",
        ),
        (
            "6 Iterate", revisions > 1,
            f"{_many(revisions, 'revision')} of the matrix",
        ),
    ]  # fmt: skip
    frame = pd.DataFrame(rows, columns=["step", "done", "words"])
    frame["state"] = ["✓ done" if d else "○ open" for d in frame["done"]]
    return html.table(
        frame,
        caption="Where we are",
        labels={"step": "Step", "state": "State", "words": "What there is"},
    )


def the_matrix(view: ImpactPage) -> Any:
    """Return the matrix: sliders where they can be moved, a table elsewhere."""
    if not _live(view):
        return (
            html.note(BLIND)
            if view.blind
            else html.raw_table(to_html(view.panel), view.panel.label)
        )
    edit = ImpactEdit(view.page, view.panel)
    space = view.page.workspace
    panel = edit.document
    mine = [r for r in panel.raters if space.author in (r.id, r.label)]
    # A dashboard's readers may share a name; a notebook is one person's.
    own = view.page.may_edit and mode() == "notebook"
    named = space.author if own and (mine or panel.blind) else None
    kpis = sorted({k for t in space.journey.touchpoints for k in t.kpis})
    sliders = CrossImpactSliders(
        panel, rater=named, journey=space.journey, roles=space.roles, kpis=kpis, outcome=view.outcome,
        cut=cast("Any", view.cut), draws=min(view.draws, 2_000), seed=view.seed,
        evidence=None if panel.blind or view.quiet else view.evidence, **edit.options(view.page),
    )  # fmt: skip
    if view.blind:
        return sliders
    labels = panel.labels
    rows = [
        {"What acts": labels[a], "On what": labels[b], "Influence": v}
        for (a, b), v in panel.judged_values().items()
    ]
    frame = pd.DataFrame(rows, columns=["What acts", "On what", "Influence"])
    return with_table(sliders, "The judgements as a table", frame)


def _live(view: ImpactPage) -> bool:
    """Return whether the matrix is shown with its sliders, map and ranking in one."""
    return mode() != "report" and not view.revision


def influence_picture(view: ImpactPage) -> Any:
    """Return the influence map after a sentence; nothing where the sliders show it already."""
    if _live(view):
        return None
    if view.quiet:
        return html.note(view.quiet)
    points = impact.influence_map(
        view.panel, cut=cast("Any", view.cut), draws=view.draws, seed=view.seed
    )
    most = max(records(points), key=lambda r: abs(r["given"] - r["active"]))
    if abs(most["given"] - most["active"]) < HARDLY:
        words = "Chains hardly change who gives most influence."
    else:
        words = (
            f"Chains change most for {view.labels[most['factor']]}: it gives {most['active']:.1%} of all direct "
            f"influence, and {most['given']:.1%} once chains are counted."
        )
    return show(influence_chart(points, view.labels), words, note=view.counted(points))


def ranking(view: ImpactPage) -> Any:
    """Return the ranking with how sure each place is; nothing where the sliders show it already."""
    if _live(view):
        return None
    if view.quiet:
        return html.note(view.quiet)
    named = view.ranking.assign(factor=[view.labels[f] for f in view.ranking["factor"]])
    return show(
        lead_chart(view.ranking, view.labels),
        impact.leader_sentence(named),
        note=view.counted(view.ranking),
    )


def hidden(view: ImpactPage) -> html.Html:
    """Return who matters more than direct scores say, and by which ways."""
    if view.quiet:
        return html.note(view.quiet)
    if view.outcome:
        pushed = impact.push(view.panel, view.outcome)
        risen = pushed[pushed["direct_rank"] - pushed["total_rank"] >= 2]  # as `rank_change` counts
    else:
        risen = impact.rank_change(view.panel)
    outcome = view.outcome or next(iter(view.panel.outcome_ids()), "")
    words = (
        "No touchpoint rises by two places or more once chains are counted."
        if risen.empty
        else "Chains lift "
        + ", ".join(
            f"{view.labels[r['factor']]} (from place {r['direct_rank']} to {r['total_rank']})"
            for r in records(risen)
        )
        + "."
    )
    parts = [html.lead(words)]
    top = str(view.ranking["factor"].iloc[0])
    if outcome and top != outcome:
        table = view.panel.judged().rename(index=view.labels, columns=view.labels)
        ends = [view.labels[o] for o in view.panel.outcome_ids()]
        ways = impact.chains(
            table,
            view.labels[top],
            view.labels[outcome],
            outcomes=[e for e in ends if e in table.index],
        )
        if len(ways):
            parts.append(
                html.table(
                    ways,
                    caption=f"The strongest ways from {view.labels[top]} to {view.labels[outcome]}",
                    labels={"in_words": "Way", "steps": "Steps", "share": "Share of all push"},
                    percent=["share"],
                    note=str(ways.attrs["definition"]),
                )
            )
    return html.joined(*parts)


def to_discuss(view: ImpactPage) -> html.Html:
    """Return the cells to talk about again, by what they do to the answer."""
    if view.quiet:
        return html.note(view.quiet)
    many = sum(bool(r.cells) for r in view.panel.raters)
    if many < 2:
        who = "One person judged" if many else "Only what was agreed is kept"
        return html.note(f"{who}; with two people's own judgements there is something to compare.")
    found = impact.cells_to_discuss(view.panel, outcome=view.outcome or None, top=8)
    if found.empty:
        settled = view.panel.consensus and "Whatever was judged differently is agreed on."
        return html.note(settled or "Everybody judged alike.", kind="good")
    return html.table(
        found, caption="Talk about these first",
        labels={"in_words": "What differs, and what it does", "n": "Raters", "ranks_changed": "Ranks that change"},
        note=view.counted(found),
    )  # fmt: skip


def evidence(view: ImpactPage) -> html.Html:
    """Return where judgement and data contradict each other, and how the rest compares."""
    if view.quiet:
        return html.note(view.quiet)
    if view.evidence is None:
        return html.note("The workspace has no data that speak of these relations yet.")
    found = view.evidence
    counts = found["verdict"].value_counts()
    conflict = impact.conflicts(found)
    seen = found[found["n"].notna()]
    if seen.empty:
        return html.note(f"The data speak of none of these relations yet.{view.of_all}")
    said = ", ".join(f"{n} × {v}" for v, n in counts.items() if v != "no data")
    words = f"Data speak of {_many(len(seen), 'relation')}: {said}.{view.of_all}"
    shown = (conflict if len(conflict) else seen.head(8)).assign(
        place=lambda f: [
            f"{view.labels[s]} → {view.labels[t]}"
            for s, t in zip(f["source"], f["target"], strict=True)
        ],
        judged=lambda f: [_span(r) for r in records(f)],
        data=lambda f: [_measured(view, r) for r in records(f)],
    )
    beside = offers_beside(view.page, {}, caption="What offers did, by trial")
    return html.joined(
        html.lead(words),
        html.table(
            shown, caption="Judgement and data contradict each other" if len(conflict) else "Judgement beside data",
            labels={"place": "Relation", "judged": "Judged", "data": "Data", "n": "n", "verdict": "Verdict"},
            note=str(found.attrs["definition"]),
        ),
        *([] if beside is None else [beside]),
    )  # fmt: skip


def _span(row: dict[Any, Any]) -> str:
    if pd.isna(row["expert"]):
        return "not judged"
    low, high = float(row["expert_low"]), float(row["expert_high"])
    return (
        f"{row['expert']:+.2g} ({low:+.2g} to {high:+.2g})"
        if low != high
        else f"{row['expert']:+.2g}"
    )


def _measured(view: ImpactPage, row: dict[Any, Any]) -> str:
    by_visits = str(row["method"]).startswith("Mantel") and row["target"] == "advocacy"
    reached = view.page.labels().get(view.recommended, view.recommended)
    what = f"reaching {reached}, " if by_visits else ""
    how = METHODS.get(str(row["method"]), row["method"])
    return (
        f"{what}{row['measure']} {row['value']:.2f} ({row['low']:.2f} to {row['high']:.2f}), {how}"
    )


def priorities(view: ImpactPage) -> html.Html:
    """Return where acting promises most for the outcome."""
    if view.quiet:
        return html.note(view.quiet)
    outcome = view.outcome or next(iter(view.panel.outcome_ids()), "")
    if not outcome:
        return html.note("The matrix has no outcome column: add one to set priorities.")
    factors = {f.id for f in view.panel.factors}
    there = view.scorecard.there
    wide = {t: g for t, g in gaps(there).items() if t in factors}
    try:
        found = impact.priorities(view.panel, outcome, gaps=wide, draws=view.draws, seed=view.seed)
    except JourneyDataError as error:
        return html.note(str(error))
    found["assumed"] = found["assumed"].str.replace("significance", "what is at stake")
    return html.table(
        found, caption=f"Where acting promises most for {view.labels[outcome]}",
        labels={"label": "Touchpoint", "influence": "Influence", "significance": "At stake", "gap": "Gap",
                "value": "Value", "low": "at least", "high": "at most", "top_share": "First in",
                "interventions": "Interventions",
                "effort": "Days", "assumed": "Assumed"},
        percent=["influence", "significance", "gap", "value", "low", "high", "top_share"],
        note=f"{view.counted(found, outcome)}{OF_THE_SCORECARD if wide else ''}",
    )  # fmt: skip


def interventions(view: ImpactPage) -> html.Html:
    """Return what will be done, by whom, and what it would move."""
    panel = view.panel
    if not panel.interventions:
        return html.note("No intervention is planned yet.")
    roles = {r.id: r.label for r in view.page.workspace.roles.roles}
    rows = []
    for i in panel.interventions:
        touched = ", ".join(f"{view.labels.get(t, t)} {c:+.0%}" for t, c in i.changes.items())
        days = " to ".join(f"{d:%-d %b %Y}" for d in (i.starts, i.ends) if d)
        effect = "" if i.expected_effect is None else f"{i.expected_effect:+g}"
        rows.append(
            ("✓" if i.ready else "▲ unfinished", i.label, touched, roles.get(i.owner or "", i.owner or "nobody"),
             (i.kpi or "none").replace("_", " "), effect, i.effort, days, i.status, _would_move(view, i.changes))
        )  # fmt: skip
    names = [
        "ready",
        "what",
        "touchpoints",
        "owner",
        "kpi",
        "effect",
        "effort",
        "days",
        "status",
        "moves",
    ]
    frame = pd.DataFrame(rows, columns=names).astype({"effort": "Float64"})
    return html.table(
        frame, caption="Interventions",
        labels={"ready": "Ready", "what": "What", "touchpoints": "Touchpoints", "owner": "Owner", "kpi": "KPI",
                "effect": "Expected", "effort": "Days", "days": "When", "status": "Status", "moves": "Would move"},
        note="An intervention without an owner or a KPI is not finished. What it would move is a what-if over the "
        "matrix: direction and order count, not sizes.",
    )  # fmt: skip


def _would_move(view: ImpactPage, changes: dict[str, float]) -> str:
    if view.quiet or not changes:
        return ""
    found = impact.what_if(view.panel, changes)
    ends = found[(found["kind"] == "outcome") & (found["direction"] != "no change")]
    ordered = ends.sort_values("rank", kind="stable")
    return ", ".join(
        f"{view.labels[f]} {d}"
        for f, d in zip(ordered["factor"], ordered["direction"], strict=True)
    )


def watched(view: ImpactPage) -> html.Html:
    """Return what the KPI of each intervention did since it began, by the survey or by the scorecard."""
    begun = [
        (i.label, i.kpi, i.starts)
        for i in view.panel.interventions
        if i.starts and i.kpi and i.status in ("running", "done")
    ]
    if not begun:
        return html.note("No intervention has begun: nothing to watch yet.")
    scores, card = _answers(view), view.scorecard.scorecard
    rows = []
    for label, kpi, starts in begun:
        if there := named_at((kpi,), card):
            (meant,) = there
            named = meant.label or meant.id.replace("_", " ")
            rows.append((label, named, *_on_the_scorecard(view, meant.id, starts)))
            continue
        own = scores[scores["question_id"] == kpi]
        zone = view.page.workspace.settings.time_zone
        split = pd.Timestamp(starts, tz=zone).tz_convert("UTC").tz_localize(None)
        earlier = own["ts"] < split
        before, after = own.loc[earlier, "score"].tolist(), own.loc[~earlier, "score"].tolist()
        named = kpi.replace("_", " ")
        if min(len(before), len(after)) < max(FEWEST, view.page.least):
            said = (
                "neither a question of the survey nor a KPI of the scorecard"
                if own.empty
                else "too few answers yet"
            )
            rows.append((label, named, None, None, None, len(own), said, ""))
            continue
        found = records(impact.intervention_effect(before, after))[0]
        told = [found[c] for c in ("value", "low", "high", "n", "in_words", "evidence")]
        rows.append((label, named, *told))
    names = ["what", "kpi", "value", "low", "high", "n", "words", "evidence"]
    frame = pd.DataFrame(rows, columns=names).astype(
        dict.fromkeys(("value", "low", "high"), "Float64") | {"n": "Int64"}
    )
    return html.table(
        view.page.shown(frame, "n"), caption="What the KPI did since the intervention began",
        labels={"what": "Intervention", "kpi": "KPI", "value": "Change", "low": "at least", "high": "at most", "n": "n",
                "words": "In words", "evidence": "Evidence"},
        note="Of a question: mean score after the start, less the mean before. Of a KPI of the scorecard: its last "
        "closed period, less the one before the start; the interval is worked out from those of the two. Without a "
        "comparison group anything else that changed then is in it too; an analyst can hold it against one."
        f"{view.of_all}",
    )  # fmt: skip


def _on_the_scorecard(view: ImpactPage, kpi: str, starts: date) -> tuple[Any, ...]:
    """Return what a KPI of the scorecard did since a day: change, its ends, n, in words, and what that proves."""
    page = view.scorecard
    series = page.measured(page.scorecard.only({kpi}))
    failed = series[series["state"] == "error"]
    if len(failed):
        return None, None, None, None, f"could not be counted: {failed['counted'].iloc[0]}", ""
    closed = series[~series["open"] & (series["state"] == "") & series["period"].notna()]
    day = pd.Timestamp(starts)
    before, after = closed[closed["period"] < day.replace(day=1)], closed[closed["period"] >= day]
    if before.empty or after.empty:
        when = "before it began" if before.empty else "since it began"
        return None, None, None, None, f"no closed period {when} yet", ""
    then, now = before.iloc[-1], after.iloc[-1]
    columns = ["value", "low", "high"]
    low, high = mover(*(float(now[c]) for c in columns), *(float(then[c]) for c in columns))
    (unit,) = units(page.scorecard, [page.scorecard.kpi(kpi)]).values()
    told = [
        f"{page.figure(float(r['value']), unit)} in {in_words(r['period'], page.length)}"
        for r in (then, now)
    ]
    change = float(now["value"]) - float(then["value"])
    sure = (
        "cannot tell whether by chance" if not isfinite(low) or not isfinite(high)
        else "more than chance" if low > 0 or high < 0 else "could be chance"
    )  # fmt: skip
    return (
        change,
        float(low),
        float(high),
        int(now["n"]),
        f"{told[0]}, {told[1]}: {sure}",
        "weak: before and after only",
    )


def _answers(view: ImpactPage) -> pd.DataFrame:
    """Return question, time and score of every answer; none where there is no survey."""
    space = view.page.workspace
    if "answers" not in space.sources.present():
        return pd.DataFrame({"question_id": [], "ts": pd.to_datetime([]), "score": []})
    table = space.answers().table
    kept = table.filter(table.score.notnull()).select("question_id", "ts", "score")
    return collect(kept).astype({"question_id": "str"})


def iterations(view: ImpactPage) -> html.Html:
    """Return what changed from the last revision to this one: ranks, and the judgements behind them."""
    space = view.page.workspace
    newest = view.revision or space.rev("cross_impact")
    if view.quiet:
        return html.note(view.quiet)
    if newest < 2:
        so_far = "This is the first revision." if newest else "Nothing is saved yet."
        return html.note(
            f"{so_far} When the matrix is judged again, this shows whose rank moved, and why."
        )
    before = cast("impact.CrossImpact", space.document("cross_impact", newest - 1))
    if view.outcome and view.outcome not in before.labels:
        return html.note(
            f"Revision {newest - 1} had no {view.labels[view.outcome]} yet: nothing to compare."
        )
    try:
        ranks = impact.version_change(before, view.panel, outcome=view.outcome or None)
    except JourneyDataError as error:
        return html.note(str(error))
    moved = ranks[(ranks["rise"].fillna(1) != 0)].assign(
        label=lambda f: [view.labels.get(n, n) for n in f["factor"]]
    )
    cells = impact.cell_changes(before, view.panel)
    known = view.labels | before.labels
    listed = cells.assign(
        place=[
            f"{known.get(s, s)} → {known.get(t, t)}"
            for s, t in zip(cells["source"], cells["target"], strict=True)
        ]
    )
    return html.joined(
        html.table(moved, caption=f"Ranks that moved from revision {newest - 1} to {newest}",
                   labels={"label": "Touchpoint", "rank_before": "Before", "rank_after": "Now", "rise": "Ranks gained"},
                   note=view.counted(ranks))
        if len(moved) else html.note("No rank moved."),
        html.table(listed, caption="Judgements that changed",
                   labels={"rater": "By", "place": "Relation", "before": "Before", "after": "Now", "reason": "Reason"})
        if len(listed) else html.note("No judgement changed."),
    )  # fmt: skip


def futures(view: ImpactPage) -> html.Html:
    """Return which combinations of states hold together, where the workspace describes any."""
    described = view.page.workspace.futures
    if not described.descriptors:
        return html.note(
            "No futures are described. An analyst saves descriptors with variants, or reads a ScenarioWizard project."
        )
    try:
        found = impact.consistent_scenarios(described)
    except JourneyDataError as error:
        return html.note(str(error))
    given = [d.label for d in described.descriptors]
    names = [
        n if given.count(n) == 1 else f"{n} ({d.id})"
        for n, d in zip(given, described.descriptors, strict=True)
    ]
    possible = 1
    for d in described.descriptors:
        possible *= len(d.variants)
    rows = [
        {**dict(zip(names, v, strict=True)), "Total impact score": s}
        for v, s in zip(found["variants"], found["total_impact_score"], strict=True)
    ]
    hold = "holds" if len(found) == 1 else "hold"
    return html.table(
        pd.DataFrame(rows, columns=[*names, "Total impact score"]),
        caption=f"Of {possible:,} combinations {len(found)} {hold} together",
        note=str(found.attrs.get("definition", "")),
    )


def findings(view: ImpactPage) -> html.Html:
    """Return what does not fit, with what to ask and what to do."""
    return html.note(BLIND) if view.blind else html.findings_list(_found(view))


def _found(view: ImpactPage) -> list[Finding]:
    space = view.page.workspace
    return impact.check(view.panel, space.journey, space.roles, publishing=mode() == "report")


def _many(n: int, word: str) -> str:
    return f"{n} {word}{'' if n == 1 else 's'}"


def open_impact(workspace: str = "", segment: str = "all", **given: str | int) -> ImpactPage:
    """Open the cross-impact page; wrong parameters are said on the page in one sentence, and it stops there.

    `given` are ``matrix``, ``outcome``, ``cut``, ``draws`` and ``seed`` of `ImpactPage`; in a dashboard the web
    address may name them too.
    """
    more = {name: str(value) for name, value in given.items()}
    page = open_page(
        "Cross-impact", workspace=workspace, segment=segment, more=more, log_needed=False
    )
    with said_on_the_page():
        page.needs_journey()
        return ImpactPage(page, **page.more)
