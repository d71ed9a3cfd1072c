"""The dashboards in a real browser: what a reader sees, and what a reader cannot do."""

import json
import re
import urllib.error
import urllib.parse
import urllib.request
from contextlib import closing
from pathlib import Path

import nbformat
import psutil
import pytest
from jupyter_core.paths import jupyter_path

from e2e.applications import SECONDS
from journey_widgets import Workspace
from journey_widgets.publish.dashboards import SHORT_WAITS, WIDGETS, serve, settings
from support.hostile import MARKUP, label_hostile
from support.page import violations
from support.processes import kernels_of

pytestmark = pytest.mark.e2e
READY = "#rendered_cells .jw-facts"


@pytest.fixture(scope="module")
def served(made_example):
    """Dashboards of the example, for reading."""
    with serve(made_example) as server:
        yield server


def open_dashboard(page, served, name, query=""):
    page.goto(f"{served.url}voila/render/{name}.ipynb{query}")
    page.locator(READY).wait_for(timeout=SECONDS)
    page.wait_for_timeout(500)


def test_the_start_page_lists_the_dashboards_with_a_line_and_a_picture_each(served, new_page):
    page = new_page()

    page.goto(served.url)

    assert "The data end on " in page.locator("body").inner_text()
    assert violations(page) == []
    cards = page.locator(".jw-card")
    assert cards.locator("h2").all_inner_texts() == [
        "Overview",
        "Journey map",
        "RACI",
        "Cross-impact",
        "Scorecard",
        "Upsell",
        "Support",
    ]
    assert cards.locator("svg").count() == 7
    assert all(len(t) > 20 for t in cards.locator("p").all_inner_texts())
    cards.nth(2).click()
    page.locator(READY).wait_for(timeout=SECONDS)
    assert "raci.ipynb" in page.url


PARTS = [
    ("overview", 1, 4),
    ("journey_map", 7, 11),
    ("raci", 1, 14),
    ("cross_impact", 0, 9),
    ("scorecard", 4, 11),
    ("upsell", 12, 26),
    ("support", 2, 6),
]


@pytest.mark.parametrize(
    ("name", "charts", "tables"),
    PARTS,
)
def test_a_dashboard_shows_its_parts_and_no_code(served, new_page, name, charts, tables):
    page, complaints = new_page(), []
    page.on("console", lambda m: complaints.append(m.text) if m.type == "error" else None)

    open_dashboard(page, served, name)

    page.locator("table.jw-table").nth(tables - 1).wait_for(timeout=SECONDS)
    if charts:
        page.locator(".jw-chart svg").nth(charts - 1).wait_for(timeout=SECONDS)
    assert page.locator("table.jw-table").count() == tables
    # Every table with rows, every chart, all figures in boxes and all cards can be taken along.
    page.wait_for_function(
        """() => document.querySelectorAll(".jw-take").length === document.querySelectorAll(
            "table.jw-table:has(tbody tr), .jw-chart:has(svg), .jw-tiles, .jw-kpis").length""",
        timeout=SECONDS,
    )
    text = page.locator("body").inner_text()
    for word in (
        "Traceback",
        "import journey_widgets",
        "open_page",
        "Error:" if name == "journey_map" else 'File "',
    ):
        assert word not in text
    assert page.locator(".jp-InputArea-editor").count() == 0
    assert page.locator(".jw-nav a[aria-current=page]").count() == 1
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert violations(page) == []
    page.set_viewport_size({"width": 390, "height": 844})
    page.wait_for_timeout(300)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.emulate_media(color_scheme="dark")
    assert violations(page) == []
    assert complaints == []


def test_the_five_questions_are_answered_in_the_first_screen(served, new_page):
    page = new_page(viewport={"width": 1280, "height": 800})
    open_dashboard(page, served, "overview")
    page.locator(".jw-take").nth(1).wait_for(timeout=SECONDS)

    # How are we, what needs somebody, who owns it, what is being done; what changed, and is it real.
    for part in (".jw-tiles >> nth=0", "table.jw-table >> nth=0", "ol.jw-next li >> nth=1"):
        box = page.locator(part).bounding_box()
        assert box["y"] + box["height"] <= 800, (part, box)


def test_a_number_of_the_executive_page_says_what_it_is(served, new_page):
    page = new_page()
    open_dashboard(page, served, "overview")
    page.locator(".jw-take").first.wait_for(timeout=SECONDS)

    for label, said in (
        ("Reach Delivery", "in this order"), ("Customers", "at least one event in the log"),
    ):  # fmt: skip
        page.locator(f".jw-tile:has-text('{label}') .jw-value").first.click()
        told = page.locator("dialog.jw-explain").inner_text()
        assert said in told
        assert "Data until" in told
        page.keyboard.press("Escape")


