"""Who may do what, and that it is noted who did: the same in a folder and in a database."""

import contextlib
import json
import shutil
from pathlib import Path

import pytest

from journey_widgets import Workspace, cli
from journey_widgets.errors import AccessError, WorkspaceError
from workspace.conftest import tamper


@pytest.fixture
def team(space):
    """A workspace with an admin (tester), an editor and a viewer."""
    space.grant("tester", "admin")
    space.grant("eva", "editor")
    space.grant("vic", "viewer")
    return space


@pytest.fixture
def as_somebody(place, monkeypatch):
    """Open the workspace under another name."""
    with contextlib.ExitStack() as stack:

        def opened(name, **options):
            monkeypatch.setenv("JOURNEY_AUTHOR", name)
            return stack.enter_context(contextlib.closing(Workspace.open(place, **options)))

        yield opened


def renamed(workspace, label):
    return workspace.journey.model_copy(update={"label": label})


def test_where_nobody_is_named_everybody_may_do_everything(space, as_somebody):
    other = as_somebody("anybody")

    other.save(renamed(other, "Other"))

    assert other.member.role == "admin"
    assert space.members().empty
    assert space.journey.label == "Other"


def test_a_viewer_reads_an_editor_saves_and_who_is_not_named_does_neither(team, as_somebody):
    editor, viewer, nobody = (as_somebody(n) for n in ("eva", "vic", "bob"))

    editor.save(renamed(editor, "Edited"))
    assert viewer.journey.label == "Edited"
    with pytest.raises(
        AccessError, match="'vic' is a viewer here, and to save an editor or admin was needed"
    ):
        viewer.save(renamed(viewer, "No"))
    for look in (
        lambda: nobody.journey,
        lambda: nobody.history("journey"),
        nobody.members,
        nobody.audit,
    ):
        with pytest.raises(
            AccessError, match=r"'bob' is not named in this workspace. Ask 'tester'"
        ):
            look()
    with pytest.raises(AccessError, match="'bob' is not named"):
        nobody.save(team.journey, base_rev=2)

    assert team.rev("journey") == 2


def test_rights_are_looked_at_with_each_save_and_not_when_it_was_opened(team, as_somebody):
    editor = as_somebody("eva")
    editor.save(renamed(editor, "Once"))
    mine = renamed(editor, "Twice")

    team.grant("eva", "viewer")

    with pytest.raises(AccessError, match="is a viewer here"):
        editor.save(mine)
    team.grant("eva", "")
    with pytest.raises(AccessError, match="is not named"):
        editor.journey  # noqa: B018 - reading is what is refused


def test_only_an_admin_names_others_and_one_is_always_left(team, as_somebody):
    editor = as_somebody("eva")
    with pytest.raises(AccessError, match="to do that an admin was needed"):
        editor.grant("eva", "admin")
    with pytest.raises(WorkspaceError, match="needs an admin"):
        team.grant("tester", "viewer")
    with pytest.raises(WorkspaceError, match="needs an admin"):
        team.grant("tester", "")
    with pytest.raises(WorkspaceError, match=r"no role 'edtor'. Did you mean 'editor'"):
        team.grant("eva", "edtor")
    with pytest.raises(WorkspaceError, match="'evi' is not named"):
        team.grant("evi", "")

    team.grant("eva", "admin")
    team.grant("tester", "viewer")

    assert editor.member.role == "admin"
    assert dict(zip(team.members()["name"], team.members()["role"], strict=True)) == {
        "vic": "viewer", "eva": "admin", "tester": "viewer",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("name", "role", "said"),
    [
        ("tester", "viewer", "Name yourself as admin first"),
        (
            "vic",
            "admin",
            "The first one named is whoever names: journey member tester --role admin",
        ),
        ("", "admin", "no name that anybody signs in with"),
        (" vic", "admin", "no name that anybody signs in with"),
    ],
)
def test_the_first_who_is_named_is_whoever_names_as_admin(space, name, role, said):
    with pytest.raises(WorkspaceError, match=said):
        space.grant(name, role)

    assert space.members().empty


@pytest.mark.parametrize("rows", [{"region": "north"}, {"region": [1]}, {"region": []}])
def test_rows_are_lists_of_texts(team, rows):
    with pytest.raises(WorkspaceError, match="Rows are columns with lists of texts"):
        team.grant("nora", "viewer", rows=rows)

    assert "nora" not in set(team.members()["name"])


def test_rights_hold_for_who_opened_the_store_before_it_was_upgraded(tmp_path, monkeypatch):
    folder = tmp_path / "old"
    Workspace.create(folder).close()
    shutil.copy(Path(__file__).with_name("stores") / "version_1.sqlite", folder / "store.sqlite")
    monkeypatch.setenv("JOURNEY_AUTHOR", "bob")
    with contextlib.closing(Workspace.open(folder, read_only=True)) as before:
        assert before.journey.label == "Renamed twice"
        monkeypatch.setenv("JOURNEY_AUTHOR", "tester")
        with contextlib.closing(Workspace.open(folder)) as space:
            space.grant("tester", "admin")

        for look in (lambda: before.journey, lambda: before.member):
            with pytest.raises(AccessError, match="'bob' is not named"):
                look()


