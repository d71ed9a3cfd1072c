"""A log in several files: what comes later is added to what is stored, as if all had come at once."""

import json
import os
import shutil
from datetime import datetime
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ibis import _

from journey_widgets import Workspace, read_events, upsell
from journey_widgets import journey as paths
from journey_widgets.cross_impact import later_visits
from journey_widgets.errors import JourneyDataError
from journey_widgets.events import grown_log, shelf, source
from journey_widgets.events.engine import engine
from journey_widgets.events.mapping import SourceMapping
from journey_widgets.events.paths import path_index
from journey_widgets.events.source import read
from journey_widgets.scorecard import measure
from support import engines
from support.path_questions import ONE_OF_EACH, questions

TOLD = {"columns": engines.COLUMNS, "time_zone": "UTC"}


@pytest.fixture(autouse=True)
def any_size(monkeypatch):
    """Small logs grow too; else they are read anew, which takes no time."""
    monkeypatch.setattr(grown_log, "SHARE", 1000)


def read_in(folder, cache, pattern="*", **more):
    """Read the files of a folder into a cache."""
    mapping = SourceMapping.model_validate({**TOLD, **more})
    return read("events", folder / pattern, mapping, cache=cache)


def anew(folder, tmp, **more):
    """Read the files of a folder as if never before."""
    found = read_in(folder, tmp / f"anew-{len(list(tmp.iterdir()))}", **more)
    assert found.tail is None
    return found


def same(a, b):
    pd.testing.assert_frame_equal(a.reset_index(drop=True), b.reset_index(drop=True), rtol=1e-12)


def same_source(grown, whole):
    """Hold two sources against each other: rows, facts, touchpoints, customers."""
    same(grown.to_pandas(), whole.to_pandas())
    said = [
        s.data_check[~s.data_check["check"].isin(["duplicate rows", "rows that came again"])]
        for s in (grown, whole)
    ]
    same(*said)
    assert (grown.touchpoints, grown.customers) == (whole.touchpoints, whole.customers)
    assert grown.fingerprint == whole.fingerprint


@pytest.fixture(scope="module")
def grown(tmp_path_factory):
    """A log that has grown three times, and the same one read at once."""
    folder, cache = tmp_path_factory.mktemp("log"), tmp_path_factory.mktemp("cache")
    log = engines.boundary_log(900, 5)
    cuts = [0, 500, 640, 641, 900]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(grown_log, "SHARE", 1000)
        for day, (a, b) in enumerate(pairwise(cuts)):
            pq.write_table(log.slice(a, b - a), folder / f"day-{day}.parquet")
            found = read_in(folder, cache)
            assert (found.tail is not None) == (day > 0)
    return found, anew(folder, tmp_path_factory.mktemp("anew"))


def test_a_log_that_has_grown_holds_what_one_read_at_once_holds(grown):
    same_source(*grown)


@pytest.mark.parametrize("name", sorted(ONE_OF_EACH))
def test_every_kind_of_question_has_the_answer_of_a_log_read_at_once(name, grown):
    indexes = [path_index(source) for source in grown]
    first = paths.variants(indexes[0], top=1)["path"][0]
    same(*(questions(first)[name](i) for i in indexes))


def test_what_is_drawn_by_chance_is_drawn_alike(grown):
    same(*(later_visits(source) for source in grown))
    same(*(paths.transitions(paths.split_sessions(source, "30m")) for source in grown))
    asked = {"words": {"cart": ["cart"], "purchase": ["purchase"]}, "draws": 200}
    for kpi in ("cart_abandonment", "stickiness", "edge_median"):
        options = {"source": "visit", "target": "cart"} if kpi == "edge_median" else {}
        same(*(measure(kpi, {"events": s}, options=options, **asked) for s in grown))


