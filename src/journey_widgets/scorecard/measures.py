"""KPIs measured from the sources: figures are added up in the engine, the catalogue's formula is worked out from them,
and no value is without its n, its interval and its state.
"""

import hashlib
import math
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd
from ibis import _

from journey_widgets.errors import JourneyDataError
from journey_widgets.estimates import Floats
from journey_widgets.events.engine import collect
from journey_widgets.journey.definition import defined
from journey_widgets.scorecard import intervals
from journey_widgets.scorecard.catalogue import catalogue
from journey_widgets.scorecard.catalogue import kpi as catalogue_row
from journey_widgets.scorecard.formula import Formula
from journey_widgets.scorecard.recipes import BEYOND, RECIPES, Asked, Recipe, Shared
from journey_widgets.scorecard.recipes.figures import FIGURES, from_figures
from journey_widgets.scorecard.recipes.recipe import Words

DRAWS = 400
NO_DATA, INSUFFICIENT = "no_data", "insufficient"
NOT_KNOWN = "not known"
"""Method where there is an uncertainty and totals alone cannot tell it."""
OF_SINGLE_ROWS = ("bootstrap", "t_mean", "order_stat")
OWN = ("kpi", "period", "value", "n", "low", "high", "state", "open", "method", "definition")
QUANTILES = {"median(": 0.5, "pct(": 0.9}
"""What the formula of a percentile begins with, and which one it is."""


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
    shared = Shared()
    try:
        return _measure(
            kpi, sources, period, by, zone, until, words or {}, options or {}, draws, seed, shared
        )
    finally:
        shared.close()


def measure_many(
    kpis: Iterable[str],
    sources: Mapping[str, Any],
    *,
    period: str = "month",
    by: Sequence[str] = (),
    zone: str = "UTC",
    until: datetime | None = None,
    words: Words | None = None,
    options: Mapping[str, Mapping[str, Any]] | None = None,
    draws: int = DRAWS,
    seed: int = 1,
) -> pd.DataFrame:
    """Measure several KPIs, as `measure` does one; what they have in common is read once.

    `options` holds the options of each KPI by its id. The rows of one KPI follow those of the one before.
    """
    shared = Shared()
    try:
        frames = [
            _measure(
                k, sources, period, by, zone, until, words or {}, (options or {}).get(k, {}), draws, seed, shared
            )
            for k in kpis
        ]  # fmt: skip
    finally:
        shared.close()
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
    shared = Shared()
    groups = _grouped_by(by)
    try:
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
        there = {b: c for b, c in zip(ask.by, groups, strict=True) if c not in found.columns}
        found = found.drop(columns=[b for b in ask.by if b not in there]).rename(columns=there)
        return defined(
            found, f"{_row(kpi)['name']} in the {period} of {pd.Timestamp(at):%-d %B %Y}"
        )
    finally:
        shared.close()


def measure_with(
    shared: Shared, kpi: str, sources: Mapping[str, Any], **asked: Any
) -> pd.DataFrame:
    """Measure one KPI as `measure` does, with tables that others of the same asking use too."""
    given = {
        "period": "month", "by": (), "zone": "UTC", "until": None, "words": {}, "options": {}, "draws": DRAWS,
        "seed": 1, **asked,
    }  # fmt: skip
    return _measure(
        kpi, sources, given["period"], given["by"], given["zone"], given["until"], given["words"], given["options"],
        given["draws"], given["seed"], shared,
    )  # fmt: skip


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


def _measure(
    kpi: str, sources: Mapping[str, Any], period: str, by: Sequence[str], zone: str, until: datetime | None,
    words: Words, options: Mapping[str, Any], draws: int, seed: int, shared: Shared,
) -> pd.DataFrame:  # fmt: skip
    row, recipe = _row(kpi), recipe_of(kpi, sources)
    groups = _grouped_by(by)
    ask = Asked(kpi, recipe, sources, groups, period, zone, until, words, options, shared)
    facts = recipe.rows(ask)
    if "period" not in facts.columns:
        timed = "ts" in facts.columns
        facts = facts.mutate(period=ask.number(facts.ts) if timed else ibis.literal(0, "int64"))
    cells = _Cells(ask, recipe, row, facts, ["period", *ask.by], draws, seed)
    found = cells.of_cases() if recipe.cases else cells.of_sums()
    said = _said(ask, recipe, row, cells.method)
    if found.empty:
        return defined(_framed(kpi, _empty(groups), groups, said, cells.method), said)
    found = found[[*cells.keys, "value", "n", "low", "high"]]
    found = _without_gaps(found.rename(columns=dict(zip(ask.by, groups, strict=True))), groups)
    found["open"], found["period"] = _periods(ask, found["period"], timed="ts" in facts.columns)
    least = 0 if cells.method == NOT_KNOWN else int(row["min_n"] or 0)
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
    open_ = ask.still_waits([ask.calendar.begins_utc(n + 1) for n in many])
    return open_, pd.to_datetime([ask.calendar.begins(n) for n in many])


