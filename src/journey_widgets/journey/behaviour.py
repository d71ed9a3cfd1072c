"""Behaviour on pages and screens: totals by touchpoint, beside the map; recordings only as links."""

import ibis
import ibis.expr.types as ir
import pandas as pd
from ibis import _

from journey_widgets.definition import defined
from journey_widgets.events.engine import collect
from journey_widgets.journey.document import Journey
from journey_widgets.tables import require_columns

COLUMNS = [
    "touchpoint", "label", "stage", "on_map", "measure", "unit", "value", "totals", "first", "last", "links",
]  # fmt: skip


def behaviour(journey: Journey, totals: ir.Table) -> pd.DataFrame:
    """Return what was counted at each touchpoint, in the order of the map.

    Parameters
    ----------
    journey
        The map.
    totals
        As the contract has them: ``touchpoint``, ``measure``, perhaps ``value``, ``unit``, ``ts``, ``link``.
        Totals of one touchpoint, measure and unit are added up; per cent, shares and rates cannot be added,
        so there the value is the mean.

    Returns
    -------
    pandas.DataFrame
        One row per touchpoint, measure and unit. Columns: ``touchpoint``, ``label``, ``stage`` (str;
        stage blank for names that are not on the map, which come last), ``on_map`` (bool), ``measure``, ``unit``
        (str), ``value`` (float64), ``totals`` (int64), how many it is made of, ``first``, ``last``
        (naive datetime64, in UTC), ``links`` (list of str), web addresses of heatmaps and recordings, each once.
    """
    require_columns(totals.columns, "touchpoint", "measure", name="behaviour")
    missing = {"value": "float64", "unit": "string", "ts": "timestamp", "link": "string"}
    table = totals.mutate(
        **{n: ibis.null(kind) for n, kind in missing.items() if n not in totals.columns}
    )
    unit = table["unit"].fill_null("").strip()
    per_cent = unit.lower().isin(["%", "percent", "per cent", "percentage", "pct"])
    table = table.mutate(unit=per_cent.ifelse("%", unit))
    counted = table.group_by("touchpoint", "measure", "unit").agg(
        total=_.value.sum(), mean=_.value.mean(), totals=_.value.count(),
        first=_.ts.min(), last=_.ts.max(), links=_.link.collect(distinct=True),
    )  # fmt: skip
    frame = collect(counted).astype({"links": "object"})
    parts = frame["unit"] == "%"
    parts |= frame["measure"].str.contains(r"\b(?:rate|share|ratio|mean|average)\b", case=False)
    place = {t.id: i for i, t in enumerate(journey.touchpoints)}
    known = {t.id: t for t in journey.touchpoints}
    frame = frame.assign(
        value=frame["mean"].where(parts, frame["total"]).astype("float64"),
        label=[known[t].label if t in known else t for t in frame["touchpoint"]],
        stage=[known[t].stage if t in known else "" for t in frame["touchpoint"]],
        on_map=[t in known for t in frame["touchpoint"]],
        place=[place.get(t, len(place)) for t in frame["touchpoint"]],
        links=pd.Series(
            [
                sorted({str(v) for v in found}) if found is not None else []
                for found in frame["links"]
            ],
            dtype="object",
        ),
    ).sort_values(["place", "touchpoint", "measure", "unit"], ignore_index=True)
    return defined(
        frame[COLUMNS],
        "Totals as they were imported, added up over time; per cent, shares and rates: their mean",
        "They count actions, not people",
    )
