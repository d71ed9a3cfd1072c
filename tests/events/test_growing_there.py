"""A log in a warehouse grows by the rows that were loaded since, and is the log it would be if read at once."""

import re
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from journey_widgets import journey as paths
from journey_widgets.errors import InfrastructureError, JourneyDataError
from journey_widgets.events import log_there, shelf_there, warehouse_source
from journey_widgets.events.engine import collect
from journey_widgets.events.mapping import SourceMapping
from journey_widgets.events.paths import path_index
from journey_widgets.events.source import read_events
from journey_widgets.events.warehouse_source import read_there
from journey_widgets.upsell.days import days_of
from support import engines
from support.engines import same
from support.path_questions import ONE_OF_EACH, questions

BASE, LOADS = 600, [620, 621, 700]
"""How many rows there are at first, and after each load."""


@pytest.fixture(scope="module")
def backend():
    with engines.connected("postgres") as con:
        yield con


def mapping(table, **more):
    return SourceMapping.model_validate(
        {
            "columns": engines.COLUMNS, "order": "turn", "time_zone": "UTC", "backend": "postgres", "table": table,
            "loaded_at": "loaded", **more,
        }
    )  # fmt: skip


def loads(log, *ends):
    """Return the log with a column that says in which load, from 1, each row came; loads end at `ends`."""
    at = np.searchsorted(ends, np.arange(ends[-1]), side="right") + 1
    return log.slice(0, ends[-1]).append_column("loaded", pa.array(at, pa.int64()))


def notes_of(backend, asked):
    return [noted for noted, _name in engines.shelf(backend, asked).notes()]


def has_grown(backend, asked):
    return bool(notes_of(backend, asked)[-1].get("tail"))


def begun(backend, table, rows, many=500, **more):
    """Make a table of the first rows and read it; return how."""
    backend.create_table(table, rows.slice(0, many))
    asked = mapping(table, **more)
    read_there("events", asked)
    return asked


def come(backend, asked, rows, begin=500, many=10):
    """Let rows come, and read the table again."""
    backend.insert(asked.table, rows.slice(begin, many))
    return read_there("events", asked)


@pytest.fixture(autouse=True)
def _room(monkeypatch):
    monkeypatch.setattr(log_there, "SHARE", 1.0)  # paths of a few customers are half of a small log


@pytest.fixture(scope="module")
def log():
    return engines.boundary_log(LOADS[-1], 21)


@pytest.fixture(scope="module")
def grown(backend, log):
    """A log that grew three times, and the same rows read at once."""
    rows = loads(log, BASE, *LOADS)
    asked = mapping("daily")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(log_there, "SHARE", 1.0)
        backend.create_table("daily", rows.slice(0, BASE))
        read_there("events", asked)
        for begin, end in zip([BASE, *LOADS], LOADS, strict=False):
            backend.insert("daily", rows.slice(begin, end - begin))
            found = read_there("events", asked)
            assert has_grown(backend, asked)
    backend.create_table("at_once", rows)
    return found, read_there("events", mapping("at_once"))


def test_a_log_that_grew_holds_what_one_read_at_once_holds(grown):
    found, wanted = grown
    a, b = (collect(s.table.order_by(s.table.columns)) for s in grown)
    pd.testing.assert_frame_equal(a, b)
    same(found.data_check, wanted.data_check)
    assert (found.touchpoints, found.customers) == (wanted.touchpoints, wanted.customers)


@pytest.mark.parametrize("name", sorted(ONE_OF_EACH))
def test_every_kind_of_question_has_the_answer_of_a_log_read_at_once(name, grown, log):
    here = path_index(read_events(log, **engines.COLUMNS, order="turn", time_zone="UTC"))
    asked = questions(paths.variants(here, top=1)["path"][0])[name]
    same(asked(path_index(grown[0])), asked(here))


