"""A Jupyter workbench for customer journeys.

``import journey_widgets as jw`` costs little: each public name is loaded when it is first used.
"""

import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any

# With an extra that Jupyter pulls in, jsonschema (under Altair and nbformat) compiles some 35
# grammars at import, about 0.9 s in every kernel, for a check of IRIs that nothing here uses.
sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]

if TYPE_CHECKING:
    from journey_widgets import cross_impact, journey, raci, scorecard, upsell
    from journey_widgets.cross_impact.widget import CrossImpactSliders
    from journey_widgets.events.source import (
        read_answers,
        read_behaviour,
        read_contacts,
        read_events,
        read_figures,
        read_invitations,
        read_order_lines,
        read_scores,
        read_tickets,
        read_trials,
        read_usage,
    )
    from journey_widgets.journey.widget import JourneyMapEditor
    from journey_widgets.publish.modes import mode
    from journey_widgets.publish.page import open_page
    from journey_widgets.publish.pictures import save_picture
    from journey_widgets.publish.show import show
    from journey_widgets.raci.widget import RaciGrid
    from journey_widgets.scorecard.widget import ScorecardEditor
    from journey_widgets.upsell.widget import OpportunityBoard
    from journey_widgets.workspace import Conflict, Saved, Workspace

__version__ = "0.1.0"
__all__ = [
    "Conflict", "CrossImpactSliders", "JourneyMapEditor", "OpportunityBoard", "RaciGrid", "Saved", "ScorecardEditor",
    "Workspace", "cross_impact", "journey", "mode", "open_page", "raci",
    "read_answers", "read_behaviour", "read_contacts", "read_events", "read_figures", "read_invitations",
    "read_order_lines", "read_scores", "read_tickets", "read_trials", "read_usage", "save_picture", "scorecard", "show",
    "upsell",
]  # fmt: skip

_WHERE = {
    "Workspace": "workspace",
    "Saved": "workspace",
    "Conflict": "workspace",
    "RaciGrid": "raci.widget",
    "CrossImpactSliders": "cross_impact.widget",
    "JourneyMapEditor": "journey.widget",
    "ScorecardEditor": "scorecard.widget",
    "OpportunityBoard": "upsell.widget",
    "save_picture": "publish.pictures",
    "mode": "publish.modes",
    "open_page": "publish.page",
    "show": "publish.show",
    **{
        f"read_{k}": "events.source"
        for k in (
            "events",
            "order_lines",
            "tickets",
            "answers",
            "invitations",
            "behaviour",
            "trials",
            "figures",
            "usage",
            "contacts",
            "scores",
        )
    },
}


def __getattr__(name: str) -> Any:
    if name in {"cross_impact", "journey", "raci", "scorecard", "upsell"}:
        return import_module(f"{__name__}.{name}")
    if name in _WHERE:
        return getattr(import_module(f"{__name__}.{_WHERE[name]}"), name)
    msg = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(msg)


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
