"""A path index written straight from a list of events, without reading a source: for many small logs."""

import hashlib
import uuid
from datetime import datetime, timedelta

import pyarrow as pa
import pyarrow.parquet as pq

from journey_widgets.events.engine import scratch_folder
from journey_widgets.events.paths import PathIndex
from journey_widgets.events.stored_log import file_name
from support import oracles

START = datetime(2026, 3, 1)  # noqa: DTZ001 - UTC by contract


def index_of(events):
    """Events: (customer, seconds or datetime, name). Customers are numbered in order of id."""
    names = sorted({n for _c, _t, n in events})
    rows = []
    for number, (customer, path) in enumerate(sorted(oracles.paths(events).items())):
        times = [t if isinstance(t, datetime) else START + timedelta(seconds=t) for t, _n in path]
        for place, (_t, name) in enumerate(path):
            last = place + 1 == len(path)
            rows.append(
                {
                    "customer_id": str(customer),
                    "ts": times[place],
                    "customer": number,
                    "lot": int(
                        hashlib.md5(str(customer).encode(), usedforsecurity=False).hexdigest()[:3],
                        16,
                    ),
                    "step": place + 1,
                    "touchpoint": names.index(name),
                    "next": None if last else names.index(path[place + 1][1]),
                    "gap": None
                    if last
                    else (times[place + 1] - times[place]) // timedelta(microseconds=1),
                }
            )
    types = {"customer": pa.int32(), "step": pa.int32(), "touchpoint": pa.int16(),
             "next": pa.int16(), "gap": pa.int64(), "lot": pa.int16(), "ts": pa.timestamp("us"),
             "customer_id": pa.string()}  # fmt: skip
    table = pa.table({file_name(c): pa.array([r[c] for r in rows], t) for c, t in types.items()})
    target = scratch_folder() / f"{uuid.uuid4().hex}.parquet"
    pq.write_table(table, target)
    return PathIndex(target, tuple(names))
