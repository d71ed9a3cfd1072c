"""KPIs of the catalogue, measured from the sources: figures are added up in the engine, the catalogue's formula is
worked out from them, and no value is without its n, its interval and its state.

A recipe says which source a KPI is counted in, what one row of it is, and which columns are the figures that the
catalogue's expression names.
"""

import hashlib
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd
from ibis import _

from journey_widgets.errors import JourneyDataError, did_you_mean
from journey_widgets.estimates import nps, resample, student, wilson
from journey_widgets.events.calendar import Calendar
from journey_widgets.events.engine import collect
from journey_widgets.events.instants import micros
from journey_widgets.events.source import Source, table_of
from journey_widgets.journey.definition import defined
from journey_widgets.scorecard.catalogue import kpi as catalogue_row
from journey_widgets.scorecard.formula import Formula
from journey_widgets.tables import require_columns

DRAWS = 400
UNKNOWN = "not known"
"""Stands for a blank value of a column to group by."""


@dataclass(frozen=True)
class Recipe:
    """How a KPI is counted.

    Attributes
    ----------
    source
        Name of the contract it is counted in.
    rows
        From the source's table and the columns to group by: one row a thing that is counted, with ``ts``, ``unit`` (the
        customer who is drawn again for an interval), the columns to group by and the figures.
    figures
        Columns that are added up; the names of the catalogue's expression.
    base
        The figure that is n.
    said
        What is counted, in words.
    ends
        Least and most a mean can be.
    """

    source: str
    rows: Callable[[ir.Table, tuple[str, ...]], ir.Table]
    figures: tuple[str, ...]
    base: str
    said: str
    ends: tuple[float, float] = (-math.inf, math.inf)


def measure(
    kpi: str,
    sources: Mapping[str, Source | ir.Table | pd.DataFrame],
    *,
    period: str = "month",
    by: Sequence[str] = (),
    zone: str = "UTC",
    until: datetime | None = None,
    draws: int = DRAWS,
    seed: int = 1,
) -> pd.DataFrame:
    """Measure one KPI of the catalogue in every period and group.

    Parameters
    ----------
    kpi
        Id in the catalogue; `measured` lists those that can be.
    sources
        Name of a contract → the source, or a table or frame with its columns.
    period
        ``"day"``, ``"week"`` or ``"month"``, on the clock of `zone`.
    by
        Columns of the source to group by; a blank value is the group ``"not known"``.
    zone
        Time zone, such as ``"Europe/Rome"``.
    until
        Up to when the data are complete (naive, UTC); the last row by default. A period that ends later is open.
    draws, seed
        Of the intervals that are found by drawing customers again.

    Returns
    -------
    pandas.DataFrame
        One row per group and period, in that order, without gaps from the first period to the last. Columns: ``kpi``
        (str); ``period`` (datetime64, its local midnight); the columns of `by` (str); ``value`` (float64, in the unit
        of the catalogue); ``n`` (int64); ``low``, ``high`` (float64, 95 %); ``state`` (str: ``""``,
        ``"insufficient"`` below the catalogue's least n, ``"no_data"``); ``open`` (bool); ``method`` (str);
        ``definition`` (str, id of what was counted and how).

    Raises
    ------
    JourneyDataError
        An unknown KPI, one that no recipe is known for, a source or a column that is not there.
    """
    row = catalogue_row(kpi)
    recipe = _recipe(kpi)
    groups = (by,) if isinstance(by, str) else tuple(by)
    if recipe.source not in sources:
        given = ", ".join(sources) or "none"
        hint = did_you_mean(recipe.source, sources)
        msg = f"This needs the source {recipe.source}; given are {given}. {hint}"
        raise JourneyDataError(msg)
    table = table_of(sources[recipe.source], recipe.source, *groups)
    facts = recipe.rows(table, groups)
    for column in groups:
        facts = facts.mutate(**{column: facts[column].cast("string").fill_null(UNKNOWN)})
    span = collect(facts.agg(first=_.ts.min(), last=_.ts.max())).iloc[0]
    method = row["interval_method"]
    said = f"{row['name']}: {row['formula']}. {recipe.said} By {period}, {zone}. Interval: {method}, 95 %."
    if pd.isna(span["first"]):
        return defined(_framed(kpi, _empty(groups), groups, said), said)
    first, last = (pd.Timestamp(span[c]).to_pydatetime() for c in ("first", "last"))
    calendar = Calendar.over(period, zone, first, last)
    facts = facts.mutate(period=calendar.number(micros(facts.ts)))
    found = _added_up(facts, recipe, ["period", *groups])
    found["value"] = _values(row["expression"], found, recipe, method)
    found["low"], found["high"] = _interval(method, facts, found, recipe, row, groups, draws, seed)
    found = _without_gaps(found, groups)
    found["open"] = [calendar.begins_utc(int(p) + 1) > (until or last) for p in found["period"]]
    found["period"] = pd.to_datetime([calendar.begins(int(p)) for p in found["period"]])
    least = int(row["min_n"] or 0)
    found["state"] = np.where(
        found["n"] == 0, "no_data", np.where(found["n"] < least, "insufficient", "")
    )
    found["method"] = method
    return defined(_framed(kpi, found, groups, said), said)


