"""What a release consists of: wheel, sdist, a bill of materials, and what is known against what it brings along.

    python tests/support/release.py            all of it, into dist/
    python tests/support/release.py audit      only whether anything in requirements.lock is known to be vulnerable

The tools are installed into an environment of their own, so that the package's own holds nothing of them.
"""

import json
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
TOOLS = ("cyclonedx-bom>=7.5,<8", "pip-audit>=2.10,<3")
LOCK = ROOT / "requirements.lock"


def environment(folder, *packages, lock=True):
    """Make an environment with some packages; return the folder of its programs."""
    venv.create(folder, with_pip=True)
    programs = folder / ("Scripts" if sys.platform == "win32" else "bin")
    pinned = ["-c", str(LOCK)] if lock else []
    pip = [programs / "python", "-m", "pip", "--disable-pip-version-check", "-q", "install"]
    subprocess.run([*pip, *pinned, *packages], check=True, stderr=subprocess.DEVNULL)
    return programs


def told(said):
    """Return what an audit says, and whether it is bad; `said` is the JSON of pip-audit, or what it printed instead."""
    try:
        found = json.loads(said)["dependencies"]
    except (ValueError, KeyError, TypeError):
        return "Whether anything is known to be vulnerable could not be asked: no answer.", False
    asked = [d for d in found if "vulns" in d]
    bad = [
        f"{d['name']} {d['version']}: {', '.join(v['id'] for v in d['vulns'])}"
        for d in asked
        if d["vulns"]
    ]
    if not asked:
        return (
            "Whether anything is known to be vulnerable could not be asked: nobody knows the packages.",
            False,
        )
    if bad:
        return f"Known to be vulnerable, of {len(asked)} packages: {'; '.join(bad)}.", True
    return (
        f"Of {len(asked)} packages none is known to be vulnerable; {len(found) - len(asked)} were not known.",
        False,
    )


def audit(programs):
    """Ask what is known against what the lock names; return the exit code."""
    command = [
        programs / "pip-audit",
        "-r",
        LOCK,
        "--no-deps",
        "--disable-pip",
        "-f",
        "json",
        "--timeout",
        "10",
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    said, is_bad = told(done.stdout)
    print(said)
    return int(is_bad)


def release(tools, scratch):
    """Build wheel and sdist, try the wheel in an empty environment, and list what came along with it."""
    dist = ROOT / "dist"
    build = [sys.executable, "-m", "hatchling", "build", "-d", dist]
    subprocess.run(build, cwd=ROOT, check=True)
    wheel = max(dist.glob("*.whl"), key=lambda p: p.stat().st_mtime)
    programs = environment(scratch / "empty", str(wheel))
    subprocess.run([programs / "journey", "demo", scratch / "demo", "--once"], check=True)
    command = [
        tools / "cyclonedx-py",
        "environment",
        programs / "python",
        "--pyproject",
        ROOT / "pyproject.toml",
    ]
    listed = ["--output-reproducible", "--of", "JSON", "-o", dist / "sbom.json"]
    subprocess.run([*command, *listed], check=True, stderr=subprocess.DEVNULL)
    parts = json.loads((dist / "sbom.json").read_text("utf-8"))["components"]
    print(f"{wheel.name}, its sdist, and sbom.json with {len(parts)} parts are in {dist}.")


def main(what=""):
    """Do what is asked; return the exit code."""
    with tempfile.TemporaryDirectory(prefix="journey_release_") as folder:
        scratch = Path(folder)
        try:
            tools = environment(scratch / "tools", *TOOLS, lock=False)
        except subprocess.CalledProcessError:
            print(
                "Whether anything is known to be vulnerable could not be asked: the tools cannot be had here."
            )
            return int(what != "audit")
        if what != "audit":
            release(tools, scratch)
        return audit(tools)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
