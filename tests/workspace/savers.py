"""Programs that save in processes of their own, for the tests of the store."""

import os
import random
import select
import signal
import sys
import time

from journey_widgets import Workspace
from journey_widgets.journey import Journey
from journey_widgets.workspace import Saved


def add_note(journey, name, text):
    """The journey with one more touchpoint, so that no two savers ever touch the same place."""
    touchpoint = journey.touchpoints[0].model_copy(update={"id": name, "label": text})
    return journey.model_copy(update={"touchpoints": (*journey.touchpoints, touchpoint)})


def relabel(journey, name, label):
    """The journey with another label on one touchpoint."""
    touchpoints = [
        t.model_copy(update={"label": label}) if t.id == name else t for t in journey.touchpoints
    ]
    return journey.model_copy(update={"touchpoints": tuple(touchpoints)})


def race(folder, worker, saves):
    """Save `saves` times: another label on a touchpoint of one's own, merged with everybody else's."""
    workspace = Workspace.open(folder)
    for number in range(saves):
        changed = relabel(workspace.journey, f"w{worker}", f"{worker}:{number}")
        result = workspace.save(changed, note=f"{worker}:{number}")
        assert isinstance(result, Saved), result
        assert result.changed
    workspace.close()


def save_until_killed(folder, acknowledged):
    """Save for ever; after each save write its number where the parent reads it."""
    workspace = Workspace.open(folder)
    while True:
        journey = workspace.journey
        label = str(random.random())  # noqa: S311 - any other label
        changed = journey.model_copy(update={"label": label})
        assert isinstance(changed, Journey)
        result = workspace.save(changed)
        os.write(acknowledged, f"{result.rev}\n".encode())


def kill_savers(folder, kills):
    """Start a saver and kill it at a random moment, `kills` times; print the last acknowledged revision."""
    last = 0
    for kill in range(kills):
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(reading)
            save_until_killed(folder, writing)
        os.close(writing)
        if kill % 2:
            select.select([reading], [], [])  # in the middle of saving, and not of opening
        time.sleep(random.uniform(0.01, 0.08))  # noqa: S311 - any moment
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        with os.fdopen(reading) as stream:
            numbers = [int(n) for n in stream.read().split("\n")[:-1] if n]
        assert numbers == sorted(set(numbers))
        assert not numbers or numbers[0] > last, "an acknowledged revision was lost"
        last = numbers[-1] if numbers else last
    print(last)


if __name__ == "__main__":
    what, where, *numbers = sys.argv[1:]
    {"race": race, "kill": kill_savers}[what](where, *(int(n) for n in numbers))
