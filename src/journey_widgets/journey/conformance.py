"""Conformance: the designed journey against the paths customers took."""

from collections.abc import Iterator
from typing import Any

import ibis.expr.types as ir
import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from journey_widgets.definition import defined
from journey_widgets.estimates import certainty, wilson
from journey_widgets.events.engine import beside, collect
from journey_widgets.events.paths import PathIndex, path_index
from journey_widgets.journey.conformance_there import (
    DONE,
    KINDS,
    REPEATED,
    UNMAPPED,
    UNPLANNED,
    Ints,
    by_customer_there,
    counted_there,
    fits_there,
)
from journey_widgets.journey.document import Journey


def conformance(log: Any, journey: Journey) -> pd.DataFrame:
    """Say of every event whether it was designed, and of every designed step whether it was skipped.

    An event is ``done`` where a designed way leads to it from the event before on the map, or where the
    path begins with it; ``repeated`` where none does and the customer had been there before; ``unplanned``
    where none does and it is the first time; ``unmapped`` at a touchpoint that is not on the map. Designed
    ways are the map's `ways`; a map without any means its order: forward, however far. A customer
    ``skipped`` a step of the funnel who was never there, but at a later one.

    Returns
    -------
    pandas.DataFrame
        One row per touchpoint of the map, in order, then one per unmapped name. Columns:
        ``touchpoint``, ``label`` (str); ``events`` (int64) = ``done`` + ``repeated`` + ``unplanned`` +
        ``unmapped``; ``customers`` (int64) who were there; ``skipped`` (int64), customers, of ``n``
        (int64) who got to this step of the funnel or a later one; ``skipped_share`` with ``low``,
        ``high``, ``method``, ``certainty`` (missing off the funnel).
    """
    index = path_index(log)
    design = Design(index, journey)
    counts, visitors, skipped, beyond = (
        counted_there(index, design) if index.file is None else _counted(index, design)
    )
    rows = _rows(index, journey, counts, visitors)
    places = {name: i for i, name in enumerate(journey.funnel)}
    at = [places.get(t, -1) for t in rows["touchpoint"]]
    n = np.array([beyond[i] if i >= 0 else 0 for i in at], dtype=np.int64)
    missed = np.array([skipped[i] if i >= 0 else 0 for i in at], dtype=np.int64)
    low, high = wilson(missed, n)
    with np.errstate(invalid="ignore"):
        share = missed / n
    frame = rows.assign(
        skipped=missed, n=n, skipped_share=share, low=low, high=high, method="wilson 95 %",
        certainty=certainty(n),
    )  # fmt: skip
    ways = (
        f"the map's {len(journey.ways)} ways"
        if journey.ways
        else "the order of the map, forward, however far"
    )
    return defined(
        frame,
        f"Unit: events of {index.in_words()}; skipped: {index.unit}",
        f"Designed: {ways}",
        "Base of skipped: those at this step of the funnel or a later one",
    )


def _counted(index: PathIndex, design: "Design") -> tuple[Ints, Ints, Ints, Ints]:
    """Return events by touchpoint and kind, visitors; of the funnel's steps, who skipped them and who got there."""
    size = len(index.touchpoints)
    counts = np.zeros((size, len(KINDS)), dtype=np.int64)
    visitors = np.zeros(size, dtype=np.int64)
    skipped = np.zeros(len(design.funnel), dtype=np.int64)
    beyond = np.zeros(len(design.funnel), dtype=np.int64)
    for customer, code, kind in design.judged():
        np.add.at(counts, (code, kind), 1)
        here = np.unique(customer.astype(np.int64) * size + code) % size
        visitors += np.bincount(here, minlength=size)
        passed, there = design.passed(customer, code)
        skipped += (passed & ~there).sum(axis=0)
        beyond += (passed | there).sum(axis=0)
    return counts, visitors, skipped, beyond


def conformance_by_customer(log: Any, journey: Journey) -> pd.DataFrame:
    """Return the same, one row per customer: ``customer_id``, `KINDS` and ``events``, ``skipped`` (int64).

    ``skipped`` counts steps of the funnel.
    """
    index = path_index(log)
    design = Design(index, journey)
    columns = ["customer_id", "events", *KINDS, "skipped"]
    if index.file is None:
        rows = collect(by_customer_there(index, design))[columns]
        frame = rows.astype(dict.fromkeys(columns[1:], "int64"))
        return defined(
            frame.sort_values("customer_id", kind="stable", ignore_index=True),
            f"Unit: {index.unit}; {index.in_words()}",
        )
    parts = []
    for customer, code, kind in design.judged():
        who, place = np.unique(customer, return_inverse=True)
        table = np.zeros((len(who), len(KINDS)), dtype=np.int64)
        np.add.at(table, (place, kind), 1)
        passed, there = design.passed(customer, code)
        part = pd.DataFrame(table, columns=list(KINDS)).assign(
            customer=who, events=table.sum(axis=1), skipped=(passed & ~there).sum(axis=1)
        )
        parts.append(part)
    if not parts:
        return pd.DataFrame({c: [] for c in columns})
    ids = index.stored.filter(index.stored.step == 1).select("customer", "customer_id").to_pyarrow()
    frame = pd.concat(parts).merge(ids.to_pandas(), on="customer", how="left")
    frame = frame[columns].sort_values("customer_id", kind="stable", ignore_index=True)
    return defined(frame, f"Unit: {index.unit}; {index.in_words()}")


