"""One linked model: whatever has an id leads to whatever hangs together with it, in one call."""

import pytest

from journey_widgets import Workspace
from journey_widgets.errors import WorkspaceError
from journey_widgets.workspace.linked import Model


@pytest.fixture(scope="module")
def space(made_example):
    workspace = Workspace.open(made_example, read_only=True)
    yield workspace
    workspace.close()


def test_from_a_kpi_one_reaches_touchpoint_role_influence_offers_and_customers(space):
    found = space.linked("kpi", "conversion_rate").set_index(["kind", "id"])

    checkout = found.loc[("touchpoint", "checkout")]
    assert checkout["steps"] == 1
    assert checkout["by"] == "Checkout is measured by Product page to delivery"
    assert checkout["customers"] == 5_345
    owner = found.loc[("role", "product_owner")]
    assert owner["by"] == "Web shop owner answers for Product page to delivery"
    assert found.loc[("stage", "purchase"), "steps"] == 2
    assert {"offer", "moment", "intervention", "objective", "perspective"} <= {
        k for k, _i in found.index
    }
    assert found["steps"].is_monotonic_increasing


def test_whatever_reaches_another_is_reached_by_it_as_far_away(space):
    model = Model(space)
    some = [n for n in model.labels if n[0] in ("kpi", "offer", "role", "pain_point")]
    far = {n: space.linked(*n).set_index(["kind", "id"])["steps"] for n in some}

    assert len(some) > 20
    for one in some:
        for other in some:
            if one != other:
                assert far[one].get(other) == far[other].get(one)


def test_near_things_only_are_shown_where_that_is_asked_for(space):
    every = space.linked("touchpoint", "checkout")
    near = space.linked("touchpoint", "checkout", within=1)

    assert 0 < len(near) < len(every)
    assert set(near["steps"]) == {1}
    assert list(near["id"]) == list(every.loc[every["steps"] == 1, "id"])


def test_what_is_not_there_is_refused_with_near_names(space):
    with pytest.raises(WorkspaceError, match="no touchpoint 'chekout'.*'checkout'"):
        space.linked("touchpoint", "chekout")
    with pytest.raises(WorkspaceError, match="no touchpiont 'checkout'.*'touchpoint'"):
        space.linked("touchpiont", "checkout")


def test_of_a_blind_round_no_judgement_is_told(example):
    space = Workspace.open(example)
    space.save(space.cross_impact.model_copy(update={"blind": True}))

    found = space.linked("touchpoint", "setup_help", within=1)

    assert not found["by"].str.contains("helps|harms").any()


def test_an_empty_workspace_links_nothing(tmp_path):
    space = Workspace.create(tmp_path / "empty")

    assert space.linked("perspective", "customer").empty
