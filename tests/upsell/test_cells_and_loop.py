"""From plan to board and back: the best evidence speaks, what was measured replaces what was believed."""

import numpy as np
import pandas as pd
import pytest

from journey_widgets.errors import JourneyDataError
from journey_widgets.journey.document import Journey, Stage, Touchpoint
from journey_widgets.raci.document import RaciMatrix
from journey_widgets.upsell import (
    calibration,
    came_back,
    cells,
    check,
    contacts_had,
    earnings,
    effects,
    eligible,
    library,
    plan_board,
    planned_and_measured,
    trial,
)
from journey_widgets.upsell.cells import NO_EFFECT, NO_MARGIN, lower
from journey_widgets.upsell.document import Guards, Minimum
from upsell.plan_data import plan, sources


def trialled(bought=(60, 30), n=300):
    """A trial of the case: so many of n bought in each arm."""
    rows = [("case", int(i < bought[0])) for i in range(n)] + [
        ("none", int(i < bought[1])) for i in range(n)
    ]
    frame = pd.DataFrame(rows, columns=["arm", "bought"]).assign(complained=0)
    return trial(frame, ["bought"], comparison="none", harms=["complained"])


DAY = pd.Timestamp("2026-03-31", tz="UTC")
MOMENTS = pd.DataFrame(
    {
        "placebo": [0.9],
        "touchpoint": ["full"], "verdict": ["moment"], "extra": [30.0], "extra_low": [10.0], "ratio": [4.0],
        "happened": [900],
    }
)  # fmt: skip


def test_an_effect_comes_from_the_best_there_is():
    bare = effects(plan()).set_index("moment")
    seen = effects(plan(), moments=MOMENTS, trial=trialled()).set_index("moment")

    assert bare["evidence"].to_dict() == {"full": "judgement", "helped": ""}
    assert bare.loc["full", "effect"] == 0.1
    assert seen["evidence"].to_dict() == {"full": "observed, placebo passed", "helped": "tested"}
    assert seen.loc["full", "effect"] == pytest.approx(0.03)
    assert seen.loc["helped", "effect"] == pytest.approx(0.1)
    assert seen.loc["helped", "n"] == 300
    assert 0 < seen.loc["helped", "effect_low"] < 0.1


def test_what_has_no_placebo_did_not_pass_one():
    caused = MOMENTS.assign(placebo=np.nan)

    assert effects(plan(), moments=MOMENTS)["evidence"].iloc[0] == "observed, placebo passed"
    assert effects(plan(), moments=caused)["evidence"].iloc[0] == "observed"


def test_a_judgement_that_has_no_least_is_a_finding():
    own = tuple(o.model_copy(update={"accepted_by": ("taken",)}) for o in plan().offers)

    assert "UPS-11" in codes(check(plan(offers=own)))
    low = tuple(o.model_copy(update={"expected_low": 0.01 if o.expected else None}) for o in own)
    assert "UPS-11" not in codes(check(plan(offers=low)))


def test_a_judgement_is_ranked_by_what_the_team_calls_the_least():
    offers = tuple(
        o.model_copy(update={"expected_low": 0.02 if o.expected else None}) for o in plan().offers
    )

    judged = effects(plan(offers=offers)).iloc[0]

    assert (judged["effect"], judged["effect_low"]) == (0.1, 0.02)
    assert "at least" in effects(plan()).iloc[0]["reason"]
    assert np.isnan(effects(plan()).iloc[0]["effect_low"])


def test_a_moment_speaks_only_for_offers_that_are_accepted_by_its_outcome():
    other = plan(outcome=("opened",))

    assert effects(other, moments=MOMENTS)["evidence"].tolist() == ["judgement", ""]
    busy = MOMENTS.assign(verdict="mostly busy customers")
    assert effects(plan(), moments=busy)["evidence"].tolist() == ["judgement", ""]


def test_the_lower_80_percent_limit_is_nearer_than_that_of_95():
    assert lower(0.10, 0.10 - 1.959964) == pytest.approx(0.10 - 1.281552, abs=1e-5)


