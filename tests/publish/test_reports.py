"""A report is made whole or the last good one stays; failure is failure."""

import json
import re
from pathlib import Path

import pytest

from journey_widgets import shipped
from journey_widgets.errors import InfrastructureError, ParameterError
from journey_widgets.publish.report_worker import Worker
from journey_widgets.publish.reports import run_report
from publish.test_parameters import TAGGED, notebook
from support.page import violations
from support.processes import of_workspace

START = ('segment: str = "all"  # which', TAGGED)
FAULTS = {
    "raises": (["raise ValueError('boom')"], "ValueError in cell 1: boom"),
    "exits": (["raise SystemExit(0)", "1"], "Incomplete in cell 1: a cell shows an error"),
    "dies": (["import os; os.kill(os.getpid(), 9)", "1"], "DeadKernelError"),
    "hangs": (["import time; time.sleep(600)"], "not done after 8 seconds"),
}


@pytest.fixture(scope="module")
def overview_report(made_example, tmp_path_factory):
    """The report of the overview, made once."""
    return run_report("overview", workspace=made_example, out=tmp_path_factory.mktemp("overview"))


def test_the_executive_page_prints_on_two_sheets_and_keeps_the_rest_on_the_screen(
    overview_report, new_page
):
    page = new_page()
    page.goto(overview_report.path.as_uri())

    assert page.get_by_role("heading", name="All figures of the scorecard").is_visible()
    printed = page.pdf(prefer_css_page_size=True)
    assert len(re.findall(rb"/Type\s*/Page[^s]", printed)) == 2
    page.emulate_media(media="print")
    assert not page.get_by_role("heading", name="All figures of the scorecard").is_visible()
    assert page.get_by_role("heading", name="What the documents leave open").is_visible()


def test_a_report_is_one_file_without_script_code_or_address(overview_report):
    report = overview_report
    page = report.path.read_text("utf-8")
    assert report.path.name == "overview.html"
    assert "<script" not in page
    assert "jw.open_page" not in page
    assert not re.findall(r"""(?:src|href|url)\s*[=(]\s*["']?https?:""", page)
    assert "3,590 of 10,000 customers reach Delivery" in page
    assert "<svg" in page
    assert page.count("<h1") == 1
    manifest = json.loads(report.path.with_suffix(".json").read_text())
    assert manifest["status"] == "done"
    assert manifest["parameters"] == {}


def test_parameters_make_a_report_of_their_own_with_their_own_figures(example, tmp_path):
    report = run_report(
        "overview", workspace=example, out=tmp_path, parameters={"segment": "device=mobile"}
    )

    assert re.fullmatch(r"overview-segment_device_mobile-[0-9a-f]{8}.html", report.path.name)
    assert "device mobile only" in report.path.read_text("utf-8")
    assert report.manifest["parameters"] == {"segment": "device=mobile"}


def test_an_unknown_parameter_is_refused_before_anything_starts(example, tmp_path):
    with pytest.raises(ParameterError, match="Did you mean 'segment'"):
        run_report("overview", workspace=example, out=tmp_path / "out", parameters={"segmnt": "x"})

    assert not (tmp_path / "out").exists()


def test_a_segment_that_is_not_there_is_bad_input_and_leaves_nothing(example, tmp_path):
    with pytest.raises(
        ParameterError, match="No event has device = 'fax'. Known: 'desktop', 'mobile'"
    ):
        run_report(
            "overview",
            workspace=example,
            out=tmp_path / "out",
            parameters={"segment": "device=fax"},
        )

    assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.parametrize("name", FAULTS)
