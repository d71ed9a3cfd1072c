from datetime import date

import pandas as pd
import pytest

from journey_widgets import RaciGrid, Workspace
from journey_widgets.document_widget import SaveResult
from journey_widgets.raci import RaciMatrix, RaciPolicy, check
from journey_widgets.roles import RoleRegister
from support.page import violations

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
    settled(page)

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
    paste(page, 'a, r\t"boss\tof all"\r\nn/a\tc\r\n')
    settled(page)

    assert grid.cells == [["", "", ""], ["", "R/A", "boss of all"], ["", "", "C"]]


def test_a_block_that_does_not_fit_is_refused_with_words_and_nothing_is_pasted(show):
    grid = grid_of(["One", "Two", "Three"], ["Sales", "Support", "Product"])
    page = show(grid)

    cell(page, "Two, Support").click()
    paste(page, "A\tR\tI\nC\tI\tR")
    settled(page)

    assert notice(page).inner_text() == (
        "Nothing was pasted: the block has 2 rows and 3 columns, and from here there is room for 2 and 2."
    )
    assert grid.cells == [[""] * 3] * 3
    assert grid.done == 0


def notice(page):
    return page.locator(".jw-saved").nth(1)


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

    cell(page, "One, Sales").click()
    cell(page, "One, Sales").click(button="right")
    page.keyboard.press("Escape")
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
    assert "changed since" in page.locator(".jw-saved").first.inner_text()
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
    assert notice.inner_text() == "No answer yet: what you did last is not kept."

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
    shown = [views.nth(i).locator("tbody td").all_inner_texts() for i in (0, 1)]
    assert shown == [["R", "A"]] * 2


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
    assert summary.inner_text() == "2 errors, 2 warnings"
    words = page.locator(".jw-finding").first.text_content()
    assert words.startswith("●Error: Make offer: nobody is accountable. Who answers when")

    cell(page, "Make offer, Sales").click()
    page.keyboard.press("a")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("r")
    settled(page)

    assert summary.inner_text() == "No open findings"
    assert page.locator("[data-severity=error]").count() == 0


def test_all_findings_are_counted_where_only_the_first_are_listed(show):
    names = [f"Row {i}" for i in range(450)]
    grid = grid_of(names, ["Sales"])
    page = show(grid)
    errors = sum(f.severity == "error" for f in check(grid.to_document()))

    assert errors > 450
    assert page.get_by_role("status").first.inner_text().startswith(f"{errors} errors")
    assert f"{errors} errors" in page.locator("[data-severity=error]").first.inner_text()
    assert "more findings: settle these first" in page.locator(".jw-findings li").last.inner_text()


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


def test_a_label_that_turns_text_round_turns_nothing_but_itself(show):
    grid = grid_of(["\u202eoffer"], ["Sales"])
    page = show(grid)
    finding = page.locator(".jw-findings li").filter(has_text="offer").first.inner_text()
    assert finding.count("\u202e") == finding.count("\u202c") > 0


@pytest.mark.parametrize("label", ["<img src=x onerror=alert(1)>", "=1+1", "{{ 7*7 }}", "`a`"])
def test_labels_are_shown_as_the_characters_they_are(show, label):
    grid = grid_of([label], [label])
    page = show(grid)
    asked = []
    page.on("dialog", lambda dialog: asked.append(dialog.message) or dialog.dismiss())

    page.wait_for_timeout(200)

    assert asked == []
    assert page.locator("img").count() == 0
    assert page.locator("tbody th .jw-name").inner_text() == label
    assert page.locator("thead th .jw-name").inner_text() == label


def test_it_is_a_grid_to_a_screen_reader(show):
    frame = pd.DataFrame({"Sales": ["A/R"], "Support": ["C"]}, index=["Make offer"])
    page = show(RaciGrid(frame))

    table = page.get_by_role("grid", name="RACI")
    assert table.get_attribute("aria-rowcount") == str(page.locator("tr").count()) == "6"
    assert page.locator("tr").last.get_attribute("aria-rowindex") == "6"
    assert table.get_attribute("aria-readonly") == "false"
    name = cell(page, "Make offer, Sales").get_attribute("aria-label")
    assert name.startswith("Make offer, Sales: R A, Responsible: does the work, Accountable:")
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

    stages = page.locator("th.jw-stage .jw-stage-words > span:first-of-type")
    assert stages.all_text_contents() == ["buy", "use"]
    answers = page.locator(".jw-answers")
    assert answers.all_inner_texts() == ["answers: Sales (2 of 2)", "answers: Sales (1 of 1)"]


# --- keys ------------------------------------------------------------------------------------------------


def here(page):
    return page.evaluate(
        "[document.activeElement.dataset.row, document.activeElement.dataset.col].map(Number)"
    )


