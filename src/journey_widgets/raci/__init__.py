"""RACI: who answers for each touchpoint, and whether the matrix says so without gaps."""

from journey_widgets.raci.document import Acknowledged, MatrixRole, MatrixRow, RaciMatrix
from journey_widgets.raci.owners import owners, with_owners
from journey_widgets.raci.policy import Links, RaciPolicy
from journey_widgets.raci.rules import check

__all__ = [
    "Acknowledged",
    "Links",
    "MatrixRole",
    "MatrixRow",
    "RaciMatrix",
    "RaciPolicy",
    "check",
    "owners",
    "with_owners",
]