def test_who_is_drawn_for_moments_and_curves_is_the_same(tmp_path):
    rng, folder = np.random.default_rng(3), tmp_path / "log"
    folder.mkdir()
    many = 12_000
    at = pd.Timestamp("2026-01-01") + pd.to_timedelta(rng.integers(0, 180 * 86_400, many), "s")
    what = rng.choice(["visit", "cart", "support", "purchase"], many, p=[0.5, 0.3, 0.17, 0.03])
    frame = pd.DataFrame(
        {"who": [f"c{n}" for n in rng.integers(0, 900, many)], "at": at, "what": what}
    )
    frame = frame.sort_values("at")
    for number, (begin, end) in enumerate(pairwise([0, 6_000, 9_000, many])):
        part = pa.Table.from_pandas(frame.iloc[begin:end], preserve_index=False)
        pq.write_table(part, folder / f"{number}.parquet")
        found = read_in(folder, tmp_path / "cache")
    both = found, anew(folder, tmp_path)
    assert found.tail is not None
    same(*(upsell.moments(s, "purchase", "7d") for s in both))
    same(*(upsell.time_to_upgrade(s, "support", "purchase") for s in both))
    asked = {"words": {"cart": ["cart"], "purchase": ["purchase"]}, "draws": 200}
    same(*(measure("stickiness", {"events": s}, **asked) for s in both))


def test_pieces_hold_whole_paths_in_order_of_customer(grown):
    found = [pa.concat_tables(path_index(s).pieces("touchpoint", "next", "gap", "ts", "at:channel", "customer_id"))
             for s in grown]  # fmt: skip
    grown_rows, rows = (f.to_pandas().astype({"customer_id": str}) for f in found)
    assert grown_rows["customer"].is_monotonic_increasing
    key = ["customer_id", "step"]
    same(
        *(f.sort_values(key)[[*key, "touchpoint", "next", "gap", "ts"]] for f in (grown_rows, rows))
    )


event = st.tuples(
    st.sampled_from(["a", "b", "c", "d", " ", "e"]),
    st.sampled_from(["2026-01-01", "2026-01-01 10:00:00", "2026-01-02", "never", ""]),
    st.sampled_from(["visit", "cart", "buy", "odd", ""]),
    st.sampled_from(["web", "app", ""]),
)


@settings(
    max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    days=st.lists(st.lists(event, min_size=1, max_size=6), min_size=2, max_size=4),
    unmapped=st.sampled_from(["keep", "set aside"]),
)
def test_whatever_comes_a_grown_log_is_the_log(days, unmapped, tmp_path_factory):
    tmp = tmp_path_factory.mktemp("any")
    folder = tmp / "log"
    folder.mkdir()
    told = {
        "columns": {"customer_id": "who", "ts": "at", "event": "what"}, "tolerance": 1, "unmapped": unmapped,
        "touchpoints": {"visit": "visit", "cart": "basket", "buy": "basket"},
    }  # fmt: skip
    for number, rows in enumerate(
        [[("a", "2026-01-01", "visit", "web"), ("b", "2026-01-01", "cart", "app")], *days]
    ):
        lines = ["who,at,what,channel", *(",".join(r) for r in rows)]
        (folder / f"{number}.csv").write_text("\n".join(lines) + "\n", "utf-8")
        found = read_in(folder, tmp / "cache", **told)
    whole = anew(folder, tmp, **told)
    same_source(found, whole)
    same(*(paths.transitions(s) for s in (found, whole)))


def day(folder, name, *rows):
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(["who,at,what,channel", *rows]) + "\n", "utf-8")
    return path


@pytest.fixture
def log(tmp_path):
    """A folder with two days, and the folder that keeps what was read of it."""
    folder = tmp_path / "log"
    day(
        folder,
        "2026-01-01.csv",
        "a,2026-01-01 10:00:00,visit,web",
        "b,2026-01-01 11:00:00,visit,app",
    )
    day(folder, "2026-01-02.csv", "a,2026-01-02 10:00:00,cart,web")
    return folder, tmp_path / "cache"


def rows_of(found, check):
    facts = found.data_check.set_index("check")
    return int(facts.loc[check, "rows"]) if check in facts.index else 0


