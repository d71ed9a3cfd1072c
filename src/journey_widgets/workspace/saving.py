"""What saving comes to: a revision, merged where others saved meanwhile, or a conflict."""

import json
from dataclasses import dataclass

from journey_widgets.cross_impact.document import CrossImpact
from journey_widgets.cross_impact.futures import Futures
from journey_widgets.documents import Document
from journey_widgets.errors import DocumentError, WorkspaceError, did_you_mean
from journey_widgets.journey.document import Journey, ToBeJourney
from journey_widgets.merging import Clash, merge
from journey_widgets.raci.document import RaciMatrix
from journey_widgets.roles import RoleRegister
from journey_widgets.scorecard.document import Scorecard
from journey_widgets.upsell.document import UpsellPlan
from journey_widgets.workspace.store import Revision

KINDS: dict[str, type[Document]] = {
    m.kind: m
    for m in (
        Journey,
        ToBeJourney,
        RoleRegister,
        RaciMatrix,
        CrossImpact,
        Futures,
        Scorecard,
        UpsellPlan,
    )
}
"""Kinds of document, in the order in which one refers to the other."""


@dataclass(frozen=True)
class Saved:
    """A save that was kept: the revision it made (or found), and whether others' edits are in it."""

    document: Document
    rev: int
    merged: bool = False
    changed: bool = True


@dataclass(frozen=True)
class Conflict:
    """A save that was not kept: others changed the same places differently.

    `base` is what the edit started from, `theirs` the newest revision, `mine` the document given.
    Settle the `clashes` in `mine` and save it again with ``base_rev=theirs_rev``.
    """

    base: Document | None
    theirs: Document
    mine: Document
    clashes: tuple[Clash, ...]
    theirs_rev: int
    reason: str = ""

    def keeping_mine(self) -> Document:
        """Return the newest revision with one's own edits in it, also where they clash."""
        before = self.base.body() if self.base else {}
        merged, _clashes = merge(before, self.mine.body(), self.theirs.body())
        return type(self.mine).from_body(merged)

    def __str__(self) -> str:
        places = "; ".join(str(c) for c in self.clashes[:3])
        more = f" and {len(self.clashes) - 3} more" if len(self.clashes) > 3 else ""
        return f"Not saved: somebody else changed the same place. {places}{more}{self.reason}"


def known(kind: str) -> str:
    """Return a kind of document; an unknown one is a `WorkspaceError` with near names."""
    if kind not in KINDS:
        msg = f"There is no document kind {kind!r}. {did_you_mean(kind, KINDS)}"
        raise WorkspaceError(msg)
    return kind


def parse(revision: Revision) -> Document:
    """Return the document in a revision; a damaged or newer one is a `DocumentError`."""
    model = KINDS[revision.kind]
    if revision.schema_version > model.version:
        msg = (
            f"{revision.kind} revision {revision.rev} was saved by a newer journey-widgets "
            f"(schema {revision.schema_version}, this one knows {model.version}). Update to read it."
        )
        raise DocumentError(msg)
    where = f"{revision.kind} revision {revision.rev} in the store"
    try:
        body = json.loads(revision.body)
    except (ValueError, TypeError):
        msg = f"{where} is damaged. Run journey verify, and restore the store from a backup."
        raise DocumentError(msg) from None
    return model.from_body(body, where=where)


def decide(mine: Document, base: Document | None, head: Revision | None) -> Saved | Conflict:
    """Say what saving `mine`, made from `base`, on top of `head` comes to."""
    if head is None:
        return Saved(mine, 1)
    theirs = parse(head)
    merged, clashes = merge(base.body() if base else {}, theirs.body(), mine.body())
    if clashes:
        return Conflict(base, theirs, mine, tuple(clashes), head.rev)
    try:
        document = type(mine).from_body(merged)
    except DocumentError as error:
        return Conflict(base, theirs, mine, (), head.rev, f"The two edits do not fit: {error}")
    others = merged != mine.body()
    return Saved(document, head.rev, merged=others, changed=merged != theirs.body())
