"""What readers do with a page: ask what a number is, and take numbers and pictures along."""

import csv
import io
import json

import openpyxl
import pandas as pd
import pytest

from journey_widgets.publish import html
from journey_widgets.publish.dashboards import _HERE
from journey_widgets.publish.figures import Figure

pytestmark = pytest.mark.page
HOSTILE = [
    "=1+1",
    "+1",
    "-2",
    "@SUM(A1)",
    "\tx",
    "'quoted",
    "<b>bold</b>",
    'say "so", twice',
    "Zürich ✓",
]


@pytest.fixture
def shown(new_page, monkeypatch):
    """A page with parts of ours and the tools, as a dashboard lays them out."""

    def show(*parts, extra=""):
        monkeypatch.setenv("JOURNEY_MODE", "dashboard")
        body = "".join(
            f'<h2>Losses</h2><div class="jw-part">{p._repr_html_()}'
            f'<script type="application/json" class="jw-lines">{in_script(p.lines)}</script></div>'
            for p in parts
        )
        style = "".join((_HERE / n).read_text("utf-8") for n in ("base.css", "page_tools.css"))
        script = (_HERE / "page_tools.js").read_text("utf-8")
        page = new_page(accept_downloads=True)
        page.set_content(
            f"<!DOCTYPE html><title>Overview</title><style>{style}</style><h1>Overview</h1>"
            '<dl class="jw-facts"><div><dt>Data until</dt><dd>22 October 2026</dd></div></dl>'
            f'{body}{extra}<script type="module">{script}</script>'
        )
        page.locator(".jw-take").first.wait_for()
        return page

    return show


def test_the_numbers_of_cards_can_be_taken_along(shown, tmp_path):
    lines = html.table(
        pd.DataFrame([{"KPI": "Paid", "Value": Figure("12 %", 0.1234567, 0.1, 0.15, 40)}]),
        caption="Customers",
    ).lines
    cards = html.titled(
        "Customers",
        html.raw(
            '<div class="jw-kpis"><article class="jw-kpi"><h4>Paid</h4></article></div>', "", lines
        ),
    )

    path = taken(shown(cards), "CSV", tmp_path)

    assert list(csv.reader(io.StringIO(path.read_text("utf-8")))) == [
        ["KPI", "Figure", "Value", "At least", "At most", "n", "As shown"],
        ["Paid", "KPI", "", "", "", "", "Paid"],
        ["Paid", "Value", "0.1234567", "0.1", "0.15", "40", "12 %"],
    ]


def in_script(lines):
    """Return what a page holds within a script, as the dashboards' template writes it."""
    return json.dumps(lines).replace("<", "\\u003c")


def taken(page, way, tmp_path, nth=0):
    page.locator(".jw-take summary").nth(nth).click()
    with page.expect_download() as download:
        page.locator(".jw-take[open]").get_by_role("button", name=way, exact=True).click()
    path = tmp_path / download.value.suggested_filename
    download.value.save_as(path)
    return path


def table():
    frame = pd.DataFrame(
        {"step": HOSTILE, "rate": [Figure("12.3 %", 1 / 8.1, 0.1, 0.15, 400), *([None] * 8)]}
    )
    frame["customers"] = range(1_000, 1_009)
    return html.table(frame, caption="Steps, losses", note="Counted by customer.")


def test_the_csv_holds_numbers_in_full_and_no_formula(shown, tmp_path):
    path = taken(shown(table()), "CSV", tmp_path)

    assert path.name == "overview_steps_losses.csv"
    rows = list(csv.reader(io.StringIO(path.read_text("utf-8"))))
    assert rows[0] == ["step", "rate", "customers"]
    assert [r[0] for r in rows[1:]] == [
        "'=1+1",
        "'+1",
        "'-2",
        "'@SUM(A1)",
        "'\tx",
        "''quoted",
        *HOSTILE[6:],
    ]
    assert float(rows[1][1]) == 1 / 8.1
    assert [r[1] for r in rows[2:]] == [""] * 8
    assert [r[2] for r in rows[1:3]] == ["1000", "1001"]


def test_the_workbook_holds_numbers_and_texts_and_no_formula(shown, tmp_path):
    path = taken(shown(table()), "XLSX", tmp_path)

    sheet = openpyxl.load_workbook(path).active
    assert [c.value for c in sheet[1]] == ["step", "rate", "customers"]
    assert (sheet["B2"].value, sheet["B2"].data_type) == (1 / 8.1, "n")
    assert (sheet["A2"].value, sheet["A2"].data_type) == ("=1+1", "s")
    assert [sheet.cell(r, 1).data_type for r in range(2, 11)] == ["s"] * 9
    assert sheet["A10"].value == "Zürich ✓"
    assert sheet["B3"].value is None
    assert sheet["C10"].value == 1_008


def test_boxes_are_taken_along_with_their_intervals(shown, tmp_path):
    tiles = html.tiles({"Reach Delivery": (Figure("36 %", 0.359, 0.35, 0.368, 10_000), "of all")})

    rows = list(csv.reader(io.StringIO(taken(shown(tiles), "CSV", tmp_path).read_text("utf-8"))))

    assert rows == [
        ["Figure", "Value", "At least", "At most", "n", "In words"],
        ["Reach Delivery", "0.359", "0.35", "0.368", "10000", "of all"],
    ]


def test_a_number_says_what_it_is_by_mouse_and_by_keyboard(shown):
    page = shown(table())

    page.locator("td.jw-number").first.click()

    dialog = page.get_by_role("dialog")
    text = dialog.inner_text()
    for said in (
        "=1+1: rate", "12.3 %", "0.123457", "0.1 to 0.15", "400", "Counted by customer.", "Losses: Steps, losses",
        "22 October 2026",
    ):  # fmt: skip
        assert said in text, said
    page.keyboard.press("Escape")
    assert dialog.count() == 0
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    assert page.get_by_role("dialog").locator("h3").inner_text() == "+1: customers"
    page.get_by_role("button", name="Close").click()
    assert page.evaluate("document.activeElement.textContent") == "1,001"


def test_a_picture_is_taken_along_as_svg_and_as_png_twice_its_size(shown, tmp_path):
    box = '<rect width="60" height="40" fill="red"/>'
    svg = f'<svg xmlns="http://www.w3.org/2000/svg" width="60" height="40">{box}</svg>'
    page = shown(html.figure(svg, "How many get through"))

    vector, pixels = taken(page, "SVG", tmp_path), taken(page, "PNG", tmp_path)

    assert vector.name == "overview_how_many_get_through.svg"
    assert '<rect width="60"' in vector.read_text()
    head = pixels.read_bytes()[:24]
    assert head[:8] == b"\x89PNG\r\n\x1a\n"
    assert (int.from_bytes(head[16:20]), int.from_bytes(head[20:24])) == (120, 80)


def test_parts_that_come_later_get_their_tools_and_none_gets_them_twice(shown):
    page = shown(table())

    page.evaluate(
        "document.body.insertAdjacentHTML('beforeend', document.querySelector('.jw-scroll').outerHTML)"
    )
    page.locator(".jw-take").nth(1).wait_for()
    page.wait_for_timeout(400)

    assert page.locator(".jw-take").count() == 2
