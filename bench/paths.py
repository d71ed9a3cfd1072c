"""Path questions on a generated log, against the same questions in pandas, in one run.

    python bench/paths.py [EVENTS] > bench/paths.md

Ratios above 1 mean that pandas takes that many times longer. The index is built once and stored, as
in a workspace; pandas sorts its frame once, outside the clock. Each time is the best of three.
"""

import sys
import time
from collections.abc import Callable

import numpy as np
import pandas as pd

from journey_widgets import journey
from journey_widgets.events.paths import path_index
from journey_widgets.events.source import read_events

NAMES = [f"touchpoint_{i}" for i in range(20)]
STEPS = NAMES[:4]


def log(events: int) -> pd.DataFrame:
    rng = np.random.default_rng(1)
    return pd.DataFrame(
        {
            "customer_id": rng.integers(0, events // 12, events).astype(str),
            "ts": pd.Timestamp("2026-01-01")
            + pd.to_timedelta(rng.integers(0, 15_552_000_000_000, events), unit="us"),
            "event": np.array(NAMES)[np.minimum(rng.geometric(0.15, events) - 1, 19)],
        }
    )


def best(act: Callable[[], object]) -> float:
    times = []
    for _try in range(3):
        begun = time.perf_counter()
        act()
        times.append(time.perf_counter() - begun)
    return min(times)


def pandas_transitions(frame: pd.DataFrame) -> pd.DataFrame:
    by = frame.groupby("customer_id", sort=False)
    gap = by["ts"].shift(-1) - frame["ts"]
    pairs = frame.assign(next=by["event"].shift(-1), gap=gap.dt.total_seconds())
    return pairs.groupby(["event", "next"]).agg(
        count=("customer_id", "size"),
        customers=("customer_id", "nunique"),
        median=("gap", "median"),
        q95=("gap", lambda g: g.quantile(0.95)),
    )


def pandas_funnel(frame: pd.DataFrame) -> list[int]:
    reached = frame[frame["event"] == STEPS[0]].groupby("customer_id")["ts"].min()
    counts = [len(reached)]
    for step in STEPS[1:]:
        rows = frame[frame["event"] == step]
        later = rows[rows["ts"] > rows["customer_id"].map(reached)]
        reached = later.groupby("customer_id")["ts"].min()
        counts.append(len(reached))
    return counts


def pandas_variants(frame: pd.DataFrame) -> pd.Series:
    return frame.groupby("customer_id")["event"].agg(" -> ".join).value_counts()


def main(events: int) -> None:
    frame = log(events)
    begun = time.perf_counter()
    source = read_events(frame, time_zone="UTC")
    read_seconds = time.perf_counter() - begun
    begun = time.perf_counter()
    index = path_index(source)
    index_seconds = time.perf_counter() - begun
    ordered = frame.sort_values(["customer_id", "ts"], kind="stable", ignore_index=True)
    assert journey.funnel(index, STEPS)["customers"].tolist() == pandas_funnel(ordered)
    print(f"# Path questions on {events:,} events\n")
    print("Made by `python bench/paths.py`; pandas is the peer, in the same run.\n")
    print(
        f"Read and checked in {read_seconds:.1f} s, index in {index_seconds:.1f} s (once a log).\n"
    )
    print("| question | here, s | pandas, s | ratio |\n|---|--:|--:|--:|")
    for name, ours, peer in (
        ("transitions", lambda: journey.transitions(index), lambda: pandas_transitions(ordered)),
        (
            "funnel of four steps",
            lambda: journey.funnel(index, STEPS),
            lambda: pandas_funnel(ordered),
        ),
        ("variants", lambda: journey.variants(index, top=20), lambda: pandas_variants(ordered)),
    ):
        a, b = best(ours), best(peer)
        print(f"| {name} | {a:.2f} | {b:.2f} | {b / a:.1f} |")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
