"""Pictures of the scorecard: frames in, Altair charts out."""

import math

import altair as alt
import pandas as pd

from journey_widgets.chart_theme import BLUE, GREEN, GREY, INK, ORANGE
from journey_widgets.scorecard.strategy_layout import StrategyLayout

Chart = alt.LayerChart | alt.FacetChart | alt.Chart
GRADES = {
    "supported": [1, 0],
    "contradicted": [2, 2],
    "open": [8, 3],
    "too short": [5, 3],
    "no series": [5, 5],
}
"""What the data say of an arrow → its dashes."""


HELD = {"target": [1, 0], "expected by then": [6, 2, 1, 2], "benchmark": [1, 2]}
"""What a value is held against → its dashes."""


def xmr_chart(
    frame: pd.DataFrame, held: pd.DataFrame | None = None, *, unit: str = "", percent: bool = False
) -> Chart:
    """Draw an XmR chart: values in time, centre, limits, and signals with word and shape.

    `frame` has ``period`` and the columns of `signals.xmr`; `held`, as of `standing.held_against`, is drawn behind it.
    """
    drawn = frame.assign(marked=[s or "within the limits" for s in frame["signal"]])
    axis = alt.Axis(format=".0%" if percent else "~s")
    x = alt.X(
        "period:T", title=None, scale=alt.Scale(padding=18, nice=False),
        axis=alt.Axis(format="%b %Y", labelAngle=0, labelOverlap=True, values=_dates(drawn["period"])),
    )  # fmt: skip
    y = alt.Y("value:Q", title=unit or None, scale=alt.Scale(zero=False, padding=8), axis=axis)
    base = alt.Chart(drawn)
    rules = [
        base.mark_line(color=GREY, strokeDash=dash, interpolate="step").encode(
            x=x, y=alt.Y(f"{c}:Q")
        )
        for c, dash in (("centre", [1, 0]), ("low", [4, 3]), ("high", [4, 3]))
    ]
    if held is not None and len(held):
        rules.append(_held(held, x))
    kinds = ["within the limits", *sorted({k for k in drawn["marked"] if k != "within the limits"})]
    points = base.mark_point(filled=True, size=90, opacity=1).encode(
        x=x, y=y,
        color=alt.Color("marked:N", title=None, legend=alt.Legend(orient="top"),
                        scale=alt.Scale(domain=kinds, range=[BLUE, *[ORANGE] * (len(kinds) - 1)])),
        shape=alt.Shape("marked:N", title=None,
                        scale=alt.Scale(domain=kinds, range=["circle", *["diamond"] * (len(kinds) - 1)])),
        tooltip=[alt.Tooltip("period:T", title="Period", format="%B %Y"),
                 alt.Tooltip("value:Q", format=".1%" if percent else ".4~g"), alt.Tooltip("marked:N", title="Signal")],
    )  # fmt: skip
    return alt.layer(*rules, base.mark_line(color=BLUE).encode(x=x, y=y), points).properties(
        width=560, height=180
    )


def _held(held: pd.DataFrame, x: alt.X) -> alt.Chart:
    """Draw what the values are held against, in green and with dashes of its own."""
    there = {k: d for k, d in HELD.items() if (held["what"] == k).any()}
    dash = alt.StrokeDash(
        "what:N", title=None, legend=alt.Legend(orient="top", symbolStrokeColor=GREEN),
        scale=alt.Scale(domain=list(there), range=list(there.values())),
    )  # fmt: skip
    line: alt.Chart = alt.Chart(held).mark_line(color=GREEN, strokeWidth=1.5)
    drawn: alt.Chart = line.encode(x=x, y=alt.Y("value:Q"), strokeDash=dash)
    return drawn


