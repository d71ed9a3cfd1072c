"""The KPIs of a scorecard, measured period by period: each with its n, interval, state and how it was counted."""

from collections.abc import Iterable, Mapping
from contextlib import closing
from dataclasses import replace
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd

from journey_widgets.definition import definition
from journey_widgets.errors import JourneyDataError, JourneyError
from journey_widgets.events.paths import PathIndex
from journey_widgets.events.source import Source, table_of
from journey_widgets.scorecard.catalogue import catalogue_rows
from journey_widgets.scorecard.document import Kpi, Measure, Scorecard
from journey_widgets.scorecard.formula import Formula
from journey_widgets.scorecard.measures import NO_DATA, definition_id, measure_with
from journey_widgets.scorecard.recipes import BEYOND, Shared

ERROR, NOT_APPLICABLE = "error", "not_applicable"
FEW = 4
"""KPIs up to which the log is looked through for each of them."""
COLUMNS = [
    "kpi", "period", "value", "n", "low", "high", "state", "open", "method", "definition", "counted",
]  # fmt: skip


def series(
    scorecard: Scorecard,
    sources: Mapping[str, Any],
    *,
    period: str = "month",
    zone: str = "UTC",
    until: datetime | None = None,
    customers: PathIndex | None = None,
) -> pd.DataFrame:
    """Measure all KPIs of a scorecard.

    Parameters
    ----------
    scorecard
        What is measured; its words and the options of its KPIs say how.
    sources
        As for `measure`.
    period, zone, until
        As for `measure`.
    customers
        Measure for these customers alone: in every source, the rows of those customers. A KPI whose source does not
        say whose its rows are is ``"not_applicable"``.

    Returns
    -------
    pandas.DataFrame
        Rows of one KPI together, in the order of the scorecard, by period. Columns: ``kpi`` (str, id in the
        scorecard); ``period`` (datetime64); ``value``, ``low``, ``high`` (float64); ``n`` (Int64); ``state``; ``open``
        (bool); ``method``, ``definition`` (str); ``counted`` (str, in words how, or why it could not be). A KPI that
        cannot be measured has one row without a period, whose state is ``"error"``.
    """
    given = dict(sources) if customers is None else of_customers(sources, customers)
    many = len(list(scorecard.kpis())) > FEW
    with closing(Shared(many=many)) as shared:
        frames = [
            _one(k, scorecard, sources, given, period, zone, until, shared)
            for k in scorecard.kpis()
        ]
    if not frames:
        return pd.DataFrame({c: [] for c in COLUMNS})
    return pd.concat(frames, ignore_index=True)[COLUMNS].astype({"n": "Int64", "open": "bool"})


def of_customers(sources: Mapping[str, Any], customers: PathIndex) -> dict[str, Any]:
    """Return the sources with the rows of some customers alone; those that do not name customers are left out."""
    ids = customers.table.select(customer_id=customers.table.customer_id.cast("string")).distinct()
    found: dict[str, Any] = {}
    for name, source in sources.items():
        if name in ("journey", "raci", "roles"):
            continue  # what is decided for all customers says nothing about some of them
        if name == "events":
            found[name] = customers
            continue
        table = table_of(source, name)
        if "customer_id" in table.columns:
            text = table.mutate(customer_id=table.customer_id.cast("string"))
            kept = text.semi_join(ids, "customer_id")
            # What its values mean stays with a source.
            found[name] = replace(source, table=kept) if isinstance(source, Source) else kept
    if "journey" in sources:
        found["journey"] = sources["journey"]
    return found


def with_column(sources: Mapping[str, Any], index: PathIndex, column: str) -> dict[str, Any]:
    """Return the sources with a column of the event log: what it was at each customer's first event.

    Sources that have the column, or do not name customers, stay as they are; customers who are not in the log have it
    blank.
    """
    if column not in index.attributes:
        return dict(sources)
    first = index.table.filter(index.table.step == 1)
    groups = first.select(
        customer_id=first.customer_id.cast("string"), **{column: first[f"at:{column}"]}
    )
    found = dict(sources)
    for name, source in sources.items():
        if name in ("events", "journey", "raci", "roles"):
            continue
        table = table_of(source, name)
        if "customer_id" in table.columns and column not in table.columns:
            text = table.mutate(customer_id=table.customer_id.cast("string"))
            joined = text.left_join(groups, "customer_id").drop("customer_id_right")
            found[name] = replace(source, table=joined) if isinstance(source, Source) else joined
    return found


