"""Every file that cannot be read says in one sentence what is wrong, where, and what to do."""

import zipfile

import duckdb
import pandas as pd
import pytest

from journey_widgets import read_events
from journey_widgets.errors import JourneyDataError
from journey_widgets.events.raw import locked_connection

GOOD = "customer_id,ts,event\n" + "".join(f"c{i},2026-01-01,x\n" for i in range(10))


def bomb(path):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", b"0" * 50_000_000)


FILES = {
    "empty.csv": (b"", "is empty"),
    "header.csv": (b"customer_id,ts,event\n", "has a header but no rows"),
    "blank.csv": (b"\n\n\n", "has no header"),
    "latin.csv": (GOOD.encode() + "c,2026-01-01,Größe\n".encode("cp1252"), "row 12: byte b'\\xf6'"),
    "zip.csv": (b"PK\x03\x04rest", "is a ZIP or XLSX file, not text"),
    "parquet.csv": (b"PAR1rest", "is a Parquet file, not text"),
    "nul.csv": (b"a,b\n\0\0", "holds zero bytes"),
    "twice.csv": (b"ts,ts\n1,2\n", "column 'ts' occurs twice"),
    "column.csv": (b"who,ts,event\na,2026-01-01,x\n", "lacks column 'customer_id'; it has 'who'"),
    "dates.csv": (
        b"customer_id,ts,event\n" + b"a,2026-01-01,x\n" * 70 + b"a,31/12/2026,x\n" * 30,
        "30 of 100 values of 'ts' (30%) are no time that can be read; first: '31/12/2026' in record 71",
    ),
    "ragged.csv": (GOOD.encode() + b"a,2026-01-01,x,too,many\n" + GOOD.encode(), "row 12"),
    "broken.parquet": (b"PAR1broken", "is not a whole Parquet file"),
    "broken.xlsx": (b"PK\x03\x04broken", "is not an XLSX workbook"),
    "broken.jsonl": (b'{"a": 1}\n{"a":\n', "is not JSON Lines"),
    "broken.csv.gz": (b"\x1f\x8bbroken", "cannot be unpacked"),
    "what.dat": (b"a,b\n1,2\n", "its ending does not tell what it is"),
}


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_cannot_be_read_says_why(tmp_path, name):
    data, said = FILES[name]
    path = tmp_path / name
    path.write_bytes(data)

    with pytest.raises(JourneyDataError) as error:
        read_events(path)

    assert said in str(error.value)
    assert "\n" not in str(error.value)


def test_a_wrong_path_lists_the_near_names(tmp_path):
    (tmp_path / "events.csv").write_text(GOOD)

    with pytest.raises(JourneyDataError, match="Did you mean 'events.csv'"):
        read_events(tmp_path / "event.csv")
    with pytest.raises(JourneyDataError, match="is a folder"):
        read_events(tmp_path)
    with pytest.raises(JourneyDataError, match="folder does not exist"):
        read_events(tmp_path / "none" / "events.csv")


def test_a_workbook_that_unpacks_to_very_much_is_refused_before_it_does(tmp_path):
    bomb(tmp_path / "bomb.xlsx")

    with pytest.raises(JourneyDataError, match="would unpack to 50 MB"):
        read_events(tmp_path / "bomb.xlsx")


def test_a_misspelt_option_lists_the_near_ones(tmp_path):
    (tmp_path / "e.csv").write_text(GOOD)

    with pytest.raises(JourneyDataError, match="takes no 'timezone'. Did you mean 'time_zone'"):
        read_events(tmp_path / "e.csv", timezone="UTC")
    with pytest.raises(JourneyDataError, match="no time zone 'Europe/Roma'"):
        read_events(tmp_path / "e.csv", time_zone="Europe/Roma")
    with pytest.raises(JourneyDataError, match="encoding 'utf-9'"):
        read_events(tmp_path / "e.csv", encoding="utf-9")


@pytest.mark.parametrize(
    ("table", "said"),
    [
        (pd.DataFrame(), "has no rows"),
        (pd.DataFrame({"customer_id": ["a"], "ts": ["2026-01-01"]}), "lacks column 'event'"),
        (pd.DataFrame([["a", "b"]], columns=["x", "x"]), "column 'x' occurs twice"),
        ([1, 2, 3], "got list"),
        (
            pd.DataFrame({"customer_id": [None], "ts": ["2026-01-01"], "event": ["x"]}),
            "no row has all of",
        ),
    ],
)
def test_a_table_that_is_no_log_says_why(table, said):
    with pytest.raises(JourneyDataError, match=said):
        read_events(table)


def test_reading_leaves_nothing_behind_when_it_fails(tmp_path):
    from journey_widgets.events.mapping import SourceMapping
    from journey_widgets.events.source import read

    (tmp_path / "bad.csv").write_text("a,b\n1,2\n")
    cache = tmp_path / "cache"

    with pytest.raises(JourneyDataError):
        read("events", tmp_path / "bad.csv", SourceMapping(), cache=cache)

    assert list(cache.iterdir()) == []


def test_the_connection_that_reads_a_file_sees_its_folder_and_nothing_else(tmp_path):
    inside, outside = tmp_path / "data", tmp_path / "secret.csv"
    inside.mkdir()
    (inside / "a.csv").write_text("x\n1\n")
    outside.write_text("x\nTOPSECRET\n")
    (inside / "link.csv").symlink_to(outside)
    con = locked_connection(inside).con
    never = {"x": [1]}  # noqa: F841 - a name that SQL must not find

    assert con.execute(f"FROM read_csv('{inside}/a.csv')").fetchall() == [(1,)]
    for statement in (
        f"FROM read_csv('{outside}')",
        f"FROM read_csv('{inside}/../secret.csv')",
        f"FROM read_csv('{inside}/link.csv')",
        f"FROM '{outside}'",
        f"FROM glob('{tmp_path}/*')",
        f"COPY (SELECT 1) TO '{tmp_path}/out.csv'",
        f"ATTACH '{tmp_path}/x.db'",
        "FROM read_csv('http://127.0.0.1:1/x.csv')",
        "INSTALL httpfs",
        "LOAD httpfs",
        "SET enable_external_access=true",
        "SET lock_configuration=false",
        "SET memory_limit='100GB'",
        "FROM never",
    ):
        with pytest.raises(duckdb.Error):
            con.execute(statement).fetchall()
