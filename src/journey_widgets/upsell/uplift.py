"""Whom to contact: whose answer the offer changes, ranked by a model and judged by a trial."""

from collections.abc import Callable, Hashable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from journey_widgets.definition import defined
from journey_widgets.errors import JourneyDataError
from journey_widgets.estimates import Floats, difference
from journey_widgets.upsell.boosting import Boosted
from journey_widgets.upsell.features import Encoder
from journey_widgets.upsell.logistic import fit_logistic
from journey_widgets.upsell.trial import planned_sizes, rows_of

Flags = npt.NDArray[np.bool_]
FOLDS, DRAWS, FIFTHS = 5, 200, 5
BAND_DRAWS, BAND_POINTS = 200, 200
LEAST = 25
"""Customers of each arm from which on a profile speaks for itself."""
RIDGE = 1.0


def qini_curve(
    score: npt.ArrayLike, treated: npt.ArrayLike, outcome: npt.ArrayLike
) -> pd.DataFrame:
    """Return how many answers more contacting the best-ranked customers brought, in a trial.

    Parameters
    ----------
    score
        The higher, the sooner somebody is contacted; customers with equal scores are taken in one step.
    treated, outcome
        Whether each was contacted, and answered.

    Returns
    -------
    pandas.DataFrame
        From nobody to everybody. Columns: ``customers`` (int64), ``extra`` (float64: answers of the contacted among
        them, less those of the others, scaled to as many).

    References
    ----------
    .. [1] N. Radcliffe, "Using control groups to target on predicted lift", Direct Marketing Analytics Journal, 2007.
    """
    s, t, y = np.asarray(score, float), np.asarray(treated, bool), np.asarray(outcome, float)
    order = np.argsort(-s, kind="stable")
    s, t, y = s[order], t[order], y[order]
    last = np.append(s[1:] != s[:-1], True)
    n_t, n_c = np.cumsum(t)[last], np.cumsum(~t)[last]
    y_t, y_c = np.cumsum(y * t)[last], np.cumsum(y * ~t)[last]
    with np.errstate(divide="ignore", invalid="ignore"):
        extra = y_t - np.where(n_c > 0, y_c * n_t / n_c, 0.0)
    steps = np.flatnonzero(last) + 1
    return pd.DataFrame({"customers": np.append(0, steps), "extra": np.append(0.0, extra)})


def _band(
    score: Floats, treated: Flags, outcome: Flags, customers: Floats, *, seed: int = 1
) -> tuple[Floats, Floats]:
    """Return the ends of the 95 % band of `qini_curve` where it has contacted so many customers."""
    order = np.argsort(-score, kind="stable")
    s, t, y = score[order], treated[order], outcome[order].astype(np.float64)
    last = np.append(s[1:] != s[:-1], True)
    rng, many = np.random.default_rng(seed), len(s)
    grid = np.linspace(0, many, min(many, BAND_POINTS) + 1)
    drawn = np.empty((BAND_DRAWS, len(grid)))
    for k in range(BAND_DRAWS):
        w = np.bincount(rng.integers(0, many, many), minlength=many).astype(np.float64)
        n_t, n_c, y_t, y_c = (np.cumsum(v)[last] for v in (w * t, w * ~t, w * y * t, w * y * ~t))
        with np.errstate(divide="ignore", invalid="ignore"):
            extra = y_t - np.where(n_c > 0, y_c * n_t / n_c, 0.0)
        drawn[k] = np.interp(grid, np.append(0.0, np.cumsum(w)[last]), np.append(0.0, extra))
    low, high = np.quantile(drawn, [0.025, 0.975], axis=0)
    return np.interp(customers, grid, low), np.interp(customers, grid, high)


