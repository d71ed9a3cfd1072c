import numpy as np
import pandas as pd
import pytest

from journey_widgets import Workspace, journey
from journey_widgets.errors import JourneyDataError
from journey_widgets.events.source import read_events
from journey_widgets.raci.owners import owners


def shop(rng, customers, pass_rates):
    """Customers see, put in the basket and buy; `pass_rates`: device → share that buys."""
    rows = []
    for number in range(customers):
        device = ["mobile", "desktop"][int(rng.random() < 0.5)]
        names = ["see"]
        if rng.random() < 0.6:
            names.append("basket")
            if rng.random() < pass_rates[device]:
                names.append("buy")
        day = pd.Timestamp("2026-01-01") + pd.Timedelta(days=int(rng.integers(0, 90)))
        region = "abcd"[int(rng.integers(4))]
        rows += [
            (f"c{number}", day + pd.Timedelta(hours=h), n, device, region)
            for h, n in enumerate(names)
        ]
    return pd.DataFrame(rows, columns=["customer_id", "ts", "event", "device", "region"])


def read(table):
    return read_events(table, keep=["device", "region"], time_zone="UTC")


def test_the_planted_drop_off_of_the_example_is_found_with_its_owner_and_loss(made_example):
    space = Workspace.open(made_example, read_only=True)
    worth = journey.Worth(400.0, 0.5, "EUR", "mean margin of an order")

    found = journey.pain_points(
        space.events(),
        space.journey.funnel,
        worth=worth,
        owners=owners(space.raci),
        kpis={"checkout": "cart_abandonment"},
    )

    first = found.iloc[0]
    assert (first["touchpoint"], first["not_reached"]) == ("checkout", "payment")
    assert first["group"] == "device=mobile"
    assert first["difference"] == pytest.approx(0.84 - 0.55, abs=0.03)
    assert first["low"] < first["difference"] < first["high"]
    assert first["accountable"] == "Web shop owner"
    assert first["kpi"] == "cart_abandonment"
    assert first["loss"] == pytest.approx(first["excess_customers"] * 400 * 0.5)
    assert first["loss_low"] < first["loss"] < first["loss_high"]
    said = journey.definition(found)
    assert "400.00 EUR (mean margin of an order) x 50% that can be won back (assumed)" in said
    assert (found["group"] == "device=mobile").all()


def test_excess_is_customers_times_the_difference_of_the_shares_lost():
    rows = [(f"m{i}", 0, "see", "mobile") for i in range(100)]
    rows += [(f"d{i}", 0, "see", "desktop") for i in range(200)]
    rows += [(f"m{i}", 1, "buy", "mobile") for i in range(40)]
    rows += [(f"d{i}", 1, "buy", "desktop") for i in range(160)]
    table = pd.DataFrame(rows, columns=["customer_id", "hour", "event", "device"])
    table["ts"] = pd.Timestamp("2026-01-01") + pd.to_timedelta(table["hour"], unit="h")
    source = read_events(table, keep=["device"], time_zone="UTC")

    found = journey.pain_points(source, ["see", "buy"])

    assert len(found) == 1
    row = found.iloc[0]
    # 60 of 100 lost, 40 of 200 elsewhere: 100 x (0.6 - 0.2) = 40 beyond the others' share
    assert (row["customers"], row["lost"]) == (100, 60)
    assert row["excess_customers"] == pytest.approx(40)
    # Wilson 0.502 to 0.691 and 0.150 to 0.261; Newcombe: 0.4 - sqrt(.098² + .061²), + sqrt(.091² + .050²)
    assert (round(row["low"], 2), round(row["high"], 2)) == (0.28, 0.50)
    assert np.isnan(row["loss"])


def test_logs_without_any_difference_give_a_pain_point_at_most_at_the_set_rate():
    rng = np.random.default_rng(5)
    logs, rate = 40, 0.05
    alarms = 0
    for _log in range(logs):
        table = shop(rng, 300, {"mobile": 0.5, "desktop": 0.5})
        alarms += len(journey.pain_points(read(table), ["see", "basket", "buy"], rate=rate)) > 0

    # At 5 % about 2 of 40 logs; 7 or more would happen by chance in one of 300 runs.
    assert alarms <= 6


def test_few_customers_give_no_pain_point_however_large_the_difference():
    table = shop(np.random.default_rng(2), 40, {"mobile": 0.0, "desktop": 1.0})

    assert journey.pain_points(read(table), ["see", "basket", "buy"], by=["device"]).empty


def test_a_log_without_columns_to_group_by_gives_an_empty_table_with_its_columns():
    table = shop(np.random.default_rng(2), 40, {"mobile": 0.5, "desktop": 0.5})

    found = journey.pain_points(
        table[["customer_id", "ts", "event"]], ["see", "basket"], worth=journey.Worth(10, 1)
    )

    assert found.empty
    assert {"touchpoint", "group", "loss", "accountable"} <= set(found.columns)


@pytest.mark.parametrize(("value", "share"), [(-1, 0.5), (10, 1.5), (10, -0.1)])
def test_an_impossible_assumption_is_refused(value, share):
    with pytest.raises(JourneyDataError, match="recoverable share from 0 to 1"):
        journey.Worth(value, share)


def test_two_steps_are_needed():
    table = shop(np.random.default_rng(2), 40, {"mobile": 0.5, "desktop": 0.5})

    with pytest.raises(JourneyDataError, match="two steps or more"):
        journey.pain_points(table, ["see"])
