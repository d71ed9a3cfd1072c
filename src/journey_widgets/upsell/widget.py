"""The opportunity board on a page: filter, sort, move the budget, and ask why this one."""

import math
import re
import secrets
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar, Final

import pandas as pd
import traitlets as t

from journey_widgets.edit_messages import PageWidget
from journey_widgets.errors import JourneyError
from journey_widgets.events.personal import key, pseudonym
from journey_widgets.page_scripts import script, style
from journey_widgets.small_counts import withheld
from journey_widgets.upsell.board import Board
from journey_widgets.upsell.board_rows import INCREMENTAL

MOST_ROWS, MOST_MOVED, MOST_CONTACTS, MOST_BUDGET, MOST_SLOTS = 200, 50, 5, 1e12, 10**9
ROOMS: Final = ("slots", "teams")
FILTERS: Final = ("offer", "touchpoint", "owner", "evidence")
SORTS: Final = ("customer", "offer", "touchpoint", "owner", "evidence", "believed", "cost", "value")


def labelled(text: str, labels: Mapping[str, str]) -> str:
    """Return a sentence with labels in place of whole ids."""
    if not labels:
        return text
    ids = "|".join(re.escape(n) for n in sorted(labels, key=len, reverse=True))
    return re.sub(rf"(?<![\w-])(?:{ids})(?![\w-])", lambda m: labels[m[0]], text)


