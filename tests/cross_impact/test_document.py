"""The document: what raters judged, kept apart, with text that says the same both ways."""

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from journey_widgets import Conflict, Workspace
from journey_widgets.cross_impact import (
    CrossImpact,
    agreement,
    direct_influence,
    from_square,
    push,
    stability,
)
from journey_widgets.cross_impact.document import OUTCOMES
from journey_widgets.errors import DocumentError
from journey_widgets.journey.document import Journey

TWO = {
    "factors": [
        {"id": "checkout", "label": "Checkout", "satisfaction": 4, "retention": 2, "advocacy": 1},
        {"id": "delivery", "label": "Delivery"},
        {"id": "support", "label": "Support"},
    ],
    "raters": [
        {
            "id": "anna",
            "label": "Anna",
            "handed_in": True,
            "cells": {
                "checkout": {
                    "delivery": {"value": 2, "confidence": "high", "reason": "=SUM(A1); sure"},
                    "support": {"value": "?"},
                    "satisfaction": {"value": 3},
                },
                "delivery": {"support": {"value": -1.5}},
            },
        },
        {
            "id": "ben",
            "label": "Ben",
            "cells": {
                "checkout": {"delivery": {"value": 0}, "support": {"value": "P"}},
                "delivery": {"support": {"value": 1}},
            },
        },
    ],
    "consensus": {"checkout": {"delivery": {"value": 1, "reason": "talked it over"}}},
    "interventions": [
        {
            "id": "one_page",
            "label": "One page checkout",
            "changes": {"checkout": 0.5},
            "owner": "product",
            "kpi": "conversion",
            "effort": 20,
            "expected_effect": 0.03,
            "starts": "2026-03-01",
            "ends": "2026-06-30",
            "status": "running",
        }
    ],
}


def document(**changes):
    return CrossImpact.from_body({**TWO, **changes})


def test_text_of_a_document_is_read_back_as_the_same_document_and_the_same_text():
    panel = document()
    text = panel.to_text()
    assert CrossImpact.from_text(text) == panel
    assert CrossImpact.from_text(text).to_text() == text
    assert text.splitlines()[0] == "# schema,cross_impact/1"
    assert "anna,checkout,delivery,2,high,'=SUM(A1); sure" in text.splitlines()
    assert "anna,delivery,support,-1.5,," in text.splitlines()
    said = "One page checkout,product,conversion,20,0.03,2026-03-01,2026-06-30,running,checkout=0.5"
    assert f"# intervention,one_page,{said}" in text.splitlines()


VALUES = st.sampled_from([-3, -2.5, -1, 0, 0.5, 2, 3, "?", "P"])
CELLS = st.dictionaries(
    st.sampled_from([(s, t) for s in "abc" for t in [*"abc", "end"] if s != t]),
    st.tuples(
        VALUES,
        st.sampled_from([None, "low", "high"]),
        st.one_of(
            st.none(),
            st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1).filter(str.strip),
        ),
    ),
)


@given(CELLS, CELLS)
def test_any_judgements_and_reasons_survive_the_text_form(mine, agreed):
    def nested(cells):
        found = {}
        for (source, target), (value, confidence, reason) in cells.items():
            given = {"value": value, "confidence": confidence, "reason": reason}
            found.setdefault(source, {})[target] = {k: v for k, v in given.items() if v is not None}
        return found

    panel = CrossImpact.from_body(
        {
            "factors": [{"id": i, "label": i} for i in "abc"],
            "outcomes": [{"id": "end", "label": "End"}],
            "raters": [{"id": "r1", "label": "One", "cells": nested(mine)}],
            "consensus": nested(agreed),
        }
    )
    assert CrossImpact.from_text(panel.to_text()) == panel


def test_the_order_in_which_cells_were_filled_does_not_matter():
    cells = TWO["raters"][0]["cells"]
    turned = {s: dict(reversed(row.items())) for s, row in reversed(cells.items())}
    other = document(raters=[{**TWO["raters"][0], "cells": turned}, TWO["raters"][1]])
    assert other.to_text() == document().to_text()


def test_blank_nothing_and_do_not_know_are_three_things():
    spread = agreement(document()).set_index(["source", "target"])
    assert spread.loc[("checkout", "delivery"), ["n", "unknown", "range"]].tolist() == [2, 0, 2]
    assert spread.loc[("checkout", "support"), ["n", "unknown"]].tolist() == [1, 1]
    assert ("delivery", "satisfaction") not in spread.index


def test_what_nobody_knows_is_listed_without_a_median():
    nobody = [{"id": "a", "label": "A", "cells": {"checkout": {"support": {"value": "?"}}}}]
    row = agreement(document(raters=nobody, consensus={})).iloc[0]
    assert row[["n", "unknown", "apart"]].tolist() == [0, 1, False]
    assert pd.isna(row["median"])


def test_what_was_agreed_goes_before_the_mean_and_the_originals_stay():
    panel = document()
    judged = panel.judged()
    assert judged.loc["checkout", "delivery"] == 1
    assert judged.loc["delivery", "support"] == pytest.approx(-0.25)
    assert judged.loc["checkout", "support"] == "P"
    assert judged.loc["checkout", "retention"] is None
    assert panel.rater("anna").cells["checkout"]["delivery"].value == 2