def full(rows=30, roles=6, **options):
    frame = pd.DataFrame(
        "", index=[f"Row {i}" for i in range(rows)], columns=[f"Role {i}" for i in range(roles)]
    )
    return RaciGrid(frame, **options)


def test_home_end_page_keys_and_tab_move(show):
    page = show(full())
    cell(page, "Row 0, Role 0").click()
    seen = []
    for key in (
        "End",
        "PageDown",
        "Home",
        "Control+End",
        "Control+Home",
        "Tab",
        "Shift+Tab",
        "PageDown",
        "PageUp",
    ):
        page.keyboard.press(key)
        seen.append(here(page))
    assert seen == [[0, 5], [10, 5], [10, 0], [29, 5], [0, 0], [0, 1], [0, 0], [10, 0], [0, 0]]


def test_tab_leaves_the_grid_at_the_end_of_a_row(show):
    page = show(full(rows=1, roles=2))
    cell(page, "Row 0, Role 1").click()
    page.keyboard.press("Tab")
    assert (
        page.evaluate("document.querySelector('table').contains(document.activeElement)") is False
    )


def test_enter_edits_a_cell_escape_takes_it_back_and_enter_keeps_it(show):
    grid = grid_of(["One", "Two"], ["Sales", "Support"])
    page = show(grid)
    cell(page, "One, Sales").click()
    page.keyboard.press("Enter")
    page.keyboard.type("boss")
    page.keyboard.press("Escape")
    assert cell(page, "One, Sales").inner_text() == ""
    page.keyboard.press("Enter")
    page.keyboard.type("a, r")
    page.keyboard.press("Enter")
    settled(page)
    assert grid.cells == [["R/A", ""], ["", ""]]
    assert here(page) == [1, 0]
    page.keyboard.press("F2")
    page.keyboard.type("i")
    page.keyboard.press("Tab")
    settled(page)
    assert grid.cells[1] == ["I", ""]
    assert here(page) == [1, 1]


def test_a_letter_fills_a_block_chosen_by_keys(show):
    grid = full(rows=3, roles=3)
    page = show(grid)
    cell(page, "Row 0, Role 0").click()
    for key in ("Shift+ArrowRight", "Shift+ArrowDown", "c"):
        page.keyboard.press(key)
    settled(page)
    assert grid.cells == [["C", "C", ""], ["C", "C", ""], ["", "", ""]]
    page.keyboard.press("Control+a")
    page.keyboard.press("Delete")
    settled(page)
    assert grid.cells == [[""] * 3] * 3
    page.keyboard.press("Control+z")
    settled(page)
    assert grid.cells[0] == ["C", "C", ""]


def test_names_are_reached_by_arrows_and_renamed_in_place(show):
    grid = grid_of(["One", "Two"], ["Sales", "Support"])
    page = show(grid)
    cell(page, "One, Sales").click()
    page.keyboard.press("ArrowLeft")
    assert here(page) == [0, -1]
    page.keyboard.press("F2")
    page.keyboard.type("First <b>row</b>")
    page.keyboard.press("Enter")
    settled(page)
    assert grid.rows[0]["label"] == "First <b>row</b>"
    assert here(page) == [0, -1]
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowUp")
    assert here(page) == [-1, 0]
    page.keyboard.press("Enter")
    page.keyboard.type("Shop")
    page.keyboard.press("Enter")
    settled(page)
    assert grid.roles[0]["label"] == "Shop"
    assert [r["id"] for r in grid.roles] == ["sales", "support"]
    for _ in range(2):
        page.keyboard.press("Control+z")
    settled(page)
    assert (grid.rows[0]["label"], grid.roles[0]["label"]) == ("One", "Sales")


def test_rows_and_roles_move_by_alt_and_arrows(show):
    frame = pd.DataFrame(
        {"stage": ["buy", "buy", "use"], "Sales": ["A", "R", "I"], "Boss": ["", "C", ""]},
        index=["One", "Two", "Three"],
    )
    grid = RaciGrid(RaciMatrix.from_frame(frame))
    page = show(grid)
    cell(page, "One, Sales").click()
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Alt+ArrowDown")
    settled(page)
    assert [r["id"] for r in grid.rows] == ["two", "one", "three"]
    assert here(page) == [1, -1]
    page.keyboard.press("Alt+ArrowDown")
    settled(page)
    assert [(r["id"], r["stage"]) for r in grid.rows] == [
        ("two", "buy"),
        ("one", "use"),
        ("three", "use"),
    ]
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowUp")
    assert here(page) == [-1, 0]
    page.keyboard.press("Alt+ArrowRight")
    settled(page)
    assert [r["id"] for r in grid.roles] == ["boss", "sales"]
    assert grid.cells == [["C", "R"], ["", "A"], ["", "I"]]


