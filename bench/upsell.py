# ruff: noqa: E402, E501 - threads are set before numpy is loaded; lines of a table stay lines
"""Bundles beside mlxtend, moments, models of buying and the opportunity board, on made-up data of stated sizes.

    pip install --no-deps mlxtend   # the peer, for this bench alone
    python bench/upsell.py > bench/upsell.md

One thread of numpy, two of the engine. Each part is measured in a process of its own, so that its memory is its own.
"""

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(name, "1")

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq


def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def baskets_matrix(n=500_000, items=2_000):
    """Baskets of four things on average; popularity falls as in a shop, and 200 pairs go together."""
    from scipy.sparse import csr_array

    rng = np.random.default_rng(1)
    share = 1 / np.arange(1, items + 1) ** 0.8
    share *= 4 / share.sum()
    rows, cols = [], []
    for item in range(items):
        own = np.flatnonzero(rng.random(n) < share[item])
        rows.append(own)
        cols.append(np.full(len(own), item))
        if item % 10 == 5:
            more = own[rng.random(len(own)) < 0.3]
            rows.append(more)
            cols.append(np.full(len(more), item + 1))
    row, col = np.concatenate(rows), np.concatenate(cols)
    matrix = csr_array((np.ones(len(row), np.int32), (row, col)), shape=(n, items))
    matrix.data[:] = 1
    return matrix


def ours_bundles():
    import scipy.special  # noqa: F401 - loaded before the clock starts, as the peer's own parts are

    from journey_widgets.upsell.baskets import Baskets
    from journey_widgets.upsell.bundles import bundles

    matrix = baskets_matrix()
    names = tuple(f"i{i:04d}" for i in range(matrix.shape[1]))
    facts = pd.DataFrame(
        {"price": np.nan, "margin": np.nan, "category": None}, index=range(len(names))
    )
    found = Baskets(names, matrix, facts)
    before, begin = peak(), time.perf_counter()
    rules = bundles(found, support=0.001, longest=3)
    return (
        time.perf_counter() - begin,
        peak() - before,
        f"{len(rules):,} rules, judged over all pairs",
    )


def peers_bundles():
    from mlxtend.frequent_patterns import association_rules, fpgrowth

    matrix = baskets_matrix()
    table = pd.DataFrame.sparse.from_spmatrix(
        matrix.astype(bool).tocsc(), columns=[f"i{i:04d}" for i in range(matrix.shape[1])]
    )
    before, begin = peak(), time.perf_counter()
    sets = fpgrowth(table, min_support=0.001, max_len=3, use_colnames=True)
    rules = association_rules(sets, metric="confidence", min_threshold=0.0)
    return time.perf_counter() - begin, peak() - before, f"{len(rules):,} rules"


def log_file(folder, events, customers):
    rng = np.random.default_rng(2)
    who = rng.integers(0, customers, events)
    at = np.datetime64("2025-01-01T00:00:00", "us") + rng.integers(
        0, 365 * 86_400 * 10**6, events
    ).astype("timedelta64[us]")
    names = np.array([f"touch{i:02d}" for i in range(20)] + ["upgrade"])
    kind = rng.choice(21, events, p=[*([0.0497] * 20), 0.006])
    path = folder / "events.parquet"
    pq.write_table(
        pa.table(
            {
                "customer_id": pa.array(np.char.add("c", who.astype(str))),
                "ts": at,
                "event": names[kind],
            }
        ),
        path,
    )
    return path


def moments_of(events, customers):
    from journey_widgets.events.paths import path_index
    from journey_widgets.events.source import read_events
    from journey_widgets.upsell.moments import moments

    with tempfile.TemporaryDirectory() as folder:
        index = path_index(read_events(log_file(Path(folder), events, customers)))
        index.customers()
        begin = time.perf_counter()
        found = moments(index, "upgrade", "7d")
        return (
            time.perf_counter() - begin,
            peak(),
            f"{len(found)} touchpoints, {int((found['verdict'] == 'moment').sum())} called",
        )


def buying():
    from journey_widgets.upsell import fit_bg_nbd

    rng = np.random.default_rng(3)
    n = 100_000
    T = rng.uniform(10, 60, n).round(2)  # noqa: N806 - the field's name
    x = rng.poisson(rng.gamma(0.5, 1 / 6, n) * T)
    t_x = np.where(x > 0, T * rng.random(n) ** 0.5, 0).round(2)
    table = pd.DataFrame({"x": x, "t_x": t_x, "T": T})
    begin = time.perf_counter()
    model = fit_bg_nbd(table)
    return time.perf_counter() - begin, peak(), f"r {model.r:.3f}, alpha {model.alpha:.2f}"


def cdnow():
    from journey_widgets.upsell import fit_bg_nbd

    table = pd.read_csv(
        Path(__file__).parent.parent / "tests" / "upsell" / "data" / "cdnow_summary.csv.gz"
    )
    begin = time.perf_counter()
    model = fit_bg_nbd(table)
    return (
        time.perf_counter() - begin,
        peak(),
        f"{len(table):,} customers, log-likelihood {model.log_likelihood:.2f}",
    )


