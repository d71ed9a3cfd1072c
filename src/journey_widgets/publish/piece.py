"""A piece of a page: its markup, the same in plain words, and its figures as data. Light: it loads no other library."""

from collections.abc import Mapping, Sequence
from typing import Any

from journey_widgets.publish.modes import mode

MIME = "application/vnd.journey-widgets.figures+json"
"""Kind of output in which a part of a page carries its figures along: to the CSV, and to who asks what a number is."""
Line = dict[str, Any]


class Html:
    """A piece of HTML that a notebook shows; made only in `publish.html`, and by `prepared` from what was made there.

    `lines` are its figures as data; in a report they go along to the CSV of all figures. `data` is what else goes along
    with it, by kind of output. A `passing` one says what cannot be shown now: it is kept for nobody.
    """

    passing = False

    def __init__(
        self,
        markup: str,
        plain: str,
        lines: Sequence[Line] = (),
        data: Mapping[str, object] | None = None,
    ) -> None:
        self._markup, self._plain, self.lines = markup, plain, list(lines)
        self._data = dict(data or {})

    def _repr_html_(self) -> str:
        return self._markup

    def _repr_mimebundle_(self, **_asked: object) -> dict[str, object]:
        if mode() == "notebook":
            return {}
        return {**({MIME: self.lines} if self.lines else {}), **self._data}

    def carrying(self, kind: str, data: object) -> "Html":
        """Return it with plain JSON values that go along in a report: `kind` is of the form ``application/….+json``."""
        return Html(self._markup, self._plain, self.lines, {**self._data, kind: data})

    def plain(self) -> dict[str, Any]:
        """Return all of it as plain JSON values."""
        return {
            "markup": self._markup,
            "words": self._plain,
            "lines": self.lines,
            "data": self._data,
        }

    def __repr__(self) -> str:
        return self._plain
