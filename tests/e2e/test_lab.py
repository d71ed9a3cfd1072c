"""The notebooks in a real JupyterLab: the analyst edits, the grid keeps its keys to itself."""

import shutil

import pytest

from e2e.applications import SECONDS, TOKEN, jupyterlab, run_all
from journey_widgets import Workspace, shipped

pytestmark = pytest.mark.e2e


@pytest.fixture
def lab(example, tmp_path):
    """JupyterLab on copies of the notebooks."""
    notebooks = tmp_path / "notebooks"
    shutil.copytree(shipped.notebooks(), notebooks)
    home = tmp_path / "home"
    home.mkdir()
    with jupyterlab(notebooks, example, home) as url:
        yield url


def open_notebook(page, lab, name):
    page.goto(f"{lab}/lab/tree/{name}.ipynb?token={TOKEN}&reset")
    run_all(page)


def test_an_edit_in_lab_reaches_the_store_and_the_grid_swallows_its_keys(lab, example, new_page):
    page = new_page(viewport={"width": 1400, "height": 1000})
    open_notebook(page, lab, "raci")
    cell = page.locator('td[aria-label^="Review, Success manager:"]')
    cell.wait_for(timeout=SECONDS)
    cells = page.locator(".jp-Notebook .jp-Cell")
    before = cells.count()

    cell.scroll_into_view_if_needed()
    cell.click()
    page.keyboard.press("a")
    for key in "bbvddx":
        page.keyboard.press(key)
    page.get_by_role("button", name="Save", exact=True).first.click()
    page.get_by_text("Saved as revision 2").wait_for(timeout=SECONDS)

    assert cells.count() == before
    assert Workspace.open(example).raci.cell("review", "success_manager") == "A"


def test_a_card_moved_in_lab_reaches_the_store_and_its_keys_stay_in_the_map(lab, example, new_page):
    page = new_page(viewport={"width": 1500, "height": 1000})
    open_notebook(page, lab, "journey_map")
    card = page.locator('.jw-card:has(strong:text-is("Live chat"))')
    card.wait_for(timeout=SECONDS)
    cells = page.locator(".jp-Notebook .jp-Cell")
    before = cells.count()

    card.scroll_into_view_if_needed()
    card.focus()
    page.keyboard.press("Alt+ArrowUp")
    page.get_by_text("Live chat is now in lane Online.").wait_for(timeout=SECONDS)
    for key in "abddx":
        page.keyboard.press(key)
    page.locator(".jw-journey-map").get_by_role("button", name="Save", exact=True).click()
    page.get_by_text("Saved as revision 2").wait_for(timeout=SECONDS)

    assert cells.count() == before
    assert Workspace.open(example).journey.touchpoint("live_chat").lane == "online"


def test_letters_typed_fast_are_all_in_the_revision_that_is_saved_at_once(lab, example, new_page):
    page = new_page(viewport={"width": 1400, "height": 1000})
    open_notebook(page, lab, "raci")
    cell = page.locator('td[data-row="0"][data-col="0"]')
    cell.wait_for(timeout=SECONDS)

    cell.scroll_into_view_if_needed()
    cell.click()
    for _row in range(8):
        page.keyboard.press("i")
        page.keyboard.press("ArrowDown")
    page.get_by_role("button", name="Save", exact=True).first.click()
    page.get_by_text("Saved as revision 2").wait_for(timeout=SECONDS)

    matrix = Workspace.open(example).raci
    assert [r.cells["marketing_manager"] for r in matrix.rows[:8]] == ["I"] * 8


def test_a_slider_moved_in_lab_reaches_the_store_and_the_picture(lab, example, new_page):
    page = new_page(viewport={"width": 1500, "height": 1000})
    open_notebook(page, lab, "cross_impact")
    page.get_by_role("button", name="Ivo Riva").wait_for(timeout=SECONDS)
    page.get_by_role("button", name="Ivo Riva").click()
    cell = page.locator('td[aria-label^="Review on Payment:"]')
    cell.scroll_into_view_if_needed()
    cell.click()
    cells = page.locator(".jp-Notebook .jp-Cell")
    before = cells.count()

    page.keyboard.press("Enter")
    for _step in range(2):
        page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    for key in "bvx":
        page.keyboard.press(key)
    page.get_by_text("If Review gets better, Payment gets better.").wait_for(timeout=SECONDS)
    page.locator(".jw-impact-sliders").get_by_role("button", name="Save", exact=True).click()
    page.get_by_text("Saved as revision 2").wait_for(timeout=SECONDS)

    assert cells.count() == before
    judged = Workspace.open(example).cross_impact.rater("ivo_riva").cells["review"]["payment"]
    assert judged.value == 2
    assert page.locator(".jw-map .jw-dot").count() == 12


def test_a_target_typed_in_lab_scores_at_once_and_is_in_the_revision_that_is_saved(
    lab, example, new_page
):
    page = new_page(viewport={"width": 1500, "height": 1000})
    open_notebook(page, lab, "scorecard")
    editor = page.locator(".jw-scorecard-editor")
    cell = editor.locator('td[aria-label^="Average order value, Target:"]')
    cell.wait_for(timeout=SECONDS)
    cell.scroll_into_view_if_needed()
    before = editor.locator(".jw-summary").inner_text()

    cell.click()
    page.keyboard.type("1,000")
    page.keyboard.press("Enter")
    weight = editor.get_by_label("Financial")
    weight.fill("6")
    weight.press("Tab")
    editor.get_by_text("Not saved yet").wait_for(timeout=SECONDS)
    changed = (
        "before => document.querySelector('.jw-scorecard-editor .jw-summary').innerText !== before"
    )
    page.wait_for_function(changed, arg=before)
    editor.get_by_role("button", name="Save", exact=True).click()
    editor.get_by_text("Saved as revision 2").wait_for(timeout=SECONDS)

    saved = Workspace.open(example).scorecard
    assert saved.kpi("aov").target == 1000
    assert saved.perspectives[0].weight == 6


@pytest.mark.parametrize(
    ("name", "tables"), [("overview", 4), ("journey_map", 11), ("scorecard", 12), ("upsell", 26)]
)
def test_charts_and_tables_are_drawn_in_lab_offline(lab, new_page, name, tables):
    page = new_page(viewport={"width": 1400, "height": 1000})
    open_notebook(page, lab, name)

    page.locator(".jw-chart svg").first.wait_for(timeout=SECONDS)

    assert page.locator(".jp-OutputArea-output >> text=Traceback").count() == 0
    assert page.locator("table.jw-table").count() == tables
