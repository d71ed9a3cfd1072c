"""The customer journey: its map, and the paths measured beside it."""

from journey_widgets.journey import who
from journey_widgets.journey.compare import compare, groups
from journey_widgets.journey.definition import definition
from journey_widgets.journey.document import Journey, Stage, Touchpoint
from journey_widgets.journey.flow import Flow, flow
from journey_widgets.journey.funnel import funnel
from journey_widgets.journey.pain_points import Worth, pain_points
from journey_widgets.journey.pattern import matching
from journey_widgets.journey.retention import retention
from journey_widgets.journey.sessions import sessions, split_sessions
from journey_widgets.journey.step_matrix import step_matrix
from journey_widgets.journey.step_times import step_times
from journey_widgets.journey.transitions import transitions
from journey_widgets.journey.variants import variants
from journey_widgets.journey.went_instead import went_instead
from journey_widgets.journey.what_if import back_test, what_if

__all__ = [
    "Flow",
    "Journey",
    "Stage",
    "Touchpoint",
    "Worth",
    "back_test",
    "compare",
    "definition",
    "flow",
    "funnel",
    "groups",
    "matching",
    "pain_points",
    "retention",
    "sessions",
    "split_sessions",
    "step_matrix",
    "step_times",
    "transitions",
    "variants",
    "went_instead",
    "what_if",
    "who",
]
