"""Edits of a scorecard: small steps that a page sends and Python applies, each checked as a whole.

=====================================================  ========================================================
``{"op": "cells", "cells": {kpi: {field: text}}}``     write fields of KPIs; blank text takes one away
``{"op": "weight", "id", "value"}``                    weight of a perspective or an objective
``{"op": "policy", "field", "value"}``                 how all of it is scored: a field of `POLICY`
``{"op": "note", "id", "period", "text"}``             what is said of a KPI in a period; blank takes it back
``{"op": "add", "list", "part"}``                      a new objective, KPI (``objective``) or arrow, at the end
``{"op": "set", "list", "id", "field", "value"}``      field of an objective or an arrow; null takes it away
``{"op": "move", "list": "kpis", "id", "objective"}``  to another objective
``{"op": "remove", "list", "id"}``                     with what hangs on it: KPIs of an objective, arrows of both
=====================================================  ========================================================

Lists are ``"objectives"``, ``"kpis"`` and ``"arrows"``. The id of an arrow is ``"source>target"``.
"""

import math
import re
from collections.abc import Mapping
from typing import Any

from journey_widgets.documents import slug
from journey_widgets.errors import DocumentError, did_you_mean
from journey_widgets.list_edits import set_field
from journey_widgets.scorecard.catalogue import catalogue_rows
from journey_widgets.scorecard.document import Scorecard
from journey_widgets.scorecard.recipes import BEYOND, RECIPES

NUMBERS = ("weight", "baseline", "target")
PAIRS = ("options", "where")
"""Fields that are written as ``name: value; name: value``."""
FIELDS = (*NUMBERS, *PAIRS, "scoring", "owner", "label")
SETTABLE = {
    "objectives": ("label", "perspective", "stage", "owner", "weight"),
    "arrows": ("sign", "lag"),
}
POLICY = ("green", "amber", "missing", "how", "least_coverage", "red_needs_note")
LISTS = ("objectives", "kpis", "arrows")
MAX_TEXT = 3_000
Body = dict[str, Any]


def apply_edit(scorecard: Scorecard, edit: Mapping[str, Any]) -> Scorecard:
    """Return the scorecard with one edit made; one that does not fit is a `DocumentError`."""
    body = scorecard.body()
    kind = edit.get("op")
    if kind == "cells":
        _cells(body, edit.get("cells"))
    elif kind == "weight":
        part = _named(
            [*_perspectives(body), *body.get("objectives", [])],
            str(edit.get("id")),
            "perspective or objective",
        )
        part["weight"] = _number(edit.get("value"), "a weight")
    elif kind == "policy":
        field = str(edit.get("field"))
        if field not in POLICY:
            msg = f"{field!r} cannot be changed here."
            raise DocumentError(msg)
        value = edit.get("value")
        if value in (None, ""):
            msg = f"{field} is blank; a value was needed."
            raise DocumentError(msg)
        body[field] = value
    elif kind == "note":
        _note(body, edit)
    elif kind in ("add", "set", "move", "remove"):
        _structure(body, edit)
    else:
        msg = f"There is no edit {kind!r}; cells, weight, policy, note, add, set, move or remove was needed."
        raise DocumentError(msg)
    return Scorecard.from_body(body, where="the scorecard")


def measures(scorecard: Scorecard) -> dict[str, str]:
    """Return what a KPI can be measured as: id → name, of the scorecard's own measures and the catalogue."""
    known = {m.id: m.label for m in scorecard.measures}
    rows = [*catalogue_rows().items(), *BEYOND.items()]
    return known | {k: r["name"] for k, r in rows if k not in known}


# --- objectives, KPIs, arrows


def _structure(body: Body, edit: Mapping[str, Any]) -> None:
    kind, which = edit["op"], str(edit.get("list"))
    if which not in LISTS:
        msg = f"There is no list {which!r}; {', '.join(LISTS)} are known."
        raise DocumentError(msg)
    if kind == "add":
        _add(body, which, edit)
    elif kind == "remove":
        _remove(body, which, str(edit.get("id")))
    elif kind == "move" and which == "kpis":
        _move(body, str(edit.get("id")), str(edit.get("objective")))
    elif kind == "set" and which in SETTABLE:
        part = _arrow(body, edit) if which == "arrows" else _objective(body, str(edit.get("id")))
        set_field(part, edit, lambda field: field in SETTABLE[which])
    else:
        msg = f"{kind!r} is no edit of {which}."
        raise DocumentError(msg)


