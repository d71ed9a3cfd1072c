"""The page of a batch: what failed, what certainly changed over all reports, to filter and to sort."""

import json

import numpy as np
import pytest

from journey_widgets.publish import figures, standings
from journey_widgets.publish.batch_changes import changes, last_batch, same_reports
from journey_widgets.publish.batch_page import NAME, batch_pages
from journey_widgets.publish.batch_reds import red_and_certain
from journey_widgets.publish.overview import open_overview
from journey_widgets.scorecard.status import chance_of_better
from support.page import violations

COUNTS = {"made": 0, "fresh": 0, "failed": 0, "refused": 0, "left out": 0}


def figure(name, value, reach, *, column="Value", section="KPIs", part="All"):
    return {
        "section": section, "part": part, "row": 1, "name": name, "figure": column, "value": value,
        "low": value - reach, "high": value + reach, "n": 100, "shown": f"{value:.2f}",
    }  # fmt: skip


def report(folder, stem, lines, **parameters):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{stem}.csv").write_text(figures.to_csv(lines), "utf-8")
    (folder / f"{stem}.html").write_text("<html></html>", "utf-8")
    return {"stem": stem, "parameters": parameters, "status": "made", "seconds": 2.5, "tries": 1}


def batch(folder, runs):
    counts = COUNTS | {s: sum(r["status"] == s for r in runs) for s in COUNTS}
    found = {
        "schema": "batch/1", "report": "each", "workspace": "Shop", "notebook": "scorecard", "day": folder.name,
        "inputs": {}, "counts": counts, "runs": runs,
    }  # fmt: skip
    (folder / "batch.json").write_text(json.dumps(found), "utf-8")
    return found


def index_of(folder, manifest):
    return batch_pages(folder, manifest)[NAME]


@pytest.fixture
def two(tmp_path):
    """Two batches: of north one figure has fallen far, of south none has."""
    old, new = tmp_path / "2026-06-01", tmp_path / "2026-07-01"
    part = "Alarms, {}"
    for folder, month, north in ((old, "June", 0.5), (new, "July", 0.3)):
        runs = [
            report(folder, f"north-{month}", [figure("Paid", north, 0.02, part=part.format(month))],
                   segment="north", as_of=month),
            report(folder, f"south-{month}", [figure("Paid", 0.5, 0.02, part=part.format(month))],
                   segment="south", as_of=month),
        ]  # fmt: skip
        last = batch(folder, runs)
    return new, last


def test_reports_are_compared_with_those_of_the_last_day_that_are_alike_but_for_the_day(two):
    folder, manifest = two
    before = last_batch(folder)

    found = changes(same_reports(folder, before, manifest["runs"]))

    assert before.name == "2026-06-01"
    assert last_batch(before) is None
    assert found["stem"].tolist() == ["north-July", "south-July"]
    assert found["certain"].tolist() == [True, False]
    assert (found["before"][0], found["now"][0]) == ("0.50", "0.30")
    assert found["change"][0] == pytest.approx(-0.2)


def test_a_kpi_that_is_counted_in_another_way_did_not_change_and_what_else_did_is_said(two):
    new, last = two
    old = new.parent / "2026-06-01"
    for folder, month, definition in ((old, "June", "a1"), (new, "July", "b2")):
        rows = [{"kpi": "paid", "label": "Paid", "definition": definition, "chance": None}]
        (folder / f"north-{month}.json").write_text(json.dumps({"standing": rows}), "utf-8")
    then = json.loads((old / "batch.json").read_text("utf-8"))
    then["inputs"] = {
        "documents": {"scorecard": "3 abc", "raci": "1 x"},
        "settings": "s",
        "code": "c",
    }
    (old / "batch.json").write_text(json.dumps(then), "utf-8")
    last["inputs"] = {
        "documents": {"scorecard": "4 def", "raci": "1 x"},
        "settings": "s",
        "code": "d",
    }

    page = index_of(new, last)

    said = "these changed since 2026-06-01: scorecard (revision 3, now 4), the program that counts."
    assert f"Besides the data, {said}" in page
    assert "Counted in another way now, and so not compared: Paid." in page
    assert "0.50 → 0.30" not in page


def test_false_discoveries_are_controlled_over_all_reports_of_the_batch(tmp_path):
    rng = np.random.default_rng(3)
    sides = {}
    for side in ("then", "now"):
        lines = [figure(f"k{i}", rng.normal(0, 1), 1.96) for i in range(400)]
        sides[side] = lines
    pairs = {}
    for place in range(4):
        paths = []
        for side in ("now", "then"):
            path = tmp_path / f"{place}-{side}.csv"
            path.write_text(figures.to_csv(sides[side][place * 100 : place * 100 + 100]), "utf-8")
            paths.append(path)
        pairs[str(place)] = tuple(paths)

    found = changes(pairs)

    raw = np.abs(found["change"]) / np.sqrt(2)
    assert (raw > 1.96).sum() > 8  # about one in twenty of what only differs by chance
    assert found["certain"].sum() == 0


