"""Bundles: what is bought together more often than chance alone explains, and what a bundle of it would earn."""

from collections.abc import Sequence
from fractions import Fraction
from itertools import combinations
from math import ceil, comb
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from journey_widgets.definition import defined
from journey_widgets.errors import JourneyDataError
from journey_widgets.estimates import Floats, difference, false_discovery, wilson
from journey_widgets.upsell.association import lift_interval, together_by_chance, zhang
from journey_widgets.upsell.baskets import Baskets, baskets
from journey_widgets.upsell.itemsets import FrequentSets, Ints, frequent_sets

FALSE_RATE = 0.05
LONGEST = 3
FAR = 1.5
"""Standard deviations above the mean up to which chance is no matter of doubt."""
AT_ONCE = 200_000
"""Pairs whose p-values are worked out together."""
UPSELL, CROSS_SELL, ALIKE = "upsell", "cross-sell", "same category"
COLUMNS = [
    "left", "right", "kind", "count", "left_count", "right_count", "baskets", "support", "confidence",
    "confidence_low", "confidence_high", "lift", "lift_low", "lift_high", "leverage", "conviction", "zhang", "p_value",
    "real", "improvement", "improvement_low", "redundant", "pair_price", "pair_margin", "break_even_discount", "worth",
]  # fmt: skip


NO_RULES = pd.DataFrame(
    columns=[
        "left",
        "right",
        "count",
        "left_count",
        "right_count",
        "improvement",
        "improvement_low",
    ]
)


def bundles(
    order_lines: Any,
    *,
    support: float = 0.001,
    confidence: float = 0.0,
    longest: int = LONGEST,
    basket: str = "order",
    leave_out: Sequence[str] = (),
    largest: int | None = None,
) -> pd.DataFrame:
    """Return the rules *who buys these buys that too*, with how sure each is and what a bundle of it would earn.

    Parameters
    ----------
    order_lines
        Source or table of order lines, or `Baskets`.
    support
        Share of the baskets a rule's things must be in together. Compared in whole baskets, so that none is lost to
        rounding: 0.001 of 9,835 baskets are 10.
    confidence
        Least share of the baskets with the left side that have the right side too; compared in whole baskets.
    longest
        Things in a rule at most, both sides together.
    basket, leave_out, largest
        As for `baskets`.

    Returns
    -------
    pandas.DataFrame
        One row a rule; first those that are real and not redundant, by ``worth``. Columns: ``left`` (tuple of product
        ids), ``right`` (str); ``kind`` (``"cross-sell"``: the right thing is of a category that is not on the left;
        ``"upsell"``: of the same one and dearer than all of it; ``"same category"``; blank where no category is known);
        ``count``, ``left_count``, ``right_count``, ``baskets`` (int64); ``support``, ``confidence``, ``lift`` with 95 %
        intervals, ``leverage``, ``conviction``, ``zhang`` (float64); ``p_value`` (Fisher's exact test, one-sided,
        adjusted by Benjamini and Hochberg over all pairs of items there are, not over those that passed, and not told
        apart above 0.05; for longer rules over the pairs and the longer rules shown), ``real`` (bool, at most 0.05);
        ``improvement`` over the best shorter rule with the same right side, its lower end (Newcombe) and ``redundant``
        (bool: a longer rule that is not certainly better); ``pair_price``, ``pair_margin`` of one piece of each thing,
        ``break_even_discount`` (share of the price: with more the bundle loses even if everybody who buys the left side
        takes it, because ``confidence`` of them buy both anyway) and ``worth`` (leverage x margin of the right side:
        margin a basket beyond chance; leverage where no margin is known). Missing where the order lines do not say.

    Raises
    ------
    JourneyDataError
        A support, confidence or length that cannot be; no basket.

    References
    ----------
    .. [1] R. Agrawal, R. Srikant, "Fast algorithms for mining association rules", VLDB 1994.
    .. [2] R. Bayardo, R. Agrawal, D. Gunopulos, "Constraint-based rule mining in large, dense databases", 1999:
       improvement.
    """
    if not 0 < support <= 1 or not 0 <= confidence <= 1 or longest < 2:
        msg = (
            f"support is {support:g}, confidence {confidence:g} and longest {longest}; a support above 0 and a "
            "confidence, both up to 1, and 2 things or more were needed."
        )
        raise JourneyDataError(msg)
    found = order_lines if isinstance(order_lines, Baskets) else baskets(
        order_lines, basket=basket, leave_out=leave_out, largest=largest
    )  # fmt: skip
    n = len(found)
    if not n:
        msg = "No basket: no line of the order lines has a product and a quantity above 0."
        raise JourneyDataError(msg)
    least = max(ceil(Fraction(str(support)) * n), 1)
    together = found.matrix.T @ found.matrix
    sets = frequent_sets(found.matrix, least, longest=longest, together=together)
    rules = _rules(sets, n, Fraction(str(confidence)))
    tested, frame = _judged(rules, found, n, together)
    frame = _with_worth(frame, found).sort_values(
        ["real", "redundant", "worth"],
        ascending=[False, True, False],
        kind="stable",
        ignore_index=True,
    )
    said = (
        f"{found.said}. {n:,} baskets; together in {least:,} or more; confidence from {confidence:g}; "
        f"up to {longest} things. Fisher's exact test, Benjamini and Hochberg over {tested:,} pairs and rules"
    )
    return defined(frame[COLUMNS], said)


