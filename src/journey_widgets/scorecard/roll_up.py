"""From scores of KPIs to a score of what stands above them, with what is missing always said.

A tree of nodes: leaves have a score or a state, branches a rule. Coverage is the share of weight that has a score;
bounds are the scores if what is missing were all 0 or all 1.
"""

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal, get_args

from journey_widgets.errors import DocumentError, one_of
from journey_widgets.scorecard.status import DEFAULT, STATES, Rule, status

How = Literal["weighted_mean", "geometric_mean", "worst", "best", "most_frequent", "self_standing"]
Missing = Literal["renormalise", "fixed", "strict", "carry"]
WEIGHTLESS = ("not_applicable", "unscored")
RULES, POLICIES = get_args(How), get_args(Missing)
LEAST_COVERAGE = 0.70
MASKED_FROM = 0.05
"""Effective weight from which on a red leaf under a parent that is better than red is told."""
STALE = "stale"
TINY = 1e-12


@dataclass(frozen=True)
class Node:
    """A KPI with its score or state, or something above KPIs with its children.

    `weight` counts among siblings only. `score` is the clamped one; a branch that stands by itself has one too. A leaf
    with a score and the state ``"stale"`` carries its last value on.
    """

    name: str
    weight: float = 1.0
    score: float | None = None
    state: str = ""
    children: tuple["Node", ...] = ()
    how: How = "weighted_mean"
    status: str = ""
    """Of a leaf, where it is not that of its score alone."""

    def __post_init__(self) -> None:
        if not math.isfinite(self.weight) or self.weight < 0:
            msg = f"{self.name}: the weight is {self.weight}; 0 or more was needed."
            raise DocumentError(msg)
        one_of("how", self.how, RULES)
        if self.state and self.state not in STATES:
            msg = f"{self.name}: there is no state {self.state!r}; {', '.join(STATES)} are known."
            raise DocumentError(msg)
        if self.score is not None and not 0 <= self.score <= 1:
            msg = f"{self.name}: the score is {self.score}; 0 to 1 was needed."
            raise DocumentError(msg)


@dataclass(frozen=True)
class Rolled:
    """What a node comes to.

    Attributes
    ----------
    score
        None where nothing is known, or too little: then only the bounds are shown.
    state
        ``""``, or why there is no score: ``"no_data"``, ``"not_applicable"``, ``"insufficient"`` …
    coverage
        Share of weight with a score, down to the leaves; None where nothing is expected.
    low, high
        Score if all that is missing were 0, or 1.
    masked
        Red leaves inside a node that is better than red.
    """

    name: str
    score: float | None
    state: str
    coverage: float | None
    low: float | None
    high: float | None
    masked: tuple[str, ...] = ()
    children: tuple["Rolled", ...] = field(default=())
    status: str = ""


def roll_up(
    node: Node,
    *,
    missing: Missing = "renormalise",
    least_coverage: float = LEAST_COVERAGE,
    rules: Sequence[Rule] = DEFAULT,
) -> Rolled:
    """Return what a tree comes to, level by level.

    Parameters
    ----------
    node
        The tree.
    missing
        ``"renormalise"`` over what is known (the coverage says how much that is), ``"fixed"``, what is missing counts
        as nothing in the sum and in full in the weight, ``"strict"``, one gap and there is no score, or ``"carry"``,
        scores that were carried on count, and what is still missing leaves the sum. The bounds take what was carried
        on as missing.
    least_coverage
        Below it the score is withheld and the bounds are shown.

    Notes
    -----
    *Not applicable* leaves numerator and denominator. Weights are shares among siblings; a node whose weights are
    all 0 is refused.
    """
    one_of("missing", missing, POLICIES)
    found = _roll(node, missing, rules)
    return _told(found, node, least_coverage, rules, missing)


@dataclass(frozen=True)
class _Raw:
    """A node before anything is withheld."""

    score: float | None
    state: str
    coverage: float | None
    low: float | None
    high: float | None
    children: tuple["_Raw", ...] = ()


def _roll(node: Node, missing: Missing, rules: Sequence[Rule]) -> _Raw:
    rolled = tuple(_roll(c, missing, rules) for c in node.children)
    if not node.children or node.how == "self_standing":
        return _leaf(node, rolled)
    if sum(c.weight for c in node.children) <= 0:
        msg = f"{node.name}: the weights of its children are all 0. Give at least one of them a weight."
        raise DocumentError(msg)
    counted = [
        (c.weight, r)
        for c, r in zip(node.children, rolled, strict=True)
        if r.coverage is not None and c.weight > 0
    ]
    if not counted:
        return _Raw(None, "not_applicable", None, None, None, rolled)
    whole = sum(w for w, _r in counted)
    coverage = sum(w * (r.coverage or 0.0) for w, r in counted) / whole
    known = [(w, r.score) for w, r in counted if r.score is not None]
    low = _mean(node.how, [(w, _or(r.low, 0.0)) for w, r in counted], rules)
    high = _mean(node.how, [(w, _or(r.high, 1.0)) for w, r in counted], rules)
    if not known or (missing == "strict" and coverage < 1 - TINY):
        return _Raw(None, "no_data", coverage, low, high, rolled)
    if missing == "fixed" and node.how == "weighted_mean":
        score = sum(w * s for w, s in known) / whole
    else:
        score = _mean(node.how, known, rules)
    return _Raw(score, "", coverage, low, high, rolled)


