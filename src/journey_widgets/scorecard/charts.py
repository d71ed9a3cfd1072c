"""Pictures of the scorecard: frames in, Altair charts out."""

from collections.abc import Mapping

import altair as alt
import pandas as pd

from journey_widgets.chart_theme import BLUE, GREY, INK, ORANGE

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
    y = alt.Y("value:Q", title=unit or None, scale=alt.Scale(zero=False), axis=axis)
    base = alt.Chart(drawn)
    rules = [
        base.mark_line(color=GREY, strokeDash=dash, interpolate="step").encode(
            x=x, y=alt.Y(f"{c}:Q")
        )
        for c, dash in (("centre", [1, 0]), ("low", [4, 3]), ("high", [4, 3]))
    ]
    kinds = ["within the limits", *sorted({k for k in drawn["marked"] if k != "within the limits"})]
    points = base.mark_point(filled=True, size=90).encode(
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


def strategy_chart(
    nodes: pd.DataFrame, arrows: pd.DataFrame, perspectives: Mapping[str, str]
) -> Chart:
    """Draw the strategy map: objectives and KPIs in the lanes of their perspectives, arrows with sign, lag and grade.

    Parameters
    ----------
    nodes
        Columns ``node``, ``label``, ``lane`` (perspective), ``place`` (from 0 in its lane), ``status`` (in words).
    arrows
        As `strategy.arrows` returns it, its ends being nodes.
    perspectives
        Id → label, from top to bottom.
    """
    lanes = list(perspectives)
    size = nodes.groupby("lane")["place"].transform("max") + 1
    boxes = nodes.assign(
        x=(nodes["place"] + 0.5) / size * 100, y=[lanes.index(v) * 100.0 for v in nodes["lane"]],
    )  # fmt: skip
    half = (50 / size - 1.2).clip(upper=12)
    most = (half * 2.6).astype(int)
    cut = [
        v if len(v) <= m else f"{v[: m - 1]}…" for v, m in zip(boxes["label"], most, strict=True)
    ]
    boxes = boxes.assign(
        label=cut,
        x1=boxes["x"] - half,
        x2=boxes["x"] + half,
        y1=boxes["y"] - 20,
        y2=boxes["y"] + 20,
        y_status=boxes["y"] + 9,
        y_label=boxes["y"] - 7,
    )
    at = boxes.set_index("node")[["x", "y"]]
    known = arrows[arrows["source"].isin(at.index) & arrows["target"].isin(at.index)]
    rows = []
    for number, a in enumerate(known.to_dict("records")):
        (xa, ya), (xb, yb) = at.loc[a["source"]], at.loc[a["target"]]
        up = yb < ya
        start, end = (
            (ya - 20 if up else ya + 20, yb + 20 if up else yb - 20)
            if ya != yb
            else (ya - 20, yb - 20)
        )
        bend = (start + end) / 2 if ya != yb else start - 26
        later = f" after {a['lag']} months" if a["lag"] else ""
        words = f"{a['sign']}{later}: {a['grade']}"
        for place, (x, y) in enumerate(((xa, start), (xa, bend), (xb, bend), (xb, end))):
            rows.append(
                {
                    "arrow": number,
                    "place": place,
                    "x": x,
                    "y": y,
                    "grade": a["grade"],
                    "words": words,
                }
            )
    lines = pd.DataFrame(rows, columns=["arrow", "place", "x", "y", "grade", "words"])
    x_scale = alt.Scale(domain=[-2, 102], nice=False)
    y_scale = alt.Scale(domain=[100 * len(lanes) - 60, -60], nice=False)

    def x_of(field: str) -> alt.X:
        return alt.X(f"{field}:Q", axis=None, scale=x_scale)

    def y_of(field: str) -> alt.Y:
        return alt.Y(f"{field}:Q", axis=None, scale=y_scale)

    x_axis, y_axis = x_of("x"), y_of("y")
    ways = alt.Chart(lines).mark_line(color=BLUE, strokeWidth=1.6, interpolate="basis").encode(
        x=x_axis, y=y_axis, detail="arrow:N", order="place:Q",
        strokeDash=alt.StrokeDash("grade:N", title="evidence", legend=alt.Legend(orient="bottom"),
                                  scale=alt.Scale(domain=list(GRADES), range=list(GRADES.values()))),
        tooltip=["words:N"],
    )  # fmt: skip
    heads = (
        alt.Chart(lines[lines["place"] == 3])
        .mark_point(shape="triangle-up", filled=True, size=70, color=BLUE)
        .encode(x=x_axis, y=y_axis)
    )
    middles = (
        lines[lines["place"].isin([1, 2])]
        .groupby(["arrow", "words"], as_index=False)[["x", "y"]]
        .mean()
    )
    signs = (
        alt.Chart(middles.assign(sign=[w.split(":")[0] for w in middles["words"]]))
        .mark_text(dy=-6, fontSize=11, color=INK)
        .encode(x=x_axis, y=y_axis, text="sign:N")
    )
    frames = (
        alt.Chart(boxes)
        .mark_rect(fill="#8a8f98", fillOpacity=0.12, stroke=GREY, cornerRadius=4)
        .encode(x=x_of("x1"), x2="x2:Q", y=y_of("y1"), y2="y2:Q")
    )
    labels = (
        alt.Chart(boxes)
        .mark_text(fontSize=11, color=INK, limit=220)
        .encode(x=x_axis, y=y_of("y_label"), text="label:N")
    )
    told = (
        alt.Chart(boxes)
        .mark_text(fontSize=10, color=INK, limit=220)
        .encode(x=x_axis, y=y_of("y_status"), text="status:N")
    )
    names = pd.DataFrame(
        {
            "x": -2.0,
            "y": [i * 100.0 - 34 for i in range(len(lanes))],
            "label": list(perspectives.values()),
        }
    )
    sides = (
        alt.Chart(names)
        .mark_text(align="left", fontSize=12, fontWeight=600, color=INK)
        .encode(x=x_axis, y=y_axis, text="label:N")
    )
    rules = (
        alt.Chart(names.assign(y=names["y"] - 14))
        .mark_rule(color=GREY, opacity=0.4)
        .encode(y=y_axis)
    )
    return alt.layer(rules, sides, ways, frames, labels, told, heads, signs).properties(
        width=860, height=110 * len(lanes)
    )