def test_who_is_drawn_is_the_same(grown, log):
    here = days_of(read_events(log, **engines.COLUMNS, order="turn", time_zone="UTC"))
    for source in grown:
        there = days_of(source)
        assert there.ids() == here.ids()
        for name in ("customer", "day", "touchpoint", "times"):
            np.testing.assert_array_equal(getattr(there, name), getattr(here, name))


def test_only_rows_that_were_loaded_since_and_their_customers_are_stored(backend, log):
    rows = loads(log, 500, 510)
    asked = begun(backend, "few", rows)
    come(backend, asked, rows)
    first, second = notes_of(backend, asked)
    assert second["rows"] == first["rows"]
    stored = backend.table(second["tail"])
    came = set(rows["who"].slice(500, 10).to_pylist())
    assert set(stored.customer_id.to_pyarrow().to_pylist()) == came
    wanted = sum(who in came for who in rows["who"].to_pylist())
    assert stored.count().to_pyarrow().as_py() == wanted


def test_a_table_that_did_not_change_is_read_once(backend, log):
    backend.create_table("still", loads(log, 100))
    asked = mapping("still")
    first = read_there("events", asked)
    before = set(backend.list_tables())
    assert read_there("events", asked).fingerprint == first.fingerprint
    assert {n for n in backend.list_tables() if n.startswith("journey_")} <= before


MOMENTS = {
    "loads of one day": (pa.date32(), [date(2026, 5, n) for n in (1, 2)]),
    "instants": (pa.timestamp("us"), [datetime(2026, 5, 1, 3, 0, 0, n) for n in (7, 8)]),  # noqa: DTZ001
    "instants with a zone": (
        pa.timestamp("us", "UTC"),
        [datetime(2026, 5, 1, tzinfo=UTC) + timedelta(microseconds=n) for n in (7, 8)],
    ),
    "numbers": (pa.int32(), [-5, 5]),
    "whole numbers of any length": (pa.decimal128(20, 0), [-5, 5]),
}


@pytest.mark.parametrize("kind", MOMENTS)
def test_when_rows_were_loaded_may_be_a_day_an_instant_or_a_number(backend, log, kind):
    type_, (first, second) = MOMENTS[kind]
    table = f"by_{kind.replace(' ', '_')}"
    rows = [
        log.slice(at, many).append_column("loaded", pa.array([when] * many, type_))
        for at, many, when in ((0, 500, first), (500, 20, second))
    ]
    asked = mapping(table)
    backend.create_table(table, rows[0])
    read_there("events", asked)
    backend.insert(table, rows[1])
    found = read_there("events", asked)
    assert has_grown(backend, asked)
    assert found.table.count().to_pyarrow().as_py() == 520


CHANGES = {
    "a row of before was removed": "DELETE FROM {} WHERE turn = 7",
    "a row of before was loaded again": "UPDATE {} SET loaded = 9, what = 'cart' WHERE turn = 7",
    "a row came with a time that was there": "INSERT INTO {} SELECT 'new', at, what, channel, 9000, 1 FROM {} LIMIT 1",
    "a touchpoint is new": "INSERT INTO {} SELECT who, at, 'returns', channel, 9000, 9 FROM {} LIMIT 1",
    "a column has another type": "ALTER TABLE {0} ALTER channel TYPE varchar(9); "
    "INSERT INTO {0} SELECT who, at, what, channel, 9000, 9 FROM {0} LIMIT 1",
}


@pytest.mark.parametrize("change", CHANGES)
def test_what_is_more_than_new_rows_makes_it_anew(backend, log, change):
    table = re.sub(r"\W", "_", change)
    rows = loads(log, 500, 510)
    backend.create_table(table, rows.slice(0, 500))
    read_there("events", mapping(table))
    statement = CHANGES[change].format(*[table] * 2)
    backend.raw_sql(statement).close()
    backend.insert(table, rows.slice(500, 10))
    found = read_there("events", mapping(table))
    at_once = table + "_at_once"
    backend.raw_sql(f"CREATE TABLE {at_once} AS SELECT * FROM {table}").close()  # noqa: S608 - our own words
    wanted = read_there("events", mapping(at_once))
    same(*(paths.transitions(s) for s in (found, wanted)))
    same(found.data_check, wanted.data_check)
    assert not has_grown(backend, mapping(table))


