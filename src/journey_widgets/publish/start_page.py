"""The dashboards' start page and navigation, made of what the notebooks say about themselves."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import nbformat

from journey_widgets.safe import html

ORDER = ("overview", "journey_map", "raci", "cross_impact", "scorecard", "upsell", "support")
"""Dashboards in the order of the start page; others follow by name."""

_BASE = "{{ base_url or resources.base_url }}"
"""The server's root: Voilà's own pages know it by one name, notebook pages by the other."""
_HERE = Path(__file__).parent


@dataclass(frozen=True)
class Dashboard:
    """A notebook that is a dashboard: its file, its title and one line about it."""

    path: Path
    title: str
    line: str

    @property
    def name(self) -> str:
        """File name without its ending."""
        return self.path.stem


def dashboards(folder: Path) -> list[Dashboard]:
    """Return the dashboards in a folder of notebooks, in the order of the start page."""
    found = []
    for path in sorted(folder.glob("*.ipynb")):
        about = nbformat.read(path, as_version=4).metadata
        line = about.get("journey", {}).get("line", "")
        found.append(Dashboard(path, about.get("title", path.stem), line))
    place = {name: i for i, name in enumerate(ORDER)}
    return sorted(found, key=lambda d: (place.get(d.name, len(ORDER)), d.name))


def _as_template(text: str) -> str:
    """Return text that Jinja shows as it is, whatever braces it holds."""
    return html(text).replace("{", "&#123;").replace("}", "&#125;")


def _address(page: Dashboard) -> str:
    return _BASE + "voila/render/" + quote(page.path.name)


def _file(page: Dashboard) -> str:
    return f"{quote(page.name)}.html"


def navigation(name: str, pages: Sequence[Dashboard], *, static: bool = False) -> str:
    """Return the bar on top of every page: as a Jinja template for the server, or as it is for files side by side."""
    text, address, home = (html, _file, "index.html") if static else (_as_template, _address, _BASE)
    links = "".join(f'<a href="{address(p)}">{text(p.title)}</a>' for p in pages)
    start = f'<strong><a href="{home}">{text(name)}</a></strong>'
    return f'<nav class="jw-nav" aria-label="Dashboards">{start}{links}</nav>\n'


def _picture(name: str) -> str:
    known = _HERE / "pictures" / f"{name}.svg"
    return (known if known.is_file() else known.with_name("other.svg")).read_text("utf-8")


def cards(pages: Sequence[Dashboard], *, static: bool = False) -> str:
    """Return a card with a picture and a line per dashboard."""
    text, address = (html, _file) if static else (_as_template, _address)
    found = "".join(
        f'<a class="jw-card" href="{address(p)}">{_picture(p.name)}'
        f"<h2>{text(p.title)}</h2><p>{text(p.line)}</p></a>"
        for p in pages
    )
    return f'<div class="jw-cards">{found}</div>'


def lead(until: str) -> str:
    """Return the start page's sentence, with the day of the last event where it is known."""
    said = f" The data end on {html(until)}." if until else ""
    return f"<p>Figures come from the company's own data; each page says until when, and how sure it is.{said}</p>"


def start_page(name: str, pages: Sequence[Dashboard], until: str = "") -> str:
    """Return the start page as a Jinja template."""
    style = (_HERE / "start_page.css").read_text("utf-8")
    return (
        '{% extends "page.html" %}'
        f"{{% block title %}}{_as_template(name)}{{% endblock %}}"
        f"{{% block stylesheets %}}<style>{style}</style>{{% endblock %}}"
        f"{{% block body %}}<h1>{_as_template(name)}</h1>"
        f"{lead(until)}"
        f"{cards(pages)}{{% endblock %}}\n"
    )
