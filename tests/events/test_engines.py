"""The engine contract: the same question has the same answer here, in PostgreSQL and on Spark."""

import os
import re
from datetime import datetime, timedelta
from math import inf

import ibis
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from ibis import _

from journey_widgets import journey as paths
from journey_widgets.errors import InfrastructureError, JourneyDataError
from journey_widgets.events import log_there, quantiles, shelf_there, warehouse
from journey_widgets.events.check_there import CheckThere
from journey_widgets.events.engine import collect, engine
from journey_widgets.events.instants import from_micros, micros
from journey_widgets.events.mapping import SourceMapping
from journey_widgets.events.paths import path_index
from journey_widgets.events.shelf_there import ShelfThere
from journey_widgets.events.shuffle import by_chance, group_of, lot
from journey_widgets.events.source import read, read_events
from journey_widgets.events.warehouse_source import read_there
from journey_widgets.journey import who
from journey_widgets.publish.dashboards import _free_port
from journey_widgets.scorecard import measure
from journey_widgets.upsell.days import days_of
from journey_widgets.upsell.signals import signals, whose
from support import engines, kpi_world, oracles
from support.engines import same
from support.path_questions import ONE_OF_EACH, STEPS, questions

EVENTS, SEED = 900, 11


def mapping(**more):
    return SourceMapping.model_validate(
        {"columns": engines.COLUMNS, "order": "turn", "time_zone": "UTC", **more}
    )


@pytest.fixture(scope="module")
def log():
    return engines.boundary_log(EVENTS, SEED)


@pytest.fixture(scope="module", params=["postgres", "pyspark"])
def backend(request):
    with engines.connected(request.param) as con:
        yield con


@pytest.fixture(scope="module")
def here(log):
    return path_index(read_events(log, **engines.COLUMNS, order="turn", time_zone="UTC"))


@pytest.fixture(scope="module")
def there(log, backend):
    backend.create_table("web_events", log)
    return path_index(read_there("events", mapping(backend=backend.name, table="web_events")))


# --- expressions that must agree ----------------------------------------------------------------------


def expressions(ev):
    path = ibis.window(group_by="who", order_by=["at", "turn"])
    after = ibis.window(group_by="who", order_by=["at", "turn"], rows=(1, None))
    before = ibis.window(group_by="who", order_by=["at", "turn"], rows=(None, -1))
    buys = ev.filter(ev.what == "purchase").select("who", "turn", bought=micros(ev.at))
    ads = ev.filter(ev.what == "ad").select(whose="who", seen=micros(ev.at))
    both = buys.join(ads, buys.who == ads.whose).filter(_.bought >= _.seen)
    ordered = ev.mutate(place=ibis.row_number().over(path))
    return {
        "microseconds": ev.select("turn", m=micros(ev.at)),
        "instants": ev.select("turn", m=from_micros(micros(ev.at) + 1)),
        "the one before": ev.select("turn", m=ev.what.lag().over(path)),
        "the next three": ev.select(
            "turn", **{f"n{k}": ev.what.lead(k).over(path) for k in (1, 2, 3)}
        ),
        "places": ordered.select("turn", m=ordered.place),
        "least of those after": ev.select(
            "turn", m=(ev.what == "cart").ifelse(ev.turn, ibis.null("int64")).min().over(after)
        ),
        "number of those before": ev.select(
            "turn",
            m=(ev.what == "cart").cast("int32").sum().over(before).fill_null(0).cast("int64"),
        ),
        "time to the one before, over a limit": ev.select(
            "turn", m=micros(ev.at) - micros(ev.at.lag().over(path)) > 1_000_000
        ),
        "first and last": ev.group_by("who").agg(
            a=ev.what.argmin(ev.turn), b=ev.what.argmax(ev.turn)
        ),
        "distinct": ev.group_by("what").agg(n=ev.who.nunique()),
        "months": ev.group_by(m=ev.at.truncate("M")).agg(n=ev.count()),
        "weeks": ev.group_by(m=ev.at.truncate("W")).agg(n=ev.count()),
        "median and spread": ev.group_by("what").agg(
            m=ev.turn.quantile(0.5), q=ev.turn.quantile(0.95), s=ev.turn.cast("float64").std()
        ),
        "last time before": both.group_by("who", "turn").agg(m=both.seen.max()),
        "without": ev.anti_join(ads, ev.who == ads.whose).group_by("who").agg(n=_.count()),
        "shares of whole numbers": ev.group_by("who").agg(
            m=(ev.what == "cart").cast("int32").sum().cast("float64") / ev.count()
        ),
        "by chance": ev.select("turn", m=by_chance(ev.who)),
        "lots": ev.select(
            "turn", m=lot(ev.who).cast("int64"), g=group_of(lot(ev.who), 200).cast("int64")
        ),
        "greatest": ev.select(
            "turn", m=ibis.greatest(ev.turn, ibis.literal(7)), n=ev.what.length()
        ),
        "years": ev.select(
            "turn", m=from_micros(micros(ev.at)).year() * 12 + from_micros(micros(ev.at)).month()
        ),
    }