def _add(body: Body, which: str, edit: Mapping[str, Any]) -> None:
    given = edit.get("part")
    part = (
        {k: v for k, v in dict(given).items() if v not in (None, "")}
        if isinstance(given, Mapping)
        else {}
    )
    parts = [*body.get("objectives", []), *_kpis(body), *_perspectives(dict(body))]
    taken = {"scorecard", *(p["id"] for p in parts)}
    if which == "objectives":
        label = str(part.get("label", "")).strip()
        if not label:
            msg = "An objective needs a name: what shall be reached?"
            raise DocumentError(msg)
        body.setdefault("objectives", []).append({**part, "id": slug(label, taken), "label": label})
    elif which == "kpis":
        measure = _measure(body, str(part.get("measure", "")))
        own = measure if measure not in taken else slug(str(part.get("label") or measure), taken)
        name = {} if own == measure else {"measure": measure}
        rest = {k: v for k, v in part.items() if k == "label"}
        new = {"id": own, **name, **rest, "scoring": "unscored"}
        _objective(body, str(edit.get("objective"))).setdefault("kpis", []).append(new)
    else:
        ends = str(part.get("source")), str(part.get("target"))
        if any((a["source"], a["target"]) == ends for a in body.get("arrows", [])):
            msg = "There is an arrow between these two already; change its sign or lag."
            raise DocumentError(msg)
        body.setdefault("arrows", []).append(part)


def _measure(body: Body, text: str) -> str:
    """Return the id of a measure that is named by id or by name."""
    known = measures(Scorecard.from_body(body, where="the scorecard"))
    if text in known:
        return text
    named = {name.casefold(): k for k, name in known.items()}
    found = named.get(text.strip().casefold())
    if found is None:
        msg = (
            f"Nothing is measured as {text[:60]!r}. {did_you_mean(text, [*known.values(), *known])}"
        )
        raise DocumentError(msg)
    return found


def _remove(body: Body, which: str, name: str) -> None:
    """Take a part out, and the arrows that would have no end."""
    if which == "arrows":
        body["arrows"].remove(_arrow(body, {"id": name}))
        return
    if which == "objectives":
        part = _objective(body, name)
        body["objectives"].remove(part)
        gone = {name, *(k["id"] for k in part.get("kpis", []))}
    else:
        _of(body, name)["kpis"].remove(_named(_kpis(body), name, "KPI"))
        gone = {name}
    body["arrows"] = [a for a in body.get("arrows", []) if not {a["source"], a["target"]} & gone]


def _move(body: Body, name: str, to: str) -> None:
    goal, kpi = _objective(body, to), _named(_kpis(body), name, "KPI")
    _of(body, name)["kpis"].remove(kpi)
    goal.setdefault("kpis", []).append(kpi)


def _objective(body: Body, name: str) -> Body:
    return _named(body.get("objectives", []), name, "objective")


def _of(body: Body, kpi: str) -> Body:
    """Return the objective of a KPI."""
    _named(_kpis(body), kpi, "KPI")
    return next(o for o in body["objectives"] if any(k["id"] == kpi for k in o.get("kpis", [])))


def _arrow(body: Body, edit: Mapping[str, Any]) -> Body:
    name = str(edit.get("id"))
    found = next(
        (a for a in body.get("arrows", []) if f"{a['source']}>{a['target']}" == name), None
    )
    if found is None:
        msg = f"There is no arrow {name!r} any more."
        raise DocumentError(msg)
    arrow: Body = found
    return arrow


def _perspectives(body: Body) -> list[Body]:
    """Return the perspectives of a body, which leaves the four usual ones out."""
    if "perspectives" not in body:
        body["perspectives"] = [
            p.model_dump(exclude_defaults=True) for p in Scorecard().perspectives
        ]
    found: list[Body] = body["perspectives"]
    return found


