"""Pictures of the measured paths: result frames in, Altair charts out."""

from collections.abc import Mapping

import altair as alt
import pandas as pd

from journey_widgets.chart_theme import BLUE, GREEN, GREY, INK, ORANGE, RED
from journey_widgets.journey.step_flow import ENDED, OTHER, StepFlow

Chart = alt.Chart | alt.LayerChart | alt.FacetChart
SHORT = 26


def step_flow_chart(flow: StepFlow, labels: Mapping[str, str] | None = None) -> Chart:
    """Draw a `StepFlow`: bars for who is where at each step, bands for where they go next."""
    names = {OTHER: "other", ENDED: "ended", **(labels or {})}
    nodes = flow.nodes.assign(
        label=[
            names.get(t, t)[:SHORT] + (f" ({n} touchpoints)" if t == OTHER else "")
            for t, n in zip(flow.nodes["touchpoint"], flow.nodes["names"], strict=True)
        ],
        middle=(flow.nodes["y"] + flow.nodes["y2"]) / 2,
        words=[f"{s:.0%}" for s in flow.nodes["share"]],
        kind=["ended" if t == ENDED else "other" if t == OTHER else "at" for t in flow.nodes["touchpoint"]],
    )  # fmt: skip
    bands = flow.bands.assign(
        from_=[names.get(t, t) for t in flow.bands["source"]],
        to=[names.get(t, t) for t in flow.bands["target"]],
    )
    last, foot = int(nodes["step"].max()), float(nodes["y2"].max())
    x = alt.X("x:Q", scale=alt.Scale(domain=[0.85, last + 0.85], nice=False), axis=None)
    down = alt.Scale(domain=[foot, -0.06], nice=False)
    y = alt.Y("y:Q", scale=down, axis=None)
    colour = alt.Color(
        "kind:N",
        legend=None,
        scale=alt.Scale(domain=["at", "other", "ended"], range=[BLUE, GREY, ORANGE]),
    )
    heads = pd.DataFrame({"x": range(1, last + 1), "y": -0.05})
    heads["label"] = [f"step {s}" for s in heads["x"]]
    shown = nodes[nodes["share"] >= 0.012]
    layers = [
        alt.Chart(bands).mark_area(opacity=0.28, color=GREY).encode(
            x=x, y=y, y2="y2:Q", detail="band:N",
            tooltip=[
                alt.Tooltip("from_:N", title="From"), alt.Tooltip("to:N", title="To"),
                alt.Tooltip("step:Q", title="Step"), alt.Tooltip("customers:Q", title="Customers", format=","),
            ],
        ),
        alt.Chart(nodes).mark_rect().encode(
            x=x, x2="x2:Q", y=y, y2="y2:Q", color=colour,
            tooltip=[
                alt.Tooltip("label:N", title="At"), alt.Tooltip("step:Q", title="Step"),
                alt.Tooltip("customers:Q", title="Customers", format=","),
                alt.Tooltip("share:Q", title="Share", format=".1%"),
            ],
        ),
        alt.Chart(shown.assign(x=shown["x2"] + 0.03)).mark_text(align="left", fontSize=11, baseline="middle")
        .encode(x=x, y=alt.Y("middle:Q", scale=down, axis=None), text="label:N"),
        alt.Chart(heads).mark_text(fontWeight=600).encode(x=x, y=y, text="label:N"),
    ]  # fmt: skip
    return alt.layer(*layers).properties(width=170 * last, height=420)


def step_matrix_chart(
    frame: pd.DataFrame, labels: Mapping[str, str] | None = None, *, top: int = 20
) -> Chart:
    """Draw the result of `journey.step_matrix`: steps across, touchpoints down, shares in the cells."""
    names = {"path_end": "(ended)", "path_start": "(not begun)", **(labels or {})}
    totals = frame.groupby("touchpoint")["customers"].sum().sort_values(ascending=False)
    inner = [t for t in totals.index if t not in ("path_end", "path_start")]
    kept = {*inner[:top], "path_end", "path_start"}
    left = len(inner) - top
    other = f"other ({left} touchpoints)" if left > 0 else "other"
    drawn = frame.assign(
        label=[names.get(t, t)[:SHORT] if t in kept else other for t in frame["touchpoint"]]
    )
    drawn = drawn.groupby(["step", "label"], sort=False).agg(
        customers=("customers", "sum"), share=("share", "sum"), n=("n", "max")
    ).reset_index()  # fmt: skip
    drawn["words"] = [f"{s:.0%}" if s >= 0.005 else "" for s in drawn["share"]]
    drawn["ink"] = drawn["share"] > 0.55
    order = [names.get(t, t)[:SHORT] for t in inner[:top]] + ([other] if left > 0 else [])
    order += [names["path_start"], names["path_end"]]
    base = alt.Chart(drawn).encode(
        x=alt.X("step:O", title="step", axis=alt.Axis(orient="top", labelAngle=0)),
        y=alt.Y("label:N", sort=order, title=None),
    )
    cells = base.mark_rect(color=BLUE, stroke=GREY, strokeOpacity=0.2).encode(
        fillOpacity=alt.FillOpacity("share:Q", scale=alt.Scale(domain=[0, 1], range=[0, 0.9]), legend=None),
        tooltip=[
            alt.Tooltip("label:N", title="At"), alt.Tooltip("step:O", title="Step"),
            alt.Tooltip("customers:Q", title="Customers", format=","),
            alt.Tooltip("share:Q", title="Share", format=".1%"), alt.Tooltip("n:Q", title="Of", format=","),
        ],
    )  # fmt: skip
    words = base.mark_text(fontSize=11).encode(
        text="words:N", color=alt.condition("datum.ink", alt.value("white"), alt.value(INK))
    )
    steps = drawn["step"].nunique()
    return alt.layer(cells, words).properties(width=max(54 * steps, 240), height=alt.Step(24))


