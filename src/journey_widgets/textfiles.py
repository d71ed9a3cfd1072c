"""Text files: checked before reading, written whole or not at all."""

import csv
import io
import os
import tempfile
from pathlib import Path

from journey_widgets.errors import DocumentError, JourneyDataError, did_you_mean


def check_file(path: Path) -> None:
    """Raise `JourneyDataError` unless `path` is a file with something in it."""
    if path.is_dir():
        msg = f"{path} is a folder; a file was needed. Name the file in it."
        raise JourneyDataError(msg)
    if not path.is_file():
        around = [p.name for p in path.parent.iterdir()] if path.parent.is_dir() else []
        hint = did_you_mean(path.name, around) if around else "Its folder does not exist either."
        msg = f"There is no file {path}. {hint}"
        raise JourneyDataError(msg)
    if path.stat().st_size == 0:
        msg = f"{path.name} is empty (0 bytes). A file with something in it was needed."
        raise JourneyDataError(msg)


def read_text(path: Path) -> str:
    """Return the text of a UTF-8 file, with or without a byte order mark."""
    check_file(path)
    data = path.read_bytes()
    if b"\0" in data:
        msg = (
            f"{path.name} holds zero bytes: it is a binary file, not text. Save it as CSV or YAML."
        )
        raise JourneyDataError(msg)
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        row = data.count(b"\n", 0, error.start) + 1
        msg = (
            f"{path.name}, row {row}: byte {data[error.start : error.start + 1]!r} at offset "
            f"{error.start} is not UTF-8. Save the file as UTF-8."
        )
        raise JourneyDataError(msg) from None


def csv_records(text: str, where: str) -> list[list[str]]:
    """Return the lines of a sheet that are not blank, by the separator its first line uses."""
    first = text.partition("\n")[0]
    separator = max(",;\t", key=first.count)
    csv.field_size_limit(20_000_000)
    try:
        rows = list(csv.reader(io.StringIO(text), delimiter=separator))
    except csv.Error as error:
        msg = f"{where} is no CSV: {error}. Save it again as CSV UTF-8."
        raise DocumentError(msg) from None
    return [row for row in rows if any(cell.strip() for cell in row)]


def write_text(path: Path, text: str, *, mode: int = 0o644) -> None:
    """Write a UTF-8 file with LF line ends: a reader sees the old text or the new, never a part."""
    write_bytes(path, text.encode("utf-8"), mode=mode)


def write_bytes(path: Path, content: bytes, *, mode: int = 0o644) -> None:
    """Write a file: a reader sees the old content or the new, never a part."""
    handle, part = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        Path(part).chmod(mode)
        Path(part).replace(path)
    except BaseException:
        Path(part).unlink(missing_ok=True)
        raise
