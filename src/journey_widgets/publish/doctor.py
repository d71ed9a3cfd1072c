"""Doctor: what an installation or a workspace lacks, in words."""

import json
import os
import stat
import sys
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path

from jupyter_core.paths import jupyter_config_path
from packaging.requirements import Requirement

from journey_widgets import shipped
from journey_widgets.errors import JourneyError
from journey_widgets.events.mapping import Backend
from journey_widgets.events.warehouse import warehouse

NETWORK_MOUNTS = {"nfs", "nfs4", "cifs", "smb3", "smbfs", "lustre", "fuse.sshfs", "glusterfs", "9p"}


@dataclass(frozen=True)
class Examined:
    """One thing looked at: whether it is as it should be, and what to do if not."""

    what: str
    ok: bool
    words: str
    warns: bool = False
    """Works as it is, and is dangerous in other hands."""


def examine(workspace: Path | None = None) -> list[Examined]:
    """Return what was looked at: Python, packages, our shipped files, and a workspace if named."""
    found = [_python(), *_packages(), _kernel(), *_files(), _chart_code(), *_voila()]
    if workspace is not None:
        found += _workspace(workspace)
    return found


def _python() -> Examined:
    found = ".".join(str(n) for n in sys.version_info[:3])
    return Examined("Python", sys.version_info >= (3, 11), f"{found} (3.11 or newer is needed)")


def _packages() -> list[Examined]:
    rows = []
    for text in requires("journey-widgets") or []:
        needed = Requirement(text)
        if needed.marker is not None:  # an extra, or another platform
            continue
        try:
            found = version(needed.name)
        except PackageNotFoundError:
            rows.append(
                Examined(needed.name, ok=False, words=f"not installed; pip install '{text}'")
            )
            continue
        fits = needed.specifier.contains(found, prereleases=True)
        advice = "" if fits else f"; pip install '{text}'"
        rows.append(Examined(needed.name, fits, f"{found} ({needed.specifier or 'any'}){advice}"))
    return rows


def _kernel() -> Examined:
    from jupyter_client.kernelspec import KernelSpecManager

    ok = "python3" in KernelSpecManager().find_kernel_specs()
    words = "found" if ok else "not found; python -m ipykernel install --sys-prefix"
    return Examined("Jupyter kernel python3", ok, words)


def _files() -> list[Examined]:
    places = {
        "notebooks": shipped.notebooks() / "overview.ipynb",
        "example workspace": shipped.templates()["phone_retailer"] / "workspace.yaml",
        "Voilà template": shipped.JUPYTER_DATA
        / "voila"
        / "templates"
        / "journey"
        / "index.html.j2",
        "report template": shipped.JUPYTER_DATA
        / "nbconvert"
        / "templates"
        / "journey"
        / "index.html.j2",
    }
    return [
        Examined(
            what, path.is_file(), str(path) if path.is_file() else f"missing at {path}; reinstall"
        )
        for what, path in places.items()
    ]


def _chart_code() -> Examined:
    from journey_widgets.publish.chart_widget import VEGA

    ok = VEGA.is_file() and VEGA.stat().st_size > 100_000
    return Examined("chart code", ok, "found" if ok else f"missing at {VEGA}; reinstall")


def _voila() -> list[Examined]:
    """Warn where Voilà is part of another Jupyter server: there its readers have kernels that run what they send."""
    rows = []
    for place in jupyter_config_path():
        files = [
            f
            for p in ("jupyter_*_config.d/*.json", "jupyter_*_config.json")
            for f in Path(place).glob(p)
        ]
        for file in sorted(files):
            try:
                said = json.loads(file.read_text("utf-8"))
                extensions = said["ServerApp"]["jpserver_extensions"]
            except (OSError, ValueError, KeyError, TypeError):
                continue
            if isinstance(extensions, dict) and extensions.get("voila.server_extension"):
                words = (
                    f"{file} puts it into every Jupyter server: whoever gets in there runs code. Give readers "
                    "journey serve; switch it off with: jupyter server extension disable voila.server_extension"
                )
                rows.append(Examined("Voilà", ok=True, words=words, warns=True))
    return rows


def _workspace(folder: Path) -> list[Examined]:
    from journey_widgets.workspace import Workspace

    opened = Workspace.open(folder)
    faults = opened.verify()
    rows = [Examined("store", not faults, "; ".join(faults) or "every revision is as it was saved")]
    store = folder / "store.sqlite"
    if os.name == "posix" and store.exists():
        mode = stat.S_IMODE(store.stat().st_mode)
        words = f"{mode:o}" + (
            "" if mode & 0o077 == 0 else f": others can read it; chmod 600 {store}"
        )
        rows.append(Examined("store permissions", mode & 0o077 == 0, words))
        around = stat.S_IMODE(folder.stat().st_mode)
        if around & 0o077:
            words = f"{around:o}: others of this machine can look into it; chmod 700 {folder}"
            rows.append(Examined("folder permissions", ok=True, words=words, warns=True))
    mount = _mount_type(folder.resolve())
    if mount:
        bad = mount in NETWORK_MOUNTS
        words = (
            f"{mount}: locks may fail there; move the workspace to a local disk" if bad else mount
        )
        rows.append(Examined("file system", not bad, words))
    said = (opened.sources.mapping(kind) for kind in opened.sources.present())
    backends = {m.backend for m in said if m is not None and m.backend is not None}
    return rows + [_warehouse(backend) for backend in sorted(backends)]


def _warehouse(backend: Backend) -> Examined:
    try:
        warehouse(backend)
    except JourneyError as error:
        return Examined(backend, ok=False, words=str(error))
    return Examined(backend, ok=True, words="can be reached")


def _mount_type(folder: Path) -> str:
    """Return the type of the file system a folder lies on, where the system tells."""
    table = Path("/proc/mounts")
    if not table.exists():
        return ""
    best = ("", "")
    for line in table.read_text("utf-8", "replace").splitlines():
        _device, point, kind, *_rest = line.split(" ")
        point = point.replace("\\040", " ")
        if folder.is_relative_to(point) and len(point) >= len(best[0]):
            best = (point, kind)
    return best[1]
