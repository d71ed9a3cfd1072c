"""The files of a source: one, or all whose names fit a pattern such as ``events/*.csv``, in order of name."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from journey_widgets.errors import JourneyDataError

WILD = frozenset("*?")
NO_DATA = (".", "~$")
"""How names begin of files that something else keeps there: hidden ones, and those that mark a workbook as open."""


@dataclass(frozen=True)
class Parts:
    """The files that a path means.

    Attributes
    ----------
    name
        What they are called together: the name of the file, or the pattern.
    files
        The files, in order of name; names are within the folder before the first ``*`` or ``?``.
    is_pattern
        Whether more files may come.
    """

    name: str
    files: Mapping[str, Path]
    is_pattern: bool = False


def parts_of(path: Path, within: Path | None = None) -> Parts:
    """Return the files that a path means.

    A path without ``*`` and ``?`` means itself, and so does a file whose own name has them. The names of `within` and
    of the folders above it are no patterns.
    """
    plain = len(within.parts) if within is not None and path.is_relative_to(within) else 0
    wild = [at for at, name in enumerate(path.parts) if at >= plain and WILD & set(name)]
    if not wild or path.exists():
        return Parts(path.name, {path.name: path})
    folder, pattern = Path(*path.parts[: wild[0]]), "/".join(path.parts[wild[0] :])
    fit = folder.glob(pattern.replace("[", "[[]"))
    named = {p.relative_to(folder).as_posix(): p for p in fit if p.is_file()}
    shown = {n: p for n, p in named.items() if not any(s.startswith(NO_DATA) for s in n.split("/"))}
    if not shown:
        what = (
            f"No file in {folder} fits" if folder.is_dir() else f"There is no folder {folder} for"
        )
        msg = f"{what} {pattern}. Name a file, or a pattern such as events/*.csv."
        raise JourneyDataError(msg)
    return Parts(pattern, dict(sorted(shown.items())), is_pattern=True)
