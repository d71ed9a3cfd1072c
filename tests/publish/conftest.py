"""Fixtures of reports and pages."""

import pytest

from journey_widgets import shipped


@pytest.fixture
def shelf(tmp_path, monkeypatch):
    """A folder of notebooks of the test's own."""
    folder = tmp_path / "notebooks"
    folder.mkdir()
    monkeypatch.setattr(shipped, "notebooks", lambda: folder)
    return folder
