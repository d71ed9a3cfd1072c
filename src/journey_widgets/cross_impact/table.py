"""The matrix as a table that needs no script, for reports and readers."""

from journey_widgets.cross_impact.document import POTENTIAL, UNKNOWN, Cells, CrossImpact, values_of
from journey_widgets.safe import html

WORDS: dict[float | str, str] = {
    3.0: "helps strongly", 2.0: "helps", 1.0: "helps a little", 0.0: "nothing",
    -1.0: "harms a little", -2.0: "harms", -3.0: "harms strongly", UNKNOWN: "do not know", POTENTIAL: "may come",
}  # fmt: skip


def in_words(value: float | str | None) -> str:
    """Return a judgement in words: ``"helps a little"``, ``"blank"``; between two steps the nearer one."""
    if value is None:
        return "blank"
    if isinstance(value, str):
        return WORDS[value]
    size = abs(value)
    step = 0.0 if size < 0.25 else 1.0 if size < 1.5 else 2.0 if size < 2.5 else 3.0
    return WORDS[step if value >= 0 else -step]


def shown(value: float | str | None) -> str:
    """Return a judgement as a cell shows it: ``"+2"``, ``"-1.5"``, ``"0"``, ``"?"``."""
    if value is None:
        return ""
    return value if isinstance(value, str) else f"{value:+.2g}" if value else "0"


def to_html(panel: CrossImpact, cells: Cells | None = None) -> str:
    """Return the matrix, or one rater's `cells`, as an HTML table: number, colour, and words in a tip."""
    values = panel.judged_values() if cells is None else values_of(cells)
    labels = panel.labels
    ends = panel.outcome_ids()
    columns = [*(f.id for f in panel.factors), *ends]
    head = "".join(
        f'<th scope="col"{" class=jw-outcome" if c in ends else ""}>{html(labels[c])}</th>'
        for c in columns
    )
    acting = [e for e in ends if any(s == e for s, _t in values)]
    rows = "".join(
        f'<tr><th scope="row">{html(labels[r])}</th>'
        + "".join(_cell(values.get((r, c)), r == c, f"{labels[r]} on {labels[c]}") for c in columns)
        + "</tr>"
        for r in [*(f.id for f in panel.factors), *acting]
    )
    legend = ", ".join(f"{shown(v)} {w}" for v, w in WORDS.items() if isinstance(v, float))
    return (
        f'<table class="jw-impact"><caption>{html(panel.label)}: the row acts on the column</caption>'
        f'<thead><tr><td class="jw-corner"></td>{head}</tr></thead><tbody>{rows}</tbody></table>'
        f'<p class="jw-counted">{html(legend)}; ? do not know, P may come; an empty cell is not judged.</p>'
    )


def _cell(value: float | str | None, diagonal: bool, place: str) -> str:
    if diagonal:
        return '<td class="jw-diagonal"></td>'
    step = round(value) if isinstance(value, int | float) else None
    look = f' data-step="{step}"' if step is not None else ""
    return f'<td{look} title="{html(place)}: {html(in_words(value))}">{html(shown(value))}</td>'
