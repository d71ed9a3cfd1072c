"""Rules of the house that a reader of one change would not see broken."""

import ast
import json
import re
import subprocess
import sys

from journey_widgets.publish import chart_widget
from support.frontend import package

SAFE_MODULES = {
    "publish/batch_page.py",
    "publish/html.py",
    "publish/piece.py",
    "publish/page.py",
    "raci/table.py",
    "cross_impact/table.py",
    "scorecard/cards.py",
    "document_widget.py",
}
"""Where HTML is made or shown, with `safe.html` around each text."""


def modules(root):
    source = root / "src" / "journey_widgets"
    return {str(p.relative_to(source)): p for p in sorted(source.rglob("*.py"))}


def test_no_text_reaches_a_page_by_another_way_than_the_safe_one(root):
    risky = re.compile(
        r"widgets\.HTML|HTMLMath|\.style\b(?!\.)|Styler|to_html\(escape|display\(HTML|Javascript\(|"
        r"\.save\([^)]*html|_repr_html_|Markdown\("
    )
    found = {
        f"{name}: {line.strip()}"
        for name, path in modules(root).items()
        if name not in SAFE_MODULES
        for line in path.read_text("utf-8").splitlines()
        if risky.search(line)
    }
    assert found <= {
        'publish/show.py: return {"text/html": picture(filled, "")._repr_html_(), "text/plain": "Chart"}, {}'
    }


def test_nothing_is_evaluated_and_nothing_is_unpickled(root):
    forbidden = {"eval", "exec", "read_pickle", "unsafe_load", "full_load"}
    for name, path in modules(root).items():
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call):
                called = getattr(node.func, "id", getattr(node.func, "attr", ""))
                assert called not in forbidden, f"{name}:{node.lineno} {called}"
            if isinstance(node, ast.Import | ast.ImportFrom):
                imported = {a.name for a in node.names} | {getattr(node, "module", None)}
                assert not imported & {"pickle", "joblib", "dill", "marshal"}, (
                    f"{name}:{node.lineno}"
                )


def test_scripts_set_text_and_never_html(root):
    for path in (root / "src").rglob("*.js"):
        if path.name == "vega.js":
            continue
        text = path.read_text("utf-8")
        for word in (
            "innerHTML",
            "outerHTML",
            "insertAdjacentHTML",
            "document.write",
            "eval(",
            "new Function",
        ):
            assert word not in text, f"{path.name}: {word}"


def test_no_file_of_ours_names_a_content_network(root):
    network = re.compile(
        r"https?://[^\s\"'<>)]*(cdn|unpkg|jsdelivr|esm\.sh|googleapis|cloudflare|gstatic)"
    )
    listed = subprocess.run(
        ["git", "ls-files"], cwd=root, capture_output=True, text=True, check=True
    )
    for name in listed.stdout.splitlines():
        if name.endswith(
            (".py", ".js", ".css", ".html", ".j2", ".ipynb", ".json", ".yaml", ".toml", ".md")
        ):
            if name.endswith(("vega.js", "test_house_rules.py")):
                continue
            assert not network.search((root / name).read_text("utf-8")), name


def test_lower_rooms_do_not_know_higher_ones(root):
    order = ["errors", "definition", "findings", "estimates", "safe", "small_counts", "textfiles", "tables",
             "documents", "list_edits", "merging", "chart_theme", "edit_messages", "document_widget", "page_scripts",
             "shipped", "events", "spreadsheets", "roles", "plans", "journey", "raci", "cross_impact", "upsell",
             "scorecard", "workspace", "publish", "store_commands", "cli"]  # fmt: skip
    rank = {name: i for i, name in enumerate(order)}
    for name, path in modules(root).items():
        room = name.split("/")[0].removesuffix(".py")
        if room == "__init__":
            continue
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(
                "journey_widgets"
            ):
                parts = node.module.split(".")
                used = parts[1:2] or [a.name for a in node.names]
                assert all(rank[u] <= rank[room] for u in used), f"{name} imports {used}"


def test_the_vega_code_is_what_the_installed_altair_wants():
    assert chart_widget.VEGA.read_text("utf-8") == chart_widget.build_vega()


def test_the_pins_on_duckdb_and_sqlglot_are_still_needed():
    from importlib.metadata import version

    assert version("ibis-framework") == "12.0.0", (
        "A newer ibis is here: try the tests without duckdb<2 and sqlglot<30.18 in pyproject.toml, "
        "and remove the pins that are no longer needed."
    )


def imported_by(code):
    script = f"import json, sys\n{code}\nprint(json.dumps(sorted(m for m, v in sys.modules.items() if v)))"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    return set(json.loads(done.stdout))


def test_importing_the_package_loads_nothing_heavy():
    found = imported_by("import journey_widgets")

    assert not found & {
        "pandas",
        "numpy",
        "ibis",
        "duckdb",
        "altair",
        "pydantic",
        "sqlalchemy",
        "anywidget",
        "IPython",
    }


def test_a_page_loads_no_statistics_no_renderer_and_not_the_slow_grammars():
    found = imported_by(
        "import journey_widgets as jw\njw.open_page, jw.show, jw.RaciGrid\n"
        "import journey_widgets.journey.charts, altair"
    )

    assert "altair" in found
    assert not found & {
        "rfc3987_syntax",
        "lark",
        "scipy",
        "sklearn",
        "statsmodels",
        "vl_convert",
        "papermill",
        "voila",
        "nbconvert",
        "openpyxl",
        "matplotlib",
    }


def test_every_test_function_is_one_that_runs(root):
    """A function whose name is misspelt would never run and never fail."""
    for path in (root / "tests").rglob("*.py"):
        if "node_modules" in path.parts:
            continue
        tree = ast.parse(path.read_text("utf-8"))
        text = path.read_text("utf-8")
        names = [n.name for n in tree.body if isinstance(n, ast.FunctionDef)]
        assert len(names) == len(set(names)), f"{path.name}: a function is defined twice"
        if not path.name.startswith("test_"):
            assert not [n for n in names if n.startswith("test_")], f"{path.name} is not collected"
            continue
        for node in tree.body:
            if not isinstance(node, ast.FunctionDef) or node.name.startswith("test_"):
                continue
            is_fixture = any("fixture" in ast.dump(d) for d in node.decorator_list)
            used = len(re.findall(rf"\b{node.name}\b", text)) > 1
            assert is_fixture or used, f"{path.name}: {node.name} is neither a test nor used"


def test_notebooks_are_thin_and_hold_only_checked_outputs(root):
    for path in (root / "notebooks").glob("*.ipynb"):
        book = json.loads(path.read_text("utf-8"))
        assert "widgets" not in book["metadata"]
        assert book["cells"][0]["cell_type"] == "markdown"
        for cell in book["cells"]:
            if cell["cell_type"] != "code":
                continue
            source = "".join(cell["source"])
            tree = ast.parse(source)
            thick = (
                ast.FunctionDef,
                ast.ClassDef,
                ast.For,
                ast.While,
                ast.If,
                ast.BinOp,
                ast.Lambda,
            )
            assert not any(isinstance(n, thick) for n in ast.walk(tree)), f"{path.name}: {source}"
            if "keep_output" not in cell["metadata"].get("tags", []):
                assert cell["outputs"] == []
                assert cell["execution_count"] is None


def test_the_scripts_of_widgets_have_the_types_they_say():
    folder = package("typescript").parent.parent

    done = subprocess.run(
        ["npm", "run", "--silent", "check"], cwd=folder, capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stdout
