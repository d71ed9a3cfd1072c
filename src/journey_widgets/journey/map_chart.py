"""The picture of a journey map: a `MapLayout` in, an Altair chart out."""

from typing import Any

import altair as alt
import pandas as pd

from journey_widgets.chart_theme import BLUE, GREEN, GREY, INK, ORANGE, RED, VIOLET
from journey_widgets.journey.map_layout import HEAD, MapLayout

COLOURS = {"pain_point": RED, "moment_of_truth": BLUE, "opportunity": GREEN, "question": VIOLET}
WAYS: dict[str, tuple[str, list[int]]] = {
    "next": (GREY, [1, 0]), "alternative": (BLUE, [4, 3]), "loop": (ORANGE, [1, 0]),
}  # fmt: skip


def map_chart(layout: MapLayout) -> alt.LayerChart | alt.FacetChart:
    """Draw a map: stages above, lanes below each other, how it feels, what was noted, who answers."""
    picture = _Picture(layout)
    parts = [
        *picture.grid(), *picture.stages(), *picture.ways(), *picture.cards(), *picture.emotion(),
        *picture.marks(), *picture.words(),
    ]  # fmt: skip
    return alt.layer(*parts).properties(width=layout.width, height=layout.height)


class _Picture:
    """The parts of one picture, on one pair of scales."""

    def __init__(self, layout: MapLayout) -> None:
        self.layout = layout
        self.x = alt.Scale(domain=[0, layout.width], nice=False, zero=False)
        self.y = alt.Scale(domain=[layout.height, 0], nice=False, zero=False)

    def at(self, x: str = "x", y: str = "y") -> dict[str, Any]:
        return {
            "x": alt.X(f"{x}:Q", scale=self.x, axis=None),
            "y": alt.Y(f"{y}:Q", scale=self.y, axis=None),
        }

    def text(
        self, frame: pd.DataFrame, column: str, *, y: str = "y", x: str = "x", **mark: Any
    ) -> alt.Chart:
        style: dict[str, Any] = {"lineBreak": "\n", "fontSize": 11, "lineHeight": 13, **mark}
        chart: alt.Chart = alt.Chart(frame).mark_text(**style)
        return chart.encode(**self.at(x, y), text=f"{column}:N")

    def grid(self) -> list[alt.Chart]:
        rows = self.layout.rows.assign(x=0, x2=self.layout.width, name_x=4)
        tall = rows["bottom"] - rows["top"] > 100
        rows = rows.assign(name_y=rows["y"].where(~tall, rows["top"] + 40))
        lines = alt.Chart(rows).mark_rule(color=GREY, opacity=0.35)
        return [
            lines.encode(**self.at("x", "top"), x2="x2:Q"),
            self._centred(rows, "label", "name_x", "name_y", align="left", fontWeight=600),
        ]

    def _centred(self, frame: pd.DataFrame, column: str, x: str, y: str, **mark: Any) -> alt.Chart:
        """Set text with line breaks so that its middle is at y: the engine starts at the first line."""
        extra = frame[column].astype(str).str.count("\n")
        placed = frame.assign(text_y=frame[y] - extra * 6.5)
        return self.text(placed, column, x=x, y="text_y", baseline="middle", **mark)

    def stages(self) -> list[alt.Chart]:
        stages = self.layout.stages
        middle = stages.assign(
            mid=(stages["x"] + stages["x2"]) / 2, name_y=stages["y"] + 16, goal_y=stages["y"] + 34
        )
        box = alt.Chart(stages).mark_rect(color=BLUE, opacity=0.14, cornerRadius=4)
        found = [
            box.encode(**self.at(), x2="x2:Q", y2="y2:Q"),
            self.text(middle, "label", x="mid", y="name_y", fontSize=14, fontWeight=600),
            self.text(middle, "goal", x="mid", y="goal_y", baseline="middle", fontSize=11),
        ]
        rows = self.layout.rows.set_index("label")
        for column, label in (("focus", "We look after"), ("content", "Typical content")):
            if label in rows.index:
                placed = middle.assign(card_y=float(rows.loc[label, "y"]))  # type: ignore[arg-type]
                found.append(self._centred(placed, column, "mid", "card_y", fontSize=11))
        return found

    def ways(self) -> list[alt.Chart]:
        ways = self.layout.ways
        if ways.empty:
            return []
        found = []
        tooltip = [alt.Tooltip("label:N", title="Way"), alt.Tooltip("kind:N", title="Kind")]
        for kind, (colour, dash) in WAYS.items():
            own = ways[ways["kind"] == kind]
            lines = alt.Chart(own).mark_line(
                interpolate="basis", strokeWidth=1.6, color=colour, strokeDash=dash
            )
            heads = alt.Chart(own[own["point"] == 3]).mark_point(
                shape="triangle-down", size=36, filled=True, opacity=1, color=colour
            )
            found += [
                lines.encode(**self.at(), detail="way:N", order="point:Q", tooltip=tooltip),
                heads.encode(**self.at(), tooltip=tooltip),
            ]
        return found

    def cards(self) -> list[alt.Chart]:
        cards = self.layout.cards
        cards = cards.assign(
            mid=(cards["x"] + cards["x2"]) / 2, middle=cards["y"] + 26, foot=cards["y2"] - 9,
            due=["review due" if s else "" for s in cards["stale"]], corner=cards["y"] + 7,
        )  # fmt: skip
        tooltip = [
            alt.Tooltip("name:N", title="Touchpoint"),
            alt.Tooltip("channel:N", title="Channel"),
            alt.Tooltip("due:N", title="Review"),
        ]
        found = []
        for stale, dash in ((False, [1, 0]), (True, [4, 3])):
            box = alt.Chart(cards[cards["stale"] == stale]).mark_rect(
                cornerRadius=5,
                fillOpacity=0.05,
                fill=GREY,
                stroke=GREY,
                strokeWidth=1.2,
                strokeDash=dash,
            )
            found.append(box.encode(**self.at(), x2="x2:Q", y2="y2:Q", tooltip=tooltip))
        return [
            *found,
            self._centred(cards, "label", "mid", "middle", fontSize=12, lineHeight=13),
            self.text(cards, "channel", x="mid", y="foot", fontSize=10, opacity=0.75),
        ]

    def emotion(self) -> list[alt.Chart]:
        rows = self.layout.rows.set_index("label")
        if "How it feels" not in rows.index:
            return []
        top, bottom = (float(rows.loc["How it feels", c]) for c in ("top", "bottom"))  # type: ignore[arg-type]
        reach = (bottom - top) / 2 - 14
        scale = pd.DataFrame(
            {
                "y": [(top + bottom) / 2 - v / 2 * reach for v in (2, 0, -2)],
                "words": ["very good", "neither", "very bad"], "x": HEAD - 6, "x1": HEAD,
                "x2": self.layout.width,
            }
        )  # fmt: skip
        found = [
            alt.Chart(scale)
            .mark_rule(color=GREY, opacity=0.25, strokeDash=[2, 3])
            .encode(**self.at("x1"), x2="x2:Q"),
            self.text(scale, "words", align="right", fontSize=10, opacity=0.75),
        ]
        curve = self.layout.curve
        tooltip = [
            alt.Tooltip("name:N", title="Touchpoint"),
            alt.Tooltip("kind:N", title="From"),
            alt.Tooltip("words:N", title="-2 to 2"),
            alt.Tooltip("n:Q", title="Answers or judges"),
        ]
        for kind, dash, fill, colour in (
            ("judged", [4, 3], False, GREY),
            ("measured", [1, 0], True, BLUE),
        ):
            part = curve[curve["kind"] == kind]
            if part.empty:
                continue
            line = alt.Chart(part).mark_line(color=colour, strokeWidth=2, strokeDash=dash)
            point = alt.Chart(part).mark_point(
                color=colour, filled=fill, size=52, opacity=1, strokeWidth=1.8
            )
            whisker = alt.Chart(part[part["y_low"].notna()]).mark_rule(
                color=colour, strokeWidth=1.4
            )
            found += [
                line.encode(**self.at(), detail="part:N"),
                whisker.encode(**self.at(y="y_low"), y2="y_high:Q"),
                point.encode(**self.at(), tooltip=tooltip),
            ]
        legend = pd.DataFrame(
            {
                "x": [HEAD + 10, HEAD + 190], "y": [bottom - 7] * 2, "tx": [HEAD + 20, HEAD + 200],
                "kind": ["measured", "judged"],
                "words": ["answers of customers, 95 %", "judged by the team"],
            }
        )  # fmt: skip
        legend = legend[legend["kind"].isin(curve["kind"])]
        for kind, fill, colour in (("judged", False, GREY), ("measured", True, BLUE)):
            part = legend[legend["kind"] == kind]
            if not part.empty:
                dot = alt.Chart(part).mark_point(color=colour, filled=fill, size=40, opacity=1)
                found.append(dot.encode(**self.at()))
        return [*found, self.text(legend, "words", x="tx", align="left", fontSize=10, opacity=0.8)]

    def marks(self) -> list[alt.Chart]:
        marks = self.layout.marks
        if marks.empty:
            return []
        box = marks.assign(
            x1=marks["x"] - 15, x2=marks["x"] + 15, y1=marks["y"] - 8, y2=marks["y"] + 8
        )
        tooltip = [
            alt.Tooltip("words:N", title="Noted"),
            alt.Tooltip("label:N", title="What"),
            alt.Tooltip("severity:N", title="Severity"),
            alt.Tooltip("owner:N", title="Owner"),
        ]
        found = []
        for kind, colour in COLOURS.items():
            for high in (False, True):
                own = box[(box["kind"] == kind) & ((box["severity"] == "high") == high)]
                rect = alt.Chart(own).mark_rect(
                    cornerRadius=8, color=colour, stroke=INK, strokeWidth=2.4 if high else 0
                )
                found.append(
                    rect.encode(**self.at("x1", "y1"), x2="x2:Q", y2="y2:Q", tooltip=tooltip)
                )
        words = self.text(marks, "mark", color="white", fontWeight=600, baseline="middle")
        return [*found, words]

    def words(self) -> list[alt.Chart]:
        if self.layout.words.empty:
            return []
        tooltip = [alt.Tooltip("whole:N", title="In full")]
        chart = self._centred(self.layout.words, "text", "x", "y", fontSize=10.5)
        return [chart.encode(tooltip=tooltip)]