def qini(score: npt.ArrayLike, treated: npt.ArrayLike, outcome: npt.ArrayLike) -> float:
    """Return the area between the curve of `qini_curve` and that of a random order, for each contacted customer.

    Examples
    --------
    >>> found = qini([9, 8, 8, 6, 5, 4, 3, 2], [1, 1, 0, 0, 1, 0, 1, 0], [1, 1, 0, 0, 1, 1, 0, 1])
    >>> round(found, 4)
    0.3021
    """
    curve = qini_curve(score, treated, outcome)
    x = curve["customers"].to_numpy() / curve["customers"].iloc[-1]
    y = curve["extra"].to_numpy() / max(int(np.asarray(treated, bool).sum()), 1)
    return float(np.trapezoid(y, x) - y[-1] / 2)


def uplift(
    trials: Any,
    outcome: str,
    features: Sequence[str],
    *,
    arm: str,
    comparison: str,
    split: dict[str, float] | None = None,
    seed: int = 1,
    challengers: bool = False,
) -> "Uplift":
    """Rank customers by how much an offer changes what they do, and judge the ranking on customers it has not seen.

    Two logistic regressions, one of the contacted and one of the others; a customer's uplift is the difference of their
    two chances (T-learner). In five parts: each is ranked by models of the other four. Boosted trees take their place
    only where asked for and certainly better: one model that knows who was contacted (S-learner), and two crossed ones
    (X-learner [1]_).

    Parameters
    ----------
    trials
        Source or table with one row a customer: ``arm``, the outcome (0 or 1) and the features, all known before the
        offer.
    features
        Columns of numbers or of words.
    arm, comparison, split
        As for `trial`.
    seed
        Of the parts, the band and the trees.
    challengers
        Whether boosted trees are tried too (the extra ``boost``).

    Raises
    ------
    JourneyDataError
        As of `trial`; no features; an outcome that is not 0 and 1.

    References
    ----------
    .. [1] S. Kuenzel, J. Sekhon, P. Bickel, B. Yu, "Metalearners for estimating heterogeneous treatment effects using
       machine learning", PNAS 116, 2019.
    """
    if not features:
        msg = "Name at least one feature: a column that was known before the offer."
        raise JourneyDataError(msg)
    frame = rows_of(trials, [outcome], comparison, extra=features)
    if not set(frame[outcome].unique()) <= {0.0, 1.0}:
        msg = f"{outcome} is not 0 and 1 only; whether each customer did it was needed."
        raise JourneyDataError(msg)
    if arm not in set(frame["arm"]):
        msg = f"arm is {arm!r}; the trial has {', '.join(sorted(frame['arm'].unique()))}."
        raise JourneyDataError(msg)
    sizes = planned_sizes(frame, split)
    own = frame[frame["arm"].isin([arm, comparison])].reset_index(drop=True)
    treated, did = (own["arm"] == arm).to_numpy(), own[outcome].to_numpy() > 0
    rng = np.random.default_rng(seed)
    # Every part has its share of each arm and outcome; otherwise the models of the rest lean the other way.
    part = np.empty(len(own), dtype=np.int64)
    for side in np.unique(2 * treated + did):
        here = np.flatnonzero(2 * treated + did == side)
        part[here] = (rng.permutation(len(here)) + rng.integers(FOLDS)) % FOLDS
    scores = {
        name: _by_others(learn, own[list(features)], treated, did, part, seed)
        for name, learn in (LEARNERS if challengers else dict([FIRST])).items()
    }
    draws = [rng.integers(0, len(own), len(own)) for _d in range(DRAWS)]
    told = _challenged(scores, treated, did, draws)
    name = str(told.loc[told["kept"], "learner"].iloc[0])
    score = scores[name]
    drawn = np.array([qini(score[i], treated[i], did[i]) for i in draws])
    low, high = (float(v) for v in np.quantile(drawn, [0.025, 0.975]))
    said = (
        f"{arm} against {comparison}, {sizes}; {name} of {', '.join(features)}, in {FOLDS} parts, each "
        f"ranked by models of the others. Qini: area above a random order, for each contacted customer; band from "
        f"{DRAWS} draws of customers"
    )
    encoder = Encoder(own[list(features)])
    rank = LEARNERS[name](encoder(own[list(features)]), treated, did, seed)
    return Uplift(
        score, treated, did, qini(score, treated, did), low, high, said, challengers=told,
        rank=lambda frame: rank(encoder(frame[list(features)])), features=own[list(features)],
    )  # fmt: skip


