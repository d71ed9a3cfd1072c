"""The cross-impact page's words and tables, on the example and on workspaces that lack something."""

import re
from datetime import date

import pandas as pd
import pytest

from journey_widgets import CrossImpactSliders, Workspace
from journey_widgets.cross_impact import CrossImpact, Futures
from journey_widgets.publish import impact_page
from journey_widgets.publish.impact_edit import ImpactEdit
from journey_widgets.publish.modes import MODE
from journey_widgets.publish.page import PageStopped, segments
from journey_widgets.publish.show import Several

PARTS = (
    "in_short", "steps", "the_matrix", "influence_picture", "ranking", "hidden", "to_discuss", "evidence", "priorities",
    "interventions", "watched", "iterations", "futures", "findings",
)  # fmt: skip


@pytest.fixture
def view(made_example):
    return impact_page.open_impact(str(made_example))


def words(part):
    return repr(part), part._repr_html_()


def test_the_page_says_who_leads_how_sure_that_is_and_what_is_open(view):
    plain, _markup = words(impact_page.in_short(view))
    assert plain.startswith(
        "Of all influence, chains counted: Set-up help leads in 99% of draws: it is safe to call it the lever. "
        "4 people judged: good agreement"
    )
    assert "2 of 3 open interventions have an owner and a KPI." in plain


def test_each_step_says_whether_it_is_done(view):
    _plain, markup = words(impact_page.steps(view))
    states = [row.split("</td>")[1] for row in markup.split("<tr>")[2:]]
    assert ["done" if "✓" in s else "open" for s in states] == [
        "done", "done", "done", "open", "done", "open",
    ]  # fmt: skip
    assert "without owner or KPI: No upgrade offer while a case is open" in markup


def test_step_four_is_done_when_every_intervention_has_owner_and_kpi(example):
    space = Workspace.open(example)
    body = space.cross_impact.body()
    for one in body["interventions"]:
        one["kpi"] = one.get("kpi", "complaints")
    space.save(CrossImpact.from_body(body), note="named the KPI")
    view = impact_page.open_impact(str(example))
    _plain, markup = words(impact_page.steps(view))
    assert markup.count("✓ done") == 6
    _plain, markup = words(impact_page.iterations(view))
    assert "No rank moved." in markup


def test_a_judgement_that_changed_is_shown_with_its_reason_and_the_ranks_it_moved(example):
    space = Workspace.open(example)
    body = space.cross_impact.body()
    for r in body["raters"]:
        r["cells"]["setup_help"] = {"review": {"value": 1, "reason": "<b>new</b> survey"}}
    space.save(CrossImpact.from_body(body), note="after the survey")
    _plain, markup = words(impact_page.iterations(impact_page.open_impact(str(example))))
    assert "Ranks that moved from revision 1 to 2" in markup
    assert "&lt;b&gt;new&lt;/b&gt; survey" in markup
    assert "Set-up help → Review" in markup


def test_judgement_and_data_contradict_each_other_where_it_was_planted(view):
    _plain, markup = words(impact_page.evidence(view))
    assert "Delivery → Advocacy" in markup
    assert "experts high, data none" in markup
    assert "never averaged" in markup


def test_the_chain_behind_the_leader_is_told_in_words(view):
    _plain, markup = words(impact_page.hidden(view))
    assert "The strongest ways from Set-up help to Satisfaction" in markup
    assert "If Set-up help gets better, Satisfaction gets better." in markup


def test_the_kpi_of_a_running_intervention_is_watched_and_called_weak_without_a_comparison(view):
    answers = view.page.workspace.answers().to_pandas()
    own = answers[(answers["question_id"] == "setup_csat") & answers["score"].notna()]
    local = own["ts"].dt.tz_localize("UTC").dt.tz_convert("Europe/Rome")
    later = local >= pd.Timestamp("2026-06-01", tz="Europe/Rome")
    change = own.loc[later, "score"].mean() - own.loc[~later, "score"].mean()
    _plain, markup = words(impact_page.watched(view))
    assert "Technical specialist on the first call" in markup
    assert "weak: before and after only" in markup
    assert f"{change:,.4g}" in markup
    assert "One-page checkout" not in markup  # it has not begun


