"""The scorecard editor in a browser, as a person uses it."""

import pandas as pd
import pytest

from journey_widgets.scorecard.document import Arrow, Kpi, Objective, Scorecard
from journey_widgets.scorecard.widget import ScorecardEditor
from support.page import violations

pytestmark = pytest.mark.page

CARD = Scorecard(
    label="Shop",
    objectives=(
        Objective(id="please", label="Please", perspective="customer", kpis=(
            Kpi(id="csat", measure="csat_t2b", label="Satisfied", baseline=0.6, target=0.9),
            Kpi(id="nps", baseline=0, target=40),
        )),
        Objective(id="earn", label="Earn", perspective="financial", kpis=(
            Kpi(id="aov", label="Order value", baseline=40, target=60),
        )),
    ),
    arrows=(Arrow(source="csat", target="aov", lag=1),),
)  # fmt: skip
LEVELS = {"csat": 0.84, "nps": 12.0, "aov": 52.0}


def measure(card):
    months = pd.date_range("2026-01-01", periods=3, freq="MS")
    frames = [
        pd.DataFrame(
            {
                "kpi": k.id, "period": months, "value": v, "n": 100, "low": v * 0.99, "high": v * 1.01, "state": "",
                "open": False, "method": "wilson", "definition": "d", "counted": "c",
            }
        )
        for k in card.kpis() for v in [LEVELS.get(k.id, 0.5)]
    ]  # fmt: skip
    return (
        pd.concat(frames, ignore_index=True) if frames else pd.DataFrame({"kpi": [], "period": []})
    )


def editor(card=CARD, **more):
    series = measure(card) if any(True for _k in card.kpis()) else None
    return ScorecardEditor(
        card,
        series=series,
        measure=measure,
        stages={"buy": "Buy"},
        roles={"cfo": "Finance"},
        **more,
    )


def cell(page, kpi, column):
    return page.locator(f'td[aria-label^="{kpi}, {column}:"]')


def settled(page):
    page.evaluate("saved")


def test_a_target_typed_over_moves_the_score_at_once(show):
    widget = editor()
    page = show(widget)
    cell(page, "Satisfied", "Target").click()
    page.keyboard.type("80%")
    page.keyboard.press("Enter")
    settled(page)
    assert widget.to_document().kpi("csat").target == 0.8
    assert page.get_by_role("row", name="Satisfied").get_by_text("● on target").is_visible()


def test_a_kpi_is_added_by_its_name_measured_and_ready_for_its_target(show):
    widget = editor()
    page = show(widget)
    cell(page, "Order value", "Weight").click()
    page.get_by_role("button", name="Add KPI").click()
    page.get_by_label("What is measured").fill("Repeat purchase rate")
    assert page.get_by_label("Objective of the new KPI").input_value() == "earn"
    page.get_by_role("button", name="Add", exact=True).click()
    settled(page)
    assert [k.id for k in widget.to_document().objectives[1].kpis] == ["aov", "repeat_purchase"]
    row = page.get_by_role("row", name="Repeat purchase rate")
    assert row.get_by_text("50.0%").is_visible()
    page.keyboard.type("0.3")  # the baseline has the focus
    page.keyboard.press("Tab")
    page.keyboard.type("0.6")
    page.keyboard.press("Enter")
    settled(page)
    assert widget.to_document().kpi("repeat_purchase").scoring == "linear"
    assert row.get_by_text("0.67").is_visible()


def test_what_is_not_known_is_refused_in_words_and_nothing_changes(show):
    widget = editor()
    page = show(widget)
    cell(page, "Satisfied", "Weight").click()
    page.get_by_role("button", name="Add KPI").click()
    page.get_by_label("What is measured").fill("Repeat purchase rat")
    page.keyboard.press("Enter")
    settled(page)
    assert "Did you mean 'Repeat purchase rate'" in page.locator(".jw-saved").first.inner_text()
    assert widget.to_document() == CARD
    assert page.get_by_label("What is measured").input_value() == "Repeat purchase rat"
    page.get_by_label("What is measured").fill("Repeat purchase rate")
    page.keyboard.press("Enter")
    settled(page)
    assert [k.id for k in widget.to_document().objectives[0].kpis] == [
        "csat",
        "nps",
        "repeat_purchase",
    ]
    assert page.get_by_label("What is measured").count() == 0


def test_a_weight_that_is_being_typed_survives_the_answer_to_another(show):
    widget = editor()
    page = show(widget)
    first = page.get_by_label("Customer", exact=False).first
    first.fill("3")
    first.press("Tab")
    page.keyboard.press("Control+a")
    page.keyboard.type("0.")  # the answer to the first one comes while this is typed
    settled(page)
    page.keyboard.type("5")
    page.keyboard.press("Enter")
    settled(page)
    weights = [p.weight for p in widget.to_document().perspectives]
    assert sorted(weights)[0] == 0.5
    assert sorted(weights)[-1] == 3


