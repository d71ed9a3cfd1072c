"""Documents as text files: which file holds which, and what each last agreed with."""

import hashlib
import json
from pathlib import Path

from journey_widgets.documents import Document, canonical_json
from journey_widgets.errors import DocumentError, JourneyDataError, JourneyError
from journey_widgets.raci.document import RaciMatrix
from journey_widgets.raci.rules import check
from journey_widgets.textfiles import read_text, write_text
from journey_widgets.workspace.saving import KINDS

TEXT_FILES = {
    "journey": "journey.yaml",
    "journey_to_be": "journey_to_be.yaml",
    "roles": "roles.yaml",
    "raci": "raci.csv",
    "cross_impact": "cross_impact.csv",
    "futures": "futures.yaml",
    "scorecard": "scorecard.yaml",
    "upsell": "upsell.yaml",
}
EXPORTED = ".exported.json"
"""Beside text: the hash of the document each file last agreed with, here or in another store."""


def content_hash(document: Document) -> str:
    """Return the hash of what a document says."""
    return hashlib.sha256(canonical_json(document.body()).encode()).hexdigest()


def agreed_with(target: Path) -> dict[str, str]:
    """Return which content each text file in a folder last agreed with: kind → hash."""
    try:
        found = json.loads(read_text(target / EXPORTED))
    except (JourneyDataError, ValueError):
        return {}
    return {k: v for k, v in found.items() if isinstance(v, str)} if isinstance(found, dict) else {}


def note_agreed(target: Path, more: dict[str, str]) -> None:
    """Note that text files agree with these contents now: kind → hash."""
    write_text(target / EXPORTED, json.dumps({**agreed_with(target), **more}, indent=1) + "\n")


def was_edited(target: Path, kind: str, agreed: dict[str, str]) -> bool:
    """Say whether a text file holds something else than what it last agreed with."""
    path = target / TEXT_FILES[kind]
    if not path.exists():
        return False
    try:
        return content_hash(KINDS[kind].from_text(read_text(path), where=path.name)) != agreed.get(
            kind
        )
    except JourneyError:
        return True


def refuse_unreadable(document: Document) -> None:
    """Refuse a matrix with letters its scheme does not know: a typing slip, not a judgement."""
    if not isinstance(document, RaciMatrix):
        return
    strange = [f for f in check(document) if f.code == "CELL-01"]
    if strange:
        more = f" ({len(strange)} such cells)" if len(strange) > 1 else ""
        msg = f"{TEXT_FILES['raci']}: {strange[0].message} {strange[0].fix}{more}"
        raise DocumentError(msg)
