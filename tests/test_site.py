"""The documentation is a site that is built offline, asks nobody, and has a page for everything."""

import re
import subprocess
import sys

import pytest

import journey_widgets
from journey_widgets import cross_impact, journey, raci, scorecard, upsell
from support import rule_table


@pytest.fixture(scope="module")
def site(root, tmp_path_factory):
    """The site, built with every warning an error."""
    out = tmp_path_factory.mktemp("site")
    command = [
        sys.executable,
        "-m",
        "sphinx",
        "-q",
        "-E",
        "-W",
        "--keep-going",
        "-b",
        "html",
        "-d",
        out / "doctrees",
    ]
    done = subprocess.run(
        [*command, root / "docs", out / "html"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return out / "html"


def test_every_page_is_there_and_asks_nobody_for_anything(site, root):
    pages = list(site.rglob("*.html"))
    assert len(pages) > 30
    for page in pages:
        text = page.read_text("utf-8")
        loaded = re.findall(r'<(?:script|img|iframe)[^>]*\ssrc="([^"]*)"', text)
        loaded += re.findall(
            r'<link[^>]*rel="(?:stylesheet|preload|icon)"[^>]*href="([^"]*)"', text
        )
        assert not [a for a in loaded if re.match(r"(https?:)?//", a)], page
    for style in site.rglob("*.css"):
        assert not re.search(r"url\(['\"]?(https?:)?//|@import\s+url", style.read_text("utf-8")), (
            style
        )
    written = {p.relative_to(root / "docs").with_suffix("") for p in (root / "docs").rglob("*.md")}
    assert written <= {p.relative_to(site).with_suffix("") for p in pages}


def test_every_public_name_is_in_the_reference(site):
    modules = {
        m.__name__: m for m in (journey_widgets, journey, raci, cross_impact, scorecard, upsell)
    }
    for name, module in modules.items():
        text = (site / "reference" / f"{name.rpartition('.')[2]}.html").read_text("utf-8")
        public = getattr(module, "__all__", None) or [
            n for n in vars(module) if not n.startswith("_")
        ]
        described = [
            n
            for n in public
            if getattr(getattr(module, n), "__doc__", None) and callable(getattr(module, n))
        ]
        missing = [n for n in described if f"{n}" not in text]
        assert described
        assert not missing, (name, missing)


def test_what_is_searched_for_is_found(site):
    index = (site / "searchindex.js").read_text("utf-8")
    for word in ("pareto", "funnel", "pyspark", "pseudonym"):
        assert word in index.lower()


def test_the_table_of_rules_is_that_of_the_code(root):
    assert (root / "docs" / "rules.md").read_text("utf-8") == rule_table.text()
    assert len(rule_table.found()) > 60
