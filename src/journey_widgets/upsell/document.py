"""The upsell plan: offers, the moments at which they are made, who is not asked, and what there is to spend.

A moment is data: what opens it, for how long, what else must be true of the customer, where the offer is made. Who
answers for it is not written here: it is the accountable role of the touchpoint, in the RACI matrix.
"""

from datetime import date
from typing import Annotated, ClassVar, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from journey_widgets.documents import Document, Id, Label, Part, refuse_doubles
from journey_widgets.errors import JourneyDataError, did_you_mean
from journey_widgets.events.durations import microseconds

OfferKind = Literal["upsell", "cross_sell", "repeat"]
Strategy = Literal["personal_recommendation", "bundle", "targeted_message", "during_support"]
OWNED, OPTED_OUT, OPEN_ISSUE, PRESSURE, COOLING_OFF = GUARDS = (
    "has it already", "wants no offers", "has an open case", "was contacted enough", "has just bought",
)  # fmt: skip
"""Why somebody at a moment is not asked, in the order in which it is looked at; the first that holds is told."""
KINDS: dict[OfferKind, str] = {
    "upsell": "upsell (a dearer variant or higher plan)",
    "cross_sell": "cross-sell (something of another kind)",
    "repeat": "repeat (the same again)",
}


def _long(text: str) -> str:
    try:
        microseconds(text)
    except JourneyDataError as error:
        raise ValueError(str(error).rstrip(".")) from None
    return text


Length = Annotated[str, AfterValidator(_long)]
"""A duration with its unit, such as ``"14d"``."""


class _Counted(Part):
    """Something that is counted, and how often it must have been: from `least` to `most`, within a time."""

    least: int = Field(1, ge=0)
    most: int | None = Field(None, ge=0)
    within: Length | None = None
    """How far back; all of the time without it."""

    @model_validator(mode="after")
    def _can_be(self) -> Self:
        if self.most is not None and self.most < self.least:
            msg = f"most is {self.most}, below least, {self.least}"
            raise ValueError(msg)
        if self.least == 0 and self.most is None:
            msg = "least is 0 without a most: it says nothing; give most, or a least of 1 or more"
            raise ValueError(msg)
        return self

    def times(self, what: str) -> str:
        """Return how often something must have been, in words."""
        span = f" in the last {in_words(self.within)}" if self.within else ""
        if self.most is None:
            return f"{what}{f' {self.least} times or more' if self.least > 1 else ''}{span}"
        if self.most == 0:
            return f"no {what}{span}"
        return f"{what} {f'{self.least} to {self.most}' if self.least else f'{self.most} at most'} times{span}"


class Behaviour(_Counted):
    """What a customer did on the journey: how often a touchpoint occurs in the log."""

    what: Literal["behaviour"]
    event: Label

    def words(self) -> str:
        """Return the condition in words."""
        return self.times(f"{_plain(self.event)}")


class Usage(_Counted):
    """How a customer uses the product: on how many days of the workspace's calendar."""

    what: Literal["usage"]
    event: Label | None = None
    """One thing of the usage log; anything in it without this."""

    def words(self) -> str:
        """Return the condition in words."""
        thing = _plain(self.event) if self.event else "use"
        span = f" in the last {in_words(self.within)}" if self.within else ""
        if self.most == 0:
            return f"no {thing}{span}"
        many = (
            ("a day or more" if self.least == 1 else f"{self.least} days or more")
            if self.most is None
            else f"{self.least} to {self.most} days"
        )
        return f"{thing} on {many}{span}"


class History(_Counted):
    """What a customer bought and kept: pieces of a product or of a category, returns taken off."""

    what: Literal["history"]
    product: Label | None = None
    category: Label | None = None

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.product is None) == (self.category is None):
            msg = "a history is of a product or of a category: give one of both"
            raise ValueError(msg)
        return self

    def words(self) -> str:
        """Return the condition in words."""
        return self.times(f"bought {_plain(self.product or self.category or '')}").replace(
            "no bought", "has not bought"
        )


class Profile(Part):
    """Who a customer is: a column that the event log carries, as it was last."""

    what: Literal["profile"]
    column: Label
    values: tuple[Label, ...] = Field(min_length=1)

    def words(self) -> str:
        """Return the condition in words."""
        return f"{_plain(self.column)} is {' or '.join(self.values)}"


class Satisfaction(Part):
    """What a customer last answered to a question."""

    what: Literal["satisfaction"]
    question: Label
    least: float | None = None
    most: float | None = None
    within: Length | None = None
    silent: bool = False
    """Whether those who did not answer count too."""

    @model_validator(mode="after")
    def _can_be(self) -> Self:
        if self.least is None and self.most is None:
            msg = "satisfaction needs a least or a most score"
            raise ValueError(msg)
        if self.least is not None and self.most is not None and self.most < self.least:
            msg = f"most is {self.most:g}, below least, {self.least:g}"
            raise ValueError(msg)
        return self

    def words(self) -> str:
        """Return the condition in words."""
        low, high = self.least, self.most
        score = (
            f"{low:g} to {high:g}" if low is not None and high is not None
            else f"{low:g} or more" if low is not None else f"{high:g} at most"
        )  # fmt: skip
        span = f" in the last {in_words(self.within)}" if self.within else ""
        return f"answered {score} to {_plain(self.question)}{span}{', or nothing' if self.silent else ''}"


