"""Two people edit the matrix on two pages: nobody's letters are lost."""

import json
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import psutil
import pytest

from journey_widgets import Workspace
from journey_widgets.publish import explorer, map_page, overview, path_page
from journey_widgets.publish import page as opening
from journey_widgets.publish.impact_page import open_impact
from journey_widgets.publish.matrix_edit import editable_grid
from journey_widgets.publish.page import PageStopped, open_page
from journey_widgets.publish.raci_page import open_raci
from journey_widgets.publish.reports import run_report
from journey_widgets.publish.scorecard_view import open_scorecard


@pytest.fixture
def people(example, monkeypatch):
    """The same page, opened by two people."""
    monkeypatch.setenv("JOURNEY_WORKSPACE", str(example))
    pages = [open_page("RACI"), open_page("RACI")]
    return [(page, editable_grid(page)) for page in pages]


def write(edited, touchpoint, role, text, *, save=True):
    seq = edited.done + 1
    step = {"seq": seq, "op": "cells", "cells": {touchpoint: {role: text}}}
    edited.set_state({"edit": {"seq": seq, "steps": [step], "save": seq if save else 0}})


def press_save(edited):
    seq = edited.done + 1
    edited.set_state({"edit": {"seq": seq, "steps": [], "save": seq}})


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
    assert "One place was changed by somebody else too" in a.status["text"]
    clash = a.clashes[0]
    assert (clash["base"], clash["theirs"], clash["mine"]) == ("R/A", "C", "I")
    assert a.to_document().cell("review", "success_manager") == "A"
    assert Workspace.open(example).raci.cell("social_ad", "marketing_manager") == "C"

    press_save(a)

    now = Workspace.open(example).raci
    assert now.cell("social_ad", "marketing_manager") == "I"
    assert now.cell("review", "success_manager") == "A"
    assert a.clashes == []


def test_rows_that_somebody_removed_meanwhile_are_said_in_words(people, example):
    (_page_a, a), _b = people
    space = Workspace.open(example)
    matrix = space.raci
    space.save(matrix.model_copy(update={"rows": matrix.rows[1:]}))

    write(a, "social_ad", "marketing_manager", "I")

    assert a.status["state"] == "conflict"
    assert a.disputes == ["Social ad: somebody else deleted it, you changed it; it stays."]
    press_save(a)
    assert Workspace.open(example).raci.cell("social_ad", "marketing_manager") == "I"
    assert a.disputes == []


def test_rows_added_and_removed_on_two_pages_both_count(people, example):
    (_page_a, a), (_page_b, b) = people
    add = {"op": "add", "list": "rows", "part": {"label": "Call back"}, "before": None, "seq": 1}
    a.set_state({"edit": {"seq": 1, "steps": [add], "save": 1}})
    gone = {"op": "remove", "list": "rows", "id": "social_ad", "seq": 1}
    b.set_state({"edit": {"seq": 1, "steps": [gone], "save": 1}})

    rows = [r.touchpoint for r in Workspace.open(example).raci.rows]
    assert "call_back" in rows
    assert "social_ad" not in rows
    assert b.rows[-1]["id"] == "call_back"


def test_edits_that_were_not_saved_are_shown_when_the_page_is_run_again(example, monkeypatch):
    monkeypatch.setenv("JOURNEY_WORKSPACE", str(example))
    first = editable_grid(open_page("RACI"))
    write(first, "review", "success_manager", "A", save=False)
    del first  # the kernel restarts

    again = editable_grid(open_page("RACI"))
    assert again.to_document().cell("review", "success_manager") == "A"
    assert again.status["state"] == "draft"
    assert "that were not saved are shown" in again.status["text"]
    assert Workspace.open(example).raci.cell("review", "success_manager") == ""
    again.set_state({"edit": {"seq": 1, "steps": [{"seq": 1, "op": "undo"}], "save": 0}})
    assert again.to_document().cell("review", "success_manager") == ""

    write(again, "review", "sales_rep", "C", save=True)
    assert editable_grid(open_page("RACI")).status["state"] == "unchanged"
    assert Workspace.open(example).raci.cell("review", "sales_rep") == "C"


