"""The page of a batch: what failed, what certainly changed over all reports, to filter and to sort."""

import json

import numpy as np
import pytest

from journey_widgets.publish import figures
from journey_widgets.publish.batch_changes import changes, last_batch, same_reports
from journey_widgets.publish.batch_page import batch_page

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

    page = batch_page(folder, manifest)

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
    path.write_text(batch_page(folder, manifest), "utf-8")
    page = new_page()
    page.goto(path.as_uri())

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
