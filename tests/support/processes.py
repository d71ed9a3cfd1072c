"""Processes that a test left running."""

import psutil

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
