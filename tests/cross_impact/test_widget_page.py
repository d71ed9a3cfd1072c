"""The sliders in a browser, as a person uses them."""

import pytest

from journey_widgets.cross_impact import CrossImpact
from journey_widgets.cross_impact.widget import CrossImpactSliders
from journey_widgets.document_widget import SaveResult
from journey_widgets.roles import RoleRegister
from support.page import violations

pytestmark = pytest.mark.page

NAMES = {"checkout": "Checkout", "delivery": "Delivery", "support": "Support"}


def panel(**more):
    return CrossImpact.from_body(
        {
            "factors": [{"id": i, "label": n} for i, n in NAMES.items()],
            "outcomes": [{"id": "csat", "label": "Satisfaction"}],
            "raters": [
                {
                    "id": "anna", "label": "Anna",
                    "cells": {
                        "checkout": {
                            "delivery": {"value": 2, "reason": "address errors", "confidence": "high"},
                            "csat": {"value": 3},
                        },
                        "delivery": {"support": {"value": -2}, "csat": {"value": 1}},
                    },
                },
                {
                    "id": "ben", "label": "Ben",
                    "cells": {"checkout": {"delivery": {"value": -1}}, "support": {"csat": {"value": 2}}},
                },
            ],
            **more,
        }
    )  # fmt: skip


def sliders(**options):
    given = options.pop("panel", None) or panel()
    return CrossImpactSliders(given, **{"rater": "Anna", "draws": 100, **options})


def cell(page, source, target):
    return page.locator(f'td[aria-label^="{source} on {target}:"]')


def settled(page):
    page.evaluate("saved")


def value(widget, source, target, rater="anna"):
    found = widget.to_document().rater(rater).cells.get(source, {}).get(target)
    return found.value if found else None


def test_keys_set_raise_lower_and_empty_a_cell(show):
    widget = sliders()
    page = show(widget)
    cell(page, "Support", "Checkout").click()
    seen = []
    for key in ("3", "-", "-", "-", "-", "+", " ", "p", "0", "Delete"):
        page.keyboard.press(key)
        settled(page)
        seen.append(value(widget, "support", "checkout"))
    assert seen == [3, 2, 1, 0, -1, 0, "?", "P", 0, None]


def test_a_cell_says_word_and_number_and_is_read_out_with_its_reason(show):
    page = show(sliders())
    label = cell(page, "Checkout", "Delivery").get_attribute("aria-label")
    assert label == "Checkout on Delivery: +2 helps. high confidence: address errors"
    assert cell(page, "Checkout", "Delivery").locator(".jw-word").inner_text() == "helps"
    assert (
        cell(page, "Support", "Delivery").get_attribute("aria-label")
        == "Support on Delivery: blank"
    )


def test_the_diagonal_cannot_be_judged(show):
    widget = sliders()
    page = show(widget)
    page.locator("td.jw-diagonal").first.click(force=True)
    page.keyboard.press("2")
    settled(page)
    assert widget.done == 0
    assert page.locator(".jw-side").is_hidden()


def test_the_slider_says_the_direction_in_a_sentence_and_moves_the_picture_before_it_is_let_go(
    show,
):
    widget = sliders()
    page = show(widget)
    cell(page, "Support", "Delivery").click()
    sentence = page.locator(".jw-sentence")
    assert (
        sentence.inner_text()
        == "If Support gets better, does Delivery get better or worse? Not judged."
    )
    before = page.locator(".jw-dot").first.get_attribute("cy")

    page.locator(".jw-slider input").evaluate(
        "(e) => { e.value = '-3'; e.dispatchEvent(new Event('input', { bubbles: true })); }"
    )
    settled(page)
    assert sentence.inner_text() == "If Support gets better, Delivery gets much worse."
    assert page.locator(".jw-dot").first.get_attribute("cy") != before
    assert value(widget, "support", "delivery") is None

    page.locator(".jw-slider input").evaluate(
        "(e) => { e.dispatchEvent(new Event('change', { bubbles: true })); }"
    )
    settled(page)
    assert value(widget, "support", "delivery") == -3
    assert widget.steps["undo"] == 1


