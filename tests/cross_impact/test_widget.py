"""The sliders' Python side: what a page is told, and what it may ask."""

import json

import pandas as pd
import pytest
import traitlets as t

from journey_widgets.cross_impact import CrossImpact
from journey_widgets.cross_impact.evidence import evidence
from journey_widgets.cross_impact.observed import COLUMNS
from journey_widgets.cross_impact.widget import CrossImpactSliders
from journey_widgets.document_widget import SaveResult

SECRET = "Chiara thinks the courier lies"


def panel(**more):
    def cells(values):
        return {s: {n: {"value": v} for n, v in row.items()} for s, row in values.items()}

    return CrossImpact.from_body(
        {
            "factors": [{"id": i, "label": i.upper()} for i in "abc"],
            "outcomes": [{"id": "csat", "label": "CSAT"}],
            "raters": [
                {"id": "anna", "label": "Anna", "cells": cells({"a": {"b": 2, "csat": 3}, "b": {"c": 1, "csat": 1}})},
                {
                    "id": "chiara", "label": "Chiara",
                    "cells": {"b": {"c": {"value": -3, "reason": SECRET}, "csat": {"value": 2.5}}},
                },
            ],
            "consensus": cells({"c": {"csat": -2.5}}),
            **more,
        }
    )  # fmt: skip


def edit(widget, *steps, save=False):
    seq = widget.done + len(steps) if steps else widget.done + 1
    numbered = [{**s, "seq": widget.done + 1 + i} for i, s in enumerate(steps)]
    widget.edit = {"seq": seq, "steps": numbered, "save": seq if save else 0}


def judge(rater, source, target, value):
    return {"op": "cells", "rater": rater, "cells": {source: {target: {"value": value}}}}


def test_the_page_is_told_the_raters_own_matrix_and_what_all_come_to():
    widget = CrossImpactSliders(panel(), rater="Anna")
    assert widget.rater == "anna"
    assert widget.cells[0] == [None, 2, None, 3]
    assert widget.agreed[2] == [None, None, None, -2.5]
    assert widget.spread["b c"] == [-3, 1, -1, 2, 0]
    assert [p["factor"] for p in widget.answer["points"]] == ["a", "b", "c"]
    assert {r["factor"] for r in widget.answer["ranking"]} == {"A", "B", "C"}
    assert "draws" in widget.answer["words"]


def test_in_a_blind_round_nothing_of_others_leaves_python():
    widget = CrossImpactSliders(panel(blind=True), rater="Anna")
    edit(widget, judge("anna", "a", "c", 1))
    sent = json.dumps({k: v for k, v in widget.get_state().items() if k not in ("_esm", "_css")})
    assert SECRET not in sent
    assert "2.5" not in sent
    assert (widget.spread, widget.discuss) == ({}, [])
    assert SECRET not in widget._static()
    assert [r["judged"] for r in widget.raters] == [5, 2]  # that they judged may be seen


def test_in_a_blind_round_another_matrix_can_neither_be_opened_nor_written():
    widget = CrossImpactSliders(panel(blind=True), rater="Anna")
    with pytest.raises(t.TraitError, match="cannot be opened here"):
        widget.rater = "chiara"
    edit(widget, judge("chiara", "a", "b", 1))
    assert "nobody else writes in it" in widget.status["text"]
    edit(widget, judge("consensus", "a", "b", 1))
    assert "The rating round is open" in widget.status["text"]
    edit(widget, {"op": "remove", "list": "raters", "id": "chiara"})
    assert "nobody else changes it" in widget.status["text"]
    assert widget.to_document() == panel(blind=True)


def test_when_the_round_is_closed_everybody_is_seen():
    widget = CrossImpactSliders(panel(blind=True), rater="Anna")
    edit(widget, {"op": "round", "open": False})
    assert "b c" in widget.spread


def test_a_named_person_writes_in_their_own_matrix_only():
    widget = CrossImpactSliders(panel(), rater="Anna")
    with pytest.raises(t.TraitError):
        widget.rater = "chiara"
    edit(widget, judge("chiara", "a", "b", 1))
    assert "nobody else writes in it" in widget.status["text"]
    edit(widget, judge("anna", "a", "b", -1), judge("consensus", "a", "b", 0))
    assert widget.to_document().rater("anna").cells["a"]["b"].value == -1
    assert widget.to_document().consensus["a"]["b"].value == 0


def test_without_a_name_any_rater_can_be_chosen():
    widget = CrossImpactSliders(panel())
    widget.rater = "chiara"
    assert widget.cells[1] == [None, None, -3, 2.5]
    assert widget.notes == {"b c": ["", SECRET]}
    with pytest.raises(t.TraitError, match="no rater 'zoe'"):
        widget.rater = "zoe"