def test_an_outcome_can_be_chosen_and_priorities_follow(made_example):
    view = impact_page.open_impact(str(made_example), outcome="retention")
    assert words(impact_page.in_short(view))[0].startswith("Of all influence on Retention")
    assert "Where acting promises most for Retention" in words(impact_page.priorities(view))[1]


def test_the_analyst_gets_sliders_a_report_gets_a_table(made_example, monkeypatch):
    view = impact_page.open_impact(str(made_example))
    assert isinstance(impact_page.the_matrix(view), CrossImpactSliders)
    monkeypatch.setenv(MODE, "report")
    _plain, markup = words(impact_page.the_matrix(view))
    assert "<table" in markup
    assert "<script" not in markup
    assert "<svg" in words(impact_page.influence_picture(view))[1]
    assert "leads in 99%" in words(impact_page.ranking(view))[0]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"outcome": "retentoin"}, "Did you mean 'retention'"),
        ({"cut": "average"}, "cut is 'average'"),
        ({"matrix": "9"}, "a revision from 1 to 1"),
        ({"draws": 0}, "a whole number from 1 to 20,000"),
        ({"seed": "x"}, "seed is 'x'"),
    ],
)
def test_a_wrong_parameter_is_said_in_one_sentence(made_example, given, said):
    with pytest.raises(PageStopped, match=said):
        impact_page.open_impact(str(made_example), **given)


def shown_everywhere(folder, monkeypatch, *modes):
    for mode in modes:
        monkeypatch.setenv(MODE, mode)
        view = impact_page.open_impact(str(folder))
        for part in PARTS:
            found = getattr(impact_page, part)(view)
            # In a dashboard the sliders have the same as a table below them.
            assert isinstance(found, Several) == (part == "the_matrix" and mode == "dashboard")
            for shown in found.pieces if isinstance(found, Several) else [found]:
                if isinstance(shown, CrossImpactSliders):
                    assert shown.columns
                elif shown is not None:
                    plain, markup = words(shown)
                    assert plain, part
                    assert not re.search(r"\b(?:nan|None|NaT|inf|Traceback)\b", markup), part


def test_a_workspace_where_nobody_judged_says_so_on_every_part(tmp_path, monkeypatch):
    Workspace.create(tmp_path / "w", template="sales_journey").close()
    view = impact_page.open_impact(str(tmp_path / "w"))
    assert "Nobody has judged anything yet" in words(impact_page.in_short(view))[0]
    shown_everywhere(tmp_path / "w", monkeypatch, "notebook", "dashboard", "report")


def test_a_blind_round_shows_nothing_of_what_was_judged(example, monkeypatch):
    space = Workspace.open(example)
    body = {**space.cross_impact.body(), "blind": True}
    body["raters"][1]["cells"]["delivery"]["advocacy"]["reason"] = "SECRET"
    space.save(CrossImpact.from_body(body))
    monkeypatch.setenv(MODE, "dashboard")
    view = impact_page.open_impact(str(example))
    for part in PARTS:
        shown = getattr(impact_page, part)(view)
        if isinstance(shown, CrossImpactSliders):
            assert "SECRET" not in str(shown.get_state())
            assert shown.cells == [[None] * 16] * 12
        elif shown is not None:
            assert "SECRET" not in shown._repr_html_()
            assert "99%" not in shown._repr_html_()


def test_futures_that_hold_together_are_listed(example):
    cib = {
        "descriptors": [
            {"name": "Staffing", "variants": ["keep", "cut"]}, {"name": "CSAT", "variants": ["up", "down"]},
        ],
        "matrix": [[0, 0, 2, -2], [0, 0, -2, 2], [1, -1, 0, 0], [-1, 1, 0, 0]],
    }  # fmt: skip
    Workspace.open(example).save(Futures.from_cib(cib))
    _plain, markup = words(impact_page.futures(impact_page.open_impact(str(example))))
    assert "Of 4 combinations 2 hold together" in markup


