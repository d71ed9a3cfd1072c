"""Processes that a test left running, and kernels."""

from contextlib import suppress

import psutil

from journey_widgets.publish.forked_kernels import NAME
from journey_widgets.publish.modes import WORKSPACE


def of_workspace(folder):
    """Workers and kernels, wherever they hang, that were started for a workspace."""
    found = []
    for process in psutil.process_iter(["cmdline", "status"]):
        try:
            own = process.environ().get(WORKSPACE) == str(folder)
        except psutil.Error:
            continue
        if own and process.info["status"] != psutil.STATUS_ZOMBIE:
            found.append(" ".join(process.info["cmdline"] or []))
    return found


def kernels_of(pid):
    """Kernels below a process, forked and started ones."""
    found = []
    for process in psutil.Process(pid).children(recursive=True):
        with suppress(psutil.NoSuchProcess):  # one that ends just now is none
            if process.name() == NAME.decode() or "ipykernel" in " ".join(process.cmdline()):
                found.append(process)
    return found
