"""Upsell: when customers are ready for more, what goes together, and what they are worth."""

from journey_widgets.upsell.association import association_measures
from journey_widgets.upsell.baskets import Baskets, baskets, sold
from journey_widgets.upsell.bg_nbd import BgNbd, fit_bg_nbd
from journey_widgets.upsell.bundles import bundles
from journey_widgets.upsell.gamma_gamma import GammaGamma, fit_gamma_gamma
from journey_widgets.upsell.moments import at_horizons, moments
from journey_widgets.upsell.purchases import purchases
from journey_widgets.upsell.value import conventions, expected_value

__all__ = [
    "Baskets", "BgNbd", "GammaGamma", "association_measures", "at_horizons", "baskets", "bundles", "conventions",
    "expected_value", "fit_bg_nbd", "fit_gamma_gamma", "moments", "purchases", "sold",
]  # fmt: skip
