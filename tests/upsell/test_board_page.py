"""The board in a browser, as a person uses it."""

import pytest

from support.page import violations
from upsell.test_board_widget import made

pytestmark = pytest.mark.page


@pytest.fixture
def page(show):
    return show(made())


def rows(page):
    return page.locator(".jw-board .jw-frame tbody tr")


def test_the_plan_is_a_table_with_what_each_row_rests_on(page):
    assert page.get_by_role("columnheader").filter(has_text="Rests on").count() >= 1
    assert rows(page).count() == page.kernel.widget.matching
    assert "at most" in page.locator(".jw-summary").inner_text()


def test_the_budget_moves_the_plan(page):
    before = rows(page).count()

    page.get_by_label("Budget", exact=True).focus()
    page.keyboard.press("Home")
    page.get_by_text("0 contacts with 0 customers").wait_for()

    assert rows(page).count() == 0 < before
    assert f"{before} fewer" in page.locator(".jw-changed").first.inner_text()
    page.keyboard.press("End")
    page.locator(".jw-board .jw-frame tbody tr").first.wait_for()
    assert rows(page).count() >= before


def test_slots_are_moved_and_who_moves_is_listed(show):
    page = show(made(budget=1_000.0, slots={"call": 20}))
    assert page.get_by_label("Contacts at call").input_value() == "20"
    assert page.locator(".jw-moved").is_hidden()

    page.get_by_label("Contacts at call").fill("2")
    page.keyboard.press("Enter")
    page.get_by_text("Whose contacts change").click()

    page.locator(".jw-moved tbody tr").first.wait_for()
    told = page.locator(".jw-moved tbody").inner_text()
    assert "dropped" in told
    assert "added" in told


def test_a_row_says_why(page):
    page.get_by_role("button", name="Why A case").first.click()
    why = page.get_by_role("region", name="Why this one")

    why.get_by_text("planned").first.wait_for()
    assert why.get_by_role("listitem").count() == 2
    assert page.locator('tr[aria-selected="true"]').count() == 1


def test_it_is_sorted_and_filtered_by_the_keyboard(page):
    page.get_by_role("button", name="Sort by Cost").focus()
    page.keyboard.press("Enter")
    page.locator('th[aria-sort="descending"]').filter(has_text="Cost").wait_for()
    assert page.evaluate("document.activeElement.ariaLabel") == "Sort by Cost"
    page.keyboard.press("Enter")
    page.locator('th[aria-sort="ascending"]').filter(has_text="Cost").wait_for()

    page.get_by_label("Offer", exact=True).select_option("plan")
    page.wait_for_function(
        "() => ![...document.querySelectorAll('.jw-frame tbody td')].some((c) => c.textContent === 'A case')"
    )
    assert rows(page).count() == page.kernel.widget.matching


def test_keys_stay_in_the_board(page):
    page.evaluate(
        "window.heard = 0; document.body.parentElement.addEventListener('keydown', () => { window.heard += 1; })"
    )
    page.get_by_label("Budget", exact=True).focus()
    page.keyboard.press("d")

    assert page.evaluate("window.heard") == 0


def test_contacts_are_not_offered_where_they_may_not_be_taken(page, show):
    assert page.get_by_label("Take along the contacts of").count() == 0


def test_text_from_data_is_text(show):
    hostile = "<img src=x onerror=\"document.title='owned'\">"
    widget = made()
    widget._labels |= {"case": hostile, "mail": hostile, "marketing": hostile}
    widget._show()
    page = show(widget)

    page.get_by_role("button", name="Why").first.click()
    page.locator(".jw-why li").first.wait_for()

    assert page.locator("img").count() == 0
    assert page.title() != "owned"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_can_be_used_by_everybody(show, scheme):
    page = show(made(can_export=True), color_scheme=scheme)
    page.get_by_role("button", name="Why").first.click()
    page.locator(".jw-why li").first.wait_for()

    found = violations(page, ".jw-board")

    assert found == []
