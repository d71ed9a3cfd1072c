"""Editing the map on a page: saved on top of what the person saw, clashes told in words."""

from typing import Any, cast

from journey_widgets.errors import JourneyError
from journey_widgets.journey.document import Journey
from journey_widgets.journey.edits import OWN_FIELDS, remedies
from journey_widgets.journey.widget import MapSaved
from journey_widgets.merging import MISSING, Clash
from journey_widgets.publish.page import TO_BE, Page
from journey_widgets.workspace import Conflict


class MapEdit:
    """An edit of the map in progress: it knows the revision that the person sees."""

    def __init__(self, page: Page) -> None:
        self._space, self._note = page.workspace, f"edited in {page.title}"
        self._kind = "journey_to_be" if page.version == TO_BE else "journey"
        self.journey, self._rev = page.journey, 0
        if self._space.rev(self._kind):
            newest, self._rev = self._space.newest(self._kind)
            self.journey = cast("Journey", newest)

    def save(self, journey: Journey) -> MapSaved:
        """Save on top of the revision the person saw; say what came of it, in words."""
        result = self._space.save(journey, note=self._note, base_rev=self._rev)
        if isinstance(result, Conflict):
            return self._disputed(result)
        self._rev = result.rev
        saved = cast("Journey", result.document)
        if not result.changed:
            return MapSaved(f"Nothing new to save (revision {result.rev})", saved)
        merged = ", with others' edits merged in" if result.merged else ""
        loose = len(remedies(saved)) - len(remedies(journey))
        if loose > 0:
            merged += (
                "; something now points to a part that somebody else deleted, see below the map"
            )
        return MapSaved(f"Saved as revision {result.rev}{merged}", saved)

    def _disputed(self, conflict: Conflict) -> MapSaved:
        if not conflict.clashes:
            msg = f"{conflict} Run the page again to see it as it is now."
            raise JourneyError(msg)
        self._rev = conflict.theirs_rev
        clashes = [_clash(c, self.journey) for c in conflict.clashes]
        many = f"{len(clashes)} places were" if len(clashes) > 1 else "One place was"
        text = (
            f"Not saved yet: {many} changed by somebody else too. What you see is yours; save again to keep "
            "it, or take theirs where that is offered."
        )
        return MapSaved(text, cast("Journey", conflict.keeping_mine()), tuple(clashes))


def _clash(clash: Clash, journey: Journey) -> dict[str, Any]:
    """Return a clash in words, with the edits that take the other person's side."""
    many, *rest = clash.path
    theirs, mine = ("" if v is MISSING else v for v in (clash.theirs, clash.mine))
    gone = clash.theirs is MISSING
    if not rest:
        edits = [] if gone else [{"op": "set", "list": "journey", "field": many, "value": theirs}]
        name = many.replace("_", " ")
        if many not in OWN_FIELDS:
            edits = []
        return {
            "words": f"{name}: somebody else wrote {_told(theirs)}, you wrote {_told(mine)}.",
            "edits": edits,
        }
    if rest == ["order"]:
        return {
            "words": f"The order of the {many}: somebody else moved some too; yours is shown.",
            "edits": [],
        }
    part = rest[0]
    label = next(
        (p.label for p in getattr(journey, many, ()) if p.id == part and hasattr(p, "label")), part
    )
    if len(rest) == 1:
        if gone:
            words = f"{label}: somebody else deleted it, you changed it."
            return {"words": words, "edits": [{"op": "remove", "list": many, "id": part}]}
        if clash.mine is MISSING:
            words = f"{label}: you deleted it, somebody else changed it."
            return {
                "words": words,
                "edits": [{"op": "add", "list": many, "part": theirs, "before": None}],
            }
        return {"words": f"{label}: both of you added it, differently.", "edits": []}
    field = rest[1]
    words = f"{label}, {field.replace('_', ' ')}: somebody else wrote {_told(theirs)}, you wrote {_told(mine)}."
    if len(rest) > 2:
        return {"words": words, "edits": []}
    value = None if gone else theirs
    return {
        "words": words,
        "edits": [{"op": "set", "list": many, "id": part, "field": field, "value": value}],
    }


def _told(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(str(v) for v in value) or "nothing"
    return f"“{value}”" if value != "" else "nothing"
