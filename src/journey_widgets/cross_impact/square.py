"""A matrix from a square sheet: names across the top and down the side, judgements in the cells."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Literal, get_args

import pandas as pd

from journey_widgets.cross_impact.document import (
    CONSENSUS,
    OUTCOMES,
    POTENTIAL,
    STRONGEST,
    UNKNOWN,
    CrossImpact,
)
from journey_widgets.documents import slug
from journey_widgets.errors import DocumentError, did_you_mean
from journey_widgets.journey.document import Journey
from journey_widgets.spreadsheets import lines_of

Influence = Literal["row", "column"]
BLANK = frozenset({"", "-", "–", "—", "x", "\\", "/", ".", "n/a", "na", "■", "●"})
"""What people write into a cell that is not judged; a diagonal is often crossed out."""
SUMS = frozenset(
    {"sum", "sums", "total", "totals", "σ", "∑", "as", "ps", "active sum", "passive sum", "summe"}
)


def from_square(
    sheet: str | Path | pd.DataFrame,
    *,
    influence: Influence | None = None,
    rater: str = "Rater 1",
    outcomes: Iterable[str] = (),
    journey: Journey | None = None,
    label: str = "Cross-impact",
) -> CrossImpact:
    """Read one rater's judgements from a square sheet.

    Parameters
    ----------
    sheet
        Path of a CSV or XLSX file, a table with names as index and columns, or text pasted from a spreadsheet.
    influence
        Which way influence runs: ``"row"`` where the name at the left acts on the one above, ``"column"`` where
        the one above acts on the one at the left. Sheets differ, so it must be said.
    rater
        Whose judgements they are.
    outcomes
        Names that are outcomes, not touchpoints. Names that are only acted on are outcomes anyway.
    journey
        The map whose touchpoints are meant: names that are labels or ids of it get its ids.

    Raises
    ------
    DocumentError
        The way of influence was not said, names do not match, or a cell is no judgement from -3 to 3.
    """
    lines, where, _notes = lines_of(sheet)
    across, down, cells = _checked(lines, where)
    if influence not in get_args(Influence):
        one, other, value = _example(across, down, cells)
        given = "" if influence is None else f" It is {influence!r} now."
        msg = (
            f"{where}: which way does influence run? The cell in row {one!r}, column {other!r} holds {value!r}. If "
            f"{one} acts on {other}, say influence='row'; if {other} acts on {one}, say influence='column'.{given}"
        )
        raise DocumentError(msg)
    judged = {
        (down[r], across[c]) if influence == "row" else (across[c], down[r]): value
        for (r, c), value in cells.items()
    }
    acting = down if influence == "row" else across
    acted_on = across if influence == "row" else down
    lost = next((n for n in acting if n not in acted_on), None)
    if lost is not None:
        hint = did_you_mean(lost, acted_on)
        msg = f"{where}: {lost!r} acts on others and stands on one side only; it was needed on both. {hint}"
        raise DocumentError(msg)
    named = list(outcomes)
    strange = next((o for o in named if o not in acted_on), None)
    if strange is not None:
        msg = f"{where}: no name {strange!r}, said to be an outcome. {did_you_mean(strange, acted_on)}"
        raise DocumentError(msg)
    ends = [n for n in acted_on if n not in acting or n in named]
    factors = [n for n in acted_on if n not in ends]
    ids = _ids(factors, ends, journey)
    rows: dict[str, dict[str, dict[str, object]]] = {}
    for (source, target), judgement in judged.items():
        if source == target:
            continue
        rows.setdefault(ids[source], {})[ids[target]] = {"value": judgement}
    person = {"id": slug(rater, {CONSENSUS}), "label": rater, "cells": rows}
    body = {
        "label": label,
        "factors": [{"id": ids[n], "label": n} for n in factors],
        "outcomes": [{"id": ids[n], "label": n} for n in ends],
        "raters": [person],
    }
    return CrossImpact.from_body(body, where=where)


def _checked(
    lines: list[list[str]], where: str
) -> tuple[list[str], list[str], dict[tuple[int, int], float | str]]:
    """Return the names across and down, and the judgements by place."""
    filled = [line for line in lines if any(c.strip() for c in line)]
    if len(filled) < 2 or len(filled[0]) < 2:
        msg = (
            f"{where} has no names across the top and down the side. A square sheet was needed, its first row "
            "the names."
        )
        raise DocumentError(msg)
    across = [" ".join(c.split()) for c in filled[0][1:]]
    while across and not across[-1]:
        across.pop()
    down = [" ".join(line[0].split()) for line in filled[1:]]
    for what, names in (("column", across), ("row", down)):
        blank = next((i for i, n in enumerate(names, 1) if not n), None)
        if blank is not None:
            msg = f"{where}: {what} {blank} has no name. Name it, or remove it."
            raise DocumentError(msg)
        twice = next((n for n in names if names.count(n) > 1), None)
        if twice is not None:
            msg = f"{where}: two {what}s are called {twice!r}. Rename or merge them."
            raise DocumentError(msg)
    added = next((n for n in (*across, *down) if n.casefold() in SUMS), None)
    if added is not None:
        msg = f"{where}: {added!r} looks like a sum and not like a touchpoint. Leave it out; sums are worked out here."
        raise DocumentError(msg)
    if not set(across) & set(down):
        msg = f"{where}: no name stands both across and down; {across[0]!r} and {down[0]!r} were found."
        raise DocumentError(msg)
    cells: dict[tuple[int, int], float | str] = {}
    for r, line in enumerate(filled[1:]):
        for c, text in enumerate(line[1:]):
            value = _value(text)
            if value is None:
                continue
            if c >= len(across):
                msg = f"{where}, row {down[r]!r}: {text!r} stands in a column without a name."
                raise DocumentError(msg)
            if isinstance(value, float) and not (abs(value) <= STRONGEST and (2 * value) % 1 == 0):
                msg = (
                    f"{where}, row {down[r]!r}, column {across[c]!r}: {text!r}; a number from -{STRONGEST} to "
                    f"{STRONGEST} in steps of a half, '{UNKNOWN}', '{POTENTIAL}' or a blank was needed. A sheet in "
                    "another scale can be analysed as a table, without a document."
                )
                raise DocumentError(msg)
            if down[r] == across[c]:
                if value not in (0.0, UNKNOWN):
                    msg = f"{where}: {down[r]!r} on itself is {text!r}. The diagonal stays empty."
                    raise DocumentError(msg)
                continue
            cells[r, c] = value
    return across, down, cells


def _value(text: str) -> float | str | None:
    """Return a judgement, None for a blank, NaN for what is none."""
    plain = text.strip().replace("−", "-")
    if plain.casefold() in BLANK:
        return None
    if plain in (UNKNOWN, POTENTIAL, "p"):
        return plain.upper()
    try:
        return float(plain.replace(",", "."))
    except ValueError:
        return float("nan")


def _example(
    across: Sequence[str], down: Sequence[str], cells: dict[tuple[int, int], float | str]
) -> tuple[str, str, str]:
    """Return a cell to ask about: the strongest whose mirror image differs."""
    sized = {place: abs(v) for place, v in cells.items() if isinstance(v, float)}
    if not sized:
        return down[0], next(a for a in across if a != down[0]), ""
    row, column = max(sized, key=lambda p: sized[p])
    value = cells[row, column]
    return down[row], across[column], f"{value:g}" if isinstance(value, float) else value


def _ids(factors: Sequence[str], ends: Sequence[str], journey: Journey | None) -> dict[str, str]:
    """Return name → id: that of the map or of a usual outcome where the name is known, else a new one."""
    points = journey.touchpoints if journey else ()
    known = {t.label.casefold(): t.id for t in points} | {t.id: t.id for t in points}
    usual = {o.label.casefold(): o.id for o in OUTCOMES} | {o.id: o.id for o in OUTCOMES}
    found: dict[str, str] = {}
    taken = {CONSENSUS}
    for names, ids in ((factors, known), (ends, usual)):
        for name in names:
            given = ids.get(name.casefold(), "")
            found[name] = (
                given if given and given not in taken else slug(name, taken | set(known.values()))
            )
            taken.add(found[name])
    return found
