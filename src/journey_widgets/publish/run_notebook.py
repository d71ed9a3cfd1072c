"""A worker that makes reports in a process of its own: one order after the other, each from a line of JSON.

Run as ``python -m journey_widgets.publish.run_notebook``; `report_worker` starts and judges it. What an order came to
lies in its folder before the worker answers with a line; the worker says nothing else, and its kernels nothing at all.
"""

import contextlib
import hashlib
import json
import os
import queue
import re
import sys
import threading
from functools import cache
from pathlib import Path
from typing import Any
from uuid import uuid4

import psutil

from journey_widgets.publish.forked_kernels import Forking

RUN, PAGE, DATA, OUTCOME = "run.ipynb", "page.html", "data.csv", "outcome.json"
"""What lies in the folder of an order when it is done."""


def run(order: dict[str, Any]) -> dict[str, Any]:
    """Execute the notebook of `order` and make its page and its figures; return whether all went well, or what not."""
    import papermill
    from papermill.exceptions import PapermillExecutionError

    import journey_widgets  # noqa: F401 - spares a slow import below it

    folder = Path(order["folder"])
    try:
        papermill.execute_notebook(
            order["notebook"], str(folder / RUN), parameters=order["parameters"], cwd=str(folder),
            kernel_manager_class=kernel_manager(), progress_bar=False, request_save_on_cell_execute=False,
        )  # fmt: skip
        fault = _incomplete(folder / RUN)
        if fault:
            return fault
        return {"ok": True, **_pages(folder)}
    except PapermillExecutionError as error:
        cell = _own_place(folder / RUN, error.cell_index)
        return {
            "ok": False,
            "kind": error.ename,
            "said": str(error.evalue),
            "cell": cell,
            "machine": error.ename == "PageBroken",  # the page says that the machine failed
        }
    except Exception as error:  # noqa: BLE001 - whatever broke is told to the parent, in words
        # The notebook itself was not at fault: a kernel that died, files that could not be opened.
        return {
            "ok": False,
            "kind": type(error).__name__,
            "said": str(error),
            "cell": None,
            "machine": True,
        }


@cache
def kernel_manager() -> type:
    """Return how kernels are started: over IPC in the folder of their run, with their key in the worker's own folder.

    The class is handed on and not a manager: who is handed a manager leaves its kernel alive when a run is over.
    """
    from jupyter_client.manager import AsyncKernelManager

    class IpcManager(Forking, AsyncKernelManager):
        def __init__(self, **more: Any) -> None:
            key = Path(os.environ["JUPYTER_RUNTIME_DIR"]) / f"kernel-{uuid4().hex}.json"
            super().__init__(
                **{**more, "transport": "ipc", "ip": "kernel-ipc", "connection_file": str(key)}
            )

    return IpcManager


def _own_place(executed: Path, number: int) -> int:
    """Return which cell of the notebook as it was written a cell of its run is: given parameters are one more."""
    import nbformat

    tags = [c.metadata.get("tags", []) for c in nbformat.read(executed, as_version=4).cells]
    ran = [
        t for t in tags if "papermill-error-cell-tag" not in t
    ]  # where a run broke is pointed to with cells too
    added = [i for i, t in enumerate(ran) if "injected-parameters" in t]
    return number - sum(i < number for i in added)


def _incomplete(executed: Path) -> dict[str, Any] | None:
    """Return what is wrong with a run that says it went well."""
    import nbformat

    book = nbformat.read(executed, as_version=4)
    for number, cell in enumerate(book.cells):
        if cell.cell_type != "code":
            continue
        wrong = None
        if any(o.output_type == "error" for o in cell.outputs):
            wrong = "a cell shows an error"
        elif cell.execution_count is None and cell.source.strip():
            wrong = "a cell never ran"
        if wrong:
            cell = _own_place(executed, number)
            return {"ok": False, "kind": "Incomplete", "said": wrong, "cell": cell}
    if book.metadata.get("papermill", {}).get("exception"):
        return {
            "ok": False,
            "kind": "Incomplete",
            "said": "papermill noted an exception",
            "cell": None,
        }
    return None


def _pages(folder: Path) -> dict[str, Any]:
    """Write the page and the figures of an executed notebook; return the hash of what they say, and how KPIs stand."""
    import nbformat

    from journey_widgets.publish import standings
    from journey_widgets.publish.modes import interactive
    from journey_widgets.publish.report_files import to_csv, to_html

    page, data = to_html(folder / RUN, live=interactive()), to_csv(folder / RUN)
    (folder / PAGE).write_text(page, "utf-8", newline="\n")
    (folder / DATA).write_text(data, "utf-8", newline="\n")
    cells = nbformat.read(folder / RUN, as_version=4).cells
    return {"content": content_hash(page, data), "standing": standings.of_notebook(cells)}


def content_hash(page: str, data: str) -> str:
    """Return the hash of a page and its figures without the time they were computed at: equal inputs, equal hash."""
    stamp = re.search(r"<dt>Computed</dt> <dd>(.*?)</dd>", page)
    text = f"{page}\0{data}"
    if stamp:
        text = text.replace(stamp[1], "")
    return hashlib.sha256(text.encode()).hexdigest()


def _take(orders: "queue.Queue[str]") -> None:
    """Hand on orders; when whoever gives them is gone, end at once with every kernel, in the midst of a run too."""
    for line in sys.stdin:
        orders.put(line)
    for child in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess):
            child.kill()
    os._exit(0)


def main() -> None:
    """Take orders until there are no more."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    silence = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silence, 1)
    orders: queue.Queue[str] = queue.Queue()
    threading.Thread(target=_take, args=(orders,), daemon=True).start()
    while True:
        order = json.loads(orders.get())
        part = Path(order["folder"]) / f".{OUTCOME}"
        part.write_text(json.dumps(run(order)), "utf-8")
        part.replace(part.with_name(OUTCOME))
        print(order["number"], file=answers, flush=True)


if __name__ == "__main__":
    main()
