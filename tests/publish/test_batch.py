"""A batch makes what is missing, keeps every good report, and is taken up again wherever it was stopped."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import closing
from datetime import date

import numpy as np
import pandas as pd
import psutil
import pytest

from journey_widgets import Workspace, cli
from journey_widgets.errors import (
    DocumentError,
    FindingsError,
    InfrastructureError,
    ParameterError,
    WorkspaceError,
)
from journey_widgets.publish import batch as batches
from journey_widgets.publish.batch import run_batch
from journey_widgets.publish.page import open_page
from journey_widgets.publish.report_plan import (
    ReportSpec,
    as_of_value,
    inputs,
    periods,
    read_reports,
    runs,
)
from journey_widgets.publish.report_worker import Worker
from journey_widgets.publish.run_notebook import content_hash
from journey_widgets.publish.schedule import history
from publish.test_parameters import TAGGED, notebook
from support.processes import of_workspace

DAY = date(2026, 8, 16)
START = ('segment: str = "all"  # which\nwait: float = 0.0  # seconds', TAGGED)
WORKER = (
    "import psutil\n"
    "worker = next(p.pid for p in psutil.Process().parents() if 'run_notebook' in str(p.cmdline()))\n"
)
"""How a notebook finds the worker that runs it."""
UNITS = "segment\none\ntwo\nthree\nfour\n"
SAYS = "'a report of ' + segment"


@pytest.fixture
def plain(tmp_path):
    """A workspace without sources, with a report of four rows of a table."""
    space = Workspace.create(tmp_path / "plain")
    space.close()
    (tmp_path / "plain" / "units.csv").write_text(UNITS, "utf-8")
    write(tmp_path / "plain", each="{notebook: r, for_each: {table: units.csv}}")
    return tmp_path / "plain"


def write(workspace, **reports):
    lines = "".join(f"  {name}: {text}\n" for name, text in reports.items())
    (workspace / "reports.yaml").write_text(f"schema: reports/1\nreports:\n{lines}", "utf-8")


def statuses(found):
    return [r["status"] for r in found.manifest["runs"]]


def contents(folder):
    return {
        p.name: json.loads(p.read_text("utf-8"))["content"]
        for p in sorted(folder.glob("each-*.json"))
    }


# the plan


def test_a_report_is_made_for_each_segment_of_the_log_and_for_the_last_month(made_example):
    with closing(Workspace.open(made_example)) as space:
        spec = ReportSpec.model_validate(
            {
                "notebook": "overview",
                "period": "month",
                "for_each": {"segment": ["device", "region"]},
            }
        )
        found = runs(space, "monthly", spec, DAY, inputs(space))

    assert [r.values["segment"] for r in found] == [
        "device=desktop", "device=mobile", "region=centre", "region=north", "region=south",
    ]  # fmt: skip
    assert {r.values["as_of"] for r in found} == {"2026-07"}
    assert len({r.stem for r in found}) == len({r.key for r in found}) == 5


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ("{notebook: overvew}", "no report 'overvew'.*overview"),
        ("{notebook: overview, parameters: {sgment: x}}", "no parameter 'sgment'.*segment"),
        ("{notebook: overview, for_each: {segment: [devise]}}", "for_each names 'devise'.*device"),
        ("{notebook: overview, for_each: {table: ../units.csv}}", "outside the workspace"),
        ("{notebook: overview, for_each: {table: none.csv}}", "There is no file"),
        ("{notebook: overview, for_each: {table: twice.csv}}", "two of its reports have the same parameters"),
        ("{notebook: overview, for_each: {table: short.csv}}", "row 2, has 2 cells and not 1"),
        ("{notebook: overview, parameters: {segment: x}, for_each: {segment: [device]}}", "given by the report and by"),
        ("{notebook: journey_map, period: day}", "no parameter 'as_of'"),
    ],
)  # fmt: skip
def test_a_report_that_cannot_be_is_refused_before_anything_starts(example, spec, said):
    (example / "twice.csv").write_text("segment\nall\nall\n", "utf-8")
    (example / "short.csv").write_text("segment\nall,more\n", "utf-8")
    write(example, odd=spec)

    with pytest.raises((ParameterError, Exception), match=said):
        run_batch(example, "odd", day=DAY)

    assert not (example / "reports" / "odd").exists()


def test_names_and_files_that_are_not_there_are_said_with_what_to_do(plain, tmp_path):
    with pytest.raises(ParameterError, match="no report 'ech'.*each"):
        run_batch(plain, "ech", day=DAY)
    (plain / "reports.yaml").unlink()
    with pytest.raises(WorkspaceError, match=r"has no reports.yaml. Write one"):
        read_reports(plain)


def test_periods_between_two_days_are_months_or_days():
    monthly, daily = (ReportSpec(notebook="x", period=p) for p in ("month", "day"))

    months = periods(monthly, None, date(2026, 1, 1), date(2026, 3, 30))
    assert [as_of_value("month", d) for d in months] == ["2026-01", "2026-02"]  # March was not over
    with pytest.raises(ParameterError, match="This report has no period"):
        periods(ReportSpec(notebook="x"), None, date(2026, 1, 1), date(2026, 3, 30))
    assert len(periods(daily, None, date(2026, 2, 27), date(2026, 3, 2))) == 4
    assert periods(monthly, DAY) == [DAY]
    for wrong in ((DAY, DAY, DAY), (None, DAY, None), (None, DAY, date(2026, 8, 1))):
        with pytest.raises(ParameterError, match="a first day and a later last one"):
            periods(daily, *wrong)
    with pytest.raises(ParameterError, match="No month ends"):
        periods(monthly, None, date(2026, 1, 2), date(2026, 1, 30))


# made, kept, made anew


def test_what_is_there_and_of_the_same_inputs_is_not_made_again(plain, shelf):
    notebook(shelf / "r.ipynb", START, SAYS)
    first = run_batch(plain, "each", day=DAY, jobs=2)
    assert statuses(first) == ["made"] * 4
    assert first.exit_code == 0
    stems = [r["stem"] for r in first.manifest["runs"]]

    assert statuses(run_batch(plain, "each", day=DAY)) == ["fresh"] * 4

    (first.folder / f"{stems[0]}.html").write_text("not what was made", "utf-8")
    (first.folder / f"{stems[1]}.csv").unlink()
    (first.folder / f"{stems[2]}.json").write_text("{", "utf-8")
    assert statuses(run_batch(plain, "each", day=DAY)) == ["made", "made", "made", "fresh"]

    notebook(shelf / "r.ipynb", START, SAYS, "'and more'")
    dry = run_batch(plain, "each", day=DAY, dry_run=True)
    assert statuses(dry) == ["to make"] * 4
    assert statuses(run_batch(plain, "each", day=DAY, only=["two", "four"])) == [
        "left out", "made", "left out", "made",
    ]  # fmt: skip
    with pytest.raises(ParameterError, match="only 'five' is in no parameter"):
        run_batch(plain, "each", day=DAY, only=["five"])


def test_settings_documents_and_sources_are_part_of_what_a_report_is_made_of(example):
    write(example, each="{notebook: overview}")

    def key():
        with closing(Workspace.open(example)) as space:
            return runs(space, "each", read_reports(example).spec("each"), DAY, inputs(space))[
                0
            ].key

    first = key()
    assert key() == first
    with closing(Workspace.open(example)) as space:
        space.save(space.upsell.model_copy(update={"label": "Others"}))
    second = key()
    tickets = example / "tables" / "answers.csv"
    tickets.write_text(tickets.read_text("utf-8").replace(",5,", ",4,", 1), "utf-8")
    third = key()
    settings = example / "workspace.yaml"
    settings.write_text(settings.read_text("utf-8").replace("EUR", "USD"), "utf-8")
    assert len({first, second, third, key()}) == 4


def test_equal_inputs_have_equal_contents_whenever_they_were_made(plain, shelf):
    notebook(shelf / "r.ipynb", START, SAYS)
    one = contents(run_batch(plain, "each", day=DAY).folder)

    assert contents(run_batch(plain, "each", day=DAY, force=True).folder) == one
    assert len(set(one.values())) == 4


def test_only_the_time_it_was_computed_at_is_left_out_of_the_hash():
    page = "<dl><dt>Computed</dt> <dd>1 May 2026, 10:00</dd><dt>n</dt> <dd>5</dd></dl>"
    later = page.replace("10:00", "11:30")

    assert content_hash(page, "Computed,1 May 2026, 10:00") == content_hash(
        later, "Computed,1 May 2026, 11:30"
    )
    assert content_hash(page, "") != content_hash(page.replace("5", "6"), "")


# what goes wrong


def test_bad_reports_are_explained_and_the_good_ones_are_there(plain, shelf, capsys):
    notebook(shelf / "r.ipynb", START, "assert segment != 'two', 'two is odd'", SAYS)

    code = cli.main(
        ["report", "run", "each", "-w", str(plain), "--as-of", "2026-08-16", "--jobs", "2"]
    )

    told = capsys.readouterr()
    assert code == 4
    assert "AssertionError in cell 1: two is odd" in told.err
    assert "each 2026-08-16: 3 made, 1 failed" in told.out
    folder = plain / "reports" / "each" / "2026-08-16"
    assert len(list(folder.glob("each-*.html"))) == 3
    log = [
        json.loads(line) for line in (folder / "batch.log.jsonl").read_text("utf-8").splitlines()
    ]
    events = [e["event"] for e in log]
    assert (events[0], events[-1]) == ("batch begins", "batch ends")
    assert sum(e["event"] == "report failed" for e in log) == 1


def test_where_all_fail_or_are_refused_the_exit_code_says_so(plain, shelf):
    (plain / "units.csv").write_text("segment\none\ntwo\n", "utf-8")
    notebook(shelf / "r.ipynb", START, "1/0")
    assert run_batch(plain, "each", day=DAY).exit_code == 3
    stop = (
        "from journey_widgets.publish.page import PageStopped\nraise PageStopped('no such segment')"
    )
    notebook(shelf / "r.ipynb", START, stop)

    found = run_batch(plain, "each", day=DAY)

    assert found.exit_code == 2
    assert {r["why"] for r in found.manifest["runs"]} == {"each: no such segment"}


def test_a_report_that_breaks_in_a_new_way_stops_no_other_and_no_place_of_the_machine_is_told(
    plain, shelf, monkeypatch
):
    notebook(shelf / "r.ipynb", START, f"assert segment != 'one', 'no file {plain}/x.csv'", SAYS)
    made = batches.make

    def odd(worker, name, path, values, *more, **about):
        if values["segment"] == "two":
            raise KeyError(values["segment"])
        if values["segment"] == "three":
            raise OSError(28, "No space left on device", "/somewhere")
        return made(worker, name, path, values, *more, **about)

    monkeypatch.setattr(batches, "make", odd)

    found = run_batch(plain, "each", day=DAY)

    assert statuses(found) == ["failed", "failed", "failed", "made"]
    told = [r.get("why", "") for r in found.manifest["runs"]]
    assert "no file the workspace/x.csv" in told[0]
    assert told[1:3] == ["KeyError: 'two'", "it could not be written: No space left on device"]
    for name in ("batch.json", "index.html", "batch.log.jsonl"):
        assert str(plain) not in (found.folder / name).read_text("utf-8")


def test_a_report_that_fails_now_keeps_the_good_one_of_before(plain, shelf):
    notebook(shelf / "r.ipynb", START, SAYS)
    first = run_batch(plain, "each", day=DAY)
    good = {p.name: p.read_bytes() for p in first.folder.glob("each-*")}
    notebook(shelf / "r.ipynb", START, "1/0")

    run_batch(plain, "each", day=DAY)

    assert {n: (first.folder / n).read_bytes() for n in good} == good


def test_a_worker_that_is_killed_has_its_report_made_again(plain, shelf, tmp_path):
    once = tmp_path / "once"
    kill = (
        f"import os, pathlib, signal\nonce = pathlib.Path({str(once)!r})\n{WORKER}"
        "if segment == 'two' and not once.exists():\n    once.touch(); os.kill(worker, signal.SIGKILL)"
    )
    notebook(shelf / "r.ipynb", START, kill, SAYS)

    found = run_batch(plain, "each", day=DAY)

    assert statuses(found) == ["made"] * 4
    assert [r["tries"] for r in found.manifest["runs"]] == [1, 2, 1, 1]


@pytest.mark.parametrize(
    ("cell", "limits", "said"),
    [
        ("import time; time.sleep(600)", {"seconds": 20}, "not done after 20 seconds"),
        ("a = bytearray(400_000_000)\nimport time; time.sleep(60)", {"memory_mb": 500}, "took more than the 500 MB"),
    ],
)  # fmt: skip
def test_a_run_that_takes_too_long_or_too_much_is_ended_and_the_next_one_is_made(
    plain, shelf, cell, limits, said
):
    notebook(
        shelf / "r.ipynb",
        START,
        f"if segment == 'one':\n    {cell.replace(chr(10), chr(10) + '    ')}",
        SAYS,
    )
    write(plain, each="{notebook: r, for_each: {table: two.csv}}")
    (plain / "two.csv").write_text("segment\none\ntwo\n", "utf-8")

    found = run_batch(plain, "each", day=DAY, **limits)

    assert statuses(found) == ["failed", "made"]
    assert said in found.manifest["runs"][0]["why"]
    assert found.exit_code == 4


def test_two_batches_of_the_same_reports_do_not_run_at_once(plain, shelf):
    notebook(shelf / "r.ipynb", START, "import time; time.sleep(3)")
    begun = threading.Event()
    first = threading.Thread(
        target=lambda: run_batch(plain, "each", day=DAY, only=["one"], say=lambda _e: begun.set())
    )
    first.start()
    begun.wait(30)

    with pytest.raises(
        InfrastructureError, match="Another batch is making the reports in each/2026-08-16"
    ):
        run_batch(plain, "each", day=DAY)

    first.join()


def test_nothing_is_published_of_a_workspace_that_changed_while_it_was_made(plain, shelf):
    change = f"open({str(plain / 'workspace.yaml')!r}, 'a').write('about: changed\\n') if segment == 'one' else None"
    notebook(shelf / "r.ipynb", START, change, SAYS)

    found = run_batch(plain, "each", day=DAY, only=["one"])

    assert statuses(found)[0] == "failed"
    assert "changed while it was made" in found.manifest["runs"][0]["why"]
    assert not list(found.folder.glob("each-*.html"))
    assert statuses(run_batch(plain, "each", day=DAY, only=["two"]))[1] == "made"


def test_findings_of_the_severity_named_stop_the_whole_batch(example):
    write(example, each="{notebook: overview, stop_at: error}")

    with pytest.raises(FindingsError, match="each is stopped by .* findings? of severity error"):
        run_batch(example, "each", day=DAY)

    assert not (example / "reports" / "each").exists()
    assert cli.main(["report", "run", "each", "-w", str(example)]) == 1


def test_time_and_memory_of_a_run_are_those_of_the_report_unless_the_command_names_others(
    plain, shelf, monkeypatch
):
    notebook(shelf / "r.ipynb", START, SAYS)
    write(plain, each="{notebook: r, for_each: {table: units.csv}, seconds: 12.5, memory_mb: 300}")
    given = []

    def make(worker, *_given, seconds, **_named):
        given.append((seconds, worker._memory))
        raise ParameterError("no")  # noqa: EM101

    monkeypatch.setattr(batches, "make", make)
    run_batch(plain, "each", day=DAY)
    run_batch(plain, "each", day=DAY, seconds=3, memory_mb=50)

    assert set(given[:4]) == {(12.5, 300.0)}
    assert set(given[4:]) == {(3, 50)}
    write(plain, each="{notebook: r, seconds: 0}")
    with pytest.raises(DocumentError, match="seconds"):
        read_reports(plain)


@pytest.mark.parametrize(
    ("asked", "of"),
    [
        (
            ["--from", "2026-05-20", "--to", "2026-08-02"],
            ["2026-06-01", "2026-07-01", "2026-08-01"],
        ),
        (["--as-of", "2026-08-16", "--only", "two"], ["2026-08-16"]),
    ],
)
def test_what_would_be_made_is_said_and_nothing_is_made(plain, shelf, capsys, asked, of):
    notebook(shelf / "r.ipynb", ('segment: str = "all"\nas_of: str = ""', TAGGED), SAYS)
    write(plain, each="{notebook: r, period: month, for_each: {table: units.csv}}")

    assert cli.main(["report", "run", "each", "-w", str(plain), "--dry-run", *asked]) == 0

    said = capsys.readouterr().out.splitlines()
    assert len(said) == len(of) * (1 if "--only" in asked else 4)
    assert all(line.startswith("to make: each-") for line in said)
    assert not list(plain.rglob("*.html"))


def test_of_a_back_fill_the_last_day_alone_is_sent(plain, shelf, tmp_path, capsys):
    notebook(shelf / "r.ipynb", ('segment: str = "all"\nas_of: str = ""', TAGGED), SAYS)
    (plain / "units.csv").write_text("segment\none\n", "utf-8")
    target = {"folder": str(tmp_path / "share")}
    entry = {
        "notebook": "r",
        "period": "month",
        "for_each": {"table": "units.csv"},
        "deliver": [target],
    }
    write(plain, each=json.dumps(entry))

    code = cli.main(
        ["report", "run", "each", "-w", str(plain), "--from", "2026-05-31", "--to", "2026-06-30"]
    )

    assert code == 0
    assert sorted(p.name for p in (plain / "reports" / "each").iterdir() if p.is_dir()) == [
        "2026-06-01",
        "2026-07-01",
    ]
    assert [p.name for p in (tmp_path / "share" / "each").iterdir()] == ["2026-07-01"]
    assert capsys.readouterr().out.count("delivered") == 1
    ran = history(plain)
    assert [(r["day"], r["code"], r["by"]) for r in ran] == [
        ("2026-06-01", 0, "report run"), ("2026-07-01", 0, "report run"),
    ]  # fmt: skip


SCRIPT = """
import sys
from contextlib import closing
from datetime import date
from pathlib import Path
from journey_widgets import shipped
from journey_widgets.publish.batch import run_batch
shipped.notebooks = lambda: Path(sys.argv[2])
run_batch(Path(sys.argv[1]), "each", day=date(2026, 8, 16), jobs=2)
"""


def test_a_batch_that_is_killed_anywhere_is_taken_up_again_with_the_same_result(
    plain, shelf, tmp_path
):
    notebook(shelf / "r.ipynb", START, SAYS)
    undisturbed = contents(run_batch(plain, "each", day=DAY, out=tmp_path / "calm").folder)
    folder = plain / "reports" / "each" / "2026-08-16"
    rng = np.random.default_rng(5)
    for _turn in range(6):
        process = subprocess.Popen(
            [sys.executable, "-c", SCRIPT, str(plain), str(shelf)], start_new_session=True
        )
        time.sleep(rng.uniform(1.5, 6.0))
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        for page in folder.glob("each-*.html"):
            assert page.read_text("utf-8").rstrip().endswith("</html>")

    found = run_batch(plain, "each", day=DAY)

    assert len(undisturbed) == 4
    assert contents(found.folder) == undisturbed
    names = {p.name for p in found.folder.iterdir()}
    stems = {r["stem"] for r in found.manifest["runs"]}
    assert names == {".lock", "batch.json", "batch.log.jsonl", "index.html"} | {
        f"{s}{e}" for s in stems for e in (".html", ".csv", ".json")
    }
    waited = time.monotonic() + 20
    while of_workspace(plain) and time.monotonic() < waited:
        time.sleep(0.2)
    assert of_workspace(plain) == []


def test_a_run_leaves_no_kernel_and_no_file_open_behind(plain, shelf, tmp_path):
    notebook(shelf / "r.ipynb", START, SAYS)
    seen = []
    with Worker(plain) as worker:
        for turn in range(5):
            folder = tmp_path / f"run{turn}"
            folder.mkdir()
            assert worker.run(shelf / "r.ipynb", folder, {"segment": "x"}, 120)["ok"]
            own = psutil.Process(worker._process.pid)
            seen.append((len(own.children(recursive=True)), own.num_fds()))

    # What is left is what kernels after the first are forked from.
    assert [children for children, _files in seen] == [0, 1, 1, 1, 1]
    assert seen[-1][1] <= seen[1][1] + 2


def test_a_kernel_that_hears_nothing_ends_with_its_worker(plain, shelf, tmp_path):
    deaf = f"import os, re, signal\n{WORKER}os.kill(worker, signal.SIGSTOP)\nre.match(r'(a+)+b', 'a' * 60)"
    notebook(shelf / "r.ipynb", START, deaf)
    with Worker(plain) as worker:
        outcome = worker.run(shelf / "r.ipynb", tmp_path, {"segment": "x"}, 8)

    assert outcome["kind"] == "RunTimeout"
    assert of_workspace(plain) == []


@pytest.mark.parametrize("error", ["RuntimeError", "TimeoutError", "OSError"])
def test_a_fault_in_a_cell_is_not_tried_again_whatever_it_is_called(plain, shelf, tmp_path, error):
    told = tmp_path / "told"
    notebook(shelf / "r.ipynb", START, f"open({str(told)!r}, 'a').write('x')\nraise {error}('no')")

    found = run_batch(plain, "each", day=DAY, only=["one"])

    assert statuses(found)[0] == "failed"
    assert told.read_text() == "x"


def test_what_failed_names_no_place_of_the_machine_and_no_more_is_taken_from_it(plain, shelf):
    said = "no /srv/secret/data.csv, see https://shop.example/help/data or 1/2 of a/b"
    notebook(shelf / "r.ipynb", START, f"raise ValueError({said!r})")

    found = run_batch(plain, "each", day=DAY, only=["one"])

    why = found.manifest["runs"][0]["why"]
    assert "no .../data.csv, see https://shop.example/help/data or 1/2 of a/b" in why


def test_a_folder_that_cannot_be_written_is_said_and_no_error_of_the_system_goes_on(
    plain, shelf, tmp_path
):
    notebook(shelf / "r.ipynb", START, SAYS)
    (tmp_path / "out").write_text("in the way")

    with pytest.raises(InfrastructureError, match="each could not be made: Not a directory"):
        run_batch(plain, "each", day=DAY, out=tmp_path / "out")


def test_what_was_made_before_is_still_there_where_others_are_asked_for(plain, shelf):
    notebook(shelf / "r.ipynb", START, SAYS)
    run_batch(plain, "each", day=DAY, only=["one"])

    found = run_batch(plain, "each", day=DAY, only=["two"])

    assert statuses(found) == ["fresh", "made", "left out", "left out"]


def test_where_a_page_says_that_the_machine_failed_the_report_failed_and_was_not_refused(
    plain, shelf, tmp_path
):
    told = tmp_path / "told"
    broken = (
        "from journey_widgets.errors import InfrastructureError\n"
        "from journey_widgets.publish.page import said_on_the_page\n"
        f"open({str(told)!r}, 'a').write('x')\n"
        "with said_on_the_page():\n    raise InfrastructureError('The store does not answer.')"
    )
    notebook(shelf / "r.ipynb", START, broken)

    found = run_batch(plain, "each", day=DAY, only=["one"])

    assert statuses(found)[0] == "failed"
    assert "The store does not answer" in found.manifest["runs"][0]["why"]
    assert told.read_text() == "xx"  # tried once more


def test_once_the_workspace_has_changed_nothing_more_is_begun(plain, shelf, tmp_path):
    told = tmp_path / "told"
    settings = plain / "workspace.yaml"
    notebook(
        shelf / "r.ipynb", START, f"open({str(told)!r}, 'a').write('x')",
        f"open({str(settings)!r}, 'a').write('about: changed\\n') if segment == 'one' else None",
    )  # fmt: skip

    found = run_batch(plain, "each", day=DAY)

    assert statuses(found) == ["failed"] * 4
    assert "not begun: the workspace changed" in found.manifest["runs"][3]["why"]
    assert told.read_text() == "x"


def test_a_page_with_carriage_returns_is_fresh_too(plain, shelf):
    notebook(shelf / "r.ipynb", START, "from IPython.display import HTML\nHTML('<p>a\\r\\nb</p>')")
    found = run_batch(plain, "each", day=DAY)
    assert b"\r\n" in (found.folder / f"{found.manifest['runs'][0]['stem']}.html").read_bytes()

    assert statuses(run_batch(plain, "each", day=DAY)) == ["fresh"] * 4


def test_a_worker_that_cannot_be_made_is_said_for_each_of_its_reports(plain, shelf, monkeypatch):
    notebook(shelf / "r.ipynb", START, SAYS)

    def none(*_given, **_more):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(batches, "Worker", none)

    found = run_batch(plain, "each", day=DAY)

    assert statuses(found) == ["failed"] * 4
    assert found.exit_code == 3
    assert "No space left" in (found.folder / "batch.log.jsonl").read_text("utf-8")


def test_reports_are_not_called_as_the_files_of_a_batch(plain):
    write(plain, index="{notebook: r}")

    with pytest.raises(
        DocumentError, match="a report is called 'index', as a file of every batch is"
    ):
        read_reports(plain)


def test_an_earlier_batch_that_is_damaged_ends_nothing(plain, shelf):
    notebook(shelf / "r.ipynb", START, SAYS)
    earlier = plain / "reports" / "each" / "2026-07-01"
    earlier.mkdir(parents=True)
    (earlier / "batch.json").write_text("{", "utf-8")

    found = run_batch(plain, "each", day=DAY)

    assert found.exit_code == 0
    assert "no earlier batch that can be compared" in (found.folder / "index.html").read_text(
        "utf-8"
    )


def test_a_segment_of_many_values_is_planned_and_its_page_opens(tmp_path, monkeypatch):
    monkeypatch.setenv("JOURNEY_MODE", "report")
    space = Workspace.create(tmp_path / "shops")
    rows = [(f"c{i}", "2026-01-01", "x", f"shop\u00a0{i % 60}") for i in range(600)]
    pd.DataFrame(rows, columns=["who", "at", "what", "shop"]).to_csv(
        tmp_path / "shops" / "log.csv", index=False
    )
    (tmp_path / "shops" / "sources.yaml").write_text(
        "schema: sources/1\nevents:\n  file: log.csv\n  keep: [shop]\n"
        "  columns: {customer_id: who, ts: at, event: what}\n", "utf-8",
    )  # fmt: skip
    space.close()
    spec = ReportSpec.model_validate({"notebook": "overview", "for_each": {"segment": ["shop"]}})
    with closing(Workspace.open(tmp_path / "shops")) as space:
        found = runs(space, "shops", spec, DAY, inputs(space))

    assert len(found) == 60
    page = open_page("Shops", workspace=str(tmp_path / "shops"), segment=found[7].values["segment"])
    assert page.index.customers() == 10


@pytest.fixture
def interrupts():
    """Interrupts are heard, also where whoever started the tests had them ignored, as shells in the background do."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interrupts")
