from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime, timedelta
from threading import Barrier
from zoneinfo import ZoneInfo

import pytest

from journey_widgets import Workspace
from journey_widgets.cross_impact import CrossImpact
from journey_widgets.errors import DocumentError, JourneyDataError, WorkspaceError
from journey_widgets.scorecard.document import Scorecard
from journey_widgets.workspace import Conflict, Saved


def test_the_example_holds_its_sources_and_documents(made_example):
    space = Workspace.open(made_example, read_only=True)

    assert space.sources.present() == [
        "events", "order_lines", "tickets", "answers", "invitations", "behaviour", "trials", "usage", "contacts",
        "scores",
    ]  # fmt: skip
    assert len(space.upsell.moments) == 4
    assert len(space.journey.touchpoints) == 16
    assert len(space.roles.roles) == 7
    assert len(space.raci.rows) == 15
    assert space.settings.time_zone == "Europe/Rome"


def test_the_text_of_the_shipped_documents_is_canonical(root, example):
    space = Workspace.open(example)

    for path in space.export_texts(example / "again"):
        shipped = root / "data" / "example" / "documents" / path.name
        assert path.read_text("utf-8") == shipped.read_text("utf-8"), path.name


DO_AND_ANSWER = [
    ("social_ad", "marketing_manager"), ("blog_article", "marketing_manager"), ("product_page", "product_owner"),
    ("comparison", "product_owner"), ("basket", "product_owner"), ("checkout", "product_owner"),
    ("payment", "product_owner"),
]  # fmt: skip


LAGGING = ("earn_more", "come_back", "easy_to_buy", "glad_to_have_it", "would_recommend")


def test_planted_gaps_of_the_example_are_found_and_no_others(made_example):
    space = Workspace.open(made_example, read_only=True)
    day = date(2026, 11, 1)
    found = space.check(today=day)

    assert [(f.severity, f.code, *f.ids.values()) for f in found] == [
        ("error", "ROW-01", "review"),
        ("warn", "LNK-01", "review", "review_rate"),
        ("warn", "MAT-01", "referral"),
        ("warn", "ROW-11", "delivery", "courier"),
        *[("info", "ROW-09", t, r) for t, r in DO_AND_ANSWER],
        ("info", "COL-06", "success_manager"),
        ("info", "COL-09", "courier"),
        ("warn", "XIM-06", "upgrade_offer", "satisfaction"),
        ("info", "XIM-11"),
        ("warn", "XIM-12", "no_offer_in_case"),
        *[("info", "SCO-03", o) for o in LAGGING],
        ("info", "SCO-07", "arpu"),
        ("info", "UPS-03", "set_up"),
        ("info", "UPS-03", "looks_again"),
        ("info", "UPS-09", "offer_optout_rate"),
        ("info", "UPS-09", "complaint_rate"),
    ]
    assert [f.code for f in found if f.acknowledged] == ["ROW-11"]
    publishing = space.check(publishing=True, today=day)
    assert [f.severity for f in publishing] == [
        *["error"] * 3, "warn", *["info"] * 9, "warn", "info", "error", *["info"] * 10,
    ]  # fmt: skip


def test_text_edited_by_hand_comes_back_merged_with_what_was_saved_meanwhile(example):
    space = Workspace.open(example)
    space.export_texts()
    file = example / "documents" / "raci.csv"
    file.write_text(
        file.read_text("utf-8").replace("review,Review,advocacy,R,", "review,Review,advocacy,R/A,"),
        "utf-8",
    )
    rows = [r.model_dump() for r in space.raci.rows]
    rows[0]["cells"]["support_rep"] = "I"
    space.save(type(space.raci).from_body({**space.raci.model_dump(), "rows": rows}))

    results = space.import_texts()

    assert isinstance(results["raci"], Saved)
    assert results["raci"].merged
    assert results["journey"].changed is False
    assert space.raci.cell("review", "marketing_manager") == "R/A"
    assert space.raci.cell("social_ad", "support_rep") == "I"


def test_text_that_clashes_with_a_later_save_is_not_imported(example):
    space = Workspace.open(example)
    space.export_texts()
    file = example / "documents" / "journey.yaml"
    file.write_text(
        file.read_text("utf-8").replace(
            "label: Buying a phone and living with it", "label: By hand"
        ),
        "utf-8",
    )
    space.save(space.journey.model_copy(update={"label": "By widget"}))

    assert isinstance(space.import_texts()["journey"], Conflict)
    assert space.journey.label == "By widget"


