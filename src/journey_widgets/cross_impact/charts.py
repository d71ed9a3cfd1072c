"""Pictures of cross-impact: frames in, Altair charts out."""

from collections.abc import Mapping
from typing import Literal

import altair as alt
import pandas as pd

from journey_widgets.chart_theme import BLUE, GREY, INK, ORANGE

SAFE_ROLE = 0.8
CORNERS = ("active: pushes", "critical: pushes and is pushed", "buffering", "reactive: is pushed")


def influence_chart(
    points: pd.DataFrame, labels: Mapping[str, str]
) -> alt.LayerChart | alt.FacetChart:
    """Draw the influence map: where each factor stands, the way there from its direct sums, and how sure that is.

    `points` is a table of `influence_map`; `labels` are the names of its factors.
    """
    cut = points.attrs["cut"]
    drawn = points.assign(
        label=[labels.get(f, f) for f in points["factor"]],
        role_holds=[
            "role holds" if s >= SAFE_ROLE else "role is not safe" for s in points["role_share"]
        ],
    )
    drawn["below"] = _crowded(drawn)
    least_x, most_x = _span(drawn, "received_low", "received_high", "passive", "received")
    least_y, most_y = _span(drawn, "given_low", "given_high", "active", "given")
    x_scale, y_scale = (
        alt.Scale(domain=span, zero=False, nice=False)
        for span in ([least_x, most_x], [least_y, most_y])
    )
    axis = alt.Axis(format=".0%", grid=False, tickCount=6)
    x = alt.X("received:Q", title="receives: share of all influence", scale=x_scale, axis=axis)
    y = alt.Y("given:Q", title="gives", scale=y_scale, axis=axis)
    base = alt.Chart(drawn)
    unsure = [
        base.mark_rule(color=BLUE, opacity=0.3, strokeWidth=5).encode(
            x=alt.X("received_low:Q", scale=x_scale), x2="received_high:Q", y=y
        ),
        base.mark_rule(color=BLUE, opacity=0.3, strokeWidth=5).encode(
            x=x, y=alt.Y("given_low:Q", scale=y_scale), y2="given_high:Q"
        ),
    ]
    way = base.mark_rule(color=GREY).encode(
        x=alt.X("passive:Q", scale=x_scale),
        y=alt.Y("active:Q", scale=y_scale),
        x2="received:Q",
        y2="given:Q",
    )
    dots = base.mark_point(size=80, filled=False, strokeWidth=2).encode(
        x=x, y=y,
        color=alt.Color(
            "role_holds:N", title=None, legend=alt.Legend(orient="top"),
            scale=alt.Scale(domain=["role holds", "role is not safe"], range=[BLUE, ORANGE]),
        ),
        shape=alt.Shape(
            "role_holds:N", title=None,
            scale=alt.Scale(domain=["role holds", "role is not safe"], range=["circle", "diamond"]),
        ),
        tooltip=[
            alt.Tooltip("label:N", title="Touchpoint"), alt.Tooltip("role:N", title="Role"),
            alt.Tooltip("role_share:Q", title="keeps it in", format=".0%"),
            alt.Tooltip("given:Q", title="gives", format=".1%"),
            alt.Tooltip("received:Q", title="receives", format=".1%"),
        ],
    )  # fmt: skip
    names = [
        base.transform_filter(f"datum.below == {str(below).lower()}")
        .mark_text(align="left", dx=9, dy=10 if below else -7, fontSize=11)
        .encode(x=x, y=y, text="label:N")
        for below in (False, True)
    ]
    lines = pd.DataFrame([cut])
    crossing = [
        alt.Chart(lines)
        .mark_rule(strokeDash=[4, 3], color=GREY)
        .encode(x=alt.X("received:Q", scale=x_scale)),
        alt.Chart(lines)
        .mark_rule(strokeDash=[4, 3], color=GREY)
        .encode(y=alt.Y("given:Q", scale=y_scale)),
    ]
    places: list[tuple[float, float, Literal["left", "right"]]] = [
        (least_x, most_y, "left"),
        (most_x, most_y, "right"),
        (least_x, least_y, "left"),
        (most_x, least_y, "right"),
    ]
    corners = [
        alt.Chart(pd.DataFrame({"x": [px], "y": [py], "text": [words]}))
        .mark_text(
            align=side,
            dx=6 if side == "left" else -6,
            dy=10 if py == most_y else -8,
            color=GREY,
            fontSize=11,
        )
        .encode(x=alt.X("x:Q", scale=x_scale), y=alt.Y("y:Q", scale=y_scale), text="text:N")
        for (px, py, side), words in zip(places, CORNERS, strict=True)
    ]
    return alt.layer(*crossing, *corners, *unsure, way, dots, *names).properties(
        width=560, height=400
    )


def _crowded(drawn: pd.DataFrame) -> list[bool]:
    """Say of each point whether its name stands below it, because another's stands above and near."""
    room_x, room_y = (float(drawn[c].max() - drawn[c].min()) for c in ("received", "given"))
    above: list[tuple[float, float]] = []
    below = []
    for x, y in zip(drawn["received"], drawn["given"], strict=True):
        near = any(abs(x - a) < room_x * 0.25 and abs(y - b) < room_y * 0.05 for a, b in above)
        below.append(near)
        if not near:
            above.append((x, y))
    return below


def _span(frame: pd.DataFrame, *columns: str) -> tuple[float, float]:
    least, most = float(frame[list(columns)].min().min()), float(frame[list(columns)].max().max())
    room = (most - least) * 0.1 or 0.01
    return least - room, most + room


def lead_chart(ranking: pd.DataFrame, labels: Mapping[str, str]) -> alt.LayerChart | alt.FacetChart:
    """Draw in how many draws each factor leads, and the ranks it takes in 95 % of them (`stability`)."""
    drawn = ranking.assign(
        label=[labels.get(f, f) for f in ranking["factor"]],
        words=[f"leads in {s:.0%}" if s >= 0.005 else "" for s in ranking["top_share"]],
    )
    order = list(drawn["label"])
    y = alt.Y("label:N", title=None, sort=order)
    x = alt.X(
        "rank:Q", title="rank (1 pushes most)",
        scale=alt.Scale(domain=[0.5, max(float(drawn["rank_high"].max()), len(drawn)) + 2.5], nice=False),
        axis=alt.Axis(values=list(range(1, len(drawn) + 1)), format="d"),
    )  # fmt: skip
    base = alt.Chart(drawn).encode(y=y)
    spans = base.mark_rule(color=BLUE, opacity=0.35, strokeWidth=7).encode(
        x="rank_low:Q", x2="rank_high:Q"
    )
    dots = base.mark_point(filled=True, size=70, color=BLUE).encode(x=x)
    words = base.mark_text(align="left", dx=8, color=INK).encode(x="rank_high:Q", text="words:N")
    return alt.layer(spans, dots, words).properties(width=460, height=alt.Step(24))
