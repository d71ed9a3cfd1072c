"""What to offer next: several ways to rank, held against what needs no model, on purchases none of them has seen.

*Something new* and *the same again* are two questions with two answers, and each has to beat what is popular now or
what the customer bought lately. Often nothing does: then the answer is that a model adds nothing here.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import ibis
import ibis.expr.types as ir
import numpy as np
import numpy.typing as npt
import pandas as pd
from ibis import _

from journey_widgets.definition import defined
from journey_widgets.errors import JourneyDataError, did_you_mean
from journey_widgets.estimates import Floats
from journey_widgets.events.engine import collect
from journey_widgets.events.source import table_of
from journey_widgets.tables import require_columns
from journey_widgets.upsell.baskets import sold
from journey_widgets.upsell.ranking import hits, ndcg, reciprocal_rank
from journey_widgets.upsell.score_report import flags

Ints = npt.NDArray[np.int64]
NEW, REPEAT = MODES = ("new", "repeat")
K, LATELY, HALF_LIFE = 10, 28, 60
"""Places of a list that are looked at; days of *popular lately*; days after which a purchase counts half."""
SHRINK, RIDGE, MOST_ITEMS = 20.0, 200.0, 8_000
LEAST_CUSTOMERS, DRAWS = 200, 400
BLOCK = 2_000
"""Customers that are ranked at a time: a score for every thing of each is what takes memory."""
POPULAR, POPULAR_LATELY, OWN_LATELY, RULES, ALIKE, EASE = (
    "popular", "popular in the last 28 days", "own recent purchases", "rules from the last basket",
    "items bought by the same customers", "EASE",
)  # fmt: skip
LEAST_TOGETHER = 5
"""Baskets with both things, below which a rule is none."""
OUT_OF_STOCK, REPLACED, NO_GAIN = "out of stock", "replaced by another", "earn less than they cost"
"""Why a thing of a catalogue is not offered."""
BASELINES = {NEW: (POPULAR, POPULAR_LATELY), REPEAT: (POPULAR, POPULAR_LATELY, OWN_LATELY)}
"""What a model must beat, the simplest first."""
SESSION, DECAY = 3, 0.5


@dataclass(frozen=True)
class _Bought:
    """Who bought what up to a day: customers by items, with the day of the last time, and with days that fade."""

    customers: list[str]
    items: list[str]
    matrix: Any
    last: Any
    faded: Any
    day: int
    baskets: Any
    """What was bought by one customer on one day: baskets by items."""


def next_offers(
    order_lines: Any, *, mode: str = NEW, cut: str = "", days: int = 30, leave_out: Sequence[str] = (),
    segments: Mapping[str, str] | None = None, seed: int = 1,
) -> "NextOffers":  # fmt: skip
    """Find the best way to rank what to offer next, and judge it.

    Parameters
    ----------
    order_lines
        Source or table with ``customer_id``, ``order_id``, ``product_id``, ``ts`` and ``quantity``. Returns are taken
        off the sale before them; lines of nobody known are left out.
    mode
        ``"new"``: things a customer never had; ``"repeat"``: anything, also again.
    cut
        Day from which on purchases are kept from the models and used to judge them; by default the last `days` days.
    days
        How long after the cut purchases count.
    leave_out
        Product ids that are no products (see `baskets`).
    segments
        Customer → segment, to judge each way in each of them too.
    seed
        Of the intervals.

    Raises
    ------
    JourneyDataError
        An unknown mode, a cut that is no day, nothing before or after it.

    References
    ----------
    .. [1] H. Steck, "Embarrassingly shallow autoencoders for sparse data", WWW 2019: EASE.
    .. [2] B. Sarwar and others, "Item-based collaborative filtering recommendation algorithms", WWW 2001.
    """
    if mode not in MODES:
        msg = f"mode is {mode!r}. {did_you_mean(mode, MODES)}"
        raise JourneyDataError(msg)
    lines = table_of(order_lines, "order_lines", "customer_id", "ts")
    every, counted = _days(lines, leave_out)
    if every.empty:
        msg = "No purchase of a known customer: there is nothing to rank."
        raise JourneyDataError(msg)
    if cut:
        try:
            begin = (pd.Timestamp(cut) - pd.Timestamp(0)).days
        except ValueError:
            msg = f"cut is {cut!r}; a day such as 2026-05-01 was needed."
            raise JourneyDataError(msg) from None
    else:
        begin = int(every["day"].max()) - days + 1
    end = int(every["day"].max())
    # What came back after the cut was not known before it.
    moment = (pd.Timestamp(0) + pd.Timedelta(days=begin)).to_pydatetime()
    before, _counted = _days(lines.filter(lines.ts < ibis.literal(moment, "timestamp")), leave_out)
    after = every[(every["day"] >= begin) & (every["day"] < begin + days)]
    if before.empty or after.empty:
        which = "before" if before.empty else f"within {days} days after"
        msg = f"No purchase {which} {pd.Timestamp(0) + pd.Timedelta(days=begin):%-d %B %Y}: choose another cut."
        raise JourneyDataError(msg)
    said = (
        f"Ranked on purchases before {pd.Timestamp(0) + pd.Timedelta(days=begin):%-d %B %Y}, judged on the {days} days "
        f"from then on; {'things a customer never had' if mode == NEW else 'anything, also again'}"
    )
    said = "; ".join([said, *(f"{n:,} {what}" for what, n in counted.items() if n)])
    old, now = _bought(before, begin), _bought(every, end + 1)
    return NextOffers(old, now, after, mode, seed, said, segments or {})


def _days(lines: ir.Table, leave_out: Sequence[str]) -> tuple[pd.DataFrame, dict[str, int]]:
    """Return who bought what on which day, returns taken off, and what was left out."""
    table, counted = sold(lines, leave_out=leave_out)
    nobody = int(table.filter(table.customer_id.isnull()).count().to_pyarrow().as_py())
    known = table.filter(table.customer_id.notnull())
    found = collect(
        known.group_by(
            customer=known.customer_id.cast("string"), item=known.product_id.cast("string"),
            day=known.ts.date().cast("string"),
        ).agg(lines=_.count())
    )  # fmt: skip
    found["day"] = (pd.to_datetime(found["day"]) - pd.Timestamp(0)).dt.days
    return found, {**counted, "lines of nobody known left out": nobody}


def _bought(rows: pd.DataFrame, day: int) -> _Bought:
    from scipy.sparse import csr_array

    who, customers = pd.factorize(rows["customer"], sort=True)
    what, items = pd.factorize(rows["item"], sort=True)
    shape = (len(customers), len(items))
    pairs = pd.DataFrame({"who": who, "what": what, "day": rows["day"].to_numpy()})
    pairs["faded"] = 0.5 ** ((day - pairs["day"]) / HALF_LIFE)
    latest = pairs.groupby(["who", "what"], as_index=False).agg(
        day=("day", "max"), faded=("faded", "sum")
    )
    at = (latest["who"].to_numpy(), latest["what"].to_numpy())
    matrix = csr_array((np.ones(len(latest)), at), shape=shape)
    last = csr_array((latest["day"].to_numpy(dtype=np.float64), at), shape=shape)
    faded = csr_array((latest["faded"].to_numpy(dtype=np.float64), at), shape=shape)
    basket = pairs.groupby(["who", "day"], sort=False).ngroup().to_numpy()
    once = pd.DataFrame({"basket": basket, "what": what}).drop_duplicates()
    baskets = csr_array(
        (np.ones(len(once)), (once["basket"].to_numpy(), once["what"].to_numpy())),
        shape=(int(basket.max()) + 1, len(items)),
    )
    names = [str(c) for c in customers], [str(i) for i in items]
    return _Bought(*names, matrix, last, faded, day, baskets)


# --- ways to rank: from who bought what to a score for every item, for some customers ---------------------


def _popular(bought: _Bought, rows: Ints) -> Floats:
    many = np.asarray(bought.matrix.sum(axis=0)).ravel()
    return np.broadcast_to(many, (len(rows), len(many))).astype(np.float64)


def _popular_lately(bought: _Bought, rows: Ints) -> Floats:
    recent = (bought.last >= bought.day - LATELY).astype(np.float64)
    many = np.asarray(recent.sum(axis=0)).ravel()
    # Of things nobody bought lately the more popular one comes first.
    many = many + 1e-6 * np.asarray(bought.matrix.sum(axis=0)).ravel()
    return np.broadcast_to(many, (len(rows), len(many))).astype(np.float64)


def _own_lately(bought: _Bought, rows: Ints) -> Floats:
    own = bought.faded[rows].toarray()
    # Behind what he bought himself comes what is popular.
    every = _popular(bought, rows)
    found: Floats = own + 1e-9 * every / max(float(every.max()), 1.0)
    return found


def _alike_weights(bought: _Bought) -> Floats:
    together = (bought.matrix.T @ bought.matrix).toarray()
    many = together.diagonal()
    found: Floats = together / (np.sqrt(np.outer(many, many)) + SHRINK)
    np.fill_diagonal(found, 0.0)
    return found


def _ease_weights(bought: _Bought) -> Floats:
    together = (bought.matrix.T @ bought.matrix).toarray()
    inverse = np.linalg.inv(together + RIDGE * np.eye(len(together)))
    found: Floats = -inverse / inverse.diagonal()
    np.fill_diagonal(found, 0.0)
    return found


def _rule_weights(bought: _Bought) -> Floats:
    """Return the share of the baskets with one thing (rows) that hold another (columns), where enough hold both."""
    together = (bought.baskets.T @ bought.baskets).toarray()
    many = together.diagonal()
    found: Floats = np.where(
        together >= LEAST_TOGETHER, together / np.maximum(many, 1.0)[:, None], 0.0
    )
    np.fill_diagonal(found, 0.0)
    return found


def _last_basket(bought: _Bought, rows: Ints) -> npt.NDArray[np.bool_]:
    """Return what customers bought on the last day they bought anything."""
    last: Floats = bought.last[rows].toarray()
    there = bought.matrix[rows].toarray() > 0
    latest = np.where(there, last, -np.inf).max(axis=1, keepdims=True)
    return np.asarray(there & (last == latest))


WEIGHTS: dict[str, Callable[[_Bought], Floats]] = {
    RULES: _rule_weights, ALIKE: _alike_weights, EASE: _ease_weights,
}  # fmt: skip
SCORES: dict[str, Callable[[_Bought, Ints], Floats]] = {
    POPULAR: _popular, POPULAR_LATELY: _popular_lately, OWN_LATELY: _own_lately,
}  # fmt: skip


class NextOffers:
    """Ways to rank what to offer next, how good each is, and the offers of the best one.

    Attributes
    ----------
    mode
        ``"new"`` or ``"repeat"``.
    report
        One row a way, simplest first. Columns: ``way`` (str); ``ndcg`` with ``low`` and ``high`` (float64, 95 % by
        drawing customers again); ``over_baseline`` with ``over_low`` and ``over_high`` (difference from the best
        baseline, of the same customers; missing for baselines); ``hit``, ``recall``, ``mrr`` (float64, of the first
        ten); ``coverage`` (share of all things that are ever offered), ``popular_share`` (share of the offers that are
        among the hundred most popular things); ``customers`` (int64).
    by_segment
        The same report in each segment of customers that was asked for and has 200 to judge by, with ``segment`` (str)
        first; without ``over_baseline``, as the winner is chosen on all customers.
    winner
        The way that is used: a model only if it is certainly better than the best baseline, of several the simplest
        that is no worse.
    """

    def __init__(
        self, before: _Bought, every: _Bought, after: pd.DataFrame, mode: str, seed: int, said: str,
        segments: Mapping[str, str],
    ) -> None:  # fmt: skip
        self.mode, self._every, self._said = mode, every, said
        self._weights: dict[str, Floats] = {}
        self.report, self.by_segment = self._judged(before, after, seed, segments)
        self.winner = self._best()

    @property
    def customers(self) -> list[str]:
        """Whoever bought anything."""
        return [str(c) for c in self._every.customers]

    def _ways(self, many_items: int) -> list[str]:
        # Their weights are a square of the things.
        return [*BASELINES[self.mode], *([RULES, ALIKE, EASE] if many_items <= MOST_ITEMS else [])]

    def _judged(
        self, before: _Bought, after: pd.DataFrame, seed: int, segments: Mapping[str, str]
    ) -> tuple[pd.DataFrame, pd.DataFrame]:
        place = {c: i for i, c in enumerate(before.customers)}
        at = {i: n for n, i in enumerate(before.items)}
        known = after[after["customer"].isin(place) & after["item"].isin(at)]
        wanted = _marked(
            before.matrix.shape,
            [place[c] for c in known["customer"]],
            [at[i] for i in known["item"]],
        )
        if self.mode == NEW:
            wanted = wanted - wanted.multiply(before.matrix)
        every = np.asarray(wanted.sum(axis=1)).ravel().astype(np.int64)
        rows = np.flatnonzero(every).astype(np.int64)
        if not len(rows):
            msg = "No known customer bought anything to judge by after the cut: choose an earlier one."
            raise JourneyDataError(msg)
        many = every[rows]
        top = np.argsort(-np.asarray(before.matrix.sum(axis=0)).ravel(), kind="stable")[:100]
        rng = np.random.default_rng(seed)
        drawn = rng.integers(0, len(rows), (DRAWS, len(rows)))
        each, lines, parts = {}, [], []
        of_whom = np.array([segments.get(before.customers[r], "") for r in rows])
        groups = {s: np.flatnonzero(of_whom == s) for s in sorted(set(of_whom) - {""})}
        groups = {str(s): own for s, own in groups.items() if len(own) >= LEAST_CUSTOMERS}
        for way in self._ways(len(before.items)):
            weights = WEIGHTS[way](before) if way in WEIGHTS else None
            blocks = []
            for block in _blocks(rows):
                score = _scored(way, before, block, weights)
                owned = before.matrix[block].toarray() > 0 if self.mode == NEW else None
                first = _ranked(score, owned)
                blocks.append((first, hits(first, wanted[block].toarray() > 0)))
            ranked, found = (np.concatenate(b) for b in zip(*blocks, strict=True))
            each[way] = ndcg(found, many)
            all_ = np.arange(len(rows))
            lines.append(
                {"way": way, **_measured(each[way], found, ranked, many, top, all_, drawn, before)}
            )
            for segment, some in groups.items():
                again = np.random.default_rng(seed).integers(0, len(some), (DRAWS, len(some)))
                told = _measured(each[way], found, ranked, many, top, some, again, before)
                parts.append({"segment": segment, "way": way, **told})
        frame = pd.DataFrame(lines)
        own = frame[frame["way"].isin(BASELINES[self.mode])]
        best = str(own["way"].iloc[int(own["ndcg"].to_numpy().argmax())])
        for way in each:
            if way in BASELINES[self.mode]:
                continue
            gap = each[way] - each[best]
            ends = np.quantile(gap[drawn].mean(axis=1), [0.025, 0.975])
            frame.loc[frame["way"] == way, ["over_baseline", "over_low", "over_high"]] = [
                gap.mean(),
                *ends,
            ]
        columns = [
            "way", "ndcg", "low", "high", "over_baseline", "over_low", "over_high", "hit", "recall", "mrr", "coverage",
            "popular_share", "customers",
        ]  # fmt: skip
        frame = frame.reindex(columns=columns)
        many_items = len(before.items)
        left = (
            f"Models left out: {many_items:,} things, more than {MOST_ITEMS:,}"
            if many_items > MOST_ITEMS
            else ""
        )
        by_segment = pd.DataFrame(
            parts, columns=["segment", *(c for c in columns if not c.startswith("over"))]
        )
        by_segment = by_segment.sort_values("segment", kind="stable", ignore_index=True)
        return defined(frame, self._said, left), defined(by_segment, self._said)

    def _best(self) -> str:
        own = self.report[self.report["way"].isin(BASELINES[self.mode])]
        best = str(own["way"].iloc[int(own["ndcg"].to_numpy().argmax())])
        if int(self.report["customers"].iloc[0]) < LEAST_CUSTOMERS:
            return best
        better = self.report[self.report["over_low"] > 0]
        if better.empty:
            return best
        top = float(better["ndcg"].max())
        # Ties go to the simpler one: the first that is within the interval of the best.
        least = float(better["low"][better["ndcg"] == top].iloc[0])
        return str(better["way"][better["ndcg"] >= least].iloc[0])

    @property
    def verdict(self) -> str:
        """What the comparison says, in a sentence."""
        many = int(self.report["customers"].iloc[0])
        if many < LEAST_CUSTOMERS:
            return (
                f"{many} customer{'' if many == 1 else 's'} bought after the cut; {LEAST_CUSTOMERS} are needed to name "
                f"a winner: {self.winner} is used."
            )
        if self.winner in BASELINES[self.mode]:
            return f"A model adds nothing here: {self.winner} is as good."
        row = self.report.set_index("way").loc[self.winner]
        return (
            f"{self.winner} ranks better than what needs no model: NDCG {row['ndcg']:.3f}, "
            f"{row['over_baseline']:+.3f} ({row['over_low']:+.3f} to {row['over_high']:+.3f})."
        )

    # --- offers

    def offers(
        self, customers: Sequence[str], *, most: int = K, without: Mapping[str, Collection[str]] | None = None,
        in_peace: Mapping[str, Collection[str]] | None = None,
    ) -> pd.DataFrame:  # fmt: skip
        """Return what to offer to customers now, by the winner, learnt from all purchases.

        Parameters
        ----------
        customers
            Ids; those nobody knows get what is popular lately.
        most
            Offers a customer.
        without
            Why a thing is not offered → things, such as `not_for_sale` returns; how many each took is in the
            definition.
        in_peace
            Why a customer is offered nothing → customers, such as those with an open case; counted too.

        Returns
        -------
        pandas.DataFrame
            Columns: ``customer_id`` (str), ``rank`` (int64, from 1), ``product_id`` (str), ``score`` (float64),
            ``because`` (str: up to two things the customer has that speak for it most; blank for baselines),
            ``customers_behind`` (Int64: customers who have both the first of them and it; missing for baselines).
        """
        every = self._every
        place = {c: i for i, c in enumerate(every.customers)}
        asked, left = [str(c) for c in customers], []
        for why, who in (in_peace or {}).items():
            barred = {str(c) for c in who}
            left.append(f"{sum(c in barred for c in asked)} {why}")
            asked = [c for c in asked if c not in barred]
        known = [c for c in asked if c in place]
        strangers = [c for c in asked if c not in place]
        banned, counted = np.zeros(len(every.items), bool), []
        for why, things in (without or {}).items():
            own = np.isin(every.items, [str(t) for t in things]) & ~banned
            banned |= own
            counted.append(f"{int(own.sum())} {why}")
        rows = np.array([place[c] for c in known], dtype=np.int64)
        weights = self._learnt(self.winner)
        frames = []
        for some in _blocks(rows):
            owned = every.matrix[some].toarray() > 0
            hidden = (owned if self.mode == NEW else np.zeros_like(owned)) | banned
            speaks = _last_basket(every, some) if self.winner == RULES else owned
            score = _scored(self.winner, every, some, weights)
            names = [every.customers[r] for r in some]
            frames.append(self._listed(names, score, hidden, speaks, weights, most))
        for some in _blocks(np.arange(len(strangers), dtype=np.int64)):
            score = _popular_lately(every, np.zeros(len(some), dtype=np.int64))
            nothing, names = np.zeros(score.shape, bool), [strangers[i] for i in some]
            frames.append(self._listed(names, score, nothing | banned, nothing, None, most))
        columns = ["customer_id", "rank", "product_id", "score", "because", "customers_behind"]
        found = pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=columns)
        found = found.astype({"customers_behind": "Int64"})
        things = f"Not offered: {', '.join(counted)}" if counted else ""
        people = f"Customers left in peace: {', '.join(left)}" if left else ""
        return defined(
            found[columns], f"By {self.winner}, learnt from all purchases", things, people
        )

    def for_session(self, items: Sequence[str], *, most: int = K) -> list[str]:
        """Return what to offer beside the last things somebody looked at or put into the basket, the newest first."""
        every = self._every
        at = {i: n for n, i in enumerate(every.items)}
        known = [at[i] for i in map(str, items) if i in at]
        weights = self._learnt(EASE) if len(every.items) <= MOST_ITEMS else None
        score = _popular_lately(every, np.zeros(1, dtype=np.int64))[0].copy()
        if known and weights is not None:
            score = np.sum(
                [weights[i] * DECAY**turn for turn, i in enumerate(known[:SESSION])], axis=0
            )
        score[known] = -np.inf
        order = np.argsort(-score, kind="stable")[:most]
        return [every.items[i] for i in order if np.isfinite(score[i])]

    def _learnt(self, way: str) -> Floats | None:
        if way not in WEIGHTS:
            return None
        if way not in self._weights:
            self._weights[way] = WEIGHTS[way](self._every)
        return self._weights[way]

    def _listed(
        self, customers: list[str], score: Floats, hidden: npt.NDArray[np.bool_], owned: npt.NDArray[np.bool_],
        weights: Floats | None, most: int,
    ) -> pd.DataFrame:  # fmt: skip
        every, rows = self._every, []
        ranked, columns_of = _ranked(score, hidden, most), every.matrix.tocsc()

        def buyers(item: int) -> Ints:
            found: Ints = columns_of.indices[columns_of.indptr[item] : columns_of.indptr[item + 1]]
            return found

        for i, customer in enumerate(customers):
            has = np.flatnonzero(owned[i])
            for rank, item in enumerate(ranked[i]):
                if hidden[i, item]:
                    break
                because, behind = "", None
                if weights is not None and len(has):
                    speaks = has[np.argsort(-weights[has, item], kind="stable")[:2]]
                    speaks = speaks[weights[speaks, item] > 0]
                    because = ", ".join(every.items[s] for s in speaks)
                    if len(speaks):
                        behind = len(
                            np.intersect1d(
                                buyers(int(speaks[0])), buyers(int(item)), assume_unique=True
                            )
                        )
                rows.append(
                    (customer, rank + 1, every.items[item], float(score[i, item]), because, behind)
                )
        columns = ["customer_id", "rank", "product_id", "score", "because", "customers_behind"]
        return pd.DataFrame(rows, columns=columns)


def _measured(
    gain: Floats, found: npt.NDArray[np.bool_], ranked: Ints, many: Ints, top: Ints, some: Ints, draws: Ints,
    bought: _Bought,
) -> dict[str, Any]:  # fmt: skip
    """Return the measures of a way over some of the customers, with the interval of its gain."""
    low, high = np.quantile(gain[some][draws].mean(axis=1), [0.025, 0.975])
    own = found[some]
    return {
        "ndcg": gain[some].mean(), "low": low, "high": high, "hit": own.any(axis=1).mean(),
        "recall": (own.sum(axis=1) / np.minimum(many[some], K)).mean(), "mrr": reciprocal_rank(own).mean(),
        "coverage": len(np.unique(ranked[some])) / len(bought.items),
        "popular_share": np.isin(ranked[some], top).mean(), "customers": len(some),
    }  # fmt: skip


def not_for_sale(catalogue: pd.DataFrame) -> dict[str, list[str]]:
    """Return which things of a catalogue are not offered, and why: the first reason that holds for each.

    Parameters
    ----------
    catalogue
        One row a thing, ``product_id``; where they are there ``in_stock`` (bool), ``replaced_by`` (product id, blank
        for none), ``margin`` and ``cost`` of offering it (float, in one currency).

    Returns
    -------
    dict
        Reason → product ids, as `NextOffers.offers` takes it.

    Raises
    ------
    JourneyDataError
        No ``product_id``, a thing named twice, an ``in_stock`` that is neither yes nor no.
    """
    require_columns(catalogue.columns, "product_id", name="catalogue")
    ids = catalogue["product_id"].astype("str")
    if ids.duplicated().any():
        msg = f"catalogue: {int(ids.duplicated().sum())} things are named twice; one row each was needed."
        raise JourneyDataError(msg)
    nothing = pd.Series(False, index=catalogue.index)
    here = {
        c: catalogue[c] for c in ("in_stock", "replaced_by", "margin", "cost") if c in catalogue
    }
    gone = (
        ~pd.Series(flags(here["in_stock"], "in_stock"), catalogue.index)
        if "in_stock" in here
        else nothing
    )
    newer = here["replaced_by"].fillna("").astype("str") != "" if "replaced_by" in here else nothing
    money = {c: pd.to_numeric(here[c], errors="coerce") for c in ("margin", "cost") if c in here}
    poor = money["margin"] < money["cost"] if len(money) == 2 else nothing
    found: dict[str, list[str]] = {}
    taken = nothing
    for why, own in ((OUT_OF_STOCK, gone), (REPLACED, newer), (NO_GAIN, poor)):
        found[why] = list(ids[own & ~taken])
        taken = taken | own
    return found


def _blocks(rows: Ints) -> list[Ints]:
    return [rows[start : start + BLOCK] for start in range(0, len(rows), BLOCK)]


def _marked(shape: tuple[int, int], rows: Sequence[int], columns: Sequence[int]) -> Any:
    """Return a sparse matrix of 1 at the places named, each once however often it is named."""
    from scipy.sparse import csr_array

    found = csr_array((np.ones(len(rows)), (list(rows), list(columns))), shape=shape)
    found.sum_duplicates()
    found.data[:] = 1.0
    return found


def _scored(way: str, bought: _Bought, rows: Ints, weights: Floats | None) -> Floats:
    if weights is None:
        return SCORES[way](bought, rows)
    if way == RULES:
        # The strongest rule of what is in the last basket; behind all rules comes what is popular.
        every = _popular(bought, rows)
        best = np.stack([weights[own].max(axis=0) for own in _last_basket(bought, rows)])
        strong: Floats = best + 1e-9 * every / max(float(every.max()), 1.0)
        return strong
    found: Floats = bought.matrix[rows] @ weights
    return found


def _ranked(score: Floats, hidden: npt.NDArray[np.bool_] | None, most: int = K) -> Ints:
    """Return the best items of each row, best first; of equal ones the first by id."""
    shown = score if hidden is None else np.where(hidden, -np.inf, score)
    found: Ints = np.argsort(-shown, axis=1, kind="stable")[:, :most].astype(np.int64)
    return found
