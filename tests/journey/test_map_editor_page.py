import pytest

from journey_widgets import JourneyMapEditor
from journey_widgets.journey import Journey, Lane, Touchpoint
from journey_widgets.journey.widget import MapSaved

pytestmark = pytest.mark.page


def shop(**more):
    draft = Journey.draft("Shop", stages="sales").model_dump(mode="json")
    touchpoints = [
        Touchpoint(id="ad", label="Ad", stage="awareness", lane="front", emotion=0.5),
        Touchpoint(id="page", label="Page", stage="consideration", lane="front"),
        Touchpoint(id="chat", label="Chat", stage="consideration", lane="back", emotion=-1),
        Touchpoint(id="buy", label="Buy", stage="decision", lane="front"),
        Touchpoint(id="help", label="Help", stage="post_purchase", lane="front"),
    ]
    lanes = [Lane(id="front", label="Front"), Lane(id="back", label="Back")]
    body = {
        **draft,
        "touchpoints": [t.model_dump(mode="json") for t in touchpoints],
        "lanes": [lane.model_dump(mode="json") for lane in lanes],
        "ways": [{"source": "ad", "target": "page"}, {"source": "page", "target": "buy"}],
        "funnel": ["ad", "page", "buy"],
        "items": [{"id": "slow", "kind": "pain_point", "label": "Slow", "touchpoint": "page"}],
        "evidence": [{"id": "talks", "method": "interview", "source": "Ten buyers"}],
    }
    return Journey.from_body({**body, **more})


def card(page, name):
    return page.locator(f'.jw-card:has(strong:text-is("{name}"))')


def handle(page, name):
    return page.locator(f'circle[aria-label="How {name} feels"]')


def settled(page):
    page.evaluate("saved")


def order(editor):
    return [t.id for t in editor.to_document().touchpoints]


def test_a_new_name_reaches_python(show):
    editor = JourneyMapEditor(shop())
    page = show(editor)

    card(page, "Buy").click()
    page.get_by_label("Name", exact=True).fill("Purchase")
    page.keyboard.press("Tab")
    settled(page)

    assert editor.to_document().touchpoint("buy").label == "Purchase"
    assert card(page, "Purchase").count() == 1


def test_a_touchpoint_is_added_after_the_chosen_one_and_named_at_once(show):
    editor = JourneyMapEditor(shop())
    page = show(editor)

    card(page, "Page").click()
    page.get_by_role("button", name="Add touchpoint").click()
    page.keyboard.type("Video")
    page.keyboard.press("Tab")
    settled(page)

    assert [t.label for t in editor.to_document().touchpoints] == [
        "Ad", "Page", "Video", "Chat", "Buy", "Help",
    ]  # fmt: skip
    added = editor.to_document().touchpoints[2]
    assert (added.label, added.stage, added.lane) == ("Video", "consideration", "front")


def test_a_deleted_touchpoint_comes_back_whole(show):
    before = shop()
    editor = JourneyMapEditor(before)
    page = show(editor)

    card(page, "Page").focus()
    page.keyboard.press("Delete")
    settled(page)
    assert order(editor) == ["ad", "chat", "buy", "help"]
    assert editor.to_document().items == ()
    assert editor.to_document().ways == ()
    assert editor.to_document().funnel == ("ad", "buy")

    page.get_by_role("button", name="Undo").click()
    settled(page)
    assert editor.to_document() == before

    page.get_by_role("button", name="Redo").click()
    settled(page)
    assert order(editor) == ["ad", "chat", "buy", "help"]


def drag(page, name, dx, dy):
    box = card(page, name).bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + dx / 2, y + dy / 2, steps=4)
    page.mouse.move(x + dx, y + dy, steps=4)
    page.mouse.up()
    settled(page)


def test_dragging_and_keys_lead_to_the_same_file(show):
    by_mouse, by_keys = JourneyMapEditor(shop()), JourneyMapEditor(shop())
    page = show(by_mouse)
    drag(page, "Ad", 104 * 1.8, 0)  # over Page, whose left half is before it, right half after it
    drag(page, "Buy", 0, 78)  # one lane down

    page = show(by_keys)
    card(page, "Ad").focus()
    page.keyboard.press("Alt+ArrowRight")
    settled(page)
    page.keyboard.press("Alt+ArrowRight")
    settled(page)
    card(page, "Buy").focus()
    page.keyboard.press("Alt+ArrowDown")
    settled(page)

    assert order(by_mouse) == ["page", "ad", "chat", "buy", "help"]
    assert by_mouse.to_document().touchpoint("ad").stage == "consideration"
    assert by_mouse.to_document().touchpoint("buy").lane == "back"
    assert by_mouse.to_document().to_text() == by_keys.to_document().to_text()


