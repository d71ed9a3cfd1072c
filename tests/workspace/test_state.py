"""What the pages of a workspace are made of has a state that is told without opening it."""

import os
import sqlite3
import subprocess
import sys
import time
from contextlib import closing

import pytest

from journey_widgets import Workspace
from journey_widgets.workspace import state as module
from journey_widgets.workspace.state import state


@pytest.fixture
def example(example):
    """A workspace that nobody changed just now."""
    time.sleep(2 * module.SETTLED_NS / 1e9)
    return example


def saved(example):
    space = Workspace.open(example)
    card = space.scorecard
    space.save(card.model_copy(update={"label": "Another name"}))
    space.close()


def replaced(example):
    log = example / "data" / "events.csv"
    found = next(p for p in example.rglob("*.csv") if p.is_file()) if not log.exists() else log
    text = found.read_bytes()
    times = found.stat()
    found.with_suffix(".new").write_bytes(text)
    found.with_suffix(".new").replace(found)  # the same bytes in another file, its times set back
    os.utime(found, ns=(times.st_atime_ns, times.st_mtime_ns))


def renamed(example):
    text = (example / "workspace.yaml").read_text("utf-8")
    (example / "workspace.yaml").write_text(
        text.replace("smallest_group: 5", "") + "smallest_group: 9\n", "utf-8"
    )


def mapped(example):
    with (example / "sources.yaml").open("a", encoding="utf-8") as file:
        file.write("# read again\n")


@pytest.mark.parametrize("change", [saved, replaced, renamed, mapped], ids=lambda c: c.__name__)
def test_it_changes_with_whatever_pages_are_made_of(example, change):
    before = state(example)

    change(example)
    right_after = state(example)
    time.sleep(2 * module.SETTLED_NS / 1e9)

    assert before is not None
    assert right_after != before
    assert state(example) not in (before, None)


def test_it_changes_with_a_file_that_comes_to_those_of_a_pattern(tmp_path):
    space = Workspace.create(tmp_path / "shop", name="Shop")
    space.close()
    (tmp_path / "shop" / "log").mkdir()
    (tmp_path / "shop" / "sources.yaml").write_text(
        "schema: sources/1\nevents: {file: log/*.csv}\n"
    )
    states = []
    for day in (1, 2):
        row = f"a,2026-01-0{day},visit\n"
        (tmp_path / "shop" / "log" / f"{day}.csv").write_text(
            f"customer_id,ts,event\n{row}", "utf-8"
        )
        time.sleep(2 * module.SETTLED_NS / 1e9)
        states.append(state(tmp_path / "shop"))
        space = Workspace.open(tmp_path / "shop")
        assert len(space.events().to_pandas()) == day
        space.close()
    assert None not in states
    assert states[0] != states[1]


def test_it_changes_with_the_day_of_the_workspace(example, monkeypatch):
    before = state(example)

    class Tomorrow(module.datetime):
        @classmethod
        def now(cls, tz=None):
            return module.datetime.fromisoformat("2031-01-02T00:30:00+00:00").astimezone(tz)

    monkeypatch.setattr(module, "datetime", Tomorrow)

    assert state(example) != before


def test_it_changes_with_the_package(example, monkeypatch):
    before = state(example)
    monkeypatch.setattr(module, "MADE_BY", "another version")

    assert state(example) != before


def test_looking_at_a_workspace_does_not_change_it(example):
    before = state(example)

    for read_only in (True, False):
        space = Workspace.open(example, read_only=read_only)
        assert space.scorecard.label
        assert space.source("events").customers > 0
        space.check()
        space.close()

    assert state(example) == before


def _journaled_elsewhere(store):
    with closing(sqlite3.connect(store)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")


@pytest.mark.parametrize(
    "broken",
    [
        lambda folder: (folder / "workspace.yaml").unlink(),
        lambda folder: (folder / "sources.yaml").write_text("events: [", "utf-8"),
        lambda folder: (folder / "sources.yaml").write_text("- a list", "utf-8"),
        lambda folder: (folder / "sources.yaml").write_text(
            "events: {file: not there.csv}", "utf-8"
        ),
        lambda folder: (folder / "workspace.yaml").write_text("time_zone: Mars/Base", "utf-8"),
        lambda folder: (folder / "store.sqlite").unlink(),
        lambda folder: _journaled_elsewhere(folder / "store.sqlite"),
    ],
    ids=[
        "no settings",
        "no YAML",
        "a list",
        "no such file",
        "no such zone",
        "no store",
        "changes beside the store",
    ],
)
def test_where_something_is_wrong_there_is_none(example, broken):
    broken(example)
    time.sleep(2 * module.SETTLED_NS / 1e9)

    assert state(example) is None


def test_it_is_told_without_pandas_or_the_engine(example):
    script = (
        "import sys; from pathlib import Path; from journey_widgets.workspace.state import state; "
        f"assert state(Path({str(example)!r})); "
        "print(sorted({'pandas', 'ibis', 'duckdb', 'altair', 'pydantic', 'sqlalchemy'} & set(sys.modules)))"
    )

    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )

    assert done.stdout.strip() == "[]"


def test_of_documents_in_a_database_no_state_is_told(example):
    settings = example / "workspace.yaml"
    settings.write_text(settings.read_text("utf-8") + "store: postgresql://h/x\n", "utf-8")
    time.sleep(2 * module.SETTLED_NS / 1e9)

    assert state(example) is None


def test_whether_anybody_is_named_is_told_without_opening_the_workspace(example, tmp_path):
    assert not module.has_members(example)
    with closing(Workspace.open(example)) as space:
        space.grant("tester", "admin")
    assert module.has_members(example)
    assert module.has_members(tmp_path)  # who cannot be asked is not taken for nobody
