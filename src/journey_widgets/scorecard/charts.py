"""Pictures of the scorecard: frames in, Altair charts out."""

import altair as alt
import pandas as pd

from journey_widgets.chart_theme import BLUE, GREY, INK, ORANGE
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


def xmr_chart(frame: pd.DataFrame, *, unit: str = "", percent: bool = False) -> Chart:
    """Draw an XmR chart: values in time, centre, limits, and signals with word and shape.

    `frame` has ``period`` and the columns of `signals.xmr`.
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
    signs = (
        alt.Chart(layout.signs)
        .mark_text(dy=-6, fontSize=11, color=INK)
        .encode(x=x, y=y, text="sign:N")
    )
    sides = alt.Chart(layout.lanes).mark_text(align="left", x=0, fontSize=12, fontWeight=600, color=INK).encode(
        y=y, text="label:N"
    )  # fmt: skip
    rules = (
        alt.Chart(layout.lanes)
        .transform_calculate(top="datum.y - 14")
        .mark_rule(color=GREY, opacity=0.4)
    )
    rules = rules.encode(y=alt.Y("top:Q", axis=None, scale=y_scale))
    return alt.layer(rules, sides, ways, frames, *texts, heads, signs).properties(
        width=860, height=110 * lanes
    )
