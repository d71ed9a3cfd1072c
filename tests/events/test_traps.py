"""Traps of real files: each changed a figure in silence once, or could have."""

import json

import pandas as pd
import pytest

from journey_widgets import journey, read_events, read_order_lines, read_trials
from journey_widgets.errors import JourneyDataError

HEADER = "customer_id,ts,event\n"


def facts(source):
    return {(r.check, r.column): r.rows for r in source.data_check.itertuples()}


def lines(path, *records):
    path.write_text("".join(json.dumps(r) + "\n" for r in records))
    return path


@pytest.mark.parametrize("name", ["log[1].csv", "log*.csv", "log?.csv"])
def test_a_file_name_is_a_name_and_not_a_pattern(tmp_path, name):
    (tmp_path / "log1.csv").write_text(HEADER + "WRONG,2026-01-01,x\n")
    (tmp_path / name).write_text(HEADER + "RIGHT,2026-01-01,x\n")

    assert read_events(tmp_path / name).to_pandas()["customer_id"].tolist() == ["RIGHT"]


def test_a_folder_named_like_a_column_does_not_become_one(tmp_path):
    folder = tmp_path / "event=v"
    folder.mkdir()
    frame = pd.DataFrame({"customer_id": ["a"], "ts": ["2026-01-01"], "event": ["x"]})
    frame.to_parquet(folder / "e.parquet")
    frame.to_csv(folder / "e.csv", index=False)

    for name in ("e.parquet", "e.csv"):
        assert read_events(folder / name).to_pandas()["event"].tolist() == ["x"]


def test_codes_for_blank_match_numbers_however_they_are_stored():
    frame = pd.DataFrame(
        {
            "customer_id": [17850.0, None],
            "ts": ["2026-01-01"] * 2,
            "event": ["x"] * 2,
            "value": [-99, 1.5],
        }
    )

    source = read_events(frame, missing=["-99"])

    assert source.to_pandas()["customer_id"].tolist() == ["17850"]
    assert facts(source)["blank", "value"] == 1
    assert facts(source)["blank", "customer_id"] == 1


def test_a_recoded_value_that_means_nothing_is_blank():
    frame = pd.DataFrame({"customer_id": ["a", "b"], "ts": ["2026-01-01"] * 2, "event": ["x", "y"]})

    source = read_events(frame, customer_id={"from": "customer_id", "recode": {"b": ""}})

    assert source.to_pandas()["customer_id"].tolist() == ["a"]
    assert facts(source)["blank", "customer_id"] == 1


def test_not_a_number_is_no_number():
    frame = pd.DataFrame(
        {
            "customer_id": ["a", "b"],
            "order_id": ["1", "2"],
            "ts": ["2026-01-01"] * 2,
            "product_id": ["p"] * 2,
            "quantity": [float("nan"), 2.0],
            "unit_price": [1.0, 1.0],
        }
    )

    source = read_order_lines(frame)

    assert source.to_pandas()["amount"].tolist() == [2.0]
    assert facts(source)["blank", "quantity"] == 1


def test_json_lines_keep_ids_and_texts_as_they_were_written(tmp_path):
    path = tmp_path / "e.jsonl"
    path.write_text(
        '{"customer_id": 1, "ts": "2026-01-01", "event": "2024-1-1"}\n'
        '{"customer_id": "1", "ts": "2026-01-02", "event": "12:30"}\n'
        '{"customer_id": 12345678901234567890123, "ts": "2026-01-03", "event": "x"}\n'
        '{"customer_id": 12345678901234567890124, "ts": "2026-01-03", "event": "", "more": {"a": 1}}\n'
    )

    source = read_events(path)

    table = source.to_pandas()
    assert table["customer_id"].tolist() == ["1", "1", "12345678901234567890123"]
    assert table["event"].tolist() == ["2024-1-1", "12:30", "x"]
    assert facts(source)["blank", "event"] == 1


def test_json_lines_with_ever_other_keys_are_one_table(tmp_path):
    records = [
        {"customer_id": f"c{i}", "ts": "2026-01-01", "event": "x", f"key{i}": i} for i in range(400)
    ]

    assert len(read_events(lines(tmp_path / "e.jsonl", *records)).to_pandas()) == 400


def test_lines_whose_list_is_empty_are_counted(tmp_path):
    path = lines(
        tmp_path / "e.jsonl",
        {
            "cid": "a",
            "items": [{"ts": "2026-01-01", "event": "x"}, {"ts": "2026-01-02", "event": "y"}],
        },
        {"cid": "b", "items": []},
        {"cid": "c"},
    )

    source = read_events(path, unnest="items", customer_id="cid")

    assert source.to_pandas()["event"].tolist() == ["x", "y"]
    assert facts(source)["lines without a record", "items"] == 2


@pytest.mark.parametrize("items", ["text", 5, {"a": 1}, [1, 2]])
def test_a_list_that_holds_no_records_is_refused(tmp_path, items):
    path = lines(tmp_path / "e.jsonl", {"cid": "a", "items": items})

    with pytest.raises(JourneyDataError, match="records"):
        read_events(path, unnest="items", customer_id="cid")


def test_an_order_column_of_text_orders_as_text():
    frame = pd.DataFrame(
        {
            "customer_id": ["a"] * 3,
            "ts": pd.to_datetime(["2026-01-01"] * 3),
            "event": ["third", "first", "second"],
            "seq": ["2026-01-01T03:00", "2026-01-01T01:00", "2026-01-01T02:00"],
        }
    )

    source = read_events(frame, order="seq")

    assert journey.variants(source)["path"].tolist() == ["first -> second -> third"]


