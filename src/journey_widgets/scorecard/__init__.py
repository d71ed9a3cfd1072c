"""Balanced scorecard: KPIs that are measured, scores by stated rules, and what is not known said beside them."""

from journey_widgets.estimates import nps
from journey_widgets.scorecard.at_touchpoints import at_touchpoints
from journey_widgets.scorecard.catalogue import catalogue
from journey_widgets.scorecard.differences import mix_and_rate, reversal, weight_sensitivity
from journey_widgets.scorecard.document import Kpi, Objective, Perspective, Scorecard
from journey_widgets.scorecard.formula import Formula
from journey_widgets.scorecard.measures import measure, measure_many, measured, records
from journey_widgets.scorecard.roll_up import Node, change, roll_up
from journey_widgets.scorecard.rules import check
from journey_widgets.scorecard.series import series
from journey_widgets.scorecard.signals import funnel_limits, xmr
from journey_widgets.scorecard.standing import alarms, standing
from journey_widgets.scorecard.strategy import arrows
from journey_widgets.scorecard.trade_offs import trade_offs

__all__ = [
    "Formula", "Kpi", "Node", "Objective", "Perspective", "Scorecard", "alarms", "arrows", "at_touchpoints",
    "catalogue", "change", "check", "funnel_limits", "measure", "measure_many", "measured", "mix_and_rate", "nps",
    "records", "reversal", "roll_up", "series", "standing", "trade_offs", "weight_sensitivity", "xmr",
]  # fmt: skip
