"""Step flow: who is where at each step and goes where next, laid out as bands that never go back.

The nodes are (step, touchpoint), so a customer who comes back is drawn further on: there is no cycle.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from ibis import _

from journey_widgets.definition import defined
from journey_widgets.errors import JourneyDataError
from journey_widgets.events.engine import collect
from journey_widgets.events.paths import path_index

OTHER, ENDED = "(other)", "(ended)"
GAP, WIDE, POINTS = 0.03, 0.16, 9


@dataclass(frozen=True)
class StepFlow:
    """A picture's worth of steps; ``x`` is the step, ``y`` the share of customers, from the top.

    Attributes
    ----------
    nodes
        ``step``, ``touchpoint``, ``customers``, ``share``, ``x``, ``x2``, ``y``, ``y2``, ``names`` (how
        many touchpoints are in it).
    bands
        Points of the bands: ``band``, ``source``, ``target``, ``step``, ``customers``, ``x``, ``y``, ``y2``.
    """

    nodes: pd.DataFrame
    bands: pd.DataFrame


def step_links(log: Any, *, max_steps: int = 6, top: int = 5) -> pd.DataFrame:
    """Count who goes where from each step.

    Parameters
    ----------
    log
        A `Source` of events, a table with ``customer_id``, ``ts`` and ``event``, or a `PathIndex`.
    max_steps
        Steps shown, from 1 on.
    top
        Touchpoints kept by name at each step, the most frequent ones; the rest are ``"(other)"``.

    Returns
    -------
    pandas.DataFrame
        One row per step and pair. Columns: ``step`` (int64) of the source; ``source``, ``target`` (str),
        ``"(ended)"`` for those whose path ended; ``customers`` (int64); ``source_names``,
        ``target_names`` (int64), how many touchpoints stand behind each.
    """
    if max_steps < 2 or top < 1:
        msg = f"max_steps is {max_steps} and top {top}; 2 or more and 1 or more were needed."
        raise JourneyDataError(msg)
    index = path_index(log)
    counts = collect(
        index.table.filter(_.step <= max_steps)
        .group_by("step", "touchpoint", "next").agg(customers=_.count())
    )  # fmt: skip
    names = np.array([*index.touchpoints, ENDED], dtype=object)
    frame = pd.DataFrame(
        {
            "step": counts["step"].astype("int64"),
            "source": names[counts["touchpoint"].to_numpy()],
            "target": names[counts["next"].fillna(len(names) - 1).astype("int64").to_numpy()],
            "customers": counts["customers"].astype("int64"),
        }
    )
    at = frame.groupby(["step", "source"])["customers"].sum().reset_index()
    at = at.sort_values(["step", "customers", "source"], ascending=[True, False, True])
    kept = {step: set(rows["source"].head(top)) for step, rows in at.groupby("step")}
    sizes = at.groupby("step")["source"].nunique()
    frame["source"] = [
        n if n in kept[s] else OTHER for s, n in zip(frame["step"], frame["source"], strict=True)
    ]
    inner = frame[frame["step"] < max_steps].copy()
    inner["target"] = [
        n if n == ENDED or n in kept.get(s + 1, set()) else OTHER
        for s, n in zip(inner["step"], inner["target"], strict=True)
    ]
    links = inner.groupby(["step", "source", "target"], sort=True)["customers"].sum().reset_index()
    others = {s: int(sizes[s]) - len(kept[s]) for s in kept}
    links["source_names"] = [
        others[s] if n == OTHER else 1 for s, n in zip(links["step"], links["source"], strict=True)
    ]
    links["target_names"] = [
        others.get(s + 1, 0) if n == OTHER else 1
        for s, n in zip(links["step"], links["target"], strict=True)
    ]
    return defined(
        links.astype({"source": "str", "target": "str"}),
        f"Unit: {index.unit}; {index.in_words()}",
        f"At each step the {top} most frequent touchpoints by name, the rest as {OTHER}",
    )


def step_flow(links: pd.DataFrame) -> StepFlow:
    """Lay the result of `step_links` out."""
    nodes = _nodes(links)
    places = nodes.set_index(["step", "touchpoint"])
    total = float(nodes.loc[nodes["step"] == 1, "customers"].sum()) or 1.0
    out, come = places["y"].to_dict(), places["y"].to_dict()
    rows = []
    order = {key: i for i, key in enumerate(places.index)}
    ranked = links.assign(
        a=[order[s, n] for s, n in zip(links["step"], links["source"], strict=True)],
        b=[order[s + 1, n] for s, n in zip(links["step"], links["target"], strict=True)],
    ).sort_values(["a", "b"])
    bend = np.linspace(0, 1, POINTS)
    ease = bend * bend * (3 - 2 * bend)
    for row in ranked.to_dict("records"):
        source, target = (row["step"], row["source"]), (row["step"] + 1, row["target"])
        size = row["customers"] / total
        y1, y2 = out[source], come[target]
        out[source] += size
        come[target] += size
        left, right = row["step"] + WIDE / 2, row["step"] + 1 - WIDE / 2
        for t, e in zip(bend, ease, strict=True):
            y = y1 + (y2 - y1) * e
            rows.append(
                {
                    "band": f"{row['step']} {row['source']} {row['target']}", "source": row["source"],
                    "target": row["target"], "step": row["step"], "customers": row["customers"],
                    "x": left + (right - left) * t, "y": y, "y2": y + size,
                }
            )  # fmt: skip
    columns = ["band", "source", "target", "step", "customers", "x", "y", "y2"]
    return StepFlow(nodes, pd.DataFrame(rows, columns=columns))


def _nodes(links: pd.DataFrame) -> pd.DataFrame:
    left = links.groupby(["step", "source"]).agg(
        customers=("customers", "sum"), names=("source_names", "max")
    )
    left.index.names = ["step", "touchpoint"]
    right = links.assign(step=links["step"] + 1).groupby(["step", "target"])
    came = right.agg(customers=("customers", "sum"), names=("target_names", "max"))
    came.index.names = ["step", "touchpoint"]
    nodes = left.combine_first(came).reset_index().astype({"customers": "int64", "names": "int64"})
    total = float(nodes.loc[nodes["step"] == 1, "customers"].sum()) or 1.0
    last = nodes["touchpoint"].map({OTHER: 1, ENDED: 2}).fillna(0)
    nodes = nodes.assign(last=last).sort_values(
        ["step", "last", "customers", "touchpoint"], ascending=[True, True, False, True]
    )
    size = nodes["customers"] / total
    above = size.groupby(nodes["step"]).cumsum() - size + GAP * nodes.groupby("step").cumcount()
    return nodes.assign(
        share=size, x=nodes["step"] - WIDE / 2, x2=nodes["step"] + WIDE / 2, y=above, y2=above + size
    ).drop(columns="last").reset_index(drop=True)  # fmt: skip
