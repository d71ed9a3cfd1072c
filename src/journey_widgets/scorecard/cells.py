"""From rows to values: figures of each period and group are added up in the engine, and the formula is worked out."""

import math
from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import ibis
import ibis.expr.types as ir
import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from ibis import _

from journey_widgets.estimates import Floats
from journey_widgets.events.engine import OURS, beside, collect, engine_of
from journey_widgets.events.shuffle import by_chance
from journey_widgets.scorecard import intervals
from journey_widgets.scorecard.formula import Formula
from journey_widgets.scorecard.recipes import Asked, Recipe
from journey_widgets.scorecard.recipes.figures import FIGURES

NOT_KNOWN = "not known"
"""Method where there is an uncertainty and totals alone cannot tell it."""
NOT_DRAWN = "not drawn"
"""Method where customers would have to be drawn again, and their cases are too many to come here."""
OF_SINGLE_ROWS = ("bootstrap", "t_mean", "order_stat")
MANY_CASES = 2_000_000
"""Cases that come out of a warehouse at most; of more only those at the ranks that are needed do."""
QUANTILES = {"median(": 0.5, "pct(": 0.9}
"""What the formula of a percentile begins with, and which one it is."""


class Cells:
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
        column, drawn = self.recipe.cases, self.method == "bootstrap"
        rows = self.facts.filter(self.facts[column].notnull()).select(
            *self.keys, value=self.facts[column].cast("float64"),
            **({"unit": self.facts.unit.cast("string")} if drawn else {}),
        )  # fmt: skip
        if engine_of(rows) == OURS:
            table, numbers, units, ends = self._lists(rows, drawn)
        elif int(rows.count().to_pyarrow().as_py()) <= MANY_CASES:
            table, numbers, units, ends = self._in_order(rows, drawn)
        else:
            return self._by_ranks(rows, drawn)
        cells = [slice(a, b) for a, b in pairwise(ends)]
        results = [self._case(numbers[c], None if units is None else units[c]) for c in cells]
        for place, name in enumerate(("value", "low", "high")):
            table[name] = [r[place] for r in results]
        return table.assign(n=[c.stop - c.start for c in cells])

    def _lists(self, rows: ir.Table, drawn: bool) -> tuple[pd.DataFrame, Floats, Any, Any]:
        """Return the keys of the cells, the values in order (and whose they are), and where each cell ends."""
        each: ir.Value = (
            ibis.struct({"value": rows.value, "unit": rows.unit}) if drawn else rows.value
        )
        found = (
            rows.group_by(self.keys)
            .agg(values=each.collect().sort())
            .order_by([*self.keys[1:], self.keys[0]])
            .to_pyarrow()
        )
        lists = found.column("values").combine_chunks()
        values, ends = lists.flatten(), lists.offsets.to_numpy()
        units = _numbered(values.field("unit")) if drawn else None
        numbers = (values.field("value") if drawn else values).to_numpy()
        table = found.drop_columns("values").to_pandas()
        return table, numbers, units, ends - ends[0] if len(ends) else ends

    def _in_order(self, rows: ir.Table, drawn: bool) -> tuple[pd.DataFrame, Floats, Any, Any]:
        """Return the same out of a warehouse, not all of which can make lists of pairs."""
        order = [*self.keys[1:], self.keys[0]]
        found = collect(rows).sort_values([*order, "value", *(["unit"] if drawn else [])])
        sizes = found.groupby(order, sort=True, dropna=False).size()
        units = _numbered(pa.array(found["unit"], pa.string())) if drawn else None
        table = sizes.index.to_frame(index=False)[self.keys]
        return table, found["value"].to_numpy("float64"), units, np.append(0, sizes.cumsum())

    def _by_ranks(self, rows: ir.Table, drawn: bool) -> pd.DataFrame:
        """Return the same of cases that are too many to come here: only the values at the ranks that are needed do."""
        share = next((q for b, q in QUANTILES.items() if self.expression.startswith(b)), None)
        sums = {"n": rows.count(), "mean": rows.value.mean(), "spread": rows.value.std()}
        table = collect(rows.group_by(self.keys).agg(**sums)).astype({"n": "int64"})
        table = table.sort_values([*self.keys[1:], self.keys[0]], ignore_index=True)
        if drawn:
            self.method = NOT_DRAWN
        if share is None:
            ends = [
                intervals.mean_of(m, s, n, self.recipe.ends)
                for m, s, n in zip(table["mean"], table["spread"], table["n"], strict=True)
            ]
            table = table.assign(
                value=table["mean"], low=[e[0] for e in ends], high=[e[1] for e in ends]
            )
            return table.drop(columns=["mean", "spread"])
        places = [intervals.places(int(n), share) for n in table["n"]]
        wanted = table[self.keys].loc[table.index.repeat([len(p) for p in places])]
        wanted = wanted.assign(place=np.concatenate([[*p] for p in places]).astype("int64"))
        cell = ibis.window(group_by=self.keys, order_by="value")
        ranked = rows.select(*self.keys, "value", place=ibis.row_number().over(cell).cast("int64"))
        kept = beside(pa.Table.from_pandas(wanted.drop_duplicates(), preserve_index=False), rows)
        values = collect(ranked.join(kept, [*self.keys, "place"])).set_index([*self.keys, "place"])[
            "value"
        ]
        found: list[tuple[float, float, float]] = []
        each = zip(
            table[self.keys].itertuples(index=False), table["n"].tolist(), places, strict=True
        )
        for key, n, p in each:
            at = [math.nan if k < 0 else float(values[(*key, k)]) for k in p]
            between = share * (n - 1)
            value = at[0] + (at[1] - at[0]) * (between - int(between))
            found.append((value, math.nan, math.nan) if drawn else (value, at[2], at[3]))
        for place, name in enumerate(("value", "low", "high")):
            table[name] = [f[place] for f in found]
        return table.drop(columns=["mean", "spread"])

    def _case(self, values: Floats, units: Any) -> tuple[float, float, float]:
        share = next(
            (q for begin, q in QUANTILES.items() if self.expression.startswith(begin)), None
        )
        if share is not None:
            value = intervals.of_sorted(values, share)
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
                "units": (y > 0).cast("int32").sum(), "largest": y.max(),
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
            group_by=self.keys, order_by=[by_chance(each.unit.cast("string")), each.unit]
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


def _numbered(units: pa.StringArray) -> npt.NDArray[np.int64]:
    """Return units as numbers in their order."""
    coded = units.dictionary_encode()
    order = pc.sort_indices(coded.dictionary).to_numpy()
    rank = np.empty(len(order), dtype=np.int64)
    rank[order] = np.arange(len(order))
    found: npt.NDArray[np.int64] = rank[coded.indices.to_numpy()]
    return found


def _is_number(value: Any) -> bool:
    try:
        return math.isfinite(float(str(value)))
    except ValueError:
        return False
