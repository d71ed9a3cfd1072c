"""Tracking: expected and actual repeat purchases are counted as a loop over customers counts them."""

import numpy as np
import pandas as pd
import pytest

from journey_widgets.errors import JourneyDataError
from journey_widgets.upsell import charts, fit_bg_nbd, purchases, tracking


def lines(rows):
    frame = pd.DataFrame(rows, columns=["customer_id", "day"])
    return pd.DataFrame(
        {
            "customer_id": frame["customer_id"], "order_id": [f"o{i}" for i in range(len(frame))],
            "ts": pd.Timestamp("2026-01-01") + pd.to_timedelta(frame["day"], unit="D"), "quantity": 1.0,
        }
    )  # fmt: skip


class Steady:
    """Expects one repeat purchase in two weeks, of everybody, for ever."""

    def expected_new(self, t):
        return np.asarray(t) / 2


def test_it_is_what_a_loop_over_customers_counts():
    bought = [
        ("ann", 0),
        ("ann", 3),
        ("ann", 9),
        ("ben", 5),
        ("ben", 5),
        ("ben", 30),
        ("cat", 20),
        ("cat", 22),
        ("z", 35),
    ]
    found = tracking(Steady(), lines(bought), "2026-01-15")

    assert found["week"].tolist() == [1, 2, 3, 4, 5]
    assert found["actual"].tolist() == [
        1,
        2,
        2,
        2,
        3,
    ]  # ben's two of one day are one; cat began too late
    assert found["expected"].tolist() == pytest.approx(
        [(7 + 2) / 14, (14 + 9) / 14, (21 + 16) / 14, (28 + 23) / 14, (35 + 30) / 14]
    )
    assert found["fitted"].tolist() == [True, True, False, False, False]
    assert found["off"].iloc[0] == pytest.approx((9 / 14) / 1 - 1)
    assert "2 customers who began by 15 January 2026" in found.attrs["definition"]


@pytest.mark.parametrize(
    ("until", "said"), [("2025-12-01", "Nobody bought by"), ("soon", "a day such as")]
)
def test_a_day_before_everybody_or_none_is_refused(until, said):
    with pytest.raises(JourneyDataError, match=said):
        tracking(Steady(), lines([("ann", 0)]), until)


def test_cdnow_is_foreseen_a_year_ahead_within_a_few_percent(root):
    table = pd.read_parquet(root / "data" / "real" / "cdnow" / "cdnow_master.parquet")
    own = pd.DataFrame(
        {
            "customer_id": table["customer_id"].astype("str"), "order_id": [f"o{i}" for i in range(len(table))],
            "ts": pd.to_datetime(table["date"]), "quantity": 1.0, "amount": table["spend_usd"],
        }
    )  # fmt: skip
    model = fit_bg_nbd(purchases(own[own["ts"] < "1997-10-01"]))

    found = tracking(model, own, "1997-09-30")

    assert found.loc[found["fitted"], "off"].iloc[-1] == pytest.approx(0, abs=0.05)
    assert found["off"].iloc[-1] == pytest.approx(0, abs=0.10)
    assert charts.tracking_chart(found).to_dict()
