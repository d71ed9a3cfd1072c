"""The files of a source: one, or all whose names fit a pattern such as ``events/*.csv``, in order of name."""

from pathlib import Path

from journey_widgets.errors import JourneyDataError

WILD = frozenset("*?")


def parts_of(path: Path) -> dict[str, Path]:
    """Return the files that a path means by their names within the folder before its first ``*`` or ``?``.

    A path without these means itself, and so does a file whose own name has them. Names that begin with a dot are of
    files that something else keeps there.
    """
    folder, pattern = _split(path)
    if pattern is None or path.exists():
        return {path.name: path}
    plain = pattern.replace("[", "[[]")
    found = {p.relative_to(folder).as_posix(): p for p in folder.glob(plain) if p.is_file()}
    shown = {n: p for n, p in found.items() if not any(s.startswith(".") for s in n.split("/"))}
    if not shown:
        what = (
            f"No file in {folder} fits" if folder.is_dir() else f"There is no folder {folder} for"
        )
        msg = f"{what} {pattern}. Name a file, or a pattern such as events/*.csv."
        raise JourneyDataError(msg)
    return dict(sorted(shown.items()))


def is_pattern(path: Path) -> bool:
    """Return whether a path means all files whose names fit it."""
    return _split(path)[1] is not None and not path.exists()


def folder_of(path: Path) -> Path:
    """Return the folder below which all files of a path lie."""
    return _split(path)[0] if is_pattern(path) else path.parent


def _split(path: Path) -> tuple[Path, str | None]:
    """Return the folder of a path and the pattern within it; None for one that is no pattern."""
    for place, name in enumerate(path.parts):
        if WILD & set(name):
            return Path(*path.parts[:place]), "/".join(path.parts[place:])
    return path.parent, None
