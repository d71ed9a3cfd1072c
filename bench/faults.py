"""Faults done for real: what was done, how often, and what was found. It needs the right to mount (root).

    python bench/faults.py > bench/faults.md

Every line is a check: a fault that is not survived ends the script. Shorter ones of the same kind are among the tests.
"""

import asyncio
import hashlib
import json
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections import Counter
from contextlib import closing, contextmanager, suppress
from datetime import date, timedelta
from pathlib import Path

import psutil
from playwright.async_api import async_playwright

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

from journey_widgets import Workspace, shipped
from journey_widgets.errors import InfrastructureError
from journey_widgets.publish.batch import run_batch
from journey_widgets.publish.dashboards import serve
from publish.test_parameters import TAGGED, notebook
from support import browser as browsers
from support.processes import kernels_of, of_workspace

KILLS, VISITS = 50, 20
DAY = date(2026, 8, 16)
START = ('segment: str = "all"  # which', TAGGED)
SCRIPT = """
import sys
from datetime import date
from pathlib import Path
from journey_widgets import shipped
from journey_widgets.publish.batch import run_batch
shipped.notebooks = lambda: Path(sys.argv[2])
sys.exit(run_batch(Path(sys.argv[1]), "each", day=date.fromisoformat(sys.argv[3]), jobs=2).exit_code)
"""
LARGE = "from IPython.display import HTML\nHTML('<p>' + segment + ' ' + 'x' * 400_000 + '</p>')"


def small(folder: Path, many: int, *cells: str) -> tuple[Path, Path]:
    """Return a workspace with a report of so many segments, and the folder of its notebook."""
    folder.mkdir()
    (folder / "notebooks").mkdir()
    notebook(folder / "notebooks" / "r.ipynb", START, *cells)
    Workspace.create(folder / "space").close()
    (folder / "space" / "units.csv").write_text(
        "segment\n" + "".join(f"s{i}\n" for i in range(many))
    )
    (folder / "space" / "reports.yaml").write_text(
        "schema: reports/1\nreports:\n  each: {notebook: r, for_each: {table: units.csv}}\n"
    )
    shipped.notebooks = lambda: folder / "notebooks"
    return folder / "space", folder / "notebooks"


def vouched(folder: Path) -> dict[str, str]:
    """Return the content of every report of a batch; each file must be what its manifest vouches for."""
    found = {}
    for path in sorted(folder.glob("each-*.json")):
        manifest = json.loads(path.read_text("utf-8"))
        for name, sha in manifest["files"].items():
            assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == sha, name
        found[path.stem] = manifest["content"]
    return found


def kills(scratch: Path) -> str:
    """Kill the batch, a worker or a kernel at a random moment, then start the batch again."""
    rng = random.Random(8)  # noqa: S311 - moments, not secrets
    space, notes = small(scratch / "kills", 4, "'a report of ' + segment")
    calm = run_batch(space, "each", day=DAY, out=scratch / "calm")
    expected, names = vouched(calm.folder), {p.name for p in calm.folder.iterdir()}
    hit: Counter[str] = Counter()
    for turn in range(KILLS):
        day = DAY + timedelta(days=turn)
        process = subprocess.Popen(
            [sys.executable, "-c", SCRIPT, str(space), str(notes), day.isoformat()],
            start_new_session=True,
            stderr=subprocess.DEVNULL,
        )
        time.sleep(rng.uniform(0.8, 5.0))
        target = rng.choice(("batch", "worker", "kernel"))
        with suppress(psutil.NoSuchProcess):
            own = psutil.Process(process.pid)
            there = [(p, " ".join(p.cmdline())) for p in own.children(recursive=True)]
            some = [
                p for p, said in there
                if ("run_notebook" in said and target == "worker") or ("forked_kernels" in said and target == "kernel")
            ]  # fmt: skip
            victim = rng.choice(some) if some else own
            hit["batch" if victim is own else target] += 1
            victim.kill()
        process.wait(timeout=120)
        folder = space / "reports" / "each" / day.isoformat()
        for page in folder.glob("each-*.html"):
            assert page.read_text("utf-8").rstrip().endswith("</html>"), page
        again = run_batch(space, "each", day=day)
        assert again.exit_code == 0, again.manifest
        assert vouched(folder) == expected
        assert {p.name for p in folder.iterdir()} == names
    end = time.monotonic() + 30
    while of_workspace(space) and time.monotonic() < end:
        time.sleep(0.2)
    assert of_workspace(space) == []
    told = ", ".join(f"{n} {what}" for what, n in sorted(hit.items()))
    over = KILLS - sum(hit.values())
    told += f", {over} were over before it" if over else ""
    return f"{KILLS} times ({told}): the same reports, contents and files as an undisturbed batch, nothing left running"


