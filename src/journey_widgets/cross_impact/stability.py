"""Does the answer survive honest disagreement: how often a factor keeps its role, its rank, the lead."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt
import pandas as pd

from journey_widgets.cross_impact.agreement import hold_agreed, stacked
from journey_widgets.cross_impact.direct import CUTS, ROLES, Cut, cut_at, much
from journey_widgets.cross_impact.document import CrossImpact
from journey_widgets.cross_impact.matrix import Floats, Influence, as_influence, ranks
from journey_widgets.cross_impact.total import relations_of
from journey_widgets.definition import defined
from journey_widgets.errors import JourneyDataError, did_you_mean, one_of

Noise = Literal["raters", "half_point", "one_point"]
Measure = Literal["total", "direct"]
NOISE_WORDS: dict[Noise, str] = {
    "raters": "raters drawn again with replacement, cells averaged",
    "half_point": "each judgement that is not 0 moved by up to half a point",
    "one_point": "each judgement moved by -1, 0 or +1 with chances 1/4, 1/2, 1/4",
}
DRAWS = 2_000
SAFE = 0.8
FEW_RATERS = 3
"""Raters below which drawing them again cannot say that a lead is safe."""
"""Share of draws from which on a lead is called safe."""
BATCH = 500


def stability(
    judged: Any,
    *,
    measure: Measure = "total",
    outcome: str | None = None,
    noise: Noise | None = None,
    cut: Cut = "mean",
    draws: int = DRAWS,
    seed: int = 1,
    outcomes: Iterable[str] = (),
) -> pd.DataFrame:
    """Return how often each factor keeps its role, rank and lead when judgements vary.

    Parameters
    ----------
    judged
        Rater → influence matrix, or one matrix (see `as_influence`). Of a document, its raters where there are two or
        more; cells that were agreed on are held at what was agreed.
    measure
        What is ranked: ``"total"`` influence over all chains, or ``"direct"`` sums.
    outcome
        Rank the push on this name; else the sum over factors.
    noise
        ``"raters"`` (default for two raters or more), ``"half_point"`` (default for one) or
        ``"one_point"``. Moved judgements stay in the scale and on their side of 0 in a scale from 0.
    cut
        Where "much" begins, for roles (see `direct_influence`).
    draws, seed
        How many draws, and what makes them repeatable.
    outcomes
        Names of rows that are outcomes too.

    Returns
    -------
    pandas.DataFrame
        One row a factor, best rank first. Columns: ``factor`` (str); ``value`` (float64) and ``rank``
        (int64) as judged; ``rank_low``, ``rank_high`` (float64, 95 % of draws); ``top_share`` (share of
        draws it leads, ties shared out), ``rank_share`` (share in which it keeps its rank); ``role``
        (str), ``role_share`` (share in which it keeps its role); ``n`` (int64, draws counted); ``method``.

    Notes
    -----
    Half a point of noise with zeros kept is the model of Delias, spectralDEMATEL, 2026. Totals divide by the largest of
    all row and column sums, in each draw anew. Draws without an answer are left out and counted in the definition.
    """
    one_of("cut", cut, CUTS)
    drawn = vary(
        judged, measure=measure, outcome=outcome, noise=noise, draws=draws, seed=seed,
        outcomes=outcomes,
    )  # fmt: skip
    words = (
        f"{draws:,} draws, seed {seed}: {NOISE_WORDS[drawn.noise]}. Ranked by {measure} influence"
    )
    return stability_of(drawn, cut, f"{words}{f' on {outcome}' if outcome else ''}")


def stability_of(drawn: "Drawn", cut: Cut, words: str) -> pd.DataFrame:
    """Return the table of `stability` for draws that were worked out already; `words` begin its definition."""
    influence, rank = drawn.influence, ranks(drawn.value)
    role = _roles(drawn.base[None], influence.n, cut)[0]
    all_ranks = ranks(drawn.values)
    first = all_ranks == 1
    leads = first / first.sum(axis=1, keepdims=True)
    kept_role = np.concatenate([_roles(batch, influence.n, cut) == role for batch in drawn.batches])
    low, high = np.quantile(all_ranks, [0.025, 0.975], axis=0)
    found = pd.DataFrame(
        {
            "factor": influence.factors,
            "value": drawn.value,
            "rank": rank,
            "rank_low": low,
            "rank_high": high,
            "top_share": leads.mean(axis=0),
            "rank_share": (all_ranks == rank).mean(axis=0),
            "role": [ROLES[bool(r & 2), bool(r & 1)] for r in role],
            "role_share": kept_role.mean(axis=0),
            "n": len(all_ranks),
            "method": drawn.noise,
        }
    ).sort_values("rank", kind="stable", ignore_index=True)
    if drawn.at is not None:
        found = found[found["factor"] != influence.factors[drawn.at]].reset_index(drop=True)
    if drawn.noise == "raters":
        found.attrs["raters"] = drawn.raters
    return defined(
        found,
        f"{words}; roles by the {cut.replace('_', ' ')}",
        f"{drawn.lost} draws had no answer and are left out" if drawn.lost else "",
    )


@dataclass(frozen=True)
class Drawn:
    """What is ranked, as it was judged and as it might have been."""

    influence: Influence
    noise: Noise
    base: Floats
    """The strengths as judged."""
    value: Floats
    """Of each factor, as judged."""
    base_sums: tuple[Floats, Floats]
    """What each gives to and receives from the other factors, as judged."""
    values: Floats
    """Draws x factors."""
    given: Floats
    received: Floats
    """Draws x factors: what each gives to and receives from the other factors, in the same measure."""
    batches: list[Floats]
    """The strengths of the draws, in pieces."""
    lost: int
    """Draws that had no answer."""
    raters: int
    at: int | None
    """Place of the outcome that is ranked for, where it is a factor itself: it is not ranked."""


def vary(
    judged: Any,
    *,
    measure: Measure = "total",
    outcome: str | None = None,
    noise: Noise | None = None,
    draws: int = DRAWS,
    seed: int = 1,
    outcomes: Iterable[str] = (),
) -> Drawn:
    """Work out what is ranked for the judgements, and for many draws of them (parameters as of `stability`)."""
    influence, cube = _checked(judged, list(outcomes))
    kind: Noise = noise or ("raters" if len(cube) > 1 else "half_point")
    one_of("noise", kind, get_args(Noise))
    one_of("measure", measure, get_args(Measure))
    if kind == "raters" and len(cube) < 2:
        msg = "There is one rater; drawing raters again needs two or more. Use noise='half_point'."
        raise JourneyDataError(msg)
    if draws < 1:
        msg = f"draws is {draws}; 1 or more was needed."
        raise JourneyDataError(msg)
    if outcome is not None and outcome not in influence.names:
        msg = f"No column is called {outcome!r}. {did_you_mean(outcome, influence.names)}"
        raise JourneyDataError(msg)
    at = None if outcome is None else influence.names.index(outcome)
    base = np.abs(influence.signed())
    np.fill_diagonal(base, 0)
    (value,), (gives,), (gets,) = _measured(base[None], measure, influence.n, at)
    if np.isnan(value).any():
        msg = (
            "Total influence has no answer for these judgements: all are blank or 0, or chains never fade. Judge more "
            "relations, or in finer steps; direct sums can be ranked in any case."
        )
        raise JourneyDataError(msg)
    rng = np.random.default_rng(seed)
    batches, values, given, received = [], [], [], []
    for start in range(0, draws, BATCH):
        batch = _drawn(cube, influence, kind, min(BATCH, draws - start), rng)
        found, from_it, to_it = _measured(batch, measure, influence.n, at)
        good = ~np.isnan(found).any(axis=1)
        batches.append(batch[good])
        values.append(found[good])
        given.append(from_it[good])
        received.append(to_it[good])
    together = np.concatenate(values)
    if not len(together):
        msg = f"None of {draws} draws had an answer: the judgements are nearly all 0 or all alike."
        raise JourneyDataError(msg)
    return Drawn(
        influence, kind, base, value, (gives, gets), together, np.concatenate(given),
        np.concatenate(received), batches, draws - len(together), len(cube),
        at if at is not None and at < influence.n else None,
    )  # fmt: skip


def leader_sentence(found: pd.DataFrame) -> str:
    """Return whether the first of a `stability` table is safe to call the lever, in words."""
    if len(found) < 2:
        return "There is one factor only: nothing to rank."
    if not found["value"].max() > 0:
        return "Nothing acts on it yet: nothing to rank."
    top = found.sort_values("top_share", ascending=False, kind="stable").iloc[0]
    name = str(top["factor"])
    share = f"{name[:1].upper()}{name[1:]} leads in {top['top_share']:.0%} of draws"
    if found.attrs.get("raters", FEW_RATERS) < FEW_RATERS:
        return f"{share}, but of two raters alone: too few to call it the lever."
    first = str(found.sort_values("rank", kind="stable")["factor"].iloc[0])
    if first != str(top["factor"]):
        return f"{share}, {first} is first by the mean: not safe to call either the lever."
    return (
        f"{share}: it is safe to call it the lever."
        if top["top_share"] >= SAFE
        else f"{share}: not safe to call it the lever."
    )


def _checked(judged: Any, outcomes: list[str]) -> tuple[Influence, Floats]:
    """Return the matrix of means and the stack of all raters' judgements."""
    if not isinstance(judged, Mapping) and not _several(judged):
        influence = as_influence(judged, outcomes)
        cube = influence.values[None].copy()
        cube[0][np.diag_indices(len(influence.names))] = np.nan
        return influence, cube
    first, cube = stacked(judged, outcomes)
    if isinstance(judged, CrossImpact):
        hold_agreed(judged, first, cube)
    nothing = np.zeros(first.values.shape, dtype=bool)
    rated = (~np.isnan(cube)).sum(axis=0)
    mean = np.where(rated > 0, np.nansum(cube, axis=0) / np.maximum(rated, 1), np.nan)
    return Influence(first.factors, first.outcomes, mean, nothing, nothing), cube


