"""Pictures of upsell: frames in, Altair charts out."""

import altair as alt
import numpy as np
import pandas as pd

from journey_widgets.chart_theme import BLUE, GREY, INK, ORANGE
from journey_widgets.upsell.moments import BUSY, FEWER, MOMENT, TOO_FEW, TWIN, UNCERTAIN, UNTESTED
from journey_widgets.upsell.offer_funnel import FUNNEL_STEPS

Chart = alt.LayerChart | alt.FacetChart | alt.Chart
LONG = 360
"""Pixels a label may have."""
GAIN, HARM = "wanted", "harm"
THERE, LOST = "are there", "taken off here"
BEFORE, AFTER = "days before", "days after (placebo)"
VERDICTS = {
    MOMENT: "●",
    FEWER: "▼",
    BUSY: "◐",
    UNCERTAIN: "○",
    TOO_FEW: "–",
    UNTESTED: "◌",
    TWIN: "=",
}
"""Verdict → shape beside its words."""
TICKS = [0.1, 0.2, 0.5, 1, 2, 5, 10, 20]


def moments_chart(frame: pd.DataFrame) -> Chart:
    """Draw how many times as often customers upgrade after each touchpoint, and the same of the days after as placebo.

    `frame` is of `moments.moments`; touchpoints without an answer are left out. Logarithmic: half and twice are equally
    far from the line that says *makes no difference*.
    """
    known = frame[frame["ratio"].notna()].reset_index(drop=True)
    order = [
        f"{t}  {VERDICTS[v]} {v}"
        for t, v in zip(known["touchpoint"], known["verdict"], strict=True)
    ]
    rows = []
    for name, row in zip(order, known.to_dict("records"), strict=True):
        for what, a, low, high in (
            (BEFORE, "ratio", "low", "high"),
            (AFTER, "placebo", "placebo_low", "placebo_high"),
        ):
            if np.isfinite(row[a]):
                rows.append(
                    {"touchpoint": name, "what": what, "ratio": row[a], "low": row[low], "high": row[high],
                     "n": row["upgrades"]}
                )  # fmt: skip
    drawn = pd.DataFrame(rows, columns=["touchpoint", "what", "ratio", "low", "high", "n"])
    ends = drawn["low"].min(), drawn["high"].max()
    reach = (
        [max(min(ends[0], 0.8), TICKS[0]), min(max(ends[1], 1.25), TICKS[-1])]
        if len(drawn)
        else [0.5, 2]
    )
    x_scale = alt.Scale(type="log", domain=reach, nice=False, clamp=True)
    y = alt.Y("touchpoint:N", sort=order, title=None, axis=alt.Axis(labelLimit=LONG))
    side = alt.YOffset("what:N", sort=[BEFORE, AFTER])
    colour = alt.Color(
        "what:N", title=None, legend=alt.Legend(orient="top"),
        scale=alt.Scale(domain=[BEFORE, AFTER], range=[BLUE, GREY]),
    )  # fmt: skip
    base = alt.Chart(drawn)
    bars = base.mark_rule(strokeWidth=2).encode(
        x=alt.X("low:Q", scale=x_scale), x2="high:Q", y=y, yOffset=side, color=colour
    )
    dots = base.mark_point(filled=True, size=70, opacity=1).encode(
        x=alt.X("ratio:Q", scale=x_scale, title="times as often",
                axis=alt.Axis(values=[t for t in TICKS if reach[0] <= t <= reach[1]], format="~g")),
        y=y, yOffset=side, color=colour,
        shape=alt.Shape("what:N", title=None, scale=alt.Scale(domain=[BEFORE, AFTER], range=["circle", "diamond"])),
        tooltip=[alt.Tooltip("touchpoint:N", title="Touchpoint"), alt.Tooltip("what:N", title="Of the"),
                 alt.Tooltip("ratio:Q", format=".2f"), alt.Tooltip("low:Q", format=".2f"),
                 alt.Tooltip("high:Q", format=".2f"), alt.Tooltip("n:Q", title="Upgrades after it", format=",")],
    )  # fmt: skip
    line = (
        alt.Chart(pd.DataFrame({"x": [1.0]}))
        .mark_rule(color=INK, opacity=0.5)
        .encode(x=alt.X("x:Q", scale=x_scale))
    )
    return alt.layer(line, bars, dots).properties(width=420, height=alt.Step(16))