def test_the_audit_tells_who_did_what_from_which_revision_and_who_was_refused(team, as_somebody):
    viewer = as_somebody("vic")
    mine = renamed(viewer, "No")
    with pytest.raises(AccessError):
        viewer.save(mine)
    team.save(renamed(team, "Yes"))

    told = team.audit()

    assert list(told["what"]) == ["saved", "refused", "role", "role", "role", "saved", "made"]
    assert list(told["id"]) == [7, 6, 5, 4, 3, 2, 1]
    saved, refused = told.iloc[0], told.iloc[1]
    assert (saved["who"], saved["about"], saved["from_rev"], saved["rev"]) == (
        "tester",
        "journey",
        1,
        2,
    )
    assert (refused["who"], refused["about"], refused["from_rev"]) == ("vic", "journey", 1)
    assert "is a viewer here" in refused["detail"]
    assert json.loads(told.iloc[2]["detail"]) == {"role": "viewer", "rows": {}}


def test_in_a_database_the_audit_names_the_login_too(team, place):
    assert set(team.audit()["login"]) == ({"journey"} if "://" in place else {""})


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("UPDATE audit SET who = 'other' WHERE id = 4", "audit row 4: was changed"),
        (
            "UPDATE audit SET detail = replace(detail, 'viewer', 'admin') WHERE id = 5",
            "audit row 5: was changed",
        ),
        ("DELETE FROM audit WHERE id = 3", "row 3 was needed before it"),
        ("DELETE FROM audit", "its first rows are missing"),
        (
            "DELETE FROM revision WHERE rev = 2",
            "revision 2: the audit says that it was saved; it is missing",
        ),
    ],
)
def test_a_row_changed_behind_our_back_is_found(team, place, statement, said):
    team.save(renamed(team, "Second"))
    assert team.verify() == []
    tamper(place, statement)

    assert any(said in fault for fault in team.verify())


def test_a_revision_that_the_audit_does_not_know_is_found(space, place):
    for label in ("Second", "Third"):
        space.save(renamed(space, label))
    tamper(place, "DELETE FROM audit WHERE id > 2")

    assert "journey revision 3: the audit does not know who saved it." in space.verify()


def test_where_the_audit_is_gone_nobody_may_do_anything(team, place):
    tamper(place, "DELETE FROM audit")

    with pytest.raises(AccessError, match="No admin is left"):
        team.journey  # noqa: B018 - reading is what is refused


@pytest.mark.parametrize("name", ["a\0b", "x" * 201, "half \ud800"])
def test_a_name_that_cannot_be_stored_is_refused(space, name):
    with pytest.raises(WorkspaceError, match="A name has"):
        space.grant(name, "admin")


def test_a_note_that_cannot_be_stored_is_refused_and_nothing_is_saved(space):
    with pytest.raises(WorkspaceError, match="The note of a save has a character"):
        space.save(renamed(space, "x"), note="a\0b")

    assert space.rev("journey") == 1


def test_text_from_people_is_never_a_statement(space):
    hostile = "'); DROP TABLE revision; --"
    space.grant("tester", "admin")
    space.grant(hostile, "admin")
    space.save(renamed(space, hostile), note=hostile, save_id=hostile)

    assert space.verify() == []
    assert space.history("journey")["note"].tolist() == [hostile, "first"]


def test_the_commands_name_people_and_tell_what_was_done(space, place, capsys):
    assert cli.main(["member", "-w", place]) == 0
    assert "Nobody is named" in capsys.readouterr().out
    assert cli.main(["member", "tester", "--role", "admin", "-w", place]) == 0
    assert (
        cli.main(
            [
                "member",
                "vic",
                "--role",
                "viewer",
                "--rows",
                "region=north",
                "--rows",
                "region=south",
                "-w",
                place,
            ]
        )
        == 0
    )
    assert "viewer  vic   only region=north, south" in capsys.readouterr().out
    assert cli.main(["member", "vic", "-w", place]) == 2
    assert cli.main(["member", "vic", "--role", "viewer", "--rows", "north", "-w", place]) == 2
    assert "region=north" in capsys.readouterr().err
    assert cli.main(["member", "vic", "--remove", "-w", place]) == 0

    assert cli.main(["audit", "-w", place]) == 0
    said = capsys.readouterr().out
    assert "saved journey 0 → 1" in said
    assert said.count("role vic") == 2
    assert cli.main(["audit", "--json", "-w", place]) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [r["prev_sha256"] for r in rows[1:]] == [r["sha256"] for r in rows[:-1]]
