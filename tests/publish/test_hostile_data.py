"""Data are text wherever they are shown: markup, formulas, paths, templates and statements in them do nothing."""

import csv
import json
from contextlib import closing

import pytest

from journey_widgets import Workspace
from journey_widgets.publish.reports import run_report
from journey_widgets.publish.static_edition import publish
from support.hostile import COLUMNS, MARKUP, make_hostile
from support.page import violations

pytestmark = pytest.mark.page


@pytest.fixture(scope="module")
def edition(tmp_path_factory):
    """A hostile workspace and the static edition of all its dashboards."""
    folder = tmp_path_factory.mktemp("hostile")
    Workspace.create(folder / "workspace", template="phone_retailer").close()
    make_hostile(folder / "workspace")
    return folder / "workspace", publish(folder / "workspace", folder / "out")


def test_every_dashboard_of_hostile_data_is_in_the_edition_and_none_of_it_runs(edition, new_page):
    _workspace, made = edition
    said = []
    assert made.left_out == {}
    assert len(made.pages) == 8
    for name in made.pages:
        page = new_page()
        page.goto((made.folder / name).as_uri())
        for figure in page.locator("figure").all():
            figure.scroll_into_view_if_needed()
        page.wait_for_timeout(500)
        assert violations(page) == [], name
        for mark in page.locator(
            ".vega-embed svg .mark-rect path, .vega-embed svg .mark-symbol path"
        ).all()[:3]:
            mark.hover(force=True)
        assert page.locator("img").count() == 0, name
        assert page.locator("b", has_text="device").count() == 0, name
        assert page.title() != "owned", name
        said.append(page.locator("body").inner_text())
        page.close()
    assert sum(MARKUP in text for text in said) >= 3
    assert "</script><script>" in "".join(said)


def test_the_store_holds_the_tables_it_held_and_the_columns_are_found_by_their_names(edition):
    workspace, _made = edition

    with closing(Workspace.open(workspace)) as space:
        events = space.source("events").table
        assert set(COLUMNS.values()) <= set(events.columns)
        assert events.count().to_pyarrow().as_py() > 20_000
        assert space.journey.touchpoints


def test_a_report_of_a_hostile_segment_has_its_figures_and_no_formula(edition, tmp_path):
    workspace, _made = edition
    with closing(Workspace.open(workspace)) as space:
        column = COLUMNS["device"]
        value = space.source("events").table[column].max().to_pyarrow().as_py()

    report = run_report(
        "overview", workspace=workspace, out=tmp_path, parameters={"segment": f"{column}={value}"}
    )

    page = report.path.read_text("utf-8")
    assert MARKUP not in page
    assert "<b>device" not in page
    assert "&lt;b&gt;device" in page
    assert json.loads(report.path.with_suffix(".json").read_text("utf-8"))["parameters"][
        "segment"
    ].startswith(column)
    with report.path.with_suffix(".csv").open(encoding="utf-8-sig", newline="") as file:
        cells = [cell.strip() for row in csv.reader(file) for cell in row]
    assert len(cells) > 100
    assert not [c for c in cells if c[:1] in "=+@" and c and not is_number(c)]


def is_number(text):
    try:
        float(text)
    except ValueError:
        return False
    return True
