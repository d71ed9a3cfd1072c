"""Descriptors, their variants and how these promote each other (CIB): a document, and ScenarioWizard's files.

The layouts are those of files written by ScenarioWizard 3.0 and 4.0 (Stockholm Environment Institute, cibsa).
"""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Self

import pandas as pd
from pydantic import Field, field_validator, model_validator

from journey_widgets.cross_impact.scenarios import as_cib, balance_of
from journey_widgets.definition import defined
from journey_widgets.documents import Document, Id, Label, Part, slug
from journey_widgets.errors import DocumentError
from journey_widgets.textfiles import check_file, write_text


class Variant(Part):
    """One state a descriptor can be in."""

    id: Id
    label: Label


class Descriptor(Part):
    """Something whose state is open: staffing, returns policy, satisfaction."""

    id: Id
    label: Label
    variants: tuple[Variant, ...] = Field(min_length=1)


class Futures(Document):
    """Which states of which descriptors there are, and what each says of the others.

    `promotes` holds descriptor → variant → descriptor → variant → a whole number, negative where it hinders;
    what is not there is 0.
    """

    kind: ClassVar[str] = "futures"
    version: ClassVar[int] = 1

    label: Label = "Futures"
    descriptors: tuple[Descriptor, ...] = ()
    promotes: dict[Id, dict[Id, dict[Id, dict[Id, int]]]] = Field(default_factory=dict)

    @field_validator("promotes", mode="before")
    @classmethod
    def _without_zeros(cls, given: Any) -> Any:
        return _pruned(given)

    @model_validator(mode="after")
    def _shape(self) -> Self:
        ids = [d.id for d in self.descriptors]
        twice = next((i for i in ids if ids.count(i) > 1), None)
        if twice:
            msg = f"descriptors: {twice!r} is given twice; rename one of them"
            raise ValueError(msg)
        known = {d.id: [v.id for v in d.variants] for d in self.descriptors}
        for one, variants in known.items():
            twice = next((v for v in variants if variants.count(v) > 1), None)
            if twice:
                msg = (
                    f"descriptor {one!r}: the variant {twice!r} is given twice; rename one of them"
                )
                raise ValueError(msg)
        for source, rows in self.promotes.items():
            for variant, targets in rows.items():
                for target, values in targets.items():
                    places = [(source, variant), *((target, v) for v in values)]
                    lost = next((p for p in places if p[1] not in known.get(p[0], ())), None)
                    if lost:
                        msg = (
                            f"promotes: there is no variant {lost[1]!r} of a descriptor {lost[0]!r}"
                        )
                        raise ValueError(msg)
        return self

    def to_cib(self) -> dict[str, Any]:
        """Return descriptors and matrix as `consistent_scenarios` takes them, by label."""
        places = [(d.id, v.id) for d in self.descriptors for v in d.variants]
        matrix = [
            [self.promotes.get(d, {}).get(v, {}).get(e, {}).get(w, 0) for e, w in places]
            for d, v in places
        ]
        named = [
            {"name": d.label, "variants": [v.label for v in d.variants]} for d in self.descriptors
        ]
        return {"descriptors": named, "matrix": matrix}

    @classmethod
    def from_cib(cls, cib: Any, *, label: str = "Futures") -> Self:
        """Make the document from what `consistent_scenarios` takes."""
        checked = as_cib(cib)
        taken: set[str] = set()
        descriptors: list[dict[str, Any]] = []
        for name, variants in zip(checked.descriptors, checked.variants, strict=True):
            one = slug(name, taken)
            taken.add(one)
            known: set[str] = set()
            parts = []
            for variant in variants:
                v = slug(variant, known)
                known.add(v)
                parts.append({"id": v, "label": variant})
            descriptors.append({"id": one, "label": name, "variants": parts})
        places = [(d["id"], v["id"]) for d in descriptors for v in d["variants"]]
        promotes: dict[str, Any] = {}
        for (d, v), row in zip(places, checked.matrix.tolist(), strict=True):
            for (e, w), value in zip(places, row, strict=True):
                if value:
                    promotes.setdefault(d, {}).setdefault(v, {}).setdefault(e, {})[w] = value
        body = {"label": label, "descriptors": descriptors, "promotes": promotes}
        return cls.from_body(body, where="the matrix")


def _pruned(given: Any) -> Any:
    """Leave out zeros and what holds nothing else, so that equal judgements are equal text."""
    if not isinstance(given, Mapping):
        return given
    kept = {k: _pruned(v) for k, v in given.items()}
    return {k: v for k, v in kept.items() if v != {} and (v != 0 or isinstance(v, bool))}


