"""Editing a RACI matrix: this package's grid, ipydatagrid, and a GridBox of dropdowns, side by side in one run.

    python bench/raci.py PYTHON > bench/raci.md

PYTHON is an interpreter whose environment holds this package and ipydatagrid. Each grid is shown by stock Voilà
in headless Chromium, with the same matrix. A grid stands when its last cell (or canvas) is there, from the
page's address on, kernel included; what our own script needs for it is measured apart, without a server. An
edit is a key press (or the keys a grid needs to set a letter) until Python's own object holds the new letter,
both on the clock of this machine; bytes are those the page sent.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import nbformat
from playwright.sync_api import Error as PlaywrightError
from playwright.sync_api import sync_playwright

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))
import pandas as pd

from journey_widgets import RaciGrid
from journey_widgets.publish.dashboards import _free_port
from support import browser as browsers
from support.page import RENDER, Kernel

SIZES = ((12, 6), (60, 20), (200, 40))
EDITS = 30
COMMON = """
import json, time
import pandas as pd
rows, columns = {rows}, {columns}
letters = ["R", "A", "C", "I", ""]
frame = pd.DataFrame([[letters[(r * 7 + c * 3) % 5] for c in range(columns)] for r in range(rows)],
                     index=[f"Row {{r}}" for r in range(rows)], columns=[f"Role {{c}}" for c in range(columns)])
log = open({log!r}, "a", buffering=1)
def note(value): log.write(json.dumps([time.time() * 1000, value]) + "\\n")
"""
GRIDS = {
    "label": "import ipywidgets\nipywidgets.Label('ready')",
    "this package": """
from journey_widgets import RaciGrid
grid = RaciGrid(frame)
grid.observe(lambda change: note(grid.cells[0][0]), names="done")
grid""",
    "ipydatagrid": """
from ipydatagrid import DataGrid
grid = DataGrid(frame, editable=True, layout={"height": "500px"})
grid.on_cell_change(lambda cell: note(cell["value"]))
grid""",
    "GridBox of dropdowns": """
