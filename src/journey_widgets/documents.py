"""What all documents share: ids, strict parsing, and one canonical text form.

A document is a frozen Pydantic model. Its text form is YAML with a fixed order of keys, LF line ends
and the schema version in the first line; `from_text(x.to_text()) == x` and the text of a document is
always the same bytes.
"""

import json
import re
import unicodedata
from collections import Counter
from collections.abc import Hashable, Iterable
from typing import Annotated, Any, ClassVar, Self

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from journey_widgets.errors import DocumentError, did_you_mean
from journey_widgets.safe import closed

MAX_BYTES, MAX_DEPTH = 5_000_000, 40
_ID = r"^[a-z][a-z0-9_]*$"
_WORDS_OF_OTHERS = re.compile(
    r"^(?:true|false|null|yes|no|on|off|y|n|~|[-+.\d].*|0[xo].*|\.nan|\.inf|=|<<)$", re.IGNORECASE
)

Id = Annotated[str, Field(pattern=_ID, max_length=80)]
"""A slug that never changes: lower case letters, digits and underscores, a letter first."""


def _one_line(text: str) -> str:
    if any(unicodedata.category(c) in {"Cc", "Cs"} for c in text):
        msg = "has a line break or control character; one line of text was needed"
        raise ValueError(msg)
    return text


Label = Annotated[
    str, Field(min_length=1, max_length=3_000), AfterValidator(_one_line), AfterValidator(closed)
]
"""One line of free text in any language. It is shown as text, whatever it holds."""


def _text_only(text: str) -> str:
    if any(unicodedata.category(c) in {"Cc", "Cs"} and c not in "\n\t" for c in text):
        msg = "has a control character; text was needed"
        raise ValueError(msg)
    return text


Text = Annotated[str, Field(max_length=100_000), AfterValidator(_text_only)]


def refuse_doubles(**lists: Iterable[str]) -> None:
    """Raise `ValueError` where an id is given twice; `lists` is what the ids are of → ids."""
    for what, ids in lists.items():
        twice = next((i for i, n in Counter(ids).items() if n > 1), None)
        if twice is not None:
            msg = f"{what.replace('_', ' ')}: the id {twice!r} is given twice; rename one of them"
            raise ValueError(msg)


def slug(label: str, taken: frozenset[str] | set[str] = frozenset()) -> str:
    """Return an id for a label: ``"Set-up help"`` gives ``"set_up_help"``; never one in `taken`."""
    plain = unicodedata.normalize("NFKD", label).encode("ascii", "ignore").decode().lower()
    name = re.sub(r"[^a-z0-9]+", "_", plain).strip("_")
    if not name or not name[0].isalpha():
        name = f"t_{name}".rstrip("_")
    name, n = name[:70], 2
    found = name
    while found in taken:
        found, n = f"{name}_{n}", n + 1
    return found


