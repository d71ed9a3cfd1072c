"""Making reports: beside papermill and nbconvert alone, and three hundred of them by one and by two workers.

    python bench/reports.py > bench/reports.md

The peer runs in the same process as long: papermill executes the same notebook with the same parameters, nbconvert
makes a page of it. Runs of both alternate; the median counts. Memory is that of all processes of a batch together.
"""

import os
import statistics
import sys
import tempfile
import threading
import time
from datetime import date
from pathlib import Path

os.environ["JOURNEY_MODE"] = "report"

import nbformat
import papermill
import psutil
from nbconvert import HTMLExporter

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

from journey_widgets import Workspace, shipped
from journey_widgets.publish.batch import run_batch
from journey_widgets.publish.report_worker import Worker
from journey_widgets.publish.reports import make
from publish.test_parameters import TAGGED, notebook

TIMES, MANY = 5, 300
SMALL = """
import journey_widgets as jw
from journey_widgets.publish import html
html.tiles({"Group": (segment, "one of three hundred"), "Length": (f"{len(segment)}", "letters")})
"""


def beside_papermill(workspace: Path, name: str, scratch: Path) -> tuple[float, float]:
    book = shipped.notebooks() / f"{name}.ipynb"
    os.environ["JOURNEY_WORKSPACE"] = str(workspace)
    alone, ours = [], []
    with Worker(workspace) as worker:
        for turn in range(TIMES + 1):
            out = scratch / f"{name}{turn}"
            out.mkdir()
            begun = time.perf_counter()
            papermill.execute_notebook(
                str(book), str(out / "run.ipynb"), parameters={"segment": "all"}, progress_bar=False, cwd=str(out)
            )  # fmt: skip
            page, _resources = HTMLExporter().from_notebook_node(
                nbformat.read(out / "run.ipynb", as_version=4)
            )
            (out / "page.html").write_text(page)
            alone.append(time.perf_counter() - begun)
            begun = time.perf_counter()
            make(worker, name, book, {"segment": "all"}, out, "ours", about={}, seconds=300)
            ours.append(time.perf_counter() - begun)
    return statistics.median(alone[1:]), statistics.median(ours[1:])


def batch(workspace: Path, many: int, jobs: int) -> tuple[float, float]:
    """Return the seconds of a batch and the most memory that its processes had, in MB."""
    (workspace / "units.csv").write_text(
        "segment\n" + "".join(f"{many}-{jobs}-{i}\n" for i in range(many)), "utf-8"
    )
    peak, ended = 0.0, threading.Event()

    def watch() -> None:
        nonlocal peak
        while not ended.wait(2):
            total = 0
            for p in psutil.Process().children(recursive=True):
                try:
                    total += p.memory_full_info().pss
                except (psutil.NoSuchProcess, psutil.AccessDenied):
                    continue
            peak = max(peak, total / 1e6)

    watcher = threading.Thread(target=watch)
    watcher.start()
    begun = time.perf_counter()
    found = run_batch(workspace, "each", day=date(2026, 8, 16), jobs=jobs)
    took = time.perf_counter() - begun
    ended.set()
    watcher.join()
    assert found.manifest["counts"]["made"] == many
    return took, peak


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        example = scratch / "example"
        space = Workspace.create(example, template="phone_retailer")
        for kind in space.sources.present():
            space.source(kind)
        space.close()
        single = {n: beside_papermill(example, n, scratch) for n in ("overview", "raci")}
        (scratch / "notebooks").mkdir()
        notebook(
            scratch / "notebooks" / "r.ipynb", ('segment: str = "all"  # which', TAGGED), SMALL
        )
        shipped.notebooks = lambda: scratch / "notebooks"
        Workspace.create(scratch / "small").close()
        (scratch / "small" / "reports.yaml").write_text(
            "schema: reports/1\nreports:\n  each: {notebook: r, for_each: {table: units.csv}}\n"
        )
        made = {jobs: batch(scratch / "small", MANY, jobs) for jobs in (1, 2)}
    print("# Making reports\n")
    print(
        "Made by `python bench/reports.py`; runs of both alternate in the same process, medians of five.\n"
    )
    print(
        "| report of the example workspace | papermill and nbconvert alone, s | ours, s | ratio |\n|---|--:|--:|--:|"
    )
    for name, (alone, ours) in single.items():
        print(f"| {name} | {alone:.2f} | {ours:.2f} | {ours / alone:.2f} |")
    print(
        "\nOurs also checks every cell, writes all figures as CSV and a manifest, and publishes only what is whole.\n"
    )
    print(
        "| small reports | workers | seconds | a report, s | most memory of all processes, MB |\n|--:|--:|--:|--:|--:|"
    )
    for jobs, (took, peak) in made.items():
        print(f"| {MANY} | {jobs} | {took:.0f} | {took / MANY:.2f} | {peak:.0f} |")
    print(f"\nTwo workers are {made[1][0] / made[2][0]:.2f} times as fast as one.")


if __name__ == "__main__":
    main()
