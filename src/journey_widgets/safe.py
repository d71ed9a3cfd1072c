"""Making text from data safe at each place it can end: HTML, CSV, file names.

This is the only module that does so. Everything else hands plain text on.
"""

import hashlib
import html as _html
import re
import unicodedata
from pathlib import Path

FORMULA_STARTS = "=+-@\t\r\n\0＝＋－＠"
_UNSEEN = "\u200b\u200c\u200d\u200e\u200f\u2060\ufeff" + "".join(map(chr, [*range(32), 127]))
"""Characters beside blanks that a spreadsheet may drop before it looks what a cell begins with."""
_TURNS = {
    **dict.fromkeys("\u202a\u202b\u202d\u202e", "\u202c"),
    **dict.fromkeys("\u2066\u2067\u2068", "\u2069"),
}
"""Characters that set the direction of what follows, and the one that ends each."""
_DEVICE_NAMES = re.compile(r"^(con|prn|aux|nul|com\d|lpt\d)$")


def html(text: object) -> str:
    """Return text for an HTML element or a quoted attribute."""
    return _html.escape(str(text), quote=True)


def closed(text: str) -> str:
    """Return text that cannot turn the direction of what stands after it: what it opens, it ends.

    Source: Unicode Standard Annex 9, rules X1 to X7. Text without such characters stays as it is.
    """
    if not any(c in _TURNS for c in text):
        return text
    ends: list[str] = []
    for c in text:
        if c in _TURNS:
            ends.append(_TURNS[c])
        elif ends and c == ends[-1]:
            ends.pop()
        elif c == "\u2069" and c in ends:
            # The end of an isolate ends what was opened in it.
            del ends[len(ends) - 1 - ends[::-1].index(c) :]
    return text + "".join(reversed(ends))


def csv_text(text: str) -> str:
    """Return a text cell that no spreadsheet takes for a formula; `from_csv_text` undoes it."""
    return f"'{text}" if _starts_a_formula(text) else text


def from_csv_text(cell: str) -> str:
    """Return the text that `csv_text` was given; other people's cells stay as they are."""
    return cell[1:] if cell[:1] == "'" and _starts_a_formula(cell[1:]) else cell


def _starts_a_formula(text: str) -> bool:
    """Return whether a text is a formula to some spreadsheet, also after blanks, or marked as none already."""
    if not text:
        return False
    rest = text
    while rest != (shorter := rest.lstrip().lstrip(_UNSEEN)):
        rest = shorter
    return text[0] in FORMULA_STARTS + "'" or (rest[:1] != "" and rest[0] in FORMULA_STARTS)


def file_name(text: str) -> str:
    """Return a file name for free text: readable, without path, distinct for distinct texts.

    Examples
    --------
    >>> file_name("raci")
    'raci'
    >>> file_name("../EU & UK")
    'eu_uk-14c4be79'
    """
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    name = re.sub(r"[^a-z0-9]+", "_", plain).strip("_")[:60]
    if name and name == text and not _DEVICE_NAMES.match(name):
        return name
    return f"{name or 'x'}-{hashlib.sha256(text.encode('utf-8', 'replace')).hexdigest()[:8]}"


def inside(folder: Path, name: str) -> Path:
    """Return the path of `name` in `folder`; anything that would lie elsewhere is a ValueError."""
    path = (folder / name).resolve()
    if not path.is_relative_to(folder.resolve()):
        msg = f"{name!r} lies outside {folder}"
        raise ValueError(msg)
    return path