Condition = Annotated[
    Behaviour | Usage | History | Profile | Satisfaction, Field(discriminator="what")
]


def _plain(text: str) -> str:
    return text.replace("_", " ")


def in_words(length: str) -> str:
    """Return a duration in words.

    Examples
    --------
    >>> in_words("14d"), in_words("12h")
    ('14 days', '12 hours')
    """
    hours = microseconds(length) / 3_600_000_000
    if hours % 24 == 0:
        return f"{hours / 24:g} day{'' if hours == 24 else 's'}"
    return f"{hours:g} hour{'' if hours == 1 else 's'}"


class Sequence(Part):
    """Things that happen one after the other within a time: a transition, or the n-th time of the same."""

    id: Id
    label: Label
    steps: tuple[Label, ...] = Field(min_length=2)
    """Touchpoints or events of usage in their order; the same three times is the third time."""
    within: Length = "7d"
    """How long after the first one the last one may come."""


class Offer(Part):
    """Something a customer may be offered, how it is seen that he took it, and what it earns."""

    id: Id
    label: Label
    kind: OfferKind
    strategy: Strategy | None = None
    products: tuple[Label, ...] = ()
    """Product ids of the order lines: one of them bought is the offer accepted."""
    accepted_by: tuple[Label, ...] = ()
    """Events of the log or of usage that say it was accepted, where no order line does."""
    undone_by: tuple[Label, ...] = ()
    """Events that say it was given back; returned pieces count without being named."""
    within: Length = "14d"
    """How long after the offer a purchase counts as its acceptance."""
    arm: Label | None = None
    """Its arm of the trial."""
    margin: float | None = None
    """Margin of one acceptance, in the workspace's currency; without it that of a piece in the order lines."""
    follow_on: float = 0.0
    """Later margin that comes with an acceptance."""
    cost: float = Field(0.0, ge=0)
    """Of one contact."""
    expected: float | None = Field(None, ge=-1, le=1)
    """How much likelier a customer buys when contacted, as the team judges it: 0.02 for two points."""
    expected_low: float | None = Field(None, ge=-1, le=1)
    """What it does at least, as the team judges it: the board ranks by it. Without one it ranks by what is expected."""
    kpi: Id | None = None
    """The KPI it should move."""

    @model_validator(mode="after")
    def _can_be_seen(self) -> Self:
        if not self.products and not self.accepted_by:
            msg = f"{self.id} names no product and no event by which it is accepted; give products or accepted_by"
            raise ValueError(msg)
        if self.expected_low is not None and (
            self.expected is None or self.expected_low > self.expected
        ):
            msg = f"{self.id}: expected_low is {self.expected_low:g}, expected {self.expected}; the least comes first"
            raise ValueError(msg)
        return self


class Moment(Part):
    """When an offer fits: what opens the moment, for how long, what else must hold, and where the offer is made."""

    id: Id
    label: Label
    after: Label
    """Touchpoint or event of usage that opens it."""
    window: Length = "14d"
    where: tuple[Condition, ...] = ()
    touchpoint: Id
    """Where the offer is made; its accountable role answers for the moment."""
    offer: Id
    offered_by: Label | None = None
    """Event that says the offer was made. Without one nobody knows who was offered."""

    def rule(self) -> str:
        """Return in words who is at this moment."""
        also = "; ".join(c.words() for c in self.where)
        return (
            f"up to {in_words(self.window)} after {_plain(self.after)}{f'; {also}' if also else ''}"
        )


class Pressure(Part):
    """How often a customer may be contacted, over all offers."""

    contacts: tuple[Label, ...] = Field(min_length=1)
    """Events that are contacts."""
    most: int = Field(ge=1)
    within: Length = "30d"
    rest: Length | None = None
    """Time after a contact in which there is no other."""


class Guards(Part):
    """Who is not asked, whatever he might buy."""

    opt_out: tuple[Label, ...] = ()
    """Events of the log or of usage by which a customer says that he wants no offers."""
    open_issue: bool = True
    """Whether customers with an open support case are left in peace."""
    solved: tuple[Label, ...] = ()
    """Activities that close a case; solved, resolved and closed without it."""
    pressure: Pressure | None = None
    cooling_off: Length | None = None
    """Time after any purchase in which nothing is offered."""


