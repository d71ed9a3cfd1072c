"""The journey map laid out for a picture: one column a touchpoint, one row a lane, all in pixels."""

import textwrap
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import pandas as pd

from journey_widgets.errors import JourneyDataError, did_you_mean
from journey_widgets.journey.document import Journey
from journey_widgets.journey.emotion import emotion
from journey_widgets.journey.evidence import EvidencePolicy, claims, is_current

View = Literal["executive", "team", "workshop"]
COLUMN, HEAD = 94, 118
"""Width of a touchpoint's column, and of the names of the rows on the left."""
CARD, LINE = 62, 14
MARKS = {"pain_point": "P", "moment_of_truth": "M", "opportunity": "O", "question": "Q"}
KIND_WORDS = {
    "pain_point": "Pain point", "moment_of_truth": "Moment of truth", "opportunity": "Opportunity",
    "question": "Question",
}  # fmt: skip
ROWS: dict[str, tuple[str, ...]] = {
    "executive": ("lanes", "emotion", "items", "owner"),
    "team": ("ways", "lanes", "emotion", "items", "owner", "kpi", "evidence"),
    "workshop": ("cards", "ways", "lanes", "emotion", "items", "owner", "kpi", "evidence"),
}
"""What each kind of reader sees, from top to bottom."""


@dataclass(frozen=True)
class MapLayout:
    """A picture's worth of map; all places are pixels from the upper left.

    Attributes
    ----------
    stages
        ``label``, ``goal`` (str, broken into lines), ``x``, ``x2``, ``y``, ``y2``.
    rows
        Names of the rows: ``label``, ``y`` (middle), ``top``, ``bottom``.
    cards
        Touchpoints: ``touchpoint``, ``label`` (broken), ``name`` (whole), ``channel``, ``stage``, ``lane``,
        ``x``, ``x2``, ``y``, ``y2``, ``stale`` (bool).
    curve
        ``kind`` (``"measured"``, ``"judged"``), ``part`` (lines are drawn within one), ``x``, ``y``,
        ``y_low``, ``y_high``, ``value``, ``n``, ``name``.
    marks
        Items: ``mark`` (such as ``"P1"``), ``kind``, ``label``, ``severity``, ``owner``, ``x``, ``y``.
    words
        Text under a touchpoint: ``row``, ``text`` (broken), ``x``, ``y``.
    ways
        Points of curves: ``way``, ``kind``, ``label``, ``point``, ``x``, ``y``.
    width, height
        Of the whole.
    """

    stages: pd.DataFrame
    rows: pd.DataFrame
    cards: pd.DataFrame
    curve: pd.DataFrame
    marks: pd.DataFrame
    words: pd.DataFrame
    ways: pd.DataFrame
    width: int
    height: int

    def sentence(self) -> str:
        """Return what the picture shows."""
        measured = self.curve[self.curve["kind"] == "measured"]["name"].nunique()
        cards, stages, marks = (
            f"{len(found)} {one if len(found) == 1 else one + 's'}"
            for found, one in (
                (self.cards, "touchpoint"), (self.stages, "stage"), (self.marks, "item"),
            )
        )  # fmt: skip
        return f"{cards} in {stages}; {measured} with answers of customers, {marks} marked."


