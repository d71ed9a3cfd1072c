"""Serving the notebooks as dashboards: standalone Voilà with our server, template and settings, nothing else.

Bare ``voila`` serves pictures without login, never ends kernels and asks other hosts for style
sheets; `dashboard_server`, the settings in ``voila.json`` and the template in ``share/`` make it fit for readers.
"""

import contextlib
import errno
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import nbformat
import psutil
from jupyter_core.paths import jupyter_path

from journey_widgets import shipped
from journey_widgets.errors import InfrastructureError, JourneyError, ParameterError, did_you_mean
from journey_widgets.publish.modes import MODE, READ_ONLY, WORKSPACE, passed_on
from journey_widgets.publish.parameters import TAG
from journey_widgets.publish.preparing import Preparing, end_group
from journey_widgets.publish.readers import HUB, Auth, auth, is_loopback
from journey_widgets.publish.start_page import dashboards, navigation, start_page
from journey_widgets.textfiles import write_text
from journey_widgets.workspace.workspace import Workspace

HOST = "127.0.0.1"
START_SECONDS = 60
SETTINGS, WAITS = "journey.json", "journey-waits"
"""What the server reads beside Voilà's settings; tag of the cell in which a ready kernel waits."""
IDLE_SECONDS, CELL_SECONDS = 120, 60
"""After how long a kernel that no page is connected to is ended; how long one cell may take."""
PER_READER_MB, MOST_READERS = 350, 200
WIDGETS = "@jupyter-widgets/jupyterlab-manager"
SHORT_WAITS = (
    re.compile(r'(did not respond in time"\),)4e3'),
    re.compile(r"(Date\.now\(\)-\w+<)2e3(?=;\))"),
)
"""Where the widgets' page code says how long it waits."""
LOOK_SECONDS = 60
"""Between two looks whether the start page still says what is so."""
_HERE = Path(__file__).parent


@dataclass(frozen=True)
class Served:
    """A running server: its address, the token that opens it where it has one, and the process."""

    url: str
    process: "subprocess.Popen[bytes]"
    auth: Auth

    @property
    def address(self) -> str:
        """The address to open first, with the token where there is one."""
        return f"{self.url}?token={quote(self.auth.token)}" if self.auth.token else self.url


