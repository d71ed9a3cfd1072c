"""The static edition: the dashboards as files for any web server, or for a folder: interactive charts, no kernel.

Every page is one file that fetches nothing. All are made before the first is put in its place, the start page last.
"""

import hashlib
import json
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from journey_widgets import shipped
from journey_widgets.errors import InfrastructureError, ParameterError
from journey_widgets.publish.page import data_until
from journey_widgets.publish.parameters import checked, declared
from journey_widgets.publish.report_files import LIVE_POLICY, styles
from journey_widgets.publish.report_worker import Worker
from journey_widgets.publish.reports import RUN_SECONDS
from journey_widgets.publish.run_notebook import PAGE
from journey_widgets.publish.start_page import Dashboard, cards, dashboards, lead, navigation
from journey_widgets.safe import html
from journey_widgets.textfiles import write_text
from journey_widgets.workspace import Workspace

INDEX, MANIFEST = "index.html", "edition.json"
TRIES = 2


@dataclass(frozen=True)
class Edition:
    """A static edition: its folder, its pages, and the dashboards that cannot be shown, each with why."""

    folder: Path
    pages: list[str]
    left_out: dict[str, str] = field(default_factory=dict)


def publish(
    workspace: Path, out: Path, *, parameters: Mapping[str, str] | None = None, seconds: float = RUN_SECONDS,
    say: Callable[[str], None] = lambda _name: None,
) -> Edition:  # fmt: skip
    """Write the dashboards of a workspace as pages without a kernel.

    Parameters
    ----------
    workspace
        Folder of the workspace.
    out
        Folder for ``index.html``, one page a dashboard and ``edition.json``. One that holds other people's
        ``index.html`` is left alone.
    parameters
        Name → text; each dashboard is given those it declares, such as ``segment``.
    seconds
        Longest time of one page.
    say
        Is told the name of each page that is being made.

    Raises
    ------
    ParameterError
        The folder is not ours; a parameter is declared by no dashboard, or does not fit.
    InfrastructureError
        A page broke, or no page can be shown: nothing was published, what was there is still there.
    """
    pages = dashboards(shipped.notebooks())
    values = _values(pages, dict(parameters or {}))
    before = _before(out)
    with closing(Workspace.open(workspace, read_only=True)) as space:
        name, until = space.settings.name, data_until(space)
    out.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory(dir=out, prefix=".edition-") as scratch,
        Worker(workspace, live=True) as worker,
    ):
        made, left = {}, {}
        for page in pages:
            say(page.name)
            folder = Path(scratch) / page.name
            folder.mkdir()
            outcome = _run(worker, page, folder, values[page.name], seconds)
            if outcome["ok"]:
                made[page.name] = folder / PAGE
            elif outcome["kind"] == "PageStopped":
                left[page.name] = str(outcome["said"])
            else:
                msg = f"{page.name} was not made: {outcome['kind']}: {outcome['said']} Nothing was published."
                raise InfrastructureError(msg)
        shown = [p for p in pages if p.name in made]
        if not shown:
            msg = f"No dashboard can be shown: {next(iter(left.values()))} Nothing was published."
            raise InfrastructureError(msg)
        bar = navigation(name, shown, static=True)
        texts = {
            f"{n}.html": p.read_text("utf-8").replace("<body>", f"<body>{bar}", 1)
            for n, p in made.items()
        }
        texts[INDEX] = _index(name, until, shown, bar)
    hashes = {n: hashlib.sha256(t.encode()).hexdigest() for n, t in texts.items()}
    made_utc = datetime.now(UTC).isoformat(timespec="seconds")
    about = {
        "schema": "edition/1",
        "workspace": name,
        "made_utc": made_utc,
        "left_out": left,
        "files": hashes,
    }
    for file, text in texts.items():  # the start page last: it leads to nothing that is not there
        write_text(out / file, text)
    write_text(out / MANIFEST, json.dumps(about, indent=1, ensure_ascii=False) + "\n")
    for old in set(before) - set(texts):
        (out / old).unlink(missing_ok=True)
    return Edition(out, list(texts), left)


def _values(pages: Sequence[Dashboard], given: dict[str, str]) -> dict[str, dict[str, Any]]:
    """Return what each dashboard is given: of the parameters those it declares."""
    known = {p.name: declared(p.path) for p in pages}
    everywhere = {q.name: q for qs in known.values() for q in qs}
    checked(given, list(everywhere.values()), where="The edition", hidden=("workspace",))
    return {
        n: checked(
            {k: v for k, v in given.items() if k in {q.name for q in qs}},
            qs,
            where=n,
            hidden=("workspace",),
        )
        for n, qs in known.items()
    }


def _before(out: Path) -> list[str]:
    """Return the files of the edition that is there; a folder with somebody else's start page is refused."""
    try:
        files = json.loads((out / MANIFEST).read_text("utf-8"))["files"]
        return [f for f in files if Path(f).name == f and f.endswith(".html")]
    except (OSError, ValueError, KeyError, TypeError):
        if (out / INDEX).exists():
            msg = f"{out} has an {INDEX} that is none of ours; an empty folder, or one of an edition, was needed."
            raise ParameterError(msg) from None
        return []


def _run(
    worker: Worker, page: Dashboard, folder: Path, values: Mapping[str, Any], seconds: float
) -> dict[str, Any]:  # fmt: skip
    """Make one page; a fault of the machine is tried once more."""
    outcome: dict[str, Any] = {}
    for _n in range(TRIES):
        outcome = worker.run(page.path, folder, values, seconds)
        if not outcome.get("machine"):
            break
    return outcome


def _index(name: str, until: str, pages: Sequence[Dashboard], bar: str) -> str:
    style = styles("base.css", "navigation.css", "start_page.css")
    return (
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>{html(name)}</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<meta http-equiv="Content-Security-Policy" content="{LIVE_POLICY}"><style>{style}</style></head>'
        f"<body>{bar}<main><h1>{html(name)}</h1>{lead(until)}{cards(pages, static=True)}</main></body></html>\n"
    )