def system(*words: str) -> None:
    subprocess.run(["/usr/bin/env", *words], check=True)


@contextmanager
def disk(place: Path, size: str):
    place.mkdir()
    system("mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(place))
    try:
        yield
    finally:
        system("umount", "-l", str(place))


def full_and_read_only(scratch: Path) -> tuple[str, str]:
    space, notes = small(scratch / "disk", 6, LARGE)
    with disk(scratch / "mount", "24m"):
        good = run_batch(space, "each", day=DAY, out=scratch / "mount")
        assert good.exit_code == 0
        before = {p.name: p.read_bytes() for p in good.folder.glob("each-*")}
        filler = scratch / "mount" / "filler"
        with suppress(OSError), filler.open("wb") as stream:
            while True:
                stream.write(b"x" * 100_000)
        notebook(notes / "r.ipynb", START, LARGE, "'and more'")
        try:
            full = run_batch(space, "each", day=DAY, out=scratch / "mount")
            code, why = full.exit_code, [r.get("why", "") for r in full.manifest["runs"]]
        except InfrastructureError as error:  # the manifest of the batch had no room either
            code, why = error.exit_code, [str(error)]
        assert code == 3
        assert all("No space left" in w for w in why), why
        assert {n: (good.folder / n).read_bytes() for n in before} == before
        filler.unlink()
        again = run_batch(space, "each", day=DAY, out=scratch / "mount")
        assert again.exit_code == 0
        assert again.manifest["counts"]["made"] == 6
        before = {p.name: p.read_bytes() for p in good.folder.glob("each-*")}
        system("mount", "-o", "remount,ro", str(scratch / "mount"))
        notebook(notes / "r.ipynb", START, LARGE, "'and more again'")
        done = subprocess.run(
            [sys.executable, "-c", COMMAND, str(notes), str(space), str(scratch / "mount")],
            capture_output=True, text=True, timeout=300, check=False,
        )  # fmt: skip
        assert done.returncode == 3, (done.returncode, done.stderr)
        assert "Traceback" not in done.stderr, done.stderr
        assert {n: (good.folder / n).read_bytes() for n in before} == before
        said = done.stderr.strip().splitlines()[-1]
    return (
        "6 of 6 reports failed in words, the good ones of before unchanged to the byte; with room again all 6 made",
        f"refused with exit 3 in words ({said.split(': ', 2)[-1][:90]}), the good ones unchanged to the byte",
    )


COMMAND = """
import sys
from pathlib import Path
from journey_widgets import cli, shipped
shipped.notebooks = lambda: Path(sys.argv[1])
sys.exit(cli.main(["report", "run", "each", "-w", sys.argv[2], "--out", sys.argv[3], "--as-of", "2026-08-16"]))
"""


def twenty_bad(scratch: Path) -> str:
    bad = "number = int(segment[1:])\nassert number % 15, 'no data of this group'"
    space, _notes = small(scratch / "many", 300, bad, "'a report of ' + segment")
    begun = time.monotonic()
    found = run_batch(space, "each", day=DAY, jobs=2)
    took = time.monotonic() - begun
    counts = found.manifest["counts"]
    assert (counts["made"], counts["failed"], found.exit_code) == (280, 20, 4), counts
    why = [r["why"] for r in found.manifest["runs"] if r["status"] == "failed"]
    assert all("AssertionError in cell 1: no data of this group" in w for w in why)
    assert len(vouched(found.folder)) == 280
    return f"280 good reports, 20 explained, exit 4; {took / 60:.1f} minutes with two workers"


def replaced(scratch: Path) -> str:
    space = scratch / "replaced"
    with closing(Workspace.create(space, template="phone_retailer")) as made:
        for kind in made.sources.present():
            made.source(kind)
    here = Path(__file__).parent.parent / "notebooks"
    shipped.notebooks = lambda: here
    (space / "reports.yaml").write_text(
        "schema: reports/1\nreports:\n  each: {notebook: raci, for_each: {segment: [region, device]}}\n"
    )
    events = []

    def change(event: dict) -> None:
        events.append(event["event"])
        if event["event"] == "report made" and events.count("report made") == 2:
            path = space / "tables" / "answers.csv"
            path.write_text(path.read_text("utf-8").replace(",5,", ",4,", 3), "utf-8")

    found = run_batch(space, "each", day=DAY, say=change)
    counts = found.manifest["counts"]
    assert counts["made"] == 2, counts
    assert counts["failed"] == 3, counts
    again = run_batch(space, "each", day=DAY)
    inputs = {
        json.dumps(json.loads(p.read_text())["inputs"]["sources"], sort_keys=True)
        for p in again.folder.glob("each-*.json")
    }
    assert again.manifest["counts"]["made"] == 5
    assert len(inputs) == 1
    return "2 made before it, 3 not published and said why; started again, all 5 made of the new file, none mixed"


def viewers(space: Path) -> tuple[str, str]:
    """Open twenty pages at once in a browser, close them; then twenty visits that never say that they left."""
    page_of = "voila/render/overview.ipynb"

    async def open_all(url: str) -> list[float]:
        async with async_playwright() as playwright:
            chromium = await playwright.chromium.launch(
                executable_path=browsers.find(), args=browsers.ARGUMENTS
            )
            begun = time.monotonic()

            async def one() -> float:
                page = await (await chromium.new_context()).new_page()
                await page.goto(url, wait_until="commit", timeout=240_000)
                await page.locator(".jw-chart svg").first.wait_for(timeout=240_000)
                return time.monotonic() - begun

            found = await asyncio.gather(*(one() for _n in range(VISITS)))
            for context in chromium.contexts:
                for page in context.pages:
                    await page.goto("about:blank")
            await chromium.close()
            return sorted(found)

    with serve(space, most=60) as served:
        times = asyncio.run(open_all(served.url + page_of))
        left = time.monotonic()
        while kernels_of(served.process.pid):
            assert time.monotonic() - left < 180
            time.sleep(0.5)
        gone = time.monotonic() - left
        first = (
            f"all {VISITS} had their page with its chart, the first after {times[0]:.0f} s, half after "
            f"{times[len(times) // 2]:.0f} s, the last after {times[-1]:.0f} s; all kernels gone {gone:.0f} s after"
        )
    with serve(space, most=60) as served:
        threads = [
            threading.Thread(target=lambda: _visit(served.url + page_of)) for _n in range(VISITS)
        ]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        assert len(kernels_of(served.process.pid)) == VISITS
        left = time.monotonic()
        while kernels_of(served.process.pid):
            assert time.monotonic() - left < 180, kernels_of(served.process.pid)
            time.sleep(1)
        second = f"{VISITS} kernels, none {time.monotonic() - left:.0f} s after the last visit (180 are allowed)"
    return first, second


def _visit(url: str) -> None:
    with urllib.request.urlopen(url, timeout=300) as answer:  # noqa: S310 - our own server
        assert re.search("What the figures stand on", answer.read().decode())


def main() -> None:
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.environ["JOURNEY_AUTHOR"] = "faults"
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)

        def done(what: str, found: str) -> None:
            rows.append((what, found))
            print(f"{what}: {found}", file=sys.stderr, flush=True)

        done(
            "Batch, worker or kernel killed at a random moment, batch started again", kills(scratch)
        )
        full, read_only = full_and_read_only(scratch)
        done("Disk full in the midst (a small file system, filled up)", full)
        done("Folder of reports mounted read-only", read_only)
        done("A source replaced after the second of five reports", replaced(scratch))
        crowd, silent = viewers(scratch / "replaced")
        done(f"{VISITS} dashboards opened at once in a browser, then left", crowd)
        done(f"{VISITS} visits whose pages never say that they were left", silent)
        done("300 segments, 20 of them bad", twenty_bad(scratch))
    print(
        "# Faults\n\nDone by `python bench/faults.py`; every line is a check that ends the script where it fails.\n"
    )
    print("| what was done | what was found |\n|---|---|")
    for what, found in rows:
        print(f"| {what} | {found} |")


if __name__ == "__main__":
    main()