@contextlib.contextmanager
def serve(
    workspace: Path, *, port: int = 0, host: str = HOST, base_url: str = "/", way: str | None = None,
    allow_edit: bool = False, most: int | None = None, ready: Mapping[str, int] | None = None,
    idle_seconds: int = IDLE_SECONDS, log: Path | None = None, prepare: bool = False,
) -> Iterator[Served]:  # fmt: skip
    """Serve the dashboards of a workspace until the block ends.

    Parameters
    ----------
    workspace
        Folder of the workspace.
    port
        Port to listen at; 0 takes a free one.
    host
        Address to listen at. Others than this machine's own need a `way`.
    base_url
        Path below which everything lies, behind a proxy that serves more than this.
    way
        How readers say who they are: `readers.auth` names the ways and what each is good for.
    allow_edit
        Let readers save documents; who did is noted.
    most
        Readers at the same time; as many as fit into the free memory by default. Others are asked to wait.
    ready
        Notebook → kernels kept ready for it, such as ``{"overview": 1}``; each takes 50 to
        320 MB. None by default.
    idle_seconds
        After how long a kernel whose page is gone is ended.
    log
        File for what Voilà says; dropped by default.
    prepare
        Show every dashboard once to nobody, beside the server, at the start and whenever the workspace has changed:
        then the first reader finds its parts kept as well.

    Raises
    ------
    ParameterError
        The way does not fit the address or what readers may do; a path, a number or a notebook cannot be.
    InfrastructureError
        The port is taken, or the server does not start.
    """
    Workspace.open(workspace).close()
    asked = auth(way, workspace=workspace, host=host, allow_edit=allow_edit)
    if asked.way == "jupyterhub":
        base_url = os.environ["JUPYTERHUB_SERVICE_PREFIX"]
    base_url = _base(base_url)
    told = {
        "auth": asked.as_settings(), "remote": not is_loopback(host) or asked.way in ("proxy", "jupyterhub"),
        "most": _most(most), "ready": _ready(ready or {}), "idle_seconds": idle_seconds, "cell_seconds": CELL_SECONDS,
    }  # fmt: skip
    port = _free_port(port, host)
    with tempfile.TemporaryDirectory(prefix="journey_serve_") as run:
        folder = Path(run)
        _lay_out(folder, workspace)
        write_text(folder / "config" / SETTINGS, json.dumps(told), mode=0o600)
        env = _environment(folder, workspace, host, allow_edit=allow_edit)
        command = [
            sys.executable, "-m", "journey_widgets.publish.dashboard_server", str(folder / "site"),
            f"--port={port}", f"--Voila.ip={host}", f"--Voila.base_url={base_url}", "--no-browser",
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
            ended = threading.Event()
            own = folder / "share" / "jupyter" / "voila" / "templates" / "journey"
            preparing = Preparing(workspace, env, folder) if prepare else None
            threading.Thread(
                target=_keep_current, args=(own, workspace, ended, preparing), daemon=True
            ).start()
            try:
                near = HOST if host in {"0.0.0.0", "::"} else host  # noqa: S104 - compared, not bound
                url = f"http://{f'[{near}]' if ':' in near else near}:{port}{base_url}"
                _wait(process, url)
                yield Served(url, process, asked)
            finally:
                ended.set()
                try:
                    if preparing is not None:
                        preparing.end()
                finally:
                    end_group(process)


def _base(base_url: str) -> str:
    path = "/" + base_url.strip("/") + "/" * bool(base_url.strip("/"))
    if quote(path) != path or "//" in path or ".." in path:
        msg = f"The path {base_url!r} cannot be part of an address; one such as /journeys/ was needed."
        raise ParameterError(msg)
    return path


def _most(most: int | None) -> int:
    if most is None:
        fits = int(psutil.virtual_memory().available / 1e6 / PER_READER_MB)
        return max(2, min(fits, MOST_READERS))
    if most < 1:
        msg = f"{most} readers at the same time cannot be; 1 or more were needed."
        raise ParameterError(msg)
    return most


def _ready(ready: Mapping[str, int]) -> dict[str, int]:
    known = {p.name for p in dashboards(shipped.notebooks())}
    for name, n in ready.items():
        if name not in known or n < 1:
            msg = f"Nothing can be kept ready for {name}={n}. {did_you_mean(name, known)}"
            raise ParameterError(msg)
    return {f"{name}.ipynb": n for name, n in ready.items()}


def _free_port(port: int, host: str = HOST) -> int:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                msg = f"Port {port} is in use. Stop the other server, or choose another port with --port."
            else:
                msg = f"Nothing can listen at {host}, port {port}: {error.strerror or error}."
            raise InfrastructureError(msg) from None
        return int(probe.getsockname()[1])


def _lay_out(folder: Path, workspace: Path) -> None:
    """Put notebooks, template and settings where the server looks, and nothing else."""
    site = folder / "site"
    site.mkdir()
    pages = dashboards(shipped.notebooks())
    if not pages:
        msg = f"There are no dashboards in {shipped.notebooks()}."
        raise ParameterError(msg)
    for page in pages:
        book = _waiting(nbformat.read(page.path, as_version=4), page.name)
        nbformat.write(book, site / page.path.name)
    templates = folder / "share" / "jupyter" / "voila" / "templates"
    shutil.copytree(shipped.JUPYTER_DATA / "voila" / "templates", templates)
    own = templates / "journey"
    for name_of in (
        "base.css",
        "page_tools.css",
        "page_tools.js",
    ):  # as they are: what looks like a template is none
        text = (_HERE / name_of).read_text("utf-8")
        (own / name_of).write_text(f"{{% raw %}}{text}{{% endraw %}}", "utf-8")
    _write_start(own, workspace)
    _make_patient(folder / "share" / "jupyter" / "labextensions")
    (folder / "config").mkdir()
    shutil.copyfile(_HERE / "voila.json", folder / "config" / "voila.json")
    (folder / "runtime").mkdir(mode=0o700)


def _make_patient(folder: Path) -> None:
    """Put a copy of the widgets' page code in front of the installed one that waits longer for its kernel.

    It gives a kernel four seconds to tell what it holds and a widget two to be there, and then gives them up for good:
    where twenty open their pages at once on two cores, an answer takes longer.
    """
    places = (Path(p) / "labextensions" / WIDGETS for p in jupyter_path())
    installed = next((p for p in places if p.is_dir()), None)
    if installed is None:
        return
    shutil.copytree(installed, folder / WIDGETS)
    for script in (folder / WIDGETS / "static").glob("*.js"):
        text = script.read_text("utf-8")
        for pattern in SHORT_WAITS:
            text = pattern.sub(r"\g<1>12e4", text)
        write_text(script, text)


def _write_start(own: Path, workspace: Path) -> None:
    """Write the start page and the navigation, with the name of the workspace and the last day of its data."""
    from journey_widgets.publish.page import data_until

    with contextlib.closing(Workspace.open(workspace, read_only=True)) as space:
        name, until = space.settings.name, data_until(space)
        if any(space.members()["rows"]):
            until = ""  # of whose rows it is the last day, not every reader may know
    pages = dashboards(shipped.notebooks())
    write_text(own / "navigation.html", navigation(name, pages))
    for listing in ("tree.html", "tree-lab.html"):
        write_text(own / listing, start_page(name, pages, until))


def _keep_current(
    own: Path, workspace: Path, ended: threading.Event, preparing: Preparing | None
) -> None:
    """Write the start page anew where the workspace's name or data changed, until the server ends."""
    while True:
        if preparing is not None:
            with contextlib.suppress(OSError):  # readers wait for their own figures
                preparing.go_on()
        if ended.wait(LOOK_SECONDS):
            return
        with contextlib.suppress(JourneyError, OSError):  # what is wrong with it the dashboards say
            _write_start(own, workspace)


def _waiting(book: nbformat.NotebookNode, name: str) -> nbformat.NotebookNode:
    """Return a notebook with a cell in which its kernel learns who its reader is, or waits for one."""
    source = f"from journey_widgets.publish import ready\n\nready.wait({name!r})"
    cell = nbformat.v4.new_code_cell(source, metadata={"tags": [WAITS]})
    tagged = [i for i, c in enumerate(book.cells) if TAG in c.metadata.get("tags", [])]
    book.cells.insert(tagged[0] + 1 if tagged else 0, cell)
    return book


def _environment(folder: Path, workspace: Path, host: str, *, allow_edit: bool) -> dict[str, str]:
    paths = [str(folder / "share" / "jupyter"), os.environ.get("JUPYTER_PATH", "")]
    hub = {k: v for k, v in os.environ.items() if k.startswith("JUPYTERHUB_") and k != HUB[0]}
    return {
        **passed_on(),
        **hub,
        **({} if host in {"0.0.0.0", "::", "localhost"} else {"VOILA_APP_IP": host}),  # noqa: S104 - compared, not bound
        "JUPYTER_PATH": os.pathsep.join(p for p in paths if p),
        "JUPYTER_CONFIG_DIR": str(folder / "config"),
        "JUPYTER_RUNTIME_DIR": str(folder / "runtime"),
        "PYTHONWARNINGS": "ignore",
        MODE: "dashboard",
        WORKSPACE: str(workspace.resolve()),
        READ_ONLY: "" if allow_edit else "1",
    }


def _wait(process: "subprocess.Popen[bytes]", url: str) -> None:
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end:
        if process.poll() is not None:
            msg = f"The dashboards' server ended at once (exit {process.returncode}). Run journey doctor."
            raise InfrastructureError(msg)
        try:
            with urllib.request.urlopen(f"{url}health", timeout=2):  # noqa: S310 - our own server
                return
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.1)
    msg = (
        f"The dashboards' server did not answer within {START_SECONDS} seconds. Run journey doctor."
    )
    raise InfrastructureError(msg)


def settings() -> dict[str, dict[str, object]]:
    """Return the Voilà settings we ship."""
    found: dict[str, dict[str, object]] = json.loads((_HERE / "voila.json").read_text("utf-8"))
    return found