def test_a_kpi_is_renamed_and_removed_and_comes_back(show):
    widget = editor()
    page = show(widget)
    page.get_by_role("rowheader", name="Satisfied").click()
    page.keyboard.press("F2")
    page.keyboard.type("Happy")
    page.keyboard.press("Enter")
    settled(page)
    assert widget.to_document().kpi("csat").label == "Happy"
    page.get_by_role("rowheader", name="Happy").click()
    page.get_by_role("button", name="Remove KPI").click()
    settled(page)
    assert [k.id for k in widget.to_document().kpis()] == ["nps", "aov"]
    assert widget.to_document().arrows == ()
    page.get_by_role("button", name="Undo").click()
    settled(page)
    assert widget.to_document().kpi("csat").label == "Happy"
    assert widget.to_document().arrows == CARD.arrows


def test_objectives_are_added_and_changed_in_their_table(show):
    widget = editor()
    page = show(widget)
    page.get_by_text("What shall be reached, from which perspective").click()
    page.get_by_label("New objective", exact=True).fill("Learn <b>fast</b>")
    page.get_by_label("Perspective of the new objective").select_option("learning_growth")
    page.get_by_label("Stage of the new objective").select_option("buy")
    page.get_by_role("button", name="Add objective").click()
    settled(page)
    new = widget.to_document().objectives[-1]
    assert (new.label, new.perspective, new.stage) == (
        "Learn <b>fast</b>",
        "learning_growth",
        "buy",
    )
    assert page.get_by_label("New objective", exact=True).input_value() == ""
    page.get_by_label("Owner of Earn").select_option("cfo")
    page.get_by_label("Name of Earn").fill("Earn more")
    page.keyboard.press("Enter")
    settled(page)
    assert (widget.to_document().objectives[1].owner, widget.to_document().objectives[1].label) == (
        "cfo",
        "Earn more",
    )
    page.get_by_role("button", name="Remove Learn").click()
    settled(page)
    assert len(widget.to_document().objectives) == 2


def test_arrows_are_drawn_changed_and_taken_away(show):
    widget = editor()
    page = show(widget)
    page.get_by_text("The arrows of the strategy map").click()
    page.get_by_label("What moves", exact=True).select_option("nps")
    page.get_by_label("What is moved").select_option("earn")
    page.get_by_label("Which way", exact=True).select_option("-")
    page.get_by_label("After how many months").fill("2")
    page.get_by_role("button", name="Add arrow").click()
    settled(page)
    assert widget.to_document().arrows[-1] == Arrow(source="nps", target="earn", sign="-", lag=2)
    lag = page.get_by_label("Months from Satisfied to Order value")
    lag.fill("4")
    lag.press("Enter")
    settled(page)
    assert widget.to_document().arrows[0].lag == 4
    page.get_by_role("button", name="Remove Satisfied to Order value").click()
    settled(page)
    assert len(widget.to_document().arrows) == 1


def test_an_empty_scorecard_leads_to_its_first_objective(show):
    widget = editor(Scorecard())
    page = show(widget)
    assert page.get_by_role("button", name="Add KPI").is_disabled()
    assert not page.get_by_role("grid").is_visible()
    page.get_by_label("New objective", exact=True).fill("Please")
    page.get_by_role("button", name="Add objective").click()
    settled(page)
    page.get_by_role("button", name="Add KPI").click()
    page.get_by_label("What is measured").fill("nps")
    page.keyboard.press("Enter")
    settled(page)
    assert [k.id for k in widget.to_document().kpis()] == ["nps"]
    assert page.get_by_role("grid").is_visible()


def test_a_reader_sees_all_of_it_and_can_change_nothing(show):
    page = show(editor(read_only=True))
    page.get_by_text("What shall be reached, from which perspective").click()
    page.get_by_text("The arrows of the strategy map").click()
    assert page.get_by_role("cell", name="the same way").is_visible()
    assert (
        page.locator("input:visible, select:visible").count()
        == page.locator("input:disabled:visible, select:disabled:visible").count()
    )
    assert page.get_by_role("button", name="Add KPI").is_hidden()
    cell(page, "Satisfied", "Target").click()
    page.keyboard.type("5")
    assert page.locator("td input").count() == 0


@pytest.mark.parametrize("read_only", [False, True])
def test_axe_finds_no_violation(show, read_only):
    page = show(editor(read_only=read_only))
    for words in (
        "What shall be reached, from which perspective",
        "The arrows of the strategy map",
    ):
        page.get_by_text(words).click()
    assert violations(page, ".jw-scorecard-editor") == []
