"""The command's words and exit codes: 0 done, 1 findings, 2 bad input, 3 infrastructure."""

import json
import socket

import pytest

from journey_widgets.cli import main


def run(capsys, *arguments):
    code = main([str(a) for a in arguments])
    captured = capsys.readouterr()
    assert "Traceback" not in captured.err
    return code, captured.out, captured.err


def test_new_check_export_and_import_work_on_a_template(tmp_path, capsys):
    space = tmp_path / "space"

    assert run(capsys, "new", space, "--template", "phone_retailer")[0] == 0
    code, out, _err = run(capsys, "check", space)
    assert code == 1
    assert "events: 81,653 rows read, 0 set aside" in out
    assert "Error ROW-01: Review: nobody is accountable." in out
    assert out.rstrip().endswith("1 error, 4 warnings, 20 notes, 1 acknowledged")
    assert run(capsys, "export", space)[0] == 0
    raci = space / "documents" / "raci.csv"
    raci.write_text(
        raci.read_text("utf-8").replace("review,Review,advocacy,R,", "review,Review,advocacy,R/A,")
        + "referral,Referral,advocacy,,,,,,R/A,\n",
        "utf-8",
    )
    impact = space / "documents" / "cross_impact.csv"
    impact.write_text(
        impact.read_text("utf-8").replace(
            "is open,marketing_manager,,", "is open,marketing_manager,nps,"
        )
        + "consensus,upgrade_offer,satisfaction,0,,Talked about\n",
        "utf-8",
    )
    code, out, _err = run(capsys, "import", space, "--note", "settled")
    assert code == 0
    assert "raci: revision 2" in out
    assert "journey: unchanged, revision 1" in out
    assert run(capsys, "check", space)[:2] == (0, run(capsys, "check", space)[1])
    assert run(capsys, "verify", space)[1] == "Every revision is as it was saved.\n"


def test_findings_are_had_as_json(example, capsys):
    code, out, _err = run(capsys, "check", example, "--json", "--publishing")

    assert code == 1
    found = [(f["code"], f["severity"], bool(f["acknowledged"])) for f in json.loads(out)]
    assert found[:4] == [
        ("LNK-01", "error", False), ("ROW-01", "error", False), ("MAT-01", "error", False),
        ("ROW-11", "warn", True),
    ]  # fmt: skip


def test_an_import_that_clashes_is_a_finding_and_changes_nothing(example, capsys):
    from journey_widgets import Workspace

    run(capsys, "export", example)
    file = example / "documents" / "journey.yaml"
    file.write_text(
        file.read_text("utf-8").replace("label: Buying", "label: By hand, buying", 1), "utf-8"
    )
    space = Workspace.open(example)
    space.save(space.journey.model_copy(update={"label": "By widget"}))

    code, _out, err = run(capsys, "import", example)

    assert code == 1
    assert "journey: Not saved: somebody else changed the same place." in err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["check", "nowhere"], "nowhere is no workspace"),
        (["new", ".", "--template", "x"], "not empty"),
        (["new", "space", "--template", "phone"], "Did you mean 'phone_retailer'"),
        (["report", "overvew"], "Did you mean 'overview'"),
        (["report", "overview", "-p", "segment"], "KEY=VALUE was needed"),
        (["report", "overview", "-p", "segment=a", "-p", "segment=b"], "given twice"),
        (["report", "overview", "-p", "sgment=a"], "Did you mean 'segment'"),
        (["report", "journey_map", "-p", "max_steps=many"], "is not a value of kind int"),
        (["serve", "nowhere"], "nowhere is no workspace"),
    ],
)
def test_bad_input_is_one_sentence_and_code_2(tmp_path, monkeypatch, capsys, arguments, said):
    (tmp_path / "file").write_text("x")
    monkeypatch.chdir(tmp_path)

    code, out, err = run(capsys, *arguments)

    assert code == 2
    assert said in err
    assert out == ""
    assert len(err.strip().splitlines()) == 1
    assert {p.name for p in tmp_path.iterdir()} == {"file"}


SOURCES = "schema: sources/1\nevents:\n  file: bad{}\n"
BAD_SOURCES = {
    "empty file": (SOURCES, ".csv", b""),
    "header only": (SOURCES, ".csv", b"customer_id,ts,event\n"),
    "wrong encoding": (
        SOURCES,
        ".csv",
        "customer_id,ts,event\nZoë,2026-01-01,x\n".encode("cp1252"),
    ),
    "binary": (SOURCES, ".csv", bytes(range(256))),
    "missing column": (SOURCES, ".csv", b"who,ts,event\na,2026-01-01,x\n"),
    "bad dates": (SOURCES, ".csv", b"customer_id,ts,event\n" + b"a,2026-01-01,x\na,soon,x\n" * 9),
    "unknown option": (SOURCES + "  delimiter: ';'\n", ".csv", b"a,b\n1,2\n"),
    "duplicate key": (SOURCES + "  file: other.csv\n", ".csv", b"a,b\n1,2\n"),
    "no such zone": (SOURCES + "  time_zone: Mars/Base\n", ".csv", b"a,b\n1,2\n"),
}


