"""Three-way merge and difference of documents, cell by cell. Pure functions on plain JSON values.

Lists whose items have an ``id`` (or are rows named by ``touchpoint``) are merged item by item, so
that two people who edit different cells of one matrix never overwrite each other.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

KEYS = ("id", "touchpoint")
Path = tuple[str, ...]


class _Missing:
    def __repr__(self) -> str:
        return "(nothing)"


MISSING: Final = _Missing()
"""Stands where one side has no value."""


@dataclass(frozen=True)
class Clash:
    """One place that two people changed differently."""

    path: Path
    base: Any
    theirs: Any
    mine: Any

    def __str__(self) -> str:
        return (
            f"{' › '.join(self.path)}: they {self.theirs!r}, you {self.mine!r} (was {self.base!r})"
        )


@dataclass(frozen=True)
class Change:
    """One difference: `kind` is ``"added"``, ``"removed"``, ``"changed"`` or ``"moved"``."""

    path: Path
    kind: str
    before: Any
    after: Any


def merge(base: Any, theirs: Any, mine: Any) -> tuple[Any, list[Clash]]:
    """Return the merged value, and the places where both sides changed it differently.

    At a clash the merged value holds theirs; `merge(base, mine, theirs)` is the merge that holds mine.
    """
    clashes: list[Clash] = []
    return _merge(base, theirs, mine, (), clashes), clashes


def _merge(base: Any, theirs: Any, mine: Any, path: Path, clashes: list[Clash]) -> Any:
    if theirs == mine or mine == base:
        return theirs
    if theirs == base:
        return mine
    sides = [s for s in (base, theirs, mine) if s is not MISSING]
    if theirs is not MISSING and mine is not MISSING:
        if all(isinstance(s, dict) for s in sides):
            empty = base if base is not MISSING else {}
            return _merge_keys(empty, theirs, mine, path, clashes)
        if all(_key_of(s) for s in sides):
            return _merge_items(base if base is not MISSING else [], theirs, mine, path, clashes)
    clashes.append(Clash(path, base, theirs, mine))
    return theirs


def _merge_keys(
    base: dict[str, Any],
    theirs: dict[str, Any],
    mine: dict[str, Any],
    path: Path,
    clashes: list[Clash],
) -> dict[str, Any]:
    merged = {}
    for key in [*theirs, *(k for k in mine if k not in theirs)]:
        was, left, right = (side.get(key, MISSING) for side in (base, theirs, mine))
        value = _merge(was, left, right, (*path, str(key)), clashes)
        if value is not MISSING:
            merged[key] = value
    return merged


def _merge_items(
    base: list[Any], theirs: list[Any], mine: list[Any], path: Path, clashes: list[Clash]
) -> list[Any]:
    filled = theirs or mine or base
    key = _key_of(filled) or KEYS[0]
    old, left, right = ({item[key]: item for item in side} for side in (base, theirs, mine))
    merged = _merge_keys(old, left, right, path, clashes)
    order = _merge_order(list(old), list(left), list(right), path, clashes)
    return [merged[name] for name in order if name in merged]


def _merge_order(
    base: list[str], theirs: list[str], mine: list[str], path: Path, clashes: list[Clash]
) -> list[str]:
    """Return every name of both sides, in the order of the side that moved something."""
    common = [n for n in base if n in theirs and n in mine]
    left, right = ([n for n in side if n in common] for side in (theirs, mine))
    if left not in (common, right) and right != common:
        clashes.append(Clash((*path, "order"), common, left, right))
    only_mine_moved = left == common and right != common
    first, second = (mine, theirs) if only_mine_moved else (theirs, mine)
    order = list(first)
    for position, name in enumerate(second):
        if name in order:
            continue
        before = [n for n in second[:position] if n in order]
        order.insert(order.index(before[-1]) + 1 if before else 0, name)
    return order


def _key_of(value: Any) -> str | None:
    """Return the field that names the items of a list, or None if it is no such list."""
    if not isinstance(value, list):
        return None
    if not value:
        return KEYS[0]
    return next(
        (k for k in KEYS if all(isinstance(i, dict) and isinstance(i.get(k), str) for i in value)),
        None,
    )


def diff(before: Any, after: Any) -> list[Change]:
    """Return what changed from one value to another, in the order of the later one."""
    return list(_diff(before, after, ()))


def _diff(before: Any, after: Any, path: Path) -> Iterator[Change]:
    if before == after:
        return
    if isinstance(before, dict) and isinstance(after, dict):
        yield from _diff_keys(before, after, path)
    elif (before or after) and _key_of(before) and _key_of(after):
        key = _key_of(after if after else before) or KEYS[0]
        old, new = ({item[key]: item for item in side} for side in (before, after))
        yield from _diff_keys(old, new, path)
        kept_old, kept_new = [n for n in old if n in new], [n for n in new if n in old]
        if kept_old != kept_new:
            yield Change((*path, "order"), "moved", kept_old, kept_new)
    else:
        yield Change(path, "changed", before, after)


def _diff_keys(before: dict[str, Any], after: dict[str, Any], path: Path) -> Iterator[Change]:
    for key in [*after, *(k for k in before if k not in after)]:
        here = (*path, str(key))
        if key not in before:
            yield Change(here, "added", None, after[key])
        elif key not in after:
            yield Change(here, "removed", before[key], None)
        else:
            yield from _diff(before[key], after[key], here)