def retention_chart(frame: pd.DataFrame, *, period: str = "month", max_offset: int = 12) -> Chart:
    """Draw the result of `journey.retention`: a triangle, cohorts down, periods since the start across.

    Cells with too few customers stay uncoloured; periods that were not over are blank.
    """
    drawn = frame[frame["offset"] <= max_offset].assign(
        label=[
            f"{c:%Y-%m}" if period == "month" else f"{c:%Y-%m-%d}"
            for c in frame["cohort"][frame["offset"] <= max_offset]
        ]
    )
    enough = drawn["certainty"] == "sufficient"
    drawn = drawn.assign(
        words=[f"{r:.0%}" if e else f"({r:.0%})" for r, e in zip(drawn["retention"], enough, strict=True)],
        shade=drawn["retention"].where(enough, 0.0), ink=drawn["retention"].where(enough, 0.0) > 0.55,
    )  # fmt: skip
    sizes = drawn.drop_duplicates("label")
    base = alt.Chart(drawn).encode(
        x=alt.X(
            "offset:O",
            title=f"{period}s since the start",
            axis=alt.Axis(orient="top", labelAngle=0),
        ),
        y=alt.Y("label:N", title=None),
    )
    cells = base.mark_rect(color=BLUE, stroke=GREY, strokeOpacity=0.2).encode(
        fillOpacity=alt.FillOpacity("shade:Q", scale=alt.Scale(domain=[0, 1], range=[0, 0.9]), legend=None),
        tooltip=[
            alt.Tooltip("label:N", title="Began"), alt.Tooltip("offset:O", title="Later by"),
            alt.Tooltip("customers:Q", title="Came back", format=","), alt.Tooltip("n:Q", title="Of", format=","),
            alt.Tooltip("retention:Q", title="Share", format=".1%"),
            alt.Tooltip("low:Q", title="at least", format=".1%"),
            alt.Tooltip("high:Q", title="at most", format=".1%"),
        ],
    )  # fmt: skip
    words = base.mark_text(fontSize=11).encode(
        text="words:N", color=alt.condition("datum.ink", alt.value("white"), alt.value(INK))
    )
    size = alt.Chart(sizes).mark_text(align="right", dx=-8, fontSize=11).encode(
        x=alt.value(0), y=alt.Y("label:N"), text=alt.Text("n:Q", format=",")
    )  # fmt: skip
    columns = drawn["offset"].nunique()
    axis = alt.Axis(labelPadding=54)
    return alt.layer(
        cells.encode(y=alt.Y("label:N", title=None, axis=axis)), words, size
    ).properties(width=max(54 * columns, 240), height=alt.Step(24))


