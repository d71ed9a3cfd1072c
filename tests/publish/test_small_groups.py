"""What is published does not point at single people."""

import pandas as pd
import pytest

from journey_widgets import Workspace, journey
from journey_widgets.publish import explorer as explorers
from journey_widgets.publish import map_page, path_page
from journey_widgets.publish.page import PageStopped, open_page
from journey_widgets.publish.small_groups import hide_small


def counted():
    frame = pd.DataFrame(
        {
            "step": [1, 2, 3, 4],
            "customers": [90, 4, 0, 5],
            "share": [0.9, 0.04, 0.0, 0.05],
            "n": 100,
        }
    )
    frame.attrs["definition"] = "Unit: customers."
    return frame


def test_figures_of_fewer_than_the_least_are_blank_and_the_rest_stays():
    found = hide_small(counted(), 5)
    assert found["customers"].isna().tolist() == [False, True, False, False]
    assert found["share"].isna().tolist() == [False, True, False, False]
    assert found["step"].tolist() == [1, 2, 3, 4]
    assert found["n"].tolist() == [100] * 4
    assert journey.definition(found) == "Unit: customers. Not shown: 1 row of fewer than 5."


def test_with_a_least_of_one_nothing_is_hidden():
    pd.testing.assert_frame_equal(hide_small(counted(), 1), counted())


def test_a_base_that_is_too_small_is_hidden_with_the_rest():
    frame = pd.DataFrame({"mean": [1.5, 0.5], "n": [3, 40]})
    assert hide_small(frame, 5, counts=["n"]).isna().all(axis=1).tolist() == [True, False]


@pytest.fixture
def small(tmp_path, monkeypatch):
    """A workspace in which three customers come from an island and 60 from the mainland."""
    rows = []
    for i in range(63):
        region = "island" if i < 3 else "mainland"
        steps = ["product_page", "basket", "checkout"][: 1 if i < 10 else 2 if i < 60 else 3]
        rows += [
            {
                "customer_id": f"c{i:03}",
                "ts": f"2026-01-{1 + k:02} 10:00",
                "event": s,
                "region": region,
            }
            for k, s in enumerate(steps)
        ]
    space = Workspace.create(tmp_path / "small", template="phone_retailer")
    folder = space.folder
    space.close()
    pd.DataFrame(rows).to_csv(folder / "tables" / "log.csv", index=False)
    text = (
        "schema: sources/1\nevents:\n  file: tables/log.csv\n  time_zone: UTC\n  keep: [region]\n"
    )
    (folder / "sources.yaml").write_text(text, "utf-8")
    document = Workspace.open(folder).journey
    edited = document.model_copy(update={"funnel": ("product_page", "basket", "checkout")})
    Workspace.open(folder).save(edited)
    monkeypatch.setenv("JOURNEY_WORKSPACE", str(folder))
    return folder


@pytest.mark.parametrize("life", ["dashboard", "report"])
def test_a_page_about_three_customers_shows_nothing(small, monkeypatch, life):
    monkeypatch.setenv("JOURNEY_MODE", life)
    with pytest.raises(PageStopped, match="Fewer than 5 customers are meant here"):
        open_page("Journey map", segment="region=island")
    assert open_page("Journey map", segment="region=mainland").index.customers() == 60


def test_the_analyst_sees_all(small):
    assert open_page("Journey map", segment="region=island").index.customers() == 3


def test_the_workspace_says_how_small_is_too_small(small, monkeypatch):
    monkeypatch.setenv("JOURNEY_MODE", "dashboard")
    settings = small / "workspace.yaml"
    settings.write_text(settings.read_text("utf-8") + "smallest_group: 3\n", "utf-8")
    assert open_page("Journey map", segment="region=island").index.customers() == 3


def test_a_step_that_three_customers_reach_says_no_figure(small, monkeypatch):
    monkeypatch.setenv("JOURNEY_MODE", "dashboard")
    page = open_page("Journey map")
    found = page.funnel()
    assert found["customers"].isna().tolist() == [False, False, True]
    words = explorers.in_words(found, "all customers", page.labels(), least=page.least)
    assert words == "All customers: fewer than 5 of 63 reach Checkout."


def test_a_group_of_three_in_the_pickers_says_no_figure(small, monkeypatch):
    monkeypatch.setenv("JOURNEY_MODE", "dashboard")
    explorer = explorers.Explorer(open_page("Journey map"))
    explorer.segment.value = "region=island"
    sentence, _note, spec = explorer.answer()
    assert sentence.endswith("fewer than 5 customers are too few to say a share.")
    drawn = [row for rows in spec["datasets"].values() for row in rows]
    assert all(row["customers"] in (None, 0) for row in drawn)
    assert all("3" not in str(row["words"]) for row in drawn)


def test_every_part_of_the_published_page_comes_out_with_small_numbers_hidden(small, monkeypatch):
    monkeypatch.setenv("JOURNEY_MODE", "report")
    page = open_page("Journey map")
    pains = path_page.pain_points(page)
    for part in (
        map_page.in_short(page), map_page.the_map(page), path_page.flow_picture(page),
        path_page.step_picture(page, 4), path_page.designed(page), path_page.retention(page),
        path_page.went_instead(page, pains), path_page.pain_sentence(page, pains),
        explorers.explorer(page),
    ):  # fmt: skip
        assert part._repr_html_()
    table = path_page.designed(page)._repr_html_()
    assert "Not shown: " in table


def test_a_smallest_group_of_nobody_is_refused(small):
    settings = small / "workspace.yaml"
    settings.write_text(settings.read_text("utf-8") + "smallest_group: 0\n", "utf-8")
    with pytest.raises(Exception, match="smallest_group"):
        Workspace.open(small)
