from datetime import date

import ibis
import pyarrow as pa
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from journey_widgets import Workspace, journey
from journey_widgets.errors import DocumentError
from journey_widgets.journey import (
    Evidence,
    EvidencePolicy,
    Item,
    Journey,
    Lane,
    Rating,
    Touchpoint,
    Way,
)

TODAY = date(2026, 11, 1)
POLICY = EvidencePolicy(today=TODAY)


def shop(**more):
    touchpoints = more.pop(
        "touchpoints",
        [
            Touchpoint(id="ad", label="Ad", stage="awareness"),
            Touchpoint(id="page", label="Page", stage="consideration"),
            Touchpoint(id="buy", label="Buy", stage="decision"),
            Touchpoint(id="help", label="Help", stage="post_purchase"),
        ],
    )
    draft = Journey.draft("Shop").model_dump(mode="json")
    plain = [t if isinstance(t, dict) else t.model_dump(mode="json") for t in touchpoints]
    return Journey.from_body({**draft, "touchpoints": plain, **more})


def answers_of(columns):
    return ibis.memtable(pa.table(columns))


def test_a_new_map_brings_cards_with_goal_focus_and_content_for_every_stage():
    for name in journey.stages.PRESETS:
        for stage in Journey.draft("New", stages=name).stages:
            assert stage.goal, (name, stage.id)
            assert stage.focus, (name, stage.id)
            assert stage.content, (name, stage.id)


def test_a_map_without_new_fields_still_reads_in_its_old_form():
    old = "schema: journey/1\nid: s\nlabel: S\nstages:\n  - id: buy\n    label: Buy\n"

    assert Journey.from_text(old).to_text() == old.replace("journey/1", "journey/2")


def test_a_way_is_named_by_its_ends():
    assert Way(source="ad", target="page").id == "ad__page"


@pytest.mark.parametrize(
    ("part", "said"),
    [
        ({"items": [{"id": "x", "kind": "pain_point", "label": "X"}]}, "touchpoint or a stage"),
        ({"items": [{"id": "x", "kind": "pain", "label": "X", "stage": "a"}]}, "pain_point"),
        (
            {
                "evidence": [
                    {"id": "e", "method": "survey", "source": "S", "link": "javascript:alert(1)"}
                ]
            },
            "is no link",
        ),
        (
            {"touchpoints": [{"id": "a", "label": "A", "stage": "s", "emotion": 3}]},
            "less than or equal to 2",
        ),
        ({"lanes": [{"id": "a", "label": "A"}, {"id": "a", "label": "B"}]}, "given twice"),
        ({"evidence": [{"id": "e", "method": "survey", "source": "S", "n": -1}]}, "greater than"),
    ],
)
def test_a_part_that_cannot_be_is_refused_with_its_place(part, said):
    with pytest.raises(DocumentError, match=said):
        shop(**part)


def test_every_broken_link_is_a_finding():
    broken = shop(
        touchpoints=[
            Touchpoint(id="ad", label="Ad", stage="awareness", lane="no_lane", evidence=["no_proof"]),
            Touchpoint(
                id="buy", label="Buy", stage="decision",
                ratings=[Rating(id="me", by="Me", emotion=1, persona="nobody")],
            ),
        ],
        ways=[{"source": "ad", "target": "gone"}],
        items=[{"id": "x", "kind": "question", "label": "Why?", "stage": "no_stage"}],
        evidence=[{"id": "e", "method": "servey", "source": "S"}],
        reviewed_on="2026-10-01",
    )  # fmt: skip

    found = [f.message for f in journey.check(broken, today=TODAY) if f.severity == "error"]

    assert found == [
        "Ad: its lane 'no_lane' is not among the journey's lanes.",
        "Ad: its evidence 'no_proof' is not among the journey's evidence.",
        "Buy, rating by Me: its persona 'nobody' is not among the journey's personas.",
        "The way ad__gone: its target 'gone' is not among the journey's touchpoints.",
        "Why?: its stage 'no_stage' is not among the journey's stages.",
        "Evidence e: there is no method 'servey'.",
    ]


def test_a_method_of_ones_own_is_known_once_it_is_listed():
    listed = shop(
        methods=[{"id": "eye_tracking", "label": "Eye tracking", "measures": True}],
        evidence=[
            {"id": "e", "method": "eye_tracking", "source": "Lab", "n": 40, "on": "2026-10-01"}
        ],
        reviewed_on="2026-10-01",
    )

    assert "JRN-06" not in [f.code for f in journey.check(listed, today=TODAY)]
    assert journey.evidence.grade(listed.evidence, listed, POLICY) == "data-backed"


