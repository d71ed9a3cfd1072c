# ruff: noqa: E402, E501 - threads are set before numpy is loaded; lines of a table stay lines
"""Cross-impact: analyses on one core, consistent scenarios beside PyCIB, and a slider to its picture.

    python bench/cross_impact.py [--peer FOLDER] > bench/cross_impact.md

FOLDER is a checkout of PyCIB (github.com/ag-ross/PyCIB, AGPL): it is run as a program of its own, and is no part of
this package. Both programs take turns on the same model in one run. The slider is moved on a page of stock Voilà in
headless Chromium, kernel included; a move lasts from the input event to the second frame after the picture changed.
The picture beside the table, ``cross_impact.svg``, is cost against size.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(name, "1")

import nbformat
import numpy as np
import pandas as pd
from playwright.sync_api import Error as PlaywrightError
from playwright.sync_api import sync_playwright

from journey_widgets import cross_impact as impact
from journey_widgets.cross_impact.what_if import run_map
from journey_widgets.publish.dashboards import _free_port

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "tests"))
from support import browser as browsers

CASES = ROOT / "tests" / "cross_impact" / "cases"
PEER = """
import json, sys, time
from cib.core import CIBMatrix
from cib.solvers.config import ExactSolverConfig
from cib.solvers.exact_pruned import find_all_consistent_exact
case = json.load(open(sys.argv[1]))
model = CIBMatrix({d["name"]: list(d["variants"]) for d in case["descriptors"]})
flat = [(d["name"], v) for d in case["descriptors"] for v in d["variants"]]
model.set_impacts({(a, s, b, t): case["matrix"][i][k]
                   for i, (a, s) in enumerate(flat) for k, (b, t) in enumerate(flat) if a != b})
