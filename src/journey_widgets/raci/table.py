"""The matrix as a plain table: for reports, and for pages without script."""

from journey_widgets.journey.document import Journey
from journey_widgets.raci.document import RaciMatrix
from journey_widgets.safe import html


def to_html(matrix: RaciMatrix, journey: Journey | None = None) -> str:
    """Return the matrix as an HTML table that needs no script and no colour."""
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
    )
