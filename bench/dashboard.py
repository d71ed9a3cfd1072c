"""Opening a dashboard: first paint, first figures, whole page; memory and processor time of a reader; many at once.

    python bench/dashboard.py > bench/dashboard.md

The peer, in the same run, is the same notebook with the same figures, its charts drawn by Altair's own offline widget,
under Voilà as it comes. Each time is the best of three, in headless Chromium on this machine.
"""

import contextlib
import math
import os
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path
from typing import NamedTuple

import nbformat
import psutil
from playwright.sync_api import sync_playwright

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

from journey_widgets import Workspace, shipped
from journey_widgets.publish.dashboards import _free_port, _wait, serve
from journey_widgets.publish.preparing import end_group
from support import browser as browsers
from support.processes import kernels_of

PATCH = """
import altair as alt
from journey_widgets.publish import show
alt.JupyterChart.enable_offline()
def _altair(spec, caption, **_more):
    spec = {**spec, "usermeta": {}}
    return alt.JupyterChart(alt.Chart.from_dict(spec))
show._live = _altair
"""
PAINT = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? 0"
FIGURES, LAST = ".jw-tile", "text=What the figures stand on"
AT_ONCE = (5, 10, 20)
LONGEST = 240
"""Seconds after which whoever has no whole page is said to get none: shown as inf."""


class Opening(NamedTuple):
    """Seconds to the first paint, to the first figures of the kernel and to the whole page with its chart; MB; CPU."""

    paint: float
    figures: float
    whole: float
    memory: float
    cpu: float


def rested(server: int, many: int) -> None:
    """Wait until so many kernels are there and none uses the processor."""
    used: list[float] = []
    while True:
        before, used = used, [sum(k.cpu_times()[:2]) for k in kernels_of(server)]
        if len(used) == many and used == before and all(u > 0.2 for u in used):
            return
        time.sleep(0.7)


def openings(
    server: int, url: str, chart: str, *, ready: bool = False, forget: Path | None = None
) -> Opening:
    """Open the page three times; before each `forget` removes what was kept for the next reader."""
    tries: list[Opening] = []
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=browsers.find(), args=browsers.ARGUMENTS
        )
        for _try in range(3):
            if ready:
                rested(server, 1)
            if forget is not None:
                shutil.rmtree(forget, ignore_errors=True)
            before = {k.pid: sum(k.cpu_times()[:2]) for k in kernels_of(server)}
            context = chromium.new_context()
            page = context.new_page()
            begun = time.perf_counter()
            page.goto(url, wait_until="commit")
            page.locator(FIGURES).first.wait_for(timeout=90_000)
            figures = time.perf_counter() - begun
            page.locator(chart).first.wait_for(timeout=90_000)
            page.locator(LAST).first.wait_for(timeout=90_000)
            whole = time.perf_counter() - begun
            own = [k for k in kernels_of(server) if k.pid in before or not ready]
            used = max(sum(k.cpu_times()[:2]) - before.get(k.pid, 0.0) for k in own)
            memory = max(k.memory_full_info().uss for k in own) / 1e6
            tries.append(Opening(page.evaluate(PAINT) / 1e3, figures, whole, memory, used))
            page.goto("about:blank")
            context.close()
            for k in kernels_of(server):
                if k.pid in before or not ready:
                    with contextlib.suppress(psutil.NoSuchProcess):
                        k.kill()
            time.sleep(1)
        chromium.close()
    return Opening(*(min(getattr(t, f) for t in tries) for f in Opening._fields))