@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_a_command_that_is_ended_says_so_by_its_exit_code_and_ends_its_workers(plain, shelf, how):
    begun = plain / "begun"
    notebook(shelf / "r.ipynb", START, f"open({str(begun)!r}, 'w')\nimport time; time.sleep(60)")
    command = (
        "import sys\nfrom pathlib import Path\nfrom journey_widgets import cli, shipped\n"
        "shipped.notebooks = lambda: Path(sys.argv[2])\n"
        "sys.exit(cli.main(['report', 'run', 'each', '-w', sys.argv[1], '--as-of', '2026-08-16']))"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", command, str(plain), str(shelf)], stderr=subprocess.PIPE
    )
    waited = time.monotonic() + 60
    while not begun.exists() and time.monotonic() < waited:
        time.sleep(0.2)

    process.send_signal(how)
    _out, said = process.communicate(timeout=30)

    assert process.returncode == 4
    assert b"Start it again to make what is missing" in said
    assert of_workspace(plain) == []


@pytest.mark.usefixtures("interrupts")
def test_a_batch_stopped_by_hand_ends_its_workers(plain, shelf):
    notebook(shelf / "r.ipynb", START, "import time; time.sleep(60)")

    def stop(event):
        if event["event"] == "report begins":
            threading.Timer(2.0, lambda: os.kill(os.getpid(), signal.SIGINT)).start()

    with pytest.raises(KeyboardInterrupt):
        run_batch(plain, "each", day=DAY, only=["one"], say=stop)

    assert of_workspace(plain) == []
    assert batches.MANIFEST not in {
        p.name for p in (plain / "reports" / "each" / "2026-08-16").iterdir()
    }
