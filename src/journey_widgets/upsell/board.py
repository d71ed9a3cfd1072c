"""The opportunity board: who is offered what, where, by whom, within what there is of money, slots and patience.

A row is one customer, offer and touchpoint. What it may earn is a range, and says what it rests on; only rows that rest
on a trial add up to anything that may be called incremental.
"""

import io
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property, partial

import numpy as np
import pandas as pd

from journey_widgets.definition import defined
from journey_widgets.errors import JourneyDataError, did_you_mean
from journey_widgets.estimates import Floats
from journey_widgets.events.personal import pseudonym
from journey_widgets.safe import csv_text
from journey_widgets.small_counts import withheld
from journey_widgets.tables import require_columns
from journey_widgets.upsell.document import GUARDS
from journey_widgets.upsell.optimiser import Ints, Problem, Solution, solve
from journey_widgets.upsell.planning import assign

TESTED, MODELLED, PLACEBO, OBSERVED, JUDGED = EVIDENCE = (
    "tested", "modelled on a test", "observed, placebo passed", "observed", "judgement",
)  # fmt: skip
"""What an effect rests on, the strongest first."""
INCREMENTAL = (TESTED, MODELLED)
"""Only these come from a comparison group."""
PRIOR = 100
"""Customers that the mean effect of its class counts as much as, when an effect is shrunk towards it."""
MOST_OBSERVED = 0.05
"""The largest effect that is believed of what was only observed or judged."""
HELD_OUT = "left alone, to compare with"
OWNERLESS = "nobody alone answers for the touchpoint"
EARNS = "earns less than it costs"
ELIGIBLE, NO_ROOM, PLANNED = "eligible", "no room for it", "planned"
CENT = 0.005
CONTACTED, LEFT_ALONE = "contacted", "left alone"
"""The two arms of a plan, when it is looked at later."""
REQUIRED = ("customer_id", "offer", "touchpoint", "effect", "margin", "cost", "evidence")


@dataclass(frozen=True)
class Limits:
    """What there is of everything.

    Attributes
    ----------
    budget
        Euros for contacts.
    slots
        Touchpoint → contacts it can make; those not named have no end.
    max_contacts
        Contacts a customer may get.
    already
        Customer → contacts had in the period already.
    fatigue
        What each contact costs in patience, in euros.
    least
        Segment → contacts its customers get at least, as far as budget and slots allow it; ``segment`` of the cells
        says who is in it. How many it lacks `Board.prices` says, also of a segment that nobody is in.
    """

    budget: float = float("inf")
    slots: Mapping[str, int] | None = None
    max_contacts: int = 1
    already: Mapping[str, int] | None = None
    fatigue: float = 0.0
    least: Mapping[str, int] | None = None