def test_enter_goes_to_the_slider_arrows_move_it_and_enter_comes_back(show):
    widget = sliders()
    page = show(widget)
    cell(page, "Support", "Delivery").click()
    page.keyboard.press("Enter")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    settled(page)
    assert value(widget, "support", "delivery") == 2
    assert page.evaluate("document.activeElement.ariaLabel").startswith("Support on Delivery: +2")


def test_reason_and_confidence_are_kept_beside_the_judgement(show):
    widget = sliders()
    page = show(widget)
    cell(page, "Delivery", "Support").click()
    page.get_by_label("Reason").fill("fewer calls <b>when</b> it is on time")
    page.get_by_label("Reason").press("Enter")
    page.get_by_label("Confidence", exact=True).select_option("low")
    settled(page)
    found = widget.to_document().rater("anna").cells["delivery"]["support"]
    assert (found.value, found.confidence, found.reason) == (
        -2,
        "low",
        "fewer calls <b>when</b> it is on time",
    )


def test_a_changed_number_keeps_its_reason(show):
    widget = sliders()
    page = show(widget)
    cell(page, "Checkout", "Delivery").click()
    page.keyboard.press("1")
    settled(page)
    found = widget.to_document().rater("anna").cells["checkout"]["delivery"]
    assert (found.value, found.reason) == (1, "address errors")


def paste(page, text):
    page.evaluate(
        """(text) => { const data = new DataTransfer(); data.setData("text/plain", text);
          document.activeElement.dispatchEvent(
            new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true })); }""",
        text,
    )


def test_a_block_from_a_spreadsheet_is_pasted_with_its_diagonal_left_out(show):
    widget = sliders()
    page = show(widget)
    cell(page, "Checkout", "Delivery").click()
    page.keyboard.press("ArrowLeft")
    paste(page, "x\t1\t−2\n0,5\t\t?\nP\t3\t-\n")
    settled(page)
    assert widget.cells == [[None, 1, -2, 3], [0.5, None, "?", 1], ["P", 3, None, None]]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("1\t7", "“7” is no number from -3 to 3, ? or P"),
        ("1\t2\t3\t1\t1", "5 columns, and from here there is room for 1 and 3"),
        ("1\n1\n1", "3 rows and 1 column, and from here there is room for 1 and 3"),
        ("1\t1", "a judgement on the diagonal"),
    ],
)
def test_a_block_that_cannot_be_taken_is_refused_as_a_whole(show, text, words):
    widget = sliders()
    page = show(widget)
    cell(page, "Support", "Delivery").click()
    paste(page, text)
    settled(page)
    assert words in page.locator(".jw-saved").nth(1).inner_text()
    assert widget.done == 0


def test_layers_show_what_was_agreed_the_spread_and_judge_the_right_one(show):
    widget = sliders()
    page = show(widget)
    page.get_by_role("button", name="Spread").click()
    assert cell(page, "Checkout", "Delivery").inner_text().startswith("-1…+2")
    cell(page, "Checkout", "Delivery").click()
    page.keyboard.press("3")
    settled(page)
    assert widget.done == 0
    assert "choose Anna or Agreed to judge" in page.locator(".jw-saved").nth(1).inner_text()

    page.get_by_role("button", name="Agreed").click()
    cell(page, "Checkout", "Delivery").click()
    page.keyboard.press("1")
    settled(page)
    assert widget.to_document().consensus["checkout"]["delivery"].value == 1
    assert value(widget, "checkout", "delivery") == 2
    page.get_by_role("button", name="Anna").click()
    assert "Agreed: +1, helps a little." in page.locator(".jw-side").inner_text()


def test_a_blind_round_hides_others_until_it_is_closed_then_shows_the_spread_first(show):
    widget = sliders(panel=panel(blind=True))
    page = show(widget)
    assert page.get_by_role("button", name="Spread").count() == 0
    cell(page, "Checkout", "Delivery").click()
    assert "Raters:" not in page.locator(".jw-side").inner_text()
    page.locator("summary", has_text="Rating round").click()
    page.get_by_role("button", name="Hand in mine").click()
    settled(page)
    assert widget.to_document().rater("anna").handed_in
    page.get_by_role("button", name="Close the round").click()
    settled(page)
    assert page.get_by_role("button", name="Spread").get_attribute("aria-pressed") == "true"
    assert cell(page, "Checkout", "Delivery").inner_text().startswith("-1…+2")


