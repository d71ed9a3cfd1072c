"""Edits of a journey document: small steps that a page sends and Python applies, each checked as a whole.

======================================================  ==============================================
``{"op": "set", "list", "id", "field", "value"}``       set a field of a part; null takes it away
``{"op": "add", "list", "part", "before"}``             put a new part before another, or at the end
``{"op": "remove", "list", "id"}``                      take a part out, and what points to it
``{"op": "move", "list", "id", "before"}``              put a part before another, or at the end
======================================================  ==============================================

``list`` is one of `EDITABLE`; the journey's own fields are set with the list ``"journey"`` and no id.
"""

from collections.abc import Mapping
from typing import Any

from journey_widgets.errors import DocumentError
from journey_widgets.journey.document import Journey
from journey_widgets.list_edits import edit_list, set_field

EDITABLE = ("stages", "lanes", "touchpoints", "ways", "personas", "items", "evidence")
OWN_FIELDS = ("label", "owner", "reviewed_on", "reviewed_by", "funnel")


def apply_edit(journey: Journey, edit: Mapping[str, Any]) -> Journey:
    """Return the journey with one edit made; one that does not fit is a `DocumentError`.

    Removing a touchpoint also removes its items, the ways from and to it, and its step of the funnel;
    removing a stage, what was noted about it as a whole.
    """
    body = journey.body()
    kind, many = edit.get("op"), str(edit.get("list"))
    if many == "journey" and kind == "set":
        set_field(body, edit, OWN_FIELDS.__contains__)
        return type(journey).from_body(body, where="the map")
    if many not in EDITABLE:
        msg = f"{many!r} cannot be edited; one of {', '.join(EDITABLE)} was needed."
        raise DocumentError(msg)
    parts = [dict(p) for p in body.get(many, [])]
    out = edit_list(
        parts,
        edit,
        gone=f"There is no {edit.get('id')!r} among the {many} any more.",
        settable=lambda f: f != "id",
    )
    if out:
        _forget(body, many, out["id"])
    body[many] = parts
    return type(journey).from_body(body, where="the map")


def _forget(body: dict[str, Any], many: str, name: str) -> None:
    """Take away what points to a part that goes."""
    if many == "touchpoints":
        body["items"] = [i for i in body.get("items", []) if i.get("touchpoint") != name]
        ways = body.get("ways", [])
        body["ways"] = [w for w in ways if name not in (w["source"], w["target"])]
        body["funnel"] = [step for step in body.get("funnel", []) if step != name]
    if many == "stages":
        body["items"] = [i for i in body.get("items", []) if i.get("stage") != name]
    if many == "evidence":
        for part in (*body.get("touchpoints", []), *body.get("items", [])):
            if name in part.get("evidence", []):
                part["evidence"] = [e for e in part["evidence"] if e != name]
    if many == "lanes":
        for part in body.get("touchpoints", []):
            if part.get("lane") == name:
                part.pop("lane")
    if many == "personas":
        for part in body.get("items", []):
            if part.get("persona") == name:
                part.pop("persona")


def remedies(journey: Journey) -> dict[str, list[dict[str, Any]]]:
    """Return, for each part that points to a touchpoint or stage that is not there, the edits that remove it.

    The key is how the part is named in the findings.
    """
    touchpoints = {t.id for t in journey.touchpoints}
    stages = {s.id for s in journey.stages}
    found: dict[str, list[dict[str, Any]]] = {}
    for item in journey.items:
        place, known = (item.touchpoint, touchpoints) if item.touchpoint else (item.stage, stages)
        if place not in known:
            found[item.label] = [{"op": "remove", "list": "items", "id": item.id}]
    for way in journey.ways:
        if not {way.source, way.target} <= touchpoints:
            found[f"The way {way.id}"] = [{"op": "remove", "list": "ways", "id": way.id}]
    kept = [step for step in journey.funnel if step in touchpoints]
    if len(kept) < len(journey.funnel):
        edit = {"op": "set", "list": "journey", "field": "funnel", "value": kept}
        found["The funnel"] = [edit]
    return found
