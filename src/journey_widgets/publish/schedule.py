"""The schedule: batches at their times, missed ones caught up once, one report never twice at the same time.

What ran, here or by ``journey report run``, is kept in ``reports/history.jsonl`` of the workspace; from there the
schedule knows what it missed while it was not running.
"""

import contextlib
import fcntl
import json
import logging
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from journey_widgets.errors import InfrastructureError, JourneyError, ParameterError
from journey_widgets.publish.batch import run_batch
from journey_widgets.publish.batch_ends import after_batch, not_begun
from journey_widgets.publish.cron import trigger
from journey_widgets.publish.report_plan import ReportSpec, read_reports
from journey_widgets.workspace import Workspace

HISTORY, LOCK = "history.jsonl", ".schedule.lock"
LOOK_SECONDS = 30
"""Between two looks at ``reports.yaml``."""
MOST_MISSED = 100_000
"""Times that are looked through for the last one that was missed."""
PRINTED = ("cron", "systemd", "airflow", "prefect")
Tell = Callable[[dict[str, Any]], None]


def scheduled(workspace: Path) -> dict[str, ReportSpec]:
    """Return the reports that have a time; none is a `ParameterError`."""
    found = {n: s for n, s in read_reports(workspace).reports.items() if s.schedule}
    if not found:
        msg = "reports.yaml names no time: give a report one, such as schedule: 0 6 * * mon."
        raise ParameterError(msg)
    return found


def history(workspace: Path) -> list[dict[str, Any]]:
    """Return what ran, the oldest first: ``report``, ``day``, ``due_utc``, ``begun_utc``, ``ended_utc``, ``code``, …"""
    try:
        lines = (workspace / "reports" / HISTORY).read_text("utf-8").splitlines()
    except FileNotFoundError:
        return []
    found = []
    for line in lines:
        with contextlib.suppress(
            ValueError
        ):  # the last line of a machine that went down may be half
            found.append(json.loads(line))
    return found


def missed(spec: ReportSpec, zone: str, last: datetime | None, now: datetime) -> datetime | None:
    """Return the latest time of a report that came after the last one that ran, and has passed; None without any.

    Without a last one nothing was missed: a schedule begins when it is first started.
    """
    if last is None or spec.schedule is None:
        return None
    when, found = trigger(spec.schedule, zone), None
    after = last.astimezone(UTC)
    for _n in range(MOST_MISSED):
        following = when.get_next_fire_time(after, after)
        if following is None or following > now:
            break
        found, after = following, following.astimezone(UTC)
    return found


def run_due(
    workspace: Path, name: str, due: datetime, *, jobs: int = 1, cluster: str = "", tell: Tell = lambda _event: None
) -> int:  # fmt: skip
    """Make the batch of a time, deliver it, and note it in the history; return its exit code.

    Whatever ends it, also by hand, stands in the history.
    """
    begun = datetime.now(UTC)
    fact: dict[str, Any] = {
        "report": name,
        "due_utc": due.astimezone(UTC).isoformat(timespec="seconds"),
    }
    spec: ReportSpec | None = None

    def say(what: str, facts: dict[str, Any]) -> None:
        tell({"event": what, "report": name, **facts})

    try:
        with contextlib.closing(Workspace.open(workspace, read_only=True)) as space:
            zone = ZoneInfo(space.settings.time_zone)
        day = due.astimezone(zone).date()
        fact["day"] = day.isoformat()
        spec = read_reports(workspace).spec(name)
        made = run_batch(workspace, name, day=day, jobs=jobs, cluster=cluster, say=tell)
        fine = after_batch(workspace, spec, made, say)
        fact |= {"counts": made.manifest["counts"], "code": made.exit_code or (0 if fine else 4)}
    except JourneyError as error:
        fact |= {"code": error.exit_code, "why": str(error)}
        if spec is not None:
            with contextlib.suppress(OSError):
                not_begun(workspace, name, spec, day, str(error), say)
    except Exception as error:  # noqa: BLE001 - one report that breaks in a new way ends no schedule
        fact |= {"code": 3, "why": type(error).__name__}
    except BaseException:
        _noted(workspace, fact | {"code": 4, "why": "stopped by hand"}, begun, tell)
        raise
    _noted(workspace, fact, begun, tell)
    return int(fact["code"])


