from datetime import datetime

import pytest

from journey_widgets.errors import ParameterError
from journey_widgets.publish.period import Period


@pytest.mark.parametrize(
    ("text", "first", "after"),
    [
        ("2026-03", "2026-02-28T23:00", "2026-03-31T22:00"),  # the clocks change in March
        ("2026-q2", "2026-03-31T22:00", "2026-06-30T22:00"),
        ("2026-12", "2026-11-30T23:00", "2026-12-31T23:00"),
        ("2026-03-29..2026-03-29", "2026-03-28T23:00", "2026-03-29T22:00"),  # a day of 23 hours
    ],
)
def test_a_period_is_whole_local_days(text, first, after):
    since, until = Period.read(text).instants("Europe/Rome")

    assert (since, until) == (datetime.fromisoformat(first), datetime.fromisoformat(after))


def test_all_has_no_ends():
    assert Period.read(" All ").instants("Europe/Rome") == (None, None)
    assert Period.read("").in_words() == ""


@pytest.mark.parametrize(
    "text",
    [
        "2026",
        "2026-13",
        "2026-q5",
        "2026-05-02..2026-05-01",
        "x..y",
        "..",
        "2026-02-30..2026-03-01",
    ],
)
def test_anything_else_is_refused_with_what_can_be_written(text):
    with pytest.raises(ParameterError, match="Write all, 2026-03, 2026-q2"):
        Period.read(text)
