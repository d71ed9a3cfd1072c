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

    assert order(editor) == ["ad", "page", "new_touchpoint", "chat", "buy", "help"]
    added = editor.to_document().touchpoint("new_touchpoint")
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
            "list": "touchpoints", "id": "buy", "field": "label", "theirs": "Order", "mine": "Purchase",
            "words": "Buy: somebody else wrote Order, you wrote Purchase.",
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
