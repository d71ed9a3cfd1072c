"""Whoever may see some rows only sees nothing of the others: not in a table, not on a page, not in a picture's data."""

import contextlib

import pandas as pd
import pytest

from journey_widgets import Workspace
from journey_widgets.errors import WorkspaceError
from journey_widgets.events.engine import collect
from journey_widgets.publish.static_edition import publish
from support.canary import CANARY, plant

NORTH = {"region": ("north",)}


@pytest.fixture(scope="module")
def divided(tmp_path_factory):
    """A workspace in which nora sees the north, and tester all."""
    folder = tmp_path_factory.mktemp("divided") / "workspace"
    with contextlib.closing(Workspace.create(folder, template="phone_retailer")) as space:
        space.grant("tester", "admin")
        space.grant("nora", "viewer", rows=NORTH)
    plant(folder)
    return folder


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
    with pytest.raises(WorkspaceError, match="has no behaviour"):
        as_nora.source("behaviour")


def test_a_column_that_is_not_there_shows_nothing(divided, monkeypatch):
    with contextlib.closing(Workspace.open(divided)) as space:
        space.grant("otto", "viewer", rows={"country": ["it"]})
    monkeypatch.setenv("JOURNEY_AUTHOR", "otto")

    with contextlib.closing(Workspace.open(divided)) as space:
        assert "events" not in space.sources.present()
        with pytest.raises(WorkspaceError, match="has no events"):
            space.events()


def test_no_page_of_one_unit_holds_anything_of_another(divided, tmp_path, monkeypatch):
    told = {}
    for name in ("tester", "nora"):
        monkeypatch.setenv("JOURNEY_AUTHOR", name)
        made = publish(divided, tmp_path / name)
        told[name] = {p: (made.folder / p).read_text("utf-8") for p in made.pages}
        assert made.left_out == {}

    assert sum(CANARY in page for page in told["tester"].values()) >= 4
    for name, page in told["nora"].items():
        assert CANARY not in page, name
        if name != "index.html":
            assert "only region north" in page, name
