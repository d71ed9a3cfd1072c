"""A source as somebody sees it who may see only some of its rows: the others are taken out before anything is counted.

What is left is stored beside the whole source, and everything that follows is made of that alone: data check,
customers, touchpoints, paths.
"""

import contextlib
import hashlib
import json
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import ibis.expr.types as ir

from journey_widgets.errors import AccessError
from journey_widgets.events.engine import engine
from journey_widgets.events.mapping import SourceMapping
from journey_widgets.events.source import Source, read
from journey_widgets.tables import contract

Rows = Mapping[str, Sequence[str]]
"""Column of a source → the values whose rows may be seen."""


def can_be_told_apart(kind: str, mapping: SourceMapping, rows: Rows, *, has_log: bool) -> bool:
    """Return whether a source says of its rows whose they are: by the columns, or by customers of a log that does."""
    if set(rows) <= {*mapping.keep, *mapping.columns}:
        return True
    if kind == "events" or not has_log:
        return False
    must = {c.name for c in contract(kind).columns if c.required}
    return "customer_id" in must or "customer_id" in mapping.columns


def untold(kind: str, lacking: Sequence[str]) -> AccessError:
    """Return what is said where a source does not say whose its rows are."""
    lacks = ", ".join(repr(c) for c in lacking)
    return AccessError(
        f"You may see some rows only, and {kind} does not say whose they are: it has no {lacks}."
    )


def only_rows(source: Source, rows: Rows, log: Source | None, cache: Path) -> Source:
    """Return a source with the rows that may be seen.

    Parameters
    ----------
    source
        The whole source.
    rows
        Column → values. A source without one of the columns keeps the rows of the customers of `log`.
    log
        The event log with its rows taken out; None for the log itself.
    cache
        Folder in which sources are kept.

    Raises
    ------
    AccessError
        Neither columns nor customers say whose the rows are.
    """
    table = source.table
    there = [c for c in rows if c in table.columns]
    for column in there:
        table = table.filter(table[column].cast("string").isin(list(rows[column])))
    if len(there) < len(rows):
        if log is None or "customer_id" not in table.columns:
            raise untold(source.kind, [c for c in rows if c not in there])
        table = table.semi_join(log.table.select("customer_id").distinct(), "customer_id")
    told = json.dumps({c: sorted(v) for c, v in sorted(rows.items())}, ensure_ascii=False)
    # Names of files tell which key pseudonyms were made with; fingerprints do not.
    files = [s.path.name if s is not None and s.path is not None else "" for s in (source, log)]
    made_of = [told, source.fingerprint, *files]
    digest = hashlib.sha256(json.dumps(made_of).encode()).hexdigest()
    folder = cache / f"only-{hashlib.sha256(told.encode()).hexdigest()[:16]}"
    folder.mkdir(parents=True, exist_ok=True)
    left = folder / f"left-{source.kind}-{digest[:16]}.parquet"
    if not left.exists():
        with tempfile.TemporaryDirectory(dir=folder, prefix="leaving-") as scratch:
            part = Path(scratch) / left.name
            engine().to_parquet(_as_it_came(table, source), part)
            part.replace(left)
        _forget(folder, source, left)
    found = read(source.kind, left, _mapping(source), cache=folder)
    return replace(found, table=found.table.select(*table.columns))


def _forget(folder: Path, source: Source, left: Path) -> None:
    """Remove what was left of the source before: at once where ids have become pseudonyms, else after a day."""
    least = 0 if source.mapping.pseudonyms else 86_400
    for pattern in (f"left-{source.kind}-*", f"{source.kind}-*"):
        for old in folder.glob(pattern):
            with contextlib.suppress(OSError):
                if old != left and time.time() - old.stat().st_mtime > least:
                    old.unlink()


def _as_it_came(table: ir.Table, source: Source) -> ir.Table:
    """Return the rows in their order, without what reading them adds."""
    added = {"row", *({"touchpoint"} if source.kind == "events" else ())}
    return table.order_by("row").drop(*(c for c in table.columns if c in added))


def _mapping(source: Source) -> SourceMapping:
    """Return how the rows are read again: they have the contract's names, and instants in UTC."""
    known = {c.name for c in contract(source.kind).columns}
    more = [
        c
        for c in source.table.columns
        if c not in known | {"row", "touchpoint", *source.mapping.outcomes}
    ]
    mapping = source.mapping
    return SourceMapping(
        time_zone="UTC", currency=mapping.currency, keep=tuple(more), touchpoints=mapping.touchpoints,
        steps=mapping.steps, unmapped=mapping.unmapped, outcomes=mapping.outcomes,
        not_personal=tuple(dict.fromkeys([*mapping.not_personal, *mapping.pseudonyms])), tolerance=mapping.tolerance,
    )  # fmt: skip
