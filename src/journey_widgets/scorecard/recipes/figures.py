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
    return own.select(
        "ts", *ask.by, unit=ibis.literal(""),
        **{f: (own.figure == f).ifelse(own.value, 0.0) for f in ask.recipe.figures},
    )  # fmt: skip


def from_figures(kpi: str) -> Recipe:
    """Return the recipe of a KPI from a table of its figures: those that its expression names, added up."""
    names = Formula(catalogue_row(kpi)["expression"]).names
    return Recipe(
        FIGURES, _figures, names, names[-1],
        f"Figures that were typed in or imported: {', '.join(names)}, added up over the period.", repeats=False,
    )  # fmt: skip
