"""Path patterns: ``cart -> [^support]* -> purchase``, read as a small language of their own.

===============  ==================================================================
``a -> b``       b directly after a
``[a | b]``      one event, at a or at b
``[^a | b]``     one event, at any touchpoint but a and b
``.``            one event, anywhere
``*  +  ?``      after any of these: any number, at least one, at most one of them
``...``          any number of events, the same as ``.*``
``path_start``   in the first place: the path begins here
``path_end``     in the last place: the path ends here
===============  ==================================================================

A pattern matches a path where its events follow each other; the first match in a path counts, and of
those that begin there the one that ends soonest.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import ibis
import ibis.expr.types as ir
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from journey_widgets.errors import JourneyDataError, did_you_mean
from journey_widgets.events.engine import beside, engine_of, hold
from journey_widgets.events.paths import PathIndex, customer_kind, path_index
from journey_widgets.journey.path_texts import path_texts

ARROW = "->"
MAX_ELEMENTS = 40
_PART = re.compile(r"(?:\[(\^?)([^\[\]]+)\]|(\.)|([^\[\]*+?]+?))\s*([*+?]?)")
_FEW, _MANY = (0xE000, 6_400), (0xF0000, 65_000)
"""Where private characters begin, and how many there are: each touchpoint is one character."""
CAN_MATCH = {"pyspark", "trino", "bigquery"}
"""Warehouses whose regular expressions know the shortest match; out of others the paths are read piece by piece."""


@dataclass(frozen=True)
class Element:
    """One part of a pattern: the touchpoints it allows (or not), and how often."""

    names: tuple[str, ...]
    negated: bool = False
    repeat: str = ""


@dataclass(frozen=True)
class Pattern:
    """A path pattern that was read."""

    text: str
    elements: tuple[Element, ...]
    from_start: bool = False
    to_end: bool = False

    @classmethod
    def parse(cls, text: str, touchpoints: Sequence[str]) -> "Pattern":
        """Read a pattern; unknown touchpoints and faults are a `JourneyDataError`."""
        parts = [part.strip() for part in text.split(ARROW)]
        from_start, to_end = parts[0] == "path_start", parts[-1] == "path_end"
        inner = parts[int(from_start) : len(parts) - int(to_end)]
        elements = tuple(_element(part, text, touchpoints) for part in inner)
        if not elements or len(elements) > MAX_ELEMENTS:
            msg = f"{text!r} has {len(elements)} events; a pattern needs 1 to {MAX_ELEMENTS}."
            raise JourneyDataError(msg)
        if all(e.repeat in ("*", "?") for e in elements):
            msg = f"{text!r} also fits no event at all. Name one event that must be there."
            raise JourneyDataError(msg)
        return cls(text, elements, from_start, to_end)

    def regex(self, touchpoints: Sequence[str]) -> str:
        """Return the pattern as a regular expression over one character a touchpoint."""
        code = {name: i for i, name in enumerate(touchpoints)}
        first = _alphabet(len(touchpoints))
        parts = []
        for e in self.elements:
            inside = "".join(re.escape(chr(first + code[n])) for n in e.names)
            symbol = f"[{'^' if e.negated else ''}{inside}]" if inside else "."
            parts.append(symbol + (f"{e.repeat}?" if e.repeat else ""))
        return "".join(parts)


def _element(part: str, text: str, touchpoints: Sequence[str]) -> Element:
    if part == "...":
        return Element((), negated=True, repeat="*")
    found = _PART.fullmatch(part)
    if not found:
        msg = (
            f"{part!r} in the pattern {text!r} cannot be read; write touchpoints with -> between, "
            "such as cart -> [^support]* -> purchase."
        )
        raise JourneyDataError(msg)
    negated, group, anything, name, repeat = found.groups()
    if anything:
        return Element((), negated=True, repeat=repeat)
    names = tuple(n.strip() for n in (group or name).split("|"))
    for one in names:
        if one in ("path_start", "path_end"):
            place = "start" if one == "path_start" else "end"
            msg = f"{one} stands within {text!r}; it can only be at its very {place}."
            raise JourneyDataError(msg)
        if one not in touchpoints:
            hint = did_you_mean(one, touchpoints)
            msg = f"No event of this log is at touchpoint {one!r}, which {text!r} names. {hint}"
            raise JourneyDataError(msg)
    return Element(names, negated=bool(negated), repeat=repeat)


def as_pattern(text: str, touchpoints: Sequence[str]) -> Pattern | None:
    """Return `text` as a pattern, or None where it is a touchpoint's own name."""
    if text in touchpoints or not (ARROW in text or text.startswith("[")):
        return None
    return Pattern.parse(text, touchpoints)


def _alphabet(size: int) -> int:
    first, room = _FEW if size <= _FEW[1] else _MANY
    if size > room:
        msg = (
            f"Patterns work on logs with up to {room:,} touchpoints; this one has {size:,}. "
            "Map its event names to touchpoints."
        )
        raise JourneyDataError(msg)
    return first


