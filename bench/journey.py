"""Path questions on large logs, beside a peer, plain pandas and hand-written SQL, in one run.

    python bench/journey.py [--peer PYTHON] [EVENTS ...] > bench/journey.md    # default: 100,000 to 10,000,000

Each job runs in a process of its own: three times here and in SQL, the table shows the medians, and once
in the slow ones. CPU seconds are those of all threads; peak memory is that of the whole process, imports
included. The SQL reads the same stored path index; it is what the engine can do when nothing else is in
the way. The peer is retentioneering 5.2.4, run by the Python named (one in whose environment it is
installed); jobs it lacks are blank. Imports are outside the clock, on all sides.
"""

import json
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

PEER: list[str] = []
NAMES, PER_CUSTOMER, TRIES = 40, 12, 3
STEPS = [f"touchpoint_{i:02d}" for i in range(4)]


def make(events, path):
    """Write a log: 12 events a customer, 40 names with a long tail, 180 days, in order of time."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq

    rng = np.random.default_rng(7)
    weights = 1 / np.arange(1, NAMES + 1) ** 1.1
    weights /= weights.sum()
    labels = pa.array([f"touchpoint_{i:02d}" for i in range(NAMES)])
    span = 180 * 86_400 * 1_000_000
    begin = int(np.datetime64("2026-01-01", "us").astype("int64"))
    writer = None
    for first in range(0, events, 2_000_000):
        n = min(2_000_000, events - first)
        customer = rng.integers(0, events // PER_CUSTOMER, n).astype("U9")
        moment = begin + ((first + np.sort(rng.random(n)) * n) / events * span).astype("int64")
        table = pa.table(
            {
                "customer_id": pa.array(np.char.add("c", np.char.zfill(customer, 9))),
                "ts": pa.array(moment, pa.timestamp("us")),
                "event": labels.take(pa.array(rng.choice(NAMES, n, p=weights))),
            }
        )
        writer = writer or pq.ParquetWriter(path, table.schema, compression="zstd")
        writer.write_table(table)
    writer.close()


# --- the jobs: each returns a number to compare -----------------------------------------------


def source_of(log, cache):
    from journey_widgets.events.mapping import SourceMapping
    from journey_widgets.events.source import read

    return read("events", log, SourceMapping(time_zone="UTC"), cache=cache)


def ours(job, log, cache):
    from journey_widgets import journey
    from journey_widgets.events.paths import path_index

    index = path_index(source_of(log, cache))
    index.customers()  # the engine is there, the file is open
    begun = time.perf_counter(), time.process_time()
    if job == "transitions":
        result = int(journey.transitions(index, weights=["count"])["count"].sum())
    elif job == "pair medians":
        result = float(
            journey.transitions(index, weights=["time_median"])["time_median_hours"].sum()
        )
    elif job == "step matrix":
        result = int(journey.step_matrix(index, max_steps=10)["customers"].sum())
    elif job == "funnel":
        result = journey.funnel(index, STEPS)["customers"].tolist()
    elif job == "retention":
        result = int(journey.retention(index)["customers"].sum())
    else:
        result = journey.variants(index, top=20)["customers"].tolist()
    return begun, result


def sql(job, cache):
    import duckdb

    con = duckdb.connect()
    stored = next(cache.glob("events-*.parquet"))
    con.execute(
        'CREATE VIEW p AS SELECT "path:customer" AS customer, "path:step" AS step, "path:code" AS code, '
        f'"path:next" AS nxt, "path:gap" AS gap, ts FROM read_parquet(\'{stored}\')'
    )
    funnel = "WITH s0 AS (SELECT customer, min(step) s FROM p WHERE code = 0 GROUP BY 1)"
    for k in (1, 2, 3):
        funnel += (
            f", s{k} AS (SELECT a.customer, min(p.step) s FROM s{k - 1} a JOIN p ON p.customer = a.customer "
            f"AND p.code = {k} AND p.step > a.s GROUP BY 1)"
        )
    queries = {
        "transitions": "SELECT sum(n) FROM (SELECT code, nxt, count(*) n FROM p WHERE nxt IS NOT NULL GROUP BY 1, 2)",
        "pair medians": "SELECT sum(m) / 3.6e9 FROM (SELECT code, nxt, quantile_cont(gap, 0.5) m FROM p "
        "WHERE nxt IS NOT NULL GROUP BY 1, 2)",
        "step matrix": "SELECT count(*) FROM (SELECT step, code, count(*) n FROM p WHERE step <= 10 GROUP BY 1, 2)",
        "funnel": funnel + " SELECT [(SELECT count(*) FROM s0), (SELECT count(*) FROM s1), "
        "(SELECT count(*) FROM s2), (SELECT count(*) FROM s3)]",
        "retention": "WITH f AS (SELECT customer, date_trunc('month', ts) m FROM p WHERE step = 1), "
        "a AS (SELECT DISTINCT customer, date_trunc('month', ts) t FROM p) "
        "SELECT count(*) FROM (SELECT m, date_diff('month', m, t) k, count(*) n FROM a JOIN f USING (customer) "
        "GROUP BY 1, 2)",
        "variants": "SELECT list(n) FROM (SELECT v, count(*) n FROM (SELECT list(code ORDER BY step) v FROM p "
        "GROUP BY customer) GROUP BY 1 ORDER BY n DESC LIMIT 20)",
    }
    begun = time.perf_counter(), time.process_time()
    return begun, con.execute(queries[job]).fetchone()[0]


def pandas_job(job, log):
    import numpy as np
    import pandas as pd

    frame = pd.read_parquet(log)
    frame["event"] = frame["event"].astype("category")
    if job == "log ready":
        begun = time.perf_counter(), time.process_time()
        frame = pd.read_parquet(log)
    frame = frame.sort_values(["customer_id", "ts"], kind="stable", ignore_index=True)
    if job == "log ready":
        return begun, len(frame)
    frame["customer_id"] = frame["customer_id"].astype("category").cat.codes
    begun = time.perf_counter(), time.process_time()
    by = frame.groupby("customer_id", sort=False)
    if job in ("transitions", "pair medians"):
        following = by["event"].shift(-1)
        if job == "transitions":
            return begun, int(frame.groupby(["event", following], observed=True).size().sum())
        gap = (by["ts"].shift(-1) - frame["ts"]).dt.total_seconds() / 3600
        return begun, float(gap.groupby([frame["event"], following], observed=True).median().sum())
    if job == "step matrix":
        step = by.cumcount() + 1
        few = step <= 10
        return begun, len(frame[few].groupby([step[few], "event"], observed=True).size())
    if job == "funnel":
        place = pd.Series(np.arange(len(frame)), index=frame.index)
        reached = place[frame["event"] == STEPS[0]].groupby(frame["customer_id"]).min()
        counts = [len(reached)]
        for name in STEPS[1:]:
            rows = place[frame["event"] == name]
            who = frame.loc[rows.index, "customer_id"]
            later = rows[rows.to_numpy() > who.map(reached).fillna(np.inf).to_numpy()]
            reached = later.groupby(frame["customer_id"]).min()
            counts.append(len(reached))
        return begun, counts
    if job == "retention":
        month = frame["ts"].dt.year * 12 + frame["ts"].dt.month
        first = month.groupby(frame["customer_id"]).transform("min")
        pairs = pd.DataFrame(
            {"c": frame["customer_id"], "m": first, "k": month - first}
        ).drop_duplicates()
        return begun, len(pairs.groupby(["m", "k"]).size())
    paths = frame["event"].astype(str).groupby(frame["customer_id"]).agg(" -> ".join)
    return begun, paths.value_counts().head(20).tolist()


def peer(job, log):
    import pandas as pd
    from retentioneering import Eventstream

    frame = pd.read_parquet(log)
    columns = {"path_cols": ["customer_id"], "event_col": "event", "timestamp_col": "ts"}
    begun = time.perf_counter(), time.process_time()
    if job == "log ready":
        frame = pd.read_parquet(log)
    stream = Eventstream(frame, schema=columns)
    if job == "log ready":
        return begun, len(frame)
    begun = time.perf_counter(), time.process_time()
    if job == "transitions":
        return begun, len(stream.transition_graph_data(edge_weight="count"))
    if job == "pair medians":
        return begun, len(stream.transition_graph_data(edge_weight="time_median"))
    if job == "step matrix":
        return begun, len(stream.step_matrix_data(max_steps=10))
    if job == "funnel":
        return begun, [step["unique_paths"] for step in stream.funnel_data(steps=STEPS)["steps"]]
    msg = f"the peer has no {job}"
    raise NotImplementedError(msg)


def ready(log, cache):
    from journey_widgets import journey  # noqa: F401 - its import is measured on its own
    from journey_widgets.events.engine import engine

    engine()
    begun = time.perf_counter(), time.process_time()
    source = source_of(log, cache)
    return begun, len(source.touchpoints)


def sql_ready(log, cache):
    import duckdb

    con = duckdb.connect()
    con.execute("SET memory_limit = '4GB'")
    begun = time.perf_counter(), time.process_time()
    rows = f"read_parquet('{log}', file_row_number=true)"
    con.execute(
        f"SELECT count(*), count(customer_id), count(ts), count(event) FROM {rows}"
    ).fetchall()
    con.execute(
        "CREATE TEMP TABLE c AS SELECT customer_id, (row_number() OVER (ORDER BY customer_id) - 1)::INT c "
        f"FROM (SELECT DISTINCT customer_id FROM {rows})"
    )
    con.execute(
        "CREATE TEMP TABLE e AS SELECT event, (row_number() OVER (ORDER BY event) - 1)::SMALLINT code "
        f"FROM (SELECT DISTINCT event FROM {rows})"
    )
    con.execute(
        "COPY (SELECT c, (row_number() OVER w)::INT step, code, lead(code) OVER w nxt, ts, "
        "epoch_us(lead(ts) OVER w) - epoch_us(ts) gap FROM (SELECT c, code, ts, file_row_number r "
        f"FROM {rows} JOIN c USING (customer_id) JOIN e USING (event)) "
        f"WINDOW w AS (PARTITION BY c ORDER BY ts, r)) TO '{cache}/sql.parquet'"
    )
    return begun, 0


def again(log, cache):
    """A second opening of an unchanged log, to the first answer."""
    from journey_widgets import journey
    from journey_widgets.events.engine import engine
    from journey_widgets.events.paths import path_index

    engine()
    begun = time.perf_counter(), time.process_time()
    index = path_index(source_of(log, cache))
    people = index.customers()
    first = (time.perf_counter() - begun[0]) * 1000
    return begun, (people, round(first), len(journey.transitions(index, weights=["count"])))


def pickers(log, cache):
    """What the dashboard's pickers answer: one group and month of a funnel, from cases in memory."""
    from datetime import datetime

    from journey_widgets.events.paths import path_index
    from journey_widgets.journey import charts
    from journey_widgets.journey.cases import FunnelCases

    cases = FunnelCases(path_index(source_of(log, cache)), STEPS)
    cases.funnel()
    begun = time.perf_counter(), time.process_time()
    frame = cases.funnel(since=datetime(2026, 2, 1), until=datetime(2026, 3, 1))  # noqa: DTZ001
    charts.funnel_chart(frame).to_dict()
    return begun, int(frame["customers"].iloc[0])


