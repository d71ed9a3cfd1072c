"""Edits of the document: each is applied as a whole or refused in words."""

import pytest

from journey_widgets.cross_impact import CrossImpact
from journey_widgets.cross_impact.edits import apply_edit
from journey_widgets.errors import DocumentError

PANEL = CrossImpact.from_body(
    {
        "factors": [{"id": i, "label": i.upper()} for i in "abc"],
        "outcomes": [{"id": "csat", "label": "CSAT"}],
        "raters": [
            {
                "id": "anna",
                "label": "Anna",
                "handed_in": True,
                "cells": {"a": {"b": {"value": 1}, "csat": {"value": 2}}, "b": {"a": {"value": 3}}},
            }
        ],
        "consensus": {"b": {"a": {"value": 2}}},
        "interventions": [{"id": "i", "label": "I", "changes": {"a": 0.5, "b": 0.1}}],
    }
)


def edited(**edit):
    return apply_edit(PANEL, edit)


def test_judgements_are_written_and_emptied_and_the_rest_stays_the_same_object():
    after = edited(
        op="cells", rater="anna", cells={"a": {"b": None, "c": {"value": -2, "reason": "slow"}}}
    )
    assert after.rater("anna").cells["a"]["c"].value == -2
    assert list(after.rater("anna").cells["a"]) == ["c", "csat"]
    assert after.consensus is PANEL.consensus
    assert CrossImpact.from_text(after.to_text()) == after


def test_a_new_rater_begins_with_the_first_judgement():
    after = edited(op="cells", rater="ben", label="Ben", cells={"c": {"a": {"value": 0}}})
    assert [(r.id, r.label) for r in after.raters] == [("anna", "Anna"), ("ben", "Ben")]


def test_what_is_agreed_is_written_beside_the_originals():
    after = edited(op="cells", rater="consensus", cells={"a": {"b": {"value": 1.5}}})
    assert after.consensus["a"]["b"].value == 1.5
    assert after.raters == PANEL.raters


def test_removing_a_touchpoint_takes_its_judgements_and_plans_with_it():
    after = edited(op="remove", list="factors", id="b")
    assert [f.id for f in after.factors] == ["a", "c"]
    assert after.rater("anna").cells == {"a": {"csat": PANEL.rater("anna").cells["a"]["csat"]}}
    assert after.consensus == {}
    assert after.interventions[0].changes == {"a": 0.5}


def test_parts_are_added_moved_and_changed():
    after = edited(op="add", list="factors", part={"label": "Set-up help"}, before="b")
    assert [f.id for f in after.factors] == ["a", "set_up_help", "b", "c"]
    after = edited(op="move", list="factors", id="c", before="a")
    assert [f.id for f in after.factors] == ["c", "a", "b"]
    after = edited(op="set", list="interventions", id="i", field="owner", value="pm")
    assert after.interventions[0].owner == "pm"
    assert (
        edited(op="set", list="factors", id="a", field="satisfaction", value=4)
        .factors[0]
        .satisfaction
        == 4
    )
    assert edited(op="add", list="outcomes", part={"label": "Churn"}).outcome_ids() == [
        "csat",
        "churn",
    ]


def test_an_outcome_added_to_the_usual_four_keeps_them():
    usual = CrossImpact.from_body({"factors": [{"id": "a", "label": "A"}]})
    after = apply_edit(usual, {"op": "add", "list": "outcomes", "part": {"label": "Churn"}})
    assert after.outcome_ids() == ["satisfaction", "effort", "retention", "advocacy", "churn"]


def test_a_round_that_opens_takes_back_what_was_handed_in():
    after = edited(op="round", open=True)
    assert (after.blind, after.raters[0].handed_in) == (True, False)
    assert not apply_edit(after, {"op": "round", "open": False}).blind


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        ({"op": "cells", "rater": "anna", "cells": {"z": {"a": {"value": 1}}}}, "no row 'z'"),
        ({"op": "cells", "rater": "anna", "cells": {"a": {"z": {"value": 1}}}}, "no column 'z'"),
        ({"op": "cells", "rater": "anna", "cells": {"a": {"a": {"value": 1}}}}, "diagonal stays empty"),
        ({"op": "cells", "rater": "anna", "cells": {"a": {"b": {"value": 9}}}}, "from -3 to 3"),
        ({"op": "cells", "rater": "anna", "cells": {"a": {"b": {"value": 1, "x": 1}}}}, "Extra inputs"),
        ({"op": "cells", "rater": "anna", "cells": {"a": {"b": {"value": 1, "reason": "a\nb"}}}}, "line break"),
        ({"op": "cells", "rater": "Not an id", "cells": {}}, "raters.0.id"),
        ({"op": "cells", "rater": "anna", "cells": []}, "source → target"),
        ({"op": "set", "list": "factors", "id": "z", "field": "label", "value": "x"}, "no factor 'z'"),
        ({"op": "set", "list": "factors", "id": "a", "field": "id", "value": "x"}, "'id' cannot be changed"),
        ({"op": "set", "list": "raters", "id": "anna", "field": "cells", "value": {}}, "cannot be changed"),
        ({"op": "add", "list": "stages", "part": {}}, "'stages' cannot be edited"),
        ({"op": "twist", "list": "factors", "id": "a"}, "no edit 'twist'"),
    ],
)  # fmt: skip
def test_an_edit_that_does_not_fit_is_refused_in_words(edit, words):
    with pytest.raises(DocumentError, match=words):
        apply_edit(PANEL, edit)


def test_removing_what_is_gone_already_is_no_error():
    assert edited(op="remove", list="factors", id="zzz") == PANEL
