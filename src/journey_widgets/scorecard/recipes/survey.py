"""KPIs counted in survey answers."""

from collections.abc import Callable

import ibis
import ibis.expr.types as ir
from ibis import _

from journey_widgets.errors import JourneyDataError
from journey_widgets.scorecard.recipes.recipe import Asked, Recipe

SUS_ITEMS = 10


def _scored(ask: Asked, least: int, most: int) -> ir.Table:
    """Return answers on one scale, of the questions named; blank ones and those off the scale are left out."""
    table = ask.table("ts", "respondent_id", "question_id", "score", "scale")
    kept = table.filter((table.scale == f"{least}-{most}") & table.score.between(least, most))
    asked = _questions(ask)
    return kept.filter(kept.question_id.isin(asked)) if asked else kept


def _questions(ask: Asked) -> list[str]:
    return [q.strip() for q in str(ask.options["question"]).split(",") if q.strip()]


def _answers(least: int, most: int) -> Callable[[Asked], ir.Table]:
    def rows(ask: Asked) -> ir.Table:
        kept = _scored(ask, least, most)
        score = kept.score
        return kept.select(
            "ts", *ask.by, unit=kept.respondent_id, scores=score.cast("float64"), answers=ibis.literal(1),
            n=ibis.literal(1), reviews=ibis.literal(1), top2=(score >= most - 1).cast("int32"),
            positive=(score >= most - 1).cast("int32"), favourable=(score >= most - 1).cast("int32"),
            easy=(score >= most - 2).cast("int32"), promoters=(score >= most - 1).cast("int32"),
            detractors=(score <= least + 6).cast("int32"),
        )  # fmt: skip

    return rows


def _sus(ask: Asked) -> ir.Table:
    """Return one row a respondent and period with all ten items: 2.5 x what they contribute, repeats averaged."""
    kept = _scored(ask, 1, 5)
    items = [f"{ask.options['items']}{i}" for i in range(1, SUS_ITEMS + 1)]
    odd = kept.question_id.isin(items[::2])
    given = kept.filter(kept.question_id.isin(items)).mutate(
        contributes=odd.ifelse(kept.score - 1, 5 - kept.score)
    )
    each = given.mutate(period=ask.number(given.ts))
    items_ = each.group_by("respondent_id", "period", "question_id", *ask.by).agg(
        ts=_.ts.min(), contributes=_.contributes.mean()
    )
    whole = items_.group_by("respondent_id", "period", *ask.by).agg(
        ts=_.ts.min(), answered=_.count(), total=_.contributes.sum()
    )
    whole = whole.filter(whole.answered == SUS_ITEMS)
    return whole.select(
        "ts",
        "period",
        *ask.by,
        unit=whole.respondent_id,
        scores=2.5 * whole.total,
        answers=ibis.literal(1),
    )


def _responses(ask: Asked) -> ir.Table:
    """Return answers with a score, and invitations, each in its own period."""
    if ask.named:
        strange = [c for c in ask.named if c != "channel"]
        if strange:
            msg = f"response_rate cannot be split by {strange[0]}: invitations do not say it."
            raise JourneyDataError(msg)
    table = ask.table("ts", "respondent_id", "question_id", "score")
    sent = ask.table("question_id", "ts", source="invitations")
    asked = _questions(ask)
    if asked:
        table, sent = (t.filter(t.question_id.isin(asked)) for t in (table, sent))
    given = table.filter(table.score.notnull())
    many = sent.invited.cast("int64") if "invited" in sent.columns else ibis.literal(1)
    zero = ibis.literal(0, "int64")
    return given.select("ts", *ask.by, answers=ibis.literal(1, "int64"), delivered=zero).union(
        sent.select("ts", *ask.by, answers=zero, delivered=many)
    )


QUESTION = {"question": ""}
SAID = "Answers on the scale {}{}, blank ones and those off it left out."
OF = " to the option question (blank: to any)"


def _recipe(scale: tuple[int, int], figures: tuple[str, ...], base: str, **more: object) -> Recipe:
    said = SAID.format(f"{scale[0]}-{scale[1]}", OF)
    return Recipe("answers", _answers(*scale), figures, base, said, options=QUESTION, **more)  # type: ignore[arg-type]


RECIPES: dict[str, Recipe] = {
    "csat_t2b": _recipe((1, 5), ("top2", "answers"), "answers", repeats=True),
    "csat_mean": _recipe((1, 5), ("answers",), "answers", cases="scores", ends=(1, 5)),
    "nps": _recipe((0, 10), ("promoters", "detractors", "n"), "n"),
    "ces": _recipe((1, 7), ("easy", "answers"), "answers", repeats=True),
    "review_rating": _recipe((1, 5), ("reviews",), "reviews", cases="scores", ends=(1, 5)),
    "positive_review_share": _recipe((1, 5), ("positive", "reviews"), "reviews", repeats=True),
    "enps": _recipe((0, 10), ("promoters", "detractors", "n"), "n"),
    "employee_feedback_index": _recipe((1, 5), ("favourable", "answers"), "answers", repeats=True),
    "sus": Recipe(
        "answers", _sus, ("answers",), "answers",
        "Respondents with all ten items on the scale 1-5 in the period, an item answered again averaged; the option "
        "items is what their ids begin with.",
        options={"question": "", "items": "sus_"}, cases="scores", ends=(0, 100),
    ),
    "response_rate": Recipe(
        "answers", _responses, ("answers", "delivered"), "delivered",
        "Answers with a score, of the invitations in the same period.", also=("invitations",), options=QUESTION,
    ),
}  # fmt: skip
