"""The cards of a scorecard as HTML for reading: value, interval, target, status, trend, and how it was counted."""

import math
from collections.abc import Mapping
from typing import Any

import pandas as pd

from journey_widgets.safe import html
from journey_widgets.scorecard import words
from journey_widgets.scorecard.signals import charted
from journey_widgets.scorecard.standing import FIRST, NOISE, REAL, Standing

WIDTH, HEIGHT, MARGIN = 200, 46, 4
FEWEST_POINTS, MOST_POINTS = 2, 24


def to_html(
    standing: Standing, series: pd.DataFrame, *, roles: Mapping[str, str], currency: str = "", data_date: str = "",
    only: list[str] | None = None, explained: Mapping[str, str] | None = None,
) -> str:  # fmt: skip
    """Return the cards, in the order of the scorecard.

    Parameters
    ----------
    series
        As `scorecard.series` returns it: what the trends are drawn from.
    roles
        Role id → label.
    currency, data_date
        In words.
    only
        KPIs to show; all by default.
    explained
        What else *Explain this number* says: heading → words, ``{kpi}`` in them for the id.
    """
    rows = standing.kpis.to_dict("records")
    chosen = [r for r in rows if only is None or r["kpi"] in only]
    more = dict(explained or {})
    cards = "".join(
        _card(r, series, standing.period, roles, currency, data_date, more) for r in chosen
    )
    return f'<div class="jw-kpis">{cards}</div>'


def _card(
    row: Mapping[Any, Any], series: pd.DataFrame, when: pd.Timestamp, roles: Mapping[str, str], currency: str,
    data_date: str, more: Mapping[str, str],
) -> str:  # fmt: skip
    unit = str(row["unit"])

    def said(name: str, *, signed: bool = False) -> str:
        return html(words.value(float(row[name]), unit, currency=currency, signed=signed))

    look = str(row["status"]) or "none"
    told = words.status_in_words(
        str(row["status"]),
        str(row["state"]),
        certain=bool(row["certain"]),
        possible=str(row["possible"]),
    )
    span = words.interval(float(row["low"]), float(row["high"]), unit, currency=currency)
    n = "" if pd.isna(row["n"]) else f"n {int(row['n']):,}"
    target = f"target {said('target')}" if math.isfinite(float(row["target"])) else "no target"
    owner = roles.get(str(row["owner"]), str(row["owner"])) or "nobody"
    open_ = " · the period is not over" if row["open"] else ""
    facts = " · ".join(p for p in (html(span), n, target, _against(row, said)) if p)
    note = f'<p class="jw-kpi-note">{html(str(row["note"]))}</p>' if row["note"] else ""
    return (
        f'<article class="jw-kpi" data-status="{html(look)}"><h4>{html(str(row["label"]))}</h4>'
        f'<p class="jw-kpi-status">{html(told)}{html(open_)}</p>'
        f'<p class="jw-kpi-value">{said("value")}</p><p class="jw-kpi-facts">{facts}</p>'
        f"{_trend(row, series[series['kpi'] == row['kpi']], when)}"
        f'<p class="jw-kpi-facts">{_moved(row, said)}</p>{note}'
        f'<p class="jw-kpi-owner">{html(owner)}{html(f" · data until {data_date}") if data_date else ""}</p>'
        f"{_explained(row, n, more)}</article>"
    )


def _against(row: Mapping[Any, Any], said: Any) -> str:
    """Return what was expected by now, and how far it is from the benchmark; the units are the KPI's."""
    parts = []
    if math.isfinite(float(row["expected"])):
        parts.append(f"expected by now {said('expected')}")
    if math.isfinite(float(row["benchmark"])):
        parts.append(f"benchmark {said('benchmark')}")
    return " · ".join(parts)


def _moved(row: Mapping[Any, Any], said: Any) -> str:
    signal = f" · signal: {html(str(row['signal']))}" if row["signal"] else ""
    if row["state"] == "stale":
        return "nothing is known of this period: the last value is carried on"
    if row["moved"] == FIRST:
        if row["state"] not in ("", "unscored"):
            return signal.removeprefix(" · ")
        return f"no period before it to compare with{signal}"
    judged = {REAL: "it is real", NOISE: "within chance"}.get(
        str(row["moved"]), "cannot tell whether it is real"
    )
    return f"{said('change', signed=True)} since the period before: {judged}{signal}"