def horizons_chart(frame: pd.DataFrame) -> Chart:
    """Draw how many times as often customers upgrade after each touchpoint, with windows of several lengths.

    `frame` is of `moments.at_horizons`, rows without a ratio left out; filled where it is a moment. Logarithmic.
    """
    order, lengths = (list(dict.fromkeys(frame[c])) for c in ("touchpoint", "within"))
    drawn = frame.assign(found=np.where(frame["verdict"] == MOMENT, MOMENT, "no certain moment"))
    reach = [
        max(min(float(drawn["low"].min()), 0.8), TICKS[0]),
        min(max(float(drawn["high"].max()), 1.25), TICKS[-1]),
    ]
    x_scale = alt.Scale(type="log", domain=reach, nice=False, clamp=True)
    y = alt.Y("within:N", sort=lengths, title=None)
    found = alt.Scale(domain=[MOMENT, "no certain moment"], range=[BLUE, GREY])
    colour = alt.Color("found:N", title=None, scale=found, legend=alt.Legend(orient="top"))
    shapes = alt.Scale(domain=[MOMENT, "no certain moment"], range=["circle", "diamond"])
    base = alt.Chart(drawn)
    bars = base.mark_rule(strokeWidth=2).encode(
        x=alt.X("low:Q", scale=x_scale), x2="high:Q", y=y, color=colour
    )
    dots = base.mark_point(filled=True, size=60, opacity=1).encode(
        x=alt.X("ratio:Q", scale=x_scale, title="times as often",
                axis=alt.Axis(values=[t for t in TICKS if reach[0] <= t <= reach[1]], format="~g")),
        y=y, color=colour, shape=alt.Shape("found:N", title=None, scale=shapes),
        tooltip=[alt.Tooltip("touchpoint:N", title="After"), alt.Tooltip("within:N", title="Window"),
                 alt.Tooltip("ratio:Q", format=".2f"), alt.Tooltip("low:Q", format=".2f"),
                 alt.Tooltip("high:Q", format=".2f")],
    )  # fmt: skip
    line = base.mark_rule(color=INK, opacity=0.5).encode(x=alt.datum(1, scale=x_scale))
    header = alt.Header(labelAngle=0, labelAlign="left", labelLimit=LONG, title=None)
    return (
        alt.layer(line, bars, dots)
        .properties(width=420, height=alt.Step(14))
        .facet(row=alt.Row("touchpoint:N", sort=order, header=header), spacing=6)
    )


def waiting_chart(frame: pd.DataFrame) -> Chart:
    """Draw how many have upgraded by each day, after a touchpoint and others beside, of `waiting.time_to_upgrade`."""
    sides = {"after": "after it", "others": "others, from the same day on"}
    start = pd.DataFrame({"side": list(sides), "day": 0, "upgraded": 0.0, "low": 0.0, "high": 0.0})
    drawn = pd.concat([start[start["side"].isin(frame["side"])], frame], ignore_index=True)
    drawn["whose"] = drawn["side"].map(sides)
    x = alt.X("day:Q", title="days since")
    y = alt.Y("upgraded:Q", title="have upgraded", axis=alt.Axis(format=".0%"))
    colours = {
        sides[s]: c for s, c in (("after", BLUE), ("others", GREY)) if (drawn["side"] == s).any()
    }
    legend = alt.Legend(orient="top", labelLimit=LONG, symbolType="stroke")
    colour = alt.Color(
        "whose:N", title=None, legend=legend, scale=alt.Scale(domain=list(colours), range=list(colours.values()))
    )  # fmt: skip
    dashes = [[1, 0], [5, 3]][: len(colours)]
    dash = alt.StrokeDash(
        "whose:N", title=None, legend=legend, scale=alt.Scale(domain=list(colours), range=dashes)
    )
    base = alt.Chart(drawn)
    bands = [
        base.transform_filter(f"isValid(datum.low) && datum.whose === '{whose}'")
        .mark_area(color=own, opacity=0.15, interpolate="step-after")
        .encode(x=x, y=alt.Y("low:Q", title="have upgraded"), y2="high:Q")
        for whose, own in colours.items()
    ]
    lines = base.mark_line(interpolate="step-after").encode(
        x=x, y=y, color=colour, strokeDash=dash, order="day:Q",
        tooltip=[alt.Tooltip("whose:N", title="Whose"), alt.Tooltip("day:Q"), alt.Tooltip("upgraded:Q", format=".1%"),
                 alt.Tooltip("customers:Q", format=",")],
    )  # fmt: skip
    return alt.layer(*bands, lines).properties(width=560, height=260)


