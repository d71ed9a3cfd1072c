import pandas as pd
import pytest
import vl_convert

from journey_widgets import Workspace, journey
from journey_widgets.errors import JourneyDataError
from journey_widgets.events.paths import path_index
from journey_widgets.events.source import read_events
from journey_widgets.journey import path_charts


def log(**channels):
    """channel → (customers, how many of them buy)."""
    rows = []
    for channel, (n, buyers) in channels.items():
        for i in range(n):
            rows.append((f"{channel}{i}", 0, "page", None if channel == "none" else channel))
            if i < buyers:
                rows.append((f"{channel}{i}", 1, "buy", "till"))
    table = pd.DataFrame(rows, columns=["customer_id", "hour", "event", "channel"])
    table["ts"] = pd.Timestamp("2026-01-01") + pd.to_timedelta(table["hour"], unit="h")
    return read_events(table, time_zone="UTC")


def test_a_channel_that_works_worse_is_flagged_with_its_interval():
    frame = journey.by_channel(log(web=(100, 50), app=(100, 80), store=(100, 78)), "page", "buy")

    rows = frame.set_index("channel")
    assert rows["share"].to_dict() == {"app": 0.8, "store": 0.78, "web": 0.5}
    # web 50 of 100 against 158 of 200: 0.5 - 0.79
    assert rows.loc["web", "difference"] == pytest.approx(-0.29)
    assert rows.loc["web", "difference_high"] < 0
    assert rows["differs"].to_dict() == {"app": True, "store": True, "web": True}
    assert "Channel: channel at the first event at page" in journey.definition(frame)


def test_channels_that_work_alike_are_not_flagged_and_few_customers_never():
    alike = journey.by_channel(log(web=(100, 50), app=(100, 53), none=(60, 31)), "page", "buy")
    few = journey.by_channel(log(web=(100, 50), app=(12, 12)), "page", "buy")

    assert not alike["differs"].any()
    assert "(blank)" in set(alike["channel"])
    assert not few["differs"].any()
    assert few.set_index("channel").loc["app", "certainty"] == "insufficient"


def test_a_target_of_its_own_is_refused():
    with pytest.raises(JourneyDataError, match="both the touchpoint and the target"):
        journey.by_channel(log(web=(10, 5)), "page", "page")


def test_each_persona_has_a_curve_with_its_own_n(made_example):
    space = Workspace.open(made_example, read_only=True)

    frame = journey.emotion_by_persona(
        space.journey, space.answers().table, path_index(space.events())
    )

    delivery = frame[frame["touchpoint"] == "delivery"].set_index("persona")
    assert delivery["n"].sum() == 1_262
    assert set(delivery.index) == {"mobile_buyer", "desktop_buyer"}
    checkout = frame[frame["touchpoint"] == "checkout"].set_index("persona")
    assert checkout.loc["mobile_buyer", "judged"] == -2.0  # the one judgement about this persona
    drawn = vl_convert.vegalite_to_svg(path_charts.persona_chart(frame).to_dict())
    assert ">Buys on the phone<" in drawn