class TrialColumns(Part):
    """Which columns of the trial say what came of the offers."""

    comparison: Label
    """The arm that was left alone."""
    bought: Label
    """Column of 0 and 1: took the offer."""
    revenue: Label | None = None
    harms: tuple[Label, ...] = ()
    """Columns of what nobody wants: complaints, opt-outs, returns."""
    split: dict[str, Annotated[float, Field(gt=0)]] | None = None
    """Arm → planned share of the customers; equal without it."""
    before: Label | None = None
    """Column with the revenue of the time before: it takes off what customers differed by already (CUPED)."""
    cluster: Label | None = None
    """Column of what was drawn together, such as a household."""
    moments: tuple[Id, ...] = ()
    """Moments it was run at: only there its arms are tested. All without it."""
    horizon: Label = "the time of the trial"
    """How long was counted, in words: what comes later is not in it."""


class Minimum(Part):
    """How many contacts groups of customers get at least, so that a plan forgets nobody."""

    column: Label
    """Column of the event log, as it was at a customer's first event."""
    contacts: dict[Label, Annotated[int, Field(ge=1)]] = Field(min_length=1)
    """Value of the column → contacts."""


class UpsellPlan(Document):
    """Offers, the moments at which they are made, the guards, and what there is of money and patience."""

    kind: ClassVar[str] = "upsell"
    version: ClassVar[int] = 1

    label: Label = "Upsell plan"
    as_of: date | None = None
    """The day the plan is made for; the day after the last event without it."""
    outcome: tuple[Label, ...] = ()
    """What an upgrade is: touchpoints, events of usage, or product ids."""
    customer_since: tuple[Label, ...] = ()
    """What makes somebody a customer: moments are looked for from the first of it on, among those who have it."""
    contractual: bool | None = None
    """Whether customers have contracts, and leave by cancelling: then models of who stays away say nothing of them."""
    lost: tuple[Label, ...] = ()
    """After what somebody cannot upgrade any more: a contract cancelled, an account closed."""
    not_products: tuple[Label, ...] = ()
    """Product ids that are none, such as postage or fees (``"POST*"`` for all that begin so): left out of bundles."""
    caused_by_upgrade: tuple[Label, ...] = ()
    """What an upgrade itself brings, such as an invoice: the placebo says nothing of it."""
    sequences: tuple[Sequence, ...] = ()
    """Things in an order that are looked at as one: moments are looked for after them, and may open with them."""
    offers: tuple[Offer, ...] = ()
    moments: tuple[Moment, ...] = ()
    guards: Guards = Guards()
    trial: TrialColumns | None = None
    budget: float | None = Field(None, ge=0)
    """For contacts, in the workspace's currency; no end without it."""
    max_contacts: int = Field(1, ge=1)
    """Contacts a customer may get: by one plan, or in a period."""
    period: Length | None = None
    """Time before the plan in which contacts of earlier plans count too; without it those of this plan alone."""
    slots: dict[Id, Annotated[int, Field(ge=0)]] = Field(default_factory=dict)
    """Touchpoint → contacts it can make; those not named have no end."""
    teams: dict[Id, Annotated[int, Field(ge=0)]] = Field(default_factory=dict)
    """Role that answers for touchpoints → contacts it can make at all of them; those not named have no end."""
    minimum: Minimum | None = None
    held_out: float = Field(0.1, ge=0, lt=1)
    """Share of the customers left alone by chance, so that it can be said later what the plan brought."""
    fatigue: float = Field(0.0, ge=0)
    """What a contact costs in patience."""
    cautious: bool = True
    """Whether contacts are ranked by the least an offer brings, its lower 80 % limit, or by what it is expected to."""
    counter_measures: tuple[Id, ...] = ()
    """KPIs that stand beside every acceptance: opt-outs, complaints, churn, returns."""

    @model_validator(mode="after")
    def _hangs_together(self) -> Self:
        refuse_doubles(
            offers=[o.id for o in self.offers], moments=[m.id for m in self.moments],
            sequences=[s.id for s in self.sequences],
        )  # fmt: skip
        labels = [m.label for m in self.moments]
        same = next((text for text in labels if labels.count(text) > 1), None)
        if same is not None:
            msg = f"two moments are labelled {same!r}; nobody could tell them apart"
            raise ValueError(msg)
        moments = [m.id for m in self.moments]
        for name in self.trial.moments if self.trial else ():
            if name not in moments:
                msg = f"the trial names the moment {name!r}. {did_you_mean(name, moments)}"
                raise ValueError(msg)
        known = [o.id for o in self.offers]
        for m in self.moments:
            if m.offer not in known:
                msg = f"{m.id} makes the offer {m.offer!r}. {did_you_mean(m.offer, known)}"
                raise ValueError(msg)
        return self

    def offer(self, name: str) -> Offer:
        """Return an offer by id; an unknown one is a `JourneyDataError` with near names."""
        found = next((o for o in self.offers if o.id == name), None)
        if found is None:
            msg = (
                f"The plan has no offer {name!r}. {did_you_mean(name, [o.id for o in self.offers])}"
            )
            raise JourneyDataError(msg)
        return found