def measured() -> pd.DataFrame:
    """Return which KPIs `measure` counts from the sources.

    Returns
    -------
    pandas.DataFrame
        Columns, all str: ``kpi``, ``name``, ``source``, ``counted`` (in words), ``formula``, ``interval``.
    """
    rows = [
        (k, (row := catalogue_row(k))["name"], r.source, r.said, row["formula"], row["interval_method"])
        for k, r in RECIPES.items()
    ]  # fmt: skip
    columns = ["kpi", "name", "source", "counted", "formula", "interval"]
    return pd.DataFrame(rows, columns=columns).astype("str")


def _recipe(kpi: str) -> Recipe:
    if kpi not in RECIPES:
        known = ", ".join(RECIPES)
        msg = f"{kpi} is not counted from the sources; {known} are. Give its figures to its formula instead."
        raise JourneyDataError(msg)
    return RECIPES[kpi]


def _added_up(facts: ir.Table, recipe: Recipe, keys: list[str]) -> pd.DataFrame:
    """Return the sums of the figures, n, and mean and variance of what has them."""
    sums: dict[str, Any] = {f: facts[f].sum().cast("float64") for f in recipe.figures}
    if "scores" in facts.columns:
        sums |= {"mean": facts["scores"].mean(), "var": facts["scores"].var()}
    found = collect(facts.group_by(keys).agg(**sums).order_by([*keys[1:], keys[0]]))
    found["n"] = found[recipe.base].round().astype("int64")
    return found


def _values(expression: str, found: pd.DataFrame, recipe: Recipe, method: str) -> list[float]:
    if method == "t_mean":
        return [float(v) for v in found["mean"]]
    formula = Formula(expression)
    rows = found[list(recipe.figures)].to_dict("records")
    values = [formula.value({str(k): v for k, v in r.items()}) for r in rows]
    return [math.nan if v is None else float(v) for v in values]


def _interval(
    method: str, facts: ir.Table, found: pd.DataFrame, recipe: Recipe, row: Mapping[str, str],
    groups: tuple[str, ...], draws: int, seed: int,
) -> tuple[Any, Any]:  # fmt: skip
    if method == "wilson":
        n = found["n"].to_numpy()
        return wilson(np.round(found["value"].fillna(0).to_numpy() * n).astype("int64"), n)
    if method == "nps_adj_wald":
        counts = found[["promoters", "detractors", "n"]].to_numpy("int64").tolist()
        ends = [nps(*c)[1:] for c in counts]
        return [e[0] for e in ends], [e[1] for e in ends]
    if method == "t_mean":
        n = found["n"].to_numpy()
        spread = np.sqrt(found["var"].to_numpy("float64"))
        reach = np.array(
            [
                student(k - 1) * s / math.sqrt(k) if k > 1 else math.nan
                for k, s in zip(n, spread, strict=True)
            ]
        )
        low, high = recipe.ends
        mean = found["mean"].to_numpy("float64")
        return np.clip(mean - reach, low, high), np.clip(mean + reach, low, high)
    return _drawn_again(facts, found, recipe, row["expression"], groups, draws, seed)


def _drawn_again(
    facts: ir.Table, found: pd.DataFrame, recipe: Recipe, expression: str, groups: tuple[str, ...],
    draws: int, seed: int,
) -> tuple[list[float], list[float]]:  # fmt: skip
    """Return the interval of each row by drawing its customers again; none where there are fewer than two."""
    keys = ["period", *groups]
    sums = {f: facts[f].sum().cast("float64") for f in recipe.figures}
    each = collect(facts.group_by([*keys, "unit"]).agg(**sums).order_by([*keys, "unit"]))
    totals = {
        k: g[list(recipe.figures)].to_numpy("float64")
        for k, g in each.groupby(keys, sort=False, dropna=False)
    }
    formula = Formula(expression)
    low, high = [], []
    for key in found[keys].itertuples(index=False, name=None):
        own = totals[key]
        if len(own) < 2:
            low.append(math.nan)
            high.append(math.nan)
            continue
        drawn = resample(own, draws=draws, seed=seed)
        values = [
            formula.value(dict(zip(recipe.figures, line, strict=True))) for line in drawn.tolist()
        ]
        known = [v for v in values if v is not None]
        ends = np.quantile(known, [0.025, 0.975]) if known else (math.nan, math.nan)
        low.append(float(ends[0]))
        high.append(float(ends[1]))
    return low, high


