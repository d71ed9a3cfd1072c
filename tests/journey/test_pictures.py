"""What the pictures hold: every frame a question gives can be drawn, and stays small."""

from datetime import date

import numpy as np
import pandas as pd
import pytest
import vl_convert

from journey_widgets import Workspace, journey, save_picture
from journey_widgets.errors import JourneyDataError, JourneyError
from journey_widgets.journey import EvidencePolicy, Journey, Touchpoint, charts, path_charts
from journey_widgets.journey.map_chart import map_chart
from journey_widgets.journey.map_layout import broken, map_layout
from journey_widgets.journey.step_flow import step_flow, step_links
from support import oracles
from support.indexes import index_of


@pytest.fixture(scope="module")
def space(made_example):
    return Workspace.open(made_example, read_only=True)


@pytest.fixture(scope="module")
def many_names():
    rng = np.random.default_rng(1)
    n = 30_000
    names = np.minimum(rng.zipf(1.15, n), 3_000)
    return pd.DataFrame(
        {
            "customer_id": rng.integers(0, 3_000, n).astype(str),
            "ts": pd.Timestamp("2026-01-01") + pd.to_timedelta(rng.integers(0, 10**7, n), unit="s"),
            "event": [f"page_{i}" for i in names],
        }
    )


def svg(chart):
    return vl_convert.vegalite_to_svg(chart.to_dict())


def test_a_map_shows_stages_lanes_cards_curve_items_owners_and_kpis(space):
    curve = journey.emotion(space.journey, space.answers().table)
    layout = map_layout(space.journey, curve=curve, owners={"checkout": "Web shop owner"})

    drawn = svg(map_chart(layout))

    for text in ("Awareness", "With our people", "Live chat", "P1", "M2", "Q1", "Web shop owner", "on time",
                 "data-backed", "very bad", "answers of customers, 95 %"):  # fmt: skip
        assert f">{text}<" in drawn, text
    assert set(layout.curve["kind"]) == {"measured", "judged"}


def test_a_gap_in_the_curve_stays_a_gap():
    feelings = [1.0, None, 0.0, -1.0, None, 2.0]
    touchpoints = [
        Touchpoint(id=f"t{i}", label=f"T{i}", stage="awareness", emotion=e)
        for i, e in enumerate(feelings)
    ]
    layout = map_layout(Journey.draft("M", touchpoints=touchpoints))

    assert layout.curve.groupby("part", sort=False)["name"].agg(list).tolist() == [
        ["T0"], ["T2", "T3"], ["T5"],
    ]  # fmt: skip


def test_a_hidden_lane_is_left_out_of_the_picture_and_kept_in_the_file(space):
    body = space.journey.body()
    body["lanes"][1]["hidden"] = True
    hidden = Journey.from_body(body)

    layout = map_layout(hidden)

    assert "live_chat" not in set(layout.cards["touchpoint"])
    assert len(layout.cards) == 12
    assert "live_chat" in hidden.to_text()


def test_each_kind_of_reader_has_a_view_of_the_same_document(space):
    heights = {
        v: map_layout(space.journey, view=v).height for v in ("executive", "team", "workshop")
    }

    assert heights["executive"] < heights["team"] < heights["workshop"]
    with pytest.raises(JourneyDataError, match="Did you mean 'team'"):
        map_layout(space.journey, view="teem")


@pytest.mark.parametrize("n", [0, 1, 8, 20, 200])
def test_a_map_of_any_size_is_drawn_with_every_card(n):
    touchpoints = [
        Touchpoint(id=f"t{i}", label=f"Touchpoint {i}", stage=["awareness", "decision"][i % 2])
        for i in range(n)
    ]
    layout = map_layout(Journey.draft("Big", touchpoints=touchpoints))

    assert set(layout.rows["label"]) == {"Touchpoints"}  # no row without anything in it
    assert len(layout.cards) == n
    assert layout.cards["x"].is_unique
    spec = map_chart(layout).to_json()
    assert len(spec) < 1_000_000
    assert "<svg" in vl_convert.vegalite_to_svg(spec)


def test_a_card_whose_review_is_due_has_a_dashed_rim_and_no_other():
    touchpoints = [
        Touchpoint(id="old", label="Old", stage="awareness"),
        Touchpoint(
            id="seen",
            label="Seen",
            stage="awareness",
            reviewed_on="2026-10-01",
            review_note="sat in",
        ),
    ]
    policy = EvidencePolicy(today=date(2026, 11, 1))

    drawn = svg(map_chart(map_layout(Journey.draft("M", touchpoints=touchpoints), policy=policy)))

    assert drawn.count('stroke-dasharray="4,3"') == 1
    assert drawn.count('stroke-dasharray="1,0"') == 1


