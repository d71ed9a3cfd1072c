from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from journey_widgets.errors import DocumentError
from journey_widgets.journey import Journey, Touchpoint
from journey_widgets.journey.rules import check
from journey_widgets.journey.stages import CANONICAL, PRESETS, canonical, preset, translate


def test_there_are_five_presets():
    assert list(PRESETS) == ["upsell_raci", "support_raci", "scorecard", "cross_impact", "sales"]


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_covers_every_canonical_stage_once(name):
    covered = [c for stages in PRESETS[name].stages.values() for c in stages]

    assert sorted(covered) == sorted(CANONICAL)


@pytest.mark.parametrize("name", PRESETS)
@given(data=st.data())
def test_going_to_the_canonical_stages_and_back_loses_no_touchpoint(name, data):
    stages = st.sampled_from(list(PRESETS[name].stages))
    before = data.draw(st.dictionaries(st.sampled_from("abcdef"), stages))

    there, lost = translate(before, to="canonical", of=name)
    back, lost_again = translate(there, to=name)

    assert back == before
    assert lost == lost_again == []


@given(
    st.dictionaries(st.sampled_from("abcdef"), st.sampled_from(list(CANONICAL))),
    st.sampled_from(list(PRESETS)),
)
def test_every_touchpoint_of_the_canonical_stages_has_a_place_in_every_preset(before, name):
    there, lost = translate(before, to=name)

    assert set(there) == set(before)
    assert set(there.values()) <= set(PRESETS[name].stages)
    assert lost == []


def test_a_stage_without_counterpart_is_reported_and_kept():
    assert translate({"a": "delight", "b": "purchase"}, to="canonical") == (
        {"a": "delight", "b": "purchase"},
        ["a"],
    )


def test_aliases_lead_to_canonical_stages():
    assert canonical("decision_making") == ("decision",)
    assert canonical("pre_purchase") == ("awareness", "consideration", "decision")
    assert canonical("unheard_of") == ()


def test_an_unknown_preset_lists_the_near_ones():
    with pytest.raises(DocumentError, match="Did you mean 'sales'"):
        preset("sale")


def test_a_journey_says_what_does_not_fit():
    journey = Journey.draft(
        "Test",
        stages="sales",
        touchpoints=[
            Touchpoint(id="ad", label="Ad", stage="awareness"),
            Touchpoint(id="x", label="X", stage="no"),
        ],
    ).model_copy(update={"funnel": ("ad", "gone"), "reviewed_on": date(2026, 9, 1)})

    found = [(f.code, *f.ids.values()) for f in check(journey, today=date(2026, 11, 1))]

    assert found == [
        ("JRN-01", "x"),
        ("JRN-04", "gone"),
        ("JRN-02", "consideration"),
        ("JRN-02", "decision"),
        ("JRN-02", "post_purchase"),
    ]


def test_two_hundred_touchpoints_load_and_keep_their_ids():
    many = [Touchpoint(id=f"t_{i}", label=f"Touchpoint {i}", stage="decision") for i in range(200)]
    journey = Journey.draft("Big", touchpoints=many)

    again = Journey.from_text(journey.to_text())

    assert [t.id for t in again.touchpoints] == [f"t_{i}" for i in range(200)]
    assert again.to_frame()["where"].unique().tolist() == [""]
