"""One look for every picture: fonts that are everywhere, quiet axes, colours that survive grey."""

from typing import Any

BLUE, ORANGE, GREY, INK = "#1f77b4", "#b45f06", "#8a8f98", "#212121"
FONT = "system-ui, 'Segoe UI', Roboto, 'Helvetica Neue', 'DejaVu Sans', Arial, sans-serif"

CONFIG: dict[str, Any] = {
    "background": "transparent",
    "font": FONT,
    "view": {"stroke": None},
    "axis": {
        "domainColor": GREY, "gridColor": "#8a8f9833", "tickColor": GREY, "labelFontSize": 12,
        "titleFontSize": 12, "titleFontWeight": "normal", "labelLimit": 220,
    },
    "legend": {"labelFontSize": 12, "titleFontSize": 12, "titleFontWeight": "normal"},
    "title": {"anchor": "start", "fontSize": 14, "fontWeight": 600},
    "bar": {"color": BLUE},
    "text": {"fontSize": 12},
}  # fmt: skip
