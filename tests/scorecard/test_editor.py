"""The editor of a scorecard: its steps, and what the page sees of them."""

import pandas as pd
import pytest

from journey_widgets.errors import DocumentError, JourneyDataError
from journey_widgets.scorecard.document import Arrow, Kpi, Note, Objective, Scorecard
from journey_widgets.scorecard.edits import apply_edit
from journey_widgets.scorecard.widget import COLUMNS, ScorecardEditor

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


def cell(editor, field, row=0):
    return editor.cells[row][list(COLUMNS).index(field)]


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
    assert cell(editor, "note") == "Late parcels"
    assert (
        cell(ScorecardEditor(editor.to_document(), series=SERIES, period="2026-01-01"), "note")
        == ""
    )
    editor.edit = {"seq": 2, "steps": [{**cells(note=""), "seq": 2}], "save": 0}
    assert editor.to_document().kpi("csat").notes == ()


def test_an_owner_is_typed_by_label_and_kept_by_id():
    editor = ScorecardEditor(CARD, series=SERIES, roles={"head": "Head of service"})
    editor.edit = {"seq": 1, "steps": [{**cells(owner="head of Service"), "seq": 1}], "save": 0}
    assert editor.to_document().kpi("csat").owner == "head"
    assert cell(editor, "owner") == "Head of service"


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


# Objectives, KPIs and arrows


def add(which, part, **more):
    return {"op": "add", "list": which, "part": part, **more}


LINKED = CARD.model_copy(
    update={"arrows": (Arrow(source="csat", target="earn"), Arrow(source="earn", target="please"))}
)


def test_an_objective_a_kpi_and_an_arrow_are_added():
    card = apply_edit(
        CARD,
        add("objectives", {"label": "Grow fast", "perspective": "learning_growth", "stage": None}),
    )
    assert card.objectives[-1] == Objective(
        id="grow_fast", label="Grow fast", perspective="learning_growth"
    )
    card = apply_edit(card, add("kpis", {"measure": "Net promoter score"}, objective="grow_fast"))
    assert card.kpi("nps") == Kpi(id="nps", scoring="unscored")
    card = apply_edit(card, add("kpis", {"measure": "aov"}, objective="grow_fast"))
    assert card.kpi("aov_2") == Kpi(id="aov_2", measure="aov", scoring="unscored")
    card = apply_edit(
        card, add("arrows", {"source": "nps", "target": "earn", "sign": "-", "lag": 2})
    )
    assert card.arrows == (Arrow(source="nps", target="earn", sign="-", lag=2),)


def test_a_kpi_that_is_tracked_only_is_scored_once_it_has_both_ends():
    card = apply_edit(CARD, add("kpis", {"measure": "nps"}, objective="please"))
    half = apply_edit(card, {"op": "cells", "cells": {"nps": {"baseline": "-5"}}})
    assert half.kpi("nps").scoring == "unscored"
    whole = apply_edit(half, {"op": "cells", "cells": {"nps": {"target": "20"}}})
    assert whole.kpi("nps").scoring == "linear"
    back = apply_edit(whole, {"op": "cells", "cells": {"nps": {"scoring": "unscored"}}})
    assert (back.kpi("nps").scoring, back.kpi("nps").target) == ("unscored", 20)


def test_what_hangs_on_a_part_goes_with_it_and_comes_back_with_undo():
    editor = ScorecardEditor(LINKED, series=SERIES, on_save=lambda d: None)
    editor.edit = {
        "seq": 1,
        "steps": [{"op": "remove", "list": "kpis", "id": "csat", "seq": 1}],
        "save": 0,
    }
    assert editor.to_document().arrows == LINKED.arrows[1:]
    assert editor.status["text"] == "Not saved yet. With it 1 arrow of the strategy map went"
    editor.edit = {"seq": 2, "steps": [{"op": "undo", "seq": 2}], "save": 0}
    assert editor.to_document() == LINKED
    editor.edit = {
        "seq": 3,
        "steps": [{"op": "remove", "list": "objectives", "id": "earn", "seq": 3}],
        "save": 0,
    }
    assert [k.id for k in editor.to_document().kpis()] == ["csat"]
    assert editor.to_document().arrows == ()
    assert "2 arrows" in editor.status["text"]


