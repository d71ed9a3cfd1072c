"""A thousand small reports by two workers of a Dask cluster, beside two workers of one process pool.

    python bench/cluster.py > bench/cluster.md

Both make the same reports, one batch after the other on the same machine; the cluster is a scheduler and two workers
with one thread each, processes of their own on loopback. Nothing else runs meanwhile. That a batch is the same where a
worker is lost is a test: `tests/publish/test_cluster.py`.
"""

import hashlib
import json
import os
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack, contextmanager
from datetime import date
from pathlib import Path

os.environ["JOURNEY_MODE"] = "report"
sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

from journey_widgets import Workspace
from journey_widgets.publish.batch import run_batch
from journey_widgets.publish.dashboards import _free_port
from publish.test_parameters import TAGGED, notebook

MANY = int(os.environ.get("MANY", "1000"))
CELL = """
import journey_widgets as jw
from journey_widgets.publish import html
html.tiles({"Group": (segment, "one of a thousand"), "Length": (f"{len(segment)}", "letters")})
"""


@contextmanager
def process(*words):
    """Run a module of Dask until it is no longer needed."""
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    started = subprocess.Popen([sys.executable, "-W", "ignore", "-m", *words], **quiet)
    try:
        yield
    finally:
        started.terminate()
        started.wait()


@contextmanager
def cluster(folder):
    """Run a scheduler and two workers; their address."""
    from distributed import Client

    address = f"tcp://127.0.0.1:{_free_port(0)}"
    port = address.rpartition(":")[2]
    with ExitStack() as stack:
        stack.enter_context(
            process(
                "distributed.cli.dask_scheduler",
                "--host",
                "127.0.0.1",
                "--port",
                port,
                "--no-dashboard",
            )
        )
        for _n in range(2):
            stack.enter_context(
                process(
                    "distributed.cli.dask_worker", address, "--nthreads", "1", "--no-nanny", "--no-dashboard",
                    "--local-directory", folder,
                )
            )  # fmt: skip
        with Client(address, timeout=60) as client:
            client.wait_for_workers(2)
        yield address


def batch(workspace, **how):
    """Return the seconds of a batch, and the hash of what its reports say."""
    begun = time.perf_counter()
    found = run_batch(workspace, "each", day=date(2026, 8, 16), **how)
    took = time.perf_counter() - begun
    assert found.manifest["counts"]["made"] == MANY, found.manifest["counts"]
    told = [
        json.loads(p.read_text("utf-8"))["content"]
        for p in sorted(found.folder.glob("each-*.json"))
    ]
    return took, hashlib.sha256("\n".join(told).encode()).hexdigest()


def main():
    """Make both batches; print the table."""
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        (scratch / "notebooks").mkdir()
        notebook(scratch / "notebooks" / "r.ipynb", ('segment: str = "all"  # which', TAGGED), CELL)
        from journey_widgets import shipped

        shipped.notebooks = lambda: scratch / "notebooks"
        found = {}
        for name in ("one pool", "Dask"):
            space = scratch / name.replace(" ", "_")
            Workspace.create(space).close()
            (space / "reports.yaml").write_text(
                "schema: reports/1\nreports:\n  each: {notebook: r, for_each: {table: units.csv}}\n"
            )
            (space / "units.csv").write_text(
                "segment\n" + "".join(f"unit {i}\n" for i in range(MANY))
            )
            if name == "Dask":
                with cluster(folder) as address:
                    found[name] = batch(space, cluster=address)
            else:
                found[name] = batch(space, jobs=2)
    (pool, one), (dask, other) = found.values()
    print(
        "# A thousand small reports on a cluster\n\nMade by `python bench/cluster.py`: see its first lines.\n"
    )
    print("| two workers of | seconds | reports a second | ratio |\n|---|--:|--:|--:|")
    print(f"| one process pool | {pool:.0f} | {MANY / pool:.2f} | 1 |")
    print(f"| a Dask cluster | {dask:.0f} | {MANY / dask:.2f} | {pool / dask:.2f} |")
    same = "the same" if one == other else "NOT the same"
    print(f"\n{MANY:,} reports each; what they say is {same}.")


if __name__ == "__main__":
    main()