def _several(judged: Any) -> bool:
    """Return whether a document holds the judgements of two raters or more."""
    return isinstance(judged, CrossImpact) and sum(bool(r.cells) for r in judged.raters) > 1


def _drawn(
    cube: Floats, influence: Influence, kind: Noise, size: int, rng: np.random.Generator
) -> Floats:
    """Return `size` matrices of strengths as they might have been judged."""
    width = cube.shape[1]
    if kind == "raters":
        picks = rng.multinomial(len(cube), [1 / len(cube)] * len(cube), size=size).astype(float)
        sums = picks @ np.nan_to_num(cube).reshape(len(cube), -1)
        counts = picks @ (~np.isnan(cube)).astype(float).reshape(len(cube), -1)
        means = np.divide(sums, counts, out=np.zeros_like(sums), where=counts > 0)
        found: Floats = np.abs(means.reshape(size, width, width))
        return found
    values = influence.signed()
    most = max(3.0, float(np.abs(values).max()))
    least = -most if (values < 0).any() else 0.0
    if kind == "half_point":
        moved = values + rng.uniform(-0.5, 0.5, (size, width, width)) * (values != 0)
    else:
        moved = values + rng.choice([-1, 0, 0, 1], (size, width, width))
    # What nobody judged does not vary.
    asked = ~np.isnan(influence.values) & ~np.eye(width, dtype=bool)
    moved = np.abs(np.clip(moved, least, most)) * asked
    return np.asarray(moved)


