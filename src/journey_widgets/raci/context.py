"""What a rule looks at: the matrix read once, and the documents beside it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from journey_widgets.findings import Finding, Severity
from journey_widgets.journey.document import Journey
from journey_widgets.raci.document import MatrixRow, RaciMatrix
from journey_widgets.raci.policy import Links, RaciPolicy
from journey_widgets.raci.schemes import SCHEMES, read_cell
from journey_widgets.raci.texts import TEXTS
from journey_widgets.roles import RoleRegister


@lru_cache(maxsize=4_096)
def codes_of(text: str, scheme: str) -> tuple[frozenset[str], tuple[str, ...]]:
    """Return the letters of a cell that the scheme knows, and the codes it does not; equal texts are read once."""
    return read_cell(text, SCHEMES[scheme])


def letters_of(text: str, scheme: str) -> frozenset[str]:
    """Return the letters of a cell that the scheme knows."""
    return codes_of(text, scheme)[0]


@dataclass(frozen=True)
class Row:
    """A row of the matrix with its cells read."""

    row: MatrixRow
    cells: Mapping[str, frozenset[str]]
    """Role id → letters, of the cells that hold any, in column order."""

    def involved(self) -> int:
        """Return how many roles are involved; to be out of the loop on purpose is not to be."""
        return sum(letters != {"O"} for letters in self.cells.values())

    def holders(self, letter: str | None) -> list[str]:
        """Return the ids of the roles that hold a letter, in column order."""
        return [role for role, letters in self.cells.items() if letter in letters]


@dataclass(frozen=True)
class Context:
    """What a rule may look at."""

    matrix: RaciMatrix
    journey: Journey | None
    roles: RoleRegister | None
    policy: RaciPolicy
    links: Links
    rows: list[Row] = field(default_factory=list)
    labels: dict[str, str] = field(default_factory=dict)
    """Role id → label, of the columns of the matrix."""

    @classmethod
    def of(
        cls, matrix: RaciMatrix, journey: Journey | None, roles: RoleRegister | None,
        policy: RaciPolicy, links: Links,
    ) -> "Context":  # fmt: skip
        """Read the matrix."""
        rows = []
        for row in matrix.rows:
            read = {r: letters_of(text, matrix.scheme) for r, text in row.cells.items()}
            rows.append(Row(row, {r: letters for r, letters in read.items() if letters}))
        labels = {r.id: r.label for r in matrix.roles}
        return cls(matrix, journey, roles, policy, links, rows, labels)

    @property
    def accountable(self) -> str | None:
        """The letter exactly one role of a row holds; in DACI the approver's."""
        return "A" if self.matrix.scheme == "DACI" else self.matrix.letters.accountable

    @property
    def responsible(self) -> str | None:
        """The letter of those who do the work; in DACI the driver's."""
        return "D" if self.matrix.scheme == "DACI" else self.matrix.letters.responsible

    def deciding(self) -> list[str]:
        """Return the letters that mean doing the work or answering for it."""
        return [x for x in (self.responsible, self.accountable) if x]

    def column(self, role: str) -> Iterator[frozenset[str]]:
        """Return the letters of a role, row by row, where it has any."""
        for row in self.rows:
            if role in row.cells:
                yield row.cells[role]

    def named(self, roles: list[str]) -> str:
        """Return the labels of roles, joined by commas."""
        return ", ".join(self.labels.get(r, r) for r in roles)

    def find(
        self, code: str, severity: Severity, scope: str, /, *, row: MatrixRow | None = None,
        role: str | None = None, measured: Mapping[str, object] | None = None,
        policy: Mapping[str, object] | None = None, ids: Mapping[str, str] | None = None,
        **words: object,
    ) -> Finding:  # fmt: skip
        """Return a finding in the words of its rule."""
        text = TEXTS[code]
        if row is not None:
            words["row"] = row.label
        if role is not None:
            words.setdefault("role", self.labels.get(role, role))
        about = {"touchpoint": row.touchpoint} if row is not None else {}
        about |= {"role": role} if role is not None else {}
        return Finding(
            code=code,
            severity=self.policy.severity(code, severity),
            scope=scope,
            ids={**about, **(ids or {})},
            message=text.message.format(**words),
            question=text.question.format(**words),
            fix=text.fix.format(**words),
            authority=text.authority,
            measured=measured or {},
            policy=policy or {},
        )
