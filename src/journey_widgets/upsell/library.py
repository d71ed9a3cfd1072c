"""The strategies there are: what each is, which data it needs, which KPI shows it works, and what must not grow."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Final

import pandas as pd

from journey_widgets.definition import defined
from journey_widgets.upsell.document import Strategy, UpsellPlan

SOURCES: Final = {
    "events": "event log", "order_lines": "order lines", "trials": "a trial", "tickets": "support cases",
    "answers": "survey answers", "usage": "usage of the product",
}  # fmt: skip


@dataclass(frozen=True)
class Way:
    """A strategy.

    Attributes
    ----------
    label, what
        Its name, and what is done, in words.
    needs
        Kinds of source without which it is guessed.
    kpi
        Of the catalogue: what it should move.
    shows
        The same in words.
    beside
        KPIs that stand beside: what it may harm.
    """

    label: str
    what: str
    needs: tuple[str, ...]
    kpi: str
    shows: str
    beside: tuple[str, ...]


STRATEGIES: Final[dict[Strategy, Way]] = {
    "personal_recommendation": Way(
        "Personal recommendation",
        "Offer what suits the customer's own use and purchases, at the moment it is needed.",
        ("events", "order_lines"), "upsell_acceptance", "share of offers that are accepted",
        ("offer_optout_rate", "return_rate"),
    ),
    "bundle": Way(
        "Bundle",
        "Sell together what is certainly bought together, at a discount that still earns.",
        ("order_lines",), "bundle_take_rate", "orders that take the bundle", ("return_rate", "discount_depth"),
    ),
    "targeted_message": Way(
        "Targeted message",
        "Write to those whom a contact moves, and leave the others alone.",
        ("events", "trials"), "upsell_uplift_abs", "difference to those left alone",
        ("offer_optout_rate", "complaint_rate", "offer_pressure"),
    ),
    "during_support": Way(
        "Complement during support",
        "Once the case is solved, offer what keeps it from coming again; never while it is open.",
        ("tickets", "order_lines"), "upsell_uplift_abs", "difference to those left alone",
        ("complaint_rate", "csat_t2b", "reopen_rate"),
    ),
}  # fmt: skip


def library(plan: UpsellPlan, sources: Collection[str]) -> pd.DataFrame:
    """Return the strategies with what they need and what of it is there.

    Parameters
    ----------
    plan
        The upsell plan: which offers follow which strategy.
    sources
        Kinds of source that the workspace has.

    Returns
    -------
    pandas.DataFrame
        One row a strategy. Columns: ``strategy``, ``label``, ``what``, ``needs`` (str, in words), ``missing`` (str, of
        what it needs; blank where all is there), ``kpi``, ``shows`` (the KPI in words), ``beside`` (str, ids of the
        catalogue, joined by commas), ``offers`` (str, labels of the plan's offers; blank where none follows it).
    """
    rows = [
        {
            "strategy": name, "label": way.label, "what": way.what, "needs": _named(way.needs),
            "missing": _named(n for n in way.needs if n not in sources), "kpi": way.kpi, "shows": way.shows,
            "beside": ", ".join(way.beside),
            "offers": ", ".join(o.label for o in plan.offers if o.strategy == name),
        }
        for name, way in STRATEGIES.items()
    ]  # fmt: skip
    return defined(
        pd.DataFrame(rows), "Strategies of general practice; KPIs as the catalogue defines them"
    )


def _named(kinds: Iterable[str]) -> str:
    return ", ".join(SOURCES[k] for k in kinds)
