"""The opportunity board: who is offered what, where, by whom, within what there is of money, slots and patience.

A row is one customer, offer and touchpoint. What it may earn is a range, and says what it rests on; only rows that rest
on a trial add up to anything that may be called incremental.
"""

import io
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from functools import cached_property, partial

import numpy as np
import pandas as pd

from journey_widgets.definition import defined
from journey_widgets.errors import JourneyDataError, did_you_mean
from journey_widgets.estimates import Floats
from journey_widgets.events.personal import key, pseudonym
from journey_widgets.safe import csv_text
from journey_widgets.small_counts import withheld
from journey_widgets.upsell.board_rows import (
    CONTACTED,
    EARNS,
    ELIGIBLE,
    EVIDENCE,
    HAD_ENOUGH,
    INCREMENTAL,
    LEFT_ALONE,
    NO_ROOM,
    PLANNED,
    Limits,
    checked,
    guarded,
    priced,
    reasons,
)  # fmt: skip
from journey_widgets.upsell.optimiser import Flags, Ints, Problem, Solution, solve

CENT = 0.005
NO_KEY = "Contacts are handed over under pseudonyms, and no key is set for them: set JOURNEY_PSEUDONYM_KEY."


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
    found = checked(cells)
    limits = limits or Limits()
    if np.isnan(limits.budget) or limits.budget < 0 or not np.isfinite(limits.fatigue):
        msg = f"budget {limits.budget}, fatigue {limits.fatigue}: a budget from 0 and a finite fatigue were needed."
        raise JourneyDataError(msg)
    there = {str(t) for t in found["touchpoint"].unique()}
    roles = {role for t, role in (owners or {}).items() if t in there}
    for what, asked, known in (("slots", limits.slots, there), ("teams", limits.teams, roles)):
        for name in asked or {}:
            if name not in known:
                msg = f"{what} names {name!r}. {did_you_mean(name, sorted(known))}"
                raise JourneyDataError(msg)
    left, alone, removed = guarded(found, owners, guards or {}, held_out, salt)
    out = partial(reasons, found, left, guards or {}, held_out, salt)
    # Who is left alone is priced with everybody else: later the two are compared.
    both = priced(pd.concat([left, alone], ignore_index=True), limits, cautious=cautious)
    left, alone = (
        both[part].reset_index(drop=True) for part in (slice(len(left)), slice(len(left), None))
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
        self._slots, self._teams = dict(limits.slots or {}), dict(limits.teams or {})
        self._least = dict(limits.least or {})
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
        """Return the solution of another board with its prices in the order of these slots, teams and segments."""
        slots, teams = near._slot_prices()
        groups = dict(zip(near._least, near.solution.group_prices, strict=True))
        prices = [
            *(slots.get(t, 0.0) for t in self._slots),
            *(teams.get(r, 0.0) for r in self._teams),
        ]
        return replace(
            near.solution,
            slot_prices=np.array(prices, dtype=np.float64),
            group_prices=np.array([float(groups.get(s, 0.0)) for s in self._least]),
        )

    def _made(self) -> Problem:
        value = np.full((len(self._ids), len(self._columns)), -np.inf)
        value[self._rows, self._place] = self.cells["value"].to_numpy("float64")
        cost = np.zeros(len(self._columns))
        cost[self._place] = self.cells["cost"].to_numpy("float64")
        takes = np.array(
            [
                [float(t == s) for s in self._slots]
                + [float(self._owners.get(t) == r) for r in self._teams]
                for _o, t in self._columns
            ],
            dtype=np.float64,
        ).reshape(len(self._columns), len(self._slots) + len(self._teams))
        slots, least = (
            np.array([float(n) for n in known], dtype=np.float64)
            for known in ([*self._slots.values(), *self._teams.values()], self._least.values())
        )
        group = np.full(len(self._ids), -1, dtype=np.int64)
        place = {s: i for i, s in enumerate(self._least)}
        if place:
            group[self._rows] = [place.get(s, -1) for s in self.cells["segment"]]
        return Problem(
            value,
            cost,
            takes,
            float(self.limits.budget),
            slots,
            self._allowed(self._ids),
            group,
            least,
        )

    def _allowed(self, customers: Iterable[str]) -> Ints:
        """Return how many contacts each customer may still get."""
        had = {str(c): int(n) for c, n in (self.limits.already or {}).items()}
        most = self.limits.max_contacts
        return np.array([max(most - had.get(str(c), 0), 0) for c in customers], dtype=np.int64)

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
        slots += "".join(f", {n:,} by {r}" for r, n in self._teams.items())
        slots += "".join(f", at least {n:,} with {s}" for s, n in self._least.items())
        slots += ", those of earlier plans in the period among them" if self.limits.already else ""
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

    @cached_property
    def _enough(self) -> Flags:
        """Of each row of `cells`, whether its customer had contacts enough."""
        return np.asarray(self._problem.contacts[self._rows] == 0, dtype=np.bool_)

    def funnel(self) -> pd.DataFrame:
        """Return how customers and rows became contacts: nothing remains unexplained.

        Columns: ``step`` (str), ``customers``, ``rows`` (int64): eligible, then what each guard took, what earns less
        than it costs, what there was no room for, and what is planned; the steps after the first add up to it.
        """
        return self._funnel.copy()

    @cached_property
    def _funnel(self) -> pd.DataFrame:
        chosen, enough = self.solution.chosen[self._rows, self._place], self._enough
        value = self.cells["value"].to_numpy("float64")
        many = len(self._ids)
        planned, had, best = np.zeros(many, bool), np.zeros(many, bool), np.full(many, -np.inf)
        planned[self._rows[chosen]] = True
        had[self._rows[enough]] = True
        np.maximum.at(best, self._rows, value)
        rest = ~planned & ~had
        poor, hope = int((rest & (best <= 0)).sum()), int(rest.sum())
        rows = [(ELIGIBLE, self._customers, self._eligible)]
        rows += [(why, *many) for why, many in self._removed.items()]
        if self.limits.already:
            rows.append((HAD_ENOUGH, int(had.sum()), int(enough.sum())))
        left = ~chosen & ~enough
        rows.append((EARNS, poor, int((left & (value <= 0)).sum())))
        rows.append((NO_ROOM, hope - poor, int((left & (value > 0)).sum())))
        rows.append((PLANNED, int(planned.sum()), int(chosen.sum())))
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
        slots, teams = self._slot_prices()
        for column, by, prices, there in (
            ("touchpoint", "at", slots, self._slots), ("owner", "by", teams, self._teams),
        ):  # fmt: skip
            used = self.plan[column].value_counts()
            for name, price in prices.items():
                if price > CENT:
                    said.append(f"One contact more {by} {name} would earn {self._money(price)}.")
                elif int(used.get(name, 0)) < there[name]:
                    said.append(f"{name} has contacts left: more of them would earn nothing.")
                else:
                    said.append(f"One contact more {by} {name} would earn nothing.")
        for number, ((segment, asked), price, short) in enumerate(
            zip(self._least.items(), self.solution.group_prices, self.solution.short, strict=True)
        ):
            if short:
                given = int(asked - short)
                told = f"fewer than {least}" if 0 < given < least else f"{given:,}"
                open_ = np.isfinite(self._problem.value).sum(axis=1)
                own = self._problem.group == number
                many = int(np.minimum(open_, self._problem.contacts)[own].sum())
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
        paid = self._paid(self.cells.iloc[places])
        given = self._given(self.cells.iloc[places])
        may = int(self._problem.contacts[self._rows[places[0]]])
        if not may:
            none = self.cells.iloc[places].assign(planned=False, why=HAD_ENOUGH)
            return none[["offer", "touchpoint", "value", "planned", "why"]].reset_index(drop=True)
        full = bool(chosen.sum() >= may)
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

    def _slot_prices(self) -> tuple[dict[str, float], dict[str, float]]:
        """Return what one contact more at each touchpoint, and one more by each team, would be worth."""
        prices = [float(p) for p in self.solution.slot_prices]
        many = len(self._slots)
        return (
            dict(zip(self._slots, prices[:many], strict=True)),
            dict(zip(self._teams, prices[many:], strict=True)),
        )

    def _paid(self, rows: pd.DataFrame) -> Floats:
        """Return the price of what rows use: of euros, of contacts at a touchpoint and of those a team can make."""
        slots, teams = self._slot_prices()
        taken = [
            slots.get(t, 0.0) + teams.get(self._owners.get(t, ""), 0.0) for t in rows["touchpoint"]
        ]
        cost = rows["cost"].to_numpy("float64")
        return np.asarray(self.solution.budget_price * cost + np.array(taken), dtype=np.float64)

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

        A customer is compared by one rule on both sides: the row is worth more than what it uses earns elsewhere. So
        the two sides differ by chance alone. Contacts that only filled what was left are in here too, as contacts that
        were had, and are not compared.

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
            was believed to buy), ``cost``, ``compared`` (float64: 1, or 0 for contacts that only filled what was left).

        Raises
        ------
        JourneyDataError
            An instant without a time zone.
        """
        own = self.cells.assign(arm=CONTACTED)[self.solution.chosen[self._rows, self._place]]
        both = pd.concat([own, self._alone.assign(arm=LEFT_ALONE)], ignore_index=True)
        over = both.assign(over=both["value"] - self._paid(both) + self._given(both))
        over = over[over["over"] > 0].sort_values("over", ascending=False, kind="stable")
        place = over.groupby("customer_id").cumcount()
        first = over[place.to_numpy() < self._allowed(over["customer_id"])].assign(compared=1.0)
        keys = ["customer_id", "offer", "touchpoint"]
        both_ways = pd.concat([first, own.assign(compared=0.0)], ignore_index=True)
        first = both_ways.drop_duplicates([*keys, "arm"])
        found = first.assign(
            owner=[self._owners.get(t, "") for t in first["touchpoint"]], expected=first["believed"],
            ts=_utc(ts),
        )  # fmt: skip
        columns = [
            "ts", "customer_id", "offer", "touchpoint", "owner", "evidence", "arm", "expected", "cost",
            "compared",
        ]  # fmt: skip
        found = found[columns].sort_values(["arm", "customer_id"], ignore_index=True)
        return defined(
            found,
            f"{CONTACTED}: of the plan; {LEFT_ALONE}: by chance, and would have been contacted",
        )

    def for_owner(
        self, role: str, *, secret: bytes | None = None, as_in_the_log: bool = False
    ) -> str:
        """Return the contacts of an owner as CSV that no spreadsheet takes for a formula.

        Customers stand under their pseudonyms by a key, as they do in sources that are read with it; by default that of
        this machine (`journey_widgets.events.personal.key`).

        Parameters
        ----------
        role
            The owner.
        secret
            The key of the pseudonyms.
        as_in_the_log
            Give the ids of the log instead: only for whoever makes the contacts.

        Raises
        ------
        JourneyDataError
            The role owns no planned contact; there is no key.
        """
        own = self.plan[self.plan["owner"] == role]
        if own.empty:
            there = sorted(set(self.plan["owner"]) - {""})
            msg = f"{role} owns no planned contact. {did_you_mean(role, there)}"
            raise JourneyDataError(msg)
        if not as_in_the_log:
            secret = secret or key()
            if not secret:
                msg = f"{NO_KEY} Or ask for customers as_in_the_log."
                raise JourneyDataError(msg)
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
