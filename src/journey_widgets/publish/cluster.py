"""A batch over several machines: notebooks run on the workers of a Dask cluster, everything else stays where it was.

A cluster's worker executes a notebook in a folder that both sides see, as a worker of this machine would
(`report_worker.Worker`); what is published, when and under which manifest is decided by the batch alone. A task whose
worker is lost is given to another one by Dask.
"""

import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self
from uuid import uuid4

from journey_widgets.errors import InfrastructureError
from journey_widgets.events.personal import key, key_mark
from journey_widgets.publish.report_plan import made_with
from journey_widgets.publish.report_worker import Worker

CONNECT, SPARE = "20s", 120.0
"""How long a scheduler may take to answer; seconds a task may take beyond its own limit to come back."""
_WORKERS: dict[tuple[int, str], Worker] = {}
"""On a cluster's worker: its own report workers, one a thread and batch, that live on from one report to the next."""


class Cluster:
    """A Dask cluster that makes reports.

    Parameters
    ----------
    address
        Of its scheduler, such as ``"tcp://10.0.0.5:8786"``.
    workspace
        Folder of the workspace; every worker of the cluster sees it under the same path.
    folder
        Where the batch works; a mark is left there and looked for by every worker.
    notebook
        The notebook that is executed.
    memory_mb
        Most memory of one run.

    Raises
    ------
    InfrastructureError
        Dask is not installed, nobody answers, there is no worker, or one has another version or key of pseudonyms, or
        does not see the workspace, the folder or the notebook.
    """

    def __init__(
        self, address: str, workspace: Path, folder: Path, notebook: Path, memory_mb: float | None = None
    ) -> None:  # fmt: skip
        try:
            from distributed import Client
        except ImportError:
            msg = "A batch over a cluster needs Dask: pip install 'journey-widgets[cluster]', here and on its workers."
            raise InfrastructureError(msg) from None
        self._workspace, self._memory, self._batch = workspace.resolve(), memory_mb, uuid4().hex
        try:
            self._client = Client(address, timeout=CONNECT, set_as_default=False)
        except (OSError, TimeoutError, ValueError) as error:
            msg = f"No Dask scheduler answers at {address} ({type(error).__name__}). Start one, or leave --cluster out."
            raise InfrastructureError(msg) from None
        try:
            self._check([self._workspace, folder.resolve()], notebook)
        except BaseException:
            self._client.close()
            raise

    def _check(self, shared: list[Path], notebook: Path) -> None:
        marks = {str(place / f".cluster-{self._batch}.part"): place.name for place in shared}
        try:
            for mark in marks:
                Path(mark).write_text(self._batch, "utf-8")
            told = self._client.run(_there, list(marks), str(notebook))
        except OSError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever a worker lacks is said
            msg = f"The cluster's workers cannot make reports: {type(error).__name__}: {error}"
            raise InfrastructureError(msg) from None
        finally:
            for mark in marks:
                Path(mark).unlink(missing_ok=True)
        if not told:
            msg = "The cluster has no workers: start some, with this package and the workspace in reach."
            raise InfrastructureError(msg)
        for address, found in told.items():
            for mark, place in marks.items():
                if found["marks"][mark] != self._batch:
                    msg = f"The worker {address} does not see the folder {place}; a shared one was needed."
                    raise InfrastructureError(msg)
            if not found["notebook"]:
                msg = f"The worker {address} has no {notebook.name} where it is here; install alike everywhere."
                raise InfrastructureError(msg)
            for name, version in _made_with().items():
                if found["with"].get(name) != version:
                    msg = (
                        f"The worker {address} has another {name} than this machine: {found['with'].get(name)} and not "
                        f"{version}. Reports would differ by who made them: install the same everywhere."
                    )
                    raise InfrastructureError(msg)

    @property
    def threads(self) -> int:
        """How many runs it takes at the same time."""
        return max(int(sum(self._client.ncores().values())), 1)

    def worker(self) -> "ClusterWorker":
        """Return a place that takes one run after the other."""
        return ClusterWorker(self._client, self._batch, self._workspace, self._memory)

    def close(self) -> None:
        """End what was made for this batch on its workers, and let go of it."""
        try:
            self._client.run(_end, self._batch)
        except Exception:  # noqa: BLE001, S110 - workers that are gone have ended theirs
            pass
        finally:
            self._client.close()


