"""What changed from one matrix to another, cell by cell, in people's words."""

from typing import Any

import pandas as pd

from journey_widgets.merging import Change
from journey_widgets.merging import diff as differences
from journey_widgets.raci.document import Acknowledged, RaciMatrix

COLUMNS = ["what", "change", "touchpoint", "role", "field", "before", "after"]


def diff(before: RaciMatrix, after: RaciMatrix) -> pd.DataFrame:
    """Return every difference between two matrices, in the order of the later one.

    Columns, all str: ``what`` (``"cell"``, ``"row"``, ``"role"``, ``"acknowledgement"`` or ``"matrix"``); ``change``
    (``"added"``, ``"removed"``, ``"changed"``, ``"moved"``); ``touchpoint`` and ``role``, labels, blank where it is
    about none; ``field``; ``before``, ``after``. A row that is added or removed is one difference, its cells
    among its words.
    """
    rows = {r.touchpoint: r.label for m in (before, after) for r in m.rows}
    roles = {r.id: r.label for m in (before, after) for r in m.roles}
    known = {a.id: a for m in (before, after) for a in m.acknowledged}
    found = [
        _told(change, rows, roles, known) for change in differences(before.body(), after.body())
    ]
    return pd.DataFrame([f for many in found for f in many], columns=COLUMNS).astype("str")


def _told(
    change: Change, rows: dict[str, str], roles: dict[str, str], known: dict[str, Acknowledged]
) -> list[dict[str, Any]]:
    many, *rest = change.path
    told = dict.fromkeys(COLUMNS, "") | {"change": change.kind, "what": "matrix", "field": many}
    told |= {"before": _words(change.before, roles), "after": _words(change.after, roles)}
    if many in ("rows", "roles", "acknowledged") and not rest:
        # The whole list is new or gone: each part is a difference.
        added = change.kind == "added" or not change.before
        parts = change.after if added else change.before
        kind = "added" if added else "removed"
        name = "touchpoint" if many == "rows" else "id"
        pieces = [
            Change((many, part[name]), kind, None if added else part, part if added else None)
            for part in parts
        ]
        return [t for piece in pieces for t in _told(piece, rows, roles, known)]
    if many == "rows":
        if rest == ["order"]:
            return [told | {"what": "row", "field": "order"}]
        told |= {
            "what": "row",
            "touchpoint": rows.get(rest[0], rest[0]),
            "field": ".".join(rest[1:]),
        }
        if rest[1:2] == ["cells"] and len(rest) == 3:
            told |= {"what": "cell", "role": roles.get(rest[2], rest[2]), "field": ""}
        elif rest[1:2] == ["cells"] and len(rest) == 2:
            cells = change.after or change.before or {}
            added = bool(change.after)
            return [
                told | {"what": "cell", "role": roles.get(r, r), "field": "",
                        "before": "" if added else t, "after": t if added else ""}
                for r, t in cells.items()
            ]  # fmt: skip
    elif many == "roles":
        if rest == ["order"]:
            return [told | {"what": "role", "field": "order"}]
        told |= {"what": "role", "role": roles.get(rest[0], rest[0]), "field": ".".join(rest[1:])}
    elif many == "acknowledged":
        about = known[rest[0]] if rest and rest[0] in known else None
        told |= {"what": "acknowledgement", "field": ".".join(rest[1:])}
        if about is not None:
            told |= {
                "touchpoint": rows.get(about.touchpoint or "", about.touchpoint or ""),
                "role": roles.get(about.role or "", about.role or ""),
            }
    return [told]


def _words(value: Any, roles: dict[str, str]) -> str:
    if value is None:
        return ""
    if isinstance(value, dict):
        if "code" in value:
            return f"{value['code']}: {value.get('reason', '')} (until {value.get('until', '')})"
        facts = [f"{roles.get(r, r)} {t}" for r, t in value.get("cells", {}).items()]
        rest = ("cells", "id", "touchpoint", "label")
        facts += [f"{k.replace('_', ' ')} {v}" for k, v in value.items() if k not in rest]
        return "; ".join(facts) or str(value.get("label", value))
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return str(value)
