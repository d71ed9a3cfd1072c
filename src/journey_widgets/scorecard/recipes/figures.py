"""KPIs whose figures come from elsewhere: typed in, or exported by another tool."""

import ibis
import ibis.expr.types as ir

from journey_widgets.scorecard.catalogue import kpi as catalogue_row
from journey_widgets.scorecard.formula import Formula
from journey_widgets.scorecard.recipes.recipe import Asked, Recipe

FIGURES = "figures"


def _figures(ask: Asked) -> ir.Table:
    """Return the KPI's figures, one column each."""
    table = ask.table("kpi", "figure", "ts", "value")
    own = table.filter(table.kpi == ask.kpi)
    named = [f for f in ask.recipe.figures if f != ENTRIES]
    figures = {f: (own.figure == f).ifelse(own.value, None) for f in named}
    return own.select("ts", *ask.by, unit=ibis.literal(""), rows=ibis.literal(1), **figures)


COUNTED = ("wilson", "poisson", "newcombe", "nps_adj_wald")
"""Methods whose base is a number of things."""
THINGS = frozenset({"leads", "new_customers", "active", "contacts"})
"""Figures that count things: where a formula divides by them, they are n. Of other KPIs, n is the number of entries."""
ENTRIES = "rows"


def from_figures(kpi: str) -> Recipe:
    """Return the recipe of a KPI from a table of its figures: those that its expression names, added up.

    A figure that was entered nowhere in a period is missing there, and so is the value.
    """
    row = catalogue_row(kpi)
    formula = Formula(row["expression"])
    counted = row["interval_method"] in COUNTED or (
        bool(formula.denominators) and THINGS.issuperset(formula.denominators)
    )
    base = " + ".join(formula.denominators or formula.names[:1]) if counted else ""
    figures = formula.names if base else (*formula.names, ENTRIES)
    return Recipe(
        FIGURES, _figures, figures, base or ENTRIES,
        f"Figures that were typed in or imported: {', '.join(formula.names)}, added up over the period.",
    )  # fmt: skip
