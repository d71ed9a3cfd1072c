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


def navigation(name: str, pages: Sequence[Dashboard]) -> str:
    """Return the bar on top of every page, as a Jinja template."""
    links = "".join(f'<a href="{_address(p)}">{_as_template(p.title)}</a>' for p in pages)
    home = f'<strong><a href="{_BASE}">{_as_template(name)}</a></strong>'
    return f'<nav class="jw-nav" aria-label="Dashboards">{home}{links}</nav>\n'


def _picture(name: str) -> str:
    known = _HERE / "pictures" / f"{name}.svg"
    return (known if known.is_file() else known.with_name("other.svg")).read_text("utf-8")


def start_page(name: str, pages: Sequence[Dashboard]) -> str:
    """Return the start page as a Jinja template: a card with a picture and a line per dashboard."""
    cards = "".join(
        f'<a class="jw-card" href="{_address(p)}">{_picture(p.name)}'
        f"<h2>{_as_template(p.title)}</h2><p>{_as_template(p.line)}</p></a>"
        for p in pages
    )
    style = (_HERE / "start_page.css").read_text("utf-8")
    return (
        '{% extends "page.html" %}'
        f"{{% block title %}}{_as_template(name)}{{% endblock %}}"
        f"{{% block stylesheets %}}<style>{style}</style>{{% endblock %}}"
        f"{{% block body %}}<h1>{_as_template(name)}</h1>"
        "<p>Figures come from the company's own data; each page says until when, and how sure it is.</p>"
        f'<div class="jw-cards">{cards}</div>{{% endblock %}}\n'
    )