NAMES = tuple(expressions(ibis.memtable(engines.boundary_log(2, 1))))


@pytest.mark.parametrize("name", NAMES)
def test_an_expression_means_the_same_everywhere(name, log, backend, there):
    ours = engine().create_table(ibis.util.gen_name("contract"), log, temp=True)
    found = [
        expressions(t)[name].to_pyarrow().to_pandas() for t in (ours, backend.table("web_events"))
    ]
    keys = [c for c in ("who", "what", "turn") if c in found[0]] or ["m"]
    a, b = (f.sort_values(keys, ignore_index=True) for f in found)
    pd.testing.assert_frame_equal(a, b, rtol=1e-9, check_dtype=False)


# --- every question about paths ------------------------------------------------------------------------


ASKED = tuple(questions(""))


@pytest.mark.parametrize("name", sorted(ONE_OF_EACH))
def test_a_question_about_paths_has_the_same_answer_where_the_events_live(name, here, there):
    asked = questions(paths.variants(here, top=1)["path"][0])[name]
    same(asked(here), asked(there))


@pytest.mark.parametrize("backend", ["postgres"], indirect=True)
@pytest.mark.parametrize("name", sorted({*ASKED} - ONE_OF_EACH))
def test_a_question_has_the_same_answer_there_in_whichever_way_it_is_asked(name, here, there):
    asked = questions(paths.variants(here, top=1)["path"][0])[name]
    same(asked(here), asked(there))


KINDS = ("events", "order_lines", "tickets", "answers")
KPIS = (
    "nps", "aov", "customer_retention", "engaged_session_rate", "stickiness", "cart_abandonment", "conversion_rate",
    "edge_median", "resolution_p90", "sla_attainment", "backlog_age", "closed_loop_rate",
)  # fmt: skip
"""One of each kind of recipe; `test_kpis_there` asks PostgreSQL for all of them."""


@pytest.fixture(scope="module")
def sold(backend, tmp_path_factory):
    """The sources of KPIs, here and there."""
    folder = tmp_path_factory.mktemp("kpis")
    kpi_world.make(folder, 2_000)
    told = {"keep": ["segment"], "time_zone": "UTC"}
    pair = {}, {}
    for kind in KINDS:
        pair[0][kind] = read(kind, folder / f"{kind}.parquet", SourceMapping.model_validate(told))
        backend.create_table(f"kpi_{kind}", pq.read_table(folder / f"{kind}.parquet"))
        lives = {**told, "backend": backend.name, "table": f"kpi_{kind}"}
        pair[1][kind] = read_there(kind, SourceMapping.model_validate(lives))
    return pair


