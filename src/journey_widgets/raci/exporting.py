"""A matrix as a file for others: CSV, XLSX, Markdown, HTML or a picture, all with the same content.

Letters are letters everywhere, so that nothing depends on colour. Text from labels is never a formula, a tag or
a mark of Markdown.
"""

import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from journey_widgets.chart_theme import CONFIG, INK
from journey_widgets.errors import DocumentError
from journey_widgets.journey.document import Journey
from journey_widgets.raci.document import MatrixRow, RaciMatrix
from journey_widgets.raci.table import to_html
from journey_widgets.safe import FORMULA_STARTS, html

if TYPE_CHECKING:
    import altair as alt

_MARKDOWN = re.compile(r"([\\`*_{}\[\]()#+\-.!|~])")
MAX_PICTURE_LABEL = 40


def export(matrix: RaciMatrix, path: str | Path, journey: Journey | None = None) -> Path:
    """Write a matrix to a file whose ending says the kind.

    ``.csv`` is the text form of the document, which `RaciMatrix.from_csv` reads back; ``.xlsx`` a sheet with text
    cells only; ``.md`` a table; ``.html`` a page without script; ``.svg`` and ``.png`` a picture. A file that is
    there is replaced, as a whole or not at all.
    """
    target = Path(path)
    make = KINDS.get(target.suffix.lower())
    if make is None:
        found = target.suffix or "no ending"
        msg = f"{target.name}: a matrix is written as {', '.join(KINDS)}; found {found}."
        raise DocumentError(msg)
    part = target.with_name(f".{target.name}.part")
    part.write_bytes(make(matrix, journey))
    os.replace(part, target)  # noqa: PTH105 - one step
    return target


def _facts(matrix: RaciMatrix) -> list[str]:
    """Return what is said about the matrix as a whole, a line each."""
    letters = "; ".join(f"{k} = {v}" for k, v in matrix.letters.letters.items())
    reviewed = f"Reviewed on {matrix.reviewed_on}" if matrix.reviewed_on else "Never reviewed"
    by = f" by {matrix.reviewed_by}" if matrix.reviewed_by else ""
    known = [
        f"Accepted: {a.code} {' '.join(x for x in (a.touchpoint, a.role) if x)}: {a.in_words()}"
        for a in matrix.acknowledged
    ]
    rows = [f"{r.label}: {'; '.join(facts)}" for r in matrix.rows if (facts := _of_row(r))]
    return [f"{matrix.scheme}: {letters}", f"{reviewed}{by}", *rows, *known]


def _of_row(row: MatrixRow) -> list[str]:
    """Return what is said of a row beside its letters."""
    facts = ["an upsell moment"] if row.upsell_moment else []
    facts += ["needs two pairs of eyes"] if row.requires_separation else []
    facts += [f"volume {row.volume:,g}"] if row.volume is not None else []
    by = f" by {row.reviewed_by}" if row.reviewed_by else ""
    facts += [f"reviewed on {row.reviewed_on}{by}"] if row.reviewed_on else []
    return [*facts, row.note] if row.note else facts


def _sheet(matrix: RaciMatrix, journey: Journey | None) -> tuple[list[str], list[list[str]]]:
    """Return the header and the lines of the table."""
    stages = {s.id: s.label for s in journey.stages} if journey else {}
    header = ["Stage", "Touchpoint", *(r.label for r in matrix.roles)]
    lines = [
        [
            stages.get(r.stage or "", r.stage or ""), r.label, *(r.cells.get(c.id, "") for c in matrix.roles)
        ]
        for r in matrix.rows
    ]  # fmt: skip
    return header, lines


def to_markdown(matrix: RaciMatrix, journey: Journey | None = None) -> str:
    """Return the matrix as a Markdown table with its facts."""
    header, lines = _sheet(matrix, journey)

    def row(cells: list[str]) -> str:
        return "| " + " | ".join(_marked(c) for c in cells) + " |"

    rule = "|" + "---|" * 2 + ":-:|" * (len(header) - 2)
    facts = "\n".join(f"- {_marked(f)}" for f in _facts(matrix))
    table = "\n".join([row(header), rule, *map(row, lines)])
    return f"# {_marked(matrix.label)}\n\n{table}\n\n{facts}\n"


def _marked(text: str) -> str:
    plain = " ".join(text.split()).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return _MARKDOWN.sub(r"\\\1", plain)


def _csv(matrix: RaciMatrix, journey: Journey | None) -> bytes:
    del journey
    return matrix.to_text().encode()


def _markdown(matrix: RaciMatrix, journey: Journey | None) -> bytes:
    return to_markdown(matrix, journey).encode()


def _html(matrix: RaciMatrix, journey: Journey | None) -> bytes:
    facts = "".join(f"<li>{html(f)}</li>" for f in _facts(matrix)[1:])
    return (
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>{html(matrix.label)}</title>'
        f"<style>{PAGE}</style></head><body>{to_html(matrix, journey)}<ul>{facts}</ul></body></html>\n"
    ).encode()


PAGE = (
    "body{font:14px/1.5 system-ui,sans-serif;margin:24px;color:#1c1c1c;background:#fff}"
    "table{border-collapse:collapse}caption{font-size:18px;font-weight:600;text-align:left;padding-bottom:8px}"
    "th,td{border:1px solid #a9aeb5;padding:4px 8px;text-align:center}th[scope=row],.jw-stage th{text-align:left}"
    ".jw-stage th{background:#eef1f4}@media print{thead{display:table-header-group}tr{break-inside:avoid}}"
)


