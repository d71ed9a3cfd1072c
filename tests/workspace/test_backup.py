"""A backup is whole or not there, and a store comes back from it: in a folder, a database, from one into the other."""

import contextlib
import stat

import pytest

from journey_widgets import Workspace, cli
from journey_widgets.errors import WorkspaceError
from journey_widgets.workspace.backup import back_up, restore
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
            [a for a in space.audit().to_dict("records") if a["what"] != "restored"],
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


def test_a_backup_is_of_one_moment_while_others_save(full, place, tmp_path):
    other = Workspace.open(place)
    with (
        contextlib.closing(Store(_address(place), who="tester")) as store,
        contextlib.closing(other),
    ):
        with store.all_at_once() as _held:
            many = back_up(store, tmp_path / "b.sqlite")
        other.save(other.journey.model_copy(update={"label": "Later"}))

    assert many == 3
