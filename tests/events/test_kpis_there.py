"""Every KPI that a log, order lines, support cases and answers can be asked for has the same values where they live."""

import contextlib

import pandas as pd
import pyarrow.parquet as pq
import pytest

from journey_widgets.events.mapping import SourceMapping
from journey_widgets.events.source import read
from journey_widgets.events.warehouse_source import read_there
from journey_widgets.scorecard import cells
from journey_widgets.scorecard.measures import measure_with
from journey_widgets.scorecard.recipes import RECIPES
from journey_widgets.scorecard.recipes.recipe import Shared
from support import engines
from support import kpi_world as world

KINDS = ("events", "order_lines", "tickets", "answers")
FITTED = {"clv_expected"}
"""A model is fitted here to what was bought; on so few customers it ends a little elsewhere."""
KPIS = [
    k for k, r in RECIPES.items() if {r.source, *r.also} <= set(KINDS) and k not in world.NOT_HERE
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp("kpis")
    world.make(made, 3_000)
    return made


def mapping(kind, **more):
    money = {"currency": "EUR"} if kind == "order_lines" else {}
    return SourceMapping.model_validate({"keep": ["segment"], "time_zone": "UTC", **money, **more})


@pytest.fixture(scope="module")
def here(folder):
    return {k: read(k, folder / f"{k}.parquet", mapping(k)) for k in KINDS}


@pytest.fixture(scope="module")
def backend():
    with engines.connected("postgres") as con:
        yield con


@pytest.fixture(scope="module")
def there(folder, backend):
    for kind in KINDS:
        backend.create_table(f"web_{kind}", pq.read_table(folder / f"{kind}.parquet"))
    return {k: read_there(k, mapping(k, backend=backend.name, table=f"web_{k}")) for k in KINDS}


def values(kpi, sources, by, shared=None):
    found = measure_with(
        shared or Shared(), kpi, sources, by=by, zone="Europe/Rome", words=world.WORDS,
        options=world.OPTIONS.get(kpi), draws=200,
    )  # fmt: skip
    return found.drop(columns="definition")


def same(a, b, kpi):
    pd.testing.assert_frame_equal(a, b, rtol=0.05 if kpi in FITTED else 1e-9)


@pytest.fixture(scope="module")
def asking():
    """What the KPIs of a page have in common, here and there."""
    with contextlib.closing(Shared()) as ours, contextlib.closing(Shared()) as theirs:
        yield ours, theirs


@pytest.mark.parametrize("kpi", KPIS)
def test_every_kpi_has_them_by_segment_too(kpi, here, there, asking):
    by, both = ((), (None, None)) if kpi in FITTED else (("segment",), asking)
    same(*(values(kpi, s, by, a) for s, a in zip((here, there), both, strict=True)), kpi)


@pytest.mark.parametrize("kpi", ["edge_median", "resolution_time", "csat_mean", "resolution_p90"])
def test_of_cases_too_many_to_come_here_the_ranks_tell_the_same(kpi, here, there, monkeypatch):
    wanted = values(kpi, here, ("segment",))
    monkeypatch.setattr(cells, "MANY_CASES", 0)
    found = values(kpi, there, ("segment",))
    drawn = (found["method"] == cells.NOT_DRAWN).any()
    told = ["low", "high", "method"] if drawn else []
    same(wanted.drop(columns=told), found.drop(columns=told), kpi)


def test_tables_that_live_apart_are_refused_in_words(here, there):
    with pytest.raises(Exception, match="tables that live apart"):
        values("closed_loop_rate", {**there, "answers": here["answers"]}, ())
