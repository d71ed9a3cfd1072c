"""As it is against as it shall be: what was added, removed, moved and changed, part by part."""

from collections.abc import Iterator
from typing import Any

import pandas as pd

from journey_widgets.journey.document import Journey
from journey_widgets.merging import Change, diff

COLUMNS = ["change", "part", "id", "label", "field", "before", "after"]
ONE = {
    "stages": "stage", "lanes": "lane", "touchpoints": "touchpoint", "ways": "way",
    "personas": "persona", "items": "item", "evidence": "evidence", "methods": "method",
}  # fmt: skip


def compare_versions(as_is: Journey, to_be: Journey) -> pd.DataFrame:
    """List what differs between two versions of a journey.

    Every difference between the two text files is one row, and nothing else is.

    Returns
    -------
    pandas.DataFrame
        Columns, all str: ``change`` (``"added"``, ``"removed"``, ``"moved"`` or ``"changed"``);
        ``part``, what kind of thing (``"touchpoint"``, ``"stage"``, …, or ``"journey"`` itself); ``id``;
        ``label``; ``field`` that changed, blank where the whole was added or removed; ``before``,
        ``after``. A touchpoint is moved when it goes to another stage or lane, or to another place
        in the order.
    """
    before, after = as_is.body(), to_be.body()
    labels = {**_labels(before), **_labels(after)}
    rows = [row for change in diff(before, after) for row in _rows(change, labels)]
    return pd.DataFrame(rows, columns=COLUMNS).astype("str")


def _labels(body: dict[str, Any]) -> dict[tuple[str, str], str]:
    return {
        (many, part["id"]): str(part.get("label", part["id"]))
        for many in ONE
        for part in body.get(many, [])
    }


def _rows(change: Change, labels: dict[tuple[str, str], str]) -> Iterator[dict[str, str]]:
    many, *rest = change.path
    if many not in ONE:
        yield _row(
            change.kind, "journey", "", "", ".".join(change.path), change.before, change.after
        )
        return
    if not rest:  # the whole list came or went
        side = change.after or change.before
        for part in side:
            yield from _rows(
                Change(
                    (many, part["id"]), change.kind, change.before and part, change.after and part
                ),
                labels,
            )
        return
    if rest == ["order"]:
        for name in _moved(change.before, change.after):
            places = change.before.index(name) + 1, change.after.index(name) + 1
            yield _row("moved", ONE[many], name, labels.get((many, name), name), "order", *places)
        return
    label = labels.get((many, rest[0]), rest[0])
    whole = len(rest) == 1
    kind = change.kind
    if many == "touchpoints" and rest[1:] in (["stage"], ["lane"]):
        kind = "moved"
    elif not whole:
        kind = "changed"
    field = ".".join(rest[1:])
    before, after = ("", "") if whole else (change.before, change.after)
    yield _row(kind, ONE[many], rest[0], label, field, before, after)


def _row(
    change: str, part: str, name: str, label: str, field: str, before: Any, after: Any
) -> dict[str, str]:
    shown = [_in_words(v) for v in (before, after)]
    return dict(zip(COLUMNS, [change, part, name, label, field, *shown], strict=True))


def _in_words(value: Any) -> str:
    """Return a value as people read it: parts by their names, not as code."""
    if value is None:
        return ""
    if isinstance(value, list):
        return "; ".join(_in_words(v) for v in value)
    if isinstance(value, dict):
        return ", ".join(f"{k} {_in_words(v)}" for k, v in value.items() if k != "id")
    return str(value)


def _longest(runs: list[list[int]]) -> list[int]:
    return max(runs, key=lambda run: len(run), default=[])


def _moved(before: list[str], after: list[str]) -> list[str]:
    """Return the fewest names whose moving turns one order into the other, in the later order."""
    place = {name: i for i, name in enumerate(before)}
    ranks = [place[name] for name in after]
    best: list[list[int]] = []  # longest run of names that kept their order, ending at each place
    for i, rank in enumerate(ranks):
        before_it = [run for j, run in enumerate(best) if ranks[j] < rank]
        best.append([*_longest(before_it), i])
    kept = set(_longest(best))
    return [name for i, name in enumerate(after) if i not in kept]
