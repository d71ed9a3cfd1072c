"""What is installed along with the package, and by which licence; run as a program it prints ``docs/licences.md``."""

import re
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

OWN = "journey-widgets"
EXTRAS = ("boost", "cluster", "docs", "hub", "lab", "postgres", "schedule", "spark")
SHORT = {
    "Apache Software License": "Apache-2.0", "BSD License": "BSD-3-Clause", "MIT License": "MIT",
    "ISC License (ISCL)": "ISC", "Python Software Foundation License": "PSF-2.0",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0", "The Unlicense (Unlicense)": "Unlicense",
    "GNU Library or Lesser General Public License (LGPL)": "LGPL-3.0",
    "GNU Lesser General Public License v3 (LGPLv3)": "LGPL-3.0",
    "Zope Public License": "ZPL-2.1", "Apache License, Version 2.0": "Apache-2.0", "Apache 2.0": "Apache-2.0",
    "BSD 2-Clause License": "BSD-2-Clause",
}  # fmt: skip
INTRODUCTION = (
    "What is installed along with the package, with the licence each part names; made by "
    "`python tests/support/licences.py`. Versions are those of `requirements.lock`. The package itself is under "
    "BSD-3-Clause, and so is the Vega code in it."
)


def installed(extra: str = "") -> dict[str, Distribution]:
    """Return all that an installation brings along here, by name: of the package alone, or of one extra."""
    found: dict[str, Distribution] = {}
    waiting = [(OWN, (extra,))]
    while waiting:
        name, extras = waiting.pop()
        try:
            own = distribution(name)
        except PackageNotFoundError:  # of another platform
            continue
        for text in own.requires or []:
            needed = Requirement(text)
            asked = [
                needed.marker is None,
                *(needed.marker.evaluate({"extra": e}) for e in extras if needed.marker),
            ]
            key = canonicalize_name(needed.name)
            if any(asked) and key not in found and key != OWN:
                with_it = tuple(needed.extras) or ("",)
                waiting.append((key, with_it))
                try:
                    found[key] = distribution(key)
                except PackageNotFoundError:
                    continue
    return found


def locked() -> dict[str, str]:
    """Return the versions of ``requirements.lock`` by name; of several the one for the newest Python."""
    lines = (
        (Path(__file__).parent.parent.parent / "requirements.lock").read_text("utf-8").splitlines()
    )
    pinned = (line.partition(";")[0].strip().split("==") for line in lines if "==" in line)
    return {canonicalize_name(name): version for name, version in pinned}


def licence(of: Distribution) -> str:
    """Return the licence a package names, as SPDX writes it where that can be told."""
    said = of.metadata.get("License-Expression")
    if said:
        return str(said)
    classified = [
        c.rpartition(" :: ")[2]
        for c in of.metadata.get_all("Classifier") or []
        if c.startswith("License :: ")
    ]
    named = [SHORT.get(c, c) for c in classified if c != "OSI Approved"]
    first = str(of.metadata.get("License") or "").strip().split("\n")[0]
    if named and not (named == ["BSD-3-Clause"] and re.search("BSD.2", first)):
        return " or ".join(named)
    return SHORT.get(first, first[:60]) or "not said"


def made() -> str:
    """Return the page."""
    core = installed()
    lines = [
        "# Licences",
        "",
        INTRODUCTION,
        "",
    ]
    versions = locked()
    groups = {"The package": core} | {
        f"Extra `{e}`, beside these": {n: d for n, d in installed(e).items() if n not in core}
        for e in EXTRAS
    }
    for title, parts in groups.items():
        lines += [f"## {title}", "", "| package | version | licence |", "|---|---|---|"]
        lines += [f"| {n} | {versions[n]} | {licence(d)} |" for n, d in sorted(parts.items())]
        lines.append("")
    return "\n".join(lines)


if __name__ == "__main__":
    print(made(), end="")
