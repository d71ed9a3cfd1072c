"""A backup is whole or not there, and a store comes back from it: in a folder, a database, from one into the other."""

import contextlib
import sqlite3
import stat
import subprocess
import sys

import pytest
import sqlalchemy as sa

from journey_widgets import Workspace, cli
from journey_widgets.errors import InfrastructureError, WorkspaceError
from journey_widgets.workspace import backup, schema
from journey_widgets.workspace.backup import restore
from journey_widgets.workspace.store import Store
from support import postgres
from workspace.conftest import tamper


@pytest.fixture
def full(space):
    """A workspace with a history and a team."""
    for label in ("Second", "Third"):
        space.save(space.journey.model_copy(update={"label": label}), note=label)
    space.grant("tester", "admin")
    return space


def told(place):
    """All that a store says."""
    with contextlib.closing(Workspace.open(place)) as space:
        return (
            space.history("journey").to_dict("records"),
            space.members().to_dict("records"),
            [
                a
                for a in space.audit().to_dict("records")
                if a["what"] not in ("restored", "backed up")
            ],
            [space.document("journey", n).label for n in (1, 2, 3)],
            space.verify(),
        )


@pytest.mark.parametrize("into", ["sqlite", "postgresql"])
def test_a_store_comes_back_from_its_backup_with_history_audit_and_members(
    full, place, into, tmp_path, request
):
    assert cli.main(["backup", str(tmp_path / "b.sqlite"), "-w", place]) == 0
    if into == "sqlite":
        target = str(tmp_path / "other")
        Workspace.create(target).close()
    else:
        target = postgres.new_database(request.getfixturevalue("server"))

    assert cli.main(["restore", str(tmp_path / "b.sqlite"), "-w", target]) == 0

    assert told(target) == told(place)
    with contextlib.closing(Workspace.open(target)) as again:
        saved = again.save(again.journey.model_copy(update={"label": "Fourth"}))
        again.save(again.to_be)
        assert saved.rev == 4
        assert again.audit()["what"].tolist()[:3] == ["saved", "saved", "restored"]
        assert again.verify() == []


def test_a_backup_is_for_its_owner_alone_and_never_written_over(full, place, tmp_path):
    out = tmp_path / "b.sqlite"
    assert cli.main(["backup", str(out), "-w", place]) == 0
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    before = out.read_bytes()

    assert cli.main(["backup", str(out), "-w", place]) == 2

    assert out.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir() if p.name.startswith(".backup")] == []


def test_nothing_is_restored_over_something(full, place, tmp_path):
    cli.main(["backup", str(tmp_path / "b.sqlite"), "-w", place])
    with (
        contextlib.closing(Store(_address(place), who="tester")) as store,
        pytest.raises(WorkspaceError, match="not empty"),
    ):
        restore(store, tmp_path / "b.sqlite")

    assert full.rev("journey") == 3


def _address(place):
    return place if "://" in place else f"sqlite:///{place}/store.sqlite"


def test_in_a_folder_the_store_that_was_there_is_set_aside(folder, tmp_path, capsys):
    place = str(folder.folder)
    cli.main(["backup", str(tmp_path / "b.sqlite"), "-w", place])
    folder.save(folder.journey.model_copy(update={"label": "After"}))
    folder.close()

    assert cli.main(["restore", str(tmp_path / "b.sqlite"), "--replace", "-w", place]) == 0

    assert "store.replaced-" in capsys.readouterr().out
    with contextlib.closing(Workspace.open(place)) as again:
        assert again.rev("journey") == 1
        assert again.verify() == []
    [aside] = folder.folder.glob("store.replaced-*.sqlite")
    with contextlib.closing(Store.in_file(aside, read_only=True)) as kept:
        assert kept.head("journey").rev == 2


@pytest.mark.parametrize("how", ["changed", "torn", "none"])
def test_a_backup_that_is_not_whole_is_refused_and_the_store_stays(folder, tmp_path, how, capsys):
    place, backup = str(folder.folder), tmp_path / "b.sqlite"
    cli.main(["backup", str(backup), "-w", place])
    if how == "changed":
        tamper(f"sqlite:///{backup}", "UPDATE revision SET note = 'other'")
    elif how == "torn":
        backup.write_bytes(backup.read_bytes()[:5000])
    else:
        backup.unlink()
    folder.close()

    assert cli.main(["restore", str(backup), "--replace", "-w", place]) in (2, 3)

    with contextlib.closing(Workspace.open(place)) as again:
        assert again.rev("journey") == 1
    assert list(folder.folder.glob("store.replaced-*")) == []


def test_only_an_admin_backs_up_and_replaces(full, place, tmp_path, monkeypatch, capsys):
    full.grant("vic", "viewer")
    full.close()
    monkeypatch.setenv("JOURNEY_AUTHOR", "vic")

    assert cli.main(["backup", str(tmp_path / "b.sqlite"), "-w", place]) == 2
    assert "'vic' is a viewer here" in capsys.readouterr().err
    assert not (tmp_path / "b.sqlite").exists()