def test_when_much_has_come_everything_is_stored_anew(backend, log, monkeypatch):
    monkeypatch.setattr(log_there, "SHARE", 0.01)
    rows = loads(log, 300, 400)
    begun(backend, "much", rows, 300)
    backend.insert("much", rows.slice(300, 100))
    before = set(backend.list_tables())
    found = read_there("events", mapping("much"))
    assert not has_grown(backend, mapping("much"))
    assert found.table.count().to_pyarrow().as_py() == 400
    # What was begun is not left lying about.
    new = {n.split("_")[1] for n in set(backend.list_tables()) - before if n.startswith("journey_")}
    assert new == {"rows", "note"}
    assert len([n for n in set(backend.list_tables()) - before if "journey_rows" in n]) == 1


def test_names_a_mapping_does_not_know_and_blanks_are_counted_over_all_loads(backend, log):
    some = {"touchpoints": {"ad": "ad", "visit": "visit", "cart": "basket"}}
    rows = loads(log, 500, 540, 560).to_pandas()
    rows.loc[[3, 510, 550], "at"] = pd.NaT
    rows.loc[[4, 511, 551], "who"] = None
    rows.loc[520:530, "what"] = "surprise"
    rows = pa.Table.from_pandas(rows, preserve_index=False)
    for table, unmapped in (("kept", "keep"), ("aside", "set aside")):
        asked = mapping(table, unmapped=unmapped, **some)
        if unmapped == "keep":  # so that no touchpoint is new
            some = {"touchpoints": {**some["touchpoints"], "surprise": "ad"}}
            asked = mapping(table, unmapped=unmapped, **some)
        backend.create_table(table, rows.slice(0, 500))
        read_there("events", asked)
        for at, many in ((500, 40), (540, 20)):
            backend.insert(table, rows.slice(at, many))
            found = read_there("events", asked)
        assert has_grown(backend, asked)
        backend.create_table(f"{table}_at_once", rows)
        wanted = read_there("events", mapping(f"{table}_at_once", unmapped=unmapped, **some))
        same(found.data_check, wanted.data_check)
        same(*(paths.variants(s) for s in (found, wanted)))


def test_without_a_column_of_order_ties_are_counted_over_all_loads(backend, log):
    rows = loads(log, 500, 560)
    asked = begun(backend, "tied", rows, order=None)
    twins = rows.slice(0, 1).set_column(5, "loaded", pa.array([2], pa.int64()))
    backend.insert("tied", pa.concat_tables([rows.slice(500, 60), twins]))
    found = read_there("events", asked)
    assert has_grown(backend, asked)
    backend.create_table("tied_at_once", pa.concat_tables([rows, twins]))
    same(found.data_check, read_there("events", mapping("tied_at_once", order=None)).data_check)
    assert "ties in time" in set(found.data_check["check"])


def test_a_row_that_comes_while_the_table_is_read_is_read_the_next_time(backend, log, monkeypatch):
    rows = loads(log, 500, 510)
    asked = mapping("busy")
    backend.create_table("busy", rows.slice(0, 500))
    store = warehouse_source._store

    def slower(*given):
        backend.insert("busy", rows.slice(500, 10))
        store(*given)

    with monkeypatch.context() as patch:
        patch.setattr(warehouse_source, "_store", slower)
        first = read_there("events", asked)
    assert first.table.count().to_pyarrow().as_py() == 500
    assert read_there("events", asked).table.count().to_pyarrow().as_py() == 510


