"""The executive page's words and tables: figures with their owner and their certainty."""

import pandas as pd

from journey_widgets.estimates import MIN_N
from journey_widgets.findings import count_by_severity, sentence
from journey_widgets.publish import html
from journey_widgets.publish.page import Page, open_page, said_on_the_page
from journey_widgets.publish.period import ALL
from journey_widgets.publish.scorecard_view import ScorecardPage
from journey_widgets.publish.small_groups import people
from journey_widgets.raci.owners import with_owners


def open_overview(
    workspace: str = "", segment: str = ALL, as_of: str = ""
) -> tuple[Page, ScorecardPage]:
    """Open the executive page, with the scorecard of the same customers beside it."""
    page = open_page("Overview", workspace=workspace, segment=segment, more={"as_of": as_of})
    with said_on_the_page():
        return page, ScorecardPage(page, as_of=page.more["as_of"])


def in_short(page: Page, funnel: pd.DataFrame) -> html.Html:
    """Return the page's figures in boxes: customers, success, biggest loss, what is not settled."""
    owned = with_owners(funnel, page.workspace.raci, page.workspace.journey)
    first, last = owned.iloc[0], owned.iloc[-1]
    lost = owned.iloc[int(owned["drop_off"].fillna(0).argmax())]
    few = not lost["drop_off"] > 0
    pressing = [f for f in page.findings() if f.severity != "info" and not f.acknowledged]
    counts = count_by_severity(pressing)
    return html.tiles(
        {
            "Customers": (f"{page.index.customers():,}", page.segment_in_words()),
            f"Reach {last['label']}": (
                _rate(last["conversion"], last["n"]),
                f"{_interval(last['low'], last['high'])} of {people(first['customers'])} who reached {first['label']}",
            ),
            "Most customers are lost before": (
                "no single step" if few else str(lost["label"]),
                "too few are lost anywhere to say"
                if few
                else f"{people(lost['drop_off'])} customers; {lost['accountable']} answers for it",
            ),
            "Not settled": (
                str(counts["error"] + counts["warn"]),
                f"{sentence(pressing)} in the documents",
            ),
        }
    )


def funnel_sentence(page: Page, funnel: pd.DataFrame) -> str:
    """Return what the funnel says in one sentence."""
    last = funnel.iloc[-1]
    label = next(
        (t.label for t in page.workspace.journey.touchpoints if t.id == last["step"]), last["step"]
    )
    return (
        f"{people(last['customers'])} of {people(last['n'])} customers reach {label} "
        f"({_rate(last['conversion'], last['n'])}, 95 % interval {_interval(last['low'], last['high'])}); "
        "no time limit."
    )


def losses(page: Page, funnel: pd.DataFrame) -> html.Html:
    """Return each step with its loss, its interval and the roles behind it."""
    owned = with_owners(funnel, page.workspace.raci, page.workspace.journey)
    return html.table(
        owned,
        caption="Steps, losses and owners",
        labels={
            "label": "Step", "stage_label": "Stage", "customers": "Customers", "drop_off": "Lost before it",
            "step_conversion": "Of the step before", "step_low": "at least", "step_high": "at most",
            "median_hours": "Median time", "accountable": "Accountable", "responsible": "Responsible",
        },
        percent=["step_conversion", "step_low", "step_high"],
        hours=["median_hours"],
    )  # fmt: skip


def open_points(page: Page) -> html.Html:
    """Return the findings in the documents, in words."""
    return html.findings_list(page.findings())


def _rate(value: float, n: int) -> str:
    return f"{value:.0%}" if not pd.isna(n) and n >= MIN_N and pd.notna(value) else "too few"


def _interval(low: float, high: float) -> str:
    if pd.isna(low):
        return "too few to say"
    return f"{low:.0%} to {high:.0%}"
