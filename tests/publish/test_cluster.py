"""A batch over a Dask cluster: the same reports and manifests, also where a worker is lost in the midst of it."""

import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager
from datetime import date

import pytest

from journey_widgets import Workspace
from journey_widgets.errors import InfrastructureError, ParameterError
from journey_widgets.publish import cluster as module
from journey_widgets.publish.batch import run_batch
from journey_widgets.publish.dashboards import _free_port
from publish.test_batch import START, WORKER, contents, statuses, write
from publish.test_parameters import notebook
from support.processes import of_workspace

DAY = date(2026, 8, 16)


@contextmanager
def process(*words):
    started = subprocess.Popen(
        [sys.executable, "-W", "ignore", "-m", *words], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )  # fmt: skip
    try:
        yield started
    finally:
        started.kill()
        started.wait()


@pytest.fixture(scope="module")
def scheduler(tmp_path_factory):
    """A real scheduler with two worker processes; its address and the workers' processes."""
    address = f"tcp://127.0.0.1:{_free_port(0)}"
    scratch = str(tmp_path_factory.mktemp("dask"))
    with ExitStack() as stack:
        stack.enter_context(
            process(
                "distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", address.rpartition(":")[2],
                "--no-dashboard",
            )
        )  # fmt: skip
        workers = [
            stack.enter_context(
                process(
                    "distributed.cli.dask_worker", address, "--nthreads", "1", "--no-nanny", "--no-dashboard",
                    "--local-directory", scratch,
                )
            )
            for _n in range(2)
        ]  # fmt: skip
        end = time.monotonic() + 60
        while True:
            try:
                with ExitStack() as tried:
                    from distributed import Client

                    client = tried.enter_context(
                        Client(address, timeout="5s", set_as_default=False)
                    )
                    client.wait_for_workers(2, timeout=30)
                break
            except OSError:
                assert time.monotonic() < end
        yield address, workers


@pytest.fixture
def plain(tmp_path):
    Workspace.create(tmp_path / "plain").close()
    (tmp_path / "plain" / "units.csv").write_text(
        "segment\n" + "".join(f"s{i}\n" for i in range(6)), "utf-8"
    )
    write(tmp_path / "plain", each="{notebook: r, for_each: {table: units.csv}}")
    return tmp_path / "plain"


def test_where_a_worker_is_killed_in_mid_batch_the_others_make_what_this_machine_would_have_made(
    scheduler, plain, shelf, tmp_path
):
    address, workers = scheduler
    told = tmp_path / "told"
    kill = (
        "import os, pathlib, signal, psutil\n"
        f"told = pathlib.Path({str(told)!r})\n"
        "if segment == 's2' and not told.exists():\n"
        "    told.write_text('killed')\n"
        f"    {WORKER.splitlines()[1]}\n"
        "    dask = psutil.Process(worker).ppid()\n"
        "    os.kill(dask, signal.SIGKILL)\n"
        "    import time; time.sleep(60)"
    )
    notebook(shelf / "r.ipynb", START, kill, "'a report of ' + segment")
    events = []

    found = run_batch(plain, "each", day=DAY, cluster=address, say=events.append)

    assert statuses(found) == ["made"] * 6
    assert found.exit_code == 0
    assert sorted(w.poll() is None for w in workers) == [False, True]
    here = run_batch(plain, "each", day=DAY, out=tmp_path / "here")
    assert contents(found.folder) == contents(here.folder)
    assert {p.name for p in found.folder.iterdir()} == {p.name for p in here.folder.iterdir()}
    assert statuses(run_batch(plain, "each", day=DAY)) == ["fresh"] * 6
    end = time.monotonic() + 20
    while of_workspace(plain) and time.monotonic() < end:
        time.sleep(0.2)
    assert of_workspace(plain) == []


def test_a_report_that_breaks_on_the_cluster_is_explained_and_the_others_are_there(
    scheduler, plain, shelf
):
    notebook(shelf / "r.ipynb", START, "assert segment != 's1', 'no'", "'a report of ' + segment")

    found = run_batch(plain, "each", day=DAY, cluster=scheduler[0])

    assert statuses(found) == ["made", "failed", "made", "made", "made", "made"]
    assert "AssertionError in cell 1: no" in found.manifest["runs"][1]["why"]
    assert found.exit_code == 4


def test_workers_of_another_version_are_refused(scheduler, plain, shelf, monkeypatch):
    notebook(shelf / "r.ipynb", START, "1")
    monkeypatch.setattr(module, "made_with", lambda: {"journey_widgets": "9.9 abc"})

    with pytest.raises(InfrastructureError, match="has another journey_widgets than this machine"):
        run_batch(plain, "each", day=DAY, cluster=scheduler[0])


def test_where_no_scheduler_answers_it_is_said(plain, shelf, monkeypatch):
    notebook(shelf / "r.ipynb", START, "1")
    monkeypatch.setattr(module, "CONNECT", "1s")

    with pytest.raises(InfrastructureError, match="No Dask scheduler answers at tcp://127.0.0.1:9"):
        run_batch(plain, "each", day=DAY, cluster="tcp://127.0.0.1:9")
    with pytest.raises(ParameterError, match="a cluster has as many as it has threads"):
        run_batch(plain, "each", day=DAY, cluster="tcp://127.0.0.1:9", jobs=2)


def test_a_worker_that_does_not_see_the_folders_is_told_of_before_anything_starts(
    scheduler, plain, shelf, monkeypatch
):
    address, _workers = scheduler
    notebook(shelf / "r.ipynb", START, "'a report of ' + segment")

    def sees_another(
        marks, _notebook
    ):  # as where workers have a folder of the same name of their own
        return {
            "with": module._made_with(),
            "marks": dict.fromkeys(marks, "another batch"),
            "notebook": True,
        }

    monkeypatch.setattr(module, "_there", sees_another)

    with pytest.raises(
        InfrastructureError, match="does not see the folder plain; a shared one was needed"
    ):
        run_batch(plain, "each", day=DAY, cluster=address)

    assert not list(plain.rglob("*.part"))
    assert not list(plain.rglob("*.html"))
