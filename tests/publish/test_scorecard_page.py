"""The scorecard page: what it says, to whom, and that wrong parameters are said in words."""

import re
from contextlib import closing
from dataclasses import replace

import pandas as pd
import pytest

from journey_widgets import Workspace
from journey_widgets.errors import ParameterError
from journey_widgets.publish import scorecard_page as shown
from journey_widgets.publish.page import PageStopped
from journey_widgets.publish.reports import run_report
from journey_widgets.publish.scorecard_view import SEE_ABOVE, open_scorecard, signals_in_words
from journey_widgets.scorecard.document import Arrow, Kpi, Objective, Scorecard

PARTS = (
    shown.in_short, shown.needs_somebody, shown.what_moved, shown.balanced, shown.the_cards, shown.grid, shown.changes,
    shown.signals, shown.strategy_map, shown.segments, shown.what_it_takes, shown.weights, shown.initiatives,
    shown.editor, shown.the_table, shown.not_counted, shown.rows_behind,
)  # fmt: skip


@pytest.fixture(scope="module")
def may(made_example):
    return open_scorecard(str(made_example), as_of="2026-05")


def test_the_dip_is_what_needs_somebody_and_what_moved(may):
    assert "Happy with delivery" in shown.needs_somebody(may)._repr_html_()
    assert "Happy with delivery is worse: 83.2% to 40.5% (-42.7 points)." in repr(
        shown.what_moved(may)
    )


def test_a_share_of_the_log_is_split_into_mix_and_rate(may):
    (said,) = shown._mixed(may, "conversion_rate")
    assert "points within the groups by device" in said
    assert shown._mixed(may, "aov") == []


def test_groups_outside_their_limits_are_named_and_no_others(may):
    told = shown.segments(may)._repr_html_()
    assert "device mobile" in told
    assert "region" not in told


def test_the_tiles_and_the_table_say_the_same_as_the_frame(may):
    total = may.now.total.score
    assert f"{total:.2f}" in repr(shown.in_short(may))
    table = shown.the_table(may)._repr_html_()
    for row in may.now.kpis.to_dict("records"):
        assert str(may.said(row, "value")) in table


def test_rows_about_single_customers_are_for_the_analyst(may, monkeypatch):
    assert "rows behind it" in repr(shown.rows_behind(may, "csat_delivery"))
    monkeypatch.setenv("JOURNEY_MODE", "dashboard")
    assert "shown to the analyst" in repr(shown.rows_behind(may, "csat_delivery"))


def test_a_segment_is_measured_for_its_customers_alone(made_example):
    view = open_scorecard(str(made_example), segment="device=mobile", as_of="2026-05")
    whole = open_scorecard(str(made_example), as_of="2026-05")
    n, every = (v.now.kpis.set_index("kpi")["n"] for v in (view, whole))
    assert n["aov"] < every["aov"]
    assert "does not say whose each row is" not in repr(shown.the_table(view))
    assert "Work done by those planned for it" in shown.not_counted(view)._repr_html_()


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"as_of": "2031-01"}, "Nothing was measured in a period that begins on 2031-01-01"),
        ({"as_of": "yesterday"}, "a month such as 2026-05"),
        ({"period": "decade"}, "period is 'decade'"),
        ({"policy": "hope"}, "policy is 'hope'"),
    ],
)
def test_wrong_parameters_are_said_in_one_sentence(made_example, given, said):
    with pytest.raises(PageStopped, match=said):
        open_scorecard(str(made_example), **given)


def test_a_workspace_without_a_scorecard_says_so_once_and_stops(tmp_path, monkeypatch):
    Workspace.create(tmp_path / "w", template="sales_journey").close()
    begun = open_scorecard(str(tmp_path / "w"))  # the analyst begins one on the page
    assert "add its first objective in the editor below" in repr(shown.in_short(begun))
    assert "0 KPIs" in repr(shown.editor(begun))
    monkeypatch.setenv("JOURNEY_READ_ONLY", "1")
    with pytest.raises(PageStopped, match=r"There is no scorecard yet\. An analyst begins"):
        open_scorecard(str(tmp_path / "w"))


