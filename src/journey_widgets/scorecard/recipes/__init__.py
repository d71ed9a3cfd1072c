"""How each KPI is counted: one file a source, one table of recipes in each."""

from journey_widgets.scorecard.recipes import documents, log, orders, paths, support, survey, trial
from journey_widgets.scorecard.recipes.recipe import Asked, Recipe, Shared

RECIPES: dict[str, Recipe] = {
    kpi: recipe
    for room in (survey, orders, log, paths, support, trial, documents)
    for kpi, recipe in room.RECIPES.items()
}
"""KPI → how it is counted."""
BEYOND = {
    "edge_median": {
        "name": "Median time from one touchpoint to the next", "unit": "hours", "direction": "context",
        "formula": "median time of the steps from one touchpoint directly to another", "expression": "median(hours)",
        "interval_method": "order_stat", "min_n": "20", "aggregation": "median_of_cases",
    },
    "variant_share": {
        "name": "Share of a path", "unit": "ratio", "direction": "context",
        "formula": "customers whose whole path is the one named / customers", "expression": "took/observed",
        "interval_method": "wilson", "min_n": "50", "aggregation": "ratio_of_sums",
    },
}  # fmt: skip
"""Questions about paths that are measured like KPIs and are not in the catalogue."""

__all__ = ["BEYOND", "RECIPES", "Asked", "Recipe", "Shared"]