def test_unsaved_edits_meet_what_others_saved_meanwhile(example, monkeypatch):
    monkeypatch.setenv("JOURNEY_WORKSPACE", str(example))
    first = editable_grid(open_page("RACI"))
    write(first, "review", "success_manager", "A", save=False)
    write(first, "social_ad", "sales_rep", "C", save=False)
    other = editable_grid(open_page("RACI"))
    other.set_state({"edit": {"seq": 1, "steps": [{"seq": 1, "op": "undo"}], "save": 0}})
    write(other, "social_ad", "sales_rep", "R", save=True)
    write(
        first, "review", "marketing_manager", "I", save=False
    )  # the first page keeps its edits again

    again = editable_grid(open_page("RACI"))
    assert again.to_document().cell("review", "success_manager") == "A"
    assert again.to_document().cell("social_ad", "sales_rep") == "C"
    press_save(again)
    assert again.status["state"] == "conflict"
    assert [(c["theirs"], c["mine"]) for c in again.clashes] == [("R", "C")]


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", '{"rev": 9, "at": "2026-01-01", "body": {}}', '{"rev": 1, "at": 5, "body": 7}'],
)
def test_a_damaged_note_of_unsaved_edits_does_no_harm(example, monkeypatch, text):
    monkeypatch.setenv("JOURNEY_WORKSPACE", str(example))
    monkeypatch.setenv("JOURNEY_AUTHOR", "ann")
    (example / ".drafts").mkdir()
    (example / ".drafts" / "raci-ann-0123abcd.json").write_text(text)
    grid = editable_grid(open_page("RACI"))
    assert "could not be read; they are kept in raci-ann-" in grid.status["text"]
    kept = list((example / ".drafts").glob("*.unreadable"))
    assert [p.read_text() for p in kept] == [text]
    write(grid, "review", "success_manager", "A", save=False)
    assert [p.read_text() for p in kept] == [text]


def test_an_earlier_revision_is_restored_from_the_grid(example, monkeypatch):
    monkeypatch.setenv("JOURNEY_WORKSPACE", str(example))
    edited = editable_grid(open_page("RACI"))
    write(edited, "review", "success_manager", "A")
    assert [r["rev"] for r in edited.revisions] == [2, 1]
    edited.set_state(
        {"edit": {"seq": 2, "steps": [{"seq": 2, "op": "restore", "rev": 1}], "save": 0}}
    )
    assert edited.status["text"] == "Revision 1 is restored, as revision 3"
    assert Workspace.open(example).raci.cell("review", "success_manager") == ""


def test_readers_have_no_draft_and_no_history_to_restore(example, monkeypatch):
    monkeypatch.setenv("JOURNEY_WORKSPACE", str(example))
    write(editable_grid(open_page("RACI")), "review", "success_manager", "A", save=False)
    monkeypatch.setenv("JOURNEY_READ_ONLY", "1")
    reader = editable_grid(open_page("RACI"))
    assert reader.read_only
    assert reader.to_document().cell("review", "success_manager") == ""
    assert (reader.can_save, reader.can_restore) == (False, False)


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


@pytest.mark.parametrize(
    "opened", [map_page.open_map, overview.open_overview, open_scorecard, open_raci, open_impact]
)
def test_a_page_about_the_journey_says_what_to_do_where_there_is_none(
    opened, tmp_path, monkeypatch
):
    Workspace.create(tmp_path / "new").close()
    (tmp_path / "new" / "log.csv").write_text(
        "customer_id,ts,event\n" + "".join(f"{c},2026-01-01,visit\n" for c in "abcdefgh"), "utf-8"
    )
    (tmp_path / "new" / "sources.yaml").write_text(
        "schema: sources/1\nevents:\n  file: log.csv\n", "utf-8"
    )
    monkeypatch.setenv("JOURNEY_MODE", "dashboard")
    monkeypatch.setenv("JOURNEY_WORKSPACE", str(tmp_path / "new"))

    with pytest.raises(PageStopped, match="has no journey yet. Draw one"):
        opened()


def test_an_overview_without_a_funnel_still_shows_the_rest(example):
    space = Workspace.open(example)
    space.save(space.journey.model_copy(update={"funnel": ()}))
    space.close()
    page = open_page("Overview", workspace=str(example))
    told = overview.in_short(page)._repr_html_()
    assert "10,000" in told
    assert "Not settled" in told
    for part in (overview.getting_through, overview.losses):
        assert "The journey names no funnel" in repr(part(page))


@pytest.mark.parametrize("name", ["journey_map", "raci"])
def test_a_report_of_a_workspace_without_a_log_is_made(without_log, tmp_path, name):
    report = run_report(name, workspace=without_log, out=tmp_path / "out")

    assert "no event log yet" in report.path.read_text("utf-8")


