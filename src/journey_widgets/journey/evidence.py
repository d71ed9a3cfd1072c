"""Evidence grades: what a claim on the map stands on, worked out from its evidence, never typed."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from types import MappingProxyType
from typing import Literal

import numpy as np
import pandas as pd

from journey_widgets.definition import defined
from journey_widgets.estimates import MIN_N, certainty, wilson
from journey_widgets.journey.document import Journey
from journey_widgets.journey.parts import Evidence

Grade = Literal["assumed", "partly", "data-backed"]
GRADES: tuple[Grade, ...] = ("assumed", "partly", "data-backed")
METHODS: Mapping[str, tuple[str, bool]] = MappingProxyType(
    {
        "survey": ("Survey", True),
        "interview": ("Interview", False),
        "focus_group": ("Focus group", False),
        "workshop": ("Workshop", False),
        "shadowing": ("Shadowing", False),
        "store_observation": ("Observation in store", False),
        "usage_data": ("Anonymised usage data", True),
        "heatmap": ("Heatmap", True),
        "session_recording": ("Session recording", False),
        "crm_record": ("CRM records", True),
        "feedback_session": ("Feedback session", False),
    }
)
"""Method → label, and whether it measures (counts over many) rather than tells. A document adds its own."""


@dataclass(frozen=True)
class EvidencePolicy:
    """When evidence is fresh and broad enough to call a claim data-backed, and a map current."""

    max_age_days: int = 365
    min_n: int = MIN_N
    review_days: int = 180
    today: date = field(default_factory=date.today)

    def is_fresh(self, on: date | None, days: int) -> bool:
        """Return whether a date is known, not in the future and not more than `days` ago."""
        return on is not None and 0 <= (self.today - on).days <= days


def methods(journey: Journey) -> dict[str, tuple[str, bool]]:
    """Return the methods a journey knows: the fixed list and its own."""
    return {**METHODS, **{m.id: (m.label, m.measures) for m in journey.methods}}


def grade(evidence: Iterable[Evidence], journey: Journey, policy: EvidencePolicy) -> Grade:
    """Grade one claim by its evidence.

    ``"data-backed"``: at least one item by a method that measures, of `policy.min_n` or more, not
    older than `policy.max_age_days`. ``"partly"``: other evidence. ``"assumed"``: none.
    """
    known = methods(journey)
    items = list(evidence)
    backed = any(
        known.get(e.method, ("", False))[1]
        and (e.n or 0) >= policy.min_n
        and policy.is_fresh(e.on, policy.max_age_days)
        for e in items
    )
    return "data-backed" if backed else "partly" if items else "assumed"


def claims(journey: Journey, policy: EvidencePolicy | None = None) -> pd.DataFrame:
    """Return every claim on the map with its grade: items, and judged emotions.

    Columns: ``claim`` (str: an item kind, or ``"emotion"``), ``id`` (of the item or touchpoint),
    ``touchpoint``, ``stage``, ``label``, ``severity``, ``owner``, ``state``, ``grade``,
    ``evidence`` (str: methods and sources, joined); blank where there is none.
    """
    policy = policy or EvidencePolicy()
    by_id = {e.id: e for e in journey.evidence}
    stage_of = {t.id: t.stage for t in journey.touchpoints}
    known = methods(journey)
    rows = []

    def add(claim: str, ids: Iterable[str], **more: str | None) -> None:
        items = [by_id[i] for i in ids if i in by_id]
        words = "; ".join(f"{known.get(e.method, (e.method, False))[0]}: {e.source}" for e in items)
        filled = {k: v or "" for k, v in more.items()}
        rows.append(
            {"claim": claim, **filled, "grade": grade(items, journey, policy), "evidence": words}
        )

    for item in journey.items:
        add(
            item.kind, item.evidence, id=item.id, touchpoint=item.touchpoint,
            stage=item.stage or stage_of.get(item.touchpoint or "", ""), label=item.label,
            severity=item.severity, owner=item.owner, state=item.state,
        )  # fmt: skip
    for t in journey.touchpoints:
        if t.emotion is not None or t.ratings:
            add(
                "emotion", t.evidence, id=t.id, touchpoint=t.id, stage=t.stage, label=t.label,
                severity="", owner="", state="",
            )  # fmt: skip
    columns = ["claim", "id", "touchpoint", "stage", "label", "severity", "owner", "state", "grade",
               "evidence"]  # fmt: skip
    return pd.DataFrame(rows, columns=columns).astype("str")


def items_of(journey: Journey, kind: str, *, stage: str | None = None) -> pd.DataFrame:
    """Return the items of one kind, such as all ``"pain_point"`` of a stage, as `claims` shows them."""
    frame = claims(journey)
    kept = frame["claim"].eq(kind) & (frame["stage"].eq(stage) if stage else True)
    return frame[kept].reset_index(drop=True)


def is_current(journey: Journey, touchpoint: str, policy: EvidencePolicy) -> bool:
    """Return whether a touchpoint was reviewed within the interval: by itself, or with the whole map."""
    own = next(t for t in journey.touchpoints if t.id == touchpoint)
    dates = [journey.reviewed_on]
    if own.review_note:
        dates.append(own.reviewed_on)
    return any(policy.is_fresh(d, policy.review_days) for d in dates)


def map_quality(journey: Journey, policy: EvidencePolicy | None = None) -> pd.DataFrame:
    """Measure how current and how well founded the map is.

    Returns
    -------
    pandas.DataFrame
        One row each for ``map_currency`` (share of touchpoints reviewed within the interval) and
        ``evidence_coverage`` (share of touchpoints with at least one claim that is data-backed).
        Columns: ``kpi`` (str), ``value`` (float64), ``touchpoints`` (int64), those that count, ``n``
        (int64), all; ``low``, ``high``, ``method``, ``certainty``.
    """
    policy = policy or EvidencePolicy()
    ids = [t.id for t in journey.touchpoints]
    current = sum(is_current(journey, t, policy) for t in ids)
    found = claims(journey, policy)
    backed = found.loc[found["grade"] == "data-backed", "touchpoint"]
    covered = len(set(backed) & set(ids))
    counts = np.array([current, covered])
    low, high = wilson(counts, len(ids))
    frame = pd.DataFrame(
        {
            "kpi": ["map_currency", "evidence_coverage"],
            "value": counts / len(ids) if ids else np.nan,
            "touchpoints": counts,
            "n": len(ids),
            "low": low,
            "high": high,
            "method": "wilson 95 %",
            "certainty": certainty(np.full(2, len(ids))),
        }
    )
    return defined(
        frame,
        f"Current: reviewed in the last {policy.review_days} days, with a note or with the whole map",
        f"Data-backed: a method that measures, {policy.min_n} or more, not older than "
        f"{policy.max_age_days} days",
    )
