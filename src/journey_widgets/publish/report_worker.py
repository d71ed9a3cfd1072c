"""Workers that make reports: processes that live on from one report to the next, and are ended when one goes wrong.

A worker leads a process group of its own; its kernels talk to it over IPC, in a folder that only this user can read.
"""

import contextlib
import json
import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

import psutil

from journey_widgets.errors import InfrastructureError
from journey_widgets.events.engine import THREADS
from journey_widgets.publish.modes import INTERACTIVE, MODE, WORKSPACE, passed_on
from journey_widgets.publish.run_notebook import OUTCOME

LOOK = 0.5
"""Seconds between two looks at how much memory a run takes."""


class Worker:
    """One worker; it is started with its first order, and anew after a run that had to be ended.

    Parameters
    ----------
    workspace
        Folder of the workspace whose reports it makes.
    memory_mb
        Most memory that a run may take, with its kernel, in megabytes; no limit without it.
    live
        Whether its pages have scripts, as those of the static edition do.
    """

    def __init__(
        self, workspace: Path, *, memory_mb: float | None = None, live: bool = False
    ) -> None:
        self._workspace, self._memory, self._live = workspace.resolve(), memory_mb, live
        self._process: subprocess.Popen[bytes] | None = None
        self._said: queue.Queue[int | None] = queue.Queue()
        self._runtime = tempfile.TemporaryDirectory(prefix="journey-worker-")
        self._number = 0
        self._closed = False
        self._changing = threading.Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()
        self._runtime.cleanup()

    def close(self) -> None:
        """End the worker for good, whichever thread waits for it: what it was asked for last is not begun again."""
        self._closed = True
        self.end()

    def run(
        self, notebook: Path, folder: Path, parameters: Mapping[str, Any], seconds: float
    ) -> dict[str, Any]:
        """Execute a notebook in a folder; return what it came to (see `run_notebook.run`).

        A run that takes too long, takes too much memory or dies ends the worker with everything it started.
        """
        self._number += 1
        order = {
            "number": self._number, "notebook": str(notebook), "folder": str(folder),
            "parameters": dict(parameters),
        }  # fmt: skip
        (folder / OUTCOME).unlink(missing_ok=True)
        try:
            process = self._started()
            assert process.stdin is not None  # noqa: S101 - it is a pipe
            process.stdin.write(json.dumps(order).encode() + b"\n")
            process.stdin.flush()
            fault = self._waited(process, seconds)
        except BrokenPipeError:
            fault = {"kind": "RunDied", "said": "its worker ended", "machine": True}
        except BaseException:
            self.end()  # nobody would wait for the run any more
            raise
        if fault is not None:
            self.end()
            return {"ok": False, "cell": None, **fault}
        found: dict[str, Any] = json.loads((folder / OUTCOME).read_text("utf-8"))
        if not found["ok"]:
            self.end()  # the next run begins with one that nothing went wrong in
        return found

    def _waited(self, process: "subprocess.Popen[bytes]", seconds: float) -> dict[str, Any] | None:
        """Wait for the answer to the last order; return what ended it before that."""
        end = time.monotonic() + seconds
        while True:
            left = end - time.monotonic()
            if left <= 0:
                return {"kind": "RunTimeout", "said": f"not done after {seconds:g} seconds"}
            try:
                answer = self._said.get(timeout=min(left, LOOK))
            except queue.Empty:
                taken = _memory(process.pid) if self._memory else 0.0
                if self._memory and taken > self._memory:
                    return {
                        "kind": "RunTooLarge",
                        "said": f"took more than the {self._memory:,.0f} MB that a run may take",
                    }
                continue
            if answer is None:
                said = f"its worker ended (exit {process.wait()})"
                return {"kind": "RunDied", "said": said, "machine": True}
            if answer == self._number:
                return None

    def _started(self) -> "subprocess.Popen[bytes]":
        with self._changing:
            if self._closed:
                msg = "The batch was stopped."
                raise InfrastructureError(msg)
            return self._process or self._begun()

    def _begun(self) -> "subprocess.Popen[bytes]":
        env = {
            **passed_on(), MODE: "report", WORKSPACE: str(self._workspace),
            "JUPYTER_PATH": os.environ.get("JUPYTER_PATH", ""), "JUPYTER_RUNTIME_DIR": self._runtime.name,
            "PYTHONWARNINGS": "ignore", INTERACTIVE: "1" if self._live else "", THREADS: "1",
        }  # fmt: skip
        command = [sys.executable, "-m", "journey_widgets.publish.run_notebook"]
        process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
            command, env=env, cwd=self._runtime.name, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
        self._process, self._said = process, queue.Queue()
        threading.Thread(target=_listen, args=(process, self._said), daemon=True).start()
        return process

    def end(self) -> None:
        """End the worker with everything it started: a kernel leads a process group of its own."""
        with self._changing:
            process, self._process = self._process, None
        if process is None:
            return
        with contextlib.suppress(psutil.NoSuchProcess):
            for child in psutil.Process(process.pid).children(recursive=True):
                with contextlib.suppress(psutil.NoSuchProcess):
                    child.kill()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        for pipe in (process.stdin, process.stdout):
            with contextlib.suppress(OSError):
                if pipe:
                    pipe.close()


def _listen(process: "subprocess.Popen[bytes]", said: "queue.Queue[int | None]") -> None:
    """Hand on the answers of a worker, and None when there will be no more."""
    with contextlib.suppress(OSError, ValueError):
        assert process.stdout is not None  # noqa: S101 - it is a pipe
        for line in process.stdout:
            said.put(int(line))
    said.put(None)


def _own_memory(process: psutil.Process) -> int:
    """Return the bytes that a process has in memory, its part of what is shared; all of it where that is not told."""
    try:
        return int(process.memory_full_info().pss)
    except (psutil.AccessDenied, AttributeError):
        return int(process.memory_info().rss)


def _memory(pid: int) -> float:
    """Return the megabytes that a process and all it started have in memory; what several share is shared out."""
    total = 0
    with contextlib.suppress(psutil.NoSuchProcess):
        own = psutil.Process(pid)
        for process in [own, *own.children(recursive=True)]:
            with contextlib.suppress(psutil.NoSuchProcess):
                total += _own_memory(process)
    return total / 1e6