def test_delete_on_a_name_removes_the_row_and_undo_brings_it_back(show):
    frame = pd.DataFrame({"Sales": ["A", "R"]}, index=["One", "Two"])
    grid = RaciGrid(frame)
    page = show(grid)
    cell(page, "One, Sales").click()
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Delete")
    settled(page)
    assert [r["id"] for r in grid.rows] == ["two"]
    assert here(page) == [0, -1]
    page.keyboard.press("Control+z")
    settled(page)
    assert grid.cells == [["A"], ["R"]]


def test_added_rows_and_roles_are_named_at_once(show):
    grid = grid_of(["One", "Two"], ["Sales"])
    page = show(grid)
    cell(page, "One, Sales").click()
    page.get_by_role("button", name="Add row").click()
    page.keyboard.type("Call back")
    page.keyboard.press("Enter")
    settled(page)
    assert [r["label"] for r in grid.rows] == ["One", "Call back", "Two"]
    page.get_by_role("button", name="Add role").click()
    page.keyboard.type("Boss")
    page.keyboard.press("Enter")
    settled(page)
    assert [r["label"] for r in grid.roles] == ["Sales", "Boss"]
    assert here(page) == [-1, 1]


def test_an_empty_matrix_is_filled_from_nothing(show):
    grid = RaciGrid(RaciMatrix())
    page = show(grid)
    for what, label in (("Add row", "Offer"), ("Add role", "Sales")):
        page.get_by_role("button", name=what).click()
        page.keyboard.type(label)
        page.keyboard.press("Enter")
        settled(page)
    cell(page, "Offer, Sales").click()
    page.keyboard.press("a")
    settled(page)
    assert grid.cells == [["A"]]


# --- mouse and touch -----------------------------------------------------------------------------------------


def middle(locator, dy=0.5, dx=0.5):
    box = locator.bounding_box()
    return box["x"] + box["width"] * dx, box["y"] + box["height"] * dy


def drag(page, start, end):
    page.mouse.move(*start)
    page.mouse.down()
    page.mouse.move((start[0] + end[0]) / 2, (start[1] + end[1]) / 2 + 8, steps=3)
    page.mouse.move(*end, steps=4)
    page.mouse.up()
    settled(page)


def staged():
    frame = pd.DataFrame(
        {"stage": ["buy", "buy", "use"], "Sales": ["A", "R", "I"], "Boss": ["", "C", "R"]},
        index=["One", "Two", "Three"],
    )
    return RaciGrid(RaciMatrix.from_frame(frame))


def test_a_row_is_dragged_to_another_place_and_into_another_stage(show):
    grid = staged()
    page = show(grid)
    heads = page.locator("tbody th[data-row]")
    drag(page, middle(heads.nth(1)), middle(heads.nth(0), dy=0.2))
    assert [r["id"] for r in grid.rows] == ["two", "one", "three"]
    drag(page, middle(heads.nth(0)), middle(heads.nth(2), dy=0.8))
    assert [(r["id"], r["stage"]) for r in grid.rows] == [
        ("one", "buy"),
        ("three", "use"),
        ("two", "use"),
    ]
    drag(page, middle(heads.nth(1)), middle(page.locator("th.jw-stage").first))
    assert (grid.rows[0]["id"], grid.rows[0]["stage"]) == ("three", "buy")
    assert grid.to_document().cell("two", "boss") == "C"


def test_a_role_is_dragged_to_another_place(show):
    grid = staged()
    page = show(grid)
    heads = page.locator("thead th[data-col]")
    drag(page, middle(heads.nth(0)), middle(heads.nth(1), dx=0.9))
    assert [r["id"] for r in grid.roles] == ["boss", "sales"]
    assert grid.cells[1] == ["C", "R"]


def test_a_drag_taken_back_by_escape_changes_nothing(show):
    grid = staged()
    page = show(grid)
    heads = page.locator("tbody th[data-row]")
    page.mouse.move(*middle(heads.nth(0)))
    page.mouse.down()
    page.mouse.move(*middle(heads.nth(2)), steps=5)
    page.keyboard.press("Escape")
    page.mouse.up()
    settled(page)
    assert [r["id"] for r in grid.rows] == ["one", "two", "three"]
    assert page.locator("[data-drop]").count() == 0


def test_the_menu_opens_by_right_click_and_by_keys_and_acts_on_the_selection(show):
    grid = full(rows=2, roles=2)
    page = show(grid)
    cell(page, "Row 0, Role 0").click()
    page.keyboard.press("Shift+ArrowRight")
    cell(page, "Row 0, Role 1").click(button="right")
    page.get_by_role("menuitem", name="C: Consulted").click()
    settled(page)
    assert grid.cells[0] == ["C", "C"]
    assert page.get_by_role("menu").count() == 0
    cell(page, "Row 1, Role 0").click()
    page.keyboard.press("Shift+F10")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    settled(page)
    assert grid.cells[1] == ["A", ""]
    assert here(page) == [1, 0]
    page.keyboard.press("Shift+F10")
    page.keyboard.press("Escape")
    assert page.get_by_role("menu").count() == 0
    assert here(page) == [1, 0]


