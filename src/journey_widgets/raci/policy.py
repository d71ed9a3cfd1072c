"""The limits the RACI rules work with, and what they look at beside the matrix."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from types import MappingProxyType

from journey_widgets.errors import DocumentError
from journey_widgets.findings import SEVERITIES, Severity

LOAD_WEIGHTS: Mapping[str, float] = MappingProxyType({"R": 1.0, "A": 0.25, "C": 0.25, "I": 0.05})


@dataclass(frozen=True)
class RaciPolicy:
    """Limits and severities the rules work with. Shares are fractions; a limit itself is still allowed."""

    publishing: bool = False
    """Whether the matrix is about to be published: gaps that are warnings in editing are errors."""
    today: date = field(default_factory=date.today)
    """The day on which holders, reviews and acknowledgements are looked at."""
    max_responsible: int = 3
    """ROW-04: roles that may be responsible for one row."""
    consulted_share: float = 0.5
    consulted_least: int = 2
    """ROW-05: roles consulted in one row, as a share of all roles, and in any case."""
    informed_share: float = 0.6
    informed_least: int = 3
    """ROW-06: roles informed in one row."""
    everybody_from: int = 5
    """ROW-08: roles from which on a row without a blank is noticed."""
    rows_from: int = 5
    """COL-01 to COL-03, MAT-06, MAT-07: rows from which on shares are looked at."""
    responsible_share: float = 0.6
    accountable_share: float = 0.5
    involved_share: float = 0.9
    """COL-01, COL-02, COL-03. From `involved_share` on, inclusive, a role is in too many rows."""
    approver_rows: int = 8
    """COL-06: rows from which on a role that only approves is noticed."""
    density: float = 0.8
    """MAT-06: share of cells filled."""
    concentration: float = 0.5
    """MAT-07: sum of squared shares of the A letters."""
    review_days: int = 90
    """MAT-04: days after which a review is too old."""
    influential_share: float = 0.25
    """LNK-06: share of touchpoints, by influence, that count as influential."""
    load_weights: Mapping[str, float] = field(default_factory=lambda: LOAD_WEIGHTS)
    """COL-07: work that a letter means for one case; other letters weigh nothing."""
    name_the_work: bool = False
    """TAB-06: whether row labels are looked at for words that name a department (English word list)."""
    min_events: int = 30
    """EVD rules: handling events below which a touchpoint is not judged."""
    unplanned_share: float = 0.20
    """EVD-01: share of events by roles that are not planned, lower end of its interval."""
    unused_share: float = 0.10
    unused_events: int = 35
    """EVD-02: share of a planned R that is never seen, upper end of its interval, and events needed."""
    wrong_approver_share: float = 0.10
    """EVD-03: share of approvals by a role that is not the planned A, lower end of its interval."""
    not_consulted_share: float = 0.25
    """EVD-04: share of decisions before which a planned C was not asked."""
    inform_hours: float = 24.0
    """EVD-05: agreed hours until a planned I is told."""
    severities: Mapping[str, Severity] = field(default_factory=dict)
    """Rule code → a severity raised above the rule's own."""

    def __post_init__(self) -> None:
        for code, severity in self.severities.items():
            if severity not in SEVERITIES:
                msg = f"severities: {code} is {severity!r}; error, warn or info was needed."
                raise DocumentError(msg)

    def severity(self, code: str, own: Severity) -> Severity:
        """Return the severity of a finding: the rule's own, or what it is raised to, never lower."""
        return min(own, self.severities.get(code, own), key=SEVERITIES.index)

    def gap(self) -> Severity:
        """Return how bad a gap is that has to be closed before publishing."""
        return "error" if self.publishing else "warn"


@dataclass(frozen=True)
class Links:
    """What other documents say about the rows and roles of a matrix; all of it may be missing."""

    kpi_owners: Mapping[str, str] = field(default_factory=dict)
    """KPI id → role id of its owner."""
    interventions: Mapping[str, tuple[str, str | None]] = field(default_factory=dict)
    """Intervention id → its label, and the role id of its owner."""
    influence: Mapping[str, float] = field(default_factory=dict)
    """Touchpoint id → active sum in the cross-impact matrix."""
    upsell_moments: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Touchpoint id → labels of the upsell plan's moments whose offer is made there."""
    journey_changed: date | None = None
    roles_changed: date | None = None
    """Day on which touchpoints or stages, and roles or holders, were changed last."""