def test_an_order_column_with_blanks_and_ties_says_so():
    frame = pd.DataFrame(
        {
            "customer_id": ["a"] * 3,
            "ts": pd.to_datetime(["2026-01-01"] * 3),
            "event": list("xyz"),
            "n": ["1", "1", ""],
        }
    )

    found = facts(read_events(frame, order="n"))

    assert found["blank", "n"] == 1
    assert found["ties in time", "ts"] == 2


@pytest.mark.parametrize(
    "keep", [["event"], ["touchpoint"], ["row"], ["raw:event"], ["x", "x"], ["value"]]
)
def test_a_kept_column_may_not_hide_another(keep):
    frame = pd.DataFrame(
        {"customer_id": ["a"], "ts": ["2026-01-01"], "event": ["x"], **{k: ["5"] for k in keep}}
    )

    with pytest.raises(JourneyDataError, match="keep names"):
        read_events(frame, keep=keep)


def test_an_outcome_may_not_hide_another_column():
    with pytest.raises(JourneyDataError, match="outcomes names 'cost'"):
        read_trials(pd.DataFrame({"arm": ["x"], "cost": [1]}), outcomes=["cost"])


def test_times_in_the_wrong_unit_are_refused_and_single_odd_ones_counted():
    frame = pd.DataFrame({"customer_id": ["a"], "ts": [1_704_067_200_000], "event": ["x"]})

    with pytest.raises(JourneyDataError, match="are no time that can be read"):
        read_events(frame, ts={"from": "ts", "unit": "s"})
    mixed = pd.DataFrame(
        {"customer_id": ["a"] * 3, "ts": [1.7e9, float("inf"), 1e30], "event": ["x"] * 3}
    )
    source = read_events(mixed, ts={"from": "ts", "unit": "s"}, tolerance=1)
    assert facts(source)["unreadable", "ts"] == 2


def test_a_zone_is_asked_for_only_where_times_carry_none(tmp_path):
    path = tmp_path / "e.csv"
    path.write_text(HEADER + "a,2026-01-01T10:00:00Z,x\na,2026-01-01T10:00:00+02:00,y\n")

    assert ("time zone not stated", "ts") not in facts(read_events(path))
    path.write_text(path.read_text() + "a,2026-01-01T10:00:00,z\n")
    assert facts(read_events(path))["time zone not stated", "ts"] == 1


def test_half_hour_clock_changes_are_seen():
    frame = pd.DataFrame({"customer_id": ["a"], "ts": ["2024-04-07 01:45:00"], "event": ["x"]})

    source = read_events(frame, time_zone="Australia/Lord_Howe")

    assert facts(source)["local time occurs twice", "ts"] == 1


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("blank.csv", b"customer_id,,event\na,b,c\n", "column 2 has no name"),
        ("case.csv", b"customer_id,ts,Event,event\na,2026-01-01,x,y\n", "occurs twice"),
        (
            "own.csv",
            b"customer_id,ts,event,__row\na,2026-01-01,x,1\n",
            "'__row' is a name used here",
        ),
        ("odd.csv", "customer_id,ts,event\n".encode("utf-16") + b"a", "is not utf-16"),
        ("list.jsonl", b"[1, 2]\n", "must be a JSON object"),
        ("data.csv.gz", b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03broken", "cannot be unpacked"),
    ],
)
def test_an_odd_file_is_refused_in_words(tmp_path, name, data, said):
    (tmp_path / name).write_bytes(data)

    with pytest.raises(JourneyDataError) as error:
        read_events(tmp_path / name)

    assert said in str(error.value)


def test_a_table_without_rows_is_refused_whatever_holds_it(tmp_path):
    frame = pd.DataFrame({"customer_id": ["a"], "ts": ["2026-01-01"], "event": ["x"]})
    frame.head(0).to_parquet(tmp_path / "e.parquet")

    with pytest.raises(JourneyDataError, match="has no rows"):
        read_events(tmp_path / "e.parquet")


@pytest.mark.parametrize("encoding", ["rot13", "base64", "punycode", "undefined"])
def test_an_encoding_that_is_none_of_text_is_refused(tmp_path, encoding):
    (tmp_path / "e.csv").write_text(HEADER + "a,2026-01-01,x\n")

    with pytest.raises(JourneyDataError, match="encoding"):
        read_events(tmp_path / "e.csv", encoding=encoding)


def test_a_very_long_first_cell_is_read(tmp_path):
    (tmp_path / "e.csv").write_text(HEADER + "a,2026-01-01," + "x" * 200_000 + "\n")

    assert len(read_events(tmp_path / "e.csv").to_pandas()["event"][0]) == 200_000


def test_more_touchpoints_than_a_small_number_counts_are_told_apart():
    n = 40_000
    frame = pd.DataFrame(
        {
            "customer_id": ["a"] * n,
            "ts": pd.Timestamp("2026-01-01") + pd.to_timedelta(range(n), unit="s"),
            "event": [f"page_{i}" for i in range(n)],
        }
    )

    assert len(journey.transitions(frame)) == n - 1


def test_a_damaged_cache_is_made_anew(tmp_path):
    from journey_widgets.events.mapping import SourceMapping
    from journey_widgets.events.source import read

    (tmp_path / "e.csv").write_text(HEADER + "a,2026-01-01,x\n")
    first = read("events", tmp_path / "e.csv", SourceMapping(), cache=tmp_path / "cache")
    (notes,) = (tmp_path / "cache").glob("events-*.json")
    for damaged in (first.path, notes):
        damaged.write_bytes(damaged.read_bytes()[:20])

        again = read("events", tmp_path / "e.csv", SourceMapping(), cache=tmp_path / "cache")

        assert again.to_pandas()["customer_id"].tolist() == ["a"]
