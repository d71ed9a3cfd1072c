"""KPIs measured from sources: worked by hand, and against counting row by row."""

from datetime import datetime

import ibis
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from journey_widgets import Workspace
from journey_widgets.definition import definition
from journey_widgets.errors import JourneyDataError
from journey_widgets.estimates import mean_interval, nps, wilson
from journey_widgets.scorecard.measures import measure, measured


def table_of(frame):
    return ibis.memtable(pa.Table.from_pandas(frame, preserve_index=False))


def answers(*rows, scale="0-10"):
    frame = pd.DataFrame(rows, columns=["ts", "score", "channel"])
    return table_of(
        frame.assign(
            ts=pd.to_datetime(frame["ts"], format="ISO8601"), score=frame["score"].astype("float64"), scale=scale,
            respondent_id=[f"p{i}" for i in range(len(frame))], question_id="q",
        )
    )  # fmt: skip


def one_month(scores, scale):
    return {"answers": answers(*(("2026-05-10", s, "web") for s in scores), scale=scale)}


def test_nps_of_ten_promoters_and_four_detractors_among_twenty():
    found = measure("nps", one_month([9] * 6 + [10] * 4 + [8] * 6 + [0, 3, 6, 6], "0-10"))
    (row,) = found.to_dict("records")
    assert (row["value"], row["n"], row["state"]) == (30.0, 20, "insufficient")
    assert (round(row["low"], 1), round(row["high"], 1)) == (-5.7, 57.9)


def test_top_two_of_fifty_answers():
    found = measure("csat_t2b", one_month([5] * 20 + [4] * 21 + [3] * 9, "1-5"))
    (row,) = found.to_dict("records")
    assert (row["value"], row["n"], row["state"]) == (0.82, 50, "")
    assert (round(row["low"], 3), round(row["high"], 3)) == (0.692, 0.902)


def test_a_mean_has_students_interval_within_its_scale():
    (row,) = measure("csat_mean", one_month([5, 4, 4, 3, 5, 2], "1-5")).to_dict("records")
    assert (round(row["value"], 2), round(row["low"], 2), row["high"]) == (3.83, 2.61, 5.0)
    (alone,) = measure("csat_mean", one_month([5], "1-5")).to_dict("records")
    assert alone["value"] == 5
    assert np.isnan([alone["low"], alone["high"]]).all()


def test_answers_that_are_blank_off_the_scale_or_on_another_one_are_left_out():
    both = answers(
        *(("2026-05-10", s, "web") for s in [5, 4, None, 7, 0])
    ).mutate(scale=ibis.literal("1-5")).union(answers(("2026-05-10", 10, "web")))  # fmt: skip
    (row,) = measure("csat_t2b", {"answers": both}).to_dict("records")
    assert (row["value"], row["n"]) == (1.0, 2)


def test_months_follow_the_clock_of_the_workspace():
    late = answers(("2026-05-31 22:30", 10, "web"), ("2026-05-31 21:30", 0, "web"))
    rome = measure("nps", {"answers": late}, zone="Europe/Rome")
    assert [f"{p:%Y-%m}" for p in rome["period"]] == ["2026-05", "2026-06"]
    assert rome["value"].tolist() == [-100, 100]
    assert len(measure("nps", {"answers": late})) == 1


def test_a_month_without_answers_is_there_and_has_no_data():
    found = measure(
        "nps", {"answers": answers(("2026-03-01", 10, "web"), ("2026-05-01", 0, "web"))}
    )
    assert found["n"].tolist() == [1, 0, 1]
    assert found["state"].tolist() == ["insufficient", "no_data", "insufficient"]
    assert np.isnan(found["value"][1])


def test_a_period_that_is_not_over_is_open():
    table = answers(("2026-04-30", 10, "web"), ("2026-05-20", 9, "web"))
    assert measure("nps", {"answers": table})["open"].tolist() == [False, True]
    whole = measure("nps", {"answers": table}, until=datetime(2026, 6, 1))  # noqa: DTZ001 - naive UTC
    assert whole["open"].tolist() == [False, False]


def test_groups_are_in_order_and_a_blank_one_is_not_known():
    table = answers(("2026-05-01", 10, "web"), ("2026-05-02", 0, None), ("2026-05-03", 9, "app"))
    found = measure("nps", {"answers": table}, by=["channel"])
    assert found["channel"].tolist() == ["app", "not known", "web"]
    assert found["value"].tolist() == [100, -100, 100]


def lines(*rows):
    columns = ["ts", "order_id", "customer_id", "quantity", "unit_price"]
    frame = pd.DataFrame(rows, columns=columns)
    return {"order_lines": table_of(frame.assign(ts=pd.to_datetime(frame["ts"], format="ISO8601")))}


def test_order_value_and_units_are_of_orders_without_what_was_brought_back():
    table = lines(
        ("2026-05-30", "a", "x", 2, 10.0), ("2026-06-01", "a", "x", 1, 5.0), ("2026-05-31", "b", "y", 1, 15.0),
        ("2026-05-31", "b", "y", -1, 15.0),
    )  # fmt: skip
    (row,) = measure("aov", table).to_dict("records")
    assert (row["value"], row["n"], f"{row['period']:%Y-%m}") == (20.0, 2, "2026-05")
    (row,) = measure("units_per_transaction", table).to_dict("records")
    assert row["value"] == 2.0


