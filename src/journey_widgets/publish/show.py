"""Showing a chart or table in the way that fits where the notebook runs."""

from typing import Any

import pandas as pd

from journey_widgets.chart_theme import CONFIG
from journey_widgets.definition import definition
from journey_widgets.errors import JourneyError
from journey_widgets.publish.html import Html, figure, joined, table, unfolding
from journey_widgets.publish.modes import interactive, mode


def show(
    thing: Any, caption: str = "", *, note: str = "", wide: bool = False, **options: Any
) -> Any:
    """Return `thing` as it should be shown: live in a page, as a picture in a report.

    Parameters
    ----------
    thing
        An Altair chart or a pandas frame.
    caption
        What it says, in one sentence; also read to people who do not see it.
    note
        How it was counted, below the caption; of a result frame its own definition by default.
    wide
        Keep a chart's own size and let the page scroll it sideways, such as for a map.
    options
        For a frame: ``labels`` and ``percent``, as in `journey_widgets.publish.html.table`.
    """
    if isinstance(thing, pd.DataFrame):
        return table(thing, caption=caption, note=note or definition(thing), **options)
    if hasattr(thing, "to_dict") and hasattr(thing, "transform_filter"):
        spec = specification(thing)
        if mode() == "report":
            return picture(spec, caption, note=note, wide=wide)
        return _live(spec, caption, note=note, wide=wide)
    msg = f"show needs a chart or a table; got {type(thing).__name__}."
    raise JourneyError(msg)


def show_all(pieces: list[Any]) -> Any:
    """Return what `show` gave for several charts, one below the other."""
    if all(isinstance(p, Html) for p in pieces):
        return joined(*pieces)
    if any(isinstance(p, Html) for p in pieces):
        return Several(pieces)
    from ipywidgets import VBox

    return VBox(pieces)


class Several:
    """Live charts and tables together: each is shown by itself."""

    def __init__(self, pieces: list[Any]) -> None:
        self.pieces = pieces

    def _ipython_display_(self) -> None:
        from IPython.display import display

        for piece in self.pieces:
            display(piece)


def with_table(widget: Any, title: str, content: pd.DataFrame) -> Any:
    """Return a widget; in a dashboard with the same as a table below it, to read in words and to take along."""
    if mode() != "dashboard":
        return widget
    return Several([widget, unfolding(title, table(content, caption=title))])


def folded(title: str, thing: Any) -> Any:
    """Return what `show` gave under a title that a reader opens on demand."""
    if isinstance(thing, Html):
        return unfolding(title, thing)
    from ipywidgets import Accordion

    return Accordion(children=[thing], titles=(title,), selected_index=None)


def specification(chart: Any) -> dict[str, Any]:
    """Return the Vega-Lite specification of a chart with the house's look."""
    spec: dict[str, Any] = chart.to_dict()
    spec["config"] = {**CONFIG, **_own_config(spec)}
    return spec


def _own_config(spec: dict[str, Any]) -> dict[str, Any]:
    """Leave out what Altair's default theme sets."""
    return {k: v for k, v in spec.get("config", {}).items() if k != "view"}


def picture(spec: dict[str, Any], caption: str, *, note: str = "", wide: bool = False) -> Html:
    """Return a chart as SVG within the page; nothing is fetched to draw it."""
    import vl_convert

    svg = vl_convert.vegalite_to_svg(spec, allowed_base_urls=[])
    return figure(svg, caption, note=note, wide=wide, spec=spec if interactive() else None)


def _live(spec: dict[str, Any], caption: str, *, note: str = "", wide: bool = False) -> Any:
    from journey_widgets.publish.chart_widget import Chart

    return Chart(spec, label=caption, note=note, wide=wide)


def use_in_altair() -> None:
    """Make charts that end a cell show in the same way, offline."""
    import altair as alt

    def render(spec: dict[str, Any], **_metadata: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        filled = {**spec, "config": {**CONFIG, **_own_config(spec)}}
        if mode() == "report":
            return {"text/html": picture(filled, "")._repr_html_(), "text/plain": "Chart"}, {}
        bundle = _live(filled, "")._repr_mimebundle_()
        return bundle if isinstance(bundle, tuple) else (bundle, {})

    alt.renderers.register("journey", render)
    alt.renderers.enable("journey")
    alt.data_transformers.disable_max_rows()
