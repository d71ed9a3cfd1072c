"""What it would bring to mend a touchpoint: gap x influence x volume x value, as a range with its assumptions.

The gap is how much more often a group is lost there than everybody else; the influence, how many of those who pass go
on to success; the volume, how many of the group come there; the value, what a success earns.
"""

from math import exp, sqrt

import numpy as np
import pandas as pd

from journey_widgets.definition import defined
from journey_widgets.errors import JourneyDataError
from journey_widgets.estimates import wilson
from journey_widgets.tables import require_columns

COLUMNS = [
    "touchpoint", "group", "gap", "gap_low", "gap_high", "influence", "influence_low", "influence_high", "volume",
    "value", "value_low", "value_high", "benefit", "low", "high",
]  # fmt: skip
Z = 1.959964


def benefit_of_mending(
    pain_points: pd.DataFrame,
    funnel: pd.DataFrame,
    value: tuple[float, float, float],
    *,
    recoverable: float = 1.0,
) -> pd.DataFrame:
    """Return what each pain point would bring if the group got through as everybody else does.

    Parameters
    ----------
    pain_points
        As `journey.pain_points` returns it.
    funnel
        As `journey.funnel` returns it, of the same steps.
    value
        What a customer who gets through earns, and its 95 % interval, in the workspace's currency.
    recoverable
        Share of those lost beyond the others that can be won back, from 0 to 1; an assumption, said with every result.

    Returns
    -------
    pandas.DataFrame
        One row a pain point, largest benefit first. Columns: ``touchpoint``, ``group`` (str); ``gap``, ``influence``,
        ``value``, each with its interval; ``volume`` (int64, customers of the group at the step, in the time of the
        log); ``benefit`` with ``low`` and ``high`` (float64, in the currency, for that time). The interval of the
        product is worked out on logarithms, the parts taken as independent; where the gap may be nothing, so may the
        benefit.

    Raises
    ------
    JourneyDataError
        A share beyond 0 and 1, a value without its interval, missing columns.
    """
    require_columns(
        pain_points.columns, "touchpoint", "not_reached", "group", "customers", "difference", "low", "high",
        name="pain_points",
    )  # fmt: skip
    require_columns(funnel.columns, "step", "customers", name="funnel")
    amount, least, most = value
    if not (
        0 <= recoverable <= 1
        and np.isfinite([amount, least, most]).all()
        and least <= amount <= most
    ):
        msg = (
            f"recoverable is {recoverable:g} and value {value}; a share from 0 to 1 and an amount within its limits "
            "were needed."
        )
        raise JourneyDataError(msg)
    reached = dict(zip(funnel["step"], funnel["customers"], strict=True))
    last = float(funnel["customers"].iloc[-1]) if len(funnel) else 0.0
    rows = []
    for p in pain_points.to_dict("records"):
        passed = float(reached.get(p["not_reached"], 0.0))
        share = last / passed if passed else np.nan
        share_low, share_high = (
            (float(v) for v in wilson(last, passed)) if passed else (np.nan, np.nan)
        )
        parts = [(p["difference"], p["low"], p["high"]), (share, share_low, share_high), value]
        middle = p["customers"] * recoverable * float(np.prod([v for v, _a, _b in parts]))
        low, high = _product(middle, parts)
        rows.append(
            {
                "touchpoint": p["touchpoint"], "group": p["group"], "gap": p["difference"], "gap_low": p["low"],
                "gap_high": p["high"], "influence": share, "influence_low": share_low, "influence_high": share_high,
                "volume": int(p["customers"]), "value": amount, "value_low": least, "value_high": most,
                "benefit": middle, "low": low, "high": high,
            }
        )  # fmt: skip
    frame = pd.DataFrame(rows, columns=COLUMNS).astype({"volume": "int64"})
    frame = frame.sort_values("benefit", ascending=False, kind="stable", ignore_index=True)
    return defined(
        frame,
        f"Gap to everybody else x share of those who pass that get through x customers of the group x value of a "
        f"success; {recoverable:.0%} of the gap can be closed, and those won go on as the others do (assumed)",
    )


def _product(middle: float, parts: list[tuple[float, float, float]]) -> tuple[float, float]:
    """Return the interval of a product of independent estimates; not below 0 where a part may be 0 or less."""
    if not np.isfinite(middle):
        return np.nan, np.nan
    if middle <= 0:
        return min(middle, 0.0), max(middle, 0.0)
    spread = 0.0
    for v, low, high in parts:
        if low <= 0:
            return 0.0, middle * float(np.prod([h / v for v, _l, h in parts]))
        spread += ((np.log(high) - np.log(low)) / (2 * Z)) ** 2
    reach = exp(Z * sqrt(spread))
    return middle / reach, middle * reach
