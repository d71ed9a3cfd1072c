"""KPIs of a scorecard at the touchpoints of the journey: what is measured there, and how far it is from its target."""

import math

import pandas as pd

from journey_widgets.definition import defined
from journey_widgets.journey.document import Journey
from journey_widgets.scorecard.document import Kpi, Scorecard


def at_touchpoints(
    journey: Journey, scorecard: Scorecard, when: pd.Timestamp, kpis: pd.DataFrame
) -> pd.DataFrame:
    """Return the KPIs that touchpoints name and the scorecard measures.

    A touchpoint names a KPI by its id, or by what it is measured as where one KPI alone is measured so.

    Parameters
    ----------
    when, kpis
        A period and the KPIs in it, as of `standing.kpis_in` or a `Standing`.

    Returns
    -------
    pandas.DataFrame
        One row a touchpoint and KPI, in the order of the journey. Columns: ``touchpoint``, ``touchpoint_label`` (str),
        those of `Standing.kpis`, ``period`` (datetime64), ``gap`` (float64: 0 at the target or beyond, 1 at the
        baseline or below; missing without a score).
    """
    rows = {r["kpi"]: r for r in kpis.to_dict("records")}
    found = [
        {"touchpoint": t.id, "touchpoint_label": t.label, **rows[k.id]}
        for t in journey.touchpoints
        for k in named_at(t.kpis, scorecard)
        if k.id in rows
    ]
    columns = ["touchpoint", "touchpoint_label", *kpis.columns]
    frame = pd.DataFrame(found, columns=columns)
    gap = 1 - frame["score"].astype("float64")
    return defined(frame.assign(period=when, gap=gap), "Gap: 1 less the score, cut to 0 and 1")


def named_at(names: tuple[str, ...], scorecard: Scorecard) -> list[Kpi]:
    """Return the KPIs of the scorecard that a touchpoint means by the names it gives."""
    every = list(scorecard.kpis())
    found: list[Kpi] = []
    for name in names:
        own = [k for k in every if k.id == name] or [k for k in every if k.measured_as == name]
        found += own if len(own) == 1 and own[0] not in found else []
    return found


def gaps(frame: pd.DataFrame) -> dict[str, float]:
    """Return touchpoint → the widest gap of its KPIs that have a score, of a frame of `at_touchpoints`."""
    if frame.empty:
        return {}
    known = frame[frame["gap"].map(lambda g: math.isfinite(float(g)))]
    return {
        str(t): float(g) for t, g in known.groupby("touchpoint", sort=False)["gap"].max().items()
    }