def board(
    cells: pd.DataFrame,
    *,
    limits: Limits | None = None,
    owners: Mapping[str, str] | None = None,
    guards: Mapping[str, Iterable[str]] | None = None,
    held_out: float = 0.1,
    salt: str = "board",
    cautious: bool = True,
    currency: str = "",
) -> "Board":
    """Plan who is offered what.

    Parameters
    ----------
    cells
        One row a customer, offer and touchpoint. Columns: ``customer_id``, ``offer``, ``touchpoint`` (str); ``effect``
        (float, how much likelier the customer buys when contacted, 0.02 for two points); ``margin`` of a purchase and
        ``cost`` of the contact (float, euros); ``evidence`` (one of `EVIDENCE`). Where they are there: ``effect_low``
        (the lower 80 % limit), ``n`` (customers the effect rests on), ``kept`` (share of purchases that are not
        returned, 1 by default), ``follow_on`` (later margin that comes with a purchase), ``prior`` (what was believed
        of the effect before it was tested), ``guard`` (why the customer is not asked for this, blank where he may be),
        ``segment`` (of the customer, blank for none), ``reason`` (str).
    limits
        Budget, slots, contacts a customer, fatigue.
    owners
        Touchpoint → role that alone answers for it; rows of others are listed apart and not planned. None asks nobody.
    guards
        Why a customer is not contacted → customers, such as an open case or an opt-out; applied in this order.
    held_out
        Share of the customers left alone by chance, before anything is ranked: without them nobody could say later what
        the plan brought.
    salt
        Of who is left alone.
    cautious
        Rank by the lower 80 % limit of each effect, where there is one; otherwise by the effect.
    currency
        Of all amounts, for sentences.

    Raises
    ------
    JourneyDataError
        Missing columns, numbers that cannot be, a class of evidence that is not known, the same row twice.
    """
    found = _checked(cells)
    limits = limits or Limits()
    if np.isnan(limits.budget) or limits.budget < 0 or not np.isfinite(limits.fatigue):
        msg = f"budget {limits.budget}, fatigue {limits.fatigue}: a budget from 0 and a finite fatigue were needed."
        raise JourneyDataError(msg)
    there = sorted(found["touchpoint"].unique())
    for touchpoint in limits.slots or {}:
        if touchpoint not in there:
            msg = f"slots names {touchpoint!r}. {did_you_mean(touchpoint, there)}"
            raise JourneyDataError(msg)
    left, alone, removed = _guarded(found, owners, guards or {}, held_out, salt)
    out = partial(_reasons, found, left, guards or {}, held_out, salt)
    # Who is left alone is priced with everybody else: later the two are compared.
    priced = _priced(pd.concat([left, alone], ignore_index=True), limits, cautious=cautious)
    left, alone = (
        priced[part].reset_index(drop=True) for part in (slice(len(left)), slice(len(left), None))
    )
    many = found["customer_id"].nunique()
    by = "lower limit of the effect" if cautious else "effect"
    return Board(
        left,
        limits,
        dict(owners or {}),
        removed,
        len(found),
        many,
        currency,
        by,
        alone=alone,
        out=out,
    )


def _checked(cells: pd.DataFrame) -> pd.DataFrame:
    require_columns(cells.columns, *REQUIRED, name="cells")
    found = cells.copy()
    for column, usual in (
        ("kept", 1.0),
        ("follow_on", 0.0),
        ("n", np.nan),
        ("effect_low", np.nan),
        ("prior", np.nan),
    ):
        if column not in found.columns:
            found[column] = usual
    texts = ("guard", "segment", "reason")
    blank = [c for c in texts if c in found.columns]
    names = ["customer_id", "offer", "touchpoint", "evidence", *blank]
    found[blank] = found[blank].fillna("")
    lacking = int(found[names].isna().any(axis=1).sum())
    if lacking:
        msg = f"cells: {lacking} rows lack a customer, offer, touchpoint or evidence; all four were needed."
        raise JourneyDataError(msg)
    found = found.astype(dict.fromkeys(names, "str")).reset_index(drop=True)
    for column in texts:
        if column not in blank:
            found[column] = pd.Series("", index=found.index, dtype="str")
    for column in ("effect", "margin", "cost", "kept", "follow_on"):
        numbers = pd.to_numeric(found[column], errors="coerce").astype("float64")
        missing = int((~np.isfinite(numbers)).sum())
        if missing:
            msg = f"cells: {column} is missing or no number in {missing} rows; a number was needed."
            raise JourneyDataError(msg)
        found[column] = numbers
    wrong = int(
        (~found["effect"].between(-1, 1) | ~found["kept"].between(0, 1) | (found["cost"] < 0)).sum()
    )
    if wrong:
        msg = f"cells: {wrong} rows have an effect beyond -1 and 1, a kept share beyond 0 and 1, or a cost below 0."
        raise JourneyDataError(msg)
    for column in ("n", "effect_low", "prior"):
        found[column] = pd.to_numeric(found[column], errors="coerce").astype("float64")
    odd = int(
        ((found["n"] < 0) | np.isinf(found["n"]) | (found["effect_low"] > found["effect"])).sum()
    )
    if odd:
        msg = f"cells: {odd} rows have an n below 0 or without end, or a lower limit above the effect."
        raise JourneyDataError(msg)
    costs = found.groupby(["offer", "touchpoint"])["cost"].nunique()
    if (costs > 1).any():
        offer, touchpoint = costs[costs > 1].index[0]
        msg = f"cells: contacts with {offer} at {touchpoint} have several costs; one for each of the two was needed."
        raise JourneyDataError(msg)
    torn = found.groupby("customer_id")["segment"].nunique() if "segment" in blank else pd.Series(1)
    if (torn > 1).any():
        msg = f"cells: {int((torn > 1).sum())} customers are in several segments; each belongs to one."
        raise JourneyDataError(msg)
    unknown = sorted(set(found["evidence"].unique()) - set(EVIDENCE))
    if unknown:
        msg = f"cells: evidence {unknown[0]!r}. {did_you_mean(unknown[0], EVIDENCE)}"
        raise JourneyDataError(msg)
    twice = found.duplicated(["customer_id", "offer", "touchpoint"])
    if twice.any():
        msg = f"cells: {int(twice.sum())} rows name a customer, offer and touchpoint that were named before; each once."
        raise JourneyDataError(msg)
    return found


