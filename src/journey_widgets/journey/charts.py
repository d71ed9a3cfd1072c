"""Pictures of the journey: frames in, Altair charts out."""

import altair as alt
import pandas as pd

from journey_widgets.chart_theme import BLUE, GREY, INK
from journey_widgets.journey.document import Journey
from journey_widgets.journey.flow import Flow


def funnel_chart(
    frame: pd.DataFrame, journey: Journey | None = None
) -> alt.LayerChart | alt.FacetChart:
    """Draw the result of `journey.funnel`: bars of customers, with the interval of each share."""
    labels = {t.id: t.label for t in journey.touchpoints} if journey else {}
    drawn = frame.assign(
        label=[labels.get(s, s) for s in frame["step"]],
        at_low=frame["low"] * frame["n"],
        at_high=frame["high"] * frame["n"],
        words=[
            "a few" if pd.isna(c) else f"{int(c):,}  ({share:.0%})" if n else "0"
            for c, share, n in zip(frame["customers"], frame["conversion"], frame["n"], strict=True)
        ],
    )
    order = list(dict.fromkeys(drawn["label"]))
    base = alt.Chart(drawn).encode(y=alt.Y("label:N", sort=order, title=None))
    limit = float(max(drawn["customers"].max(), 1)) * 1.22
    count = alt.X(
        "customers:Q",
        title="customers",
        scale=alt.Scale(domain=[0, limit]),
        axis=alt.Axis(tickCount=5),
    )
    bars = base.mark_bar(color=BLUE, opacity=0.75, height=22).encode(
        x=count,
        tooltip=[
            alt.Tooltip("label:N", title="Step"),
            alt.Tooltip("customers:Q", title="Customers", format=","),
            alt.Tooltip("conversion:Q", title="Of the first step", format=".1%"),
            alt.Tooltip("step_conversion:Q", title="Of the step before", format=".1%"),
            alt.Tooltip("drop_off:Q", title="Lost here", format=","),
        ],
    )
    whisker = base.mark_rule(color=INK, strokeWidth=1.5).encode(x="at_low:Q", x2="at_high:Q")
    words = base.mark_text(align="left", dx=8).encode(x=alt.X("at_high:Q"), text="words:N")
    return alt.layer(bars, whisker, words).properties(width=620, height=alt.Step(34))


def flow_chart(flow: Flow) -> alt.LayerChart | alt.FacetChart:
    """Draw a `Flow`: stages as columns, touchpoints as points, the frequent paths as curves."""
    depth = int(flow.nodes.groupby("x").size().max())
    last = float(flow.nodes["x"].max())
    x = alt.X("x:Q", scale=alt.Scale(domain=[-0.45, last + 0.45], nice=False), axis=None)
    y = alt.Y("y:Q", scale=alt.Scale(domain=[-0.12, 1.12], reverse=True, nice=False), axis=None)
    heads = (
        alt.Chart(flow.stages)
        .mark_text(fontWeight=600, fontSize=13, baseline="top")
        .encode(x=x, y=alt.value(0), text="label:N")
    )
    curves = (
        alt.Chart(flow.edges)
        .mark_line(interpolate="basis", strokeCap="round", color=BLUE)
        .encode(
            x=x, y=y, detail="edge:N", order="point:Q",
            strokeWidth=alt.StrokeWidth("count:Q", scale=alt.Scale(range=[0.6, 9]), title="times taken"),
            opacity=alt.Opacity("share:Q", scale=alt.Scale(range=[0.4, 0.85]), legend=None),
            tooltip=[
                alt.Tooltip("source_label:N", title="From"),
                alt.Tooltip("target_label:N", title="To"),
                alt.Tooltip("count:Q", title="Times", format=","),
                alt.Tooltip("share:Q", title="Share of what follows", format=".0%"),
            ],
        )
    )  # fmt: skip
    points = (
        alt.Chart(flow.nodes)
        .mark_circle(color=INK, opacity=1)
        .encode(
            x=x, y=y,
            size=alt.Size("visits:Q", scale=alt.Scale(range=[40, 500]), title="events"),
            tooltip=[
                alt.Tooltip("label:N", title="Touchpoint"),
                alt.Tooltip("stage_label:N", title="Stage"),
                alt.Tooltip("visits:Q", title="Events", format=","),
            ],
        )
    )  # fmt: skip
    names = alt.Chart(flow.nodes).mark_text(dy=21, fontSize=12).encode(x=x, y=y, text="label:N")
    grey = alt.Chart(flow.stages).mark_rule(color=GREY, opacity=0.25).encode(x=x)
    return alt.layer(grey, heads, curves, points, names).properties(
        width=max(560, 150 * (int(last) + 1)), height=max(320, 88 * depth)
    )
