"""The checks' own JavaScript packages, installed on first use; nothing of them is shipped."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent.parent / "frontend"


def package(name: str) -> Path:
    """Return the folder of an installed package; without Node.js the test is skipped, but never in CI."""
    found = FOLDER / "node_modules" / name
    npm = shutil.which("npm")
    if npm is None and not found.exists():
        if os.environ.get("CI"):
            pytest.fail("Node.js is missing, and CI must run this check.")
        pytest.skip(f"Node.js is not installed: {name} cannot be used.")
    if not found.exists():
        subprocess.run([str(npm), "ci", "--silent"], cwd=FOLDER, check=True)
    return found
