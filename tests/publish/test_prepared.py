"""What a dashboard showed is kept for the next reader, as long as it would come out the same."""

import fcntl
import importlib
import json
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import nbformat
import pytest

from journey_widgets import Workspace, publish, shipped
from journey_widgets.errors import InfrastructureError
from journey_widgets.publish import html, kept_parts, kept_pieces, overview, prepared, preparing
from journey_widgets.publish.chart_widget import Chart
from journey_widgets.publish.figures import Figure
from journey_widgets.publish.page import unless
from journey_widgets.publish.show import Several
from journey_widgets.workspace import state

SETTLED = 2 * state.SETTLED_NS / 1e9
SHOWN_TO_A_READER = """
import json, sys
import nbformat
from journey_widgets import shipped

names, shown = {}, []
for cell in nbformat.read(shipped.notebooks() / f"{sys.argv[1]}.ipynb", as_version=4).cells:
    if cell.cell_type != "code":
        continue
    *before, last = cell.source.strip().split("\\n")
    if last.startswith(")") or last.startswith(" "):
        exec(cell.source, names)
        continue
    exec("\\n".join(before), names)
    thing = eval(last, names) if "=" not in last.split("(")[0] else exec(last, names)
    if hasattr(thing, "plain"):
        plain = thing.plain()
    elif hasattr(thing, "spec"):
        plain = {"spec": thing.spec, "label": thing.label, "note": thing.note, "wide": thing.wide}
    else:
        continue
    shown.append(plain)
heavy = sorted({"pandas", "ibis", "duckdb", "altair", "sqlalchemy"} & set(sys.modules))
print(json.dumps({"shown": shown, "heavy": heavy}))
"""


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """A cache folder of the test's own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "journey_widgets" / "prepared"


@pytest.fixture
def served(example, cache, monkeypatch):
    """The example as a dashboard's kernel sees it."""
    monkeypatch.setenv("JOURNEY_MODE", "dashboard")
    monkeypatch.setenv("JOURNEY_READ_ONLY", "1")
    monkeypatch.setenv("JOURNEY_WORKSPACE", str(example))
    monkeypatch.setenv("QUERY_STRING", "")
    time.sleep(SETTLED)
    return example


