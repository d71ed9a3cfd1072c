import pandas as pd
import pytest

from journey_widgets import RaciGrid, Workspace
from journey_widgets.raci import RaciMatrix
from journey_widgets.raci.widget import SaveResult

pytestmark = pytest.mark.page


def grid_of(rows, roles, **options):
    frame = pd.DataFrame([[""] * len(roles) for _ in rows], index=rows, columns=roles)
    return RaciGrid(frame, **options)


def cell(page, name):
    return page.locator(f'td[aria-label^="{name}:"]')


def settled(page):
    page.evaluate("saved")


def test_a_typed_letter_reaches_python(show):
    grid = grid_of(["Make offer"], ["Sales", "Support"])
    page = show(grid)

    cell(page, "Make offer, Support").click()
    page.keyboard.press("c")
    settled(page)

    assert grid.to_document().cell("make_offer", "support") == "C"
    assert cell(page, "Make offer, Support").inner_text() == "C"


def test_clicking_a_chosen_cell_again_goes_through_the_letters(show):
    grid = grid_of(["Make offer"], ["Sales"])
    page = show(grid)
    seen = []

    cell(page, "Make offer, Sales").click()
    for _click in range(5):
        cell(page, "Make offer, Sales").click()
        seen.append(cell(page, "Make offer, Sales").inner_text())
    settled(page)

    assert seen == ["R", "A", "C", "I", ""]


def test_arrows_move_shift_adds_a_letter_and_delete_clears(show):
    grid = grid_of(["One", "Two"], ["Sales", "Support"])
    page = show(grid)

    cell(page, "One, Sales").click()
    page.keyboard.press("r")
    page.keyboard.press("Shift+A")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("i")
    settled(page)
    assert grid.cells == [["R/A", ""], ["", "I"]]

    page.keyboard.press("Delete")
    settled(page)
    assert grid.cells == [["R/A", ""], ["", ""]]


def test_undo_and_redo_step_through_the_edits(show):
    grid = grid_of(["One"], ["Sales", "Support"])
    page = show(grid)
    cell(page, "One, Sales").click()
    for key in ("r", "a", "ArrowRight", "c"):
        page.keyboard.press(key)

    steps = []
    for key in ("Control+z", "Control+z", "Control+y", "Control+Shift+Z", "Control+z"):
        page.keyboard.press(key)
        settled(page)
        steps.append(grid.cells[0])

    assert steps == [["A", ""], ["R", ""], ["A", ""], ["A", "C"], ["A", ""]]


def test_a_block_from_a_spreadsheet_is_pasted_from_the_chosen_cell_on(show):
    grid = grid_of(["One", "Two", "Three"], ["Sales", "Support", "Product"])
    page = show(grid)

    cell(page, "Two, Support").click()
    page.evaluate(
        """(text) => {
          const data = new DataTransfer();
          data.setData("text/plain", text);
          document.activeElement.dispatchEvent(
            new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true }));
        }""",
        'a, r\t"boss\tof all"\tlost\nn/a\tc\n',
    )
    settled(page)

    assert page.locator(".jw-saved").all_inner_texts()[1] == (
        "1 pasted cell lay outside the grid and was left out."
    )
    assert grid.cells == [["", "", ""], ["", "R/A", "boss of all"], ["", "", "C"]]


def paste(page, text, kind="text/plain"):
    page.evaluate(
        """([text, kind]) => {
          const data = new DataTransfer();
          data.setData(kind, text);
          document.activeElement.dispatchEvent(
            new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true }));
        }""",
        [text, kind],
    )


def test_a_block_goes_where_the_selection_begins_and_one_value_fills_it(show):
    grid = grid_of(["One", "Two"], ["Sales", "Support"])
    page = show(grid)

    cell(page, "One, Sales").click()
    page.keyboard.press("Shift+ArrowRight")
    page.keyboard.press("Shift+ArrowDown")
    paste(page, "R\tA\nC\tI")
    settled(page)
    assert grid.cells == [["R", "A"], ["C", "I"]]

    paste(page, "i")
    settled(page)
    assert grid.cells == [["I", "I"], ["I", "I"]]


def test_a_clipboard_without_text_changes_nothing(show):
    grid = grid_of(["One"], ["Sales"])
    page = show(grid)
    cell(page, "One, Sales").click()
    page.keyboard.press("r")

    paste(page, "<b>x</b>", "text/html")
    settled(page)

    assert grid.cells == [["R"]]


