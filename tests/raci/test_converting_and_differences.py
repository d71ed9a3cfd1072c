"""Other schemes with what is lost, and what changed from one matrix to another."""

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from journey_widgets.errors import DocumentError
from journey_widgets.raci import RaciMatrix, check, convert, diff
from journey_widgets.raci.schemes import SCHEMES, read_cell
from raci.test_document import matrices


def one(*texts, scheme):
    roles = ["X", "Y", "Z"][: len(texts)]
    return RaciMatrix.from_frame(pd.DataFrame([texts], index=["Row"], columns=roles), scheme=scheme)


def test_daci_becomes_raci_with_d_as_r_and_what_is_lost_said():
    found = convert(one("D", "A", "C", scheme="DACI"), "RACI")
    assert found.matrix.rows[0].cells == {"x": "R", "y": "A", "z": "C"}
    assert found.losses[["role", "before", "after"]].values.tolist() == [
        ["x", "D", "R"],
        ["y", "A", "A"],
    ]
    assert str(found) == "D → R, A → A, C → C, I → I; 2 cells change their meaning"


@pytest.mark.parametrize(
    ("scheme", "text", "becomes"),
    [
        ("RASCI", "S", "C"),
        ("RACI-VS", "V", "C"),
        ("RACI-VS", "S", "C"),
        ("CAIRO", "O", ""),
        ("RACI-VS", "A/S", "A/C"),
    ],
)
def test_letters_that_raci_lacks_become_the_nearest_and_are_listed(scheme, text, becomes):
    found = convert(one(text, "R", scheme=scheme), "RACI")
    assert found.matrix.rows[0].cells.get("x", "") == becomes
    assert found.losses["role"].tolist() == ["x"]


def test_raci_fits_into_the_larger_schemes_without_loss():
    matrix = one("R/A", "C", "I", scheme="RACI")
    for scheme in ("RASCI", "RACI-VS", "CAIRO"):
        found = convert(matrix, scheme)
        assert found.losses.empty
        assert convert(found.matrix, "RACI").matrix == matrix


def test_two_who_do_the_work_are_two_drivers_and_the_rule_says_so():
    found = convert(one("R", "R", "A", scheme="RACI"), "DACI")
    assert "ROW-14" in [f.code for f in check(found.matrix)]
    assert len(found.losses) == 3


def test_codes_no_scheme_knows_stay():
    assert convert(one("boss", "R/A", scheme="RACI"), "DACI").matrix.rows[0].cells["x"] == "boss"


def test_an_unknown_scheme_is_refused_and_the_same_one_changes_nothing():
    with pytest.raises(DocumentError, match="no letter scheme 'RACY'"):
        convert(one("R", scheme="RACI"), "RACY")
    assert convert(one("R", scheme="RACI"), "RACI").matrix == one("R", scheme="RACI")


@given(st.sampled_from(list(SCHEMES)), st.sampled_from(list(SCHEMES)), st.data())
def test_no_cell_is_lost_without_a_word(a, b, data):
    letters = list(SCHEMES[a].letters)
    texts = ["/".join(data.draw(st.sets(st.sampled_from(letters), max_size=3))) for _ in range(3)]
    matrix = one(*texts, scheme=a)
    found = convert(matrix, b)
    listed = set(found.losses["role"])
    for role, text in matrix.rows[0].cells.items():
        before = read_cell(text, SCHEMES[a])[0]
        after = read_cell(found.matrix.rows[0].cells.get(role, ""), SCHEMES[b])[0]
        assert len(after) == len(before) or role in listed


BEFORE = RaciMatrix.from_frame(
    pd.DataFrame({"Sales": ["R", "A"], "Support": ["", "R"]}, index=["Offer", "Help"])
)


def rows_of(frame):
    return frame[["what", "change", "touchpoint", "role", "before", "after"]].values.tolist()


def test_a_changed_cell_is_one_difference_in_words():
    after = RaciMatrix.from_frame(
        pd.DataFrame({"Sales": ["R/A", "A"], "Support": ["I", ""]}, index=["Offer", "Help"])
    )
    assert rows_of(diff(BEFORE, after)) == [
        ["cell", "changed", "Offer", "Sales", "R", "R/A"],
        ["cell", "added", "Offer", "Support", "", "I"],
        ["cell", "removed", "Help", "Support", "R", ""],
    ]


def test_added_removed_and_moved_rows_and_roles_are_told():
    after = RaciMatrix.from_frame(
        pd.DataFrame({"Support": ["R", ""], "Boss": ["", "A"]}, index=["Help", "Call"])
    )
    found = {(w, c, t, r) for w, c, t, r, _b, _a in rows_of(diff(BEFORE, after))}
    assert ("row", "added", "Call", "") in found
    assert ("row", "removed", "Offer", "") in found
    assert ("role", "added", "", "Boss") in found
    assert ("role", "removed", "", "Sales") in found
    moved = BEFORE.model_copy(update={"rows": BEFORE.rows[::-1]})
    assert rows_of(diff(BEFORE, moved))[0][:2] == ["row", "moved"]


@given(matrices(), matrices())
def test_there_is_a_difference_exactly_where_the_matrices_differ(one_matrix, other):
    assert diff(one_matrix, one_matrix).empty
    assert diff(one_matrix, other).empty == (one_matrix.body() == other.body())


def test_what_is_left_as_written_and_gets_a_meaning_is_listed():
    found = convert(one("S", "R/A", scheme="RACI"), "RACI-VS")
    assert (
        found.losses.loc[0, "what"] == "left as it was written, and S in it is a letter of RACI-VS"
    )
    assert convert(one("D/X", "A", scheme="DACI"), "RACI").losses["role"].tolist() == ["x", "y"]


def test_added_rows_and_acknowledgements_are_told_by_label():
    body = {**BEFORE.body()}
    body["rows"] = [
        *body["rows"],
        {"touchpoint": "new", "label": "New", "cells": {"sales": "R"}, "note": "soon", "volume": 4},
    ]
    body["acknowledged"] = [
        {"code": "ROW-07", "touchpoint": "help", "reason": "fine", "until": "2026-12-31"}
    ]
    found = rows_of(diff(BEFORE, RaciMatrix.from_body(body)))
    assert ["row", "added", "New", "", "", "Sales R; volume 4.0; note soon"] in found
    assert ["acknowledgement", "added", "Help", "", "", "ROW-07: fine (until 2026-12-31)"] in found