@pytest.mark.parametrize(
    ("name", "change", "said"),
    [
        (
            "raci.csv",
            ("R/A,I,C", "R/Z,I,C"),
            "raci.csv: Social ad, Marketing manager: 'Z' is no letter of RACI",
        ),
        (
            "journey.yaml",
            ("schema: journey/2", "schema: journey/9"),
            "newer than this package knows",
        ),
        ("roles.yaml", ("label: Courier", "lable: Courier"), "Did you mean 'label'"),
        (
            "journey.yaml",
            ("id: phone_purchase", "id: phone_purchase\nid: b"),
            "given before, in line 2",
        ),
    ],
)
def test_text_with_a_fault_is_refused_whole(example, name, change, said):
    space = Workspace.open(example)
    file = example / "documents" / name
    text = file.read_text("utf-8")
    assert change[0] in text
    file.write_text(text.replace(*change, 1), "utf-8")
    before = {kind: space.rev(kind) for kind in ("journey", "roles", "raci")}

    with pytest.raises(DocumentError) as error:
        space.import_texts()

    assert said in str(error.value)
    assert {kind: space.rev(kind) for kind in before} == before


def test_with_mirror_every_save_also_writes_the_text(example):
    settings = example / "workspace.yaml"
    settings.write_text(settings.read_text("utf-8") + "mirror: true\n", "utf-8")
    space = Workspace.open(example)

    space.save(space.journey.model_copy(update={"label": "Renamed"}))

    assert "label: Renamed" in (example / "documents" / "journey.yaml").read_text("utf-8")


def test_a_workspace_is_made_whole_or_not_at_all(tmp_path):
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").write_text("x")

    with pytest.raises(WorkspaceError, match="not empty"):
        Workspace.create(tmp_path / "full")
    with pytest.raises(WorkspaceError, match="Did you mean 'phone_retailer'"):
        Workspace.create(tmp_path / "new", template="phone_retail")

    assert [p.name for p in tmp_path.iterdir()] == ["full"]


def test_what_is_no_workspace_says_how_to_make_one(tmp_path):
    with pytest.raises(WorkspaceError, match=r"does not exist. Make one with journey new"):
        Workspace.open(tmp_path / "none")
    with pytest.raises(WorkspaceError, match=r"has no workspace.yaml"):
        Workspace.open(tmp_path)


def test_an_empty_workspace_says_what_it_lacks(tmp_path):
    space = Workspace.create(tmp_path / "space")

    with pytest.raises(WorkspaceError, match="has no journey yet"):
        space.journey  # noqa: B018 - reading is what fails
    with pytest.raises(WorkspaceError, match="has no events"):
        space.events()
    with pytest.raises(WorkspaceError, match="no document kind 'racy'"):
        space.history("racy")
    assert space.check() == []


def test_a_matrix_nobody_saved_is_a_draft_of_journey_and_roles(example):
    space = Workspace.open(example)
    drafted = type(space.raci).draft(space.journey, space.roles)

    assert [r.touchpoint for r in drafted.rows] == [t.id for t in space.journey.touchpoints]
    assert [r.id for r in drafted.roles] == [r.id for r in space.roles.roles]


def test_a_source_read_once_is_kept_until_its_file_changes(example):
    space = Workspace.open(example)
    first = space.answers()
    stamp = first.path.stat().st_mtime_ns

    assert space.answers().path.stat().st_mtime_ns == stamp
    file = example / "tables" / "answers.csv"
    file.write_text(
        file.read_text("utf-8") + "A99999,2026-09-01 10:00,nps,9,0-10,C00001\n", "utf-8"
    )
    assert space.answers().fingerprint != first.fingerprint


def test_a_source_whose_file_is_gone_says_so(example):
    (example / "tables" / "events.parquet").unlink()

    with pytest.raises(JourneyDataError, match="There is no file"):
        Workspace.open(example).events()


def test_documents_can_live_in_a_database_named_by_its_url(tmp_path, example):
    space = Workspace.open(f"sqlite:///{tmp_path}/team.sqlite")
    journey = Workspace.open(example).journey

    space.save(journey, note="first")

    again = Workspace.open(f"sqlite:///{tmp_path}/team.sqlite", read_only=True)
    assert again.journey == journey
    assert again.verify() == []
    with pytest.raises(WorkspaceError, match="has no events"):
        again.events()


def test_the_second_template_is_a_workspace_without_gaps(tmp_path):
    space = Workspace.create(tmp_path / "shop", template="online_shop")

    found = space.check()
    assert all(f.severity != "error" for f in found)
    assert {"JRN-10", "MAT-05"} < {f.code for f in found}  # nobody has reviewed them yet
    assert len(space.journey.touchpoints) == 19
    assert {t.id for t in space.journey.touchpoints} == set(
        space.events().to_pandas()["touchpoint"]
    )


