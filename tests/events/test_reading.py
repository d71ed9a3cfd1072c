import gzip
import json
import os
import subprocess
import sys
from pathlib import Path

import ibis
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from journey_widgets import (
    read_answers,
    read_contacts,
    read_events,
    read_figures,
    read_order_lines,
    read_tickets,
    read_trials,
    read_usage,
)
from journey_widgets.errors import JourneyDataError
from journey_widgets.events.personal import is_named_personal

HEADER = "customer_id,ts,event\n"


def facts(source, check):
    rows = source.data_check
    return rows[rows["check"] == check]


def fact(source, check, column=""):
    rows = facts(source, check)
    if column:
        rows = rows[rows["column"] == column]
    return int(rows["rows"].iloc[0])


def write(path, text, encoding="utf-8"):
    path.write_bytes(text.encode(encoding))
    return path


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252", "latin-1", "mac_roman"]
)
def test_a_csv_is_read_in_any_common_encoding(tmp_path, encoding):
    path = write(tmp_path / "e.csv", HEADER + "Zoë,2026-01-01 10:00:00,Größe\n", encoding)
    named = {} if encoding.startswith("utf-8") or encoding == "utf-16" else {"encoding": encoding}

    table = read_events(path, **named).to_pandas()

    assert table["customer_id"].tolist() == ["Zoë"]
    assert table["event"].tolist() == ["Größe"]


@pytest.mark.parametrize(("mark", "word"), [(";", "semicolon"), ("\t", "tab"), ("|", "bar")])
def test_a_separator_that_had_to_be_found_is_reported(tmp_path, mark, word):
    path = write(tmp_path / "e.csv", (HEADER + "a,2026-01-01,x\r\n").replace(",", mark))

    source = read_events(path)

    assert facts(source, "separator found in the file")["detail"].tolist() == [word]


def test_quotes_separators_and_line_breaks_within_cells_are_kept(tmp_path):
    path = write(tmp_path / "e.csv", HEADER + '"a, b",2026-01-01,"say ""x""\nand go"\n')

    table = read_events(path).to_pandas()

    assert table["customer_id"].tolist() == ["a, b"]
    assert table["event"].tolist() == ['say "x"\nand go']


def test_gzip_parquet_xlsx_and_json_lines_give_the_same_table(tmp_path):
    frame = pd.DataFrame(
        {
            "customer_id": ["a", "b"],
            "ts": pd.to_datetime(["2026-01-01 10:00", "2026-01-02 11:30"]),
            "event": ["x", "y"],
            "value": [1.5, None],
        }
    )
    frame.to_parquet(tmp_path / "e.parquet", index=False)
    frame.to_excel(tmp_path / "e.xlsx", index=False)
    frame.assign(ts=frame["ts"].astype(str)).to_json(
        tmp_path / "e.jsonl", orient="records", lines=True
    )
    with gzip.open(tmp_path / "e.csv.gz", "wt") as stream:
        frame.to_csv(stream, index=False)
    sources = [tmp_path / n for n in ("e.parquet", "e.xlsx", "e.jsonl", "e.csv.gz")]

    tables = [
        read_events(s).to_pandas()
        for s in [*sources, frame, pa.table(frame), ibis.memtable(pa.table(frame))]
    ]

    for table in tables:
        pd.testing.assert_frame_equal(table, tables[0])
    assert tables[0]["value"].tolist()[0] == 1.5


@pytest.mark.parametrize(
    ("text", "decimal", "value"),
    [
        ("12.5", ".", 12.5),
        ("1,234.5", ".", 1234.5),
        ("12,5", ".", None),
        ("12,5", ",", 12.5),
        ("1.234,5", ",", 1234.5),
        ("1.234", ",", 1234.0),
        ("12.5", ",", None),
        ("-3e2", ".", -300.0),
        ("1 234", ".", 1234.0),
        ("twelve", ".", None),
        ("inf", ".", None),
    ],
)
def test_a_number_is_read_by_the_decimal_mark_that_was_named_or_not_at_all(
    tmp_path, text, decimal, value
):
    path = write(tmp_path / "e.csv", f'customer_id;ts;event;value\na;2026-01-01;x;"{text}"\n')

    source = read_events(path, separator=";", decimal=decimal, tolerance=1)

    found = source.to_pandas()["value"].tolist()[0]
    assert found == value or (value is None and pd.isna(found))
    assert len(facts(source, "unreadable")) == (value is None)


