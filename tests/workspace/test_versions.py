"""Stores of earlier versions are upgraded with nothing lost; newer ones are read and not touched."""

import contextlib
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from journey_widgets import Workspace, cli
from journey_widgets.errors import WorkspaceError
from journey_widgets.journey import Journey, Touchpoint
from journey_widgets.workspace import Saved, schema
from journey_widgets.workspace.store import Store
from support import postgres
from workspace.conftest import tamper
from workspace.savers import add_note

STORES = Path(__file__).with_name("stores")
HISTORY = {"journey": ["renamed again", "renamed", "from template online_shop"]}


@pytest.fixture
def released(tmp_path):
    """A workspace with a store of the first version, as it was released."""
    Workspace.create(tmp_path / "old").close()
    (tmp_path / "old" / "store.sqlite").unlink()
    shutil.copy(STORES / "version_1.sqlite", tmp_path / "old" / "store.sqlite")
    return tmp_path / "old"


def test_there_is_a_copy_of_every_released_version():
    assert {p.stem for p in STORES.iterdir()} == {
        f"version_{n}" for n in range(1, int(schema.VERSION))
    }


def test_a_store_of_the_first_version_is_upgraded_and_a_copy_of_it_is_kept(released):
    before = (released / "store.sqlite").read_bytes()

    with contextlib.closing(Workspace.open(released)) as space:
        assert space.history("journey")["note"].tolist() == HISTORY["journey"]
        assert space.journey.label == "Renamed twice"
        assert space.verify() == []
        space.save(space.journey.model_copy(update={"label": "After"}))
        assert space.verify() == []
        assert space.audit()["rev"].tolist() == [4, 0]
        assert space.audit()["what"].tolist() == ["saved", "made"]

    kept = released / "store.version-1.sqlite"
    assert kept.stat().st_mode & 0o777 == 0o600
    with contextlib.closing(sa.create_engine(f"sqlite:///{kept}").connect()) as connection:
        assert not sa.inspect(connection).has_table("audit")
        assert connection.scalar(sa.text("SELECT count(*) FROM revision")) == 5
    assert len(before) > 0


def test_an_older_store_can_be_read_without_being_changed(released):
    before = (released / "store.sqlite").read_bytes()

    with contextlib.closing(Workspace.open(released, read_only=True)) as space:
        assert space.journey.label == "Renamed twice"
        assert space.members().empty
        assert space.member.role == "admin"
        assert space.audit().empty
        assert space.verify() == []

    assert (released / "store.sqlite").read_bytes() == before


def test_a_database_that_others_use_is_upgraded_only_when_that_is_asked_for(request, capsys):
    address = postgres.new_database(request.getfixturevalue("server"))
    engine = sa.create_engine(address)
    with engine.begin() as connection:
        schema.metadata.create_all(connection, tables=[schema.artefact, schema.revision])
    engine.dispose()

    with pytest.raises(WorkspaceError, match=r"of version 1, and .* run journey upgrade"):
        Workspace.open(address)
    assert cli.main(["upgrade", "-w", address]) == 0
    assert "of version 2; it was of version 1" in capsys.readouterr().out

    with contextlib.closing(Workspace.open(address)) as space:
        assert space.verify() == []


def test_a_newer_store_is_opened_for_reading_and_says_so(space, place):
    space.close()
    tamper(
        place,
        "UPDATE alembic_version SET version_num = '9'",
        "ALTER TABLE audit ADD COLUMN more TEXT",
    )

    with contextlib.closing(Workspace.open(place)) as newer:
        assert newer.journey.label == "Test"
        assert newer.read_only
        with pytest.raises(
            WorkspaceError, match=r"newer journey-widgets \(version 9; this one knows 2\)"
        ):
            newer.save(newer.journey.model_copy(update={"label": "No"}))


def test_a_store_that_is_upgraded_meanwhile_takes_no_more_saves(space, place):
    tamper(place, "UPDATE alembic_version SET version_num = '9'")

    with pytest.raises(WorkspaceError, match="made by a newer journey-widgets"):
        space.save(space.journey.model_copy(update={"label": "No"}))


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_steps_lead_to_the_same_tables_as_making_them_at_once(kind, tmp_path, request):
    address = f"sqlite:///{tmp_path}/s.sqlite"
    if kind == "postgresql":
        address = postgres.new_database(request.getfixturevalue("server"))
    engine = sa.create_engine(address)
    with engine.begin() as connection:
        _all_steps(connection)
        assert compare_metadata(MigrationContext.configure(connection), schema.metadata) == []
        assert schema.version_of(connection) == schema.VERSION
    engine.dispose()


