"""What recipients get of an executed notebook: one page without code or script, and all its figures."""

from pathlib import Path

import nbformat

from journey_widgets import shipped
from journey_widgets.publish import figures

_HERE = Path(__file__).parent


def to_csv(executed: Path) -> str:
    """Return all figures of an executed notebook as CSV: the same as on its page, unrounded beside as shown."""
    return figures.to_csv(figures.of_notebook(nbformat.read(executed, as_version=4).cells))


def to_html(executed: Path) -> str:
    """Return an executed notebook as one HTML file: no code, no script, nothing fetched."""
    from nbconvert import HTMLExporter

    book = nbformat.read(executed, as_version=4)
    title = str(book.metadata.get("title", "Report"))
    style = (_HERE / "base.css").read_text("utf-8")
    exporter = HTMLExporter(
        template_name="journey",
        exclude_anchor_links=True,
        extra_template_basedirs=[str(shipped.JUPYTER_DATA / "nbconvert" / "templates")],
    )
    resources = {"journey": {"title": title, "style": style}}
    page, _resources = exporter.from_notebook_node(book, resources=resources)
    return str(page)
