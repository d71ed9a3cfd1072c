"""Errors people can act on: what was needed, what was found, what to do next."""

from collections.abc import Iterable
from difflib import get_close_matches
from typing import ClassVar


class JourneyError(Exception):
    """Bad input: the message says what was needed, what was found and the next step."""

    exit_code = 2


class JourneyDataError(JourneyError):
    """A table or a file does not hold what was asked of it."""


class DocumentError(JourneyError):
    """A document (journey, roles, RACI matrix, …) cannot be read or breaks its own rules."""


class WorkspaceError(JourneyError):
    """A workspace, a revision or a source is not where it was looked for."""


class AccessError(WorkspaceError):
    """Somebody asked for what their role in a workspace does not allow."""


class ParameterError(JourneyError):
    """A report or dashboard was given a parameter it does not have, or a value it cannot take."""


class FindingsError(JourneyError):
    """The documents have findings that stop what was asked for."""

    exit_code = 1


class InfrastructureError(JourneyError):
    """The machine failed, not the input: a kernel died, a port is taken, the disk is full."""

    exit_code = 3
    seen: ClassVar[int] = 0
    """How many there were in this process, also those that a page put into words and went on."""

    def __init__(self, *given: object) -> None:
        super().__init__(*given)
        InfrastructureError.seen += 1


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return a sentence that lists the names nearest to `name`, or all of a short list."""
    names = sorted(known)
    near = get_close_matches(name, names, n=3, cutoff=0.5)
    if near:
        return f"Did you mean {', '.join(repr(n) for n in near)}?"
    if not names:
        return "There is none."
    shown = ", ".join(repr(n) for n in names[:12])
    return f"Known: {shown}{' …' if len(names) > 12 else ''}."


def one_of(what: str, given: object, known: Iterable[str]) -> None:
    """Refuse a choice that is not one of the `known`; `what` is the parameter's name."""
    names = list(known)
    if given not in names:
        msg = f"{what} is {given!r}. {did_you_mean(str(given), names)}"
        raise JourneyDataError(msg)