def _noted(workspace: Path, fact: dict[str, Any], begun: datetime, tell: Tell) -> None:
    fact |= _times(begun)
    _note(workspace, fact)
    tell({"event": "scheduled batch ends", **fact})


def note_run(
    workspace: Path, name: str, day: date, begun: datetime, code: int, **more: Any
) -> None:
    """Note a batch that was started by hand or by another scheduler; what a schedule makes itself it notes too."""
    fact = {"report": name, "day": day.isoformat(), "by": "report run", **more, "code": code}
    with contextlib.suppress(
        OSError
    ):  # where nothing can be written there it was said already, or is no matter
        _note(workspace, fact | _times(begun))


def _times(begun: datetime) -> dict[str, str]:
    return {
        "begun_utc": begun.isoformat(timespec="seconds"),
        "ended_utc": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def _note(workspace: Path, fact: Mapping[str, Any]) -> None:
    folder = workspace / "reports"
    folder.mkdir(exist_ok=True)
    with (folder / HISTORY).open("a", encoding="utf-8") as stream:
        stream.write(json.dumps(fact, ensure_ascii=False) + "\n")


def _last(workspace: Path) -> dict[str, datetime]:
    found: dict[str, datetime] = {}
    for line in history(workspace):
        with contextlib.suppress(KeyError, ValueError, TypeError):
            due = datetime.fromisoformat(line["due_utc"])
            found[line["report"]] = max(due, found.get(line["report"], due))
    return found


@contextlib.contextmanager
def _alone(workspace: Path) -> Iterator[None]:
    folder = workspace / "reports"
    folder.mkdir(exist_ok=True)
    with (folder / LOCK).open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            msg = "Another schedule of this workspace is running. One is enough."
            raise InfrastructureError(msg) from None
        yield


def catch_up(
    workspace: Path, *, jobs: int = 1, cluster: str = "", tell: Tell = lambda _event: None, now: datetime | None = None
) -> list[int]:  # fmt: skip
    """Make what was missed since the schedule last ran, each report once, for its latest time; return exit codes.

    A report that never ran begins now: nothing of the time before is made.
    """
    now = now or datetime.now(UTC)
    last, codes = _last(workspace), []
    with contextlib.closing(Workspace.open(workspace, read_only=True)) as space:
        zone = space.settings.time_zone
    for name, spec in scheduled(workspace).items():
        if name not in last:
            _from_here_on(workspace, name, now)
            continue
        due = missed(spec, zone, last[name], now)
        if due is not None:
            tell(
                {
                    "event": "caught up",
                    "report": name,
                    "due_utc": due.astimezone(UTC).isoformat(timespec="seconds"),
                }
            )
            codes.append(run_due(workspace, name, due, jobs=jobs, cluster=cluster, tell=tell))
    return codes


def _from_here_on(workspace: Path, name: str, now: datetime) -> None:
    """Note that a report has a time from now on: nothing of the time before was missed."""
    moment = now.isoformat(timespec="seconds")
    _note(workspace, {"report": name, "due_utc": moment, "event": "scheduled from here on"})


def run_schedule(
    workspace: Path,
    *,
    jobs: int = 1,
    cluster: str = "",
    tell: Tell = lambda _event: None,
    until: threading.Event | None = None,
) -> None:
    """Run the schedule of a workspace until it is told to end; what changes in ``reports.yaml`` holds from then on.

    Parameters
    ----------
    workspace
        Folder of the workspace.
    jobs, cluster
        As `run_batch` takes them.
    tell
        Is told each event, a flat dictionary.
    until
        Ends it when it is set; a batch at work is finished first.

    Raises
    ------
    ParameterError
        No report has a time.
    InfrastructureError
        The scheduler library is not there, or another schedule of this workspace is running.
    """
    specs = scheduled(workspace)
    with contextlib.closing(Workspace.open(workspace, read_only=True)) as space:
        zone = space.settings.time_zone
    for spec in specs.values():
        trigger(str(spec.schedule), zone)  # says at once where the library is not there
    from apscheduler.executors.pool import ThreadPoolExecutor
    from apscheduler.schedulers.background import BackgroundScheduler

    ended = until or threading.Event()
    with _alone(workspace):
        catch_up(workspace, jobs=jobs, cluster=cluster, tell=tell)
        # One at a time: batches share the machine. What comes due while one is at work is made after it (`_fire`).
        timer = BackgroundScheduler(
            executors={"default": ThreadPoolExecutor(1)}, timezone=ZoneInfo(zone),
            job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
        )  # fmt: skip
        logging.getLogger("apscheduler").setLevel(
            logging.ERROR
        )  # what it leaves out is made all the same
        timer.start()
        known: dict[str, str] = {}
        try:
            while True:
                _look_again(timer, known, workspace, zone, tell, (jobs, cluster))
                if ended.wait(LOOK_SECONDS):
                    return
        finally:
            timer.shutdown(wait=True)


def _look_again(
    timer: Any, known: dict[str, str], workspace: Path, zone: str, tell: Tell, how: tuple[int, str]
) -> None:
    """Bring the times of the library in line with ``reports.yaml``; of one that cannot be read the last one holds."""
    try:
        found = {
            n: str(s.schedule) for n, s in read_reports(workspace).reports.items() if s.schedule
        }
    except (JourneyError, OSError) as error:
        if known.get("") != str(error):
            known[""] = str(error)
            tell({"event": "reports.yaml cannot be read", "why": str(error)})
        return
    known.pop("", None)
    for name in [n for n in known if n not in found]:
        del known[name]
        timer.remove_job(name)
        tell({"event": "no longer scheduled", "report": name})
    last = _last(workspace)
    for name, text in found.items():
        if known.get(name) == text:
            continue
        if name not in last:
            _from_here_on(workspace, name, datetime.now(UTC))
        given = (workspace, name, *how, tell, zone)
        job = timer.add_job(_fire, trigger(text, zone), args=given, id=name, replace_existing=True)
        known[name] = text
        following = job.next_run_time.isoformat(timespec="minutes")
        tell({"event": "scheduled", "report": name, "next": following})


def _fire(workspace: Path, name: str, jobs: int, cluster: str, tell: Tell, zone: str) -> None:
    """Make the latest time of a report that has come and was not made; then what came due meanwhile."""
    due: datetime | None = _due(workspace, name, zone) or datetime.now(UTC)
    while due is not None:
        run_due(workspace, name, due, jobs=jobs, cluster=cluster, tell=tell)
        following = _due(workspace, name, zone)
        due = following if following and following > due else None


def _due(workspace: Path, name: str, zone: str) -> datetime | None:
    """Return the latest time that has come and was not made; None also where nobody can say."""
    try:
        spec = read_reports(workspace).spec(name)
        return missed(spec, zone, _last(workspace).get(name), datetime.now(UTC))
    except (JourneyError, OSError):
        return None


def printed(workspace: Path, form: str, command: Sequence[str], more: Sequence[str] = ()) -> str:
    """Return the schedule as another tool reads it: ``cron``, ``systemd``, ``airflow`` or ``prefect``.

    Parameters
    ----------
    workspace
        Folder of the workspace.
    form
        Which.
    command, more
        The ``journey`` command in words, and what is added to each of its runs.
    """
    if form not in PRINTED:
        msg = f"There is no form {form!r}; {', '.join(PRINTED)} can be printed."
        raise ParameterError(msg)
    with contextlib.closing(Workspace.open(workspace, read_only=True)) as space:
        zone = space.settings.time_zone
    folder = workspace.resolve()
    specs = scheduled(workspace)
    runs = {n: [*command, "report", "run", n, "-w", str(folder), *more] for n in specs}
    writers = {"cron": _cron, "systemd": _systemd, "airflow": _airflow, "prefect": _prefect}
    return writers[form]({n: str(s.schedule) for n, s in specs.items()}, runs, zone)


def _cron(times: Mapping[str, str], runs: Mapping[str, list[str]], zone: str) -> str:
    import shlex

    lines = [
        f"# The times are those of {zone}. A cron that knows no CRON_TZ (Debian's) takes them for the machine's own.",
        f"CRON_TZ={zone}",
    ]
    lines += [
        f"{times[n]} {shlex.join(r)}" for n, r in runs.items()
    ]  # a batch itself holds its folder
    return "\n".join(lines).replace("%", "\\%") + "\n"


def _systemd(times: Mapping[str, str], runs: Mapping[str, list[str]], zone: str) -> str:
    from journey_widgets.publish.cron import WEEKDAYS, fields

    parts = []
    for name, run in runs.items():
        every = fields(times[name])
        days = (
            ""
            if len(every["weekday"]) == 7
            else ",".join(WEEKDAYS[d].title() for d in every["weekday"]) + " "
        )
        month, day, hour, minute = (
            "*" if len(every[f]) == most else ",".join(map(str, every[f]))
            for f, most in (("month", 12), ("day", 31), ("hour", 24), ("minute", 60))
        )
        when = f"{days}*-{month}-{day}"
        if days and day != "*":  # as cron reads it: on either
            when = f"{days}*-{month}-* {hour}:{minute}:00 {zone}\nOnCalendar=*-{month}-{day}"
        words = " ".join(
            '"' + w.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%") + '"' for w in run
        )
        parts.append(
            f"# journey-{name}.service\n[Unit]\nDescription=Reports: {name}\n[Service]\nType=oneshot\n"
            f"ExecStart={words}\n\n# journey-{name}.timer\n[Timer]\n"
            f"OnCalendar={when} {hour}:{minute}:00 {zone}\nPersistent=true\n"
            "[Install]\nWantedBy=timers.target\n"
        )
    return "\n".join(parts)


def _airflow(times: Mapping[str, str], runs: Mapping[str, list[str]], zone: str) -> str:
    import shlex

    lines = [
        "import pendulum",
        "from airflow import DAG",
        "from airflow.operators.bash import BashOperator",
        "",
    ]
    for name, run in runs.items():
        command = (
            f"{shlex.join(run)} --as-of {{{{ data_interval_end.in_timezone({zone!r}).date() }}}}"
        )
        lines += [
            f"with DAG({'journey_' + name!r}, schedule={times[name]!r}, catchup=False, max_active_runs=1,",
            f"         start_date=pendulum.datetime(2026, 1, 1, tz={zone!r})):",
            f"    BashOperator(task_id='report', bash_command={command!r})",
            "",
        ]
    return "\n".join(lines)


def _prefect(times: Mapping[str, str], runs: Mapping[str, list[str]], zone: str) -> str:
    lines = [
        "import subprocess", "from prefect import flow, serve", "from prefect.schedules import Cron", "", "",
        "@flow", "def report(command: list[str]) -> None:", "    subprocess.run(command, check=True)", "", "",
        "if __name__ == '__main__':", "    serve(",
    ]  # fmt: skip
    for name, run in runs.items():
        schedule = f"schedule=Cron({times[name]!r}, timezone={zone!r})"
        lines.append(
            f"        report.to_deployment({name!r}, parameters={{'command': {run!r}}}, {schedule}),"
        )
    return "\n".join([*lines, "    )", ""])
