"""Scores that another tool made, held against what came of them: the same report as a score of our own."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import ibis
import ibis.expr.types as ir
import pandas as pd

from journey_widgets.errors import JourneyDataError, JourneyError
from journey_widgets.events.engine import collect
from journey_widgets.events.source import table_of
from journey_widgets.upsell.days import earlier, whole_days
from journey_widgets.upsell.document import UpsellPlan, in_words
from journey_widgets.upsell.eligibility import Known, instant
from journey_widgets.upsell.score_report import ScoreReport
from journey_widgets.upsell.signals import last_moment

UNNAMED = "the imported score"


@dataclass(frozen=True)
class JudgedScore:
    """An imported score and what it was worth.

    Attributes
    ----------
    model
        What made it.
    report
        As of a score of our own; None where there is too little to judge it by.
    said
        Which scores were judged, and by what; or why they could not be.
    customers, before
        How many customers it is judged on, and how many were left out because they had upgraded before.
    """

    model: str
    report: ScoreReport | None
    said: str
    customers: int
    before: int


def judge_scores(
    plan: UpsellPlan, scores: Any, sources: Mapping[str, Any] | Known, *, within: str = "30d", as_of: str = "",
    zone: str = "UTC", seed: int = 1,
) -> list[JudgedScore]:  # fmt: skip
    """Hold imported scores against who upgraded after they were made.

    They are judged as they stood on one day, `within` before the day of the plan: of each customer and model the last
    score by then, and who upgraded from then on. Where the sources end earlier, the day lies before their end. Those
    who had upgraded by then, and who was no customer yet, are left out. (With the last score of each that is old
    enough, whoever upgraded would count with an earlier one than the others.)

    Parameters
    ----------
    plan
        The upsell plan: its outcome is what was to be foreseen.
    scores
        Source or table of the contract ``scores``.
    sources
        Kind of source → source or table, or both as `eligibility.Known` has them.
    within
        How long after a score an upgrade counts: whole days.
    as_of, zone
        As for `eligibility.eligible`: what comes on that day or later is not known.
    seed
        Of the intervals.

    Returns
    -------
    list of JudgedScore
        One a model, by name.

    Raises
    ------
    JourneyDataError
        The plan names no outcome; a score that is no number; nobody whose time is over.
    """
    if not plan.outcome:
        msg = "The plan does not say what an upgrade is: name it under outcome."
        raise JourneyDataError(msg)
    known = Known.of(plan, sources, zone)
    until = pd.Timestamp(instant(plan, known, as_of))
    whole_days(within, "within", least=1)
    happened = known.signals
    ended = last_moment(happened)
    if ended < until:  # what came later nobody has written down yet
        day_after = ended.tz_localize("UTC").tz_convert(known.zone).normalize() + pd.DateOffset(
            days=1
        )
        until = min(until, day_after.tz_convert("UTC").tz_localize(None))
    begin = earlier(until, within, known.zone)
    rows = _last_of_each(scores, begin)
    if rows.empty:
        msg = f"No score was made {within} or more before the day of the plan: nobody can say yet what they were worth."
        raise JourneyDataError(msg)
    if plan.customer_since:
        rows = rows[rows["customer_id"].isin(_customers(happened, plan.customer_since, begin))]
    first = collect(
        happened.filter(happened.event.isin(list(plan.outcome)), happened.ts < ibis.literal(until, "timestamp(6)"))
        .group_by("customer_id").agg(upgraded=lambda t: t.ts.min())
    )  # fmt: skip
    when = rows["customer_id"].map(dict(zip(first["customer_id"], first["upgraded"], strict=True)))
    rows = rows.assign(upgraded=pd.to_datetime(when))
    day = begin.tz_localize("UTC").tz_convert(known.zone)
    judged = []
    for model, own in rows.groupby("model", sort=True):
        could = own[~(own["upgraded"] < begin)]
        did = could["upgraded"].notna().to_numpy()
        said = f"Scores as they stood on {day:%-d %B %Y}, and who upgraded in the {in_words(within)} from then on"
        sizes = (len(could), len(own) - len(could))
        try:
            report = ScoreReport(could["score"].to_numpy("float64"), did, seed=seed)
            judged.append(JudgedScore(str(model), report, said, *sizes))
        except JourneyError as error:
            judged.append(JudgedScore(str(model), None, str(error), *sizes))
    return judged


def _customers(happened: ir.Table, since: Collection[str], begin: pd.Timestamp) -> set[str]:
    """Return who was a customer before an instant: only he could upgrade."""
    own = happened.filter(
        happened.event.isin(list(since)), happened.ts < ibis.literal(begin, "timestamp(6)")
    )
    return set(collect(own.select("customer_id").distinct())["customer_id"])


def _last_of_each(scores: Any, latest: pd.Timestamp) -> pd.DataFrame:
    """Return the last score of each customer and model that was made by an instant."""
    table = table_of(scores, "scores", "customer_id", "ts", "score")
    name = table.model.cast("string") if "model" in table.columns else ibis.null("string")
    rows = collect(
        table.select(
            customer_id=table.customer_id.cast("string"), ts=table.ts.cast("timestamp(6)"),
            score=table.score.cast("float64"), model=name.fill_null(UNNAMED),
        ).order_by("ts", "customer_id")
    )  # fmt: skip
    missing = int(rows["score"].isna().sum())
    if missing:
        msg = f"scores: {missing} are missing; a number for each was needed."
        raise JourneyDataError(msg)
    own = rows[rows["ts"] <= latest]
    return own.drop_duplicates(["customer_id", "model"], keep="last").reset_index(drop=True)