def map_layout(
    journey: Journey,
    *,
    curve: pd.DataFrame | None = None,
    owners: Mapping[str, str] | None = None,
    kpis: Mapping[str, str] | None = None,
    view: str = "team",
    policy: EvidencePolicy | None = None,
) -> MapLayout:
    """Lay the map out.

    Parameters
    ----------
    journey
        The document. Hidden lanes are left out with their touchpoints.
    curve
        Result of `journey.emotion`; judgements alone by default.
    owners
        Touchpoint id → who is accountable.
    kpis
        Touchpoint id → what to print as its KPI; by default the first KPI the document names.
    view
        ``"executive"``, ``"team"`` or ``"workshop"``: which rows are shown.
    policy
        When a touchpoint's review is due.

    Rows with nothing in them are left out.
    """
    if view not in get_args(View):
        msg = f"There is no view {view!r}. {did_you_mean(view, get_args(View))}"
        raise JourneyDataError(msg)
    hidden = {row.id for row in journey.lanes if row.hidden}
    shown = [t for s in journey.stages for t in journey.in_stage(s.id) if t.lane not in hidden]
    at = {t.id: HEAD + i * COLUMN + COLUMN / 2 for i, t in enumerate(shown)}
    feelings = emotion(journey) if curve is None else curve
    felt = (
        feelings[feelings["touchpoint"].isin(list(at))][["judged", "value"]].notna().any(axis=None)
    )
    graded = any(t.emotion is not None or t.ratings or journey.items_at(t.id) for t in shown)
    blank = {
        *(["emotion"] if not felt else []),
        *(["owner"] if not owners else []),
        *(["kpi"] if not kpis and not any(t.kpis for t in shown) else []),
        *(["evidence"] if not graded else []),
    }
    plan = _Plan(journey, [t.id for t in shown], view, blank)
    policy = policy or EvidencePolicy()
    cards = pd.DataFrame(
        [
            {
                "touchpoint": t.id, "label": broken(t.label, 12, 3), "name": t.label,
                "channel": broken(t.channel or "", 15, 1), "stage": t.stage, "lane": t.lane or "",
                "x": at[t.id] - COLUMN / 2 + 4, "x2": at[t.id] + COLUMN / 2 - 4,
                "y": plan.lane_top(t.lane) + 5, "y2": plan.lane_top(t.lane) + 5 + CARD,
                "stale": not is_current(journey, t.id, policy),
            }
            for t in shown
        ],
        columns=["touchpoint", "label", "name", "channel", "stage", "lane", "x", "x2", "y", "y2", "stale"],
    )  # fmt: skip
    return MapLayout(
        stages=_stages(journey, plan, at),
        rows=pd.DataFrame(plan.rows, columns=["label", "y", "top", "bottom"]),
        cards=cards,
        curve=_curve(feelings, plan, at),
        marks=_marks(journey, plan, at),
        words=_words(journey, plan, at, owners or {}, kpis or {}, policy),
        ways=_ways(journey, plan, at),
        width=int(HEAD + len(shown) * COLUMN + 8),
        height=int(plan.height),
    )


def broken(text: str, width: int, lines: int) -> str:
    """Break a text into lines of about `width` characters; what does not fit ends in an ellipsis."""
    found = textwrap.wrap(" ".join(text.split()), width, break_long_words=True) or [""]
    if len(found) > lines:
        found = [*found[: lines - 1], found[lines - 1][: width - 1].rstrip() + "…"]
    return "\n".join(found)


class _Plan:
    """Where each row begins and ends."""

    def __init__(
        self, journey: Journey, shown: Sequence[str], view: str, blank: Collection[str]
    ) -> None:
        self.rows: list[tuple[str, float, float, float]] = []
        self.places: dict[str, tuple[float, float]] = {}
        self.wanted = [row for row in ROWS[view] if row not in blank]
        self._y = 0.0
        goals = max((len(broken(s.goal, 30, 3).split("\n")) for s in journey.stages), default=1)
        self._add("stages", "", 30 + (goals * LINE if any(s.goal for s in journey.stages) else 0))
        if "cards" in self.wanted and any(s.focus or s.content for s in journey.stages):
            self._add("focus", "We look after", 4 * LINE + 8)
            self._add("content", "Typical content", 4 * LINE + 8)
        if "ways" in self.wanted and _drawn_ways(journey, shown):
            self._add("ways", "Ways", 64)
        used = {journey.touchpoint(t).lane for t in shown}  # type: ignore[union-attr]
        for lane in journey.lanes:
            if not lane.hidden:
                self._add(f"lane:{lane.id}", broken(lane.label, 16, 3), CARD + 10)
        if not journey.lanes or any(journey.lane(name) is None for name in used):
            self._add("lane:", "Touchpoints" if not journey.lanes else "In no lane", CARD + 10)
        if "emotion" in self.wanted:
            self._add("emotion", "How it feels", 132)
        most = max((len(journey.items_at(t)) for t in shown), default=0)
        if "items" in self.wanted and most:
            self._add("items", "Noted", 8 + 20 * min(most, 4))
        for row, label in (("owner", "Accountable"), ("kpi", "KPI"), ("evidence", "Evidence")):
            if row in self.wanted:
                self._add(row, label, 2 * LINE + 10)
        self.height = self._y + 4

    def _add(self, key: str, label: str, height: float) -> None:
        self.places[key] = (self._y, self._y + height)
        if label:
            self.rows.append((label, self._y + height / 2, self._y, self._y + height))
        self._y += height

    def lane_top(self, lane: str | None) -> float:
        key = f"lane:{lane or ''}"
        return self.places[key if key in self.places else "lane:"][0]


