"""What is said of many does not tell the number of few."""

from itertools import product

from hypothesis import given, settings
from hypothesis import strategies as st

from journey_widgets.small_counts import withheld

CHAIN = [("all", "lost", "left"), ("left", "gone", "kept")]


def test_one_small_part_takes_the_next_smallest_with_it():
    counts = {"all": 100, "a": 3, "b": 40, "c": 57}
    assert withheld(counts, [("all", "a", "b", "c")], 5) == {"a", "b"}


def test_two_small_parts_that_can_only_be_one_each_take_a_third():
    counts = {"all": 50, "a": 1, "b": 1, "c": 20, "d": 28}
    assert withheld(counts, [("all", "a", "b", "c", "d")], 5) == {"a", "b", "c"}
    assert withheld(counts | {"a": 2, "b": 3, "all": 53}, [("all", "a", "b", "c", "d")], 5) == {
        "a",
        "b",
    }


def test_nobody_is_not_few_and_nothing_is_withheld_of_many():
    assert withheld({"all": 30, "a": 0, "b": 30}, [("all", "a", "b")], 5) == set()
    assert withheld({"all": 30, "a": 1, "b": 29}, [("all", "a", "b")], 1) == set()


def test_what_is_told_elsewhere_keeps_nothing():
    counts = {"all": 100, "a": 3, "b": 40, "c": 57}
    assert withheld(counts, [("all", "a", "b", "c")], 5, shown=["b", "all"]) == {"a", "c"}


@settings(deadline=None)
@given(st.integers(3, 5), st.lists(st.integers(0, 9), min_size=3, max_size=3))
def test_a_reader_who_tries_every_possible_table_cannot_tell_a_small_count(least, numbers):
    lost, gone, kept = numbers
    counts = {"all": sum(numbers), "lost": lost, "left": gone + kept, "gone": gone, "kept": kept}
    out = withheld(counts, CHAIN, least)

    def fits(name, value):
        if name not in out:
            return value == counts[name]
        return 1 <= value < least if counts[name] < least else value >= least

    possible = []
    for a, b, c in product(range(28), repeat=3):
        told = {"all": a + b + c, "lost": a, "left": b + c, "gone": b, "kept": c}
        if all(fits(n, v) for n, v in told.items()):
            possible.append(told)
    for name, n in counts.items():
        if 0 < n < least and any(counts[c] and c not in out for c in counts):
            assert len({p[name] for p in possible}) > 1 or _alone(counts, name, out)


def _alone(counts, name, out):
    """Nothing else in its sums could have been withheld."""
    return all(c in out or not counts[c] for group in CHAIN if name in group for c in group)
