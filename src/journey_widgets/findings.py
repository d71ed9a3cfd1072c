"""Finding: the one form in which every check of the product says what it saw."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal

import pandas as pd

Severity = Literal["error", "warn", "info"]
SEVERITIES: tuple[Severity, ...] = ("error", "warn", "info")
WORDS: Mapping[Severity, str] = MappingProxyType(
    {"error": "Error", "warn": "Warning", "info": "Note"}
)
COLUMNS = (
    "severity",
    "code",
    "scope",
    "touchpoint",
    "role",
    "message",
    "question",
    "fix",
    "authority",
    "acknowledged",
)


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One observation about a document or its evidence.

    Attributes
    ----------
    code
        Stable rule code, such as ``"ROW-01"``.
    severity
        ``"error"``, ``"warn"`` or ``"info"``.
    scope
        What it is about: ``"cell"``, ``"row"``, ``"column"``, ``"matrix"``, ``"link"``,
        ``"evidence"`` or ``"document"``.
    ids
        The things meant, by kind: ``{"touchpoint": "setup_help", "role": "support"}``.
    message, question, fix
        What was seen; what to ask the team; what to do.
    measured, policy
        The numbers seen, and the limits they were held against.
    authority
        Who asks for the rule.
    """

    code: str
    severity: Severity
    scope: str
    message: str
    question: str = ""
    fix: str = ""
    authority: str = ""
    acknowledged: str = ""
    """Why the team lives with it, until when and who said so; blank while it is open."""
    ids: Mapping[str, str] = field(default_factory=dict)
    measured: Mapping[str, Any] = field(default_factory=dict)
    policy: Mapping[str, Any] = field(default_factory=dict)

    def about(self) -> str:
        """Return what it is about beside a touchpoint and a role: a stage, a KPI, a pair of letters …; often blank."""
        return "+".join(v for k, v in sorted(self.ids.items()) if k not in ("touchpoint", "role"))

    def to_dict(self) -> dict[str, Any]:
        """Return the finding as plain JSON values."""
        return {
            "code": self.code,
            "severity": self.severity,
            "scope": self.scope,
            "ids": dict(self.ids),
            "message": self.message,
            "question": self.question,
            "fix": self.fix,
            "measured": dict(self.measured),
            "policy": dict(self.policy),
            "authority": self.authority,
            "acknowledged": self.acknowledged,
        }


def own(
    code: str,
    severity: Severity,
    message: str,
    question: str,
    fix: str,
    scope: str = "document",
    **ids: str,
) -> Finding:
    """Return a finding of a rule of our own, in the order in which it is told."""
    return Finding(
        code=code, severity=severity, scope=scope, ids=ids, message=message, question=question, fix=fix,
        authority="own",
    )  # fmt: skip


def word(finding: Finding) -> str:
    """Return how a finding is called: its severity, or that the team lives with it."""
    return "Acknowledged" if finding.acknowledged else WORDS[finding.severity]


def to_frame(findings: Iterable[Finding]) -> pd.DataFrame:
    """Return findings as a table, one row each, in the order given.

    Columns, all str: `COLUMNS`; ``touchpoint`` and ``role`` are blank where the finding is not
    about one.
    """
    rows = [
        {
            **{name: getattr(f, name) for name in COLUMNS if hasattr(f, name)},
            "touchpoint": f.ids.get("touchpoint", ""),
            "role": f.ids.get("role", ""),
        }
        for f in findings
    ]
    return pd.DataFrame(rows, columns=list(COLUMNS)).astype("str")


def count_by_severity(findings: Iterable[Finding]) -> dict[Severity, int]:
    """Return how many open findings there are of each severity, zeros included."""
    found = [f.severity for f in findings if not f.acknowledged]
    return {severity: found.count(severity) for severity in SEVERITIES}


def sentence(findings: Iterable[Finding]) -> str:
    """Return the count in words: ``"2 errors, 1 warning, 1 acknowledged"``, or ``"No findings"``."""
    findings = list(findings)
    counts = count_by_severity(findings)
    known = sum(bool(f.acknowledged) for f in findings)
    parts = [
        f"{n} {WORDS[severity].lower()}{'s' if n > 1 else ''}"
        for severity, n in counts.items()
        if n
    ]
    parts += [f"{known} acknowledged"] if known else []
    return ", ".join(parts) or "No findings"
