"""What the store promises: no save lost, none torn, nothing changed after the fact."""

import stat
import subprocess
import sys
from pathlib import Path

import pytest

from journey_widgets import Workspace
from journey_widgets.errors import DocumentError, InfrastructureError, WorkspaceError
from journey_widgets.workspace import Conflict, Saved
from workspace.conftest import tamper
from workspace.savers import add_note

SAVERS = Path(__file__).with_name("savers.py")


def test_eight_processes_that_save_at_once_lose_nothing(space, place):
    workers, saves = 8, 100
    journey = space.journey
    for worker in range(workers):
        journey = add_note(journey, f"w{worker}", "nobody")
    space.save(journey, note="start")
    command = [sys.executable, "-W", "error", str(SAVERS), "race", place]

    running = [subprocess.Popen([*command, str(w), str(saves)]) for w in range(workers)]
    codes = [process.wait() for process in running]

    assert codes == [0] * workers
    notes = space.history("journey")["note"].tolist()
    assert sorted(notes) == sorted(
        ["first", "start", *(f"{w}:{n}" for w in range(workers) for n in range(saves))]
    )
    last = {t.id: t.label for t in space.journey.touchpoints if t.id != "offer"}
    assert last == {f"w{w}": f"{w}:{saves - 1}" for w in range(workers)}
    assert space.verify() == []


def test_a_hundred_kills_in_mid_save_lose_and_tear_nothing(space, place):
    command = [sys.executable, "-W", "error", str(SAVERS), "kill", place, "100"]

    done = subprocess.run(command, capture_output=True, text=True, check=True)

    acknowledged = int(done.stdout)
    assert acknowledged > 100
    assert acknowledged <= space.rev("journey") <= acknowledged + 1
    assert space.verify() == []


def test_a_save_repeated_under_its_name_returns_the_same_revision(space):
    journey = space.journey.model_copy(update={"label": "Renamed"})

    first = space.save(journey, save_id="once")
    again = space.save(journey.model_copy(update={"label": "Other"}), save_id="once")

    assert (first.rev, again.rev) == (2, 2)
    assert again.document.label == "Renamed"
    assert space.rev("journey") == 2


def test_saving_what_is_there_already_makes_no_revision(space):
    result = space.save(space.journey)

    assert (result.rev, result.changed) == (1, False)


def test_edits_of_different_places_merge_and_clashing_ones_come_back(space, place):
    other = Workspace.open(place)
    mine, theirs = space.journey, other.journey

    other.save(add_note(theirs, "added", "Added"))
    merged = space.save(mine.model_copy(update={"label": "Mine"}))
    assert isinstance(merged, Saved)
    assert merged.merged
    assert [t.id for t in merged.document.touchpoints] == ["offer", "added"]
    assert merged.document.label == "Mine"

    other.save(other.journey.model_copy(update={"label": "Theirs"}))
    clash = space.save(merged.document.model_copy(update={"label": "Mine again"}))
    assert isinstance(clash, Conflict)
    assert [c.path for c in clash.clashes] == [("label",)]
    assert "they 'Theirs', you 'Mine again' (was 'Mine')" in str(clash)
    assert space.journey.label == "Theirs"

    settled = space.save(clash.mine, base_rev=clash.theirs_rev)
    assert isinstance(settled, Saved)
    assert space.journey.label == "Mine again"


def test_a_second_save_of_the_same_document_keeps_what_was_merged_in(space, place):
    other = Workspace.open(place)
    mine = space.journey
    other.save(add_note(other.journey, "added", "Added"))

    first = mine.model_copy(update={"label": "First"})
    space.save(first)
    second = space.save(first.model_copy(update={"label": "Second"}))

    assert isinstance(second, Saved)
    assert [t.id for t in space.journey.touchpoints] == ["offer", "added"]
    assert space.journey.label == "Second"


def test_history_tells_who_saved_what_and_restore_adds_to_it(space):
    space.save(space.journey.model_copy(update={"label": "Second"}), note="renamed")

    restored = space.restore("journey", 1)

    history = space.history("journey")
    assert history["rev"].tolist() == [3, 2, 1]
    assert history["note"].tolist() == ["restored revision 1", "renamed", "first"]
    assert set(history["author"]) == {"tester"}
    assert restored.document.label == "Test"
    assert space.document("journey", 2).label == "Second"
    assert space.diff("journey", 1, 2).to_dict("records") == [
        {"place": "label", "change": "changed", "before": "Test", "after": "Second"}
    ]


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("UPDATE revision SET note = 'other' WHERE rev = 2", "revision 2: was changed"),
        (
            "UPDATE revision SET body = replace(body, 'Second', 'Forged') WHERE rev = 2",
            "revision 2: was changed",
        ),
        ("DELETE FROM revision WHERE rev = 2", "revision 2 was needed before it"),
    ],
)
def test_a_row_changed_behind_our_back_is_found(space, place, statement, said):
    for label in ("Second", "Third"):
        space.save(space.journey.model_copy(update={"label": label}))
    tamper(place, statement)

    faults = space.verify()

    assert any(said in fault for fault in faults)


def test_the_store_is_for_its_owner_alone(folder):
    assert stat.S_IMODE((folder.folder / "store.sqlite").stat().st_mode) == 0o600


def test_a_workspace_opened_for_reading_cannot_be_written_by_any_way(folder):
    reader = Workspace.open(folder.folder, read_only=True)

    with pytest.raises(WorkspaceError, match="for reading only"):
        reader.save(reader.journey.model_copy(update={"label": "No"}))
    with pytest.raises(InfrastructureError, match="readonly database"):
        reader._store.append("journey", lambda _head: ("{}", 1), note="", base_rev=1, save_id="x")

    assert folder.rev("journey") == 1


def test_a_document_saved_by_a_newer_version_is_not_misread(space, place):
    tamper(place, "UPDATE revision SET schema_version = 9")

    with pytest.raises(Exception, match="saved by a newer journey-widgets"):
        space.journey  # noqa: B018 - reading is what fails


@pytest.mark.parametrize("data", [b"", b"hello" * 400])
def test_a_damaged_store_is_a_fault_in_words(folder, data):
    folder.close()
    (folder.folder / "store.sqlite").write_bytes(data)

    with pytest.raises(InfrastructureError, match="backup"):
        Workspace.open(folder.folder).rev("journey")


def test_a_body_that_is_no_document_is_said_and_found(space, place):
    tamper(place, "UPDATE revision SET body = '{'")

    with pytest.raises(DocumentError, match="is damaged. Run journey verify"):
        space.journey  # noqa: B018 - reading is what fails
    assert any("was changed after it was saved" in fault for fault in space.verify())


def test_the_name_of_a_save_belongs_to_one_document(space):
    from journey_widgets.roles import Role, RoleRegister

    space.save(space.journey.model_copy(update={"label": "x"}), save_id="once")

    with pytest.raises(WorkspaceError, match="named a save of journey before"):
        space.save(RoleRegister(roles=(Role(id="r", label="R"),)), save_id="once")
