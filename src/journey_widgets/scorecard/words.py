"""Values of KPIs as people read them: with their unit, rounded, and a status with word and shape."""

import math

from journey_widgets.scorecard.status import HIDDEN, SHAPES, WORDS

STATES = {
    "no_data": "no data", "not_applicable": "does not apply", "unscored": "tracked without a target",
    "insufficient": "too few to judge", "stale": "out of date", "error": "could not be counted",
    HIDDEN: "too few to show",
}  # fmt: skip
UNITS = {
    "hours": " h", "days": " days", "minutes": " min", "months": " months", "per_100": " per 100",
    "per_1000": " per 1,000", "ratio_x": " x", "points_-100_100": "",
}  # fmt: skip


def value(number: float, unit: str, *, currency: str = "", signed: bool = False) -> str:
    """Return a value with its unit.

    Examples
    --------
    >>> value(0.4146, "ratio"), value(1234.5, "currency", currency="EUR"), value(-0.427, "ratio", signed=True)
    ('41.5%', '1,234 EUR', '-42.7 points')
    """
    if not math.isfinite(number):
        return "–"
    sign = "+" if signed and number > 0 else ""
    if unit == "ratio":
        return f"{sign}{100 * number:.1f}{' points' if signed else '%'}"
    if unit == "currency":
        return f"{sign}{_plain(number)} {currency}".rstrip()
    return f"{sign}{_plain(number)}{UNITS.get(unit, '')}"


def _plain(number: float) -> str:
    size = abs(number)
    if size >= 1_000:
        return f"{number:,.0f}"
    return (
        f"{number:.0f}"
        if number == int(number)
        else f"{number:.2f}"
        if size < 10
        else f"{number:.1f}"
    )


def interval(low: float, high: float, unit: str, *, currency: str = "") -> str:
    """Return an interval in words; blank where there is none."""
    if not (math.isfinite(low) and math.isfinite(high)):
        return ""
    return f"{value(low, unit, currency=currency)} to {value(high, unit, currency=currency)}"


def status_in_words(status: str, state: str, *, certain: bool, possible: str) -> str:
    """Return a status with shape and word, and whether it is certain; or why there is none."""
    if not status:
        return STATES.get(state, state)
    said = f"{SHAPES[status]} {WORDS[status]}"
    if state == "stale":
        return f"{said}, {STATES[state]}"
    if certain:
        return said
    others = [WORDS[p] for p in possible.split(", ") if p]
    return (
        f"{said}, not certain ({others[-1]} to {others[0]})"
        if len(others) > 1
        else f"{said}, without an interval"
    )
