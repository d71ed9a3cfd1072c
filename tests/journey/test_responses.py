"""Who answered a survey, and what was counted on pages: never more is said than was asked."""

import math

import ibis
import pandas as pd
import pyarrow as pa
import pytest

from journey_widgets import journey, read_answers, read_behaviour, read_invitations
from journey_widgets.errors import JourneyDataError
from journey_widgets.journey import Journey, Stage, Touchpoint


def answers(rows):
    columns = ["respondent_id", "question_id", "question_version", "score", "scale"]
    frame = pd.DataFrame(rows, columns=columns).assign(ts=pd.Timestamp("2026-01-01"))
    return read_answers(frame).table


def many(n, question="q", version="1", score=4.0, scale="1-5", start=0):
    return [
        (f"{question}{version}{i}", question, version, score, scale)
        for i in range(start, start + n)
    ]


def invited(**columns):
    return read_invitations(pd.DataFrame(columns)).table


def row(frame, **where):
    for column, value in where.items():
        frame = frame[frame[column] == value]
    assert len(frame) == 1
    return frame.iloc[0]


def test_the_response_rate_is_answered_of_invited_with_wilsons_interval():
    # 40 of 200: Wilson's 95 % interval by hand is 0.1505 to 0.2609.
    found = row(
        journey.response_rates(answers(many(40)), invited(question_id=["q"], invited=[200]))
    )
    assert (found["answered"], found["invited"], found["response_rate"]) == (40, 200, 0.2)
    assert (found["low"], found["high"]) == (
        pytest.approx(0.1505, abs=5e-4),
        pytest.approx(0.2609, abs=5e-4),
    )
    assert found["certainty"] == "sufficient"


def test_a_question_left_blank_is_no_answer_and_counted():
    blank = [("x1", "q", "1", None, "1-5"), ("x2", "q", "1", None, "1-5")]
    found = row(journey.response_rates(answers(many(3) + blank), invited(question_id=["q"] * 10)))
    assert (found["answered"], found["blank"], found["invited"]) == (3, 2, 10)
    assert found["certainty"] == "insufficient"


def test_a_respondent_counts_once_however_often_they_answered():
    found = row(journey.response_rates(answers(many(5) + many(5)), invited(question_id=["q"] * 50)))
    assert found["answered"] == 5


def test_without_invitations_nobody_can_say_a_rate():
    found = row(journey.response_rates(answers(many(40))))
    assert pd.isna(found["invited"])
    assert math.isnan(found["response_rate"])
    assert found["certainty"] == "invitations unknown"


def test_more_answers_than_invitations_is_said_and_gets_no_rate():
    found = row(journey.response_rates(answers(many(40)), invited(question_id=["q"], invited=[39])))
    assert found["certainty"] == "more answers than invitations"
    assert math.isnan(found["response_rate"])


def test_versions_of_a_question_are_questions_of_their_own():
    both = answers(many(30) + many(60, version="2", scale="0-10"))
    asked = invited(question_id=["q", "q"], question_version=["1", "2"], invited=[100, 100])
    found = journey.response_rates(both, asked)
    assert found["response_rate"].tolist() == [0.3, 0.6]
    assert found["scale"].tolist() == ["1-5", "0-10"]


def test_invitations_without_a_version_stand_for_all_versions_together():
    both = answers(many(30) + many(60, version="2"))
    found = row(journey.response_rates(both, invited(question_id=["q"], invited=[200])))
    assert (found["question_version"], found["response_rate"]) == ("1, 2", 0.45)


def test_a_question_nobody_answered_and_one_nobody_noted_inviting_both_stay():
    found = journey.response_rates(answers(many(40)), invited(question_id=["other"], invited=[80]))
    assert row(found, question_id="other")["response_rate"] == 0.0
    assert row(found, question_id="q")["certainty"] == "invitations unknown"


def test_answers_without_a_version_or_a_scale_are_refused():
    frame = pd.DataFrame(
        {
            "respondent_id": ["a"],
            "ts": ["2026-01-01"],
            "question_id": ["q"],
            "score": [3],
            "scale": ["1-5"],
        }
    )
    with pytest.raises(JourneyDataError, match="lacks column 'question_version'"):
        read_answers(frame)
    with pytest.raises(JourneyDataError, match="lacks column 'scale'"):
        read_answers(frame.drop(columns="scale").assign(question_version="1"))
    with pytest.raises(JourneyDataError, match=r"questions\.q\.version"):
        read_answers(frame.rename(columns={"score": "q"}), questions={"q": {"scale": "1-5"}})