def test_what_if_shows_each_outcome_and_becomes_an_intervention_that_needs_owner_and_kpi(show):
    roles = RoleRegister.from_body({"roles": [{"id": "pm", "label": "Product manager"}]})
    widget = sliders(roles=roles, kpis=["conversion"])
    page = show(widget)
    page.locator("summary", has_text="What if").click()
    page.get_by_label("Change of Checkout, per cent").fill("50")
    page.wait_for_function("() => model.get('changes').checkout === 0.5")
    settled(page)
    assert "▲ better" in page.locator(".jw-moved tr", has_text="Satisfaction").inner_text()

    page.get_by_role("button", name="Save as intervention").click()
    settled(page)
    plan = widget.to_document().interventions[0]
    assert (plan.changes, plan.ready) == ({"checkout": 0.5}, False)
    assert (
        "1 intervention without an owner or a KPI"
        in page.locator(".jw-impact-sliders").inner_text()
    )

    page.get_by_label(f"Owner of {plan.label}").select_option("pm")
    settled(page)
    page.get_by_label(f"KPI of {plan.label}").fill("conversion")
    page.keyboard.press("Enter")
    settled(page)
    page.get_by_label(f"Effort of {plan.label} in days").fill("12")
    page.keyboard.press("Enter")
    settled(page)
    plan = widget.to_document().interventions[0]
    assert (plan.owner, plan.kpi, plan.effort, plan.ready) == ("pm", "conversion", 12, True)
    assert page.get_by_label("ready", exact=True).count() == 1


def test_what_is_at_stake_is_written_per_touchpoint(show):
    widget = sliders()
    page = show(widget)
    page.locator("summary", has_text="What is at stake").click()
    page.get_by_label("retention at stake at Delivery").fill("4")
    page.keyboard.press("Enter")
    settled(page)
    assert widget.to_document().factors[1].retention == 4


def test_touchpoints_are_renamed_added_and_removed(show):
    widget = sliders()
    page = show(widget)
    page.locator("tbody th[data-row]", has_text="Delivery").dblclick()
    page.get_by_label("Name of Delivery").fill("Courier")
    page.keyboard.press("Enter")
    settled(page)
    page.get_by_role("button", name="Add touchpoint").click()
    page.get_by_label("Touchpoint", exact=True).fill("Returns")
    page.keyboard.press("Enter")
    settled(page)
    assert [f.label for f in widget.to_document().factors] == [
        "Checkout",
        "Courier",
        "Support",
        "Returns",
    ]
    page.locator("tbody th[data-row]", has_text="Courier").click()
    page.keyboard.press("Delete")
    settled(page)
    assert [f.id for f in widget.to_document().factors] == ["checkout", "support", "returns"]
    page.get_by_role("button", name="Undo").click()
    settled(page)
    assert value(widget, "checkout", "delivery") == 2


def test_ctrl_s_saves_and_says_so(show):
    saved = []
    widget = sliders(on_save=lambda d: saved.append(d) or SaveResult("Saved as revision 2"))
    page = show(widget)
    cell(page, "Support", "Checkout").click()
    page.keyboard.press("1")
    page.keyboard.press("Control+s")
    settled(page)
    assert saved == [widget.to_document()]
    assert page.locator(".jw-saved").first.inner_text() == "Saved as revision 2"


def test_a_lost_message_loses_no_judgement(show):
    widget = sliders()
    page = show(widget)
    cell(page, "Support", "Checkout").click()
    page.kernel.alive = False
    page.keyboard.press("1")
    settled(page)
    page.kernel.alive = True
    page.keyboard.press("ArrowRight")
    page.keyboard.press("2")
    settled(page)
    assert (value(widget, "support", "checkout"), value(widget, "support", "delivery")) == (1, 2)