@pytest.mark.parametrize("name", BAD_SOURCES)
def test_a_source_that_cannot_be_read_is_one_sentence_with_its_file_and_code_2(
    tmp_path, capsys, name
):
    text, suffix, data = BAD_SOURCES[name]
    space = tmp_path / "space"
    run(capsys, "new", space)
    (space / "sources.yaml").write_text(text.format(suffix), "utf-8")
    (space / f"bad{suffix}").write_bytes(data)

    code, _out, err = run(capsys, "check", space)

    assert code == 2
    assert "bad" in err or "sources.yaml" in err
    assert len(err.strip().splitlines()) == 1
    assert list((space / ".cache").rglob("*.parquet")) == []


def test_a_port_that_is_taken_is_a_fault_of_the_machine(example, capsys):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]

        code, _out, err = run(capsys, "serve", example, "--port", port)

    assert code == 3
    assert f"Port {port} is in use" in err


def test_doctor_names_what_it_looked_at_and_what_is_wrong(example, capsys):
    code, out, _err = run(capsys, "doctor", example)
    assert code == 0
    assert "MISSING" not in out
    for what in ("Python", "voila", "Jupyter kernel", "Voilà template", "store permissions"):
        assert f"ok      {what}" in out

    (example / "store.sqlite").chmod(0o644)
    code, out, _err = run(capsys, "doctor", example)
    assert code == 1
    assert "MISSING store permissions: 644: others can read it; chmod 600" in out


def test_doctor_warns_of_what_is_dangerous_in_other_hands(example, capsys, tmp_path, monkeypatch):
    config = tmp_path / "config"
    config.mkdir()
    (config / "jupyter_server_config.json").write_text(
        '{"ServerApp": {"jpserver_extensions": {"voila.server_extension": true}}}'
    )
    monkeypatch.setenv("JUPYTER_CONFIG_DIR", str(config))
    example.chmod(0o755)

    code, out, _err = run(capsys, "doctor", example)

    assert code == 0
    assert (
        f"WARNING Voilà: {config / 'jupyter_server_config.json'} puts it into every Jupyter server"
        in out
    )
    assert (
        "WARNING folder permissions: 755: others of this machine can look into it; chmod 700" in out
    )


BAD_DOCUMENTS = {
    "unknown letter": (
        "raci.csv",
        "R/A,I,C",
        "R/Z,I,C",
        "Social ad, Marketing manager: 'Z' is no letter",
    ),
    "duplicate id": (
        "journey.yaml",
        "- id: blog_article",
        "- id: social_ad",
        "'social_ad' is given twice",
    ),
    "duplicate row": (
        "raci.csv",
        "\nblog_article,",
        "\nsocial_ad,",
        "'social_ad' was given before",
    ),
    "duplicate key": (
        "journey.yaml",
        "id: phone_purchase",
        "id: a\nid: b",
        "given before, in line 2",
    ),
    "alias bomb": ("journey.yaml", "label: Awareness", "label: &a [x]\n    goal: *a", "aliases"),
    "unknown field": ("roles.yaml", "label: Courier", "lable: Courier", "Did you mean 'label'"),
    "newer schema": ("raci.csv", "raci/2", "raci/7", "newer than this package knows"),
    "no YAML": ("journey.yaml", "stages:", "stages: [", "is not valid YAML"),
    "not UTF-8": ("journey.yaml", "label: Awareness", "label: Caf\udce9", "is not UTF-8"),
}


@pytest.mark.parametrize("name", BAD_DOCUMENTS)
def test_a_document_with_a_fault_is_one_sentence_with_its_file_and_code_2(example, capsys, name):
    file, old, new, said = BAD_DOCUMENTS[name]
    path = example / "documents" / file
    text = path.read_text("utf-8")
    assert old in text
    path.write_bytes(text.replace(old, new, 1).encode("utf-8", "surrogateescape"))

    code, out, err = run(capsys, "import", example)

    assert (code, out) == (2, "")
    assert file in err
    assert said in err
    assert len(err.strip().splitlines()) == 1


def test_a_workspace_is_made_in_the_empty_folder_one_stands_in(tmp_path, monkeypatch, capsys):
    folder = tmp_path / "odd\nname"
    folder.mkdir()
    monkeypatch.chdir(folder)

    assert run(capsys, "new", ".")[0] == 0
    assert (folder / "workspace.yaml").exists()
    assert run(capsys, "check", ".")[0] == 0


@pytest.mark.parametrize("port", ["99999", "-1", "x"])
def test_a_port_that_is_none_is_refused_at_once(example, capsys, port):
    with pytest.raises(SystemExit) as exit_:
        main(["serve", str(example), f"--port={port}"])

    assert exit_.value.code == 2
    assert "is no port" in capsys.readouterr().err


def test_a_command_that_is_stopped_by_hand_is_not_said_to_be_done(example, monkeypatch, capsys):
    def stopped(*_given, **_named):
        raise KeyboardInterrupt

    monkeypatch.setattr("journey_widgets.publish.reports.run_report", stopped)

    assert main(["report", "overview", "-w", str(example)]) == 130
    assert "Stopped." in capsys.readouterr().err
