"""The RACI matrix: who is responsible, accountable, consulted, informed at each touchpoint."""

import csv
import hashlib
import io
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any, ClassVar, Literal, Self

import pandas as pd
from pydantic import Field, field_validator, model_validator

from journey_widgets.documents import Document, Id, Label, Part, check_schema, refuse_doubles, slug
from journey_widgets.errors import DocumentError
from journey_widgets.journey.document import Journey
from journey_widgets.raci.schemes import SCHEMES, Scheme, canonical_cell, read_cell
from journey_widgets.roles import RoleRegister
from journey_widgets.safe import csv_text, from_csv_text
from journey_widgets.textfiles import csv_records, read_text

ROW_COLUMNS = ("touchpoint", "label", "stage")
FLAG_COLUMNS = (
    "requires_separation",
    "upsell_moment",
    "volume",
    "reviewed_on",
    "reviewed_by",
    "note",
)
ACKNOWLEDGED_COLUMNS = ("code", "touchpoint", "role", "about", "until", "by", "reason")
RESERVED = frozenset({*ROW_COLUMNS, *FLAG_COLUMNS})


class MatrixRole(Part):
    """A column of the matrix."""

    id: Id
    label: Label

    @field_validator("id")
    @classmethod
    def _not_a_column_of_the_file(cls, value: str) -> str:
        if value in RESERVED:
            msg = f"{value!r} is the name of a column of the file; give the role another id"
            raise ValueError(msg)
        return value


class MatrixRow(Part):
    """A row of the matrix: one touchpoint or decision. ``cells`` holds role id → cell text."""

    touchpoint: Id
    label: Label
    stage: Id | None = None
    cells: dict[Id, Label] = Field(default_factory=dict)
    requires_separation: bool = False
    upsell_moment: bool = False
    volume: float | None = Field(None, ge=0)
    reviewed_on: date | None = None
    reviewed_by: Label | None = None
    note: Label | None = None

    @field_validator("cells", mode="before")
    @classmethod
    def _no_blank_cells(cls, cells: Any) -> Any:
        if not isinstance(cells, Mapping):
            return cells
        return {role: text for role, text in cells.items() if text != ""}


def place_id(code: str, touchpoint: str, role: str, about: str) -> str:
    """Return the id of an acknowledgement of a rule at a place; different places have different ones."""
    place = "\n".join((touchpoint, role, about))
    return f"{slug(code)}_{hashlib.sha256(place.encode()).hexdigest()[:12]}"


class Acknowledged(Part):
    """A warning or note the team lives with, for a reason and until a day."""

    id: Id
    code: str = Field(pattern=r"^[A-Z]{3,4}-\d\d$")
    touchpoint: Id | None = None
    role: Id | None = None
    about: Label | None = None
    """What else it is about, as `Finding.about` says it."""
    until: date
    by: Label | None = None
    reason: Label

    @model_validator(mode="before")
    @classmethod
    def _named(cls, given: Any) -> Any:
        """Name it by what it is about."""
        if not isinstance(given, Mapping):
            return given
        place = [str(given.get(n) or "") for n in ("touchpoint", "role", "about")]
        return {**given, "id": place_id(str(given.get("code")), *place)}

    def in_words(self) -> str:
        """Return the reason, who gave it and until when it holds."""
        said = f"{self.by}, " if self.by else ""
        return f"{self.reason} ({said}until {self.until})"


