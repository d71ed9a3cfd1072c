"""What the README and the docs say can be typed is typed here, and what they say comes out does."""

import ast
import contextlib
import io
import re
import shlex
import shutil
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest
import yaml
from traitlets.config import Config

from journey_widgets import cli
from journey_widgets.events.mapping import SourceMapping
from journey_widgets.publish.report_plan import Reports
from journey_widgets.upsell.document import UpsellPlan
from journey_widgets.workspace.settings import Settings, Sources
from support import postgres

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
ELSEWHERE = {"make", "pip", "createdb", "jupyter", "conda"}
"""Programs that set things up: the checks themselves begin with them."""
GO_ON = {"serve", "schedule", "publish"}
"""Commands that run until they are ended, or for as long as all dashboards take: they have tests of their own."""
ADDRESS = "postgresql+psycopg://db.example/journeys"


def blocks(language):
    """Return each block of a language: a name to know it by, and its text."""
    found = []
    for page in PAGES:
        text = page.read_text("utf-8")
        for n, match in enumerate(re.finditer(rf"^```{language}\n(.*?)^```", text, re.M | re.S)):
            line = text[: match.start()].count("\n") + 1
            found.append(pytest.param(match[1], id=f"{page.stem}-{n}-{line}"))
    return found


@pytest.fixture
def at_hand(tmp_path, monkeypatch):
    """A folder with the files that the examples name."""
    monkeypatch.chdir(tmp_path)
    steps = [("product", 0), ("basket", 5), ("payment", 9)]
    rows = [
        {"visitor": f"v{n}", "time": f"2026-05-{1 + n % 28:02d} 10:{m:02d}", "page": page}
        for n in range(60)
        for page, m in steps[: 1 + n % 3]
    ]
    pd.DataFrame(rows).to_csv("clicks.csv", index=False)
    Path("raci.csv").write_text("touchpoint,Shop,Support\nBasket,A,C\nPayment,A/R,I\n", "utf-8")
    return tmp_path


def _said_below(text, node, following):
    """Return the comment that follows a statement, up to the next one: what comes out."""
    lines = text.split("\n")[node.end_lineno : following.lineno - 1 if following else None]
    comments = [
        line.strip().removeprefix("#").strip() for line in lines if line.strip().startswith("#")
    ]
    return " ".join(comments)


@pytest.mark.parametrize("text", blocks("python"))
def test_an_example_runs_and_what_it_says_comes_out(text, at_hand, made_example):
    if 'Workspace.open("shop")' in text:
        shutil.copytree(made_example, "shop")
    frame = pd.DataFrame({"customer_id": ["a"]})
    board = SimpleNamespace(assignment=lambda _day: frame)
    names = {"c": Config(), "view": SimpleNamespace(board=board, day=None)}
    tree = ast.parse(text)
    for node, following in zip(tree.body, [*tree.body[1:], None], strict=True):
        part = ast.get_source_segment(text, node)
        if not isinstance(node, ast.Expr):
            exec(part, names)  # noqa: S102 - our own words
            continue
        found = eval(part, names)  # noqa: S307 - our own words
        expected = _said_below(text, node, following)
        if expected:
            assert repr(found) == expected


@pytest.mark.parametrize("text", blocks("yaml"))
def test_a_file_that_is_shown_can_be_read(text):
    said = yaml.safe_load(text)
    if said.get("schema") == "sources/1":
        assert Sources.from_text(text, where="docs").present() == ["events"]
    elif said.get("schema") == "upsell/1":
        assert UpsellPlan.from_text(text, where="docs").offers
    elif "store" in said:
        assert Settings(name="x", **said).store
    elif "contacts" in said:
        assert SourceMapping.model_validate(said["contacts"])
    else:
        assert Reports.from_body({"reports": said.get("reports", said)}).reports


@pytest.fixture
def shop(made_example, tmp_path, monkeypatch, server):
    """What the commands find: a workspace called shop beside the current folder's files, and a database."""
    monkeypatch.chdir(tmp_path)
    return postgres.new_database(server)


@pytest.fixture(scope="module")
def server():
    """A PostgreSQL server of our own."""
    with postgres.server() as base:
        yield base


@pytest.mark.parametrize("text", blocks("console"))
def test_commands_do_what_they_are_shown_to_do(text, shop, made_example, tmp_path, monkeypatch):
    ran = 0
    monkeypatch.setenv("JOURNEY_AUTHOR", "ann")
    if "journey new shop" not in text:
        shutil.copytree(made_example, tmp_path / "shop")
    for line in text.replace(ADDRESS, shop).splitlines():
        words = shlex.split(line, comments=True)
        if not words or words[0] in ELSEWHERE:
            continue
        assert words[0] == "journey", line
        given = [w.replace("/srv/shop", "shop") for w in words[1:]]
        if given[0] in GO_ON:
            cli._parser().parse_args(given)
            ran += 1
            continue
        if given[:2] == ["report", "run"]:
            given.append("--dry-run")  # dozens of reports
        if given[0] == "new":
            given += ["--template", "phone_retailer"]
        said = io.StringIO()
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
            code = cli.main(given)
        assert code in ((0, 1) if given[0] == "check" else (0,)), f"{line}\n{said.getvalue()}"
        ran += 1
    assert ran or not any(w.startswith("journey ") for w in text.splitlines())
