"""Variants: the whole paths that customers took, and how many took each."""

from typing import Any

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd
from ibis import _

from journey_widgets.definition import defined
from journey_widgets.errors import JourneyDataError
from journey_widgets.estimates import certainty, wilson
from journey_widgets.events.engine import collect, hold
from journey_widgets.events.paths import PathIndex, numbers, path_index
from journey_widgets.journey.path_texts import path_texts

ARROW = " -> "
TIED = 100_000
"""Paths that come out of a warehouse at most, where fewer are wanted."""


def variants(log: Any, *, top: int | None = None, coverage: float | None = None) -> pd.DataFrame:
    """Count the distinct paths of a log.

    Parameters
    ----------
    log
        A `Source` of events, a table with ``customer_id``, ``ts`` and ``event``, or a `PathIndex`.
    top
        Return only this many, most frequent first; all by default.
    coverage
        Return the most frequent ones until this share (0 to 1) of customers is covered.

    Returns
    -------
    pandas.DataFrame
        One row per path, most frequent first, then by path. Columns: ``path`` (str, touchpoint ids
        joined by ``->``); ``length`` (int64), events in it; ``customers`` (int64); ``share``
        (float64) of all customers, with ``n``, ``low``, ``high``, ``method``, ``certainty``;
        ``coverage``, share of customers in this row and those above it.
    """
    if coverage is not None and not 0 < coverage <= 1:
        msg = f"coverage is {coverage}; a share above 0 and up to 1 was needed."
        raise JourneyDataError(msg)
    if top is not None and top < 0:
        msg = f"top is {top}; a number of paths was needed."
        raise JourneyDataError(msg)
    index = path_index(log)
    n = index.customers()
    if index.file is None:
        frame, wanted, many = _counted_there(index, top, coverage)
        return _shown(frame, wanted, many, n, index)
    groups = collect(
        _paths(index).group_by("a", "b", "length")
        .agg(customers=_.count(), example=_.customer.min())
        .order_by(ibis.desc("customers"))
    )  # fmt: skip
    covered = groups["customers"].cumsum() / n
    wanted = len(groups)
    if coverage is not None:
        wanted = min(wanted, int((covered < coverage - 1e-12).sum()) + 1)
    if top is not None:
        wanted = min(wanted, top)
    if 0 < wanted < len(groups):  # those as frequent as the last one take part in the order by name
        wanted_to = int((groups["customers"] >= groups["customers"].iloc[wanted - 1]).sum())
    else:
        wanted_to = wanted
    return _shown(_named(groups.head(wanted_to), index), wanted, len(groups), n, index)


def _shown(frame: pd.DataFrame, wanted: int, many: int, n: int, index: PathIndex) -> pd.DataFrame:
    """Return the first paths of a frame of ``path``, ``length``, ``customers``, of so many of so many customers."""
    frame = frame.sort_values(["customers", "path"], ascending=[False, True], ignore_index=True)
    low, high = wilson(frame["customers"], n)
    frame = frame.assign(
        share=frame["customers"] / n,
        n=n,
        low=low,
        high=high,
        method="wilson 95 %",
        certainty=certainty(np.full(len(frame), n)),
        coverage=frame["customers"].cumsum() / n,
    )
    return defined(
        frame.head(wanted),
        f"Unit: {index.unit}; {index.in_words()}",
        "A path is all events from the first to the last, repeats included",
        f"Base: all {n:,} {index.unit}; {many:,} different paths in all",
    )