def test_every_place_of_the_map_can_be_reached_by_keys(show):
    editor = JourneyMapEditor(shop())
    page = show(editor)
    card(page, "Ad").focus()
    seen = []

    for _press in range(9):
        page.keyboard.press("Alt+ArrowRight")
        settled(page)
        moved = editor.to_document().touchpoint("ad")
        own = [t.id for t in editor.to_document().in_stage(moved.stage)]
        seen.append((moved.stage, own.index("ad")))
    for _press in range(12):
        page.keyboard.press("Alt+ArrowLeft")
        settled(page)

    assert seen[:8] == [
        ("consideration", 0), ("consideration", 1), ("consideration", 2), ("decision", 0),
        ("decision", 1), ("post_purchase", 0), ("post_purchase", 1), ("post_purchase", 1),
    ]  # fmt: skip
    assert editor.to_document().touchpoint("ad").stage == "awareness"
    assert order(editor) == ["ad", "page", "chat", "buy", "help"]
    assert page.evaluate("document.activeElement.dataset.id") == "ad"


def test_edits_in_the_map_make_the_file_that_typing_would_make(show):
    before = shop()
    editor = JourneyMapEditor(before)
    page = show(editor)

    card(page, "Chat").click()
    page.get_by_label("Channel").fill("web chat")
    page.get_by_label("Where").select_option("online")
    page.get_by_label("How it feels (-2 to 2)").fill("1.5")
    page.get_by_label("Note").fill("Two agents")
    page.keyboard.press("Tab")
    page.get_by_role("button", name="Stage Awareness").click()
    page.get_by_label("What the customer wants").fill("Know us")
    page.keyboard.press("Tab")
    settled(page)

    typed = before.to_text().replace(
        "    lane: back\n    emotion: -1.0\n",
        "    lane: back\n    channel: web chat\n    online: true\n    note: Two agents\n    emotion: 1.5\n",
    )
    typed = typed.replace(f"goal: {before.stages[0].goal}", "goal: Know us", 1)
    assert editor.to_document().to_text() == typed


def test_how_it_feels_is_set_by_dragging_by_keys_and_taken_away(show):
    editor = JourneyMapEditor(shop())
    page = show(editor)

    box = handle(page, "Chat").bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x, y - 56, steps=5)  # half of the scale is 112 pixels: one point is 28
    page.mouse.up()
    settled(page)
    assert editor.to_document().touchpoint("chat").emotion == pytest.approx(1.0, abs=0.1)

    handle(page, "Buy").focus()
    page.keyboard.press("ArrowDown")  # first it is neither good nor bad
    settled(page)
    page.keyboard.press("ArrowDown")
    settled(page)
    assert editor.to_document().touchpoint("buy").emotion == -0.5
    page.keyboard.press("End")
    settled(page)
    assert editor.to_document().touchpoint("buy").emotion == 2
    page.keyboard.press("Delete")
    settled(page)
    assert editor.to_document().touchpoint("buy").emotion is None


def test_something_noted_has_kind_severity_owner_and_evidence(show):
    editor = JourneyMapEditor(shop())
    page = show(editor)

    card(page, "Buy").click()
    page.get_by_role("button", name="Note something").click()
    page.keyboard.type("Will it arrive?")
    page.keyboard.press("Tab")
    page.get_by_label("Kind", exact=True).select_option("moment_of_truth")
    page.get_by_label("Severity").select_option("high")
    page.get_by_label("Owner").fill("Ada")
    page.keyboard.press("Tab")
    item = page.locator(".jw-item")
    item.locator("summary").click()
    item.get_by_label("Interview: Ten buyers").check()
    settled(page)

    noted = editor.to_document().items[-1]
    assert (noted.kind, noted.label, noted.severity, noted.owner) == (
        "moment_of_truth", "Will it arrive?", "high", "Ada",
    )  # fmt: skip
    assert noted.evidence == ("talks",)
    assert noted.touchpoint == "buy"
    assert page.locator(".jw-moment_of_truth").inner_text() == "M1"