def test_unreadable_times_are_refused_with_the_mapping_that_would_read_them(tmp_path):
    path = write(tmp_path / "e.csv", "who;when;event\na;7/29/2026;x\n")
    said = r"such as ts: \{from: when, formats: \['%d/%m/%Y %H:%M'\]\}"
    with pytest.raises(JourneyDataError, match=said):
        read_events(path, separator=";", customer_id="who", ts="when")
    mended = {"from": "when", "formats": ["%m/%d/%Y"]}
    assert len(read_events(path, separator=";", customer_id="who", ts=mended).to_pandas()) == 1


@pytest.mark.parametrize(
    ("text", "formats", "zone", "utc"),
    [
        ("2026-01-01 10:00:00", (), "UTC", "2026-01-01 10:00:00"),
        ("2026-01-01", (), "Europe/Rome", "2025-12-31 23:00:00"),
        ("2026-07-01T10:00", (), "Europe/Rome", "2026-07-01 08:00:00"),
        ("2026-07-01T10:00:00Z", (), "Europe/Rome", "2026-07-01 10:00:00"),
        ("2026-07-01T10:00:00.250+02:00", (), "Europe/Rome", "2026-07-01 08:00:00.250"),
        ("31/12/2025 23:30", ("%d/%m/%Y %H:%M",), "Europe/Rome", "2025-12-31 22:30:00"),
        ("12/31/2025 11:30 PM", ("%m/%d/%Y %I:%M %p",), "UTC", "2025-12-31 23:30:00"),
    ],
)
def test_times_become_instants_in_utc(tmp_path, text, formats, zone, utc):
    path = write(tmp_path / "e.csv", HEADER + f"a,{text},x\n")

    table = read_events(path, ts={"from": "ts", "formats": formats}, time_zone=zone).to_pandas()

    assert table["ts"].tolist() == [pd.Timestamp(utc)]


def test_unix_times_are_read_in_their_unit(tmp_path):
    path = write(
        tmp_path / "e.jsonl",
        json.dumps({"customer_id": 7, "ts": 1659304800025, "event": "x"}) + "\n",
    )

    table = read_events(path, ts={"from": "ts", "unit": "ms"}).to_pandas()

    assert table["ts"].tolist() == [pd.Timestamp("2022-07-31 22:00:00.025")]
    assert table["customer_id"].tolist() == ["7"]


def test_local_times_that_do_not_exist_or_occur_twice_are_counted(tmp_path):
    lines = "".join(
        f"a,{t},x\n" for t in ["2026-03-29 02:30:00", "2026-10-25 02:30:00", "2026-06-01 02:30:00"]
    )

    source = read_events(write(tmp_path / "e.csv", HEADER + lines), time_zone="Europe/Rome")

    assert fact(source, "local time does not exist") == 1
    assert fact(source, "local time occurs twice") == 1


def test_a_time_zone_that_was_not_stated_is_said():
    frame = pd.DataFrame(
        {"customer_id": ["a"], "ts": pd.to_datetime(["2026-01-01"]), "event": ["x"]}
    )

    assert facts(read_events(frame), "time zone not stated")["action"].tolist() == ["read as UTC"]


def test_rows_that_lack_what_the_contract_needs_are_set_aside_and_counted(tmp_path):
    lines = "".join(["a,2026-01-01,x\n"] * 30) + ",2026-01-01,x\nb,?,x\nc,soon,x\nd,2026-01-01, \n"

    source = read_events(write(tmp_path / "e.csv", HEADER + lines), missing=["?"])

    assert (
        fact(source, "rows read"),
        fact(source, "rows kept"),
        fact(source, "rows set aside"),
    ) == (34, 30, 4)
    assert fact(source, "blank", "customer_id") == 1
    assert fact(source, "blank", "ts") == 1
    assert fact(source, "blank", "event") == 1
    assert fact(source, "unreadable", "ts") == 1
    assert facts(source, "unreadable")["detail"].tolist() == ["first: 'soon' in record 33"]
    assert fact(source, "duplicate rows") == 29
    assert fact(source, "ties in time") == 30


