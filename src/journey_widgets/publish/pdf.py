"""A report as PDF: its page printed by a Chromium that is installed; nothing is fetched and no script runs in it."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from journey_widgets.errors import InfrastructureError

BROWSER = "JOURNEY_CHROMIUM"
NAMES = (
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "chrome",
    "msedge",
)
PDF_SECONDS = 120


def browser() -> str:
    """Return the Chromium that prints; none is an `InfrastructureError`."""
    named = os.environ.get(BROWSER, "")
    found = (
        named
        if named and Path(named).is_file()
        else next(filter(None, map(shutil.which, NAMES)), "")
    )
    if not found:
        msg = f"PDF needs a Chromium; none was found. Install one, name it in {BROWSER}, or take pdf out of formats."
        raise InfrastructureError(msg)
    return found


def to_pdf(page: Path, target: Path, *, seconds: float = PDF_SECONDS) -> None:
    """Print a page of ours to a PDF file.

    Raises
    ------
    InfrastructureError
        No Chromium, or it did not print in time.
    """
    with tempfile.TemporaryDirectory(prefix="journey-pdf-") as profile:
        command = [
            browser(), "--headless=new", "--disable-gpu", "--no-first-run", "--disable-extensions",
            "--disable-background-networking", f"--user-data-dir={profile}", "--no-pdf-header-footer",
            f"--print-to-pdf={target}", page.resolve().as_uri(),
        ]  # fmt: skip
        if hasattr(os, "geteuid") and os.geteuid() == 0:
            command.insert(1, "--no-sandbox")  # it has none for the superuser
        try:
            subprocess.run(  # noqa: S603 - the browser that was found, and our own page
                command, check=True, timeout=seconds, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )  # fmt: skip
            if not target.read_bytes().startswith(b"%PDF-"):
                raise OSError
        except (OSError, subprocess.SubprocessError):
            msg = "Chromium did not print the page as PDF."
            raise InfrastructureError(msg) from None