@dataclass(frozen=True)
class Matches:
    """The first match of a pattern in each path that has one: places of its first and last event."""

    customer: npt.NDArray[np.int64]
    begins: npt.NDArray[np.int64]
    ends: npt.NDArray[np.int64]


def first_matches(
    pattern: Pattern, touchpoints: Sequence[str], customer: npt.NDArray[Any],
    step: npt.NDArray[Any], code: npt.NDArray[Any],
) -> Matches:  # fmt: skip
    """Match a pattern against paths given as rows in order of customer and step.

    A path may lack its first steps; places are then still counted by ``step``, and ``path_start``
    means the first row given.
    """
    heads = np.flatnonzero(np.append(True, customer[1:] != customer[:-1]))
    paths = _as_text(code, heads, len(touchpoints))
    found = pc.extract_regex(paths, _groups(pattern, touchpoints, ("?P<before>", "?P<match>")))
    hit = np.flatnonzero(found.is_valid().to_numpy(zero_copy_only=False))
    matched = found.take(pa.array(hit))
    before = pc.utf8_length(matched.field("before")).to_numpy().astype(np.int64)
    length = pc.utf8_length(matched.field("match")).to_numpy().astype(np.int64)
    at = heads[hit] + before
    return Matches(
        customer[heads[hit]].astype(np.int64),
        step[at].astype(np.int64),
        step[at + length - 1].astype(np.int64),
    )


def _groups(pattern: Pattern, touchpoints: Sequence[str], names: tuple[str, str] = ("", "")) -> str:
    """Return the expression for a whole path: what comes before the match, and the match, as groups."""
    before = "" if pattern.from_start else ".*?"
    end = "$" if pattern.to_end else ""
    return f"(?s)^({names[0]}{before})({names[1]}{pattern.regex(touchpoints)}){end}"


def can_match_there(index: PathIndex) -> bool:
    """Return whether the warehouse a log lives in can look for patterns by itself."""
    return index.file is None and engine_of(index.stored) in CAN_MATCH


def texts_for_patterns(index: PathIndex) -> ir.Table:
    """Return each path as a text of one character an event, in the warehouse the log lives in."""
    first = _alphabet(len(index.touchpoints))
    return path_texts(index, [chr(first + code) for code in range(len(index.touchpoints))], "")


def split_texts(
    path: ir.StringValue, after: ir.IntegerValue, pattern: Pattern, touchpoints: Sequence[str]
) -> tuple[ir.IntegerValue, ir.IntegerValue]:
    """Return how many events come between a place and the first match after it, and how long that is: 0 for none."""
    rest, groups = path.substr(after), _groups(pattern, touchpoints)
    between, match = (rest.re_extract(groups, k).fill_null("").length() for k in (1, 2))
    return (between + 1).cast("int64"), match.cast("int64")


def _as_text(
    code: npt.NDArray[Any], heads: npt.NDArray[np.int64], touchpoints: int
) -> pa.StringArray:
    """Return each path as a text of one character an event."""
    first = _alphabet(touchpoints)
    text = (code.astype("<u4") + np.uint32(first)).tobytes().decode("utf-32-le").encode("utf-8")
    wide = 3 if first == _FEW[0] else 4
    offsets = np.append(heads, len(code)).astype(np.int64) * wide
    if offsets[-1] > 2**31 - 1:
        msg = "One path is too long to match a pattern against. Split it into sessions first."
        raise JourneyDataError(msg)
    return pa.StringArray.from_buffers(
        len(heads), pa.py_buffer(offsets.astype(np.int32)), pa.py_buffer(text)
    )


def matches(index: PathIndex, pattern: Pattern) -> Iterator[Matches]:
    """Return the first match in each path, piece by piece."""
    for piece in index.pieces("touchpoint"):
        yield first_matches(
            pattern, index.touchpoints, piece["customer"].to_numpy(), piece["step"].to_numpy(),
            piece["touchpoint"].to_numpy(),
        )  # fmt: skip


def matches_table(index: PathIndex, pattern: Pattern) -> ir.Table:
    """Return the first match in each path as a table: ``customer``, ``begins``, ``ends`` (places)."""
    if can_match_there(index):
        texts = texts_for_patterns(index)
        begins, length = split_texts(texts.path, ibis.literal(0), pattern, index.touchpoints)
        cut = hold(texts.select("customer", begins=begins, ends=begins + length - 1))
        return cut.filter(cut.ends >= cut.begins)
    found = list(matches(index, pattern))
    kinds = {"customer": customer_kind(index), "begins": np.int32, "ends": np.int32}
    columns: dict[str, npt.NDArray[Any]] = {
        name: np.concatenate([np.empty(0, np.int64), *(getattr(m, name) for m in found)]).astype(
            kind
        )
        for name, kind in kinds.items()
    }
    table = pa.table({name: pa.array(v) for name, v in columns.items()})
    return beside(table, index.stored)


def matching(log: Any, pattern: str) -> PathIndex:
    """Return the index of the customers whose path fits a pattern, with all their events."""
    index = path_index(log)
    read = Pattern.parse(pattern, index.touchpoints)
    return index.only(matches_table(index, read), f"path fits {pattern}")