def _measured(
    batch: Floats, measure: Measure, n: int, at: int | None
) -> tuple[Floats, Floats, Floats]:
    """Return draws x factors: what is ranked (NaN rows where a draw has no answer), what is given, what is received."""
    relations: Floats = batch if measure == "direct" else _totals(batch)
    among = relations[:, :n, :n]
    given, received = np.asarray(among.sum(axis=2)), np.asarray(among.sum(axis=1))
    found = given if at is None else np.array(relations[:, :n, at])
    if at is not None and at < n:
        found[:, at] = 0.0  # what acts on itself by chains is no push on it
    if measure == "direct":
        judged = np.asarray(batch.any(axis=(1, 2)))
        found = np.where(judged[:, None], found, np.nan)
    return found, given, received


def _totals(batch: Floats) -> Floats:
    scale = np.maximum(batch.sum(axis=1).max(axis=1), batch.sum(axis=2).max(axis=1))
    share = batch / np.where(scale == 0, np.nan, scale)[:, None, None]
    share = np.where(np.isnan(share), 1.0, share)
    try:
        found = relations_of(share)
    except np.linalg.LinAlgError:
        found = np.array([_one_total(one) for one in share])
    bad = (scale == 0) | (np.abs(found).max(axis=(1, 2)) > 1e8) | (found.min(axis=(1, 2)) < -1e-6)
    found[bad | np.isnan(found).any(axis=(1, 2))] = np.nan
    return np.asarray(found)


def _one_total(share: Floats) -> Floats:
    try:
        return relations_of(share)
    except np.linalg.LinAlgError:
        return np.full_like(share, np.nan)


def _roles(batch: Floats, n: int, cut: Cut) -> npt.NDArray[np.int64]:
    """Return draws x factors: 2 for giving much, and 1 more for receiving much."""
    active, passive = batch[:, :n, :n].sum(axis=2), batch[:, :n, :n].sum(axis=1)
    given, received = (much(sums, cut_at(sums, cut)) for sums in (active, passive))
    return np.asarray(2 * given.astype(np.int64) + received)
