"""Rules about single cells, and about the shape of the table."""

import unicodedata
from collections import Counter
from collections.abc import Iterator

from journey_widgets.findings import Finding
from journey_widgets.raci.context import Context, codes_of

REDUNDANT = (("R", "C"), ("R", "I"), ("A", "C"), ("A", "I"), ("C", "I"))
"""Stronger letter, weaker letter: who does the work need not be asked or told."""
SUPPORT = (("S", "C"), ("S", "I"))
DEPARTMENTS = frozenset(
    {
        "marketing", "sales", "support", "service", "product", "finance", "legal", "operations", "logistics",
        "it", "hr", "team", "department", "office", "management", "board", "purchasing", "procurement",
        "warehouse", "store", "website",
    }
)  # fmt: skip


def unknown_letters(context: Context) -> Iterator[Finding]:
    """CELL-01: a cell holds a code that the scheme does not know."""
    matrix = context.matrix
    for row in matrix.rows:
        for role, text in row.cells.items():
            for code in codes_of(text, matrix.scheme)[1]:
                yield context.find(
                    "CELL-01", "error", "cell", row=row, role=role, code=code, scheme=matrix.scheme,
                    letters=", ".join(matrix.letters.letters), measured={"text": text},
                )  # fmt: skip


def redundant_letters(context: Context) -> Iterator[Finding]:
    """CELL-02: a weaker letter stands beside a stronger one."""
    pairs = REDUNDANT + (SUPPORT if context.matrix.scheme == "RASCI" else ())
    for row in context.rows:
        for role, letters in row.cells.items():
            if len(letters) < 2:
                continue
            for stronger, weaker in pairs:
                if stronger in letters and weaker in letters:
                    yield context.find(
                        "CELL-02", "warn", "cell", row=row.row, role=role, stronger=stronger, weaker=weaker,
                        ids={"pair": f"{stronger}/{weaker}"},
                    )  # fmt: skip


def contradicting_letters(context: Context) -> Iterator[Finding]:
    """CELL-03: O beside another letter (CAIRO), or V beside R (RACI-VS)."""
    scheme = context.matrix.scheme
    if scheme not in ("CAIRO", "RACI-VS"):
        return
    for row in context.rows:
        for role, letters in row.cells.items():
            if scheme == "CAIRO" and "O" in letters and len(letters) > 1:
                one, others = "O", sorted(letters - {"O"})
            elif scheme == "RACI-VS" and {"V", "R"} <= letters:
                one, others = "V", ["R"]
            else:
                continue
            yield context.find(
                "CELL-03", "error", "cell", row=row.row, role=role, one=one, other=" and ".join(others)
            )  # fmt: skip


def has_rows_and_columns(context: Context) -> Iterator[Finding]:
    """TAB-01: a matrix without rows or without columns says nothing."""
    for what, there in (("rows", context.matrix.rows), ("roles", context.matrix.roles)):
        if not there:
            yield context.find("TAB-01", "error", "matrix", what=what)


def named_once(context: Context) -> Iterator[Finding]:
    """TAB-02 and TAB-03: rows and roles have names, and different ones."""
    rows = [(r.label, {"touchpoint": r.touchpoint}) for r in context.matrix.rows]
    roles = [(r.label, {"role": r.id}) for r in context.matrix.roles]
    for what, parts in (("The row", rows), ("The role", roles)):
        names = [_folded(label) for label, _ids in parts]
        counts = Counter(names)
        told = set()
        for number, ((label, ids), name) in enumerate(zip(parts, names, strict=True), start=1):
            if not name:
                yield context.find("TAB-03", "error", "matrix", ids=ids, what=what, number=number)
            elif counts[name] > 1 and name not in told:
                told.add(name)
                yield context.find(
                    "TAB-02", "error", "matrix", ids=ids, what=what, label=label, count=counts[name],
                    measured={"count": counts[name]},
                )  # fmt: skip


def _folded(label: str) -> str:
    """Return a label as people would compare it: no invisible characters, one case, one form."""
    plain = unicodedata.normalize("NFKC", label)
    seen = "".join(c for c in plain if unicodedata.category(c) not in {"Cf", "Cc"})
    return " ".join(seen.split()).casefold()


def known_elsewhere(context: Context) -> Iterator[Finding]:
    """TAB-04 and TAB-05: rows are touchpoints of the journey, columns roles of the register."""
    if context.journey is not None:
        known = {t.id for t in context.journey.touchpoints}
        for row in context.matrix.rows:
            if row.touchpoint not in known:
                yield context.find("TAB-04", "error", "row", row=row)
    if context.roles is not None:
        registered = {r.id for r in context.roles.roles}
        for role in context.matrix.roles:
            if role.id not in registered:
                yield context.find("TAB-05", "error", "column", role=role.id)


def rows_name_work(context: Context) -> Iterator[Finding]:
    """TAB-06 (off by default): a row is called like a department and not like work."""
    if not context.policy.name_the_work:
        return
    for row in context.matrix.rows:
        words = _folded(row.label).split()
        if words and all(w in DEPARTMENTS for w in words):
            yield context.find("TAB-06", "warn", "row", row=row)
