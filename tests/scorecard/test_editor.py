"""The editor of a scorecard: its steps, and what the page sees of them."""

import pandas as pd
import pytest

from journey_widgets.errors import DocumentError
from journey_widgets.scorecard.document import Kpi, Note, Objective, Scorecard
from journey_widgets.scorecard.edits import apply_edit
from journey_widgets.scorecard.widget import ScorecardEditor

CARD = Scorecard(
    objectives=(
        Objective(
            id="please", label="Please", perspective="customer",
            kpis=(Kpi(id="csat", measure="csat_t2b", baseline=0.6, target=0.9),),
        ),
        Objective(id="earn", label="Earn", perspective="financial", kpis=(Kpi(id="aov", baseline=40, target=60),)),
    )
)  # fmt: skip


def a_series(**values):
    frames = [
        pd.DataFrame(
            {
                "kpi": k, "period": pd.date_range("2026-01-01", periods=len(v), freq="MS"), "value": v, "n": 100,
                "low": [x * 0.99 for x in v], "high": [x * 1.01 for x in v], "state": "", "open": False,
                "method": "wilson", "definition": "d", "counted": "c",
            }
        )
        for k, v in values.items()
    ]  # fmt: skip
    return pd.concat(frames, ignore_index=True)


SERIES = a_series(csat=[0.9, 0.6], aov=[42.0, 58.0])


def cells(**fields):
    return {"op": "cells", "cells": {"csat": fields}}


@pytest.mark.parametrize(
    ("typed", "number"),
    [("0.85", 0.85), ("85%", 0.85), (" 85 % ", 0.85), ("0,85", 0.85), ("1,200", 1200), ("-5", -5)],
)
def test_numbers_are_read_as_people_type_them(typed, number):
    assert apply_edit(CARD, cells(target=typed)).kpi("csat").target == pytest.approx(number)


@pytest.mark.parametrize(
    ("step", "said"),
    [
        (cells(target="much"), "target is 'much'; a number such as 0.85"),
        (cells(target="nan"), "a number such as"),
        (cells(target="0.6"), "baseline"),  # as the baseline
        (cells(target=""), "needs baseline and target|target"),
        (cells(weight="-1"), "greater than or equal to 0"),
        (cells(expression="1"), "'expression' cannot be changed here"),
        (
            {"op": "cells", "cells": {"cast": {"target": "1"}}},
            "no KPI 'cast' any more.*Did you mean 'csat'",
        ),
        ({"op": "weight", "id": "nobody", "value": 1}, "no perspective or objective 'nobody'"),
        ({"op": "policy", "field": "green", "value": 0.2}, "falling limits"),
        ({"op": "policy", "field": "words", "value": {}}, "'words' cannot be changed"),
        ({"op": "burn"}, "no edit 'burn'"),
    ],
)
def test_an_edit_that_does_not_fit_is_refused_and_nothing_is_lost(step, said):
    with pytest.raises(DocumentError, match=said):
        apply_edit(CARD, step)
    editor = ScorecardEditor(CARD, series=SERIES)
    editor.edit = {"seq": 1, "steps": [{**step, "seq": 1}], "save": 0}
    assert editor.status["state"] == "error"
    assert editor.to_document() == CARD


def test_weights_of_perspectives_and_objectives():
    heavier = apply_edit(CARD, {"op": "weight", "id": "customer", "value": "3"})
    assert {p.id: p.weight for p in heavier.perspectives}["customer"] == 3
    assert apply_edit(CARD, {"op": "weight", "id": "earn", "value": 0}).objectives[1].weight == 0


def test_a_note_belongs_to_its_period():
    editor = ScorecardEditor(CARD, series=SERIES, period="2026-02-01")
    editor.edit = {"seq": 1, "steps": [{**cells(note="Late parcels"), "seq": 1}], "save": 0}
    assert editor.to_document().kpi("csat").notes == (Note(period="2026-02", text="Late parcels"),)
    assert editor.cells[0][-1] == "Late parcels"
    assert (
        ScorecardEditor(editor.to_document(), series=SERIES, period="2026-01-01").cells[0][-1] == ""
    )
    editor.edit = {"seq": 2, "steps": [{**cells(note=""), "seq": 2}], "save": 0}
    assert editor.to_document().kpi("csat").notes == ()


def test_an_owner_is_typed_by_label_and_kept_by_id():
    editor = ScorecardEditor(CARD, series=SERIES, roles={"head": "Head of service"})
    editor.edit = {"seq": 1, "steps": [{**cells(owner="head of Service"), "seq": 1}], "save": 0}
    assert editor.to_document().kpi("csat").owner == "head"
    assert editor.cells[0][3] == "Head of service"


def test_scores_follow_the_target_at_once():
    editor = ScorecardEditor(CARD, series=SERIES, period="2026-02-01")
    assert (editor.scores[0]["score"], editor.scores[0]["value"]) == ("0.00", "60.0%")
    editor.edit = {
        "seq": 1,
        "steps": [{**cells(baseline="0.5", target="0.6"), "seq": 1}],
        "save": 0,
    }
    assert (editor.scores[0]["score"], editor.scores[0]["words"]) == (
        "1.00",
        "● on target",
    )
    assert editor.total["score"] == "0.95"


def test_weights_turn_the_order_of_periods_round_and_the_page_says_where():
    """January: customer 1, financial 0.1; February: 0 and 0.9. Alike at a share of 0.8 / (1 + 0.8) for the customer."""
    editor = ScorecardEditor(CARD, series=SERIES)
    assert [(o["label"], o["rank"], o["was"]) for o in editor.order] == [
        ("January 2026", 1, 1),
        ("February 2026", 2, 2),
    ]
    assert (
        "January is ahead of February as long as Customer counts more than 44%." in editor.reversals
    )
    editor.edit = {
        "seq": 1,
        "steps": [{"op": "weight", "id": "customer", "value": 0.5, "seq": 1}],
        "save": 0,
    }
    assert [(o["label"], o["rank"], o["was"]) for o in editor.order] == [
        ("February 2026", 1, 2),
        ("January 2026", 2, 1),
    ]
    assert (
        "February is ahead of January as long as Customer counts less than 44%." in editor.reversals
    )


def test_undo_saving_and_reading_only():
    kept = []

    def save(document):
        from journey_widgets.document_widget import SaveResult

        kept.append(document)
        return SaveResult("Saved as revision 2", document)

    editor = ScorecardEditor(CARD, series=SERIES, on_save=save)
    editor.edit = {"seq": 1, "steps": [{**cells(target="0.8"), "seq": 1}], "save": 1}
    assert kept[0].kpi("csat").target == 0.8
    editor.edit = {"seq": 2, "steps": [{"op": "undo", "seq": 2}], "save": 0}
    assert editor.to_document() == CARD
    reading = ScorecardEditor(CARD, series=SERIES, read_only=True)
    with pytest.raises(Exception, match="read"):
        reading.edit = {"seq": 1, "steps": [{**cells(target="0.8"), "seq": 1}], "save": 0}
    assert reading.to_document() == CARD


def test_without_figures_there_are_no_scores_and_everything_can_be_edited():
    editor = ScorecardEditor(CARD)
    assert editor.scores[0] == {"value": "", "score": "", "status": "", "words": ""}
    editor.edit = {"seq": 1, "steps": [{**cells(target="0.8"), "seq": 1}], "save": 0}
    assert editor.cells[0][2] == "0.8"
