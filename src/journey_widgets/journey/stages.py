"""Stage sets as data: the canonical stages, five presets from practice, and their aliases.

Stage lists differ from author to author; each preset says in whose words it speaks. `translate`
carries a touchpoint from one list to another and never loses one: a stage that has no counterpart
is reported, not dropped.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from journey_widgets.errors import DocumentError, did_you_mean

CANONICAL: Mapping[str, str] = MappingProxyType(
    {
        "awareness": "Awareness",
        "consideration": "Consideration",
        "decision": "Decision",
        "purchase": "Purchase",
        "post_purchase": "Post-purchase",
        "advocacy": "Advocacy",
    }
)
ALIASES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "decision_making": ("decision",),
        "pre_purchase": ("awareness", "consideration", "decision"),
        "retention": ("post_purchase",),
        "loyalty": ("advocacy",),
    }
)
"""Other names of canonical stages; the first is the one taken where one must be chosen."""
STAGE_CARDS: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "awareness": {
            "goal": "Notice that a need exists, and who could meet it",
            "focus": "Be found and remembered",
            "content": "Advertising, social media, blog articles, videos, word of mouth",
        },
        "consideration": {
            "goal": "Compare what is on offer without wasting time",
            "focus": "Answer questions before they are asked",
            "content": "Website, reviews, webinars, white papers, e-mail series",
        },
        "decision": {
            "goal": "Be sure that it is the right choice",
            "focus": "Take away the last doubt",
            "content": "Free trial, live chat, testimonials, clear prices",
        },
        "purchase": {
            "goal": "Pay quickly and safely",
            "focus": "Leave nothing to wonder about",
            "content": "Checkout, confirmation e-mail, shipping notice",
        },
        "post_purchase": {
            "goal": "Get the promised use, and help when something is wrong",
            "focus": "A good start, and support that knows the customer",
            "content": "Follow-up survey, thank-you e-mail, manual, video tutorial, support",
        },
        "advocacy": {
            "goal": "Be heard, and share what was good",
            "focus": "Make it easy to recommend",
            "content": "Online community, loyalty programme, referrals, reviews",
        },
    }
)
"""Canonical stage → what its card says in a new map; teams write their own over it."""


@dataclass(frozen=True)
class Preset:
    """A stage list: id, what it is used for, and stage id → the canonical stages it covers."""

    id: str
    label: str
    stages: Mapping[str, tuple[str, ...]]


def _preset(key: str, label: str, **stages: tuple[str, ...]) -> Preset:
    return Preset(key, label, MappingProxyType(stages))


PRESETS: Mapping[str, Preset] = MappingProxyType(
    {
        p.id: p
        for p in (
            _preset(
                "upsell_raci", "RACI for upsell: four stages",
                awareness=("awareness",), consideration=("consideration",),
                purchase=("purchase", "decision"), post_purchase=("post_purchase", "advocacy"),
            ),
            _preset(
                "support_raci", "RACI for support: five stages with advocacy",
                awareness=("awareness",), consideration=("consideration",),
                purchase=("purchase", "decision"), post_purchase=("post_purchase",),
                advocacy=("advocacy",),
            ),
            _preset(
                "scorecard", "Balanced scorecard: four stages with decision-making",
                awareness=("awareness",), consideration=("consideration",),
                decision_making=("decision", "purchase"), post_purchase=("post_purchase", "advocacy"),
            ),
            _preset(
                "cross_impact", "Cross-impact: five stages, decision and purchase apart",
                awareness=("awareness",), consideration=("consideration",),
                decision_making=("decision",), purchase=("purchase",),
                post_purchase=("post_purchase", "advocacy"),
            ),
            _preset(
                "sales", "Journey map for sales: four stages",
                awareness=("awareness",), consideration=("consideration",),
                decision=("decision", "purchase"), post_purchase=("post_purchase", "advocacy"),
            ),
        )
    }
)  # fmt: skip


def preset(name: str) -> Preset:
    """Return a preset by id; an unknown one is a `DocumentError`."""
    if name not in PRESETS:
        msg = f"There is no stage preset {name!r}. {did_you_mean(name, PRESETS)}"
        raise DocumentError(msg)
    return PRESETS[name]


def canonical(stage: str, *, of: str | None = None) -> tuple[str, ...]:
    """Return the canonical stages behind a stage id, the chosen one first; empty if unmapped."""
    if of is not None and stage in preset(of).stages:
        return preset(of).stages[stage]
    if stage in CANONICAL:
        return (stage,)
    return ALIASES.get(stage, ())


def translate(
    stages: Mapping[str, str], *, to: str, of: str | None = None
) -> tuple[dict[str, str], list[str]]:
    """Carry touchpoints from one stage list to another.

    Parameters
    ----------
    stages
        Touchpoint id → stage id.
    to
        Preset to translate to, or ``"canonical"``.
    of
        Preset the stages come from; without it they are canonical ids or aliases.

    Returns
    -------
    translated, unmapped
        Touchpoint id → stage id of the other list; and the touchpoints whose stage has no
        counterpart, which keep the stage they had and stay in `translated`.
    """
    targets = {s: (s,) for s in CANONICAL} if to == "canonical" else dict(preset(to).stages)
    result: dict[str, str] = {}
    unmapped: list[str] = []
    for touchpoint, stage in stages.items():
        found = _target(canonical(stage, of=of), targets)
        result[touchpoint] = found or stage
        if found is None:
            unmapped.append(touchpoint)
    return result, unmapped


def _target(wanted: Iterable[str], targets: Mapping[str, tuple[str, ...]]) -> str | None:
    for stage in wanted:
        exact = next((t for t, covered in targets.items() if covered[0] == stage), None)
        covering = exact or next((t for t, covered in targets.items() if stage in covered), None)
        if covering:
            return covering
    return None
