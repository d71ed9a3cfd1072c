"""Scripts that several widgets share, and putting a widget's script together with those it imports.

A widget's script is one text that a page loads. Shared parts are modules beside this file; a widget names them by an
ordinary import, so that an editor and the type checker follow it, and `script` puts their text in its place. No
bundler is needed, and what is reviewed is what runs.
"""

import re
from pathlib import Path

_IMPORT = re.compile(r'^import \{[^}]*\} from "(?P<path>\.[^"]+)";\n', re.MULTILINE)
_EXPORT = re.compile(r"^export (?=(?:async )?(?:function|const|class)\b)", re.MULTILINE)


def script(path: Path) -> str:
    """Return the script of a widget with every module it imports, each once, in front of it."""
    parts: dict[Path, str] = {}
    _gather(path.resolve(), parts)
    *shared, own = parts.items()
    texts = [_EXPORT.sub("", text) for _path, text in shared]
    return "\n".join([*texts, own[1]])


def style(path: Path) -> str:
    """Return the style of a grid: what all grids share, then its own."""
    return "\n".join(p.read_text("utf-8") for p in (Path(__file__).with_name("grid.css"), path))


def _gather(path: Path, parts: dict[Path, str]) -> None:
    text = path.read_text("utf-8")
    for found in _IMPORT.finditer(text):
        other = (path.parent / found["path"]).resolve()
        if other not in parts:
            _gather(other, parts)
    parts[path] = _IMPORT.sub("", text)