def _explained(row: Mapping[Any, Any], n: str, more: Mapping[str, str]) -> str:
    there = {
        k: float(row[k])
        for k in ("baseline", "target", "score", "expected")
        if math.isfinite(float(row[k]))
    }
    facts = {
        "How": row["counted"], "Rows": n, "Interval": row["method"], "Definition": row["definition"],
        "Scored from": f"{there['baseline']:g} to {there['target']:g}" if {"baseline", "target"} <= set(there) else "",
        "Score": f"{there['score']:.2f} (uncut {row['raw']:.2f})" if "score" in there else "",
        "Weight": f"{row['weight']:.1%} of the whole",
        "Expected by now": f"{there['expected']:g}" if "expected" in there else "",
        "Benchmark": f"{row['benchmark']:g} ({row['benchmark_of']})" if row["benchmark_of"] else "",
        "Limits rest on": _days(row) if pd.notna(row["base_first"]) else "the first twelve values",
        **{k: v.replace("{kpi}", str(row["kpi"])) for k, v in more.items()},
    }  # fmt: skip
    items = "".join(
        f"<div><dt>{html(k)}</dt><dd>{html(str(v))}</dd></div>" for k, v in facts.items() if str(v)
    )
    return f"<details><summary>Explain this number</summary><dl>{items}</dl></details>"


def _days(row: Mapping[Any, Any]) -> str:
    return f"{row['base_first']:%-d %B %Y} to {row['base_last']:%-d %B %Y}"


def _trend(row: Mapping[Any, Any], own: pd.DataFrame, when: pd.Timestamp) -> str:
    """Return a small picture of the closed periods up to this one: limits of chance, target, signals."""
    target = float(row["target"])
    chart = charted(own, when, (row["base_first"], row["base_last"])).tail(MOST_POINTS)
    if chart["value"].notna().sum() < FEWEST_POINTS:
        return ""
    values = [float(v) for v in chart["value"]]
    limits = [float(v) for v in (chart["low"].iloc[0], chart["high"].iloc[0]) if math.isfinite(v)]
    every = [v for v in [*values, *limits, target] if math.isfinite(v)]
    low, high = min(every), max(every)
    room = (high - low) or 1.0

    def y(v: float) -> float:
        return round(HEIGHT - MARGIN - (v - low) / room * (HEIGHT - 2 * MARGIN), 1)

    step = (WIDTH - 2 * MARGIN) / max(len(values) - 1, 1)
    points = [(round(MARGIN + i * step, 1), v) for i, v in enumerate(values)]
    band = ""
    if limits:
        tall = round(y(limits[0]) - y(limits[1]), 1)
        band = f'<rect class="jw-band" x="0" width="{WIDTH}" y="{y(limits[1])}" height="{tall}"/>'
    goal = (
        f'<line class="jw-goal" x1="0" x2="{WIDTH}" y1="{y(target)}" y2="{y(target)}"/>'
        if math.isfinite(target)
        else ""
    )
    lines, run = [], []
    for x, v in [*points, (0.0, math.nan)]:
        if math.isfinite(v):
            run.append(f"{x},{y(v)}")
        elif run:
            lines.append(f'<polyline points="{" ".join(run)}"/>')
            run = []
    marks = "".join(
        f'<circle class="{"jw-signal" if s else "jw-point"}" cx="{x}" cy="{y(v)}" r="{4 if s else 2}"/>'
        for (x, v), s in zip(points, chart["signal"], strict=True)
        if math.isfinite(v)
    )
    words_ = f"{len(values)} periods, {sum(bool(s) for s in chart['signal'])} with a signal"
    return (
        f'<svg class="jw-trend" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{html(words_)}">'
        f"{band}{goal}{''.join(lines)}{marks}</svg>"
    )


def grid_to_html(
    objectives: list[tuple[str, str, str, str]],
    stages: Mapping[str, str],
    perspectives: Mapping[str, str],
) -> str:
    """Return the grid of stages by perspectives: who looks where, and where nobody does.

    Parameters
    ----------
    objectives
        Label, stage, perspective, and status in words.
    stages, perspectives
        Id → label, in order. Objectives without a stage stand in a last row.
    """
    rows = {**stages, "": "The whole journey"}
    head = "".join(f'<th scope="col">{html(label)}</th>' for label in perspectives.values())
    body = ""
    for stage, label in rows.items():
        cells = ""
        for p in perspectives:
            here = [
                (o, s)
                for o, st, pe, s in objectives
                if pe == p and (st == stage or (stage == "" and st not in stages))
            ]
            inside = "".join(f"<div>{html(o)}<br><small>{html(s)}</small></div>" for o, s in here)
            cells += f"<td>{inside}</td>" if here else '<td class="jw-empty">nothing</td>'
        body += f'<tr><th scope="row">{html(label)}</th>{cells}</tr>'
    return (
        f'<table class="jw-table jw-grid-of-stages"><thead><tr><th scope="col">Stage</th>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table>"
    )
