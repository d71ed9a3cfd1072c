"""Status and roll-up: the worked examples, the invariants on random trees, and what is never hidden."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from journey_widgets.errors import DocumentError
from journey_widgets.estimates import wilson
from journey_widgets.scorecard.roll_up import Node, change, leaves, roll_up
from journey_widgets.scorecard.scoring import linear
from journey_widgets.scorecard.status import Rule, certainty, checked, status, with_hysteresis


def tree(*children, how="weighted_mean", **more):
    return Node("all", children=tuple(children), how=how, **more)


def leaf(score, weight=1.0, name="k", state=""):
    return Node(name, weight, score, state)


# Status


def test_boundaries_belong_to_the_better_side_and_float_noise_does_not_count():
    assert [status(s) for s in (0.67, 0.6699999999999, 0.669, 0.33, 0.3299, 0.0)] == [
        "green", "green", "amber", "amber", "red", "red",
    ]  # fmt: skip


def test_rules_that_cannot_be_read_top_to_bottom_are_refused():
    for rules in (
        [],
        [Rule("green", 0.5)],
        [Rule("a", 0.3), Rule("b", 0.6), Rule("c")],
        [Rule("a"), Rule("b")],
    ):
        with pytest.raises(DocumentError, match="top to bottom"):
            checked(rules)


@pytest.mark.parametrize(
    ("k", "n", "words"),
    [
        (41, 50, "green, not certain (red to green)"),
        (410, 500, "green, not certain (amber to green)"),
    ],
)
def test_the_same_82_percent_are_less_certain_from_fewer_answers(k, n, words):
    rules = (Rule("green", 0.8), Rule("amber", 0.7), Rule("red"))
    low, high = wilson(k, n)
    assert certainty(k / n, float(low), float(high), lambda v: v, rules).in_words() == words


def test_a_narrow_interval_makes_a_status_certain():
    found = certainty(0.9, 0.88, 0.92, lambda v: linear(v, 0, 1).clamped)
    assert (found.certain, found.in_words()) == (True, "green")


def test_a_best_in_the_middle_of_an_interval_is_seen():
    found = certainty(0.2, 0.0, 1.0, lambda v: 1 - abs(v - 0.5) * 2)
    assert found.possible == ("green", "amber", "red")


def test_a_status_is_left_only_beyond_its_boundary_where_that_is_asked_for():
    assert with_hysteresis(0.66, "green", by=0.02) == "green"
    assert with_hysteresis(0.64, "green", by=0.02) == "amber"
    assert with_hysteresis(0.68, "amber", by=0.02) == "amber"
    assert with_hysteresis(0.70, "amber", by=0.02) == "green"
    assert with_hysteresis(0.66, "green") == "amber"


# Roll-up


@pytest.mark.parametrize(
    ("how", "score"),
    [
        ("weighted_mean", 0.65),
        ("geometric_mean", 0.4405),
        ("worst", 0.10),
        ("best", 0.95),
        ("most_frequent", 0.925),
    ],
)
def test_three_children_under_each_rule(how, score):
    found = roll_up(tree(leaf(0.95), leaf(0.90), leaf(0.10), how=how))
    assert found.score == pytest.approx(score, abs=5e-5)


def test_a_parent_better_than_red_names_the_red_inside():
    found = roll_up(tree(leaf(0.95, name="a"), leaf(0.90, name="b"), leaf(0.10, name="churn")))
    assert found.masked == ("churn",)
    assert roll_up(tree(leaf(0.1, name="a"), leaf(0.1, name="b"))).masked == ()
    light = tree(leaf(0.9, 96, "a"), leaf(0.0, 4, "small"))
    assert roll_up(light).masked == ()  # below 5 % of weight


@pytest.mark.parametrize(
    ("missing", "score"), [("renormalise", 0.775), ("fixed", 0.62), ("strict", None)]
)
def test_a_missing_child_under_each_policy(missing, score):
    found = roll_up(tree(leaf(0.9, 3), leaf(0.4, 1), leaf(None, 1)), missing=missing)
    assert found.score == (None if score is None else pytest.approx(score))
    assert found.coverage == pytest.approx(0.80)
    assert (found.low, found.high) == (pytest.approx(0.62), pytest.approx(0.82))


FOUR = tree(
    Node("financial", children=(leaf(0.8), leaf(0.6))),
    Node("customer", children=(leaf(0.5, 2), leaf(None, 1), leaf(1.0, 1))),
    Node("internal", children=(leaf(0.2),)),
    Node("learning", children=(leaf(None),)),
)


def test_four_perspectives_are_rolled_up_level_by_level_and_withheld_for_lack_of_coverage():
    shown = roll_up(FOUR, least_coverage=0.0)
    assert [c.score for c in shown.children] == [
        pytest.approx(0.70), pytest.approx(2 / 3), pytest.approx(0.20), None,
    ]  # fmt: skip
    assert shown.score == pytest.approx(0.5222, abs=5e-5)
    withheld = roll_up(FOUR)
    assert withheld.coverage == pytest.approx(0.6875)
    assert (withheld.score, withheld.state) == (None, "insufficient")
    assert (withheld.low, withheld.high) == (pytest.approx(0.35), pytest.approx(0.6625))


def test_over_leaves_it_would_be_another_number():
    known = [(n.score, share) for n, share in leaves(FOUR) if n.score is not None]
    assert sum(s * w for s, w in known) / sum(w for _s, w in known) == pytest.approx(
        0.5091, abs=5e-5
    )


def test_not_applicable_leaves_the_sum_and_no_data_does_not():
    assert roll_up(tree(leaf(0.5), leaf(None, state="not_applicable"))).coverage == 1
    assert roll_up(tree(leaf(0.5), leaf(None, state="insufficient"))).coverage == 0.5
    assert roll_up(tree(leaf(None, state="not_applicable"))).state == "not_applicable"


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: leaf(0.5, -1), "0 or more"),
        (lambda: leaf(1.2), "0 to 1"),
        (lambda: leaf(None, state="blank"), "no state 'blank'"),
        (lambda: roll_up(tree(leaf(0.5, 0), leaf(0.2, 0))), "all 0"),
    ],
)
def test_weights_scores_and_states_that_cannot_be_are_refused(make, words):
    with pytest.raises(DocumentError, match=words):
        make()


def test_a_change_is_split_into_performance_and_basis():
    weights = [0.5, 0.3, 0.2]
    found = change(weights, [0.6, 0.5, 0.7], [0.7, 0.4, 0.9])
    assert found == pytest.approx({"performance": 0.06, "basis": 0.0, "total": 0.06})
    other = change(weights, [0.6, 0.5, 0.7], [0.7, 0.4, 0.9], weights_before=[0.2, 0.3, 0.5])
    assert other["performance"] == pytest.approx(0.06)
    assert other["total"] == pytest.approx(0.65 - 0.62)


# Invariants on random trees

SCORES = st.one_of(st.none(), st.floats(0, 1))
LEAVES = st.builds(
    lambda s, w, a: Node("k", w, s, "not_applicable" if a and s is None else ""),
    SCORES,
    st.floats(0.1, 5),
    st.booleans(),
)
HOWS = st.sampled_from(["weighted_mean", "geometric_mean", "worst", "best"])
TREES = st.recursive(
    LEAVES,
    lambda inner: st.builds(
        lambda kids, w, how: Node("n", w, children=tuple(kids), how=how),
        st.lists(inner, min_size=1, max_size=4), st.floats(0.1, 5), HOWS,
    ),
    max_leaves=12,
)  # fmt: skip


@settings(max_examples=200, deadline=None)
@given(TREES, st.floats(0.5, 20))
def test_scores_lie_between_the_bounds_and_between_the_children(node, factor):
    found = roll_up(node, least_coverage=0)
    if found.score is not None:
        assert found.low - 1e-9 <= found.score <= found.high + 1e-9
        known = [c.score for c in found.children if c.score is not None]
        if known:
            assert min(known) - 1e-9 <= found.score <= max(known) + 1e-9
    if node.children:
        scaled = tuple(
            Node(c.name, c.weight * factor, c.score, c.state, c.children, c.how)
            for c in node.children
        )
        for other in (scaled, tuple(reversed(node.children)), (*node.children, Node("x", 0.0, 0.5)),
                      (*node.children, Node("x", 2.0, None, "not_applicable"))):  # fmt: skip
            same = roll_up(
                Node(node.name, node.weight, children=other, how=node.how), least_coverage=0
            )
            assert same.score == (None if found.score is None else pytest.approx(found.score))
            assert same.coverage == (
                None if found.coverage is None else pytest.approx(found.coverage)
            )


@settings(max_examples=200, deadline=None)
@given(TREES, st.floats(0, 1))
def test_raising_one_score_never_lowers_what_is_above(node, up):
    def raised(n, done):
        if not n.children:
            if n.score is not None and not done:
                done.append(1)
                return Node(n.name, n.weight, n.score + (1 - n.score) * up, n.state)
            return n
        return Node(
            n.name, n.weight, children=tuple(raised(c, done) for c in n.children), how=n.how
        )

    before, after = roll_up(node, least_coverage=0), roll_up(raised(node, []), least_coverage=0)
    if before.score is not None:
        assert after.score >= before.score - 1e-9


def test_a_score_that_is_carried_on_counts_and_the_bounds_take_it_as_missing():
    carried = tree(leaf(0.9, 3), leaf(0.4), leaf(0.5, state="stale"))
    found = roll_up(carried, missing="carry")
    assert found.score == pytest.approx((2.7 + 0.4 + 0.5) / 5)
    assert (found.low, found.high) == (pytest.approx(0.62), pytest.approx(0.82))
    assert found.coverage == 1.0
    gap = roll_up(tree(leaf(0.9, 3), leaf(0.4), leaf(None)), missing="carry")
    assert (gap.score, gap.coverage) == (pytest.approx(0.775), pytest.approx(0.8))
    hidden = roll_up(tree(leaf(0.9, 3), leaf(0.1, name="old", state="stale")), missing="carry")
    assert hidden.masked == ("old",)


def test_the_most_frequent_status_goes_by_the_rules_of_the_scorecard():
    three = tree(leaf(0.7), leaf(0.75), leaf(0.95), how="most_frequent")
    strict = (Rule("green", 0.9), Rule("amber", 0.5), Rule("red"))
    assert roll_up(three, rules=strict).score == pytest.approx(0.725)
    assert roll_up(three).score == pytest.approx(0.8)