def test_the_menu_of_a_row_flags_moves_and_deletes_it(show, made_example):
    space = Workspace.open(made_example, read_only=True)
    grid = RaciGrid(space.raci, journey=space.journey)
    page = show(grid)

    def choose(entry):
        page.locator("tbody th[data-row='0']").click(button="right")
        page.get_by_role("menuitem", name=entry).click()
        settled(page)

    choose("Upsell moment")
    assert grid.rows[0]["upsell"] is True
    assert page.locator(".jw-flag").first.inner_text() == "upsell"
    choose("Needs two pairs of eyes")
    assert "ROW-09" in [f["code"] for f in grid.findings if f["severity"] == "warn"]
    choose("Move to Advocacy")
    assert grid.rows[-1]["id"] == "social_ad"
    assert grid.rows[-1]["stage"] == "advocacy"
    choose("Delete this row")
    assert "blog_article" not in [r["id"] for r in grid.rows]


def test_a_tap_chooses_a_second_takes_the_next_letter_and_a_long_press_opens_the_menu(
    show, new_page
):
    grid = grid_of(["One"], ["Sales", "Support"])
    page = show(grid)
    touch = """([x, y, held]) => new Promise((done) => {
      const at = document.elementFromPoint(x, y);
      const options = { bubbles: true, cancelable: true, pointerType: "touch", pointerId: 7,
        clientX: x, clientY: y,
        isPrimary: true };
      at.dispatchEvent(new PointerEvent("pointerdown", options));
      setTimeout(() => { window.dispatchEvent(new PointerEvent("pointerup", options)); done(); }, held);
    })"""
    x, y = middle(cell(page, "One, Sales"))
    page.evaluate(touch, [x, y, 20])
    settled(page)
    assert grid.cells == [["", ""]]
    page.evaluate(touch, [x, y, 20])
    settled(page)
    assert grid.cells == [["R", ""]]
    page.evaluate(touch, [x, y, 700])
    assert page.get_by_role("menu").count() == 1


# --- what is seen at a glance ----------------------------------------------------------------------------------


def test_badges_tell_by_shape_and_word_what_is_wrong_with_a_row_and_a_role(show):
    frame = pd.DataFrame(
        {"Sales": ["R", "R", "R", "R", "R/A"], "Boss": ["", "A", "A", "A", ""], "Idle": [""] * 5},
        index=list("abcde"),
    )
    page = show(RaciGrid(frame))
    badge = page.locator("tbody th[data-row='0'] .jw-badge")
    assert badge.inner_text() == "●"
    assert badge.get_attribute("aria-label") == "Error: a: nobody is accountable."
    idle = page.locator("thead th[data-col='2'] .jw-badge")
    assert idle.inner_text() == "▲"
    assert idle.get_attribute("title") == "Warning: Idle has no letter at all."


def test_the_foot_counts_letters_and_weighs_the_load(show):
    rows = [
        {"touchpoint": "a", "label": "A", "volume": 400, "cells": {"x": "R"}},
        {"touchpoint": "b", "label": "B", "volume": 80, "cells": {"x": "A", "y": "R"}},
    ]
    matrix = RaciMatrix.from_body(
        {"roles": [{"id": "x", "label": "X"}, {"id": "y", "label": "Y"}], "rows": rows}
    )
    register = RoleRegister.from_body({"roles": [{"id": "x", "label": "X", "capacity": 300}]})
    grid = RaciGrid(matrix, roles=register)
    page = show(grid)
    feet = page.locator("tfoot tr")
    assert [feet.nth(i).inner_text().split() for i in range(5)] == [
        ["Rows", "with", "R", "1", "1"], ["Rows", "with", "A", "1", "0"], ["Rows", "with", "C", "0", "0"],
        ["Rows", "with", "I", "0", "0"], ["Load", "▲", "420", "of", "300", "80"],
    ]  # fmt: skip
    cell(page, "A, X").click()
    page.keyboard.press("i")
    settled(page)
    assert feet.nth(4).inner_text().split() == ["Load", "40", "of", "300", "80"]
    assert feet.nth(3).inner_text().split() == ["Rows", "with", "I", "1", "0"]


def test_stages_fold_away_and_keys_pass_over_what_is_folded(show):
    grid = staged()
    page = show(grid)
    cell(page, "Two, Sales").click()
    page.get_by_role("button", name="Hide the rows of buy").click()
    assert [page.locator(f"tbody th[data-row='{i}']").is_visible() for i in range(3)] == [
        False,
        False,
        True,
    ]
    cell(page, "Three, Sales").click()
    page.keyboard.press("Control+a")
    page.keyboard.press("c")
    settled(page)
    assert grid.cells == [["A", ""], ["R", "C"], ["C", "C"]]
    page.locator(".jw-findings button", has_text="Show").first.click()
    assert page.locator("tbody th[data-row='0']").is_visible()


