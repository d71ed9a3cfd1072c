"""The pages of a batch: every report with what became of it, what certainly changed, what is red, and whose it is."""

import json
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pandas as pd

from journey_widgets.definition import definition
from journey_widgets.publish import html as parts
from journey_widgets.publish.batch_changes import (
    about,
    changed_besides,
    changes,
    counted_otherwise,
    last_batch,
    same_reports,
)
from journey_widgets.publish.batch_reds import by_role, red_and_certain, red_uncertain, standing_of
from journey_widgets.safe import file_name, html

NAME = "index.html"
SAID = {
    "made": "made now", "fresh": "made before, of the same", "failed": "failed", "refused": "refused",
    "left out": "not asked for",
}  # fmt: skip
WORST = ("failed", "refused", "left out", "made", "fresh")
MOST_SAID, MOST_REDS = 2, 12
_HERE = Path(__file__).parent


def batch_pages(folder: Path, manifest: dict[str, Any]) -> dict[str, str]:
    """Return the pages of a batch, file name → HTML: `NAME`, and one for each role that answers for what is red.

    Each is one file, nothing is fetched. Every KPI that is red stands on the page of exactly one role: what is
    certainly so first.

    Parameters
    ----------
    folder
        Where the reports of the batch lie; earlier batches of the same report lie beside it.
    manifest
        As ``batch.json`` holds it.
    """
    standing = standing_of(folder, manifest["runs"])
    reds = red_and_certain(standing)
    certain, doubtful = by_role(reds), by_role(red_uncertain(standing, reds))
    none = reds.iloc[:0]
    pages, links = {}, {}
    for owner, label in {**certain, **doubtful}:
        own, more = certain.get((owner, label), none), doubtful.get((owner, label), none)
        name = _role_file(owner)
        pages[name] = _role_page(folder, manifest, label, own, more)
        links[name] = (label, len(own), len(more))
    return {**pages, NAME: _index(folder, manifest, reds, links)}


def is_role_page(name: str) -> bool:
    """Return whether a file in a batch's folder is the page of a role."""
    return name.startswith("role-") and name.endswith(".html")


def _role_file(owner: str) -> str:
    return (
        f"role-{file_name(owner)}.html" if owner else "role--nobody.html"
    )  # no id begins with a hyphen


def _index(
    folder: Path, manifest: dict[str, Any], reds: pd.DataFrame, links: dict[str, tuple[str, int, int]]
) -> str:  # fmt: skip
    runs = sorted(manifest["runs"], key=lambda r: (WORST.index(r["status"]), r["stem"]))
    before = last_batch(folder)
    try:
        pairs = same_reports(folder, before, runs) if before else {}
        otherwise = counted_otherwise(pairs)
        found = changes(pairs, otherwise)
        besides = _besides(manifest, before, otherwise) if before else ""
    except (
        OSError,
        ValueError,
        KeyError,
    ):  # an earlier batch that cannot be read is no reason to show nothing
        before, found, besides = None, changes({}), ""
    title = _title(manifest)
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
        "Red and certain": (f"{len(reds):,}", _answering(links)),
    }  # fmt: skip
    body = [
        parts.heading({"Workspace": manifest["workspace"]})._repr_html_(),
        parts.tiles(tiles)._repr_html_(),
    ]
    failed = [r for r in runs if "why" in r]
    if failed:
        rows = pd.DataFrame([{"Report": about(r), "Why": r["why"]} for r in failed])
        caption = "Not made this time: the last good report of each is unchanged"
        body.append(parts.table(rows, caption=caption)._repr_html_())
    body += [
        _reds(runs, reds, links),
        _tools(runs),
        _table(folder, runs, found, compared=before is not None),
    ]
    if before is not None:
        note = f"{definition(found)} Certain: at most 5 % of what is called changed is by chance."
        body.append(parts.note(note)._repr_html_())
    if besides:
        body.append(parts.note(besides, kind="warn")._repr_html_())
    return _page(title, "".join(body), script=(_HERE / "batch_page.js").read_text("utf-8"))


