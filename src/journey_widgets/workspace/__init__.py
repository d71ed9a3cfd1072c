"""Workspace: documents with their history, sources, and text in and out."""

from journey_widgets.workspace.saving import Conflict, Saved
from journey_widgets.workspace.workspace import Workspace

__all__ = ["Conflict", "Saved", "Workspace"]
