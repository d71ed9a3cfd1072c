# ruff: noqa: E402, E501 - threads are set before numpy is loaded; lines of a table stay lines
"""KPIs by month and segment on a large log, beside the same table made by pandas; and a tree of 500 KPIs.

    python bench/scorecard.py [--events 10000000] > bench/scorecard.md

Makes (seeded) a log of events in visits of five, a tenth as many order lines and support cases of three events each, a twentieth as
many answers, over 24 months and 50 segments; reads and stores them once; then measures every KPI that such sources can be
asked for, by month and segment, on two threads. pandas makes the table of three of them from the same files.
"""

import argparse
import os
import resource
import sys
import tempfile
import time
from pathlib import Path

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(name, "1")

import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

from journey_widgets.events.engine import engine
from journey_widgets.events.mapping import SourceMapping
from journey_widgets.events.source import read
from journey_widgets.scorecard.measures import measure, measure_with
from journey_widgets.scorecard.recipes import RECIPES, Shared
from journey_widgets.scorecard.roll_up import Node, roll_up
from support.kpi_world import MONTHS, NOT_HERE, OPTIONS, SEGMENTS, WORDS, make


def by_pandas(folder, kpi):
    """Make the values of a KPI by month and segment from the file, with pandas alone and without intervals."""
    if kpi == "aov":
        lines = pd.read_parquet(
            folder / "order_lines.parquet",
            columns=["order_id", "ts", "quantity", "unit_price", "segment"],
        )
        lines = lines[lines["quantity"] > 0].assign(paid=lambda d: d["quantity"] * d["unit_price"])
        orders = (
            lines.groupby(["order_id", "segment"])
            .agg(ts=("ts", "min"), paid=("paid", "sum"))
            .reset_index()
        )
        return orders.groupby([orders["segment"], orders["ts"].dt.to_period("M")])["paid"].mean()
    if kpi == "unique_visitors":
        log = pd.read_parquet(folder / "events.parquet", columns=["customer_id", "ts", "segment"])
        return log.groupby(["segment", log["ts"].dt.to_period("M")])["customer_id"].nunique()
    log = pd.read_parquet(
        folder / "tickets.parquet", columns=["case_id", "ts", "activity", "segment"]
    )
    opened = log.groupby("case_id").agg(ts=("ts", "min"), segment=("segment", "first"))
    answered = log[log["activity"] == "Handled"].groupby("case_id")["ts"].min()
    hours = (answered - opened["ts"]).dt.total_seconds() / 3600
    return hours.groupby([opened["segment"], answered.dt.to_period("M")]).median()


def tree(kpis, seed=1):
    """Return a tree of KPIs under four perspectives of objectives of five."""
    rng = np.random.default_rng(seed)
    leaves = [
        Node(f"k{i}", float(rng.integers(1, 4)), score=float(rng.random())) for i in range(kpis)
    ]
    objectives = [Node(f"o{i}", children=tuple(leaves[i : i + 5])) for i in range(0, kpis, 5)]
    size = len(objectives) // 4
    return Node(
        "all",
        children=tuple(
            Node(f"p{i}", children=tuple(objectives[i * size : (i + 1) * size])) for i in range(4)
        ),
    )


def took(act):
    """Return the seconds something took, and what it gave."""
    began = time.perf_counter()
    found = act()
    return time.perf_counter() - began, found


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--events", type=int, default=10_000_000)
    parser.add_argument("--folder", default="")
    n = (given := parser.parse_args()).events
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(given.folder or scratch)
        if given.folder and (folder / "events.parquet").exists():
            run(folder, n)
            return
        make(folder, n)
        # Reading once is another process's work: what is measured starts from what is stored.
        if os.fork() == 0:
            sources(folder)
            os._exit(0)
        os.wait()
        run(folder, n)


def sources(folder):
    """Read the files, or what is stored of them."""
    mapping = SourceMapping(keep=("segment",))
    return {
        k: read(k, folder / f"{k}.parquet", mapping, cache=folder / "cache")
        for k in ("events", "order_lines", "tickets", "answers")
    }


def run(folder, n):
    """Measure and write the table."""
    given = sources(folder)
    engine().raw_sql("SET threads=2")
    asked = [
        k
        for k, r in RECIPES.items()
        if k not in NOT_HERE and r.source in given and all(a in given for a in r.also)
    ]
    shared, rows = Shared(many=True), []
    for kpi in asked:
        seconds, found = took(
            lambda k=kpi: measure_with(
                shared, k, given, by=("segment",), words=WORDS, options=OPTIONS.get(k, {})
            )
        )
        rows.append((kpi, seconds, len(found)))
    shared.close()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2
    total = sum(s for _k, s, _n in rows)
    print(
        f"# KPIs by month and segment, {n:,} events\n\n`python bench/scorecard.py --events {n} > bench/scorecard.md`, two threads of the engine, pandas {pd.__version__}\n"
    )
    print("| what | figure | bar |\n|---|---|---|")
    print(
        f"| {len(rows)} KPIs x {MONTHS} months x {SEGMENTS} segments, with intervals, from stored tables | {total:.1f} s | 20 s |"
    )
    print(f"| memory of the process at its peak | {peak:.1f} GB | 2 GB |")
    slowest = [k for k, _s, _n in sorted(rows, key=lambda r: -r[1])[:5]]
    alone = {
        k: took(
            lambda k=k: measure(k, given, by=("segment",), words=WORDS, options=OPTIONS.get(k, {}))
        )[0]
        for k in slowest
    }
    print(
        f"| the slowest KPI alone ({max(alone, key=alone.get)}) | {max(alone.values()):.1f} s | 2 s |"
    )
    card = tree(500)
    roll_up(card)
    print(
        f"| roll-up of a tree of 500 KPIs | {1000 * min(took(lambda: roll_up(card))[0] for _i in range(5)):.0f} ms | 50 ms |"
    )
    print(
        "\n## Beside pandas, values alone\n\n| KPI | pandas | here, with intervals | ratio |\n|---|---|---|---|"
    )
    for kpi in ("aov", "unique_visitors", "first_response_time"):
        theirs, values = took(lambda k=kpi: by_pandas(folder, k))
        ours, found = took(lambda k=kpi: measure(k, given, by=("segment",), words=WORDS))
        mine = found.set_index(["segment", found["period"].dt.to_period("M")])["value"].dropna()
        if set(values.index) != set(mine.index):
            sys.exit(f"{kpi}: pandas has other months or segments than we have.")
        gap = float((values.rename_axis(mine.index.names) - mine).abs().max())
        print(
            f"| {kpi} | {theirs:.1f} s | {ours:.1f} s | {theirs / ours:.1f} (largest gap {gap:.1g}) |"
        )
    print("\n## Each\n\n| KPI | s | rows |\n|---|---|---|")
    for kpi, seconds, count in sorted(rows, key=lambda r: -r[1]):
        print(f"| {kpi} | {seconds:.2f} | {count} |")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
