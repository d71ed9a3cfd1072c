"""The support page: retention is compared fairly, and what is not there is said."""

import ibis
import pandas as pd
import pyarrow as pa
import pytest

from journey_widgets import Workspace
from journey_widgets.cross_impact.document import CrossImpact
from journey_widgets.publish import support_page as shown
from journey_widgets.publish.page import PageStopped
from journey_widgets.publish.support_page import came_back

DAY = pd.Timedelta(days=1)
START = pd.Timestamp("2026-01-01")


def table(columns, rows):
    return ibis.memtable(
        pa.Table.from_pandas(pd.DataFrame(rows, columns=columns.split()), preserve_index=False)
    )


def orders(*rows):
    lines = [(who, f"{who}{day}", START + day * DAY, 1.0) for who, days in rows for day in days]
    return table(
        "customer_id order_id ts quantity", [*lines, ("end", "end", START + 200 * DAY, 1.0)]
    )


def cases(*rows):
    return table(
        "case_id ts customer_id",
        [(f"t{i}", START + day * DAY, who) for i, (who, day) in enumerate(rows)],
    )


def test_both_sides_begin_at_day_fourteen_with_nobody_who_bought_again():
    lines = orders(
        ("a", [0, 40]), ("b", [0]), ("c", [0, 5]), ("d", [0, 80]), ("e", [0, 120]), ("late", [150])
    )
    found = came_back(lines, cases(("a", 3), ("c", 6), ("b", 30), ("e", 14)))
    assert found.to_dict("records") == [
        {
            "side": "with a case in the first two weeks",
            "buyers": 2,
            "again": 1,
        },  # a, and e too late
        {"side": "without", "buyers": 2, "again": 1},  # b's case came later; d
    ]  # c bought again within two weeks and is in neither; late is not old enough


def test_cases_of_nobody_say_nothing():
    assert came_back(orders(("a", [0])), cases(("a", 1)).drop("customer_id")) is None


def test_an_issue_type_shows_no_figure_that_is_about_few_cases(made_example, monkeypatch):
    every = shown.open_support(str(made_example)).by_kind.set_index(["kpi", "kind"])["n"]
    least = int(every.min()) + 1
    view = shown.open_support(str(made_example))
    monkeypatch.setattr(type(view.page), "least", least)
    kept = view.by_kind.set_index(["kpi", "kind"])
    few = every[every < least].index
    assert len(few)
    assert kept.loc[few, "value"].isna().all()
    assert kept.loc[kept.index.difference(few), "n"].min() >= least
    again = shown.open_support(str(made_example))
    monkeypatch.setattr(type(view.page), "least", 10**9)
    assert "too few to show" in repr(shown.in_short(again))
    assert "Set-up help" not in repr(shown.by_issue(again))
    assert "%" not in repr(shown.promises(again))


def test_the_example_is_told_in_words_with_who_answers(made_example):
    view = shown.open_support(str(made_example))
    assert "Set-up help waits" in repr(shown.what_next(view))
    assert "answers for it" in repr(shown.what_next(view))
    assert "Retention after support: 2 rows" in repr(shown.afterwards(view))


def test_business_hours_are_checked_before_anything_is_shown(made_example):
    with pytest.raises(PageStopped, match="Mon-Fri 09:00-17:00"):
        shown.open_support(str(made_example), hours="nine to five")


def test_a_workspace_without_cases_says_so_and_stops(tmp_path):
    Workspace.create(tmp_path / "w", template="sales_journey").close()
    with pytest.raises(PageStopped, match="no support cases yet"):
        shown.open_support(str(tmp_path / "w"))


def test_where_nobody_judged_influences_nobody_has_a_share_of_none(made_example, monkeypatch):
    view = shown.open_support(str(made_example))
    assert "18.4%" in shown.load_and_influence(view)._repr_html_()
    monkeypatch.setattr(Workspace, "cross_impact", CrossImpact())
    assert "Nobody has judged influences yet" in repr(shown.load_and_influence(view))


def test_a_promise_that_is_never_kept_asks_whether_it_is_recorded(made_example):
    told = shown.promises(shown.open_support(str(made_example)))._repr_html_()
    assert "0.0% (0.0% to 1.4%); is it recorded where we look?" in told