import ipywidgets
cells = [ipywidgets.Dropdown(options=letters, value=v, layout={"width": "60px"}) for v in frame.to_numpy().ravel()]
for cell in cells: cell.observe(lambda change: note(change["new"]), names="value")
ipywidgets.GridBox(cells, layout={"grid_template_columns": f"repeat({columns}, 64px)"})""",
}
STANDS = {
    "label": ".widget-label", "this package": ".jw-raci-grid td[data-row]", "ipydatagrid": "canvas",
    "GridBox of dropdowns": ".widget-dropdown select",
}  # fmt: skip


def measure(python, page, name, size, edit=True):
    """Show one grid; return milliseconds until it stands, edit times, and bytes an edit."""
    rows, columns = size
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "log.jsonl"
        log.touch()
        source = COMMON.format(rows=rows, columns=columns, log=str(log)) + GRIDS[name]
        book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source)])
        nbformat.write(book, Path(folder) / "grid.ipynb")
        port = _free_port(0)
        command = [
            python,
            "-m",
            "voila",
            str(Path(folder) / "grid.ipynb"),
            "--no-browser",
            f"--port={port}",
        ]
        server = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=os.environ
        )
        try:
            return _in_page(page, port, name, log, edit)
        finally:
            server.terminate()
            server.wait()


def _in_page(page, port, name, log, edit):
    session = page.context.new_cdp_session(page)
    session.send("Network.enable")
    sent = []
    session.on(
        "Network.webSocketFrameSent", lambda e: sent.append(len(e["response"]["payloadData"]))
    )
    for _try in range(100):
        try:
            page.goto(f"http://127.0.0.1:{port}/", timeout=60_000)
            break
        except PlaywrightError:
            time.sleep(0.2)
    page.locator(STANDS[name]).last.wait_for(timeout=120_000, state="attached")
    stands = page.evaluate("performance.now()")
    page.wait_for_timeout(1500)
    if not edit:
        return stands, [], [], []
    reach, show, size = [], [], []
    for i in range(EDITS):
        letter = "AC"[i % 2]
        before = len(log.read_text().splitlines())
        sent.clear()
        began = _press(page, name, letter, show)
        for _wait in range(2000):
            lines = log.read_text().splitlines()
            if len(lines) > before:
                break
            time.sleep(0.001)
        else:
            continue
        reach.append(json.loads(lines[before])[0] - began)
        page.wait_for_timeout(60)
        size.append(sum(sent))
    return stands, reach, show, size


def _press(page, name, letter, show):
    """Set the first cell; return the moment the deciding key was pressed."""
    if name == "this package":
        if page.evaluate("document.activeElement.dataset?.row") != "0":
            page.locator("td[data-row='0'][data-col='0']").click()
        page.evaluate(
            """() => { const td = document.querySelector("td[data-row='0'][data-col='0']");
              window.shown = new Promise((done) => addEventListener("keydown", (e) => {
                const t = e.timeStamp;
                queueMicrotask(() => requestAnimationFrame(() => done(performance.now() - t))); },
                { once: true, capture: true })); window.pressed = new Promise((done) =>
                addEventListener("keydown", () => done(Date.now()), { once: true, capture: true })); }"""
        )
        page.keyboard.press(letter)
        show.append(page.evaluate("window.shown"))
        return page.evaluate("window.pressed")
    if name == "GridBox of dropdowns":
        select = page.locator(STANDS[name]).first
        began = time.time() * 1000
        select.select_option(letter)
        return began
    box = page.locator("canvas").first.bounding_box()
    page.mouse.click(box["x"] + 100, box["y"] + 30)
    page.keyboard.type(letter)
    began = time.time() * 1000
    page.keyboard.press("Enter")
    return began


def _drawn(chromium, rows, columns):
    """Return the milliseconds our script needs to draw a grid, without server and kernel."""
    frame = pd.DataFrame(
        "R", index=[f"Row {r}" for r in range(rows)], columns=[f"Role {c}" for c in range(columns)]
    )
    grid = RaciGrid(frame)
    page = chromium.new_page()
    page.expose_function("kernel", Kernel(grid).set_state)
    timed = RENDER.replace("  await window.render(document.body);", "  const t = performance.now();\n"
                           "  await window.render(document.body);\n  window.took = performance.now() - t;")  # fmt: skip
    page.evaluate(timed, grid.get_state())
    took = page.evaluate("window.took")
    page.close()
    return took


def main(python):
    print("# Editing a RACI matrix, side by side\n")
    print(
        "Made by `python bench/raci.py PYTHON`, with ipydatagrid and this package in PYTHON's environment.\n"
    )
    print(
        "| grid | size | stands after, ms | key to sight, ms | edit to Python, ms (median, 95th) | bytes an edit |"
    )
    print("|---|---|--:|--:|--:|--:|")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=str(browsers.find()), args=browsers.ARGUMENTS
        )
        for size in SIZES:
            for name in GRIDS:
                page = chromium.new_context(viewport={"width": 1400, "height": 900}).new_page()
                try:
                    script, reach, show, sizes = measure(
                        python, page, name, size, edit=name != "label"
                    )
                except PlaywrightError as error:
                    print(
                        f"| {name} | {size[0]} x {size[1]} | failed: {str(error).splitlines()[0][:80]} | | | |"
                    )
                    continue
                finally:
                    page.context.close()
                if name == "label":
                    print(
                        f"| (a page with one label) | {size[0]} x {size[1]} | {script:.0f} | – | – | – |"
                    )
                    continue
                late = statistics.quantiles(reach, n=20)[-1] if len(reach) > 1 else float("nan")
                seen = f"{statistics.median(show):.1f}" if show else "–"
                middle = statistics.median(reach) if reach else float("nan")
                many = statistics.median(sizes) if sizes else float("nan")
                print(
                    f"| {name} | {size[0]} x {size[1]} | {script:.0f} | {seen} | {middle:.0f}, {late:.0f} "
                    f"| {many:,.0f} |",
                    flush=True,
                )
        print("\nScript time of this package's grid, median of five:\n")
        for rows, columns in SIZES:
            drawn = statistics.median(_drawn(chromium, rows, columns) for _ in range(5))
            print(f"- {rows} x {columns}: {drawn:.0f} ms")
        chromium.close()


if __name__ == "__main__":
    main(sys.argv[1])
