"""The cross-impact document as CSV: facts in the first lines, then one line a judgement."""

import csv
import io
from collections.abc import Callable, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any, Final

from journey_widgets.documents import check_schema, slug
from journey_widgets.errors import DocumentError
from journey_widgets.safe import csv_text, from_csv_text
from journey_widgets.textfiles import csv_records

if TYPE_CHECKING:
    from journey_widgets.cross_impact.document import Cells, CrossImpact, Intervention

COLUMNS: Final = ("rater", "source", "target", "value", "confidence", "reason")
NEEDED: Final = ("source", "target", "value")
FACTOR: Final = ("id", "label", "satisfaction", "retention", "advocacy")
RATER: Final = ("id", "label", "handed_in")
INTERVENTION: Final = (
    "id", "label", "owner", "kpi", "effort", "expected_effect", "starts", "ends", "status", "changes", "note",
)  # fmt: skip
CONSENSUS: Final = "consensus"
SQUARE: Final = (
    "It looks like a square sheet: names across the top and down the side. Say which way influence runs: "
    "CrossImpact.from_square(path, influence='row') where the name at the left acts on the one above, "
    "influence='column' where the one above acts on the one at the left."
)


def to_text(document: "CrossImpact") -> str:
    """Return the canonical CSV form of a document."""
    lines = io.StringIO()
    write = csv.writer(lines, lineterminator="\n").writerow
    write(["# schema", f"{document.kind}/{document.version}"])
    write(["# label", csv_text(document.label)])
    if document.blind:
        write(["# blind", "yes"])
    for f in document.factors:
        write(
            _trimmed(
                ["# factor", f.id, csv_text(f.label), *(_number(getattr(f, n)) for n in FACTOR[2:])]
            )
        )
    for o in document.outcomes:
        write(["# outcome", o.id, csv_text(o.label)])
    for r in document.raters:
        write(_trimmed(["# rater", r.id, csv_text(r.label), "yes" if r.handed_in else ""]))
    for i in document.interventions:
        write(_trimmed(["# intervention", *_intervention(i)]))
    write(COLUMNS)
    for rater, cells in (
        *((r.id, r.cells) for r in document.raters),
        (CONSENSUS, document.consensus),
    ):
        for source, row in cells.items():
            for target, j in row.items():
                value = j.value if isinstance(j.value, str) else _number(j.value)
                write([rater, source, target, value, j.confidence or "", csv_text(j.reason or "")])
    return lines.getvalue()


def _intervention(one: "Intervention") -> list[str]:
    changes = "; ".join(f"{t}={_number(c)}" for t, c in one.changes.items())
    return [
        one.id, csv_text(one.label), one.owner or "", one.kpi or "", _number(one.effort),
        _number(one.expected_effect), one.starts.isoformat() if one.starts else "",
        one.ends.isoformat() if one.ends else "", one.status, changes, csv_text(one.note or ""),
    ]  # fmt: skip


def _number(value: float | None) -> str:
    if value is None:
        return ""
    return str(int(value)) if float(value).is_integer() else repr(float(value))


def _trimmed(line: list[str]) -> list[str]:
    while line and not line[-1]:
        line.pop()
    return line


def read(text: str, where: str) -> dict[str, Any]:
    """Return the plain values of a document from its CSV form, or from a list of judgements of other origin."""
    lines = csv_records(text.removeprefix("\ufeff"), where)
    facts: list[list[str]] = []
    while lines and lines[0][0].startswith("# "):
        line = lines.pop(0)
        facts.append([line[0][2:].strip(), *(from_csv_text(v.strip()) for v in line[1:])])
    own = any(f[0] == "schema" for f in facts)
    if facts and not own:
        msg = f"{where}: there are lines that begin with #, and none is # schema,cross_impact/1. Put it first."
        raise DocumentError(msg)
    header = [c.strip().casefold() for c in lines.pop(0)] if lines else []
    twice = next((c for c in header if c and header.count(c) > 1), None)
    if twice is not None:
        msg = f"{where}: column {twice!r} occurs twice. Rename or merge them."
        raise DocumentError(msg)
    missing = [c for c in NEEDED if c not in header]
    strange = [c for c in header if c and c not in COLUMNS]
    if missing or strange:
        square = f" {SQUARE}" if not own and len(header) > 2 else ""
        msg = (
            f"{where}: the columns {', '.join(COLUMNS)} were needed (rater, confidence and reason may be left out); "
            f"found {', '.join(header) or 'none'}.{square}"
        )
        raise DocumentError(msg)
    rows = [_judgement(header, line, f"{where}, judgement {n}") for n, line in enumerate(lines, 1)]
    body = _facts(facts, where) if own else _named(rows)
    return _with_cells(body, rows, where)


def _judgement(header: Sequence[str], line: Sequence[str], where: str) -> dict[str, Any]:
    if len(line) > len(header) and any(v.strip() for v in line[len(header) :]):
        msg = f"{where}: {len(line)} cells, but the header names {len(header)}. Check its commas."
        raise DocumentError(msg)
    row = dict(zip(header, (from_csv_text(v.strip()) for v in line), strict=False))
    lacking = next((c for c in NEEDED if not row.get(c)), None)
    if lacking is not None:
        msg = f"{where}: {lacking} is blank. Fill it, or remove the line: a relation that was not judged has no line."
        raise DocumentError(msg)
    sure = row.get("confidence", "").casefold()
    return {**row, "confidence": sure, "value": _value(row["value"], where), "where": where}


def _value(text: str, where: str) -> Any:
    if text in ("?", "P", "p"):
        return text.upper()
    return _as_number(text, f"{where}: value")


