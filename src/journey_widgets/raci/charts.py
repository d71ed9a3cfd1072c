"""Pictures of the matrix against the log: frames in, Altair charts out."""

import altair as alt
import pandas as pd

from journey_widgets.chart_theme import BLUE, INK, ORANGE

MAX_TOUCHPOINTS = 12


def doers_chart(doers: pd.DataFrame) -> alt.FacetChart:
    """Draw who handles each touchpoint, planned or not, with the interval of each share.

    `doers` is `PlanAgainstLog.doers`; touchpoints without events are left out, and of many the
    `MAX_TOUCHPOINTS` with most events are drawn.
    """
    drawn = doers[doers["n"] > 0]
    names = drawn.drop_duplicates("touchpoint").sort_values("n", ascending=False, kind="stable")[
        "label"
    ]
    kept = list(names.head(MAX_TOUCHPOINTS))
    drawn = drawn[drawn["label"].isin(kept) & ((drawn["events"] > 0) | drawn["planned"])]
    drawn = drawn.assign(
        plan=["planned" if p else "not planned" for p in drawn["planned"]],
        words=[f"{s:.0%} ({x:,})" for s, x in zip(drawn["share"], drawn["events"], strict=True)],
        who=[
            f"{label} {'✓' if p else '✗'}"
            for label, p in zip(drawn["role_label"], drawn["planned"], strict=True)
        ],
    )
    order = list(
        drawn.sort_values("share", ascending=False, kind="stable")["who"].drop_duplicates()
    )
    base = alt.Chart().encode(y=alt.Y("who:N", title=None, sort=order))
    colour = alt.Color(
        "plan:N", title=None, legend=alt.Legend(orient="top"),
        scale=alt.Scale(domain=["planned", "not planned"], range=[BLUE, ORANGE]),
    )  # fmt: skip
    share = alt.X(
        "share:Q",
        title="share of handling events",
        scale=alt.Scale(domain=[0, 1.15]),
        axis=alt.Axis(format="%", values=[0, 0.25, 0.5, 0.75, 1]),
    )
    bars = base.mark_bar(height=16, opacity=0.8).encode(
        x=share, color=colour,
        tooltip=[
            alt.Tooltip("role_label:N", title="Role"), alt.Tooltip("letters:N", title="Planned as"),
            alt.Tooltip("events:Q", title="Events", format=","), alt.Tooltip("share:Q", title="Share", format=".1%"),
            alt.Tooltip("low:Q", title="at least", format=".1%"), alt.Tooltip("high:Q", title="at most", format=".1%"),
        ],
    )  # fmt: skip
    whisker = base.mark_rule(color=INK, strokeWidth=1.5).encode(x="low:Q", x2="high:Q")
    words = base.mark_text(align="left", dx=6).encode(x="high:Q", text="words:N")
    columns = [
        "label",
        "who",
        "role_label",
        "letters",
        "plan",
        "events",
        "share",
        "low",
        "high",
        "words",
    ]
    drawing: alt.FacetChart = (
        alt.layer(bars, whisker, words, data=drawn[columns])
        .properties(width=460, height=alt.Step(24))
        .facet(
            row=alt.Row(
                "label:N",
                title=None,
                sort=kept,
                header=alt.Header(
                    labelAngle=0, labelAlign="left", labelOrient="top", labelFontWeight=600
                ),
            )
        )
        .resolve_scale(y="independent")
    )
    return drawing
