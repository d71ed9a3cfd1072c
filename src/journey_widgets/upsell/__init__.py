"""Upsell: what customers are worth, from how often they come back and what they spend."""

from journey_widgets.upsell.bg_nbd import BgNbd, fit_bg_nbd
from journey_widgets.upsell.gamma_gamma import GammaGamma, fit_gamma_gamma
from journey_widgets.upsell.purchases import purchases
from journey_widgets.upsell.value import conventions, expected_value

__all__ = [
    "BgNbd", "GammaGamma", "conventions", "expected_value", "fit_bg_nbd", "fit_gamma_gamma", "purchases",
]  # fmt: skip
