"""The KPI catalogue: 117 measures of customer journeys, with formula, unit, direction, pitfalls and source."""

import csv
import json
from functools import cache
from pathlib import Path

import pandas as pd

from journey_widgets.definition import defined
from journey_widgets.errors import JourneyDataError, did_you_mean
from journey_widgets.scorecard.formula import Formula

FILE = Path(__file__).with_name("catalogue.csv")
PRACTICE = "general"
"""Marks rows whose source is general practice and was not looked up."""


@cache
def _rows() -> tuple[dict[str, str], ...]:
    with FILE.open(encoding="utf-8", newline="") as stream:
        return tuple(csv.DictReader(stream))


def catalogue() -> pd.DataFrame:
    """Return the catalogue.

    Returns
    -------
    pandas.DataFrame
        One row a KPI, str but where said. Columns: ``kpi`` (its id), ``abbr``, ``name``, ``perspective``, ``stages``
        (several joined by ``|``), ``focus``, ``lead_lag``, ``direction`` (``"up"``, ``"down"``, ``"context"``),
        ``unit``, ``formula`` (in words), ``expression`` (see `Formula`), ``aggregation`` (from short periods to long
        ones), ``interval_method``, ``min_n`` (Int64), ``data_needed``, ``variants``, ``pitfalls``, ``source``,
        ``source_checked`` (``"general"`` where the source is general practice and was not looked up), ``named_in``,
        ``relevant_to``.
    """
    frame = pd.DataFrame(_rows()).rename(columns={"kpi_id": "kpi"})
    frame = frame.drop(columns=["example_inputs", "example_value"])
    frame["min_n"] = pd.to_numeric(frame["min_n"]).astype("Int64")
    resting = int((frame["source_checked"] == PRACTICE).sum())
    return defined(
        frame, f"{resting} of {len(frame)} rows rest on general practice (source_checked)"
    )


@cache
def catalogue_rows() -> dict[str, dict[str, str]]:
    """Return KPI id → its row, as it stands in the file."""
    return {r["kpi_id"]: r for r in _rows()}


def kpi(name: str) -> dict[str, str]:
    """Return one row of the catalogue by id; an unknown one is a `JourneyDataError` with near names."""
    known = catalogue_rows()
    if name not in known:
        msg = f"The catalogue has no KPI {name!r}. {did_you_mean(name, known)}"
        raise JourneyDataError(msg)
    return known[name]


def worked_example(name: str) -> tuple[dict[str, object], float, float | None]:
    """Return the figures of a KPI's example, the value the catalogue states, and what its expression gives."""
    row = kpi(name)
    figures = json.loads(row["example_inputs"])
    return figures, float(row["example_value"]), Formula(row["expression"]).value(figures)
