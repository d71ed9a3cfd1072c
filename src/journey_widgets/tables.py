"""The eleven source contracts, and checking a table against one."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from journey_widgets.errors import JourneyDataError, did_you_mean

Kind = Literal["text", "instant", "number"]


@dataclass(frozen=True)
class Column:
    """One column of a contract.

    ``required``: the source must have it. ``blank``: a row in which it has no value is kept
    (``"keep"``) or set aside and counted (``"set aside"``).
    """

    name: str
    kind: Kind
    meaning: str
    required: bool = False
    blank: Literal["keep", "set aside"] = "keep"


@dataclass(frozen=True)
class Contract:
    """What a source table must offer: its name, what a row is, and its columns."""

    name: str
    row: str
    columns: tuple[Column, ...]

    @property
    def required(self) -> list[str]:
        """Names of the columns that must be there."""
        return [c.name for c in self.columns if c.required]

    def column(self, name: str) -> Column | None:
        """Return the column called `name`, or None for a column the contract does not know."""
        return next((c for c in self.columns if c.name == name), None)


def _must(name: str, kind: Kind, meaning: str) -> Column:
    return Column(name, kind, meaning, required=True, blank="set aside")


EVENTS = Contract(
    "events",
    "something a customer did at one moment",
    (
        _must("customer_id", "text", "who: customer, visitor, case or application"),
        _must("ts", "instant", "when, UTC"),
        _must("event", "text", "what happened, in the source's own words"),
        Column("channel", "text", "where: web, app, store, call centre …"),
        Column("value", "number", "amount that belongs to the event, in the source's currency"),
        Column("session_id", "text", "visit the event belongs to, where the source knows it"),
        Column("order_id", "text", "order the event belongs to"),
    ),
)
ORDER_LINES = Contract(
    "order_lines",
    "one product on one order",
    (
        Column("customer_id", "text", "who bought; may be unknown", required=True),
        _must("order_id", "text", "order or invoice number"),
        _must("ts", "instant", "when ordered, UTC"),
        _must("product_id", "text", "what was bought"),
        _must("quantity", "number", "units; negative for a return"),
        Column("unit_price", "number", "price of one unit, in the source's currency"),
        Column("amount", "number", "quantity x unit price, in the source's currency"),
        Column("margin", "number", "contribution margin of the line, same currency"),
        Column("category", "text", "product group"),
    ),
)
TICKETS = Contract(
    "tickets",
    "one change in a support case",
    (
        _must("case_id", "text", "ticket, incident or complaint"),
        _must("ts", "instant", "when, UTC"),
        _must("activity", "text", "what was done, or the state reached"),
        Column("actor", "text", "who did it; may be unknown", required=True),
        Column("role", "text", "role or group of the actor at that time"),
        Column("customer_id", "text", "whose case"),
        Column("kind", "text", "issue type"),
    ),
)
ANSWERS = Contract(
    "answers",
    "one answer to one question",
    (
        _must("respondent_id", "text", "who answered"),
        _must("ts", "instant", "when, UTC"),
        _must("question_id", "text", "which question"),
        Column("score", "number", "the answer on its scale; blank = asked, not answered", True),
        _must("scale", "text", "the scale, such as 1-5 or 0-10"),
        _must("question_version", "text", "version of the question's wording and scale"),
        Column("customer_id", "text", "the customer behind the respondent"),
        Column("touchpoint", "text", "touchpoint the question is about"),
    ),
)
INVITATIONS = Contract(
    "invitations",
    "one invitation to answer a question, or a number of them",
    (
        _must("question_id", "text", "which question"),
        Column("question_version", "text", "version of the question's wording and scale"),
        Column("ts", "instant", "when invited, UTC"),
        Column("invited", "number", "people invited; a row without the column is one"),
        Column("customer_id", "text", "who was invited"),
        Column("channel", "text", "how: e-mail, web, app, call centre …"),
    ),
)
BEHAVIOUR = Contract(
    "behaviour",
    "one total of what was done at a touchpoint, or a link to a recording",
    (
        _must("touchpoint", "text", "touchpoint the total belongs to"),
        _must("measure", "text", "what was counted: clicks, rage clicks, share of page seen …"),
        Column("ts", "instant", "when counted, or the start of what was counted, UTC"),
        Column("value", "number", "the total; blank for a recording"),
        Column("unit", "text", "unit of the value"),
        Column("link", "text", "web address of a heatmap or recording where it is kept"),
    ),
)
TRIALS = Contract(
    "trials",
    "one unit that was randomised",
    (
        _must("arm", "text", "what the unit was given; one arm is the comparison"),
        Column("unit_id", "text", "number of the unit in input order, where the source has no id"),
        Column("customer_id", "text", "the customer behind the unit"),
        Column("ts", "instant", "when the unit was assigned, UTC"),
        Column("cluster", "text", "group randomised together"),
        Column("cost", "number", "cost of treating the unit, in the source's currency"),
    ),
)
FIGURES = Contract(
    "figures",
    "one figure of a KPI that comes from elsewhere: typed in, or exported by another tool",
    (
        _must("kpi", "text", "id of the KPI in the catalogue"),
        _must(
            "figure", "text", "which figure: a name of the KPI's expression, such as cost or leads"
        ),
        _must("ts", "instant", "a moment in the period it belongs to, UTC"),
        _must("value", "number", "the figure; several of one period are added up"),
    ),
)
USAGE = Contract(
    "usage",
    "one use of the product, or one thing it noticed",
    (
        _must("customer_id", "text", "who used it"),
        _must("ts", "instant", "when, UTC"),
        _must("event", "text", "what happened: app opened, limit reached, plan changed …"),
        Column("value", "number", "how much: minutes, megabytes …"),
    ),
)
CONTACTS = Contract(
    "contacts",
    "one contact of a plan, or one customer left alone to compare with",
    (
        _must("customer_id", "text", "who"),
        _must("ts", "instant", "the day the plan was for, UTC"),
        _must("offer", "text", "id of the offer"),
        _must("touchpoint", "text", "where it was made, or would have been"),
        _must("evidence", "text", "what the plan rested on: tested, observed, judgement …"),
        _must("arm", "text", "contacted, or left alone"),
        _must("expected", "number", "how much likelier the customer was believed to buy"),
        Column("bought", "number", "1 where the offer was taken, 0 where not; blank = see the log"),
        Column(
            "compared",
            "number",
            "0 for a contact that has no other side to compare it with; blank = it has",
        ),
    ),
)
SCORES = Contract(
    "scores",
    "one score of a customer, made by another tool: how likely he is to upgrade",
    (
        _must("customer_id", "text", "who"),
        _must(
            "ts",
            "instant",
            "when it was made, UTC: what came before may be in it, and nothing after",
        ),
        _must(
            "score",
            "number",
            "a chance from 0 to 1, or any number that ranks, the likeliest highest",
        ),
        Column("model", "text", "what made it; one without a name = one model"),
    ),
)
CONTRACTS = {
    c.name: c
    for c in (
        EVENTS, ORDER_LINES, TICKETS, ANSWERS, INVITATIONS, BEHAVIOUR, TRIALS, FIGURES, USAGE, CONTACTS,
        SCORES,
    )
}  # fmt: skip


def contract(name: str) -> Contract:
    """Return the contract called `name`; an unknown name is a `JourneyDataError`."""
    if name not in CONTRACTS:
        msg = f"There is no source kind {name!r}. {did_you_mean(name, CONTRACTS)}"
        raise JourneyDataError(msg)
    return CONTRACTS[name]


def require_columns(found: Iterable[str], *needed: str, name: str) -> None:
    """Raise `JourneyDataError` unless every needed column is among those found."""
    have = list(found)
    for column in needed:
        if column not in have:
            listed = ", ".join(repr(c) for c in have[:12]) + (" …" if len(have) > 12 else "")
            msg = (
                f"{name} lacks column {column!r}; it has {listed or 'no columns'}. "
                "Name the right column in the mapping, or rename it."
            )
            raise JourneyDataError(msg)