def _besides(manifest: dict[str, Any], before: Path, otherwise: dict[str, set[str]]) -> str:
    """Return what else than the data changed since the last batch, and what is not compared for it."""
    then = json.loads((before / "batch.json").read_text("utf-8"))
    found = changed_besides(manifest["inputs"], then["inputs"])
    said = (
        f"Besides the data, these changed since {before.name}: {', '.join(found)}." if found else ""
    )
    labels = sorted(set().union(*otherwise.values())) if otherwise else []
    if labels:
        said += f" Counted in another way now, and so not compared: {', '.join(labels)}."
    return said.strip()


def _title(manifest: dict[str, Any]) -> str:
    return f"{manifest['report']}, {manifest['day']}"


def _page(title: str, body: str, *, script: str = "") -> str:
    style = "".join((_HERE / n).read_text("utf-8") for n in ("base.css", "batch_page.css"))
    policy = (
        "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:"
    )
    last = f'<script type="module">{script}</script>' if script else ""
    return (
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>{html(title)}</title>'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<style>{style}</style></head><body><main><h1>{html(title)}</h1>{body}</main>{last}</body></html>\n"
    )


def _answering(links: dict[str, tuple[str, int, int]]) -> str:
    return ", ".join(f"{label} {n:,}" for label, n, _more in links.values() if n) or "no KPI"


def _reds(
    runs: list[dict[str, Any]], reds: pd.DataFrame, links: dict[str, tuple[str, int, int]]
) -> str:
    """Return what is red and certain, the first of it, with the pages of those who answer for what is red."""
    if not links:
        return ""
    named = {r["stem"]: about(r) for r in runs}
    pages = "".join(
        f'<li><a href="{html(quote(n))}">{html(label)}</a>: {k:,}{f", and {m:,} not certain" if m else ""}</li>'
        for n, (label, k, m) in links.items()
    )
    first = _red_table(
        reds.head(MOST_REDS), named, "Red and certain, the most certain and weighty first"
    )
    left = len(reds) - MOST_REDS
    more = (
        f"<p>{left:,} more are on the pages of those who answer for them.</p>" if left > 0 else ""
    )
    note = parts.note(definition(reds))._repr_html_() if len(reds) else ""
    first = first if len(reds) else ""
    return f'{first}{more}<p>One page for each who answers for it:</p><ul class="jw-roles">{pages}</ul>{note}'


def _red_table(reds: pd.DataFrame, named: dict[str, str], caption: str) -> str:
    rows = pd.DataFrame(
        {
            "KPI": reds["label"], "Report": [named.get(s, s) if s else "every report" for s in reds["stem"]],
            "Value": reds["shown"], "Likely between": reds["between"], "Target": reds["aimed"],
            "Owner": reds["owner_label"],
            "By chance": [_chance(p) for p in reds["p_value"]],
        }
    )  # fmt: skip
    return parts.table(rows, caption=caption)._repr_html_()


def _chance(p: float) -> str:
    return "not certain" if pd.isna(p) else "below 0.001" if p < 0.001 else f"{p:.3f}"


def _role_page(
    folder: Path, manifest: dict[str, Any], label: str, own: pd.DataFrame, more: pd.DataFrame
) -> str:
    """Return the page of a role: what is red and is this role's, certain or not, with the reports it stands in."""
    named = {r["stem"]: about(r) for r in manifest["runs"]}
    there = {r["stem"]: r for r in manifest["runs"] if _there(folder, r)}
    head = parts.heading(
        {"Workspace": manifest["workspace"], "Batch": _title(manifest)}
    )._repr_html_()
    links = "".join(
        f'<li><a href="{html(quote(s))}.html">{html(named[s])}</a></li>'
        for s in dict.fromkeys([*own["stem"], *more["stem"]]) if s in there
    )  # fmt: skip
    table = _red_table(own, named, f"Red and certain, answered for by {label}") if len(own) else ""
    if len(more):
        table += _red_table(more, named, f"Red, but not certain, answered for by {label}")
    where = f"<p>The reports it stands in:</p><ul>{links}</ul>" if links else ""
    return _page(
        f"{label}: {_title(manifest)}",
        f'{head}{table}{where}<p><a href="{NAME}">All reports of this batch</a></p>',
    )


def _there(folder: Path, run: dict[str, Any]) -> bool:
    return (folder / f"{run['stem']}.html").is_file()


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
        said = html(about(run))
        if _there(folder, run):
            said = f'<a href="{html(quote(run["stem"]))}.html">{said}</a>'
        cells = [
            f'<th scope="row">{said}</th>',
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
