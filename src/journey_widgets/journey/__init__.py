"""The customer journey: its map, and the paths measured beside it."""

from journey_widgets.definition import definition
from journey_widgets.journey import evidence, stages, versions, who
from journey_widgets.journey.behaviour import behaviour
from journey_widgets.journey.channels import by_channel
from journey_widgets.journey.compare import compare, groups
from journey_widgets.journey.conformance import conformance, conformance_by_customer
from journey_widgets.journey.document import Journey, ToBeJourney
from journey_widgets.journey.emotion import contradictions, emotion, emotion_by_persona
from journey_widgets.journey.evidence import EvidencePolicy, claims, items_of, map_quality
from journey_widgets.journey.flow import Flow, flow
from journey_widgets.journey.funnel import funnel
from journey_widgets.journey.pain_points import Worth, pain_points
from journey_widgets.journey.parts import (
    Evidence,
    Item,
    Lane,
    Method,
    Persona,
    Rating,
    Stage,
    Touchpoint,
    Way,
)
from journey_widgets.journey.pattern import matching
from journey_widgets.journey.personas import funnel_by_persona
from journey_widgets.journey.responses import response_rates
from journey_widgets.journey.retention import retention
from journey_widgets.journey.rules import check
from journey_widgets.journey.sessions import sessions, split_sessions
from journey_widgets.journey.step_matrix import step_matrix
from journey_widgets.journey.step_times import step_times
from journey_widgets.journey.transitions import transitions
from journey_widgets.journey.variants import variants
from journey_widgets.journey.versions import compare_versions
from journey_widgets.journey.ways import ways
from journey_widgets.journey.went_instead import went_instead
from journey_widgets.journey.what_if import back_test, what_if

__all__ = [
    "Evidence",
    "EvidencePolicy",
    "Flow",
    "Item",
    "Journey",
    "Lane",
    "Method",
    "Persona",
    "Rating",
    "Stage",
    "ToBeJourney",
    "Touchpoint",
    "Way",
    "Worth",
    "back_test",
    "behaviour",
    "by_channel",
    "check",
    "claims",
    "compare",
    "compare_versions",
    "conformance",
    "conformance_by_customer",
    "contradictions",
    "definition",
    "emotion",
    "emotion_by_persona",
    "evidence",
    "flow",
    "funnel",
    "funnel_by_persona",
    "groups",
    "items_of",
    "map_quality",
    "matching",
    "pain_points",
    "response_rates",
    "retention",
    "sessions",
    "split_sessions",
    "stages",
    "step_matrix",
    "step_times",
    "transitions",
    "variants",
    "versions",
    "ways",
    "went_instead",
    "what_if",
    "who",
]