def _all_steps(connection):
    """Run every step, from nothing."""
    schema.version.create(connection)
    schema.upgrade(connection, "0")


def test_an_empty_database_that_is_opened_for_reading_says_so(server):
    address = postgres.new_database(server)
    with (
        contextlib.closing(Workspace.open(address, read_only=True)) as space,
        pytest.raises(WorkspaceError, match="holds no workspace yet"),
    ):
        space.rev("journey")


def test_a_file_that_is_not_there_is_not_made_by_looking_at_it(tmp_path):
    with pytest.raises(WorkspaceError, match="There is no file"):
        Workspace.open(f"sqlite:///{tmp_path}/none.sqlite", read_only=True)

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("level", ["repeatable read", "serializable"])
def test_the_databases_own_isolation_changes_nothing(server, level):
    address = postgres.new_database(server)
    engine = sa.create_engine(address)
    with engine.begin() as connection:
        name = address.rpartition("/")[2]
        connection.execute(
            sa.text(f"ALTER DATABASE {name} SET default_transaction_isolation = '{level}'")
        )
    engine.dispose()
    with contextlib.closing(Workspace.open(address)) as space, ThreadPoolExecutor(4) as pool:
        first = Touchpoint(id="offer", label="Offer", stage="decision")
        space.save(Journey.draft("Test", touchpoints=[first]))

        def add(n):
            with contextlib.closing(Workspace.open(address)) as own:
                for m in range(10):
                    assert isinstance(own.save(add_note(own.journey, f"n{n}_{m}", "x")), Saved)

        list(pool.map(add, range(4)))
        assert space.rev("journey") == 41


def test_a_schema_that_the_address_names_is_the_one_that_is_used(server):
    address = postgres.new_database(server)
    engine = sa.create_engine(address)
    with engine.begin() as connection:
        connection.execute(sa.text("CREATE SCHEMA team"))
    Workspace.open(f"{address}?options=-csearch_path%3Dteam").close()

    assert sa.inspect(engine).has_table("revision", schema="team")
    assert not sa.inspect(engine).has_table("revision", schema="public")
    engine.dispose()


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("postgresql+psycopg://ann:secret@127.0.0.1:1/x", "cannot be used: connection failed"),
        ("mysql://ann:secret@h/x", "SQLite or PostgreSQL; mysql was found"),
        ("postgresql+psycopg://ann:secret@h:port/x", "This is no address of a database"),
    ],
)
def test_an_address_that_leads_nowhere_is_said_without_its_password(address, said):
    with pytest.raises(Exception, match=said) as found:
        Workspace.open(address)

    assert "secret" not in str(found.value)


def test_a_folder_keeps_its_documents_in_the_teams_database_where_it_says_so(
    space, place, tmp_path, request
):
    address = place if "://" in place else postgres.new_database(request.getfixturevalue("server"))
    folder = tmp_path / "team"
    Workspace.create(folder).close()
    settings = folder / "workspace.yaml"
    settings.write_text(settings.read_text("utf-8") + f"store: {address}\n", "utf-8")

    with contextlib.closing(Workspace.open(folder)) as team:
        team.save(space.journey.model_copy(update={"label": "Ours"}), base_rev=team.rev("journey"))
    with contextlib.closing(Store(address)) as store:
        assert "Ours" in store.head("journey").body


@pytest.mark.parametrize(
    "store", ["postgresql://ann:secret@h/x", "postgresql://h/x?password=secret", "sqlite:///x"]
)
def test_an_address_with_a_password_or_of_something_else_does_not_stand_in_the_file(
    store, tmp_path
):
    Workspace.create(tmp_path / "w").close()
    settings = tmp_path / "w" / "workspace.yaml"
    settings.write_text(settings.read_text("utf-8") + f"store: {store}\n", "utf-8")

    with pytest.raises(Exception, match="without a password"):
        Workspace.open(tmp_path / "w")
