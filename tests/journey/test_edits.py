import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from journey_widgets.errors import DocumentError
from journey_widgets.journey import Journey
from journey_widgets.journey.edits import apply_edit


def shop():
    body = Journey.draft("Shop").model_dump(mode="json")
    names = "abcd"
    return Journey.from_body(
        {
            **body,
            "touchpoints": [{"id": n, "label": n.upper(), "stage": "awareness"} for n in names],
            "ways": [{"source": "a", "target": "b"}, {"source": "b", "target": "c"}],
            "items": [{"id": "i", "kind": "question", "label": "Why?", "touchpoint": "b", "evidence": ["e"]}],
            "evidence": [{"id": "e", "method": "survey", "source": "S"}],
            "funnel": ["a", "b"],
        }
    )  # fmt: skip


@given(st.permutations("abcd"))
@settings(deadline=None)
def test_moves_lead_to_every_order(order):
    map_ = shop()
    for name in order:
        edit = {"op": "move", "list": "touchpoints", "id": name, "before": None}
        map_ = apply_edit(map_, edit)

    assert [t.id for t in map_.touchpoints] == list(order)


def test_what_points_to_a_part_goes_with_it():
    map_ = apply_edit(shop(), {"op": "remove", "list": "touchpoints", "id": "b"})

    assert map_.items == ()
    assert map_.ways == ()
    assert map_.funnel == ("a",)
    assert (
        apply_edit(shop(), {"op": "remove", "list": "evidence", "id": "e"}).items[0].evidence == ()
    )


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        ({"op": "set", "list": "touchpoints", "id": "z", "field": "label", "value": "Z"}, "no 'z'"),
        ({"op": "set", "list": "touchpoints", "id": "a", "field": "id", "value": "Z"}, "'id' cannot be"),
        ({"op": "set", "list": "touchpoints", "id": "a", "field": "labl", "value": "Z"}, "Did you mean 'label'"),
        ({"op": "set", "list": "touchpoints", "id": "a", "field": "emotion", "value": "x"}, "emotion"),
        ({"op": "set", "list": "touchpoints", "id": "a", "field": "label", "value": None}, "label is missing"),
        ({"op": "set", "list": "journey", "field": "stages", "value": []}, "'stages' cannot be"),
        ({"op": "add", "list": "touchpoints", "part": {"id": "a", "label": "A", "stage": "s"}}, "twice"),
        ({"op": "add", "list": "touchpoints", "part": {}}, "missing"),
        ({"op": "explode", "list": "touchpoints", "id": "a"}, "no edit 'explode'"),
        ({"op": "set", "list": "methods", "id": "a"}, "cannot be edited"),
        ({}, "cannot be edited"),
    ],
)  # fmt: skip
def test_an_edit_that_does_not_fit_is_refused_in_words(edit, said):
    with pytest.raises(DocumentError, match=said):
        apply_edit(shop(), edit)
