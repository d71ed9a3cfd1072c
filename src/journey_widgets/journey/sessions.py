"""Sessions: a customer's events cut where a long time passes between two of them."""

import uuid
from typing import Any

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from ibis import _

from journey_widgets.errors import JourneyDataError
from journey_widgets.events.durations import microseconds
from journey_widgets.events.engine import collect, hold, scratch_folder
from journey_widgets.events.paths import PathIndex, path_index
from journey_widgets.events.stored_log import file_name

DEFAULT = "30m"
"""Half an hour is what web analytics uses."""


def split_sessions(log: Any, timeout: str = DEFAULT) -> PathIndex:
    """Cut paths into sessions: a new one begins where more than `timeout` passed since the last event.

    Parameters
    ----------
    log
        A `Source` of events, a table with ``customer_id``, ``ts`` and ``event``, or a `PathIndex`.
    timeout
        A duration with its unit, such as ``"30m"`` or ``"1h"``; a bare number is refused.

    Returns
    -------
    PathIndex
        The same events with one path per session. All path questions then count sessions; its
        ``customer`` numbers sessions, in order of customer and time, and ``customer_id`` still says whose.
    """
    limit = microseconds(timeout, name="timeout")
    index = path_index(log)
    if index.unit == "sessions":
        msg = "These paths are sessions already. Split the log itself, with the timeout you want."
        raise JourneyDataError(msg)
    said = (*index.said, f"split into sessions where more than {timeout} passed")
    if index.file is None:
        if not index.customers():
            msg = f"There are no events of {index.in_words()} to split."
            raise JourneyDataError(msg)
        cut = hold(_cut_there(index, limit))
        return PathIndex(None, index.touchpoints, said=said, unit="sessions", there=cut)
    columns = [c for c in index.stored.columns if c not in ("customer", "step")]
    target = scratch_folder() / f"sessions-{uuid.uuid4().hex}.parquet"
    writer: pq.ParquetWriter | None = None
    sessions = 0
    for piece in index.pieces(*columns):
        gap = piece["gap"].to_numpy(zero_copy_only=False)
        last = np.isnan(gap) | (gap > limit)
        cut = _cut(piece, last, sessions)
        cut = cut.rename_columns([file_name(c) for c in cut.column_names])
        sessions += int(last.sum())
        if writer is None:
            writer = pq.ParquetWriter(target, cut.schema, compression="lz4")
        writer.write_table(cut)
    if writer is None:
        msg = f"There are no events of {index.in_words()} to split."
        raise JourneyDataError(msg)
    writer.close()
    return PathIndex(target, index.touchpoints, said=said, unit="sessions")


ROOM = 2**24
"""Sessions of one customer that have numbers of their own in a warehouse."""


def _cut_there(index: PathIndex, limit: int) -> ir.Table:
    """Return the path index of sessions where the log lives: numbers rise with customer and time, and have gaps."""
    events = index.table
    earlier = ibis.window(group_by="customer", order_by="step", rows=(None, -1))
    last = (events.gap.isnull() | (events.gap > limit)).fill_null(True)
    number = last.cast("int32").sum().over(earlier).fill_null(0).cast("int64")
    numbered = events.mutate(
        last=last, customer=events.customer.cast("int64") * ROOM + number, place=events.step
    )
    own = ibis.window(group_by="customer", order_by="place")
    cut = numbered.mutate(
        step=(ibis.row_number().over(own) + 1).cast("int32"),
        next=numbered["last"].ifelse(ibis.null(numbered.next.type()), numbered.next),
        gap=numbered["last"].ifelse(ibis.null("int64"), numbered.gap),
    )
    return cut.drop("last", "place")


def _cut(piece: pa.Table, last: np.ndarray, before: int) -> pa.Table:
    """Number sessions from `before` on, and the steps within each."""
    number = np.append(0, np.cumsum(last)[:-1]) + before
    heads = np.flatnonzero(np.append(True, last[:-1]))
    sizes = np.diff(np.append(heads, len(last)))
    step = np.arange(1, len(last) + 1) - np.repeat(heads, sizes)
    fresh = {"customer": pa.array(number.astype(np.int32)), "step": pa.array(step.astype(np.int32))}
    within = pa.array(last)
    for name in ("next", "gap"):
        kept = piece[name].combine_chunks()
        fresh[name] = pa.compute.if_else(within, pa.scalar(None, kept.type), kept)
    for name in piece.column_names:
        fresh.setdefault(name, piece[name])
    return pa.table(fresh)


def sessions(log: Any, timeout: str = DEFAULT) -> pd.DataFrame:
    """Return the sessions of a log, one row each.

    Columns: ``customer_id`` (str), ``session`` (int64, from 1 for each customer), ``begins``,
    ``ends`` (datetime64, UTC), ``events`` (int64), ``hours`` (float64), from first to last event.
    """
    index = split_sessions(log, timeout)
    rows = index.stored.group_by("customer", "customer_id").agg(
        begins=_.ts.min(), ends=_.ts.max(), events=_.count()
    )
    frame = collect(rows).sort_values(["customer_id", "customer"], ignore_index=True)
    frame = frame.drop(columns="customer")
    number = frame.groupby("customer_id", sort=False).cumcount() + 1
    frame.insert(1, "session", number.astype("int64"))
    return frame.assign(hours=(frame["ends"] - frame["begins"]).dt.total_seconds() / 3_600)