def test_only_files_that_are_new_are_opened(log, monkeypatch):
    folder, cache = log
    read_in(folder, cache)
    opened, files = [], source.open_files

    def noted(parts, *given, **named):
        opened.append(list(parts))
        return files(parts, *given, **named)

    monkeypatch.setattr(source, "open_files", noted)
    day(
        folder,
        "2026-01-03.csv",
        "b,2026-01-03 10:00:00,cart,app",
        "c,2026-01-03 11:00:00,visit,web",
    )
    found = read_in(folder, cache)
    assert opened == [["2026-01-03.csv"]]
    assert found.tail is not None
    assert found.customers == 3
    assert pq.read_metadata(found.tail).num_rows == 3  # b with both days, c; a is not written again


def test_what_a_mapping_or_an_earlier_file_changes_is_read_anew(log):
    folder, cache = log
    read_in(folder, cache)
    day(folder, "2026-01-03.csv", "b,2026-01-03 10:00:00,cart,app")
    assert read_in(folder, cache, currency="EUR").tail is None
    assert read_in(folder, cache).tail is not None
    day(folder, "2026-01-01.csv", "a,2026-01-01 10:00:00,visit,web")
    corrected = read_in(folder, cache)
    assert corrected.tail is None
    assert rows_of(corrected, "rows read") == 3


@pytest.mark.parametrize(
    ("name", "row"),
    [
        ("2026-01-03.csv", "c,2026-01-03 10:00:00,purchase,web"),
        ("2026-01-01-late.csv", "c,2026-01-01 10:00:00,visit,web"),
    ],
    ids=["a touchpoint nobody knew", "a file that comes before others"],
)
def test_what_does_not_come_after_the_rest_is_read_anew(log, tmp_path, name, row):
    folder, cache = log
    read_in(folder, cache)
    day(folder, name, row)
    found = read_in(folder, cache)
    assert found.tail is None
    same_source(found, anew(folder, tmp_path))


def test_a_file_with_other_columns_is_read_anew_and_what_others_lack_is_said(log):
    folder, cache = log
    read_in(folder, cache)
    (folder / "2026-01-03.csv").write_text("who,at,what\nc,2026-01-03 10:00:00,cart\n", "utf-8")
    found = read_in(folder, cache)
    assert found.tail is None
    facts = found.data_check.set_index("check").loc["not in every file"]
    assert (facts["column"], facts["rows"]) == ("channel", 1)
    assert found.to_pandas()["channel"].tolist()[:3] == ["web", "app", "web"]
    assert pd.isna(found.to_pandas()["channel"].iloc[3])


def test_a_log_with_a_column_of_order_is_read_anew_each_time(tmp_path):
    folder, cache = tmp_path / "log", tmp_path / "cache"
    for number in (1, 2):
        path = folder / f"{number}.csv"
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"who,at,what,channel,turn\na,2026-01-01,visit,web,{9 - number}\n", "utf-8")
        assert read_in(folder, cache, order="turn").tail is None


def test_rows_that_come_twice_in_different_files_are_said(log):
    folder, cache = log
    read_in(folder, cache)
    day(
        folder, "2026-01-03.csv", "a,2026-01-02 10:00:00,cart,web", "b,2026-01-03 10:00:00,cart,app"
    )
    found = read_in(folder, cache)
    assert found.tail is not None
    assert rows_of(found, "rows that came again") == 1
    assert rows_of(found, "ties in time") == 2
    day(
        folder, "2026-01-04.csv", "b,2026-01-03 10:00:00,cart,app", "b,2026-01-03 10:00:00,cart,app"
    )
    again = read_in(folder, cache)
    assert rows_of(again, "rows that came again") == 3
    assert rows_of(again, "ties in time") == 5
    assert rows_of(again, "duplicate rows") == 1


def test_when_much_has_come_everything_is_written_anew(log, monkeypatch):
    folder, cache = log
    monkeypatch.setattr(grown_log, "SHARE", 0.5)
    read_in(folder, cache)
    day(folder, "2026-01-03.csv", "c,2026-01-03 10:00:00,visit,app")
    assert read_in(folder, cache).tail is not None
    day(folder, "2026-01-04.csv", "d,2026-01-04 10:00:00,visit,app")
    assert read_in(folder, cache).tail is None


