"""A Chromium for the tests: found, or installed by whatever way this machine offers.

Run as a program it says in plain words which browser is used, and installs one if there is none.
Nothing but loopback can be reached from it, so that *offline* is enforced and not assumed.
"""

import os
import shutil
import subprocess
import sys
from urllib.parse import urlsplit

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
]


def system_chromium() -> str | None:
    """Path of an installed Chromium or Chrome, or None."""
    named = os.environ.get("JOURNEY_CHROMIUM")
    return named or next((p for n in NAMES if (p := shutil.which(n))), None)


def playwright_chromium() -> str | None:
    """Path of Playwright's own Chromium, or None."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        path = playwright.chromium.executable_path
    return path if os.path.exists(path) else None  # noqa: PTH110 - a path from elsewhere


def find() -> str:
    """Path of the browser to test in."""
    path = system_chromium() or playwright_chromium()
    if path is None:
        msg = "There is no Chromium. Run: python tests/support/browser.py"
        raise RuntimeError(msg)
    return path


def leaves_this_machine(url: str) -> bool:
    """Whether a request would go to another host."""
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https", "ws", "wss"}:
        return False
    return (parts.hostname or "") not in {"127.0.0.1", "localhost", "::1"}


def _run(*command: str) -> bool:
    print("  " + " ".join(command), flush=True)
    try:
        return subprocess.run(command, check=False, stdout=subprocess.DEVNULL).returncode == 0
    except OSError:
        return False


def main() -> int:
    """Make sure there is a browser; say which."""
    path = system_chromium() or playwright_chromium()
    if path is None:
        print(
            "The tests need Chromium and none is installed. Trying Debian's package, then Playwright's:"
        )
        if shutil.which("apt-get") and os.geteuid() == 0 and _run("apt-get", "update", "-q"):
            _run("apt-get", "install", "-y", "-q", "chromium")
        path = system_chromium()
        if path is None:
            _run(sys.executable, "-m", "playwright", "install", "chromium")
            path = playwright_chromium()
    if path is None:
        print(
            "No Chromium could be had. Install one (Debian: sudo apt-get install chromium) and try again."
        )
        return 1
    print(f"Browser for the tests: {path}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
