"""What follows a batch: it goes where it is asked for, who must know is told once, and days that are too old go."""

import hashlib
import json
import re
import shutil
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

from journey_widgets.errors import JourneyError
from journey_widgets.publish.batch import FAILED, FRESH, LEFT, MADE, MANIFEST, REFUSED, Batch
from journey_widgets.publish.batch_changes import about, apart
from journey_widgets.publish.batch_reds import EVERYWHERE, red_and_certain, standing_of
from journey_widgets.publish.delivery import Target, deliver, tell
from journey_widgets.publish.report_plan import ReportSpec
from journey_widgets.textfiles import write_text

ALERTS = "alerts.json"
MOST_LINES = 30
_DAY = re.compile(r"^\d{4}-\d{2}-\d{2}$")


Say = Callable[[str, dict[str, Any]], None]


def after_batch(
    workspace: Path, spec: ReportSpec, batch: Batch, say: Say = lambda _what, _facts: None
) -> bool:
    """Deliver a batch, tell who must know what became certainly worse, and remove days beyond those that are kept.

    Parameters
    ----------
    workspace
        Folder of the workspace.
    spec
        The entry of ``reports.yaml``.
    batch
        As it ended.
    say
        Is told each event: what, and facts about it.

    Returns
    -------
    bool
        Whether all went where it was asked for; a batch that is held back because reports are missing did not.
    """
    fine = True
    counts = batch.manifest["counts"]
    there, missing = counts[MADE] + counts[FRESH], counts[FAILED] + counts[REFUSED] + counts[LEFT]
    hold = not there or (missing and spec.send == "all")
    for target in spec.deliver:
        if hold:
            say("delivery held", {"to": target.said, "missing": missing})
            fine = False
            continue
        try:
            sent = deliver(target, batch.folder, batch.manifest, workspace)
            say("delivered" if sent else "delivered before", {"to": target.said})
        except JourneyError as error:
            say("delivery failed", {"to": target.said, "why": str(error)})
            fine = False
    later = [
        p.name
        for p in batch.folder.parent.iterdir()
        if _DAY.match(p.name) and p.name > batch.folder.name
    ]
    # Of some reports alone, or of a day that is past, nothing is said to be new, or over.
    if (
        spec.alert
        and not counts[LEFT]
        and not any((batch.folder.parent / d / MANIFEST).is_file() for d in later)
    ):
        fine = _alerted(workspace, spec.alert, batch, say) and fine
    if spec.keep is not None:
        for day in _too_old(batch.folder, spec.keep):
            shutil.rmtree(day, ignore_errors=True)
            say("day removed", {"day": day.name})
    return fine


def _alerted(workspace: Path, targets: tuple[Target, ...], batch: Batch, say: Say) -> bool:
    """Tell what is red and certain, or was not made, and was not said before; what is over may be said again."""
    now = _pressing(batch)
    path = batch.folder.parent / ALERTS
    before = _known(path)
    new = [line for key, line in now.items() if key not in before]
    fine = True
    if new:
        manifest = batch.manifest
        subject = f"{manifest['report']}, {manifest['day']}: {len(new)} new to look at"
        lines = new[:MOST_LINES] + (
            [f"and {len(new) - MOST_LINES} more"] if len(new) > MOST_LINES else []
        )
        mark = hashlib.sha256(
            json.dumps([manifest["report"], *sorted(now.keys() - before)]).encode()
        ).hexdigest()[:24]
        facts = {k: manifest[k] for k in ("report", "workspace", "day")}
        for target in targets:
            try:
                tell(target, subject, lines, facts, mark, workspace)
                say("alerted", {"to": target.said, "new": len(new)})
            except JourneyError as error:
                say("alert failed", {"to": target.said, "why": str(error)})
                fine = False
    if fine:  # what could not be said is new next time too
        write_text(path, json.dumps(sorted(now), indent=1) + "\n")
    return fine


def not_begun(
    workspace: Path, name: str, spec: ReportSpec, day: date, why: str, say: Say = lambda _what, _facts: None
) -> None:  # fmt: skip
    """Tell who must know that a batch was stopped before anything was made; once, until one is made again."""
    path = workspace / "reports" / name / ALERTS
    before, key = _known(path), f"stopped {why}"
    if not spec.alert or key in before:
        return
    mark = hashlib.sha256(json.dumps([name, key]).encode()).hexdigest()[:24]
    facts = {"report": name, "day": day.isoformat()}
    fine = True
    for target in spec.alert:
        try:
            tell(target, f"{name}, {day}: nothing was made", [why], facts, mark, workspace)
            say("alerted", {"to": target.said, "new": 1})
        except JourneyError as error:
            say("alert failed", {"to": target.said, "why": str(error)})
            fine = False
    if fine:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_text(path, json.dumps(sorted({*before, key}), indent=1) + "\n")


def _pressing(batch: Batch) -> dict[str, str]:
    """Return what is red and certain, and what was not made: a key that is the same on another day → in words."""
    runs = {r["stem"]: r for r in batch.manifest["runs"]}
    found = {
        f"missing {apart(r)}": f"Not made: {about(r)}: {r['why']}"
        for r in runs.values()
        if r["status"] in (FAILED, REFUSED)
    }  # fmt: skip
    reds = red_and_certain(standing_of(batch.folder, batch.manifest["runs"]))
    for r in reds.to_dict("records"):
        everywhere = r["stem"] == EVERYWHERE
        key = "every report" if everywhere else apart(runs[r["stem"]])
        whose = "every report" if everywhere else about(runs[r["stem"]])
        found[f"red {key} {r['kpi']}"] = (
            f"{r['label']} is certainly off target in {whose}: {r['shown']} ({r['between']}), target {r['aimed']}; "
            f"{r['owner_label']} answers for it."
        )
    return found


def _known(path: Path) -> set[str]:
    try:
        return {str(k) for k in json.loads(path.read_text("utf-8"))}
    except (OSError, ValueError, TypeError):
        return set()


def _too_old(folder: Path, keep: int) -> list[Path]:
    """Return the folders of earlier batches beyond the newest ones; whatever else lies there is left alone."""
    days = [
        p for p in folder.parent.iterdir() if _DAY.match(p.name) and (p / "batch.json").is_file()
    ]
    older = sorted((p for p in days if p.name <= folder.name), key=lambda p: p.name, reverse=True)
    return older[keep:]
