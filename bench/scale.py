# ruff: noqa: E501 - lines of a table stay lines
"""What a larger log costs: the same questions on logs of growing size, on DuckDB and on Spark.

    python bench/scale.py [--duckdb 1000000 10000000 100000000] [--spark 1000000 10000000] > bench/scale.md

Makes (seeded) a log of visits of about five events; each size is read and asked in a process of its own. DuckDB may hold 3 GB before
it spills; Spark runs as ``local[2]`` with 3 GB. Memory is the most that the process and what it started held together,
looked at ten times a second. The picture is written beside the table.
"""

import argparse
import json
import math
import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import numpy as np
import psutil
import pyarrow as pa
import pyarrow.parquet as pq

ROOT = Path(__file__).parent.parent
NAMES = [
    "ad",
    "visit",
    "search",
    "product",
    "cart",
    "checkout",
    "payment",
    "delivery",
    "support",
    "review",
    "referral",
    "return",
]
FUNNEL = ["visit", "product", "cart", "payment"]
AT_ONCE = 5_000_000
CAP = 3_000_000_000
QUESTIONS = (
    "read and index",
    "transitions",
    "funnel",
    "funnel of sessions",
    "retention",
    "variants",
    "pain points",
    "KPI",
)


def make(path, events):
    """Write a log piece by piece."""
    rng = np.random.default_rng(1)
    customers = max(events // 12, 1)
    writer = None
    for begin in range(0, events, AT_ONCE):
        n = min(AT_ONCE, events - begin)
        who = np.repeat(rng.integers(0, customers, n // 5 + 1), 5)[:n]
        at = np.repeat(rng.integers(0, 365 * 86_400 * 10**6, n // 5 + 1), 5)[:n]
        at = at + np.tile(np.arange(5), n // 5 + 1)[:n] * rng.integers(1, 200 * 10**6, n)
        table = pa.table(
            {
                "customer_id": pa.DictionaryArray.from_arrays(
                    pa.array((who % 100_000).astype(np.int32)), pa.array([f"{i:05d}" for i in range(100_000)])
                ).cast(pa.string()) if customers <= 100_000 else pa.array(np.char.zfill(who.astype("U9"), 9)),
                "ts": pa.array(np.datetime64("2025-01-01", "us") + at.astype("timedelta64[us]")),
                "event": pa.array(np.array(NAMES)[rng.integers(0, len(NAMES), n)]),
                "device": pa.array(np.array(["mobile", "desktop", "tablet"])[who % 3]),
            }
        )  # fmt: skip
        writer = writer or pq.ParquetWriter(path, table.schema, compression="zstd")
        writer.write_table(table)
    writer.close()


def make_more(path, days, customers, seed):
    """Write the events of some more days: of customers there are, and a tenth of new ones."""
    rng = np.random.default_rng(seed)
    n = int(days * customers * 12 / 365)
    who = np.repeat(rng.integers(0, int(customers * 1.1), n // 5 + 1), 5)[:n]
    at = np.datetime64("2026-01-01", "us") + rng.integers(
        0, max(int(days), 1) * 86_400 * 10**6, n
    ).astype("timedelta64[us]")
    names = np.char.zfill(who.astype("U9"), 5 if customers <= 100_000 else 9)
    table = pa.table(
        {
            "customer_id": pa.array(names), "ts": pa.array(at), "event": pa.array(np.array(NAMES)[rng.integers(0, len(NAMES), n)]),
            "device": pa.array(np.array(["mobile", "desktop", "tablet"])[who % 3]),
        }
    )  # fmt: skip
    pq.write_table(table, path, compression="zstd")
    return n


def one(engine, path, folder):
    """Ask everything once; print seconds by question."""
    from journey_widgets import journey as paths
    from journey_widgets.events import engine as ours
    from journey_widgets.events.mapping import SourceMapping
    from journey_widgets.events.paths import path_index
    from journey_widgets.events.source import read
    from journey_widgets.events.warehouse import warehouse
    from journey_widgets.events.warehouse_source import read_there
    from journey_widgets.scorecard import measure

    ours.SHARE = CAP / psutil.virtual_memory().total
    told = {"time_zone": "UTC", "keep": ["device"], "tolerance": 0}
    if engine == "duckdb":

        def source():
            return read("events", path, SourceMapping.model_validate(told), cache=folder)
    else:
        con = warehouse("pyspark")
        con.read_parquet(path, table_name="log")

        def source():
            return read_there(
                "events",
                SourceMapping.model_validate({**told, "backend": "pyspark", "table": "log"}),
            )

    found = {}

    def timed(name, ask):
        begin = time.perf_counter()
        given = ask()
        found[name] = round(time.perf_counter() - begin, 2)
        return given

    log = timed("read and index", source)
    index = path_index(log)
    timed("transitions", lambda: paths.transitions(index))
    funnel = timed("funnel", lambda: paths.funnel(index, FUNNEL, within="30d"))
    timed("funnel of sessions", lambda: paths.funnel(paths.split_sessions(index, "30m"), FUNNEL))
    timed("retention", lambda: paths.retention(index, period="month"))
    timed("variants", lambda: paths.variants(index, top=10))
    timed("pain points", lambda: paths.pain_points(index, FUNNEL, by=["device"]))
    words = {"cart": ["cart"], "purchase": ["payment"]}
    timed("KPI", lambda: measure("cart_abandonment", {"events": log}, by=["device"], words=words))
    found["answer"] = funnel["customers"].tolist()
    print(json.dumps(found))


def grow(log, cache):
    """Read the files of a folder, some of which may have been read before; print what it took."""
    from journey_widgets import journey as paths
    from journey_widgets.events import engine as ours
    from journey_widgets.events.mapping import SourceMapping
    from journey_widgets.events.paths import path_index
    from journey_widgets.events.source import read

    ours.SHARE = CAP / psutil.virtual_memory().total
    told = {"time_zone": "UTC", "keep": ["device"], "tolerance": 0}
    begin = time.perf_counter()
    source = read("events", log / "*.parquet", SourceMapping.model_validate(told), cache=cache)
    found = {"read": round(time.perf_counter() - begin, 2), "customers": source.customers}
    found["beside"] = 0 if source.tail is None else pq.read_metadata(source.tail).num_rows
    index = path_index(source)
    for name, ask in (
        ("transitions", lambda: paths.transitions(index)),
        ("funnel", lambda: paths.funnel(index, FUNNEL, within="30d")),
    ):
        begin = time.perf_counter()
        asked = ask()
        found[name] = round(time.perf_counter() - begin, 2)
    found["answer"] = asked["customers"].tolist()
    print(json.dumps(found))


def growth(path, events):
    """Return what it takes to read a log, and the same log when an hour, a day, a week have come."""
    customers, rows = max(events // 12, 1), []
    with tempfile.TemporaryDirectory(prefix="journey_scale_growing_") as folder:
        log, cache = Path(folder) / "log", Path(folder) / "cache"
        log.mkdir()
        os.link(path, log / "0.parquet")
        rows.append(("read at once", events, watched("--grow", log, cache)))
        for name, days in (("an hour", 1 / 24), ("a day", 1), ("a week", 7)):
            come = make_more(log / "1.parquet", days, customers, 7)
            rows.append((f"{name} more", come, watched("--grow", log, cache)))
        # The answer is that of the whole log read at once.
        again = watched("--grow", log, Path(folder) / "anew")
        assert rows[-1][2]["beside"]
        assert again["answer"] == rows[-1][2]["answer"]
        rows.append(("the same week, read at once", events + come, again))
    return rows


def grow_there(log, more):
    """Read a table of Spark, and the same table when rows have come; print what each took."""
    from journey_widgets import journey as paths
    from journey_widgets.events.mapping import SourceMapping
    from journey_widgets.events.paths import path_index
    from journey_widgets.events.warehouse import warehouse
    from journey_widgets.events.warehouse_source import read_there

    con = warehouse("pyspark")
    told = {"time_zone": "UTC", "keep": ["device"], "backend": "pyspark", "loaded_at": "loaded"}
    found = []
    for at, (name, files) in enumerate(
        [("read at once", ()), *((m.stem, (m,)) for m in more), (more[-1].stem, (more[-1],))]
    ):
        table = (
            "anew" if at == len(more) + 1 else "log"
        )  # the last one is read as nothing had been stored
        parts = [con.read_parquet(p) for p in (log, *files)]
        rows = (
            parts[0].mutate(loaded=0)
            if len(parts) == 1
            else parts[0].mutate(loaded=0).union(parts[1].mutate(loaded=1))
        )
        con.create_view(table, rows, overwrite=True)
        begin = time.perf_counter()
        source = read_there("events", SourceMapping.model_validate({**told, "table": table}))
        took = {
            "name": "read at once" if table == "anew" else name,
            "read": round(time.perf_counter() - begin, 2),
            "customers": source.customers,
        }
        index = path_index(source)
        for asked, ask in (
            ("transitions", lambda i=index: paths.transitions(i)),
            ("funnel", lambda i=index: paths.funnel(i, FUNNEL, within="30d")),
        ):
            begin = time.perf_counter()
            answer = ask()
            took[asked] = round(time.perf_counter() - begin, 2)
        took["answer"] = answer["customers"].tolist()
        begin = time.perf_counter()
        read_there("events", SourceMapping.model_validate({**told, "table": table}))
        took["opened again"] = round(time.perf_counter() - begin, 2)
        found.append(took)
    assert (found[-1]["answer"], found[-1]["customers"]) == (
        found[-2]["answer"],
        found[-2]["customers"],
    )
    print(json.dumps({"rows": found}))


def growth_there(path, events):
    """Return what it takes Spark to read a log, and the same log when an hour, a day, a week have come."""
    with tempfile.TemporaryDirectory(prefix="journey_scale_growing_") as folder:
        come = {}
        for name, days in (("an hour more", 1 / 24), ("a day more", 1), ("a week more", 7)):
            file = Path(folder) / f"{name}.parquet"
            come[file] = make_more(file, days, max(events // 12, 1), 7)
        told = watched("spark", "--grow-there", path, *come)
    counts = [events, *come.values(), events + list(come.values())[-1]]
    return [(n, f) for n, f in zip(counts, told["rows"], strict=True)]


def watched(engine, path, *more):
    """Run `one` or `grow` in a process of its own; return its answer with the most memory it held, in GB."""
    with tempfile.TemporaryDirectory(prefix="journey_scale_") as folder:
        env = {
            **os.environ,
            "TMPDIR": folder,
            "OMP_NUM_THREADS": "1",
            "JOURNEY_THREADS": "2",
            "PYTHONWARNINGS": "ignore",
        }
        if engine == "spark":
            told = {"spark.ui.enabled": "false", "spark.ui.showConsoleProgress": "false", "spark.driver.memory": "3g", "spark.log.level": "OFF",
                    "spark.driver.host": "127.0.0.1", "spark.driver.bindAddress": "127.0.0.1", "spark.sql.shuffle.partitions": "16",
                    "spark.sql.warehouse.dir": f"{folder}/warehouse"}  # fmt: skip
            (Path(folder) / "spark-defaults.conf").write_text(
                "".join(f"{k} {v}\n" for k, v in told.items())
            )
            env |= {
                "SPARK_CONF_DIR": folder,
                "JOURNEY_PYSPARK_URL": "local[2]",
                "SPARK_LOCAL_DIRS": folder,
                "SPARK_LOCAL_IP": "127.0.0.1",
            }
        what = [str(path), *map(str, more)] if more else ["--one", engine, str(path), folder]
        what = [engine, *what] if more and engine != "spark" else what
        command = [sys.executable, __file__, *what]
        process = subprocess.Popen(
            command, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        most = [0]

        def look():
            own = psutil.Process(process.pid)
            while process.poll() is None:
                try:
                    held = sum(p.memory_info().rss for p in [own, *own.children(recursive=True)])
                    most[0] = max(most[0], held)
                except psutil.Error:
                    pass
                time.sleep(0.1)

        watcher = threading.Thread(target=look, daemon=True)
        watcher.start()
        told, wrong = process.communicate()
        watcher.join()
        if process.returncode:
            raise SystemExit(wrong[-3000:])
        return {**json.loads(told.strip().splitlines()[-1]), "GB": round(most[0] / 1e9, 2)}


def table(rows):
    """Return the table, cost against size, and what a billion would take."""
    lines = [
        "| engine | events | " + " | ".join(f"{q}, s" for q in QUESTIONS) + " | most memory, GB |"
    ]
    lines += ["|---|--:|" + "--:|" * (len(QUESTIONS) + 1)]
    for engine, events, found in rows:
        cells = " | ".join(f"{found[q]:,.2f}" for q in QUESTIONS)
        lines.append(f"| {engine} | {events:,} | {cells} | {found['GB']} |")
    return lines


def slope(rows, engine, question):
    """Return the power by which cost grows with size, between the two largest sizes."""
    own = [(n, f[question]) for e, n, f in rows if e == engine]
    (a, s), (b, t) = own[-2:]
    return math.log(t / s) / math.log(b / a)


def picture(rows):
    """Write cost against size, both on log scales."""
    import altair as alt
    import pandas as pd

    frame = pd.DataFrame(
        [
            {"engine": e, "events": n, "question": q, "seconds": max(f[q], 0.01)}
            for e, n, f in rows
            for q in QUESTIONS
        ]
    )
    base = alt.Chart(frame).encode(
        x=alt.X("events:Q", scale=alt.Scale(type="log"), title="Events"),
        y=alt.Y("seconds:Q", scale=alt.Scale(type="log"), title="Seconds"),
        color=alt.Color("engine:N", title="Engine", scale=alt.Scale(range=["#0b5a8a", "#b3541e"])),
    )
    chart = (base.mark_line() + base.mark_point(filled=True)).properties(width=180, height=140)
    chart = chart.facet(alt.Facet("question:N", title=None), columns=4)
    chart.save(ROOT / "bench" / "scale.svg")


def main():
    given = argparse.ArgumentParser()
    given.add_argument("--one", nargs=3)
    given.add_argument("--grow", nargs=2, type=Path)
    given.add_argument("--grow-there", nargs="+", type=Path)
    given.add_argument("--duckdb", nargs="*", type=int, default=[10**6, 10**7, 10**8])
    given.add_argument("--spark", nargs="*", type=int, default=[10**6, 10**7])
    asked = given.parse_args()
    if asked.one:
        one(asked.one[0], Path(asked.one[1]), Path(asked.one[2]))
        return
    if asked.grow:
        grow(*asked.grow)
        return
    if asked.grow_there:
        grow_there(asked.grow_there[0], asked.grow_there[1:])
        return
    rows, grown, grown_there = [], [], []
    with tempfile.TemporaryDirectory(prefix="journey_scale_data_") as folder:
        for events in sorted({*asked.duckdb, *asked.spark}):
            path = Path(folder) / f"{events}.parquet"
            make(path, events)
            for engine, sizes in (("duckdb", asked.duckdb), ("spark", asked.spark)):
                if events in sizes:
                    rows.append((engine, events, watched(engine, path)))
                    print(rows[-1], file=sys.stderr, flush=True)
            answers = {tuple(f["answer"]) for _e, n, f in rows if n == events}
            assert len(answers) == 1, answers
            if events in asked.duckdb[-1:]:
                grown = growth(path, events)
                print(grown, file=sys.stderr, flush=True)
            if events in asked.spark[-1:]:
                grown_there = growth_there(path, events)
                print(grown_there, file=sys.stderr, flush=True)
            path.unlink()
    rows.sort(key=lambda r: (r[0], r[1]))
    picture(rows)
    print(
        "# What a larger log costs\n\n`python bench/scale.py`: see its first lines for what is measured and how.\n"
    )
    print("\n".join(table(rows)))
    print("\nBoth engines gave the same funnel at every size. ![Cost against size](scale.svg)\n")
    if grown:
        print("## A log that grows\n")
        print(
            "The largest log as one file; then another file with what came in an hour, a day or a week, by customers of whom most were"
        )
        print(
            "known. Rows beside: the whole paths of those who came. The funnel of the last two rows is the same.\n"
        )
        print(
            "| | events more | read, s | rows beside | transitions, s | funnel, s | most memory, GB |\n|---|--:|--:|--:|--:|--:|--:|"
        )
        for name, come, f in grown:
            print(
                f"| {name} | {come:,} | {f['read']:,.2f} | {f['beside']:,} | {f['transitions']:,.2f} | {f['funnel']:,.2f} | {f['GB']} |"
            )
        print()
    if grown_there:
        print("## A log that grows on Spark\n")
        print(
            "The largest log that Spark was asked, as one table; then rows that were loaded later, and at last the same week as if nothing had been stored.\n"
        )
        print(
            "| | events more | read, s | transitions, s | funnel, s | opened again, s |\n|---|--:|--:|--:|--:|--:|"
        )
        for come, f in grown_there:
            print(
                f"| {f['name']} | {come:,} | {f['read']:,.2f} | {f['transitions']:,.2f} | {f['funnel']:,.2f} | {f['opened again']:,.2f} |"
            )
        print()
    print("## How cost grows, and what a billion events would take\n")
    print(
        "The power of size by which cost grows between the two largest logs of an engine, and the seconds that gives for a billion and ten"
    )
    print(
        "billion events on one machine like this one (2 cores). It is paper: nobody has run it.\n"
    )
    print("| engine | question | power | 1e9, minutes | 1e10, hours |\n|---|---|--:|--:|--:|")
    for engine in ("duckdb", "spark"):
        own = [r for r in rows if r[0] == engine]
        if len(own) < 2:
            continue
        n, last = own[-1][1], own[-1][2]
        for q in QUESTIONS:
            p = max(slope(rows, engine, q), 1.0)
            print(
                f"| {engine} | {q} | {slope(rows, engine, q):.2f} | {last[q] * (1e9 / n) ** p / 60:,.0f} | {last[q] * (1e10 / n) ** p / 3600:,.1f} |"
            )


if __name__ == "__main__":
    main()