def _xlsx(matrix: RaciMatrix, journey: Journey | None) -> bytes:
    import io

    import openpyxl
    from openpyxl.cell import WriteOnlyCell
    from openpyxl.styles import Alignment, Font

    header, lines = _sheet(matrix, journey)
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet(matrix.scheme)
    sheet.freeze_panes = "C2"
    widths = [14, 32, *[max(8, min(24, len(r.label) + 2)) for r in matrix.roles], 40]
    for number, width in enumerate(widths[: len(header)], start=1):
        sheet.column_dimensions[openpyxl.utils.get_column_letter(number)].width = width

    def cell(text: str, *, bold: bool = False, centre: bool = False) -> Any:
        made = WriteOnlyCell(sheet, value=_no_control(text))
        made.data_type = "s"  # text, whatever it begins with
        if text[:1] and text[0] in FORMULA_STARTS:
            made.quotePrefix = True
        made.font = Font(bold=bold)
        made.alignment = Alignment(
            horizontal="center" if centre else None, wrap_text=True, vertical="top"
        )
        return made

    sheet.append([cell(h, bold=True, centre=i > 1) for i, h in enumerate(header)])
    for line in lines:
        sheet.append([cell(t, bold=i == 1, centre=i > 1) for i, t in enumerate(line)])
    about = book.create_sheet("About")
    for fact in (matrix.label, *_facts(matrix)):
        about.append([cell(fact)])
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


def _no_control(text: str) -> str:
    return "".join(c if c.isprintable() or c in "\n\t" else " " for c in text)


def picture(
    matrix: RaciMatrix, journey: Journey | None = None
) -> "alt.LayerChart | alt.FacetChart":
    """Draw the matrix: a cell a letter, strong for those who answer, plain for those who do the work."""
    import altair as alt

    stages = {s.id: s.label for s in journey.stages} if journey else {}
    rows = [
        {
            "row": f"{i:04}", "role": f"{j:04}", "text": row.cells.get(role.id, ""),
            "answers": "A" in row.cells.get(role.id, "").split("/"),
        }
        for i, row in enumerate(matrix.rows)
        for j, role in enumerate(matrix.roles)
    ]  # fmt: skip
    heads = [{"role": f"{j:04}", "label": _short(r.label)} for j, r in enumerate(matrix.roles)]
    names = [{"row": f"{i:04}", "label": _short(r.label)} for i, r in enumerate(matrix.rows)]
    sides, before = [], None
    for i, r in enumerate(matrix.rows):
        stage = stages.get(r.stage or "", r.stage or "")
        sides.append({"row": f"{i:04}", "label": _short(stage) if stage != before else ""})
        before = stage
    step = 34
    left = 7 * max((len(n["label"]) for n in names), default=8) + 16
    side = left + 7 * max((len(n["label"]) for n in sides), default=0) + 12
    wide, high = 84 * max(len(matrix.roles), 1), step * max(len(matrix.rows), 1)
    x = alt.X("role:N", axis=None, sort=None)
    y = alt.Y("row:N", axis=None, sort=None)
    ink = alt.value(INK)
    cells = alt.Chart(pd.DataFrame(rows, columns=["row", "role", "text", "answers"])).encode(
        x=x, y=y
    )
    layers = [
        cells.mark_rect(fill=None, stroke="#8a9099", strokeWidth=0.6),
        cells.transform_filter("datum.answers").mark_text(fontSize=14, fontWeight=700).encode(text="text:N", color=ink),
        cells.transform_filter("!datum.answers").mark_text(fontSize=14).encode(text="text:N", color=ink),
        alt.Chart(pd.DataFrame(names, columns=["row", "label"]))
        .mark_text(align="right", x=-8, limit=320).encode(y=y, text="label:N", color=ink),
        alt.Chart(pd.DataFrame(sides, columns=["row", "label"]))
        .mark_text(align="left", x=-side, fontWeight=600, limit=200).encode(y=y, text="label:N", color=ink),
        alt.Chart(pd.DataFrame(heads, columns=["role", "label"]))
        .mark_text(angle=315, align="left", y=-6, fontWeight=600, limit=200).encode(x=x, text="label:N", color=ink),
    ]  # fmt: skip
    legend = " · ".join(f"{k} {v.partition(':')[0]}" for k, v in matrix.letters.letters.items())
    title = alt.TitleParams(
        _short(matrix.label), subtitle=legend, anchor="start", offset=12, fontSize=16
    )
    return alt.layer(*layers).properties(
        width=wide,
        height=high,
        title=title,
        padding=12,
    )


def _short(text: str) -> str:
    return text if len(text) <= MAX_PICTURE_LABEL else text[: MAX_PICTURE_LABEL - 1] + "…"


def _drawn(matrix: RaciMatrix, journey: Journey | None, kind: str) -> bytes:
    import json

    import vl_convert

    spec = picture(matrix, journey).to_dict()
    spec["config"] = {**CONFIG, "background": "white"}
    spec = json.loads(json.dumps(spec).replace(f'"{INK}"', '"#1c1c1c"'))
    if kind == "svg":
        return vl_convert.vegalite_to_svg(spec, allowed_base_urls=[]).encode()
    return bytes(vl_convert.vegalite_to_png(spec, scale=2.0, allowed_base_urls=[]))


KINDS: Mapping[str, Callable[[RaciMatrix, Journey | None], bytes]] = {
    ".csv": _csv, ".xlsx": _xlsx, ".md": _markdown, ".html": _html,
    ".svg": lambda m, j: _drawn(m, j, "svg"), ".png": lambda m, j: _drawn(m, j, "png"),
}  # fmt: skip
