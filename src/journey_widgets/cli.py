"""The ``journey`` command: a thin face over the package's functions.

Exit codes: 0 done, 1 findings, 2 bad input, 3 infrastructure, 4 partly failed; 130 stopped by hand.
"""

import argparse
import contextlib
import json
import os
import signal
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from journey_widgets.errors import FindingsError, JourneyError, ParameterError
from journey_widgets.shipped import templates
from journey_widgets.store_commands import add_commands

DONE, FINDINGS, BAD_INPUT, INFRASTRUCTURE, PARTLY = range(5)
STOPPED = 130
"""As shells say it: ended by hand before it was done. Only what runs until it is ended is done then."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return its exit code. Errors people can mend are one message, no traceback."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    if words[:2] == ["report", "run"]:
        words[:2] = ["report-run"]
    options = _parser().parse_args(words)
    act: Callable[[argparse.Namespace], int] = options.act
    try:
        return act(options)
    except JourneyError as error:
        print(f"journey: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("\nStopped.", file=sys.stderr)
        return STOPPED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE
    except OSError as error:
        print(f"journey: {error.strerror or error}: {error.filename or ''}", file=sys.stderr)
        return INFRASTRUCTURE


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="journey", description="A workbench for customer journeys."
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def add(
        name: str, act: Callable[[argparse.Namespace], int], what: str
    ) -> argparse.ArgumentParser:
        command = commands.add_parser(name, help=what, description=what)
        command.set_defaults(act=act)
        return command

    def add_workspace(command: argparse.ArgumentParser, *, option: bool = False) -> None:
        what = "folder of the workspace (default: the current folder)"
        if option:
            command.add_argument(
                "--workspace", "-w", type=Path, default=Path(), metavar="DIR", help=what
            )
        else:
            command.add_argument(
                "workspace", type=Path, nargs="?", default=Path(), metavar="DIR", help=what
            )

    new = add("new", _new, "make a workspace")
    new.add_argument("workspace", type=Path, metavar="DIR")
    new.add_argument(
        "--template", metavar="NAME", help=f"start from one of: {', '.join(templates())}"
    )

    demo = add("demo", _demo, "make the example workspace, run a report, serve the dashboards")
    demo.add_argument("workspace", type=Path, nargs="?", default=Path("demo"), metavar="DIR")
    demo.add_argument("--port", type=_port, default=8866)
    demo.add_argument("--once", action="store_true", help="stop after the report, do not serve")

    serve = add("serve", _serve, "serve the dashboards of a workspace")
    add_workspace(serve)
    serve.add_argument("--port", type=_port, default=8866)
    serve.add_argument(
        "--host",
        default="127.0.0.1",
        help="address to listen at (default: this machine's own); others need --auth",
    )
    serve.add_argument("--base-url", default="/", metavar="PATH", help="path behind a proxy")
    serve.add_argument(
        "--auth",
        metavar="WAY",
        help="none, token (of JOURNEY_TOKEN, or a new one), readers (of readers.yaml), proxy=ADDRESS, jupyterhub",
    )
    serve.add_argument(
        "--allow-edit", action="store_true", help="let readers save; who did is noted"
    )
    serve.add_argument(
        "--most", type=int, metavar="N", help="readers at the same time (default: by free memory)"
    )
    serve.add_argument(
        "--ready",
        action="append",
        default=[],
        metavar="NAME[=N]",
        help="keep kernels ready for a dashboard, such as overview=2",
    )

    reader = add("reader", _reader, "add a reader of the dashboards, or change a password")
    reader.add_argument("name", help="name to sign in with")
    reader.add_argument("--remove", action="store_true", help="take the reader out")
    add_workspace(reader, option=True)

    report = add("report", _report, "make one report")
    report.add_argument("name", help="name of a notebook, such as overview or scorecard")
    report.add_argument("-p", "--parameter", action="append", default=[], metavar="KEY=VALUE")
    report.add_argument("--out", type=Path, default=Path("reports"), metavar="DIR")
    add_workspace(report, option=True)

    batch = add(
        "report-run",
        _report_run,
        "make all reports of one entry of reports.yaml: journey report run NAME",
    )
    batch.add_argument("name", help="name of a report in reports.yaml")
    batch.add_argument(
        "--as-of", type=_day, metavar="DAY", help="the day it is made for (default: today)"
    )
    batch.add_argument(
        "--from",
        type=_day,
        dest="first",
        metavar="DAY",
        help="make it for every period from this day",
    )
    batch.add_argument("--to", type=_day, dest="last", metavar="DAY", help="up to this day")
    batch.add_argument("--jobs", type=int, default=1, metavar="N", help="workers at the same time")
    batch.add_argument(
        "--only",
        action="append",
        default=[],
        metavar="TEXT",
        help="only where a parameter holds it",
    )
    batch.add_argument(
        "--force", action="store_true", help="make also what is there and of the same inputs"
    )
    batch.add_argument(
        "--dry-run", action="store_true", help="say what would be made, and make nothing"
    )
    batch.add_argument("--seconds", type=float, help="longest time of one report")
    batch.add_argument("--memory", type=float, metavar="MB", help="most memory of one report")
    batch.add_argument(
        "--cluster",
        default="",
        metavar="ADDRESS",
        help="execute on the workers of a Dask scheduler, such as tcp://10.0.0.5:8786",
    )
    batch.add_argument(
        "--out",
        type=Path,
        metavar="DIR",
        help="folder of reports (default: reports/ in the workspace)",
    )
    add_workspace(batch, option=True)

    schedule = add("schedule", _schedule, "make reports at the times that reports.yaml gives")
    add_workspace(schedule)
    schedule.add_argument(
        "--jobs", type=int, default=1, metavar="N", help="workers at the same time"
    )
    schedule.add_argument(
        "--cluster",
        default="",
        metavar="ADDRESS",
        help="execute on the workers of a Dask scheduler",
    )
    schedule.add_argument("--catch-up", action="store_true", help="make what was missed, and end")
    schedule.add_argument("--history", action="store_true", help="print what ran, and end")
    schedule.add_argument(
        "--print",
        dest="form",
        metavar="FORM",
        help="print it for cron, systemd, airflow or prefect, and end",
    )

    publish = add(
        "publish", _publish, "write the dashboards as pages without a kernel, for any web server"
    )
    publish.add_argument("out", type=Path, metavar="OUT", help="folder of the pages")
    publish.add_argument("-p", "--parameter", action="append", default=[], metavar="KEY=VALUE")
    add_workspace(publish, option=True)

    check = add("check", _check, "check the documents and sources of a workspace")
    add_workspace(check)
    check.add_argument("--publishing", action="store_true", help="hold it to what publishing needs")
    check.add_argument("--json", action="store_true", help="print findings as JSON")

    export = add("export", _export, "write the documents as text")
    add_workspace(export)
    export.add_argument("--to", type=Path, metavar="DIR", help="default: DIR/documents")

    take = add("import", _import, "save documents from text, merged with what was saved meanwhile")
    add_workspace(take)
    take.add_argument(
        "--from", dest="origin", type=Path, metavar="DIR", help="default: DIR/documents"
    )
    take.add_argument("--note", default="imported")

    verify = add("verify", _verify, "check that no saved revision was changed")
    add_workspace(verify)

    add_commands(add)
    doctor = add("doctor", _doctor, "say what this installation lacks")
    doctor.add_argument(
        "workspace", type=Path, nargs="?", metavar="DIR", help="also look at a workspace"
    )
    return parser


def _port(text: str) -> int:
    if not (text.isdigit() and int(text) < 65_536):
        msg = f"{text!r} is no port; a number from 0 (any free one) to 65535 was needed"
        raise argparse.ArgumentTypeError(msg)
    return int(text)


def _new(options: argparse.Namespace) -> int:
    from journey_widgets.workspace import Workspace

    Workspace.create(options.workspace, template=options.template).close()
    print(f"Made {options.workspace}. Next: journey check {options.workspace}")
    return DONE


def _demo(options: argparse.Namespace) -> int:
    from journey_widgets.publish.reports import run_report
    from journey_widgets.workspace import Workspace

    folder: Path = options.workspace
    if not (folder / "workspace.yaml").exists():
        Workspace.create(folder, template="phone_retailer").close()
        print(f"Made the example workspace in {folder}/")
    report = folder / "reports" / "overview.html"
    if not report.exists():
        run_report("overview", workspace=folder, out=report.parent)
        print(f"Made the report {report}")
    if options.once:
        return DONE
    return _serve(_parser().parse_args(["serve", str(folder), "--port", str(options.port)]))


def _serve(options: argparse.Namespace) -> int:
    from journey_widgets.publish.dashboards import serve

    signal.signal(
        signal.SIGTERM, signal.default_int_handler
    )  # a service is ended with all it started
    with serve(
        options.workspace, port=options.port, host=options.host, base_url=options.base_url, way=options.auth,
        allow_edit=options.allow_edit, most=options.most, ready=_counts(options.ready), prepare=True,
    ) as served:  # fmt: skip
        print(f"Dashboards: {served.address}  (Ctrl+C stops them)", flush=True)
        try:
            code = served.process.wait()
        except KeyboardInterrupt:
            print("\nStopped.", file=sys.stderr)
            return DONE
    if code:
        print(f"journey: the dashboards' server ended by itself (exit {code}).", file=sys.stderr)
        return INFRASTRUCTURE
    return DONE


def _counts(texts: Sequence[str]) -> dict[str, int]:
    """Return NAME=N as numbers; a name alone is one."""
    found = {}
    for text in texts:
        name, equals, number = text.partition("=")
        if equals and not number.isdigit():
            msg = f"--ready {text!r}: a name with a number was needed, such as overview=2."
            raise ParameterError(msg)
        found[name] = int(number) if equals else 1
    return found


def _reader(options: argparse.Namespace) -> int:
    import getpass

    from journey_widgets.publish.readers import set_password
    from journey_widgets.workspace import Workspace

    Workspace.open(options.workspace, read_only=True).close()
    typed = None
    if not options.remove:
        typed = (
            getpass.getpass("Password: ")
            if sys.stdin.isatty()
            else sys.stdin.readline().rstrip("\n")
        )
    set_password(options.workspace, options.name, typed)
    print(
        f"{options.name} is taken out."
        if options.remove
        else f"{options.name} may read. Serve with --auth readers."
    )
    return DONE


def _publish(options: argparse.Namespace) -> int:
    from tqdm import tqdm

    from journey_widgets.publish.static_edition import publish

    given = _parameters(options.parameter)
    with tqdm(disable=None, unit="page", desc="publish") as bar:
        made = publish(
            options.workspace, options.out, parameters=given, say=lambda _name: bar.update()
        )
    for name, why in made.left_out.items():
        print(f"left out: {name}: {why}", file=sys.stderr)
    print(made.folder / "index.html")
    return PARTLY if made.left_out else DONE


def _parameters(texts: Sequence[str]) -> dict[str, str]:
    """Return KEY=VALUE as a dictionary."""
    given: dict[str, str] = {}
    for text in texts:
        key, equals, value = text.partition("=")
        if not equals or not key:
            msg = f"-p {text!r}: KEY=VALUE was needed, such as -p segment=device=mobile."
            raise ParameterError(msg)
        if key in given:
            msg = f"-p {key} is given twice. Keep one."
            raise ParameterError(msg)
        given[key] = value
    return given


def _report(options: argparse.Namespace) -> int:
    from journey_widgets.publish.reports import run_report

    report = run_report(
        options.name,
        workspace=options.workspace,
        out=options.out,
        parameters=_parameters(options.parameter),
    )
    print(report.path)
    return DONE


def _report_run(options: argparse.Namespace) -> int:
    from journey_widgets.publish.report_plan import periods, read_reports
    from journey_widgets.workspace import Workspace

    spec = read_reports(options.workspace).spec(options.name)
    with contextlib.closing(Workspace.open(options.workspace)) as space:
        zone = space.settings.time_zone
    days = periods(spec, options.as_of, options.first, options.last, zone=zone)
    # Whoever runs this unattended ends it with SIGTERM: as by hand, with all it started.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        codes = [_batch_of(options, day, last=day == days[-1]) for day in days]
    except KeyboardInterrupt:
        print("\nStopped. Start it again to make what is missing.", file=sys.stderr)
        return PARTLY
    return codes[0] if len(set(codes)) == 1 else PARTLY


def _batch_of(options: argparse.Namespace, day: date, *, last: bool) -> int:
    """Make one day's batch, note it in the history, and return its exit code."""
    from journey_widgets.publish.schedule import note_run

    begun, code = datetime.now(UTC), PARTLY
    try:
        code = _made_of(options, day, last=last)
    finally:
        if not options.dry_run:
            note_run(options.workspace, options.name, day, begun, code)
    return code