@pytest.mark.parametrize("backend", ["pyspark"], indirect=True)
@pytest.mark.parametrize("kpi", KPIS)
def test_a_kpi_has_the_same_values_and_intervals_on_spark(kpi, sold):
    asked = {
        "zone": "Europe/Rome",
        "words": kpi_world.WORDS,
        "options": kpi_world.OPTIONS.get(kpi),
        "draws": 200,
    }
    same(*(measure(kpi, sources, **asked).drop(columns="definition") for sources in sold))


def test_a_spark_server_that_is_not_there_is_said_at_once(monkeypatch):
    monkeypatch.setenv("JOURNEY_PYSPARK_URL", f"sc://127.0.0.1:{_free_port(0)}")
    with pytest.raises(InfrastructureError, match="pyspark cannot be reached"):
        warehouse.warehouse("pyspark")


def test_every_letter_means_itself(backend):
    letters = [chr(c) for c in (*range(1, 33), 127, 0x85, 0xA0, 0x2028)] + [
        "\\",
        "'",
        '"',
        "\\f",
        "%",
        "é",
        "𝄞",
    ]
    columns = {f"c{i}": ibis.literal(f"a{x}b") for i, x in enumerate(letters)}
    one = backend.create_table("one_row", pa.table({"n": [1]}), overwrite=True)
    (found,) = one.select(**columns).to_pyarrow().to_pylist()
    assert [found[f"c{i}"] for i in range(len(letters))] == [f"a{x}b" for x in letters]


def test_ids_and_names_lose_white_space_and_no_letters(backend):
    """Names and hexadecimal ids that end in f or v: an engine that does not know an escape cuts them off."""
    customers = ["beef", "bee", "0f", "f", " v", "\fv\v", "tv\n", "\tcafe", "vf\x0b\x0c", "eve"]
    names = ["off", "tv", "o", "view", "\x0cfive\x0b"]
    rows = [(c, datetime(2026, 1, 1, i), e, i) for i, c in enumerate(customers) for e in names]  # noqa: DTZ001 - UTC
    columns = dict(
        zip(("who", "at", "what", "turn"), map(list, zip(*rows, strict=True)), strict=True)
    )
    given = pa.table(columns)
    backend.create_table("letters", given, overwrite=True)
    read_as = {"columns": engines.COLUMNS, "order": "turn", "time_zone": "UTC"}
    far = SourceMapping.model_validate({**read_as, "backend": backend.name, "table": "letters"})
    own, found = (
        read_events(given, **engines.COLUMNS, order="turn", time_zone="UTC"),
        read_there("events", far),
    )
    assert found.touchpoints == own.touchpoints == ("five", "o", "off", "tv", "view")
    kept = ["customer_id", "event"]
    both = [
        collect(s.table.select(kept)).sort_values(kept, ignore_index=True) for s in (own, found)
    ]
    pd.testing.assert_frame_equal(*both)
    assert set(both[1]["customer_id"]) == {c.strip() for c in customers}


def test_quantiles_that_are_found_by_place_are_those_an_engine_has(
    there, here, backend, monkeypatch
):
    """As on engines that have no exact one: PostgreSQL and Spark have both ways."""
    asked = {"weights": ("count", "time_median", "time_q95")}
    own = (paths.transitions(here, **asked), paths.step_times(here, STEPS))
    there_own = (paths.transitions(there, **asked), paths.step_times(there, STEPS))
    monkeypatch.setattr(quantiles, "BY_PLACE", {backend.name})
    found = (paths.transitions(there, **asked), paths.step_times(there, STEPS))
    for one, two, three in zip(own, there_own, found, strict=True):
        pd.testing.assert_frame_equal(three, one)
        pd.testing.assert_frame_equal(three, two)
    assert found[0]["time_q95_hours"].notna().sum() > 20