def test_text_from_data_is_text(show):
    evil = "<img src=x onerror=window.hurt=1>"
    widget = sliders(panel=panel(factors=[{"id": i, "label": f"{evil}{i}"} for i in NAMES]))
    page = show(widget)
    for summary in page.locator("details summary").all():
        summary.click()
    assert page.locator("img").count() == 0
    assert page.evaluate("window.hurt") is None


def test_where_it_is_only_read_nothing_invites_to_edit(show):
    page = show(sliders(read_only=True))
    assert page.get_by_role("button", name="Undo").is_hidden()
    cell(page, "Checkout", "Delivery").click()
    assert page.locator(".jw-judging").is_hidden()
    assert "Raters: from -1 to +2, 2 raters" in page.locator(".jw-side").inner_text()
    assert cell(page, "Checkout", "Delivery").inner_text().startswith("+0.5")  # all together
    page.locator("summary", has_text="What if").click()  # trying out is allowed, keeping is not
    assert page.get_by_role("button", name="Save as intervention").count() == 0


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("read_only", [False, True])
def test_axe_finds_no_violation(show, dark, read_only):
    plans = [
        {
            "id": "i",
            "label": "One page",
            "changes": {"checkout": 0.5},
            "owner": "pm",
            "kpi": "conversion",
        }
    ]
    roles = RoleRegister.from_body({"roles": [{"id": "pm", "label": "Product manager"}]})
    page = show(sliders(panel=panel(interventions=plans), roles=roles, read_only=read_only))
    if dark:
        page.add_style_tag(
            content=":root { --jp-layout-color1: #111; --jp-layout-color2: #222; --jp-ui-font-color1: #fff; "
            "--jp-ui-font-color2: #bbb; --jp-border-color2: #666; --jp-error-color1: #ff8a80; "
            "--jp-warn-color1: #ffb74d; --jp-success-color1: #81c784; "
            "--jp-brand-color1: #64b5f6 } body { background: #111 }"
        )
    for summary in page.locator("details summary").all():
        summary.click()
    cell(page, "Checkout", "Delivery").click()
    assert violations(page, ".jw-impact-sliders") == []


def test_a_facilitator_sees_all_together_and_adds_a_rater_who_then_judges(show):
    widget = sliders(rater=None)
    page = show(widget)
    assert cell(page, "Checkout", "Delivery").inner_text().startswith("+0.5")
    page.locator("summary", has_text="Rating round").click()
    page.get_by_role("button", name="Add rater").click()
    page.get_by_label("Name of the rater").fill("Dina")
    page.keyboard.press("Enter")
    settled(page)
    settled(page)
    cell(page, "Checkout", "Delivery").click()
    page.keyboard.press("3")
    settled(page)
    assert value(widget, "checkout", "delivery", "dina") == 3
    assert value(widget, "checkout", "delivery", "anna") == 2


def test_a_reason_that_is_left_by_a_click_belongs_to_the_relation_it_was_written_for(show):
    widget = sliders()
    page = show(widget)
    cell(page, "Checkout", "Delivery").click()
    page.get_by_label("Reason").fill("returned parcels")
    cell(page, "Delivery", "Support").click()
    settled(page)
    cells = widget.to_document().rater("anna").cells
    assert cells["checkout"]["delivery"].reason == "returned parcels"
    assert cells["delivery"]["support"].reason is None
    assert page.get_by_label("Reason").input_value() == ""


def test_the_slider_judges_one_relation_though_more_are_chosen(show):
    widget = sliders()
    page = show(widget)
    cell(page, "Support", "Checkout").click()
    page.keyboard.press("Shift+ArrowRight")
    page.get_by_role("button", name="0 Nothing").click()
    settled(page)
    assert (value(widget, "support", "checkout"), value(widget, "support", "delivery")) == (None, 0)


def test_undo_works_after_a_message_was_lost(show):
    widget = sliders()
    page = show(widget)
    page.clock.install()
    cell(page, "Support", "Checkout").click()
    page.kernel.alive = False
    page.keyboard.press("1")
    settled(page)
    page.keyboard.press("Control+z")
    page.clock.run_for(7_000)
    assert "No answer yet" in page.locator(".jw-saved").last.inner_text()
    page.kernel.alive = True
    page.clock.run_for(13_000)
    settled(page)
    page.wait_for_function("() => model.get('steps').redo === 1")
    assert value(widget, "support", "checkout") is None
    assert page.locator(".jw-saved").last.inner_text() == ""


