"""Report runs: a notebook with parameters becomes one self-contained HTML file, or nothing changes.

papermill alone writes over the last good report while it runs, and can call cells completed that
never ran. Here a run happens in a process group of its own and into a folder of its own; it counts
only if nothing was raised, no cell shows an error and every code cell ran; and only then the report
takes its name.
"""

import contextlib
import hashlib
import json
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

from journey_widgets import shipped
from journey_widgets.errors import InfrastructureError, JourneyError, ParameterError, did_you_mean
from journey_widgets.findings import count_by_severity
from journey_widgets.publish.parameters import checked, declared
from journey_widgets.publish.pdf import to_pdf
from journey_widgets.publish.report_files import to_notebook
from journey_widgets.publish.report_worker import Worker
from journey_widgets.publish.run_notebook import DATA, PAGE, RUN
from journey_widgets.safe import file_name
from journey_widgets.textfiles import write_bytes, write_text
from journey_widgets.workspace import Workspace

RUN_SECONDS = 1_800


class Executes(Protocol):
    """Whoever executes notebooks: a worker of this machine, or one of a cluster."""

    def run(
        self, notebook: Path, folder: Path, parameters: Mapping[str, Any], seconds: float
    ) -> dict[str, Any]:
        """Execute a notebook in a folder; return what it came to."""
        ...


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
    stem = stem_of(name, values)
    about = _made_of(workspace)
    with Worker(workspace) as worker:
        return make(worker, name, notebook, values, out, stem, about=about, seconds=seconds)


def _made_of(workspace: Path) -> dict[str, Any]:
    """Return what a report is made of, as far as that can be told: what cannot be read its page says."""
    from journey_widgets.publish.report_plan import inputs

    with contextlib.closing(Workspace.open(workspace, read_only=True)) as space:
        found = [f for f in space.check(publishing=True) if not f.acknowledged]
        about = {"workspace": space.settings.name, "findings": count_by_severity(found)}
        try:
            return {**about, "inputs": inputs(space)}
        except JourneyError as error:
            return {**about, "inputs": {"unreadable": str(error)}}


def make(
    worker: Executes, name: str, notebook: Path, values: Mapping[str, Any], out: Path, stem: str, *,
    about: Mapping[str, Any], seconds: float, is_current: Callable[[], bool] = lambda: True,
    formats: Sequence[str] = (),
) -> Report:  # fmt: skip
    """Let a worker make one report and publish it: page, figures and, last, the manifest that vouches for both.

    A manifest names the hashes of its files. Whatever breaks before it is written leaves files that it does not vouch
    for: whoever looks for what is missing makes them again. Nothing is published where `is_current` says that what it
    was made of is no longer what there is. Page and figures are always made; `formats` may add ``"pdf"`` and
    ``"notebook"``.
    """
    begun, tries = datetime.now(UTC), 1
    with tempfile.TemporaryDirectory(
        dir=out, prefix=f".{stem[:40]}-", ignore_cleanup_errors=True
    ) as scratch:
        folder = Path(scratch)
        outcome = worker.run(notebook, folder, values, seconds)
        if outcome.get(
            "machine"
        ):  # a fault of the machine is tried once more, one in a cell is not
            tries = 2
            outcome = worker.run(notebook, folder, values, seconds)
        if not outcome["ok"]:
            if outcome["kind"] != "PageStopped":
                _keep_partial(folder / RUN, out / f"{stem}.failed.ipynb")
            raise _as_error(name, outcome)
        if not is_current():
            msg = f"{name} was not published: its sources or documents changed while it was made. Make it again."
            raise InfrastructureError(msg)
        files = {f"{stem}.csv": folder / DATA}
        if "pdf" in formats:
            files[f"{stem}.pdf"] = folder / "page.pdf"
            to_pdf(folder / PAGE, folder / "page.pdf")
        if "notebook" in formats:
            files[f"{stem}.ipynb"] = folder / "clean.ipynb"
            (folder / "clean.ipynb").write_text(to_notebook(folder / RUN), "utf-8")
        files[f"{stem}.html"] = folder / PAGE
        hashes = {n: hashlib.sha256(p.read_bytes()).hexdigest() for n, p in files.items()}
        manifest = {
            "schema": "report/2", "report": name, "parameters": dict(values), **about, "status": "done",
            "begun_utc": begun.isoformat(timespec="seconds"),
            "made_utc": datetime.now(UTC).isoformat(timespec="seconds"),
            "seconds": round((datetime.now(UTC) - begun).total_seconds(), 2), "tries": tries, "files": hashes,
            "content": outcome["content"], "standing": outcome.get("standing", []),
        }  # fmt: skip
        for target, made in files.items():  # as they are: their hashes are in the manifest
            write_bytes(out / target, made.read_bytes())
    write_text(out / f"{stem}.json", json.dumps(manifest, indent=1, ensure_ascii=False) + "\n")
    (out / f"{stem}.failed.ipynb").unlink(missing_ok=True)
    return Report(out / f"{stem}.html", manifest)


def stem_of(name: str, values: Mapping[str, Any]) -> str:
    """Return the file name of a report: one name for one set of parameters."""
    if not values:
        return name
    return f"{name}-{file_name(','.join(f'{k}={v}' for k, v in sorted(values.items())))}"


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
