"""Upsell: when customers are ready for more, what goes together, what an offer did, and what customers are worth."""

from journey_widgets.upsell.association import association_measures
from journey_widgets.upsell.baskets import Baskets, baskets, sold
from journey_widgets.upsell.benefit import benefit_of_mending
from journey_widgets.upsell.bg_nbd import BgNbd, fit_bg_nbd
from journey_widgets.upsell.board import Board, board
from journey_widgets.upsell.board_rows import Limits
from journey_widgets.upsell.bundles import bundles
from journey_widgets.upsell.cells import cells, earnings, effects, plan_board
from journey_widgets.upsell.document import Moment, Offer, UpsellPlan
from journey_widgets.upsell.eligibility import eligible, guarded, left_in_peace
from journey_widgets.upsell.gamma_gamma import GammaGamma, fit_gamma_gamma
from journey_widgets.upsell.imported_scores import JudgedScore, judge_scores
from journey_widgets.upsell.library import library
from journey_widgets.upsell.loop import calibration, came_back, contacts_had, planned_and_measured
from journey_widgets.upsell.mbg_nbd import MbgNbd, fit_mbg_nbd
from journey_widgets.upsell.moments import at_horizons, moments, moments_and_horizons
from journey_widgets.upsell.next_offers import NextOffers, next_offers, not_for_sale
from journey_widgets.upsell.offer_funnel import after_offers, offer_funnel
from journey_widgets.upsell.pareto_nbd import ParetoNbd, fit_pareto_nbd
from journey_widgets.upsell.planning import (
    TrialSize,
    assign,
    customers_needed,
    customers_needed_for_a_mean,
    power_of,
    smallest_gain,
    trial_size,
)
from journey_widgets.upsell.propensity import Propensity, known_before, propensity, snapshots
from journey_widgets.upsell.purchases import purchases
from journey_widgets.upsell.returns import trial_return
from journey_widgets.upsell.rfm import rfm
from journey_widgets.upsell.rules import check
from journey_widgets.upsell.score_report import ScoreReport
from journey_widgets.upsell.signals import days_of_signals, followed_by, from_first, signals
from journey_widgets.upsell.tracking import tracking
from journey_widgets.upsell.trial import sample_ratio, trial
from journey_widgets.upsell.uplift import Uplift, policy_value, qini, qini_curve, uplift
from journey_widgets.upsell.value import conventions, expected_value
from journey_widgets.upsell.waiting import (
    cumulative_incidence,
    kaplan_meier,
    log_rank,
    time_to_leave,
    time_to_upgrade,
)

__all__ = [
    "Baskets", "BgNbd", "Board", "GammaGamma", "JudgedScore", "Limits", "MbgNbd", "Moment", "NextOffers", "Offer",
    "ParetoNbd", "Propensity", "ScoreReport", "TrialSize", "Uplift", "UpsellPlan", "after_offers", "assign",
    "association_measures", "at_horizons", "baskets", "benefit_of_mending", "board", "bundles", "calibration",
    "came_back", "cells", "check", "contacts_had", "conventions", "cumulative_incidence", "customers_needed",
    "customers_needed_for_a_mean", "days_of_signals", "earnings", "effects", "eligible", "expected_value",
    "fit_bg_nbd", "fit_gamma_gamma", "fit_mbg_nbd", "fit_pareto_nbd", "followed_by", "from_first", "guarded",
    "judge_scores", "kaplan_meier", "known_before", "left_in_peace", "library", "log_rank", "moments",
    "moments_and_horizons", "next_offers", "not_for_sale", "offer_funnel", "plan_board", "planned_and_measured",
    "policy_value", "power_of", "propensity", "purchases", "qini", "qini_curve", "rfm", "sample_ratio", "signals",
    "smallest_gain", "snapshots", "sold", "time_to_leave", "time_to_upgrade", "tracking", "trial", "trial_return",
    "trial_size", "uplift",
]  # fmt: skip