def test_names_that_are_not_mapped_are_kept_or_set_aside_and_named():
    frame = pd.DataFrame(
        {
            "customer_id": list("abc"),
            "ts": pd.to_datetime(["2026-01-01"] * 3),
            "event": ["Buy", "Odd", "Odd"],
        }
    )

    kept = read_events(frame, touchpoints={"Buy": "purchase"})
    aside = read_events(frame, touchpoints={"Buy": "purchase"}, unmapped="set aside")

    assert kept.to_pandas()["touchpoint"].tolist() == ["purchase", "Odd", "Odd"]
    assert facts(kept, "unmapped names")["detail"].tolist() == ["Odd (2)"]
    assert aside.to_pandas()["touchpoint"].tolist() == ["purchase"]
    assert fact(aside, "rows set aside") == 2


def test_an_order_column_orders_events_of_the_same_time_as_numbers():
    frame = pd.DataFrame(
        {
            "customer_id": ["a"] * 3,
            "ts": pd.to_datetime(["2026-01-01"] * 3),
            "event": ["ten", "two", "one"],
            "n": ["10", "2", "1"],
        }
    )

    source = read_events(frame, order="n")

    assert source.to_pandas()["event"].tolist() == ["one", "two", "ten"]
    assert facts(source, "ties in time").empty


def test_order_lines_get_their_amount_and_their_oddities_are_counted():
    frame = pd.DataFrame(
        {
            "customer_id": ["a", None, "b"],
            "order_id": ["1", "2", "3"],
            "ts": pd.to_datetime(["2026-01-01"] * 3),
            "product_id": ["p", "q", "p"],
            "quantity": [2, 1, -1],
            "unit_price": [2.5, 0.0, 2.5],
        }
    )

    source = read_order_lines(frame, currency="EUR")

    assert source.to_pandas()["amount"].tolist() == [5.0, 0.0, -2.5]
    assert source.currency == "EUR"
    assert fact(source, "negative quantity") == 1
    assert fact(source, "price at or below zero") == 1
    assert fact(source, "blank", "customer_id") == 1
    with pytest.raises(JourneyDataError, match="lacks column 'unit_price'"):
        read_order_lines(frame.drop(columns="unit_price"))


def test_answers_of_one_column_a_question_become_rows_and_codes_become_blanks():
    frame = pd.DataFrame(
        {
            "respondent_id": ["r1", "r2", "r3"],
            "ts": pd.to_datetime(["2026-01-01"] * 3),
            "Q1": ["5", "6", "9"],
            "NPS": ["10", "11", "0"],
        }
    )

    source = read_answers(
        frame,
        questions={
            "Q1": {"scale": "1-5", "version": 3, "missing": ["6"], "touchpoint": "delivery"},
            "NPS": {"scale": "0-10", "version": "b", "missing": ["11"]},
        },
    )

    table = source.to_pandas()
    assert table["question_id"].tolist() == ["Q1", "NPS"] * 3
    assert table["question_version"].tolist() == ["3", "b"] * 3
    assert table["score"].fillna(-1).tolist() == [5, 10, -1, -1, -1, 0]
    assert table["touchpoint"].fillna("").tolist() == ["delivery", ""] * 3
    assert fact(source, "blank", "score") == 2
    assert facts(source, "outside the scale")["detail"].tolist() == ["first: '9' in record 3"]
    assert fact(source, "answers with a score") == 3


def test_tickets_keep_actors_that_are_not_known():
    frame = pd.DataFrame(
        {"case_id": ["1", "1"], "ts": pd.to_datetime(["2026-01-01", "2026-01-02"]), "activity": ["open", "close"],
         "actor": ["ann", None]}
    )  # fmt: skip

    source = read_tickets(frame)

    assert fact(source, "rows kept") == 2
    assert facts(source, "blank")["action"].tolist() == ["kept as blank"]