def test_numbers_of_people_that_are_none_are_left_blank_and_counted():
    source = read_invitations(
        pd.DataFrame({"question_id": ["q"] * 4, "invited": [10, -3, 2.5, 20]})
    )
    assert source.table.invited.sum().to_pyarrow().as_py() == 30
    check = row(source.data_check, check="no number of people")
    assert (check["rows"], check["action"]) == (2, "left blank")


def test_the_curve_says_where_versions_are_put_together():
    j = Journey(
        id="j", label="J", stages=(Stage(id="s", label="S"),),
        touchpoints=(Touchpoint(id="t", label="T", stage="s"),),
    )  # fmt: skip
    frame = pd.DataFrame(many(5) + many(5, version="2"),
                         columns=["respondent_id", "question_id", "question_version", "score", "scale"])  # fmt: skip
    frame = frame.assign(ts=pd.Timestamp("2026-01-01"), touchpoint="t")
    both = read_answers(frame).table
    one = both.filter(both.question_version == "1")
    assert "versions of one are put together at t" in journey.definition(journey.emotion(j, both))
    assert "put together" not in journey.definition(journey.emotion(j, one))


@pytest.fixture
def shop():
    return Journey(
        id="j", label="J", stages=(Stage(id="s", label="S"),),
        touchpoints=(Touchpoint(id="basket", label="Basket", stage="s"), Touchpoint(id="pay", label="Pay", stage="s")),
    )  # fmt: skip


def test_totals_are_added_up_by_touchpoint_and_shares_averaged(shop):
    source = read_behaviour(
        pd.DataFrame(
            {
                "touchpoint": ["pay", "basket", "basket", "basket", "basket", "stray"],
                "measure": ["clicks", "clicks", "clicks", "seen", "seen", "clicks"],
                "value": [5, 10, 20, 40.0, 60.0, 1],
                "unit": ["", "", "", "%", "%", ""],
                "ts": ["2026-01-01"] * 6,
            }
        )
    )
    found = journey.behaviour(shop, source.table)
    assert found[["label", "measure", "value", "totals", "on_map"]].values.tolist() == [
        ["Basket", "clicks", 30.0, 2, True], ["Basket", "seen", 50.0, 2, True], ["Pay", "clicks", 5.0, 1, True],
        ["stray", "clicks", 1.0, 1, False],
    ]  # fmt: skip


def test_recordings_come_as_links_only_and_other_text_is_no_link(shop):
    source = read_behaviour(
        pd.DataFrame(
            {
                "touchpoint": ["pay"] * 4, "measure": ["recording"] * 4,
                "link": ["https://r.example/1", "https://r.example/1", "javascript:alert(1)", "C:/video.mp4"],
            }
        )
    )  # fmt: skip
    found = row(journey.behaviour(shop, source.table))
    assert found["links"] == ["https://r.example/1"]
    assert math.isnan(found["value"])
    assert row(source.data_check, check="no web address")["rows"] == 2


def test_versions_written_as_numbers_and_blank_scales_do_no_harm():
    frame = pd.DataFrame({"respondent_id": ["a", "b"], "question_id": ["q", "q"], "question_version": [1, 1],
                          "scale": [None, None], "score": [3.0, None]})  # fmt: skip
    asked = ibis.memtable(
        pa.table({"question_id": ["q"], "question_version": [1], "invited": [10.0]})
    )
    table = ibis.memtable(pa.Table.from_pandas(frame, preserve_index=False))
    found = row(journey.response_rates(table, asked))
    assert (found["question_version"], found["answered"], found["response_rate"]) == ("1", 1, 0.1)


def test_invitations_that_leave_the_version_blank_stand_for_all_versions():
    both = answers(many(30) + many(60, version="2"))
    asked = ibis.memtable(
        pa.table(
            {
                "question_id": ["q"],
                "question_version": pa.array([None], pa.string()),
                "invited": [200.0],
            }
        )
    )
    found = row(journey.response_rates(both, asked))
    assert (found["question_version"], found["invited"], found["response_rate"]) == (
        "1, 2",
        200,
        0.45,
    )


def test_rates_are_averaged_and_spellings_of_per_cent_are_one_unit(shop):
    source = read_behaviour(
        pd.DataFrame(
            {"touchpoint": ["pay"] * 4, "measure": ["bounce rate"] * 2 + ["seen"] * 2,
             "value": [0.1, 0.2, 40.0, 60.0], "unit": ["", "", "percent", "%"]}
        )
    )  # fmt: skip
    found = journey.behaviour(shop, source.table)
    assert found[["measure", "unit", "value"]].values.tolist() == [
        ["bounce rate", "", pytest.approx(0.15)],
        ["seen", "%", 50.0],
    ]