def test_a_last_file_that_is_still_written_to_is_added_again_to_what_came_before_it(log, tmp_path):
    folder, cache = log
    read_in(folder, cache)
    for hour in (10, 11, 12):
        hours = [f"b,2026-01-03 {h}:00:00,cart,app" for h in range(10, hour + 1)]
        day(folder, "2026-01-03.csv", *hours)
        found = read_in(folder, cache)
        assert found.tail is not None
        assert rows_of(found, "rows that came again") == 0
    same_source(found, anew(folder, tmp_path))


def test_an_error_of_a_new_file_is_that_of_all_files_and_what_was_stored_stays(log):
    folder, cache = log
    first = read_in(folder, cache)
    bad = day(folder, "2026-01-03.csv", *(f"c,yesterday {n},visit,web" for n in range(9)))
    with pytest.raises(
        JourneyDataError, match=r"9 of 12 values of 'ts' .* in record 1 of '2026-01-03.csv'"
    ):
        read_in(folder, cache)
    assert paths.transitions(first)["count"].sum() == 1
    bad.unlink()
    assert read_in(folder, cache).fingerprint == first.fingerprint
    assert [p.name for p in cache.iterdir() if p.name.startswith("reading-")] == []


def test_a_day_without_events_is_no_error_and_is_said(log):
    folder, cache = log
    day(folder, "2026-01-03.csv")
    found = read_in(folder, cache)
    facts = found.data_check.set_index("check").loc["files without rows"]
    assert facts["detail"] == "2026-01-03.csv"
    day(folder, "2026-01-04.csv", "b,2026-01-04 10:00:00,cart,app")
    assert read_in(folder, cache).tail is not None


def test_a_pattern_no_file_fits_says_where_it_looked(tmp_path):
    with pytest.raises(JourneyDataError, match=r"There is no folder .*missing for \*\.csv"):
        read_events(tmp_path / "missing" / "*.csv")
    with pytest.raises(JourneyDataError, match=r"No file in .* fits day-\?\.csv"):
        read_events(tmp_path / "day-?.csv")
    day(tmp_path, "day-1.csv")
    day(tmp_path, "day-2.csv")
    with pytest.raises(JourneyDataError, match=r"None of 2 files has a row"):
        read_events(tmp_path / "day-?.csv")


def test_a_pattern_reaches_into_folders_and_leaves_out_what_is_hidden(tmp_path):
    day(tmp_path, "log/2026/01/a.csv", "a,2026-01-01,visit,web")
    day(tmp_path, "log/2026/02/[b].csv", "b,2026-02-01,visit,web")
    day(tmp_path, "log/2026/.tmp/c.csv", "c,2026-02-01,visit,web")
    day(tmp_path, "log/2026/02/.d.csv", "d,2026-02-01,visit,web")
    found = read_events(tmp_path / "log" / "2026" / "*" / "*.csv", **TOLD)
    assert found.to_pandas()["customer_id"].tolist() == ["a", "b"]
    # A file whose own name has a star is that file.
    day(tmp_path, "odd*.csv", "e,2026-02-01,visit,web")
    day(tmp_path, "oddly.csv", "f,2026-02-01,visit,web")
    assert read_events(tmp_path / "odd*.csv", **TOLD).to_pandas()["customer_id"].tolist() == ["e"]


def test_files_of_several_kinds_are_one_source_and_columns_of_several_types_are_text(tmp_path):
    folder = tmp_path / "log"
    folder.mkdir()
    (folder / "1.csv").write_text("who;at;what;n\n007;2026-01-01;visit;1,5\n", "utf-8")
    at = pa.array([datetime(2026, 1, 2)], pa.timestamp("us"))  # noqa: DTZ001 - as files have them
    second = pa.table({"who": [17850.0], "at": at, "what": ["cart"], "N": [2]})
    pq.write_table(second, folder / "2.parquet")
    line = {"who": "c", "at": "2026-01-03", "what": "cart", "n": "x"}
    (folder / "3.jsonl").write_text(json.dumps(line) + "\n", "utf-8")
    found = read_events(folder / "*", columns=engines.COLUMNS, keep=["n"], time_zone="UTC")
    table = found.to_pandas()
    assert table["customer_id"].tolist() == ["007", "17850", "c"]
    assert table["ts"].dt.day.tolist() == [1, 2, 3]
    assert table["n"].tolist() == ["1,5", "2", "x"]
    facts = found.data_check.set_index("check")
    assert facts.loc["separator found in the file", "detail"] == "semicolon"