def test_findings_are_filtered_by_severity(show):
    page = show(staged())
    listed = page.locator("ol.jw-findings > li")
    before = listed.count()
    page.get_by_role("group", name="Findings shown").get_by_role("button", name="error").click()
    assert listed.count() < before
    assert page.locator("ol.jw-findings > li.jw-error").count() == 0
    notes = page.get_by_role("group", name="Findings shown").get_by_role("button", name="note")
    assert notes.get_attribute("aria-pressed") == "false"
    notes.click()
    assert page.locator("ol.jw-findings > li.jw-info").count() > 0
    assert notes.get_attribute("aria-pressed") == "true"


def test_a_warning_is_acknowledged_with_a_reason_and_taken_back(show):
    frame = pd.DataFrame({"Sales": ["R/A"], "Support": ["C"], "Idle": [""]}, index=["One"])
    grid = RaciGrid(frame, policy=RaciPolicy(today=date(2026, 6, 1)))
    page = show(grid)
    page.get_by_role("button", name="Acknowledge: Idle has no letter at all.").click()
    page.get_by_label("Why is this accepted?").fill("She starts <b>in July</b>")
    assert page.get_by_label("Until").input_value() == "2026-12-01"
    page.keyboard.press("Enter")
    settled(page)
    assert [(a.code, a.role, a.reason, str(a.until)) for a in grid.to_document().acknowledged] == [
        ("COL-05", "idle", "She starts <b>in July</b>", "2026-12-01")]  # fmt: skip
    page.get_by_role("button", name="1 acknowledged").click()
    assert (
        "Accepted: She starts <b>in July</b> (until 2026-12-01)"
        in page.locator("li.jw-known").inner_text()
    )
    page.get_by_role("button", name="Withdraw: Idle").click()
    settled(page)
    assert grid.to_document().acknowledged == ()


def test_a_reason_being_written_survives_what_arrives_meanwhile(show):
    grid = RaciGrid(pd.DataFrame({"Sales": ["R/A"], "Support": ["C"], "Idle": [""]}, index=["One"]))
    page = show(grid)
    page.get_by_role("button", name="Acknowledge: Idle").click()
    page.get_by_label("Why is this accepted?").fill("Because")
    grid.replace(
        RaciMatrix.from_frame(
            pd.DataFrame({"Sales": ["R"], "Support": ["A"], "Idle": [""]}, index=["One"])
        )
    )
    page.evaluate("(news) => take(news)", page.kernel.flush())
    assert page.get_by_label("Why is this accepted?").input_value() == "Because"


def test_letters_are_explained_below_the_grid_and_on_each_cell(show):
    page = show(RaciGrid(pd.DataFrame({"Sales": ["A"]}, index=["One"])))
    assert (
        "Accountable: the one person who answers for it" in page.locator(".jw-letters").inner_text()
    )
    assert cell(page, "One, Sales").get_attribute("title").startswith("Accountable: the one person")


# --- saving, history, disputes -----------------------------------------------------------------------------------


def test_control_s_saves(show):
    grid = grid_of(["One"], ["Sales"], on_save=lambda _m: SaveResult("Saved as revision 4"))
    page = show(grid)
    cell(page, "One, Sales").click()
    page.keyboard.press("r")
    page.keyboard.press("Control+s")
    settled(page)
    assert page.locator(".jw-saved").first.inner_text() == "Saved as revision 4"


def test_earlier_revisions_are_listed_and_restored(show):
    old = RaciMatrix.from_frame(pd.DataFrame({"Sales": ["A"]}, index=["One"]))
    revisions = [
        {"rev": 2, "at": "today", "author": "<i>Bob</i>", "note": "", "changes": 1},
        {"rev": 1, "at": "yesterday", "author": "Ann", "note": "first", "changes": 4},
    ]
    grid = grid_of(["One"], ["Sales"], on_save=lambda _m: SaveResult("x"), history=lambda: revisions,
                   on_restore=lambda rev: SaveResult(f"Restored revision {rev}", old))  # fmt: skip
    page = show(grid)
    page.get_by_role("button", name="History").click()
    lines = page.get_by_label("Revisions").locator("li")
    assert lines.nth(0).inner_text() == "Revision 2 today, <i>Bob</i>: no note (1 change)"
    page.get_by_role("button", name="Restore revision 1").click()
    settled(page)
    assert grid.cells == [["A"]]
    assert page.locator(".jw-saved").first.inner_text() == "Restored revision 1"


