"""Serving the notebooks as dashboards: standalone Voilà with our template and settings, nothing else.

Bare ``voila`` serves pictures without login, never ends kernels and asks other hosts for style
sheets; the settings in ``voila.json`` and the template in ``share/`` are what makes it fit for readers.
"""

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from journey_widgets import shipped
from journey_widgets.errors import InfrastructureError, ParameterError
from journey_widgets.publish.modes import MODE, READ_ONLY, WORKSPACE
from journey_widgets.publish.start_page import dashboards, navigation, start_page
from journey_widgets.workspace.workspace import Workspace

HOST = "127.0.0.1"
START_SECONDS = 60
_HERE = Path(__file__).parent


@dataclass(frozen=True)
class Served:
    """A running server: its address, and the process."""

    url: str
    process: "subprocess.Popen[bytes]"


@contextlib.contextmanager
def serve(
    workspace: Path, *, port: int = 0, allow_edit: bool = False, log: Path | None = None
) -> Iterator[Served]:
    """Serve the dashboards of a workspace on this machine until the block ends.

    Parameters
    ----------
    workspace
        Folder of the workspace.
    port
        Port on 127.0.0.1; 0 takes a free one.
    allow_edit
        Let everybody who reaches the address save documents. Only for one's own machine.
    log
        File for what Voilà says; dropped by default.

    Raises
    ------
    InfrastructureError
        The port is taken, or the server does not start.
    """
    opened = Workspace.open(workspace)
    name = opened.settings.name
    opened.close()
    port = _free_port(port)
    with tempfile.TemporaryDirectory(prefix="journey_serve_") as run:
        folder = Path(run)
        _lay_out(folder, name)
        env = _environment(folder, workspace, allow_edit=allow_edit)
        command = [
            sys.executable, "-m", "voila", str(folder / "site"), f"--port={port}",
            f"--Voila.ip={HOST}", "--no-browser",
        ]  # fmt: skip
        with contextlib.ExitStack() as stack:
            out = stack.enter_context(log.open("ab")) if log else subprocess.DEVNULL
            process = subprocess.Popen(  # noqa: S603 - our own interpreter and words
                command,
                env=env,
                cwd=folder,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            try:
                _wait(process, port)
                yield Served(f"http://{HOST}:{port}/", process)
            finally:
                _end(process)


def _free_port(port: int) -> int:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            msg = (
                f"Port {port} is in use. Stop the other server, or choose another port with --port."
            )
            raise InfrastructureError(msg) from None
        return int(probe.getsockname()[1])


def _lay_out(folder: Path, name: str) -> None:
    """Put notebooks, template and settings where the server looks, and nothing else."""
    site = folder / "site"
    site.mkdir()
    pages = dashboards(shipped.notebooks())
    if not pages:
        msg = f"There are no dashboards in {shipped.notebooks()}."
        raise ParameterError(msg)
    for page in pages:
        shutil.copyfile(page.path, site / page.path.name)
    templates = folder / "share" / "jupyter" / "voila" / "templates"
    shutil.copytree(shipped.JUPYTER_DATA / "voila" / "templates", templates)
    own = templates / "journey"
    shutil.copyfile(_HERE / "base.css", own / "base.css")
    (own / "navigation.html").write_text(navigation(name, pages), "utf-8")
    for listing in ("tree.html", "tree-lab.html"):
        (own / listing).write_text(start_page(name, pages), "utf-8")
    (folder / "config").mkdir()
    shutil.copyfile(_HERE / "voila.json", folder / "config" / "voila.json")
    (folder / "runtime").mkdir(mode=0o700)


def _environment(folder: Path, workspace: Path, *, allow_edit: bool) -> dict[str, str]:
    paths = [str(folder / "share" / "jupyter"), os.environ.get("JUPYTER_PATH", "")]
    return {
        **os.environ,
        "JUPYTER_PATH": os.pathsep.join(p for p in paths if p),
        "JUPYTER_CONFIG_DIR": str(folder / "config"),
        "JUPYTER_RUNTIME_DIR": str(folder / "runtime"),
        "PYTHONWARNINGS": "ignore",
        MODE: "dashboard",
        WORKSPACE: str(workspace.resolve()),
        READ_ONLY: "" if allow_edit else "1",
    }


def _wait(process: "subprocess.Popen[bytes]", port: int) -> None:
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end:
        if process.poll() is not None:
            msg = f"The dashboards' server ended at once (exit {process.returncode}). Run journey doctor."
            raise InfrastructureError(msg)
        try:
            with urllib.request.urlopen(f"http://{HOST}:{port}/voila/static/voila.js", timeout=2):
                return
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.1)
    msg = (
        f"The dashboards' server did not answer within {START_SECONDS} seconds. Run journey doctor."
    )
    raise InfrastructureError(msg)


def _end(process: "subprocess.Popen[bytes]") -> None:
    """End the server and every kernel it started."""
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(10)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait(10)


def settings() -> dict[str, dict[str, object]]:
    """Return the Voilà settings we ship."""
    found: dict[str, dict[str, object]] = json.loads((_HERE / "voila.json").read_text("utf-8"))
    return found
