"""Kernels that are forked are as good as those that are started: of their own, and gone when nobody wants them."""

import json
import os
import signal
import time
from contextlib import closing

import psutil
import pytest

from journey_widgets import Workspace
from journey_widgets.publish import forked_kernels
from journey_widgets.publish.report_worker import Worker
from publish.test_parameters import notebook

TELLS = """
import builtins, json, os, random, sys
import numpy as np
found = {
    "pid": os.getpid(), "group": os.getpgid(0), "folder": os.getcwd(), "seen": getattr(builtins, "seen", False),
    "env": os.environ.get("LEFT", ""), "drawn": [random.random(), float(np.random.rand())],
    "imported": "journey_widgets.publish.page" in sys.modules, "argv": sys.argv[0],
}
builtins.seen = True
os.environ["LEFT"] = "behind"
with open("told.json", "w") as file:
    json.dump(found, file)
"""


@pytest.fixture
def worker(tmp_path):
    with closing(Workspace.create(tmp_path / "space")), Worker(tmp_path / "space") as one:
        yield one


def run(worker, folder, cell=TELLS):
    folder.mkdir()
    book = folder.parent / f"{folder.name}.ipynb"
    notebook(book, cell)
    found = worker.run(book, folder, {}, 60)
    told = folder / "told.json"
    return found, json.loads(told.read_text("utf-8")) if told.exists() else None


def test_each_run_has_a_kernel_of_its_own_that_knows_nothing_of_the_one_before(worker, tmp_path):
    (a, first), (b, second) = (run(worker, tmp_path / name) for name in ("a", "b"))

    assert a["ok"]
    assert b["ok"]
    assert first["pid"] != second["pid"]
    assert [t["group"] for t in (first, second)] == [first["pid"], second["pid"]]
    assert (second["seen"], second["env"]) == (False, "")
    assert first["imported"]
    assert second["folder"] == str(tmp_path / "b")
    assert set(first["drawn"]).isdisjoint(second["drawn"])
    assert not psutil.pid_exists(first["pid"])


def test_when_a_worker_is_killed_its_kernel_ends_too(worker, tmp_path):
    run(worker, tmp_path / "a")
    pid = worker._process.pid
    source = next(p for p in psutil.Process(pid).children() if "forked_kernels" in str(p.cmdline()))
    hangs = "import os, time\nopen('there', 'w').write(str(os.getpid()))\ntime.sleep(600)"
    begun = tmp_path / "b" / "there"

    def end():
        deadline = time.monotonic() + 60
        while not (begun.exists() and begun.read_text()) and time.monotonic() < deadline:
            time.sleep(0.05)
        os.kill(pid, signal.SIGKILL)

    import threading

    ender = threading.Thread(target=end)
    ender.start()
    found, _told = run(worker, tmp_path / "b", hangs)
    ender.join()

    assert not found["ok"]
    kernel = int(begun.read_text())
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and any(map(psutil.pid_exists, (kernel, source.pid))):
        time.sleep(0.1)
    assert not psutil.pid_exists(kernel)
    assert not psutil.pid_exists(source.pid)


def test_a_run_is_made_where_nothing_can_be_forked_from_any_more(worker, tmp_path):
    _a, first = run(worker, tmp_path / "a")
    (source,) = (
        p
        for p in psutil.Process(worker._process.pid).children()
        if "forked_kernels" in str(p.cmdline())
    )
    source.kill()
    while source.is_running() and source.status() != psutil.STATUS_ZOMBIE:
        time.sleep(0.02)

    found, second = run(worker, tmp_path / "b")

    assert found["ok"]
    assert second["argv"].endswith("ipykernel_launcher.py")
    assert second["argv"] != first["argv"]
    assert not second["imported"]


def test_a_kernel_that_has_ended_is_said_to_have(tmp_path):
    gone = psutil.Popen(["sleep", "0"])
    gone.wait()
    kernel = forked_kernels.Kernel(gone.pid)
    assert kernel.poll() == kernel.wait() == 1
    kernel.kill()  # nobody else is hit