def test_disputes_are_settled_one_by_one_or_all_at_once(show):
    clashes = (("one", "sales", "", "C", "R"), ("one", "boss", "I", "", "A"))
    grid = grid_of(
        ["One"],
        ["Sales", "Boss"],
        on_save=lambda m: SaveResult("Settle", m, clashes, ("Row Two: somebody else deleted it.",)),
    )
    page = show(grid)
    cell(page, "One, Sales").click()
    for key in ("r", "ArrowRight", "a", "Control+s"):
        page.keyboard.press(key)
    settled(page)
    group = page.get_by_role("group", name="Changed by somebody else too")
    assert "Row Two: somebody else deleted it." in group.inner_text()
    mine = page.get_by_role("button", name="Keep mine for One, Sales")
    assert mine.get_attribute("aria-pressed") == "true"
    page.get_by_role("button", name="Take all of theirs").click()
    settled(page)
    assert grid.cells == [["C", ""]]
    assert mine.get_attribute("aria-pressed") == "false"
    mine.click()
    settled(page)
    assert grid.cells == [["R", ""]]


def test_unsaved_edits_from_before_are_said_and_leaving_asks(show):
    grid = grid_of(
        ["One"],
        ["Sales"],
        on_save=lambda _m: SaveResult("Saved"),
        draft=(
            RaciMatrix.from_frame(pd.DataFrame({"Sales": ["R"]}, index=["One"])),
            "Edits of 14:05 that were not saved are shown",
        ),
    )
    page = show(grid)
    assert (
        page.locator(".jw-saved").first.inner_text()
        == "Edits of 14:05 that were not saved are shown"
    )
    assert (
        page.evaluate("() => !dispatchEvent(new Event('beforeunload', { cancelable: true }))")
        is True
    )


# --- large, narrow, and for everybody ------------------------------------------------------------------------------


def test_two_hundred_rows_by_forty_roles_can_be_used(show):
    grid = full(rows=200, roles=40)
    page = show(grid)
    cell(page, "Row 0, Role 0").click()
    page.keyboard.press("Control+End")
    page.keyboard.press("a")
    settled(page)
    assert grid.cells[199][39] == "A"
    head = page.locator("thead th[data-col='39']").bounding_box()
    frame = page.locator(".jw-frame").bounding_box()
    assert abs(head["y"] - frame["y"]) < 4  # the roles stay in sight
    side = page.locator("tbody th[data-row='199']").bounding_box()
    assert abs(side["x"] - frame["x"]) < 4  # and so do the rows


@pytest.mark.parametrize("width", [320, 640])
def test_a_narrow_page_scrolls_the_grid_and_clips_nothing(show, made_example, width):
    space = Workspace.open(made_example, read_only=True)
    page = show(RaciGrid(space.raci, journey=space.journey, on_save=lambda _m: SaveResult("Saved")))
    page.set_viewport_size({"width": width, "height": 700})
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate(
        "(() => { const f = document.querySelector('.jw-frame'); return f.scrollWidth > f.clientWidth })()"
    )
    wide = page.evaluate(
        "[...document.querySelectorAll('.jw-tools button, .jw-findings li, .jw-filter button')]"
        ".map((n) => n.getBoundingClientRect().right)"
    )
    assert max(wide) <= width + 1


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("read_only", [False, True])
def test_axe_finds_no_violation(show, made_example, dark, read_only):
    space = Workspace.open(made_example, read_only=True)
    revisions = [
        {"rev": 2, "at": "today", "author": "Bob", "note": "", "changes": 1},
        {"rev": 1, "at": "then", "author": "Ann", "note": "", "changes": 1},
    ]
    grid = RaciGrid(
        space.raci, journey=space.journey, roles=space.roles, read_only=read_only, history=lambda: revisions,
        on_save=lambda _m: SaveResult("Saved"), on_restore=lambda _r: SaveResult("x"),
    )  # fmt: skip
    page = show(grid)
    if dark:
        page.add_style_tag(
            content=":root { --jp-layout-color1: #111; --jp-layout-color2: #222; --jp-ui-font-color1: #fff; "
            "--jp-ui-font-color2: #bbb; --jp-border-color2: #666; --jp-error-color1: #ff8a80; "
            "--jp-warn-color1: #ffb74d; "
            "--jp-brand-color1: #64b5f6 } body { background: #111 }"
        )
    page.get_by_role("button", name="History").click()
    cell(page, "Checkout, Web shop owner").click()
    if not read_only:
        page.keyboard.press("Shift+F10")

    found = violations(page, ".jw-raci-grid")

    assert found == []


# --- a kernel that answers late -----------------------------------------------------------------------------------


def late(page, milliseconds=250):
    page.evaluate(
        """(ms) => { const real = window.kernel;
          window.kernel = async (c) => {
            const n = await real(c);
            await new Promise((r) => setTimeout(r, ms));
            return n;
          }; }""",
        milliseconds,
    )


def four(show):
    grid = grid_of(["One", "Two", "Three", "Four"], ["Sales"])
    return grid, show(grid)


