"""Pages and reports: the same notebooks in JupyterLab, as dashboards, and as scheduled reports."""

from importlib import import_module
from typing import Any


def __getattr__(name: str) -> Any:
    """Return a page's module; in a dashboard one that keeps what it showed (see `prepared`)."""
    modes = import_module(f"{__name__}.modes")
    if not name.startswith("_") and modes.mode() == "dashboard":
        prepared = import_module(f"{__name__}.prepared")
        if name in prepared.PAGES:
            return prepared.Pages(name)
    msg = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(msg)