def test_an_edit_that_cannot_be_is_refused_in_words_and_taken_back(show):
    editor = JourneyMapEditor(shop())
    page = show(editor)

    card(page, "Buy").click()
    page.get_by_label("How it feels (-2 to 2)").fill("7")
    page.keyboard.press("Tab")
    settled(page)

    assert "less than or equal to 2" in page.locator(".jw-saved").first.inner_text()
    assert editor.to_document() == shop()
    assert page.get_by_label("How it feels (-2 to 2)").input_value() == ""


def test_a_read_only_map_cannot_be_changed_in_any_way(show):
    editor = JourneyMapEditor(shop(), read_only=True, on_save=lambda j: MapSaved("saved"))
    page = show(editor)

    drag(page, "Ad", 200, 0)
    card(page, "Page").focus()
    page.keyboard.press("Delete")
    page.keyboard.press("Alt+ArrowRight")
    card(page, "Page").click()

    assert page.get_by_role("toolbar").is_hidden()
    assert page.get_by_label("Name", exact=True).is_disabled()
    assert editor.to_document() == shop()
    with pytest.raises(Exception, match="read-only"):
        editor.set_state(
            {"edit": {"seq": 1, "save": 0, "edits": [{"seq": 1, "op": "remove", "list": "touchpoints", "id": "ad"}]}}
        )  # fmt: skip


def test_saving_shows_what_came_of_it_and_what_others_wrote(show):
    saves = []

    def on_save(journey):
        saves.append(journey)
        if len(saves) > 1:
            return MapSaved("Saved as revision 3", journey)
        clash = {
            "words": "Buy: somebody else wrote Order, you wrote Purchase.",
            "edits": [{"op": "set", "list": "touchpoints", "id": "buy", "field": "label", "value": "Order"}],
        }  # fmt: skip
        return MapSaved(
            "Not saved yet: one place was changed by somebody else too.", journey, (clash,)
        )

    editor = JourneyMapEditor(shop(), on_save=on_save)
    page = show(editor)
    card(page, "Buy").click()
    page.get_by_label("Name", exact=True).fill("Purchase")
    page.keyboard.press("Tab")
    page.get_by_role("button", name="Save").click()
    settled(page)
    assert "one place was changed" in page.locator(".jw-saved").first.inner_text()

    page.get_by_role("button", name="Take theirs").click()
    page.get_by_role("button", name="Save").click()
    settled(page)

    assert saves[1].touchpoint("buy").label == "Order"
    assert page.locator(".jw-saved").first.inner_text() == "Saved as revision 3"


def test_text_from_the_document_is_shown_as_text(show):
    bad = "<img src=x onerror=alert(1)>"
    body = shop().model_dump(mode="json")
    body["touchpoints"][0] |= {"label": bad, "note": bad, "channel": bad}
    body["stages"][0] |= {"label": bad, "goal": bad}
    body["items"][0] |= {"label": bad, "touchpoint": "ad"}
    editor = JourneyMapEditor(Journey.from_body(body), owners={"ad": bad})
    page = show(editor)
    card(page, bad).click()

    assert page.locator("img").count() == 0
    assert "<img" not in editor._repr_mimebundle_()[0]["text/html"]


def test_an_edit_whose_message_was_lost_is_in_the_next_one_and_counts_once(show):
    editor = JourneyMapEditor(shop())
    page = show(editor)

    page.kernel.alive = False
    card(page, "Ad").focus()
    page.keyboard.press("Alt+ArrowRight")
    settled(page)
    assert order(editor) == ["ad", "page", "chat", "buy", "help"]
    page.kernel.alive = True
    page.keyboard.press("Alt+ArrowRight")
    settled(page)

    assert order(editor) == ["page", "ad", "chat", "buy", "help"]
    page.get_by_role("button", name="Undo").click()
    page.get_by_role("button", name="Undo").click()
    settled(page)
    assert editor.to_document() == shop()


def test_the_same_message_twice_is_applied_once(show):
    editor = JourneyMapEditor(shop())
    edit = {
        "seq": 1,
        "op": "add",
        "list": "lanes",
        "part": {"id": "x", "label": "X"},
        "before": None,
    }

    editor.set_state({"edit": {"seq": 1, "edits": [edit], "save": 0}})
    editor.set_state({"edit": {"seq": 2, "edits": [edit], "save": 0}})

    assert [lane.id for lane in editor.to_document().lanes] == ["front", "back", "x"]
    assert editor.done == 2


