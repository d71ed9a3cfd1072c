"""What customers are worth, with the convention always named: three textbook formulas give three numbers."""

import numpy as np
import pandas as pd

from journey_widgets.definition import defined
from journey_widgets.errors import JourneyDataError
from journey_widgets.upsell.bg_nbd import BgNbd, fit_bg_nbd
from journey_widgets.upsell.gamma_gamma import GammaGamma, fit_gamma_gamma

STEPS = 12
"""Parts of the horizon that are discounted each at its end."""


def conventions(margin: float, retention: float, discount: float) -> pd.DataFrame:
    """Return the lifetime value under each of the three usual conventions, at a constant retention.

    Parameters
    ----------
    margin
        Contribution margin of a period, not revenue.
    retention
        Share of customers who stay from one period to the next, 0 to 1.
    discount
        Rate of a period, above -1 and large enough that the sum ends.

    Returns
    -------
    pandas.DataFrame
        Columns: ``convention``, ``formula`` (str), ``value`` (float64).
    """
    if not 0 <= retention <= 1 or 1 + discount <= retention:
        msg = (
            f"retention is {retention:g} and discount {discount:g}; a retention from 0 to 1 and a discount above "
            "retention - 1 were needed."
        )
        raise JourneyDataError(msg)
    rest = 1 + discount - retention
    rows = [
        ("first margin paid at once", "m (1 + d) / (1 + d - r)", margin * (1 + discount) / rest),
        ("first margin left out", "m r / (1 + d - r)", margin * retention / rest),
        ("margins paid at the end of each period", "m / (1 + d - r)", margin / rest),
    ]
    frame = pd.DataFrame(rows, columns=["convention", "formula", "value"])
    return defined(
        frame, "Constant retention, no end; Fader and Hardie, notes on formulas of lifetime value"
    )


def expected_value(
    found: pd.DataFrame, horizon: float, *, discount: float = 0.0, buying: BgNbd | None = None,
    worth: GammaGamma | None = None,
) -> pd.DataFrame:  # fmt: skip
    """Return what each customer is expected to be worth within a horizon from now on.

    Convention: residual and truncated. What was bought so far is not in it, what comes after the horizon is not in it;
    the horizon is cut into twelve parts, each discounted at its end. It is a margin where `found` was made of margins.

    Parameters
    ----------
    found
        As `purchases` returns it.
    horizon
        In its unit of time, above 0.
    discount
        Rate of one unit of time.
    buying, worth
        Models fitted before, such as on all customers; fitted on `found` by default.

    Returns
    -------
    pandas.DataFrame
        One row a customer, as in `found`. Columns: ``customer_id`` (str); ``expected_purchases``, ``alive`` (the chance
        of not having dropped out; 1 without a repeat), ``expected_worth`` of a purchase, ``value`` (float64).
    """
    if not horizon > 0 or not discount > -1:
        msg = f"horizon is {horizon:g} and discount {discount:g}; a horizon above 0 and a rate above -1 were needed."
        raise JourneyDataError(msg)
    buying = buying or fit_bg_nbd(found)
    worth = worth or fit_gamma_gamma(found)
    x, t_x, T = (found[c].to_numpy("float64") for c in ("x", "t_x", "T"))  # noqa: N806
    ends = np.linspace(0.0, horizon, STEPS + 1)[1:]
    sums = buying.expected(ends, x, t_x, T)
    parts = np.diff(sums, axis=0, prepend=0.0)
    each = worth.expected(x, found["m"])
    frame = pd.DataFrame(
        {
            "customer_id": found["customer_id"],
            "expected_purchases": sums[-1],
            "alive": buying.alive(x, t_x, T),
            "expected_worth": each,
            "value": each * ((1 + discount) ** -ends @ parts),
        }
    )
    doubt = (
        f"; frequency and worth go together (r = {worth.correlation:+.2f}), which the model takes as nothing"
        if worth.doubtful
        else f"; correlation of frequency and worth {worth.correlation:+.2f}"
    )
    said = (
        f"{buying.said} and gamma-gamma "
        f"(p {worth.p:.3g}, q {worth.q:.3g}, v {worth.v:.3g}) of {buying.customers:,} customers, {buying.repeaters:,} "
        f"with a repeat. Residual value within {horizon:g} units of time, discounted {discount:g} a unit at the end of "
        f"each twelfth{doubt}"
    )
    return defined(frame, said)
