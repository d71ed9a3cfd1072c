"""Edits of a list of parts: set a field, add, take out, move. A document says what else hangs on a part."""

from collections.abc import Callable, Mapping
from typing import Any

from journey_widgets.errors import DocumentError

Parts = list[dict[str, Any]]


def edit_list(
    parts: Parts,
    edit: Mapping[str, Any],
    *,
    gone: str,
    settable: Callable[[str], bool],
    key: str = "id",
    ops: str = "set, add, remove or move",
) -> dict[str, Any] | None:
    """Make one edit in a list of plain parts, in place; return the part that was taken out, if any.

    Parameters
    ----------
    edit
        ``op``: ``"set"`` (``field``, ``value``; null takes the field away), ``"add"`` (``part``, ``before``),
        ``"remove"``, or ``"move"`` (``before``); ``id`` of the part.
    gone
        What is said where no part has the id.
    settable
        Whether a field may be set.
    key
        The field that names a part.
    ops
        The edits the document knows, for the message about another one.
    """
    kind = edit.get("op")
    if kind == "add":
        parts.insert(_place(parts, key, edit.get("before")), dict(edit.get("part") or {}))
        return None
    found = next((i for i, p in enumerate(parts) if p[key] == edit.get("id")), None)
    if found is None:
        raise DocumentError(gone)
    part = parts.pop(found)
    if kind == "remove":
        return part
    if kind == "set":
        set_field(part, edit, settable)
        parts.insert(found, part)
    elif kind == "move":
        parts.insert(_place(parts, key, edit.get("before")), part)
    else:
        msg = f"There is no edit {kind!r}; {ops} was needed."
        raise DocumentError(msg)
    return None


def has_part(parts: Parts, name: Any, *, key: str = "id") -> bool:
    """Return whether a part is there."""
    return any(p[key] == name for p in parts)


def set_field(
    part: dict[str, Any], edit: Mapping[str, Any], settable: Callable[[str], bool]
) -> None:
    """Set the field an edit names to its value; null takes it away."""
    field, value = str(edit.get("field")), edit.get("value")
    if not settable(field):
        msg = f"{field!r} cannot be changed here."
        raise DocumentError(msg)
    if value is None:
        part.pop(field, None)
    else:
        part[field] = value


def _place(parts: Parts, key: str, before: Any) -> int:
    # What stood after it may be gone meanwhile: then it goes to the end.
    return next((i for i, p in enumerate(parts) if p[key] == before), len(parts))
