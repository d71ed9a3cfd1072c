"""Make the pictures of the README and the gallery anew: every dashboard of the example, in a real browser.

python tests/support/screenshots.py
"""

import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from playwright.sync_api import sync_playwright

from journey_widgets import Workspace
from journey_widgets.publish.dashboards import _free_port
from support import browser as browsers

PICTURES = Path(__file__).parent.parent.parent / "docs" / "pictures"
PAGES = ("overview", "journey_map", "raci", "cross_impact", "scorecard", "upsell", "support")
SECONDS = 120


def main():
    """Serve the example, open each page, wait until it is whole, and keep what is seen first."""
    with tempfile.TemporaryDirectory() as folder:
        Workspace.create(Path(folder) / "shop", template="phone_retailer").close()
        port = _free_port(0)
        command = [
            sys.executable,
            "-m",
            "journey_widgets.cli",
            "serve",
            f"{folder}/shop",
            "--port",
            str(port),
        ]
        server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            _wait(f"http://127.0.0.1:{port}/")
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(
                    executable_path=browsers.find(), args=browsers.ARGUMENTS
                )
                for name in PAGES:
                    page = browser.new_page(viewport={"width": 1280, "height": 1000})
                    page.goto(
                        f"http://127.0.0.1:{port}/voila/render/{name}.ipynb", timeout=SECONDS * 1000
                    )
                    page.wait_for_selector("h1", timeout=SECONDS * 1000)
                    page.wait_for_timeout(20_000)  # until its charts are drawn
                    page.screenshot(path=PICTURES / f"{name}.png")
                    print(name, flush=True)
                    page.close()
                browser.close()
        finally:
            server.terminate()
            server.wait()


def _wait(address):
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        try:
            urllib.request.urlopen(address, timeout=5).close()  # noqa: S310 - our own
        except (urllib.error.URLError, OSError):
            time.sleep(0.5)
        else:
            return


if __name__ == "__main__":
    main()