@pytest.mark.parametrize("most", [inf, 250])
def test_moments_look_at_the_same_days_of_the_same_customers(log, backend, here, there, most):
    """As index and as what `signals` returns; where not everybody can be looked at, the same ones are drawn."""
    source = read_there("events", mapping(backend=backend.name, table="web_events"))
    ours = read_events(log, **engines.COLUMNS, order="turn", time_zone="UTC")
    for one, other in ((here, there), (signals({"events": ours}), signals({"events": source}))):
        own, found = (
            days_of(e, zone="Europe/Rome", outcome="purchase", most=most) for e in (one, other)
        )
        assert (found.names, found.last, found.begins) == (own.names, own.last, own.begins)
        known = own.ids()
        numbers = {c: n for n, c in enumerate(sorted(known[c] for c in np.unique(own.customer)))}
        assert found.ids() == {n: c for c, n in numbers.items()}
        assert found.customer.tolist() == [numbers[known[c]] for c in own.customer]
        for column in ("day", "touchpoint", "times"):
            assert getattr(found, column).tolist() == getattr(own, column).tolist()
        assert (found.drawn is None) == (most == inf)
        if most < inf:
            assert found.drawn.said == own.drawn.said
            present = np.unique(own.customer)
            assert found.drawn.weight.tolist() == own.drawn.weight[present].tolist()
            assert found.drawn.alike.tolist() == own.drawn.alike[present].tolist()
    few = sorted(set(found.ids().values()))[:3]
    assert set(days_of(whose(other, few)).ids().values()) == set(few)


def test_sessions_lead_to_the_same_steps_with_the_same_intervals(here, there):
    same(*(paths.transitions(paths.split_sessions(i, "30m")) for i in (here, there)))


def test_answers_are_those_of_plain_python(log, there):
    rows = [tuple(r[c] for c in ("who", "at", "what")) for r in log.to_pylist()]
    found = paths.transitions(there)
    counted = found[["source", "target", "count", "customers"]].itertuples(index=False)
    wanted = oracles.transitions(rows)
    assert {(s, t): [n, c] for s, t, n, c in counted} == {
        k: v for k, v in wanted.items() if "path_start" not in k and "path_end" not in k
    }
    funnel = paths.funnel(there, STEPS, within="8d", exclude=["support"])
    wanted = oracles.funnel(rows, STEPS, within=timedelta(days=8), exclude=["support"])
    assert funnel["customers"].tolist() == wanted
    variants = paths.variants(there)
    assert dict(zip(variants["path"], variants["customers"], strict=True)) == oracles.variants(rows)


def test_a_log_that_grew_is_the_log_it_would_be_if_read_at_once(
    log, backend, here, there, monkeypatch
):
    """How it grows, and when not, is told in `test_growing_there`."""
    monkeypatch.setattr(log_there, "SHARE", 1.0)
    loaded = np.searchsorted([EVENTS - 30, EVENTS - 10], np.arange(EVENTS), side="right")
    rows = log.append_column("loaded", pa.array(loaded, pa.int64()))
    asked = mapping(backend=backend.name, table="growing_events", loaded_at="loaded")
    backend.create_table("growing_events", rows.slice(0, EVENTS - 30))
    read_there("events", asked)
    for at, many in ((EVENTS - 30, 20), (EVENTS - 10, 10)):
        backend.insert("growing_events", rows.slice(at, many))
        found = read_there("events", asked)
        assert engines.shelf(backend, asked).notes()[-1][0]["tail"]
    grown = path_index(found)
    for ask in (paths.transitions, paths.variants, lambda i: paths.funnel(i, STEPS, order="any")):
        same(ask(here), ask(grown))
    whole = read_there("events", mapping(backend=backend.name, table="web_events"))
    same(found.data_check, whole.data_check)


# --- the log itself ----------------------------------------------------------------------------------


