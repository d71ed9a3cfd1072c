"""From one letter scheme to another: an explicit step that says what each letter becomes and what is lost."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import pandas as pd

from journey_widgets.errors import DocumentError, did_you_mean
from journey_widgets.raci.context import codes_of
from journey_widgets.raci.document import RaciMatrix
from journey_widgets.raci.schemes import SCHEMES, write_cell

INTO_RACI: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "RACI": MappingProxyType({"R": "R", "A": "A", "C": "C", "I": "I"}),
        "RASCI": MappingProxyType({"R": "R", "A": "A", "S": "C", "C": "C", "I": "I"}),
        "RACI-VS": MappingProxyType({"R": "R", "A": "A", "C": "C", "I": "I", "V": "C", "S": "C"}),
        "CAIRO": MappingProxyType({"C": "C", "A": "A", "I": "I", "R": "R", "O": ""}),
        "DACI": MappingProxyType({"D": "R", "A": "A", "C": "C", "I": "I"}),
    }
)
"""What each letter of a scheme becomes in RACI; blank where there is nothing like it."""
LOST: Mapping[tuple[str, str], str] = MappingProxyType(
    {
        (
            "RASCI",
            "S",
        ): "support becomes consulted: that the role helps with the work is no longer said",
        (
            "RACI-VS",
            "V",
        ): "the verifier becomes consulted: that the role checks the work is no longer said",
        (
            "RACI-VS",
            "S",
        ): "the sign-off becomes consulted: that the role releases the work is no longer said",
        (
            "CAIRO",
            "O",
        ): "out of the loop becomes blank: that the role is left out on purpose is no longer said",
        (
            "DACI",
            "D",
        ): "the driver becomes responsible: that the role leads to the decision is no longer said",
        (
            "DACI",
            "A",
        ): "the approver becomes accountable, which is more: it answers for the work too",
    }
)
FROM_RACI: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        scheme: MappingProxyType(
            {"R": "D" if scheme == "DACI" else "R", "A": "A", "C": "C", "I": "I"}
        )
        for scheme in SCHEMES
    }
)
LOST_AFTER: Mapping[tuple[str, str], str] = MappingProxyType(
    {
        ("DACI", "R"): "responsible becomes driver, which only one role can be",
        (
            "DACI",
            "A",
        ): "accountable becomes approver: that the role answers for the work is no longer said",
    }
)


@dataclass(frozen=True)
class Conversion:
    """A matrix in another scheme.

    Attributes
    ----------
    matrix
        The matrix as it is now.
    mapping
        Old letter → new letter, blank where there is none.
    losses
        One row per cell whose meaning changed. Columns, all str: ``touchpoint``, ``role``, ``before``,
        ``after``, ``what``.
    """

    matrix: RaciMatrix
    mapping: Mapping[str, str]
    losses: pd.DataFrame

    def __str__(self) -> str:
        steps = ", ".join(f"{a} → {b or 'blank'}" for a, b in self.mapping.items())
        return f"{steps}; {len(self.losses)} cells change their meaning"


def convert(matrix: RaciMatrix, to: str) -> Conversion:
    """Return the matrix in another letter scheme, with what is lost.

    Letters go by way of RACI: DACI's D becomes R and its A becomes A, and so on. A cell with a code that the
    scheme does not know stays as it is written, and is listed.
    """
    if to not in SCHEMES:
        msg = f"There is no letter scheme {to!r}. {did_you_mean(to, SCHEMES)}"
        raise DocumentError(msg)
    if to == matrix.scheme:
        return Conversion(matrix, {x: x for x in matrix.letters.letters}, _framed([]))
    mapping = {
        letter: FROM_RACI[to].get(INTO_RACI[matrix.scheme][letter], "")
        for letter in matrix.letters.letters
    }
    losses: list[tuple[str, str, str, str, str]] = []
    rows = []
    for row in matrix.rows:
        cells = {}
        for role, text in row.cells.items():
            letters, unknown = codes_of(text, matrix.scheme)
            if unknown:
                cells[role] = text
                now = sorted(codes_of(text, to)[0])
                means = f", and {', '.join(now)} in it is a letter of {to}" if now else ""
                losses.append((row.touchpoint, role, text, text, f"left as it was written{means}"))
                continue
            cells[role] = write_cell({mapping[x] for x in letters}, SCHEMES[to])
            for letter in matrix.letters.letters:
                if letter not in letters:
                    continue
                middle = INTO_RACI[matrix.scheme][letter]
                why = [LOST.get((matrix.scheme, letter)), LOST_AFTER.get((to, middle))]
                losses += [(row.touchpoint, role, text, cells[role], w) for w in why if w]
        rows.append({**row.model_dump(mode="json"), "cells": {r: t for r, t in cells.items() if t}})
    body = {**matrix.body(), "scheme": to, "rows": rows}
    return Conversion(RaciMatrix.from_body(body), mapping, _framed(losses))


def _framed(losses: list[tuple[str, str, str, str, str]]) -> pd.DataFrame:
    return pd.DataFrame(losses, columns=["touchpoint", "role", "before", "after", "what"]).astype(
        "str"
    )