def test_a_server_that_no_longer_answers_is_noticed_though_the_connection_says_nothing(
    served, new_page
):
    page = new_page()
    page.add_init_script("window.journeyPulse = 300")
    open_dashboard(page, served, "overview")
    page.locator(".jw-chart svg").first.wait_for(timeout=SECONDS)
    page.wait_for_timeout(1_000)
    assert page.locator(".jw-lost").count() == 0

    page.route("**/health", lambda route: route.abort())

    page.locator(".jw-lost").wait_for(timeout=SECONDS)
    assert "The server does not answer" in page.locator(".jw-lost").inner_text()
    page.unroute("**/health")
    page.locator(".jw-lost button").click()
    page.locator(READY).wait_for(timeout=SECONDS)
    assert page.locator(".jw-lost").count() == 0


def test_how_far_a_page_is_is_said_while_it_is_worked_out(served):
    url = f"{served.url}voila/render/overview.ipynb"
    with urllib.request.urlopen(url, timeout=SECONDS) as answer:  # noqa: S310 - our own server
        text = answer.read().decode()

    assert "Working out part ${at} of ${of}" in text
    told = re.findall(r"voila_process\((\d+), ?(\d+)\)", text)
    assert len(told) > 10
    assert len({of for _at, of in told}) == 1


def test_the_executive_page_prints_on_two_sheets(served, new_page):
    page = new_page()
    open_dashboard(page, served, "overview")
    page.locator(".jw-chart svg").first.wait_for(timeout=SECONDS)
    page.get_by_role("heading", name="What the figures stand on").wait_for(timeout=SECONDS)
    page.wait_for_load_state("networkidle")

    assert len(re.findall(rb"/Type\s*/Page[^s]", page.pdf(prefer_css_page_size=True))) == 2


def test_the_vega_code_is_loaded_once_a_page(served, new_page):
    page = new_page()

    open_dashboard(page, served, "journey_map")
    page.locator(".jw-chart svg").nth(6).wait_for(timeout=SECONDS)

    assert page.evaluate("typeof journeyVega.then") == "function"
    assert page.get_by_text("32 frequent paths").count() == 1


def test_the_address_names_a_segment_and_the_page_is_about_it(served, new_page):
    page = new_page()

    open_dashboard(page, served, "overview", "?segment=device=mobile")

    assert "device mobile only" in page.locator(READY).inner_text()


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("segment=device=fax", "No event has device = 'fax'. Known: 'desktop', 'mobile'."),
        (
            "segment=%3Cscript%3Ealert(1)%3C/script%3E=x",
            "There is no segment '<script>alert(1)</script>'",
        ),
    ],
)
def test_an_address_that_asks_for_nonsense_is_answered_in_one_sentence(
    served, new_page, query, said
):
    page = new_page()

    page.goto(f"{served.url}voila/render/overview.ipynb?{query}")
    page.locator("#rendered_cells .jw-note").wait_for(timeout=SECONDS)

    assert said in page.locator(".jw-note").inner_text()
    assert page.locator("table.jw-table").count() == 0
    assert not page.locator(".jw-failed").is_visible()
    assert "Traceback" not in page.locator("body").inner_text()


def test_a_part_that_fails_says_so_in_words_and_shows_no_code(example, new_page):
    with serve(example) as server, closing(new_page()) as page:
        [site] = [w for w in psutil.Process(server.process.pid).cmdline() if w.endswith("/site")]
        book = nbformat.read(Path(site, "overview.ipynb"), as_version=4)
        book.cells.append(nbformat.v4.new_code_cell("{}['zebra4711']"))
        nbformat.write(book, Path(site, "overview.ipynb"))
        page.goto(f"{server.url}voila/render/overview.ipynb")
        page.locator(".jw-failed").wait_for(timeout=SECONDS)
        page.wait_for_load_state("networkidle")

        assert page.locator(".jw-failed").all_inner_texts() == [
            "Something went wrong here, and the page stops. Please tell the dashboard's owner."
        ]
        shown = page.locator("body").inner_text()
        assert "zebra4711" not in shown
        assert "KeyError" not in shown