def test_a_run_that_breaks_keeps_the_last_good_report_and_says_why(example, shelf, tmp_path, name):
    cells, said = FAULTS[name]
    out = tmp_path / "out"
    notebook(shelf / "r.ipynb", START, "'good'")
    good = run_report("r", workspace=example, out=out).path.read_bytes()
    notebook(shelf / "r.ipynb", START, *cells)

    with pytest.raises(InfrastructureError) as error:
        run_report("r", workspace=example, out=out, seconds=8 if name == "hangs" else 120)

    assert said in str(error.value)
    assert "The last good report is unchanged" in str(error.value)
    assert (out / "r.html").read_bytes() == good
    assert {p.name for p in out.iterdir()} <= {"r.html", "r.csv", "r.json", "r.failed.ipynb"}
    assert of_workspace(example) == []
    notebook(shelf / "r.ipynb", START, "'good again'")
    run_report("r", workspace=example, out=out)
    assert not (out / "r.failed.ipynb").exists()


def test_an_error_is_a_failure_even_in_a_cell_that_is_allowed_to_raise(example, shelf, tmp_path):
    notebook(shelf / "r.ipynb", START, ("1/0", {"tags": ["raises-exception"]}), "1")

    with pytest.raises(InfrastructureError, match="ZeroDivisionError in cell 1"):
        run_report("r", workspace=example, out=tmp_path / "out")


def test_script_in_an_output_does_not_run_in_a_report(example, shelf, tmp_path, new_page):
    hostile = (
        "from IPython.display import HTML, Markdown, display\n"
        'display(HTML(\'<script>document.title="owned"</script><img src=x onerror="document.title=1">\'))'
    )
    notebook(shelf / "r.ipynb", START, hostile)
    report = run_report("r", workspace=example, out=tmp_path / "out")
    page = new_page()

    page.goto(report.path.as_uri())

    assert page.title() == "Report"


@pytest.fixture(scope="module")
def map_report(made_example, tmp_path_factory):
    """The report of the journey map, made once."""
    return run_report(
        "journey_map", workspace=made_example, out=tmp_path_factory.mktemp("map")
    ).path


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_report_opens_with_the_network_off_and_shows_its_pictures(map_report, new_page, scheme):
    page = new_page(color_scheme=scheme)

    page.goto(map_report.as_uri())

    assert page.locator("figure > svg").count() == 7
    assert page.locator("table.jw-table").count() == 11
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert violations(page) == []


def test_the_report_runner_writes_beside_and_renames(example, shelf, tmp_path):
    notebook(shelf / "r.ipynb", START, "1")
    report = run_report("r", workspace=example, out=tmp_path / "out")
    first = report.path.stat().st_ino

    run_report("r", workspace=example, out=tmp_path / "out")

    assert report.path.stat().st_ino != first
    assert Path(report.path).read_text("utf-8").rstrip().endswith("</html>")


def test_a_map_is_printed_on_a_sheet_of_its_own_as_wide_as_a3(map_report, new_page):
    page = new_page()
    page.goto(map_report.as_uri())

    printed = page.pdf(prefer_css_page_size=True)

    sheets = re.findall(rb"/MediaBox \[0 0 ([\d.]+) ([\d.]+)\]", printed)
    sizes = {(round(float(w) / 72 * 25.4), round(float(h) / 72 * 25.4)) for w, h in sheets}
    assert (420, 297) in sizes
    assert len(sizes) == 2  # the rest of the report on the printer's own paper


def test_the_manifest_of_one_report_says_what_it_was_made_of(overview_report):
    told = overview_report.manifest

    assert told["inputs"]["documents"]["scorecard"].startswith("1 ")
    assert set(told["inputs"]["sources"]) >= {"events", "tickets"}
    assert told["findings"].keys() == {"error", "warn", "info"}
    assert told["seconds"] > 0


@pytest.fixture(scope="module")
def worker(made_example):
    """One worker for all: it lives on from report to report."""
    with Worker(made_example) as started:
        yield started


@pytest.mark.parametrize("name", ["scorecard"])
def test_a_notebook_says_the_same_of_the_same_to_the_last_digit(worker, tmp_path, name):
    found = []
    for n in range(2):
        folder = tmp_path / str(n)
        folder.mkdir()
        told = worker.run(shipped.notebooks() / f"{name}.ipynb", folder, {}, 120)
        assert told["ok"], told
        found.append(told["content"])

    assert found[0] == found[1]