def test_what_compares_already_and_what_is_of_the_same_row_is_not_counted_again(tmp_path):
    lines = [
        figure("Paid", 0.5, 0.1), figure("Paid", 0.4, 0.1, column="Before"), figure("Paid", 0.1, 0.1, column="Change"),
        figure("Paid", 7.0, 0.1, column="Per 100"),
    ]  # fmt: skip
    path = tmp_path / "a.csv"
    path.write_text(figures.to_csv(lines), "utf-8")

    found = changes({"a": (path, path)})

    assert found["figure"].tolist() == ["Value"]
    assert found["p_value"].tolist() == [1.0]
    assert changes({}).empty


def test_the_page_says_what_failed_first_and_text_of_data_is_text(two):
    folder, manifest = two
    hostile = '<img src=x onerror="document.title=1">'
    manifest["runs"].append(
        {
            "stem": "east",
            "parameters": {"segment": hostile},
            "status": "failed",
            "why": f"each: {hostile}",
        }
    )
    manifest["counts"]["failed"] = 1

    page = index_of(folder, manifest)

    assert hostile not in page
    assert "&lt;img src=x" in page
    assert page.index("Not made this time: the last good report") < page.index('class="jw-tools"')
    assert "Paid, Value: 0.50 → 0.30" in page


def test_reports_are_filtered_and_sorted_in_the_page_with_nothing_fetched(two, tmp_path, new_page):
    folder, manifest = two
    many = [
        report(folder, f"shop{i:03d}", [], segment=f"shop {i}") | {"seconds": float(300 - i)}
        for i in range(300)
    ]
    manifest["runs"] = [*manifest["runs"], *many]
    path = folder / "index.html"
    path.write_text(index_of(folder, manifest), "utf-8")
    page = new_page()
    page.goto(path.as_uri())
    assert violations(page) == []

    assert page.inner_text("#jw-said") == "302 of 302 reports"
    page.fill("#jw-text", "shop 29")
    assert page.inner_text("#jw-said") == "11 of 302 reports"
    page.fill("#jw-text", "")
    page.click("text=Seconds")
    assert page.locator("tbody tr >> nth=0").inner_text().startswith("segment shop 299")
    page.click("text=Seconds")
    assert (
        page.locator("table.jw-batch tbody tr >> nth=0").inner_text().startswith("segment shop 0")
    )
    assert page.locator("th[aria-sort=descending]").inner_text().startswith("Seconds")
    page.select_option("#jw-status", "made")
    assert page.inner_text("#jw-said") == "302 of 302 reports"
    page.click("text=segment north")
    assert page.url.endswith("north-July.html")


# red and certain


def standing(kpi, value, reach, *, owner="shop", chance=None, weight=0.1, status="red"):
    low, high = value - reach, value + reach
    return {
        "kpi": kpi, "label": kpi.title(), "owner": owner, "owner_label": owner.title() or "nobody", "status": status,
        "certain": True, "value": value, "low": low, "high": high, "n": 100.0, "target": 1.0, "weight": weight,
        "shown": f"{value:.2f}", "between": f"{low:.2f} to {high:.2f}", "aimed": "1.00",
        "chance": chance_of_better(value, low, high, lambda v: v) if chance is None else chance,
    }  # fmt: skip


def test_three_hundred_reports_at_the_border_of_red_are_flagged_in_fewer_than_one_batch_of_twenty():
    rng = np.random.default_rng(4)
    flagged = 0
    for _batch in range(30):
        values = 0.33 + 0.05 / 1.96 * rng.standard_normal((300, 4))
        found = red_and_certain(
            {
                f"s{i}": [standing(f"k{j}", v, 0.05) for j, v in enumerate(row)]
                for i, row in enumerate(values)
            }
        )
        flagged += bool(len(found))
    alone = 30 * 300 * 4 * 0.025  # so many would be called certain, each by its own interval

    assert alone == 900
    assert flagged <= 4  # 0.05 is promised; 5 of 30 would come by chance in one of sixty


def test_what_is_truly_red_is_found_among_many_and_the_weighty_comes_first():
    rows = {f"s{i}": [standing("fine", 0.8, 0.05, status="green")] for i in range(100)}
    rows["north"] = [
        standing("paid", 0.1, 0.05, weight=0.1),
        standing("kept", 0.1, 0.05, weight=0.4),
    ]

    found = red_and_certain(rows)

    assert found[["stem", "kpi"]].to_numpy().tolist() == [["north", "kept"], ["north", "paid"]]
    assert (found["p_value"] < 1e-6).all()


def test_a_kpi_that_is_the_same_in_every_report_is_said_once():
    rows = {
        s: [standing("documents", 0.1, 0.0, chance=0.0), standing("paid", v, 0.05)]
        for s, v in (("a", 0.1), ("b", 0.7))
    }

    found = red_and_certain(rows)

    assert found[["stem", "kpi"]].to_numpy().tolist() == [["", "documents"], ["a", "paid"]]