def test_somebody_new_begins_with_an_empty_matrix_of_their_own():
    widget = CrossImpactSliders(panel(), rater="Dina Röhl")
    assert widget.cells == [[None] * 4] * 3
    edit(widget, judge(widget.rater, "a", "b", 2))
    new = widget.to_document().raters[-1]
    assert (new.id, new.label) == ("dina_rohl", "Dina Röhl")


def test_a_slider_on_its_way_is_shown_and_not_kept():
    widget = CrossImpactSliders(panel(), rater="Anna")
    before = widget.answer["points"]
    widget.preview = {"seq": 1, "rater": "anna", "cells": {"c": {"a": {"value": 3}}}}
    assert widget.answer["preview"] == 1
    assert widget.answer["points"] != before
    assert widget.to_document() == panel()
    widget.preview = {"seq": 2, "rater": "chiara", "cells": {"c": {"a": {"value": 3}}}}
    assert widget.answer["points"] == before  # another's matrix is not tried out either


def test_cells_that_were_agreed_on_are_held_at_what_was_agreed():
    open_ = CrossImpactSliders(panel(), rater="Anna")
    settled = CrossImpactSliders(
        panel(consensus={s: {n: {"value": 1} for n in "abc" if n != s} for s in "abc"})
    )
    assert max(r["leads"] for r in settled.answer["ranking"]) == pytest.approx(1 / 3, abs=0.01)
    assert max(r["leads"] for r in open_.answer["ranking"]) > 0.5


def test_what_if_and_its_changes_follow_the_page():
    widget = CrossImpactSliders(panel(), rater="Anna")
    widget.changes = {"a": 0.5}
    rows = {r["id"]: r for r in widget.moved["rows"]}
    assert (rows["a"]["direction"], rows["csat"]["direction"]) == ("held", "better")
    for wrong in ({"a": 2}, {"a": "x"}):
        with pytest.raises(t.TraitError):
            widget.changes = wrong


def test_outcome_and_cut_are_chosen_from_what_is_there():
    widget = CrossImpactSliders(panel(), rater="Anna")
    widget.outcome = "csat"
    assert widget.answer["about"].startswith("Push on CSAT")
    widget.cut = "median"
    for name, wrong in (("outcome", "zzz"), ("cut", "zzz")):
        with pytest.raises(t.TraitError):
            setattr(widget, name, wrong)


def test_a_matrix_without_judgements_says_so_and_fails_nowhere():
    widget = CrossImpactSliders(panel(raters=[], consensus={}))
    assert widget.answer["points"] == []
    assert "blank" in widget.answer["words"]
    assert CrossImpactSliders(CrossImpact()).n_factors == 0


def test_nothing_can_be_edited_where_it_is_only_read():
    widget = CrossImpactSliders(panel(), rater="Anna", read_only=True)
    with pytest.raises(t.TraitError, match="matrix is read-only"):
        edit(widget, judge("anna", "a", "b", 1))
    widget.preview = {"seq": 1, "rater": "anna", "cells": {"c": {"a": {"value": 3}}}}
    assert widget.answer["preview"] == 0


def test_undo_goes_back_over_judgements_names_and_rounds():
    widget = CrossImpactSliders(panel(), rater="Anna", on_save=lambda _d: SaveResult("Saved"))
    edit(widget, judge("anna", "a", "b", -2))
    edit(widget, {"op": "set", "list": "factors", "id": "a", "field": "label", "value": "Alpha"})
    edit(widget, {"op": "undo"}, {"op": "undo"})
    assert widget.to_document() == panel()
    edit(widget, {"op": "redo"})
    assert widget.cells[0][1] == -2


def test_findings_touchpoints_that_are_missing_and_evidence_are_told(made_example):
    from journey_widgets import Workspace

    space = Workspace.open(made_example, read_only=True)
    seen = pd.DataFrame(
        [("a", "b", 3.0, 2.5, 3.6, 0.0, "odds ratio", False, 500, "m")], columns=COLUMNS
    )
    widget = CrossImpactSliders(
        panel(),
        rater="Anna",
        journey=space.journey,
        roles=space.roles,
        evidence=evidence(panel(), seen),
    )
    assert "XIM-06" in {f["code"] for f in widget.findings}
    assert {"id": "checkout", "label": "Checkout"} in widget.missing
    assert widget.evidence["a b"][0] == "related, direction open"
    assert "3.00 (2.50 to 3.60, n 500" in widget.evidence["a b"][1]


def test_the_static_form_needs_no_script_and_escapes_names():
    named = panel(factors=[{"id": i, "label": f"<b>{i}</b>"} for i in "abc"])
    text = CrossImpactSliders(named)._repr_mimebundle_()
    bundle = text[0] if isinstance(text, tuple) else text
    assert "<script" not in bundle["text/html"]
    assert "&lt;b&gt;a&lt;/b&gt; on &lt;b&gt;b&lt;/b&gt;: helps" in bundle["text/html"]
    assert "-2.5" in bundle["text/html"]


