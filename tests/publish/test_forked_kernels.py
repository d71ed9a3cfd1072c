"""Kernels that are forked are as good as those that are started: of their own, and gone when nobody wants them."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import closing
from pathlib import Path

import psutil
import pytest

from journey_widgets import Workspace
from journey_widgets.publish import forked_kernels, report_worker
from journey_widgets.publish.report_worker import Worker
from publish.test_parameters import notebook

TELLS = """
import builtins, json, os, random, sys
import numpy as np
found = {
    "pid": os.getpid(), "group": os.getpgid(0), "folder": os.getcwd(), "seen": getattr(builtins, "seen", False),
    "env": os.environ.get("LEFT", ""), "drawn": [random.random(), float(np.random.rand())],
    "imported": "journey_widgets.publish.page" in sys.modules, "argv": sys.argv, "path": sys.path,
}
import atexit, tempfile
left = tempfile.TemporaryDirectory()
found["left"] = left.name
atexit.register(lambda: open("ended", "w").write("in order"))
unflushed = open("unflushed", "w")
unflushed.write("all of it")
builtins.seen = True
os.environ["LEFT"] = "behind"
with open("told.json", "w") as file:
    json.dump(found, file)
"""


@pytest.fixture
def worker(tmp_path):
    with closing(Workspace.create(tmp_path / "space")), Worker(tmp_path / "space") as one:
        run(one, tmp_path / "first", "")  # is not forked: a kernel alone is there sooner by itself
        assert sources(one) == []
        yield one


def sources(worker):
    below = psutil.Process(worker._process.pid).children()
    return [p for p in below if "forked_kernels" in " ".join(p.cmdline())]


def run(worker, folder, cell=TELLS):
    folder.mkdir()
    book = folder.parent / f"{folder.name}.ipynb"
    notebook(book, cell)
    found = worker.run(book, folder, {}, 60)
    told = folder / "told.json"
    return found, json.loads(told.read_text("utf-8")) if told.exists() else None


def is_gone(pid):
    """Say whether a process has ended, whether or not anybody has taken note of it."""
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


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
    assert is_gone(first["pid"])
    assert first["argv"][1] == "-f"
    for told in (first, second):  # and it ends in order
        folder = Path(told["folder"])
        assert not Path(told["left"]).exists()
        assert (folder / "ended").read_text("utf-8") == "in order"
        assert (folder / "unflushed").read_text("utf-8") == "all of it"


def test_when_a_worker_is_killed_its_kernel_ends_too(worker, tmp_path):
    run(worker, tmp_path / "a")
    pid = worker._process.pid
    (source,) = sources(worker)
    hangs = "import os, time\nopen('there', 'w').write(str(os.getpid()))\ntime.sleep(600)"
    begun = tmp_path / "b" / "there"

    def end():
        deadline = time.monotonic() + 60
        while not (begun.exists() and begun.read_text()) and time.monotonic() < deadline:
            time.sleep(0.05)
        os.kill(pid, signal.SIGKILL)

    ender = threading.Thread(target=end)
    ender.start()
    found, _told = run(worker, tmp_path / "b", hangs)
    ender.join()

    assert not found["ok"]
    kernel = int(begun.read_text())
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and not (is_gone(kernel) and is_gone(source.pid)):
        time.sleep(0.1)
    assert is_gone(kernel)
    assert is_gone(source.pid)


def test_a_run_is_made_where_nothing_can_be_forked_from_any_more(worker, tmp_path):
    _a, first = run(worker, tmp_path / "a")
    (source,) = sources(worker)
    source.kill()
    while source.is_running() and source.status() != psutil.STATUS_ZOMBIE:
        time.sleep(0.02)

    found, second = run(worker, tmp_path / "b")

    assert found["ok"]
    assert second["argv"][0].endswith("ipykernel_launcher.py")
    assert second["argv"][0] != first["argv"][0]
    assert not second["imported"]
    assert second["path"] == first["path"]


def test_a_kernel_that_cannot_be_forked_takes_nobody_with_it(tmp_path):
    """The limit of processes is reached: those who are there stay, and the next is started as everywhere else."""
    script = (
        "import os, sys\nfrom journey_widgets.publish import forked_kernels\nreal, turn = os.fork, iter(range(9))\n"
        "def fork():\n    if next(turn) == 1:\n        raise OSError(11, 'no process left')\n    return real()\n"
        "os.fork = fork\nforked_kernels.main()\n"
    )
    command, env = [sys.executable, "-m", "ipykernel_launcher", "-f"], dict(os.environ)
    with pytest.MonkeyPatch.context() as patch:
        begun = lambda: subprocess.Popen(  # noqa: E731
            [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )  # fmt: skip
        patch.setattr(forked_kernels.Forks, "_begun", staticmethod(begun))
        forks = forked_kernels.Forks()
    first, second, third = (
        forks.kernel([*command, str(tmp_path / f"{n}.json")], env, str(tmp_path)) for n in range(3)
    )
    assert second is None
    assert (first.poll(), third.poll()) == (None, None)
    score = Path(f"/proc/{first.pid}/oom_score_adj")
    deadline = time.monotonic() + 20
    while score.read_text().strip() != "300" and time.monotonic() < deadline:
        time.sleep(0.05)
    assert score.read_text().strip() == "300"  # where memory ends, it goes before its source
    for kernel in (first, third):
        kernel.kill()
    forks._process.communicate()


def test_a_source_that_died_is_there_again_for_the_kernels_after_the_next(tmp_path):
    forks = forked_kernels.Forks()
    command, env = (
        [sys.executable, "-m", "ipykernel_launcher", "-f", str(tmp_path / "k.json")],
        dict(os.environ),
    )
    gone = forks._process
    gone.kill()
    gone.wait()
    assert forks.kernel(command, env, str(tmp_path)) is None
    kernel = forks.kernel(command, env, str(tmp_path))
    assert psutil.Process(kernel.pid).ppid() == forks._process.pid != gone.pid
    kernel.kill()
    forks._process.communicate()


def test_a_kernel_of_another_python_is_not_forked_from_ours(tmp_path):
    forks = forked_kernels.Forks()
    for command in (
        ["/envs/other/bin/python", "-m", "ipykernel_launcher", "-f", "x"], ["R", "-e", "IRkernel::main()"],
    ):  # fmt: skip
        assert forks.kernel(command, {}, str(tmp_path)) is None
    forks._process.communicate()  # it ends when nobody asks any more
    assert forks._process.returncode == 0


def test_a_kernel_ends_with_what_it_was_forked_from_whatever_it_is_at(worker, tmp_path):
    deaf = (
        "import os, re, psutil\nopen('there', 'w').write(str(os.getpid()))\n"
        "psutil.Process(os.getppid()).kill()\nre.match(r'(a+)+b', 'a' * 60)"
    )
    found, _told = run(worker, tmp_path / "a", deaf)
    assert not found["ok"]
    assert is_gone(int((tmp_path / "a" / "there").read_text()))


def test_memory_is_told_also_where_shares_are_not(monkeypatch):
    own = psutil.Process()

    def denied(_process):
        raise psutil.AccessDenied

    monkeypatch.setattr(psutil.Process, "memory_full_info", denied)
    assert report_worker._own_memory(own) > 1e6


def test_a_kernel_that_has_ended_is_said_to_have(tmp_path):
    gone = psutil.Popen(["sleep", "0"])
    gone.wait()
    kernel = forked_kernels.Kernel(gone.pid)
    assert kernel.poll() == kernel.wait() == 1
    kernel.kill()  # nobody else is hit
