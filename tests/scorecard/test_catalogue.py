"""The catalogue ships whole, every expression gives its example, and a formula is never run as code."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from journey_widgets.definition import definition
from journey_widgets.errors import DocumentError, JourneyDataError
from journey_widgets.scorecard import Formula, catalogue
from journey_widgets.scorecard.catalogue import _rows, worked_example


def test_the_catalogue_has_117_kpis_with_what_it_takes_to_use_them():
    frame = catalogue()
    assert len(frame) == 117
    assert frame["kpi"].is_unique
    assert set(frame["direction"]) == {"up", "down", "context"}
    for column in (
        "name",
        "perspective",
        "stages",
        "unit",
        "formula",
        "expression",
        "aggregation",
        "source",
    ):
        assert (frame[column] != "").all(), column
    assert "rest on general practice" in definition(frame)


@pytest.mark.parametrize("name", [r["kpi_id"] for r in _rows()])
def test_every_expression_gives_the_value_of_its_example(name):
    _figures, stated, found = worked_example(name)
    assert found == pytest.approx(stated, abs=5e-7)


@pytest.mark.parametrize(
    "text",
    [
        "__import__('os').system('x')", "a.b", "a[0]", "lambda: 1", "[x for x in a if x]", "open('x')", "a if b else c",
        "f'{a}'", "'text'", "True", "a and b", "a < b", "2 ** 999999", "a ** b", "sum()", "min(a, key=b)", "{1: 2}",
        "[y for x in a for y in x]", "(yield)", "a := 1", "sum(*a)", "", "1 +", "x" * 501, "~a", "a // b",
        "a % b", "a @ b",
    ],
)  # fmt: skip
def test_what_is_no_arithmetic_is_refused_before_anything_is_worked_out(text):
    with pytest.raises(DocumentError):
        Formula(text)


def test_a_formula_says_which_figures_it_needs_and_which_is_missing():
    formula = Formula("(promoters - detractors) / n")
    assert formula.names == ("promoters", "detractors", "n")
    with pytest.raises(JourneyDataError, match="the figure 'n' is missing"):
        formula.value({"promoters": 1, "detractors": 1, "N": 2})


@pytest.mark.parametrize("wrong", [None, True, "5", float("nan"), float("inf"), ["a"], [1.0, None]])
def test_a_figure_that_is_no_number_is_refused(wrong):
    with pytest.raises(JourneyDataError, match="a finite number, or a list of them"):
        Formula("a / 2").value({"a": wrong})


def test_what_cannot_be_divided_has_no_value():
    assert Formula("a / b").value({"a": 1, "b": 0}) is None
    assert Formula("median(a)").value({"a": [3, 1, 2]}) == 2
    assert Formula("mean(a)").value({"a": []}) is None
    with pytest.raises(JourneyDataError, match="a list was met"):
        Formula("a / 2").value({"a": [1, 2]})


@given(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6), st.integers(0, 3))
def test_arithmetic_is_that_of_numbers(a, b, power):
    assert Formula(f"-a + b * 2 - (a ** {power}) / 4").value({"a": a, "b": b}) == pytest.approx(
        -a + b * 2 - (a**power) / 4
    )
