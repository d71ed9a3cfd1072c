"""Who is drawn where there are too many customers to look at everybody: by the MD5 of their ids, always the same ones.

Those to whom something rare happened, such as an upgrade, are drawn more often than the others; each then stands for as
many customers as there are of his kind for one who was drawn (Horvitz and Thompson).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf

import ibis
import ibis.expr.types as ir
import numpy as np
import numpy.typing as npt
from ibis import _

from journey_widgets.estimates import Floats
from journey_widgets.events.engine import collect, hold
from journey_widgets.events.shuffle import LOTS, lot

Ints = npt.NDArray[np.int64]
MOST_ROWS = 10_000_000
"""Rows that are brought here; where there are more, whole customers or baskets are drawn."""


@dataclass(frozen=True)
class Drawn:
    """Customers who were drawn."""

    weight: Floats
    """By customer number: how many customers each stands for."""
    alike: npt.NDArray[np.bool_]
    """By customer number: whether he would be there, too, if all had been drawn alike."""
    everybody: int
    said: str
    rare: tuple[str, ...] = ()
    """For what customers were drawn first."""


@dataclass(frozen=True)
class Stratum:
    """Customers of one kind: how many there are, how many are drawn, and the lots below which they are."""

    customers: int
    drawn: int
    until: int


def some_of(
    found: ir.Table, rare: Sequence[int | str], most: float
) -> tuple[ir.Table, list[Stratum]]:
    """Return the rows of customers who are drawn, `most` or fewer, and how they were drawn.

    Parameters
    ----------
    found
        Rows with ``who``, ``lot`` (see `shuffle.lot`) and ``what``.
    rare
        What customers are drawn for first, as it stands under ``what``: for them is half of the rows.
    most
        Rows that are wanted; more only where one lot alone has more.

    Returns
    -------
    tuple
        Rows; the customers without anything rare, and those with it. All rows and an empty list where there are no more
        than that.
    """
    is_rare = {"rare": found.what.isin(list(rare)).cast("int32").max()} if rare else {}
    each = found.group_by("who", "lot").agg(many=_.count(), **is_rare)
    if not rare:
        each = each.mutate(rare=ibis.literal(0, "int32"))
    counted = each.group_by("rare", "lot").agg(customers=_.count(), many=_.many.sum())
    lots = collect(counted).astype("int64").sort_values("lot")
    if lots["many"].sum() <= most:
        return found, []
    left, strata = most, {}
    for kind, share in ((1, 0.5), (0, 1.0)):
        own = lots[lots["rare"] == kind]
        fits = own["many"].cumsum() <= left * share
        last = own["lot"][fits] if fits.any() else own["lot"].head(1)
        until = LOTS if fits.all() else int(last.max() + 1)
        kept = own[own["lot"] < until]
        strata[kind] = Stratum(int(own["customers"].sum()), int(kept["customers"].sum()), until)
        left -= int(kept["many"].sum())
    chosen = each.filter(
        ibis.or_(*((each.rare == kind) & (each.lot < s.until) for kind, s in strata.items()))
    )
    return found.semi_join(chosen.select("who"), "who"), [strata[0], strata[1]]


def drawn_from(found: ir.Table, unit: str, most: float, units: str) -> tuple[ir.Table, str]:
    """Return the rows of units drawn by chance, `most` or fewer, and who was drawn in words; blank where all are.

    `unit` is a column of texts, whose rows are drawn together; `units` is what they are called.
    """
    if most == inf or int(found.count().to_pyarrow().as_py()) <= most:
        return found, ""
    held = hold(found)
    told = held.select(who=held[unit], lot=lot(held[unit]), what=ibis.literal(0))
    some, (own, _none) = some_of(told, [], most)
    kept = held.semi_join(some.select(**{unit: some.who}).distinct(), unit)
    return kept, f"; {own.drawn:,} of {own.customers:,} {units} drawn by chance"


def drawn_of(
    customer: Ints, lots: Ints, is_rare: npt.NDArray[np.bool_], strata: Sequence[Stratum], rare: Sequence[str]
) -> Drawn:  # fmt: skip
    """Return what each customer of some rows stands for: numbers, lots, whether a row is rare, and what that is."""
    many = int(customer.max()) + 1
    lot_of, kind = np.zeros(many, np.int64), np.zeros(many, np.int64)
    lot_of[customer], kind[customer[is_rare]] = lots, 1
    weight = np.array([s.customers / max(s.drawn, 1) for s in strata])[kind]
    others, own = strata
    whom = (
        f"{own.drawn:,} of {own.customers:,} customers with {' or '.join(rare)} and "
        if rare
        else ""
    )
    said = f"{whom}{others.drawn:,} of {others.customers:,} {'others' if rare else 'customers'} drawn by chance"
    alike = lot_of < min(s.until for s in strata)
    return Drawn(weight, alike, others.customers + own.customers, said, tuple(rare))
