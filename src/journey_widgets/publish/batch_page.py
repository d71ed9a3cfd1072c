"""The page of a batch: every report with what became of it and what certainly changed, to filter and to sort."""

from pathlib import Path
from typing import Any
from urllib.parse import quote

import pandas as pd

from journey_widgets.definition import definition
from journey_widgets.publish import html as parts
from journey_widgets.publish.batch_changes import changes, last_batch, same_reports
from journey_widgets.safe import html

NAME = "index.html"
SAID = {
    "made": "made now", "fresh": "made before, of the same", "failed": "failed", "refused": "refused",
    "left out": "not asked for",
}  # fmt: skip
WORST = ("failed", "refused", "left out", "made", "fresh")
MOST_SAID = 2
_HERE = Path(__file__).parent


def batch_page(folder: Path, manifest: dict[str, Any]) -> str:
    """Return the page of a batch as HTML: one file with its own script, nothing fetched.

    Parameters
    ----------
    folder
        Where the reports of the batch lie; earlier batches of the same report lie beside it.
    manifest
        As ``batch.json`` holds it.
    """
    runs = sorted(manifest["runs"], key=lambda r: (WORST.index(r["status"]), r["stem"]))
    before = last_batch(folder)
    try:
        found = changes(same_reports(folder, before, runs) if before else {})
    except (
        OSError,
        ValueError,
        KeyError,
    ):  # an earlier batch that cannot be read is no reason to show nothing
        before, found = None, changes({})
    title = f"{manifest['report']}, {manifest['day']}"
    counts = manifest["counts"]
    bad = counts["failed"] + counts["refused"]
    tiles = {
        "Reports": (f"{len(runs):,}", f"of {manifest['notebook']}, for {manifest['day']}"),
        "There": (f"{sum(_there(folder, r) for r in runs):,}", "the last good one of each is kept"),
        "Not made this time": (f"{bad:,}", "see below why" if bad else "none"),
        "Certainly changed": (
            f"{found['stem'][found['certain'].astype(bool)].nunique():,}" if before else "–",
            f"reports, since {before.name}" if before else "there is no earlier batch that can be compared",
        ),
    }  # fmt: skip
    body = [
        parts.heading({"Workspace": manifest["workspace"]})._repr_html_(),
        parts.tiles(tiles)._repr_html_(),
    ]
    failed = [r for r in runs if "why" in r]
    if failed:
        rows = pd.DataFrame([{"Report": _about(r), "Why": r["why"]} for r in failed])
        caption = "Not made this time: the last good report of each is unchanged"
        body.append(parts.table(rows, caption=caption)._repr_html_())
    body += [_tools(runs), _table(folder, runs, found, compared=before is not None)]
    if before is not None:
        note = f"{definition(found)} Certain: at most 5 % of what is called changed is by chance."
        body.append(parts.note(note)._repr_html_())
    style = "".join((_HERE / n).read_text("utf-8") for n in ("base.css", "batch_page.css"))
    script = (_HERE / "batch_page.js").read_text("utf-8")
    return (
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>{html(title)}</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<style>{style}</style></head><body><main><h1>{html(title)}</h1>{''.join(body)}</main>"
        f'<script type="module">{script}</script></body></html>\n'
    )


def _there(folder: Path, run: dict[str, Any]) -> bool:
    return (folder / f"{run['stem']}.html").is_file()


def _about(run: dict[str, Any]) -> str:
    """Return what a report is about: its parameters in words."""
    own = {k: v for k, v in run["parameters"].items() if k != "as_of"}
    return ", ".join(f"{k} {v}" for k, v in own.items()) or "everything"


def _tools(runs: list[dict[str, Any]]) -> str:
    there = [s for s in WORST if any(r["status"] == s for r in runs)]
    options = "".join(f'<option value="{html(s)}">{html(SAID[s])}</option>' for s in there)
    return (
        '<div class="jw-tools"><label>Show only what holds<input id="jw-text" type="search"></label>'
        f'<label>What became of it<select id="jw-status"><option value="">all</option>{options}</select></label>'
        '<span id="jw-said" role="status"></span></div>'
    )


def _table(folder: Path, runs: list[dict[str, Any]], found: pd.DataFrame, *, compared: bool) -> str:
    certain = found[found["certain"].astype(bool)]
    by = dict(list(certain.groupby("stem", sort=False)))
    heads = ["Report", "What became of it", *(["Certainly changed"] if compared else []), "Seconds"]
    head = "".join(f'<th scope="col"><button type="button">{html(h)}</button></th>' for h in heads)
    rows = []
    for run in runs:
        about = html(_about(run))
        if _there(folder, run):
            about = f'<a href="{html(quote(run["stem"]))}.html">{about}</a>'
        cells = [
            f'<th scope="row">{about}</th>',
            f'<td class="jw-status-{html(run["status"].replace(" ", "-"))}">{html(SAID[run["status"]])}</td>',
        ]
        if compared:
            own = by.get(run["stem"], certain.iloc[:0])
            cells.append(f'<td data-sort="{len(own)}">{html(_changed(own))}</td>')
        took = run.get("seconds")
        shown = "–" if took is None else f"{took:,.1f}"
        cells.append(
            f'<td class="jw-number" data-sort="{-1 if took is None else float(took)}">{shown}</td>'
        )
        rows.append(f'<tr data-status="{html(run["status"])}">{"".join(cells)}</tr>')
    return (
        f'<div class="jw-scroll"><table class="jw-table jw-batch"><thead><tr>{head}</tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table></div>"
    )


def _changed(own: pd.DataFrame) -> str:
    if own.empty:
        return "–"
    first = [
        f"{r['name']}, {r['figure']}: {r['before']} → {r['now']}"
        for r in own.head(MOST_SAID).to_dict("records")
    ]
    more = f"; and {len(own) - MOST_SAID} more" if len(own) > MOST_SAID else ""
    return f"{'; '.join(first)}{more}"
