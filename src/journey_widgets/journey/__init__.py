"""The customer journey: its map, and the paths measured beside it."""

from journey_widgets.journey.document import Journey, Stage, Touchpoint
from journey_widgets.journey.flow import Flow, flow
from journey_widgets.journey.funnel import funnel
from journey_widgets.journey.transitions import transitions
from journey_widgets.journey.variants import variants

__all__ = ["Flow", "Journey", "Stage", "Touchpoint", "flow", "funnel", "transitions", "variants"]