def _counted_there(
    index: PathIndex, top: int | None, coverage: float | None
) -> tuple[pd.DataFrame, int, int]:
    """Return the most frequent paths of a log in a warehouse, how many are wanted, and how many there are."""
    texts = path_texts(index, index.touchpoints, ARROW)
    groups = hold(texts.group_by("path").agg(customers=_.count(), length=_.length.min()))
    # How many paths so many customers took: that is enough to say where to stop.
    steps = collect(groups.group_by("customers").agg(paths=_.count()))
    steps = steps.astype("int64").sort_values("customers", ascending=False, ignore_index=True)
    many, everybody = int(steps["paths"].sum()), int((steps["customers"] * steps["paths"]).sum())
    wanted = many
    if coverage is not None:
        covered, reached = 0, 0
        for customers, paths in steps.itertuples(index=False):
            missing = coverage * everybody - covered - 1e-12 * everybody
            needed = max(0, -int(-missing // customers)) if missing > 0 else 0
            reached += min(int(paths), needed)
            covered += int(customers) * min(int(paths), needed)
            if needed <= paths:
                break
        wanted = min(wanted, max(reached, 1))
    if top is not None:
        wanted = min(wanted, top)
    until = int((steps["paths"].cumsum() < wanted).sum())
    least = int(steps["customers"].iloc[until]) if wanted and until < len(steps) else 0
    rows = groups.filter(groups.customers >= least).order_by(ibis.desc("customers"), "path")
    # Those as frequent as the last one take part in the order by name, unless they are too many to come here.
    found = collect(rows.limit(max(wanted, TIED)))
    found = found.astype({"path": "str", "length": "int64", "customers": "int64"})
    return found[["path", "length", "customers"]], wanted, many


@ibis.udf.scalar.builtin(name="hash")
def _mix(number: int) -> ibis.dtype("uint64"):  # type: ignore[valid-type]
    """Scatter a number over 64 bits."""


@ibis.udf.agg.builtin(name="bit_xor")
def _xor(number: ibis.dtype("uint64")) -> ibis.dtype("uint64"):  # type: ignore[valid-type]
    """Combine numbers in any order."""


def _paths(index: PathIndex) -> ir.Table:
    """Return one row per customer: two 64-bit marks of the path as a whole, and its length.

    Two paths with both marks and length equal are the same but for a chance of about one in
    10^25, for a hundred million customers.
    """
    step, code = _.step.cast("int64"), _.touchpoint.cast("int64")
    return index.table.group_by("customer").agg(
        a=_xor(_mix(code * 4_294_967_296 + step)),
        b=_xor(_mix(step * 4_294_967_296 + code + 1)),
        length=_.count(),
    )


def _named(groups: pd.DataFrame, index: PathIndex) -> pd.DataFrame:
    examples = index.only(numbers(groups["example"].to_numpy(), index), "examples")
    words = np.array(index.touchpoints, dtype=object)
    path_of: dict[int, str] = {}
    for piece in examples.pieces("touchpoint"):
        customer = piece["customer"].to_numpy()
        heads = np.flatnonzero(np.append(True, customer[1:] != customer[:-1]))
        for who, codes in zip(
            customer[heads], np.split(piece["touchpoint"].to_numpy(), heads[1:]), strict=True
        ):
            path_of[int(who)] = ARROW.join(words[codes])
    return pd.DataFrame(
        {
            "path": pd.Series([path_of[c] for c in groups["example"]], dtype="str"),
            "length": groups["length"].astype("int64").to_numpy(),
            "customers": groups["customers"].astype("int64").to_numpy(),
        }
    )


def taken_by(index: PathIndex, path: str) -> ir.Table:
    """Return the numbers of the customers whose whole path is `path`, ids joined by ``->``."""
    strange = [n for n in index.touchpoints if ARROW.strip() in n]
    if strange:
        msg = (
            f"{strange[0]!r} has an arrow in its name, so a path cannot be read back from its text. "
            "Map that event to another touchpoint id."
        )
        raise JourneyDataError(msg)
    codes = [index.code(name.strip()) for name in path.split(ARROW.strip())]
    want = ibis.memtable(
        {"step": list(range(1, len(codes) + 1)), "touchpoint": codes},
        schema={"step": "int32", "touchpoint": "int32"},
    )
    found = index.table.mutate(touchpoint=_.touchpoint.cast("int32"))
    fits = found.join(want, ["step", "touchpoint"]).group_by("customer").agg(fits=_.count())
    length = index.table.group_by("customer").agg(length=_.count())
    both = fits.join(length, "customer").filter(_.fits == len(codes), _.length == len(codes))
    return both.select("customer")