def test_long_labels_are_broken_and_cut():
    assert broken("Order confirmation", 12, 2) == "Order\nconfirmation"
    assert broken("a very long name for a touchpoint", 12, 2).endswith("…")
    assert all(len(line) <= 12 for line in broken("Kundenservicebeschwerde", 12, 3).split("\n"))


def test_three_thousand_names_are_cut_with_their_number_and_stay_under_a_megabyte(many_names):
    steps = journey.transitions(many_names, ends=True)
    flow = journey.flow(Journey.draft("x"), steps)
    links = step_links(many_names)
    frames = {
        "flow": charts.flow_chart(flow),
        "steps": path_charts.step_flow_chart(step_flow(links)),
        "matrix": path_charts.step_matrix_chart(journey.step_matrix(many_names)),
        "variants": path_charts.variants_chart(journey.variants(many_names, top=12)),
    }

    names = many_names["event"].nunique()
    assert names > 1_500
    assert len(flow.nodes) == 40
    other = [n for n in flow.nodes["touchpoint"] if n.startswith("other (")]
    assert other == [f"other ({names - 39:,} touchpoints)"]
    for name, chart in frames.items():
        assert len(chart.to_json()) < 1_000_000, name
    matrix = journey.step_matrix(many_names)
    early = matrix["touchpoint"].nunique() - 1  # without the end
    assert f"other ({early - 20} touchpoints)" in frames["matrix"].to_json()


def test_a_step_flow_never_goes_back_and_keeps_everybody():
    events = [
        (c, t, n)
        for c, path in {"u": "abab", "v": "ab", "w": "ca", "x": "abc"}.items()
        for t, n in enumerate(path)
    ]
    links = step_links(index_of(events), max_steps=4, top=2)
    flow = step_flow(links)

    assert (flow.bands.groupby("band")["x"].first() < flow.bands.groupby("band")["x"].last()).all()
    at = flow.nodes.set_index(["step", "touchpoint"])["customers"].to_dict()
    assert at[1, "a"] == 3
    assert at[1, "c"] == 1
    assert at[3, "(ended)"] == 2
    # who is at a step and went on from it are the same people
    for step in (1, 2, 3):
        gone = links[links["step"] == step].groupby("source")["customers"].sum()
        assert all(at[step, name] == n for name, n in gone.items())
    assert oracles.step_matrix(events, 1)[1, "a"] == 3


def test_every_result_frame_has_its_picture(space):
    events, labels = space.events(), {t.id: t.label for t in space.journey.touchpoints}
    a, b = journey.groups(events, "device", "mobile")
    retained = journey.retention(events)
    drawn = {
        "difference": path_charts.difference_chart(journey.compare(a, b), labels),
        "touchpoints": path_charts.difference_chart(journey.compare(a, b, of="touchpoints"), labels),
        "retention": path_charts.retention_chart(retained),
        "centre": path_charts.step_matrix_chart(journey.step_matrix(events, max_steps=3, centre="checkout"), labels),
    }  # fmt: skip

    assert ">Checkout → Payment<" in svg(drawn["difference"])
    assert ">higher in a<" in svg(drawn["difference"])
    assert ">2026-01<" in svg(drawn["retention"])
    assert ">100%<" in svg(drawn["centre"])
    assert "<svg" in svg(drawn["touchpoints"])


@pytest.mark.parametrize(
    ("name", "begins"), [("a.svg", b"<svg"), ("a.png", b"\x89PNG"), ("a.PDF", b"%PDF")]
)
def test_a_picture_is_saved_as_its_ending_says(space, tmp_path, name, begins):
    chart = map_chart(map_layout(space.journey))

    path = save_picture(chart, tmp_path / name, title="Buying a phone")

    content = path.read_bytes()
    assert content.startswith(begins)
    assert b"currentColor" not in content
    assert [p.name for p in tmp_path.iterdir()] == [name]


def test_a_picture_of_another_kind_is_refused(space, tmp_path):
    with pytest.raises(JourneyError, match=r"ends in .svg, .png, .pdf; found .docx"):
        save_picture(map_chart(map_layout(space.journey)), tmp_path / "a.docx")


def test_text_from_the_document_is_no_expression_in_a_picture():
    hostile = "{{7*7}} <script>alert(1)</script> datum.x ${1}"
    map_ = Journey.draft("x", touchpoints=[Touchpoint(id="a", label=hostile, stage="awareness")])
    layout = map_layout(map_)

    drawn = svg(map_chart(layout))

    assert "<script" not in drawn
    assert layout.cards["name"].tolist() == [hostile]
    assert "{{7*7}}" in drawn.replace("\n", "")
