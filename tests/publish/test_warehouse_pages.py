"""A workspace whose sources live in a warehouse: the same pages, nobody's password, nothing stale."""

import contextlib
import shutil
from datetime import datetime

import ibis
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import yaml

from journey_widgets import Workspace
from journey_widgets.errors import JourneyDataError, WorkspaceError
from journey_widgets.events.engine import collect
from journey_widgets.events.mapping import SourceMapping
from journey_widgets.events.source import read_trials
from journey_widgets.events.warehouse_source import read_there
from journey_widgets.publish.doctor import examine
from journey_widgets.publish.modes import passed_on
from journey_widgets.publish.reports import run_report
from journey_widgets.tables import CONTRACTS
from journey_widgets.upsell import uplift
from journey_widgets.workspace.state import state
from support import engines

MEANT = ("touchpoints", "steps", "unmapped", "outcomes", "currency")
"""What a mapping says of values and not of files."""


def moved(folder, con):
    """Move every source of a workspace into the warehouse, as it was read."""
    with contextlib.closing(Workspace.open(folder)) as space:
        told = {"schema": "sources/1"}
        for kind in space.sources.present():
            source = space.source(kind)
            rows = source.to_pandas().rename(columns={"row": "turn"})
            if kind == "events":
                rows = rows.drop(columns="touchpoint")
            con.create_table(f"web_{kind}", pa.Table.from_pandas(rows, preserve_index=False))
            known = {c.name for c in CONTRACTS[kind].columns} | {
                *source.mapping.outcomes,
                "turn",
                "unit_id",
            }
            meant = source.mapping.model_dump(
                include=set(MEANT), exclude_defaults=True, mode="json"
            )
            told[kind] = {
                "backend": con.name, "table": f"web_{kind}", "order": "turn", **meant,
                "columns": {c: c for c in ("customer_id",) if c in rows.columns},
                "keep": [c for c in rows.columns if c not in known],
                "not_personal": [*source.mapping.not_personal, *source.mapping.pseudonyms],
            }  # fmt: skip
    (folder / "sources.yaml").write_text(yaml.safe_dump(told, sort_keys=False), "utf-8")


@pytest.fixture(scope="module")
def warehouse():
    with engines.connected("postgres") as con:
        yield con


@pytest.fixture(scope="module")
def there(made_example, warehouse, tmp_path_factory):
    folder = tmp_path_factory.mktemp("there") / "workspace"
    shutil.copytree(made_example, folder)
    moved(folder, warehouse)
    return folder


def shown(report):
    """Return what a report shows, but for the data check, which tells of reading, and the time."""
    found = pd.read_csv(report.path.with_suffix(".csv"), dtype=str, keep_default_na=False)
    told = found[~found["part"].str.startswith("Data check") & (found["name"] != "Computed")]
    return told[["section", "part", "row", "name", "figure", "shown"]].values.tolist()


def test_a_report_says_the_same_where_the_sources_live(made_example, there, tmp_path):
    pages = [
        run_report("raci", workspace=w, out=tmp_path / n)
        for n, w in (("a", made_example), ("b", there))
    ]
    here, far = (shown(p) for p in pages)
    assert len(here) > 20
    assert here == far


def test_a_trial_reads_alike_in_whatever_order_a_warehouse_gives_its_rows(warehouse):
    """Customers are divided by place: rows in another order would be other parts, and another band."""
    rng = np.random.default_rng(2)
    rows = pd.DataFrame({
        "customer_id": [f"c{n}" for n in range(400)], "arm": np.tile(["offer", "nothing"], 200),
        "bought": (rng.random(400) < 0.3).astype(float), "spend": rng.gamma(2.0, 10.0, 400), "turn": np.arange(400),
    })  # fmt: skip
    told = {"outcomes": ["bought"], "keep": ["spend"], "not_personal": ["customer_id"]}
    shuffled = rows.sample(frac=1, random_state=3)
    warehouse.create_table(
        "trial", pa.Table.from_pandas(shuffled, preserve_index=False), overwrite=True
    )
    far = SourceMapping.model_validate(
        {**told, "backend": warehouse.name, "table": "trial", "order": "turn"}
    )
    asked = {"features": ["spend"], "arm": "offer", "comparison": "nothing"}
    own, found = (
        uplift(s, "bought", **asked) for s in (read_trials(rows, **told), read_there("trials", far))
    )
    assert (found.qini, found.low, found.high) == (own.qini, own.low, own.high)
    assert found.score.tolist() == own.score.tolist()
    units = collect(read_there("trials", far).table.select("customer_id", "unit_id"))
    assert sorted(units["unit_id"].astype(int)) == list(range(1, 401))