def test_parts_are_changed_moved_and_taken_out_by_themselves():
    steps = [
        {"op": "set", "list": "objectives", "id": "earn", "field": "label", "value": "Earn more"},
        {"op": "set", "list": "objectives", "id": "earn", "field": "owner", "value": None},
        {"op": "set", "list": "arrows", "id": "csat>earn", "field": "lag", "value": 3},
        {"op": "remove", "list": "arrows", "id": "earn>please"},
        {"op": "move", "list": "kpis", "id": "csat", "objective": "earn"},
    ]
    card = LINKED
    for step in steps:
        card = apply_edit(card, step)
    assert card.objectives[1].label == "Earn more"
    assert card.arrows == (Arrow(source="csat", target="earn", lag=3),)
    assert [k.id for k in card.objectives[1].kpis] == ["aov", "csat"]
    assert card.objectives[0].kpis == ()


@pytest.mark.parametrize(
    ("step", "said"),
    [
        (add("objectives", {"label": " "}), "needs a name"),
        (
            add("objectives", {"label": "X", "perspective": "custmer"}),
            "perspective 'custmer'.*Did you mean 'customer'",
        ),
        (add("objectives", "text"), "needs a name"),
        (
            add("kpis", {"measure": "Net promotor score"}, objective="please"),
            "Did you mean 'Net promoter score'",
        ),
        (add("kpis", {"measure": "nps"}, objective="pleas"), "no objective 'pleas' any more"),
        (add("arrows", {"source": "csat", "target": "csat"}), "to itself"),
        (add("arrows", {"source": "csat", "target": "nobody"}), "the end 'nobody'"),
        (add("arrows", {"source": "csat", "target": "earn"}), "an arrow between these two already"),
        (add("words", {}), "no list 'words'"),
        (
            {"op": "set", "list": "objectives", "id": "earn", "field": "kpis", "value": []},
            "'kpis' cannot be changed",
        ),
        (
            {"op": "set", "list": "arrows", "id": "a>b", "field": "lag", "value": 1},
            "no arrow 'a>b' any more",
        ),
        (
            {"op": "set", "list": "arrows", "id": "csat>earn", "field": "lag", "value": 99},
            "less than or equal to 24",
        ),
        ({"op": "move", "list": "arrows", "id": "csat>earn"}, "'move' is no edit of arrows"),
        ({"op": "remove", "list": "kpis", "id": "gone"}, "no KPI 'gone' any more"),
        (cells(options="within 30d"), "pairs such as"),
        (cells(options="wthin: 30d"), "no option 'wthin'"),
        (cells(scoring="magic"), "magic|linear"),
    ],
)
def test_a_step_in_the_structure_that_does_not_fit_is_refused(step, said):
    with pytest.raises(DocumentError, match=said):
        apply_edit(LINKED, step)


def test_how_a_kpi_is_counted_is_typed_as_pairs():
    card = apply_edit(
        CARD, cells(options="question: delivery", where="device: mobile; region: north")
    )
    assert card.kpi("csat").options == {"question": "delivery"}
    assert card.kpi("csat").where == {"device": "mobile", "region": "north"}
    editor = ScorecardEditor(card, series=SERIES)
    assert cell(editor, "where") == "device: mobile; region: north"
    assert apply_edit(card, cells(where="")).kpi("csat").where == {}
    assert (
        apply_edit(card, cells(scoring="percent of target")).kpi("csat").scoring
        == "percent_of_target"
    )


def test_a_kpi_that_is_new_or_counted_otherwise_is_measured_at_once():
    asked = []

    def measure(card):
        asked.append([k.id for k in card.kpis()])
        return a_series(**{k.id: [0.7, 0.8] for k in card.kpis()})

    editor = ScorecardEditor(CARD, series=SERIES, measure=measure)
    assert asked == []  # all of it was measured before
    editor.edit = {
        "seq": 1,
        "steps": [{**add("kpis", {"measure": "nps"}, objective="please"), "seq": 1}],
        "save": 0,
    }
    assert asked == [["nps"]]
    assert editor.scores[1]["value"] == "0.80"
    editor.edit = {
        "seq": 2,
        "steps": [{**cells(options="question: delivery"), "seq": 2}],
        "save": 0,
    }
    assert asked == [["nps"], ["csat"]]
    editor.edit = {"seq": 3, "steps": [{**cells(target="0.95"), "seq": 3}], "save": 0}
    assert len(asked) == 2
    without = ScorecardEditor(CARD, series=SERIES)
    without.edit = {
        "seq": 1,
        "steps": [{**cells(options="question: delivery"), "seq": 1}],
        "save": 0,
    }
    assert without.scores[0]["value"] == "–"  # what was measured is not what is asked now


