import copy

from hypothesis import given
from hypothesis import strategies as st

from journey_widgets.merging import MISSING, diff, merge

CELLS = st.dictionaries(st.sampled_from("abc"), st.sampled_from(["R", "A", "C"]), max_size=3)
ROWS = st.dictionaries(st.sampled_from("uvwx"), CELLS, max_size=4).map(
    lambda rows: {"rows": [{"touchpoint": name, "cells": cells} for name, cells in rows.items()]}
)


def matrix(**cells):
    return {"rows": [{"touchpoint": t, "cells": dict(c)} for t, c in cells.items()]}


def test_edits_of_different_cells_come_together():
    base = matrix(help={"sales": "R", "support": "C"})

    merged, clashes = merge(
        base,
        matrix(help={"sales": "A", "support": "C"}),
        matrix(help={"sales": "R", "support": "I"}),
    )

    assert merged == matrix(help={"sales": "A", "support": "I"})
    assert clashes == []


def test_the_same_cell_changed_differently_is_a_clash_that_names_both_sides():
    base = matrix(help={"sales": "R"})

    merged, clashes = merge(base, matrix(help={"sales": "A"}), matrix(help={"sales": "I"}))

    assert merged == matrix(help={"sales": "A"})
    assert [(c.path, c.base, c.theirs, c.mine) for c in clashes] == [
        (("rows", "help", "cells", "sales"), "R", "A", "I")
    ]
    assert str(clashes[0]) == "rows › help › cells › sales: they 'A', you 'I' (was 'R')"


def test_a_cell_cleared_on_one_side_and_changed_on_the_other_is_a_clash():
    _merged, clashes = merge(
        matrix(help={"sales": "R"}), matrix(help={}), matrix(help={"sales": "I"})
    )

    assert clashes[0].theirs is MISSING


def test_rows_added_on_both_sides_are_both_there_in_their_places():
    base = matrix(a={}, b={})

    merged, clashes = merge(base, matrix(a={}, x={}, b={}), matrix(a={}, b={}, y={}))

    assert [r["touchpoint"] for r in merged["rows"]] == ["a", "x", "b", "y"]
    assert clashes == []


def test_a_row_removed_here_and_untouched_there_is_gone():
    merged, clashes = merge(
        matrix(a={}, b={"s": "R"}), matrix(a={"s": "A"}, b={"s": "R"}), matrix(a={})
    )

    assert merged == matrix(a={"s": "A"})
    assert clashes == []


def test_a_row_removed_here_and_changed_there_is_a_clash():
    _merged, clashes = merge(matrix(a={"s": "R"}), matrix(a={"s": "A"}), matrix())

    assert len(clashes) == 1


def test_an_order_changed_on_one_side_is_taken():
    base, moved = matrix(a={}, b={}, c={}), matrix(c={}, a={}, b={})

    assert merge(base, moved, base) == (moved, [])
    assert merge(base, base, moved) == (moved, [])
    edited = matrix(a={"s": "R"}, b={}, c={})
    assert merge(base, moved, edited)[0] == matrix(c={}, a={"s": "R"}, b={})


@given(ROWS, ROWS)
def test_a_side_that_changed_nothing_gives_the_other_side(base, changed):
    assert merge(base, changed, base) == (changed, [])
    assert merge(base, base, changed) == (changed, [])
    assert merge(base, changed, changed) == (changed, [])


def cells(doc):
    return {(r["touchpoint"], k): v for r in doc["rows"] for k, v in r["cells"].items()}


def rows(doc):
    return {r["touchpoint"] for r in doc["rows"]}


@given(ROWS, ROWS, ROWS)
def test_a_merge_without_clash_holds_every_change_of_both_sides(base, theirs, mine):
    before = copy.deepcopy((base, theirs, mine))
    merged, clashes = merge(base, theirs, mine)

    assert (base, theirs, mine) == before
    if clashes:
        return
    was, left, right, now = map(cells, (base, theirs, mine, merged))
    for key in {*was, *left, *right}:
        expected = left.get(key) if left.get(key) != was.get(key) else right.get(key)
        assert now.get(key) == expected
    assert rows(merged) >= (rows(theirs) - rows(base)) | (rows(mine) - rows(base))


def test_a_difference_names_each_place():
    before = matrix(help={"sales": "R", "support": "C"}, offer={})
    after = matrix(offer={"sales": "A"}, help={"sales": "R", "product": "I"}, new={})

    found = [(" ".join(c.path), c.kind) for c in diff(before, after)]

    assert found == [
        ("rows offer cells sales", "added"),
        ("rows help cells product", "added"),
        ("rows help cells support", "removed"),
        ("rows new", "added"),
        ("rows order", "moved"),
    ]


@given(ROWS, ROWS)
def test_there_is_a_difference_exactly_where_there_is_one(before, after):
    assert (diff(before, after) == []) == (before == after)


def test_where_both_moved_something_keeping_mine_keeps_my_order():
    def order(names):
        return [{"id": n} for n in names]

    base, theirs, mine = order("abcd"), order("bcda"), order("dabc")

    merged, clashes = merge(base, theirs, mine)
    kept, _clashes = merge(base, mine, theirs)

    assert [c.path for c in clashes] == [("order",)]
    assert merged == theirs
    assert kept == mine
