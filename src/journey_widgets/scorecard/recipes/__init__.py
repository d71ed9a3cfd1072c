"""How each KPI is counted: one file a source, one table of recipes in each."""

from journey_widgets.scorecard.recipes import (
    documents,
    log,
    orders,
    paths,
    support,
    survey,
    trial,
    value,
)
from journey_widgets.scorecard.recipes.recipe import Asked, Recipe, Shared

RECIPES: dict[str, Recipe] = {
    kpi: recipe
    for room in (survey, orders, log, paths, support, trial, value, documents)
    for kpi, recipe in room.RECIPES.items()
}
"""KPI → how it is counted."""
OF_DOCUMENTS = frozenset(documents.RECIPES)
"""KPIs that are counted in documents: they are about parts of a plan, not about people."""
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
    "revenue": {
        "name": "Revenue", "unit": "currency", "direction": "up", "formula": "amounts of order lines, added up",
        "expression": "revenue", "interval_method": "none", "min_n": "", "aggregation": "sum",
    },
    "orders": {
        "name": "Orders", "unit": "count", "direction": "up", "formula": "orders", "expression": "orders",
        "interval_method": "none", "min_n": "", "aggregation": "sum",
    },
    "buyers": {
        "name": "Buyers", "unit": "count", "direction": "up", "formula": "customers with an order",
        "expression": "buyers", "interval_method": "none", "min_n": "", "aggregation": "recompute",
    },
    "board_calibration": {
        "name": "Calibration of the opportunity board", "unit": "ratio", "direction": "context",
        "formula": "difference of the shares that bought, contacted and left alone / mean of what was expected",
        "expression": "(kt/nt-kc/nc)/(et/nt)", "interval_method": "bootstrap", "min_n": "200",
        "aggregation": "recompute",
    },
    "clv_expected": {
        "name": "Expected value of a customer", "unit": "currency", "direction": "up",
        "formula": "mean over customers of expected purchases x expected worth of one, within the horizon, discounted",
        "expression": "mean(value)", "interval_method": "t_mean", "min_n": "100", "aggregation": "recompute",
        "lead_lag": "lead",
    },
}  # fmt: skip
"""What is measured like a KPI and is not in the catalogue: questions about paths, plain totals, a model of buying, a
plan of contacts."""

__all__ = ["BEYOND", "OF_DOCUMENTS", "RECIPES", "Asked", "Recipe", "Shared"]
