"""Report runs: a notebook with parameters becomes one self-contained HTML file, or nothing changes.

papermill alone writes over the last good report while it runs, and can call cells completed that
never ran. Here a run happens in a process group of its own and into a folder of its own; it counts
only if nothing was raised, no cell shows an error and every code cell ran; and only then the report
takes its name.
"""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import nbformat
import psutil

from journey_widgets import shipped
from journey_widgets.errors import InfrastructureError, JourneyError, ParameterError, did_you_mean
from journey_widgets.publish import figures
from journey_widgets.publish.modes import MODE, WORKSPACE
from journey_widgets.publish.parameters import checked, declared
from journey_widgets.safe import file_name
from journey_widgets.textfiles import write_text

RUN_SECONDS = 1_800
RETRIED = {"DeadKernelError", "RuntimeError", "TimeoutError"}
"""Faults of the machine: such a run is tried once more. A fault in a cell is not."""
_HERE = Path(__file__).parent


@dataclass(frozen=True)
class Report:
    """A report that was made: its HTML file, and what it was made of."""

    path: Path
    manifest: dict[str, Any]


def notebook_path(name: str) -> Path:
    """Return the notebook of a report; an unknown name is a `ParameterError`."""
    known = {p.stem: p for p in sorted(shipped.notebooks().glob("*.ipynb"))}
    if name not in known:
        msg = f"There is no report {name!r}. {did_you_mean(name, known)}"
        raise ParameterError(msg)
    return known[name]


def run_report(
    name: str,
    *,
    workspace: Path,
    out: Path,
    parameters: Mapping[str, str] | None = None,
    seconds: float = RUN_SECONDS,
) -> Report:
    """Make one report.

    Parameters
    ----------
    name
        Name of a notebook, such as ``"overview"``.
    workspace
        Folder of the workspace.
    out
        Folder for ``NAME[-parameters].html``, its figures ``….csv`` and its manifest ``….json``.
    parameters
        Name → text, checked against what the notebook declares before anything starts.
    seconds
        Longest time the whole run may take.

    Raises
    ------
    ParameterError
        A parameter is unknown or does not fit; or the page itself refused one.
    InfrastructureError
        The run broke. The report that was there is still there; what was run so far lies beside it
        as ``….failed.ipynb``.
    """
    notebook = notebook_path(name)
    given = dict(parameters or {})
    values = checked(given, declared(notebook), where=name, hidden=("workspace",))
    out = out.resolve()
    out.mkdir(parents=True, exist_ok=True)
    stem = _stem(name, values)
    with tempfile.TemporaryDirectory(dir=out, prefix=f".{stem[:40]}-") as scratch:
        executed = Path(scratch) / "run.ipynb"
        outcome = _attempt(notebook, executed, values, workspace, seconds)
        if not outcome["ok"] and outcome["kind"] in RETRIED:
            outcome = _attempt(notebook, executed, values, workspace, seconds)
        fault = None if outcome["ok"] else outcome
        fault = fault or _incomplete(executed)
        if fault:
            if fault["kind"] != "PageStopped":
                _keep_partial(executed, out / f"{stem}.failed.ipynb")
            raise _as_error(name, fault)
        page, data = to_html(executed), to_csv(executed)
    manifest = {
        "schema": "report/1",
        "report": name,
        "parameters": values,
        "workspace": workspace.name,
        "made_utc": datetime.now(UTC).isoformat(timespec="seconds"),
        "status": "done",
    }
    target = out / f"{stem}.html"
    write_text(out / f"{stem}.csv", data)
    write_text(target, page)
    write_text(out / f"{stem}.json", json.dumps(manifest, indent=1, ensure_ascii=False) + "\n")
    (out / f"{stem}.failed.ipynb").unlink(missing_ok=True)
    return Report(target, manifest)


def _stem(name: str, values: Mapping[str, Any]) -> str:
    """Return the file name of a report: one name for one set of parameters."""
    if not values:
        return name
    return f"{name}-{file_name(','.join(f'{k}={v}' for k, v in sorted(values.items())))}"


