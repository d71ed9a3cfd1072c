"""Cross-impact: how touchpoints act on each other and on outcomes, from judgement to what it would change."""

from journey_widgets.cross_impact.agreement import agreement, agreement_numbers
from journey_widgets.cross_impact.chains import chains
from journey_widgets.cross_impact.direct import direct_influence
from journey_widgets.cross_impact.event_odds import EventChances, event_probabilities
from journey_widgets.cross_impact.matrix import Influence, as_influence
from journey_widgets.cross_impact.micmac import attenuated, micmac, rank_change
from journey_widgets.cross_impact.scenarios import (
    as_cib,
    balance_of,
    basins,
    consistent_scenarios,
)
from journey_widgets.cross_impact.stability import leader_sentence, stability
from journey_widgets.cross_impact.total import (
    coupling,
    push,
    strong_links,
    total_influence,
    total_relations,
)
from journey_widgets.cross_impact.what_if import what_if

__all__ = [
    "EventChances",
    "Influence",
    "agreement",
    "agreement_numbers",
    "as_cib",
    "as_influence",
    "attenuated",
    "balance_of",
    "basins",
    "chains",
    "consistent_scenarios",
    "coupling",
    "direct_influence",
    "event_probabilities",
    "leader_sentence",
    "micmac",
    "push",
    "rank_change",
    "stability",
    "strong_links",
    "total_influence",
    "total_relations",
    "what_if",
]