def _guarded(
    cells: pd.DataFrame, owners: Mapping[str, str] | None, guards: Mapping[str, Iterable[str]], held_out: float,
    salt: str,
) -> tuple[pd.DataFrame, pd.DataFrame, dict[str, tuple[int, int]]]:  # fmt: skip
    """Return the rows that may be planned, those of customers left alone, and what each reason took."""
    if not 0 <= held_out < 1:
        msg = f"held_out is {held_out:g}; a share from 0 up to, and without, 1 was needed."
        raise JourneyDataError(msg)
    left, removed = cells, {}
    alone: set[str] = set()
    for why, customers in guards.items():
        if isinstance(customers, str) or why in (
            HELD_OUT,
            OWNERLESS,
            EARNS,
            NO_ROOM,
            PLANNED,
            ELIGIBLE,
        ):
            msg = f"guards: {why!r} needs a name of its own and a list of customers; found {customers!r}."
            raise JourneyDataError(msg)

    def without(why: str, kept: pd.Series) -> pd.DataFrame:
        before, after = left["customer_id"].nunique(), left[kept]["customer_id"].nunique()
        removed[why] = (before - after, int((~kept).sum()))
        return left[kept]

    if held_out:
        who = left["customer_id"].drop_duplicates()
        arms = assign(who, {HELD_OUT: held_out, "planned": 1 - held_out}, salt=salt)
        alone = set(arms[arms["arm"] == HELD_OUT]["customer_id"])
        left = without(HELD_OUT, ~left["customer_id"].isin(alone))
    own = set(cells["guard"].unique()) - {""}
    for why in [*(g for g in GUARDS if g in own), *sorted(own - set(GUARDS))]:
        left = without(why, left["guard"] != why)
    for why, customers in guards.items():
        left = without(why, ~left["customer_id"].isin({str(c) for c in customers}))
    if owners is not None:
        left = without(OWNERLESS, left["touchpoint"].isin(list(owners)))
    barred = {str(c) for who in guards.values() for c in who}
    others = cells[cells["customer_id"].isin(alone - barred) & (cells["guard"] == "")]
    if owners is not None:
        others = others[others["touchpoint"].isin(list(owners))]
    return left.reset_index(drop=True), others, removed


