"""Kernels that are ready before a reader comes: everything is imported, nothing is looked at yet."""

import os
from collections.abc import Sequence
from importlib import import_module

SLOW = (
    "altair", "ibis.backends.duckdb", "scipy.stats", "scipy.special", "journey_widgets.publish.overview",
    "journey_widgets.publish.map_page", "journey_widgets.publish.raci_page", "journey_widgets.publish.scorecard_page",
    "journey_widgets.publish.chart_widget",
)  # fmt: skip
"""What dashboards import, the slow ones."""
FROM_REQUEST = (
    "QUERY_STRING",
    "VOILA_REQUEST_URL",
    "SCRIPT_NAME",
    "PATH_INFO",
    "HTTP_X_JOURNEY_READER",
)
"""What a server tells a kernel of its reader."""


KEPT_WHOLE = ("overview", "support")
"""Dashboards without an editor: all their parts are kept for the next reader (see `prepared`)."""
LIGHT = ("journey_widgets.publish.chart_widget", "yaml")
"""What shows parts that are kept."""


def load(names: Sequence[str] = SLOW) -> None:
    """Import what dashboards need."""
    import_module(
        "journey_widgets.publish.prepared"
    )  # first: it notes which files there are when they are loaded
    for name in names:
        import_module(name)


def wait(dashboard: str = "") -> None:
    """Wait for the reader of this kernel, where it was started before there was one; then go on for this reader.

    A kernel started in advance inherits the last reader's address: it is taken away first. It has everything imported
    that its dashboard needs; of one whose parts are kept that is little, and the kernel stays small.
    """
    if os.environ.get("VOILA_PREHEAT") == "True":
        from voila.utils import wait_for_request

        for name in FROM_REQUEST:
            os.environ.pop(name, None)
        load(LIGHT if dashboard in KEPT_WHOLE else SLOW)
        import_module("journey_widgets.publish.prepared").hide()
        wait_for_request()
    reader = os.environ.get("HTTP_X_JOURNEY_READER", "")
    if reader:
        os.environ["JOURNEY_AUTHOR"] = reader[:200]