def _rules(sets: FrequentSets, n: int, confidence: Fraction) -> pd.DataFrame:
    """Return every rule with one thing on the right that is confident enough, with its counts and improvement."""
    frames = [NO_RULES]
    for size, own in enumerate(sets.sizes[1:], start=2):
        for out in range(size):
            lefts, right = np.delete(own.items, out, axis=1), own.items[:, out]
            left_count = sets.count(lefts)
            enough = own.counts * confidence.denominator >= confidence.numerator * left_count
            lefts, right = lefts[enough], right[enough]
            frame = pd.DataFrame(
                {
                    "left": pd.Series(list(map(tuple, lefts.tolist())), dtype="object"), "right": right,
                    "count": own.counts[enough], "left_count": left_count[enough],
                    "right_count": sets.count(right[:, None]),
                }
            )  # fmt: skip
            gain, low = _improvement(sets, lefts, right, frame, n)
            frames.append(frame.assign(improvement=gain, improvement_low=low))
    return pd.concat(frames[1:] or frames, ignore_index=True)


def _improvement(
    sets: FrequentSets, lefts: Ints, right: Ints, rules: pd.DataFrame, n: int
) -> tuple[Floats, Floats]:
    """Return how much more confident each rule is than the best shorter one, and the lower end over all of them.

    Against a shorter rule the baskets with the whole left side are compared with those of the shorter side that lack
    the rest: two groups that share no basket.
    """
    count, left_count = rules["count"].to_numpy("int64"), rules["left_count"].to_numpy("int64")
    best, low = np.full(len(rules), -np.inf), np.full(len(rules), np.inf)
    for size in range(lefts.shape[1] if len(rules) else 0):
        for kept in combinations(range(lefts.shape[1]), size):
            fewer, with_right = _counted(sets, lefts[:, kept], right, n)
            best = np.maximum(best, with_right / np.maximum(fewer, 1))
            rest, rest_with = fewer - left_count, with_right - count
            end = difference(count, left_count, rest_with, np.maximum(rest, 1))[0]
            low = np.minimum(low, np.where(rest > 0, end, 0.0))
    return count / np.maximum(left_count, 1) - best, low


def _counted(sets: FrequentSets, left: Ints, right: Ints, n: int) -> tuple[Ints, Ints]:
    """Return how many baskets have each left side, and how many of them the right side too."""
    whole = np.sort(np.column_stack([left, right]), axis=1)
    fewer = sets.count(left) if left.shape[1] else np.full(len(right), n, np.int64)
    return fewer, sets.count(whole)


def _judged(rules: pd.DataFrame, found: Baskets, n: int, together: Any) -> tuple[int, pd.DataFrame]:
    """Return the rules with their measures and what chance says of each, and how many pairs and rules were tested."""
    columns = ("count", "left_count", "right_count")
    k, a, b = (rules[c].to_numpy("float64") for c in columns)
    with np.errstate(divide="ignore", invalid="ignore"):
        sure, lift = k / a, k * n / (a * b)
        conviction = a * (n - b) / (n * (a - k))
    low, high = wilson(k, a)
    lift_low, lift_high = lift_interval(k, a, b, n) if len(rules) else (k, k)
    p = together_by_chance(k, a, b, n) if len(rules) else k
    tested, adjusted = _adjusted(rules, p, found, together)
    names = np.array(found.items, dtype=object)
    frame = rules.assign(
        left=pd.Series([tuple(names[list(s)]) for s in rules["left"]], dtype="object"),
        right=names[rules["right"].to_numpy("int64")],
        first=rules["right"], lefts=rules["left"], baskets=n, support=k / n, confidence=sure, confidence_low=low,
        confidence_high=high, lift=lift, lift_low=lift_low, lift_high=lift_high, leverage=k / n - a * b / n**2,
        conviction=conviction, zhang=zhang(k, a, b, np.full(len(k), float(n))), p_value=adjusted,
        real=adjusted <= FALSE_RATE,
    )  # fmt: skip
    longer = frame["left"].map(len) > 1
    frame["redundant"] = longer & ~(frame["improvement_low"] > 0)
    frame.loc[~longer, ["improvement", "improvement_low"]] = np.nan
    return tested, frame