def test_a_dragged_block_is_copied_and_cut_as_a_spreadsheet_takes_it(show):
    frame = pd.DataFrame({"Sales": ["R", "C"], "Support": ["A", "I"]}, index=["One", "Two"])
    grid = RaciGrid(frame)
    page = show(grid)
    start, end = (cell(page, n).bounding_box() for n in ("One, Sales", "Two, Support"))

    page.mouse.move(start["x"] + 5, start["y"] + 5)
    page.mouse.down()
    page.mouse.move(end["x"] + 5, end["y"] + 5, steps=4)
    page.mouse.up()
    text = page.evaluate(
        """() => {
          const data = new DataTransfer();
          document.activeElement.dispatchEvent(
            new ClipboardEvent("cut", { clipboardData: data, bubbles: true, cancelable: true }));
          return data.getData("text/plain");
        }"""
    )
    settled(page)

    assert text == "R\tA\nC\tI"
    assert grid.cells == [["", ""], ["", ""]]


def test_only_a_plain_click_on_the_chosen_cell_takes_the_next_letter(show):
    grid = grid_of(["One", "Two"], ["Sales"])
    page = show(grid)

    cell(page, "One, Sales").dblclick()
    cell(page, "One, Sales").click(button="right")
    cell(page, "One, Sales").click(modifiers=["Control"])
    cell(page, "Two, Sales").click(modifiers=["Shift"])
    settled(page)

    assert grid.cells == [[""], [""]]


def test_tools_act_on_what_is_chosen_and_hand_the_focus_back(show):
    grid = grid_of(["One"], ["Sales"])
    page = show(grid)
    letter = page.get_by_role("button", name="Responsible: does the work")
    assert letter.is_disabled()

    cell(page, "One, Sales").click()
    letter.click()
    settled(page)

    assert grid.cells == [["R"]]
    assert page.evaluate("document.activeElement.dataset.row") == "0"


def test_undo_leaves_what_somebody_else_changed_since(show):
    frame = pd.DataFrame({"Sales": [""]}, index=["One"])
    grid = RaciGrid(frame)
    page = show(grid)
    cell(page, "One, Sales").click()
    page.keyboard.press("r")
    settled(page)
    grid.replace(RaciMatrix.from_frame(pd.DataFrame({"Sales": ["C"]}, index=["One"])))
    page.evaluate("(news) => take(news)", page.kernel.flush())

    page.keyboard.press("Control+z")
    settled(page)

    assert grid.cells == [["C"]]
    assert "changed since" in page.locator(".jw-saved").nth(1).inner_text()
    page.keyboard.press("r")
    settled(page)
    assert grid.cells == [["R"]]


def test_edits_that_got_no_answer_are_said_sent_again_and_kept(show):
    saved = []
    grid = grid_of(
        ["One"], ["Sales", "Support"], on_save=lambda m: saved.append(m) or SaveResult("Saved")
    )
    page = show(grid)
    page.clock.install()
    page.kernel.alive = False
    cell(page, "One, Sales").click()
    page.keyboard.press("r")
    page.get_by_role("button", name="Save").click()
    page.clock.run_for(10_000)
    notice = page.locator(".jw-saved").nth(1)
    assert notice.inner_text() == "No answer yet: what you typed last is not kept."

    page.kernel.alive = True
    cell(page, "One, Support").click()
    page.keyboard.press("a")
    settled(page)

    assert grid.cells == [["R", "A"]]
    assert [m.cell("one", "sales") for m in saved] == ["R"]
    assert notice.inner_text() == ""


def test_two_views_of_one_grid_show_the_same_and_lose_nothing(show):
    grid = grid_of(["One"], ["Sales", "Support"])
    page = show(grid)
    page.evaluate("render(document.body.appendChild(document.createElement('div')))")
    views = page.locator("table[role=grid]")

    views.nth(0).locator("td").nth(0).click()
    page.keyboard.press("r")
    views.nth(1).locator("td").nth(1).click()
    page.keyboard.press("a")
    settled(page)

    assert grid.cells == [["R", "A"]]
    assert [views.nth(i).locator("td").all_inner_texts() for i in (0, 1)] == [["R", "A"]] * 2