def test_margin_and_kept_share_come_from_the_plan_or_from_what_was_sold():
    lines = "\n".join(
        ["ann o1 02-01 case extras 2 10.0", "ben o2 02-02 case extras 1 11.0", "ann o3 02-05 case extras -1 -5.0"]
    )  # fmt: skip
    used = "ann 02-01 upgraded\nben 02-01 upgraded\nben 02-09 downgraded"

    found = earnings(plan(), sources(lines=lines, usage=used)).set_index("offer")

    assert found.loc["larger", "margin"] == 20.0
    assert found.loc["larger", "kept"] == pytest.approx(1 / 3)  # zoe and ben gave it back
    assert found.loc["case", "margin"] == pytest.approx((9 + 10 + 11) / 4)
    assert found.loc["case", "kept"] == pytest.approx(3 / 4)
    assert found["basis"].tolist() == ["the plan", "order lines"]


def everybody(names):
    used = "\n".join(f"{n} 03-20 opened\n{n} 03-21 opened\n{n} 03-28 full" for n in names)
    return sources(usage=used)


def test_moments_that_nobody_can_price_are_left_out_and_named():
    given_ = everybody(["ann"])
    found = eligible(plan(), given_)

    made = cells(plan(), found, effects(plan()), earnings(plan(), given_))

    assert made.attrs["left_out"] == {"helped": NO_EFFECT}
    money = earnings(plan(), given_).assign(margin=np.nan)
    assert cells(plan(), found, effects(plan()), money).attrs["left_out"]["full"] == NO_MARGIN


def test_a_trial_that_was_modelled_speaks_for_each_customer_and_is_drawn_to_the_whole_trial():
    given_ = everybody(["ann", "ben"])
    arms = plan(offers=tuple(o.model_copy(update={"arm": "case"}) for o in plan().offers))
    told = effects(arms, trial=trialled())
    modelled = pd.DataFrame(
        {
            "customer_id": ["ann"],
            "offer": "larger",
            "group": "fifth 1 of 5",
            "effect": 0.3,
            "low": 0.2,
            "n": 60,
        }
    )

    made = cells(arms, eligible(arms, given_), told, earnings(arms, given_), modelled)
    found = made.set_index("customer_id")

    assert found["evidence"].to_dict() == {"ann": "modelled on a test", "ben": "tested"}
    assert found.loc["ann", ["effect", "prior", "n"]].tolist() == pytest.approx([0.3, 0.1, 60])
    assert 0.2 < found.loc["ann", "effect_low"] < 0.3
    assert "fifth 1 of 5" in found.loc["ann", "reason"]
    later = effects(arms, trial=trialled(), results=calibration(contacts_with(40)))
    after = cells(arms, eligible(arms, given_), later, earnings(arms, given_), modelled)
    assert set(after["evidence"]) == {
        "tested"
    }  # contacts came since: the model of the trial is older
    believed = plan_board(arms.model_copy(update={"held_out": 0.0}), made.assign(kept=1.0)).cells
    assert believed.set_index("customer_id").loc["ann", "believed"] == pytest.approx(
        (60 * 0.3 + 100 * 0.1) / 160
    )


def board_of(names, **changes):
    given_ = everybody(names)
    made = cells(plan(), eligible(plan(), given_), effects(plan()), earnings(plan(), given_))
    return plan_board(plan(**changes), made.assign(kept=1.0), owners={"offer": "Service"})


def test_a_plan_becomes_a_board_within_its_limits():
    names = [f"c{i:03}" for i in range(100)]

    made = board_of(names, budget=10.0)

    assert made.plan["cost"].sum() <= 10.0
    assert set(made.plan["owner"]) == {"Service"}
    assert set(made.plan["evidence"]) == {"judgement"}
    assert made.funnel()["rows"].iloc[0] == made.funnel()["rows"].iloc[1:].sum() == 100


def test_the_minimum_of_a_plan_is_that_of_the_board():
    names = [f"c{i:03}" for i in range(100)]
    given_ = everybody(names)
    lean = plan(
        budget=10.0,
        held_out=0.0,
        minimum=Minimum(column="region", contacts={"north": 6, "east": 2}),
    )
    north = dict.fromkeys(names[:8], "north")
    found = effects(lean).assign(effect=[0.1, np.nan])

    own = cells(lean, eligible(lean, given_), found, earnings(lean, given_), segments=north)
    own = own.assign(kept=1.0, effect=np.where(own["segment"] == "north", 0.04, 0.1))
    made = plan_board(lean, own)

    assert (made.plan["customer_id"] < "c008").sum() == 6
    assert "east gets 0 of 2 contacts: no more of its customers may be asked." in made.prices()


