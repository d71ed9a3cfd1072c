"""What pages ask for: every request of the dashboards, of a batch, of a report and of the static edition, by host.

    python bench/requests.py > bench/requests.md

Names of other hosts are not resolved in this browser: what is asked of one fails, and is counted all the same.
"""

import sys
import tempfile
from collections import Counter
from contextlib import closing
from datetime import date
from pathlib import Path
from urllib.parse import urlsplit

from playwright.sync_api import Browser, Page, sync_playwright

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

from journey_widgets import Workspace
from journey_widgets.publish.batch import run_batch
from journey_widgets.publish.dashboards import serve
from journey_widgets.publish.static_edition import publish
from support import browser as browsers

SECONDS = 90_000
NAMES = ("overview", "journey_map", "raci", "cross_impact", "scorecard", "upsell", "support")


def asked(browser: Browser, address: str, ready: str) -> Counter[str]:
    """Return how many requests a page made of each host, from its opening until five seconds after it was there."""
    found: Counter[str] = Counter()
    with closing(browser.new_context()) as context:
        page: Page = context.new_page()
        page.on("request", lambda r: found.update([_host(r.url)]))
        page.on("websocket", lambda w: found.update([_host(w.url)]))
        page.goto(address)
        page.locator(ready).first.wait_for(timeout=SECONDS)
        page.evaluate("document.querySelectorAll('figure').forEach((f) => f.scrollIntoView())")
        page.wait_for_timeout(5_000)
    return found


def _host(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme in ("data", "blob"):
        return "in the page itself"
    if parts.scheme == "file":
        return "file"
    return "this machine" if parts.hostname == "127.0.0.1" else str(parts.hostname)


def main() -> None:
    rows: list[tuple[str, Counter[str]]] = []
    with tempfile.TemporaryDirectory() as scratch, sync_playwright() as playwright:
        folder = Path(scratch)
        workspace = folder / "example"
        Workspace.create(workspace, template="phone_retailer").close()
        browser = playwright.chromium.launch(
            executable_path=browsers.find(), args=browsers.ARGUMENTS
        )
        with serve(workspace) as server:
            rows.append(("start page", asked(browser, server.url, ".jw-card")))
            for name in NAMES:
                address = f"{server.url}voila/render/{name}.ipynb"
                rows.append(
                    (f"dashboard {name}", asked(browser, address, "#rendered_cells .jw-facts"))
                )
        batch = run_batch(workspace, "regions", day=date(2026, 8, 16), jobs=2)
        for path in sorted(batch.folder.glob("*.html")):
            rows.append((f"batch, {path.name.split('-')[0]}", asked(browser, path.as_uri(), "h1")))
        edition = publish(workspace, folder / "edition")
        for name in edition.pages:
            rows.append((f"edition {name}", asked(browser, (edition.folder / name).as_uri(), "h1")))
        browser.close()
    own = ["this machine", "file", "in the page itself"]
    others = sorted({h for _n, found in rows for h in found} - set(own))
    print("# What pages ask for\n")
    print(
        "Made by `python bench/requests.py`; requests from opening a page until five seconds after it was there.\n"
    )
    print(
        "| page | this machine | file | in the page itself | other hosts |\n|---|--:|--:|--:|---|"
    )
    for name, found in rows:
        said = ", ".join(f"{h} {found[h]}" for h in others if found[h]) or "none"
        print(f"| {name} | {found[own[0]]} | {found[own[1]]} | {found[own[2]]} | {said} |")


if __name__ == "__main__":
    main()
