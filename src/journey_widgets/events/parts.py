"""The files of a source: one, or all whose names fit a pattern such as ``events/*.csv``, in order of name."""

from pathlib import Path

from journey_widgets.errors import JourneyDataError

WILD = frozenset("*?")
NO_DATA = (".", "~$")
"""How names begin of files that something else keeps there: hidden ones, and those that mark a workbook as open."""


def parts_of(path: Path, within: Path | None = None) -> dict[str, Path]:
    """Return the files that a path means by their names within the folder before its first ``*`` or ``?``.

    A path without these means itself, and so does a file whose own name has them. The names of `within` and of the
    folders above it are no patterns.
    """
    folder, pattern = _split(path, within)
    if pattern is None or path.exists():
        return {path.name: path}
    plain = pattern.replace("[", "[[]")
    found = {p.relative_to(folder).as_posix(): p for p in folder.glob(plain) if p.is_file()}
    shown = {n: p for n, p in found.items() if not any(s.startswith(NO_DATA) for s in n.split("/"))}
    if not shown:
        what = (
            f"No file in {folder} fits" if folder.is_dir() else f"There is no folder {folder} for"
        )
        msg = f"{what} {pattern}. Name a file, or a pattern such as events/*.csv."
        raise JourneyDataError(msg)
    return dict(sorted(shown.items()))


def is_pattern(path: Path, within: Path | None = None) -> bool:
    """Return whether a path means all files whose names fit it."""
    return _split(path, within)[1] is not None and not path.exists()


def folder_of(path: Path, within: Path | None = None) -> Path:
    """Return the folder below which all files of a path lie."""
    return _split(path, within)[0] if is_pattern(path, within) else path.parent


def _split(path: Path, within: Path | None) -> tuple[Path, str | None]:
    """Return the folder of a path and the pattern within it; None for one that is no pattern."""
    given = within is not None and path.is_relative_to(within)
    plain = len(within.parts) if given and within is not None else 0
    for place, name in enumerate(path.parts):
        if place >= plain and WILD & set(name):
            return Path(*path.parts[:place]), "/".join(path.parts[place:])
    return path.parent, None