def test_both_arms_of_a_plan_are_chosen_by_one_rule():
    names = [f"c{i:03}" for i in range(200)]

    made = board_of(names, budget=None)
    arms = made.assignment(DAY)

    assert arms["arm"].value_counts().to_dict() == {
        "contacted": len(made.plan),
        "left alone": 200 - len(made.plan),
    }
    assert arms["expected"].nunique() == 1
    assert not set(arms[arms["arm"] == "left alone"]["customer_id"]) & set(made.plan["customer_id"])
    assert board_of(names, budget=0.0).assignment(DAY)["arm"].tolist().count("contacted") == 0


def test_customers_whom_a_guard_leaves_in_peace_are_in_neither_arm():
    used = "\n".join(
        f"c{i} 03-20 opened\nc{i} 03-21 opened\nc{i} 03-28 full\nc{i} 02-01 no_offers"
        for i in range(40)
    )
    given_ = sources(usage=used)
    made = cells(plan(), eligible(plan(), given_), effects(plan()), earnings(plan(), given_))

    board = plan_board(plan(), made.assign(kept=1.0), owners=None)

    assert board.plan.empty
    assert board.assignment(DAY).empty


def contacts_with(yes, n=200, left=(20, 200)):
    rows = [("larger", "offer", "contacted", 0.1, int(i < yes)) for i in range(n)]
    rows += [("larger", "offer", "left alone", 0.1, int(i < left[0])) for i in range(left[1])]
    columns = ["offer", "touchpoint", "arm", "expected", "bought"]
    frame = pd.DataFrame(rows, columns=columns)
    return frame.assign(customer_id=[f"c{i}" for i in range(len(rows))], evidence="judgement")


@pytest.mark.parametrize(
    ("yes", "verdict"),
    [(40, "as expected"), (22, "less than expected"), (100, "more than expected")],
)
def test_what_came_of_the_contacts_is_held_against_what_was_believed(yes, verdict):
    row = calibration(contacts_with(yes)).iloc[0]

    assert row["realised"] == pytest.approx(yes / 200 - 0.1)
    assert row["ratio"] == pytest.approx(row["realised"] / 0.1)
    assert row["verdict"] == verdict


def test_few_contacts_say_nothing_and_keep_their_counts():
    row = calibration(contacts_with(5, n=24)).iloc[0]

    assert row["verdict"] == "too few to say"
    assert np.isnan(row["realised"])
    assert row["contacted"] == 24


def test_results_replace_what_was_believed_and_the_more_so_the_more_there_are():
    results = calibration(contacts_with(60))

    row = effects(plan(), results=results).iloc[0]
    assert row["evidence"] == "tested"
    assert (row["effect"], row["prior"], row["n"]) == (pytest.approx(0.2), 0.1, 200)

    believed = {}
    for many in (50, 200, 5_000):
        told = effects(plan(), results=results).assign(n=float(many), effect_low=np.nan)
        given_ = everybody(["ann"])
        made = cells(plan(), eligible(plan(), given_), told, earnings(plan(), given_))
        believed[many] = (
            plan_board(plan(held_out=0.0), made.assign(kept=1.0)).cells["believed"].iloc[0]
        )
    assert believed[50] == pytest.approx((50 * 0.2 + 100 * 0.1) / 150)
    assert believed[50] < believed[200] < believed[5_000] < 0.2


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"arm": "called"}, "'contacted' or 'left alone' was needed"),
        ({"bought": 7}, "neither 0 nor 1"),
        ({"customer_id": "one"}, "in both arms of one plan"),
    ],
)
def test_results_that_cannot_be_are_refused(change, said):
    with pytest.raises(JourneyDataError, match=said):
        calibration(contacts_with(40).assign(**change))


def test_planned_stands_beside_measured():
    judged = plan(offers=tuple(o.model_copy(update={"expected": 0.3}) for o in plan().offers))

    found = planned_and_measured(judged, trialled()).set_index("offer")

    assert found.loc["larger", "verdict"] == "no trial"
    assert found.loc["case", "measured"] == pytest.approx(0.1)
    assert found.loc["case", "verdict"] == "less than expected"
    assert found.loc["case", "touchpoint"] == "help"
    assert planned_and_measured(judged, None)["verdict"].tolist() == ["no trial", "no trial"]


