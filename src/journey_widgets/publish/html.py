"""Pieces of HTML for pages and reports. Every piece of text passes `safe.html` on its way in."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import pandas as pd

from journey_widgets.findings import SEVERITIES, Finding, sentence, word
from journey_widgets.publish import figures
from journey_widgets.publish.figures import Figure
from journey_widgets.publish.piece import Html as Html
from journey_widgets.publish.piece import Line
from journey_widgets.safe import html

MAX_ROWS, MAX_TEXT = 500, 300
STYLE = Path(__file__).with_name("page.css")
FOLDED_FROM = 20
"""Findings of a list that are open at first; what is beyond can be unfolded."""
MARKS = {"error": "●", "warn": "▲", "info": "■", "known": "✓"}


def table(
    frame: pd.DataFrame,
    *,
    caption: str = "",
    labels: Mapping[str, str] | None = None,
    percent: Sequence[str] = (),
    hours: Sequence[str] = (),
    links: Sequence[str] = (),
    note: str = "",
) -> Html:
    """Return a table for reading: rounded numbers, right-aligned, long text cut with the rest in a tip.

    `labels` renames and chooses columns, in its order; `percent` columns hold fractions,
    `hours` columns times that are shown in a fitting unit, `links` columns lists of web addresses; `note`
    says below it how it was counted.
    """
    columns = dict(labels) if labels else {c: str(c) for c in frame.columns}
    shown = frame.head(MAX_ROWS)
    numeric = {c for c in columns if _is_numeric(frame[c])}
    head = "".join(
        f'<th scope="col"{_number_class(c in numeric)}>{html(label)}</th>'
        for c, label in columns.items()
    )
    values = [list(v) for v in shown[list(columns)].itertuples(index=False)]
    texts = [
        [_words(v, as_percent=c in percent, as_hours=c in hours) for c, v in zip(columns, row, strict=True)]
        for row in values
    ]  # fmt: skip
    rows = []
    for row, said in zip(values, texts, strict=True):
        cells = "".join(
            f"<td{_number_class(c in numeric)}>{_links(v) if c in links else _cell(t)}</td>"
            for c, v, t in zip(columns, row, said, strict=True)
        )
        rows.append(f"<tr>{cells}</tr>")
    left = len(frame) - len(shown)
    more = f"<p>{left:,} more rows are not shown.</p>" if left > 0 else ""
    title = f"<caption>{html(caption)}</caption>" if caption else ""
    markup = (
        f'<div class="jw-scroll"><table class="jw-table">{title}<thead><tr>{head}</tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table></div>{more}{_counted(note)}"
    )
    lines = figures.of_table(caption, list(columns.values()), values, texts)
    return Html(markup, f"{caption or 'Table'}: {len(frame)} rows", lines)


def _is_numeric(column: pd.Series) -> bool:
    """Return whether a column holds numbers, or figures with their unit."""
    if column.dtype != object:
        return bool(pd.api.types.is_numeric_dtype(column.dtype))
    return any(isinstance(v, Figure) for v in column)


def _number_class(is_number: bool) -> str:
    return ' class="jw-number"' if is_number else ""


def _words(value: object, *, as_percent: bool, as_hours: bool) -> str:
    """Return a cell as it is read; a blank one is blank."""
    if (
        value is None
        or value is pd.NA
        or value is pd.NaT
        or (isinstance(value, float) and np.isnan(value))
    ):
        return ""
    if isinstance(value, bool | np.bool_):
        return "yes" if value else "no"
    if isinstance(value, int | np.integer):
        return f"{int(value):,}"
    if isinstance(value, float | np.floating):
        number = float(value)
        return duration(number) if as_hours else f"{number:.1%}" if as_percent else _plain(number)
    return f"{value:%Y-%m-%d %H:%M}" if isinstance(value, pd.Timestamp) else str(value)


def _cell(text: str) -> str:
    if not text:
        return '<span class="jw-none">–</span>'
    if len(text) <= MAX_TEXT:
        return html(text)
    return f'<span title="{html(text)}">{html(text[: MAX_TEXT - 1])}…</span>'


def _links(value: object) -> str:
    """Return web addresses to click, one below the other; anything else as text."""
    found = [str(v) for v in value] if isinstance(value, list | tuple | np.ndarray) else []
    return "<br>".join(
        f'<a href="{html(v)}" target="_blank" rel="noopener noreferrer">{html(v)}</a>'
        if urlsplit(v).scheme in ("http", "https")
        else html(v)
        for v in found
    )


def _plain(number: float) -> str:
    return f"{number:,.0f}" if abs(number) >= 1_000 else f"{number:,.4g}"


def duration(hours: float) -> str:
    """Return a time in the unit people would use: ``"36 s"``, ``"6 min"``, ``"2.5 h"``, ``"9.1 days"``."""
    for size, unit in ((24 * 3, "days"), (1, "h"), (1 / 60, "min")):
        if hours >= size:
            scale = 24 if unit == "days" else size
            return f"{round(hours / scale, 1):g} {unit}"
    return f"{hours * 3600:.0f} s"


def _counted(note: str) -> str:
    return f'<p class="jw-counted">{html(note)}</p>' if note else ""


def figure(
    svg: str,
    caption: str,
    *,
    note: str = "",
    wide: bool = False,
    spec: Mapping[str, Any] | None = None,
) -> Html:
    """Return a picture with its sentence. `svg` is our renderer's own output, never text from data.

    A `spec` goes along for a page whose script draws the picture anew, so that it answers to the mouse.
    """
    words = f"<figcaption>{html(caption)}</figcaption>" if caption else ""
    hidden = svg.replace(
        "<svg ", '<svg aria-hidden="true" ', 1
    )  # its words are hundreds of labels without order
    kind = 'class="jw-figure jw-wide" tabindex="0"' if wide else 'class="jw-figure"'
    markup = (
        f"<figure {kind}>{words}{hidden}"
        f"{in_page(spec, 'jw-spec') if spec is not None else ''}{_counted(note)}</figure>"
    )
    return Html(
        markup, caption or "Chart", figures.of_sentences("Picture", [caption] if caption else [])
    )


def in_page(data: object, name: str) -> str:
    """Return plain JSON values as data within a page: no text in it can end it or become markup."""
    text = json.dumps(data, ensure_ascii=False).replace("<", "\\u003c")
    return f'<script type="application/json" class="{html(name)}">{text}</script>'


def note(text: str, *, kind: str = "note") -> Html:
    """Return one sentence in a box; `kind` is ``note``, ``good``, ``warn`` or ``error``."""
    return Html(
        f'<p class="jw-note jw-{html(kind)}">{html(text)}</p>',
        text,
        figures.of_sentences("Note", [text]),
    )


def lead(text: str) -> Html:
    """Return the sentences a picture is introduced by."""
    return Html(
        f'<p class="jw-lead">{html(text)}</p>', text, figures.of_sentences("In words", [text])
    )


def numbered(sentences: Sequence[str]) -> Html:
    """Return sentences as a numbered list."""
    items = "".join(f"<li>{html(s)}</li>" for s in sentences)
    return Html(
        f'<ol class="jw-next">{items}</ol>',
        "; ".join(sentences),
        figures.of_sentences("In words", sentences),
    )


def heading(facts: Mapping[str, str]) -> Html:
    """Return the head of a page: what it stands on, and the look of all that follows."""
    items = "".join(
        f"<div><dt>{html(k)}</dt> <dd>{html(v)}</dd></div>" for k, v in facts.items() if v
    )
    plain = "; ".join(f"{k}: {v}" for k, v in facts.items() if v)
    lines = figures.of_tiles({k: (v, "") for k, v in facts.items() if v})[::2]
    return Html(f'{_style()}<dl class="jw-facts">{items}</dl>', plain, lines)


def stopped(text: str) -> Html:
    """Return why a page stops here, in a box; nothing came before it that brought the look along."""
    return Html(_style() + note(text, kind="error")._repr_html_(), text)


def _style() -> str:
    return f"<style>{STYLE.read_text('utf-8')}</style>"


def tiles(values: Mapping[str, tuple[str | Figure, str]]) -> Html:
    """Return figures in boxes: label → value and the words below it."""
    boxes = "".join(
        f'<div class="jw-tile"><span class="jw-label">{html(label)}</span>'
        f'<span class="jw-value">{html(value)}</span><span class="jw-words">{html(words)}</span></div>'
        for label, (value, words) in values.items()
    )
    plain = "; ".join(f"{label}: {value} ({words})" for label, (value, words) in values.items())
    return Html(f'<div class="jw-tiles">{boxes}</div>', plain, figures.of_tiles(values))


def findings_list(findings: Sequence[Finding], *, printed: bool = True) -> Html:
    """Return findings as a list in words, the worst first, with what to ask and what to do.

    Of a long list the first are open and the rest can be unfolded: whoever reads the page is not buried. Where they are
    not `printed`, paper says only how many more there are.
    """
    if not findings:
        return note("No findings.", kind="good")
    items = [
        f'<li class="jw-finding jw-{_look(f)}"><span class="jw-mark" aria-hidden="true">{MARKS[_look(f)]}'
        f"</span><strong>{word(f)}:</strong> {html(f.message)} "
        f'<span class="jw-advice">{html(_advice(f))}</span> <code>{html(f.code)}</code></li>'
        for f in sorted(findings, key=lambda f: SEVERITIES.index(f.severity))
    ]
    open_ = FOLDED_FROM if printed else FOLDED_FROM // 4
    least = open_ if len(items) > open_ + 2 else len(items)
    first, rest = (
        f'<ul class="jw-findings" role="list">{"".join(p)}</ul>'
        for p in (items[:least], items[least:])
    )
    kind = "jw-more" if printed else "jw-more jw-unprinted"
    more = f'<details class="{kind}"><summary>{len(items) - least} more</summary>{rest}</details>'
    return Html(first + (more if items[least:] else ""), sentence(findings))


def _look(finding: Finding) -> str:
    return "known" if finding.acknowledged else finding.severity


def _advice(finding: Finding) -> str:
    if finding.acknowledged:
        return f"Accepted: {finding.acknowledged}"
    return f"{finding.question} {finding.fix}".strip()


def joined(*pieces: Html) -> Html:
    """Return pieces below each other."""
    lines = [line for p in pieces for line in p.lines]
    return Html("".join(p._repr_html_() for p in pieces), "; ".join(repr(p) for p in pieces), lines)


def sheet(title: str, content: Html) -> Html:
    """Return a part with a heading that is printed on a sheet of its own."""
    return Html(
        f'<section class="jw-sheet"><h3>{html(title)}</h3>{content._repr_html_()}</section>',
        f"{title}: {content!r}",
        content.lines,
    )


def unfolding(title: str, content: Html) -> Html:
    """Return a part that is shown when its title is pressed."""
    markup = f'<details class="jw-more"><summary>{html(title)}</summary>{content._repr_html_()}</details>'
    return Html(markup, f"{title}: {content!r}", content.lines)


def titled(title: str, content: Html) -> Html:
    """Return a part with a heading."""
    return Html(
        f"<h3>{html(title)}</h3>{content._repr_html_()}", f"{title}: {content!r}", content.lines
    )


def raw(markup: str, plain: str, lines: Sequence[Line] = ()) -> Html:
    """Return a piece that another room has made with `safe.html`, and its figures."""
    return Html(markup, plain, lines)


def raw_table(markup: str, plain: str) -> Html:
    """Return a table another room has made with `safe.html`."""
    return Html(f'<div class="jw-scroll">{markup}</div>', plain)
