"""The upsell plan as a document: it says what it means, keeps its text, and refuses what cannot be."""

import pytest

from journey_widgets import Saved, Workspace
from journey_widgets.errors import DocumentError
from journey_widgets.upsell import UpsellPlan
from journey_widgets.upsell.document import in_words
from upsell.plan_data import PLAN, plan


def test_the_text_of_a_plan_says_the_same_and_stays_the_same():
    made = plan()

    assert UpsellPlan.from_text(made.to_text()) == made
    assert UpsellPlan.from_text(made.to_text()).to_text() == made.to_text()


def test_a_rule_is_told_in_words():
    first, second = plan().moments

    assert first.rule() == "up to 7 days after full; opened on 2 days or more in the last 30 days"
    assert second.rule() == (
        "up to 14 days after help; page 2 times or more in the last 10 days; bought phones in the last 60 days; "
        "region is north; answered 4 or more to csat in the last 14 days, or nothing"
    )


@pytest.mark.parametrize(
    ("condition", "said"),
    [
        ("{what: history, product: case, least: 0, most: 0}", "has not bought case"),
        ("{what: behaviour, event: page, least: 1, most: 3}", "page 1 to 3 times"),
        ("{what: usage, least: 0, most: 0, within: 1d}", "no use in the last 1 day"),
        ("{what: usage, least: 2, most: 4}", "use on 2 to 4 days"),
        ("{what: satisfaction, question: csat, most: 2}", "answered 2 at most to csat"),
        ("{what: satisfaction, question: csat, least: 2, most: 3}", "answered 2 to 3 to csat"),
        ("{what: profile, column: region, values: [north, south]}", "region is north or south"),
    ],
)
def test_every_kind_of_condition_has_words(condition, said):
    text = PLAN.replace("{what: usage, event: opened, least: 2, within: 30d}", condition)

    assert UpsellPlan.from_text(text).moments[0].where[0].words() == said


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("window: 7d", "window: soon", "a number above 0 with a unit"),
        ("offer: larger", "offer: largr", "Did you mean 'larger'?"),
        ("id: helped", "id: full", "moments: the id 'full' is given twice"),
        ("id: case", "id: larger", "offers: the id 'larger' is given twice"),
        ("expected: 0.1", "expected: 0.1\n    expected_low: 0.2", "expected_low is 0.2, expected 0.1"),
        ("least: 2, within: 30d", "least: 2, most: 1", "most is 1, below least, 2"),
        ("least: 2, within: 30d", "least: 0", "it says nothing"),
        ("category: phones", "category: phones, product: x", "give one of both"),
        ("category: phones, within: 60d", "within: 60d", "give one of both"),
        ("least: 4, within: 14d", "least: 4, most: 3", "most is 3, below least, 4"),
        ("least: 4, within: 14d, silent: true", "silent: true", "needs a least or a most"),
        ("accepted_by: [upgraded]", "kpi: x", "names no product and no event"),
        ("kind: cross_sell", "kind: gift", "'upsell', 'cross_sell' or 'repeat'"),
        ("held_out: 0.2", "held_out: 1", "less than 1"),
        ("what: usage", "what: weather", "'behaviour'"),
        ("label: Helped", "label: Storage full", "two moments are labelled 'Storage full'"),
        ("bought: bought,", "bought: bought, moments: [fulll],", "Did you mean 'full'?"),
        ("budget: 10.0", "slots: {offer: -1}", "greater than or equal to 0"),
        ("budget: 10.0", "budget: -1", "greater than or equal to 0"),
        ("expected: 0.1", "expected: 7", "less than or equal to 1"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_with_what_was_needed(old, new, said):
    assert old in PLAN
    with pytest.raises(DocumentError) as error:
        UpsellPlan.from_text(PLAN.replace(old, new, 1))

    assert said in str(error.value)


def test_durations_are_told_in_days_or_hours():
    assert [in_words(v) for v in ("1d", "36h", "90min", "2w")] == [
        "1 day", "36 hours", "1.5 hours", "14 days",
    ]  # fmt: skip


def test_a_workspace_keeps_the_plan_with_history_and_merges_two_editors(tmp_path):
    space = Workspace.create(tmp_path / "space")
    assert space.upsell == UpsellPlan()
    space.save(plan(), note="first")
    mine, theirs = Workspace.open(tmp_path / "space"), Workspace.open(tmp_path / "space")
    a, b = mine.upsell, theirs.upsell

    theirs.save(b.model_copy(update={"budget": 99.0}))
    offers = (a.offers[0].model_copy(update={"margin": 25.0}), a.offers[1])
    merged = mine.save(a.model_copy(update={"offers": offers}))

    assert isinstance(merged, Saved)
    assert merged.merged
    assert merged.document.budget == 99.0
    assert merged.document.offers[0].margin == 25.0
    assert set(space.diff("upsell", 1, 3)["place"]) == {"budget", "offers › larger › margin"}
    space.export_texts()
    assert (tmp_path / "space" / "documents" / "upsell.yaml").is_file()
