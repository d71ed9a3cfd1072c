"""The static edition: pages without a kernel that answer to the mouse, all of them or none."""

import hashlib
import json

import pytest

from journey_widgets import Workspace, cli
from journey_widgets.errors import InfrastructureError, ParameterError
from journey_widgets.publish.static_edition import publish
from publish.test_parameters import TAGGED, notebook

START = ('workspace: str = ""\nsegment: str = "all"  # which', TAGGED)


@pytest.fixture
def plain(tmp_path):
    """A workspace without sources."""
    Workspace.create(tmp_path / "plain").close()
    return tmp_path / "plain"


def says(shelf, name, source):
    notebook(shelf / f"{name}.ipynb", START, (source, {}))


STOPS = (
    "from journey_widgets.publish.page import said_on_the_page\nfrom journey_widgets.errors import JourneyError\n"
    "with said_on_the_page():\n    raise JourneyError('There is no log yet.')"
)


def test_every_dashboard_becomes_a_page_with_links_to_the_others(shelf, plain, tmp_path):
    says(shelf, "one", "segment")
    says(shelf, "two", "'two'")

    made = publish(plain, tmp_path / "out", parameters={"segment": "device=mobile"})

    assert made.pages == ["one.html", "two.html", "index.html"]
    assert made.left_out == {}
    page = (tmp_path / "out" / "one.html").read_text("utf-8")
    assert "device=mobile" in page
    assert 'href="two.html"' in page
    assert "jw-card" in (tmp_path / "out" / "index.html").read_text("utf-8")
    about = json.loads((tmp_path / "out" / "edition.json").read_text("utf-8"))
    assert about["files"]["one.html"] == hashlib.sha256(page.encode()).hexdigest()
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == [
        "edition.json", "index.html", "one.html", "two.html",
    ]  # fmt: skip


def test_where_one_page_breaks_nothing_of_the_edition_that_is_there_changes(shelf, plain, tmp_path):
    says(shelf, "one", "'first'")
    says(shelf, "two", "'two'")
    publish(plain, tmp_path / "out")
    before = {p.name: p.read_bytes() for p in (tmp_path / "out").iterdir()}

    says(shelf, "one", "'second'")
    says(shelf, "two", "1 / 0")
    with pytest.raises(
        InfrastructureError, match=r"two was not made: ZeroDivisionError.* Nothing was published"
    ):
        publish(plain, tmp_path / "out")

    assert {p.name: p.read_bytes() for p in (tmp_path / "out").iterdir()} == before


def test_a_dashboard_that_cannot_be_shown_is_left_out_and_its_old_page_is_gone(
    shelf, plain, tmp_path, capsys
):
    says(shelf, "one", "'one'")
    says(shelf, "two", "'two'")
    publish(plain, tmp_path / "out")

    says(shelf, "two", STOPS)
    code = cli.main(["publish", str(tmp_path / "out"), "-w", str(plain)])

    assert code == 4
    assert "left out: two: There is no log yet." in capsys.readouterr().err
    assert not (tmp_path / "out" / "two.html").exists()
    assert "two.html" not in (tmp_path / "out" / "index.html").read_text("utf-8")


def test_somebody_elses_start_page_is_left_alone(shelf, plain, tmp_path):
    says(shelf, "one", "'one'")
    (tmp_path / "index.html").write_text("mine")

    with pytest.raises(ParameterError, match="none of ours"):
        publish(plain, tmp_path)

    assert (tmp_path / "index.html").read_text() == "mine"


def test_a_parameter_that_no_dashboard_declares_is_refused_before_anything_runs(
    shelf, plain, tmp_path
):
    says(shelf, "one", "'one'")

    for given in ({"segmnt": "x"}, {"workspace": "/etc"}):
        with pytest.raises(ParameterError, match="The edition has no parameter"):
            publish(plain, tmp_path / "out", parameters=given)
    assert not (tmp_path / "out").exists()


CHART = """
import altair as alt, pandas as pd
from journey_widgets.publish.show import show
hostile = "</script><script>document.title = 'owned'</script>"
data = pd.DataFrame({"step": ["a", hostile], "n": [3, 5]})
show(alt.Chart(data).mark_bar().encode(x="n:Q", y="step:N", tooltip=["step:N", "n:Q"]), "How many get through")
"""


@pytest.mark.page
def test_charts_are_pictures_first_and_answer_to_the_mouse_without_any_server(
    shelf, plain, tmp_path, new_page
):
    says(shelf, "one", CHART)
    publish(plain, tmp_path / "out")
    address = (tmp_path / "out" / "one.html").as_uri()

    still = new_page(java_script_enabled=False)
    still.goto(address)
    assert still.locator("figure svg").count() == 1

    page = new_page()
    page.goto(address)
    page.locator("figure .vega-embed svg").wait_for()
    page.locator("figure .vega-embed svg .mark-rect path").first.hover()
    page.get_by_text("How many get through").wait_for()
    assert "a" in page.locator("#vg-tooltip-element").inner_text()
    page.locator(".jw-take summary").click()
    assert page.locator(".jw-take button").all_inner_texts() == ["SVG", "PNG", "CSV", "XLSX"]
    assert page.locator(".jw-nav a[aria-current=page]").inner_text() == "one"
    assert page.title() != "owned"
