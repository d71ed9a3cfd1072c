"""Two people edit the matrix on two pages: nobody's letters are lost."""

import pytest

from journey_widgets import Workspace
from journey_widgets.publish import explorer, map_page, path_page
from journey_widgets.publish.page import PageStopped, grid, open_page
from journey_widgets.publish.reports import run_report


@pytest.fixture
def people(example, monkeypatch):
    """The same page, opened by two people."""
    monkeypatch.setenv("JOURNEY_WORKSPACE", str(example))
    pages = [open_page("RACI"), open_page("RACI")]
    return [(page, grid(page)) for page in pages]


def write(edited, touchpoint, role, text, *, save=True):
    rows = [r["id"] for r in edited.rows]
    columns = [r["id"] for r in edited.roles]
    seq = edited.done + 1
    changes = [[rows.index(touchpoint), columns.index(role), text]]
    edited.set_state({"edit": {"seq": seq, "changes": changes, "save": seq if save else 0}})


def test_a_second_save_keeps_what_the_first_one_merged_in(people, example):
    (_page_a, a), (_page_b, b) = people

    write(b, "review", "success_manager", "A")
    write(a, "social_ad", "support_rep", "I")
    assert a.status["text"] == "Saved as revision 3, with others' edits merged in"
    assert a.to_document().cell("review", "success_manager") == "A"
    write(a, "blog_article", "support_rep", "I")

    now = Workspace.open(example).raci
    assert now.cell("review", "success_manager") == "A"
    assert (now.cell("social_ad", "support_rep"), now.cell("blog_article", "support_rep")) == (
        "I",
        "I",
    )


def test_looking_at_the_newest_state_elsewhere_does_not_overwrite_it(people, example):
    (page_a, a), (_page_b, b) = people

    write(b, "review", "success_manager", "A")
    page_a.owners()
    page_a.findings()
    write(a, "social_ad", "support_rep", "I")

    assert Workspace.open(example).raci.cell("review", "success_manager") == "A"


def test_a_cell_both_changed_is_settled_by_saving_again(people, example):
    (_page_a, a), (_page_b, b) = people
    write(b, "social_ad", "marketing_manager", "C")
    write(b, "review", "success_manager", "A")

    write(a, "social_ad", "marketing_manager", "I")

    assert a.status["state"] == "conflict"
    assert "One cell was changed by somebody else too" in a.status["text"]
    clash = a.clashes[0]
    assert (clash["base"], clash["theirs"], clash["mine"]) == ("R/A", "C", "I")
    assert a.to_document().cell("review", "success_manager") == "A"
    assert Workspace.open(example).raci.cell("social_ad", "marketing_manager") == "C"

    a.set_state({"edit": {"seq": a.done + 1, "changes": [], "save": a.done + 1}})

    now = Workspace.open(example).raci
    assert now.cell("social_ad", "marketing_manager") == "I"
    assert now.cell("review", "success_manager") == "A"
    assert a.clashes == []


def test_rows_that_somebody_removed_meanwhile_are_said_in_words(people, example):
    (_page_a, a), _b = people
    a.log.disabled = True
    space = Workspace.open(example)
    matrix = space.raci
    space.save(matrix.model_copy(update={"rows": matrix.rows[1:]}))

    write(a, "social_ad", "marketing_manager", "I")

    assert a.status["state"] == "error"
    assert "Run the page again to see it as it is now." in a.status["text"]


@pytest.fixture
def without_log(tmp_path, monkeypatch):
    space = Workspace.create(tmp_path / "space", template="sales_journey")
    space.close()
    monkeypatch.setenv("JOURNEY_WORKSPACE", str(tmp_path / "space"))
    return tmp_path / "space"


def test_a_map_without_an_event_log_is_shown_and_says_what_is_missing(without_log):
    page = open_page("Journey map", log_needed=False)

    assert "no event log yet" in repr(page.heading())
    assert "24 touchpoints in 4 stages" in repr(map_page.in_short(page))
    assert map_page.the_map(page)
    pains = path_page.pain_points(page)
    for part in (
        path_page.flow_picture(page), path_page.step_picture(page, 4), path_page.pain_sentence(page, pains),
        path_page.pain_table(page, pains), path_page.went_instead(page, pains), path_page.difference(page, pains),
        path_page.designed(page), path_page.ways(page), path_page.by_persona(page), path_page.channels(page),
        path_page.retention(page), explorer.explorer(page), page.data_check(),
    ):  # fmt: skip
        assert "name its file under events in sources.yaml" in repr(part)
    assert "24 touchpoints have no claim backed by data" in repr(path_page.what_next(page, pains))


def test_a_page_about_customers_stops_without_an_event_log(without_log):
    with pytest.raises(PageStopped, match="This workspace has no event log yet"):
        open_page("Overview")
    with pytest.raises(PageStopped, match="no segment and no period"):
        open_page("Journey map", segment="device=mobile", log_needed=False)


@pytest.mark.parametrize("name", ["journey_map", "raci"])
def test_a_report_of_a_workspace_without_a_log_is_made(without_log, tmp_path, name):
    report = run_report(name, workspace=without_log, out=tmp_path / "out")

    assert "no event log yet" in report.path.read_text("utf-8")
