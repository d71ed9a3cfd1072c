"""Durations with a unit: ``"30min"`` or ``"30m"``, ``"7d"``. A bare number is refused."""

import re

from journey_widgets.errors import JourneyDataError

UNITS = {"s": 1, "m": 60, "min": 60, "h": 3_600, "d": 86_400, "w": 604_800}


def microseconds(text: str, *, name: str = "the duration") -> int:
    """Return a duration in microseconds.

    Examples
    --------
    >>> microseconds("1.5h")
    5400000000
    """
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([a-z]+)\s*", str(text))
    if not found or found[2] not in UNITS or float(found[1]) == 0:
        msg = f"{name} is {text!r}; a number above 0 with a unit ({', '.join(UNITS)}) was needed, such as '7d'."
        raise JourneyDataError(msg)
    return round(float(found[1]) * UNITS[found[2]] * 1_000_000)
