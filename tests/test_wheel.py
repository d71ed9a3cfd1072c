"""The wheel alone is a working product: notebooks, example, templates and scripts are in it."""

import os
import subprocess
import sys
import zipfile

import pytest


@pytest.fixture(scope="module")
def wheel(root, tmp_path_factory):
    target = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(target)],
        cwd=root, check=True, capture_output=True,
    )  # fmt: skip
    return next(target.glob("*.whl"))


def test_it_holds_what_a_fresh_machine_needs(wheel):
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())

    package = "journey_widgets/"
    for name in (
        "py.typed", "raci/widget.js", "raci/widget.css", "publish/vega.js", "publish/chart_widget.js",
        "publish/page.css", "publish/voila.json", "publish/pictures/raci.svg",
        "publish/share/jupyter/voila/templates/journey/index.html.j2",
        "shipped/notebooks/overview.ipynb", "shipped/notebooks/raci.ipynb",
        "shipped/templates/phone_retailer/workspace.yaml",
        "shipped/templates/sales_journey/documents/journey.yaml",
        "shipped/templates/support_roles/documents/raci.csv",
        "shipped/templates/upsell_roles/documents/raci.csv",
        "shipped/templates/upsell_scorecard/documents/scorecard.yaml",
        "shipped/templates/phone_retailer/tables/events.parquet",
        "shipped/templates/phone_retailer/documents/raci.csv",
    ):  # fmt: skip
        assert package + name in names, name
    shared = "journey_widgets-0.1.0.data/data/share/jupyter/"
    assert shared + "lab/settings/overrides.d/journey_widgets.json" in names
    assert shared + "voila/templates/journey/conf.json" in names
    assert shared + "nbconvert/templates/journey/index.html.j2" in names
    assert not any("store.sqlite" in n or ".cache" in n or "node_modules" in n for n in names)
    assert wheel.stat().st_size < 3_000_000


def test_unpacked_elsewhere_it_makes_the_demo_once(wheel, tmp_path):
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "site")
    code = (
        "import sys, journey_widgets; from journey_widgets.cli import main; "
        "print(journey_widgets.__file__); sys.exit(main(['demo', 'demo', '--once']))"
    )
    report = tmp_path / "demo" / "reports" / "overview.html"

    def run():
        done = subprocess.run(
            [sys.executable, "-c", code], cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(tmp_path / "site")},
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout

    first = run()
    assert str(tmp_path / "site") in first
    assert "Made the example workspace" in first
    assert report.stat().st_size > 10_000

    stamp = report.stat().st_mtime_ns
    assert "Made" not in run()
    assert report.stat().st_mtime_ns == stamp
