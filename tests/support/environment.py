"""Make environment.yml from pyproject.toml: the packages under the names conda-forge gives them.

python tests/support/environment.py > environment.yml
"""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
COMMAND = [
    sys.executable, "-m", "pyproject2conda", "yaml", "--pyproject", "pyproject.toml",
    "--channel", "conda-forge", "--extra", "lab", "--python-include", "infer",
    "--dep", "pip", "--req", "-e .", "--custom-command", "make environment",
]  # fmt: skip


def made():
    """The text that environment.yml must have."""
    done = subprocess.run(COMMAND, cwd=ROOT, capture_output=True, text=True, check=True)
    return done.stdout


if __name__ == "__main__":
    sys.stdout.write(made())
