"""A chart in a page, offline: the Vega code crosses the wire once a page, whatever the charts."""

from functools import cache
from pathlib import Path
from typing import Any

import anywidget
import traitlets as t
from ipywidgets import widget_serialization

VEGA = Path(__file__).with_name("vega.js")
"""Vega, Vega-Lite and Vega-Embed as one module; made by `build_vega`, committed, compared in a test."""


class VegaLibrary(anywidget.AnyWidget):
    """Carries the Vega code to the page. It has no view."""

    _esm = "export default {};"
    code = t.Unicode().tag(sync=True)


class Chart(anywidget.AnyWidget):
    """One Vega-Lite chart, drawn in the page.

    Parameters
    ----------
    spec
        Vega-Lite specification as plain JSON values. Set it anew to draw another chart.
    label
        What the chart shows, in one sentence above it; also read to people who do not see it.
    note
        How it was counted, below it.
    wide
        Keep the chart's own size and scroll it sideways where the page is narrower.
    """

    _esm = Path(__file__).with_suffix(".js")
    _css = Path(__file__).with_suffix(".css")

    spec = t.Dict(allow_none=True).tag(sync=True)
    label = t.Unicode().tag(sync=True)
    note = t.Unicode().tag(sync=True)
    wide = t.Bool(False).tag(sync=True)
    library = t.Instance(VegaLibrary).tag(sync=True, **widget_serialization)

    def __init__(
        self, spec: dict[str, Any], *, label: str = "", note: str = "", wide: bool = False
    ) -> None:
        super().__init__(spec=spec, label=label, note=note, wide=wide, library=_library())

    def __repr__(self) -> str:
        return f"Chart({self.label!r})"


@cache
def _library() -> VegaLibrary:
    return VegaLibrary(code=VEGA.read_text("utf-8"))


def build_vega() -> str:
    """Return the Vega module for the installed Altair, as `VEGA` must hold it."""
    import vl_convert
    from altair.utils._importers import vl_version_for_vl_convert

    made: str = vl_convert.javascript_bundle(
        "export { vegaEmbed };", vl_version=vl_version_for_vl_convert()
    )
    return made