def test_customers_are_numbered_in_order_of_id_also_piece_by_piece(
    log, backend, here, there, monkeypatch
):
    found = (
        there.stored.filter(_.step == 1).select("customer", "customer_id").to_pyarrow().to_pandas()
    )
    wanted = (
        here.stored.filter(_.step == 1).select("customer", "customer_id").to_pyarrow().to_pandas()
    )
    same(
        *(
            f.sort_values("customer").astype({"customer": "int64", "customer_id": "str"})
            for f in (wanted, found)
        )
    )
    monkeypatch.setattr("journey_widgets.events.log_there.ALONE", 20)
    again = path_index(
        read_there("events", mapping(backend=backend.name, table="web_events", keep=["turn"]))
    )
    pieces = (
        again.stored.filter(_.step == 1).select("customer", "customer_id").to_pyarrow().to_pandas()
    )
    same(
        *(
            f.sort_values("customer", ignore_index=True).astype({"customer": "int64"})
            for f in (found, pieces)
        )
    )
    same(paths.transitions(here), paths.transitions(again))


@pytest.mark.parametrize("backend", ["postgres"], indirect=True)
def test_it_is_stored_once_for_everybody_and_made_anew_when_the_table_changed(log, backend):
    backend.create_table("growing", log.slice(0, 300))
    asked = mapping(backend=backend.name, table="growing")
    before = set(backend.list_tables())
    first = read_there("events", asked)
    made = set(backend.list_tables()) - before
    assert sorted(n.split("_")[1] for n in made if n.startswith("journey_")) == ["note", "rows"]

    again = read_there("events", asked)
    assert again.fingerprint == first.fingerprint
    assert made <= set(backend.list_tables())
    later = set(backend.list_tables()) - before - made
    assert [n for n in later if n.startswith("journey_")] == []

    backend.create_table("growing", log.slice(0, 301), overwrite=True)
    grown = read_there("events", asked)
    assert grown.fingerprint != first.fingerprint
    assert (
        dict(zip(grown.data_check["check"], grown.data_check["rows"], strict=True))["rows kept"]
        == 301
    )
    # Whoever is reading what was there before still can.
    assert paths.transitions(first)["count"].sum() > 0


@pytest.mark.parametrize("backend", ["postgres"], indirect=True)
def test_what_was_not_finished_is_not_read_and_what_was_replaced_is_cleared_away_the_day_after(
    log, backend, monkeypatch
):
    backend.create_table("broken", log.slice(0, 200))
    asked = mapping(backend=backend.name, table="broken")

    def stopped(*_args):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(ShelfThere, "drop", lambda *_args: None)  # as if the process were gone
        patch.setattr(CheckThere, "log", stopped)
        with pytest.raises(KeyboardInterrupt):
            read_there("events", asked)
    place = engines.shelf(backend, asked)
    (left,) = place.names("rows")
    assert place.names("note") == []

    first = read_there("events", asked)
    assert first.customers > 0
    assert left in place.names("rows")  # somebody may still be at it
    backend.create_table("broken", log.slice(0, 201), overwrite=True)
    read_there("events", asked)
    assert paths.transitions(first)["count"].sum() > 0  # nor is what was replaced a moment ago
    assert len(place.names("note")) == 2

    monkeypatch.setattr(shelf_there, "KEPT_FOR", timedelta(days=-1))
    newest = read_there("events", asked)
    assert len(place.names("note")) == len(place.names("rows")) == 1
    assert paths.transitions(newest)["count"].sum() > 0


@pytest.mark.parametrize("backend", ["postgres"], indirect=True)
def test_rows_that_somebody_removed_and_those_another_stored_at_the_same_time_are_no_failure(
    log, backend, monkeypatch
):
    backend.create_table("raced", log.slice(0, 100))
    asked = mapping(backend=backend.name, table="raced")
    place = engines.shelf(backend, asked)
    first = read_there("events", asked)
    for name in place.names("rows"):
        place.drop(name)
    again = read_there("events", asked)
    assert again.customers == first.customers

    for name in [*place.names("rows"), *place.names("note")]:
        place.drop(name)
    store = ShelfThere.store

    def slower(self, name, rows):
        if "_note_" in name:  # another process is done just before
            with monkeypatch.context() as patch:
                patch.setattr(ShelfThere, "store", store)
                read_there("events", asked)
        return store(self, name, rows)

    monkeypatch.setattr(ShelfThere, "store", slower)
    assert read_there("events", asked).customers == first.customers
    assert len(place.names("note")) == len(place.names("rows")) == 1