def _attempt(
    notebook: Path, executed: Path, values: Mapping[str, Any], workspace: Path, seconds: float
) -> dict[str, Any]:
    outcome = executed.with_suffix(".outcome")
    outcome.unlink(missing_ok=True)
    order = {
        "notebook": str(notebook),
        "output": str(executed),
        "outcome": str(outcome),
        "folder": str(executed.parent),
        "parameters": dict(values),
    }
    runtime = executed.parent / "runtime"
    runtime.mkdir(mode=0o700, exist_ok=True)
    env = {
        **os.environ,
        MODE: "report",
        WORKSPACE: str(workspace.resolve()),
        "JUPYTER_RUNTIME_DIR": str(runtime),
        "PYTHONWARNINGS": "ignore",
    }
    command = [sys.executable, "-m", "journey_widgets.publish.run_notebook"]
    process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
        command, env=env, cwd=executed.parent, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE, start_new_session=True,
    )  # fmt: skip
    try:
        _out, said = process.communicate(json.dumps(order).encode(), timeout=seconds)
    except subprocess.TimeoutExpired:
        return {"ok": False, "kind": "RunTimeout", "said": f"not done after {seconds:g} seconds"}
    finally:
        _end(process)
        if process.stderr:
            process.stderr.close()
    if not outcome.exists():
        last = said.decode("utf-8", "replace").strip().splitlines()[-1:] or ["nothing"]
        return {"ok": False, "kind": "RunDied", "said": f"exit {process.returncode}: {last[0]}"}
    found: dict[str, Any] = json.loads(outcome.read_text("utf-8"))
    return found


def _end(process: "subprocess.Popen[bytes]") -> None:
    """End a run with everything it started: a kernel leads a process group of its own."""
    with contextlib.suppress(psutil.NoSuchProcess):
        for child in psutil.Process(process.pid).children(recursive=True):
            with contextlib.suppress(psutil.NoSuchProcess):
                child.kill()
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _incomplete(executed: Path) -> dict[str, Any] | None:
    """Return what is wrong with a run that says it went well."""
    book = nbformat.read(executed, as_version=4)
    for number, cell in enumerate(book.cells):
        if cell.cell_type != "code":
            continue
        if any(o.output_type == "error" for o in cell.outputs):
            return {"kind": "Incomplete", "said": "a cell shows an error", "cell": number}
        if cell.execution_count is None and cell.source.strip():
            return {"kind": "Incomplete", "said": "a cell never ran", "cell": number}
    if book.metadata.get("papermill", {}).get("exception"):
        return {"kind": "Incomplete", "said": "papermill noted an exception"}
    return None


def _keep_partial(executed: Path, target: Path) -> None:
    if executed.exists():
        shutil.copyfile(executed, part := target.with_suffix(".part"))
        part.replace(target)


def _as_error(name: str, fault: Mapping[str, Any]) -> JourneyError:
    if fault["kind"] == "PageStopped":
        return ParameterError(f"{name}: {fault['said']}")
    where = f" in cell {fault['cell']}" if fault.get("cell") is not None else ""
    return InfrastructureError(
        f"{name} was not made: {fault['kind']}{where}: {fault['said'].rstrip('.')}. The last good "
        "report is unchanged."
    )


def to_csv(executed: Path) -> str:
    """Return all figures of an executed notebook as CSV: the same as on its page, unrounded beside as shown."""
    return figures.to_csv(figures.of_notebook(nbformat.read(executed, as_version=4).cells))


def to_html(executed: Path) -> str:
    """Return an executed notebook as one HTML file: no code, no script, nothing fetched."""
    from nbconvert import HTMLExporter

    book = nbformat.read(executed, as_version=4)
    title = str(book.metadata.get("title", "Report"))
    style = (_HERE / "base.css").read_text("utf-8")
    exporter = HTMLExporter(
        template_name="journey",
        exclude_anchor_links=True,
        extra_template_basedirs=[str(shipped.JUPYTER_DATA / "nbconvert" / "templates")],
    )
    resources = {"journey": {"title": title, "style": style}}
    page, _resources = exporter.from_notebook_node(book, resources=resources)
    return str(page)
