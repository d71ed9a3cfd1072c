"""A cluster of its own, with a master and two workers on this machine: a worker that is lost changes no answer."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pyarrow.parquet as pq
import pyspark
import pytest

from journey_widgets import journey as paths
from journey_widgets.events.source import read_events
from journey_widgets.publish.dashboards import _free_port
from support import engines

STEPS = ["visit", "cart", "checkout"]
ASK = """
import json, os, sys, warnings
warnings.simplefilter("ignore")
from journey_widgets import journey as paths
from journey_widgets.events.mapping import SourceMapping
from journey_widgets.events.paths import path_index
from journey_widgets.events.warehouse import warehouse
from journey_widgets.events.warehouse_source import read_there
con = warehouse("pyspark")
con.read_parquet(sys.argv[1], table_name="log")
told = {"columns": json.loads(sys.argv[2]), "order": "turn", "time_zone": "UTC", "backend": "pyspark", "table": "log"}
index = path_index(read_there("events", SourceMapping.model_validate(told)))
print(json.dumps(["read", index.customers()]), flush=True)
sys.stdin.readline()
steps = json.loads(sys.argv[3])
found = [paths.funnel(index, steps, within="11d")["customers"].tolist() for _turn in range(2)]
print(json.dumps(["funnel", found]), flush=True)
print(json.dumps(["variants", paths.variants(index, top=5)[["path", "customers"]].values.tolist()]), flush=True)
"""


def started(folder, what, *more):
    java = Path(pyspark.__file__).parent / "bin" / "spark-class"
    command = [
        java,
        f"org.apache.spark.deploy.{what}",
        "--host",
        "127.0.0.1",
        "--webui-port",
        str(_free_port(0)),
        *more,
    ]
    with (folder / f"{what}-{time.monotonic_ns()}.log").open("wb") as log:
        return subprocess.Popen(command, stdout=log, stderr=log, cwd=folder, start_new_session=True)


@pytest.fixture
def cluster(tmp_path):
    """A master and two workers; give its address and the workers."""
    with engines.spark(tmp_path):
        port = _free_port(0)
        address = f"spark://127.0.0.1:{port}"
        master = started(tmp_path, "master.Master", "--port", str(port))
        room = ("--cores", "1", "--memory", "1g", address)
        workers = [started(tmp_path, "worker.Worker", *room) for _n in range(2)]
        try:
            yield address, workers
        finally:
            for process in [*workers, master]:
                if process.poll() is None:
                    os.killpg(process.pid, signal.SIGKILL)
                process.wait()


def test_a_worker_that_is_killed_changes_no_answer(cluster, tmp_path):
    address, workers = cluster
    log = engines.boundary_log(2_000, 3)
    pq.write_table(log, tmp_path / "log.parquet")
    said = (tmp_path / "asked.log").open("wb")
    process = subprocess.Popen(
        [sys.executable, "-c", ASK, str(tmp_path / "log.parquet"), json.dumps(engines.COLUMNS), json.dumps(STEPS)],
        env={**os.environ, "JOURNEY_PYSPARK_URL": address}, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        stderr=said, text=True,
    )  # fmt: skip
    said.close()
    here = read_events(log, **engines.COLUMNS, order="turn", time_zone="UTC")
    assert json.loads(process.stdout.readline()) == ["read", here.customers]

    process.stdin.write("\n")
    process.stdin.flush()
    time.sleep(1.0)  # in the midst of the first question
    for own in psutil.Process(workers[0].pid).children(recursive=True):
        own.kill()
    os.killpg(workers[0].pid, signal.SIGKILL)

    answers = dict(json.loads(line) for line in process.stdout)
    process.stdin.close()
    process.stdout.close()
    assert process.wait(60) == 0, (tmp_path / "asked.log").read_text("utf-8")[-2000:]
    wanted = paths.funnel(here, STEPS, within="11d")["customers"].tolist()
    assert answers["funnel"] == [wanted] * 2
    assert answers["variants"] == paths.variants(here, top=5)[["path", "customers"]].values.tolist()
