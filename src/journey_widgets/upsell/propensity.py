"""Who will: a score learnt from past days and judged on a later one, that knows nothing of what came after its day."""

from collections.abc import Mapping, Sequence
from math import inf
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from journey_widgets.definition import defined
from journey_widgets.errors import JourneyDataError
from journey_widgets.estimates import Floats
from journey_widgets.upsell.boosting import Boosted
from journey_widgets.upsell.days import Days, codes_of, days_of, whole_days
from journey_widgets.upsell.features import Encoder
from journey_widgets.upsell.logistic import fit_logistic
from journey_widgets.upsell.score_report import (
    LEAST,
    TOO_GOOD,
    ScoreReport,
    area_of,
    auc_gain,
    flags,
)

RECENT, RIDGE = 28, 1.0
"""Days before a snapshot that behaviour is counted in; how hard the coefficients are held back."""
LEAST_TRAINED = 100
CARRIES, ALONE = 0.8, 0.78
"""Share of the score, and area under the curve by itself, from which on one feature is doubted: it may be a leak."""


def snapshots(
    log: Any, outcome: str | Sequence[str], dates: Sequence[str], *, within: str = "30d", gap: str = "",
    zone: str = "UTC",
) -> pd.DataFrame:  # fmt: skip
    """Return what was known of customers on several days, and what they did after.

    Parameters
    ----------
    log
        Event log or its path index.
    outcome
        Touchpoint, or touchpoints, whose coming is foreseen.
    dates
        Days, such as ``"2026-03-01"``; everything before the day is known, nothing of the day itself.
    within, gap
        How long after the day counts (whole days), and how many days are left out first, such as those a campaign
        needs.

    Returns
    -------
    pandas.DataFrame
        One row a customer and date: those who were there before, had not done it yet, and whose window is over.
        Of a log with more than ten million rows a customer, day and touchpoint, of customers who were drawn by chance.
        Columns: ``customer_id`` (str), ``date``, ``known_at`` (datetime64, the newest day anything is taken from),
        ``label_until`` (datetime64, when the label was known), ``label`` (bool); the features: ``active_days``,
        ``events`` (int64, of the last 28 days), ``days_since`` (int64, last event), ``tenure`` (int64, days since the
        first one), and for each touchpoint ``last 28 days: …`` (int64).
    """
    days = (log if isinstance(log, Days) else days_of(log, zone=zone)).alike()
    ids = days.ids()
    ends = codes_of(days, [outcome] if isinstance(outcome, str) else outcome, "outcome")
    length, wait = whole_days(within, "within"), whole_days(gap, "gap") if gap else 0
    frames = []
    for date in dates:
        day = (pd.Timestamp(date) - days.begins).days
        if day <= 0 or day + wait + length > days.last + 1:
            msg = (
                f"{date}: the log goes from {days.begins:%-d %B %Y} for {days.last + 1} days; the day and "
                f"{wait + length} days from it on were needed in it."
            )
            raise JourneyDataError(msg)
        frames.append(_snapshot(days, ids, ends, day, wait, length).assign(
                date=pd.Timestamp(date), label_until=pd.Timestamp(date) + pd.Timedelta(days=wait + length)
            )
        )  # fmt: skip
    found = pd.concat(frames, ignore_index=True)
    first = ["customer_id", "date", "known_at", "label_until", "label"]
    said = (
        f"Known before each day; {' or '.join(days.names[c] for c in ends)} within {length} days"
        f"{f' after {wait} days left out' if wait else ''}{days.said}"
    )
    return defined(found[[*first, *(c for c in found.columns if c not in first)]], said)


def known_before(
    log: Any, outcome: str | Sequence[str], date: str, *, zone: str = "UTC"
) -> pd.DataFrame:
    """Return what is known of customers before a day, as `snapshots` has it but without an answer.

    Parameters
    ----------
    log, outcome, zone
        As for `snapshots`.
    date
        The day; it may be the one after the last.

    Returns
    -------
    pandas.DataFrame
        One row a customer who was there before and had not done it yet: ``customer_id`` (str), ``known_at`` and the
        features of `snapshots`.
    """
    days = log if isinstance(log, Days) else days_of(log, zone=zone, most=inf)
    if days.drawn:
        msg = f"Everybody asked about was needed; found {days.drawn.said}. Choose customers, and ask of their log."
        raise JourneyDataError(msg)
    ends = codes_of(days, [outcome] if isinstance(outcome, str) else outcome, "outcome")
    day = (pd.Timestamp(date) - days.begins).days
    return _snapshot(days, days.ids(), ends, day, 0, 0).drop(columns="label")