def test_nothing_is_kept_for_a_reader_of_what_may_have_changed_unseen(there, made_example):
    assert state(there) is None
    assert state(made_example) is not None


def test_kernels_are_given_the_address_of_a_warehouse_and_no_other_secret(monkeypatch):
    monkeypatch.setenv("JOURNEY_TRINO_URL", "trino://ann:secret@host/c/s")
    monkeypatch.setenv("JOURNEY_SMTP_URL", "smtps://ann:secret@host")
    assert passed_on()["JOURNEY_TRINO_URL"].startswith("trino://")
    assert "JOURNEY_SMTP_URL" not in passed_on()


@pytest.fixture
def as_nora(there, made_example, tmp_path, monkeypatch):
    """Nora, who may see the north: her workspace of files, and the one of a warehouse."""
    here = shutil.copytree(made_example, tmp_path / "here")
    with contextlib.ExitStack() as stack:
        for folder in (here, there):
            with contextlib.closing(Workspace.open(folder)) as space:
                space.grant("tester", "admin")
                space.grant("nora", "viewer", rows={"region": ["north"]})
        monkeypatch.setenv("JOURNEY_AUTHOR", "nora")
        yield [stack.enter_context(contextlib.closing(Workspace.open(f))) for f in (here, there)]


def test_who_may_see_some_rows_of_a_warehouse_sees_those_he_would_see_of_files(as_nora, warehouse):
    before = set(warehouse.list_tables())
    here, far = as_nora
    assert far.sources.present() == here.sources.present()
    assert "trials" in far.sources.present()
    for kind in far.sources.present():
        own, found = (space.source(kind) for space in (here, far))
        names = sorted(set(own.table.columns) - {"row"})
        left, right = (
            collect(s.table.select(names)).sort_values(names, ignore_index=True)
            for s in (own, found)
        )
        assert len(right), kind
        pd.testing.assert_frame_equal(right, left, check_dtype=False)
        assert (found.customers, found.touchpoints) == (own.customers, own.touchpoints)
        counted = [s.data_check.set_index("check")["rows"]["rows kept"] for s in (own, found)]
        assert counted[0] == counted[1]

    customers = set(collect(far.events().table)["customer_id"])
    made = [n for n in warehouse.list_tables() if n.startswith("journey_rows_") and n not in before]
    assert len(made) == len(far.sources.present())
    for name in made:
        assert set(collect(warehouse.table(name))["customer_id"]) <= customers


def test_totals_of_all_rows_in_a_warehouse_are_not_shown_to_who_may_see_some(as_nora):
    _here, far = as_nora
    with pytest.raises(WorkspaceError, match="behaviour does not say whose they are"):
        far.source("behaviour")


def test_rows_that_others_may_not_see_change_nothing_of_what_they_read(as_nora, warehouse):
    _here, far = as_nora
    first = far.events().fingerprint
    events = warehouse.table("web_events").limit(1)
    south = events.mutate(customer_id=ibis.literal("somebody else"), region=ibis.literal("south"))
    warehouse.insert("web_events", south)
    try:
        assert far.events().fingerprint == first
        warehouse.insert("web_events", south.mutate(region=ibis.literal("north")))
        assert "somebody else" in set(collect(far.events().table)["customer_id"])
    finally:
        warehouse.raw_sql("DELETE FROM web_events WHERE customer_id = 'somebody else'").close()


