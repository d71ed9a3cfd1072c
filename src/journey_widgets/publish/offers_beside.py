"""Planned beside measured, of the upsell plan's offers: on the scorecard and beside the evidence of cross-impact."""

import math
from typing import Any

import pandas as pd

from journey_widgets.errors import JourneyError
from journey_widgets.publish import html
from journey_widgets.publish.figures import Figure
from journey_widgets.publish.page import Page, records


def offers_beside(page: Page, labels: dict[str, str], *, caption: str) -> html.Html | None:
    """Return what the team expected of each offer beside what was found; None where nothing was tested.

    Parameters
    ----------
    page
        The page: a segment is about its customers alone.
    labels
        Id of a KPI → what people call it.
    caption
        Of the table.
    """
    # What upsell needs is loaded where there is a plan: other dashboards do not wait for it.
    if not page.has_log or not page.workspace.rev("upsell"):
        return None
    from journey_widgets import upsell
    from journey_widgets.publish.upsell_view import UpsellPage, points

    view = UpsellPage(page)
    try:
        measured = upsell.planned_and_measured(view.plan, view.trial, view.results)
    except JourneyError as error:
        return html.note(f"What offers brought cannot be said: {error}")
    rows: list[dict[str, Any]] = []
    for r in records(measured):
        if not r["by"] or r["smaller"] < page.least:
            continue
        planned = float(r["planned"])
        rows.append(
            {
                "Offer": r["label"], "Made at": view.named(r["touchpoint"]) if r["touchpoint"] else "–",
                "Should move": labels.get(r["kpi"], r["kpi"].replace("_", " ")) or "–",
                "Planned": Figure(f"{100 * planned:+.1f} points", planned) if math.isfinite(planned) else "–",
                "Measured": points(r["measured"], r["low"], r["high"], r["n"]), "Verdict": r["verdict"],
                "Accountable": view.owner(r["touchpoint"]) if r["touchpoint"] else "–",
            }
        )  # fmt: skip
    if not rows:
        return None
    return html.table(
        pd.DataFrame(rows), caption=caption,
        note="Planned: how much likelier a customer buys when asked, as the team judges it; measured in a trial, "
        "or by contacts that came back, against those who were left alone by chance.",
    )  # fmt: skip
