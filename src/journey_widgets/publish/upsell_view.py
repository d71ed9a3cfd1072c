"""What the upsell page works with: the plan, its sources, and everything that is worked out once."""

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import date, datetime
from functools import cached_property, partial
from typing import Any, TypeVar

import ibis.expr.types as ir
import numpy as np
import pandas as pd
from ibis import _

from journey_widgets import journey as paths
from journey_widgets import upsell
from journey_widgets.definition import defined, definition
from journey_widgets.errors import JourneyDataError, JourneyError, ParameterError
from journey_widgets.estimates import student
from journey_widgets.events.engine import collect
from journey_widgets.events.source import table_of
from journey_widgets.publish.figures import Figure
from journey_widgets.publish.page import Page, records, unless
from journey_widgets.publish.small_groups import hide_few
from journey_widgets.scorecard.measures import measure
from journey_widgets.scorecard.series import of_customers
from journey_widgets.small_counts import withheld
from journey_widgets.upsell.board import Board
from journey_widgets.upsell.days import Days, days_of
from journey_widgets.upsell.document import Offer, UpsellPlan
from journey_widgets.upsell.drawing import MOST_ROWS
from journey_widgets.upsell.eligibility import Known, instant
from journey_widgets.upsell.moments import MOMENT
from journey_widgets.upsell.signals import before, days_of_signals, from_first, signals, whose
from journey_widgets.upsell.uplift import Uplift

NO_PLAN = (
    "This workspace has no upsell plan yet: write documents/upsell.yaml and read it with journey import. "
    "journey new DIR --template phone_retailer shows one."
)
LINES, TRIALS, CONTACTS, SCORES = "order_lines", "trials", "contacts", "scores"
CHANGE = ("difference", "low", "high", "n")
"""A difference of two arms with its interval and n."""
WEEKS = 52
"""How far ahead customers are valued."""
T = TypeVar("T")


