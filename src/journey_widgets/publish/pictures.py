"""Pictures as files: SVG, PNG or PDF, made without a browser and without asking anybody."""

import json
from pathlib import Path
from typing import Any

from journey_widgets.chart_theme import INK
from journey_widgets.errors import JourneyError
from journey_widgets.publish.show import specification

PRINTED_INK = "#1c1c1c"
SUFFIXES = (".svg", ".png", ".pdf")


def save_picture(chart: Any, path: str | Path, *, title: str = "", scale: float = 2.0) -> Path:
    """Write a chart to a file whose ending says the kind: ``.svg``, ``.png`` or ``.pdf``.

    Parameters
    ----------
    chart
        An Altair chart, such as one of `journey.charts`.
    path
        File to write; one that is there is replaced, as a whole or not at all.
    title
        Printed above the picture.
    scale
        Pixels of a PNG for each pixel of the picture.
    """
    import vl_convert

    target = Path(path)
    kind = target.suffix.lower()
    if kind not in SUFFIXES:
        msg = (
            f"{target.name}: a picture ends in {', '.join(SUFFIXES)}; found {kind or 'no ending'}."
        )
        raise JourneyError(msg)
    spec = specification(chart)
    if title:
        spec["title"] = title
    # The page's own ink means nothing outside of a page.
    spec = json.loads(json.dumps(spec).replace(f'"{INK}"', f'"{PRINTED_INK}"'))
    spec["config"]["background"] = "white"
    if kind == ".svg":
        made = vl_convert.vegalite_to_svg(spec, allowed_base_urls=[]).encode()
    elif kind == ".png":
        made = vl_convert.vegalite_to_png(spec, scale=scale, allowed_base_urls=[])
    else:
        made = vl_convert.vegalite_to_pdf(spec, allowed_base_urls=[])
    part = target.with_name(f".{target.name}.part")
    part.write_bytes(made)
    part.replace(target)
    return target
