"""Workspace: documents with their history, sources, and text in and out."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from journey_widgets.workspace.saving import Conflict, Saved
    from journey_widgets.workspace.workspace import Workspace

__all__ = ["Conflict", "Saved", "Workspace"]


def __getattr__(name: str) -> Any:
    """Return a public name, loaded when it is first used: `state` is told without opening a workspace."""
    if name in __all__:
        module = "workspace" if name == "Workspace" else "saving"
        return getattr(import_module(f"{__name__}.{module}"), name)
    msg = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(msg)
