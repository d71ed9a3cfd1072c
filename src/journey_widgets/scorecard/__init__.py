"""Balanced scorecard: the KPI catalogue, formulas, and scores by stated rules."""

from journey_widgets.scorecard.catalogue import catalogue
from journey_widgets.scorecard.formula import Formula

__all__ = ["Formula", "catalogue"]