def test_listeners_go_with_the_view(show):
    page = show(JourneyMapEditor(shop()))

    page.evaluate("view.abort()")

    assert page.evaluate("model.listenerCount()") == 0


def test_two_hundred_touchpoints_are_drawn_and_scroll(show):
    touchpoints = [
        {"id": f"t{i}", "label": f"Touchpoint {i}", "stage": ["awareness", "decision"][i % 2]}
        for i in range(200)
    ]
    editor = JourneyMapEditor(shop(touchpoints=touchpoints, ways=[], items=[], funnel=[]))
    page = show(editor)

    assert page.locator(".jw-card").count() == 200
    assert page.evaluate("document.querySelector('.jw-frame').scrollWidth") > 20_000
    assert page.evaluate("document.body.scrollWidth <= window.innerWidth")
    card(page, "Touchpoint 198").focus()
    page.keyboard.press("Alt+ArrowRight")
    settled(page)
    assert editor.to_document().touchpoint("t198").stage == "consideration"


def test_two_people_who_add_at_the_same_time_both_keep_their_part(example):
    from journey_widgets import Workspace
    from journey_widgets.journey.edits import apply_edit

    first, second = Workspace.open(example), Workspace.open(example)
    for space, name in ((first, "Video"), (second, "Phone")):
        part = {"id": f"touchpoint_{name.lower()}", "label": name, "stage": "awareness"}
        edit = {"op": "add", "list": "touchpoints", "part": part, "before": None}
        space.save(apply_edit(space.journey, edit), base_rev=1)

    assert [t.label for t in Workspace.open(example).journey.touchpoints][-2:] == ["Video", "Phone"]


def test_ids_of_new_parts_are_not_shared(show):
    editor = JourneyMapEditor(shop())
    page = show(editor)

    for _press in range(3):
        page.get_by_role("button", name="Add lane").click()
    settled(page)

    ids = [lane.id for lane in editor.to_document().lanes]
    assert len(set(ids)) == 5
    assert all(i.startswith("lane_") and len(i) > 8 for i in ids[2:])


def test_a_field_typed_in_when_something_else_is_pressed_is_kept_and_the_press_counts(show):
    editor = JourneyMapEditor(shop())
    page = show(editor)

    card(page, "Buy").click()
    page.get_by_label("Channel").fill("till")
    card(page, "Chat").click()
    settled(page)

    assert editor.to_document().touchpoint("buy").channel == "till"
    assert page.get_by_label("Name", exact=True).input_value() == "Chat"

    page.get_by_label("Channel").fill("web")
    box = handle(page, "Ad").bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x, y + 28, steps=4)
    page.mouse.up()
    settled(page)
    assert editor.to_document().touchpoint("chat").channel == "web"
    assert editor.to_document().touchpoint("ad").emotion == pytest.approx(-0.5, abs=0.15)


def test_tab_goes_from_field_to_field_while_edits_are_taken(show):
    editor = JourneyMapEditor(shop())
    page = show(editor)

    page.get_by_role("button", name="Add stage").click()
    page.keyboard.type("Renewal")
    page.keyboard.press("Tab")
    page.keyboard.type("Stay with us")
    page.keyboard.press("Tab")
    settled(page)

    added = editor.to_document().stages[-1]
    assert (added.label, added.goal) == ("Renewal", "Stay with us")


def test_what_is_typed_outlives_a_message_and_what_is_only_shown_follows_it(show):
    editor = JourneyMapEditor(shop())
    page = show(editor)
    card(page, "Buy").click()
    page.get_by_label("Note").fill("half a thought")
    body = editor.to_document().model_dump(mode="json")
    body["touchpoints"][3]["label"] = "Order"

    editor.replace(Journey.from_body(body))
    page.evaluate("news => take(news)", page.kernel.flush())

    assert page.get_by_label("Note").input_value() == "half a thought"
    assert page.get_by_label("Name", exact=True).input_value() == "Order"
    page.keyboard.press("Tab")
    settled(page)
    assert editor.to_document().touchpoint("buy").note == "half a thought"