def leaving_chart(frame: pd.DataFrame) -> Chart:
    """Draw how many customers have left by each day, of `waiting.time_to_leave`."""
    start = pd.DataFrame(
        {"day": [0], "left": [0.0], "low": [0.0], "high": [0.0], "at_risk": [pd.NA]}
    )
    drawn = pd.concat([start[frame.columns.intersection(start.columns)], frame], ignore_index=True)
    x = alt.X("day:Q", title="days since they became customers")
    title = "have left"
    band = alt.Chart(drawn).mark_area(color=BLUE, opacity=0.15, interpolate="step-after").encode(
        x=x, y=alt.Y("low:Q", title=title, axis=alt.Axis(format=".0%")), y2="high:Q"
    )  # fmt: skip
    line = alt.Chart(drawn).mark_line(color=BLUE, interpolate="step-after").encode(
        x=x, y=alt.Y("left:Q", title=title, axis=alt.Axis(format=".0%")),
        tooltip=[alt.Tooltip("day:Q"), alt.Tooltip("left:Q", format=".1%"), alt.Tooltip("at_risk:Q", format=",")],
    )  # fmt: skip
    return alt.layer(band, line).properties(width=560, height=260)


def qini_chart(curve: pd.DataFrame) -> Chart:
    """Draw how many answers more contacting by rank brought than a random order, of `uplift.Uplift.curve`."""
    drawn = curve.iloc[np.unique(np.linspace(0, len(curve) - 1, 400).round().astype(np.int64))]
    ends = drawn.iloc[[0, -1]]
    x = alt.X(
        "customers:Q",
        title="customers contacted, best-ranked first",
        axis=alt.Axis(format=",.0f", tickCount=6),
    )
    y = alt.Y("extra:Q", title="answers that the offer brought")
    straight = alt.Chart(ends).mark_line(color=GREY, strokeDash=[5, 3]).encode(x=x, y=y)
    ranked = alt.Chart(drawn).mark_line(color=BLUE).encode(
        x=x, y=y, tooltip=[alt.Tooltip("customers:Q", format=","), alt.Tooltip("extra:Q", format=",.0f")]
    )  # fmt: skip
    layers = [straight, ranked]
    if "low" in drawn:
        band = alt.Chart(drawn).mark_area(color=BLUE, opacity=0.15).encode(
            x=x, y=alt.Y("low:Q", title="answers that the offer brought"), y2="high:Q"
        )  # fmt: skip
        layers.insert(0, band)
    return alt.layer(*layers).properties(width=560, height=260)


