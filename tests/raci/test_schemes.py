import pytest
from hypothesis import given
from hypothesis import strategies as st

from journey_widgets.raci.schemes import SCHEMES, canonical_cell, read_cell, write_cell


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("R", "R"),
        ("a,r", "R/A"),
        ("AR", "R/A"),
        ("R/A", "R/A"),
        (" c ; i ", "C/I"),
        ("r r r", "R"),
        ("R+A&C", "R/A/C"),
        ("", ""),
        ("-", ""),
        ("–", ""),
        (".", ""),
        ("n/a", ""),
        ("X", "X"),
        ("Resp.", "Resp."),
        ("R/X", "R/X"),
    ],
)
def test_a_cell_is_read_however_people_write_it(text, canonical):
    assert canonical_cell(text, SCHEMES["RACI"]) == canonical


def test_an_unknown_code_is_kept_and_named():
    assert read_cell("R/x", SCHEMES["RACI"]) == (frozenset("R"), ("X",))


@pytest.mark.parametrize("name", SCHEMES)
@given(data=st.data())
def test_writing_letters_and_reading_them_gives_the_same_set(name, data):
    scheme = SCHEMES[name]
    letters = data.draw(st.frozensets(st.sampled_from(list(scheme.letters))))

    assert read_cell(write_cell(letters, scheme), scheme) == (letters, ())


@given(st.text(max_size=20))
def test_the_canonical_text_of_a_canonical_text_is_itself(text):
    once = canonical_cell(text, SCHEMES["RACI"])

    assert canonical_cell(once, SCHEMES["RACI"]) == once
