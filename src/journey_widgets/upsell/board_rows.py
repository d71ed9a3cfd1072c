"""The rows of an opportunity board before anything is chosen: checked, guarded, and what each is worth."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from journey_widgets.errors import JourneyDataError, did_you_mean
from journey_widgets.tables import require_columns
from journey_widgets.upsell.document import GUARDS
from journey_widgets.upsell.planning import assign

TESTED, MODELLED, PLACEBO, OBSERVED, JUDGED = EVIDENCE = (
    "tested", "modelled on a test", "observed, placebo passed", "observed", "judgement",
)  # fmt: skip
"""What an effect rests on, the strongest first."""
INCREMENTAL = (TESTED, MODELLED)
"""Only these come from a comparison group."""
PRIOR = 100
"""Customers that the mean effect of its class counts as much as, when an effect is shrunk towards it."""
MOST_OBSERVED = 0.05
"""The largest effect that is believed of what was only observed or judged."""
HELD_OUT = "left alone, to compare with"
OWNERLESS = "nobody alone answers for the touchpoint"
EARNS = "earns less than it costs"
HAD_ENOUGH = "had contacts enough in the period"
ELIGIBLE, NO_ROOM, PLANNED = "eligible", "no room for it", "planned"
CONTACTED, LEFT_ALONE = "contacted", "left alone"
"""The two arms of a plan, when it is looked at later."""
REQUIRED = ("customer_id", "offer", "touchpoint", "effect", "margin", "cost", "evidence")


@dataclass(frozen=True)
class Limits:
    """What there is of everything.

    Attributes
    ----------
    budget
        Euros for contacts.
    slots
        Touchpoint → contacts it can make; those not named have no end.
    teams
        Role that answers for touchpoints → contacts it can make at all of them; those not named have no end.
    max_contacts
        Contacts a customer may get.
    already
        Customer → contacts had in the period already.
    fatigue
        What each contact costs in patience, in euros.
    least
        Segment → contacts its customers get at least, as far as budget and slots allow it; ``segment`` of the cells
        says who is in it. How many it lacks `Board.prices` says, also of a segment that nobody is in.
    """

    budget: float = float("inf")
    slots: Mapping[str, int] | None = None
    max_contacts: int = 1
    already: Mapping[str, int] | None = None
    fatigue: float = 0.0
    least: Mapping[str, int] | None = None
    teams: Mapping[str, int] | None = None


def checked(cells: pd.DataFrame) -> pd.DataFrame:
    """Return rows with every column and numbers that can be; a `JourneyDataError` says what cannot."""
    require_columns(cells.columns, *REQUIRED, name="cells")
    found = cells.copy()
    for column, usual in (
        ("kept", 1.0),
        ("follow_on", 0.0),
        ("n", np.nan),
        ("effect_low", np.nan),
        ("prior", np.nan),
    ):
        if column not in found.columns:
            found[column] = usual
    texts = ("guard", "segment", "reason")
    blank = [c for c in texts if c in found.columns]
    names = ["customer_id", "offer", "touchpoint", "evidence", *blank]
    found[blank] = found[blank].fillna("")
    lacking = int(found[names].isna().any(axis=1).sum())
    if lacking:
        msg = f"cells: {lacking} rows lack a customer, offer, touchpoint or evidence; all four were needed."
        raise JourneyDataError(msg)
    found = found.astype(dict.fromkeys(names, "str")).reset_index(drop=True)
    for column in texts:
        if column not in blank:
            found[column] = pd.Series("", index=found.index, dtype="str")
    for column in ("effect", "margin", "cost", "kept", "follow_on"):
        numbers = pd.to_numeric(found[column], errors="coerce").astype("float64")
        missing = int((~np.isfinite(numbers)).sum())
        if missing:
            msg = f"cells: {column} is missing or no number in {missing} rows; a number was needed."
            raise JourneyDataError(msg)
        found[column] = numbers
    wrong = int(
        (~found["effect"].between(-1, 1) | ~found["kept"].between(0, 1) | (found["cost"] < 0)).sum()
    )
    if wrong:
        msg = f"cells: {wrong} rows have an effect beyond -1 and 1, a kept share beyond 0 and 1, or a cost below 0."
        raise JourneyDataError(msg)
    for column in ("n", "effect_low", "prior"):
        found[column] = pd.to_numeric(found[column], errors="coerce").astype("float64")
    odd = int(
        ((found["n"] < 0) | np.isinf(found["n"]) | (found["effect_low"] > found["effect"])).sum()
    )
    if odd:
        msg = f"cells: {odd} rows have an n below 0 or without end, or a lower limit above the effect."
        raise JourneyDataError(msg)
    costs = found.groupby(["offer", "touchpoint"])["cost"].nunique()
    if (costs > 1).any():
        offer, touchpoint = costs[costs > 1].index[0]
        msg = f"cells: contacts with {offer} at {touchpoint} have several costs; one for each of the two was needed."
        raise JourneyDataError(msg)
    torn = found.groupby("customer_id")["segment"].nunique() if "segment" in blank else pd.Series(1)
    if (torn > 1).any():
        msg = f"cells: {int((torn > 1).sum())} customers are in several segments; each belongs to one."
        raise JourneyDataError(msg)
    unknown = sorted(set(found["evidence"].unique()) - set(EVIDENCE))
    if unknown:
        msg = f"cells: evidence {unknown[0]!r}. {did_you_mean(unknown[0], EVIDENCE)}"
        raise JourneyDataError(msg)
    twice = found.duplicated(["customer_id", "offer", "touchpoint"])
    if twice.any():
        msg = f"cells: {int(twice.sum())} rows name a customer, offer and touchpoint that were named before; each once."
        raise JourneyDataError(msg)
    return found


def guarded(
    cells: pd.DataFrame, owners: Mapping[str, str] | None, guards: Mapping[str, Iterable[str]], held_out: float,
    salt: str,
) -> tuple[pd.DataFrame, pd.DataFrame, dict[str, tuple[int, int]]]:  # fmt: skip
    """Return the rows that may be planned, those of customers left alone, and what each reason took."""
    if not 0 <= held_out < 1:
        msg = f"held_out is {held_out:g}; a share from 0 up to, and without, 1 was needed."
        raise JourneyDataError(msg)
    left, removed = cells, {}
    alone: set[str] = set()
    for why, customers in guards.items():
        if isinstance(customers, str) or why in (
            HELD_OUT,
            OWNERLESS,
            EARNS,
            HAD_ENOUGH,
            NO_ROOM,
            PLANNED,
            ELIGIBLE,
        ):
            msg = f"guards: {why!r} needs a name of its own and a list of customers; found {customers!r}."
            raise JourneyDataError(msg)

    def without(why: str, kept: pd.Series) -> pd.DataFrame:
        before, after = left["customer_id"].nunique(), left[kept]["customer_id"].nunique()
        removed[why] = (before - after, int((~kept).sum()))
        return left[kept]

    if held_out:
        who = left["customer_id"].drop_duplicates()
        arms = assign(who, {HELD_OUT: held_out, "planned": 1 - held_out}, salt=salt)
        alone = set(arms[arms["arm"] == HELD_OUT]["customer_id"])
        left = without(HELD_OUT, ~left["customer_id"].isin(alone))
    own = set(cells["guard"].unique()) - {""}
    for why in [*(g for g in GUARDS if g in own), *sorted(own - set(GUARDS))]:
        left = without(why, left["guard"] != why)
    for why, customers in guards.items():
        left = without(why, ~left["customer_id"].isin({str(c) for c in customers}))
    if owners is not None:
        left = without(OWNERLESS, left["touchpoint"].isin(list(owners)))
    barred = {str(c) for who in guards.values() for c in who}
    others = cells[cells["customer_id"].isin(alone - barred) & (cells["guard"] == "")]
    if owners is not None:
        others = others[others["touchpoint"].isin(list(owners))]
    return left.reset_index(drop=True), others, removed


def reasons(
    cells: pd.DataFrame,
    left: pd.DataFrame,
    guards: Mapping[str, Iterable[str]],
    held_out: float,
    salt: str,
) -> dict[str, str]:
    """Return why customers are not on the board: the first reason that held for each."""
    gone = cells[~cells["customer_id"].isin(set(left["customer_id"]))]
    by_list = {str(c): why for why, who in reversed(list(guards.items())) for c in who}
    found = dict.fromkeys(gone["customer_id"], OWNERLESS) | by_list
    own = gone[gone["guard"] != ""].drop_duplicates("customer_id")
    found |= dict(zip(own["customer_id"], own["guard"], strict=True))
    if held_out:
        arms = assign(
            cells["customer_id"].drop_duplicates(),
            {HELD_OUT: held_out, "planned": 1 - held_out},
            salt=salt,
        )
        found |= dict.fromkeys(arms[arms["arm"] == HELD_OUT]["customer_id"], HELD_OUT)
    there = set(gone["customer_id"])
    return {c: why for c, why in found.items() if c in there}


def priced(cells: pd.DataFrame, limits: Limits, *, cautious: bool) -> pd.DataFrame:
    """Return the rows with the effect that is believed of each, and what it is worth."""
    n, effect, low = (cells[c].to_numpy("float64") for c in ("n", "effect", "effect_low"))
    mean = cells.groupby("evidence")["effect"].transform("mean").to_numpy("float64")
    before = cells["prior"].to_numpy("float64")
    mean = np.where(np.isfinite(before), before, mean)
    # An effect of unknown n is taken as it is; the error of one that is drawn to the mean shrinks by a square root.
    share = np.where(np.isnan(n), 1.0, n / (n + PRIOR))
    believed = share * effect + (1 - share) * mean
    reach = np.where(np.isfinite(low), effect - low, 0.0) * np.sqrt(share)
    ranked = believed - reach if cautious else believed
    weak = ~cells["evidence"].isin(INCREMENTAL).to_numpy()
    believed, ranked = (np.where(weak, np.minimum(v, MOST_OBSERVED), v) for v in (believed, ranked))
    margin, kept, later = (cells[c].to_numpy("float64") for c in ("margin", "kept", "follow_on"))
    earned, spent = margin * kept + later, cells["cost"].to_numpy("float64") + limits.fatigue
    expected = believed * earned - spent
    return cells.assign(
        believed=believed, expected=expected, value=np.minimum(ranked * earned - spent, expected)
    )