@pytest.mark.parametrize("name", ["a b", "q?x", "h#x", "p%41x", "ü", "w[1]", "s*r", "it's"])
def test_a_folder_may_have_any_name(tmp_path, name):
    space = Workspace.create(tmp_path / name, template="phone_retailer")
    space.save(space.journey.model_copy(update={"label": "Renamed"}))

    reader = Workspace.open(tmp_path / name, read_only=True)

    assert reader.journey.label == "Renamed"
    assert len(reader.answers().to_pandas()) == 2_883
    assert [p.name for p in tmp_path.iterdir()] == [name]


def test_text_of_a_fresh_clone_is_edited_and_imported_without_a_clash(example):
    space = Workspace.open(example)
    for label in ("Second", "Third"):
        space.save(space.journey.model_copy(update={"label": label}))
    space.export_texts()
    space.close()
    (example / "store.sqlite").unlink()
    clone = Workspace.open(example)
    file = example / "documents" / "journey.yaml"
    file.write_text(file.read_text("utf-8").replace("label: Third", "label: By hand", 1), "utf-8")

    result = clone.import_texts()["journey"]

    assert isinstance(result, Saved)
    assert clone.journey.label == "By hand"


def test_a_hand_edit_is_never_written_over(example):
    settings = example / "workspace.yaml"
    settings.write_text(settings.read_text("utf-8") + "mirror: true\n", "utf-8")
    space = Workspace.open(example)
    file = example / "documents" / "journey.yaml"
    edited = file.read_text("utf-8").replace("label: Buying", "label: By hand, buying", 1)
    file.write_text(edited, "utf-8")

    with pytest.raises(WorkspaceError, match="was edited since it was written here"):
        space.export_texts()
    space.save(space.journey.model_copy(update={"reviewed_by": "Somebody"}))
    assert file.read_text("utf-8") == edited

    assert isinstance(space.import_texts()["journey"], Saved)
    assert space.journey.label.startswith("By hand")
    assert space.journey.reviewed_by == "Somebody"


@pytest.mark.parametrize("text", ["{", "[]", "null", '{"journey": [1]}', '{"journey": 4}'])
def test_a_damaged_note_beside_the_texts_does_no_harm(example, text):
    space = Workspace.open(example)
    (example / "documents" / ".exported.json").write_text(text)

    assert {k: r.changed for k, r in space.import_texts().items()} == {
        "journey": False, "journey_to_be": False, "roles": False, "raci": False, "cross_impact": False,
        "scorecard": False, "upsell": False,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("name", "codes"),
    [
        (
            "upsell_roles",
            {
                "JRN-02": 1,
                "JRN-10": 1,
                "COL-08": 2,
                "ROW-10": 3,
                "MAT-02": 1,
                "MAT-05": 1,
                "COL-04": 2,
            },
        ),
        (
            "support_roles",
            {
                "JRN-02": 2,
                "JRN-10": 1,
                "ROW-01": 4,
                "COL-08": 4,
                "MAT-02": 2,
                "ROW-07": 4,
                "MAT-05": 1,
            },
        ),
        ("sales_journey", {"JRN-07": 1, "JRN-08": 1, "JRN-10": 1}),
        ("upsell_scorecard", {"JRN-02": 4, "SCO-01": 3, "SCO-03": 4, "SCO-04": 8, "SCO-07": 23}),
    ],
)
def test_the_articles_templates_open_with_their_findings(tmp_path, name, codes):
    space = Workspace.create(tmp_path / name, template=name)

    assert Counter(f.code for f in space.check()) == codes
    assert sum(bool(s.goal and s.focus and s.content) for s in space.journey.stages) == len(
        space.journey.stages
    )
    assert space.sources.present() == []


def test_a_review_is_out_of_date_once_a_holder_or_a_touchpoint_changed_and_not_by_other_edits(
    example,
):
    space = Workspace.open(example)
    today = datetime.now(ZoneInfo("Europe/Rome")).date()
    space.save(space.raci.model_copy(update={"reviewed_on": today - timedelta(days=1)}))

    def stale():
        return [
            f.message.partition(" were")[0] for f in space.check(today=today) if f.code == "MAT-04"
        ]

    space.save(space.journey.model_copy(update={"owner": "Somebody else"}))
    assert stale() == []
    roles = space.roles
    first = roles.roles[0].model_copy(update={"holders": ()})
    space.save(roles.model_copy(update={"roles": (first, *roles.roles[1:])}))
    assert stale() == ["Roles or their holders"]
    journey = space.journey
    renamed = journey.touchpoints[0].model_copy(update={"label": "Ad"})
    space.save(journey.model_copy(update={"touchpoints": (renamed, *journey.touchpoints[1:])}))
    assert stale() == ["Touchpoints or stages of the journey", "Roles or their holders"]


