"""The journey map's page where a map says little: every part still answers, in words."""

import contextlib
import re
from urllib.parse import urlencode

import nbformat
import pandas as pd
import pytest

from journey_widgets import Workspace, open_page, shipped
from journey_widgets.publish import explorer, map_page, path_page
from journey_widgets.publish.page import PageStopped
from journey_widgets.publish.parameters import declared
from journey_widgets.publish.scorecard_view import open_scorecard


@pytest.fixture
def bare(example, monkeypatch):
    """A page whose map has no funnel, no items, no personas and no evidence."""
    monkeypatch.setenv("JOURNEY_MODE", "report")
    space = Workspace.open(example)
    bare = space.journey.model_copy(
        update={"funnel": (), "items": (), "personas": (), "evidence": (), "ways": ()}
    )
    space.save(bare)
    space.close()
    return open_page("Journey map", workspace=str(example))


def test_a_map_without_a_funnel_says_so_and_shows_the_rest(bare):
    pains = path_page.pain_points(bare)

    assert pains.empty
    assert "names no funnel" in repr(path_page.pain_sentence(bare, pains))
    assert "names no funnel" in repr(path_page.went_instead(bare, pains))
    assert "names no funnel" in repr(explorer.explorer(bare))
    assert "<table" not in path_page.pain_table(bare, pains)._repr_html_()
    assert "Nothing is noted" in repr(map_page.noted(bare))
    assert "No persona" in repr(map_page.personas(bare))
    for part in (map_page.in_short, map_page.the_map, path_page.flow_picture,
                 path_page.designed, path_page.retention, map_page.changes):  # fmt: skip
        assert part(bare)._repr_html_()
    for part in (path_page.pain_table, path_page.difference, path_page.what_next):
        assert part(bare, pains)._repr_html_()


def test_stages_are_counted_as_the_map_shows_them(example, monkeypatch):
    monkeypatch.setenv("JOURNEY_MODE", "report")
    with contextlib.closing(Workspace.open(example)) as space:
        journey = space.journey
        first = journey.stages[0].id
        alone = journey.in_stage(first)[:1]
        one = {"touchpoints": tuple(alone), "funnel": (), "items": (), "evidence": (), "ways": ()}
        space.save(journey.model_copy(update=one))
    page = open_page("Journey map", workspace=str(example))
    others = len(journey.stages) - 1
    said = f"The map shows 1 touchpoint in 1 stage ({others} more stages have none yet); it was"
    assert said in repr(map_page.in_short(page))
    assert "1 touchpoint in 1 stage;" in map_page.map_layout(page.journey).sentence()


def test_where_nobody_answered_nothing_is_said_to_fit(tmp_path, monkeypatch):
    monkeypatch.setenv("JOURNEY_MODE", "report")
    Workspace.create(tmp_path / "shop", template="online_shop").close()

    said = map_page.contradictions_in_words(
        open_page("Journey map", workspace=str(tmp_path / "shop"))
    )

    assert repr(said) == "No touchpoint has both a judgement and answers to hold against it."
    assert "jw-good" not in said._repr_html_()


def test_a_log_that_hardly_meets_the_map_is_said_first(example, monkeypatch):
    monkeypatch.setenv("JOURNEY_MODE", "report")
    rows = [(f"c{i}", "2026-01-01", "checkout" if i < 3 else f"seen {i % 2}") for i in range(10)]
    frame = pd.DataFrame(rows, columns=["customer_id", "ts", "event"])
    frame.to_csv(example / "tables" / "log.csv", index=False)
    text = "schema: sources/1\nevents:\n  file: tables/log.csv\n  time_zone: UTC\n"
    (example / "sources.yaml").write_text(text, "utf-8")
    page = open_page("Journey map", workspace=str(example))

    assert "7 of 10 events of the log are at no touchpoint of the map" in repr(
        map_page.in_short(page)
    )


def test_a_log_on_the_map_is_not_said_to_be_off_it(example, monkeypatch):
    monkeypatch.setenv("JOURNEY_MODE", "report")
    page = open_page("Journey map", workspace=str(example))
    assert "no touchpoint of the map" not in repr(map_page.in_short(page))


def test_the_pages_sentence_names_loss_owner_and_what_it_assumes(example, monkeypatch):
    monkeypatch.setenv("JOURNEY_MODE", "report")
    page = open_page(
        "Journey map", workspace=str(example), segment="region=north", period="2026-q1"
    )

    pains = path_page.pain_points(page)
    said = repr(path_page.pain_sentence(page, pains))

    assert "between Checkout and Payment with device mobile" in said
    assert "If 50% of that can be won back, it is worth" in said
    assert "EUR" in said
    assert "Accountable: Web shop owner" in said
    assert page.segment_in_words() == "region north only, who began 1 January 2026 to 31 March 2026"


def test_the_journey_as_it_shall_be_can_be_looked_at(example, monkeypatch):
    monkeypatch.setenv("JOURNEY_MODE", "report")

    page = open_page("Journey map", workspace=str(example), version="to_be")

    assert page.journey.label == "Buying a phone in 2027"
    assert "16 touchpoints" in repr(map_page.the_map(page))


