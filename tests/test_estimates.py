import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from journey_widgets.estimates import certainty, wilson


@pytest.mark.parametrize(
    ("k", "n", "low", "high"),
    [(42, 80, 0.417, 0.631), (38, 80, 0.369, 0.583), (0, 80, 0.0, 0.046), (0, 30, 0.0, 0.114)],
)
def test_the_interval_is_the_published_one(k, n, low, high):
    found = wilson(k, n)

    assert [round(float(v), 3) for v in found] == [low, high]


@given(st.integers(0, 500), st.integers(1, 500))
def test_the_interval_holds_the_share_and_stays_between_0_and_1(k, n):
    k = min(k, n)
    low, high = wilson(k, n)

    assert 0 <= low <= k / n <= high <= 1


def test_of_nothing_nothing_is_known():
    low, high = wilson([0, 1], [0, 1])

    assert np.isnan(low[0])
    assert np.isnan(high[0])
    assert high[1] == 1
    assert certainty([29, 30]).tolist() == ["insufficient", "sufficient"]