def _as_number(text: str, where: str) -> float:
    try:
        return float(text.replace("−", "-").replace(",", "."))
    except ValueError:
        msg = f"{where} is {text!r}; a number was needed, such as -2 or 1.5."
        raise DocumentError(msg) from None


def _facts(facts: list[list[str]], where: str) -> dict[str, Any]:
    """Return what the first lines say; an unknown or half line is refused."""
    body: dict[str, Any] = {"factors": [], "outcomes": [], "raters": [], "interventions": []}
    schema = next(f for f in facts if f[0] == "schema")
    check_schema([*schema, ""][1], "cross_impact", 1, where)
    for name, *values in facts:
        given = f"{where}: # {name}"
        # A spreadsheet pads every line to the same width.
        filled = _trimmed(values)
        if name == "schema":
            continue
        if name == "label" and filled:
            body["label"] = filled[0]
        elif name == "blind":
            body["blind"] = _yes("".join(filled[:1]), given)
        elif name == "factor":
            part = _part(FACTOR, filled, given)
            body["factors"].append(_typed(part, given, numbers=FACTOR[2:]))
        elif name == "outcome":
            body["outcomes"].append(_part(("id", "label"), filled, given))
        elif name == "rater":
            part = _part(RATER, filled, given)
            if "handed_in" in part:
                part["handed_in"] = _yes(part["handed_in"], given)
            body["raters"].append(part)
        elif name == "intervention":
            part = _typed(
                _part(INTERVENTION, filled, given), given, numbers=("effort", "expected_effect")
            )
            if "changes" in part:
                part["changes"] = _changes(part["changes"], given)
            if "status" in part:
                part["status"] = part["status"].casefold()
            for name_ in ("starts", "ends"):
                if name_ in part:
                    _check_day(part[name_], f"{given}: {name_}")
            body["interventions"].append(part)
        else:
            known = "schema, label, blind, factor, outcome, rater and intervention"
            msg = (
                f"{where}: there is no line # {name} with {len(filled)} values; {known} are known."
            )
            raise DocumentError(msg)
    return body


def _part(names: Sequence[str], values: Sequence[str], where: str) -> dict[str, Any]:
    if len(values) < 2 or len(values) > len(names):
        msg = f"{where}: {', '.join(names)} was needed, at least the first two; found {', '.join(values) or 'nothing'}."
        raise DocumentError(msg)
    return {n: v for n, v in zip(names, values, strict=False) if v}


def _typed(part: dict[str, Any], where: str, *, numbers: Sequence[str]) -> dict[str, Any]:
    return {k: _as_number(v, f"{where}: {k}") if k in numbers else v for k, v in part.items()}


def _yes(text: str, where: str) -> bool:
    if text.casefold() not in ("yes", "no", ""):
        msg = f"{where} is {text!r}; yes or no was needed."
        raise DocumentError(msg)
    return text.casefold() == "yes"


def _check_day(text: str, where: str) -> None:
    try:
        date.fromisoformat(text)
    except ValueError:
        msg = f"{where} is {text!r}; a day such as 2026-06-01 was needed."
        raise DocumentError(msg) from None


def _changes(text: str, where: str) -> dict[str, float]:
    found = {}
    for part in filter(None, (p.strip() for p in text.split(";"))):
        name, _equals, value = part.partition("=")
        found[name.strip()] = _as_number(value.strip(), f"{where}: change of {name.strip()}")
    return found


def _named(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Name the parts of a list of other origin, and put ids in place of its labels.

    What acts on something is a factor; what is only acted on is an outcome.
    """
    sources = list(dict.fromkeys(r["source"] for r in rows))
    targets = [t for t in dict.fromkeys(r["target"] for r in rows) if t not in set(sources)]
    taken: set[str] = {CONSENSUS}
    name = _namer(taken)
    factors = {s: name(s) for s in sources}
    outcomes = {t: name(t) for t in targets}
    raters = {
        w: name(w)
        for w in dict.fromkeys(r.get("rater") or "Rater 1" for r in rows)
        if w.casefold() != CONSENSUS
    }
    ids = {**factors, **outcomes}
    for row in rows:
        row["rater"] = raters.get(row.get("rater") or "Rater 1", CONSENSUS)
        row["source"], row["target"] = ids[row["source"]], ids[row["target"]]
    return {
        "factors": [{"id": i, "label": n} for n, i in factors.items()],
        "outcomes": [{"id": i, "label": n} for n, i in outcomes.items()],
        "raters": [{"id": i, "label": n} for n, i in raters.items()],
    }


def _namer(taken: set[str]) -> Callable[[str], str]:
    def name(label: str) -> str:
        found = slug(label, taken)
        taken.add(found)
        return found

    return name


def _with_cells(body: dict[str, Any], rows: list[dict[str, Any]], where: str) -> dict[str, Any]:
    cells: dict[str, Cells | dict[str, Any]] = {r["id"]: {} for r in body.get("raters", [])}
    cells[CONSENSUS] = {}
    alone = next(iter(cells)) if len(cells) == 2 else ""
    for row in rows:
        rater = row.get("rater") or alone
        if rater not in cells:
            msg = f"{row['where']}: there is no line # rater,{rater},NAME above. Add one, or correct the rater."
            raise DocumentError(msg)
        line: dict[str, Any] = cells[rater].setdefault(row["source"], {})
        if row["target"] in line:
            place = f"{row['source']} on {row['target']}"
            msg = f"{row['where']}: {rater} judged {place} before. Keep one of the two lines."
            raise DocumentError(msg)
        line[row["target"]] = {
            k: row[k] for k in ("value", "confidence", "reason") if row.get(k) not in (None, "")
        }
    for r in body.get("raters", []):
        r["cells"] = cells[r["id"]]
    del where
    return {**body, "consensus": cells[CONSENSUS]}
