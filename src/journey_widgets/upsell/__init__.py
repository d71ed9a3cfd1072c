"""Upsell: when customers are ready for more, what goes together, what an offer did, and what customers are worth."""

from journey_widgets.upsell.association import association_measures
from journey_widgets.upsell.baskets import Baskets, baskets, sold
from journey_widgets.upsell.bg_nbd import BgNbd, fit_bg_nbd
from journey_widgets.upsell.board import Board, Limits, board
from journey_widgets.upsell.bundles import bundles
from journey_widgets.upsell.gamma_gamma import GammaGamma, fit_gamma_gamma
from journey_widgets.upsell.mbg_nbd import MbgNbd, fit_mbg_nbd
from journey_widgets.upsell.moments import at_horizons, moments
from journey_widgets.upsell.next_offers import NextOffers, next_offers
from journey_widgets.upsell.pareto_nbd import ParetoNbd, fit_pareto_nbd
from journey_widgets.upsell.planning import (
    assign,
    customers_needed,
    customers_needed_for_a_mean,
    power_of,
    smallest_gain,
)
from journey_widgets.upsell.propensity import Propensity, propensity, snapshots
from journey_widgets.upsell.purchases import purchases
from journey_widgets.upsell.returns import trial_return
from journey_widgets.upsell.rfm import rfm
from journey_widgets.upsell.score_report import ScoreReport
from journey_widgets.upsell.trial import sample_ratio, trial
from journey_widgets.upsell.uplift import Uplift, policy_value, qini, qini_curve, uplift
from journey_widgets.upsell.value import conventions, expected_value
from journey_widgets.upsell.waiting import (
    cumulative_incidence,
    kaplan_meier,
    log_rank,
    time_to_upgrade,
)

__all__ = [
    "Baskets", "BgNbd", "Board", "GammaGamma", "Limits", "MbgNbd", "NextOffers", "ParetoNbd", "Propensity",
    "ScoreReport", "Uplift", "assign", "association_measures", "at_horizons", "baskets", "board", "bundles",
    "conventions", "cumulative_incidence", "customers_needed", "customers_needed_for_a_mean", "expected_value",
    "fit_bg_nbd", "fit_gamma_gamma", "fit_mbg_nbd", "fit_pareto_nbd", "kaplan_meier", "log_rank", "moments",
    "next_offers", "policy_value", "power_of", "propensity", "purchases", "qini", "qini_curve", "rfm", "sample_ratio",
    "smallest_gain", "snapshots", "sold", "time_to_upgrade", "trial", "trial_return", "uplift",
]  # fmt: skip