class RaciMatrix(Document):
    """A matrix of touchpoints by roles in one letter scheme.

    A cell with a code the scheme does not know keeps its text and is reported by `check`, so that
    nothing is lost on the way in.
    """

    kind: ClassVar[str] = "raci"
    version: ClassVar[int] = 2

    label: Label = "RACI"
    scheme: Literal["RACI", "RASCI", "RACI-VS", "CAIRO", "DACI"] = "RACI"
    reviewed_on: date | None = None
    reviewed_by: Label | None = None
    roles: tuple[MatrixRole, ...] = ()
    rows: tuple[MatrixRow, ...] = ()
    acknowledged: tuple[Acknowledged, ...] = ()
    """Warnings the team lives with; `check` still lists them, with the reason."""

    @model_validator(mode="before")
    @classmethod
    def _canonical_rows(cls, data: Any) -> Any:
        """Write each cell canonically and in column order, so that equal matrices are equal text."""
        scheme = SCHEMES.get(data.get("scheme", "RACI")) if isinstance(data, Mapping) else None
        if scheme is None:
            return data
        plain = [_plain(row) for row in data.get("rows", ())]
        order = [_plain(role).get("id") for role in data.get("roles", ())]
        for row in plain:
            if isinstance(row.get("cells"), Mapping):
                cells = {
                    role: canonical_cell(text, scheme) if isinstance(text, str) else text
                    for role, text in row["cells"].items()
                }
                named = [r for r in order if r in cells] + [r for r in cells if r not in order]
                row["cells"] = {r: cells[r] for r in named if cells[r] != ""}
        return {**data, "rows": plain}

    @model_validator(mode="after")
    def _shape(self) -> Self:
        role_ids = [role.id for role in self.roles]
        named = [a.id for a in self.acknowledged]
        refuse_doubles(roles=role_ids, rows=[r.touchpoint for r in self.rows], acknowledged=named)
        for row in self.rows:
            strange = next((r for r in row.cells if r not in role_ids), None)
            if strange:
                msg = f"row {row.touchpoint!r} has a cell for {strange!r}, which is no role of the matrix"
                raise ValueError(msg)
        return self

    @property
    def letters(self) -> Scheme:
        """The scheme's letters and rules."""
        return SCHEMES[self.scheme]

    def cell(self, touchpoint: str, role: str) -> str:
        """Return the text of a cell, blank where nobody wrote one."""
        row = next(r for r in self.rows if r.touchpoint == touchpoint)
        return row.cells.get(role, "")

    def holders(self, row: MatrixRow, letter: str) -> list[str]:
        """Return the ids of the roles that hold `letter` in a row, in column order."""
        return [r for r, text in row.cells.items() if letter in read_cell(text, self.letters)[0]]

    def role_label(self, role: str) -> str:
        """Return the label of a role, or its id if the matrix has none."""
        return next((r.label for r in self.roles if r.id == role), role)

    @classmethod
    def draft(cls, journey: Journey, roles: RoleRegister, *, label: str = "RACI") -> Self:
        """Return an empty matrix with a row for each touchpoint and a column for each active role."""
        return cls(
            label=label,
            roles=tuple(MatrixRole(id=r.id, label=r.label) for r in roles.roles if r.active),
            rows=tuple(
                MatrixRow(touchpoint=t.id, label=t.label, stage=t.stage)
                for t in journey.touchpoints
            ),
        )

    @classmethod
    def from_frame(cls, frame: pd.DataFrame, *, scheme: str = "RACI", label: str = "RACI") -> Self:
        """Make a matrix from a table: one row per touchpoint, one column per role.

        Row labels are the index, or the first column where the index is numbers. Columns
        named like a field of a row (``stage``, ``note``, ``upsell_moment`` …) are taken as such.
        """
        if isinstance(frame.index, pd.MultiIndex):
            msg = "The table's rows have labels on several levels; one label a row was needed. Use reset_index()."
            raise DocumentError(msg)
        if pd.api.types.is_numeric_dtype(frame.index.dtype):
            if frame.shape[1] < 2:
                msg = "A matrix needs a column of row labels and at least one role; there is less."
                raise DocumentError(msg)
            frame = frame.set_index(frame.columns[0])
        header = ["touchpoint", *(str(c) for c in frame.columns)]
        rows = [
            ["" if pd.isna(index) else str(index), *("" if pd.isna(v) else str(v) for v in values)]
            for index, values in zip(frame.index, frame.itertuples(index=False), strict=True)
        ]
        return cls._from_rows(header, rows, {"scheme": scheme, "label": label}, "the table")

    @classmethod
    def from_csv(cls, path: str | Path) -> Self:
        """Read a matrix from a CSV file: our own form, or any sheet with roles as columns."""
        path = Path(path)
        return cls.from_text(read_text(path), where=path.name)

    @classmethod
    def from_text(cls, text: str, *, where: str = "") -> Self:
        """Read the CSV text form; a sheet without our first lines is taken as touchpoints by roles."""
        where = where or "raci.csv"
        lines = csv_records(text, where)
        meta: dict[str, Any] = {}
        roles: list[dict[str, str]] = []
        known: list[dict[str, str]] = []
        while lines and lines[0][0].startswith("# "):
            line = lines.pop(0)
            # A spreadsheet pads every line to the same width.
            while len(line) > 1 and not line[-1].strip():
                line = line[:-1]
            name, values = line[0][2:].strip(), [from_csv_text(v) for v in line[1:]]
            if name == "role" and len(values) > 1:
                roles.append({"id": values[0], "label": values[1]})
            elif name == "acknowledged" and len(values) == len(ACKNOWLEDGED_COLUMNS):
                given = zip(ACKNOWLEDGED_COLUMNS, values, strict=True)
                known.append({k: v for k, v in given if v})
            elif name in {"schema", "scheme", "label", "reviewed_on", "reviewed_by"} and values:
                meta[name] = values[0]
            else:
                msg = f"{where}: the line '# {name}' is not known or holds nothing. Mend or remove it."
                raise DocumentError(msg)
        if "schema" in meta:
            check_schema(meta.pop("schema"), cls.kind, cls.version, where)
            meta["roles"] = roles
            meta["acknowledged"] = known
        if not lines:
            msg = f"{where} has no rows. A header with roles and a row for each touchpoint was needed."
            raise DocumentError(msg)
        if roles:
            meta["roles"] = roles
        return cls._from_rows(lines[0], lines[1:], meta, where)

    @classmethod
    def _from_rows(
        cls, header: Sequence[str], lines: Sequence[Sequence[str]], meta: dict[str, Any], where: str
    ) -> Self:
        header = [from_csv_text(h.strip()) for h in header]
        while header and not header[-1]:
            header.pop()
        names = ["touchpoint", *header[1:]]
        role_names = [n for n in names[1:] if n not in RESERVED]
        twice = next(
            (n for n in names if [m.casefold() for m in names].count(n.casefold()) > 1), None
        )
        if twice is not None:
            msg = f"{where}, row 1: column {twice!r} occurs twice. Rename or merge them."
            raise DocumentError(msg)
        own_form = "roles" in meta
        if not own_form and not role_names:
            msg = f"{where}, row 1: no column is a role; {names} was found. Put roles in columns, split by commas."
            raise DocumentError(msg)
        roles = meta.pop("roles", None) or _named(role_names)
        by_name = dict(zip(role_names, [r["id"] for r in roles], strict=False))
        if own_form and role_names != [r["id"] for r in roles]:
            msg = f"{where}: the columns {role_names} are not the roles named above them. Make them agree."
            raise DocumentError(msg)
        rows: list[dict[str, Any]] = []
        taken: set[str] = set()
        stages: dict[str, str] = {}
        for number, line in enumerate(lines, start=2):
            if len(line) > len(names) and any(v.strip() for v in line[len(names) :]):
                msg = f"{where}, row {number}: {len(line)} cells, but the header names {len(names)}. Check its commas."
                raise DocumentError(msg)
            values = dict(zip(names, [v.strip() for v in line], strict=False))
            row = _row(
                values,
                by_name,
                own_form=own_form,
                taken=taken,
                stages=stages,
                where=f"{where}, row {number}",
            )
            taken.add(row["touchpoint"])
            rows.append(row)
        return cls.from_body({**meta, "roles": roles, "rows": rows}, where=where)

    def to_text(self) -> str:
        """Return the canonical CSV form: facts of the matrix, a header, one line per row."""
        lines = io.StringIO()
        write = csv.writer(lines, lineterminator="\n").writerow
        write(["# schema", f"{self.kind}/{self.version}"])
        write(["# scheme", self.scheme])
        write(["# label", csv_text(self.label)])
        if self.reviewed_on:
            write(["# reviewed_on", self.reviewed_on.isoformat()])
        if self.reviewed_by:
            write(["# reviewed_by", csv_text(self.reviewed_by)])
        for role in self.roles:
            write(["# role", role.id, csv_text(role.label)])
        for a in self.acknowledged:
            words = [a.code, a.touchpoint or "", a.role or "", csv_text(a.about or "")]
            write(
                [
                    "# acknowledged",
                    *words,
                    a.until.isoformat(),
                    csv_text(a.by or ""),
                    csv_text(a.reason),
                ]
            )
        flags = [f for f in FLAG_COLUMNS if any(_flag(row, f) for row in self.rows)]
        write([*ROW_COLUMNS, *(role.id for role in self.roles), *flags])
        for row in self.rows:
            cells = [csv_text(row.cells.get(role.id, "")) for role in self.roles]
            write(
                [
                    row.touchpoint,
                    csv_text(row.label),
                    row.stage or "",
                    *cells,
                    *(_flag(row, f) for f in flags),
                ]
            )
        return lines.getvalue()

    def to_frame(self) -> pd.DataFrame:
        """Return the matrix as people see it: ``touchpoint`` and ``stage``, then a column per role label."""
        names = distinct_labels(self)
        data = {
            "touchpoint": [row.label for row in self.rows],
            "stage": [row.stage or "" for row in self.rows],
            **{
                names[role.id]: [row.cells.get(role.id, "") for row in self.rows]
                for role in self.roles
            },
        }
        return pd.DataFrame(data).astype("str")


