"""RACI: who answers for each touchpoint, and whether the matrix says so without gaps."""

from journey_widgets.raci.adopting import adopt, draft_from_log, empty_from_log
from journey_widgets.raci.document import Acknowledged, MatrixRole, MatrixRow, RaciMatrix
from journey_widgets.raci.hand_overs import case_numbers, hand_overs
from journey_widgets.raci.owners import owners, with_owners
from journey_widgets.raci.plan_against_log import PlanAgainstLog, compare_with_log
from journey_widgets.raci.policy import Links, RaciPolicy
from journey_widgets.raci.rules import check

__all__ = [
    "Acknowledged",
    "Links",
    "MatrixRole",
    "MatrixRow",
    "PlanAgainstLog",
    "RaciMatrix",
    "RaciPolicy",
    "adopt",
    "case_numbers",
    "check",
    "compare_with_log",
    "draft_from_log",
    "empty_from_log",
    "hand_overs",
    "owners",
    "with_owners",
]
