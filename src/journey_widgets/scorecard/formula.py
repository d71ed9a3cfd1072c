"""Formulas of KPIs: a small language of arithmetic that is parsed and worked out here, and never run as code.

A formula is arithmetic over named figures: ``(promoters - detractors) / n``. Allowed are numbers, names, ``+ - * /
**`` and parentheses, ``min``, ``max``, ``sum``, ``len``, ``median``, ``mean``, ``pct(values, 90)``, and a list made of
another, ``[x / sum(a) for x in a]``. Nothing else can be written, so a formula from a file or a colleague is safe.
"""

import ast
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from journey_widgets.errors import DocumentError, JourneyDataError, did_you_mean

MAX_LENGTH, MAX_POWER, MAX_ITEMS = 500, 64, 1_000_000
Value = float | list[float]


def _pct(values: Sequence[float], share: float) -> float:
    """Return a percentile, linear between the two nearest values."""
    return float(np.percentile(np.asarray(values, dtype=float), share))


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "min": lambda *v: min(_flat(v)),
    "max": lambda *v: max(_flat(v)),
    "sum": math.fsum,
    "len": len,
    "median": lambda v: float(np.median(np.asarray(v, dtype=float))),
    "mean": lambda v: math.fsum(v) / len(v),
    "pct": _pct,
}
MANY: dict[str, Callable[..., Any]] = {
    "min": lambda *v: np.minimum.reduce(np.broadcast_arrays(*v)),
    "max": lambda *v: np.maximum.reduce(np.broadcast_arrays(*v)),
}
"""The functions that work on many figures at once."""
OPERATIONS: dict[type, Callable[[float, float], float]] = {
    ast.Add: lambda a, b: a + b,
    ast.Sub: lambda a, b: a - b,
    ast.Mult: lambda a, b: a * b,
    ast.Div: lambda a, b: a / b,
}


def _flat(values: Sequence[Any]) -> list[float]:
    return list(values[0]) if len(values) == 1 and isinstance(values[0], list) else list(values)


class Formula:
    """A formula that was parsed and found to hold arithmetic only.

    Raises
    ------
    DocumentError
        The text is no formula of this language.
    """

    def __init__(self, text: str) -> None:
        self.text = text.strip()
        if not self.text or len(self.text) > MAX_LENGTH:
            msg = f"A formula of up to {MAX_LENGTH} characters was needed; this one has {len(self.text)}."
            raise DocumentError(msg)
        try:
            self._tree = ast.parse(self.text, mode="eval").body
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            msg = f"{self.text[:80]!r} is no formula. Write arithmetic over named figures, such as revenue / orders."
            raise DocumentError(msg) from None
        self.names = tuple(dict.fromkeys(_check(self._tree, frozenset())))
        self.denominators = tuple(dict.fromkeys(_below(self._tree)))
        """What the formula divides by, from left to right: ``("won + lost",)``."""

    def value(self, figures: Mapping[str, Any]) -> float | None:
        """Return the value for figures by name; None where it divides by nothing.

        Raises
        ------
        JourneyDataError
            A figure is missing, or is no number (or list of numbers).
        """
        given = {}
        for name in self.names:
            if name not in figures:
                msg = f"{self.text}: the figure {name!r} is missing. {did_you_mean(name, figures)}"
                raise JourneyDataError(msg)
            given[name] = _figure(name, figures[name], self.text)
        try:
            found = _work_out(self._tree, given)
        except (ZeroDivisionError, ValueError, OverflowError, IndexError):
            return None
        except TypeError:
            msg = f"{self.text}: a list was met where a number was needed, or a number where a list was."
            raise JourneyDataError(msg) from None
        if not isinstance(found, int | float):
            msg = f"{self.text} gives {type(found).__name__}; a number was needed."
            raise JourneyDataError(msg)
        return float(found) if math.isfinite(found) else None

    def values(self, figures: Mapping[str, npt.NDArray[np.float64]]) -> npt.NDArray[np.float64]:
        """Return the values for many figures at once, one array a name; NaN where it divides by nothing.

        Only for formulas without lists; `value` gives the same, one at a time.
        """
        given: dict[str, Any] = {}
        for name in self.names:
            if name not in figures:
                msg = f"{self.text}: the figure {name!r} is missing. {did_you_mean(name, figures)}"
                raise JourneyDataError(msg)
            given[name] = np.asarray(figures[name], dtype=np.float64)
        with np.errstate(all="ignore"):
            found = np.asarray(_work_out(self._tree, given, MANY), dtype=np.float64)
        return np.where(np.isfinite(found), found, np.nan)

    def __repr__(self) -> str:
        return f"Formula({self.text!r})"