def test_analyses_take_the_document_and_leave_its_outcomes_out_of_the_sums():
    table = direct_influence(document())
    assert table["kind"].tolist() == ["factor"] * 3 + ["outcome"] * 4
    assert table["active_sum"].tolist()[:3] == [1, 0.25, 0]
    assert push(document(), "satisfaction")["factor"].iloc[0] == "checkout"
    assert stability(document(), draws=50)["method"].unique().tolist() == ["raters"]


def test_a_single_rater_is_moved_by_half_a_point():
    alone = document(raters=TWO["raters"][:1])
    assert stability(alone, draws=50)["method"].unique().tolist() == ["half_point"]


def test_a_draft_has_a_factor_for_each_touchpoint_and_the_four_outcomes():
    body = {"id": "j", "label": "J", "stages": [{"id": "s", "label": "S"}],
            "touchpoints": [{"id": "basket", "label": "Basket", "stage": "s"}]}  # fmt: skip
    draft = CrossImpact.draft(Journey.from_body(body))
    assert [f.id for f in draft.factors] == ["basket"]
    assert draft.outcomes == OUTCOMES


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"consensus": {"checkout": {"checkout": {"value": 1}}}}, "act on itself"),
        ({"consensus": {"checkout": {"basket": {"value": 1}}}}, "'basket' is no factor"),
        ({"consensus": {"checkout": {"delivery": {"value": 4}}}}, "from -3 to 3 in steps of a half"),
        ({"consensus": {"checkout": {"delivery": {"value": 0.3}}}}, "from -3 to 3 in steps of a half"),
        ({"consensus": {"checkout": {"delivery": {"value": float("nan")}}}}, "from -3 to 3"),
        ({"consensus": {"checkout": {"delivery": {"value": True}}}}, "from -3 to 3"),
        ({"outcomes": [{"id": "checkout", "label": "C"}]}, "the id 'checkout' is given twice"),
        ({"raters": [{"id": "consensus", "label": "C"}]}, "give the rater another id"),
        ({"interventions": [{"id": "i", "label": "I", "changes": {"basket": 1}}]}, "no factor of this matrix"),
        ({"interventions": [{"id": "i", "label": "I", "changes": {"checkout": 2}}]}, "-1 to 1 was needed"),
        ({"interventions": [{"id": "i", "label": "I", "starts": "2026-02-01", "ends": "2026-01-01"}]}, "before it"),
    ],
)  # fmt: skip
def test_a_document_that_says_what_cannot_be_is_refused(changes, words):
    with pytest.raises(DocumentError, match=words):
        document(**changes)


def test_a_list_of_judgements_of_other_origin_is_read_by_its_names():
    text = "rater;source;target;value\nAnna;Check-out;Delivery;1,5\nAnna;Delivery;CSAT;?\nBen;Check-out;Delivery;−2\n"
    panel = CrossImpact.from_text(text)
    assert [f.id for f in panel.factors] == ["check_out", "delivery"]
    assert [o.id for o in panel.outcomes] == ["csat"]
    assert panel.rater("anna").cells["check_out"]["delivery"].value == 1.5
    assert panel.rater("anna").cells["delivery"]["csat"].value == "?"
    assert panel.rater("ben").cells["check_out"]["delivery"].value == -2


def test_a_list_without_raters_is_one_person():
    panel = CrossImpact.from_text("source,target,value\na,b,1\n")
    assert [r.label for r in panel.raters] == ["Rater 1"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (",a,b\na,,1\nb,2,\n", "Say which way influence runs"),
        ("source,target\na,b\n", "found source, target"),
        ("source,target,value\na,b,much\n", "value is 'much'; a number was needed"),
        ("source,target,value\na,b,1\na,b,2\n", "judged a on b before"),
        ("source,target,value\na,,1\n", "target is blank"),
        ("source,source,target,value\na,a,b,1\n", "column 'source' occurs twice"),
        ("# label,x\nsource,target,value\na,b,1\n", "none is # schema"),
        ("# schema,cross_impact/1\n# factor,a\nrater,source,target,value\n", "at least the first two"),
        ("# schema,cross_impact/1\n# stage,a,A\nrater,source,target,value\n", "there is no line # stage"),
        ("# schema,cross_impact/2\nrater,source,target,value\n", "newer than this package knows"),
        ("# schema,raci/1\nrater,source,target,value\n", "cross_impact/1 was needed"),
        ("# schema,cross_impact/1\n# factor,a,A\nrater,source,target,value\nx,a,b,1\n", "no line # rater,x"),
    ],
)  # fmt: skip
def test_text_that_is_no_list_of_judgements_is_refused_in_words(text, words):
    with pytest.raises(DocumentError, match=words):
        CrossImpact.from_text(text)


