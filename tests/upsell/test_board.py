"""The opportunity board: within every limit, close to the best possible, and never more certain than its evidence."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import lil_array

from journey_widgets.definition import definition
from journey_widgets.errors import JourneyDataError
from journey_widgets.events.personal import KEY
from journey_widgets.upsell import Limits, board
from journey_widgets.upsell.board_rows import EARNS, HAD_ENOUGH, NO_ROOM, PLANNED
from journey_widgets.upsell.optimiser import Problem, solve

# the optimiser


def kinds_of(slot, many):
    """Which cell takes a slot of which kind, where each takes one."""
    return (np.asarray(slot)[:, None] == np.arange(many)) * 1.0


def five_customers():
    """Margins of five customers by offer and touchpoint; contacts cost 0.5 and 4, two slots each, 9 euros in all."""
    margins = [
        [[1.1, 0.0], [0.6, 7.9]], [[1.5, 3.7], [0.5, 4.3]], [[0.1, 5.7], [1.6, 10.5]], [[1.8, 2.6], [4.7, 8.1]],
        [[1.9, 2.5], [-1.0, 0.5]],
    ]  # fmt: skip
    value = np.array(margins).reshape(5, 4)
    cost, slot = np.tile([0.5, 4.0], 2), np.tile([0, 1], 2)
    return Problem(value, cost, kinds_of(slot, 2), 9.0, np.array([2.0, 2.0]), np.ones(5, np.int64))


def world(seed, many=40, kinds=6, contacts=1):
    rng = np.random.default_rng(seed)
    value = rng.gamma(1.5, 2, (many, kinds)) * rng.lognormal(0, 0.6, (many, 1)) - 1.5
    value[rng.random((many, kinds)) < 0.3] = -np.inf
    slots = np.array([many * 0.05, many * 0.1, many * 0.2, np.inf]).round()
    return Problem(
        value, rng.choice([0.1, 0.5, 2.0, 5.0], kinds), kinds_of(rng.integers(0, 4, kinds), 4), many * 0.6, slots,
        np.full(many, contacts, np.int64),
    )  # fmt: skip


def exact(problem):
    """The best plan there is, by integer programming."""
    many, kinds = problem.value.shape
    value = np.where(np.isfinite(problem.value), problem.value, -1e6).ravel()
    groups = len(problem.least)
    limits = lil_array((many + 1 + len(problem.slots) + groups, many * kinds))
    for i in range(many):
        limits[i, i * kinds : (i + 1) * kinds] = 1
    limits[many, :] = np.tile(problem.cost, many)
    for s in range(len(problem.slots)):
        limits[many + 1 + s, :] = np.tile(problem.takes[:, s], many)
    for g in range(groups):
        limits[many + 1 + len(problem.slots) + g, :] = np.repeat((problem.group == g) * -1.0, kinds)
    top = np.concatenate([problem.contacts, [problem.budget], problem.slots, -problem.least])
    usable = np.isfinite(problem.value).ravel() * 1.0
    found = milp(
        -value,
        constraints=LinearConstraint(limits.tocsr(), ub=top),
        integrality=1,
        bounds=Bounds(0, usable),
    )
    return -found.fun if found.success else -np.inf


def sorted_and_cut(problem):
    """What sorting by value and taking what fits is worth."""
    rows, cells = np.nonzero(problem.value > 0)
    order = np.argsort(-problem.value[rows, cells], kind="stable")
    budget, slots, free, total = problem.budget, problem.slots.copy(), problem.contacts.copy(), 0.0
    for row, cell in zip(rows[order], cells[order], strict=True):
        kinds = problem.takes[cell] > 0
        if free[row] and problem.cost[cell] <= budget + 1e-9 and (slots[kinds] >= 1).all():
            budget, total = budget - problem.cost[cell], total + problem.value[row, cell]
            slots[kinds] -= 1
            free[row] -= 1
    return total


def within(problem, solution):
    per_cell = solution.chosen.sum(axis=0)
    taken = per_cell @ problem.takes
    assert per_cell @ problem.cost <= problem.budget + 1e-6
    assert (taken <= problem.slots + 1e-6).all()
    assert (solution.chosen.sum(axis=1) <= problem.contacts).all()
    assert np.isfinite(problem.value[solution.chosen]).all()


def test_the_best_of_all_combinations_is_found_where_sorting_is_worth_less():
    found = solve(five_customers())
    assert found.value == pytest.approx(25.0)
    assert found.bound >= 25.0
    assert sorted_and_cut(five_customers()) == pytest.approx(22.0)


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 10_000), st.integers(1, 3))
def test_no_limit_is_ever_passed_and_the_bound_holds(seed, contacts):
    problem = world(seed, contacts=contacts)
    found = solve(problem)
    within(problem, found)
    assert found.value <= found.bound + 1e-6
    assert found.value >= sorted_and_cut(problem) - 1e-6


@pytest.mark.parametrize("seed", range(8))
def test_it_is_nearly_as_good_as_integer_programming(seed):
    problem = world(seed, contacts=1 + seed % 2)
    best, found = exact(problem), solve(problem)
    assert found.bound >= best - 1e-6
    assert found.value >= 0.985 * best


@pytest.mark.parametrize("seed", range(6))
def test_more_of_anything_never_lowers_the_value_much_and_the_same_input_gives_the_same_plan(seed):
    problem = world(seed, many=300)
    first, again = solve(problem), solve(problem)
    assert (first.chosen == again.chosen).all()
    roomy = solve(replace(problem, budget=np.inf, slots=np.full(4, np.inf)))
    assert roomy.value == pytest.approx(np.maximum(problem.value, 0).max(axis=1).sum())
    more = solve(replace(problem, budget=problem.budget * 1.2))
    assert more.bound >= first.bound - 1e-6
    assert more.value >= 0.998 * first.value


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 10_000), st.integers(1, 2))
def test_a_cell_may_take_one_of_its_channel_and_one_of_its_team(seed, contacts):
    problem = world(seed, contacts=contacts)
    teams = kinds_of(np.random.default_rng(seed).integers(0, 3, 6), 3)[
        :, :2
    ]  # a third of them are of no team
    problem = replace(
        problem, takes=np.c_[problem.takes, teams], slots=np.r_[problem.slots, [3.0, 7.0]]
    )

    found = solve(problem)

    within(problem, found)
    assert found.value <= exact(problem) + 1e-6 <= found.bound + 2e-6
    assert found.value >= sorted_and_cut(problem) - 1e-6


def test_the_gap_of_a_larger_board_is_small_and_a_near_solution_answers_too():
    problem = world(3, many=3_000, kinds=24)
    found = solve(problem)
    assert found.gap <= 0.005
    near = solve(replace(problem, budget=problem.budget * 1.1), near=found)
    within(replace(problem, budget=problem.budget * 1.1), near)
    assert near.gap <= 0.01


def with_least(seed, many=30, least=(9.0, 12.0), **more):
    problem = world(seed, many=many, **more)
    group = np.random.default_rng(seed).integers(-1, 2, many)
    # The first group is worth little: left to itself, it would get next to nothing.
    value = np.where(
        (group == 0)[:, None] & np.isfinite(problem.value), problem.value * 0.1 - 0.5, problem.value
    )
    return replace(problem, value=value, group=group, least=np.array(least))


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 10_000), st.integers(1, 2))
def test_groups_get_their_least_beside_every_other_limit_or_it_is_said_by_how_much_not(
    seed, contacts
):
    problem = with_least(seed, contacts=contacts)
    found = solve(problem)

    within(problem, found)
    given_ = [found.chosen[problem.group == g].sum() for g in range(2)]
    assert (np.array(given_) + found.short >= problem.least).all()
    assert found.value <= found.bound + 1e-6
    best = exact(problem)
    if not found.short.any():
        assert found.value <= best + 1e-6 <= found.bound + 2e-6
        assert found.value >= best - 0.15 * abs(
            best
        )  # thirty customers; the printed gap says how far at most


@pytest.mark.parametrize("seed", range(6))
def test_with_money_alone_a_least_that_can_be_is_always_met_and_nearly_best(seed):
    problem = with_least(seed, many=60)
    problem = replace(
        problem, slots=np.full(4, np.inf), cost=np.full(len(problem.cost), 1.0), budget=30.0
    )
    found, best = solve(problem), exact(problem)

    assert not found.short.any()
    assert found.value >= best - 0.01 * abs(best)
    assert found.bound >= best - 1e-6
    assert found.group_prices[0] > 0


def test_more_than_it_must_no_group_gets_at_a_loss_and_the_gap_is_one_also_below_nothing():
    value = np.array([[-1.0]] * 30 + [[5.0]] * 4)
    problem = Problem(
        value, np.array([1.0]), np.zeros((1, 0)), 25.0, np.zeros(0), np.ones(34, np.int64),
        np.zeros(34, np.int64), np.array([20.0]),
    )  # fmt: skip

    found = solve(problem)

    assert found.chosen.sum() == 20
    assert found.value == pytest.approx(4 * 5.0 - 16.0)
    worse = solve(replace(problem, value=np.full((34, 1), -1.0)))
    assert worse.value == pytest.approx(-20.0)
    assert 0 <= worse.gap <= 1


def test_room_is_taken_from_those_who_need_not_have_it():
    # All slots are worth most to people of no group; the group must have three of them.
    value = np.r_[np.full((10, 1), 9.0), np.full((10, 1), 1.0)]
    problem = Problem(
        value, np.array([1.0]), np.ones((1, 1)), 10.0, np.array([6.0]), np.ones(20, np.int64),
        np.r_[np.full(10, -1), np.zeros(10, np.int64)], np.array([3.0]),
    )  # fmt: skip

    found = solve(problem)

    assert found.chosen[10:].sum() == 3
    assert not found.short.any()
    assert found.value == pytest.approx(3 * 9.0 + 3 * 1.0)


def test_a_least_of_nothing_changes_nothing():
    problem = world(4)
    grouped = replace(problem, group=np.zeros(40, np.int64), least=np.zeros(1))

    assert (solve(problem).chosen == solve(grouped).chosen).all()


# the board


def cells(many=40, **changes):
    rows = [
        {"customer_id": f"c{c:02d}", "offer": offer, "touchpoint": touchpoint, "effect": 0.02 + c / 1000,
         "margin": 100.0, "cost": cost, "evidence": "tested"}
        for c in range(many)
        for (offer, touchpoint), cost in {("case", "mail"): 0.2, ("care", "call"): 3.0}.items()
    ]  # fmt: skip
    return pd.DataFrame(rows).assign(**changes)


OWNERS = {"mail": "Marketing", "call": "Service"}


def test_everybody_and_every_row_is_accounted_for():
    found = board(
        cells(), limits=Limits(budget=20, slots={"call": 3}), owners={"mail": "Marketing", "call": "Service"},
        guards={"an open case": ["c01", "c02"], "opted out": ["c02", "c03"]},
    )  # fmt: skip
    funnel = found.funnel().set_index("step")
    assert funnel.loc["eligible"].tolist() == [40, 80]
    assert funnel.iloc[1:].sum().tolist() == [40, 80]
    assert funnel.loc["planned", "rows"] == len(found.plan)
    assert funnel.loc["an open case", "rows"] + funnel.loc["opted out", "rows"] <= 6
    assert set(found.plan["customer_id"]).isdisjoint({"c01", "c02", "c03"})


def test_some_are_left_alone_before_anything_is_ranked():
    every = board(cells(400), held_out=0.1, salt="spring")
    alone = set(cells(400)["customer_id"]) - set(every.cells["customer_id"])
    assert 20 <= len(alone) <= 60
    better = cells(400)
    better.loc[better["customer_id"].isin(alone), "effect"] = (
        0.9  # the best customers are left alone as well
    )
    assert (
        set(better["customer_id"])
        - set(board(better, held_out=0.1, salt="spring").cells["customer_id"])
        == alone
    )


def test_touchpoints_that_nobody_alone_answers_for_are_not_planned():
    found = board(cells(), owners={"mail": "Marketing"}, held_out=0)
    assert set(found.plan["touchpoint"]) == {"mail"}
    assert (
        found.funnel().set_index("step").loc["nobody alone answers for the touchpoint", "rows"]
        == 40
    )


def test_effects_are_drawn_to_the_mean_of_their_class_by_their_number():
    """Worked by hand: mean of the two 0.06; n of 100 goes half way, n of 300 a quarter of it."""
    table = cells(
        1, offer=["a", "b"], effect=[0.10, 0.02], n=[100, 300], touchpoint="mail", cost=0.0
    )
    found = board(table, held_out=0).cells.set_index("offer")["believed"]
    assert found.tolist() == pytest.approx([0.08, 0.03])


def test_few_customers_make_the_lower_limit_more_cautious_and_not_less():
    low = [
        board(cells(1, effect=0.05, effect_low=-0.15, n=n), held_out=0).cells["value"].iloc[0]
        for n in (10, 100, 1000)
    ]
    spread = [0.2 * np.sqrt(n / (n + 100)) for n in (10, 100, 1000)]
    assert low == pytest.approx([100 * (0.05 - s) - 0.2 for s in spread])
    nobody = board(
        cells(1, offer=["a", "b"], effect=[0.9, 0.1], n=[0, 900], touchpoint="mail", cost=0.0),
        held_out=0,
    )
    assert nobody.cells.set_index("offer")["believed"]["a"] == pytest.approx(
        0.5
    )  # the mean of its class


def test_less_certain_is_never_worth_more():
    table = cells(1, effect=0.02, effect_low=-0.3, margin=-100.0)
    found = board(table, held_out=0).cells
    assert (found["value"] <= found["expected"]).all()


def test_what_was_only_observed_is_capped_and_never_called_incremental():
    table = pd.concat([cells(10), cells(10, offer="other", evidence="observed", effect=0.4)])
    found = board(table, held_out=0, limits=Limits(max_contacts=4))
    observed = found.cells[found.cells["evidence"] == "observed"]
    assert observed["believed"].max() == 0.05
    called = found.totals().set_index("evidence")["called"]
    assert called["tested"] == "incremental margin"
    assert called["observed"] == "expected margin, not incremental"


def test_the_ranking_goes_by_the_lower_limit_unless_told_otherwise():
    table = cells(
        1,
        offer=["sure", "maybe"],
        touchpoint="mail",
        effect=[0.03, 0.04],
        effect_low=[0.028, 0.0],
        cost=1.0,
    )
    assert board(table, held_out=0).plan["offer"].tolist() == ["sure"]
    assert board(table, held_out=0, cautious=False).plan["offer"].tolist() == ["maybe"]


def test_a_segment_gets_its_least_and_what_that_costs_is_said():
    own = cells(segment=lambda f: np.where(f["customer_id"] < "c10", "north", "south"))
    limits = Limits(budget=4.0, slots={"call": 0})
    free = board(own, limits=limits, owners=OWNERS, held_out=0)
    made = board(own, limits=replace(limits, least={"north": 8}), owners=OWNERS, held_out=0)

    assert (free.plan["customer_id"] < "c10").sum() == 0
    assert (made.plan["customer_id"] < "c10").sum() == 8
    assert len(made.plan) == len(free.plan) == 20
    assert any(s.startswith("The last contact that north must get costs") for s in made.prices())
    assert "at least 8 with north" in definition(made.plan)
    poor, _moved = made.what_if(replace(made.limits, budget=1.0))
    assert any(s.startswith("north gets 5 of 8 contacts: the other limits") for s in poor.prices())
    assert any(s.startswith("north gets fewer than 6 of 8") for s in poor.prices(least=6))


def test_a_contact_that_earns_nothing_is_planned_where_a_segment_must_have_it_and_says_so():
    own = cells(4, segment="all").assign(
        effect=lambda f: np.where(f["customer_id"] == "c00", 0.5, 0.0)
    )
    made = board(own, limits=Limits(least={"all": 2}), owners=OWNERS, held_out=0)

    assert len(made.plan) == 2
    other = made.plan["customer_id"].iloc[1]
    why = made.why(other)
    assert "planned so that its segment gets what it must" in why[why["planned"]]["why"].iloc[0]
    assert "segment" not in made.why("c00")["why"].iloc[0]
    assert made.funnel()["rows"].iloc[0] == made.funnel()["rows"].iloc[1:].sum()


def test_contacts_had_already_count():
    found = board(cells(), limits=Limits(max_contacts=1, already={"c05": 1}), held_out=0)
    assert "c05" not in set(found.plan["customer_id"])
    assert "c06" in set(found.plan["customer_id"])
    numbers = cells().assign(customer_id=np.repeat(np.arange(40), 2))
    assert "5" not in set(
        board(numbers, limits=Limits(already={5: 1}), held_out=0).plan["customer_id"]
    )


def test_a_team_makes_no_more_contacts_than_it_can_wherever_it_makes_them():
    owners = {"mail": "service", "call": "service"}
    limits = Limits(max_contacts=2, teams={"service": 7})
    made = board(cells(), limits=limits, owners=owners, held_out=0, currency="EUR")
    assert len(made.plan) == 7
    assert "One contact more by service would earn" in made.prices()[-1]
    free = board(cells(), limits=Limits(max_contacts=2), owners=owners, held_out=0)
    best = free.plan["value"].head(7).sum()
    assert made.plan["value"].sum() == pytest.approx(best)
    out = made.why(str(free.plan["customer_id"].iloc[-1]))
    assert "earns" in out[~out["planned"]]["why"].iloc[0]
    more, moved = made.what_if(replace(limits, teams={"service": 9}))
    assert len(more.plan) == 9
    assert len(moved) == 2


def test_a_team_that_answers_for_nothing_is_refused_with_near_names():
    with pytest.raises(JourneyDataError, match="teams names 'servce'.*service"):
        board(cells(), limits=Limits(teams={"servce": 1}), owners={"call": "service"}, held_out=0)


def test_the_arms_count_contacts_had_already_on_both_sides():
    had = {f"c{i:02d}": 1 for i in range(0, 40, 2)}
    found = board(cells(), limits=Limits(max_contacts=1, already=had), held_out=0.3, salt="w")
    both = found.assignment(pd.Timestamp("2026-04-01", tz="UTC"))
    assert set(both["arm"]) == {"contacted", "left alone"}
    assert not set(both["customer_id"]) & set(had)


def test_who_had_his_contacts_in_the_period_is_told_so_and_counted():
    had = {f"c{i:02d}": 1 for i in range(0, 40, 2)}
    found = board(cells(), limits=Limits(max_contacts=1, already=had), held_out=0)

    assert set(found.why("c04")["why"]) == {"had contacts enough in the period"}
    funnel = found.funnel().set_index("step")
    assert funnel.loc["had contacts enough in the period", "customers"] == 20
    assert funnel["customers"].iloc[0] == funnel["customers"].iloc[1:].sum()
    assert funnel["rows"].iloc[0] == funnel["rows"].iloc[1:].sum()
    again, _moved = found.what_if(Limits(max_contacts=2, already=had))
    assert set(had) & set(again.plan["customer_id"])


def test_every_contact_of_a_plan_is_in_its_assignment_and_ties_are_not_compared():
    same = cells().assign(effect=0.05, margin=20.0)
    found = board(same, limits=Limits(slots={"call": 10}, max_contacts=1), held_out=0.2)

    both = found.assignment(pd.Timestamp("2026-04-01", tz="UTC"))

    had = both[both["arm"] == "contacted"]
    assert sorted(had["customer_id"]) == sorted(found.plan["customer_id"])
    assert set(both["compared"]) <= {0.0, 1.0}
    assert not both.duplicated(["customer_id", "offer", "touchpoint"]).any()


def test_why_and_why_not_are_said_in_words():
    found = board(
        cells(reason="price page seen twice"),
        limits=Limits(budget=9, slots={"call": 2}),
        held_out=0,
        currency="EUR",
    )
    best = found.why("c39").set_index("touchpoint")
    assert best["planned"].sum() == 1
    told = best[best["planned"]]["why"].iloc[0]
    assert told.startswith("price page seen twice; worth ")
    assert told.endswith("; tested")
    poor = board(cells(effect=0.001), held_out=0).why("c00")
    assert set(poor["why"]) == {"earns less than it costs"}
    with pytest.raises(JourneyDataError, match="has no row on this board"):
        found.why("nobody")


def test_who_is_not_on_the_board_is_told_why():
    own = cells(4, guard=lambda f: np.where(f["customer_id"] == "c01", "has an open case", ""))
    made = board(own, owners=OWNERS, guards={"asked not to": ["c02"]}, held_out=0)

    for customer, why in {
        "c01": "has an open case",
        "c02": "asked not to",
        "x": "at no moment",
    }.items():
        with pytest.raises(JourneyDataError, match=why):
            made.why(customer)
    alone = board(cells(40), owners=OWNERS, held_out=0.5)
    out = next(f"c{i:02d}" for i in range(40) if f"c{i:02d}" not in set(alone.cells["customer_id"]))
    with pytest.raises(JourneyDataError, match="left alone, to compare with"):
        alone.why(out)


def test_prices_say_what_a_little_more_would_earn():
    tight = board(cells(), limits=Limits(budget=4, slots={"call": 5}), held_out=0, currency="EUR")
    assert "1 EUR more of budget would earn" in tight.prices()[0]
    wide = board(cells(), limits=Limits(budget=1e6, slots={"call": 500}), held_out=0)
    assert wide.prices() == [
        "More budget would earn nothing: other limits are reached first.",
        "call has contacts left: more of them would earn nothing.",
    ]


def test_a_price_is_about_what_one_more_earns():
    limits = Limits(budget=40, slots={"call": 6})
    small, large = (
        board(cells(200), limits=replace(limits, budget=b), held_out=0) for b in (40, 44)
    )
    gained = large.solution.value - small.solution.value
    assert gained == pytest.approx(4 * small.solution.budget_price, rel=0.35)


def test_other_limits_move_some_contacts_and_say_which():
    found = board(cells(), limits=Limits(budget=10, slots={"call": 3}), held_out=0)
    other, moved = found.what_if(replace(found.limits, budget=16))
    assert other.solution.value >= found.solution.value
    assert set(moved["change"]) <= {"added", "dropped"}
    added, dropped = ((moved["change"] == c).sum() for c in ("added", "dropped"))
    assert len(other.plan) == len(found.plan) + added - dropped
    tired, _moved = found.what_if(replace(found.limits, fatigue=50.0))
    assert tired.plan.empty


def test_limits_that_are_lifted_cost_nothing_any_more():
    rng = np.random.default_rng(3)
    table = cells(200).assign(effect=rng.gamma(1.5, 0.02, 400).clip(0, 0.9))
    tight = board(table, limits=Limits(budget=40, slots={"mail": 20, "call": 30}), held_out=0)
    for limits in (
        Limits(slots={"mail": 20, "call": 30}),
        Limits(budget=40),
        Limits(),
        Limits(budget=40, slots={"call": 9}),
    ):
        other, _moved = tight.what_if(limits)
        anew = board(table, limits=limits, held_out=0)
        assert other.solution.bound >= anew.solution.value - 1e-6
        assert other.solution.value >= 0.98 * anew.solution.value
        assert len(other.prices()) == np.isfinite(limits.budget) + len(limits.slots or {})


def test_an_owner_gets_his_contacts_and_no_formula():
    table = cells(offer="=1+1")
    found = board(table.drop_duplicates(["customer_id", "touchpoint"]), owners=OWNERS, held_out=0)
    text = found.for_owner("Marketing", as_in_the_log=True)
    assert "'=1+1" in text
    assert text.count("\n") == 1 + (found.plan["owner"] == "Marketing").sum()
    with pytest.raises(JourneyDataError, match="owns no planned contact"):
        found.for_owner("Nobody")


def test_the_plan_says_what_it_was_made_for():
    said = definition(
        board(cells(), limits=Limits(budget=10, slots={"call": 3}), held_out=0, currency="EUR").plan
    )
    assert "a budget of 10 EUR, 1 contact a customer, 3 at call" in said
    assert "below the best possible" in said


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"effect": 3.0}, "an effect beyond -1 and 1"),
        ({"margin": None}, "margin is missing or no number in 80 rows"),
        ({"evidence": "testd"}, "Did you mean 'tested'"),
        ({"touchpoint": "mail", "offer": "x"}, "several costs"),
        ({"customer_id": None}, "80 rows lack a customer"),
        ({"n": -1}, "an n below 0"),
        ({"effect_low": 0.5}, "a lower limit above the effect"),
        (
            {"touchpoint": "mail", "offer": "x", "cost": 1.0},
            "40 rows name a customer, offer and touchpoint",
        ),
    ],
)
def test_cells_that_cannot_be_are_refused(change, said):
    with pytest.raises(JourneyDataError, match=said):
        board(cells(**change))


@pytest.mark.parametrize("guards", [{"opted out": "c01"}, {"left alone, to compare with": ["c01"]}])
def test_guards_are_lists_with_names_of_their_own(guards):
    with pytest.raises(JourneyDataError, match="needs a name of its own and a list of customers"):
        board(cells(), guards=guards)


@pytest.mark.parametrize("limits", [Limits(budget=float("nan")), Limits(budget=-1.0)])
def test_a_budget_that_cannot_be_is_refused(limits):
    with pytest.raises(JourneyDataError, match="a budget from 0"):
        board(cells(), limits=limits)


def test_slots_of_a_touchpoint_whose_rows_are_all_held_back_are_no_error():
    found = board(
        cells(), limits=Limits(slots={"call": 3}), owners={"mail": "Marketing"}, held_out=0
    )
    assert set(found.plan["touchpoint"]) == {"mail"}


def test_a_reason_that_is_missing_is_blank():
    found = board(cells(reason=None), owners=OWNERS, held_out=0)
    assert found.why("c39")["why"].str.startswith("worth").any()
    assert "nan" not in found.for_owner("Marketing", as_in_the_log=True)


def test_segments_that_cannot_be_are_refused():
    torn = cells(segment=lambda f: np.where(f["offer"] == "case", "north", "south"))
    with pytest.raises(JourneyDataError, match="40 customers are in several segments"):
        board(torn)


def test_slots_of_a_touchpoint_that_is_not_there_are_refused():
    with pytest.raises(JourneyDataError, match="slots names 'cal'"):
        board(cells(), limits=Limits(slots={"cal": 3}))


def test_an_empty_board_has_an_empty_plan():
    found = board(cells(), guards={"opted out": [f"c{c:02d}" for c in range(40)]}, held_out=0)
    assert found.plan.empty
    assert found.funnel()["rows"].tolist() == [80, 80, 0, 0, 0]


def test_an_owner_gets_pseudonyms_and_nothing_where_there_is_no_key(monkeypatch):
    found = board(cells(), owners=OWNERS, held_out=0)
    monkeypatch.delenv(KEY, raising=False)
    with pytest.raises(JourneyDataError, match="set JOURNEY_PSEUDONYM_KEY"):
        found.for_owner("Marketing")

    monkeypatch.setenv(KEY, "0123456789abcdef0123456789abcdef")
    text = found.for_owner("Marketing")
    assert not any(f"{c}," in text for c in found.plan["customer_id"])
    assert text.count("\n") == 1 + (found.plan["owner"] == "Marketing").sum()


@given(st.integers(0, 10_000))
@settings(max_examples=25, deadline=None)
def test_the_funnel_is_that_of_counting_customers_one_by_one(seed):
    rng = np.random.default_rng(seed)
    table = cells(40).assign(effect=rng.uniform(-0.01, 0.05, 80))
    had = dict.fromkeys(table["customer_id"].unique()[:7], 1)
    found = board(table, limits=Limits(budget=float(rng.uniform(0, 30)), already=had), held_out=0)

    told = found.funnel().set_index("step")
    planned = set(found.plan["customer_id"])
    rest = found.cells[~found.cells["customer_id"].isin(planned | set(had))]
    poor = {c for c, own in rest.groupby("customer_id") if own["value"].max() <= 0}
    assert told.loc[PLANNED, "customers"] == len(planned)
    assert told.loc[HAD_ENOUGH].tolist() == [7, int(found.cells["customer_id"].isin(had).sum())]
    assert told.loc[EARNS, "customers"] == len(poor)
    assert told.loc[NO_ROOM, "customers"] == rest["customer_id"].nunique() - len(poor)
    assert told["rows"].iloc[1:].sum() == told["rows"].iloc[0]