def _one(
    kpi: Kpi, scorecard: Scorecard, every: Mapping[str, Any], sources: Mapping[str, Any], period: str, zone: str,
    until: datetime | None, shared: Shared,
) -> pd.DataFrame:  # fmt: skip
    own = next((m for m in scorecard.measures if m.id == kpi.measured_as), None)
    try:
        if own is not None:
            found = _worked_out(own, kpi, scorecard, sources, period, zone, until, shared)
        else:
            found = _measured(kpi.measured_as, kpi, scorecard, sources, period, zone, until, shared)
    except JourneyError as error:
        apart = sources is not every and any(f"needs the source {s};" in str(error) for s in every)
        why = "Its source does not say whose each row is." if apart else str(error)
        found = _nothing(NOT_APPLICABLE if apart else ERROR, why)
    return found.assign(kpi=kpi.id)


def _measured(
    name: str, kpi: Kpi, scorecard: Scorecard, sources: Mapping[str, Any], period: str, zone: str,
    until: datetime | None, shared: Shared,
) -> pd.DataFrame:  # fmt: skip
    by = tuple(kpi.where)
    found = measure_with(
        shared, name, sources, period=period, by=by, zone=zone, until=until, words=scorecard.words,
        options=kpi.options if name == kpi.measured_as else {},
    )  # fmt: skip
    counted = definition(found)
    for column, value in kpi.where.items():
        if value not in set(found[column]):
            there = ", ".join(sorted(set(found[column]))[:8])
            msg = f"{kpi.id} is measured where {column} is {value!r}; there are {there or 'no values'}."
            raise JourneyDataError(msg)
        found = found[found[column] == value]
    if found.empty:
        return _nothing(NO_DATA, counted)
    if kpi.min_n is not None:
        enough = np.where(
            found["n"] == 0, NO_DATA, np.where(found["n"] < kpi.min_n, "insufficient", "")
        )
        found = found.assign(state=enough)
    found = found.drop(columns=list(by)).assign(counted=counted).reset_index(drop=True)
    if not by:
        return found
    said = f"{counted} Where {', '.join(f'{c} is {v}' for c, v in kpi.where.items())}."
    return found.assign(counted=said, definition=definition_id(name, said))


def _worked_out(
    own: Measure, kpi: Kpi, scorecard: Scorecard, sources: Mapping[str, Any], period: str, zone: str,
    until: datetime | None, shared: Shared,
) -> pd.DataFrame:  # fmt: skip
    """Return a measure of the scorecard's own: its formula over KPIs of the catalogue, period by period."""
    formula = Formula(own.expression)
    parts = {
        n: _measured(n, kpi, scorecard, sources, period, zone, until, shared) for n in formula.names
    }
    periods = sorted({p for f in parts.values() for p in f["period"].dropna()})
    rows = []
    for p in periods:
        lines = {n: f[f["period"] == p] for n, f in parts.items()}
        known = {
            n: float(f["value"].iloc[0])
            for n, f in lines.items()
            if len(f) and not f["value"].isna().iloc[0]
        }
        whole = len(known) == len(parts)
        value = formula.value(known) if whole else None
        least = (
            min((int(f["n"].iloc[0]) for f in lines.values() if len(f)), default=0) if whole else 0
        )
        states = [str(f["state"].iloc[0]) for f in lines.values() if len(f)]
        state = NO_DATA if value is None else next((s for s in states if s), "")
        open_ = any(bool(f["open"].iloc[0]) for f in lines.values() if len(f))
        rows.append((p, np.nan if value is None else value, least, state, open_))
    frame = pd.DataFrame(rows, columns=["period", "value", "n", "state", "open"])
    names = ", ".join(sorted({str(f["definition"].iloc[0]) for f in parts.values()}))
    said = f"{own.label}: {own.expression}, of {', '.join(formula.names)} in the same period. Without an interval."
    return frame.assign(
        low=np.nan, high=np.nan, method="worked out", counted=said,
        definition=definition_id(own.id, f"{own.expression}: {names}"),
    )  # fmt: skip


def _nothing(state: str, why: str) -> pd.DataFrame:
    row = {
        "period": pd.NaT, "value": np.nan, "n": 0, "low": np.nan, "high": np.nan, "state": state, "open": False,
        "method": "", "definition": "", "counted": why,
    }  # fmt: skip
    return pd.DataFrame([row])


def units(scorecard: Scorecard, kpis: Iterable[Kpi]) -> dict[str, str]:
    """Return KPI id → the unit of its measure."""
    known = {k: r["unit"] for k, r in [*catalogue_rows().items(), *BEYOND.items()]}
    known |= {m.id: m.unit for m in scorecard.measures}
    return {k.id: str(known.get(k.measured_as, "")) for k in kpis}
