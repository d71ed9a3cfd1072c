"""What the store keeps and how fast, in a file and in PostgreSQL: savers that race, savers that are killed.

    python bench/store.py > bench/store.md

The server is one of the script's own, on loopback, with ``fsync`` on.
"""

import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

from journey_widgets import Workspace
from journey_widgets.journey import Journey, Touchpoint
from support import postgres
from workspace.savers import add_note, relabel

SAVERS = Path(__file__).parent.parent / "tests" / "workspace" / "savers.py"
WORKERS, SAVES, KILLS, TIMES = 8, 200, 100, 100


def prepared(place: str) -> None:
    with closing(Workspace.open(place)) as space:
        journey = Journey.draft(
            "Test", touchpoints=[Touchpoint(id="offer", label="Offer", stage="decision")]
        )
        for worker in range(WORKERS):
            journey = add_note(journey, f"w{worker}", "nobody")
        space.save(journey, note="start")


def race(place: str) -> tuple[float, str]:
    command = [sys.executable, str(SAVERS), "race", place]
    begun = time.perf_counter()
    running = [subprocess.Popen([*command, str(w), str(SAVES)]) for w in range(WORKERS)]
    codes = [p.wait() for p in running]
    took = time.perf_counter() - begun
    with closing(Workspace.open(place)) as space:
        kept = space.rev("journey") - 1
        faults = space.verify()
    lost, conflicts = WORKERS * SAVES - kept, sum(map(bool, codes))
    said = f"{kept:,} of {WORKERS * SAVES:,} kept, {lost} lost, {conflicts} conflicts, {len(faults)} faults"
    return took, said


def kills(place: str) -> str:
    command = [sys.executable, str(SAVERS), "kill", place, str(KILLS)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    told = int(done.stdout)
    with closing(Workspace.open(place)) as space:
        there, faults = space.rev("journey"), space.verify()
    return f"{told:,} acknowledged, {there - told} more kept, {len(faults)} faults"


def times(place: str) -> tuple[float, float]:
    """Return the milliseconds of a save and of looking at the newest revision, medians."""
    save, load = [], []
    with closing(Workspace.open(place)) as space:
        for n in range(TIMES):
            begun = time.perf_counter()
            journey = space.journey
            load.append(time.perf_counter() - begun)
            changed = relabel(journey, "w0", f"again {n}")
            begun = time.perf_counter()
            space.save(changed)
            save.append(time.perf_counter() - begun)
    return 1000 * statistics.median(save), 1000 * statistics.median(load)


def main() -> None:
    rows = []
    with tempfile.TemporaryDirectory() as folder, postgres.server(fsync=True) as base:
        for name in ("SQLite", "PostgreSQL"):
            place = str(Path(folder) / "space") if name == "SQLite" else postgres.new_database(base)
            if name == "SQLite":
                Workspace.create(place).close()
            prepared(place)
            took, kept = race(place)
            saved, loaded = times(place)
            rows.append((name, kept, took, kills(place), saved, loaded))
    print("# The store\n")
    print(
        f"Made by `python bench/store.py`: {WORKERS} processes save {SAVES} times each at once; a saver is killed "
        f"{KILLS} times.\n"
    )
    print(
        "| store | raced | seconds | killed | a save, ms | newest revision read, ms |\n|---|---|--:|---|--:|--:|"
    )
    for name, kept, took, killed, saved, loaded in rows:
        print(f"| {name} | {kept} | {took:.0f} | {killed} | {saved:.1f} | {loaded:.1f} |")


if __name__ == "__main__":
    main()
