"""Late data: the first value of a closed period is kept beside the one it has now."""

from datetime import datetime

import pandas as pd

from journey_widgets import Workspace
from journey_widgets.scorecard.restating import restate, restated

MARCH, APRIL, MAY = (datetime(2026, m, 1) for m in (3, 4, 5))  # noqa: DTZ001 - naive UTC


def a_series(*rows):
    columns = ["kpi", "period", "definition", "value", "n", "open"]
    return pd.DataFrame(rows, columns=columns).assign(period=lambda d: pd.to_datetime(d["period"]))


JAN, FEB = ("a", "2026-01-01", "d1", 10.0, 5, False), ("a", "2026-02-01", "d1", 20.0, 6, False)


def test_a_closed_period_keeps_its_first_value_beside_the_new_one():
    first = restate(None, a_series(JAN, FEB), MARCH)
    assert restated(first).empty
    later = restate(first, a_series(JAN, ("a", "2026-02-01", "d1", 22.0, 7, False)), APRIL)
    (row,) = restated(later).to_dict("records")
    assert (row["first_value"], row["value"], row["first_n"], row["n"]) == (20, 22, 6, 7)
    assert (row["first_at"], row["changed_at"]) == (pd.Timestamp(MARCH), pd.Timestamp(APRIL))
    again = restate(later, a_series(JAN, ("a", "2026-02-01", "d1", 22.0, 7, False)), MAY)
    assert again.equals(later)


def test_an_open_period_may_change_and_another_definition_is_another_figure():
    open_ = a_series(JAN, ("a", "2026-02-01", "d1", 20.0, 6, True))
    first = restate(None, open_, MARCH)
    assert len(first) == 1
    changed = restate(first, a_series(("a", "2026-01-01", "d2", 11.0, 5, False)), APRIL)
    assert restated(changed).empty
    assert changed["definition"].tolist() == ["d1", "d2"]


def test_what_is_not_measured_any_more_stays():
    first = restate(None, a_series(JAN, FEB), MARCH)
    assert restate(first, a_series(FEB), APRIL)["period"].tolist() == first["period"].tolist()


def test_the_workspace_keeps_them_beside_its_documents(tmp_path):
    space = Workspace.create(tmp_path / "w")
    assert space.kept_values("month") is None
    kept = restate(None, a_series(JAN, FEB), MARCH)
    space.keep_values("month", kept)
    pd.testing.assert_frame_equal(space.kept_values("month"), kept)
    reading = Workspace.open(tmp_path / "w", read_only=True)
    reading.keep_values("month", kept.head(1))
    assert len(reading.kept_values("month")) == 2
    (tmp_path / "w" / "measured" / "month.parquet").write_bytes(b"torn")
    assert space.kept_values("month") is None
