"""A batch of reports nobody watches: it makes what is missing or stale, keeps every good report, and says what failed.

The plan is worked out first, parameters and all. Workers then take run after run; each report is published by itself,
so that a batch that is stopped anywhere is taken up again by starting it again.
"""

import contextlib
import fcntl
import hashlib
import json
import re
import shutil
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path
from queue import Empty, Queue
from typing import Any

from journey_widgets.errors import (
    AccessError,
    FindingsError,
    InfrastructureError,
    JourneyError,
    ParameterError,
)
from journey_widgets.findings import Finding, Severity, count_by_severity
from journey_widgets.publish.batch_page import NAME, batch_pages, is_role_page
from journey_widgets.publish.cluster import Cluster, ClusterWorker
from journey_widgets.publish.report_plan import ReportSpec, Run, inputs, read_reports, runs
from journey_widgets.publish.report_worker import Worker
from journey_widgets.publish.reports import RUN_SECONDS, make
from journey_widgets.textfiles import write_text
from journey_widgets.workspace import Workspace

MADE, FRESH, FAILED, REFUSED, LEFT = "made", "fresh", "failed", "refused", "left out"
"""What became of a run: made now, made before of the same, broken, refused by its page, not asked for."""
APART = 0.3
"""Seconds between the starts of two kernels: many at once only wait for each other."""
PLACE = re.compile(r"(?:file://|(?<![\w./]))(?:/[^\s/'\"<>]+){2,}")
"""A path of this machine in a sentence."""
MANIFEST, LOG, LOCK = "batch.json", "batch.log.jsonl", ".lock"
RANKS: dict[Severity, int] = {"info": 0, "warn": 1, "error": 2}


@dataclass(frozen=True)
class Batch:
    """A batch that ran: its folder, its manifest, and the exit code of a command that ran it."""

    folder: Path
    manifest: dict[str, Any]

    @property
    def exit_code(self) -> int:
        """0 where every report asked for is there, 4 where some are not, 3 or 2 where none of all is."""
        counts = self.manifest["counts"]
        bad = counts[FAILED] + counts[REFUSED]
        if not bad:
            return 0
        if counts[MADE] + counts[FRESH]:
            return 4
        return 3 if counts[FAILED] else 2


def run_batch(
    workspace: Path, name: str, *, day: date, out: Path | None = None, jobs: int = 1, only: Sequence[str] = (),
    force: bool = False, dry_run: bool = False, seconds: float | None = None, memory_mb: float | None = None,
    cluster: str = "", say: Callable[[dict[str, Any]], None] = lambda _event: None,
) -> Batch:  # fmt: skip
    """Make a report of ``reports.yaml`` for a day, once for each of its fan-out.

    Parameters
    ----------
    workspace
        Folder of the workspace.
    name
        Of the report in ``reports.yaml``.
    day
        The day it is made for: `report_plan.as_of_value` says what notebooks are told.
    out
        Folder for all reports; ``reports/`` in the workspace by default. Those of a batch lie in ``NAME/DAY/``.
    jobs
        Workers at the same time.
    only
        Texts such as ``"device=mobile"``: runs with a parameter that holds one; the others are left as they are.
    force
        Make also what is there and of the same inputs.
    dry_run
        Say what would be made, and make nothing.
    seconds, memory_mb
        Longest time and most memory of one run; by default those of the report, or half an hour and no limit.
    cluster
        Address of a Dask scheduler whose workers execute the notebooks, in place of workers of this machine.
    say
        Is told each event, a flat dictionary: what the log holds too.

    Raises
    ------
    AccessError
        Whoever asks sees some rows only.
    ParameterError
        The report, its parameters, `only` or `jobs` cannot be.
    FindingsError
        Findings of the severity that the report names, or a worse one.
    InfrastructureError
        Another batch of the same report and day is at work; the folder cannot be written.
    """
    if jobs < 1 or (cluster and jobs > 1):
        msg = f"jobs is {jobs}; {'a cluster has as many as it has threads' if cluster else '1 or more was needed'}."
        raise ParameterError(msg)
    with contextlib.closing(Workspace.open(workspace)) as space:
        if space.member.rows:
            msg = (
                f"{space.author!r} sees some rows only, and a batch is kept for everybody. Make single reports: "
                "journey report NAME."
            )
            raise AccessError(msg)
        spec = read_reports(workspace).spec(name)
        seconds = seconds or spec.seconds or RUN_SECONDS
        memory_mb = memory_mb or spec.memory_mb
        found = [f for f in space.check(publishing=True) if not f.acknowledged]
        _stopped_by(found, name, spec)
        made_of = inputs(space)
        planned = runs(space, name, spec, day, made_of)
        base = {
            "workspace": space.settings.name,
            "notebook": spec.notebook,
            "day": day.isoformat(),
            "findings": count_by_severity(found),
        }
    chosen = _chosen(planned, only)
    folder = (out or workspace / "reports").resolve() / name / day.isoformat()
    if dry_run:
        rows = [_row(r, FRESH if _is_fresh(folder, r) and not force else "to make") for r in chosen]
        return Batch(folder, _manifest(name, base, rows, made_of))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with _alone(folder), contextlib.ExitStack() as stack:
            _swept(folder)
            hire: Callable[[], Worker | ClusterWorker] = partial(
                Worker, workspace, memory_mb=memory_mb
            )
            if cluster:
                there = stack.enter_context(
                    contextlib.closing(
                        Cluster(cluster, workspace, folder, planned[0].notebook, memory_mb)
                    )
                )
                hire, jobs = there.worker, there.threads
            work = _Work(workspace, name, base, folder, made_of, seconds, hire, say, spec.formats)
            return work.do(planned, chosen, jobs, force=force)
    except OSError as error:
        said = f"{name} could not be made: {error.strerror or type(error).__name__}. Every good report is still there."
        raise InfrastructureError(said) from None