def _or(value: float | None, otherwise: float) -> float:
    return otherwise if value is None else value


def _leaf(node: Node, children: tuple[_Raw, ...]) -> _Raw:
    if node.score is not None and not node.state:
        return _Raw(node.score, "", 1.0, node.score, node.score, children)
    if node.score is not None and node.state == STALE:
        return _Raw(node.score, STALE, 1.0, 0.0, 1.0, children)
    state = node.state or "no_data"
    if state in ("not_applicable", "unscored"):
        return _Raw(None, state, None, None, None, children)
    return _Raw(None, state, 0.0, 0.0, 1.0, children)


def _mean(how: How, known: Sequence[tuple[float, float]], rules: Sequence[Rule]) -> float:
    whole = sum(w for w, _s in known)
    if how == "worst":
        return min(s for _w, s in known)
    if how == "best":
        return max(s for _w, s in known)
    if how == "geometric_mean":
        if any(s <= 0 for _w, s in known):
            return 0.0
        return math.exp(sum(w * math.log(s) for w, s in known) / whole)
    if how == "most_frequent":
        return _most_frequent([s for _w, s in known], rules)
    return sum(w * s for w, s in known) / whole


def _most_frequent(scores: Sequence[float], rules: Sequence[Rule]) -> float:
    """Return the mean score of the status that most children have; of several, the worse."""
    words = [status(s, rules) for s in scores]
    counts = Counter(words)
    order = [r.status for r in rules]
    winner = max(counts, key=lambda w: (counts[w], order.index(w)))
    chosen = [s for s, w in zip(scores, words, strict=True) if w == winner]
    return sum(chosen) / len(chosen)


def _told(raw: _Raw, node: Node, least: float, rules: Sequence[Rule], missing: Missing) -> Rolled:
    """Withhold what rests on too little, and name the red leaves that a better parent hides."""
    children = tuple(
        _told(r, c, least, rules, missing) for r, c in zip(raw.children, node.children, strict=True)
    )
    score, state = raw.score, raw.state
    if (
        node.children
        and score is not None
        and raw.coverage is not None
        and raw.coverage < least - TINY
    ):
        score, state = None, "insufficient"
    hidden: tuple[str, ...] = ()
    worst = rules[-1].status
    if node.children and raw.score is not None and status(raw.score, rules) != worst:
        hidden = tuple(
            n.name for n, share in leaves(node)
            if share >= MASKED_FROM - TINY and n.score is not None and n.state in ("", STALE)
            and (n.status or status(n.score, rules)) == worst
        )  # fmt: skip
    return Rolled(
        node.name, score, state, raw.coverage, raw.low, raw.high, hidden, children, node.status
    )


def leaves(node: Node, share: float = 1.0) -> Iterator[tuple[Node, float]]:
    """Yield each leaf with its effective weight: the product of its shares up the tree.

    What is not applicable, or only tracked, takes no weight from the others.
    """
    if not node.children:
        yield node, share
        return
    whole = sum(c.weight for c in node.children if c.state not in WEIGHTLESS) or 1.0
    for child in node.children:
        own = 0.0 if child.state in WEIGHTLESS else child.weight
        yield from leaves(child, share * own / whole)


def change(
    weights: Sequence[float],
    before: Sequence[float | None],
    after: Sequence[float | None],
    weights_before: Sequence[float] | None = None,
) -> dict[str, float]:
    """Split the change of a weighted mean into performance and changed basis.

    Returns
    -------
    dict
        ``performance``, the sum of weight x change over children known both times, weights as they are now;
        ``basis``, what changed weights or coverage add; ``total``, their sum, which is the change of the score.
    """
    old_weights = list(weights if weights_before is None else weights_before)
    now = _plain_mean(weights, after)
    then = _plain_mean(old_weights, before)
    both = [i for i in range(len(weights)) if before[i] is not None and after[i] is not None]
    shared = sum(weights[i] for i in both)
    moved = (
        sum(weights[i] * (_or(after[i], 0) - _or(before[i], 0)) for i in both) / shared
        if shared
        else 0.0
    )
    return {"performance": moved, "basis": now - then - moved, "total": now - then}


def _plain_mean(weights: Sequence[float], scores: Sequence[float | None]) -> float:
    known = [(w, s) for w, s in zip(weights, scores, strict=True) if s is not None]
    whole = sum(w for w, _s in known)
    if whole <= 0:
        msg = "Nothing with a weight has a score; there is no change to split."
        raise DocumentError(msg)
    return sum(w * s for w, s in known) / whole
