"""What is published does not point at single people."""

import pandas as pd
import pytest

from journey_widgets import Workspace, journey
from journey_widgets.publish import explorer as explorers
from journey_widgets.publish import map_page, overview, path_page
from journey_widgets.publish.page import PageStopped, open_page, segments
from journey_widgets.publish.small_groups import hide_few, hide_small


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


def test_a_kpi_about_few_people_has_no_figure_and_says_so_and_nobody_is_not_few():
    frame = pd.DataFrame(
        {"kpi": ["a", "a", "b", "c"], "value": 0.5, "low": 0.1, "high": 0.9, "n": [4, 5, 0, 3], "state": "",
         "method": "wilson"}
    ).astype({"n": "Int64"})  # fmt: skip
    found = hide_few(frame, 5, apart=["c"])
    assert found["state"].tolist() == ["hidden", "", "", ""]
    for column in ("value", "low", "high", "n"):
        assert found[column].isna().tolist() == [True, False, False, False], column
    assert found["method"].tolist() == ["wilson"] * 4
    assert hide_few(frame, 1) is frame


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
    opened = Workspace.open(folder)
    funnel = ("product_page", "basket", "checkout")
    opened.save(opened.journey.model_copy(update={"funnel": funnel}))
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
    found = page.funnel
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


@pytest.fixture
def paths_of(small, monkeypatch):
    """Open the page, as a report shows it, on paths given as customer -> steps."""

    def make(paths, **columns):
        rows = [
            {"customer_id": who, "ts": f"2026-01-{1 + k:02} 10:00", "event": step,
             **{c: values[who] for c, values in columns.items()}}
            for who, steps in paths.items()
            for k, step in enumerate(steps)
        ]  # fmt: skip
        pd.DataFrame(rows).to_csv(small / "tables" / "log.csv", index=False)
        keep = ", ".join(c for c in columns if c != "channel")
        text = f"schema: sources/1\nevents:\n  file: tables/log.csv\n  time_zone: UTC\n  keep: [{keep}]\n"
        (small / "sources.yaml").write_text(text, "utf-8")
        monkeypatch.setenv("JOURNEY_MODE", "report")
        return open_page("Journey map")

    return make


ALL = ["product_page", "basket", "checkout"]


def test_a_step_that_only_three_do_not_reach_keeps_its_own_figure(paths_of):
    page = paths_of({f"c{i}": ALL if i < 97 else ALL[:2] for i in range(100)})

    found = page.funnel

    assert found["customers"].tolist() == [100, 100, 97]
    assert found["drop_off"].isna().tolist() == [False, False, True]
    words = explorers.in_words(found, "all customers", page.labels(), least=page.least)
    assert words.startswith("All customers: 97 of 100 reach Checkout (97%")
    assert "lost before" not in words
    assert "no single step" in repr(overview.in_short(page))


def test_figures_in_sentences_are_those_of_everybody_also_where_some_are_not_drawn(paths_of):
    rare = [["product_page", f"page_{i // 4}"] for i in range(40)]
    page = paths_of(
        {f"a{i}": ["product_page", "basket"] for i in range(60)}
        | {f"b{i}": p for i, p in enumerate(rare)}
    )

    words = repr(path_page.step_picture(page, 6))

    assert words.startswith(
        "100% (95 % interval 96% to 100%) of 100 customers begin at Product page; 100%"
    )


@pytest.mark.parametrize("customers", [5, 6, 29, 30])
def test_pages_about_few_customers_come_out_in_words(paths_of, customers):
    page = paths_of({f"c{i}": ALL[: 1 + i % 3] for i in range(customers)})
    pains = path_page.pain_points(page)
    for part in (
        path_page.flow_picture(page), path_page.step_picture(page, 4), path_page.designed(page),
        path_page.retention(page), path_page.went_instead(page, pains), path_page.ways(page),
        path_page.by_persona(page), overview.in_short(page), overview.losses(page),
        explorers.explorer(page),
    ):  # fmt: skip
        assert "nan" not in part._repr_html_().casefold().replace("finance", "")


