"""The linked model: from anything that a workspace names to all that hangs together with it, and by what.

Documents name each other's parts by id: a row of the RACI matrix its touchpoint and roles, a touchpoint its KPIs, a
moment its touchpoint and offer. Here these names are the edges of one graph.
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd
from ibis import _

from journey_widgets.errors import WorkspaceError, did_you_mean
from journey_widgets.raci.schemes import read_cell
from journey_widgets.scorecard.standing import kpi_label

if TYPE_CHECKING:
    from journey_widgets.workspace.workspace import Workspace

Node = tuple[str, str]
"""Kind and id, such as ``("touchpoint", "checkout")``."""
COLUMNS = ("kind", "id", "label", "steps", "by", "customers")


@dataclass(frozen=True)
class Edge:
    """One thing that names another: `words` stand between their labels."""

    source: Node
    words: str
    target: Node


class Model:
    """Everything a workspace names: labels of nodes, and edges between them."""

    def __init__(self, space: "Workspace") -> None:
        self.labels: dict[Node, str] = {}
        self.edges: list[Edge] = []
        self._kpis: dict[str, list[str]] = {}
        self._of_scorecard(space)
        self._of_journey(space)
        self._of_raci(space)
        self._of_cross_impact(space)
        self._of_upsell(space)

    def _node(self, kind: str, id_: str, label: str = "") -> Node:
        node = (kind, id_)
        if label or node not in self.labels:
            self.labels[node] = label or id_
        return node

    def _edge(self, source: Node, words: str, target: Node) -> None:
        self.edges.append(Edge(source, words, target))

    def _owned(self, node: Node, owner: str | None) -> None:
        if owner:
            self._edge(self._node("role", owner), "answers for", node)

    def _kpi(self, named: str) -> Iterator[Node]:
        """Yield the KPIs of the scorecard that are called so, or measured so; else the one of the catalogue."""
        for id_ in self._kpis.get(named) or [named]:
            yield self._node("kpi", id_)

    def _of_scorecard(self, space: "Workspace") -> None:
        card = space.scorecard
        for p in card.perspectives:
            self._node("perspective", p.id, p.label)
        for o in card.objectives:
            aim = self._node("objective", o.id, o.label)
            self._edge(aim, "belongs to", self._node("perspective", o.perspective))
            self._owned(aim, o.owner)
            if o.stage:
                self._edge(aim, "is about the stage", self._node("stage", o.stage))
            for k in o.kpis:
                kpi = self._node("kpi", k.id, kpi_label(k, card))
                self._edge(kpi, "shows", aim)
                self._owned(kpi, k.owner or o.owner)
                for name in {k.id, k.measured_as}:
                    self._kpis.setdefault(name, []).append(k.id)
        for a in card.arrows:
            self._edge(
                self._node("objective", a.source), "drives", self._node("objective", a.target)
            )
        for i in card.initiatives:
            self._plan(self._node("initiative", i.id, i.label), i)

    def _plan(self, node: Node, plan: Any) -> None:
        self._owned(node, plan.owner)
        for kpi in self._kpi(plan.kpi) if plan.kpi else ():
            self._edge(node, "is to move", kpi)

    def _of_journey(self, space: "Workspace") -> None:
        if not space.rev("journey"):
            return
        journey = space.journey
        for s in journey.stages:
            self._node("stage", s.id, s.label)
        for t in journey.touchpoints:
            touchpoint = self._node("touchpoint", t.id, t.label)
            self._edge(touchpoint, "is in the stage", self._node("stage", t.stage))
            for named in t.kpis:
                for kpi in self._kpi(named):
                    self._edge(touchpoint, "is measured by", kpi)
        for w in journey.ways:
            self._edge(
                self._node("touchpoint", w.source), "leads to", self._node("touchpoint", w.target)
            )
        for i in journey.items:
            item = self._node(i.kind, i.id, i.label)
            if i.touchpoint:
                self._edge(item, "is at", self._node("touchpoint", i.touchpoint))
            elif i.stage:
                self._edge(item, "is in the stage", self._node("stage", i.stage))

    def _of_raci(self, space: "Workspace") -> None:
        for r in space.roles.roles:
            role = self._node("role", r.id, r.label)
            if r.reports_to:
                self._edge(role, "reports to", self._node("role", r.reports_to))
        if not space.rev("raci"):
            return
        matrix = space.raci
        for m in matrix.roles:
            self._node("role", m.id, self.labels.get(("role", m.id), m.label))
        answers = matrix.letters.accountable
        # Who answers for it comes first.
        order = sorted(matrix.letters.letters, key=lambda letter: letter != answers)
        for row in matrix.rows:
            label = self.labels.get(("touchpoint", row.touchpoint)) or row.label
            touchpoint = self._node("touchpoint", row.touchpoint, label)
            for held_by, text in row.cells.items():
                letters, _unknown = read_cell(text, matrix.letters)
                for letter in (n for n in order if n in letters):
                    word = matrix.letters.letters[letter].partition(":")[0].lower()
                    self._edge(self._node("role", held_by), f"is {word} for", touchpoint)

    def _of_cross_impact(self, space: "Workspace") -> None:
        if not space.rev("cross_impact"):
            return
        panel = space.cross_impact
        outcomes = {o.id: o.label for o in panel.outcomes}
        for f in panel.factors:
            self._node("touchpoint", f.id, self.labels.get(("touchpoint", f.id), f.label))
        if not panel.blind:
            for (source, target), value in panel.judged_values().items():
                if isinstance(value, str) or not value:
                    continue
                end = self._node(
                    "outcome" if target in outcomes else "touchpoint",
                    target,
                    outcomes.get(target, ""),
                )
                words = f"{'helps' if value > 0 else 'harms'} ({value:+.2g})"
                self._edge(self._node("touchpoint", source), words, end)
        for i in panel.interventions:
            plan = self._node("intervention", i.id, i.label)
            self._plan(plan, i)
            for changed in i.changes:
                self._edge(plan, "changes", self._node("touchpoint", changed))

    def _of_upsell(self, space: "Workspace") -> None:
        if not space.rev("upsell"):
            return
        plan = space.upsell
        for o in plan.offers:
            offer = self._node("offer", o.id, o.label)
            for kpi in self._kpi(o.kpi) if o.kpi else ():
                self._edge(offer, "is judged by", kpi)
        for m in plan.moments:
            moment = self._node("moment", m.id, m.label)
            self._edge(moment, "is at", self._node("touchpoint", m.touchpoint))
            self._edge(moment, "is for", self._node("offer", m.offer))

    def beside(self) -> dict[Node, list[tuple[Node, str]]]:
        """Return the neighbours of each node, with the sentence that joins them."""
        found: dict[Node, list[tuple[Node, str]]] = {n: [] for n in self.labels}
        for e in self.edges:
            said = f"{self.labels[e.source]} {e.words} {self.labels[e.target]}"
            found[e.source].append((e.target, said))
            found[e.target].append((e.source, said))
        return found


def linked(space: "Workspace", kind: str, id_: str, *, within: int | None = None) -> pd.DataFrame:
    """Return all that hangs together with one thing of a workspace, the nearest first.

    Parameters
    ----------
    space
        The workspace.
    kind
        What it is: ``touchpoint``, ``role``, ``kpi``, ``objective``, ``perspective``, ``stage``, ``outcome``,
        ``intervention``, ``initiative``, ``offer``, ``moment``, or a kind of item of the map such as ``pain_point``.
    id_
        Its id.
    within
        How many steps away at most; all that can be reached by default.

    Returns
    -------
    pandas.DataFrame
        ``kind``, ``id``, ``label`` (str); ``steps`` (int64), how far it is; ``by`` (str), the sentences that lead
        there, one a step; ``customers`` (Int64), of a touchpoint those in the event log, where there is one.
    """
    model = Model(space)
    start = (kind, id_)
    if start not in model.labels:
        of_kind = [i for k, i in model.labels if k == kind]
        hint = (
            did_you_mean(id_, of_kind)
            if of_kind
            else did_you_mean(kind, {k for k, _i in model.labels})
        )
        msg = f"The workspace names no {kind} {id_!r}. {hint}"
        raise WorkspaceError(msg)
    beside = model.beside()
    reached: dict[Node, tuple[int, str]] = {start: (0, "")}
    waiting = deque([start])
    while waiting:
        node = waiting.popleft()
        steps, said = reached[node]
        if within is not None and steps == within:
            continue
        for other, sentence in beside[node]:
            if other not in reached:
                reached[other] = (steps + 1, f"{said}; {sentence}" if said else sentence)
                waiting.append(other)
    counted = _customers(space)
    rows = [
        (
            *node,
            model.labels[node],
            steps,
            said,
            counted.get(node[1]) if node[0] == "touchpoint" else None,
        )
        for node, (steps, said) in reached.items()
        if node != start
    ]
    found = pd.DataFrame(rows, columns=list(COLUMNS))
    return found.astype({"steps": "int64", "customers": "Int64"})


def _customers(space: "Workspace") -> dict[str, int]:
    """Return how many customers the log has at each touchpoint."""
    if "events" not in space.sources.present():
        return {}
    log = space.events().table
    counted = log.group_by("touchpoint").agg(n=_.customer_id.nunique()).to_pyarrow().to_pylist()
    return {r["touchpoint"]: int(r["n"]) for r in counted if r["touchpoint"] is not None}