def test_contacts_say_what_was_measured_of_an_offer_that_no_trial_measured():
    found = planned_and_measured(plan(), trialled(), calibration(contacts_with(40)))

    assert found["by"].tolist() == ["contacts", "trial"]
    assert found["measured"].tolist() == pytest.approx([0.1, 0.1])
    assert found["verdict"].iloc[0] == "as expected"
    silent = plan(offers=tuple(o.model_copy(update={"expected": None}) for o in plan().offers))
    believed = planned_and_measured(silent, None, calibration(contacts_with(22))).iloc[0]
    assert (believed["planned"], believed["verdict"]) == (pytest.approx(0.1), "less than expected")


def sent(text):
    """Contacts of the larger plan: customer, day, arm."""
    rows = [line.split() for line in text.splitlines()]
    frame = pd.DataFrame(rows, columns=["customer_id", "ts", "arm"])
    return frame.assign(
        ts=pd.to_datetime("2026-" + frame["ts"]), arm=frame["arm"].replace({"c": "contacted", "l": "left alone"}),
        offer="larger", touchpoint="offer", evidence="judgement", expected=0.1,
    )  # fmt: skip


def test_who_took_an_offer_is_seen_in_the_log_for_both_arms_alike():
    contacts = sent(
        "ann 03-02 c\nben 03-02 l\ncat 03-02 c\ndan 03-02 l\neve 03-02 c\nann 03-16 c\nfay 03-25 c"
    )
    used = (
        "ann 03-05 upgraded\nben 03-05 upgraded\ncat 03-12 upgraded\neve 03-01 upgraded\nann 03-20 opened"
        "\nfay 03-26 upgraded"
    )

    found = came_back(plan(), contacts, sources(usage=used))

    told = {(r["customer_id"], r["ts"].day): r["bought"] for r in found.to_dict("records")}
    # cat took it when its ten days were over, eve before; fay may still, and is left out.
    assert told == {
        ("ann", 2): 1, ("ben", 2): 1, ("cat", 2): 0, ("dan", 2): 0, ("eve", 2): 0, ("ann", 16): 0,
    }  # fmt: skip
    assert "1 more are not" in found.attrs["definition"]


def test_what_a_contact_says_itself_is_kept_and_an_offer_nobody_knows_must_say_it():
    contacts = sent("ann 03-02 c\nben 03-02 l").assign(bought=[0, None])
    used = "ann 03-05 upgraded\nben 03-05 upgraded"

    assert came_back(plan(), contacts, sources(usage=used))["bought"].tolist() == [0, 1]
    gone = contacts.assign(offer="largr")
    with pytest.raises(
        JourneyDataError, match="1 of the offer 'largr' do not say who bought.*'larger'"
    ):
        came_back(plan(), gone, sources(usage=used))
    assert len(came_back(plan(), gone.assign(bought=1), sources(usage=used))) == 2


def test_of_two_contacts_of_a_customer_with_one_offer_the_first_counts():
    once = contacts_with(40)
    both = [once.assign(bought=0, ts=DAY + pd.Timedelta(days=7)), once.assign(ts=DAY)]

    found = calibration(pd.concat(both, ignore_index=True)).iloc[0]

    same = calibration(once).iloc[0]
    assert found[["contacted", "realised", "expected"]].equals(
        same[["contacted", "realised", "expected"]]
    )


def test_a_customer_may_be_left_alone_by_one_plan_and_contacted_by_the_next():
    first = contacts_with(40).assign(ts=DAY)
    turned = first["arm"].map({"contacted": "left alone", "left alone": "contacted"})
    later = first.assign(arm=turned, ts=DAY + pd.Timedelta(days=7))

    found = calibration(pd.concat([first, later], ignore_index=True))

    assert found["realised"].tolist() == pytest.approx([0.1, 0.1])
    with pytest.raises(JourneyDataError, match="in both arms of one plan"):
        calibration(pd.concat([first, later.assign(ts=DAY)], ignore_index=True))


def test_the_assignment_of_a_board_can_be_read_back():
    made = board_of([f"c{i:03}" for i in range(100)], budget=None)
    arms = made.assignment(DAY - pd.Timedelta(days=20))

    found = came_back(plan(), arms, everybody(["c001"]))

    assert len(found) == len(arms)
    assert set(found["bought"]) == {0.0}
    with pytest.raises(JourneyDataError, match="without a time zone"):
        board_of(["ann"]).assignment(pd.Timestamp("2026-03-31"))