def _made_of(options: argparse.Namespace, day: date, *, last: bool) -> int:
    """Make one day's batch and say what came of it; return its exit code. Of several days the last one is sent."""
    from tqdm import tqdm

    from journey_widgets.publish.batch import run_batch
    from journey_widgets.publish.batch_ends import after_batch, not_begun
    from journey_widgets.publish.report_plan import read_reports

    spec = read_reports(options.workspace).spec(options.name)
    try:
        with tqdm(disable=None, unit="report", desc=f"{options.name} {day}") as bar:

            def say(event: dict[str, Any]) -> None:
                if event["event"] == "batch begins":
                    bar.reset(event["reports"])
                elif event["event"].startswith("report ") and event["event"] != "report begins":
                    bar.update()

            done = run_batch(
                options.workspace, options.name, day=day, out=options.out, jobs=options.jobs, only=options.only,
                force=options.force, dry_run=options.dry_run, seconds=options.seconds, memory_mb=options.memory,
                cluster=options.cluster, say=say,
            )  # fmt: skip
    except JourneyError as error:  # one day that cannot be made stops no other
        print(f"journey: {options.name} {day}: {error}", file=sys.stderr)
        if isinstance(error, FindingsError) and last and not options.dry_run:
            not_begun(options.workspace, options.name, spec, day, str(error), _ended)
        return error.exit_code
    for run in done.manifest["runs"]:
        if "why" in run:
            print(f"{run['status']}: {run['stem']}: {run['why']}", file=sys.stderr)
        elif options.dry_run:
            print(f"{run['status']}: {run['stem']}")
    if not options.dry_run:
        fine = not last or after_batch(options.workspace, spec, done, _ended)
        counts = ", ".join(f"{n} {status}" for status, n in done.manifest["counts"].items() if n)
        print(f"{options.name} {day}: {counts}. {done.folder / 'index.html'}")
        return done.exit_code or (DONE if fine else PARTLY)
    return done.exit_code