def test_lines_padded_by_a_spreadsheet_are_read_as_if_they_were_not():
    text = document().to_text()
    width = 12
    padded = "\n".join(
        line + "," * max(0, width - line.count(",")) for line in text.splitlines() if line
    )
    assert CrossImpact.from_text(padded) == document()


# Square sheets

SQUARE = "\tCheckout\tDelivery\tCSAT\nCheckout\tx\t2\t1\nDelivery\t-1\t\t?\n"


def test_a_square_sheet_asks_which_way_influence_runs():
    with pytest.raises(DocumentError) as caught:
        from_square(SQUARE)
    assert str(caught.value) == (
        "the pasted text: which way does influence run? The cell in row 'Checkout', column 'Delivery' holds '2'. If "
        "Checkout acts on Delivery, say influence='row'; if Delivery acts on Checkout, say influence='column'."
    )


def test_a_square_sheet_is_read_the_way_it_was_said():
    by_row = from_square(SQUARE, influence="row", rater="Anna")
    assert by_row.rater("anna").cells["checkout"]["delivery"].value == 2
    assert by_row.rater("anna").cells["delivery"]["csat"].value == "?"
    assert [o.id for o in by_row.outcomes] == ["csat"]

    turned = "\tCheckout\tDelivery\nCheckout\t\t-1\nDelivery\t2\t\nCSAT\t1\t?\n"
    by_column = from_square(turned, influence="column", rater="Anna")
    assert by_column.body() == by_row.body()


def test_names_of_the_map_get_its_ids_and_usual_outcomes_theirs():
    body = {"id": "j", "label": "J", "stages": [{"id": "s", "label": "S"}],
            "touchpoints": [{"id": "pay", "label": "Checkout", "stage": "s"}]}  # fmt: skip
    sheet = pd.DataFrame([[None, 1], [1, None]], ["checkout", "New"], ["checkout", "New"])
    sheet["Retention"] = [2, 0]
    panel = from_square(sheet, influence="row", journey=Journey.from_body(body))
    assert [f.id for f in panel.factors] == ["pay", "new"]
    assert [o.id for o in panel.outcomes] == ["retention"]


@pytest.mark.parametrize(
    ("sheet", "words"),
    [
        ("\ta\tb\na\t\t7\nb\t1\t\n", "row 'a', column 'b': '7'; a number from -3 to 3"),
        ("\ta\tb\na\t1\t1\nb\t1\t\n", "'a' on itself is '1'"),
        ("\ta\tb\na\t\t1\na\t1\t\n", "two rows are called 'a'"),
        ("\ta\tb\nc\t\t1\nd\t1\t\n", "no name stands both"),
        ("\ta\tb\na\t\t1\nc\t1\t\n", "'c' acts on others and stands on one side only"),
        ("\ta\tb\tSum\na\t\t1\t1\nb\t1\t\t1\n", "'Sum' looks like a sum"),
    ],
)
def test_a_sheet_that_is_not_square_or_no_judgement_is_refused(sheet, words):
    with pytest.raises(DocumentError, match=words):
        from_square(sheet, influence="row")


# In a workspace


def test_two_raters_save_at_the_same_time_and_both_are_kept(tmp_path):
    Workspace.create(tmp_path / "w").close()
    one, other = Workspace.open(tmp_path / "w"), Workspace.open(tmp_path / "w")
    one.save(document(raters=[{"id": "anna", "label": "Anna"}, {"id": "ben", "label": "Ben"}]))
    first, second = one.cross_impact, other.cross_impact

    def judging(panel, rater, value):
        body = panel.body()
        for r in body["raters"]:
            if r["id"] == rater:
                r["cells"] = {"checkout": {"delivery": {"value": value}}}
        return CrossImpact.from_body(body)

    one.save(judging(first, "anna", 3))
    result = other.save(judging(second, "ben", -3))

    assert result.merged
    saved = Workspace.open(tmp_path / "w").cross_impact
    assert [r.cells["checkout"]["delivery"].value for r in saved.raters] == [3, -3]


def test_two_people_who_agree_differently_on_one_cell_are_told(tmp_path):
    Workspace.create(tmp_path / "w").close()
    one, other = Workspace.open(tmp_path / "w"), Workspace.open(tmp_path / "w")
    one.save(document())
    first, second = one.cross_impact, other.cross_impact

    def agreed(panel, value):
        return CrossImpact.from_body(
            {**panel.body(), "consensus": {"checkout": {"delivery": {"value": value}}}}
        )

    one.save(agreed(first, 2))
    result = other.save(agreed(second, 3))

    assert isinstance(result, Conflict)
    assert result.clashes[0].path == ("consensus", "checkout", "delivery", "value")


def test_the_text_of_a_workspace_holds_the_matrix_and_comes_back(tmp_path):
    space = Workspace.create(tmp_path / "w")
    space.save(document())
    space.export_texts()
    file = tmp_path / "w" / "documents" / "cross_impact.csv"
    file.write_text(
        file.read_text().replace("anna,delivery,support,-1.5", "anna,delivery,support,-2")
    )
    space.import_texts()
    assert space.cross_impact.rater("anna").cells["delivery"]["support"].value == -2