def test_a_cell_that_others_changed_too_is_shown_with_both_texts_and_settled_by_a_click(show):
    tries = []

    def keep(matrix):
        tries.append(matrix.cell("one", "sales"))
        if len(tries) == 1:
            return SaveResult("Settle above", matrix, (("one", "sales", "", "C", "R"),))
        return SaveResult("Saved as revision 3")

    grid = grid_of(["One"], ["Sales"], on_save=keep)
    page = show(grid)
    cell(page, "One, Sales").click()
    page.keyboard.press("r")
    page.get_by_role("button", name="Save").click()
    settled(page)
    dispute = page.get_by_label("Changed by somebody else too").locator("li")
    assert "somebody else wrote C, you wrote R (it was blank)" in dispute.inner_text()

    page.get_by_role("button", name="Take theirs for One, Sales").click()
    page.get_by_role("button", name="Save").click()
    settled(page)

    assert tries == ["R", "C"]
    assert dispute.count() == 0
    assert page.locator(".jw-saved").first.inner_text() == "Saved as revision 3"


@pytest.mark.parametrize(("rows", "roles"), [([], ["Sales"]), (["One"], [])])
def test_a_grid_without_rows_or_roles_is_shown_and_takes_no_harm(show, rows, roles):
    matrix = RaciMatrix(
        roles=[{"id": r.lower(), "label": r} for r in roles],
        rows=[{"touchpoint": t.lower(), "label": t} for t in rows],
    )
    page = show(RaciGrid(matrix, on_save=lambda _m: SaveResult("Saved")))

    page.get_by_role("button", name="Save").click()
    settled(page)

    assert page.locator(".jw-saved").first.inner_text() == "Saved"


def test_leaving_with_unsaved_edits_asks_first(show):
    grid = grid_of(["One"], ["Sales"], on_save=lambda _m: SaveResult("Saved"))
    page = show(grid)
    asks = "() => !dispatchEvent(new Event('beforeunload', { cancelable: true }))"
    assert page.evaluate(asks) is False

    cell(page, "One, Sales").click()
    page.keyboard.press("r")
    settled(page)
    assert page.evaluate(asks) is True

    page.get_by_role("button", name="Save").click()
    settled(page)
    assert page.evaluate(asks) is False


def test_findings_follow_the_edits_in_words_and_marks(show):
    grid = grid_of(["Make offer"], ["Sales", "Support"])
    page = show(grid)
    summary = page.get_by_role("status").first
    assert summary.inner_text() == "2 errors"
    words = page.locator(".jw-finding").first.text_content()
    assert words.startswith("●Error: Make offer: nobody is accountable. Who answers when")

    cell(page, "Make offer, Sales").click()
    page.keyboard.press("a")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("r")
    settled(page)

    assert summary.inner_text() == "No findings"
    assert page.locator("[data-severity=error]").count() == 0


def test_a_finding_leads_to_its_row(show):
    grid = grid_of(["One", "Two"], ["Sales"])
    page = show(grid)

    page.get_by_role("button", name="Show Two in the grid").first.click()

    assert page.evaluate("document.activeElement.getAttribute('aria-label')") == "Two, Sales: blank"


def test_the_cell_being_edited_keeps_its_focus_when_findings_arrive(show):
    grid = grid_of(["One"], ["Sales", "Support"])
    page = show(grid)

    cell(page, "One, Support").click()
    page.keyboard.press("r")
    settled(page)

    assert page.evaluate("document.activeElement.dataset.col") == "1"


def test_labels_are_shown_as_the_characters_they_are(show):
    label = "<img src=x onerror=alert(1)>"
    grid = grid_of([label], [label])
    page = show(grid)
    asked = []
    page.on("dialog", lambda dialog: asked.append(dialog.message) or dialog.dismiss())

    page.wait_for_timeout(200)

    assert asked == []
    assert page.locator("img").count() == 0
    assert page.get_by_role("rowheader", name=label).inner_text() == label
    assert page.get_by_role("columnheader", name=label).inner_text() == label


def test_it_is_a_grid_to_a_screen_reader(show):
    frame = pd.DataFrame({"Sales": ["A/R"], "Support": ["C"]}, index=["Make offer"])
    page = show(RaciGrid(frame))

    table = page.get_by_role("grid", name="RACI")
    assert table.get_attribute("aria-rowcount") == str(page.locator("tr").count()) == "2"
    assert page.locator("tr").last.get_attribute("aria-rowindex") == "2"
    assert table.get_attribute("aria-readonly") == "false"
    name = cell(page, "Make offer, Sales").get_attribute("aria-label")
    assert name.startswith("Make offer, Sales: Responsible: does the work, Accountable:")
    assert page.locator("td[tabindex='0']").count() == 1


