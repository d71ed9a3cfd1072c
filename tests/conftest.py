"""Fixtures shared by all tests."""

import gc
import os
import shutil
import tempfile
from pathlib import Path

os.environ["JOURNEY_AUTHOR"] = "tester"
os.environ.pop("JOURNEY_WORKSPACE", None)
os.environ.pop("JOURNEY_MODE", None)

import pytest
from hypothesis import settings
from playwright.sync_api import sync_playwright

import journey_widgets  # noqa: F401 - before anything imports jsonschema
from journey_widgets import Workspace
from support import browser as browsers
from support.page import RENDER, Kernel

# What dashboards keep for the next reader stays out of the user's own cache; a browser is where it was installed.
_cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
os.environ.setdefault("PLAYWRIGHT_BROWSERS_PATH", str(_cache / "ms-playwright"))
_kept = tempfile.TemporaryDirectory(prefix="journey_tests_", ignore_cleanup_errors=True)
os.environ["XDG_CACHE_HOME"] = _kept.name
ROOT = Path(__file__).parent.parent
gc.freeze()  # what was imported is there to stay: it is not looked through again and again
# What properties are tried on is the same in every run of CI; everywhere else it is drawn anew.
settings.register_profile("ci", derandomize=True)
if os.environ.get("CI"):
    settings.load_profile("ci")


@pytest.fixture(scope="session")
def root():
    """The checkout."""
    return ROOT


@pytest.fixture(scope="session")
def made_example(tmp_path_factory):
    """The example workspace, made once, with its sources read."""
    folder = tmp_path_factory.mktemp("example") / "workspace"
    workspace = Workspace.create(folder, template="phone_retailer")
    for kind in workspace.sources.present():
        workspace.source(kind)
    workspace.close()
    return folder


@pytest.fixture
def example(made_example, tmp_path):
    """A copy of the example workspace that a test may change."""
    shutil.copytree(made_example, tmp_path / "workspace")
    return tmp_path / "workspace"


@pytest.fixture(scope="session")
def chromium():
    """One headless browser for the whole run."""
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(
            executable_path=browsers.find(), args=browsers.ARGUMENTS
        )
        yield started
        started.close()


@pytest.fixture
def new_page(chromium):
    """Open pages that must raise no error and ask no other host for anything."""
    contexts, errors, outside = [], [], []

    def make(**options):
        context = chromium.new_context(**{"viewport": {"width": 1280, "height": 900}, **options})
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on(
            "request",
            lambda r: outside.append(r.url) if browsers.leaves_this_machine(r.url) else None,
        )
        return page

    yield make
    for context in contexts:
        context.close()
    assert errors == []
    assert outside == []


@pytest.fixture
def show(new_page):
    """Show a widget on an empty page; edits in the page reach the Python object."""

    def show(widget, **options):
        page = new_page(**options)
        kernel = Kernel(widget)
        page.expose_function("kernel", kernel.set_state)
        page.evaluate(RENDER, widget.get_state())
        page.kernel = kernel
        return page

    return show


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """In CI nothing may be skipped: a check that did not run is a check that failed."""
    outcome = yield
    report = outcome.get_result()
    if report.skipped and os.environ.get("CI"):
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid} was skipped, which CI does not allow: {report.longrepr}"