def test_the_library_says_what_a_strategy_needs_and_what_of_it_is_missing():
    found = library(plan(), ["events", "order_lines"]).set_index("strategy")

    assert set(found.index) == {
        "personal_recommendation",
        "bundle",
        "targeted_message",
        "during_support",
    }
    assert found.loc["bundle", "missing"] == ""
    assert found.loc["targeted_message", "missing"] == "a trial"
    assert found.loc["during_support", "missing"] == "support cases"
    assert (found["beside"] != "").all()


def codes(found):
    return [f.code for f in found]


def test_a_plan_that_fits_has_few_findings_and_an_empty_one_none():
    assert check(plan().model_copy(update={"offers": (), "moments": ()})) == []
    assert codes(check(plan(), kpis=["complaint_rate"])) == [
        "UPS-03"
    ]  # nobody records the offer at *helped*


def test_what_is_missing_in_a_plan_is_found():
    journey = Journey(
        id="j", label="J", stages=(Stage(id="s", label="S"),),
        touchpoints=(Touchpoint(id="offer", label="Offer", stage="s"), Touchpoint(id="hlp", label="H", stage="s")),
    )  # fmt: skip
    weak = plan(held_out=0.0, counter_measures=(), guards=Guards(), trial=None)
    offers = tuple(
        o.model_copy(update={"expected": None, "accepted_by": ("x",)}) for o in weak.offers
    )
    weak = weak.model_copy(update={"offers": offers, "moments": weak.moments[1:]})

    found = check(weak, journey, RaciMatrix(), publishing=True)

    assert codes(found) == [
        "UPS-01",
        "UPS-03",
        "UPS-04",
        "UPS-05",
        "UPS-06",
        "UPS-07",
        "UPS-08",
        "UPS-10",
    ]
    assert "Did you mean 'hlp'?" in found[0].question
    assert {f.code for f in found if f.severity == "error"} == {
        "UPS-01",
        "UPS-07",
        "UPS-08",
        "UPS-10",
    }
    no_row = check(
        plan(), Journey(id="j", label="J", stages=(Stage(id="s", label="S"),)), RaciMatrix()
    )
    assert codes(no_row)[:2] == ["UPS-02", "UPS-02"]
    assert "UPS-09" in codes(check(plan(), kpis=["aov"]))


def test_taken_again_after_it_was_given_back_is_kept_and_what_comes_later_is_not_known():
    used = "ann 01-05 upgraded\nann 01-10 downgraded\nann 03-10 upgraded\nben 02-01 upgraded\nben 05-01 downgraded"
    found = earnings(plan(), sources(usage=used), until=pd.Timestamp("2026-03-31").to_pydatetime())

    assert found.set_index("offer").loc["larger", "kept"] == pytest.approx(
        2 / 3
    )  # zoe alone gave it back


def test_margin_is_that_of_the_pieces_that_have_one():
    lines = (
        "ann o1 02-01 case extras 1 9.0\nben o2 02-02 case extras 1 -\ncat o3 02-03 case extras 1 -"
    )

    assert earnings(plan(), sources(lines=lines)).set_index("offer").loc["case", "margin"] == 9.0


def test_a_trial_speaks_of_the_moments_it_was_run_at():
    told = plan()
    elsewhere = told.trial.model_copy(update={"moments": ("full",)})

    row = effects(plan(trial=elsewhere), trial=trialled()).set_index("moment").loc["helped"]

    assert row["evidence"] == ""
    here = told.trial.model_copy(update={"moments": ("helped",)})
    assert effects(plan(trial=here), trial=trialled())["evidence"].tolist()[1] == "tested"


def test_a_tiny_trial_is_drawn_to_nothing_and_says_that_it_is_not_certain():
    row = effects(plan(), trial=trialled((1, 0), n=3)).set_index("moment").loc["helped"]

    assert row["prior"] == 0.0
    assert row["reason"].endswith("which is not certain")


def test_results_of_two_classes_are_those_of_most_customers():
    few = contacts_with(3, n=10, left=(1, 10))
    many = contacts_with(60).assign(
        evidence="observed", customer_id=lambda f: "x" + f["customer_id"]
    )

    row = effects(plan(), results=calibration(pd.concat([few, many], ignore_index=True))).iloc[0]

    assert row["effect"] == pytest.approx(0.2)