def test_a_viewer_does_not_put_another_store_in_the_place_of_the_first(
    folder, tmp_path, monkeypatch, capsys
):
    place = str(folder.folder)
    cli.main(["backup", str(tmp_path / "before.sqlite"), "-w", place])
    folder.grant("tester", "admin")
    folder.grant("vic", "viewer")
    folder.close()
    monkeypatch.setenv("JOURNEY_AUTHOR", "vic")

    assert cli.main(["restore", str(tmp_path / "before.sqlite"), "--replace", "-w", place]) == 2

    assert "'vic' is a viewer here" in capsys.readouterr().err
    with contextlib.closing(Workspace.open(place)) as again:
        assert again.member.role == "viewer"


def test_a_store_that_somebody_writes_to_is_not_replaced(folder, tmp_path, monkeypatch):
    place = str(folder.folder)
    cli.main(["backup", str(tmp_path / "b.sqlite"), "-w", place])
    monkeypatch.setattr("journey_widgets.workspace.backup.LOCK_SECONDS", 0.2)
    real = backup._hold

    def while_somebody_writes(held):
        writer = sqlite3.connect(folder.folder / "store.sqlite", isolation_level=None)
        writer.execute("BEGIN IMMEDIATE")
        try:
            real(held)
        finally:
            writer.close()

    monkeypatch.setattr(backup, "_hold", while_somebody_writes)

    assert cli.main(["restore", str(tmp_path / "b.sqlite"), "--replace", "-w", place]) == 3
    assert list(folder.folder.glob("store.replaced-*")) == []
    assert folder.rev("journey") == 1


def test_a_store_that_is_damaged_is_set_aside_as_it_is(folder, tmp_path):
    place = str(folder.folder)
    cli.main(["backup", str(tmp_path / "b.sqlite"), "-w", place])
    folder.close()
    (folder.folder / "store.sqlite").write_bytes(b"no database" * 100)

    assert cli.main(["restore", str(tmp_path / "b.sqlite"), "--replace", "-w", place]) == 0

    [aside] = folder.folder.glob("store.replaced-*.sqlite")
    assert aside.read_bytes() == b"no database" * 100
    with contextlib.closing(Workspace.open(place)) as again:
        assert again.rev("journey") == 1


def test_who_had_the_replaced_store_open_saves_into_it_no_more(folder, tmp_path):
    place = str(folder.folder)
    cli.main(["backup", str(tmp_path / "b.sqlite"), "-w", place])

    assert cli.main(["restore", str(tmp_path / "b.sqlite"), "--replace", "-w", place]) == 0

    with pytest.raises(InfrastructureError, match="open the workspace again"):
        folder.save(folder.journey.model_copy(update={"label": "Into the old one"}))


def test_a_backup_of_a_newer_version_is_refused_and_nothing_of_it_is_lost(
    full, place, tmp_path, capsys
):
    cli.main(["backup", str(tmp_path / "b.sqlite"), "-w", place])
    tamper(f"sqlite:///{tmp_path / 'b.sqlite'}", "UPDATE alembic_version SET version_num = '9'")
    Workspace.create(tmp_path / "other").close()

    assert cli.main(["restore", str(tmp_path / "b.sqlite"), "-w", str(tmp_path / "other")]) == 2
    assert "newer journey-widgets" in capsys.readouterr().err


def test_a_store_of_the_first_version_in_a_database_can_be_backed_up_before_its_upgrade(
    server, tmp_path
):
    address = postgres.new_database(server)
    engine = sa.create_engine(address)
    with engine.begin() as connection:
        schema.metadata.create_all(connection, tables=[schema.artefact, schema.revision])
    engine.dispose()

    assert cli.main(["backup", str(tmp_path / "b.sqlite"), "-w", address]) == 0


def test_of_savers_who_open_a_new_folder_at_once_each_finds_the_same_store(tmp_path):
    folder = tmp_path / "new"
    Workspace.create(folder, template="online_shop").close()
    (folder / "store.sqlite").unlink()
    code = "import sys; from journey_widgets import Workspace; print(Workspace.open(sys.argv[1]).rev('journey'))"
    begun = [
        subprocess.Popen(
            [sys.executable, "-c", code, str(folder)], stdout=subprocess.PIPE, text=True
        )
        for _n in range(3)
    ]

    assert {p.communicate(timeout=60)[0].strip() for p in begun} <= {
        "0",
        "1",
    }  # the text may just be on its way
    assert [p.returncode for p in begun] == [0] * 3
    with contextlib.closing(Workspace.open(folder)) as space:
        assert space.rev("journey") == 1
        assert space.verify() == []


def test_a_writer_that_was_killed_keeps_nobody_from_reading(folder):
    file = folder.folder / "store.sqlite"
    folder.close()
    code = (
        "import os, sqlite3, sys\n"
        "c = sqlite3.connect(sys.argv[1], isolation_level=None)\n"
        "c.execute('PRAGMA cache_size = 1')\n"
        "c.execute('BEGIN IMMEDIATE')\n"
        "c.execute('CREATE TABLE big (x)')\n"
        "c.executemany('INSERT INTO big VALUES (?)', [('x' * 4000,)] * 200)\n"
        "os.kill(os.getpid(), 9)\n"
    )
    subprocess.run([sys.executable, "-c", code, str(file)], check=False)
    assert file.with_name("store.sqlite-journal").exists()

    with contextlib.closing(Workspace.open(folder.folder, read_only=True)) as reader:
        assert reader.journey.label == "Test"