def _reasons(
    cells: pd.DataFrame,
    left: pd.DataFrame,
    guards: Mapping[str, Iterable[str]],
    held_out: float,
    salt: str,
) -> dict[str, str]:
    """Return why customers are not on the board: the first reason that held for each."""
    gone = cells[~cells["customer_id"].isin(set(left["customer_id"]))]
    by_list = {str(c): why for why, who in reversed(list(guards.items())) for c in who}
    found = dict.fromkeys(gone["customer_id"], OWNERLESS) | by_list
    own = gone[gone["guard"] != ""].drop_duplicates("customer_id")
    found |= dict(zip(own["customer_id"], own["guard"], strict=True))
    if held_out:
        arms = assign(
            cells["customer_id"].drop_duplicates(),
            {HELD_OUT: held_out, "planned": 1 - held_out},
            salt=salt,
        )
        found |= dict.fromkeys(arms[arms["arm"] == HELD_OUT]["customer_id"], HELD_OUT)
    there = set(gone["customer_id"])
    return {c: why for c, why in found.items() if c in there}


def _priced(cells: pd.DataFrame, limits: Limits, *, cautious: bool) -> pd.DataFrame:
    """Return the rows with the effect that is believed of each, and what it is worth."""
    n, effect, low = (cells[c].to_numpy("float64") for c in ("n", "effect", "effect_low"))
    mean = cells.groupby("evidence")["effect"].transform("mean").to_numpy("float64")
    before = cells["prior"].to_numpy("float64")
    mean = np.where(np.isfinite(before), before, mean)
    # An effect of unknown n is taken as it is; the error of one that is drawn to the mean shrinks by a square root.
    share = np.where(np.isnan(n), 1.0, n / (n + PRIOR))
    believed = share * effect + (1 - share) * mean
    reach = np.where(np.isfinite(low), effect - low, 0.0) * np.sqrt(share)
    ranked = believed - reach if cautious else believed
    weak = ~cells["evidence"].isin(INCREMENTAL).to_numpy()
    believed, ranked = (np.where(weak, np.minimum(v, MOST_OBSERVED), v) for v in (believed, ranked))
    margin, kept, later = (cells[c].to_numpy("float64") for c in ("margin", "kept", "follow_on"))
    earned, spent = margin * kept + later, cells["cost"].to_numpy("float64") + limits.fatigue
    expected = believed * earned - spent
    return cells.assign(
        believed=believed, expected=expected, value=np.minimum(ranked * earned - spent, expected)
    )


