"""Dashboards that are shown before anybody asks: each once, to nobody, so that the first reader finds its parts kept.

``python -m journey_widgets.publish.preparing`` does it; `Preparing` runs that beside a server.
"""

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping
from pathlib import Path

from journey_widgets.publish.kept_parts import is_prepared, of_state, set_prepared
from journey_widgets.publish.modes import WORKSPACE
from journey_widgets.workspace.state import state

MOST_SECONDS = 300
"""How long a part may take."""
RESTS = 4
"""How many times as long as it took nothing is prepared again: a source that is always written to takes no more."""


class Preparing:
    """A process beside the server that shows every dashboard once, to nobody, whenever the workspace has changed."""

    def __init__(self, workspace: Path, env: Mapping[str, str], folder: Path) -> None:
        self._workspace, self._env, self._folder = workspace, dict(env), folder
        self._process: subprocess.Popen[bytes] | None = None
        self._lock, self._ended = threading.Lock(), False
        self._tried: str | None = None
        self._begun = self._rests_until = 0.0

    def go_on(self) -> None:
        """Begin, where there is something new to prepare and nobody is at it: each state once, not all the time."""
        now = time.monotonic()
        if self._process is not None:
            if self._process.poll() is None:
                self._rests_until = now + RESTS * (now - self._begun)
                return
            self._process = None
        found = state(self._workspace)
        if now < self._rests_until or found in (None, self._tried) or is_prepared(self._workspace):
            return
        with self._lock:
            if not self._ended:
                self._tried, self._begun = found, now
                self._process = subprocess.Popen(
                    [sys.executable, "-P", "-m", "journey_widgets.publish.preparing"], env=self._env, cwd=self._folder,
                    stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
                )  # fmt: skip

    def end(self) -> None:
        """End it, also in the middle."""
        with self._lock:
            self._ended = True
        if self._process is not None and self._process.poll() is None:
            end_group(self._process)


def end_group(process: "subprocess.Popen[bytes]") -> None:
    """End a process that has a session of its own, and every kernel it started."""
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(10)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait(10)


def main() -> None:
    """Show every dashboard once, to nobody."""
    import nbformat
    from nbclient import NotebookClient

    from journey_widgets import shipped
    from journey_widgets.publish.run_notebook import kernel_manager
    from journey_widgets.publish.start_page import dashboards

    with contextlib.suppress(AttributeError, OSError):
        os.nice(10)  # readers come first
    workspace = Path(os.environ[WORKSPACE])
    if is_prepared(workspace):
        return
    folder, server = of_state(workspace), os.getppid()
    with tempfile.TemporaryDirectory(prefix="journey_prepares_") as run, contextlib.chdir(run):
        for page in dashboards(shipped.notebooks()):
            with contextlib.suppress(Exception):  # what is wrong a reader is told on the page
                book = nbformat.read(page.path, as_version=4)
                NotebookClient(
                    book, timeout=MOST_SECONDS, kernel_manager_class=kernel_manager()
                ).execute()
            if os.getppid() != server:  # nobody serves it any more
                return
    set_prepared(folder)


if __name__ == "__main__":
    main()
