"""Upsell: what goes together, what customers are worth, from what they bought and when they came back."""

from journey_widgets.upsell.association import association_measures
from journey_widgets.upsell.baskets import Baskets, baskets, sold
from journey_widgets.upsell.bg_nbd import BgNbd, fit_bg_nbd
from journey_widgets.upsell.bundles import bundles
from journey_widgets.upsell.gamma_gamma import GammaGamma, fit_gamma_gamma
from journey_widgets.upsell.purchases import purchases
from journey_widgets.upsell.value import conventions, expected_value

__all__ = [
    "Baskets", "BgNbd", "GammaGamma", "association_measures", "baskets", "bundles", "conventions", "expected_value",
    "fit_bg_nbd", "fit_gamma_gamma", "purchases", "sold",
]  # fmt: skip
