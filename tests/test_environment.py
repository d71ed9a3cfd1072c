"""environment.yml says what pyproject.toml says, in words that conda's own grammar and solver take."""

import asyncio
import json
import re
import sys
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import distributions

import pytest
import rattler
import yaml
from packaging.requirements import Requirement

from support.environment import made

OTHER_NAMES = {
    "duckdb": ["python-duckdb"],
    "ibis-framework": ["ibis-framework-core", "ibis-duckdb"],
    "tzdata": ["python-tzdata"],
}
"""Packages that conda-forge calls otherwise."""


def conda_names(package):
    name = re.sub(r"[-_.]+", "-", package).lower()
    return OTHER_NAMES.get(name, [name])


@pytest.fixture(scope="module")
def listed(root):
    environment = yaml.safe_load((root / "environment.yml").read_text("utf-8"))
    return [d for d in environment["dependencies"] if isinstance(d, str)]


def test_environment_yml_is_what_pyproject_makes_of_it(root):
    assert (root / "environment.yml").read_text("utf-8") == made()


def test_every_spec_is_one_of_condas_grammar_and_takes_what_is_tested_here(listed):
    installed = {c: d.version for d in distributions() for c in conda_names(d.metadata["Name"])}
    for text in listed:
        spec = rattler.MatchSpec(text)
        name = spec.name.normalized
        if name in {"python", "pip"}:
            continue
        assert Requirement(text.replace(name, "x", 1)).specifier.contains(installed[name]), text


def test_the_conda_solver_finds_an_environment_among_the_versions_tested_here(listed, tmp_path):
    versions = {c: d.version for d in distributions() for c in conda_names(d.metadata["Name"])}
    versions["python"] = ".".join(str(n) for n in sys.version_info[:3])
    versions.setdefault("pip", "26.0")
    records = {
        f"{name}-{version}-0.tar.bz2": {
            "name": name, "version": version.split("+")[0], "build": "0", "build_number": 0,
            "depends": [], "subdir": "noarch", "size": 1, "sha256": "0" * 64, "md5": "0" * 32,
        }
        for name, version in versions.items()
    }  # fmt: skip
    for subdir in ("noarch", "linux-64"):
        folder = tmp_path / subdir
        folder.mkdir()
        packages = records if subdir == "noarch" else {}
        data = {"info": {"subdir": subdir}, "packages": packages, "packages.conda": {}}
        (folder / "repodata.json").write_text(json.dumps(data))

    async def solve():
        return await rattler.solve(
            [rattler.Channel(tmp_path.as_uri())],
            [rattler.MatchSpec(text) for text in listed],
            platforms=["linux-64", "noarch"],
        )

    # The browser of other tests keeps an event loop in this thread; the solver gets a thread of its own.
    with ThreadPoolExecutor(1) as pool:
        solved = pool.submit(lambda: asyncio.run(solve())).result()

    wanted = {rattler.MatchSpec(text).name.normalized for text in listed}
    assert wanted <= {r.name.normalized for r in solved}


def test_every_locked_version_fits_pyproject(root):
    import tomllib

    project = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))["project"]
    lines = (root / "requirements.lock").read_text("utf-8").splitlines()
    locked = {}
    for line in lines:
        requirement = Requirement(line)
        if requirement.marker is None or requirement.marker.evaluate():
            locked[requirement.name.lower()] = str(requirement.specifier).removeprefix("==")
    extras = [r for extra in project["optional-dependencies"].values() for r in extra]
    for text in [*project["dependencies"], *extras]:
        requirement = Requirement(text)
        if requirement.name == "journey-widgets":
            continue
        assert requirement.specifier.contains(locked[requirement.name.lower()]), text
    assert not any("://" in line for line in lines)
