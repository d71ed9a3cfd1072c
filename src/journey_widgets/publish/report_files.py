"""What recipients get of an executed notebook: one page without code, and all its figures."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import nbformat

from journey_widgets import shipped
from journey_widgets.publish import figures
from journey_widgets.publish.html import in_page
from journey_widgets.publish.piece import MIME

POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
LIVE_POLICY = f"{POLICY} blob:; script-src 'unsafe-inline' 'unsafe-eval' blob:"
"""What a page may do: a report shows, a live page also runs the scripts in it; neither fetches anything."""
_HERE = Path(__file__).parent
VOILA = shipped.JUPYTER_DATA / "voila" / "templates" / "journey"


def to_csv(executed: Path) -> str:
    """Return all figures of an executed notebook as CSV: the same as on its page, unrounded beside as shown."""
    return figures.to_csv(figures.of_notebook(nbformat.read(executed, as_version=4).cells))


def to_html(executed: Path, *, live: bool = False) -> str:
    """Return an executed notebook as one HTML file: no code, nothing fetched, and no script.

    A `live` page has our own script: its charts answer to the mouse, its figures can be asked and taken along.
    """
    from nbconvert import HTMLExporter

    book = nbformat.read(executed, as_version=4)
    title = str(book.metadata.get("title", "Report"))
    sheets = ("base.css", "navigation.css", "page_tools.css") if live else ("base.css",)
    style = styles(*sheets)
    exporter = HTMLExporter(
        template_name="journey",
        exclude_anchor_links=True,
        extra_template_basedirs=[str(shipped.JUPYTER_DATA / "nbconvert" / "templates")],
    )
    about = {
        "title": title, "style": style, "interactive": live, "policy": LIVE_POLICY if live else POLICY,
        "lines": _lines,
    }  # fmt: skip
    page, _resources = exporter.from_notebook_node(book, resources={"journey": about})
    return str(page).replace("</body>", f"{_scripts(page)}</body>") if live else str(page)


def to_notebook(executed: Path) -> str:
    """Return an executed notebook for whoever goes on with it: without the state of widgets, and without places."""
    book = nbformat.read(executed, as_version=4)
    for held in (book.metadata, *(c.metadata for c in book.cells)):
        for name in ("papermill", "widgets", "execution"):
            held.pop(name, None)
    return str(nbformat.writes(book)) + "\n"


def styles(*names: str) -> str:
    """Return style sheets of ours as one."""
    return "".join(_read(n) for n in names)


def _read(name: str) -> str:
    place = VOILA / name
    return (place if place.is_file() else _HERE / name).read_text("utf-8")


def _lines(data: Mapping[str, Any]) -> str:
    """Return the figures of an output as they go along with a live page."""
    return in_page(data[MIME], "jw-lines") if data.get(MIME) else ""


def _scripts(page: str) -> str:
    """Return the scripts of a live page; the code of charts where there are any."""
    found = [
        f'<script type="module">{_read(n)}</script>' for n in ("page_tools.js", "static_page.js")
    ]
    if 'class="jw-spec"' in page:
        code = _read("vega.js").replace("</script", "<\\/script")
        found.insert(0, f'<script type="text/plain" id="jw-vega">{code}</script>')
    return "".join(found)
