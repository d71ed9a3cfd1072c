"""Text files: their encoding checked or refused in words, their line ends made one kind."""

import codecs
import gzip
import io
import itertools
import tempfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, cast

from journey_widgets.errors import JourneyDataError

MAGIC = {
    b"PK\x03\x04": "a ZIP or XLSX file",
    b"PAR1": "a Parquet file",
    b"\x89PNG": "a picture",
    b"%PDF": "a PDF",
    b"\xd0\xcf\x11\xe0": "an old Excel (.xls) file",
    b"\x1f\x8b": "a gzip file",
}
CHUNK = 1 << 20


def binary(path: Path) -> IO[bytes]:
    """Open a file for its bytes, unpacked where it is gzip."""
    if path.suffix.lower() == ".gz":
        return cast("IO[bytes]", gzip.open(path, "rb"))
    return path.open("rb")


def chunks(path: Path) -> Iterator[bytes]:
    """Return a file's bytes, unpacked, piece by piece."""
    try:
        with binary(path) as stream:
            while chunk := stream.read(CHUNK):
                yield chunk
    except (gzip.BadGzipFile, zlib.error, EOFError, OSError) as error:
        msg = f"{path.name} cannot be unpacked: {error}. Is it really a whole gzip file?"
        raise JourneyDataError(msg) from None


def check_text(path: Path, encoding: str | None) -> tuple[str, bool]:
    """Return a text file's encoding and whether its line ends are mixed; refuse what is not text.

    The whole file is read once for this.
    """
    start = next(chunks(path), b"")
    for magic, what in MAGIC.items():
        if start.startswith(magic):
            msg = f"{path.name} is {what}, not text. Save it as CSV, or name its format."
            raise JourneyDataError(msg)
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) and encoding is None:
        encoding = "utf-16"
    try:
        codec = codecs.lookup(encoding or "utf-8")
        name = codec.name
        if not getattr(codec, "_is_text_encoding", True) or name in {
            "undefined",
            "punycode",
            "idna",
        }:
            raise LookupError
    except LookupError:
        msg = f"{path.name}: Python knows no encoding {encoding!r}. Common ones: utf-8, cp1252."
        raise JourneyDataError(msg) from None
    if name.startswith("utf-16") is False and b"\0" in start:
        msg = f"{path.name} holds zero bytes: it is a binary file, not text. Save it as CSV."
        raise JourneyDataError(msg)
    decoder, done, row = codecs.getincrementaldecoder(name)(), 0, 1
    returns = pairs = 0
    for chunk in itertools.chain(chunks(path), [b""]):
        try:
            text = decoder.decode(chunk, final=not chunk)
            row += text.count("\n")
            returns += text.count("\r")
            pairs += text.count("\r\n")
        except UnicodeDecodeError as error:
            row += chunk[: error.start].count(b"\n")
            found = error.object[error.start : error.start + 1]
            msg = (
                f"{path.name}, row {row}: byte {found!r} at offset {done + error.start} is not "
                f"{name}. Say which encoding it is, for example encoding: cp1252."
            )
            raise JourneyDataError(msg) from None
        done += len(chunk)
    mixed = returns > 0 and not (returns == pairs == row - 1)
    return "utf-8" if name in {"utf-8", "utf-8-sig", "ascii"} else name, mixed


def rewrite(path: Path, encoding: str, scratch: Path) -> Path:
    """Write a text file again in UTF-8, with one kind of line end."""
    decoder = io.IncrementalNewlineDecoder(codecs.getincrementaldecoder(encoding)(), translate=True)
    with tempfile.NamedTemporaryFile(dir=scratch, suffix=".csv", delete=False) as target:
        for chunk in chunks(path):
            target.write(decoder.decode(chunk).encode())
        target.write(decoder.decode(b"", final=True).encode())
    return Path(target.name)
