"""How the documentation becomes a site: ``make docs``. Nothing of it asks another host."""

import re
from pathlib import Path

import journey_widgets

project = "journey_widgets"
author = "The journey_widgets developers"
copyright = author  # noqa: A001 - Sphinx's own name
release = version = journey_widgets.__version__
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 3
source_suffix = {".md": "markdown"}
exclude_patterns = ["site_files"]
html_theme = "furo"
html_title = "journey_widgets"
html_static_path = ["site_files"]
html_css_files = ["site.css"]
html_js_files = ["filter.js"]
html_show_sphinx = False
autodoc_member_order = "alphabetical"
autodoc_typehints = "none"
napoleon_google_docstring = False
napoleon_use_rtype = False
# Files of the repository that are no pages are named, not linked; lexers of console blocks are ours to choose.
suppress_warnings = ["myst.xref_missing", "misc.highlighting_failure", "ref.python"]
default_role = "code"

HIDDEN = "   :exclude-members: model_config, model_post_init"
NAMESPACES = {
    "journey_widgets": "Sources, workspace, widgets",
    "journey_widgets.journey": "The journey and its paths",
    "journey_widgets.raci": "RACI",
    "journey_widgets.cross_impact": "Cross-impact",
    "journey_widgets.scorecard": "Scorecard",
    "journey_widgets.upsell": "Upsell",
}
"""Public modules → titles of their pages in the reference."""


def write_reference(folder):
    """Write a page for each public module: what it offers is asked of it."""
    index = [
        "# Reference",
        "",
        "Made from the docstrings of the public names.",
        "",
        "```{toctree}",
        ":maxdepth: 1",
        "",
    ]
    for module, title in NAMESPACES.items():
        page = module.rpartition(".")[2]
        lines = [
            f"# {title}",
            "",
            "```{eval-rst}",
            f".. automodule:: {module}",
            "   :members:",
            "   :imported-members:",
            HIDDEN,
            "```",
            "",
        ]
        _write(folder / f"{page}.md", "\n".join(lines))
        index.append(page)
    _write(folder / "index.md", "\n".join([*index, "```", ""]))


def _write(path, text):
    if not path.exists() or path.read_text("utf-8") != text:
        path.write_text(text, "utf-8")


def name_sources(_app, _what, name, _obj, _options, lines):
    """Give the sources of a docstring names of their own: several docstrings of a page begin with 1."""
    own = re.sub(r"\W", "", name).lower()
    known = {n for line in lines for n in re.findall(r"^\s*\.\. \[(\d+)\] ", line)}
    for at, line in enumerate(lines):
        for n in known:
            line = line.replace(f"[{n}]_", f"[{n}]").replace(f".. [{n}] ", f".. [#{own}{n}] ")
        lines[at] = line


def setup(app):
    """Make the pages that are made."""
    app.connect("autodoc-process-docstring", name_sources)
    write_reference(Path(app.srcdir) / "reference")
