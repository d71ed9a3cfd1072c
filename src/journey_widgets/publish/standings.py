"""How the KPIs of a report stand, as data for whoever looks over many reports: the batch, its pages, its alerts."""

import math
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from journey_widgets.scorecard.status import chance_of_better

if TYPE_CHECKING:
    from journey_widgets.publish.scorecard_view import ScorecardPage
    from journey_widgets.scorecard.document import Kpi

MIME = "application/vnd.journey-widgets.standing+json"
"""Kind of output in which a report carries how its KPIs stand; its page does not show it."""


def of_view(view: "ScorecardPage") -> list[dict[str, Any]]:
    """Return one row a scored KPI, as plain JSON values.

    Keys: ``kpi``, ``label``, ``owner`` (id of a role; blank without one), ``owner_label``, ``status``, ``certain``;
    ``value``, ``low``, ``high``, ``n``, ``target``, ``weight`` (numbers, null where unknown); ``shown``, ``between``,
    ``aimed`` (as the page says them); ``definition`` (how it is counted, as a hash); ``worst`` (whether the status
    is the last of the rules); ``chance`` (as `chance_of_better` returns it; null where there is no interval and the
    value is not exact).
    """
    rules = view.scorecard.rules()
    kpis = {k.id: k for k in view.scorecard.kpis()}
    found = []
    for row in view.now.kpis.to_dict("records"):
        if not row["status"] or row["state"]:
            continue
        value, low, high = (float(row[c]) for c in ("value", "low", "high"))
        known = math.isfinite(low) and math.isfinite(high)
        chance: float | None = None
        if known or row["certain"]:
            ends = (low, high) if known else (value, value)
            chance = chance_of_better(value, *ends, _score(kpis[row["kpi"]]), rules)
        numbers = {c: _number(row[c]) for c in ("value", "low", "high", "n", "target", "weight")}
        found.append(
            {
                "kpi": row["kpi"], "label": row["label"], "owner": row["owner"] or "",
                "owner_label": view.owner(row["owner"]), "status": row["status"], "certain": bool(row["certain"]),
                **numbers, "shown": str(view.said(row, "value")), "between": view.between(row),
                "aimed": str(view.said(row, "target")) if numbers["target"] is not None else "–", "chance": chance,
                "definition": str(row["definition"]), "worst": row["status"] == rules[-1].status,
            }
        )  # fmt: skip
    return found


def _score(kpi: "Kpi") -> Callable[[float], float]:
    def score(value: float) -> float:
        return kpi.score(value).clamped

    return score


def _number(value: Any) -> float | None:
    number = float(value)
    return number if math.isfinite(number) else None


def of_notebook(cells: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return what an executed notebook carries; nothing where it is about no scorecard."""
    for cell in cells:
        for output in cell.get("outputs", []):
            if MIME in output.get("data", {}):
                found: list[dict[str, Any]] = output["data"][MIME]
                return found
    return []