def test_a_store_that_is_damaged_is_said_in_one_sentence_without_its_place(example, new_page):
    with serve(example) as server, closing(new_page()) as page:
        (example / "store.sqlite").write_bytes(b"no database")
        page.goto(f"{server.url}voila/render/overview.ipynb")
        page.locator("#rendered_cells .jw-note.jw-error").wait_for(timeout=SECONDS)

        shown = page.locator("#rendered_cells").inner_text()
        assert "If damaged, restore it from a backup." in shown
        assert str(example) not in shown
        assert "Traceback" not in shown
        assert page.locator("table.jw-table").count() == 0


def test_a_page_that_is_not_there_leads_back_to_the_start(served, new_page):
    page = new_page()

    page.goto(f"{served.url}voila/render/none.ipynb")

    assert page.locator("h1").inner_text() == "There is no such page"
    page.get_by_role("link", name="Go to the start page").click()
    assert page.locator(".jw-card").count() == 7


def test_readers_see_the_grid_and_cannot_change_it(served, new_page, made_example):
    page = new_page()
    open_dashboard(page, served, "raci")
    grid = page.get_by_role("grid")
    grid.wait_for(timeout=SECONDS)

    page.locator("td[data-row='0'][data-col='1']").click()
    page.keyboard.press("r")

    assert grid.get_attribute("aria-readonly") == "true"
    assert page.get_by_role("button", name="Save").count() == 0
    space = Workspace.open(made_example, read_only=True)
    assert space.rev("raci") == 1
    assert space.raci.cell("social_ad", "sales_rep") == "I"


def test_an_edit_where_editing_is_allowed_reaches_the_store(example, new_page):
    with serve(example, allow_edit=True) as served, closing(new_page()) as page:
        page.goto(served.address)
        open_dashboard(page, served, "raci")
        cell = page.locator('td[aria-label^="Review, Success manager:"]')
        cell.wait_for(timeout=SECONDS)

        cell.click()
        page.keyboard.press("a")
        page.get_by_role("status").get_by_text("1 warning", exact=True).first.wait_for()
        page.get_by_role("button", name="Save").click()
        page.get_by_text("Saved as revision 2").wait_for(timeout=SECONDS)

    space = Workspace.open(example)
    assert space.raci.cell("review", "success_manager") == "A"
    assert space.history("raci")["note"].tolist()[0] == "edited in RACI"


def test_the_pickers_answer_for_the_chosen_group_and_month(served, new_page):
    page = new_page()
    open_dashboard(page, served, "journey_map")
    everybody = page.get_by_text(
        "All customers, whenever they began: 3,590 of 10,000 reach Delivery"
    )
    everybody.wait_for(timeout=SECONDS)

    page.get_by_label("Customers", exact=True).select_option("device=mobile")
    page.get_by_label("Began in", exact=True).select_option("2026-03")

    page.get_by_text("Device=mobile, 2026-03:").wait_for(timeout=SECONDS)
    assert page.get_by_text("first event from 2026-02-28 23:00:00").count() == 1  # local midnight


def test_an_edited_map_reaches_the_store(example, new_page):
    wide = {"width": 1400, "height": 1000}
    with serve(example, allow_edit=True) as served, closing(new_page(viewport=wide)) as page:
        page.goto(served.address)
        open_dashboard(page, served, "journey_map")
        card = page.locator('.jw-card:has(strong:text-is("Live chat"))')
        card.wait_for(timeout=SECONDS)

        card.focus()
        page.keyboard.press("Alt+ArrowUp")
        page.get_by_text("Live chat is now in lane Online.").wait_for(timeout=SECONDS)
        page.get_by_role("button", name="Save", exact=True).click()
        page.get_by_text("Saved as revision 2").wait_for(timeout=SECONDS)

    space = Workspace.open(example)
    assert space.journey.touchpoint("live_chat").lane == "online"
    assert space.diff("journey", 1, 2)["place"].tolist() == ["touchpoints › live_chat › lane"]


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("period=2026-13", "There is no period '2026-13'."),
        ("period=1999-01", "Nobody of all began 1 January 1999 to 31 January 1999."),
        ("version=future", "There is no version 'future'."),
    ],
)
def test_a_period_or_version_that_is_not_there_is_said_in_one_sentence(
    served, new_page, query, said
):
    page = new_page()

    page.goto(f"{served.url}voila/render/journey_map.ipynb?{query}")
    page.locator("#rendered_cells .jw-note").wait_for(timeout=SECONDS)

    assert said in page.locator(".jw-note").inner_text()