def _by_others(
    learn: "Learner", features: pd.DataFrame, treated: Flags, did: Flags, part: npt.NDArray[np.int64], seed: int,
) -> Floats:  # fmt: skip
    """Return the uplift of everybody by models of the parts he is not in."""
    score = np.full(len(features), np.nan)
    for fold in range(FOLDS):
        rest, here = part != fold, part == fold
        encoder = Encoder(features[rest])
        rank = learn(encoder(features[rest]), treated[rest], did[rest], seed)
        score[here] = rank(encoder(features[here]))
    return score


def _challenged(
    scores: dict[str, Floats], treated: Flags, did: Flags, draws: list[npt.NDArray[np.int64]]
) -> pd.DataFrame:
    """Return each learner beside the first one; the best of those that are certainly better is kept, or the first."""
    first = next(iter(scores))
    areas = {
        n: np.array([qini(s[i], treated[i], did[i]) for i in draws]) for n, s in scores.items()
    }
    rows = []
    for name, score in scores.items():
        gains = np.quantile(areas[name] - areas[first], [0.025, 0.975])
        area = qini(score, treated, did)
        rows.append((name, area, area - qini(scores[first], treated, did), *map(float, gains)))
    found = pd.DataFrame(rows, columns=["learner", "qini", "gain", "gain_low", "gain_high"])
    better = found[found["gain_low"] > 0]
    kept = better["qini"].idxmax() if len(better) else 0
    return found.assign(kept=found.index == kept)