@pytest.mark.parametrize("backend", ["postgres"], indirect=True)
def test_a_value_that_was_corrected_is_seen(log, backend):
    rows = log.slice(0, 100).append_column("value", pa.array([1.0] * 100))
    rows = rows.append_column("grade", pa.array(["gold"] * 100))
    backend.create_table("corrected", rows)
    asked = mapping(backend=backend.name, table="corrected", keep=["grade"])
    seen = {read_there("events", asked).fingerprint}
    for change in (
        "value = 2 WHERE turn = 5", "grade = 'lead' WHERE turn = 6", "turn = 1000 - turn",
        "what = 'da' WHERE what = 'ad'",
    ):  # fmt: skip
        backend.raw_sql(f"UPDATE corrected SET {change}").close()  # noqa: S608 - our own words
        seen.add(read_there("events", asked).fingerprint)
    assert len(seen) == 5


@pytest.mark.parametrize("backend", ["postgres"], indirect=True)
def test_who_may_see_some_rows_of_a_table_has_a_copy_of_their_own(backend, monkeypatch):
    rows = "('a1', timestamp '2026-01-01', 'x', 'ann'), ('b1', timestamp '2026-01-01', 'x', 'bob')"
    for statement in (
        f"CREATE TABLE secret AS SELECT * FROM (VALUES {rows}) AS t (who, at, what, login)",  # noqa: S608 - our words
        "ALTER TABLE secret ENABLE ROW LEVEL SECURITY",
        "CREATE POLICY own ON secret USING (login = current_user)",
        "CREATE ROLE ann LOGIN", "CREATE ROLE bob LOGIN", "GRANT SELECT ON secret TO ann, bob",
        "GRANT CREATE, USAGE ON SCHEMA public TO ann, bob",
        "ALTER DEFAULT PRIVILEGES FOR ROLE ann IN SCHEMA public GRANT SELECT ON TABLES TO bob",
    ):  # fmt: skip
        backend.raw_sql(statement).close()
    address = os.environ["JOURNEY_POSTGRES_URL"]
    asked = SourceMapping(columns=engines.COLUMNS, backend="postgres", table="secret")
    for login, own in (("ann", ["a1"]), ("bob", ["b1"]), ("ann", ["a1"])):
        monkeypatch.setenv("JOURNEY_POSTGRES_URL", address.replace("journey@", f"{login}@"))
        found = read_there("events", asked)
        assert found.table.customer_id.to_pyarrow().to_pylist() == own
        warehouse._CONNECTIONS.pop(("postgres", os.environ["JOURNEY_POSTGRES_URL"])).disconnect()


@pytest.mark.parametrize("backend", ["postgres"], indirect=True)
def test_a_connection_that_was_ended_is_made_anew(backend, there, monkeypatch):
    own = os.environ["JOURNEY_POSTGRES_URL"].replace(
        "127.0.0.1", "localhost"
    )  # another one than the others'
    monkeypatch.setenv("JOURNEY_POSTGRES_URL", own)
    with warehouse.warehouse("postgres").raw_sql("SELECT pg_backend_pid()") as asked:
        number = asked.fetchone()[0]
    backend.raw_sql(f"SELECT pg_terminate_backend({number})").close()
    anew = warehouse.warehouse("postgres")
    assert "web_events" in anew.list_tables()
    warehouse._CONNECTIONS.pop(("postgres", own)).disconnect()