@pytest.mark.parametrize(
    ("evidence", "expected"),
    [
        ([], "assumed"),
        ([("interview", 12, "2026-10-01")], "partly"),
        ([("survey", 29, "2026-10-01")], "partly"),
        ([("survey", 30, "2026-10-01")], "data-backed"),
        ([("survey", 3_000, "2025-10-31")], "partly"),  # a year and a day old
        ([("survey", 3_000, "2025-11-01")], "data-backed"),
        ([("survey", 3_000, None)], "partly"),
        ([("survey", None, "2026-10-01")], "partly"),
        ([("survey", 3_000, "2026-12-01")], "partly"),  # not yet
        ([("interview", 100, "2026-10-01")], "partly"),
        ([("interview", 12, "2026-10-01"), ("usage_data", 900, "2026-10-01")], "data-backed"),
    ],
)
def test_the_grade_follows_method_number_and_age(evidence, expected):
    items = [
        Evidence(id=f"e{i}", method=m, source="S", n=n, on=on)
        for i, (m, n, on) in enumerate(evidence)
    ]

    assert journey.evidence.grade(items, shop(), POLICY) == expected


def test_there_are_eleven_methods_to_gather_evidence():
    assert len(journey.evidence.METHODS) == 11


def test_all_pains_of_a_stage_are_one_call():
    noted = shop(
        items=[
            {"id": "a", "kind": "pain_point", "label": "Slow", "touchpoint": "buy"},
            {"id": "b", "kind": "pain_point", "label": "Unclear", "stage": "decision"},
            {"id": "c", "kind": "opportunity", "label": "Offer", "touchpoint": "buy"},
            {"id": "d", "kind": "pain_point", "label": "Queue", "touchpoint": "help"},
        ]
    )

    assert journey.items_of(noted, "pain_point", stage="decision")["id"].tolist() == ["a", "b"]


def test_currency_and_coverage_are_shares_of_the_touchpoints():
    noted = shop(
        touchpoints=[
            Touchpoint(id="a", label="A", stage="awareness", reviewed_on="2026-10-01", review_note="sat in"),
            Touchpoint(id="b", label="B", stage="decision", reviewed_on="2026-10-01"),  # no note
            Touchpoint(id="c", label="C", stage="decision", emotion=1, evidence=["e"]),
            Touchpoint(id="d", label="D", stage="decision", reviewed_on="2026-01-01", review_note="old"),
        ],
        evidence=[{"id": "e", "method": "survey", "source": "S", "n": 50, "on": "2026-10-01"}],
    )  # fmt: skip

    frame = journey.map_quality(noted, POLICY).set_index("kpi")

    assert frame.loc["map_currency", "value"] == 0.25
    assert frame.loc["evidence_coverage", "value"] == 0.25
    stale = [f.ids["touchpoint"] for f in journey.check(noted, today=TODAY) if f.code == "JRN-10"]
    assert stale == ["b", "c", "d"]


def test_a_high_item_asks_for_an_owner_and_for_evidence():
    noted = shop(
        items=[{"id": "a", "kind": "pain_point", "label": "Slow", "stage": "decision", "severity": "high"}],
        reviewed_on="2026-10-01",
    )  # fmt: skip

    codes = [f.code for f in journey.check(noted, today=TODAY)]

    assert codes == ["JRN-07", "JRN-08"]


def test_answers_of_any_scale_are_placed_between_very_bad_and_very_good():
    answers = answers_of(
        {
            "touchpoint": ["buy"] * 4 + ["help"] * 2 + [None],
            "score": [5.0, 5.0, 3.0, 3.0, 10.0, None, 1.0],
            "scale": ["1-5"] * 4 + ["0-10"] * 2 + ["1-5"],
        }
    )

    curve = journey.emotion(shop(), answers).set_index("touchpoint")

    # 5 of 1-5 is +2, 3 is 0: mean 1, standard deviation 2/sqrt(3), so 1 ± 1.96 * 1.1547 / 2 = 1.13
    assert curve.loc["buy", "value"] == 1.0
    assert curve.loc["buy", "low"] == pytest.approx(1 - 1.1316, abs=1e-3)
    assert curve.loc["buy", "high"] == 2.0  # not beyond the scale
    assert (curve.loc["help", "value"], curve.loc["help", "n"]) == (2.0, 1)
    assert curve["value"].isna().tolist() == [True, True, False, False]
    assert set(curve["certainty"]) == {"insufficient"}


def test_single_judgements_stay_apart_and_stand_in_where_there_is_no_common_one():
    rated = [
        Rating(id="a", by="Ada", emotion=-2),
        Rating(id="b", by="Bo", emotion=1, persona="mobile"),
    ]
    noted = shop(
        touchpoints=[
            Touchpoint(id="x", label="X", stage="awareness", ratings=rated),
            Touchpoint(id="y", label="Y", stage="decision", ratings=rated, emotion=0.5),
        ],
        personas=[{"id": "mobile", "label": "Mobile"}],
    )

    curve = journey.emotion(noted).set_index("touchpoint")
    mobile = journey.emotion(noted, persona="mobile").set_index("touchpoint")

    assert curve["judged"].tolist() == [-0.5, 0.5]
    assert curve["judges"].tolist() == [2, 2]
    assert (curve.loc["y", "judged_low"], curve.loc["y", "judged_high"]) == (-2, 1)
    assert mobile["judged"].tolist() == [1, 1]


