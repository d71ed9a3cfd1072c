"""Editing the RACI matrix on a page: cells that others changed too are settled one by one."""

from collections.abc import Callable
from typing import Any, cast

from journey_widgets.document_widget import SaveResult
from journey_widgets.merging import MISSING, Clash, merge
from journey_widgets.publish.document_edit import DocumentEdit, disputed_words, told
from journey_widgets.publish.page import Page
from journey_widgets.raci.document import RaciMatrix
from journey_widgets.raci.widget import RaciGrid
from journey_widgets.workspace import Conflict


class MatrixEdit(DocumentEdit[RaciMatrix]):
    """An edit of the matrix in progress."""

    def __init__(self, page: Page) -> None:
        super().__init__(page, page.workspace.raci)  # a draft, where nobody saved one

    def _disputed(self, conflict: Conflict, mine: RaciMatrix) -> SaveResult[RaciMatrix]:
        self._rev = conflict.theirs_rev
        theirs = {r.id for r in cast("RaciMatrix", conflict.theirs).roles}
        written = {c.path[3] for c in conflict.clashes if len(c.path) == 4 and c.path[2] == "cells"}
        if not conflict.clashes or written - theirs:
            return self._with_columns_back(conflict, mine)
        places, others = _split(conflict, lambda _role: True)
        return SaveResult(
            disputed_words(len(conflict.clashes)),
            cast("RaciMatrix", conflict.keeping_mine()),
            places,
            tuple(_in_words(c, mine) for c in others),
        )

    def _with_columns_back(self, conflict: Conflict, mine: RaciMatrix) -> SaveResult[RaciMatrix]:
        """Show both edits where somebody else removed a role that one's own cells are written for: with the role."""
        base = conflict.base.body() if conflict.base else {}
        merged, _clashes = merge(base, mine.body(), conflict.theirs.body())
        there = {r["id"] for r in merged.get("roles", [])}
        used = {role for row in merged.get("rows", []) for role in row.get("cells", {})}
        back = [r for r in mine.roles if r.id in used - there]
        merged["roles"] = [*merged.get("roles", []), *(r.model_dump() for r in back)]
        words = [
            f"{r.label}: somebody else removed this role, and you wrote in it; it is kept."
            for r in back
        ]
        gone = {r.id for r in back}
        cells, others = _split(conflict, lambda role: role not in gone)
        words += [_in_words(c, mine) for c in others if len(c.path) < 4 or c.path[3] not in gone]
        text = (
            "Not saved yet: somebody else changed the same places. What you see is yours; settle it, "
            "then save again."
        )
        shown = RaciMatrix.from_body(merged)
        return SaveResult(
            text, shown, cells, tuple(words) or ((str(conflict),) if not cells else ())
        )


def _split(
    conflict: Conflict, known: Callable[[str], bool]
) -> tuple[tuple[tuple[str, str, str, str, str], ...], list[Clash]]:
    """Return the clashes that are cells of known roles, as the grid settles them, and the others."""

    def word(value: object) -> str:
        return value if isinstance(value, str) else ""

    cells = [
        c
        for c in conflict.clashes
        if len(c.path) == 4 and c.path[2] == "cells" and known(c.path[3])
    ]
    places = tuple(
        (c.path[1], c.path[3], word(c.base), word(c.theirs), word(c.mine)) for c in cells
    )
    return places, [c for c in conflict.clashes if c not in cells]


def _in_words(clash: Clash, mine: RaciMatrix) -> str:
    """Return a clash that is not about a cell in a sentence."""
    many, *rest = clash.path
    labels = {r.touchpoint: r.label for r in mine.rows} | {r.id: r.label for r in mine.roles}
    if not rest:
        return f"{many.replace('_', ' ')}: somebody else wrote {told(clash.theirs)}, you wrote {told(clash.mine)}."
    if rest == ["order"]:
        return f"The order of the {many}: somebody else moved some too; yours is shown."
    label = labels.get(rest[0], rest[0])
    if len(rest) == 1:
        if clash.theirs is MISSING:
            return f"{label}: somebody else deleted it, you changed it; it stays."
        if clash.mine is MISSING:
            return f"{label}: you deleted it, somebody else changed it; it goes."
        return f"{label}: both of you added it, differently; yours is shown."
    return (
        f"{label}, {rest[1].replace('_', ' ')}: somebody else wrote {told(clash.theirs)}, you wrote "
        f"{told(clash.mine)}."
    )


def editable_grid(page: Page, **beside: Any) -> RaciGrid:
    """Return the grid of a page's matrix, tied to its workspace. `beside` goes to the grid: policy, links."""
    edit = MatrixEdit(page)
    space = page.workspace
    return RaciGrid(
        edit.document, journey=space.journey, roles=space.roles, **edit.options(page), **beside
    )