def _adjusted(rules: pd.DataFrame, p: Floats, found: Baskets, together: Any) -> tuple[int, Floats]:
    """Return how many were tested, and p-values adjusted over every pair of items and the longer rules.

    A pair stands for both its rules.
    """
    longer = np.array([len(left) > 1 for left in rules["left"]], dtype=bool)
    keys, pairs = _pairs_beyond_chance(found, together)
    tested = comb(len(found.items), 2) + int(longer.sum())
    whole = false_discovery(np.concatenate([pairs, p[longer]]), tested=tested)
    adjusted = np.ones(len(rules))
    adjusted[longer] = whole[len(pairs) :]
    short = rules[~longer]
    one = np.array([left[0] for left in short["left"]], dtype=np.int64)
    other = short["right"].to_numpy("int64")
    wanted = np.minimum(one, other) * len(found.items) + np.maximum(one, other)
    place = np.minimum(np.searchsorted(keys, wanted), max(len(keys) - 1, 0))
    there = keys[place] == wanted if len(keys) else np.zeros(len(wanted), bool)
    adjusted[~longer] = np.where(there, whole[place] if len(keys) else 1.0, 1.0)
    return tested, adjusted


def _pairs_beyond_chance(found: Baskets, together: Any) -> tuple[Ints, Floats]:
    """Return the pairs that are together more often than by chance, as rising numbers, and the p-value of each.

    The others, up to one and a half standard deviations above the mean, are tested too; no p-value of theirs is as
    small as 0.05, and what exactly it is decides nothing.
    """
    matrix, n = found.matrix, len(found)
    single = np.asarray(matrix.sum(axis=0)).ravel().astype(np.int64)
    product = together.tocoo()
    upper = product.row < product.col
    one, other = (v[upper].astype(np.int64) for v in (product.row, product.col))
    many = product.data[upper].astype(np.int64)
    mean = single[one] * single[other] / n
    spread = np.sqrt(mean * (1 - single[one] / n) * (n - single[other]) / max(n - 1, 1))
    more = many > mean + FAR * spread
    one, other, many = one[more], other[more], many[more]
    parts = range(0, len(one), AT_ONCE)
    p = [
        together_by_chance(many[i : i + AT_ONCE], single[one[i : i + AT_ONCE]], single[other[i : i + AT_ONCE]], n)
        for i in parts
    ]  # fmt: skip
    keys = one * len(found.items) + other
    order = np.argsort(keys, kind="stable")
    return keys[order], np.concatenate(p)[order] if p else np.zeros(0)


def _with_worth(frame: pd.DataFrame, found: Baskets) -> pd.DataFrame:
    """Return the rules with what a bundle of their things costs and earns."""
    price, margin = (found.facts[c].to_numpy("float64") for c in ("price", "margin"))
    lefts, right = frame["lefts"], frame["first"].to_numpy("int64")
    pair_price, pair_margin = (
        np.array([float(v[list(s)].sum()) for s in lefts]) + v[right] for v in (price, margin)
    )
    with np.errstate(divide="ignore", invalid="ignore"):
        even = margin[right] * (1 - frame["confidence"].to_numpy()) / pair_price
    worth = frame["leverage"].to_numpy() * np.where(np.isfinite(margin[right]), margin[right], 1.0)
    return frame.assign(
        pair_price=pair_price, pair_margin=pair_margin, break_even_discount=np.clip(even, 0, None), worth=worth,
        kind=_kinds(lefts, right, price, found.facts["category"]),
    )  # fmt: skip


def _kinds(lefts: pd.Series, right: Ints, price: Floats, category: pd.Series) -> npt.NDArray[np.object_]:  # fmt: skip
    """Return what buying the right thing after the left ones is."""
    known = category.to_numpy(dtype=object)
    kinds = []
    for left, r in zip(lefts, right, strict=True):
        own, there = known[r], [known[i] for i in left]
        if own is None or pd.isna(own) or any(c is None or pd.isna(c) for c in there):
            kinds.append("")
        elif own not in there:
            kinds.append(CROSS_SELL)
        else:
            same = [price[i] for i, c in zip(left, there, strict=True) if c == own]
            kinds.append(UPSELL if price[r] > max(same) else ALIKE)
    return np.array(kinds, dtype=object)
