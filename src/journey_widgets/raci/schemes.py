"""Letter schemes, and reading what people write in a cell."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

BLANK_WORDS = frozenset({"", "-", "–", "—", ".", "N/A"})
_SEPARATORS = re.compile(r"[/,;+&\s]+")


@dataclass(frozen=True)
class Scheme:
    """A set of letters with their meanings, in the order in which a cell writes them."""

    name: str
    letters: Mapping[str, str]
    accountable: str | None = "A"
    """The letter exactly one role of each row must hold, where the scheme has one."""
    responsible: str | None = "R"
    """The letter at least one role of each row must hold, where the scheme has one."""


def _scheme(name: str, letters: dict[str, str], **rest: str | None) -> Scheme:
    return Scheme(name, MappingProxyType(letters), **rest)


_R = "Responsible: does the work"
_A = "Accountable: the one person who answers for it and has the last word"
_C = "Consulted: asked before a decision, answers back"
_I = "Informed: told afterwards"
SCHEMES: Mapping[str, Scheme] = MappingProxyType(
    {
        "RACI": _scheme("RACI", {"R": _R, "A": _A, "C": _C, "I": _I}),
        "RASCI": _scheme(
            "RASCI", {"R": _R, "A": _A, "S": "Support: helps the responsible", "C": _C, "I": _I}
        ),
        "RACI-VS": _scheme(
            "RACI-VS",
            {
                "R": _R, "A": _A, "C": _C, "I": _I,
                "V": "Verifier: checks the work", "S": "Sign-off: releases the work",
            },
        ),
        "CAIRO": _scheme(
            "CAIRO", {"C": _C, "A": _A, "I": _I, "R": _R, "O": "Out of the loop: on purpose"}
        ),
        "DACI": _scheme(
            "DACI",
            {"D": "Driver: leads to the decision", "A": "Approver: makes the decision", "C": _C, "I": _I},
            accountable=None, responsible=None,
        ),
    }
)  # fmt: skip


def read_cell(text: str, scheme: Scheme) -> tuple[frozenset[str], tuple[str, ...]]:
    """Return the letters of a cell, and the codes in it that the scheme does not know.

    Case, order, repeats and separators (``/ , ; + &`` or blank) do not matter; without a separator
    each character is a code. A dash, a dot or ``n/a`` is a blank.

    Examples
    --------
    >>> letters, unknown = read_cell("a,r", SCHEMES["RACI"])
    >>> sorted(letters), unknown
    (['A', 'R'], ())
    """
    plain = text.strip().upper()
    if plain in BLANK_WORDS:
        return frozenset(), ()
    parts = [p for p in _SEPARATORS.split(plain) if p]
    codes = [
        c for p in parts for c in (p if set(p) <= set(scheme.letters) or len(parts) == 1 else [p])
    ]
    known = frozenset(c for c in codes if c in scheme.letters)
    return known, tuple(dict.fromkeys(c for c in codes if c not in scheme.letters))


def write_cell(letters: frozenset[str] | set[str], scheme: Scheme) -> str:
    """Return the canonical text of a set of letters: scheme order, joined by ``/``."""
    return "/".join(letter for letter in scheme.letters if letter in letters)


def canonical_cell(text: str, scheme: Scheme) -> str:
    """Return the canonical text of a cell; text with an unknown code stays as it was written."""
    letters, unknown = read_cell(text, scheme)
    return text.strip() if unknown else write_cell(letters, scheme)