# --- ScenarioWizard -------------------------------------------------------------------------------


def read_scw(path: str | Path) -> Futures:
    """Read a project of ScenarioWizard (``.scw``): descriptors, variants and the matrix.

    Colours and comments are of no use here and stay in the file. A long name, where one is given, is the label.
    """
    path = Path(path)
    lines = _read(path)
    if not lines or not lines[0].startswith("$"):
        msg = f"{path.name} is no ScenarioWizard project: its first line must begin with $."
        raise DocumentError(msg)
    parts = _sections(lines[2:])
    if len(parts) < 6:
        msg = f"{path.name} ends early: {len(parts)} of the 6 parts up to the matrix were found."
        raise DocumentError(msg)
    names = _names(parts[0], path.name)
    long = _long_names(parts[1], names)
    descriptors = [
        {"name": one or short, "variants": [w or v for v, w in zip(variants, more, strict=True)]}
        for (short, variants), (one, more) in zip(names, long, strict=True)
    ]
    rows = []
    for number, line in enumerate(filter(str.strip, parts[5]), start=1):
        try:
            rows.append([int(v) for v in line.split(",")])
        except ValueError:
            msg = f"{path.name}, matrix row {number}: {line.strip()[:60]!r}; whole numbers split by commas were needed."
            raise DocumentError(msg) from None
    title = lines[1].strip().removesuffix(".scw") if len(lines) > 1 else ""
    return Futures.from_cib({"descriptors": descriptors, "matrix": rows}, label=title or path.stem)


def write_scw(futures: Futures, path: str | Path) -> None:
    """Write a project that ScenarioWizard opens: ids as short names, labels as long ones."""
    if not futures.descriptors:
        msg = "There is no descriptor to write. Add at least one, with its variants."
        raise DocumentError(msg)
    matrix = futures.to_cib()["matrix"]
    many = [len(d.variants) for d in futures.descriptors]
    lines = ["$ ScenarioWizard 4.0", futures.label]
    for d in futures.descriptors:
        lines += [f"&{d.id}", *(f" -{v.id}" for v in d.variants)]
    lines.append("#")
    for d in futures.descriptors:
        lines += [f"&{d.label}", *(f" {v.label}" for v in d.variants)]
    lines += ["#", "#", *["FFFFFF"] * sum(many), "#", "#"]
    lines += [",".join(f"{v:2d} " for v in row) for row in matrix]
    lines += ["#", "# 0-0", '""']
    labels = [d.label for d in futures.descriptors]
    for label in labels:
        lines += [f"# {label}", '""']
    for one in labels:
        for other in labels:
            lines += [f"# {one} -> {other}", '""']
    write_text(Path(path), "\n".join([*lines, "#", "#"]) + "\n")


def read_sl(path: str | Path, futures: Any = None) -> pd.DataFrame:
    """Read a solution set of ScenarioWizard (``.sl``).

    Parameters
    ----------
    path
        The file.
    futures
        What it is a solution of, to name the variants (`Futures`, or as `consistent_scenarios` takes it).

    Returns
    -------
    pandas.DataFrame
        Columns: ``scenario`` (tuple of int, from 1), ``variants`` (tuple of str, with `futures`), ``weight``
        (int64, of the program's own succession), ``consistency_value`` and ``total_impact_score`` (int64),
        ``comment`` (str).
    """
    path = Path(path)
    lines = _read(path)
    if not lines or not lines[0].startswith("$"):
        msg = f"{path.name} is no ScenarioWizard solution set: its first line must begin with $."
        raise DocumentError(msg)
    cib = None if futures is None else as_cib(futures)
    rows = []
    for number, line in enumerate(lines, start=1):
        if not line.startswith('"'):
            continue
        found = _SOLUTION.fullmatch(line.strip())
        if found is None:
            msg = f'{path.name}, line {number}: {line[:60]!r}; a solution such as " 2 1 3",12,0,0,9,"" was needed.'
            raise DocumentError(msg)
        scenario = tuple(int(v) for v in found["scenario"].split())
        if cib is not None and (
            len(scenario) != len(cib.sizes)
            or any(not 1 <= v <= n for v, n in zip(scenario, cib.sizes, strict=True))
        ):
            many = ", ".join(map(str, cib.sizes))
            msg = f"{path.name}, line {number}: {scenario} is no scenario of descriptors with {many} variants."
            raise DocumentError(msg)
        rows.append(
            {
                "scenario": scenario,
                **(
                    {
                        "variants": tuple(
                            v[s - 1] for v, s in zip(cib.variants, scenario, strict=True)
                        )
                    }
                    if cib
                    else {}
                ),
                "weight": int(found["weight"]),
                "consistency_value": int(found["consistency"]),
                "total_impact_score": int(found["score"]),
                "comment": found["comment"],
            }
        )
    stated = next((int(line) for line in lines[1:] if line.strip().isdigit()), None)
    if stated is None:
        msg = f"{path.name} does not say how many solutions it holds. Export it again."
        raise DocumentError(msg)
    if stated != len(rows):
        msg = f"{path.name} says it holds {stated} solutions; {len(rows)} were found. Export it again."
        raise DocumentError(msg)
    columns = [
        "scenario",
        *(["variants"] if cib else []),
        "weight",
        "consistency_value",
        "total_impact_score",
        "comment",
    ]
    return defined(
        pd.DataFrame(rows, columns=columns),
        f"As {path.name} says it; weights are of its own succession.",
    )


