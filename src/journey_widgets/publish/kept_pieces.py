"""Pieces of a page as plain values and back: what is looked at can be kept, what answers its reader cannot."""

from typing import Any

from journey_widgets.publish.piece import Html

LIVE = {"kind": "live"}
"""What is kept of a part that is made for each reader: that it is."""


def to_plain(thing: Any) -> dict[str, Any] | None:
    """Return a piece as plain values; `LIVE` for what is more than something to look at, None for what is passing."""
    if type(thing) is Html:
        if thing.passing:
            return None
        return {"kind": "html", **thing.plain()}
    if type(thing).__name__ not in {"Chart", "VBox", "Accordion", "Several"}:
        return LIVE
    from ipywidgets import Accordion, VBox

    from journey_widgets.publish.chart_widget import Chart
    from journey_widgets.publish.show import Several

    if isinstance(thing, Chart):  # each has a class of its own
        return {
            "kind": "chart",
            **{n: getattr(thing, n) for n in ("spec", "label", "note", "wide")},
        }
    if type(thing) in (VBox, Accordion):
        inside = [to_plain(c) for c in thing.children]
        titles = list(thing.titles) if type(thing) is Accordion else []
    elif type(thing) is Several:
        inside, titles = [to_plain(p) for p in thing.pieces], []
    else:
        return LIVE
    if None in inside or LIVE in inside:
        return None if None in inside else LIVE
    return {"kind": type(thing).__name__, "inside": inside, "titles": titles}


def from_plain(plain: Any) -> Any:
    """Return the piece of which these are the values; None where they are of none."""
    try:
        return _piece(plain)
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


def _piece(plain: dict[str, Any]) -> Any:
    kind = plain["kind"]
    if kind == "html":
        return Html(plain["markup"], plain["words"], plain["lines"], plain["data"])
    if kind == "chart":
        from journey_widgets.publish.chart_widget import Chart

        more = {n: plain[n] for n in ("label", "note", "wide")}
        return Chart(plain["spec"], **more)
    inside = [_piece(i) for i in plain["inside"]]
    if kind == "Several":
        from journey_widgets.publish.show import Several

        return Several(inside)
    from ipywidgets import Accordion, VBox

    if kind == "VBox":
        return VBox(inside)
    if kind != "Accordion":
        raise ValueError(kind)
    return Accordion(children=inside, titles=tuple(plain["titles"]), selected_index=None)