def variants_chart(
    frame: pd.DataFrame, labels: Mapping[str, str] | None = None, *, top: int = 12
) -> Chart:
    """Draw the most frequent paths of `journey.variants`: how many took each, with the interval."""
    names = labels or {}
    rows = frame.head(top)
    words = [" → ".join(names.get(n, n) for n in path.split(" -> ")) for path in rows["path"]]
    drawn = rows.assign(
        short=[w if len(w) <= 64 else w[:40].rstrip() + " … " + w[-20:].lstrip() for w in words],
        whole=words, place=range(len(rows)), words=[f"{s:.1%}" for s in rows["share"]],
    )  # fmt: skip
    base = alt.Chart(drawn).encode(
        y=alt.Y(
            "place:O",
            title=None,
            axis=alt.Axis(labelLimit=420, labelExpr="''", ticks=False, domain=False),
        )
    )
    x = alt.X("share:Q", title="share of customers", axis=alt.Axis(format="%", tickCount=5))
    tooltip = [
        alt.Tooltip("whole:N", title="Path"),
        alt.Tooltip("customers:Q", title="Customers", format=","),
        alt.Tooltip("share:Q", title="Share", format=".1%"),
    ]
    bars = base.mark_bar(color=BLUE, opacity=0.75, size=11, yOffset=8).encode(x=x, tooltip=tooltip)
    rule = base.mark_rule(color=INK, strokeWidth=1.4, yOffset=8).encode(x="low:Q", x2="high:Q")
    text = base.mark_text(align="left", dx=6, dy=8, fontSize=11).encode(x="high:Q", text="words:N")
    name = base.mark_text(align="left", dx=2, dy=-7, fontSize=11).encode(
        x=alt.value(0), text="short:N"
    )
    return alt.layer(bars, rule, text, name).properties(width=620, height=alt.Step(38))


MAX_LINES = 5


def persona_chart(frame: pd.DataFrame) -> Chart:
    """Draw the result of `journey.emotion_by_persona`: one line a persona, small pictures above five.

    Only touchpoints with answers are drawn; lines join neighbours among them, and each point says its n.
    """
    known = frame[frame["n"] > 0]
    order = list(dict.fromkeys(known.sort_values("place")["label"]))
    base = alt.Chart(known).encode(
        x=alt.X("label:N", sort=order, title=None, axis=alt.Axis(labelAngle=0)),
        y=alt.Y("value:Q", title="-2 very bad to 2 very good", scale=alt.Scale(domain=[-2, 2])),
        color=alt.Color("persona_label:N", title=None, legend=alt.Legend(orient="bottom")),
        detail="persona_label:N",
    )
    tooltip = [
        alt.Tooltip("persona_label:N", title="Persona"), alt.Tooltip("label:N", title="Touchpoint"),
        alt.Tooltip("value:Q", title="Mean", format="+.2f"), alt.Tooltip("n:Q", title="Answers", format=","),
    ]  # fmt: skip
    layers = alt.layer(
        base.mark_line(strokeWidth=2),
        base.mark_rule().encode(y="low:Q", y2="high:Q"),
        base.mark_point(filled=True, size=60, opacity=1).encode(tooltip=tooltip),
    ).properties(width=max(110 * len(order), 220), height=220)
    if known["persona"].nunique() <= MAX_LINES:
        return layers
    return layers.facet("persona_label:N", columns=3)


def difference_chart(
    frame: pd.DataFrame, labels: Mapping[str, str] | None = None, *, top: int = 15
) -> Chart:
    """Draw the largest differences of `journey.compare`: a less b, with the interval of each.

    Red: higher in a; green: higher in b; grey: no difference shown, or too few customers.
    """
    names = {"path_end": "(end)", **(labels or {})}
    rows = frame[frame["verdict"] != "too few"].head(top)
    if "source" in rows.columns:
        words = [
            f"{names.get(s, s)} → {names.get(t, t)}"
            for s, t in zip(rows["source"], rows["target"], strict=True)
        ]
    else:
        words = [names.get(t, t) for t in rows["touchpoint"]]
    drawn = rows.assign(label=words)
    base = alt.Chart(drawn).encode(
        y=alt.Y("label:N", sort=words, title=None, axis=alt.Axis(labelLimit=320))
    )
    scale = alt.Scale(
        domain=["higher in a", "higher in b", "no difference shown"], range=[RED, GREEN, GREY]
    )
    colour = alt.Color("verdict:N", scale=scale, title=None, legend=alt.Legend(orient="bottom"))
    zero = alt.Chart(pd.DataFrame({"x": [0]})).mark_rule(color=INK, opacity=0.5).encode(x="x:Q")
    tooltip = [
        alt.Tooltip("label:N", title="Step"), alt.Tooltip("share_a:Q", title="a", format=".1%"),
        alt.Tooltip("share_b:Q", title="b", format=".1%"),
        alt.Tooltip("difference:Q", title="a less b", format="+.1%"),
        alt.Tooltip("adjusted:Q", title="adjusted p", format=".3f"), alt.Tooltip("verdict:N", title="Verdict"),
    ]  # fmt: skip
    x = alt.X(
        "difference:Q",
        title="a less b, in points of share",
        axis=alt.Axis(format="+%", tickCount=6),
    )
    return alt.layer(
        zero,
        base.mark_rule(strokeWidth=2).encode(x="low:Q", x2="high:Q", color=colour),
        base.mark_point(filled=True, size=70, opacity=1).encode(x=x, color=colour, tooltip=tooltip),
    ).properties(width=520, height=alt.Step(24))
