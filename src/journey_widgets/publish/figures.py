"""The figures of a page as data: every part of it brings its own along, and a report writes them all to one CSV."""

import csv
import io
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from journey_widgets.publish.piece import MIME, Line
from journey_widgets.safe import csv_text, from_csv_text

COLUMNS = ("section", "part", "row", "name", "figure", "value", "low", "high", "n", "shown")
"""Heading above it · caption · number and first words of the row · what it is · the unrounded number, its interval and
n · as the page shows it."""
NUMBERS = ("value", "low", "high", "n")


@dataclass(frozen=True)
class Figure:
    """A number as the page shows it, with the number itself, its interval and n."""

    shown: str
    value: float = math.nan
    low: float = math.nan
    high: float = math.nan
    n: float = math.nan
    about: str = ""
    """What it is: its formula, period and version, for whoever asks."""

    def __str__(self) -> str:
        return self.shown

    def line(self) -> Line:
        """Return what is known of it."""
        known = {c: float(getattr(self, c)) for c in NUMBERS}
        told = {"about": self.about} if self.about else {}
        return {**{c: v for c, v in known.items() if math.isfinite(v)}, "shown": self.shown, **told}


def of_table(
    part: str,
    names: Sequence[str],
    rows: Iterable[Sequence[object]],
    shown: Iterable[Sequence[str]],
) -> list[Line]:
    """Return the lines of a table: one a cell, with the first words of its row.

    Parameters
    ----------
    part
        Caption of the table.
    names
        What its columns are called on the page.
    rows, shown
        The cells, and the same cells as the page shows them.
    """
    lines: list[Line] = []
    for place, (values, texts) in enumerate(zip(rows, shown, strict=True)):
        name = next((t for v, t in zip(values, texts, strict=True) if not is_figure(v)), "")
        lines += [
            {"part": part, "row": place + 1, "name": name, "figure": figure, **_line(v), "shown": text}
            for figure, v, text in zip(names, values, texts, strict=True)
        ]  # fmt: skip
    return lines


def is_figure(value: object) -> bool:
    """Return whether a cell is a number and no words."""
    return isinstance(value, Figure) or _number(value) is not None


def _number(value: object) -> float | None:
    if isinstance(value, bool | np.bool_) or not isinstance(value, int | float | np.number):
        return None
    return float(value)


def _line(value: object) -> Line:
    if isinstance(value, Figure):
        return value.line()
    number = _number(value)
    return {} if number is None or not math.isfinite(number) else {"value": number}


def of_sentences(part: str, sentences: Iterable[str]) -> list[Line]:
    """Return the lines of sentences: figures in words."""
    return [
        {"part": part, "row": i + 1, "name": "", "figure": "words", "shown": s}
        for i, s in enumerate(sentences)
    ]


def of_tiles(values: Mapping[str, tuple[str | Figure, str]]) -> list[Line]:
    """Return the lines of figures in boxes."""
    lines: list[Line] = []
    for i, (label, (value, words)) in enumerate(values.items()):
        told = value.line() if isinstance(value, Figure) else {"shown": value}
        lines += [
            {"part": "In boxes", "row": i + 1, "name": label, "figure": "figure", **told},
            {"part": "In boxes", "row": i + 1, "name": label, "figure": "words", "shown": words},
        ]
    return lines


def of_notebook(cells: Iterable[Mapping[str, Any]]) -> list[Line]:
    """Return the figures of an executed notebook, in the order of the page, each under the heading above it."""
    section, lines = "", []
    for cell in cells:
        if cell["cell_type"] == "markdown":
            heads = [t.lstrip("#").strip() for t in cell["source"].splitlines() if t[:1] == "#"]
            section = heads[-1] if heads else section
        for output in cell.get("outputs", []):
            found = output.get("data", {}).get(MIME) or []
            lines += [{"section": section, **line} for line in found]
    return lines


def to_csv(lines: Iterable[Mapping[str, Any]]) -> str:
    """Return figures as CSV: numbers in full, text that no spreadsheet takes for a formula."""
    written = io.StringIO()
    write = csv.writer(written, lineterminator="\n").writerow
    write(COLUMNS)
    for line in lines:
        write([_cell(line.get(c)) for c in COLUMNS])
    return written.getvalue()


def _cell(value: object) -> str:
    if value is None:
        return ""
    return csv_text(value) if isinstance(value, str) else repr(value)


def read(path: str | Path) -> pd.DataFrame:
    """Return the figures of a report's CSV, with the columns of `COLUMNS`."""
    texts = ("section", "part", "name", "figure", "shown")
    found = pd.read_csv(
        path, dtype=dict.fromkeys(texts, "str"), keep_default_na=False, na_values={c: [""] for c in NUMBERS}
    )  # fmt: skip
    return found.assign(**{c: found[c].map(from_csv_text) for c in texts})
