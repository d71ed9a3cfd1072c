"""Flow: the journey map's touchpoints with the measured paths between them, laid out for a picture."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from journey_widgets.journey.document import Journey

MAX_ROWS = 10
"""Touchpoints below each other; a stage with more of them takes several columns."""
UNMAPPED = "Not in the map"
"""Column of touchpoints that occur in the log and not in the journey document."""


@dataclass(frozen=True)
class Flow:
    """A picture's worth of paths.

    Attributes
    ----------
    nodes
        One row per touchpoint: ``touchpoint``, ``label``, ``stage_label`` (str), ``x`` (stage
        number), ``y`` (place in the stage), ``visits`` (int64, events there).
    edges
        Points of curves, four per edge, in order: ``edge`` (str), ``source_label``,
        ``target_label``, ``count``, ``share`` of the source's events, ``point``, ``x``, ``y``.
    stages
        One row per stage: ``x`` of its first column, ``label``.
    left_out
        Share of all steps (0 to 1) in edges too weak to draw, repeats of one touchpoint included.
    """

    nodes: pd.DataFrame
    edges: pd.DataFrame
    stages: pd.DataFrame
    left_out: float

    def sentence(self) -> str:
        """Return what the picture shows and what it leaves out."""
        drawn = self.edges["edge"].nunique()
        return (
            f"{drawn} frequent paths between {len(self.nodes)} touchpoints, the most frequent way in and "
            f"out of each among them; {self.left_out:.0%} of all steps are not drawn (rarer ones, and "
            "repeats of one touchpoint)."
        )


def flow(
    journey: Journey, transitions: pd.DataFrame, *, top: int = 30, max_names: int = 40
) -> Flow:
    """Lay the frequent transitions out over the stages of the journey.

    Drawn are the `top` most frequent ones, and for each touchpoint the most frequent way in and the
    most frequent way out, so that no touchpoint that was visited stands alone.

    Parameters
    ----------
    journey
        The map: stages become columns, touchpoints stand in them in order.
    transitions
        Result of `journey.transitions` with ``ends=True``.
    top
        Number of edges drawn at least, where there are as many.
    max_names
        Touchpoints drawn by name where the log has more than the map: those of the map, and of the
        others the most frequent ones. The rest is one point, with their number.
    """
    transitions = _with_other(journey, transitions, max_names)
    inner = transitions[
        (transitions["source"] != "path_start") & (transitions["target"] != "path_end")
    ]
    from_source = transitions[transitions["source"] != "path_start"]
    visits = from_source.groupby("source")["count"].sum()
    nodes = _nodes(journey, visits)
    drawn = _chosen(inner[inner["source"] != inner["target"]], top)
    edges = _curves(nodes.set_index("touchpoint"), drawn)
    total = int(inner["count"].sum())
    left_out = 1 - int(drawn["count"].sum()) / total if total else 0.0
    stages = nodes[["x", "stage_label"]].drop_duplicates("stage_label")
    stages = stages.rename(columns={"stage_label": "label"})
    return Flow(nodes, edges, stages.sort_values("x", ignore_index=True), left_out)


def _with_other(journey: Journey, steps: pd.DataFrame, max_names: int) -> pd.DataFrame:
    """Put the rarest touchpoints that are not on the map together as one."""
    on_map = {t.id for t in journey.touchpoints}
    visits = steps[steps["source"] != "path_start"].groupby("source")["count"].sum()
    strange = (
        visits[~visits.index.isin(on_map)].sort_index().sort_values(ascending=False, kind="stable")
    )
    room = max(max_names - int(visits.index.isin(on_map).sum()), 1)
    if len(strange) <= room:
        return steps
    rest = set(strange.index[room - 1 :])
    name = f"other ({len(rest):,} touchpoints)"
    renamed = steps.assign(
        source=[name if s in rest else s for s in steps["source"]],
        target=[name if t in rest else t for t in steps["target"]],
    )
    merged = renamed.groupby(["source", "target"], sort=False)["count"].sum().reset_index()
    merged["proba_out"] = merged["count"] / merged.groupby("source")["count"].transform("sum")
    order = ["count", "source", "target"]
    return merged.sort_values(order, ascending=[False, True, True], ignore_index=True)


def _chosen(between: pd.DataFrame, top: int) -> pd.DataFrame:
    """Return the edges to draw, most frequent first; `between` comes in that order."""
    ways_out = between.drop_duplicates("source").index
    ways_in = between.drop_duplicates("target").index
    return between[between.index.isin(between.index[:top].union(ways_out).union(ways_in))]


def _nodes(journey: Journey, visits: pd.Series) -> pd.DataFrame:
    rows = []
    columns: list[tuple[str, list[tuple[str, str]]]] = [
        (s.label, [(t.id, t.label) for t in journey.in_stage(s.id)]) for s in journey.stages
    ]
    placed = {name for _label, members in columns for name, _text in members}
    unknown = visits[~visits.index.isin(placed)].sort_index()
    unknown = unknown.sort_values(ascending=False, kind="stable")
    strange = [(str(n), str(n)) for n in unknown.index]
    if strange:
        columns.append((UNMAPPED, strange))
    used = [
        (label, members[first : first + MAX_ROWS])
        for label, members in columns
        for first in range(0, len(members), MAX_ROWS)
    ]
    for x, (label, members) in enumerate(used):
        for position, (name, text) in enumerate(members):
            rows.append(
                {
                    "touchpoint": name,
                    "label": text,
                    "stage_label": label,
                    "x": float(x),
                    "y": (position + 0.5) / len(members),
                    "visits": int(visits.get(name, 0)),
                }
            )
    return pd.DataFrame(rows, columns=["touchpoint", "label", "stage_label", "x", "y", "visits"])


def _curves(places: pd.DataFrame, drawn: pd.DataFrame) -> pd.DataFrame:
    rows = []
    for source, target, count, share in zip(
        drawn["source"], drawn["target"], drawn["count"], drawn["proba_out"], strict=True
    ):
        a, b = places.loc[source], places.loc[target]
        for point, (x, y) in enumerate(_bend(a["x"], a["y"], b["x"], b["y"])):
            rows.append(
                {
                    "edge": f"{source} -> {target}",
                    "source_label": a["label"],
                    "target_label": b["label"],
                    "count": int(count),
                    "share": float(share),
                    "point": point,
                    "x": x,
                    "y": y,
                }
            )
    columns = ["edge", "source_label", "target_label", "count", "share", "point", "x", "y"]
    return pd.DataFrame(rows, columns=columns)


def _bend(x1: float, y1: float, x2: float, y2: float) -> list[tuple[float, float]]:
    """Return the points of a curve: forward edges bow up, backward ones down, loops in a stage aside."""
    if x1 == x2:
        side = 0.28 if y2 > y1 else -0.28
        return [(x1, y1), (x1 + side, y1), (x1 + side, y2), (x2, y2)]
    lift = float(np.clip(0.06 * abs(x2 - x1), 0.04, 0.2)) * (-1 if x2 > x1 else 1)
    third = (x2 - x1) / 3
    return [(x1, y1), (x1 + third, y1 + lift), (x2 - third, y2 + lift), (x2, y2)]