@pytest.mark.parametrize("what", ["kernel", "server"])
def test_a_page_whose_kernel_or_server_is_gone_says_so(example, new_page, what):
    with serve(example) as served, closing(new_page()) as page:
        open_dashboard(page, served, "overview")
        page.wait_for_load_state("networkidle")
        assert page.locator(".jw-lost").count() == 0

        server = psutil.Process(served.process.pid)
        kernels = kernels_of(server.pid)
        for process in kernels if what == "kernel" else [*kernels, server]:
            process.kill()

        page.locator(".jw-lost").wait_for(timeout=SECONDS)
        assert "This session has ended" in page.locator(".jw-lost").inner_text()
        assert page.locator("body.jw-stale").count() == 1


def test_the_segment_goes_along_to_the_next_page(served, new_page):
    page = new_page()
    open_dashboard(page, served, "overview", "?segment=device=mobile")

    page.get_by_role("link", name="RACI").click()
    page.wait_for_url("**/raci.ipynb?segment=device%3Dmobile")
    page.locator(READY).wait_for(timeout=SECONDS)

    assert "device mobile only" in page.locator(READY).inner_text()


def test_a_dashboard_is_dark_where_the_reader_likes_it_dark(served, new_page):
    page = new_page(color_scheme="dark")

    open_dashboard(page, served, "overview")

    colour = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert colour == "rgb(22, 24, 27)"


def fetch(url, data=None, method=None):
    request = urllib.request.Request(url, data=data, method=method)  # noqa: S310 - our own server
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:  # noqa: S310
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


@pytest.mark.parametrize(
    "path",
    [
        "voila/files/raci.ipynb", "voila/files/picture.png", "voila/files/../config/voila.json",
        "voila/files/..%2fconfig%2fvoila.json", "api/contents", "api/kernels", "api/terminals",
        "voila/files/.hidden.svg",
    ],
)  # fmt: skip
def test_no_file_and_no_kernel_can_be_had_by_its_address(served, path):
    status, body = fetch(served.url + path)

    assert status in {403, 404, 405}, (path, status, body[:200])


@pytest.mark.parametrize(
    "query", ["theme=%22%3E%3Cscript%3Ealert(1)%3C/script%3E", "template=base", "template=none"]
)
def test_theme_and_template_in_the_address_change_nothing(served, query):
    status, body = fetch(f"{served.url}?{query}")

    assert status == 200
    assert b"<script>alert(1)" not in body
    assert b"jw-card" in body


def test_the_shipped_settings_are_the_ones_that_protect_readers():
    found = settings()

    configuration = found["VoilaConfiguration"]
    assert configuration["file_allowlist"] == []
    assert configuration["allow_template_override"] == "NO"
    assert configuration["allow_theme_override"] == "NO"
    assert configuration["show_tracebacks"] is False
    kernels = found["MappingKernelManager"]
    assert kernels["cull_idle_timeout"] <= 300
    assert kernels["cull_interval"] <= 60
    assert json.dumps(found)


def test_hostile_labels_are_text_on_dashboards_that_answer(example, new_page):
    """On the two with the most editors; on all seven as pages: see `publish/test_data_in_pages.py`."""
    with closing(Workspace.open(example)) as space:
        label_hostile(space)
    settings_file = example / "workspace.yaml"
    text = settings_file.read_text("utf-8")
    settings_file.write_text(
        text.replace("name: Phone retailer (example)", "name: '{{ 7*7 }} <b>x</b>'"), "utf-8"
    )

    with serve(example) as served, closing(new_page()) as page:
        page.goto(served.url)
        assert page.locator("h1").inner_text() == "{{ 7*7 }} <b>x</b>"
        for name in ("raci", "cross_impact"):
            open_dashboard(page, served, name)
            page.wait_for_timeout(1_000)
            assert page.title() != "owned"
            assert page.locator("img").count() == 0
            assert MARKUP in page.locator("body").inner_text()


def test_the_widgets_code_waits_longer_for_its_kernel_than_it_does_as_installed(served):
    """Where twenty open their pages at once an answer takes its time; all of them are to draw their charts."""
    base = f"{served.url}voila/labextensions/{WIDGETS}/static/"
    places = [Path(p) / "labextensions" / WIDGETS / "static" for p in jupyter_path()]
    scripts = next(sorted(p.glob("*.js")) for p in places if p.is_dir())
    short = {s: [len(w.findall(s.read_text("utf-8"))) for w in SHORT_WAITS] for s in scripts}

    assert [sum(n) for n in zip(*short.values(), strict=True)] == [1, 1]
    for script in (s for s, n in short.items() if sum(n)):
        with urllib.request.urlopen(base + script.name, timeout=SECONDS) as answer:  # noqa: S310 - our own server
            text = answer.read().decode()
        assert not any(w.search(text) for w in SHORT_WAITS)
        assert "12e4" in text
