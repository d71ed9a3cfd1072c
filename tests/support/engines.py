"""Engines to hold against each other: ours, a real PostgreSQL, a real Spark; and logs with much at their boundaries."""

import contextlib
import os
import random
import shutil
import tempfile
from datetime import datetime, timedelta
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest

from journey_widgets.events import warehouse, warehouse_source
from journey_widgets.events.shelf_there import ShelfThere
from support import postgres

TOUCHPOINTS = ["ad", "visit", "cart", "checkout", "purchase", "support", "a|b", "NA"]
JAVA = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"
"""For a machine that runs a minute: its code is compiled quickly and once."""
SPARK = {
    "spark.ui.enabled": "false", "spark.ui.showConsoleProgress": "false", "spark.log.level": "OFF",
    "spark.driver.host": "127.0.0.1", "spark.driver.bindAddress": "127.0.0.1", "spark.driver.memory": "1g",
    "spark.sql.shuffle.partitions": "2", "spark.sql.autoBroadcastJoinThreshold": "-1",
    "spark.sql.codegen.wholeStage": "false",
    "spark.driver.extraJavaOptions": JAVA, "spark.executor.extraJavaOptions": JAVA,
}  # fmt: skip
"""Nothing is broadcast, so that joins go through the machinery of a cluster."""


def has_java():
    """Say whether Spark can run here."""
    return bool(shutil.which("java") or os.environ.get("JAVA_HOME"))


@contextlib.contextmanager
def spark(folder, **settings):
    """Say in Spark's own configuration what a session of the tests needs."""
    if not has_java():
        pytest.skip(
            "There is no Java, so there is no Spark. On Debian: apt-get install openjdk-17-jre-headless"
        )
    told = {**SPARK, "spark.sql.warehouse.dir": str(folder / "warehouse"), **settings}
    (folder / "spark-defaults.conf").write_text(
        "".join(f"{k} {v}\n" for k, v in told.items()), "utf-8"
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SPARK_CONF_DIR", str(folder))
        patch.setenv("SPARK_LOCAL_IP", "127.0.0.1")
        patch.setenv("SPARK_LOCAL_DIRS", str(folder))
        patch.setenv("SPARK_DAEMON_JAVA_OPTS", JAVA)
        yield


@contextlib.contextmanager
def connected(backend):
    """Run an engine; give its connection, which `read_there` finds by the environment."""
    with contextlib.ExitStack() as stack:
        scratch = tempfile.TemporaryDirectory(prefix="journey_engine_", ignore_cleanup_errors=True)
        folder = Path(stack.enter_context(scratch))
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        if backend == "postgres":
            address = postgres.new_database(stack.enter_context(postgres.server()))
        else:
            stack.enter_context(spark(folder))
            address = "local[2]"
        patch.setenv(warehouse.variable(backend), address)
        yield warehouse.warehouse(backend)
        disconnect()


def disconnect():
    """End the connections of this process."""
    while warehouse._CONNECTIONS:
        warehouse._CONNECTIONS.popitem()[1].disconnect()


def shelf(backend, mapping):
    """Return what is kept of a log that is read there."""
    return ShelfThere(backend, None, warehouse_source._own(backend, "events", mapping))


def boundary_log(events, seed):
    """Return a log as it might stand in a warehouse: ties, fractions of a second, blanks, midnights, clock changes."""
    r = random.Random(seed)  # noqa: S311 - no secret
    begin = datetime(2026, 3, 20)  # noqa: DTZ001 - UTC
    gaps = [0, 0, 1, 400_000, 600_000, 999_999]
    rows = []
    for _n in range(events):
        day = timedelta(days=r.choice([0, 7, 8, 9, 11, 12, 31, 42]))
        within = r.choice([*gaps, r.randrange(10**9), r.randrange(86_400 * 10**6)])
        moment = begin + day + timedelta(microseconds=within)
        channel = r.choice(["web", "app", "store", None])
        rows.append((f"c{r.randrange(events // 6 + 1)}", moment, r.choice(TOUCHPOINTS), channel))
    who, at, what, where = zip(*rows, strict=True)
    return pa.table(
        {
            "who": pa.array(who), "at": pa.array(at, pa.timestamp("us")), "what": pa.array(what),
            "channel": pa.array(where), "turn": pa.array(range(events), pa.int64()),
        }
    )  # fmt: skip


COLUMNS = {"customer_id": "who", "ts": "at", "event": "what"}
"""Columns of a boundary log by those of the contract."""


def same(a, b):
    """Check that two frames are the same, row by row."""
    pd.testing.assert_frame_equal(a.reset_index(drop=True), b.reset_index(drop=True), rtol=1e-9)