def test_a_class_is_held_against_what_was_expected_of_a_contact_and_not_of_all_of_them():
    twice = contacts_with(40)
    other = twice.assign(offer="case", touchpoint="help")

    found = calibration(pd.concat([twice, other], ignore_index=True))

    whole = found[found["offer"] == ""].iloc[0]
    assert (whole["contacted"], whole["left_alone"]) == (400, 400)
    assert whole["expected"] == pytest.approx(0.1)
    assert whole["realised"] == pytest.approx(0.1)
    assert whole["verdict"] == "as expected"


def test_plans_of_other_seasons_and_shares_left_alone_are_compared_one_by_one():
    # Nothing is brought by either plan; pooled, the second's higher season would look like an effect.
    spring = contacts_with(10, n=200, left=(10, 200)).assign(ts=DAY)
    summer = contacts_with(225, n=900, left=(25, 100)).assign(ts=DAY + pd.Timedelta(days=90))
    summer["customer_id"] = "s" + summer["customer_id"]

    row = calibration(pd.concat([spring, summer], ignore_index=True)).iloc[0]

    assert row["realised"] == pytest.approx(0.0, abs=1e-12)
    assert row["low"] < 0 < row["high"]
    assert row["verdict"] == "less than expected"


def test_a_trial_and_contacts_count_by_their_precision():
    few, many = (
        calibration(contacts_with(6, n=30, left=(3, 30))),
        calibration(contacts_with(80, n=400, left=(40, 400))),
    )
    own = plan(offers=tuple(o.model_copy(update={"arm": "case"}) for o in plan().offers))
    alone = effects(own, trial=trialled()).iloc[0]

    small, large = (effects(own, trial=trialled(), results=r).iloc[0] for r in (few, many))

    assert (small["by"], alone["by"]) == ("both", "trial")
    assert small["effect"] == pytest.approx(alone["effect"], abs=0.005)
    assert small["effect_low"] >= alone["effect_low"] - 0.005
    assert large["effect_low"] > alone["effect_low"]
    assert large["n"] == alone["n"] + 400
    assert "in the trial and of the last contacts" in large["reason"]


def test_an_arm_that_the_trial_lacks_is_said():
    wrong = plan(offers=tuple(o.model_copy(update={"arm": "caes"}) for o in plan().offers))

    assert "no such arm" in planned_and_measured(wrong, trialled()).iloc[1]["verdict"]


def test_a_limit_of_teams_needs_to_know_who_answers():
    given_ = sources(usage="a 03-28 full\na 03-20 opened\na 03-21 opened")
    own = plan(teams={"service": 1}, held_out=0.0)
    made = cells(own, eligible(own, given_), effects(own), earnings(own, given_))

    with pytest.raises(
        JourneyDataError, match="limits the contacts of service.*owners were needed"
    ):
        plan_board(own, made)
    assert plan_board(own, made, owners={"offer": "service"}).limits.teams == {"service": 1}
    assert plan_board(own, made, owners={"offer": "others"}).limits.teams == {}


def test_contacts_that_only_filled_a_plan_are_had_and_not_compared():
    rows = pd.DataFrame(
        [("a", 1.0), ("b", 0.0), ("c", np.nan)], columns=["customer_id", "compared"]
    ).assign(
        ts=pd.Timestamp("2026-03-05"), offer="larger", touchpoint="offer", evidence="tested", arm="contacted",
        expected=0.1,
    )  # fmt: skip
    told = sources(usage="b 03-07 upgraded")

    assert list(came_back(plan(), rows, told)["customer_id"]) == ["a", "c"]
    assert contacts_had(plan(period="30d"), rows, told) == {"a": 1, "b": 1, "c": 1}


def test_contacts_of_a_period_count_and_those_of_the_day_itself_do_not():
    rows = pd.DataFrame(
        [("a", "03-05", "contacted"), ("a", "03-20", "contacted"), ("b", "03-20", "left alone"),
         ("b", "02-01", "contacted"), ("c", "03-31", "contacted")],
        columns=["customer_id", "ts", "arm"],
    ).assign(offer="larger", touchpoint="offer", evidence="tested", expected=0.1)  # fmt: skip
    rows["ts"] = pd.to_datetime("2026-" + rows["ts"])
    told = sources(usage="a 03-28 full")

    assert contacts_had(plan(), rows, told) == {}
    assert contacts_had(plan(period="30d"), rows, told) == {"a": 2}
    assert contacts_had(plan(period="90d"), rows, told) == {"a": 2, "b": 1}