def _figure(name: str, value: Any, text: str) -> Value:
    if isinstance(value, bool | str) or value is None:
        number = None
    elif isinstance(value, int | float | np.number):
        number = float(value)
    else:
        try:
            many = [float(v) for v in value]
        except (TypeError, ValueError):
            many = [math.nan]
        if len(many) <= MAX_ITEMS and all(map(math.isfinite, many)):
            return many
        number = None
    if number is None or not math.isfinite(number):
        msg = f"{text}: the figure {name!r} is {str(value)[:60]!r}; a finite number, or a list of them, was needed."
        raise JourneyDataError(msg)
    return number


def _check(node: ast.AST, local: frozenset[str]) -> list[str]:
    """Return the figures a part of a formula names; refuse what is no arithmetic."""
    match node:
        case ast.Constant(value=value) if isinstance(value, int | float) and not isinstance(
            value, bool
        ):
            return []
        case ast.Name(id=name):
            return [] if name in local else [name]
        case ast.UnaryOp(op=ast.USub() | ast.UAdd(), operand=operand):
            return _check(operand, local)
        case ast.BinOp(left=left, op=ast.Pow(), right=ast.Constant(value=int(power))) if (
            0 <= power <= MAX_POWER
        ):
            return _check(left, local)
        case ast.BinOp(left=left, op=op, right=right) if type(op) in OPERATIONS:
            return [*_check(left, local), *_check(right, local)]
        case ast.Call(func=ast.Name(id=name), args=args, keywords=[]) if name in FUNCTIONS and args:
            return [n for a in args for n in _check(a, local)]
        case ast.ListComp(
            elt=element,
            generators=[
                ast.comprehension(
                    target=ast.Name(id=each), iter=ast.Name() as over, ifs=[], is_async=0
                )
            ],
        ):
            return [*_check(over, local), *_check(element, local | {each})]
    said = ast.unparse(node)[:60] if isinstance(node, ast.expr) else type(node).__name__
    known = ", ".join(FUNCTIONS)
    msg = f"{said!r} cannot be used in a formula. Numbers, named figures, + - * /, whole powers, and {known} can."
    raise DocumentError(msg)


def _below(node: ast.AST) -> list[str]:
    """Return what a part of a formula divides by; within it nothing is looked for."""
    match node:
        case ast.BinOp(left=left, op=ast.Div(), right=right):
            return [*_below(left), ast.unparse(right)]
        case ast.BinOp(left=left, right=right):
            return [*_below(left), *_below(right)]
        case ast.UnaryOp(operand=operand):
            return _below(operand)
        case ast.Call(args=args):
            return [b for a in args for b in _below(a)]
    return []


def _work_out(
    node: ast.AST, given: Mapping[str, Any], functions: Mapping[str, Callable[..., Any]] = FUNCTIONS
) -> Any:
    match node:
        case ast.Constant(value=value):
            return value
        case ast.Name(id=name):
            return given[name]
        case ast.UnaryOp(op=op, operand=operand):
            value = _work_out(operand, given, functions)
            return -value if isinstance(op, ast.USub) else value
        case ast.BinOp(left=left, op=ast.Pow(), right=right):
            return _work_out(left, given, functions) ** _work_out(right, given, functions)
        case ast.BinOp(left=left, op=op, right=right):
            return OPERATIONS[type(op)](
                _work_out(left, given, functions), _work_out(right, given, functions)
            )
        case ast.Call(func=ast.Name(id=name), args=args):
            return functions[name](*(_work_out(a, given, functions) for a in args))
        case ast.ListComp(
            elt=element, generators=[ast.comprehension(target=ast.Name(id=each), iter=over)]
        ):
            return [_work_out(element, {**given, each: v}) for v in _work_out(over, given)]
    raise AssertionError(node)  # _check has seen it
