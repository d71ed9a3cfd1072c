"""KPIs measured from the sources: figures are added up in the engine, the catalogue's formula is worked out from them,
and no value is without its n, its interval and its state.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from datetime import datetime
from typing import Any

import ibis
import numpy as np
import pandas as pd
from ibis import _

from journey_widgets.definition import defined
from journey_widgets.errors import JourneyDataError
from journey_widgets.events.engine import collect
from journey_widgets.scorecard.catalogue import catalogue
from journey_widgets.scorecard.catalogue import kpi as catalogue_row
from journey_widgets.scorecard.cells import NOT_KNOWN, Cells
from journey_widgets.scorecard.formula import Formula
from journey_widgets.scorecard.recipes import BEYOND, RECIPES, Asked, Recipe, Shared
from journey_widgets.scorecard.recipes.figures import ENTRIES, FIGURES, from_figures
from journey_widgets.scorecard.recipes.recipe import Words

DRAWS = 400
NO_DATA, INSUFFICIENT = "no_data", "insufficient"
OWN = ("kpi", "period", "value", "n", "low", "high", "state", "open", "method", "definition")


def measure(
    kpi: str,
    sources: Mapping[str, Any],
    *,
    period: str = "month",
    by: Sequence[str] = (),
    zone: str = "UTC",
    until: datetime | None = None,
    words: Words | None = None,
    options: Mapping[str, Any] | None = None,
    draws: int = DRAWS,
    seed: int = 1,
) -> pd.DataFrame:
    """Measure one KPI of the catalogue in every period and group.

    Parameters
    ----------
    kpi
        Id in the catalogue; `measured` lists those that can be. Where its source is not there, the source
        ``figures`` is used.
    sources
        Name of a contract → the source, or a table or frame with its columns; ``journey``, ``raci`` and ``roles`` →
        those documents.
    period
        ``"day"``, ``"week"`` or ``"month"``, on the clock of `zone`; ``"all"`` for the whole of the data.
    by
        Columns of the source to group by, or ``"stage"``; a blank value is the group ``"not known"``. Customers of the
        event log are in the group of their first event.
    zone
        Time zone, such as ``"Europe/Rome"``.
    until
        Up to when the data are complete (naive, UTC); the last row by default. A period that ends later is open, and
        so is one whose last rows still wait for what may follow.
    words
        Word a recipe looks for → touchpoints of the log, or activities of the support log, that it means.
    options
        Option of the recipe → its value: windows such as ``"30d"``, names of columns.
    draws, seed
        Of the intervals that are found by drawing customers again.

    Returns
    -------
    pandas.DataFrame
        One row per group and period, in that order, without gaps from the first period to the last. Columns: ``kpi``
        (str); ``period`` (datetime64, its local midnight; missing where the data have no time); the columns of `by`
        (str); ``value`` (float64, in the unit of the catalogue); ``n`` (int64); ``low``, ``high`` (float64, 95 %);
        ``state`` (str: ``""``, ``"insufficient"`` below the catalogue's least n, ``"no_data"``); ``open`` (bool);
        ``method`` (str); ``definition`` (str, id of what was counted and how).

    Raises
    ------
    JourneyDataError
        An unknown KPI, one that no recipe is known for, a source, column, word or option that is not there.
    """
    with closing(Shared()) as shared:
        return measure_with(
            shared, kpi, sources, period=period, by=by, zone=zone, until=until, words=words, options=options,
            draws=draws, seed=seed,
        )  # fmt: skip


def measure_many(
    kpis: Iterable[str], sources: Mapping[str, Any], *,
    options: Mapping[str, Mapping[str, Any]] | None = None, **asked: Any,
) -> pd.DataFrame:  # fmt: skip
    """Measure several KPIs, as `measure` does one; what they have in common is read once.

    `options` holds the options of each KPI by its id, `asked` what else `measure` takes. The rows of one KPI follow
    those of the one before.
    """
    with closing(Shared(many=True)) as shared:
        own = options or {}
        frames = [measure_with(shared, k, sources, options=own.get(k), **asked) for k in kpis]
    if not frames:
        msg = "Name at least one KPI to measure; measured() lists them."
        raise JourneyDataError(msg)
    return pd.concat(frames, ignore_index=True)


def records(
    kpi: str,
    sources: Mapping[str, Any],
    at: datetime | str,
    *,
    period: str = "month",
    by: Sequence[str] = (),
    zone: str = "UTC",
    until: datetime | None = None,
    words: Words | None = None,
    options: Mapping[str, Any] | None = None,
    limit: int = 10_000,
) -> pd.DataFrame:
    """Return the rows behind a KPI's value in one period: what was counted, whose it was, and with which figures.

    Parameters
    ----------
    at
        The period's beginning, as `measure` gives it in ``period``; the rest as for `measure`.
    limit
        Rows returned at most, in order of unit.

    Returns
    -------
    pandas.DataFrame
        Columns: ``customer_id`` (str; the unit drawn for intervals where the source has no customers), ``ts`` where the
        rows have a time, the columns of `by`, and the figures of the formula (or the single value, such as ``hours``).
        The figures add up to those of the value; of a median, its n is the number of rows.
    """
    groups = _grouped_by(by)
    with closing(Shared()) as shared:
        recipe = recipe_of(kpi, sources)
        ask = Asked(
            kpi, recipe, sources, groups, period, zone, until, words or {}, options or {}, shared
        )
        facts = recipe.rows(ask)
        if "period" not in facts.columns and "ts" in facts.columns:
            facts = facts.mutate(period=ask.number(facts.ts))
        if "period" in facts.columns and period != "all" and ask.first is not None:
            facts = facts.filter(facts.period == ask.calendar.number_on(pd.Timestamp(at).date()))
        figures = [recipe.cases] if recipe.cases else list(recipe.figures)
        columns = [c for c in ("ts", *ask.by, *figures) if c in facts.columns]
        if recipe.source == "events":
            first = ask.index.table.filter(_.step == 1)
            names = first.select("customer", customer_id=_.customer_id.cast("string"))
            facts = facts.select("unit", *columns).join(names, _.unit == names.customer)
        elif "unit" in facts.columns:
            facts = facts.mutate(customer_id=facts.unit.cast("string"))
        wanted = [*(["customer_id"] if "customer_id" in facts.columns else []), *columns]
        found = collect(facts.select(wanted).order_by(wanted).limit(limit))
        found = found.assign(
            **{b: ask.group_names(b, found[b]) for b in ask.by if b in found.columns}
        )
        there = {b: c for b, c in zip(ask.by, groups, strict=True) if c not in found.columns}
        found = found.drop(columns=[b for b in ask.by if b not in there]).rename(columns=there)
        return defined(
            found, f"{_row(kpi)['name']} in the {period} of {pd.Timestamp(at):%-d %B %Y}"
        )


def measured() -> pd.DataFrame:
    """Return which KPIs `measure` counts from the sources, and which need figures typed in or imported.

    Returns
    -------
    pandas.DataFrame
        Columns, all str: ``kpi``, ``name``, ``source`` (``"figures"`` where its figures come from elsewhere),
        ``counted`` (in words), ``words``, ``options`` (those that can be given), ``formula``, ``interval``.
    """
    rows = []
    for k in [*catalogue()["kpi"], *BEYOND]:
        recipe = RECIPES.get(k)
        row = _row(k)
        if recipe is None:
            names = ", ".join(Formula(row["expression"]).names)
            counted = f"Figures that are typed in or imported: {names}."
            rows.append(
                (k, row["name"], FIGURES, counted, "", "", row["formula"], row["interval_method"])
            )
            continue
        rows.append(
            (k, row["name"], recipe.source, recipe.said, ", ".join(recipe.words), ", ".join(recipe.options),
             row["formula"], row["interval_method"])
        )  # fmt: skip
    columns = ["kpi", "name", "source", "counted", "words", "options", "formula", "interval"]
    return pd.DataFrame(rows, columns=columns).astype("str")


def _row(kpi: str) -> Mapping[str, str]:
    return BEYOND[kpi] if kpi in BEYOND else catalogue_row(kpi)


def recipe_of(kpi: str, sources: Mapping[str, Any]) -> Recipe:
    """Return how a KPI is counted: by its recipe, or from a table of its figures where there is none."""
    _row(kpi)
    if kpi in RECIPES and (RECIPES[kpi].source in sources or FIGURES not in sources):
        return RECIPES[kpi]
    if FIGURES not in sources:
        names = ", ".join(Formula(_row(kpi)["expression"]).names)
        msg = (
            f"{kpi} is not counted from the sources: it needs the figures {names}. Give them as sources['figures'], "
            "with the columns kpi, figure, ts and value."
        )
        raise JourneyDataError(msg)
    recipe = from_figures(kpi)
    if any(
        f in Formula(_row(kpi)["expression"]).text for f in ("sum(", "median(", "pct(", "mean(")
    ):
        msg = f"{kpi} is made of single values, not of totals; it cannot be worked out from a table of figures."
        raise JourneyDataError(msg)
    return recipe


def measure_with(
    shared: Shared, kpi: str, sources: Mapping[str, Any], *, period: str = "month", by: Sequence[str] = (),
    zone: str = "UTC", until: datetime | None = None, words: Words | None = None,
    options: Mapping[str, Any] | None = None, draws: int = DRAWS, seed: int = 1,
) -> pd.DataFrame:  # fmt: skip
    """Measure one KPI as `measure` does, with tables that others of the same asking use too."""
    row, recipe = _row(kpi), recipe_of(kpi, sources)
    groups = _grouped_by(by)
    ask = Asked(
        kpi, recipe, sources, groups, period, zone, until, words or {}, options or {}, shared
    )
    facts = recipe.rows(ask)
    if "period" not in facts.columns:
        timed = "ts" in facts.columns
        facts = facts.mutate(period=ask.number(facts.ts) if timed else ibis.literal(0, "int64"))
    cells = Cells(ask, recipe, row, facts, ["period", *ask.by], draws, seed)
    found = cells.of_cases() if recipe.cases else cells.of_sums()
    said = _said(ask, recipe, row, cells.method)
    if found.empty:
        return defined(_framed(kpi, _empty(groups), groups, said, cells.method), said)
    found = found[[*cells.keys, "value", "n", "low", "high"]]
    found = found.assign(**{b: ask.group_names(b, found[b]) for b in ask.by})
    found = _without_gaps(found.rename(columns=dict(zip(ask.by, groups, strict=True))), groups)
    found["open"], found["period"] = _periods(ask, found["period"], timed="ts" in facts.columns)
    # The least n of the catalogue is one of customers or cases: a number of entries says nothing of it.
    entries = recipe.source == FIGURES and recipe.base == ENTRIES
    least = 0 if entries or cells.method == NOT_KNOWN else int(row["min_n"] or 0)
    nothing = (found["n"] == 0) | (found["value"].isna() & (recipe.source == FIGURES))
    found["state"] = np.where(nothing, NO_DATA, np.where(found["n"] < least, INSUFFICIENT, ""))
    return defined(_framed(kpi, found, groups, said, cells.method), said)


def _grouped_by(by: Sequence[str]) -> tuple[str, ...]:
    """Return the columns to group by; names of the result's own columns are refused."""
    groups = (by,) if isinstance(by, str) else tuple(by)
    taken = next((c for c in groups if c in OWN), None)
    if taken is not None or len(set(groups)) < len(groups):
        what = f"{taken!r} is a column of the result" if taken else "a column is named twice"
        msg = (
            f"by is {', '.join(groups)}: {what}. Rename it in the mapping, or group by another one."
        )
        raise JourneyDataError(msg)
    return groups


def _said(ask: Asked, recipe: Recipe, row: Mapping[str, str], method: str) -> str:
    used = [f"{w} = {' or '.join(m)}" for w, m in ask.used.items()]
    chosen = [f"{o} = {v}" for o, v in ask.options.items() if str(v)]
    parts = [
        f"{row['name']}: {row['formula']}. {recipe.said}", f"By {ask.period_length}, {ask.zone}.",
        f"Interval: {method}, 95 %.",
        *([f"Words: {'; '.join(used)}."] if used else []),
        *([f"Options: {'; '.join(chosen)}."] if chosen else []),
    ]  # fmt: skip
    return " ".join(parts)


def _periods(ask: Asked, numbers: pd.Series, *, timed: bool) -> tuple[list[bool], Any]:
    """Return whether each period is open, and where it begins."""
    many = [int(n) for n in numbers]
    if ask.period_length == "all" or not (timed or ask.first is not None):
        begins = ask.calendar.begins(ask.calendar.number_of(ask.first)) if ask.first else None
        return [False] * len(many), pd.Series(
            [pd.Timestamp(begins) if begins else pd.NaT] * len(many)
        )
    own = sorted(set(many))
    waits = ask.still_waits([ask.calendar.begins_utc(n + 1) for n in own])
    open_, midnights = dict(zip(own, waits, strict=True)), {n: ask.calendar.begins(n) for n in own}
    return [open_[n] for n in many], pd.to_datetime([midnights[n] for n in many])


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
        "period": "datetime64[us]",
        **dict.fromkeys(groups, "object"),
        "value": "float64",
        "n": "int64",
    }
    columns |= {"low": "float64", "high": "float64", "state": "object", "open": "bool"}
    return pd.DataFrame({c: pd.Series(dtype=t) for c, t in columns.items()})


def definition_id(name: str, said: str) -> str:
    """Return the id of what was counted and how: another wording is another figure."""
    return f"{name}/{hashlib.sha256(said.encode()).hexdigest()[:8]}"


def _framed(
    kpi: str, found: pd.DataFrame, groups: tuple[str, ...], said: str, method: str
) -> pd.DataFrame:
    columns = ["period", *groups, "value", "n", "low", "high", "state", "open"]
    frame = found[columns].assign(method=method, definition=definition_id(kpi, said))
    frame.insert(0, "kpi", kpi)
    return frame