class Uplift:
    """A ranking of customers by uplift, and what it is worth.

    Attributes
    ----------
    score
        Of each customer of the two arms, in the order of the table: the chance with the offer less that without.
    qini, low, high
        Area above a random order with its 95 % band.
    challengers
        One row a learner that was tried: ``learner`` (str), ``qini``, ``gain`` over the first one with ``gain_low`` and
        ``gain_high`` (float64), ``kept`` (bool).
    """

    def __init__(
        self, score: Floats, treated: Flags, outcome: Flags, area: float, low: float, high: float, said: str, *,
        challengers: pd.DataFrame, rank: Callable[[pd.DataFrame], Floats], features: pd.DataFrame,
    ) -> None:  # fmt: skip
        self.score, self.treated, self.outcome = score, treated, outcome
        self.qini, self.low, self.high, self._said = area, low, high, said
        self.challengers, self._rank, self._features = challengers, rank, features

    @property
    def advice(self) -> str:
        """What to do, in a sentence."""
        if self.low > 0:
            return "Contact by rank: those ranked first answer to the offer more than others."
        return "Contact all or none: the ranking is not certainly better than a random order."

    def curve(self) -> pd.DataFrame:
        """Return the Qini curve (see `qini_curve`), with ``low`` and ``high`` (95 % by drawing customers again)."""
        found = qini_curve(self.score, self.treated, self.outcome)
        low, high = _band(
            self.score, self.treated, self.outcome, found["customers"].to_numpy("float64")
        )
        return defined(found.assign(low=low, high=high), self._said)

    def fifths(self) -> pd.DataFrame:
        """Return the uplift of each fifth of the customers, best first.

        Columns: ``fifth`` (int64, from 1), ``customers`` (int64), ``uplift`` with ``low`` and ``high`` (Newcombe),
        ``expected`` (float64, of the model).
        """
        fifth = self._fifth()
        rows = []
        for f in range(FIFTHS):
            t, c = (fifth == f) & self.treated, (fifth == f) & ~self.treated
            a, b = int(self.outcome[t].sum()), int(self.outcome[c].sum())
            low, high, _p = difference(a, t.sum(), b, c.sum())
            gain = a / t.sum() - b / c.sum() if t.any() and c.any() else np.nan
            rows.append(
                (
                    f + 1,
                    int((fifth == f).sum()),
                    gain,
                    float(low),
                    float(high),
                    self.score[fifth == f].mean(),
                )
            )
        columns = ["fifth", "customers", "uplift", "low", "high", "expected"]
        return defined(pd.DataFrame(rows, columns=columns), self._said)

    def _fifth(self) -> npt.NDArray[np.int64]:
        """Return the fifth of each customer, from 0."""
        place = np.argsort(np.argsort(-self.score, kind="stable"), kind="stable")
        return np.asarray(place * FIFTHS // len(place), dtype=np.int64)

    def effects_of(self, customers: pd.DataFrame) -> pd.DataFrame:
        """Return what the offer does to customers who were not in the trial: what it did to those like them.

        Parameters
        ----------
        customers
            One row a customer, with the features.

        Returns
        -------
        pandas.DataFrame
            In their order and index. Columns: ``group`` (str: ``"its own profile"`` where the trial has 25 customers or
            more of the very same features in each arm, else ``"fifth 1 of 5"`` and so on), ``effect`` with ``low``
            (float64, difference of the trial's two arms in that group, lower 95 % limit), ``n`` (int64, the smaller arm
            there).
        """
        fifth = self._fifth()
        ends = [float(self.score[fifth == f].min()) for f in range(FIFTHS - 1)]
        own = [sum(s < end for end in ends) for s in self._rank(customers)]
        known = [self._effect_in(fifth == f, f"fifth {f + 1} of {FIFTHS}") for f in range(FIFTHS)]
        # Of customers with the very same features a model knows no order: what they did themselves is asked.
        same = self._by_profile()
        keys = _keys(customers[self._features.columns])
        rows = [same.get(k) or known[f] for k, f in zip(keys, own, strict=True)]
        found = pd.DataFrame(rows, columns=["group", "effect", "low", "n"], index=customers.index)
        return defined(found, self._said)

    def _effect_in(self, here: Flags, name: str) -> tuple[str, float, float, int]:
        """Return what the offer did to some customers of the trial."""
        t, c = here & self.treated, here & ~self.treated
        a, b, m, n = (
            int(v) for v in (self.outcome[t].sum(), self.outcome[c].sum(), t.sum(), c.sum())
        )
        if not min(m, n):
            return name, np.nan, np.nan, 0
        low, _high, _p = difference(a, m, b, n)
        return name, a / m - b / n, float(low), min(m, n)

    def _by_profile(self) -> dict[Hashable, tuple[str, float, float, int]]:
        """Return what the offer did to each profile with enough customers in both arms."""
        numbers: dict[Hashable, int] = {}
        place = np.array([numbers.setdefault(k, len(numbers)) for k in _keys(self._features)])
        many, found = np.bincount(place), {}
        for key, number in numbers.items():
            if many[number] < 2 * LEAST:
                continue
            told = self._effect_in(place == number, "its own profile")
            if told[3] >= LEAST:
                found[key] = told
        return found


def _keys(features: pd.DataFrame) -> list[Hashable]:
    return list(features.astype("object").itertuples(index=False, name=None))


Rank = Callable[[Floats], Floats]
Learner = Callable[[Floats, Flags, Flags, int], Rank]


def _two_logistic(x: Floats, treated: Flags, did: Flags, seed: int) -> Rank:
    fits = [
        fit_logistic(x[s], did[s], np.arange(int(s.sum())), ridge=RIDGE).coefficients
        for s in (treated, ~treated)
    ]

    def rank(new: Floats) -> Floats:
        with_it, without = (1 / (1 + np.exp(-new @ c)) for c in fits)
        return np.asarray(with_it - without, dtype=np.float64)

    return rank


def _one_boosted(x: Floats, treated: Flags, did: Flags, seed: int) -> Rank:
    def knowing(some: Floats, contacted: Flags | float) -> Floats:
        return np.column_stack([some, np.broadcast_to(contacted, len(some))]).astype(np.float64)

    model = Boosted(knowing(x, treated), did.astype(np.float64), seed=seed)
    return lambda new: np.asarray(model(knowing(new, 1.0)) - model(knowing(new, 0.0)), np.float64)


def _crossed_boosted(x: Floats, treated: Flags, did: Flags, seed: int) -> Rank:
    y = did.astype(np.float64)
    with_it, without = (Boosted(x[s], y[s], seed=seed) for s in (treated, ~treated))
    # What each contacted customer did beyond what the others' model says of him, and the other way round.
    gained = Boosted(x[treated], y[treated] - without(x[treated]), seed=seed, chance=False)
    missed = Boosted(x[~treated], with_it(x[~treated]) - y[~treated], seed=seed, chance=False)
    share = float(treated.mean())
    return lambda new: np.asarray(share * missed(new) + (1 - share) * gained(new), np.float64)


FIRST: tuple[str, Learner] = ("two logistic models", _two_logistic)
LEARNERS: dict[str, Learner] = dict(
    [FIRST, ("one boosted model", _one_boosted), ("crossed boosted models", _crossed_boosted)]
)
"""The first is kept unless another one is certainly better."""


def policy_value(
    action: Sequence[Any], reward: npt.ArrayLike, propensity: npt.ArrayLike, target: Sequence[Any],
    expected: pd.DataFrame | None = None,
) -> pd.DataFrame:  # fmt: skip
    """Return what another way of choosing would have earned, from what was done and how likely that was.

    Parameters
    ----------
    action, reward, propensity
        What was done to each customer, what came of it, and how likely it was to be done to him.
    target
        What the other way would have done.
    expected
        What a model expects of each action (columns) for each customer, for the doubly robust and the direct value.

    Returns
    -------
    pandas.DataFrame
        One row a method. Columns: ``method`` (``"inverse propensity"``, ``"self-normalised"``, ``"doubly robust"``,
        ``"direct"``), ``value`` (float64, a customer), ``effective_n`` (float64: how many customers the weights are
        worth).

    Raises
    ------
    JourneyDataError
        A propensity that is missing, or not above 0 and up to 1: without it nothing can be said.

    References
    ----------
    .. [1] M. Dudik, J. Langford, L. Li, "Doubly robust policy evaluation and learning", ICML 2011.
    """
    r, p = np.asarray(reward, dtype=np.float64), np.asarray(propensity, dtype=np.float64)
    if not (np.isfinite(p).all() and (p > 0).all() and (p <= 1).all()):
        msg = (
            "propensity holds values that are missing or not above 0 and up to 1; how likely each action was, was "
            "needed."
        )
        raise JourneyDataError(msg)
    same = np.array([a == t for a, t in zip(action, target, strict=True)])
    weight = same / p
    effective = float(weight.sum() ** 2 / (weight**2).sum()) if weight.any() else 0.0
    rows = [
        ("inverse propensity", float((weight * r).mean()), effective),
        (
            "self-normalised",
            float((weight * r).sum() / weight.sum()) if weight.any() else np.nan,
            effective,
        ),
    ]
    if expected is not None:
        done = np.array([expected[a].iloc[i] for i, a in enumerate(action)], dtype=np.float64)
        meant = np.array([expected[t].iloc[i] for i, t in enumerate(target)], dtype=np.float64)
        rows += [
            ("doubly robust", float((meant + weight * (r - done)).mean()), effective),
            ("direct", float(meant.mean()), np.nan),
        ]
    return pd.DataFrame(rows, columns=["method", "value", "effective_n"])