config = ExactSolverConfig(ordering="connectivity", use_fast_scoring=True, strict_fast=True, time_limit_s=300)
began = time.perf_counter()
found = find_all_consistent_exact(matrix=model, config=config)
print(json.dumps([time.perf_counter() - began, len(found.scenarios), bool(found.is_complete)]))
"""


def best(act, times=7):
    """Return the shortest of several runs in seconds: what the work costs when nothing disturbs it."""
    act()
    took = []
    for _run in range(times):
        began = time.perf_counter()
        act()
        took.append(time.perf_counter() - began)
    return min(took)


def matrix(n, seed=1, signed=True):
    rng = np.random.default_rng(seed)
    values = rng.integers(-3 if signed else 0, 4, (n, n)) * (rng.random((n, n)) < 0.4)
    np.fill_diagonal(values, 0)
    names = [f"f{i}" for i in range(n)]
    return pd.DataFrame(values.astype(float), names, names)


def panel(n, raters, seed=1):
    rng = np.random.default_rng(seed)
    base = matrix(n, seed).to_numpy()
    names = [f"f{i}" for i in range(n)]
    return {
        f"r{k}": pd.DataFrame(
            np.clip(base + rng.integers(-1, 2, (n, n)) * (1 - np.eye(n)), -3, 3), names, names
        )
        for k in range(raters)
    }


def sparse(descriptors, density, seed):
    """Return a model of descriptors with three variants, of which a share of pairs act on each other."""
    rng = np.random.default_rng(seed)
    size = 3 * descriptors
    values = np.zeros((size, size), dtype=int)
    for i in range(descriptors):
        for j in range(descriptors):
            if i != j and rng.random() < density:
                values[3 * i : 3 * i + 3, 3 * j : 3 * j + 3] = rng.integers(-3, 4, (3, 3))
    named = [{"name": f"d{i}", "variants": ["a", "b", "c"]} for i in range(descriptors)]
    return {"descriptors": named, "matrix": values.tolist()}


def once(act):
    began = time.perf_counter()
    found = act()
    return time.perf_counter() - began, found


def small_methods():
    m, ratings = matrix(60), panel(30, 8)
    weights = m.to_numpy() / 3
    start = np.ones(60)
    return [
        ("total influence (DEMATEL), n = 60", "≤ 2 ms", best(lambda: impact.total_influence(m))),
        ("MICMAC, n = 60", "≤ 2 ms", best(lambda: impact.micmac(m))),
        ("fuzzy cognitive map to rest, n = 60", "≤ 2 ms", best(lambda: run_map(weights, start))),
        ("stability, 2,000 draws × 8 raters, n = 30", "≤ 0.2 s", best(lambda: impact.stability(ratings), 5)),
        ("cells to discuss, 8 raters, n = 30", "", best(lambda: impact.cells_to_discuss(ratings), 5)),
    ]  # fmt: skip


def case(name):
    found = json.loads((CASES / f"{name}.json").read_text())
    return {k: found[k] for k in ("descriptors", "matrix")}


def beside_peer(peer):
    """Let both programs take turns; return rows name, ours, theirs, scenarios."""
    rows = []
    for name in ("cib_somewhereland", "cib_large_60m"):
        model, ours, theirs, many = case(name), [], [], set()
        impact.consistent_scenarios(model)
        for _turn in range(5 if name == "cib_somewhereland" else 3):
            took, found = once(lambda model=model: impact.consistent_scenarios(model))
            ours.append(took)
            many.add(len(found))
            if peer:
                done = subprocess.run(
                    [sys.executable, "-c", PEER, str(CASES / f"{name}.json")], capture_output=True, text=True, check=True,
                    env={**os.environ, "PYTHONPATH": str(peer), "PYTHONDONTWRITEBYTECODE": "1"},
                )  # fmt: skip
                took, count, complete = json.loads(done.stdout)
                theirs.append(took)
                many.add(count if complete else -1)
        rows.append((name, min(ours), min(theirs) if theirs else None, many))
    return rows


def searches():
    took = [once(lambda s=s: impact.consistent_scenarios(sparse(25, 0.25, s))) for s in range(10)]
    dense = [once(lambda s=s: impact.consistent_scenarios(sparse(40, 0.4, s))) for s in range(3)]
    whole = [f.attrs["complete"] for _t, f in took]
    return [
        ("25 descriptors × 3, 25 % of pairs, median of 10 models", "< 2 s", statistics.median(t for t, _f in took)),
        (f"  the slowest of the 10 ({sum(whole)} complete)", "< 2 s", max(t for t, _f in took)),
        ("40 descriptors × 3, 40 % of pairs: gives up with what it has", "≤ 10 s", max(t for t, _f in dense)),
    ]  # fmt: skip


BOOK = """
import numpy as np
from journey_widgets import CrossImpactSliders
from journey_widgets.cross_impact import CrossImpact
rng = np.random.default_rng(1)
factors = [{"id": f"f{i}", "label": f"Touchpoint {i}"} for i in range(30)]
columns = [f["id"] for f in factors] + ["satisfaction", "effort", "retention", "advocacy"]
base = rng.integers(-3, 4, (30, 34))
raters = [{"id": f"r{k}", "label": f"Rater {k}", "cells": {
    f["id"]: {c: {"value": int(np.clip(base[i, j] + rng.integers(-1, 2), -3, 3))} for j, c in enumerate(columns) if c != f["id"]}
    for i, f in enumerate(factors)}} for k in range(8)]
