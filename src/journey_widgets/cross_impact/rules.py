"""What does not fit in a cross-impact document, said as findings."""

from collections.abc import Iterator
from datetime import UTC, date, datetime

import numpy as np

from journey_widgets.cross_impact.document import CrossImpact, Judgement
from journey_widgets.cross_impact.matrix import Floats, as_influence
from journey_widgets.errors import did_you_mean
from journey_widgets.findings import Finding, Severity, own
from journey_widgets.journey.document import Journey
from journey_widgets.plans import Codes, check_plans
from journey_widgets.roles import RoleRegister

APART, TURNED = 0.4, 0.5
"""XIM-05: how much better a rater's matrix must fit the others turned around than as it is, and how well at least
(correlations)."""
CODES = Codes("intervention", "XIM-12", "XIM-13", "XIM-15")
ENOUGH = 6
"""XIM-03, XIM-05: judgements below which a rater's pattern says nothing."""


def check(
    panel: CrossImpact,
    journey: Journey | None = None,
    roles: RoleRegister | None = None,
    *,
    today: date | None = None,
    publishing: bool = False,
) -> list[Finding]:
    """Return the findings of a cross-impact document: judgements first, then links, then interventions.

    Parameters
    ----------
    journey, roles
        What its ids are looked up in.
    today
        The day on which dates are looked at; today by default.
    publishing
        Whether it is about to be published: gaps that are warnings in editing are errors.
    """
    gap: Severity = "error" if publishing else "warn"
    return [
        *_unjudged(panel), *_raters(panel), *_opposite(panel), *_agreed(panel), *_outcomes(panel),
        *(_links(panel, journey, gap) if journey else ()),
        *_interventions(panel, roles, today or datetime.now(UTC).date(), gap),
    ]  # fmt: skip


def _unjudged(panel: CrossImpact) -> Iterator[Finding]:
    """XIM-01 and XIM-02: nobody said what a factor acts on; everybody who said says it acts on nothing."""
    if not any(r.cells for r in panel.raters) and not panel.consensus:
        return
    influence = as_influence(panel)
    for i, factor in enumerate(panel.factors):
        row = np.delete(influence.values[i], i)
        if np.isnan(row).all():
            yield own(
                "XIM-01", "warn", f"{factor.label}: nobody judged what it acts on.",
                "Was its row passed over?", "Judge its row, or take the factor out.", "row", touchpoint=factor.id,
            )  # fmt: skip
        elif not np.nan_to_num(row).any() and not influence.potential[i].any():
            yield own(
                "XIM-02", "info", f"{factor.label} is said to act on nothing.",
                "Is it only a result of others?", "Leave it if so; an outcome belongs in a column.", "row",
                touchpoint=factor.id,
            )  # fmt: skip


def _raters(panel: CrossImpact) -> Iterator[Finding]:
    """XIM-03: a rater gave one value throughout. XIM-04: two are alike. XIM-05: one fits better turned around."""
    ends = panel.outcome_ids()
    read = {r: as_influence(table, ends) for r, table in panel.ratings().items()}
    tables = {r: np.where(i.potential, np.nan, i.values) for r, i in read.items()}
    labels = {r.id: r.label for r in panel.raters}
    for rater, values in tables.items():
        said = values[~np.isnan(values)]
        if len(said) >= ENOUGH and len(np.unique(said)) == 1:
            yield own(
                "XIM-03", "warn", f"{labels[rater]} gave {said[0]:g} to all {len(said)} relations.",
                "Was the sheet filled in a hurry?", "Ask again, or leave this matrix out.", "matrix", rater=rater,
            )  # fmt: skip
    names = list(tables)
    for i, one in enumerate(names):
        for other in names[i + 1 :]:
            both = ~np.isnan(tables[one])
            same = np.array_equal(tables[one], tables[other], equal_nan=True)
            if same and both.sum() >= ENOUGH:
                yield own(
                    "XIM-04", "warn", f"{labels[one]} and {labels[other]} judged all {both.sum()} relations alike.",
                    "Did one copy from the other? Then there is one opinion, not two.",
                    "Ask both to judge on their own.", "matrix", rater=f"{one}+{other}",
                )  # fmt: skip
    n = len(panel.factors)
    for rater in names:
        mine = tables[rater][:n, :n]
        others = [tables[o][:n, :n] for o in names if o != rater]
        as_is, turned = (_median([_fit(m, o) for o in others]) for m in (mine, mine.T))
        if as_is is None or turned is None or turned < TURNED or turned - as_is < APART:
            continue
        if len(names) == 2:
            one, other = (labels[n] for n in names)
            yield own(
                "XIM-05", "warn", f"{one} and {other} fit better with one of them turned around "
                f"(correlation {turned:.2f} against {as_is:.2f}).",
                "Did one of them read the sheet the wrong way: does the row act on the column?",
                "Ask both; import the turned one with influence='column'.", "matrix", rater="+".join(names),
            )  # fmt: skip
            return
        yield own(
                "XIM-05", "warn",
                f"{labels[rater]} fits the others better turned around (correlation {turned:.2f} against {as_is:.2f}).",
                "Was the sheet read the wrong way: does the row act on the column?",
                "Ask; if so, import it with influence='column'.", "matrix", rater=rater,
            )  # fmt: skip


def _median(fits: list[float | None]) -> float | None:
    known = [f for f in fits if f is not None]
    return float(np.median(known)) if known else None