class _Cells:
    """The periods and groups of one KPI."""

    def __init__(
        self, ask: Asked, recipe: Recipe, row: Mapping[str, str], facts: ir.Table, keys: list[str], draws: int,
        seed: int,
    ) -> None:  # fmt: skip
        self.ask, self.recipe, self.facts, self.keys = ask, recipe, facts, keys
        self.expression, self.method = row["expression"], row["interval_method"]
        if recipe.source == FIGURES and self.method in OF_SINGLE_ROWS:
            self.method = NOT_KNOWN
        self.draws, self.seed = draws, seed
        self.numbers = {o: float(v) for o, v in ask.options.items() if _is_number(v)}

    # --- values of single cases: medians, percentiles, means

    def of_cases(self) -> pd.DataFrame:
        """Return value, n and interval of each cell from the values of its cases, in order."""
        column, order = self.recipe.cases, [*self.keys[1:], self.keys[0]]
        of_whom = (
            {"unit": self.facts.unit.cast("string").hash()} if self.method == "bootstrap" else {}
        )
        rows = self.facts.filter(self.facts[column].notnull()).select(
            *self.keys, value=self.facts[column].cast("float64"), **of_whom
        )
        table = collect(rows.order_by([*order, "value"]))
        if table.empty:
            return table.assign(n=0, low=math.nan, high=math.nan)
        codes = table.groupby(order, sort=False, dropna=False).ngroup().to_numpy()
        heads = np.flatnonzero(np.append(True, codes[1:] != codes[:-1]))
        values = np.split(table["value"].to_numpy("float64"), heads[1:])
        found = table.iloc[heads][self.keys].reset_index(drop=True)
        units = np.split(table["unit"].to_numpy(), heads[1:]) if of_whom else [None] * len(values)
        results = [self._case(v, u) for v, u in zip(values, units, strict=True)]
        for place, name in enumerate(("value", "low", "high")):
            found[name] = [r[place] for r in results]
        return found.assign(n=[len(v) for v in values])

    def _case(self, values: Floats, units: Any) -> tuple[float, float, float]:
        share = next(
            (q for begin, q in QUANTILES.items() if self.expression.startswith(begin)), None
        )
        if share is not None:
            value = float(np.percentile(values, 100 * share))
            if units is None:
                return value, *intervals.quantile(values, share)
            return value, *intervals.quantile_drawn(
                values, units, share, draws=self.draws, seed=self.seed
            )
        if self.method == "t_mean":
            return float(values.mean()), *intervals.mean(values, self.recipe.ends)
        (name,) = Formula(self.expression).names
        found = Formula(self.expression).value({name: values.tolist()})
        return math.nan if found is None else found, math.nan, math.nan

    # --- sums

    def of_sums(self) -> pd.DataFrame:
        """Return value, n and interval of each cell from its figures, added up."""
        by_unit = bool(self.recipe.once) or self.method == "bootstrap" or (
            self.method == "wilson" and self.recipe.repeats
        )  # fmt: skip
        each = self._by_unit() if by_unit else None
        if each is None:
            sums: dict[str, Any] = {
                f: self.facts[f].sum().cast("float64") for f in self.recipe.figures
            }
            found = collect(self.facts.group_by(self.keys).agg(**sums))
        else:
            found = collect(each.group_by(self.keys).agg(**self._over_units(each)))
        if found.empty:
            return found.assign(value=math.nan, n=0, low=math.nan, high=math.nan)
        found["value"] = self._values(
            {f: found[f].to_numpy("float64") for f in self.recipe.figures}
        )
        base = Formula(self.recipe.base).values(
            {f: found[f].to_numpy("float64") for f in self.recipe.figures}
        )
        found["n"] = np.round(np.nan_to_num(base)).astype("int64")
        found["low"], found["high"] = self._interval(found, each)
        if each is not None and self.method == "bootstrap":
            self.ask.shared.drop(each)
        return found

    def _by_unit(self) -> ir.Table:
        """Return the figures of each customer in each cell."""
        once = set(self.recipe.once)
        sums = {
            f: (self.facts[f].max() if f in once else self.facts[f].sum()).cast("float64")
            for f in self.recipe.figures
        }
        each = self.facts.group_by([*self.keys, "unit"]).agg(**sums)
        return self.ask.shared.kept(each) if self.method == "bootstrap" else each

    def _over_units(self, each: ir.Table) -> dict[str, Any]:
        sums: dict[str, Any] = {f: each[f].sum() for f in self.recipe.figures}
        if self.method == "wilson":
            names = Formula(self.recipe.base).names
            x, y = each[self.recipe.figures[0]], each[names[0]]
            if len(names) > 1:
                rest = each[names[1]]
                y = y + rest if "+" in self.recipe.base else y - rest
            sums |= {
                "x": x.sum(), "y": y.sum(), "xx": (x * x).sum(), "xy": (x * y).sum(), "yy": (y * y).sum(),
                "units": (y > 0).cast("int64").sum(), "largest": y.max(),
            }  # fmt: skip
        return sums

    def _values(self, figures: Mapping[str, Floats]) -> Floats:
        """Return the value of the formula for figures, derived ones included."""
        given: dict[str, Floats] = {**figures}
        size = len(next(iter(figures.values())))
        given |= {o: np.full(size, v) for o, v in self.numbers.items() if o not in given}
        for name, text in self.recipe.derived.items():
            given[name] = Formula(text).values(given)
        return Formula(self.expression).values(given)

    def _interval(self, found: pd.DataFrame, each: ir.Table | None) -> tuple[Any, Any]:
        value, n = found["value"].to_numpy("float64"), found["n"].to_numpy("float64")
        if self.method == "wilson":
            return intervals.share(found, value, n)
        if self.method == "poisson":
            return self._counts(found)
        if self.method == "nps_adj_wald":
            return intervals.promoters(found)
        if self.method == "newcombe":
            return intervals.arms(found)
        if self.method == "bootstrap" and each is not None and self.recipe.source != FIGURES:
            return self._drawn(found, each)
        return intervals.none(len(found))

    def _counts(self, found: pd.DataFrame) -> tuple[Floats, Floats]:
        """Return the intervals of rare events: the formula at both ends of what was counted."""
        figures = {f: found[f].to_numpy("float64") for f in self.recipe.figures}
        counted = self.recipe.figures[0]
        ends = intervals.counts(figures[counted])
        low, high = (self._values({**figures, counted: end}) for end in ends)
        return low, high

    def _drawn(self, found: pd.DataFrame, each: ir.Table) -> tuple[Floats, Floats]:
        """Return the intervals by drawing customers again; many of them are drawn in random groups."""
        shuffled = ibis.window(
            group_by=self.keys, order_by=[each.unit.cast("string").hash(), each.unit]
        )
        slotted = each.mutate(slot=ibis.row_number().over(shuffled) % intervals.SLOTS)
        figures = list(self.recipe.figures)
        sums = {f: _[f].sum() for f in figures}
        table = collect(slotted.group_by([*self.keys, "slot"]).agg(**sums))
        table["cell"] = pd.MultiIndex.from_frame(found[self.keys]).get_indexer(
            pd.MultiIndex.from_frame(table[self.keys])
        )
        table = table.sort_values(["cell", "slot"], ignore_index=True)
        heads = np.flatnonzero(np.diff(table["cell"].to_numpy(), prepend=-1))
        cells = np.split(table[figures].to_numpy("float64"), heads[1:])

        def value(totals: Floats) -> Floats:
            return self._values({f: totals[:, i] for i, f in enumerate(figures)})

        return intervals.drawn(cells, value, draws=self.draws, seed=self.seed)


def _is_number(value: Any) -> bool:
    try:
        return math.isfinite(float(str(value)))
    except ValueError:
        return False


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