def _ended(what: str, facts: dict[str, Any]) -> None:
    said = ", ".join(f"{k} {v}" for k, v in facts.items())
    print(f"{what}: {said}", file=sys.stderr if "failed" in what or "held" in what else sys.stdout)


def _schedule(options: argparse.Namespace) -> int:
    import shutil
    import threading

    from journey_widgets.publish import schedule
    from journey_widgets.workspace import Workspace

    Workspace.open(options.workspace, read_only=True).close()
    if options.form:
        found = shutil.which("journey")
        command = [found] if found else [sys.executable, "-m", "journey_widgets.cli"]
        more = [*(["--jobs", str(options.jobs)] if options.jobs > 1 else []),
                *(["--cluster", options.cluster] if options.cluster else [])]  # fmt: skip
        print(schedule.printed(options.workspace, options.form, command, more), end="")
        return DONE
    if options.history:
        for line in schedule.history(options.workspace):
            print(json.dumps(line, ensure_ascii=False))
        return DONE

    def tell(event: dict[str, Any]) -> None:
        print(json.dumps(event, ensure_ascii=False), flush=True)

    how = {"jobs": options.jobs, "cluster": options.cluster, "tell": tell}
    if options.catch_up:
        codes = schedule.catch_up(options.workspace, **how)
        return DONE if not any(codes) else codes[0] if len(set(codes)) == 1 else PARTLY
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_given: ended.set())
    schedule.run_schedule(options.workspace, until=ended, **how)
    return DONE


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        msg = f"{text!r} is no day; one such as 2026-11-16 was needed"
        raise argparse.ArgumentTypeError(msg) from None


