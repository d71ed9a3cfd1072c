"""Edits of a matrix: small steps that a page sends and Python applies, each checked as a whole.

==========================================================  ===================================================
``{"op": "cells", "cells": {touchpoint: {role: text}}}``    write cells; blank text empties one
``{"op": "set", "list", "id", "field", "value"}``           set a field of a row or role; null takes it away
``{"op": "add", "list", "part", "before"}``                 put a new row or role before another, or at the end
``{"op": "remove", "list", "id"}``                          take a row or role out, with its cells
``{"op": "move", "list", "id", "before", "stage"}``         put it before another; a row perhaps into a stage
``{"op": "acknowledge", "part"}``                           live with a warning: code, place, reason, until
``{"op": "withdraw", "id"}``                                take an acknowledgement back
==========================================================  ===================================================

``list`` is ``"rows"`` or ``"roles"``; a row is named by its touchpoint.
"""

import unicodedata
from collections.abc import Mapping
from typing import Any

from journey_widgets.documents import slug
from journey_widgets.errors import DocumentError
from journey_widgets.list_edits import edit_list, has_part, set_field
from journey_widgets.raci.document import RESERVED, RaciMatrix
from journey_widgets.raci.schemes import canonical_cell

NAMES = {"rows": "touchpoint", "roles": "id"}
FIELDS = {
    "rows": ("label", "stage", "note", "volume", "upsell_moment", "requires_separation"),
    "roles": ("label",),
}
MAX_TEXT = 3_000
"""Longest text of a cell; codes are short, and a cell is no place for a comment."""


def apply_edit(matrix: RaciMatrix, edit: Mapping[str, Any]) -> RaciMatrix:
    """Return the matrix with one edit made; one that does not fit is a `DocumentError`."""
    kind = edit.get("op")
    if kind == "cells":
        return _with_cells(matrix, edit.get("cells"))
    body = matrix.body()
    if kind == "acknowledge":
        part = edit.get("part")
        known = [a for a in body.get("acknowledged", []) if not _same_place(a, part)]
        body["acknowledged"] = [*known, part]
    elif kind == "withdraw":
        kept = [a for a in body.get("acknowledged", []) if a["id"] != edit.get("id")]
        body["acknowledged"] = kept
    else:
        _change(body, str(kind), str(edit.get("list")), edit)
    return RaciMatrix.from_body(body, where="the matrix")


def _same_place(known: Mapping[str, Any], part: Any) -> bool:
    names = ("code", "touchpoint", "role", "about")
    return isinstance(part, Mapping) and all(known.get(n) == part.get(n) for n in names)


def _with_cells(matrix: RaciMatrix, cells: Any) -> RaciMatrix:
    """Write cells; the rest of the matrix stays what it is, so that a large one costs no more than a small."""
    if not isinstance(cells, Mapping):
        msg = f"cells: touchpoint → role → text was needed; got {str(cells)[:80]!r}."
        raise DocumentError(msg)
    places = {row.touchpoint: i for i, row in enumerate(matrix.rows)}
    order = [role.id for role in matrix.roles]
    rows = list(matrix.rows)
    for touchpoint, texts in cells.items():
        if touchpoint not in places or not isinstance(texts, Mapping):
            msg = f"There is no row {str(touchpoint)[:80]!r} any more."
            raise DocumentError(msg)
        row = rows[places[touchpoint]]
        new = dict(row.cells)
        for role, text in texts.items():
            if role not in order:
                msg = f"There is no role {str(role)[:80]!r} any more."
                raise DocumentError(msg)
            if not (isinstance(text, str) and len(text) <= MAX_TEXT and _is_line(text)):
                msg = f"a cell holds one line of up to {MAX_TEXT:,} characters; got {str(text)[:80]!r}."
                raise DocumentError(msg)
            new[role] = canonical_cell(text, matrix.letters)
        kept = {role: new[role] for role in order if new.get(role)}
        rows[places[touchpoint]] = row.model_copy(update={"cells": kept})
    return matrix.model_copy(update={"rows": tuple(rows)})


def _is_line(text: str) -> bool:
    return not any(unicodedata.category(c) in {"Cc", "Cs"} for c in text)


def _change(body: dict[str, Any], kind: str, many: str, edit: Mapping[str, Any]) -> None:
    if many not in NAMES:
        msg = f"{many!r} cannot be edited; rows or roles was needed."
        raise DocumentError(msg)
    name = NAMES[many]
    parts = [dict(p) for p in body.get(many, [])]
    if kind == "add":
        part = dict(edit.get("part") or {})
        taken = {p[name] for p in parts} | (set(RESERVED) if many == "roles" else set())
        label = str(part.get("label") or "").strip()
        part[name] = part.get(name) or slug(label, taken)
        edit = {**edit, "part": part}
    elif kind == "remove" and not has_part(parts, edit.get("id"), key=name):
        return  # it is gone already
    elif kind == "move" and many == "rows" and "stage" in edit:
        for part in parts:
            if part[name] == edit.get("id"):
                set_field(
                    part, {"field": "stage", "value": edit["stage"]}, FIELDS[many].__contains__
                )
    what = "row" if many == "rows" else "role"
    out = edit_list(
        parts, edit, key=name, gone=f"There is no {what} {str(edit.get('id'))[:80]!r} any more.",
        settable=FIELDS[many].__contains__, ops="cells, set, add, remove, move, acknowledge or withdraw",
    )  # fmt: skip
    if out:
        if many == "roles":
            for row in body.get("rows", []):
                row.get("cells", {}).pop(out[name], None)
        field = "touchpoint" if many == "rows" else "role"
        known = body.get("acknowledged", [])
        body["acknowledged"] = [a for a in known if a.get(field) != out[name]]
    body[many] = parts