def imported():
    begun = time.perf_counter(), time.process_time()
    import journey_widgets

    return begun, bool(journey_widgets.journey.funnel)


def one(who, job, log, cache):
    log, cache = Path(log), Path(cache)
    if job == "import":
        begun, result = imported()
    elif job == "second opening":
        begun, result = again(log, cache)
    elif job == "picker":
        begun, result = pickers(log, cache)
    elif who == "here":
        begun, result = ready(log, cache) if job == "log ready" else ours(job, log, cache)
    elif who == "sql":
        begun, result = sql_ready(log, cache) if job == "log ready" else sql(job, cache)
    elif who == "pandas":
        begun, result = pandas_job(job, log)
    else:
        begun, result = peer(job, log)
    wall, cpu = time.perf_counter() - begun[0], time.process_time() - begun[1]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    print(json.dumps({"wall": wall, "cpu": cpu, "peak": peak, "result": result}))


def measure(who, job, log, cache):
    found = []
    program = PEER[0] if who == "peer" else sys.executable
    for _try in range(TRIES if who in ("here", "sql") and "100000000" not in str(log) else 1):
        folder = cache
        if job == "log ready":
            folder = Path(tempfile.mkdtemp(dir=cache.parent))
        run = subprocess.run(
            [program, __file__, "--one", who, job, str(log), str(folder)],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        if run.returncode:
            last = (run.stderr.strip().splitlines() or ["killed"])[-1]
            print(f"{who} {job}: {last}", file=sys.stderr)
            return None
        found.append(json.loads(run.stdout.splitlines()[-1]))
    return {k: statistics.median(f[k] for f in found) for k in ("wall", "cpu", "peak")} | {
        "result": found[0]["result"]
    }


JOBS = (
    "log ready",
    "transitions",
    "step matrix",
    "funnel",
    "retention",
    "pair medians",
    "variants",
)
AGREE = {"transitions", "funnel", "variants", "pair medians"}
"""Jobs whose results are compared across the sides: the same numbers, or the table is not written."""


def table(events, log, cache, sides):
    print(f"\n## {events:,} events\n")
    print(
        "| job | " + " | ".join(f"{s}: CPU s | wall s | GB" for s in sides) + " | CPU, here / sql |"
    )
    print("|---|" + "--:|--:|--:|" * len(sides) + "--:|")
    for job in JOBS:
        found = {s: measure(s, job, log, cache) for s in sides}
        results = [f["result"] for s, f in found.items() if f and s in ("here", "sql", "pandas")]
        if job in AGREE:
            same = all(
                r == results[0] or abs(_float(r) - _float(results[0])) < 1e-3 for r in results
            )
            assert same, (job, results)
        cells = []
        for side in sides:
            f = found[side]
            cells += [f"{f['cpu']:.2f} | {f['wall']:.2f} | {f['peak']:.2f}" if f else "– | – | –"]
        ratio = found["here"]["cpu"] / found["sql"]["cpu"] if found.get("sql") else 0
        print(f"| {job} | " + " | ".join(cells) + f" | {ratio:.2f} |", flush=True)


def _float(value):
    return float(value) if isinstance(value, int | float) else float("nan")


def main(sizes):
    print("# Path questions, side by side\n")
    print(
        "Made by `python bench/journey.py "
        + " ".join(str(n) for n in sizes)
        + "`; medians of three."
    )
    cpu = next((r for r in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in r), "")
    print(f"Machine: {cpu.partition(':')[2].strip() or platform.machine()}, {_cores()} cores.\n")
    print(
        "here: this package; sql: hand-written DuckDB over the same stored index; pandas: sorted frame in memory."
    )
    for events in sizes:
        with tempfile.TemporaryDirectory(prefix="bench_") as scratch:
            log, cache = Path(scratch) / f"log-{events}.parquet", Path(scratch) / "cache"
            cache.mkdir()
            make(events, log)
            time.sleep(3)  # a file changed just now is hashed again each time
            subprocess.run(
                [sys.executable, __file__, "--one", "here", "log ready", str(log), str(cache)],
                check=True,
                stdout=subprocess.DEVNULL,
            )
            small = events <= 10_000_000
            sides = [
                "here",
                "sql",
                *(["pandas"] if small else []),
                *(["peer"] if PEER and small else []),
            ]
            table(events, log, cache, sides)
            opening = measure("here", "second opening", log, cache)
            picker = measure("here", "picker", log, cache)
            print(
                f"\nSecond opening of the unchanged log: {opening['result'][1]} ms to the number of customers, "
                f"{opening['wall'] * 1000:.0f} ms to the transitions. "
                f"A picker's answer: {picker['wall'] * 1000:.0f} ms.",
                flush=True,
            )
    start = measure("here", "import", "x", "x")
    print(f"\nImport of the path functions: {start['wall']:.2f} s.")


def _cores():
    import os

    return os.cpu_count()


if __name__ == "__main__":
    if sys.argv[1:2] == ["--one"]:
        one(*sys.argv[2:6])
    else:
        given = sys.argv[1:]
        if given[:1] == ["--peer"]:
            PEER.append(given[1])
            given = given[2:]
        main([int(n) for n in given] or [100_000, 1_000_000, 10_000_000])
