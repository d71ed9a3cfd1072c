"""One look for every picture: fonts that are everywhere, quiet axes, colours that survive grey."""

from typing import Any

BLUE, ORANGE, GREY = "#1f77b4", "#b45f06", "#8a8f98"
RED, GREEN, VIOLET = "#b3261e", "#2e7d32", "#6a3d9a"
INK = "currentColor"
"""The colour of the text around the picture: dark on a light page, light on a dark one."""
FONT = "system-ui, 'Segoe UI', Roboto, 'Helvetica Neue', 'DejaVu Sans', Arial, sans-serif"

CONFIG: dict[str, Any] = {
    "background": "transparent",
    "font": FONT,
    "view": {"stroke": None},
    "axis": {
        "labelColor": INK, "titleColor": INK,
        "domainColor": GREY, "gridColor": "#8a8f9833", "tickColor": GREY, "labelFontSize": 12,
        "titleFontSize": 12, "titleFontWeight": "normal", "labelLimit": 220,
    },
    "legend": {
        "labelColor": INK, "titleColor": INK,
        "labelFontSize": 12, "titleFontSize": 12, "titleFontWeight": "normal",
    },
    "header": {"labelColor": INK, "titleColor": INK, "labelFontSize": 12, "titleFontSize": 12},
    "title": {"color": INK, "anchor": "start", "fontSize": 14, "fontWeight": 600},
    "bar": {"color": BLUE},
    "text": {"color": INK, "fontSize": 12},
}  # fmt: skip