def test_the_first_table_stays_as_long_as_a_grown_log_needs_it(backend, log, monkeypatch):
    monkeypatch.setattr(shelf_there, "KEPT_FOR", timedelta(days=-1))
    rows = loads(log, 500, 510, 520)
    asked = begun(backend, "kept_for_long", rows)
    for begin in (500, 510):
        found = come(backend, asked, rows, begin)
        (noted,) = notes_of(backend, asked)
        assert noted["tail"]
        shelf = engines.shelf(backend, asked)
        assert sorted(shelf.names("rows")) == sorted([noted["rows"], noted["tail"]])
    assert found.table.count().to_pyarrow().as_py() == 520


def test_two_who_let_it_grow_at_the_same_time_leave_one_table(backend, log, monkeypatch):
    rows = loads(log, 500, 510)
    asked = begun(backend, "raced_growth", rows)
    backend.insert("raced_growth", rows.slice(500, 10))
    put = shelf_there.ShelfThere.put

    def slower(self, note, noted):
        with monkeypatch.context() as patch:
            patch.setattr(shelf_there.ShelfThere, "put", put)
            read_there("events", asked)
        put(self, note, noted)

    monkeypatch.setattr(shelf_there.ShelfThere, "put", slower)
    assert read_there("events", asked).table.count().to_pyarrow().as_py() == 510
    shelf = engines.shelf(backend, asked)
    assert len(shelf.names("rows")) == len(shelf.names("note")) == 2


def test_what_was_read_when_storing_failed_is_read_anew(backend, log, monkeypatch):
    rows = loads(log, 500, 550)
    asked = begun(backend, "full", rows)
    backend.insert("full", rows.slice(500, 20))
    put, failed = shelf_there.ShelfThere.put, []

    def full(*_given):
        msg = "no space left"
        raise OSError(msg)

    monkeypatch.setattr(shelf_there.ShelfThere, "put", full)
    try:
        read_there("events", asked)
    except InfrastructureError as error:
        failed.append(error)  # as a notebook keeps the last one, with all that it knows
    monkeypatch.setattr(shelf_there.ShelfThere, "put", put)
    backend.insert("full", rows.slice(520, 30))
    assert failed
    assert read_there("events", asked).table.count().to_pyarrow().as_py() == 550


@pytest.mark.parametrize(
    "gone", ["DELETE FROM {} WHERE turn = 7", "UPDATE {} SET loaded = 2 WHERE turn = 7"]
)
def test_a_row_that_comes_late_in_place_of_another_is_seen(backend, log, gone):
    table = "swapped_" + gone.split()[0].lower()
    rows = loads(log, 500, 510)
    backend.create_table(table, rows.slice(0, 500))
    read_there("events", mapping(table))
    late = (
        f"INSERT INTO {table} SELECT 'latecomer', at, what, channel, 9000, 1 FROM {table} LIMIT 1"  # noqa: S608
    )
    backend.raw_sql(f"{gone.format(table)}; {late}").close()
    for more in (0, 10):
        backend.insert(table, rows.slice(500, more))
        stored = collect(read_there("events", mapping(table)).table)
        assert "latecomer" in set(stored["customer_id"])
        assert len(stored) == backend.table(table).count().to_pyarrow().as_py()


def test_rows_of_before_that_changed_unseen_are_not_mixed_with_those_that_came(backend, log):
    rows = loads(log, 500, 510)
    asked = begun(backend, "unseen", rows)
    who = rows["who"][505].as_py()
    backend.raw_sql(f"UPDATE unseen SET at = NULL WHERE who = '{who}'").close()  # noqa: S608 - our own words
    found = come(backend, asked, rows)
    checked = dict(zip(found.data_check["check"], found.data_check["rows"], strict=True))
    assert checked["rows kept"] == found.table.count().to_pyarrow().as_py()
    assert not has_grown(backend, asked)


