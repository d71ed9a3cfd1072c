"""Cross-impact: how touchpoints act on each other and on outcomes, from judgement to what it would change."""

from journey_widgets.cross_impact.agreement import agreement, agreement_numbers
from journey_widgets.cross_impact.chains import chains
from journey_widgets.cross_impact.changes import cell_changes, version_change
from journey_widgets.cross_impact.direct import direct_influence
from journey_widgets.cross_impact.discuss import cells_to_discuss
from journey_widgets.cross_impact.document import CrossImpact, Intervention, Judgement
from journey_widgets.cross_impact.event_odds import EventChances, event_probabilities
from journey_widgets.cross_impact.evidence import conflicts, evidence
from journey_widgets.cross_impact.futures import Futures, read_scw, read_sl, write_scw, write_sl
from journey_widgets.cross_impact.influence_map import influence_map
from journey_widgets.cross_impact.intervention import intervention_effect
from journey_widgets.cross_impact.matrix import Influence, as_influence
from journey_widgets.cross_impact.micmac import attenuated, micmac, rank_change
from journey_widgets.cross_impact.observed import (
    lagged,
    later_visits,
    repeat_contacts,
    scores_together,
)
from journey_widgets.cross_impact.priorities import priorities
from journey_widgets.cross_impact.rules import check
from journey_widgets.cross_impact.scenarios import (
    as_cib,
    balance_of,
    basins,
    consistent_scenarios,
)
from journey_widgets.cross_impact.square import from_square
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
    "CrossImpact",
    "EventChances",
    "Futures",
    "Influence",
    "Intervention",
    "Judgement",
    "agreement",
    "agreement_numbers",
    "as_cib",
    "as_influence",
    "attenuated",
    "balance_of",
    "basins",
    "cell_changes",
    "cells_to_discuss",
    "chains",
    "check",
    "conflicts",
    "consistent_scenarios",
    "coupling",
    "direct_influence",
    "event_probabilities",
    "evidence",
    "from_square",
    "influence_map",
    "intervention_effect",
    "lagged",
    "later_visits",
    "leader_sentence",
    "micmac",
    "priorities",
    "push",
    "rank_change",
    "read_scw",
    "read_sl",
    "repeat_contacts",
    "scores_together",
    "stability",
    "strong_links",
    "total_influence",
    "total_relations",
    "version_change",
    "what_if",
    "write_scw",
    "write_sl",
]