def test_a_reading_nobody_asked_for_since_yesterday_is_removed_but_not_what_others_need(
    log, monkeypatch
):
    folder, cache = log
    first = read_in(folder, cache)
    day(folder, "2026-01-03.csv", "b,2026-01-03 10:00:00,cart,app")
    second = read_in(folder, cache)
    day(folder, "2026-01-04.csv", "b,2026-01-04 10:00:00,cart,app")
    third = read_in(folder, cache)
    assert second.tail.exists()
    age(cache, 200_000)
    day(folder, "2026-01-05.csv", "a,2026-01-05 10:00:00,cart,app")
    newest = read_in(folder, cache)
    assert newest.tail is not None
    assert first.path.exists()  # the first file of the newest
    assert third.tail.exists()  # what the newest grew from
    assert not second.tail.exists()
    assert paths.transitions(newest)["count"].sum() == 4


def test_pseudonyms_grow_under_the_same_key_alone(log, monkeypatch):
    folder, cache = log
    monkeypatch.setenv("JOURNEY_PSEUDONYM_KEY", "0123456789abcdef" * 2)
    first = read_in(folder, cache, pseudonyms=["customer_id"])
    day(folder, "2026-01-03.csv", "b,2026-01-03 10:00:00,cart,app")
    found = read_in(folder, cache, pseudonyms=["customer_id"])
    assert found.tail is not None
    assert found.customers == first.customers == 2
    assert not {"a", "b"} & set(found.to_pandas()["customer_id"])
    monkeypatch.setenv("JOURNEY_PSEUDONYM_KEY", "fedcba9876543210" * 2)
    day(folder, "2026-01-04.csv", "b,2026-01-04 10:00:00,cart,app")
    other = read_in(folder, cache, pseudonyms=["customer_id"])
    assert other.tail is None
    assert not set(other.to_pandas()["customer_id"]) & set(found.to_pandas()["customer_id"])


def test_customers_have_the_numbers_they_would_have_if_all_had_come_at_once(grown):
    tables = [
        path_index(s).stored.filter(_.step == 1).select("customer", "customer_id") for s in grown
    ]
    same(*(t.order_by("customer").to_pyarrow().to_pandas() for t in tables))
    pieces = [
        pa.concat_tables(path_index(s).pieces("touchpoint", "gap", "ts")).to_pandas() for s in grown
    ]
    same(*pieces)


def test_a_month_of_csv_files_needs_the_memory_of_one(tmp_path):
    for number in range(100):
        day(tmp_path / "log", f"{number:03d}.csv", f"c{number},2026-01-01,visit,web")
    found = read_events(tmp_path / "log" / "*.csv", **TOLD)
    assert found.customers == 100
    assert found.to_pandas()["customer_id"].tolist() == [f"c{n}" for n in range(100)]


def test_a_last_file_is_added_to_what_came_before_it_also_when_it_was_there_from_the_first(
    log, tmp_path
):
    folder, cache = log
    day(folder, "2026-01-03.csv", "b,2026-01-03 10:00:00,cart,app")
    assert read_in(folder, cache).tail is None
    for hour in (11, 12):
        hours = [f"b,2026-01-03 {h}:00:00,cart,app" for h in range(10, hour + 1)]
        day(folder, "2026-01-03.csv", *hours)
        found = read_in(folder, cache)
        assert found.tail is not None
    day(folder, "2026-01-04.csv", "a,2026-01-04 10:00:00,cart,app")
    day(folder, "2026-01-05.csv", "a,2026-01-05 10:00:00,cart,app")
    found = read_in(folder, cache)
    assert found.tail is not None
    same_source(found, anew(folder, tmp_path))