def test_saving_over_a_document_that_was_never_read_asks_where_the_edit_started(example):
    edited = Workspace.open(example).journey.model_copy(update={"owner": "Ann"})

    with pytest.raises(WorkspaceError, match=r"none was read from this workspace.*base_rev=1"):
        Workspace.open(example).save(edited)
    assert Workspace.open(example).save(edited, base_rev=1).rev == 2


def test_the_matrix_of_influence_tells_the_raci_rules_who_owns_what_and_what_matters(tmp_path):
    space = Workspace.create(tmp_path / "w", template="phone_retailer")
    ids = [t.id for t in space.journey.touchpoints][:2]
    cells = {ids[0]: {ids[1]: {"value": 3}}}
    panel = CrossImpact.from_body(
        {
            "factors": [{"id": i, "label": i} for i in ids],
            "raters": [{"id": "anna", "label": "Anna", "cells": cells}],
            "interventions": [{"id": "do", "label": "Do it", "changes": {ids[0]: 0.5}}],
        }
    )
    space.save(panel, base_rev=space.rev("cross_impact"))

    links = space.links()
    codes = {f.code for f in space.check() if f.ids.get("intervention") == "do"}

    assert links.interventions == {"do": ("Do it", None)}
    assert links.influence == {ids[0]: 3.0, ids[1]: 0.0}
    assert codes == {"LNK-04", "XIM-12"}


def test_a_scorecard_is_kept_written_as_text_and_checked_with_the_rest(example):
    space = Workspace.open(example)
    goal = {"id": "csat", "baseline": 0.7, "target": 0.85}
    please = {
        "id": "please",
        "label": "Please",
        "perspective": "customer",
        "stage": "deliver",
        "kpis": [goal],
    }
    space.save(Scorecard.from_body({"objectives": [please]}), base_rev=space.rev("scorecard"))

    assert space.scorecard.kpi("csat").target == 0.85
    found = {f.code: f for f in space.check() if f.code.startswith("SCO-")}
    assert {"SCO-01", "SCO-04", "SCO-10"} <= set(found)
    space.export_texts(example / "again")
    assert (
        (example / "again" / "scorecard.yaml").read_text("utf-8").startswith("schema: scorecard/1")
    )


def test_a_workspace_without_a_scorecard_has_an_empty_one(tmp_path):
    space = Workspace.create(tmp_path / "w", template="sales_journey")
    assert space.scorecard == Scorecard()
    assert not [f for f in space.check() if f.code.startswith("SCO-")]


def test_a_kpi_whose_owner_does_not_answer_for_its_touchpoint_is_found(example):
    space = Workspace.open(example)
    assert space.links().kpi_owners["setup_response"] == "success_manager"
    assert space.links().kpi_owners["csat_delivery"] == "success_manager"  # of its objective
    card = space.scorecard
    kpis = tuple(
        k.model_copy(update={"owner": "support_rep"}) if k.id == "setup_response" else k
        for o in card.objectives if o.id == "help_soon" for k in o.kpis
    )  # fmt: skip
    objectives = tuple(
        o.model_copy(update={"kpis": kpis}) if o.id == "help_soon" else o for o in card.objectives
    )
    space.save(card.model_copy(update={"objectives": objectives}))
    (found,) = [f for f in space.check() if f.code == "LNK-02"]
    assert (
        "Support representative owns the KPI setup response, and Success manager answers"
        in found.message
    )


def test_of_two_who_make_one_folder_at_once_one_makes_it_and_the_other_is_told(tmp_path):
    for turn in range(3):
        folder, both = tmp_path / str(turn), Barrier(2)

        def make(folder=folder, both=both):
            both.wait()
            try:
                Workspace.create(folder, template="phone_retailer").close()
            except WorkspaceError as error:
                return str(error)
            return "made"

        with ThreadPoolExecutor(2) as pool:
            told = sorted(f.result() for f in [pool.submit(make) for _n in range(2)])
        assert told[1] == "made"
        assert "somebody else" in told[0] or "exists and is not empty" in told[0]
        assert Workspace.open(folder).journey.touchpoints
        assert [p.name for p in tmp_path.iterdir() if p.name.startswith(".journey-")] == []
