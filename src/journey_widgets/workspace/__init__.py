"""Workspace: documents with their history, sources, and text in and out."""

from journey_widgets.workspace.workspace import Conflict, Saved, Workspace

__all__ = ["Conflict", "Saved", "Workspace"]