def _check(options: argparse.Namespace) -> int:
    from journey_widgets.findings import sentence, word
    from journey_widgets.workspace import Workspace

    workspace = Workspace.open(options.workspace)
    findings = workspace.check(publishing=options.publishing)
    if options.json:
        print(json.dumps([f.to_dict() for f in findings], indent=1, ensure_ascii=False))
    else:
        for kind in workspace.sources.present():
            facts = workspace.source(kind).data_check.set_index("check")["rows"]
            print(
                f"{kind}: {facts['rows read']:,} rows read, {facts['rows set aside']:,} set aside"
            )
        for f in findings:
            advice = f"Accepted: {f.acknowledged}" if f.acknowledged else f.fix
            print(f"{word(f)} {f.code}: {f.message} {advice}")
        print(sentence(findings))
    pressing = any(f.severity in {"error", "warn"} and not f.acknowledged for f in findings)
    return FINDINGS if pressing else DONE


def _export(options: argparse.Namespace) -> int:
    from journey_widgets.workspace import Workspace

    for path in Workspace.open(options.workspace).export_texts(options.to):
        print(path)
    return DONE


def _import(options: argparse.Namespace) -> int:
    from journey_widgets.workspace import Conflict, Workspace

    workspace = Workspace.open(options.workspace)
    code = DONE
    for kind, result in workspace.import_texts(options.origin, note=options.note).items():
        if isinstance(result, Conflict):
            print(f"{kind}: {result}", file=sys.stderr)
            code = FINDINGS
        else:
            print(f"{kind}: {'revision' if result.changed else 'unchanged, revision'} {result.rev}")
    return code


def _verify(options: argparse.Namespace) -> int:
    from journey_widgets.workspace import Workspace

    faults = Workspace.open(options.workspace).verify()
    print("\n".join(faults) or "Every revision is as it was saved.")
    return FINDINGS if faults else DONE


def _doctor(options: argparse.Namespace) -> int:
    from journey_widgets.publish.doctor import examine

    faults = False
    for finding in examine(options.workspace):
        sign = "MISSING" if not finding.ok else "WARNING" if finding.warns else "ok     "
        print(f"{sign} {finding.what}: {finding.words}")
        faults = faults or not finding.ok
    return FINDINGS if faults else DONE


if __name__ == "__main__":
    sys.exit(main())
