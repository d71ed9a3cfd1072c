"""Planning a trial: how many customers it needs, what it could see, and who is in which arm."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import ceil, sqrt
from statistics import NormalDist

import pandas as pd

from journey_widgets.errors import JourneyDataError

NORMAL = NormalDist()


def customers_needed(
    share: float, wanted: float, *, power: float = 0.8, alpha: float = 0.05
) -> float:
    """Return how many customers an arm needs so that a difference of two shares is seen.

    Two-sided test with pooled variance without a difference, as R's ``power.prop.test``; round up.

    Examples
    --------
    >>> round(customers_needed(0.5, 0.75, power=0.9), 2), ceil(customers_needed(0.02, 0.022))
    (76.71, 80682)
    """
    _refuse(share, wanted, power, alpha)
    z, own = NORMAL.inv_cdf(1 - alpha / 2), NORMAL.inv_cdf(power)
    middle = (share + wanted) / 2
    apart = sqrt(share * (1 - share) + wanted * (1 - wanted))
    return ((z * sqrt(2 * middle * (1 - middle)) + own * apart) / (wanted - share)) ** 2


def power_of(n: float, share: float, wanted: float, *, alpha: float = 0.05) -> float:
    """Return the chance that a trial of `n` customers an arm sees a difference of two shares.

    Examples
    --------
    >>> round(power_of(50, 0.5, 0.75), 2)
    0.74
    """
    _refuse(share, wanted, 0.5, alpha)
    z, middle = NORMAL.inv_cdf(1 - alpha / 2), (share + wanted) / 2
    apart = sqrt(share * (1 - share) + wanted * (1 - wanted))
    return NORMAL.cdf((sqrt(n) * abs(wanted - share) - z * sqrt(2 * middle * (1 - middle))) / apart)


def customers_needed_for_a_mean(
    spread: float, gain: float, *, power: float = 0.8, alpha: float = 0.05
) -> int:
    """Return how many customers an arm needs so that a gain in the mean is seen, from the standard deviation so far."""
    if not spread > 0 or gain == 0:
        msg = f"spread is {spread:g} and gain {gain:g}; a spread above 0 and a gain other than 0 were needed."
        raise JourneyDataError(msg)
    z = NORMAL.inv_cdf(1 - alpha / 2) + NORMAL.inv_cdf(power)
    return ceil(2 * (z * spread / gain) ** 2)


def smallest_gain(n: float, share: float, *, power: float = 0.8, alpha: float = 0.05) -> float:
    """Return the smallest gain of a share that a trial of `n` customers an arm sees."""
    low, high = 0.0, 1 - share
    if n <= 0 or power_of(n, share, 1 - 1e-9, alpha=alpha) < power:
        msg = f"{n:g} customers an arm see no gain from a share of {share:g}; more are needed."
        raise JourneyDataError(msg)
    for _step in range(60):
        middle = (low + high) / 2
        low, high = (
            (low, middle)
            if power_of(n, share, share + middle, alpha=alpha) >= power
            else (middle, high)
        )
    return high


@dataclass(frozen=True)
class TrialSize:
    """How large a trial has to be, and what one of the customers and the money there are would show.

    Attributes
    ----------
    needed
        Customers in both arms together, shared out as asked for, so that the gain that is hoped for is seen.
    costs
        What contacting its part of them costs, in the currency of `cost`.
    contacted, left_alone
        Customers of each arm that there is money and are customers for.
    smallest
        The smallest gain that those would show; missing where they show none.
    """

    needed: int
    costs: float
    contacted: int
    left_alone: int
    smallest: float


def trial_size(
    share: float, gain: float, *, customers: int, cost: float = 0.0, budget: float = float("inf"),
    held_out: float = 0.5, power: float = 0.8, alpha: float = 0.05,
) -> TrialSize:  # fmt: skip
    """Plan a trial of one offer: what it needs, and what there is.

    Parameters
    ----------
    share
        Share that buys without being asked.
    gain
        How much likelier a customer is hoped to buy when asked: 0.02 for two points.
    customers
        Customers there are for it.
    cost, budget
        Of one contact, and of all.
    held_out
        Share of the customers left alone. Of unequal arms as much is seen as of two equal ones of their harmonic mean.

    Raises
    ------
    JourneyDataError
        Shares that cannot be, a held-out share that leaves an arm empty, a cost below 0.

    Examples
    --------
    >>> size = trial_size(0.5, 0.25, customers=100, cost=2.0, budget=60.0, power=0.9)
    >>> size.needed, size.costs, size.contacted, size.left_alone, round(size.smallest, 3)
    (154, 154.0, 30, 30, 0.375)
    """
    if not 0 < held_out < 1 or cost < 0 or customers < 0:
        msg = f"held_out {held_out:g}, cost {cost:g}, customers {customers}: a share between 0 and 1, and none below 0."
        raise JourneyDataError(msg)
    one = customers_needed(share, share + gain, power=power, alpha=alpha)
    both = ceil(one / (2 * held_out * (1 - held_out)))
    paid = int(budget / cost) if cost > 0 and budget < float("inf") else customers
    contacted = min(int(customers * (1 - held_out)), paid)
    left_alone = min(int(contacted * held_out / (1 - held_out)), customers - contacted)
    alike = 2 * contacted * left_alone / max(contacted + left_alone, 1)
    try:
        smallest = smallest_gain(alike, share, power=power, alpha=alpha)
    except JourneyDataError:
        smallest = float("nan")
    return TrialSize(both, ceil(both * (1 - held_out)) * cost, contacted, left_alone, smallest)


def assign(customers: Iterable[str], shares: Mapping[str, float], *, salt: str) -> pd.DataFrame:
    """Say by chance who is in which arm: the same customer and salt are always in the same one.

    Parameters
    ----------
    customers
        Ids; each once.
    shares
        Arm → share of the customers; together 1.
    salt
        A word of the trial's own, such as its name: with the word of another trial, the same customers would be left
        alone again.

    Returns
    -------
    pandas.DataFrame
        Columns ``customer_id``, ``arm`` (str), in the order given.
    """
    if not salt or not shares or min(shares.values()) <= 0 or abs(sum(shares.values()) - 1) > 1e-9:
        msg = (
            f"salt is {salt!r} and the shares are {dict(shares)}; a word, and shares above 0 that add up to 1, were "
            "needed."
        )
        raise JourneyDataError(msg)
    ids = [str(c) for c in customers]
    if len(set(ids)) < len(ids):
        msg = f"{len(ids) - len(set(ids))} customers are named twice; each is in one arm only."
        raise JourneyDataError(msg)
    until, ends = 0.0, []
    for arm, share in shares.items():
        until += share
        ends.append((until, arm))
    ends[-1] = (1.0, ends[-1][1])
    rows = [(c, next(a for end, a in ends if _place(salt, c) < end)) for c in ids]
    return pd.DataFrame(rows, columns=["customer_id", "arm"]).astype("str")


def _place(salt: str, customer: str) -> float:
    """Return a number from 0 up to 1 that only salt and customer decide."""
    digest = hashlib.sha256(f"{salt}\n{customer}".encode()).digest()
    return int.from_bytes(digest[:7], "big") / 2**56


def _refuse(share: float, wanted: float, power: float, alpha: float) -> None:
    if (
        not 0 < share < 1
        or not 0 < wanted < 1
        or share == wanted
        or not 0 < power < 1
        or not 0 < alpha < 1
    ):
        msg = (
            f"Share {share:g}, wanted {wanted:g}, power {power:g}, alpha {alpha:g}: shares, power and alpha between 0 "
            "and 1, and two different shares, were needed."
        )
        raise JourneyDataError(msg)
