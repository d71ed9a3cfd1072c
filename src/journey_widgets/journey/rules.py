"""What does not fit in a journey document, said as findings."""

from datetime import date

from journey_widgets.errors import did_you_mean
from journey_widgets.findings import Finding, own
from journey_widgets.journey.document import Journey
from journey_widgets.journey.evidence import EvidencePolicy, claims, is_current, methods
from journey_widgets.journey.stages import CANONICAL, canonical

WORDS = {"stages": "stage", "lanes": "lane", "touchpoints": "touchpoint", "personas": "persona",
         "evidence": "piece of evidence"}  # fmt: skip


def check(journey: Journey, *, today: date | None = None) -> list[Finding]:
    """Return the findings of a journey: broken links first, then gaps, then what is out of date."""
    policy = EvidencePolicy(today=today) if today else EvidencePolicy()
    return [
        *_links(journey), *_stages(journey), *_methods(journey), *_items(journey, policy),
        *_reviews(journey, policy),
    ]  # fmt: skip


def _links(journey: Journey) -> list[Finding]:
    found = []
    known = {many: [p.id for p in getattr(journey, many)] for many in WORDS}
    for whose, field, many, meant in journey.links():
        if meant in known[many]:
            continue
        word = WORDS[many]
        if whose == "The funnel":
            found.append(
                own(
                    "JRN-04", "error", f"The funnel names {meant!r}, which is no touchpoint of the journey.",
                    "Was it renamed?", "Name a touchpoint, or remove the step.", touchpoint=meant,
                )
            )  # fmt: skip
            continue
        code = "JRN-01" if field == "stage" else "JRN-05"
        hint = did_you_mean(meant, known[many]) if known[many] else f"There is no {word} yet."
        listed = (
            f"one of {', '.join(known[many][:8])}" if known[many] else f"a {word} that is there"
        )
        found.append(
            own(
                code, "error", f"{whose}: its {field} {meant!r} is not among the journey's {many}.",
                f"Which {word} is meant? {hint}", f"Set its {field} to {listed}.",
                touchpoint=_touchpoint_called(journey, whose),
            )
        )  # fmt: skip
    return found


def _touchpoint_called(journey: Journey, label: str) -> str:
    return next((t.id for t in journey.touchpoints if t.label == label), "")


def _stages(journey: Journey) -> list[Finding]:
    found = []
    for s in journey.stages:
        if not journey.in_stage(s.id):
            found.append(
                own(
                    "JRN-02", "warn", f"Stage {s.label} has no touchpoint.",
                    "Does nothing happen between you and the customer here?",
                    "Add a touchpoint, or remove the stage.", stage=s.id,
                )
            )  # fmt: skip
        if not canonical(s.canonical or s.id, of=journey.preset):
            found.append(
                own(
                    "JRN-03", "warn", f"Stage {s.label} maps to no canonical stage.",
                    "Which of the canonical stages is it?",
                    f"Set canonical to one of {', '.join(CANONICAL)}.", stage=s.id,
                )
            )  # fmt: skip
    return found


def _methods(journey: Journey) -> list[Finding]:
    known = methods(journey)
    return [
        own(
            "JRN-06", "error", f"Evidence {e.id}: there is no method {e.method!r}.",
            f"How was it gathered? {did_you_mean(e.method, known)}",
            "Name a known method, or add yours under methods.",
        )
        for e in journey.evidence
        if e.method not in known
    ]  # fmt: skip


def _items(journey: Journey, policy: EvidencePolicy) -> list[Finding]:
    found = []
    graded = claims(journey, policy)
    for row in graded.itertuples():
        if row.claim == "emotion" or row.state != "open":
            continue
        kind = str(row.claim).replace("_", " ")
        if row.severity == "high" and not row.owner:
            found.append(
                own(
                    "JRN-07", "warn", f"{row.label}: a {kind} of high severity has no owner.",
                    "Who looks after it?", "Name an owner.", touchpoint=str(row.touchpoint),
                )
            )  # fmt: skip
        if row.severity == "high" and row.grade == "assumed":
            found.append(
                own(
                    "JRN-08", "info", f"{row.label}: rated high, and assumed; there is no evidence for it.",
                    "What would show it?", "Link evidence, or lower the severity.",
                    touchpoint=str(row.touchpoint),
                )
            )  # fmt: skip
    return found


def _reviews(journey: Journey, policy: EvidencePolicy) -> list[Finding]:
    stale = [t for t in journey.touchpoints if not is_current(journey, t.id, policy)]
    if not stale:
        return []
    if len(stale) == len(journey.touchpoints):
        when = (
            f"last reviewed on {journey.reviewed_on}" if journey.reviewed_on else "never reviewed"
        )
        return [
            own(
                "JRN-10", "info",
                f"The map as a whole was {when}; {policy.review_days} days are the limit.",
                "Does it still show what happens?", "Review it with those who know, and set reviewed_on.",
            )
        ]  # fmt: skip
    return [
        own(
            "JRN-10", "info", f"{t.label} was not reviewed within {policy.review_days} days.",
            "Does the map still show what happens there?",
            "Review it, and set reviewed_on with a review_note.", touchpoint=t.id,
        )
        for t in stale
    ]  # fmt: skip