def calibration_chart(frame: pd.DataFrame) -> Chart:
    """Draw whether as many did it as were expected to, by tenths, of `ScoreReport.calibration`."""
    top = float(max(frame["expected"].max(), frame["high"].max(), 0.01))
    scale = alt.Scale(domain=[0, top])
    x = alt.X("expected:Q", title="expected", scale=scale, axis=alt.Axis(format=".0%"))
    y = alt.Y("observed:Q", title="did it", scale=scale, axis=alt.Axis(format=".0%"))
    base = alt.Chart(frame)
    even = alt.Chart(pd.DataFrame({"x": [0, top]})).mark_line(color=GREY, strokeDash=[5, 3]).encode(
        x=alt.X("x:Q", scale=scale), y=alt.Y("x:Q", scale=scale)
    )  # fmt: skip
    bars = base.mark_rule(color=BLUE).encode(x=x, y=alt.Y("low:Q", scale=scale), y2="high:Q")
    dots = base.mark_point(filled=True, size=60, color=BLUE, opacity=1).encode(
        x=x, y=y, tooltip=[alt.Tooltip("tenth:Q"), alt.Tooltip("customers:Q", format=","),
                           alt.Tooltip("expected:Q", format=".1%"), alt.Tooltip("observed:Q", format=".1%")],
    )  # fmt: skip
    return alt.layer(even, bars, dots).properties(width=300, height=300)


def gain_chart(frame: pd.DataFrame) -> Chart:
    """Draw how many of those who did it are among the best-scored customers, of `ScoreReport.gain`."""
    start = pd.DataFrame({"share": [0.0], "captured": [0.0], "customers": [0]})
    drawn = pd.concat([start, frame[["share", "captured", "customers"]]], ignore_index=True)
    scale = alt.Scale(domain=[0, 1])
    x = alt.X(
        "share:Q",
        title="customers contacted, best-scored first",
        scale=scale,
        axis=alt.Axis(format=".0%"),
    )
    y = alt.Y("captured:Q", title="of all who did it", scale=scale, axis=alt.Axis(format=".0%"))
    even = alt.Chart(pd.DataFrame({"x": [0.0, 1.0]})).mark_line(color=GREY, strokeDash=[5, 3]).encode(
        x=alt.X("x:Q", scale=scale), y=alt.Y("x:Q", scale=scale)
    )  # fmt: skip
    line = alt.Chart(drawn).mark_line(color=BLUE, point={"size": 18, "color": BLUE}).encode(
        x=x, y=y, tooltip=[alt.Tooltip("customers:Q", format=","), alt.Tooltip("share:Q", format=".0%"),
                           alt.Tooltip("captured:Q", format=".0%")],
    )  # fmt: skip
    return alt.layer(even, line).properties(width=300, height=300)


def profit_chart(frame: pd.DataFrame) -> Chart:
    """Draw what contacting the best-scored customers would earn at most, of `ScoreReport.profit`."""
    best = frame.iloc[[int(frame["profit"].to_numpy().argmax())]]
    x = alt.X(
        "customers:Q",
        title="customers contacted, best-scored first",
        axis=alt.Axis(format=",.0f", tickCount=6),
    )
    y = alt.Y("profit:Q", title="profit at most", axis=alt.Axis(format="~s"))
    line = alt.Chart(frame).mark_line(color=BLUE).encode(x=x, y=y)
    top = alt.Chart(best).mark_point(filled=True, shape="diamond", size=90, color=ORANGE, opacity=1).encode(
        x=x, y=y, tooltip=[alt.Tooltip("customers:Q", format=","), alt.Tooltip("profit:Q", format=",.0f")]
    )  # fmt: skip
    zero = alt.Chart(pd.DataFrame({"y": [0.0]})).mark_rule(color=GREY).encode(y="y:Q")
    return alt.layer(zero, line, top).properties(width=560, height=220)


