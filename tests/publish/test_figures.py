"""A report's CSV has all figures of its page, unrounded beside as shown, and nothing else."""

import csv
import math
import re
from html.parser import HTMLParser

import pandas as pd
import pytest

from journey_widgets.publish import figures, html, overview
from journey_widgets.publish.figures import Figure
from journey_widgets.publish.piece import MIME
from journey_widgets.publish.reports import run_report
from journey_widgets.publish.scorecard_view import open_scorecard


class Tables(HTMLParser):
    """Reads the tables of a page: caption, columns and the text of each cell, as a browser would."""

    def __init__(self, markup):
        super().__init__()
        self.found, self._text = [], None
        self.feed(markup)

    def handle_starttag(self, tag, attrs):
        if tag == "table":
            self.found.append({"caption": "", "columns": [], "cells": []})
        if tag in ("caption", "th", "td"):
            self._text = []

    def handle_data(self, data):
        if self._text is not None:
            self._text.append(data)

    def handle_endtag(self, tag):
        if tag not in ("caption", "th", "td") or self._text is None or not self.found:
            return
        text, self._text = "".join(self._text), None
        place = {"caption": "caption", "th": "columns", "td": "cells"}[tag]
        if place == "caption":
            self.found[-1]["caption"] = text
        else:
            self.found[-1][place].append(text)


@pytest.fixture(scope="module", params=["overview", "scorecard", "support", "upsell"])
def report(request, made_example, tmp_path_factory):
    out = tmp_path_factory.mktemp("report")
    made = run_report(request.param, workspace=made_example, out=out)
    return made.path.read_text("utf-8"), figures.read(out / f"{request.param}.csv")


def test_every_cell_of_every_table_is_in_the_csv_as_it_stands_on_the_page(report):
    page, data = report
    tables = [t for t in Tables(page).found if t["caption"]]
    assert tables
    for table in tables:
        own = data[data["part"] == table["caption"]]
        shown = [text or "–" for text in own["shown"]]
        assert shown == table["cells"], table["caption"]
        wide = len(table["columns"])
        assert list(own["figure"][:wide]) == table["columns"]


def test_every_tile_and_sentence_of_the_page_is_in_the_csv(report):
    page, data = report
    boxes = re.findall(
        r'jw-label">([^<]*)</span><span class="jw-value">([^<]*)</span><span class="jw-words">([^<]*)<', page
    )  # fmt: skip
    tiles = data[(data["part"] == "In boxes") & data["figure"].isin(["figure", "words"])]
    said = set(zip(tiles["name"], tiles["shown"], strict=True))
    assert boxes
    for label, value, words in boxes:
        assert {(label, value), (label, words)} <= said
    assert set(re.findall(r"<figcaption>([^<]*)</figcaption>", page)) <= set(data["shown"])


def test_a_number_of_the_csv_is_the_one_the_page_rounds(report):
    _page, data = report
    shares = data[data["shown"].str.fullmatch(r"[-+]?\d+\.\d%", na=False)]
    known = shares[shares["value"].notna()]
    assert len(known)
    assert [f"{v:.1%}" for v in known["value"]] == [s.lstrip("+") for s in known["shown"]]
    counts = data[
        data["shown"].str.fullmatch(r"\d{1,3}(,\d{3})*", na=False) & data["value"].notna()
    ]
    assert [f"{v:,.0f}" for v in counts["value"]] == list(counts["shown"])


def test_the_kpis_stand_in_the_csv_with_interval_and_n(made_example, tmp_path):
    run_report("overview", workspace=made_example, out=tmp_path, parameters={"as_of": "2026-05"})
    data = figures.read(next(tmp_path.glob("*.csv")))
    kpis = open_scorecard(str(made_example), as_of="2026-05").now.kpis
    own = data[(data["part"] == "All KPIs, May 2026") & (data["figure"] == "Value")]
    for column in ("value", "low", "high", "n"):
        expected = [float(v) if pd.notna(v) else math.nan for v in kpis[column]]
        assert [float(v) for v in own[column]] == pytest.approx(expected, rel=1e-12, nan_ok=True)


def test_the_executive_page_answers_its_five_questions(made_example, tmp_path):
    made = run_report(
        "overview", workspace=made_example, out=tmp_path, parameters={"as_of": "2026-05"}
    )
    page = re.sub(r"<style>.*?</style>", "", made.path.read_text("utf-8"), flags=re.DOTALL)
    text = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))
    view = open_scorecard(str(made_example), as_of="2026-05")
    how = f"{view.now.total.score:.2f}"
    assert f"{how} ▲ watch, May 2026" in text
    assert "Happy with delivery is worse: 83.2% to 40.5%" in text  # what changed
    assert "it really got worse" in text  # is it real
    owner = view.owner(view.now.kpis.set_index("kpi").loc["csat_delivery", "owner"])
    assert owner in text
    assert "Being done" in text
    assert text.index(how) < text.index("What needs somebody") < text.index("Getting through")


def test_text_from_data_is_no_formula_in_the_csv():
    hostile = '=HYPERLINK("http://x")'
    piece = html.table(pd.DataFrame({hostile: [hostile]}), caption=hostile)
    rows = list(csv.reader(figures.to_csv(piece.lines).splitlines()))
    assert all(not cell.startswith(tuple("=+-@")) for row in rows for cell in row)
    assert rows[1].count("'" + hostile) == 4


def test_figures_go_along_in_reports_only(monkeypatch):
    piece = html.tiles({"Orders": (Figure("1,234", 1234.0, n=7), "in May")})
    assert piece._repr_mimebundle_() == {}
    monkeypatch.setenv("JOURNEY_MODE", "report")
    (number, _words) = piece._repr_mimebundle_()[MIME]
    assert number == {
        "part": "In boxes", "row": 1, "name": "Orders", "figure": "figure", "value": 1234.0, "n": 7.0, "shown": "1,234",
    }  # fmt: skip


def test_parts_within_parts_keep_their_figures():
    table = html.table(pd.DataFrame({"KPI": ["a"], "Value": [1.5]}), caption="One")
    whole = html.joined(html.titled("T", table), html.sheet("S", table))
    assert whole.lines == [*table.lines, *table.lines]


def test_what_the_page_withholds_is_not_in_the_csv_either():
    few = pd.Series({"conversion": 0.43, "low": 0.2, "high": 0.6, "n": 23})
    assert html.tiles({"Reach": (overview._share(few), "")}).lines[0] == {
        "part": "In boxes", "row": 1, "name": "Reach", "figure": "figure", "shown": "too few",
    }  # fmt: skip
    many = pd.Series({"conversion": 0.43, "low": 0.2, "high": 0.6, "n": 230})
    assert html.tiles({"Reach": (overview._share(many), "")}).lines[0]["value"] == 0.43


@pytest.mark.parametrize("report", ["upsell"], indirect=True)
def test_a_profit_stands_with_its_interval_and_the_page_has_no_script(report):
    page, data = report
    profit = data[
        (data["part"] == "Whether it earned its cost") & (data["figure"] == "Profit, EUR")
    ]
    assert len(profit)
    assert (profit["low"] < profit["value"]).all()
    assert "<script" not in page