class OpportunityBoard(PageWidget):
    """Look at a plan of contacts and move its limits. Nothing is saved, and no customer is named.

    Parameters
    ----------
    board
        As `upsell.board` or `upsell.plan_board` returns it.
    labels
        Id of an offer, touchpoint or role → what people call it.
    least
        Customers that a number of the funnel must be about to be told.
    can_export
        Whether the contacts of an owner can be taken along, under pseudonyms.

    Notes
    -----
    Customers are shown under pseudonyms: of the key in ``JOURNEY_PSEUDONYM_KEY``, or, where none is set, of a key of
    this widget alone.
    """

    asks: ClassVar[frozenset[str]] = frozenset({"ask", "customer", "wanted"})

    _esm = script(Path(__file__).with_suffix(".js"))
    _css = style(Path(__file__).with_suffix(".css"))

    currency = t.Unicode().tag(sync=True)
    limits = t.Dict().tag(sync=True)
    choices = t.Dict().tag(sync=True)
    summary = t.Unicode().tag(sync=True)
    changed = t.Unicode().tag(sync=True)
    moved = t.List(t.Dict()).tag(sync=True)
    totals = t.List(t.Dict()).tag(sync=True)
    prices = t.List(t.Unicode()).tag(sync=True)
    funnel = t.List(t.Dict()).tag(sync=True)
    rows = t.List(t.Dict()).tag(sync=True)
    matching = t.Int(0).tag(sync=True)
    ask = t.Dict().tag(sync=True)
    done = t.Int(0).tag(sync=True)
    customer = t.Unicode().tag(sync=True)
    told = t.List(t.Dict()).tag(sync=True)
    can_export = t.Bool(False).tag(sync=True)
    wanted = t.Unicode().tag(sync=True)
    file = t.Dict().tag(sync=True)

    def __init__(
        self, board: Board, *, labels: Mapping[str, str] | None = None, can_export: bool = False,
        least: int = 1,
    ) -> None:  # fmt: skip
        self._first = self._board = board
        self._labels, self._least = dict(labels or {}), least
        self._exports, self._files = can_export, 0
        self._most_contacts = max(MOST_CONTACTS, board.limits.max_contacts)
        self._key = key() or secrets.token_bytes(32)
        self._ids: dict[str, str] = {}
        most = _most_useful(board)
        budget = min(board.limits.budget, most)
        super().__init__(
            currency=board.currency, can_export=can_export,
            limits={
                "budget": budget, "budget_max": most, "max_contacts": board.limits.max_contacts,
                "contacts_max": self._most_contacts, **self._others(board),
            },
            choices={f: self._choices(f) for f in FILTERS},
            ask={"seq": 0},
        )  # fmt: skip
        self._show()

    def to_board(self) -> Board:
        """Return the board as it stands on the page now."""
        return self._board

    def _others(self, board: Board) -> dict[str, Any]:
        """Return what a contact costs in patience, and the contacts of touchpoints and teams that have an end."""
        rooms = {"slots": board.limits.slots or {}, "teams": board.limits.teams or {}}
        return {
            "fatigue": board.limits.fatigue,
            **{
                kind: [{"id": t, "label": self._named(t), "now": n} for t, n in there.items()]
                for kind, there in rooms.items()
            },
        }

    def _choices(self, column: str) -> list[dict[str, str]]:
        source = self._first.cells
        values = self._first.owners.values() if column == "owner" else source[column]
        found = sorted({str(v) for v in values} - {""}, key=self._named)
        return [{"id": v, "label": self._named(v)} for v in found]

    def _named(self, name: str) -> str:
        return self._labels.get(name, name)

    # --- what the page asks

    @t.validate("ask")
    def _check_ask(self, proposal: Any) -> dict[str, Any]:
        asked = proposal["value"]
        known = {"seq", "budget", "max_contacts", "fatigue", *ROOMS, *FILTERS, "by", "descending"}
        wrong = sorted(set(asked) - known)
        if wrong or not isinstance(asked.get("seq"), int):
            msg = (
                f"The board was asked for {', '.join(wrong) or 'something'} that it does not know."
            )
            raise t.TraitError(msg)
        budget, contacts = asked.get("budget", 0.0), asked.get("max_contacts", 1)
        fatigue = asked.get("fatigue", 0.0)
        fine = (
            isinstance(budget, int | float) and 0 <= budget <= MOST_BUDGET
            and isinstance(contacts, int) and 1 <= contacts <= self._most_contacts
            and isinstance(fatigue, int | float) and 0 <= fatigue <= MOST_BUDGET
            and all(self._is_room(kind, asked.get(kind, {})) for kind in ROOMS)
            and asked.get("by", "value") in SORTS and isinstance(asked.get("descending", True), bool)
            and all(isinstance(asked.get(f, ""), str) for f in FILTERS)
        )  # fmt: skip
        if not fine:
            msg = "The board was asked for a limit or an order that cannot be."
            raise t.TraitError(msg)
        return dict(asked)

    def _is_room(self, kind: str, asked: Any) -> bool:
        """Return whether only touchpoints or teams are named that have an end, with numbers that can be."""
        there = getattr(self._first.limits, kind) or {}
        return (
            isinstance(asked, dict) and set(asked) <= set(there)
            and all(type(n) is int and 0 <= n <= MOST_SLOTS for n in asked.values())
        )  # fmt: skip

    @t.observe("ask")
    def _answer(self, change: Any) -> None:
        asked = change["new"]
        limits = self._board.limits
        if "budget" in asked:
            limits = replace(limits, budget=float(asked["budget"]))
        if "max_contacts" in asked:
            limits = replace(limits, max_contacts=int(asked["max_contacts"]))
        if "fatigue" in asked:
            limits = replace(limits, fatigue=float(asked["fatigue"]))
        for kind in ROOMS:
            if asked.get(kind):
                now: Any = {**(getattr(limits, kind) or {}), **asked[kind]}
                limits = replace(limits, **{kind: now})
        with self.hold_sync():
            if limits != self._board.limits:
                before = replace(self._board.limits, budget=limits.budget)
                self._board, _moved = self._board.what_if(limits)
                most = self.limits["budget_max"] if limits == before else _most_useful(self._board)
                self.limits = {
                    **self.limits, "budget": min(limits.budget, most), "budget_max": most,
                    "max_contacts": limits.max_contacts, **self._others(self._board),
                }  # fmt: skip
                self._show()
            else:  # another order or other filters of the same plan
                self._list(self._board.plan)
            self.done = int(asked["seq"])

    @t.observe("customer")
    def _tell(self, change: Any) -> None:
        name = self._ids.get(change["new"])
        if name is None:
            self.told = []
            return
        found = self._board.why(name)
        self.told = [
            {
                "offer": self._named(r["offer"]), "touchpoint": self._named(r["touchpoint"]),
                "planned": bool(r["planned"]), "why": self._in_words(r["why"]),
            }
            for r in found.to_dict("records")
        ]  # fmt: skip

    @t.observe("wanted")
    def _hand_over(self, change: Any) -> None:
        role = change["new"]
        if not role:
            return
        if not self._exports:
            self.file = {"error": "Contacts are not handed over here."}
            return
        try:
            text = self._board.for_owner(role)
            self._files += 1
            self.file = {"name": "contacts.csv", "text": text, "number": self._files}
        except JourneyError as error:
            self.file = {"error": str(error)}

    # --- what the page sees

    def _show(self) -> None:
        board = self._board
        plan = board.plan
        few = 0 < plan["customer_id"].nunique() < self._least
        spent = "" if few else f" for {self._money(plan['cost'].sum())}"
        self.summary = (
            f"{self._many(len(plan))} contact{'' if len(plan) == 1 else 's'} with "
            f"{self._many(plan['customer_id'].nunique())} customers{spent}; "
            f"at most {board.solution.gap:.2%} below the best possible plan"
        )
        was = self._first.plan
        keys = ["customer_id", "offer", "touchpoint"]
        self.moved = [
            {"change": change, **self._row(r)}
            for change, one, other in (("added", plan, was), ("dropped", was, plan))
            for r in self._only_in(one, other[keys]).to_dict("records")
        ]
        both = len(was[keys].merge(plan[keys], on=keys))
        new, gone = len(plan) - both, len(was) - both
        self.changed = (
            f"Against the plan as it was: {self._many(new)} contacts more, {self._many(gone)} fewer."
            if new or gone
            else ""
        )
        totals = board.totals().to_dict("records")
        parts = {"all": len(plan), **{r["evidence"]: int(r["contacts"]) for r in totals}}
        hidden = withheld(parts, [list(parts)], self._least, shown=["all"])
        self.totals = [
            {
                "evidence": r["evidence"],
                "contacts": "hidden" if r["evidence"] in hidden and r["contacts"] >= self._least
                else self._many(int(r["contacts"])),
                **{c: "–" if r["evidence"] in hidden else self._money(r[c]) for c in ("cost", "expected")},
                "called": r["called"], "incremental": r["evidence"] in INCREMENTAL,
            }
            for r in totals
        ]  # fmt: skip
        self.prices = [self._in_words(s) for s in board.prices(self._least)]
        out = board.withheld(self._least)
        self.funnel = [
            {
                "step": r["step"],
                **{
                    c: "hidden" if r["step"] in out and r[c] >= self._least else self._many(r[c])
                    for c in ("customers", "rows")
                },
            }
            for r in board.funnel().to_dict("records")
        ]
        self._list(plan)

    def _only_in(self, plan: pd.DataFrame, other: pd.DataFrame) -> pd.DataFrame:
        """Return the contacts of a plan that another one does not have; of single customers none."""
        found = plan.merge(other, on=list(other.columns), how="left", indicator="where")
        own = found[found["where"] == "left_only"].drop(columns="where")
        return (
            own.iloc[:0] if 0 < own["customer_id"].nunique() < self._least else own.head(MOST_MOVED)
        )

    def _list(self, plan: pd.DataFrame) -> None:
        found = plan
        for column in FILTERS:
            value = self.ask.get(column, "")
            if value:
                found = found[found[column] == value]
        by = self.ask.get("by", "value")
        if by == "customer":  # as they are shown: the order of the hidden ids is nobody's to see
            found = found.assign(
                customer=[pseudonym(str(c), self._key)[:10] for c in found["customer_id"]]
            )
        found = found.sort_values(by, ascending=not self.ask.get("descending", True), kind="stable")
        if 0 < found["customer_id"].nunique() < self._least:
            found = found.iloc[:0]  # single customers are nobody's to see
        self.matching = len(found)
        self.rows = [self._row(r) for r in found.head(MOST_ROWS).to_dict("records")]

    def _row(self, row: Mapping[Any, Any]) -> dict[str, Any]:
        shown = pseudonym(str(row["customer_id"]), self._key)[:10]
        self._ids[shown] = str(row["customer_id"])
        return {
            "customer": shown, "offer": self._named(row["offer"]), "touchpoint": self._named(row["touchpoint"]),
            "owner": self._named(row["owner"]) or "–", "evidence": row["evidence"],
            "believed": f"{100 * row['believed']:+.1f} points", "cost": self._money(row["cost"]),
            "value": self._money(row["value"]), "reason": row["reason"],
        }  # fmt: skip

    def _many(self, number: int) -> str:
        return f"fewer than {self._least}" if 0 < number < self._least else f"{number:,}"

    def _in_words(self, text: str) -> str:
        """Return a sentence of the board with labels in place of touchpoints' ids."""
        ids = [*self._first.cells["touchpoint"].unique(), *(self._first.limits.teams or {})]
        return labelled(text, {str(v): self._named(str(v)) for v in ids})

    def _money(self, amount: float) -> str:
        return f"{amount:,.2f} {self.currency}".rstrip()

    def __repr__(self) -> str:
        return f"OpportunityBoard({self.summary!r})"


def _most_useful(board: Board) -> float:
    """Return the budget from which on more of it changes nothing: the end of the slider."""
    unlimited, _moved = board.what_if(replace(board.limits, budget=float("inf")))
    return max(float(math.ceil(unlimited.plan["cost"].sum())), 1.0)
