"""Write the table of KPIs anew: what each is counted in, and which need figures from elsewhere.

python tests/support/kpi_table.py
"""

from pathlib import Path

import pandas as pd

from journey_widgets.scorecard import catalogue, measured
from journey_widgets.scorecard.recipes import BEYOND

ROOT = Path(__file__).parent.parent.parent
TARGET = ROOT / "docs" / "kpis.md"
SOURCES = {
    "events": "event log", "order_lines": "order lines", "tickets": "support cases", "answers": "survey answers",
    "trials": "trials", "contacts": "contacts of plans", "journey": "journey map", "raci": "RACI matrix",
}  # fmt: skip


def text():
    """Return the table as Markdown."""
    rows = catalogue().set_index("kpi")
    found = measured()
    counted, typed = found[found["source"] != "figures"], found[found["source"] == "figures"]
    lead = (
        f"{len(counted)} are counted by `scorecard.measure` from sources and documents; "
        f"{len(typed)} are worked out from a table of figures (`figures:` in `sources.yaml`, columns "
        "`kpi`, `figure`, `ts`, `value`). `general` marks a definition that rests on general practice and "
        "was not looked up. *Words* are what a recipe looks for in a log (`words=`), *options* what can be "
        "chosen (`options=`)."
    )
    title = "# KPIs: what is counted, and what needs figures from elsewhere"
    lines = [title, "", lead, "", "## Counted", ""]
    lines += ["| KPI | formula | unit, interval, least n | counted in | words | options | source |"]
    lines += ["|---|---|---|---|---|---|---|"]
    lines += [
        _line(r, rows, SOURCES[r["source"]], r["words"], r["options"])
        for r in counted.to_dict("records")
    ]
    lines += [
        "",
        "## From figures",
        "",
        "| KPI | formula | unit, interval, least n | figures | source |",
        "|---|---|---|---|---|",
    ]
    lines += [
        _line(r, rows, r["counted"].split(": ")[-1].rstrip(".")) for r in typed.to_dict("records")
    ]
    return "\n".join(lines) + "\n"


def _line(row, rows, *more):
    known = rows.loc[row["kpi"]] if row["kpi"] in rows.index else None
    own = BEYOND[row["kpi"]] if known is None else known
    unit = own["unit"]
    least = "" if pd.isna(own["min_n"]) or own["min_n"] == "" else f", {int(own['min_n'])}"
    source = (
        "project definition"
        if known is None
        else f"{known['source']}{' (general)' if known['source_checked'] == 'general' else ''}"
    )
    cells = [
        f"{row['name']} `{row['kpi']}`",
        row["formula"],
        f"{unit}, {row['interval']}{least}",
        *more,
        source,
    ]
    return "| " + " | ".join(str(c).replace("|", "\\|") for c in cells) + " |"


if __name__ == "__main__":
    TARGET.write_text(text(), "utf-8")
    print(f"{TARGET.name}: {len(TARGET.read_text('utf-8').splitlines())} lines")