def _stages(journey: Journey, plan: _Plan, at: Mapping[str, float]) -> pd.DataFrame:
    rows = []
    top, bottom = plan.places["stages"]
    for s in journey.stages:
        places = [at[t.id] for t in journey.in_stage(s.id) if t.id in at]
        if not places:
            continue
        left, right = min(places) - COLUMN / 2 + 2, max(places) + COLUMN / 2 - 2
        width = max(int((right - left) / 6.2), 10)
        rows.append(
            {
                "stage": s.id, "label": broken(s.label, max(int((right - left) / 8), 8), 1),
                "goal": broken(s.goal, width, 3), "focus": broken(s.focus, width, 4),
                "content": broken(s.content, width, 4), "x": left, "x2": right, "y": top, "y2": bottom - 3,
            }
        )  # fmt: skip
    columns = ["stage", "label", "goal", "focus", "content", "x", "x2", "y", "y2"]
    return pd.DataFrame(rows, columns=columns)


def _curve(feelings: pd.DataFrame, plan: _Plan, at: Mapping[str, float]) -> pd.DataFrame:
    columns = ["kind", "part", "x", "y", "y_low", "y_high", "value", "n", "name", "words"]
    if "emotion" not in plan.places:
        return pd.DataFrame({c: [] for c in columns})
    top, bottom = plan.places["emotion"]
    middle, reach = (top + bottom) / 2, (bottom - top) / 2 - 14

    def y(value: float) -> float:
        return float(middle - value / 2 * reach)

    order = {name: i for i, name in enumerate(at)}
    rows = []
    for kind, column, low, high in (
        ("judged", "judged", "judged_low", "judged_high"),
        ("measured", "value", "low", "high"),
    ):
        part, before = 0, None
        known = feelings[feelings[column].notna() & feelings["touchpoint"].isin(list(at))]
        for row in (
            known.assign(at=known["touchpoint"].map(order)).sort_values("at").to_dict("records")
        ):
            part += before is not None and row["at"] != before + 1  # a gap stays a gap
            before = row["at"]
            n = int(row["n"] if kind == "measured" else row["judges"])
            value = float(row[column])
            few = ""
            if kind == "measured" and row["certainty"] == "insufficient":
                few = f" (too few: {n})"
            rows.append(
                {
                    "kind": kind, "part": f"{kind} {part}", "x": at[row["touchpoint"]], "y": y(value),
                    "y_low": y(row[low]) if pd.notna(row[low]) else np.nan,
                    "y_high": y(row[high]) if pd.notna(row[high]) else np.nan,
                    "value": value, "n": n, "name": row["label"],
                    "words": f"{value:+.1f}" + few,
                }
            )  # fmt: skip
    return pd.DataFrame(rows, columns=columns)


