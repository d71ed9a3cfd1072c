"""Where the parts of a strategy map stand: boxes in the lanes of their perspectives, and the arrows between them."""

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

LANE, HALF_HIGH = 100.0, 20.0
"""Height of a lane, and half that of a box."""
WIDEST = 12.0
"""Half the width of a box, in hundredths of the picture; less where a lane holds many."""
LETTERS = 2.6
"""Letters that fit in two hundredths."""
NEAR, LINE, ASIDE = 9.0, 12.0, 0.6
"""How far a sign stands from its box, from the sign before it, and beside its line."""


@dataclass(frozen=True)
class StrategyLayout:
    """A strategy map, ready to be drawn; x runs from 0 to 100, y downwards.

    Attributes
    ----------
    boxes
        ``node``, ``label`` (cut to fit), ``status``, ``x``, ``y``, ``x1``, ``x2``, ``y1``, ``y2``.
    arrows
        Four points a line: ``arrow``, ``place``, ``x``, ``y``, ``grade``, ``words``, ``head`` (which way it points).
    signs
        ``x``, ``y``, ``sign`` (with the lag), ``align`` (of the text): where a line leaves its box, on the side that
        it turns away from.
    lanes
        ``label``, ``y``.
    """

    boxes: pd.DataFrame
    arrows: pd.DataFrame
    signs: pd.DataFrame
    lanes: pd.DataFrame


def strategy_layout(
    nodes: pd.DataFrame, arrows: pd.DataFrame, perspectives: Mapping[str, str]
) -> StrategyLayout:
    """Lay a strategy map out.

    Parameters
    ----------
    nodes
        Columns ``node``, ``label``, ``lane`` (perspective), ``place`` (from 0 in its lane), ``status`` (in words).
    arrows
        As `strategy.arrows` returns it; those whose ends are no nodes are left out.
    perspectives
        Id → label, from top to bottom.
    """
    lanes = list(perspectives)
    size = nodes.groupby("lane")["place"].transform("max") + 1
    half = (50 / size - 1.2).clip(upper=WIDEST)
    x = (nodes["place"] + 0.5) / size * 100
    y = pd.Series(
        [lanes.index(v) * LANE for v in nodes["lane"]], index=nodes.index, dtype="float64"
    )
    most = (half * LETTERS).astype(int)
    labels = [
        v if len(v) <= m else f"{v[: m - 1]}…" for v, m in zip(nodes["label"], most, strict=True)
    ]
    boxes = nodes.assign(
        label=labels, x=x, y=y, x1=x - half, x2=x + half, y1=y - HALF_HIGH, y2=y + HALF_HIGH
    )
    at = {n: (a, b) for n, a, b in zip(boxes["node"], x, y, strict=True)}
    known = arrows[arrows["source"].isin(list(at)) & arrows["target"].isin(list(at))]
    rows, signs = [], []
    for number, a in enumerate(known.to_dict("records")):
        points = _way(at[a["source"]], at[a["target"]])
        later = f" after {a['lag']} month{'s'[: a['lag'] > 1]}" if a["lag"] else ""
        sign = f"{'−' if a['sign'] == '-' else '+'}{later}"
        head = "triangle-up" if points[3][1] < points[2][1] else "triangle-down"
        rows += [
            (number, place, *p, a["grade"], f"{sign}: {a['grade']}", head)
            for place, p in enumerate(points)
        ]
        align = "right" if points[2][0] >= points[0][0] else "left"
        signs.append((points[0][0], points[0][1], sign, align, points[1][1] < points[0][1]))
    columns = ["arrow", "place", "x", "y", "grade", "words", "head"]
    names = [(label, place * LANE - 34) for place, label in enumerate(perspectives.values())]
    return StrategyLayout(
        boxes, pd.DataFrame(rows, columns=columns), _beside(signs), pd.DataFrame(names, columns=["label", "y"]),
    )  # fmt: skip


def _beside(signs: list[tuple[float, float, str, str, bool]]) -> pd.DataFrame:
    """Return where signs stand; several on one side of a box stand one above the other."""
    frame = pd.DataFrame(signs, columns=["x", "y", "sign", "align", "upwards"])
    turn = frame.groupby(["x", "y", "align"]).cumcount()
    away = NEAR + turn * LINE
    x = frame["x"] + frame["align"].map({"right": -1.0, "left": 1.0}) * ASIDE
    y = frame["y"] + away.where(~frame["upwards"].astype(bool), -away)
    return frame.assign(x=x, y=y)[["x", "y", "sign", "align"]]


def _way(start: tuple[float, float], end: tuple[float, float]) -> list[tuple[float, float]]:
    """Return four points from one box to another: out of it, over, and in; within a lane, above the boxes."""
    (xa, ya), (xb, yb) = start, end
    if ya == yb:
        out, into = ya - HALF_HIGH, yb - HALF_HIGH
        over = out - 26
    else:
        side = -HALF_HIGH if yb < ya else HALF_HIGH
        out, into = ya + side, yb - side
        over = (out + into) / 2
    return [(xa, out), (xa, over), (xb, over), (xb, into)]