def reader(name, **more):
    """Return what a new kernel shows, and what it loaded for it."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", SHOWN_TO_A_READER, name], capture_output=True, text=True, check=True,
        env={**os.environ, **more},
    )  # fmt: skip
    return json.loads(done.stdout)


def test_the_next_reader_sees_the_same_and_nothing_heavy_is_loaded(served):
    first, second = reader("overview"), reader("overview")

    assert len(first["shown"]) > 8
    assert "ibis" in first["heavy"]
    assert second["heavy"] == []
    assert second["shown"] == first["shown"]


@pytest.fixture
def counted(monkeypatch):
    """Pages whose opening and one part are counted."""
    calls = {"opened": 0, "shown": 0, "thing": html.note("seen")}

    class View:
        page = None

    def open_it(workspace="", segment="all"):
        calls["opened"] += 1
        return View()

    def part(view, *given):
        assert isinstance(view, View)
        calls["shown"] += 1
        return calls["thing"]

    monkeypatch.setattr(overview, "open_overview", open_it)
    monkeypatch.setattr(overview, "in_short", part)
    return calls


def show(*given, **named):
    pages = prepared.Pages("overview")
    return pages.in_short(pages.open_overview(**named), *given)


def test_in_a_dashboard_the_notebook_is_given_pages_and_elsewhere_the_module(served, monkeypatch):
    assert isinstance(publish.__getattr__("overview"), prepared.Pages)
    for mode in ("notebook", "report"):
        monkeypatch.setenv("JOURNEY_MODE", mode)
        with pytest.raises(AttributeError):
            publish.__getattr__("overview")


def test_a_part_is_made_once_and_only_a_part_that_is_new_opens_the_page(served, counted):
    assert [show()._repr_html_() for _time in range(3)] == [counted["thing"]._repr_html_()] * 3
    assert (counted["opened"], counted["shown"]) == (1, 1)

    show("another argument")

    assert (counted["opened"], counted["shown"]) == (2, 2)


def test_another_address_right_or_parameter_is_another_view(served, counted, monkeypatch):
    show()
    show(segment="device=mobile")
    monkeypatch.setenv("QUERY_STRING", "segment=device%3Dtablet")
    show()
    monkeypatch.setenv("JOURNEY_READ_ONLY", "")
    show()
    monkeypatch.setenv("QUERY_STRING", "segment=+device%3Dtablet+&period=")
    show()

    assert counted["shown"] == 4


def test_what_changed_in_the_workspace_is_shown_at_once(served, counted):
    show()
    space = Workspace.open(served)
    space.save(space.scorecard.model_copy(update={"label": "Another name"}))
    space.close()
    counted["thing"] = html.note("after the save")

    assert "after the save" in show()._repr_html_()


def test_what_the_machine_failed_at_is_kept_for_nobody_also_where_it_became_words(
    served, counted, monkeypatch
):
    seen, opened = [], overview.open_overview

    def part(view):
        if not seen:
            seen.append(InfrastructureError("out of memory"))
            return html.note("cannot be read")
        return html.note("all is well")

    monkeypatch.setattr(overview, "in_short", part)
    assert "cannot be read" in show()._repr_html_()
    assert "all is well" in show()._repr_html_()

    def failing(**_named):
        seen.append(InfrastructureError("locked"))
        return opened()

    monkeypatch.setattr(overview, "open_overview", failing)
    monkeypatch.setattr(overview, "in_short", lambda _view: html.note("with less than there is"))
    assert "with less" in show(segment="b")._repr_html_()
    monkeypatch.setattr(overview, "open_overview", opened)
    monkeypatch.setattr(overview, "in_short", lambda _view: html.note("all of it"))
    assert "all of it" in show(segment="b")._repr_html_()


def test_why_something_cannot_be_shown_is_said_to_each_reader_anew(served, counted):
    told = unless(lambda _view, _part: "There is nothing yet.")(lambda _view: html.note("never"))
    counted["thing"] = told(None)

    assert [repr(show()) for _time in range(2)] == ["There is nothing yet."] * 2
    assert counted["shown"] == 2


def test_a_ready_kernel_keeps_its_parts_too_though_all_is_loaded(served):
    module = importlib.import_module("journey_widgets.publish.scorecard_page")
    publish.scorecard_page = module
    prepared.hide()
    try:
        assert isinstance(publish.scorecard_page, prepared.Pages)
    finally:
        for name in prepared.PAGES:
            found = sys.modules.get(f"journey_widgets.publish.{name}")
            if found is not None:
                setattr(publish, name, found)


def test_a_page_that_stops_keeps_nothing(served, counted, cache, monkeypatch):
    def stops(**_named):
        msg = "no such segment"
        raise ValueError(msg)

    monkeypatch.setattr(overview, "open_overview", stops)
    for _time in range(2):
        with pytest.raises(ValueError, match="no such segment"):
            show(segment="nowhere")

    assert not list(cache.rglob("*.json"))


def pieces():
    from ipywidgets import Accordion, VBox

    chart = Chart(
        {"mark": "bar", "data": {"values": [{"a": 1.5}]}}, label="A <b>", note="n", wide=True
    )
    table = html.tiles(
        {"Customers": (Figure("1,234", 1234.0, 1000.0, 1500.0, 9.0, "counted"), "of <all>")}
    )
    return [
        table, table.carrying("application/x+json", {"k": [1]}), chart, VBox([chart, chart]), Several([table, chart]),
        Accordion(children=[VBox([chart])], titles=("More",), selected_index=None),
    ]  # fmt: skip


@pytest.mark.parametrize("at", range(6))
def test_what_is_kept_comes_back_as_it_was(at):
    thing = pieces()[at]
    plain = kept_pieces.to_plain(thing)

    again = kept_pieces.from_plain(json.loads(json.dumps(plain)))

    assert plain is not None
    assert kept_pieces.to_plain(again) == plain
    assert type(again).__name__ == type(thing).__name__


def test_what_is_more_than_something_to_look_at_is_made_for_each_reader(served, counted):
    from ipywidgets import Dropdown, VBox

    for thing in (
        Dropdown(options=["a"]),
        VBox([Dropdown(options=["a"])]),
        {"a": 1},
        None,
        Chart({"x": float("nan")}),
    ):
        counted["shown"], counted["thing"] = 0, thing
        assert show() is thing
        assert show() is thing
        assert counted["shown"] == 2


@pytest.mark.parametrize("up", [0, 1, 2])
def test_a_folder_that_others_can_write_to_is_not_used(served, counted, cache, up):
    show()
    [cache, *cache.parents][up].chmod(0o777)
    next(p for p in cache.rglob("*.json") if "seen" in p.read_text("utf-8")).write_text(
        json.dumps(
            {"kind": "html", "markup": "<script>1</script>", "words": "", "lines": [], "data": {}}
        ),
        "utf-8",
    )

    assert "script" not in show()._repr_html_()
    assert counted["shown"] == 2


def test_where_nothing_can_be_kept_the_page_is_made_each_time(
    served, counted, tmp_path, monkeypatch
):
    (tmp_path / "a file").write_text("", "utf-8")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "a file"))

    assert [show()._repr_html_() for _time in range(2)] == [counted["thing"]._repr_html_()] * 2
    assert counted["shown"] == 2


@pytest.mark.parametrize("torn", ["", "{", "[]", '{"kind": "html"}', '{"kind": "new"}', "null"])
def test_what_is_torn_or_foreign_is_made_anew(served, counted, cache, torn):
    show()
    for file in cache.rglob("*.json"):
        file.write_text(torn, "utf-8")

    assert "seen" in show()._repr_html_()
    assert counted["shown"] == 2


def test_old_states_many_views_and_workspaces_that_are_gone_are_removed(
    served, counted, cache, monkeypatch, tmp_path
):
    monkeypatch.setattr(kept_parts, "MOST_VIEWS", 4)
    gone = cache / "of another workspace"
    gone.mkdir(parents=True, mode=0o700)
    (gone / "workspace").write_text(str(tmp_path / "gone"), "utf-8")
    for n in range(9):
        show(segment=f"n={n}")
    for n in range(5):
        monkeypatch.setattr(
            "journey_widgets.publish.kept_parts.state", lambda _folder, n=n: f"{n}" * 64
        )
        show()

    (own,) = [p for p in cache.iterdir() if p.is_dir()]
    states = [p for p in own.iterdir() if p.is_dir()]
    assert len(states) == kept_parts.MOST_STATES
    assert all(len(list(s.iterdir())) <= 4 for s in states)
    assert not gone.exists()


def test_every_dashboard_is_shown_once_to_nobody_before_the_first_reader_comes(
    served, shelf, cache, monkeypatch
):
    source = (
        "from journey_widgets.publish import overview\n\npage, view = overview.open_overview()\n"
        "overview.open_points(page)"
    )
    for name, cell in (("broken", "1 / 0"), ("one", source)):
        head = nbformat.v4.new_markdown_cell(f"# {name}")
        nbformat.write(
            nbformat.v4.new_notebook(cells=[head, nbformat.v4.new_code_cell(cell)]),
            shelf / f"{name}.ipynb",
        )
    before = kept_parts.is_prepared(served)
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(served))

    preparing.main()
    kept = {p: p.stat().st_mtime_ns for p in cache.rglob("*.json")}
    preparing.main()

    assert not before
    assert kept_parts.is_prepared(served)
    assert kept == {p: p.stat().st_mtime_ns for p in cache.rglob("*.json")}
    assert any("jw-findings" in p.read_text("utf-8") for p in kept)


def test_of_readers_who_come_at_once_one_makes_the_part_and_the_others_find_it(
    served, counted, monkeypatch
):
    slow = overview.in_short

    def part(view):
        time.sleep(0.5)
        return slow(view)

    monkeypatch.setattr(overview, "in_short", part)
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _n: show()._repr_html_(), range(8)))

    assert found == [counted["thing"]._repr_html_()] * 8
    assert counted["shown"] == 1
    assert (
        counted["opened"] <= 2
    )  # whoever makes the part may be another one than who opened the page


def test_who_waits_too_long_for_another_makes_the_part_himself(served, counted, monkeypatch, cache):
    show()
    monkeypatch.setattr(kept_parts, "MOST_WAITING", 0.2)
    part = next(p for p in cache.rglob("*.json") if "seen" in p.read_text("utf-8"))
    part.unlink()
    with part.with_suffix(".lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        assert "seen" in show()._repr_html_()


def test_no_file_of_what_is_kept_can_be_read_by_others(served, counted, cache):
    show()

    assert cache.stat().st_mode & 0o777 == 0o700
    kept = list(cache.rglob("*.json"))
    assert kept
    assert all(p.stat().st_mode & 0o777 == 0o600 for p in kept)


def test_the_notebooks_of_dashboards_take_their_pages_from_where_they_are_kept():
    for name in ("overview", "scorecard", "support", "upsell", "raci", "cross_impact"):
        text = (shipped.notebooks() / f"{name}.ipynb").read_text("utf-8")
        named = [line.split("import ")[1].split()[0].strip('\\n",') for line in text.splitlines()
                 if "from journey_widgets.publish import" in line]  # fmt: skip
        assert named
        assert set(named) <= set(prepared.PAGES)
        assert "from journey_widgets.publish." not in text