def test_a_log_with_one_touchpoint_has_no_paths_to_draw(paths_of):
    page = paths_of({f"c{i}": ["product_page"] for i in range(60)})
    assert "Too few customers went the same way" in repr(path_page.flow_picture(page))


def test_four_who_are_lost_are_no_pain_point_of_a_published_page(paths_of):
    paths = {f"m{i}": ALL if i >= 4 else ALL[:2] for i in range(40)} | {
        f"d{i}": ALL for i in range(1000)
    }
    page = paths_of(paths, device={k: "mobile" if k[0] == "m" else "desktop" for k in paths})

    pains = path_page.pain_points(page)

    assert pains.empty
    assert "Basket → (end)" not in path_page.difference(page, pains)._repr_html_()


def test_a_hidden_channel_gets_no_verdict(paths_of):
    paths = {f"a{i}": ALL[1:] if i < 4 else ALL[1:2] for i in range(30)} | {
        f"w{i}": ALL[1:2] for i in range(1000)
    }
    paths |= {f"x{i}": ["checkout"] for i in range(10)}
    page = paths_of(paths, channel={k: "app" if k[0] == "a" else "web" for k in paths})

    table = path_page.channels(page)._repr_html_()

    app = next(line for line in table.split("<tr>") if ">app<" in line)
    assert ">too few<" in app
    assert ">30<" in app
    assert ">4<" not in app


def test_a_persona_that_nobody_begins_as_is_left_out(paths_of, small):
    opened = Workspace.open(small)
    person = {"id": "member", "label": "Member", "segment": "region=member"}
    opened.save(
        opened.journey.model_validate({**opened.journey.model_dump(), "personas": [person]})
    )
    rows = [
        (f"c{i}", f"2026-01-0{k + 1}", s, "visitor" if k == 0 else "member")
        for i in range(40)
        for k, s in enumerate(ALL)
    ]
    people = [f"c{i}" for i in range(40)]
    paths_of(dict.fromkeys(people, ALL), region=dict.fromkeys(people, "visitor"))
    pd.DataFrame(rows, columns=["customer_id", "ts", "event", "region"]).to_csv(
        small / "tables" / "log.csv", index=False
    )
    page = open_page("Journey map")

    assert "No persona names a segment" in repr(path_page.by_persona(page))


def test_many_answers_of_three_people_are_not_shown(small, monkeypatch):
    answers = pd.DataFrame(
        [(f"r{i}", "2026-01-02", "q", "1", 2 + i % 2, "1-5", f"c{i % 3}", "basket") for i in range(60)],
        columns=["respondent_id", "ts", "question_id", "question_version", "score", "scale", "customer_id",
                 "touchpoint"],
    )  # fmt: skip
    answers.to_csv(small / "tables" / "answers.csv", index=False)
    text = (small / "sources.yaml").read_text("utf-8")
    (small / "sources.yaml").write_text(
        text + "answers:\n  file: tables/answers.csv\n  time_zone: UTC\n", "utf-8"
    )
    monkeypatch.setenv("JOURNEY_MODE", "report")

    assert "lowest mean" not in repr(map_page.in_short(open_page("Journey map")))
    monkeypatch.setenv("JOURNEY_MODE", "notebook")
    assert "lowest mean" in repr(map_page.in_short(open_page("Journey map")))


def test_yes_and_no_are_groups_a_picker_can_choose(small):
    frame = pd.DataFrame(
        {"customer_id": [f"c{i}" for i in range(40)], "ts": pd.Timestamp("2026-01-01"), "event": "basket",
         "member": [i % 2 == 0 for i in range(40)]}
    )  # fmt: skip
    frame.to_parquet(small / "tables" / "log.parquet")
    text = "schema: sources/1\nevents:\n  file: tables/log.parquet\n  time_zone: UTC\n  keep: [member]\n"
    (small / "sources.yaml").write_text(text, "utf-8")
    page = open_page("Journey map")
    assert segments(page.log) == {"member": ["false", "true"]}
    assert open_page("Journey map", segment="member=true").index.customers() == 20