def trial_chart(frame: pd.DataFrame) -> Chart:
    """Draw the difference of each arm to those who were left alone, harms beside outcomes, of `trial.trial`.

    Shares only; means stand in the table.
    """
    drawn = frame[frame["kind"] == "share"].assign(
        line=lambda f: f["arm"] + ": " + f["outcome"],
        what=lambda f: np.where(f["harm"], HARM, GAIN),
        **{c: 100 * frame[c] for c in ("difference", "low", "high")},
    )
    order = drawn.sort_values("harm", kind="stable")["line"].tolist()
    y = alt.Y("line:N", sort=order, title=None, axis=alt.Axis(labelLimit=LONG))
    x_axis = alt.Axis(format="+.0f", tickCount=6)
    x = alt.X(
        "difference:Q",
        title="points more than those left alone",
        scale=alt.Scale(padding=10),
        axis=x_axis,
    )
    colour = alt.Color(
        "what:N", title=None, legend=alt.Legend(orient="top"),
        scale=alt.Scale(domain=[GAIN, HARM], range=[BLUE, ORANGE]),
    )  # fmt: skip
    base = alt.Chart(drawn)
    bars = base.mark_rule(strokeWidth=2).encode(x=alt.X("low:Q"), x2="high:Q", y=y, color=colour)
    dots = base.mark_point(filled=True, size=70, opacity=1).encode(
        x=x, y=y, color=colour,
        shape=alt.Shape("what:N", title=None, scale=alt.Scale(domain=[GAIN, HARM], range=["circle", "triangle-down"])),
        tooltip=[alt.Tooltip("arm:N"), alt.Tooltip("outcome:N"), alt.Tooltip("difference:Q", format="+.1f"),
                 alt.Tooltip("low:Q", format="+.1f"), alt.Tooltip("high:Q", format="+.1f"),
                 alt.Tooltip("n:Q", format=",")],
    )  # fmt: skip
    zero = alt.Chart(pd.DataFrame({"x": [0.0]})).mark_rule(color=INK, opacity=0.5).encode(x="x:Q")
    return alt.layer(zero, bars, dots).properties(width=420, height=alt.Step(26))


def offer_funnel_chart(frame: pd.DataFrame) -> Chart:
    """Draw what is left at each stage of each moment, and what each guard took, of `offer_funnel.offer_funnel`."""
    taken = frame["customers"].notna() & (frame["stage"] | (frame["customers"] > 0))
    drawn = frame[taken].assign(
        said=lambda f: [f"{int(n):,}" for n in f["customers"]],
        what=lambda f: np.where(f["stage"], THERE, LOST),
    )
    there = set(drawn["step"])
    y = alt.Y("step:N", sort=[s for s in FUNNEL_STEPS if s in there], title=None)
    base = alt.Chart(drawn)
    colour = alt.Color(
        "what:N", title=None, legend=alt.Legend(orient="top"),
        scale=alt.Scale(domain=[THERE, LOST], range=[BLUE, ORANGE]),
    )  # fmt: skip
    bars = base.mark_bar().encode(
        x=alt.X("customers:Q", title="customers", axis=alt.Axis(format="~s", tickCount=4)), y=y, color=colour,
        tooltip=[alt.Tooltip("label:N", title="Moment"), alt.Tooltip("step:N"), alt.Tooltip("customers:Q", format=",")],
    )  # fmt: skip
    words = base.mark_text(align="left", dx=4, color=INK).encode(
        x="customers:Q", y=y, text="said:N"
    )
    moments = list(dict.fromkeys(drawn["label"]))
    found: Chart = (
        alt.layer(bars, words)
        .properties(width=240, height=alt.Step(22))
        .facet(
            facet=alt.Facet(
                "label:N",
                sort=moments,
                title=None,
                header=alt.Header(labelLimit=LONG),
            ),
            columns=2,
        )
        .resolve_scale(x="independent")
    )
    return found