class ClusterWorker:
    """Takes runs as `report_worker.Worker` does, and gives each to the cluster."""

    def __init__(self, client: Any, batch: str, workspace: Path, memory_mb: float | None) -> None:
        self._client, self._batch, self._workspace, self._memory = (
            client,
            batch,
            workspace,
            memory_mb,
        )
        self._asked: Any = None
        self._closed = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def close(self) -> None:
        """Take nothing more, and give up what was asked for last."""
        self._closed = True
        asked = self._asked
        if asked is not None:
            asked.cancel(force=True)

    def run(
        self, notebook: Path, folder: Path, parameters: Mapping[str, Any], seconds: float
    ) -> dict[str, Any]:
        """Execute a notebook; return what it came to (see `run_notebook.run`), with its files in the folder."""
        from distributed import CancelledError, KilledWorker
        from distributed.comm.core import CommClosedError

        if self._closed:
            msg = "The batch was stopped."
            raise InfrastructureError(msg)
        self._asked = self._client.submit(
            _execute, self._batch, _made_with(), str(self._workspace), self._memory, str(notebook), str(folder),
            dict(parameters), seconds, pure=False, key=f"report-{uuid4().hex}",
        )  # fmt: skip
        asked = self._asked
        try:
            # A worker that is lost has its run begun again by another one, which takes its own time.
            place, outcome = asked.result(timeout=2 * seconds + SPARE)
        except TimeoutError:
            asked.cancel(force=True)
            return {
                "ok": False,
                "cell": None,
                "kind": "RunTimeout",
                "said": "the cluster did not answer in time",
            }
        except (KilledWorker, CancelledError, CommClosedError) as error:
            said = f"its worker of the cluster was lost ({type(error).__name__})"
            return {"ok": False, "cell": None, "kind": "RunDied", "said": said, "machine": True}
        finally:
            self._asked = None
        for path in Path(place).iterdir():
            path.replace(folder / path.name)
        found: dict[str, Any] = outcome
        return found


# --- on the cluster's workers ---------------------------------------------------------------------------


def _made_with() -> dict[str, str]:
    """Return what decides what a report says: versions, and which key of pseudonyms there is."""
    secret = key()
    return {**made_with(), "key of pseudonyms": key_mark(secret) if secret else "none"}


def _there(marks: list[str], notebook: str) -> dict[str, Any]:
    def read(mark: str) -> str:
        try:
            return Path(mark).read_text("utf-8")
        except OSError:
            return ""

    return {
        "with": _made_with(), "marks": {m: read(m) for m in marks}, "notebook": Path(notebook).is_file(),
    }  # fmt: skip


def _execute(
    batch: str, with_: dict[str, str], workspace: str, memory_mb: float | None, notebook: str, folder: str,
    parameters: dict[str, Any], seconds: float,
) -> tuple[str, dict[str, Any]]:  # fmt: skip
    """Execute a notebook in a place of its own: whoever was taken for lost and was not writes over nobody's files."""
    if _made_with() != with_:
        msg = "A worker that joined the cluster later has other versions, or another key of pseudonyms."
        raise InfrastructureError(msg)
    place = Path(folder) / uuid4().hex
    place.mkdir()
    own = (threading.get_ident(), batch)
    if own not in _WORKERS:
        _WORKERS[own] = Worker(Path(workspace), memory_mb=memory_mb)
    return str(place), _WORKERS[own].run(Path(notebook), place, parameters, seconds)


def _end(batch: str) -> None:
    for own in [k for k in _WORKERS if k[1] == batch]:
        _WORKERS.pop(own).close()
