"""The three shapes in which people keep a RACI matrix, read and written.

- *roles as columns*: a row a touchpoint, a column a role, letters in the cells;
- *letters as columns*: a row a touchpoint, a column a letter, roles in the cells;
- *long list*: a row an assignment: touchpoint, role, letters.

Reading says what was understood before anything is kept, and loses nothing: a code no scheme knows stays in
its cell, and `check` reports it.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

import pandas as pd

from journey_widgets.documents import slug
from journey_widgets.errors import DocumentError, did_you_mean
from journey_widgets.findings import Finding
from journey_widgets.raci.document import RESERVED, RaciMatrix, distinct_labels
from journey_widgets.raci.rules import check
from journey_widgets.raci.schemes import SCHEMES, Scheme, read_cell, write_cell
from journey_widgets.spreadsheets import lines_of
from journey_widgets.textfiles import read_text

Shape = Literal["roles as columns", "letters as columns", "long list"]
ROW_NAMES = frozenset(
    {"touchpoint", "touchpoints", "task", "tasks", "activity", "activities", "step", "work", "deliverable",
     "decision", "process", "item", "label", "row"}
)  # fmt: skip
ROLE_NAMES = frozenset(
    {"role", "roles", "who", "person", "owner", "actor", "name", "stakeholder", "team"}
)
LETTER_NAMES = frozenset(
    {
        "letter",
        "letters",
        "raci",
        "rasci",
        "daci",
        "cairo",
        "code",
        "codes",
        "responsibility",
        "assignment",
        "value",
    }
)
STAGE_NAMES = frozenset({"stage", "phase"})
_SEVERAL, _COMMAS = re.compile(r"\s*[;\n]\s*"), re.compile(r"\s*,\s*")
"""Between several roles in a cell: semicolons or line breaks; where a table has neither, commas."""


@dataclass(frozen=True)
class Preview:
    """What was understood of a table, before it is kept.

    Attributes
    ----------
    matrix
        The matrix it makes.
    shape
        Which of the three shapes it has.
    said
        What was understood, in sentences.
    findings
        What `raci.check` says of it.
    """

    matrix: RaciMatrix
    shape: Shape
    said: tuple[str, ...]
    findings: list[Finding]

    def __str__(self) -> str:
        return "\n".join(self.said)


def read_table(
    source: str | Path | pd.DataFrame, *, scheme: str = "RACI", shape: Shape | None = None,
    sheet: str | None = None, label: str = "",
) -> Preview:  # fmt: skip
    """Read a matrix from a spreadsheet, a table or text pasted from one.

    Parameters
    ----------
    source
        Path of a CSV or XLSX file, a table, or text with tabs, commas or semicolons between cells, its
        first line the header. Text has a line break in it; a `str` without one is a path.
    scheme
        Letter scheme of the cells.
    shape
        ``"roles as columns"``, ``"letters as columns"`` or ``"long list"``; found out by default.
    sheet
        Sheet of a workbook, the first one by default.
    label
        Name of the matrix; that of the file or sheet by default.

    Raises
    ------
    DocumentError
        There is no header with a row below it, a column occurs twice, or no shape fits.
    """
    if scheme not in SCHEMES:
        msg = f"There is no letter scheme {scheme!r}. {did_you_mean(scheme, SCHEMES)}"
        raise DocumentError(msg)
    if shape is not None and shape not in get_args(Shape):
        msg = f"There is no shape {shape!r}. {did_you_mean(shape, get_args(Shape))}"
        raise DocumentError(msg)
    own = _own_form(source)
    if own is not None:
        matrix = RaciMatrix.from_text(own[0], where=own[1])
        words = "Read as: the text form of a matrix, with everything in it"
        return Preview(matrix, "roles as columns", (words,), check(matrix))
    lines, where, notes = lines_of(source, sheet)
    header, body = _header_and_body(lines, where)
    letters = SCHEMES[scheme]
    found = shape or _shape_of(header, body, letters, where)
    read = {"roles as columns": _wide, "letters as columns": _by_letter, "long list": _long}[found]
    cells, said = read(header, body, letters, where)
    matrix = _matrix(cells, scheme, label or where.removesuffix(Path(where).suffix) or "RACI")
    blank = sum(not r.cells for r in matrix.rows)
    said = [
        f"Read as: {found}", *notes,
        f"{len(matrix.rows)} rows, {len(matrix.roles)} roles, {sum(len(r.cells) for r in matrix.rows)} cells filled",
        *said, *([f"{blank} row{'s have' if blank > 1 else ' has'} no letter"] if blank else []),
    ]  # fmt: skip
    return Preview(matrix, found, tuple(said), check(matrix))


def _own_form(source: str | Path | pd.DataFrame) -> tuple[str, str] | None:
    """Return the text and name of a source that is our own CSV form."""
    if isinstance(source, pd.DataFrame):
        return None
    if isinstance(source, str) and "\n" in source:
        text, where = source.removeprefix("\ufeff"), "the pasted text"
    elif Path(source).suffix.lower() == ".xlsx":
        return None
    else:
        text, where = read_text(Path(source)), Path(source).name
    return (text, where) if re.match(r'^"?# schema"?[,;\t]"?raci/', text) else None


def as_table(matrix: RaciMatrix, shape: Shape = "roles as columns") -> pd.DataFrame:
    """Return a matrix in one of the three shapes; `read_table` reads each of them back.

    Columns, all str: ``touchpoint``, ``stage``, and then a column per role, or per letter with the roles joined
    by semicolons, or ``role`` and ``letters``. Rows without letters and roles without cells are in the first
    shape only; the long list leaves them out.
    """
    names = distinct_labels(matrix)
    if shape == "roles as columns":
        columns = {
            names[r.id]: [row.cells.get(r.id, "") for row in matrix.rows] for r in matrix.roles
        }
    elif shape == "letters as columns":
        strange = [
            f"{row.label}, {names[r]}: {text}"
            for row in matrix.rows
            for r, text in row.cells.items()
            if read_cell(text, matrix.letters)[1]
        ]
        if strange:
            msg = (
                f"Codes that {matrix.scheme} does not know have no column in this shape: "
                f"{'; '.join(strange[:3])}. Settle them first, or take another shape."
            )
            raise DocumentError(msg)
        columns = {
            letter: [
                _together([names[r] for r in matrix.holders(row, letter)]) for row in matrix.rows
            ]
            for letter in matrix.letters.letters
        }
    elif shape == "long list":
        rows = [
            (row.label, row.stage or "", names[role], text)
            for row in matrix.rows
            for role, text in row.cells.items()
        ]
        return pd.DataFrame(rows, columns=["touchpoint", "stage", "role", "letters"]).astype("str")
    else:
        msg = f"There is no shape {shape!r}. {did_you_mean(shape, get_args(Shape))}"
        raise DocumentError(msg)
    lead = {
        "touchpoint": [r.label for r in matrix.rows],
        "stage": [r.stage or "" for r in matrix.rows],
    }
    return pd.DataFrame({**lead, **columns}).astype("str")


def _together(roles: list[str]) -> str:
    """Return roles in one cell; a semicolon at the end keeps a comma in a name from being read as between two."""
    text = "; ".join(roles)
    return f"{text};" if "," in text and len(roles) == 1 else text


def _one_line(text: str) -> str:
    return re.sub(r" *[\n\t\v\f]+ *", " ", text).strip()


def _header_and_body(lines: list[list[str]], where: str) -> tuple[list[str], list[list[str]]]:
    filled = [line for line in lines if any(c.strip() for c in line)]
    if len(filled) < 2:
        msg = f"{where} has no header with a row below it. Name the roles in the first row."
        raise DocumentError(msg)
    header = [_one_line(c) for c in filled[0]]
    while header and not header[-1]:
        header.pop()
    if len(header) < 2:
        msg = f"{where} has one column; touchpoints and at least one role were needed."
        raise DocumentError(msg)
    body = []
    for number, line in enumerate(filled[1:], start=2):
        if any(c.strip() for c in line[len(header) :]):
            msg = f"{where}, row {number}: {len(line)} cells, but the header names {len(header)}. Name every column."
            raise DocumentError(msg)
        body.append([*line[: len(header)], *[""] * (len(header) - len(line))])
    folded = [h.casefold() for h in header]
    twice = next((h for h in header if h and folded.count(h.casefold()) > 1), None)
    if twice is not None:
        msg = f"{where}: column {twice!r} occurs twice. Rename or merge them."
        raise DocumentError(msg)
    return header, body


def _shape_of(
    header: Sequence[str], body: Sequence[Sequence[str]], scheme: Scheme, where: str
) -> Shape:
    names = [_plain(h) for h in header]
    if {*names} & ROLE_NAMES and ({*names} & LETTER_NAMES) and len(names) <= 5:
        who = next(i for i, n in enumerate(names) if n in ROLE_NAMES)
        held = [line[who] for line in body if line[who]]
        if not held or not all(_is_code(cell, scheme) for cell in held):
            return "long list"
    named = [i for i, h in enumerate(header) if i and _letter(h, scheme)]
    if len(named) >= 2 and not all(
        _is_code(line[i], scheme) for line in body for i in named if line[i]
    ):
        return "letters as columns"
    codes = total = 0
    for line in body:
        for name, cell in zip(names[1:], line[1:], strict=True):
            if cell and name not in RESERVED | STAGE_NAMES:
                total += 1
                codes += not read_cell(cell, scheme)[1]
    if total and codes >= 0.5 * total:
        return "roles as columns"
    if not total:
        return "roles as columns"
    msg = (
        f"{where}: {codes} of {total} cells are letters of {scheme.name}, too few to see its shape. "
        f"Name it with shape=, one of {', '.join(map(repr, get_args(Shape)))}, or another scheme."
    )
    raise DocumentError(msg)


def _is_code(text: str, scheme: Scheme) -> bool:
    """Return whether a cell holds letters of the scheme and nothing else."""
    return not read_cell(text, scheme)[1]


def _row_column(header: Sequence[str]) -> int:
    """Return the place of the column that names the work; the first one where none is called like it."""
    return next((i for i, h in enumerate(header) if _plain(h) in ROW_NAMES), 0)


def _is_numbering(header: str, cells: Sequence[str]) -> bool:
    return header.casefold().strip(" .") in {"no", "nr", "#", "number", "row"} and all(
        c.isdigit() for c in cells if c
    )


def _plain(name: str) -> str:
    return re.sub(r"[^a-z]+", " ", name.casefold()).strip()


def _letter(header: str, scheme: Scheme) -> str | None:
    """Return the letter a column is named after: ``R``, ``Responsible``, ``R (does the work)``."""
    name = header.strip()
    if name.upper() in scheme.letters:
        return name.upper()
    marked = re.match(r"([A-Za-z])(?:\s*[(:]|\s+[-–=]\s)", name)
    if marked and marked[1].upper() in scheme.letters:
        return marked[1].upper()
    for letter, meaning in scheme.letters.items():
        word = re.split(r"[:\s]", meaning, maxsplit=1)[0].casefold()
        if re.split(r"[\s(:]+", name, maxsplit=1)[0].casefold() == word:
            return letter
    return None


@dataclass(frozen=True)
class _Cells:
    """Rows in order (label, stage, fields), roles in order, and the text of each cell."""

    rows: list[tuple[str, str, dict[str, str]]]
    roles: list[str]
    text: dict[tuple[int, int], str]


def _wide(
    header: Sequence[str], body: Sequence[Sequence[str]], scheme: Scheme, where: str
) -> tuple[_Cells, list[str]]:
    del where
    at = _row_column(header)
    names, numbered = [], []
    for i, h in enumerate(header):
        filled = [line[i] for line in body if line[i]]
        # A role may be called Note or Volume: what holds letters alone is a role.
        letters = bool(filled) and all(_is_code(c, scheme) for c in filled)
        names.append("" if letters and _field(h) != "stage" else _field(h))
        if i != at and h and _is_numbering(h, filled) and not letters:
            numbered.append(i)
    role_at = [
        i for i, h in enumerate(header) if i != at and names[i] == "" and h and i not in numbered
    ]
    rows: list[tuple[str, str, dict[str, str]]] = []
    text: dict[tuple[int, int], str] = {}
    for line in body:
        fields = {
            n: c for i, (n, c) in enumerate(zip(names, line, strict=True)) if n and i != at and c
        }
        for column, i in enumerate(role_at):
            if line[i]:
                text[len(rows), column] = line[i]
        rows.append((line[at] or f"Row {len(rows) + 1}", fields.pop("stage", ""), fields))
    known = [header[i] for i, n in enumerate(names) if i != at and n]
    nameless = [
        i + 1 for i, h in enumerate(header) if i != at and not h and any(line[i] for line in body)
    ]
    if nameless:
        msg = f"Column {nameless[0]} has cells and no name in the header. Name the role."
        raise DocumentError(msg)
    said = [f"Taken as facts of the row: {', '.join(known)}"] if known else []
    said += (
        [f"Left out, as numbers of the rows: {', '.join(header[i] for i in numbered)}"]
        if numbered
        else []
    )
    unnamed = sum(not line[at] for line in body)
    said += [f"{unnamed} rows have no name and were numbered"] if unnamed else []
    return _Cells(rows, [header[i] for i in role_at], text), said


def _field(header: str) -> str:
    plain = header.strip().casefold().replace(" ", "_")
    if plain in STAGE_NAMES:
        return "stage"
    return plain if plain in RESERVED - {"touchpoint", "label"} else ""


def _by_letter(
    header: Sequence[str], body: Sequence[Sequence[str]], scheme: Scheme, where: str
) -> tuple[_Cells, list[str]]:
    at = _row_column(header)
    letter_at = {
        i: _letter(h, scheme) for i, h in enumerate(header) if i != at and _letter(h, scheme)
    }
    if not letter_at:
        msg = f"{where}: no column is named after a letter of {scheme.name}. Name them {', '.join(scheme.letters)}."
        raise DocumentError(msg)
    named = [letter for letter in letter_at.values() if letter]
    twice = next((x for x in named if named.count(x) > 1), None)
    if twice is not None:
        msg = f"{where}: two columns mean {twice}. Merge them."
        raise DocumentError(msg)
    rows: list[tuple[str, str, dict[str, str]]] = []
    roles: dict[str, int] = {}
    held: dict[tuple[int, int], set[str]] = {}
    plain = not any(_SEVERAL.search(line[i]) for line in body for i in letter_at)
    between = _COMMAS if plain else _SEVERAL
    for line in body:
        number = len(rows)
        fields = {
            _field(h): c
            for i, (h, c) in enumerate(zip(header, line, strict=True))
            if i != at and _field(h) and c
        }
        for i, letter in letter_at.items():
            for role in filter(None, between.split(line[i])):
                column = roles.setdefault(role, len(roles))
                held.setdefault((number, column), set()).add(str(letter))
        rows.append((line[at] or f"Row {number + 1}", fields.pop("stage", ""), fields))
    used = {at, *letter_at} | {i for i, h in enumerate(header) if _field(h)}
    _refuse_unused(header, body, used, where)
    text = {place: write_cell(letters, scheme) for place, letters in held.items()}
    return _Cells(rows, list(roles), text), [
        f"Letters: {', '.join(f'{header[i]} = {x}' for i, x in letter_at.items())}"
    ]


def _long(
    header: Sequence[str], body: Sequence[Sequence[str]], scheme: Scheme, where: str
) -> tuple[_Cells, list[str]]:
    names = [_plain(h) for h in header]

    def at(known: frozenset[str], what: str) -> int:
        found = next((i for i, n in enumerate(names) if n in known), None)
        if found is None:
            msg = f"{where}: no column says the {what}; {', '.join(header)} were found. Name it {sorted(known)[-1]}."
            raise DocumentError(msg)
        return found

    role_at, letter_at = at(ROLE_NAMES, "role"), at(LETTER_NAMES, "letters")
    rest = [i for i in range(len(header)) if i not in (role_at, letter_at)]
    row_at = next((i for i in rest if names[i] in ROW_NAMES), rest[0] if rest else -1)
    if row_at < 0:
        msg = f"{where}: no column says the touchpoint; {', '.join(header)} were found."
        raise DocumentError(msg)
    stage_at = next((i for i in rest if names[i] in STAGE_NAMES), None)
    _refuse_unused(
        header,
        body,
        {role_at, letter_at, row_at, *([stage_at] if stage_at is not None else [])},
        where,
    )
    rows: dict[tuple[str, str], int] = {}
    roles: dict[str, int] = {}
    text: dict[tuple[int, int], str] = {}
    repeated = 0
    for number, line in enumerate(body, start=2):
        touchpoint, role = line[row_at], line[role_at]
        if not touchpoint or not role:
            msg = f"{where}, row {number}: the {'touchpoint' if not touchpoint else 'role'} is blank. Fill it in."
            raise DocumentError(msg)
        stage = line[stage_at] if stage_at is not None else ""
        place = (
            rows.setdefault((touchpoint, stage), len(rows)),
            roles.setdefault(role, len(roles)),
        )
        repeated += place in text
        text[place] = _joined(
            text.get(place, ""), _letter(line[letter_at], scheme) or line[letter_at], scheme
        )
    cells = [(touchpoint, stage, dict[str, str]()) for touchpoint, stage in rows]
    said = (
        [f"{repeated} assignments of the same touchpoint and role were put together"]
        if repeated
        else []
    )
    return _Cells(cells, list(roles), text), said


def _joined(one: str, other: str, scheme: Scheme) -> str:
    """Return two texts of one cell together; unknown codes stay."""
    if not one or not other:
        return one or other
    (a, odd), (b, strange) = read_cell(one, scheme), read_cell(other, scheme)
    return "/".join([*(x for x in scheme.letters if x in a | b), *dict.fromkeys((*odd, *strange))])


def _refuse_unused(
    header: Sequence[str], body: Sequence[Sequence[str]], used: set[int], where: str
) -> None:
    """Raise where a column with something in it would be lost."""
    for i, name in enumerate(header):
        if i not in used and any(line[i] for line in body):
            msg = f"{where}: column {name or i + 1!r} fits nowhere in this shape. Remove it, or say another shape=."
            raise DocumentError(msg)


def _matrix(cells: _Cells, scheme: str, label: str) -> RaciMatrix:
    taken: set[str] = set(RESERVED)
    roles = []
    for name in cells.roles:
        role = slug(name, taken)
        taken.add(role)
        roles.append({"id": role, "label": _one_line(name)})
    named: set[str] = set()
    stages: dict[str, str] = {}
    rows = []
    for number, (name, stage, fields) in enumerate(cells.rows):
        touchpoint = slug(name, named)
        named.add(touchpoint)
        text = {
            roles[column]["id"]: _one_line(cells.text[number, column])
            for column in range(len(roles))
            if (number, column) in cells.text
        }
        facts = {field: _one_line(value) for field, value in fields.items()}
        row = {"touchpoint": touchpoint, "label": _one_line(name), "cells": text, **facts}
        if stage and stage not in stages:
            stages[stage] = slug(stage, set(stages.values()))
        rows.append({**row, "stage": stages[stage]} if stage else row)
    return RaciMatrix.from_body({"scheme": scheme, "label": label, "roles": roles, "rows": rows})
