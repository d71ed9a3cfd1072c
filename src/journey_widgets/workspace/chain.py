"""Rows that follow from each other: each carries the hash of the one before it, so that a changed one is found."""

import hashlib
from collections.abc import Iterable
from typing import Protocol

START = "0" * 64
"""The hash before the first row."""


class Chained(Protocol):
    """A row of a chain."""

    @property
    def sha256(self) -> str:
        """Its hash."""

    @property
    def prev_sha256(self) -> str:
        """The hash of the row before it."""

    def expected_sha256(self) -> str:
        """Return the hash it must have."""


def digest(texts: Iterable[str]) -> str:
    """Return the hash of a row's texts: no two rows have the same by moving letters from one text to the next."""
    found = hashlib.sha256()
    for text in texts:
        data = text.encode()
        found.update(len(data).to_bytes(8, "big") + data)
    return found.hexdigest()


def faults(rows: Iterable[tuple[int, Chained]], of: str, what: str) -> list[str]:
    """Return what is wrong with numbered rows from 1 on: changed ones, missing ones; normally nothing.

    `of` and `what` name them: ``"journey"`` and ``"revision"``.
    """
    found, before, expected = [], START, 1
    for number, row in rows:
        name = f"{of} {what} {number}"
        if number != expected:
            found.append(f"{name}: {what} {expected} was needed before it; it is missing.")
        if row.prev_sha256 != before:
            found.append(f"{name}: does not follow from the {what} before it.")
        if row.sha256 != row.expected_sha256():
            found.append(f"{name}: was changed after it was saved.")
        before, expected = row.sha256, number + 1
    return found