def test_every_part_is_shown_in_every_mode(made_example, monkeypatch):
    shown_everywhere(made_example, monkeypatch, "notebook", "dashboard", "report")


def changed(folder, change):
    """Save the example's matrix with something changed; return its page."""
    space = Workspace.open(folder)
    body = space.cross_impact.body()
    change(body)
    space.save(CrossImpact.from_body(body))
    return impact_page.open_impact(str(folder))


def test_an_earlier_revision_is_not_shown_while_a_blind_round_is_open(example, monkeypatch):
    changed(example, lambda body: body.update(blind=True))
    monkeypatch.setenv(MODE, "dashboard")
    view = impact_page.open_impact(str(example), matrix="1")
    for part in PARTS:
        shown = getattr(impact_page, part)(view)
        assert shown is None or "Set-up help leads" not in shown._repr_html_()
    assert "blind rating round is open" in words(impact_page.the_matrix(view))[0]


def test_where_touchpoints_act_on_outcomes_only_every_part_still_answers(example, monkeypatch):
    def only_outcomes(body):
        factors = {f["id"] for f in body["factors"]}
        for r in body["raters"]:
            for row in r["cells"].values():
                for target in factors & set(row):
                    del row[target]
        body.pop("consensus", None)

    changed(example, only_outcomes)
    shown_everywhere(example, monkeypatch, "notebook", "report")


def test_an_outcome_that_came_later_is_not_compared_with_a_revision_without_it(example):
    def add(body):
        outcomes = [{"id": o.id, "label": o.label} for o in CrossImpact().outcomes]
        body["outcomes"] = [*body.get("outcomes", outcomes), {"id": "trust", "label": "Trust"}]
        body["raters"][0]["cells"]["delivery"]["trust"] = {"value": 2}

    changed(example, add)
    view = impact_page.open_impact(str(example), outcome="trust")
    assert "Revision 1 had no Trust yet" in words(impact_page.iterations(view))[0]
    assert "Of all influence on Trust" in words(impact_page.in_short(view))[0]


def test_notes_name_outcomes_by_label_and_no_function(made_example, monkeypatch):
    monkeypatch.setenv(MODE, "report")
    view = impact_page.open_impact(str(made_example), outcome="satisfaction")
    for part in ("priorities", "ranking", "influence_picture", "watched", "hidden"):
        _plain, markup = words(getattr(impact_page, part)(view))
        assert "on satisfaction" not in markup
        assert "cross_impact." not in markup
    assert "total push on Satisfaction" in words(impact_page.priorities(view))[1]


def test_recommending_is_held_against_other_buyers_and_named_as_what_was_reached(view):
    (visits, *_others) = impact_page.observed(view)
    assert set(visits["source"]) == {
        "delivery",
        "setup_help",
        "warranty_claim",
        "upgrade_offer",
        "review",
    }
    row = {
        "method": "Mantel-Haenszel by step",
        "target": "advocacy",
        "measure": "odds ratio",
        "value": 2.0,
        "low": 1.0,
        "high": 3.0,
    }
    assert impact_page._measured(view, row) == (
        "reaching Referral, odds ratio 2.00 (1.00 to 3.00), held against others at the same step of the path"
    )


def test_a_page_about_some_customers_says_that_survey_and_cases_are_of_all(made_example, view):
    column = next(iter(segments(view.page.log)))
    value = segments(view.page.log)[column][0]
    some = impact_page.open_impact(str(made_example), segment=f"{column}={value}")
    assert "Survey and cases are of all customers" in words(impact_page.evidence(some))[1]
    assert "Survey and cases" not in words(impact_page.evidence(view))[1]


def test_data_about_very_few_customers_are_no_evidence_on_a_page(made_example, monkeypatch):
    monkeypatch.setenv(MODE, "dashboard")
    view = impact_page.open_impact(str(made_example))
    assert view.page.least > 1
    assert all((frame["n"] >= view.page.least).all() for frame in impact_page.observed(view))


