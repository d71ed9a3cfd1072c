"""One report run in a process of its own: reads the order from standard input, writes the outcome.

Run as ``python -m journey_widgets.publish.run_notebook``; `reports` starts and judges it.
"""

import json
import sys
from pathlib import Path
from typing import Any

CELL_SECONDS = 300


def run(order: dict[str, Any]) -> dict[str, Any]:
    """Execute the notebook of `order` into its output; return whether all went well, or what did not."""
    import papermill
    from jupyter_client.manager import AsyncKernelManager
    from papermill.exceptions import PapermillExecutionError

    import journey_widgets  # noqa: F401 - spares a slow import below it

    manager = AsyncKernelManager(kernel_name="python3", transport="ipc")
    try:
        papermill.execute_notebook(
            order["notebook"], order["output"], parameters=order["parameters"], km=manager,
            cwd=order["folder"], progress_bar=False, request_save_on_cell_execute=False,
            execution_timeout=CELL_SECONDS,
        )  # fmt: skip
    except PapermillExecutionError as error:
        return {
            "ok": False,
            "kind": error.ename,
            "said": str(error.evalue),
            "cell": error.cell_index,
        }
    except Exception as error:  # noqa: BLE001 - whatever broke is told to the parent, in words
        return {"ok": False, "kind": type(error).__name__, "said": str(error), "cell": None}
    return {"ok": True}


def main() -> None:
    """Read the order, run, write the outcome."""
    order = json.load(sys.stdin)
    Path(order["outcome"]).write_text(json.dumps(run(order)), "utf-8")


if __name__ == "__main__":
    main()
