"""Edits of a cross-impact document: small steps that a page sends and Python applies, each checked as a whole.

=============================================================  ================================================
``{"op": "cells", "rater", "label", "cells": {source: {…}}}``  write judgements (None empties a cell); ``rater`` is
                                                               an id or ``"consensus"``; a new rater is added
``{"op": "set", "list", "id", "field", "value"}``              set a field of a part; null takes it away
``{"op": "add", "list", "part", "before"}``                    put a new part before another, or at the end
``{"op": "remove", "list", "id"}``                             take a part out, with what hangs on it
``{"op": "move", "list", "id", "before"}``                     put it before another
``{"op": "round", "open"}``                                    open or close a blind rating round
=============================================================  ================================================

``list`` is ``"factors"``, ``"outcomes"``, ``"raters"`` or ``"interventions"``. A judgement is
``{"value", "confidence", "reason"}``.
"""

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from journey_widgets.cross_impact.document import CONSENSUS, Cells, CrossImpact, Judgement, Rater
from journey_widgets.documents import slug
from journey_widgets.errors import DocumentError
from journey_widgets.list_edits import edit_list, has_part

FIELDS = {
    "factors": ("label", "satisfaction", "retention", "advocacy"),
    "outcomes": ("label",),
    "raters": ("label", "handed_in"),
    "interventions": (
        "label", "changes", "owner", "kpi", "effort", "expected_effect", "starts", "ends", "status", "note",
    ),
}  # fmt: skip
WORDS = {
    "factors": "factor",
    "outcomes": "outcome",
    "raters": "rater",
    "interventions": "intervention",
}


def apply_edit(panel: CrossImpact, edit: Mapping[str, Any]) -> CrossImpact:
    """Return the document with one edit made; one that does not fit is a `DocumentError`."""
    kind = edit.get("op")
    if kind == "cells":
        return _with_cells(panel, edit)
    body = panel.body()
    if kind == "round":
        body["blind"] = edit.get("open") is True
        for r in body.get("raters", []):
            if body["blind"]:
                r.pop("handed_in", None)
    else:
        _change(body, str(kind), str(edit.get("list")), edit)
    return CrossImpact.from_body(body, where="the matrix")


def _with_cells(panel: CrossImpact, edit: Mapping[str, Any]) -> CrossImpact:
    """Write judgements of one rater; the rest stays what it is, so that a large matrix costs no more than a small."""
    who, cells = str(edit.get("rater")), edit.get("cells")
    names = [*(f.id for f in panel.factors), *panel.outcome_ids()]
    place = {name: i for i, name in enumerate(names)}
    if not isinstance(cells, Mapping):
        msg = f"cells: source → target → judgement was needed; got {str(cells)[:80]!r}."
        raise DocumentError(msg)
    raters = list(panel.raters)
    at = next((i for i, r in enumerate(raters) if r.id == who), None)
    if at is None and who != CONSENSUS:
        new = {"id": who, "label": str(edit.get("label") or who)}
        raters.append(CrossImpact.from_body({"raters": [new]}, where="the matrix").raters[0])
        at = len(raters) - 1
    old = panel.consensus if at is None else raters[at].cells
    found: Cells = dict(old)
    for source, row in cells.items():
        if source not in place or not isinstance(row, Mapping):
            msg = f"There is no row {str(source)[:80]!r} any more."
            raise DocumentError(msg)
        line = dict(found.get(source, {}))
        for target, judgement in row.items():
            if target not in place:
                msg = f"There is no column {str(target)[:80]!r} any more."
                raise DocumentError(msg)
            if target == source:
                msg = f"{source!r} cannot be judged to act on itself; the diagonal stays empty."
                raise DocumentError(msg)
            if judgement is None:
                line.pop(target, None)
            else:
                line[target] = _judgement(judgement)
        found[source] = {t: line[t] for t in sorted(line, key=place.__getitem__)}
    kept = {s: found[s] for s in sorted(found, key=place.__getitem__) if found[s]}
    if at is None:
        return panel.model_copy(update={"consensus": kept})
    # Who judges on has not finished.
    more = {"handed_in": False} if kept != raters[at].cells else {}
    raters[at] = Rater.model_copy(raters[at], update={"cells": kept, **more})
    return panel.model_copy(update={"raters": tuple(raters)})


def _judgement(given: Any) -> Judgement:
    try:
        return Judgement.model_validate(given)
    except ValidationError as error:
        fault = error.errors()[0]
        said = str(fault["msg"]).removeprefix("Value error, ")
        msg = f"{said}; got {str(given)[:80]!r}."
        raise DocumentError(msg) from None


def _change(body: dict[str, Any], kind: str, many: str, edit: Mapping[str, Any]) -> None:
    if many not in FIELDS:
        msg = f"{many!r} cannot be edited; {', '.join(FIELDS)} was needed."
        raise DocumentError(msg)
    if many == "outcomes" and "outcomes" not in body:
        body["outcomes"] = [o.model_dump() for o in CrossImpact().outcomes]
    parts = [dict(p) for p in body.get(many, [])]
    if kind == "add":
        part = dict(edit.get("part") or {})
        taken = {p["id"] for name in FIELDS for p in body.get(name, [])} | {CONSENSUS}
        if "outcomes" not in body:
            taken |= {o.id for o in CrossImpact().outcomes}
        part["id"] = part.get("id") or slug(str(part.get("label") or "").strip(), taken)
        edit = {**edit, "part": part}
    elif kind == "remove" and not has_part(parts, edit.get("id")):
        return  # it is gone already
    out = edit_list(
        parts, edit, gone=f"There is no {WORDS[many]} {str(edit.get('id'))[:80]!r} any more.",
        settable=FIELDS[many].__contains__, ops="cells, set, add, remove, move or round",
    )  # fmt: skip
    if out and many in ("factors", "outcomes"):
        _without(body, out["id"])
    body[many] = parts


def _without(body: dict[str, Any], name: str) -> None:
    """Take every judgement and every plan about a name out."""
    for cells in [*(r.get("cells", {}) for r in body.get("raters", [])), body.get("consensus", {})]:
        cells.pop(name, None)
        for row in cells.values():
            row.pop(name, None)
    for one in body.get("interventions", []):
        one.get("changes", {}).pop(name, None)
