"""Workspaces in a folder and in a database."""

import pytest
import sqlalchemy as sa

from journey_widgets import Workspace
from journey_widgets.journey import Journey, Touchpoint
from support import postgres


@pytest.fixture(scope="session")
def server():
    """A PostgreSQL server of our own."""
    with postgres.server() as base:
        yield base


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request, tmp_path):
    """Where a workspace is: in a folder, or in a database."""
    if request.param == "postgresql":
        address = postgres.new_database(request.getfixturevalue("server"))
        Workspace.open(address).close()
        return address
    Workspace.create(tmp_path / "space").close()
    return str(tmp_path / "space")


@pytest.fixture
def space(place):
    """A workspace with one document of one revision."""
    workspace = Workspace.open(place)
    first = Touchpoint(id="offer", label="Offer", stage="decision")
    workspace.save(Journey.draft("Test", touchpoints=[first]), note="first")
    yield workspace
    workspace.close()


@pytest.fixture
def folder(tmp_path):
    """A workspace in a folder, with one document of one revision."""
    workspace = Workspace.create(tmp_path / "space")
    first = Touchpoint(id="offer", label="Offer", stage="decision")
    workspace.save(Journey.draft("Test", touchpoints=[first]), note="first")
    yield workspace
    workspace.close()


def tamper(place, *statements):
    """Change a store behind our back."""
    address = place if "://" in place else f"sqlite:///{place}/store.sqlite"
    engine = sa.create_engine(address)
    with engine.begin() as connection:
        for statement in statements:
            connection.execute(sa.text(statement))
    engine.dispose()
