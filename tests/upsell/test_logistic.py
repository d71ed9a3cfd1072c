"""Logistic regression: known answers, and errors by customer."""

import numpy as np
import pytest

from journey_widgets.errors import JourneyDataError
from journey_widgets.upsell.logistic import fit_logistic


def rows(*counts):
    """Rows of a two-by-two table: (exposed, upgraded, how many)."""
    x = np.concatenate([np.full(n, e) for e, _y, n in counts]).astype(float)
    y = np.concatenate([np.full(n, u) for _e, u, n in counts]).astype(bool)
    return np.column_stack([np.ones(len(x)), x]), y


def test_of_a_two_by_two_table_the_odds_ratio_and_its_error_come_out():
    x, y = rows((1, 1, 30), (1, 0, 70), (0, 1, 20), (0, 0, 180))
    found = fit_logistic(x, y, np.arange(len(y)))
    assert found.coefficients[1] == pytest.approx(np.log(30 * 180 / (70 * 20)))
    assert found.coefficients[0] == pytest.approx(np.log(20 / 180))
    woolf = np.sqrt(1 / 30 + 1 / 70 + 1 / 20 + 1 / 180)
    assert found.errors[1] == pytest.approx(woolf, rel=0.01)


def test_rows_of_one_customer_count_as_one_voice():
    x, y = rows((1, 1, 30), (1, 0, 70), (0, 1, 20), (0, 0, 180))
    once = fit_logistic(x, y, np.arange(len(y)))
    thrice = fit_logistic(np.repeat(x, 3, axis=0), np.repeat(y, 3), np.repeat(np.arange(len(y)), 3))
    assert thrice.coefficients == pytest.approx(once.coefficients)
    assert thrice.errors == pytest.approx(once.errors, rel=1e-6)
    apart = fit_logistic(np.repeat(x, 3, axis=0), np.repeat(y, 3), np.arange(3 * len(y)))
    assert apart.errors == pytest.approx(once.errors / np.sqrt(3), rel=0.01)


def test_the_slope_is_zero_at_the_answer_of_random_data():
    rng = np.random.default_rng(5)
    x = np.column_stack([np.ones(800), rng.normal(size=(800, 3))])
    y = rng.random(800) < 1 / (1 + np.exp(-x @ [-1.0, 0.5, 0.0, -0.7]))
    found = fit_logistic(x, y, np.arange(800))
    p = 1 / (1 + np.exp(-x @ found.coefficients))
    assert x.T @ (y - p) == pytest.approx(np.zeros(4), abs=1e-5)


def test_with_a_little_ridge_there_is_an_answer_and_little_else_changes():
    x, y = rows((1, 1, 30), (0, 0, 180))
    apart = fit_logistic(x, y, np.arange(len(y)), ridge=0.01)
    assert 5 < apart.coefficients[1] < 20
    x, y = rows((1, 1, 30), (1, 0, 70), (0, 1, 20), (0, 0, 180))
    held, free = (fit_logistic(x, y, np.arange(len(y)), ridge=r) for r in (0.01, 0.0))
    assert held.coefficients == pytest.approx(free.coefficients, abs=0.002)


@pytest.mark.parametrize("twice", [False, True])
def test_what_has_no_answer_is_said(twice):
    x, y = rows((1, 1, 30), (0, 0, 180))
    if twice:
        x, y = rows((1, 1, 30), (1, 0, 20), (0, 0, 180), (0, 1, 20))
        x = np.column_stack([x, x[:, 1]])
    with pytest.raises(JourneyDataError, match="The model has no answer"):
        fit_logistic(x, y, np.arange(len(y)))