def _kpis(body: Body) -> list[Body]:
    return [k for o in body.get("objectives", []) for k in o.get("kpis", [])]


def _named(parts: list[Body], name: str, what: str) -> Body:
    found = next((p for p in parts if p["id"] == name), None)
    if found is None:
        msg = (
            f"There is no {what} {name!r} any more. {did_you_mean(name, [p['id'] for p in parts])}"
        )
        raise DocumentError(msg)
    return found


# --- cells


def _cells(body: Body, cells: Any) -> None:
    if not isinstance(cells, Mapping):
        msg = "Cells by KPI and field were needed."
        raise DocumentError(msg)
    for name, fields in cells.items():
        kpi = _named(_kpis(body), str(name), "KPI")
        for field, text in dict(fields).items():
            if field not in FIELDS:
                msg = f"{field!r} cannot be changed here."
                raise DocumentError(msg)
            plain = str(text).strip()
            if len(plain) > MAX_TEXT:
                msg = f"A text of up to {MAX_TEXT:,} characters was needed; this one has {len(plain):,}."
                raise DocumentError(msg)
            if not plain:
                kpi.pop(field, None)
            else:
                kpi[field] = _read(kpi, field, plain)
        # A KPI that is tracked only is scored once it has both ends.
        ends = {"baseline", "target"}
        if kpi.get("scoring") == "unscored" and ends <= set(kpi) and ends & set(fields):
            kpi.pop("scoring")


def _read(kpi: Body, field: str, plain: str) -> Any:
    if field in NUMBERS:
        return _number(plain, field)
    if field in PAIRS:
        return _pairs(kpi, field, plain)
    return plain.casefold().replace(" ", "_") if field == "scoring" else plain


def _pairs(kpi: Body, field: str, plain: str) -> dict[str, str]:
    """Return ``name: value; name: value`` as pairs; options that the KPI does not have are refused."""
    found = {}
    for part in (p for p in plain.split(";") if p.strip()):
        name, colon, value = part.partition(":")
        if not colon or not name.strip() or not value.strip():
            msg = f"{field} is {plain[:60]!r}; pairs such as 'within: 30d; product: phone' were needed."
            raise DocumentError(msg)
        found[name.strip()] = value.strip()
    recipe = RECIPES.get(str(kpi.get("measure", kpi["id"])))
    if field == "options" and recipe is not None:
        for name in found:
            if name not in recipe.options:
                msg = f"{kpi['id']} has no option {name!r}. {did_you_mean(name, recipe.options)}"
                raise DocumentError(msg)
    return found


def as_pairs(given: Mapping[str, str]) -> str:
    """Return pairs as they are typed: ``"within: 30d; product: phone"``."""
    return "; ".join(f"{k}: {v}" for k, v in given.items())


def _note(body: Body, edit: Mapping[str, Any]) -> None:
    kpi = _named(_kpis(body), str(edit.get("id")), "KPI")
    period, text = str(edit.get("period")), str(edit.get("text") or "").strip()
    kept = [n for n in kpi.get("notes", []) if n["period"] != period]
    kpi["notes"] = [*kept, *([{"period": period, "text": text}] if text else [])]


def _number(given: Any, what: str) -> float:
    """Return a number as people type it: ``0.85``, ``85%``, ``1,200``, ``0,85``."""
    plain = str(given).strip().replace("\u00a0", "").replace(" ", "")
    share = plain.endswith("%")
    plain = plain.removesuffix("%")
    if re.fullmatch(r"[+-]?\d{1,3}(,\d{3})+(\.\d+)?", plain):
        plain = plain.replace(",", "")
    elif re.fullmatch(r"[+-]?\d+,\d+", plain):
        plain = plain.replace(",", ".")
    try:
        number = float(plain)
    except ValueError:
        number = math.nan
    if not math.isfinite(number) or not plain:
        msg = f"{what} is {str(given)[:40]!r}; a number such as 0.85 or 85% was needed."
        raise DocumentError(msg)
    return number / 100 if share else number
