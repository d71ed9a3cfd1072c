"""RACI: who answers for each touchpoint, whether the matrix says so without gaps, and what the log says of it."""

from journey_widgets.raci.adopting import adopt, draft_from_log, empty_from_log
from journey_widgets.raci.converting import convert
from journey_widgets.raci.differences import diff
from journey_widgets.raci.document import Acknowledged, MatrixRole, MatrixRow, RaciMatrix
from journey_widgets.raci.exporting import export
from journey_widgets.raci.hand_overs import case_numbers, hand_overs
from journey_widgets.raci.numbers import load, role_card, stage_roll_up, structure
from journey_widgets.raci.owners import owners, with_owners
from journey_widgets.raci.plan_against_log import PlanAgainstLog, compare_with_log
from journey_widgets.raci.policy import Links, RaciPolicy
from journey_widgets.raci.rules import check
from journey_widgets.raci.tables import as_table, read_table

__all__ = [
    "Acknowledged",
    "Links",
    "MatrixRole",
    "MatrixRow",
    "PlanAgainstLog",
    "RaciMatrix",
    "RaciPolicy",
    "adopt",
    "as_table",
    "case_numbers",
    "check",
    "compare_with_log",
    "convert",
    "diff",
    "draft_from_log",
    "empty_from_log",
    "export",
    "hand_overs",
    "load",
    "owners",
    "read_table",
    "role_card",
    "stage_roll_up",
    "structure",
    "with_owners",
]