def _snapshot(
    days: Days, ids: dict[int, str], ends: list[int], day: int, wait: int, length: int
) -> pd.DataFrame:
    past = days.day < day
    is_end = np.isin(days.touchpoint, ends)
    done = np.unique(days.customer[past & is_end])
    later = days.customer[is_end & (days.day >= day + wait) & (days.day < day + wait + length)]
    early = np.unique(days.customer[is_end & (days.day >= day) & (days.day < day + wait)])
    who = np.setdiff1d(np.unique(days.customer[past]), np.union1d(done, early))
    many = int(days.customer.max()) + 1
    first, last = np.full(many, day), np.full(many, -1)
    np.minimum.at(first, days.customer[past], days.day[past])
    np.maximum.at(last, days.customer[past], days.day[past])
    recent = past & (days.day >= day - RECENT)
    pairs = np.unique(days.customer[recent] * (days.last + 2) + days.day[recent]) // (days.last + 2)
    columns: dict[str, Any] = {
        "customer_id": [ids[int(c)] for c in who],
        "known_at": days.begins + pd.to_timedelta(last[who], unit="D"), "label": np.isin(who, later),
        "active_days": np.bincount(pairs, minlength=many)[who],
        "events": np.bincount(days.customer[recent], days.times[recent], minlength=many)[who].astype(np.int64),
        "days_since": day - last[who], "tenure": day - first[who],
    }  # fmt: skip
    for code, name in enumerate(days.names):
        if code not in ends:
            own = recent & (days.touchpoint == code)
            counted = np.bincount(days.customer[own], days.times[own], minlength=many)[who]
            columns[f"last {RECENT} days: {name}"] = counted.astype(np.int64)
    return pd.DataFrame(columns)


def propensity(
    table: pd.DataFrame, features: Sequence[str], *, label: str = "label", date: str = "date",
    known_at: str = "known_at", label_until: str = "label_until", seed: int = 1, boosting: bool = False,
) -> "Propensity":  # fmt: skip
    """Learn who will from all dates but the last, and judge it on the last one.

    A logistic regression. Boosted trees take its place only where asked for, and where they were certainly better on
    the last date that is learnt from, learnt from the dates before that.

    Parameters
    ----------
    table
        One row a customer and date: features, `label`, `date`; `known_at`, the newest moment any feature of the row was
        taken from; and `label_until`, the moment its label was known. As of `snapshots`, or of your own.
    features
        Columns of numbers or words.
    seed
        Of the intervals.
    boosting
        Whether boosted trees are tried too (the extra ``boost``); a third date is needed for that.

    Raises
    ------
    JourneyDataError
        A feature taken from the day or after it, or a label of an earlier date known only after the last one: that is a
        leak. Fewer than two dates; fewer than 100 who did it before
        the last date, or 50 on it. Missing columns.
    """
    wanted = [*features, label, date, known_at, label_until]
    missing = [c for c in wanted if c not in table.columns]
    if missing or not features:
        lacks = ", ".join(missing) or "features"
        msg = f"The table lacks {lacks}; features, {label}, {date}, {known_at} and {label_until} were needed."
        raise JourneyDataError(msg)
    when, known, settled = (_moments_of(table, c) for c in (date, known_at, label_until))
    leaks = int((~(known < when)).sum())
    if leaks:
        msg = (
            f"{leaks} rows know something of their day or of what came after it ({known_at} is not before {date}): a "
            "score made of them would know the answer. Take every feature from before the day."
        )
        raise JourneyDataError(msg)
    dates = sorted(when.unique())
    if len(dates) < 2:
        msg = "One date only: at least one to learn from and a later one to judge by were needed."
        raise JourneyDataError(msg)
    test = (when == dates[-1]).to_numpy()
    early = int((settled[~test] > dates[-1]).sum())
    if early:
        msg = (
            f"{early} rows of earlier dates have an answer that was known only after {dates[-1]:%-d %B %Y}, the date "
            f"it is judged on ({label_until}): it would be learnt from what it is judged by. Take dates further apart, "
            "or a shorter window."
        )
        raise JourneyDataError(msg)
    did = flags(table[label], label)
    trained, judged = int(did[~test].sum()), int(did[test].sum())
    if trained < LEAST_TRAINED or judged < LEAST:
        msg = (
            f"{trained} did it before the last date and {judged} after it; {LEAST_TRAINED} and {LEAST} or more are "
            "needed to learn and to judge."
        )
        raise JourneyDataError(msg)
    own = table[list(features)]
    trees, told = (
        _challenged(own[~test], did[~test], when[~test], settled[~test], seed)
        if boosting
        else (False, "")
    )
    learn = _Trees if trees else _Logistic
    model = learn(own[~test], did[~test], seed)
    return Propensity(
        model, list(features), own[test], did[test], float(did[~test].mean()), told, seed
    )