def test_where_no_month_is_over_every_part_says_so(made_example, monkeypatch):
    view = open_scorecard(str(made_example))
    monkeypatch.setattr(view, "series", view.series.iloc[:0])
    without = (shown.balanced, shown.grid, shown.editor)  # they are about the document
    for part in PARTS:
        view.first_without = ""
        assert ("No period is over yet" in repr(part(view))) == (part not in without)


def test_signals_are_told_with_their_periods():
    months = pd.date_range("2026-01-01", periods=3, freq="MS")
    for marks, said in (
        (["", "", ""], "no signal"),
        (["", "range", ""], "signal in February 2026 (range)"),
        (["run", "", "outside, range"], "signals in January 2026 (run) and March 2026 (outside, range)"),
    ):  # fmt: skip
        assert signals_in_words(pd.DataFrame({"period": months, "signal": marks})) == said


def test_a_radar_stands_beside_its_table_and_only_where_it_is_asked_for(may, monkeypatch):
    monkeypatch.setenv("JOURNEY_MODE", "report")
    plain, both = (shown.balanced(may, radar=r)._repr_html_() for r in (False, True))
    assert "<svg" not in plain
    assert both.count("<table") == plain.count("<table") == 1
    assert "Scores of the perspectives" in both
    assert "Learning and growth" in both


@pytest.fixture
def asks_for_notes(tmp_path):
    """A workspace whose scorecard is not published with a red KPI that nobody explains."""
    Workspace.create(tmp_path / "w", template="phone_retailer").close()
    space = Workspace.open(tmp_path / "w")
    space.save(space.scorecard.model_copy(update={"red_needs_note": True}))
    space.close()
    return tmp_path / "w"


@pytest.mark.parametrize("name", ["scorecard", "overview"])
def test_a_report_with_red_that_nobody_explains_is_not_published(asks_for_notes, tmp_path, name):
    with pytest.raises(
        ParameterError,
        match=r"Not published: \d+ off target in May 2026 without a note: .*Happy with delivery",
    ):
        run_report(
            name, workspace=asks_for_notes, out=tmp_path / "out", parameters={"as_of": "2026-05"}
        )
    assert list((tmp_path / "out").iterdir()) == []
    view = open_scorecard(
        str(asks_for_notes), as_of="2026-05"
    )  # the page shows it, and says what is missing
    assert "SCO-15" in shown.findings(view)._repr_html_()


def test_contacts_that_do_not_say_who_bought_are_looked_up_for_the_kpi_of_the_board(example):
    contacts = example / "tables" / "contacts.csv"
    table = pd.read_csv(contacts)
    table["bought"] = pd.NA
    sources = example / "sources.yaml"
    sources.write_text(re.sub(r"\n +bought: bought", "", sources.read_text("utf-8")), "utf-8")
    table.drop(columns="bought").to_csv(contacts, index=False)
    with closing(Workspace.open(example)) as space:
        kpi = Kpi(id="board_calibration", scoring="unscored")
        card = space.scorecard
        first = card.objectives[0].model_copy(update={"kpis": (*card.objectives[0].kpis, kpi)})
        space.save(card.model_copy(update={"objectives": (first, *card.objectives[1:])}))
    view = open_scorecard(str(example), as_of="2026-06")

    found = view.series[view.series["kpi"] == "board_calibration"]

    assert found["value"].notna().sum() == 3, found["counted"].tolist()
    assert found["n"].sum() > 1_000