def _fit(one: Floats, other: Floats) -> float | None:
    """Return the correlation over cells that both hold; None where it cannot be computed."""
    both = ~np.isnan(one) & ~np.isnan(other) & ~np.eye(len(one), dtype=bool)
    a, b = one[both], other[both]
    if len(a) < ENOUGH or not a.std() or not b.std():
        return None
    return float(np.corrcoef(a, b)[0, 1])


def _opposite(panel: CrossImpact) -> Iterator[Finding]:
    """XIM-06: raters see opposite directions in one cell that is not agreed on."""
    for source, target, said in _by_cell(panel):
        if target in panel.consensus.get(source, {}):
            continue
        up = [w for w, j in said if isinstance(j.value, int | float) and j.value > 0]
        down = [w for w, j in said if isinstance(j.value, int | float) and j.value < 0]
        if up and down:
            labels = panel.labels
            yield own(
                "XIM-06", "warn",
                f"{labels[source]} on {labels[target]}: {', '.join(up)} {'see' if len(up) > 1 else 'sees'} it help, "
                f"{', '.join(down)} {'see' if len(down) > 1 else 'sees'} it harm.",
                "Do they mean the same thing by better?", "Talk about this cell first.", "cell",
                touchpoint=source, target=target,
            )  # fmt: skip


def _agreed(panel: CrossImpact) -> Iterator[Finding]:
    """XIM-07: what was agreed lies outside what anybody judged."""
    said = {(s, t): [j.value for _w, j in row] for s, t, row in _by_cell(panel)}
    for source, row in panel.consensus.items():
        for target, agreed in row.items():
            values = [
                float(v) for v in said.get((source, target), []) if isinstance(v, int | float)
            ]
            if not values or not isinstance(agreed.value, int | float):
                continue
            if not min(values) <= agreed.value <= max(values):
                labels = panel.labels
                yield own(
                    "XIM-07", "warn",
                    f"{labels[source]} on {labels[target]}: {agreed.value:g} was agreed, judged were {min(values):g} "
                    f"to {max(values):g}.",
                    "Did the talk bring something new?", "Write the reason beside it, or correct it.", "cell",
                    touchpoint=source, target=target,
                )  # fmt: skip


def _by_cell(panel: CrossImpact) -> Iterator[tuple[str, str, list[tuple[str, Judgement]]]]:
    cells: dict[tuple[str, str], list[tuple[str, Judgement]]] = {}
    for r in panel.raters:
        for source, row in r.cells.items():
            for target, judgement in row.items():
                cells.setdefault((source, target), []).append((r.label, judgement))
    for (source, target), said in cells.items():
        yield source, target, said


def _outcomes(panel: CrossImpact) -> Iterator[Finding]:
    """XIM-08: an outcome acts back. XIM-09: nothing acts on an outcome."""
    filled = [(s, t) for s, t, _said in _by_cell(panel)]
    filled += [(s, t) for s, row in panel.consensus.items() for t in row]
    if not filled:
        return
    for o in panel.outcomes:
        if any(s == o.id for s, _t in filled):
            yield own(
                "XIM-08", "info", f"{o.label} is an outcome and is said to act on something.",
                "Is it meant, such as word of mouth?", "Leave it if so; it stays out of the sums.", "row", outcome=o.id,
            )  # fmt: skip
        if not any(t == o.id for _s, t in filled):
            yield own(
                "XIM-09", "info", f"Nobody judged what acts on {o.label}.",
                "Does it matter to this journey?", "Judge its column, or take the outcome out.", "column", outcome=o.id,
            )  # fmt: skip


def _links(panel: CrossImpact, journey: Journey, gap: Severity) -> Iterator[Finding]:
    """XIM-10: a factor is no touchpoint of the journey. XIM-11: a touchpoint is no factor."""
    known = {t.id: t.label for t in journey.touchpoints}
    for f in panel.factors:
        if f.id not in known:
            yield own(
                "XIM-10", gap, f"{f.label} is no touchpoint of the journey.",
                f"Was it renamed or removed? {did_you_mean(f.id, known)}", "Rename the factor, or take it out.", "row",
                touchpoint=f.id,
            )  # fmt: skip
    judged = {f.id for f in panel.factors}
    missing = [label for t, label in known.items() if t not in judged]
    if missing and panel.factors:
        more = f" and {len(missing) - 5} more" if len(missing) > 5 else ""
        yield own(
            "XIM-11", "info", f"Not in the matrix: {', '.join(missing[:5])}{more}.",
            "Do they act on nothing that matters?", "Add them, or leave it so.", "matrix",
        )  # fmt: skip


def _interventions(
    panel: CrossImpact, roles: RoleRegister | None, today: date, gap: Severity
) -> Iterator[Finding]:
    """XIM-12, XIM-13 and XIM-15: owner, KPI and end of what will be done. XIM-14: it changes no touchpoint."""
    known = [r.id for r in roles.roles] if roles else []
    yield from check_plans(panel.interventions, CODES, known, today, gap)
    for one in panel.interventions:
        if one.status != "dropped" and not one.changes:
            yield own(
                "XIM-14", "warn", f"{one.label} changes no touchpoint.",
                "What does it make better?", "Name the touchpoints and how much better each gets.", "link",
                intervention=one.id,
            )  # fmt: skip