def bundle_network_chart(frame: pd.DataFrame, *, most: int = 30) -> Chart:
    """Draw which things are certainly bought together, on a circle: the thicker, the more often beyond chance.

    `frame` is of `bundles.bundles`; its strongest real pairs are drawn, each once.
    """
    pairs = frame[frame["real"] & (frame["left"].str.len() == 1)]
    ends = [
        tuple(sorted((left[0], right)))
        for left, right in zip(pairs["left"], pairs["right"], strict=True)
    ]
    pairs = (
        pairs.assign(pair=pd.Series(ends, index=pairs.index, dtype="object"))
        .drop_duplicates("pair")
        .nlargest(most, "leverage")
    )
    things = sorted({t for pair in pairs["pair"] for t in pair})
    angle = {t: 2 * np.pi * i / max(len(things), 1) for i, t in enumerate(things)}
    place = {t: (float(np.cos(a)), float(np.sin(a))) for t, a in angle.items()}
    lines = pd.DataFrame(
        [
            {"x": place[a][0], "y": place[a][1], "x2": place[b][0], "y2": place[b][1], "pair": f"{a} and {b}",
             "lift": lift, "leverage": lev, "count": n}
            for (a, b), lift, lev, n in zip(
                pairs["pair"], pairs["lift"], pairs["leverage"], pairs["count"], strict=True
            )
        ],
        columns=["x", "y", "x2", "y2", "pair", "lift", "leverage", "count"],
    )  # fmt: skip
    nodes = pd.DataFrame(
        [{"thing": t, "x": x, "y": y, "right": x >= 0} for t, (x, y) in place.items()],
        columns=["thing", "x", "y", "right"],
    )
    scale = alt.Scale(domain=[-1.7, 1.7])
    x, y = alt.X("x:Q", axis=None, scale=scale), alt.Y("y:Q", axis=None, scale=scale)
    wires = alt.Chart(lines).mark_rule(color=BLUE, opacity=0.6).encode(
        x=x, y=y, x2="x2:Q", y2="y2:Q",
        strokeWidth=alt.StrokeWidth("leverage:Q", scale=alt.Scale(range=[1, 6]), legend=None),
        tooltip=[alt.Tooltip("pair:N"), alt.Tooltip("count:Q", title="together", format=","),
                 alt.Tooltip("lift:Q", format=".2f")],
    )  # fmt: skip
    dots = alt.Chart(nodes).mark_point(filled=True, size=80, color=INK, opacity=1).encode(x=x, y=y)
    sides = [
        alt.Chart(nodes).transform_filter(f"datum.right === {'true' if right else 'false'}")
        .mark_text(align="left" if right else "right", dx=8 if right else -8, color=INK)
        .encode(x=x, y=y, text="thing:N")
        for right in (True, False)
    ]  # fmt: skip
    return alt.layer(wires, dots, *sides).properties(width=420, height=320)


def tracking_chart(frame: pd.DataFrame) -> Chart:
    """Draw the repeat purchases there were and those a model expected, of `tracking.tracking`."""
    names = {"actual": "there were", "expected": "expected by the model"}
    drawn = frame.melt(["week", "fitted"], ["actual", "expected"], "which", "purchases").assign(
        what=lambda f: f["which"].map(names)
    )
    domain = list(names.values())
    colour = alt.Color(
        "what:N", title=None, legend=alt.Legend(orient="top", symbolType="stroke", labelLimit=LONG),
        scale=alt.Scale(domain=domain, range=[INK, BLUE]),
    )  # fmt: skip
    lines = alt.Chart(drawn).mark_line().encode(
        x=alt.X("week:Q", title="week since the first customer began"),
        y=alt.Y("purchases:Q", title="repeat purchases, added up", axis=alt.Axis(format="~s")), color=colour,
        strokeDash=alt.StrokeDash(
            "what:N", title=None, legend=None, scale=alt.Scale(domain=domain, range=[[1, 0], [5, 3]])
        ),
        tooltip=[alt.Tooltip("what:N"), alt.Tooltip("week:Q"), alt.Tooltip("purchases:Q", format=",.0f")],
    )  # fmt: skip
    known = frame[frame["fitted"]]
    border = pd.DataFrame({"week": [known["week"].max()] if len(known) else []})
    rule = alt.Chart(border).mark_rule(color=GREY, strokeDash=[2, 2]).encode(x="week:Q")
    return alt.layer(rule, lines).properties(width=560, height=260)