def judged_paths(index: PathIndex, journey: Journey) -> ir.Table:
    """Return ``customer`` and ``fits``: whether every event of theirs was designed or a repeat."""
    if index.file is None:
        return fits_there(index, Design(index, journey))
    who, fits = [np.empty(0, np.int64)], [np.empty(0, np.bool_)]
    for customer, _code, kind in Design(index, journey).judged():
        heads = np.flatnonzero(np.append(True, customer[1:] != customer[:-1]))
        strange = np.add.reduceat(kind >= UNPLANNED, heads, dtype=np.int64)
        who.append(customer[heads].astype(np.int64))
        fits.append(strange == 0)
    judged = {"customer": np.concatenate(who).astype(np.int32), "fits": np.concatenate(fits)}
    return beside(
        pa.table({name: pa.array(values) for name, values in judged.items()}), index.stored
    )


class Design:
    """The designed steps in the codes of one index."""

    def __init__(self, index: PathIndex, journey: Journey) -> None:
        self.index = index
        order = {t.id: i for i, t in enumerate(journey.touchpoints)}
        size = len(index.touchpoints)
        rank = np.array([order.get(name, -1) for name in index.touchpoints], dtype=np.int64)
        self.mapped = rank >= 0
        self.rank = None if journey.ways else rank
        code = {name: i for i, name in enumerate(index.touchpoints)}
        if journey.ways:
            self.designed = np.zeros((size, size), dtype=np.bool_)
            for way in journey.ways:
                if way.source in code and way.target in code:
                    self.designed[code[way.source], code[way.target]] = True
        else:
            self.designed = rank[:, None] < rank[None, :]
        self.funnel = np.array([code.get(step, -1) for step in journey.funnel], dtype=np.int64)

    def judged(self) -> Iterator[tuple[npt.NDArray[Any], npt.NDArray[Any], npt.NDArray[Any]]]:
        """Return customer, code and kind of every event, piece by piece."""
        for piece in self.index.pieces("touchpoint"):
            customer = piece["customer"].to_numpy()
            code = piece["touchpoint"].to_numpy().astype(np.int64)
            kind = np.full(len(code), UNMAPPED, dtype=np.int64)
            on_map = np.flatnonzero(self.mapped[code])
            kind[on_map] = self._kinds(customer[on_map], code[on_map])
            yield customer, code, kind

    def _kinds(self, customer: npt.NDArray[Any], code: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
        if not len(code):
            return np.empty(0, dtype=np.int64)
        begins = np.append(True, customer[1:] != customer[:-1])
        led_to = begins.copy()
        led_to[1:] |= self.designed[code[:-1], code[1:]]
        visit = customer.astype(np.int64) * len(self.mapped) + code
        first = np.zeros(len(code), dtype=np.bool_)
        first[np.unique(visit, return_index=True)[1]] = True
        return np.where(led_to, DONE, np.where(first, UNPLANNED, REPEATED))

    def passed(
        self, customer: npt.NDArray[Any], code: npt.NDArray[Any]
    ) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
        """Return by customer and step of the funnel whether a later step, and this one, was visited."""
        who, place = np.unique(customer, return_inverse=True)
        there = np.zeros((len(who), len(self.funnel)), dtype=np.bool_)
        for step, wanted in enumerate(self.funnel):
            there[place[code == wanted], step] = True
        later = np.zeros_like(there)
        if there.shape[1] > 1:
            later[:, :-1] = np.logical_or.accumulate(there[:, ::-1], axis=1)[:, ::-1][:, 1:]
        return later, there


def _rows(
    index: PathIndex,
    journey: Journey,
    counts: npt.NDArray[np.int64],
    visitors: npt.NDArray[np.int64],
) -> pd.DataFrame:
    code = {name: i for i, name in enumerate(index.touchpoints)}
    mapped = [t.id for t in journey.touchpoints]
    strange = [name for name in index.touchpoints if name not in set(mapped)]
    labels = {t.id: t.label for t in journey.touchpoints}
    rows = []
    for name in [*mapped, *strange]:
        own = counts[code[name]] if name in code else np.zeros(len(KINDS), dtype=np.int64)
        rows.append(
            {
                "touchpoint": name,
                "label": labels.get(name, name),
                "events": int(own.sum()),
                **{kind: int(n) for kind, n in zip(KINDS, own, strict=True)},
                "customers": int(visitors[code[name]]) if name in code else 0,
            }
        )
    columns = ["touchpoint", "label", "events", *KINDS, "customers"]
    return pd.DataFrame(rows, columns=columns)
