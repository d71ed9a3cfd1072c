"""What a page sends when somebody edits: numbered steps, and the number of a save. A page is never trusted."""

from typing import Any, ClassVar

import anywidget
import traitlets as t


class PageWidget(anywidget.AnyWidget):
    """A widget of which the page sets what it asks for (`asks`), and nothing else.

    Whether it is read-only, whose matrix is shown, what others wrote: a page that is not ours may claim it, and is
    not listened to.
    """

    asks: ClassVar[frozenset[str]] = frozenset()

    def set_state(self, sync_data: dict[str, Any]) -> None:
        """Take what a page sends."""
        strange = sorted(set(sync_data) - self.asks)
        if strange:
            self.log.warning("a page set %s, which is not its to set", ", ".join(strange)[:200])
        asked = {k: v for k, v in sync_data.items() if k in self.asks}
        if asked:
            super().set_state(asked)


def checked(
    edit: dict[str, Any], steps: str, *, what: str, read_only: bool, most: int
) -> dict[str, Any]:
    """Return an edit as it was sent, or raise `traitlets.TraitError` for one that cannot be.

    Parameters
    ----------
    edit
        ``seq`` (int), the steps, each a dict with its own ``seq``, and ``save`` (int, 0 for no save).
    steps
        Name of the field that holds the steps.
    what
        What is edited, in a person's word: ``"grid"``, ``"map"``.
    read_only
        Whether nothing may be edited or saved.
    most
        Characters a step may hold.
    """
    seq, found, save = edit.get("seq"), edit.get(steps), edit.get("save", 0)
    if read_only and (found or save):
        msg = f"This {what} is read-only; the edit was not taken."
        raise t.TraitError(msg)
    if not (
        isinstance(seq, int)
        and isinstance(save, int)
        and isinstance(found, list)
        and all(isinstance(s, dict) and isinstance(s.get("seq"), int) for s in found)
    ):
        msg = f"an edit needs seq, {steps} with seq, and save; got {str(edit)[:80]!r}."
        raise t.TraitError(msg)
    if any(len(str(s)) > most for s in found):
        msg = f"one step of a {what} holds up to {most:,} characters."
        raise t.TraitError(msg)
    return dict(edit)