def _without_gaps(found: pd.DataFrame, groups: tuple[str, ...]) -> pd.DataFrame:
    """Return every group in every period from the first to the last; where there is nothing, n is 0."""
    periods = range(int(found["period"].min()), int(found["period"].max()) + 1)
    there = found[list(groups)].drop_duplicates() if groups else pd.DataFrame(index=[0])
    every = there.merge(pd.DataFrame({"period": periods}), how="cross")
    full = every.merge(found, on=["period", *groups], how="left")
    full["n"] = full["n"].fillna(0).astype("int64")
    return full.sort_values([*groups, "period"], kind="stable", ignore_index=True)


def _empty(groups: tuple[str, ...]) -> pd.DataFrame:
    columns = {
        "period": "datetime64[ns]",
        **dict.fromkeys(groups, "object"),
        "value": "float64",
        "n": "int64",
    }
    columns |= {
        "low": "float64",
        "high": "float64",
        "state": "object",
        "open": "bool",
        "method": "object",
    }
    return pd.DataFrame({c: pd.Series(dtype=t) for c, t in columns.items()})


def _framed(kpi: str, found: pd.DataFrame, groups: tuple[str, ...], said: str) -> pd.DataFrame:
    name = f"{kpi}/{hashlib.sha256(said.encode()).hexdigest()[:8]}"
    columns = ["period", *groups, "value", "n", "low", "high", "state", "open", "method"]
    frame = found[columns].assign(definition=name)
    frame.insert(0, "kpi", kpi)
    return frame


# --- what is counted ---------------------------------------------------------------------------------


def _scored(least: int, most: int) -> Callable[[ir.Table, tuple[str, ...]], ir.Table]:
    """Return answers on one scale; those without a score, or with one that is not on it, are left out."""

    def rows(table: ir.Table, by: tuple[str, ...]) -> ir.Table:
        require_columns(table.columns, "ts", "respondent_id", "score", "scale", name="answers")
        kept = table.filter((table.scale == f"{least}-{most}") & table.score.between(least, most))
        score = kept.score
        return kept.select(
            "ts", *by, unit=kept.respondent_id, scores=score.cast("float64"), answers=ibis.literal(1),
            n=ibis.literal(1), top2=(score >= most - 1).cast("int64"), easy=(score >= most - 2).cast("int64"),
            promoters=(score >= most - 1).cast("int64"), detractors=(score <= least + 6).cast("int64"),
        )  # fmt: skip

    return rows


def _orders(table: ir.Table, by: tuple[str, ...]) -> ir.Table:
    """Return orders, at the time of their first line; lines that bring something back are left out."""
    require_columns(table.columns, "ts", "order_id", "quantity", name="order_lines")
    sold = table.filter(table.quantity > 0)
    if "amount" in sold.columns:
        paid = sold.amount
    else:
        require_columns(table.columns, "unit_price", name="order_lines")
        paid = sold.quantity * sold.unit_price
    who = sold.customer_id.cast("string") if "customer_id" in sold.columns else ibis.null("string")
    lines = sold.mutate(paid=paid, who=who)
    orders = lines.group_by("order_id", *by).agg(
        ts=_.ts.min(), who=_.who.max(), revenue=_.paid.sum(), items=_.quantity.sum(), orders=1
    )
    # An order of nobody known is drawn by itself.
    return orders.mutate(
        unit=orders.who.fill_null(ibis.literal("order ") + orders.order_id.cast("string"))
    )


ON_THE_SCALE = "Answers on the scale {}, blank ones and those off it left out."
SOLD = "Orders at the time of their first line, lines that bring something back left out."
RECIPES: dict[str, Recipe] = {
    "csat_t2b": Recipe(
        "answers", _scored(1, 5), ("top2", "answers"), "answers", ON_THE_SCALE.format("1-5")
    ),
    "csat_mean": Recipe(
        "answers", _scored(1, 5), ("answers",), "answers", ON_THE_SCALE.format("1-5"), (1, 5)
    ),
    "nps": Recipe(
        "answers", _scored(0, 10), ("promoters", "detractors", "n"), "n", ON_THE_SCALE.format("0-10")
    ),
    "ces": Recipe("answers", _scored(1, 7), ("easy", "answers"), "answers", ON_THE_SCALE.format("1-7")),
    "aov": Recipe("order_lines", _orders, ("revenue", "orders"), "orders", SOLD),
    "units_per_transaction": Recipe("order_lines", _orders, ("items", "orders"), "orders", SOLD),
}  # fmt: skip
"""KPI → how it is counted."""