def plan_of(customers):
    from journey_widgets.upsell import Limits

    rng = np.random.default_rng(4)
    offers, places = 6, 4
    rows = customers * offers * places
    cells = pd.DataFrame(
        {
            "customer_id": np.repeat([f"c{i}" for i in range(customers)], offers * places),
            "offer": np.tile(np.repeat([f"offer{i}" for i in range(offers)], places), customers),
            "touchpoint": np.tile([f"touch{i}" for i in range(places)], customers * offers),
            "effect": rng.gamma(1.5, 0.01, rows).clip(0, 0.9),
            "margin": np.repeat(rng.lognormal(3.5, 0.6, customers), offers * places),
            "cost": np.tile([0.1, 0.5, 2.0, 5.0], customers * offers),
            "evidence": "tested",
        }
    )
    return cells, Limits(
        budget=customers * 0.05, slots={"touch3": customers // 50, "touch0": customers // 10}
    )


def moved():
    """Time what a reader waits for when a slider is moved: the answer of the board on the page."""
    from journey_widgets import OpportunityBoard
    from journey_widgets.upsell import board

    cells, limits = plan_of(10_000)
    owners = dict.fromkeys(cells["touchpoint"].unique(), "Marketing")
    widget = OpportunityBoard(board(cells, limits=limits, owners=owners), least=5)
    waits = []
    for number, share in enumerate((0.96, 0.8, 1.2, 0.9), 1):
        begin = time.perf_counter()
        widget.ask = {"seq": number, "budget": share * limits.budget}
        waits.append(time.perf_counter() - begin)
    begin = time.perf_counter()
    widget.ask = {"seq": 9, "by": "cost"}
    return (
        float(np.median(waits)),
        peak(),
        f"median of four moves; another order {time.perf_counter() - begin:.2f} s",
    )


def boards(customers):
    from dataclasses import replace

    from journey_widgets.upsell import board

    cells, limits = plan_of(customers)
    begin = time.perf_counter()
    found = board(cells, limits=limits)
    whole = time.perf_counter() - begin
    begin = time.perf_counter()
    other, moved = found.what_if(replace(limits, budget=limits.budget * 1.1))
    again = time.perf_counter() - begin
    return (
        whole,
        peak(),
        f"gap {found.solution.gap:.3%}; what if {again:.2f} s ({len(moved):,} rows move, gap {other.solution.gap:.2%})",
    )


def imported():
    code = "import time, pandas; t = time.perf_counter(); import journey_widgets.upsell; print(time.perf_counter() - t)"
    found = [
        float(
            subprocess.run(
                [sys.executable, "-c", code], capture_output=True, text=True, check=True
            ).stdout
        )
        for _i in range(3)
    ]
    return min(found), peak(), "on top of pandas, best of three"


PARTS = {
    "bundles": (
        "500,000 baskets x 2,000 things, support 0.001, up to three",
        ours_bundles,
        "5 s, 300 MB",
    ),
    "mlxtend": (
        "the same by mlxtend's fpgrowth and association_rules",
        peers_bundles,
        "10 times slower",
    ),
    "moments": (
        "moments, 1M events, 50,000 customers, 20 touchpoints",
        lambda: moments_of(1_000_000, 50_000),
        "3 s",
    ),
    "moments10": (
        "moments, 10M events, 500,000 customers",
        lambda: moments_of(10_000_000, 500_000),
        "30 s",
    ),
    "buying": ("BG/NBD, 100,000 customers", buying, "5 s"),
    "cdnow": ("BG/NBD, CDNOW", cdnow, "0.5 s"),
    "moved": ("a slider of the board moved on the page, 10,000 customers x 24 cells", moved, "–"),
    "board": ("board, 100,000 customers x 24 cells", lambda: boards(100_000), "5 s, gap 0.5 %"),
    "board10": ("board, 10,000 customers x 24 cells", lambda: boards(10_000), "what if 0.1 s"),
    "import": ("import journey_widgets.upsell", imported, "0.5 s"),
}


def main():
    asked = argparse.ArgumentParser()
    asked.add_argument("--part", choices=PARTS)
    part = asked.parse_args().part
    if part:
        seconds, memory, said = PARTS[part][1]()
        print(f"{seconds:.2f}|{memory:.0f}|{said}")
        return
    print(
        "# Upsell\n\n`python bench/upsell.py > bench/upsell.md`, one thread of numpy, two of the engine\n"
    )
    print("| what | s | MB | bar | found |\n|---|---|---|---|---|")
    took = {}
    for name, (what, _run, bar) in PARTS.items():
        done = subprocess.run(
            [sys.executable, __file__, "--part", name], capture_output=True, text=True, check=False
        )
        if done.returncode:
            print(
                f"| {what} | - | - | {bar} | {done.stderr.strip().splitlines()[-1]} |", flush=True
            )
            continue
        seconds, memory, said = done.stdout.strip().splitlines()[-1].split("|")
        took[name] = float(seconds)
        print(f"| {what} | {seconds} | {memory} | {bar} | {said} |", flush=True)
    if {"bundles", "mlxtend"} <= set(took):
        print(
            f"\nmlxtend takes {took['mlxtend'] / took['bundles']:.1f} times as long in the same run. Memory: of bundles and mlxtend beyond the baskets themselves, of the others the whole process."
        )


if __name__ == "__main__":
    main()