def test_read_only_shows_no_tools_and_ignores_keys(show):
    grid = grid_of(["One"], ["Sales"], read_only=True)
    page = show(grid)

    cell(page, "One, Sales").click()
    page.keyboard.press("r")
    cell(page, "One, Sales").click()
    settled(page)

    assert grid.cells == [[""]]
    assert page.get_by_role("toolbar").count() == 0
    assert page.get_by_role("grid").get_attribute("aria-readonly") == "true"


def test_save_says_what_came_of_it(show):
    grid = grid_of(
        ["One"], ["Sales"], on_save=lambda m: SaveResult(f"Saved: {m.cell('one', 'sales')}")
    )
    page = show(grid)

    cell(page, "One, Sales").click()
    page.keyboard.press("a")
    page.get_by_role("button", name="Save").click()
    settled(page)

    assert page.locator(".jw-saved").first.inner_text() == "Saved: A"


def test_an_edit_sends_little_whatever_the_size_of_the_grid(show):
    grid = grid_of([f"Row {r}" for r in range(200)], [f"Role {c}" for c in range(80)])
    page = show(grid)

    cell(page, "Row 0, Role 0").click()
    page.keyboard.press("r")
    settled(page)

    assert grid.cells[0][0] == "R"
    assert page.evaluate("sent") < 1_000


def test_keys_do_not_reach_the_page_around_the_grid(show):
    page = show(grid_of(["One"], ["Sales"]))
    page.evaluate("window.heard = []; addEventListener('keydown', (e) => heard.push(e.key))")

    cell(page, "One, Sales").click()
    for key in "bbvddx":
        page.keyboard.press(key)
    page.keyboard.press("Control+s")

    page.keyboard.press("Control+Shift+M")

    assert page.evaluate("heard") == ["s"]


def test_leaving_the_page_lets_go_of_the_model(show):
    page = show(grid_of(["One"], ["Sales"]))
    assert page.evaluate("model.listenerCount()") > 0

    page.evaluate("view.abort()")

    assert page.evaluate("model.listenerCount()") == 0


@pytest.mark.parametrize("dark", [False, True])
def test_letters_are_readable_in_a_light_and_a_dark_theme(show, made_example, dark):
    workspace = Workspace.open(made_example, read_only=True)
    grid = RaciGrid(workspace.raci, journey=workspace.journey)
    page = show(grid)
    if dark:
        page.add_style_tag(
            content=":root { --jp-layout-color1: #111; --jp-layout-color2: #222; --jp-ui-font-color1: #fff; "
            "--jp-ui-font-color2: #bbb; --jp-border-color2: #444 } body { background: #111 }"
        )

    worst = page.evaluate(CONTRAST)

    assert worst["ratio"] >= 4.5, worst


CONTRAST = """() => {
  const canvas = Object.assign(document.createElement("canvas"), { width: 1, height: 1 });
  const pen = canvas.getContext("2d", { willReadFrequently: true });
  const paint = (below, colour) => {
    pen.fillStyle = `rgb(${below.join(" ")})`; pen.fillRect(0, 0, 1, 1);
    pen.fillStyle = colour; pen.fillRect(0, 0, 1, 1);
    return [...pen.getImageData(0, 0, 1, 1).data].slice(0, 3);
  };
  const light = (rgb) => rgb.map((v) => v / 255)
    .map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4))
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  let worst = { ratio: 99 };
  for (const node of document.querySelectorAll(".jw-raci-grid th, .jw-raci-grid td span, .jw-raci-grid li span")) {
    if (!node.textContent.trim() || node.ariaHidden) continue; // marks repeat a word beside them
    const chain = [];
    for (let n = node; n; n = n.parentElement) chain.unshift(getComputedStyle(n).backgroundColor);
    const back = chain.reduce(paint, [255, 255, 255]);
    const ink = paint(back, getComputedStyle(node).color);
    const [a, b] = [light(back), light(ink)].sort((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05);
    if (ratio < worst.ratio) worst = { ratio, text: node.textContent, className: node.className };
  }
  return worst;
}"""


def test_stages_group_the_rows(show):
    frame = pd.DataFrame(
        {"stage": ["buy", "buy", "use"], "Sales": ["A", "A", "A"]}, index=["Offer", "Pay", "Help"]
    )
    page = show(RaciGrid(RaciMatrix.from_frame(frame)))

    assert page.locator("th.jw-stage").all_inner_texts() == ["BUY", "USE"]