def test_every_red_kpi_is_on_the_page_of_exactly_one_role(tmp_path):
    folder = tmp_path / "2026-07-01"
    runs = [report(folder, s, [figure("Paid", 0.5, 0.02)], segment=s) for s in ("north", "south")]
    held = {
        "north": [standing("paid", 0.1, 0.02), standing("kept", 0.1, 0.02, owner="success")],
        "south": [standing("paid", 0.12, 0.02), standing("asked", 0.1, 0.02, owner="")],
    }
    for stem, rows in held.items():
        (folder / f"{stem}.json").write_text(json.dumps({"standing": rows}), "utf-8")

    pages = batch_pages(folder, batch(folder, runs))

    assert sorted(pages) == [
        "index.html",
        "role--nobody.html",
        "role-shop.html",
        "role-success.html",
    ]
    for label, owner in (("Kept", "success"), ("Asked", "-nobody"), ("Paid", "shop")):
        assert [n for n, t in pages.items() if n != "index.html" and f"<td>{label}</td>" in t] == [
            f"role-{owner}.html"
        ]
    assert pages["role-shop.html"].count("<td>Paid</td>") == 2
    assert 'href="north.html"' in pages["role-success.html"]
    assert 'href="role-success.html"' in pages["index.html"]
    assert "Red and certain, the most certain and weighty first" in pages["index.html"]


def test_what_is_red_by_chance_or_without_an_interval_is_on_a_role_page_too_and_said_to_be_so(
    tmp_path,
):
    folder = tmp_path / "2026-07-01"
    runs = [report(folder, s, [figure("Paid", 0.5, 0.02)], segment=s) for s in ("north", "south")]
    unknown = {**standing("asked", 0.1, 0.02, owner="success"), "chance": None, "certain": False}
    held = {
        "north": [standing("paid", 0.1, 0.02), standing("kept", 0.3, 0.2), unknown],
        "south": [
            standing("paid", 0.12, 0.02),
            {**standing("fine", 0.8, 0.02, status="green"), "worst": False},
        ],
    }
    for stem, rows in held.items():
        rows = [{"worst": True, **r} for r in rows]
        (folder / f"{stem}.json").write_text(json.dumps({"standing": rows}), "utf-8")

    pages = batch_pages(folder, batch(folder, runs))

    shop, success = pages["role-shop.html"], pages["role-success.html"]
    assert "Red, but not certain, answered for by Shop" in shop
    assert shop.count("<td>Paid</td>") == 2
    assert shop.count("<td>Kept</td>") == shop.count("not certain</td>") == 1
    assert "Red and certain, answered for" not in success
    assert success.count("<td>Asked</td>") == 1
    assert "Fine" not in "".join(pages.values())
    assert 'role-shop.html">Shop</a>: 2, and 1 not certain' in pages["index.html"]
    assert 'role-success.html">Success</a>: 0, and 1 not certain' in pages["index.html"]


def test_what_the_last_good_report_of_another_state_says_is_not_counted(tmp_path):
    folder = tmp_path / "2026-07-01"
    run = report(folder, "north", [figure("Paid", 0.5, 0.02)], segment="north") | {
        "status": "failed",
        "why": "x",
    }
    (folder / "north.json").write_text(
        json.dumps({"standing": [standing("paid", 0.1, 0.02)]}), "utf-8"
    )

    assert sorted(batch_pages(folder, batch(folder, [run]))) == ["index.html"]


def test_the_pages_of_a_batch_take_hostile_names_as_text(tmp_path):
    hostile = "<script>alert(1)</script>"
    folder = tmp_path / "2026-07-01"
    run = report(folder, "north", [figure("Paid", 0.5, 0.02)], segment=hostile)
    row = standing("paid", 0.1, 0.02, owner="../x") | {
        "label": hostile,
        "owner_label": hostile,
        "shown": hostile,
    }
    (folder / "north.json").write_text(json.dumps({"standing": [row]}), "utf-8")

    pages = batch_pages(folder, batch(folder, [run]))

    assert not any("/" in name or "<script>alert" in text for name, text in pages.items())


def test_the_standing_of_a_real_report_tells_the_kpis_of_its_scorecard(made_example, monkeypatch):
    monkeypatch.setenv("JOURNEY_WORKSPACE", str(made_example))
    monkeypatch.setenv("JOURNEY_MODE", "report")
    _page, view = open_overview()

    rows = standings.of_view(view)

    assert len(rows) > 10
    assert all(r["owner_label"] for r in rows)
    for row in rows:
        if row["chance"] is not None and row["chance"] < 0.02:
            assert row["status"] == "red"
        if row["certain"] and row["status"] == "red" and row["low"] is not None:
            assert row["chance"] <= 0.026
    assert json.loads(json.dumps(rows)) == rows
