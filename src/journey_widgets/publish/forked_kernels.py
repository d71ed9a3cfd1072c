"""Kernels that begin with everything imported: a process that has imported it all forks one for each run or page.

A run has a kernel of its own, and so has a page; a kernel's first two seconds go into imports. ``python -m
journey_widgets.publish.forked_kernels`` imports everything once, runs no thread of Python's and opens nothing; each
line of JSON it is given (``argv``, ``env``, ``cwd``) makes a kernel, whose process id it answers with. Where there is
no fork that can be relied on, kernels are started as everywhere else.
"""

import asyncio
import contextlib
import ctypes
import gc
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
import psutil

from journey_widgets.publish import prepared, ready

LAUNCHER = "ipykernel_launcher"


class Kernel:
    """A kernel that was forked, as `jupyter_client` wants a process: it ends without being waited for."""

    stdin = stdout = stderr = None

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.returncode: int | None = None
        try:
            self._process = psutil.Process(pid)
        except psutil.NoSuchProcess:
            self.returncode = 1

    def poll(self) -> int | None:
        """Return None while it lives."""
        if self.returncode is None:
            try:  # another process that has its number by now is not it
                gone = (
                    not self._process.is_running() or self._process.status() == psutil.STATUS_ZOMBIE
                )
            except psutil.NoSuchProcess:
                gone = True
            self.returncode = 1 if gone else None
        return self.returncode

    def wait(self) -> int:
        """Wait until it has ended."""
        while self.poll() is None:
            time.sleep(0.02)
        return 1

    def send_signal(self, number: int) -> None:
        """Send it a signal."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """End it."""
        self.send_signal(signal.SIGKILL)

    def terminate(self) -> None:
        """Ask it to end."""
        self.send_signal(signal.SIGTERM)


class Forks:
    """The process that kernels are forked from; it ends with the process that started it."""

    def __init__(self) -> None:
        self._process = self._begun()
        self._one_at_a_time = threading.Lock()

    @staticmethod
    def _begun() -> "subprocess.Popen[str]":
        return subprocess.Popen(  # noqa: S603 - our own interpreter and module
            [sys.executable, "-m", __name__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )  # fmt: skip

    def kernel(self, command: Sequence[str], env: Mapping[str, str], cwd: str) -> Kernel | None:
        """Fork a kernel; None where its command is not the usual one, or nothing can be forked from any more."""
        if list(command[:3]) != [sys.executable, "-m", LAUNCHER]:
            return None
        order = {"argv": list(command[3:]), "env": dict(env), "cwd": cwd}
        with self._one_at_a_time:
            stdin, stdout = self._process.stdin, self._process.stdout
            assert stdin is not None and stdout is not None  # noqa: S101, PT018 - they are pipes
            try:
                stdin.write(json.dumps(order) + "\n")
                stdin.flush()
                return Kernel(int(stdout.readline()))
            except (BrokenPipeError, ValueError):
                if self._process.poll() is not None:  # those after this one have a source again
                    for pipe in (stdin, stdout):
                        with contextlib.suppress(OSError):
                            pipe.close()
                    self._process = self._begun()
                return None


@cache
def forks() -> Forks | None:
    """Return what kernels of this process are forked from; None where there is no fork that can be relied on.

    macOS's own libraries do not bear it.
    """
    return Forks() if sys.platform == "linux" else None


_ASKED_FOR = count()
"""Kernels of this process that were asked for."""


def _source() -> Forks | None:
    """Return what to fork a kernel from; None for the first one, where nothing was begun before.

    One kernel alone is there sooner by itself: the source imports more than it needs.
    """
    alone = next(_ASKED_FOR) == 0 and not forks.cache_info().currsize
    return None if alone else forks()


class Forking:
    """Mixed into a kernel manager: its kernels are forked, and where that cannot be, started as everywhere else."""

    async def _async_pre_start_kernel(self: Any, **given: Any) -> Any:
        spec, source = self.kernel_spec, _source()
        usual = spec is not None and "kernel_provisioner" not in spec.metadata
        if source is not None and self.provisioner is None and usual:
            self.kernel_id = self.kernel_id or given.get("kernel_id") or str(uuid4())
            self.provisioner = _provisioner()(
                source, kernel_id=self.kernel_id, kernel_spec=spec, parent=self
            )
        return await super()._async_pre_start_kernel(**given)  # type: ignore[misc]  # it is the manager's


@cache
def _provisioner() -> type:
    """Return how `jupyter_client` starts a kernel that is forked."""
    from jupyter_client.provisioning.local_provisioner import LocalProvisioner

    class Forked(LocalProvisioner):
        def __init__(self, source: Forks, **given: Any) -> None:
            super().__init__(**given)
            self._source = source

        async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> Any:
            env, cwd = kwargs.get("env") or dict(os.environ), str(kwargs.get("cwd") or Path.cwd())
            plain = not self.kernel_spec.env  # some of it is read when a process begins
            found = await asyncio.to_thread(self._source.kernel, cmd, env, cwd) if plain else None
            if found is None:
                return await super().launch_kernel(cmd, **kwargs)
            self.process: Any = found
            self.pid = self.pgid = found.pid
            self.cwd = cwd
            return self.connection_info

    return Forked


def main() -> None:
    """Fork a kernel for each line until there are no more."""
    answers, nothing = os.dup(1), os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 1)
    from ipykernel.kernelapp import IPKernelApp
    from ipywidgets import register_comm_target

    ready.load()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # whoever has ended is gone
    own = os.getpid()
    gc.freeze()  # what is imported stays in memory that kernels share
    for line in sys.stdin:
        order = json.loads(line)
        try:
            pid = os.fork()
        except OSError:  # no memory or no process left: who is there already stays
            os.write(answers, b"\n")
            continue
        if pid:
            os.write(answers, f"{pid}\n".encode())
            continue
        os.close(answers)
        os.dup2(nothing, 0)
        os.close(nothing)
        _become(order, own)
        prepared.hide()
        kernel = IPKernelApp.instance()
        kernel.initialize(order["argv"])
        register_comm_target()  # as it is where ipywidgets is imported in a kernel
        kernel.start()
        return  # and end as every process does, with all that was registered for its end


PR_SET_PDEATHSIG, PR_SET_NAME = 1, 15
NAME = b"journey-kernel"
"""What a kernel is called where processes are listed; up to 15 letters."""


def _become(order: Mapping[str, Any], source: int) -> None:
    """Make the process one that was started by itself: its own group, environment and folder, no one else's pipes."""
    # It ends with what it was forked from, whatever it is at.
    system = ctypes.CDLL(None)
    system.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    system.prctl(PR_SET_NAME, NAME)
    if os.getppid() != source:
        os._exit(1)
    os.setsid()
    with contextlib.suppress(
        OSError
    ):  # where memory ends, a kernel goes before what all are forked from
        Path("/proc/self/oom_score_adj").write_text("300", "ascii")
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115 - as long as the process
    os.environ.clear()
    os.environ.update({**order["env"], "JPY_PARENT_PID": str(source)})
    os.chdir(order["cwd"])
    sys.argv = [sys.argv[0], *order["argv"]]
    del sys.path[0]  # the folder the source was started in; a kernel puts its own there
    np.random.seed()  # whoever draws without a seed draws other numbers than the one before


if __name__ == "__main__":
    main()