def test_keys_pressed_on_a_button_do_not_reach_the_notebook_around_it(show):
    page = show(sliders())
    page.evaluate(
        "() => { window.heard = []; document.addEventListener('keydown', (e) => window.heard.push(e.key)); }"
    )
    page.get_by_role("button", name="0 Nothing").focus()
    for key in ("b", "d", "x", "ArrowDown"):
        page.keyboard.press(key)
    assert page.evaluate("window.heard") == []
    page.keyboard.press("Control+s")  # nothing can be saved here: the notebook may
    assert "s" in page.evaluate("window.heard")


def test_saving_from_a_field_takes_along_what_is_written_there(show):
    saved = []
    widget = sliders(on_save=lambda d: saved.append(d) or SaveResult("Saved as revision 2"))
    page = show(widget)
    cell(page, "Checkout", "Delivery").click()
    page.get_by_label("Reason").fill("late couriers")
    page.keyboard.press("Control+s")
    settled(page)
    assert saved[-1].rater("anna").cells["checkout"]["delivery"].reason == "late couriers"


def test_a_day_that_is_none_is_told_and_changes_nothing(show):
    plan = {"id": "help", "label": "Help", "changes": {"checkout": 0.5}, "starts": "2026-03-02"}
    widget = sliders(panel=panel(interventions=[plan]))
    page = show(widget)
    page.locator("summary", has_text="Interventions").click()
    start = page.get_by_label("Start of Help")
    start.fill("0202-03-02")
    start.blur()
    settled(page)
    assert "a day from 1990 to 2100 was needed" in page.locator(".jw-saved").last.inner_text()
    assert start.input_value() == "2026-03-02"
    assert str(widget.to_document().interventions[0].starts) == "2026-03-02"


def test_focus_stays_at_a_control_that_was_drawn_anew(show):
    plan = {"id": "help", "label": "Help", "changes": {"checkout": 0.5}}
    roles = RoleRegister.from_body({"roles": [{"id": "pm", "label": "Product manager"}]})
    page = show(sliders(panel=panel(interventions=[plan]), roles=roles))
    page.locator("summary", has_text="Interventions").click()
    page.get_by_label("Owner of Help").focus()
    page.get_by_label("Owner of Help").select_option("pm")
    settled(page)
    assert page.evaluate("document.activeElement.ariaLabel") == "Owner of Help"


def test_a_blind_round_on_a_page_that_knows_nobody_says_so_and_takes_nothing(show):
    widget = sliders(panel=panel(blind=True), rater=None)
    page = show(widget)
    assert "A blind rating round is open" in page.locator(".jw-summary").inner_text()
    cell(page, "Support", "Checkout").click()
    page.keyboard.press("1")
    settled(page)
    assert "knows who you are" in page.locator(".jw-saved").last.inner_text()
    assert widget.to_document() == panel(blind=True)


def test_delete_on_the_name_of_an_outcome_takes_it_out(show):
    widget = sliders(panel=panel(outcomes=[{"id": i, "label": i.upper()} for i in ("csat", "nps")]))
    page = show(widget)
    page.get_by_role("columnheader", name="NPS").click()
    page.keyboard.press("Delete")
    settled(page)
    assert widget.to_document().outcome_ids() == ["csat"]
    assert page.get_by_role("columnheader", name="NPS").count() == 0


def test_pasting_over_what_all_say_together_is_refused_in_words(show):
    widget = sliders(rater=None)
    page = show(widget)
    cell(page, "Support", "Checkout").click()
    page.evaluate(
        """() => document.activeElement.dispatchEvent(new ClipboardEvent("paste", {
            clipboardData: (() => { const d = new DataTransfer(); d.setData("text/plain", "1"); return d; })(),
            bubbles: true }))"""
    )
    assert "Together is shown" in page.locator(".jw-saved").last.inner_text()
    assert "To judge, choose Anna or Agreed above." in page.locator(".jw-side").inner_text()