def at_once(url: str, many: int) -> tuple[float, float]:
    """Ask for the page so many times at once, without a browser; return when half and all of them were there, run."""

    def ask(_n: int) -> float:
        with urllib.request.urlopen(url, timeout=300) as answer:  # noqa: S310 - our own server
            text = answer.read().decode()
        assert "What the figures stand on" in text
        return time.perf_counter()

    begun = time.perf_counter()
    pool = ThreadPoolExecutor(many)
    asked = [pool.submit(ask, n) for n in range(many)]
    wait(asked, timeout=LONGEST)
    done = sorted(a.result() - begun if a.done() and not a.exception() else math.inf for a in asked)
    pool.shutdown(wait=False)  # who never got an answer is let go when the server ends
    return done[len(done) // 2], done[-1]


@contextlib.contextmanager
def stock_voila(folder: Path, workspace: Path) -> Iterator[tuple[int, str]]:
    port = _free_port(0)
    process = subprocess.Popen(
        [sys.executable, "-m", "voila", str(folder), f"--port={port}", "--no-browser", "--Voila.ip=127.0.0.1"],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
        env={**os.environ, "PYTHONWARNINGS": "ignore", "JOURNEY_WORKSPACE": str(workspace)},
    )  # fmt: skip
    try:
        _wait(process, f"http://127.0.0.1:{port}/")
        yield process.pid, f"http://127.0.0.1:{port}/voila/render/overview.ipynb"
    finally:
        end_group(process)


def main() -> None:
    with tempfile.TemporaryDirectory() as scratch:
        workspace = Path(scratch) / "space"
        space = Workspace.create(workspace, template="phone_retailer")
        for kind in space.sources.present():
            space.source(kind)
        space.close()
        folder = Path(scratch) / "peer"
        folder.mkdir()
        book = nbformat.read(shipped.notebooks() / "overview.ipynb", as_version=4)
        book.cells.insert(0, nbformat.v4.new_code_cell(PATCH))
        nbformat.write(book, folder / "overview.ipynb")
        page = "voila/render/overview.ipynb"
        drawn = "#rendered_cells canvas, #rendered_cells svg.marks"
        crowds: dict[str, list[tuple[float, float]]] = {}
        with stock_voila(folder, workspace) as (pid, url):
            stock = openings(pid, url, drawn)
            crowds["stock"] = [at_once(url, n) for n in AT_ONCE]
        kept = Path(scratch) / "cache"
        os.environ["XDG_CACHE_HOME"] = str(kept)
        with serve(workspace, most=60) as ours:
            first = openings(ours.process.pid, ours.url + page, ".jw-chart svg", forget=kept)
            cold = openings(ours.process.pid, ours.url + page, ".jw-chart svg")
            crowds["ours"] = [at_once(ours.url + page, n) for n in AT_ONCE]
        with serve(workspace, most=60, ready={"overview": 1}) as ours:
            ready = openings(ours.process.pid, ours.url + page, ".jw-chart svg", ready=True)
    print("# Opening a dashboard\n")
    print(
        "Made by `python bench/dashboard.py`: the overview of the example workspace. The peer is the same notebook, its"
    )
    print(
        "charts drawn by Altair's offline widget, under Voilà as it comes, in the same run. Best of three.\n"
        "The first reader is who comes right after the data changed, before anything was prepared; the next ones find\n"
        "the parts kept.\n"
    )
    print("| | peer | ours, first reader | ratio | ours, cold | ratio | ours, ready | ratio |")
    print("|---|" + "--:|" * 7)
    for name, field, form in (
        ("first paint, s", "paint", ".2f"), ("first figures of the kernel, s", "figures", ".1f"),
        ("whole page with its chart, s", "whole", ".1f"), ("memory of the reader's kernel (USS), MB", "memory", ".0f"),
        ("processor time of the kernel, s", "cpu", ".1f"),
    ):  # fmt: skip
        a, *ours_ = (getattr(o, field) for o in (stock, first, cold, ready))
        print(
            f"| {name} | {a:{form}} | "
            + " | ".join(f"{b:{form}} | {b / a:.2f}" for b in ours_)
            + " |"
        )
    print(
        "\nAsked for at once over plain HTTP, the notebook run to its end; seconds until half and all of them had it:\n"
    )
    print("| at once | peer | ours, cold | ratio of all |\n|--:|--:|--:|--:|")
    for n, a, b in zip(AT_ONCE, crowds["stock"], crowds["ours"], strict=True):
        print(f"| {n} | {a[0]:.1f}, {a[1]:.1f} | {b[0]:.1f}, {b[1]:.1f} | {b[1] / a[1]:.2f} |")


if __name__ == "__main__":
    main()
