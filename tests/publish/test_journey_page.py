"""The journey map's page where a map says little: every part still answers, in words."""

import pytest

from journey_widgets import Workspace, open_page
from journey_widgets.publish import explorer, journey_page


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
    pains = journey_page.pain_points(bare)

    assert pains.empty
    assert "names no funnel" in repr(journey_page.pain_sentence(bare, pains))
    assert "names no funnel" in repr(journey_page.went_instead(bare, pains))
    assert "names no funnel" in repr(explorer.explorer(bare))
    assert "Nothing is noted" in repr(journey_page.noted(bare))
    assert "No persona" in repr(journey_page.personas(bare))
    for part in (journey_page.in_short, journey_page.the_map, journey_page.flow_picture,
                 journey_page.designed, journey_page.retention, journey_page.changes):  # fmt: skip
        assert part(bare)._repr_html_()
    for part in (journey_page.pain_table, journey_page.difference, journey_page.what_next):
        assert part(bare, pains)._repr_html_()


def test_the_pages_sentence_names_loss_owner_and_what_it_assumes(example, monkeypatch):
    monkeypatch.setenv("JOURNEY_MODE", "report")
    page = open_page(
        "Journey map", workspace=str(example), segment="region=north", period="2026-q1"
    )

    pains = journey_page.pain_points(page)
    said = repr(journey_page.pain_sentence(page, pains))

    assert "between Checkout and Payment with device mobile" in said
    assert "If 50% of that can be won back, it is worth" in said
    assert "EUR" in said
    assert "Accountable: Web shop owner" in said
    assert page.segment_in_words() == "region north only, who began 1 January 2026 to 31 March 2026"


def test_the_journey_as_it_shall_be_can_be_looked_at(example, monkeypatch):
    monkeypatch.setenv("JOURNEY_MODE", "report")

    page = open_page("Journey map", workspace=str(example), version="to_be")

    assert page.journey.label == "Buying a phone in 2027"
    assert "16 touchpoints" in repr(journey_page.the_map(page))