def test_a_gesture_that_is_taken_back_changes_nothing(show):
    editor = JourneyMapEditor(shop())
    page = show(editor)

    box = card(page, "Ad").bounding_box()
    page.mouse.move(box["x"] + 20, box["y"] + 20)
    page.mouse.down()
    page.mouse.move(box["x"] + 260, box["y"] + 20, steps=4)
    page.keyboard.press("Escape")
    page.mouse.up()
    box = handle(page, "Chat").bounding_box()
    page.mouse.move(box["x"] + 7, box["y"] + 7)
    page.mouse.down(button="right")
    page.mouse.move(box["x"] + 7, box["y"] - 40, steps=4)
    page.mouse.up(button="right")
    settled(page)

    assert editor.to_document() == shop()


def test_a_change_of_lane_alone_leaves_the_order_of_the_file(show):
    body = shop().model_dump(mode="json")
    body["lanes"][1]["hidden"] = True
    body["lanes"].append({"id": "third", "label": "Third"})
    editor = JourneyMapEditor(Journey.from_body(body))
    page = show(editor)

    card(page, "Page").focus()
    page.keyboard.press("Alt+ArrowDown")
    settled(page)

    assert editor.to_document().touchpoint("page").lane == "third"
    assert order(editor) == ["ad", "page", "chat", "buy", "help"]


def test_an_undo_that_others_made_impossible_in_part_brings_back_the_rest(show):
    editor = JourneyMapEditor(shop())
    page = show(editor)
    card(page, "Page").focus()
    page.keyboard.press("Delete")
    settled(page)
    body = editor.to_document().model_dump(mode="json")
    body["touchpoints"] = [t for t in body["touchpoints"] if t["id"] != "chat"]
    editor.replace(Journey.from_body(body))
    page.evaluate("news => take(news)", page.kernel.flush())

    page.get_by_role("button", name="Undo").click()
    settled(page)

    assert order(editor) == ["ad", "buy", "help", "page"]
    assert [i.label for i in editor.to_document().items] == ["Slow"]


def test_what_points_to_nothing_can_be_removed_where_it_is_said(show):
    body = shop().model_dump(mode="json")
    body["touchpoints"] = [t for t in body["touchpoints"] if t["id"] != "page"]
    editor = JourneyMapEditor(Journey.from_body(body))
    page = show(editor)

    for _remedy in range(4):
        page.locator("button", has_text="Remove it").first.click()
        settled(page)

    assert page.locator("button", has_text="Remove it").count() == 0
    left = editor.to_document()
    assert (left.items, left.ways, left.funnel) == ((), (), ("ad", "buy"))


def test_a_map_made_read_only_drops_what_python_refused_and_shows_what_it_holds(show):
    editor = JourneyMapEditor(shop())
    page = show(editor)
    page.kernel.alive = False
    card(page, "Ad").focus()
    page.keyboard.press("Alt+ArrowRight")
    settled(page)
    page.kernel.alive = True

    editor.read_only = True
    page.evaluate("news => take(news)", page.kernel.flush())

    assert editor.to_document() == shop()
    first = page.locator(".jw-card strong").first.inner_text()
    assert first == "Ad"
    assert "Stage Awareness" in page.locator(".jw-stage").first.get_attribute("aria-label")
    box = card(page, "Ad").bounding_box()
    assert box["x"] < page.locator(".jw-stage").nth(1).bounding_box()["x"]


def test_clashes_of_removal_and_edit_can_be_settled_for_the_other_side(example):
    from journey_widgets import Workspace
    from journey_widgets.journey.edits import apply_edit
    from journey_widgets.publish.map_edit import MapEdit
    from journey_widgets.publish.page import Page

    def page_of(space):
        return Page("Journey map", space, "all", None, None)

    first, second = Workspace.open(example), Workspace.open(example)
    mine = MapEdit(page_of(second))
    remove = {"op": "remove", "list": "touchpoints", "id": "live_chat"}
    first.save(apply_edit(first.journey, remove), base_rev=1)
    rename = {
        "op": "set",
        "list": "touchpoints",
        "id": "live_chat",
        "field": "label",
        "value": "Chat",
    }

    said = mine.save(apply_edit(mine.journey, rename))

    clash = said.clashes[0]
    assert clash["words"] == "Live chat: somebody else deleted it, you changed it."
    settled_map = said.journey
    for edit in clash["edits"]:
        settled_map = apply_edit(settled_map, edit)
    assert mine.save(settled_map).text.startswith(("Saved as revision", "Nothing new to save"))
    assert Workspace.open(example).journey.touchpoint("live_chat") is None
