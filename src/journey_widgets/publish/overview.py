"""The executive page's words and tables: figures with their owner and their certainty."""

from dataclasses import replace
from typing import Any

import pandas as pd

from journey_widgets.definition import definition
from journey_widgets.estimates import MIN_N
from journey_widgets.findings import count_by_severity, sentence
from journey_widgets.journey.charts import funnel_chart
from journey_widgets.publish import html
from journey_widgets.publish.figures import Figure
from journey_widgets.publish.page import Page, open_page, said_on_the_page, with_funnel
from journey_widgets.publish.period import ALL
from journey_widgets.publish.scorecard_view import ScorecardPage
from journey_widgets.publish.show import show
from journey_widgets.publish.small_groups import people
from journey_widgets.raci.owners import with_owners

TOO_FEW = "too few"


def open_overview(
    workspace: str = "", segment: str = ALL, as_of: str = ""
) -> tuple[Page, ScorecardPage]:
    """Open the executive page, with the scorecard of the same customers beside it."""
    page = open_page("Overview", workspace=workspace, segment=segment, more={"as_of": as_of})
    with said_on_the_page():
        page.needs_journey()
        view = ScorecardPage(page, as_of=page.more["as_of"])
        view.needs_notes()
        return page, view


def in_short(page: Page) -> html.Html:
    """Return the page's figures in boxes: customers, success and biggest loss where a funnel is named, what is open."""
    pressing = [f for f in page.findings() if f.severity != "info" and not f.acknowledged]
    counts = count_by_severity(pressing)
    return html.tiles(
        {
            "Customers": (
                Figure(
                    f"{page.index.customers():,}",
                    page.index.customers(),
                    about="Customers with at least one event in the log.",
                ),
                page.segment_in_words(),
            ),
            **(_through(page) if len(page.steps) > 1 else {}),
            "Not settled": (
                str(counts["error"] + counts["warn"]),
                f"{sentence(pressing)} in the documents",
            ),
        }
    )


def _through(page: Page) -> dict[str, tuple[str | Figure, str]]:
    """Return how many get through and where most are lost."""
    owned = _owned(page)
    first, last = owned.iloc[0], owned.iloc[-1]
    lost = owned.iloc[int(owned["drop_off"].fillna(0).argmax())]
    few = not lost["drop_off"] > 0
    return {
        f"Reach {last['label']}": (
            replace(_share(last), about=definition(page.funnel)),
            f"{_interval(last['low'], last['high'])} of {people(first['customers'])} who reached {first['label']}",
        ),
        "Most customers are lost before": (
            "no single step" if few else str(lost["label"]),
            "too few are lost anywhere to say"
            if few
            else f"{people(lost['drop_off'])} customers; {lost['accountable']} answers for it",
        ),
    }


def _owned(page: Page) -> pd.DataFrame:
    return with_owners(page.funnel, page.workspace.raci, page.workspace.journey)


@with_funnel
def getting_through(page: Page) -> Any:
    """Return the funnel as a picture after a sentence."""
    last = page.funnel.iloc[-1]
    label = page.labels().get(last["step"], last["step"])
    said = (
        f"{people(last['customers'])} of {people(last['n'])} customers reach {label} "
        f"({_rate(last['conversion'], last['n'])}, 95 % interval {_interval(last['low'], last['high'])}); "
        "no time limit."
    )
    return show(funnel_chart(page.funnel, page.workspace.journey), said)


@with_funnel
def losses(page: Page) -> html.Html:
    """Return each step with its loss, its interval and the roles behind it."""
    return html.table(
        _owned(page),
        caption="Steps, losses and owners",
        labels={
            "label": "Step", "stage_label": "Stage", "customers": "Customers", "drop_off": "Lost before it",
            "step_conversion": "Of the step before", "step_low": "at least", "step_high": "at most",
            "median_hours": "Median time", "accountable": "Accountable", "responsible": "Responsible",
        },
        percent=["step_conversion", "step_low", "step_high"],
        hours=["median_hours"], note=definition(page.funnel),
    )  # fmt: skip


def open_points(page: Page) -> html.Html:
    """Return the findings in the documents, in words."""
    return html.findings_list(page.findings(), printed=False)


def _share(row: pd.Series) -> Figure:
    """Return a share with its interval and n, or that there are too few."""
    shown = _rate(row["conversion"], row["n"])
    if shown == TOO_FEW:
        return Figure(shown)
    value, low, high, n = (float(row[c]) for c in ("conversion", "low", "high", "n"))
    return Figure(shown, value, low, high, n)


def _rate(value: float, n: int) -> str:
    return f"{value:.0%}" if not pd.isna(n) and n >= MIN_N and pd.notna(value) else TOO_FEW


def _interval(low: float, high: float) -> str:
    if pd.isna(low):
        return "too few to say"
    return f"{low:.0%} to {high:.0%}"
