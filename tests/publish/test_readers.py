"""Who may read the dashboards: ways to say who one is, and addresses at which each is enough."""

import os
import stat

import pytest

from journey_widgets.errors import InfrastructureError, ParameterError, WorkspaceError
from journey_widgets.publish import readers
from journey_widgets.publish.readers import FILE, HUB, TOKEN, auth, read_readers, set_password

LOCAL, OTHERS = "127.0.0.1", "0.0.0.0"  # noqa: S104 - nothing listens


def asked(folder, way=None, host=LOCAL, *, allow_edit=False):
    return auth(way, workspace=folder, host=host, allow_edit=allow_edit)


def test_nobody_is_asked_on_this_machine_where_nothing_can_be_saved(tmp_path):
    assert asked(tmp_path).way == "none"


@pytest.mark.parametrize(("host", "allow_edit"), [(OTHERS, False), (LOCAL, True)])
def test_a_token_is_made_where_others_reach_the_address_or_documents_can_be_saved(
    tmp_path, host, allow_edit
):
    one, other = (asked(tmp_path, host=host, allow_edit=allow_edit) for _n in range(2))

    assert one.way == "token"
    assert len(one.token) == 48
    assert one.token != other.token


@pytest.mark.parametrize(
    ("way", "host", "allow_edit", "said"),
    [
        ("none", OTHERS, False, "--auth none cannot be, because others reach 0.0.0.0."),
        ("none", LOCAL, True, "--auth none cannot be, because documents can be saved here."),
        ("token", OTHERS, True, "a token is the same for all"),
        ("readers", LOCAL, False, "journey reader NAME adds one"),
        ("proxy=nginx", LOCAL, False, "the proxy's IP address was needed"),
        ("tokens", LOCAL, False, "There is no --auth 'tokens'. Did you mean 'token'?"),
        ("none=1", LOCAL, False, "There is no --auth 'none=1'."),
    ],
)
def test_a_way_that_is_not_enough_is_refused_in_words(tmp_path, way, host, allow_edit, said):
    with pytest.raises(ParameterError) as error:
        asked(tmp_path, way, host, allow_edit=allow_edit)

    assert said in str(error.value)


def test_a_token_of_ones_own_has_to_be_long(tmp_path, monkeypatch):
    monkeypatch.setenv(TOKEN, "short")
    with pytest.raises(ParameterError, match="5 characters; 16 or more were needed"):
        asked(tmp_path, "token")

    monkeypatch.setenv(TOKEN, "a" * 16)
    assert asked(tmp_path, "token").token == "a" * 16


def test_readers_are_kept_as_hashes_that_nobody_else_can_read(tmp_path):
    set_password(tmp_path, "Mara", "ten letters at least")

    text = (tmp_path / FILE).read_text()
    assert "ten letters" not in text
    assert text.startswith("schema: readers/1\n")
    assert stat.S_IMODE((tmp_path / FILE).stat().st_mode) == 0o600
    assert list(asked(tmp_path, "readers", OTHERS, allow_edit=True).hashes) == ["Mara"]


def test_a_reader_that_is_taken_out_is_gone_and_an_unknown_one_is_said(tmp_path):
    set_password(tmp_path, "Mara", "ten letters at least")
    with pytest.raises(ParameterError, match=r"There is no reader 'Mira'\. Did you mean 'Mara'\?"):
        set_password(tmp_path, "Mira", None)

    set_password(tmp_path, "Mara", None)
    assert read_readers(tmp_path).readers == {}


def test_a_short_password_is_refused(tmp_path):
    with pytest.raises(ParameterError, match="9 characters; 10 or more"):
        set_password(tmp_path, "Mara", "123456789")


@pytest.mark.skipif(os.name != "posix", reason="permissions of POSIX")
def test_hashes_that_others_can_read_are_not_used(tmp_path):
    set_password(tmp_path, "Mara", "ten letters at least")
    (tmp_path / FILE).chmod(0o644)

    with pytest.raises(WorkspaceError, match="chmod 600"):
        read_readers(tmp_path)


def test_a_hub_is_asked_only_by_a_service_that_it_started(tmp_path, monkeypatch):
    for name in HUB:
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(ParameterError, match="JUPYTERHUB_API_TOKEN, .* is not in the environment"):
        asked(tmp_path, "jupyterhub")
    for name in HUB:
        monkeypatch.setenv(name, "told")
    found = asked(tmp_path, "jupyterhub", allow_edit=True)
    assert (found.way, found.secret, found.token, found.names_people) == (
        "jupyterhub",
        "told",
        "",
        True,
    )
    monkeypatch.setattr(readers, "find_spec", lambda _name: None)
    with pytest.raises(InfrastructureError, match=r"pip install 'journey-widgets\[hub\]'"):
        asked(tmp_path, "jupyterhub")