def test_a_name_typed_while_an_answer_arrives_goes_to_its_own_row(show):
    grid, page = four(show)
    late(page)
    cell(page, "One, Sales").click()
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Delete")
    page.locator("tbody th[data-row='1']").dblclick()
    page.keyboard.type("ZZ")
    settled(page)
    page.keyboard.type("Z")
    page.keyboard.press("Enter")
    settled(page)
    assert [r["label"] for r in grid.rows] == ["ZZZ", "Three", "Four"]


def test_text_typed_in_a_cell_while_rows_change_is_kept(show):
    grid, page = four(show)
    late(page)
    page.locator("tbody th[data-row='0']").dblclick()
    page.keyboard.type("Uno")
    page.keyboard.press("Enter")
    cell(page, "Three, Sales").click()
    page.keyboard.press("Enter")
    page.keyboard.type("R/A")
    settled(page)
    page.keyboard.type("/C")
    page.keyboard.press("Enter")
    settled(page)
    assert (grid.rows[0]["label"], grid.cells) == ("Uno", [[""], [""], ["R/A/C"], [""]])


def test_what_is_chosen_follows_its_row(show):
    grid, page = four(show)
    cell(page, "Two, Sales").click()
    other = RaciMatrix.from_frame(
        pd.DataFrame({"Sales": [""] * 5}, index=["Zero", "One", "Two", "Three", "Four"])
    )
    grid.replace(other)
    page.evaluate("(news) => take(news)", page.kernel.flush())
    page.keyboard.press("r")
    settled(page)
    assert grid.cells == [[""], [""], ["R"], [""], [""]]


def test_a_menu_acts_on_the_row_it_was_opened_for(show):
    grid, page = four(show)
    late(page, 400)
    cell(page, "One, Sales").click()
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Delete")
    page.locator("tbody th[data-row='1']").click(button="right")
    settled(page)
    page.get_by_role("menuitem", name="Delete this row").click()
    settled(page)
    assert [r["label"] for r in grid.rows] == ["Three", "Four"]


def test_a_row_moved_twice_before_the_answer_moves_twice(show):
    grid, page = four(show)
    late(page)
    cell(page, "One, Sales").click()
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Alt+ArrowDown")
    page.keyboard.press("Alt+ArrowDown")
    for _ in range(3):
        settled(page)
    assert [r["label"] for r in grid.rows] == ["Two", "Three", "One", "Four"]


def test_a_row_added_while_letters_are_on_their_way_is_added_once(show):
    grid, page = four(show)
    late(page)
    cell(page, "One, Sales").click()
    page.keyboard.press("r")
    page.get_by_role("button", name="Add row").click()
    page.keyboard.type("New")
    page.keyboard.press("Enter")
    for _ in range(3):
        settled(page)
    assert [r["label"] for r in grid.rows] == ["One", "New", "Two", "Three", "Four"]
    assert grid.cells[0] == ["R"]
    assert here(page) == [1, -1]


def test_letters_typed_faster_than_the_answers_all_arrive_once(show):
    grid = full(rows=6, roles=1)
    page = show(grid)
    late(page)
    cell(page, "Row 0, Role 0").click()
    for letter in "racira":
        page.keyboard.press(letter)
        page.keyboard.press("ArrowDown")
    settled(page)
    assert [line[0] for line in grid.cells] == ["R", "A", "C", "I", "R", "A"]
    assert grid.steps["undo"] == 6


def test_an_editor_that_is_opened_and_left_changes_nothing(show):
    label = "می\u200cخواهم \U0001f469\u200d\U0001f680 " + "x" * 1500
    grid = RaciGrid(
        RaciMatrix.from_body(
            {"roles": [{"id": "x", "label": "X"}], "rows": [{"touchpoint": "a", "label": label}]}
        )
    )
    page = show(grid)
    page.locator("tbody th[data-row='0']").dblclick()
    page.keyboard.press("Enter")
    page.locator("tbody th[data-row='0']").dblclick()
    page.keyboard.press("End")
    page.keyboard.type("!")
    page.keyboard.press("Enter")
    settled(page)
    assert grid.rows[0]["label"] == label + "!"
    assert grid.steps["undo"] == 1


def test_control_s_saves_also_while_a_cell_is_typed_in(show):
    saved = []
    grid = grid_of(
        ["One"],
        ["Sales"],
        on_save=lambda m: saved.append(m.cell("one", "sales")) or SaveResult("Saved"),
    )
    page = show(grid)
    cell(page, "One, Sales").click()
    page.keyboard.press("Enter")
    page.keyboard.type("a")
    page.keyboard.press("Control+s")
    settled(page)
    assert saved == ["A"]


def test_the_last_row_and_the_last_role_can_go_and_come_back(show):
    grid = RaciGrid(pd.DataFrame({"Sales": ["A"]}, index=["One"]))
    page = show(grid)
    cell(page, "One, Sales").click()
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Delete")
    settled(page)
    assert grid.rows == []
    page.locator("thead th[data-col='0']").click()
    page.keyboard.press("Delete")
    settled(page)
    assert grid.roles == []
    assert page.evaluate("document.activeElement.textContent") == "Undo"
    for _ in range(2):
        page.get_by_role("button", name="Undo").click()
        settled(page)
    assert grid.cells == [["A"]]