def test_channels_are_compared_where_a_step_happens_in_several(example, monkeypatch):
    monkeypatch.setenv("JOURNEY_MODE", "report")
    rows = [
        (f"c{i}", f"2026-01-0{k + 1} 10:00", step, "app" if i % 2 else "web")
        for i in range(400)
        for k, step in enumerate(["basket", "checkout"][: 1 if i % 2 and i % 3 else 2])
    ]
    frame = pd.DataFrame(rows, columns=["customer_id", "ts", "event", "channel"])
    frame.to_csv(example / "tables" / "log.csv", index=False)
    text = "schema: sources/1\nevents:\n  file: tables/log.csv\n  time_zone: UTC\n"
    (example / "sources.yaml").write_text(text, "utf-8")
    page = open_page("Journey map", workspace=str(example))

    found = path_page.channels(page)

    assert "2 of 2 differ from the other channels beyond chance" in found._repr_html_()
    assert ">better<" in found._repr_html_()
    assert ">worse<" in found._repr_html_()
    assert "no answers to a survey" in repr(map_page.who_answered(page))
    assert "No totals" in repr(map_page.behaviour(page))


def test_the_example_page_says_who_was_asked_and_what_was_counted(example, monkeypatch):
    monkeypatch.setenv("JOURNEY_MODE", "report")
    page = open_page("Journey map", workspace=str(example))

    assert "Of those invited, 24% to 38% answered" in repr(map_page.who_answered(page))
    assert (
        'rel="noopener noreferrer">https://recordings.example/checkout/1'
        in map_page.behaviour(page)._repr_html_()
    )
    assert "26 designed ways, 0 of them never taken" in repr(path_page.ways(page))
    assert "How many of each persona reach Delivery" in repr(path_page.by_persona(page))
    assert "one channel only" in repr(path_page.channels(page))


def test_the_kpis_at_the_touchpoints_are_those_of_the_scorecard(made_example, monkeypatch):
    page = open_page("Journey map", workspace=str(made_example))
    markup = map_page.measured(page)._repr_html_()
    card = open_scorecard(str(made_example))
    rows = card.now.kpis.set_index("kpi")
    for kpi in ("cart_abandonment", "csat_delivery", "setup_response"):
        assert str(card.said(rows.loc[kpi].to_dict(), "value")) in markup
    assert f"What is measured at the touchpoints, {card.when}" in markup
    monkeypatch.setenv("JOURNEY_MODE", "report")
    picture = map_page.the_map(page)._repr_html_()
    assert f"{100 * rows.loc['cart_abandonment', 'value']:.1f}%" in picture


def test_without_a_scorecard_the_map_says_what_would_have_to_be_named(tmp_path):
    Workspace.create(tmp_path / "w", template="sales_journey").close()
    page = open_page("Journey map", workspace=str(tmp_path / "w"), log_needed=False)
    assert "No touchpoint names a KPI that the scorecard measures" in repr(map_page.measured(page))


def test_the_address_names_the_view_and_the_steps_too(example, monkeypatch):
    monkeypatch.setenv("JOURNEY_MODE", "dashboard")
    monkeypatch.setenv("JOURNEY_READ_ONLY", "1")
    monkeypatch.setenv("QUERY_STRING", "view=executive&max_steps=3")

    page = map_page.open_map(str(example))

    assert page.more == {"view": "executive", "max_steps": "3"}
    assert "before step 3" in repr(path_page.step_picture(page))
    assert map_page.the_map(page).spec != map_page.the_map(page, "team").spec


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("view=exec", "There is no view 'exec'. Did you mean 'executive'?"),
        ("max_steps=1", "max_steps is 1; 2 to 20 was needed"),
        ("max_steps=9999999999999", "2 to 20 was needed"),
    ],
)
def test_a_view_or_number_of_steps_that_cannot_be_is_said(example, monkeypatch, query, said):
    monkeypatch.setenv("JOURNEY_MODE", "dashboard")
    monkeypatch.setenv("QUERY_STRING", query)

    with pytest.raises(PageStopped, match=re.escape(said)):
        map_page.open_map(str(example))


@pytest.mark.parametrize("name", sorted(p.stem for p in shipped.notebooks().glob("*.ipynb")))
def test_the_address_may_name_every_parameter_of_a_dashboard(example, monkeypatch, name):
    path = shipped.notebooks() / f"{name}.ipynb"
    cells = [c.source for c in nbformat.read(path, as_version=4).cells if c.cell_type == "code"]
    given = {
        p.name: str(p.default) for p in declared(path) if p.name != "workspace" and str(p.default)
    }
    monkeypatch.setenv("JOURNEY_WORKSPACE", str(example))
    monkeypatch.setenv("JOURNEY_MODE", "dashboard")
    monkeypatch.setenv("QUERY_STRING", urlencode(given))
    names = {}

    for cell in cells[:2]:
        exec(cell, names)  # noqa: S102 - our own notebook

    assert given
    assert "page" in names or "view" in names