def test_judgements_that_differ_much_are_called_a_first_guess(example):
    def turn(body):
        for row in body["raters"][0]["cells"].values():
            for cell in row.values():
                if isinstance(cell["value"], int | float):
                    cell["value"] = -cell["value"]

    plain, _markup = words(impact_page.in_short(changed(example, turn)))
    assert "little agreement" in plain
    assert "They differ too much for the order to be more than a first guess." in plain


def test_what_was_agreed_alone_is_called_so(example):
    def agree(body):
        first = body["raters"][1]["cells"]
        body["consensus"] = {
            s: {
                t: {"value": c["value"]}
                for t, c in row.items()
                if isinstance(c["value"], int | float)
            }
            for s, row in first.items()
        }
        body["raters"] = []

    view = changed(example, agree)
    assert "It stands on what was agreed" in words(impact_page.in_short(view))[0]
    assert "Only what was agreed is kept" in words(impact_page.to_discuss(view))[0]
    said = words(impact_page.steps(view))[1]
    assert "0 raters" in said
    assert "0 of 180" not in said


def test_two_people_who_wrote_in_one_cell_are_told_by_labels(example):
    space = Workspace.open(example)
    edits = [
        ImpactEdit(impact_page.open_impact(str(example)).page, space.cross_impact) for _ in range(2)
    ]
    for edit, value in zip(edits, (1, -1), strict=True):
        body = edit.document.body()
        body["consensus"] = {"setup_help": {"review": {"value": value}}}
        result = edit.save(CrossImpact.from_body(body))
    assert result.words == (
        "agreed, Set-up help on Review: somebody else wrote “1”, you wrote “-1”.",
    )


def test_in_a_blind_round_a_clash_tells_nothing_of_what_the_other_wrote(example):
    view = changed(example, lambda body: body.update(blind=True))
    space = Workspace.open(example)
    edits = [ImpactEdit(view.page, space.cross_impact) for _ in range(2)]
    for edit, value in zip(edits, (-3, 3), strict=True):
        body = edit.document.body()
        body["raters"][0]["cells"]["setup_help"]["review"] = {"value": value}
        result = edit.save(CrossImpact.from_body(body))
    (said,) = result.words
    assert said.endswith("Set-up help on Review: both of you changed it; yours is shown.")


def test_priorities_take_their_gaps_from_the_scorecard(view):
    markup = words(impact_page.priorities(view))[1]
    assert "farthest from its target on the scorecard" in markup
    there = view.scorecard.there
    wide = there[there["touchpoint"] == "setup_help"]["gap"].max()
    assert f"{wide:.1%}" in markup


def test_a_kpi_of_the_scorecard_is_watched_by_it(example):
    space = Workspace.open(example)
    panel = space.cross_impact
    plan = panel.interventions[0].model_copy(
        update={
            "kpi": "cart_abandonment",
            "starts": date(2026, 4, 15),
            "ends": None,
            "status": "running",
        }
    )
    late = plan.model_copy(update={"id": "late", "label": "Late", "starts": date(2027, 1, 1)})
    strange = plan.model_copy(update={"id": "strange", "label": "Strange", "kpi": "goodwill"})
    space.save(panel.model_copy(update={"interventions": (plan, late, strange)}))
    view = impact_page.open_impact(str(example))
    markup = words(impact_page.watched(view))[1]
    series = view.scorecard.series
    judged = (series["kpi"] == "cart_abandonment") & ~series["open"] & (series["state"] == "")
    own = series[judged].set_index("period")["value"]
    before, now = own["2026-03-01"], own.iloc[-1]
    assert f"{100 * before:.1f}% in March 2026, {100 * now:.1f}% in" in markup
    assert "weak: before and after only" in markup
    assert "no closed period since it began yet" in markup
    assert "neither a question of the survey nor a KPI of the scorecard" in markup