def test_a_column_that_came_without_a_row_is_seen(backend, log):
    backend.create_table("wider", loads(log, 100).drop_columns(["channel"]))
    before = read_there("events", mapping("wider"))
    backend.raw_sql("ALTER TABLE wider ADD channel text DEFAULT 'web'").close()
    after = read_there("events", mapping("wider"))
    assert before.fingerprint != after.fingerprint
    assert set(collect(after.table)["channel"]) == {"web"}


def test_it_is_read_anew_where_what_was_noted_cannot_be_read(backend, log, monkeypatch):
    rows = loads(log, 500, 510)
    begun(backend, "unnoted", rows)
    backend.insert("unnoted", rows.slice(500, 10))

    def gone(_shelf):
        msg = "there is no such table any more"
        raise OSError(msg)

    with monkeypatch.context() as patch:
        patch.setattr(shelf_there.ShelfThere, "whole_notes", gone)
        found = read_there("events", mapping("unnoted"))
    assert found.table.count().to_pyarrow().as_py() == 510


def test_a_state_that_has_come_back_is_kept(backend, log, monkeypatch):
    rows = loads(log, 500, 510)
    asked = begun(backend, "back", rows)
    come(backend, asked, rows)
    backend.raw_sql("DELETE FROM back WHERE loaded = 2").close()
    monkeypatch.setattr(shelf_there, "KEPT_FOR", timedelta(days=-1))
    for _opening in range(2):
        assert read_there("events", asked).table.count().to_pyarrow().as_py() == 500


def test_of_many_states_the_newest_are_looked_at(backend, log, monkeypatch):
    monkeypatch.setattr(warehouse_source, "STATES", 1)
    rows = loads(log, 500, 510, 520)
    asked = begun(backend, "often", rows)
    for begin in (500, 510):
        come(backend, asked, rows, begin)
        assert has_grown(backend, asked)


@pytest.mark.parametrize(
    ("column", "said"),
    [
        ("what", "loaded_at names 'what', which is string in the warehouse; a time or a whole number was needed"),
        ("share", "loaded_at names 'share', which is float64 in the warehouse"),
        ("late", "loaded_at names 'late', which is blank in 1 rows: nobody can say when they came"),
        ("loadet", "'loadet'"),
    ],
)  # fmt: skip
def test_what_cannot_say_when_rows_came_is_refused(backend, log, column, said):
    if "unsaid" not in backend.list_tables():
        rows = loads(log, 20).append_column("share", pa.array([0.5] * 20))
        backend.create_table(
            "unsaid", rows.append_column("late", pa.array([*range(19), None], pa.int64()))
        )
    with pytest.raises(JourneyDataError, match=re.escape(said)):
        read_there("events", mapping("unsaid", loaded_at=column))


def test_files_have_no_column_of_loading():
    with pytest.raises(ValueError, match=re.escape("'loaded_at' is of a table in a backend")):
        SourceMapping.model_validate({"file": "events.csv", "loaded_at": "loaded"})
    with pytest.raises(ValueError, match="at least 1 character"):
        mapping("t", loaded_at="")


def test_other_sources_are_marked_by_the_column_and_stored_anew(backend):
    rows = pa.table(
        {
            "customer_id": ["a", "b"], "ts": pa.array([datetime(2026, 5, n) for n in (1, 2)], pa.timestamp("us")),  # noqa: DTZ001
            "order_id": ["1", "2"], "product_id": ["x", "y"], "quantity": [1, 1], "amount": [1.0, 2.0],
            "loaded": pa.array([1, 2], pa.int64()),
        }
    )  # fmt: skip
    backend.create_table("sold", rows.slice(0, 1))
    asked = SourceMapping.model_validate(
        {"backend": "postgres", "table": "sold", "time_zone": "UTC", "currency": "EUR", "loaded_at": "loaded"}
    )  # fmt: skip
    first = read_there("order_lines", asked)
    backend.insert("sold", rows.slice(1, 1))
    second = read_there("order_lines", asked)
    assert (
        first.fingerprint != second.fingerprint,
        second.table.count().to_pyarrow().as_py(),
    ) == (True, 2)
