"""The example is made by its generator, and the truths planted in it are found again."""

import importlib.util
import sys
from statistics import NormalDist

import pandas as pd
import pytest

from journey_widgets import Workspace, journey
from journey_widgets.cross_impact import evidence, scores_together, stability
from journey_widgets.estimates import wilson
from journey_widgets.events.paths import path_index


@pytest.fixture(scope="module")
def maker(root):
    spec = importlib.util.spec_from_file_location("make_example", root / "data" / "make_example.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules["make_example"] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def space(made_example):
    return Workspace.open(made_example, read_only=True)


def test_the_shipped_tables_are_what_the_generator_makes(maker, root, tmp_path):
    maker.write(tmp_path)

    shipped = root / "data" / "example" / "tables"
    for name in ("events.parquet", "tickets.parquet", "usage.parquet"):
        pd.testing.assert_frame_equal(
            pd.read_parquet(tmp_path / name), pd.read_parquet(shipped / name)
        )
    for name in (
        "order_lines.csv",
        "answers.csv",
        "trial.csv",
        "contacts.csv",
        "scores.csv",
        "invitations.csv",
        "behaviour.csv",
    ):
        assert (tmp_path / name).read_text("utf-8") == (shipped / name).read_text("utf-8")
    assert sum(p.stat().st_size for p in shipped.iterdir()) < 3_000_000


@pytest.mark.parametrize("device", ["desktop", "mobile"])
def test_the_drop_off_between_checkout_and_payment_is_the_planted_one(maker, space, device):
    steps = journey.transitions(path_index(space.events()).where("device", device), ends=True)
    row = steps[(steps["source"] == "checkout") & (steps["target"] == "payment")].iloc[0]

    assert row["low"] <= maker.PAYMENT_PASS[device] <= row["high"]


def test_the_slow_hand_over_is_in_set_up_help(maker, space):
    tickets = space.tickets().to_pandas().sort_values(["case_id", "ts", "row"])
    waits = (tickets["ts"] - tickets.groupby("case_id")["ts"].shift()).dt.total_seconds() / 3600
    handled = tickets["activity"].eq("Handled") & tickets.groupby("case_id")["activity"].shift().eq(
        "Handed over"
    )
    medians = waits[handled].groupby(tickets["kind"]).median()

    for issue, hours in maker.HANDOVER_HOURS.items():
        assert medians[issue] == pytest.approx(hours, rel=0.15)


def test_an_unplanned_doer_handles_set_up_help(maker, space):
    tickets = space.tickets().to_pandas()
    handled = tickets[(tickets["kind"] == "setup_help") & (tickets["activity"] == "Handled")]
    matrix = space.raci
    row = next(r for r in matrix.rows if r.touchpoint == "setup_help")
    assert matrix.holders(row, "R") == ["technical_specialist"]

    for role, share in maker.SETUP_DOERS.items():
        low, high = wilson(int((handled["role"] == role).sum()), len(handled), confidence=0.99)
        assert low <= share <= high, role


def test_one_offer_works_after_set_up_help_and_one_does_not(maker, space):
    trial = space.trials().to_pandas()
    for arm, group in trial.groupby("arm"):
        low, high = wilson(int(group["bought"].sum()), len(group), confidence=0.99)
        assert low <= maker.OFFER_SALES[arm] <= high, arm
    sold = trial.groupby("arm")["bought"].mean()
    assert sold["protection_plan"] - sold["none"] > 0.04
    assert abs(sold["spare_cable"] - sold["none"]) < 0.04


def test_satisfaction_with_delivery_dips_in_one_month(maker, space):
    answers = space.answers().to_pandas()
    delivery = answers[answers["question_id"] == "delivery_csat"].dropna(subset="score")
    local = delivery["ts"].dt.tz_localize("UTC").dt.tz_convert("Europe/Rome")
    means = delivery.groupby(local.dt.strftime("%Y-%m"))["score"].agg(["mean", "size"])
    means = means[means["size"] >= 30]

    assert means["mean"].idxmin() == maker.DIP_MONTH
    others = means["mean"].drop(maker.DIP_MONTH)
    assert others.min() - means.loc[maker.DIP_MONTH, "mean"] > 0.5


def test_the_sources_speak_of_the_same_customers_and_orders(space):
    customers = set(space.events().to_pandas()["customer_id"])
    orders = set(space.events().to_pandas()["order_id"].dropna())
    lines = space.order_lines().to_pandas()

    assert set(lines["customer_id"]) <= customers
    assert {o.removesuffix("-R") for o in lines["order_id"]} == orders
    assert set(space.tickets().to_pandas()["customer_id"]) <= customers
    assert set(space.answers().to_pandas()["customer_id"]) <= customers
    assert set(space.trials().to_pandas()["customer_id"]) <= customers


def test_checkout_is_where_people_click_in_rage(maker, space):
    totals = journey.behaviour(space.journey, space.behaviour().table)
    wide = totals.pivot_table(index="touchpoint", columns="measure", values="value")
    for page, clicks, rage in wide[["clicks", "rage clicks"]].itertuples():
        low, high = wilson(int(rage), int(clicks), confidence=0.999)
        assert low <= maker.RAGE_CLICKS.get(page, maker.RAGE_ELSEWHERE) <= high, page


def test_everybody_who_was_asked_is_an_invitation(space):
    asked = space.invitations().to_pandas().groupby("question_id")["invited"].sum()
    events = space.events().to_pandas()["touchpoint"].value_counts()
    assert asked["delivery_csat"] == events["delivery"]
    assert asked["setup_csat"] == events["setup_help"]


def test_experts_see_delivery_help_advocacy_and_the_answers_do_not(space):
    answers = scores_together(space.answers(), {"delivery_csat": "delivery", "nps": "advocacy"})
    found = evidence(space.cross_impact, answers).set_index(["source", "target"])
    row = found.loc[("delivery", "advocacy")]
    assert row["expert"] >= 2
    assert row["verdict"] == "experts high, data none"


def test_set_up_help_leads_the_cross_impact_matrix_and_one_plan_is_unfinished(space):
    panel = space.cross_impact
    ranking = stability(panel).set_index("factor")
    assert ranking["top_share"].idxmax() == "setup_help"
    assert ranking.loc["setup_help", "top_share"] > 0.95
    assert [i.id for i in panel.interventions if not i.ready] == ["no_offer_in_case"]


# upsell


@pytest.fixture(scope="module")
def upsell_page(made_example):
    from journey_widgets.publish import upsell_page as shown

    return shown.open_upsell(str(made_example))


def test_only_a_full_storage_is_a_moment_and_its_ratio_is_the_planted_one(maker, upsell_page):
    found = upsell_page.moments.set_index("touchpoint")

    assert found.index[found["verdict"] == "moment"].tolist() == ["storage_full"]
    row = found.loc["storage_full"]
    assert row["low"] < maker.UPGRADES["after storage full"] < row["high"]
    assert row["naive"] > 5
    assert found.loc["offer_shown", "verdict"] == "not certain"


def test_contacts_brought_what_was_planted_and_what_they_brought_is_what_the_board_believes(
    maker, upsell_page
):
    found = upsell_page.results.set_index("offer")

    for offer, (asked, alone) in maker.CONTACT_SALES.items():
        assert found.loc[offer, "low"] < asked - alone < found.loc[offer, "high"]
    assert found.loc["protection_plan", "verdict"] == "as expected"
    assert found.loc["storage_plan", "verdict"] == "less than expected"
    believed = upsell_page.effects.set_index("moment").loc["storage_is_full"]
    assert believed["evidence"] == "tested"
    assert believed["effect"] < 0.02


def test_the_score_of_another_tool_ranks_as_well_as_was_planted_and_its_chances_are_right(
    maker, upsell_page
):
    (found,) = upsell_page.imported
    planted = NormalDist().cdf(maker.SCORE_SKILL / 2**0.5)

    assert found.model == "CRM score"
    _area, low, high = found.report.auc
    assert low < planted < high
    assert found.report.is_chance
    assert found.report.calibration_error < 0.01
    assert found.report.doubts == []
    assert upsell_page.scores.report.auc[1] > 0.5


def test_the_planted_bundle_is_found_and_no_other(maker, upsell_page):
    found = upsell_page.bundles
    real = found[found["real"] & ~found["redundant"]]

    pairs = {frozenset((*r["left"], r["right"])) for r in real.to_dict("records")}
    assert pairs == {frozenset(("case", "earbuds"))}
    row = real[real["right"] == "earbuds"].iloc[0]
    assert row["confidence_low"] < maker.EARBUDS[1] < row["confidence_high"]


def test_what_mending_checkout_on_mobile_would_bring_holds_the_planted_truth(maker, upsell_page):
    row = upsell_page.mending.set_index("group").loc["device=mobile"]

    gap = maker.PAYMENT_PASS["desktop"] - maker.PAYMENT_PASS["mobile"]
    assert row["touchpoint"] == "checkout"
    assert row["gap_low"] < gap < row["gap_high"]
    assert row["low"] < gap * row["volume"] * row["value"] < row["high"]


def test_the_offer_that_works_is_made_and_the_other_one_is_stopped(maker, upsell_page):
    from journey_widgets.publish import upsell_page as shown

    said = repr(shown.what_next(upsell_page))

    assert "Make the offer Protection plan" in said
    assert "Stop the offer Spare cable" in said
    gain = maker.OFFER_SALES["protection_plan"] - maker.OFFER_SALES["none"]
    assert upsell_page.proved["low"] < gain < upsell_page.proved["high"]
