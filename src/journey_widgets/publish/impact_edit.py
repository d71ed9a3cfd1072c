"""Editing the cross-impact matrix on a page: places that others changed too are named by their labels."""

from journey_widgets.cross_impact.document import CrossImpact
from journey_widgets.merging import MISSING, Clash
from journey_widgets.publish.document_edit import DocumentEdit, told

PARTS = {"factors": "touchpoint", "outcomes": "outcome", "interventions": "intervention"}


class ImpactEdit(DocumentEdit[CrossImpact]):
    """An edit of the matrix in progress."""

    def _in_words(self, clash: Clash, mine: CrossImpact) -> str:
        """Return a clash in a sentence; in a blind round without what the other wrote."""
        place, seen = _place(clash.path, mine), not mine.blind or "raters" not in clash.path
        if clash.path[-1] == "order":
            return f"{place}: somebody else moved some too; yours is shown."
        if clash.theirs is MISSING:
            return f"{place}: somebody else deleted it, you changed it; it stays."
        if clash.mine is MISSING:
            return f"{place}: you deleted it, somebody else changed it; it goes."
        if not seen or isinstance(clash.theirs, dict | list) or isinstance(clash.mine, dict | list):
            return f"{place}: both of you changed it; yours is shown."
        return f"{place}: somebody else wrote {told(clash.theirs)}, you wrote {told(clash.mine)}."


def _place(path: tuple[str, ...], mine: CrossImpact) -> str:
    """Return where in the document a path leads, in a person's words."""
    many, *rest = path
    labels = mine.labels | {i.id: i.label for i in mine.interventions}
    if many == "raters" and rest:
        who = next((r.label for r in mine.raters if r.id == rest[0]), rest[0])
        return (
            f"{who}, {_cell(rest[2:], labels)}"
            if rest[1:2] == ["cells"]
            else f"{who}, {' '.join(rest[1:])}"
        )
    if many == "consensus":
        return f"agreed, {_cell(rest, labels)}"
    if many in PARTS and rest and rest != ["order"]:
        field = f", {rest[1].replace('_', ' ')}" if rest[1:] else ""
        return f"{labels.get(rest[0], rest[0])}{field}"
    return many.replace("_", " ")


def _cell(path: list[str], labels: dict[str, str]) -> str:
    source, target, *field = [*path, "", ""][: max(len(path), 2)]
    where = (
        f"{labels.get(source, source)} on {labels.get(target, target)}"
        if target
        else labels.get(source, source)
    )
    named = "" if field in ([], ["value"]) else f", {field[0]}"
    return f"{where}{named}" or "judgements"