def _stopped_by(found: list[Finding], name: str, spec: ReportSpec) -> None:
    if spec.stop_at is None:
        return
    bad = [f for f in found if RANKS[f.severity] >= RANKS[spec.stop_at]]
    if bad:
        msg = (
            f"{name} is stopped by {len(bad)} finding{'s' * (len(bad) > 1)} of severity {spec.stop_at} or worse, the "
            f"first {bad[0].code}: {bad[0].message} Settle them (journey check), or take stop_at out."
        )
        raise FindingsError(msg)


def _chosen(planned: list[Run], only: Sequence[str]) -> list[Run]:
    if not only:
        return planned
    for text in only:
        if not any(text in str(v) for r in planned for v in r.values.values()):
            there = sorted({str(v) for r in planned for v in r.values.values()})[:12]
            msg = f"only {text!r} is in no parameter of the {len(planned)} reports, such as {', '.join(there)}."
            raise ParameterError(msg)
    return [r for r in planned if any(t in str(v) for t in only for v in r.values.values())]


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Hold a batch's folder; another batch of it is told so."""
    with (folder / LOCK).open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            msg = f"Another batch is making the reports in {folder.parent.name}/{folder.name}. Wait for it, or end it."
            raise InfrastructureError(msg) from None
        yield


def _swept(folder: Path) -> None:
    """Remove what a batch that was ended by force left lying: folders of runs, and files that were not finished."""
    for path in folder.iterdir():
        if path.is_dir() and path.name.startswith("."):
            shutil.rmtree(path, ignore_errors=True)
        elif path.suffix == ".part":
            path.unlink(missing_ok=True)