@pytest.mark.parametrize("name", ["label", "new", "old", "name", "at", "n", "word", "below"])
def test_columns_that_are_carried_may_be_called_anything(tmp_path, name):
    told = {"keep": [name], "not_personal": [name]}
    for number in range(3):
        path = tmp_path / "log" / f"{number}.csv"
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"who,at_,what,{name}\na,2026-01-0{number + 1},visit,{number}\n", "utf-8")
        columns = {**engines.COLUMNS, "ts": "at_"}
        found = read_in(tmp_path / "log", tmp_path / "cache", columns=columns, **told)
        assert (found.tail is not None) == (number > 0)
    assert found.to_pandas()[name].tolist() == ["0", "1", "2"]


def test_the_name_of_a_workspace_is_no_pattern(tmp_path):
    for name in ("ws1", "ws?"):
        space = Workspace.create(tmp_path / name, name="Shop")
        space.close()
        sources = "schema: sources/1\nevents: {file: log/*.csv, columns: {customer_id: who, ts: at, event: what}}\n"
        (tmp_path / name / "sources.yaml").write_text(sources, "utf-8")
        day(tmp_path / name / "log", "1.csv", f"of {name},2026-01-01,visit,web")
    space = Workspace.open(tmp_path / "ws?")
    assert space.events().to_pandas()["customer_id"].tolist() == ["of ws?"]
    space.close()


@pytest.mark.parametrize(
    "rows", [[], [",2026-01-03 10:00:00,visit,web"]], ids=["no row", "no row that is kept"]
)
def test_a_day_of_which_nothing_is_kept_reads_no_other_file(log, tmp_path, rows, monkeypatch):
    folder, cache = log
    read_in(folder, cache)
    day(folder, "2026-01-03.csv", "b,2026-01-03 10:00:00,cart,app")
    before = read_in(folder, cache)
    day(folder, "2026-01-04.csv", *rows)
    with monkeypatch.context() as patch:
        patch.setattr(source, "store_log", None)  # nothing is read anew
        found = read_in(folder, cache)
        day(folder, "2026-01-05.csv", "a,2026-01-05 10:00:00,cart,app")
        later = read_in(folder, cache)
    assert found.tail == before.tail
    same_source(found, before_with(folder, tmp_path, "2026-01-05.csv"))
    same_source(later, anew(folder, tmp_path))


def before_with(folder, tmp, without):
    """Read all files but one as if never before."""
    copy = tmp / "all but one"
    shutil.copytree(folder, copy)
    (copy / without).unlink()
    return anew(copy, tmp)


def test_a_file_that_has_just_begun_and_a_workbook_that_is_open_elsewhere_are_no_error(log):
    folder, cache = log
    (folder / "2026-01-03.csv").touch()
    (folder / "~$2026-01-02.csv").write_bytes(b"\x00\x01")
    found = read_in(folder, cache)
    assert rows_of(found, "rows read") == 3
    assert (
        found.data_check.set_index("check").loc["files without rows", "detail"] == "2026-01-03.csv"
    )


def test_what_is_wrong_with_a_file_in_a_folder_names_the_folder(tmp_path):
    day(tmp_path / "log" / "a", "1.csv", "a,2026-01-01,visit,web")
    day(tmp_path / "log" / "b", "1.csv", "a,2026-01-01,visit,web,more,and more")
    with pytest.raises(JourneyDataError, match=r"^b/1.csv: 1.csv, row 2 does not fit"):
        read_events(tmp_path / "log" / "*" / "*.csv", **TOLD)


def test_lines_without_a_record_are_counted_also_where_a_file_has_no_other(tmp_path):
    for number, lines in enumerate(
        [[{"events": [{"e": "visit"}]}, {"events": []}], [{"events": []}, {"events": []}]]
    ):
        text = "\n".join(json.dumps({"who": "a", "at": "2026-01-01", **line}) for line in lines)
        (tmp_path / f"{number}.jsonl").write_text(text + "\n", "utf-8")
    columns = {"customer_id": "who", "ts": "at", "event": "e"}
    found = read_events(tmp_path / "*.jsonl", columns=columns, unnest="events", time_zone="UTC")
    assert rows_of(found, "lines without a record") == 3