def test_a_cell_in_a_column_that_somebody_else_removed_is_kept_with_its_column(people, example):
    (_page_a, a), (_page_b, b) = people
    gone = {"op": "remove", "list": "roles", "id": "marketing_manager", "seq": 1}
    b.set_state({"edit": {"seq": 1, "steps": [gone], "save": 1}})

    write(a, "social_ad", "marketing_manager", "I")

    assert a.disputes == [
        "Marketing manager: somebody else removed this role, and you wrote in it; it is kept."
    ]
    assert a.to_document().cell("social_ad", "marketing_manager") == "I"
    press_save(a)
    assert a.status["state"] == "saved"
    assert Workspace.open(example).raci.cell("social_ad", "marketing_manager") == "I"


def test_a_draft_of_a_page_that_is_still_open_is_left_to_it(example, monkeypatch):
    monkeypatch.setenv("JOURNEY_WORKSPACE", str(example))
    monkeypatch.setenv("JOURNEY_AUTHOR", "ann")
    write(editable_grid(open_page("RACI")), "review", "success_manager", "A", save=False)
    (file,) = (example / ".drafts").iterdir()
    noted = json.loads(file.read_text())
    host, _pid, _began = noted["by"]
    first = psutil.Process(1)

    def by(*owner):
        file.write_text(json.dumps({**noted, "by": owner}))

    by(host, 1, first.create_time())  # it runs
    assert editable_grid(open_page("RACI")).status["state"] == "unchanged"
    by("elsewhere", 999_999_999, 5.0)  # nobody can tell
    assert editable_grid(open_page("RACI")).status["state"] == "unchanged"
    by(host, 1, first.create_time() - 1000)  # its number belongs to another one now
    assert editable_grid(open_page("RACI")).status["state"] == "draft"


def test_people_whose_names_begin_alike_do_not_see_each_others_edits(example, monkeypatch):
    monkeypatch.setenv("JOURNEY_WORKSPACE", str(example))
    monkeypatch.setenv("JOURNEY_AUTHOR", "Anna")
    write(editable_grid(open_page("RACI")), "review", "success_manager", "A", save=False)
    for other in ("anna", "an", "Anna Maria"):
        monkeypatch.setenv("JOURNEY_AUTHOR", other)
        assert editable_grid(open_page("RACI")).status["state"] == "unchanged"
    monkeypatch.setenv("JOURNEY_AUTHOR", "Anna")
    assert editable_grid(open_page("RACI")).status["state"] == "draft"


def test_a_clash_beside_a_removed_role_is_shown_too(people, example):
    (_page_a, a), (_page_b, b) = people
    gone = {"op": "remove", "list": "roles", "id": "sales_rep", "seq": 1}
    theirs = {"op": "cells", "cells": {"social_ad": {"marketing_manager": "C"}}, "seq": 2}
    b.set_state({"edit": {"seq": 2, "steps": [gone, theirs], "save": 2}})
    mine = {
        "op": "cells",
        "cells": {"social_ad": {"marketing_manager": "I", "sales_rep": "R/A"}},
        "seq": 1,
    }
    a.set_state({"edit": {"seq": 1, "steps": [mine], "save": 1}})

    assert [(c["row"], c["column"], c["theirs"], c["mine"]) for c in a.clashes] == [
        ("social_ad", "marketing_manager", "C", "I")]  # fmt: skip
    assert a.disputes == [
        "Sales representative: somebody else removed this role, and you wrote in it; it is kept."
    ]


def test_readers_of_a_dashboard_share_no_unsaved_edits(example, monkeypatch):
    monkeypatch.setenv("JOURNEY_WORKSPACE", str(example))
    monkeypatch.setenv("JOURNEY_MODE", "dashboard")
    write(editable_grid(open_page("RACI")), "review", "success_manager", "A", save=False)
    assert not (example / ".drafts").exists()
    assert editable_grid(open_page("RACI")).to_document().cell("review", "success_manager") == ""


def test_a_revision_is_not_restored_over_one_that_was_not_seen(people, example):
    (_page_a, a), (_page_b, b) = people
    write(b, "review", "success_manager", "A")
    a.log.disabled = True
    a.set_state({"edit": {"seq": 1, "steps": [{"seq": 1, "op": "restore", "rev": 1}], "save": 0}})
    assert "Somebody else saved revision 2 meanwhile" in a.status["text"]
    assert Workspace.open(example).raci.cell("review", "success_manager") == "A"


def test_two_pages_that_open_the_example_first_both_show_it(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    both = Barrier(2)

    def first():
        both.wait()
        return opening._example()

    with ThreadPoolExecutor(2) as pool:
        found = [f.result() for f in [pool.submit(first) for _n in range(2)]]
    assert found == [tmp_path / "journey_widgets" / "example"] * 2
    assert Workspace.open(found[0]).journey.touchpoints
