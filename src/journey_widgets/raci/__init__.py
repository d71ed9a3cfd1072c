"""RACI: who answers for each touchpoint, and whether the matrix says so without gaps."""

from journey_widgets.raci.document import MatrixRole, MatrixRow, RaciMatrix
from journey_widgets.raci.owners import owners, with_owners
from journey_widgets.raci.rules import RaciPolicy, check

__all__ = [
    "MatrixRole",
    "MatrixRow",
    "RaciMatrix",
    "RaciPolicy",
    "check",
    "owners",
    "with_owners",
]
