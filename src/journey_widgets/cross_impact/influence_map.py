"""The influence map: who gives and who receives, from direct sums to total influence, and how sure that is."""

from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd

from journey_widgets.cross_impact.direct import CUT_WORDS, CUTS, Cut, cut_at
from journey_widgets.cross_impact.stability import NOISE_WORDS, Drawn, stability_of, vary
from journey_widgets.definition import defined
from journey_widgets.errors import one_of


def influence_map(
    judged: Any,
    *,
    cut: Cut = "mean",
    draws: int = 500,
    seed: int = 1,
    outcomes: Iterable[str] = (),
) -> pd.DataFrame:
    """Return the place of each factor on the influence map, direct and total.

    Parameters
    ----------
    judged, draws, seed, outcomes
        As for `stability`.
    cut
        Where "much" begins (see `direct_influence`).

    Returns
    -------
    pandas.DataFrame
        One row a factor. Columns: ``factor`` (str); ``active``, ``passive`` (float64, shares of all direct influence
        among factors, given and received); ``given``, ``received`` (float64, the same of total influence), with
        ``given_low``, ``given_high``, ``received_low``, ``received_high`` (95 % of draws); ``role`` (str, by direct
        sums) and ``role_share`` (float64, share of draws that keep it). ``attrs["cut"]`` holds where the two lines
        stand: ``active``, ``passive``, ``given``, ``received``.

    Notes
    -----
    Shares put direct sums and total influence on one scale: the way from one to the other is what chains add.
    """
    one_of("cut", cut, CUTS)
    drawn = vary(judged, draws=draws, seed=seed, outcomes=outcomes)
    return map_of(drawn, cut, f"{draws:,} draws, seed {seed}: {NOISE_WORDS[drawn.noise]}")


def map_of(drawn: Drawn, cut: Cut, words: str) -> pd.DataFrame:
    """Return the table of `influence_map` for draws that were worked out already."""
    n = drawn.influence.n
    direct = drawn.base[:n, :n]
    whole = direct.sum() or 1.0
    share = [_shares(v) for v in (drawn.given, drawn.received)]
    base_given, base_received = (_shares(v[None])[0] for v in drawn.base_sums)
    active, passive = direct.sum(axis=1) / whole, direct.sum(axis=0) / whole
    (given_low, given_high), (received_low, received_high) = (
        np.quantile(s, [0.025, 0.975], axis=0) for s in share
    )
    roles = stability_of(drawn, cut, words).set_index("factor")
    found = pd.DataFrame(
        {
            "factor": drawn.influence.factors,
            "active": active,
            "passive": passive,
            "given": base_given,
            "given_low": given_low,
            "given_high": given_high,
            "received": base_received,
            "received_low": received_low,
            "received_high": received_high,
            "role": roles["role"].reindex(list(drawn.influence.factors)).to_numpy(),
            "role_share": roles["role_share"].reindex(list(drawn.influence.factors)).to_numpy(),
        }
    )
    sides = {"active": active, "passive": passive, "given": base_given, "received": base_received}
    found.attrs["cut"] = {name: float(cut_at(v, cut)[0]) for name, v in sides.items()}
    return defined(
        found,
        f"Shares of all influence among factors; lines at {CUT_WORDS[cut]}. Intervals: 95 % of {words}",
        "From direct sums to total influence, which counts all chains",
    )


def _shares(values: Any) -> Any:
    """Return rows divided by their sums; 0 where there is nothing."""
    sums = values.sum(axis=-1, keepdims=True)
    return np.divide(values, sums, out=np.zeros_like(values), where=sums > 0)