def test_a_trade_off_is_asked_about(may, monkeypatch):
    frame = may.now.kpis.copy()
    frame.loc[frame["kpi"] == "csat_delivery", ["better", "moved"]] = [True, "real"]
    frame.loc[frame["kpi"] == "nps", ["better", "moved"]] = [False, "real"]
    card = may.scorecard.model_copy(
        update={"arrows": (Arrow(source="csat_delivery", target="nps"),)}
    )
    monkeypatch.setitem(may.__dict__, "now", replace(may.now, kpis=frame))
    monkeypatch.setitem(may.__dict__, "scorecard", card)
    assert (
        "Happy with delivery is better while Net promoter score, which the strategy map links"
        in repr(shown.what_moved(may))
    )


def test_a_scorecard_without_data_shows_what_it_looks_at_and_what_nobody_does(tmp_path):
    Workspace.create(tmp_path / "w", template="upsell_scorecard").close()
    view = open_scorecard(str(tmp_path / "w"))
    grid = shown.grid(view)._repr_html_()
    assert grid.count('class="jw-empty"') == 15  # five rows by four perspectives, five cells filled
    assert "Deciding and buying is easy" in grid
    assert "Nothing is measured yet" in shown.balanced(view)._repr_html_()
    assert "the scorecard is not balanced" in shown.findings(view)._repr_html_()
    assert "No period is over yet" in shown.in_short(view)._repr_html_()


def test_a_radar_and_its_table_stand_together_in_a_page_too(may, capsys):
    both = shown.balanced(may, radar=True)
    both._ipython_display_()

    assert "Chart" in capsys.readouterr().out
    assert "Balance of the scorecard" in both.pieces[1]._repr_html_()


def test_figures_about_very_few_are_nowhere_in_what_is_shown(may, made_example, monkeypatch):
    april = pd.Timestamp("2026-04-01")
    whole = may.series[may.series["kpi"] == "csat_delivery"].set_index("period")
    least = int(whole["n"][april]) + 1  # in April one answer too few, in other months enough
    monkeypatch.setenv("JOURNEY_MODE", "dashboard")
    monkeypatch.setattr(type(may.page), "least", least)
    view = open_scorecard(str(made_example), as_of="2026-04")
    (row,) = view.now.kpis[view.now.kpis["kpi"] == "csat_delivery"].to_dict("records")
    assert (row["state"], row["status"]) == ("hidden", "")
    for column in ("value", "low", "high", "change", "p_value", "score"):
        assert pd.isna(row[column]), column
    drawn = view.series[view.series["kpi"] == "csat_delivery"].set_index("period")["value"]
    assert pd.isna(drawn[april])
    assert drawn["2026-03-01"] == whole["value"]["2026-03-01"]
    parts = [p(view) for p in PARTS]
    edited = parts[PARTS.index(shown.editor)]
    assert edited.scores[[r["id"] for r in edited.rows].index("csat_delivery")]["value"] == "–"
    texts = [repr(p) + (p._repr_html_() if hasattr(p, "_repr_html_") else "") for p in parts]
    value = f"{100 * whole['value'][april]:.1f}%"
    assert not any(value in t for t in texts)
    assert any("too few to show" in t for t in texts)


def test_what_is_counted_in_documents_is_never_about_few_people(may, monkeypatch):
    monkeypatch.setattr(type(may.page), "least", 10**9)
    kpi = Kpi(id="raci_coverage", scoring="unscored")
    card = Scorecard(
        objectives=(Objective(id="a", label="A", perspective="customer", kpis=(kpi,)),)
    )
    assert may.measured(card)["value"].notna().all()


def test_a_page_without_a_scorecard_says_why_once(tmp_path):
    Workspace.create(tmp_path / "w", template="upsell_scorecard").close()
    view = open_scorecard(str(tmp_path / "w"))
    assert "No period is over yet" in repr(shown.in_short(view))
    assert SEE_ABOVE in repr(shown.what_moved(view))
    assert "No period is over yet" in repr(shown.in_short(view))


def test_with_a_segment_nothing_is_said_of_groups_of_all_customers(made_example):
    view = open_scorecard(str(made_example), segment="device=mobile", as_of="2026-05")
    assert shown._mixed(view, "conversion_rate") == []