def test_a_page_that_claims_to_be_somebody_else_is_not_listened_to():
    widget = CrossImpactSliders(panel(blind=True), rater="Anna", read_only=False)
    widget.set_state({"fixed": False, "rater_label": "Chiara", "blind": False, "agreed": [[9]]})
    assert (widget.fixed, widget.rater_label, widget.blind) == (True, "Anna", True)
    assert SECRET not in json.dumps(widget.get_state(), default=str)
    only = CrossImpactSliders(panel(), read_only=True)
    only.set_state({"read_only": False})
    assert only.read_only


def test_in_a_blind_round_a_page_that_knows_nobody_takes_no_judgement():
    widget = CrossImpactSliders(panel(blind=True))
    for step in (
        judge("anna", "a", "b", 1),
        {"op": "set", "list": "raters", "id": "anna", "field": "handed_in", "value": True},
        {"op": "add", "list": "raters", "part": {"label": "Dora"}},
    ):
        edit(widget, step)
        assert "knows who you are" in widget.status["text"]
    assert widget.to_document() == panel(blind=True)


def test_in_a_blind_round_verdicts_of_the_data_are_not_told():
    seen = pd.DataFrame(
        [("b", "c", "odds ratio", 3.0, 2.0, 4.0, 90, "test")],
        columns=["source", "target", "measure", "value", "low", "high", "n", "method"],
    ).reindex(columns=COLUMNS)
    found = evidence(panel(), [seen])
    assert CrossImpactSliders(panel(), evidence=found).evidence
    widget = CrossImpactSliders(panel(blind=True), rater="Anna", evidence=found)
    assert widget.evidence == {}
    edit(widget, {"op": "round", "open": False})
    assert widget.evidence


def test_in_a_blind_round_what_others_judged_cannot_be_taken_away_unseen():
    widget = CrossImpactSliders(panel(blind=True), rater="Anna")
    edit(widget, {"op": "remove", "list": "factors", "id": "b"})
    assert "close the round first" in widget.status["text"]
    assert widget.to_document() == panel(blind=True)


def test_a_rater_is_added_by_name_only_and_not_by_somebody_who_rates():
    leads = CrossImpactSliders(panel())
    edit(leads, {"op": "add", "list": "raters", "part": {"label": "Dora"}})
    assert leads.to_document().rater("dora").label == "Dora"
    full = {"label": "Eve", "cells": {"a": {"b": {"value": 3}}}}
    edit(leads, {"op": "add", "list": "raters", "part": full})
    assert "added by name" in leads.status["text"]
    rates = CrossImpactSliders(panel(), rater="Anna")
    edit(rates, {"op": "add", "list": "raters", "part": {"label": "Dora"}})
    assert "whoever leads" in rates.status["text"]


def test_who_judges_on_has_not_handed_in_any_more():
    widget = CrossImpactSliders(panel(blind=True), rater="Anna")
    edit(widget, {"op": "set", "list": "raters", "id": "anna", "field": "handed_in", "value": True})
    assert widget.to_document().rater("anna").handed_in
    edit(widget, judge("anna", "a", "b", 2))
    assert widget.to_document().rater("anna").handed_in
    edit(widget, judge("anna", "a", "b", 1))
    assert not widget.to_document().rater("anna").handed_in


@pytest.mark.parametrize(
    "step",
    [
        {"op": "add", "list": "factors", "part": 7},
        {"op": "add", "list": ["x"], "part": {"label": 3}},
        {"op": "set", "list": "raters", "id": [], "field": {}, "value": 1},
        {"op": "cells", "rater": "anna", "cells": {"a": {"b": 7}}},
        {"op": "cells", "rater": "anna", "cells": {"a": 7}},
        {"op": 5},
    ],
)
def test_what_is_no_edit_is_refused_in_words_and_changes_nothing(step):
    widget = CrossImpactSliders(panel())
    edit(widget, step)
    assert widget.status["text"].startswith("Not taken: ")
    assert (widget.to_document(), widget.done) == (panel(), 1)


def test_a_kpi_may_be_written_as_a_name():
    plan = {"id": "help", "label": "Help", "changes": {"a": 0.5}}
    widget = CrossImpactSliders(panel(interventions=[plan]))
    edit(
        widget,
        {
            "op": "set",
            "list": "interventions",
            "id": "help",
            "field": "kpi",
            "value": "First contact resolution",
        },
    )
    assert widget.to_document().interventions[0].kpi == "first_contact_resolution"


def test_the_answer_keeps_the_number_of_the_last_preview():
    widget = CrossImpactSliders(panel(), rater="Anna")
    widget.preview = {"seq": 4, "rater": "anna", "cells": {"a": {"b": {"value": 3}}}}
    assert widget.answer["preview"] == 4
    edit(widget, judge("anna", "a", "b", 3))
    assert widget.answer["preview"] == 4