class UpsellPage:
    """What the cells of the upsell notebook work with.

    Parameters
    ----------
    page
        The page: workspace, log, and what may be done here.
    horizon
        How long before an upgrade something may lie, such as ``"7d"``.
    min_support
        Share of the orders that a bundle must be in.
    budget, max_contacts
        Of the plan of contacts, in place of the plan's.
    as_of
        The day that is planned for; blank: the plan's.
    seed
        Of everything that is drawn.
    """

    def __init__(
        self, page: Page, *, horizon: str = "7d", min_support: float = 0.01, budget: float | None = None,
        max_contacts: int | None = None, as_of: str = "", seed: int = 1,
    ) -> None:  # fmt: skip
        self.page, self.horizon, self.min_support, self.seed = page, horizon, min_support, seed
        self.budget, self.max_contacts, self.as_of = budget, max_contacts, as_of
        self.plan: UpsellPlan = page.workspace.upsell
        self._why: dict[str, str] = {}

    @property
    def has_plan(self) -> bool:
        """Whether the workspace has an upsell plan with moments."""
        return bool(self.plan.moments)

    @property
    def zone(self) -> str:
        """Time zone of days."""
        return self.page.workspace.settings.time_zone

    @property
    def currency(self) -> str:
        """Of all amounts."""
        return self.page.workspace.settings.currency or ""

    @cached_property
    def sources(self) -> dict[str, Any]:
        """The sources, of the page's customers alone where a segment is chosen."""
        space = self.page.workspace
        found: dict[str, Any] = {k: space.source(k) for k in space.sources.present()}
        if self.page.index.customers() == self.page.log.customers:
            return found
        some = of_customers(found, self.page.index)
        ids = self.page.index.table.select(customer_id=_.customer_id.cast("string")).distinct()
        log = table_of(self.page.log, "events")
        some["events"] = log.mutate(customer_id=log.customer_id.cast("string")).semi_join(
            ids, "customer_id"
        )
        return some

    @cached_property
    def known(self) -> Known:
        """The sources as the plan reads them; refused where they do not fit."""
        space = self.page.workspace
        every = {k: space.source(k) for k in space.sources.present()}
        return Known(self.plan, self.sources, self.zone, every)

    def refuse_misfits(self) -> None:
        """Raise where the plan names what no source has, or needs a source that is not there."""
        _fits = self.known

    @cached_property
    def day(self) -> pd.Timestamp:
        """Midnight of the day that is planned for, in the zone."""
        moment = instant(self.plan, self.known, self.as_of)
        return pd.Timestamp(moment, tz="UTC").tz_convert(self.zone)

    @property
    def _instant(self) -> datetime:
        """The same in UTC, as the engine has it."""
        moment: datetime = self.day.tz_convert("UTC").tz_localize(None).to_pydatetime()
        return moment

    @cached_property
    def labels(self) -> dict[str, str]:
        """What people call touchpoints, offers, roles and what opens a moment."""
        space = self.page.workspace
        return {
            **{r.id: r.label for r in space.raci.roles}, **self.page.labels(),
            **{o.id: o.label for o in self.plan.offers},
            **{o.arm: o.label for o in self.plan.offers if o.arm},
            **{s.id: s.label for s in self.plan.sequences},
        }  # fmt: skip

    def named(self, name: str) -> str:
        """Return what people call an id; without a label its words."""
        return self.labels.get(name, name.replace("_", " ").capitalize())

    @cached_property
    def owners(self) -> dict[str, str]:
        """Touchpoint → id of the role that alone is accountable for it."""
        matrix = self.page.workspace.raci
        letter = matrix.letters.accountable
        held = {r.touchpoint: matrix.holders(r, letter) if letter else [] for r in matrix.rows}
        return {t: roles[0] for t, roles in held.items() if len(roles) == 1}

    def why_not(self, what: str) -> str:
        """Return why something could not be worked out; blank where it could."""
        return self._why.get(what, "")

    def _tried(self, what: str, ask: Callable[[], T]) -> T | None:
        """Return an answer; where there is none, keep why."""
        try:
            return ask()
        except JourneyError as error:
            self._why[what] = str(error)
            return None

    # --- what is worked out

    def _happened(self) -> ir.Table:
        """Return what happened to customers, up to the day of the plan."""
        named = {*self.plan.outcome, *(step for s in self.plan.sequences for step in s.steps)}
        lines = [p for p in self.known.products if p in named]
        found = before(self.known.with_sequences(signals(self.sources, lines)), self._instant)
        return from_first(found, self.plan.customer_since) if self.plan.customer_since else found

    @cached_property
    def days(self) -> Days | None:
        """The same by days; of very many customers those who were drawn."""

        def ask() -> Days:
            return days_of_signals(self._happened(), zone=self.zone, outcome=self.plan.outcome)

        return self._tried("moments", ask)

    @cached_property
    def plain_days(self) -> Days:
        """What happened by days, without sequences: what they are made of is counted already."""
        assert self.days is not None  # noqa: S101 - whoever asks has looked
        return self._without_sequences(self.days)

    def _without_sequences(self, days: Days) -> Days:
        sequences = [
            i for i, n in enumerate(days.names) if n in {s.id for s in self.plan.sequences}
        ]
        return days.only(~np.isin(days.touchpoint, sequences))

    @cached_property
    def _looked_for(self) -> tuple[pd.DataFrame, pd.DataFrame] | None:
        """After what customers upgrade sooner, and the same with windows of several lengths: one run."""
        if not self.plan.outcome:
            self._why["moments"] = (
                "The plan does not say what an upgrade is: name it under outcome."
            )
            return None
        if self.days is None:
            return None
        days, sequences = self.days, {s.id for s in self.plan.sequences}
        ask = partial(
            upsell.moments_and_horizons, days, self.plan.outcome, self.horizon,
            caused_by_upgrade=[c for c in self.plan.caused_by_upgrade if c in days.names],
            activity=[n for n in days.names if n not in sequences], seed=self.seed,
        )  # fmt: skip
        return self._tried("moments", ask)

    @property
    def moments(self) -> pd.DataFrame | None:
        """After what customers upgrade sooner."""
        return self._looked_for[0] if self._looked_for else None

    @property
    def horizons(self) -> pd.DataFrame | None:
        """The same with windows of several lengths."""
        return self._looked_for[1] if self._looked_for else None

    @property
    def found_moments(self) -> pd.DataFrame:
        """The moments that are certain, the strongest first."""
        if self.moments is None:
            return pd.DataFrame({"touchpoint": []})
        return self.moments[self.moments["verdict"] == MOMENT]

    @cached_property
    def eligible(self) -> pd.DataFrame:
        """Who is at a moment on the day of the plan."""
        return upsell.eligible(self.plan, self.known, as_of=self.as_of, zone=self.zone)

    @cached_property
    def may_be_asked(self) -> pd.DataFrame:
        """Who of them is left in peace by no guard and may still be contacted in the period."""
        most = self.plan.max_contacts if self.max_contacts is None else self.max_contacts
        enough = {c for c, n in self._already.items() if n >= most}
        own = self.eligible
        return own[(own["guard"] == "") & ~own["customer_id"].isin(enough)]

    @cached_property
    def guarded(self) -> pd.DataFrame:
        """How many are at each moment, and what each guard takes."""
        return upsell.guarded(self.eligible, self.plan)

    @cached_property
    def funnel(self) -> pd.DataFrame:
        """What became of the moments of the last 90 days before the day of the plan."""
        since = (self.day - pd.Timedelta(days=90)).date().isoformat()
        return upsell.offer_funnel(
            self.plan, self.known, since=since, as_of=self.day.date().isoformat(), zone=self.zone
        )

    @cached_property
    def after_offers(self) -> pd.DataFrame:
        """What came after the offers of the same days, that nobody wants."""
        since = (self.day - pd.Timedelta(days=90)).date().isoformat()
        return upsell.after_offers(
            self.plan, self.known, since=since, as_of=self.day.date().isoformat(), zone=self.zone
        )

    @cached_property
    def trial(self) -> pd.DataFrame | None:
        """What the offers did in the trial."""
        columns = self.plan.trial
        if columns is None or TRIALS not in self.sources:
            self._why["trial"] = (
                "This workspace has no trial, or the plan does not say how to read it: without customers who were left "
                "alone by chance nobody can say what an offer brings."
            )
            return None
        outcomes = [columns.bought, *([columns.revenue] if columns.revenue else [])]
        return self._tried(
            "trial",
            lambda: upsell.trial(
                self.sources[TRIALS],
                outcomes,
                comparison=columns.comparison,
                harms=columns.harms,
                split=columns.split,
                before=columns.before or "",
                cluster=columns.cluster or "",
            ),
        )

    @cached_property
    def results(self) -> pd.DataFrame | None:
        """What came of the contacts of earlier plans."""
        if CONTACTS not in self.sources:
            self._why["results"] = (
                "No contacts of an earlier plan came back yet: keep the assignment of a board as a file and name it "
                "under contacts in sources.yaml."
            )
            return None

        def ask() -> pd.DataFrame:
            day = self.day.date().isoformat()
            rows = upsell.came_back(
                self.plan, self.sources[CONTACTS], self.known, as_of=day, zone=self.zone
            )
            return defined(upsell.calibration(rows), definition(rows))

        return self._tried("results", ask)

    def counted(self, kpi: str) -> dict[str, Any] | None:
        """Return a KPI of the last full month before the day of the plan; None where it is not counted yet."""
        card = self.page.workspace.scorecard
        own = next((k for k in card.kpis() if k.measured_as == kpi), None)
        try:
            found = measure(
                kpi, self.sources, period="month", zone=self.zone, until=self._instant, words=card.words,
                options=own.options if own else None,
            )  # fmt: skip
        except JourneyError:
            return None
        over = hide_few(found[~found["open"].astype(bool)], self.page.least)
        return records(over)[-1] if len(over) else None

    @cached_property
    def worth(self) -> pd.DataFrame | None:
        """What each customer is expected to earn within a year of the day of the plan."""
        if LINES not in self.sources:
            self._why["worth"] = "This workspace has no order lines yet."
            return None
        columns = table_of(self.sources[LINES], LINES).columns
        unit = "margin" if "margin" in columns else "amount"

        def ask() -> pd.DataFrame:
            found = upsell.expected_value(self._bought(unit, math.inf), WEEKS)
            said = (
                f"Worth: {'margin' if unit == 'margin' else 'revenue, as nobody says the margin'}"
            )
            return defined(found, definition(found), said)

        return self._tried("worth", ask)

    def _bought(self, unit: str, most: float) -> pd.DataFrame:
        last = (self.day - pd.Timedelta(days=1)).date()
        return upsell.purchases(
            self.sources[LINES], until=last, unit="week", worth=unit, zone=self.zone, most=most
        )

    @cached_property
    def buying_models(self) -> list[Any] | None:
        """Models of buying, fitted on all customers, the one that is used first; None where they cannot be."""
        fits = (upsell.fit_bg_nbd, upsell.fit_mbg_nbd, upsell.fit_pareto_nbd)
        if LINES not in self.sources:
            return None
        return self._tried(
            "models", lambda: [fit(self._bought("quantity", MOST_ROWS)) for fit in fits]
        )

    @cached_property
    def tracked(self) -> pd.DataFrame | None:
        """Repeat purchases beside those that a model of the first two thirds of the time expects."""

        def ask() -> pd.DataFrame:
            first = pd.Timestamp(
                collect(self.sources[LINES].table.agg(first=_.ts.min()))["first"].iloc[0]
            )
            end = self.day.tz_convert(None) if self.day.tzinfo else self.day
            cut = (first + (end - first) * 2 / 3).date()
            bought = upsell.purchases(
                self.sources[LINES], until=cut, unit="week", worth="quantity", zone=self.zone, most=MOST_ROWS
            )  # fmt: skip
            model = upsell.fit_bg_nbd(bought)
            return upsell.tracking(
                model, self.sources[LINES], cut.isoformat(), unit="week", zone=self.zone
            )

        return self._tried("tracked", ask) if LINES in self.sources else None

    @cached_property
    def leaving(self) -> pd.DataFrame | None:
        """How soon customers with a contract leave, by Kaplan and Meier; None where beginning or end is not known."""
        days, plan = self.days, self.plan
        if days is None:
            return None
        starts = [e for e in plan.customer_since if e in days.names]
        ends = [e for e in plan.lost if e in days.names]
        if not starts or not ends:
            return None
        return self._tried("leaving", lambda: upsell.time_to_leave(days, starts, ends))

    @cached_property
    def earnings(self) -> pd.DataFrame:
        """What one acceptance of each offer earns."""
        return upsell.earnings(self.plan, self.sources, until=self._instant)

    @cached_property
    def effects(self) -> pd.DataFrame:
        """What each offer is believed to do at each moment."""
        return upsell.effects(
            self.plan, trial=self.trial, moments=self.moments, results=self.results
        )

    @cached_property
    def cells(self) -> pd.DataFrame:
        """The rows of the board."""
        return upsell.cells(
            self.plan, self.eligible, self.effects, self.earnings, self.modelled, self.segments, self.likely,
        )  # fmt: skip

    @cached_property
    def board(self) -> Board | None:
        """The plan of contacts."""
        return self._tried(
            "board",
            lambda: upsell.plan_board(
                self.plan, self.cells, owners=self.owners, already=self._already, budget=self.budget,
                max_contacts=self.max_contacts,
                salt=f"board {self.day:%Y-%m-%d} {self.seed}", currency=self.currency,
            ),
        )  # fmt: skip

    @cached_property
    def _already(self) -> dict[str, int]:
        """Return how many contacts customers had by earlier plans in the plan's period."""
        if CONTACTS not in self.sources:
            return {}
        day = self.day.date().isoformat()
        return upsell.contacts_had(
            self.plan, self.sources[CONTACTS], self.known, as_of=day, zone=self.zone
        )

    @cached_property
    def bundles(self) -> pd.DataFrame | None:
        """What is bought together."""
        if LINES not in self.sources:
            self._why["bundles"] = "This workspace has no order lines yet."
            return None
        return self._tried(
            "bundles",
            lambda: upsell.bundles(
                self.sources[LINES], support=self.min_support, leave_out=self.plan.not_products
            ),
        )

    @cached_property
    def next_offers(self) -> dict[str, Any]:
        """The two questions of what to offer next, each with its judge."""
        if LINES not in self.sources:
            return {}
        lines, found = self.sources[LINES], {}
        cut = (self.day - pd.Timedelta(days=30)).date().isoformat()
        for mode in ("new", "repeat"):
            ask = partial(
                upsell.next_offers,
                lines,
                mode=mode,
                cut=cut,
                leave_out=self.plan.not_products,
                segments=self._groups,
                seed=self.seed,
            )
            found[mode] = self._tried(f"next {mode}", ask)
        return {m: f for m, f in found.items() if f is not None}

    @cached_property
    def first_offers(self) -> pd.DataFrame | None:
        """The first offer of something new to every customer who may be asked; None where nothing ranks them."""
        found = self.next_offers.get("new")
        if found is None:
            return None
        peace = upsell.left_in_peace(
            self.plan, self.known, found.customers, as_of=self.as_of, zone=self.zone
        )
        offered: pd.DataFrame = found.offers(found.customers, most=1, in_peace=peace)
        return offered

    @cached_property
    def _groups(self) -> dict[str, str]:
        """Customer → his group by the log's column with the fewest values: the largest groups there are."""
        if self.profiles is None:
            return {}
        known, names = self.profiles
        frame = collect(known)
        several = [n for n in names if frame[n].nunique() > 1]
        if not several:
            return {}
        column = min(several, key=lambda n: (frame[n].nunique(), n))
        said = column.removeprefix("profile ")
        own = frame[frame[column].notna()]
        return {str(c): f"{said}={v}" for c, v in zip(own["customer_id"], own[column], strict=True)}

    @cached_property
    def profiles(self) -> tuple[ir.Table, list[str]] | None:
        """What the log says of customers at their first event, and the names of that; None where it says nothing."""
        log, index = self.page.log, self.page.index
        columns = [c for c in log.mapping.keep if 2 <= len(self._values(c)) <= 20]
        if not columns:
            return None
        first = index.table.filter(index.table.step == 1)
        known = first.select(
            customer_id=first.customer_id.cast("string"),
            **{f"profile {c}": index.attribute(c) for c in columns},
        )
        return known, [f"profile {c}" for c in columns]

    @cached_property
    def whom(self) -> tuple[Uplift, int] | None:
        """Whom the proved offer moves, and how many of its trial the log does not know; None where nobody can say."""
        source, columns, proved = self.sources.get(TRIALS), self.plan.trial, self.proved
        if columns is None or source is None or self.profiles is None or proved is None:
            return None
        rows = table_of(source, TRIALS)
        if "customer_id" not in rows.columns:
            return None
        known, names = self.profiles
        rows = rows.mutate(customer_id=rows.customer_id.cast("string"))
        frame = collect(rows.inner_join(known, "customer_id"))
        missing = int(rows.count().to_pyarrow().as_py()) - len(frame)
        found = self._tried(
            "whom",
            lambda: upsell.uplift(
                frame, columns.bought, names, arm=proved["arm"], comparison=columns.comparison,
                split=columns.split, seed=self.seed,
            ),
        )  # fmt: skip
        return None if found is None else (found, missing)

    @cached_property
    def segments(self) -> dict[str, str]:
        """Customer → his value of the column by which the plan gives groups a minimum."""
        minimum, index = self.plan.minimum, self.page.index
        if minimum is None or minimum.column not in index.attributes:
            return {}
        first = index.table.filter(index.table.step == 1)
        own = collect(
            first.select(
                customer_id=first.customer_id.cast("string"), value=index.attribute(minimum.column)
            )
        )
        return dict(zip(own["customer_id"], own["value"].astype("str"), strict=True))

    @cached_property
    def modelled(self) -> pd.DataFrame | None:
        """What the proved offer does to customers ranked like those at a moment; None where no ranking is certain."""
        offers = [o.id for o in self.plan.offers if self.proved and o.arm == self.proved["arm"]]
        if self.whom is None or self.profiles is None or self.whom[0].low <= 0 or not offers:
            return None
        own = self.eligible[self.eligible["offer"].isin(offers)]
        known, _names = self.profiles
        frame = collect(
            known.filter(known.customer_id.isin(sorted(set(own["customer_id"])) or [""]))
        )
        if frame.empty:
            return None
        told = pd.concat([frame[["customer_id"]], self.whom[0].effects_of(frame)], axis=1)
        return pd.concat([told.assign(offer=o) for o in offers], ignore_index=True)

    def _values(self, column: str) -> list[str]:
        return [str(v) for v in self.page.index.values(column, limit=21)]

    @cached_property
    def scores(self) -> upsell.Propensity | None:
        """Who will upgrade: learnt from earlier days, judged on a later one; None where there is too little."""
        if self.days is None or not self.plan.outcome:
            return None
        days = self.plain_days
        last = days.begins + pd.Timedelta(days=days.last + 1)
        dates = [(last - pd.Timedelta(days=30 * k)).date().isoformat() for k in (4, 3, 2, 1)]

        def ask() -> upsell.Propensity:
            table = upsell.snapshots(days, self.plan.outcome, dates, within="30d")
            fixed = {"customer_id", "date", "known_at", "label_until", "label"}
            return upsell.propensity(
                table, [c for c in table.columns if c not in fixed], seed=self.seed
            )

        return self._tried("scores", ask)

    @cached_property
    def likely(self) -> dict[str, list[str]]:
        """Customer at a moment → why our score finds him likely to upgrade, or not; nothing where it may be chance."""
        score = self.scores
        if score is None or self.days is None or score.report.auc[1] <= 0.5:
            return {}
        day = self.day.date().isoformat()
        here = set(self.eligible[self.eligible["guard"] == ""]["customer_id"])
        days = self.plain_days
        if not here:
            return {}
        if days.drawn:
            theirs = whose(self._happened(), here)
            own = days_of(theirs, zone=self.zone, most=math.inf, names=days.names)
            days = self._without_sequences(own)
        told = upsell.known_before(days, self.plan.outcome, day)
        asked = told[told["customer_id"].isin(here)].reset_index(drop=True)
        labels = {n: self.named(n) for n in self.days.names}
        return dict(zip(asked["customer_id"], score.reasons(asked, labels=labels), strict=True))

    @cached_property
    def imported(self) -> list[upsell.JudgedScore]:
        """Scores that another tool made, each held against what came of it; empty where nobody can say."""
        if SCORES not in self.sources:
            self._why["imported"] = (
                "No scores of another tool are here: name a file under scores in sources.yaml."
            )
            return []
        ask = partial(
            upsell.judge_scores, self.plan, self.sources[SCORES], self.known,
            as_of=self.day.date().isoformat(), zone=self.zone, seed=self.seed,
        )  # fmt: skip
        return self._tried("imported", ask) or []

    @cached_property
    def proved(self) -> dict[str, Any] | None:
        """The arm of the trial whose difference is certain and largest; None where none is."""
        columns, trial = self.plan.trial, self.trial
        if trial is None or columns is None:
            return None
        certain = (trial["low"] > 0) & (trial["p_value"] <= 0.05)
        own = self.seen(trial[(trial["outcome"] == columns.bought) & certain])
        return max(records(own), key=lambda r: float(r["difference"])) if len(own) else None

    @cached_property
    def returns(self) -> dict[str, dict[str, Any]]:
        """Offer → whether its arm of the trial earned its cost, with the ``share`` of the price that is margin."""
        columns, source = self.plan.trial, self.sources.get(TRIALS)
        if columns is None or columns.revenue is None or source is None or self.trial is None:
            return {}
        has_cost = "cost" in table_of(source, TRIALS).columns
        found: dict[str, dict[str, Any]] = {}
        for o in self.plan.offers:
            share = self.margin_share(o)
            if o.arm is None or share is None:
                continue
            ask = partial(
                upsell.trial_return, source, arm=o.arm, comparison=columns.comparison, revenue=columns.revenue,
                margin=share, cost="cost" if has_cost else o.cost, horizon=columns.horizon,
                split=columns.split, cluster=columns.cluster or "",
            )  # fmt: skip
            told = self._tried(f"return {o.id}", ask)
            if told is not None:
                found[o.id] = {**records(told)[0], "share": share}
        return found

    def margin_share(self, offer: Offer) -> float | None:
        """Return which share of the price of an offer's products is margin; of all lines where they do not say it."""
        if LINES not in self.sources:
            return None
        lines = table_of(self.sources[LINES], LINES, "product_id", "quantity")
        if not {"margin", "amount"} <= set(lines.columns):
            return None
        own = lines.filter(lines.product_id.cast("string").isin(list(offer.products) or [""]))
        for some in (own, lines):
            paid, earned = collect(some.agg(a=some.amount.sum(), b=some.margin.sum())).iloc[0]
            if paid and not pd.isna(paid) and 0 < float(earned) <= float(paid):
                return float(earned) / float(paid)
        return None

    @cached_property
    def mending(self) -> pd.DataFrame | None:
        """What it would bring if groups got through as everybody else does; None where nobody can say."""
        page, worth = self.page, self._worth
        steps = self._tried("mending", lambda: page.steps)  # a workspace may have no journey yet
        if steps is None or len(steps) < 2 or worth is None:
            return None
        found = paths.pain_points(page.index, steps)
        if found.empty:
            return None
        return upsell.benefit_of_mending(found, paths.funnel(page.index, steps), worth)

    @cached_property
    def _worth(self) -> tuple[float, float, float] | None:
        """The mean margin of an order with its 95 % interval."""
        if LINES not in self.sources:
            return None
        lines = table_of(self.sources[LINES], LINES, "order_id", "quantity")
        if "margin" not in lines.columns:
            return None
        sold = lines.filter(lines.quantity > 0)
        orders = sold.group_by("order_id").agg(margin=sold.margin.sum())
        asked = orders.agg(n=orders.count(), mean=orders.margin.mean(), spread=orders.margin.std())
        n, mean, spread = (float(v) for v in collect(asked).iloc[0])
        if n < 2 or not mean > 0:
            return None
        reach = student(n - 1) * spread / math.sqrt(n)
        return mean, mean - reach, mean + reach

    def seen(
        self, frame: pd.DataFrame, one: str = "n", other: str = "n_comparison"
    ) -> pd.DataFrame:
        """Return the rows of a comparison whose two sides are large enough to be shown here."""
        return frame[frame[[one, other]].min(axis=1) >= self.page.least]

    # --- in words

    def may_tell(self, every: float, some: float) -> bool:
        """Return whether a share may be shown: neither its whole nor its part is a few."""
        return every >= self.page.least and not 0 < some < self.page.least

    def few(self, number: float) -> str | Figure:
        """Return a number of customers, or that they are few."""
        n, least = int(number), self.page.least
        return f"fewer than {least}" if 0 < n < least else Figure(f"{n:,}", n)

    def told(
        self, counts: Mapping[str, int], sums: Sequence[Sequence[str]], shown: Collection[str] = ()
    ) -> dict[str, str | Figure]:
        """Return counts that add up as they may be shown here (see `small_counts.withheld`)."""
        out = withheld(counts, sums, self.page.least, shown=shown)
        return {
            c: "hidden" if c in out and n >= self.page.least else self.few(n)
            for c, n in counts.items()
        }

    def hidden_parts(self, parts: Sequence[int]) -> list[bool]:
        """Return which parts of a number that is told may not be told."""
        counts = {"all": sum(parts), **{str(i): n for i, n in enumerate(parts)}}
        out = withheld(counts, [list(counts)], self.page.least, shown=["all"])
        return [str(i) in out for i in range(len(parts))]

    def money(self, amount: float) -> str:
        """Return an amount with its currency."""
        return f"{self.amount(amount)} {self.currency}".rstrip()

    def amount(self, amount: float) -> str:
        """Return an amount whose currency stands elsewhere."""
        return f"{amount:,.{0 if abs(amount) >= 1_000 else 2}f}"

    def owner(self, touchpoint: str) -> str:
        """Return who alone answers for a touchpoint."""
        role = self.owners.get(touchpoint)
        return self.named(role) if role else "Nobody alone"

    @property
    def source_kinds(self) -> list[str]:
        """Kinds of source that the workspace has."""
        return list(self.sources)