class Part(BaseModel):
    """A part of a document: unknown fields are refused, values never change in place."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, str_strip_whitespace=True, allow_inf_nan=False
    )


class Document(Part):
    """Something people decide, kept in a workspace with its history."""

    kind: ClassVar[str]
    version: ClassVar[int] = 1

    @classmethod
    def from_body(cls, body: Any, *, where: str = "") -> Self:
        """Make the document from plain JSON values; faults become one `DocumentError`."""
        try:
            return cls.model_validate(body)
        except ValidationError as error:
            raise DocumentError(_explain(error, cls, where or cls.kind)) from None

    def body(self) -> dict[str, Any]:
        """Return the document as plain JSON values, defaults left out."""
        return self.model_dump(mode="json", exclude_defaults=True)

    def to_text(self) -> str:
        """Return the canonical text form."""
        text = yaml.dump(
            self.body(), Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=100,
            default_flow_style=False,
        )  # fmt: skip
        return f"schema: {self.kind}/{self.version}\n" + ("" if text == "{}\n" else text)

    @classmethod
    def from_text(cls, text: str, *, where: str = "") -> Self:
        """Read the text form; `where` names the file in messages."""
        where = where or f"{cls.kind}.yaml"
        found = load_yaml(text, where=where)
        if not isinstance(found, dict):
            msg = (
                f"{where} holds no fields. Its first line must be schema: {cls.kind}/{cls.version}."
            )
            raise DocumentError(msg)
        check_schema(found.pop("schema", None), cls.kind, cls.version, where)
        return cls.from_body(found, where=where)


def check_schema(stated: Any, kind: str, version: int, where: str) -> None:
    """Refuse text of another kind or of a newer version than this package knows."""
    name, _slash, number = str(stated).partition("/")
    if name != kind or not number.isdigit():
        msg = f"{where}: schema is {stated!r}; {kind}/{version} was needed in its first line."
        raise DocumentError(msg)
    if int(number) > version:
        msg = (
            f"{where} is written in {stated}, newer than this package knows ({kind}/{version}). "
            "Update journey-widgets to read it."
        )
        raise DocumentError(msg)


def _explain(error: ValidationError, model: type[BaseModel], where: str) -> str:
    faults = error.errors()
    lines = []
    for fault in faults[:3]:
        path = ".".join(str(p) for p in fault["loc"])
        if fault["type"] == "extra_forbidden":
            known = _fields_at(model, fault["loc"][:-1])
            lines.append(f"{path} is no known field. {did_you_mean(str(fault['loc'][-1]), known)}")
        elif fault["type"] == "missing":
            lines.append(f"{path} is missing.")
        else:
            said = fault["msg"].removeprefix("Value error, ")
            value = repr(fault["input"])
            shown = f"; found {value if len(value) < 60 else value[:57] + '…'}" if path else ""
            lines.append(f"{path or 'the document'}: {said}{shown}.")
    more = f" (and {len(faults) - 3} more)" if len(faults) > 3 else ""
    return f"{where}: {' '.join(lines)}{more}"


def _fields_at(model: type[BaseModel], path: tuple[int | str, ...]) -> list[str]:
    """Return the field names of the part at `path`, for a suggestion; the top level if unsure."""
    current: Any = model
    for step in path:
        if isinstance(step, int):
            continue
        annotation = current.model_fields[step].annotation if step in current.model_fields else None
        inner = [
            a for a in getattr(annotation, "__args__", (annotation,)) if hasattr(a, "model_fields")
        ]
        if not inner:
            return []
        current = inner[0]
    return list(current.model_fields)


class _Loader(yaml.SafeLoader):
    """YAML 1.2 words only, no aliases, no duplicate keys, no deep nesting."""

    depth = 0

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]
            msg = f"line {mark.line + 1}: aliases (*name) are not allowed; write the value out"
            raise yaml.YAMLError(msg)
        self.depth += 1
        if self.depth > MAX_DEPTH:
            msg = f"it is nested deeper than {MAX_DEPTH} levels"
            raise yaml.YAMLError(msg)
        node = super().compose_node(parent, index)
        self.depth -= 1
        return node

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Hashable, Any]:
        seen: dict[Any, int] = {}
        for key_node, _value in node.value:
            key, line = key_node.value, key_node.start_mark.line + 1
            if not isinstance(key, str):
                msg = f"line {line}: a key must be a word"
                raise yaml.YAMLError(msg)
            if key in seen:
                msg = (
                    f"line {line}: {key!r} was given before, in line {seen[key]}; keep one of them"
                )
                raise yaml.YAMLError(msg)
            seen[key] = line
        return super().construct_mapping(node, deep=deep)


_Loader.yaml_implicit_resolvers = {}
for _tag, _pattern, _first in (
    ("tag:yaml.org,2002:bool", r"^(?:true|false)$", "tf"),
    ("tag:yaml.org,2002:null", r"^(?:null|~|)$", "n~\0"),
    ("tag:yaml.org,2002:int", r"^[-+]?(?:0|[1-9][0-9]*)$", "-+0123456789"),
    (
        "tag:yaml.org,2002:float",
        r"^[-+]?(?:[0-9]+\.[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?$",
        "-+.0123456789",
    ),
):
    _Loader.add_implicit_resolver(
        _tag, re.compile(_pattern), [c if c != "\0" else "" for c in _first]
    )


class _Dumper(yaml.SafeDumper):
    def ignore_aliases(self, data: Any) -> bool:
        return True

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> Any:
        del indentless
        return super().increase_indent(flow, False)


def _dump_text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    """Quote what some reader of YAML would take for something else than text."""
    quoted = _WORDS_OF_OTHERS.match(text) or text != text.strip()
    style = '"' if quoted else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _dump_text)


def load_yaml(text: str, *, where: str) -> Any:
    """Return the plain values of a YAML text, or raise one `DocumentError` in words."""
    if len(text.encode("utf-8", "replace")) > MAX_BYTES:
        msg = f"{where} is larger than {MAX_BYTES:,} bytes. No document of this kind is."
        raise DocumentError(msg)
    try:
        return yaml.load(text, Loader=_Loader)  # noqa: S506 - a SafeLoader with fewer rights
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f", line {mark.line + 1}" if mark else ""
        msg = f"{where}{place} is not valid YAML: {error.problem or error.context}."
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        msg = f"{where}, {error}." if str(error).startswith("line") else f"{where}: {error}."
    raise DocumentError(msg) from None


def canonical_json(body: Any) -> str:
    """Return the one JSON text of plain values that is stored and hashed."""
    return json.dumps(
        body, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False
    )
