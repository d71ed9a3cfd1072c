"""Stores of earlier versions are upgraded with nothing lost; newer ones are read and not touched."""

import contextlib
import shutil
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from journey_widgets import Workspace, cli
from journey_widgets.errors import WorkspaceError
from journey_widgets.workspace import schema
from journey_widgets.workspace.store import Store
from support import postgres
from workspace.conftest import tamper

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
        assert space.audit()["rev"].tolist() == [4]

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


def test_an_empty_database_that_is_opened_for_reading_says_so(tmp_path, request):
    for address in (
        f"sqlite:///{tmp_path}/none.sqlite",
        postgres.new_database(request.getfixturevalue("server")),
    ):
        with (
            contextlib.closing(Workspace.open(address, read_only=True)) as space,
            pytest.raises(WorkspaceError, match="holds no workspace yet"),
        ):
            space.rev("journey")


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