def _is_fresh(folder: Path, run: Run) -> bool:
    """Return whether a report is there, made of the same, with the files that its manifest vouches for."""
    try:
        manifest = json.loads((folder / f"{run.stem}.json").read_text("utf-8"))
        if manifest["key"] != run.key or manifest["status"] != "done":
            return False
        return all(
            hashlib.sha256((folder / n).read_bytes()).hexdigest() == sha
            for n, sha in manifest["files"].items()
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return False


def _row(run: Run, status: str, **more: Any) -> dict[str, Any]:
    return {"stem": run.stem, "parameters": dict(run.values), "status": status, **more}


def _manifest(
    name: str, base: dict[str, Any], rows: list[dict[str, Any]], made_of: dict[str, Any]
) -> dict[str, Any]:
    counted = Counter(r["status"] for r in rows)
    counts = {s: counted[s] for s in (MADE, FRESH, FAILED, REFUSED, LEFT)}
    return {
        "schema": "batch/1",
        "report": name,
        **base,
        "inputs": made_of,
        "counts": counts,
        "runs": rows,
    }


class _Work:
    """One batch at work."""

    def __init__(
        self, workspace: Path, name: str, base: dict[str, Any], folder: Path, made_of: dict[str, Any], seconds: float,
        hire: "Callable[[], Worker | ClusterWorker]", say: Callable[[dict[str, Any]], None], formats: Sequence[str],
    ) -> None:  # fmt: skip
        self._workspace, self._name, self._base, self._folder = workspace, name, base, folder
        self._made_of, self._seconds, self._hire, self._tell = made_of, seconds, hire, say
        self._rows: dict[str, dict[str, Any]] = {}
        self._workers: list[Worker | ClusterWorker] = []
        self._next_start = 0.0
        self._is_stale = False
        self._formats = formats
        self._talking, self._starting = threading.Lock(), threading.Lock()

    def do(self, planned: list[Run], chosen: list[Run], jobs: int, *, force: bool) -> Batch:
        """Make what is missing; write the batch's manifest when all is said."""
        begun, since = time.monotonic(), datetime.now(UTC)
        asked = {r.stem for r in chosen}
        self._say("batch begins", reports=len(chosen), of=len(planned), jobs=jobs)
        todo: Queue[Run] = Queue()
        for run in planned:
            if run.stem not in asked:
                there = _is_fresh(self._folder, run)
                self._rows[run.stem] = _row(run, FRESH if there else LEFT)
            elif not force and _is_fresh(self._folder, run):
                self._done(run, FRESH)
            else:
                todo.put(run)
        crew = [
            threading.Thread(target=self._take, args=(todo,), daemon=True)
            for _n in range(min(jobs, todo.qsize()))
        ]
        for one in crew:
            one.start()
        try:
            for one in crew:
                one.join()
        except BaseException:  # stopped by hand: nothing of it goes on
            todo.queue.clear()
            for worker in self._workers:
                worker.close()
            for one in crew:
                one.join()
            raise
        lost = "its worker could not be started, or ended"
        rows = [self._rows.get(r.stem) or _row(r, FAILED, why=lost) for r in planned]
        took = round(time.monotonic() - begun, 1)
        times = {
            "begun_utc": since.isoformat(timespec="seconds"),
            "ended_utc": datetime.now(UTC).isoformat(timespec="seconds"),
            "seconds": took, "jobs": jobs, "seconds_of_a_run": self._seconds,
        }  # fmt: skip
        manifest = _manifest(self._name, {**self._base, **times}, rows, self._made_of)
        text = json.dumps(manifest, indent=1, ensure_ascii=False, sort_keys=False)
        write_text(self._folder / MANIFEST, text + "\n")
        self._write_pages(batch_pages(self._folder, manifest))
        self._say("batch ends", seconds=took, **manifest["counts"])
        return Batch(self._folder, manifest)

    def _write_pages(self, pages: dict[str, str]) -> None:
        """Write the pages of the batch, the one that leads to the others last; no old page of a role stays."""
        for old in self._folder.iterdir():
            if is_role_page(old.name) and old.name not in pages:
                old.unlink()
        for name in sorted(pages, key=lambda n: n == NAME):
            write_text(self._folder / name, pages[name])

    def _take(self, todo: "Queue[Run]") -> None:
        """Take run after run until there are none left."""
        try:
            self._take_all(todo)
        except Exception as error:  # noqa: BLE001 - a thread says what ended it: the others go on
            self._say("worker failed", why=self._unplaced(f"{type(error).__name__}: {error}"))

    def _take_all(self, todo: "Queue[Run]") -> None:
        with self._hire() as worker:
            self._workers.append(worker)
            while True:
                try:
                    run = todo.get_nowait()
                except Empty:
                    return
                with self._starting:
                    time.sleep(max(0.0, self._next_start - time.monotonic()))
                    self._next_start = time.monotonic() + APART
                self._make(worker, run)

    def _make(self, worker: "Worker | ClusterWorker", run: Run) -> None:
        if self._is_stale:
            why = "not begun: the workspace changed while the batch was at work. Start it again."
            self._done(run, FAILED, why=why)
            return
        self._say("report begins", stem=run.stem)
        about = {**self._base, "key": run.key, "inputs": self._made_of}
        try:
            made = make(
                worker, self._name, run.notebook, run.values, self._folder, run.stem, about=about,
                seconds=self._seconds, is_current=self._is_current, formats=self._formats,
            )  # fmt: skip
        except ParameterError as error:
            self._done(run, REFUSED, why=str(error))
        except JourneyError as error:
            self._done(run, FAILED, why=str(error))
        except OSError as error:
            self._done(run, FAILED, why=f"it could not be written: {error.strerror or error}")
        except Exception as error:  # noqa: BLE001 - one report that breaks in a new way stops no other
            self._done(run, FAILED, why=f"{type(error).__name__}: {error}")
        else:
            self._done(run, MADE, seconds=made.manifest["seconds"], tries=made.manifest["tries"])

    def _is_current(self) -> bool:
        with contextlib.closing(Workspace.open(self._workspace)) as space:
            self._is_stale = self._is_stale or inputs(space) != self._made_of
        return not self._is_stale

    def _done(self, run: Run, status: str, **more: Any) -> None:
        if "why" in more:  # manifests and pages are passed on: they name no place on this machine
            more["why"] = self._unplaced(more["why"])
        self._rows[run.stem] = _row(run, status, **more)
        self._say(f"report {status}", stem=run.stem, **more)

    def _unplaced(self, text: str) -> str:
        text = text.replace(str(self._workspace.resolve()), "the workspace")
        return PLACE.sub(lambda found: f".../{found[0].rpartition('/')[2]}", text)

    def _say(self, event: str, **facts: Any) -> None:
        """Write an event into the log, one line of JSON, and hand it on."""
        at = datetime.now(UTC).isoformat(timespec="milliseconds")
        line = {"at_utc": at, "event": event, "report": self._name, **facts}
        with self._talking:
            with (
                contextlib.suppress(OSError, UnicodeError),
                (self._folder / LOG).open("a", encoding="utf-8") as log,
            ):
                log.write(json.dumps(line, ensure_ascii=False) + "\n")
            with contextlib.suppress(OSError):  # a terminal that is gone ends no batch
                self._tell(line)
