"""The board on a page, in Python: what it is asked is checked, and what it tells is the board's own answer."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import traitlets as t

from journey_widgets import OpportunityBoard
from journey_widgets.events.personal import KEY, pseudonym
from journey_widgets.upsell import Limits, board
from journey_widgets.upsell.widget import labelled

DAY = pd.Timestamp("2026-03-31", tz="UTC")
SECRET = "0123456789abcdef0123456789abcdef"


def cells(many=60, seed=1):
    rng = np.random.default_rng(seed)
    rows = [
        (f"c{i:03}", offer, place, effect, margin, cost, evidence)
        for i in range(many)
        for offer, place, effect, margin, cost, evidence in (
            ("case", "mail", 0.03 + 0.02 * rng.random(), 20.0, 0.2, "tested"),
            ("plan", "call", 0.04 * rng.random(), 90.0, 1.5, "judgement"),
        )
    ]
    columns = ["customer_id", "offer", "touchpoint", "effect", "margin", "cost", "evidence"]
    return pd.DataFrame(rows, columns=columns)


def made(budget=20.0, slots=None, teams=None, **more):
    owners = {"mail": "marketing", "call": "service"}
    own = board(
        cells(),
        limits=Limits(budget=budget, slots=slots, teams=teams),
        owners=owners,
        held_out=0.1,
        currency="EUR",
    )
    labels = {"case": "A case", "mail": "Letter", "service": "Service team"}
    return OpportunityBoard(own, labels=labels, **more)


def asked(widget, **news):
    widget.ask = {**widget.ask, "seq": widget.ask["seq"] + 1, **news}


def test_it_shows_the_plan_with_labels_and_no_customer():
    widget = made()

    plan = widget.to_board().plan
    assert widget.matching == len(plan) == len(widget.rows)
    assert {r["offer"] for r in widget.rows} == {"A case", "plan"}
    assert not {r["customer"] for r in widget.rows} & set(plan["customer_id"])
    assert widget.summary.startswith(f"{len(plan)} contacts with ")
    assert sum(int(r["rows"]) for r in widget.funnel[1:]) == int(widget.funnel[0]["rows"]) == 120
    called = {r["evidence"]: r["called"] for r in widget.totals}
    assert called["judgement"] == "expected margin, not incremental"
    assert called["tested"] == "incremental margin"


def test_another_budget_plans_again_and_says_what_changes():
    widget = made()
    before = len(widget.to_board().plan)

    asked(widget, budget=5.0)

    after = widget.to_board()
    assert after.plan["cost"].sum() <= 5.0 + 1e-9
    assert widget.limits["budget"] == 5.0
    assert widget.changed.endswith("fewer.")
    assert before > len(after.plan)
    assert widget.done == 1
    asked(widget, budget=20.0)
    assert widget.changed == ""


def test_more_contacts_a_customer_are_planned_where_they_are_allowed():
    widget = made(budget=1_000.0)

    asked(widget, max_contacts=2)

    plan = widget.to_board().plan
    assert plan["customer_id"].value_counts().max() == 2


def test_filters_and_orders_are_those_of_the_whole_plan():
    widget = made()

    asked(widget, offer="case", by="cost", descending=False)
    assert {r["offer"] for r in widget.rows} == {"A case"}
    asked(widget, offer="", owner="service", by="value", descending=True)
    worth = [float(r["value"].removesuffix(" EUR")) for r in widget.rows]
    assert worth == sorted(worth, reverse=True)
    assert {r["owner"] for r in widget.rows} == {"Service team"}
    asked(widget, evidence="observed")
    assert widget.matching == 0


@pytest.mark.parametrize(
    "news",
    [
        {"budget": -1.0}, {"budget": float("nan")}, {"budget": "all"}, {"max_contacts": 0}, {"max_contacts": 99},
        {"by": "customer_id; drop"}, {"offer": ["case"]}, {"else": 1}, {"seq": "x"},
    ],
)  # fmt: skip
def test_what_cannot_be_asked_is_refused_and_changes_nothing(news):
    widget = made()
    before = widget.summary

    with pytest.raises(t.TraitError):
        widget.ask = {"seq": 1, **news}

    assert widget.summary == before


def test_why_is_told_for_a_customer_that_is_shown_and_for_no_other():
    widget = made()

    widget.customer = widget.rows[0]["customer"]
    assert len(widget.told) == 2
    assert sum(r["planned"] for r in widget.told) == 1
    widget.customer = widget.to_board().plan["customer_id"].iloc[0]  # the id itself opens nothing
    assert widget.told == []


def test_contacts_are_handed_over_under_pseudonyms_and_only_where_it_is_allowed(monkeypatch):
    monkeypatch.delenv(KEY, raising=False)
    closed = made()
    closed.wanted = "marketing"
    assert closed.file == {"error": "Contacts are not handed over here."}

    keyless = made(can_export=True)
    keyless.wanted = "marketing"
    assert "no key" in keyless.file["error"]

    monkeypatch.setenv(KEY, SECRET)
    open_ = made(can_export=True)
    open_.wanted = "marketing"
    ids = {line.split(",")[0] for line in open_.file["text"].splitlines()[1:]}
    own = open_.to_board().plan
    assert ids == {
        pseudonym(c, SECRET.encode()) for c in own[own["owner"] == "marketing"]["customer_id"]
    }
    open_.wanted = "nobody"
    assert "owns no planned contact" in open_.file["error"]


def test_few_customers_are_told_as_few():
    widget = made(least=1_000)

    assert {r["customers"] for r in widget.funnel} <= {"fewer than 1000", "0"}


def test_what_if_keeps_who_is_left_alone_comparable():
    own = made().to_board()

    other, _moved = own.what_if(replace(own.limits, fatigue=0.5))

    one, two = own.assignment(DAY), other.assignment(DAY)
    assert set(two[two["arm"] == "left alone"]["customer_id"]) <= set(
        one[one["arm"] == "left alone"]["customer_id"]
    )


def test_a_page_cannot_give_itself_what_it_may_not_have(monkeypatch):
    monkeypatch.setenv(KEY, SECRET)
    widget = made()

    widget.set_state({"can_export": True, "limits": {"contacts_max": 10**30}})
    widget.set_state({"wanted": "marketing"})

    assert widget.file == {"error": "Contacts are not handed over here."}
    for news in ({"max_contacts": 10**20}, {"budget": 10**400}):
        with pytest.raises(t.TraitError):
            widget.set_state({"ask": {"seq": 9, **news}})


def test_more_contacts_a_customer_make_the_budget_slider_longer():
    widget = made(budget=1_000.0)
    one = widget.limits["budget_max"]

    asked(widget, max_contacts=2)

    free = widget.to_board().what_if(Limits(max_contacts=2))[0].plan["cost"].sum()
    assert one < free <= widget.limits["budget_max"] < free + 1


def test_what_a_team_can_do_plans_again():
    widget = made(budget=1_000.0, teams={"service": 4})
    assert [(t["label"], t["now"]) for t in widget.limits["teams"]] == [("Service team", 4)]
    assert any("by Service team would earn" in said for said in widget.prices)

    asked(widget, teams={"service": 1})

    plan = widget.to_board().plan
    assert (plan["owner"] == "service").sum() == 1
    assert widget.limits["teams"][0]["now"] == 1
    assert "fewer" in widget.changed


def test_slots_and_patience_plan_again_and_the_contacts_that_change_are_listed():
    widget = made(budget=1_000.0, slots={"call": 5, "mail": 60})
    assert [(s["id"], s["label"], s["now"]) for s in widget.limits["slots"]] == [
        ("call", "call", 5), ("mail", "Letter", 60),
    ]  # fmt: skip
    was = widget.to_board().plan

    asked(widget, slots={"call": 0})

    now = widget.to_board().plan
    assert (now["touchpoint"] == "call").sum() == 0 < (was["touchpoint"] == "call").sum()
    changes = pd.DataFrame(widget.moved)["change"].value_counts().to_dict()
    keys = ["customer_id", "offer", "touchpoint"]
    both = len(was[keys].merge(now[keys], on=keys))
    assert changes.get("dropped", 0) == min(len(was) - both, 50)
    assert changes.get("added", 0) == min(len(now) - both, 50)
    asked(widget, fatigue=10_000.0)
    assert widget.to_board().plan.empty
    assert widget.limits["fatigue"] == 10_000.0


@pytest.mark.parametrize(
    "news", [{"slots": {"fax": 1}}, {"slots": {"call": -1}}, {"slots": {"call": 1.5}}, {"fatigue": -1.0},
             {"fatigue": float("nan")}, {"slots": 7}, {"teams": {"call": 1}}]
)  # fmt: skip
def test_limits_that_cannot_be_are_refused(news):
    widget = made(slots={"call": 5})
    with pytest.raises(t.TraitError):
        asked(widget, **news)


def test_who_moves_is_not_told_of_few():
    widget = made(slots={"call": 3}, least=10)

    asked(widget, slots={"call": 2})

    assert widget.changed
    assert all(r["change"] != "dropped" for r in widget.moved) or len(widget.moved) >= 10


def test_a_number_of_the_funnel_that_would_tell_a_small_one_is_hidden_too():
    widget = made(least=5)
    counts = {r["step"]: r["rows"] for r in widget.funnel}

    few = [s for s, n in counts.items() if n == "fewer than 5"]
    hidden = [s for s, n in counts.items() if n == "hidden"]
    rows = widget.to_board().funnel().set_index("step")["rows"]
    assert few == [s for s in counts if 0 < rows[s] < 5]
    assert not few or len(few) + len(hidden) > 1


def test_nothing_is_told_about_few_customers():
    widget = made(least=1_000)

    assert widget.rows == []
    assert "EUR" not in widget.summary
    assert {r["cost"] for r in widget.totals} == {"–"}


def test_labels_stand_in_place_of_whole_ids_only():
    assert labelled(
        "offer has what is offered, by mail-merge or mail", {"offer": "The offer", "mail": "offer"}
    ) == ("The offer has what is offered, by mail-merge or offer")


def test_customers_are_sorted_as_they_are_shown():
    widget = made(budget=1_000.0)

    for descending in (False, True):
        asked(widget, by="customer", descending=descending)
        shown = [r["customer"] for r in widget.rows]
        assert shown == sorted(shown, reverse=descending)


def test_another_order_works_nothing_out_anew(monkeypatch):
    widget = made()
    monkeypatch.setattr(type(widget), "_show", lambda _self: pytest.fail("all was shown anew"))

    asked(widget, by="cost", descending=False)

    costs = [float(r["cost"].split()[0]) for r in widget.rows]
    assert costs == sorted(costs)
    assert widget.done == widget.ask["seq"]
