"""Pickers that answer at once: the funnel of a group and a period, from cases held in memory."""

from collections.abc import Mapping
from typing import Any

import ipywidgets
import pandas as pd

from journey_widgets.definition import definition
from journey_widgets.estimates import MIN_N
from journey_widgets.journey import charts
from journey_widgets.journey.cases import funnel_cases
from journey_widgets.publish.chart_widget import Chart
from journey_widgets.publish.modes import mode
from journey_widgets.publish.page import Page, segments, with_funnel
from journey_widgets.publish.period import ALL, Period
from journey_widgets.publish.show import show, specification
from journey_widgets.publish.small_groups import people

EVERYBODY, WHENEVER = "all customers", "whenever they began"


class Explorer:
    """The funnel of the customers of a page, by group and by the month in which they began.

    Attributes
    ----------
    segment, period
        The pickers; set their ``value`` to choose.
    chart
        The picture, drawn anew at each choice.
    """

    def __init__(self, page: Page) -> None:
        self._page, self._journey = page, page.journey
        self._zone = page.workspace.settings.time_zone
        known = segments(page.log)
        steps = [s for s in page.journey.funnel if s in set(page.index.touchpoints)]
        self._cases = funnel_cases(page.index, steps, columns=list(known))
        groups = [f"{column}={value}" for column, values in known.items() for value in values]
        self.segment = ipywidgets.Dropdown(options=[EVERYBODY, *groups], description="Customers")
        self.period = ipywidgets.Dropdown(
            options=[WHENEVER, *self._cases.months()], description="Began in"
        )
        sentence, note, spec = self.answer()
        self.chart = Chart(spec, label=sentence, note=note)
        for picker in (self.segment, self.period):
            picker.observe(self._choose, names="value")
        pickers = ipywidgets.HBox([self.segment, self.period])
        self.box = ipywidgets.VBox([pickers, self.chart])

    def answer(self) -> tuple[str, str, dict[str, Any]]:
        """Return the sentence, how it was counted, and the picture for what is chosen now."""
        column, _equals, value = str(self.segment.value).partition("=")
        everybody = self.segment.value == EVERYBODY
        text = ALL if self.period.value == WHENEVER else str(self.period.value)
        since, until = Period.read(text).instants(self._zone)
        frame = self._cases.funnel(
            column=None if everybody else column, value=None if everybody else value,
            since=since, until=until,
        )  # fmt: skip
        names = {t.id: t.label for t in self._journey.touchpoints}
        # A group of nobody is as small as one of a few.
        frame = self._page.shown(frame, "customers", "drop_off")
        who = f"{self.segment.value}, {self.period.value}"
        sentence = in_words(frame, who, names, least=self._page.least)
        spec = specification(charts.funnel_chart(frame, self._journey))
        return sentence, definition(frame), spec

    def _choose(self, _change: Any) -> None:
        sentence, note, spec = self.answer()
        with self.chart.hold_sync():
            self.chart.label, self.chart.note = sentence, note
            self.chart.spec = spec


def in_words(frame: pd.DataFrame, who: str, names: Mapping[str, str], *, least: int = 1) -> str:
    """Return what a funnel says in one sentence."""
    rows = frame.to_dict("records")
    last, worst = rows[-1], rows[1 + int(frame["drop_off"].iloc[1:].fillna(0).argmax())]
    who = who[:1].upper() + who[1:]
    if pd.isna(last["n"]) or last["n"] < MIN_N:
        many = f"fewer than {least}" if pd.isna(last["n"]) else f"{int(last['n'])}"
        return f"{who}: {many} customers are too few to say a share."
    if pd.isna(last["customers"]) or pd.isna(last["n"]):
        return f"{who}: fewer than {least} of {int(last['n']):,} reach {names.get(last['step'], last['step'])}."
    return (
        f"{who}: {people(last['customers'])} of {int(last['n']):,} reach {names.get(last['step'], last['step'])} "
        f"({last['conversion']:.0%}, 95 % interval {last['low']:.0%} to {last['high']:.0%})"
        + (
            f"; most are lost before {names.get(worst['step'], worst['step'])} ({people(worst['drop_off'])})."
            if worst["drop_off"] > 0
            else "."
        )
    )


@with_funnel
def explorer(page: Page) -> Any:
    """Return the pickers of a page; in a report the funnel of its own customers."""
    if mode() == "report":
        frame = page.funnel
        sentence = in_words(frame, page.segment_in_words(), page.labels(), least=page.least)
        return show(charts.funnel_chart(frame, page.journey), sentence, note=definition(frame))
    return Explorer(page).box
