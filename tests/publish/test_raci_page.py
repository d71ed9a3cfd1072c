"""The RACI page: words, tables and pictures, and what its parameters take."""

import pytest

from journey_widgets import Workspace
from journey_widgets.errors import ParameterError
from journey_widgets.publish import raci_page
from journey_widgets.publish.page import PageStopped
from journey_widgets.publish.reports import run_report


@pytest.fixture
def view(example, monkeypatch):
    monkeypatch.setenv("JOURNEY_MODE", "report")
    monkeypatch.setenv("JOURNEY_WORKSPACE", str(example))
    return raci_page.open_raci()


def test_the_page_says_in_short_what_is_settled_and_what_the_log_says(view):
    words = repr(raci_page.in_short(view))
    assert "14 of 15 rows have exactly one accountable role" in words
    assert "14 of 16 touchpoints" in words
    assert "3 errors, 1 acknowledged" in words
    assert (
        "Of 2,007 handling events in the support log, 64% were done by a role that is planned"
        in words
    )


def test_gaps_come_by_how_many_pass_and_how_it_feels(view):
    table = raci_page.gaps(view)._repr_html_()
    assert table.index("Review") < table.index("Referral")
    assert ">832<" in table


def test_a_row_that_is_on_no_map_goes_by_its_own_name(example, monkeypatch):
    monkeypatch.setenv("JOURNEY_MODE", "report")
    monkeypatch.setenv("JOURNEY_WORKSPACE", str(example))
    space = Workspace.open(example)
    row = space.raci.rows[0].model_copy(update={"touchpoint": "fax", "label": "Fax line"})
    space.save(space.raci.model_copy(update={"rows": (*space.raci.rows, row)}))
    assert ">Fax line<" in raci_page.gaps(raci_page.open_raci())._repr_html_()


def test_the_planted_doer_and_both_readings_are_on_the_page(view):
    words = raci_page.evidence(view)._repr_html_()
    assert "42% of 1,685 events (40% to 45%) are done by roles that are not planned for it" in words
    assert "or is the plan out of date?" in words
    assert "13 touchpoints have too few events to be judged." in words
    assert "Least as planned: Set-up help, where 58% of 1,685 events" in repr(
        raci_page.plan_against_log(view)
    )
    assert "64% of the events would fit now, 92% then" in raci_page.draft(view)._repr_html_()
    assert "1,623 in all" in raci_page.handed_over(view)._repr_html_()


def test_one_role_has_a_page_of_its_own(example, monkeypatch):
    monkeypatch.setenv("JOURNEY_MODE", "report")
    monkeypatch.setenv("JOURNEY_WORKSPACE", str(example))
    one = raci_page.role_pages(raci_page.open_raci(role="success_manager"))._repr_html_()
    assert one.count("<section") == 1
    assert "Held by Eva Monti. 5 times A, 1 times I." in one
    assert raci_page.role_pages(raci_page.open_raci())._repr_html_().count("<section") == 7


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"role": "succes_manager"}, "no role 'succes_manager'. Did you mean 'success_manager'"),
        ({"matrix": "7"}, "a revision from 1 to 1 was needed"),
        ({"matrix": "x"}, "a revision from 1 to 1 was needed"),
        ({"window": "spring"}, "no period 'spring'"),
        ({"policy": "review_day=3"}, "no limit 'review_day'. Did you mean 'review_days'"),
        ({"policy": "review_days=soon"}, "a number from 0 was needed, such as review_days=90"),
        ({"policy": "review_days=-1"}, "a number from 0 was needed"),
    ],
)
def test_wrong_parameters_are_said_in_one_sentence(example, monkeypatch, given, words):
    monkeypatch.setenv("JOURNEY_WORKSPACE", str(example))
    with pytest.raises(PageStopped) as caught:
        raci_page.open_raci(**given)
    assert words in str(caught.value)


def test_limits_of_the_rules_and_days_of_the_log_can_be_set(example, monkeypatch):
    monkeypatch.setenv("JOURNEY_MODE", "report")
    monkeypatch.setenv("JOURNEY_WORKSPACE", str(example))
    assert raci_page.read_policy("").review_days == 90
    assert raci_page.read_policy("review_days=30, unplanned_share=0.5").unplanned_share == 0.5
    with pytest.raises(ParameterError):
        raci_page.read_policy("publishing=1")
    loose = raci_page.open_raci(policy="unplanned_share=0.5")
    assert "EVD-01" not in raci_page.evidence(loose)._repr_html_()
    march = raci_page.open_raci(window="2026-03")
    assert march.log.touchpoints["n"].sum() < 400
    assert march.log.touchpoints["n"].sum() == len(
        [1 for t in Workspace.open(example).tickets().to_pandas().query("activity == 'Handled'")["ts"]
         if (t.tz_localize("UTC").tz_convert("Europe/Rome").strftime("%Y-%m") == "2026-03")]
    )  # fmt: skip


def test_an_earlier_revision_is_looked_at_and_not_edited(example, monkeypatch):
    monkeypatch.setenv("JOURNEY_WORKSPACE", str(example))
    space = Workspace.open(example)
    space.save(space.raci.model_copy(update={"label": "Second"}))
    old = raci_page.open_raci(matrix="1")
    assert "Who does what for phone buyers" in repr(raci_page.the_matrix(old))
    assert raci_page.open_raci(matrix="2").revision is None
    assert raci_page.the_matrix(raci_page.open_raci()).label == "Second"


def test_without_a_support_log_the_rest_is_there(tmp_path, monkeypatch):
    monkeypatch.setenv("JOURNEY_MODE", "report")
    Workspace.create(tmp_path / "space", template="support_roles").close()
    monkeypatch.setenv("JOURNEY_WORKSPACE", str(tmp_path / "space"))
    view = raci_page.open_raci()
    for part in (
        raci_page.plan_against_log,
        raci_page.evidence,
        raci_page.handed_over,
        raci_page.draft,
    ):
        assert "no support log" in repr(part(view))
    for part in (raci_page.in_short, raci_page.the_matrix, raci_page.gaps, raci_page.stages, raci_page.load,
                 raci_page.role_pages, raci_page.history, raci_page.notes):  # fmt: skip
        assert part(view)._repr_html_()


def test_a_report_of_one_role_is_made(example, tmp_path):
    report = run_report("raci", workspace=example, out=tmp_path, parameters={"role": "courier"})
    page = report.path.read_text("utf-8")
    assert "Held by Corriere Rapido." in page
    assert page.count('<section class="jw-sheet">') == 1
