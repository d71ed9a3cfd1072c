"""What will be done: by whom, for which KPI, from when to when. Interventions and initiatives are plans."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal, Self

from pydantic import model_validator

from journey_widgets.documents import Id, Label, Part
from journey_widgets.errors import did_you_mean
from journey_widgets.findings import Finding, Severity, own

Status = Literal["planned", "running", "done", "dropped"]


class Plan(Part):
    """Something that will be done."""

    id: Id
    label: Label
    owner: Id | None = None
    """Id of the role that answers for it."""
    kpi: Id | None = None
    """What shows that it works."""
    starts: date | None = None
    ends: date | None = None
    status: Status = "planned"

    @model_validator(mode="after")
    def _begins_before_it_ends(self) -> Self:
        if self.starts and self.ends and self.ends < self.starts:
            msg = f"it ends on {self.ends}, before it starts on {self.starts}"
            raise ValueError(msg)
        return self

    @property
    def ready(self) -> bool:
        """Whether it has an owner and a KPI: without them nobody answers and nobody sees whether it worked."""
        return self.owner is not None and self.kpi is not None


@dataclass(frozen=True)
class Codes:
    """How the findings of plans are called: what a plan is, and the codes for what it lacks, its owner, its end."""

    what: str
    lacking: str
    owner: str
    late: str


def check_plans(
    plans: Iterable[Plan], codes: Codes, roles: Sequence[str], today: date, gap: Severity
) -> Iterator[Finding]:
    """Return what plans that are not dropped lack: an owner, a KPI, an owner of the register, an end ahead."""
    for plan in plans:
        if plan.status == "dropped":
            continue
        ids = {codes.what: plan.id}
        lacking = [w for w, v in (("owner", plan.owner), ("KPI", plan.kpi)) if v is None]
        if lacking:
            yield own(
                codes.lacking, gap, f"{plan.label} has no {' and no '.join(lacking)}.",
                "Who answers for it, and how will it be seen to work?",
                f"Name {'both' if len(lacking) > 1 else 'it'}; it is not finished without.", "link", **ids,
            )  # fmt: skip
        if plan.owner and roles and plan.owner not in roles:
            yield own(
                codes.owner, gap, f"{plan.label} is owned by {plan.owner!r}, which is no role of the register.",
                did_you_mean(plan.owner, roles), "Name a role that is there.", "link", **ids, role=plan.owner,
            )  # fmt: skip
        if plan.ends and plan.ends < today and plan.status in ("planned", "running"):
            yield own(
                codes.late, "warn", f"{plan.label} was to end on {plan.ends:%-d %B %Y} and is {plan.status}.",
                "Is it done?", "Set its status, or a new date.", "link", **ids,
            )  # fmt: skip