def test_a_good_judgement_over_bad_answers_is_flagged():
    judged = shop(touchpoints=[Touchpoint(id="buy", label="Buy", stage="decision", emotion=1)])
    bad = answers_of({"touchpoint": ["buy"] * 40, "score": [1.0, 3.0] * 20, "scale": ["1-5"] * 40})
    good = answers_of({"touchpoint": ["buy"] * 40, "score": [4.0, 5.0] * 20, "scale": ["1-5"] * 40})  # fmt: skip

    flagged = journey.contradictions(journey.emotion(judged, bad))

    assert [(f.code, f.ids["touchpoint"]) for f in flagged] == [("JRN-09", "buy")]
    assert "judged +1.0, but 40 answers have a mean of -1.0" in flagged[0].message
    assert journey.contradictions(journey.emotion(judged, good)) == []
    assert journey.contradictions(journey.emotion(judged, bad), min_n=41) == []


# --- versions -------------------------------------------------------------------------------

IDS = st.lists(st.sampled_from("abcdef"), unique=True, max_size=5)


@st.composite
def journeys(draw):
    def touchpoint(name):
        return {
            "id": name,
            "label": draw(st.sampled_from(["One", "Two"])),
            "stage": draw(st.sampled_from(["awareness", "decision"])),
            **({"channel": draw(st.sampled_from(["web", "app"]))} if draw(st.booleans()) else {}),
        }

    return shop(
        touchpoints=[Touchpoint(**touchpoint(n)) for n in draw(IDS)],
        lanes=[Lane(id=n, label=n).model_dump() for n in draw(IDS)],
        items=[
            Item(id=n, kind="question", label=draw(st.sampled_from("xy")), stage="a").model_dump()
            for n in draw(IDS)
        ],
        label=draw(st.sampled_from(["Shop", "Store"])),
    )


def differences(before, after):
    """The obvious way: read both files, look up every part by its id, compare field by field."""
    found = set()
    old, new = yaml.safe_load(before), yaml.safe_load(after)
    for name in {*old, *new} - {"lanes", "touchpoints", "items", "stages"}:
        if old.get(name) != new.get(name):
            found.add(("journey", "", name))
    for many in ("lanes", "touchpoints", "items", "stages"):
        a = {p["id"]: p for p in old.get(many, [])}
        b = {p["id"]: p for p in new.get(many, [])}
        for part in {*a, *b}:
            if part not in a or part not in b:
                found.add((many, part, ""))
                continue
            for field in {*a[part], *b[part]}:
                if a[part].get(field) != b[part].get(field):
                    found.add((many, part, field))
    return found


@given(journeys(), journeys())
@settings(max_examples=150, deadline=None)
def test_the_list_of_changes_equals_the_difference_of_the_files(before, after):
    frame = journey.compare_versions(before, after)

    many = {v: k for k, v in journey.versions.ONE.items()}
    listed = [
        (many.get(r.part, r.part), r.id, r.field) for r in frame.itertuples() if r.field != "order"
    ]
    assert len(listed) == len(set(listed))
    assert set(listed) == differences(before.to_text(), after.to_text())
    if before == after:
        assert frame.empty
    moved = frame[frame["field"] == "order"]
    for many_name, part in (("touchpoints", "touchpoint"), ("lanes", "lane")):
        old = [p.id for p in getattr(before, many_name)]
        new = [p.id for p in getattr(after, many_name)]
        stays = [n for n in new if n in old and n not in set(moved[moved["part"] == part]["id"])]
        assert stays == [n for n in old if n in stays]  # what is not listed as moved kept its order


def test_the_example_as_it_shall_be_says_what_is_new_gone_moved_and_changed(made_example):
    space = Workspace.open(made_example, read_only=True)

    frame = journey.compare_versions(space.journey, space.to_be)

    told = {(r.change, r.part, r.id, r.field) for r in frame.itertuples()}
    assert ("added", "touchpoint", "express_pay", "") in told
    assert ("removed", "touchpoint", "comparison", "") in told
    assert ("moved", "touchpoint", "blog_article", "stage") in told
    assert ("moved", "touchpoint", "warranty_claim", "order") in told
    assert ("changed", "touchpoint", "checkout", "emotion") in told
    assert ("removed", "item", "mobile_payment", "") in told


def test_a_workspace_without_a_journey_to_be_shows_the_one_that_is(tmp_path):
    space = Workspace.create(tmp_path / "shop", template="online_shop")

    assert journey.compare_versions(space.journey, space.to_be).empty
