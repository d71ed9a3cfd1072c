import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from journey_widgets.findings import Finding
from journey_widgets.publish import html
from journey_widgets.safe import csv_text, file_name, from_csv_text, inside

HOSTILE = "<img src=x onerror=alert(1)>\"'&"
ESCAPED = "&lt;img src=x onerror=alert(1)&gt;&quot;&#x27;&amp;"


def test_text_from_data_is_text_in_every_piece_of_a_page():
    frame = pd.DataFrame({HOSTILE: [HOSTILE]})
    finding = Finding(
        code="X", severity="warn", scope="row", message=HOSTILE, question=HOSTILE, fix=HOSTILE
    )
    pieces = [
        html.table(frame, caption=HOSTILE),
        html.note(HOSTILE),
        html.heading({HOSTILE: HOSTILE}),
        html.tiles({HOSTILE: (HOSTILE, HOSTILE)}),
        html.findings_list([finding]),
        html.figure("<svg></svg>", HOSTILE),
        html.stopped(HOSTILE),
    ]

    for piece in pieces:
        markup = piece._repr_html_()
        assert "<img" not in markup
        assert ESCAPED in markup


def test_a_long_list_of_findings_begins_with_the_worst_and_folds_the_rest():
    def some(severity, n):
        return [
            Finding(code="X", severity=severity, scope="row", message=f"{severity} {i}.")
            for i in range(n)
        ]

    long = html.findings_list([*some("info", 12), *some("warn", 30), *some("error", 2)])
    shown, _details, rest = long._repr_html_().partition("<details")
    assert shown.index("error 0.") < shown.index("warn 0.") < shown.index("warn 17.")
    assert "<summary>24 more</summary>" in rest
    assert rest.index("warn 18.") < rest.index("info 0.") < rest.index("info 11.")
    assert (repr(long), shown.count("<li"), rest.count("<li")) == (
        "2 errors, 30 warnings, 12 notes",
        20,
        24,
    )
    assert "<details" not in html.findings_list(some("warn", 22))._repr_html_()


def test_a_table_rounds_says_units_and_shows_what_is_missing():
    frame = pd.DataFrame(
        {
            "n": [1234567],
            "share": [0.12345],
            "hours": [0.1],
            "x": [None],
            "ok": [True],
            "f": [1234.5678],
        }
    )

    markup = html.table(frame, percent=["share"], hours=["hours"])._repr_html_()

    for text in (">1,234,567<", ">12.3%<", ">6 min<", ">–<", ">yes<", ">1,235<"):
        assert text in markup


@pytest.mark.parametrize(
    ("hours", "words"),
    [(0.0025, "9 s"), (0.1, "6 min"), (2.451, "2.5 h"), (59.6, "59.6 h"), (240, "10 days")],
)
def test_a_time_is_shown_in_a_fitting_unit(hours, words):
    assert html.duration(hours) == words


def test_a_long_table_and_a_long_text_are_cut_and_say_so():
    frame = pd.DataFrame({"text": ["x" * 1_000] * 600})

    markup = html.table(frame)._repr_html_()

    assert "100 more rows are not shown" in markup
    assert f'title="{"x" * 1_000}"' in markup


@given(st.text())
def test_a_csv_cell_is_no_formula_and_comes_back_as_it_was(text):
    cell = csv_text(text)

    assert (
        cell[:1] not in {"=", "+", "-", "@", "\t", "\r", "\0", "＝", "＋", "－", "＠"} or cell == ""
    )
    assert from_csv_text(cell) == text


FORMULAS = [
    "=1+1",
    " =1+1",
    "\n=1+1",
    "\u00a0@SUM(A1)",
    "\t-2",
    "\ufeff=A1",
    "\u200b+1",
    " \u2003＝1",
    "\x01=1",
    "'=1",
]


@pytest.mark.parametrize("text", FORMULAS)
def test_a_formula_is_one_also_after_what_is_not_seen(text):
    assert csv_text(text) == f"'{text}"
    assert from_csv_text(f"'{text}") == text


@pytest.mark.parametrize("text", ["", "a=b", "2026-05", "x@y", "'", " it's", "100 %"])
def test_other_text_stays_as_it_is(text):
    assert csv_text(text) == (f"'{text}" if text == "'" else text)


@given(st.text(max_size=60), st.text(max_size=60))
def test_distinct_texts_have_distinct_safe_file_names(one, two):
    names = [file_name(one), file_name(two)]

    assert (names[0].casefold() == names[1].casefold()) == (one == two)
    assert all(set(n) <= set("abcdefghijklmnopqrstuvwxyz0123456789_-") and n for n in names)


@pytest.mark.parametrize(
    "name", ["../x", "/etc/passwd", "a/../../x", "..", "con", "NUL", "a\0b", "", "ünï"]
)
def test_a_hostile_name_stays_in_its_folder(tmp_path, name):
    assert inside(tmp_path, file_name(name)).parent == tmp_path.resolve()
    if name in {"../x", "/etc/passwd", "a/../../x", ".."}:
        with pytest.raises(ValueError, match="outside"):
            inside(tmp_path, name)
