"""Opening a dashboard: time to its figures and its chart, and the memory of its kernel.

    python bench/dashboard.py > bench/dashboard.md

The peer, in the same run, is what one would write without this package: a notebook that reads the
same events with pandas, draws the same bars with Altair's own offline charts, under stock Voilà.
Each time is the best of three, in headless Chromium on this machine.
"""

import contextlib
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import nbformat
import psutil
from playwright.sync_api import Page, sync_playwright

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

from journey_widgets import Workspace
from journey_widgets.publish.dashboards import _end, _free_port, _wait, serve
from support import browser as browsers

PEER = """
import altair as alt, pandas as pd
alt.JupyterChart.enable_offline()
alt.renderers.enable("jupyter", offline=True)
e = pd.read_parquet({path!r})
steps = ["Product page", "Basket", "Checkout", "Payment", "Delivery"]
reached = e[e["what"] == steps[0]].groupby("customer")["at"].min(); counts = [len(reached)]
for s in steps[1:]:
    rows = e[e["what"] == s]; rows = rows[rows["at"] > rows["customer"].map(reached)]
    reached = rows.groupby("customer")["at"].min(); counts.append(len(reached))
frame = pd.DataFrame({{"step": steps, "customers": counts}})
alt.JupyterChart(alt.Chart(frame).mark_bar().encode(x="customers:Q", y=alt.Y("step:N", sort=None)))
"""


def opened(page: Page, url: str, figures: str, chart: str) -> tuple[float, float]:
    begun = time.perf_counter()
    page.goto(url)
    page.locator(figures).first.wait_for(timeout=90_000)
    first = time.perf_counter() - begun
    page.locator(chart).first.wait_for(timeout=90_000)
    return first, time.perf_counter() - begun


def kernel_mb(server: int) -> float:
    kernels = [
        p
        for p in psutil.Process(server).children(recursive=True)
        if "ipykernel" in " ".join(p.cmdline())
    ]
    return max(k.memory_full_info().uss for k in kernels) / 1e6


def measured(server: int, url: str, figures: str, chart: str) -> tuple[float, float, float]:
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=browsers.find(), args=browsers.ARGUMENTS
        )
        times = []
        for _try in range(3):
            context = chromium.new_context()
            page = context.new_page()
            times.append(opened(page, url, figures, chart))
            memory = kernel_mb(server)
            context.close()
        chromium.close()
    return min(t[0] for t in times), min(t[1] for t in times), memory


@contextlib.contextmanager
def stock_voila(folder: Path):
    port = _free_port(0)
    process = subprocess.Popen(
        [sys.executable, "-m", "voila", str(folder), f"--port={port}", "--no-browser", "--Voila.ip=127.0.0.1"],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
        env={**os.environ, "PYTHONWARNINGS": "ignore"},
    )  # fmt: skip
    try:
        _wait(process, port)
        yield process, f"http://127.0.0.1:{port}/"
    finally:
        _end(process)


def main() -> None:
    with tempfile.TemporaryDirectory() as scratch:
        space = Workspace.create(Path(scratch) / "space", template="phone_retailer")
        space.events()
        with serve(Path(scratch) / "space") as ours:
            a = measured(
                ours.process.pid,
                f"{ours.url}voila/render/overview.ipynb",
                "#rendered_cells .jw-tiles",
                ".jw-chart svg",
            )
        folder = Path(scratch) / "peer"
        folder.mkdir()
        book = nbformat.v4.new_notebook()
        book.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3"}
        events = Path(scratch) / "space" / "tables" / "events.parquet"
        book.cells = [nbformat.v4.new_code_cell(PEER.format(path=str(events)))]
        nbformat.write(book, folder / "peer.ipynb")
        with stock_voila(folder) as (process, url):
            drawn = "#rendered_cells canvas, #rendered_cells svg.marks"
            b = measured(process.pid, f"{url}voila/render/peer.ipynb", drawn, drawn)
    print("# Opening a dashboard\n")
    print(
        "Made by `python bench/dashboard.py`; the peer is a pandas notebook with Altair's offline chart"
    )
    print(
        "under stock Voilà, in the same run. Ratios above 1: the peer takes that many times more.\n"
    )
    print("| | overview (4 tiles, chart, 3 tables) | peer (1 chart) | ratio |\n|---|--:|--:|--:|")
    for name, i, unit in (
        ("first figures", 0, "s"),
        ("chart drawn", 1, "s"),
        ("memory of one kernel", 2, "MB"),
    ):
        print(f"| {name}, {unit} | {a[i]:.1f} | {b[i]:.1f} | {b[i] / a[i]:.2f} |")


if __name__ == "__main__":
    main()