CrossImpactSliders(CrossImpact.from_body({"factors": factors, "raters": raters}), rater="Rater 0", draws=500)
"""
MOVE = """
async (value) => {
  const slider = document.querySelector(".jw-slider input");
  const picture = document.querySelector(".jw-picture");
  const painted = new Promise((done) => {
    const watch = new MutationObserver(() => { watch.disconnect(); requestAnimationFrame(() => requestAnimationFrame(() => done(performance.now()))); });
    watch.observe(picture, { childList: true });
  });
  const began = performance.now();
  slider.value = String(value);
  slider.dispatchEvent(new Event("input", { bubbles: true }));
  return (await painted) - began;
}
"""


def slider():
    """Return milliseconds from a move of the slider to its painted picture, 60 moves."""
    with tempfile.TemporaryDirectory() as folder:
        book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(BOOK)])
        nbformat.write(book, Path(folder) / "sliders.ipynb")
        port = _free_port(0)
        command = [
            sys.executable,
            "-m",
            "voila",
            str(Path(folder) / "sliders.ipynb"),
            "--no-browser",
            f"--port={port}",
        ]
        server = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=os.environ
        )
        try:
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(
                    executable_path=browsers.find(), args=browsers.ARGUMENTS
                )
                page = browser.new_page(viewport={"width": 1400, "height": 1000})
                for _try in range(100):
                    try:
                        page.goto(f"http://127.0.0.1:{port}/", timeout=60_000)
                        break
                    except PlaywrightError:
                        time.sleep(0.2)
                page.locator("td[aria-label^='Touchpoint 0 on Touchpoint 1:']").click(
                    timeout=60_000
                )
                page.wait_for_timeout(1_000)
                took = []
                for i in range(62):
                    took.append(page.evaluate(MOVE, (i % 7) - 3))
                    page.wait_for_timeout(50)
                browser.close()
                return took[2:]
        finally:
            server.terminate()
            server.wait()


def against_size():
    """Return cost against size: method, size, milliseconds."""
    rows = []
    for n in (10, 20, 40, 80, 160):
        m, ratings = matrix(n), panel(n, 8)
        for name, act in (
            ("total influence", lambda m=m: impact.total_influence(m)),
            ("MICMAC", lambda m=m: impact.micmac(m)),
            ("what if", lambda m=m: impact.what_if(m, {"f0": 0.5})),
            ("stability, 500 draws", lambda r=ratings: impact.stability(r, draws=500)),
        ):
            rows.append((name, n, best(act, 3) * 1000))
    for n in (6, 10, 14, 18, 22, 26):
        took = [
            once(lambda n=n, s=s: impact.consistent_scenarios(sparse(n, 0.15, s)))[0]
            for s in range(5)
        ]
        rows.append(("consistent scenarios, 15 % of pairs", n, statistics.median(took) * 1000))
    return pd.DataFrame(rows, columns=["what", "size", "ms"])


def draw(costs):
    import altair as alt
    import vl_convert

    chart = (
        alt.Chart(costs)
        .mark_line(point=True)
        .encode(
            x=alt.X("size:Q", title="factors, or descriptors", scale=alt.Scale(type="log"), axis=alt.Axis(values=[6, 10, 20, 40, 80, 160])),
            y=alt.Y("ms:Q", title="milliseconds", scale=alt.Scale(type="log")),
            color=alt.Color("what:N", title=None), shape=alt.Shape("what:N", title=None),
        )
        .properties(width=520, height=320)
    )  # fmt: skip
    (ROOT / "bench" / "cross_impact.svg").write_text(
        vl_convert.vegalite_to_svg(chart.to_dict()) + "\n"
    )


def told(seconds):
    return f"{seconds * 1000:.2f} ms" if seconds < 0.1 else f"{seconds:.2f} s"


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--peer", type=Path)
    peer = options.parse_args().peer
    print(
        "# Cross-impact\n\n`python bench/cross_impact.py --peer FOLDER > bench/cross_impact.md`; one core, the shortest of several runs.\n"
    )
    print("| what | bar | measured |\n|---|---|--:|")
    for name, bar, took in [*small_methods(), *searches()]:
        print(f"| {name} | {bar} | {told(took)} |", flush=True)
    print(
        "\n## Beside PyCIB\n\nExact search of both, in turns; PyCIB 0.1.0 with its own pruning and fast scoring.\n"
    )
    print("| model | bar | this package | PyCIB | ratio | scenarios |\n|---|---|--:|--:|--:|---|")
    bars = {"cib_somewhereland": "< 50 ms", "cib_large_60m": "< 1 s"}
    for name, ours, theirs, many in beside_peer(peer):
        other = f"{told(theirs)} | {ours / theirs:.2f}" if theirs else "not run | "
        print(
            f"| {name} | {bars[name]} | {told(ours)} | {other} | {'the same ' if len(many) == 1 else 'DIFFERENT '}{sorted(many)} |",
            flush=True,
        )
    took = slider()
    print(
        "\n## A slider to its picture\n\n30 factors, 8 raters, 500 draws, in Chromium with a kernel; bar 150 ms.\n"
    )
    print("| | median | 95th | longest |\n|---|--:|--:|--:|")
    print(
        f"| input event to the second frame after the picture changed | {statistics.median(took):.0f} ms | {np.quantile(took, 0.95):.0f} ms | {max(took):.0f} ms |"
    )
    costs = against_size()
    draw(costs)
    print(
        "\n## Cost against size\n\n![cost against size](cross_impact.svg)\n\n| what | "
        + " | ".join(str(s) for s in sorted(costs["size"].unique()))
        + " |"
    )
    print("|---|" + "--:|" * costs["size"].nunique())
    wide = costs.pivot(index="what", columns="size", values="ms")
    for what, row in wide.iterrows():
        print(
            f"| {what}, ms | " + " | ".join("" if np.isnan(v) else f"{v:.1f}" for v in row) + " |"
        )


if __name__ == "__main__":
    main()