def write_sl(scenarios: pd.DataFrame, futures: Any, path: str | Path) -> None:
    """Write scenarios as a solution set that ScenarioWizard opens.

    Parameters
    ----------
    scenarios
        A table with a column ``scenario``, as of `consistent_scenarios`; a column ``weight`` is written too.
    futures
        What they are scenarios of; scores are worked out anew from it.
    """
    if "scenario" not in scenarios.columns:
        found = ", ".join(map(str, scenarios.columns))
        msg = f"A column scenario was needed, as of consistent_scenarios; found {found}."
        raise DocumentError(msg)
    lines = ["$ ScenarioWizard 3.0", "Solution set", f" {len(scenarios)} ", ""]
    weights = scenarios["weight"].fillna(0) if "weight" in scenarios else [0] * len(scenarios)
    for scenario, weight in zip(scenarios["scenario"], weights, strict=True):
        balance = balance_of(futures, scenario)
        score = sum(scores[v - 1] for scores, v in zip(balance, scenario, strict=True))
        leads = [
            scores[v - 1] - max(scores[: v - 1] + scores[v:])
            for scores, v in zip(balance, scenario, strict=True)
            if len(scores) > 1
        ]
        least = min(leads, default=0)
        lines.append(f'" {" ".join(map(str, scenario))}",{int(weight)},{least},0,{score},""')
    write_text(Path(path), "\n".join(lines) + "\n")


_SOLUTION = re.compile(
    r'"(?P<scenario>[\d ]+)",(?P<weight>\d+),(?P<consistency>-?\d+),-?\d+,(?P<score>-?\d+),"(?P<comment>.*)"'
)


def _read(path: Path) -> list[str]:
    """Return the lines of a file of ScenarioWizard, which writes the Windows code page."""
    check_file(path)
    data = path.read_bytes()
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("cp1252", "replace")
    return re.split(r"\r\n|\r|\n", text)


def _sections(lines: Sequence[str]) -> list[list[str]]:
    """Return what stands between lines that begin with #."""
    parts: list[list[str]] = [[]]
    for line in lines:
        if line.startswith("#"):
            parts.append([])
        else:
            parts[-1].append(line)
    return parts


def _names(lines: Sequence[str], where: str) -> list[tuple[str, list[str]]]:
    found: list[tuple[str, list[str]]] = []
    for line in lines:
        text = line.strip()
        if text.startswith("&"):
            found.append((text[1:].strip(), []))
        elif text.startswith("-") and found:
            found[-1][1].append(text[1:].strip())
        elif text:
            msg = f"{where}: {text[:60]!r}; a descriptor (&name) or a variant of it (-name) was needed."
            raise DocumentError(msg)
    if not found or any(not n or not v or not all(v) for n, v in found):
        msg = f"{where}: every descriptor needs a name and at least one variant."
        raise DocumentError(msg)
    return found


def _long_names(
    lines: Sequence[str], names: Sequence[tuple[str, list[str]]]
) -> list[tuple[str, list[str]]]:
    """Return the long names, blank where there are none or their layout is another."""
    found: list[tuple[str, list[str]]] = []
    for line in lines:
        if line.startswith("&"):
            found.append((line[1:].strip(), []))
        elif found:
            found[-1][1].append(line.strip())
    fits = [len(v) for _n, v in found] == [len(v) for _n, v in names]
    distinct = all(len({w for w in v if w}) == sum(map(bool, v)) for _n, v in found)
    if not fits or not distinct:
        return [("", [""] * len(v)) for _n, v in names]
    return found