def test_nothing_is_noted_that_the_check_does_not_show(log):
    folder, cache = log
    rows = [
        "a,jane.doe@example.com,visit,web",
        *(f"a,2026-01-03 10:00:{n},cart,web" for n in range(30)),
    ]
    day(folder, "2026-01-03.csv", *rows)
    found = read_in(folder, cache)
    assert found.data_check["detail"].str.contains("looks personal, not shown").any()
    day(folder, "2026-01-04.csv", "a,2026-01-04 10:00:00,cart,web")
    assert read_in(folder, cache).tail is not None
    assert not [p for p in cache.iterdir() if p.is_file() and b"jane.doe" in p.read_bytes()]


def tables_of_the_engine():
    return engine().con.execute("SELECT count(*) FROM duckdb_tables()").fetchone()[0]


def test_reading_again_leaves_nothing_in_the_engine(grown):
    source_, _whole = grown
    before = tables_of_the_engine()
    for _turn in range(5):
        paths.transitions(path_index(source_))
    assert tables_of_the_engine() == before


def test_a_table_that_is_read_is_not_touched_by_another_who_stores_the_same(log, monkeypatch):
    folder, cache = log
    read_in(folder, cache)
    day(folder, "2026-01-03.csv", "b,2026-01-03 10:00:00,cart,app")
    first = read_in(folder, cache)
    assert first.tail is not None
    # Another process looked before that was there, found nothing to grow from, and reads all.
    (notes,) = [
        p
        for p in cache.glob("events-*.json")
        if p.stem.startswith(f"events-{first.fingerprint[:16]}")
    ]
    files, text = set(cache.glob("*.parquet")), notes.read_text("utf-8")
    shelved, seen = shelf.shelved, []
    monkeypatch.setattr(
        source, "shelved", lambda n: None if not seen and not seen.append(n) else shelved(n)
    )
    monkeypatch.setattr(source, "grown_from", lambda *_a: None)
    again = read_in(folder, cache)
    assert seen
    same(again.to_pandas(), first.to_pandas())
    assert notes.read_text("utf-8") == text
    assert set(cache.glob("*.parquet")) == files


def test_a_process_that_is_killed_before_the_notes_are_there_harms_nobody(log, monkeypatch):
    folder, cache = log
    first = read_in(folder, cache)
    day(folder, "2026-01-03.csv", "b,2026-01-03 10:00:00,cart,app")
    replace = Path.replace

    def killed(self, target):
        if Path(target).suffix == ".json":
            raise KeyboardInterrupt
        return replace(self, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", killed)
        with pytest.raises(KeyboardInterrupt):
            read_in(folder, cache)
    assert len(first.to_pandas()) == 3
    second = read_in(folder, cache)
    assert len(second.to_pandas()) == 4
    assert len(list(cache.glob("events-*.parquet"))) == 3  # one that no notes name
    age(cache, 200_000)
    day(folder, "2026-01-04.csv", "b,2026-01-04 10:00:00,cart,app")
    third = read_in(folder, cache)
    named = {p.name for p in (first.path, second.tail, third.tail)}
    assert {p.name for p in cache.glob("events-*.parquet")} == named


def test_a_reading_that_is_asked_for_again_is_not_cleared_away(log):
    folder, cache = log
    used = read_in(folder, cache)
    other = read_in(folder, cache, currency="EUR")
    age(cache, 200_000)
    assert read_in(folder, cache).path == used.path  # set back, and asked for
    day(folder, "2026-01-01.csv", "a,2026-01-01 10:00:00,visit,web")
    newest = read_in(folder, cache)
    assert newest.tail is None
    assert used.path.exists()
    assert not other.path.exists()


def age(folder, seconds):
    """Make everything in a folder older."""
    for path in folder.iterdir():
        found = path.stat()
        os.utime(path, (found.st_atime - seconds, found.st_mtime - seconds))