def test_trials_number_their_units_and_keep_equal_rows():
    frame = pd.DataFrame({"group": ["x", "x", "y"], "bought": [1, 1, 0], "city": ["a", "a", "b"]})

    source = read_trials(frame, arm="group", outcomes=["bought"], keep=["city"])

    table = source.to_pandas()
    assert table["unit_id"].tolist() == ["1", "2", "3"]
    assert table["bought"].tolist() == [1, 1, 0]
    assert fact(source, "duplicate rows") == 1
    with pytest.raises(JourneyDataError, match="lacks column 'spend'"):
        read_trials(frame, arm="group", outcomes=["spend"])


def test_the_same_input_has_the_same_fingerprint_and_another_mapping_another(tmp_path):
    path = write(tmp_path / "e.csv", HEADER + "a,2026-01-01,x\n")

    first, again = read_events(path), read_events(path)
    other = read_events(path, time_zone="Europe/Rome")

    assert first.fingerprint == again.fingerprint != other.fingerprint
    assert len(first.fingerprint) == 64


NAMES = st.text(
    st.characters(exclude_categories=["Cc", "Cs"], exclude_characters="{}"), min_size=1, max_size=15
)


@given(
    NAMES.filter(
        lambda n: (
            n.strip() == n
            and n not in {"ts", "event"}
            and not n.startswith("__")
            and not is_named_personal(n)
        )  # such as ßN, which is SSN
    )
)
@settings(max_examples=40, deadline=None)
def test_any_column_name_is_a_name_and_never_code(name):
    frame = pd.DataFrame(
        {name: ["a'; DROP TABLE raw; --"], "ts": pd.to_datetime(["2026-01-01"]), "event": ["x"]}
    )

    source = read_events(frame, customer_id=name)

    assert source.to_pandas()["customer_id"].tolist() == ["a'; DROP TABLE raw; --"]


def test_the_scratch_folder_of_a_killed_process_is_removed_by_the_next_one(tmp_path):
    code = "from journey_widgets.events.engine import scratch_folder as f; print(f(), flush=True); input()"
    running = [
        subprocess.Popen(
            [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            env={**os.environ, "TMPDIR": str(tmp_path)},
        )
        for _ in range(2)
    ]  # fmt: skip
    killed, living = running
    folders = [Path(p.stdout.readline().strip()) for p in running]
    killed.kill()
    killed.communicate()
    assert folders[0].exists()

    env = {**os.environ, "TMPDIR": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", code], input="\n", text=True, env=env, capture_output=True
    )

    assert [f.exists() for f in folders] == [False, True]
    assert not Path(done.stdout.strip()).exists()
    living.communicate("\n")
    assert not folders[1].exists()


def test_figures_usage_and_contacts_are_read_and_counted():
    figures = read_figures(
        pd.DataFrame(
            {
                "kpi": ["cac", "cac"],
                "figure": ["cost", "customers"],
                "ts": ["2026-01-05"] * 2,
                "value": [9.0, 3.0],
            }
        )
    )
    usage = read_usage(
        pd.DataFrame(
            {
                "customer_id": ["a", "b", "a"],
                "ts": ["2026-01-05"] * 3,
                "event": ["opened", "opened", "full"],
            }
        )
    )

    contacts = read_contacts(
        pd.DataFrame(
            {
                "customer_id": ["a", "b"], "ts": ["2026-01-05"] * 2, "offer": "case", "touchpoint": "help",
                "evidence": "tested", "arm": ["contacted", "left alone"], "expected": 0.1, "bought": [1, None],
            }
        )
    )  # fmt: skip

    counts = {
        s.kind: dict(zip(s.data_check["check"], s.data_check["rows"], strict=True))
        for s in (figures, usage, contacts)
    }
    assert counts["figures"]["kpis"] == 1
    assert counts["figures"]["figures"] == 2
    assert counts["usage"]["customers"] == 2
    assert counts["usage"]["events"] == 2
    assert (counts["contacts"]["offers"], counts["contacts"]["arms"]) == (1, 2)
