"""The customer journey: its map, and the paths measured beside it."""

from journey_widgets.journey.definition import definition
from journey_widgets.journey.document import Journey, Stage, Touchpoint
from journey_widgets.journey.flow import Flow, flow
from journey_widgets.journey.funnel import funnel
from journey_widgets.journey.pattern import matching
from journey_widgets.journey.retention import retention
from journey_widgets.journey.sessions import sessions, split_sessions
from journey_widgets.journey.step_matrix import step_matrix
from journey_widgets.journey.step_times import step_times
from journey_widgets.journey.transitions import transitions
from journey_widgets.journey.variants import variants

__all__ = [
    "Flow",
    "Journey",
    "Stage",
    "Touchpoint",
    "definition",
    "flow",
    "funnel",
    "matching",
    "retention",
    "sessions",
    "split_sessions",
    "step_matrix",
    "step_times",
    "transitions",
    "variants",
]