def _challenged(
    own: pd.DataFrame, did: npt.NDArray[np.bool_], when: pd.Series, settled: pd.Series, seed: int
) -> tuple[bool, str]:
    """Return whether boosted trees beat the logistic model on the last date of these, and say so."""
    last = (when == when.max()).to_numpy()
    if last.all():
        msg = "Boosting is tried on a date between: a third date was needed."
        raise JourneyDataError(msg)
    # What was known only after the date it is judged on is not learnt from here either.
    early = ~last & (settled <= when.max()).to_numpy()
    if did[early].sum() < LEAST_TRAINED or did[last].sum() < LEAST or did[last].all():
        msg = (
            f"Boosting is tried on {when.max():%-d %B %Y}: {LEAST_TRAINED} or more who did it and were known by then, "
            f"and {LEAST} after it, were needed; found {int(did[early].sum())} and {int(did[last].sum())}."
        )
        raise JourneyDataError(msg)
    logistic, trees = (m(own[early], did[early], seed)(own[last]) for m in (_Logistic, _Trees))
    gain, low, high = auc_gain(trees, logistic, did[last], seed=seed)
    wins = low > 0
    return wins, (
        f"Boosted trees {'took the place of' if wins else 'were tried and left for'} the logistic model: area under "
        f"the curve {gain:+.3f} ({low:+.3f} to {high:+.3f}) on {when.max():%-d %B %Y}."
    )


class _Logistic:
    """A logistic regression of what was known of customers."""

    def __init__(self, own: pd.DataFrame, did: npt.NDArray[np.bool_], seed: int) -> None:
        self.encoder = Encoder(own)
        x = self.encoder(own)
        fit = fit_logistic(x, did, np.arange(len(did)), ridge=RIDGE)
        self._coefficients, self._middle = fit.coefficients, x.mean(axis=0)

    def __call__(self, own: pd.DataFrame) -> Floats:
        line = self.encoder(own) @ self._coefficients
        return np.asarray(1 / (1 + np.exp(-line)), dtype=np.float64)

    def moved(self, own: pd.DataFrame) -> Floats:
        """Return coefficient times the distance from the mean customer it was learnt from."""
        return np.asarray((self.encoder(own) - self._middle) * self._coefficients, dtype=np.float64)


class _Trees:
    """Boosted trees over the same numbers."""

    def __init__(self, own: pd.DataFrame, did: npt.NDArray[np.bool_], seed: int) -> None:
        self.encoder = Encoder(own)
        self._trees = Boosted(self.encoder(own), did.astype(np.float64), seed=seed)

    def __call__(self, own: pd.DataFrame) -> Floats:
        return self._trees(self.encoder(own))

    def moved(self, own: pd.DataFrame) -> Floats:
        """Return what each number moves, by the trees themselves."""
        return self._trees.moved(self.encoder(own))


def _moments_of(table: pd.DataFrame, column: str) -> pd.Series:
    """Return a column of moments as naive UTC; one that is missing is a `JourneyDataError`."""
    found = pd.to_datetime(table[column], utc=True, errors="coerce").dt.tz_localize(None)
    missing = int(found.isna().sum())
    if missing:
        msg = f"{column} is missing or no day in {missing} rows; it is needed to see that nothing leaks."
        raise JourneyDataError(msg)
    return found


def _alone(numbers: Floats, names: Sequence[str], did: npt.NDArray[np.bool_]) -> dict[str, float]:
    """Return how well each number by itself ranks who did it, whichever way."""
    ones = np.ones(len(did), dtype=np.int64)
    found = {}
    for column, name in zip(numbers.T, names, strict=True):
        area = area_of(np.unique(column, return_inverse=True)[1], did, ones)
        found[name] = max(area, 1 - area)
    return found


