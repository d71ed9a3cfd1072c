"""Edits of a scorecard: small steps that a page sends and Python applies, each checked as a whole.

=====================================================  ========================================================
``{"op": "cells", "cells": {kpi: {field: text}}}``     write fields of KPIs; blank text takes one away
``{"op": "weight", "id", "value"}``                    weight of a perspective or an objective
``{"op": "policy", "field", "value"}``                 how all of it is scored: a field of `POLICY`
``{"op": "note", "id", "period", "text"}``             what is said of a KPI in a period; blank takes it back
=====================================================  ========================================================
"""

import math
import re
from collections.abc import Mapping
from typing import Any

from journey_widgets.errors import DocumentError, did_you_mean
from journey_widgets.scorecard.document import Scorecard

NUMBERS = ("weight", "baseline", "target")
FIELDS = (*NUMBERS, "owner", "label")
POLICY = ("green", "amber", "missing", "how", "least_coverage", "red_needs_note")
MAX_TEXT = 3_000


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
        body[field] = edit.get("value")
    elif kind == "note":
        _note(body, edit)
    else:
        msg = f"There is no edit {kind!r}; cells, weight, policy or note was needed."
        raise DocumentError(msg)
    return Scorecard.from_body(body, where="the scorecard")


def _perspectives(body: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the perspectives of a body, which leaves the four usual ones out."""
    if "perspectives" not in body:
        body["perspectives"] = [
            p.model_dump(exclude_defaults=True) for p in Scorecard().perspectives
        ]
    found: list[dict[str, Any]] = body["perspectives"]
    return found


def _kpis(body: dict[str, Any]) -> list[dict[str, Any]]:
    return [k for o in body.get("objectives", []) for k in o.get("kpis", [])]


def _named(parts: list[dict[str, Any]], name: str, what: str) -> dict[str, Any]:
    found = next((p for p in parts if p["id"] == name), None)
    if found is None:
        msg = (
            f"There is no {what} {name!r} any more. {did_you_mean(name, [p['id'] for p in parts])}"
        )
        raise DocumentError(msg)
    return found


def _cells(body: dict[str, Any], cells: Any) -> None:
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
                kpi[field] = _number(plain, field) if field in NUMBERS else plain


def _note(body: dict[str, Any], edit: Mapping[str, Any]) -> None:
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