def test_an_empty_scorecard_is_filled_on_the_page():
    editor = ScorecardEditor(
        Scorecard(), measure=lambda card: a_series(**{k.id: [0.7, 0.8] for k in card.kpis()})
    )
    assert editor.rows == []
    steps = [
        add("objectives", {"label": "Please", "perspective": "customer"}),
        add("kpis", {"measure": "csat_t2b"}, objective="please"),
        {"op": "cells", "cells": {"csat_t2b": {"baseline": "60%", "target": "80%"}}},
    ]
    editor.edit = {"seq": 3, "steps": [{**s, "seq": i + 1} for i, s in enumerate(steps)], "save": 0}
    assert (editor.scores[0]["score"], editor.period) == ("1.00", "2026-02")
    assert editor.total["score"] == "1.00"


def test_an_edit_that_leaves_nothing_to_score_is_taken_and_can_be_taken_back():
    editor = ScorecardEditor(CARD, series=SERIES)
    editor.edit = {
        "seq": 1,
        "steps": [{"op": "cells", "cells": {"csat": {"weight": "0"}}, "seq": 1}],
        "save": 0,
    }
    assert (editor.done, editor.to_document().kpi("csat").weight) == (1, 0)
    assert cell(editor, "weight") == "0"
    assert editor.total["score"] == ""
    editor.edit = {"seq": 2, "steps": [{"op": "undo", "seq": 2}], "save": 0}
    assert (editor.to_document(), editor.total["score"]) == (CARD, "0.45")


def test_a_way_of_counting_that_measures_nothing_then_is_taken_and_can_be_taken_back():
    one = CARD.model_copy(update={"objectives": CARD.objectives[:1]})
    nothing = float("nan")
    failed = pd.DataFrame(
        {
            "kpi": ["csat"], "period": [pd.NaT], "value": nothing, "n": 0, "low": nothing, "high": nothing,
            "state": "error", "open": False, "method": "", "definition": "", "counted": "No such thing.",
        }
    )  # fmt: skip
    editor = ScorecardEditor(one, series=a_series(csat=[0.9, 0.6]), measure=lambda _card: failed)
    before = editor.scores
    editor.edit = {"seq": 1, "steps": [{**cells(where="device: fax"), "seq": 1}], "save": 0}
    assert (editor.done, cell(editor, "where")) == (1, "device: fax")
    editor.edit = {"seq": 2, "steps": [{"op": "undo", "seq": 2}], "save": 0}
    assert editor.scores == before


def test_where_measuring_fails_the_document_can_be_edited_and_the_page_says_why():
    def measure(_card):
        msg = "orders.csv is not there."
        raise JourneyDataError(msg)

    editor = ScorecardEditor(CARD, measure=measure)
    assert "orders.csv is not there" in editor.status["text"]
    editor.edit = {"seq": 1, "steps": [{**cells(target="0.8"), "seq": 1}], "save": 0}
    assert editor.to_document().kpi("csat").target == 0.8


def test_an_undo_brings_the_figures_back_without_measuring_again():
    editor = ScorecardEditor(CARD, series=SERIES)
    before = editor.scores
    editor.edit = {
        "seq": 1,
        "steps": [{**cells(options="question: delivery"), "seq": 1}],
        "save": 0,
    }
    assert editor.scores[0]["value"] == "–"
    editor.edit = {"seq": 2, "steps": [{"op": "undo", "seq": 2}], "save": 0}
    assert editor.scores == before


def test_a_new_objective_is_never_called_as_a_perspective_is():
    card = apply_edit(CARD, add("objectives", {"label": "Customer", "perspective": "customer"}))
    assert card.objectives[-1].id == "customer_2"
    assert (
        apply_edit(card, add("objectives", {"label": "Scorecard", "perspective": "customer"}))
        .objectives[-1]
        .id
        == "scorecard_2"
    )


def test_a_blank_limit_is_refused():
    with pytest.raises(DocumentError, match="amber is blank"):
        apply_edit(CARD, {"op": "policy", "field": "amber", "value": None})