def distinct_labels(matrix: RaciMatrix) -> dict[str, str]:
    """Return role id → label; the id where two share a label, or it is called like another column."""
    labels = [r.label.strip().casefold() for r in matrix.roles]
    taken = {"touchpoint", "stage", "role", "letters"}
    return {
        r.id: r.label if labels.count(label) == 1 and label not in taken else r.id
        for r, label in zip(matrix.roles, labels, strict=True)
    }


def _plain(part: Any) -> dict[str, Any]:
    if isinstance(part, Part):
        return part.model_dump()
    return dict(part) if isinstance(part, Mapping) else {"": part}


def as_matrix(matrix: "RaciMatrix | pd.DataFrame") -> RaciMatrix:
    """Return a matrix given as the document or as a table of touchpoints by roles."""
    return RaciMatrix.from_frame(matrix) if isinstance(matrix, pd.DataFrame) else matrix


def _named(labels: Sequence[str]) -> list[dict[str, str]]:
    taken: set[str] = set(RESERVED)
    roles = []
    for label in labels:
        role = slug(label, taken)
        taken.add(role)
        roles.append({"id": role, "label": label})
    return roles


def _row(
    values: Mapping[str, str],
    by_name: Mapping[str, str],
    *,
    own_form: bool,
    taken: set[str],
    stages: dict[str, str],
    where: str,
) -> dict[str, Any]:
    name = from_csv_text(values.get("touchpoint", ""))
    if not name:
        msg = f"{where}: the touchpoint is blank. Name it, or remove the row."
        raise DocumentError(msg)
    label = from_csv_text(values.get("label", "")) or name
    if own_form and name in taken:
        msg = f"{where}: touchpoint {name!r} was given before. Remove one row or rename it."
        raise DocumentError(msg)
    row: dict[str, Any] = {
        "touchpoint": name if own_form else slug(name, taken),
        "label": label,
        "cells": {by_name[n]: from_csv_text(values.get(n, "")) for n in by_name},
    }
    if values.get("stage"):
        stage = from_csv_text(values["stage"])
        if not own_form and stage not in stages:
            stages[stage] = slug(stage, set(stages.values()))
        row["stage"] = stage if own_form else stages[stage]
    for flag in FLAG_COLUMNS:
        text = from_csv_text(values.get(flag, ""))
        if text:
            row[flag] = text
    return row


def _flag(row: MatrixRow, name: str) -> str:
    value = getattr(row, name)
    if value is None or value is False:
        return ""
    if value is True:
        return "yes"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else repr(value)
    return csv_text(value) if isinstance(value, str) else str(value)