def of(row: Any, *columns: str) -> list[float]:
    """Return figures of a row as numbers."""
    return [float(row[c]) for c in columns]


def ranged(told: Callable[[float], str], *found: float) -> Figure:
    """Return a value with its interval (and n), each told the same way; an unknown one is a dash."""
    value, low, high, n = (*found, math.nan)[:4]
    if not math.isfinite(value):
        return Figure("–")
    span = f" ({told(low)} to {told(high)})" if math.isfinite(low) and math.isfinite(high) else ""
    return Figure(f"{told(value)}{span}", value, low, high, n)


def points(value: float, low: float, high: float, n: float = math.nan) -> Figure:
    """Return a difference of shares in points with its interval."""
    if not math.isfinite(value):
        return Figure("–")
    span = f"{100 * low:+.1f} to {100 * high:+.1f}"
    return Figure(f"{100 * value:+.1f} points ({span})", value, low, high, n)


def group_said(text: str) -> str:
    """Return a group such as ``"device=mobile"`` in words."""
    column, _equals, value = text.partition("=")
    return f"customers with {column.replace('_', ' ')} {value}"


def _no_plan(view: UpsellPage, _part: str) -> str:
    return "" if view.has_plan else NO_PLAN


with_plan = unless(_no_plan)


def number_of(text: str, name: str, *, whole: bool = False) -> float | None:
    """Return a number that a parameter names; blank is none, anything else a `ParameterError`."""
    if not text.strip():
        return None
    try:
        found = float(text)
    except ValueError:
        found = float("nan")
    least = 1 if whole else 0
    if not (found >= least) or found == float("inf") or (whole and found != int(found)):
        msg = f"{name} is {text[:40]!r}; {'a whole number from 1' if whole else 'a number from 0'} was needed."
        raise ParameterError(msg)
    return found


def refuse_day(text: str) -> None:
    """Raise where a parameter is no day."""
    try:
        if text:
            date.fromisoformat(text)
    except ValueError:
        msg = f"as_of is {text[:40]!r}; a day such as 2026-07-10 was needed."
        raise JourneyDataError(msg) from None