class Board:
    """A plan of contacts, and why it is as it is.

    Attributes
    ----------
    cells
        The rows that could be planned, with ``believed`` (the effect after shrinking and capping), ``expected`` and
        ``value`` (euros after cost and fatigue: with that effect, and with what the ranking goes by).
    limits
        What there was of everything.
    solution
        The plan as an optimisation: its value by the ranking, bound and prices.
    """

    def __init__(
        self, cells: pd.DataFrame, limits: Limits, owners: dict[str, str], removed: dict[str, tuple[int, int]],
        eligible: int, customers: int, currency: str, by: str, near: "Board | None" = None,
        alone: pd.DataFrame | None = None, out: Callable[[], Mapping[str, str]] = dict,
    ) -> None:  # fmt: skip
        self.cells, self.limits, self._currency, self._by = cells, limits, currency, by
        self._owners, self._removed, self._eligible, self._customers = (
            owners,
            removed,
            eligible,
            customers,
        )
        self._slots, self._least = dict(limits.slots or {}), dict(limits.least or {})
        self._alone = cells.iloc[:0] if alone is None else alone
        self._out = out
        if near is None:
            self._ids, self._columns, self._rows, self._place = _numbers(cells)
        else:
            self._ids, self._columns = near._ids, near._columns
            self._rows, self._place = near._rows, near._place
        self._problem = self._made()
        self.solution: Solution = solve(self._problem, near=self._from(near) if near else None)

    def _from(self, near: "Board") -> Solution:
        """Return the solution of another board with its prices in the order of these slots and segments."""
        slots = dict(zip(near._slots, near.solution.slot_prices, strict=True))
        groups = dict(zip(near._least, near.solution.group_prices, strict=True))
        return replace(
            near.solution,
            slot_prices=np.array([float(slots.get(t, 0.0)) for t in self._slots]),
            group_prices=np.array([float(groups.get(s, 0.0)) for s in self._least]),
        )

    def _made(self) -> Problem:
        value = np.full((len(self._ids), len(self._columns)), -np.inf)
        value[self._rows, self._place] = self.cells["value"].to_numpy("float64")
        cost = np.zeros(len(self._columns))
        cost[self._place] = self.cells["cost"].to_numpy("float64")
        kinds = {t: i for i, t in enumerate(self._slots)}
        slot = np.array([kinds.get(t, -1) for _o, t in self._columns], dtype=np.int64)
        contacts = np.full(len(self._ids), self.limits.max_contacts, dtype=np.int64)
        had = {str(c): int(n) for c, n in (self.limits.already or {}).items()}
        if had:
            contacts -= np.array([had.get(c, 0) for c in self._ids], dtype=np.int64)
        slots, least = (
            np.array([float(n) for n in known.values()], dtype=np.float64)
            for known in (self._slots, self._least)
        )
        group = np.full(len(self._ids), -1, dtype=np.int64)
        place = {s: i for i, s in enumerate(self._least)}
        if place:
            group[self._rows] = [place.get(s, -1) for s in self.cells["segment"]]
        return Problem(
            value,
            cost,
            slot,
            float(self.limits.budget),
            slots,
            np.maximum(contacts, 0),
            group,
            least,
        )

    # --- what is planned

    @cached_property
    def plan(self) -> pd.DataFrame:
        """The contacts, best first.

        Columns: ``customer_id``, ``offer``, ``touchpoint``, ``owner`` (str, blank where nobody was asked),
        ``evidence``, ``reason`` (str); ``believed``, ``expected``, ``value``, ``cost`` (float64).
        """
        chosen = self.solution.chosen[self._rows, self._place]
        columns = [
            "customer_id", "offer", "touchpoint", "owner", "evidence", "reason", "believed", "expected", "value",
            "cost",
        ]  # fmt: skip
        found = self.cells[chosen]
        found = found.assign(owner=[self._owners.get(t, "") for t in found["touchpoint"]])
        found = found.sort_values("value", ascending=False, kind="stable", ignore_index=True)
        return defined(found[columns], self._said())

    def _said(self) -> str:
        limits = self.limits
        money = (
            "no budget"
            if np.isinf(limits.budget)
            else f"a budget of {self._money(limits.budget, 0)}"
        )
        slots = "".join(f", {n:,} at {t}" for t, n in self._slots.items())
        slots += "".join(f", at least {n:,} with {s}" for s, n in self._least.items())
        return (
            f"Best plan for {money}, {limits.max_contacts} contact{'s' * (limits.max_contacts > 1)} a customer{slots}; "
            f"at most {self.solution.gap:.2%} below the best possible. Value: {self._by} x margin that is kept and "
            "what follows, less cost and fatigue"
        )

    @property
    def currency(self) -> str:
        """Of all amounts; blank where nobody said it."""
        return self._currency

    @property
    def owners(self) -> dict[str, str]:
        """Touchpoint → the role that alone answers for it."""
        return dict(self._owners)

    def _money(self, amount: float, places: int = 2) -> str:
        return f"{amount:,.{places}f} {self._currency}".rstrip()

    def totals(self) -> pd.DataFrame:
        """Return what the plan is expected to bring by evidence: only tested and modelled rows are incremental margin.

        Columns: ``evidence`` (str), ``contacts`` (int64), ``cost``, ``expected`` (float64), ``called`` (str:
        ``"incremental margin"`` or ``"expected margin, not incremental"``).
        """
        rows = []
        for evidence in EVIDENCE:
            own = self.plan[self.plan["evidence"] == evidence]
            if len(own):
                called = (
                    "incremental margin"
                    if evidence in INCREMENTAL
                    else "expected margin, not incremental"
                )
                rows.append((evidence, len(own), own["cost"].sum(), own["expected"].sum(), called))
        columns = ["evidence", "contacts", "cost", "expected", "called"]
        return defined(
            pd.DataFrame(rows, columns=columns),
            "After cost of contacts and fatigue; classes are not added up",
        )

    def funnel(self) -> pd.DataFrame:
        """Return how customers and rows became contacts: nothing remains unexplained.

        Columns: ``step`` (str), ``customers``, ``rows`` (int64): eligible, then what each guard took, what earns less
        than it costs, what there was no room for, and what is planned; the steps after the first add up to it.
        """
        chosen = self.solution.chosen[self._rows, self._place]
        own = self.cells.assign(chosen=chosen)
        planned = set(own[chosen]["customer_id"])
        rest = own[~own["customer_id"].isin(planned)]
        hope = rest.groupby("customer_id")["value"].max()
        poor = set(hope[hope <= 0].index)
        rows = [(ELIGIBLE, self._customers, self._eligible)]
        rows += [(why, *many) for why, many in self._removed.items()]
        value = own["value"].to_numpy("float64")
        rows.append((EARNS, len(poor), int((~chosen & (value <= 0)).sum())))
        rows.append((NO_ROOM, len(hope) - len(poor), int((~chosen & (value > 0)).sum())))
        rows.append((PLANNED, len(planned), int(chosen.sum())))
        return pd.DataFrame(rows, columns=["step", "customers", "rows"])

    def withheld(self, least: int) -> set[str]:
        """Return the steps of `funnel` whose numbers may not be told: one column of it must not fill gaps of the other.

        How many are planned is told elsewhere.
        """
        frame = self.funnel()
        steps = [str(s) for s in frame["step"]]
        out: set[str] = set()
        for column in ("customers", "rows"):
            counts = dict(zip(steps, frame[column].astype(int), strict=True))
            out |= withheld(counts, [steps], least, shown=[PLANNED])
        return out

    # --- why

    def prices(self, least: int = 1) -> list[str]:
        """Say what a little more of everything would earn, in sentences; numbers below `least` only as such."""
        said = []
        if np.isfinite(self.limits.budget):
            price = self.solution.budget_price
            said.append(
                f"{self._money(1, 0)} more of budget would earn {self._money(price)} after costs." if price > CENT
                else "More budget would earn nothing: other limits are reached first."
            )  # fmt: skip
        used = self.plan["touchpoint"].value_counts()
        for touchpoint, price in zip(self._slots, self.solution.slot_prices, strict=True):
            if price > CENT:
                said.append(f"One contact more at {touchpoint} would earn {self._money(price)}.")
            elif int(used.get(touchpoint, 0)) < self._slots[touchpoint]:
                said.append(f"{touchpoint} has contacts left: more of them would earn nothing.")
            else:
                said.append(f"One contact more at {touchpoint} would earn nothing.")
        for number, ((segment, asked), price, short) in enumerate(
            zip(self._least.items(), self.solution.group_prices, self.solution.short, strict=True)
        ):
            if short:
                given = int(asked - short)
                told = f"fewer than {least}" if 0 < given < least else f"{given:,}"
                there = np.isfinite(self._problem.value).sum(axis=1)
                own = self._problem.group == number
                many = int(np.minimum(there, self._problem.contacts)[own].sum())
                why = (
                    "no more of its customers may be asked" if many < asked
                    else "the other limits leave no room that was found for more"
                )  # fmt: skip
                said.append(f"{segment} gets {told} of {asked:,} contacts: {why}.")
            elif price > CENT:
                said.append(f"The last contact that {segment} must get costs {self._money(price)}.")
        return said

    def why(self, customer_id: str) -> pd.DataFrame:
        """Return all rows of a customer with why each is planned or not.

        Columns: ``offer``, ``touchpoint`` (str), ``value`` (float64), ``planned`` (bool), ``why`` (str).
        """
        own = self.cells["customer_id"] == str(customer_id)
        if not own.any():
            why = self._out().get(str(customer_id), "is at no moment of it")
            msg = f"{customer_id} has no row on this board: {why}."
            raise JourneyDataError(msg)
        places = np.flatnonzero(own)
        chosen = self.solution.chosen[self._rows[places], self._place[places]]
        paid = self._paid()[self._place[places]]
        given = self._given(self.cells.iloc[places])
        full = bool(chosen.sum() >= self._problem.contacts[self._rows[places[0]]])
        found = self.cells.iloc[places].assign(planned=chosen).reset_index(drop=True)
        told = [
            self._because(
                reason,
                float(value),
                float(price),
                float(more),
                evidence,
                planned=bool(planned),
                full=full,
            )
            for reason, value, price, more, evidence, planned in zip(
                found["reason"], found["value"], paid, given, found["evidence"], chosen, strict=True
            )
        ]
        return found.assign(why=told)[["offer", "touchpoint", "value", "planned", "why"]]

    def _because(
        self, reason: str, value: float, price: float, given: float, evidence: str, *, planned: bool,
        full: bool,
    ) -> str:  # fmt: skip
        """Say why a row is planned, or why not; `given` is what its segment's minimum adds to it."""
        worth = f"worth {self._money(value)}"
        if planned:
            first = f"{reason}; " if reason else ""
            if value <= price and given > 0:
                return f"{first}{worth}, planned so that its segment gets what it must; {evidence}"
            more = max(value - price, 0.0)
            return f"{first}{worth}, {self._money(more)} more than what it uses earns elsewhere; {evidence}"
        if value + given <= 0:
            return EARNS
        if value + given <= price:
            return f"{worth}, and what it uses earns {self._money(price)} elsewhere"
        return (
            "another contact of this customer is worth more" if full else "there was no room left"
        )

    def _paid(self) -> Floats:
        """Return the price of what each offer at each touchpoint uses."""
        slots = np.append(self.solution.slot_prices, 0.0)
        return np.asarray(
            self.solution.budget_price * self._problem.cost + slots[self._problem.slot],
            dtype=np.float64,
        )

    def _given(self, rows: pd.DataFrame) -> Floats:
        """Return what rows are worth beyond their value, because their segment must get contacts."""
        prices = dict(zip(self._least, self.solution.group_prices, strict=True))
        return np.array([float(prices.get(s, 0.0)) for s in rows["segment"]], dtype=np.float64)

    # --- what if, and handing over

    def what_if(self, limits: Limits) -> tuple["Board", pd.DataFrame]:
        """Plan again with other limits, and say whose contacts change.

        Returns
        -------
        tuple
            The other board, and a frame of the rows that differ: ``customer_id``, ``offer``, ``touchpoint`` (str),
            ``change`` (``"added"`` or ``"dropped"``), ``value`` (float64).
        """
        step = limits.fatigue - self.limits.fatigue
        cells, alone = self.cells, self._alone
        if step:
            cells, alone = (
                c.assign(expected=c["expected"] - step, value=c["value"] - step)
                for c in (cells, alone)
            )
        other = Board(
            cells,
            limits,
            self._owners,
            self._removed,
            self._eligible,
            self._customers,
            self._currency,
            self._by,
            near=self,
            alone=alone,
            out=self._out,
        )
        was, now = (b.solution.chosen[self._rows, self._place] for b in (self, other))
        moved = cells[was != now].assign(change=np.where(now[was != now], "added", "dropped"))
        columns = ["customer_id", "offer", "touchpoint", "change", "value"]
        return other, moved[columns].sort_values(
            ["change", "value"], ascending=[True, False], ignore_index=True
        )

    def assignment(self, ts: datetime) -> pd.DataFrame:
        """Return the contacts of the plan and, to compare with, those that customers left alone would have got.

        A customer is in it by one rule on both sides: the row is worth more than what it uses earns elsewhere. So the
        two sides differ by chance alone. Contacts that only filled what was left are in the plan and not in here.

        Kept as a file and read as a source ``contacts``, it is held against what came of it later (`loop.came_back`).

        Parameters
        ----------
        ts
            The instant the plan is for, with its time zone: from then on both sides are looked at.

        Returns
        -------
        pandas.DataFrame
            Columns: ``ts`` (datetime64, UTC); ``customer_id``, ``offer``, ``touchpoint``, ``owner``, ``evidence``,
            ``arm`` (str: ``"contacted"`` or ``"left alone"``); ``expected`` (float64, how much likelier the customer
            was believed to buy), ``cost`` (float64).

        Raises
        ------
        JourneyDataError
            An instant without a time zone.
        """
        own = self.cells.assign(arm=CONTACTED)[self.solution.chosen[self._rows, self._place]]
        both = pd.concat([own, self._alone.assign(arm=LEFT_ALONE)], ignore_index=True)
        slots = dict(zip(self._slots, self.solution.slot_prices, strict=True))
        uses = self.solution.budget_price * both["cost"] + both["touchpoint"].map(slots).fillna(
            0.0
        ).astype("float64")
        over = both.assign(over=both["value"] - uses + self._given(both))
        over = over[over["over"] > 0].sort_values("over", ascending=False, kind="stable")
        first = over.groupby("customer_id").head(self.limits.max_contacts)
        found = first.assign(
            owner=[self._owners.get(t, "") for t in first["touchpoint"]], expected=first["believed"],
            ts=_utc(ts),
        )  # fmt: skip
        columns = [
            "ts", "customer_id", "offer", "touchpoint", "owner", "evidence", "arm", "expected", "cost",
        ]  # fmt: skip
        found = found[columns].sort_values(["arm", "customer_id"], ignore_index=True)
        return defined(
            found,
            f"{CONTACTED}: of the plan; {LEFT_ALONE}: by chance, and would have been contacted",
        )

    def for_owner(self, role: str, *, secret: bytes | None = None) -> str:
        """Return the contacts of an owner as CSV that no spreadsheet takes for a formula.

        With a key (`journey_widgets.events.personal.key`) customers stand under their pseudonyms, as they do in sources
        that are read with it; without one under the ids of the log.
        """
        own = self.plan[self.plan["owner"] == role]
        if own.empty:
            there = sorted(set(self.plan["owner"]) - {""})
            msg = f"{role} owns no planned contact. {did_you_mean(role, there)}"
            raise JourneyDataError(msg)
        if secret is not None:
            own = own.assign(customer_id=[pseudonym(c, secret) for c in own["customer_id"]])
        safe = own.assign(
            **{c: own[c].map(csv_text) for c in own.columns if own[c].dtype.kind not in "fiu"}
        )
        written = io.StringIO()
        safe.to_csv(written, index=False, lineterminator="\n")
        return written.getvalue()


def _utc(ts: datetime) -> pd.Timestamp:
    """Return an instant in UTC without a zone, as sources have it."""
    moment = pd.Timestamp(ts)
    if moment.tzinfo is None:
        msg = (
            f"ts is {ts}, without a time zone; midnight of the plan's day with its zone was needed."
        )
        raise JourneyDataError(msg)
    return moment.tz_convert("UTC").tz_localize(None)


def _numbers(cells: pd.DataFrame) -> tuple[list[str], list[tuple[str, str]], Ints, Ints]:
    """Return customers, pairs of offer and touchpoint, and for each row the number of its customer and of its pair."""
    (rows, ids), (offer, offers), (at, places) = (
        pd.factorize(cells[c]) for c in ("customer_id", "offer", "touchpoint")
    )
    pairs, place = np.unique(offer * len(places) + at, return_inverse=True)
    columns = [(str(offers[p // len(places)]), str(places[p % len(places)])) for p in pairs]
    return [str(i) for i in ids], columns, rows.astype(np.int64), place.astype(np.int64)
