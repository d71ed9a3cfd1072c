"""The matrix as a plain table: for reports, and for pages without script."""

from collections.abc import Sequence

from journey_widgets.findings import Finding, sentence, word
from journey_widgets.journey.document import Journey
from journey_widgets.raci.document import RaciMatrix
from journey_widgets.safe import html


def to_html(
    matrix: RaciMatrix, journey: Journey | None = None, findings: Sequence[Finding] = ()
) -> str:
    """Return the matrix as an HTML table that needs no script and no colour, with findings below it."""
    stages = {s.id: s.label for s in journey.stages} if journey else {}
    head = "".join(f'<th scope="col">{html(role.label)}</th>' for role in matrix.roles)
    lines, before = [], None
    for row in matrix.rows:
        stage = stages.get(row.stage or "", row.stage or "")
        if stage and stage != before:
            span = len(matrix.roles) + 1
            lines.append(
                f'<tr class="jw-stage"><th colspan="{span}" scope="colgroup">{html(stage)}</th></tr>'
            )
        before = stage
        cells = "".join(f"<td>{html(row.cells.get(role.id, ''))}</td>" for role in matrix.roles)
        lines.append(f'<tr><th scope="row">{html(row.label)}</th>{cells}</tr>')
    letters = "; ".join(f"{html(k)} = {html(v)}" for k, v in matrix.letters.letters.items())
    return (
        f'<table class="jw-table jw-raci"><caption>{html(matrix.label)}</caption>'
        f'<thead><tr><th scope="col">Touchpoint</th>{head}</tr></thead>'
        f'<tbody>{"".join(lines)}</tbody></table><p class="jw-legend">{letters}</p>'
        + (_listed(findings) if findings else "")
    )


def _listed(findings: Sequence[Finding]) -> str:
    items = "".join(
        f"<li>{html(word(f))}: {html(f.message)} {html(f.acknowledged or f.fix)}</li>"
        for f in findings
    )
    return f"<p>{html(sentence(findings))}</p><ul>{items}</ul>"