def wait(page, times=4):
    for _ in range(times):
        settled(page)


def test_an_undo_waits_for_the_steps_before_it(show):
    grid, page = four(show)
    late(page)
    cell(page, "One, Sales").click()
    for key in ("r", "ArrowLeft", "Alt+ArrowDown", "Control+z"):
        page.keyboard.press(key)
    wait(page)
    assert [r["label"] for r in grid.rows] == ["One", "Two", "Three", "Four"]
    assert grid.cells[0] == ["R"]


def test_a_save_waits_for_the_steps_before_it(show):
    saved = []
    grid = grid_of(
        ["One"],
        ["Sales"],
        on_save=lambda m: saved.append([r.label for r in m.rows]) or SaveResult("Saved"),
    )
    page = show(grid)
    late(page)
    cell(page, "One, Sales").click()
    page.keyboard.press("r")
    page.get_by_role("button", name="Add row").click()
    page.keyboard.type("New")
    page.keyboard.press("Enter")
    page.keyboard.press("Control+s")
    wait(page)
    assert saved == [["One", "New"]]


def test_a_step_at_the_edge_does_not_hold_up_the_next(show):
    grid, page = four(show)
    late(page)
    cell(page, "Four, Sales").click()
    for key in ("r", "ArrowLeft", "Alt+ArrowDown", "Alt+ArrowUp"):
        page.keyboard.press(key)
    wait(page)
    assert [r["label"] for r in grid.rows] == ["One", "Two", "Four", "Three"]


def test_moves_wait_while_somebody_types_and_are_not_lost(show):
    grid, page = four(show)
    late(page)
    cell(page, "One, Sales").click()
    for key in ("ArrowLeft", "Alt+ArrowDown", "Alt+ArrowDown"):
        page.keyboard.press(key)
    page.locator("tbody th[data-row='3']").dblclick()
    page.keyboard.type("ZZ")
    wait(page, 2)
    page.keyboard.press("Enter")
    wait(page)
    assert [r["label"] for r in grid.rows] == ["Two", "Three", "One", "ZZ"]


def test_a_letter_typed_again_after_an_undo_counts(show):
    grid = RaciGrid(pd.DataFrame({"Sales": ["R"]}, index=["One"]))
    page = show(grid)
    late(page)
    cell(page, "One, Sales").click()
    for key in ("a", "Control+z", "a"):
        page.keyboard.press(key)
    wait(page)
    assert grid.cells == [["A"]]


def test_a_second_name_being_typed_is_left_alone_by_the_answer_to_the_first(show):
    grid, page = four(show)
    late(page, 400)
    cell(page, "One, Sales").click()
    page.get_by_role("button", name="Add row").click()
    page.keyboard.type("New")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Add row").click()
    page.keyboard.type("Oth")
    settled(page)
    page.keyboard.type("er")
    page.keyboard.press("Enter")
    wait(page)
    assert {r["label"] for r in grid.rows} == {"One", "Two", "Three", "Four", "New", "Other"}


def test_a_row_dropped_below_the_last_one_seen_stays_in_its_stage(show):
    frame = pd.DataFrame(
        {"stage": ["s1", "s1", "s2", "s3"], "Sales": ["A", "R", "C", "I"]}, index=list("abcd")
    )
    grid = RaciGrid(RaciMatrix.from_frame(frame))
    page = show(grid)
    for stage in ("s2", "s3"):
        page.get_by_role("button", name=f"Hide the rows of {stage}").click()
    drag(
        page,
        middle(page.locator("tbody th[data-row='0']")),
        middle(page.locator("tbody th[data-row='1']"), dy=0.8),
    )
    assert [r["id"] for r in grid.rows] == ["b", "a", "c", "d"]


def test_a_row_moved_into_a_folded_stage_opens_it(show):
    grid = staged()
    page = show(grid)
    page.get_by_role("button", name="Hide the rows of use").click()
    cell(page, "Two, Sales").click()
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Alt+ArrowDown")
    wait(page, 2)
    assert (grid.rows[1]["id"], grid.rows[1]["stage"]) == ("two", "use")
    assert here(page) == [1, -1]


def test_a_touchpoint_without_a_row_gets_one_from_its_finding(show, made_example):
    space = Workspace.open(made_example, read_only=True)
    grid = RaciGrid(space.raci, journey=space.journey)
    page = show(grid)
    page.get_by_role("button", name="Add its row: Referral").click()
    settled(page)
    assert (grid.rows[-1]["id"], grid.rows[-1]["stage"]) == ("referral", "advocacy")
    assert here(page) == [15, 0]