def _dates(periods: pd.Series) -> list[alt.DateTime]:
    """Return where the axis is labelled: at every period, or at about eight of many."""
    step = max(1, len(periods) // 8)
    return [alt.DateTime(year=p.year, month=p.month, date=p.day) for p in periods.iloc[::step]]


def strategy_chart(layout: StrategyLayout) -> Chart:
    """Draw the strategy map: objectives and KPIs in the lanes of perspectives, arrows with sign, lag and grade."""
    lanes = len(layout.lanes)
    x_scale = alt.Scale(domain=[-2, 102], nice=False)
    y_scale = alt.Scale(domain=[100 * lanes - 60, -60], nice=False)
    x, y = alt.X("x:Q", axis=None, scale=x_scale), alt.Y("y:Q", axis=None, scale=y_scale)
    boxes, arrows = alt.Chart(layout.boxes), alt.Chart(layout.arrows)
    grades = {g: d for g, d in GRADES.items() if (layout.arrows["grade"] == g).any()}
    ways = arrows.mark_line(color=BLUE, strokeWidth=1.6, interpolate="basis").encode(
        x=x, y=y, detail="arrow:N", order="place:Q", tooltip=["words:N"],
        strokeDash=alt.StrokeDash("grade:N", title="evidence", legend=alt.Legend(orient="bottom"),
                                  scale=alt.Scale(domain=list(grades), range=list(grades.values()))),
    )  # fmt: skip
    heads = arrows.transform_filter("datum.place == 3").mark_point(filled=True, size=70, color=BLUE).encode(
        x=x, y=y, shape=alt.Shape("head:N", scale=None)
    )  # fmt: skip
    frames = boxes.mark_rect(fill=GREY, fillOpacity=0.12, stroke=GREY, cornerRadius=4).encode(
        x=alt.X("x1:Q", axis=None, scale=x_scale),
        x2="x2:Q",
        y=alt.Y("y1:Q", axis=None, scale=y_scale),
        y2="y2:Q",
    )
    texts = [
        boxes.mark_text(fontSize=size, dy=dy, color=INK, limit=220).encode(
            x=x, y=y, text=f"{field}:N"
        )
        for field, size, dy in (("label", 11, -7), ("status", 10, 9))
    ]
    beside = alt.Chart(layout.signs)
    signs = [
        beside.transform_filter("datum.align === 'left'").mark_text(fontSize=11, color=INK, align="left"),
        beside.transform_filter("datum.align === 'right'").mark_text(fontSize=11, color=INK, align="right"),
    ]  # fmt: skip
    sides = alt.Chart(layout.lanes).mark_text(align="left", x=0, fontSize=12, fontWeight=600, color=INK).encode(
        y=y, text="label:N"
    )  # fmt: skip
    rules = (
        alt.Chart(layout.lanes)
        .transform_calculate(top="datum.y - 14")
        .mark_rule(color=GREY, opacity=0.4)
    )
    rules = rules.encode(y=alt.Y("top:Q", axis=None, scale=y_scale))
    return alt.layer(
        rules,
        sides,
        ways,
        frames,
        *texts,
        heads,
        *(s.encode(x=x, y=y, text="sign:N") for s in signs),
    ).properties(width=860, height=110 * lanes)


def radar_chart(frame: pd.DataFrame) -> Chart:
    """Draw a radar of scores from 0 to 1, to stand beside a table: lengths along spokes are hard to compare.

    `frame` has ``axis`` (str), ``score`` (float64), ``when`` (``"before"`` or ``"now"``); each axis once a time.
    """
    axes = list(dict.fromkeys(frame["axis"]))
    turn = {a: 2 * math.pi * i / len(axes) for i, a in enumerate(axes)}

    def at(axis: str, length: float) -> dict[str, float]:
        return {"x": length * math.sin(turn[axis]), "y": length * math.cos(turn[axis])}

    points = pd.DataFrame(
        [
            {**at(r["axis"], r["score"]), **r, "place": axes.index(r["axis"])}
            for r in frame.to_dict("records")
        ]
    )
    first = points[points["place"] == points.groupby("when")["place"].transform("min")]
    shapes = pd.concat([points, first.assign(place=len(axes))])
    rings = pd.DataFrame(
        [{**at(a, r), "ring": r, "place": i} for r in (0.33, 0.67, 1.0) for i, a in enumerate([*axes, axes[0]])]
    )  # fmt: skip
    names = pd.DataFrame([{**at(a, 1.12), "axis": a} for a in axes])
    names["side"] = ["left" if x > 0.01 else "right" if x < -0.01 else "center" for x in names["x"]]
    scale = alt.Scale(domain=[-1.3, 1.3])
    x, y = alt.X("x:Q", axis=None, scale=scale), alt.Y("y:Q", axis=None, scale=scale)
    kinds = {"before": GREY, "now": BLUE}
    there = {k: c for k, c in kinds.items() if (frame["when"] == k).any()}
    colour = alt.Color(
        "when:N", title=None, legend=alt.Legend(orient="bottom"),
        scale=alt.Scale(domain=list(there), range=list(there.values())),
    )  # fmt: skip
    dash = alt.StrokeDash(
        "when:N", legend=None, scale=alt.Scale(domain=list(there), range=[[4, 3], [1, 0]][-len(there):])
    )  # fmt: skip
    grid = alt.Chart(rings).mark_line(color=GREY, opacity=0.4, strokeWidth=1).encode(
        x=x, y=y, detail="ring:N", order="place:O"
    )  # fmt: skip
    lines = alt.Chart(shapes).mark_line(strokeWidth=2).encode(
        x=x, y=y, color=colour, strokeDash=dash, order="place:O", detail="when:N"
    )  # fmt: skip
    dots = alt.Chart(points).mark_point(filled=True, size=50, opacity=1).encode(
        x=x, y=y, color=colour, tooltip=["axis:N", "when:N", alt.Tooltip("score:Q", format=".2f")]
    )  # fmt: skip
    words = [
        alt.Chart(names[names["side"] == side]).mark_text(fontSize=12, color=INK, align=side)
        .encode(x=x, y=y, text="axis:N")
        for side in dict.fromkeys(names["side"])
    ]  # fmt: skip
    return alt.layer(grid, lines, dots, *words).properties(
        width=300, height=300, padding={"left": 130, "right": 130}
    )