def test_what_is_not_his_any_more_is_seen_also_where_a_log_says_when_rows_were_loaded(warehouse):
    """Two rows of one customer and one load change their regions: the sums over who and when stay as they were."""
    rows = pa.table({
        "customer_id": ["a", "a"], "ts": [datetime(2026, 1, 1, h) for h in (1, 2)], "event": ["x", "y"],  # noqa: DTZ001
        "region": ["north", "south"], "loaded": [1, 1],
    })  # fmt: skip
    far = SourceMapping.model_validate(
        {
            "backend": "postgres",
            "table": "moving",
            "time_zone": "UTC",
            "keep": ["region"],
            "loaded_at": "loaded",
        }
    )
    for regions, seen in ((["north", "south"], "x"), (["south", "north"], "y")):
        given = rows.set_column(3, "region", pa.array(regions))
        warehouse.create_table("moving", given, overwrite=True)
        found = read_there("events", far, only={"region": ["north"]})
        assert collect(found.table)["event"].tolist() == [seen]


def test_who_may_see_some_rows_is_not_shown_what_lives_apart_from_the_log_that_says_whose_they_are(
    made_example, warehouse, tmp_path, monkeypatch
):
    folder = shutil.copytree(made_example, tmp_path / "apart")
    with contextlib.closing(Workspace.open(folder)) as space:
        space.grant("tester", "admin")
        space.grant("nora", "viewer", rows={"region": ["north"]})
        rows = space.source("tickets").to_pandas().drop(columns="row")
    warehouse.create_table(
        "apart", pa.Table.from_pandas(rows, preserve_index=False), overwrite=True
    )
    told = yaml.safe_load((folder / "sources.yaml").read_text("utf-8"))
    told["tickets"] = {
        "backend": "postgres", "table": "apart", "columns": {"customer_id": "customer_id"},
        "not_personal": ["customer_id"],
    }  # fmt: skip
    (folder / "sources.yaml").write_text(yaml.safe_dump(told), "utf-8")
    monkeypatch.setenv("JOURNEY_AUTHOR", "nora")
    with contextlib.closing(Workspace.open(folder)) as space:
        assert "tickets" not in space.sources.present()
        with pytest.raises(WorkspaceError, match="tickets does not say whose they are"):
            space.source("tickets")


@pytest.mark.parametrize(
    ("address", "said"),
    [
        (
            "",
            "JOURNEY_POSTGRES_URL is not set. Set it to an address such as postgres://user@host/database",
        ),
        ("postgres://ann:geheim@127.0.0.1:1/nothing", "postgres cannot be reached"),
        ("duckdb://", "is an address of duckdb; one of postgres was needed"),
    ],
)
def test_a_warehouse_that_cannot_be_reached_is_said_without_its_password(
    address, said, there, monkeypatch
):
    monkeypatch.setenv("JOURNEY_POSTGRES_URL", address)
    with (
        contextlib.closing(Workspace.open(there)) as space,
        pytest.raises(Exception, match=said) as raised,
    ):
        space.source("answers")
    assert "geheim" not in str(raised.value)


def test_the_doctor_says_what_a_warehouse_needs(there, monkeypatch):
    monkeypatch.delenv("JOURNEY_POSTGRES_URL")
    (found,) = [e for e in examine(there) if e.what == "postgres"]
    assert not found.ok
    assert "JOURNEY_POSTGRES_URL is not set" in found.words


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ({"backend": "postgres"}, "needs 'table' and no 'file'"),
        ({"table": "web.events"}, "'table' and 'stored_in' are of a backend"),
        (
            {"backend": "postgres", "table": "t", "separator": ";"},
            "separator: not of a table in a backend",
        ),
        (
            {"backend": "postgres", "table": "t", "pseudonyms": ["who"]},
            "pseudonyms: not of a table in a backend",
        ),
        (
            {"backend": "postgres", "table": "t", "columns": {"ts": {"from": "t", "unit": "s"}}},
            "unit or template of 'ts'",
        ),
    ],
)
def test_what_is_said_of_a_table_that_only_a_file_has_is_refused(told, said, there):
    from journey_widgets.events.source import mapping_from_keywords

    with pytest.raises(JourneyDataError, match=said):
        mapping_from_keywords("events", told)
