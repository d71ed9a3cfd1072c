"""Scores of another tool are held against what came after each of them, and against nothing that came before."""

import numpy as np
import pandas as pd
import pytest

from journey_widgets.errors import JourneyDataError
from journey_widgets.upsell import judge_scores
from upsell.plan_data import plan, sources


def scored(*rows):
    """Scores from lines of customer, day of 2026, score and model."""
    frame = pd.DataFrame(rows, columns=["customer_id", "ts", "score", "model"])
    frame["ts"] = pd.to_datetime("2026-" + frame["ts"])
    return frame.astype({"score": "float64", "model": "str"})


def many(upgrades=60, others=240):
    """Customers scored on 1 February, the first of whom upgrade ten days later."""
    names = [f"c{i:03d}" for i in range(upgrades + others)]
    usage = "\n".join([*(f"{n} 03-11 upgraded" for n in names[:upgrades]), "zed 03-30 opened"])
    rng = np.random.default_rng(1)
    score = np.r_[rng.uniform(0.3, 0.9, upgrades), rng.uniform(0.0, 0.6, others)]
    return names, usage, score


def test_scores_count_as_they_stood_on_the_day_each_once():
    names, usage, score = many()
    rows = [(n, "02-01", s, "crm") for n, s in zip(names, score, strict=True)]
    early = [(n, "01-20", 1.0 - s, "crm") for n, s in zip(names, score, strict=True)]  # overtaken
    late = [
        (n, "03-20", 1.0 - s, "crm") for n, s in zip(names, score, strict=True)
    ]  # time not over

    (found,) = judge_scores(plan(), scored(*rows, *early, *late), sources(usage=usage))

    assert len(found.report.did) == 300
    assert found.report.did.sum() == 60
    best = np.sort(score)[::-1]
    assert found.report.auc[0] == pytest.approx(
        (score[:60, None] > score[None, 60:]).mean()
        + 0.5 * (score[:60, None] == score[None, 60:]).mean()
    )
    assert sorted(found.report.score, reverse=True) == pytest.approx(best)


def test_who_upgraded_before_the_day_is_left_out_with_every_score_he_had():
    names, usage, score = many()
    gone = "\n".join(
        f"{n} 02-20 upgraded" for n in names[:20]
    )  # after their scores, before 1 March
    rows = [(n, "02-01", s, "crm") for n, s in zip(names, score, strict=True)]

    (found,) = judge_scores(plan(), scored(*rows), sources(usage=f"{usage}\n{gone}"))

    assert found.report is None
    assert "40 of 280 customers did it; 50 or more" in found.said


def test_models_are_judged_one_by_one_and_one_that_only_ranks_is_no_chance():
    names, usage, score = many()
    rows = [(n, "02-01", s, "crm") for n, s in zip(names, score, strict=True)]
    rows += [(n, "02-01", 100 * s, None) for n, s in zip(names, score, strict=True)]
    frame = scored(*rows)
    frame.loc[300:, "model"] = None

    one, other = judge_scores(plan(), frame, sources(usage=usage))

    assert (one.model, other.model) == ("crm", "the imported score")
    assert one.report.is_chance
    assert not other.report.is_chance
    assert one.report.auc == other.report.auc


def test_what_cannot_be_judged_is_refused_in_words():
    told = sources(usage="a 02-11 upgraded")
    with pytest.raises(JourneyDataError, match="No score was made 30d or more before"):
        judge_scores(plan(), scored(("a", "03-30", 0.5, "crm")), told)
    with pytest.raises(JourneyDataError, match="1 are missing"):
        judge_scores(plan(), scored(("a", "02-01", np.nan, "crm")), told)
    with pytest.raises(JourneyDataError, match="name it under outcome"):
        judge_scores(plan(outcome=()), scored(("a", "02-01", 0.5, "crm")), told)


def test_where_the_sources_end_earlier_the_day_lies_before_their_end():
    names, usage, score = many()
    ends = usage.replace("zed 03-30", "zed 03-12")
    rows = [(n, "02-05", s, "crm") for n, s in zip(names, score, strict=True)]

    (found,) = judge_scores(plan(), scored(*rows), sources(usage=ends))

    assert (
        "11 February 2026" in found.said
    )  # thirty days before 13 March, the day after the last event
    assert found.report.did.sum() == 60


def test_only_who_is_a_customer_by_then_is_judged():
    names, usage, score = many()
    begun = "\n".join(f"{n} 01-05 full" for n in names[:200])
    rows = [(n, "02-01", s, "crm") for n, s in zip(names, score, strict=True)]

    (found,) = judge_scores(
        plan(customer_since=("full",)), scored(*rows), sources(usage=f"{usage}\n{begun}")
    )

    assert found.customers == 200