def test_sessions_of_many_customers_are_told_apart_also_by_patterns(backend):
    begin = datetime(2026, 1, 1)  # noqa: DTZ001 - UTC
    walk = ((0, "a"), (0, "b"), (9, "a"))
    rows = [(f"c{n:04d}", begin + timedelta(hours=h), e) for n in range(400) for h, e in walk]
    who_, at, what = zip(*rows, strict=True)
    log = pa.table(
        {
            "who": who_,
            "at": pa.array(at, pa.timestamp("us")),
            "what": what,
            "turn": range(len(rows)),
        }
    )
    backend.create_table("many", log)
    told = {"columns": engines.COLUMNS, "order": "turn", "time_zone": "UTC"}
    here = read_events(log, **told["columns"], order="turn", time_zone="UTC")
    there = read_there(
        "events", SourceMapping.model_validate({**told, "backend": backend.name, "table": "many"})
    )
    for ask in (
        lambda i: paths.funnel(i, ["a -> b", "a"]),
        lambda i: paths.step_matrix(i, centre="a -> b", max_steps=2),
        lambda i: paths.step_matrix(paths.matching(i, "a -> b")),
    ):
        same(*(ask(paths.split_sessions(log, "30m")) for log in (here, there)))
    with pytest.raises(JourneyDataError, match="no events of"):
        paths.split_sessions(path_index(there).began("2030-01-01"))


@pytest.mark.parametrize("backend", ["postgres"], indirect=True)
def test_views_are_read_and_what_is_no_number_is_blank(backend):
    values = "'c' AS who, timestamp '2026-01-01' AS at, 'x' AS what, 'NaN'::numeric AS value"
    backend.raw_sql(f"CREATE MATERIALIZED VIEW seen AS SELECT {values}").close()
    found = read_there(
        "events", SourceMapping(columns=engines.COLUMNS, backend="postgres", table="seen")
    )
    assert found.table.value.to_pyarrow().to_pylist() == [None]
    checked = found.data_check.set_index("check")
    assert checked.loc["blank", "column"] == "value"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"table": "web_event"}, "has no table 'web_event' there. Did you mean 'web_events'"),
        (
            {"columns": {**engines.COLUMNS, "ts": "what"}},
            "ts is string in the warehouse; a timestamp",
        ),
        ({"columns": {**engines.COLUMNS, "event": "wat"}}, "'wat'"),
        (
            {"time_zone": "Europe/Rome"},
            "has no time zone in the warehouse and time_zone is Europe/Rome",
        ),
        ({"touchpoints": {"ad": "path_end"}}, "'path_end' is a reserved name"),
        ({"keep": ["who_else"]}, "who_else"),
        (
            {"order": "what"},
            "order names 'what', which is text in the warehouse: 10 would come before 9",
        ),
    ],
)
def test_what_cannot_be_read_there_is_said(change, said, backend, there):
    with pytest.raises(Exception, match=re.escape(said)):
        read_there("events", mapping(**{"backend": backend.name, "table": "web_events", **change}))


def test_text_of_a_warehouse_is_no_statement(backend, there):
    names = ["'; DROP TABLE web_events; --", 'a"b`c', "$(x)", "<script>", "a%b_c\\", "ü 你"]
    rows = pa.table(
        {
            "who": pa.array([f"o'{n}" for n in names for _k in range(2)]),
            "at": pa.array([datetime(2026, 1, 1 + k) for _n in names for k in range(2)], pa.timestamp("us")),  # noqa: DTZ001
            "what": pa.array([n for n in names for _k in range(2)]),
            "turn": pa.array(range(2 * len(names)), pa.int64()),
        }
    )  # fmt: skip
    backend.create_table("hostile", rows)
    found = path_index(read_there("events", mapping(backend=backend.name, table="hostile")))
    assert list(found.touchpoints) == sorted(names)
    for name in names:
        assert paths.funnel(found, [name, name])["customers"].tolist() == [1, 1]
        assert who.reached(found, [name, name], 2)["customer_id"].tolist() == [f"o'{name}"]
    assert {"hostile", "web_events"} <= set(backend.list_tables())