def test_the_interval_of_a_ratio_of_sums_draws_customers_not_orders():
    many = [
        ("2026-05-01", f"o{i}", f"c{i % 4}", 1, [10.0, 20.0, 30.0, 40.0][i % 4]) for i in range(400)
    ]
    (few,) = measure("aov", lines(*many)).to_dict("records")
    (each,) = measure(
        "aov", lines(*((t, o, o, q, p) for t, o, _c, q, p in many))
    ).to_dict("records")  # fmt: skip
    assert few["value"] == each["value"] == 25
    assert few["high"] - few["low"] > 5 * (each["high"] - each["low"])
    assert measure("aov", lines(*many)).equals(measure("aov", lines(*many)))


def test_orders_of_nobody_known_are_drawn_one_by_one():
    some = [("2026-05-01", f"o{i}", None, 1, 10.0 * (i % 3)) for i in range(60)]
    (row,) = measure("aov", lines(*some)).to_dict("records")
    assert row["low"] < row["value"] == 10 < row["high"]


def test_one_customer_has_no_interval():
    (row,) = measure("aov", lines(("2026-05-01", "a", "x", 1, 10.0))).to_dict("records")
    assert np.isnan([row["low"], row["high"]]).all()


@pytest.mark.parametrize(
    ("kpi", "sources", "options", "said"),
    [
        ("npss", {}, {}, "Did you mean 'nps'"),
        ("cost_per_lead", {}, {}, "is not counted from the sources"),
        ("nps", {"order_lines": None}, {}, "needs the source answers"),
        ("nps", one_month([9], "0-10"), {"by": ["chanel"]}, "lacks column 'chanel'"),
        ("nps", one_month([9], "0-10"), {"period": "fortnight"}, "no period 'fortnight'"),
        ("nps", one_month([9], "0-10"), {"zone": "Rome"}, "no time zone 'Rome'"),
    ],
)  # fmt: skip
def test_what_cannot_be_measured_is_refused_with_what_can(kpi, sources, options, said):
    with pytest.raises(JourneyDataError, match=said):
        measure(kpi, sources, **options)


def test_a_source_without_a_row_that_counts_gives_an_empty_result_that_says_so():
    found = measure("ces", one_month([9], "0-10"), by=["channel"])
    assert found.empty
    assert list(found)[:3] == ["kpi", "period", "channel"]
    assert "Answers on the scale 1-7" in definition(found)


def test_the_definition_id_changes_with_what_is_counted():
    table = one_month([9], "0-10")
    ids = {
        measure("nps", table, zone=z, period=p)["definition"][0]
        for z in ("UTC", "Asia/Tokyo")
        for p in ("month", "day")
    }
    assert len(ids) == 4
    assert measure("nps", table)["definition"][0] in ids


def test_what_is_measured_is_listed_with_its_source():
    found = measured().set_index("kpi")
    assert found.loc["nps", "source"] == "answers"
    assert found["counted"].str.len().min() > 0


scores = st.lists(
    st.tuples(
        st.sampled_from(["2026-01-31 22:59", "2026-01-31 23:00", "2026-02-14", "2026-04-01"]),
        st.one_of(st.none(), st.integers(0, 10)), st.sampled_from(["web", "app"]),
    ),
    min_size=1, max_size=40,
)  # fmt: skip


@given(scores)
@settings(max_examples=25, deadline=None)
def test_nps_is_what_counting_answer_by_answer_gives(rows):
    found = measure("nps", {"answers": answers(*rows)}, zone="Europe/Rome", by=["channel"])
    for row in found.to_dict("records"):
        own = [
            s for t, s, c in rows
            if s is not None and c == row["channel"]
            and pd.Timestamp(t, tz="UTC").tz_convert("Europe/Rome").strftime("%Y-%m") == f"{row['period']:%Y-%m}"
        ]  # fmt: skip
        assert row["n"] == len(own)
        value, low, high = nps(sum(s >= 9 for s in own), sum(s <= 6 for s in own), len(own))
        assert [row["value"], row["low"], row["high"]] == pytest.approx(
            [value, low, high], nan_ok=True
        )


def test_the_example_is_measured_as_counting_its_rows_does(made_example):
    space = Workspace.open(made_example, read_only=True)
    sources = {"answers": space.answers(), "order_lines": space.order_lines()}
    zone = space.settings.time_zone
    rows = sources["answers"].to_pandas()
    rows["month"] = rows["ts"].dt.tz_localize("UTC").dt.tz_convert(zone).dt.strftime("%Y-%m")
    rows = rows[(rows["scale"] == "1-5") & rows["score"].notna()]
    found = measure("csat_t2b", sources, zone=zone, by="touchpoint")
    mean = measure("csat_mean", sources, zone=zone, by="touchpoint")
    for row, other in zip(found.to_dict("records"), mean.to_dict("records"), strict=True):
        own = rows[
            (rows["month"] == f"{row['period']:%Y-%m}") & (rows["touchpoint"] == row["touchpoint"])
        ]["score"]
        assert (row["n"], other["n"]) == (len(own), len(own))
        if len(own) > 1:
            low, high = wilson(int((own >= 4).sum()), len(own))
            assert [row["value"], row["low"], row["high"]] == pytest.approx(
                [(own >= 4).mean(), float(low), float(high)]
            )
            assert other["value"] == pytest.approx(mean_interval(own)[0])
    orders = sources["order_lines"].to_pandas()
    orders = orders[orders["quantity"] > 0]
    spent = (orders["quantity"] * orders["unit_price"]).groupby(orders["order_id"]).sum()
    aov = measure("aov", sources, zone=zone)
    assert np.average(aov["value"], weights=aov["n"]) == pytest.approx(spent.mean())