class Propensity:
    """A score of who will, and what it is worth.

    Attributes
    ----------
    report
        On the last date (see `ScoreReport`).
    base_then, base_now
        Share who did it on the dates it was learnt from, and on the last one.
    challenged
        How boosted trees did beside the logistic model, in a sentence; blank where they were not tried.
    """

    def __init__(
        self, model: "_Logistic | _Trees", features: list[str], test: pd.DataFrame, did: npt.NDArray[np.bool_],
        base_then: float, told: str, seed: int,
    ) -> None:  # fmt: skip
        self._model, self._features, self.challenged = model, features, told
        self.base_then, self.base_now = base_then, float(did.mean())
        self.report = ScoreReport(self.score(test), did, seed=seed)
        moved = model.moved(test)
        self._spread = moved.std(axis=0)
        self._alone = _alone(model.encoder(test), list(model.encoder.names), did)
        self._ways = {
            c: bool(np.cov(test[c].astype("float64")[known_], moved[known_, place])[0, 1] > 0)
            for place, c in enumerate(model.encoder.columns)
            if c in test.columns and pd.api.types.is_numeric_dtype(test[c])
            for known_ in [test[c].notna().to_numpy()]
            if known_.sum() > 1
        }

    def score(self, table: pd.DataFrame) -> Floats:
        """Return the chance of each customer."""
        return self._model(table[self._features])

    def reasons(
        self, table: pd.DataFrame, *, most: int = 3, labels: Mapping[str, str] | None = None
    ) -> list[list[str]]:
        """Return for each customer what moves his score most, in words: value, and which way.

        On the scale of the odds: coefficient times the distance from the mean customer it was learnt from (of boosted
        trees their own contributions); of a column of words all of them together.
        """
        moved = self._model.moved(table[self._features])
        sums = (
            pd.DataFrame(moved, columns=self._model.encoder.columns)
            .drop(columns="constant")
            .T.groupby(level=0)
            .sum()
            .T
        )
        told = []
        for row, (_i, given) in zip(sums.to_dict("records"), table.iterrows(), strict=True):
            order = sorted(row, key=lambda c: -abs(row[c]))[:most]
            told.append(
                [
                    _reason(self.said(str(c), labels), given[str(c)], row[c])
                    for c in order
                    if abs(row[c]) > 1e-9
                ]
            )
        return told

    def said(self, feature: str, labels: Mapping[str, str] | None = None) -> str:
        """Return a feature in words; that of a table of one's own is what it is called."""
        return feature_said(feature, labels) if set(SAID) <= set(self._features) else feature

    def drivers(self) -> pd.DataFrame:
        """Return what moves the scores most, the strongest first.

        Columns: ``feature`` (str); ``share`` (float64, of the variance that all features move on the scale of the odds,
        on the customers it was judged on); ``more`` (bool: higher values speak for it; of words missing).
        """
        columns = self._model.encoder.columns[1:]
        spread = pd.Series(self._spread[1:] ** 2, index=columns).groupby(level=0).sum()
        share = (spread / max(float(spread.sum()), 1e-12)).sort_values(
            ascending=False, kind="stable"
        )
        found = pd.DataFrame({"feature": share.index.astype("str"), "share": share.to_numpy()})
        return found.assign(
            more=pd.array([self._ways.get(f) for f in found["feature"]], dtype="boolean")
        )

    @property
    def doubts(self) -> list[str]:
        """What speaks against trusting it, in sentences."""
        said = self.report.doubts
        share = self._spread**2 / max(float((self._spread**2).sum()), 1e-12)
        top = int(share.argmax())
        if share[top] > CARRIES and self.report.auc[0] > (0.5 + TOO_GOOD) / 2:
            said.append(
                f"{self._model.encoder.names[top]} carries {share[top]:.0%} of it: is it known before, and no part of "
                "the answer?"
            )
        for name, area in self._alone.items():
            if area > ALONE and not any(s.startswith(f"{name} carries") for s in said):
                said.append(
                    f"{name} alone ranks rightly in {area:.0%}: is it known before, and no part of the answer?"
                )
        rates = f"{self.base_then:.1%} did it when it was learnt and {self.base_now:.1%} now"
        far = abs(self.base_now - self.base_then) > 0.2 * self.base_then
        return [*said, f"{rates}: chances are off by about that." if far else f"{rates}."]


SAID = {
    "active_days": f"days with an event in the last {RECENT} days", "events": f"events in the last {RECENT} days",
    "days_since": "days since the last event", "tenure": "days since the first event",
}  # fmt: skip
LATELY = f"last {RECENT} days: "


def feature_said(name: str, labels: Mapping[str, str] | None = None) -> str:
    """Return a feature of `snapshots` in words.

    Examples
    --------
    >>> feature_said("last 28 days: app_opened", {"app_opened": "App opened"}), feature_said("plan")
    ('App opened in the last 28 days', 'plan')
    """
    if name.startswith(LATELY):
        what = name.removeprefix(LATELY)
        return f"{(labels or {}).get(what, what)} in the last {RECENT} days"
    return SAID.get(name, name)


def _reason(column: str, value: Any, moved: float) -> str:
    number = isinstance(value, float | int | np.number)
    shown = f"{value:,.0f}" if number and float(value).is_integer() else str(value)
    return f"{column} is {shown} ({'more' if moved > 0 else 'less'} likely)"
