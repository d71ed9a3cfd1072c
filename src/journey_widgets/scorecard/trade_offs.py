"""Gains that were paid for elsewhere: of two linked KPIs one improves while the other gets worse."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from journey_widgets.definition import defined
from journey_widgets.scorecard.document import Scorecard
from journey_widgets.scorecard.standing import REAL, Standing

COLUMNS = [
    "better", "worse", "better_perspective", "worse_perspective", "source", "target", "sign", "real",
]  # fmt: skip


def trade_offs(scorecard: Scorecard, now: Standing) -> pd.DataFrame:
    """Return the pairs of linked KPIs of which one improves and the other gets worse in the same period.

    Only movements that are no chance count: a real change, or a value outside the limits of its XmR chart. An arrow
    between objectives links each KPI of the one with each of the other.

    Returns
    -------
    pandas.DataFrame
        One row a pair, in the order of the arrows. Columns: ``better``, ``worse`` (str, KPI ids),
        ``better_perspective``, ``worse_perspective`` (str), ``source``, ``target``, ``sign`` (str, the arrow that links
        them), ``real`` (bool: both changes are real, not signals alone).
    """
    inside = {o.id: [k.id for k in o.kpis] for o in scorecard.objectives}
    rows = now.kpis.set_index("kpi").to_dict("index") if len(now.kpis) else {}
    found = []
    for a in scorecard.arrows:
        pairs = [
            (x, y) for x in inside.get(a.source, [a.source]) for y in inside.get(a.target, [a.target]) if x != y
        ]  # fmt: skip
        for pair in pairs:
            gain = next((k for k in pair if k in rows and _moves(rows[k], better=True)), None)
            loss = next((k for k in pair if k in rows and _moves(rows[k], better=False)), None)
            if gain is None or loss is None:
                continue
            real = rows[gain]["moved"] == REAL and rows[loss]["moved"] == REAL
            sides = rows[gain]["perspective"], rows[loss]["perspective"]
            found.append((gain, loss, *sides, a.source, a.target, a.sign, real))
    frame = pd.DataFrame(found, columns=COLUMNS).astype({"real": "bool"})
    once = frame.drop_duplicates(["better", "worse"], ignore_index=True)
    return defined(
        once,
        "A real change, or a value outside its limits, for the better and for the worse in one period",
    )


def _moves(row: Mapping[Any, Any], *, better: bool) -> bool:
    return bool(row["better"] is better) and (
        row["moved"] == REAL or "outside" in str(row["signal"])
    )
