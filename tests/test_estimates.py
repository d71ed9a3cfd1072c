import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from journey_widgets.estimates import (
    certainty,
    clustered_wilson,
    difference,
    difference_in_strata,
    false_discovery,
    grouped_variance,
    median_interval,
    resample,
    wilson,
)


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


def test_newcombes_published_examples_of_a_difference_are_met():
    """Newcombe 1998, table II, method 10: 56/70 - 48/80; 9/10 - 3/10; 10/10 - 0/20."""
    for a, n, b, m, low, high in (
        (56, 70, 48, 80, 0.0524, 0.3339),
        (9, 10, 3, 10, 0.1705, 0.8090),
        (10, 10, 0, 20, 0.6791, 1.0),
    ):
        found = difference(a, n, b, m)
        assert (round(float(found[0]), 4), round(float(found[1]), 4)) == (low, high)


def test_false_discoveries_are_adjusted_as_in_the_published_example():
    """Benjamini and Hochberg 1995, section 4: 15 p-values, of which four stay at 5 %."""
    given = [0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.3240, 0.4262,
             0.5719, 0.6528, 0.7590, 1.0]  # fmt: skip

    assert (false_discovery(given) <= 0.05).sum() == 4
    with_gap = false_discovery([np.nan, *given])
    assert np.isnan(with_gap[0])
    assert (with_gap[1:] == false_discovery(given)).all()


def test_the_interval_of_a_median_has_the_ranks_worked_out_by_hand():
    # 100 values: 50 ± 1.96 * 10 / 2 = 40.2 to 59.8, so ranks 40 and 61
    assert median_interval(range(1, 101)) == (50.5, 40.0, 61.0)
    assert np.isnan(median_interval([])).all()
    assert median_interval([7.0])[0] == 7.0
    assert np.isnan(median_interval(range(5))[1:]).all()  # five have no 95 % interval
    assert median_interval(range(6)) == (2.5, 0.0, 5.0)


def test_shares_of_events_are_wider_where_one_customers_events_are_alike():
    # 50 customers with 20 events each, all of one's events the same: as good as 50 events
    successes = np.repeat([20.0, 0.0], 25)[:, None]
    n = np.full((50, 1), 20.0)

    low, high = clustered_wilson([500], [1_000], grouped_variance(successes, n))

    # exactly 1000 / deff = 49 independent events: Wilson of 24.5 of 49
    expected = wilson(24.5, 49)
    assert (low[0], high[0]) == pytest.approx((float(expected[0]), float(expected[1])), abs=1e-6)
    alike = grouped_variance(np.full((50, 1), 10.0), n)
    assert clustered_wilson([500], [1_000], alike)[0] == wilson([500], [1_000])[0]


def test_shares_in_strata_are_compared_level_by_level_and_their_interval_holds():
    assert difference_in_strata([10, 225], [200, 900], [10, 25], [200, 100])[0] == pytest.approx(
        0.0
    )
    one = difference_in_strata([56, 3], [70, 9], [48, 0], [80, 0])  # the second has one side only
    low, high, _p = difference(56, 70, 48, 80)
    assert one == pytest.approx((56 / 70 - 48 / 80, float(low), float(high)))
    assert np.isnan(difference_in_strata([1], [5], [0], [0])).all()
    rng = np.random.default_rng(0)
    held = 0
    for _turn in range(600):
        m, n = rng.integers(20, 80, 8), rng.integers(5, 30, 8)
        p = rng.uniform(0.02, 0.3, 8)
        _v, lo, hi = difference_in_strata(rng.binomial(m, p + 0.04), m, rng.binomial(n, p), n)
        held += lo <= 0.04 <= hi
    assert 0.93 <= held / 600 <= 0.975


def test_a_bootstrap_by_customer_is_repeatable_and_spreads_as_the_sum_does():
    totals = np.random.default_rng(1).poisson(3, (200, 1)).astype(float)

    drawn = resample(totals, draws=2_000, seed=4)

    assert (drawn == resample(totals, draws=2_000, seed=4)).all()
    assert drawn.mean() == pytest.approx(totals.sum(), rel=0.02)
    assert drawn.std() == pytest.approx(totals.std() * np.sqrt(200), rel=0.1)
