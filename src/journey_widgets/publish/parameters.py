"""Parameters of a notebook: what it declares, and whether given values fit, before anything runs."""

import ast
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unicodedata import category

import nbformat

from journey_widgets.errors import ParameterError, did_you_mean

TAG = "parameters"
KINDS: dict[str, type] = {"str": str, "int": int, "float": float, "bool": bool}
MAX_TEXT = 2_000


@dataclass(frozen=True)
class Parameter:
    """One declared parameter: name, kind, default and the comment beside it."""

    name: str
    kind: str
    default: str | int | float | bool
    help: str


def declared(notebook: Path) -> list[Parameter]:
    """Return the parameters a notebook declares in its one cell tagged ``parameters``.

    Raises
    ------
    ParameterError
        There is no such cell or more than one, a line of it is more than a typed name with a
        literal, or a later cell assigns the name again (the given value would be lost).
    """
    cells = [c for c in nbformat.read(notebook, as_version=4).cells if c.cell_type == "code"]
    tagged = [i for i, c in enumerate(cells) if TAG in c.metadata.get("tags", [])]
    if len(tagged) != 1:
        msg = (
            f"{notebook.name} has {len(tagged)} code cells tagged {TAG!r}; exactly one was needed."
        )
        raise ParameterError(msg)
    source = cells[tagged[0]].source
    found = [_one(node, source, notebook) for node in ast.parse(source).body]
    later = "\n".join(c.source for c in cells[tagged[0] + 1 :])
    again = _assigned(later) & {p.name for p in found}
    if again:
        msg = f"{notebook.name} assigns {sorted(again)[0]!r} again below its parameters; a given value would be lost."
        raise ParameterError(msg)
    return found


def _one(node: ast.stmt, source: str, notebook: Path) -> Parameter:
    match node:
        case ast.AnnAssign(
            target=ast.Name(id=name),
            annotation=ast.Name(id=kind),
            value=ast.Constant(value=default),
        ) if kind in KINDS and isinstance(default, str | int | float | bool):
            line = source.splitlines()[node.lineno - 1]
            comment = line.rpartition("  # ")[2] if "  # " in line else ""
            return Parameter(name, kind, default, comment)
    msg = (
        f"{notebook.name}, parameters line {node.lineno}: a line like "
        'name: str = "value"  # what it means was needed, with str, int, float or bool.'
    )
    raise ParameterError(msg)


def _assigned(source: str) -> set[str]:
    try:
        tree = ast.parse(source)
    except SyntaxError:
        return set()
    return {
        node.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
    }


def checked(
    given: dict[str, str], known: list[Parameter], *, where: str, hidden: tuple[str, ...] = ()
) -> dict[str, Any]:
    """Return given texts as values of the declared kinds.

    Parameters
    ----------
    given
        Name → text, from a command line or a web address.
    known
        What the notebook declares.
    where
        Names the notebook in messages.
    hidden
        Declared names that may not be given here.

    Raises
    ------
    ParameterError
        A name is not declared (near names are listed), or a text is no value of its kind.
    """
    names = [p.name for p in known if p.name not in hidden]
    values: dict[str, Any] = {}
    for name, text in given.items():
        if name not in names:
            msg = f"{where} has no parameter {name!r}. {did_you_mean(name, names)}"
            raise ParameterError(msg)
        parameter = next(p for p in known if p.name == name)
        values[name] = _value(parameter, text, where)
    return values


def _value(parameter: Parameter, text: str, where: str) -> Any:
    if len(text) > MAX_TEXT or not all(c.isprintable() or category(c) == "Zs" for c in text):
        msg = f"{where}: {parameter.name} is not one line of up to {MAX_TEXT} printable characters."
        raise ParameterError(msg)
    try:
        if parameter.kind == "bool":
            return {"true": True, "false": False, "yes": True, "no": False}[text.strip().lower()]
        return KINDS[parameter.kind](text)
    except (ValueError, KeyError):
        wanted = "yes or no" if parameter.kind == "bool" else f"a value of kind {parameter.kind}"
        msg = f"{where}: {parameter.name}={text!r} is not {wanted}. ({parameter.help})"
        raise ParameterError(msg) from None
