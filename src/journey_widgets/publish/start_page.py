"""The dashboards' start page and navigation, made of what the notebooks say about themselves."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import nbformat

from journey_widgets.safe import html

ORDER = ("overview", "journey_map", "raci")
"""Dashboards in the order of the start page; others follow by name."""

_PICTURES = {
    "overview": '<rect x="8" y="14" width="104" height="11" rx="2"/><rect x="8" y="31" width="78" height="11" rx="2"/>'
    '<rect x="8" y="48" width="52" height="11" rx="2"/><rect x="8" y="65" width="36" height="11" rx="2"/>',
    "journey_map": '<path d="M14 60C34 10 50 10 60 42S92 70 108 26" fill="none" stroke="currentColor" stroke-width="4"/>'
    '<circle cx="14" cy="60" r="6"/><circle cx="60" cy="42" r="6"/><circle cx="108" cy="26" r="6"/>',
    "raci": '<g fill="none" stroke="currentColor" stroke-width="2"><path d="M8 12h104v64H8zM8 33h104M8 55h104M42 12v64M77 12v64"/></g>'
    '<g font-family="sans-serif" font-size="14" font-weight="700" text-anchor="middle"><text x="25" y="28">R</text>'
    '<text x="60" y="28">A</text><text x="95" y="28">I</text><text x="25" y="49">C</text><text x="60" y="49">R</text>'
    '<text x="95" y="49">A</text><text x="25" y="71">A</text><text x="95" y="71">R</text></g>',
}
_BASE = "{{ base_url or resources.base_url }}"
"""The server's root: Voilà's own pages know it by one name, notebook pages by the other."""
_PLAIN = '<rect x="8" y="12" width="104" height="64" rx="4" fill="none" stroke="currentColor" stroke-width="2"/>'


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
        about = nbformat.read(path, as_version=4).metadata.get("journey", {})
        found.append(Dashboard(path, about.get("title", path.stem), about.get("line", "")))
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


def start_page(name: str, pages: Sequence[Dashboard]) -> str:
    """Return the start page as a Jinja template: a card with a picture and a line per dashboard."""
    cards = "".join(
        f'<a class="jw-card" href="{_address(p)}"><svg viewBox="0 0 120 88" aria-hidden="true" fill="currentColor">'
        f"{_PICTURES.get(p.name, _PLAIN)}</svg><h2>{_as_template(p.title)}</h2><p>{_as_template(p.line)}</p></a>"
        for p in pages
    )
    style = (
        ".jw-cards{display:grid;gap:20px;grid-template-columns:repeat(auto-fill,minmax(250px,1fr));margin-top:20px}"
        ".jw-card{background:var(--jp-layout-color1);border:1px solid var(--jp-border-color2);border-radius:6px;"
        "color:var(--jp-ui-font-color1);display:block;padding:18px 20px;text-decoration:none}"
        ".jw-card:hover,.jw-card:focus-visible{border-color:var(--jp-brand-color1);outline:1px solid var(--jp-brand-color1)}"
        ".jw-card svg{color:var(--jp-brand-color1);height:88px;width:120px}.jw-card h2{margin:12px 0 4px}"
        ".jw-card p{color:var(--jp-ui-font-color2);margin:0}"
    )
    return (
        '{% extends "page.html" %}'
        f"{{% block title %}}{_as_template(name)}{{% endblock %}}"
        f"{{% block stylesheets %}}<style>{style}</style>{{% endblock %}}"
        f"{{% block body %}}<h1>{_as_template(name)}</h1>"
        "<p>Figures come from the company's own data; each page says until when, and how sure they are.</p>"
        f'<div class="jw-cards">{cards}</div>{{% endblock %}}\n'
    )
