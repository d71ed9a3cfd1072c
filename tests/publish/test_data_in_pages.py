"""What data do to a page: nothing, whatever is in them. And whose rows are on it: those its reader may see."""

import contextlib
import csv
import json
from datetime import date

import pandas as pd
import pytest

from journey_widgets import Workspace
from journey_widgets.errors import AccessError, WorkspaceError
from journey_widgets.events.engine import collect
from journey_widgets.publish.batch import run_batch
from journey_widgets.publish.reports import run_report
from journey_widgets.publish.static_edition import publish
from support.canary import CANARY, plant
from support.hostile import COLUMNS, MARKUP, label_hostile, make_hostile
from support.page import violations

pytestmark = pytest.mark.page
NORTH = {"region": ("north",)}


@pytest.fixture(scope="module")
def divided(tmp_path_factory):
    """A workspace of hostile data in which nora sees the north, and tester all."""
    folder = tmp_path_factory.mktemp("divided") / "workspace"
    with contextlib.closing(Workspace.create(folder, template="phone_retailer")) as space:
        space.grant("tester", "admin")
        space.grant("nora", "viewer", rows=NORTH)
        label_hostile(space)
    plant(folder)
    return make_hostile(folder)


@pytest.fixture(scope="module")
def edition(divided, tmp_path_factory):
    """The static edition of all dashboards, as nora sees them."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("JOURNEY_AUTHOR", "nora")
        return publish(divided, tmp_path_factory.mktemp("edition") / "out")


@pytest.fixture
def as_nora(divided, monkeypatch):
    monkeypatch.setenv("JOURNEY_AUTHOR", "nora")
    with contextlib.closing(Workspace.open(divided)) as space:
        yield space


def rows_of(source):
    return collect(source.table)


def test_every_source_holds_the_rows_of_the_unit_and_no_others(divided, as_nora):
    events = pd.read_parquet(divided / "tables" / "events.parquet")
    north = events[events["region"] == "north"]
    customers = set(north["customer"])

    found = rows_of(as_nora.events())
    assert len(found) == len(north)
    assert set(found["region"]) == {"north"}
    assert as_nora.events().customers == len(customers)
    checked = as_nora.events().data_check.set_index("check")["rows"]
    assert checked["rows read"] == checked["rows kept"] == len(north)
    for kind, file, separator in (
        ("order_lines", "order_lines.csv", ";"), ("answers", "answers.csv", ","), ("scores", "scores.csv", ","),
        ("contacts", "contacts.csv", ","), ("trials", "trial.csv", ","),
    ):  # fmt: skip
        whole = pd.read_csv(divided / "tables" / file, sep=separator, dtype=str)
        left = rows_of(as_nora.source(kind))
        assert len(left) == whole["customer"].isin(customers).sum(), kind
        assert set(left["customer_id"]) <= customers, kind
    for kind, file in (("tickets", "tickets.parquet"), ("usage", "usage.parquet")):
        whole = pd.read_parquet(divided / "tables" / file)
        assert len(rows_of(as_nora.source(kind))) == whole["customer"].isin(customers).sum(), kind


def test_what_is_left_of_a_source_reads_as_it_did_in_the_whole(divided, as_nora, monkeypatch):
    monkeypatch.setenv("JOURNEY_AUTHOR", "tester")
    with contextlib.closing(Workspace.open(divided)) as space:
        for kind in as_nora.sources.present():
            whole, left = space.source(kind), as_nora.source(kind)
            assert list(left.table.columns) == list(whole.table.columns), kind
            assert left.currency == whole.currency
            theirs = rows_of(left).drop(columns="row")
            every = rows_of(whole).drop(columns="row")
            kept = every[every["customer_id"].isin(set(theirs["customer_id"]))]
            names = list(theirs.columns)
            pd.testing.assert_frame_equal(
                theirs.sort_values(names, ignore_index=True),
                kept.sort_values(names, ignore_index=True)[names],
                check_dtype=False,
            )


def test_totals_of_all_units_are_not_there(as_nora):
    assert "behaviour" not in as_nora.sources.present()
    assert "invitations" not in as_nora.sources.present()
    with pytest.raises(WorkspaceError, match="behaviour does not say whose"):
        as_nora.source("behaviour")


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ({"country": ["it"]}, "no column 'country'"),
        ({"region": ["nord"]}, "no row of the log has region 'nord'.*north"),
    ],
)
def test_rows_that_nobody_has_are_refused_where_they_are_named(divided, rows, said):
    with (
        contextlib.closing(Workspace.open(divided)) as space,
        pytest.raises(WorkspaceError, match=f"(?i){said}"),
    ):
        space.grant("otto", "viewer", rows=rows)


def test_who_is_not_named_or_was_taken_out_reads_no_source(divided, as_nora, monkeypatch):
    assert len(rows_of(as_nora.events())) > 0
    monkeypatch.setenv("JOURNEY_AUTHOR", "tester")
    with contextlib.closing(Workspace.open(divided)) as admin:
        admin.grant("gone", "viewer", rows=NORTH)
    for name in ("gone", "nobody"):
        monkeypatch.setenv("JOURNEY_AUTHOR", name)
        with contextlib.closing(Workspace.open(divided)) as space:
            monkeypatch.setenv("JOURNEY_AUTHOR", "tester")
            if name == "gone":
                with contextlib.closing(Workspace.open(divided)) as admin:
                    admin.grant("gone", "")
            for look in (
                lambda: space.sources,
                space.events,
                lambda: space.kept_values("month"),
                lambda: space.member,
            ):
                with pytest.raises(AccessError, match=f"'{name}' is not named"):
                    look()


def test_a_batch_that_is_kept_for_everybody_is_not_made_by_who_sees_some_rows_only(as_nora):
    with pytest.raises(AccessError, match="'nora' sees some rows only"):
        run_batch(as_nora.folder, "monthly", day=date(2026, 8, 16))


def test_no_page_of_one_unit_holds_anything_of_another(divided, edition, tmp_path):
    whole = run_report("journey_map", workspace=divided, out=tmp_path)
    assert CANARY in whole.path.read_text("utf-8")

    for name in edition.pages:
        page = (edition.folder / name).read_text("utf-8")
        assert CANARY not in page, name
        if name != "index.html":
            assert "only region north" in page, name


def test_every_dashboard_of_hostile_data_is_in_the_edition_and_none_of_it_runs(edition, new_page):
    made = edition
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
    assert sum(MARKUP in text for text in said) == 7
    assert "</script><script>" in "".join(said)


def test_a_report_of_a_hostile_segment_has_its_figures_and_no_formula(divided, tmp_path):
    with contextlib.closing(Workspace.open(divided)) as space:
        column = COLUMNS["device"]
        value = space.source("events").table[column].max().to_pyarrow().as_py()

    report = run_report(
        "overview", workspace=divided, out=tmp_path, parameters={"segment": f"{column}={value}"}
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