def _marks(journey: Journey, plan: _Plan, at: Mapping[str, float]) -> pd.DataFrame:
    columns = ["mark", "kind", "words", "label", "severity", "owner", "x", "y", "touchpoint"]
    counts = dict.fromkeys(MARKS, 0)
    used: dict[str, int] = {}
    rows = []
    for item in journey.items:
        counts[item.kind] += 1
        if item.touchpoint is None or item.touchpoint not in at or "items" not in plan.places:
            continue
        place = used.get(item.touchpoint, 0)
        used[item.touchpoint] = place + 1
        if place >= 4:
            continue
        rows.append(
            {
                "mark": f"{MARKS[item.kind]}{counts[item.kind]}", "kind": item.kind,
                "words": KIND_WORDS[item.kind], "label": item.label, "severity": item.severity,
                "owner": item.owner or "nobody yet", "x": at[item.touchpoint],
                "y": plan.places["items"][0] + 14 + 20 * place, "touchpoint": item.touchpoint,
            }
        )  # fmt: skip
    return pd.DataFrame(rows, columns=columns)


def _words(
    journey: Journey, plan: _Plan, at: Mapping[str, float], owners: Mapping[str, str],
    kpis: Mapping[str, str], policy: EvidencePolicy,
) -> pd.DataFrame:  # fmt: skip
    grades = claims(journey, policy)
    best = ["assumed", "partly", "data-backed"]
    rows = []
    for t in journey.touchpoints:
        if t.id not in at:
            continue
        own = [best.index(g) for g in grades.loc[grades["touchpoint"] == t.id, "grade"]]
        kpi = kpis.get(t.id) or (t.kpis[0].replace("_", " ") if t.kpis else "–")
        for row, text in (
            ("owner", owners.get(t.id, "–")),
            ("kpi", kpi),
            ("evidence", best[max(own)] if own else "–"),
        ):
            if row in plan.places:
                top, bottom = plan.places[row]
                words = {"row": row, "text": broken(text, 14, 2), "whole": text}
                rows.append({**words, "x": at[t.id], "y": (top + bottom) / 2})
    return pd.DataFrame(rows, columns=["row", "text", "whole", "x", "y"])


def _drawn_ways(journey: Journey, shown: Sequence[str]) -> list[tuple[str, str, str, str, str]]:
    """Return the ways that are more than the next step: beside, back, or over others."""
    place = {name: i for i, name in enumerate(shown)}
    return [
        (w.id, w.source, w.target, w.kind, w.label)
        for w in journey.ways
        if w.source in place
        and w.target in place
        and (w.kind != "next" or place[w.target] - place[w.source] != 1)
    ]


def _ways(journey: Journey, plan: _Plan, at: Mapping[str, float]) -> pd.DataFrame:
    columns = ["way", "kind", "label", "point", "x", "y"]
    if "ways" not in plan.places:
        return pd.DataFrame({c: [] for c in columns})
    top, bottom = plan.places["ways"]
    foot = bottom - 3
    longest = max(len(at) - 1, 1)
    rows = []
    names = {t.id: t.label for t in journey.touchpoints}
    for way, source, target, kind, label in _drawn_ways(journey, list(at)):
        x1, x2 = at[source], at[target]
        span = abs(x2 - x1) / COLUMN
        peak = foot - (foot - top - 4) * (0.35 + 0.65 * min(span / longest * 2, 1))
        words = f"{names[source]} → {names[target]}" + (f": {label}" if label else "")
        if source == target:
            points = [(x1 - 10, foot), (x1 - 12, peak), (x1 + 12, peak), (x1 + 10, foot)]
        else:
            points = [
                (x1, foot),
                (x1 + (x2 - x1) * 0.15, peak),
                (x1 + (x2 - x1) * 0.85, peak),
                (x2, foot),
            ]
        rows += [
            {"way": way, "kind": kind, "label": words, "point": i, "x": x, "y": y}
            for i, (x, y) in enumerate(points)
        ]
    return pd.DataFrame(rows, columns=columns)
